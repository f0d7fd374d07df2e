//! Starts the command, waits for its end, and tells how it went.

use std::path::{Path, PathBuf};

use std::time::Duration;

use crate::base::child::{ChildError, Invocation, Outcome, Until};
use crate::base::{clock, env, text};
use crate::collect::engine;
use crate::hygiene::Raw;
use crate::model::action::Governed;
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::plan::PlannedAction;
use crate::model::value::{Map, Value};

use super::watch::Watched;

/// Bytes kept of each output stream.
const KEPT: usize = 8 << 20;
/// Lines of each output stream among the values.
const TAIL: usize = 20;
/// How long the command may clean up when it is ended.
const GRACE: Duration = Duration::from_secs(10);

/// The action with nothing left to decide.
pub struct Ready {
    action: Governed,
    argv: Vec<String>,
    folder: PathBuf,
    /// Where side effects are looked for.
    pub watched: Watched,
}

impl Ready {
    /// The action of a case; relative paths start from `folder`.
    #[must_use]
    pub fn new(action: &Governed, folder: &Path) -> Self {
        let place = action.folder.as_ref().map_or_else(|| folder.to_owned(), |inside| folder.join(inside));
        let mut argv = action.argv();
        // `./backup.sh` means one place, whatever the system does with relative programs.
        if let Some(program) = argv.first_mut().filter(|program| program.contains('/') && !program.starts_with('/')) {
            *program = place.join(&*program).components().collect::<PathBuf>().to_string_lossy().into_owned();
        }
        Self { action: action.clone(), argv, folder: place, watched: Watched::new(&action.watch, folder) }
    }

    /// What will be done, exactly.
    #[must_use]
    pub fn plan(&self) -> PlannedAction {
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| text::from_name(path).into_owned()).collect();
        PlannedAction {
            title: self.action.title.clone(),
            argv: self.argv.clone(),
            shell: self.action.shell,
            folder: text::from_name(&self.folder).into_owned(),
            environment: self.action.env.clone(),
            set: self.action.set.clone(),
            engines: engine::redirected(),
            limit_ms: u64::try_from(self.limit().as_millis()).unwrap_or(u64::MAX),
            watched_folders: paths(&self.watched.folders),
            watched_logs: paths(&self.watched.logs),
        }
    }

    /// The variable of `set:` that would lead the command to another container engine than the looks.
    #[must_use]
    pub fn engine_conflict(&self) -> Option<&'static str> {
        let differs =
            |name: &&&str| self.action.set.get(**name).is_some_and(|value| env::var(name).as_ref() != Some(value));
        engine::VARIABLES.iter().find(differs).copied()
    }

    /// The command line, as a shell would read it.
    #[must_use]
    pub fn command(&self) -> String {
        text::shell_line(&self.argv)
    }

    fn limit(&self) -> Duration {
        Duration::try_from_secs_f64(self.action.limit_seconds()).unwrap_or(Duration::from_secs(3600))
    }

    /// Runs the command once, to its end, its time limit, or until `stop` says so. Whatever goes wrong
    /// is told in the observation.
    #[must_use]
    pub fn act(&self, stop: Option<&Until>) -> Raw<Observation> {
        Raw::new(self.see(stop))
    }

    fn see(&self, stop: Option<&Until>) -> Observation {
        let mut seen = Observation::of(self.command()).read_by(format!("ran {}", self.command()));
        self.describe(&mut seen);
        let started = clock::now();
        let ran = self.invocation(stop).run();
        let ended = clock::now();
        match ran {
            Err(error) => seen.absence = Some(self.not_started(&error)),
            Ok(outcome) => {
                seen.set("started_at", clock::stamp(started));
                seen.set("ended_at", clock::stamp(ended));
                tell(&outcome, &self.action.limit, &mut seen);
            }
        }
        seen
    }

    fn invocation(&self, stop: Option<&Until>) -> Invocation {
        let program = self.argv.first().map_or("", String::as_str);
        let run = Invocation::new(program).args(self.argv.iter().skip(1)).let_through(&self.action.env);
        // The command reaches the engines that were looked at.
        let run = run.inherit(engine::VARIABLES);
        let run = self.action.set.iter().fold(run, |run, (name, value)| run.env(name, value));
        let run = run.folder(&self.folder).limit(self.limit()).cap(KEPT).grace(GRACE);
        match stop {
            Some(stop) => run.until(stop),
            None => run,
        }
    }

    fn describe(&self, seen: &mut Observation) {
        seen.set("title", self.action.title.as_str());
        seen.set("command", self.command());
        seen.set("shell", self.action.shell);
        seen.set("folder", text::from_name(&self.folder));
        seen.set("environment", self.invocation(None).environment());
        if let Some(seconds) = Value::real(self.action.limit_seconds()) {
            seen.set("limit_seconds", seconds);
        }
    }

    /// No program, no folder: nothing was started, and nothing can have changed.
    fn not_started(&self, error: &ChildError) -> Absence {
        let reason = match error {
            _ if !self.folder.is_dir() => Reason::NotFound,
            ChildError::NotFound { .. } => Reason::NotFound,
            ChildError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => Reason::Denied,
            ChildError::Io { .. } => Reason::Failed,
        };
        let folder = text::from_name(&self.folder);
        let message =
            if self.folder.is_dir() { error.to_string() } else { format!("the folder {folder} is not there") };
        let program = self.argv.first().map_or("", String::as_str);
        let path = if program.contains('/') { program.to_owned() } else { env::var("PATH").unwrap_or_default() };
        let settle = match reason {
            Reason::Denied => format!("stat -- {}", text::shell_word(&path)),
            _ => format!("command -v -- {}", text::shell_word(program)),
        };
        Absence::new(reason, format!("the command was not started: {message}")).settled_by(settle)
    }
}

