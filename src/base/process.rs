//! Processes as the kernel shows them: who we are in a way that survives the reuse of numbers, who
//! works inside a folder of ours, and on which ports a process listens. Signals go only to what was
//! found by such a look, never to a name.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};

use super::digest::Digest;
use super::{env, files, text};

/// The most of a file of the kernel that is read.
const LIMIT: u64 = 4 << 20;

/// A process, told apart from a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it started, in ticks since the machine's start; 0 where the system does not tell.
    pub started: u64,
    /// The name space and machine that the number counts in, as a short digest; 0 where the system
    /// does not tell.
    pub space: u64,
}

impl Identity {
    /// Our own.
    #[must_use]
    pub fn own() -> Self {
        let pid = std::process::id();
        Self { pid, started: stat(pid).map_or(0, |stat| stat.started), space: own_space() }
    }

    /// Whether that very process still lives. What counts in another name space cannot be seen from
    /// here and is taken for alive: nobody may clean up after somebody who works.
    #[must_use]
    pub fn alive(&self) -> bool {
        if self.space != own_space() {
            return true;
        }
        match stat(self.pid) {
            Some(stat) => stat.started == self.started && !stat.gone,
            None if self.started != 0 => false,
            // A process that may not be signalled is there.
            None => pid(self.pid)
                .is_some_and(|pid| !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))),
        }
    }
}

/// A process that works inside a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its number.
    pub pid: u32,
    /// Its program's name, at most 15 bytes.
    pub program: String,
    /// It is known by more than where it stands: nobody but us can have started it, or what we started.
    pub marked: bool,
}

/// The variable that everything started for a folder of ours carries, with the folder as its value.
pub const MARK: &str = "EVIDENCE_FOLDER";

/// Every process whose working folder is `folder` or lies below it, which carries its [`MARK`], or
/// which counts in the name space `space`; those of other users only when we are root.
#[must_use]
pub fn working_for(folder: &Path, space: Option<&Path>) -> Vec<Worker> {
    let inside = |pid: u32| {
        files::link_target(&of(pid, "cwd")).is_ok_and(|cwd| {
            // The kernel says so of a folder that is gone.
            let text = cwd.to_string_lossy();
            Path::new(text.strip_suffix(" (deleted)").unwrap_or(&text)).starts_with(folder)
        })
    };
    // Our own name space holds everybody.
    let space = space.filter(|space| space_of(std::process::id()).is_some_and(|own| own != **space));
    let worker = |pid: u32| {
        let marked = carries(pid, folder) || space.is_some() && space_of(pid).as_deref() == space;
        let stat = stat(pid).filter(|stat| !stat.gone && (marked || inside(pid)))?;
        Some(Worker { pid, program: stat.program, marked })
    };
    numbers().into_iter().filter_map(worker).collect()
}

fn numbers() -> Vec<u32> {
    let names = files::names(Path::new("/proc")).unwrap_or_default();
    names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect()
}

/// Whether the process was started with the mark of `folder`; what it wrote over since does not show.
fn carries(pid: u32, folder: &Path) -> bool {
    let mark = [MARK.as_bytes(), b"=", folder.as_os_str().as_bytes()].concat();
    let environment = files::read_system_text(&of(pid, "environ"), LIMIT);
    environment.is_ok_and(|text| text.as_bytes().split(|byte| *byte == 0).any(|variable| variable == mark))
}

/// The name space that the process's number counts in, as the kernel names it.
#[must_use]
pub fn space_of(number: u32) -> Option<PathBuf> {
    files::link_target(&of(number, "ns/pid")).ok()
}

/// The processes that `number` started and that still live.
#[must_use]
pub fn children(number: u32) -> Vec<u32> {
    let child = |pid: &u32| stat(*pid).is_some_and(|stat| stat.parent == number && !stat.gone);
    numbers().into_iter().filter(child).collect()
}

