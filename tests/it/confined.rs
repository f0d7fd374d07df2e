//! Hostile dumps. A dump is carried out by the superuser of its own server, who may start programs, read and
//! write files, load libraries and connect to other servers: here the kernel refuses that, the drill fails
//! for it, and whatever was started ends with the server. Production is a real cluster beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use evidence::judge;
use evidence::model::case::Case;
use evidence::model::fact::{Fact, Reason};
use evidence::model::policy::Policy;
use evidence::model::value::Value;
use evidence::model::verdict::Status;

use crate::support::cluster::Cluster;
use crate::support::look::{case, facts, missing, refusal, value};
use crate::support::world::World;

/// A production, and a folder that everybody may write in.
struct Ground {
    cluster: Cluster,
    folder: PathBuf,
}

static GROUND: LazyLock<Ground> = LazyLock::new(|| {
    let cluster = Cluster::start().unwrap();
    let sql = "CREATE DATABASE shop;\n\\c shop\nCREATE TABLE reached (n integer); CREATE TABLE kept (n integer);\n\
               INSERT INTO kept SELECT generate_series(1, 100);\n";
    cluster.psql("postgres", sql);
    // In the cluster's own folder, which goes when the tests end.
    let folder = cluster.socket_dir().join("hostile");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    Ground { cluster, folder }
});

impl Ground {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Drills `sql` as if it were a dump, with these further settings.
    fn drill(&self, name: &str, sql: &str, more: &str) -> Fact {
        let path = self.path(name);
        let head = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.1\n\
                    -- Dumped by pg_dump version 15.1\n\nCREATE TABLE public.t (line text);\n";
        fs::write(&path, format!("{head}{sql}\n--\n-- PostgreSQL database dump complete\n--\n\n")).unwrap();
        facts(&self.case(&format!("path: {path:?}, amcheck: false{more}"))).remove(0)
    }

    fn case(&self, settings: &str) -> Case {
        let host = self.cluster.socket_dir().display();
        let target = format!("  production: {{ postgres: {{ host: {host}, user: postgres }} }}");
        case(&target, &format!("  - {{ id: drill, uses: restore.drill, with: {{ {settings} }} }}"))
    }

    /// What production holds.
    fn rows(&self) -> String {
        self.cluster.psql("shop", "SELECT count(*) FROM reached; SELECT count(*), sum(n) FROM kept")
    }
}

/// Whether nothing that the drill said fails it.
fn passes(fact: &Fact) -> bool {
    let policy =
        "policy: p\nchecks:\n  - { id: A, title: known, require: { fact: drill.messages, only_exceptions: [] } }\n";
    let policy: Policy = evidence::base::yaml::decode(Path::new("p.yaml"), policy.as_bytes()).unwrap();
    let case = case("  {}", "  - { id: drill, uses: restore.drill, with: { path: /x } }");
    let verdict = judge::judge(&policy, std::slice::from_ref(fact), &case, "2026-05-15T12:00:00Z");
    verdict.rows.iter().all(|row| row.status == Status::Pass)
}

fn assert_nothing_left(fact: &Fact) {
    assert_eq!(value(fact, "teardown.processes"), &Value::Int(0));
    assert_eq!(value(fact, "teardown.folder_exists"), &Value::Bool(false));
}

/// Processes whose command line has `word` in it.
fn running(word: &str) -> usize {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|e| fs::read(e.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(word)).count()
}

