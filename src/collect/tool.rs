//! Runs the host's own read-only tools (`docker inspect`, `systemctl show`) for collectors that ask
//! them, and says the same way of each why it gave no answer. No shell, no secret in arguments.

use std::time::Duration;

use crate::base::child::{ChildError, Invocation, Outcome};
use crate::base::text;
use crate::model::fact::{Absence, Reason};

/// What such a tool needs of our environment to reach its service.
const INHERIT: &[&str] = &["DOCKER_*", "CONTAINER_HOST", "CONTAINERS_*", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"];
const LIMIT: Duration = Duration::from_secs(30);
const LONGEST_LINE: usize = 400;

/// Runs `words`; times are printed in UTC.
///
/// # Errors
/// When it is not installed, could not be run, or did not end in time.
pub(super) fn run(words: &[String]) -> Result<Outcome, Absence> {
    let settle = text::shell_line(words);
    let (program, arguments) = words.split_first().map_or(("true", words), |(first, rest)| (first.as_str(), rest));
    let run = Invocation::new(program).args(arguments).inherit(INHERIT).env("TZ", "UTC").limit(LIMIT).run();
    match run {
        Ok(outcome) if outcome.timed_out => {
            let message = format!("`{program}` gave no answer within {} s", LIMIT.as_secs());
            Err(Absence::new(Reason::TimedOut, message).settled_by(settle))
        }
        Ok(outcome) => Ok(outcome),
        Err(error) => Err(not_run(&error).settled_by(settle)),
    }
}

/// The absence of a program that did not start.
pub(super) fn not_run(error: &ChildError) -> Absence {
    let reason = match error {
        ChildError::NotFound { .. } => Reason::Unavailable,
        ChildError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => Reason::Denied,
        ChildError::Io { .. } => Reason::Failed,
    };
    Absence::new(reason, error.to_string())
}

/// The absence that a failed tool means: `known` are words of its messages with what they mean, the
/// first that fits decides.
pub(super) fn failed(words: &[String], outcome: &Outcome, known: &[(&str, Reason)]) -> Absence {
    let said = text::from_bytes(&outcome.stderr).into_owned();
    let lower = said.to_lowercase();
    let found = known.iter().find(|(word, _)| lower.contains(&word.to_lowercase())).map(|(_, reason)| *reason);
    let reason = match outcome.code {
        _ if found.is_some() => found.unwrap_or(Reason::Failed),
        // 127: no such program there; 255: the end of `ssh` itself.
        Some(127 | 255) => Reason::Unavailable,
        _ => Reason::Failed,
    };
    let line = short(said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing"));
    let sudo = if reason == Reason::Denied { "sudo " } else { "" };
    Absence::new(reason, format!("{line} ({})", how(outcome))).settled_by(format!("{sudo}{}", text::shell_line(words)))
}

/// How it ended, in words.
pub(super) fn how(outcome: &Outcome) -> String {
    match (outcome.code, outcome.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The beginning of a line, up to the end of a word, control characters made visible.
pub(super) fn short(line: &str) -> String {
    let line = line.trim();
    let cut = if line.len() > LONGEST_LINE { "…" } else { "" };
    format!("{}{cut}", text::visible(&text::beginning(line, LONGEST_LINE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_long_message_ends_with_a_whole_word() {
        let secret = ["ghp", "_", &"16C7e42F292c6912E7".repeat(2)].concat();
        let said = format!("{} no such login: {secret}", "x".repeat(LONGEST_LINE - 40));
        assert!(short(&said).ends_with("no such login:…") && short(" one\u{1b} ") == "one\\x1b");
    }

    #[test]
    fn a_tool_that_is_not_there_is_unavailable_and_a_failed_one_says_why() {
        let absence = run(&words("no-such-tool inspect x")).err().unwrap();
        assert_eq!((absence.reason, absence.settle.as_deref()), (Reason::Unavailable, Some("no-such-tool inspect x")));
        let ls = words("ls /no/such/place");
        let outcome = run(&ls).unwrap();
        let absence = failed(&ls, &outcome, &[("No such file", Reason::NotFound)]);
        assert_eq!(absence.reason, Reason::NotFound);
        assert!(absence.message.contains("exit code 2"), "{}", absence.message);
        assert_eq!(failed(&ls, &outcome, &[]).reason, Reason::Failed);
    }
}
