//! A fact: what one collector saw once, or why it saw nothing, with enough of the how to repeat it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::{self, Map, Value};

/// Where a fact's content comes from; the record keeps the three apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A collector saw it.
    Observed,
    /// A rule computed it from other facts.
    Derived,
    /// A named seat said it.
    Statement,
}

impl Basis {
    /// The word that records use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Derived => "derived",
            Self::Statement => "statement",
        }
    }
}

/// Why something was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Looked for and established not to be there.
    NotFound,
    /// Permission was denied.
    Denied,
    /// The time limit passed.
    TimedOut,
    /// It was there but could not be understood.
    Unparsable,
    /// It changed while it was read.
    Changed,
    /// The service or program needed to look is not there or does not answer.
    Unavailable,
    /// The target is not the one that the case expects.
    WrongIdentity,
    /// A size or row limit ended the look.
    Limit,
    /// A hard stop before it ended the run.
    Halted,
    /// It does not apply to what was seen.
    NotApplicable,
    /// Any other failure, in the message.
    Failed,
}

impl Reason {
    /// The word that facts, screens and records use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotFound => "not found",
            Self::Denied => "permission denied",
            Self::TimedOut => "timed out",
            Self::Unparsable => "unparsable",
            Self::Changed => "changed while read",
            Self::Unavailable => "unavailable",
            Self::WrongIdentity => "wrong identity",
            Self::Limit => "limit reached",
            Self::Halted => "halted by a hard stop",
            Self::NotApplicable => "not applicable",
            Self::Failed => "failed",
        }
    }

    /// Whether something may be there that was not seen: all but what was established not to be
    /// there or not to apply.
    #[must_use]
    pub fn hides(self) -> bool {
        !matches!(self, Self::NotFound | Self::NotApplicable)
    }
}

/// The absence of a value, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The kind of reason.
    pub reason: Reason,
    /// In words, for a person.
    pub message: String,
    /// The exact command that would settle it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<String>,
}

impl Absence {
    /// An absence for `reason`, explained by `message`.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), settle: None }
    }

    /// The same, with the command that would settle it.
    #[must_use]
    pub fn settled_by(mut self, command: impl Into<String>) -> Self {
        self.settle = Some(command.into());
        self
    }
}

/// Bytes kept with a fact: a log excerpt, a query result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file name within the fact's folder: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// What a collector saw, before masking. It leaves the collectors only as `Raw`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// What was read: a path, a database, a host.
    pub source: String,
    /// The exact reads, commands and queries, in order.
    pub how: Vec<String>,
    /// What was seen, by name.
    pub values: Map,
    /// What was looked for and not seen, by path.
    pub missing: BTreeMap<String, Absence>,
    /// Set when nothing at all could be seen.
    pub absence: Option<Absence>,
    /// Bytes to keep.
    pub attachments: Vec<Attachment>,
}

impl Observation {
    /// An observation of `source` with nothing in it yet.
    #[must_use]
    pub fn of(source: impl Into<String>) -> Self {
        Self { source: source.into(), ..Self::default() }
    }

    /// An observation of `source` that saw nothing, and why.
    #[must_use]
    pub fn absent(source: impl Into<String>, absence: Absence) -> Self {
        Self { absence: Some(absence), ..Self::of(source) }
    }

    /// The same, with the exact read, command or query `how` noted.
    #[must_use]
    pub fn read_by(mut self, how: impl Into<String>) -> Self {
        self.how.push(how.into());
        self
    }

    /// Records that `name` was seen as `value`.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Records that `path` was looked for and not seen.
    pub fn miss(&mut self, path: &str, absence: Absence) {
        self.missing.insert(path.to_owned(), absence);
    }
}

/// A kept artifact: where it lies below the fact's folder, and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The file name within `data/artifacts/<fact id>/`.
    pub name: String,
    /// Its size in bytes, masked.
    pub bytes: u64,
    /// Its SHA-256, masked.
    pub sha256: String,
}

/// One masked fact as it stands in `facts.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The id that the case gave it.
    pub id: String,
    /// The collector.
    pub uses: String,
    /// Observed, derived or stated.
    pub basis: Basis,
    /// The target it was asked of, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What was read.
    pub source: String,
    /// The exact reads, commands and queries, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub how: Vec<String>,
    /// When the look began: RFC 3339, UTC, nanoseconds.
    pub observed_at: String,
    /// How long the look took, in milliseconds.
    pub took_ms: i64,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map,
    /// What was looked for and not seen, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, Absence>,
    /// Set when nothing at all could be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<Absence>,
    /// Bytes kept with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// How many secrets of each kind were masked in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masked: BTreeMap<String, u64>,
}

impl Fact {
    /// What is known at `path`: a value, an absence with its reason, or nothing (`None`) when the
    /// collector never looks for such a thing.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<Result<&Value, &Absence>> {
        if let Some(absence) = &self.absence {
            return Some(Err(absence));
        }
        if let Some(value) = value::lookup(&self.values, path) {
            return Some(Ok(value));
        }
        // `gzip.valid` is missing when `gzip` as a whole is.
        let mut prefix = path;
        loop {
            if let Some(absence) = self.missing.get(prefix) {
                return Some(Err(absence));
            }
            prefix = prefix.rsplit_once('.')?.0;
        }
    }
}

/// Splits a reference such as `fresh.gzip.valid` in the fact's id and the path in it.
#[must_use]
pub fn split_reference(reference: &str) -> (&str, &str) {
    reference.split_once('.').unwrap_or((reference, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_something_missing_is_missing_for_the_same_reason() {
        let json = r#"{"id":"f","uses":"backup","basis":"observed","source":"/x","observed_at":"t","took_ms":1,
            "values":{"size":3},"missing":{"gzip":{"reason":"denied","message":"no"}}}"#;
        let fact: Fact = serde_json::from_str(json).unwrap();
        assert_eq!(fact.at("size"), Some(Ok(&Value::Int(3))));
        assert_eq!(fact.at("gzip.valid").unwrap().unwrap_err().reason, Reason::Denied);
        assert_eq!(fact.at("nothing"), None);
    }
}
