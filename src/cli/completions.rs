//! `evidence completions`: what a shell needs to complete verbs and flags.

use anyhow::Result;
use clap::CommandFactory;

use super::args::{self, Cli};
use super::exit::Exit;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When standard output fails.
pub fn run(screen: &Screen, args: &args::Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "evidence", &mut script);
    screen.bytes(&script)?;
    Ok(Exit::Established)
}
