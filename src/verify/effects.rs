//! Level 3a, of a governed run only: what `side_effects` says of the facts of both phases is what comparing
//! those facts gives. What the watched folders and logs had before is not in a bundle and not repeated.

use crate::base::text::visible;
use crate::govern;
use crate::model::action::SIDE_EFFECTS;
use crate::model::bundle::Bundle;
use crate::model::fact::Fact;
use crate::model::value::Value;
use crate::model::verification::{Level, LevelStatus};

const NAME: &str = "side effects compared again";
/// The values that follow from other facts, with everything below them.
const DERIVED: &[&str] = &["compared", "differences", "differences_cut"];

/// The level, when something was governed.
pub(super) fn level(bundle: &Bundle) -> Option<Level> {
    let facts: Vec<Fact> = bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect();
    let sealed = facts.iter().find(|fact| fact.uses == SIDE_EFFECTS && fact.absence.is_none())?;
    let again = govern::compared(&facts);
    let is_derived = |path: &str| DERIVED.contains(&path.split('.').next().unwrap_or(path));
    let missing =
        |all: &mut dyn Iterator<Item = &String>| all.filter(|path| is_derived(path)).cloned().collect::<Vec<_>>();
    let mut faults: Vec<_> = DERIVED
        .iter()
        .filter(|name| !same(sealed.values.get(**name), again.values.get(**name)))
        .map(|name| format!("data/facts.jsonl: `{}`: `{name}` is not what its facts give", visible(&sealed.id)))
        .collect();
    if missing(&mut sealed.missing.keys()) != missing(&mut again.missing.keys()) {
        faults.push(format!("data/facts.jsonl: `{}`: other values are missing than in its facts", visible(&sealed.id)));
    }
    if faults.is_empty() {
        return Some(super::level(NAME, LevelStatus::Holds, vec!["as sealed".to_owned()]));
    }
    faults.extend(super::other_version(bundle));
    Some(super::level(NAME, LevelStatus::Broken, faults))
}

/// Whether two values are one. What was masked after it was compared says less than what gives it.
fn same(sealed: Option<&Value>, again: Option<&Value>) -> bool {
    match (sealed, again) {
        (Some(Value::Text(sealed)), Some(Value::Text(_))) if sealed.contains("***") => true,
        (Some(Value::List(sealed)), Some(Value::List(again))) => {
            sealed.len() == again.len() && sealed.iter().zip(again).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(Value::Map(sealed)), Some(Value::Map(again))) => {
            sealed.keys().eq(again.keys()) && sealed.iter().all(|(key, value)| same(Some(value), again.get(key)))
        }
        (sealed, again) => sealed == again,
    }
}
