//! One compressed stream inside an archive: chunks go in, shared buffers come out.

use ::zstd::stream::raw::Decoder;

use super::counter::Counter;
use super::toc::Compression;
use crate::examine::block::{Piece, Pool};
use crate::examine::context::Context;
use crate::examine::inflate::{Engine, Inflate as _, Wrapper};
use crate::examine::zstd::{has_checksum, step};

/// Chunks of an archive are 4 KiB; decoders are faster with more at a time.
const GATHERED: usize = 128 * 1024;
/// Bytes that show whether a frame has a checksum.
const FRAME_HEAD: usize = 5;
const OUTPUT: usize = 512 * 1024;

/// Why a block is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    BadData,
    Limit,
}

/// Memory that all blocks of an archive use one after the other, and where their bytes go.
pub(super) struct Output<'a, 's, 'e> {
    context: &'a Context<'s, 'e>,
    counter: Counter<'s>,
    pool: Pool,
    input: Vec<u8>,
    buffer: Vec<u8>,
    filled: usize,
    /// Bytes that came out of all blocks.
    pub(super) bytes: u64,
}

impl<'a, 's, 'e> Output<'a, 's, 'e> {
    pub(super) fn new(context: &'a Context<'s, 'e>) -> Self {
        let mut pool = Pool::new(OUTPUT);
        Output {
            context,
            counter: Counter::start(context),
            buffer: pool.take(),
            pool,
            input: Vec::with_capacity(GATHERED),
            filled: 0,
            bytes: 0,
        }
    }

    /// Who counts.
    pub(super) fn counter(&self) -> &Counter<'s> {
        &self.counter
    }

    /// Ends the output: the counter may be asked for its result.
    pub(super) fn into_counter(self) -> Counter<'s> {
        self.counter
    }

    fn pass_on(&mut self, piece: Piece) -> Result<(), Fault> {
        let len = piece.len() as u64;
        self.bytes += len;
        self.counter.bytes(piece);
        if self.context.may_expand(len) { Ok(()) } else { Err(Fault::Limit) }
    }

    /// Room for decoded bytes, never empty.
    pub(super) fn room(&mut self) -> Result<&mut [u8], Fault> {
        if self.filled == self.buffer.len() {
            self.flush()?;
        }
        Ok(&mut self.buffer[self.filled..])
    }

    /// The first `count` bytes of the room were written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.filled = self.buffer.len().min(self.filled + count);
    }

    /// Hands on what was written.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        if self.filled == 0 {
            return Ok(());
        }
        let next = self.pool.take();
        let full = std::mem::replace(&mut self.buffer, next);
        let piece = self.pool.share(full, self.filled);
        self.filled = 0;
        self.pass_on(piece)
    }
}

enum Codec {
    None,
    Gzip(Engine),
    Zstd(Decoder<'static>),
}

/// The decoder of one stream.
pub(super) struct Unpack {
    codec: Codec,
    started: bool,
    ended: bool,
    /// The first bytes, until it is known whether a checksum comes with them.
    head: Vec<u8>,
}

impl Unpack {
    /// A decoder, or `None` when this compression cannot be opened.
    pub(super) fn new(compression: Compression) -> Option<Unpack> {
        let codec = match compression {
            Compression::None => Codec::None,
            Compression::Gzip => Codec::Gzip(Engine::new(Wrapper::Zlib)),
            Compression::Zstd => Codec::Zstd(Decoder::new().ok()?),
            Compression::Lz4 | Compression::Unknown => return None,
        };
        Some(Unpack { codec, started: false, ended: false, head: Vec::new() })
    }

    /// Adds compressed bytes.
    pub(super) fn feed(&mut self, piece: Piece, output: &mut Output<'_, '_, '_>) -> Result<(), Fault> {
        self.started = true;
        let missing = FRAME_HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&piece[..missing.min(piece.len())]);
        if matches!(self.codec, Codec::None) {
            return output.pass_on(piece);
        }
        let mut bytes: &[u8] = &piece;
        while !bytes.is_empty() {
            let room = GATHERED - output.input.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            output.input.extend_from_slice(now);
            bytes = later;
            if output.input.len() == GATHERED {
                self.decode(output)?;
            }
        }
        Ok(())
    }

    /// No more bytes follow. A stream that never began is an empty one.
    pub(super) fn finish(&mut self, output: &mut Output<'_, '_, '_>) -> Result<(), Fault> {
        if !self.started || matches!(self.codec, Codec::None) {
            return Ok(());
        }
        self.decode(output)?;
        output.flush()?;
        if self.ended { Ok(()) } else { Err(Fault::BadData) }
    }

    /// Whether the stream has a checksum of its content; an empty one needs none.
    pub(super) fn has_checksum(&self) -> bool {
        match self.codec {
            Codec::None => !self.started,
            Codec::Gzip(_) => true,
            Codec::Zstd(_) => !self.started || has_checksum(&self.head),
        }
    }

    /// Decodes what was gathered.
    fn decode(&mut self, output: &mut Output<'_, '_, '_>) -> Result<(), Fault> {
        let input = std::mem::take(&mut output.input);
        let result = self.decode_from(&input, output);
        output.input = input;
        output.input.clear();
        if result == Err(Fault::BadData) {
            output.flush()?;
        }
        result
    }

    fn decode_from(&mut self, input: &[u8], output: &mut Output<'_, '_, '_>) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            let stalled = if self.ended {
                // Nothing may follow the end of the stream.
                true
            } else {
                if output.filled == output.buffer.len() {
                    output.flush()?;
                }
                let (consumed, produced) = self.step(&input[at..], &mut output.buffer[output.filled..])?;
                at += consumed;
                output.filled += produced;
                consumed == 0 && produced == 0
            };
            if stalled {
                return if at == input.len() { Ok(()) } else { Err(Fault::BadData) };
            }
        }
    }

    fn step(&mut self, input: &[u8], room: &mut [u8]) -> Result<(usize, usize), Fault> {
        match &mut self.codec {
            Codec::None => Ok((0, 0)),
            Codec::Gzip(engine) => {
                let step = engine.step(input, room).map_err(|_| Fault::BadData)?;
                self.ended = step.finished;
                Ok((step.consumed, step.produced))
            }
            Codec::Zstd(decoder) => {
                let step = step(decoder, input, room);
                self.ended = step.result.map_err(|_| Fault::BadData)?;
                Ok((step.consumed, step.produced))
            }
        }
    }
}
