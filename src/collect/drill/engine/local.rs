//! A server from installed programs of the dump's own version, in a private folder, on a unix socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::child::Invocation;
use crate::base::clock::{Deadline, Stopwatch};
use crate::base::confine::{self, Confined};
use crate::base::process;
use crate::base::{env, files, sandbox, text};
use crate::cluster::{self, ClusterError, Home, SUPERUSER, Server, Start};
use crate::collect::Kernel;
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

use super::super::archive::Dump;
use super::super::head::Head;
use super::super::make_home;
use super::super::order::Order;
use super::super::steps::{Steps, first_line};
use super::{DATABASE, Engine, Meter};

/// Nothing that a drill writes has to survive it; little memory and no background work, because it
/// may run beside a production.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=1GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
    "archive_mode=off",
    "jit=off",
    "shared_buffers=256MB",
    "maintenance_work_mem=256MB",
    "max_connections=80",
    "max_locks_per_transaction=1024",
    // A statement that fails may hold rows.
    "log_min_messages=fatal",
    "log_min_error_statement=panic",
];

/// A local server.
pub(super) struct Local {
    // Before the home: the server ends before its folder goes.
    server: Option<Server>,
    home: Home,
    /// Programs of the server's version.
    binaries: PathBuf,
    /// Programs that read the dump's archive version.
    readers: PathBuf,
    encoding: String,
    alone: bool,
    /// The name space that the server's processes count in, when it has one of its own.
    space: Option<PathBuf>,
}

impl Local {
    /// Chooses the programs; makes the home where there is none.
    pub(super) fn of(
        order: &Order,
        head: &Head,
        home: Option<Result<Home, ClusterError>>,
        kernel: Kernel<'_>,
    ) -> Result<Self, Absence> {
        if !kernel.allow_unconfined {
            refuse_unconfined(&confine::available())?;
        }
        let given = order.binaries.as_deref();
        // Before anything in it is started, even to ask for its version.
        let chosen = given.filter(|folder| !order.binaries_allowed && folder.join("postgres").is_file());
        if let Some(folder) = chosen.filter(|folder| !cluster::is_installed(folder)) {
            return Err(unlisted(folder));
        }
        let binaries = match head.server_major() {
            Some(major) => {
                let found = cluster::find_major(given, major, order.allow_newer);
                found.map(|(_, folder)| folder).ok_or_else(|| missing(major, order))?
            }
            None => cluster::find(given).ok_or_else(|| missing(0, order))?,
        };
        let reads = head.dump_major().and_then(|major| cluster::find_major(given, major, true));
        let readers = reads.map_or_else(|| binaries.clone(), |(_, folder)| folder);
        let failed = |e: ClusterError| Absence::new(Reason::Failed, e.to_string());
        let home = home.unwrap_or_else(|| make_home(order)).map_err(failed)?;
        let alone = cluster::can_be_alone();
        Ok(Self { server: None, home, binaries, readers, encoding: order.encoding.clone(), alone, space: None })
    }

    fn start<'a>(&'a self, at_our_end: &'a str) -> Start<'a> {
        Start { home: &self.home, user: self.home.user(), at_our_end, alone: false, confined: false }
    }

    /// How far the kernel keeps the server in bounds, and what it does not refuse.
    fn confinement(&self, confined: &Confined) -> (&'static str, Vec<&'static str>) {
        let mut open = confined.not_refused();
        // Processes of another name space cannot be named, and so not be signalled.
        open.retain(|what| self.space.is_none() || !what.starts_with("signals"));
        let level = match (confined.essentials(), open.is_empty()) {
            (false, _) => "none",
            (true, false) => "partial",
            (true, true) => "full",
        };
        (level, open)
    }

