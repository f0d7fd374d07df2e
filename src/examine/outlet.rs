//! Where a decoder's output goes: to the next layer, which runs in a thread of its own so that
//! decoding and reading overlap. A payload of one buffer is not worth a thread and is read in place.

use std::sync::mpsc::{Sender, channel};
use std::thread::ScopedJoinHandle;

use super::block::{Piece, Pool};
use super::context::Context;
use super::facts::Examination;
use super::node::{self, Place};
use super::stream::Stream;

/// Large enough that threads seldom meet, small enough that six of them stay in the cache.
const BUFFER: usize = 512 * 1024;

/// A decoder's output buffer and the layer that reads it.
pub(super) struct Outlet<'s, 'e> {
    context: Context<'s, 'e>,
    place: Place,
    pool: Pool,
    buffer: Vec<u8>,
    filled: usize,
    first: Option<Piece>,
    reader: Option<(Sender<Piece>, ScopedJoinHandle<'s, Examination>)>,
}

impl<'s, 'e> Outlet<'s, 'e> {
    /// An outlet to a layer at `place`.
    pub(super) fn new(context: &Context<'s, 'e>, place: Place) -> Outlet<'s, 'e> {
        let mut pool = Pool::new(BUFFER);
        Outlet { context: context.clone(), place, buffer: pool.take(), pool, filled: 0, first: None, reader: None }
    }

    /// Room for output, never empty; `None` when a limit says that decoding has to stop.
    pub(super) fn room(&mut self) -> Option<&mut [u8]> {
        if self.filled == self.buffer.len() && !self.flush() {
            return None;
        }
        Some(&mut self.buffer[self.filled..])
    }

    /// The first `count` bytes of the room were written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.filled = self.buffer.len().min(self.filled + count);
    }

    fn flush(&mut self) -> bool {
        if self.filled == 0 {
            return true;
        }
        let go_on = self.context.may_expand(self.filled as u64);
        let next = self.pool.take();
        let full = std::mem::replace(&mut self.buffer, next);
        let piece = self.pool.share(full, self.filled);
        self.filled = 0;
        match (&self.reader, self.first.take()) {
            (None, None) => self.first = Some(piece),
            (None, Some(first)) => {
                self.start_reader();
                self.send(first);
                self.send(piece);
            }
            (Some(_), _) => self.send(piece),
        }
        go_on
    }

    fn start_reader(&mut self) {
        let (sender, receiver) = channel();
        let (context, place) = (self.context.clone(), self.place);
        let spawned = std::thread::Builder::new().name("payload".into()).spawn_scoped(self.context.scope, move || {
            let stream = Stream::new(receiver, context.payload_digest());
            node::examine(&context, stream, place)
        });
        match spawned {
            Ok(handle) => self.reader = Some((sender, handle)),
            Err(error) => self.context.fail(error.to_string()),
        }
    }

    fn send(&self, piece: Piece) {
        if let Some((sender, _)) = &self.reader {
            // A reader that is gone shows when it is joined.
            let _ = sender.send(piece);
        }
    }

    /// Hands over the rest and waits for what the layer found.
    pub(super) fn finish(mut self) -> Examination {
        self.flush();
        match self.reader.take() {
            Some((sender, handle)) => {
                drop(sender);
                handle.join().unwrap_or_else(|_| {
                    self.context.fail("reading the payload ended badly".into());
                    node::nothing()
                })
            }
            None => {
                let stream = Stream::new(self.first.take(), self.context.payload_digest());
                node::examine(&self.context, stream, self.place)
            }
        }
    }
}
