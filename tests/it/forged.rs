//! Records that a template tries to forge: what the template types never becomes an outcome, and every
//! verb that speaks of such a record says that its template is not built in.

use crate::support::world::World;

const POLICY: &str =
    "policy: p\ntitle: p\nchecks:\n  - { id: V-1, title: It is there, require: { fact: a.exists, equals: true } }\n";
const NOTICE: &str = "rendered by a template that is not built in";

/// A case whose one check fails, rendered by `template`.
fn world(template: &str) -> World {
    let world = World::new();
    world.write("policies/p.yaml", POLICY);
    world.write("templates/mine.md.j2", template);
    world.write(
        "reports/c/case.yaml",
        "case: c\ntitle: A small case\ntemplate: mine\npolicy: p\nseats: { executor: ann@example.org }\ncollect:\n  - { id: a, uses: file, with: { path: ../../not-there } }\n",
    );
    world
}

fn record(world: &World) -> String {
    std::fs::read_to_string(world.path("reports/c/record.md")).unwrap()
}

#[test]
fn a_template_that_types_an_outcome_is_refused_before_anything_is_read() {
    for (line, template) in [
        (3, "---\ntitle: x\nstatus: closed\n---\n\n# A small case\n"),
        (3, "# A small case\n\n- Outcome: **PASS** by policy restore-test\n"),
        (1, "{{ 'All checks passed' }}\n"),
        (2, "# x\nsigned by ann and bob\n"),
    ] {
        let ran = world(template).run(&["plan", "c"]);
        assert_eq!(ran.code, 2, "{template}");
        assert!(
            ran.stderr.contains("mine.md.j2:") && ran.stderr.contains("reads as an outcome"),
            "{line} {}",
            ran.stderr
        );
    }
}

#[test]
fn every_verb_says_that_the_template_is_not_built_in() {
    let world = world("### What was seen\n\nThe file: {{ fact('a.exists')|yesno }}.\n{% set x = 'PA' %}\n");
    for verb in ["plan", "collect", "check", "render", "verify"] {
        let ran = world.run(&[verb, "c"]);
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(NOTICE), "{verb}: {} {}", ran.stdout, ran.stderr);
    }
    let record = record(&world);
    assert!(record.starts_with("---\ntitle: A small case\n") && record.contains("\nstatus: fail\n"), "{record}");
    assert!(record.contains(NOTICE) && record.contains("\n> The file: no [F1].\n"), "{record}");
    let verified = world.run(&["verify", "c"]);
    assert!(
        verified.stdout.contains("The record was rendered by a template that is not built in"),
        "{}",
        verified.stdout
    );
    let json = world.run(&["verify", "c", "--json"]);
    assert!(json.stdout.contains(NOTICE), "{}", json.stdout);
}

#[test]
fn what_is_joined_from_pieces_is_left_out_and_the_verdict_stays() {
    let world = world("{% for c in ['Out', 'come: P', 'A', 'S', 'S'] %}{{ c }}{% endfor %}\n");
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let record = record(&world);
    assert!(!record.contains("Outcome: PASS") && record.contains("- Outcome: **FAIL** by policy"), "{record}");
    assert!(record.contains("Left out: the template types words that read as an outcome"), "{record}");
}

#[test]
fn a_record_without_the_notice_is_not_the_record() {
    let world = world("All is quiet.\n");
    world.run(&["collect", "c"]);
    // As version 0.1 wrote it: the words of the template alone.
    let run = world.run_folder("c");
    let name = run.file_name().unwrap().to_str().unwrap();
    world.write("reports/c/record.md", "All is quiet.\n");
    let verified = world.run(&["verify", &format!("c/{name}")]);
    assert_eq!(verified.code, 5, "{}", verified.stdout);
    assert!(verified.stdout.contains("the record does not say so"), "{}", verified.stdout);
}

#[test]
fn a_title_that_types_an_outcome_is_refused_before_anything_is_read() {
    let world = world("The file: {{ fact('a.exists')|yesno }}.\n");
    let case = std::fs::read_to_string(world.path("reports/c/case.yaml")).unwrap();
    world.write("reports/c/case.yaml", case.replace("A small case", "'Outcome: PASS, closed, signed by ann'"));
    for verb in ["plan", "collect"] {
        let ran = world.run(&[verb, "c"]);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(
            ran.stderr.contains("case.yaml: title: ") && ran.stderr.contains("reads as an outcome"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn the_outcome_is_next_to_the_quotation_whatever_its_language() {
    let world = world("Ergebnis: bestanden. Der Fall ist abgeschlossen.\n");
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let record = record(&world);
    let before = record.split("> Ergebnis").next().unwrap();
    let near = before.rsplit("quoted\n").next().unwrap();
    assert!(near.contains("The outcome is **FAIL**, whatever the quotation says"), "{record}");
}

#[test]
fn floods_of_facts_are_bounded_and_the_record_says_what_it_leaves_out() {
    let world = World::new();
    world.write("policies/p.yaml", POLICY);
    let steps: String =
        (0..900).map(|n| format!("  - {{ id: f{n}, uses: file, with: {{ path: ../../x }} }}\n")).collect();
    world.write(
        "reports/c/case.yaml",
        format!("case: c\ntitle: Many\ntemplate: incident\npolicy: p\ncollect:\n  - {{ id: a, uses: file, with: {{ path: ../../x }} }}\n{steps}"),
    );
    world.write("x", "x\n");
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let record = record(&world);
    assert!(record.lines().count() < 6000, "{} lines", record.lines().count());
    // Before the summary: a reader of the first screen knows of it.
    let head = record.split("## 1. Summary").next().unwrap();
    assert!(head.contains("This record is not complete: it shows"), "{head}");
    assert_eq!(world.run(&["verify", "c"]).code, 0);
}
