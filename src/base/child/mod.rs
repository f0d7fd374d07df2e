//! Child processes: no shell, an environment from an allow-list, output capped, time limited, and
//! the whole process group ended when the time is up. Secrets never travel in arguments; callers
//! pass them, if at all, on standard input.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{self, Pid};

mod apart;
mod end;
mod feed;
mod heard;
mod tether;

use super::clock::{Deadline, Stopwatch};
use super::{env, text};

pub use end::Until;
pub use feed::Fed;

use end::{End, Leash, end_group, group_lives, pid, wait};
use heard::Ears;

/// Variables that every child may see.
const ALWAYS: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ"];

/// What to run, and within which limits.
pub struct Invocation {
    program: OsString,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    inherit: Vec<Cow<'static, str>>,
    set: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    limit: Duration,
    cap: usize,
    user: Option<(u32, u32)>,
    leash: Leash,
    terminal: bool,
    tethered: bool,
}

/// What a child did.
pub struct Outcome {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output, at most the cap.
    pub stdout: Vec<u8>,
    /// Standard error, at most the cap.
    pub stderr: Vec<u8>,
    /// Whether standard output was longer than the cap.
    pub stdout_cut: bool,
    /// How many bytes it wrote to standard output, and to standard error.
    pub said: (u64, u64),
    /// Whether the time limit ended it.
    pub timed_out: bool,
    /// Whether [`Invocation::until`] ended it.
    pub stopped: bool,
    /// Whether something of its process group was still there when it had ended.
    pub left_running: bool,
    /// How long it ran.
    pub took: Duration,
}

/// A child that runs until it is told to stop; dropping it stops it too.
pub struct Daemon {
    child: Child,
}

