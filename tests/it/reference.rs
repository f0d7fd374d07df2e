//! `docs/` and the program say the same: the chapters and schemas are compared with what the binary
//! prints. `UPDATE_DOCS=1` writes them again.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

fn compare(file: &str, args: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    let output = Command::cargo_bin("evidence").unwrap().args(args).output().unwrap();
    assert!(output.status.success());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &output.stdout).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept.as_bytes() == output.stdout,
        "docs/{file} is out of date; run `UPDATE_DOCS=1 cargo test reference` and read the difference"
    );
}

#[test]
fn chapters_are_what_the_program_says() {
    for chapter in evidence::cli::reference::CHAPTERS {
        compare(&format!("{}.md", chapter.name), &["explain", chapter.name]);
    }
}

#[test]
fn schemas_are_what_the_program_reads() {
    compare("schema/case.schema.json", &["schema", "case"]);
    compare("schema/policy.schema.json", &["schema", "policy"]);
}

#[test]
fn every_name_has_an_entry() {
    for name in evidence::cli::reference::names() {
        assert!(evidence::cli::reference::entry(&name).is_some_and(|text| text.len() > 40), "{name}");
    }
}
