//! What a record must be: golden, the same everywhere, complete in its citations, and of the same
//! structure whatever the outside writes.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::sample::{bundle, changed};
use super::*;
use crate::model::value::Value;

fn text(bundle: &Bundle) -> String {
    String::from_utf8(render(bundle).unwrap()).unwrap()
}

fn with_template(source: &str) -> Bundle {
    let mut bundle = bundle("incident");
    bundle.templates.clear();
    bundle.templates.insert("incident.md.j2".into(), source.to_owned());
    bundle
}

fn error(source: &str) -> String {
    render(&with_template(source)).unwrap_err().to_string()
}

fn line(source: &str) -> String {
    text(&with_template(source)).trim_end().to_owned()
}

#[test]
fn golden_records() {
    for template in ["incident", "closure", "verification", "hardening"] {
        insta::assert_snapshot!(template, text(&bundle(template)));
    }
}

#[test]
fn every_value_carries_its_label() {
    assert_eq!(line("{{ fact('fresh.stored_bytes') }}"), "20 bytes [F5]");
    assert_eq!(line("{{ fact('good.stored_bytes')|plain }}"), "43763755 [F6]");
    assert_eq!(line("{{ fact('privilege.has_privilege')|yesno }}"), "no [F9]");
    assert_eq!(line("{{ fact('same-error.same') }}"), "true (derived) [D11]");
    let said = line("{{ fact('paused.says')|prose }}");
    assert_eq!(said, "The alerting channel was paused on Monday. (statement of verifier) [S12]");
    assert_eq!(line("{{ fact('host.clock') }}"), "2026-05-15T10:23:50Z (12:23:50+02:00) [F1]");
}

#[test]
fn absence_is_unknown_with_its_label_and_never_an_error() {
    assert_eq!(line("{{ fact('cron.size_bytes') }}"), "UNKNOWN (permission denied) [F4]");
    assert_eq!(line("{{ fact('fresh.sql.trailer')|yesno }}"), "NONE (not applicable) [F5]");
    let yaml = line("{{ facts_block([['cron', fact('cron.exists')]]) }}");
    assert_eq!(yaml, "```yaml\ncron: UNKNOWN  # permission denied: cannot open: permission denied [F4]\n```");
}

#[test]
fn errors_name_file_line_and_what_but_no_value() {
    let message = error("a\n\n{{ fact('frsh.x') }}");
    assert_eq!(message, "incident.md.j2:3: no fact `frsh` in this case (did you mean `fresh`?)");
    let message = error("{{ fact('fresh.stored_byte') }}");
    assert!(message.starts_with("incident.md.j2:1: fact `fresh` (backup) says nothing of `stored_byte` (did you mean"));
    assert!(error("\n{{ nothing }}").starts_with("incident.md.j2:2: undefined value"));
    assert!(error("{{ fact('fresh.kind')|bites }}").contains("unknown filter"));
    assert!(error("{{ fact('good.sql').maybe('nope') }}").contains("nothing to print"));
    assert!(error("{% for x in range(9) %}{% endfor %}").contains("unknown function"));
    assert!(error("{{ case.nope }}").contains("undefined value"));
    assert!(!error("{{ fact('identity.database') + 1 }}").contains("app"));
}

#[test]
fn a_value_cannot_leave_its_citation() {
    for source in [
        "{{ 'x' ~ fact('fresh.kind') }}",
        "{% if fact('fresh.gzip.valid') %}x{% endif %}{{ 'y' }}",
        "{% if fact('fresh.kind') == fact('good.kind') %}x{% endif %}",
        "{{ facts_block([['x', 'typed']]) }}",
    ] {
        let message = error(source);
        assert!(
            message.contains("citation") || message.contains("condition") || message.contains("no fact's value"),
            "{source}: {message}"
        );
    }
    assert!(error("{{ section(fact('fresh.kind')) }}").contains("invalid operation"));
    assert_eq!(line("{% if fact('fresh.gzip.valid').is(true) %}x{% endif %}"), "x");
}

