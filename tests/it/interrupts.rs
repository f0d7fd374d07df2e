//! Signals while something is under way: what was kept is said, the case stays usable, nothing raw
//! is left, and `prune` clears what was interrupted. Also: no raw byte in a file, in arguments or in
//! the environment of anything that runs meanwhile.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::support::world::World;

const POLICY: &str = "policy: p\ntitle: p\nchecks:\n  - { id: V-1, title: x, require: { fact: a.exists, equals: true } }\n\
    commands:\n  - { id: C, argv: [sleep, \"30\"], reason: waiting }\n";

/// A case with a step that takes long, and before it one that does not.
fn slow(world: &World) {
    world.write("data/a.txt", "hello\n");
    world.write("policies/p.yaml", POLICY);
    let case = "case: c\ntitle: t\ntemplate: incident\npolicy: p\ncollect:\n  - { id: a, uses: file, with: { path: ../../data/a.txt } }\n";
    world.write("reports/c/case.yaml", case);
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    let slow = "  - { id: s, uses: command, with: { argv: [sleep, \"30\"] } }\n  - { id: b, uses: host }\n";
    world.write("reports/c/case.yaml", format!("{case}{slow}"));
}

fn start(world: &World, args: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("evidence"));
    command.current_dir(world.root()).args(args).env_remove("EVIDENCE_ROOT").env("TMPDIR", world.path("tmp"));
    fs::create_dir_all(world.path("tmp")).unwrap();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// Waits until `done` holds; a test that waits for ever is ended by its runner.
fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::sleep(Duration::from_millis(5));
    }
}

fn runs(world: &World) -> Vec<PathBuf> {
    let mut runs: Vec<_> =
        fs::read_dir(world.path("reports/c/runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    runs
}

/// Interrupts a collection after its first fact, and gives what it said.
fn interrupted(world: &World, by: Signal) -> (Option<i32>, String) {
    let before = runs(world).len();
    let child = start(world, &["collect", "c"]);
    until(|| {
        let newest = runs(world).into_iter().skip(before).next_back();
        newest.is_some_and(|run| fs::read_to_string(run.join("data/facts.jsonl")).is_ok_and(|text| text.contains('\n')))
    });
    signal(&child, by);
    let output = child.wait_with_output().unwrap();
    (output.status.signal(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_interrupted_collection_says_what_it_kept_and_the_case_stays_usable() {
    let world = World::new();
    slow(&world);
    for (by, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let (ended, said) = interrupted(&world, by);
        assert_eq!(ended, Some(by.as_raw()), "{said}");
        for word in [name, "is not sealed", "1 of 3 facts", "evidence collect c", "evidence prune c"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!runs(&world).last().unwrap().join(".scratch").exists());
        let check = world.run(&["check", "c"]);
        assert_eq!(check.code, 0, "{}", check.stderr);
        assert!(check.stderr.contains("not sealed") && check.stderr.contains("evidence prune c"), "{}", check.stderr);
        assert_eq!(world.run(&["render", "c"]).code, 0);
    }
    let listed = world.run(&["prune", "c"]);
    assert_eq!((listed.code, listed.stdout.matches("would be removed").count()), (0, 3), "{}", listed.stdout);
    assert_eq!(runs(&world).len(), 4);
    let json: serde_json::Value = serde_json::from_str(&world.run(&["prune", "--json"]).stdout).unwrap();
    assert_eq!((json["runs"].as_array().unwrap().len(), &json["runs"][0]["removed"]), (3, &false.into()));
    let removed = world.run(&["prune", "--force"]);
    assert!(removed.stdout.contains("3 interrupted runs removed"), "{}", removed.stdout);
    assert_eq!(runs(&world).len(), 1);
    let check = world.run(&["check", "c"]);
    // The case was changed for each interrupted run, and is not what the sealed run was made from.
    assert_eq!((check.code, check.stderr.lines().count()), (0, 1), "{}", check.stderr);
    assert!(check.stderr.contains("the case changed since this run"), "{}", check.stderr);
    assert!(world.run(&["prune", "c"]).stdout.contains("no interrupted run"));
}

#[test]
fn prune_keeps_what_is_sealed_under_way_or_evidence() {
    let world = World::new();
    slow(&world);
    let (_, _) = interrupted(&world, Signal::KILL);
    let run = runs(&world).pop().unwrap();
    fs::create_dir_all(run.join(".scratch/sqlite-0")).unwrap();
    fs::write(run.join(".scratch/sqlite-0/copy.db"), "raw rows of an older version").unwrap();
    let marker = fs::read_to_string(run.join("UNSEALED")).unwrap();
    fs::write(run.join("UNSEALED"), format!("{marker}The governed action was started at noon: x\n")).unwrap();
    let kept = world.run(&["prune", "c", "--force"]);
    assert!(kept.stdout.contains("stays: the controlled change was started"), "{}", kept.stdout);
    assert!(run.is_dir() && !run.join(".scratch").exists());
    // What is older knows nothing of what was started.
    assert_ne!(world.run(&["check", "c"]).code, 0);
    // A marker that somebody puts into a sealed run makes it no run to remove.
    let sealed = runs(&world).remove(0);
    fs::write(sealed.join("UNSEALED"), "x\n").unwrap();
    let kept = world.run(&["prune", "c", "--force"]);
    assert!(sealed.is_dir() && kept.stdout.contains("manifests of a sealed run"), "{}", kept.stdout);
    fs::remove_file(sealed.join("UNSEALED")).unwrap();

    let before = runs(&world).len();
    let mut child = start(&world, &["collect", "c"]);
    until(|| runs(&world).len() > before);
    let busy = world.run(&["prune", "c", "--force"]);
    assert_eq!(busy.code, 2, "{}", busy.stdout);
    assert_eq!(runs(&world).len(), before + 1);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
}

#[test]
fn an_interrupted_output_leaves_no_file() {
    let world = World::new();
    let mut child = start(&world, &["mask", "-", "--output", "out.txt"]);
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"some text\n").unwrap();
    let temporary =
        || fs::read_dir(world.root()).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().ends_with(".tmp"));
    until(temporary);
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted by SIGINT") && said.contains("no file was replaced"), "{said}");
    assert!(!temporary() && !world.path("out.txt").exists());
}

/// A token that the rules know, made at run time.
fn canary() -> String {
    format!("{}_{}", "ghp", "k9W2m4Q8x1Z7".repeat(3))
}

/// The processes that `root` started, and itself.
fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let numbers: Vec<u32> =
        fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect();
    let parent = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let pairs: Vec<(u32, u32)> = numbers.into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut at = 0;
    while at < all.len() {
        let one = all[at];
        all.extend(pairs.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid));
        at += 1;
    }
    all
}

fn holds(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}

/// Every file below `folder` that has the canary in it, or a name with it.
fn leaks(folder: &Path, canary: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            leaks(&path, canary, found);
        } else if holds(&fs::read(&path).unwrap_or_default(), canary) {
            found.push(path.display().to_string());
        }
    }
}

