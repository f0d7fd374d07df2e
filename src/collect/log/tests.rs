//! Looks at real files, good and bad.

use std::io::Write;
use std::path::Path;

use super::super::testing::{look, prepare, without_privileges};
use super::*;

const LOG: &str = "\
[2026-05-15 03:00:00] Backup starts
[2026-05-15 03:00:02] pg_dump: error: permission denied for schema sandbox_tac
  detail without a time
[2026-05-15 03:00:03] Backup completed
[2026-05-15 03:30:00] other job
[2026-05-15 04:00:00] pg_dump: error: permission denied again
";

struct Scene(tempfile::TempDir);

impl Scene {
    fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("log"), bytes).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }

    fn see(&self, rest: &str) -> Observation {
        look(&LogCollector, &format!("{{ path: {:?}, {rest} }}", self.path()))
    }
}

fn at<'a>(seen: &'a Observation, path: &str) -> &'a Value {
    crate::model::value::lookup(&seen.values, path).unwrap_or_else(|| panic!("no {path}"))
}

fn numbers(seen: &Observation) -> Vec<i64> {
    let Value::List(lines) = at(seen, "excerpt") else { panic!("no list") };
    lines.iter().filter_map(|line| line.at("line")?.as_int()).collect()
}

fn attached(seen: &Observation) -> String {
    String::from_utf8(seen.attachments[0].bytes.clone()).unwrap()
}

#[test]
fn counts_first_and_last_per_pattern_and_zero_is_a_value() {
    let seen = Scene::new(LOG.as_bytes()).see("patterns: { denied: 'permission denied', never: xyzzy }");
    assert_eq!(at(&seen, "patterns.denied.count"), &2_u64.into());
    assert_eq!(at(&seen, "patterns.denied.first.line"), &2_u64.into());
    assert_eq!(at(&seen, "patterns.denied.first.offset"), &36_u64.into());
    assert_eq!(at(&seen, "patterns.denied.first.time"), &"2026-05-15T01:00:02.000000000Z".into());
    assert_eq!(at(&seen, "patterns.denied.first.time_written"), &"2026-05-15 03:00:02".into());
    assert_eq!(at(&seen, "patterns.denied.last.line"), &6_u64.into());
    assert_eq!(at(&seen, "patterns.never.count"), &0_u64.into());
    assert_eq!(seen.missing["patterns.never.first"].reason, Reason::NotApplicable);
    assert_eq!(at(&seen, "lines_total"), &6_u64.into());
    assert_eq!(at(&seen, "bytes_total"), &LOG.len().into());
    assert_eq!(at(&seen, "zone_from"), &"case".into());
    assert_eq!(at(&seen, "last_time"), &"2026-05-15T02:00:00.000000000Z".into());
    assert_eq!(numbers(&seen), [2, 6]);
    for (value, _) in doc::DOC.values {
        let top = value.split('.').next().unwrap();
        assert!(seen.values.contains_key(top) != seen.missing.contains_key(top), "{top}");
    }
}

#[test]
fn a_match_without_a_time_names_the_time_above_it() {
    let seen = Scene::new(LOG.as_bytes()).see("patterns: { detail: detail, starts: starts }");
    let first = at(&seen, "patterns.detail.first");
    assert!(first.at("time").is_none());
    assert_eq!(first.at("after_time_written"), Some(&"2026-05-15 03:00:02".into()));
    assert_eq!(first.at("after_time"), Some(&"2026-05-15T01:00:02.000000000Z".into()));
    assert!(at(&seen, "patterns.starts.first").at("after_time").is_none());
}

#[test]
#[ignore = "measures speed; run by benches/log.sh in a release build"]
fn speed() {
    let path = crate::base::env::var("EVIDENCE_BENCH_LOG").unwrap();
    let watch = crate::base::clock::Stopwatch::start();
    let rest = crate::base::env::var("EVIDENCE_BENCH_WITH").unwrap_or(
        "patterns: { denied: 'permission denied', done: 'completed successfully', error: '(?i)error|fatal' }".into(),
    );
    let seen = look(&LogCollector, &format!("{{ path: {path:?}, {rest} }}"));
    println!("log {} bytes, {} milliseconds", at(&seen, "bytes_total"), watch.millis());
}