#[test]
fn what_a_hostile_dump_reaches_for_is_refused_and_fails_the_drill() {
    let ground = &*GROUND;
    let before = ground.rows();
    let (mark, stray) = (ground.path("mark"), "86399.25");
    let (mark, socket) = (mark.display(), ground.cluster.socket_dir().display());
    let secret = ground.path("secret");
    fs::write(&secret, "a word\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let attempts = [
        (format!("COPY t FROM PROGRAM 'touch {mark}; echo x';"), "could not execute command"),
        (format!("COPY t TO PROGRAM 'cat > {mark}';"), "could not execute command"),
        (format!("COPY t FROM PROGRAM 'setsid -f sleep {stray}; echo x';"), "could not execute command"),
        (format!("COPY (SELECT 1) TO '{mark}';"), "could not open file"),
        (format!("SELECT lo_from_bytea(4711, 'x'); SELECT lo_export(4711, '{mark}');"), "could not create server file"),
        (format!("COPY t FROM '{}';", secret.display()), "could not open file"),
        ("SELECT pg_read_file('/etc/shadow');".to_owned(), "could not open file"),
        (format!("LOAD '{}';", secret.display()), "could not"),
        (
            format!(
                "CREATE EXTENSION dblink; SELECT dblink_exec('host={socket} user=postgres dbname=shop', \
                 'INSERT INTO reached VALUES (1)');"
            ),
            "could not establish connection",
        ),
        (
            format!(
                "CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw \
                 OPTIONS (host '{socket}', dbname 'shop'); CREATE USER MAPPING FOR postgres SERVER s \
                 OPTIONS (\"user\" 'postgres'); CREATE FOREIGN TABLE f (n integer) SERVER s \
                 OPTIONS (table_name 'reached'); INSERT INTO f VALUES (1);"
            ),
            "could not connect to server",
        ),
        (
            format!("CREATE SUBSCRIPTION s CONNECTION 'host={socket} user=postgres dbname=shop' PUBLICATION p;"),
            "could not connect to the publisher",
        ),
    ];
    let all: String = attempts.iter().map(|(sql, _)| format!("{sql}\n")).collect();
    let archiver = format!(
        "ALTER SYSTEM SET archive_cleanup_command = 'touch {mark}';\n\
         ALTER SYSTEM SET archive_command = 'touch {mark}';\nSELECT pg_reload_conf(); SELECT pg_switch_wal();\n"
    );
    let fact = ground.drill("hostile.sql", &format!("{all}{archiver}"), ", on_error: continue");
    let said = value(&fact, "messages").to_string();
    for (sql, refusal) in &attempts {
        assert!(said.contains(refusal), "{sql}: {said}");
    }
    assert_eq!(value(&fact, "errors").as_int(), Some(attempts.len() as i64), "{said}");
    assert!(!passes(&fact));
    assert!(!ground.path("mark").exists() && running(stray) == 0);
    assert_eq!(ground.rows(), before, "production is what it was");
    assert_nothing_left(&fact);

    // Every one alone stops a drill that stops at errors, with its own words.
    let fact = ground.drill("first.sql", &all, "");
    assert_eq!((value(&fact, "errors"), value(&fact, "exit_code")), (&Value::Int(1), &Value::Int(3)));
    assert!(!passes(&fact) && value(&fact, "messages").to_string().contains("COPY t FROM PROGRAM"));
    assert_eq!(value(&fact, "messages.0.because"), &"a drill's server may start no program".into());

    // The bounds are a fact, and a harmless dump passes inside of them.
    let fact = ground.drill("harmless.sql", "INSERT INTO t VALUES ('x');", "");
    assert!(passes(&fact), "{fact:#?}");
    // `t` of the statement is `public.t` of the server; plain text has no checksum.
    assert_eq!(value(&fact, "counts_equal"), &true.into(), "{fact:#?}");
    assert_eq!(value(&fact, "dump.caveats.0.id"), &"no_checksum".into());
    assert_eq!(value(&fact, "isolation.confinement"), &"full".into(), "{fact:#?}");
    assert_eq!(value(&fact, "isolation.not_refused").to_string(), "[]");
}

#[test]
fn a_dump_sees_no_other_process_of_the_machine() {
    let ground = &*GROUND;
    let word = format!("secret-of-{}", std::process::id());
    let mut other = Command::new("sh").args(["-c", "sleep 60; :", &word]).spawn().unwrap();
    let number = other.id();
    let read = |file: String| format!("SELECT reverse(encode(pg_read_binary_file('{file}', 0, 3000), 'escape'));");
    let files = ["cmdline", "environ", "status", "maps"].map(|name| format!("/proc/{number}/{name}"));
    let own = ["/proc/self/environ", "/proc/self/mountinfo", "/proc/1/cmdline", "/proc/net/tcp", "/proc/version"];
    let mut attempts: Vec<String> = files.into_iter().chain(own.map(str::to_owned)).map(read).collect();
    attempts.push("SELECT pg_ls_dir('/proc');".to_owned());
    attempts.push(format!("COPY t FROM '/proc/{number}/cmdline';"));
    let fact = ground.drill("process.sql", &attempts.join("\n"), ", on_error: continue");
    let _ = other.kill();
    let _ = other.wait();
    assert_eq!(value(&fact, "errors").as_int(), Some(attempts.len() as i64), "{fact:#?}");
    let all = format!("{fact:?}");
    assert!(!all.contains(&word) && !all.contains(&word.chars().rev().collect::<String>()), "{all}");
    assert_eq!(value(&fact, "isolation.confinement"), &"full".into());
}

