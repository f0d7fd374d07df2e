//! From what was found to one conclusion, by fixed rules and without any policy.
//!
//! "Good" is said only when every layer is whole *and* the dump inside shows its own end. What
//! cannot be known is not good: it is inconclusive, or of an unknown kind.

use serde::Serialize;

/// The conclusion about one stream. The order is from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Damaged, incomplete or empty.
    Bad,
    /// A known kind, and whether it is complete cannot be told.
    Inconclusive,
    /// Not a kind of backup that can be examined.
    UnknownKind,
    /// Every layer is whole and the dump is complete.
    Good,
}

impl Quality {
    /// The exit code of `evidence examine`: 0 good, 1 bad, 3 not established.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Quality::Good => 0,
            Quality::Bad => 1,
            Quality::Inconclusive | Quality::UnknownKind => 3,
        }
    }
}

/// One reason for a [`Quality`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// For machines; the words may change, the codes do not.
    pub code: Code,
    /// For people.
    pub says: String,
}

/// Every reason there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Nothing is wrong and the end was seen.
    Complete,
}
