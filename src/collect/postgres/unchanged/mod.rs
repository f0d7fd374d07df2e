//! `postgres.unchanged`: a derivation over the looks before and after. It says what is equal, names
//! what is not, and holds what we did (nothing, by our sessions' own account) apart from what
//! others did meanwhile.

mod compare;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use compare::{both, difference, differing, equal, known, lists};

/// The collector.
pub struct Unchanged;

static DOC: Doc = Doc {
    name: "postgres.unchanged",
    summary: "whether a database is as it was before: identity, definitions, rights, counts, and who moved what",
    detail: "Derived from facts of this case that were collected before: pairs of postgres.identity, \
             postgres.fingerprint, postgres.counts and postgres.activity of one target, paired by collector. An equal \
             identity proves that it is the same cluster and nothing about its content. Sessions that were read-only \
             from start to end and were never given a transaction id wrote no row; that says nothing about what others \
             wrote. Equal fingerprints prove equal definitions and rights at both moments, not that nothing was \
             changed and changed back. Equal exact counts prove equal numbers of rows, not equal rows. Differences \
             are shown and are not ours when our sessions could not have made them: `changed_by_us` is false only when \
             every session on that target in this run says so.",
    needs_target: false,
    settings: &[
        Setting { name: "before", kind: "id or list of ids", required: true, meaning: "the facts of the look before" },
        Setting { name: "after", kind: "id or list of ids", required: true, meaning: "the facts of the look after" },
        Setting { name: "max_differences", kind: "number (500)", required: false, meaning: "the most that are listed" },
    ],
    values: &[
        ("unchanged", "whether everything that was compared is equal"),
        ("compared", "the collectors whose looks were compared"),
        ("identity_equal", "same cluster and database; from postgres.identity"),
        ("restarted", "whether the server was started again between the looks"),
        ("catalogue_equal", "same definitions; from postgres.fingerprint"),
        ("acl_equal", "same owners, rights and default privileges"),
        ("memberships_equal", "same memberships of roles"),
        ("roles_equal", "same roles with the same attributes"),
        ("counts_equal", "same exact rows of every table; from postgres.counts or the fingerprint's counts"),
        ("objects_equal", "same names and kinds; from postgres.objects"),
        ("differences", "a list of: what, name, change (appeared, vanished, changed), before, after"),
        ("difference_count", "how many differences there are"),
        ("sessions", "how many sessions of this run asked that target"),
        ("sessions_read_only", "whether each was read-only at its start and at its end"),
        ("sessions_without_xid", "whether none was ever given a transaction id"),
        ("changed_by_us", "false when both of these hold; missing otherwise, since then it is not known"),
        (
            "moved_by_others",
            "whether transaction ids or tuple counters moved between the looks; from postgres.activity",
        ),
        (
            "moved",
            "a list of: what, name, before, after, by; `by` is `others`, or `not attributed` for the WAL \
                   position, which also moves by itself",
        ),
    ],
    example: "- id: untouched\n  uses: postgres.unchanged\n  with:\n    before: [identity-before, fingerprint-before]\n    \
              after: [identity-after, fingerprint-after]\n",
};

#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(String),
    Many(Vec<String>),
}

impl Ids {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(id) => vec![id],
            Self::Many(ids) => ids,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    before: Ids,
    after: Ids,
    #[serde(default = "most")]
    max_differences: usize,
}

fn most() -> usize {
    500
}

/// What can be compared, by collector.
const COMPARED: &[&str] =
    &["postgres.identity", "postgres.fingerprint", "postgres.counts", "postgres.activity", "postgres.objects"];

