//! How the lines of one source are laid out: where the time stands, which words are the message, and
//! who wrote it. Patterns see the message only, so that neither a file name in front nor the fields of
//! a JSON line can pass for an event.

use std::borrow::Cow;

use memchr::memmem;

use super::stamp::Form;

/// The names that a case may give.
pub const FORMATS: [&str; 10] =
    ["auto", "iso", "syslog", "epoch", "date", "nginx", "apache", "postgresql", "journald", "docker"];

/// The layout of a source's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with the time somewhere near its beginning, in one of these forms; all of them when empty.
    Plain(&'static str, &'static [Form]),
    /// Text whose time is written like this, in the notation of `strftime`.
    Custom(String),
    /// One JSON object a line, as `journalctl -o json` writes.
    Journald,
    /// One JSON object a line, as Docker's `json-file` driver writes.
    Docker,
}

impl Format {
    /// The format called `name`; one with a `%` is a notation of `strftime`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Plain("auto", &[]),
            "iso" => Self::Plain("iso", &[Form::Iso]),
            "syslog" => Self::Plain("syslog", &[Form::Syslog, Form::Iso]),
            "epoch" => Self::Plain("epoch", &[Form::Epoch]),
            "date" => Self::Plain("date", &[Form::Date]),
            "nginx" => Self::Plain("nginx", &[Form::Access, Form::Iso]),
            "apache" => Self::Plain("apache", &[Form::Access, Form::Date]),
            "postgresql" => Self::Plain("postgresql", &[Form::Iso]),
            "journald" => Self::Journald,
            "docker" => Self::Docker,
            custom if custom.contains('%') => Self::Custom(custom.to_owned()),
            _ => return None,
        })
    }

    /// What `line`, the first one with content, says about an `auto` format.
    #[must_use]
    pub fn settled_by(self, line: &[u8]) -> Self {
        let object = line.trim_ascii_start().starts_with(b"{");
        match self {
            Self::Plain("auto", _) if object && memmem::find(line, JOURNAL_TIME).is_some() => Self::Journald,
            Self::Plain("auto", _) if object && memmem::find(line, DOCKER_LOG).is_some() => Self::Docker,
            other => other,
        }
    }

    /// The word for facts.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Plain(name, _) => name,
            Self::Custom(notation) => notation,
            Self::Journald => "journald",
            Self::Docker => "docker",
        }
    }

    /// Whether the message stands in a JSON string.
    #[must_use]
    pub fn is_json(&self) -> bool {
        matches!(self, Self::Journald | Self::Docker)
    }
}

const JOURNAL_TIME: &[u8] = b"\"__REALTIME_TIMESTAMP\":\"";
const DOCKER_LOG: &[u8] = b"\"log\":\"";
const DOCKER_TIME: &[u8] = b"\"time\":\"";

/// Where the time of a JSON line stands, as start and end.
#[must_use]
pub fn json_time(format: &Format, line: &[u8]) -> Option<(usize, usize)> {
    let start = match format {
        // A quote within a message is escaped, so that no message can hold these bytes.
        Format::Journald => memmem::find(line, JOURNAL_TIME)? + JOURNAL_TIME.len(),
        Format::Docker => memmem::rfind(line, DOCKER_TIME)? + DOCKER_TIME.len(),
        _ => return None,
    };
    let end = start + memchr::memchr(b'"', &line[start..])?;
    Some((start, end))
}

/// Who a line speaks for, and what it says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// The program, where the layout names one.
    pub tag: Option<Cow<'a, str>>,
    /// Its process, where the layout names one.
    pub pid: Option<Cow<'a, str>>,
    /// What it says.
    pub text: Cow<'a, [u8]>,
}

/// The message of a JSON line; nothing when it is none.
#[must_use]
pub fn json_message<'a>(format: &Format, line: &'a [u8]) -> Option<Message<'a>> {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    let mut take = |key: &str| match object.remove(key) {
        Some(serde_json::Value::String(text)) => Some(text),
        // What is not UTF-8 is written as a list of bytes.
        Some(serde_json::Value::Array(bytes)) => {
            let bytes = bytes.iter().filter_map(|b| u8::try_from(b.as_u64()?).ok()).collect::<Vec<_>>();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    };
    let text = take(if *format == Format::Docker { "log" } else { "MESSAGE" })?;
    let text = text.trim_end_matches(['\n', '\r']).as_bytes().to_vec();
    let tag = take("SYSLOG_IDENTIFIER").or_else(|| take("_COMM"));
    Some(Message { tag: tag.map(Cow::Owned), pid: take("_PID").map(Cow::Owned), text: Cow::Owned(text) })
}

