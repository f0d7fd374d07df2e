//! How a child ends: by itself, when its time is up, or because somebody says so. It is its whole
//! process group that is asked and then killed, so that no pipe stays open behind it.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{self, Pid, Signal, WaitId, WaitIdOptions};

use super::super::clock::Deadline;

/// Says when a child has to end before its time; asked often, from any thread.
pub type Until = Arc<dyn Fn() -> bool + Send + Sync>;

/// How a child is ended before its own end.
#[derive(Default)]
pub(super) struct Leash {
    /// Says that it has to end.
    pub(super) until: Option<Until>,
    /// How long it is asked (SIGTERM) before it is killed.
    pub(super) grace: Duration,
}

/// Why a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    ByItself,
    TimeUp,
    Stopped,
}

pub(super) fn wait(child: &mut Child, deadline: &Deadline, leash: &Leash) -> io::Result<(ExitStatus, End)> {
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, End::ByItself));
        }
        let stopped = leash.until.as_ref().is_some_and(|until| until());
        if stopped || deadline.passed() {
            ask_group(child, leash.grace);
            end_group(child);
            return child.wait().map(|status| (status, if stopped { End::Stopped } else { End::TimeUp }));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

pub(super) fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Asks the child and everything it started to end, and waits for the child; it is not reaped, so
/// that its number still means its group.
pub(super) fn ask_group(child: &Child, grace: Duration) {
    let Some(pid) = pid(child).filter(|_| !grace.is_zero()) else { return };
    let _ = process::kill_process_group(pid, Signal::TERM);
    let patience = Deadline::after(grace);
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while !patience.passed() && matches!(process::waitid(WaitId::Pid(pid), look), Ok(None)) {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends the child and everything it started, so that no pipe stays open behind it.
pub(super) fn end_group(child: &mut Child) {
    if let Some(pid) = pid(child) {
        let _ = process::kill_process_group(pid, Signal::KILL);
    }
    let _ = child.kill();
}

/// Whether something that the child started is still there; asked of a child that was reaped.
pub(super) fn group_lives(child: &Child) -> bool {
    pid(child).is_some_and(|pid| process::test_kill_process_group(pid).is_ok())
}
