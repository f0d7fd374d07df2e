//! Judging: a policy over the facts of a run gives a verdict. Pure and deterministic: no file, no
//! clock, no environment; the same policy, facts and case give the same verdict, byte for byte.
//!
//! Everything is three-valued. What was not seen, not understood or is of the wrong type is UNKNOWN,
//! and UNKNOWN never passes, so taking evidence away can only make a verdict worse.
//!
//! Adding an operator: one entry in a file of `operators/`, one line in its table, one row in the
//! table of the tests, one field in `model::policy::Condition`.

mod check;
mod condition;
mod examples;
mod hypothesis;
mod items;
mod operators;
mod outcome;
mod sight;
mod statement;
#[cfg(test)]
mod tests;
mod truth;
mod unit;
mod waivers;
mod words;

pub use check::{JudgeError, Problem, check_paths, check_policy, check_references, path_fits};
pub use examples::{EXAMPLES_AS_OF, prove_examples};
pub use operators::{OPERATORS, Operator, operator};

use crate::model::case::Case;
use crate::model::fact::{Fact, split_reference};
use crate::model::policy::{Halts, Policy};
use crate::model::verdict::Verdict;

use sight::Sight;

/// The verdict of `policy` over `facts`; `case` gives the waivers and says which statements answer
/// which item. `as_of` is the start of the run (RFC 3339): ages and expiries are counted from it.
#[must_use]
pub fn judge(policy: &Policy, facts: &[Fact], case: &Case, as_of: &str) -> Verdict {
    let sight = Sight::new(facts, as_of);
    let mut rows = items::rows(policy, case, &sight);
    waivers::apply(case, as_of, &mut rows);
    let outcome = outcome::outcome(&rows);
    let closure = (!policy.criteria.is_empty()).then(|| outcome::closure(&rows, outcome));
    let hypotheses = hypothesis::weigh(case, &sight);
    Verdict { policy: policy.policy.clone(), as_of: as_of.to_owned(), outcome, closure, rows, hypotheses }
}

/// The id of the first hard stop that halts everything and fires on the facts so far. One that
/// rests on a fact still `pending` (the ids of the steps not yet taken) waits for it.
#[must_use]
pub fn fired(policy: &Policy, facts: &[Fact], pending: &[&str], as_of: &str) -> Option<String> {
    let sight = Sight::new(facts, as_of);
    let waits = |reference: &str| pending.contains(&split_reference(reference).0);
    let stops = policy.hard_stops.iter().filter(|stop| stop.halts == Halts::Everything);
    let mut ready = stops.filter(|stop| !stop.unless.references().into_iter().any(waits));
    ready.find(|stop| condition::evaluate(&stop.unless, &sight).truth != truth::Truth::True).map(|stop| stop.id.clone())
}
