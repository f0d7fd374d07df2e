//! The scene PHASE-C, whole: on a real cluster the guard of the dump role finds what is closed to it, the
//! grants that it proposed are applied by the governed action together with the entry in cron, and
//! afterwards the same looks, the monitors of a real Uptime Kuma database, and restore drills of both
//! backups stand in one record. Every "must show", none of the "must not say", and the clean twin.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::cluster::Cluster;
use crate::support::look;
use crate::support::world::{Ran, World};

const CASE: &str = include_str!("../scenes/phase-c/case.yaml");

fn scenes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes/phase-c")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// The cluster, the folder of the scene and the case over both.
struct Scene {
    cluster: Cluster,
    folder: TempDir,
    world: World,
}

impl Scene {
    fn new(kind: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ev-phase-c-").tempdir_in("/tmp").unwrap();
        let scene = Self { cluster: Cluster::start().unwrap(), folder, world: World::new() };
        let setter = scenes().join("stage.sh");
        let mut stage = Command::new("bash");
        let set =
            stage.arg(setter).arg(scene.folder.path()).arg(kind).env("PGHOST", scene.cluster.socket_dir()).output();
        let set = set.unwrap();
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        let case = CASE
            .replace("@DIR@", scene.folder.path().to_str().unwrap())
            .replace("@SOCKET@", scene.cluster.socket_dir().to_str().unwrap());
        scene.world.write("reports/phase-c/case.yaml", case);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.world.ran(self.world.command(args).env("PGHOST", self.cluster.socket_dir()).output().unwrap())
    }

    /// A look before anything is done; what it proposes becomes the scene's `grants.sql`.
    fn look_before(&self) -> (BTreeMap<String, Value>, Value) {
        let collected = self.run(&["collect", "phase-c"]);
        assert!([1, 3].contains(&collected.code), "{}", collected.stderr);
        let run = self.world.run_folder("phase-c");
        let made = Command::new("python3")
            .arg(scenes().join("grants.py"))
            .args([run.join("data/facts.jsonl"), self.path("grants.sql"), self.path("rollback.sql")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let seen = (facts(&run), verdict(&run));
        fs::remove_dir_all(run).unwrap();
        seen
    }

    /// Runs the action between its looks, renders and verifies.
    fn told(self) -> Told {
        let (before, before_verdict) = self.look_before();
        let kuma = state(&self.path("kuma"));
        let ran = self.run(&["run", "phase-c"]);
        assert_eq!(state(&self.path("kuma")), kuma, "nobody touched the monitors' database");
        let rendered = self.run(&["render", "phase-c"]);
        assert_eq!(rendered.code, 0, "{}{}", ran.stderr, rendered.stderr);
        let verified = self.run(&["verify", "phase-c"]);
        assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
        let run = self.world.run_folder("phase-c");
        Told {
            code: ran.code,
            before,
            before_verdict,
            facts: facts(&run),
            verdict: verdict(&run),
            record: fs::read_to_string(self.world.path("reports/phase-c/record.md")).unwrap(),
            scene: self,
        }
    }
}

/// Names, bytes and times of a folder's files.
fn state(folder: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let (bytes, time) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        (path, bytes, time)
    };
    files.into_iter().map(read).collect()
}

fn facts(run: &Path) -> BTreeMap<String, Value> {
    let lines = fs::read_to_string(run.join("data/facts.jsonl")).unwrap();
    let facts = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fact"].clone());
    facts.map(|fact| (fact["id"].as_str().unwrap().to_owned(), fact)).collect()
}

fn verdict(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("data/verdict.json")).unwrap()).unwrap()
}

fn status<'a>(verdict: &'a Value, id: &str) -> &'a str {
    let row = verdict["rows"].as_array().unwrap().iter().find(|row| row["id"] == id);
    row.unwrap_or_else(|| panic!("no row {id}"))["status"].as_str().unwrap()
}

