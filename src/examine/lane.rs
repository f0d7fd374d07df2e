//! Digest lanes: threads that hash what other threads read, in the order it was sent.
//!
//! SHA-256 of a large backup takes about as long as decoding it, so it has to run beside the
//! decoder. A lane serves any number of digests; what it is sent are shared pieces, never copies.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use sha2::{Digest as _, Sha256};

use super::block::Piece;

type State = Arc<Mutex<Sha256>>;

enum Job {
    Update(State, Piece),
    Reached(Sender<()>),
}

/// A thread that hashes. It ends when its last handle is dropped.
#[derive(Clone)]
pub(super) struct Lane {
    jobs: Sender<Job>,
}

impl Lane {
    /// Starts the thread.
    pub(super) fn start<'s>(scope: &'s Scope<'s, '_>) -> std::io::Result<Lane> {
        let (jobs, inbox) = channel();
        std::thread::Builder::new().name("digest".into()).spawn_scoped(scope, move || work(&inbox))?;
        Ok(Lane { jobs })
    }

    /// A new digest of no bytes yet.
    pub(super) fn digest(&self) -> Digest {
        self.resume(Sha256::new())
    }

    /// A digest that goes on from a state.
    pub(super) fn resume(&self, state: Sha256) -> Digest {
        Digest { jobs: self.jobs.clone(), state: Arc::new(Mutex::new(state)) }
    }
}

fn work(inbox: &Receiver<Job>) {
    for job in inbox {
        match job {
            Job::Update(state, piece) => lock(&state).update(&*piece),
            // Whoever asked may have given up; that is no concern of the lane.
            Job::Reached(reply) => drop(reply.send(())),
        }
    }
}

fn lock(state: &State) -> std::sync::MutexGuard<'_, Sha256> {
    // Hashing cannot leave a half-made state behind: a poisoned lock means a dead thread elsewhere.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One SHA-256 in the making.
pub(super) struct Digest {
    jobs: Sender<Job>,
    state: State,
}

impl Digest {
    /// Adds bytes, later, in order.
    pub(super) fn update(&self, piece: Piece) {
        let _ = self.jobs.send(Job::Update(Arc::clone(&self.state), piece));
    }

    /// The state after everything that was sent.
    pub(super) fn state(&self) -> Sha256 {
        let (reply, reached) = channel();
        if self.jobs.send(Job::Reached(reply)).is_ok() {
            let _ = reached.recv();
        }
        lock(&self.state).clone()
    }

    /// The digest of everything that was sent, in lower-case hexadecimal.
    pub(super) fn finish(&self) -> String {
        hex(&self.state().finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digests_share_a_lane_and_a_state_can_be_continued() {
        std::thread::scope(|scope| {
            let lane = Lane::start(scope).unwrap();
            let (first, second) = (lane.digest(), lane.digest());
            first.update(Piece::own(b"a".to_vec()));
            second.update(Piece::own(b"x".to_vec()));
            let continued = lane.resume(first.state());
            first.update(Piece::own(b"b".to_vec()));
            continued.update(Piece::own(b"b".to_vec()));
            assert_eq!(first.finish(), hex(&Sha256::digest(b"ab")));
            assert_eq!(continued.finish(), first.finish());
            assert_eq!(second.finish(), hex(&Sha256::digest(b"x")));
        });
    }
}
