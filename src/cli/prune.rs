//! `evidence prune`: lists the runs that were interrupted, and with `--force` removes them. A sealed run is
//! never removed, nor one that is being made, nor one in which the controlled change was started: that
//! one is the evidence of it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::base::env;
use crate::cluster;
use crate::seal::{self, Unsealed};

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::screen::{self, Screen, tell};

/// Runs the verb.
///
/// # Errors
/// When a case is not there, its runs cannot be read, or one cannot be removed.
pub fn run(place: &Place, screen: &Screen, args: &args::Prune) -> Result<Exit> {
    let folders = match args.cases.as_slice() {
        [] => place.cases()?.iter().map(|case| place.case_folder(case)).collect::<Vec<PathBuf>>(),
        named => named.iter().map(|case| place.find_case(case)).collect::<Result<_>>()?,
    };
    if args.force {
        screen::tell_swept(&cluster::sweep(&env::temporary_folder()));
    }
    let mut found = Vec::new();
    let mut failed = false;
    for folder in folders {
        // Held until its runs are removed.
        let (unsealed, _lock) = match seal::unsealed(&folder).with_context(|| folder.display().to_string()) {
            Ok(found) => found,
            Err(error) => {
                tell(&format!("error: {}", screen::chain(&error)));
                failed = true;
                continue;
            }
        };
        for one in unsealed {
            if args.force {
                seal::remove(&one)?;
            }
            found.push(one);
        }
    }
    show(screen, &found, args.force)?;
    Ok(if failed { Exit::Usage } else { Exit::Established })
}

fn show(screen: &Screen, found: &[Unsealed], forced: bool) -> Result<()> {
    if screen.json {
        let rows: Vec<_> = found.iter().map(|one| row(one, forced)).collect();
        screen.value(&json!({ "schema": "evidence-prune/1", "runs": rows }))?;
        return Ok(());
    }
    let mut out = String::new();
    for one in found {
        let Unsealed { run, facts, bytes, stays, scratch } = one;
        let what = match stays {
            Some(why) => format!("stays: {why}"),
            None if forced => "removed".to_owned(),
            None => "would be removed".to_owned(),
        };
        let scratch = if *scratch { ", with a scratch folder" } else { "" };
        let plural = if *facts == 1 { "" } else { "s" };
        out.push_str(&format!("{}  {facts} fact{plural}, {bytes} bytes{scratch}: {what}\n", run.path.display()));
    }
    let removable = found.iter().filter(|one| one.stays.is_none()).count();
    out.push_str(&match (removable, forced) {
        (0, _) => "no interrupted run to remove\n".to_owned(),
        (1, true) => "1 interrupted run removed\n".to_owned(),
        (count, true) => format!("{count} interrupted runs removed\n"),
        (count, false) => format!("{count} to remove; nothing was removed: add --force to do it\n"),
    });
    screen.text(&out)?;
    Ok(())
}

fn row(one: &Unsealed, forced: bool) -> serde_json::Value {
    json!({
        "run": one.run.path, "facts": one.facts, "bytes": one.bytes, "scratch": one.scratch,
        "stays": one.stays, "removed": forced && one.stays.is_none(),
    })
}
