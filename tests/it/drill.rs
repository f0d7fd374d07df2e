//! Restore drills against a real cluster as production: every format, every way in which a dump can
//! be wrong, and that nothing is left behind whatever ends a drill.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use evidence::judge;
use evidence::model::case::Case;
use evidence::model::fact::{Fact, Reason};
use evidence::model::policy::Policy;
use evidence::model::value::Value;
use evidence::model::verdict::Status;

use crate::support::cluster::Cluster;
use crate::support::look::{case, facts, missing, value};
use crate::support::world::World;

/// The row counts of the scene.
const ROWS: [u32; 10] = [22, 166, 309, 98, 2802, 86, 3, 86, 10, 2199];

/// One production for all tests of this room, and its dumps.
struct Production {
    cluster: Cluster,
    folder: tempfile::TempDir,
    sysid: String,
}

static PRODUCTION: LazyLock<Production> = LazyLock::new(Production::make);

impl Production {
    fn make() -> Self {
        let cluster = Cluster::start().unwrap();
        let mut sql = String::from(
            "CREATE ROLE app; CREATE ROLE reader; CREATE DATABASE shop;\n\\c shop\n\
             CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db.example.org');\n\
             CREATE USER MAPPING FOR app SERVER far OPTIONS (\"user\" 'remote');\nCREATE SCHEMA pgboss;\n",
        );
        for (number, rows) in ROWS.iter().enumerate() {
            sql.push_str(&format!(
                "CREATE TABLE public.key_{number} (id integer PRIMARY KEY, name text, at timestamptz);\n\
                 INSERT INTO public.key_{number} SELECT n, 'name ' || n, '2026-05-15 10:00:00+00'::timestamptz + n * interval '1 min' \
                 FROM generate_series(1, {rows}) n;\n\
                 CREATE VIEW public.view_{number} AS SELECT id FROM public.key_{number};\n\
                 CREATE INDEX ON public.key_{number} (name);\n"
            ));
        }
        sql.push_str(
            "CREATE TABLE pgboss.job (id bigserial PRIMARY KEY, ref integer REFERENCES public.key_0);\n\
             INSERT INTO pgboss.job (ref) SELECT 1 + n % 22 FROM generate_series(1, 500) n;\n\
             CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n\
             CREATE MATERIALIZED VIEW public.totals AS SELECT count(*) AS n FROM public.key_4;\n\
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;\n",
        );
        cluster.psql("postgres", &sql);
        let folder = tempfile::tempdir().unwrap();
        let sysid = cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
        let made = Self { cluster, folder, sysid };
        for (name, format) in [("app.sql", "p"), ("app.dump", "c"), ("app.dir", "d"), ("app.tar", "t")] {
            made.dump(&["-F", format, "-f"], name);
        }
        let plain = fs::read(made.path("app.sql")).unwrap();
        fs::write(made.path("app.sql.gz"), gzip(&plain)).unwrap();
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in [("notes", b"hello".to_vec()), ("./daily/app.sql", plain)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
        }
        fs::write(made.path("all.tar.gz"), gzip(&archive.into_inner().unwrap())).unwrap();
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn dump(&self, args: &[&str], name: &str) {
        let done = self.cluster.command("pg_dump").args(args).arg(self.path(name)).arg("shop").output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A case with this production as its target and one drill with these settings.
    fn case(&self, settings: &str) -> Case {
        let host = self.cluster.socket_dir().display();
        let target =
            format!("  production: {{ sysid: \"{}\", postgres: {{ host: {host}, user: postgres }} }}", self.sysid);
        case(&target, &format!("  - {{ id: drill, uses: restore.drill, with: {{ {settings} }} }}"))
    }

    fn drill(&self, settings: &str) -> Fact {
        facts(&self.case(settings)).remove(0)
    }

    fn drill_of(&self, name: &str, more: &str) -> Fact {
        self.drill(&format!("path: {:?}{more}", self.path(name)))
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn text(fact: &Fact, path: &str) -> String {
    value(fact, path).as_text().unwrap().to_owned()
}

const POLICY: &str = "\
policy: drill
exceptions:
  - { id: mapping, pattern: 'role .app. does not exist.*CREATE USER MAPPING', reason: the role is not in the drill, expected: 1 }
checks:
  - { id: whole, title: whole, require: { fact: drill.complete, equals: true } }
  - { id: known, title: known, require: { fact: drill.messages, only_exceptions: [mapping] } }
  - { id: rows, title: rows, require: { fact: drill.counts_equal, equals: true } }
";

/// The status of each check of the policy above.
fn judged(fact: &Fact) -> [Status; 3] {
    let policy: Policy = evidence::base::yaml::decode(Path::new("p.yaml"), POLICY.as_bytes()).unwrap();
    judge::check_policy(&policy).unwrap();
    let case = case("  {}", "  - { id: drill, uses: restore.drill, with: { path: /x } }");
    let verdict = judge::judge(&policy, std::slice::from_ref(fact), &case, "2026-05-15T12:00:00Z");
    ["whole", "known", "rows"].map(|id| verdict.rows.iter().find(|row| row.id == id).unwrap().status)
}

fn assert_nothing_left(fact: &Fact) {
    assert_eq!(value(fact, "teardown.processes"), &Value::Int(0));
    assert_eq!(value(fact, "teardown.folder_exists"), &Value::Bool(false));
    assert!(!Path::new(&text(fact, "teardown.folder")).exists());
}

#[test]
fn a_custom_dump_is_restored_beside_production_and_every_fact_of_it_is_there() {
    let production = &*PRODUCTION;
    let smoke = "{ id: pair, query: 'SELECT id, name FROM key_6 WHERE id < 3 ORDER BY id', \
                   expect: [{ id: 1, name: name 1 }, { id: 2, name: name 2 }] }, \
                 { id: total, query: SELECT n FROM totals, expect: 2802 }";
    let fact = production
        .drill_of("app.dump", &format!(", roles: [reader], digests: [public.key_4, public.none], smoke: [{smoke}]"));
    assert_eq!(text(&fact, "format"), "custom");
    assert_eq!(value(&fact, "versions.same_major"), &Value::Bool(true));

    // It is another server, made now, and cut off.
    assert_ne!(text(&fact, "system_identifier"), production.sysid);
    assert_eq!(value(&fact, "differs_from").to_string(), "[production]");
    assert!(*text(&fact, "initdb_time") > *"2026-01-01");
    assert_eq!(text(&fact, "isolation.listen_addresses"), "");
    assert_eq!(value(&fact, "isolation.tcp_listeners"), &Value::Int(0));
    assert_eq!(text(&fact, "isolation.shared_folder"), "none");
    assert_eq!(text(&fact, "isolation.folder_mode"), "0700");
    assert_ne!(text(&fact, "isolation.runs_as"), "root");
    assert_eq!(value(&fact, "roles_created").to_string(), "[reader]");

    // Every step with its exit code; pg_restore says 1 when it ignored an error.
    let Value::List(steps) = value(&fact, "steps") else { panic!("no list") };
    let named: Vec<_> = steps.iter().map(|step| step.at("step").unwrap().as_text().unwrap()).collect();
    for name in ["initdb", "start", "createdb", "roles", "restore", "count", "teardown"] {
        assert!(named.contains(&name), "{name}: {named:?}");
    }
    assert_eq!(value(&fact, "exit_code"), &Value::Int(1));
    assert_eq!(value(&fact, "errors"), &Value::Int(1));
    let message = value(&fact, "messages.0.text").as_text().unwrap();
    assert!(message.contains("role \"app\" does not exist; command: CREATE USER MAPPING FOR app"), "{message}");
    assert_eq!(judged(&fact), [Status::Pass; 3]);

    // Rows: of the dump, of the drill, and of production.
    for (number, rows) in ROWS.iter().enumerate() {
        let rows = Value::int(*rows);
        assert_eq!(value(&fact, &format!("counts.public.key_{number}")), &rows);
        assert_eq!(value(&fact, &format!("dump_counts.public.key_{number}")), &rows);
    }
    assert_eq!(value(&fact, "rows_total"), value(&fact, "dump_rows_total"));
    assert_eq!(value(&fact, "restored.by_schema.public.views"), &Value::Int(10));
    assert_eq!(value(&fact, "restored.by_schema.pgboss.tables"), &Value::Int(1));
    assert_eq!(value(&fact, "restored.materialized_views"), &Value::Int(1));
    assert_eq!(value(&fact, "restored.functions"), &Value::Int(1), "those of the extension are not counted");
    assert_eq!(value(&fact, "indexes.invalid"), &Value::Int(0));
    assert!(value(&fact, "amcheck.indexes_checked").as_int().unwrap() >= 20);
    assert_eq!(value(&fact, "amcheck.errors"), &Value::Int(0));
    let digest =
        "SELECT encode(sha256(convert_to(string_agg(t::text, E'\\n' ORDER BY id), 'UTF8')), 'hex') FROM key_4 t";
    let digest = production.cluster.psql("shop", &format!("SET timezone = 'UTC'; {digest}"));
    assert_eq!(text(&fact, "digests.public.key_4"), digest);
    assert_eq!(missing(&fact, "digests.public.none"), Reason::NotFound);
    assert_eq!(value(&fact, "smoke_holds"), &Value::Bool(true));
    assert_eq!(value(&fact, "extensions_missing").to_string(), Value::List(Vec::new()).to_string());
    assert!(value(&fact, "scratch_peak_bytes").as_int().unwrap() > 20 << 20);
    assert_nothing_left(&fact);
}

#[test]
fn every_other_format_restores_the_same_rows() {
    let production = &*PRODUCTION;
    let total = i64::from(ROWS.iter().sum::<u32>()) + 500;
    for (name, more, format) in [
        ("app.sql.gz", ", roles: [reader, app]", "plain"),
        ("app.dir", ", roles: [reader, app], jobs: 3", "directory"),
        ("app.tar", ", roles: [reader, app]", "tar"),
        ("all.tar.gz", ", roles: [reader, app], member: daily/app.sql", "plain"),
    ] {
        let fact = production.drill_of(name, more);
        assert_eq!(text(&fact, "format"), format, "{name}");
        assert_eq!(
            (value(&fact, "exit_code"), value(&fact, "errors")),
            (&Value::Int(0), &Value::Int(0)),
            "{name}: {fact:#?}"
        );
        assert_eq!(value(&fact, "rows_total"), &Value::Int(total), "{name}");
        assert_eq!(judged(&fact), [Status::Pass; 3], "{name}");
        assert_nothing_left(&fact);
    }
    let fact = production.drill_of("all.tar.gz", ", member: daily/none.sql");
    assert_eq!(missing(&fact, "complete"), Reason::NotFound);
    let fact = production.drill_of("all.tar.gz", "");
    assert_eq!(missing(&fact, "complete"), Reason::NotApplicable);
}

#[test]
fn a_plain_dump_that_psql_accepts_is_not_whole_for_that() {
    let production = &*PRODUCTION;
    let whole = fs::read_to_string(production.path("app.sql")).unwrap();
    let roles = ", roles: [reader, app], amcheck: false";
    let block = whole.find("COPY public.key_4 ").unwrap();
    let row = block + whole[block..].find("\n100\t").unwrap() + 1;
    let end = block + whole[block..].find("\n\\.\n").unwrap() + 4;

    // Between two statements: psql has nothing to complain about.
    fs::write(production.path("boundary.sql"), &whole[..end]).unwrap();
    let fact = production.drill_of("boundary.sql", roles);
    assert_eq!((value(&fact, "exit_code"), value(&fact, "errors")), (&Value::Int(0), &Value::Int(0)));
    assert_eq!(judged(&fact)[0], Status::Fail);

    // Between two rows: psql takes the end of the file for the end of the rows.
    fs::write(production.path("row.sql"), &whole[..row]).unwrap();
    let fact = production.drill_of("row.sql", roles);
    assert_eq!(value(&fact, "exit_code"), &Value::Int(0), "{fact:#?}");
    assert_eq!(value(&fact, "counts.public.key_4"), &Value::Int(99));
    assert_eq!(value(&fact, "dump.quality"), &"bad".into());
    assert_eq!(judged(&fact)[0], Status::Fail);

    // Inside of a row, compressed: the client stops, and both say so.
    fs::write(production.path("byte.sql.gz"), gzip(&whole.as_bytes()[..row + 2])).unwrap();
    let fact = production.drill_of("byte.sql.gz", roles);
    assert_ne!(value(&fact, "errors"), &Value::Int(0));
    assert_eq!(judged(&fact)[..2], [Status::Fail, Status::Fail]);
    assert_nothing_left(&fact);

    // One row missing, everything else whole: only the other side's count can tell.
    let next = row + whole[row..].find('\n').unwrap() + 1;
    fs::write(production.path("less.sql"), format!("{}{}", &whole[..row], &whole[next..])).unwrap();
    let fact = production.drill_of("less.sql", roles);
    assert_eq!(judged(&fact), [Status::Pass; 3]);
    let rows = production.cluster.psql("shop", "SELECT count(*) FROM key_4");
    assert_eq!(value(&fact, "counts.public.key_4"), &Value::Int(2801));
    assert_ne!(rows, "2801");
}

#[test]
fn a_cut_archive_and_a_second_message_fail_each_by_its_own_check() {
    let production = &*PRODUCTION;
    let whole = fs::read(production.path("app.dump")).unwrap();
    fs::write(production.path("cut.dump"), &whole[..whole.len() - 2000]).unwrap();
    let fact = production.drill_of("cut.dump", ", roles: [reader]");
    assert_eq!(judged(&fact)[0], Status::Fail);
    assert_nothing_left(&fact);

    production.cluster.psql(
        "shop",
        "CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR app SERVER other;",
    );
    production.dump(&["-F", "c", "-f"], "second.dump");
    production.cluster.psql("shop", "DROP SERVER other CASCADE");
    let fact = production.drill_of("second.dump", ", roles: [reader], jobs: 1");
    assert_eq!(value(&fact, "errors"), &Value::Int(2));
    assert_eq!(judged(&fact), [Status::Pass, Status::Fail, Status::Pass]);

    // The role that nobody made: its grants fail too, and nobody named them.
    let fact = production.drill_of("app.dump", ", counts: none");
    assert_eq!(judged(&fact)[1], Status::Fail);
    assert_eq!(missing(&fact, "counts"), Reason::NotApplicable);
}

#[test]
fn what_parallel_workers_say_at_once_is_told_apart() {
    let production = &*PRODUCTION;
    // Indexes whose function finds its table in production only: every one fails, in whichever worker.
    let mut sql = String::from(
        "DROP DATABASE IF EXISTS noisy; CREATE DATABASE noisy;\n\\c noisy\nCREATE TABLE lookup (n integer);\n\
         CREATE FUNCTION f(i integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS \
         'BEGIN RETURN i + (SELECT count(*) FROM lookup); END';\n",
    );
    for number in 0..60 {
        sql.push_str(&format!(
            "CREATE TABLE noisy_{number} AS SELECT 1 AS n; CREATE INDEX ON noisy_{number} (f(n));\n"
        ));
    }
    production.cluster.psql("postgres", &sql);
    let dump = production.path("noisy.dump");
    let done = production.cluster.command("pg_dump").args(["-F", "c", "-f"]).arg(&dump).arg("noisy").output().unwrap();
    assert!(done.status.success());
    for _ in 0..3 {
        let fact = production.drill_of("noisy.dump", ", jobs: 6, amcheck: false");
        assert_eq!(value(&fact, "errors"), &Value::Int(60));
        let Value::List(messages) = value(&fact, "messages") else { panic!("no list") };
        assert_eq!(messages.len(), 60, "{messages:#?}");
        let whole = |message: &Value| {
            let text = message.at("text").and_then(Value::as_text).unwrap();
            let begins =
                "error: could not execute query: ERROR: relation \"lookup\" does not exist; command: CREATE INDEX ";
            text.starts_with(begins) && text.ends_with("USING btree (public.f(n));")
        };
        assert!(messages.iter().all(whole), "{messages:#?}");
    }
}

#[test]
fn less_than_everything_says_what_it_does_not_prove() {
    let production = &*PRODUCTION;
    let fact = production.drill_of("app.dump", ", roles: [reader, app], mode: schema");
    assert_eq!(value(&fact, "rows_total"), &Value::Int(0));
    assert_eq!(value(&fact, "restored.by_schema.public.tables"), &Value::Int(10));
    assert!(value(&fact, "does_not_prove.0").to_string().contains("any row"));
    assert_eq!(missing(&fact, "counts_equal"), Reason::NotApplicable);

    let fact =
        production.drill_of("app.dump", ", roles: [reader, app], mode: sample, tables: [public.key_3, pgboss.job]");
    assert_eq!(value(&fact, "counts.public.key_3"), &Value::Int(98));
    assert_eq!(value(&fact, "counts.pgboss.job"), &Value::Int(500));
    assert_eq!(value(&fact, "counts.public.key_4"), &Value::Int(0));
    assert_eq!(value(&fact, "errors"), &Value::Int(0));
    assert!(value(&fact, "does_not_prove").to_string().contains("foreign keys"));

    let fact = production.drill_of("app.sql", ", mode: schema");
    assert_eq!(missing(&fact, "restored"), Reason::NotApplicable);
    assert_nothing_left(&fact);
}

#[test]
fn limits_and_missing_programs_are_absences_and_everything_is_put_away() {
    let production = &*PRODUCTION;
    let fact = production.drill_of("app.dump", ", scratch_limit: 1 MiB");
    assert_eq!(missing(&fact, "system_identifier"), Reason::Limit, "{fact:#?}");
    assert_nothing_left(&fact);
    let empty = tempfile::tempdir().unwrap();
    let fact = production.drill_of("app.dump", &format!(", binaries: {}", empty.path().display()));
    let Some(Err(absence)) = fact.at("counts") else { panic!("{fact:#?}") };
    assert_eq!(absence.reason, Reason::Unavailable);
    assert!(absence.settle.as_deref().is_some_and(|c| c.starts_with("apt-get install postgresql-")), "{absence:?}");
}

/// A stand-in for `docker`: it notes its command lines, and what runs inside of the container runs on
/// this machine below a folder. With a `socket`, every client is sent there instead, and the
/// container cannot be removed.
fn stand_in(production: &Production, folder: &Path, socket: Option<&Path>) -> PathBuf {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let script = r#"#!/bin/sh
echo "$@" >> @HERE@/log
unset LC_ALL
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; else "$@"; fi; }
verb=$1; shift
case $verb in
ps) case "$*" in *Names*) echo evidence-drill-1.1.@SPACE@-dead00;; *) [ -n "@SOCKET@" ] && echo abc;; esac
    exit 0;;
image|volume) ;;
inspect) echo 'none 0 sha256:77'; echo "volume|$(printf %064d 7)|@HERE@/inside";;
container) echo 4096;;
run) as mkdir -m 0700 @HERE@/inside;;
rm) case "$*" in *dead00) exit;; esac
    [ -n "@SOCKET@" ] && exit 1
    [ -f @HERE@/inside/data/postmaster.pid ] && kill -QUIT "$(head -1 @HERE@/inside/data/postmaster.pid)"
    rm -rf @HERE@/inside;;
