//! The same bytes on every machine, and what other people's readers make of the YAML.

use std::process::{Command, Stdio};

use super::super::sample::changed;
use super::hostile::{HOSTILE, yaml_texts};
use super::*;

#[test]
fn twice_the_same_bytes() {
    assert_eq!(render(&bundle("incident")).unwrap(), render(&bundle("incident")).unwrap());
}

/// Runs the golden records again as another machine would: other zone, other language.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test of what the environment may not change")]
fn zone_and_language_change_nothing() {
    for (zone, language) in [("Pacific/Chatham", "tr_TR.UTF-8"), ("America/St_Johns", "C")] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "render::tests::golden_records"]);
        again.env("TZ", zone).env("LANG", language).env("LC_ALL", language).env("INSTA_UPDATE", "no");
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{zone} {language}: {said}");
    }
}

const PYTHON: &str = "
import json, sys, yaml
print('ready', flush=True)
for block in json.load(sys.stdin):
    print(json.dumps(yaml.safe_load(block), sort_keys=True))
";

/// PyYAML follows YAML 1.1, our reader 1.2: both must see the same values. Needs python3 with
/// PyYAML; without it this test says so and proves nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks another reader")]
fn readers_of_yaml_1_1_see_the_same_values() {
    let traps = ["no", "on", "12:30:45", "2026-11-21", "017", "0x1f", "1e3", "1_000", "<<", "=", "null", "~", ".inf"];
    let mut blocks = Vec::new();
    for text_of_facts in HOSTILE.iter().chain(&traps) {
        blocks.extend(yaml_texts(&text(&changed("incident", &|_| (*text_of_facts).to_owned()))));
    }
    let mut python = Command::new("python3");
    let python = python.args(["-c", PYTHON]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = python.spawn() else { return eprintln!("no python3: not tested") };
    let mut input = child.stdin.take().unwrap();
    let sent = serde_json::to_vec(&blocks).unwrap();
    let writer = std::thread::spawn(move || drop(std::io::Write::write_all(&mut input, &sent)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let Some(answers) = said.strip_prefix("ready\n") else { return eprintln!("no PyYAML: not tested") };
    assert!(output.status.success(), "PyYAML refused a block");
    let theirs: Vec<serde_json::Value> = answers.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let ours: Vec<serde_json::Value> = blocks.iter().map(|b| serde_yaml::from_str(b).unwrap()).collect();
    assert_eq!(theirs.len(), ours.len());
    for ((their, our), block) in theirs.iter().zip(&ours).zip(&blocks) {
        assert_eq!(their, our, "{block}");
    }
}
