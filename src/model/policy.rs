//! The policy: typed operators over facts, not a language. An auditor can read it, and null or
//! mixed types cannot pass by accident, because an operator that does not fit is UNKNOWN.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::quantity;

use super::allow::AllowedCommand;
use super::case::is_name;
use super::value::{self, Value};

/// `policies/<name>.yaml`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The policy's name, the same as its file's.
    pub policy: String,
    /// One line for people.
    #[serde(default)]
    pub title: String,
    /// Conditions that, unless established to hold, halt what follows.
    #[serde(default)]
    pub hard_stops: Vec<HardStop>,
    /// Conditions that must hold.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Conditions of closure.
    #[serde(default)]
    pub criteria: Vec<Check>,
    /// Messages that are known and accepted, by name: for `only_exceptions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// Compliance: each item observed, or stated by a seat.
    #[serde(default)]
    pub checklist: Vec<ChecklistItem>,
    /// Read-only commands that a case may run with the collector `command`; no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<AllowedCommand>,
    /// How long a verdict by this policy stands, e.g. `30d`; then `evidence status` shows it as stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,
    /// Who must sign before the case counts as closed; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Signatures>,
    /// The policy's own proof: facts under which it passes, fails and does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<Examples>,
}

/// Who must sign a run before its case counts as closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    /// The seats whose signatures are needed, e.g. `[executor, verifier]`.
    pub seats: Vec<String>,
    /// Pairs of those seats that must be different people with different keys.
    #[serde(default)]
    pub different: Vec<[String; 2]>,
}

/// A message that is known and accepted, with its reason and how often it is expected.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its name, as `only_exceptions` lists it.
    pub id: String,
    /// A regular expression that is found in the message's text.
    pub pattern: String,
    /// Why it is accepted.
    pub reason: String,
    /// How often it may occur at most.
    pub expected: u64,
}

/// A hard stop.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardStop {
    /// Its name, e.g. `HS-5`.
    pub id: String,
    /// What it means when it fires.
    pub title: String,
    /// What must be established, or it fires.
    pub unless: Condition,
    /// What it halts.
    #[serde(default)]
    pub halts: Halts,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What a hard stop halts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Halts {
    /// Every collector after it, and the governed action.
    #[default]
    Everything,
    /// The governed action only.
    Mutating,
}

/// A check or criterion.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name, e.g. `V4-2`.
    pub id: String,
    /// What it checks.
    pub title: String,
    /// What must hold.
    pub require: Condition,
    /// What makes a pass worthless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misleading_if: Option<Condition>,
    /// Why it matters, or why a pass would mislead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// An item of the compliance checklist: exactly one of `require` and `statement`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// Its name.
    pub id: String,
    /// What it asks.
    pub title: String,
    /// Observed: what must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Condition>,
    /// Stated: the seat that must have said so, in a `statement` collector whose `answers` is this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The command that would tell the seat what to state; never run by this program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<String>,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Facts under which a policy has a known outcome, as `reference: value`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Every item passes.
    #[serde(default, deserialize_with = "value::unique")]
    pub passes: BTreeMap<String, Value>,
    /// At least one item fails.
    #[serde(default, deserialize_with = "value::unique")]
    pub fails: BTreeMap<String, Value>,
    /// At least one item is unknown and none fails.
    #[serde(default, deserialize_with = "value::unique")]
    pub unknown: BTreeMap<String, Value>,
}

/// A condition: a fact with exactly one operator, or `all`, `any`, `not`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Every one must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Condition>>,
    /// At least one must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Condition>>,
    /// It must be established not to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    /// The fact and path, e.g. `fresh.gzip.valid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// The value is the same, type included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// The value is of the same type and differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Value>,
    /// The number is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Amount>,
    /// The number is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Amount>,
    /// The number is more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_than: Option<Amount>,
    /// The number is less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less_than: Option<Amount>,
    /// The number is between these two, both included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<[Amount; 2]>,
    /// The value is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// The text contains this text, or the list this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<Value>,
    /// The text matches this regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// `true`: there is a value. (`false` is written as `absent: true`.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// `true`: it was looked for and is established not to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<bool>,
    /// The instant lies longer than this before the run began, e.g. `30h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than: Option<String>,
    /// The instant lies less than this before the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub younger_than: Option<String>,
    /// The value is the same as that of another fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// The number of entries of the list or map fulfils this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
    /// Every message of the list is one of these named exceptions of the policy, and none of them
    /// occurs more often than it is expected to; with none named, the list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_exceptions: Option<Vec<String>>,
}

