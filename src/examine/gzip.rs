//! gzip, member by member, with every way in which it can be broken told apart.
//!
//! The frame is read here and only the deflate data by the inflater: so an empty member, padding,
//! garbage behind the end, a cut header and a cut trailer each have a name.

use flate2::Crc;

use super::block::Piece;
use super::context::Context;
use super::facts::{Gzip, GzipDamage as Damage};
use super::inflate::{Engine, Inflate as _, Wrapper};
use super::outlet::Outlet;
use super::stream::Stream;

const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;
/// Of a file name in a header this much is kept.
const NAME_KEPT: usize = 512;

type Stop = super::context::Stop<Damage>;

/// Decodes a stream that begins like gzip into `outlet`.
pub(super) fn decode(context: &Context<'_, '_>, stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>) -> Gzip {
    let mut gzip = Gzip::default();
    let stop = loop {
        match stream.peek(2) {
            [] => break None,
            [0x1f] | [0x1f, 0x8b] => {}
            _ => break trailing(stream, &mut gzip),
        }
        if let Err(stop) = member(stream, outlet, &mut gzip) {
            gzip.damaged_member = Some(gzip.members + 1);
            break Some(stop);
        }
    };
    gzip.valid = stop.is_none();
    gzip.damage = match stop {
        Some(Stop::Damage(damage)) if !(is_about_the_end(damage) && context.cut_short()) => Some(damage),
        _ => None,
    };
    if gzip.damage.is_none_or(|damage| damage == Damage::TrailingGarbage) {
        gzip.damaged_member = None;
    }
    gzip
}

/// When reading was stopped on purpose, these prove nothing.
fn is_about_the_end(damage: Damage) -> bool {
    matches!(damage, Damage::TruncatedHeader | Damage::TruncatedBody | Damage::TruncatedTrailer)
}

/// Whatever follows the last member: padding or garbage.
fn trailing(stream: &mut Stream<'_>, gzip: &mut Gzip) -> Option<Stop> {
    let (mut bytes, mut only_zeros) = (0, true);
    while let Some(piece) = stream.next() {
        bytes += piece.len() as u64;
        only_zeros = only_zeros && piece.iter().all(|&byte| byte == 0);
    }
    if only_zeros {
        gzip.trailing_zeros = bytes;
        None
    } else {
        gzip.trailing_bytes = bytes;
        Some(Damage::TrailingGarbage.into())
    }
}

fn member(stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>, gzip: &mut Gzip) -> Result<(), Stop> {
    header(stream, gzip)?;
    let mut engine = Engine::new(Wrapper::Raw);
    let produced = body(stream, outlet, &mut engine)?;
    let trailer = stream.exactly(8);
    let [a, b, c, d, e, f, g, h] = *trailer.as_slice() else {
        return Err(Damage::TruncatedTrailer.into());
    };
    if u32::from_le_bytes([a, b, c, d]) != engine.crc() {
        return Err(Damage::WrongCrc.into());
    }
    let isize = u32::from_le_bytes([e, f, g, h]);
    // The field holds the length modulo 2^32: the cast is the definition.
    #[allow(clippy::cast_possible_truncation)]
    if isize != produced as u32 {
        return Err(Damage::WrongIsize.into());
    }
    gzip.members += 1;
    gzip.empty_members += u64::from(produced == 0);
    gzip.last_isize = Some(isize);
    Ok(())
}

/// Reads a member's header, its optional fields and its checksum.
fn header(stream: &mut Stream<'_>, gzip: &mut Gzip) -> Result<(), Damage> {
    let mut crc = Crc::new();
    let fixed = stream.exactly(10);
    crc.update(&fixed);
    let [_, _, method, flags, mtime @ .., _, _] = fixed.as_slice() else {
        return Err(Damage::TruncatedHeader);
    };
    let Ok(mtime) = <[u8; 4]>::try_from(mtime) else {
        return Err(Damage::TruncatedHeader);
    };
    if *method != 8 || flags & RESERVED != 0 {
        return Err(Damage::BadHeader);
    }
    if flags & EXTRA != 0 {
        extra(stream, &mut crc)?;
    }
    let name = (flags & NAME != 0).then(|| text(stream, &mut crc)).transpose()?;
    if flags & COMMENT != 0 {
        text(stream, &mut crc)?;
    }
    if flags & HEADER_CRC != 0 {
        header_crc(stream, &crc)?;
    }
    if gzip.members == 0 {
        gzip.name = name.map(|name| String::from_utf8_lossy(&name).into_owned());
        gzip.mtime = Some(u32::from_le_bytes(mtime)).filter(|&seconds| seconds != 0);
    }
    Ok(())
}

fn extra(stream: &mut Stream<'_>, crc: &mut Crc) -> Result<(), Damage> {
    let length = stream.exactly(2);
    crc.update(&length);
    let [low, high] = *length.as_slice() else {
        return Err(Damage::TruncatedHeader);
    };
    let wanted = usize::from(u16::from_le_bytes([low, high]));
    let field = stream.exactly(wanted);
    crc.update(&field);
    if field.len() < wanted { Err(Damage::TruncatedHeader) } else { Ok(()) }
}

/// A field that ends with a zero byte; what is longer than anyone's file name is read and not kept.
fn text(stream: &mut Stream<'_>, crc: &mut Crc) -> Result<Vec<u8>, Damage> {
    let mut kept = Vec::new();
    loop {
        let Some(mut piece) = stream.next() else {
            return Err(Damage::TruncatedHeader);
        };
        let end = memchr::memchr(0, &piece);
        let field = piece.split_to(end.map_or(usize::MAX, |at| at + 1));
        crc.update(&field);
        stream.put_back(piece);
        let room = NAME_KEPT - kept.len();
        let bytes = &field[..field.len() - usize::from(end.is_some())];
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if end.is_some() {
            return Ok(kept);
        }
    }
}

fn header_crc(stream: &mut Stream<'_>, crc: &Crc) -> Result<(), Damage> {
    let stated = stream.exactly(2);
    let [low, high] = *stated.as_slice() else {
        return Err(Damage::TruncatedHeader);
    };
    if u32::from(u16::from_le_bytes([low, high])) == crc.sum() & 0xffff { Ok(()) } else { Err(Damage::BadHeader) }
}

/// Inflates one member; the number of its bytes. What lies behind it is put back.
fn body(stream: &mut Stream<'_>, outlet: &mut Outlet<'_, '_>, engine: &mut Engine) -> Result<u64, Stop> {
    let mut input = Piece::own(Vec::new());
    let mut at_end = false;
    let mut total = 0;
    loop {
        if input.is_empty() && !at_end {
            match stream.next() {
                Some(piece) => input = piece,
                None => at_end = true,
            }
        }
        let room = outlet.room().ok_or(Stop::Limit)?;
        let step = match engine.step(&input, room) {
            Ok(step) => step,
            Err(bad) => {
                outlet.wrote(bad.produced);
                return Err(Damage::BadData.into());
            }
        };
        outlet.wrote(step.produced);
        total += step.produced as u64;
        input.split_to(step.consumed);
        if step.finished {
            stream.put_back(input);
            stream.put_back(Piece::own(engine.unused()));
            return Ok(total);
        }
        if step.consumed == 0 && step.produced == 0 {
            // The end of the input, or an inflater that would spin for ever.
            let damage = if at_end { Damage::TruncatedBody } else { Damage::BadData };
            return Err(damage.into());
        }
    }
}
