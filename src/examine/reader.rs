//! The outermost source: the caller's reader, in large pieces, with progress and deadline. What is
//! longer than one piece is read by a thread of its own, so that the decoder never waits for it.

use std::io::{ErrorKind, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};

use super::ReadError;
use super::block::{Piece, Pool};
use super::context::Context;
use super::stream::Source;

/// Larger buffers are not faster, smaller ones are slower.
const BUFFER: usize = 256 * 1024;

/// Reads pieces until the end, an error or the deadline.
struct Reader<'s, 'e, R> {
    reader: R,
    pool: Pool,
    context: Context<'s, 'e>,
    progress: &'e (dyn Fn(u64) + Sync),
    trouble: &'e Mutex<Option<ReadError>>,
    offset: u64,
    ended: bool,
}

impl<R: Read> Reader<'_, '_, R> {
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
                    *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(ReadError::Io { offset, source });
                    self.ended = true;
                }
            }
        }
        filled
    }
}

impl<R: Read> Source for Reader<'_, '_, R> {
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

/// Reads the first piece here and the rest, if there is any, ahead.
pub(super) struct Ahead<'s, 'e, R> {
    near: Option<Reader<'s, 'e, R>>,
    begun: bool,
    far: Option<Receiver<Piece>>,
}

impl<'s, 'e, R: Read + Send + 's> Ahead<'s, 'e, R> {
    /// Reads from `reader`; an error goes to `trouble` and ends the stream.
    pub(super) fn new(
        reader: R,
        context: &Context<'s, 'e>,
        progress: &'e (dyn Fn(u64) + Sync),
        trouble: &'e Mutex<Option<ReadError>>,
    ) -> Self {
        let context = context.clone();
        let near = Reader { reader, pool: Pool::new(BUFFER), context, progress, trouble, offset: 0, ended: false };
        Ahead { near: Some(near), begun: false, far: None }
    }

    /// Hands the reader to a thread. The pool bounds how far ahead it gets.
    fn start(&mut self) {
        let Some(mut reader) = self.near.take() else { return };
        let context = reader.context.clone();
        let (sender, receiver) = channel();
        let work = move || {
            while let Some(piece) = reader.next() {
                if sender.send(piece).is_err() {
                    break;
                }
            }
        };
        match std::thread::Builder::new().name("reader".into()).spawn_scoped(context.scope, work) {
            Ok(_) => self.far = Some(receiver),
            Err(error) => context.fail(error.to_string()),
        }
    }
}

impl<'s, R: Read + Send + 's> Source for Ahead<'s, '_, R> {
    fn next(&mut self) -> Option<Piece> {
        let ended = self.near.as_ref().is_some_and(|near| near.ended);
        if std::mem::replace(&mut self.begun, true) && !ended {
            self.start();
        }
        match (&mut self.near, &mut self.far) {
            (Some(near), _) => near.next(),
            (None, Some(far)) => far.next(),
            (None, None) => None,
        }
    }
}
