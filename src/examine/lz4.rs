//! LZ4, frame by frame: a cut between frames, metadata frames and what follows the end are told
//! apart, and it is known whether the content has a checksum at all (`pg_dump` writes none).

use std::io::{self, Read};

use lz4_flex::frame::FrameDecoder;

use super::context::Context;
use super::facts::{Lz4, Lz4Damage as Damage};
use super::outlet::Outlet;
use super::stream::Stream;

/// The frames that programs write today.
pub(super) const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// The frames of old programs, which have no end mark.
pub(super) const LEGACY: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];
/// In the byte after the magic: a checksum of each block, of the content.
const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_CHECKSUM: u8 = 0x04;

type Stop = super::context::Stop<Damage>;

/// Whether the frame that begins with these five bytes has a checksum of its content or its blocks.
pub(super) fn has_checksum(head: &[u8]) -> bool {
    head.get(4).is_some_and(|flags| flags & (BLOCK_CHECKSUM | CONTENT_CHECKSUM) != 0)
}

/// A stream as a reader; notes when it had no more to give.
struct Input<'a, 'b> {
    stream: &'a mut Stream<'b>,
    starved: bool,
}

impl Read for Input<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.stream.take(room.len()) else {
            self.starved = true;
            return Ok(0);
        };
        room[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

/// Decodes a stream that begins like LZ4 into `outlet`.
pub(super) fn decode(context: &Context<'_, '_>, stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>) -> Lz4 {
    let mut lz4 = Lz4::default();
    let result = frames(stream, outlet, &mut lz4);
    lz4.valid = result.is_ok();
    lz4.damage = match result {
        Err(Stop::Damage(Damage::Truncated)) if context.cut_short() => None,
        Err(Stop::Damage(damage)) => Some(damage),
        Err(Stop::Limit) | Ok(()) => None,
    };
    lz4
}

fn frames(stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>, lz4: &mut Lz4) -> Result<(), Stop> {
    loop {
        let head = stream.peek(5);
        let checksum = has_checksum(head);
        match *head {
            [] => return Ok(()),
            [a, b, c, d, _] if [a, b, c, d] == MAGIC => {
                frame(stream, outlet)?;
                lz4.frames += 1;
                lz4.frames_with_checksum += u64::from(checksum);
            }
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                stream.skip_metadata_frame().ok_or(Damage::Truncated)?;
                lz4.skippable_frames += 1;
            }
            [a, b, c, d, ..] if [a, b, c, d] == LEGACY => return Err(Damage::Legacy.into()),
            ref head if head.len() < 5 && MAGIC.starts_with(&head[..head.len().min(4)]) => {
                return Err(Damage::Truncated.into());
            }
            _ => {
                lz4.trailing_bytes = stream.drain();
                return Err(Damage::TrailingGarbage.into());
            }
        }
    }
}

/// Decodes one frame to its end mark. The decoder reads no byte after it.
fn frame(stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
    let mut decoder = FrameDecoder::new(Input { stream, starved: false });
    loop {
        let room = outlet.room().ok_or(Stop::Limit)?;
        match decoder.read(room) {
            // A frame ends with its end mark; without it the decoder asked for more than there is.
            Ok(0) if decoder.get_ref().starved => return Err(Damage::Truncated.into()),
            Ok(0) => return Ok(()),
            Ok(count) => outlet.wrote(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if decoder.get_ref().starved => return Err(Damage::Truncated.into()),
            Err(error) => return Err(name(&error).into()),
        }
    }
}

/// The kind of an error of the library.
fn name(error: &io::Error) -> Damage {
    use lz4_flex::frame::Error;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::HeaderChecksumError | Error::BlockChecksumError | Error::ContentChecksumError) => {
            Damage::WrongChecksum
        }
        Some(Error::DictionaryNotSupported) => Damage::DictionaryNeeded,
        _ => Damage::BadData,
    }
}
