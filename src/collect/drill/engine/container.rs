//! A server in a container that exists only for the drill: an image named by its digest and never pulled,
//! no network, no published port, no capability, no mount but the volumes that the image declares, which
//! are made and removed with it. Its first process is a sleep as long as the drill may take, so it
//! ends by itself even when nothing is left to remove it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::child::Invocation;
use crate::base::clock::{Deadline, Stopwatch};
use crate::base::process::Identity;
use crate::base::random;
use crate::cluster::{DRILL, SUPERUSER, owner_lives};
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

use super::super::archive::Dump;
use super::super::order::Order;
use super::super::steps::{Steps, first_line};
use super::client::{MOUNTS, Mount, engine, size};
use super::{DATABASE, Engine, Kind, Meter};

/// Where everything lies inside.
const FOLDER: &str = "/tmp/evidence-drill";

/// A container.
pub(super) struct Container {
    kind: Kind,
    name: String,
    image: String,
    encoding: String,
    seconds: u64,
    made: bool,
    /// The volumes that came with it, by name.
    volumes: Vec<String>,
}

impl Container {
    /// Names it; nothing is started yet.
    pub(super) fn of(kind: Kind, order: &Order) -> Result<Self, Absence> {
        let own = Identity::own();
        let mark = random::hex().unwrap_or_default();
        let mark = mark.get(..6).unwrap_or("0");
        Ok(Self {
            kind,
            name: format!("{DRILL}{}.{}.{}-{mark}", own.pid, own.started, own.space),
            image: order.image.clone(),
            encoding: order.encoding.clone(),
            seconds: order.limit.as_secs() + 300,
            made: false,
            volumes: Vec::new(),
        })
    }

    fn engine(&self, words: &[&str]) -> Invocation {
        engine(self.kind, words)
    }

    fn inside(&self, words: &[&str]) -> Invocation {
        self.engine(&["exec", "-i", &self.name]).args(words)
    }