exec)
    detached=$1; shift 2
    program=$1; shift
    for word; do shift; set -- "$@" "$(echo "$word" | sed 's#/tmp/evidence-drill#@HERE@/inside#g')"; done
    cd @HERE@
    case $program in
    initdb) as @BIN@/initdb "$@";;
    sh) as sh "$@";;
    postgres) as @BIN@/postgres "$@" >/dev/null 2>&1 & ;;
    *) [ -n "@SOCKET@" ] && exec @BIN@/"$program" "$@" -h "@SOCKET@"; exec @BIN@/"$program" "$@";;
    esac;;
esac
"#;
    let script = script
        .replace("@HERE@", &folder.to_string_lossy())
        .replace("@BIN@", &production.cluster.binaries().to_string_lossy())
        .replace("@SOCKET@", &socket.unwrap_or(Path::new("")).to_string_lossy())
        .replace("@SPACE@", &evidence::base::process::Identity::own().space.to_string());
    let docker = folder.join("docker");
    fs::write(&docker, script).unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    folder.join("log")
}

const INSIDE: &str = "EVIDENCE_TEST_DRILL";

/// Runs the test `name` again in a process of its own with the stand-in on its PATH; gives the
/// stand-in's command lines.
fn contained(name: &str, socket: Option<&Path>) -> String {
    let production = &*PRODUCTION;
    let folder = tempfile::Builder::new().prefix("ev-c-").tempdir_in("/tmp").unwrap();
    let log = stand_in(production, folder.path(), socket);
    let target = format!("  production: {{ sysid: \"{}\" }}", production.sysid);
    let image = format!("docker.io/library/postgres@sha256:{}", "ab".repeat(32));
    let with = format!("path: {:?}, roles: [reader], engine: docker, image: '{image}'", production.path("app.dump"));
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", name, "--nocapture"]).env("PATH", path);
    let ran = again.env(INSIDE, format!("{target}\n{with}")).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.success(), "{}{}", said(&ran.stdout), said(&ran.stderr));
    fs::read_to_string(log).unwrap()
}

