//! Reads an assignment around a word such as `password`: the whole name, the operator in any of
//! the many syntaxes, and the value. Whether the value is worth a finding is weighed elsewhere.

use std::ops::Range;

use super::keys::{self, Kind};
use super::maker;
use super::tongues;
use super::value;
use super::weigh::Stands;

/// No name is longer, in bytes.
const LONGEST_NAME: usize = 80;

/// An assignment whose name announces a secret.
pub(super) struct Assignment {
    /// The name.
    pub name: Range<usize>,
    /// What the name announces.
    pub kind: Kind,
    /// The value without its quotes.
    pub value: Range<usize>,
    /// Whether it stands in quotes.
    pub quoted: bool,
    /// How the value stands there.
    pub stands: Stands,
    /// How it is assigned.
    pub by: By,
    /// What alone may be its value, for names that announce much else too.
    pub only: Only,
}

/// What alone may be a name's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    /// Whatever its kind allows.
    Any,
    /// What is surely none of the words of its language: the name is of another one.
    Foreign,
    /// A key that a machine made: the name is `key`, or a key of something.
    Key,
    /// What no code and no list of names holds: the name is an argument among others.
    Chosen,
    /// Four to eight digits: the name is `pin`.
    Pin,
    /// A session: the name of a cookie beside its value.
    Session,
}

/// The syntax of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// `=`, `:`, `=>` and their kin.
    Operator,
    /// `==`, `!=`: compared, not assigned.
    Comparison,
    /// `--name value`, `--name=value`, also as items of a list.
    Flag,
    /// `define("NAME", "value")`, `setName("value")`.
    Call,
    /// `password value`, `| password | value |`: only what looks made by a machine.
    Word,
    /// `<name>value</name>`, `name="x" value="y"`, `name: x` and `value: y`.
    Element,
    /// `<td>name</td><td>value</td>`: text like any other.
    Cell,
}

/// A name, and what it announces when it is one of another language.
pub(super) struct Name {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it announces, if its language is another.
    foreign: Option<Kind>,
}

/// The name around the word at `hit`, which announces `foreign` in another language.
pub(super) fn name_at(text: &[u8], hit: usize, word: usize, foreign: Option<Kind>) -> Option<Name> {
    if let Some(range) = foreign.and_then(|_| tongues::at(text, hit, word)) {
        return Some(Name { range, foreign });
    }
    name_around(text, hit, word).map(|range| Name { range, foreign: None })
}

/// Whether a name is that of a command's flag.
pub(super) fn is_flag(text: &[u8], name: &Range<usize>) -> bool {
    text[name.start] == b'-'
}

/// What is assigned to `name`, if something is and it announces a secret.
pub(super) fn to(text: &[u8], name: &Name) -> Option<Assignment> {
    let (name, foreign) = (name.range.clone(), name.foreign);
    if is_flag(text, &name) {
        return flag(text, &name);
    }
    let mut after = operator(text, &name)?;
    let known = foreign.or_else(|| kind_of(text, &name));
    let (kind, mut only) = known
        .map(|kind| (kind, if foreign.is_some() { Only::Foreign } else { Only::Any }))
        .or_else(|| doubtful(text, &name))?;
    let start = typed(text, after.start);
    if closes_string(text, start) {
        return None;
    }
    if is_assignment(text, start) {
        return None;
    }
    // `"adminPassword": { "value": "x" }`, `passwords: ["x"]`, and the quotes of reStructuredText.
    let start = match text.get(start..start + 2) {
        Some([b'{', _]) => value_beside(text, start + 1).map_or(start, |inner| inner.start),
        Some([b'[', b'"' | b'\''] | [b'`', b'`']) => {
            only = Only::Chosen;
            start + 1
        }
        _ => start,
    };
    let wrapped = maker::made_of(text, start);
    if wrapped > start && !maker::is_maker(text, start) {
        only = Only::Chosen;
    }
    if wrapped > start {
        after.by = By::Call;
    }
    let start = wrapped;
    if after.by == By::Call && is_listed(text, &name) {
        only = Only::Chosen;
    }
    let range = value::assigned(text, name.start, start);
    let quoted = range.start > start || text[..start].ends_with(b"&quot;");
    let by = after.by;
    if by == By::Call && !quoted {
        return None;
    }
    let alone = match by {
        By::Call => text[name.clone()].to_ascii_lowercase().starts_with(b"set") && wrapped == after.start,
        By::Comparison | By::Word | By::Cell => false,
        By::Element => true,
        By::Operator | By::Flag => quoted || is_setting(text, &name, &range),
    };
    let stands = match (alone, quoted) {
        _ if foreign.is_some() || by == By::Cell => Stands::Quoted,
        (true, _) => Stands::Alone,
        (false, true) => Stands::Quoted,
        (false, false) => Stands::Bare,
    };
    Some(Assignment { name, kind, value: range, quoted, stands, by, only })
}

