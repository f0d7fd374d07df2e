//! `evidence explain`: the reference, at the prompt.

use anyhow::{Result, bail};

use crate::base::text;

use super::args;
use super::exit::Exit;
use super::reference;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When nothing has that name; the message suggests one.
pub fn run(screen: &Screen, args: &args::Explain) -> Result<Exit> {
    let Some(entry) = reference::entry(&args.name) else {
        let names = reference::names();
        let hint = text::did_you_mean(&args.name, names.iter().map(String::as_str));
        bail!("nothing is called `{}`{hint}; there are: {}", args.name, names.join(", "));
    };
    if screen.json {
        screen.value(&serde_json::json!({"name": args.name, "markdown": entry}))?;
    } else {
        screen.text(&entry)?;
    }
    Ok(Exit::Established)
}
