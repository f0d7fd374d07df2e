//! The lines of a log that are kept, within fixed limits. When more are chosen than fit, the first
//! and the last of them stay and the number left out between is known: a cut is always said.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::base::text;

use crate::events::lines::Line;

/// The longest text kept of one line, in bytes.
const LONGEST: usize = 4096;

/// One kept line.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins in the stream, in bytes.
    pub offset: u64,
    /// Its text; what is not UTF-8 is written `\xNN`.
    pub text: String,
    /// The full length in bytes, when the text is only the beginning, or says why there is none.
    pub cut_from: Option<u64>,
    /// The patterns that match it, by position.
    pub patterns: Vec<usize>,
}

impl Kept {
    /// Keeps `line`.
    #[must_use]
    pub fn of(line: &Line<'_>, patterns: Vec<usize>) -> Self {
        let shown = text::shorten(line.bytes, LONGEST);
        let cut_from = ((shown.len() as u64) < line.length).then_some(line.length);
        let text = match line.secret {
            true => format!("[line of a private key, {} bytes, not kept]", line.length),
            false => text::from_bytes(&shown).into_owned(),
        };
        Self { number: line.number, offset: line.offset, text, cut_from, patterns }
    }
}

/// Kept lines within limits of number and size.
pub struct Excerpt {
    head: Vec<Kept>,
    tail: VecDeque<Kept>,
    /// Lines and bytes that fit in each half.
    room: (usize, usize),
    head_bytes: usize,
    head_full: bool,
    tail_bytes: usize,
    last: u64,
    before: u64,
    left_out: u64,
}

impl Excerpt {
    /// Room for `lines` lines and `bytes` bytes of text.
    #[must_use]
    pub fn within(lines: usize, bytes: usize) -> Self {
        let room = (lines.div_ceil(2), bytes.div_ceil(2));
        let (head, tail) = (Vec::new(), VecDeque::new());
        Self { head, tail, room, head_bytes: 0, head_full: false, tail_bytes: 0, last: 0, before: 0, left_out: 0 }
    }

    /// Takes a line; one that was taken already is passed over.
    pub fn take(&mut self, line: Kept) {
        if line.number <= self.last {
            return;
        }
        self.last = line.number;
        let size = line.text.len();
        self.head_full |= self.head.len() >= self.room.0 || self.head_bytes + size > self.room.1;
        if !self.head_full {
            self.head_bytes += size;
            return self.head.push(line);
        }
        self.tail_bytes += size;
        self.tail.push_back(line);
        self.shrink();
    }

    fn shrink(&mut self) {
        let lines = self.room.0.max(1);
        while self.tail.len() > lines || (self.tail_bytes > self.room.1 && self.tail.len() > 1) {
            if let Some(gone) = self.tail.pop_front() {
                self.tail_bytes -= gone.text.len();
                self.left_out += 1;
            }
        }
    }

    /// Says that `lines` chosen lines before the first one were not even offered.
    pub fn leave_out(&mut self, lines: u64) {
        self.before += lines;
    }

    /// The lines in order, with what was left out.
    #[must_use]
    pub fn finish(self) -> Lines {
        let gap = self.head.len();
        let mut lines = self.head;
        lines.extend(self.tail);
        Lines { lines, gap, before: self.before, left_out: self.left_out }
    }
}

/// The lines of an excerpt.
#[derive(Debug, Default)]
pub struct Lines {
    /// In order.
    pub lines: Vec<Kept>,
    /// How many of them stand before the gap where lines were left out.
    gap: usize,
    before: u64,
    left_out: u64,
}

