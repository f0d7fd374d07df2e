//! What a failed command said, read the same way everywhere: which of its lines is the reason, and what
//! kind of reason it is. `ssh`, the container engines, `systemctl` and `psql` all pass through here. A
//! banner, a warning or a frame of `@` is never given as the reason.

use crate::base::child::Outcome;
use crate::base::text;
use crate::model::fact::Reason;

use super::tool::{how, short};

/// The reason of a failure, and the line that says it.
pub(super) struct Told {
    pub(super) reason: Reason,
    pub(super) line: String,
}

/// Words of `ssh` itself; they count when it ended with its own exit code, 255.
const SSH: &[(&str, Reason)] = &[
    ("permission denied (", Reason::Denied),
    ("too many authentication failures", Reason::Denied),
    ("no matching host key type", Reason::Unavailable),
    ("bad configuration option", Reason::Failed),
    ("bad owner or permissions", Reason::Failed),
    ("could not resolve hostname", Reason::Unavailable),
    ("connection refused", Reason::Unavailable),
    ("no route to host", Reason::Unavailable),
    ("network is unreachable", Reason::Unavailable),
    ("connection timed out", Reason::Unavailable),
    ("operation timed out", Reason::Unavailable),
    ("not responding", Reason::Unavailable),
    ("connection closed", Reason::Unavailable),
    ("connection reset", Reason::Unavailable),
    ("closed by remote host", Reason::Unavailable),
    ("broken pipe", Reason::Unavailable),
];

/// Words of the container engines and of `systemctl`.
const COMMON: &[(&str, Reason)] = &[
    ("no such container", Reason::Unavailable),
    ("no container with name or id", Reason::Unavailable),
    ("is not running", Reason::Unavailable),
    ("container state improper", Reason::Unavailable),
    ("is paused", Reason::Unavailable),
    ("is restarting", Reason::Unavailable),
    ("executable file not found", Reason::Unavailable),
    ("oci runtime exec failed", Reason::Unavailable),
    ("cannot connect to the docker daemon", Reason::Unavailable),
    ("cannot connect to podman", Reason::Unavailable),
    ("is the docker daemon running", Reason::Unavailable),
    ("context not found", Reason::Unavailable),
    ("permission denied while trying to connect", Reason::Denied),
    ("not been booted with systemd", Reason::Unavailable),
    ("failed to connect to bus", Reason::Unavailable),
    ("command not found", Reason::Unavailable),
];

/// Reads why a command failed. `host` is the one that `ssh` was asked to reach, if any; `known` are
/// words with their meaning that come before the common ones.
pub(super) fn read(outcome: &Outcome, host: Option<&str>, known: &[(&str, Reason)]) -> Told {
    let text = said(outcome);
    let lines = lines(&text);
    let end = how(outcome);
    if let Some(told) = host.filter(|_| outcome.code == Some(255)).and_then(|host| of_ssh(host, &lines)) {
        return told;
    }
    let found = known.iter().chain(COMMON).find_map(|(words, reason)| {
        let words = words.to_lowercase();
        lines.iter().find(|line| line.to_lowercase().contains(&words)).map(|line| (*line, *reason))
    });
    let (line, reason) = match found {
        Some((line, reason)) => (line, reason),
        None => (likely(&lines, outcome.code), by_code(outcome, host)),
    };
    let line = if line.is_empty() { "the command printed no reason".to_owned() } else { short(line) };
    Told { reason, line: format!("{line} ({end})") }
}

/// The connection itself failed, and would fail again: what `ssh` said of it.
pub(super) fn unreachable(outcome: &Outcome) -> Option<String> {
    const WORDS: [&str; 6] = [
        "could not resolve hostname",
        "connection refused",
        "no route to host",
        "network is unreachable",
        "connection timed out",
        "operation timed out",
    ];
    let text = said(outcome);
    let lines = lines(&text);
    let is_own = |line: &&&str| {
        let lower = line.to_lowercase();
        lower.starts_with("ssh:") && WORDS.iter().any(|words| lower.contains(words))
    };
    let line = lines.iter().rfind(is_own).filter(|_| outcome.code == Some(255) && outcome.stdout.is_empty())?;
    Some(format!("{} ({})", short(line), how(outcome)))
}

fn of_ssh(host: &str, lines: &[&str]) -> Option<Told> {
    let host = text::visible(host);
    let has = |words: &str| lines.iter().any(|line| line.to_lowercase().contains(words));
    if has("remote host identification has changed") || has("host key for") && has("has changed") {
        let line = format!(
            "the host key of `{host}` has changed: it is not the one in known_hosts, so nothing was asked; find out \
             why before the new key is accepted"
        );
        return Some(Told { reason: Reason::WrongIdentity, line });
    }
    if has("host key verification failed") || has("host key is known for") {
        let line = format!(
            "the host key of `{host}` is not in known_hosts, so nothing was asked; compare its fingerprint with one \
             from the host's owner and add it"
        );
        return Some(Told { reason: Reason::Unavailable, line });
    }
    // The last words of `ssh` are why it ended; what a far side said comes before them.
    let known = SSH.iter().filter_map(|(words, reason)| {
        let at = lines.iter().rposition(|line| line.to_lowercase().contains(words))?;
        Some((at, *reason))
    });
    let (at, reason) = known.max_by_key(|(at, _)| *at)?;
    Some(Told { reason, line: format!("{} (exit code 255)", short(lines[at])) })
}

