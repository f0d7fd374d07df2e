//! What `timeline` sees of real files.

use std::io::Write as _;
use std::path::Path;

use super::super::testing::{look, prepare};
use super::*;
use crate::model::value::Map;

struct Scene(tempfile::TempDir);

impl Scene {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            crate::base::files::write(&folder.path().join(name), bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn see(&self, name: &str, more: &str) -> Observation {
        look(&TimelineCollector, &format!("{{ sources: [{{ log: {:?}{more} }}] }}", self.path(name)))
    }
}

fn events(seen: &Observation) -> Vec<&Map> {
    let Value::List(rows) = &seen.values["events"] else { panic!("no list") };
    rows.iter().map(|row| if let Value::Map(row) = row { row } else { panic!("no row") }).collect()
}

fn text<'a>(row: &'a Map, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_text).unwrap_or("-")
}

#[test]
fn zones_are_merged_in_utc_and_the_time_as_written_is_kept() {
    let scene = Scene::new(&[
        ("a.log", b"2026-05-15 03:00:46 Backup completed successfully\n"),
        ("b.log", b"2026-05-15T01:00:01Z backup started\n"),
    ]);
    let with = format!(
        "{{ sources: [{{ log: {:?}, zone: Europe/Zurich }}, {{ log: {:?} }}, {{ file: {:?} }}] }}",
        scene.path("a.log"),
        scene.path("b.log"),
        scene.path("b.log")
    );
    let seen = look(&TimelineCollector, &with);
    let rows = events(&seen);
    let order: Vec<_> =
        rows.iter().take(2).map(|row| (text(row, "at"), text(row, "original"), text(row, "kind"))).collect();
    assert_eq!(order[0], ("2026-05-15T01:00:01.000000000Z", "2026-05-15T01:00:01Z", "start"));
    assert_eq!(order[1], ("2026-05-15T01:00:46.000000000Z", "2026-05-15 03:00:46", "success"));
    assert!(rows[2..].iter().all(|row| text(row, "kind") == "file"));
    assert_eq!(seen.values["complete"], true.into());
    let figure = seen.attachments.iter().find(|a| a.name == "timeline.svg").unwrap();
    assert!(figure.bytes.starts_with(b"<svg ") && !figure.bytes.windows(9).any(|w| w == b"completed"));
    assert_eq!(prepare(&TimelineCollector, &with).map(|p| p.basis()).ok(), Some(Basis::Derived));
}

#[test]
fn a_repeated_hour_is_placed_by_its_file_and_has_no_instant() {
    let log = b"2026-10-25 01:59:00 backup started\n2026-10-25 02:30:00 upload started\n2026-10-25 02:10:00 upload failed\n2026-10-25 03:00:00 backup failed\n";
    let scene = Scene::new(&[("a.log", log)]);
    let seen = scene.see("a.log", "");
    let rows = events(&seen);
    assert_eq!(rows.iter().map(|row| row["line"].as_int().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(text(rows[1], "note").starts_with("ambiguous") && !rows[1].contains_key("at"));
    assert_eq!(text(rows[1], "at_earliest"), "2026-10-25T00:30:00.000000000Z");
    assert_eq!(text(rows[1], "at_latest"), "2026-10-25T01:30:00.000000000Z");
    let skipped = Scene::new(&[("a.log", b"2026-03-29 02:30:00 backup failed\n")]);
    let seen = skipped.see("a.log", "");
    assert!(text(events(&seen)[0], "note").contains("skips") && !events(&seen)[0].contains_key("at"));
    assert_eq!(seen.missing["first"].reason, Reason::NotFound);
}

#[test]
fn rotation_is_one_log_and_its_repeated_lines_are_marked() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"2026-05-13 03:00:00 backup started\n2026-05-13 03:00:09 backup failed\n").unwrap();
    let old = gzip.finish().unwrap();
    let scene = Scene::new(&[
        ("job.log", b"2026-05-13 03:00:09 backup failed\n2026-05-15 03:00:00 backup started\n".as_slice()),
        ("job.log.1", b"2026-05-14 03:00:00 backup started\n"),
        ("job.log.2.gz", &old),
    ]);
    let seen = scene.see("job.log*", "");
    let rows = events(&seen);
    let places: Vec<_> =
        rows.iter().map(|row| (text(row, "source").rsplit('/').next().unwrap(), text(row, "repeats") != "-")).collect();
    assert_eq!(
        places,
        [("job.log.2.gz", false), ("job.log.2.gz", false), ("job.log", true), ("job.log.1", false), ("job.log", false)]
    );
    assert!(text(rows[2], "repeats").ends_with("job.log.2.gz:2"));
}

