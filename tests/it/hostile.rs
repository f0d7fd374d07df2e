//! What an attacker or a bad night leaves in the way: each test runs the binary on it and holds one
//! of the three promises: nothing else is changed, nothing is said that was not seen, nothing leaks.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::sealing::can;
use crate::support::world::{World, look_at};

/// A world with one sealed run of the case `c`, and its record.
fn recorded() -> World {
    let world = World::new();
    world.case("c", &look_at(&world.write("x", "content")));
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert_eq!(world.run(&["render", "c"]).code, 0);
    world
}

fn move_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

/// The facts of the newest run of `case`, one JSON text.
fn facts(world: &World, case: &str) -> String {
    fs::read_to_string(world.run_folder(case).join("data/facts.jsonl")).unwrap()
}

/// A token that the rules know, made at run time.
fn token() -> String {
    format!("{}_{}", "ghp", "a1B2c3D4e5".repeat(4))
}

#[test]
fn a_record_is_never_written_into_a_run_or_over_something_else() {
    let world = recorded();
    let run = world.run_folder("c");
    let into = run.join("data/record.md");
    assert_eq!(world.run(&["render", "c", "--output", into.to_str().unwrap()]).code, 2);
    // From inside the run, its own folder looks like a case's.
    let ran = world.command(&["render", ".."]).current_dir(run.join("data")).output().unwrap();
    assert_eq!(ran.status.code(), Some(2 * i32::from(!run.join("data").is_dir())));
    assert_eq!(world.run(&["verify", "c"]).code, 0);

    let elsewhere = world.path("audit/evidence/one");
    copy_folder(&run, &elsewhere);
    world.write("audit/record.md", "somebody else's\n");
    let ran = world.run(&["render", elsewhere.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stderr.contains("--output")), (2, true), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(world.path("audit/record.md")).unwrap(), "somebody else's\n");
    assert_eq!(world.run(&["check", elsewhere.to_str().unwrap()]).code, 0);
}