#[test]
fn a_flood_of_messages_is_a_limit_and_establishes_nothing() {
    let ground = &*GROUND;
    let flood = "DO $$ BEGIN FOR i IN 1..3000 LOOP RAISE WARNING 'flood % %', i, repeat('x', 900); END LOOP; END $$;";
    let fact = ground.drill("flood.sql", flood, "");
    assert_eq!(missing(&fact, "messages"), Reason::Limit);
    assert_eq!((value(&fact, "messages_cut"), value(&fact, "warnings")), (&true.into(), &Value::Int(3000)));
    let Value::List(first) = value(&fact, "messages_first") else { panic!("{fact:#?}") };
    assert_eq!(first.len(), 100);
    assert!(!passes(&fact));
    // More than is read at all: neither the counts nor whether something was refused is known.
    let fact = ground.drill("deluge.sql", &flood.replace("3000", "12000"), "");
    for part in ["messages", "warnings", "errors", "complete", "counts_equal"] {
        assert_eq!(missing(&fact, part), Reason::Limit, "{part}");
    }
    assert!(serde_json::to_string(&fact).unwrap().len() < 100_000);
}

/// Does `work` on a thread where the kernel has no Landlock, children included.
fn without_landlock<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    const CREATE_RULESET: i64 = 444;
    const NO_SUCH_CALL: u32 = 38;
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let calls = [(CREATE_RULESET, Vec::new())].into_iter().collect();
            let processor = std::env::consts::ARCH.try_into().unwrap();
            let answer = SeccompAction::Errno(NO_SUCH_CALL);
            let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, processor).unwrap();
            seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
            work()
        });
        worker.join().unwrap()
    })
}

#[test]
fn without_landlock_nothing_is_restored_unless_the_operator_allows_it() {
    let ground = &*GROUND;
    let world = World::new();
    let (dump, mark) = (ground.path("outside.sql"), ground.path("outside-mark"));
    ground.drill("outside.sql", &format!("COPY t TO '{}';", mark.display()), ", on_error: continue");
    world.case("c", &format!(
        "collect:\n  - {{ id: host, uses: host }}\n  - {{ id: drill, uses: restore.drill, with: {{ path: {dump:?}, amcheck: false }} }}\n"
    ));
    world.write(
        "policies/plain.yaml",
        "policy: plain\ntitle: t\nchecks:\n  - { id: A, title: whole, require: { fact: drill.complete, equals: true } }\n",
    );
    let fact = |id: &str| -> Fact {
        let facts = fs::read_to_string(world.run_folder("c").join("data/facts.jsonl")).unwrap();
        let lines = facts.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let found = lines.map(|mut line| line["fact"].take()).find(|fact| fact["id"] == id);
        serde_json::from_value(found.unwrap()).unwrap()
    };
    let ran = without_landlock(|| world.run(&["collect", "c"]));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("this kernel does not refuse"), "{}", ran.stderr);
    let drill = fact("drill");
    assert_eq!(missing(&drill, "complete"), Reason::Unavailable);
    let Some(Err(absence)) = drill.at("complete") else { panic!("{drill:#?}") };
    assert!(absence.message.contains("--allow-unconfined") && !mark.exists(), "{absence:?}");
    let host = fact("host");
    assert_eq!(value(&host, "sandbox"), &"none".into());
    assert!(value(&host, "not_refused").to_string().contains("signals to other processes"));

    let ran = without_landlock(|| world.run(&["collect", "c", "--allow-unconfined"]));
    let drill = fact("drill");
    assert_eq!(value(&drill, "complete"), &Value::Bool(true), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(value(&drill, "isolation.confinement"), &"none".into());
    assert_eq!(value(&drill, "isolation.allow_unconfined"), &Value::Bool(true));
    assert!(mark.exists(), "what is allowed is not refused");
    // Where the kernel confines it, the permission changes nothing.
    fs::remove_file(&mark).unwrap();
    world.run(&["collect", "c", "--allow-unconfined"]);
    assert_eq!(value(&fact("drill"), "isolation.confinement"), &"full".into());
    assert!(!mark.exists());
}

