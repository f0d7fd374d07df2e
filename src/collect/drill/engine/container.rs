//! A server in a container that exists only for the drill: an image named by its digest, no network,
//! no published port, no mount. Its first process is a sleep as long as the drill may take, so it
//! ends by itself even when nobody is left to remove it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::child::Invocation;
use crate::base::clock::{Deadline, Stopwatch};
use crate::base::process::Identity;
use crate::base::{random, text};
use crate::cluster::{DRILL, SUPERUSER, owner_lives};
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

use super::super::order::Order;
use super::super::steps::{Steps, first_line};
use super::{DATABASE, Engine, Kind};

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
        })
    }

    fn engine(&self, words: &[&str]) -> Invocation {
        let inherit = ["DOCKER_*", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"];
        Invocation::new(self.kind.word()).args(words).inherit(&inherit)
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
            let _ = steps.run("sweep", self.engine(&["rm", "--force", name]));
        }
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
        self.made = true;
        let seconds = self.seconds.to_string();
        let run = ["run", "--detach", "--rm", "--network", "none", "--name", &self.name];
        let limits = ["--user", "postgres", "--security-opt", "no-new-privileges", "--entrypoint", "sleep"];
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

    fn hand_over(&self, path: &Path, steps: &mut Steps) -> Result<PathBuf, Absence> {
        let inside = format!("{FOLDER}/dump");
        let from = text::from_name(path);
        steps.need("copy in", self.engine(&["cp", &from, &format!("{}:{inside}", self.name)]))?;
        let own = self.engine(&["exec", "--user", "0", &self.name, "chown", "-R", "postgres", &inside]);
        steps.need("copy in", own)?;
        Ok(inside.into())
    }

    fn socket(&self) -> Option<&Path> {
        None
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn isolation(&mut self, steps: &mut Steps) -> Result<Map, Absence> {
        let format = "{{.HostConfig.NetworkMode}} {{len .Mounts}} {{len .HostConfig.PortBindings}} {{.Image}}";
        let seen = steps.need("inspect", self.engine(&["inspect", "--format", format, &self.name]))?;
        let text = String::from_utf8_lossy(&seen.stdout).into_owned();
        let unreadable = || Absence::new(Reason::Unparsable, "the container's description is not what was asked for");
        let [network, mounts, ports, image] = text.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(unreadable());
        };
        let number = |text: &str| text.parse::<i64>().map_err(|_| unreadable());
        let mut values = Map::new();
        values.insert("network".into(), network.into());
        values.insert("confinement".into(), "container".into());
        values.insert("mounts".into(), Value::int(number(mounts)?));
        values.insert("published_ports".into(), Value::int(number(ports)?));
        values.insert("image_id".into(), image.into());
        Ok(values)
    }

    fn put_away(&mut self, steps: &mut Steps) -> Map {
        let mut values = Map::new();
        values.insert("container".into(), self.name.as_str().into());
        if !self.made {
            values.insert("container_exists".into(), false.into());
            return values;
        }
        self.made = false;
        // Also after the drill's own time is up: each of these has a minute of its own.
        let watch = Stopwatch::start();
        let removal = self.engine(&["rm", "--force", "--volumes", &self.name]);
        let line = removal.line();
        let removed = removal.run();
        steps.note("teardown", &line, removed.as_ref().ok(), watch.elapsed());
        let filter = format!("name=^{}$", self.name);
        let left = self.engine(&["ps", "--all", "--quiet", "--filter", &filter]).run();
        if let Ok(left) = left
            && left.success()
        {
            let exists = left.stdout.iter().any(|byte| !byte.is_ascii_whitespace());
            values.insert("container_exists".into(), exists.into());
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
