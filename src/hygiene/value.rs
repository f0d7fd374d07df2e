//! Reads the value of an assignment to its true end, and tells real secrets from placeholders.
//! A secret that is masked only in part is a leak, so every doubt about the end goes to the longer
//! reading; a placeholder is left alone so that records stay readable.

use std::ops::Range;

use super::env_line;
use super::keys::{Kind, names_secret};
use super::word::{Words, words};

/// A value without blanks longer than this is not read further: it is no assignment but a
/// minified file.
const LONGEST: usize = 16 << 10;

/// The assigned value that begins at `start` of `text`, without its quotes.
///
/// `key` is where the key begins: a YAML value at the beginning of a line runs to the line's end.
pub(super) fn assigned(text: &[u8], key: usize, start: usize) -> Range<usize> {
    let start = skip_prefix(text, start);
    if let Some(inside) = quoted(text, start) {
        // `"one"'two'three`: a shell reads all of it as one word.
        let goes_on = text.get(inside.end + 1).is_some_and(|b| b.is_ascii_alphanumeric() || b"'\"$_".contains(b));
        let is_open = key > 0 && b"'\"".contains(&text[key - 1]);
        let is_plain = !is_open && text[start] != b'\\' && text.get(inside.end) == Some(&text[start]);
        return if goes_on && is_plain { start..argument(text, start).end } else { inside };
    }
    let word = cut(text, start..word_end(text, start));
    if is_block_mark(&text[word.clone()]) && rest_of_line_is_blank(text, word.end) {
        return indented_block(text, key, word.end);
    }
    match before(text, key) {
        Before::Quote(quote) if !separator_has_blank(text, start) => to_quote(text, word, quote),
        // Of properties the whole line is the value.
        Before::LineStart if is_property(text, key, start) || env_line::is_whole_line(text, key, start) => {
            to_line_end(text, start, None)
        }
        _ if !separator_has_blank(text, start) => word,
        Before::LineStart => to_line_end(text, start, None),
        Before::Quote(quote) => to_line_end(text, start, Some(quote)),
        Before::Other => word,
    }
}

/// The shell word that begins at `start`: quotes may open and close inside it.
pub(super) fn argument(text: &[u8], start: usize) -> Range<usize> {
    // A command within JSON or YAML: its quotes are escaped.
    if let Some(inside) = text.get(start).filter(|b| **b == b'\\').and_then(|_| quoted(text, start)) {
        return inside;
    }
    let mut at = start;
    let mut open: Option<u8> = None;
    while let Some(&byte) = text.get(at) {
        match (open, byte) {
            (_, b'\n') => break,
            (Some(quote), _) if byte == quote => open = None,
            (Some(b'"') | None, b'\\') if text.get(at + 1).is_some_and(|b| *b != b'\n') => at += 1,
            // A quote that never closes ends the text that the command stands in.
            (None, b'"' | b'\'') if at > start && !closes(text, at) => break,
            (None, b'"' | b'\'') => open = Some(byte),
            (None, _) if byte.is_ascii_whitespace() || b";|&<>`)".contains(&byte) => break,
            _ => {}
        }
        at += 1;
    }
    unquote(text, start..at.min(text.len()))
}

/// Whether the quote at `at` has a second on its line.
fn closes(text: &[u8], at: usize) -> bool {
    let rest = &text[at + 1..text.len().min(at + 1024)];
    memchr::memchr2(text[at], b'\n', rest).is_some_and(|i| rest[i] == text[at])
}

/// Without the quotes around the whole.
fn unquote(text: &[u8], range: Range<usize>) -> Range<usize> {
    match &text[range.clone()] {
        [b'"', .., b'"'] | [b'\'', .., b'\''] => range.start + 1..range.end - 1,
        [b'"' | b'\'', ..] => range.start + 1..range.end,
        _ => range,
    }
}

/// Steps over `r`, `b`, `f`, `u` (Python) or `$` (shell) before a quote.
fn skip_prefix(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    let letters = rest.iter().take(2).take_while(|b| b"rbfuRBFU$@".contains(b)).count();
    if rest.get(letters).is_some_and(|b| *b == b'"' || *b == b'\'') { start + letters } else { start }
}

