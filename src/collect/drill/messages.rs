//! What the clients said while they restored: every warning and error, each with the first line of the
//! command that it is about. A line that is not understood is a message too: what nobody can read
//! must not pass for silence. Details, hints and contexts are left out: they quote rows.

use crate::base::text;
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

/// The longest text of a message; a command's first line may be an endless list of columns, and a dump may
/// say what it likes.
const LONGEST: usize = 300;
/// The most different messages that are kept.
const KINDS: usize = 100;

/// Warnings that the restore of a whole dump gives for reasons of the drill or of `pg_dump`, and why.
const EXPECTED: [(&str, &str); 4] = [
    ("WARNING: wal_level is insufficient to publish logical changes", "the drill's server publishes nothing"),
    ("WARNING: \"wal_level\" is insufficient to publish logical changes", "the drill's server publishes nothing"),
    ("WARNING: tables were not subscribed, you will have to run", "pg_dump restores a subscription unconnected"),
    ("WARNING: subscription was created, but is not connected", "pg_dump restores a subscription unconnected"),
];

/// One kind of message.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    severity: &'static str,
    text: String,
    /// The line of the script, where the client told it.
    line: Option<i64>,
    /// The entry of the archive, where the client told it.
    entry: Option<String>,
    count: i64,
}

/// Everything that was said.
#[derive(Debug, Default)]
pub(super) struct Messages {
    list: Vec<Message>,
    /// Messages of further kinds than are kept.
    beyond: i64,
    /// Errors, warnings and notices, each as often as it was said.
    pub(super) errors: i64,
    pub(super) warnings: i64,
    pub(super) notices: i64,
    /// How many errors `pg_restore` says that it ignored.
    pub(super) ignored: Option<i64>,
    /// Commands of the dump that were not carried out on purpose: to the client, and to start programs.
    pub(super) refused: i64,
}

/// What a line is.
enum Line<'a> {
    /// A message of its own.
    Said { severity: &'static str, text: &'a str },
    /// The command that the message before is about.
    Command(&'a str),
    /// The entry that the message after is about.
    Entry(&'a str),
    /// The number of ignored errors.
    Ignored(i64),
    /// Part of what came before.
    More,
}

/// Takes the standard error of a client apart.
pub(super) fn read(said: &[u8]) -> Messages {
    let said = text::from_bytes(said);
    let mut found = Messages::default();
    let mut entry: Option<&str> = None;
    let mut last: Option<Message> = None;
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        let (number, rest, ours) = place(line);
        match kind(rest, ours, last.is_some()) {
            Line::Said { severity, text } => {
                found.keep(last.take());
                let text = squeezed(text);
                last = Some(Message { severity, text, line: number, entry: entry.take().map(squeezed), count: 1 });
            }
            Line::Command(command) => {
                if let Some(message) = last.as_mut().filter(|message| !message.text.contains("; command: ")) {
                    message.text = squeezed(&format!("{}; command: {command}", message.text));
                }
            }
            Line::Entry(name) => {
                found.keep(last.take());
                entry = Some(name);
            }
            Line::Ignored(count) => {
                found.keep(last.take());
                found.ignored = Some(count);
            }
            Line::More => {}
        }
    }
    found.keep(last);
    found
}

impl Messages {
    fn keep(&mut self, message: Option<Message>) {
        let Some(message) = message else { return };
        match message.severity {
            "notice" => {
                self.notices += 1;
                return;
            }
            "warning" => self.warnings += 1,
            _ => self.errors += 1,
        }
        const REFUSED: [&str; 2] = ["backslash commands are restricted", "could not execute command"];
        self.refused += i64::from(REFUSED.iter().any(|words| message.text.contains(words)));
        let same = |known: &&mut Message| known.severity == message.severity && known.text == message.text;
        let full = self.list.len() >= KINDS;
        match self.list.iter_mut().find(same) {
            Some(known) => known.count += 1,
            None if full => self.beyond += 1,
            None => self.list.push(message),
        }
    }

    /// Whether there were more different messages than are kept.
    pub(super) fn is_cut(&self) -> bool {
        self.beyond > 0
    }

    /// Whether the client counted as many errors as were found. In parallel, `pg_restore` counts what
    /// its workers ignored a second time when they end.
    pub(super) fn agrees(&self, parallel: bool) -> bool {
        let most = if parallel { 2 * self.errors } else { self.errors };
        self.ignored.is_none_or(|ignored| (self.errors..=most).contains(&ignored))
    }