/// The fact of the drill that the outer process ordered; `None` in that process.
fn inside() -> Option<Fact> {
    let given = std::env::var(INSIDE).ok()?;
    let (target, with) = given.split_once('\n').unwrap();
    Some(facts(&case(target, &format!("  - {{ id: drill, uses: restore.drill, with: {{ {with} }} }}"))).remove(0))
}

#[test]
fn a_container_that_is_production_is_refused_before_anything_is_restored() {
    if let Some(fact) = inside() {
        let Some(Err(absence)) = fact.at("restored") else { panic!("{fact:#?}") };
        assert_eq!(absence.reason, Reason::WrongIdentity);
        assert!(
            absence.message.contains("the target `production`") && absence.message.contains("nothing was restored")
        );
        assert_eq!(value(&fact, "teardown.container_exists"), &Value::Bool(true), "what is not gone shows");
        return;
    }
    let socket = PRODUCTION.cluster.socket_dir();
    PRODUCTION.cluster.psql("postgres", "DROP DATABASE IF EXISTS drill");
    let log = contained("drill::a_container_that_is_production_is_refused_before_anything_is_restored", Some(socket));
    assert!(!log.contains("pg_restore") && !log.contains("cat >"), "{log}");
    assert!(log.lines().any(|line| line.starts_with("rm --force --volumes evidence-drill-")), "{log}");
}

