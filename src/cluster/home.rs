//! The private folder of one server. Its name says whose it is from the moment that it exists
//! (number and start of the owner, and the name space that the number counts in), so that the next
//! run can tell what a killed one left behind; a note inside repeats it for people and names the
//! server.
//!
//! The folder is made before the kernel's sandbox is entered, and the sandbox lets nobody remove a
//! folder from `/tmp`. So each home has a keeper: a thread that was there before, and whose whole
//! ability is to remove this one folder when it is told to.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde::{Deserialize, Serialize};

use crate::base::files::{self, WriteError};
use crate::base::process::{self, Identity};
use crate::base::random;

use super::ClusterError;

/// The note in the folder.
const NOTE: &str = "owner.json";
/// What a socket's name adds to its folder, and the most that the whole may have.
const SOCKET: (usize, usize) = ("/.s.PGSQL.5432".len(), 107);

/// What the note says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerNote {
    /// The number of the process that made the folder.
    pub owner_pid: u32,
    /// When that process started, in ticks since the machine's start.
    pub owner_started: u64,
    /// The server's number, once it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_pid: Option<u32>,
}

/// A private folder, removed at the latest when this is dropped.
pub struct Home {
    path: PathBuf,
    user: Option<(u32, u32)>,
    keeper: Sender<Sender<Result<(), WriteError>>>,
}

impl Home {
    /// Makes a folder `PREFIX…` in `parent`, 0700, that belongs to `user` (when we are root).
    ///
    /// # Errors
    /// When its path would be too long for a socket, or the system refuses.
    pub fn make(parent: &Path, prefix: &str, user: Option<(u32, u32)>) -> Result<Self, ClusterError> {
        let parent = files::real_path(parent).map_err(|_| ClusterError::Unreachable { folder: parent.to_owned() })?;
        if !reachable(&parent, user) {
            return Err(ClusterError::Unreachable { folder: parent });
        }
        let own = Identity::own();
        let mark = random::hex().unwrap_or_default();
        let mark = mark.get(..6).unwrap_or("0");
        let path = parent.join(format!("{prefix}{}.{}.{}-{mark}", own.pid, own.started, own.space));
        if path.as_os_str().len() + SOCKET.0 > SOCKET.1 {
            return Err(ClusterError::TooLong { folder: path });
        }
        if !files::make_new_folder(&path)? {
            // Nobody can have guessed the name: whatever stands there is not to be trusted.
            return Err(ClusterError::Keeper { folder: path });
        }
        let home = Self { keeper: keep(path.clone()), path, user };
        home.note(None)?;
        if let Some((uid, gid)) = user {
            files::set_owner(&home.path, uid, gid)?;
        }
        Ok(home)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The data folder of the server.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The user that everything in it runs as, when it is not we.
    #[must_use]
    pub fn user(&self) -> Option<(u32, u32)> {
        self.user
    }

    /// Notes the server's number beside the owner's.
    ///
    /// # Errors
    /// When the note cannot be written.
    pub fn note(&self, server_pid: Option<u32>) -> Result<(), ClusterError> {
        let own = Identity::own();
        let note = OwnerNote { owner_pid: own.pid, owner_started: own.started, server_pid };
        let text = serde_json::to_vec(&note).unwrap_or_default();
        Ok(files::write(&self.path.join(NOTE), &text)?)
    }

    /// How many processes work in it or, with `space`, count in that name space of its server.
    #[must_use]
    pub fn processes(&self, space: Option<&Path>) -> usize {
        process::working_for(&self.path, space).len()
    }

    /// Ends whatever of ours still works in it (and in `space`), and removes it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn clear(&self, space: Option<&Path>) -> Result<(), ClusterError> {
        super::sweep::end_processes(&self.path, space);
        let gone = || ClusterError::Keeper { folder: self.path.clone() };
        let (reply, answer) = channel();
        self.keeper.send(reply).map_err(|_| gone())?;
        Ok(answer.recv().map_err(|_| gone())??)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next run.
        let _ = self.clear(None);
    }
}

/// Whether `user` can come into `folder`: every folder above it lets it through.
fn reachable(folder: &Path, user: Option<(u32, u32)>) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Some((uid, _)) = user else { return true };
    let open = |folder: &Path| files::metadata(folder).is_ok_and(|m| m.uid() == uid || m.mode() & 0o001 != 0);
    folder.ancestors().all(open)
}

/// Starts the thread that can remove `path`; it ends when its home is dropped.
fn keep(path: PathBuf) -> Sender<Sender<Result<(), WriteError>>> {
    let (ask, asked): (_, Receiver<Sender<Result<(), WriteError>>>) = channel();
    std::thread::spawn(move || {
        for reply in asked {
            let _ = reply.send(files::remove_folder(&path));
        }
    });
    ask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_private_says_whose_it_is_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::make(folder.path(), super::super::DRILL, None).unwrap();
        let path = home.path().to_owned();
        assert!(super::super::owner_lives(&path));
        home.note(Some(7)).unwrap();
        let note: OwnerNote = serde_json::from_slice(&files::read(&path.join(NOTE), 1000).unwrap()).unwrap();
        assert_eq!((note.owner_pid, note.server_pid), (std::process::id(), Some(7)));
        drop(home);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_too_deep_for_a_socket_is_refused_before_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(80));
        files::make_folder(&deep).unwrap();
        assert!(matches!(Home::make(&deep, "evidence-drill-", None), Err(ClusterError::TooLong { .. })));
        assert!(files::names(&deep).unwrap().is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_keeper_removes_what_the_sandbox_would_not_let_us() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().to_owned();
        std::thread::spawn(move || {
            let home = Home::make(&parent, "evidence-drill-", None).unwrap();
            crate::base::sandbox::enter(&[home.path()]).unwrap();
            assert!(files::write(&home.path().join("inside"), b"x").is_ok());
            home.clear(None).unwrap();
            assert!(!home.path().exists());
        })
        .join()
        .unwrap();
    }
}
