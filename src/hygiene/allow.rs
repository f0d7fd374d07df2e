//! `evidence:allow RULE reason` in a comment on a line, or on the line before, allows what RULE
//! finds there. Without a reason it allows nothing; of no use, it is reported.

use super::scanner::Seen;

/// Made of two pieces so that this file holds none.
const MARK: &[u8] = concat!("evidence:", "allow").as_bytes();

/// One comment.
pub(super) struct Allow {
    /// The rule it names.
    pub rule: String,
    /// Whether a reason follows.
    pub reasoned: bool,
}

/// The comments in `text`, with the number of line feeds before each.
pub(super) fn find(text: &[u8]) -> Vec<(u64, Allow)> {
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(text, MARK) {
        let rest = &text[at + MARK.len()..];
        let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len()).min(400)];
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace();
        let is_id = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !line.starts_with([' ', '\t']) {
            continue;
        }
        let Some(rule) = words.next().filter(is_id) else { continue };
        let reason: usize = words.filter(|w| w.chars().any(char::is_alphabetic)).map(str::len).sum();
        let before = memchr::memchr_iter(b'\n', &text[..at]).count() as u64;
        found.push((before, Allow { rule: rule.to_owned(), reasoned: reason >= 3 }));
    }
    found
}

/// Takes away the hits that are allowed, and notes what allows nothing.
pub(super) fn apply(seen: &mut Seen, allows: Vec<(u64, Allow)>) {
    for (line, allow) in allows {
        let before = seen.hits.len();
        if allow.reasoned {
            seen.hits.retain(|hit| hit.rule != allow.rule || hit.line != line && hit.line != line + 1);
        }
        let taken = (before - seen.hits.len()) as u64;
        seen.allowed += taken;
        if taken == 0 {
            let why =
                if allow.reasoned { "allows nothing that was found" } else { "gives no reason and allows nothing" };
            seen.unused_allows.push((line, format!("`{} {}` {why}", String::from_utf8_lossy(MARK), allow.rule)));
        }
    }
}
