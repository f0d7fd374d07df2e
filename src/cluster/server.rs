//! Making a server and letting it run: what is started, as whom, and tied to our own end.
//!
//! Every child stands in the home (that is how a later run finds it) and gets a signal from the
//! kernel when we end, however we end. As root the server runs as `nobody`, not as `postgres`: what
//! a dump makes its server do must not reach the production's socket by peer authentication. Where
//! the kernel lets us, it runs in name spaces of its own: a network with no interface that is up, and
//! process numbers, so that everything that it ever started ends with it. A server that carries out a
//! dump is confined besides: see [`crate::base::confine`].

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::base::child::{Daemon, Invocation};
use crate::base::confine::{self, Bounds, Confined};
use crate::base::process::{self, signals};
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
    /// Whether it runs in name spaces of its own: of the network, of processes, of shared memory. It and
    /// whatever it started is killed when we end, whatever `at_our_end` says.
    pub alone: bool,
    /// Whether the kernel confines it to its home: it starts no other program and connects to nobody.
    pub confined: bool,
}

impl Start<'_> {
    /// `program`, standing in the home, marked with it, tied to our end.
    #[must_use]
    pub fn program(&self, program: &Path) -> Invocation {
        let invocation = self.wrapped(program);
        invocation.folder(self.home.path()).env(process::MARK, self.home.path())
    }

    fn wrapped(&self, program: &Path) -> Invocation {
        let Some(setpriv) = env::find_program("setpriv") else { return Invocation::new(program).user(self.user) };
        let unshare = env::find_program("unshare").filter(|_| self.alone);
        let (mut invocation, at_our_end) = match unshare {
            Some(unshare) => {
                // The one outside ends with us, and takes everything inside along.
                let outside = Invocation::new(&setpriv).args(["--pdeathsig", "KILL", "--"]).args([unshare]);
                (outside.args(SPACES).args(["--"]).args([setpriv]), "KILL")
            }
            None => (Invocation::new(setpriv), self.at_our_end),
        };
        invocation = invocation.args(["--pdeathsig", at_our_end]);
        if let Some((uid, gid)) = self.user {
            let become_user = [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
            invocation = invocation.args(become_user);
        }
        invocation.args(["--"]).args([program])
    }

    /// What the server `postgres` needs, and nothing else.
    fn bounds(&self, postgres: &Path) -> Bounds {
        let found = ["setpriv", "unshare"].map(env::find_program).into_iter().flatten();
        let programs: Vec<_> = found.chain([postgres.to_owned()]).collect();
        let loaders: Vec<_> = programs.iter().filter_map(|program| confine::loader(program)).collect();
        // `bin` lies beside `lib` and `share`, wherever that is; not when that is everything.
        let installed = files::real_path(postgres).ok();
        let installed =
            installed.as_deref().and_then(|path| path.parent()?.parent()).filter(|at| at.parent().is_some());
        Bounds {
            own: vec![self.home.path().to_owned()],
            read: installed.into_iter().map(Path::to_owned).collect(),
            programs: programs.into_iter().chain(loaders).collect(),
        }
    }
}

/// Name spaces that a server can have of its own.
const SPACES: [&str; 5] = ["--net", "--ipc", "--pid", "--fork", "--kill-child"];

/// Whether a program can be given name spaces of its own here: only root may.
#[must_use]
pub(super) fn can_be_alone() -> bool {
    let tried = || Invocation::new("unshare").args(SPACES).args(["--", "true"]).run();
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

/// A server that runs; dropping it ends it.
pub struct Server {
    // Before its tether: it has to be gone when the thread ends that the kernel ties it to.
    daemon: Daemon,
    _tether: Option<Sender<()>>,
    alone: bool,
    confined: Option<Confined>,
    line: String,
}

impl Server {
    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        self.daemon.alive()
    }

    /// The number of the server's own process, while it runs.
    pub fn number(&mut self) -> Option<u32> {
        let outside = self.daemon.number()?;
        if self.alone { process::children(outside).first().copied() } else { Some(outside) }
    }

    /// The name space that its processes count in, when it has one of its own.
    pub fn space(&mut self) -> Option<PathBuf> {
        let number = self.number().filter(|_| self.alone)?;
        process::space_of(number)
    }

    /// What the kernel refuses it, when it was to be confined.
    #[must_use]
    pub fn confined(&self) -> Option<&Confined> {
        self.confined.as_ref()
    }

    /// Its command line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Ends it at once, its children included; waits for at most `limit` before it is killed.
    pub fn stop(&mut self, limit: Duration) {
        // Name spaces take all that is in them along, shared memory too; elsewhere the server gives it back. What
        // stands outside of them may have been started with SIGQUIT ignored, as shells do in the background.
        let signal = if self.alone { signals::KILL } else { signals::QUIT };
        self.daemon.stop_by(signal, limit);
    }
}

/// Starts the server of the home with `settings`, no TCP, its socket in the home.
///
/// # Errors
/// When it cannot be started or confined.
pub fn launch(start: &Start<'_>, binaries: &Path, settings: &[&str]) -> Result<Server, ClusterError> {
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
    let postgres = binaries.join("postgres");
    let invocation = start.program(&postgres).args(["-D"]).args([start.home.data()]).args(settings);
    let line = invocation.line();
    let log = files::create_log(&start.home.path().join("server.log"))?;
    let (mut daemon, confined, tether) = if start.confined {
        let (daemon, confined, tether) = spawn_confined(invocation, log, start.bounds(&postgres))?;
        (daemon, Some(confined), Some(tether))
    } else {
        (invocation.spawn_logged(log)?, None, None)
    };
    start.home.note(daemon.number())?;
    Ok(Server { daemon, _tether: tether, alone: start.alone, confined, line })
}

/// Starts the program on a thread that entered `bounds` before, because they bind whoever starts it. The
/// thread stays until the tether is dropped: its end is what the kernel takes for ours.
fn spawn_confined(
    invocation: Invocation,
    log: std::fs::File,
    bounds: Bounds,
) -> Result<(Daemon, Confined, Sender<()>), ClusterError> {
    let (tell, told) = channel();
    let (tether, held) = channel::<()>();
    std::thread::spawn(move || {
        let started = confine::enter(&bounds).map_err(ClusterError::from);
        let started = started.and_then(|confined| Ok((invocation.spawn_logged(log)?, confined)));
        let lives = started.is_ok();
        if tell.send(started).is_ok() && lives {
            // Ends with an error as soon as the tether is dropped.
            let _ = held.recv();
        }
    });
    let (daemon, confined) = told.recv().map_err(|_| ClusterError::Thread)??;
    Ok((daemon, confined, tether))
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
