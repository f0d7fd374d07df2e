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
#[derive(Clone, Default)]
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

impl Leash {
    /// Why the child has to end now, if it has to.
    pub(super) fn pulls(&self, deadline: &Deadline) -> Option<End> {
        let stopped = self.until.as_ref().is_some_and(|until| until());
        if stopped { Some(End::Stopped) } else { deadline.passed().then_some(End::TimeUp) }
    }
}

/// Follows the child to its end and takes its exit status.
pub(super) fn wait(child: &mut Child, deadline: &Deadline, leash: &Leash) -> io::Result<(ExitStatus, End)> {
    let end = see_end(child, deadline, leash);
    child.wait().map(|status| (status, end))
}

/// Looks until the child has ended, and ends it when it has to. It is not reaped: its number still
/// means its group, and nobody else's.
pub(super) fn see_end(child: &mut Child, deadline: &Deadline, leash: &Leash) -> End {
    let mut end = None;
    let ended = ends_before(child, || {
        end = leash.pulls(deadline);
        end.is_some()
    });
    if !ended {
        ask_group(child, leash.grace);
        end_group(child);
    }
    end.unwrap_or(End::ByItself)
}

/// Whether the child, which is not reaped, ends before `over` says that it is over.
fn ends_before(child: &Child, mut over: impl FnMut() -> bool) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let Some(pid) = pid(child) else { return true };
    let mut pause = Duration::from_micros(500);
    while matches!(process::waitid(WaitId::Pid(pid), look), Ok(None)) {
        if over() {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
    true
}

pub(super) fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Asks the child and everything it started to end, and waits for the child.
fn ask_group(child: &Child, grace: Duration) {
    let Some(pid) = pid(child).filter(|_| !grace.is_zero()) else { return };
    let _ = process::kill_process_group(pid, Signal::TERM);
    let patience = Deadline::after(grace);
    ends_before(child, || patience.passed());
}

/// Ends the child and everything it started, so that no pipe stays open behind it.
pub(super) fn end_group(child: &mut Child) {
    pid(child).into_iter().for_each(kill_group);
    let _ = child.kill();
}

/// Ends everything of the group `pid`, which has to be that of a child that is not reaped.
pub(super) fn kill_group(pid: Pid) {
    let _ = process::kill_process_group(pid, Signal::KILL);
}

/// Whether something that the child started is still there; asked of a child that was reaped.
pub(super) fn group_lives(child: &Child) -> bool {
    pid(child).is_some_and(|pid| process::test_kill_process_group(pid).is_ok())
}