impl Collector for Unchanged {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { before, after, max_differences } = settings.decode()?;
        let (before, after) = (before.all(), after.all());
        let mut pairs = Vec::new();
        let later = kinds(settings, "after", &after)?;
        for (kind, _) in kinds(settings, "before", &before)? {
            let (a, b) = (of_kind(settings, "before", &before, &kind)?, of_kind(settings, "after", &after, &kind)?);
            let target = |id: &str| settings.case.collect.iter().find(|step| step.id == id).and_then(|s| s.on.clone());
            if target(&a) != target(&b) {
                return Err(SettingError::new(format!("with: `{a}` and `{b}` ask different targets")));
            }
            let target = target(&a).unwrap_or_default();
            pairs.push(Pair { kind, before: a, after: b, target });
        }
        for (kind, id) in later {
            if !pairs.iter().any(|pair| pair.kind == kind) {
                return Err(SettingError::new(format!("with: after: `{id}` has no {kind} before it to compare with")));
            }
        }
        match pairs.first().map(|first| pairs.iter().all(|pair| pair.target == first.target)) {
            Some(true) => Ok(Box::new(Look { pairs, most: max_differences })),
            Some(false) => {
                Err(SettingError::new("with: before: names facts of several targets: compare one at a time"))
            }
            None => Err(SettingError::new("with: before: names no fact to compare")),
        }
    }
}

/// The collectors of `ids`, each of which must stand before this step in the case.
fn kinds(settings: &Settings<'_>, key: &str, ids: &[String]) -> Result<Vec<(String, String)>, SettingError> {
    let earlier = settings.case.collect.iter().take_while(|step| step.id != settings.step.id);
    let earlier: Vec<_> = earlier.collect();
    let mut kinds = Vec::new();
    for id in ids {
        let step = earlier.iter().find(|step| &step.id == id);
        let step = step.ok_or_else(|| SettingError::new(format!("with: {key}: no step `{id}` before this one")))?;
        if !COMPARED.contains(&step.uses.as_str()) {
            let message = format!("with: {key}: `{id}` uses {}; comparable are {}", step.uses, COMPARED.join(", "));
            return Err(SettingError::new(message));
        }
        kinds.push((step.uses.clone(), id.clone()));
    }
    Ok(kinds)
}

fn of_kind(settings: &Settings<'_>, key: &str, ids: &[String], kind: &str) -> Result<String, SettingError> {
    let fits = |id: &&String| settings.case.collect.iter().any(|step| step.id == **id && step.uses == kind);
    let found: Vec<&String> = ids.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(SettingError::new(format!("with: {key}: names no {kind} to compare with"))),
        _ => Err(SettingError::new(format!("with: {key}: names two facts of {kind}"))),
    }
}

struct Pair {
    kind: String,
    before: String,
    after: String,
    target: String,
}

struct Look {
    pairs: Vec<Pair>,
    most: usize,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        let what = |pair: &Pair| format!("compare `{}` with `{}` ({})", pair.before, pair.after, pair.kind);
        self.pairs.iter().map(|pair| Action::new(Verb::State, what(pair))).collect()
    }

    fn basis(&self) -> Basis {
        Basis::Derived
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.compare(surroundings.facts))
    }
}

/// What has been compared so far.
#[derive(Default)]
struct Tally {
    differences: Vec<Map>,
    moved: Vec<Map>,
    verdicts: BTreeMap<&'static str, Result<bool, Absence>>,
}

impl Look {
    fn compare(&self, facts: &[Fact]) -> Observation {
        let target = self.pairs.first().map_or("", |pair| pair.target.as_str());
        let mut seen = Observation::of(format!("facts about `{target}`"));
        let find = |id: &str| facts.iter().find(|fact| fact.id == id);
        let mut tally = Tally::default();
        let mut compared = Vec::new();
        for pair in &self.pairs {
            seen.how.push(format!("`{}` beside `{}`", pair.before, pair.after));
            if let (Some(before), Some(after)) = (find(&pair.before), find(&pair.after)) {
                compared.push(pair.kind.clone());
                tally.pair(&pair.kind, before, after, &mut seen);
            }
        }
        seen.set("compared", compared);
        sessions(facts, target, &mut seen);
        self.tell(tally, &mut seen);
        crate::collect::subject::miss_the_rest(&mut seen, &DOC, &not_compared());
        seen
    }

