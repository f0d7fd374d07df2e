//! What `verify` must notice: everything. A bundle is damaged in every way that the issue names, with
//! and without its checksums repaired, and each time the exit code is 5 and the place is named.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use evidence::base::child::Invocation;
use evidence::base::{canonical, env};
use evidence::model::verification::{LevelStatus, Verification};
use evidence::seal::{self, Writer};
use evidence::{render, verify};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::sealing::*;

const BAG: usize = 0;
const ANCHORS: usize = 1;
const VERDICT: usize = 2;
const RECORD: usize = 3;
const AUTHENTICITY: usize = 4;

/// A sealed run with its record beside it.
struct Sealed {
    case: tempfile::TempDir,
    run: PathBuf,
    record: Vec<u8>,
}

impl Sealed {
    fn new() -> Self {
        let case = tempfile::tempdir().unwrap();
        let run = sealed(case.path());
        let record = render::render(&seal::read(&run).unwrap()).unwrap();
        Self { case, run, record }
    }

    fn verify(&self) -> Verification {
        verify_run(&self.run, Some(&self.record), None)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.run.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Changes a file and repairs every checksum, as somebody would who wants to deceive.
    fn forge(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
        repair(&self.run);
        assert!(seal::inspect(&self.run).is_whole());
    }
}

fn verify_run(run: &Path, record: Option<&[u8]>, signers: Option<&Path>) -> Verification {
    let record = record.map(|bytes| (Path::new("record.md"), bytes));
    verify::verify(run, record, signers)
}

fn statuses(verification: &Verification) -> Vec<LevelStatus> {
    verification.levels.iter().map(|level| level.status).collect()
}

/// Everything said, for a search.
fn said(verification: &Verification) -> String {
    verification.levels.iter().map(|level| format!("{}: {}\n", level.name, level.detail.join("\n"))).collect()
}

#[test]
fn a_good_run_holds_at_every_level_and_says_that_it_is_unsigned() {
    use LevelStatus::{Holds, NotDone, Unsigned};
    let good = Sealed::new();
    let verification = good.verify();
    assert_eq!(statuses(&verification), [Holds, Holds, Holds, Holds, Unsigned], "{}", said(&verification));
    assert_eq!(verification.exit_code(), 0);
    assert!(said(&verification).contains("nothing changed by accident, not who made it"));
    let without = verify_run(&good.run, None, None);
    assert_eq!((without.levels[RECORD].status, without.exit_code()), (NotDone, 3));
    assert!(said(&without).contains("evidence render"));
}

/// Every byte of the small files, a part of those of the larger ones.
#[test]
fn any_byte_flipped_is_broken_and_its_file_named() {
    let good = Sealed::new();
    let mut flips = 0;
    for name in tree(&good.run) {
        let bytes = fs::read(good.path(&name)).unwrap();
        let step = bytes.len().div_ceil(if name.starts_with("data/templates") { 20 } else { 250 });
        for (index, mask) in (0..bytes.len()).step_by(step).zip([0x01, 0x20, 0x80].into_iter().cycle()) {
            let mut flipped = bytes.clone();
            flipped[index] ^= mask;
            fs::write(good.path(&name), &flipped).unwrap();
            let verification = verify_run(&good.run, None, None);
            assert_eq!(verification.exit_code(), 5, "{name}, byte {index}");
            assert_eq!(verification.levels[BAG].status, LevelStatus::Broken, "{name}, byte {index}");
            let named = verification.levels[BAG].detail.iter().any(|line| line.contains(&name));
            assert!(named, "{name}, byte {index}: {}", said(&verification));
            flips += 1;
        }
        fs::write(good.path(&name), &bytes).unwrap();
    }
    assert!(flips > 1000, "{flips}");
    assert_eq!(good.verify().exit_code(), 0);
}

#[test]
fn a_file_removed_added_renamed_or_linked_is_broken_and_named() {
    let names = tree(&Sealed::new().run);
    for name in &names {
        let removed = Sealed::new();
        fs::remove_file(removed.path(name)).unwrap();
        let renamed = Sealed::new();
        fs::rename(renamed.path(name), renamed.path(&format!("{name}.bak"))).unwrap();
        let linked = Sealed::new();
        let outside = linked.case.path().join("outside");
        fs::rename(linked.path(name), &outside).unwrap();
        symlink(&outside, linked.path(name)).unwrap();
        let added = Sealed::new();
        fs::copy(added.path(name), added.path(&format!("{name}.copy"))).unwrap();
        for damaged in [removed, renamed, linked, added] {
            let verification = damaged.verify();
            assert_eq!(verification.exit_code(), 5, "{name}: {}", said(&verification));
            assert!(verification.levels[BAG].detail.iter().any(|line| line.contains(name.as_str())), "{name}");
        }
    }
}

#[test]
fn lines_reordered_are_broken_with_and_without_repair() {
    for (name, level) in [("manifest-sha256.txt", BAG), ("tagmanifest-sha256.txt", BAG), ("data/facts.jsonl", ANCHORS)]
    {
        for repaired in [false, true] {
            let damaged = Sealed::new();
            let text = damaged.text(name);
            let mut lines: Vec<_> = text.split_inclusive('\n').collect();
            lines.swap(0, 1);
            fs::write(damaged.path(name), lines.concat()).unwrap();
            match name {
                "data/facts.jsonl" if repaired => repair(&damaged.run),
                "manifest-sha256.txt" if repaired => repair_tags(&damaged.run),
                _ => {}
            }
            let verification = damaged.verify();
            let level = if repaired { level } else { BAG };
            assert_eq!(verification.levels[level].status, LevelStatus::Broken, "{name}");
            assert!(verification.levels[level].detail.iter().any(|line| line.contains(name)), "{name}");
            assert_eq!(verification.exit_code(), 5);
        }
    }
}

#[test]
fn a_verdict_edited_with_its_checksums_repaired_is_broken_at_the_verdict() {
    for (from, to, expected) in [
        ("\"misleading\"", "\"pass\"", "`V4-2` is sealed as PASS and judged as PASS (misleading)"),
        ("\"outcome\": \"fail\"", "\"outcome\": \"pass\"", "the outcome is sealed as PASS and judged as FAIL"),
        ("an empty stream", "an old stream", "`V4-2` has another wording"),
        ("\"V4-2\"", "\"V4-3\"", "`V4-3` stands where `V4-2` belongs"),
        ("2026-05-15T10:23:50", "2026-05-16T10:23:50", "another instant"),
        ("\"rows\"", "\"lines\"", "data/verdict.json: line"),
    ] {
        let forged = Sealed::new();
        forged.forge("data/verdict.json", from, to);
        let verification = forged.verify();
        assert_eq!(verification.levels[BAG].status, LevelStatus::Holds);
        assert_eq!(verification.levels[ANCHORS].status, LevelStatus::Holds);
        assert_eq!(verification.levels[VERDICT].status, LevelStatus::Broken, "{to}");
        assert!(
            verification.levels[VERDICT].detail.iter().any(|line| line.contains(expected)),
            "{}",
            said(&verification)
        );
        assert_eq!(verification.exit_code(), 5);
    }
}

/// A fact's value is changed, then its anchor, then every checksum: only judging and rendering notice.
#[test]
fn a_fact_edited_with_anchor_and_checksums_repaired_is_broken_above() {
    for (from, to, level) in [
        ("\"payload_bytes\":0", "\"payload_bytes\":43311450", VERDICT),
        ("db-1.example.org", "db-2.example.org", RECORD),
    ] {
        let forged = Sealed::new();
        let text = forged.text("data/facts.jsonl").replace(from, to);
        let lines = text.lines().map(|line| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["anchor"] = canonical::anchor(&line["fact"]).unwrap().to_string().into();
            String::from_utf8(canonical::to_vec(&line).unwrap()).unwrap() + "\n"
        });
        fs::write(forged.path("data/facts.jsonl"), lines.collect::<String>()).unwrap();
        repair(&forged.run);
        let verification = forged.verify();
        assert_eq!(verification.levels[ANCHORS].status, LevelStatus::Holds, "{}", said(&verification));
        assert_eq!(verification.levels[level].status, LevelStatus::Broken, "{}", said(&verification));
        assert_eq!(verification.exit_code(), 5);
    }
}

