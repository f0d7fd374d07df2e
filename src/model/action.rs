//! The governed action: the one command of a case that may change something. `evidence run` starts
//! it between two looks and only when no hard stop fires; no other verb does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::quantity;

use super::case::CaseError;
use super::value;

/// The id of the fact that tells how the action went.
pub const ACTION: &str = "action";
/// The id of the fact that tells what was different afterwards.
pub const SIDE_EFFECTS: &str = "side_effects";
/// What the id of a step's second fact ends in, when the step is collected before and after.
pub const AFTER: &str = "-after";

/// `action:` of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Governed {
    /// One line for people: what it does.
    pub title: String,
    /// The program and its arguments; with `shell: true` one line for `/bin/sh -c`.
    pub command: Command,
    /// Whether a shell reads the command.
    #[serde(default)]
    pub shell: bool,
    /// The folder it runs in; relative ones start from the case's folder, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Variables of ours that it may see besides PATH, HOME, USER, LOGNAME, TMPDIR and TZ; a final
    /// `*` matches any ending.
    #[serde(default)]
    pub env: Vec<String>,
    /// Variables that are set for it; `LC_ALL` is `C` unless it is set here.
    #[serde(default, deserialize_with = "value::unique")]
    pub set: BTreeMap<String, String>,
    /// Its time limit, e.g. `30m`; then its whole process group is ended.
    #[serde(default = "one_hour")]
    pub limit: String,
    /// Where side effects are looked for.
    #[serde(default)]
    pub watch: Watch,
}

/// A program with its arguments, or a line for a shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a list of a program and its arguments, or a line when `shell: true`")]
pub enum Command {
    /// A program and its arguments.
    Words(Vec<String>),
    /// A line for a shell.
    Line(String),
}

/// Where side effects are looked for; relative paths start from the case's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Folders, with everything below them: which files are new, changed, gone.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Log files: which lines were added.
    #[serde(default)]
    pub logs: Vec<String>,
}

/// When a step is collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the action.
    #[default]
    Before,
    /// After it.
    After,
    /// Before it as `ID` and after it as `ID-after`.
    Both,
}

fn one_hour() -> String {
    "1h".to_owned()
}

impl Governed {
    /// What is started: the program, then its arguments.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        match &self.command {
            Command::Words(words) => words.clone(),
            Command::Line(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
        }
    }

    /// The time limit in seconds.
    #[must_use]
    pub fn limit_seconds(&self) -> f64 {
        quantity::parse_seconds(&self.limit).unwrap_or_default()
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), CaseError> {
        let wrong =
            |key: &str, message: &str| Err(CaseError { key: format!("action.{key}"), message: message.to_owned() });
        match (&self.command, self.shell) {
            (Command::Words(_), true) => return wrong("command", "with `shell: true` it is one line of text"),
            (Command::Line(_), false) => {
                return wrong("command", "write it as a list, `[program, argument]`; a line needs `shell: true`");
            }
            (Command::Words(words), _) if words.first().is_none_or(|program| program.trim().is_empty()) => {
                return wrong("command", "names no program");
            }
            (Command::Line(line), _) if line.trim().is_empty() => return wrong("command", "is empty"),
            _ => {}
        }
        if self.argv().iter().chain(self.set.values()).any(|text| text.contains('\0')) {
            return wrong("command", "no program can be given a NUL character");
        }
        if self.title.trim().is_empty() {
            return wrong("title", "say in one line what it does");
        }
        let is_variable = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        if !self.env.iter().chain(self.set.keys()).all(|name| is_variable(name)) {
            return wrong("env", "the name of a variable is not empty and has no `=`");
        }
        if self.env.iter().any(|name| name.starts_with('*')) {
            return wrong("env", "name the variables; `*` alone would let everything through");
        }
        match quantity::parse_seconds(&self.limit) {
            Ok(seconds) if seconds > 0.0 && seconds <= 30.0 * 86_400.0 => Ok(()),
            _ => wrong("limit", "expected a duration such as `30m`, at most 30 days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::yaml;

    fn read(text: &str) -> Result<Governed, String> {
        let action: Governed = yaml::decode(Path::new("a"), text.as_bytes()).map_err(|e| e.to_string())?;
        action.validate().map_err(|e| e.to_string())?;
        Ok(action)
    }

    #[test]
    fn a_shell_only_where_the_case_says_so() {
        let plain = read("{ title: t, command: [pg-backup.sh, --once] }").unwrap();
        assert_eq!((plain.argv(), plain.limit_seconds()), (vec!["pg-backup.sh".into(), "--once".into()], 3600.0));
        let shell = read("{ title: t, command: 'a | b', shell: true }").unwrap();
        assert_eq!(shell.argv(), ["/bin/sh", "-c", "a | b"]);
        for (text, word) in [
            ("{ title: t, command: 'a | b' }", "shell: true"),
            ("{ title: t, command: [a], shell: true }", "one line"),
            ("{ title: t, command: [] }", "no program"),
            ("{ title: '', command: [a] }", "title"),
            ("{ title: t, command: [a], limit: soon }", "action.limit"),
            ("{ title: t, command: [a], limit: 0s }", "action.limit"),
            ("{ title: t, command: [a], env: ['*'] }", "action.env"),
            ("{ title: t, command: [a], set: { 'A=B': c } }", "action.env"),
            ("{ title: t, command: 7 }", "list of a program"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