    fn ready(&mut self, steps: &Steps) -> Result<(), Absence> {
        let deadline = Deadline::after(Duration::from_secs(60));
        loop {
            let asked = self.client("psql", &["-X", "-q", "-d", "postgres", "-c", "SELECT 1"]);
            if steps.bounded(asked).run().is_ok_and(|outcome| outcome.success()) {
                return Ok(());
            }
            let alive = self.server.as_mut().is_some_and(Server::alive);
            if let Some(absence) = steps.stop.reason() {
                return Err(absence);
            }
            if deadline.passed() || !alive {
                let log = files::read(&self.home.path().join("server.log"), 1 << 20).unwrap_or_default();
                let message = format!("the drill's server did not start: {}", first_line(&log));
                return Err(Absence::new(Reason::Failed, message));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A dump is a program: without the kernel's bounds it can do all that the server's user may do.
fn refuse_unconfined(available: &Confined) -> Result<(), Absence> {
    if available.essentials() {
        return Ok(());
    }
    let message = format!(
        "this kernel does not confine the drill's server: it does not refuse {}; nothing was restored. Use a \
         container (`engine: docker`), a kernel with Landlock, or `--allow-unconfined`",
        available.not_refused().join("; ")
    );
    Err(Absence::new(Reason::Unavailable, message).settled_by("cat /sys/kernel/security/lsm"))
}

/// A case may not choose a program that neither the host's owner installed nor the policy's owner allows.
fn unlisted(folder: &Path) -> Absence {
    let server = text::from_name(&folder.join("postgres")).into_owned();
    let message = format!(
        "`binaries:` is not a folder where packages install PostgreSQL, and not on the PATH; nothing was started. To \
         allow it, add to `commands:` of the policy an entry with `argv: [{}]`",
        text::shell_word(&server)
    );
    Absence::new(Reason::Denied, message)
}

fn missing(major: u32, order: &Order) -> Absence {
    let place = order.binaries.as_deref().map_or_else(String::new, |f| format!(" in {}", text::from_name(f)));
    if major == 0 {
        let message = format!("no PostgreSQL server programs{place}");
        return Absence::new(Reason::Unavailable, message).settled_by("apt-get install postgresql");
    }
    let newer = if order.allow_newer { " or newer" } else { "; a newer one is taken with `allow_newer: true`" };
    let message = format!("no server programs of PostgreSQL {major}{place}, which the dump is from{newer}");
    Absence::new(Reason::Unavailable, message).settled_by(cluster::package(major))
}

impl Engine for Local {
    fn raise(&mut self, steps: &mut Steps) -> Result<(), Absence> {
        let initdb = cluster::initdb(&self.start("KILL"), &self.binaries, &self.encoding);
        sandbox::skipping_modes(|| steps.need("initdb", initdb))?;
        let watch = Stopwatch::start();
        let start = Start { alone: self.alone, confined: true, ..self.start("QUIT") };
        let server = cluster::launch(&start, &self.binaries, SETTINGS);
        let server = server.map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
        let line = server.line().to_owned();
        self.server = Some(server);
        self.ready(steps)?;
        self.space = self.server.as_mut().and_then(Server::space);
        steps.note("start", &line, None, watch.elapsed());
        let template = format!("CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING '{}'", self.encoding);
        let createdb = self.client("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", &template]);
        steps.need("createdb", createdb).map(drop)
    }

    fn client(&self, program: &str, words: &[&str]) -> Invocation {
        // `pg_restore` has to read the file; everything else runs as little as it can.
        let reads = program == "pg_restore";
        let folder = if reads { &self.readers } else { &self.binaries };
        let installed = folder.join(program);
        let program = if installed.is_file() { installed } else { env::find_program(program).unwrap_or(installed) };
        let user = if reads { None } else { self.home.user() };
        let start = Start { user, ..self.start("KILL") };
        let connection = ["-w", "-U", SUPERUSER, "-h"];
        start
            .program(&program)
            .args(connection)
            .args([self.home.path()])
            .args(words)
            .env("PGPASSFILE", self.home.path().join("none"))
    }

    fn hand_over(&self, dump: &Dump, _: &mut Steps) -> Result<PathBuf, Absence> {
        Ok(dump.path().to_owned())
    }

    fn socket(&self) -> Option<&Path> {
        Some(self.home.path())
    }

    fn folder(&self) -> Option<&Path> {
        Some(self.home.path())
    }

    fn meter(&self) -> Meter {
        let folder = self.home.path().to_owned();
        Box::new(move || Some(files::disk_usage(&folder)))
    }

    fn isolation(&mut self, _: &mut Steps) -> Result<Map, Absence> {
        let mut values = Map::new();
        let kept = |own: bool| if own { "of its own" } else { "shared with this machine" };
        values.insert("network".into(), kept(self.alone).into());
        values.insert("process_space".into(), kept(self.space.is_some()).into());
        let confined = self.server.as_ref().and_then(Server::confined);
        let (level, open) = confined.map_or_else(|| ("none", Vec::new()), |confined| self.confinement(confined));
        values.insert("confinement".into(), level.into());
        if level == "none" {
            // Only then was the permission needed.
            values.insert("allow_unconfined".into(), true.into());
        }
        values.insert("not_refused".into(), Value::List(open.into_iter().map(Value::from).collect()));
        let folder = files::metadata(self.home.path()).map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
        let mode = std::os::unix::fs::MetadataExt::mode(&folder);
        values.insert("folder_mode".into(), format!("{:04o}", mode & 0o7777).into());
        let user = self.home.user().map_or_else(env::user_id, |(uid, _)| uid);
        values.insert("runs_as".into(), env::user_name(user).unwrap_or_else(|| user.to_string()).into());
        if let Some(listeners) = self.server.as_mut().and_then(Server::number).map(process::tcp_listeners) {
            let listeners = listeners.map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
            values.insert("tcp_listeners".into(), listeners.into());
        }
        Ok(values)
    }

    fn put_away(&mut self, steps: &mut Steps) -> Map {
        let folder = self.home.path().to_owned();
        let name = text::from_name(&folder);
        let what = format!("end the server and what it started, rm -r {name}");
        steps.timed("teardown", &what, |_| {
            if let Some(mut server) = self.server.take() {
                server.stop(Duration::from_secs(20));
            }
            // What could not be removed shows below.
            let _ = self.home.clear(self.space.as_deref());
        });
        let mut values = Map::new();
        values.insert("folder".into(), Value::from(&*name));
        values.insert("processes".into(), self.home.processes(self.space.as_deref()).into());
        values.insert("folder_exists".into(), files::metadata(&folder).is_ok().into());
        values
    }
}
