//! `objectives`: how old the last good backup is against what the case promises. Good is what the
//! examination of a `backup` step found, never what a name or a time of a file suggests; without one, the
//! age is not known and no window is met.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::base::{clock, quantity};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason, split_reference};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};

/// The collector.
pub struct ObjectivesCollector;

static DOC: Doc = Doc {
    name: "objectives",
    summary: "age of the last good backup against the case's recovery objectives",
    detail: "Takes the facts of earlier `backup` steps and finds the newest whose examination says `quality: good`; its time is \
             the `mtime` of the file, which a copy may have changed; one that was in the future when it was looked at is \
             no time. Entries of `files` steps are listed and never count as \
             good, because a listing examines nothing. `rpo_met` is false from the moment at which the age passed \
             `objectives.rpo`. Without a backup that is established to be good everything about the age is UNKNOWN. \
             `restore` names a measured duration of a restore (seconds); without one nothing is said of `objectives.rto`, \
             nor by a drill that did not restore all of a whole dump without an error.",
    needs_target: false,
    settings: &[
        Setting {
            name: "backups",
            kind: "list of text",
            required: true,
            meaning: "ids of earlier `backup` and `files` steps",
        },
        Setting {
            name: "restore",
            kind: "text",
            required: false,
            meaning: "a value of an earlier fact that is the duration of a restore in seconds, e.g. `drill.restore_seconds`",
        },
        Setting {
            name: "now",
            kind: "`run start`",
            required: false,
            meaning: "what ages are counted to; nothing else is allowed",
        },
    ],
    values: &[
        ("as_of", "what the age is counted to: the first look of this run, RFC 3339 UTC"),
        ("rpo_seconds", "the recovery point objective, in seconds"),
        ("rto_seconds", "the recovery time objective, in seconds"),
        ("last_good", "`fact`, `path`, `at` of the newest backup that was examined and found good"),
        ("age_seconds", "its age in seconds"),
        ("rpo_met", "whether its age is within the objective"),
        ("breached_since", "since when it is not, RFC 3339 UTC"),
        ("breached_seconds", "for how long, in seconds"),
        ("restore_seconds", "the measured duration of a restore, in seconds"),
        ("rto_met", "whether that is within the objective"),
        ("considered", "list of `fact`, `path`, `at`, `quality`: every backup that was looked at"),
    ],
    example: "- id: objectives\n  uses: objectives\n  with: { backups: [healthy, fresh] }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    backups: Vec<String>,
    restore: Option<String>,
    now: Option<String>,
}

struct Ready {
    backups: Vec<String>,
    restore: Option<String>,
    rpo: f64,
    rto: Option<f64>,
}

/// One backup as an earlier fact shows it.
struct Candidate {
    fact: String,
    path: String,
    at: Option<DateTime<Utc>>,
    quality: String,
}

