//! A child that is given its input piece by piece. A guard ends it when its time is up, because
//! whoever feeds it may be waiting for it to take the next piece.

use std::io::Write as _;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Pid;

use super::super::clock::{Deadline, Stopwatch};
use super::end::{End, Leash, kill_group, pid, see_end};
use super::heard::Ears;
use super::{ChildError, Invocation, Outcome};

impl Invocation {
    /// Starts a child that is given its input piece by piece.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn feed(self) -> Result<Fed, ChildError> {
        let mut child = self.start()?;
        let ears = Ears::on(&mut child, self.cap);
        let deadline = Deadline::after(self.limit);
        let done = Arc::new(AtomicBool::new(false));
        let guard = Guard { group: pid(&child), deadline, leash: self.leash.clone(), done: Arc::clone(&done) };
        let guard = thread::spawn(move || guard.watch());
        let input = child.stdin.take();
        Ok(Fed { what: self, child, input, ears, done, guard, deadline, watch: Stopwatch::start() })
    }
}

/// A child that is given its input piece by piece; its limits count all the while.
pub struct Fed {
    what: Invocation,
    child: Child,
    input: Option<std::process::ChildStdin>,
    ears: Ears,
    done: Arc<AtomicBool>,
    guard: thread::JoinHandle<bool>,
    deadline: Deadline,
    watch: Stopwatch,
}

impl Fed {
    /// Gives it `bytes`; waits until it has taken them. `false` when it takes no more.
    pub fn give(&mut self, bytes: &[u8]) -> bool {
        let Some(input) = &mut self.input else { return false };
        let taken = input.write_all(bytes).is_ok();
        if !taken {
            self.input = None;
        }
        taken
    }

    /// Ends its input, follows it to its end and gives what it said.
    ///
    /// # Errors
    /// When it cannot be followed.
    pub fn finish(mut self) -> Result<Outcome, ChildError> {
        drop(self.input.take());
        // Until it is waited for, its number is nobody else's: the guard has to be gone by then.
        let end = see_end(&mut self.child, &self.deadline, &self.what.leash);
        self.done.store(true, Ordering::SeqCst);
        let cut_short = self.guard.join().unwrap_or(false);
        let status = self.child.wait().map_err(|e| self.what.fail(e))?;
        let end = if cut_short || end != End::ByItself { End::TimeUp } else { End::ByItself };
        Ok(Outcome::of(status, end, self.watch.elapsed(), self.ears))
    }
}

/// Ends a child that is being fed when its time is up: whoever feeds it may be waiting for it.
struct Guard {
    group: Option<Pid>,
    deadline: Deadline,
    leash: Leash,
    done: Arc<AtomicBool>,
}

impl Guard {
    fn watch(self) -> bool {
        while !self.done.load(Ordering::SeqCst) {
            if self.leash.pulls(&self.deadline).is_some() {
                self.group.into_iter().for_each(kill_group);
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::Until;
    use super::*;

    #[test]
    fn a_fed_child_takes_pieces_and_ends_when_its_time_is_up() {
        let mut fed = Invocation::new("wc").args(["-c"]).feed().unwrap();
        assert!(fed.give(&vec![b'x'; 300_000]) && fed.give(b"yz"));
        let outcome = fed.finish().unwrap();
        assert_eq!((outcome.code, outcome.stdout.as_slice()), (Some(0), &b"300002\n"[..]));

        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let until: Until = Arc::new(move || asked.load(Ordering::SeqCst));
        let mut deaf = Invocation::new("sleep").args(["60"]).until(&until).feed().unwrap();
        let later = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            stop.store(true, Ordering::SeqCst);
        });
        assert!(!deaf.give(&vec![0; 4 << 20]), "what nobody reads is not waited for beyond the limit");
        later.join().unwrap();
        assert!(deaf.finish().unwrap().timed_out);
    }
}
