//! What becomes of a case: the verdict, the waivers that are in force at an instant, and the
//! signatures of the seats, taken together. Signatures come after the judgement, so they are no part
//! of the verdict; this is where both meet. Pure: who signed, and the instant, are handed in.

use chrono::{DateTime, FixedOffset};

use crate::model::case::{Case, Waiver};
use crate::model::closing::{Closing, SeatSignature, SeatState, SignedAnswer, Standing};
use crate::model::policy::{Policy, Signatures};
use crate::model::verdict::{Closure, Outcome, Row, Section, Status, Verdict};

/// What becomes of `case` at the instant `at` (RFC 3339): `verdict` is that of its run, `signatures`
/// are those found beside it. A signature counts only when it is [`Standing::Verified`].
#[must_use]
pub fn closing(policy: &Policy, case: &Case, verdict: &Verdict, signatures: &[SeatSignature], at: &str) -> Closing {
    let (verdict, answers) = &answered(policy, case, verdict, signatures);
    let mut closing = unsigned(policy, case, verdict, at);
    closing.answers.clone_from(answers);
    let mut found = Vec::new();
    if let Some(asked) = &policy.signatures {
        closing.seats = asked.seats.iter().map(|seat| seat_state(case, signatures, seat)).collect();
        found.extend(closing.seats.iter().filter_map(|state| missing(state, signatures)));
        found.extend(asked.different.iter().filter_map(|pair| same(pair, &closing.seats)));
    }
    found.extend(verdict.rows.iter().filter_map(|row| unsupported(row, case, signatures)));
    found.extend(signatures.iter().filter_map(bad));
    found.into_iter().for_each(|reason| closing.reopen(reason));
    closing
}

/// Returns the verdict with what seats stated under their signatures after the run, and these answers. An answer counts
/// only for an item that the policy asks of this seat and that the run left UNKNOWN; a fact is never overruled by it.
fn answered(
    policy: &Policy,
    case: &Case,
    verdict: &Verdict,
    signatures: &[SeatSignature],
) -> (Verdict, Vec<SignedAnswer>) {
    let (mut verdict, mut found) = (verdict.clone(), Vec::new());
    for item in &policy.checklist {
        let Some(seat) = &item.statement else { continue };
        let unknown =
            |row: &&mut Row| row.section == Section::Checklist && row.id == item.id && row.status == Status::Unknown;
        let Some(row) = verdict.rows.iter_mut().find(unknown) else { continue };
        let counts = of_seat(signatures, seat).filter(|signature| signature.standing == Standing::Verified);
        let answers = counts.flat_map(|signature| &signature.answers).filter(|answer| answer.item == item.id);
        for answer in answers {
            row.status = if answer.holds && row.status != Status::Fail { Status::Pass } else { Status::Fail };
            row.seat = Some(seat.clone());
            let principal = case.seats.get(seat).cloned().unwrap_or_default();
            found.push(SignedAnswer { seat: seat.clone(), principal, answer: answer.clone() });
        }
    }
    (verdict, found)
}

/// A waiver or a statement counts only when the seat that it is of has signed the run: the file alone shows that
/// somebody wrote the name of the seat into it.
fn unsupported(row: &Row, case: &Case, signatures: &[SeatSignature]) -> Option<String> {
    let (what, seat) = match (row.status, &row.seat) {
        (Status::Waived, _) => ("waiver", waiver_of(case, row)?.owner.as_str()),
        (Status::Pass, Some(seat)) => ("statement", seat.as_str()),
        _ => return None,
    };
    let signed = of_seat(signatures, seat).any(|signature| signature.standing == Standing::Verified);
    let who = case.seats.get(seat).map_or("nobody", String::as_str);
    let word = if what == "waiver" { "of" } else { "on" };
    (!signed).then(|| {
        format!("the {what} {word} {} does not count: the seat {seat} ({who}) has not signed this run", row.id)
    })
}

/// The same before anybody signed: what the verdict and the waivers alone make of it. `seats` lists
/// who must sign, none of them signed.
#[must_use]
pub fn unsigned(policy: &Policy, case: &Case, verdict: &Verdict, at: &str) -> Closing {
    // Without criteria the checks are what a closure rests on.
    let decides = |row: &Row| verdict.closure.is_none() || row.section == Section::Criteria;
    let items = || verdict.rows.iter().filter(|row| row.section != Section::HardStops);
    let mut reasons: Vec<_> = verdict.section(Section::HardStops).filter_map(stopped).collect();
    reasons.extend(items().filter_map(|row| open(row, decides(row))));
    reasons.extend(items().filter_map(|row| expired(row, case, at)));
    if !verdict.rows.iter().any(|row| row.status == Status::Pass) {
        reasons.push("nothing is established".to_owned());
    }
    let notes: Vec<_> = items().filter_map(|row| note(row, decides(row), case, at)).collect();
    let state = match () {
        () if verdict.outcome == Outcome::HardStop => Closure::HardStop,
        () if !reasons.is_empty() => Closure::Open,
        () if !notes.is_empty() => Closure::ClosedWithNotes,
        () => Closure::Closed,
    };
    let seats = policy.signatures.iter().flat_map(|asked| &asked.seats).map(|seat| seat_state(case, &[], seat));
    let (warnings, seats) = (warnings(case, verdict), seats.collect());
    Closing { state, at: at.to_owned(), reasons, notes, warnings, seats, answers: Vec::new() }
}

fn stopped(row: &Row) -> Option<String> {
    let how = match row.status {
        Status::Pass => return None,
        Status::Unknown => "fired, because it is not established not to",
        _ => "fired",
    };
    Some(format!("the hard stop {} {how}: {}", row.id, row.title))
}

