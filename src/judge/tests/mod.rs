//! The judge as a whole: every operator against every kind of evidence, rows, waivers, statements,
//! outcomes, and the promise that less evidence never makes a better verdict.

mod builtin;
mod checks;
mod closing;
mod monotone;
mod operators;
mod rows;
mod vacuous;

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::base::yaml;
use crate::model::case::Case;
use crate::model::fact::{Absence, Basis, Fact, Reason};
use crate::model::policy::{Condition, Exception, Policy};
use crate::model::verdict::{Row, Verdict};

const AS_OF: &str = "2026-05-15T12:00:00Z";

fn read<T: DeserializeOwned>(text: &str) -> T {
    yaml::decode(Path::new("test.yaml"), text.as_bytes()).unwrap()
}

fn condition(text: &str) -> Condition {
    read(text)
}

fn policy(text: &str) -> Policy {
    let policy: Policy = read(&format!("policy: p\n{text}"));
    policy.validate().unwrap();
    policy
}

pub(super) fn case(text: &str) -> Case {
    let head =
        "case: c\ntitle: t\ntemplate: incident\npolicy: p\nseats: { owner: ada, executor: ops, verifier: dba }\n";
    read(&format!("{head}{text}"))
}

pub(super) fn fact(id: &str, values: &str) -> Fact {
    Fact {
        id: id.into(),
        uses: "file".into(),
        basis: Basis::Observed,
        target: None,
        source: "/x".into(),
        how: Vec::new(),
        observed_at: "2026-05-15T12:00:01.000000000Z".into(),
        took_ms: 5,
        values: read(values),
        missing: Default::default(),
        absence: None,
        artifacts: Vec::new(),
        masked: Default::default(),
    }
}

fn missing(mut fact: Fact, path: &str, reason: Reason) -> Fact {
    let absence = Absence::new(reason, "in words").settled_by("ls -l /x");
    fact.missing.insert(path.into(), absence);
    fact
}

pub(super) fn gone(id: &str, reason: Reason) -> Fact {
    Fact { absence: Some(Absence::new(reason, "in words").settled_by("ls -l /x")), ..fact(id, "{}") }
}

fn statement(id: &str, seat: &str, answers: &str) -> Fact {
    let values = format!("{{ seat: {seat}, says: nothing was restarted, answers: {answers}, holds: true }}");
    Fact { basis: Basis::Statement, uses: "statement".into(), ..fact(id, &values) }
}

fn judged(policy: &Policy, facts: &[Fact]) -> Verdict {
    super::judge(policy, facts, &case("collect: []\n"), AS_OF)
}

fn row(verdict: &Verdict, id: &str) -> Row {
    verdict.rows.iter().find(|row| row.id == id).unwrap().clone()
}
