//! States, looked at for real: real processes and a kernel that hides them, real file systems, a
//! real Uptime Kuma database with an open writer, commands under the real sandbox; only the container
//! engine and systemd are stand-ins, since neither runs where tests do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use evidence::model::fact::{Fact, Reason};
use evidence::model::value::Value;
use rusqlite::Connection;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::sealing::can;
use crate::support::look;
use crate::support::world::World;

fn one(step: &str) -> Fact {
    let case = look::case("  none: {}", &format!("  - {{ id: it, {step} }}"));
    look::facts(&case).pop().unwrap()
}

fn value<'a>(fact: &'a Fact, path: &str) -> &'a Value {
    fact.at(path).unwrap_or_else(|| panic!("no {path}")).unwrap_or_else(|why| panic!("{path}: {why:?}"))
}

fn text<'a>(fact: &'a Fact, path: &str) -> &'a str {
    value(fact, path).as_text().unwrap_or_else(|| panic!("{path} is no text"))
}

fn int(fact: &Fact, path: &str) -> i64 {
    value(fact, path).as_int().unwrap_or_else(|| panic!("{path} is no number"))
}

fn reason(fact: &Fact, path: &str) -> Reason {
    fact.at(path).unwrap_or_else(|| panic!("no {path}")).unwrap_err().reason
}

fn executable(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A world whose binary finds the programs of `bin` first.
fn with_programs(programs: &[(&str, &str)]) -> (World, String) {
    let world = World::new();
    fs::create_dir(world.path("bin")).unwrap();
    for (name, script) in programs {
        executable(&world.path("bin").join(name), script);
    }
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    (world, path)
}

/// The facts of the newest run, by id.
fn sealed(world: &World, case: &str) -> std::collections::BTreeMap<String, Json> {
    let lines = fs::read_to_string(world.run_folder(case).join("data/facts.jsonl")).unwrap();
    let facts = lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["fact"].clone());
    facts.map(|fact| (fact["id"].as_str().unwrap().to_owned(), fact)).collect()
}

/// Collects the case `c`, with a subject for its plain policy, and gives the facts.
fn collected(world: &World, path: &str, steps: &str) -> std::collections::BTreeMap<String, Json> {
    let subject = "collect:\n  - { id: subject, uses: file, with: { path: case.yaml } }\n";
    world.case("c", &format!("{subject}{steps}"));
    let ran = world.ran(world.command(&["collect", "c"]).env("PATH", path).output().unwrap());
    assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
    sealed(world, "c")
}

// Processes and the disk.

#[test]
fn a_job_is_seen_while_it_runs_with_its_secret_masked() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("job.sh");
    executable(&script, "#!/bin/sh\nread line\n");
    let secret = format!("hunter{}", "2x7Qq9");
    let uri = format!("postgres://app:{secret}@db.example.org/app");
    let mut job = Command::new(&script).arg(&uri).stdin(Stdio::piped()).spawn().unwrap();
    let step = format!("uses: process, with: {{ contains: {script:?} }}");
    // Between its start and its becoming the script it is still the test itself.
    let fact = (0..100)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            one(&step)
        })
        .find(|fact| int(fact, "count") == 1)
        .unwrap();
    assert_eq!(int(&fact, "processes.0.pid"), i64::from(job.id()));
    assert_eq!(int(&fact, "processes.0.ppid"), i64::from(std::process::id()));
    assert!(
        text(&fact, "processes.0.command").contains("postgres://app:***"),
        "{}",
        text(&fact, "processes.0.command")
    );
    assert!(!format!("{:?}", fact.values).contains(&secret));
    assert!(fact.masked.values().sum::<u64>() >= 1);
    job.kill().unwrap();
    // Ended and not waited for: it has no command line any more, but it is still in the table.
    job.wait().unwrap();
    assert_eq!(int(&one(&step), "count"), 0);
}

/// Whether this machine lets a test have mounts of its own.
fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    can(tried.is_ok_and(|tried| tried.status.success()), "the tests of mounts need root")
}

