//! Judging: a policy over the facts of a run gives a verdict. Pure and deterministic: no file, no
//! clock, no environment; the same policy, facts and case give the same verdict, byte for byte.
//!
//! Everything is three-valued. What was not seen, not understood or is of the wrong type is UNKNOWN,
//! and UNKNOWN never passes, so taking evidence away can only make a verdict worse.
//!
//! Adding an operator: one entry in a file of `operators/`, one line in its table, one row in the
//! table of the tests, one field in `model::policy::Condition`.

mod board;
mod check;
mod closing;
mod condition;
mod examples;
mod hypothesis;
mod items;
mod operators;
mod outcome;
mod sight;
mod statement;
mod testresult;
#[cfg(test)]
mod tests;
mod truth;
mod unit;
mod vacuous;
mod waivers;
mod words;

pub use board::{Board, Own, Standing, State, Subject, age_seconds, board, outdated, under_policy};
pub use check::{JudgeError, Problem, check_paths, check_policy, check_references, path_fits};
pub use closing::{closing, unsigned};
pub use examples::{EXAMPLES_AS_OF, prove_examples};
pub use operators::{OPERATORS, Operator, operator};
pub use testresult::attestation;
pub use vacuous::{Vacuous, vacuous};

use crate::model::action::ACTION;
use crate::model::bundle::Bundle;
use crate::model::case::Case;
use crate::model::fact::{Fact, split_reference};
use crate::model::policy::{Halts, HardStop, Policy};
use crate::model::value::Value;
use crate::model::verdict::Verdict;

use sight::Sight;

/// The rules of judgement of this version. A run records the number, so that its verdict stays the one that was
/// sealed when later rules are stricter.
///
/// 1: the first ones. 2: a condition that nothing could make fail is UNKNOWN, as is a thing compared with itself;
/// an action that was interrupted leaves the outcome UNKNOWN and the case open.
pub const RULES: u32 = 2;

/// The verdict of the run in `bundle`, by the rules that it records. Ages are counted from its start, whatever
/// instant the sealed verdict claims.
#[must_use]
pub fn again(bundle: &Bundle) -> Verdict {
    at(bundle, &bundle.info.started_at)
}

/// The same with ages counted from `now`.
fn at(bundle: &Bundle, now: &str) -> Verdict {
    let facts: Vec<Fact> = bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect();
    judge_by(bundle.info.rules.unwrap_or(1), &bundle.policy, &facts, &bundle.case, now)
}

/// The verdict of `policy` over `facts` by the rules of this version; `case` gives the waivers and says which statements answer
/// which item. `as_of` is the start of the run (RFC 3339): ages and expiries are counted from it.
#[must_use]
pub fn judge(policy: &Policy, facts: &[Fact], case: &Case, as_of: &str) -> Verdict {
    judge_by(RULES, policy, facts, case, as_of)
}

fn judge_by(rules: u32, policy: &Policy, facts: &[Fact], case: &Case, as_of: &str) -> Verdict {
    let sight = Sight::new(facts, as_of).with_exceptions(&policy.exceptions).by_rules(rules, case);
    let mut rows = items::rows(policy, case, &sight);
    waivers::apply(case, as_of, &mut rows);
    let interrupted = rules > 1 && interrupted(case, facts);
    let outcome = outcome::outcome(&rows, interrupted);
    let closure = (!policy.criteria.is_empty()).then(|| outcome::closure(&rows, outcome, interrupted));
    let hypotheses = hypothesis::weigh(case, &sight);
    Verdict { policy: policy.policy.clone(), as_of: as_of.to_owned(), outcome, closure, rows, hypotheses }
}

/// Whether the controlled change of `case` was interrupted: how far it came is then not known.
#[must_use]
pub fn interrupted(case: &Case, facts: &[Fact]) -> bool {
    let action = facts.iter().find(|fact| fact.id == ACTION);
    let by_signal = |fact: &Fact| matches!(fact.at("interrupted"), Some(Ok(Value::Bool(true))));
    case.action.is_some() && action.is_some_and(by_signal)
}

/// The id of the first hard stop that halts everything and fires on the facts so far. One that
/// rests on a fact still `pending` (the ids of the steps not yet taken) waits for it.
#[must_use]
pub fn fired(policy: &Policy, facts: &[Fact], pending: &[&str], as_of: &str) -> Option<String> {
    let found = firing(policy, facts, pending, as_of).find(|stop| stop.halts == Halts::Everything)?.id.clone();
    Some(found)
}

/// The ids of the hard stops, of either kind, that forbid the governed action on the facts so far.
#[must_use]
pub fn forbids(policy: &Policy, facts: &[Fact], pending: &[&str], as_of: &str) -> Vec<String> {
    firing(policy, facts, pending, as_of).map(|stop| stop.id.clone()).collect()
}

/// The hard stops that are not established to hold and wait for no fact.
fn firing<'a>(
    policy: &'a Policy,
    facts: &'a [Fact],
    pending: &'a [&'a str],
    as_of: &'a str,
) -> impl Iterator<Item = &'a HardStop> {
    let sight = Sight::new(facts, as_of).with_exceptions(&policy.exceptions);
    let waits = |reference: &str| pending.contains(&split_reference(reference).0);
    let ready = policy.hard_stops.iter().filter(move |stop| !stop.unless.references().into_iter().any(waits));
    ready.filter(move |stop| condition::evaluate(&stop.unless, &sight).truth != truth::Truth::True)
}