/// What `name` announces, where nothing is assigned to it.
pub(super) fn announces(text: &[u8], name: &Name) -> Option<Kind> {
    name.foreign.or_else(|| kind_of(text, &name.range).filter(|_| !is_flag(text, &name.range)))
}

/// Names that mostly announce something else: only an unmistakable value is a secret.
fn doubtful(text: &[u8], name: &Range<usize>) -> Option<(Kind, Only)> {
    let written = &text[name.clone()];
    if keys::names_key(written) {
        return Some((Kind::Token, Only::Key));
    }
    if is_value_of(text, name) && keys::names_session(written) {
        return Some((Kind::Token, Only::Session));
    }
    keys::names_pin(written).then_some((Kind::Password, Only::Pin))
}

/// Whether what begins at `start` is an assignment of its own: `AUTH=TOKEN=value`.
fn is_assignment(text: &[u8], start: usize) -> bool {
    let name = text[start..].iter().take(LONGEST_NAME).take_while(|b| is_name(**b)).count();
    let is_assigned = name > 1 && text.get(start + name) == Some(&b'=') && text.get(start + name + 1) != Some(&b'=');
    is_assigned && keys::names_secret(&text[start..start + name]).is_some()
}

/// `"token=" + value`: the quote at `start` ends the string that the name stands in.
fn closes_string(text: &[u8], start: usize) -> bool {
    let quote = match text.get(start) {
        Some(quote @ (b'"' | b'`' | b'\'')) => *quote,
        _ => return false,
    };
    let from = start.saturating_sub(300);
    let Some(line) = memchr::memrchr(b'\n', &text[from..start]).map(|i| from + i + 1).or((from == 0).then_some(0))
    else {
        return false;
    };
    let before = text[line..start].iter().filter(|b| **b == quote).count();
    let after = text[start + 1..].iter().take(64).find(|b| !matches!(b, b' ' | b'\t'));
    if before % 2 == 1 && text.get(start + 1) == Some(&b' ') {
        return true;
    }
    before % 2 == 1 && after.is_none_or(|b| b"+,;.%)]}\r\n".contains(b))
}