#[test]
fn hidden_processes_are_unknown_and_not_none() {
    if !may_mount() {
        return;
    }
    let world = World::new();
    let binary = world.path("evidence");
    fs::copy(assert_cmd::cargo::cargo_bin("evidence"), &binary).unwrap();
    let other = "  - { id: other, uses: process, with: { contains: 'no-such-job-anywhere' } }\n";
    world.case("c", &format!("collect:\n  - {{ id: subject, uses: file, with: {{ path: case.yaml }} }}\n{other}"));
    let script = "chown -R nobody . && mount -t proc -o hidepid=2 proc /proc && \
                  exec setpriv --reuid=nobody --regid=nogroup --clear-groups ./evidence collect c";
    let ran = Command::new("unshare").args(["-m", "sh", "-c", script]).current_dir(world.root()).output().unwrap();
    assert!(String::from_utf8_lossy(&ran.stdout).contains("sealed"), "{}", String::from_utf8_lossy(&ran.stderr));
    let facts = sealed(&world, "c");
    assert_eq!(facts["other"]["missing"]["count"]["reason"], "denied");
    assert_eq!(facts["other"]["values"]["count_seen"], 0);
    assert_eq!(facts["other"]["values"]["hidden"], true);
    let settle = facts["other"]["missing"]["count"]["settle"].as_str().unwrap();
    assert_eq!(settle, "sudo pgrep -fa -- 'no\\-such\\-job\\-anywhere'");
    // The sandbox keeps even processes of the same user out of sight there; our own is never hidden.
    assert!(facts["other"]["values"]["left_out"].as_array().is_some_and(|left| !left.is_empty()));
}

#[test]
fn the_disk_agrees_with_the_systems_own_tools() {
    let folder = tempfile::tempdir().unwrap();
    let fact = one(&format!("uses: disk, with: {{ path: {:?} }}", folder.path()));
    let ask = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).arg(folder.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().trim().to_owned()
    };
    assert_eq!(int(&fact, "total_bytes").to_string(), ask("df", &["-B1", "--output=size"]));
    assert_eq!(text(&fact, "mount_point"), ask("df", &["--output=target"]));
    assert_eq!(text(&fact, "device"), ask("df", &["--output=source"]));
    assert_eq!(text(&fact, "file_system"), ask("df", &["--output=fstype"]));
    assert_eq!(value(&fact, "read_only"), &Value::Bool(false));
}

#[test]
fn a_small_read_only_file_system_is_seen_as_such() {
    if !may_mount() {
        return;
    }
    let world = World::new();
    fs::create_dir(world.path("small disk")).unwrap();
    let place = world.path("small disk");
    let step = format!("  - {{ id: disk, uses: disk, with: {{ path: {place:?} }} }}\n");
    world.case("c", &format!("collect:\n  - {{ id: subject, uses: file, with: {{ path: case.yaml }} }}\n{step}"));
    let binary = assert_cmd::cargo::cargo_bin("evidence");
    let script = "mount -t tmpfs -o size=1m,nr_inodes=64,noexec small 'small disk' && \
                  head -c 262144 /dev/zero > 'small disk/file' && mount -o remount,ro 'small disk' && \
                  exec \"$0\" collect c";
    let args = ["-m", "sh", "-c", script, binary.to_str().unwrap()];
    let ran = Command::new("unshare").args(args).current_dir(world.root()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let disk = &sealed(&world, "c")["disk"]["values"];
    assert_eq!((&disk["total_bytes"], &disk["used_bytes"]), (&1_048_576.into(), &262_144.into()));
    assert_eq!((&disk["used_share"], &disk["read_only"]), (&0.25.into(), &true.into()));
    assert_eq!((&disk["inodes_total"], &disk["inodes_free"]), (&64.into(), &62.into()));
    assert_eq!((&disk["mount_point"], &disk["file_system"]), (&place.to_str().unwrap().into(), &"tmpfs".into()));
    assert!(disk["mount_options"].as_array().unwrap().contains(&"noexec".into()));
}

// Container and service.

const DOCKER: &str = r#"#!/bin/sh
echo "$*" >> "$(dirname "$0")/../asked"
case "$*" in
    "inspect --type container postgres")
        cat "$(dirname "$0")/../container.json" ;;
    "image inspect sha256:"*)
        echo '[{"RepoDigests": ["postgres@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]}]' ;;
    *"locked") echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1 ;;
    *) echo "Error response from daemon: No such container: $4" >&2; echo '[]'; exit 1 ;;
esac
"#;

