//! The kinds of events that rules know. Everything else that a case names is an event of its own name,
//! shown and never judged.

use std::fmt;

/// What a line reports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A check that did not hold: a checksum, a size, a signature.
    CheckFailed,
    /// Something failed.
    Failure,
    /// Success is claimed.
    Success,
    /// A run ended, without saying how.
    End,
    /// Step i of n.
    Step,
    /// A run begins.
    Start,
    /// Somebody was told.
    Alert,
    /// The size of a part.
    Part,
    /// The size of a whole.
    Whole,
    /// A named figure: a size or digest of one side.
    Quantity,
    /// A size with the time that it took.
    Rate,
    /// Any other, by the name that the case gives it.
    Other(String),
}

impl Kind {
    /// Those with a meaning to rules, the strongest first: a line that reports a failure and also has
    /// the words of a success is a failure.
    pub const KNOWN: [Self; 11] = [
        Self::CheckFailed,
        Self::Failure,
        Self::Success,
        Self::End,
        Self::Step,
        Self::Start,
        Self::Alert,
        Self::Part,
        Self::Whole,
        Self::Quantity,
        Self::Rate,
    ];

    /// The kind called `name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|kind| kind.word() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// The word for cases, facts and records.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::CheckFailed => "check_failed",
            Self::Failure => "failure",
            Self::Success => "success",
            Self::End => "end",
            Self::Step => "step",
            Self::Start => "start",
            Self::Alert => "alert",
            Self::Part => "part",
            Self::Whole => "whole",
            Self::Quantity => "quantity",
            Self::Rate => "rate",
            Self::Other(name) => name,
        }
    }

    /// Whether something did not go well.
    #[must_use]
    pub fn fails(&self) -> bool {
        matches!(self, Self::CheckFailed | Self::Failure)
    }

    /// How much a reader would miss it when a table is cut: 0 most.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::CheckFailed | Self::Failure => 0,
            Self::Start | Self::Success | Self::End | Self::Alert => 1,
            _ => 2,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
