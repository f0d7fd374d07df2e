//! The kernel's table of processes, read once: what each is, which of them may not be read, and
//! whether the kernel hides some. It judges nothing and leaves nothing out.

use std::collections::BTreeSet;
use std::path::Path;

use crate::base::files::{self, ReadError};
use crate::base::process::split_stat;
use crate::base::{env, mounts, text};

/// A command line longer than this is cut by the kernel's own limits long before.
const LIMIT: u64 = 4 << 20;
/// The number of the first process namespace, fixed in the kernel.
const INITIAL: &str = "pid:[4026531836]";
/// No such process: it ended between two reads.
const ESRCH: i32 = 3;

/// One process.
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) ppid: u32,
    pub(super) state: char,
    /// The effective user.
    pub(super) uid: u32,
    /// When it started, in clock ticks since the kernel did.
    pub(super) start_ticks: u64,
    /// As the kernel keeps it, at most 15 bytes.
    pub(super) name: String,
    /// Empty for threads of the kernel and for processes that have ended but not been waited for.
    pub(super) words: Vec<String>,
}

/// What was read.
pub(super) struct Table {
    pub(super) processes: Vec<Process>,
    /// Numbers of processes that may not be read.
    pub(super) unread: Vec<u32>,
    pub(super) vanished: u64,
    /// Why some processes may not even be listed.
    pub(super) hidden: Option<String>,
    pub(super) initial_namespace: Option<bool>,
}

/// Reads the table below `root`, which is `/proc`; only the process `pid`, if given.
///
/// # Errors
/// When the table itself cannot be read.
pub(super) fn read(root: &Path, pid: Option<u32>) -> Result<Table, ReadError> {
    let listed: BTreeSet<u32> = files::names(root)?.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
    let mut table =
        Table { processes: Vec::new(), unread: Vec::new(), vanished: 0, hidden: None, initial_namespace: None };
    let first = listed.contains(&1);
    for number in listed {
        match process(&root.join(number.to_string()), number) {
            Ok(process) => table.processes.push(process),
            Err(ReadError::Absent { .. }) => table.vanished += 1,
            Err(ReadError::Io { source, .. }) if source.raw_os_error() == Some(ESRCH) => table.vanished += 1,
            Err(_) => table.unread.push(number),
        }
    }
    let ours = env::user_id();
    let foreign = table.processes.iter().any(|process| process.uid != ours) || !table.unread.is_empty();
    table.hidden = hidden(option(root).as_deref(), first, foreign || ours == 0);
    if let Some(pid) = pid {
        // The others were read for what they tell of hidden ones and of our own ancestors.
        table.unread.retain(|number| *number == pid);
    }
    let namespace = files::link_target(&root.join("self/ns/pid")).ok();
    table.initial_namespace = namespace.map(|target| target.as_os_str() == INITIAL);
    Ok(table)
}

/// The option with which the table at `root` hides processes, if it has one.
fn option(root: &Path) -> Option<String> {
    let mount = mounts::mount_of(root).ok()??;
    let all = mount.super_options.into_iter().chain(mount.options);
    all.into_iter().find(|option| option.strip_prefix("hidepid=").is_some_and(|how| !["0", "off"].contains(&how)))
}

/// The first process is always there: where it is not listed, others are hidden too. Where the
/// option is set, to see anybody else's process is to be exempt from it.
fn hidden(option: Option<&str>, first_listed: bool, exempt: bool) -> Option<String> {
    match option {
        Some(option) if !exempt => Some(format!("/proc is mounted with {option}: processes of other users are hidden")),
        _ if !first_listed => Some("process 1 is not listed in /proc: processes are hidden".to_owned()),
        _ => None,
    }
}

fn process(folder: &Path, pid: u32) -> Result<Process, ReadError> {
    let stat = files::read(&folder.join("stat"), LIMIT)?;
    let status = files::read(&folder.join("status"), LIMIT)?;
    let command = files::read(&folder.join("cmdline"), LIMIT)?;
    let odd = || ReadError::NotText { path: folder.join("stat") };
    let (name, fields) = split_stat(&stat).ok_or_else(odd)?;
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).ok_or_else(odd);
    Ok(Process {
        pid,
        ppid: u32::try_from(number(1)?).map_err(|_| odd())?,
        state: fields.first().and_then(|field| field.chars().next()).ok_or_else(odd)?,
        uid: effective_user(&status).ok_or_else(odd)?,
        start_ticks: number(19)?,
        name,
        words: words(&command),
    })
}

fn effective_user(status: &[u8]) -> Option<u32> {
    let status = text::from_bytes(status);
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Words end with NUL; a process that wrote over them may have left none, or NULs at the end.
fn words(command: &[u8]) -> Vec<String> {
    let end = command.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    if end == 0 {
        return Vec::new();
    }
    command[..end].split(|b| *b == 0).map(|word| text::from_bytes(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_may_be_odd() {
        assert_eq!(words(b"psql\0-c\0\0select 1\0\0\0"), ["psql", "-c", "", "select 1"]);
        assert!(words(b"\0\0").is_empty() && words(b"").is_empty());
        assert_eq!(effective_user(b"Name:\tx\nUid:\t1000\t0\t0\t0\n"), Some(0));
    }

    #[test]
    fn hidden_is_told_from_nobody_there() {
        assert!(hidden(None, true, false).is_none());
        assert!(hidden(None, false, true).is_some_and(|why| why.contains("process 1")));
        assert!(hidden(Some("hidepid=invisible"), true, false).is_some_and(|why| why.contains("hidepid=invisible")));
        assert!(hidden(Some("hidepid=2"), true, true).is_none(), "whoever sees others is exempt");
    }

    #[test]
    fn our_own_process_is_in_the_table() {
        let table = read(Path::new("/proc"), None).unwrap();
        let own = table.processes.iter().find(|process| process.pid == std::process::id()).unwrap();
        assert!(own.ppid > 0 && own.start_ticks > 0 && !own.words.is_empty());
        assert_eq!(own.uid, env::user_id());
    }
}
