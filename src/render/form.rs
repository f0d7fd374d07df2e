//! How a value is shown: as Markdown within a sentence or cell, and as YAML with a note.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};

use super::escape;
use crate::base::{quantity, yaml};
use crate::model::value::{Map, Value};

/// Longer lists are cut inside sentences, and say so.
const LIST_LIMIT: usize = 20;
/// Longer lists and maps take a line for each entry.
const FLOW_LIMIT: usize = 240;
/// YAML readers refuse longer keys in the short form.
const KEY_LIMIT: usize = 120;

/// What a template asks a value to be shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Plain,
    /// Bytes with an IEC unit.
    Bytes,
    /// An instant in UTC, the original offset kept.
    Utc,
    /// A number of seconds.
    Seconds,
    /// A number of milliseconds.
    Millis,
    /// A boolean in words.
    YesNo,
    /// A digest's first twelve digits.
    Short,
    /// Words of a person, not in a code span.
    Prose,
}

impl Form {
    /// The form that a name asks for by the house's habit of units in names: `size_bytes`,
    /// `uptime_seconds`, `took_ms`, `observed_at`.
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('.').next().unwrap_or(path);
        if name.split('_').any(|part| part == "bytes") {
            return Self::Bytes;
        }
        match name.rsplit('_').next().unwrap_or(name) {
            "seconds" => Self::Seconds,
            "ms" => Self::Millis,
            "at" | "time" | "mtime" | "ctime" | "atime" | "clock" => Self::Utc,
            _ => Self::Plain,
        }
    }
}

/// The filters by name; one table for filters, column specifications and their errors.
pub(super) const FORMS: [(&str, Form); 8] = [
    ("plain", Form::Plain),
    ("bytes", Form::Bytes),
    ("utc", Form::Utc),
    ("duration", Form::Seconds),
    ("ms", Form::Millis),
    ("yesno", Form::YesNo),
    ("short", Form::Short),
    ("prose", Form::Prose),
];

/// `value` as Markdown that is safe within a sentence and a table cell. A value that does not fit
/// the form is shown as it is: what evidence looks like must never stop a record.
pub(super) fn markdown(value: &Value, form: Form) -> String {
    formed(value, form).unwrap_or_else(|| plain(value))
}

fn formed(value: &Value, form: Form) -> Option<String> {
    Some(match form {
        Form::Plain => return None,
        Form::Bytes => quantity::show_bytes(whole(value)?),
        Form::Utc => utc(value.as_text()?)?,
        Form::Seconds => quantity::show_seconds(number(value)?),
        Form::Millis => quantity::show_seconds(number(value)? / 1000.0),
        Form::YesNo => yes_no(value)?.to_owned(),
        Form::Short => escape::inline(value.as_text()?.get(..12)?),
        Form::Prose => escape::prose(value.as_text()?),
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Real(_) => value.to_string(),
        Value::Text(text) => escape::inline(text),
        Value::List(list) => many(list),
        Value::Map(map) if map.is_empty() => "none".to_owned(),
        Value::Map(_) => escape::inline(&value.to_string()),
    }
}

fn many(list: &[Value]) -> String {
    let mut shown: Vec<_> = list.iter().take(LIST_LIMIT).map(plain).collect();
    match list.len() {
        0 => return "none".to_owned(),
        n if n > LIST_LIMIT => shown.push(format!("and {} more", n - LIST_LIMIT)),
        _ => {}
    }
    shown.join(", ")
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Int(n) => u64::try_from(*n).ok(),
        Value::Text(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
        Value::Int(n) => Some(*n as f64),
        Value::Real(n) => Some(*n),
        _ => None,
    }
}

fn yes_no(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(true) => Some("yes"),
        Value::Bool(false) => Some("no"),
        _ => None,
    }
}

/// An instant in UTC; one that was given with another offset keeps it in brackets.
fn utc(text: &str) -> Option<String> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    let in_utc = instant.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true);
    if instant.offset().local_minus_utc() == 0 {
        return Some(in_utc);
    }
    let given = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    // The day is written twice only when it differs.
    let same_day = in_utc.get(..11) == given.get(..11);
    Some(format!("{in_utc} ({})", if same_day { &given[11..] } else { &given }))
}

