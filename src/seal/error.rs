//! Why a run could not be sealed, in words that say what to do next.

use std::path::PathBuf;

use crate::base::files::WriteError;
use crate::base::text::visible;

use super::read::ReadError;

/// Why a run could not be sealed. What it had is still there, unsealed; earlier runs are untouched.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Another process collects the same case.
    #[error("{case}: another `collect` of this case is running; wait until it has ended")]
    Busy {
        /// The case's folder.
        case: PathBuf,
    },
    /// Too many runs began in the same second.
    #[error("{case}: too many runs began in this second; try again")]
    Crowded {
        /// The case's folder.
        case: PathBuf,
    },
    /// A file or fact may not have that name in a bundle.
    #[error("`{name}` cannot stand in a bundle: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More than a bundle takes.
    #[error("{what}: larger than the limit of {limit} bytes; narrow what is collected")]
    TooLarge {
        /// The file or fact.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// What would be sealed could not be read back.
    #[error("{what} could not be read back: {why}")]
    Unreadable {
        /// The file or fact.
        what: String,
        /// Why.
        why: String,
    },
    /// A write failed, now or earlier in this run.
    #[error("the run stays unsealed: an earlier step of it failed")]
    Failed,
    /// The system refused, for instance because the disk is full.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The disk does not hold what was written.
    #[error("the run stays unsealed, the disk does not hold what was written: {0}")]
    Damaged(String),
    /// Something in the case's folder could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl SealError {
    pub(super) fn name(name: &str, why: &'static str) -> Self {
        Self::Name { name: visible(name).into_owned(), why }
    }
}
