//! The bundle on disk: order of making, reading back, damage, and the verifiers of other people.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use evidence::base::child::{Invocation, Outcome};
use evidence::base::digest::Digest;
use evidence::model::bundle::HygieneTable;
use evidence::model::fact::{Attachment, Observation};
use evidence::seal::{self, DamageKind, ReadError, SealError, Writer};

use crate::sealing::*;

fn damage(run: &Path) -> Vec<String> {
    seal::inspect(run).damage.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sealed_run_is_whole_private_and_reads_back() {
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    let inspection = seal::inspect(&run);
    assert!(inspection.is_whole(), "{inspection}");
    assert_eq!(inspection.files, tree(&run).len() - 1, "all but the tag manifest itself");
    let bundle = seal::read(&run).unwrap();
    assert_eq!(bundle.facts.iter().map(|f| f.fact.id.as_str()).collect::<Vec<_>>(), ["here", "fresh", "log"]);
    assert_eq!(bundle.facts[2].artifacts["excerpt.txt"], b"1: start\n2: error\n");
    assert_eq!(bundle.info.run, "20260515T102350Z");
    assert_eq!(Some(bundle.templates["incident.md.j2"].as_str()), evidence::base::assets::template("incident.md.j2"));
    assert_eq!(bundle.digest, Digest::of(&fs::read(run.join("tagmanifest-sha256.txt")).unwrap()).to_string());
    assert_eq!(bundle.policy_sha256, Digest::of(POLICY.as_bytes()).to_string());
    for entry in walkdir::WalkDir::new(&run) {
        let metadata = entry.unwrap().metadata().unwrap();
        assert_eq!(metadata.mode() & 0o777, if metadata.is_dir() { 0o700 } else { 0o600 });
    }
    assert!(!tree(&run).iter().any(|path| path.contains("UNSEALED") || path.starts_with('.')));
    assert!(seal::runs(case.path()).unwrap()[0].sealed);
    assert_eq!(seal::latest(case.path()).unwrap(), Some(run));
}

#[test]
fn the_same_facts_make_the_same_bundle() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (sealed(one.path()), sealed(two.path()));
    assert_eq!(tree(&a), tree(&b));
    assert!(tree(&a).iter().all(|path| fs::read(a.join(path)).unwrap() == fs::read(b.join(path)).unwrap()));
}

#[test]
fn two_runs_in_one_second_have_two_folders_and_the_case_is_held_meanwhile() {
    let case = tempfile::tempdir().unwrap();
    let first = Writer::begin(case.path(), started()).unwrap();
    let error = Writer::begin(case.path(), started()).err().unwrap();
    assert!(matches!(error, SealError::Busy { .. }));
    assert!(error.to_string().contains("another `collect` of this case is running"));
    drop(first);
    let second = Writer::begin(case.path(), started()).unwrap();
    assert_eq!(second.name(), "20260515T102350Z-2");
}

/// Whatever the step after which the process ends, the run says that it is unsealed, and what it
/// had can be looked at.
#[test]
fn a_run_dropped_after_any_step_is_unsealed_and_keeps_what_it_had() {
    for steps in 0..=5 {
        let case = tempfile::tempdir().unwrap();
        let earlier = sealed(case.path());
        let mut writer =
            if steps == 0 { Writer::begin(case.path(), started()).unwrap() } else { begun(case.path()).unwrap() };
        for fact in facts().into_iter().take(steps) {
            writer.fact(fact).unwrap();
        }
        let run = writer.folder().to_owned();
        // No destructor runs when a process is killed.
        std::mem::forget(writer);
        assert!(run.join("UNSEALED").is_file());
        let error = seal::read(&run).unwrap_err();
        assert!(matches!(error, ReadError::Unsealed { .. }) && error.to_string().contains("evidence collect"));
        let partial = seal::read_partial(&run).unwrap();
        assert_eq!((partial.sealed, partial.facts.len(), partial.lost.len()), (false, steps.min(3), 0));
        assert_eq!(seal::inspect(&run).damage[0].kind, DamageKind::Unsealed);
        assert!(!seal::runs(case.path()).unwrap().pop().unwrap().sealed);
        assert!(seal::inspect(&earlier).is_whole());
    }
}

