//! The governed action, the comparison of runs, and where all cases stand; with real scripts that
//! really write, fail, hang and leak.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use evidence::base::canonical;
use serde_json::Value;

use crate::sealing::repair;
use crate::support::cluster::Cluster;
use crate::support::world::{Ran, World};

const POLICY: &str = "\
policy: governed
title: A governed run
hard_stops:
  - { id: HS-1, title: No room, unless: { fact: room.exists, equals: true }, halts: mutating }
checks:
  - { id: C-1, title: The command succeeded, require: { fact: action.exit_code, equals: 0 } }
  - { id: C-2, title: Exactly one file appeared, require: { fact: side_effects.new_files, count: { equals: 1 } } }
  - { id: C-3, title: The log grew, require: { fact: side_effects.log_lines_added, at_least: 1 } }
  - { id: C-4, title: It was quick, require: { fact: action.duration_seconds, at_most: 1m } }
  - { id: C-5, title: The newest backup is another one, require: { fact: newest-after.exists, equals: true } }
";

/// A world with the case `job`, whose command is `script` (bash); `more` goes into `action:`.
fn world(script: &str, more: &str) -> World {
    let world = World::new();
    world.write("policies/governed.yaml", POLICY);
    world.write("room", "there");
    for folder in ["backups", "log"] {
        fs::create_dir_all(world.path(folder)).unwrap();
    }
    world.write("log/job.log", "old line\n");
    let path = world.write("job.sh", format!("#!/usr/bin/env bash\nROOT={}\n{script}\n", world.root().display()));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let case = format!(
        "case: job\ntitle: The nightly job\ntemplate: incident\npolicy: governed\ncollect:\n  \
         - {{ id: room, uses: file, with: {{ path: ../../room }} }}\n  \
         - {{ id: newest, uses: file, phase: both, with: {{ path: ../../backups/new.gz }} }}\n  \
         - {{ id: later, uses: file, phase: after, with: {{ path: ../../log/job.log }} }}\n\
         action:\n  title: Run the job once\n  command: [../../job.sh, --once]\n  \
         watch: {{ folders: [../../backups], logs: [../../log/job.log] }}\n{more}"
    );
    world.write("reports/job/case.yaml", case);
    world
}

/// What a nightly job does: a file, a line in the log, words on both streams.
const JOB: &str = "echo \"args: $*\"; echo working >&2\n\
    gzip -c <<<\"payload\" >\"$ROOT/backups/new.gz\"\n\
    echo \"$(date +%T) success\" >>\"$ROOT/log/job.log\"\nexit 0";

fn facts(ran: &Ran) -> Vec<Value> {
    let json: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", ran.stdout, ran.stderr));
    json["facts"].as_array().unwrap().iter().map(|fact| fact["fact"].clone()).collect()
}

fn fact(ran: &Ran, id: &str) -> Value {
    facts(ran).into_iter().find(|fact| fact["id"] == id).unwrap_or_else(|| panic!("no fact {id}: {}", ran.stdout))
}

fn row<'a>(json: &'a Value, id: &str) -> &'a Value {
    json["verdict"]["rows"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()
}

