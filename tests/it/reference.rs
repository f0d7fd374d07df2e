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

/// The section of `docs/case.md` for each part of the schema.
const PARTS: [(&str, &str); 11] = [
    ("", "## Keys of case.yaml"),
    ("Step", "## Keys of a step of `collect:`"),
    ("Target", "## Keys of a target"),
    ("Postgres", "## Keys of `postgres:`"),
    ("Governed", "## Keys of `action:`"),
    ("Watch", "## Keys of `watch:`"),
    ("Said", "## Keys of an entry of `effects:` and `handoff:`"),
    ("Proposal", "## Keys of an entry of `proposals:`"),
    ("Waiver", "## Keys of an entry of `waivers:`"),
    ("Hypothesis", "## Keys of an entry of `hypotheses:`"),
    ("Objectives", "## Keys of `objectives:`"),
];

/// What other pages document, or what is not a list of keys.
const ELSEWHERE: [&str; 7] = ["Condition", "Amount", "Count", "Share", "Value", "Command", "Phase"];

#[test]
fn the_page_of_the_case_has_every_key_of_its_schema() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = fs::read_to_string(docs.join("case.md")).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(docs.join("schema/case.schema.json")).unwrap()).unwrap();
    for name in schema["$defs"].as_object().unwrap().keys() {
        let known = ELSEWHERE.contains(&name.as_str()) || PARTS.iter().any(|(part, _)| part == name);
        assert!(known, "docs/case.md has no section for {name}");
    }
    for (part, heading) in PARTS {
        let shape = if part.is_empty() { &schema } else { &schema["$defs"][part] };
        let section = page.split(&format!("{heading}\n")).nth(1).unwrap_or_else(|| panic!("no `{heading}`"));
        let section = section.split("\n## ").next().unwrap();
        let needed: Vec<_> =
            shape["required"].as_array().into_iter().flatten().filter_map(|key| key.as_str()).collect();
        let properties = shape["properties"].as_object().unwrap();
        for key in properties.keys() {
            let row = format!("| `{key}` | {}|", if needed.contains(&key.as_str()) { "yes " } else { "" });
            assert!(section.contains(&row), "docs/case.md: `{heading}` has no row {row}");
        }
        let rows = section.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, properties.len(), "docs/case.md: `{heading}` has a row of no key");
    }
}

#[test]
fn the_examples_of_the_page_of_the_case_are_read_by_plan() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = fs::read_to_string(docs.join("case.md")).unwrap();
    let blocks: Vec<_> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 3);
    let head = "case: c\ntitle: t\ntemplate: incident\npolicy: p\n";
    let host = "collect: [{ id: host, uses: host }]\n";
    let cases = [
        blocks[0].replace("hb-08", "c").replace("backup-closure", "p"),
        format!("{head}{}{host}", blocks[1]),
        format!("{head}{}", blocks[2]),
    ];
    for case in cases {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("reports/c")).unwrap();
        fs::create_dir_all(root.path().join("policies")).unwrap();
        fs::write(root.path().join("reports/c/case.yaml"), &case).unwrap();
        fs::write(
            root.path().join("policies/p.yaml"),
            "policy: p\ntitle: p\nchecklist: [{ id: C1, title: t, statement: owner }]\n",
        )
        .unwrap();
        let mut command = Command::cargo_bin("evidence").unwrap();
        let output = command.args(["--root", root.path().to_str().unwrap(), "plan", "c"]).output().unwrap();
        assert!(output.status.success(), "{case}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