/// The files that closing makes, in its order: cut off after any of them, the run is unsealed or
/// damaged, never a whole bag.
#[test]
fn a_close_that_ends_anywhere_never_leaves_something_that_passes() {
    let closing = ["data/run.json", "data/hygiene.json", "data/verdict.json", "bag-info.txt", "bagit.txt"];
    let closing: Vec<_> = closing.into_iter().chain(["manifest-sha256.txt", "tagmanifest-sha256.txt"]).collect();
    for kept in 0..=closing.len() {
        let case = tempfile::tempdir().unwrap();
        let run = sealed(case.path());
        fs::write(run.join("UNSEALED"), "").unwrap();
        for name in &closing[kept..] {
            fs::remove_file(run.join(name)).unwrap();
        }
        assert!(matches!(seal::read(&run), Err(ReadError::Unsealed { .. })), "{kept}");
        assert_eq!(seal::inspect(&run).damage[0].kind, DamageKind::Unsealed, "{kept}");
        assert_eq!(seal::read_partial(&run).unwrap().facts.len(), 3);
        // Somebody who takes the marker away does not make it whole either.
        fs::remove_file(run.join("UNSEALED")).unwrap();
        assert_eq!(seal::inspect(&run).is_whole(), kept == closing.len(), "{kept}");
    }
}

#[test]
fn the_scratch_of_a_killed_run_is_cleared_by_the_next_collect() {
    let case = tempfile::tempdir().unwrap();
    let writer = Writer::begin(case.path(), started()).unwrap();
    let left = writer.scratch().unwrap().join("copy.db");
    fs::write(&left, "raw").unwrap();
    let (copy, lock) = (left.clone(), writer);
    // The process ends: the lock goes, the files stay.
    let run = lock.folder().to_owned();
    drop(lock);
    fs::create_dir(run.join(".scratch")).unwrap();
    fs::write(&copy, "raw").unwrap();
    let next = Writer::begin(case.path(), started()).unwrap();
    assert!(!copy.exists() && !run.join(".scratch").exists() && next.scratch().unwrap().is_dir());
    let scratch = next.scratch().unwrap();
    drop(next);
    assert!(!scratch.exists(), "an error on the way clears it too");
}

#[test]
fn a_torn_last_line_is_named_and_the_facts_before_it_are_kept() {
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    let path = run.join("data/facts.jsonl");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    fs::write(run.join("UNSEALED"), "").unwrap();
    let partial = seal::read_partial(&run).unwrap();
    assert_eq!(
        (partial.facts.len(), partial.lost.as_slice()),
        (2, &["data/facts.jsonl:3: the line has no end".to_owned()][..])
    );
}

#[test]
fn what_could_not_be_read_back_is_refused_on_the_way_in() {
    let case = tempfile::tempdir().unwrap();
    let mut writer = begun(case.path()).unwrap();
    let refused = |result: Result<(), SealError>| result.unwrap_err().to_string();
    assert!(refused(writer.source("../case.yaml", masked(""))).contains("cannot stand in a bundle"));
    assert!(refused(writer.source("templates/../x", masked(""))).contains("cannot stand in a bundle"));
    assert!(refused(writer.source("case.yaml", masked(CASE))).contains("stands in the bundle already"));
    assert!(refused(writer.source("policy.yaml", masked("policy: x\n"))).contains("nothing to judge"));
    assert!(refused(writer.fact(fact("Not-A-Name", "host", Observation::of("x")))).contains("name of the case"));
    let mut bad = Observation::of("x");
    bad.attachments.push(Attachment { name: "../../x".to_owned(), bytes: Vec::new() });
    assert!(refused(writer.fact(fact("here", "host", bad))).contains("artifact's name"));
    // None of these refusals spoils the run.
    for fact in facts() {
        writer.fact(fact).unwrap();
    }
    assert!(refused(writer.fact(facts().remove(0))).contains("stands in it already"));
    writer.close(&info(), &HygieneTable::default(), &verdict()).unwrap();
}

