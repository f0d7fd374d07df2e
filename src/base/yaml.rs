//! The one door for YAML. Files from people come in typed, with unknown and duplicate keys refused
//! and the place named; YAML goes out only as quoted scalars that every reader understands alike.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::files::{self, ReadError};
use super::text;
use super::yaml_bounds;

/// Cases and policies are written by hand; a larger file is a mistake or an attack.
const LIMIT: u64 = 1 << 20;

/// Why a YAML file was refused.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not what the reader expects.
    #[error("{}: {message}", place(.path, *.line, *.column))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when unknown.
        line: usize,
        /// The column, from 1; 0 when unknown.
        column: usize,
        /// What is wrong and what to do.
        message: String,
    },
}

fn place(path: &Path, line: usize, column: usize) -> String {
    let path = path.display();
    if line == 0 { path.to_string() } else { format!("{path}:{line}:{column}") }
}

/// Reads and decodes the file at `path`; gives its bytes too, so that they can be sealed as read.
///
/// # Errors
/// When it cannot be read or is not a valid `T`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, Vec<u8>), YamlError> {
    let bytes = files::read(path, LIMIT)?;
    let value = decode(path, &bytes)?;
    Ok((value, bytes))
}

/// Decodes `bytes`; `path` is only named in errors.
///
/// # Errors
/// When they are not a valid `T`.
pub fn decode<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, YamlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::NotText { path: path.to_owned() })?;
    let invalid = |line, column, message| YamlError::Invalid { path: path.to_owned(), line, column, message };
    if let Some(line) = text.lines().position(|l| l.contains('\t') && l.trim_start_matches(' ').starts_with('\t')) {
        return Err(invalid(line + 1, 1, "YAML is indented with spaces, not tabs".to_owned()));
    }
    yaml_bounds::check(text).map_err(|(line, message)| invalid(line, 1, message))?;
    serde_yaml::from_str(text).map_err(|error| {
        let message = error.to_string();
        let place = second_key(text, &message).or_else(|| error.location().map(|l| (l.line(), l.column())));
        let (line, column) = place.unwrap_or_default();
        invalid(line, column, explain(&message))
    })
}

/// Where a duplicate top-level key stands for the second time: the decoder names only the start of
/// the map.
fn second_key(text: &str, message: &str) -> Option<(usize, usize)> {
    let key = message.strip_prefix("duplicate field `")?.split('`').next()?;
    let stands = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let mut lines = text.lines().enumerate().filter(|(_, line)| stands(line));
    lines.nth(1).map(|(index, _)| (index + 1, 1))
}

/// The decoder's message, without its own copy of the place, and with a suggestion for a name
/// that was probably mistyped.
#[must_use]
pub fn explain(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    // The decoder names its own type where it expected a map.
    let message = match message.split_once("expected struct ") {
        Some((found, _)) => &format!("{found}expected a map of keys and values"),
        None => message,
    };
    let mut names = message.split('`').skip(1).step_by(2);
    let hint = match names.next() {
        Some(typed) if message.contains("unknown field") || message.contains("unknown variant") => {
            text::did_you_mean(typed, names)
        }
        _ => String::new(),
    };
    format!("{}{hint}", text::visible(&without_value(message)))
}

/// The message without the text that stood in the file: a password in the wrong place is no name
/// or shape that masking could know.
fn without_value(message: &str) -> String {
    let value = message
        .split_once(": string \"")
        .and_then(|(before, rest)| Some((before, rest.rsplit_once("\", expected")?.1)));
    value.map_or_else(|| message.to_owned(), |(before, wanted)| format!("{before}: text, expected{wanted}"))
}

/// `text` as a YAML scalar that reads the same under YAML 1.1 and 1.2: plain where no reader can
/// take it for anything but text, double-quoted otherwise. Never more than one line.
#[must_use]
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./+@%(),".contains(c))
        && !text.ends_with(' ')
        && !text.contains("  ")
        && !text.contains(" #")
        && !is_reserved(text)
}

/// Words that YAML 1.1 or 1.2 readers take for booleans, nulls or numbers.
fn is_reserved(text: &str) -> bool {
    const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// `text` as a double-quoted YAML scalar on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if text::is_unsafe(c) && (c as u32) > 0xffff => drop(write!(out, "\\U{:08x}", c as u32)),
            // Readers of YAML refuse these two, although they are characters.
            c if text::is_unsafe(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "template")]
        _template: String,
    }

    fn error(text: &str) -> String {
        decode::<Sample>(Path::new("case.yaml"), text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn names_place_and_suggestion() {
        assert_eq!(
            error("temlate: x\n"),
            "case.yaml:1:1: unknown field `temlate`, expected `template` (did you mean `template`?)"
        );
        assert!(error("template: a\ntemplate: b\n").contains("duplicate"));
        assert!(error("template:\n\tx: 1\n").contains("spaces, not tabs"));
        assert!(error("template: [").starts_with("case.yaml:"));
    }

    #[test]
    fn refuses_bombs() {
        let deep = "[".repeat(100_000);
        assert!(decode::<serde_yaml::Value>(Path::new("d"), deep.as_bytes()).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let refs = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert!(decode::<serde_yaml::Value>(Path::new("b"), bomb.as_bytes()).is_err());
    }

    #[test]
    fn quotes_what_readers_disagree_on() {
        for text in ["no", "on", "12:30:45", "2026-11-21", "017", "1e3", "", "~", "- x", "a: b", "#x", "null", "=", "."]
        {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
        assert_eq!(scalar("/srv/backups/app.sql.gz"), "/srv/backups/app.sql.gz");
        assert_eq!(scalar("a\nb"), "\"a\\nb\"");
    }

    #[test]
    fn characters_that_readers_refuse_are_escaped() {
        assert_eq!(scalar("\u{fffe}\u{ffff}"), "\"\\ufffe\\uffff\"");
    }

    proptest! {
        #[test]
        fn a_scalar_reads_back_as_the_same_text(text in ".*") {
            let line = format!("key: {}\n", scalar(&text));
            prop_assert_eq!(line.lines().count(), 1);
            let back: std::collections::BTreeMap<String, String> = serde_yaml::from_str(&line).unwrap();
            prop_assert_eq!(&back["key"], &text);
        }
    }
}