/// Why a child did not start or could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// No such program.
    #[error("`{program}` is not installed or not on the PATH")]
    NotFound {
        /// The program's name.
        program: String,
    },
    /// The system refused.
    #[error("`{program}` could not be run: {source}")]
    Io {
        /// The program's name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Invocation {
    /// Runs `program`, found on the `PATH`, with a limit of one minute and a cap of 8 MiB.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            stdin: Vec::new(),
            inherit: Vec::new(),
            set: vec![("LC_ALL".into(), "C".into())],
            folder: None,
            limit: Duration::from_secs(60),
            cap: 8 << 20,
            user: None,
            leash: Leash::default(),
            terminal: false,
            tethered: false,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Gives the child `bytes` on standard input (otherwise it is empty).
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Lets the child see these variables of ours; a final `*` matches any ending.
    #[must_use]
    pub fn inherit(mut self, names: &[&'static str]) -> Self {
        self.inherit.extend(names.iter().map(|name| Cow::Borrowed(*name)));
        self
    }

    /// The same, for names that are only known at run time.
    #[must_use]
    pub fn let_through(mut self, names: &[String]) -> Self {
        self.inherit.extend(names.iter().cloned().map(Cow::Owned));
        self
    }

    /// Asks the group to end (SIGTERM) and waits this long before killing it, so that a script can
    /// clean up behind itself. Without it, it is killed at once.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.leash.grace = grace;
        self
    }

    /// Sets a variable for the child.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.set.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs the child in `folder`.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Ends the child's whole process group after `limit`.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Keeps at most `cap` bytes of each output stream; the rest is read and dropped.
    #[must_use]
    pub fn cap(mut self, cap: usize) -> Self {
        self.cap = cap;
        self
    }

    /// Runs the child as another user; only root may.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// The names of the variables that the child will see, sorted.
    #[must_use]
    pub fn environment(&self) -> Vec<String> {
        let ours = env::all().map(|(name, _)| name).filter(|name| self.sees(name));
        let names = ours.chain(self.set.iter().map(|(name, _)| name.clone()));
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Lets the child ask at our terminal, for instance for a passphrase: it stays in our process
    /// group, because the system stops any other that reads there.
    #[must_use]
    pub fn at_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// Also ends the child's whole process group as soon as `until` says so.
    #[must_use]
    pub fn until(mut self, until: &Until) -> Self {
        self.leash.until = Some(Arc::clone(until));
        self
    }

    /// Has the kernel kill the child when this program ends, however it ends: Ctrl-C, SIGTERM, SIGKILL.
    /// It needs `setpriv` (util-linux); without it, the child is not ended with us.
    #[must_use]
    pub fn ends_with_us(mut self) -> Self {
        self.tethered = true;
        self
    }

    /// The program and its arguments as a person would type them.
    #[must_use]
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        text::shell_line(&words.map(|word| text::from_name(word)).collect::<Vec<_>>())
    }

    /// Starts the child, follows it to its end and gives what it said.
    ///
    /// # Errors
    /// When it could not be started; a non-zero exit is an [`Outcome`], not an error.
    pub fn run(self) -> Result<Outcome, ChildError> {
        let (watch, deadline) = (Stopwatch::start(), Deadline::after(self.limit));
        let mut child = self.start_fed()?;
        let ears = Ears::on(&mut child, self.cap);
        let (status, end) = wait(&mut child, &deadline, &self.leash).map_err(|e| self.fail(e))?;
        let (took, left_running) = (watch.elapsed(), group_lives(&child));
        Ok(Outcome { left_running, ..Outcome::of(status, end, took, ears) })
    }

    /// Starts a child that goes on beside us, with no input and its output dropped.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn spawn(self) -> Result<Daemon, ChildError> {
        self.spawn_to(Stdio::null())
    }

    /// The same, with what it says on standard error going to `log`.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn spawn_logged(self, log: std::fs::File) -> Result<Daemon, ChildError> {
        self.spawn_to(log.into())
    }

    fn spawn_to(self, stderr: Stdio) -> Result<Daemon, ChildError> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let child = command.spawn().map_err(|e| self.fail(e))?;
        Ok(Daemon { child })
    }

    /// Like [`Self::run`], but standard output goes to `sink` piece by piece and is not kept; for
    /// programs that say more than fits in memory.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn follow(self, sink: &mut dyn FnMut(&[u8])) -> Result<Outcome, ChildError> {
        let (watch, deadline) = (Stopwatch::start(), Deadline::after(self.limit));
        let mut child = self.start_fed()?;
        let out = child.stdout.take();
        let ears = Ears::on(&mut child, self.cap);
        if let Some(mut pipe) = out {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(n) = pipe.read(&mut buffer) {
                if n == 0 || deadline.passed() {
                    break;
                }
                sink(&buffer[..n]);
            }
        }
        let (status, end) = wait(&mut child, &deadline, &self.leash).map_err(|e| self.fail(e))?;
        Ok(Outcome::of(status, end, watch.elapsed(), ears))
    }

    fn start(&self) -> Result<Child, ChildError> {
        self.command().spawn().map_err(|e| self.fail(e))
    }

    /// Starts it with all of its input.
    fn start_fed(&self) -> Result<Child, ChildError> {
        let mut child = self.start()?;
        if let Some(mut pipe) = child.stdin.take() {
            let bytes = self.stdin.clone();
            // A child that does not read its input closes the pipe; that is its own affair.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        Ok(child)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the room that starts processes")]
    fn command(&self) -> Command {
        let mut command = match self.tethered.then(|| tether::before(&self.program)).flatten() {
            None => Command::new(&self.program),
            Some((setpriv, words)) => {
                let mut command = Command::new(setpriv);
                command.args(words).arg(&self.program);
                command
            }
        };
        command.args(&self.args).env_clear();
        if !self.terminal {
            command.process_group(0);
        }
        command.envs(env::all().filter(|(name, _)| self.sees(name)));
        command.envs(self.set.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn sees(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        let asked = self.inherit.iter().map(AsRef::as_ref);
        ALWAYS.iter().copied().chain(asked).any(|allowed| match allowed.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == allowed,
        })
    }

    fn fail(&self, source: io::Error) -> ChildError {
        let program = self.program.to_string_lossy().into_owned();
        match source.kind() {
            io::ErrorKind::NotFound => ChildError::NotFound { program },
            _ => ChildError::Io { program, source },
        }
    }
}

impl Outcome {
    fn of(status: ExitStatus, end: End, took: Duration, ears: Ears) -> Self {
        let (out, err) = ears.take();
        Self {
            code: status.code(),
            signal: status.signal(),
            stdout_cut: out.is_cut(),
            said: (out.total, err.total),
            stdout: out.bytes,
            stderr: err.bytes,
            timed_out: end == End::TimeUp,
            stopped: end == End::Stopped,
            left_running: false,
            took,
        }
    }

    /// Whether it ended by itself with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0) && !self.timed_out
    }
}

impl Daemon {
    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its number, while it runs.
    pub fn number(&mut self) -> Option<u32> {
        self.alive().then(|| self.child.id())
    }

    /// Asks it to end (SIGINT), waits for at most `limit`, then ends its whole group.
    pub fn stop(&mut self, limit: Duration) {
        self.stop_by(rustix::process::Signal::INT, limit);
    }

    /// The same with another signal than SIGINT.
    pub fn stop_by(&mut self, signal: rustix::process::Signal, limit: Duration) {
        let Some(pid) = self.pid() else { return };
        let _ = process::kill_process(pid, signal);
        if wait(&mut self.child, &Deadline::after(limit), &Leash::default()).is_err() {
            end_group(&mut self.child);
        }
    }

    fn pid(&mut self) -> Option<Pid> {
        // Only while it has not been waited for: afterwards the number may be somebody else's.
        self.alive().then(|| pid(&self.child)).flatten()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(10));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn gives_output_and_code() {
        let outcome = Invocation::new("cat").stdin("hello").run().unwrap();
        assert!(outcome.success());
        assert_eq!(outcome.stdout, b"hello");
    }

    #[test]
    fn ends_a_whole_group_when_time_is_up() {
        let outcome =
            Invocation::new("sh").args(["-c", "sleep 60 & sleep 60"]).limit(Duration::from_millis(50)).run().unwrap();
        assert!(outcome.timed_out && !outcome.success());
        assert!(outcome.took < Duration::from_secs(20));
    }

    #[test]
    fn a_group_is_asked_before_it_is_killed_and_may_clean_up() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo cleaned > cleaned; exit 7' TERM; sleep 60 & wait";
        let flag = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&flag);
        let until: Until = Arc::new(move || asked.load(Ordering::Relaxed));
        let run = Invocation::new("bash").args(["-c", script]).folder(folder.path()).until(&until);
        let setter = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            flag.store(true, Ordering::Relaxed);
        });
        let run = run.grace(Duration::from_secs(10)).run().unwrap();
        setter.join().unwrap();
        assert!(run.stopped && !run.timed_out && run.took < Duration::from_secs(9));
        assert_eq!((run.code, folder.path().join("cleaned").exists()), (Some(7), true));
        let deaf = Invocation::new("bash").args(["-c", "trap '' TERM; sleep 60"]).limit(Duration::from_millis(50));
        let run = deaf.grace(Duration::from_millis(100)).run().unwrap();
        assert!(run.timed_out && run.signal == Some(9) && run.took < Duration::from_secs(20));
    }

    #[test]
    fn what_it_left_running_and_how_much_it_said_is_told() {
        let run = Invocation::new("sh").args(["-c", "sleep 3 >/dev/null 2>&1 & echo 12345; echo 1 >&2"]).cap(3);
        let run = run.run().unwrap();
        assert!(run.left_running);
        assert_eq!((run.stdout.as_slice(), run.said, run.stdout_cut), (&b"123"[..], (6, 2), true));
        assert!(!Invocation::new("true").run().unwrap().left_running);
    }

    #[test]
    fn what_a_child_leaves_in_the_background_holds_nobody_up() {
        let run = Invocation::new("sh").args(["-c", "setsid sleep 30 & echo done; exit 3"]).run().unwrap();
        assert_eq!((run.code, run.stdout.as_slice(), run.timed_out), (Some(3), &b"done\n"[..], false));
        assert!(run.took < Duration::from_secs(20));
    }

    #[test]
    fn caps_output_and_hides_the_environment() {
        let outcome = Invocation::new("head").args(["-c", "100000", "/dev/zero"]).cap(10).run().unwrap();
        assert_eq!((outcome.stdout.len(), outcome.stdout_cut), (10, true));
        let outcome = Invocation::new("env").run().unwrap();
        assert!(!String::from_utf8_lossy(&outcome.stdout).contains("CARGO_"));
    }

    #[test]
    fn a_daemon_ends_when_it_is_dropped() {
        let mut daemon = Invocation::new("sleep").args(["600"]).spawn().unwrap();
        assert!(daemon.alive());
        daemon.stop(Duration::from_secs(5));
        assert!(!daemon.alive());
    }

    #[test]
    fn names_a_program_that_is_missing() {
        let error = Invocation::new("no-such-program-here").run().err().unwrap();
        assert!(error.to_string().contains("no-such-program-here"));
    }
}
