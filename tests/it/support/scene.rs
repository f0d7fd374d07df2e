//! A scene of tests/scenes with a cluster of its own as production: what the recording scripts of reports/
//! do, for tests. The built program runs whole, with a stand-in for `ssh` on its PATH.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cluster::Cluster;
use super::world::{Ran, World};

/// A production and a root folder with the scene's case in it.
pub struct Scene {
    pub cluster: Cluster,
    pub sysid: String,
    pub world: World,
    name: &'static str,
    scratch: tempfile::TempDir,
}

fn source(name: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes").join(name).join(file)
}

impl Scene {
    pub fn new(name: &'static str) -> Self {
        let cluster = Cluster::start().unwrap();
        cluster.psql("postgres", &fs::read_to_string(source(name, "scene.sql")).unwrap());
        let sysid = cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
        let scratch = tempfile::Builder::new().prefix("ev-s-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let scene = Self { cluster, sysid, world: World::new(), name, scratch };
        fs::create_dir_all(scene.world.path("backups/drills")).unwrap();
        scene.place("v0-3", "ssh", "bin/ssh");
        scene
    }

    /// Puts a file of a scene into the world, executable.
    pub fn place(&self, scene: &str, file: &str, to: &str) -> PathBuf {
        let path = self.world.write(to, fs::read(source(scene, file)).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Runs a script of the scene as its operator would, against production.
    pub fn operate(&self, script: &Path, args: &[&Path]) {
        let mut command = self.cluster.command("bash");
        let path = format!("{}:{}", self.cluster.binaries().display(), std::env::var("PATH").unwrap());
        let done = command.arg(script).args(args).env("PATH", path).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The scene's case as text, with what is only known now.
    pub fn text(&self) -> String {
        let path = |inside: &str| self.world.path(inside).display().to_string();
        fs::read_to_string(source(self.name, "case.yaml"))
            .unwrap()
            .replace("@SOCKET@", &self.cluster.socket_dir().display().to_string())
            .replace("@SYSID@", &self.sysid)
            .replace("@BACKUPS@", &path("backups"))
            .replace("@TOOLS@", &path("tools"))
            .replace("@SCRATCH@", &self.scratch.path().display().to_string())
            .replace("@EXPIRES@", "2999-01-01T00:00:00Z")
    }

    /// Collects the scene's case as `case` says it and, when nothing stopped that, checks it.
    pub fn collect(&self, case: &str) -> Ran {
        self.world.write(&format!("reports/{}/case.yaml", self.name), case);
        let ran = self.run(&["collect", self.name]);
        if matches!(ran.code, 0 | 3) { self.run(&["check", self.name]) } else { ran }
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let path = format!("{}:{}", self.world.path("bin").display(), std::env::var("PATH").unwrap());
        let ran = self.world.ran(self.world.command(args).env("PATH", path).output().unwrap());
        assert!(ran.code != 2, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran
    }

    /// The verdict of the newest run: the status of an item, and the whole as JSON.
    pub fn verdict(&self) -> serde_json::Value {
        let run = self.world.run_folder(self.name).join("data/verdict.json");
        serde_json::from_slice(&fs::read(run).unwrap()).unwrap()
    }

    /// The items that do not pass, as `id status`.
    pub fn not_passed(&self) -> Vec<String> {
        let verdict = self.verdict();
        let rows = verdict["rows"].as_array().unwrap().iter();
        let shown =
            |row: &serde_json::Value| format!("{} {}", row["id"].as_str().unwrap(), row["status"].as_str().unwrap());
        rows.filter(|row| row["status"] != "pass").map(shown).collect()
    }

    /// The value of a fact of the newest run; nothing when it is absent.
    pub fn value(&self, id: &str, path: &str) -> Option<serde_json::Value> {
        let facts = fs::read_to_string(self.world.run_folder(self.name).join("data/facts.jsonl")).unwrap();
        let facts = facts.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let fact = facts.map(|line| line["fact"].clone()).find(|fact| fact["id"] == id)?;
        let fact: evidence::model::fact::Fact = serde_json::from_value(fact).unwrap();
        fact.at(path)?.ok().map(|value| serde_json::to_value(value).unwrap())
    }

    /// Renders and gives the record.
    pub fn record(&self) -> String {
        assert_eq!(self.run(&["render", self.name]).code, 0);
        fs::read_to_string(self.world.path(&format!("reports/{}/record.md", self.name))).unwrap()
    }

    /// Makes keys for the people of the seats, lists them, and signs for every seat that the case names: for
    /// the owner too, because a waiver counts only when its seat has signed. Gives what the last one said.
    pub fn sign(&self) -> Ran {
        fs::create_dir_all(self.world.path("keys")).unwrap();
        let mut list = String::new();
        for person in ["ops-agent", "dba", "lead"] {
            let key = self.world.path(&format!("keys/{person}"));
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"]).arg(&key);
            assert!(make.status().unwrap().success());
            let public = fs::read_to_string(key.with_extension("pub")).unwrap();
            list.push_str(&format!("{person}@example.org namespaces=\"evidence\" {}\n", public.trim()));
        }
        self.world.write("allowed_signers", list);
        self.run(&["sign", self.name, "--seat", "executor", "--key", "keys/ops-agent"]);
        let last = self.run(&["sign", self.name, "--seat", "verifier", "--key", "keys/dba"]);
        if self.text().contains("\n  owner: lead@example.org\n") {
            return self.run(&["sign", self.name, "--seat", "owner", "--key", "keys/lead"]);
        }
        last
    }

    /// Nothing of a drill is left in its scratch folder.
    pub fn nothing_left(&self) -> bool {
        fs::read_dir(self.scratch.path()).unwrap().next().is_none()
    }
}

/// Every one of `words` stands in `record`, and none of `never`, whatever the case of letters.
pub fn says(record: &str, words: &[&str], never: &[&str]) {
    for word in words {
        assert!(record.contains(word), "`{word}` is not in\n{record}");
    }
    let lower = record.to_lowercase();
    for word in never {
        assert!(!lower.contains(word), "`{word}` is in\n{record}");
    }
}