/// `value` as YAML below `key` at `indent` spaces, with `note` as a comment behind the key.
pub(super) fn yaml_lines(key: &str, value: &Value, form: Form, note: &str, indent: usize) -> Vec<String> {
    let pad = " ".repeat(indent);
    let key = scalar(key);
    let head = if key.len() > KEY_LIMIT { format!("{pad}? {key}\n{pad}") } else { format!("{pad}{key}") };
    let comment = if note.is_empty() { String::new() } else { format!("  # {note}") };
    if let Some(flat) = flat(value) {
        let extra = yaml_note(value, form).map_or_else(String::new, |extra| format!("  # {extra}"));
        let comment = if extra.is_empty() { comment } else { format!("{extra}{}", comment.replacen("  # ", " ", 1)) };
        return split(format!("{head}: {flat}{comment}"));
    }
    let mut lines = split(format!("{head}:{comment}"));
    lines.extend(nested(value, indent + 2));
    lines
}

fn split(text: String) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The YAML of a value that fits behind its key.
fn flat(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(_) | Value::Int(_) => value.to_string(),
        Value::Real(n) => real(*n),
        Value::Text(text) => scalar(text),
        Value::List(list) if list.is_empty() => "[]".to_owned(),
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::List(list) => in_flow('[', list.iter().map(flowing).collect::<Option<Vec<_>>>()?, ']')?,
        Value::Map(map) => in_flow('{', map.iter().map(pair).collect::<Option<Vec<_>>>()?, '}')?,
    })
}

/// Short lists and maps stand on one line. The blanks inside keep `[ F1 ]` from looking like a label.
fn in_flow(open: char, parts: Vec<String>, close: char) -> Option<String> {
    let text = format!("{open} {} {close}", parts.join(", "));
    (text.len() <= FLOW_LIMIT && !text.contains('\n')).then_some(text)
}

fn pair((key, value): (&String, &Value)) -> Option<String> {
    // A value with a unit keeps the line on which its unit is noted.
    if yaml_note(value, Form::of(key)).is_some() {
        return None;
    }
    Some(format!("{}: {}", flowing(&Value::Text(key.clone()))?, flowing(value)?))
}

/// A scalar within a flow list or map, where a plain one may hold no comma.
fn flowing(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if text.contains(',') => Some(escape::defang(&yaml::quoted(text)).into_owned()),
        Value::List(_) | Value::Map(_) => None,
        scalar => flat(scalar),
    }
}

/// Readers of YAML 1.1 take a number for one only with a point in it.
fn real(number: f64) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn nested(value: &Value, indent: usize) -> Vec<String> {
    match value {
        Value::List(list) => list.iter().flat_map(|item| listed(item, indent)).collect(),
        Value::Map(map) => mapped(map, indent),
        _ => Vec::new(),
    }
}

fn mapped(map: &Map, indent: usize) -> Vec<String> {
    map.iter().flat_map(|(key, value)| yaml_lines(key, value, Form::of(key), "", indent)).collect()
}

fn listed(item: &Value, indent: usize) -> Vec<String> {
    let pad = " ".repeat(indent);
    if let Some(flat) = flat(item) {
        return vec![format!("{pad}- {flat}")];
    }
    let mut lines = nested(item, indent + 2);
    if let Some(first) = lines.first_mut() {
        first.replace_range(indent..indent + 2, "- ");
    }
    lines
}

fn yaml_note(value: &Value, form: Form) -> Option<String> {
    match form {
        Form::Bytes => quantity::iec(whole(value)?),
        Form::Utc => utc(value.as_text()?).filter(|shown| shown.contains(" (")).map(|shown| {
            let end = shown.find(' ').unwrap_or(shown.len());
            format!("{} in UTC", &shown[..end])
        }),
        Form::Seconds | Form::Millis => formed(value, form),
        _ => None,
    }
}

