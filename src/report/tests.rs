//! What people see, as snapshots in `snapshots/`, and the frozen shapes of the JSON.

use std::io::Write as _;

use crate::examine::{Examination, Options, examine};
use crate::model::bundle::RunInfo;
use crate::model::fact::{Absence, Fact, Reason};
use crate::model::plan::{Action, Plan, PlannedStep, Verb};
use crate::model::value::Value;
use crate::model::verdict::{Closure, Outcome, Row, Section, Status, Verdict};
use crate::model::verification::{Level, LevelStatus, Verification};

use super::{Style, json};

const WIDE: Style = Style { colour: false, width: 120 };
const NARROW: Style = Style { colour: false, width: 60 };

fn row(section: Section, id: &str, title: &str, status: Status, observed: &str, expected: &str, because: &str) -> Row {
    let text = str::to_owned;
    Row {
        section,
        id: text(id),
        title: text(title),
        status,
        observed: text(observed),
        expected: text(expected),
        because: text(because),
        settle: None,
        facts: vec![text("fresh.payload_bytes")],
        seat: None,
        waiver: None,
    }
}

fn g6() -> Verdict {
    use Section::{Checklist, Checks, HardStops};
    let alert = Row {
        settle: Some("evidence collect g6 # after adding `uses: kuma` with the monitor's database".into()),
        ..row(Checks, "V4-7", "An alert fired", Status::Unknown, "not seen", "equals true", "no monitor was looked at")
    };
    let said = Row {
        seat: Some("executor".into()),
        ..row(Checklist, "C-1", "Nothing was restored", Status::Pass, "yes", "stated by executor", "")
    };
    let misleading = "an empty stream is a valid gzip stream (fresh.payload_bytes: 0 bytes)";
    Verdict {
        policy: "backup-integrity".into(),
        as_of: "2026-05-15T10:23:50.000000000Z".into(),
        outcome: Outcome::HardStop,
        closure: None,
        hypotheses: Vec::new(),
        rows: vec![
            row(HardStops, "HS-1", "The target is another one", Status::Pass, "yes", "equals true", ""),
            row(HardStops, "HS-5", "The fresh backup is not intact", Status::Fail, "0 bytes", "at least 1 MB", ""),
            row(
                Checks,
                "V4-1",
                "The dump has its usual size",
                Status::Fail,
                "20 bytes",
                "at least 0.5 of 43311450 bytes (41.3 MiB)",
                "",
            ),
            row(Checks, "V4-2", "gzip stream is valid", Status::Misleading, "yes", "equals true", misleading),
            alert,
            said,
        ],
    }
}

fn facts() -> Vec<Fact> {
    let lines = [
        r#"{"id":"host","uses":"host","basis":"observed","source":"this host","observed_at":"t","took_ms":1,
            "values":{"hostname":"db1.example.org","user":"ops","time_zone":"Europe/Zurich","sandbox":"full"}}"#,
        r#"{"id":"fresh","uses":"backup","basis":"observed","source":"/srv/backups/x.sql.gz","observed_at":"t","took_ms":1,
            "values":{"quality":"bad","kind":"gzip","size_bytes":20,"payload_bytes":0,"gzip":{"valid":true}},
            "missing":{"sql":{"reason":"not_applicable","message":"no payload"}},"masked":{"push-url":2}}"#,
        r#"{"id":"log","uses":"log","basis":"observed","source":"/var/log/b.log","observed_at":"t","took_ms":1,
            "values":{"lines_total":120,"patterns":{"denied":{"count":3},"done":{"count":0}}},
            "artifacts":[{"name":"excerpt.txt","bytes":2048,"sha256":"00"}]}"#,
        r#"{"id":"acl","uses":"postgres.schema_privilege","basis":"observed","target":"production","source":"psql",
            "observed_at":"t","took_ms":1,
            "absence":{"reason":"unavailable","message":"no server answers on /run/postgresql","settle":"pg_isready"}}"#,
        r#"{"id":"odd","uses":"future","basis":"observed","source":"x","observed_at":"t","took_ms":1,
            "values":{"a":1,"b":"text \u001b[31m","c":[1,2],"d":{"e":1},"f_bytes":4096,"g":true}}"#,
    ];
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn verification() -> Verification {
    let level = |name: &str, status, detail: &[&str]| Level {
        name: name.into(),
        status,
        detail: detail.iter().map(|d| (*d).to_owned()).collect(),
    };
    Verification {
        levels: vec![
            level("bag complete and unchanged, nothing extra", LevelStatus::Holds, &["14 files"]),
            level(
                "facts' anchors",
                LevelStatus::Broken,
                &["data/facts.jsonl:3: fact `log`", "data/facts.jsonl:4: fact `acl`"],
            ),
            level("verdict re-judged", LevelStatus::NotDone, &["because the bundle cannot be read"]),
            level("authenticity", LevelStatus::Unsigned, &["no signature"]),
        ],
    }
}

