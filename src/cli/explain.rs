//! `evidence explain`: the reference, at the prompt.

use anyhow::{Result, bail};
use clap::CommandFactory as _;

use crate::base::text;
use crate::hygiene;
use crate::model::case::is_name;
use crate::report;

use super::args::{self, Cli};
use super::exit::Exit;
use super::place::Place;
use super::reference;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When nothing has that name; the message suggests one.
pub fn run(place: &Place, screen: &Screen, args: &args::Explain) -> Result<Exit> {
    let own = in_force(place, &args.name)?;
    let Some(entry) =
        own.or_else(|| reference::entry(&args.name)).or_else(|| reference::entry(&args.name.to_lowercase()))
    else {
        bail!("{}", unknown(&args.name));
    };
    if screen.json {
        screen.value(&report::json::explanation(&args.name, &entry))?;
    } else {
        screen.text(&entry)?;
    }
    Ok(Exit::Established)
}

/// The root's own policy of that name: it is the one that cases of the root are judged by.
fn in_force(place: &Place, name: &str) -> Result<Option<String>> {
    if !is_name(name) || !place.has_own_policy(name) {
        return Ok(None);
    }
    let (policy, bytes) = place.policy(name)?;
    let file = place.policy_file(name);
    let note = match place.replaced(name, &bytes) {
        Some(replaced) => format!("{}\n\n", replaced.sentence()),
        None => String::new(),
    };
    let text = hygiene::mask_str(&String::from_utf8_lossy(&bytes));
    Ok(Some(format!("# Policy {name}, from {file}\n\n{note}{}\n\n```yaml\n{}\n```\n", policy.title, text.trim_end())))
}

/// What to type instead: the verb's own help, the names that begin the same, the near one, or where
/// all names stand.
fn unknown(name: &str) -> String {
    let verbs = Cli::command();
    if verbs.get_subcommands().any(|verb| verb.get_name() == name) {
        return format!("`{name}` is a command: `evidence {name} --help` explains it");
    }
    if name.parse::<u64>().is_ok() {
        return format!("there is no exit code {name}; `evidence explain exit-codes` lists them");
    }
    let names = reference::names();
    let family: Vec<_> = names.iter().filter(|known| known.starts_with(&format!("{name}."))).cloned().collect();
    if !family.is_empty() {
        return format!("nothing is called `{name}` alone; there are: {}", family.join(", "));
    }
    let hint = text::did_you_mean(name, names.iter().map(String::as_str));
    format!("nothing is called `{name}`{hint}; there are:{}", reference::listing())
}
