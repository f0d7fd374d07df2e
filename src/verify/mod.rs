//! Verifies a run and its record, level by level, from the bytes up to the signature. Every level is
//! attempted whatever the others showed; one that could not be done says why and never counts as
//! one that holds. It names files, lines and items, never evidence.

mod anchors;
mod attestation;
mod authenticity;
mod bag;
mod effects;
mod record;
mod sound;
mod stamps;
mod subject;
mod verdict;

use std::path::Path;

use crate::base::files;
use crate::base::text::visible;
use crate::base::yaml::YamlError;
use crate::judge;
use crate::model::bundle::Bundle;
use crate::model::closing::{Closing, SeatSignature, Standing};
use crate::model::verification::{Level, LevelStatus, Verification};
use crate::seal::{self, Inspection, ReadError};

pub use sound::{Unsound, sound};
use subject::Subject;
pub use subject::Trust;

/// A run as it was verified.
pub struct Verified {
    /// Level by level.
    pub verification: Verification,
    /// What becomes of the case; none when the bundle cannot be read.
    pub closing: Option<Closing>,
    /// Every signature, and what it is worth.
    pub signatures: Vec<SeatSignature>,
}

/// Verifies the run in the folder `run`. `record` is the record's path, for messages, and its
/// bytes; `allowed_signers` is the caller's own list, in the format of `ssh-keygen(1)`.
#[must_use]
pub fn verify(run: &Path, record: Option<(&Path, &[u8])>, allowed_signers: Option<&Path>) -> Verification {
    whole(run, record, Trust { allowed_signers, authority: None }, "").verification
}

/// The same with everything that the caller trusts, and what becomes of the case at the instant `at`
/// (RFC 3339).
#[must_use]
pub fn whole(run: &Path, record: Option<(&Path, &[u8])>, trust: Trust<'_>, at: &str) -> Verified {
    let inspection = seal::inspect(run);
    let bundle = seal::read(run);
    let read = bundle.as_ref().ok();
    let subject = Subject::new(run, read, inspection.digest, record.map(|(_, bytes)| bytes), trust);
    let signatures = authenticity::signatures(&subject);
    let judged = bundle.as_ref().map_or_else(|error| verdict::unread(error, &inspection), verdict::level);
    let mut levels = vec![
        bag::level(&inspection),
        anchors::level(run, &inspection),
        judged,
        record::level(&bundle, record),
        authenticity::level(&signatures),
    ];
    levels.splice(3..3, read.and_then(effects::level));
    levels.extend(attestation::level(&subject, &signatures));
    levels.extend(stamps::level(&subject));
    let closing = read.map(|bundle| closing_of(bundle, &signatures, &levels, at));
    Verified { verification: Verification { levels }, closing, signatures: signatures.unwrap_or_default() }
}

/// What becomes of the case whose run lies in the folder `run` and was read as `bundle`, as far as
/// `trust` reaches, at the instant `at` (RFC 3339): everything that [`whole`] looks at, except a record
/// that somebody holds.
#[must_use]
pub fn closing(run: &Path, bundle: &Bundle, inspection: &Inspection, trust: Trust<'_>, at: &str) -> Closing {
    let subject = Subject::new(run, Some(bundle), inspection.digest, None, trust);
    let signatures = authenticity::signatures(&subject);
    let mut levels = vec![bag::level(inspection), anchors::level(run, inspection), verdict::level(bundle)];
    levels.extend(effects::level(bundle));
    closing_of(bundle, &signatures, &levels, at)
}

/// A closing rests on a bundle that is what was sealed, and on a record that says what it says.
fn closing_of(bundle: &Bundle, signatures: &Result<Vec<SeatSignature>, String>, levels: &[Level], at: &str) -> Closing {
    let (Bundle { policy, case, verdict, .. }, none) = (bundle, Vec::new());
    let mut closing = judge::closing(policy, case, verdict, signatures.as_ref().unwrap_or(&none), at);
    if let Err(why) = signatures {
        closing.reopen(format!("the signatures could not be looked at: {why}"));
    }
    let facts: Vec<_> = bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect();
    if judge::interrupted(case, &facts) {
        closing.reopen("the action was interrupted: how far it came is not known");
    }
    let broken = levels.iter().filter(|level| level.status == LevelStatus::Broken && level.name != authenticity::NAME);
    for level in broken {
        closing.reopen(format!("`{}` is broken: {}", level.name, level.detail.join("; ")));
    }
    closing
}

/// Whether a signature counts for every seat that the policy asks, or at all where it asks none.
#[must_use]
pub fn is_signed(verified: &Verified) -> bool {
    let counts = |one: &SeatSignature| one.standing == Standing::Verified;
    let seats = verified.closing.as_ref().is_some_and(|closing| closing.seats.iter().all(|seat| seat.key.is_some()));
    seats && verified.signatures.iter().any(counts)
}

/// A release may do it differently; then a difference proves nothing until that release is asked.
fn other_version(bundle: &Bundle) -> Option<String> {
    made_by_other(&bundle.info.tool_version, env!("CARGO_PKG_VERSION"))
}

fn made_by_other(maker: &str, ours: &str) -> Option<String> {
    let maker = visible(maker);
    let said = || format!("the run was made by evidence {maker}, this is {ours}: ask that version before you judge");
    (maker != ours).then(said)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_another_release_made_the_run() {
        assert_eq!(made_by_other("1.0.0", "1.0.0"), None);
        assert!(made_by_other("0.0.9", "1.0.0").is_some_and(|said| said.contains("made by evidence 0.0.9, this is")));
    }
}
