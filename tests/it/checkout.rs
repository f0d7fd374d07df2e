//! `scan` in a checkout that somebody else made: nothing that its settings name runs, no file outside
//! of it is read, and nothing is left out unsaid.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

/// A folder with a checkout `repo` in it.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let checkout = Self(tempfile::tempdir().unwrap());
        fs::create_dir(checkout.path("repo")).unwrap();
        checkout.git(&["init", "-q", "--template="]);
        fs::create_dir(checkout.path("repo/.git/hooks")).unwrap();
        checkout
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.0.path().join(inside)
    }

    fn write(&self, inside: &str, content: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=ops", "-c", "user.email=ops@example.org", "-c", "init.defaultBranch=main"];
        let done = Command::new("git").args(identity).args(args).current_dir(self.path("repo")).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", text(&done.stderr));
    }

    fn scan(&self, args: &[&str]) -> (i32, String) {
        done(&run(&self.path("repo"), args))
    }
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("evidence").unwrap();
    command.current_dir(folder).arg("scan").args(args).output().unwrap()
}

fn done(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), text(&output.stdout) + &text(&output.stderr))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A token that the rules know, made at run time.
fn token() -> String {
    format!("{}_{}", "ghp", "a1B2c3D4e5".repeat(4))
}

#[test]
fn no_program_of_the_checkout_runs() {
    let checkout = Checkout::new();
    checkout.write("repo/a.txt", "one\n");
    checkout.git(&["add", "."]);
    checkout.git(&["commit", "-qm", "first"]);
    let evil = checkout.path("evil.sh");
    fs::write(&evil, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", checkout.path("ran").display())).unwrap();
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
    let evil = evil.to_str().unwrap().to_owned();
    checkout.write("repo/.git/info/attributes", "*.txt filter=a=b diff=c\n*.md filter=p\n");
    checkout.write("repo/.gitattributes", "* filter=a=b diff=c\n");
    checkout.git(&["config", "filter.a=b.required", "true"]);
    checkout.git(&["config", "filter.p.process", &evil]);
    for key in [
        "filter.a=b.clean",
        "filter.a=b.smudge",
        "diff.c.textconv",
        "diff.c.command",
        "diff.external",
        "core.pager",
        "core.fsmonitor",
        "core.sshCommand",
        "gpg.program",
        "gpg.ssh.program",
        "core.askPass",
        "credential.helper",
        "alias.diff",
        "alias.log",
        "pager.diff",
        "pager.log",
        "core.editor",
    ] {
        checkout.git(&["config", key, &evil]);
    }
    checkout.git(&["config", "log.showSignature", "true"]);
    for hook in ["post-index-change", "pre-commit", "fsmonitor-watchman", "reference-transaction"] {
        fs::copy(&evil, checkout.path(&format!("repo/.git/hooks/{hook}"))).unwrap();
    }
    let secret = token();
    checkout.write("repo/a.txt", &format!("one\ntwo {secret}\n"));
    checkout.write("repo/b.md", "text\n");
    for args in [&["--since", "HEAD"][..], &["--staged"], &["--history"], &["."]] {
        let (code, said) = checkout.scan(args);
        assert!(code == 0 || code == 1, "{args:?} {code}: {said}");
        assert_eq!(args[0] == "--since" || args[0] == ".", said.contains("a.txt:2:"), "{args:?}: {said}");
        let ran = fs::read_to_string(checkout.path("ran")).unwrap_or_default();
        assert!(ran.is_empty(), "{args:?} ran {ran}");
    }
}

#[test]
fn a_work_tree_elsewhere_is_not_read() {
    let checkout = Checkout::new();
    checkout.write("repo/outside.txt", "one\n");
    checkout.git(&["add", "."]);
    checkout.git(&["commit", "-qm", "first"]);
    checkout.write("elsewhere/outside.txt", &format!("TheirOwn {}\n", token()));
    checkout.git(&["config", "core.worktree", checkout.path("elsewhere").to_str().unwrap()]);
    let (code, said) = checkout.scan(&["--since", "HEAD", "--show", "80"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("core.worktree") && !said.contains("TheirOwn"), "{said}");
}

#[test]
fn settings_hide_nothing_of_history_or_of_a_diff() {
    let checkout = Checkout::new();
    checkout.write("repo/a b\té\".txt", &format!("{}\n", token()));
    checkout.git(&["add", "."]);
    checkout.git(&["commit", "-qm", "first"]);
    for (key, value) in [
        ("log.showRoot", "false"),
        ("diff.relative", "true"),
        ("diff.noprefix", "true"),
        ("core.quotePath", "true"),
        ("diff.suppressBlankEmpty", "true"),
        ("diff.orderFile", "/etc/hostname"),
        ("color.ui", "always"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.ignoreSubmodules", "none"),
        ("diff.context", "0"),
    ] {
        checkout.git(&["config", key, value]);
    }
    checkout.write("repo/.gitattributes", "* -diff binary\n");
    let (code, said) = checkout.scan(&["--history"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("a b") && said.contains("é\".txt:1:") && !said.contains("\\303"), "{said}");
    fs::create_dir(checkout.path("repo/sub")).unwrap();
    let (code, said) = done(&run(&checkout.path("repo/sub"), &["--history"]));
    assert_eq!(code, 1, "from a folder below: {said}");
    checkout.write("repo/c.txt", &format!("\n\n\nx\n{}\n", token()));
    checkout.git(&["add", "."]);
    let (_, said) = checkout.scan(&["--staged"]);
    assert!(said.contains("c.txt:5:"), "{said}");
}

#[test]
fn exclude_and_paths_hold_for_a_change_too() {
    let checkout = Checkout::new();
    checkout.write("repo/fixtures/deep/a.txt", &format!("{}\n", token()));
    checkout.write("repo/src/b.txt", &format!("{}\n", token()));
    checkout.git(&["add", "."]);
    let (code, said) = checkout.scan(&["--staged", "--exclude", "fixtures"]);
    assert_eq!(code, 1);
    assert!(!said.contains("a.txt:") && said.contains("b.txt:1:") && said.contains("excluded"), "{said}");
    let (_, said) = checkout.scan(&["--staged", "fixtures"]);
    assert!(said.contains("a.txt:1:") && !said.contains("b.txt"), "{said}");
}

#[test]
fn settings_of_the_checkout_name_no_file_outside_of_it() {
    let checkout = Checkout::new();
    checkout.write("outside", "deploykey-9f8e7d6c5b4a3f2e1d0c:\n");
    let absolute = checkout.path("outside");
    symlink(&absolute, checkout.path("repo/link")).unwrap();
    symlink(checkout.path("."), checkout.path("repo/up")).unwrap();
    for named in [absolute.to_str().unwrap(), "../outside", "link", "up/outside"] {
        for key in ["rules: [\"X\"]", "baseline: \"X\""] {
            checkout.write("repo/.evidence/scan.yaml", &key.replace('X', named));
            let (code, said) = checkout.scan(&[]);
            assert!(code == 2 && !said.contains("deploykey"), "{key} {named}: {said}");
            assert!(said.contains("scan.yaml"), "{said}");
            let mut mask = assert_cmd::Command::cargo_bin("evidence").unwrap();
            let mask = mask.current_dir(checkout.path("repo")).args(["mask", "-"]).write_stdin("x\n").output().unwrap();
            assert!(!done(&mask).1.contains("deploykey"), "{:?}", done(&mask));
        }
    }
    fs::remove_file(checkout.path("repo/.evidence/scan.yaml")).unwrap();
    symlink(&absolute, checkout.path("repo/.evidence/scan.yaml")).unwrap();
    let (code, said) = checkout.scan(&[]);
    assert!(code == 2 && said.contains("symbolic link") && !said.contains("deploykey"), "{said}");
    fs::remove_dir_all(checkout.path("repo/.evidence")).unwrap();
    checkout.write("there/scan.yaml", "exclude: ['**']\n");
    symlink("../there", checkout.path("repo/.evidence")).unwrap();
    assert_eq!(checkout.scan(&[]).0, 2);
}

#[test]
fn what_settings_leave_out_is_said_in_every_format() {
    let checkout = Checkout::new();
    checkout.write("repo/a.txt", &format!("{}\n", token()));
    checkout.write("repo/.evidence/scan.yaml", "skip: [github-token]\nmin_confidence: high\nexclude: [b.txt]\n");
    checkout.write("repo/b.txt", "x\n");
    for format in ["text", "json", "jsonl", "sarif", "junit", "github", "csv"] {
        let (_, said) = checkout.scan(&["--format", format]);
        assert!(
            said.contains("github-token") && said.contains("scan.yaml") && said.contains("b.txt"),
            "{format}: {said}"
        );
        assert!(said.contains("1 files or folders"), "{format}: {said}");
    }
    checkout.write("repo/.evidence/scan.yaml", "exclude: ['**']\n");
    let (code, said) = checkout.scan(&[]);
    assert!(code == 2 && said.contains("0 files were scanned"), "{code} {said}");
    fs::create_dir(checkout.path("empty")).unwrap();
    assert_eq!(done(&run(&checkout.path("empty"), &[])).0, 2);
}

#[test]
fn links_in_it_are_counted_and_those_that_are_named_are_followed() {
    let checkout = Checkout::new();
    checkout.write("outside/secret.txt", &format!("{}\n", token()));
    checkout.write("repo/a.txt", "x\n");
    symlink("../outside", checkout.path("repo/folder")).unwrap();
    symlink("../outside/secret.txt", checkout.path("repo/file")).unwrap();
    let (code, said) = checkout.scan(&["."]);
    assert!(code == 0 && said.contains("2 symbolic links"), "{code} {said}");
    for named in ["file", "folder"] {
        let (code, said) = checkout.scan(&[named]);
        assert!(code == 1 && said.contains("is a symbolic link") && said.contains("outside"), "{code} {said}");
    }
    assert_eq!(checkout.scan(&["nowhere"]).0, 2);
}

#[test]
fn outside_of_a_repository_there_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["--staged"][..], &["--since", "HEAD"], &["--history"]] {
        let (code, said) = done(&run(folder.path(), args));
        assert_eq!((code, said.lines().count()), (2, 1), "{said}");
        assert!(said.contains("not a git repository"), "{said}");
    }
    let checkout = Checkout::new();
    checkout.write("repo/a.txt", "x\n");
    checkout.git(&["add", "."]);
    checkout.git(&["commit", "-qm", "first"]);
    for revision in ["no-such-revision", "--output=x", ""] {
        let (code, said) = checkout.scan(&[&format!("--since={revision}")]);
        assert_eq!((code, said.lines().count()), (2, 1), "{said}");
    }
    assert!(!checkout.path("repo/x").exists());
}
