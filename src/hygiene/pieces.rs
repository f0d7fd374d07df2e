//! Cuts a stream of any length into pieces that overlap, and works on several at once. A piece owns
//! a part of the stream and holds as much before and after it as a finding in that part may need, so
//! what is found does not depend on where the cuts fall. Results come back in the stream's order.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::engine::{BEFORE, REACH};

/// How much before its own part a piece holds, in bytes.
pub(super) const BACK: usize = (16 << 10) + 4 * BEFORE;

/// One piece.
pub(super) struct Piece {
    /// Its bytes, with those around its own part.
    pub text: Vec<u8>,
    /// Where its bytes begin in the stream.
    pub base: u64,
    /// Where its own part begins and ends in `text`.
    pub from: usize,
    /// The end of its own part.
    pub to: usize,
}

/// A stream being cut.
pub(super) struct Cutter<R> {
    reader: R,
    /// What was read and is still needed, and where it begins in the stream.
    held: Vec<u8>,
    base: u64,
    /// How much of `held` belongs to pieces before.
    back: usize,
    piece: usize,
    is_done: bool,
    /// Buffers of pieces that are dealt with.
    spare: Vec<Vec<u8>>,
}

impl<R: Read> Cutter<R> {
    /// Cuts `reader` into pieces whose own parts are of `piece` bytes or up to the end of the line.
    pub fn new(reader: R, piece: usize) -> Self {
        Self { reader, held: Vec::new(), base: 0, back: 0, piece, is_done: false, spare: Vec::new() }
    }

    fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.is_done {
            return Ok(None);
        }
        let wanted = (self.back + self.piece + REACH).saturating_sub(self.held.len());
        self.is_done = (&mut self.reader).take(wanted as u64).read_to_end(&mut self.held)? < wanted;
        let to = if self.is_done { self.held.len() } else { line_end(&self.held, self.back + self.piece) };
        let keep = to.saturating_sub(BACK) & !1;
        let mut rest = self.spare.pop().unwrap_or_default();
        rest.clear();
        rest.extend_from_slice(&self.held[keep..]);
        let text = std::mem::replace(&mut self.held, rest);
        let piece = Piece { text, base: self.base, from: self.back, to };
        self.base += keep as u64;
        self.back = to - keep;
        Ok(Some(piece))
    }

    /// Calls `work` with every piece, on `threads` threads, and `take` with its results in order.
    ///
    /// # Errors
    /// When the stream cannot be read, or the first that `take` gives.
    pub fn each<T: Send>(
        &mut self,
        threads: usize,
        work: impl Fn(&Piece) -> T + Sync,
        mut take: impl FnMut(&Piece, T) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(first) = self.next()? else { return Ok(()) };
        if self.is_done {
            return take(&first, work(&first));
        }
        let (jobs, queue) = crossbeam_channel::bounded::<(u64, Piece)>(threads + 1);
        let (done, results) = crossbeam_channel::unbounded();
        std::thread::scope(|scope| {
            let jobs = jobs;
            for _ in 0..threads.max(1) {
                let (queue, done, work) = (queue.clone(), done.clone(), &work);
                scope.spawn(move || {
                    for (number, piece) in queue {
                        // Sent on, or the others would wait for ever for what does not come.
                        let result = catch_unwind(AssertUnwindSafe(|| work(&piece)));
                        if done.send((number, piece, result)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop((queue, done));
            let (mut sent, mut taken, mut next, mut early) = (0, 0, Some(first), BTreeMap::new());
            loop {
                while let Some(piece) = next.take() {
                    drop(jobs.send((sent, piece)));
                    sent += 1;
                    // One more than there are threads, so that none waits for the reader.
                    if sent - taken <= threads as u64 {
                        next = self.next()?;
                    }
                }
                let Ok((number, piece, result)) = results.recv() else { return Ok(()) };
                early.insert(number, (piece, result));
                while let Some((piece, result)) = early.remove(&taken) {
                    take(&piece, result.unwrap_or_else(|panic| resume_unwind(panic)))?;
                    self.spare.push(piece.text);
                    taken += 1;
                }
                // While one piece takes long, no more is read than the threads can hold.
                if sent - taken <= threads as u64 {
                    next = self.next()?;
                }
                if next.is_none() && self.is_done && sent == taken {
                    return Ok(());
                }
            }
        })
    }
}

/// The end of the line that `at` stands in, or `at` when the line goes on for long.
fn line_end(text: &[u8], at: usize) -> usize {
    let rest = &text[at..text.len().min(at + REACH / 2)];
    let end = memchr::memchr(b'\n', rest).map_or(at, |i| at + i + 1);
    (end + (end & 1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_in_order_and_own_every_byte_once() {
        let text: Vec<u8> = (0..700_000_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        for (piece, threads) in [(1 << 20, 2), (100_001, 3), (64 << 10, 1), (16 << 20, 2)] {
            let mut out = Vec::new();
            let work = |piece: &Piece| (piece.base + piece.from as u64, piece.text[piece.from..piece.to].to_vec());
            Cutter::new(&text[..], piece)
                .each(threads, work, |_, (start, part)| {
                    assert_eq!(start, out.len() as u64);
                    out.extend(part);
                    Ok(())
                })
                .unwrap();
            assert!(out == text, "{piece} on {threads}");
        }
    }

    #[test]
    fn one_slow_piece_does_not_let_the_stream_gather() {
        let (held, most) = (std::sync::atomic::AtomicUsize::new(0), std::sync::atomic::AtomicUsize::new(0));
        let order = std::sync::atomic::Ordering::SeqCst;
        let work = |piece: &Piece| {
            most.fetch_max(held.fetch_add(1, order) + 1, order);
            std::thread::sleep(std::time::Duration::from_millis(if piece.base == 0 { 200 } else { 0 }));
        };
        let take = |_: &Piece, ()| {
            held.fetch_sub(1, order);
            Ok(())
        };
        Cutter::new(&vec![b'a'; 8 << 20][..], 64 << 10).each(2, work, take).unwrap();
        assert!(most.load(order) <= 3, "{}", most.load(order));
    }

    #[test]
    fn an_error_of_the_taker_ends_the_work() {
        let text = vec![b'a'; 3 << 20];
        let failed = Cutter::new(&text[..], 64 << 10).each(2, |_| (), |_, ()| Err(io::Error::other("full")));
        assert_eq!(failed.unwrap_err().to_string(), "full");
    }
}
