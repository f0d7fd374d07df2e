//! The recorded runs under `reports/`: each verifies, and renders to the very record that lies there.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn recorded() -> Vec<PathBuf> {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let cases = fs::read_dir(reports).unwrap().map(|entry| entry.unwrap().path());
    cases.filter(|case| case.join("case.yaml").is_file()).collect()
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
        let output = evidence(&["verify", record.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}: {said}", case.display());
    }
}

#[test]
fn every_record_is_rendered_again_byte_for_byte() {
    for case in recorded() {
        let name = case.file_name().unwrap().to_str().unwrap();
        let output = evidence(&["render", name, "--output", "-"]);
        assert!(output.stdout == fs::read(case.join("record.md")).unwrap(), "{name}");
    }
}
