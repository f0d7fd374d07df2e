//! Attestations for machines, where there are any: each must be signed with the key that signed the
//! statement of its seat, and say what the bundle says.

use std::path::Path;

use crate::base::files;
use crate::base::ssh;
use crate::judge;
use crate::model::closing::{SeatSignature, SeatStatement, Standing};
use crate::model::verification::{Level, LevelStatus};
use crate::seal::signature::{self, Beside, SIGNATURE_LIMIT, SeatFiles};

use super::subject::Subject;

const NAME: &str = "attestations";

/// The level, when there is an attestation.
pub(super) fn level(subject: &Subject<'_>, signatures: &Result<Vec<SeatSignature>, String>) -> Option<Level> {
    let files = Beside::of(subject.run).ok()?.attestations;
    if files.is_empty() {
        return None;
    }
    let signatures = signatures.as_deref().unwrap_or_default();
    let shown: Vec<_> = files.iter().map(|file| look(subject, file, signatures)).collect();
    let status = shown.iter().map(|(status, _)| *status).max_by_key(|status| match status {
        LevelStatus::Broken => 2,
        LevelStatus::NotDone => 1,
        LevelStatus::Holds | LevelStatus::Unsigned => 0,
    });
    let detail = files.iter().zip(&shown).map(|(file, (_, words))| format!("{}: {words}", signature::shown(file)));
    Some(super::level(NAME, status.unwrap_or(LevelStatus::NotDone), detail.collect()))
}

fn look(subject: &Subject<'_>, file: &Path, signatures: &[SeatSignature]) -> (LevelStatus, String) {
    let seat = signature::seat_of(file);
    let signed = signatures.iter().find(|one| one.seat.as_deref() == Some(&seat));
    let body = match body(subject, file, &seat) {
        Ok(body) => body,
        Err((status, why)) => return (status, why),
    };
    match signed.map(|one| &one.standing) {
        Some(Standing::Verified) => {}
        _ => {
            let why = "whose key signed it is not established: the signature of its seat does not count";
            return (LevelStatus::NotDone, why.to_owned());
        }
    }
    match expected(subject, &seat) {
        Some(expected) if expected == body => (LevelStatus::Holds, said(&body)),
        Some(_) => (LevelStatus::Broken, "BAD: it says something else than the bundle".to_owned()),
        None => (LevelStatus::NotDone, "because the bundle cannot be read".to_owned()),
    }
}

/// The payload, when the key of the seat's own signature made the envelope.
fn body(subject: &Subject<'_>, file: &Path, seat: &str) -> Result<serde_json::Value, (LevelStatus, String)> {
    let bad = |why: String| (LevelStatus::Broken, format!("BAD: {why}"));
    let read = |file: &Path| files::read(file, SIGNATURE_LIMIT).map_err(|e| (LevelStatus::NotDone, e.to_string()));
    let beside = read(&SeatFiles::of(subject.run, seat).signature)?;
    let key = ssh::signature(&beside).ok_or_else(|| bad("the signature of its seat is none".to_owned()))?.key;
    let body = signature::open(&read(file)?, &key).map_err(bad)?;
    serde_json::from_slice(&body).map_err(|_| bad("its payload is no JSON".to_owned()))
}

/// What the attestation of `seat` must say.
fn expected(subject: &Subject<'_>, seat: &str) -> Option<serde_json::Value> {
    let bytes = files::read(&SeatFiles::of(subject.run, seat).statement, SIGNATURE_LIMIT).ok()?;
    let statement: SeatStatement = signature::read_statement(&bytes).ok()?;
    Some(judge::attestation(subject.bundle?, &statement))
}

fn said(body: &serde_json::Value) -> String {
    let result = body.pointer("/predicate/result").and_then(serde_json::Value::as_str).unwrap_or("nothing");
    format!("test-result v0.1 says {result}, signed with the key of the seat's signature")
}
