//! Closing a case with real keys: `ssh-keygen`, `ssh-agent`, `openssl ts`, and readers of other people.
//! What must count counts, and everything that was moved, edited, outdated or made by somebody else
//! is named and does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::sealing::{can, repair, tool};
use crate::support::world::{Ran, World};

const POLICY: &str = "\
policy: signed
title: A file is there, and two people stand by it
criteria:
  - id: K-1
    title: the file is there
    require: { fact: subject.exists, equals: true }
  - id: K-2
    title: the next one is there too
    require: { fact: next.size_bytes, at_least: 1 B }
signatures: { seats: [executor, verifier], different: [[executor, verifier]] }
";

/// The record's future: nobody can have seen the next file yet, so somebody answers for it.
const WAIVER: &str =
    "waivers:\n  - { item: K-2, owner: verifier, reason: The next file comes tomorrow., expires: \"EXPIRES\" }\n";

struct Closing {
    world: World,
}

impl Closing {
    /// A case that is collected and rendered, with a key for each of two people and a list that
    /// knows both.
    fn new() -> Self {
        Self::with("2999-01-01T00:00:00Z")
    }

    fn with(expires: &str) -> Self {
        let closing = Self { world: World::new() };
        closing.world.write("policies/signed.yaml", POLICY);
        closing.world.write("there", "x");
        closing.key("ada", "");
        closing.key("dba", "");
        closing.allow(&[("ada", "ada"), ("dba@example.org", "dba")], "namespaces=\"evidence\"");
        closing.collect(&closing.case("{ executor: ada, verifier: dba@example.org, owner: lead }", expires));
        closing
    }

    fn case(&self, seats: &str, expires: &str) -> String {
        let there = self.world.path("there");
        let next = self.world.path("next");
        let waiver = WAIVER.replace("EXPIRES", expires);
        format!(
            "case: c\ntitle: A test\ntemplate: closure\npolicy: signed\nseats: {seats}\ncollect:\n  \
             - {{ id: subject, uses: file, with: {{ path: {} }} }}\n  - {{ id: next, uses: file, with: {{ path: {} }} }}\n{waiver}",
            there.display(),
            next.display()
        )
    }

    fn collect(&self, case: &str) {
        self.world.write("reports/c/case.yaml", case);
        let collected = self.world.run(&["collect", "c"]);
        assert!(matches!(collected.code, 0 | 3), "{}", collected.stderr);
        assert_eq!(self.world.run(&["render", "c"]).code, 0);
    }