/// Looks at everything outside of the process's memory until it has ended.
fn watch(world: &World, mut child: Child, canary: &str) -> Vec<String> {
    // What it prints is read, or it would wait for us.
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
    let mut found = Vec::new();
    let mut looks = 0;
    loop {
        let ended = child.try_wait().unwrap().is_some();
        for pid in family(child.id()) {
            for what in ["cmdline", "environ"] {
                if holds(&fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default(), canary) {
                    found.push(format!("{what} of {pid}"));
                }
            }
            if let Ok(limits) = fs::read_to_string(format!("/proc/{pid}/limits"))
                && looks > 20
            {
                let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
                assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
            }
        }
        for folder in ["reports", "tmp", "out"] {
            leaks(&world.path(folder), canary, &mut found);
        }
        looks += 1;
        if ended {
            return found;
        }
        thread::sleep(Duration::from_millis(3));
    }
}

#[test]
fn nothing_raw_is_in_a_file_an_argument_or_an_environment_at_any_moment() {
    let world = World::new();
    let canary = canary();
    let path = world.write("data/a.txt", format!("password={canary}\n").repeat(2000));
    world.write("policies/p.yaml", POLICY);
    let database = world.path("data/a.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let sql = "PRAGMA journal_mode = WAL; CREATE TABLE t (v TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 \
               FROM n LIMIT 20000) INSERT INTO t SELECT 'CANARY' || i FROM n";
    connection.execute_batch(&sql.replace("CANARY", &canary)).unwrap();
    let query = "SELECT count(*) AS n FROM t x, t y WHERE x.v < y.v";
    world.write("reports/c/case.yaml", format!(
        "case: c\ntitle: t\ntemplate: incident\npolicy: p\ncollect:\n  - {{ id: a, uses: file, with: {{ path: {0} }} }}\n  \
         - {{ id: l, uses: log, with: {{ path: {0}, tail: 50 }} }}\n  \
         - {{ id: d, uses: sqlite.query, with: {{ path: {1}, query: \"{query}\", timeout: 1s }} }}\n  \
         - {{ id: r, uses: sqlite.query, with: {{ path: {1}, query: \"SELECT v FROM t LIMIT 3\" }} }}\n",
        path.display(), database.display(),
    ));
    fs::create_dir_all(world.path("out")).unwrap();
    assert_eq!(watch(&world, start(&world, &["collect", "c"]), &canary), [""; 0]);
    assert!(fs::read_to_string(runs(&world)[0].join("data/facts.jsonl")).unwrap().contains("github-token"));
    for args in [&["mask", "data/a.txt", "--output", "out/masked", "--map", "out/map"][..], &["scan", "data"]] {
        assert_eq!(watch(&world, start(&world, args), &canary), [""; 0], "{args:?}");
    }
}

#[test]
fn a_killed_look_into_a_database_leaves_nothing_of_it() {
    let world = World::new();
    let canary = canary();
    world.write("policies/p.yaml", POLICY);
    world.write("data/a.txt", "x\n");
    let database = world.path("data/a.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let sql = "CREATE TABLE t (v TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) \
               INSERT INTO t SELECT 'CANARY' || i FROM n";
    connection.execute_batch(&sql.replace("CANARY", &canary)).unwrap();
    drop(connection);
    world.write("reports/c/case.yaml", format!(
        "case: c\ntitle: t\ntemplate: incident\npolicy: p\ncollect:\n  - {{ id: a, uses: file, with: {{ path: ../../data/a.txt }} }}\n  \
         - {{ id: d, uses: sqlite.query, with: {{ path: {}, query: \"SELECT count(*) AS n FROM t x, t y WHERE x.v < y.v\", timeout: 60s }} }}\n",
        database.display(),
    ));
    for by in [Signal::KILL, Signal::TERM] {
        fs::create_dir_all(world.path("reports/c/runs")).unwrap();
        let before = runs(&world).len();
        let child = start(&world, &["collect", "c"]);
        until(|| {
            let Some(run) = runs(&world).into_iter().skip(before).next_back() else { return false };
            // The copy is there when the process holds a file without a name that is as large.
            let held = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
            let large = held.filter(|fd| fs::metadata(fd.path()).is_ok_and(|m| m.nlink() == 0 && m.len() > 1 << 20));
            run.join("UNSEALED").exists() && large.count() > 0
        });
        signal(&child, by);
        child.wait_with_output().unwrap();
        let mut found = Vec::new();
        leaks(&world.path("reports"), &canary, &mut found);
        leaks(&world.path("tmp"), &canary, &mut found);
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn a_case_that_may_not_be_read_is_not_told_as_absent() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new();
    slow(&world);
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(world.path("reports/c"), fs::Permissions::from_mode(0o700)).unwrap();
    let binary = world.path("evidence");
    fs::copy(assert_cmd::cargo::cargo_bin("evidence"), &binary).unwrap();
    let run = |args: &[&str]| {
        let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let mut command = Command::new("setpriv");
        let output = command.args(ids).arg(&binary).args(args).current_dir(world.root()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for args in [&["plan", "c"][..], &["check", "c"], &["prune", "c"]] {
        let (code, said) = run(args);
        assert!(code == Some(2) && said.contains("permission denied") && !said.contains("no case"), "{args:?} {said}");
    }
    fs::set_permissions(world.path("reports"), fs::Permissions::from_mode(0o700)).unwrap();
    for args in [&["plan", "c"][..], &["status"]] {
        let (code, said) = run(args);
        assert!(code == Some(2) && said.contains("permission denied"), "{args:?} {said}");
    }
}

#[test]
fn a_private_key_that_others_may_read_is_named_with_its_mode() {
    let world = World::new();
    world.write("data/a.txt", "hello\n");
    world.write("policies/p.yaml", POLICY);
    world.write(
        "reports/c/case.yaml",
        "case: c\ntitle: t\ntemplate: incident\npolicy: p\nseats: { executor: ann@example.org }\ncollect:\n  \
         - { id: a, uses: file, with: { path: ../../data/a.txt } }\n",
    );
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let key = world.path("k");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = world.run(&["sign", "c", "--seat", "executor", "--key", "k"]);
    assert_eq!(refused.code, 2);
    for word in ["0644", "chmod 600 k"] {
        assert!(refused.stderr.contains(word) && !refused.stderr.contains("@@@"), "{}", refused.stderr);
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(world.run(&["sign", "c", "--seat", "executor", "--key", "k"]).code, 0);
}

#[test]
fn a_folder_above_that_is_a_link_is_named_in_the_fact() {
    let world = World::new();
    world.write("private/x.log", "a line\n");
    world.write("policies/p.yaml", POLICY);
    std::os::unix::fs::symlink("private", world.path("logs")).unwrap();
    world.write(
        "reports/c/case.yaml",
        "case: c\ntitle: t\ntemplate: incident\npolicy: p\ncollect:\n  - { id: a, uses: file, with: { path: ../../logs/x.log } }\n  \
         - { id: l, uses: log, with: { path: ../../logs/x.log, tail: 5 } }\n  - { id: f, uses: files, with: { path: ../../logs/. } }\n",
    );
    world.run(&["collect", "c"]);
    let facts = fs::read_to_string(runs(&world)[0].join("data/facts.jsonl")).unwrap();
    for line in facts.lines() {
        assert!(line.contains("reached through a symbolic link") && line.contains("/private"), "{line}");
    }
    assert_eq!(facts.lines().count(), 3);
}
