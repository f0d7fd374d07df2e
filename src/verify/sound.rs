//! The door for every command that reads a run: a bundle comes through it only when the bag, the anchors of its facts
//! and its verdict are what was sealed. What is broken is named, and nothing of it is judged, rendered or signed.

use std::path::Path;

use crate::model::bundle::Bundle;
use crate::model::verification::LevelStatus;
use crate::seal::{self, ReadError};

use super::{anchors, bag, verdict};

/// Why a run cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// It is not what was sealed.
    #[error("the run is not what was sealed, so nothing was done with it: {0}; `evidence verify` lists everything")]
    Broken(String),
    /// It cannot be read, or it was never sealed.
    #[error(transparent)]
    Unread(#[from] ReadError),
}

/// Reads the run in the folder `run` after its bag, its anchors and its verdict were verified.
///
/// # Errors
/// When one of them is broken, or the run cannot be read.
pub fn sound(run: &Path) -> Result<Bundle, Unsound> {
    let inspection = seal::inspect(run);
    let read = seal::read(run);
    if let Err(error @ ReadError::Unsealed { .. }) = read {
        return Err(error.into());
    }
    if !inspection.damage.is_empty() {
        return Err(Unsound::Broken(inspection.to_string()));
    }
    let bundle = match read {
        Err(error) if super::is_damage(&error, &inspection) => return Err(Unsound::Broken(error.to_string())),
        other => other?,
    };
    let levels = [bag::level(&inspection), anchors::level(run, &inspection), verdict::level(&bundle)];
    match levels.into_iter().find(|level| level.status == LevelStatus::Broken) {
        Some(level) => Err(Unsound::Broken(format!("{}: {}", level.name, level.detail.join("; ")))),
        None => Ok(bundle),
    }
}
