//! What differs between two facts, path by path, and between two runs, fact by fact. A pure
//! comparison, so that a screen, a record and a derived fact say the same.
//!
//! What differs at every look says nothing and is left out: [`VOLATILE`] and how long a look took.
//! Absences are compared by their reason. Two values that were masked alike count as equal, although
//! what is hidden may differ.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{ACTION, SIDE_EFFECTS};
use super::fact::{Absence, Fact};
use super::value::{Map, Value};
use super::verdict::{Status, Verdict};

/// Names of values that differ at every look.
pub const VOLATILE: &[&str] = &["atime", "clock", "uptime_seconds"];

/// Collectors with values that differ at every look for reasons of their own.
pub const OWN_VOLATILE: &[(&str, &[&str])] =
    &[(ACTION, &["started_at", "ended_at", "duration_seconds"]), (SIDE_EFFECTS, &["from", "to", "differences"])];

/// Everything that is left out, in words: `atime`, `action.started_at`.
#[must_use]
pub fn left_out() -> Vec<String> {
    let own = OWN_VOLATILE.iter().flat_map(|(uses, names)| names.iter().map(move |name| format!("{uses}.{name}")));
    let all = ["observed_at", "took_ms"].into_iter().chain(VOLATILE.iter().copied());
    all.map(str::to_owned).chain(own).collect()
}

/// Names by which entries of a list are told apart, the best first.
const KEYS: &[&str] = &["path", "name", "id", "line"];

/// What one side has at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A value.
    Value(Value),
    /// Nothing, and why.
    Absent(Absence),
    /// Nothing: it was not even looked for.
    Nothing,
}

impl Side {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            // Not there, and nothing that could be there: both say that there is nothing.
            (Self::Absent(a), Self::Absent(b)) => a.reason == b.reason || !(a.reason.hides() || b.reason.hides()),
            _ => self == other,
        }
    }

    /// In words, whole.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Absent(absence) => format!("not seen: {}", absence.reason.word()),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where in the fact, e.g. `gzip.valid` or `entries[a.gz].size_bytes`; `(fact)` is all of it,
    /// `(source)` what was read.
    pub path: String,
    /// What was there.
    pub before: Side,
    /// What is there now.
    pub after: Side,
}

/// A fact that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FactChange {
    /// Its id.
    pub id: String,
    /// What differs in it, in order of the paths.
    pub changes: Vec<Change>,
}

/// An item of a policy that came out differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemChange {
    /// Its id.
    pub id: String,
    /// How it came out; `None` when the policy did not have it.
    pub before: Option<Status>,
    /// How it comes out now.
    pub after: Option<Status>,
}

/// The items of two verdicts that came out differently, in the later verdict's order.
#[must_use]
pub fn items(before: &Verdict, after: &Verdict) -> Vec<ItemChange> {
    let find = |verdict: &Verdict, id: &str| verdict.rows.iter().find(|row| row.id == id).map(|row| row.status);
    let ids = after.rows.iter().chain(before.rows.iter().filter(|row| find(after, &row.id).is_none()));
    let change = |id: &String| ItemChange { id: id.clone(), before: find(before, id), after: find(after, id) };
    ids.map(|row| change(&row.id)).filter(|change| change.before != change.after).collect()
}

/// Two runs compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunChange {
    /// Facts that only the later run has.
    pub appeared: Vec<String>,
    /// Facts that only the earlier run has.
    pub vanished: Vec<String>,
    /// Facts that differ.
    pub changed: Vec<FactChange>,
    /// Facts without a difference.
    pub equal: Vec<String>,
}

impl RunChange {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.vanished.is_empty() && self.changed.is_empty()
    }
}