impl Lines {
    /// How many chosen lines are not here for want of room.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.before + self.left_out
    }

    /// The same with the lines of `tail` that are not there yet; `lost` more did not fit.
    #[must_use]
    pub fn followed_by(mut self, tail: Vec<Kept>, lost: u64) -> Self {
        self.left_out += lost;
        let begins = tail.first().map_or(u64::MAX, |line| line.number);
        self.lines.retain(|line| line.number < begins);
        self.lines.extend(tail);
        self
    }

    /// The lines as a text file: number and text, with every gap shown.
    #[must_use]
    pub fn as_text(&self) -> Vec<u8> {
        let width = self.lines.last().map_or(1, |line| line.number.to_string().len());
        let mut out = String::new();
        cut(&mut out, self.before);
        let mut expected = self.lines.first().map_or(0, |line| line.number);
        for (index, line) in self.lines.iter().enumerate() {
            if index == self.gap && self.left_out > 0 {
                cut(&mut out, self.left_out);
            } else if line.number != expected {
                out.push_str("…\n");
            }
            expected = line.number + 1;
            let _ = write!(out, "{:>width$} | {}", line.number, printable(&line.text));
            if let Some(length) = line.cut_from {
                let _ = write!(out, " … cut, the line has {length} bytes");
            }
            out.push('\n');
        }
        out.into_bytes()
    }
}

fn cut(out: &mut String, lines: u64) {
    if lines > 0 {
        let _ = writeln!(out, "… {lines} lines left out");
    }
}

/// Tabs stay; everything else that could act on a terminal becomes visible.
fn printable(text: &str) -> String {
    text.split('\t').map(text::visible).collect::<Vec<_>>().join("\t")
}

/// The last lines of what passes by.
pub struct Recent {
    lines: VecDeque<Kept>,
    most: usize,
    bytes: usize,
    most_bytes: usize,
}

impl Recent {
    /// Remembers the last `most` lines, of at most `most_bytes` bytes together.
    #[must_use]
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self { lines: VecDeque::new(), most, bytes: 0, most_bytes }
    }

    /// Remembers `line` and forgets the oldest.
    pub fn push(&mut self, line: Kept) {
        if self.most == 0 {
            return;
        }
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > self.most || (self.bytes > self.most_bytes && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |gone| gone.text.len());
        }
    }

    /// Everything remembered, oldest first; afterwards nothing is.
    pub fn drain(&mut self) -> impl Iterator<Item = Kept> + '_ {
        self.bytes = 0;
        self.lines.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, bytes: &[u8]) -> Kept {
        Kept::of(&Line { number, offset: 0, bytes, length: bytes.len() as u64, secret: false }, Vec::new())
    }

    #[test]
    fn the_first_and_the_last_lines_stay_and_the_cut_is_counted() {
        let mut excerpt = Excerpt::within(4, 1000);
        for number in 1..=10 {
            excerpt.take(line(number, b"x"));
            excerpt.take(line(number, b"again"));
        }
        let lines = excerpt.finish();
        assert_eq!(lines.left_out(), 6);
        let text = String::from_utf8(lines.as_text()).unwrap();
        assert_eq!(text, " 1 | x\n 2 | x\n… 6 lines left out\n 9 | x\n10 | x\n");
    }

    #[test]
    fn bytes_are_limited_too_and_gaps_are_shown() {
        let mut excerpt = Excerpt::within(100, 20);
        for number in [1, 3, 4, 5] {
            excerpt.take(line(number, b"12345678"));
        }
        let text = String::from_utf8(excerpt.finish().as_text()).unwrap();
        assert_eq!(text, "1 | 12345678\n… 2 lines left out\n5 | 12345678\n");
        let mut all = Excerpt::within(100, 1000);
        all.take(line(1, b"a"));
        all.take(line(3, b"b\t\x1b[2J\xff"));
        assert_eq!(String::from_utf8(all.finish().as_text()).unwrap(), "1 | a\n…\n3 | b\t\\x1b[2J\\xff\n");
    }

    #[test]
    fn a_long_line_is_cut_between_words_and_says_so() {
        let mut long = b"token=".to_vec();
        long.resize(4000, b'a');
        long.push(b' ');
        long.resize(9000, b'b');
        let kept = line(1, &long);
        assert_eq!((kept.text.len(), kept.cut_from), (4000, Some(9000)));
        let kept = line(1, "é".repeat(5000).as_bytes());
        assert_eq!((kept.text.as_str(), kept.cut_from), ("[one word of more than 4096 bytes, not kept]", Some(10_000)));
    }
}
