//! Shell scripts: what the engine says about them is decided by a real bash and a real dash.
#![allow(clippy::use_debug, reason = "what differs is shown to whoever mends it")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use evidence::shell;
use evidence::shell::machine::{Answer, World as ShellWorld, follow};
use evidence::shell::tree::{Command as ShellCommand, Simple};

use crate::sealing::tool;
use crate::support::world::World;

/// A folder with the program `ok N`: it notes N, and fails with 3 when N is the one that shall fail.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ok");
        fs::write(&program, "#!/bin/sh\necho \"$1\" >>\"$MARKS\"\n[ \"$1\" != \"$FAIL\" ] || exit 3\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// What a real shell does: the programs that ran, sorted, and the status.
    fn real(&self, shell: &str, script: &str, fail: &str) -> (Vec<String>, u8) {
        let (file, marks) = (self.path("script"), self.path("marks"));
        fs::write(&file, script).unwrap();
        fs::write(&marks, "").unwrap();
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        let status = Command::new(shell)
            .arg(&file)
            .env_clear()
            .envs([("PATH", path.as_str()), ("FAIL", fail), ("MARKS", marks.to_str().unwrap())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let mut ran: Vec<_> = fs::read_to_string(&marks).unwrap().lines().map(str::to_owned).collect();
        ran.sort();
        (ran, u8::try_from(status.code().unwrap()).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The world of `ok`.
struct Known<'a>(&'a str);

impl ShellWorld for Known<'_> {
    fn status(&self, command: &ShellCommand, simple: &Simple, _: bool) -> Answer {
        let full = command.redirects.iter().any(|redirect| redirect.word.raw == "/dev/full");
        let words: Vec<_> = simple.words.iter().map(|word| word.raw.as_str()).collect();
        let named = words.iter().position(|word| *word == "ok").and_then(|at| words.get(at + 1));
        Answer::Code(match named {
            Some(n) if *n == self.0 => 3,
            None if full => 1,
            _ => 0,
        })
    }

    fn turns(&self) -> usize {
        20
    }
}

/// What the engine says.
fn said(shell: &str, script: &str, fail: &str) -> (Vec<String>, u8) {
    let script = shell::read(script, Some(shell)).unwrap_or_else(|e| panic!("{e}\n{script}"));
    let seen = follow(&script, &Known(fail), None);
    assert!(seen.complete);
    assert_eq!(seen.all_ends.len(), 1, "one way: {:?} when {fail:?} fails\n{}", seen.all_ends, script.lines.join("\n"));
    let name = |id: &usize| {
        let words = &script.commands[id].simple()?.words;
        let at = words.iter().position(|word| word.raw == "ok")?;
        Some(words.get(at + 1)?.raw.clone())
    };
    let mut ran: Vec<_> = seen.ran.iter().filter_map(name).collect();
    ran.sort();
    (ran, *seen.all_ends.first().unwrap())
}

/// The numbers that a script's programs have.
fn programs(script: &str) -> BTreeSet<String> {
    let words: Vec<_> = script.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| pair[0] == "ok").map(|pair| pair[1].to_owned()).collect()
}

fn available(shell: &str) -> bool {
    Command::new(shell).args(["-c", "exit 0"]).status().is_ok_and(|status| status.success())
}

/// Name, shell and text of each snippet.
fn snippets() -> Vec<(String, &'static str, String)> {
    let text = include_str!("shell/snippets.txt");
    let parts = text.split("### ").skip(1).map(|part| part.split_once('\n').unwrap());
    parts
        .map(|(name, script)| {
            (name.to_owned(), if name.starts_with("[sh]") { "dash" } else { "bash" }, script.to_owned())
        })
        .collect()
}

#[test]
fn a_real_shell_decides_what_the_engine_says_of_every_snippet() {
    let stage = Stage::new();
    let snippets = snippets();
    let mut wrong = String::new();
    let mut compared = 0;
    for (name, shell, script) in &snippets {
        if *shell == "dash" && !available("dash") {
            continue;
        }
        for fail in programs(script).iter().map(String::as_str).chain([""]) {
            let (real, told) = (stage.real(shell, script, fail), said(shell, script, fail));
            compared += 1;
            if real != told {
                let _ = writeln!(wrong, "{name}: when {fail:?} fails, {shell} says {real:?}, the engine {told:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(snippets.len() >= 100 && compared >= 350, "{} snippets, {compared} comparisons", snippets.len());
}

/// The catalogue as docs/scripts.md has it.
fn catalogue() -> String {
    let mut out = String::new();
    for rule in shell::rules::RULES {
        let (id, title, does, mend) = (rule.id, rule.title, rule.does, rule.mend);
        let _ = writeln!(
            out,
            "### `{id}`\n\nFinds {title}.\n\n- What the shell does: {does}.\n- What would mend it: {mend}.\n"
        );
    }
    out.trim_end().to_owned() + "\n"
}

#[test]
fn the_page_of_rules_is_the_catalogue() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scripts.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rules) = page.split_once("<!-- rules -->\n").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}<!-- rules -->\n\n{}", catalogue())).unwrap();
    } else {
        assert_eq!(rules.trim_start(), catalogue(), "UPDATE_DOCS=1 writes it again");
    }
}

/// Rules with the lines on which they are found.
fn found(script: &str) -> Vec<(&'static str, usize)> {
    let script = shell::read(script, None).unwrap_or_else(|e| panic!("{e}\n{script}"));
    let analysis = shell::rules::analyse(&script);
    assert!(analysis.complete);
    analysis.findings.iter().map(|finding| (finding.rule, finding.line)).collect()
}

/// Scripts that begin with `### RULE LINE`; `### clean` has none.
fn examples() -> Vec<(String, String)> {
    let text = include_str!("shell/findings.txt");
    let parts = text.split("### ").skip(1).map(|part| part.split_once('\n').unwrap());
    parts.map(|(name, script)| (name.to_owned(), script.to_owned())).collect()
}

#[test]
fn every_rule_finds_its_example_and_nothing_else_there() {
    let mut seen = BTreeSet::new();
    let mut wrong = String::new();
    for (name, script) in examples() {
        let expected: Vec<(String, usize)> = match name.starts_with("clean") {
            true => Vec::new(),
            false => {
                let parts = name.split(", ").map(|part| part.split_once(' ').unwrap());
                parts.map(|(rule, line)| (rule.to_owned(), line.parse().unwrap())).collect()
            }
        };
        let mut told: Vec<_> = found(&script).into_iter().map(|(rule, line)| (rule.to_owned(), line)).collect();
        let mut sorted = expected.clone();
        told.sort();
        sorted.sort();
        seen.extend(expected.into_iter().map(|(rule, _)| rule));
        if told != sorted {
            let _ = writeln!(wrong, "expected {sorted:?}, found {told:?}\n{script}");
        }
        let checked = Command::new("bash").arg("-n").arg("-c").arg(&script).output().unwrap();
        assert!(checked.status.success(), "{script}: {}", String::from_utf8_lossy(&checked.stderr));
    }
    assert!(wrong.is_empty(), "{wrong}");
    for rule in shell::rules::RULES {
        assert!(seen.contains(rule.id), "no example of `{}`", rule.id);
    }
}

/// Scripts made at random from the constructs that decide where control goes.
struct Maker {
    state: u64,
    next: u32,
    functions: u32,
}

impl Maker {
    fn pick(&mut self, below: u64) -> u64 {
        // A plain generator: the same scripts on every machine.
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    fn program(&mut self) -> String {
        self.next += 1;
        format!("ok {}", self.next)
    }

    fn block(&mut self, depth: u32) -> String {
        let count = 1 + self.pick(3);
        (0..count).map(|_| self.statement(depth) + "\n").collect()
    }

    fn inline(&mut self, depth: u32) -> String {
        self.block(depth).trim_end().replace('\n', "; ").replace("; ; ", "; ")
    }

    fn statement(&mut self, depth: u32) -> String {
        if depth == 0 || self.next > 7 {
            return self.program();
        }
        let (a, b) = (self.pick(20), depth - 1);
        match a {
            0 | 1 => format!("{} && {}", self.statement(b), self.statement(b)),
            2 | 3 => format!("{} || {}", self.statement(b), self.statement(b)),
            4 => format!("{} && {} || {}", self.program(), self.program(), self.program()),
            5 => format!("! {}", self.program()),
            6 | 7 => format!("{} | {}", self.program(), self.program()),
            8 => format!("{{ {}; }} | {}", self.inline(b), self.program()),
            9 => format!("if {}; then {}; else {}; fi", self.statement(b), self.inline(b), self.inline(b)),
            10 => format!("if ! {}; then {}; fi", self.program(), self.inline(b)),
            11 => format!("for i in a b; do {}; done", self.inline(b)),
            12 => format!("{{ {}; }}", self.inline(b)),
            13 => format!("( {} )", self.inline(b)),
            14 => format!("x=$({})", self.inline(b)),
            15 => {
                self.functions += 1;
                let name = format!("f{}", self.functions);
                format!("{name}() {{ {}; }}; {name}", self.inline(b))
            }
            16 => {
                self.functions += 1;
                let name = format!("f{}", self.functions);
                format!(
                    "{name}() {{ local y=$({}); {} || return 2; {}; }}; {name} || {}",
                    self.program(),
                    self.program(),
                    self.program(),
                    self.program()
                )
            }
            17 => ["set -e", "set +e", "set -o pipefail", "set +o pipefail", "set -eo pipefail"][self.pick(5) as usize]
                .to_owned(),
            18 => format!("{}; if [ $? -ne 0 ]; then {}; fi", self.program(), self.program()),
            _ => ["exit", "exit 4", "return 0 2>/dev/null || true", "rc=$?; [ \"$rc\" -eq 0 ] || exit \"$rc\""]
                [self.pick(4) as usize]
                .to_owned(),
        }
    }
}

#[test]
fn a_real_bash_decides_what_the_engine_says_of_random_scripts() {
    let stage = Stage::new();
    let mut maker = Maker { state: 20_261_121, next: 0, functions: 0 };
    let mut wrong = String::new();
    let mut compared = 0;
    for _ in 0..120 {
        (maker.next, maker.functions) = (0, 0);
        let start = ["", "set -e\n", "set -eo pipefail\n", "set -o pipefail\n"][maker.pick(4) as usize];
        let script = format!("{start}{}", maker.block(3));
        for fail in programs(&script).iter().map(String::as_str).chain([""]).take(5) {
            let (real, told) = (stage.real("bash", &script, fail), said("bash", &script, fail));
            compared += 1;
            if real != told {
                let _ = writeln!(wrong, "when {fail:?} fails, bash says {real:?}, the engine {told:?}:\n{script}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(compared > 300, "{compared}");
}

#[test]
fn a_real_shell_does_what_the_rules_say_of_words_it_does_not_know() {
    let stage = Stage::new();
    let ran = |shell: &str, script: &str| stage.real(shell, script, "");
    // The options of the first line hold only when the script is started by its name.
    let by_name = |script: &str| {
        let path = stage.path("named");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Command::new(&path).stderr(Stdio::null()).status().unwrap().code()
    };
    let script = "#!/bin/bash -e\nfalse\nexit 5\n";
    assert_eq!((by_name(script), ran("bash", script).1), (Some(1), 5));
    if available("dash") {
        assert_eq!(ran("dash", "[[ -n x ]]\nexit $?\n").1, 127);
        assert_eq!(ran("dash", "true | true\n[ -z \"${PIPESTATUS}\" ] && ok 1\n").0, ["1"]);
        assert_eq!(ran("dash", "ok 1\na=(b c)\nok 2\n"), (vec!["1".to_owned()], 2));
        assert_eq!(ran("dash", "source /dev/null\nexit $?\n").1, 127);
    }
    // Unquoted: one folder with a blank in its name becomes two words.
    let (folder, kept) = (stage.path("old backups"), stage.path("old"));
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&kept).unwrap();
    ran("bash", &format!("dir='{}'\nrm -rf $dir\n", folder.display()));
    assert!(folder.exists() && !kept.exists());
    // A partial write on a full device is a failure, and `||` fires.
    assert_eq!(ran("bash", "cat /etc/hostname >/dev/full || ok 1\n").0, ["1"]);
}

/// The script of the incident: an upload that nothing compares before success is said.
fn nas(folder: &str) -> String {
    format!(
        r#"#!/bin/bash
# nas-backup.sh: nightly copy to the NAS
NAS="backup@203.0.113.10"
SSH_OPTIONS="-o StrictHostKeyChecking=no -o ConnectTimeout=10"
SOURCE="{folder}/source"
ARCHIVE="{folder}/backup.tar"
REMOTE="/volume1/backups/backup.tar"
LOG="{folder}/nas-backup.log"

log() {{
    echo "$*" >>"$LOG"
}}

upload() {{
    log "Uploading $ARCHIVE"
    cat "$ARCHIVE" | ssh $SSH_OPTIONS "$NAS" "cat > $REMOTE.tmp"
    ssh $SSH_OPTIONS "$NAS" "mv $REMOTE.tmp $REMOTE"
}}

verify() {{
    LOCAL_SUM=$(sha256sum "$ARCHIVE" | cut -d' ' -f1)
    REMOTE_SUM=$(ssh $SSH_OPTIONS "$NAS" "sha256sum $REMOTE" | cut -d' ' -f1)
    if [ "$LOCAL_SUM" != "$REMOTE_SUM" ]; then
        log "Checksum mismatch!"
        return 2
    fi
    log "Checksum verified"
}}

tar cf "$ARCHIVE" -C "$SOURCE" .
upload
log "Backup completed successfully in 0m 45s"
verify
log "End"
"#
    )
}

/// The same, mended.
fn nas_clean(folder: &str) -> String {
    let text = nas(folder).replace("#!/bin/bash\n", "#!/bin/bash\nset -euo pipefail\n");
    let text = text.replace("-o StrictHostKeyChecking=no -o", "-o StrictHostKeyChecking=yes -o");
    text.replace(
        "log \"Backup completed successfully in 0m 45s\"\nverify\n",
        "verify\nlog \"Backup completed successfully in 0m 45s\"\n",
    )
}

/// Runs a script with a stand-in for ssh that keeps what it is sent, and answers `sum` with it or nothing.
fn run_nas(script: &str, stage: &Stage, answers: bool, upload: u8) -> (u8, String) {
    let folder = stage.folder.path();
    fs::create_dir_all(folder.join("source")).unwrap();
    fs::write(folder.join("source/data"), "x".repeat(1000)).unwrap();
    let _ = fs::remove_file(folder.join("nas-backup.log"));
    let answer = if answers { format!("sha256sum {}/received", folder.display()) } else { "true".to_owned() };
    let ssh = format!(
        "#!/bin/sh\nfor last; do :; done\ncase \"$last\" in\ncat*) cat >{0}/received; exit {upload};;\nsha256sum*) {answer};;\nesac\n",
        folder.display()
    );
    fs::write(folder.join("ssh"), ssh).unwrap();
    fs::set_permissions(folder.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let (_, code) = stage.real("bash", script, "");
    (code, fs::read_to_string(folder.join("nas-backup.log")).unwrap())
}

#[test]
fn the_success_that_was_not() {
    let stage = Stage::new();
    let folder = stage.folder.path().to_str().unwrap().to_owned();
    let script = nas(&folder);
    let line = |part: &str| script.lines().position(|line| line.contains(part)).unwrap() + 1;
    let findings = found(&script);
    for (rule, part) in [
        ("host-key-unchecked", "StrictHostKeyChecking=no"),
        ("producer-failure-lost", "cat \"$ARCHIVE\" | ssh"),
        ("status-unchecked", "cat \"$ARCHIVE\" | ssh"),
        ("status-unchecked", "\"mv $REMOTE.tmp"),
        ("status-unchecked", "tar cf"),
        ("success-unfounded", "Backup completed"),
        ("success-before-check", "Backup completed"),
    ] {
        assert!(findings.contains(&(rule, line(part))), "{rule} at {}: {findings:?}", line(part));
    }
    let call = script.lines().position(|line| line == "verify").unwrap() + 1;
    assert!(findings.contains(&("return-unchecked", call)), "{findings:?}");
    // What the findings say is what a real bash does.
    let (code, log) = run_nas(&script, &stage, false, 0);
    assert_eq!(code, 0);
    let at = |part: &str| log.find(part).unwrap_or_else(|| panic!("{part}: {log}"));
    assert!(at("completed successfully") < at("Checksum mismatch!") && at("Checksum mismatch!") < at("End"));
    let (code, log) = run_nas(&script, &stage, true, 1);
    assert!(code == 0 && log.contains("completed successfully"), "a failed upload changes nothing");

    let clean = nas_clean(&folder);
    // The folder of the test stands where everybody may write; that of the scene does not.
    assert_eq!(found(&nas_clean("/srv")), []);
    let (code, log) = run_nas(&clean, &stage, false, 0);
    assert!(code == 2 && !log.contains("successfully"), "{log}");
    let (code, log) = run_nas(&clean, &stage, true, 1);
    assert!(code == 1 && !log.contains("successfully"), "{log}");
    let (code, log) = run_nas(&clean, &stage, true, 0);
    assert!(code == 0 && log.contains("successfully"), "{log}");
}

#[test]
fn gzip_hides_pg_dump_in_the_scene_of_the_empty_backup() {
    let stage = Stage::new();
    let script = include_str!("../../src/cli/demo/pg-backup.sh");
    let parsed = shell::read(script, None).unwrap();
    let analysis = shell::rules::analyse(&parsed);
    let line = script.lines().position(|line| line.starts_with("pg_dump ")).unwrap() + 1;
    let finding = analysis.findings.iter().find(|f| f.rule == "producer-failure-lost").unwrap();
    assert_eq!(finding.line, line);
    assert!(finding.says.contains("the pipeline has the status of `gzip`"), "{}", finding.says);
    assert_eq!((analysis.holds.pipefail, analysis.holds.nounset), (false, true));
    // The second job has its options, and its first step ends it.
    let second =
        shell::rules::analyse(&shell::read(include_str!("../../src/cli/demo/backup-to-gdrive.sh"), None).unwrap());
    assert!(second.holds.pipefail && second.holds.errexit);
    assert_eq!(second.pipelines.len(), 1);
    assert!(
        second.pipelines[0].says.ends_with("nothing else runs; the script ends with status 1"),
        "{}",
        second.pipelines[0].says
    );
    assert_eq!(second.findings, []);
    // A real gzip and a dump that fails.
    let file = stage.path("x.gz");
    let plain = format!("false | gzip -9 >'{}'\nok 1\n", file.display());
    assert_eq!(stage.real("bash", &plain, ""), (vec!["1".to_owned()], 0));
    assert_eq!(fs::metadata(&file).unwrap().len(), 20);
    assert_eq!(stage.real("bash", &format!("set -eo pipefail\n{plain}"), "").1, 1);
    let twin = script.replace("\nset -u\n", "\nset -euo pipefail\n");
    let clean = shell::rules::analyse(&shell::read(&twin, None).unwrap());
    assert_eq!(clean.findings, []);
}

#[test]
fn a_record_shows_findings_and_firings_and_no_secret() {
    let world = World::new();
    let token = format!("{}{}", "9f8e7d6c5b4a39281706", "f5e4d3c2b1a0");
    let script = nas("/srv").replace(
        "log \"End\"",
        &format!("curl -fsS https://monitor.example.org/api/push/{token}?status=up || log \"monitor not reached\""),
    );
    world.write("scripts/nas-backup.sh", script);
    world.write("etc/cron.d/nas", "0 3 * * * root /srv/scripts/nas-backup.sh\n30 2 * * * root /srv/scripts/other.sh\n");
    let rest = "zone: Europe/Zurich\ncollect:\n  - { id: subject, uses: script, with: { path: ../../scripts/nas-backup.sh, patterns: { push: api/push } } }\n  \
                - { id: schedule, uses: cron, with: { sources: [../../etc/cron.d], runs: nas-backup.sh, expect: '0 3 * * *', rpo: 26h } }\n";
    world.case("nas", rest);
    let ran = world.run(&["collect", "nas"]);
    assert!(ran.stderr.is_empty() || ran.code != 2, "{}", ran.stderr);
    let ran = world.run(&["render", "nas"]);
    assert_ne!(ran.code, 2, "{}", ran.stderr);
    let record = fs::read_to_string(world.path("reports/nas/record.md")).unwrap();
    for part in [
        "return-unchecked",
        "producer-failure-lost",
        "success-before-check",
        "Scripts",
        "Schedules",
        "within_rpo: true",
        "as_expected: true",
        "T03:00:00+0",
    ] {
        assert!(record.contains(part), "{part}\n{record}");
    }
    assert!(!record.contains("by `script` from"), "not shown twice");
    assert!(!record.contains("LOCAL_SUM=$(sha256sum"), "only the lines asked for");
    for file in ["data/facts.jsonl", "data/artifacts/subject/excerpt.txt"] {
        assert!(!fs::read_to_string(world.run_folder("nas").join(file)).unwrap().contains(&token), "{file}");
    }
    assert!(!record.contains(&token));
    let ran = world.run(&["verify", "nas"]);
    assert!(ran.code == 0 || ran.code == 3, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn real_crontabs_in_several_zones() {
    let world = World::new();
    world.write("spool/ops", "17 4 * * * /usr/local/bin/pg-backup.sh\n");
    for (zone, offsets) in [
        ("Europe/Zurich", ["+01:00", "+02:00"]),
        ("America/New_York", ["-05:00", "-04:00"]),
        ("Asia/Kathmandu", ["+05:45", "+05:45"]),
        ("Australia/Lord_Howe", ["+10:30", "+11:00"]),
        ("UTC", ["+00:00", "Z"]),
    ] {
        let name = zone.to_lowercase().replace(['/', '_'], "-");
        world.case(&name, &format!("zone: {zone}\ncollect:\n  - {{ id: subject, uses: file, with: {{ path: ../../spool/ops }} }}\n  - {{ id: s, uses: cron, with: {{ sources: [../../spool/ops] }} }}\n"));
        let mut command = world.command(&["collect", &name]);
        // The zone of the case counts, not that of the machine.
        world.ran(command.env("TZ", "Pacific/Apia").output().unwrap());
        let facts = fs::read_to_string(world.run_folder(&name).join("data/facts.jsonl")).unwrap();
        let fact: serde_json::Value = serde_json::from_str(facts.lines().nth(1).unwrap()).unwrap();
        let values = &fact["fact"]["values"];
        let local = values["next_firing_local"].as_str().unwrap();
        assert!(local.contains("T04:17:00") && offsets.iter().any(|offset| local.ends_with(offset)), "{zone}: {local}");
        let (next, last) = (values["next_firing"].as_str().unwrap(), values["last_firing"].as_str().unwrap());
        let (next, last): (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>) =
            (next.parse().unwrap(), last.parse().unwrap());
        assert!(last < next && (next - last).num_hours() <= 25);
        assert_eq!(next.fixed_offset(), local.parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap());
    }
}

#[test]
fn timers_fire_as_systemd_says() {
    if tool("systemd-analyze").is_none() {
        return;
    }
    let expressions = [
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "*-*-* 02:30:00",
        "*-*-* 02:00..04",
        "Mon..Fri 04:17",
        "Sat,Sun *-*-* 12:00",
        "*-*-01..07/2 00/6:17",
        "*-02~03",
        "*-*~01 23:59:30",
        "Mon *-05~07/1",
        "0/2:30",
        "*:0/15",
        "2027-*-* 06:00",
        "Sun *-*-* 01:59:59",
        "*-*-* 03:00",
    ];
    for zone in ["Europe/Zurich", "America/New_York", "UTC", "Asia/Kolkata"] {
        for base in [
            "2026-03-28 12:00:00",
            "2026-10-24 21:00:00",
            "2026-03-07 12:00:00",
            "2026-10-31 20:00:00",
            "2028-02-28 00:00:00",
        ] {
            for expression in expressions {
                let output = Command::new("systemd-analyze")
                    .args(["calendar", &format!("--base-time={base} UTC"), "--iterations=4", expression])
                    .env("TZ", zone)
                    .env("LC_ALL", "C")
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                let utc = |line: &&str| {
                    if zone == "UTC" {
                        line.contains("elapse:") || line.contains("Iter")
                    } else {
                        line.contains("(in UTC)")
                    }
                };
                let real: Vec<String> = text
                    .lines()
                    .filter(utc)
                    .filter(|line| line.ends_with("UTC"))
                    .map(|line| {
                        let words: Vec<_> = line.split_whitespace().collect();
                        format!("{}T{}Z", words[words.len() - 3], words[words.len() - 2])
                    })
                    .collect();
                let calendar = evidence::schedule::timer::OnCalendar::parse(expression).unwrap();
                let mut at: chrono::DateTime<chrono::Utc> = format!("{}Z", base.replace(' ', "T")).parse().unwrap();
                let mut told = Vec::new();
                for _ in 0..4 {
                    let Some(next) = evidence::schedule::calendar::next(&calendar, zone.parse().unwrap(), at) else {
                        break;
                    };
                    at = next.at;
                    told.push(at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
                }
                assert_eq!(told, real, "{expression} in {zone} from {base}\n{text}");
            }
        }
    }
}
