//! Secrets in other writings of a text: base64, hexadecimal digits, percent signs, JSON escapes,
//! UTF-16 in the middle of other bytes. Each is a second pass that costs next to nothing where the
//! writing does not occur. What is found is given as places in the text as it stands.

use std::ops::Range;

use super::check::{self, base64};
use super::engine::{Engine, Finding};
use super::rule::Confidence;
use super::runs::{DIGIT, LONGEST, SHORTEST, runs};

/// Writings within writings are read no deeper.
const DEPTH: u32 = 3;
/// How far escapes are undone around one.
const STRETCH: usize = 4 << 10;
/// The other parts of a token are no longer, in bytes.
const LONGEST_TOKEN: usize = 1 << 10;

impl Engine {
    /// Every secret in `text` in any writing, in order, none overlapping another.
    pub fn deep(&self, text: &[u8]) -> Vec<Finding> {
        super::engine::merge(self.deeper(text, DEPTH))
    }

    fn deeper(&self, text: &[u8], depth: u32) -> Vec<Finding> {
        let mut found = self.find_all(text);
        if depth == 0 {
            return found;
        }
        let mut block = 0;
        runs(text, |run| self.encoded(text, run, &mut block, depth, &mut found));
        for mark in [&b"%"[..], b"\\u00", b"\\/"] {
            self.escaped(text, mark, depth, &mut found);
        }
        if memchr::memchr(0, text).is_some() {
            self.wide(text, depth, &mut found);
        }
        found
    }

    /// A run of base64 or hexadecimal digits: a finding as a whole when there is one within. `block`
    /// is the end of the last block of lines: read whole from its first line, a line of it stands for
    /// itself, or a long block would be read again from each of its lines.
    fn encoded(&self, text: &[u8], run: Range<usize>, block: &mut usize, depth: u32, found: &mut Vec<Finding>) {
        let run = trimmed(text, run);
        let seen = &text[run.clone()];
        if seen.len() < SHORTEST {
            return;
        }
        for (via, decode) in [("hex", hex as fn(&[u8]) -> Option<Vec<u8>>), ("base64", base64)] {
            if !begins_as_text(seen, via == "base64") {
                continue;
            }
            let whole = match via {
                "base64" if run.start < *block => run.start..run.end + padding(text, run.end),
                "base64" => folded_lines(text, &run),
                _ => run.clone(),
            };
            if via == "base64" {
                *block = whole.end.max(*block);
            }
            let Some(decoded) = decode(&squeezed(&text[whole.clone()])) else { continue };
            let inner = super::engine::merge(self.deeper(&decoded, depth - 1));
            if let Some(best) =
                inner.into_iter().filter(|f| f.confidence > Confidence::Low).max_by_key(|f| f.confidence)
            {
                let secret = if via == "base64" { whole_token(text, whole) } else { whole };
                found.push(Finding { secret, via, continues: false, ..best });
                return;
            }
        }
    }

    /// Undoes escapes around every `mark`, stretch by stretch.
    fn escaped(&self, text: &[u8], mark: &[u8], depth: u32, found: &mut Vec<Finding>) {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| memchr::memmem::find(rest, mark)) {
            let at = from + at;
            if mark == b"%" && !is_escape(&text[at..]) {
                from = at + 1;
                continue;
            }
            let stretch = stretch(text, at, mark == b"%");
            from = stretch.end.max(at + 1);
            let (decoded, places) = unescape(&text[stretch.clone()], mark);
            for inner in self.deeper(&decoded, depth - 1) {
                if decoded.len() == stretch.len() {
                    break;
                }
                let secret = stretch.start + places[inner.secret.start]..stretch.start + places[inner.secret.end];
                let via = if mark == b"%" { "url" } else { "json" };
                found.push(Finding { secret, via, ..inner });
            }
        }
    }

    /// Stretches in which every second byte is zero.
    fn wide(&self, text: &[u8], depth: u32, found: &mut Vec<Finding>) {
        let mut at = 0;
        while let Some(zero) = text.get(at..).and_then(|rest| memchr::memchr(0, rest)).map(|i| at + i) {
            // Low byte first: the character stands before its zero.
            let start = zero.saturating_sub(1);
            let pairs =
                text[start..].chunks_exact(2).take_while(|pair| pair[0] != 0 && pair[0] < 0x80 && pair[1] == 0).count();
            if pairs >= 8 {
                let narrow: Vec<u8> = text[start..start + 2 * pairs].iter().copied().step_by(2).collect();
                for inner in self.deeper(&narrow, depth - 1) {
                    let secret = start + 2 * inner.secret.start..start + 2 * inner.secret.end;
                    found.push(Finding { secret, via: "utf-16", ..inner });
                }
            }
            at = (start + 2 * pairs).max(zero + 1);
        }
    }
}

