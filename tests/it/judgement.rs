//! What a verdict and a closing rest on: the bag that was sealed, the policy and case that are in force, one start of
//! an action under one plan, and the signature of the seat whose word counts.

use std::fs;
use std::path::PathBuf;

use crate::support::world::World;

const POLICY: &str =
    "policy: p\ntitle: p\nchecks:\n  - { id: V-1, title: It is there, require: { fact: a.exists, equals: true } }\n";

fn case(world: &World, rest: &str) {
    world.write("there", "x");
    world.write("policies/p.yaml", POLICY);
    let path = world.path("there").display().to_string();
    let head = "case: c\ntitle: t\ntemplate: incident\npolicy: p\nseats: { executor: ada, owner: lead }\n";
    let steps =
        format!("collect:\n  - {{ id: host, uses: host }}\n  - {{ id: a, uses: file, with: {{ path: {path} }} }}\n");
    world.write("reports/c/case.yaml", format!("{head}{steps}{rest}"));
}

fn run_folder(world: &World) -> PathBuf {
    fs::read_dir(world.path("reports/c/runs")).unwrap().next().unwrap().unwrap().path()
}

fn digest(world: &World) -> String {
    let plan = world.run(&["plan", "c"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    plan.stdout.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn a_broken_bag_is_neither_judged_nor_rendered_nor_signed() {
    let world = World::new();
    case(&world, "");
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    let facts = run_folder(&world).join("data/facts.jsonl");
    let text = fs::read_to_string(&facts).unwrap();
    fs::write(&facts, text.replace("\"exists\":true", "\"exists\":false")).unwrap();
    for verb in [&["check", "c"][..], &["render", "c"], &["sign", "c", "--seat", "executor", "--key", "none"]] {
        let ran = world.run(verb);
        assert_eq!(ran.code, 5, "{verb:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("not what was sealed"), "{verb:?}: {}", ran.stderr);
    }
    assert!(!world.path("reports/c/record.md").exists());
}

/// Every key of a case is under the digest: none has to be remembered when one is added.
#[test]
fn every_key_of_a_case_changes_the_digest_of_the_plan() {
    let world = World::new();
    let keys = [
        "scope: [ONE]\n",
        "excluded: [ONE]\n",
        "requires: [ONE]\n",
        "zone: Europe/ONE\n",
        "proposals: [{ id: P-1, seat: owner, says: ONE }]\n",
        "effects: [{ seat: owner, says: ONE }]\n",
        "handoff: [{ seat: owner, says: ONE }]\n",
        "hypotheses: [{ id: H-1, seat: owner, says: ONE, for: [{ fact: a.exists, equals: true }] }]\n",
        "objectives: { rpo: ONE }\n",
        "targets: { db: { sysid: \"ONE\" } }\n",
        "waivers: [{ item: V-1, owner: owner, reason: ONE, expires: \"2099-01-01T00:00:00Z\" }]\n",
        "action: { title: ONE, command: [/bin/true] }\n",
    ];
    let values = |key: &str| match key {
        key if key.starts_with("zone") => ("Zurich", "Berlin"),
        key if key.starts_with("objectives") => ("1h", "900d"),
        _ => ("one", "two"),
    };
    for key in keys {
        let (one, two) = values(key);
        case(&world, &key.replace("ONE", one));
        let before = digest(&world);
        case(&world, &key.replace("ONE", two));
        assert_ne!(before, digest(&world), "{key}");
    }
    case(&world, "");
    let before = digest(&world);
    world.write("policies/p.yaml", POLICY.replace("title: p", "title: q"));
    let policy = digest(&world);
    world.write("reports/c/narrative.md", "Words.\n");
    let narrative = digest(&world);
    world.write("templates/_scope.md.j2", "Words.\n");
    let all = [before, policy, narrative, digest(&world)];
    assert!((1..all.len()).all(|at| !all[..at].contains(&all[at])), "{all:?}");
}

#[test]
fn a_policy_that_takes_the_name_of_a_built_in_one_says_so_everywhere() {
    let world = World::new();
    case(&world, "");
    let own = POLICY.replace("policy: p", "policy: dump-guard");
    world.write("policies/dump-guard.yaml", own);
    let file = world.path("reports/c/case.yaml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("policy: p", "policy: dump-guard")).unwrap();
    let said = "it replaces the built-in dump-guard (";
    for verb in ["plan", "collect", "check", "render", "verify"] {
        let ran = world.run(&[verb, "c"]);
        assert!(verb == "render" || ran.stderr.contains(said), "{verb}: {}", ran.stderr);
    }
    assert!(world.run(&["status"]).stdout.contains("replaces the built-in"), "{}", world.run(&["status"]).stdout);
    let record = fs::read_to_string(world.path("reports/c/record.md")).unwrap();
    assert!(record.contains(said), "the record");
    let shown = world.run(&["explain", "dump-guard"]).stdout;
    assert!(shown.contains(said) && shown.contains("It is there"), "{shown}");
}

#[test]
fn an_action_is_started_once_under_one_plan() {
    let world = World::new();
    let count = world.path("count");
    let act = world.write("act.sh", format!("#!/bin/sh\necho x >> {}\n", count.display()));
    case(&world, &format!("action: {{ title: t, command: [/bin/sh, {}] }}\n", act.display()));
    assert_eq!(world.run(&["run", "c"]).code, 0);
    let again = world.run(&["run", "c"]);
    assert_eq!(again.code, 2, "{}", again.stdout);
    assert!(again.stderr.contains("started once"), "{}", again.stderr);
    // One that was killed after its start counts too; its plan is in the marker.
    let run = run_folder(&world);
    fs::remove_dir_all(run.join("data")).unwrap();
    fs::write(run.join("UNSEALED"), format!("started under the plan {}\n", digest(&world))).unwrap();
    assert_eq!(world.run(&["run", "c"]).code, 2);
    assert_eq!(fs::read_to_string(&count).unwrap().lines().count(), 1);
}

#[test]
fn an_edited_case_or_policy_is_named_by_check_and_status() {
    let world = World::new();
    case(&world, "");
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert!(!world.run(&["check", "c"]).stderr.contains("changed"));
    case(&world, "handoff: [{ seat: owner, says: one }]\n");
    assert!(world.run(&["check", "c"]).stderr.contains("the case changed since this run (handoff)"));
    assert!(world.run(&["status"]).stdout.contains("closed"), "words alone reopen nothing");
    case(&world, "objectives: { rpo: 1h }\n");
    assert!(world.run(&["status"]).stdout.contains("stale"));
    assert_eq!(world.run(&["check", "c", "--require-closed"]).code, 3);
    case(&world, "");
    world.write("policies/p.yaml", POLICY.replace("equals: true", "equals: false"));
    assert!(world.run(&["check", "c"]).stderr.contains("the policy changed since this run"));
}
