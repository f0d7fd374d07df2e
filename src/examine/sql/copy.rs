//! Inside a COPY block: counts rows and their columns, and finds the one line that ends it.
//!
//! In COPY text every backslash, tab and line end of the data is escaped. So a line that consists of
//! `\.` can only be the terminator, every tab separates two columns, and nothing else in the data
//! means anything, however much it looks like SQL.

use memchr::{memchr, memchr_iter, memmem, memrchr};

/// What is wrong with the first row that has another shape than its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::examine) struct Misfit {
    /// The row's number in its block, from 1.
    pub(in crate::examine) row: u64,
    /// Columns that the block's rows must have.
    pub(in crate::examine) expected: u64,
    /// Columns that the row has.
    pub(in crate::examine) found: u64,
}

/// Counts the rows of one block.
#[derive(Debug, Clone)]
pub(in crate::examine) struct CopyRows {
    rows: u64,
    /// Tabs that every row must have; learnt from the first row when nothing says it.
    tabs: Option<u64>,
    checked: bool,
    misfits: u64,
    first_misfit: Option<Misfit>,
    returns: u64,
    /// The row so far, when it began in an earlier chunk.
    head: Head,
    /// A block without columns: every row is an empty line.
    empty: bool,
    header_lines: u8,
    begins_inside: bool,
}

/// What is known of a row that began in an earlier chunk.
#[derive(Debug, Clone, Default)]
struct Head {
    len: u64,
    tabs: u64,
    ends_in_return: bool,
    /// The first bytes, as many as the longest line that has a meaning.
    text: Vec<u8>,
}

/// The header of a dump among the rows of a table with one column: a second dump was appended to a
/// cut one. With more columns the number of columns shows it.
const HEADER: [&[u8]; 3] = [b"-- PostgreSQL database dump", b"--", b""];
const KEPT: usize = 32;
/// Bytes whose lines are counted together.
const BLOCK: usize = 4096;

/// What a chunk did to the block.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::examine) enum Progress {
    /// The whole chunk was data.
    GoesOn,
    /// The terminator line ends before this index.
    Ended(usize),
}

impl CopyRows {
    /// A block of which nothing says how many columns it has; its next byte starts a line.
    pub(in crate::examine) fn new() -> CopyRows {
        CopyRows {
            rows: 0,
            tabs: None,
            checked: true,
            misfits: 0,
            first_misfit: None,
            returns: 0,
            head: Head::default(),
            empty: false,
            header_lines: 0,
            begins_inside: false,
        }
    }

    /// A block whose statement names its columns.
    pub(in crate::examine) fn with_columns(columns: u64) -> CopyRows {
        CopyRows { tabs: columns.checked_sub(1), ..CopyRows::new() }
    }

    /// A block whose lines are not the rows of COPY text.
    pub(in crate::examine) fn unchecked() -> CopyRows {
        CopyRows { checked: false, ..CopyRows::new() }
    }

    /// Lines so far, the terminator not counted.
    pub(in crate::examine) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows with another number of columns than the block has.
    pub(in crate::examine) fn misfits(&self) -> u64 {
        // Some lines end in CR LF and some in LF: PostgreSQL refuses the block.
        let mixed = self.returns.min(self.rows - self.returns.min(self.rows));
        self.misfits + if self.checked { mixed } else { 0 }
    }

    /// The first such row.
    pub(in crate::examine) fn first_misfit(&self) -> Option<Misfit> {
        self.first_misfit
    }

    /// Every row ends in CR LF.
    pub(in crate::examine) fn all_returns(&self) -> bool {
        self.returns == self.rows
    }

    /// A dump's header stands among the rows.
    pub(in crate::examine) fn begins_inside(&self) -> bool {
        self.begins_inside
    }

    /// The input may end here: the terminator was read, only its line end is missing.
    pub(in crate::examine) fn at_terminator(&self) -> bool {
        self.head.len > 0 && is_terminator(&self.head.text, self.head.len)
    }

    /// Reads on. After [`Progress::Ended`] the block must not be fed again.
    pub(in crate::examine) fn feed(&mut self, chunk: &[u8]) -> Progress {
        let mut at = 0;
        if self.head.len > 0 {
            let Some(len) = memchr(b'\n', chunk) else {
                self.head.add(chunk);
                return Progress::GoesOn;
            };
            let mut head = std::mem::take(&mut self.head);
            head.add(&chunk[..len]);
            at = len + 1;
            if is_terminator(&head.text, head.len) {
                return Progress::Ended(at);
            }
            self.row(head.tabs, head.ends_in_return, &head.text, head.len);
            head.clear();
            self.head = head;
        }
        while at < chunk.len() {
            let window = &chunk[at..chunk.len().min(at + BLOCK)];
            let end = memrchr(b'\n', window).or_else(|| memchr(b'\n', &chunk[at..]));
            let Some(end) = end.map(|end| at + end + 1) else { break };
            if !self.whole_block(&chunk[at..end])
                && let Some(ended) = self.lines(&chunk[at..end])
            {
                return Progress::Ended(at + ended);
            }
            at = end;
        }
        self.head.add(&chunk[at..]);
        Progress::GoesOn
    }