#[test]
fn what_is_damaged_is_counted_and_said() {
    let bytes = b"2026-05-15 03:00:00 backup started\r\nno time: upload failed \xff\xfe\r\n2026-99-99 99:99:99 backup failed\n2026-05-15 02:00:00 backup fai";
    let seen = Scene::new(&[("a.log", bytes)]).see("a.log", "");
    let Value::List(sources) = &seen.values["sources"] else { panic!("no list") };
    let of = |key: &str| sources[0].at(key).cloned().unwrap_or(Value::Bool(false));
    assert_eq!((of("lines"), of("stamped"), of("unstamped")), (4_u64.into(), 2_u64.into(), 2_u64.into()));
    assert_eq!((of("clock_back"), of("not_utf8"), of("ends_open")), (1_u64.into(), 1_u64.into(), true.into()));
    let rows = events(&seen);
    assert!(rows.iter().any(|row| text(row, "text").contains("\\xff\\xfe") && row.contains_key("inherited")));
    let Value::List(marks) = &seen.values["marks"] else { panic!("no list") };
    assert_eq!(marks[0].at("mark"), Some(&"clock went back".into()));
}

#[test]
fn a_source_that_cannot_be_read_leaves_the_rest_and_says_so() {
    let scene = Scene::new(&[("a.log", b"2026-05-15 03:00:00 backup started\n")]);
    let with =
        format!("{{ sources: [{{ log: {:?} }}, {{ log: {:?} }}] }}", scene.path("a.log"), scene.path("gone.log"));
    let seen = look(&TimelineCollector, &with);
    assert_eq!((seen.values["complete"].clone(), seen.values["events_at_least"].clone()), (false.into(), 1_u64.into()));
    assert_eq!((seen.missing["events_total"].reason, seen.missing["counts"].reason), (Reason::Limit, Reason::Limit));
    assert_eq!(seen.missing["sources.1.last"].reason, Reason::NotFound);
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let error = |with: &str| prepare(&TimelineCollector, with).err().map(|e| e.message).unwrap_or_default();
    assert!(error("{ sources: [] }").contains("is empty"));
    assert!(error("{ sources: [{ log: /x, file: /y }] }").contains("sources[0]: is one of"));
    assert!(error("{ sources: [{ log: /x, zone: Europe/Zürich }] }").contains("Europe/Zurich"));
    assert!(error("{ sources: [{ log: /x, format: syslg }] }").contains("did you mean `syslog`"));
    assert!(error("{ sources: [{ log: /x, events: { start: '(' } }] }").contains("start"));
    assert!(error("{ sources: [{ log: /x, run: x }] }").contains("(?P<run>"));
    assert!(error("{ sources: [{ fact: nothing }] }").contains("no step `nothing`"));
    assert!(error("{ sources: [{ log: /x }], limit: 0 }").contains("limit"));
    assert!(
        error("{ sources: [{ log: /x }], between: ['2026-05-16 00:00:00', '2026-05-15 00:00:00'] }")
            .contains("between")
    );
    let _ = Path::new("/");
}

/// The program under the tests of speed; see `benches/timeline.sh`.
#[test]
#[ignore = "measures; needs EVIDENCE_BENCH_LOG"]
fn speed() {
    let log = crate::base::env::var("EVIDENCE_BENCH_LOG").unwrap();
    let watch = crate::base::clock::Stopwatch::start();
    let seen = look(&TimelineCollector, &format!("{{ sources: [{{ log: {log:?} }}] }}"));
    println!("timeline {} events, {} milliseconds", seen.values["events_total"], watch.millis());
    let watch = crate::base::clock::Stopwatch::start();
    let collector = super::super::contradictions::ContradictionsCollector;
    let seen = look(&collector, &format!("{{ sources: [{{ log: {log:?} }}] }}"));
    println!("contradictions {} findings, {} milliseconds", seen.values["count"], watch.millis());
}

#[test]
fn events_of_utf_16_are_those_of_its_text() {
    let text = "2026-05-15 03:00:46 Backup completed successfully\r\n";
    let wide: Vec<u8> =
        "\u{feff}".chars().chain(text.chars()).collect::<String>().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let scene = Scene::new(&[("a.log", &wide), ("b.log", text.as_bytes())]);
    let (wide, plain) = (scene.see("a.log", ""), scene.see("b.log", ""));
    assert_eq!(text_of(&wide), text_of(&plain));
    assert_eq!(text_of(&wide), ["Backup completed successfully"]);
    let Value::List(sources) = &wide.values["sources"] else { panic!("no list") };
    assert_eq!(sources[0].at("encoding"), Some(&"UTF-16LE".into()));
}

#[test]
fn a_source_of_several_encodings_is_not_whole() {
    let wide: Vec<u8> =
        "\u{feff}2026-05-15 03:00:46 Backup completed\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mixed = [&wide, b"2026-05-15 03:01:00 Backup failed\n".as_slice()].concat();
    let scene = Scene::new(&[("a.log", &mixed)]);
    let seen = scene.see("a.log", "");
    assert_eq!(seen.values["complete"], false.into());
    assert!(seen.missing.contains_key("events_total") && seen.missing["sources.0.last"].settle.is_some());
    let with = format!("{{ sources: [{{ log: {:?} }}] }}", scene.path("a.log"));
    let seen = look(&super::super::contradictions::ContradictionsCollector, &with);
    assert!(seen.missing.contains_key("count") && seen.values["count_at_least"] == 0_u64.into());
}

fn text_of(seen: &Observation) -> Vec<&str> {
    events(seen).into_iter().map(|row| text(row, "text")).collect()
}
