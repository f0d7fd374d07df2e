//! Inventories of real folders, good and bad.

use std::os::unix::fs::symlink;

use super::super::testing::{look, prepare, without_privileges};
use super::*;
use crate::model::value::{Value, lookup};

/// Five days of backups, the last one empty, with times a day apart.
fn backups() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (day, size) in [(10, 42_u64), (11, 43), (12, 44), (13, 43), (14, 2)] {
        let path = folder.path().join(format!("app_202605{day}_0417.sql.gz"));
        files::write(&path, &vec![b'x'; usize::try_from(size * 100).unwrap()]).unwrap();
        let when = rustix::fs::Timespec { tv_sec: 1_778_000_000 + day * 86_400, tv_nsec: 5 };
        let times = rustix::fs::Timestamps { last_access: when, last_modification: when };
        rustix::fs::utimensat(rustix::fs::CWD, &path, &times, rustix::fs::AtFlags::empty()).unwrap();
    }
    files::write(&folder.path().join("notes.txt"), b"x").unwrap();
    folder
}

fn see(path: &Path, rest: &str) -> Observation {
    look(&FilesCollector, &format!("{{ path: {path:?}{rest} }}"))
}

fn at<'a>(seen: &'a Observation, path: &str) -> &'a Value {
    lookup(&seen.values, path).unwrap_or_else(|| panic!("no {path}"))
}

fn paths(seen: &Observation, list: &str) -> Vec<String> {
    let Value::List(entries) = at(seen, list) else { panic!("no list") };
    entries.iter().map(|entry| entry.at("path").unwrap().to_string()).collect()
}

#[test]
fn a_set_of_daily_backups_is_compared_with_what_is_usual() {
    let folder = backups();
    let seen = see(folder.path(), ", glob: '*.sql.gz'");
    assert_eq!(at(&seen, "count"), &5_u64.into());
    assert_eq!(at(&seen, "total_bytes"), &17_400_u64.into());
    assert_eq!(at(&seen, "newest.path"), &"app_20260514_0417.sql.gz".into());
    assert_eq!(at(&seen, "newest.mtime"), &"2026-05-19T16:53:20.000000005Z".into());
    assert_eq!(at(&seen, "oldest.size_bytes"), &4200_u64.into());
    assert_eq!(at(&seen, "baseline.median_bytes"), &4300_u64.into());
    assert_eq!(at(&seen, "baseline.median_of"), &4_u64.into());
    assert_eq!(at(&seen, "baseline.previous_path"), &"app_20260513_0417.sql.gz".into());
    assert_eq!(at(&seen, "baseline.newest_share_of_median"), &Value::Real(0.04651));
    assert_eq!(at(&seen, "entries.1.share_of_median"), &Value::Int(1));
    assert_eq!(paths(&seen, "outliers"), ["app_20260514_0417.sql.gz"]);
    assert_eq!(at(&seen, "entries.0.sha256").as_text().map(str::len), Some(64));
    assert_eq!(at(&seen, "complete"), &true.into());
    for (value, _) in doc::DOC.values {
        assert!(seen.values.contains_key(*value) != seen.missing.contains_key(*value), "{value}");
    }
}

#[test]
fn links_and_special_files_are_named_and_not_opened() {
    let folder = backups();
    symlink("notes.txt", folder.path().join("link")).unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    let fifo = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    files::make_folder(&folder.path().join("sub")).unwrap();
    files::write(&folder.path().join("sub/deep.txt"), b"y").unwrap();
    let seen = see(folder.path(), ", glob: '[!a]*', recursive: true");
    assert_eq!(paths(&seen, "entries"), ["link", "loop", "notes.txt", "pipe", "sub", "sub/deep.txt"]);
    assert_eq!(at(&seen, "entries.0.link_target"), &"notes.txt".into());
    assert_eq!(at(&seen, "entries.3.kind"), &"FIFO".into());
    assert_eq!((at(&seen, "count"), at(&seen, "others")), (&2_u64.into(), &4_u64.into()));
    assert_eq!(at(&seen, "complete"), &true.into());
    assert_eq!(paths(&see(folder.path(), ", glob: 'sub/*.txt', recursive: true"), "entries"), ["sub/deep.txt"]);
}

