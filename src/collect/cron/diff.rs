//! The entries against those of an earlier step. Commands are compared as they are kept, masked, so
//! that nothing has to be kept that must not be.

use std::collections::BTreeMap;

use crate::hygiene;
use crate::model::fact::{Absence, Fact, Observation, Reason};
use crate::model::value::Value;

use super::source::Read;
use super::{Ready, row};

/// What identifies an entry: source, user, command.
type Key = (String, String, String);

const NAMES: [&str; 4] = ["added", "removed", "changed", "changes_count"];

/// Fills `seen`.
pub fn tell(ready: &Ready, read: &Read, facts: &[Fact], seen: &mut Observation) {
    let before = match before(ready, facts) {
        Ok(before) => before,
        Err(why) => return miss(seen, &why),
    };
    if let Some(why) = &read.unread {
        return miss(seen, why);
    }
    let mut after: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for entry in &read.entries {
        let user = entry.user.clone().unwrap_or_default();
        let key = (hygiene::mask_str(&entry.source), user, hygiene::mask_str(&entry.command));
        after.entry(key).or_default().push(entry.schedule.clone());
    }
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let none = Vec::new();
        let (old, new) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        let gone: Vec<_> = old.iter().filter(|schedule| !new.contains(schedule)).collect();
        let come: Vec<_> = new.iter().filter(|schedule| !old.contains(schedule)).collect();
        for (old, new) in gone.iter().zip(&come) {
            changed.push(row([
                ("source", key.0.clone().into()),
                ("user", key.1.clone().into()),
                ("command", key.2.clone().into()),
                ("before", (**old).clone().into()),
                ("after", (**new).clone().into()),
            ]));
        }
        removed.extend(gone.iter().skip(come.len()).map(|schedule| entry(key, schedule)));
        added.extend(come.iter().skip(gone.len()).map(|schedule| entry(key, schedule)));
    }
    seen.set("changes_count", added.len() + removed.len() + changed.len());
    seen.set("added", Value::List(added));
    seen.set("removed", Value::List(removed));
    seen.set("changed", Value::List(changed));
}

fn miss(seen: &mut Observation, why: &Absence) {
    for name in NAMES {
        seen.miss(name, why.clone());
    }
}

fn entry(key: &Key, schedule: &str) -> Value {
    row([
        ("source", key.0.clone().into()),
        ("user", key.1.clone().into()),
        ("command", key.2.clone().into()),
        ("schedule", schedule.into()),
    ])
}

fn before(ready: &Ready, facts: &[Fact]) -> Result<BTreeMap<Key, Vec<String>>, Absence> {
    let Some(id) = &ready.before else {
        return Err(Absence::new(Reason::NotApplicable, "the case compares with no earlier step"));
    };
    let fact = facts.iter().find(|fact| fact.id == *id);
    let fact = fact.ok_or_else(|| Absence::new(Reason::NotFound, format!("`{id}` was not collected")))?;
    // A list that was not read to its end is nothing to compare with.
    if let Some(Err(why)) = fact.at("entries_count") {
        return Err(why.clone());
    }
    let Some(Ok(Value::List(rows))) = fact.at("entries") else {
        return Err(Absence::new(Reason::NotApplicable, format!("`{id}` has no entries of schedules")));
    };
    let mut out: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for row in rows {
        let text = |name: &str| row.at(name).and_then(Value::as_text).unwrap_or_default().to_owned();
        out.entry((text("source"), text("user"), text("command"))).or_default().push(text("schedule"));
    }
    Ok(out)
}
