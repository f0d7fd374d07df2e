//! The case: what one incident, blocker or verification wants to have looked at, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{ACTION, AFTER, Governed, Phase, SIDE_EFFECTS};
use super::policy::Condition;
use super::value::{self, Map};
use crate::base::quantity;

/// The most steps of a case: each is a fact, and a record of thousands is read by nobody.
const MOST_STEPS: usize = 1000;

/// `reports/<case>/case.yaml`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The case's name, the same as its folder's: lower-case letters, digits, `-`.
    pub case: String,
    /// One line for people.
    pub title: String,
    /// The template of the record, `templates/<name>.md.j2`.
    pub template: String,
    /// The policy to judge by, `policies/<name>.yaml`.
    pub policy: String,
    /// What the case looks at.
    #[serde(default)]
    pub scope: Vec<String>,
    /// What it must not do; printed as hard boundaries.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// Cases that must be closed first.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Who sits where: `executor`, `verifier`, `owner`, …
    #[serde(default, deserialize_with = "value::unique")]
    pub seats: BTreeMap<String, String>,
    /// The IANA time zone of the systems looked at, e.g. `Europe/Zurich`; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Systems that collectors ask, by name.
    #[serde(default, deserialize_with = "value::unique")]
    pub targets: BTreeMap<String, Target>,
    /// What to collect, in this order.
    pub collect: Vec<Step>,
    /// The one command that may change something; only `evidence run` starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Governed>,
    /// What seats propose; never executed by this program.
    #[serde(default)]
    pub proposals: Vec<Proposal>,
    /// Effects on other cases or systems, said by a seat.
    #[serde(default)]
    pub effects: Vec<Said>,
    /// What the next person must know or do, said by a seat.
    #[serde(default)]
    pub handoff: Vec<Said>,
    /// Items of the policy that somebody takes the responsibility for.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
    /// What seats suppose, with the conditions that speak for and against it.
    #[serde(default)]
    pub hypotheses: Vec<Hypothesis>,
    /// How old a good backup may be, and how long a restore may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objectives: Option<Objectives>,
}

/// Something a seat supposes. It is never shown as more than supported.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hypothesis {
    /// Its name, e.g. `H-1`.
    pub id: String,
    /// Who supposes it.
    pub seat: String,
    /// What is supposed.
    pub says: String,
    /// Each speaks for it when it holds.
    #[serde(default, rename = "for")]
    pub supports: Vec<Condition>,
    /// Each speaks against it when it holds.
    #[serde(default)]
    pub against: Vec<Condition>,
}

/// What a service has promised; durations such as `24h`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// Recovery point: how much time may be lost, so how old the last good backup may be.
    pub rpo: String,
    /// Recovery time: how long a restore may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto: Option<String>,
}

/// A system that collectors ask.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// How to reach its PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Postgres>,
    /// The identity guard: the system identifier expected, as text. Anything else aborts before
    /// the first query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sysid: Option<String>,
}

/// How to reach a PostgreSQL; the client there uses its own service files and passwords.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// `local`, `docker:NAME`, `podman:NAME`, `ssh:HOST` or `ssh:HOST/docker:NAME`.
    #[serde(default = "local")]
    pub via: String,
    /// Host or socket folder; the client's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Port; the client's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// User; the client's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Database; the client's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// `statement_timeout` of every session, e.g. `30s` (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<String>,
    /// `lock_timeout` of every session, e.g. `2s` (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_timeout: Option<String>,
}

fn local() -> String {
    "local".to_owned()
}

/// One thing to collect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The fact's name in this case: lower-case letters, digits, `-`, `_`.
    pub id: String,
    /// The collector.
    pub uses: String,
    /// The target to ask, for collectors that ask one. Also written `target:`, which every reader of
    /// YAML takes for the same word (those of YAML 1.1 take a bare `on` for `true`).
    #[serde(default, alias = "target", skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// When it is collected, in a case with an `action`: `before` it (the default), `after` it, or
    /// `both`, which gives two facts, `ID` and `ID-after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The collector's own settings; `evidence explain COLLECTOR` lists them.
    #[serde(default, deserialize_with = "value::unique", skip_serializing_if = "Map::is_empty")]
    pub with: Map,
}

/// Something a seat says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Who says it.
    pub seat: String,
    /// What is said.
    pub says: String,
}

/// A proposal: shown as not executed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Its name in the record.
    pub id: String,
    /// Who proposes it.
    pub seat: String,
    /// What is proposed and why.
    pub says: String,
    /// Commands that would carry it out.
    #[serde(default)]
    pub commands: Vec<String>,
}

/// An item of the policy that an owner answers for, until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The id of the check, criterion or checklist item.
    pub item: String,
    /// Why it is waived.
    pub reason: String,
    /// The seat that answers for it.
    pub owner: String,
    /// Until when: RFC 3339 with an offset.
    pub expires: String,
}