    /// Two lists of maps: `severity`, `text`, `count`, and where they are known `line` and `entry`; the second
    /// one of the messages that were to be expected.
    pub(super) fn into_values(self) -> (Value, Value) {
        let (expected, list): (Vec<_>, Vec<_>) = self.list.into_iter().partition(|m| m.expected().is_some());
        let values = |list: Vec<Message>| Value::List(list.into_iter().map(Message::into_value).collect());
        (values(list), values(expected))
    }
}

/// Why the messages are not all there.
pub(super) fn too_many() -> Absence {
    Absence::new(Reason::Limit, format!("more than {KINDS} different messages, or more text than is read"))
}

impl Message {
    /// Why it was to be expected, if it was.
    fn expected(&self) -> Option<&'static str> {
        let known = EXPECTED.iter().filter(|_| self.severity == "warning");
        known.into_iter().find(|(words, _)| self.text.starts_with(words)).map(|(_, because)| *because)
    }

    fn into_value(self) -> Value {
        let mut map = Map::new();
        map.insert("severity".into(), self.severity.into());
        if let Some(because) = self.expected().or_else(|| refused(&self.text)) {
            map.insert("because".into(), because.into());
        }
        map.insert("text".into(), self.text.into());
        map.insert("count".into(), Value::int(self.count));
        if let Some(line) = self.line {
            map.insert("line".into(), Value::int(line));
        }
        if let Some(entry) = self.entry {
            map.insert("entry".into(), entry.into());
        }
        Value::Map(map)
    }
}

/// What the server says when it is kept in its bounds, and what that means: its own words may mislead (a
/// program that may not be started shows as a lack of memory).
fn refused(text: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 5] = [
        ("could not execute command", "a drill's server may start no program"),
        ("could not establish connection", "a drill's server may connect to nobody"),
        ("could not connect to", "a drill's server may connect to nobody"),
        ("Operation not permitted", "a drill's server may connect to nobody"),
        ("Permission denied", "a drill's server may read and write no file but its own"),
    ];
    WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, because)| *because)
}

/// `psql:<stdin>:12: rest` or `pg_restore: rest`; the last part says whether a client's name stood there.
fn place(line: &str) -> (Option<i64>, &str, bool) {
    if let Some(rest) = line.strip_prefix("pg_restore: ") {
        return (None, rest, true);
    }
    let numbered = || {
        let (number, rest) = line.strip_prefix("psql:<stdin>:")?.split_once(": ")?;
        Some((number.parse().ok()?, rest))
    };
    match numbered() {
        Some((number, rest)) => (Some(number), rest, true),
        None => match line.strip_prefix("psql: ") {
            Some(rest) => (None, rest, true),
            None => (None, line, false),
        },
    }
}

fn kind(rest: &str, ours: bool, follows: bool) -> Line<'_> {
    const SEVERITIES: [(&str, &str); 8] = [
        ("ERROR: ", "error"),
        ("FATAL: ", "error"),
        ("PANIC: ", "error"),
        ("error: ", "error"),
        ("WARNING: ", "warning"),
        ("warning: ", "warning"),
        ("NOTICE: ", "notice"),
        ("INFO: ", "notice"),
    ];
    const MORE: [&str; 9] =
        ["DETAIL:", "HINT:", "CONTEXT:", "LINE ", "QUERY:", "LOCATION:", "detail:", "hint:", "SCHEMA NAME:"];
    let count = rest.strip_prefix("warning: errors ignored on restore: ").and_then(|count| count.trim().parse().ok());
    if let (true, Some(count)) = (ours, count) {
        return Line::Ignored(count);
    }
    if let Some(command) = rest.strip_prefix("STATEMENT: ").filter(|_| ours).or(rest.strip_prefix("Command was: ")) {
        return Line::Command(command.trim());
    }
    if let Some(entry) = rest.strip_prefix("from TOC entry ").filter(|_| ours) {
        return Line::Entry(entry);
    }
    if ours && rest.starts_with("while ") || MORE.iter().any(|more| rest.starts_with(more)) {
        return Line::More;
    }
    // The server's own word stands at the front, except behind a client's `error: … failed: `.
    match SEVERITIES.iter().find(|(word, _)| rest.starts_with(word)) {
        Some((_, severity)) => Line::Said { severity, text: rest },
        None if ours || !follows => Line::Said { severity: "unclassified", text: rest },
        None => Line::More,
    }
}