#[test]
fn facts_and_artifacts_forged_with_checksums_repaired_are_broken_at_the_anchors() {
    type Forgery<'a> = (&'a str, &'a dyn Fn(&Sealed), &'a str);
    let forge: &[Forgery<'_>] = &[
        (
            "value",
            &|s| s.forge("data/facts.jsonl", "\"payload_bytes\":0", "\"payload_bytes\":9"),
            "data/facts.jsonl:2: `fresh`: its anchor",
        ),
        (
            "spelling",
            &|s| s.forge("data/facts.jsonl", "\"took_ms\":2", "\"took_ms\": 2"),
            "data/facts.jsonl:1: `here`: the line is not canonical",
        ),
        ("collector", &|s| s.forge("data/case.yaml", "uses: backup", "uses: file"), "the case asks for `fresh` (file)"),
        (
            "artifact",
            &|s| s.forge("data/artifacts/log/excerpt.txt", "error", "all ok"),
            "data/artifacts/log/excerpt.txt: is not the artifact",
        ),
        (
            "removed",
            &|s| s.forge("data/facts.jsonl", &line(s, 1), ""),
            "data/facts.jsonl:2: the case asks for `fresh` (backup) here, the facts have `log` (log)",
        ),
        ("last removed", &|s| s.forge("data/facts.jsonl", &line(s, 2), ""), "the facts have nothing"),
        (
            "twice",
            &|s| s.forge("data/facts.jsonl", &line(s, 2), &line(s, 2).repeat(2)),
            "the case asks for nothing here",
        ),
        ("torn", &|s| s.forge("data/facts.jsonl", "\"lines\":2}}}\n", "\"lines\":2}}}"), "data/facts.jsonl:3: "),
    ];
    for (what, forge, expected) in forge {
        let forged = Sealed::new();
        forge(&forged);
        let verification = forged.verify();
        assert_eq!(verification.levels[ANCHORS].status, LevelStatus::Broken, "{what}: {}", said(&verification));
        assert!(
            verification.levels[ANCHORS].detail.iter().any(|line| line.contains(expected)),
            "{what}: {}",
            said(&verification)
        );
        assert_eq!(verification.exit_code(), 5);
    }
    let stray = Sealed::new();
    fs::write(stray.path("data/artifacts/log/more.txt"), "x").unwrap();
    repair(&stray.run);
    assert!(said(&stray.verify()).contains("data/artifacts/log/more.txt: no fact lists it"));
    let stranger = Sealed::new();
    fs::write(stranger.path("data/notes.txt"), "x").unwrap();
    repair(&stranger.run);
    let verification = stranger.verify();
    assert!(
        said(&verification).contains("data/notes.txt: extra, bundles have no such file")
            && verification.exit_code() == 5
    );
}

