//! The primitive fields of a PostgreSQL archive: bytes, signed integers, strings and offsets whose
//! widths the header states.

use super::Format;
use crate::examine::block::Piece;
use crate::examine::stream::Stream;

/// Why a field could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The input ends inside of it.
    Short,
    /// It cannot be what it says.
    Invalid,
}

/// Reads fields one after the other.
pub(super) struct Fields<'a, 'b> {
    pub(super) stream: &'a mut Stream<'b>,
    /// Archive version, such as (1, 14).
    pub(super) version: (u8, u8),
    pub(super) int_size: usize,
    pub(super) offset_size: usize,
    pub(super) format: Format,
}

impl Fields<'_, '_> {
    /// One byte, or `None` at the end of the input.
    pub(super) fn maybe_byte(&mut self) -> Option<u8> {
        self.stream.take(1).and_then(|piece| piece.first().copied())
    }

    pub(super) fn byte(&mut self) -> Result<u8, Trouble> {
        self.maybe_byte().ok_or(Trouble::Short)
    }

    /// A sign byte and the magnitude, least significant byte first.
    pub(super) fn int(&mut self) -> Result<i64, Trouble> {
        let bytes = self.stream.exactly(1 + self.int_size);
        let (Some(sign), true) = (bytes.first(), bytes.len() == 1 + self.int_size) else {
            return Err(Trouble::Short);
        };
        let magnitude = bytes[1..].iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let magnitude = i64::try_from(magnitude).map_err(|_| Trouble::Invalid)?;
        match sign {
            0 => Ok(magnitude),
            1 => Ok(-magnitude),
            _ => Err(Trouble::Invalid),
        }
    }

    /// A string, of which at most `keep` bytes are kept; `None` for the null string.
    pub(super) fn string(&mut self, keep: usize) -> Result<Option<String>, Trouble> {
        let length = self.int()?;
        if length < 0 {
            return Ok(None);
        }
        let mut left = usize::try_from(length).map_err(|_| Trouble::Invalid)?;
        let mut kept = self.stream.exactly(left.min(keep));
        if kept.len() < left.min(keep) {
            return Err(Trouble::Short);
        }
        left -= kept.len();
        kept.truncate(keep);
        while left > 0 {
            left -= self.chunk(left)?.len();
        }
        Ok(Some(String::from_utf8_lossy(&kept).into_owned()))
    }

    /// Some of the next bytes, at most `max`, at least one.
    pub(super) fn chunk(&mut self, max: usize) -> Result<Piece, Trouble> {
        self.stream.take(max).ok_or(Trouble::Short)
    }

    /// The flag of a data offset: whether the entry has data at all.
    pub(super) fn has_data(&mut self) -> Result<bool, Trouble> {
        let flag = self.byte()?;
        if self.stream.exactly(self.offset_size).len() < self.offset_size {
            return Err(Trouble::Short);
        }
        match flag {
            1 | 2 => Ok(true),
            3 => Ok(false),
            _ => Err(Trouble::Invalid),
        }
    }

    /// Whether the archive is of this minor version or later.
    pub(super) fn since(&self, minor: u8) -> bool {
        self.version >= (1, minor)
    }
}
