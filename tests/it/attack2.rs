//! Attacks on the three promises that once succeeded: a key taken apart into entries, lists that nobody
//! saw to their end, a case that nobody signed, names of files that are secrets.

use std::fs;

use crate::support::world::World;

/// Lines as a private key has them, made here so that no scanner takes this file for one.
fn key_lines(count: usize) -> Vec<String> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let mut line = |lead: &str| {
        let rest = (lead.len()..64).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) as usize % letters.len()]
        });
        lead.to_owned() + &rest.collect::<String>()
    };
    (0..count).map(|n| line(if n == 0 { "MIIJ" } else { "" })).collect()
}

fn key_block(lines: &[String]) -> String {
    let mark = |word: &str| format!("-----{word} RSA PRIVATE {}-----\n", "KEY");
    format!("{}{}\n{}", mark("BEGIN"), lines.join("\n"), mark("END"))
}

/// Every byte of every file below the case.
fn everything(world: &World, case: &str) -> String {
    let files = walkdir::WalkDir::new(world.path(&format!("reports/{case}"))).into_iter().flatten();
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|e| String::from_utf8_lossy(&fs::read(e.path()).unwrap()).into_owned())
        .collect()
}

#[test]
fn a_key_that_is_taken_apart_into_lines_leaks_none_of_them() {
    let (world, lines) = (World::new(), key_lines(40));
    let block = world.write("block", key_block(&lines));
    let log = world.write("watched/job.log", "started\n");
    let rest = format!(
        "collect:\n  - {{ id: subject, uses: file, with: {{ path: /etc/hostname }} }}\naction:\n  title: print\n  shell: true\n  command: 'cat {0}; cat {0} >> {1}'\n  watch: {{ folders: [{2}], logs: [{1}] }}\n",
        block.display(),
        log.display(),
        world.path("watched").display()
    );
    world.case("keys", &rest);
    let ran = world.run(&["run", "keys"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(world.run(&["render", "keys"]).code, 0);
    let text = everything(&world, "keys") + &ran.stdout;
    assert!(text.contains("stdout_tail") && text.contains("***private-key***"), "{text}");
    for line in &lines {
        assert!(!text.contains(&line[..40]), "{line}");
    }
}

#[test]
fn a_key_in_rows_of_a_query_leaks_none_of_them() {
    let (world, lines) = (World::new(), key_lines(30));
    let path = world.path("a.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE parts (n INTEGER, part TEXT)").unwrap();
    for (n, part) in key_block(&lines).lines().enumerate() {
        database.execute("INSERT INTO parts VALUES (?1, ?2)", rusqlite::params![n as i64, part]).unwrap();
    }
    drop(database);
    let rest = format!(
        "collect:\n  - {{ id: subject, uses: file, with: {{ path: /etc/hostname }} }}\n  - {{ id: rows, uses: sqlite.query, with: {{ path: {}, query: 'SELECT n, part FROM parts ORDER BY n' }} }}\n",
        path.display()
    );
    world.case("rows", &rest);
    assert_eq!(world.run(&["collect", "rows"]).code, 0);
    let text = everything(&world, "rows");
    assert!(text.contains("\"row_count\":32"), "{text}");
    assert!(lines.iter().all(|line| !text.contains(&line[..40])));
}

#[test]
fn lists_from_sources_that_nobody_could_read_pass_nothing() {
    let world = World::new();
    world.case("gone", "collect:\n  - id: events\n    uses: timeline\n    with: { sources: [ { log: gone-*.log } ] }\n  - { id: found, uses: contradictions, with: { timeline: events } }\n");
    let conditions = [
        "{ fact: events.events, count: { equals: 0 } }",
        "{ fact: events.events, equals: [] }",
        "{ fact: events.events_total, equals: 0 }",
        "{ fact: events.counts, count: { at_most: 0 } }",
        "{ not: { fact: events.events, contains: x } }",
        "{ fact: found.findings, count: { equals: 0 } }",
        "{ fact: found.findings_total, equals: 0 }",
        "{ fact: found.count, equals: 0 }",
    ];
    let check = |(n, condition): (usize, &&str)| format!("  - {{ id: C-{n}, title: none, require: {condition} }}\n");
    let checks: String = conditions.iter().enumerate().map(check).collect();
    world.write("policies/plain.yaml", format!("policy: plain\ntitle: Nothing happened\nchecks:\n{checks}"));
    let ran = world.run(&["collect", "gone"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    let ran = world.run(&["check", "gone"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("PASS"), "{}", ran.stdout);
    assert_eq!(world.run(&["render", "gone"]).code, 0);
}

#[test]
fn a_case_that_nobody_signed_or_that_names_another_policy_is_not_closed() {
    let world = World::new();
    let criteria = "criteria:\n  - { id: K-1, title: there, require: { fact: subject.exists, equals: true } }\n";
    world.write("policies/two.yaml", format!("policy: two\ntitle: T\nsignatures: {{ seats: [executor] }}\n{criteria}"));
    world.write("policies/one.yaml", format!("policy: one\ntitle: T\n{criteria}"));
    let case = |name: &str, policy: &str| {
        world.write(
            &format!("reports/{name}/case.yaml"),
            format!("case: {name}\ntitle: T\ntemplate: closure\npolicy: {policy}\nseats: {{ executor: ada@example.org }}\ncollect:\n  - {{ id: subject, uses: file, with: {{ path: /etc/hostname }} }}\n"),
        );
    };
    let state = |name: &str| {
        let ran = world.run(&["status", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        json["cases"].as_array().unwrap().iter().find(|case| case["case"] == name).unwrap()["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (name, policy) in [("unsigned", "two"), ("swapped", "one")] {
        case(name, policy);
        assert_eq!(world.run(&["collect", name]).code, 0);
    }
    assert_eq!((state("unsigned").as_str(), state("swapped").as_str()), ("open", "closed"));
    assert_eq!(world.run(&["check", "unsigned", "--require-closed"]).code, 3);
    case("swapped", "two");
    assert_eq!(state("swapped"), "stale");
}

#[test]
fn a_scan_prints_no_secret_of_a_name_and_no_terminal_escape() {
    let world = World::new();
    let token = format!("ghp_{}", "NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnA");
    world.write(&format!("scan/{token}.txt"), format!("x {token}\n"));
    world.write("scan/a\u{1b}[31m.txt", format!("x {token}\n"));
    for format in ["text", "json", "jsonl", "sarif", "junit", "github", "csv"] {
        let ran = world.run(&["scan", "--format", format, "--show", "80", "scan"]);
        assert_eq!(ran.code, 1, "{format}: {}", ran.stderr);
        assert!(!ran.stdout.contains(&token), "{format}: {}", ran.stdout);
        assert!(!ran.stdout.contains('\u{1b}'), "{format}: {:?}", ran.stdout);
    }
}
