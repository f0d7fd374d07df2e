//! Cuts a stream of bytes into lines, in blocks of whole lines and in bounded memory whatever the
//! stream holds: a line longer than the limit is handed over with its beginning only, and says so.

use std::io::{self, Read};

/// How much is read at once; also what a block usually holds.
const BLOCK: usize = 256 * 1024;

/// Whole lines, or the beginning of a single one that is longer than the limit.
pub struct Block<'a> {
    /// The lines with their line ends.
    pub bytes: &'a [u8],
    /// Where the first of them begins in the stream.
    pub offset: u64,
    /// The full length of the one line in `bytes`, when it was too long to be kept whole.
    pub overlong: Option<u64>,
}

/// One line.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins in the stream, in bytes.
    pub offset: u64,
    /// Its bytes without the line end; only the beginning when it is longer than `length`.
    pub bytes: &'a [u8],
    /// Its full length in bytes without the line end.
    pub length: u64,
    /// Whether it is part of a private key and must not be kept.
    pub secret: bool,
}

/// Reads `reader` to its end and hands it over block by block; gives the number of bytes read.
///
/// # Errors
/// What the reader said, after everything before it was handed over.
pub fn blocks(reader: &mut dyn Read, limit: usize, each: &mut dyn FnMut(Block<'_>)) -> (u64, io::Result<()>) {
    let mut cutter = Cutter { buffer: vec![0; BLOCK], filled: 0, offset: 0, limit: limit.max(BLOCK) };
    let outcome = cutter.run(reader, each);
    cutter.rest(each);
    (cutter.offset, outcome)
}

struct Cutter {
    buffer: Vec<u8>,
    filled: usize,
    /// Where the buffer begins in the stream.
    offset: u64,
    limit: usize,
}

impl Cutter {
    fn run(&mut self, reader: &mut dyn Read, each: &mut dyn FnMut(Block<'_>)) -> io::Result<()> {
        while self.fill(reader)? {
            match memchr::memrchr(b'\n', &self.buffer[..self.filled]) {
                Some(end) => self.hand_over(end + 1, each),
                None if self.filled < self.buffer.len() => {}
                None if self.filled < self.limit => {
                    let size = (self.buffer.len() * 2).min(self.limit);
                    self.buffer.resize(size, 0);
                }
                None => self.skip(reader, each)?,
            }
        }
        Ok(())
    }

    /// Reads once more behind what is there; `false` at the end of the stream.
    fn fill(&mut self, reader: &mut dyn Read) -> io::Result<bool> {
        let read = read_some(reader, &mut self.buffer[self.filled..])?;
        self.filled += read;
        Ok(read > 0)
    }

    fn hand_over(&mut self, end: usize, each: &mut dyn FnMut(Block<'_>)) {
        each(Block { bytes: &self.buffer[..end], offset: self.offset, overlong: None });
        self.buffer.copy_within(end..self.filled, 0);
        self.filled -= end;
        self.offset += end as u64;
    }

    /// Passes over the rest of a line that is longer than the limit.
    fn skip(&mut self, reader: &mut dyn Read, each: &mut dyn FnMut(Block<'_>)) -> io::Result<()> {
        let mut scrap = vec![0; BLOCK];
        let mut length = self.filled as u64;
        let mut feed = 0;
        let outcome = loop {
            let read = match read_some(reader, &mut scrap) {
                Ok(0) => break Ok(0..0),
                Ok(read) => read,
                Err(e) => break Err(e),
            };
            if let Some(end) = memchr::memchr(b'\n', &scrap[..read]) {
                length += end as u64;
                feed = 1;
                break Ok(end + 1..read);
            }
            length += read as u64;
        };
        each(Block { bytes: &self.buffer[..self.filled], offset: self.offset, overlong: Some(length) });
        self.offset += length + feed;
        self.filled = 0;
        let behind = &scrap[outcome?];
        self.buffer[..behind.len()].copy_from_slice(behind);
        self.filled = behind.len();
        Ok(())
    }

    /// The last line, when it has no line end.
    fn rest(&mut self, each: &mut dyn FnMut(Block<'_>)) {
        if self.filled > 0 {
            self.hand_over(self.filled, each);
        }
    }
}

fn read_some(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The lines of `block`, numbered from `number`.
pub fn lines<'a>(block: &Block<'a>, mut number: u64) -> impl Iterator<Item = Line<'a>> {
    let (bytes, start, overlong) = (block.bytes, block.offset, block.overlong);
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let end = match overlong {
            Some(_) => bytes.len(),
            None => memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end),
        };
        let text = &bytes[at..end];
        let text = text.strip_suffix(b"\r").filter(|_| overlong.is_none()).unwrap_or(text);
        let length = overlong.unwrap_or(text.len() as u64);
        let line = Line { number, offset: start + at as u64, bytes: text, length, secret: false };
        at = end + 1;
        number += 1;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `step` bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.0.len().min(self.1).min(buffer.len()));
            buffer[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    fn cut(text: &[u8], step: usize) -> Vec<(u64, u64, Vec<u8>, u64)> {
        let mut all = Vec::new();
        let (total, outcome) = blocks(&mut Drip(text, step), 0, &mut |block| {
            let number = all.len() as u64 + 1;
            all.extend(lines(&block, number).map(|l| (l.number, l.offset, l.bytes.to_vec(), l.length)));
        });
        assert!(outcome.is_ok() && total == text.len() as u64);
        all
    }

    #[test]
    fn line_ends_of_every_kind_keep_number_and_place() {
        for step in [1, 3, 1000] {
            let found = cut(b"a\r\n\nbc\n\0\xff", step);
            let texts: Vec<&[u8]> = found.iter().map(|l| l.2.as_slice()).collect();
            assert_eq!(texts, [b"a".as_slice(), b"", b"bc", b"\0\xff"]);
            assert_eq!(found.iter().map(|l| l.1).collect::<Vec<_>>(), [0, 3, 4, 7]);
        }
        assert!(cut(b"", 1).is_empty());
    }

    #[test]
    fn an_overlong_line_is_cut_said_and_passed_over() {
        let mut text = b"first\n".to_vec();
        text.resize(text.len() + 3 * BLOCK, b'x');
        text.extend_from_slice(b"\nlast\n");
        for step in [1000, usize::MAX] {
            let found = cut(&text, step);
            assert_eq!(found.len(), 3);
            assert!(found[1].2.len() <= BLOCK && found[1].3 == 3 * BLOCK as u64);
            assert_eq!(
                (found[2].0, found[2].1, found[2].2.as_slice()),
                (3, 6 + 3 * BLOCK as u64 + 1, b"last".as_slice())
            );
        }
    }
}