/// What stands between quotes; to the line's end when they never close.
fn quoted(text: &[u8], start: usize) -> Option<Range<usize>> {
    let escaped = text.get(start) == Some(&b'\\');
    let quote = *text.get(start + usize::from(escaped)).filter(|b| **b == b'"' || **b == b'\'' || **b == b'`')?;
    let inside = start + 1 + usize::from(escaped);
    let mut at = inside;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' | b'\r' => break,
            b'\\' if escaped && text.get(at + 1) == Some(&quote) => break,
            b'\\' if text.get(at + 1).is_some_and(|b| *b != b'\n') => at += 2,
            _ if byte == quote && quote == b'\'' && text.get(at + 1) == Some(&quote) && at > inside => at += 2,
            _ if byte == quote => break,
            _ => at += 1,
        }
    }
    Some(inside..at.min(text.len()))
}

fn word_end(text: &[u8], start: usize) -> usize {
    let rest = &text[start..text.len().min(start + LONGEST)];
    // Bytes below the blank stand in binaries, not in values.
    start + rest.iter().position(|b| *b <= b' ' || *b == 0x7f).unwrap_or(rest.len())
}

/// A bare word ends before what surely belongs to the text around it: `&next=`, `;next=`, `",`,
/// a closing tag, and closing punctuation at its end.
fn cut(text: &[u8], word: Range<usize>) -> Range<usize> {
    let bytes = &text[word.clone()];
    let end = (1..bytes.len()).find(|&i| ends_word(bytes, i)).unwrap_or(bytes.len());
    let mut kept = &bytes[..end];
    while let [before @ .., last] = kept {
        if !(b",;\"'`".contains(last) || closes_nothing(kept, *last)) {
            break;
        }
        kept = before;
    }
    word.start..word.start + kept.len()
}

/// Whether `last`, the end of `word`, closes a bracket that was opened before the word: `${NAME}`
/// and `<name>` keep theirs.
fn closes_nothing(word: &[u8], last: u8) -> bool {
    let open = match last {
        b')' => b'(',
        b']' => b'[',
        b'}' => b'{',
        b'>' => b'<',
        _ => return false,
    };
    let count = |bracket: u8| word.iter().take(512).filter(|b| **b == bracket).count();
    count(last) > count(open)
}

fn ends_word(bytes: &[u8], i: usize) -> bool {
    match bytes[i] {
        b'&' if bytes[i..].starts_with(b"&quot;") || bytes[i..].starts_with(b"&#34;") => true,
        b'&' | b';' | b',' => is_key_ahead(&bytes[i + 1..]),
        b'"' | b'\'' => bytes.get(i + 1).is_some_and(|b| b",}]):;>/&".contains(b)),
        b'<' => bytes.get(i + 1) == Some(&b'/'),
        _ => false,
    }
}

fn is_key_ahead(rest: &[u8]) -> bool {
    let name = rest.iter().take(64).take_while(|b| b.is_ascii_alphanumeric() || b"_-.\"'".contains(b)).count();
    name > 0 && rest.get(name).is_some_and(|b| *b == b'=' || *b == b':')
}

/// What stands before a name.
enum Before {
    /// Nothing on its line but blanks and the mark of a list.
    LineStart,
    /// A quote that is still open after the name: `- "password: two words"`.
    Quote(u8),
    /// Anything else.
    Other,
}

fn before(text: &[u8], key: usize) -> Before {
    let is_first = |at: usize| {
        let blank = text[..at].iter().rev().take(256).take_while(|b| b" \t-?".contains(b)).count();
        blank == at || text[at - blank - 1] == b'\n'
    };
    if is_first(key) {
        return Before::LineStart;
    }
    let name = text[key..].iter().take(256).take_while(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b)).count();
    match text[key - 1] {
        quote @ (b'"' | b'\'') if text.get(key + name) != Some(&quote) => Before::Quote(quote),
        b'"' | b'\'' if is_first(key - 1) => Before::LineStart,
        _ => Before::Other,
    }
}

/// `a.b.password=`: a name with dots, tightly assigned.
fn is_property(text: &[u8], key: usize, start: usize) -> bool {
    let name = &text[key..start];
    name.ends_with(b"=")
        && name.contains(&b'.')
        && name[..name.len() - 1].iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
}

