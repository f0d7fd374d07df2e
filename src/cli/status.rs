//! `evidence status`: reads every case and its newest run, and shows where all of them stand.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

use crate::base::{clock, text, yaml};
use crate::hygiene::{Masker, Raw};
use crate::judge::{self, Board, Own, State, Subject};
use crate::model::case::Case;
use crate::model::policy::Policy;
use crate::model::verdict::Closure;
use crate::render;
use crate::report;
use crate::seal;
use crate::verify;

use super::args::{self, StatusFormat};
use super::exit::Exit;
use super::place::{Place, RunPlace};
use super::screen::{Screen, chain};
use super::since;
use super::verify::Trusted;

/// Runs the verb.
///
/// # Errors
/// When `--as-of` is no instant, or standard output fails. A case that cannot be read is shown.
pub fn run(place: &Place, screen: &Screen, args: &args::Status) -> Result<Exit> {
    let now = match &args.as_of {
        None => clock::now(),
        Some(text) => instant(text)?,
    };
    let now = clock::stamp(now);
    let board = board(place, &now)?;
    let exit = exit(&board);
    match args.format {
        _ if screen.json => screen.value(&report::json::status(&board, &now, exit as u8))?,
        StatusFormat::Json => screen.value(&report::json::status(&board, &now, exit as u8))?,
        StatusFormat::Text => screen.text(&report::board(&board, &screen.style))?,
        StatusFormat::Mermaid => screen.text(&report::mermaid(&board))?,
        StatusFormat::Svg => screen.text(&report::svg(&board))?,
    }
    Ok(exit)
}

/// Where every case of the root stands as of `now`.
fn board(place: &Place, now: &str) -> Result<Board> {
    let trusted = Trusted::new(place, None, None);
    Ok(judge::board(place.cases()?.iter().map(|case| subject(place, &trusted, case, now)).collect()))
}

/// The cases that `case` requires and that are not closed, each in a sentence, and the exit code that
/// `status` has for the worst of them and of those behind them.
pub(super) fn waits_for(place: &Place, case: &Case) -> (Vec<String>, Option<Exit>) {
    let known = place.load_case(&place.case_folder(&case.case).to_string_lossy()).map(|loaded| loaded.case.requires);
    let required: BTreeSet<String> = case.requires.iter().cloned().chain(known.unwrap_or_default()).collect();
    if required.is_empty() {
        return (Vec::new(), None);
    }
    // Where the cases cannot be listed, none counts as closed.
    let board = board(place, &clock::stamp(clock::now())).unwrap_or_else(|_| judge::board(Vec::new()));
    let standing = |name: &str| board.cases.iter().find(|standing| standing.subject.case == name);
    let open = required.iter().filter(|name| standing(name).is_none_or(|standing| !standing.state.is_closed()));
    let open = open.map(|name| {
        let state = standing(name).map_or("not there", |standing| standing.state.word());
        format!("it requires {name}, which is {state}")
    });
    let open: Vec<String> = open.collect();
    let mut behind: Vec<&str> = required.iter().map(String::as_str).collect();
    let mut at = 0;
    while let Some(name) = behind.get(at) {
        let further = standing(name).into_iter().flat_map(|standing| &standing.subject.requires);
        let new: Vec<&str> = further.map(String::as_str).filter(|name| !behind.contains(name)).collect();
        behind.extend(new);
        at += 1;
    }
    let any = |state| behind.iter().any(|name| standing(name).is_some_and(|standing| standing.state == state));
    let exit = match () {
        () if open.is_empty() => None,
        () if any(State::Broken) => Some(Exit::Mismatch),
        () if any(State::Invalid) => Some(Exit::Usage),
        () => Some(Exit::NotEstablished),
    };
    (open, exit)
}

fn instant(text: &str) -> Result<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text);
    let parsed = parsed.with_context(|| format!("--as-of: `{text}` is no instant such as 2026-05-15T10:23:50Z"))?;
    Ok(parsed.with_timezone(&Utc))
}