/// Compares the facts of two runs by their ids; in the later run's order.
#[must_use]
pub fn runs(before: &[Fact], after: &[Fact]) -> RunChange {
    let ids = |facts: &[Fact]| facts.iter().map(|fact| fact.id.clone()).collect::<BTreeSet<_>>();
    let (old, new) = (ids(before), ids(after));
    let mut found = RunChange {
        vanished: before.iter().map(|fact| fact.id.clone()).filter(|id| !new.contains(id)).collect(),
        appeared: after.iter().map(|fact| fact.id.clone()).filter(|id| !old.contains(id)).collect(),
        ..RunChange::default()
    };
    for fact in after {
        let Some(earlier) = before.iter().find(|earlier| earlier.id == fact.id) else { continue };
        match facts(earlier, fact) {
            changes if changes.is_empty() => found.equal.push(fact.id.clone()),
            changes => found.changed.push(FactChange { id: fact.id.clone(), changes }),
        }
    }
    found
}

/// Compares two facts; their ids may differ.
#[must_use]
pub fn facts(before: &Fact, after: &Fact) -> Vec<Change> {
    let mut found = Vec::new();
    let text = |text: &str| Side::Value(text.into());
    note(&mut found, "(collector)", text(&before.uses), text(&after.uses));
    note(&mut found, "(source)", text(&before.source), text(&after.source));
    match (&before.absence, &after.absence) {
        (None, None) => {
            maps(&mut found, "", &before.values, &after.values, &before.missing, &after.missing);
            absences(&mut found, before, after);
            let own = OWN_VOLATILE.iter().filter(|(uses, _)| *uses == after.uses).flat_map(|(_, names)| *names);
            let own: Vec<_> = own.collect();
            found.retain(|change| !own.iter().any(|name| is_at_or_below(&change.path, name)));
        }
        (old, new) => note(&mut found, "(fact)", whole(old.as_ref()), whole(new.as_ref())),
    }
    artifacts(&mut found, before, after);
    found
}

fn is_at_or_below(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ' ']))
}

fn whole(absence: Option<&Absence>) -> Side {
    absence.map_or_else(|| Side::Value("seen".into()), |absence| Side::Absent(absence.clone()))
}

fn note(found: &mut Vec<Change>, path: &str, before: Side, after: Side) {
    if !before.same(&after) {
        found.push(Change { path: path.to_owned(), before, after });
    }
}

type Missing = BTreeMap<String, Absence>;

fn maps(found: &mut Vec<Change>, at: &str, before: &Map, after: &Map, gone: &Missing, missing: &Missing) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|name| !VOLATILE.contains(&name.as_str())) {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) => values(found, &path, old, new),
            (old, new) => note(found, &path, side(old, gone.get(&path)), side(new, missing.get(&path))),
        }
    }
}

fn side(value: Option<&Value>, absence: Option<&Absence>) -> Side {
    match (value, absence) {
        (Some(value), _) => Side::Value(value.clone()),
        (None, Some(absence)) => Side::Absent(absence.clone()),
        (None, None) => Side::Nothing,
    }
}

/// What is missing on one side and nowhere on the other, or for another reason.
fn absences(found: &mut Vec<Change>, before: &Fact, after: &Fact) {
    let paths: BTreeSet<&String> = before.missing.keys().chain(after.missing.keys()).collect();
    for path in paths {
        let last = path.rsplit('.').next().unwrap_or(path);
        let told = VOLATILE.contains(&last) || found.iter().any(|change| change.path == *path);
        let look = |fact: &Fact| match fact.at(path) {
            Some(Ok(value)) => Side::Value(value.clone()),
            Some(Err(absence)) => Side::Absent(absence.clone()),
            None => Side::Nothing,
        };
        if !told {
            note(found, path, look(before), look(after));
        }
    }
}

fn values(found: &mut Vec<Change>, path: &str, before: &Value, after: &Value) {
    match (before, after) {
        (Value::Map(old), Value::Map(new)) => maps(found, path, old, new, &Missing::new(), &Missing::new()),
        (Value::List(old), Value::List(new)) => lists(found, path, old, new),
        _ => note(found, path, Side::Value(before.clone()), Side::Value(after.clone())),
    }
}