/// `'password=two words'`: to the quote, unless another assignment follows before it.
fn to_quote(text: &[u8], word: Range<usize>, quote: u8) -> Range<usize> {
    let rest = &text[word.end..text.len().min(word.end + 256)];
    let rest = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    match memchr::memchr(quote, rest) {
        Some(end) if rest.starts_with(b" ") && !rest[..end].iter().any(|b| b"=&;".contains(b)) => {
            word.start..word.end + end
        }
        _ => word,
    }
}

fn separator_has_blank(text: &[u8], start: usize) -> bool {
    start > 1
        && text[start - 1].is_ascii_whitespace()
        && matches!(text[..start].trim_ascii_end().last(), Some(b':' | b'='))
}

/// To the end of the line or to the quote `until`, without a comment and blanks at the end.
fn to_line_end(text: &[u8], start: usize, until: Option<u8>) -> Range<usize> {
    // A line has one beginning but many quotes: only so much is read for each of them.
    let reach = if until.is_some() { text.len().min(start + LONGEST) } else { text.len() };
    let line = &text[start..reach];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    if line.starts_with(b"# ") {
        return start..start;
    }
    let ends = |i: &usize| {
        Some(line[*i]) == until
            || line[*i] < b' ' && !matches!(line[*i], b'\t' | b'\r')
            || line[*i..].starts_with(b" #")
            || line[*i..].starts_with(b", ") && is_key_ahead(&line[i + 2..])
    };
    let end = (0..line.len()).find(ends).unwrap_or(line.len());
    let kept = line[..end].trim_ascii_end();
    let kept = kept.strip_suffix(b",").unwrap_or(kept);
    start..start + kept.len()
}

fn is_block_mark(word: &[u8]) -> bool {
    matches!(word, [b'|' | b'>', rest @ ..] if rest.len() <= 2 && rest.iter().all(|b| b"+-123456789".contains(b)))
}

fn rest_of_line_is_blank(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())].trim_ascii().is_empty()
}

/// The lines after `at` that are indented deeper than the line of `key`.
fn indented_block(text: &[u8], key: usize, at: usize) -> Range<usize> {
    let nearest = key.saturating_sub(LONGEST);
    let line = memchr::memrchr(b'\n', &text[nearest..key]).map_or(nearest, |at| nearest + at + 1);
    let depth = text[line..].iter().take_while(|b| **b == b' ').count();
    let first = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |i| at + i + 1);
    let mut end = first;
    while end < text.len() {
        let next = memchr::memchr(b'\n', &text[end..]).map_or(text.len(), |i| end + i + 1);
        let blanks = text[end..next].iter().take_while(|b| **b == b' ').count();
        if blanks <= depth && !text[end..next].trim_ascii().is_empty() {
            break;
        }
        end = next;
    }
    let body = text[first..end].trim_ascii();
    let lead = text[first..end].iter().take_while(|b| b.is_ascii_whitespace()).count();
    first + lead..first + lead + body.len()
}

/// Whether `value` stands in for a secret and is none.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    if value.len() > 512 {
        return false;
    }
    let value = value.trim_ascii();
    value.is_empty()
        || is_mask(value)
        || is_reference(value)
        || is_filler(value)
        || is_prefixed_filler(value)
        || is_constant(value)
        || value.len() <= LONGEST_STOP
            && std::str::from_utf8(value).is_ok_and(|t| is_stop_word(&t.to_ascii_lowercase()))
}

/// A mask of ours, with or without a number, or stars.
fn is_mask(value: &[u8]) -> bool {
    if value.iter().all(|b| *b == b'*') {
        return true;
    }
    let inner = value.strip_prefix(b"***").and_then(|v| v.strip_suffix(b"***"));
    inner
        .is_some_and(|id| id.len() > 2 && id.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-'))
}

/// `$NAME`, `${NAME}`, `$(command)`, `<name>`, `{{ name }}`, `%(name)s`, `[name]`.
fn is_reference(value: &[u8]) -> bool {
    let named = |v: &[u8]| !v.is_empty() && v.iter().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b));
    let words = |v: &[u8]| !v.is_empty() && v.iter().all(|b| b.is_ascii_alphanumeric() || b"_.- ".contains(b));
    // Notations of App Service, vals and 1Password.
    if [&b"@Microsoft.KeyVault("[..], b"ref+", b"op://"].iter().any(|lead| value.starts_with(lead)) {
        return true;
    }
    match value {
        [b'$', b'(' | b'`', ..] | [b'`', ..] | [b'{', b'{' | b'%', ..] => true,
        [b'$', b'{', b'{', ..] => true,
        [b'$', b'{', name @ .., b'}'] | [b'{', name @ .., b'}'] => named(name.trim_suffix_marks()),
        [b'$', name @ ..] => is_identifier(name),
        [b'<', name @ .., b'>'] | [b'[', name @ .., b']'] => words(name),
        [b'%', b'(', .., b's'] | [b'%', b's' | b'd' | b'v'] => value.len() <= 64,
        [b'%', name @ .., b'%'] => named(name),
        _ => false,
    }
}