/// A run without what is no part of an encoded piece: a name and slash before it are left.
fn trimmed(text: &[u8], run: Range<usize>) -> Range<usize> {
    let seen = &text[run.clone()];
    let lead = seen.iter().take_while(|b| b"/-_+".contains(b)).count();
    run.start + lead..run.end
}

/// The run and the lines after it, when it is the first of several of one block.
fn folded_lines(text: &[u8], run: &Range<usize>) -> Range<usize> {
    let mut end = run.end;
    if run.len() < 56 {
        return run.start..end + padding(text, end);
    }
    while end - run.start < LONGEST {
        let rest = &text[end..];
        let gap = rest.iter().take(16).take_while(|b| b.is_ascii_whitespace()).count();
        let line = rest[gap..].iter().take(200).take_while(|b| DIGIT[usize::from(**b)]).count();
        let breaks = rest[..gap].contains(&b'\n');
        if !breaks || line < 4 || line > run.len() + 4 {
            break;
        }
        end += gap + line;
        if line < run.len() {
            break;
        }
    }
    run.start..end + padding(text, end)
}

/// The whole token of which `part` is one part, joined to the others by dots. A part by itself says what
/// the token carries; the others, such as its signature, are as secret.
fn whole_token(text: &[u8], part: Range<usize>) -> Range<usize> {
    let is_token = |byte: &u8| DIGIT[usize::from(*byte)] || *byte == b'.';
    let before = text[..part.start].iter().rev().take(LONGEST_TOKEN).take_while(|b| is_token(b)).count();
    let after = text[part.end..].iter().take(LONGEST_TOKEN).take_while(|b| is_token(b)).count();
    let (before, after) = (&text[part.start - before..part.start], &text[part.end..part.end + after]);
    let before = if before.ends_with(b".") { before.len() } else { 0 };
    // A dot that ends a sentence belongs to no token.
    let after =
        if after.starts_with(b".") { after.len() - after.iter().rev().take_while(|b| **b == b'.').count() } else { 0 };
    part.start - before..part.end + after
}

fn padding(text: &[u8], end: usize) -> usize {
    text[end..].iter().take(2).take_while(|b| **b == b'=').count()
}

fn squeezed(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect()
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    text.chunks_exact(2).map(hex_pair).collect()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' | b'A'..=b'F' => Some((b | 0x20) - b'a' + 10),
        _ => None,
    };
    Some(value(pair[0])? << 4 | value(pair[1])?)
}

/// Whether the first nine bytes and more that a run decodes to are text; mostly the first three say
/// no. Nothing is allocated: this is asked of every digest.
fn begins_as_text(run: &[u8], base64: bool) -> bool {
    let head = &run[..run.len().min(24)];
    let is_text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    if !base64 {
        return head.chunks_exact(2).all(|pair| hex_pair(pair).is_some_and(is_text));
    }
    head.chunks_exact(4).all(|four| {
        let bits = four.iter().try_fold(0_u32, |bits, byte| Some(bits << 6 | check::base64_value(*byte)?));
        bits.is_some_and(|bits| bits.to_be_bytes()[1..].iter().all(|byte| is_text(*byte)))
    })
}

