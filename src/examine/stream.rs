//! Pulling bytes: every layer reads from a [`Stream`], which counts what is taken, sends it to its
//! digest and can look ahead, whatever the layer outside of it is.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use sha2::Sha256;

use super::block::Piece;
use super::lane::Digest;
use super::tap::Take;

/// Where pieces come from.
pub(super) trait Source {
    /// The next piece, never empty; `None` at the end and for ever after.
    fn next(&mut self) -> Option<Piece>;
}

/// Pieces from another thread.
impl Source for Receiver<Piece> {
    fn next(&mut self) -> Option<Piece> {
        self.recv().ok()
    }
}

/// At most one piece, for payloads so small that a thread is not worth it.
impl Source for Option<Piece> {
    fn next(&mut self) -> Option<Piece> {
        self.take().filter(|piece| !piece.is_empty())
    }
}

/// Pieces of another stream up to a length, for the members of an archive.
pub(super) struct Limited<'a, 'b> {
    /// The outer stream.
    pub(super) stream: &'a mut Stream<'b>,
    /// Bytes that may still be taken.
    pub(super) left: u64,
}

impl Source for Limited<'_, '_> {
    fn next(&mut self) -> Option<Piece> {
        let max = usize::try_from(self.left).unwrap_or(usize::MAX);
        let piece = self.stream.take(max)?;
        self.left -= piece.len() as u64;
        Some(piece)
    }
}

/// A source with a counter, a digest and a way to look ahead.
pub(super) struct Stream<'a> {
    source: Box<dyn Source + 'a>,
    digest: Option<Digest>,
    front: VecDeque<Piece>,
    unhashed: VecDeque<Piece>,
    bytes: u64,
    tap: Option<Take<'a>>,
}

impl<'a> Stream<'a> {
    /// A stream over `source`; what is taken from it goes to `digest`.
    pub(super) fn new(source: impl Source + 'a, digest: Option<Digest>) -> Stream<'a> {
        Stream {
            source: Box::new(source),
            digest,
            front: VecDeque::new(),
            unhashed: VecDeque::new(),
            bytes: 0,
            tap: None,
        }
    }

    /// Hands on everything from here on to `tap`, what was looked at ahead included.
    pub(super) fn tap(&mut self, tap: Take<'a>) {
        self.front.iter().for_each(|piece| tap(piece));
        self.tap = Some(tap);
    }

    /// Gets one more piece from the source.
    fn pull(&mut self) -> bool {
        let Some(piece) = self.source.next() else {
            return false;
        };
        self.bytes += piece.len() as u64;
        if let Some(tap) = self.tap {
            tap(&piece);
        }
        if self.digest.is_some() {
            self.unhashed.push_back(piece.clone());
        }
        self.front.push_back(piece);
        true
    }

    /// How many bytes were taken.
    pub(super) fn position(&self) -> u64 {
        self.bytes - self.front.iter().map(|piece| piece.len() as u64).sum::<u64>()
    }

    /// The next piece, as large as it comes.
    pub(super) fn next(&mut self) -> Option<Piece> {
        self.take(usize::MAX)
    }

    /// The next piece of at most `max` bytes; `None` at the end or when `max` is 0.
    pub(super) fn take(&mut self, max: usize) -> Option<Piece> {
        if max == 0 {
            return None;
        }
        if self.front.is_empty() {
            // Pieces are hashed when the next one is asked for: so whoever reads one may still ask
            // for the state before it.
            self.hash();
            self.pull();
        }
        let first = self.front.front_mut()?;
        let piece = first.split_to(max);
        if first.is_empty() {
            self.front.pop_front();
        }
        Some(piece)
    }

    /// Steps over a frame of metadata, which zstd and LZ4 write alike: a magic number, a length, and as many
    /// bytes. `None` when it is cut.
    pub(super) fn skip_metadata_frame(&mut self) -> Option<()> {
        let head = self.exactly(8);
        let [_, _, _, _, a, b, c, d] = *head.as_slice() else { return None };
        let mut left = u32::from_le_bytes([a, b, c, d]) as usize;
        while left > 0 {
            left -= self.take(left)?.len();
        }
        Some(())
    }

    /// Exactly `count` bytes, or as many as are left; for headers.
    pub(super) fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count.min(64 * 1024));
        while bytes.len() < count {
            match self.take(count - bytes.len()) {
                Some(piece) => bytes.extend_from_slice(&piece),
                None => break,
            }
        }
        bytes
    }

    /// Looks at the next `count` bytes, or as many as are left, without taking them.
    pub(super) fn peek(&mut self, count: usize) -> &[u8] {
        let mut have: usize = self.front.iter().map(|piece| piece.len()).sum();
        while have < count && self.pull() {
            have += self.front.back().map_or(0, |piece| piece.len());
        }
        if self.front.front().is_some_and(|first| first.len() < count) && self.front.len() > 1 {
            let joined: Vec<u8> = self.front.iter().flat_map(|piece| piece.iter().copied()).collect();
            self.front = VecDeque::from([Piece::own(joined)]);
        }
        let first = self.front.front().map_or(&[][..], |piece| piece);
        &first[..count.min(first.len())]
    }

    /// Puts back bytes that were the last ones taken.
    pub(super) fn put_back(&mut self, piece: Piece) {
        if !piece.is_empty() {
            self.front.push_front(piece);
        }
    }

    /// The digest's state before the piece that was taken last.
    pub(super) fn state_before_last(&self) -> Option<Sha256> {
        self.digest.as_ref().map(Digest::state)
    }

    /// Reads and hashes whatever is left, and says how many bytes that were.
    pub(super) fn drain(&mut self) -> u64 {
        let mut count = 0;
        while let Some(piece) = self.next() {
            count += piece.len() as u64;
        }
        count
    }

    /// Ends the stream: bytes taken and their SHA-256.
    pub(super) fn finish(mut self) -> (u64, Option<String>) {
        self.drain();
        self.hash();
        (self.bytes, self.digest.as_ref().map(Digest::finish))
    }

    fn hash(&mut self) {
        if let Some(digest) = &self.digest {
            self.unhashed.drain(..).for_each(|piece| digest.update(piece));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes(VecDeque<u8>);

    impl Source for Bytes {
        fn next(&mut self) -> Option<Piece> {
            self.0.pop_front().map(|byte| Piece::own(vec![byte]))
        }
    }

    #[test]
    fn looking_ahead_takes_nothing_and_putting_back_counts_nothing() {
        let mut stream = Stream::new(Bytes(b"abcdef".iter().copied().collect()), None);
        assert_eq!(stream.peek(3), b"abc");
        assert_eq!(stream.exactly(2), b"ab");
        stream.put_back(Piece::own(b"b".to_vec()));
        assert_eq!(stream.peek(9), b"bcdef");
        assert_eq!(stream.exactly(3), b"bcd");
        assert_eq!(stream.finish().0, 6);
    }

    #[test]
    fn a_limited_stream_stops_at_its_length() {
        let mut outer = Stream::new(Some(Piece::own(b"abcdef".to_vec())), None);
        let mut inner = Stream::new(Limited { stream: &mut outer, left: 4 }, None);
        assert_eq!(inner.exactly(9), b"abcd");
        drop(inner);
        assert_eq!(outer.exactly(9), b"ef");
    }
}