fn plan() -> Plan {
    let step = |id: &str, uses: &str, target: Option<&str>, actions| PlannedStep {
        id: id.into(),
        uses: uses.into(),
        target: target.map(str::to_owned),
        actions,
    };
    Plan {
        sources: Default::default(),
        rules: 0,
        policy_replaces: None,
        case: "g6".into(),
        policy: "backup-integrity".into(),
        policy_sha256: "ab".repeat(32),
        seats: Default::default(),
        waivers: Vec::new(),
        templates: Default::default(),
        narrative_sha256: None,
        steps: vec![
            step("fresh", "backup", None, vec![Action::new(Verb::Read, "/srv/backups/directus_20260515_0417.sql.gz")]),
            step(
                "acl",
                "postgres.schema_privilege",
                Some("production"),
                vec![
                    Action::new(Verb::Run, format!("psql -X password={}", "hunter2x")),
                    Action::new(Verb::Ask, "SELECT has_schema_privilege('dumper',\n  'sandbox_tac', 'USAGE')"),
                ],
            ),
            step("note", "statement", None, vec![]),
        ],
        action: None,
        after: Vec::new(),
    }
}

fn examined(bytes: &[u8]) -> Examination {
    let options = Options { payload_digests: false, ..Options::default() };
    examine(bytes, &options, &|_| {}, &|| false).unwrap()
}

fn gzip(payload: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(payload).unwrap();
    encoder.finish().unwrap()
}

fn dump(tables: usize) -> String {
    let mut text = String::from(
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18\n-- Dumped by pg_dump version 15.18\n\nCREATE SCHEMA app;\n",
    );
    for table in 0..tables {
        let rows: String = (0..=table).map(|row| format!("{row}\n")).collect();
        text.push_str(&format!(
            "CREATE TABLE app.t{table} (id int);\nCOPY app.t{table} (id) FROM stdin;\n{rows}\\.\n\n"
        ));
    }
    text.push_str("GRANT USAGE ON SCHEMA app TO dumper;\n--\n-- PostgreSQL database dump complete\n--\n\n");
    text
}

