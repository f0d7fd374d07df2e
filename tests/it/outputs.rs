//! Outputs of every verb: devices and FIFOs are written to and stay, links and folders are refused, and
//! nothing that exists is replaced unless `--force` says so.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::Output;

use super::support::world::{World, look_at};

fn evidence(folder: &Path, args: &[&str], stdin: &str) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("evidence").unwrap();
    command.current_dir(folder).args(args).write_stdin(stdin).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every output option of every verb, with its value `out`; `{case}` is a case with a sealed run.
fn verbs() -> Vec<Vec<&'static str>> {
    vec![
        vec!["render", "c", "--output", "out"],
        vec!["mask", "in.txt", "--output", "out"],
        vec!["mask", "in.txt", "--map", "out"],
        vec!["scan", "in.txt", "--baseline-key", "key", "--write-baseline", "out"],
        vec!["timestamp", "c", "--query", "out"],
    ]
}

/// A case with a sealed run, and a text.
fn world() -> World {
    let world = World::new();
    let subject = world.write("data/a.txt", "hello\n");
    world.case("c", &look_at(&subject));
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    fs::write(world.path("in.txt"), "plain\n").unwrap();
    world
}

/// A device that swallows everything, beside the test's files and never the machine's own.
fn device(path: &Path) -> bool {
    use rustix::fs::{CWD, FileType, makedev, mknodat};
    mknodat(CWD, path, FileType::CharacterDevice, 0o666.into(), makedev(1, 3)).is_ok()
}

#[test]
fn no_verb_replaces_a_device_a_link_or_a_folder() {
    let world = world();
    let out = world.path("out");
    for args in verbs() {
        if device(&out) {
            evidence(world.root(), &args, "");
            evidence(world.root(), &[&args[..], &["--force"]].concat(), "");
            assert!(fs::symlink_metadata(&out).unwrap().file_type().is_char_device(), "{args:?}");
            fs::remove_file(&out).unwrap();
        }
        for force in [&[][..], &["--force"]] {
            std::os::unix::fs::symlink("in.txt", &out).unwrap();
            let done = evidence(world.root(), &[&args[..], force].concat(), "");
            assert_eq!(done.status.code(), Some(2), "{args:?} {}", text(&done.stdout));
            assert!(text(&done.stderr).contains("out: is a symbolic link"), "{}", text(&done.stderr));
            assert!(fs::symlink_metadata(&out).unwrap().is_symlink());
            fs::remove_file(&out).unwrap();
            fs::create_dir(&out).unwrap();
            assert_eq!(evidence(world.root(), &[&args[..], force].concat(), "").status.code(), Some(2), "{args:?}");
            fs::remove_dir(&out).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(world.path("in.txt")).unwrap(), "plain\n");
}

#[test]
fn what_exists_is_replaced_by_force_only() {
    let world = world();
    let out = world.path("out");
    for args in verbs() {
        fs::write(&out, "mine").unwrap();
        let done = evidence(world.root(), &args, "");
        assert_eq!(done.status.code(), Some(2), "{args:?} {}", text(&done.stdout));
        assert!(text(&done.stderr).contains("out: file exists"), "{}", text(&done.stderr));
        assert!(text(&done.stderr).contains("--force"), "{}", text(&done.stderr));
        assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
        let done = evidence(world.root(), &[&args[..], &["--force"]].concat(), "");
        assert_eq!(done.status.code(), Some(0), "{args:?} {}", text(&done.stderr));
        assert_ne!(fs::read(&out).unwrap(), b"mine");
        fs::remove_file(&out).unwrap();
        assert_eq!(evidence(world.root(), &args, "").status.code(), Some(0), "{args:?}");
        fs::remove_file(&out).unwrap();
    }
    // The record beside its run is the verb's own.
    for _ in 0..2 {
        assert_eq!(world.run(&["render", "c"]).code, 0);
        assert_eq!(world.run(&["render", "c", "--output", "reports/c/record.md"]).code, 0);
    }
}

#[test]
fn a_fifo_gets_the_text_and_stays() {
    let world = world();
    let out = world.path("out");
    rustix::fs::mknodat(rustix::fs::CWD, &out, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let reader = std::thread::spawn({
        let out = out.clone();
        move || fs::read_to_string(out).unwrap()
    });
    let done = evidence(world.root(), &["mask", "in.txt", "--output", "out"], "");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert_eq!(reader.join().unwrap(), "plain\n");
    assert!(fs::symlink_metadata(&out).unwrap().file_type().is_fifo());
}

#[test]
fn files_that_a_verb_owns_replace_no_link() {
    let world = world();
    let record = world.path("reports/c/record.md");
    std::os::unix::fs::symlink("../../in.txt", &record).unwrap();
    let done = world.run(&["render", "c"]);
    assert_eq!((done.code, done.stderr.contains("symbolic link")), (2, true), "{}", done.stderr);
    assert_eq!(fs::read_to_string(world.path("in.txt")).unwrap(), "plain\n");
}

#[test]
fn in_place_means_the_file_that_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, "plain\n").unwrap();
    std::os::unix::fs::symlink("a.txt", folder.path().join("link")).unwrap();
    fs::hard_link(&path, folder.path().join("other")).unwrap();
    let done = evidence(folder.path(), &["mask", "link", "--in-place"], "");
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("symbolic link"), "{}", text(&done.stderr));
    let done = evidence(folder.path(), &["mask", "a.txt", "--in-place"], "");
    assert_eq!(done.status.code(), Some(0));
    assert!(text(&done.stderr).contains("hard links"), "{}", text(&done.stderr));
    let both = evidence(folder.path(), &["mask", "-", "--output", "x", "--map", "x"], "a\n");
    assert_eq!(both.status.code(), Some(2));
    assert!(!folder.path().join("x").exists());
    assert_eq!(text(&evidence(folder.path(), &["mask", "-", "--output", "-"], "a\n").stdout), "a\n");
}
