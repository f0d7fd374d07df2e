//! `scan`, `mask` and `rules` as people run them: the built binary, real files, real git, and no
//! secret anywhere but where it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A secret that is made here, so that no scanner fires on this file.
fn token(seed: usize) -> String {
    const ALPHABET: &[u8] = b"q7Wz4kP9xB2mV6tR8nC3hJ5dG1sLyFuEaKoTiY";
    (0..36).map(|i| char::from(ALPHABET[(i * 7 + seed * 11 + i * i) % ALPHABET.len()])).collect()
}

fn github(seed: usize) -> String {
    format!("gh{}_{}", "p", token(seed))
}

fn evidence(folder: &Path, args: &[&str], stdin: &[u8]) -> Output {
    assert_cmd::Command::cargo_bin("evidence")
        .unwrap()
        .current_dir(folder)
        .args(args)
        .write_stdin(stdin.to_vec())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn git(folder: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=ops", "-c", "user.email=ops@example.org", "-c", "init.defaultBranch=main"];
    let done = Command::new("git").args(identity).args(args).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", text(&done.stderr));
}

#[test]
fn findings_give_one_and_no_format_carries_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = evidence(folder.path(), &["scan"], b"");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("0 files were scanned"), "{}", text(&nothing.stderr));
    let secret = github(1);
    fs::create_dir(folder.path().join(".hidden")).unwrap();
    fs::write(folder.path().join(".hidden/a,b.yaml"), format!("one: 1\r\né {secret}\r\n")).unwrap();
    for format in ["text", "json", "jsonl", "sarif", "junit", "github", "csv"] {
        let seen = evidence(folder.path(), &["scan", "--format", format, "--show", "200", "--stats"], b"");
        assert_eq!(seen.status.code(), Some(1), "{format}");
        let all = text(&seen.stdout) + &text(&seen.stderr);
        assert!(all.contains("github-token"), "{format}: {all}");
        assert!(!all.contains(&secret[6..14]), "{format}");
    }
    let seen = evidence(folder.path(), &["scan", "--format", "json"], b"");
    let json: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
    let found = &json["scan"]["findings"][0];
    assert_eq!((found["line"].as_u64(), found["column"].as_u64()), (Some(2), Some(3)), "{found}");
}

#[test]
fn what_cannot_be_scanned_is_named_and_gives_two() {
    let folder = tempfile::tempdir().unwrap();
    let seen = evidence(folder.path(), &["scan", "gone.txt"], b"");
    assert_eq!(seen.status.code(), Some(2));
    assert!(text(&seen.stderr).contains("gone.txt"));
    assert_eq!(evidence(folder.path(), &["scan", "--only", "no-such-rule"], b"").status.code(), Some(2));
}

#[test]
fn packed_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let secret = github(2);
    fs::write(folder.path().join("inner.env"), format!("T={secret}\n")).unwrap();
    let sh = "tar czf a.tar.gz inner.env && zstd -q inner.env -o b.zst && gzip -k inner.env && \
              python3 -c 'import zipfile as z; z.ZipFile(\"c.zip\",\"w\",z.ZIP_DEFLATED).write(\"a.tar.gz\")' && rm inner.env";
    let done = Command::new("sh").args(["-c", sh]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let seen = text(&evidence(folder.path(), &["scan", "--format", "jsonl"], b"").stdout);
    assert_eq!(seen.lines().count(), 4, "{seen}");
    assert!(seen.contains("c.zip!a.tar.gz!inner.env"), "{seen}");
}

#[test]
fn only_the_lines_of_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (github(3), github(4));
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join("a.txt"), format!("{old}\n")).unwrap();
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "first"]);
    fs::write(folder.path().join("a.txt"), format!("{old}\nplain\n{new}\n")).unwrap();
    assert_eq!(evidence(folder.path(), &["scan", "--staged"], b"").status.code(), Some(0));
    let since = text(&evidence(folder.path(), &["scan", "--since", "HEAD"], b"").stdout);
    git(folder.path(), &["add", "."]);
    let staged = text(&evidence(folder.path(), &["scan", "--staged"], b"").stdout);
    for seen in [since, staged] {
        assert!(seen.starts_with("a.txt:3:") && seen.contains("1 finding "), "{seen}");
    }
    let history = text(&evidence(folder.path(), &["scan", "--history"], b"").stdout);
    assert!(history.starts_with("a.txt:1:") && history.contains(" commit "), "{history}");
}

