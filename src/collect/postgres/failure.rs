//! What a session that failed means: an absence with its reason, the first line that the server or
//! the client said, and the command that would settle it. Errors of the server are told apart by
//! SQLSTATE, since their wording follows the server's language.

use std::sync::LazyLock;

use regex::Regex;

use crate::base::child::{ChildError, Outcome};
use crate::base::text;
use crate::model::fact::{Absence, Reason};

use super::super::tool::short;
use super::client::Client;
use super::session::Question;
use super::sql;

const BLOCKERS: &str = "SELECT l.pid, l.mode, l.relation::regclass, a.usename, a.state, a.xact_start \
     FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
     WHERE l.granted AND l.mode = 'AccessExclusiveLock'";

/// `ERROR:  42501: permission denied …`, in any language.
static ERROR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^(?:psql:.*: )?\S+: +([0-9A-Z]{5}): (.*)$").ok());

/// The program that would have reached the server did not start.
pub(super) fn not_run(client: &Client, error: &ChildError) -> Absence {
    Absence::new(Reason::Unavailable, error.to_string()).settled_by(client.by_hand("SELECT 1"))
}

/// The server is another one.
pub(super) fn wrong_identity(client: &Client, expected: &str, seen: &str) -> Absence {
    let message = format!(
        "target `{}`: the case expects the system identifier {expected}, the server there has {}: nothing was asked",
        client.target,
        text::visible(seen)
    );
    Absence::new(Reason::WrongIdentity, message)
        .settled_by(client.by_hand("SELECT system_identifier FROM pg_control_system()"))
}

/// The session failed.
pub(super) fn of(client: &Client, questions: &[Question], outcome: &Outcome) -> Absence {
    let said = String::from_utf8_lossy(&outcome.stderr);
    if outcome.timed_out {
        let message =
            format!("no end after {} s: the connection hangs, or the questions take longer", outcome.took.as_secs());
        return Absence::new(Reason::TimedOut, message).settled_by(client.by_hand("SELECT 1"));
    }
    let found = ERROR.as_ref().and_then(|pattern| pattern.captures(&said));
    match found.as_ref().and_then(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str()))) {
        Some((state, line)) => by_state(client, questions.last(), state, line),
        None => unreached(client, outcome),
    }
}

fn by_state(client: &Client, last: Option<&Question>, state: &str, line: &str) -> Absence {
    let asked = last.map_or("SELECT 1", |question| question.by_hand.as_str());
    let line = short(line);
    let (reason, message, settle) = match (state, &state[..2]) {
        ("55P03", _) => {
            // Our own questions name the catalogue; what they wait for is what they were led to.
            let foreign = last.is_some_and(|question| question.foreign);
            let about = if foreign { sql::relations(asked) } else { Vec::new() };
            let about = if about.is_empty() { String::new() } else { format!(" on {}", about.join(", ")) };
            let message =
                format!("lock timeout after {} ms: another session holds a lock{about} ({line})", client.lock_ms);
            (Reason::TimedOut, message, client.by_hand(BLOCKERS))
        }
        ("57014", _) => {
            let message = format!("statement timeout after {} ms ({line})", client.statement_ms);
            (Reason::TimedOut, message, client.by_hand(asked))
        }
        ("42501", _) => (Reason::Denied, format!("{line}; ask as a role that may"), client.by_hand(asked)),
        ("25006", _) => (Reason::Denied, format!("{line}: the session is read-only"), client.by_hand(asked)),
        (_, "28") => (Reason::Denied, line, client.by_hand("SELECT 1")),
        (_, "08" | "53" | "57") => (Reason::Unavailable, line, client.by_hand("SELECT 1")),
        // A name that is not there may be a name mistyped: nothing is established by it.
        _ => (Reason::Failed, format!("{line} (SQLSTATE {state})"), client.by_hand(asked)),
    };
    Absence::new(reason, message).settled_by(settle)
}

/// Words of `psql` before a session begins, and what they mean.
const KNOWN: &[(&str, Reason)] = &[
    ("authentication failed", Reason::Denied),
    ("no password supplied", Reason::Denied),
    ("pg_hba.conf", Reason::Denied),
    ("role \"", Reason::Denied),
    ("permission denied", Reason::Denied),
    ("timeout expired", Reason::TimedOut),
    ("timed out", Reason::TimedOut),
    ("psql: error:", Reason::Unavailable),
    ("FATAL:", Reason::Unavailable),
];

/// No SQLSTATE: the session did not get as far as a statement.
fn unreached(client: &Client, outcome: &Outcome) -> Absence {
    let absence = client.transport.failed(&client.words(), outcome, KNOWN);
    // 1 and 2: `psql` without a connection.
    let reason = match (absence.reason, outcome.code) {
        (Reason::Failed, Some(1 | 2)) => Reason::Unavailable,
        (reason, _) => reason,
    };
    let by_hand = client.by_hand("SELECT 1");
    let settle = match absence.settle {
        Some(settle) if settle.starts_with("sudo docker ") || settle.starts_with("sudo podman ") => {
            format!("sudo {by_hand}")
        }
        Some(settle) if settle.starts_with("systemctl ") => settle,
        _ => by_hand,
    };
    Absence::new(reason, absence.message).settled_by(settle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_state_whatever_the_language() {
        for said in [
            "psql:<stdin>:7: ERROR:  42501: permission denied for table t\nLOCATION:  x",
            "NOTICE:  something\nFEHLER:  42501: keine Berechtigung",
        ] {
            assert_eq!(&ERROR.as_ref().unwrap().captures(said).unwrap()[1], "42501");
        }
        assert!(ERROR.as_ref().unwrap().captures("psql: error: connection to server").is_none());
    }
}
