//! The server of the scene: the newest installed programs, a unix socket in a private folder, no TCP.
//! It ends when it is dropped, and with us when we are killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::base::child::{Invocation, Outcome};
use crate::base::clock::Deadline;
use crate::base::env;
use crate::cluster::{self, Home, Start};

pub use crate::cluster::SUPERUSER;

/// A running server.
pub struct Server {
    // Before the home: the server ends before its folder goes.
    server: cluster::Server,
    home: Home,
    binaries: PathBuf,
}

impl Server {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When a program fails, with what it said.
    pub fn start(binaries: &Path) -> Result<Self> {
        let user = cluster::unprivileged(&["postgres", "nobody"])?;
        let home = Home::make(&env::temporary_folder(), cluster::SERVER, user)?;
        let start = Start { home: &home, user, at_our_end: "INT", alone: false, confined: false };
        succeeded("initdb", &cluster::initdb(&start, binaries, "UTF8").run()?)?;
        let server = cluster::launch(&start, binaries, &["fsync=off"])?;
        let mut server = Self { server, home, binaries: binaries.to_owned() };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.home.path()
    }

    /// Runs SQL as the superuser.
    ///
    /// # Errors
    /// When a statement fails, with what the client said.
    pub fn sql(&self, database: &str, sql: &str) -> Result<()> {
        succeeded("psql", &self.ask(database, sql)?)
    }

    fn ask(&self, database: &str, sql: &str) -> Result<Outcome> {
        let psql = self.binaries.join("psql");
        let client = if psql.is_file() { psql } else { "psql".into() };
        let run = Invocation::new(client)
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER, "-d", database, "-h"])
            .args([self.socket()])
            .stdin(sql)
            .limit(Duration::from_secs(300))
            .run()?;
        Ok(run)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Deadline::after(Duration::from_secs(60));
        while !self.ask(SUPERUSER, "SELECT 1")?.success() {
            if deadline.passed() || !self.server.alive() {
                bail!(
                    "the ephemeral PostgreSQL did not start; `evidence demo` needs about 60 MB in the temporary folder"
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.server.stop(Duration::from_secs(20));
    }
}

fn succeeded(program: &str, outcome: &Outcome) -> Result<()> {
    if outcome.success() {
        return Ok(());
    }
    bail!("{program} failed: {}", String::from_utf8_lossy(&outcome.stderr).trim())
}
