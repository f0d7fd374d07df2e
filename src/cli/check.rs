//! `evidence check`: judges a run again, from what is sealed in it.

use anyhow::Result;

use crate::base::clock;
use crate::judge;
use crate::render;
use crate::report;
use crate::seal;
use crate::verify;

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::screen::{Screen, tell};
use super::since;
use super::status;
use super::verify::{Trusted, is_of_interest};

/// Runs the verb.
///
/// # Errors
/// When there is no such run or it cannot be read.
pub fn run(place: &Place, screen: &Screen, args: &args::Check) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    let bundle = verify::sound(&found.run)?;
    let verdict = judge::again(&bundle);
    let changed = since::changes(place, &found, &bundle);
    changed.iter().for_each(|change| tell(&format!("warning: {}", change.sentence)));
    since::policy_note(&bundle).into_iter().for_each(|note| tell(&format!("note: {note}")));
    let trusted = Trusted::new(place, args.allowed_signers.as_deref(), None);
    let now = clock::stamp_seconds(clock::now());
    let mut closing = verify::closing(&found.run, &bundle, &seal::inspect(&found.run), trusted.trust(), &now);
    let required = args.require_closed.then(|| status::waits_for(place, &bundle.case));
    let (waits, behind) = required.unwrap_or_default();
    waits.into_iter().for_each(|reason| closing.reopen(reason));
    screen.origin(&render::origin(&bundle))?;
    if args.require_closed {
        changed.into_iter().filter(|change| change.matters).for_each(|change| closing.reopen(change.sentence));
    }
    if screen.json {
        screen.value(&report::json::judged(&verdict, &closing))?;
    } else {
        screen.text(&report::verdict(&verdict, &screen.style))?;
        if args.require_closed && !closing.is_closed() || is_of_interest(&closing, false) {
            screen.text(&format!("\n{}", report::closing(&closing, &screen.style)))?;
        }
    }
    Ok(match Exit::from(verdict.outcome) {
        // The verdict is of the facts; the seats answered what these left open.
        Exit::NotEstablished if args.require_closed && closing.is_closed() && !closing.answers.is_empty() => {
            Exit::Established
        }
        Exit::Established if args.require_closed && !closing.is_closed() => behind.unwrap_or(Exit::NotEstablished),
        exit => exit,
    })
}