fn is_identifier(name: &[u8]) -> bool {
    name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_' || b.is_ascii_digit() && name.len() == 1)
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Marks at the end of a shell parameter that carry no default: `${NAME:?}`, `${NAME:-}`.
trait TrimMarks {
    fn trim_suffix_marks(&self) -> &[u8];
}

impl TrimMarks for [u8] {
    fn trim_suffix_marks(&self) -> &[u8] {
        let end = self.iter().position(|b| b"?!".contains(b)).unwrap_or(self.len());
        let name = &self[..end];
        let name = name.strip_suffix(b"-").unwrap_or(name);
        name.strip_suffix(b":").unwrap_or(name)
    }
}

/// One character over and over, or an ellipsis.
fn is_filler(value: &[u8]) -> bool {
    let mut kept = value.iter().filter(|b| !b"-_.".contains(b));
    let (first, second) = (kept.next(), kept.next());
    let same = second.is_none_or(|second| Some(second) == first) && kept.all(|b| Some(b) == first);
    let is_letter = second.is_none() && first.is_some_and(u8::is_ascii_alphanumeric);
    same && !is_letter && !first.is_some_and(u8::is_ascii_digit) || value.ends_with(b"...") && value.len() < 16
}

/// A prefix as tokens have it, and then one character over and over: `ghp_xxxxxxxx`.
fn is_prefixed_filler(value: &[u8]) -> bool {
    let tail = value.rsplit(|b| b"_-.".contains(b)).next().unwrap_or_default();
    let is_short = value.len() - tail.len() <= 16;
    is_short && tail.len() >= 8 && tail.len() < value.len() && is_filler(tail)
}

/// No word that stands for a secret is longer, in bytes.
const LONGEST_STOP: usize = 40;

/// Words that stand for a secret, or for none.
static STOP_WORDS: Words = Words::new(|| {
    words(
        "changeme change-me change_me changeit none null nil true false \
        yes no on off empty unset undefined redacted masked \
        hidden removed required optional missing invalid expired string str \
        text todo tbd prompt md5 pass passwd password secret token scram-sha-256 \
        trust",
    )
});

fn is_stop_word(lower: &str) -> bool {
    const STEMS: [&str; 7] = ["your-", "your_", "<your", "my-secret", "example", "placeholder", "insert-"];
    STOP_WORDS.contains(lower) || STEMS.iter().any(|stem| lower.starts_with(stem) && !has_long_run(lower))
}

/// The name of another place that holds the secret: `DB_PASSWORD`, `YOUR_API_KEY`.
fn is_constant(value: &[u8]) -> bool {
    let is_upper = value.contains(&b'_') && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    is_upper && names_secret(value).is_some()
}

/// Letters and digits mixed for long: no word of a language.
fn has_long_run(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
        part.len() >= 10 && part.bytes().any(|b| b.is_ascii_digit()) && part.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

/// Whether `value`, assigned to a name of `kind`, is none although no placeholder either: code
/// that fetches it, a number that counts, a path, the opening of a structure, a word of prose.
pub(super) fn is_harmless(value: &[u8], kind: Kind, spaced_colon: bool) -> bool {
    if value.len() > 512 {
        return false;
    }
    let is_number = value.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let short = if kind == Kind::Password { 2 } else { 5 };
    let is_word = value.len() < 16 && value.iter().all(u8::is_ascii_lowercase);
    matches!(value, [b'{' | b'[' | b'(' | b':' | b'=', ..] | [b'<', b'/', ..]) && !is_marked(value)
        || is_number && value.len() <= short
        || is_path(value)
        || kind == Kind::Token && (value.starts_with(b"$") && value.contains(&b'/'))
        || kind == Kind::Token && spaced_colon && (is_word || is_prose(value))
        || is_code(value)
}

/// `{AES}value`, `{xor}value`: a value with the mark of how it is written.
pub(super) fn is_marked(value: &[u8]) -> bool {
    let name = value.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric()).count();
    let rest = value.get(name + 2..).unwrap_or_default();
    value.starts_with(b"{")
        && (2..=12).contains(&name)
        && value.get(name + 1) == Some(&b'}')
        && rest.len() >= 6
        && rest.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(b))
}

