//! Two runs compared, and where all cases stand, in their frozen shapes. They are set apart from
//! the other documents because they are about several runs.

use serde::Serialize;
use serde_json::{Value, json};

use crate::hygiene::mask_str;
use crate::judge::{Board, Standing, State};
use crate::model::diff::{Change, ItemChange, Side, left_out};
use crate::model::verdict::Status;

use super::super::diff::Compared;
use super::documents::{document, outcome_word, status_word};

#[derive(Serialize)]
struct Difference {
    /// Whether nothing differs.
    equal: bool,
    before: RunName,
    after: RunName,
    items: Vec<Item>,
    appeared: Vec<String>,
    vanished: Vec<String>,
    changed: Vec<Changed>,
    unchanged: Vec<String>,
    /// Names that are not compared.
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct RunName {
    case: String,
    run: String,
    /// SHA-256 of the bundle's tag manifest.
    digest: String,
    outcome: &'static str,
}

#[derive(Serialize)]
struct Item {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'static str>,
}

/// `before` and `after` have `value`, or `absent` with the reason, or neither.
#[derive(Serialize)]
struct Changed {
    fact: String,
    path: String,
    before: Value,
    after: Value,
}

/// Two runs compared.
pub fn difference(compared: &Compared) -> impl Serialize + use<> {
    let name = |(case, run, digest): &(String, String, String), outcome| RunName {
        case: case.clone(),
        run: run.clone(),
        digest: digest.clone(),
        outcome: outcome_word(outcome),
    };
    let changes = compared.facts.changed.iter();
    let changed = changes.flat_map(|fact| fact.changes.iter().map(|change| changed(&fact.id, change)));
    let body = Difference {
        equal: compared.is_equal(),
        before: name(&compared.before, compared.outcomes.0),
        after: name(&compared.after, compared.outcomes.1),
        items: compared.items.iter().map(item).collect(),
        appeared: compared.facts.appeared.clone(),
        vanished: compared.facts.vanished.clone(),
        changed: changed.collect(),
        unchanged: compared.facts.equal.clone(),
        left_out: left_out(),
    };
    document("difference", body)
}

fn item(item: &ItemChange) -> Item {
    let word = |status: Option<Status>| status.map(status_word);
    Item { id: mask_str(&item.id), before: word(item.before), after: word(item.after) }
}

fn changed(id: &str, change: &Change) -> Changed {
    // Facts were masked when they were made, whole; a value alone would be masked by less.
    let side = |side: &Side| match side {
        Side::Value(value) => json!({ "value": value }),
        Side::Absent(absence) => json!({ "absent": absence.reason, "message": absence.message }),
        Side::Nothing => json!({}),
    };
    Changed { fact: id.to_owned(), path: change.path.clone(), before: side(&change.before), after: side(&change.after) }
}

#[derive(Serialize)]
struct Stand {
    /// The instant that ages are counted to.
    as_of: String,
    exit_code: u8,
    cases: Vec<Case>,
    ready_to_close: Vec<String>,
    stale: Vec<String>,
    /// Required cases that are not closed or not there.
    waited_for: Vec<String>,
    /// Required cases that are not there.
    missing: Vec<String>,
    /// Each circle once, its first case repeated at its end.
    cycles: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct Case {
    case: String,
    title: String,
    /// `no_run`, `unsealed`, `open`, `ready_to_close`, `closed`, `closed_with_notes`, `hard_stop`,
    /// `stale`, `broken`, `invalid`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    requires: Vec<String>,
    blocked_by: Vec<String>,
    blocks: Vec<String>,
    because: Vec<String>,
}

/// Where all cases stand, and what the program exits with.
pub fn status(board: &Board, as_of: &str, exit_code: u8) -> impl Serialize + use<> {
    let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let body = Stand {
        as_of: as_of.to_owned(),
        exit_code,
        cases: board.cases.iter().map(case).collect(),
        ready_to_close: own(board.in_state(State::ReadyToClose)),
        stale: own(board.in_state(State::Stale)),
        waited_for: own(board.waited_for()),
        missing: board.missing.clone(),
        cycles: board.cycles.clone(),
    };
    document("status", body)
}

fn case(standing: &Standing) -> Case {
    let subject = &standing.subject;
    Case {
        case: subject.case.clone(),
        title: mask_str(&subject.title),
        state: standing.state.word(),
        run: subject.run.clone(),
        age_seconds: subject.age_seconds,
        requires: subject.requires.clone(),
        blocked_by: standing.blocked_by.clone(),
        blocks: standing.blocks.clone(),
        because: standing.because.iter().map(|why| mask_str(why)).collect(),
    }
}
