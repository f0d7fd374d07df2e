//! A child whose processes are told apart by what they say. Programs that work with several processes
//! (`pg_restore --jobs`) let all of them write to the same pipe, each line in pieces, so that the pieces
//! of one stand within the lines of another. Here standard error is a socket that keeps every piece whole,
//! and the kernel says with each which process wrote it.

use std::collections::BTreeMap;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair,
    sockopt,
};

use super::super::clock::{Deadline, Stopwatch};
use super::end::{group_lives, wait};
use super::heard::{Ears, LINGER, Said};
use super::{ChildError, Invocation, Outcome};

/// More than any program writes at once.
const PIECE: usize = 256 << 10;

impl Invocation {
    /// Like [`Self::run`] without input, with what each of the child's processes said on standard error
    /// together: one process after the other, in the order in which they first said something.
    ///
    /// # Errors
    /// When it could not be started; a non-zero exit is an [`Outcome`], not an error.
    pub fn run_apart(self) -> Result<Outcome, ChildError> {
        // Where there is no such socket, the pieces stand as they come.
        let Ok((ours, theirs)) = pair() else { return self.run() };
        let (watch, deadline) = (Stopwatch::start(), Deadline::after(self.limit));
        let mut command = self.command();
        command.stdin(Stdio::null()).stderr(Stdio::from(theirs));
        let mut child = command.spawn().map_err(|e| self.fail(e))?;
        // It holds our copy of the other end: as long as that is open, ours does not end.
        drop(command);
        let voices = Voices::listen(ours, self.cap);
        let ears = Ears::on(&mut child, self.cap);
        let (status, end) = wait(&mut child, &deadline, &self.leash).map_err(|e| self.fail(e))?;
        let (took, left_running) = (watch.elapsed(), group_lives(&child));
        let heard = Outcome::of(status, end, took, ears);
        let stderr = voices.take(&Deadline::after(LINGER));
        Ok(Outcome { said: (heard.said.0, stderr.total), stderr: stderr.bytes, left_running, ..heard })
    }
}

/// Our end, which is told who writes, and the child's.
fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_passcred(&ours, true)?;
    Ok((ours, theirs))
}

/// What each process said so far.
#[derive(Default)]
struct Chorus {
    /// By process, its place below.
    places: BTreeMap<i32, usize>,
    voices: Vec<Vec<u8>>,
    kept: usize,
    total: u64,
}

impl Chorus {
    fn add(&mut self, pid: i32, piece: &[u8], cap: usize) {
        let next = self.voices.len();
        let place = *self.places.entry(pid).or_insert(next);
        if place == next {
            self.voices.push(Vec::new());
        }
        let room = cap.saturating_sub(self.kept).min(piece.len());
        if let Some(voice) = self.voices.get_mut(place) {
            voice.extend_from_slice(&piece[..room]);
        }
        self.kept += room;
        self.total += piece.len() as u64;
    }

    /// One after the other; one that ended within a line does not run into the next.
    fn together(self) -> Said {
        let mut bytes = Vec::with_capacity(self.kept);
        for voice in self.voices {
            if !bytes.is_empty() && !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(&voice);
        }
        Said { bytes, total: self.total }
    }
}

struct Voices {
    chorus: Arc<Mutex<Chorus>>,
    listener: thread::JoinHandle<()>,
}

impl Voices {
    fn listen(socket: OwnedFd, cap: usize) -> Self {
        let chorus = Arc::new(Mutex::new(Chorus::default()));
        let to = Arc::clone(&chorus);
        let listener = thread::spawn(move || {
            let mut buffer = vec![0; PIECE];
            while let Some((pid, bytes)) = piece(&socket, &mut buffer) {
                to.lock().unwrap_or_else(PoisonError::into_inner).add(pid, &buffer[..bytes], cap);
            }
        });
        Self { chorus, listener }
    }

    /// Waits for the end of the last one, but not beyond `deadline`.
    fn take(self, deadline: &Deadline) -> Said {
        while !self.listener.is_finished() && !deadline.passed() {
            thread::sleep(Duration::from_micros(500));
        }
        std::mem::take(&mut *self.chorus.lock().unwrap_or_else(PoisonError::into_inner)).together()
    }
}

/// The next piece: who wrote it, and its bytes in the buffer; `None` at the end.
fn piece(socket: &OwnedFd, buffer: &mut [u8]) -> Option<(i32, usize)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    loop {
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::empty());
        let got = match got {
            Err(rustix::io::Errno::INTR) => continue,
            got => got.ok().filter(|got| got.bytes > 0)?,
        };
        let pid = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmCredentials(who) => Some(who.pid.as_raw_nonzero().get()),
            _ => None,
        });
        return Some((pid.unwrap_or(0), got.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_processes_stay_whole() {
        // Two that write their lines in pieces, each piece when the other has written one.
        let script = "say() { i=0; while [ $i -lt 200 ]; do printf '%s' \"$1\" >&2; printf ' says: ' >&2; printf '%s\\n' $i >&2; i=$((i+1)); done; }; \
             say one & say two & wait; exit 3";
        let outcome = Invocation::new("sh").args(["-c", script]).run_apart().unwrap();
        let said = String::from_utf8(outcome.stderr).unwrap();
        let expected = |who: &str| (0..200).map(|i| format!("{who} says: {i}\n")).collect::<String>();
        let (one, two) = (expected("one"), expected("two"));
        assert!(said == format!("{one}{two}") || said == format!("{two}{one}"), "{said}");
        assert_eq!((outcome.code, outcome.said.1), (Some(3), said.len() as u64));
    }

    #[test]
    fn what_is_kept_has_a_cap_and_what_is_left_behind_is_not_waited_for() {
        let run = Invocation::new("sh").args(["-c", "echo 0123456789 >&2; sleep 8 & echo more >&2"]).cap(8);
        let outcome = run.run_apart().unwrap();
        assert_eq!((outcome.stderr.as_slice(), outcome.said.1), (&b"01234567"[..], 16));
        assert!(outcome.left_running && outcome.took < Duration::from_secs(7));
        assert!(Invocation::new("no-such-program-here").run_apart().is_err());
    }
}
