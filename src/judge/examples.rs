//! A policy's own proof: its examples are judged, and must come out as they are headed.

use std::collections::BTreeMap;

use crate::model::case::{Case, Step};
use crate::model::fact::{Basis, Fact, split_reference};
use crate::model::policy::Policy;
use crate::model::value::{Map, Value};
use crate::model::verdict::{Status, Verdict};

use super::check::{JudgeError, Problem};
use super::judge;

/// The instant that examples are judged at; ages in them are counted from it.
pub const EXAMPLES_AS_OF: &str = "2026-01-01T00:00:00Z";

/// What is wrong with a verdict, row by row; empty when it came out as it should.
type Proof = fn(&Verdict) -> Vec<String>;

/// Judges the policy's `passes`, `fails` and `unknown`. A fact with `seat` and `answers` in it is
/// taken as a statement, anything else as an observation.
///
/// # Errors
/// Every example that is missing or comes out otherwise, with the rows that did.
pub fn prove_examples(policy: &Policy) -> Result<(), JudgeError> {
    let Some(examples) = &policy.examples else {
        return Err(JudgeError { problems: vec![unproven(policy, "examples", "are missing")] });
    };
    let proofs: [(_, _, Proof); 3] = [
        ("passes", &examples.passes, not_passed),
        ("fails", &examples.fails, nothing_failed),
        ("unknown", &examples.unknown, not_only_unknown),
    ];
    let wrong = proofs.into_iter().filter_map(|(name, values, wrong)| {
        let rows = wrong(&verdict(policy, values));
        (!rows.is_empty()).then(|| unproven(policy, name, &rows.join("; ")))
    });
    let problems: Vec<_> = wrong.collect();
    if problems.is_empty() { Ok(()) } else { Err(JudgeError { problems }) }
}

fn unproven(policy: &Policy, subject: &str, message: &str) -> Problem {
    Problem { item: policy.policy.clone(), subject: subject.to_owned(), message: message.to_owned(), of_policy: true }
}

fn not_passed(verdict: &Verdict) -> Vec<String> {
    let rows = verdict.rows.iter().filter(|row| row.status != Status::Pass);
    rows.map(|row| format!("{} is {}: {} {}", row.id, row.status.word(), row.observed, row.because)).collect()
}

fn nothing_failed(verdict: &Verdict) -> Vec<String> {
    let failed = verdict.rows.iter().any(|row| row.status.fails());
    if failed { Vec::new() } else { vec!["no item fails".to_owned()] }
}

fn not_only_unknown(verdict: &Verdict) -> Vec<String> {
    let failed = verdict.rows.iter().filter(|row| row.status.fails());
    let mut wrong: Vec<_> = failed.map(|row| format!("{} fails: {}", row.id, row.observed)).collect();
    if !verdict.rows.iter().any(|row| row.status == Status::Unknown) {
        wrong.push("no item is UNKNOWN".to_owned());
    }
    wrong
}

pub(super) fn verdict(policy: &Policy, values: &BTreeMap<String, Value>) -> Verdict {
    let facts = facts(values);
    judge(policy, &facts, &case(policy, &facts), EXAMPLES_AS_OF)
}

/// One fact for each id in front of the references.
fn facts(values: &BTreeMap<String, Value>) -> Vec<Fact> {
    let mut by_id: BTreeMap<&str, Map> = BTreeMap::new();
    for (reference, value) in values {
        let (id, path) = split_reference(reference);
        by_id.entry(id).or_default().insert(path.to_owned(), value.clone());
    }
    by_id.into_iter().map(|(id, values)| fact(id, values)).collect()
}

fn fact(id: &str, values: Map) -> Fact {
    let stated = values.contains_key("seat") && values.contains_key("answers");
    Fact {
        id: id.to_owned(),
        uses: if stated { "statement" } else { "example" }.to_owned(),
        basis: if stated { Basis::Statement } else { Basis::Observed },
        target: None,
        source: String::new(),
        how: Vec::new(),
        observed_at: EXAMPLES_AS_OF.to_owned(),
        took_ms: 0,
        values,
        missing: BTreeMap::new(),
        absence: None,
        artifacts: Vec::new(),
        masked: BTreeMap::new(),
    }
}

/// The case that would have collected `facts`.
fn case(policy: &Policy, facts: &[Fact]) -> Case {
    let step = |fact: &Fact| Step {
        id: fact.id.clone(),
        uses: fact.uses.clone(),
        on: None,
        phase: None,
        with: fact.values.iter().filter(|(name, _)| *name == "answers").map(|(n, v)| (n.clone(), v.clone())).collect(),
    };
    Case {
        case: "example".to_owned(),
        title: String::new(),
        template: "incident".to_owned(),
        policy: policy.policy.clone(),
        scope: Vec::new(),
        excluded: Vec::new(),
        requires: Vec::new(),
        seats: BTreeMap::new(),
        zone: None,
        targets: BTreeMap::new(),
        collect: facts.iter().map(step).collect(),
        action: None,
        proposals: Vec::new(),
        effects: Vec::new(),
        handoff: Vec::new(),
        waivers: Vec::new(),
        hypotheses: Vec::new(),
        objectives: None,
    }
}