#[test]
fn chooses_by_window_around_a_match_by_time_and_by_the_end() {
    let scene = Scene::new(LOG.as_bytes());
    let patterns = "patterns: { denied: 'permission denied' }";
    assert_eq!(numbers(&scene.see(&format!("{patterns}, around: denied, window: 2s"))), [1, 2, 3, 4]);
    assert_eq!(numbers(&scene.see("between: ['2026-05-15 03:00:03', '2026-05-15T03:30:00+02:00']")), [4, 5]);
    assert_eq!(numbers(&scene.see("around: '2026-05-15T01:00:02Z', window: 1s")), [2, 3, 4]);
    assert_eq!(numbers(&scene.see("tail: 2")), [5, 6]);
    assert_eq!(numbers(&scene.see(&format!("{patterns}, context: 1, tail: 1"))), [1, 2, 3, 5, 6]);
    let nothing = scene.see("patterns: { never: xyzzy }, around: never");
    assert_eq!(nothing.missing["excerpt"].reason, Reason::NotFound);
    assert_eq!(
        at(&scene.see(&format!("{patterns}, around: denied")), "window_from"),
        &"2026-05-15T00:55:02.000000000Z".into()
    );
}

#[test]
fn the_excerpt_is_capped_and_says_so() {
    let many: String = (0..1000).map(|n| format!("error {n}\n")).collect();
    let seen = Scene::new(many.as_bytes()).see("patterns: { error: error }, max_lines: 10");
    assert_eq!(at(&seen, "excerpt_lines"), &10_u64.into());
    assert_eq!(at(&seen, "excerpt_left_out"), &990_u64.into());
    assert_eq!(at(&seen, "patterns.error.count"), &1000_u64.into());
    assert!(attached(&seen).contains("   5 | error 4\n… 990 lines left out\n 996 | error 995\n"));
}

#[test]
fn compressed_logs_are_read_and_a_cut_one_is_not_whole() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(LOG.repeat(2000).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(LOG.repeat(2000).as_bytes(), 3).unwrap();
    for (packed, kind) in [(gzip, "gzip"), (zstd, "zstd")] {
        let seen = Scene::new(&packed).see("patterns: { denied: denied, never: xyzzy }");
        assert_eq!(at(&seen, "patterns.denied.count"), &4000_u64.into());
        assert_eq!(at(&seen, "container"), &kind.into());

        let cut = Scene::new(&packed[..packed.len() / 2]).see("patterns: { denied: denied, never: xyzzy }");
        assert_eq!(at(&cut, "complete"), &false.into());
        assert_eq!(cut.missing["patterns.never.count"].reason, Reason::Unparsable, "{kind}");
        assert_eq!(cut.missing["lines_total"].reason, Reason::Unparsable);
        assert!(cut.values.contains_key("sha256"));

        let bomb = Scene::new(&packed).see("patterns: { never: xyzzy }, expansion_limit: 1 KiB");
        assert_eq!(bomb.missing["patterns.never.count"].reason, Reason::Limit);
    }
}

#[test]
fn utf_16_is_searched_as_the_text_that_it_is() {
    let plain = Scene::new(LOG.as_bytes()).see("patterns: { denied: 'permission denied', never: xyzzy }");
    for bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        let wide: Vec<u8> = LOG.encode_utf16().flat_map(bytes).collect();
        let wide = [&bytes(0xfeff), wide.as_slice()].concat();
        let seen = Scene::new(&wide).see("patterns: { denied: 'permission denied', never: xyzzy }");
        assert!(at(&seen, "encoding").as_text().is_some_and(|word| word.starts_with("UTF-16")));
        for path in ["patterns", "excerpt", "lines_total", "bytes_total", "nul_bytes", "first_time", "last_time"] {
            assert_eq!(at(&seen, path), at(&plain, path), "{path}");
        }
        assert_ne!(at(&seen, "sha256"), at(&plain, "sha256"));
    }
    let wide = Scene::new(b"\xff\xfe\0\0a\0\0\0").see("patterns: { a: a }");
    assert_eq!(wide.missing["patterns.a.count"].reason, Reason::Unparsable);
    assert!(wide.missing["patterns.a.count"].message.contains("iconv -f UTF-32"));
}

