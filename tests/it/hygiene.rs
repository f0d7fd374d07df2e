//! A canary for every rule through every verb: none may appear in a bundle, on a screen, in an error,
//! in a temporary file or among arguments. Then what hostile input costs, what outside validators say
//! of our formats, and the hooks that people paste, run as they stand in the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::sealing::can;
use crate::support::cluster::Cluster;
use crate::support::world::World;

fn random(kind: &str, length: usize, seed: &mut u64) -> String {
    let alphabet: &[u8] = match kind {
        "hex" => b"0123456789abcdef",
        "digits" => b"1234567890",
        "upper" | "bech" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "lower" => b"abcdefghijklmnopqrstuvwxyz0123456789",
        "words" => b"abcdefghijkmnpqrstuvwxyz",
        "nostr" => b"023456789acdefghjklmnpqrstuvwxyz",
        "wif" => b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
        "up" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        _ => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    };
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize
    };
    let head = if kind == "macaroon" { "MDAxNWxvY2F0aW9uIHguYW1wbGUK" } else { "" };
    head.chars().chain((head.len()..length).map(|_| char::from(alphabet[next() % alphabet.len()]))).collect()
}

/// An example of a rule with its `{{kind:length}}` filled in, and what was filled in.
fn filled(example: &str, seed: &mut u64) -> (String, Vec<String>) {
    let (mut out, mut secrets, mut rest) = (String::new(), Vec::new(), example);
    while let Some((before, tail)) = rest.split_once("{{") {
        let (spec, after) = tail.split_once("}}").unwrap();
        out.push_str(before);
        match spec.split_once(':') {
            Some((kind, length)) => {
                let piece = random(kind, length.parse().unwrap(), seed);
                out.push_str(&piece);
                secrets.push(piece);
            }
            None => out.push_str(match spec {
                "lf" => "\n",
                "escaped-lf" => "\\n",
                "open" => "{{",
                _ => "",
            }),
        }
        rest = after;
    }
    (out + rest, secrets)
}

/// One canary for every example of every rule, and what may appear nowhere.
fn canaries(world: &World) -> (Vec<String>, Vec<String>) {
    let listed = world.run(&["rules", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let rules = listed
        .as_array()
        .cloned()
        .unwrap_or_else(|| listed.as_object().unwrap().values().find_map(Value::as_array).unwrap().clone());
    assert!(rules.len() > 300);
    let (mut text, mut all, mut seed) = (Vec::new(), Vec::new(), 20_261_121);
    for rule in &rules {
        for example in rule["examples"].as_array().unwrap() {
            let (line, secrets) = filled(example.as_str().unwrap(), &mut seed);
            text.push(line);
            // Ten characters and no fewer: a shorter piece stands in a digest by chance.
            all.extend(secrets.into_iter().filter(|s| s.len() >= 12).map(|s| s[1..11].to_owned()));
        }
    }
    assert!(all.len() > 300);
    (text, all)
}

fn leaks<'a>(text: &[u8], canaries: &'a [String]) -> Vec<&'a String> {
    let text = String::from_utf8_lossy(text);
    canaries.iter().filter(|canary| text.contains(canary.as_str())).collect()
}

/// The lines of the input that hold what leaked, for the message of a failed test.
fn lines_of<'a>(input: &'a str, leaked: &[&String]) -> Vec<&'a str> {
    input.lines().filter(|line| leaked.iter().any(|canary| line.contains(canary.as_str()))).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().flat_map(|e| if e.path().is_dir() { files_below(&e.path()) } else { vec![e.path()] }).collect()
}

/// The arguments of every process of this machine, each once, until told to stop.
fn watch_arguments(stop: &AtomicBool) -> Vec<u8> {
    let mut seen = std::collections::BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()) {
                seen.insert(fs::read(entry.path().join("cmdline")).unwrap_or_default());
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    seen.into_iter().collect::<Vec<_>>().join(&b'\n')
}