/// What is wrong with a case although its shape is right: the key, e.g. `collect[2].id`, and why.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {message}")]
pub struct CaseError {
    /// Where in the case.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Case {
    /// Checks what the types cannot: names, duplicate ids, seats and targets that are not there.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), CaseError> {
        check_name("case", &self.case)?;
        check_name("template", &self.template)?;
        check_name("policy", &self.policy)?;
        self.requires.iter().try_for_each(|name| check_name("requires", name))?;
        self.validate_zone()?;
        if self.facts().len() > MOST_STEPS {
            return Err(error("collect", &format!("more than {MOST_STEPS} steps; split the case")));
        }
        self.validate_steps()?;
        self.validate_action()?;
        let said = self.effects.iter().map(|s| ("effects", &s.seat));
        let handoff = self.handoff.iter().map(|s| ("handoff", &s.seat));
        let proposals = self.proposals.iter().map(|p| ("proposals", &p.seat));
        let owners = self.waivers.iter().map(|w| ("waivers", &w.owner));
        let supposed = self.hypotheses.iter().map(|h| ("hypotheses", &h.seat));
        let seats = said.chain(handoff).chain(proposals).chain(owners).chain(supposed);
        seats.into_iter().try_for_each(|(key, seat)| self.check_seat(key, seat))?;
        self.validate_hypotheses()?;
        self.validate_objectives()
    }

    fn validate_hypotheses(&self) -> Result<(), CaseError> {
        let mut ids = BTreeSet::new();
        for (index, hypothesis) in self.hypotheses.iter().enumerate() {
            let key = format!("hypotheses[{index}]");
            if hypothesis.id.trim().is_empty() || !ids.insert(&hypothesis.id) {
                return Err(error(&format!("{key}.id"), "needs an id of its own"));
            }
            if hypothesis.supports.is_empty() && hypothesis.against.is_empty() {
                return Err(error(
                    &key,
                    "needs at least one condition under `for` or `against`: nothing could test it",
                ));
            }
            let mut conditions = hypothesis.supports.iter().chain(&hypothesis.against);
            conditions.try_for_each(|c| c.validate(&hypothesis.id)).map_err(|e| error(&key, &e.to_string()))?;
        }
        Ok(())
    }

    fn validate_objectives(&self) -> Result<(), CaseError> {
        let Some(objectives) = &self.objectives else { return Ok(()) };
        for (key, text) in [("objectives.rpo", Some(&objectives.rpo)), ("objectives.rto", objectives.rto.as_ref())] {
            let seconds = text.map(|text| quantity::parse_seconds(text));
            if seconds.is_some_and(|seconds| !seconds.is_ok_and(|s| s > 0.0 && s < 3.2e9)) {
                return Err(error(key, "expected a duration such as `24h`"));
            }
        }
        Ok(())
    }

    /// Also when no step asks for it: the record prints the zone.
    fn validate_zone(&self) -> Result<(), CaseError> {
        match &self.zone {
            Some(zone) if zone.parse::<chrono_tz::Tz>().is_err() => {
                Err(error("zone", &format!("`{zone}` is no IANA time zone such as `Europe/Zurich`")))
            }
            _ => Ok(()),
        }
    }

    fn validate_steps(&self) -> Result<(), CaseError> {
        if self.collect.is_empty() {
            return Err(error("collect", "nothing to collect: add at least one step"));
        }
        let mut ids = BTreeSet::new();
        for (index, step) in self.collect.iter().enumerate() {
            let key = format!("collect[{index}]");
            check_name(&format!("{key}.id"), &step.id)?;
            if !ids.insert(&step.id) {
                return Err(error(&format!("{key}.id"), &format!("duplicate id `{}`: ids name facts", step.id)));
            }
            if let Some(target) = step.on.as_ref().filter(|t| !self.targets.contains_key(*t)) {
                return Err(error(&format!("{key}.on"), &format!("no target `{target}` under `targets:`")));
            }
        }
        Ok(())
    }

    fn validate_action(&self) -> Result<(), CaseError> {
        let Some(action) = &self.action else {
            let phased = self.collect.iter().position(|step| step.phase.is_some());
            return phased.map_or(Ok(()), |index| {
                Err(error(&format!("collect[{index}].phase"), "there is no `action` that it could be before or after"))
            });
        };
        action.validate()?;
        let mut ids = BTreeSet::new();
        for step in self.facts() {
            check_name("collect", &step.id)?;
            if !ids.insert(step.id.clone()) {
                let message = format!("the id `{}` is that of the action's own facts or of a second look", step.id);
                return Err(error("collect", &message));
            }
        }
        Ok(())
    }

    /// The steps to collect before the action; all of them when there is none.
    #[must_use]
    pub fn before(&self) -> Vec<Step> {
        self.collect.iter().filter(|step| step.phase != Some(Phase::After)).cloned().collect()
    }

    /// The steps to collect after the action; one that is collected twice has its second id here.
    #[must_use]
    pub fn after(&self) -> Vec<Step> {
        let after = self.collect.iter().filter_map(|step| match step.phase? {
            Phase::Before => None,
            Phase::After => Some(step.clone()),
            Phase::Both => Some(Step { id: format!("{}{AFTER}", step.id), ..step.clone() }),
        });
        after.collect()
    }

    /// What a run of this case holds, a step for each fact, in order: the looks before the action,
    /// the action, the looks after it, and what was different. The action's own two facts have their
    /// id as `uses`.
    #[must_use]
    pub fn facts(&self) -> Vec<Step> {
        let own = |id: &str| {
            let made = Step { id: id.to_owned(), uses: id.to_owned(), on: None, phase: None, with: Map::new() };
            self.action.is_some().then_some(made)
        };
        self.before().into_iter().chain(own(ACTION)).chain(self.after()).chain(own(SIDE_EFFECTS)).collect()
    }

    /// Checks that `seat` is one of the case's.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_seat(&self, key: &str, seat: &str) -> Result<(), CaseError> {
        if self.seats.contains_key(seat) {
            return Ok(());
        }
        Err(error(key, &format!("no seat `{seat}` under `seats:`: name who sits there")))
    }
}

fn error(key: &str, message: &str) -> CaseError {
    CaseError { key: key.to_owned(), message: message.to_owned() }
}

/// Names become file names and YAML keys: nothing in them may need quoting anywhere.
fn check_name(key: &str, name: &str) -> Result<(), CaseError> {
    if is_name(name) {
        return Ok(());
    }
    Err(error(key, "a name has lower-case letters, digits, `-` and `_`, begins with a letter, at most 64 characters"))
}

/// Whether `name` may name a case, fact, template or policy.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