fn tell(outcome: &Outcome, limit: &str, seen: &mut Observation) {
    let took = Value::real((outcome.took.as_secs_f64() * 1000.0).round() / 1000.0);
    seen.values.extend(took.map(|took| ("duration_seconds".to_owned(), took)));
    seen.set("timed_out", outcome.timed_out);
    seen.set("interrupted", outcome.stopped);
    seen.set("left_running", outcome.left_running);
    let by_itself = "it ended by itself, with an exit code";
    match (outcome.signal, outcome.code) {
        (Some(signal), _) => {
            seen.set("signal", Value::int(signal));
            seen.miss("exit_code", Absence::new(Reason::NotApplicable, format!("signal {signal} ended it")));
        }
        (None, Some(code)) => {
            seen.set("exit_code", Value::int(code));
            seen.miss("signal", Absence::new(Reason::NotApplicable, by_itself));
        }
        (None, None) => seen.miss("exit_code", Absence::new(Reason::Failed, "the system did not tell")),
    }
    // An exit code that was given because the time was up is no answer of the command's own.
    if outcome.timed_out || outcome.stopped {
        let (reason, why) = match outcome.timed_out {
            true => (Reason::TimedOut, format!("it was ended at its time limit of {limit}")),
            false => (Reason::Failed, "it was ended because `evidence` was asked to end".to_owned()),
        };
        seen.values.remove("exit_code");
        seen.miss("exit_code", Absence::new(reason, why));
    }
    stream("stdout", &outcome.stdout, outcome.said.0, seen);
    stream("stderr", &outcome.stderr, outcome.said.1, seen);
}

/// What the command said on one stream: how much, its end, and all of it as an artifact.
fn stream(name: &str, kept: &[u8], total: u64, seen: &mut Observation) {
    seen.set(&format!("{name}_bytes"), total);
    let cut = total > kept.len() as u64;
    let tail = format!("{name}_tail");
    if cut {
        seen.miss(&tail, Absence::new(Reason::Limit, format!("only the first {KEPT} bytes were kept")));
    } else {
        seen.set(&tail, last_lines(kept));
    }
    let bytes = if cut { whole_lines(kept) } else { kept };
    if !bytes.is_empty() {
        seen.attachments.push(Attachment { name: format!("{name}.txt"), bytes: bytes.to_vec() });
    }
}

/// `bytes` up to the end of a line, or of a word: half a secret would not be known as one.
pub(super) fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b'\n', bytes).or_else(|| memchr::memrchr2(b' ', b'\t', bytes));
    &bytes[..end.map_or(0, |end| end + 1)]
}

