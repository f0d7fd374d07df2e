//! The scene HB-08, whole: a real production, its nightly custom dump, a drill beside it, two signatures,
//! and what depends on it. Then every way in which it must not be closed, each by the check that it is for.

use std::fs;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::support::scene::{Scene, says};

const KEY_TABLES: [(&str, u32); 10] = [
    ("tenants", 22),
    ("accounts", 166),
    ("orders", 309),
    ("invoices", 98),
    ("events", 2802),
    ("contracts", 86),
    ("regions", 3),
    ("contract_versions", 86),
    ("categories", 10),
    ("messages", 2199),
];

/// One production and one backup for all tests here, one test at a time.
static SCENE: LazyLock<Mutex<Scene>> = LazyLock::new(|| Mutex::new(Scene::new("hb-08")));

/// The scene with a fresh backup of it, made by its own script.
fn fresh() -> MutexGuard<'static, Scene> {
    let scene = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = fs::remove_dir_all(scene.world.path("reports"));
    let _ = fs::remove_dir_all(scene.world.path("keys"));
    scene.operate(&scene.place("hb-08", "backup.sh", "backups/backup.sh"), &[]);
    scene
}

#[test]
fn the_blocker_is_closed_with_notes_and_everything_that_must_show_shows() {
    let scene = fresh();
    let ran = scene.collect(&scene.text());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.not_passed(), ["K-7 waived"]);
    let record = scene.record();
    let both = KEY_TABLES.map(|(table, rows)| format!("| `app.{table}` | {rows} | {rows} | yes |"));
    let sysid = scene.value("drill", "system_identifier").unwrap();
    assert_ne!(sysid, scene.sysid.as_str());
    let own = format!("system_identifier: \"{}\"", sysid.as_str().unwrap());
    let artefact = scene.value("artefact", "sha256").unwrap();
    let listed = format!("| `app_20260515.dump` | `match` | `{0}` | `{0}` |", artefact.as_str().unwrap());
    let words: Vec<&str> = both.iter().map(String::as_str).chain([own.as_str(), &listed]).collect();
    says(&record, &words, &[]);
    says(
        &record,
        &[
            "status: closed_with_notes",
            // The artefact.
            "format: custom",
            "compression_level: 6",
            "server_version: \"",
            "dump_version: \"",
            "score: \"2/2\"",
            // Isolation, steps, messages, counts, answers, teardown.
            "listen_addresses: \"\"",
            "tcp_listeners: 0",
            "shared_folder: none",
            "initdb_time: ",
            "| `restore` | 1 |",
            "| 1 | `user-mapping` |",
            "role \"sync_agent\" does not exist; command: CREATE USER MAPPING FOR sync_agent",
            "score: \"10/10\"",
            "method: exact",
            "{contract: contracts 1, id: 1, version: contract_versions 1}",
            "{contract: contracts 86, id: 86, version: contract_versions 86}",
            "folder_exists: false",
            "processes: 0",
            // The seven criteria, one of them about the future; who closes; what follows.
            "0 of 7 criteria FAIL, 6 PASS, 1 WAIVED (K-7)",
            "was UNKNOWN, waived until 2999",
            "To be signed for the seat `verifier`, by `dba@example.org`",
            "HB-05 is blocked by HB-08 and HB-09",
            "Not to be done in this case: any write to production",
            "What this drill does not prove",
            "Roles belong to the cluster",
            "changed_by_us: false",
            "counts_equal: true",
        ],
        &[
            "production untouched",
            "no write to production",
            "all criteria",
            "is signed",
            "signed by",
            "**unnamed**",
            "estimate_of: ",
        ],
    );
    // The verdict and its reason stand on the first screen.
    let first: String = record.lines().take(40).collect::<Vec<_>>().join("\n");
    says(
        &first,
        &["Outcome: **PASS**", "`closed_with_notes`, before signatures", "K-7 not established, but waived"],
        &[],
    );
    assert!(scene.nothing_left());

    let signed = scene.sign();
    assert!(signed.stdout.contains("closing: closed_with_notes"), "{}{}", signed.stdout, signed.stderr);
    let verified = scene.run(&["verify", "hb-08", "--require-signature", "--require-closed"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    what_depends_on_it(&scene);
}

/// HB-05 waits for HB-08 and HB-09, and becomes ready when both are closed, not before.
fn what_depends_on_it(scene: &Scene) {
    let policy =
        "policy: done\ncriteria:\n  - { id: K-1, title: It is done, require: { fact: done.exists, equals: true } }\n";
    scene.world.write("policies/done.yaml", policy);
    for (case, requires) in [("hb-05", "requires: [hb-08, hb-09]\n"), ("hb-09", "")] {
        let text = format!(
            "case: {case}\ntitle: A blocker\ntemplate: closure\npolicy: done\n{requires}\
             collect: [{{ id: done, uses: file, with: {{ path: done.txt }} }}]\n"
        );
        scene.world.write(&format!("reports/{case}/case.yaml"), text);
    }
    let state = |code: i32| -> Vec<String> {
        let ran = scene.run(&["status", "--format", "json"]);
        assert_eq!(ran.code, code, "{}", ran.stdout);
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let cases = json["cases"].as_array().unwrap().iter();
        cases.map(|case| format!("{} {}", case["case"].as_str().unwrap(), case["state"].as_str().unwrap())).collect()
    };
    assert_eq!(state(3), ["hb-05 no_run", "hb-08 closed_with_notes", "hb-09 no_run"]);
    scene.world.write("reports/hb-09/done.txt", "yes");
    assert_eq!(scene.run(&["collect", "hb-09"]).code, 0);
    assert_eq!(state(0), ["hb-05 ready_to_close", "hb-08 closed_with_notes", "hb-09 closed"]);
}

#[test]
fn a_wrong_list_of_digests_fails_by_its_own_criterion() {
    let scene = fresh();
    let list = scene.world.path("backups/SHA256SUMS");
    let text = fs::read_to_string(&list).unwrap();
    let wrong: String = text.chars().take(8).map(|c| if c == '0' { '1' } else { '0' }).collect();
    fs::write(&list, wrong + &text[8..]).unwrap();
    assert_eq!(scene.collect(&scene.text()).code, 1);
    assert_eq!(scene.not_passed(), ["K-1 fail", "K-7 waived"]);
    assert_eq!(scene.value("sums", "by_name.app_20260515.dump").unwrap(), "mismatch");
    says(&scene.record(), &["status: open", "| `app_20260515.dump` | `mismatch` |"], &[]);
}

#[test]
fn a_missing_table_and_a_missing_row_fail_by_the_other_side() {
    let scene = fresh();
    let dump = scene.world.path("backups/app_20260515.dump");
    let mut again = scene.cluster.command("pg_dump");
    let done = again.args(["-Fc", "-Z6", "-d", "app", "-T", "app.regions", "-f"]).arg(&dump).output().unwrap();
    assert!(done.status.success());
    let sum = evidence::base::digest::Digest::of(&fs::read(&dump).unwrap());
    scene.world.write("backups/SHA256SUMS", format!("{sum}  app_20260515.dump\n"));
    // One row more in production than in its backup.
    scene.cluster.psql("app", "INSERT INTO app.tenants VALUES (23, 'tenants 23', now())");
    let ran = scene.collect(&scene.text());
    scene.cluster.psql("app", "DELETE FROM app.tenants WHERE id = 23");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    // The dump agrees with itself: only production can tell.
    assert_eq!(scene.value("drill", "counts_equal").unwrap(), true);
    assert_eq!(scene.not_passed(), ["K-4 fail", "K-7 waived"]);
    assert_eq!(scene.value("keys", "differ").unwrap(), serde_json::json!(["app.tenants", "app.regions"]));
    says(&scene.record(), &["score: \"8/10\"", "| `app.regions` | 3 | `no such table` | no |"], &[]);
}

#[test]
fn another_cluster_stops_before_anything_is_looked_at() {
    let scene = fresh();
    let ran = scene.collect(&scene.text().replace(&scene.sysid, "7611578671664259111"));
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    assert!(scene.value("drill", "system_identifier").is_none() && scene.nothing_left());
    says(&scene.record(), &["HARD STOP", "status: hard_stop"], &["closed_with_notes"]);
}

#[test]
fn an_unknown_message_and_an_expired_waiver_keep_it_open() {
    let scene = fresh();
    // Without the read-only role its grants fail, and nobody has named that.
    let case = scene.text().replace("roles: [app_owner, reader]", "roles: [app_owner]").replace("jobs: 2", "jobs: 1");
    let ran = scene.collect(&case.replace("2999-01-01", "2020-01-01"));
    let not_passed = scene.not_passed();
    assert_eq!(ran.code, 1, "{not_passed:?} {}", ran.stdout);
    assert!(
        not_passed.contains(&"K-3 fail".to_owned()) && not_passed.contains(&"K-7 unknown".to_owned()),
        "{not_passed:?}"
    );
    says(&scene.record(), &["**unnamed**", "status: open"], &["closed_with_notes"]);
}
