//! Every value with its label, absences in words, errors with their place.

use super::*;

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
    let block = line(
        "{{ values_block(fact('cron')) }}{{ facts_block([['a', fact('cron.a')], ['b', fact('cron.b')], ['c', fact('cron.c')]]) }}",
    );
    assert_eq!(block, "```yaml\n# UNKNOWN (permission denied) for a, b, c: cannot open: permission denied [F4]\n```");
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

#[test]
fn the_manual_names_every_function_and_filter() {
    let manual = include_str!("../../../docs/templates.md");
    let sample = Arc::new(bundle("incident"));
    let env = engine::environment(&sample, &Arc::new(Ledger::new(&sample, Mode::BuiltIn))).unwrap();
    let mut provided: Vec<_> = env.globals().map(|(name, _)| name.to_owned()).collect();
    provided.extend(["loop", "self", "super"].map(str::to_owned));
    provided.sort();
    let mut promised = engine::NAMES.to_vec();
    promised.sort_unstable();
    assert_eq!(provided, promised);
    let data = ["case", "run", "policy", "bundle", "verdict"];
    for (name, _) in env.globals() {
        let form = if data.contains(&name) { format!("`{name}.") } else { format!("`{name}(") };
        assert!(manual.contains(&form), "docs/templates.md does not name `{name}`");
    }
    for (name, _) in form::FORMS {
        assert!(manual.contains(&format!("| `{name}` |")), "docs/templates.md does not name the filter `{name}`");
    }
}
