//! From the program's own types to the frozen shapes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::base::{canonical, text};
use crate::examine::Examination;
use crate::hygiene::mask_str;
use crate::model;
use crate::model::bundle::RunInfo;
use crate::model::fact::Fact;
use crate::model::plan::Verb;
use crate::model::verdict::{Outcome, Section, Status};
use crate::model::verification::LevelStatus;

use super::mask::masked;
use super::v1;

pub(super) fn document<T: Serialize>(kind: &'static str, body: T) -> impl Serialize {
    v1::Document { format: v1::FORMAT, kind, body }
}

/// A verdict.
pub fn verdict(verdict: &model::verdict::Verdict) -> impl Serialize + use<> {
    document("verdict", verdict_body(verdict))
}

fn verdict_body(verdict: &model::verdict::Verdict) -> v1::Verdict {
    let all = [Status::Pass, Status::Fail, Status::Unknown, Status::Misleading, Status::Waived];
    let mut counts: BTreeMap<_, _> = all.into_iter().map(|status| (status_word(status), 0)).collect();
    for row in &verdict.rows {
        *counts.entry(status_word(row.status)).or_default() += 1;
    }
    v1::Verdict {
        policy: mask_str(&verdict.policy),
        as_of: verdict.as_of.clone(),
        outcome: outcome_word(verdict.outcome),
        closure: verdict.closure.map(model::verdict::Closure::word),
        counts,
        rows: verdict.rows.iter().map(row).collect(),
    }
}

fn row(row: &model::verdict::Row) -> v1::Row {
    let maybe = |text: &Option<String>| text.as_deref().map(mask_str);
    v1::Row {
        section: section_word(row.section),
        id: mask_str(&row.id),
        title: mask_str(&row.title),
        status: status_word(row.status),
        observed: mask_str(&row.observed),
        expected: mask_str(&row.expected),
        because: mask_str(&row.because),
        settle: maybe(&row.settle),
        facts: row.facts.clone(),
        seat: maybe(&row.seat),
        waiver: maybe(&row.waiver),
    }
}

/// Facts, in the order collected.
pub fn facts(facts: &[Fact]) -> impl Serialize + use<> {
    document("facts", v1::Facts { facts: facts.iter().map(fact).collect() })
}

/// A fact is masked when it is made; masking it again could not change it without its anchor.
fn fact(fact: &Fact) -> v1::Fact {
    v1::Fact {
        anchor: canonical::anchor(fact).map(|digest| digest.to_string()).unwrap_or_default(),
        fact: serde_json::to_value(fact).unwrap_or_default(),
    }
}

/// A sealed run: its facts and its verdict; `digest` is the bundle's.
pub fn collection(
    info: &RunInfo,
    facts: &[Fact],
    verdict: &model::verdict::Verdict,
    digest: &str,
) -> impl Serialize + use<> {
    let run = v1::Run {
        name: info.run.clone(),
        started_at: info.started_at.clone(),
        ended_at: info.ended_at.clone(),
        tool_version: info.tool_version.clone(),
        plan_sha256: info.plan_sha256.clone(),
        sandbox: info.sandbox.clone(),
    };
    let facts = facts.iter().map(fact).collect();
    document("collection", v1::Collection { run, digest: digest.to_owned(), facts, verdict: verdict_body(verdict) })
}

/// A plan and its SHA-256.
pub fn plan(plan: &model::plan::Plan, sha256: &str) -> impl Serialize + use<> {
    let action = |a: &model::plan::Action| v1::Action { verb: verb_word(a.verb), what: mask_str(&a.what) };
    let step = |s: &model::plan::PlannedStep| v1::Step {
        id: s.id.clone(),
        uses: s.uses.clone(),
        target: s.target.clone(),
        actions: s.actions.iter().map(action).collect(),
    };
    let governed = |a: &model::plan::PlannedAction| v1::Governed {
        title: mask_str(&a.title),
        argv: a.argv.iter().map(|word| mask_str(word)).collect(),
        shell: a.shell,
        folder: mask_str(&a.folder),
        environment: a.environment.clone(),
        set: a.set.iter().map(|(name, value)| (name.clone(), mask_str(value))).collect(),
        limit_ms: a.limit_ms,
        watched_folders: a.watched_folders.clone(),
        watched_logs: a.watched_logs.clone(),
    };
    let body = v1::Plan {
        case: plan.case.clone(),
        policy: plan.policy.clone(),
        policy_sha256: plan.policy_sha256.clone(),
        plan_sha256: sha256.to_owned(),
        steps: plan.steps.iter().map(step).collect(),
        action: plan.action.as_ref().map(governed),
        after: plan.after.iter().map(step).collect(),
    };
    document("plan", body)
}

/// A verdict with what becomes of the case.
pub fn judged(verdict: &model::verdict::Verdict, closing: &model::closing::Closing) -> impl Serialize + use<> {
    document("verdict", v1::Judged { verdict: verdict_body(verdict), closing: closing_body(closing) })
}