#[test]
fn a_record_that_is_a_link_is_refused_and_not_written_through() {
    let world = recorded();
    let precious = world.write("precious", "precious\n");
    fs::remove_file(world.path("reports/c/record.md")).unwrap();
    symlink(&precious, world.path("reports/c/record.md")).unwrap();
    let ran = world.run(&["render", "c"]);
    assert_eq!((ran.code, ran.stderr.contains("symbolic link")), (2, true), "{}", ran.stderr);
    assert!(fs::symlink_metadata(world.path("reports/c/record.md")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(precious).unwrap(), "precious\n");
}

#[test]
fn a_runs_folder_that_is_a_link_is_refused() {
    let world = World::new();
    world.case("c", &look_at(&world.write("x", "content")));
    fs::create_dir(world.path("elsewhere")).unwrap();
    symlink(world.path("elsewhere"), world.path("reports/c/runs")).unwrap();
    let ran = world.run(&["collect", "c"]);
    assert_eq!((ran.code, ran.stderr.contains("is a link")), (2, true), "{}", ran.stderr);
    assert_eq!(fs::read_dir(world.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_run_under_another_name_or_in_another_case_is_no_run_of_it() {
    let world = recorded();
    let run = world.run_folder("c");
    copy_folder(&run, &run.with_file_name("20991231T235959Z"));
    assert_eq!(world.run(&["check", "c"]).code, 5, "an old run must not pass for the newest");
    let ran = world.run(&["verify", "c"]);
    assert_eq!((ran.code, ran.stdout.contains("this folder was renamed")), (5, true), "{}", ran.stdout);

    world.case("d", &look_at(&world.path("x")));
    move_folder(&run, &world.path("reports/d/runs").join(run.file_name().unwrap()));
    assert_eq!(world.run(&["check", "d"]).code, 5);
    assert_eq!(world.run(&["verify", "d"]).code, 5);
}

#[test]
fn a_record_whose_head_is_damaged_is_a_mismatch_by_path_too() {
    let world = recorded();
    let record = world.path("reports/c/record.md");
    let path = record.to_str().unwrap();
    let good = fs::read_to_string(&record).unwrap();
    assert_eq!(world.run(&["verify", path]).code, 0);
    let run = world.run_folder("c").file_name().unwrap().to_str().unwrap().to_owned();
    let damaged = [
        good.replacen("---", "--", 1),
        good.replace('\n', "\r\n"),
        String::new(),
        good.replace(&run, "20000101T000000Z"),
        format!("{good}\nand nothing was touched\n"),
    ];
    for text in damaged {
        fs::write(&record, text).unwrap();
        assert_eq!((world.run(&["verify", path]).code, world.run(&["verify", "c"]).code), (5, 5));
    }
    fs::write(&record, [good.as_bytes(), b"\xff"].concat()).unwrap();
    assert_eq!((world.run(&["verify", path]).code, world.run(&["verify", "c"]).code), (5, 5));
}

#[test]
fn an_own_policy_or_template_that_cannot_be_read_is_not_replaced_unnoticed() {
    let world = World::new();
    world.case("c", &look_at(&world.path("x")));
    assert_eq!(world.run(&["plan", "c"]).code, 0);
    world.write("templates/_head.md.j2", b"\xff\xfe");
    let ran = world.run(&["plan", "c"]);
    assert_eq!((ran.code, ran.stderr.contains("_head.md.j2: is not UTF-8")), (2, true), "{}", ran.stderr);
    fs::remove_file(world.path("templates/_head.md.j2")).unwrap();
    let case = fs::read_to_string(world.path("reports/c/case.yaml")).unwrap();
    world.write("reports/c/case.yaml", case.replace("policy: plain", "policy: incident"));
    symlink("/nowhere/at/all", world.path("policies/incident.yaml")).unwrap();
    let ran = world.run(&["plan", "c"]);
    assert_eq!((ran.code, ran.stderr.contains("symbolic link")), (2, true), "{}", ran.stderr);
}

#[test]
fn files_of_the_kernel_that_state_no_size_are_not_empty() {
    let world = World::new();
    let steps = "collect:
  - { id: subject, uses: file, with: { path: /proc/version } }
  - { id: log, uses: log, with: { path: /proc/version, tail: 3, patterns: { linux: Linux } } }
";
    world.case("c", steps);
    assert_eq!(world.run(&["collect", "c"]).code, 3);
    let facts = facts(&world, "c");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(!facts.contains(empty) && !facts.contains("\"lines_total\":0"), "{facts}");
    assert!(facts.matches("states a size of 0").count() > 1, "{facts}");
}

#[test]
fn what_is_no_regular_file_is_named_and_never_waited_for() {
    let world = World::new();
    let fifo = world.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(world.path("sock")).unwrap();
    symlink("/etc/passwd", world.path("link")).unwrap();
    for name in ["fifo", "sock", "link", "/dev/zero", "."] {
        let path = world.root().join(name);
        let steps: String = ["log", "backup"]
            .map(|uses| {
                let more = if uses == "log" { ", tail: 3" } else { "" };
                format!("  - {{ id: {uses}, uses: {uses}, with: {{ path: {}{more} }} }}\n", path.display())
            })
            .concat();
        world.case("c", &format!("{}{steps}", look_at(&path)));
        let ran = world.ran(world.command(&["collect", "c"]).timeout(Duration::from_secs(60)).output().unwrap());
        assert!(matches!(ran.code, 0 | 3), "{name}: {} {}", ran.code, ran.stderr);
        let facts = facts(&world, "c");
        let seen = ["lines_total\":", "\"quality\":\"", "\"sha256\":\""];
        let told = facts.lines().flat_map(|fact| {
            let fact: serde_json::Value = serde_json::from_str(fact).unwrap();
            let values = fact["values"].to_string();
            seen.into_iter().filter(move |what| values.contains(what)).collect::<Vec<_>>()
        });
        assert_eq!(told.count(), 0, "{name}: {facts}");
        let examined = world.command(&["examine", path.to_str().unwrap()]).timeout(Duration::from_secs(5)).output();
        if name != "link" {
            assert_eq!(examined.unwrap().status.code(), Some(2), "{name}");
        }
    }
}

#[test]
fn a_collection_killed_at_any_moment_is_unsealed_and_says_so() {
    let world = World::new();
    let logs: String = (0..20)
        .map(|i| format!("  - {{ id: l{i}, uses: log, with: {{ path: {}, tail: 3 }} }}\n", world.path("x").display()))
        .collect();
    world.case("c", &(look_at(&world.write("x", "line\n".repeat(1000))) + &logs));
    let binary = assert_cmd::cargo::cargo_bin("evidence");
    for wait in [1, 5, 10, 15, 20, 30, 40, 60, 90] {
        let mut child = Command::new(&binary)
            .args(["collect", "c"])
            .current_dir(world.root())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let runs: Vec<PathBuf> =
        fs::read_dir(world.path("reports/c/runs")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    for run in &runs {
        let (path, whole) = (run.to_str().unwrap(), run.join("tagmanifest-sha256.txt").is_file());
        let verified = world.run(&["verify", path]);
        assert!(verified.code == 5 || whole && verified.code == 3, "{}: {}", verified.code, verified.stderr);
        let checked = world.run(&["check", path]);
        let says = checked.stderr.contains("unsealed") || checked.stderr.contains("does not exist");
        assert!(checked.code == 2 && says || whole && checked.code == 0, "{}", checked.stderr);
    }
    assert_eq!(world.run(&["collect", "c"]).code, 0, "a killed run is in nobody's way");
}

#[test]
fn two_collections_of_one_case_do_not_mix() {
    let world = World::new();
    let slow = "targets: { db: { postgres: { via: local } } }\ncollect:\n  - { id: q, uses: postgres.query, on: db, \
                with: { query: SELECT 1 } }\n";
    world.case("c", &slow.replace("collect:\n", &look_at(&world.write("x", "content"))));
    let psql = world.write("bin/psql", "#!/bin/sh\nsleep 2\n");
    fs::set_permissions(&psql, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let mut first = Command::new(assert_cmd::cargo::cargo_bin("evidence"))
        .args(["collect", "c"])
        .current_dir(world.root())
        .env("PATH", path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let runs = world.path("reports/c/runs");
    while fs::read_dir(&runs).map_or(0, Iterator::count) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = world.run(&["collect", "c"]);
    assert_eq!((second.code, second.stderr.contains("another `collect`")), (2, true), "{}", second.stderr);
    assert_eq!(first.wait().unwrap().code(), Some(3));
    assert_eq!(fs::read_dir(runs).unwrap().count(), 1);
}

#[test]
fn a_full_disk_leaves_an_unsealed_run_and_the_record_that_was_there() {
    let world = recorded();
    let record = fs::read(world.path("reports/c/record.md")).unwrap();
    let big = world.write("big.log", format!("{}\n", "x".repeat(90)).repeat(4000));
    let log = format!("  - {{ id: l, uses: log, with: {{ path: {}, tail: 2000, max_lines: 5000 }} }}\n", big.display());
    world.case("c", &(look_at(&world.path("x")) + &log));
    let first = world.run_folder("c");
    std::thread::sleep(Duration::from_millis(1100));
    // No file may grow beyond 8 KiB: to the program, the disk is full.
    let script = format!("trap '' XFSZ; ulimit -f 8; {} collect c", assert_cmd::cargo::cargo_bin("evidence").display());
    let output = Command::new("bash").args(["-c", &script]).current_dir(world.root()).output().unwrap();
    let ran = world.ran(output);
    assert_eq!((ran.code, ran.stderr.contains("free space")), (2, true), "{}", ran.stderr);
    let run = world.run_folder("c");
    assert!(run != first && run.join("UNSEALED").is_file());
    assert_eq!(world.run(&["check", run.to_str().unwrap()]).code, 2);
    // The case's name means the newest sealed run, and that is said.
    let check = world.run(&["check", "c"]);
    assert!(check.code == 0 && check.stderr.contains("is not sealed"), "{} {}", check.code, check.stderr);
    assert_eq!(fs::read(world.path("reports/c/record.md")).unwrap(), record);
    assert_eq!(world.run(&["verify", "reports/c/record.md"]).code, 0);
}

#[test]
fn text_from_outside_stays_text_on_the_screen_and_in_the_record() {
    let world = World::new();
    let log: &[u8] =
        b"a\n```\n# Heading\n<script>alert(1)</script> | cell | {{ 7*7 }}{% raw %}\n\x1b[31mred\x1b]0;t\x07\n\
                       ````\n\xff\xfe \x00 \xc2\x9b31m\n---\nstatus: closed\n---\n";
    let log = world.write("in/h.log", log);
    for name in ["n`b", "n|d", "n{{x}}", "n<b>", "n\u{1b}[31m", "n\nx", "n[l](http:x)", "n\u{202e}r"] {
        world.write(&format!("in/{name}"), "x");
    }
    let more = format!(
        "  - {{ id: l, uses: log, with: {{ path: {}, tail: 50 }} }}\n  - {{ id: i, uses: files, with: {{ path: {} }} }}\n",
        log.display(),
        world.path("in").display()
    );
    world.case("c", &(look_at(&log) + &more));
    let screen = [world.run(&["collect", "c"]), world.run(&["render", "c"]), world.run(&["check", "c"])];
    assert_eq!(screen.iter().map(|ran| ran.code).collect::<Vec<_>>(), [0, 0, 0]);
    let record = fs::read_to_string(world.path("reports/c/record.md")).unwrap();
    let odd = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert!(!odd(&record) && screen.iter().all(|ran| !odd(&ran.stdout)));
    let html = pulldown_cmark::Parser::new(&record)
        .any(|event| matches!(event, pulldown_cmark::Event::Html(_) | pulldown_cmark::Event::InlineHtml(_)));
    assert!(!html && record.contains("{{ 7*7 }}") && !record.contains("\n# Heading\n# "));
    assert_eq!(world.run(&["verify", "c"]).code, 0);
}

#[test]
fn secrets_in_arguments_names_and_the_case_reach_neither_screen_nor_run() {
    let world = World::new();
    let token = token();
    world.write(&format!("in/backup_{token}.sql"), "CREATE TABLE a (b int);\n");
    let named = world.path(&format!("in/backup_{token}.sql"));
    let more = format!("  - {{ id: i, uses: files, with: {{ path: {} }} }}\n", world.path("in").display());
    world.case("c", &(look_at(&named) + &more));
    let case = fs::read_to_string(world.path("reports/c/case.yaml")).unwrap().replace("A test", &token);
    world.write("reports/c/case.yaml", case);
    let path = named.to_str().unwrap();
    let tries: &[&[&str]] = &[
        &["plan", "c"],
        &["plan", "c", "--json"],
        &["collect", "c"],
        &["check", "c", "--json"],
        &["render", "c"],
        &["verify", "c"],
        &["examine", path],
        &["examine", path, "--json"],
        &[&token],
        &["collect", &token],
        &["collect", "c", "--nothing", &token],
        &["init", "x", "--from", &token],
        &["explain", &token],
        &["collect", "c", "--plan-sha256", &token],
        &["--root", &token, "plan", "c"],
    ];
    for arguments in tries {
        let ran = world.run(arguments);
        assert!(!(ran.stdout + &ran.stderr).contains(&token), "{}", arguments[0]);
    }
    let files = walkdir::WalkDir::new(world.run_folder("c")).into_iter().map(Result::unwrap);
    for file in files.filter(|entry| entry.file_type().is_file()) {
        let text = fs::read(file.path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(&token), "{}", file.path().display());
    }
    assert!(!fs::read_to_string(world.path("reports/c/record.md")).unwrap().contains(&token));
}

#[test]
fn what_another_user_may_not_read_is_denied_and_not_absent() {
    if !can(rustix::process::geteuid().is_root(), "only root can become another user") {
        return;
    }
    let world = World::new();
    let secret = world.write("closed/x", "content");
    fs::set_permissions(world.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).unwrap();
    world.case("c", &look_at(&secret));
    let policy =
        "policy: plain\nchecks:\n  - id: C\n    title: gone\n    require: { fact: subject.exists, equals: false }\n";
    world.write("policies/plain.yaml", policy);
    let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(world.path("reports")).status().unwrap();
    assert!(owned.success());
    // The built binary may lie where that user cannot reach it.
    let binary = world.path("evidence");
    fs::copy(assert_cmd::cargo::cargo_bin("evidence"), &binary).unwrap();
    let run = |verb: &str| {
        let mut as_nobody = Command::new("setpriv");
        as_nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&binary).args([verb, "c"]);
        world.ran(as_nobody.current_dir(world.root()).output().unwrap())
    };
    assert_eq!(run("collect").code, 3);
    let checked = run("check");
    assert_eq!((checked.code, checked.stdout.contains("permission denied")), (3, true), "{}", checked.stdout);
}

#[test]
fn a_value_of_the_wrong_type_is_not_repeated() {
    let world = World::new();
    let private = format!("sword\\\"fish{}", 4711);
    for key in ["scope", "seats", "targets"] {
        world.case("c", &format!("{key}: \"{private}\"\n{}", look_at(&world.path("x"))));
        let ran = world.run(&["plan", "c"]);
        assert_eq!((ran.code, ran.stderr.contains("fish")), (2, false), "{}", ran.stderr);
    }
}

/// A bare secret, which no rule can know, is masked where another line of the case says what it is.
#[test]
fn a_plan_masks_what_a_run_masks() {
    let (world, secret) = (World::new(), ["q7Wz4kP9", "xB2mV6tR", "8nC3"].concat());
    let step = |id: &str, text: &str| format!("  - {{ id: {id}, uses: process, with: {{ contains: '{text}' }} }}\n");
    let looks = look_at(Path::new("/")) + &step("bare", &secret) + &step("said", &format!("--password={secret}"));
    world.case("c", &looks);
    for arguments in [&["plan", "c"][..], &["plan", "c", "--json"], &["collect", "c"]] {
        let ran = world.run(arguments);
        assert!(ran.code == 0 && !(ran.stdout + &ran.stderr).contains(&secret), "{}", arguments.join(" "));
    }
    let facts = fs::read_to_string(world.run_folder("c").join("data/facts.jsonl")).unwrap();
    assert!(!facts.contains(&secret) && facts.contains("***"));
}