/// A bound on a number of entries; exactly one of the three.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Exactly this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<u64>,
    /// At least this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// At most this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

/// What a number is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number, a quantity such as `1 MB` or `60m`, or `{ share: 0.5, of: FACT }`")]
pub enum Amount {
    /// A bare number.
    Number(f64),
    /// A quantity such as `1 MB` or `60m`.
    Quantity(String),
    /// A share of another fact's number.
    Share(Share),
}

/// A share of another fact's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The factor, e.g. `0.5`.
    pub share: f64,
    /// The other fact and path.
    pub of: String,
}

/// What is wrong with a policy although its shape is right.
#[derive(Debug, thiserror::Error)]
#[error("{item}: {message}")]
pub struct PolicyError {
    /// The item's id, or the key.
    pub item: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Policy {
    /// Every item's id and conditions, in order.
    pub fn items(&self) -> impl Iterator<Item = (&str, Vec<&Condition>)> {
        let stops = self.hard_stops.iter().map(|h| (h.id.as_str(), vec![&h.unless]));
        let checks = self.checks.iter().chain(&self.criteria);
        let checks = checks.map(|c| (c.id.as_str(), std::iter::once(&c.require).chain(&c.misleading_if).collect()));
        let list = self.checklist.iter().map(|i| (i.id.as_str(), i.require.iter().collect()));
        stops.chain(checks).chain(list)
    }

    /// How long a verdict stands, in seconds, if the policy says so.
    #[must_use]
    pub fn max_age_seconds(&self) -> Option<f64> {
        quantity::parse_seconds(self.max_age.as_deref()?).ok()
    }

    /// Checks what the types cannot: names, duplicate ids, something to judge, one operator each.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), PolicyError> {
        if !is_name(&self.policy) {
            return Err(wrong("policy", "a name has lower-case letters, digits, `-` and `_`"));
        }
        if self.items().next().is_none() {
            return Err(wrong(&self.policy, "nothing to judge: add hard_stops, checks, criteria or a checklist"));
        }
        if self.max_age.is_some() && self.max_age_seconds().is_none() {
            return Err(wrong("max_age", "expected a duration such as `30d`"));
        }
        let mut ids = BTreeSet::new();
        for (id, conditions) in self.items() {
            if !ids.insert(id) {
                return Err(wrong(id, "duplicate id"));
            }
            conditions.into_iter().try_for_each(|c| c.validate(id).and_then(|()| self.knows_exceptions(id, c)))?;
        }
        self.validate_commands(&mut ids)?;
        self.signatures.as_ref().map_or(Ok(()), Signatures::validate)?;
        self.validate_exceptions()?;
        self.validate_checklist()
    }

    fn validate_checklist(&self) -> Result<(), PolicyError> {
        match self.checklist.iter().find(|i| i.require.is_some() == i.statement.is_some()) {
            Some(item) => Err(wrong(&item.id, "needs exactly one of `require` and `statement`")),
            None => Ok(()),
        }
    }

    fn validate_commands<'a>(&'a self, ids: &mut BTreeSet<&'a str>) -> Result<(), PolicyError> {
        for command in &self.commands {
            if !ids.insert(&command.id) {
                return Err(wrong(&command.id, "duplicate id"));
            }
            if let Some(fault) = command.fault() {
                return Err(wrong(&command.id, &format!("commands: {fault}")));
            }
        }
        Ok(())
    }

    fn validate_exceptions(&self) -> Result<(), PolicyError> {
        let mut ids = BTreeSet::new();
        for exception in &self.exceptions {
            if !ids.insert(&exception.id) {
                return Err(wrong(&exception.id, "duplicate id of an exception"));
            }
            if exception.reason.trim().is_empty() {
                return Err(wrong(&exception.id, "an exception needs a `reason`"));
            }
        }
        Ok(())
    }

    /// Every exception that the condition or a part of it names is one of the policy's.
    fn knows_exceptions(&self, item: &str, condition: &Condition) -> Result<(), PolicyError> {
        let known = |id: &String| self.exceptions.iter().any(|exception| exception.id == *id);
        if let Some(id) = condition.only_exceptions.iter().flatten().find(|id| !known(id)) {
            return Err(wrong(item, &format!("names the exception `{id}`, which is not under `exceptions:`")));
        }
        condition.parts().try_for_each(|part| self.knows_exceptions(item, part))
    }
}

