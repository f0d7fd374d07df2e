//! Inside a COPY block: counts rows at memory speed and finds the one line that ends it.
//!
//! In COPY text every backslash of the data is doubled, so a line that consists of `\.` can only be
//! the terminator, and nothing else in the data means anything, however much it looks like SQL.

use memchr::{memchr_iter, memmem};

/// Where in a line the data stands between two chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    InLine,
    Backslash,
    Dot,
    DotReturn,
}

/// Counts the rows of one block.
#[derive(Debug, Clone)]
pub(in crate::examine) struct CopyRows {
    at: At,
    rows: u64,
}

/// What a chunk did to the block.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::examine) enum Progress {
    /// The whole chunk was data.
    GoesOn,
    /// The terminator line ends before this index.
    Ended(usize),
}

impl CopyRows {
    /// A block whose next byte starts a line.
    pub(in crate::examine) fn new() -> CopyRows {
        CopyRows { at: At::LineStart, rows: 0 }
    }

    /// Lines so far, the terminator not counted.
    pub(in crate::examine) fn rows(&self) -> u64 {
        self.rows
    }

    /// The input may end here: the terminator was read, only its line end is missing.
    pub(in crate::examine) fn at_terminator(&self) -> bool {
        matches!(self.at, At::Dot | At::DotReturn)
    }

    /// Reads on. After [`Progress::Ended`] the block must not be fed again.
    pub(in crate::examine) fn feed(&mut self, chunk: &[u8]) -> Progress {
        let mut position = 0;
        while position < chunk.len() {
            if self.at == At::InLine || (self.at == At::LineStart && chunk[position] != b'\\') {
                position = self.rush(chunk, position);
                continue;
            }
            if self.step(chunk[position]) {
                return Progress::Ended(position + 1);
            }
            position += 1;
        }
        Progress::GoesOn
    }

    /// One byte at a place where a terminator may stand; true when it is complete.
    fn step(&mut self, byte: u8) -> bool {
        self.at = match (self.at, byte) {
            (At::Dot | At::DotReturn, b'\n') => return true,
            (_, b'\n') => {
                self.rows += 1;
                At::LineStart
            }
            (At::LineStart, b'\\') => At::Backslash,
            (At::Backslash, b'.') => At::Dot,
            (At::Dot, b'\r') => At::DotReturn,
            _ => At::InLine,
        };
        false
    }

    /// Over plain data to the next line that begins like a terminator, or to the chunk's end.
    fn rush(&mut self, chunk: &[u8], from: usize) -> usize {
        let data = &chunk[from..];
        let found = memmem::find(data, b"\n\\.");
        let end = found.map_or(data.len(), |at| at + 1);
        self.rows += memchr_iter(b'\n', &data[..end]).count() as u64;
        self.at = match (found, data) {
            (Some(_), _) | (None, [.., b'\n']) => At::LineStart,
            (None, [.., b'\n', b'\\']) => At::Backslash,
            _ => At::InLine,
        };
        from + end
    }
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
