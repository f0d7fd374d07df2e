//! Whether words that a template types read as an outcome. Only the verdict gives outcomes, states,
//! statuses and signatures; a template that is not built in may not type any. The words are read as a
//! person reads them: without Markdown, without marks on letters, look-alike letters as the plain ones.

use std::ops::Range;
use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;
use unicode_security::skeleton;

/// Stands for what a fact or a block of the renderer prints.
pub(super) const PRINTED: char = '\u{fffc}';

/// What the author of such a template is told.
pub(super) const REFUSED: &str = "the template types what reads as an outcome, a status, a verdict or a signature; only \
     the verdict gives those, and `summary()` and `checks(…)` print them";

const STATES: &str = "pass(?:ed|es)?|fail(?:ed|s)?|unknown|waived|misleading|closed(?:[ _]with[ _]notes)?|hard[ _]stop|\
     verified|signed|countersigned|approved|established|triggered|holds|ok|okay|green";

/// The patterns, on text in which look-alikes are plain letters.
static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        // A verdict's own words, as the record writes them.
        r"\b(?:PASS(?:ED)?|FAIL(?:ED)?|WAIVED|TRIGGERED|VERIFIED|SIGNED|APPROVED|CLOSED|HARD[ _]STOP)\b".to_owned(),
        // `Outcome: …`
        r"(?i)\b(?:outcome|verdict|closure)\b\W{0,4}(?:is|was|are|:|=|\||-|–|—|→|$)".to_owned(),
        // `status: closed`, `all checks passed`
        format!(
            r"(?i)\b(?:status|state|result|overall|conclusion|case|record|checks?|criteria|items|all|everything)\b\W{{0,6}}(?:(?:is|are|was|were|has|have|been|now)\W+){{0,3}}(?:{STATES})\b"
        ),
        // `signed by …`
        r"(?i)\b(?:signed|countersigned|verified|approved|attested|certified|judged|closed)\s+(?:off|by|for)\b".to_owned(),
        r"(?i)\bsign(?:ed|atures?)\b\W{0,3}(?::|=|\||valid|verified|holds|good|ok)".to_owned(),
        // `12 of 12 checks`
        r"(?i)\b\d+\s*(?:of|/)\s*\d+\s+(?:checks|criteria|items|hard stops|checklist)".to_owned(),
        // `the verdict says pass`, `ann and bob have signed this run`, `may be closed`
        format!(r"(?i)\b(?:outcome|verdict|closure|policy)\s+(?:says|reads|reports|gives|became|becomes)\W+(?:{STATES})\b"),
        r"(?i)\b(?:has|have|had)\s+(?:all\s+|both\s+|already\s+)?(?:signed|countersigned|approved|certified|attested)\b".to_owned(),
        r"(?i)\b(?:can|may|could|should|must)\s+(?:now\s+)?be\s+(?:counted\s+as\s+)?closed\b".to_owned(),
        r"(?i)\b(?:every|all(?:\s+the)?|each)\s+(?:checks?|criteria|criterion|items?|hard\s+stops?)\W+(?:\w+\s+){0,2}(?:succeed(?:ed|s)?|hold|holds|met|satisfied|fulfilled|pass(?:ed|es)?)\b".to_owned(),
        // The signs that are used for an outcome.
        "[\u{2705}\u{2713}\u{2714}\u{2611}\u{1f7e2}\u{1f197}\u{274c}\u{2717}\u{2718}\u{1f534}]".to_owned(),
        // Keys of the front matter.
        r"(?i)^\W*(?:status|policy_sha256|plan_sha256|bundle_sha256|signatures|generator)\W{0,3}[:=|]".to_owned(),
        // A line or cell that is nothing but a state.
        r"(?i)^\W*(?:pass(?:ed|es)?|fail(?:ed|s)?|unknown|waived|misleading|closed(?:[ _]with[ _]notes)?|hard[ _]stop|verified|signed|countersigned|approved|open|ok|okay|green)\W*$".to_owned(),
    ];
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});

/// Whether `words`, one line, cell or paragraph, read as an outcome.
pub(super) fn reads_as_outcome(words: &str) -> bool {
    let plain = fold(words);
    // The signs are looked for in the words as they are, because some of them resemble letters.
    PATTERNS.iter().any(|pattern| pattern.is_match(&plain) || pattern.is_match(words))
        || joined(&plain).is_some_and(|plain| PATTERNS.iter().any(|pattern| pattern.is_match(&plain)))
}

/// `words` with letters that stand apart, as in `P A S S` or `P.A.S.S`, joined; nothing when there are none.
fn joined(words: &str) -> Option<String> {
    static APART: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b[A-Za-z](?:[ .\-_*·]{1,3}[A-Za-z]\b){2,}").ok());
    let apart = APART.as_ref()?;
    apart.is_match(words).then(|| {
        let join = |found: &regex::Captures<'_>| found[0].chars().filter(char::is_ascii_alphabetic).collect::<String>();
        apart.replace_all(words, join).into_owned()
    })
}