    fn tell(&self, tally: Tally, seen: &mut Observation) {
        let differs = tally.verdicts.values().any(|verdict| verdict == &Ok(false));
        let unknown = tally.verdicts.values().find_map(|verdict| verdict.clone().err());
        match unknown {
            // A difference that was seen weighs more than one that could not be looked for.
            _ if differs => seen.set("unchanged", false),
            Some(absence) => seen.miss("unchanged", absence),
            None if tally.verdicts.is_empty() => seen.miss("unchanged", not_compared()),
            None => seen.set("unchanged", true),
        }
        for (name, verdict) in tally.verdicts {
            put(name, verdict, seen);
        }
        seen.set("difference_count", tally.differences.len());
        let listed = tally.differences.into_iter().take(self.most).map(Value::Map);
        seen.set("differences", listed.collect::<Vec<_>>());
        if seen.values.contains_key("moved_by_others") {
            let listed = tally.moved.into_iter().take(self.most).map(Value::Map);
            seen.set("moved", listed.collect::<Vec<_>>());
        }
    }
}

fn put(name: &str, verdict: Result<bool, Absence>, seen: &mut Observation) {
    match verdict {
        Ok(holds) => seen.set(name, holds),
        Err(absence) => seen.miss(name, absence),
    }
}

fn not_compared() -> Absence {
    Absence::new(Reason::NotApplicable, "the facts that this follows from were not among those compared")
}

impl Tally {
    /// Two looks at one thing: false when one says so, known only when both know.
    fn verdict(&mut self, name: &'static str, verdict: Result<bool, Absence>) {
        let both = match (self.verdicts.remove(name), verdict) {
            (None, new) => new,
            (Some(Ok(false)), _) | (_, Ok(false)) => Ok(false),
            (Some(Err(absence)), _) | (_, Err(absence)) => Err(absence),
            (Some(Ok(true)), Ok(true)) => Ok(true),
        };
        self.verdicts.insert(name, both);
    }

    fn pair(&mut self, kind: &str, before: &Fact, after: &Fact, seen: &mut Observation) {
        match kind {
            "postgres.identity" => self.identity(before, after, seen),
            "postgres.fingerprint" => self.fingerprint(before, after),
            "postgres.counts" => self.counts(before, after),
            "postgres.activity" => self.activity(before, after, seen),
            _ => self.objects(before, after),
        }
    }

    fn identity(&mut self, before: &Fact, after: &Fact, seen: &mut Observation) {
        let verdict = equal(before, after, &["system_identifier", "database"], &mut self.differences);
        self.verdict("identity_equal", verdict);
        match both(before, after, "postmaster_started_at") {
            Ok((a, b)) => seen.set("restarted", a != b),
            Err(absence) => seen.miss("restarted", absence),
        }
    }

    fn fingerprint(&mut self, before: &Fact, after: &Fact) {
        if before.at("covers") != after.at("covers") {
            let absence = Absence::new(Reason::NotApplicable, "the two fingerprints do not cover the same");
            return self.verdict("catalogue_equal", Err(absence));
        }
        let mut unnamed = Vec::new();
        for (name, path) in [
            ("catalogue_equal", "catalogue_sha256"),
            ("acl_equal", "acl_sha256"),
            ("memberships_equal", "memberships_sha256"),
            ("roles_equal", "roles_sha256"),
        ] {
            self.verdict(name, equal(before, after, &[path], &mut unnamed));
        }
        if before.at("counts_sha256").is_some_and(|value| value.is_ok()) {
            let verdict = equal(before, after, &["counts_sha256"], &mut unnamed);
            self.verdict("counts_equal", verdict);
        }
        let keys = ["part", "schema", "kind", "name"];
        let (old, new) = lists(before, after, "entries", &keys);
        let named = differing(&old, &new, "sha256");
        for (key, a, b) in &named {
            let [part, schema, kind, name] = key.as_slice() else { continue };
            let place = if schema.is_empty() { name.clone() } else { format!("{schema}.{name}") };
            self.differences.push(difference(&format!("{part}: {kind}"), &place, *a, *b));
        }
        let cut = |fact: &Fact| fact.at("entries_cut") == Some(Ok(&Value::Bool(true)));
        // Beyond the listed entries only the digests tell.
        if named.is_empty() || cut(before) || cut(after) {
            self.differences.append(&mut unnamed);
        }
    }