    fn key(&self, name: &str, passphrase: &str) -> PathBuf {
        let path = self.world.path(&format!("keys/{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(made.status.success());
        path
    }

    fn public(&self, name: &str) -> String {
        fs::read_to_string(self.world.path(&format!("keys/{name}.pub"))).unwrap().trim().to_owned()
    }

    /// Writes the list of allowed signers.
    fn allow(&self, people: &[(&str, &str)], options: &str) {
        let lines = people.iter().map(|(who, key)| format!("{who} {options} {}\n", self.public(key)));
        self.world.write("allowed_signers", lines.collect::<String>());
    }

    fn sign(&self, seat: &str, key: &str) -> Ran {
        let key = self.world.path(&format!("keys/{key}"));
        self.world.run(&["sign", "c", "--seat", seat, "--key", key.to_str().unwrap()])
    }

    fn both(&self) {
        for (seat, key) in [("executor", "ada"), ("verifier", "dba")] {
            let signed = self.sign(seat, key);
            assert_eq!(signed.code, 0, "{}", signed.stderr);
        }
    }

    fn run(&self) -> PathBuf {
        self.world.run_folder("c")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.run().join("signatures").join(name)
    }

    fn verify(&self) -> Ran {
        self.world.run(&["verify", "c", "--require-signature"])
    }

    /// Verifies, and expects this exit code and these words.
    fn expect(&self, code: i32, words: &[&str]) {
        let ran = self.verify();
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        // The table wraps long lines.
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(said.contains(word), "`{word}` is not in\n{}", ran.stdout);
        }
    }

    /// Signs a seat's statement with plain `ssh-keygen`, as an outsider could.
    fn outside(&self, seat: &str, key: &str, namespace: &str) {
        let message = self.file(&format!("{seat}.json"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(self.world.path(&format!("keys/{key}")))
            .stdin(fs::File::open(message).unwrap())
            .output()
            .unwrap();
        assert!(made.status.success());
        fs::write(self.file(&format!("{seat}.sig")), made.stdout).unwrap();
    }

    /// The closing as machines read it.
    fn closing(&self) -> serde_json::Value {
        let checked = self.world.run(&["check", "c", "--json"]);
        let document: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
        document["closing"].clone()
    }

    fn reasons(&self) -> String {
        self.closing()["reasons"].as_array().unwrap().iter().map(|r| format!("{}\n", r.as_str().unwrap())).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn both_seats_sign_and_the_case_is_closed_with_notes() {
    let closing = Closing::new();
    let before = closing.world.run(&["check", "c", "--require-closed"]);
    assert_eq!(before.code, 3, "{}", before.stdout);
    assert!(before.stdout.contains("the seat executor (ada) has not signed"), "{}", before.stdout);
    let record = fs::read_to_string(closing.world.path("reports/c/record.md")).unwrap();
    assert!(
        record.contains("status: closed_with_notes") && record.contains("required: executor, verifier"),
        "{record}"
    );
    assert!(record.contains("before signatures") && !record.contains("is signed"), "{record}");
    assert_eq!(closing.verify().code, 3, "unsigned, and a signature is required");

    let one = closing.sign("executor", "ada");
    assert!(
        one.stdout.contains("closing: open")
            && one.stdout.contains("the seat verifier (dba@example.org) has not signed"),
        "{}",
        one.stdout
    );
    assert_eq!(closing.verify().code, 3, "one of two seats");
    let two = closing.sign("verifier", "dba");
    assert!(two.stdout.contains("closing: closed_with_notes"), "{}", two.stdout);
    assert!(two.stdout.contains("K-2 is waived by verifier until 2999"), "{}", two.stdout);
    closing.expect(
        0,
        &["signed by dba@example.org for the seat verifier with the key SHA256:", "closing: closed_with_notes"],
    );
    assert_eq!(closing.world.run(&["check", "c", "--require-closed"]).code, 0);
    assert_eq!(closing.closing()["seats"][1]["principal"], "dba@example.org");

    // The record is what it was: a pure function of the bundle.
    assert_eq!(fs::read_to_string(closing.world.path("reports/c/record.md")).unwrap(), record);
    let again = closing.world.command(&["render", "c", "--output", "-"]).output().unwrap();
    assert_eq!(text(&again.stdout), record);
}

/// The command that is printed after signing, run by a shell in the run's folder as it stands.
#[test]
fn the_printed_command_verifies_and_bagit_accepts_the_bag() {
    let closing = Closing::new();
    let signed = closing.world.command(&["sign", "c", "--seat", "verifier", "--key", "keys/dba"]).output().unwrap();
    let said = text(&signed.stdout);
    let command = said.lines().find(|line| line.trim().starts_with("ssh-keygen -Y verify")).unwrap().trim();
    let shell = |command: &str| Command::new("sh").args(["-c", command]).current_dir(closing.run()).output().unwrap();
    let verified = shell(command);
    assert!(verified.status.success(), "{command}: {}", text(&verified.stderr));
    assert!(text(&verified.stdout).contains("Good \"evidence\" signature for dba@example.org"));
    // The one that the record prints, too.
    let record = fs::read_to_string(closing.world.path("reports/c/record.md")).unwrap();
    let printed = record.lines().find(|line| line.contains("-s signatures/verifier.sig")).unwrap();
    assert!(shell(printed).status.success(), "{printed}");
    let statement: serde_json::Value =
        serde_json::from_slice(&fs::read(closing.file("verifier.json")).unwrap()).unwrap();
    let sum = |file: PathBuf| evidence::base::digest::Digest::of(&fs::read(file).unwrap()).to_string();
    assert_eq!(statement["bundle_sha256"], sum(closing.run().join("tagmanifest-sha256.txt")));
    assert_eq!(statement["record_sha256"], sum(closing.world.path("reports/c/record.md")));
    if let Some(bagit) = tool("bagit.py") {
        let valid = Command::new(bagit).args(["--validate", "."]).current_dir(closing.run()).output().unwrap();
        assert!(valid.status.success(), "{}", text(&valid.stderr));
    }
}

#[test]
fn a_signature_is_of_one_seat() {
    let closing = Closing::new();
    closing.both();
    // Renamed to the other seat, with its statement and without.
    for names in [&["sig", "json"][..], &["sig"]] {
        let renamed = Closing::new();
        renamed.both();
        for name in names {
            fs::copy(renamed.file(&format!("executor.{name}")), renamed.file(&format!("verifier.{name}"))).unwrap();
        }
        renamed.expect(5, &["signatures/verifier.sig: "]);
        assert!(renamed.reasons().contains("verifier.sig"), "{}", renamed.reasons());
    }
    // A statement for the right seat by the wrong person: the list knows the key, for somebody else.
    closing.outside("verifier", "ada", "evidence");
    closing.expect(5, &["wrong seat: the key is that of ada, and the case names dba@example.org for verifier"]);
    assert_eq!(closing.closing()["state"], "open");
}

#[test]
fn a_person_who_is_not_the_one_of_the_case_signs_nothing() {
    let closing = Closing::new();
    closing.both();
    // Somebody rewrites the statement in his own name and signs that.
    let statement = fs::read_to_string(closing.file("verifier.json")).unwrap();
    fs::write(closing.file("verifier.json"), statement.replace("dba@example.org", "ada")).unwrap();
    closing.outside("verifier", "ada", "evidence");
    closing.expect(5, &["wrong seat: ada signed, and the case names dba@example.org for the seat verifier"]);
}

#[test]
fn another_namespace_is_named() {
    let closing = Closing::new();
    closing.both();
    closing.outside("verifier", "dba", "git");
    closing.expect(5, &["was made in the namespace `git`, not in `evidence`"]);
}

#[test]
fn everything_edited_after_signing_is_noticed() {
    type Edit<'a> = (&'a str, &'a dyn Fn(&Closing), &'a str);
    let edits: &[Edit<'_>] = &[
        (
            "the statement",
            &|c| {
                let text = fs::read_to_string(c.file("executor.json")).unwrap();
                fs::write(c.file("executor.json"), text.replace("ada", "eve")).unwrap();
            },
            "which was edited after signing",
        ),
        (
            "the bundle, checksums repaired",
            &|c| {
                let facts = c.run().join("data/case.yaml");
                let text = fs::read_to_string(&facts).unwrap();
                fs::write(&facts, text.replace("A test", "A rest")).unwrap();
                repair(&c.run());
            },
            "was made over another bundle",
        ),
        (
            "the record",
            &|c| {
                let record = c.world.path("reports/c/record.md");
                let text = fs::read_to_string(&record).unwrap();
                fs::write(&record, text.replacen("A test", "A rest", 1)).unwrap();
            },
            "was made over another record",
        ),
        ("the signature", &|c| fs::write(c.file("executor.sig"), "no signature").unwrap(), "is no SSH signature"),
        ("a statement alone", &|c| fs::remove_file(c.file("executor.sig")).unwrap(), "signatures/executor.json: extra"),
        ("a stray file", &|c| fs::write(c.file("notes.txt"), "x").unwrap(), "signatures/notes.txt: extra"),
    ];
    for (what, edit, expected) in edits {
        let closing = Closing::new();
        closing.both();
        edit(&closing);
        eprintln!("{what}");
        closing.expect(5, &[expected]);
    }
}

#[test]
fn an_unknown_or_expired_key_is_not_established() {
    let closing = Closing::new();
    closing.key("eve", "");
    closing.both();
    closing.allow(&[("ada", "ada"), ("dba@example.org", "eve")], "namespaces=\"evidence\"");
    closing.expect(3, &["unknown signer: the list names nobody for its key"]);
    assert!(closing.reasons().contains("the signature of the seat verifier (dba@example.org) does not count"));
    closing.allow(&[("ada", "ada"), ("dba@example.org", "dba")], "namespaces=\"evidence\",valid-before=\"20250101\"");
    closing.expect(3, &["the key has expired", "2025-01-01"]);
    closing.allow(&[("ada", "ada"), ("dba@example.org", "dba")], "namespaces=\"git\"");
    closing.expect(3, &["not permitted for use in signature namespace"]);
    fs::remove_file(closing.world.path("allowed_signers")).unwrap();
    closing.expect(3, &["name your list of allowed signers"]);
}

#[test]
fn executor_and_verifier_must_differ() {
    // By name: refused before anything is read.
    let closing = Closing::new();
    closing.world.write(
        "reports/c/case.yaml",
        closing.case("{ executor: ada, verifier: ada, owner: lead }", "2999-01-01T00:00:00Z"),
    );
    let plan = closing.world.run(&["plan", "c"]);
    assert_eq!(plan.code, 2);
    assert!(plan.stderr.contains("must be different people"), "{}", plan.stderr);
    // By key: two names, one key.
    closing.allow(&[("ada", "ada"), ("dba@example.org", "ada")], "namespaces=\"evidence\"");
    closing.sign("executor", "ada");
    let signed = closing.sign("verifier", "ada");
    assert!(signed.stdout.contains("closing: open"), "{}", signed.stdout);
    assert!(closing.reasons().contains("both signed with the key SHA256:"), "{}", closing.reasons());
    // Each signature for itself is good.
    closing.expect(0, &["closing: open"]);
}

#[test]
fn an_expired_waiver_does_not_count_and_an_unused_one_is_named() {
    let expired = Closing::with("2020-01-01T00:00:00Z");
    expired.both();
    assert_eq!(expired.closing()["state"], "open");
    assert!(
        expired.reasons().contains("the waiver of K-2 by verifier expired at 2020-01-01T00:00:00Z and does not count")
    );
    expired.expect(0, &["closing: open", "K-2 is not established"]);

    let unused = Closing::new();
    unused.world.write("next", "x");
    unused.collect(&unused.case("{ executor: ada, verifier: dba@example.org, owner: lead }", "2999-01-01T00:00:00Z"));
    unused.both();
    assert_eq!(unused.closing()["state"], "closed");
    assert!(unused.closing()["warnings"][0].as_str().unwrap().contains("the item passes"));

    let unknown = Closing::new();
    let case = unknown.case("{ executor: ada, verifier: dba@example.org, owner: lead }", "2999-01-01T00:00:00Z");
    unknown.world.write("reports/c/case.yaml", case.replace("item: K-2", "item: K-3"));
    let plan = unknown.world.run(&["plan", "c"]);
    assert!(plan.code == 2 && plan.stderr.contains("`K-3` is no item of the policy"), "{}", plan.stderr);
}

#[test]
fn a_waiver_that_ends_later_opens_the_case_again() {
    let closing = Closing::new();
    closing.both();
    let trust =
        evidence::verify::Trust { allowed_signers: Some(&closing.world.path("allowed_signers")), authority: None };
    let run = closing.run();
    let bundle = evidence::seal::read(&run).unwrap();
    let at = |at: &str| evidence::verify::closing(&run, &bundle, &evidence::seal::inspect(&run), trust, at);
    assert!(at("2998-12-31T00:00:00Z").is_closed());
    let later = at("2999-01-02T00:00:00Z");
    assert!(!later.is_closed() && later.reasons[0].contains("expired at 2999-01-01"), "{:?}", later.reasons);
}

#[test]
fn signing_is_refused_when_there_is_nothing_to_stand_by() {
    let closing = Closing::new();
    let refused = |seat: &str, key: &str, words: &str| {
        let ran = closing.sign(seat, key);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    };
    refused("nobody", "ada", "no seat `nobody`");
    refused("verifier", "none", "No such file");
    let locked = closing.key("locked", "only for a test");
    let ran = closing
        .world
        .command(&["sign", "c", "--seat", "verifier", "--key"])
        .arg(&locked)
        .env("SSH_ASKPASS_REQUIRE", "never")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    closing.both();
    refused("verifier", "dba", "is there already");
    let replaced = closing.world.run(&["sign", "c", "--seat", "verifier", "--key", "keys/dba", "--replace"]);
    assert_eq!(replaced.code, 0, "{}", replaced.stderr);
    fs::write(closing.world.path("reports/c/record.md"), "---\nrun: x\n---\n").unwrap();
    let ran = closing.world.run(&["sign", "c", "--seat", "verifier", "--key", "keys/dba", "--replace"]);
    assert!(ran.code == 2 && ran.stderr.contains("not the record of the run"), "{}", ran.stderr);
    fs::remove_file(closing.world.path("reports/c/record.md")).unwrap();
    let policy = closing.run().join("data/policy.yaml");
    fs::write(&policy, fs::read_to_string(&policy).unwrap() + "# a word more\n").unwrap();
    let ran = closing.world.run(&["sign", "c", "--seat", "verifier", "--key", "keys/dba", "--replace"]);
    assert!(ran.code == 5 && ran.stderr.contains("not what was sealed"), "{}", ran.stderr);
}

#[test]
fn the_line_for_the_list_is_printed_and_works_and_nothing_is_edited() {
    let closing = Closing::new();
    closing.world.write("allowed_signers", "");
    let signed = closing.sign("verifier", "dba");
    assert!(signed.stdout.contains("not counted yet") && signed.stdout.contains("--allow"), "{}", signed.stdout);
    let private = closing.world.run(&["sign", "c", "--seat", "verifier", "--key", "keys/dba", "--allow"]).stdout;
    let public = closing.world.run(&["sign", "c", "--seat", "verifier", "--key", "keys/dba.pub", "--allow"]).stdout;
    assert!(
        private == public && private.starts_with("dba@example.org namespaces=\"evidence\" ssh-ed25519 "),
        "{private}"
    );
    assert_eq!(fs::read_to_string(closing.world.path("allowed_signers")).unwrap(), "");
    closing.world.write("allowed_signers", private);
    assert_eq!(closing.closing()["seats"][1]["key"].as_str().map(|key| &key[..7]), Some("SHA256:"));
}

/// An agent of the test's own, ended with it.
struct Agent {
    child: std::process::Child,
    socket: PathBuf,
}

impl Agent {
    fn with(folder: &Path, key: &Path) -> Self {
        let socket = folder.join("agent.sock");
        let child = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        let agent = Self { child, socket };
        while !agent.socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &agent.socket).output().unwrap();
        assert!(added.status.success(), "{}", text(&added.stderr));
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_key_in_an_agent_signs_and_attests() {
    let closing = Closing::new();
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::with(folder.path(), &closing.world.path("keys/dba"));
    // The private part lies nowhere else any more.
    fs::remove_file(closing.world.path("keys/dba")).unwrap();
    let with = |args: &[&str]| {
        closing.world.ran(closing.world.command(args).env("SSH_AUTH_SOCK", &agent.socket).output().unwrap())
    };
    let signed = with(&["sign", "c", "--seat", "verifier", "--key", "keys/dba.pub"]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let attested = with(&["attest", "c", "--seat", "verifier", "--key", "keys/dba.pub"]);
    assert_eq!(attested.code, 0, "{}", attested.stderr);
    closing.sign("executor", "ada");
    closing.expect(0, &["closing: closed_with_notes", "test-result v0.1 says WARNED"]);
    drop(agent);
    let without = closing
        .world
        .command(&["sign", "c", "--seat", "verifier", "--key", "keys/dba.pub", "--replace"])
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .unwrap();
    let without = closing.world.ran(without);
    assert!(without.code == 2 && without.stderr.contains("agent"), "{}", without.stderr);
    // A refusal takes nothing away.
    assert!(closing.file("verifier.sig").exists());
}

/// Reads an envelope with `securesystemslib`, its statement with `in-toto-attestation`, and checks
/// the signature once more with `cryptography` alone.
const READER: &str = r#"
import base64, json, sys
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from in_toto_attestation.v1.statement import Statement
import in_toto_attestation.v1.statement_pb2 as pb
from google.protobuf.json_format import Parse
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key, Encoding, PublicFormat

raw = json.load(open(sys.argv[1]))
named = raw['signatures'][0]['keyid']
public = load_ssh_public_key(open(sys.argv[2], 'rb').read())
key = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
envelope = Envelope.from_dict(json.load(open(sys.argv[1])))
trusted = SSlibKey(named, 'ed25519', 'ed25519', {'public': key.hex()})
envelope.verify([trusted], 1)
body = base64.b64decode(raw['payload'])
kind = raw['payloadType'].encode()
pae = b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(body), body)
Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(raw['signatures'][0]['sig']), pae)
statement = Statement.copy_from_pb(Parse(body, pb.Statement()))
statement.validate()
print(json.dumps({'keyid': named, 'body': json.loads(body)}))
"#;

fn read_outside(python: &Path, envelope: &Path, public: &Path) -> Output {
    Command::new(python).args(["-c", READER]).args([envelope, public]).output().unwrap()
}

#[test]
fn an_attestation_is_read_by_others_and_refused_after_an_edit() {
    let Some(python) = tool("python3") else { return };
    let known =
        Command::new(&python).args(["-c", "import securesystemslib, in_toto_attestation, cryptography"]).output();
    if !can(known.unwrap().status.success(), "readers of attestations are not installed; run tests/run.sh") {
        return;
    }
    let closing = Closing::new();
    let early = closing.world.run(&["attest", "c", "--seat", "verifier", "--key", "keys/dba"]);
    assert!(early.code == 2 && early.stderr.contains("has not signed this run"), "{}", early.stderr);
    closing.both();
    let other = closing.world.run(&["attest", "c", "--seat", "verifier", "--key", "keys/ada"]);
    assert!(other.code == 2 && other.stderr.contains("the seat verifier signed with"), "{}", other.stderr);
    let attested = closing.world.run(&["attest", "c", "--seat", "verifier", "--key", "keys/dba"]);
    assert_eq!(attested.code, 0, "{}", attested.stderr);

    let (envelope, public) = (closing.file("verifier.dsse.json"), closing.world.path("keys/dba.pub"));
    let read = read_outside(&python, &envelope, &public);
    assert!(read.status.success(), "{}", text(&read.stderr));
    let read: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    let listed = Command::new("ssh-keygen").arg("-lf").arg(&public).output().unwrap();
    assert!(text(&listed.stdout).contains(read["keyid"].as_str().unwrap()));
    let predicate = &read["body"]["predicate"];
    assert_eq!(read["body"]["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
    assert_eq!((&predicate["result"], &predicate["passedTests"][0]), (&"WARNED".into(), &"K-1".into()));
    assert_eq!((&predicate["warnedTests"][0], &predicate["failedTests"]), (&"K-2".into(), &serde_json::json!([])));
    let sum = |file: PathBuf| evidence::base::digest::Digest::of(&fs::read(file).unwrap()).to_string();
    let subject = |index: usize| read["body"]["subject"][index]["digest"]["sha256"].clone();
    assert_eq!(subject(0), sum(closing.world.path("reports/c/record.md")));
    assert_eq!(subject(1), sum(closing.run().join("tagmanifest-sha256.txt")));
    assert_eq!(predicate["configuration"][0]["digest"]["sha256"], sum(closing.run().join("data/policy.yaml")));
    closing.expect(0, &["attestations", "test-result v0.1 says WARNED"]);

    // One word of the payload: refused by others and by us.
    let text_of = fs::read_to_string(&envelope).unwrap();
    let mut raw: serde_json::Value = serde_json::from_str(&text_of).unwrap();
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let body = String::from_utf8(engine.decode(raw["payload"].as_str().unwrap()).unwrap()).unwrap();
    raw["payload"] = engine.encode(body.replace("WARNED", "PASSED")).into();
    fs::write(&envelope, raw.to_string()).unwrap();
    assert!(!read_outside(&python, &envelope, &public).status.success());
    closing.expect(5, &["its signature does not fit: it was edited after signing"]);
    fs::write(&envelope, text_of).unwrap();
    assert!(!read_outside(&python, &envelope, &closing.world.path("keys/ada.pub")).status.success());
}

/// Its own authority: a root, and a certificate that may stamp.
const AUTHORITY: &str = r#"
set -e
cat > ca.cnf <<'C'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = A test authority
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[stamp]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = tsa1
[tsa1]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
C
echo 01 > serial
openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3 -config ca.cnf -extensions root -subj '/CN=A test root'
openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -config ca.cnf -subj '/CN=A test authority'
openssl x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -out tsa.pem -days 2 -extfile ca.cnf -extensions stamp
"#;

/// An authority in `folder`.
fn authority(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let made = Command::new("bash").args(["-c", AUTHORITY]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
}

fn answer(folder: &Path, query: &Path, to: &Path) {
    let args = ["ts", "-reply", "-config", "ca.cnf", "-section", "tsa1", "-signer", "tsa.pem", "-inkey", "tsa.key"];
    let made = Command::new("openssl")
        .args(args)
        .args(["-chain", "root.pem", "-queryfile"])
        .arg(query)
        .arg("-out")
        .arg(to)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
}

#[test]
fn a_timestamp_is_kept_checked_and_outlives_a_key() {
    if tool("openssl").is_none() {
        return;
    }
    let closing = Closing::new();
    closing.both();
    let tsa = closing.world.path("tsa");
    authority(&tsa);
    let root = tsa.join("root.pem");
    let stamp = |seat: &[&str], name: &str| {
        let (query, token) = (format!("{name}.tsq"), format!("{name}.tsr"));
        let asked = closing.world.run(&[&["timestamp", "c", "--query", &query], seat].concat());
        assert_eq!(asked.code, 0, "{}", asked.stderr);
        answer(&tsa, &closing.world.path(&query), &closing.world.path(&token));
        let kept = closing.world.run(&[&["timestamp", "c", "--token", &token], seat].concat());
        assert_eq!(kept.code, 0, "{}", kept.stderr);
    };
    stamp(&[], "bundle");
    stamp(&["--seat", "verifier"], "verifier");
    // Every detail on a line of its own.
    let with = |authority: &Path| {
        let ran = closing.world.run(&["verify", "c", "--json", "--tsa-ca", authority.to_str().unwrap()]);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let details =
            document["levels"].as_array().unwrap().iter().flat_map(|level| level["detail"].as_array().unwrap());
        (ran.code, details.map(|line| format!("{}\n", line.as_str().unwrap())).collect::<String>())
    };
    let (code, good) = with(&root);
    assert_eq!(code, 0, "{good}");
    assert!(good.contains("signatures/tagmanifest-sha256.txt.tsr: it was there at 2"), "{good}");
    // Without an authority nothing is established; another one did not make it.
    closing.expect(3, &["name the certificate of the authority with --tsa-ca"]);
    let stranger = closing.world.path("stranger");
    authority(&stranger);
    let (code, other) = with(&stranger.join("root.pem"));
    assert!(code == 5 && other.contains("is not of an authority that you named"), "{other}");

    // A token for one thing is refused for another, and so is what is no token.
    let wrong = closing.world.run(&["timestamp", "c", "--seat", "executor", "--token", "bundle.tsr"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("over another content"), "{}", wrong.stderr);
    let none = closing.world.run(&["timestamp", "c", "--token", "bundle.tsq", "--replace"]);
    assert_eq!(none.code, 2, "{}", none.stderr);

    // The key expires in two seconds: the token shows that it signed before.
    let now = chrono::Utc::now() + chrono::Duration::seconds(1);
    let until = format!("namespaces=\"evidence\",valid-before=\"{}Z\"", now.format("%Y%m%d%H%M%S"));
    closing.allow(&[("ada", "ada"), ("dba@example.org", "dba")], &until);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let (_, expired) = with(&root);
    assert!(expired.contains("verifier.sig: signed by dba@example.org"), "{expired}");
    assert!(
        expired.contains("executor.sig: the signature fits, but who made it is not established: the key has expired"),
        "{expired}"
    );

    // The stamped signature edited.
    fs::copy(closing.file("executor.sig"), closing.file("verifier.sig")).unwrap();
    let (code, edited) = with(&root);
    assert!(code == 5 && edited.contains("was made over another content"), "{edited}");
}

/// A root with cases of one criterion each, closed without signatures: name, `requires`, policy.
fn plain_world(cases: &[(&str, &str)]) -> World {
    let world = World::new();
    world.write("policies/one.yaml", ONE);
    for (name, requires) in cases {
        let path = world.write(&format!("{name}.txt"), "x\n");
        world.write(
            &format!("reports/{name}/case.yaml"),
            format!("case: {name}\ntitle: T\ntemplate: closure\npolicy: one\nrequires: [{requires}]\ncollect:\n  - {{ id: subject, uses: file, with: {{ path: {path:?} }} }}\n"),
        );
    }
    world
}

const ONE: &str = "policy: one\ntitle: T\ncriteria:\n  - { id: K-1, title: there, require: { fact: subject.exists, equals: true } }\n";

#[test]
fn what_a_case_requires_keeps_it_open_for_check_and_verify_as_for_status() {
    let world = plain_world(&[("first", ""), ("second", "first"), ("third", "second, nowhere")]);
    for case in ["second", "third"] {
        assert_eq!(world.run(&["collect", case]).code, 0);
    }
    let required = ["check", "second", "--require-closed"];
    let ran = world.run(&required);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("it requires first, which is no_run"), "{}", ran.stdout);
    assert_eq!((world.run(&["check", "second"]).code, world.run(&["status"]).code), (0, 3));
    assert_eq!(world.run(&["collect", "first"]).code, 0);
    assert_eq!(world.run(&required).code, 0);
    assert_eq!(world.run(&["render", "second"]).code, 0);
    assert_eq!(world.run(&["verify", "second", "--require-closed"]).code, 0);

    let ran = world.run(&["check", "third", "--require-closed"]);
    assert!(ran.code == 3 && ran.stdout.contains("it requires nowhere, which is not there"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("requires second"), "{}", ran.stdout);

    // Behind the one that it names, a run is damaged.
    let facts = world.run_folder("first").join("data/facts.jsonl");
    fs::write(&facts, fs::read_to_string(&facts).unwrap() + " ").unwrap();
    for case in ["second", "third"] {
        assert_eq!(world.run(&["check", case, "--require-closed"]).code, 5, "{case}");
    }
    assert_eq!((world.run(&["status"]).code, world.run(&["verify", "second", "--require-closed"]).code), (5, 3));
}

#[test]
fn a_policy_that_was_changed_since_the_run_is_noticed() {
    let world = plain_world(&[("c", "")]);
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    let state = || {
        let ran = world.run(&["status", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let case = &json["cases"][0];
        (case["state"].as_str().unwrap().to_owned(), case["because"].to_string())
    };
    assert_eq!(state(), ("closed".into(), "[]".into()));
    world.write("policies/one.yaml", format!("# only a remark\n{ONE}"));
    assert_eq!(state(), ("closed".into(), "[]".into()));

    world.write("policies/one.yaml", ONE.replace("title: there", "title: It is there"));
    let (now, because) = state();
    assert!(now == "closed" && because.contains("its policy changed since the run"), "{now}: {because}");
    assert!(world.run(&["status"]).stdout.contains("its policy changed since the run"));

    world.write(
        "policies/one.yaml",
        format!("{ONE}  - {{ id: K-2, title: large, require: {{ fact: subject.size_bytes, at_least: 1 MB }} }}\n"),
    );
    let (now, because) = state();
    assert!(now == "stale" && because.contains("K-2 does not hold: large"), "{now}: {because}");
    assert!(!because.contains("K-1 does not hold"), "{because}");
}