/// One sealed run and its record, and the look before it.
struct Told {
    code: i32,
    before: BTreeMap<String, Value>,
    before_verdict: Value,
    facts: BTreeMap<String, Value>,
    verdict: Value,
    record: String,
    scene: Scene,
}

impl Told {
    fn value(&self, path: &str) -> &Value {
        look::sealed(&self.facts, path)
    }

    fn rows(&self, path: &str, keys: &[&str]) -> Vec<String> {
        let rows = self.value(path).as_array().unwrap_or_else(|| panic!("{path} is no list"));
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rows.iter().map(|row| keys.iter().map(|key| plain(&row[*key])).collect::<Vec<_>>().join("/")).collect()
    }

    /// A row of a table of the record.
    fn row(&self, start: &str) -> &str {
        self.record.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no row {start}"))
    }
}

fn told() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(|| Scene::new("scene").told())
}

#[test]
fn the_guard_covers_every_class_and_none_is_left_after_its_own_proposal() {
    let told = told();
    let gaps = told.rows("guard_before.gaps", &["class", "schema", "name", "privilege", "blocks_dump"]);
    for gap in [
        "schema/pgboss//USAGE/now",
        "schema/reports//USAGE/now",
        "table/pgboss/job/SELECT/now",
        "sequence/pgboss/job_id_seq/SELECT/now",
        "table/app/orders/SELECT/now",
        "partitioned table/app/parted/SELECT/now",
        "view/app/open_orders/SELECT/no",
        "materialized view/app/totals/SELECT/no",
        "foreign table/app/far/SELECT/no",
        "sequence/app/counter/SELECT/now",
        "row-level security/app/private/BYPASSRLS/now",
        "large object/null/77001/SELECT/now",
        "future tables/null//SELECT/later",
        "future sequences/null//SELECT/later",
    ] {
        assert!(gaps.contains(&gap.to_owned()), "{gap}: {gaps:#?}");
    }
    assert!(told.value("guard_before.result").as_str().unwrap().contains(" gaps in "));
    let after = told.value("guard.result").as_str().unwrap();
    assert!(after.starts_with("none of ") && told.row("| `guard` | `dumper`").contains(after), "{after}");
    assert_eq!((told.value("guard.gap_count"), told.value("guard.is_superuser")), (&0.into(), &false.into()));
    assert_eq!(status(&told.verdict, "G-1"), "pass");
    // Before, nobody could have said so.
    assert_eq!(told.before["guard"]["absence"]["reason"], "not_applicable");
    assert_eq!(status(&told.before_verdict, "G-1"), "unknown");
    // The proposal stands in the record, word by word, as it was applied.
    let applied = fs::read_to_string(told.scene.path("grants.sql")).unwrap();
    assert!(applied.lines().count() >= 20);
    for line in applied.lines() {
        assert!(told.record.contains(line.trim_end_matches(';')), "{line}");
    }
}

#[test]
fn cron_before_and_after_as_a_difference() {
    let told = told();
    assert_eq!(told.value("cron_before.found_count"), 0);
    assert_eq!(told.rows("schedule.added", &["schedule", "user"]), ["17 4 * * */backup"]);
    assert_eq!((told.value("schedule.changes_count"), told.value("schedule.as_expected")), (&1.into(), &true.into()));
    let entry = told.scene.path("bin/pg-backup.sh");
    let added = format!("| `17 4 * * *` | `backup` | `{}` |", entry.display());
    assert!(told.record.contains(&added), "{added}");
    assert!(told.record.contains("Added:"));
}