fn line(sealed: &Sealed, index: usize) -> String {
    sealed.text("data/facts.jsonl").split_inclusive('\n').nth(index).unwrap().to_owned()
}

#[test]
fn a_record_edited_by_one_character_is_broken_and_its_line_named() {
    let good = Sealed::new();
    for index in (0..good.record.len()).step_by(17) {
        let mut edited = good.record.clone();
        edited[index] ^= 1;
        let verification = verify_run(&good.run, Some(&edited), None);
        let line = good.record[..index].iter().filter(|byte| **byte == b'\n').count() + 1;
        assert_eq!(verification.levels[RECORD].status, LevelStatus::Broken);
        assert!(
            verification.levels[RECORD].detail[0].starts_with(&format!("record.md:{line}: ")),
            "{}",
            said(&verification)
        );
        assert_eq!(verification.exit_code(), 5);
    }
    for edited in [&good.record[..good.record.len() - 1], &[good.record.as_slice(), b"\n"].concat(), b""] {
        assert_eq!(verify_run(&good.run, Some(edited), None).exit_code(), 5);
    }
}

#[test]
fn an_unsealed_run_is_broken_and_says_so() {
    let case = tempfile::tempdir().unwrap();
    let mut writer = begun(case.path()).unwrap();
    writer.fact(facts().remove(0)).unwrap();
    let run = writer.folder().to_owned();
    drop(writer);
    let verification = verify_run(&run, None, None);
    assert_eq!(verification.exit_code(), 5);
    assert!(verification.levels[BAG].detail[0].starts_with("UNSEALED: unsealed"), "{}", said(&verification));
    assert_eq!(verification.levels[VERDICT].status, LevelStatus::NotDone);
    assert!(said(&verification).contains("because the bundle cannot be read"));
}

