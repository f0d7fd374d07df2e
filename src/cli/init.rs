//! `evidence init`: a commented case that passes `plan` as it is.

use anyhow::{Context as _, Result, bail};

use crate::base::{assets, files};
use crate::model::case::is_name;
use crate::report;

use super::args::{self, Kind};
use super::exit::Exit;
use super::place::Place;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When the name is no case name, or the case is there already.
pub fn run(place: &Place, screen: &Screen, args: &args::Init) -> Result<Exit> {
    if !is_name(&args.case) {
        bail!("`{}`: a case's name has lower-case letters, digits, `-` and `_`, and begins with a letter", args.case);
    }
    let path = place.case_folder(&args.case).join("case.yaml");
    if path.exists() {
        bail!("{}: is there already; nothing was changed", path.display());
    }
    let kind = match args.from {
        Kind::Closure => "closure",
        Kind::Backup => "backup",
        Kind::Incident => "incident",
        Kind::Verification => "verification",
        Kind::Hardening => "hardening",
        Kind::RestoreTest => "restore-test",
        Kind::PostExecution => "post-execution",
    };
    let starter = assets::starter(kind).context("this build lacks its starters")?;
    files::make_folder(&place.case_folder(&args.case))?;
    files::write(&path, starter.replace("CASE", &args.case).as_bytes())?;
    if screen.json {
        screen.value(&report::json::begun(&args.case, &path))?;
    } else {
        let next = format!("next: edit it, then `{}`\n", place.command("plan", &args.case));
        screen.text(&format!("made  {}\n{next}", path.display()))?;
    }
    Ok(Exit::Established)
}
