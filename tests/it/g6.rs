//! The scene G6 re-enacted by `evidence demo` with a real cluster, real dumps and real scripts: every
//! "must show" that the collectors of this release cover, none of the "must not say", and the record
//! verified with other people's tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::world::World;

/// One demonstration, shared by the tests that only read it.
fn staged() -> &'static (World, PathBuf) {
    static STAGED: OnceLock<(World, PathBuf)> = OnceLock::new();
    STAGED.get_or_init(|| {
        let world = World::new();
        let folder = world.path("demo");
        let ran = world.run(&["demo", "demo"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("HARD STOP: HS-5 fired"), "{}", ran.stdout);
        let digest = ran.stdout.split("jq -r .plan_sha256\n").nth(1).unwrap().lines().next().unwrap();
        let mut at = 0;
        for step in ["plan g6 --json", &format!("run g6 --plan-sha256 {digest}"), "check g6", "render g6", "verify g6"]
        {
            let step = format!("$ evidence {step}");
            at += ran.stdout[at..].find(&step).unwrap_or_else(|| panic!("{step}: {}", ran.stdout));
        }
        (world, folder)
    })
}

fn record() -> String {
    fs::read_to_string(staged().1.join("reports/g6/record.md")).unwrap()
}

fn run_folder(demo: &Path) -> PathBuf {
    let runs = fs::read_dir(demo.join("reports/g6/runs")).unwrap();
    runs.map(|entry| entry.unwrap().path()).next().unwrap()
}

/// The facts of the run, by id.
fn facts(demo: &Path) -> std::collections::BTreeMap<String, Value> {
    let lines = fs::read_to_string(run_folder(demo).join("data/facts.jsonl")).unwrap();
    let facts = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fact"].clone());
    facts.map(|fact| (fact["id"].as_str().unwrap().to_owned(), fact)).collect()
}

fn verdict(demo: &Path) -> Value {
    serde_json::from_slice(&fs::read(run_folder(demo).join("data/verdict.json")).unwrap()).unwrap()
}

fn status(verdict: &Value, id: &str) -> String {
    let rows = verdict["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no row {id}"));
    row["status"].as_str().unwrap().to_owned()
}