    /// Removes the containers of drills whose owner is dead.
    fn sweep(&self, steps: &mut Steps) {
        let filter = format!("name=^{DRILL}");
        let listed = self.engine(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]);
        let Ok(listed) = steps.run("sweep", listed) else { return };
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        for name in names.lines().map(str::trim).filter(|name| name.starts_with(DRILL) && !owner_lives(Path::new(name)))
        {
            let _ = steps.run("sweep", self.engine(&["rm", "--force", "--volumes", name]));
        }
    }

    /// Refuses an image that is not here: pulling it would change this machine.
    fn find_image(&self, steps: &mut Steps) -> Result<(), Absence> {
        let word = self.kind.word();
        let seen = steps.run("image", self.engine(&["image", "inspect", "--format", "{{.Id}}", &self.image]))?;
        if seen.success() {
            return Ok(());
        }
        let said = first_line(&seen.stderr);
        let message = format!("`{word}` did not find the image, and a collection does not pull one: {said}");
        Err(Absence::new(Reason::Unavailable, message).settled_by(format!("{word} pull {}", self.image)))
    }

    /// Ports in state `listen` (0A) of the container, whose network is its own.
    fn tcp_listeners(&self, steps: &mut Steps) -> Result<i64, Absence> {
        let tables = "cat /proc/net/tcp && { cat /proc/net/tcp6 2>/dev/null || true; }";
        let seen = steps.need("listeners", self.inside(&["sh", "-c", tables]))?;
        let text = String::from_utf8_lossy(&seen.stdout).into_owned();
        let listens = |line: &&str| line.split_whitespace().nth(3) == Some("0A");
        Ok(i64::try_from(text.lines().filter(listens).count()).unwrap_or(i64::MAX))
    }

    /// Gives the client in the container `dump` by a command of the shell that takes it from its input: what
    /// is copied in otherwise belongs to root, who may not give it away.
    fn pass_in(&self, dump: &Dump, command: &str, steps: &mut Steps) -> Result<(), Absence> {
        let invocation = self.inside(&["sh", "-c", command]);
        let (line, watch) = (invocation.line(), Stopwatch::start());
        let unavailable = |e: crate::base::child::ChildError| Absence::new(Reason::Unavailable, e.to_string());
        let mut client = steps.bounded(invocation).feed().map_err(unavailable)?;
        let (mut bytes, mut buffer) = (dump.read()?, vec![0; 256 << 10]);
        loop {
            let read = bytes.read(&mut buffer);
            match read.map_err(|e| Absence::new(Reason::Failed, format!("the dump could not be read: {e}")))? {
                0 => break,
                read if client.give(&buffer[..read]) => {}
                // A client that takes no more says why.
                _ => break,
            }
        }
        let outcome = client.finish().map_err(unavailable)?;
        steps.note("copy in", &line, Some(&outcome), watch.elapsed());
        if let Some(stopped) = steps.stop.reason() {
            return Err(stopped);
        }
        if !outcome.success() {
            return Err(Absence::new(Reason::Failed, format!("copy in failed: {}", first_line(&outcome.stderr))));
        }
        Ok(())
    }

    /// Whether a listing of the engine has any line; none where it could not be asked.
    fn lists(&self, words: &[&str]) -> Option<bool> {
        let listed = self.engine(words).run().ok().filter(|listed| listed.success())?;
        Some(listed.stdout.iter().any(|byte| !byte.is_ascii_whitespace()))
    }

    fn ready(&self, steps: &Steps) -> Result<(), Absence> {
        let deadline = Deadline::after(Duration::from_secs(60));
        loop {
            let asked = self.client("psql", &["-X", "-q", "-d", "postgres", "-c", "SELECT 1"]);
            let outcome = steps.bounded(asked).run().map_err(|e| Absence::new(Reason::Unavailable, e.to_string()))?;
            if outcome.success() {
                return Ok(());
            }
            if let Some(absence) = steps.stop.reason() {
                return Err(absence);
            }
            if deadline.passed() {
                let message = format!("the drill's server did not start: {}", first_line(&outcome.stderr));
                return Err(Absence::new(Reason::Failed, message));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Engine for Container {
    fn raise(&mut self, steps: &mut Steps) -> Result<(), Absence> {
        self.sweep(steps);
        self.find_image(steps)?;
        self.made = true;
        let seconds = self.seconds.to_string();
        let run = ["run", "--detach", "--rm", "--pull=never", "--network", "none", "--name", &self.name];
        // Its first process listens to no signal: waiting for it would take ten seconds.
        let limits = ["--user", "postgres", "--security-opt", "no-new-privileges", "--cap-drop", "all"];
        let limits = limits.iter().chain(&["--stop-timeout", "0", "--entrypoint", "sleep"]);
        steps.need("run", self.engine(&run).args(limits).args([&self.image, &seconds]))?;
        let data = format!("{FOLDER}/data");
        let initdb =
            ["initdb", "-A", "trust", "--no-sync", "-E", &self.encoding, "--locale=C", "-U", SUPERUSER, "-D", &data];
        steps.need("initdb", self.inside(&initdb))?;
        let watch = Stopwatch::start();
        let socket = format!("unix_socket_directories={FOLDER}");
        let server =
            ["exec", "--detach", &self.name, "postgres", "-D", &data, "-c", "listen_addresses=", "-c", &socket];
        let quick =
            ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"];
        let server = self.engine(&server).args(quick).args(["-c", "autovacuum=off", "-c", "log_min_messages=fatal"]);
        let line = server.line();
        let started = steps.bounded(server).run().map_err(|e| Absence::new(Reason::Unavailable, e.to_string()))?;
        if !started.success() {
            return Err(Absence::new(Reason::Failed, format!("start failed: {}", first_line(&started.stderr))));
        }
        self.ready(steps)?;
        steps.note("start", &line, Some(&started), watch.elapsed());
        let template = format!("CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING '{}'", self.encoding);
        let createdb = self.client("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", &template]);
        steps.need("createdb", createdb).map(drop)
    }

    fn client(&self, program: &str, words: &[&str]) -> Invocation {
        self.inside(&[program, "-w", "-U", SUPERUSER, "-h", FOLDER]).args(words)
    }

    fn hand_over(&self, dump: &Dump, steps: &mut Steps) -> Result<PathBuf, Absence> {
        let inside = format!("{FOLDER}/dump");
        let command = match dump.is_folder() {
            true => format!("umask 077; mkdir {inside} && tar -xf - -C {inside}"),
            false => format!("umask 077; cat > {inside}"),
        };
        self.pass_in(dump, &command, steps)?;
        Ok(inside.into())
    }

    fn socket(&self) -> Option<&Path> {
        None
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn meter(&self) -> Meter {
        let (kind, name) = (self.kind, self.name.clone());
        Box::new(move || size(kind, &name))
    }

    fn isolation(&mut self, steps: &mut Steps) -> Result<Map, Absence> {
        let format = format!(
            "{{{{.HostConfig.NetworkMode}}}} {{{{len .HostConfig.PortBindings}}}} {{{{.Image}}}}{{{{println}}}}{MOUNTS}"
        );
        let seen = steps.need("inspect", self.engine(&["inspect", "--format", &format, &self.name]))?;
        let text = String::from_utf8_lossy(&seen.stdout).into_owned();
        let unreadable = || Absence::new(Reason::Unparsable, "the container's description is not what was asked for");
        let (first, mounts) = text.split_once('\n').unwrap_or((&text, ""));
        let [network, ports, image] = first.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(unreadable());
        };
        let mounts = mounts.lines().filter(|line| !line.trim().is_empty());
        let mounts = mounts.map(|line| Mount::of(line).ok_or_else(unreadable)).collect::<Result<Vec<_>, _>>()?;
        let ports = ports.parse().map_err(|_| unreadable())?;
        let number = mounts.len();
        self.volumes = mounts.into_iter().filter(Mount::is_anonymous).map(|mount| mount.name).collect();
        let mut values = Map::new();
        values.insert("network".into(), network.into());
        values.insert("confinement".into(), "container".into());
        values.insert("mounts".into(), number.into());
        values.insert("anonymous_volumes".into(), self.volumes.len().into());
        values.insert("published_ports".into(), Value::Int(ports));
        values.insert("image_id".into(), image.into());
        values.insert("tcp_listeners".into(), Value::Int(self.tcp_listeners(steps)?));
        Ok(values)
    }

    fn put_away(&mut self, steps: &mut Steps) -> Map {
        let mut values = Map::new();
        values.insert("container".into(), self.name.as_str().into());
        if !self.made {
            for name in ["container_exists", "folder_exists"] {
                values.insert(name.into(), false.into());
            }
            values.insert("processes".into(), 0_u64.into());
            return values;
        }
        self.made = false;
        // Also after the drill's own time is up: each of these has a minute of its own.
        let watch = Stopwatch::start();
        let removal = self.engine(&["rm", "--force", "--volumes", &self.name]);
        let line = removal.line();
        let removed = removal.run();
        steps.note("teardown", &line, removed.as_ref().ok(), watch.elapsed());
        let exists = self.lists(&["ps", "--all", "--quiet", "--filter", &format!("name=^{}$", self.name)]);
        let volume = |name: &String| self.lists(&["volume", "ls", "--quiet", "--filter", &format!("name={name}")]);
        let volumes: Vec<Option<bool>> = self.volumes.iter().map(volume).collect();
        let Some(exists) = exists else { return values };
        values.insert("container_exists".into(), exists.into());
        if !exists {
            // Its processes count in a name space of their own, which ends with it.
            values.insert("processes".into(), 0_u64.into());
        }
        if exists || volumes.contains(&Some(true)) || !volumes.contains(&None) {
            values.insert("folder_exists".into(), (exists || volumes.contains(&Some(true))).into());
        }
        values
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.made {
            let _ = self.engine(&["rm", "--force", "--volumes", &self.name]).run();
        }
    }
}
