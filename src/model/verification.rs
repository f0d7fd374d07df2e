//! What a verification showed, level by level; a level that could not be done is never counted as
//! one that holds.

use serde::{Deserialize, Serialize};

/// What is said of a record whose template is neither of this program nor of a release of it.
pub const NOT_BUILT_IN: &str = "rendered by a template that is not built in";

/// How one level came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelStatus {
    /// Looked at and established.
    Holds,
    /// Looked at and contradicted: tampered, incomplete, or not reproducible.
    Broken,
    /// Could not be looked at.
    NotDone,
    /// Authenticity alone: there is no signature, so only accidents are ruled out.
    Unsigned,
}

impl LevelStatus {
    /// As screens print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Broken => "BROKEN",
            Self::NotDone => "not done",
            Self::Unsigned => "unsigned",
        }
    }
}

/// One level of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// What the level shows, in words.
    pub name: String,
    /// How it came out.
    pub status: LevelStatus,
    /// What was found: files, lines, items; names and numbers, never evidence.
    pub detail: Vec<String>,
}

/// A verification of one run and, if there is one, its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// From the bytes up to the signature.
    pub levels: Vec<Level>,
}

impl Verification {
    /// Whether the record was rendered by a template that is not built in.
    #[must_use]
    pub fn is_of_own_template(&self) -> bool {
        self.levels.iter().any(|level| level.detail.iter().any(|detail| detail.contains(NOT_BUILT_IN)))
    }

    /// 5 when a level is broken, 3 when one could not be done or there is none, 0 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |status| self.levels.iter().any(|level| level.status == status);
        match () {
            () if any(LevelStatus::Broken) => 5,
            () if any(LevelStatus::NotDone) || self.levels.is_empty() => 3,
            () => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statuses: &[LevelStatus]) -> Verification {
        let level = |status: &LevelStatus| Level { name: "l".to_owned(), status: *status, detail: Vec::new() };
        Verification { levels: statuses.iter().map(level).collect() }
    }

    #[test]
    fn the_worst_level_decides_and_nothing_at_all_is_no_success() {
        use LevelStatus::{Broken, Holds, NotDone, Unsigned};
        assert_eq!(of(&[Holds, Unsigned]).exit_code(), 0);
        assert_eq!(of(&[Holds, NotDone]).exit_code(), 3);
        assert_eq!(of(&[NotDone, Broken, Holds]).exit_code(), 5);
        assert_eq!(of(&[]).exit_code(), 3);
    }
}