#[test]
fn nothing_there_is_not_done() {
    let verification = verify_run(Path::new("/nonexistent/run"), None, None);
    assert_eq!(verification.exit_code(), 3, "{}", said(&verification));
    let begun = tempfile::tempdir().unwrap();
    let writer = Writer::begin(begun.path(), started()).unwrap();
    assert_eq!(verify_run(writer.folder(), None, None).exit_code(), 5);
}

/// A key of its own and a list with one signer, `dba@example.org`.
fn signer(folder: &Path, options: &str) -> (PathBuf, PathBuf) {
    let key = folder.join("key");
    let made =
        Invocation::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "dba", "-f"]).args([&key]).run();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(folder.join("key.pub")).unwrap();
    let list = folder.join("allowed_signers");
    fs::write(&list, format!("dba@example.org {options} {public}")).unwrap();
    (key, list)
}

/// Signs as docs/bundle.md says.
fn sign(run: &Path, key: &Path, namespace: &str, name: &str) {
    let tags = fs::read(run.join("tagmanifest-sha256.txt")).unwrap();
    let signing = Invocation::new("ssh-keygen").args(["-Y", "sign", "-n", namespace, "-f"]).args([key]).stdin(tags);
    let signature = signing.run().unwrap();
    assert!(signature.success());
    fs::create_dir_all(run.join("signatures")).unwrap();
    fs::write(run.join("signatures").join(name), signature.stdout).unwrap();
}

#[test]
fn a_signature_holds_only_by_a_signer_of_the_callers_list() {
    if tool("ssh-keygen").is_none() {
        return;
    }
    let good = Sealed::new();
    let (key, list) = signer(good.case.path(), "namespaces=\"evidence\"");
    sign(&good.run, &key, "evidence", "dba.sig");
    let of = |list: Option<&Path>| {
        let verification = verify_run(&good.run, Some(&good.record), list);
        (verification.levels[AUTHENTICITY].status, verification.exit_code(), said(&verification))
    };
    let (status, code, text) = of(Some(&list));
    assert_eq!((status, code), (LevelStatus::Holds, 0), "{text}");
    assert!(text.contains(
        "signatures/dba.sig: signed: Good \"evidence\" signature for dba@example.org with ED25519 key SHA256:"
    ));
    let (status, code, text) = of(None);
    assert_eq!((status, code), (LevelStatus::NotDone, 3), "{text}");
    assert!(text.contains("allowed signers"));
    assert_eq!(of(Some(Path::new("/nonexistent/list"))).0, LevelStatus::NotDone);
    // Somebody else's list, and one that allows the key for other things only.
    let other = tempfile::tempdir().unwrap();
    let (stranger, strangers) = signer(other.path(), "");
    assert_eq!(of(Some(&strangers)).0, LevelStatus::NotDone);
    let public = fs::read_to_string(good.case.path().join("key.pub")).unwrap();
    fs::write(&strangers, format!("dba@example.org namespaces=\"git\" {public}")).unwrap();
    let (status, _, text) = of(Some(&strangers));
    assert_eq!(status, LevelStatus::NotDone, "{text}");
    // A stranger's signature beside a known one takes nothing away; a bad one does.
    sign(&good.run, &stranger, "evidence", "stranger.sig");
    assert_eq!(of(Some(&list)).0, LevelStatus::Holds);
    sign(&good.run, &key, "git", "commit.sig");
    assert_eq!(of(Some(&list)).0, LevelStatus::Broken, "made in another namespace");
}

