//! One compressed stream inside an archive: chunks go in, rows are counted on what comes out.

use ::zstd::stream::raw::Decoder;

use super::toc::Compression;
use crate::examine::context::Context;
use crate::examine::inflate::{Engine, Inflate as _, Wrapper};
use crate::examine::keep::Keeper;
use crate::examine::sql::{CopyRows, Lexer, Progress, Script};
use crate::examine::zstd::step;

/// Chunks of an archive are 4 KiB; decoders are faster with more at a time.
const GATHERED: usize = 128 * 1024;
const OUTPUT: usize = 256 * 1024;

/// Why a block is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    BadData,
    Limit,
}

/// Who reads the decompressed bytes.
pub(super) enum Reader {
    /// Rows of COPY; true behind their terminator.
    Copy(CopyRows, bool),
    /// INSERT statements.
    Statements(Box<Lexer>),
    /// A large object.
    Nobody,
}

impl Reader {
    pub(super) fn statements() -> Reader {
        Reader::Statements(Box::new(Lexer::new(Script::new(Keeper::new(1)))))
    }

    fn feed(&mut self, bytes: &[u8]) {
        match self {
            Reader::Copy(rows, ended) if !*ended => {
                *ended = matches!(rows.feed(bytes), Progress::Ended(_));
            }
            Reader::Statements(lexer) => lexer.feed(bytes),
            Reader::Copy(..) | Reader::Nobody => {}
        }
    }

    /// Rows, and whether they come to an end as they should.
    pub(super) fn finish(self) -> (u64, bool) {
        match self {
            Reader::Copy(rows, ended) => (rows.rows(), ended || rows.at_terminator()),
            Reader::Statements(lexer) => {
                let sql = lexer.finish().sql;
                (sql.rows.total, sql.ends_inside.is_none() && sql.inserts_uncounted == 0)
            }
            Reader::Nobody => (0, true),
        }
    }
}

enum Codec {
    None,
    Gzip(Engine),
    Zstd(Decoder<'static>),
}

/// The decoder of one stream.
pub(super) struct Unpack<'a, 's, 'e> {
    context: &'a Context<'s, 'e>,
    codec: Codec,
    buffers: &'a mut Buffers,
    started: bool,
    ended: bool,
    /// Bytes that came out.
    pub(super) bytes: u64,
}

/// Memory that all blocks of an archive use one after the other.
pub(super) struct Buffers {
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Buffers {
    pub(super) fn new() -> Buffers {
        Buffers { input: Vec::with_capacity(GATHERED), output: vec![0; OUTPUT] }
    }
}

impl<'a, 's, 'e> Unpack<'a, 's, 'e> {
    /// A decoder, or `None` when this compression cannot be opened.
    pub(super) fn new(
        context: &'a Context<'s, 'e>,
        compression: Compression,
        buffers: &'a mut Buffers,
    ) -> Option<Self> {
        let codec = match compression {
            Compression::None => Codec::None,
            Compression::Gzip => Codec::Gzip(Engine::new(Wrapper::Zlib)),
            Compression::Zstd => Codec::Zstd(Decoder::new().ok()?),
            Compression::Lz4 | Compression::Unknown => return None,
        };
        buffers.input.clear();
        Some(Unpack { context, codec, buffers, started: false, ended: false, bytes: 0 })
    }

    /// Adds compressed bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8], reader: &mut Reader) -> Result<(), Fault> {
        self.started = true;
        if matches!(self.codec, Codec::None) {
            return self.out(bytes, reader);
        }
        while !bytes.is_empty() {
            let room = GATHERED - self.buffers.input.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffers.input.extend_from_slice(now);
            bytes = later;
            if self.buffers.input.len() == GATHERED {
                self.decode(reader)?;
            }
        }
        Ok(())
    }

    /// No more bytes follow. A stream that never began is an empty one.
    pub(super) fn finish(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        if !self.started || matches!(self.codec, Codec::None) {
            return Ok(());
        }
        self.decode(reader)?;
        if self.ended { Ok(()) } else { Err(Fault::BadData) }
    }

    fn out(&mut self, bytes: &[u8], reader: &mut Reader) -> Result<(), Fault> {
        self.bytes += bytes.len() as u64;
        reader.feed(bytes);
        if self.context.may_expand(bytes.len() as u64) { Ok(()) } else { Err(Fault::Limit) }
    }

    /// Decodes what was gathered.
    fn decode(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        let input = std::mem::take(&mut self.buffers.input);
        let mut output = std::mem::take(&mut self.buffers.output);
        let result = self.decode_from(&input, &mut output, reader);
        self.buffers.output = output;
        self.buffers.input = input;
        self.buffers.input.clear();
        result
    }

    fn decode_from(&mut self, input: &[u8], output: &mut [u8], reader: &mut Reader) -> Result<(), Fault> {
        let mut at = 0;
        let mut filled = 0;
        loop {
            if self.ended {
                // Nothing may follow the end of the stream.
                self.out(&output[..filled], reader)?;
                return if at == input.len() { Ok(()) } else { Err(Fault::BadData) };
            }
            let (consumed, produced) = self.step(&input[at..], &mut output[filled..])?;
            at += consumed;
            filled += produced;
            if filled == output.len() {
                self.out(output, reader)?;
                filled = 0;
            } else if consumed == 0 && produced == 0 {
                self.out(&output[..filled], reader)?;
                return if at == input.len() { Ok(()) } else { Err(Fault::BadData) };
            }
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize), Fault> {
        match &mut self.codec {
            Codec::None => Ok((0, 0)),
            Codec::Gzip(engine) => {
                let step = engine.step(input, output).map_err(|_| Fault::BadData)?;
                self.ended = step.finished;
                Ok((step.consumed, step.produced))
            }
            Codec::Zstd(decoder) => {
                let step = step(decoder, input, output);
                self.ended = step.result.map_err(|_| Fault::BadData)?;
                Ok((step.consumed, step.produced))
            }
        }
    }
}