fn container_json(secret: &str) -> String {
    serde_json::json!([{
        "Id": "c".repeat(64), "Name": "/postgres", "Image": format!("sha256:{}", "d".repeat(64)), "RestartCount": 2,
        "State": {"Status": "running", "Running": true, "OOMKilled": false, "ExitCode": 0,
            "StartedAt": "2026-05-14T22:00:01.5Z", "FinishedAt": "2026-05-14T21:59:58Z",
            "Health": {"Status": "unhealthy", "FailingStreak": 4, "Log": [{"Output": secret}]}},
        "Config": {"Image": "postgres:15", "User": "", "Labels": {"note": secret}, "Cmd": ["postgres", secret],
            "Env": [format!("POSTGRES_PASSWORD={secret}"), "PGDATA=/var/lib/postgresql/data"]},
        "HostConfig": {"NetworkMode": "backend", "Privileged": false, "ReadonlyRootfs": false,
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}},
        "Mounts": [{"Type": "bind", "Source": "/srv/pg", "Destination": "/var/lib/postgresql/data", "RW": true},
            {"Type": "bind", "Source": "/srv/backups", "Destination": "/backups", "RW": false}],
        "NetworkSettings": {"Networks": {"backend": {}}, "Ports": {"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "15432"}]}}
    }])
    .to_string()
}

#[test]
fn a_container_is_told_without_its_secrets() {
    let (world, path) = with_programs(&[("docker", DOCKER)]);
    let secret = format!("plain words {}", "of nobody");
    world.write("container.json", container_json(&secret));
    let steps = "  - { id: pg, uses: container, with: { name: postgres } }\n  \
                 - { id: gone, uses: container, with: { name: other } }\n  \
                 - { id: locked, uses: container, with: { name: locked } }\n";
    // The stand-in's own note of what it was asked is refused by the sandbox, as any write is.
    let facts = collected(&world, &path, steps);
    assert!(!world.path("asked").exists());
    let pg = &facts["pg"]["values"];
    assert_eq!(
        (&pg["state"], &pg["health"], &pg["health_failing_streak"]),
        (&"running".into(), &"unhealthy".into(), &4.into())
    );
    assert_eq!(pg["started_at"], "2026-05-14T22:00:01.500000000Z");
    assert_eq!(pg["image"]["digests"][0].as_str().map(str::len), Some(80));
    assert_eq!((&pg["mounts"][1]["read_only"], &pg["mounts"][0]["read_only"]), (&true.into(), &false.into()));
    assert_eq!(
        pg["ports"][0],
        serde_json::json!({"container_port": "5432/tcp", "host_ip": "127.0.0.1", "host_port": "15432"})
    );
    assert_eq!(pg["environment_names"], serde_json::json!(["PGDATA", "POSTGRES_PASSWORD"]));
    assert_eq!((&pg["restart_policy"], &pg["restart_count"]), (&"unless-stopped".into(), &2.into()));
    assert_eq!(facts["pg"]["missing"]["exit_code"]["reason"], "not_applicable", "it runs");
    assert_eq!(facts["gone"]["values"]["exists"], false);
    assert_eq!(facts["gone"]["missing"]["state"]["reason"], "not_found");
    assert_eq!(facts["locked"]["absence"]["reason"], "denied");
    assert_eq!(facts["locked"]["absence"]["settle"], "sudo docker inspect --type container locked");

    assert_eq!(world.run(&["render", "c"]).code, 0);
    let record = fs::read_to_string(world.path("reports/c/record.md")).unwrap();
    for part in ["States at the time of the look", "`/backups`", "`15432`", "POSTGRES_PASSWORD"] {
        assert!(record.contains(part), "{part}");
    }
    let run = world.run_folder("c");
    let found = Command::new("grep").args(["-rl", &secret]).arg(&run).arg(world.path("reports/c/record.md")).output();
    assert!(found.unwrap().stdout.is_empty(), "nothing of the environment, command, labels or health log is kept");
}

#[test]
fn the_engine_is_under_the_digest_of_the_plan_and_the_action_reaches_the_same() {
    let (world, path) = with_programs(&[("docker", DOCKER)]);
    let steps = "collect:\n  - { id: subject, uses: file, with: { path: case.yaml } }\n  \
                 - { id: pg, uses: container, with: { name: postgres } }\n";
    let plan = |case: &str, host: &str| {
        let mut command = world.command(&["plan", case, "--json"]);
        command.env_remove("DOCKER_CONTEXT").env("PATH", &path).env("DOCKER_HOST", host).output().unwrap()
    };
    world.case("c", steps);
    let plans = ["unix:///srv/one.sock", "tcp://203.0.113.7:2376"].map(|host| {
        let out = plan("c", host);
        let json: Json = serde_json::from_slice(&out.stdout).unwrap();
        assert!(json.to_string().contains(&format!("the docker engine at {host} (DOCKER_HOST)")), "{json}");
        json
    });
    assert_ne!(plans[0]["plan_sha256"], plans[1]["plan_sha256"]);
    let action = |set: &str| format!("action: {{ title: t, command: [\"true\"], set: {{ DOCKER_HOST: '{set}' }} }}\n");
    world.case("c", &format!("{}{steps}", action("unix:///srv/two.sock")));
    let refused = plan("c", "unix:///srv/one.sock");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("another container engine"), "{said}");
    world.case("c", &format!("{}{steps}", action("unix:///srv/one.sock")));
    let same = plan("c", "unix:///srv/one.sock");
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stderr));
}

