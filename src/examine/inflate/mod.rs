//! The two inflaters behind one small trait: zlib-rs, which needs nothing but Rust, and ISA-L
//! (feature `isal`), which is faster and needs nasm and autotools to build.
//!
//! Neither is ever reset: a new object is made for each stream, because a reset zlib-rs inflater
//! falls back to its default configuration.

#[cfg(feature = "isal")]
#[path = "isal.rs"]
mod engine;
#[cfg(not(feature = "isal"))]
#[path = "zlib_rs.rs"]
mod engine;

pub(super) use engine::Engine;

/// What surrounds the compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// Nothing; the CRC-32 of the output is computed. For gzip, whose frame is read elsewhere.
    Raw,
    /// A zlib header, and an Adler-32 that is checked.
    Zlib,
}

/// What one step did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes of input that were used.
    pub(super) consumed: usize,
    /// Bytes of output that were written.
    pub(super) produced: usize,
    /// The end of the stream was reached and everything was written.
    pub(super) finished: bool,
}

/// The data cannot be decoded, or disagrees with its checksum. What had been written before stays
/// valid: `produced` bytes of the output.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct BadData {
    /// Bytes of output that were written before.
    pub(super) produced: usize,
}

/// Decodes one deflate stream.
pub(super) trait Inflate: Sized {
    /// A decoder for one stream.
    fn new(wrapper: Wrapper) -> Self;

    /// Decodes as much as fits. A step that consumes and produces nothing, given input and room,
    /// is bad data.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BadData>;

    /// The CRC-32 of all output; only with [`Wrapper::Raw`].
    fn crc(&self) -> u32;

    /// After the end: bytes that were consumed and lie behind the end of the stream.
    fn unused(&self) -> Vec<u8>;
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn deflate(payload: &[u8], wrapper: Wrapper) -> Vec<u8> {
        let level = flate2::Compression::default();
        match wrapper {
            Wrapper::Raw => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(payload).unwrap();
                encoder.finish().unwrap()
            }
            Wrapper::Zlib => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(payload).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    /// Decodes in steps of the given sizes; the output and what follows the stream.
    fn inflate(input: &[u8], wrapper: Wrapper, portion: usize, room: usize) -> (Vec<u8>, Vec<u8>) {
        let mut engine = Engine::new(wrapper);
        let (mut payload, mut at) = (Vec::new(), 0);
        let mut output = vec![0; room];
        loop {
            let end = input.len().min(at + portion);
            let step = engine.step(&input[at..end], &mut output).unwrap();
            at += step.consumed;
            payload.extend_from_slice(&output[..step.produced]);
            if step.finished {
                let mut rest = engine.unused();
                rest.extend_from_slice(&input[at..]);
                return (payload, rest);
            }
            assert!(step.consumed + step.produced > 0, "it moves on");
        }
    }

    #[test]
    fn any_portions_give_the_same_output_and_the_bytes_behind_the_end() {
        let payload: Vec<u8> = (0..40_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        for wrapper in [Wrapper::Raw, Wrapper::Zlib] {
            let mut input = deflate(&payload, wrapper);
            input.extend_from_slice(b"behind the end");
            for (portion, room) in [(1, 1000), (7, 33), (100, 1), (1 << 20, 1 << 20), (4096, 512)] {
                let (output, rest) = inflate(&input, wrapper, portion, room);
                assert!(output == payload, "{wrapper:?} {portion} {room}");
                assert_eq!(rest, b"behind the end", "{wrapper:?} {portion} {room}");
            }
        }
    }

    #[test]
    fn a_wrong_adler_is_bad_data() {
        let mut input = deflate(b"some payload", Wrapper::Zlib);
        *input.last_mut().unwrap() ^= 1;
        let mut engine = Engine::new(Wrapper::Zlib);
        let mut output = [0; 64];
        let mut result = engine.step(&input, &mut output);
        if let Ok(step) = result {
            result = engine.step(&input[step.consumed..], &mut output[step.produced..]);
        }
        assert!(result.is_err());
    }
}
