//! The body of a key block: from the line that begins it to the line that ends it, or, when the
//! end was cut off, as far as the lines look like key material.

use std::ops::Range;

/// No key is longer; a marker further away belongs to something else.
const LONGEST: usize = 64 << 10;

/// How much of a line shows whether it is key material.
const JUDGED: usize = 1 << 10;

/// The body that begins at `start` and is ended by `until`, without the white space around it.
/// `again` announces the next block.
pub(super) fn body(text: &[u8], start: usize, until: &str, again: &str) -> Range<usize> {
    let reach = &text[start..text.len().min(start + LONGEST)];
    // A second block ends the first, and keeps many of them from costing a long look each.
    let reach = &reach[..memchr::memmem::find(reach, again.as_bytes()).unwrap_or(reach.len())];
    let end = end_of_material(reach, until.as_bytes());
    let body = &reach[..end];
    let lead = leading_breaks(body);
    let tail = trailing_breaks(&body[lead..]);
    start + lead..start + end - tail
}

/// How many bytes at the front are white space or line feeds written as `\n`.
fn leading_breaks(body: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match body[at..] {
            [b'\\', b'n' | b'r', ..] => at += 2,
            [byte, ..] if byte.is_ascii_whitespace() => at += 1,
            _ => return at,
        }
    }
}

/// The same at the end. A key may end in `n`, but never in a backslash before it.
fn trailing_breaks(body: &[u8]) -> usize {
    let mut end = body.len();
    loop {
        match body[..end] {
            [.., b'\\', b'n' | b'r'] => end -= 2,
            [.., byte] if byte.is_ascii_whitespace() => end -= 1,
            _ => return body.len() - end,
        }
    }
}

/// Where key material ends: at `until`, or where the lines cease to look like it (the end was cut
/// off, or the text only speaks of keys). 0 when there is none.
fn end_of_material(text: &[u8], until: &[u8]) -> usize {
    let has_end = |line: &[u8]| memchr::memmem::find(line, until);
    let mut lines = text.split_inclusive(|b| *b == b'\n').peekable();
    let (mut at, mut end) = (0, 0);
    while let Some(line) = lines.next() {
        if let Some(marker) = has_end(line) {
            return at + marker;
        }
        // The rest of the first line may be a quote and a plus sign; the last line may be short.
        let is_last = lines.peek().is_some_and(|next| has_end(next).is_some());
        let is_edge = at == 0 || is_last || line.trim_ascii().is_empty();
        if is_material(line) {
            end = at + line.len();
        } else if !is_edge {
            break;
        }
        at += line.len();
    }
    end
}

/// Whether a line's longest run of base64 is most of it, or it is a header of a key (`Proc-Type:`).
fn is_material(line: &[u8]) -> bool {
    let line = line[..line.len().min(JUDGED)].trim_ascii();
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=\\".contains(b);
    let longest = line.split(|b| !is_base64(b)).map(<[u8]>::len).max().unwrap_or(0);
    longest >= 16
        || longest * 2 > line.len() && longest >= 4 && line.len() < 80 && !line.contains(&b' ')
        || [&b"Proc-Type:"[..], b"DEK-Info:", b"Comment:", b"Version:"].iter().any(|h| line.starts_with(h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_at_its_marker_or_with_its_material() {
        let run = "QUJDREVGR0hJSktM".repeat(4);
        let whole = format!("\n{run}\n{run}\n-----END X-----\nafter");
        assert_eq!(&whole[body(whole.as_bytes(), 0, "-----END", "PRIVATE KEY")], format!("{run}\n{run}"));
        let cut = format!("\n{run}\n{run}\nERROR: connection refused by the server\n");
        assert_eq!(&cut[body(cut.as_bytes(), 0, "-----END", "PRIVATE KEY")], format!("{run}\n{run}"));
    }
}