/// The message of a text line whose time ends at `end`; for syslog, host and program are taken off.
#[must_use]
pub fn text_message(line: &[u8], end: usize, form: Option<Form>, syslog: bool) -> Message<'_> {
    let rest = line.get(end..).unwrap_or_default();
    let rest = match rest.iter().position(|byte| !b"] \t:,-|)>".contains(byte)) {
        Some(at) => &rest[at..],
        None => &[],
    };
    if form == Some(Form::Syslog) || syslog { of_syslog(rest) } else { plain(rest) }
}

fn plain(text: &[u8]) -> Message<'_> {
    Message { tag: None, pid: None, text: Cow::Borrowed(text) }
}

/// `host cron[123]: message`; without such a head, all of it is the message.
fn of_syslog(rest: &[u8]) -> Message<'_> {
    let tagged = memchr::memchr(b' ', rest).and_then(|space| tag(&rest[space + 1..]));
    // A message that was given to `logger` without a host, or a foreign form.
    tagged.or_else(|| tag(rest)).unwrap_or_else(|| plain(rest))
}

fn tag(text: &[u8]) -> Option<Message<'_>> {
    let colon = memchr::memchr(b':', &text[..text.len().min(64)])?;
    let head = std::str::from_utf8(&text[..colon]).ok()?;
    let (name, pid) = match head.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']')?)),
        None => (head, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./()@+".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let text = text[colon + 1..].trim_ascii_start();
    Some(Message { tag: Some(name.into()), pid: pid.map(Into::into), text: Cow::Borrowed(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_names_its_writer() {
        let found = text_message(b"May 15 10:23:50 db1 cron[77]: (root) CMD (x)", 15, Some(Form::Syslog), false);
        assert_eq!((found.tag.as_deref(), found.pid.as_deref()), (Some("cron"), Some("77")));
        assert_eq!(&*found.text, b"(root) CMD (x)");
        let found = text_message(b"May 15 10:23:50 db1 what is this", 15, Some(Form::Syslog), false);
        assert_eq!((found.tag, &*found.text), (None, b"db1 what is this".as_slice()));
    }

    #[test]
    fn json_lines_give_their_message_alone() {
        let line = br#"{"MESSAGE":"\"__REALTIME_TIMESTAMP\":\"1\" done","_PID":"7","SYSLOG_IDENTIFIER":"a","__REALTIME_TIMESTAMP":"1778840630000000"}"#;
        let (start, end) = json_time(&Format::Journald, line).unwrap();
        assert_eq!(&line[start..end], b"1778840630000000");
        let found = json_message(&Format::Journald, line).unwrap();
        assert_eq!((found.tag.as_deref(), found.pid.as_deref()), (Some("a"), Some("7")));
        let bytes = br#"{"MESSAGE":[104,105,255],"__REALTIME_TIMESTAMP":"1"}"#;
        assert_eq!(&*json_message(&Format::Journald, bytes).unwrap().text, "hi\u{fffd}".as_bytes());
        let docker = br#"{"log":"\"time\":\"x\"\n","stream":"stdout","time":"2026-05-15T01:00:00.5Z"}"#;
        let (start, end) = json_time(&Format::Docker, docker).unwrap();
        assert_eq!(&docker[start..end], b"2026-05-15T01:00:00.5Z");
    }

    #[test]
    fn formats_have_names_and_json_is_told_from_the_first_line() {
        assert!(FORMATS.iter().all(|name| Format::named(name).is_some_and(|format| format.word() == *name)));
        assert!(Format::named("%d.%m.%Y %H:%M").is_some() && Format::named("isso").is_none());
        let auto = Format::Plain("auto", &[]);
        assert_eq!(auto.clone().settled_by(br#"{"log":"x\n","time":"t"}"#), Format::Docker);
        assert_eq!(auto.clone().settled_by(b"2026-05-15 x"), auto);
    }
}
