//! Headers of tar archives: checksums, long names, extensions, padding.

use ::tar::{EntryType, Header, PaxExtensions};

use crate::examine::facts::TarDamage as Damage;
use crate::examine::stream::Stream;

pub(super) const BLOCK: usize = 512;
/// Long names and extensions of a header are not larger than this.
const MOST_EXTENSION: u64 = 1024 * 1024;

/// Whether these bytes begin a tar archive: the checksum of a header agrees.
pub(in crate::examine) fn is_header(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| block[0] != 0 && header_of(block).is_some())
}

/// A header whose checksum agrees with its bytes.
pub(super) fn header_of(block: &[u8]) -> Option<&Header> {
    let array: &[u8; BLOCK] = block.try_into().ok()?;
    let header = Header::from_byte_slice(array);
    let sum: u32 =
        array.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u32::from(byte) }).sum();
    (header.cksum().ok()? == sum).then_some(header)
}

/// What the last extension headers say about the next entry.
#[derive(Default)]
pub(super) struct Extension {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

/// Reads a header that only says something about the next one; false for a real entry.
pub(super) fn extend(
    stream: &mut Stream<'_>,
    kind: EntryType,
    size: u64,
    next: &mut Extension,
) -> Result<bool, Damage> {
    let is_name = kind.is_gnu_longname();
    let is_pax = kind.is_pax_local_extensions();
    if !(is_name || is_pax || kind.is_gnu_longlink() || kind.is_pax_global_extensions()) {
        return Ok(false);
    }
    if size > MOST_EXTENSION {
        return Err(Damage::BadHeader);
    }
    let wanted = usize::try_from(size).map_err(|_| Damage::BadHeader)?;
    let mut data = stream.exactly(wanted);
    if data.len() < wanted {
        return Err(Damage::TruncatedHeader);
    }
    skip(stream, padded(size) - size)?;
    if is_name {
        data.truncate(data.iter().position(|&byte| byte == 0).unwrap_or(data.len()));
        next.name = Some(data);
    } else if is_pax {
        for field in PaxExtensions::new(&data).flatten() {
            match field.key_bytes() {
                b"path" => next.name = Some(field.value_bytes().to_vec()),
                b"size" => next.size = field.value().ok().and_then(|value| value.parse().ok()),
                _ => {}
            }
        }
    }
    Ok(true)
}

/// The map of a sparse file may go on in blocks of its own.
pub(super) fn skip_sparse_map(stream: &mut Stream<'_>, header: &[u8]) -> Result<(), Damage> {
    let mut more = header.get(482).is_some_and(|&flag| flag == 1);
    while more {
        let block = stream.exactly(BLOCK);
        if block.len() < BLOCK {
            return Err(Damage::TruncatedHeader);
        }
        more = block.get(504).is_some_and(|&flag| flag == 1);
    }
    Ok(())
}

pub(super) fn padded(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX)
}

pub(super) fn skip(stream: &mut Stream<'_>, mut count: u64) -> Result<(), Damage> {
    while count > 0 {
        let max = usize::try_from(count).unwrap_or(usize::MAX);
        let piece = stream.take(max).ok_or(Damage::TruncatedMember)?;
        count -= piece.len() as u64;
    }
    Ok(())
}
