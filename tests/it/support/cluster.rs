//! A scratch PostgreSQL cluster made from the installed server binaries: its own folder with a
//! short path (socket names are limited to 107 bytes), a unix socket only, no TCP, trust
//! authentication, stopped and removed on drop. Servers refuse to run as root, so as root every
//! server program is started as an unprivileged user.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const SUPERUSER: &str = "postgres";

/// A running server. Dropping it stops the server and removes its folder.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    run_as: Option<String>,
}

impl Cluster {
    /// Makes and starts a cluster.
    ///
    /// # Panics
    /// With the program's own output when the binaries are missing or the server does not start.
    pub fn start() -> Option<Cluster> {
        let binaries = find_binaries().expect(
            "no PostgreSQL server binaries: looked for initdb in /usr/lib/postgresql/*/bin and on \
             PATH; install the package `postgresql`",
        );
        let folder = tempfile::Builder::new().prefix("ev-pg-").tempdir_in("/tmp").expect("a scratch folder in /tmp");
        let cluster = Cluster { folder, binaries, run_as: unprivileged_user() };
        cluster.give_folder_away();
        cluster.initdb();
        cluster.launch();
        cluster.watch();
        Some(cluster)
    }

    /// Clears up behind tests that were killed, and behind clusters in statics, which are never dropped.
    fn watch(&self) {
        let script = "while kill -0 $0 2>/dev/null && [ -d $1 ]; do sleep 1; done; \
             [ -d $1 ] && kill -QUIT $(head -n 1 $1/data/postmaster.pid); sleep 1; rm -rf $1";
        Command::new("setsid")
            .args(["--fork", "sh", "-c", script, &std::process::id().to_string()])
            .arg(self.folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .expect("setsid and sh");
    }

    /// The folder that holds the socket, for `psql -h` and `PGHOST`.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The name of the bootstrap superuser.
    pub fn superuser(&self) -> &str {
        SUPERUSER
    }

    /// The folder with this server's programs.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// A client program of this server's version, with the environment set so that it connects
    /// here, as the superuser, to the database `postgres`.
    pub fn command(&self, program: &str) -> Command {
        let own = self.binaries.join(program);
        let mut command = Command::new(if own.exists() { own } else { program.into() });
        for name in ["PGPASSWORD", "PGSERVICE", "PGSSLMODE", "PGOPTIONS"] {
            command.env_remove(name);
        }
        command
            .env("PGHOST", self.socket_dir())
            .env("PGPORT", "5432")
            .env("PGUSER", SUPERUSER)
            .env("PGDATABASE", "postgres")
            .env("PGPASSFILE", "/dev/null");
        command
    }

    /// Runs SQL (it may be many statements) and returns the unaligned, tuples-only output.
    ///
    /// # Panics
    /// When a statement fails, with psql's message.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        use std::io::Write as _;
        let mut child = self
            .command("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut input = child.stdin.take().expect("psql has an input");
        let sql = sql.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = input.write_all(sql.as_bytes());
        });
        let output = child.wait_with_output().expect("psql ends");
        writer.join().expect("the writer ends");
        succeed("psql", &output);
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A server program, run as the unprivileged user when we are root.
    fn server_command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = match &self.run_as {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={}", group_of(user)))
                    .args(["--clear-groups", "--"])
                    .arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }

    fn give_folder_away(&self) {
        let Some(user) = &self.run_as else { return };
        let output = Command::new("chown")
            .arg(format!("{user}:{}", group_of(user)))
            .arg(self.folder.path())
            .output()
            .expect("chown starts");
        succeed("chown", &output);
    }

    fn initdb(&self) {
        let output = self
            .server_command("initdb")
            .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(self.data())
            .output()
            .expect("initdb starts");
        succeed("initdb", &output);
    }

    fn launch(&self) {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c port=5432",
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let output = self
            .server_command("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .arg("-l")
            .arg(&log)
            .args(["-w", "-t", "60", "-o", &options, "start"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .expect("pg_ctl starts");
        assert!(output.success(), "the server did not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ =
            self.server_command("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "stop"]).output();
    }
}

fn succeed(program: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{program} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The newest installed server, by the number in its path; else whatever is on PATH.
fn find_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let mut found: Vec<(u32, PathBuf)> = versions
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path().join("bin");
            folder.join("initdb").exists().then_some((version, folder))
        })
        .collect();
    found.sort();
    found
        .pop()
        .map(|(_, folder)| folder)
        .or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").exists()))
}

/// Who runs the server when we are root.
fn unprivileged_user() -> Option<String> {
    if id(&["-u"])? != "0" {
        return None;
    }
    let user = ["postgres", "nobody"]
        .into_iter()
        .find(|user| id(&["-u", user]).is_some())
        .expect("as root a server needs another user: neither `postgres` nor `nobody` exists");
    Some(user.to_owned())
}

fn group_of(user: &str) -> String {
    id(&["-g", user]).expect("a known user has a group")
}

fn id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

#[test]
fn a_cluster_starts_answers_and_listens_on_no_port() {
    let cluster = Cluster::start().unwrap();
    assert_eq!(cluster.psql("postgres", "select 6 * 7"), "42");
    assert_eq!(cluster.psql("postgres", "show listen_addresses"), "");
    let folder = cluster.socket_dir().to_owned();
    drop(cluster);
    assert!(!folder.exists(), "the folder is removed");
}
