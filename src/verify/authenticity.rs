//! Level 5: signatures, checked by `ssh-keygen` itself against the caller's own list of signers. Whoever
//! is in a list inside the bundle proves nothing, so none is looked for there. A seat signs a
//! statement about the bundle and the record; a bare signature over the tag manifest binds no seat.

use std::path::Path;

use crate::base::files;
use crate::base::ssh;
use crate::base::text::visible;
use crate::model::closing::{SeatSignature, SeatStatement, Standing};
use crate::model::verification::{Level, LevelStatus};
use crate::seal::TAG_MANIFEST;
use crate::seal::signature::{self, Beside, NAMESPACE, Refusal, SIGNATURE_LIMIT, SeatFiles};

use super::stamps;
use super::subject::Subject;

pub(super) const NAME: &str = "authenticity";
const NO_LIST: &str = "name your list of allowed signers";

/// Every signature beside the run, and what it is worth.
///
/// # Errors
/// When `signatures/` or the tag manifest cannot be read, and why.
pub(super) fn signatures(subject: &Subject<'_>) -> Result<Vec<SeatSignature>, String> {
    let found = Beside::of(subject.run).map_err(|e| e.to_string())?.signatures;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let tags = files::read(&subject.run.join(TAG_MANIFEST), SIGNATURE_LIMIT).map_err(|e| format!("because {e}"))?;
    Ok(found.iter().map(|file| look(subject, file, &tags)).collect())
}

pub(super) fn level(signatures: &Result<Vec<SeatSignature>, String>) -> Level {
    let signatures = match signatures {
        Ok(signatures) => signatures,
        Err(why) => return super::level(NAME, LevelStatus::NotDone, vec![why.clone()]),
    };
    if signatures.is_empty() {
        let what = "unsigned: this shows that nothing changed by accident, not who made it";
        return super::level(NAME, LevelStatus::Unsigned, vec![what.to_owned()]);
    }
    let detail = signatures.iter().map(|one| format!("{}: {}", one.file, words(one)));
    super::level(NAME, status(signatures), detail.collect())
}

/// One bad signature breaks the level; otherwise a good one carries it, unless somebody signed for a
/// seat and it is not established who.
fn status(signatures: &[SeatSignature]) -> LevelStatus {
    let any = |test: &dyn Fn(&SeatSignature) -> bool| signatures.iter().any(test);
    let open = |one: &SeatSignature| match one.standing {
        Standing::Unchecked(_) => true,
        Standing::Stranger(_) => one.seat.is_some(),
        Standing::Verified | Standing::Bad(_) => false,
    };
    match () {
        () if any(&|one| matches!(one.standing, Standing::Bad(_))) => LevelStatus::Broken,
        () if any(&open) => LevelStatus::NotDone,
        () if any(&|one| one.standing == Standing::Verified) => LevelStatus::Holds,
        () => LevelStatus::NotDone,
    }
}

fn words(one: &SeatSignature) -> String {
    match (&one.standing, &one.seat, &one.principal, &one.key) {
        (Standing::Verified, Some(seat), Some(principal), Some(key)) => {
            let answers = one.answers.iter().map(|answer| {
                let holds = if answer.holds { "holds" } else { "does not hold" };
                format!("; states that {} {holds}: {}", visible(&answer.item), visible(&answer.says))
            });
            let who = format!("signed by {} for the seat {} with the key {key}", visible(principal), visible(seat));
            answers.fold(who, |all, one| all + &one)
        }
        (Standing::Verified, ..) => format!("signed: {}", one.said),
        (Standing::Stranger(why), ..) => {
            format!("the signature fits, but who made it is not established: {why}")
        }
        (Standing::Bad(why), ..) => why.clone(),
        (Standing::Unchecked(why), ..) => format!("not checked: {why}"),
    }
}

fn look(subject: &Subject<'_>, file: &Path, tags: &[u8]) -> SeatSignature {
    let mut one = SeatSignature {
        file: signature::shown(file),
        seat: None,
        principal: None,
        key: None,
        standing: Standing::Bad("is no SSH signature".to_owned()),
        said: String::new(),
        answers: Vec::new(),
    };
    // ssh-keygen follows links and would wait for a FIFO.
    let armoured = match files::read(file, SIGNATURE_LIMIT) {
        Ok(bytes) => ssh::signature(&bytes),
        Err(error) => {
            one.standing = unread(&error);
            return one;
        }
    };
    let seat = signature::seat_of(file);
    let statement = match files::read(&SeatFiles::of(subject.run, &seat).statement, SIGNATURE_LIMIT) {
        Ok(bytes) => Some(bytes),
        Err(files::ReadError::Absent { .. }) => None,
        Err(error) => {
            one.standing = unread(&error);
            return one;
        }
    };
    one.seat = statement.is_some().then(|| seat.clone());
    if let Some(armoured) = armoured {
        one.key = Some(armoured.key.fingerprint());
        let made = (armoured.namespace != NAMESPACE).then(|| visible(&armoured.namespace).into_owned());
        let weighed = match (made, &statement) {
            (Some(other), _) => {
                Err(Standing::Bad(format!("was made in the namespace `{other}`, not in `{NAMESPACE}`")))
            }
            (None, Some(bytes)) => seated(subject, file, &seat, bytes, &mut one),
            (None, None) => bare(subject, file, tags),
        };
        (one.standing, one.said) = match weighed {
            Ok(said) => {
                // One key has several spellings (a certificate is one): what it is called is for ssh-keygen to say.
                let named = said.rsplit(' ').next().filter(|name| name.starts_with("SHA256:"));
                one.key = named.map(str::to_owned).or(one.key);
                (Standing::Verified, said)
            }
            Err(standing) => (standing, String::new()),
        };
    }
    one
}

