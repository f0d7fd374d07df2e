//! PostgreSQL servers of our own: made for one purpose, on a unix socket in a private folder, gone
//! afterwards, however we end. Restore drills and the demonstration live on them.
//!
//! This room knows how to make, end and clear away what is ours. It may not touch any other server:
//! everything it ends, it finds by the private folder that it made, and a folder says in its name
//! whose it is.

mod binaries;
mod home;
mod server;
mod sweep;

pub use binaries::{find, find_major, is_installed, package, version_of};
pub use home::{Home, OwnerNote};
pub use server::{SUPERUSER, Server, Start, initdb, launch, unprivileged};
pub use sweep::{Swept, owner_lives, sweep};

use std::path::PathBuf;

/// Whether servers of ours can be given name spaces of their own here: a network cut off from every other, and
/// process numbers.
#[must_use]
pub fn can_be_alone() -> bool {
    server::can_be_alone()
}

/// What folders of restore drills are called, in front of their owner.
pub const DRILL: &str = "evidence-drill-";
/// What folders of other servers of ours are called, in front of their owner.
pub const SERVER: &str = "evidence-pg-";

/// Why a server of our own could not be made or put away.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A file or folder.
    #[error(transparent)]
    Write(#[from] crate::base::files::WriteError),
    /// A program that could not be run.
    #[error(transparent)]
    Child(#[from] crate::base::child::ChildError),
    /// The kernel's bounds.
    #[error(transparent)]
    Confine(#[from] crate::base::confine::ConfineError),
    /// The thread that starts a server is gone.
    #[error("the server could not be started: the thread that starts it ended")]
    Thread,
    /// A socket's path may have 107 bytes.
    #[error("{folder}: too long a path for a unix socket (107 bytes); name a shorter folder")]
    TooLong {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is not there, or the server's user cannot come into it.
    #[error("{folder}: is not there, or the user that the server runs as cannot come into it; name another folder")]
    Unreachable {
        /// The folder.
        folder: PathBuf,
    },
    /// As root the server needs another user.
    #[error("as root the server needs another user to run as: neither `nobody` nor `postgres` exists")]
    NoUser,
    /// The thread that removes the folder is gone.
    #[error("{folder}: could not be removed: its keeper is gone; remove it by hand")]
    Keeper {
        /// The folder.
        folder: PathBuf,
    },
}
