//! `evidence diff`: two sealed runs side by side.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::model::bundle::Bundle;
use crate::model::diff;
use crate::model::fact::Fact;
use crate::report::{self, Compared};
use crate::seal;

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::screen::{Screen, tell};

/// Runs the verb.
///
/// # Errors
/// When there are no two such runs, or one cannot be read.
pub fn run(place: &Place, screen: &Screen, args: &args::Diff) -> Result<Exit> {
    let (before, after) = two_runs(place, &args.runs)?;
    let damage = [&before, &after].map(|run| (run, seal::inspect(run)));
    let (before, after) = (seal::read(&before)?, seal::read(&after)?);
    let compared = compare(&before, &after);
    if screen.json {
        screen.value(&report::json::difference(&compared))?;
    } else {
        screen.text(&report::difference(&compared, &screen.style))?;
    }
    let mut exit = if compared.is_equal() { Exit::Established } else { Exit::Failed };
    for (run, found) in damage.iter().filter(|(_, found)| !found.is_whole()) {
        tell(&format!("warning: {}: damaged: {found}; `evidence verify` tells more", run.display()));
        exit = Exit::Mismatch;
    }
    Ok(exit)
}

fn two_runs(place: &Place, named: &[String]) -> Result<(PathBuf, PathBuf)> {
    if let [before, after] = named {
        return Ok((place.find_run(before)?.run, place.find_run(after)?.run));
    }
    let case = named.first().map_or("", String::as_str);
    let folder = place.find_case(case).context("one name alone is a case, whose last two runs are compared")?;
    let mut runs = seal::runs(&folder)?;
    match (runs.pop(), runs.pop()) {
        (Some(after), Some(before)) => Ok((before.path, after.path)),
        (Some(_), None) => bail!("case `{case}` has one run only; `{}` makes another", place.command("collect", case)),
        _ => bail!("case `{case}` has no run; `{}` makes one", place.command("collect", case)),
    }
}

fn compare(before: &Bundle, after: &Bundle) -> Compared {
    let facts = |bundle: &Bundle| bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect::<Vec<Fact>>();
    let name = |bundle: &Bundle| (bundle.case.case.clone(), bundle.info.run.clone(), bundle.digest.clone());
    Compared {
        before: name(before),
        after: name(after),
        outcomes: (before.verdict.outcome, after.verdict.outcome),
        items: diff::items(&before.verdict, &after.verdict),
        facts: diff::runs(&facts(before), &facts(after)),
    }
}
