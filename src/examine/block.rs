//! Buffers that go round: filled by one thread, read by several, back to their pool when the last
//! reader lets go. A pool makes a fixed number of them, so the slowest reader sets the pace and
//! memory stays constant however large the backup is.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// How many buffers a pool has: one being filled, one being read, the rest evens out the pace.
const BUFFERS: usize = 6;

/// The buffers of one producer.
pub(super) struct Pool {
    size: usize,
    made: usize,
    home: Sender<Vec<u8>>,
    back: Receiver<Vec<u8>>,
}

impl Pool {
    /// A pool of buffers of `size` bytes. Nothing is allocated yet.
    pub(super) fn new(size: usize) -> Pool {
        let (home, back) = channel();
        Pool { size, made: 0, home, back }
    }

    /// A buffer to fill; waits for one to come back when all are out.
    pub(super) fn take(&mut self) -> Vec<u8> {
        if let Ok(buffer) = self.back.try_recv() {
            return buffer;
        }
        if self.made < BUFFERS {
            self.made += 1;
            return vec![0; self.size];
        }
        // Cannot fail: this pool keeps a sender of its own.
        self.back.recv().unwrap_or_else(|_| vec![0; self.size])
    }

    /// The first `len` bytes of a filled buffer, to be shared.
    pub(super) fn share(&self, buffer: Vec<u8>, len: usize) -> Piece {
        Piece::new(buffer, len, Some(self.home.clone()))
    }

    /// Takes back a buffer that was not shared.
    pub(super) fn put_back(&self, buffer: Vec<u8>) {
        // The receiving end is in `self`.
        let _ = self.home.send(buffer);
    }
}

struct Shared {
    bytes: Vec<u8>,
    home: Option<Sender<Vec<u8>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            // When the pool is gone the buffer is simply freed.
            let _ = home.send(std::mem::take(&mut self.bytes));
        }
    }
}

/// A run of bytes inside a shared buffer; cloning it copies no bytes.
#[derive(Clone)]
pub(super) struct Piece {
    shared: Arc<Shared>,
    start: usize,
    end: usize,
}

impl Piece {
    fn new(bytes: Vec<u8>, len: usize, home: Option<Sender<Vec<u8>>>) -> Piece {
        let end = len.min(bytes.len());
        Piece { shared: Arc::new(Shared { bytes, home }), start: 0, end }
    }

    /// A piece of its own memory, for the few bytes that have to be put together.
    pub(super) fn own(bytes: Vec<u8>) -> Piece {
        let len = bytes.len();
        Piece::new(bytes, len, None)
    }

    /// Cuts off the first `count` bytes (at most all) and returns them.
    pub(super) fn split_to(&mut self, count: usize) -> Piece {
        let middle = self.end.min(self.start.saturating_add(count));
        let front = Piece { shared: Arc::clone(&self.shared), start: self.start, end: middle };
        self.start = middle;
        front
    }
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.shared.bytes[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_home_when_its_last_piece_is_dropped() {
        let mut pool = Pool::new(8);
        for _ in 0..100 {
            let mut buffer = pool.take();
            buffer[..3].copy_from_slice(b"abc");
            let mut piece = pool.share(buffer, 3);
            let front = piece.split_to(1);
            drop(piece);
            assert_eq!(&*front, b"a");
        }
        assert_eq!(pool.made, 1, "one buffer went round a hundred times");
    }

    #[test]
    fn splitting_takes_no_more_than_there_is() {
        let mut piece = Piece::own(b"abc".to_vec());
        assert_eq!(&*piece.split_to(99), b"abc");
        assert!(piece.is_empty());
    }
}
