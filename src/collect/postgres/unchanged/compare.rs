//! Two looks of one kind, compared: what differs, by name. Pure: facts in, rows out. A value that
//! one of the looks lacks makes the comparison an absence, never "equal".

use std::collections::BTreeMap;

use crate::model::fact::{Absence, Fact, Reason};
use crate::model::value::{Map, Value};

/// One difference: what, which, and both sides (a side that is missing did not have it).
pub(super) fn difference(what: &str, name: &str, before: Option<&Value>, after: Option<&Value>) -> Map {
    let change = match (before, after) {
        (None, _) => "appeared",
        (_, None) => "vanished",
        _ => "changed",
    };
    let mut row = Map::from([("what".to_owned(), what.into()), ("name".to_owned(), name.into())]);
    row.insert("change".to_owned(), change.into());
    for (key, value) in [("before", before), ("after", after)] {
        if let Some(value) = value {
            row.insert(key.to_owned(), value.clone());
        }
    }
    row
}

/// The value of `path` in both facts.
///
/// # Errors
/// The reason why one of them lacks it.
pub(super) fn both<'a>(before: &'a Fact, after: &'a Fact, path: &str) -> Result<(&'a Value, &'a Value), Absence> {
    Ok((known(before, path)?, known(after, path)?))
}

/// The value of `path`, or why the fact lacks it.
pub(super) fn known<'a>(fact: &'a Fact, path: &str) -> Result<&'a Value, Absence> {
    match fact.at(path) {
        Some(Ok(value)) => Ok(value),
        Some(Err(absence)) => {
            let message = format!("`{}` does not have {path}: {}", fact.id, absence.message);
            Err(Absence { reason: absence.reason, message, settle: absence.settle.clone() })
        }
        None => Err(Absence::new(Reason::NotFound, format!("`{}` does not have {path}", fact.id))),
    }
}

/// Whether both facts have the same value at each of `paths`; differences go to `rows`.
///
/// # Errors
/// The first absence.
pub(super) fn equal(before: &Fact, after: &Fact, paths: &[&str], rows: &mut Vec<Map>) -> Result<bool, Absence> {
    let mut same = true;
    for path in paths {
        let (a, b) = both(before, after, path)?;
        if a != b {
            same = false;
            rows.push(difference(&before.uses, path, Some(a), Some(b)));
        }
    }
    Ok(same)
}

/// The entries of a list of maps, by the texts of some of their keys.
pub(super) type Entries<'a> = BTreeMap<Vec<String>, &'a Map>;

/// The entries of both facts. A list that was cut (the flag says so) ends where it was cut, and the
/// other is compared no further: what was not listed did not vanish.
pub(super) fn lists<'a>(before: &'a Fact, after: &'a Fact, list: &str, keys: &[&str]) -> (Entries<'a>, Entries<'a>) {
    let (mut old, mut new) = (entries(before, list, keys), entries(after, list, keys));
    let end = |fact: &Fact, entries: &Entries<'_>| {
        let cut = fact.at(&format!("{list}_cut")) == Some(Ok(&Value::Bool(true)));
        entries.keys().next_back().filter(|_| cut).cloned()
    };
    let ends = [end(before, &old), end(after, &new)];
    if let Some(end) = ends.into_iter().flatten().min() {
        old.retain(|key, _| *key <= end);
        new.retain(|key, _| *key <= end);
    }
    (old, new)
}

fn entries<'a>(fact: &'a Fact, list: &str, keys: &[&str]) -> Entries<'a> {
    let Some(Ok(Value::List(rows))) = fact.at(list) else { return BTreeMap::new() };
    let maps = rows.iter().filter_map(|row| match row {
        Value::Map(map) => Some(map),
        _ => None,
    });
    let text = |map: &Map, key: &str| map.get(key).map(ToString::to_string).unwrap_or_default();
    maps.map(|map| (keys.iter().map(|key| text(map, key)).collect(), map)).collect()
}

/// Every entry whose `value` differs, in the order of the keys.
pub(super) fn differing<'a>(
    before: &Entries<'a>,
    after: &Entries<'a>,
    value: &str,
) -> Vec<(Vec<String>, Option<&'a Value>, Option<&'a Value>)> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let pair = |key: &Vec<String>| {
        let side = |map: &Entries<'a>| map.get(key).and_then(|entry| entry.get(value));
        (key.clone(), side(before), side(after))
    };
    keys.into_iter().map(pair).filter(|(_, a, b)| a != b).collect()
}
