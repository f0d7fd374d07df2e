//! Where the drill's server runs. Both engines do the same things in the same order: make, start, run
//! clients, tell how they are cut off, put away; the rest of the drill does not know which it is.

mod client;
mod container;
mod local;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::child::Invocation;
use crate::cluster::{ClusterError, Home};
use crate::collect::Kernel;
use crate::model::fact::Absence;
use crate::model::value::Map;

use super::archive::Dump;
use super::head::Head;
use super::order::Order;
use super::steps::Steps;

/// The database that is restored into.
pub(super) const DATABASE: &str = "drill";

/// Which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Installed programs, in a private folder.
    #[default]
    Local,
    /// A container of Docker.
    Docker,
    /// A container of Podman.
    Podman,
}

impl Kind {
    /// The word in facts, and the program's name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Bytes of disk that a server takes now.
pub(super) type Meter = Box<dyn FnMut() -> Option<u64> + Send>;

/// A place for one server.
pub(super) trait Engine: Sync {
    /// Makes the cluster and starts the server, ready for clients.
    fn raise(&mut self, steps: &mut Steps) -> Result<(), Absence>;

    /// A client of the server, e.g. `psql`, with `words` behind its connection.
    fn client(&self, program: &str, words: &[&str]) -> Invocation;

    /// The path by which a client of the server can read `dump`.
    fn hand_over(&self, dump: &Dump, steps: &mut Steps) -> Result<PathBuf, Absence>;

    /// The folder of its socket, where it is on this machine.
    fn socket(&self) -> Option<&Path>;

    /// The private folder that it may write in, where it is on this machine.
    fn folder(&self) -> Option<&Path>;

    /// Measures how many bytes of disk it takes; gives none while there is nothing to measure.
    fn meter(&self) -> Meter;

    /// What can be said from outside of how it is cut off.
    fn isolation(&mut self, steps: &mut Steps) -> Result<Map, Absence>;

    /// Ends the server and removes everything; says what is left.
    fn put_away(&mut self, steps: &mut Steps) -> Map;
}

/// The engine that the case orders, with nothing started yet.
pub(super) fn of(
    order: &Order,
    head: &Head,
    home: Option<Result<Home, ClusterError>>,
    kernel: Kernel<'_>,
) -> Result<Box<dyn Engine>, Absence> {
    match order.engine {
        Kind::Local => Ok(Box::new(local::Local::of(order, head, home, kernel)?)),
        kind => Ok(Box::new(container::Container::of(kind, order)?)),
    }
}