#[test]
fn monitors_their_staleness_and_the_schedule_that_explains_it() {
    let told = told();
    assert_eq!(told.value("kuma.journal_mode"), "wal");
    assert!(told.value("kuma.wal_bytes").as_u64().unwrap() > 0);
    assert_eq!(told.value("kuma.unchanged"), true);
    assert_eq!(
        told.rows("kuma.monitors", &["id", "name", "type", "active", "interval_seconds", "state", "stale", "message"]),
        [
            "1/pg-backup/push/true/90000/up/false/OK 302 tables",
            "2/off-site copy/push/true/90000/up/true/OK",
            "3/database/http/true/60/up/false/200 - OK",
        ]
    );
    assert!(told.value("kuma.monitors.1.last_heartbeat_at").is_string());
    assert_eq!(told.value("kuma.stale"), &serde_json::json!(["off-site copy"]));
    assert_eq!(told.value("schedule_offsite.within_rpo"), false);
    assert_eq!(told.value("schedule_offsite.longest_gap_seconds").as_f64(), Some(604_800.0));
    assert!(told.row("| H-1 | The monitor of the off-site copy").contains("supported"));
    assert_eq!((status(&told.verdict, "M-1"), status(&told.verdict, "M-2")), ("fail", "pass"));
    // The push token is nowhere.
    let token = format!("t0k{}", "enOfThePushMonitor7x");
    let found =
        Command::new("grep").args(["-rl", &token[..12]]).arg(told.scene.world.path("reports")).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
    assert!(told.value("kuma.monitors.0.url").as_str().unwrap().contains("/api/push/***"));
    assert_eq!(told.value("kuma.monitors.0.has_push_token"), true);
}

#[test]
fn the_lock_coverage_of_functions() {
    let told = told();
    assert_eq!(
        told.rows("locks.coverage", &["function", "has_lock", "uses_key", "truncates", "covered"]),
        ["app.import()/false/false/true/no", "app.rebuild()/true/true/true/yes", "app.settle()/false/false/false/yes",]
    );
    assert_eq!((status(&told.verdict, "L-1"), status(&told.verdict, "L-2")), ("fail", "pass"));
    assert!(told.record.contains("takes no advisory lock"));
}

#[test]
fn both_backups_hold_the_same_by_digest_and_both_restore() {
    let told = told();
    let both =
        |path: &str| (told.value(&format!("local.{path}")).clone(), told.value(&format!("member.{path}")).clone());
    let (local, member) = both("payload_bytes");
    assert_eq!(local, member);
    let (local, member) = both("payload_sha256");
    assert_ne!(local, member, "each dump has a token of its own");
    let (local, member) = both("payload_normalised_sha256");
    assert!(local == member && local.as_str().is_some_and(|digest| digest.len() == 64), "{local} {member}");
    assert_eq!(both("sql.tables.count"), (302.into(), 302.into()));
    assert_eq!(both("sql.error_lines"), (0.into(), 0.into()));
    assert_eq!(
        (told.value("local.sql.header"), told.value("member.member.name")),
        (&true.into(), &"daily/shop.sql.gz".into())
    );
    assert!(told.value("local.sql.schemas.names").as_array().unwrap().contains(&"pgboss".into()));
    assert_eq!(status(&told.verdict, "B-3"), "pass");
    for drill in ["drill", "drill_member"] {
        let at = |path: &str| told.value(&format!("{drill}.{path}"));
        assert_eq!(
            (at("exit_code"), at("errors"), at("counts_equal")),
            (&0.into(), &0.into(), &true.into()),
            "{drill}"
        );
        assert_eq!(
            (at("teardown.folder_exists"), at("isolation.listen_addresses").as_str()),
            (&false.into(), Some(""))
        );
        assert_eq!(at("restored.tables"), 301, "and one foreign table");
        assert_ne!(at("system_identifier"), told.value("identity.system_identifier"));
    }
    assert_eq!((told.value("left.count"), told.value("left.others")), (&0.into(), &0.into()), "cleaned up");
}