/// Several words of letters: what a message says after `Token:` or `PASS:`.
pub(super) fn is_prose(value: &[u8]) -> bool {
    value.contains(&b' ')
        && value.iter().all(|b| b.is_ascii_alphabetic() || b" .,;:'()".contains(b))
        && value.split(|b| *b == b' ').all(|word| word.len() < 20)
}

fn is_path(value: &[u8]) -> bool {
    let rooted = [&b"/"[..], b"./", b"~/", b"../"].iter().any(|root| value.starts_with(root));
    rooted
        && value.iter().filter(|b| **b == b'/').count() >= 2
        && value.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/._-~".contains(b))
}

/// A call (`getpass(`) or a look-up (`os.environ[…]`, `self.token`).
fn is_code(value: &[u8]) -> bool {
    const ROOTS: [&str; 14] = [
        "self.",
        "this.",
        "os.",
        "process.",
        "config.",
        "settings.",
        "env.",
        "args.",
        "request.",
        "req.",
        "ctx.",
        "options.",
        "params.",
        "std::",
    ];
    let name = value.iter().take_while(|b| b.is_ascii_alphabetic() || b"_.".contains(b)).count();
    let called = name >= 3 && value.get(name) == Some(&b'(');
    called || ROOTS.iter().any(|root| value.starts_with(root.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> &str {
        let start = text.find(['=', ':']).unwrap() + 1;
        let start = start + text[start..].len() - text[start..].trim_start_matches(' ').len();
        &text[assigned(text.as_bytes(), 0, start)]
    }

    #[test]
    fn values_are_read_to_their_true_end() {
        assert_eq!(value("k=ab,cd; next"), "ab,cd");
        assert_eq!(value("k=ab&next=1"), "ab");
        assert_eq!(value("k=ab;User=x"), "ab");
        assert_eq!(value(r#"k="a \" b" c"#), r#"a \" b"#);
        assert_eq!(value("k='it''s' c"), "it''s");
        assert_eq!(value(r#"k: "never closed"#), "never closed");
        assert_eq!(value(r#"k: \"in json\", x"#), "in json");
        assert_eq!(value("k: two words # why"), "two words");
        assert_eq!(value("k=ab\"cd e"), "ab\"cd");
        assert_eq!(value("k=ab</k>"), "ab");
        assert_eq!(value("k=\"ab\"'cd'ef gh"), "\"ab\"'cd'ef");
        assert_eq!(value("k=$PW\""), "$PW");
        assert_eq!(value("k=${PW}\" x"), "${PW}");
        assert_eq!(value("k={a}}"), "{a}");
        assert_eq!(value("k: one two, l: 3"), "one two");
        assert_eq!(value("k: |\n  one\n  two\nnext: 3"), "one\n  two");
    }

    #[test]
    fn arguments_are_read_as_a_shell_reads_them() {
        let word = |text: &str| text[argument(text.as_bytes(), 0)].to_owned();
        assert_eq!(word("'a b' c"), "a b");
        assert_eq!(word("a'b c'd e"), "a'b c'd");
        assert_eq!(word("a\\ b c"), "a\\ b");
        assert_eq!(word("ab; c"), "ab");
    }

    #[test]
    fn placeholders_are_told_from_secrets() {
        for text in [
            "$VAR",
            "${VAR}",
            "${VAR:?}",
            "${VAR:-}",
            "$(cat x)",
            "<password>",
            "{{ x }}",
            "changeme",
            "***",
            "xxxxxx",
            "...",
            "***aws-key***",
            "null",
            "%s",
            "%(pw)s",
            "your-api-key",
            "REDACTED",
            "",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["hunter2", "${VAR:-hunter2}", "***hunter2", "a", "12345678", "11111111", "pa$$word", "x<y>z"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }
}
