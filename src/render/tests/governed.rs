//! The governed action in a record: its section, what was different, and that no name of a file or
//! line of a log can open anything there.

use super::super::sample;
use super::*;
use crate::base::yaml;
use crate::model::action::Governed;
use crate::model::fact::Fact;

const ACTION: &str = "{ title: Run the nightly backup once, command: [/srv/scripts/pg-backup.sh] }";

const FACTS: &str = include_str!("../sample/governed.yaml");

fn governed(change: &dyn Fn(&str) -> String) -> Bundle {
    let mut made = sample::changed("incident", &str::to_owned);
    made.case.action = Some(yaml::decode::<Governed>("action".as_ref(), ACTION.as_bytes()).unwrap());
    let facts: Vec<Fact> = yaml::decode("governed.yaml".as_ref(), FACTS.as_bytes()).unwrap();
    made.facts = facts.into_iter().map(sample::sealed).collect();
    made.narrative = None;
    for row in &mut made.verdict.rows {
        row.facts.clear();
    }
    sample::change_facts(&mut made, change);
    made
}

fn section(record: &str) -> String {
    let from = record.find("Governed action").unwrap();
    let rest = &record[from..];
    rest[..rest.find("\n## ").unwrap()].to_owned()
}

#[test]
fn golden_section() {
    insta::assert_snapshot!("governed", section(&text(&governed(&str::to_owned))));
}

#[test]
fn hostile_names_and_lines_open_nothing() {
    for hostile in ["a | b", "```\n# x", "[F1]", "<script>", "{{ fact(\"x\") }}", "\u{1b}[31m", "](http://example.org)"]
    {
        let made = governed(&|text| format!("{text}{hostile}"));
        let plain = text(&governed(&str::to_owned));
        let record = text(&made);
        let headings = |record: &str| record.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(headings(&record), headings(&plain), "{hostile}");
        // Raw HTML and links are refused by the proof that every record passes.
        assert!(!record.contains('\u{1b}'), "{hostile}");
    }
}