#[test]
fn what_every_sound_dump_may_hold_is_no_message_against_it() {
    let ground = &*GROUND;
    let sql = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.1\n\
        -- Dumped by pg_dump version 15.1\n\nSET statement_timeout = 0;\n\nCREATE DATABASE shop WITH TEMPLATE = template0 \
        ENCODING = 'UTF8';\n\n\nALTER DATABASE shop OWNER TO postgres;\n\n\\connect shop\n\nSET statement_timeout = 0;\n\n\
        CREATE TABLE public.t (id integer);\nALTER TABLE public.t OWNER TO postgres;\n\
        COPY public.t (id) FROM stdin;\n1\n2\n\\.\n\nCREATE PUBLICATION p FOR TABLE ONLY public.t;\n\
        CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = 's');\n\n\
        --\n-- PostgreSQL database dump complete\n--\n\n";
    fs::write(ground.path("sound.sql"), sql).unwrap();
    let settings = format!("path: {:?}, roles: [postgres, reader, reader]", ground.path("sound.sql"));
    let fact = facts(&ground.case(&settings)).remove(0);
    assert_eq!((value(&fact, "messages").to_string(), value(&fact, "exit_code")), ("[]".into(), &Value::Int(0)));
    assert_eq!(value(&fact, "roles_created").to_string(), "[reader]");
    assert_eq!(value(&fact, "roles_existing").to_string(), "[postgres]");
    let Value::List(expected) = value(&fact, "expected_messages") else { panic!("{fact:#?}") };
    assert_eq!(expected.len(), 2, "{expected:?}");
    assert_eq!((value(&fact, "complete"), value(&fact, "counts_equal")), (&true.into(), &true.into()));
    assert_eq!(value(&fact, "counts.public.t"), &Value::Int(2), "{fact:#?}");
    assert_nothing_left(&fact);
}

