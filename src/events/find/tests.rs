//! Every rule proves its own examples; what healthy logs look like is in `tests/it/timeline.rs`.

use std::collections::BTreeMap;

use super::super::amount::size_of;
use super::super::format::Format;
use super::super::pattern::Patterns;
use super::super::rule::{Example, builtin};
use super::super::scan::{Source, Twins, read};
use super::super::zone::Rules;
use super::*;

fn look(rules: &[Rule], example: &Example) -> Report {
    let patterns = Patterns::new(&BTreeMap::new(), false, None).unwrap_or_else(|e| panic!("{e}"));
    let expect = Expect { alert_within: example.alert_within, max_rate: example.max_rate.as_deref().and_then(size_of) };
    let mut found = Contradictions::new(rules, expect);
    for (index, (name, text)) in example.logs.iter().enumerate() {
        let written = "2026-05-20T00:00:00Z".parse().ok();
        let source = Source {
            index,
            subject: name,
            stated: false,
            format: Format::named("auto").unwrap(),
            rules: Rules { zone: chrono_tz::UTC, year: None, written },
            patterns: &patterns,
            max_line: 1 << 20,
        };
        let (_, outcome) = read(&source, &mut text.as_bytes(), &mut Twins::default(), &mut |event| {
            found.take(event, index, name);
        });
        outcome.unwrap();
    }
    found.finish()
}

#[test]
fn every_rule_proves_its_examples() {
    let rules = builtin().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(rules.len(), 10);
    for (index, rule) in rules.iter().enumerate() {
        assert!(!rule.examples.is_empty() && !rule.negative_examples.is_empty(), "{}", rule.id);
        assert!([&rule.title, &rule.looks_for, &rule.why, &rule.settles].iter().all(|text| text.len() > 20));
        let found = |example| look(&rules, example).findings.into_iter().filter(|f| f.rule == index).count();
        for (number, example) in rule.examples.iter().enumerate() {
            assert!(found(example) > 0, "{}: example {number}: {:?}", rule.id, look(&rules, example).findings);
        }
        for (number, example) in rule.negative_examples.iter().enumerate() {
            assert_eq!(found(example), 0, "{}: negative {number}: {:?}", rule.id, look(&rules, example).findings);
        }
    }
}

fn ids(text: &str) -> Vec<String> {
    let rules = builtin().unwrap_or_else(|e| panic!("{e}"));
    let logs = BTreeMap::from([("job".to_owned(), text.to_owned())]);
    let report = look(&rules, &Example { logs, alert_within: None, max_rate: None });
    report.findings.iter().map(|finding| rules[finding.rule].id.clone()).collect()
}

#[test]
fn the_success_that_was_not() {
    let text = "\
2026-05-15 03:00:01 === Backup started ===
2026-05-15 03:00:01 [1/4] Creating archive
2026-05-15 03:00:20 Parts: database 50 MB, uploads 170 MB, settings 80 KB
2026-05-15 03:00:33 Archive created: nas.tar (223 MB)
2026-05-15 03:00:34 [2/4] Uploading
2026-05-15 03:00:45 Upload finished in 11s
2026-05-15 03:00:46 Backup completed successfully in 0m 45s
2026-05-15 03:00:46 success mail sent to ops@example.org
2026-05-15 03:00:49 [3/4] Verifying
2026-05-15 03:00:50 Checksum mismatch!
";
    let wanted = ["arithmetic", "success-and-failure", "success-before-failure", "duration", "step-not-followed"];
    let found = ids(text);
    for id in wanted {
        assert!(found.iter().any(|f| f == id), "{id}: {found:?}");
    }
    assert_eq!(found.len(), wanted.len(), "{found:?}");
}

#[test]
fn an_imitated_success_silences_nothing() {
    let failing = "2026-05-15 03:00:01 backup started\n2026-05-15 03:00:05 ERROR: upload failed\n";
    let forged = "2026-05-15 03:00:06 GET /Backup completed successfully in 0m 5s\n";
    assert!(ids(failing).is_empty());
    assert!(ids(&format!("{failing}{forged}")).contains(&"success-and-failure".to_owned()));
    // In the failing line itself it changes nothing.
    let named = "2026-05-15 03:00:01 backup started\n2026-05-15 03:00:05 upload of 'no errors, completed successfully' failed\n2026-05-15 03:00:09 backup completed\n";
    assert_eq!(ids(named), ["success-and-failure"]);
}

#[test]
fn a_nested_upload_begins_no_other_backup() {
    let text = "\
2026-05-15 03:00:01 backup started
2026-05-15 03:00:02 upload started
2026-05-15 03:00:05 upload failed
2026-05-15 03:00:09 backup completed
";
    assert_eq!(ids(text), ["success-and-failure"]);
}

#[test]
fn interleaved_runs_are_told_apart_by_their_process() {
    let text = "\
May 15 03:00:01 nas backup[7]: backup started
May 15 03:00:01 nas backup[8]: backup started
May 15 03:00:02 nas backup[8]: upload failed
May 15 03:00:05 nas backup[7]: backup completed successfully
";
    assert!(ids(text).is_empty());
    assert_eq!(
        ids(&text.replace("[8]", "[7]").replacen(
            "backup started\nMay 15 03:00:01 nas backup[7]: backup started",
            "backup started",
            1
        )),
        ["success-and-failure"]
    );
}