/// A YAML scalar in which nothing looks like a citation label; it still reads as the same text.
pub(super) fn scalar(text: &str) -> String {
    escape::defang(&yaml::scalar(text)).into_owned()
}

/// A scalar of the front matter. Readers that know no front matter take it for Markdown, so what
/// Markdown would read is written as YAML escapes; the text stays the same.
pub(super) fn head_scalar(text: &str) -> String {
    let odd = |c: char| matches!(c, '[' | ']' | '<' | '`' | '*' | '~' | '@');
    let links = ["://", "www."].iter().any(|start| text.to_ascii_lowercase().contains(start));
    if !links && !text.contains(odd) {
        return yaml::scalar(text);
    }
    let quoted = yaml::quoted(text);
    let mut out = String::with_capacity(quoted.len() + 8);
    for c in quoted.chars() {
        if odd(c) || (links && matches!(c, ':' | '.')) {
            let _ = write!(out, "\\x{:02x}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_with_units() {
        assert_eq!(markdown(&Value::Int(63_511_944), Form::Bytes), "63511944 bytes (60.6 MiB)");
        assert_eq!(markdown(&Value::Bool(false), Form::YesNo), "no");
        assert_eq!(markdown(&Value::Real(0.25), Form::Seconds), "250ms");
        assert_eq!(markdown(&"2026-05-15T10:23:50Z".into(), Form::Utc), "2026-05-15T10:23:50Z");
        assert_eq!(markdown(&"2026-05-15T12:23:50+02:00".into(), Form::Utc), "2026-05-15T10:23:50Z (12:23:50+02:00)");
    }

    #[test]
    fn an_instant_on_another_day_keeps_its_day() {
        let shown = markdown(&"2026-05-15T00:30:00+02:00".into(), Form::Utc);
        assert_eq!(shown, "2026-05-14T22:30:00Z (2026-05-15T00:30:00+02:00)");
    }

    #[test]
    fn a_value_that_does_not_fit_its_form_is_shown_as_it_is() {
        assert_eq!(markdown(&"many".into(), Form::Bytes), "`many`");
        assert_eq!(markdown(&"yesterday".into(), Form::Utc), "`yesterday`");
        assert_eq!(markdown(&"ééé".into(), Form::Short), "`ééé`");
    }

    #[test]
    fn yaml_keeps_the_value_and_notes_the_unit() {
        let lines = yaml_lines("size", &Value::Int(2048), Form::Bytes, "[F1]", 0);
        assert_eq!(lines, ["size: 2048  # 2.0 KiB [F1]"]);
        let value: Value = serde_json::from_str(r#"{"a":[{"b":1,"c":[]},[2,"no"]],"d":{}}"#).unwrap();
        let lines = yaml_lines("k", &value, Form::Plain, "[F1]", 0);
        assert_eq!(lines, ["k:  # [F1]", "  a:", "    - b: 1", "      c: []", "    - [ 2, \"no\" ]", "  d: {}"]);
        let value: Value = serde_json::from_str(r#"{"x,y":"a, b","z":["F1"],"t":"yes"}"#).unwrap();
        let lines = yaml_lines("k", &value, Form::Plain, "[F1]", 0);
        assert_eq!(lines, ["k:  # [F1]", "  t: \"yes\"", "  x,y: a, b", "  z: [ F1 ]"]);
        let value: Value = serde_json::from_str(r#"{"x,y":"a, b","t":"yes"}"#).unwrap();
        let lines = yaml_lines("k", &value, Form::Plain, "[F1]", 0);
        assert_eq!(lines, ["k: { t: \"yes\", \"x,y\": \"a, b\" }  # [F1]"]);
    }

    #[test]
    fn the_front_matter_is_no_markdown() {
        assert_eq!(head_scalar("Backup & restore: closed_with_notes"), "\"Backup & restore: closed_with_notes\"");
        assert_eq!(head_scalar("![x](y)"), "\"!\\x5bx\\x5d(y)\"");
        assert_eq!(head_scalar("http://a.b"), "\"http\\x3a//a\\x2eb\"");
    }
}
