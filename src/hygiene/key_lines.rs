//! Key blocks whose lines have something before them: the time and the program of a log, the file and
//! the line number of `grep -n`, the author of `git blame`, the JSON around a container's output. Only
//! the key material of each line is a secret; what precedes it stays readable.

use std::ops::Range;

/// How far from its first line a block is followed, in bytes. A piece of a stream holds as much before
/// its own part, so that a block is found whole wherever the stream is cut.
pub(super) const REACH: usize = 16 << 10;

/// A shorter run of base64 may be a word; only the last line of a block may be shorter.
const LINE: usize = 16;

/// From this length on, a run of base64 that follows a line of key material is key material.
const FULL: usize = 40;

/// Returns the key material of each line of a block whose marker ends at `start`, if its lines have
/// prefixes. `until` begins the closing marker, `again` announces the next block.
pub(super) fn after_marker(text: &[u8], start: usize, until: &str, again: &str) -> Option<Vec<Range<usize>>> {
    let reach = &text[start..text.len().min(start + REACH)];
    let first = memchr::memchr(b'\n', reach)? + 1;
    let line = line_at(reach, first);
    let run = material(reach, &line, None).filter(|run| run.len() >= LINE).or_else(|| {
        // The headers of an encrypted key precede its material.
        reach[line.clone()].windows(10).any(|word| word == b"Proc-Type:").then_some(line.end..line.end)
    })?;
    if !is_prefix(&reach[line.start..run.start]) {
        return None;
    }
    let has_end = memchr::memmem::find(reach, until.as_bytes());
    let next_block = memchr::memmem::find(reach, again.as_bytes()).unwrap_or(reach.len());
    let end = has_end.unwrap_or(reach.len()).min(next_block.max(first));
    let found = follow(reach, first, end, has_end.is_some());
    (!found.is_empty()).then(|| found.into_iter().map(|run| run.start + start..run.end + start).collect())
}

/// Returns the key material of the lines after `run`, the first line of a key without its marker.
pub(super) fn after_line(text: &[u8], run: &Range<usize>) -> Vec<Range<usize>> {
    let reach = text.len().min(run.start + REACH);
    let Some(feed) = memchr::memchr(b'\n', &text[run.end..reach]) else { return Vec::new() };
    // What follows on the same line belongs to the line, not to the key: `key: MII… # comment`.
    if text[run.end..run.end + feed].iter().any(|b| b.is_ascii_alphanumeric()) {
        return Vec::new();
    }
    let (mut at, mut found, mut before) = (run.end + feed + 1, Vec::new(), run.clone());
    let begin = |run: &Range<usize>| run.start - line_start(text, run.start);
    let prefix = |run: &Range<usize>| {
        let before = &text[line_start(text, run.start)..run.start];
        before.iter().copied().filter(|b| !b.is_ascii_digit()).collect::<Vec<u8>>()
    };
    let same = prefix(run);
    while at < reach {
        let line = line_at(&text[..reach], at);
        let Some(next) = material(text, &line, Some(begin(&before))) else { break };
        let is_full = next.len() == run.len() && next.len() >= LINE;
        let closes = next.len() < run.len() && (next.len() >= LINE || text[next.clone()].ends_with(b"="));
        // Line numbers and times differ, the rest of the prefix does not.
        if !(is_full || closes) || prefix(&next) != same {
            break;
        }
        found.push(next.clone());
        if !is_full {
            break;
        }
        (at, before) = (line.end + 1, next);
    }
    found
}

/// The material between `at` and `end`. Without a closing marker the first line that is not material
/// ends the block; with one, lines of other programs may stand between.
fn follow(text: &[u8], mut at: usize, end: usize, is_closed: bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    while at < end {
        let line = line_at(text, at);
        let is_last = line.end + 1 >= line_start(text, end) && is_closed;
        let column = found.last().map(|run| run.start - line_start(text, run.start));
        let run = material(text, &line, column);
        match run {
            Some(run) if run.end <= end && (run.len() >= LINE || is_last) => found.push(run),
            _ if is_closed || is_header(&text[line.clone()]) => {}
            _ if found.is_empty() && at == 0 => {}
            _ => break,
        }
        at = line.end + 1;
    }
    found
}

/// Whether a line holds no material by its nature: a header of a key, or nothing after the prefix.
fn is_header(line: &[u8]) -> bool {
    let has = |word: &str| memchr::memmem::find(line, word.as_bytes()).is_some();
    ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"].iter().any(|word| has(word))
        || !line.iter().rev().take(LINE).any(u8::is_ascii_alphanumeric)
}

/// The run of base64 on a line that is its material: the one at the end, if it is long enough; else the
/// longest one, if it is a whole line of a key; else what begins where the line before began.
fn material(text: &[u8], line: &Range<usize>, column: Option<usize>) -> Option<Range<usize>> {
    let body = &text[line.clone()];
    let at_end = run_before(body, trimmed(body));
    if at_end.len() >= LINE {
        return Some(line.start + at_end.start..line.start + at_end.end);
    }
    let longest = runs(body).max_by_key(Range::len).filter(|run| run.len() >= FULL);
    let in_column = || {
        let column = column.filter(|at| *at < body.len() && (*at == 0 || !is_base64(body[*at - 1])))?;
        let length = body[column..].iter().take_while(|b| is_base64(**b)).count();
        (length > 0).then(|| column..column + length)
    };
    let run = longest.or_else(in_column).or_else(|| (!at_end.is_empty()).then_some(at_end))?;
    Some(line.start + run.start..line.start + run.end)
}

/// Whether what precedes the material on a line is more than a quote, a comment sign or white space.
fn is_prefix(before: &[u8]) -> bool {
    before.iter().any(u8::is_ascii_alphanumeric)
}

/// The end of a line without what may follow material: white space, quotes, a comma, `\n` in letters.
fn trimmed(line: &[u8]) -> usize {
    let mut end = line.len();
    loop {
        match line[..end] {
            [.., b'\\', b'n' | b'r'] => end -= 2,
            [.., byte] if byte.is_ascii_whitespace() || b"\"',;\\)}]+".contains(&byte) => end -= 1,
            _ => return end,
        }
    }
}

/// The run of base64 that ends at `end`.
fn run_before(line: &[u8], end: usize) -> Range<usize> {
    let length = line[..end].iter().rev().take_while(|b| is_base64(**b)).count();
    end - length..end
}

fn runs(line: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line[at..].iter().position(|b| is_base64(*b))?;
        let length = line[at..].iter().take_while(|b| is_base64(**b)).count();
        at += length;
        Some(at - length..at)
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn line_start(text: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', &text[..at]).map_or(0, |feed| feed + 1)
}

fn line_at(text: &[u8], at: usize) -> Range<usize> {
    at..memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |feed| at + feed)
}
