//! What the collectors that run programs have in common: the usual time limit, the absence of a program
//! that did not start, and how one ended, in words.

use std::time::Duration;

use crate::base::child::{ChildError, Outcome};
use crate::base::text;
use crate::model::fact::{Absence, Reason};

pub(super) const LIMIT: Duration = Duration::from_secs(30);
const LONGEST_LINE: usize = 400;

/// The absence of a program that did not start.
pub(super) fn not_run(error: &ChildError) -> Absence {
    let reason = match error {
        ChildError::NotFound { .. } => Reason::Unavailable,
        ChildError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => Reason::Denied,
        ChildError::Io { .. } => Reason::Failed,
    };
    Absence::new(reason, error.to_string())
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

    #[test]
    fn a_long_message_ends_with_a_whole_word() {
        let secret = ["ghp", "_", &"16C7e42F292c6912E7".repeat(2)].concat();
        let said = format!("{} no such login: {secret}", "x".repeat(LONGEST_LINE - 40));
        assert!(short(&said).ends_with("no such login:…") && short(" one\u{1b} ") == "one\\x1b");
    }
}
