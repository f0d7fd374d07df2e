//! A verdict as other programs read it: the in-toto predicate `test-result` v0.1, whose words are
//! PASSED, WARNED and FAILED. It has none for UNKNOWN, and UNKNOWN never passes: what is not
//! established stands among the failed ones, unless the closure takes it for a note.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::bundle::Bundle;
use crate::model::closing::{Closing, SeatStatement};
use crate::model::verdict::{Closure, Row, Section, Status, Verdict};

use super::closing::unsigned;

/// The type of the whole.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of what is said.
const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// What is said of the subjects; the names are those of the specification.
#[derive(Serialize)]
struct TestResult {
    result: &'static str,
    configuration: Value,
    #[serde(rename = "passedTests")]
    passed: Vec<String>,
    #[serde(rename = "warnedTests")]
    warned: Vec<String>,
    #[serde(rename = "failedTests")]
    failed: Vec<String>,
}

/// The in-toto Statement about the record and the bundle that `seat` stands by. It follows from the
/// bundle alone, so that a reader can make it again and compare.
#[must_use]
pub fn attestation(bundle: &Bundle, seat: &SeatStatement) -> Value {
    let verdict = &bundle.verdict;
    let closing = unsigned(&bundle.policy, &bundle.case, verdict, &verdict.as_of);
    let said = json!({ "case": seat.case, "run": seat.run, "seat": seat.seat, "principal": seat.principal });
    let subject =
        |name: &str, sha256: &str| json!({ "name": name, "digest": { "sha256": sha256 }, "annotations": said });
    json!({
        "_type": STATEMENT,
        "subject": [
            subject("record.md", &seat.record_sha256),
            subject("tagmanifest-sha256.txt", &seat.bundle_sha256),
        ],
        "predicateType": PREDICATE,
        "predicate": predicate(bundle, verdict, &closing),
    })
}

fn predicate(bundle: &Bundle, verdict: &Verdict, closing: &Closing) -> TestResult {
    let configuration = json!([{ "name": "data/policy.yaml", "digest": { "sha256": bundle.policy_sha256 } }]);
    let of = |word: &str| {
        let rows = verdict.rows.iter().filter(|row| grade(row, verdict) == word);
        rows.map(|row| row.id.clone()).collect::<Vec<_>>()
    };
    let result = match closing.state {
        Closure::Closed => "PASSED",
        Closure::ClosedWithNotes => "WARNED",
        Closure::Open | Closure::HardStop => "FAILED",
    };
    TestResult { result, configuration, passed: of("passed"), warned: of("warned"), failed: of("failed") }
}

fn grade(row: &Row, verdict: &Verdict) -> &'static str {
    match row.status {
        Status::Pass => "passed",
        Status::Waived => "warned",
        // As the closure has it: unknown beside the criteria is a note.
        Status::Unknown if verdict.closure.is_some() && is_note(row.section) => "warned",
        Status::Unknown | Status::Fail | Status::Misleading => "failed",
    }
}

fn is_note(section: Section) -> bool {
    matches!(section, Section::Checks | Section::Checklist)
}