/// The run renders, and run and record verify.
fn verifies(world: &World) {
    for args in [["render", "job"], ["verify", "job"]] {
        let ran = world.run(&args);
        assert_eq!(ran.code, 0, "{args:?}: {} {}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_run_shows_the_command_and_what_it_left() {
    let world = world(JOB, "");
    let ran = world.run(&["run", "job", "--json"]);
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    let ids: Vec<_> = facts(&ran).iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["room", "newest", "action", "newest-after", "later", "side_effects"]);
    let action = fact(&ran, "action");
    assert_eq!(action["values"]["exit_code"], 0);
    assert_eq!(action["values"]["stdout_tail"][0]["text"], "args: --once");
    assert_eq!(action["values"]["stderr_bytes"], 8);
    assert_eq!(action["missing"]["signal"]["reason"], "not_applicable");
    let effects = fact(&ran, "side_effects");
    assert_eq!(effects["basis"], "derived");
    assert!(effects["values"]["new_files"][0]["path"].as_str().unwrap().ends_with("backups/new.gz"));
    assert_eq!(effects["values"]["new_files_total"], 1);
    assert_eq!(effects["values"]["logs"][0]["lines"][0]["line"], 2);
    assert!(effects["values"]["logs"][0]["lines"][0]["text"].as_str().unwrap().ends_with("success"));
    assert_eq!(effects["values"]["log_lines_added"], 1);
    let differs = effects["values"]["differences"].as_array().unwrap();
    assert!(differs.iter().any(|d| d["fact"] == "newest" && d["path"] == "exists" && d["after"] == "true"));

    for args in [["check", "job"], ["render", "job"], ["verify", "job"]] {
        let ran = world.run(&args);
        assert_eq!(ran.code, 0, "{args:?}: {} {}", ran.stdout, ran.stderr);
    }
    let record = fs::read_to_string(world.path("reports/job/record.md")).unwrap();
    for word in ["Governed action", "exit_code: 0", "New files", "Before and after: newest", "Added to", "success"] {
        assert!(record.contains(word), "{word}: {record}");
    }
}

#[test]
fn a_hard_stop_before_it_means_it_never_starts() {
    let world = world("touch \"$ROOT/marker\"", "");
    fs::remove_file(world.path("room")).unwrap();
    let ran = world.run(&["run", "job", "--json"]);
    assert_eq!(ran.code, 4, "{} {}", ran.stdout, ran.stderr);
    assert!(!world.path("marker").exists(), "the command was started");
    for id in ["action", "newest-after", "later", "side_effects"] {
        assert_eq!(fact(&ran, id)["absence"]["reason"], "halted", "{id}");
    }
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(row(&json, "C-1")["status"], "unknown");
    verifies(&world);
}

#[test]
fn a_precondition_that_is_not_known_stops_it_too() {
    let world = world("touch \"$ROOT/marker\"", "");
    let policy = POLICY.replace("fact: room.exists, equals: true", "fact: room.link_target, present: true");
    world.write("policies/governed.yaml", policy);
    assert_eq!(world.run(&["run", "job"]).code, 4);
    assert!(!world.path("marker").exists());
}

#[test]
fn a_hard_stop_on_what_comes_after_waits_for_it() {
    let world = world(JOB, "");
    let stop = "  - { id: HS-2, title: x, unless: { fact: action.exit_code, equals: 7 }, halts: everything }\nchecks:";
    world.write("policies/governed.yaml", POLICY.replace("checks:", stop));
    let ran = world.run(&["run", "job"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(world.path("backups/new.gz").exists(), "it was held back by its own result");
}

/// A difference is taken away, then anchor and every checksum are repaired: the facts of both phases still show it.
#[test]
fn a_side_effect_that_was_taken_away_is_missed() {
    let world = world(JOB, "");
    assert_eq!(world.run(&["run", "job"]).code, 0);
    verifies(&world);
    let forged = |edit: &dyn Fn(&mut Value)| {
        let run = world.run_folder("job");
        let path = run.join("data/facts.jsonl");
        let kept = fs::read_to_string(&path).unwrap();
        let lines = kept.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            if line["fact"]["id"] == "side_effects" {
                edit(&mut line["fact"]);
                line["anchor"] = canonical::anchor(&line["fact"]).unwrap().to_string().into();
            }
            String::from_utf8(canonical::to_vec(&line).unwrap()).unwrap() + "\n"
        });
        fs::write(&path, lines.collect::<String>()).unwrap();
        repair(&run);
        world.run(&["render", "job"]);
        let verified = world.run(&["verify", "job", "--json"]);
        let check = world.run(&["check", "job", "--require-closed"]);
        fs::write(&path, kept).unwrap();
        repair(&run);
        (verified.code, verified.stdout, check.code)
    };
    let (code, said, check) = forged(&|fact| fact["values"]["differences"].as_array_mut().unwrap().clear());
    assert!(code == 5 && said.contains("`differences` is not what its facts give"), "{said}");
    assert_ne!(check, 0);
    let (code, said, _) = forged(&|fact| {
        for row in fact["values"]["differences"].as_array_mut().unwrap() {
            row["after"] = "***".into();
        }
    });
    assert!(code == 5 && said.contains("`differences` is not what its facts give"), "{said}");
    let (code, said, _) = forged(&|fact| fact["values"]["compared"]["newest"]["differences"] = 0.into());
    assert!(code == 5 && said.contains("`compared` is not what its facts give"), "{said}");
    verifies(&world);
}

#[test]
fn collect_and_plan_never_start_it() {
    let world = world("touch \"$ROOT/marker\"", "");
    let plan = world.run(&["plan", "job"]);
    assert!(
        plan.stdout.contains("ACTION: Run the job once") && plan.stdout.contains("job.sh --once"),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.find("ACTION").unwrap() < plan.stdout.find("newest-after").unwrap());
    let ran = world.run(&["collect", "job", "--json"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let action = fact(&ran, "action");
    assert_eq!(action["absence"]["reason"], "not_applicable");
    assert!(action["absence"]["settle"].as_str().unwrap().contains("run job"));
    assert!(!world.path("marker").exists());
    let check = world.run(&["check", "job", "--json"]);
    let json: Value = serde_json::from_str(&check.stdout).unwrap();
    let row = json["rows"].as_array().unwrap().iter().find(|row| row["id"] == "C-1").unwrap();
    assert_eq!(row["status"], "unknown");
    verifies(&world);
}

#[test]
fn another_plan_than_the_authorised_one_is_refused() {
    let world = world("touch \"$ROOT/marker\"", "");
    let plan: Value = serde_json::from_str(&world.run(&["plan", "job", "--json"]).stdout).unwrap();
    let digest = plan["plan_sha256"].as_str().unwrap().to_owned();
    assert_eq!(plan["action"]["argv"][1], "--once");
    let case = fs::read_to_string(world.path("reports/job/case.yaml")).unwrap();
    world.write("reports/job/case.yaml", case.replace("--once", "--twice"));
    let ran = world.run(&["run", "job", "--plan-sha256", &digest]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("authorised") && !world.path("marker").exists());
    assert!(!world.path("reports/job/runs").exists(), "nothing was begun");
    world.write("reports/job/case.yaml", case);
    world.run(&["run", "job", "--plan-sha256", &digest]);
    assert!(world.path("marker").exists());
}

#[test]
fn it_fails_without_the_tool_failing_and_is_not_tried_again() {
    let world = world("echo x >>\"$ROOT/marker\"; exit 3", "");
    let ran = world.run(&["run", "job", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(fact(&ran, "action")["values"]["exit_code"], 3);
    assert_eq!(fs::read_to_string(world.path("marker")).unwrap(), "x\n");
}

#[test]
fn a_command_that_is_not_there_leaves_everything_unknown() {
    let world = world("true", "");
    fs::remove_file(world.path("job.sh")).unwrap();
    let ran = world.run(&["run", "job", "--json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(fact(&ran, "action")["absence"]["reason"], "not_found");
    assert_eq!(row(&json, "C-1")["status"], "unknown");
    assert_eq!(ran.code, 1, "that no file appeared is seen");
}

#[test]
fn the_time_limit_ends_the_whole_group() {
    let script = "trap 'echo bye >>\"$ROOT/log/job.log\"; exit 0' TERM\n\
        (echo $BASHPID >\"$ROOT/child\"; exec sleep 300) & sleep 300 & wait";
    let world = world(script, "  limit: 500ms\n");
    let began = Instant::now();
    let ran = world.run(&["run", "job", "--json"]);
    assert!(began.elapsed() < Duration::from_secs(30));
    let action = fact(&ran, "action");
    assert_eq!(action["values"]["timed_out"], true);
    assert_eq!(action["missing"]["exit_code"]["reason"], "timed_out");
    assert_eq!(fact(&ran, "side_effects")["values"]["logs"][0]["lines"][0]["text"], "bye", "it could clean up");
    let child = fs::read_to_string(world.path("child")).unwrap();
    assert!(gone(child.trim()), "{child} still runs");
}

fn gone(pid: &str) -> bool {
    let state = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let now = state(pid);
        now.is_empty() || now.contains(") Z ")
    })
}

#[test]
fn the_environment_is_hidden_and_nobody_answers() {
    let world = world(
        "env >\"$ROOT/seen\"; read -r x || echo empty >>\"$ROOT/seen\"",
        "  env: [LET_THROUGH]\n  set: { GIVEN: here }\n",
    );
    let mut command = world.command(&["run", "job", "--json"]);
    let ran =
        world.ran(command.env("LET_THROUGH", "yes").env("HIDDEN_ONE", "no").write_stdin("ours\n").output().unwrap());
    let seen = fs::read_to_string(world.path("seen")).unwrap();
    assert!(seen.contains("LET_THROUGH=yes") && seen.contains("GIVEN=here") && seen.contains("empty\n"), "{seen}");
    assert!(!seen.contains("HIDDEN_ONE"), "{seen}");
    let names = fact(&ran, "action")["values"]["environment"].to_string();
    assert!(names.contains("LET_THROUGH") && names.contains("GIVEN") && !names.contains("yes"), "{names}");
}

#[test]
fn a_secret_in_its_output_or_in_a_log_is_masked_everywhere() {
    let secret = format!("ghp_{}", "Zx9Kq2Lm7Rt4Vb8Nc3Wd6Yf1Hg5Js0Pa4Qe7");
    let script =
        format!("echo 'token={secret}'; echo 'token={secret}' >&2; echo \"using {secret}\" >>\"$ROOT/log/job.log\"");
    let world = world(&script, &format!("  set: {{ API_TOKEN: {secret} }}\n"));
    let case = fs::read_to_string(world.path("reports/job/case.yaml")).unwrap();
    world.write("reports/job/case.yaml", case.replace("--once", &format!("'{secret}'")));
    let (plan, json) = (world.run(&["plan", "job"]), world.run(&["plan", "job", "--json"]));
    let plan = plan.stdout + &plan.stderr + &json.stdout;
    assert!(!plan.contains(&secret) && plan.contains("***"), "{plan}");
    let ran = world.run(&["run", "job", "--json"]);
    assert!(!ran.stdout.contains(&secret) && ran.stdout.contains("***"), "{}", ran.stdout);
    let mine = world.path("reports/job/case.yaml");
    assert!(fs::read_to_string(&mine).unwrap().contains(&secret), "the case itself is the operator's");
    fs::remove_file(mine).unwrap();
    world.write("reports/job/case.yaml", "case: job\n");
    let run = world.run_folder("job");
    assert_eq!(world.run(&["render", run.to_str().unwrap(), "--output", "record.md"]).code, 0);
    assert!(!fs::read_to_string(world.path("record.md")).unwrap().contains(&secret));
    for path in crate::sealing::tree(&world.path("reports")) {
        let bytes = fs::read(world.path("reports").join(&path)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "{path}");
    }
    let run = world.run_folder("job");
    assert!(
        run.join("data/artifacts/action/stdout.txt").exists()
            && run.join("data/artifacts/side_effects/log-1.txt").exists()
    );
}

/// Starts `evidence run job` and waits until the script has written `started`.
fn started(world: &World) -> std::process::Child {
    let binary = assert_cmd::cargo::cargo_bin("evidence");
    let child = std::process::Command::new(binary)
        .args(["run", "job"])
        .current_dir(world.root())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let patience = Instant::now();
    while !world.path("started").exists() {
        assert!(patience.elapsed() < Duration::from_secs(60), "the script never started");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
}

const HANGS: &str = "echo $$ >\"$ROOT/pid\"; touch \"$ROOT/started\"; sleep 120";

#[test]
fn killed_while_it_runs_leaves_a_run_that_says_so() {
    let world = world(HANGS, "");
    let mut child = started(&world);
    let busy = world.run(&["run", "job"]);
    assert_eq!(busy.code, 2, "a second run at the same time: {}", busy.stderr);
    signal(&child, "-KILL");
    child.wait().unwrap();
    let run = world.run_folder("job");
    let marker = fs::read_to_string(run.join("UNSEALED")).unwrap();
    assert!(marker.contains("not sealed") && marker.contains("The governed action was started at"), "{marker}");
    assert_eq!(world.run(&["check", "job"]).code, 2);
    assert!(world.run(&["status", "--json"]).stdout.contains("\"unsealed\""));
    let script = fs::read_to_string(world.path("pid")).unwrap();
    let _ = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{}", script.trim())]).status();
}

#[test]
fn killed_at_any_moment_it_is_sealed_whole_or_says_that_it_is_not() {
    let world = world(&format!("sleep 0.1\n{JOB}"), "");
    let case = fs::read_to_string(world.path("reports/job/case.yaml")).unwrap();
    // An action is started once under one plan, so that each start has a plan of its own.
    let plan = |moment: u64| {
        world.write("reports/job/case.yaml", case.replace("The nightly job", &format!("The nightly job {moment}")))
    };
    for moment in 0..20_u64 {
        plan(moment);
        let binary = assert_cmd::cargo::cargo_bin("evidence");
        let quiet = || std::process::Stdio::null();
        let mut child = std::process::Command::new(binary);
        child.args(["run", "job"]).current_dir(world.root()).stdout(quiet()).stderr(quiet());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment * 14));
        let _ = child.kill();
        child.wait().unwrap();
        let runs = evidence::seal::runs(&world.path("reports/job")).unwrap();
        for run in runs.iter().filter(|run| run.sealed) {
            assert!(evidence::seal::inspect(&run.path).is_whole(), "{}", run.name);
        }
        let unsealed = runs.iter().filter(|run| !run.sealed);
        assert!(unsealed.clone().all(|run| evidence::seal::read(&run.path).is_err()));
    }
    plan(20);
    assert_ne!(world.run(&["run", "job"]).code, 2, "the next one goes on");
    let left = crate::sealing::tree(&world.path("reports/job/runs"));
    assert!(!left.iter().any(|path| path.contains(".scratch")), "{left:?}");
}

#[test]
fn one_plan_starts_its_action_once_and_a_hard_stop_before_it_uses_no_plan_up() {
    let world = world("echo x >>\"$ROOT/count\"", "");
    let count = || fs::read_to_string(world.path("count")).unwrap_or_default().lines().count();
    let names = || -> Vec<String> {
        evidence::seal::runs(&world.path("reports/job")).unwrap().into_iter().map(|run| run.name).collect()
    };
    fs::rename(world.path("room"), world.path("away")).unwrap();
    let stopped = world.run(&["run", "job"]);
    assert_eq!((stopped.code, count()), (4, 0), "{}", stopped.stderr);
    fs::rename(world.path("away"), world.path("room")).unwrap();
    world.run(&["run", "job"]);
    assert_eq!(count(), 1, "the hard stop came before the action");
    let before = names();
    let again = world.run(&["run", "job"]);
    assert_eq!((again.code, count()), (2, 1), "{}", again.stderr);
    assert!(again.stderr.contains("an action is started once"), "{}", again.stderr);
    assert_eq!(names(), before, "the refused run leaves nothing, and the one that acted stays the newest");
    fs::rename(world.path("room"), world.path("away")).unwrap();
    assert_eq!((world.run(&["run", "job"]).code, count()), (4, 1), "a hard stop is reported first");
    fs::rename(world.path("away"), world.path("room")).unwrap();
    assert_eq!((world.run(&["run", "job"]).code, count()), (2, 1));
}

#[test]
fn being_asked_to_end_ends_its_group_and_is_written_down() {
    for name in ["-TERM", "-INT"] {
        let world = world(HANGS, "");
        let mut child = started(&world);
        signal(&child, name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(1), "{name}: the verdict decides");
        let facts = fs::read_to_string(world.run_folder("job").join("data/facts.jsonl")).unwrap();
        assert!(facts.contains("\"interrupted\":true"), "{facts}");
        assert!(gone(fs::read_to_string(world.path("pid")).unwrap().trim()));
        verifies(&world);
    }
}

#[test]
fn looks_stay_confined_although_the_action_may_write() {
    let world = world("touch \"$ROOT/marker\"", "");
    let case = fs::read_to_string(world.path("reports/job/case.yaml")).unwrap();
    let host = "collect:\n  - { id: before, uses: host, phase: both }\n";
    world.write("reports/job/case.yaml", case.replace("collect:\n", host));
    let ran = world.run(&["run", "job", "--json", "--require-sandbox"]);
    assert!(world.path("marker").exists(), "{}", ran.stderr);
    assert_eq!(fact(&ran, "before")["values"]["sandbox"], "full");
    assert_eq!(fact(&ran, "before-after")["values"]["sandbox"], "full");
}

#[test]
fn a_case_says_what_is_wrong_with_its_action() {
    let world = world(JOB, "");
    let case = fs::read_to_string(world.path("reports/job/case.yaml")).unwrap();
    let error = |from: &str, to: &str| {
        world.write("reports/job/case.yaml", case.replace(from, to));
        let ran = world.run(&["plan", "job"]);
        assert_eq!(ran.code, 2, "{to}: {}", ran.stdout);
        ran.stderr
    };
    assert!(error("[../../job.sh, --once]", "../../job.sh --once").contains("shell: true"));
    assert!(error("id: later", "id: newest-after").contains("newest-after"));
    assert!(error("id: later", "id: action").contains("action"));
    let cut = case.find("action:").unwrap();
    world.write("reports/job/case.yaml", &case[..cut]);
    assert!(world.run(&["plan", "job"]).stderr.contains("no `action`"));
    world.write("reports/job/case.yaml", &case);
    world.write("policies/governed.yaml", POLICY.replace("action.exit_code", "action.exit_kode"));
    assert!(world.run(&["plan", "job"]).stderr.contains("exit_kode"));
    for path in ["compared.room.differences", "log_lines_added"] {
        world.write("policies/governed.yaml", POLICY.replace("action.exit_code", &format!("side_effects.{path}")));
        world.write("reports/job/case.yaml", case.replace(", logs: [../../log/job.log]", ""));
        let refused = world.run(&["plan", "job"]);
        assert!(refused.code == 2 && refused.stderr.contains(path), "{path}: {}", refused.stderr);
    }
    world.case("calm", "collect: [{ id: subject, uses: host }]\n");
    world.write(
        "policies/plain.yaml",
        "policy: plain\nchecks: [{ id: A, title: a, require: { fact: subject.user, present: true } }]\n",
    );
    let ran = world.run(&["run", "calm"]);
    assert!(ran.code == 2 && ran.stderr.contains("has no `action:`"), "{}", ran.stderr);
}

const G6_POLICY: &str = "\
policy: g6-run
hard_stops:
  - { id: HS-2, title: The script can be changed by everybody, unless: { fact: script.world_writable, equals: false }, halts: mutating }
  - { id: HS-5, title: The fresh backup is not intact, unless: { fact: fresh.payload_bytes, at_least: 1 MB }, halts: mutating }
checks:
  - { id: R-1, title: The job succeeded, require: { fact: action.exit_code, equals: 0 } }
  - id: V4-2
    title: gzip stream is valid
    require: { fact: fresh.gzip.valid, equals: true }
    misleading_if: { fact: fresh.payload_bytes, equals: 0 }
    because: an empty stream is a valid gzip stream
  - { id: R-2, title: The database is as it was, require: { fact: side_effects.compared.tables.differences, equals: 0 } }
  - { id: R-3, title: One file and no other appeared, require: { fact: side_effects.new_files_total, equals: 1 } }
";

const G6_CASE: &str = "\
case: g6
title: Backup integrity recovery
template: incident
policy: g6-run
targets:
  production:
    postgres: { via: local, host: '@SOCKET@', user: postgres, database: directus }
collect:
  - { id: script, uses: file, with: { path: '@ROOT@/pg-backup.sh' } }
  - id: privilege
    uses: postgres.schema_privilege
    on: production
    with: { role: backup, schema: sandbox_tac, privilege: USAGE }
  - id: tables
    uses: postgres.query
    phase: both
    on: production
    with: { query: \"SELECT relname, n_tup_ins FROM pg_stat_user_tables ORDER BY 1\" }
  - { id: fresh, uses: backup, phase: after, with: { path: '@ROOT@/backups/directus_20260515_0417.sql.gz' } }
  - { id: log, uses: log, phase: after, with: { path: '@ROOT@/log/pg-backup.log', patterns: { error: '^pg_dump: error' } } }
action:
  title: Run the nightly backup once
  command: ['@ROOT@/pg-backup.sh']
  set: { BACKUP_STAMP: '20260515_0417' }
  limit: 1m
  watch: { folders: ['@ROOT@/backups'], logs: ['@ROOT@/log/pg-backup.log'] }
";

/// The governed run of the scene G6: the real script against a real server that denies the schema.
#[test]
fn the_scene_g6_with_its_governed_run() {
    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "CREATE DATABASE directus");
    let tables: String = (1..=8).map(|n| format!("CREATE TABLE sandbox_tac.t{n} (id int); ")).collect();
    cluster.psql("directus", &format!("CREATE ROLE backup LOGIN; CREATE SCHEMA sandbox_tac; {tables}"));
    let world = World::new();
    let token = "0123456789abcdef".repeat(2);
    let fill = |text: &str| {
        let text = text.replace("@ROOT@", world.root().to_str().unwrap()).replace("@TOKEN@", &token);
        text.replace("@SOCKET@", cluster.socket_dir().to_str().unwrap())
            .replace("@BIN@", cluster.binaries().to_str().unwrap())
    };
    let script = world.write("pg-backup.sh", fill(include_str!("../../src/cli/demo/pg-backup.sh")));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    for folder in ["backups", "log"] {
        fs::create_dir_all(world.path(folder)).unwrap();
    }
    world.write("policies/g6-run.yaml", G6_POLICY);
    world.write("reports/g6/case.yaml", fill(G6_CASE));

    let ran = world.run(&["run", "g6", "--json"]);
    assert_eq!(ran.code, 4, "HS-5 waits for the fresh file and then fires: {} {}", ran.stdout, ran.stderr);
    let (action, effects) = (fact(&ran, "action"), fact(&ran, "side_effects"));
    assert_eq!(action["values"]["exit_code"], 1);
    assert_eq!(effects["values"]["new_files"][0]["size_bytes"], 20);
    assert_eq!(effects["values"]["compared"]["tables"]["differences"], 0);
    let lines = effects["values"]["logs"][0]["lines"].to_string();
    assert!(lines.contains("permission denied for schema sandbox_tac") && lines.contains("FAILED"), "{lines}");
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    for (id, status) in
        [("HS-2", "pass"), ("HS-5", "fail"), ("R-1", "fail"), ("V4-2", "misleading"), ("R-2", "pass"), ("R-3", "pass")]
    {
        assert_eq!(row(&json, id)["status"], status, "{id}");
    }
    for args in [["render", "g6"], ["verify", "g6"]] {
        assert_eq!(world.run(&args).code, 0);
    }
    let record = fs::read_to_string(world.path("reports/g6/record.md")).unwrap();
    for word in [
        "exit_code: 1",
        "20 bytes",
        "PASS (misleading)",
        "Lines added",
        "No difference.",
        "FAILED: the backup has 20 bytes",
    ] {
        assert!(record.contains(word), "{word}");
    }
    assert!(!record.contains(&token));

    // A script that everybody may change is never started.
    fs::set_permissions(&script, fs::Permissions::from_mode(0o757)).unwrap();
    fs::remove_file(world.path("backups/directus_20260515_0417.sql.gz")).unwrap();
    assert_eq!(world.run(&["run", "g6"]).code, 4);
    assert!(!world.path("backups/directus_20260515_0417.sql.gz").exists());
}

#[test]
fn diff_shows_what_differs_and_nothing_else() {
    let world = World::new();
    world.write("subject.txt", "one");
    world.case(
        "d",
        "collect:\n  - { id: subject, uses: file, with: { path: ../../subject.txt } }\n  - { id: here, uses: host }\n",
    );
    assert_eq!(world.run(&["diff", "d"]).code, 2);
    for _ in 0..2 {
        assert_eq!(world.run(&["collect", "d"]).code, 0);
    }
    let same = world.run(&["diff", "d"]);
    assert_eq!(same.code, 0, "{} {}", same.stdout, same.stderr);
    assert!(same.stdout.contains("NO DIFFERENCE") && same.stdout.contains("observed_at, took_ms, atime"));
    fs::remove_file(world.path("subject.txt")).unwrap();
    assert_eq!(world.run(&["collect", "d"]).code, 0);
    let ran = world.run(&["diff", "d", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((json["kind"].as_str(), json["unchanged"][0].as_str()), (Some("difference"), Some("here")));
    let exists = json["changed"].as_array().unwrap().iter().find(|change| change["path"] == "exists").unwrap();
    assert_eq!((&exists["before"]["value"], &exists["after"]["value"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(json["items"][0]["after"], "fail");
    let runs: Vec<PathBuf> =
        evidence::seal::runs(&world.path("reports/d")).unwrap().into_iter().map(|run| run.path).collect();
    let named = world.run(&["diff", runs[2].to_str().unwrap(), runs[0].to_str().unwrap()]);
    assert!(named.code == 1 && named.stdout.contains("FAIL") && named.stdout.contains("DIFFERENT"), "{}", named.stdout);
    let facts = runs[2].join("data/facts.jsonl");
    let changed = fs::read_to_string(&facts).unwrap().replace("\"took_ms\":", "\"took_ms\":1");
    fs::write(&facts, changed).unwrap();
    assert_eq!(world.run(&["diff", "d"]).code, 5);
}

/// Closure cases: each is closed when its file says `done`.
fn blockers(cases: &[(&str, &str)]) -> World {
    let world = World::new();
    world.write(
        "policies/blocker.yaml",
        "policy: blocker\nmax_age: 30d\ncriteria:\n  - { id: K-1, title: It is done, require: { fact: done.exists, equals: true } }\n  \
         - { id: K-2, title: The backup is fresh, require: { fact: done.mtime, younger_than: 20d } }\n",
    );
    for (case, requires) in cases {
        let text = format!(
            "case: {case}\ntitle: 'Blocker \"{case}\" <b>&</b>'\ntemplate: closure\npolicy: blocker\nrequires: [{requires}]\n\
             collect: [{{ id: done, uses: file, with: {{ path: done.txt }} }}]\n"
        );
        world.write(&format!("reports/{case}/case.yaml"), text);
    }
    world
}

fn close(world: &World, case: &str) {
    world.write(&format!("reports/{case}/done.txt"), "done");
    assert_eq!(world.run(&["collect", case]).code, 0);
}

fn state(world: &World, args: &[&str]) -> (i32, Value) {
    let ran = world.run(&[&["status", "--format", "json"], args].concat());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stderr)))
}

fn of<'a>(json: &'a Value, case: &str) -> &'a Value {
    json["cases"].as_array().unwrap().iter().find(|found| found["case"] == case).unwrap()
}

#[test]
fn a_blocked_case_is_ready_only_when_all_that_it_requires_are_closed() {
    let world = blockers(&[("hb-05", "hb-08, hb-09"), ("hb-08", ""), ("hb-09", "")]);
    let (code, json) = state(&world, &[]);
    assert_eq!((code, of(&json, "hb-05")["state"].as_str()), (3, Some("no_run")));
    assert_eq!(of(&json, "hb-08")["blocks"][0], "hb-05");
    close(&world, "hb-08");
    let (code, json) = state(&world, &[]);
    assert_eq!((code, of(&json, "hb-05")["state"].as_str()), (3, Some("no_run")));
    assert_eq!(of(&json, "hb-05")["blocked_by"], serde_json::json!(["hb-09"]));
    close(&world, "hb-09");
    let (code, json) = state(&world, &[]);
    assert_eq!((code, of(&json, "hb-05")["state"].as_str()), (0, Some("ready_to_close")));
    assert_eq!(json["ready_to_close"], serde_json::json!(["hb-05"]));
    close(&world, "hb-05");
    assert_eq!(of(&state(&world, &[]).1, "hb-05")["state"], "closed");

    // The backup of hb-08 grows old: the case was closed with a fresh one and stays closed, with a note.
    let old = |days: u32| {
        let out = std::process::Command::new("date").args(["-u", "-d", &format!("+{days} days"), "+%FT%TZ"]).output();
        String::from_utf8(out.unwrap().stdout).unwrap().trim().to_owned()
    };
    let (code, json) = state(&world, &["--as-of", &old(21)]);
    assert_eq!(
        (code, of(&json, "hb-08")["state"].as_str(), of(&json, "hb-05")["state"].as_str()),
        (0, Some("closed"), Some("closed"))
    );
    let note = of(&json, "hb-08")["because"][0].as_str().unwrap();
    assert!(note.contains("K-2 held when the run began and would not hold now"), "{note}");

    // The policy says `max_age: 30d`: after that the verdict has to be renewed, and what requires the case waits.
    let (code, json) = state(&world, &["--as-of", &old(31)]);
    assert_eq!(
        (code, of(&json, "hb-08")["state"].as_str(), of(&json, "hb-05")["state"].as_str()),
        (3, Some("stale"), Some("stale"))
    );
    assert!(of(&json, "hb-08")["because"][0].as_str().unwrap().contains("lets it stand for 30d"));
    assert_eq!(of(&json, "hb-05")["blocked_by"], serde_json::json!(["hb-08", "hb-09"]));
    assert_eq!(world.run(&["status", "--as-of", "soon"]).code, 2);
}

#[test]
fn status_in_four_formats_names_circles_and_what_is_missing() {
    let world = blockers(&[("a", "b"), ("b", "a"), ("c", "gone"), ("d", "")]);
    close(&world, "d");
    let text = world.run(&["status"]);
    assert_eq!(text.code, 3);
    for word in ["circle: a -> b -> a", "required, and not there: gone", "closed", "no_run", "waited for: a, b, gone"] {
        assert!(text.stdout.contains(word), "{word}: {}", text.stdout);
    }
    let (_, json) = state(&world, &[]);
    assert_eq!(
        (json["cycles"][0].to_string(), json["missing"][0].as_str()),
        ("[\"a\",\"b\",\"a\"]".into(), Some("gone"))
    );
    let mermaid = world.run(&["status", "--format", "mermaid"]).stdout;
    assert!(mermaid.starts_with("flowchart LR\n") && mermaid.contains("-. blocks .->"), "{mermaid}");
    let at = ["status", "--format", "svg", "--as-of", "2030-01-01T00:00:00Z"];
    let svg = world.run(&at).stdout;
    assert_eq!(svg, world.run(&at).stdout, "the same board gives the same bytes");
    assert!(svg.contains("&lt;b&gt;&amp;&lt;/b&gt;") && !svg.contains("<b>"), "{svg}");
    let python =
        "import sys,xml.dom.minidom as m; d=m.parse(sys.stdin.buffer); print(len(d.getElementsByTagName('rect')))";
    let mut parser = std::process::Command::new("python3")
        .args(["-c", python])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut parser.stdin.take().unwrap(), svg.as_bytes()).unwrap();
    assert_eq!(parser.wait_with_output().unwrap().stdout, b"5\n");
}

#[test]
fn status_does_not_believe_a_run_that_was_changed() {
    let world = blockers(&[("a", ""), ("b", "a")]);
    assert_eq!(world.run(&["collect", "a"]).code, 0);
    assert_eq!(of(&state(&world, &[]).1, "a")["state"], "open");
    let run = world.run_folder("a");
    let verdict = fs::read_to_string(run.join("data/verdict.json")).unwrap();
    fs::write(run.join("data/verdict.json"), verdict.replace("\"fail\"", "\"pass\"").replace("\"open\"", "\"closed\""))
        .unwrap();
    let (code, json) = state(&world, &[]);
    assert_eq!((code, of(&json, "a")["state"].as_str()), (5, Some("broken")));
    crate::sealing::repair(&run);
    let (code, json) = state(&world, &[]);
    assert_eq!(
        (code, of(&json, "a")["state"].as_str()),
        (5, Some("broken")),
        "manifests repaired, verdict judged again"
    );
    world.write("reports/b/case.yaml", "case: b\n");
    let (code, json) = state(&world, &[]);
    assert_eq!((code, of(&json, "b")["state"].as_str()), (5, Some("invalid")));
    fs::remove_dir_all(&run).unwrap();
    assert_eq!(state(&world, &[]).0, 2);
    assert_eq!(World::new().run(&["status"]).code, 3);
}