#[test]
fn endless_templates_end() {
    let mut long = String::from("{% set a = [1,2,3,4,5,6,7,8,9,0] %}");
    long.push_str(&"{% for x in a %}".repeat(9));
    long.push_str(&"{% endfor %}".repeat(9));
    assert!(error(&long).contains("loops too long"));
    assert!(error("{% include 'incident.md.j2' %}").starts_with("incident.md.j2:1:"));
}

#[test]
fn the_anchor_table_lists_exactly_what_is_cited() {
    let record = line(
        "{{ fact('good.kind') }} {{ fact('paused.says')|prose }}\n{% set x = fact('fresh.kind') %}\n{{ anchors() }}",
    );
    let rows: Vec<_> = record.lines().filter(|l| l.starts_with("| [")).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].starts_with("| [F6] | `good (backup)` | `"));
    assert!(rows[1].starts_with("| [S12] | `paused (statement)` | `"));
}

#[test]
fn the_narrative_is_quoted_and_its_errors_name_it() {
    let mut wrong = bundle("incident");
    wrong.narrative = Some("a\n\n{{ fact('nope.x') }}\n".into());
    assert!(render(&wrong).unwrap_err().to_string().starts_with("narrative.md:3: no fact `nope`"));
    wrong.narrative = Some("a\n<script>\n".into());
    assert!(render(&wrong).unwrap_err().to_string().starts_with("narrative.md:2: raw HTML"));
    wrong.narrative = Some("{{ narrative() }}".into());
    assert!(render(&wrong).unwrap_err().to_string().contains("within the narrative"));
    wrong.narrative = Some("{% include 'incident.md.j2' %}".into());
    assert!(render(&wrong).unwrap_err().to_string().contains("includes no other file"));
}

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

fn assert_sound(record: &str) {
    let mut heads = 0;
    let mut cells = 0;
    for event in Parser::new_ext(record, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS) {
        match event {
            Event::Start(Tag::Table(columns)) => heads = columns.len(),
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::End(TagEnd::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => assert_eq!(cells, heads),
            _ => {}
        }
    }
    for row in record.lines().filter(|l| l.starts_with("| ") && !l.contains("```")) {
        assert!(row.ends_with(" |"), "{row}");
    }
}

/// The YAML blocks of a record, front matter first.
fn yaml_blocks(record: &str) -> Vec<serde_yaml::Value> {
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
    blocks.iter().map(|block| serde_yaml::from_str(block).unwrap_or_else(|e| panic!("{e}\n{block}"))).collect()
}

const HOSTILE: [&str; 24] = [
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

#[test]
fn hostile_keys_change_no_structure() {
    let with_key = |key: &str| {
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
    };
    let benign = with_key("benign");
    for hostile in HOSTILE {
        assert_eq!(difference(&with_key(hostile), &benign), None, "{hostile:?}");
    }
    let long = "k".repeat(3000);
    assert_eq!(difference(&with_key(&long), &benign), None);
}

#[test]
fn yaml_blocks_read_back_as_the_facts_say() {
    for hostile in HOSTILE.iter().chain(&["no", "on", "12:30:45", "2026-11-21", "017", "<<", "=", "null", "~"]) {
        let record = text(&changed("incident", &|_| (*hostile).to_owned()));
        let blocks = yaml_blocks(&record);
        assert_eq!(blocks[0]["title"].as_str(), Some(*hostile), "{hostile:?}");
        assert_eq!(blocks[1]["hostname"].as_str(), Some(*hostile), "{hostile:?}");
        assert_eq!(blocks[1]["arguments"][1].as_str(), Some(*hostile), "{hostile:?}");
        assert_eq!(blocks[1]["uptime_seconds"].as_i64(), Some(864_321));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_leaves_the_structure(hostile in "\\PC*|[\\x00-\\x7f]{0,40}|[`|\\[\\]<>*_F1 \\n\\\\-]{0,24}") {
        let benign = text(&changed("incident", &|_| "benign".to_owned()));
        let record = text(&changed("incident", &|_| hostile.clone()));
        assert_sound(&record);
        prop_assert_eq!(difference(&record, &benign), None);
        let blocks = yaml_blocks(&record);
        prop_assert_eq!(blocks[1]["hostname"].as_str(), Some(&*hostile));
    }
}