#[test]
fn what_a_container_cannot_keep_and_programs_that_nothing_lists_are_refused() {
    let image = format!("engine: docker, image: 'docker.io/library/postgres@sha256:{}'", "ab".repeat(32));
    for setting in ["scratch: /var/tmp", "binaries: /usr/lib/postgresql/15/bin"] {
        let with = format!("path: /x.dump, {image}, {setting}");
        let case = case("  {}", &format!("  - {{ id: drill, uses: restore.drill, with: {{ {with} }} }}"));
        assert!(refusal(&case).contains("go with `engine: local`"));
    }
    // Programs of the case's own are not even asked for their version.
    let ground = &*GROUND;
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    for program in ["initdb", "postgres", "psql"] {
        let path = folder.path().join(program);
        fs::write(&path, format!("#!/bin/sh\ntouch '{}'\necho 15\n", ran.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let fact = ground.drill("any.sql", "", &format!(", binaries: {}", folder.path().display()));
    assert_eq!(missing(&fact, "restored"), Reason::Denied, "{fact:#?}");
    assert!(!ran.exists());
    let installed = ground.cluster.binaries().display();
    let fact = ground.drill("any.sql", "", &format!(", binaries: {installed}"));
    assert_eq!(value(&fact, "counts_equal"), &Value::Bool(true));
}

/// A library for the server whose one function leaves a process behind that hides as well as it can: twice
/// forked, in a session of its own, standing elsewhere, its environment and its files gone. It tries to
/// connect, to start a program and to write, and reports what it could into a file of the data folder.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
static const struct { int len, version, args, keys, name, byval; char extra[32]; } magic = { 56, @VERSION@ / 100, 100, 32, 64, 1, "PostgreSQL" };
const void *Pg_magic_func(void) { return &magic; }
static const struct { int api; } info = { 1 };
const void *pg_finfo_stray(void) { return &info; }
extern char **environ;
unsigned long stray(void *call) {
    (void)call;
    if (fork()) return 0;
    setsid();
    if (fork()) _exit(0);
    for (char **e = environ; *e; e++) memset(*e, 0, strlen(*e));
    int out = open("could", O_CREAT | O_WRONLY, 0644);
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    strcpy(to.sun_path, "@SOCKET@/.s.PGSQL.5432");
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(s, (void *)&to, sizeof to) == 0) dprintf(out, "connect ");
    if (fork() == 0) { execl("/bin/sh", "sh", "-c", "touch @MARK@", (char *)0); _exit(0); }
    if (open("@MARK@", O_CREAT | O_WRONLY, 0644) >= 0) dprintf(out, "write ");
    dprintf(out, "done\n");
    chdir("/");
    int beacon = open("/dev/null", O_RDONLY);
    for (int fd = 0; fd < 1024; fd++) if (fd != beacon) close(fd);
    sleep(120);
    _exit(0);
}
"#;

/// Processes of the server's program that stand outside of every folder of ours: what hid.
fn hidden(user: u32) -> Vec<String> {
    let names = fs::read_dir("/proc").unwrap().filter_map(|e| e.unwrap().file_name().into_string().ok());
    let pids = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let of = |pid: &str, what: &str| fs::read_link(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let hides = |pid: &String| {
        use std::os::unix::fs::MetadataExt as _;
        let owner = fs::metadata(format!("/proc/{pid}")).map(|metadata| metadata.uid());
        of(pid, "exe").ends_with("bin/postgres") && of(pid, "cwd") == Path::new("/") && owner.ok() == Some(user)
    };
    pids.filter(hides).collect()
}

#[test]
fn native_code_in_a_dump_keeps_within_the_same_bounds_and_ends_with_the_server() {
    if !rustix::process::getuid().is_root() {
        // Process numbers of its own need root: elsewhere what hides so is only confined, and the fact says it.
        return;
    }
    let ground = &*GROUND;
    let (before, mark) = (ground.rows(), ground.path("native-mark"));
    let version = ground.cluster.psql("postgres", "SELECT current_setting('server_version_num')");
    let source = LIBRARY
        .replace("@VERSION@", &version)
        .replace("@SOCKET@", &ground.cluster.socket_dir().to_string_lossy())
        .replace("@MARK@", &mark.to_string_lossy());
    let (from, library) = (ground.path("stray.c"), ground.path("stray.so"));
    fs::write(&from, source).unwrap();
    let made = Command::new("cc").args(["-w", "-shared", "-fPIC", "-o"]).args([&library, &from]).status().unwrap();
    assert!(made.success());
    let hex: String = fs::read(&library).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let sql = format!(
        "SELECT lo_from_bytea(4711, '\\x{hex}');\nSELECT lo_export(4711, 'stray.so');\n\
         DO $$ BEGIN EXECUTE format('CREATE FUNCTION stray() RETURNS integer LANGUAGE c AS %L', \
         current_setting('data_directory') || '/stray.so'); END $$;\nSELECT stray();\nSELECT pg_sleep(1);\n\
         COPY t FROM '/proc/self/cwd/could';\n"
    );
    let smoke = ", smoke: [{ id: could, query: SELECT line FROM t, expect: done }]";
    let fact = ground.drill("native.sql", &sql, smoke);
    assert!(passes(&fact), "{fact:#?}");
    assert_eq!(value(&fact, "smoke_holds"), &Value::Bool(true), "{:#?}", value(&fact, "smoke"));
    assert_eq!(value(&fact, "isolation.process_space"), &"of its own".into());
    assert!(!mark.exists());
    let (nobody, _) = evidence::base::env::user_by_name("nobody").unwrap();
    assert_eq!(hidden(nobody), Vec::<String>::new());
    assert_eq!(ground.rows(), before);
    assert_nothing_left(&fact);
}

#[test]
fn a_dump_that_waits_for_ever_ends_at_the_limit_and_the_fact_says_so() {
    let ground = &*GROUND;
    let waits = [
        ("sleep.sql", "SELECT pg_sleep(86400);"),
        // Ended by nobody but the server's own end: it does not listen to a client that is gone.
        (
            "loop.sql",
            "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;",
        ),
    ];
    for (name, sql) in waits {
        let began = Instant::now();
        let fact = ground.drill(name, sql, ", limit: 4s");
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
        for part in ["exit_code", "messages", "complete", "restored", "counts_equal"] {
            assert_eq!(missing(&fact, part), Reason::TimedOut, "{name}: {part}");
        }
        let Some(Err(absence)) = fact.at("complete") else { panic!("{fact:#?}") };
        assert!(absence.message.contains("`limit` of 4s reached"), "{absence:?}");
        assert_nothing_left(&fact);
    }
}

/// Makes a file of the drill's folder that nobody can remove, in a way that this machine allows: one that
/// the file system keeps (as root), or a folder above that lets nothing go.
fn nail(home: &Path, on: bool) -> bool {
    if rustix::process::getuid().is_root() {
        let how = if on { "+i" } else { "-i" };
        return Command::new("chattr").arg(how).arg(home.join("data/PG_VERSION")).output().unwrap().status.success();
    }
    let mode = if on { 0o555 } else { 0o755 };
    fs::set_permissions(home.parent().unwrap(), fs::Permissions::from_mode(mode)).is_ok()
}

#[test]
fn a_teardown_that_was_prevented_shows_and_fails_by_its_own_check() {
    let ground = &*GROUND;
    let world = World::new();
    let scratch = tempfile::Builder::new().prefix("ev-t-").tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Long enough to come in between, as a restore is.
    let dump = ground.path("slow.sql");
    ground.drill("slow.sql", "SELECT pg_sleep(3);", "");
    world.case("c", &format!(
        "collect:\n  - {{ id: drill, uses: restore.drill, with: {{ path: {dump:?}, scratch: {:?}, amcheck: false }} }}\n",
        scratch.path()
    ));
    let written = fs::read_to_string(world.path("reports/c/case.yaml")).unwrap();
    world.write("reports/c/case.yaml", written.replace("template: incident", "template: hardening"));
    world.write(
        "policies/plain.yaml",
        "policy: plain\ntitle: t\nchecks:\n\
          \x20 - { id: whole, title: whole, require: { fact: drill.complete, equals: true } }\n\
          \x20 - { id: gone, title: taken down, require: { all: [{ fact: drill.teardown.processes, equals: 0 }, \
          { fact: drill.teardown.folder_exists, equals: false }] } }\n",
    );
    let mut child = world.command(&["collect", "c"]);
    let running = std::thread::spawn(move || child.output().unwrap());
    let began = Instant::now();
    let home = loop {
        assert!(began.elapsed().as_secs() < 30);
        let home = fs::read_dir(scratch.path()).unwrap().next().map(|entry| entry.unwrap().path());
        if let Some(home) = home.filter(|home| home.join("data/postmaster.pid").exists()) {
            break home;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert!(nail(&home, true), "a file that nobody can remove");
    let ran = world.ran(running.join().unwrap());
    let there = home.join("data/PG_VERSION").exists();
    assert!(nail(&home, false) && there);

    let facts = fs::read_to_string(world.run_folder("c").join("data/facts.jsonl")).unwrap();
    let checked = world.run(&["check", "c"]);
    assert_eq!((ran.code, checked.code), (0, 1), "{}{}{facts}", ran.stdout, checked.stdout);
    let json: serde_json::Value = serde_json::from_str(&world.run(&["check", "c", "--json"]).stdout).unwrap();
    assert_eq!(json["closing"]["reasons"], serde_json::json!(["gone fails: taken down"]), "{json:#}");
    assert_eq!(world.run(&["render", "c"]).code, 0);
    let record = fs::read_to_string(world.path("reports/c/record.md")).unwrap();
    assert!(record.contains("folder_exists: true") && record.contains(home.file_name().unwrap().to_str().unwrap()));

    // Its owner is gone: the next drill there clears it away.
    assert!(home.exists());
    assert_eq!(world.run(&["collect", "c"]).code, 0);
    assert!(!home.exists());
}
