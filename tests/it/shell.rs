//! Shell scripts: what the engine says about them is decided by a real bash and a real dash.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use evidence::shell;
use evidence::shell::machine::{Answer, World as ShellWorld, follow};
use evidence::shell::tree::{Command as ShellCommand, Simple};

/// A folder with the program `ok N`: it notes N, and fails with 3 when N is the one that shall fail.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ok");
        fs::write(&program, "#!/bin/sh\necho \"$1\" >>\"$MARKS\"\n[ \"$1\" != \"$FAIL\" ] || exit 3\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// What a real shell does: the programs that ran, sorted, and the status.
    fn real(&self, shell: &str, script: &str, fail: &str) -> (Vec<String>, u8) {
        let (file, marks) = (self.path("script"), self.path("marks"));
        fs::write(&file, script).unwrap();
        fs::write(&marks, "").unwrap();
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        let status = Command::new(shell)
            .arg(&file)
            .env_clear()
            .envs([("PATH", path.as_str()), ("FAIL", fail), ("MARKS", marks.to_str().unwrap())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let mut ran: Vec<_> = fs::read_to_string(&marks).unwrap().lines().map(str::to_owned).collect();
        ran.sort();
        (ran, u8::try_from(status.code().unwrap()).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The world of `ok`.
struct Known<'a>(&'a str);

impl ShellWorld for Known<'_> {
    fn status(&self, command: &ShellCommand, simple: &Simple, _: bool) -> Answer {
        let full = command.redirects.iter().any(|redirect| redirect.word.raw == "/dev/full");
        let words: Vec<_> = simple.words.iter().map(|word| word.raw.as_str()).collect();
        let named = words.iter().position(|word| *word == "ok").and_then(|at| words.get(at + 1));
        Answer::Code(match named {
            Some(n) if *n == self.0 => 3,
            None if full => 1,
            _ => 0,
        })
    }

    fn turns(&self) -> usize {
        20
    }
}

/// What the engine says.
fn said(shell: &str, script: &str, fail: &str) -> (Vec<String>, u8) {
    let script = shell::read(script, Some(shell)).unwrap_or_else(|e| panic!("{e}\n{script}"));
    let seen = follow(&script, &Known(fail), None);
    assert!(seen.complete);
    assert_eq!(seen.all_ends.len(), 1, "one way: {:?}", seen.all_ends);
    let name = |id: &usize| {
        let words = &script.commands[id].simple()?.words;
        let at = words.iter().position(|word| word.raw == "ok")?;
        Some(words.get(at + 1)?.raw.clone())
    };
    let mut ran: Vec<_> = seen.ran.iter().filter_map(name).collect();
    ran.sort();
    (ran, *seen.all_ends.first().unwrap())
}

/// The numbers that a script's programs have.
fn programs(script: &str) -> BTreeSet<String> {
    let words: Vec<_> = script.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| pair[0] == "ok").map(|pair| pair[1].to_owned()).collect()
}

fn available(shell: &str) -> bool {
    Command::new(shell).args(["-c", "exit 0"]).status().is_ok_and(|status| status.success())
}

/// Name, shell and text of each snippet.
fn snippets() -> Vec<(String, &'static str, String)> {
    let text = include_str!("shell/snippets.txt");
    let parts = text.split("### ").skip(1).map(|part| part.split_once('\n').unwrap());
    parts.map(|(name, script)| (name.to_owned(), if name.starts_with("[sh]") { "dash" } else { "bash" }, script.to_owned())).collect()
}

#[test]
fn a_real_shell_decides_what_the_engine_says_of_every_snippet() {
    let stage = Stage::new();
    let snippets = snippets();
    let mut wrong = String::new();
    let mut compared = 0;
    for (name, shell, script) in &snippets {
        if *shell == "dash" && !available("dash") {
            continue;
        }
        for fail in programs(script).iter().map(String::as_str).chain([""]) {
            let (real, told) = (stage.real(shell, script, fail), said(shell, script, fail));
            compared += 1;
            if real != told {
                let _ = writeln!(wrong, "{name}: when {fail:?} fails, {shell} says {real:?}, the engine {told:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(snippets.len() >= 100 && compared >= 350, "{} snippets, {compared} comparisons", snippets.len());
}
