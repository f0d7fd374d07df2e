//! The primitive fields of a PostgreSQL archive: bytes, signed integers, strings and offsets whose
//! widths the header states.

use flate2::Crc;
use memchr::memchr;

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

/// Where the data of an entry is, as its entry states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataAt {
    /// The entry has no data.
    Nowhere,
    /// The entry has data; the writer could not seek back to state its place.
    Somewhere,
    /// The offset of the data block from the beginning of the archive.
    Offset(u64),
}

/// Reads fields one after the other.
pub(super) struct Fields<'a, 'b> {
    pub(super) stream: &'a mut Stream<'b>,
    /// Archive version, such as (1, 14).
    pub(super) version: (u8, u8),
    pub(super) int_size: usize,
    pub(super) offset_size: usize,
    pub(super) format: Format,
    /// A checksum of what is read, offsets left out, while one is wanted.
    pub(super) sum: Option<Crc>,
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
        self.add_to_sum(&bytes);
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
        self.add_to_sum(&kept);
        let mut has_nul = memchr(0, &kept).is_some();
        while left > 0 {
            let piece = self.chunk(left)?;
            self.add_to_sum(&piece);
            has_nul |= memchr(0, &piece).is_some();
            left -= piece.len();
        }
        if has_nul {
            // Texts of a catalogue have no NUL bytes, and pg_restore would read the text up to the first one.
            return Err(Trouble::Invalid);
        }
        Ok(Some(String::from_utf8_lossy(&kept).into_owned()))
    }

    /// Some of the next bytes, at most `max`, at least one.
    pub(super) fn chunk(&mut self, max: usize) -> Result<Piece, Trouble> {
        self.stream.take(max).ok_or(Trouble::Short)
    }

    /// Where the data of an entry is.
    pub(super) fn data_at(&mut self) -> Result<DataAt, Trouble> {
        let flag = self.byte()?;
        let bytes = self.stream.exactly(self.offset_size);
        if bytes.len() < self.offset_size {
            return Err(Trouble::Short);
        }
        match flag {
            1 => Ok(DataAt::Somewhere),
            2 => Ok(DataAt::Offset(bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte)))),
            3 => Ok(DataAt::Nowhere),
            _ => Err(Trouble::Invalid),
        }
    }

    fn add_to_sum(&mut self, bytes: &[u8]) {
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
    }

    /// Whether the archive is of this minor version or later.
    pub(super) fn since(&self, minor: u8) -> bool {
        self.version >= (1, minor)
    }
}