fn masked_output(ran: &Output, verb: &str, canaries: &[String]) {
    for (stream, bytes) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        assert_eq!(leaks(bytes, canaries), Vec::<&String>::new(), "{verb}: {stream}");
    }
}

/// The case whose sources are full of canaries: a file, a log's and a script's lines, a query's rows.
fn full_case(world: &World, cluster: &Cluster, examples: &[String]) {
    let text = format!("---\n{}\n", examples.join("\n---\n"));
    let file = world.write("in/app.log", &text);
    let script = world.write("in/job.sh", format!("#!/bin/sh\n{text}"));
    let rows: Vec<String> = examples.iter().map(|line| format!("($canary${line}$canary$)")).collect();
    cluster.psql("postgres", &format!("CREATE TABLE canary (line text); INSERT INTO canary VALUES {}", rows.join(",")));
    world.case(
        "c",
        &format!(
            "targets:\n  db: {{ postgres: {{ host: {2}, database: postgres, user: postgres }} }}\ncollect:\n  \
             - id: subject\n    uses: file\n    with: {{ path: {0} }}\n  \
             - id: log\n    uses: log\n    with: {{ path: {0}, patterns: {{ all: '.' }} }}\n  \
             - id: job\n    uses: script\n    with: {{ path: {1}, patterns: {{ all: '.' }} }}\n  \
             - id: rows\n    uses: postgres.query\n    on: db\n    with: {{ query: SELECT line FROM canary }}\n",
            file.display(),
            script.display(),
            cluster.socket_dir().display()
        ),
    );
}

