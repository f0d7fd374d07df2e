//! A crontab, line by line: settings of the environment, entries, and lines that cron refuses. In a
//! system crontab and in `cron.d`, a user stands between schedule and command.

use super::Fault;
use super::cron::{Cron, macro_fields};

/// The longest line that is read, in bytes; cron itself refuses longer ones.
const LONGEST: usize = 128 << 10;

/// One line that is not empty and no comment.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// `NAME=VALUE`
    Setting(String, String),
    /// Something to run.
    Entry(Entry),
    /// What cron would not take, and why.
    Malformed(String),
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The schedule as it is written.
    pub written: String,
    /// What it means; `None` for `@reboot`.
    pub cron: Option<Cron>,
    /// The user, in a system crontab.
    pub user: Option<String>,
    /// What is run: the command up to the first `%`.
    pub command: String,
    /// Whether there is a `%` that is not escaped: what follows it is standard input.
    pub input: bool,
    /// The zone that `CRON_TZ` names above it.
    pub zone: Option<String>,
}

/// Reads a crontab; gives the lines with their numbers.
#[must_use]
pub fn read(text: &str, system: bool) -> Vec<(usize, Line)> {
    let mut zone = None;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches([' ', '\t']).trim_end_matches('\r');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() > LONGEST {
            lines.push((index + 1, Line::Malformed(format!("it is longer than {LONGEST} bytes"))));
            continue;
        }
        let read = match setting(line) {
            Some((name, value)) => {
                if name == "CRON_TZ" {
                    zone = Some(value.clone()).filter(|value| !value.is_empty());
                }
                Line::Setting(name, value)
            }
            None => match entry(line, system) {
                Ok(entry) => Line::Entry(Entry { zone: zone.clone(), ..entry }),
                Err(Fault(why)) => Line::Malformed(why),
            },
        };
        lines.push((index + 1, read));
    }
    lines
}

fn setting(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = unquoted(name.trim());
    let plain = !name.is_empty()
        && !name.contains([' ', '\t', '*', '@', '/'])
        && !name.starts_with(|c: char| c.is_ascii_digit());
    plain.then(|| (name.to_owned(), unquoted(value.trim()).to_owned()))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn entry(line: &str, system: bool) -> Result<Entry, Fault> {
    let mut rest = line;
    let mut word = || {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        let end = trimmed.find([' ', '\t']).unwrap_or(trimmed.len());
        let (word, behind) = trimmed.split_at(end);
        rest = behind;
        word
    };
    let first = word();
    let (written, cron) = if first.starts_with('@') {
        (first.to_owned(), macro_fields(first)?.map(Cron::parse).transpose()?)
    } else {
        let fields = [first, word(), word(), word(), word()];
        if fields[4].is_empty() {
            return Err(Fault("it has fewer than five fields".into()));
        }
        (fields.join(" "), Some(Cron::read(&fields)?))
    };
    let user = if system { Some(word()).filter(|user| !user.is_empty()) } else { None };
    let command = rest.trim_start_matches([' ', '\t']);
    match () {
        () if system && user.is_none() => Err(Fault("it names neither user nor command".into())),
        () if command.is_empty() && system => {
            Err(Fault("it has no command behind the user, or no user before the command".into()))
        }
        () if command.is_empty() => Err(Fault("it has no command".into())),
        () => {
            let (command, input) = percent(command);
            Ok(Entry { written, cron, user: user.map(str::to_owned), command, input, zone: None })
        }
    }
}

/// The command up to the first `%` that is not escaped.
fn percent(command: &str) -> (String, bool) {
    let mut out = String::new();
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('%')) => out.extend(chars.next()),
            ('%', _) => return (out, true),
            _ => out.push(c),
        }
    }
    (out, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str, system: bool) -> Vec<Entry> {
        let entry = |(_, line)| if let Line::Entry(entry) = line { Some(entry) } else { None };
        read(text, system).into_iter().filter_map(entry).collect()
    }

    #[test]
    fn settings_entries_and_users() {
        let text = "# comment\nMAILTO=\"ops@example.org\"\nCRON_TZ = Europe/Zurich\n\n17 4 * * *  root  /usr/local/bin/a --x=1\n";
        let lines = read(text, true);
        assert_eq!(lines[0], (2, Line::Setting("MAILTO".into(), "ops@example.org".into())));
        let entry = &entries(text, true)[0];
        assert_eq!((entry.written.as_str(), entry.user.as_deref()), ("17 4 * * *", Some("root")));
        assert_eq!((entry.command.as_str(), entry.zone.as_deref()), ("/usr/local/bin/a --x=1", Some("Europe/Zurich")));
        assert_eq!(entries("@daily a=b c\n", false)[0].command, "a=b c");
    }

    #[test]
    fn a_percent_begins_the_input() {
        let entry = &entries("0 1 * * * mail -s x ops%Hello%you\n", false)[0];
        assert_eq!((entry.command.as_str(), entry.input), ("mail -s x ops", true));
        let entry = &entries("0 1 * * * date +\\%F\n", false)[0];
        assert_eq!((entry.command.as_str(), entry.input), ("date +%F", false));
    }

    #[test]
    fn a_line_without_end_is_named_and_not_kept() {
        let text = format!("* * * * * {}\n0 4 * * * x\n", "y".repeat(LONGEST));
        let lines = read(&text, false);
        assert!(matches!(&lines[0], (1, Line::Malformed(why)) if why.contains("longer than")));
        assert!(matches!(lines[1], (2, Line::Entry(_))));
    }

    #[test]
    fn malformed_lines_are_named() {
        let lines = read("61 * * * * x\n* * * * *\nnonsense\n0 4 * * *\t/usr/bin/x\n", true);
        let why =
            |at: usize| if let (line, Line::Malformed(why)) = &lines[at] { (*line, why.as_str()) } else { (0, "") };
        assert!(why(0).1.contains("minute") && why(1).1.contains("user") && why(2).1.contains("five"));
        assert!(why(3).1.contains("no user before the command"), "{:?}", lines[3]);
    }
}