#[test]
fn without_an_engine_nothing_is_known_of_a_container() {
    let world = World::new();
    let facts =
        collected(&world, "/nowhere", "  - { id: pg, uses: container, with: { name: postgres, via: podman } }\n");
    assert_eq!(facts["pg"]["absence"]["reason"], "unavailable");
    assert_eq!(facts["pg"]["absence"]["settle"], "podman inspect --type container postgres");
    let daemon = Command::new("docker").arg("version").output();
    if daemon.is_ok_and(|daemon| !daemon.status.success()) {
        // The real client, and no daemon behind it.
        assert_eq!(one("uses: container, with: { name: postgres }").absence.unwrap().reason, Reason::Unavailable);
    }
}

#[test]
fn a_unit_is_asked_for_in_utc() {
    let systemctl = "#!/bin/sh\n[ \"$TZ\" = UTC ] && [ \"$LC_ALL\" = C ] || exit 9\n\
        [ \"$1 $2 $4 $5\" = 'show --no-pager -- pg-backup.service' ] || { echo LoadState=not-found; exit 0; }\n\
        printf 'Id=pg-backup.service\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\nResult=exit-code\\n'\n\
        printf 'ExecMainCode=1\\nExecMainStatus=1\\nMainPID=0\\nExecMainExitTimestamp=%s\\n' \"$(date -d @1747304630 '+%a %Y-%m-%d %H:%M:%S %Z')\"\n";
    let (world, path) = with_programs(&[("systemctl", systemctl)]);
    let steps = "  - { id: unit, uses: service, with: { unit: pg-backup.service } }\n  \
                 - { id: gone, uses: service, with: { unit: other.timer } }\n";
    let facts = collected(&world, &path, steps);
    let unit = &facts["unit"]["values"];
    assert_eq!(
        (&unit["active_state"], &unit["result"], &unit["exec_main_status"]),
        (&"failed".into(), &"exit-code".into(), &1.into())
    );
    assert_eq!(unit["exec_main_ended_at"], "2025-05-15T10:23:50Z");
    assert_eq!(facts["gone"]["values"]["exists"], false);
    let real = one("uses: service, with: { unit: cron.service }");
    let booted = Path::new("/run/systemd/system").exists();
    assert_eq!(real.absence.map(|why| why.reason), (!booted).then_some(Reason::Unavailable));
}

// Commands of the policy's list.

const ALLOWING: &str = "\
policy: plain
title: A file is there
checks:
  - { id: C-1, title: the file is there, require: { fact: subject.exists, equals: true } }
  - { id: C-2, title: it lists, require: { fact: listed.exit_code, equals: 0 } }
commands:
  - { id: CMD-1, argv: [ls, '-1', { matches: '/[a-zA-Z0-9_./-]+' }], reason: it lists a folder }
  - { id: CMD-3, argv: [cat, { matches: '/.+' }], reason: it prints a file }
  - { id: CMD-2, argv: [touch, { matches: '/.+' }], reason: to see that the sandbox holds }
";

