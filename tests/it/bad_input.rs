//! What people mistype, damage or attack with: each gives a clear error (what, where, what to do),
//! exit code 2, and leaves nothing behind.

use std::fs;

use crate::support::world::{PLAIN_POLICY, World, look_at};

/// The error of `plan` on a case whose YAML ends in `rest`.
fn plan_error(rest: &str) -> String {
    let world = World::new();
    world.case("c", rest);
    let ran = world.run(&["plan", "c"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(!world.path("reports/c/runs").exists());
    ran.stderr
}

#[test]
fn a_case_that_is_not_there() {
    let world = World::new();
    world.case("database", &look_at(&world.path("x")));
    let ran = world.run(&["plan", "databse"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn malformed_yaml() {
    insta::assert_snapshot!(plan_error("collect: [\n"));
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(plan_error("colect:\n  - id: a\n    uses: host\n"));
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(plan_error("scope: nothing\ncollect:\n  - id: a\n    uses: host\n"));
}

#[test]
fn a_duplicate_key() {
    insta::assert_snapshot!(plan_error("title: again\ncollect:\n  - id: a\n    uses: host\n"));
}

#[test]
fn a_duplicate_key_in_free_settings() {
    insta::assert_snapshot!(plan_error(
        "collect:\n  - id: subject\n    uses: file\n    with:\n      path: /a\n      path: /b\n"
    ));
}

#[test]
fn a_duplicate_id() {
    insta::assert_snapshot!(plan_error("collect:\n  - id: a\n    uses: host\n  - id: a\n    uses: host\n"));
}

#[test]
fn deep_nesting_and_alias_bombs() {
    let deep = format!("collect:\n  - id: subject\n    uses: file\n    with: {{ path: {} }}\n", "[".repeat(50_000));
    assert!(plan_error(&deep).contains("case.yaml"));
    let mut bomb =
        String::from("collect:\n  - id: subject\n    uses: file\n    with:\n      a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let refs = vec![format!("*a{}", i - 1); 9].join(",");
        bomb.push_str(&format!("      a{i}: &a{i} [{refs}]\n"));
    }
    assert!(plan_error(&bomb).contains("case.yaml"));
}

#[test]
fn an_unknown_collector() {
    insta::assert_snapshot!(plan_error("collect:\n  - id: subject\n    uses: files2\n"));
}

#[test]
fn an_unknown_setting() {
    insta::assert_snapshot!(plan_error("collect:\n  - id: subject\n    uses: file\n    with: { pth: /a }\n"));
}

#[test]
fn a_setting_that_is_missing() {
    insta::assert_snapshot!(plan_error("collect:\n  - id: subject\n    uses: file\n"));
}

#[test]
fn a_target_that_is_not_there() {
    insta::assert_snapshot!(plan_error("collect:\n  - id: subject\n    uses: postgres.identity\n    on: production\n"));
}

#[test]
fn an_unknown_policy_template_and_operator() {
    let world = World::new();
    let rest = look_at(&world.path("x"));
    let case = |template: &str, policy: &str| {
        let head = format!("case: c\ntitle: A test\ntemplate: {template}\npolicy: {policy}\n");
        world.write("reports/c/case.yaml", head + &rest);
        let ran = world.run(&["plan", "c"]);
        assert_eq!(ran.code, 2);
        ran.stderr
    };
    world.write("policies/plain.yaml", PLAIN_POLICY);
    world.write(
        "policies/odd.yaml",
        "policy: odd\nchecks:\n  - id: C\n    title: t\n    require: { fact: subject.exists, equal: true }\n",
    );
    let errors = [case("incident", "backup-integrty"), case("incidnt", "plain"), case("incident", "odd")];
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_policy_about_a_fact_that_the_case_does_not_collect() {
    insta::assert_snapshot!(plan_error("collect:\n  - id: subjct\n    uses: file\n    with: { path: /a }\n"));
}

#[test]
fn a_template_error_names_the_line_and_no_value() {
    let world = World::new();
    let private = format!("swordfish-{}", 4711);
    world.case("c", &look_at(&world.write("x", "content")));
    let case = fs::read_to_string(world.path("reports/c/case.yaml")).unwrap().replace("A test", &private);
    world.write("reports/c/case.yaml", case);
    world.write("templates/incident.md.j2", "# {{ case.title }}\n\n{{ fact('nothing.here') }}\n");
    world.run(&["collect", "c"]);
    let ran = world.run(&["render", "c"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.stderr.contains(&private));
    assert!(!world.path("reports/c/record.md").exists());
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn another_plan_than_the_authorised_one() {
    let world = World::new();
    world.case("c", &look_at(&world.write("x", "content")));
    let ran = world.run(&["collect", "c", "--plan-sha256", &"0".repeat(64)]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("not the authorised one"));
    assert!(!world.path("reports/c/runs").exists());
    let plan = world.run(&["plan", "c", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let digest = plan["plan_sha256"].as_str().unwrap();
    assert_eq!(world.run(&["collect", "c", "--plan-sha256", digest]).code, 0);
}

#[test]
fn wrong_arguments() {
    let world = World::new();
    let ran = world.run(&["colect", "c"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let world = World::new();
    let binary = assert_cmd::cargo::cargo_bin("evidence");
    let script = format!("set -o pipefail; {} explain collectors | head -c 10 >/dev/null", binary.display());
    let status = std::process::Command::new("bash").args(["-c", &script]).current_dir(world.root()).status().unwrap();
    assert!(status.success());
}
