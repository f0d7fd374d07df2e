//! Verifies a run and its record, level by level, from the bytes up to the signature. Every level is
//! attempted whatever the others showed; one that could not be done says why and never counts as
//! one that holds. It names files, lines and items, never evidence.

mod anchors;
mod authenticity;
mod bag;
mod record;
mod verdict;

use std::path::Path;

use crate::base::files;
use crate::base::yaml::YamlError;
use crate::model::verification::{Level, LevelStatus, Verification};
use crate::seal::{self, Inspection, ReadError};

/// Verifies the run in the folder `run`. `record` is the record's path, for messages, and its
/// bytes; `allowed_signers` is the caller's own list, in the format of `ssh-keygen(1)`.
#[must_use]
pub fn verify(run: &Path, record: Option<(&Path, &[u8])>, allowed_signers: Option<&Path>) -> Verification {
    let inspection = seal::inspect(run);
    let bundle = seal::read(run);
    let levels = vec![
        bag::level(&inspection),
        anchors::level(run, &inspection),
        verdict::level(&bundle, &inspection),
        record::level(&bundle, record),
        authenticity::level(run, allowed_signers),
    ];
    Verification { levels }
}

fn level(name: &str, status: LevelStatus, detail: Vec<String>) -> Level {
    Level { name: name.to_owned(), status, detail }
}

/// A level that needs the bundle and cannot have it.
fn because(name: &str, error: &ReadError) -> Level {
    level(name, LevelStatus::NotDone, vec![format!("because the bundle cannot be read: {error}")])
}

/// Whether it is the bundle that is wrong, and not that we may not or could not look.
fn is_damage(error: &ReadError, inspection: &Inspection) -> bool {
    let looked_at =
        |error: &files::ReadError| !matches!(error, files::ReadError::Denied { .. } | files::ReadError::Io { .. });
    let wrong = match error {
        ReadError::Unsealed { .. } => false,
        ReadError::File(error) | ReadError::Yaml(YamlError::Read(error)) => looked_at(error),
        ReadError::Invalid { .. } | ReadError::Yaml(_) => true,
    };
    wrong && inspection.unread.is_empty()
}
