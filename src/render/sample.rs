//! A bundle made by hand for this room's tests: one fact of every collector, absences, a statement,
//! a derivation, and a verdict of every status.

use std::collections::BTreeMap;

use crate::base::{assets, canonical, yaml};
use crate::model::bundle::{Bundle, HygieneRow, HygieneTable, RunInfo, SealedFact};
use crate::model::case::Case;
use crate::model::fact::Fact;
use crate::model::policy::Policy;
use crate::model::value::{Map, Value};
use crate::model::verdict::Verdict;

const CASE: &str = include_str!("sample/case.yaml");
const FACTS: &str = include_str!("sample/facts.yaml");
const VERDICT: &str = include_str!("sample/verdict.yaml");

fn decode<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> T {
    yaml::decode(std::path::Path::new(name), text.as_bytes()).unwrap()
}

/// The sample, rendered by the built-in template `template`.
pub(super) fn bundle(template: &str) -> Bundle {
    let mut case: Case = decode("case.yaml", CASE);
    case.template = template.to_owned();
    let facts: Vec<Fact> = decode("facts.yaml", FACTS);
    let policy: Policy = decode("policy.yaml", "policy: backup-integrity\ntitle: Backup integrity\n");
    let verdict: Verdict = decode("verdict.yaml", VERDICT);
    let load = |name: &str| assets::template(name).map(str::to_owned);
    Bundle {
        info: RunInfo {
            run: "20260515T102350Z".into(),
            started_at: "2026-05-15T10:23:50.000000000Z".into(),
            ended_at: "2026-05-15T10:24:02.500000000Z".into(),
            tool_version: "0.1.0".into(),
            plan_sha256: "ab".repeat(32),
            sandbox: "full".into(),
            rules: None,
            policy_replaces: None,
        },
        case,
        policy,
        policy_sha256: "cd".repeat(32),
        narrative: Some(include_str!("sample/narrative.md").to_owned()),
        templates: super::needed(template, &load).unwrap(),
        facts: facts.into_iter().map(sealed).collect(),
        hygiene: hygiene(),
        verdict,
        digest: "ef".repeat(32),
    }
}

pub(super) fn sealed(fact: Fact) -> SealedFact {
    let anchor = canonical::anchor(&fact).unwrap().to_string();
    SealedFact { anchor, fact, artifacts: BTreeMap::new() }
}

fn hygiene() -> HygieneTable {
    let row = |rule: &str, description: &str, masked| HygieneRow {
        rule: rule.into(),
        description: description.into(),
        masked,
    };
    HygieneTable {
        rows: vec![row("push-monitor-url", "URL of a push monitor with its token", 2), row("jwt", "JSON web token", 0)],
    }
}

/// The sample with every text of every fact, verdict row, statement and absence changed.
pub(super) fn changed(template: &str, change: &dyn Fn(&str) -> String) -> Bundle {
    let mut bundle = bundle(template);
    change_facts(&mut bundle, change);
    for row in &mut bundle.verdict.rows {
        row.title = change(&row.title);
        row.expected = change(&row.expected);
        row.waiver = row.waiver.as_deref().map(change);
        row.observed = change(&row.observed);
        // An empty reason is no reason, and prints no line.
        if !row.because.is_empty() {
            row.because = format!("{} ", change(&row.because));
        }
        row.settle = row.settle.as_deref().map(change);
    }
    let case = &mut bundle.case;
    case.title = change(&case.title);
    for said in case.effects.iter_mut().chain(&mut case.handoff) {
        said.says = change(&said.says);
    }
    for proposal in &mut case.proposals {
        proposal.says = change(&proposal.says);
        proposal.commands = proposal.commands.iter().map(|command| change(command)).collect();
    }
    for words in [&mut case.scope, &mut case.excluded, &mut case.requires] {
        words.iter_mut().for_each(|word| *word = change(word));
    }
    bundle.hygiene.rows.iter_mut().for_each(|row| row.description = change(&row.description));
    case.seats.values_mut().for_each(|who| *who = change(who));
    bundle
}

/// Changes every text of every fact and absence.
pub(super) fn change_facts(bundle: &mut Bundle, change: &dyn Fn(&str) -> String) {
    for sealed in &mut bundle.facts {
        let fact = &mut sealed.fact;
        fact.source = change(&fact.source);
        fact.how = fact.how.iter().map(|how| change(how)).collect();
        fact.values = map(&fact.values, change);
        let absences = fact.missing.values_mut().chain(&mut fact.absence);
        absences.for_each(|absence| {
            absence.message = change(&absence.message);
            absence.settle = absence.settle.as_deref().map(change);
        });
    }
}

fn map(values: &Map, change: &dyn Fn(&str) -> String) -> Map {
    values.iter().map(|(key, value)| (key.clone(), one(value, change))).collect()
}

fn one(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Text(text) => Value::Text(change(text)),
        Value::List(list) => Value::List(list.iter().map(|v| one(v, change)).collect()),
        Value::Map(inner) => Value::Map(map(inner, change)),
        other => other.clone(),
    }
}