#[test]
fn equal_sizes_are_not_equal_content_and_listing_is_no_test() {
    let told = told();
    // One letter of one row, in a file of the same length.
    let plain = Command::new("gzip").arg("-dc").arg(told.scene.path("backups/shop.sql.gz")).output().unwrap().stdout;
    let other = String::from_utf8(plain.clone()).unwrap().replacen("\torder 7\n", "\torder 8\n", 1);
    assert!(other.as_bytes() != plain && other.len() == plain.len());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.sql"), &plain).unwrap();
    fs::write(folder.path().join("b.sql"), other).unwrap();
    let step = |name: &str| {
        format!(
            "  - {{ id: {name}, uses: backup, with: {{ path: {:?}, payload_digest: true }} }}\n",
            folder.path().join(format!("{name}.sql"))
        )
    };
    let seen = look::facts(&look::case("  none: {}", &(step("a") + &step("b"))));
    let at = |index: usize, path: &str| seen[index].at(path).unwrap().unwrap().clone();
    assert_eq!(at(0, "payload_bytes"), at(1, "payload_bytes"));
    assert_ne!(at(0, "payload_normalised_sha256"), at(1, "payload_normalised_sha256"));
    // Without the drills the same case knows nothing of a restore.
    for item in ["R-1", "R-2", "R-3", "B-3"] {
        assert_eq!(status(&told.before_verdict, item), "unknown", "{item}");
    }
    let low = told.record.to_lowercase();
    for claim in ["same content", "was tested", "root cause"] {
        assert!(!low.contains(claim), "{claim}");
    }
    assert!(told.record.contains("by the digest of the payload without its random tokens"));
}

#[test]
fn files_created_with_their_digests_and_what_takes_it_back() {
    let told = told();
    for (id, file) in [
        ("created_cron", "etc/cron.d/pg-backup"),
        ("created_grants", "grants.sql"),
        ("created_rollback", "rollback.sql"),
    ] {
        let digest = evidence::base::digest::Digest::of(&fs::read(told.scene.path(file)).unwrap()).to_string();
        assert_eq!(told.value(&format!("{id}.sha256")), &Value::from(digest.as_str()));
        assert!(told.record.contains(&digest), "{file}");
    }
    let new = told.rows("side_effects.new_files", &["path"]).join(" ");
    for file in ["backups/shop.sql.gz", "backups/offsite.tar.gz", "etc/cron.d/pg-backup"] {
        assert!(new.contains(file), "{file}: {new}");
    }
    assert_eq!(
        (told.value("action.exit_code"), told.value("side_effects.removed_files_total")),
        (&0.into(), &0.into())
    );
    for part in ["RB-1: NOT executed", "RB-2: NOT executed", "rollback.sql", "Remaining risks", "Remaining risk: "] {
        assert!(told.record.contains(part), "{part}");
    }
    // The short of it comes before what was looked at one by one.
    let place = |text: &str| told.record.find(text).unwrap_or_else(|| panic!("{text}"));
    let order = [
        place(" Summary"),
        place(" At a glance"),
        place(" Guards and gaps"),
        place(" Execution context"),
        place(" Remaining risks"),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn the_verdict_of_the_scene() {
    let told = told();
    assert_eq!(told.code, 1, "a function without the lock, a stale monitor");
    let rows = told.verdict["rows"].as_array().unwrap();
    let failed: Vec<_> =
        rows.iter().filter(|row| row["status"] != "pass").map(|row| row["id"].as_str().unwrap()).collect();
    let wanted = if is_root() { vec!["L-1", "M-1"] } else { vec!["H-3", "L-1", "M-1"] };
    assert_eq!(failed, wanted);
}

#[test]
fn the_clean_twin_passes_and_its_rollback_takes_everything_back() {
    let told = Scene::new("clean").told();
    let rows = told.verdict["rows"].as_array().unwrap();
    let wrong: Vec<_> = rows.iter().filter(|row| row["status"] != "pass").collect();
    // Somebody else than root owns the script where the tests run without root.
    assert!(wrong.iter().all(|row| row["id"] == "H-3" && !is_root()), "{wrong:#?}");
    assert_eq!(told.code, i32::from(!is_root()));
    assert_eq!(told.value("kuma.stale_total"), 0);

    let rollback = fs::read_to_string(told.scene.path("rollback.sql")).unwrap();
    told.scene.cluster.psql("shop", &rollback);
    let (again, _) = told.scene.look_before();
    assert_eq!(again["guard_before"]["values"]["gaps"], *told.value("guard_before.gaps"));
}