#[test]
fn a_container_drills_like_a_local_server() {
    if let Some(fact) = inside() {
        assert_eq!(judged(&fact), [Status::Pass; 3], "{fact:#?}");
        assert_eq!(text(&fact, "isolation.network"), "none");
        assert_eq!(value(&fact, "isolation.published_ports"), &Value::Int(0));
        assert_eq!(text(&fact, "isolation.shared_folder"), "none");
        assert_eq!(
            (value(&fact, "isolation.mounts"), value(&fact, "isolation.anonymous_volumes")),
            (&Value::Int(1), &Value::Int(1))
        );
        assert_eq!(value(&fact, "scratch_peak_bytes"), &Value::Int(4096));
        assert_eq!(value(&fact, "teardown.container_exists"), &Value::Bool(false));
        assert_eq!(value(&fact, "teardown.processes"), &Value::Int(0));
        assert_eq!(value(&fact, "teardown.folder_exists"), &Value::Bool(false));
        return;
    }
    let log = contained("drill::a_container_drills_like_a_local_server", None);
    // How large it is, is asked beside all of that.
    let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with("container inspect --size")).collect();
    assert!(lines[1].starts_with("rm --force --volumes evidence-drill-1.1."), "a dead owner's is removed: {log}");
    assert!(lines[2].starts_with("image inspect "), "{log}");
    assert!(lines[3].starts_with("run --detach --rm --pull=never --network none --name evidence-drill-"), "{log}");
    let image = format!("--entrypoint sleep docker.io/library/postgres@sha256:{} 7500", "ab".repeat(32));
    assert!(lines[3].ends_with(&image), "{log}");
    assert!(log.contains("sh -c umask 077; cat > /tmp/evidence-drill/dump"), "{log}");
    assert!(
        log.contains("pg_restore -w -U postgres -h /tmp/evidence-drill -d drill --jobs=2 /tmp/evidence-drill/dump"),
        "{log}"
    );
    assert!(lines.iter().any(|line| line.starts_with("rm --force --volumes evidence-drill-")), "{log}");
}

