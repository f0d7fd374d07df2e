//! Text from outside, made harmless for Markdown: it can open no code fence, table cell, link,
//! HTML tag, heading or list, carry no terminal escape, and never look like a citation label.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::base::text;

/// Longer values are cut inside sentences and tables; YAML blocks print them whole.
const INLINE_LIMIT: usize = 2000;

/// The letters of citation labels: observed facts, derivations, statements.
const LABEL_LETTERS: [char; 3] = ['F', 'D', 'S'];

/// Whether `text`, the rest after a `[`, begins like a label: a label's letter and a digit, also
/// when characters that nobody sees stand between them.
fn begins_like_label(text: &str) -> bool {
    let mut seen = text.chars().filter(char::is_ascii);
    seen.next().is_some_and(|c| LABEL_LETTERS.contains(&c)) && seen.next().is_some_and(|c| c.is_ascii_digit())
}

/// Whether something in `text` looks like a citation label.
pub(super) fn has_label(text: &str) -> bool {
    text.match_indices('[').any(|(at, _)| begins_like_label(&text[at + 1..]))
}

/// `text` with the bracket of everything that looks like a citation label shown as `\x5b`, as
/// other unsafe characters are.
pub(super) fn defang(text: &str) -> Cow<'_, str> {
    if !has_label(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 4);
    for (at, c) in text.char_indices() {
        if c == '[' && begins_like_label(&text[at + 1..]) {
            out.push_str("\\x5b");
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// One visible line: control characters escaped, labels defanged, cut at `limit` characters.
pub(super) fn line(text: &str, limit: usize) -> String {
    let (kept, cut) = shorten(text, limit);
    let mut out = defang(&text::visible(kept)).into_owned();
    // Readers of YAML refuse these two even in comments.
    for (refused, shown) in [('\u{fffe}', "\\u{fffe}"), ('\u{ffff}', "\\u{ffff}")] {
        if out.contains(refused) {
            out = out.replace(refused, shown);
        }
    }
    if cut > 0 {
        let _ = write!(out, " (+{cut} characters)");
    }
    out
}

fn shorten(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
        None => (text, 0),
    }
}

/// A value from outside within a sentence or table cell: a code span, or escaped text where a
/// code span cannot be written (a `|` would end the cell).
pub(super) fn inline(text: &str) -> String {
    let shown = line(text, INLINE_LIMIT);
    match shown.as_str() {
        "" => "`\"\"`".to_owned(),
        shown if shown.contains('|') => prose(shown),
        shown => code_span(shown),
    }
}

fn code_span(text: &str) -> String {
    let ticks = "`".repeat(longest_run(text, '`') + 1);
    let edge = text.starts_with('`') || text.ends_with('`') || (text.starts_with(' ') && text.ends_with(' '));
    // A reader strips one space from both ends, except of a span that is all spaces.
    let pad = if edge && !text.trim_matches(' ').is_empty() { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Words (a title, a statement, a reason) as Markdown text: line ends and runs of spaces become
/// one space, everything that means something to Markdown or HTML is escaped.
pub(super) fn prose(words: &str) -> String {
    let folded = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = line(&folded, usize::MAX);
    if words.is_empty() {
        return "(empty)".to_owned();
    }
    let mut out = String::with_capacity(words.len() + 16);
    let marker = list_marker(&words);
    for (at, c) in words.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' => out.push_str("&#124;"),
            c if must_escape(&words, at, c) || marker == Some(at) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn must_escape(words: &str, at: usize, c: char) -> bool {
    match c {
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '~' | '$' => true,
        '#' | '+' | '-' | '=' if at == 0 => true,
        // Readers that turn bare addresses into links look for these two.
        ':' => at == 0 || words[at..].starts_with("://"),
        '.' => words[..at].to_ascii_lowercase().ends_with("www"),
        _ => false,
    }
}

/// Where the `.` or `)` of `1.` or `1)` stands, when `words` begin like a numbered list.
fn list_marker(words: &str) -> Option<usize> {
    let end = words.find(|c: char| !c.is_ascii_digit())?;
    (end > 0 && words[end..].starts_with(['.', ')'])).then_some(end)
}

/// A fenced block of lines that are already visible and prefixed; the fence is longer than any
/// run of backticks inside.
pub(super) fn fence(info: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|l| longest_run(l, '`')).max().unwrap_or(0);
    let ticks = "`".repeat(longest.max(2) + 1);
    let mut out = format!("\n\n{ticks}{info}\n");
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    let _ = write!(out, "{ticks}\n\n");
    out
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_defanged_even_when_something_invisible_hides_in_them() {
        assert_eq!(defang("see [F7] and [G7]"), "see \\x5bF7] and [G7]");
        assert_eq!(defang("[\u{ad}S\u{fe0f}1]"), "\\x5b\u{ad}S\u{fe0f}1]");
        assert!(matches!(defang("[x]"), Cow::Borrowed(_)));
    }

    #[test]
    fn code_spans_hold_backticks_spaces_and_nothing() {
        assert_eq!(inline("/srv/a.gz"), "`/srv/a.gz`");
        assert_eq!(inline("a``b"), "```a``b```");
        assert_eq!(inline("`"), "`` ` ``");
        assert_eq!(inline(""), "`\"\"`");
        assert_eq!(inline("a\nb\u{1b}"), "`a\\nb\\x1b`");
        assert_eq!(inline("a|b"), "a&#124;b");
    }

    #[test]
    fn prose_opens_nothing() {
        assert_eq!(prose("1. <b>*x*</b> [a](b)"), "1\\. &lt;b&gt;\\*x\\*&lt;/b&gt; \\[a\\](b)");
        assert_eq!(prose("# x\n\n- y"), "\\# x - y");
        assert_eq!(prose("https://example.org www.example.org"), "https\\://example.org www\\.example.org");
        assert_eq!(prose("  "), "(empty)");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert!(fence("text", &["1 | ````".into()]).contains("\n`````text\n"));
    }
}