impl Signatures {
    fn validate(&self) -> Result<(), PolicyError> {
        if self.seats.is_empty() {
            return Err(wrong("signatures", "no seat must sign: name some under `seats`, or leave `signatures` out"));
        }
        let mut seen = BTreeSet::new();
        for seat in &self.seats {
            if !is_name(seat) {
                return Err(wrong("signatures.seats", "a seat has lower-case letters, digits, `-` and `_`"));
            }
            if !seen.insert(seat) {
                return Err(wrong("signatures.seats", &format!("`{seat}` stands twice")));
            }
        }
        match self.different.iter().find(|[a, b]| a == b || !seen.contains(a) || !seen.contains(b)) {
            Some([a, b]) => Err(wrong(
                "signatures.different",
                &format!("`{a}` and `{b}`: a pair is two different seats that stand under `seats`"),
            )),
            None => Ok(()),
        }
    }
}

impl Condition {
    /// The names of the operators and combinators that are set.
    #[must_use]
    pub fn operators(&self) -> Vec<&'static str> {
        let set = [
            ("all", self.all.is_some()),
            ("any", self.any.is_some()),
            ("not", self.not.is_some()),
            ("equals", self.equals.is_some()),
            ("not_equals", self.not_equals.is_some()),
            ("at_least", self.at_least.is_some()),
            ("at_most", self.at_most.is_some()),
            ("more_than", self.more_than.is_some()),
            ("less_than", self.less_than.is_some()),
            ("between", self.between.is_some()),
            ("one_of", self.one_of.is_some()),
            ("contains", self.contains.is_some()),
            ("matches", self.matches.is_some()),
            ("present", self.present.is_some()),
            ("absent", self.absent.is_some()),
            ("older_than", self.older_than.is_some()),
            ("younger_than", self.younger_than.is_some()),
            ("same_as", self.same_as.is_some()),
            ("count", self.count.is_some()),
            ("only_exceptions", self.only_exceptions.is_some()),
        ];
        set.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect()
    }

    /// Every fact reference in it, in order.
    #[must_use]
    pub fn references(&self) -> Vec<&str> {
        let amounts = [&self.at_least, &self.at_most, &self.more_than, &self.less_than].into_iter().flatten();
        let shares = amounts.chain(self.between.iter().flatten()).filter_map(|amount| match amount {
            Amount::Share(share) => Some(share.of.as_str()),
            _ => None,
        });
        let own = self.fact.as_deref().into_iter().chain(self.same_as.as_deref()).chain(shares);
        own.chain(self.parts().flat_map(Self::references)).collect()
    }

    fn parts(&self) -> impl Iterator<Item = &Self> {
        self.all.iter().flatten().chain(self.any.iter().flatten()).chain(self.not.as_deref())
    }

    /// Checks that it has one operator, a fact where it needs one, and something to combine.
    ///
    /// # Errors
    /// The first thing that is wrong, said of `item`.
    pub fn validate(&self, item: &str) -> Result<(), PolicyError> {
        let operators = self.operators();
        let [operator] = operators[..] else {
            return Err(wrong(item, &format!("a condition has exactly one operator, this one has {operators:?}")));
        };
        let combines = matches!(operator, "all" | "any" | "not");
        if combines == self.fact.is_some() {
            let need = if combines { "takes no `fact`" } else { "needs a `fact`" };
            return Err(wrong(item, &format!("`{operator}` {need}")));
        }
        if self.all.as_ref().or(self.any.as_ref()).is_some_and(Vec::is_empty) {
            return Err(wrong(item, &format!("`{operator}` of nothing would always hold")));
        }
        if self.present == Some(false) || self.absent == Some(false) {
            return Err(wrong(item, "write `absent: true` for `present: false`, and the reverse"));
        }
        self.parts().try_for_each(|part| part.validate(item))
    }
}

fn wrong(item: &str, message: &str) -> PolicyError {
    PolicyError { item: item.to_owned(), message: message.to_owned() }
}