#[test]
fn a_command_of_the_policy_runs_under_the_sandbox() {
    let world = World::new();
    world.write("folder/a", "");
    let folder = world.path("folder");
    let steps = format!(
        "collect:\n  - {{ id: subject, uses: file, with: {{ path: case.yaml }} }}\n  \
         - {{ id: listed, uses: command, with: {{ argv: [ls, '-1', {folder:?}] }} }}\n  \
         - {{ id: touched, uses: command, with: {{ argv: [touch, {:?}] }} }}\n",
        folder.join("b")
    );
    let inside = "MIIEpAIBAAKCAQEAq7c".repeat(3);
    let key = format!("-----BEGIN PRIV{0} KEY-----\n{inside}\n{inside}x\n-----END PRIV{0} KEY-----\nlast\n", "ATE");
    let key = world.write("folder2/key", key);
    let steps = steps + &format!("  - {{ id: key, uses: command, with: {{ argv: [cat, {key:?}], lines: 2 }} }}\n");
    world.case("c", &steps);
    world.write("policies/plain.yaml", ALLOWING);
    let plan = world.run(&["plan", "c"]).stdout;
    assert!(plan.contains("allowed by CMD-1"), "{plan}");
    let ran = world.run(&["collect", "c"]);
    assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
    let facts = sealed(&world, "c");
    assert_eq!((&facts["listed"]["values"]["line"], &facts["listed"]["values"]["exit_code"]), (&"a".into(), &0.into()));
    assert_eq!(facts["listed"]["artifacts"][0]["name"], "stdout.txt");
    assert_eq!(facts["key"]["values"]["stdout_lines"], 5);
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let found = Command::new("grep").args(["-rl", &inside[..19]]).arg(world.path("reports")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "a key that `lines` cut is masked all the same");
    if ran.stdout.contains("sandbox") || facts["touched"]["values"]["exit_code"] != 0 {
        assert!(!folder.join("b").exists(), "what the sandbox refuses does not happen");
    }
}

#[test]
fn a_command_that_is_not_on_the_list_stops_everything_before_it_begins() {
    let world = World::new();
    let step = "collect:\n  - { id: subject, uses: file, with: { path: case.yaml } }\n  \
                - { id: listed, uses: command, with: { argv: [rm, -rf, /srv] } }\n";
    world.case("c", step);
    world.write("policies/plain.yaml", ALLOWING);
    for verb in ["plan", "collect"] {
        let ran = world.run(&[verb, "c"]);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(
            ran.stderr.contains("case.yaml:7") && ran.stderr.contains("it allows CMD-1, CMD-3, CMD-2"),
            "{}",
            ran.stderr
        );
    }
    assert!(!world.path("reports/c/runs").exists(), "no run was begun");
    for (bad, said) in
        [("argv: [sh, -c, ls]", "whatever its arguments say"), ("argv: [ls, { matches: '(' }]", "regular expression")]
    {
        world.write("policies/plain.yaml", ALLOWING.replace("argv: [touch, { matches: '/.+' }]", bad));
        let ran = world.run(&["plan", "c"]);
        assert!(ran.code == 2 && ran.stderr.contains("CMD-2") && ran.stderr.contains(said), "{}", ran.stderr);
    }
}

// Databases of others.

/// The columns of version 1 that matter here, with some of those that do not.
const KUMA_1: &str = include_str!("../scenes/kuma/schema-1.sql");

/// What version 2 has besides.
const KUMA_2: &str = include_str!("../scenes/kuma/schema-2.sql");

const AS_OF: &str = "2026-05-15T10:00:00Z";

struct Kuma {
    folder: TempDir,
    writer: Connection,
    token: String,
}

impl Kuma {
    /// Five monitors in WAL mode; the heartbeats stand in the log only, and the writer stays open.
    fn new(second: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Connection::open(folder.path().join("kuma.db")).unwrap();
        let token = format!("t0k{}", "enOfThePushMonitor7x");
        writer.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        writer.execute_batch(KUMA_1).unwrap();
        if second {
            writer.execute_batch(KUMA_2).unwrap();
        }
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let kuma = Self { folder, writer, token };
        kuma.fill();
        kuma
    }

