//! Arguments, one file per verb, and what ends on a screen. The only room that prints.

mod args;
mod attest;
mod check;
mod collect;
mod completions;
mod demo;
mod diff;
mod examine;
pub mod exit;
mod explain;
mod init;
mod interrupt;
mod mask;
mod own_rules;
mod pipeline;
mod place;
mod plan;
mod progress;
mod prune;
pub mod reference;
mod render;
mod rules;
mod run;
mod scan;
mod schema;
mod screen;
mod sign;
mod since;
mod status;
mod timestamp;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::base::{process, signal};

use self::args::{Cli, Verb};
use self::exit::Exit;
use self::place::Place;
use self::screen::{Screen, tell};
use crate::verify::Unsound;

/// Parses the arguments, runs the verb and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return misunderstood(&refused),
    };
    process::forbid_core_dumps();
    signal::on_end(interrupt::tell_last);
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&format!("error: {}", screen::chain(&error)));
            match error.downcast_ref::<Unsound>() {
                Some(Unsound::Broken(_)) => Exit::Mismatch.into(),
                _ => Exit::Usage.into(),
            }
        }
    }
}

/// Help and version as they are; an error without the secrets and terminal escapes that the
/// arguments may hold, since it repeats them.
fn misunderstood(refused: &clap::Error) -> ExitCode {
    if refused.use_stderr() {
        tell(refused.render().to_string().trim_end());
        return Exit::Usage.into();
    }
    // A closed pipe is no error.
    let _ = refused.print();
    Exit::Established.into()
}

fn run(cli: &Cli) -> Result<Exit> {
    let screen = Screen::new(&cli.global);
    let place = Place::new(&cli.global.root);
    if !matches!(cli.verb, Verb::Scan(_)) {
        own_rules::apply(&place)?;
    }
    match &cli.verb {
        Verb::Demo(args) => demo::run(&screen, args),
        Verb::Init(args) => init::run(&place, &screen, args),
        Verb::Examine(args) => examine::run(&screen, args),
        Verb::Plan(args) => plan::run(&place, &screen, args),
        Verb::Collect(args) => collect::run(&place, &screen, args),
        Verb::Run(args) => run::run(&place, &screen, args),
        Verb::Check(args) => check::run(&place, &screen, args),
        Verb::Prune(args) => prune::run(&place, &screen, args),
        Verb::Diff(args) => diff::run(&place, &screen, args),
        Verb::Status(args) => status::run(&place, &screen, args),
        Verb::Render(args) => render::run(&place, &screen, args),
        Verb::Verify(args) => verify::run(&place, &screen, args),
        Verb::Sign(args) => sign::run(&place, &screen, args),
        Verb::Attest(args) => attest::run(&place, &screen, args),
        Verb::Timestamp(args) => timestamp::run(&place, &screen, args),
        Verb::Scan(args) => scan::run(&screen, args),
        Verb::Mask(args) => mask::run(&screen, args),
        Verb::Rules(args) => rules::run(&screen, args),
        Verb::Schema(args) => schema::run(&screen, args),
        Verb::Explain(args) => explain::run(&place, &screen, args),
        Verb::Completions(args) => completions::run(&screen, args),
    }
}
