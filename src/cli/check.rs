//! `evidence check`: judges a run again, from what is sealed in it.

use anyhow::Result;

use crate::judge;
use crate::report;
use crate::seal;

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::screen::{Screen, tell};

/// Runs the verb.
///
/// # Errors
/// When there is no such run or it cannot be read.
pub fn run(place: &Place, screen: &Screen, args: &args::Check) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    let bundle = seal::read(&found.run)?;
    let facts: Vec<_> = bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect();
    let verdict = judge::judge(&bundle.policy, &facts, &bundle.case, &bundle.info.started_at);
    if verdict != bundle.verdict {
        tell("warning: the sealed verdict differs from this one; `evidence verify` tells where");
    }
    if screen.json {
        screen.value(&report::json::verdict(&verdict))?;
    } else {
        screen.text(&report::verdict(&verdict, &screen.style))?;
    }
    Ok(if verdict == bundle.verdict { verdict.outcome.into() } else { Exit::Mismatch })
}