/// Sends `signal` to the process `number`; one that is gone is no error.
pub fn send(number: u32, signal: Signal) {
    if let Some(pid) = pid(number) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Whether at least as many tasks as this machine has processors want one just now, the caller left out.
/// Where the system does not tell, there is room.
#[must_use]
pub fn is_crowded() -> bool {
    let text = files::read_system_text(Path::new("/proc/loadavg"), LIMIT).unwrap_or_default();
    // `0.20 0.18 0.12 1/80 11206`: running and all tasks stand before the last one's number.
    let running = text.split_whitespace().nth(3).and_then(|tasks| tasks.split_once('/')?.0.parse::<usize>().ok());
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    running.is_some_and(|running| running > processors)
}

/// Signals that [`send`] knows.
pub mod signals {
    /// Ends a process at once.
    pub const KILL: rustix::process::Signal = rustix::process::Signal::KILL;
    /// Ends a PostgreSQL server at once, its children and shared memory included.
    pub const QUIT: rustix::process::Signal = rustix::process::Signal::QUIT;
}

/// How many TCP ports the process listens on.
///
/// # Errors
/// When the kernel does not show its sockets.
pub fn tcp_listeners(number: u32) -> Result<usize, files::ReadError> {
    let own: Vec<String> = files::names(&of(number, "fd"))?
        .into_iter()
        .filter_map(|fd| files::link_target(&of(number, "fd").join(fd)).ok())
        .filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect();
    let mut count = 0;
    for table in ["net/tcp", "net/tcp6"] {
        let text = match files::read_system_text(&of(number, table), LIMIT) {
            // A kernel without IPv6 has no such table.
            Err(files::ReadError::Absent { .. }) if table == "net/tcp6" => continue,
            text => text?,
        };
        count += text.lines().skip(1).filter(|line| listens(line, &own)).count();
    }
    Ok(count)
}

/// A line of the kernel's table: number, local, remote, state (`0A` listens), …, inode.
fn listens(line: &str, own: &[String]) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|inode| own.iter().any(|own| own == inode))
}

struct Stat {
    program: String,
    parent: u32,
    started: u64,
    gone: bool,
}

fn stat(pid: u32) -> Option<Stat> {
    let stat = files::read(&of(pid, "stat"), LIMIT).ok()?;
    let (program, fields) = split_stat(&stat)?;
    let gone = matches!(fields.first(), Some(&("Z" | "X")));
    Some(Stat { program, parent: fields.get(1)?.parse().ok()?, started: fields.get(19)?.parse().ok()?, gone })
}

/// The name and the fields behind it of a process's `stat`, such as `4711 (a name) with) S 1 …`: the
/// name ends at the last bracket, whatever stands in it.
#[must_use]
pub fn split_stat(stat: &[u8]) -> Option<(String, Vec<&str>)> {
    let open = stat.iter().position(|b| *b == b'(')?;
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    Some((text::from_bytes(stat.get(open + 1..close)?).into_owned(), rest.split_ascii_whitespace().collect()))
}

/// A short digest: the first name space has the same number on every machine, so the machine's name
/// belongs to it.
fn own_space() -> u64 {
    let Ok(link) = files::link_target(Path::new("/proc/self/ns/pid")) else { return 0 };
    let text = format!("{} {}", link.to_string_lossy(), env::kernel().hostname);
    let [a, b, c, d, ..] = Digest::of(text.as_bytes()).bytes();
    u64::from(u32::from_be_bytes([a, b, c, d]))
}

fn of(pid: u32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::base::child::Invocation;

    #[test]
    fn we_live_and_a_number_used_again_is_somebody_else() {
        let own = Identity::own();
        assert!(own.alive() && own.started > 0 && own.space > 0);
        assert!(!Identity { started: own.started + 1, ..own }.alive());
        assert!(Identity { started: own.started + 1, space: 1, ..own }.alive(), "another name space is not judged");
    }

    #[test]
    fn a_name_may_hold_brackets() {
        let (name, fields) = split_stat(b"7 (a) S (b) S 1 2 3\n").unwrap();
        assert_eq!((name.as_str(), fields), ("a) S (b", vec!["S", "1", "2", "3"]));
    }

    #[test]
    fn who_works_in_a_folder_is_found_by_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let folder = files::real_path(folder.path()).unwrap();
        let mut daemon = Invocation::new("sleep").args(["60"]).folder(&folder).spawn().unwrap();
        let found = working_for(&folder, None);
        assert_eq!(found.iter().map(|w| (w.program.as_str(), w.marked)).collect::<Vec<_>>(), [("sleep", false)]);
        send(found[0].pid, signals::KILL);
        daemon.stop(std::time::Duration::from_secs(5));
        assert!(working_for(&folder, None).is_empty());

        // One that went elsewhere is known by what it was started with.
        let sleep = Invocation::new("sleep").args(["60"]).folder(Path::new("/")).env(MARK, &folder);
        let mut daemon = sleep.spawn().unwrap();
        let found = working_for(&folder, None);
        assert_eq!(found.iter().map(|w| (w.pid, w.marked)).collect::<Vec<_>>(), [(daemon.number().unwrap(), true)]);
        assert!(children(std::process::id()).contains(&found[0].pid));
        assert_eq!(space_of(found[0].pid), space_of(std::process::id()));
    }

    #[test]
    fn listening_ports_are_those_of_the_process() {
        let before = tcp_listeners(std::process::id()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(tcp_listeners(std::process::id()).unwrap() > before);
        drop(port);
        assert!(listens("0: 0100007F:1538 00000000:0000 0A 0 0 0 0 0 77", &["77".into()]));
        assert!(!listens("0: 0100007F:1538 00000000:0000 01 0 0 0 0 0 77", &["77".into()]));
    }
}
