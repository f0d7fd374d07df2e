//! LZ4 frames inside the chunks of an archive. The decoder asks for bytes, so the chunks are handed
//! to it as a reader.

use std::io::{self, Read};

use lz4_flex::frame::FrameDecoder;

use super::fields::{Fields, Trouble};
use super::unpack::{Fault, Output};
use crate::examine::lz4::has_checksum;

/// Why a stream of chunks could not be decoded.
pub(super) enum Failed {
    Trouble(Trouble),
    Fault(Fault),
}

/// The chunks of one stream as a reader.
struct Chunks<'a, 'f, 'g> {
    fields: &'a mut Fields<'f, 'g>,
    /// Bytes left in the current chunk.
    left: usize,
    /// The empty chunk at the end was read.
    ended: bool,
    /// Bytes were asked for after the end.
    starved: bool,
    trouble: Option<Trouble>,
}

impl Chunks<'_, '_, '_> {
    /// Goes to the next chunk when the current one is used up; false at the end.
    fn more(&mut self) -> Result<bool, Trouble> {
        if self.left == 0 && !self.ended {
            let length = self.fields.int()?;
            self.left = usize::try_from(length).map_err(|_| Trouble::Invalid)?;
            self.ended = self.left == 0;
        }
        Ok(!self.ended)
    }

    fn take(&mut self, max: usize) -> Result<Option<crate::examine::block::Piece>, Trouble> {
        if !self.more()? {
            return Ok(None);
        }
        let piece = self.fields.chunk(self.left.min(max))?;
        self.left -= piece.len();
        Ok(Some(piece))
    }
}

impl Read for Chunks<'_, '_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.take(room.len()) {
            Ok(Some(piece)) => {
                room[..piece.len()].copy_from_slice(&piece);
                Ok(piece.len())
            }
            Ok(None) => {
                self.starved = true;
                Ok(0)
            }
            Err(trouble) => {
                self.trouble = Some(trouble);
                Err(io::Error::other("the chunks end"))
            }
        }
    }
}

/// Decodes one stream to the end of its chunks; whether it has a checksum of its content. A stream
/// without a byte is an empty one and needs none.
pub(super) fn decode(fields: &mut Fields<'_, '_>, output: &mut Output<'_, '_, '_>) -> Result<bool, Failed> {
    let mut chunks = Chunks { fields, left: 0, ended: false, starved: false, trouble: None };
    if !chunks.more().map_err(Failed::Trouble)? {
        return Ok(true);
    }
    let checksum = has_checksum(chunks.fields.stream.peek(5));
    let mut decoder = FrameDecoder::new(chunks);
    let result = decoder_output(&mut decoder, output);
    let chunks = decoder.get_mut();
    if let Some(trouble) = chunks.trouble {
        return Err(Failed::Trouble(trouble));
    }
    result.map_err(Failed::Fault)?;
    // The frame must end with its end mark, and nothing may follow it.
    let whole = !chunks.starved && !chunks.more().map_err(Failed::Trouble)?;
    if whole { Ok(checksum) } else { Err(Failed::Fault(Fault::BadData)) }
}

fn decoder_output(
    decoder: &mut FrameDecoder<Chunks<'_, '_, '_>>,
    output: &mut Output<'_, '_, '_>,
) -> Result<(), Fault> {
    loop {
        match decoder.read(output.room()?) {
            Ok(0) => return output.flush(),
            Ok(count) => output.wrote(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                output.flush()?;
                return Err(Fault::BadData);
            }
        }
    }
}
