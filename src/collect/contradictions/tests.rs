//! What `contradictions` says of real files.

use super::super::testing::{look, prepare};
use super::*;
use crate::model::fact::Reason;

fn see(files: &[(&str, &str)], more: &str) -> Observation {
    let folder = tempfile::tempdir().unwrap();
    let sources = files.iter().map(|(name, text)| {
        let path = folder.path().join(name);
        crate::base::files::write(&path, text.as_bytes()).unwrap();
        format!("{{ log: {path:?}{} }}", if more.contains("subject") { ", subject: nas" } else { "" })
    });
    let more = more.replace("subject", "");
    look(&ContradictionsCollector, &format!("{{ sources: [{}]{more} }}", sources.collect::<Vec<_>>().join(", ")))
}

fn rules(seen: &Observation) -> Vec<String> {
    let Value::List(rows) = &seen.values["findings"] else { panic!("no list") };
    rows.iter().map(|row| row.at("rule").and_then(Value::as_text).unwrap_or_default().to_owned()).collect()
}

const NAS: &str = "2026-05-15 03:00:01 === Backup started ===\n2026-05-15 03:00:46 Backup completed successfully in 0m 45s\n2026-05-15 03:00:50 Checksum mismatch!\n";

#[test]
fn a_finding_cites_both_lines_with_their_places() {
    let seen = see(&[("nas.log", NAS)], "");
    assert_eq!(rules(&seen), ["success-and-failure", "success-before-failure", "duration"]);
    let Value::List(rows) = &seen.values["findings"] else { panic!("no list") };
    assert_eq!(rows[1].at("first.line"), Some(&2_u64.into()));
    assert_eq!(rows[1].at("second.line"), Some(&3_u64.into()));
    assert_eq!(rows[1].at("second.text"), Some(&"Checksum mismatch!".into()));
    assert_eq!(rows[1].at("what"), Some(&"the failure comes 4s after the success".into()));
    assert!(
        ["why", "settles"].iter().all(|key| rows[0].at(key).and_then(Value::as_text).is_some_and(|t| t.len() > 20))
    );
    assert_eq!(seen.values["count"], 3_u64.into());
    assert_eq!(seen.values["by_rule"].at("arithmetic"), Some(&0_u64.into()));
}

#[test]
fn two_logs_of_one_subject_are_held_against_each_other() {
    let one = "2026-05-15 03:00:01 backup started\n2026-05-15 03:00:46 Backup completed successfully\n";
    let other = "2026-05-15 03:00:50 remote: write: Disk quota exceeded\n";
    assert_eq!(
        rules(&see(&[("job.log", one), ("nas.log", other)], ", rules: [success-and-failure] subject")),
        ["success-and-failure"]
    );
    assert!(rules(&see(&[("job.log", one), ("nas.log", other)], "")).is_empty());
}

#[test]
fn what_was_not_read_to_its_end_is_not_without_contradictions() {
    let seen = look(&ContradictionsCollector, "{ sources: [{ log: /nowhere/at/all.log }] }");
    assert!(!seen.values.contains_key("count") && seen.missing["count"].reason == Reason::Limit);
    assert_eq!(seen.values["count_at_least"], 0_u64.into());
    assert!(seen.missing.contains_key("by_rule.duration"));
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let error = |with: &str| prepare(&ContradictionsCollector, with).err().map(|e| e.message).unwrap_or_default();
    assert!(error("{}").contains("timeline: STEP"));
    assert!(error("{ timeline: x }").contains("no step `x`"));
    assert!(error("{ sources: [{ log: /x }], rules: [durations] }").contains("did you mean `duration`"));
    assert!(error("{ sources: [{ log: /x }], max_rate: fast }").contains("max_rate"));
}