    fn fill(&self) {
        let push = format!("https://kuma.example.org/api/push/{}?status=up", self.token);
        let web = format!("https://ops:{}@db.example.org/health", self.token);
        let monitor = "INSERT INTO monitor (id, name, type, active, interval, url, push_token) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let token = Some(self.token.as_str());
        type Row<'a> = (i64, &'a str, &'a str, i64, i64, Option<&'a str>, Option<&'a str>);
        let rows: [Row<'_>; 5] = [
            (1, "pg-backup", "push", 1, 90_000, Some(&push), token),
            (2, "database", "http", 1, 60, Some(&web), None),
            (3, "gdrive-backup", "push", 1, 90_000, None, token),
            (4, "old nas", "push", 0, 3600, None, token),
            (5, "website | edge", "http", 1, 60, Some("https://example.org"), None),
        ];
        for row in rows {
            self.writer.execute(monitor, row).unwrap();
        }
        let beat = "INSERT INTO heartbeat (monitor_id, status, msg, time) VALUES (?1, ?2, ?3, ?4)";
        for (id, status, message, time) in [
            (1, 1, "OK 43763755 bytes", "2026-05-12 04:17:09.120"),
            (1, 1, "OK", "2026-05-13 04:17:08.001"),
            (2, 1, "200 - OK", "2026-05-15 09:59:30.000"),
            (2, 0, "connect ECONNREFUSED", "2026-05-15 09:59:58.000"),
            (4, 1, "OK", "2025-01-01 00:00:00.000"),
            (5, 1, "200 - OK", "2026-05-15 09:59:40.000"),
        ] {
            self.writer.execute(beat, (id, status, message, time)).unwrap();
        }
        self.writer
            .execute_batch(
                "INSERT INTO notification (id, name, config, active) VALUES (1, 'mail', '{}', 1), (2, 'off', '{}', 0);
            INSERT INTO monitor_notification (monitor_id, notification_id) VALUES (1, 1), (1, 2), (2, 2);",
            )
            .unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("kuma.db")
    }

    fn look(&self, more: &str) -> Fact {
        one(&format!("uses: uptime_kuma, with: {{ path: {:?}, as_of: '{AS_OF}'{more} }}", self.path()))
    }

    /// Content and time of everything in its folder.
    fn state(&self) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
        let mut files: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let read = |path: PathBuf| {
            let (bytes, time) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
            (path, bytes, time)
        };
        files.into_iter().map(read).collect()
    }
}

#[test]
fn monitors_are_read_with_the_log_and_the_source_stays_as_it_is() {
    for second in [false, true] {
        let kuma = Kuma::new(second);
        let before = kuma.state();
        assert_eq!(before.len(), 3, "database, log and shared memory: the writer is open");
        let fact = kuma.look("");
        assert_eq!(kuma.state(), before);
        assert_eq!(int(&fact, "generation"), if second { 2 } else { 1 });
        assert_eq!(
            text(&fact, "schema_version"),
            if second { "2025-02-17-2142-generalize-analytics.js" } else { "10" }
        );
        assert_eq!((text(&fact, "journal_mode"), value(&fact, "unchanged")), ("wal", &Value::Bool(true)));
        assert!(int(&fact, "wal_bytes") > 0);
        for file in ["files.0", "files.1"] {
            assert_eq!(value(&fact, &format!("{file}.sha256_before")), value(&fact, &format!("{file}.sha256_after")));
            assert_eq!(value(&fact, &format!("{file}.mtime_before")), value(&fact, &format!("{file}.mtime_after")));
        }
        let states: Vec<_> = (0..5).map(|at| text(&fact, &format!("monitors.{at}.state"))).collect();
        assert_eq!(states, ["up", "down", "never seen", "paused", "up"]);
        let totals: Vec<_> = [
            "monitors_total",
            "active_total",
            "up_total",
            "down_total",
            "stale_total",
            "never_seen_total",
            "paused_total",
        ]
        .into_iter()
        .map(|name| int(&fact, name))
        .collect();
        assert_eq!(totals, [5, 4, 2, 1, 1, 1, 1]);
        assert_eq!(value(&fact, "stale").to_string(), "[pg-backup]");
        let age = (2 * 24 + 5) * 3600 + 42 * 60 + 51;
        assert_eq!(int(&fact, "monitors.0.age_seconds"), age);
        assert_eq!(int(&fact, "monitors.0.slack_seconds"), 90_000 + 60 - age);
        assert_eq!(text(&fact, "monitors.0.last_heartbeat_at"), "2026-05-13T04:17:08.001000000Z");
        assert_eq!(int(&fact, "monitors.0.interval_seconds"), 90_000);
        assert_eq!(int(&fact, "monitors.0.notifications"), 1, "one of two is active");
        assert_eq!(text(&fact, "monitors.1.last_up_at"), "2026-05-15T09:59:30.000000000Z");
        assert_eq!(text(&fact, "monitors.1.message"), "connect ECONNREFUSED");
    }
}

