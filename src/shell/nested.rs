//! Commands that carry a script of their own: `sh -c '…'`, `docker exec db sh -c '…'`, `su -c '…'`,
//! `ssh host '…'`, and a shell that reads a here-document. What such a script does with a failure is
//! decided by its own options, not by those of the script around it: `pipefail` does not reach into it.

use super::dialect::{Dialect, Options};
use super::programs;
use super::tree::{Part, Redirect, Simple, Word};

/// The script that a command carries.
pub struct Carried {
    /// Its text; `None` when the text is only known when the command runs.
    pub text: Option<String>,
    /// The options that the shell starts with.
    pub options: Options,
    /// The shell.
    pub dialect: Dialect,
}

/// What stands in the text for an expansion that is only known when the command runs.
const UNKNOWN: &str = "_unknown_";

/// Options of `ssh` that take a value.
const SSH_VALUES: &str = "bBcDEeFIiJLlmOopPQRSWw";

/// Returns the script that a command carries, if it carries one.
pub fn carried(simple: &Simple, redirects: &[Redirect]) -> Option<Carried> {
    let (name, arguments) = programs::program(simple)?;
    let document = || redirects.iter().rev().find(|redirect| redirect.here).map(|redirect| &redirect.word);
    match name.as_str() {
        "su" | "runuser" => flagged(arguments, &["-c", "--command"]).map(|code| script(Dialect::Bash, code)),
        "ssh" => ssh(arguments, document),
        _ if shell(&name).is_some() => started(shell(&name)?, arguments, document),
        _ => arguments.iter().enumerate().find_map(|(at, word)| {
            let dialect = shell(word.literal()?.rsplit('/').next()?)?;
            started(dialect, &arguments[at + 1..], document)
        }),
    }
}

/// The shell of this name.
fn shell(name: &str) -> Option<Dialect> {
    match name {
        "bash" => Some(Dialect::Bash),
        "sh" | "dash" | "ash" => Some(Dialect::Sh),
        "ksh" | "zsh" | "mksh" => Some(Dialect::Other),
        _ => None,
    }
}

/// The script of a shell that is started with `arguments`: the word after `-c`, or a here-document.
fn started<'a>(
    dialect: Dialect,
    arguments: &'a [Word],
    document: impl FnOnce() -> Option<&'a Word>,
) -> Option<Carried> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    let (mut has_code, mut reads_input) = (false, true);
    while let Some(word) = words.clone().next() {
        let raw = word.raw.as_str();
        let letters = raw.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'));
        let Some(letters) = letters else {
            if raw.starts_with("--") {
                words.next();
                continue;
            }
            break;
        };
        words.next();
        has_code |= letters.contains('c');
        let mut values = std::iter::from_fn(|| letters.contains('o').then(|| words.next()).flatten());
        options.letters(letters, true, &mut values.by_ref().map(|word| word.raw.as_str()));
    }
    let first = words.next();
    if has_code {
        return first.map(|code| Carried { options, ..script(dialect, text(code)) });
    }
    reads_input &= first.is_none();
    let document = document().filter(|_| reads_input)?;
    Some(Carried { options, ..script(dialect, text(document)) })
}

/// The script of `ssh`, which the login shell there runs (bash is assumed): the words after the host, joined as the other side reads them.
fn ssh<'a>(arguments: &'a [Word], document: impl FnOnce() -> Option<&'a Word>) -> Option<Carried> {
    let mut words = arguments.iter();
    loop {
        let raw = words.next()?.raw.as_str();
        let Some(letters) = raw.strip_prefix('-') else { break };
        // `-p 22` takes the next word, `-p22` holds its value.
        if letters.chars().last().is_some_and(|last| SSH_VALUES.contains(last)) && letters.len() == 1 {
            words.next();
        }
    }
    let rest = words.as_slice();
    let Some(first) = rest.first() else { return document().map(|word| script(Dialect::Bash, text(word))) };
    if let Some(dialect) = first.literal().as_deref().and_then(|name| shell(name.rsplit('/').next().unwrap_or(name)))
        && rest.iter().all(|word| word.literal().is_some_and(|text| !text.contains(char::is_whitespace)))
    {
        return started(dialect, &rest[1..], document);
    }
    let texts: Option<Vec<String>> = rest.iter().map(text).collect();
    Some(script(Dialect::Bash, texts.map(|texts| texts.join(" "))))
}

fn flagged(arguments: &[Word], flags: &[&str]) -> Option<Option<String>> {
    let at = arguments.iter().position(|word| flags.contains(&word.raw.as_str()))?;
    Some(text(arguments.get(at + 1)?))
}

fn script(dialect: Dialect, text: Option<String>) -> Carried {
    Carried { text, options: Options::default(), dialect }
}

/// The text of a word with a placeholder for each expansion; `None` when an expansion begins it, since it
/// may then hold the commands themselves.
fn text(word: &Word) -> Option<String> {
    let starts_unknown = word.parts.iter().find(|part| !matches!(part, Part::Text(text, _) if text.is_empty()));
    if !matches!(starts_unknown, Some(Part::Text(..))) {
        return None;
    }
    let piece = |part: &Part| match part {
        Part::Text(text, _) => text.clone(),
        _ => UNKNOWN.to_owned(),
    };
    Some(word.parts.iter().map(piece).collect())
}
