//! Policies and cases are checked before anything is read: operands that could never be compared,
//! facts that the case does not collect, waivers and statements about items that do not exist.

use std::fmt;

use chrono::DateTime;

use crate::base::text;
use crate::model::case::{Case, Hypothesis, Step};
use crate::model::fact::split_reference;
use crate::model::policy::{Condition, Policy};

use super::closing::seat_problems;
use super::operators;
use super::statement;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The item's id, or the place in the case, e.g. `waivers[0]`.
    pub item: String,
    /// The reference, operator or name that is wrong.
    pub subject: String,
    /// What is wrong with it and what to do.
    pub message: String,
    /// Whether it stands in the policy and not in the case.
    pub of_policy: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` {}", text::visible(&self.item), text::visible(&self.subject), self.message)
    }
}

/// Everything that is wrong, one line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct JudgeError {
    /// In the policy's or the case's order; never empty.
    pub problems: Vec<Problem>,
}

impl JudgeError {
    /// Whether what is wrong may be the policy's fault: everything but the case's waivers, statements, seats and
    /// hypotheses.
    #[must_use]
    pub fn is_of_policy(&self) -> bool {
        self.problems.iter().all(|problem| problem.of_policy)
    }
}

fn settled(problems: Vec<Problem>) -> Result<(), JudgeError> {
    if problems.is_empty() { Ok(()) } else { Err(JudgeError { problems }) }
}

fn problem(item: &str, subject: &str, message: impl Into<String>) -> Problem {
    Problem { item: item.to_owned(), subject: subject.to_owned(), message: message.into(), of_policy: true }
}

fn of_case(problem: Problem) -> Problem {
    Problem { of_policy: false, ..problem }
}

/// Checks what the policy's own types cannot: structure, operands, units, patterns.
///
/// # Errors
/// Everything that is wrong; with the structure, the first thing.
pub fn check_policy(policy: &Policy) -> Result<(), JudgeError> {
    if let Err(error) = policy.validate() {
        return settled(vec![problem(&policy.policy, &error.item, error.message)]);
    }
    let conditions = policy.items().flat_map(|(id, list)| list.into_iter().map(move |condition| (id, condition)));
    let operands = conditions.flat_map(|(id, condition)| check_condition(id, condition));
    let patterns = policy.exceptions.iter().filter_map(|exception| {
        let wrong = operators::check_pattern(&exception.pattern).err()?;
        Some(problem(&exception.id, "exceptions", wrong))
    });
    settled(operands.chain(patterns).chain(references(policy).filter_map(|(item, r)| check_whole(item, r))).collect())
}

fn check_condition(item: &str, condition: &Condition) -> Vec<Problem> {
    let parts = condition.all.iter().flatten().chain(condition.any.iter().flatten()).chain(condition.not.as_deref());
    let mut problems: Vec<_> = parts.flat_map(|part| check_condition(item, part)).collect();
    for operator in condition.operators().into_iter().filter_map(operators::operator) {
        if let Err(message) = (operator.check)(condition) {
            problems.push(problem(item, operator.name, message));
        }
    }
    problems
}

/// That a look was taken is nothing to judge by.
fn check_whole(item: &str, reference: &str) -> Option<Problem> {
    let whole = split_reference(reference).1.is_empty();
    whole.then(|| problem(item, reference, "names a whole fact: name a value of it, as in `fresh.size_bytes`"))
}

/// Checks everything about `policy` and `case` that can be known before anything is read: the
/// policy itself, that the case collects every fact it judges by, and the case's waivers and
/// statements.
///
/// # Errors
/// Everything that is wrong; when the policy itself is, only that.
pub fn check_references(policy: &Policy, case: &Case) -> Result<(), JudgeError> {
    check_policy(policy)?;
    let mut problems: Vec<_> = references(policy).filter_map(|(item, r)| uncollected(case, item, r)).collect();
    problems.extend(supposed(case).filter_map(|(item, r)| uncollected(case, item, r)).map(of_case));
    let conditions = case.hypotheses.iter().flat_map(|h| conditions(h).map(|c| (h.id.as_str(), c)));
    problems.extend(conditions.flat_map(|(id, condition)| check_condition(id, condition)).map(of_case));
    problems.extend(supposed(case).filter_map(|(item, r)| check_whole(item, r)).map(of_case));
    problems.extend(case_problems(policy, case).into_iter().map(of_case));
    let seats = policy.signatures.iter().flat_map(|asked| seat_problems(asked, case));
    problems.extend(seats.map(|(seat, why)| of_case(problem("signatures", seat, why))));
    problems.dedup();
    settled(problems)
}

/// Checks that every fact can have something where the policy looks. `known` answers for a step of
/// the case and a path in its fact; it says `true` where that cannot be said. [`path_fits`] compares
/// with a documented name.
///
/// # Errors
/// Every reference that leads nowhere.
pub fn check_paths(policy: &Policy, case: &Case, known: &dyn Fn(&Step, &str) -> bool) -> Result<(), JudgeError> {
    let mut problems: Vec<_> = references(policy).filter_map(|(item, r)| unknown_path(case, item, r, known)).collect();
    problems.extend(supposed(case).filter_map(|(item, r)| unknown_path(case, item, r, known)).map(of_case));
    problems.dedup();
    settled(problems)
}

/// Every reference of the policy, with its item.
fn references(policy: &Policy) -> impl Iterator<Item = (&str, &str)> {
    let conditions = policy.items().flat_map(|(id, list)| list.into_iter().map(move |condition| (id, condition)));
    conditions.flat_map(|(id, condition)| condition.references().into_iter().map(move |reference| (id, reference)))
}

/// The conditions of a hypothesis.
fn conditions(hypothesis: &Hypothesis) -> impl Iterator<Item = &Condition> {
    hypothesis.supports.iter().chain(&hypothesis.against)
}

/// Every reference of the case's hypotheses, with its hypothesis.
fn supposed(case: &Case) -> impl Iterator<Item = (&str, &str)> {
    let all = case.hypotheses.iter().flat_map(|h| conditions(h).map(|c| (h.id.as_str(), c)));
    all.flat_map(|(id, condition)| condition.references().into_iter().map(move |reference| (id, reference)))
}

fn uncollected(case: &Case, item: &str, reference: &str) -> Option<Problem> {
    let (id, _) = split_reference(reference);
    let steps = case.facts();
    if steps.iter().any(|step| step.id == id) {
        return None;
    }
    let hint = text::did_you_mean(id, steps.iter().map(|step| step.id.as_str()));
    let message = format!("names the fact `{id}`, which the case does not collect{hint}: add a step with this id");
    Some(problem(item, reference, message))
}

fn unknown_path(case: &Case, item: &str, reference: &str, known: &dyn Fn(&Step, &str) -> bool) -> Option<Problem> {
    let (id, path) = split_reference(reference);
    let steps = case.facts();
    let step = steps.iter().find(|step| step.id == id)?;
    let uses = &step.uses;
    let message = || format!("leads nowhere: `{uses}` never shows `{path}`; see `evidence explain {uses}`");
    (!path.is_empty() && !known(step, path)).then(|| problem(item, reference, message()))
}

/// Whether `path` can be a value that is documented as `documented`, e.g. `patterns.NAME.count`: a
/// word in capitals or angle brackets stands for one or more names. A path above or below the documented one
/// fits too, because the map or list there is a value as well.
#[must_use]
pub fn path_fits(documented: &str, path: &str) -> bool {
    let split = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    fits(&split(documented), &split(path))
}

fn fits(documented: &[String], path: &[String]) -> bool {
    match (documented, path) {
        ([], _) | (_, []) => true,
        ([any, rest @ ..], [_, tail @ ..]) if is_placeholder(any) => {
            rest.is_empty() || tail.is_empty() || (0..tail.len()).any(|skipped| fits(rest, &tail[skipped..]))
        }
        ([name, rest @ ..], [given, tail @ ..]) => name == given && fits(rest, tail),
    }
}

fn is_placeholder(name: &str) -> bool {
    name.starts_with('<') || (!name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
}

/// Waivers of items that are not there, waived twice, hard stops or without a true expiry, and
/// statements about items that ask for none.
fn case_problems(policy: &Policy, case: &Case) -> Vec<Problem> {
    let waivers = case.waivers.iter().enumerate().filter_map(|(index, _)| check_waiver(policy, case, index));
    let answered = case.collect.iter().filter_map(|step| Some((step, statement::answers(step)?)));
    waivers.chain(answered.filter_map(|(step, item)| check_statement(policy, &step.id, item))).collect()
}

fn check_waiver(policy: &Policy, case: &Case, index: usize) -> Option<Problem> {
    let waiver = &case.waivers[index];
    let place = format!("waivers[{index}]");
    let wrong = |message: String| Some(problem(&place, &waiver.item, message));
    if policy.hard_stops.iter().any(|stop| stop.id == waiver.item) {
        return wrong("is a hard stop: it cannot be waived".to_owned());
    }
    if !policy.items().any(|(id, _)| id == waiver.item) {
        let hint = text::did_you_mean(&waiver.item, policy.items().map(|(id, _)| id));
        return wrong(format!("is no item of the policy `{}`{hint}", policy.policy));
    }
    if case.waivers[..index].iter().any(|earlier| earlier.item == waiver.item) {
        return wrong("is waived twice: keep one waiver".to_owned());
    }
    if waiver.reason.trim().is_empty() {
        return wrong("is waived without a reason".to_owned());
    }
    let expires = DateTime::parse_from_rfc3339(&waiver.expires).is_ok();
    if expires { None } else { wrong("needs `expires` as an instant, as in `2026-12-31T00:00:00Z`".to_owned()) }
}

fn check_statement(policy: &Policy, step: &str, item: &str) -> Option<Problem> {
    let asked = policy.checklist.iter().filter(|asked| asked.statement.is_some());
    if asked.clone().any(|asked| asked.id == item) {
        return None;
    }
    let hint = text::did_you_mean(item, asked.map(|asked| asked.id.as_str()));
    let message = format!("answers an item that asks for no statement in the policy `{}`{hint}", policy.policy);
    Some(problem(&format!("collect `{step}`"), item, message))
}
