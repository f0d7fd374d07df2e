//! The exit codes: one frozen table, from which `explain`, the documentation and the tests read.

use std::process::ExitCode;

use crate::model::verdict::Outcome;

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything asked was seen and holds.
    Established = 0,
    /// A check failed, or findings were reported.
    Failed = 1,
    /// Wrong usage, bad input file, or the tool itself failed.
    Usage = 2,
    /// UNKNOWN remains, or there was nothing to judge.
    NotEstablished = 3,
    /// A hard stop fired.
    HardStop = 4,
    /// Tampered, incomplete or not reproducible.
    Mismatch = 5,
}

/// Every code with its meaning.
pub const TABLE: &[(Exit, &str, &str)] = &[
    (Exit::Established, "established", "everything asked was seen and holds"),
    (Exit::Failed, "failed", "a check failed, or findings were reported"),
    (Exit::Usage, "usage", "wrong usage, bad input file, or the tool itself failed"),
    (Exit::NotEstablished, "not established", "UNKNOWN remains, or there was nothing to judge"),
    (Exit::HardStop, "hard stop", "a hard stop fired: what follows it must not happen"),
    (Exit::Mismatch, "mismatch", "verification mismatch: tampered, incomplete or not reproducible"),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Established,
            Outcome::Fail => Self::Failed,
            Outcome::Unknown => Self::NotEstablished,
            Outcome::HardStop => Self::HardStop,
        }
    }
}