#[test]
fn no_canary_of_any_rule_appears_anywhere() {
    let world = World::new();
    let cluster = Cluster::start().unwrap();
    let (examples, canaries) = canaries(&world);
    full_case(&world, &cluster, &examples);
    let scratch = world.path("tmp");
    fs::create_dir(&scratch).unwrap();
    // Every canary goes through `collect` and `mask`, and through one of the formats of `scan`: each
    // process compiles the rules that its input announces, and these are all rules.
    let formats = ["text", "json", "jsonl", "sarif", "junit", "github", "csv"];
    for (number, format) in formats.iter().enumerate() {
        let share: Vec<&str> = examples.iter().skip(number).step_by(formats.len()).map(String::as_str).collect();
        world.write(&format!("part/{format}"), share.join("\n---\n"));
    }
    let text = fs::read_to_string(world.path("in/app.log")).unwrap();
    let run = |verb: &[&str]| {
        let ran = world.command(verb).env("TMPDIR", &scratch).output().unwrap();
        assert!(ran.status.code().is_some_and(|code| code <= 4), "{verb:?}: {ran:?}");
        masked_output(&ran, &verb.join(" "), &canaries);
    };
    let stop = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch_arguments(&stop));
        let scans = scope.spawn(|| {
            for format in formats {
                run(&["scan", &format!("part/{format}"), "--format", format, "--show", "1000"]);
            }
            run(&["scan", "part/csv", "--format", "jsonl", "--min-confidence", "low"]);
            run(&["scan", "part/csv", "--write-baseline", "known.json"]);
            run(&["mask", "in/app.log", "--output", "masked.log", "--map", "map.json"]);
        });
        for verb in ["collect", "render", "check", "verify"] {
            run(&[verb, "c"]);
        }
        let half = examples.iter().step_by(2).map(String::as_str).collect::<Vec<_>>().join("\n---\n");
        let ran = world.command(&["mask", "-"]).write_stdin(half.as_bytes().to_vec()).output().unwrap();
        masked_output(&ran, "mask -", &canaries);
        assert_eq!(ran.stdout.iter().filter(|b| **b == b'\n').count(), half.matches('\n').count());
        run(&["mask", "part/text"]);
        scans.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert_eq!(leaks(&seen, &canaries), Vec::<&String>::new(), "arguments");
    assert!(world.path("reports/c/record.md").is_file() && world.path("masked.log").is_file());
    let facts = fs::read_to_string(world.run_folder("c").join("data/facts.jsonl")).unwrap();
    for id in ["log", "job", "rows"] {
        let fact = facts.lines().find(|line| line.contains(&format!("\"{id}\""))).unwrap();
        assert!(fact.contains("***"), "nothing masked in {id}: {fact:.400}");
    }
    let inputs = [world.path("in"), world.path("part")];
    for file in files_below(world.root()).iter().filter(|file| !inputs.iter().any(|input| file.starts_with(input))) {
        let leaked = leaks(&fs::read(file).unwrap(), &canaries);
        assert!(leaked.is_empty(), "{}: {:#?}", file.display(), lines_of(&text, &leaked));
    }
    let again = world.run(&["scan", "masked.log", "--min-confidence", "low", "--format", "jsonl"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
}

fn token(seed: u64) -> String {
    format!("gh{}_{}", "p", random("alnum", 36, &mut (seed + 7)))
}

#[test]
fn one_line_of_64_mebibytes_is_read_to_its_end() {
    let world = World::new();
    let mut line = "one word and another, nothing of note; ".repeat((64 << 20) / 39).into_bytes();
    line.extend(token(1).bytes());
    world.write("long.txt", &line);
    let seen = world.run(&["scan", "long.txt", "--format", "jsonl"]);
    assert_eq!((seen.code, seen.stdout.lines().count()), (1, 1), "{}", seen.stderr);
    let found: Value = serde_json::from_str(seen.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(found["offset"].as_u64().unwrap(), line.len() as u64 - 40);
}

#[test]
fn expressions_of_users_are_linear_or_refused() {
    let world = World::new();
    world.write("a.txt", "a".repeat(200_000) + "!");
    let rule = |pattern: &str| {
        format!(
            "family: x\nrules:\n  - id: own\n    description: own\n    literals: [\"aaa\"]\n    pattern: '{pattern}'\n    examples: []\n    reference: x\n"
        )
    };
    world.write("slow.yaml", rule("(?P<secret>(a+)+$)"));
    assert_eq!(world.run(&["scan", "a.txt", "--rules", "slow.yaml", "--only", "own"]).code, 0);
    world.write("bomb.yaml", rule("(?P<secret>((a{1,900}){1,900}){1,900})"));
    let refused = world.run(&["scan", "a.txt", "--rules", "bomb.yaml"]);
    assert_eq!((refused.code, refused.stderr.contains("own")), (2, true), "{}", refused.stderr);
}

#[test]
fn bombs_loops_and_depths_end_and_are_named() {
    let world = World::new();
    // Six gzip layers around a token: deeper than archives are opened.
    let sh = format!(
        "printf '{}' > t && for i in 1 2 3 4 5 6; do gzip -c t > t.gz && mv t.gz t; done && mv t deep.gz; \
         ln -s . loop; ln -s gone dangling; mkfifo pipe; \
         head -c 60000000 /dev/zero | gzip -9 > zeros.gz; cp zeros.gz inner && gzip -9 -c inner > bomb.gz && rm inner",
        token(2)
    );
    let made = Command::new("sh").args(["-c", &sh]).current_dir(world.root()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let seen = world.run(&["scan", ".", "--format", "json"]);
    assert_eq!(seen.code, 0, "{}{}", seen.stdout, seen.stderr);
    assert!(seen.stdout.contains("deep.gz"), "what is too deep is said: {}", seen.stdout);
    assert_eq!(world.run(&["scan", "dangling"]).code, 2);
}

#[test]
fn json_of_a_hundred_thousand_depths_is_scanned_and_masked() {
    let world = World::new();
    let secret = token(3);
    let text = format!("{}{{\"t\": \"{secret}\"}}{}", "{\"a\":[".repeat(100_000), "]}".repeat(100_000));
    world.write("deep.json", &text);
    assert_eq!(world.run(&["scan", "deep.json"]).code, 1);
    let masked = world.run(&["mask", "deep.json"]);
    assert_eq!(masked.code, 0);
    assert!(!masked.stdout.contains(&secret[6..20]) && masked.stdout.len() > text.len() - 60);
}

#[test]
fn an_unreadable_folder_is_named_and_gives_two() {
    let world = World::new();
    world.write("shut/a.txt", "x");
    world.write("open/b.txt", token(4));
    let sh = "chmod 0 shut; chmod 755 .; if [ \"$(id -u)\" = 0 ]; then exec setpriv --reuid 65534 --regid 65534 --clear-groups \
              \"$0\" scan . --format jsonl; else exec \"$0\" scan . --format jsonl; fi";
    // The binary may stand where only its owner may go: a copy stands beside the folders.
    let binary = world.path("evidence");
    fs::copy(assert_cmd::cargo::cargo_bin("evidence"), &binary).unwrap();
    let ran = Command::new("sh").args(["-c", sh]).arg(&binary).current_dir(world.root()).output().unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{errors}");
    assert!(errors.contains("shut"), "{errors}");
    let found = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        found.contains("open/b.txt") && found.contains("github-token"),
        "the rest is scanned all the same: {found}"
    );
    Command::new("chmod").args(["755", "shut"]).current_dir(world.root()).status().unwrap();
}

/// The Python of the outside readers; `None` where `tests/run.sh` did not prepare it.
fn python() -> Option<PathBuf> {
    let folder = std::env::var_os("EVIDENCE_TEST_VENV").map_or_else(|| PathBuf::from(".venv"), PathBuf::from);
    let python = folder.join("bin/python");
    let has = Command::new(&python).args(["-c", "import pydantic_sarif, lxml"]).output();
    can(has.is_ok_and(|ran| ran.status.success()), "the validators are missing; run tests/run.sh").then_some(python)
}

const VALIDATE: &str = r#"
import json, sys
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
import jsonschema
from lxml import etree
sarif = json.load(open("out.sarif"))
Sarif.model_validate(sarif)
jsonschema.validate(sarif, Sarif.model_json_schema(by_alias=True))
broken = json.loads(json.dumps(sarif)); broken["runs"][0]["results"][0]["level"] = "bad"
try:
    Sarif.model_validate(broken)
    sys.exit("a broken file is taken for a valid one")
except ValueError:
    pass
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
schema.assertValid(etree.parse("out.xml"))
assert not schema.validate(etree.fromstring("<testsuites><testcase/></testsuites>"))
print("valid")
"#;

#[test]
fn outside_validators_accept_sarif_and_junit() {
    let Some(python) = python() else { return };
    let world = World::new();
    let text = canaries(&world).0.join("\n---\n");
    world.write("in/a b&<c>.txt", &text);
    for (format, out) in [("sarif", "out.sarif"), ("junit", "out.xml")] {
        let ran = world.command(&["scan", "in", "--format", format]).output().unwrap();
        world.write(out, &ran.stdout);
    }
    let xsd = python.parent().unwrap().parent().unwrap().join("junit-10.xsd");
    let ran = Command::new(fs::canonicalize(".").unwrap().join(&python))
        .args(["-c", VALIDATE])
        .arg(fs::canonicalize(&xsd).unwrap())
        .current_dir(world.root())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
}

/// Runs `script` with the built binary first on the path.
fn shell(world: &World, script: &str, env: &[(&str, &str)]) -> Output {
    let folder = assert_cmd::cargo::cargo_bin("evidence").parent().unwrap().to_owned();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(world.root())
        .env("PATH", path)
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_pre_commit_hook_stops_a_staged_secret() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let entry = hooks[0]["entry"].as_str().unwrap().to_owned();
    let world = World::new();
    let git = "git -c user.name=ops -c user.email=ops@example.org";
    let made = shell(&world, &format!("git init -q . && echo one > a.txt && git add . && {git} commit -qm one"), &[]);
    assert!(made.status.success(), "{made:?}");
    assert_eq!(shell(&world, &entry, &[]).status.code(), Some(0), "nothing is staged");
    world.write("a.txt", format!("one\n{}\n", token(5)));
    assert_eq!(shell(&world, &entry, &[]).status.code(), Some(0), "it is not staged yet");
    assert!(shell(&world, "git add a.txt", &[]).status.success());
    let stopped = shell(&world, &entry, &[]);
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    assert!(String::from_utf8_lossy(&stopped.stdout).contains("a.txt:2:1: github-token"), "{stopped:?}");
}

#[test]
fn the_steps_of_the_action_and_of_the_pipeline_run_as_they_stand() {
    let world = World::new();
    world.write("ok.txt", "nothing here\n");
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let run = |path: &str| {
        let env = [("SCAN_PATH", path), ("SCAN_ARGS", "--min-confidence medium"), ("GITHUB_ACTION_PATH", "/nowhere")];
        steps.iter().map(|step| shell(&world, step["run"].as_str().unwrap(), &env)).collect::<Vec<_>>()
    };
    assert!(run(".").iter().all(|ran| ran.status.success()), "{:?}", run("."));
    world.write("bad.txt", token(6));
    let last = run(".").pop().unwrap();
    assert_eq!(last.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&last.stdout).starts_with("::error file=bad.txt,line=1"), "{last:?}");

    let pipeline = yaml("ci/gitlab-scan.yml");
    let job = pipeline.as_object().unwrap().values().next().unwrap();
    let script: Vec<&str> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(shell(&world, &script.join("\n"), &[]).status.code(), Some(1));
    let report = job["artifacts"]["reports"]["junit"].as_str().unwrap();
    assert!(fs::read_to_string(world.path(report)).unwrap().contains("failures=\"1\""));
}

const OWN_RULE: &str = "\
family: Badges
rules:
  - id: corp-badge
    description: Badge
    literals: ['badge-']
    pattern: 'badge-(?P<secret>[a-z]{6,})'
    examples: ['badge-{{lower:12}}']
    reference: https://gate.example.org/badges
";

#[test]
fn rules_of_the_users_own_mask_what_is_collected() {
    let world = World::new();
    world.write("app.log", "2026-05-01T10:00:00Z hello badge-friedrich\n");
    let steps = "collect:
  - { id: host, uses: host }
  - { id: subject, uses: file, with: { path: ../../badge-friedrich.txt } }
  - { id: m, uses: log, with: { path: ../../app.log, patterns: { hello: hello } } }
";
    world.case("c", steps);
    world.write("policies/hygiene/own.yaml", OWN_RULE);
    let ran = world.run(&["collect", "c"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let facts = fs::read_to_string(world.run_folder("c").join("data/facts.jsonl")).unwrap();
    assert!(facts.contains("badge-***corp-badge***"), "{}\n{facts}", ran.stderr);
    assert!(!facts.contains("friedrich") && !(ran.stdout + &ran.stderr).contains("friedrich"));
    let table = fs::read_to_string(world.run_folder("c").join("data/hygiene.json")).unwrap();
    assert!(table.contains("corp-badge"), "{table}");
    // A rule that cannot be used would leave its secrets unmasked.
    world.write("policies/hygiene/own.yaml", OWN_RULE.replace("{6,}", "{6,"));
    let ran = world.run(&["collect", "c"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("corp-badge"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_not_read_is_named() {
    let world = World::new();
    world.write("policies/events/own.yaml", "x: 1\n");
    let ran = world.run(&["status"]);
    assert!(ran.stderr.contains("policies/events/own.yaml is not used"), "{}", ran.stderr);
}