    /// Counts a block of lines at memory speed, when all of them have the shape that they should. The
    /// sums of a block would agree too if one row had as many columns too many as others have too few;
    /// blocks are small, so that a damage of any length shows in one of them.
    fn whole_block(&mut self, block: &[u8]) -> bool {
        let Some(expected) = self.tabs else { return false };
        if block[0] == b'\\' || memmem::find(block, b"\n\\.").is_some() {
            return false;
        }
        let count = |byte| memchr_iter(byte, block).count() as u64;
        let (rows, returns) = (count(b'\n'), count(b'\r'));
        let fits = !self.checked
            || (count(b'\t') == rows * expected
                && (returns == 0 || returns == rows)
                && (expected > 0
                    || (!self.empty && self.header_lines == 0 && memmem::find(block, HEADER[0]).is_none())));
        if fits {
            self.rows += rows;
            self.returns += returns.min(rows);
        }
        fits
    }

    /// Looks at every line of a block; where the terminator ends, if it is there.
    fn lines(&mut self, block: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(len) = memchr(b'\n', &block[at..]) {
            let line = &block[at..at + len];
            at += len + 1;
            if line.first() == Some(&b'\\') && is_terminator(line, line.len() as u64) {
                return Some(at);
            }
            self.row(tabs(line), line.last() == Some(&b'\r'), line, line.len() as u64);
        }
        None
    }

    fn row(&mut self, tabs: u64, ends_in_return: bool, text: &[u8], len: u64) {
        self.rows += 1;
        self.returns += u64::from(ends_in_return);
        let expected = match self.tabs {
            Some(expected) => expected,
            None => {
                self.empty = len == 0;
                *self.tabs.insert(tabs)
            }
        };
        if (expected != tabs || (self.empty && len > 0)) && self.checked {
            self.misfits += 1;
            let (expected, found) = (expected + 1, tabs + 1);
            self.first_misfit.get_or_insert(Misfit { row: self.rows, expected, found });
        }
        if expected == 0 && self.checked {
            self.header(text, len);
        }
    }

    /// Follows the lines of a dump's header, of which the first may end a row that was cut.
    fn header(&mut self, text: &[u8], len: u64) {
        let line = text.strip_suffix(b"\r").unwrap_or(text);
        let whole = len <= KEPT as u64;
        self.header_lines = match self.header_lines {
            n @ 1..=2 if whole && line == HEADER[usize::from(n)] => n + 1,
            _ if whole && line == HEADER[0] => 1,
            _ => 0,
        };
        self.begins_inside |= self.header_lines == 3;
    }
}

impl Head {
    fn add(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        self.len += bytes.len() as u64;
        self.tabs += tabs(bytes);
        self.ends_in_return = last == b'\r';
        let room = KEPT.saturating_sub(self.text.len()).min(bytes.len());
        self.text.extend_from_slice(&bytes[..room]);
    }

    fn clear(&mut self) {
        self.text.clear();
        (self.len, self.tabs, self.ends_in_return) = (0, 0, false);
    }
}

fn is_terminator(line: &[u8], len: u64) -> bool {
    len <= 3 && matches!(line, b"\\." | b"\\.\r")
}

/// Tabs in a line.
fn tabs(line: &[u8]) -> u64 {
    memchr_iter(b'\t', line).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(chunks: &[&[u8]]) -> (u64, Option<(usize, usize)>) {
        let mut copy = CopyRows::new();
        for (number, chunk) in chunks.iter().enumerate() {
            if let Progress::Ended(at) = copy.feed(chunk) {
                return (copy.rows(), Some((number, at)));
            }
        }
        (copy.rows(), None)
    }

    #[test]
    fn an_empty_block_starts_with_its_terminator() {
        assert_eq!(run(&[b"\\.\nSELECT"]), (0, Some((0, 3))));
    }

    #[test]
    fn looks_like_a_terminator_and_is_not() {
        assert_eq!(run(&[b"a\\.\nb\n\\.c\n\\\\.\nx\\\n\\.\n"]), (5, Some((0, 20))));
    }

    #[test]
    fn windows_line_ends() {
        assert_eq!(run(&[b"a\r\nb\r\n\\.\r\nrest"]), (2, Some((0, 10))));
    }

    #[test]
    fn every_split_gives_the_same() {
        let text = b"one\n\\N\t\\\\.\n\n\\x41\n\\.\nrest";
        let whole = run(&[text]);
        assert_eq!(whole.0, 4);
        for first in 0..text.len() {
            for second in first..text.len() {
                let parts: [&[u8]; 3] = [&text[..first], &text[first..second], &text[second..]];
                let (rows, ended) = run(&parts);
                let starts = [0, first, second];
                let at = ended.map(|(number, at)| starts[number] + at);
                assert_eq!((rows, at), (4, whole.1.map(|(_, at)| at)), "{first} {second}");
            }
        }
    }

    #[test]
    fn cut_at_a_row_boundary_has_no_end() {
        assert_eq!(run(&[b"a\nb\n"]), (2, None));
    }
}
