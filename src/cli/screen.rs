//! What people and pipes see: standard output for results, standard error for progress and errors.
//! A reader that closes its end early is no error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::base::{env, text};
use crate::hygiene;
use crate::render::Origin;
use crate::report::Style;

use super::args::{Global, When};

/// Where results go, and how.
pub struct Screen {
    /// How text is laid out.
    pub style: Style,
    /// Whether a machine reads.
    pub json: bool,
}

impl Screen {
    /// As the arguments and the terminal have it.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let quiet = env::var("NO_COLOR").is_some_and(|v| !v.is_empty());
        let colour = match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !quiet,
        };
        Self { style: Style { colour, width: width(terminal) }, json: global.json }
    }

    /// Prints `text` as it is.
    ///
    /// # Errors
    /// When standard output fails for another reason than a closed pipe.
    pub fn text(&self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Says that a record is rendered by a template that is not built in, if it is.
    ///
    /// # Errors
    /// When standard output fails.
    pub fn origin(&self, origin: &Origin) -> io::Result<()> {
        let Some(notice) = origin.notice() else { return Ok(()) };
        let words = format!("warning: the record is {notice}");
        if self.json {
            tell(&words);
            return Ok(());
        }
        self.text(&format!("{}\n", text::visible(&words)))
    }

    /// Prints `value` as JSON and a line feed.
    ///
    /// # Errors
    /// When standard output fails for another reason than a closed pipe.
    pub fn value<T: Serialize>(&self, value: &T) -> io::Result<()> {
        let mut json = serde_json::to_vec_pretty(value)?;
        json.push(b'\n');
        self.bytes(&json)
    }

    /// Prints bytes as they are.
    ///
    /// # Errors
    /// When standard output fails for another reason than a closed pipe.
    pub fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// An error with its causes in one line; a cause that the text before it quotes is not repeated.
#[must_use]
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Tells a person something on standard error; secrets masked, terminal escapes made visible.
pub fn tell(message: &str) {
    let masked = hygiene::mask_str(message);
    for line in masked.lines() {
        let _ = writeln!(io::stderr(), "{}", text::visible(line));
    }
}

/// Says what killed runs had left behind and what became of it.
pub fn tell_swept(swept: &[crate::cluster::Swept]) {
    for one in swept {
        let folder = one.folder.display();
        let done = if one.gone { "removed" } else { "could not be removed; remove it by hand:" };
        tell(&format!("a killed run left a server behind ({} processes): {done} {folder}", one.processes));
    }
}

/// Tells a person who waits at a terminal what goes on; nobody else.
pub fn note(message: &str) {
    if io::stderr().is_terminal() {
        tell(message);
    }
}

/// The terminal's width in columns; a fixed one for pipes, so that their content does not depend
/// on where they run.
fn width(terminal: bool) -> usize {
    const PIPE: usize = 120;
    if !terminal {
        return PIPE;
    }
    rustix::termios::tcgetwinsize(io::stdout()).map_or(PIPE, |size| usize::from(size.ws_col).max(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_is_quoted_already_is_not_said_twice() {
        let error = anyhow::anyhow!("no room").context("cannot write a.md: no room").context("b");
        assert_eq!(chain(&error), "b: cannot write a.md: no room");
        assert_eq!(chain(&anyhow::anyhow!("x").context("y")), "y: x");
    }
}
