//! Clearing away what killed runs left behind: folders of ours whose owner is dead, and the server
//! that may still work inside. A process is ended only when it was started with that folder's mark, or when
//! its working folder lies in such a folder and it is one of the programs that we start there; nothing is
//! ever found by its name alone.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::clock::Deadline;
use crate::base::process::{self, Identity, Worker, signals};
use crate::base::{env, files};

use super::{DRILL, SERVER};

/// What we start in a home. An operator's shell that stands there to look is not among them.
const PROGRAMS: [&str; 8] = ["postgres", "initdb", "psql", "pg_restore", "pg_dump", "pg_amcheck", "setpriv", "unshare"];

/// One folder that was cleared away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The folder.
    pub folder: PathBuf,
    /// Processes that still worked in it.
    pub processes: usize,
    /// Whether it is gone now.
    pub gone: bool,
}

/// Clears `parent` of the folders of dead owners.
#[must_use]
pub fn sweep(parent: &Path) -> Vec<Swept> {
    let Ok(parent) = files::real_path(parent) else { return Vec::new() };
    let names = files::names(&parent).unwrap_or_default();
    let homes = names.into_iter().filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with(DRILL) || name.starts_with(SERVER)
    });
    let left = homes.map(|name| parent.join(name)).filter(|home| is_ours(home) && !owner_lives(home));
    left.map(|folder| clear(&folder)).collect()
}

fn clear(folder: &Path) -> Swept {
    let processes = process::working_for(folder, None).len();
    end_processes(folder, None);
    let gone = files::remove_folder(folder).is_ok();
    Swept { folder: folder.to_owned(), processes, gone }
}

/// A real folder that belongs to us or, when we are root, to a user that we run servers as.
fn is_ours(folder: &Path) -> bool {
    let Ok(metadata) = files::metadata(folder) else { return false };
    let me = env::user_id();
    let servant = |name| env::user_by_name(name).is_some_and(|(uid, _)| uid == metadata.uid());
    metadata.is_dir() && (metadata.uid() == me || (me == 0 && (servant("nobody") || servant("postgres"))))
}

/// Whether the owner that the folder's name tells still lives. A name that tells none was not given
/// by us, and is left alone.
#[must_use]
pub fn owner_lives(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let rest = name.strip_prefix(DRILL).or_else(|| name.strip_prefix(SERVER));
    rest.and_then(owner).is_none_or(|owner| owner.alive())
}

/// Reads `PID.STARTED.SPACE-MARK`.
fn owner(text: &str) -> Option<Identity> {
    let mut numbers = text.split_once('-')?.0.split('.');
    let mut next = || numbers.next()?.parse::<u64>().ok();
    let (pid, started, space) = (next()?, next()?, next()?);
    Some(Identity { pid: u32::try_from(pid).ok()?, started, space })
}

/// Ends every process of ours that works in `folder` (and in the name space `space`): the server is asked
/// first, so that it gives back its shared memory, and whatever is left after a moment is killed.
pub(super) fn end_processes(folder: &Path, space: Option<&Path>) {
    let ours = || -> Vec<Worker> {
        let mut workers = process::working_for(folder, space);
        workers.retain(|worker| worker.marked || PROGRAMS.contains(&worker.program.as_str()));
        workers
    };
    for (signal, patience) in [(signals::QUIT, 3), (signals::KILL, 5)] {
        let deadline = Deadline::after(Duration::from_secs(patience));
        loop {
            let workers = ours();
            if workers.is_empty() {
                return;
            }
            workers.iter().for_each(|worker| process::send(worker.pid, signal));
            if deadline.passed() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::child::Invocation;

    #[test]
    fn only_folders_of_dead_owners_go_with_what_works_in_them() {
        let parent = tempfile::tempdir().unwrap();
        let parent = files::real_path(parent.path()).unwrap();
        let own = Identity::own();
        let name = |pid: u32, started: u64| format!("{DRILL}{pid}.{started}.{}-abcdef", own.space);
        let dead = parent.join(name(own.pid, own.started + 1));
        let alive = parent.join(name(own.pid, own.started));
        let foreign = parent.join(format!("{DRILL}notes"));
        for folder in [&dead, &alive, &foreign] {
            files::make_folder(&folder.join("data")).unwrap();
        }
        // A stand-in with the name of a server, and a bystander that only looks.
        let sleep = env::find_program("sleep").unwrap();
        let server = parent.join("postgres");
        assert!(Invocation::new("cp").args([&sleep, &server]).run().unwrap().success());
        let mut server = Invocation::new(server).args(["60"]).folder(&dead.join("data")).spawn().unwrap();
        let mut bystander = Invocation::new("sleep").args(["60"]).folder(&dead).spawn().unwrap();
        // What a dump started and what went elsewhere still carries the mark.
        let stray = Invocation::new("sleep").args(["60"]).folder(Path::new("/")).env(process::MARK, &dead);
        let mut stray = stray.spawn().unwrap();
        let swept = sweep(&parent);
        assert_eq!(swept, [Swept { folder: dead.clone(), processes: 3, gone: true }]);
        assert!(!dead.exists() && alive.exists() && foreign.exists());
        assert!(!server.alive() && bystander.alive() && !stray.alive());
    }

    #[test]
    fn a_link_is_never_followed() {
        let parent = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let link = parent.path().join(format!("{DRILL}1.1.{}-abcdef", Identity::own().space));
        std::os::unix::fs::symlink(other.path(), &link).unwrap();
        assert!(sweep(parent.path()).is_empty() && other.path().exists());
    }
}
