//! The text of a log whatever it is written in: UTF-16, as Windows writes it, is read as the UTF-8 that
//! it means. Everything else passes through byte for byte; no pattern is held against what was not read.

use std::io::{self, Read};

/// How much is decoded at once.
const PORTION: usize = 64 * 1024;
const UTF_32: &str = "the text is UTF-32, which is not read here; `iconv -f UTF-32 -t UTF-8` turns it into what is";

/// What a text is written in, as far as that matters for reading its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes that hold ASCII as it is: UTF-8 and the like.
    #[default]
    Bytes,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

impl Encoding {
    /// The word for facts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        }
    }

    /// Told by the mark at the beginning, or by every second byte being NUL; with the mark's length.
    fn of(first: &[u8]) -> io::Result<(Self, usize)> {
        let text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        Ok(match *first {
            [0xff, 0xfe, 0, 0] | [0, 0, 0xfe, 0xff] => return Err(io::Error::new(io::ErrorKind::InvalidData, UTF_32)),
            [0xff, 0xfe, ..] => (Self::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Self::Utf16Be, 2),
            [a, 0, b, 0] if text(a) && text(b) => (Self::Utf16Le, 0),
            [0, a, 0, b] if text(a) && text(b) => (Self::Utf16Be, 0),
            _ => (Self::Bytes, 0),
        })
    }
}

/// A reader of the text behind another reader.
pub struct Decoded<R> {
    inner: R,
    encoding: Option<Encoding>,
    /// Read, and still to be decoded: half a character at most.
    stored: Vec<u8>,
    /// Decoded, and given up to `given`.
    text: Vec<u8>,
    given: usize,
}

impl<R: Read> Decoded<R> {
    /// The text behind `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, encoding: None, stored: Vec::new(), text: Vec::new(), given: 0 }
    }

    /// What it is written in, once something was read.
    pub fn encoding(&self) -> Encoding {
        self.encoding.unwrap_or_default()
    }

    fn begin(&mut self) -> io::Result<Encoding> {
        let mut first = Vec::new();
        (&mut self.inner).take(4).read_to_end(&mut first)?;
        let (encoding, mark) = Encoding::of(&first)?;
        self.encoding = Some(encoding);
        match encoding {
            Encoding::Bytes => self.text = first,
            _ => self.stored = first.split_off(mark),
        }
        Ok(encoding)
    }

    /// Decodes a further portion; `false` at the end.
    fn decode(&mut self, encoding: Encoding) -> io::Result<bool> {
        let waiting = self.stored.len();
        let read = (&mut self.inner).take(PORTION as u64).read_to_end(&mut self.stored)?;
        let (pairs, _) = self.stored.as_chunks::<2>();
        let unit = |pair: &[u8; 2]| match encoding {
            Encoding::Utf16Be => u16::from_be_bytes(*pair),
            _ => u16::from_le_bytes(*pair),
        };
        // The first half of a character waits for the second one, which comes with the next portion.
        let is_half = |pair: &[u8; 2]| read > 0 && (0xd800..0xdc00).contains(&unit(pair));
        let count = pairs.len() - usize::from(pairs.last().is_some_and(is_half));
        let decoded = char::decode_utf16(pairs[..count].iter().map(unit));
        let mut text: String = decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.stored.drain(..count * 2);
        if read == 0 && !self.stored.is_empty() {
            self.stored.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
        (self.text, self.given) = (text.into_bytes(), 0);
        Ok(read + waiting > 0)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => self.begin()?,
        };
        while self.given == self.text.len() {
            if encoding == Encoding::Bytes {
                return self.inner.read(buffer);
            }
            if !self.decode(encoding)? {
                return Ok(0);
            }
        }
        let now = &self.text[self.given..];
        let count = now.len().min(buffer.len());
        buffer[..count].copy_from_slice(&now[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    fn read(bytes: &[u8]) -> (String, &'static str) {
        let mut all = [String::new(), String::new()];
        let mut whole = Decoded::new(bytes);
        whole.read_to_string(&mut all[0]).unwrap();
        Decoded::new(Drip(bytes)).read_to_string(&mut all[1]).unwrap();
        assert_eq!(all[0], all[1]);
        (all[0].clone(), whole.encoding().word())
    }

    #[test]
    fn utf_16_is_read_as_what_it_means_with_and_without_a_mark() {
        // More than a portion, so that a character of two halves stands over its end.
        let text = format!("ERROR: é 𝄞\r\n{}", "𝄞x".repeat(PORTION));
        let bytes = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        for (to, mark, word) in [
            (u16::to_le_bytes as fn(u16) -> [u8; 2], [0xff, 0xfe], "UTF-16LE"),
            (u16::to_be_bytes, [0xfe, 0xff], "UTF-16BE"),
        ] {
            assert_eq!(read(&bytes(to)), (text.clone(), word));
            assert_eq!(read(&[&mark, bytes(to).as_slice()].concat()), (text.clone(), word));
        }
        assert_eq!(read(b"\xff\xfea\0\x00\xd8b\0c"), ("a\u{fffd}b\u{fffd}".to_owned(), "UTF-16LE"));
    }

    #[test]
    fn everything_else_passes_through() {
        for text in ["", "a", "abc", "a log\n", "\0\0\0\0a\n", "é\n"] {
            assert_eq!(read(text.as_bytes()), (text.to_owned(), "bytes"));
        }
        let wide = Decoded::new(&b"\xff\xfe\0\0a\0\0\0"[..]).read_to_string(&mut String::new());
        assert!(wide.unwrap_err().to_string().contains("iconv -f UTF-32"));
    }
}