#[test]
fn a_pattern_that_damaged_or_mixed_utf_16_hides_is_unknown_and_not_without_a_match() {
    let wide = |bytes: fn(u16) -> [u8; 2]| LOG.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let le = [&[0xff, 0xfe], wide(u16::to_le_bytes).as_slice()].concat();
    let more = b"2026-05-15 05:00:00 ERROR denied again\n";
    let mixed = [
        [&le, more.as_slice()].concat(),
        [&le, more.as_slice(), b"\n"].concat(),
        [&le[..51], &le[52..]].concat(),
        [le.clone(), wide(u16::to_be_bytes)].concat(),
        [LOG.as_bytes(), &le].concat(),
        [&[0x16, 0x04], &le[2..]].concat(),
    ];
    for bytes in mixed {
        let seen = Scene::new(&bytes).see("patterns: { never: xyzzy }, tail: 1");
        let why = &seen.missing["patterns.never.count"];
        assert_eq!((why.reason, at(&seen, "complete")), (Reason::Unparsable, &false.into()));
        assert!(why.settle.as_deref().is_some_and(|settle| settle.ends_with("| tr -d '\\000' | less")), "{why:?}");
        assert_eq!(at(&seen, "patterns.never.count_at_least"), &0_u64.into());
        for path in ["lines_total", "last_time"] {
            assert!(seen.missing.contains_key(path) && !seen.values.contains_key(path), "{path}");
        }
    }
}

#[test]
fn a_line_of_100_mb_is_searched_at_its_beginning_only_and_that_is_said() {
    let mut bytes = b"error early ".to_vec();
    bytes.resize(100 << 20, b'x');
    bytes.extend_from_slice(b" late\nerror after\n");
    let seen = Scene::new(&bytes).see("patterns: { early: early, late: late, error: ^error }");
    assert_eq!(at(&seen, "lines_total"), &2_u64.into());
    assert_eq!(at(&seen, "lines_cut"), &1_u64.into());
    assert_eq!(at(&seen, "patterns.error.count_at_least"), &2_u64.into());
    assert_eq!(seen.missing["patterns.late.count"].reason, Reason::Limit);
    assert_eq!(at(&seen, "patterns.early.first.cut"), &true.into());
    assert_eq!(at(&seen, "patterns.early.first.line_bytes"), &((100 << 20) + 5_u64).into());
    assert!(at(&seen, "patterns.early.first.text").as_text().is_some_and(|text| text.len() <= 4096));
    assert_eq!(at(&seen, "patterns.error.last.offset"), &((100 << 20) + 6_u64).into());
}

#[test]
fn hostile_text_is_kept_as_it_is_in_values_and_harmless_in_the_file() {
    let text = b"error ``` | <b>x</b> {{ x }} \x1b[2J\0 \xff\xfe\r\nerror end";
    let seen = Scene::new(text).see("patterns: { error: error }");
    let first = at(&seen, "patterns.error.first.text").as_text().unwrap();
    assert_eq!(first, "error ``` | <b>x</b> {{ x }} \u{1b}[2J\0 \\xff\\xfe");
    assert_eq!(at(&seen, "nul_bytes"), &1_u64.into());
    assert!(attached(&seen).contains("\\x1b[2J\\x00 \\xff\\xfe\n") && !attached(&seen).contains('\u{1b}'));
}

