//! `evidence verify`: shows level by level what of a record or run can still be trusted.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::base::clock;
use crate::base::files::{self, ReadError};
use crate::model::closing::Closing;
use crate::model::verification::LevelStatus;
use crate::report;
use crate::seal;
use crate::verify::{self, Verified};

use super::args;
use super::exit::Exit;
use super::place::{FrontMatter, Place, RunPlace};
use super::screen::{Screen, tell};
use super::since;
use super::status;

/// The list of allowed signers in the root.
pub const SIGNERS: &str = "allowed_signers";
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
    let trusted = Trusted::new(place, args.allowed_signers.as_deref(), args.tsa_ca.as_deref());
    let record = record.as_ref().map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    let mut verified = verify::whole(&found.run, record, trusted.trust(), &clock::stamp_seconds(clock::now()));
    if let Some(closing) = verified.closing.as_mut().filter(|_| args.require_closed)
        && let Ok(bundle) = seal::read(&found.run)
    {
        let (waits, _) = status::waits_for(place, &bundle.case);
        waits.into_iter().for_each(|reason| closing.reopen(reason));
    }
    if let Some(closing) = verified.closing.as_mut() {
        // A closing rests on all that was verified: a level that could not be done leaves it open.
        let undone = verified.verification.levels.iter().filter(|level| level.status == LevelStatus::NotDone);
        undone.for_each(|level| closing.reopen(format!("`{}` could not be established", level.name)));
    }
    let sealed = seal::read(&found.run).ok();
    let note = sealed.as_ref().and_then(since::policy_note);
    let exit = exit(&verified, args);
    let closing = verified.closing.as_ref();
    if screen.json {
        screen.value(&report::json::verification(&verified.verification, exit as u8, closing))?;
    } else {
        screen.text(&report::levels(&verified.verification, &screen.style))?;
        if let Some(closing) = closing.filter(|closing| {
            args.require_closed && !closing.is_closed() || is_of_interest(closing, !verified.signatures.is_empty())
        }) {
            screen.text(&format!("\n{}", report::closing(closing, &screen.style)))?;
        }
    }
    note.into_iter().for_each(|note| tell(&format!("note: {note}")));
    Ok(exit)
}

/// The record in the case's folder, if it was rendered from this run.
pub(super) fn record_beside(found: &RunPlace) -> Result<Option<(std::path::PathBuf, Vec<u8>)>> {
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

/// As the levels have it; a signature or a closing that was required and is not there is not established.
fn exit(verified: &Verified, args: &args::Verify) -> Exit {
    let unsigned = args.require_signature && !verify::is_signed(verified);
    let open = args.require_closed && !verified.closing.as_ref().is_some_and(Closing::is_closed);
    match verified.verification.exit_code() {
        5 => Exit::Mismatch,
        0 if !unsigned && !open => Exit::Established,
        _ => Exit::NotEstablished,
    }
}

/// Whom the caller trusts: the files that the arguments name, or those of the usual names in the root.
pub struct Trusted {
    signers: Option<PathBuf>,
    authority: Option<PathBuf>,
}

impl Trusted {
    /// As the arguments have it.
    #[must_use]
    pub fn new(place: &Place, signers: Option<&Path>, authority: Option<&Path>) -> Self {
        let usual = |name: &str| Some(place.file(name)).filter(|file| file.is_file());
        Self {
            // One that was named and is not there is said to be missing, never passed over.
            signers: signers.map(Path::to_owned).or_else(|| usual(SIGNERS)),
            authority: authority.map(Path::to_owned).or_else(|| usual("tsa-ca.pem")),
        }
    }

    /// For the room that verifies.
    #[must_use]
    pub fn trust(&self) -> verify::Trust<'_> {
        verify::Trust { allowed_signers: self.signers.as_deref(), authority: self.authority.as_deref() }
    }
}

/// Whether a closing says more than the verdict: somebody must sign, or did, or answers for something.
#[must_use]
pub fn is_of_interest(closing: &Closing, signed: bool) -> bool {
    let waived = !closing.warnings.is_empty() || closing.notes.iter().any(|note| note.contains(" is waived by "));
    signed || waived || !closing.seats.is_empty() || !closing.answers.is_empty()
}
