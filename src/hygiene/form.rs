//! How the characters of a text stand in its bytes: one byte after the other, or UTF-16.

use std::borrow::Cow;

/// How the characters of a text stand in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One byte after the other: UTF-8, Latin-1, anything.
    Bytes,
    /// UTF-16, low byte first.
    LowFirst,
    /// UTF-16, high byte first.
    HighFirst,
}

impl Form {
    /// Recognises UTF-16 by its mark, or by a zero in every second byte of what looks like text.
    pub fn of(text: &[u8]) -> Self {
        match text {
            [0xff, 0xfe, ..] => return Self::LowFirst,
            [0xfe, 0xff, ..] => return Self::HighFirst,
            [] | [_] => return Self::Bytes,
            _ => {}
        }
        let head = &text[..text.len().min(512) & !1];
        if memchr::memchr(0, head).is_none() {
            return Self::Bytes;
        }
        let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
        let (even, odd) = (zeros(0), zeros(1));
        let mostly = |count: usize| count * 8 >= head.len() * 3;
        match (mostly(even), mostly(odd)) {
            (false, true) if even == 0 => Self::LowFirst,
            (true, false) if odd == 0 => Self::HighFirst,
            _ => Self::Bytes,
        }
    }

    /// How many bytes a unit has.
    pub fn width(self) -> usize {
        if self == Self::Bytes { 1 } else { 2 }
    }

    /// One byte a unit: of UTF-16, the character when it is ASCII and 0xff otherwise. So a place in
    /// this view is a place in the text.
    pub fn view(self, text: &[u8]) -> Cow<'_, [u8]> {
        let narrow = |low: u8, high: u8| if high == 0 && low < 0x80 { low } else { 0xff };
        let pairs = text.chunks_exact(2);
        match self {
            Self::Bytes => Cow::Borrowed(text),
            Self::LowFirst => pairs.map(|pair| narrow(pair[0], pair[1])).collect(),
            Self::HighFirst => pairs.map(|pair| narrow(pair[1], pair[0])).collect(),
        }
    }

    /// Writes ASCII in this form.
    pub fn put(self, out: &mut Vec<u8>, ascii: impl Iterator<Item = u8>) {
        match self {
            Self::Bytes => out.extend(ascii),
            Self::LowFirst => out.extend(ascii.flat_map(|byte| [byte, 0])),
            Self::HighFirst => out.extend(ascii.flat_map(|byte| [0, byte])),
        }
    }
}
