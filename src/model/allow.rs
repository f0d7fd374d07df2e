//! The commands that a policy allows a case to run: whole argument lists, word by word. A case can
//! choose among them; it cannot add one, and nothing here is ever read by a shell.

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Programs that would read their arguments as a program of their own.
const INTERPRETERS: &[&str] = &[
    "ash", "awk", "bash", "busybox", "csh", "dash", "doas", "env", "eval", "fish", "gawk", "ksh", "lua", "mawk",
    "node", "perl", "php", "pwsh", "python", "python3", "ruby", "sh", "su", "sudo", "tclsh", "tcsh", "xargs", "zsh",
];

/// A read-only command that cases under the policy may run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedCommand {
    /// Its name, e.g. `CMD-1`.
    pub id: String,
    /// Its words, the program first: each an exact word, or a pattern for one word.
    pub argv: Vec<AllowedWord>,
    /// Why it is allowed, and why it changes nothing.
    pub reason: String,
}

/// One word of an allowed command.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a word, or `{ matches: REGULAR EXPRESSION }` for one word")]
pub enum AllowedWord {
    /// Exactly this.
    Exact(String),
    /// Any word that the pattern matches as a whole and that does not begin with `-`.
    Pattern(WordPattern),
}

/// A pattern for one word.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WordPattern {
    /// A regular expression for the whole word.
    pub matches: String,
}

impl AllowedCommand {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.reason.trim().is_empty() {
            return Some("reason: is empty; say why it is allowed and why it changes nothing".to_owned());
        }
        let Some(AllowedWord::Exact(program)) = self.argv.first() else {
            return Some("argv: begins with the program, an exact word".to_owned());
        };
        let name = program.rsplit('/').next().unwrap_or(program);
        let versioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if name.is_empty() || INTERPRETERS.contains(&name) || INTERPRETERS.contains(&versioned) {
            let message = "would run whatever its arguments say; name the program itself";
            return Some(format!("argv: `{name}` {message}"));
        }
        self.argv.iter().find_map(AllowedWord::fault)
    }

    /// Whether `words` are this command.
    #[must_use]
    pub fn allows(&self, words: &[String]) -> bool {
        self.argv.len() == words.len() && self.argv.iter().zip(words).all(|(allowed, word)| allowed.allows(word))
    }
}

impl AllowedWord {
    fn fault(&self) -> Option<String> {
        match self {
            Self::Exact(word) if word.contains('\0') => Some("argv: a word holds a NUL".to_owned()),
            Self::Pattern(pattern) if pattern.compiled().is_none() => {
                Some(format!("argv: `{}` is no regular expression", pattern.matches))
            }
            _ => None,
        }
    }

    fn allows(&self, word: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == word,
            // A pattern for a path must not let an option in.
            Self::Pattern(pattern) => {
                !word.starts_with('-')
                    && !word.contains('\0')
                    && pattern.compiled().is_some_and(|pattern| pattern.is_match(word))
            }
        }
    }
}

impl WordPattern {
    /// The pattern for the whole word, wherever it has its own anchors.
    fn compiled(&self) -> Option<Regex> {
        // Alone first: `a)|(b` is no pattern, and must not become one between our brackets.
        Regex::new(&self.matches).ok()?;
        Regex::new(&format!(r"\A(?:{})\z", self.matches)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(json: &str) -> AllowedCommand {
        serde_json::from_str(&format!(r#"{{"id":"CMD-1","reason":"it only lists","argv":{json}}}"#)).unwrap()
    }

    fn allows(json: &str, line: &str) -> bool {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        command(json).allows(&words)
    }

    #[test]
    fn word_by_word_and_no_word_more() {
        let df = r#"["df","-P",{"matches":"/srv/[a-z]+"}]"#;
        assert!(allows(df, "df -P /srv/backups"));
        for line in ["df -P", "df -P /srv/backups x", "df /srv/backups -P", "/bin/df -P /srv/a", "df -P x/srv/a"] {
            assert!(!allows(df, line), "{line}");
        }
        assert!(!allows(r#"["df",{"matches":".*"}]"#, "df --output=x"), "a pattern lets no option in");
        assert!(!allows(r#"["df",{"matches":"a|b"}]"#, "df ax"), "the whole word");
        assert!(!allows(r#"["df",{"matches":"a\\z|b"}]"#, "df xa"));
    }

    #[test]
    fn interpreters_bad_patterns_and_silence_are_faults() {
        for json in [
            r#"["sh","-c","df"]"#,
            r#"["/usr/bin/python3.12","x"]"#,
            r#"["sudo","df"]"#,
            r#"[]"#,
            r#"[{"matches":"df"}]"#,
            r#"["df",{"matches":"("}]"#,
            r#"["df",{"matches":"a)|(b"}]"#,
            r#"[""]"#,
        ] {
            assert!(command(json).fault().is_some(), "{json}");
        }
        assert!(command(r#"["df","-P"]"#).fault().is_none());
        let silent = AllowedCommand { reason: " ".into(), ..command(r#"["df"]"#) };
        assert!(silent.fault().is_some_and(|fault| fault.contains("reason")));
    }
}