/// One case with what its newest run says as of `now`.
fn subject(place: &Place, trusted: &Trusted, case: &str, now: &str) -> Subject {
    let mut subject = Subject {
        case: case.to_owned(),
        title: String::new(),
        requires: Vec::new(),
        run: None,
        age_seconds: None,
        own: Own::NoRun,
    };
    let loaded = match place.load_case(&place.case_folder(case).to_string_lossy()) {
        Ok(loaded) => loaded,
        Err(error) => {
            subject.own = Own::Invalid(text::visible(&chain(&error)).into_owned());
            return subject;
        }
    };
    subject.title = loaded.case.title;
    subject.requires = loaded.case.requires;
    match seal::runs(&loaded.folder) {
        Ok(mut runs) => {
            let Some(run) = runs.pop() else { return subject };
            // What a damaged or unsealed run says of itself is not to be relied on; its name is there.
            let began = clock::of_run(&run.name).map(clock::stamp);
            subject.age_seconds = began.and_then(|began| judge::age_seconds(&began, now));
            subject.own = if run.sealed {
                said(place, &run.path, &loaded.folder, &loaded.case.policy, trusted, now)
            } else {
                Own::Unsealed
            };
            subject.run = Some(run.name);
        }
        Err(error) => subject.own = Own::Broken(error.to_string()),
    }
    subject
}

/// What a sealed run says, after everything in it was hashed again and its verdict judged again;
/// `policy` is the one that the case names now.
fn said(place: &Place, run: &Path, folder: &Path, policy: &str, trusted: &Trusted, now: &str) -> Own {
    let inspection = seal::inspect(run);
    if !inspection.is_whole() {
        return Own::Broken(inspection.to_string());
    }
    let bundle = match seal::read(run) {
        Err(error) => return Own::Broken(error.to_string()),
        Ok(bundle) => bundle,
    };
    let closing = || verify::closing(run, &bundle, &inspection, trusted.trust(), now);
    let asks = bundle.policy.checklist.iter().any(|item| item.statement.is_some());
    let answered = asks.then(closing).filter(|closing| closing.is_closed() && !closing.answers.is_empty());
    let mut own = judge::outdated(&bundle, answered.map(|closing| closing.state), now);
    if let (Own::Judged { notes, .. }, Some(notice)) = (&mut own, render::origin(&bundle).notice()) {
        notes.push(format!("its record is {notice}"));
    }
    if let Own::Judged { closure: Closure::Closed | Closure::ClosedWithNotes, outdated, unsigned, notes, .. } = &mut own
    {
        notes.extend(since::policy_note(&bundle));
        let found = RunPlace { run: run.to_owned(), case_folder: folder.to_owned() };
        for change in since::changes(place, &found, &bundle).into_iter().filter(|change| change.of_case) {
            if change.matters { outdated.push(change.sentence) } else { notes.push(change.sentence) }
        }
        if bundle.case.policy == policy {
            match policy_now(place, policy).map(|policy| judge::under_policy(&bundle, &policy)) {
                Ok(Ok(note)) => notes.extend(note),
                Ok(Err(reasons)) => outdated.extend(reasons),
                Err(error) => notes.push(format!("its policy cannot be read now: {}", text::visible(&chain(&error)))),
            }
        } else {
            let was = text::visible(&bundle.case.policy);
            outdated
                .push(format!("it was judged by the policy {was}, and the case now names {}", text::visible(policy)));
        }
        if outdated.is_empty() {
            // Who did not sign, and what is wrong beside it.
            let closing = closing();
            unsigned.extend(if closing.is_closed() { Vec::new() } else { closing.reasons });
        }
    }
    own
}

/// The policy as a run would seal it now: masked, like the one that it is held against.
fn policy_now(place: &Place, name: &str) -> Result<Policy> {
    let (_, bytes) = place.policy(name)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let masked = Masker::new().text(Raw::new(text)).into_inner();
    Ok(yaml::decode(Path::new("policy.yaml"), masked.as_bytes())?)
}

fn exit(board: &Board) -> Exit {
    match () {
        () if !board.in_state(State::Broken).is_empty() => Exit::Mismatch,
        () if !board.in_state(State::Invalid).is_empty() => Exit::Usage,
        () if board.cases.is_empty() || !board.waited_for().is_empty() || !board.cycles.is_empty() => {
            Exit::NotEstablished
        }
        () => Exit::Established,
    }
}