/// On one line, one space between words, not endless.
fn squeezed(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pg_restore_is_taken_apart_without_what_it_quotes() {
        let said = "pg_restore: while PROCESSING TOC:\n\
            pg_restore: from TOC entry 3359; 1417 16418 USER MAPPING USER MAPPING app SERVER far postgres\n\
            pg_restore: error: could not execute query: ERROR:  role \"app\" does not exist\n\
            Command was: CREATE USER MAPPING FOR app SERVER far OPTIONS (\n    \"user\" 'remote'\n);\n\n\n\
            pg_restore: error: COPY failed for table \"t\": ERROR:  invalid input syntax for type integer: \"x\"\n\
            CONTEXT:  COPY t, line 2, column id: \"a row\"\n\
            pg_restore: warning: errors ignored on restore: 2\n";
        let found = read(said.as_bytes());
        assert_eq!((found.errors, found.warnings, found.ignored, found.agrees(false)), (2, 0, Some(2), true));
        assert_eq!(
            found.list[0].text,
            "error: could not execute query: ERROR: role \"app\" does not exist; \
             command: CREATE USER MAPPING FOR app SERVER far OPTIONS ("
        );
        assert!(found.list[0].entry.as_deref().is_some_and(|entry| entry.contains("USER MAPPING app")));
        assert!(found.list[1].entry.is_none());
        let all = found.into_values().0.to_string();
        assert!(!all.contains("remote") && !all.contains("a row"), "{all}");
    }

    #[test]
    fn psql_says_the_line_and_the_statement() {
        let said = "psql:<stdin>:7: NOTICE:  extension \"x\" already exists, skipping\n\
            psql:<stdin>:12: ERROR:  role \"app\" does not exist\n\
            psql:<stdin>:12: STATEMENT:  ALTER TABLE public.t OWNER TO app;\n\
            psql:<stdin>:14: ERROR:  role \"app\" does not exist\n\
            psql:<stdin>:14: STATEMENT:  ALTER TABLE public.t OWNER TO app;\n\
            psql:<stdin>:20: WARNING:  that is odd\n";
        let found = read(said.as_bytes());
        assert_eq!((found.errors, found.warnings, found.notices, found.list.len()), (2, 1, 1, 2));
        assert_eq!((found.list[0].line, found.list[0].count), (Some(12), 2));
        assert_eq!(
            found.list[0].text,
            "ERROR: role \"app\" does not exist; command: ALTER TABLE public.t OWNER TO app;"
        );
    }

    #[test]
    fn what_the_drill_itself_brings_about_is_told_apart() {
        let said = "psql:<stdin>:7: WARNING:  \"wal_level\" is insufficient to publish logical changes\n\
            HINT:  Set \"wal_level\" to \"logical\" before creating subscriptions.\n\
            pg_restore: WARNING:  tables were not subscribed, you will have to run ALTER SUBSCRIPTION ...\n\
            psql:<stdin>:9: WARNING:  that wal_level is insufficient to publish logical changes\n\
            psql:<stdin>:9: ERROR:  subscription was created, but is not connected\n";
        let found = read(said.as_bytes());
        assert_eq!((found.warnings, found.errors), (3, 1));
        let (list, expected) = found.into_values();
        assert_eq!(
            (list.to_string().matches("count").count(), expected.to_string().matches("because").count()),
            (2, 2)
        );
    }

    #[test]
    fn a_flood_is_counted_and_only_its_beginning_kept() {
        let said: String = (0..100_000).map(|n| format!("psql:<stdin>:7: WARNING:  flood {n} {:900}\n", n)).collect();
        let found = read(said.as_bytes());
        assert_eq!((found.warnings, found.list.len(), found.is_cut()), (100_000, KINDS, true));
        assert!(found.into_values().0.to_string().len() < KINDS * (LONGEST + 200));
        let same = "psql:<stdin>:7: WARNING:  the same\n".repeat(10_000);
        assert!(!read(same.as_bytes()).is_cut());
    }

    #[test]
    fn what_nobody_understands_is_a_message() {
        let found = read(b"psql:<stdin>:9: server closed the connection unexpectedly\n\tThis probably means\n");
        assert_eq!((found.errors, found.list[0].severity), (1, "unclassified"));
        assert_eq!(read(b"Segmentation fault\n").errors, 1);
        let lost = read(b"pg_restore: warning: errors ignored on restore: 3\n");
        assert!(!lost.agrees(false) && !lost.agrees(true));
    }
}
