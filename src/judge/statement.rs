//! Items that a seat answers. A statement is taken only from the seat that the policy names, and
//! its row says whose word it is, so that nobody takes it for something seen.

use crate::model::case::{Case, Step};
use crate::model::fact::{Basis, Fact};
use crate::model::policy::ChecklistItem;
use crate::model::value::Value;
use crate::model::verdict::{Row, Section, Status};

use super::sight::{self, Blank, Gap, Sight};
use super::truth::Truth;
use super::words;

/// The collector whose facts are statements.
const STATEMENT: &str = "statement";

/// The steps of the case that answer `item`.
fn steps<'a>(case: &'a Case, item: &'a str) -> impl Iterator<Item = &'a Step> {
    case.collect.iter().filter(move |step| answers(step) == Some(item))
}

/// The item that a step answers, when it is a statement about one.
pub(super) fn answers(step: &Step) -> Option<&str> {
    if step.uses == STATEMENT { step.with.get("answers").and_then(Value::as_text) } else { None }
}

/// The row of an item that asks `seat`.
pub(super) fn row(item: &ChecklistItem, seat: &str, case: &Case, sight: &Sight<'_>) -> Row {
    let said: Vec<_> =
        steps(case, &item.id).map(|step| (step.id.clone(), hear(sight, &step.id, seat, &item.id))).collect();
    let mut row = Row {
        section: Section::Checklist,
        id: item.id.clone(),
        title: item.title.clone(),
        status: Status::Unknown,
        observed: "nothing stated".to_owned(),
        expected: format!("stated by {seat}"),
        because: format!(
            "no statement of {seat} answers {0}; a step `uses: statement` with `answers: {0}` would",
            item.id
        ),
        settle: item.settle.clone(),
        facts: said.iter().map(|(id, _)| id.clone()).collect(),
        seat: Some(seat.to_owned()),
        waiver: None,
    };
    if !said.is_empty() {
        conclude(&mut row, item, said.into_iter().map(|(_, heard)| heard).collect());
    }
    row
}

/// Every statement about the item must be there and hold.
fn conclude(row: &mut Row, item: &ChecklistItem, said: Vec<Result<(bool, String), Blank>>) {
    let truths = said.iter().map(|heard| Truth::from(heard.as_ref().ok().map(|(holds, _)| *holds)));
    let truth = truths.fold(Truth::True, Truth::and);
    let words: Vec<_> =
        said.iter().map(|heard| heard.as_ref().map_or_else(|b| b.observed.clone(), |(_, w)| w.clone())).collect();
    row.observed = words.join("; ");
    let gap = said.into_iter().find_map(Result::err).map(|blank| blank.gap);
    (row.status, row.because, row.settle) = match (truth, gap) {
        (Truth::True, _) => (Status::Pass, String::new(), None),
        (Truth::False, _) => (Status::Fail, item.because.clone().unwrap_or_default(), None),
        (Truth::Unknown, gap) => {
            let gap = gap.unwrap_or_else(|| Gap::new("the statement says nothing"));
            (Status::Unknown, sight::in_words(std::slice::from_ref(&gap)), gap.settle.or_else(|| item.settle.clone()))
        }
    };
}

/// What the fact `id` says about `item`: whether it holds, and in which words.
fn hear(sight: &Sight<'_>, id: &str, seat: &str, item: &str) -> Result<(bool, String), Blank> {
    let says = sight.value(&format!("{id}.says"))?;
    let fact = sight.fact(id)?;
    let text = |name: &str| fact.values.get(name).and_then(Value::as_text);
    if text("seat") != Some(seat) {
        return Err(refused(
            fact,
            &format!("is said by {}, not by {seat}", words::short(text("seat").unwrap_or("nobody"))),
        ));
    }
    if fact.basis != Basis::Statement || text("answers") != Some(item) {
        return Err(refused(fact, &format!("is no statement about {item}")));
    }
    match fact.values.get("holds") {
        Some(Value::Bool(true)) => Ok((true, quoted(seat, says))),
        Some(Value::Bool(false)) => Ok((false, format!("{} (it does not hold)", quoted(seat, says)))),
        Some(other) => Err(refused(fact, &format!("has a {} as `holds`, not a boolean", other.kind()))),
        // What the sentence means is for people; only the seat's own yes or no can be judged.
        None => Err(refused(fact, "gives no yes or no: add `holds: true` or `holds: false` to it")),
    }
}

fn quoted(seat: &str, says: &Value) -> String {
    format!("stated by {seat}: {}", words::short(&says.to_string()))
}

fn refused(fact: &Fact, what: &str) -> Blank {
    let why = format!("{} {what}", fact.id);
    Blank { observed: format!("not stated: {why}"), gap: Gap::new(why), not_found: false }
}