#[test]
fn no_token_of_a_monitor_is_kept() {
    let kuma = Kuma::new(true);
    let world = World::new();
    let path = std::env::var("PATH").unwrap();
    let step =
        format!("  - {{ id: kuma, uses: uptime_kuma, with: {{ path: {:?}, as_of: '{AS_OF}' }} }}\n", kuma.path());
    let columns = "SELECT id, push_token, push_token AS secret FROM monitor";
    let query =
        format!("  - {{ id: asked, uses: sqlite.query, with: {{ path: {:?}, query: '{columns}' }} }}\n", kuma.path());
    let facts = collected(&world, &path, &(step + &query));
    assert_eq!(facts["asked"]["values"]["row_count"], 5);
    assert_eq!(facts["kuma"]["values"]["monitors"][0]["has_push_token"], true);
    assert_eq!(facts["kuma"]["values"]["monitors"][1]["has_push_token"], false);
    assert!(facts["kuma"]["values"]["monitors"][0]["url"].as_str().unwrap().contains("/api/push/***"));
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let found = Command::new("grep").args(["-rl", &kuma.token[..12]]).arg(world.path("reports")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let record = fs::read_to_string(world.path("reports/c/record.md")).unwrap();
    for part in ["Monitors: kuma", "90000", "connect ECONNREFUSED", "never seen", "-103311"] {
        assert!(record.contains(part), "{part}\n{record}");
    }
    let left: Vec<_> = fs::read_dir(world.run_folder("c")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("scratch")), "no copy is left: {left:?}");
}

#[test]
fn a_backup_of_it_is_the_file_alone() {
    let kuma = Kuma::new(false);
    kuma.writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let backup = tempfile::tempdir().unwrap();
    let path = backup.path().join("kuma backup.db");
    fs::copy(kuma.path(), &path).unwrap();
    let fact = one(&format!("uses: uptime_kuma, with: {{ path: {path:?}, as_of: '{AS_OF}', only: [pg-backup] }}"));
    assert_eq!((int(&fact, "monitors_total"), int(&fact, "wal_bytes")), (1, 0));
    assert_eq!((text(&fact, "monitor.state"), value(&fact, "monitor.stale")), ("up", &Value::Bool(true)));
    assert_eq!(fs::read_dir(backup.path()).unwrap().count(), 1, "no log appeared beside it");
    let fact = one(&format!("uses: uptime_kuma, with: {{ path: {path:?}, only: [77] }}"));
    assert_eq!(value(&fact, "not_found").to_string(), "[77]");
    assert_eq!(reason(&fact, "monitor"), Reason::NotFound);
}

#[test]
fn a_paused_group_pauses_its_monitors_and_foreign_databases_are_refused() {
    let kuma = Kuma::new(true);
    kuma.writer
        .execute_batch(
            "INSERT INTO monitor (id, name, type, active, interval) VALUES (9, 'group', 'group', 0, 60);
        UPDATE monitor SET parent = 9 WHERE id IN (2, 5);",
        )
        .unwrap();
    let fact = kuma.look("");
    assert_eq!(text(&fact, "monitors.1.state"), "paused");
    assert_eq!((int(&fact, "paused_total"), int(&fact, "down_total")), (4, 0));
    kuma.writer.execute_batch("UPDATE heartbeat SET status = 9 WHERE monitor_id = 1").unwrap();
    let fact = kuma.look("");
    assert_eq!(
        (text(&fact, "monitors.0.state"), value(&fact, "unclear").to_string()),
        ("unclear", "[pg-backup]".into())
    );
    assert_eq!(reason(&fact, "stale_total"), Reason::Unparsable, "a total that leaves one out is none");
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE monitor (id INTEGER)").unwrap();
    let fact = one(&format!("uses: uptime_kuma, with: {{ path: {other:?} }}"));
    assert_eq!(reason(&fact, "monitors"), Reason::Unparsable);
    assert_eq!(value(&fact, "unchanged"), &Value::Bool(true));
}