/// Whether a bare value is all that its line assigns, as in `.env`, `.ini`, YAML and properties.
fn is_setting(text: &[u8], name: &Range<usize>, value: &Range<usize>) -> bool {
    let before = &text[name.start.saturating_sub(48)..name.start];
    let from = memchr::memrchr(b'\n', before).map_or(0, |i| i + 1);
    if from == 0 && name.start > 48 {
        return quote_before(text, name);
    }
    let lead = before[from..].trim_ascii();
    let opens = [&b""[..], b"-", b"export", b"set", b"ENV", b"ARG", b"-e", b"'", b"\"", b"- '", b"- \""];
    // A line may be endless: no more of it is read than shows what follows.
    let after = &text[value.end..text.len().min(value.end + 200)];
    let rest = after[..memchr::memchr(b'\n', after).unwrap_or(after.len())].trim_ascii();
    let ends = rest.is_empty() || rest.starts_with(b"#") || rest == b"'" || rest == b"\"";
    let assigned = &text[value.start..text.len().min(value.end + 200)];
    let assigned = assigned.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end();
    let has = |mark: &str| memchr::memmem::find(assigned, mark.as_bytes()).is_some();
    if assigned.last().is_some_and(|b| b";,({[".contains(b))
        || [" || ", " && ", " + ", " ? ", " = "].iter().any(|m| has(m))
    {
        return false;
    }
    let operator = &text[name.end..value.start];
    let is_dotted = text[name.clone()].contains(&b'.');
    // Code has no such marks in a name; a password may.
    let is_no_name = text[value.clone()].iter().any(|b| b"-#@!%^~".contains(b)) && !value_has_blank(text, value);
    let tight = operator == b"=" || operator.trim_ascii() == b":" || is_dotted || is_no_name;
    let is_variable = text[name.clone()].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
        && text[name.clone()].contains(&b'_')
        && operator == b"=";
    ends && tight && opens.contains(&lead) || is_variable || quote_before(text, name)
}

fn value_has_blank(text: &[u8], value: &Range<usize>) -> bool {
    text[value.clone()].iter().any(u8::is_ascii_whitespace)
}

/// `'password=two words'`: a quote just before the name holds the value together.
fn quote_before(text: &[u8], name: &Range<usize>) -> bool {
    name.start > 0 && b"'\"".contains(&text[name.start - 1]) && text.get(name.end) == Some(&b'=')
}

/// `("name", "password", "x")`, `{password, "x"}`: the name stands among others.
fn is_listed(text: &[u8], name: &Range<usize>) -> bool {
    let before = text[name.start.saturating_sub(8)..name.start].trim_ascii_end();
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before).trim_ascii_end();
    let after = &text[name.end..text.len().min(name.end + 2)];
    after.contains(&b',') && before.last().is_some_and(|b| b",{".contains(b))
}

/// The argument of a flag that announces a secret.
fn flag(text: &[u8], name: &Range<usize>) -> Option<Assignment> {
    let opens = name.start == 0 || b" \t\n\"'[,(`=".contains(&text[name.start - 1]);
    let dashes = text[name.clone()].iter().take_while(|b| **b == b'-').count();
    let kind = keys::names_secret(&text[name.start + dashes..name.end]).filter(|_| opens && name.len() > 3)?;
    let mut at = name.end;
    match text.get(at)? {
        b'=' => at += 1,
        b' ' | b'\t' => at = blanks(text, at),
        // `["--password", "x"]`
        b'"' | b'\'' => {
            at = blanks(text, at + 1);
            at = if text.get(at) == Some(&b',') { blanks(text, at + 1) } else { return None };
        }
        _ => return None,
    }
    let range = value::argument(text, at);
    let quoted = range.start > at;
    let stands = if quoted { Stands::Alone } else { Stands::Bare };
    Some(Assignment { name: name.clone(), kind, value: range, quoted, stands, by: By::Flag, only: Only::Any })
}

/// Whether a byte may stand in a name, by the byte.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'.' | b'-' | b'$');
        byte += 1;
    }
    table
};

