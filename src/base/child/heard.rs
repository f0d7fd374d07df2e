//! What a child says: each pipe is read by a thread of its own to its end, and kept up to a cap.

use std::io::Read;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::super::clock::Deadline;

/// What came through a pipe: the beginning, and how much it was in all.
#[derive(Default)]
pub(super) struct Said {
    pub(super) bytes: Vec<u8>,
    pub(super) total: u64,
}

impl Said {
    pub(super) fn is_cut(&self) -> bool {
        self.total > self.bytes.len() as u64
    }
}

/// How long the pipes of a child that has ended are still listened to.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// What a child says on standard output and on standard error.
pub(super) struct Ears {
    out: Option<Heard>,
    err: Option<Heard>,
}

impl Ears {
    /// Listens to those of the child's pipes that nobody has taken.
    pub(super) fn on(child: &mut Child, cap: usize) -> Self {
        let out = child.stdout.take().map(|pipe| Heard::listen(pipe, cap));
        let err = child.stderr.take().map(|pipe| Heard::listen(pipe, cap));
        Self { out, err }
    }

    /// What a child that has ended said on each. What it left behind may hold its pipes open for as
    /// long as it likes, so they are not listened to for ever.
    pub(super) fn take(self) -> (Said, Said) {
        let rest = Deadline::after(LINGER);
        let take = |heard: Option<Heard>| heard.map_or_else(Said::default, |heard| heard.take(&rest));
        (take(self.out), take(self.err))
    }
}

/// What one of a child's pipes has said so far.
struct Heard {
    said: Arc<Mutex<Said>>,
    listener: thread::JoinHandle<()>,
}

impl Heard {
    fn listen(mut pipe: impl Read + Send + 'static, cap: usize) -> Self {
        let said = Arc::new(Mutex::new(Said::default()));
        let to = Arc::clone(&said);
        let listener = thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(n) = pipe.read(&mut buffer) {
                if n == 0 {
                    break;
                }
                let mut said = to.lock().unwrap_or_else(PoisonError::into_inner);
                let room = cap.saturating_sub(said.bytes.len()).min(n);
                said.bytes.extend_from_slice(&buffer[..room]);
                said.total += n as u64;
            }
        });
        Self { said, listener }
    }

    /// Waits for the pipe's end, but not beyond `deadline`: a program that the child left in the
    /// background (`ssh` does, for shared connections) may never close it. All that the child
    /// itself wrote stands in the pipe when it ends.
    fn take(self, deadline: &Deadline) -> Said {
        while !self.listener.is_finished() && !deadline.passed() {
            thread::sleep(Duration::from_micros(500));
        }
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
