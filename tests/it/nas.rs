//! The scene NAS, whole: a real bash script makes a real archive and sends it through a real sshd on
//! loopback, and the case is collected, judged, rendered and verified. Every "must show" and none of
//! the "must not say"; then the ways in which a far side fails, where the shell itself decides what a
//! partial write returns; and the clean twin, which passes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::look;
use crate::support::world::{Ran, World};

const CASE: &str = include_str!("../scenes/nas/case.yaml");

/// The stage: the night's folder, and the far side's sshd while it runs.
struct Stage {
    folder: TempDir,
    world: World,
}

impl Stage {
    fn new(script: &str, mode: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ev-nas-").tempdir_in("/tmp").unwrap();
        let setter = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes/nas/stage.sh");
        let run = Command::new("bash").arg(setter).arg(folder.path()).args([script, mode, "20000"]).output().unwrap();
        let stage = Self { folder, world: World::new() };
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What the far side's programs are found by.
    fn programs(&self) -> String {
        format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap())
    }

    /// A line of bash, with the far side in reach.
    fn bash(&self, line: &str) -> String {
        let ran = Command::new("bash").args(["-c", line]).env("PATH", self.programs()).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }

    fn disconnect(&self) {
        let pid = self.read("sshd.pid");
        if !pid.trim().is_empty() {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
        // It removes its file when it has ended.
        for _ in 0..200 {
            if !self.path("sshd.pid").exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// The case, with the archives that count as backups.
    fn case(&self, counted: &str, why: &str) {
        let night: i64 = self.read("night").trim().parse().unwrap();
        let at = |seconds: i64| chrono::DateTime::from_timestamp(night + seconds, 0).unwrap();
        let case = CASE
            .replace("@DIR@", self.folder.path().to_str().unwrap())
            .replace("@YEAR@", &at(0).format("%Y").to_string())
            .replace("@FROM@", &at(0).to_rfc3339())
            .replace("@TO@", &at(600).to_rfc3339())
            .replace("@BACKUPS@", counted)
            .replace("@COUNTED@", why);
        self.world.write("reports/nas/case.yaml", case);
        self.world.write("reports/nas/narrative.md", include_str!("../scenes/nas/narrative.md"));
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.world.ran(self.world.command(args).env("PATH", self.programs()).output().unwrap())
    }

    /// Collects, renders and verifies; gives what was found.
    fn told(self, counted: &str) -> Told {
        self.case(counted, "What counts.");
        let collected = self.run(&["collect", "nas"]);
        let rendered = self.run(&["render", "nas"]);
        assert_eq!(rendered.code, 0, "{}{}", collected.stderr, rendered.stderr);
        let verified = self.run(&["verify", "nas"]);
        assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
        let run = self.world.run_folder("nas");
        let lines = fs::read_to_string(run.join("data/facts.jsonl")).unwrap();
        let facts = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fact"].clone());
        Told {
            code: collected.code,
            facts: facts.map(|fact| (fact["id"].as_str().unwrap().to_owned(), fact)).collect(),
            verdict: serde_json::from_slice(&fs::read(run.join("data/verdict.json")).unwrap()).unwrap(),
            record: fs::read_to_string(self.world.path("reports/nas/record.md")).unwrap(),
            stage: self,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// One sealed run and its record.
struct Told {
    code: i32,
    facts: BTreeMap<String, Value>,
    verdict: Value,
    record: String,
    stage: Stage,
}

impl Told {
    fn value(&self, path: &str) -> &Value {
        look::sealed(&self.facts, path)
    }

    fn status(&self, id: &str) -> &str {
        let row = self.verdict["rows"].as_array().unwrap().iter().find(|row| row["id"] == id);
        row.unwrap_or_else(|| panic!("no row {id}"))["status"].as_str().unwrap()
    }

    fn finding(&self, rule: &str) -> &Value {
        let findings = self.value("found.findings").as_array().unwrap();
        findings.iter().find(|row| row["rule"] == rule).unwrap_or_else(|| panic!("no {rule}: {findings:#?}"))
    }
}

/// The night of the scene: the far side answered nothing, and now there is nobody to ask.
fn night() -> &'static Told {
    static NIGHT: OnceLock<Told> = OnceLock::new();
    NIGHT.get_or_init(|| {
        let stage = Stage::new("nas-backup.sh", "silent");
        stage.disconnect();
        stage.told("previous")
    })
}

#[test]
fn the_night_is_in_order_with_source_and_line() {
    let told = night();
    assert_eq!(told.stage.read("status").trim(), "0", "the script itself ends with success");
    let events = told.value("timeline.events").as_array().unwrap();
    let times: Vec<&str> = events.iter().map(|row| row["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let place = |text: &str| {
        let found = events.iter().position(|row| row["text"].as_str().is_some_and(|said| said.contains(text)));
        found.unwrap_or_else(|| panic!("{text}: {events:#?}"))
    };
    let order = [place("Uploading"), place("completed successfully"), place("success mail to="), place("mismatch!")];
    assert!(order.is_sorted(), "{order:?}");
    let sources: std::collections::BTreeSet<_> = events.iter().map(|row| row["source"].as_str().unwrap()).collect();
    assert_eq!(sources.len(), 3, "log, mail and the file's own time: {sources:?}");
    for row in events.iter().filter(|row| row["line"].is_u64()) {
        let log = fs::read_to_string(row["source"].as_str().unwrap()).unwrap();
        let line = log.lines().nth(row["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert!(line.contains(row["text"].as_str().unwrap()), "{line}");
        assert!(told.record.contains(row["text"].as_str().unwrap()));
    }
}

#[test]
fn the_contradictions_cite_both_lines() {
    let told = night();
    for rule in [
        "success-and-failure",
        "success-before-failure",
        "duration",
        "step-not-followed",
        "two-values",
        "alert-missing",
    ] {
        let row = told.finding(rule);
        assert!(row["first"]["line"].is_u64() && row["first"]["place"].is_string(), "{row:#?}");
        assert!(told.record.contains(row["first"]["place"].as_str().unwrap()), "{rule}");
        if let Some(second) = row["second"]["place"].as_str() {
            assert!(row["second"]["line"].is_u64() && told.record.contains(second), "{rule}");
        }
    }
    let hidden = told.finding("success-before-failure");
    assert!(hidden["first"]["text"].as_str().unwrap().starts_with("Backup completed successfully in 0m 45s"));
    assert!(hidden["first"]["original"].as_str().unwrap().ends_with("03:00:46"));
    assert_eq!(hidden["second"]["text"], "Checksum mismatch!");
    assert!(hidden["second"]["original"].as_str().unwrap().ends_with("03:00:50"));
    assert!(told.finding("duration")["what"].as_str().unwrap().contains("45"));
    assert!(told.finding("two-values")["what"].as_str().unwrap().contains("remote sha256 is absent"));
    assert!(told.finding("step-not-followed")["what"].as_str().unwrap().contains("step 3 of 4"));
}

#[test]
fn the_transfer_is_unknown_with_the_command_that_would_settle_it() {
    let told = night();
    let transfer = &told.facts["transfer"];
    assert_eq!(transfer["missing"]["result"]["reason"], "unavailable");
    assert!(transfer["values"]["result"].is_null() && transfer["values"]["local_sha256"].as_str().unwrap().len() == 64);
    let settle = transfer["missing"]["result"]["settle"].as_str().unwrap();
    let volume = told.stage.path("volume/nas.tar");
    assert_eq!(settle, format!("ssh nas.example.org -- env LC_ALL=C sha256sum -- {}", volume.display()));
    assert!(told.record.contains(settle), "the exact command stands in the record");
    assert_eq!(
        (told.value("transfer.duration_seconds").as_f64(), told.value("transfer.parts_add_up")),
        (Some(11.0), &true.into())
    );
    assert_eq!(told.value("transfer.parts").as_array().unwrap().len(), 4);
    assert_eq!((told.status("T-2"), told.status("HS-2")), ("unknown", "unknown"));
    // The far side's empty answer of the night is in the log, and is no digest.
    assert_eq!(told.value("log.patterns.remote_empty.count"), 1);
}

#[test]
fn the_script_says_what_the_shell_does() {
    let told = night();
    let findings = told.value("script.findings").as_array().unwrap();
    let text = |rule: &str| {
        let rows: Vec<_> = findings.iter().filter(|row| row["rule"] == rule).collect();
        assert!(!rows.is_empty(), "{rule}: {findings:#?}");
        rows.iter().map(|row| row["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
    };
    assert!(text("producer-failure-lost").contains("cat \"$ARCHIVE\" | ssh"));
    assert!(text("return-unchecked").contains("verify"));
    assert!(text("host-key-unchecked").contains("StrictHostKeyChecking=no"));
    assert!(text("success-before-check").contains("completed successfully"));
    assert_eq!(told.value("script.pipefail"), false);
    for row in findings {
        assert!(row["line"].is_u64() && row["says"].as_str().is_some_and(|says| says.len() > 10));
    }
    let script = told.stage.read("bin/nas-backup.sh");
    let upload = findings.iter().find(|row| {
        row["rule"] == "producer-failure-lost" && row["text"].as_str().is_some_and(|text| text.starts_with("cat "))
    });
    let line = upload.unwrap()["line"].as_u64().unwrap();
    assert!(script.lines().nth(line as usize - 1).unwrap().starts_with("cat \"$ARCHIVE\""));
}

#[test]
fn the_age_of_the_last_good_backup_and_the_hypotheses() {
    let told = night();
    assert_eq!(told.value("objectives.rpo_seconds").as_f64(), Some(86_400.0));
    assert_eq!(told.value("objectives.rpo_met"), false);
    assert!(told.value("objectives.age_seconds").as_f64().unwrap() > 86_400.0);
    assert!(told.value("objectives.last_good.path").as_str().unwrap().ends_with("previous.tar"));
    assert!(told.value("objectives.breached_since").is_string());
    let row = |id: &str| told.record.lines().find(|line| line.starts_with(&format!("| {id} |"))).unwrap().to_owned();
    assert!(row("H-1").contains("supported"), "{}", row("H-1"));
    assert!(row("H-2").contains("not established") && row("H-3").contains("not established"));
}

#[test]
fn the_verdict_and_what_the_record_must_not_say() {
    let told = night();
    assert_eq!(told.code, 4, "the far side's state is not established");
    for (item, status) in [
        ("T-1", "pass"),
        ("T-3", "pass"),
        ("T-4", "misleading"),
        ("T-5", "fail"),
        ("T-6", "fail"),
        ("T-7", "fail"),
        ("T-8", "fail"),
        ("T-10", "fail"),
        ("T-11", "fail"),
        ("C2", "pass"),
    ] {
        assert_eq!(told.status(item), status, "{item}");
    }
    let low = told.record.to_lowercase();
    assert!(low.contains("unknown (unavailable)"));
    let low = low.replace("alert-missing", "");
    for claim in ["root cause", "missing", "caused by", "was cut off because", "returns 0"] {
        assert!(!low.contains(claim), "{claim}: {:?}", low.lines().find(|line| line.contains(claim)));
    }
    assert!(told.record.contains("None of these is a cause that was proved"));
    assert!(told.record.contains("PR-1: NOT executed"));
}

#[test]
fn the_clean_twin_passes() {
    let told = Stage::new("nas-backup-clean.sh", "whole").told("archive, previous");
    assert_eq!(told.stage.read("status").trim(), "0", "{}", told.stage.read("log/stderr"));
    assert_eq!(told.value("found.count"), 0, "{:#?}", told.value("found.findings"));
    assert_eq!(told.value("transfer.result"), "match");
    // The stage itself stands in /tmp; that is the only thing to say of this script.
    let findings = told.value("script.findings").as_array().unwrap();
    assert!(findings.iter().all(|row| row["rule"] == "temporary-predictable"), "{findings:#?}");
    let wrong: Vec<_> = told.verdict["rows"].as_array().unwrap().iter().filter(|row| row["status"] != "pass").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((told.code, &told.verdict["outcome"]), (0, &"pass".into()));
}

/// What bash got from each part of the pipeline that uploads, the far side being as `mode` says.
fn upload(stage: &Stage) -> (String, String) {
    let line = format!(
        "cat {} | ssh nas.example.org \"cat > '{}'\" 2>/dev/null; echo \"${{PIPESTATUS[*]}}\"",
        stage.path("local/nas.tar").display(),
        stage.path("volume/nas.tar.tmp").display()
    );
    let _ = fs::remove_file(stage.path("volume/nas.tar.tmp"));
    let parts = stage.bash(&line);
    let (producer, far) = parts.rsplit_once(' ').unwrap();
    (producer.to_owned(), far.to_owned())
}

/// A far side that fails in the middle: the shell gets a failure of the last command, so that even
/// without `pipefail` it could be read; and what lies there is never taken for the archive.
fn a_partial_write_is_no_success(mode: &str, result: &str) {
    let stage = Stage::new("nas-backup.sh", mode);
    let (_, far) = upload(&stage);
    assert_ne!(far, "0", "{mode}: a partial remote write does not return 0");
    let bytes = stage.bash(&format!("ssh nas.example.org 'stat -c %s {}'", stage.path("volume/nas.tar.tmp").display()));
    let whole = fs::metadata(stage.path("local/nas.tar")).unwrap().len();
    if let Ok(bytes) = bytes.parse::<u64>() {
        assert!(bytes < whole, "{mode}: {bytes}");
    }
    let told = stage.told("previous");
    assert_eq!(told.value("transfer.result"), result, "{mode}: {:#?}", told.facts["transfer"]);
    assert_eq!((told.status("T-2"), told.status("HS-2")), ("fail", "fail"), "{mode}");
    // The script went on and said success all the same.
    assert_eq!((told.stage.read("status").trim(), told.value("log.patterns.success.count")), ("0", &1.into()));
    assert!(!told.record.to_lowercase().contains("root cause"));
    assert!(told.record.contains("| H-3 |") && !told.record.contains("UNKNOWN (unavailable)"));
}

#[test]
fn a_full_disk_over_there_is_a_mismatch() {
    a_partial_write_is_no_success("full", "mismatch");
}

#[test]
fn a_writer_killed_over_there_is_a_mismatch() {
    a_partial_write_is_no_success("killed", "mismatch");
}

#[test]
fn a_limit_over_there_is_a_mismatch() {
    a_partial_write_is_no_success("quota", "mismatch");
}

#[test]
fn without_permission_over_there_nothing_is_there() {
    a_partial_write_is_no_success("denied", "absent");
}

#[test]
fn an_empty_answer_is_absent_and_no_digest_that_differs() {
    let told = Stage::new("nas-backup.sh", "silent").told("previous");
    assert_eq!(told.value("transfer.result"), "absent");
    assert_eq!(told.facts["transfer"]["missing"]["remote_sha256"]["reason"], "not_found");
    assert_eq!(told.status("T-2"), "fail");
}

#[test]
fn a_producer_that_fails_is_lost_without_pipefail() {
    let stage = Stage::new("nas-backup.sh", "whole");
    let far = stage.path("volume/other");
    let line = |options: &str| {
        format!("{options} cat /nonexistent 2>/dev/null | ssh nas.example.org 'cat > {}'; echo $?", far.display())
    };
    assert_eq!(stage.bash(&line("")), "0", "the pipeline's status is that of ssh");
    assert_eq!(fs::metadata(&far).unwrap().len(), 0, "and an empty file lies there");
    assert_eq!(stage.bash(&line("set -o pipefail;")), "1");
    let told = stage.told("previous");
    assert_eq!(told.value("transfer.result"), "match", "this time all arrived; the script is as it was");
    assert_eq!((told.value("found.by_rule.success-before-failure"), told.status("T-6")), (&0.into(), "fail"));
}
