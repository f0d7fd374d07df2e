//! An ephemeral PostgreSQL: the newest installed server binaries, a unix socket in a private folder,
//! no TCP. It ends when it is dropped, and with us when we are killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::base::child::{Daemon, Invocation, Outcome};
use crate::base::clock::Deadline;
use crate::base::{env, files};

/// Where Debian, Red Hat, and builds from source put the server's programs; `*` is a version.
const PLACES: [&str; 4] =
    ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/lib64/pgsql/bin"];

/// The bootstrap superuser.
pub const SUPERUSER: &str = "postgres";

/// A running server.
pub struct Server {
    daemon: Daemon,
    folder: TempDir,
    binaries: PathBuf,
}

/// The folder of the newest server binaries, if there are any; only `given` counts where it is.
#[must_use]
pub fn find_binaries(given: Option<&Path>) -> Option<PathBuf> {
    let on_path = env::find_program("initdb").and_then(|program| program.parent().map(Path::to_owned));
    let usual = || PLACES.iter().flat_map(|place| expand(place)).chain(on_path).collect();
    let mut found: Vec<PathBuf> = given.map_or_else(usual, |folder| vec![folder.to_owned()]);
    found.retain(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()));
    found.sort_by_key(|folder| version_of(folder));
    found.pop()
}

fn expand(place: &str) -> Vec<PathBuf> {
    let Some((before, after)) = place.split_once('*') else { return vec![place.into()] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let names = files::names(Path::new(parent)).unwrap_or_default().into_iter();
    let fitting = names.filter(|name| name.to_string_lossy().starts_with(prefix));
    fitting.map(|name| Path::new(parent).join(name).join(after.trim_start_matches('/'))).collect()
}

/// The largest number in the path: `/usr/lib/postgresql/15/bin` is 15.
fn version_of(folder: &Path) -> u32 {
    let text = folder.to_string_lossy().into_owned();
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).max().unwrap_or(0)
}

impl Server {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When a program fails, with what it said.
    pub fn start(binaries: &Path) -> Result<Self> {
        // Short, because a socket's path may have 107 bytes at most.
        let folder = tempfile::Builder::new().prefix("evidence-pg-").tempdir()?;
        let user = unprivileged()?;
        if let Some((uid, gid)) = user {
            files::set_owner(folder.path(), uid, gid)?;
        }
        let data = folder.path().join("data");
        let initdb = Invocation::new(binaries.join("initdb"))
            .args(["-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C", "-U", SUPERUSER, "-D"])
            .args([&data])
            .folder(Path::new("/"))
            .user(user)
            .run()?;
        succeeded("initdb", &initdb)?;
        let daemon = launch(binaries, &data, folder.path(), user)?;
        let mut server = Self { daemon, folder, binaries: binaries.to_owned() };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
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
            if deadline.passed() || !self.daemon.alive() {
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
        self.daemon.stop(Duration::from_secs(20));
    }
}

/// Starts the server so that the kernel interrupts it when we end, however we end.
fn launch(binaries: &Path, data: &Path, socket: &Path, user: Option<(u32, u32)>) -> Result<Daemon> {
    let postgres = binaries.join("postgres");
    let socket = socket.to_string_lossy().into_owned();
    let settings = ["listen_addresses=".to_owned(), format!("unix_socket_directories={socket}")];
    let quick = ["fsync=off", "unix_socket_permissions=0700", "logging_collector=off"].map(str::to_owned);
    let settings = settings.into_iter().chain(quick).flat_map(|setting| ["-c".to_owned(), setting]);
    let server = |invocation: Invocation| invocation.args(["-D"]).args([data]).args(settings).folder(Path::new("/"));
    let Some(setpriv) = env::find_program("setpriv") else {
        return Ok(server(Invocation::new(postgres).user(user)).spawn()?);
    };
    let mut wrapped = Invocation::new(setpriv).args(["--pdeathsig", "INT"]);
    if let Some((uid, gid)) = user {
        wrapped = wrapped.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    }
    Ok(server(wrapped.args(["--"]).args([postgres])).spawn()?)
}

/// The server refuses to run as root; then it runs as one of these.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if env::user_id() != 0 {
        return Ok(None);
    }
    let user = env::user_by_name("postgres").or_else(|| env::user_by_name("nobody"));
    user.map(Some).context("as root the server needs another user to run as: neither `postgres` nor `nobody` exists")
}

fn succeeded(program: &str, outcome: &Outcome) -> Result<()> {
    if outcome.success() {
        return Ok(());
    }
    bail!("{program} failed: {}", String::from_utf8_lossy(&outcome.stderr).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_wins() {
        assert!(version_of(Path::new("/usr/lib/postgresql/15/bin")) < version_of(Path::new("/usr/pgsql-17/bin")));
    }
}