fn unread(error: &files::ReadError) -> Standing {
    match error {
        files::ReadError::Denied { .. } | files::ReadError::Io { .. } => Standing::Unchecked(error.to_string()),
        _ => Standing::Bad(error.to_string()),
    }
}

fn refused(refusal: Refusal, otherwise: impl FnOnce(String) -> Standing) -> Standing {
    match refusal {
        Refusal::Unasked(why) => Standing::Unchecked(why),
        Refusal::No(why) => otherwise(why),
    }
}

/// A signature of a seat over its statement.
fn seated(
    subject: &Subject<'_>,
    file: &Path,
    seat: &str,
    bytes: &[u8],
    one: &mut SeatSignature,
) -> Result<String, Standing> {
    let edited = |why| Standing::Bad(format!("does not fit its statement, which was edited after signing: {why}"));
    signature::check(file, bytes).map_err(|refusal| refused(refusal, edited))?;
    let statement = signature::read_statement(bytes).map_err(|why| Standing::Bad(format!("what was signed {why}")))?;
    one.principal = Some(statement.principal.clone());
    fits(subject, seat, &statement).map_err(Standing::Bad)?;
    let Some(bundle) = subject.bundle else {
        return Err(Standing::Unchecked("the bundle cannot be read, so nobody can tell who sits there".to_owned()));
    };
    let named = bundle.case.seats.get(seat);
    if named != Some(&statement.principal) {
        let (who, named) = (visible(&statement.principal), visible(named.map_or("nobody", String::as_str)));
        return Err(Standing::Bad(format!("wrong seat: {who} signed, and the case names {named} for the seat {seat}")));
    }
    let said = by(subject, file, bytes, seat, &statement.principal)?;
    one.answers = statement.answers;
    Ok(said)
}

/// Whether the statement is about this bundle, this record and this seat.
fn fits(subject: &Subject<'_>, seat: &str, statement: &SeatStatement) -> Result<(), String> {
    if statement.seat != seat {
        let other = visible(&statement.seat);
        return Err(format!("was made for the seat {other}, and lies under the name of the seat {seat}"));
    }
    if Some(&statement.bundle_sha256) != subject.tags_sha256.as_ref() {
        return Err("was made over another bundle: this one is another, or was edited after signing".to_owned());
    }
    if let Some(bundle) = subject.bundle
        && (statement.case != bundle.case.case || statement.run != bundle.info.run)
    {
        return Err("names another case or run than the bundle".to_owned());
    }
    match subject.record_sha256() {
        Some(record) if record != statement.record_sha256 => {
            Err("was made over another record: this one was edited after signing".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether the list knows `principal` for the key of the signature.
fn by(subject: &Subject<'_>, file: &Path, bytes: &[u8], seat: &str, principal: &str) -> Result<String, Standing> {
    let list = list(subject)?;
    let at = stamps::proven_time(subject, file);
    let refusal = match signature::verify(file, bytes, principal, list, at.as_deref()) {
        Ok(said) => return Ok(said),
        Err(refusal) => refusal,
    };
    let others = match signature::principals(file, list, at.as_deref()) {
        Ok(others) => others,
        Err(Refusal::No(why)) => return Err(Standing::Stranger(not_listed(&why))),
        Err(Refusal::Unasked(why)) => return Err(Standing::Unchecked(why)),
    };
    Err(refused(refusal, |why| {
        if others.is_empty() || others.iter().any(|other| other == principal) {
            return Standing::Stranger(why);
        }
        let others = visible(&others.join(", ")).into_owned();
        Standing::Bad(format!("wrong seat: the key is that of {others}, and the case names {principal} for {seat}"))
    }))
}

/// What `ssh-keygen` says of keys that no line of the list allows, in words.
fn not_listed(why: &str) -> String {
    match why.split_once("key has expired") {
        Some((_, when)) => format!(
            "the key has expired{when}; whether it signed before that would be shown by a timestamp of the signature"
        ),
        None if why.contains("No principal matched") => "unknown signer: the list names nobody for its key".to_owned(),
        None => why.to_owned(),
    }
}

fn list<'a>(subject: &Subject<'a>) -> Result<&'a Path, Standing> {
    let list = subject.trust.allowed_signers.ok_or_else(|| Standing::Stranger(NO_LIST.to_owned()))?;
    files::open_following(list).map_err(|error| Standing::Unchecked(error.to_string()))?;
    Ok(list)
}

/// A signature over the tag manifest itself, as plain `ssh-keygen` makes it.
fn bare(subject: &Subject<'_>, file: &Path, tags: &[u8]) -> Result<String, Standing> {
    let broken = |why| Standing::Bad(format!("the signature does not fit this bundle: {why}"));
    signature::check(file, tags).map_err(|refusal| refused(refusal, broken))?;
    let list = list(subject)?;
    let stranger = |refusal| refused(refusal, |why| Standing::Stranger(not_listed(&why)));
    let mut last = "the list names nobody for its key".to_owned();
    for principal in signature::principals(file, list, None).map_err(stranger)? {
        match signature::verify(file, tags, &principal, list, None) {
            Ok(said) => return Ok(said),
            Err(Refusal::Unasked(why)) => return Err(Standing::Unchecked(why)),
            Err(Refusal::No(why)) => last = why,
        }
    }
    Err(Standing::Stranger(last))
}
