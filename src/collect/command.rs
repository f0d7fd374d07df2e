//! `command`: one command that the policy allows by name, word by word. The case chooses, the
//! policy's owner answers: this program cannot know what a foreign program does, it can only keep it
//! from writing (sandbox), from a shell, from more time, and from a word that was not allowed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::base::child::{Invocation, Outcome};
use crate::base::text;
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, settings, subject, tool};

/// The collector.
pub struct CommandCollector;

static DOC: Doc = Doc {
    name: "command",
    summary: "a read-only command that the policy allows: exit code and masked output",
    detail: "The words must be those of one entry of the policy's `commands:`; anything else is refused before \
             anything is read. No shell sees them. The command runs under the same kernel sandbox as this program \
             (it can write in the run's scratch folder only; it can change no mode, owner, time or attribute of a \
             file, no setting of the host and no other process, see docs/sandbox.md), with no input, with few variables (PATH, HOME, USER, \
             TZ; LC_ALL=C), in the case's folder, limited in time and output. What it prints is kept masked; a line \
             that the limit cut is not kept. The sandbox does not see what it asks of services \
             over sockets (`systemctl stop`, `docker rm`): that it changes nothing there is what the policy's owner \
             says, and the reason is beside the answer.",
    needs_target: false,
    settings: &[
        Setting { name: "argv", kind: "list of text", required: true, meaning: "the words, the program first" },
        Setting { name: "timeout", kind: "duration (30s)", required: false, meaning: "when it is ended, at most 10m" },
        Setting { name: "max_bytes", kind: "size (64 KiB)", required: false, meaning: "the most output kept" },
        Setting { name: "lines", kind: "number (40)", required: false, meaning: "the most lines listed as values" },
    ],
    values: &[
        ("command", "the words as a shell would read them"),
        ("allowed_by", "id of the policy's entry"),
        ("reason", "why the policy allows it"),
        ("exit_code", "its exit code; missing when a signal or the time limit ended it"),
        ("signal", "the signal that ended it"),
        ("duration_ms", "how long it ran, in milliseconds"),
        ("line", "what it printed, when that is one line"),
        ("stdout", "the first lines of standard output, one text; missing when there was none"),
        ("stdout_lines", "the number of lines on standard output; missing when there was more than `max_bytes`"),
        ("stderr", "the first lines of standard error, one text; missing when there was none"),
        ("stderr_lines", "the number of lines on standard error"),
    ],
    example: "- id: timers\n  uses: command\n  with: { argv: [systemctl, list-timers, --no-pager] }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    argv: Vec<String>,
    timeout: Option<Value>,
    max_bytes: Option<Value>,
    lines: Option<u16>,
}

struct Ready {
    words: Vec<String>,
    allowed_by: String,
    reason: String,
    folder: PathBuf,
    limit: Duration,
    cap: usize,
    lines: usize,
}

impl Collector for CommandCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { argv, timeout, max_bytes, lines } = settings.decode()?;
        let Some(allowed) = settings.commands.iter().find(|command| command.allows(&argv)) else {
            return Err(refusal(settings));
        };
        let seconds = settings::seconds("timeout", timeout.as_ref(), 30.0)?;
        if !(0.001..=600.0).contains(&seconds) {
            return Err(SettingError::new("with: timeout: between `1ms` and `10m`"));
        }
        let cap = settings::bytes("max_bytes", max_bytes.as_ref(), 64 << 10)?;
        Ok(Box::new(Ready {
            words: argv,
            allowed_by: allowed.id.clone(),
            reason: allowed.reason.clone(),
            folder: settings.folder.to_owned(),
            limit: Duration::from_secs_f64(seconds),
            cap: usize::try_from(cap).unwrap_or(usize::MAX).min(64 << 20),
            lines: usize::from(lines.unwrap_or(40)),
        }))
    }
}

/// Names the entries, not the words: those may hold what must not be printed.
fn refusal(settings: &Settings<'_>) -> SettingError {
    let ids: Vec<&str> = settings.commands.iter().map(|command| command.id.as_str()).collect();
    let allowed = match ids.is_empty() {
        true => "it allows none".to_owned(),
        false => format!("it allows {}", ids.join(", ")),
    };
    let policy = &settings.case.policy;
    let place = format!("`commands:` of policy `{policy}`");
    SettingError::new(format!("with: argv: is no command of {place}; {allowed}; nothing was run"))
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        let what = format!("{} (allowed by {}: {})", text::shell_line(&self.words), self.allowed_by, self.reason);
        vec![Action::new(Verb::Run, what)]
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let line = text::shell_line(&self.words);
        let seen = match self.run(surroundings.scratch) {
            Ok(outcome) => self.tell(&outcome),
            Err(why) => Observation::absent(self.source(), why.settled_by(line.clone())),
        };
        Raw::new(seen.read_by(line))
    }
}

impl Ready {
    fn source(&self) -> String {
        format!("command {}", self.allowed_by)
    }

    fn run(&self, scratch: &Path) -> Result<Outcome, Absence> {
        let (program, arguments) = self.words.split_first().map_or(("", &[][..]), |(p, rest)| (p.as_str(), rest));
        let run = Invocation::new(program).args(arguments).folder(&self.folder).env("TMPDIR", scratch);
        run.limit(self.limit).cap(self.cap).run().map_err(|error| tool::not_run(&error))
    }