/// A signature that was made: what for, with which key (its fingerprint), and where it lies.
pub fn signed(
    statement: &model::closing::SeatStatement,
    key: &str,
    files: [&str; 2],
    closing: &model::closing::Closing,
) -> impl Serialize + use<> {
    let [statement_file, signature] = files.map(mask_str);
    let body = v1::Signed {
        case: statement.case.clone(),
        run: statement.run.clone(),
        seat: statement.seat.clone(),
        principal: mask_str(&statement.principal),
        key: key.to_owned(),
        statement: statement_file,
        signature,
        closing: closing_body(closing),
    };
    document("signature", body)
}

fn closing_body(closing: &model::closing::Closing) -> v1::Closing {
    let all = |lines: &[String]| lines.iter().map(|line| mask_str(line)).collect();
    let seat = |seat: &model::closing::SeatState| v1::Seat {
        seat: seat.seat.clone(),
        principal: mask_str(&seat.principal),
        key: seat.key.clone(),
    };
    let answer = |signed: &model::closing::SignedAnswer| v1::SignedAnswer {
        item: signed.answer.item.clone(),
        seat: signed.seat.clone(),
        principal: mask_str(&signed.principal),
        holds: signed.answer.holds,
        says: mask_str(&signed.answer.says),
    };
    v1::Closing {
        state: closing.state.word(),
        at: closing.at.clone(),
        reasons: all(&closing.reasons),
        notes: all(&closing.notes),
        warnings: all(&closing.warnings),
        seats: closing.seats.iter().map(seat).collect(),
        answers: closing.answers.iter().map(answer).collect(),
    }
}

/// A verification, level by level, with what the program exits with and what becomes of the case.
pub fn verification(
    verification: &model::verification::Verification,
    exit_code: u8,
    closing: Option<&model::closing::Closing>,
) -> impl Serialize + use<> {
    let level = |level: &model::verification::Level| v1::Level {
        name: level.name.clone(),
        status: level_word(level.status),
        detail: level.detail.iter().map(|detail| mask_str(detail)).collect(),
    };
    let levels = verification.levels.iter().map(level).collect();
    document("verification", v1::Verification { exit_code, levels, closing: closing.map(closing_body) })
}

/// What was found out about one file.
pub fn examination(path: &str, found: &Examination) -> impl Serialize + use<> {
    document("examinations", v1::Examinations { files: vec![examined(path, found)] })
}

/// What was found out about several files, in order.
pub fn examinations(files: &[(String, Examination)]) -> impl Serialize + use<> {
    let files = files.iter().map(|(path, found)| examined(path, found)).collect();
    document("examinations", v1::Examinations { files })
}

fn examined(path: &str, found: &Examination) -> v1::Examined {
    v1::Examined {
        path: mask_str(path),
        exit_code: found.quality.exit_code(),
        examination: masked(serde_json::to_value(found).unwrap_or_default()),
    }
}

/// A record that `render` wrote.
pub fn record(record: &Path, sha256: &str, run: &str) -> impl Serialize + use<> {
    document("record", v1::Record { record: path(record), sha256: sha256.to_owned(), run: run.to_owned() })
}

/// A case that `init` began.
pub fn begun(case: &str, file: &Path) -> impl Serialize + use<> {
    document("case", v1::Begun { case: mask_str(case), path: path(file) })
}

/// An entry of the reference; the program's own words, so its examples stand as they are.
pub fn explanation(name: &str, markdown: &str) -> impl Serialize + use<> {
    document("explanation", v1::Explanation { name: mask_str(name), markdown: markdown.to_owned() })
}

/// A demonstration and what its verbs exited with.
pub fn demonstration(
    folder: &Path,
    record: &Path,
    exit_codes: BTreeMap<String, Option<i32>>,
) -> impl Serialize + use<> {
    document("demonstration", v1::Demonstration { folder: path(folder), record: path(record), exit_codes })
}

fn path(path: &Path) -> String {
    mask_str(&text::from_name(path))
}

pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Unknown => "unknown",
        Status::Misleading => "misleading",
        Status::Waived => "waived",
    }
}

pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Unknown => "unknown",
        Outcome::HardStop => "hard_stop",
    }
}

fn section_word(section: Section) -> &'static str {
    match section {
        Section::HardStops => "hard_stops",
        Section::Checks => "checks",
        Section::Criteria => "criteria",
        Section::Checklist => "checklist",
    }
}

fn verb_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "read",
        Verb::Ask => "ask",
        Verb::Run => "run",
        Verb::State => "state",
    }
}

fn level_word(status: LevelStatus) -> &'static str {
    match status {
        LevelStatus::Holds => "holds",
        LevelStatus::Broken => "broken",
        LevelStatus::NotDone => "not_done",
        LevelStatus::Unsigned => "unsigned",
    }
}