#[test]
fn an_entry_that_cannot_be_seen_takes_the_totals_along() {
    let folder = backups();
    let closed = folder.path().join("closed");
    files::make_folder(&closed).unwrap();
    files::set_mode(&folder.path().join("notes.txt"), 0).unwrap();
    let content = without_privileges(|| see(folder.path(), ""));
    assert_eq!(at(&content, "count"), &6_u64.into());
    assert_eq!(content.missing["digests"].reason, Reason::Denied);
    assert_eq!(at(&content, "unreadable.0.what"), &"content".into());

    files::set_mode(&closed, 0).unwrap();
    let listing = without_privileges(|| see(folder.path(), ", recursive: true"));
    assert_eq!(listing.missing["count"].reason, Reason::Denied);
    assert!(listing.missing["baseline"].settle.as_deref().is_some_and(|c| c.starts_with("sudo ls -la -- /")));
    assert!(!listing.values.contains_key("total_bytes"));
    assert_eq!(at(&listing, "count_seen"), &6_u64.into());
    assert_eq!(at(&listing, "unreadable_total"), &2_u64.into());

    let root = without_privileges(|| see(&closed, ""));
    assert_eq!(root.missing["entries"].reason, Reason::Denied);
    files::set_mode(&closed, 0o400).unwrap();
    files::write(&closed.join("x"), b"x").unwrap();
    let metadata = without_privileges(|| see(&closed, ""));
    assert_eq!(metadata.missing["total_bytes"].reason, Reason::Denied);
    assert_eq!(at(&metadata, "unreadable.0.what"), &"metadata".into());
    files::set_mode(&closed, 0o700).unwrap();
}

#[test]
fn a_large_inventory_is_cut_in_values_and_whole_in_the_attachment() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..150 {
        files::write(&folder.path().join(format!("f{number:03}")), b"x").unwrap();
    }
    let seen = see(folder.path(), ", limit: 4");
    assert_eq!(paths(&seen, "entries"), ["f000", "f001", "f148", "f149"]);
    assert_eq!((at(&seen, "entries_cut"), at(&seen, "count")), (&true.into(), &150_u64.into()));
    let lines = String::from_utf8(seen.attachments[0].bytes.clone()).unwrap();
    assert_eq!(lines.lines().count(), 150);
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last.at("path"), Some(&"f149".into()));

    let limited = see(folder.path(), ", max_files: 100");
    assert_eq!(limited.missing["count"].reason, Reason::Limit);
}

#[test]
fn folders_that_are_none_empty_or_absent_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let empty = see(folder.path(), "");
    assert_eq!(at(&empty, "count"), &0_u64.into());
    assert_eq!(empty.missing["newest"].reason, Reason::NotFound);
    assert_eq!(empty.missing["baseline"].reason, Reason::NotApplicable);
    let gone = see(&folder.path().join("gone"), "");
    assert_eq!((at(&gone, "exists"), gone.missing["count"].reason), (&false.into(), Reason::NotFound));
    assert_eq!(see(Path::new("/dev/null"), "").missing["count"].reason, Reason::NotApplicable);
}

#[test]
fn settings_are_checked() {
    let error = |with: &str| prepare(&FilesCollector, with).err().map(|e| e.message).unwrap_or_default();
    assert!(error("{ path: /x, glob: '[' }").contains("glob"));
    assert!(error("{ path: /x, baseline: { tolerance: 2 } }").contains("tolerance"));
    assert!(error("{ path: /x, recursiv: true }").contains("recursiv"));
}

#[test]
#[ignore = "measures speed; run by benches/files.sh in a release build"]
fn speed() {
    let folder = crate::base::env::var("EVIDENCE_BENCH_FOLDER").unwrap();
    let watch = crate::base::clock::Stopwatch::start();
    let seen = see(Path::new(&folder), ", recursive: true");
    println!("files {} milliseconds {}", at(&seen, "digests"), watch.millis());
}