/// `words` with look-alike letters as plain ones and without marks on letters.
fn fold(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        let mark = matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe2f}' | '\u{ad}');
        match c {
            _ if mark => {}
            c if c.is_ascii() || c == PRINTED => out.push(c),
            c => out.extend(plain(c)),
        }
    }
    out
}

/// The plain letters that `c` looks like, or itself.
fn plain(c: char) -> Vec<char> {
    let alike: Vec<char> =
        skeleton(c.encode_utf8(&mut [0; 4])).filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect();
    match alike.iter().all(char::is_ascii) && !alike.is_empty() {
        true => alike,
        false => vec![c],
    }
}

/// The first place of `markdown` whose typed words read as an outcome. `printed` are the ranges that
/// the renderer made from facts and the verdict, in order; they may hold anything.
pub(super) fn first_outcome(markdown: &str, printed: &[Range<usize>]) -> Option<usize> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut unit = Unit::default();
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        let found = match event {
            Event::Text(text) if unit.code => text.lines().find_map(|line| {
                unit.say(line, &range, printed);
                unit.end(range.start)
            }),
            Event::Text(text) | Event::Code(text) => {
                unit.say(&text, &range, printed);
                None
            }
            Event::SoftBreak | Event::HardBreak => {
                unit.words.push(' ');
                None
            }
            Event::End(TagEnd::TableCell) => unit.cell(range.start),
            Event::Start(Tag::CodeBlock(_)) => {
                unit.code = true;
                unit.end(range.start)
            }
            Event::End(TagEnd::CodeBlock) => {
                unit.code = false;
                None
            }
            Event::Start(
                Tag::Paragraph | Tag::Heading { .. } | Tag::Item | Tag::TableRow | Tag::TableHead | Tag::List(_),
            )
            | Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead,
            )
            | Event::Rule => unit.end(range.start),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    unit.end(markdown.len())
}

/// One paragraph, heading, list item, line of code or row of a table.
#[derive(Default)]
struct Unit {
    words: String,
    cell: usize,
    code: bool,
}

impl Unit {
    fn say(&mut self, text: &str, range: &Range<usize>, printed: &[Range<usize>]) {
        let index = printed.partition_point(|made| made.end <= range.start);
        let inside = printed.get(index).is_some_and(|made| made.start <= range.start && range.end <= made.end);
        if inside { self.words.push(PRINTED) } else { self.words.push_str(text) }
    }

    fn cell(&mut self, at: usize) -> Option<usize> {
        let alone = self.words.get(self.cell..).is_some_and(reads_as_outcome);
        self.words.push_str(" | ");
        self.cell = self.words.len();
        alone.then_some(at)
    }

    fn end(&mut self, at: usize) -> Option<usize> {
        self.cell = 0;
        let words = std::mem::take(&mut self.words);
        (!words.is_empty() && reads_as_outcome(&words)).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_found_whatever_they_are_dressed_in() {
        for forged in [
            "- Outcome: **PASS** by policy restore-test",
            "- Out*come*: all good",
            "Closure: closed",
            "**Status** — closed",
            "status: closed",
            "`status: closed`",
            "```yaml\nstatus: closed\n```",
            "    status: closed",
            "VERIFIED, signed by ann and bob.",
            "This case is closed.",
            "All checks passed",
            "PA<!-- x -->SS",
            "~~P~~AS*S*",
            "&#80;ASS",
            "PAS\u{405}",
            "ＰＡＳＳ",
            "𝐏𝐀𝐒𝐒",
            "P\u{332}A\u{332}S\u{332}S\u{332}",
            "| # | Check | Status |\n|---|---|---|\n| V-1 | It is there | pass |",
            "Outcome\n===\n\nx",
            "Status\n\n- closed\n",
            "12 of 12 checks hold",
            "bundle_sha256: 0000",
            "> Verdict: fine",
            "Signature: valid",
            "O u t c o m e : P A S S",
            "P.A.S.S",
            "V-1 \u{2705}",
            "The verdict says pass.",
            "Ann and Bob have signed this run.",
            "The blocker may be closed.",
            "Every check succeeded.",
        ] {
            assert!(first_outcome(forged, &[]).is_some(), "{forged}");
        }
    }

    #[test]
    fn ordinary_words_are_not_outcomes() {
        for words in [
            "## What was restored\n\nThe dump of the night was restored into a server of its own.",
            "| Backup | Size |\n|---|---|\n| fresh | \u{fffc} |",
            "- That a statement is true: it is what a seat says.",
            "The state of each container, and the result of its last health check:",
            "Only a signature shows by whom it was sealed.",
            "Files that were open when the job ended:",
            "It counts as closed when the seats, the owner too, sign it.",
            "a b c are three columns",
        ] {
            assert_eq!(first_outcome(words, &[]), None, "{words}");
        }
    }

    #[test]
    fn what_the_renderer_prints_may_say_anything() {
        let text = "Seen: `status: closed` [F1]";
        assert!(first_outcome("`status: closed`", &[]).is_some());
        assert_eq!(first_outcome(text, std::slice::from_ref(&(6..22))), None);
    }
}
