//! `script`: a shell script as a file, in chosen lines, and as what the shell does with it. The file
//! and its lines are read by `file` and `log`; here the text is read once more for the parser, and
//! when it is not the same text any more, nothing is said about it.

mod doc;
mod tell;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use crate::base::digest::Digest;
use crate::base::{files, text};
use crate::hygiene::Raw;
use crate::model::case::Step;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};
use crate::shell::dialect::{Dialect, Shebang};
use crate::shell::{self, rules::Analysis};

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, file, log, subject};

/// The collector.
pub struct ScriptCollector;

/// Longer scripts are not parsed.
const LONGEST: u64 = 1 << 20;
/// How long the parser may take; a hostile text can make it take for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// The parser calls itself for every level of nesting.
const STACK: usize = 256 << 20;
/// More brackets than this, one within the other, are not parsed.
const DEEPEST: usize = 150;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    shell: Option<String>,
    #[serde(default)]
    patterns: Map,
    context: Option<Value>,
    max_lines: Option<Value>,
}

struct Ready {
    path: PathBuf,
    shell: Option<String>,
    /// `log` when lines are chosen, else `file`.
    inner: Box<dyn Prepared>,
    lines: bool,
}

impl Collector for ScriptCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let lines = !with.patterns.is_empty();
        if !lines && (with.context.is_some() || with.max_lines.is_some()) {
            return Err(SettingError::new("with: `context` and `max_lines` are for lines that `patterns` choose"));
        }
        let path = settings.path(&with.path);
        let mut inner: Map = [("path".to_owned(), with.path.into())].into();
        if lines {
            inner.insert("patterns".into(), with.patterns.into());
            inner.extend(with.context.map(|value| ("context".to_owned(), value)));
            inner.extend(with.max_lines.map(|value| ("max_lines".to_owned(), value)));
        }
        let step = Step { with: inner, ..settings.step.clone() };
        let settings =
            Settings { case: settings.case, step: &step, folder: settings.folder, commands: settings.commands };
        let inner =
            if lines { log::LogCollector.prepare(&settings)? } else { file::FileCollector.prepare(&settings)? };
        Ok(Box::new(Ready { path, shell: with.shell, inner, lines }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        let mut plan = self.inner.plan();
        plan.push(Action::new(Verb::Read, self.how()));
        plan
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        self.inner.look(surroundings).map(|seen| self.see(seen).read_by(self.how()))
    }
}

impl Ready {
    fn how(&self) -> String {
        let name = text::from_name(&self.path);
        match &self.shell {
            Some(shell) => format!("{name}, read as `{shell}` would, not run"),
            None => format!("{name}, read as the shell of its first line would, not run"),
        }
    }

    /// What `file` or `log` saw, with what the parser says of the text.
    fn see(&self, mut seen: Observation) -> Observation {
        let promised = |name: &str| doc::DOC.values.iter().any(|(path, _)| path.split('.').next() == Some(name));
        seen.values.retain(|name, _| promised(name));
        seen.missing.retain(|name, _| promised(name.split('.').next().unwrap_or(name)));
        if !self.lines {
            let why = Absence::new(Reason::NotApplicable, "the case chooses no lines");
            for name in ["patterns", "excerpt", "excerpt_lines", "excerpt_left_out"] {
                seen.miss(name, why.clone());
            }
        }
        if seen.absence.is_some() {
            return seen;
        }
        if let Err(absence) = self.study(&mut seen) {
            subject::miss_the_rest(&mut seen, &doc::DOC, &absence);
        }
        seen
    }

    fn study(&self, seen: &mut Observation) -> Result<(), Absence> {
        let Some(digest) = seen.values.get("sha256").and_then(Value::as_text) else {
            let why = seen.missing.get("sha256").cloned();
            return Err(why.unwrap_or_else(|| Absence::new(Reason::Failed, "its content was not read")));
        };
        let bytes = self.content()?;
        if Digest::of(&bytes).to_string() != digest {
            return Err(subject::changed(&self.path));
        }
        let script = String::from_utf8(bytes).map_err(|_| self.unparsable("is not UTF-8 text"))?;
        seen.set("lines_total", script.lines().count());
        let shebang = Shebang::read(&script, self.shell.as_deref());
        if shebang.dialect == Dialect::Other {
            seen.set("shell", shebang.dialect.word());
            seen.set("shebang", shebang.written.unwrap_or_default());
            return Err(Absence::new(Reason::NotApplicable, "its interpreter is no shell that is known here"));
        }
        let analysis = analyse(script, self.shell.clone()).map_err(|what| match what {
            Some(what) => self.unparsable(&what),
            None => {
                let (name, seconds) = (text::from_name(&self.path), PATIENCE.as_secs());
                Absence::new(Reason::TimedOut, format!("{name}: could not be parsed and followed within {seconds}s"))
            }
        })?;
        tell::tell(&analysis, self, seen);
        Ok(())
    }

    fn content(&self) -> Result<Vec<u8>, Absence> {
        let name = text::from_name(&self.path);
        let settle = format!("sudo cat -- {}", text::shell_word(&name));
        let (file, _) = files::open(&self.path).map_err(|error| subject::absence(&error, &settle))?;
        let mut bytes = Vec::new();
        let failed = |e: std::io::Error| Absence::new(Reason::Failed, format!("{name}: {e}"));
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LONGEST {
            return Err(Absence::new(Reason::Limit, format!("{name}: longer than {LONGEST} bytes, not parsed")));
        }
        Ok(bytes)
    }

    fn unparsable(&self, what: &str) -> Absence {
        let name = text::from_name(&self.path);
        let absence = Absence::new(Reason::Unparsable, format!("{name}: {what}; nothing is known about it"));
        absence.settled_by(format!("bash -n -- {}", text::shell_word(&name)))
    }
}

/// Parses and follows a script, in a thread of its own: the text may be made to exhaust a stack, to
/// take for ever, or to trip the parser.
///
/// # Errors
/// What is the matter with it; `None` when it took too long.
fn analyse(script: String, shell: Option<String>) -> Result<Analysis, Option<String>> {
    // Each of several brackets in a row doubles what the parser tries.
    if depth(&script) > DEEPEST || script.contains("((((((") {
        return Err(Some("is nested deeper than anybody writes".to_owned()));
    }
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let read = shell::read(&script, shell.as_deref());
        let analysis = read.map(|script| shell::rules::analyse(&script)).map_err(|fault| fault.to_string());
        drop(sender.send(analysis));
    };
    let thread = thread::Builder::new().name("shell".into()).stack_size(STACK).spawn(work);
    thread.map_err(|e| Some(format!("could not be parsed: {e}")))?;
    match receiver.recv_timeout(PATIENCE) {
        Ok(analysis) => analysis.map_err(Some),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(None),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Some("the parser failed on it".to_owned())),
    }
}

/// How deep brackets stand in each other at most, quotes and comments not told apart.
fn depth(script: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for c in script.chars() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let words = script.split_whitespace().fold((0_usize, 0), |(depth, deepest), word| {
        let depth = match word.trim_end_matches(';') {
            "if" | "case" | "do" => depth + 1,
            "fi" | "esac" | "done" => depth.saturating_sub(1),
            _ => depth,
        };
        (depth, deepest.max(depth))
    });
    deepest.max(words.1)
}
