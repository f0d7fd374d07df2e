//! `evidence:allow RULE reason` in a comment allows what RULE finds on the line of the comment. A comment
//! that has a line for itself also allows it on the next line. Without a reason it allows nothing; of
//! no use, it is reported.

use super::scanner::Seen;

/// Made of two pieces so that this file holds none.
const MARK: &[u8] = concat!("evidence:", "allow").as_bytes();

/// One comment.
pub(super) struct Allow {
    /// The rule it names.
    pub rule: String,
    /// Whether a reason follows.
    pub reasoned: bool,
    /// Whether nothing but the comment is on its line.
    pub alone: bool,
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
        let alone = is_alone(&text[memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1)..at]);
        found.push((before, Allow { rule: rule.to_owned(), reasoned: reason >= 3, alone }));
    }
    found
}

/// Whether `before`, what precedes the mark on its line, only begins a comment.
fn is_alone(before: &[u8]) -> bool {
    // Words that begin a comment: batch files, m4, SQL of some servers.
    const WORDS: &[&[u8]] = &[b"", b"rem", b"REM", b"dnl"];
    let end = before.len().min(400);
    let letters: Vec<u8> = before[..end].iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    before.len() == end && before.is_ascii() && WORDS.contains(&letters.as_slice())
}

/// Takes away the hits that are allowed, and notes what allows nothing.
pub(super) fn apply(seen: &mut Seen, allows: Vec<(u64, Allow)>) {
    for (line, allow) in allows {
        let before = seen.hits.len();
        if allow.reasoned {
            seen.hits
                .retain(|hit| hit.rule != allow.rule || hit.line != line && !(allow.alone && hit.line == line + 1));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_behind_something_is_for_its_own_line() {
        let mark = String::from_utf8_lossy(MARK).into_owned();
        let alone = |before: &str| find(format!("x\n{before}{mark} some-rule for a reason\n").as_bytes())[0].1.alone;
        for before in ["# ", "  // ", "<!-- ", "/* ", "-- ", "rem ", "; "] {
            assert!(alone(before), "{before}");
        }
        for before in ["password = x # ", "}  // old: ", "é # "] {
            assert!(!alone(before), "{before}");
        }
    }
}
