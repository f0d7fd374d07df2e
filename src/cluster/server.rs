//! Making a server and letting it run: what is started, as whom, and tied to our own end.
//!
//! Every child stands in the home (that is how a later run finds it) and gets a signal from the
//! kernel when we end, however we end. As root the server runs as `nobody`, not as `postgres`: what
//! a dump makes its server do must not reach the production's socket by peer authentication. Where
//! the kernel lets us, it runs in a network of its own, with no interface that is up.

use std::path::Path;

use crate::base::child::{Daemon, Invocation};
use crate::base::{env, files};

use super::{ClusterError, Home};

/// The bootstrap superuser.
pub const SUPERUSER: &str = "postgres";

/// How a program of the home is started.
pub struct Start<'a> {
    /// The home.
    pub home: &'a Home,
    /// The user that it runs as, when it is not we.
    pub user: Option<(u32, u32)>,
    /// The signal that the kernel sends it when we end: `INT`, `QUIT`, `KILL`.
    pub at_our_end: &'a str,
    /// Whether it runs in a network of its own.
    pub alone: bool,
}

impl Start<'_> {
    /// `program`, standing in the home, tied to our end.
    #[must_use]
    pub fn program(&self, program: &Path) -> Invocation {
        let invocation = self.wrapped(program);
        invocation.folder(self.home.path())
    }

    fn wrapped(&self, program: &Path) -> Invocation {
        let unshare = env::find_program("unshare").filter(|_| self.alone);
        let user = self.user;
        let Some(setpriv) = env::find_program("setpriv") else {
            return match unshare {
                Some(unshare) if user.is_none() => Invocation::new(unshare).args(["--net", "--"]).args([program]),
                _ => Invocation::new(program).user(user),
            };
        };
        let invocation = match unshare {
            Some(unshare) => Invocation::new(unshare).args(["--net", "--"]).args([setpriv]),
            None => Invocation::new(setpriv),
        };
        let mut invocation = invocation.args(["--pdeathsig", self.at_our_end]);
        if let Some((uid, gid)) = user {
            let become_user = [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
            invocation = invocation.args(become_user);
        }
        invocation.args(["--"]).args([program])
    }
}

/// Whether a program can be given a network of its own here: only root may.
#[must_use]
pub(super) fn can_be_alone() -> bool {
    let tried = || Invocation::new("unshare").args(["--net", "--", "true"]).run();
    env::user_id() == 0 && env::find_program("setpriv").is_some() && tried().is_ok_and(|outcome| outcome.success())
}

/// The command that makes the cluster in the home.
#[must_use]
pub fn initdb(start: &Start<'_>, binaries: &Path, encoding: &str) -> Invocation {
    start
        .program(&binaries.join("initdb"))
        .args(["-A", "trust", "--no-sync", "--no-instructions", "-E", encoding, "--locale=C", "-U", SUPERUSER, "-D"])
        .args([start.home.data()])
}

/// What is launched, and how.
pub struct Launch {
    /// Its process.
    pub daemon: Daemon,
    /// The command line.
    pub line: String,
}

/// Starts the server of the home with `settings`, no TCP, its socket in the home.
///
/// # Errors
/// When it cannot be started.
pub fn launch(start: &Start<'_>, binaries: &Path, settings: &[&str]) -> Result<Launch, ClusterError> {
    let socket = format!("unix_socket_directories={}", start.home.path().to_string_lossy());
    let fixed = [
        "listen_addresses=",
        &socket,
        "unix_socket_permissions=0700",
        "port=5432",
        "logging_collector=off",
        // In the data folder, so that nothing is left in /dev/shm whatever ends the server.
        "dynamic_shared_memory_type=mmap",
    ];
    let settings = fixed.iter().chain(settings).flat_map(|setting| ["-c", setting]);
    let invocation = start.program(&binaries.join("postgres")).args(["-D"]).args([start.home.data()]).args(settings);
    let line = invocation.line();
    let log = files::create_log(&start.home.path().join("server.log"))?;
    let mut daemon = invocation.spawn_logged(log)?;
    start.home.note(daemon.number())?;
    Ok(Launch { daemon, line })
}

/// Who runs the server: we, or as root the first of `users` that exists.
///
/// # Errors
/// As root, when none of them exists.
pub fn unprivileged(users: &[&str]) -> Result<Option<(u32, u32)>, ClusterError> {
    if env::user_id() != 0 {
        return Ok(None);
    }
    users.iter().find_map(|user| env::user_by_name(user)).map(Some).ok_or(ClusterError::NoUser)
}