    fn counts(&mut self, before: &Fact, after: &Fact) {
        let exact = [before, after].into_iter().find_map(|fact| match known(fact, "method") {
            Ok(method) if method.as_text() == Some("exact") => None,
            Ok(_) => Some(Absence::new(Reason::NotApplicable, format!("`{}` is an estimate, no count", fact.id))),
            Err(absence) => Some(absence),
        });
        if let Some(absence) = exact {
            return self.verdict("counts_equal", Err(absence));
        }
        let keys = ["schema", "table"];
        let (old, new) = lists(before, after, "tables", &keys);
        let differing = differing(&old, &new, "rows");
        for (key, a, b) in &differing {
            self.differences.push(difference("rows", &key.join("."), *a, *b));
        }
        let verdict = match both(before, after, "counts_sha256") {
            _ if !differing.is_empty() => Ok(false),
            Ok((a, b)) => Ok(a == b),
            Err(absence) => Err(absence),
        };
        self.verdict("counts_equal", verdict);
    }

    fn objects(&mut self, before: &Fact, after: &Fact) {
        let keys = ["schema", "kind", "name"];
        let (old, new) = lists(before, after, "objects", &keys);
        let named = differing(&old, &new, "name");
        for (key, a, b) in &named {
            self.differences.push(difference("object", &key.join(" "), *a, *b));
        }
        let verdict = both(before, after, "object_count").map(|(a, b)| a == b && named.is_empty());
        self.verdict("objects_equal", verdict);
    }

    fn activity(&mut self, before: &Fact, after: &Fact, seen: &mut Observation) {
        let mut by_others = false;
        for path in ["next_xid", "database.tup_inserted", "database.tup_updated", "database.tup_deleted", "lsn_bytes"] {
            match both(before, after, path) {
                Ok((a, b)) if a != b => {
                    // Checkpoints, background writing and a reader's tidying move the WAL as well.
                    let ours = path == "lsn_bytes";
                    by_others |= !ours;
                    self.move_row("cluster", path, (Some(a), Some(b)), if ours { "not attributed" } else { "others" });
                }
                Ok(_) => {}
                Err(absence) => return seen.miss("moved_by_others", absence),
            }
        }
        let keys = ["schema", "table"];
        let (old, new) = lists(before, after, "tables", &keys);
        for value in ["inserted", "updated", "deleted"] {
            for (key, a, b) in differing(&old, &new, value) {
                by_others = true;
                self.move_row(&format!("tuples {value}"), &key.join("."), (a, b), "others");
            }
        }
        let keys = ["schema", "sequence"];
        let (old, new) = lists(before, after, "sequences", &keys);
        for (key, a, b) in differing(&old, &new, "last_value") {
            by_others = true;
            self.move_row("sequence", &key.join("."), (a, b), "others");
        }
        seen.set("moved_by_others", by_others);
    }

    fn move_row(&mut self, what: &str, name: &str, sides: (Option<&Value>, Option<&Value>), by: &str) {
        let mut row = difference(what, name, sides.0, sides.1);
        row.remove("change");
        row.insert("by".to_owned(), by.into());
        self.moved.push(row);
    }
}