#[test]
fn what_is_read_beside_a_busy_writer_is_a_state_that_was() {
    let kuma = Kuma::new(false);
    let busy = AtomicBool::new(true);
    let path = kuma.path();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = Connection::open(&path).unwrap();
            writer.busy_timeout(Duration::from_secs(5)).unwrap();
            let mut round = 0;
            while busy.load(Ordering::Relaxed) {
                round += 1;
                // Both or none: what is read must never show one without the other.
                let pair = format!(
                    "BEGIN; INSERT INTO heartbeat (monitor_id, status, msg, time) VALUES (3, 1, '{round}', '2026-05-15 09:00:00');
                     INSERT INTO heartbeat (monitor_id, status, msg, time) VALUES (5, 1, '{round}', '2026-05-15 09:59:59'); COMMIT;"
                );
                writer.execute_batch(&pair).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let mut read = 0;
        for _ in 0..10 {
            let fact = kuma.look(", attempts: 3");
            if let Some(why) = &fact.absence {
                assert_eq!(why.reason, Reason::Changed);
                continue;
            }
            read += 1;
            if let Some(Err(why)) = fact.at("unchanged") {
                assert_eq!(why.reason, Reason::Changed);
            }
            if text(&fact, "monitors.2.state") == "up" {
                assert_eq!(text(&fact, "monitors.2.message"), text(&fact, "monitors.4.message"));
            }
        }
        busy.store(false, Ordering::Relaxed);
        assert!(read > 0, "not one of ten looks found a state");
    });
}

#[test]
fn an_unfinished_transaction_is_not_in_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("CREATE TABLE jobs (id INTEGER, text TEXT); PRAGMA cache_size = 5;
        WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 500) INSERT INTO jobs SELECT x, hex(randomblob(500)) FROM n;").unwrap();
    // So much that it does not fit the cache: half of it is written to the database before the end.
    writer.execute_batch("BEGIN; UPDATE jobs SET id = -1, text = hex(randomblob(500));").unwrap();
    assert!(fs::metadata(folder.path().join("app.db-journal")).unwrap().len() > 512, "a hot journal");
    let step =
        format!("uses: sqlite.query, with: {{ path: {path:?}, query: SELECT count(*) AS n FROM jobs WHERE id = -1 }}");
    let fact = one(&step);
    assert_eq!((int(&fact, "value"), text(&fact, "journal_mode")), (0, "rollback"));
    assert_eq!(text(&fact, "files.1.role"), "journal");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(int(&one(&step), "value"), 500);
}

// Small things beside: the envelope of the JSON, and the other name of `on`.

#[test]
fn every_json_has_its_envelope() {
    let world = World::new();
    let envelope = |args: &[&str]| {
        let ran = world.run(args);
        let json: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{args:?}: {}", ran.stderr));
        (json["format"].clone(), json["kind"].as_str().unwrap().to_owned())
    };
    assert_eq!(envelope(&["init", "c", "--from", "incident", "--json"]), (1.into(), "case".into()));
    assert_eq!(envelope(&["explain", "disk", "--json"]), (1.into(), "explanation".into()));
    world.case("d", "collect:\n  - { id: subject, uses: file, with: { path: case.yaml } }\n");
    assert_eq!(world.run(&["collect", "d"]).code, 0);
    assert_eq!(envelope(&["render", "d", "--json"]), (1.into(), "record".into()));
    fs::create_dir(world.path("none")).unwrap();
    let demo = ["demo", "demo", "--server-binaries", "none", "--json"];
    assert_eq!(envelope(&demo), (1.into(), "demonstration".into()));
}

#[test]
fn a_target_may_be_named_by_a_key_that_every_yaml_reads_alike() {
    let world = World::new();
    let plan = |key: &str| {
        let step = format!("  - {{ id: who, uses: postgres.identity, {key}: db }}\n");
        let head = "targets: { db: { postgres: { via: local } } }\ncollect:\n  - { id: subject, uses: file, with: { path: case.yaml } }\n";
        world.case("c", &format!("{head}{step}"));
        let ran = world.run(&["plan", "c"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        // The digest is of the case's own bytes too.
        ran.stdout.lines().filter(|line| !line.starts_with("plan sha256")).collect::<String>()
    };
    assert_eq!(plan("on"), plan("target"));
    world.case("c", "targets: { db: {} }\ncollect:\n  - { id: who, uses: postgres.identity, on: db, target: db }\n");
    let ran = world.run(&["plan", "c"]);
    assert!(ran.code == 2 && ran.stderr.contains("duplicate"), "{}", ran.stderr);
}
