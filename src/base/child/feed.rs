//! A child that is given its input piece by piece. A guard ends it when its time is up, because
//! whoever feeds it may be waiting for it to take the next piece.

use std::io::Write as _;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::super::clock::{Deadline, Stopwatch};
use super::end::{End, Until, end_group, pid};
use super::heard::{Heard, Said};
use super::{ChildError, Invocation, LINGER, Outcome};

impl Invocation {
    /// Starts a child that is given its input piece by piece.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn feed(self) -> Result<Fed, ChildError> {
        let mut child = self.command().spawn().map_err(|e| self.fail(e))?;
        let cap = self.cap;
        let out = child.stdout.take().map(|pipe| Heard::listen(pipe, cap));
        let err = child.stderr.take().map(|pipe| Heard::listen(pipe, cap));
        let deadline = Deadline::after(self.limit);
        let done = Arc::new(AtomicBool::new(false));
        let guard = Guard { number: child.id(), deadline, until: self.leash.until.clone(), done: Arc::clone(&done) };
        let guard = thread::spawn(move || guard.watch());
        Ok(Fed {
            input: child.stdin.take(),
            child,
            out,
            err,
            done,
            guard,
            deadline,
            watch: Stopwatch::start(),
            what: self,
        })
    }
}

/// A child that is given its input piece by piece; its limits count all the while.
pub struct Fed {
    what: Invocation,
    child: Child,
    input: Option<std::process::ChildStdin>,
    out: Option<Heard>,
    err: Option<Heard>,
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
        let ended = waited(&mut self.child, &self.deadline, self.what.leash.until.as_ref());
        self.done.store(true, Ordering::SeqCst);
        let cut_short = self.guard.join().unwrap_or(false);
        let status = self.child.wait().map_err(|e| self.what.fail(e))?;
        let rest = Deadline::after(LINGER);
        let stdout = self.out.map_or_else(Said::default, |heard| heard.take(&rest));
        let stderr = self.err.map_or_else(Said::default, |heard| heard.take(&rest));
        let end = if cut_short || !ended { End::TimeUp } else { End::ByItself };
        Ok(Outcome {
            said: (stdout.total, stderr.total),
            stdout_cut: stdout.is_cut(),
            stdout: stdout.bytes,
            stderr: stderr.bytes,
            took: self.watch.elapsed(),
            ..Outcome::ended(status, end)
        })
    }
}

/// Waits, without taking the child's number away, until it has ended; ends it when its time is up.
fn waited(child: &mut Child, deadline: &Deadline, until: Option<&Until>) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let Some(pid) = pid(child) else { return true };
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(None) => {}
            _ => return true,
        }
        if deadline.passed() || until.is_some_and(|until| until()) {
            end_group(child);
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Ends a child that is being fed when its time is up: whoever feeds it may be waiting for it.
struct Guard {
    number: u32,
    deadline: Deadline,
    until: Option<Until>,
    done: Arc<AtomicBool>,
}

impl Guard {
    fn watch(self) -> bool {
        while !self.done.load(Ordering::SeqCst) {
            if self.deadline.passed() || self.until.as_ref().is_some_and(|until| until()) {
                if let Some(pid) = i32::try_from(self.number).ok().and_then(Pid::from_raw) {
                    let _ = kill_process_group(pid, Signal::KILL);
                }
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

#[cfg(test)]
mod tests {
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