/// What every session of the run on that target says of itself.
fn sessions(facts: &[Fact], target: &str, seen: &mut Observation) {
    let asked: Vec<&Fact> = facts.iter().filter(|fact| fact.target.as_deref() == Some(target)).collect();
    seen.set("sessions", asked.len());
    let all = |paths: [&str; 2], wanted: bool| -> Result<bool, Absence> {
        let mut holds = true;
        for fact in &asked {
            for path in paths {
                holds &= known(fact, path)? == &Value::Bool(wanted);
            }
        }
        Ok(holds)
    };
    let read_only = all(["session.start.read_only", "session.read_only"], true);
    let without = all(["session.start.xid_assigned", "session.xid_assigned"], false);
    let unknown =
        "a session was not read-only throughout, or was given a transaction id: who changed what is not known";
    match (&read_only, &without) {
        (Ok(true), Ok(true)) => seen.set("changed_by_us", false),
        (Err(absence), _) | (_, Err(absence)) => seen.miss("changed_by_us", absence.clone()),
        _ => seen.miss("changed_by_us", Absence::new(Reason::Failed, unknown)),
    }
    put("sessions_read_only", read_only, seen);
    put("sessions_without_xid", without, seen);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, values: &str) -> Fact {
        let session =
            r#""session":{"read_only":true,"xid_assigned":false,"start":{"read_only":true,"xid_assigned":false}}"#;
        let json = format!(
            r#"{{"id":"{id}","uses":"postgres.identity","basis":"observed","target":"db","source":"s","observed_at":"t",
            "took_ms":1,"values":{{{session},{values}}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn compare(kind: &str, before: &Fact, after: &Fact) -> Observation {
        let pair = Pair { kind: kind.into(), before: "a".into(), after: "b".into(), target: "db".into() };
        Look { pairs: vec![pair], most: 500 }.compare(&[before.clone(), after.clone()])
    }

    const CLUSTER: &str = r#""system_identifier":"1","database":"app","postmaster_started_at":"x""#;

    #[test]
    fn another_cluster_is_not_the_same_however_alike() {
        let (a, b) = (fact("a", CLUSTER), fact("b", &CLUSTER.replace("\"1\"", "\"2\"")));
        let seen = compare("postgres.identity", &a, &b);
        assert_eq!(seen.values["identity_equal"], false.into());
        assert_eq!(seen.values["unchanged"], false.into());
        assert_eq!(seen.values["difference_count"], 1_u64.into());
        assert_eq!(compare("postgres.identity", &a, &fact("b", CLUSTER)).values["unchanged"], true.into());
    }

    #[test]
    fn a_session_that_could_have_written_leaves_it_open_who_changed_what() {
        let mut other = fact("b", CLUSTER);
        let Some(Value::Map(session)) = other.values.get_mut("session") else { panic!() };
        session.insert("xid_assigned".to_owned(), true.into());
        let seen = compare("postgres.identity", &fact("a", CLUSTER), &other);
        assert_eq!(seen.values["sessions_without_xid"], false.into());
        assert!(!seen.values.contains_key("changed_by_us") && seen.missing.contains_key("changed_by_us"));
        // A session that says nothing of itself is not taken for a read-only one.
        other.values.remove("session");
        let seen = compare("postgres.identity", &fact("a", CLUSTER), &other);
        assert!(seen.missing.contains_key("sessions_read_only") && seen.missing.contains_key("changed_by_us"));
    }

    #[test]
    fn what_was_cut_off_did_not_vanish() {
        let entry = |name: &str| format!(r#"{{"part":"p","schema":"s","kind":"k","name":"{name}","sha256":"1"}}"#);
        let print = |names: [&str; 2], digest: &str| {
            let digests: Vec<_> = ["catalogue", "acl", "memberships", "roles"]
                .map(|part| format!(r#""{part}_sha256":"{digest}""#))
                .to_vec();
            let entries = names.map(entry).join(",");
            format!(r#""covers":["x"],"entries_cut":true,"entries":[{entries}],{}"#, digests.join(","))
        };
        // `a` is new and pushed `c` out of the list of two.
        let (before, after) = (fact("a", &print(["b", "c"], "1")), fact("b", &print(["a", "b"], "2")));
        let seen = compare("postgres.fingerprint", &before, &after);
        let text = seen.values["differences"].to_string();
        assert!(text.contains("s.a") && text.contains("appeared") && !text.contains("vanished"), "{text}");
        assert!(text.contains("catalogue_sha256"), "{text}");
    }

    #[test]
    fn beyond_the_listed_entries_only_the_digest_tells() {
        let print = |digest: &str| {
            let digests: Vec<_> = ["catalogue", "acl", "memberships", "roles"]
                .map(|part| format!(r#""{part}_sha256":"{}""#, if part == "acl" { digest } else { "same" }))
                .to_vec();
            format!(r#""covers":["x"],"entries":[],{}"#, digests.join(","))
        };
        let seen = compare("postgres.fingerprint", &fact("a", &print("1")), &fact("b", &print("2")));
        assert_eq!(seen.values["acl_equal"], false.into());
        assert_eq!(seen.values["catalogue_equal"], true.into());
        assert_eq!(seen.values["difference_count"], 1_u64.into());
        let other = fact("b", &print("1").replace("[\"x\"]", "[\"y\"]"));
        let seen = compare("postgres.fingerprint", &fact("a", &print("1")), &other);
        assert!(seen.missing.contains_key("catalogue_equal") && seen.missing.contains_key("unchanged"));
    }
}
