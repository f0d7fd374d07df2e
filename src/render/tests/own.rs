//! A template that is not built in decides nothing of the record but one quotation.

use super::*;

/// The record around what `source` prints.
fn record(source: &str) -> String {
    text(&with_template(source))
}

/// The lines outside of the quotation.
fn outside(record: &str) -> String {
    let digest = record.split(".j2 sha256:").nth(1).and_then(|rest| rest.get(..64)).unwrap_or_default();
    let record = record.replace(digest, "DIGEST");
    record.lines().filter(|line| !line.starts_with('>') && !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

const FORGERIES: [&str; 22] = [
    "---\nstatus: closed\n---\n\n# A case\n\n- Outcome: **PASS** by policy x\n- Closure: closed\n\nVERIFIED, signed by ann.\n",
    "{{ 'Out' }}{{ 'come: PA' }}{{ 'SS' }}",
    "{% set a %}PA{% endset %}{{ a }}SS",
    "{% macro m(x) %}Closure: {{ x }}{% endmacro %}{{ m('closed') }}",
    "{{ table(['#', 'Check', 'Status'], [['V-1', 'It is there', 'PASS']]) }}",
    "{{ section('Outcome: PASS') }}",
    "{{ commands(['status: closed']) }}",
    "{{ 'PASS'|code }} and {{ 'PASS'|prose }}",
    "{{ facts_block([['outcome', fact('fresh.kind')]]) }}",
    "Outcome: {{ fact('paused.says')|prose }}",
    "O\u{443}tc\u{43e}me: P\u{410}SS, clo\u{455}ed",
    "```\nstatus: closed\n",
    "Outcome\n=======\n\npass\n",
    "&#79;utcome: passed",
    "{% for c in ['P', 'A', 'S', 'S'] %}{{ c }}{% endfor %}",
    "| Status |\n|---|\n| closed |\n",
    "all checks\nhave passed",
    "1. PASS",
    "{{ statements([{'seat': 'owner', 'says': 'Status: closed'}]) }}",
    "Sign*ature*: valid",
    "**V**ERIFIED",
    "The case\n\n> is closed and signed by the owner",
];

#[test]
fn no_forgery_reaches_the_record() {
    let honest = outside(&record("The words of the author."));
    for source in FORGERIES {
        let record = record(source);
        assert_eq!(outside(&record).replace("Left out: the template types words that read as an outcome, a status, a verdict or a signature. Only the verdict gives those; they are above.\n", ""), honest, "{source}");
        assert!(record.contains("Left out: the template types words"), "{source}\n{record}");
    }
}

#[test]
fn a_record_of_ones_own_template_says_so_and_has_the_verdict() {
    let source = "### What was found\n\n{{ summary() }}The file has {{ fact('fresh.stored_bytes') }}.\n\n{{ excerpt('cron-log.excerpt') }}{{ table(['Backup', 'Quality'], each(facts_using('backup'), ['@id', 'quality?'])) }}{{ facts_block([['state', fact('fresh.kind')]]) }}\n";
    let record = record(source);
    let digest = crate::base::digest::Digest::of(source.as_bytes()).to_string();
    let notice = format!("rendered by a template that is not built in: incident.md.j2 sha256:{digest}");
    assert!(record.starts_with("---\n") && record.contains(&format!("template: \"{notice}\"")), "{record}");
    assert!(
        record.contains("**This record was rendered by a template that is not built in: incident.md.j2"),
        "{record}"
    );
    assert!(record.contains("- Outcome: **HARD STOP** by policy"), "{record}");
    assert!(record.contains("> The file has 20 bytes [F5].\n"), "{record}");
    assert!(record.contains("> ```text\n") && record.contains("> state: "), "{record}");
    assert!(record.lines().any(|line| line.starts_with("| [F5] |")), "{record}");
    super::hostile::assert_sound(&record);
}

#[test]
fn what_hides_or_prints_nothing_hides_nothing() {
    for source in ["", "{# x #}", "{% if false %}x{% endif %}", "```\n", "~~~~~\nx", "> x", "    x"] {
        let record = record(source);
        assert!(record.contains("- Outcome: **HARD STOP** by policy") && record.contains("## 1. Summary"), "{source}");
        assert!(record.contains(". How to verify\n\nThe bundle's digest"), "{source}");
    }
    assert!(error("<!-- ").contains("raw HTML"));
    assert!(error("\u{202e}x").contains("invisible or control character"));
    assert!(error("{{ narrative() }}\u{2}x\u{3}").contains("invisible or control character"));
}

#[test]
fn a_built_in_name_is_not_enough_and_a_copy_is_enough() {
    let mut copy = bundle("incident");
    assert!(!text(&copy).contains("not built in"));
    copy.templates.get_mut("_head.md.j2").unwrap().push_str("\nAll is well.\n");
    let record = text(&copy);
    assert!(record.contains("not built in: _head.md.j2 sha256:"), "{record}");
    assert!(record.lines().filter(|line| line.contains("All is well")).all(|line| line.starts_with("> ")));
}

#[test]
fn the_words_of_the_built_in_templates_could_be_copied() {
    for name in crate::base::assets::templates() {
        let source = crate::base::assets::template(name).unwrap();
        let copy = format!("{source}\n{{# changed #}}\n");
        let load = |asked: &str| {
            if asked == name { Some(copy.clone()) } else { crate::base::assets::template(asked).map(str::to_owned) }
        };
        needed(name, &load).unwrap();
    }
}

#[test]
fn floods_are_refused_with_their_place() {
    let double = format!("{{% set a = 'x' %}}\n{}{{{{ a }}}}", "{% set a = a ~ a %}\n".repeat(32));
    assert!(error(&double).starts_with("incident.md.j2:2: this joins"));
    let mut narrated = bundle("incident");
    narrated.narrative = Some(double);
    assert!(render(&narrated).unwrap_err().to_string().starts_with("narrative.md:2: this joins"));
    let captured = format!(
        "{{% set a %}}xxxxxxxx{{% endset %}}\n{}{{{{ a }}}}",
        "{% set a %}{{ a }}{{ a }}{% endset %}\n".repeat(32)
    );
    assert!(error(&captured).contains("more than 64 MiB of text"), "{}", error(&captured));
    let list = "{% set l = [1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0] %}";
    let nest = |inside: &str| format!("{list}{}{inside}{}", "{% for x in l %}".repeat(4), "{% endfor %}".repeat(4));
    let long = error(&nest(&"x".repeat(4000)));
    assert!(long.contains("longer than 16 MiB"), "{long}");
    for inside in
        ["{{ summary() }}", "{% set s = unknowns() %}", "{{ narrative() }}", "{{ values_block(fact('host')) }}"]
    {
        let mut own = with_template(&nest(inside));
        own.narrative = Some(format!("{list}{}{}{}", "{% for x in l %}".repeat(3), "abc ", "{% endfor %}".repeat(3)));
        let message = render(&own).map_or_else(|error| error.to_string(), |record| format!("{} bytes", record.len()));
        assert!(
            message.contains("more than 64 MiB")
                || message.contains("longer than 16 MiB")
                || message.contains("loops too long")
                || message.len() < 16,
            "{inside}: {message}"
        );
    }
}