impl Collector for ObjectivesCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let missing = || SettingError::new("the case has no `objectives: { rpo: 24h, rto: 4h }`");
        let objectives = settings.case.objectives.as_ref().ok_or_else(missing)?;
        if with.now.as_deref().is_some_and(|now| now != "run start") {
            return Err(SettingError::new("with: now: only `run start`; an age counts to the look, not to a wish"));
        }
        if with.backups.is_empty() {
            return Err(SettingError::new("with: backups: name at least one earlier `backup` or `files` step"));
        }
        let backups = with.backups.iter().map(|backup| ("backups", backup));
        for (key, reference) in backups.chain(with.restore.iter().map(|restore| ("restore", restore))) {
            settings.earlier_step(key, split_reference(reference).0)?;
        }
        let seconds =
            |text: &str| quantity::parse_seconds(text).map_err(|e| SettingError::new(format!("objectives: {e}")));
        let rto = objectives.rto.as_deref().map(seconds).transpose()?;
        Ok(Box::new(Ready { backups: with.backups, restore: with.restore, rpo: seconds(&objectives.rpo)?, rto }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn basis(&self) -> Basis {
        Basis::Derived
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let first = surroundings.facts.first().and_then(|fact| instant(&fact.observed_at));
        let as_of = first.unwrap_or_else(clock::now);
        let mut seen = Observation::of(self.backups.join(", ")).read_by(self.how());
        seen.set("as_of", clock::stamp(as_of));
        put(&mut seen, "rpo_seconds", self.rpo);
        let candidates: Vec<Candidate> =
            self.backups.iter().flat_map(|id| candidates(id, surroundings.facts)).collect();
        self.points(&candidates, as_of, &mut seen);
        self.times(surroundings.facts, &mut seen);
        seen.set("considered", Value::List(candidates.iter().map(row).collect()));
        Raw::new(seen)
    }
}

impl Ready {
    fn how(&self) -> String {
        format!("the facts {}: the newest that is good by examination", self.backups.join(", "))
    }

    fn points(&self, candidates: &[Candidate], as_of: DateTime<Utc>, seen: &mut Observation) {
        let good = candidates.iter().filter(|c| c.quality == "good").filter_map(|c| Some((c, c.at?)));
        let Some((best, at)) = good.max_by_key(|(_, at)| *at) else {
            let message = "none of these backups is established to be good, with a time that is not in the future";
            let why = Absence::new(Reason::Unavailable, message);
            for name in ["last_good", "age_seconds", "rpo_met", "breached_since", "breached_seconds"] {
                seen.miss(name, why.clone());
            }
            return;
        };
        // A backup that the run itself made is younger than the run, and no younger than none.
        #[expect(clippy::cast_precision_loss, reason = "centuries in milliseconds are exact")]
        let age = (as_of - at).num_milliseconds().max(0) as f64 / 1000.0;
        seen.set("last_good", row(best));
        put(seen, "age_seconds", age);
        seen.set("rpo_met", age <= self.rpo);
        if age <= self.rpo {
            let why = Absence::new(Reason::NotApplicable, "the objective is met");
            seen.miss("breached_since", why.clone());
            seen.miss("breached_seconds", why);
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most a hundred years")]
        let since = at + chrono::Duration::milliseconds((self.rpo * 1000.0) as i64);
        seen.set("breached_since", clock::stamp(since));
        put(seen, "breached_seconds", age - self.rpo);
    }

    fn times(&self, facts: &[Fact], seen: &mut Observation) {
        let not_asked = |what: &str| Absence::new(Reason::NotApplicable, what);
        let Some(rto) = self.rto else {
            for name in ["rto_seconds", "restore_seconds", "rto_met"] {
                seen.miss(name, not_asked("the case names no `rto`"));
            }
            return;
        };
        put(seen, "rto_seconds", rto);
        let measured = self.restore.as_deref().map_or_else(
            || Err(Absence::new(Reason::Unavailable, "no restore was measured: `restore:` names no fact")),
            |reference| number(reference, facts),
        );
        match measured {
            Ok(took) => {
                put(seen, "restore_seconds", took);
                seen.set("rto_met", took <= rto);
            }
            Err(why) => {
                seen.miss("restore_seconds", why.clone());
                seen.miss("rto_met", why);
            }
        }
    }
}

fn put(seen: &mut Observation, name: &str, number: f64) {
    if let Some(value) = Value::real((number * 1000.0).round() / 1000.0) {
        seen.set(name, value);
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

fn number(reference: &str, facts: &[Fact]) -> Result<f64, Absence> {
    let (id, path) = split_reference(reference);
    let gone = || Absence::new(Reason::Unavailable, format!("fact {id}: is not in this run"));
    let fact = facts.iter().find(|fact| fact.id == id).ok_or_else(gone)?;
    whole_restore(fact)?;
    match fact.at(path) {
        #[expect(clippy::cast_precision_loss, reason = "values hold at most 2^53 - 1")]
        Some(Ok(Value::Int(number))) => Ok(*number as f64),
        Some(Ok(Value::Real(number))) => Ok(*number),
        Some(Err(absence)) => Err(absence.clone()),
        _ => Err(Absence::new(Reason::Unparsable, format!("fact {id}: shows no number of seconds at `{path}`"))),
    }
}

/// Half a dump is restored sooner, and so is one that the client gave up.
fn whole_restore(fact: &Fact) -> Result<(), Absence> {
    if fact.uses != "restore.drill" || fact.absence.is_some() {
        return Ok(());
    }
    let wanted = [("complete", true.into()), ("exit_code", Value::Int(0)), ("mode", "full".into())];
    match wanted.iter().find(|(path, value)| fact.at(path) != Some(Ok(value))) {
        None => Ok(()),
        Some((path, _)) => {
            let why = format!("fact {}: is no restore of a whole dump without an error: see `{path}`", fact.id);
            Err(Absence::new(Reason::Unavailable, why))
        }
    }
}

fn candidates(id: &str, facts: &[Fact]) -> Vec<Candidate> {
    let unknown = |quality: String| vec![Candidate { fact: id.to_owned(), path: String::new(), at: None, quality }];
    let Some(fact) = facts.iter().find(|fact| fact.id == id) else { return unknown("not in this run".to_owned()) };
    if let Some(absence) = &fact.absence {
        return unknown(format!("not seen: {}", absence.reason.word()));
    }
    let text = |path: &str| match fact.at(path) {
        Some(Ok(Value::Text(text))) => Some(text.clone()),
        _ => None,
    };
    if let Some(Ok(Value::List(entries))) = fact.at("entries") {
        return entries.iter().map(|entry| listed(id, entry)).collect();
    }
    let mut quality = text("quality").unwrap_or_else(|| "not examined".to_owned());
    let at = text("mtime").as_deref().and_then(instant);
    if at > instant(&fact.observed_at) {
        quality.push_str(", but its time was in the future");
    }
    vec![Candidate { fact: id.to_owned(), path: text("path").unwrap_or_else(|| fact.source.clone()), at, quality }]
}

fn listed(id: &str, entry: &Value) -> Candidate {
    let text = |path: &str| entry.at(path).and_then(Value::as_text).map(str::to_owned);
    let at = text("mtime").as_deref().and_then(instant);
    Candidate { fact: id.to_owned(), path: text("path").unwrap_or_default(), at, quality: "not examined".to_owned() }
}

fn row(candidate: &Candidate) -> Value {
    let mut row = Map::new();
    row.insert("fact".into(), candidate.fact.as_str().into());
    row.insert("path".into(), candidate.path.as_str().into());
    row.insert("quality".into(), candidate.quality.as_str().into());
    if let Some(at) = candidate.at {
        row.insert("at".into(), clock::stamp(at).into());
    }
    row.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::testing::Silent;
    use super::*;
    use crate::base::yaml;
    use crate::model::case::Case;

    fn backup(id: &str, quality: &str, mtime: &str) -> Fact {
        let mut values = Map::new();
        values.insert("quality".into(), quality.into());
        values.insert("mtime".into(), mtime.into());
        values.insert("path".into(), format!("/srv/{id}").into());
        Fact {
            id: id.into(),
            uses: "backup".into(),
            basis: Basis::Observed,
            target: None,
            source: format!("/srv/{id}"),
            how: Vec::new(),
            observed_at: "2026-05-16T10:00:00Z".into(),
            took_ms: 1,
            values,
            missing: BTreeMap::new(),
            absence: None,
            artifacts: Vec::new(),
            masked: BTreeMap::new(),
        }
    }

    fn case(with: &str) -> Case {
        let text = format!(
            "case: c\ntitle: t\ntemplate: t\npolicy: p\nobjectives: {{ rpo: 24h, rto: 4h }}\ncollect:\n  - {{ id: old, uses: backup, with: {{ path: /a }} }}\n  - {{ id: new, uses: backup, with: {{ path: /b }} }}\n  - id: it\n    uses: objectives\n    with: {with}\n"
        );
        yaml::decode(Path::new("case.yaml"), text.as_bytes()).unwrap()
    }

    fn see(with: &str, facts: &[Fact]) -> Observation {
        let case = case(with);
        let settings = Settings { case: &case, step: &case.collect[2], folder: Path::new("/"), commands: &[] };
        let ready = ObjectivesCollector.prepare(&settings).unwrap();
        let surroundings = Surroundings {
            scratch: Path::new("/"),
            facts,
            progress: &Silent,
            kernel: crate::collect::Kernel::NONE,
            arguments: &[],
        };
        let mut out = None;
        let _ = ready.look(&surroundings).map(|seen| out = Some(seen));
        out.unwrap()
    }

    #[test]
    fn the_newest_good_one_counts_and_not_the_newest() {
        let facts = [backup("old", "good", "2026-05-14T04:00:00Z"), backup("new", "bad", "2026-05-16T04:00:00Z")];
        let seen = see("{ backups: [old, new] }", &facts);
        assert_eq!(seen.values["last_good"].at("fact"), Some(&"old".into()));
        assert_eq!(seen.values["age_seconds"], Value::Int(54 * 3600));
        assert_eq!(seen.values["rpo_met"], false.into());
        assert_eq!(seen.values["breached_since"], "2026-05-15T04:00:00.000000000Z".into());
        assert_eq!(seen.values["breached_seconds"], Value::Int(30 * 3600));
        assert_eq!(seen.missing["rto_met"].reason, Reason::Unavailable);
    }

    #[test]
    fn a_time_in_the_future_is_no_age() {
        let seen = see("{ backups: [new] }", &[backup("new", "good", "2031-01-01T00:00:00Z")]);
        assert_eq!(seen.missing["rpo_met"].reason, Reason::Unavailable);
        assert!(seen.missing["age_seconds"].message.contains("future"));
        // Made by the action of this run: later than its first look, and not in the future when looked at.
        let mut made = backup("new", "good", "2026-05-16T10:05:00Z");
        made.observed_at = "2026-05-16T10:06:00Z".into();
        let seen = see("{ backups: [old, new] }", &[backup("old", "good", "2026-05-15T10:00:00Z"), made]);
        assert_eq!((seen.values["age_seconds"].clone(), seen.values["rpo_met"].clone()), (Value::Int(0), true.into()));
    }

    #[test]
    fn half_a_restore_meets_no_objective() {
        let drill = |complete: bool, exit: i64, mode: &str| {
            let mut fact = backup("old", "good", "2026-05-15T10:00:00Z");
            fact.uses = "restore.drill".into();
            for (name, value) in [
                ("complete", complete.into()),
                ("exit_code", exit.into()),
                ("mode", mode.into()),
                ("took", 9_i64.into()),
            ] {
                fact.values.insert(name.to_owned(), value);
            }
            see("{ backups: [new], restore: old.took }", &[fact])
        };
        assert_eq!(drill(true, 0, "full").values["rto_met"], true.into());
        for (complete, exit, mode) in [(false, 0, "full"), (true, 1, "full"), (true, 0, "schema")] {
            assert_eq!(drill(complete, exit, mode).missing["rto_met"].reason, Reason::Unavailable);
        }
    }

    #[test]
    fn without_a_good_one_nothing_is_known() {
        let seen = see("{ backups: [old, new] }", &[backup("new", "bad", "2026-05-16T04:00:00Z")]);
        assert_eq!(seen.missing["age_seconds"].reason, Reason::Unavailable);
        assert!(seen.missing["rpo_met"].reason.hides() && !seen.values.contains_key("rpo_met"));
        let good = see("{ backups: [new] }", &[backup("new", "good", "2026-05-16T04:00:00Z")]);
        assert_eq!(
            (good.values["rpo_met"].clone(), good.missing["breached_since"].reason),
            (true.into(), Reason::NotApplicable)
        );
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let error = |with: &str| {
            let case = case(with);
            let settings = Settings { case: &case, step: &case.collect[2], folder: Path::new("/"), commands: &[] };
            ObjectivesCollector.prepare(&settings).err().map(|e| e.message).unwrap_or_default()
        };
        assert!(error("{ backups: [olds] }").contains("did you mean `old`"));
        assert!(error("{ backups: [] }").contains("at least one"));
        assert!(error("{ backups: [old], now: '2020-01-01T00:00:00Z' }").contains("run start"));
    }
}