#[test]
fn the_execution_context() {
    let facts = facts(&staged().1);
    let host = &facts["host"]["values"];
    for name in ["hostname", "user", "working_folder", "kernel", "utc_offset", "tool_version", "tool_sha256"] {
        assert!(host[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        assert!(record().contains(name), "{name}");
    }
}

#[test]
fn the_inventory_and_each_file_against_the_baseline() {
    let facts = facts(&staged().1);
    let inventory = &facts["inventory"]["values"];
    assert_eq!(inventory["count"], 6);
    let entries = inventory["entries"].as_array().unwrap();
    for entry in entries {
        for name in ["size_bytes", "mode", "owner", "mtime", "share_of_median", "sha256"] {
            assert!(!entry[name].is_null(), "{name}");
        }
    }
    let outliers = inventory["outliers"].as_array().unwrap();
    assert_eq!((outliers.len(), &outliers[0]["size_bytes"]), (1, &Value::from(20)));
}

#[test]
fn each_backup_is_examined() {
    let facts = facts(&staged().1);
    let (healthy, fresh) = (&facts["healthy"]["values"], &facts["fresh"]["values"]);
    assert_eq!((&healthy["quality"], &fresh["quality"]), (&"good".into(), &"bad".into()));
    assert_eq!((&fresh["stored_bytes"], &fresh["payload_bytes"]), (&20.into(), &0.into()));
    assert_eq!(fresh["gzip"]["valid"], true, "an empty stream is a valid gzip stream");
    assert_eq!(healthy["sql"]["tables"]["count"], 12);
    assert_eq!((&healthy["sql"]["header"], &healthy["sql"]["trailer"]), (&true.into(), &true.into()));
    assert_eq!(healthy["sql"]["rows"]["by_table"]["sales.orders"], 12_000);
    // The body of a function names a table and a COPY; neither is counted.
    assert_eq!(healthy["sql"]["copy_blocks"], 12);
}

#[test]
fn the_examiner_agrees_with_the_real_client_about_rows() {
    let facts = facts(&staged().1);
    let healthy = facts["healthy"]["values"]["path"].as_str().unwrap();
    let plain = Command::new("sh").args(["-c", &format!("gzip -dc '{healthy}'")]).output().unwrap().stdout;
    let text = String::from_utf8(plain).unwrap();
    let block = text.split("COPY public.directus_users ").nth(1).unwrap();
    let rows = block.lines().skip(1).take_while(|line| *line != "\\.").count() as u64;
    assert_eq!(facts["healthy"]["values"]["sql"]["rows"]["by_table"]["public.directus_users"], rows);
}

#[test]
fn logs_carry_the_true_error_with_line_numbers() {
    let facts = facts(&staged().1);
    let error = &facts["log"]["values"]["patterns"]["error"];
    assert_eq!(error["count"], 1);
    let text = error["first"]["text"].as_str().unwrap();
    assert!(text.contains("permission denied for schema sandbox_tac"), "{text}");
    let log = fs::read_to_string(staged().1.join("log/pg-backup.log")).unwrap();
    let line = error["first"]["line"].as_u64().unwrap() as usize;
    assert_eq!(log.lines().nth(line - 1), Some(text));
    let offset = error["first"]["offset"].as_u64().unwrap() as usize;
    assert!(log.as_bytes()[offset..].starts_with(text.as_bytes()));
    assert!(record().contains(&format!("{line} | {text}")));
}

#[test]
fn the_privilege_as_the_exact_query_and_answer() {
    let facts = facts(&staged().1);
    let privilege = &facts["privilege"]["values"];
    assert_eq!((&privilege["answer"], &privilege["has_privilege"]), (&"f".into(), &false.into()));
    assert!(record().contains("has_schema_privilege('backup', 'sandbox_tac', 'USAGE')"));
    assert!(record().contains("answer: f"));
    assert_eq!(privilege["session"]["read_only"], true);
    assert_eq!(privilege["session"]["xid_assigned"], false);
    assert_eq!(facts["tables"]["values"]["value"], 8);
}

#[test]
fn the_script_in_lines_and_never_whole_its_token_masked() {
    let demo = &staged().1;
    let script = fs::read_to_string(demo.join("scripts/pg-backup.sh")).unwrap();
    let token = script.split("/api/push/").nth(1).unwrap().split('?').next().unwrap().to_owned();
    assert_eq!(token.len(), 32);
    assert!(record().contains("/api/push/***push-url***?status=up"));
    let facts = facts(demo);
    assert_eq!(
        (&facts["script"]["values"]["mode"], &facts["script"]["values"]["size_bytes"]),
        (&"0755".into(), &2157.into())
    );
    assert_eq!(facts["script"]["values"]["world_writable"], false);
    assert!(!record().contains("KEEP_DAYS=30"), "only the lines asked for");
    let mut files = Vec::new();
    below(&demo.join("reports"), &mut files);
    assert!(files.len() > 20);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        // Twelve, because the token is hexadecimal like the digests around it: six would meet by chance.
        for window in token.as_bytes().windows(12) {
            assert!(!bytes.windows(12).any(|w| w == window), "{}: holds part of the token", file.display());
        }
    }
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { below(&path, files) } else { files.push(path) }
    }
}

#[test]
fn four_of_seven_checks_fail_and_gzip_misleads() {
    let verdict = verdict(&staged().1);
    let statuses: Vec<String> = (1..=7).map(|n| status(&verdict, &format!("V4-{n}"))).collect();
    assert_eq!(statuses, ["pass", "misleading", "fail", "fail", "fail", "pass", "pass"]);
    assert_eq!(status(&verdict, "HS-5"), "fail");
    assert_eq!(verdict["outcome"], "hard_stop");
    let record = record();
    assert!(record.contains("4 of 7 checks FAIL"));
    assert!(record.contains("| V4-2 | gzip stream is valid (gzip -t) | `true` | `true` | PASS (misleading) |"));
    assert!(record.contains("HS-5 TRIGGERED"));
}

#[test]
fn the_second_anomaly_is_tied_to_the_first_by_its_error() {
    let demo = &staged().1;
    let facts = facts(demo);
    let first_text = |id: &str| facts[id]["values"]["patterns"]["error"]["first"]["text"].clone();
    assert_eq!(first_text("log"), first_text("second_log"));
    assert_eq!(facts["second_log"]["values"]["patterns"]["first_step"]["count"], 1);
    assert_eq!(facts["second_log"]["values"]["patterns"]["last_step"]["count"], 0);
    assert_eq!(facts["second_file"]["values"]["stored_bytes"], 20);
    assert_eq!(status(&verdict(demo), "K-3"), "pass");
}