#[test]
fn a_signature_that_does_not_fit_is_broken_even_without_a_list() {
    if tool("ssh-keygen").is_none() {
        return;
    }
    let good = Sealed::new();
    let (key, list) = signer(good.case.path(), "");
    sign(&good.run, &key, "evidence", "dba.sig");
    // Everything repaired but the signature.
    good.forge("data/narrative.md", "team", "crew");
    for list in [None, Some(list.as_path())] {
        let verification = verify_run(&good.run, None, list);
        assert_eq!(verification.levels[AUTHENTICITY].status, LevelStatus::Broken, "{}", said(&verification));
        assert!(said(&verification).contains("signatures/dba.sig: the signature does not fit"));
        assert_eq!(verification.exit_code(), 5);
    }
    for content in ["", "hello", "-----BEGIN SSH SIGNATURE-----\n"] {
        let good = Sealed::new();
        fs::create_dir(good.path("signatures")).unwrap();
        fs::write(good.path("signatures/x.sig"), content).unwrap();
        assert_eq!(good.verify().levels[AUTHENTICITY].status, LevelStatus::Broken);
    }
}

/// Set in the child that has no `ssh-keygen`: the run's folder.
const CHILD: &str = "EVIDENCE_TEST_VERIFY_RUN";

/// Runs in a child of [`without_ssh_keygen_authenticity_is_not_done`] only.
#[test]
fn child_verifies_without_ssh_keygen() {
    let Some(run) = env::var(CHILD) else { return };
    let verification = verify_run(Path::new(&run), None, Some(Path::new("/dev/null")));
    assert_eq!(verification.levels[AUTHENTICITY].status, LevelStatus::NotDone, "{}", said(&verification));
    println!("{}", said(&verification));
}

#[test]
fn without_ssh_keygen_authenticity_is_not_done() {
    if tool("ssh-keygen").is_none() {
        return;
    }
    let good = Sealed::new();
    let (key, _) = signer(good.case.path(), "");
    sign(&good.run, &key, "evidence", "dba.sig");
    let test = std::env::current_exe().unwrap();
    let child = Invocation::new(&test).args(["--exact", "verify::child_verifies_without_ssh_keygen", "--nocapture"]);
    let outcome = child.env(CHILD, &good.run).env("PATH", "/nonexistent").run().unwrap();
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.success() && text.contains("`ssh-keygen` is not installed"), "{text}");
}

/// Any cut, insertion or exchange in any payload file, checksums repaired: never a panic, never 0.
#[test]
fn no_forgery_of_the_payload_passes() {
    let forged = Sealed::new();
    let names: Vec<_> = tree(&forged.run).into_iter().filter(|name| name.starts_with("data/")).collect();
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let index = any::<prop::sample::Index>;
    let forgery = (index(), index(), 0_usize..40, prop::collection::vec(any::<u8>(), 0..6));
    let outcome = TestRunner::new(config).run(&forgery, |(file, at, cut, insert)| {
        let name = file.get(&names);
        let before = fs::read(forged.path(name)).unwrap();
        let mut after = before.clone();
        let from = at.index(after.len() + 1);
        let to = (from + cut).min(after.len());
        after.splice(from..to, insert);
        prop_assume!(after != before);
        fs::write(forged.path(name), &after).unwrap();
        repair(&forged.run);
        let verification = forged.verify();
        fs::write(forged.path(name), &before).unwrap();
        repair(&forged.run);
        prop_assert_eq!(verification.exit_code(), 5, "{}: {}", name, said(&verification));
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(forged.verify().exit_code(), 0);
}