/// Whether `%` begins an escape of a character that matters to a secret's syntax or value.
fn is_escape(text: &[u8]) -> bool {
    matches!(text, [_, b'2'..=b'7', low, ..] if low.is_ascii_hexdigit())
}

/// The piece of a line around an escape: to the blanks around it for percent signs.
fn stretch(text: &[u8], at: usize, to_blanks: bool) -> Range<usize> {
    let ends = |b: &u8| if to_blanks { b.is_ascii_whitespace() || *b == 0 } else { *b == b'\n' };
    let before = text[at.saturating_sub(STRETCH)..at].iter().rev().take_while(|b| !ends(b)).count();
    let after = text[at..].iter().take(STRETCH).take_while(|b| !ends(b)).count();
    at - before..at + after
}

/// The text with its escapes undone, and where each of its bytes stood, the end included.
fn unescape(text: &[u8], mark: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut places, mut at) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len() + 1), 0);
    while at < text.len() {
        let (byte, width) = one(&text[at..], mark);
        out.push(byte);
        places.push(at);
        at += width;
    }
    places.push(text.len());
    (out, places)
}

fn one(text: &[u8], mark: &[u8]) -> (u8, usize) {
    let code = |digits: &[u8]| hex(digits).map(|bytes| bytes[0]);
    let escape = match text {
        [b'%', a, b, ..] if mark == b"%" => code(&[*a, *b]).map(|byte| (byte, 3)),
        [b'\\', b'u', b'0', b'0', a, b, ..] if mark != b"%" => code(&[*a, *b]).map(|byte| (byte, 6)),
        [b'\\', byte @ (b'/' | b'"' | b'\\'), ..] if mark != b"%" => Some((*byte, 2)),
        _ => None,
    };
    escape.unwrap_or((text[0], 1))
}

#[cfg(test)]
mod tests {
    use super::super::engine::BUILT_IN;
    use super::super::sample::random;
    use super::*;

    fn found(text: &[u8]) -> Vec<(&'static str, Range<usize>)> {
        let engine = BUILT_IN.as_ref().unwrap();
        engine.deep(text).into_iter().map(|f| (f.via, f.secret)).collect()
    }

    fn encode(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for three in bytes.chunks(3) {
            let bits = three.iter().fold(0_u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - three.len()));
            for k in 0..=three.len() {
                out.push(char::from(ALPHABET[(bits >> (18 - 6 * k)) as usize & 63]));
            }
        }
        out
    }

    #[test]
    fn the_same_token_is_found_in_every_writing() {
        let token = format!("ghp_{}", random("github", 36, &mut 9).unwrap());
        let inner = format!("GITHUB={token} and more text");
        let once = encode(inner.as_bytes());
        let twice = encode(format!("wrapped again: {once}").as_bytes());
        let digits: String = inner.bytes().map(|b| format!("{b:02x}")).collect();
        let wide: Vec<u8> = [1, 2, 0].into_iter().chain(inner.bytes().flat_map(|b| [b, 0])).chain([0, 0, 7]).collect();
        let folded =
            once.as_bytes().chunks(60).map(|l| String::from_utf8_lossy(l).into_owned()).collect::<Vec<_>>().join("\n");
        for (via, text) in [
            ("base64", format!("data: {once}").into_bytes()),
            ("base64", format!("data: {twice}").into_bytes()),
            ("base64", format!("data:\n{folded}\nnext: 1").into_bytes()),
            ("hex", format!("blob={digits};").into_bytes()),
            ("utf-16", wide),
            ("url", format!("q=%67%68%70%5F{}&x=1", &token[4..]).into_bytes()),
            ("json", format!("{{\"t\":\"gh\\u0070_{}\"}}", &token[4..]).into_bytes()),
        ] {
            let seen = found(&text);
            assert_eq!(seen.len(), 1, "{via}: {seen:?}");
            assert_eq!(seen[0].0, via);
        }
    }
}
