//! The text of a log whatever it is written in: UTF-16, as Windows writes it, is read as the UTF-8 that
//! it means. Everything else passes through byte for byte; no pattern is held against what was not read.
//! Where the text is damaged, or written in several encodings, it says so: then nothing in it "never matches".

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

/// What speaks against a text being what it is read as.
#[derive(Default)]
struct Doubts {
    places: u64,
    /// Units in a row that are text in the other order of bytes.
    swapped: u32,
    /// Units in a row that are two characters of ASCII each.
    single: u32,
    /// The last two bytes of a text that is read as bytes.
    last: [u8; 2],
}

impl Doubts {
    /// Looks at a unit of UTF-16: U+FFFE and U+0A00 are no characters but the mark and the line feed of
    /// the other order; single units in that order, or of two letters, are characters of the far east.
    fn unit(&mut self, encoding: Encoding, pair: [u8; 2], unit: u16) {
        let print = |byte: &u8| matches!(byte, b' '..=b'~');
        let text = |byte: &u8| print(byte) || matches!(byte, b'\t' | b'\n' | b'\r');
        let [high, low] = unit.to_be_bytes();
        self.swapped = if low == 0 && text(&high) { self.swapped + 1 } else { 0 };
        let mut ends_line = false;
        if pair.iter().all(print) {
            self.single += 1;
        } else if pair.iter().all(text) {
            ends_line = self.single > 0 && (pair == *b"\r\n" || encoding == Encoding::Utf16Le && pair[1] == b'\n');
        } else {
            self.single = 0;
        }
        if matches!(unit, 0xfffe | 0x0a00) || self.swapped == 4 || self.single == 16 || ends_line {
            self.places += 1;
        }
    }

    /// Looks at bytes: every second one NUL, or one behind a line feed, is UTF-16 among them. Blocks of
    /// NULs, as a crash leaves them, are not.
    fn bytes(&mut self, bytes: &[u8]) {
        if memchr::memchr(0, bytes).is_none() && !self.last.contains(&0) {
            for byte in &bytes[bytes.len().saturating_sub(2)..] {
                self.last = [self.last[1], *byte];
            }
            return;
        }
        for byte in bytes {
            let alternate = self.last[0] == 0 && self.last[1] != 0 && *byte == 0;
            let line_feed = self.last == *b"\n\0" && *byte != 0;
            self.places += u64::from(alternate || line_feed);
            self.last = [self.last[1], *byte];
        }
    }
}

/// A reader of the text behind another reader.
pub struct Decoded<R> {
    inner: R,
    doubts: Doubts,
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
        let doubts = Doubts { last: *b"--", ..Doubts::default() };
        Self { inner, doubts, encoding: None, stored: Vec::new(), text: Vec::new(), given: 0 }
    }

    /// Why what was read may say something else than what was given, in words.
    pub fn doubt(&self) -> Option<String> {
        let places = self.doubts.places;
        match self.encoding() {
            // A single NUL between two others is no encoding yet.
            Encoding::Bytes if places < 2 => None,
            Encoding::Bytes => Some("UTF-16 stands among its bytes, so not every line could be searched".to_owned()),
            _ if places == 0 => None,
            encoding => Some(format!(
                "in {places} places it is damaged or no {}, so not every line could be searched",
                encoding.word()
            )),
        }
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
            Encoding::Bytes => {
                self.doubts.bytes(&first);
                self.text = first;
            }
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
        let doubts = &mut self.doubts;
        pairs[..count].iter().for_each(|pair| doubts.unit(encoding, *pair, unit(pair)));
        let decoded = char::decode_utf16(pairs[..count].iter().map(unit));
        let mut lone = || {
            doubts.places += 1;
            char::REPLACEMENT_CHARACTER
        };
        let mut text: String = decoded.map(|c| c.unwrap_or_else(|_| lone())).collect();
        self.stored.drain(..count * 2);
        if read == 0 && !self.stored.is_empty() {
            self.stored.clear();
            self.doubts.places += 1;
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
                let read = self.inner.read(buffer)?;
                self.doubts.bytes(&buffer[..read]);
                return Ok(read);
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

    fn doubt(bytes: &[u8]) -> bool {
        let (mut whole, mut drip) = (Decoded::new(bytes), Decoded::new(Drip(bytes)));
        whole.read_to_end(&mut Vec::new()).unwrap();
        drip.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(whole.doubt(), drip.doubt());
        whole.doubt().is_some()
    }

    #[test]
    fn damage_and_several_encodings_are_told_and_sound_text_is_not_doubted() {
        let wide = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let (le, be): (fn(u16) -> [u8; 2], _) = (u16::to_le_bytes, u16::to_be_bytes as fn(u16) -> [u8; 2]);
        let log = "2026-05-15 INFO all is well\r\n".repeat(20);
        for (to, other) in [(le, be), (be, le)] {
            let good = [to(0xfeff).to_vec(), wide(&log, to)].concat();
            let with = |more: &[u8]| [good.as_slice(), more].concat();
            let lost = [&good[..101], &good[102..]].concat();
            for bad in [with(b"2026-05-15 ERROR permission denied\n"), with(b"ERROR permission denied!\r\n"), lost] {
                assert!(doubt(&bad));
            }
            assert!(doubt(&[with(b"2026-05-15 ERROR permission denied\n"), wide(&log, to)].concat()));
            assert!(doubt(&with(&wide("ERROR\r\n", other))) && doubt(&with(&wide("\u{feff}E", other))));
            assert!(doubt(&with(&to(0xd800))) && doubt(&with(b"\n")));
            let east = "\u{feff}備份：一二　最上 𝄞 ਬੈਕਅੱਪ\n上一个 бэкап\r\n".repeat(50);
            assert!(!doubt(&good) && !doubt(&wide(&east, to)));
            // Without a mark and not ASCII at its beginning, and behind a log in ASCII.
            assert!(doubt(&wide(&format!("Журнал\n{log}"), to)) && doubt(&wide("журнал\r\nжурнал\r\n", to)));
            assert!(doubt(&[log.as_bytes(), &wide("OK\r\n", to)].concat()));
        }
        assert!(doubt(&[&[0xff, 0xfe], wide(&log, le).as_slice(), b"done!\n"].concat()));
        for text in [&b"a crash\n\0\0\0\0\0\0\0\0and on\n"[..], b"./a\0./b\0./c\0\n", b"x\0\ny\0\n", "é\n".as_bytes()]
        {
            assert!(!doubt(text), "{text:?}");
        }
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