#[test]
fn the_lines_of_a_private_key_are_counted_and_never_kept() {
    let key =
        format!("x {}\n{}\n{}\nand after\n", concat!("-----BEGIN PRIV", "ATE KEY-----"), "MIIE0123456789", "QUJD");
    let seen = Scene::new(key.as_bytes()).see("patterns: { mii: MIIE }, tail: 3");
    assert_eq!(at(&seen, "patterns.mii.count"), &1_u64.into());
    assert!(
        at(&seen, "patterns.mii.first.text").as_text().is_some_and(|text| text.starts_with("[line of a private key"))
    );
    assert!(
        !attached(&seen).contains("MIIE") && !attached(&seen).contains("QUJD") && attached(&seen).contains("after")
    );
}

#[test]
fn a_repeated_hour_is_said_and_not_guessed() {
    let seen = Scene::new(b"2026-10-25 02:30:00 error\n").see("patterns: { error: error }");
    let first = at(&seen, "patterns.error.first");
    assert!(first.at("time").is_none() && first.at("time_note").is_some());
    assert_eq!(seen.missing["first_time"].reason, Reason::Unparsable);
    let around = Scene::new(b"2026-10-25 02:30:00 error\n").see("patterns: { error: error }, around: error");
    assert_eq!(around.missing["excerpt"].reason, Reason::Unparsable);
}

#[test]
fn what_cannot_be_read_says_why() {
    let scene = Scene::new(LOG.as_bytes());
    let folder = scene.0.path();
    let see = |path: &Path| look(&LogCollector, &format!("{{ path: {path:?}, tail: 1 }}"));
    let gone = see(&folder.join("gone"));
    assert_eq!(at(&gone, "exists"), &false.into());
    assert_eq!(gone.missing["patterns"].reason, Reason::NotFound);

    assert_eq!(see(folder).missing["excerpt"].reason, Reason::NotApplicable);
    assert_eq!(see(Path::new("/dev/null")).missing["excerpt"].reason, Reason::NotApplicable);

    files::set_mode(&scene.path(), 0).unwrap();
    let denied = without_privileges(|| see(&scene.path()));
    assert_eq!(denied.missing["lines_total"].reason, Reason::Denied);
    assert!(denied.missing["lines_total"].settle.as_deref().is_some_and(|c| c.starts_with("sudo less")));
    assert_eq!(at(&denied, "size_bytes"), &LOG.len().into());
}

#[test]
fn a_log_that_grows_is_read_to_where_it_was_and_one_that_shrinks_has_no_counts() {
    #[expect(clippy::disallowed_methods, reason = "the test is the one who meddles")]
    fn resize(path: &Path, size: u64) {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(size).unwrap();
    }
    for (size, fate) in [(LOG.len() as u64 + 9, Fate::Grew), (5, Fate::Changed), (LOG.len() as u64, Fate::Same)] {
        let scene = Scene::new(LOG.as_bytes());
        let (file, before) = files::open(&scene.path()).unwrap();
        let (stored, _) = Stored::new(file, &before, &super::super::testing::Silent).unwrap();
        if fate != Fate::Same {
            resize(&scene.path(), size);
        }
        assert_eq!(stored.finish(&before).unwrap().1, fate);
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let error = |with: &str| prepare(&LogCollector, with).err().map(|e| e.message).unwrap_or_default();
    assert!(error("{ path: /x }").contains("patterns"));
    assert!(error("{ path: /x, around: nothing }").contains("or a name under `patterns:`"));
    assert!(error("{ path: /x, around: '2026-10-25 02:30:00' }").contains("ambiguous"));
    assert!(error("{ path: /x, between: ['2026-05-16', '2026-05-15'] }").contains("between"));
    assert!(error("{ path: /x, tail: 1, window: 5m }").contains("needs `around`"));
    assert!(error("{ path: /x, tail: 300 }").contains("max_lines"));
    assert!(error("{ path: /x, tail: 1, time: { zone: Europe/Zürich } }").contains("Europe/Zurich"));
    assert!(error("{ path: /x, patterns: { a: '(' } }").contains("patterns: a"));
}