fn is_name(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

/// The whole name around the word at `hit`.
pub(super) fn name_around(text: &[u8], hit: usize, word: usize) -> Option<Range<usize>> {
    // A word such as `pw=` ends behind the name.
    let end = hit + text[hit..hit + word].iter().take_while(|b| is_name(**b)).count();
    let after = text[end..].iter().take(LONGEST_NAME).take_while(|b| is_name(**b)).count();
    let before = text[..hit].iter().rev().take(LONGEST_NAME).take_while(|b| is_name(**b)).count();
    (after < LONGEST_NAME && before < LONGEST_NAME).then_some(hit - before..end + after)
}

fn kind_of(text: &[u8], name: &Range<usize>) -> Option<Kind> {
    let dots = text[name.clone()].iter().rev().take_while(|b| **b == b'.').count();
    let written = &text[name.start..name.end - dots];
    // In a connection string `PWD` is no folder.
    let in_string = written.eq_ignore_ascii_case(b"pwd") && name.start > 0 && text[name.start - 1] == b';';
    if in_string {
        return Some(Kind::Password);
    }
    keys::names_secret(written).or_else(|| {
        // `API key: …`: the words before, as one name.
        let before = &text[name.start.saturating_sub(24)..name.start];
        let from = before.iter().rposition(|b| !b.is_ascii_alphanumeric() && *b != b' ').map_or(0, |i| i + 1);
        let words = before[from..].trim_ascii();
        if words.is_empty() || !keys::needs_words(written) {
            return None;
        }
        let mut both = [b' '; 24 + 1 + 2 * LONGEST_NAME];
        let end = (words.len() + 1 + written.len()).min(both.len());
        both[..words.len()].copy_from_slice(words);
        both[words.len() + 1..end].copy_from_slice(&written[..end - words.len() - 1]);
        keys::names_secret(&both[..end])
    })
}

struct After {
    start: usize,
    by: By,
}

/// What stands between the name and its value.
fn operator(text: &[u8], name: &Range<usize>) -> Option<After> {
    let mut at = name.end;
    let peek = |at: usize| text.get(at).copied().unwrap_or(b'\n');
    let mut was_quoted = false;
    if peek(at) == b'\\' && matches!(peek(at + 1), b'"' | b'\'') {
        at += 2;
        was_quoted = true;
    } else if matches!(peek(at), b'"' | b'\'' | b'`') {
        at += 1;
        was_quoted = true;
    } else if text[at..].starts_with(b"&quot;") {
        at += 6;
        was_quoted = true;
    }
    if matches!(peek(at), b'?' | b'!') && peek(at + 1) == b':' {
        at += 1;
    }
    if peek(at) == b'[' {
        let digits = text[at + 1..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
        at = if peek(at + 1 + digits) == b']' { at + 2 + digits } else { at };
    }
    while matches!(peek(at), b']' | b'}' | b'*') {
        at += 1;
    }
    if peek(at) == b')' && was_quoted {
        at += 1;
    }
    let tight = at;
    at = blanks(text, at);
    let found = |start, by| {
        let start = blanks(text, start);
        let is_escaped = text[start.min(text.len())..].starts_with(b"&quot;");
        Some(After { start: if is_escaped { start + 6 } else { start }, by })
    };
    match (peek(at), peek(at + 1), peek(at + 2)) {
        (b'=', b'=', b'=') | (b'!', b'=', b'=') => found(at + 3, By::Comparison),
        (b'=', b'=', _) | (b'!', b'=', _) => found(at + 2, By::Comparison),
        (b'=', b'>', _) | (b':', b'=', _) | (b'<', b'-', _) | (b'+', b'=', _) | (b'?', b'=', _) => {
            found(at + 2, By::Operator)
        }
        (b':', b':', b' ') if !was_quoted => found(at + 2, By::Operator),
        (b':', b':', _) => None,
        (b':', b'*', b'*') if peek(at + 3) == b' ' => found(at + 3, By::Operator),
        (b'=' | b':', _, _) => found(at + 1, By::Operator),
        // A colon of full width, as Chinese and Japanese write it.
        (0xef, 0xbc, 0x9a) => found(at + 3, By::Operator),
        (b'{', _, _) if is_property(text, at).is_some() => found(is_property(text, at)?, By::Operator),
        (b'|', b'|', b'=') | (b'?', b'?', b'=') => found(at + 3, By::Operator),
        (b'|', b'|', _) | (b'?', b'?', _) | (b'o', b'r', b' ') => call(text, at + 2),
        (b'<', b'/', _) => next_element(text, at),
        (b'{', _, _) if was_quoted => default_of(text, name, at),
        (b'\r' | b'\n', _, _) if was_quoted && form_data(text, name, at).is_some() => form_data(text, name, at),
        (b',' | b'\n' | b'\r', _, _) if is_value_of(text, name) => value_beside(text, at),
        (b',', _, _) if was_quoted && (is_argument(text, name) || is_listed(text, name)) => call(text, at + 1),
        (b',', _, _) if name.start > 0 && text[name.start - 1] == b'{' => call(text, at + 1),
        (b'(', _, _) if at == name.end && !was_quoted => call(text, at + 1),
        (b'>', _, _) if is_element(text, name, was_quoted) && is_closed(text, at) => found(at + 1, By::Element),
        _ if is_value_of(text, name) => value_beside(text, at),
        _ if was_quoted && at > tight => attribute(text, at),
        (b'"' | b'\'', _, _) if at > tight => found(at, By::Call),
        (b'|', b' ', _) if at > tight => found(at + 1, By::Word),
        _ => annotated(text, at, was_quoted).or_else(|| {
            let is_word = at > tight && !was_quoted && text.get(at).is_some_and(|b| b.is_ascii_graphic());
            is_word.then_some(After { start: at, by: By::Word })
        }),
    }
}

/// `{ get; set; } = "x"`: what stands behind the braces of a property and its sign.
fn is_property(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..text.len().min(at + 48)];
    let close = memchr::memchr(b'}', rest).filter(|_| memchr::memmem::find(rest, b"get;").is_some())?;
    let equals = blanks(text, at + close + 1);
    (text.get(equals) == Some(&b'=')).then_some(equals + 1)
}

/// `<key>Name</key><string>value</string>`: the value is the next element.
fn next_element(text: &[u8], at: usize) -> Option<After> {
    let rest = &text[at..text.len().min(at + 120)];
    let closed = rest.iter().take(24).position(|b| *b == b'>')?;
    let gap = rest[closed + 1..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let next = &rest[closed + 1 + gap..];
    let opened = next.strip_prefix(b"<").filter(|n| n.first().is_some_and(u8::is_ascii_alphabetic))?;
    let end = opened.iter().take(24).position(|b| *b == b'>')?;
    let is_value =
        [&b"string"[..], b"value", b"data"].iter().any(|tag| opened[..end].to_ascii_lowercase().starts_with(tag));
    let is_cell = opened.starts_with(b"td") || opened.starts_with(b"dd");
    let by = if is_cell { By::Cell } else { By::Element };
    (is_value || is_cell).then_some(After { start: at + closed + 1 + gap + 1 + end + 1, by })
}

/// `variable "db_password" { default = "x" }`.
fn default_of(text: &[u8], name: &Range<usize>, at: usize) -> Option<After> {
    let before = text[name.start.saturating_sub(24)..name.start].trim_ascii_end();
    let before = before.strip_suffix(b"\"").unwrap_or(before).trim_ascii_end();
    if !before.ends_with(b"variable") {
        return None;
    }
    let body = &text[at..text.len().min(at + 600)];
    let body = &body[..memchr::memmem::find(body, b"\n}").unwrap_or(body.len())];
    let word = memchr::memmem::find(body, b"default")?;
    let equals = at + word + 7 + body[word + 7..].iter().take_while(|b| **b == b' ').count();
    let start = blanks(text, equals + 1);
    let is_text = text.get(equals) == Some(&b'=') && text.get(start) == Some(&b'"');
    is_text.then_some(After { start, by: By::Operator })
}

/// Blanks, but no line feed; at most sixty-four.
fn blanks(text: &[u8], at: usize) -> usize {
    at + text[at.min(text.len())..].iter().take(64).take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// The quoted value of a call's next argument, also in `env("NAME", "default")`.
fn call(text: &[u8], at: usize) -> Option<After> {
    let start = blanks(text, at);
    let quote = text.get(start..start + 2)?;
    (matches!(quote[0], b'"' | b'\'' | b'`') || quote[0] == b'\\' || quote == b"r\"" || quote == b"b\"")
        .then_some(After { start, by: By::Call })
}

/// Whether the quoted name is the first thing behind an opening bracket.
fn is_argument(text: &[u8], name: &Range<usize>) -> bool {
    let before = text[name.start.saturating_sub(8)..name.start].trim_ascii_end();
    let before = before.strip_suffix(b"\\\"").or_else(|| before.split_last().map(|(_, rest)| rest)).unwrap_or(before);
    before.trim_ascii_end().ends_with(b"(")
}

/// `<name>` before a value, or `<string name="name">`.
fn is_element(text: &[u8], name: &Range<usize>, was_quoted: bool) -> bool {
    let before = &text[name.start.saturating_sub(80)..name.start];
    let opened = before.iter().rposition(|b| *b == b'<');
    opened.is_some_and(|i| {
        let between = &before[i + 1..];
        let in_pattern = i > 0 && matches!(before[i - 1], b'P' | b'?');
        !in_pattern
            && (was_quoted || !between.contains(&b' '))
            && !between.contains(&b'>')
            && between.first() != Some(&b'/')
    })
}

/// Whether a tag follows on the line, as the end of an element does.
fn is_closed(text: &[u8], at: usize) -> bool {
    let rest = &text[at..text.len().min(at + 4096)];
    let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    memchr::memmem::find(line, b"</").is_some() || rest.len() == line.len()
}

/// Whether the name is itself the value of `name:` or `key=`.
fn is_value_of(text: &[u8], name: &Range<usize>) -> bool {
    let before = text[name.start.saturating_sub(24)..name.start].to_ascii_lowercase();
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before).trim_ascii_end();
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    let Some((b':' | b'=', rest)) = before.split_last() else { return false };
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b"\"").or_else(|| rest.strip_suffix(b"'")).unwrap_or(rest);
    let rest = rest.strip_suffix(b"\\").unwrap_or(rest);
    [&b"name"[..], b"key", b"parametername", b"envvar", b"variable", b"type", b"label", b"title", b"fieldname"]
        .iter()
        .any(|word| rest.ends_with(word))
}

/// `name="password"`, an empty line, and the value: a part of a form.
fn form_data(text: &[u8], name: &Range<usize>, at: usize) -> Option<After> {
    let before = &text[name.start.saturating_sub(64)..name.start];
    memchr::memmem::find(before, b"form-data").filter(|_| before.ends_with(b"name=\""))?;
    let rest = &text[at..text.len().min(at + 4)];
    let gap = if rest.starts_with(b"\r\n\r\n") { 4 } else { 2 };
    (gap == 4 || rest.starts_with(b"\n\n")).then_some(After { start: at + gap, by: By::Element })
}

/// `value:` or `value=` after a name, on this line or the next.
fn value_beside(text: &[u8], at: usize) -> Option<After> {
    let rest = &text[at..text.len().min(at + 160)];
    let lead = rest.iter().take_while(|b| b.is_ascii_whitespace() || b"\",'\\}".contains(b)).count();
    let mut at = at + lead;
    let word = text.get(at..at + 5)?;
    if !word.eq_ignore_ascii_case(b"value") {
        return None;
    }
    at += 5;
    at += text[at..].iter().take(2).take_while(|b| matches!(b, b'"' | b'\'' | b'\\')).count();
    at = blanks(text, at);
    matches!(text.get(at), Some(b':' | b'=')).then(|| After { start: blanks(text, at + 1), by: By::Element })
}

/// `key="NAME" value="…"`.
fn attribute(text: &[u8], at: usize) -> Option<After> {
    value_beside(text, at)
}

/// `password string = "…"`, `TOKEN type: "…"`: a type between name and operator.
fn annotated(text: &[u8], at: usize, was_quoted: bool) -> Option<After> {
    if was_quoted {
        return None;
    }
    // `Dim pwd As String = "x"`
    let at = if text[at..].starts_with(b"As ") { blanks(text, at + 3) } else { at };
    let word = text[at..].iter().take(24).take_while(|b| b.is_ascii_alphanumeric() || b"*&[]".contains(b)).count();
    let after = blanks(text, at + word);
    let is_type =
        word > 0 && [&b"string"[..], b"String", b"[]byte", b"*string", b"str"].contains(&&text[at..at + word]);
    let assigned = text.get(after) == Some(&b'=') && text.get(after + 1) != Some(&b'=');
    (is_type && assigned).then(|| After { start: blanks(text, after + 1), by: By::Operator })
}

/// Steps over a type that stands before the value: `: String = "x"`, `: &'static str = "x"`.
fn typed(text: &[u8], start: usize) -> usize {
    let rest = &text[start..text.len().min(start + 48)];
    let Some(equals) = rest.iter().position(|b| *b == b'=') else { return start };
    let before = rest[..equals].trim_ascii_end();
    let is_type = !before.is_empty()
        && before[0] != b'"'
        && before.iter().all(|b| b.is_ascii_alphanumeric() || b"&'<>[]?*: |;_".contains(b))
        && [
            &b"str"[..],
            b"u8",
            b"String",
            b"string",
            b"Text",
            b"SecretStr",
            b"byte",
            b"char",
            b"Final",
            b"CharSequence",
        ]
        .iter()
        .any(|t| memchr::memmem::find(before, t).is_some());
    let next = blanks(text, start + equals + 1);
    let is_text = matches!(text.get(next..next + 2), Some([b'"' | b'\'' | b'`', _] | [b'b' | b'r', b'"']));
    if is_type && is_text { next } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let lower = text.to_ascii_lowercase();
        let (hit, word) =
            ["password", "api_key", "apikey", "token", "key"].iter().find_map(|w| Some((lower.find(w)?, w.len())))?;
        let name = name_at(text.as_bytes(), hit, word, None)?;
        let found = to(text.as_bytes(), &name)?;
        Some(text[found.value].to_owned())
    }

    #[test]
    fn every_syntax_is_read() {
        for text in [
            "password = 'VALUE'",
            "password:VALUE",
            "password := \"VALUE\"",
            "password => 'VALUE'",
            "config[\"api_key\"] = \"VALUE\"",
            "config.set(\"password\", \"VALUE\")",
            "user.setPassword(\"VALUE\");",
            "if password == \"VALUE\":",
            "const password: string = \"VALUE\";",
            "static TOKEN: &'static str = \"VALUE\";",
            "var password string = \"VALUE\"",
            "<password>VALUE</password>",
            "<string name=\"api_key\">VALUE</string>",
            "<add key=\"ApiPassword\" value=\"VALUE\"/>",
            "- name: DB_PASSWORD\n  value: VALUE",
            "{\"name\": \"DB_PASSWORD\", \"value\": \"VALUE\"}",
            "{\\\"password\\\": \\\"VALUE\\\"}",
            "API key: VALUE",
            "DB_PASSWORD_PROD=VALUE",
            "Dim password As String = \"VALUE\"",
            "#define PASSWORD \"VALUE\"",
            "char password[] = \"VALUE\";",
            "**Password:** `VALUE`",
            "password VALUE",
            "userPassword:: VALUE",
            "let password = String::from(\"VALUE\");",
            "const PASSWORD: &[u8; 6] = b\"VALUE\";",
            "x = process.env.TOKEN || 'VALUE'",
            "<key>ApiToken</key>\n  <string>VALUE</string>",
            "variable \"db_password\" {\n  type = string\n  default = \"VALUE\"\n}",
            "&quot;password&quot;:&quot;VALUE&quot;",
            "  storePassword \"VALUE\"",
        ] {
            let text = text.replace("VALUE", "v4lue!");
            assert_eq!(read(&text).as_deref(), Some("v4lue!"), "{text}");
        }
    }

    #[test]
    fn what_assigns_nothing_is_left() {
        for text in ["the password.", "getPassword()", "token_count = 3", "Password::new", "password, user"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
