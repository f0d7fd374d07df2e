//! zstd, frame by frame: so a cut between frames, metadata frames and garbage behind the end can be
//! told apart, and it is known whether the content carried a checksum at all.

use ::zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

use super::block::Piece;
use super::context::Context;
use super::facts::{Zstd, ZstdDamage as Damage};
use super::outlet::Outlet;
use super::stream::Stream;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// In the byte behind the magic: a checksum of the content follows it.
const CHECKSUM: u8 = 4;

type Stop = super::context::Stop<Damage>;

/// Whether the frame that begins with these five bytes has a checksum of its content.
pub(super) fn has_checksum(head: &[u8]) -> bool {
    head.get(4).is_some_and(|flags| flags & CHECKSUM != 0)
}

/// Decodes a stream that begins like zstd into `outlet`.
pub(super) fn decode(context: &Context<'_, '_>, stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>) -> Zstd {
    let mut zstd = Zstd::default();
    let result = frames(context, stream, outlet, &mut zstd);
    zstd.valid = result.is_ok();
    zstd.damage = match result {
        Err(Stop::Damage(Damage::Truncated)) if context.cut_short() => None,
        Err(Stop::Damage(damage)) => Some(damage),
        Err(Stop::Limit) | Ok(()) => None,
    };
    zstd
}

fn frames(
    context: &Context<'_, '_>,
    stream: &mut Stream<'_>,
    outlet: &mut Outlet<'_, '_>,
    zstd: &mut Zstd,
) -> Result<(), Stop> {
    let mut decoder = match Decoder::new() {
        Ok(decoder) => decoder,
        Err(error) => {
            context.fail(error.to_string());
            return Err(Stop::Limit);
        }
    };
    loop {
        match *stream.peek(5) {
            [] => return Ok(()),
            [a, b, c, d, flags] if [a, b, c, d] == MAGIC => {
                decoder.reinit().map_err(|_| Damage::BadData)?;
                frame(stream, outlet, &mut decoder)?;
                zstd.frames += 1;
                zstd.frames_with_checksum += u64::from(flags & CHECKSUM != 0);
            }
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                stream.skip_metadata_frame().ok_or(Damage::Truncated)?;
                zstd.skippable_frames += 1;
            }
            ref head if head.len() < 5 && MAGIC.starts_with(&head[..head.len().min(4)]) => {
                return Err(Damage::Truncated.into());
            }
            _ => {
                zstd.trailing_bytes = stream.drain();
                return Err(Damage::TrailingGarbage.into());
            }
        }
    }
}

fn frame(stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>, decoder: &mut Decoder<'_>) -> Result<(), Stop> {
    let mut input = Piece::own(Vec::new());
    let mut at_end = false;
    loop {
        if input.is_empty() && !at_end {
            match stream.next() {
                Some(piece) => input = piece,
                None => at_end = true,
            }
        }
        let room = outlet.room().ok_or(Stop::Limit)?;
        let step = step(decoder, &input, room);
        outlet.wrote(step.produced);
        input.split_to(step.consumed);
        match step.result {
            Err(damage) => return Err(damage.into()),
            Ok(true) => {
                stream.put_back(input);
                return Ok(());
            }
            Ok(false) if step.consumed == 0 && step.produced == 0 => {
                return Err(if at_end { Damage::Truncated } else { Damage::BadData }.into());
            }
            Ok(false) => {}
        }
    }
}

/// What one call of the decoder did.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// Whether the frame ended.
    pub(super) result: Result<bool, Damage>,
}

/// Decodes as much as fits.
pub(super) fn step(decoder: &mut Decoder<'_>, input: &[u8], room: &mut [u8]) -> Step {
    let mut source = InBuffer::around(input);
    let mut target = OutBuffer::around(room);
    let result = decoder.run(&mut source, &mut target);
    Step {
        consumed: source.pos(),
        produced: target.pos(),
        result: result.map(|hint| hint == 0).map_err(|error| name(&error)),
    }
}

/// The library tells its errors apart by their words only.
fn name(error: &std::io::Error) -> Damage {
    let words = error.to_string();
    if words.contains("checksum") {
        Damage::WrongChecksum
    } else if words.contains("too much memory") {
        Damage::WindowTooLarge
    } else {
        Damage::BadData
    }
}
