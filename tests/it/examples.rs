//! The recorded runs under `reports/`, and those that version 0.1 recorded: each verifies, and renders to
//! the very record beside it.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn recorded() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["reports", "tests/fixtures/v0.1"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let cases = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let cases: Vec<PathBuf> = cases.filter(|case| case.join("case.yaml").is_file()).collect();
    assert_eq!(cases.len(), 10);
    cases
}

fn evidence(args: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("evidence").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("EVIDENCE_ROOT");
    // A record is the same under any zone and locale.
    command.env("TZ", "Pacific/Chatham").env("LANG", "tr_TR.UTF-8").args(args).output().unwrap()
}

#[test]
fn every_recorded_run_verifies() {
    assert!(!recorded().is_empty());
    for case in recorded() {
        let record = case.join("record.md");
        // The two signed examples of 0.1 have signers of their own.
        let signers = case.parent().unwrap().join("allowed_signers");
        let own = if signers.is_file() { vec!["--allowed-signers", signers.to_str().unwrap()] } else { Vec::new() };
        let output = evidence(&[&["verify", record.to_str().unwrap()], &own[..]].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}: {said}", case.display());
    }
}

#[test]
fn every_record_is_rendered_again_byte_for_byte() {
    for case in recorded() {
        let name = case.to_str().unwrap();
        let output = evidence(&["render", name, "--output", "-"]);
        assert!(output.stdout == fs::read(case.join("record.md")).unwrap(), "{name}");
    }
}
