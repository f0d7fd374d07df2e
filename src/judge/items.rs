//! Every item of a policy as one row of the verdict.

use crate::model::case::Case;
use crate::model::policy::{Check, ChecklistItem, Condition, HardStop, Policy};
use crate::model::verdict::{Row, Section, Status};

use super::condition::{self, Finding};
use super::sight::Sight;
use super::statement;
use super::truth::Truth;

/// The rows of `policy`, in its order.
pub(super) fn rows(policy: &Policy, case: &Case, sight: &Sight<'_>) -> Vec<Row> {
    let stops = policy.hard_stops.iter().map(|stop| hard_stop(stop, sight));
    let checks = policy.checks.iter().map(|item| check(Section::Checks, item, sight));
    let criteria = policy.criteria.iter().map(|item| check(Section::Criteria, item, sight));
    let checklist = policy.checklist.iter().map(|item| checklist(item, case, sight));
    stops.chain(checks).chain(criteria).chain(checklist).collect()
}

fn hard_stop(stop: &HardStop, sight: &Sight<'_>) -> Row {
    let finding = condition::evaluate(&stop.unless, sight);
    let row = row(Section::HardStops, &stop.id, &stop.title, &[&stop.unless], sight);
    with_finding(row, &finding, stop.because.as_deref())
}

fn check(section: Section, check: &Check, sight: &Sight<'_>) -> Row {
    let finding = condition::evaluate(&check.require, sight);
    let conditions: Vec<_> = std::iter::once(&check.require).chain(&check.misleading_if).collect();
    let row = row(section, &check.id, &check.title, &conditions, sight);
    let Some(misleading) = &check.misleading_if else {
        return with_finding(row, &finding, check.because.as_deref());
    };
    // Here `because` explains why a pass would mislead, so it stands only where that is the case.
    let row = with_finding(row, &finding, None);
    if row.status == Status::Pass { weigh(row, check, &condition::evaluate(misleading, sight)) } else { row }
}

/// A pass is worth something only when it is established not to mislead.
fn weigh(row: Row, check: &Check, misleading: &Finding) -> Row {
    match misleading.truth {
        Truth::False => row,
        Truth::True => {
            let seen = misleading.observed_by_name();
            let because = check.because.as_ref().map_or_else(|| seen.clone(), |because| format!("{because} ({seen})"));
            Row { status: Status::Misleading, because, ..row }
        }
        Truth::Unknown => {
            let because = format!("it holds, but whether that misleads is not known: {}", misleading.why_unknown());
            Row { status: Status::Unknown, because, settle: misleading.settle(), ..row }
        }
    }
}

fn checklist(item: &ChecklistItem, case: &Case, sight: &Sight<'_>) -> Row {
    if let Some(seat) = &item.statement {
        return statement::row(item, seat, case, sight);
    }
    let Some(require) = &item.require else {
        return Row {
            because: "the policy asks nothing here".to_owned(),
            ..row(Section::Checklist, &item.id, &item.title, &[], sight)
        };
    };
    let row = row(Section::Checklist, &item.id, &item.title, &[require], sight);
    with_finding(row, &condition::evaluate(require, sight), item.because.as_deref())
}

/// A row that knows nothing yet.
fn row(section: Section, id: &str, title: &str, conditions: &[&Condition], sight: &Sight<'_>) -> Row {
    let mut facts: Vec<String> = Vec::new();
    for reference in conditions.iter().flat_map(|condition| condition.references()) {
        if !facts.iter().any(|known| known == reference) {
            facts.push(reference.to_owned());
        }
    }
    Row {
        section,
        id: id.to_owned(),
        title: title.to_owned(),
        status: Status::Unknown,
        observed: String::new(),
        expected: String::new(),
        because: String::new(),
        settle: None,
        seat: facts.iter().find_map(|reference| sight.seat(reference)).map(str::to_owned),
        facts,
        waiver: None,
    }
}

fn with_finding(row: Row, finding: &Finding, because: Option<&str>) -> Row {
    let (status, because, settle) = match finding.truth {
        Truth::True => (Status::Pass, String::new(), None),
        Truth::False => (Status::Fail, because.unwrap_or_default().to_owned(), None),
        Truth::Unknown => (Status::Unknown, finding.why_unknown(), finding.settle()),
    };
    let (observed, expected) = (finding.observed(), finding.expected().to_owned());
    Row { status, because, settle, observed, expected, ..row }
}