/// Without the digest line: the compressor's bytes are not ours to freeze.
fn screen(name: &str, bytes: &[u8], style: &Style) -> String {
    let text = super::examination(name, &examined(bytes), style);
    let kept = text.lines().filter(|line| !line.trim_start().starts_with("sha256"));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_verdict_on_a_wide_screen() {
    insta::assert_snapshot!(super::verdict(&g6(), &WIDE));
}

#[test]
fn a_verdict_on_a_narrow_screen() {
    insta::assert_snapshot!(super::verdict(&g6(), &NARROW));
}

#[test]
fn the_last_line_says_the_outcome() {
    let last = |verdict: &Verdict| super::verdict(verdict, &WIDE).lines().last().unwrap_or_default().to_owned();
    let mut verdict = g6();
    verdict.rows.retain(|row| row.status == Status::Pass && row.section != Section::HardStops);
    (verdict.outcome, verdict.closure) = (Outcome::Pass, Some(Closure::Closed));
    assert_eq!(last(&verdict), "PASS: everything asked was seen and holds (1 item); the case is closed");
    verdict.rows.clear();
    (verdict.outcome, verdict.closure) = (Outcome::Unknown, None);
    assert_eq!(last(&verdict), "UNKNOWN: there was nothing to judge");
}

#[test]
fn facts_and_what_was_not_seen() {
    insta::assert_snapshot!(super::collection(&facts(), &g6(), &WIDE));
}

#[test]
fn what_was_not_seen_is_said_once_for_each_reason() {
    let mut fact = facts().remove(0);
    fact.values = [("rows".to_owned(), Value::Int(0))].into();
    for (name, why) in [("a", "cut"), ("b", "cut"), ("c", ""), ("d", "cut"), ("e", "cut"), ("f", "cut"), ("g", "cut")] {
        fact.missing.insert(name.into(), Absence::new(Reason::Limit, why));
    }
    let row = |fact: &Fact| super::facts::facts(std::slice::from_ref(fact), &WIDE).lines().nth(2).unwrap().to_owned();
    assert!(row(&fact).ends_with("rows 0, not seen: a, b, d, e, f and 1 more (cut), not seen: c (limit reached)"));
    fact.values = [("exists".to_owned(), Value::Bool(false))].into();
    fact.source = "/srv/a".into();
    assert!(row(&fact).ends_with("  does not exist: /srv/a"), "{}", row(&fact));
}

#[test]
fn a_plan_to_authorise() {
    insta::assert_snapshot!(super::plan(&plan(), &"cd".repeat(32), true, &WIDE));
}

#[test]
fn levels_of_a_verification() {
    insta::assert_snapshot!(super::levels(&verification(), &WIDE));
}

#[test]
fn nothing_verified_is_no_success() {
    assert_eq!(super::levels(&Verification::default(), &WIDE), "NOT ESTABLISHED: there was nothing to verify\n");
}

#[test]
fn examinations_of_the_usual_cases() {
    let mut cut = gzip(dump(3).as_bytes());
    cut.truncate(cut.len() - 12);
    let cases = [
        ("good.sql.gz", gzip(dump(12).as_bytes())),
        ("empty.sql.gz", gzip(b"")),
        ("cut.sql.gz", cut),
        ("half.sql", dump(2).split("-- PostgreSQL database dump complete").next().unwrap().as_bytes().to_vec()),
        ("nothing", Vec::new()),
        ("names\u{1b}[2J.txt", b"just words\n".to_vec()),
    ];
    let all: String = cases.iter().map(|(name, bytes)| screen(name, bytes, &WIDE)).collect();
    insta::assert_snapshot!(all);
}

#[test]
fn the_members_of_a_tar_with_the_bad_one_first() {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [("a/good.sql", dump(1).into_bytes()), ("a/empty.sql.gz", gzip(b""))] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    insta::assert_snapshot!(screen("set.tar", &tar.into_inner().unwrap(), &WIDE));
}

#[test]
fn json_shapes_are_frozen() {
    let info = RunInfo {
        run: "20260515T102350Z".into(),
        started_at: "2026-05-15T10:23:50.000000000Z".into(),
        ended_at: "2026-05-15T10:24:00.000000000Z".into(),
        tool_version: "0.1.0".into(),
        plan_sha256: "cd".repeat(32),
        sandbox: "full".into(),
        rules: None,
        policy_replaces: None,
    };
    let pretty = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap();
    let collection = serde_json::to_value(json::collection(&info, &facts()[..2], &g6(), "ee")).unwrap();
    insta::assert_snapshot!("json_collection", pretty(collection));
    insta::assert_snapshot!("json_plan", pretty(serde_json::to_value(json::plan(&plan(), "cd")).unwrap()));
    let verified = serde_json::to_value(json::verification(&verification(), 5, None)).unwrap();
    insta::assert_snapshot!("json_verification", pretty(verified));
    let examined = serde_json::to_value(json::examinations(&[("half.sql".into(), examined(b""))])).unwrap();
    insta::assert_snapshot!("json_examinations", pretty(examined));
}

#[test]
fn a_secret_in_a_name_reaches_neither_screen_nor_json() {
    let secret = format!("hunter{}", "2xyz99");
    let dump = dump(1).replace("app.t0", &format!("app.\"password={secret}\""));
    let found = examined(dump.as_bytes());
    assert!(serde_json::to_string(&found).unwrap().contains(&secret), "the examiner masks nothing");
    assert!(!super::examination(&format!("token={secret}"), &found, &WIDE).contains(&secret));
    let json = serde_json::to_string(&json::examination(&format!("token={secret}"), &found)).unwrap();
    assert!(!json.contains(&secret), "{json}");
}
