//! `evidence verify`: shows level by level what of a record or run can still be trusted.

use std::path::Path;

use anyhow::Result;

use crate::base::files::{self, ReadError};
use crate::model::verification::{LevelStatus, Verification};
use crate::report;
use crate::verify;

use super::args;
use super::exit::Exit;
use super::place::{FrontMatter, Place, RunPlace};
use super::screen::Screen;

/// Records are text; a larger one is none of ours.
const LIMIT: u64 = 64 << 20;

/// Runs the verb.
///
/// # Errors
/// When there is nothing to verify under that name.
pub fn run(place: &Place, screen: &Screen, args: &args::Verify) -> Result<Exit> {
    let path = Path::new(&args.subject);
    let (found, record) = if path.is_file() {
        (Place::run_of_record(path)?, Some((path.to_owned(), files::read(path, LIMIT)?)))
    } else {
        let found = place.find_run(&args.subject)?;
        let record = record_beside(&found)?;
        (found, record)
    };
    let signers = args.allowed_signers.clone().unwrap_or_else(|| place.file("allowed_signers"));
    let signers = signers.is_file().then_some(signers);
    let record = record.as_ref().map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    let verification = verify::verify(&found.run, record, signers.as_deref());
    let exit = exit(&verification, args.require_signature);
    if screen.json {
        screen.value(&report::json::verification(&verification, exit as u8))?;
    } else {
        screen.text(&report::levels(&verification, &screen.style))?;
    }
    Ok(exit)
}

/// The record in the case's folder, if it was rendered from this run.
fn record_beside(found: &RunPlace) -> Result<Option<(std::path::PathBuf, Vec<u8>)>> {
    let Some(path) = found.record() else { return Ok(None) };
    let bytes = match files::read(&path, LIMIT) {
        Ok(bytes) => bytes,
        Err(ReadError::Absent { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let other = FrontMatter::of(&path, &text).is_ok_and(|front| {
        let named = found.run.with_file_name(&front.run);
        named != found.run && named.is_dir()
    });
    // A record that belongs to no run that is there is compared, so that the damage is named.
    Ok((!other).then_some((path, bytes)))
}

/// As the levels have it; a signature that was required and is not there is not established.
fn exit(verification: &Verification, require_signature: bool) -> Exit {
    let unsigned = verification.levels.iter().any(|level| level.status == LevelStatus::Unsigned);
    match verification.exit_code() {
        5 => Exit::Mismatch,
        0 if !(require_signature && unsigned) => Exit::Established,
        _ => Exit::NotEstablished,
    }
}