#[test]
fn links_are_named_and_never_followed() {
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    let outside = case.path().join("outside.json");
    fs::rename(run.join("data/verdict.json"), &outside).unwrap();
    symlink(&outside, run.join("data/verdict.json")).unwrap();
    assert!(damage(&run).contains(&"data/verdict.json: not a regular file, link".to_owned()));
    assert!(seal::read(&run).unwrap_err().to_string().contains("symbolic link"));
    let moved = case.path().join("moved");
    fs::rename(run.join("data"), &moved).unwrap();
    symlink(&moved, run.join("data")).unwrap();
    assert!(damage(&run).contains(&"data: not a regular file, link".to_owned()));
    assert!(seal::read(&run).unwrap_err().to_string().contains("is a link, not a folder"));
}

#[test]
fn a_fifo_is_named_and_nobody_waits_for_it() {
    for name in ["data/verdict.json", "manifest-sha256.txt", "tagmanifest-sha256.txt", "data/facts.jsonl"] {
        let case = tempfile::tempdir().unwrap();
        let run = sealed(case.path());
        fs::remove_file(run.join(name)).unwrap();
        assert!(Invocation::new("mkfifo").args([run.join(name)]).run().unwrap().success());
        assert!(damage(&run).contains(&format!("{name}: not a regular file, FIFO")), "{:?}", damage(&run));
        // The payload manifest is for inspecting; reading needs the others.
        assert_eq!(seal::read(&run).is_ok(), name == "manifest-sha256.txt", "{name}");
        assert_eq!(seal::read_partial(&run).is_ok(), name != "data/facts.jsonl", "{name}");
    }
}

/// The kernel lets the collecting process write in the run's own folder only; that must be enough.
#[test]
fn a_run_is_sealed_from_within_the_sandbox() {
    let case = tempfile::tempdir().unwrap();
    let folder = case.path().to_owned();
    let seal = move || {
        let mut writer = begun(&folder).unwrap();
        evidence::base::sandbox::enter(&[writer.folder()]).unwrap();
        fs::write(writer.scratch().unwrap().join("copy"), "x").unwrap();
        facts().into_iter().for_each(|fact| writer.fact(fact).unwrap());
        writer.close(&info(), &HygieneTable::default(), &verdict()).unwrap();
    };
    // The rule binds a thread for ever: let it be one of its own.
    std::thread::spawn(seal).join().unwrap();
    assert!(seal::inspect(&seal::latest(case.path()).unwrap().unwrap()).is_whole());
}

#[test]
fn everything_that_is_wrong_is_named() {
    type Change<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);
    let change: &[Change<'_>] = &[
        ("removed", &|r| fs::remove_file(r.join("data/policy.yaml")).unwrap(), "data/policy.yaml: missing"),
        ("added", &|r| fs::write(r.join("data/x.txt"), "").unwrap(), "data/x.txt: extra"),
        ("added above", &|r| fs::write(r.join("README"), "").unwrap(), "README: extra"),
        ("hidden", &|r| fs::write(r.join("data/.x"), "").unwrap(), "data/.x: extra"),
        ("empty folder", &|r| fs::create_dir(r.join("data/x")).unwrap(), "data/x: extra, an empty folder"),
        (
            "renamed",
            &|r| fs::rename(r.join("data/narrative.md"), r.join("data/story.md")).unwrap(),
            "data/narrative.md: renamed, it is there as data/story.md",
        ),
        ("no bagit.txt", &|r| fs::remove_file(r.join("bagit.txt")).unwrap(), "bagit.txt: missing"),
        ("no manifest", &|r| fs::remove_file(r.join("manifest-sha256.txt")).unwrap(), "manifest-sha256.txt: missing"),
        ("no tags", &|r| fs::remove_file(r.join("tagmanifest-sha256.txt")).unwrap(), "tagmanifest-sha256.txt: missing"),
        (
            "no signature",
            &|r| {
                fs::create_dir(r.join("signatures")).unwrap();
                fs::write(r.join("signatures/note.txt"), "").unwrap();
            },
            "signatures/note.txt: extra",
        ),
        ("terminal escape", &|r| fs::write(r.join("data/\u{1b}[31m"), "").unwrap(), "data/\\x1b[31m: extra"),
    ];
    for (what, change, expected) in change {
        let case = tempfile::tempdir().unwrap();
        let run = sealed(case.path());
        change(&run);
        assert!(damage(&run).iter().any(|d| d.starts_with(expected)), "{what}: {:?}", damage(&run));
    }
}

