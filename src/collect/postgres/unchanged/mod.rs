//! `postgres.unchanged`: a derivation over the looks before and after. It says what is equal, names
//! what is not, and holds what we did (nothing, by our sessions' own account) apart from what
//! others did meanwhile.

mod compare;
mod doc;
mod tally;

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use compare::known;
use doc::DOC;
use tally::Tally;

/// The collector.
pub struct Unchanged;

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
            if a == b {
                let message =
                    format!("with: before and after both name `{a}`: a fact compared with itself is always equal");
                return Err(SettingError::new(message));
            }
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
    let mut kinds = Vec::new();
    for id in ids {
        let step = settings.earlier_step(key, id)?;
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
        let what =
            |pair: &Pair| format!("the facts `{}` and `{}` of this run ({})", pair.before, pair.after, pair.kind);
        self.pairs.iter().map(|pair| Action::new(Verb::Read, what(pair))).collect()
    }

    fn basis(&self) -> Basis {
        Basis::Derived
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.compare(surroundings.facts))
    }
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
        match unknown.clone() {
            // A difference that was seen weighs more than one that could not be looked for.
            _ if differs => seen.set("unchanged", false),
            Some(absence) => seen.miss("unchanged", absence),
            None if tally.verdicts.is_empty() => seen.miss("unchanged", not_compared()),
            None => seen.set("unchanged", true),
        }
        for (name, verdict) in tally.verdicts {
            put(name, verdict, seen);
        }
        let not_compared = seen.missing.get("unchanged").cloned();
        let unknown = unknown.or(not_compared);
        seen.set("differences_cut", unknown.is_some() || tally.differences.len() > self.most);
        match unknown {
            Some(why) => seen.miss("difference_count", why),
            None => seen.set("difference_count", tally.differences.len()),
        }
        let listed = tally.differences.into_iter().take(self.most).map(Value::Map);
        seen.set("differences", listed.collect::<Vec<_>>());
        if seen.values.contains_key("moved_by_others") {
            seen.set("moved_cut", tally.moved.len() > self.most);
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