/// What the command said; engines print some of their errors on standard output, and then nothing else.
fn said(outcome: &Outcome) -> String {
    let err = text::from_bytes(&outcome.stderr).into_owned();
    let by_engine = matches!(outcome.code, Some(125..=127));
    if err.trim().is_empty() && by_engine { text::from_bytes(&outcome.stdout).into_owned() } else { err }
}

fn lines(said: &str) -> Vec<&str> {
    let telling = |line: &&str| line.chars().any(char::is_alphanumeric);
    said.lines().map(str::trim).filter(telling).collect()
}

/// The line that is most likely the reason: one that speaks of an error; else the last.
fn likely<'a>(lines: &[&'a str], code: Option<i32>) -> &'a str {
    const WORDS: [&str; 8] = ["error:", "fatal", "error ", "denied", "not found", "cannot", "could not", "failed"];
    let speaks = |line: &&&str| WORDS.iter().any(|words| line.to_lowercase().contains(words));
    let found = if code == Some(255) { lines.iter().rfind(speaks) } else { lines.iter().find(speaks) };
    found.or(lines.last()).copied().unwrap_or_default()
}

fn by_code(outcome: &Outcome, host: Option<&str>) -> Reason {
    match outcome.code {
        // 124: `timeout` ended it, there.
        Some(124) => Reason::TimedOut,
        // 125–127: the engine's own, or no such program there; 255: the end of `ssh` itself.
        Some(125..=127) => Reason::Unavailable,
        Some(255) if host.is_some() => Reason::Unavailable,
        _ => Reason::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::child::Invocation;

    /// A command that says this and ends with `code`.
    fn ended(code: i32, stdout: &str, stderr: &str) -> Outcome {
        let script = "printf %s \"$1\"; printf %s \"$2\" >&2; exit $3";
        let code = code.to_string();
        Invocation::new("sh").args(["-c", script, "sh", stdout, stderr, &code]).run().unwrap()
    }

    const CHANGED: &str = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n\
        @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n\
        @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n\
        IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n\
        The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\n\
        Host key for db.example.org has changed and you have requested strict checking.\n\
        Host key verification failed.\r\n";

    #[test]
    fn a_banner_is_never_the_reason() {
        let banner = "Authorised use only. Everything is logged.\n";
        for (code, said, reason, line) in [
            (1, "Error response from daemon: No such container: pg", Reason::Unavailable, "No such container: pg"),
            (127, "bash: line 1: docker: command not found", Reason::Unavailable, "docker: command not found"),
            (1, "permission denied while trying to connect to the Docker daemon socket", Reason::Denied, "socket"),
            (255, "ops@db.example.org: Permission denied (publickey,password).", Reason::Denied, "(publickey"),
            (255, "Connection to db.example.org closed by remote host.", Reason::Unavailable, "closed by remote"),
            (2, "psql: error: could not connect to server", Reason::Failed, "psql: error"),
            (1, "something went astray", Reason::Failed, "something went astray"),
        ] {
            let told = read(&ended(code, "", &format!("{banner}{said}\n")), Some("db"), &[]);
            assert_eq!(told.reason, reason, "{said}");
            assert!(told.line.contains(line) && !told.line.contains("Authorised"), "{}", told.line);
        }
    }

    #[test]
    fn a_host_key_is_named_plainly() {
        let told = read(&ended(255, "", CHANGED), Some("db"), &[]);
        assert_eq!(told.reason, Reason::WrongIdentity);
        assert!(told.line.starts_with("the host key of `db` has changed"), "{}", told.line);
        let new = "No ED25519 host key is known for db.example.org and you have requested strict checking.\n\
                   Host key verification failed.\n";
        let told = read(&ended(255, "", new), Some("db"), &[]);
        assert_eq!(told.reason, Reason::Unavailable);
        assert!(told.line.contains("not in known_hosts"), "{}", told.line);
        // A far side that speaks of it, or of anything else, is not `ssh`.
        let told = read(&ended(1, "", CHANGED), Some("db"), &[]);
        assert_ne!(told.reason, Reason::WrongIdentity);
        let told = read(
            &ended(255, "", "psql: Connection refused\nops@db: Permission denied (publickey).\n"),
            Some("db"),
            &[],
        );
        assert_eq!(told.reason, Reason::Denied);
    }

    #[test]
    fn docker_prints_some_errors_on_standard_output() {
        let said = "OCI runtime exec failed: exec failed: unable to start container process: exec: \"psql\": \
                    executable file not found in $PATH: unknown";
        let told = read(&ended(126, said, ""), None, &[]);
        assert_eq!(told.reason, Reason::Unavailable);
        assert!(told.line.contains("\"psql\""), "{}", told.line);
        // What a program printed before it failed is its answer, not a reason.
        assert!(!read(&ended(1, "42 rows", ""), None, &[]).line.contains("42"));
    }

    #[test]
    fn only_a_connection_that_would_fail_again_is_remembered() {
        let down = "ssh: connect to host db.example.org port 22: Connection timed out\n";
        assert!(unreachable(&ended(255, "", down)).is_some_and(|line| line.contains("timed out")));
        for (code, out, err) in [
            (255, "", "ops@db: Permission denied (publickey).\n"),
            (255, "half an answer", down),
            (1, "", down),
            (255, "", "psql: error: Connection refused\n"),
            (255, "", "Timeout, server db not responding.\n"),
        ] {
            assert!(unreachable(&ended(code, out, err)).is_none(), "{err}");
        }
    }
}