#[test]
fn a_baseline_knows_what_it_saw_and_tells_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (github(5), github(6));
    fs::write(folder.path().join("a.txt"), format!("{old}\n")).unwrap();
    let made = evidence(folder.path(), &["scan", "--write-baseline", "known.json", "a.txt"], b"");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    assert!(!fs::read_to_string(folder.path().join("known.json")).unwrap().contains(&old[6..14]));
    fs::write(folder.path().join("a.txt"), format!("moved\n\n{old}\n")).unwrap();
    let same = evidence(folder.path(), &["scan", "--baseline", "known.json", "a.txt"], b"");
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stdout));
    fs::write(folder.path().join("b.txt"), &new).unwrap();
    assert_eq!(evidence(folder.path(), &["scan", "--baseline", "known.json", "b.txt"], b"").status.code(), Some(1));
    fs::remove_file(folder.path().join("known.json.key")).unwrap();
    assert_eq!(evidence(folder.path(), &["scan", "--baseline", "known.json", "a.txt"], b"").status.code(), Some(2));
}

#[test]
fn an_allowance_needs_a_reason_and_a_use() {
    let folder = tempfile::tempdir().unwrap();
    let mark = concat!("evidence:", "allow");
    let scan = |text: String| {
        fs::write(folder.path().join("a.txt"), text).unwrap();
        evidence(folder.path(), &["scan", "a.txt"], b"")
    };
    let secret = github(7);
    assert_eq!(scan(format!("{secret} # {mark} github-token revoked in May\n")).status.code(), Some(0));
    assert_eq!(scan(format!("{secret} # {mark} github-token\n")).status.code(), Some(1));
    let unused = scan(format!("x # {mark} github-token revoked in May\n"));
    assert!(text(&unused.stdout).contains("unused: a.txt:1"), "{}", text(&unused.stdout));
}

#[test]
fn a_masked_stream_keeps_its_lines_and_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (github(8), github(9));
    let log = format!("start\n{one} a\npassword=\"{}\" é\n{two}\n{one}\nend", token(10));
    let masked = evidence(folder.path(), &["mask", "-"], log.as_bytes());
    let masked = text(&masked.stdout);
    assert_eq!(
        masked,
        "start\n***github-token-1*** a\npassword=\"***assigned-secret-1***\" é\n***github-token-2***\n***github-token-1***\nend"
    );
    assert_eq!(text(&evidence(folder.path(), &["mask", "-"], masked.as_bytes()).stdout), masked);
    assert_eq!(evidence(folder.path(), &["scan", "-"], masked.as_bytes()).status.code(), Some(0));
}

#[test]
fn a_file_is_masked_in_place_with_its_mode_and_a_private_map() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    let secret = github(11);
    fs::write(&path, format!("a\n{secret}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let done = evidence(folder.path(), &["mask", "app.log", "--in-place", "--map", "map.json"], b"");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(fs::read_to_string(&path).unwrap().contains("***github-token-1***"));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let map = folder.path().join("map.json");
    assert_eq!(map.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let map: serde_json::Value = serde_json::from_str(&fs::read_to_string(map).unwrap()).unwrap();
    assert_eq!((map[0]["label"].as_str(), map[0]["line"].as_u64()), (Some("github-token-1"), Some(2)));
    assert!(!map.to_string().contains(&secret[6..12]));
}

#[test]
fn rules_hold_what_they_promise_and_those_of_users_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let check = evidence(folder.path(), &["rules", "check"], b"");
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
    assert_eq!(evidence(folder.path(), &["rules", "show", "github-token"], b"").status.code(), Some(0));
    assert_eq!(evidence(folder.path(), &["rules", "show", "github-tokn"], b"").status.code(), Some(2));
    let toml = "[[rules]]\nid = \"corp\"\nregex = '''corp-([a-z0-9]{20})'''\nsecretGroup = 1\nkeywords = [\"corp-\"]\n";
    fs::write(folder.path().join("ours.toml"), toml).unwrap();
    fs::write(folder.path().join("a.txt"), "see corp-q7wz4kp9xb2mv6tr8nc3 here\n").unwrap();
    let seen = evidence(folder.path(), &["scan", "a.txt", "--rules", "ours.toml", "--only", "corp"], b"");
    assert!(text(&seen.stdout).starts_with("a.txt:1:10: corp "), "{}{}", text(&seen.stdout), text(&seen.stderr));
}