fn open(row: &Row, decides: bool) -> Option<String> {
    match row.status {
        Status::Fail => Some(format!("{} fails: {}", row.id, row.title)),
        Status::Misleading => Some(format!("{} passes misleadingly: {}", row.id, row.because)),
        Status::Unknown if decides => Some(format!("{} is not established: {}", row.id, row.title)),
        _ => None,
    }
}

/// A waiver that no longer holds, of an item that needs one. What was waived when the run began is
/// open again when the waiver ends.
fn expired(row: &Row, case: &Case, at: &str) -> Option<String> {
    let waiver = waiver_of(case, row).filter(|_| row.status != Status::Pass)?;
    let why = match in_force(waiver, at) {
        Some(true) => return None,
        Some(false) => format!("expired at {}", waiver.expires),
        None => format!("has no instant as its end (`{}`)", waiver.expires),
    };
    Some(format!("the waiver of {} by {} {why} and does not count", row.id, waiver.owner))
}

fn note(row: &Row, decides: bool, case: &Case, at: &str) -> Option<String> {
    match row.status {
        Status::Waived => {
            let waiver = waiver_of(case, row).filter(|waiver| in_force(waiver, at) == Some(true))?;
            Some(format!("{} is waived by {} until {}: {}", row.id, waiver.owner, waiver.expires, waiver.reason))
        }
        Status::Unknown if !decides => Some(format!("{} is UNKNOWN: {}", row.id, row.title)),
        _ => None,
    }
}

fn warnings(case: &Case, verdict: &Verdict) -> Vec<String> {
    let unfit = |waiver: &Waiver| {
        let row = verdict.rows.iter().find(|row| row.id == waiver.item);
        let why = match row {
            None => "is no item of the policy",
            Some(row) if row.section == Section::HardStops => "is a hard stop, which cannot be waived",
            Some(row) if row.status == Status::Pass => "passes: take the waiver out",
            Some(_) => return None,
        };
        Some(format!("the waiver of {} by {} is not used: the item {why}", waiver.item, waiver.owner))
    };
    case.waivers.iter().filter_map(unfit).collect()
}

fn waiver_of<'a>(case: &'a Case, row: &Row) -> Option<&'a Waiver> {
    case.waivers.iter().find(|waiver| waiver.item == row.id)
}

/// Whether the waiver holds at `at`; `None` when one of the two is no instant.
pub(super) fn in_force(waiver: &Waiver, at: &str) -> Option<bool> {
    Some(instant(at)? < instant(&waiver.expires)?)
}

fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

fn of_seat<'a>(signatures: &'a [SeatSignature], seat: &'a str) -> impl Iterator<Item = &'a SeatSignature> {
    signatures.iter().filter(move |signature| signature.seat.as_deref() == Some(seat))
}

fn seat_state(case: &Case, signatures: &[SeatSignature], seat: &str) -> SeatState {
    let counts = of_seat(signatures, seat).find(|signature| signature.standing == Standing::Verified);
    SeatState {
        seat: seat.to_owned(),
        principal: case.seats.get(seat).cloned().unwrap_or_default(),
        key: counts.and_then(|signature| signature.key.clone()),
    }
}

fn missing(state: &SeatState, signatures: &[SeatSignature]) -> Option<String> {
    if state.key.is_some() {
        return None;
    }
    let who = format!("the seat {} ({})", state.seat, state.principal);
    let why = of_seat(signatures, &state.seat).find_map(|signature| match &signature.standing {
        Standing::Verified => None,
        Standing::Stranger(why) | Standing::Unchecked(why) | Standing::Bad(why) => Some(why),
    });
    Some(match why {
        Some(why) => format!("the signature of {who} does not count: {why}"),
        None => format!("{who} has not signed"),
    })
}

/// Two seats that must not be one person: by name whoever signed, by key once both did.
fn same([one, other]: &[String; 2], seats: &[SeatState]) -> Option<String> {
    let of = |name: &String| seats.iter().find(|state| state.seat == *name);
    let (one, other) = (of(one)?, of(other)?);
    let both = format!("the seats {} and {} must differ", one.seat, other.seat);
    if one.principal == other.principal {
        return Some(format!("{both}, and both are {}", one.principal));
    }
    let key = one.key.as_ref().filter(|key| Some(*key) == other.key.as_ref())?;
    Some(format!("{both}, and both signed with the key {key}"))
}

/// A signature that does not fit is a sign of tampering, whoever it claims to be of.
fn bad(signature: &SeatSignature) -> Option<String> {
    match &signature.standing {
        Standing::Bad(why) => Some(format!("{}: {why}", signature.file)),
        _ => None,
    }
}

/// What is wrong with the seats that `asked` names, as far as the case alone can tell: the seat and why.
pub(super) fn seat_problems<'a>(asked: &'a Signatures, case: &Case) -> Vec<(&'a str, String)> {
    let who = |seat: &String| case.seats.get(seat);
    let empty = asked.seats.iter().filter(|seat| who(seat).is_none());
    let mut found: Vec<_> = empty
        .map(|seat| (seat.as_str(), "must sign, and the case has no such seat: name who sits there under `seats:`"))
        .map(|(seat, why)| (seat, why.to_owned()))
        .collect();
    let same = asked.different.iter().filter(|[a, b]| who(a).is_some() && who(a) == who(b));
    found
        .extend(same.map(|[a, b]| (a.as_str(), format!("and `{b}` must be different people, and the case names one"))));
    found
}
