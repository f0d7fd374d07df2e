//! The outermost source: the caller's reader, in large pieces, with progress and deadline.

use std::io::{ErrorKind, Read};

use super::ReadError;
use super::block::{Piece, Pool};
use super::context::Context;
use super::stream::Source;

/// Larger buffers are not faster, smaller ones are slower.
const BUFFER: usize = 256 * 1024;

/// Reads pieces until the end, an error or the deadline.
pub(super) struct Reader<'a, 's, 'e, R> {
    reader: R,
    pool: Pool,
    context: &'a Context<'s, 'e>,
    progress: &'a (dyn Fn(u64) + Sync),
    trouble: &'a mut Option<ReadError>,
    offset: u64,
    ended: bool,
}

impl<'a, 's, 'e, R: Read> Reader<'a, 's, 'e, R> {
    /// Reads from `reader`; an error goes to `trouble` and ends the stream.
    pub(super) fn new(
        reader: R,
        context: &'a Context<'s, 'e>,
        progress: &'a (dyn Fn(u64) + Sync),
        trouble: &'a mut Option<ReadError>,
    ) -> Self {
        Reader { reader, pool: Pool::new(BUFFER), context, progress, trouble, offset: 0, ended: false }
    }

    /// Fills a buffer as far as the reader gives: pipes give little at a time, and whoever looks
    /// ahead must not use up the pool on crumbs.
    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < buffer.len() && !self.ended {
            if self.context.time_is_up() {
                self.ended = true;
                break;
            }
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    let offset = self.offset + filled as u64;
                    *self.trouble = Some(ReadError::Io { offset, source });
                    self.ended = true;
                }
            }
        }
        filled
    }
}

impl<R: Read> Source for Reader<'_, '_, '_, R> {
    fn next(&mut self) -> Option<Piece> {
        if self.ended {
            return None;
        }
        let mut buffer = self.pool.take();
        let filled = self.fill(&mut buffer);
        if filled == 0 {
            self.pool.put_back(buffer);
            return None;
        }
        self.offset += filled as u64;
        (self.progress)(self.offset);
        Some(self.pool.share(buffer, filled))
    }
}