/// Entries are compared by their key where all have one, as they stand otherwise; bare values as a
/// bag, because one that was put in front does not change those behind it.
fn lists(found: &mut Vec<Change>, path: &str, before: &[Value], after: &[Value]) {
    if before == after {
        return;
    }
    if let Some(key) = KEYS.iter().find(|key| keyed(before, key).is_some() && keyed(after, key).is_some()) {
        let (old, new) = (keyed(before, key).unwrap_or_default(), keyed(after, key).unwrap_or_default());
        return by_key(found, path, &old, &new);
    }
    let plain = |list: &[Value]| !list.iter().any(|value| matches!(value, Value::Map(_) | Value::List(_)));
    if plain(before) && plain(after) { bags(found, path, before, after) } else { by_place(found, path, before, after) }
}

fn keyed<'a>(list: &'a [Value], key: &str) -> Option<BTreeMap<String, &'a Value>> {
    let mut entries = BTreeMap::new();
    for value in list {
        let Value::Map(map) = value else { return None };
        let name = map.get(key).filter(|name| !matches!(name, Value::Map(_) | Value::List(_)))?;
        // A number sorts by its size, not by its digits.
        let name = name.as_int().map_or_else(|| name.to_string(), |number| format!("{number:>10}"));
        if entries.insert(name, value).is_some() {
            return None;
        }
    }
    Some(entries)
}

fn by_key(found: &mut Vec<Change>, path: &str, old: &BTreeMap<String, &Value>, new: &BTreeMap<String, &Value>) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let path = format!("{path}[{}]", name.trim_start());
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => values(found, &path, old, new),
            (old, new) => note(found, &path, side(old.copied(), None), side(new.copied(), None)),
        }
    }
}

fn by_place(found: &mut Vec<Change>, path: &str, before: &[Value], after: &[Value]) {
    for index in 0..before.len().max(after.len()) {
        let path = format!("{path}[{index}]");
        match (before.get(index), after.get(index)) {
            (Some(old), Some(new)) => values(found, &path, old, new),
            (old, new) => note(found, &path, side(old, None), side(new, None)),
        }
    }
}

fn bags(found: &mut Vec<Change>, path: &str, before: &[Value], after: &[Value]) {
    let mut gone: Vec<&Value> = before.iter().collect();
    let mut came = Vec::new();
    for value in after {
        match gone.iter().position(|old| *old == value) {
            Some(at) => drop(gone.remove(at)),
            None => came.push(value),
        }
    }
    if gone.is_empty() && came.is_empty() {
        let (old, new) = (Value::List(before.to_vec()), Value::List(after.to_vec()));
        return note(found, &format!("{path} (order)"), Side::Value(old), Side::Value(new));
    }
    let entry = format!("{path}[]");
    gone.into_iter().for_each(|value| note(found, &entry, Side::Value(value.clone()), Side::Nothing));
    came.into_iter().for_each(|value| note(found, &entry, Side::Nothing, Side::Value(value.clone())));
}