    fn tell(&self, outcome: &Outcome) -> Observation {
        let mut seen = Observation::of(self.source());
        seen.set("command", text::shell_line(&self.words));
        seen.set("allowed_by", self.allowed_by.clone());
        seen.set("reason", self.reason.clone());
        seen.set("duration_ms", u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX));
        self.tell_end(outcome, &mut seen);
        self.tell_output("stdout", &outcome.stdout, outcome.stdout_cut, &mut seen);
        // The child's room does not say of this one whether it was cut; one that is full may be.
        self.tell_output("stderr", &outcome.stderr, outcome.stderr.len() >= self.cap, &mut seen);
        let one = seen.values.get("stdout_lines") == Some(&1_u64.into());
        match seen.values.get("stdout").filter(|_| one).cloned() {
            Some(line) => seen.set("line", line),
            None => seen.miss("line", Absence::new(Reason::NotApplicable, "it did not print exactly one line")),
        }
        subject::miss_the_rest(&mut seen, &DOC, &Absence::new(Reason::NotApplicable, "it does not apply here"));
        seen
    }

    fn tell_end(&self, outcome: &Outcome, seen: &mut Observation) {
        if outcome.timed_out {
            let message = format!("it had not ended after {} s and was ended", self.limit.as_secs_f64());
            let why = Absence::new(Reason::TimedOut, message).settled_by(text::shell_line(&self.words));
            for name in ["exit_code", "stdout_lines", "stderr_lines"] {
                seen.miss(name, why.clone());
            }
            return;
        }
        if let Some(code) = outcome.code {
            seen.set("exit_code", i64::from(code));
        }
        if let Some(signal) = outcome.signal {
            seen.set("signal", i64::from(signal));
        }
    }

    fn tell_output(&self, name: &str, bytes: &[u8], cut: bool, seen: &mut Observation) {
        // Half a line may be half a secret, which no rule would know.
        let whole = if cut { &bytes[..memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1)] } else { bytes };
        let said = text::from_bytes(whole);
        let count = said.lines().count();
        let key = format!("{name}_lines");
        if cut {
            let message = format!("more than `max_bytes`, {} bytes, of output", self.cap);
            let why = Absence::new(Reason::Limit, message).settled_by(text::shell_line(&self.words));
            seen.missing.entry(key).or_insert(why);
        } else if !seen.missing.contains_key(&key) {
            seen.set(&key, count);
        }
        // One text and not a list: what makes a secret of a line may stand in the line before.
        let first = said.lines().take(self.lines).collect::<Vec<_>>().join("\n");
        if whole.is_empty() {
            seen.miss(name, Absence::new(Reason::NotApplicable, "it printed nothing whole there"));
        } else {
            seen.set(name, first);
            seen.attachments.push(Attachment { name: format!("{name}.txt"), bytes: whole.to_vec() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, look_with};
    use super::*;
    use crate::model::allow::AllowedCommand;

    fn prepare(argv: &str, rest: &str) -> Result<Box<dyn Prepared>, SettingError> {
        let allowed = r#"[{"id":"CMD-1","reason":"prints","argv":["printf",{"matches":".*"}]},
            {"id":"CMD-2","reason":"waits","argv":["sleep","60"]},
            {"id":"CMD-3","reason":"tells","argv":["ls","/no/such/place"]},
            {"id":"CMD-4","reason":"nothing","argv":["no-such-program"]}]"#;
        let commands: Vec<AllowedCommand> = serde_json::from_str(allowed).unwrap();
        let case = case("command", &format!("{{ argv: {argv}{rest} }}"));
        let folder = Path::new("/");
        CommandCollector.prepare(&Settings { case: &case, step: &case.collect[0], folder, commands: &commands })
    }

    fn look(argv: &str, rest: &str) -> Observation {
        look_with(&*prepare(argv, rest).unwrap_or_else(|e| panic!("{e}")))
    }

    #[test]
    fn what_it_printed_and_how_it_ended() {
        let seen = look("[printf, 'one\\n']", "");
        assert_eq!(seen.values["line"], "one".into());
        assert_eq!((&seen.values["exit_code"], &seen.values["allowed_by"]), (&0_i64.into(), &"CMD-1".into()));
        assert_eq!(seen.attachments[0].bytes, b"one\n");
        let seen = look("[ls, /no/such/place]", "");
        assert_eq!(seen.values["exit_code"], 2_i64.into());
        assert_eq!(seen.values["stdout_lines"], 0_u64.into());
        assert!(seen.values["stderr"].to_string().contains("No such file"));
        for (path, _) in DOC.values {
            assert!(seen.values.contains_key(*path) != seen.missing.contains_key(*path), "{path}");
        }
    }

    #[test]
    fn time_and_output_are_limited_and_half_a_line_is_not_kept() {
        let seen = look("[sleep, '60']", ", timeout: 50ms");
        assert_eq!(seen.missing["exit_code"].reason, Reason::TimedOut);
        assert_eq!(seen.missing["stdout_lines"].reason, Reason::TimedOut);
        let seen = look("[printf, 'whole\\nhalf a line\\n']", ", max_bytes: 12");
        assert_eq!(seen.missing["stdout_lines"].reason, Reason::Limit);
        assert_eq!(seen.attachments[0].bytes, b"whole\n");
        assert!(!seen.values.contains_key("line"), "one line was kept, not printed");
    }

    #[test]
    fn a_command_off_the_list_is_refused_and_not_repeated() {
        let refused = |argv: &str| prepare(argv, "").err().unwrap().message;
        assert!(refused("[printf, a, b]").contains("it allows CMD-1, CMD-2"));
        let secret = refused("[curl, 'https://u:abc@example.org']");
        assert!(!secret.contains("abc") && secret.contains("policy `p`"), "{secret}");
        assert!(refused("[printf, --help]").contains("nothing was run"));
        assert!(prepare("[sleep, '60']", ", timeout: 1h").is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_unavailable() {
        let absence = look("[no-such-program]", "").absence.unwrap();
        assert_eq!((absence.reason, absence.settle.as_deref()), (Reason::Unavailable, Some("no-such-program")));
    }
}