/// Only one test at a time may count folders and processes.
static ALONE: Mutex<()> = Mutex::new(());

/// A world of its own with a drill of a small dump in it, whose scratch is a folder of its own.
fn small_world() -> (World, PathBuf, tempfile::TempDir) {
    let world = World::new();
    let scratch = tempfile::Builder::new().prefix("ev-d-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let dump = PRODUCTION.path("app.dump");
    world.case(
        "hb",
        &format!(
            "collect:\n  - {{ id: drill, uses: restore.drill, with: {{ path: {dump:?}, roles: [reader], scratch: {:?} }} }}\n",
            scratch.path()
        ),
    );
    world.write(
        "policies/plain.yaml",
        "policy: plain\ntitle: t\nchecks:\n  - { id: C, title: c, require: { fact: drill.complete, equals: true } }\n",
    );
    let path = scratch.path().to_owned();
    (world, path, scratch)
}

fn homes(scratch: &Path) -> usize {
    fs::read_dir(scratch).unwrap().count()
}

/// Processes that work below `folder`.
fn workers(folder: &Path) -> Vec<String> {
    let cwd = |pid: &str| fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|e| e.unwrap().file_name().into_string().ok());
    let pids = pids.filter(|pid| pid.bytes().all(|b| b.is_ascii_digit()));
    pids.filter(|pid| cwd(pid).starts_with(folder)).collect()
}

