//! Whatever the outside writes, the record has the same structure and its YAML the same values.

use std::sync::LazyLock;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::super::sample::changed;
use super::*;
use crate::model::value::Value;

/// The structure of Markdown: the kinds of its events, with texts of any kind merged.
fn structure(record: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_GFM
        | Options::ENABLE_WIKILINKS
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut kinds: Vec<String> = Vec::new();
    for event in Parser::new_ext(record, options) {
        let kind = match event {
            Event::Text(_) | Event::Code(_) | Event::SoftBreak => "text".to_owned(),
            other => format!("{other:?}"),
        };
        if !(kind == "text" && kinds.last().is_some_and(|last| last == "text")) {
            kinds.push(kind);
        }
    }
    kinds
}

/// The first place where two structures part, or `None`.
fn difference(a: &str, b: &str) -> Option<String> {
    let (left, right) = (structure(a), structure(b));
    let at = (0..left.len().max(right.len())).find(|i| left.get(*i) != right.get(*i))?;
    let near = |list: &[String]| list[at.saturating_sub(3)..list.len().min(at + 3)].join(" ");
    Some(format!("{}\n{}", near(&left), near(&right)))
}

pub(super) fn assert_sound(record: &str) {
    let mut heads = 0;
    let mut cells = 0;
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, place) in Parser::new_ext(record, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Table(columns)) => heads = columns.len(),
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::End(TagEnd::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => {
                assert_eq!(cells, heads);
                let row = record[place].trim_end();
                assert!(row.starts_with("| ") && row.ends_with(" |"), "{row}");
            }
            _ => {}
        }
    }
}

/// The YAML blocks of a record, front matter first.
pub(super) fn yaml_texts(record: &str) -> Vec<String> {
    let mut blocks = vec![record.split("---\n").nth(1).unwrap().to_owned()];
    let mut inside: Option<String> = None;
    for line in record.lines() {
        match &mut inside {
            None if line.ends_with("```yaml") => inside = Some(String::new()),
            Some(_) if line.starts_with("```") => blocks.extend(inside.take()),
            Some(block) => block.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    blocks
}

pub(super) fn yaml_blocks(record: &str) -> Vec<serde_yaml::Value> {
    let blocks = yaml_texts(record);
    blocks.iter().map(|block| serde_yaml::from_str(block).unwrap_or_else(|e| panic!("{e}\n{block}"))).collect()
}

pub(super) const HOSTILE: [&str; 24] = [
    "```",
    "~~~",
    "|",
    "a|b`c`",
    "\\|",
    "<script>alert(1)</script>",
    "<!-- ",
    "[x](http://example.org)",
    "![x](y)",
    "[F1] | `fresh` |",
    "\n\n# heading\n",
    "\n| [F9] | forged | x | y | z |\n",
    "{{ fact('x') }}",
    "{% raw %}",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}evil",
    "---\ntitle: x\n---",
    "&lt;b&gt;&#91;F1]",
    "  indented",
    "1. item",
    "http://example.org www.example.org",
    "\u{0}\u{fffe}\u{85}\u{2028}",
    "*a* _b_ ~~c~~ $d$ [^1] [[w]] :a: @b",
    "",
];

#[test]
fn hostile_text_changes_no_structure() {
    for template in ["incident", "closure"] {
        let benign = text(&changed(template, &|_| "benign".to_owned()));

        for hostile in HOSTILE {
            let record = text(&changed(template, &|_| hostile.to_owned()));
            assert_sound(&record);
            assert_eq!(difference(&record, &benign), None, "{hostile:?}");
            assert!(!record.contains('\u{1b}') && !record.contains('\u{202e}'));
            yaml_blocks(&record);
        }
    }
}

/// The sample with a key from outside: a pattern's name and a query's column.
fn with_key(key: &str) -> String {
    let mut bundle = bundle("incident");
    for sealed in &mut bundle.facts {
        if let Some(Value::Map(patterns)) = sealed.fact.values.get_mut("patterns") {
            let one = patterns.remove("error").unwrap();
            patterns.insert(key.to_owned(), one);
        }
        let Some(Value::List(rows)) = sealed.fact.values.get_mut("rows") else { continue };
        let Some(Value::Map(row)) = rows.first_mut() else { continue };
        row.insert(key.to_owned(), Value::Int(1));
    }
    text(&bundle)
}

#[test]
fn hostile_keys_change_no_structure() {
    let benign = with_key("benign");
    for hostile in HOSTILE {
        assert_eq!(difference(&with_key(hostile), &benign), None, "{hostile:?}");
    }
    let long = "k".repeat(3000);
    assert_eq!(difference(&with_key(&long), &benign), None);
}

#[test]
pub(super) fn yaml_blocks_read_back_as_the_facts_say() {
    for hostile in HOSTILE.iter().chain(&["no", "on", "12:30:45", "2026-11-21", "017", "<<", "=", "null", "~"]) {
        let record = text(&changed("incident", &|_| (*hostile).to_owned()));
        let blocks = yaml_blocks(&record);
        assert_eq!(blocks[0]["title"].as_str(), Some(*hostile), "{hostile:?}");
        assert_eq!(blocks[1]["hostname"].as_str(), Some(*hostile), "{hostile:?}");
        assert_eq!(blocks[1]["arguments"][1].as_str(), Some(*hostile), "{hostile:?}");
        assert_eq!(blocks[1]["uptime_seconds"].as_i64(), Some(864_321));
    }
}

static BENIGN: LazyLock<String> = LazyLock::new(|| text(&changed("incident", &|_| "benign".to_owned())));
static BENIGN_KEY: LazyLock<String> = LazyLock::new(|| with_key("benign"));

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_leaves_the_structure(hostile in "\\PC*|[\\x00-\\x7f]{0,40}|[`|\\[\\]<>*_F1 \\n\\\\-]{0,24}") {
        let record = text(&changed("incident", &|_| hostile.clone()));
        assert_sound(&record);
        prop_assert_eq!(difference(&record, &BENIGN), None);
        let blocks = yaml_blocks(&record);
        prop_assert_eq!(blocks[1]["hostname"].as_str(), Some(&*hostile));
    }

    #[test]
    fn any_key_leaves_the_structure(hostile in "\\PC{0,200}|[`|\\[\\]<>*_F1 \\n\\\\:#?-]{0,24}") {
        let record = with_key(&hostile);
        assert_sound(&record);
        prop_assert_eq!(difference(&record, &BENIGN_KEY), None);
        yaml_blocks(&record);
    }
}