#[test]
fn signatures_are_no_damage() {
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    fs::create_dir(run.join("signatures")).unwrap();
    assert!(seal::inspect(&run).is_whole());
    fs::write(run.join("signatures/dba.sig"), "x").unwrap();
    assert!(seal::inspect(&run).is_whole());
}

#[test]
fn a_manifest_that_is_repaired_but_not_as_bundles_are_written_is_named() {
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    let manifest = fs::read_to_string(run.join("manifest-sha256.txt")).unwrap();
    let mut lines: Vec<_> = manifest.lines().collect();
    lines.swap(0, 1);
    fs::write(run.join("manifest-sha256.txt"), lines.join("\n") + "\n").unwrap();
    repair_tags(&run);
    assert!(
        damage(&run).iter().any(|d| d.starts_with("manifest-sha256.txt: malformed, line 2: lists ")),
        "{:?}",
        damage(&run)
    );
    fs::write(run.join("manifest-sha256.txt"), format!("{manifest}{}  data/../../x\n", Digest::of(b""))).unwrap();
    repair_tags(&run);
    assert!(damage(&run).iter().any(|d| d.contains("leaves the bag")), "{:?}", damage(&run));
}

/// The commands of docs/bundle.md, by the heading they stand under.
fn documented(heading: &str) -> String {
    let page = include_str!("../../docs/bundle.md");
    let section = page.split_once(&format!("## {heading}\n")).unwrap().1;
    let block = section.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    block.to_owned()
}