fn artifacts(found: &mut Vec<Change>, before: &Fact, after: &Fact) {
    let digests = |fact: &Fact| -> BTreeMap<String, String> {
        fact.artifacts.iter().map(|kept| (kept.name.clone(), kept.sha256.clone())).collect()
    };
    let (old, new) = (digests(before), digests(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let side = |digests: &BTreeMap<String, String>| match digests.get(name) {
            Some(sha256) => Side::Value(format!("sha256 {sha256}").into()),
            None => Side::Nothing,
        };
        note(found, &format!("(artifact {name})"), side(&old), side(&new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::Reason;

    fn fact(values: &str) -> Fact {
        let head = r#""id":"f","uses":"file","basis":"observed","source":"/x","observed_at":"t","took_ms":1"#;
        serde_json::from_str(&format!("{{{head},{values}}}")).unwrap()
    }

    fn told(before: &Fact, after: &Fact) -> Vec<String> {
        let line = |change: &Change| format!("{}: {} -> {}", change.path, change.before.words(), change.after.words());
        facts(before, after).iter().map(line).collect()
    }

    #[test]
    fn paths_are_told_and_what_always_differs_is_not() {
        let before = fact(r#""values":{"size":3,"atime":"a","gzip":{"valid":true,"members":1}}"#);
        let mut after = fact(r#""values":{"size":4,"atime":"b","gzip":{"valid":true,"members":2},"new":[]}"#);
        (after.took_ms, after.observed_at) = (900, "u".into());
        assert_eq!(told(&before, &after), ["gzip.members: 1 -> 2", "new: nothing -> []", "size: 3 -> 4"]);
        assert!(told(&before, &before).is_empty());
    }

    #[test]
    fn entries_with_a_key_stay_themselves_when_one_is_put_in_front() {
        let before = fact(r#""values":{"entries":[{"path":"b","size":1},{"path":"c","size":2}],"names":["x","y"]}"#);
        let after = fact(
            r#""values":{"entries":[{"path":"a","size":9},{"path":"b","size":1},{"path":"c","size":3}],"names":["z","y","x"]}"#,
        );
        let expected =
            ["entries[a]: nothing -> {path: a, size: 9}", "entries[c].size: 2 -> 3", "names[]: nothing -> z"];
        assert_eq!(told(&before, &after), expected);
        let (old, new) = (fact(r#""values":{"l":[1,2]}"#), fact(r#""values":{"l":[2,1]}"#));
        assert_eq!(told(&old, &new), ["l (order): [1, 2] -> [2, 1]"]);
        let twice = (fact(r#""values":{"l":[{"id":1},{"id":1}]}"#), fact(r#""values":{"l":[{"id":1},{"id":2}]}"#));
        assert_eq!(told(&twice.0, &twice.1), ["l[1].id: 1 -> 2"]);
    }

    #[test]
    fn absences_are_compared_by_their_reason() {
        let seen = fact(r#""values":{"sha256":"ab"}"#);
        let denied = fact(r#""missing":{"sha256":{"reason":"denied","message":"one"}}"#);
        let again = fact(r#""missing":{"sha256":{"reason":"denied","message":"two"}}"#);
        let changed = fact(r#""missing":{"sha256":{"reason":"changed","message":"two"}}"#);
        assert_eq!(told(&seen, &denied), ["sha256: ab -> not seen: permission denied"]);
        assert!(told(&denied, &again).is_empty());
        assert_eq!(told(&denied, &changed), ["sha256: not seen: permission denied -> not seen: changed while read"]);
        let gone = fact(r#""missing":{"sha256":{"reason":"not_found","message":"x"}}"#);
        let never = fact(r#""missing":{"sha256":{"reason":"not_applicable","message":"x"}}"#);
        assert!(told(&gone, &never).is_empty());
        let mut none = seen.clone();
        none.absence = Some(Absence::new(Reason::TimedOut, "late"));
        assert_eq!(told(&seen, &none), ["(fact): seen -> not seen: timed out"]);
    }

    #[test]
    fn when_an_action_ran_is_no_difference_and_how_it_ended_is() {
        let act = |started: &str, code: u32| {
            let mut made = fact(&format!(r#""values":{{"started_at":"{started}","exit_code":{code}}}"#));
            made.uses = ACTION.to_owned();
            made
        };
        assert_eq!(told(&act("a", 0), &act("b", 1)), ["exit_code: 0 -> 1"]);
        assert!(left_out().contains(&"action.started_at".to_owned()));
    }

    #[test]
    fn runs_tell_what_appeared_and_vanished() {
        let named = |id: &str, size: u32| {
            let mut made = fact(&format!(r#""values":{{"size":{size}}}"#));
            made.id = id.to_owned();
            made
        };
        let found =
            runs(&[named("a", 1), named("b", 1), named("c", 1)], &[named("b", 1), named("c", 2), named("d", 1)]);
        assert_eq!(
            (found.appeared.as_slice(), found.vanished.as_slice()),
            (&["d".to_owned()][..], &["a".to_owned()][..])
        );
        assert_eq!((found.equal.as_slice(), found.changed[0].id.as_str()), (&["b".to_owned()][..], "c"));
        assert!(!found.is_empty() && runs(&[named("a", 1)], &[named("a", 1)]).is_empty());
    }
}