fn spawn(world: &World) -> std::process::Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("evidence"));
    command.current_dir(world.root()).args(["collect", "hb"]).env("NO_COLOR", "1");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_collection_drills_inside_the_sandbox_and_a_signal_puts_it_away() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, scratch, _keep) = small_world();
    let ran = world.run(&["collect", "hb", "--require-sandbox"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(homes(&scratch), 0);
    let run = world.run_folder("hb");
    assert!(!run.join("UNSEALED").exists());
    let sealed = fs::read_dir(run.parent().unwrap()).unwrap().count();

    let mut child = spawn(&world);
    let started = Instant::now();
    while workers(&scratch).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(400));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    assert_eq!((homes(&scratch), workers(&scratch)), (0, Vec::new()), "everything was put away before the end");
    let runs = fs::read_dir(run.parent().unwrap()).unwrap().map(|e| e.unwrap().path());
    let unsealed = runs.filter(|run| run.join("UNSEALED").exists()).count();
    assert_eq!((unsealed, fs::read_dir(run.parent().unwrap()).unwrap().count()), (1, sealed + 1));
}

#[test]
fn killed_at_twenty_points_nothing_is_left_after_the_next_command() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, scratch, _keep) = small_world();
    let whole = Instant::now();
    spawn(&world).wait().unwrap();
    let whole = whole.elapsed();
    let (mut left, mut killed) = (0, 0);
    for point in 1..=20 {
        let mut child = spawn(&world);
        // From the first instant to shortly before the end; the machine may be faster now.
        std::thread::sleep(whole * point / 26);
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        left += homes(&scratch);
    }
    assert!(killed > 10 && left > 8, "the kills came while there was something to leave: {killed}, {left}");
    let ran = world.run(&["collect", "hb"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!((homes(&scratch), workers(&scratch)), (0, Vec::new()));
    // What is sealed was not killed: its drill came to its end and was put away.
    let runs = fs::read_dir(world.path("reports/hb/runs")).unwrap().map(|e| e.unwrap().path());
    let sealed: Vec<_> = runs.filter(|run| run.is_dir() && !run.join("UNSEALED").exists()).collect();
    assert!(sealed.len() >= 2 && sealed.len() <= 22 - killed as usize, "{} sealed, {killed} killed", sealed.len());
    for run in sealed {
        let facts = fs::read_to_string(run.join("data/facts.jsonl")).unwrap();
        assert!(facts.contains("\"complete\":true") && facts.contains("\"folder_exists\":false"), "{facts}");
    }
}

#[test]
fn a_dump_whose_commands_reach_for_another_server_reaches_nothing() {
    let production = &*PRODUCTION;
    production.cluster.psql("shop", "CREATE TABLE IF NOT EXISTS public.reached (n integer)");
    let plain = fs::read_to_string(production.path("app.sql")).unwrap();
    let (socket, mark) = (production.cluster.socket_dir().display(), production.path("mark"));
    let reach = format!(
        "\\! touch {0}\n\\o {0}\n\\c \"host={socket} user=postgres dbname=shop\"\nDROP TABLE public.reached;\n",
        mark.display()
    );
    // The bytes are whole to the trailer.
    let trailer = "\n--\n-- PostgreSQL database dump complete";
    fs::write(production.path("reach.sql"), plain.replacen(trailer, &format!("\n{reach}{trailer}"), 1)).unwrap();
    let fact = production.drill_of("reach.sql", ", on_error: continue");
    assert!(value(&fact, "messages").to_string().contains("backslash commands are restricted"), "{fact:#?}");
    assert_eq!(missing(&fact, "complete"), Reason::Failed, "the bytes are whole, what was restored is not");
    assert_eq!(missing(&fact, "counts_equal"), Reason::Failed);
    assert_eq!(judged(&fact), [Status::Unknown, Status::Fail, Status::Unknown]);
    assert!(!mark.exists());
    production.cluster.psql("shop", "SELECT 1 FROM public.reached LIMIT 1");
    production.cluster.psql("shop", "DROP TABLE public.reached");
}