#[test]
fn others_accept_a_good_bundle_and_refuse_a_damaged_one() {
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    let tools = ["bagit.py", "sha256sum", "hashdeep", "jq"].map(tool);
    let [Some(bagit), Some(_), Some(_), Some(_)] = tools else { return };
    let page = documented("Verifying without our program").replace("bagit.py", bagit.to_str().unwrap());
    let whole = || shell(&run, &format!("set -e\n{page}"));
    let part = |number: &str| {
        let from = page.split_once(&format!("# {number}")).unwrap().1;
        let commands = from.split_once('\n').unwrap().1;
        shell(&run, &format!("set -e\n{}", commands.split("\n# ").next().unwrap()))
    };
    let good = whole();
    assert!(good.success(), "{}{}", text(&good.stdout), text(&good.stderr));
    let said = text(&good.stdout);
    for expected in ["hashdeep: Audit passed", "data/artifacts/log/excerpt.txt: OK", "V4-2\tmisleading"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(said.contains(&seal::read(&run).unwrap().digest));
    fs::write(run.join("data/x.txt"), "").unwrap();
    assert!(part("1. ").success(), "sha256sum does not notice extra files; the page says so");
    assert!(!part("2. ").success() && !part("… or").success());
    fs::remove_file(run.join("data/x.txt")).unwrap();
    let facts = fs::read_to_string(run.join("data/facts.jsonl")).unwrap();
    fs::write(run.join("data/facts.jsonl"), facts.replace("db-1", "db-2")).unwrap();
    for number in ["1. ", "2. ", "… or", "4. "] {
        assert!(!part(number).success(), "{number}");
    }
    fs::write(run.join("data/facts.jsonl"), facts).unwrap();
    fs::write(run.join("data/artifacts/log/excerpt.txt"), "1: start\n2: all ok\n").unwrap();
    assert!(!part("5. ").success() && !part("1. ").success());
}

#[test]
fn the_documented_commands_sign_and_verify() {
    if tool("ssh-keygen").is_none() {
        return;
    }
    let case = tempfile::tempdir().unwrap();
    let run = sealed(case.path());
    let key = "ssh-keygen -q -t ed25519 -N '' -f ../../key && \
        echo \"dba@example.org namespaces=\\\"evidence\\\" $(cat ../../key.pub)\" > ../../allowed_signers";
    assert!(shell(&run, key).success());
    let page = documented("What a hash proves, and what a signature proves");
    let page = page.replace("~/.ssh/id_ed25519", "../../key").replace("allowed_signers", "../../allowed_signers");
    let outcome = shell(&run, &format!("set -e\n{page}"));
    assert!(outcome.success(), "{page}{}", text(&outcome.stderr));
    assert!(text(&outcome.stdout).contains("Good \"evidence\" signature for dba@example.org"));
    assert!(seal::inspect(&run).is_whole());
}

fn shell(folder: &Path, script: &str) -> Outcome {
    Invocation::new("sh").args(["-c", script]).folder(folder).inherit(&["PYENV_*"]).run().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Set in the child that seals under a limit: the case's folder.
const CHILD: &str = "EVIDENCE_TEST_SEAL_IN";

/// Runs in a child of [`a_file_too_large_for_the_disk_leaves_the_run_unsealed`] only.
#[test]
fn child_seals_something_large() {
    let Some(case) = evidence::base::env::var(CHILD) else { return };
    let mut writer = begun(Path::new(&case)).unwrap();
    let mut big = Observation::of("x");
    big.attachments.push(Attachment { name: "big.bin".to_owned(), bytes: vec![7; 400_000] });
    let error = writer.fact(fact("here", "host", big)).unwrap_err();
    assert!(matches!(error, SealError::Write(_)), "{error}");
    let error = error.to_string();
    assert!(error.contains("big.bin") && error.contains("free space"), "{error}");
    let error = writer.close(&info(), &HygieneTable::default(), &verdict()).unwrap_err();
    assert!(matches!(error, SealError::Failed), "{error}");
    println!("sealing failed as it must");
}

/// A limit on the size of files, which any user may set on a child.
#[test]
fn a_file_too_large_for_the_disk_leaves_the_run_unsealed() {
    let test = std::env::current_exe().unwrap();
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" --exact bundle::child_seals_something_large --nocapture";
    let case = tempfile::tempdir().unwrap();
    let earlier = sealed(case.path());
    let child = Invocation::new("sh").args(["-c".as_ref(), script.as_ref(), test.as_os_str()]);
    let outcome = child.env(CHILD, case.path()).run().unwrap();
    assert!(text(&outcome.stdout).contains("failed as it must"), "{}{}", text(&outcome.stdout), text(&outcome.stderr));
    assert!(seal::inspect(&earlier).is_whole());
    let latest = seal::runs(case.path()).unwrap().pop().unwrap();
    assert!(!latest.sealed && latest.path != earlier);
    assert!(matches!(seal::read(&latest.path), Err(ReadError::Unsealed { .. })));
}

/// Runs in a child of [`a_disk_that_fills_up_at_any_step_leaves_the_run_unsealed`] only: seals on a
/// small disk until nothing more fits.
#[test]
fn child_seals_until_the_disk_is_full() {
    let Some(case) = evidence::base::env::var(CHILD) else { return };
    let case = Path::new(&case);
    let seal_one = || -> Result<(), SealError> {
        let mut writer = begun(case)?;
        facts().into_iter().try_for_each(|fact| writer.fact(fact))?;
        writer.close(&info(), &HygieneTable::default(), &verdict()).map(drop)
    };
    let error = (0..100).find_map(|_| seal_one().err()).unwrap();
    assert!(matches!(error, SealError::Write(_)) && error.to_string().contains("free space"), "{error}");
    let runs = seal::runs(case).unwrap();
    let (last, earlier) = runs.split_last().unwrap();
    assert!(earlier.iter().all(|run| run.sealed && seal::inspect(&run.path).is_whole()));
    assert!(!last.sealed && !seal::inspect(&last.path).is_whole());
    assert!(matches!(seal::read(&last.path), Err(ReadError::Unsealed { .. })));
    println!("{} sealed, then full: {error}", earlier.len());
}

/// File systems of different sizes, so that they are full at every step of making and closing a run.
#[test]
fn a_disk_that_fills_up_at_any_step_leaves_the_run_unsealed() {
    let mounts = Invocation::new("unshare").args(["-m", "true"]).run().is_ok_and(|outcome| outcome.success());
    if !can(mounts, "mounting a small file system needs root") {
        return;
    }
    let test = std::env::current_exe().unwrap();
    let script = "set -e; for pages in $(seq 4 96); do mount -t tmpfs -o size=$((pages * 4))k none \"$EVIDENCE_TEST_SEAL_IN\"; \
        \"$0\" --exact bundle::child_seals_until_the_disk_is_full --nocapture; umount \"$EVIDENCE_TEST_SEAL_IN\"; done";
    let case = tempfile::tempdir().unwrap();
    let child = Invocation::new("unshare").args(["-m", "sh", "-c", script]).args([&test]);
    let outcome = child.env(CHILD, case.path()).run().unwrap();
    let said = text(&outcome.stdout);
    assert!(outcome.success(), "{said}{}", text(&outcome.stderr));
    assert_eq!(said.matches("then full").count(), 93, "{said}");
    for step in ["facts.jsonl", "verdict.json", "manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        assert!(said.contains(&format!("/{step}: No space left")), "{step}: {said}");
    }
}

/// Runs in a child of [`killed_at_any_moment_a_run_is_unsealed_or_whole`] only.
#[test]
fn child_seals_for_ever() {
    let Some(case) = evidence::base::env::var(FOR_EVER) else { return };
    loop {
        sealed(Path::new(&case));
    }
}

/// Set in the child that seals until it is killed: the case's folder.
const FOR_EVER: &str = "EVIDENCE_TEST_SEAL_FOR_EVER";

#[test]
fn killed_at_any_moment_a_run_is_unsealed_or_whole() {
    let case = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let (mut whole, mut unsealed) = (0, 0);
    let mut round = 0;
    // At 24 spread moments, and on a slow machine as long as it takes until one run was finished.
    while round < 24 || (whole == 0 && round < 60) {
        let child = Invocation::new(&test).args(["--exact", "bundle::child_seals_for_ever"]);
        let spread = if round < 24 { 25 + round * 7 } else { (round - 22) * 200 };
        let limit = std::time::Duration::from_millis(spread);
        round += 1;
        let outcome = child.env(FOR_EVER, case.path()).limit(limit).run().unwrap();
        assert_eq!(outcome.signal, Some(9), "{}", text(&outcome.stdout));
        for run in seal::runs(case.path()).unwrap() {
            assert_eq!(run.sealed, seal::inspect(&run.path).is_whole());
            assert_eq!(run.sealed, seal::read(&run.path).is_ok());
            let partial = seal::read_partial(&run.path).unwrap();
            assert!(partial.facts.len() == 3 || !run.sealed);
            if run.sealed {
                whole += 1
            } else {
                unsealed += 1
            }
            fs::remove_dir_all(&run.path).unwrap();
        }
    }
    assert!(whole > 0 && unsealed > 0, "{whole} whole, {unsealed} unsealed");
}

#[test]
fn real_processes_collect_one_case_at_a_time() {
    let case = tempfile::tempdir().unwrap();
    let held = Writer::begin(case.path(), started()).unwrap();
    let runs = case.path().join("runs");
    let outcome = Invocation::new("flock").args(["-n".as_ref(), runs.as_os_str(), "true".as_ref()]).run().unwrap();
    assert!(!outcome.success(), "another process sees the lock");
    drop(held);
    assert_eq!(seal::runs(case.path()).unwrap().len(), 1);
}