fn last_lines(bytes: &[u8]) -> Value {
    let lines: Vec<_> = split_lines(bytes).collect();
    let first = lines.len().saturating_sub(TAIL);
    let lines = lines.into_iter().enumerate().skip(first).map(|(index, line)| numbered(index + 1, line));
    Value::List(lines.collect())
}

/// The lines of `bytes`; an end without a line feed is one too.
pub(super) fn split_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let some = (!bytes.is_empty()).then_some(body);
    some.into_iter().flat_map(|body| body.split(|byte| *byte == b'\n'))
}

/// A line as excerpts have it.
pub(super) fn numbered(number: usize, line: &[u8]) -> Value {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Value::Map(Map::from([("line".to_owned(), number.into()), ("text".to_owned(), text::from_bytes(line).into())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{files, yaml};

    fn ready(action: &str, folder: &Path) -> Ready {
        let action: Governed = yaml::decode(Path::new("a"), action.as_bytes()).unwrap();
        action.validate().unwrap();
        Ready::new(&action, folder)
    }

    fn act(action: &str, folder: &Path) -> Observation {
        ready(action, folder).see(None)
    }

    #[test]
    fn a_command_that_fails_is_told_and_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let script = b"#!/bin/sh\necho one; echo two >&2; echo \"$SHOWN|$HOME_OF_SECRETS\"; pwd; exit 3\n";
        files::write(&folder.path().join("job.sh"), script).unwrap();
        files::set_mode(&folder.path().join("job.sh"), 0o700).unwrap();
        let seen = act("{ title: t, command: [./job.sh], set: { SHOWN: here } }", folder.path());
        assert_eq!(seen.values["exit_code"], Value::Int(3));
        assert_eq!(seen.missing["signal"].reason, Reason::NotApplicable);
        let said = String::from_utf8(seen.attachments[0].bytes.clone()).unwrap();
        assert_eq!(said, format!("one\nhere|\n{}\n", folder.path().display()));
        assert_eq!(seen.values["stderr_bytes"], Value::Int(4));
        assert_eq!(seen.values["stdout_tail"].at("1.line"), Some(&Value::Int(2)));
        for (value, _) in super::super::doc::ACT.values {
            assert!(seen.values.contains_key(*value) != seen.missing.contains_key(*value), "{value}");
        }
    }

    #[test]
    fn a_program_or_folder_that_is_not_there_was_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let absence = |action: &str| act(action, folder.path()).absence.unwrap();
        let gone = absence("{ title: t, command: [no-such-program-here] }");
        assert_eq!(
            (gone.reason, gone.settle.as_deref()),
            (Reason::NotFound, Some("command -v -- no-such-program-here"))
        );
        let place = absence("{ title: t, command: ['true'], folder: gone }");
        assert!(place.message.contains("gone is not there"));
        files::write(&folder.path().join("plain"), b"x").unwrap();
        assert_eq!(absence("{ title: t, command: [./plain] }").reason, Reason::Denied);
    }

    #[test]
    fn at_its_limit_it_has_no_exit_code_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let seen = act(
            "{ title: t, command: \"trap 'exit 0' TERM; sleep 30 & wait\", shell: true, limit: 200ms }",
            folder.path(),
        );
        assert_eq!(
            (seen.values["timed_out"].clone(), seen.missing["exit_code"].reason),
            (true.into(), Reason::TimedOut)
        );
    }

    #[test]
    fn the_plan_has_the_exact_words() {
        let plan = ready(
            "{ title: t, command: [bin/a, 'b c'], folder: x, limit: 90s, watch: { logs: [l.log] } }",
            Path::new("/c"),
        )
        .plan();
        assert_eq!(
            (plan.argv, plan.folder, plan.limit_ms),
            (vec!["/c/x/bin/a".into(), "b c".into()], "/c/x".into(), 90_000)
        );
        assert_eq!(plan.watched_logs, ["/c/l.log"]);
    }

    #[test]
    fn what_is_cut_ends_with_a_line() {
        assert_eq!(whole_lines(b"a\nb c"), b"a\n");
        assert_eq!(whole_lines(b"b cde"), b"b ");
        assert_eq!(whole_lines(b"bcde"), b"");
        assert_eq!(split_lines(b"a\n\nb").count(), 3);
        assert_eq!(split_lines(b"").count(), 0);
    }
}
