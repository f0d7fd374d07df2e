//! A root folder of a test's own, with cases in it, and the built binary run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A root folder.
pub struct World {
    folder: TempDir,
}

/// What the binary did.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and the folders above it.
    pub fn write(&self, inside: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A case `name` whose `case.yaml` ends in `rest`; policy and template are plain ones of its own.
    pub fn case(&self, name: &str, rest: &str) {
        self.write("policies/plain.yaml", PLAIN_POLICY);
        let head = format!("case: {name}\ntitle: A test\ntemplate: incident\npolicy: plain\n");
        self.write(&format!("reports/{name}/case.yaml"), head + rest);
    }

    /// A command in this root, with a quiet environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("evidence").unwrap();
        command.current_dir(self.root()).args(args).env_remove("EVIDENCE_ROOT").env("NO_COLOR", "1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.ran(self.command(args).output().unwrap())
    }

    /// The output with this root's path replaced.
    pub fn ran(&self, output: Output) -> Ran {
        let clean = |bytes: &[u8]| {
            let root = fs::canonicalize(self.root()).unwrap();
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .replace(root.to_str().unwrap(), "ROOT")
                .replace(self.root().to_str().unwrap(), "ROOT")
        };
        Ran { code: output.status.code().unwrap_or(-1), stdout: clean(&output.stdout), stderr: clean(&output.stderr) }
    }

    /// The only sealed run of a case.
    pub fn run_folder(&self, case: &str) -> PathBuf {
        let runs = self.path(&format!("reports/{case}/runs"));
        let mut found: Vec<_> = fs::read_dir(runs).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
        found.sort();
        found.pop().unwrap()
    }
}

/// A policy that any case with a fact `subject` of the `file` collector can use.
pub const PLAIN_POLICY: &str = "\
policy: plain
title: A file is there
checks:
  - id: C-1
    title: the file is there
    require: { fact: subject.exists, equals: true }
";

/// The steps for [`PLAIN_POLICY`], looking at `path`.
pub fn look_at(path: &Path) -> String {
    format!("collect:\n  - id: subject\n    uses: file\n    with: {{ path: {} }}\n", path.display())
}