#[test]
fn the_governed_run_and_what_it_left() {
    let demo = &staged().1;
    let facts = facts(demo);
    let (action, effects) = (&facts["action"]["values"], &facts["side_effects"]["values"]);
    assert_eq!(action["exit_code"], 1);
    assert!(action["duration_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!((&effects["new_files_total"], &effects["new_files"][0]["size_bytes"]), (&1.into(), &20.into()));
    assert_eq!(effects["log_lines_added"], 4);
    let record = record();
    for part in ["exit_code: 1", "New files", "Added to", "FAILED: the backup has 20 bytes"] {
        assert!(record.contains(part), "{part}");
    }
    // The preconditions were seen before the script was started.
    let started = action["started_at"].as_str().unwrap();
    for id in ["cron", "script", "disk", "job", "identity"] {
        assert!(facts[id]["observed_at"].as_str().unwrap() < started, "{id}");
    }
    let verdict = verdict(demo);
    for item in ["P1", "P2", "P3", "P4", "P5", "P6"] {
        assert_eq!(status(&verdict, item), "pass", "{item}");
    }
}

#[test]
fn the_script_as_the_shell_reads_it() {
    let facts = facts(&staged().1);
    let script = &facts["script"]["values"];
    assert_eq!((&script["pipefail"], &script["errexit"]), (&false.into(), &false.into()));
    let findings = script["findings"].as_array().unwrap();
    let lost = findings.iter().find(|finding| finding["rule"] == "producer-failure-lost").unwrap();
    assert!(lost["text"].as_str().unwrap().starts_with("pg_dump "), "{lost}");
    assert_eq!(facts["cron"]["values"]["schedule"], "17 4 * * *");
    assert_eq!(facts["cron"]["values"]["as_expected"], true);
    for part in ["producer-failure-lost", "17 4 * * *", "size_bytes: 2157"] {
        assert!(record().contains(part), "{part}");
    }
}

#[test]
fn one_failing_signature_ties_the_logs_and_no_cause_is_named() {
    let demo = &staged().1;
    let facts = facts(demo);
    let found = &facts["contradictions"]["values"];
    assert_eq!((&found["by_rule"]["same-signature"], &found["complete"]), (&1.into(), &true.into()));
    assert_eq!(found["by_rule"]["step-not-followed"], 1);
    let findings = found["findings"].as_array().unwrap();
    let same = findings.iter().find(|finding| finding["rule"] == "same-signature").unwrap();
    assert!(same["first"]["place"].as_str().unwrap().contains("pg-backup.log:"));
    assert!(same["second"]["place"].as_str().unwrap().contains("backup-to-gdrive.log:"));
    let kinds = facts["timeline"]["values"]["counts"].as_object().unwrap();
    assert!(["start", "success", "failure", "step"].iter().all(|kind| kinds.contains_key(*kind)), "{kinds:?}");
    let objectives = &facts["objectives"]["values"];
    assert_eq!((&objectives["last_good"]["fact"], &objectives["rpo_met"]), (&"healthy".into(), &false.into()));
    let standing = |id: &str| {
        let verdict = verdict(demo);
        let list = verdict["hypotheses"].as_array().unwrap().clone();
        list.into_iter().find(|h| h["id"] == id).unwrap()["standing"].as_str().unwrap().to_owned()
    };
    assert_eq!([standing("H-1"), standing("H-2"), standing("H-3")], ["supported", "supported", "contradicted"]);
}

#[test]
fn the_first_screen_decides() {
    let record = record();
    let summary = record.split("## 1. Summary").nth(1).unwrap().split("\n## ").next().unwrap();
    for part in [
        "**HARD STOP**",
        "Hard stop HS-5 TRIGGERED",
        "V4-2 PASS (misleading): gzip stream is valid (gzip -t); seen `true`, but an empty stream",
        "V4-3 FAIL: The payload is at least half of the last good one; seen `0 bytes`, expected `at least 0.5",
        "C5 UNKNOWN",
        "`same-signature`",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    assert!(summary.lines().count() < 45, "{summary}");
    let order = ["## 2. Checks", "Governed action", "Contradictions", "Backups examined", "Files and folders"];
    let places: Vec<_> = order.iter().map(|head| record.find(&format!("{head}\n")).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(record.lines().count() < 900, "{}", record.lines().count());
}

#[test]
fn room_and_jobs_are_observed_and_not_stated() {
    let demo = &staged().1;
    let facts = facts(demo);
    let disk = &facts["disk"]["values"];
    assert!(disk["available_bytes"].as_u64().unwrap() > 0 && disk["mount_point"].is_string());
    for job in ["job", "second_process"] {
        assert_eq!(facts[job]["values"]["count"], 0, "{job}");
        assert_eq!(facts[job]["basis"], "observed");
        let left_out = facts[job]["values"]["left_out"].as_array().unwrap();
        assert!(left_out.iter().any(|process| process["name"] == "evidence"), "{left_out:?}");
    }
    let verdict = verdict(demo);
    for item in ["P3", "P4", "K-9"] {
        assert_eq!(status(&verdict, item), "pass", "{item}");
    }
    assert!(!facts.contains_key("said-jobs"));
}

#[test]
fn what_nobody_looked_at_is_unknown() {
    let verdict = verdict(&staged().1);
    assert_eq!(status(&verdict, "C5"), "unknown", "no monitor was looked at");
    let record = record();
    for part in ["PR-1: NOT executed", "PR-2: NOT executed", "Hygiene", "Hand-off", "does not prove"] {
        assert!(record.contains(part), "{part}");
    }
    for claim in ["root cause", "alert will", "complete fix"] {
        assert!(!record.to_lowercase().contains(claim), "{claim}");
    }
}

#[test]
fn the_bag_holds_for_other_peoples_tools() {
    let run = run_folder(&staged().1);
    let check = |script: &str| {
        let output = Command::new("bash").args(["-c", script]).current_dir(&run).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    };
    check("sha256sum -c --quiet manifest-sha256.txt tagmanifest-sha256.txt");
    match std::env::var("EVIDENCE_TEST_VENV") {
        Ok(venv) => check(&format!("{venv}/bin/bagit.py --validate .")),
        Err(_) => assert!(std::env::var_os("CI").is_none(), "run tests/run.sh, which installs bagit"),
    }
}

#[test]
fn a_changed_record_is_named() {
    let (world, demo) = staged();
    let copy = world.path("copy");
    let copied = Command::new("cp").arg("-a").arg(demo).arg(&copy).status().unwrap();
    assert!(copied.success());
    let path = copy.join("reports/g6/record.md");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("20 bytes", "21 bytes", 1)).unwrap();
    let ran = world.run(&["--root", "copy", "verify", "g6"]);
    assert_eq!(ran.code, 5, "{}", ran.stdout);
    assert!(ran.stdout.contains("line "), "{}", ran.stdout);
}

#[test]
fn a_stopped_server_makes_database_facts_unknown() {
    let (world, demo) = staged();
    let copy = world.path("later");
    assert!(Command::new("cp").arg("-a").arg(demo).arg(&copy).status().unwrap().success());
    let ran = world.run(&["--root", "later", "collect", "g6"]);
    assert_eq!(ran.code, 4);
    let ran = world.run(&["--root", "later", "check", "g6", "--json"]);
    let verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(status(&verdict, "K-1"), "unknown");
    assert_eq!(status(&verdict, "P5"), "unknown");
}

#[test]
fn without_server_binaries_the_rest_is_done() {
    let world = World::new();
    let nothing = world.write("none/empty", "");
    let ran = world.run(&["demo", "demo", "--server-binaries", nothing.parent().unwrap().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("No PostgreSQL server binaries here"));
    let demo = world.path("demo");
    let facts = facts(&demo);
    assert_eq!(facts["fresh"]["values"]["stored_bytes"], 20);
    assert_eq!(facts["healthy"]["values"]["quality"], "good");
    assert!(facts["privilege"]["absence"].is_object());
    assert!(!facts.contains_key("action"), "without a server nothing may be started");
    assert_eq!(status(&verdict(&demo), "K-1"), "unknown");
}

#[test]
fn a_folder_in_use_is_refused() {
    let world = World::new();
    world.write("mine/file", "precious");
    let ran = world.run(&["demo", "mine"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is not empty"));
    assert_eq!(fs::read_dir(world.path("mine")).unwrap().count(), 1);
}

#[test]
fn nothing_of_the_cluster_is_left() {
    let (_, demo) = staged();
    let case = fs::read_to_string(demo.join("reports/g6/case.yaml")).unwrap();
    let socket = case.split("host: '").nth(1).unwrap().split('\'').next().unwrap();
    assert!(!Path::new(socket).exists());
    let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap().stdout;
    assert!(!String::from_utf8_lossy(&processes).contains(socket));
}
