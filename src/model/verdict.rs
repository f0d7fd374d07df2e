//! The verdict: the policy's outcome over a bundle, item by item, with what was seen beside what
//! was expected.

use serde::{Deserialize, Serialize};

/// How one item came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Established to hold.
    Pass,
    /// Established not to hold.
    Fail,
    /// Not established.
    Unknown,
    /// It holds, but another fact makes that worthless; counts as a failure.
    Misleading,
    /// Not passed, but an owner answers for it until a date.
    Waived,
}

impl Status {
    /// As screens and records print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Misleading => "PASS (misleading)",
            Self::Waived => "WAIVED",
        }
    }

    /// Whether it counts as a failure.
    #[must_use]
    pub fn fails(self) -> bool {
        matches!(self, Self::Fail | Self::Misleading)
    }
}

/// The outcome as a whole; the worst that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything asked was seen and holds.
    Pass,
    /// Something is established not to hold.
    Fail,
    /// Something is not established, nothing fails.
    Unknown,
    /// A hard stop fired.
    HardStop,
}

impl Outcome {
    /// As screens and records print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::HardStop => "HARD STOP",
        }
    }
}

/// Which list of the policy an item stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// A hard stop; PASS means that it did not fire.
    HardStops,
    /// A check.
    Checks,
    /// A closure criterion.
    Criteria,
    /// An item of the compliance checklist.
    Checklist,
}

/// What one part of an item's condition saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The list it stands in.
    pub section: Section,
    /// The item's id.
    pub id: String,
    /// The item's title.
    pub title: String,
    /// How it came out.
    pub status: Status,
    /// What was seen, in words.
    pub observed: String,
    /// What was expected, in words.
    pub expected: String,
    /// Why: the policy's reason, what made it misleading, or what is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// The exact command that would settle an UNKNOWN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<String>,
    /// The references it rests on, e.g. `fresh.payload_bytes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// The seat, when the item rests on a statement and not on an observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
    /// The waiver applied or expired, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
}

/// How a closure came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closure {
    /// All criteria pass.
    Closed,
    /// All criteria pass or are waived, and notes remain.
    ClosedWithNotes,
    /// A criterion fails or is not established.
    Open,
    /// A hard stop fired.
    HardStop,
}

impl Closure {
    /// As front matter and screens print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::ClosedWithNotes => "closed_with_notes",
            Self::Open => "open",
            Self::HardStop => "hard_stop",
        }
    }
}

/// The verdict as it stands in `verdict.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The policy's name.
    pub policy: String,
    /// The instant that ages are counted from: the start of the run.
    pub as_of: String,
    /// The outcome as a whole.
    pub outcome: Outcome,
    /// For policies with criteria.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closure: Option<Closure>,
    /// Item by item, in the policy's order.
    pub rows: Vec<Row>,
    /// What seats suppose, with what speaks for and against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hypotheses: Vec<Weighed>,
}

/// How a hypothesis stands. There is no word for a cause that is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Something speaks for it, and everything that could speak against it is established not to.
    Supported,
    /// Something speaks against it.
    Contradicted,
    /// Neither.
    NotEstablished,
}

impl Standing {
    /// As screens and records print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Contradicted => "contradicted",
            Self::NotEstablished => "not established",
        }
    }
}

/// A hypothesis beside its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// Its id.
    pub id: String,
    /// Who supposes it.
    pub seat: String,
    /// What is supposed.
    pub says: String,
    /// How it stands.
    pub standing: Standing,
    /// The conditions of `for`, in order.
    #[serde(rename = "for")]
    pub supports: Vec<Evidence>,
    /// The conditions of `against`, in order.
    pub against: Vec<Evidence>,
}

/// One condition of a hypothesis, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `pass`: it holds; `fail`: it is established not to; `unknown`.
    pub holds: Status,
    /// What was seen, by reference.
    pub observed: String,
    /// What was asked.
    pub asked: String,
    /// Why it is not known; empty when it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// The references it rests on.
    pub facts: Vec<String>,
}

impl Verdict {
    /// The rows of one list.
    pub fn section(&self, section: Section) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.section == section)
    }
}
