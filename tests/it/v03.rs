//! The scene V0.3, whole: the tool is the reviewed one on both hosts, the cluster is the expected one, a
//! fresh plain dump has every named object, restores in another cluster, and production was not changed
//! by us. Then the variants that must fail, each by the check that it is for.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::scene::{Scene, says};

static SCENE: LazyLock<Mutex<Scene>> = LazyLock::new(|| Mutex::new(Scene::new("v0-3")));

/// The scene with the tool on both sides and a fresh dump by it.
fn fresh() -> MutexGuard<'static, Scene> {
    let scene = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = fs::remove_dir_all(scene.world.path("reports"));
    let _ = fs::remove_dir_all(scene.world.path("keys"));
    scene.place("v0-3", "dump.sh", "tools/reviewed/dump.sh");
    dump(&scene);
    scene
}

fn dump(scene: &Scene) {
    let tool = scene.place("v0-3", "dump.sh", "tools/deployed/dump.sh");
    scene.operate(&tool, &[&scene.world.path("backups/after.sql")]);
}

#[test]
fn the_backup_is_verified_and_everything_that_must_show_shows() {
    let scene = fresh();
    let ran = scene.collect(&scene.text());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.not_passed(), [] as [&str; 0]);
    let record = scene.record();
    let named = (1..=12).flat_map(|n| {
        [
            format!("| `view` | `tac.view_{n}` | - | `found` |"),
            format!("| `table` | `tac.base_{n}` | - | `found` |"),
            format!("| `grant` | `SELECT ON TABLE tac.view_{n}` | `reporting` | `found` |"),
        ]
    });
    let named: Vec<String> = named.collect();
    says(&record, &named.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let tool = evidence::base::digest::Digest::of(&fs::read(scene.world.path("tools/reviewed/dump.sh")).unwrap());
    let sum = evidence::base::digest::Digest::of(&fs::read(scene.world.path("backups/after.sql")).unwrap());
    let sysid = scene.value("drill", "system_identifier").unwrap();
    assert_ne!(sysid, scene.sysid.as_str());
    says(
        &record,
        &[
            &format!("| `match` | `{tool}` | `{tool}` |"),
            "db1.example.org -- ",
            &format!("and nothing more unless it is {}", scene.sysid),
            &format!("sha256: \"{sum}\"")
                .replace("\"", if sum.to_string().starts_with(char::is_numeric) { "\"" } else { "" }),
            "expect: \"37/37\"",
            "all_found: true",
            "trailer: true",
            "initdb_time: ",
            sysid.as_str().unwrap(),
            "exit_code: 0",
            "errors: 0",
            "Roles belong to the cluster",
            "folder_exists: false",
            // What each proof of production proves.
            "the identifier survives INSERT and DROP",
            "sessions_without_xid: true",
            "sessions_read_only: true",
            "catalogue_equal: true",
            "acl_equal: true",
            "counts_equal: true",
            "moved_by_others: false",
        ],
        &["production untouched", "signed by", "all criteria"],
    );
    assert!(scene.nothing_left());
    let signed = scene.sign();
    assert!(signed.stdout.contains("closing: closed"), "{}{}", signed.stdout, signed.stderr);
    assert_eq!(scene.run(&["verify", "v0-3", "--require-signature"]).code, 0);
}

#[test]
fn another_tool_or_none_or_another_cluster_and_nothing_else_is_looked_at() {
    let scene = fresh();
    let deployed = scene.world.path("tools/deployed/dump.sh");
    fs::write(&deployed, "#!/bin/sh\necho something else\n").unwrap();
    assert_eq!(scene.collect(&scene.text()).code, 4);
    assert_eq!(scene.value("provenance", "result").unwrap(), "mismatch");
    assert!(scene.value("identity", "system_identifier").is_none());
    says(&scene.record(), &["HS-1 TRIGGERED", "| `mismatch` |"], &[]);
    fs::remove_file(&deployed).unwrap();
    assert_eq!(scene.collect(&scene.text()).code, 4);
    assert_eq!(scene.value("provenance", "result").unwrap(), "absent");

    scene.place("v0-3", "dump.sh", "tools/deployed/dump.sh");
    assert_eq!(scene.collect(&scene.text().replace(&scene.sysid, "7611578671664259111")).code, 4);
    assert!(scene.value("dump", "quality").is_none() && scene.value("drill", "seconds").is_none());
}

#[test]
fn a_view_that_became_a_table_a_lost_grant_and_a_missing_table_are_named() {
    let scene = fresh();
    scene.cluster.psql(
        "app",
        "SET ROLE app_owner; REVOKE SELECT ON tac.view_5 FROM reporting; DROP VIEW tac.view_3; \
         CREATE TABLE tac.view_3 (id integer); GRANT SELECT ON tac.view_3 TO reporting; \
         ALTER TABLE tac.base_7 RENAME TO base_seven",
    );
    dump(&scene);
    let ran = scene.collect(&scene.text());
    scene.cluster.psql(
        "app",
        "SET ROLE app_owner; DROP TABLE tac.view_3; ALTER TABLE tac.base_seven RENAME TO base_7; \
         CREATE VIEW tac.view_3 AS SELECT id, name FROM tac.base_3; GRANT SELECT ON tac.view_3, tac.view_5 TO reporting",
    );
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.not_passed(), ["V-3 fail"]);
    let missing =
        serde_json::json!(["table tac.base_7", "view tac.view_3", "grant SELECT ON TABLE tac.view_5 to reporting"]);
    assert_eq!(scene.value("dump", "expect.missing").unwrap(), missing);
    says(&scene.record(), &["expect: \"34/37\"", "| `view` | `tac.view_3` | - | `missing` |"], &[]);
}

#[test]
fn a_dump_cut_between_rows_fails_although_its_restore_says_nothing() {
    let scene = fresh();
    let path = scene.world.path("backups/after.sql");
    let whole = fs::read_to_string(&path).unwrap();
    let block = whole.rfind("COPY tac.base_").unwrap();
    let row = block + whole[block..].find("\n20\t").unwrap() + 1;
    fs::write(&path, &whole[..row]).unwrap();
    assert_eq!(scene.collect(&scene.text()).code, 1);
    assert_eq!(scene.value("drill", "exit_code").unwrap(), 0);
    assert_eq!(scene.value("drill", "errors").unwrap(), 0);
    let not_passed = scene.not_passed();
    for item in ["V-1 fail", "V-4 fail"] {
        assert!(not_passed.contains(&item.to_owned()), "{not_passed:?}");
    }
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_shown_and_not_blamed_on_us() {
    let scene = fresh();
    let done = AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                scene.cluster.psql("app", "INSERT INTO tac.base_1 SELECT max(id) + 1, 'by others' FROM tac.base_1");
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let ran = scene.collect(&scene.text());
        done.store(true, Ordering::SeqCst);
        ran
    });
    scene.cluster.psql("app", "DELETE FROM tac.base_1 WHERE name = 'by others'");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.value("untouched", "counts_equal").unwrap(), false);
    assert_eq!(scene.value("untouched", "changed_by_us").unwrap(), false);
    assert_eq!(scene.value("untouched", "moved_by_others").unwrap(), true);
    says(&scene.record(), &["tac.base_1", "moved_by_others: true", "changed_by_us: false"], &["production untouched"]);
}
