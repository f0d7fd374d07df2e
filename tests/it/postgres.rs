//! The PostgreSQL collectors against a real server, and their command lines against a stand-in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use evidence::model::fact::{Fact, Reason};
use evidence::model::value::Value;

use crate::support::cluster::Cluster;
use crate::support::look::{case, facts, refusal, value};

const INSIDE: &str = "EVIDENCE_TEST_INSIDE";

/// A target of `cluster`, with more keys for `postgres:` and for the target itself.
fn target(cluster: &Cluster, more: &str, beside: &str) -> String {
    let host = cluster.socket_dir().display();
    format!("  db: {{ postgres: {{ host: {host}, database: postgres, user: postgres{more} }}{beside} }}")
}

fn one(targets: &str, step: &str) -> Fact {
    facts(&case(targets, &format!("  - {step}"))).remove(0)
}

fn query(targets: &str, sql: &str) -> Fact {
    one(targets, &format!("{{ id: q, uses: postgres.query, on: db, with: {{ query: {sql:?} }} }}"))
}

fn reason(fact: &Fact) -> (Reason, String, String) {
    let absence = fact.absence.clone().unwrap_or_else(|| panic!("not absent: {fact:#?}"));
    (absence.reason, absence.message, absence.settle.unwrap_or_default())
}

/// Runs the test `name` again in a process of its own with these variables.
fn again(name: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(INSIDE, "yes");
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn assert_success(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn identity_privilege_and_size_are_seen_in_a_read_only_session() {
    let cluster = Cluster::start().unwrap();
    cluster.psql(
        "postgres",
        "CREATE ROLE backup LOGIN; CREATE SCHEMA sandbox_tac; CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO backup;
         CREATE SCHEMA pgboss; CREATE TABLE sandbox_tac.t AS SELECT generate_series(1, 1000) AS n;
         CREATE SCHEMA \"it's \"\"odd\"\" é\";",
    );
    let known = cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    let targets = target(&cluster, "", &format!(", sysid: \"{known}\""));

    let fact = one(&targets, "{ id: identity, uses: postgres.identity, on: db }");
    assert_eq!(value(&fact, "system_identifier"), &Value::from(known.as_str()));
    let made = cluster.psql(
        "postgres",
        "SELECT to_char(to_timestamp(system_identifier >> 32) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
         FROM pg_control_system()",
    );
    assert_eq!(value(&fact, "initdb_time"), &Value::from(made));
    assert_eq!(value(&fact, "connection"), &Value::from("unix socket"));
    assert_eq!(value(&fact, "listen_addresses"), &Value::from(""));
    assert_eq!(value(&fact, "in_recovery"), &Value::Bool(false));
    assert_eq!(value(&fact, "is_superuser"), &Value::Bool(true));
    assert_eq!(fact.at("server_address").unwrap().unwrap_err().reason, Reason::NotApplicable);
    assert!(value(&fact, "data_directory").to_string().ends_with("/data"));
    assert_eq!(value(&fact, "session.read_only"), &Value::Bool(true));
    assert_eq!(value(&fact, "session.isolation"), &Value::from("repeatable read"));
    assert_eq!(value(&fact, "session.xid_assigned"), &Value::Bool(false));

    let low = targets.replace("user: postgres", "user: backup");
    let fact = one(&low, "{ id: identity, uses: postgres.identity, on: db }");
    assert_eq!(value(&fact, "current_user"), &Value::from("backup"));
    assert_eq!(fact.at("data_directory").unwrap().unwrap_err().reason, Reason::Denied);

    let privilege = |role: &str, schema: &str, privilege: &str| {
        let with = format!("{{ role: {role:?}, schema: {schema:?}, privilege: {privilege} }}");
        one(&targets, &format!("{{ id: p, uses: postgres.schema_privilege, on: db, with: {with} }}"))
    };
    let fact = privilege("backup", "sandbox_tac", "USAGE");
    assert_eq!(value(&fact, "has_privilege"), &Value::Bool(false));
    assert_eq!(value(&fact, "answer"), &Value::from("f"));
    let exact = "SELECT has_schema_privilege('backup', 'sandbox_tac', 'USAGE')";
    assert_eq!(value(&fact, "query"), &Value::from(exact));
    assert!(fact.how.iter().any(|how| how.starts_with(exact)), "{:?}", fact.how);
    assert_eq!(cluster.psql("postgres", exact), "f");
    assert_eq!(value(&privilege("backup", "open", "USAGE"), "has_privilege"), &Value::Bool(true));
    assert_eq!(value(&privilege("backup", "open", "CREATE"), "has_privilege"), &Value::Bool(false));
    let odd = "it's \"odd\" é";
    assert_eq!(value(&privilege("backup", odd, "USAGE"), "has_privilege"), &Value::Bool(false));
    for (role, schema, names) in [("nobody_here", "open", "role"), ("backup", "x'); DROP SCHEMA open; --", "schema")] {
        let fact = privilege(role, schema, "USAGE");
        let absence = fact.at("has_privilege").unwrap().unwrap_err().clone();
        assert_eq!(absence.reason, Reason::NotFound);
        assert!(absence.message.contains(names) && absence.settle.is_some(), "{absence:?}");
    }

    let fact = one(&targets, "{ id: size, uses: postgres.size, on: db, with: { max_schemas: 4 } }");
    let bytes: i64 = cluster.psql("postgres", "SELECT pg_database_size('postgres')").parse().unwrap();
    assert!((value(&fact, "database_bytes").as_int().unwrap() - bytes).abs() < 1_000_000);
    assert_eq!(value(&fact, "schema_count"), &Value::Int(5));
    assert_eq!(value(&fact, "schemas_cut"), &Value::Bool(true));
    assert_eq!(value(&fact, "schemas.0.schema"), &Value::from("sandbox_tac"));
    assert_eq!(value(&fact, "schemas.0.tables"), &Value::Int(1));
}

#[test]
fn rows_are_typed_capped_and_cannot_pretend() {
    let cluster = Cluster::start().unwrap();
    let targets = target(&cluster, "", "");
    let fact = query(&targets, "SELECT 1 AS a, NULL::text AS b, 7611578671664259111 AS big, 0.5 AS half, true AS yes");
    assert_eq!(value(&fact, "columns").to_string(), "[a, b, big, half, yes]");
    assert_eq!(value(&fact, "rows.0.big"), &Value::from("7611578671664259111"));
    assert_eq!(value(&fact, "rows.0.half"), &Value::Real(0.5));
    assert_eq!(value(&fact, "nulls.b"), &Value::Int(1));
    assert_eq!(fact.at("rows.0.b").unwrap().unwrap_err().reason, Reason::NotFound);
    assert_eq!(fact.at("value").unwrap().unwrap_err().reason, Reason::NotApplicable);
    assert_eq!(value(&fact, "session.xid_assigned"), &Value::Bool(false));

    let fact = query(&targets, "SELECT count(*) FROM pg_class WHERE relname = 'pg_class'");
    assert_eq!(value(&fact, "value"), &Value::Int(1));

    let fact = query(&targets, "SELECT g FROM generate_series(1, 5000) AS g");
    assert_eq!((value(&fact, "rows_kept"), value(&fact, "cut")), (&Value::Int(1000), &Value::Bool(true)));
    // A check of how many there are must not pass on the cap.
    assert_eq!(fact.at("row_count").unwrap().unwrap_err().reason, Reason::Limit);
    let fact = query(&targets, "SELECT g FROM generate_series(1, 0) AS g");
    assert_eq!((value(&fact, "row_count"), value(&fact, "cut")), (&Value::Int(0), &Value::Bool(false)));

    // psql's own commands and variables, line feeds in JSON and text that looks like our frames.
    let fact =
        query(&targets, "SELECT ':DBNAME' AS a, '{\"k\":\n[1]}'::json AS j, ':' || chr(92) || 'q' AS q, 'x[end]' AS f");
    assert_eq!(value(&fact, "rows.0.a"), &Value::from(":DBNAME"));
    assert_eq!(value(&fact, "rows.0.j.k.0"), &Value::Int(1));
    assert_eq!(value(&fact, "rows.0.q"), &Value::from(":\\q"));

    let fact = query(&targets, "SELECT 1 AS a, 2 AS a");
    assert_eq!(reason(&fact).0, Reason::Unparsable);
    let fact = query(&targets, "SELECT no_such_column FROM pg_class");
    assert_eq!(reason(&fact).0, Reason::Failed);
}

#[test]
fn hostile_queries_are_refused_before_anything_is_sent() {
    // No server is there: a refusal cannot have come from one.
    let targets = "  db: { postgres: { host: /nonexistent } }";
    for sql in [
        "COMMIT; DROP TABLE t",
        "SELECT 1; SELECT 2",
        "SELECT 1) q; COMMIT; CREATE TABLE owned(); SELECT (1",
        "WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d",
        "SELECT nextval('s')",
        "SELECT pg_catalog.\"setval\"('s', 1)",
        "COPY t TO PROGRAM 'id'",
        "SELECT 1 \\! id",
        "\\copy t to '/tmp/x'",
        "SELECT 'a\\'; COMMIT; --'",
        "SELECT 1 -- ) q; COMMIT",
        "SELECT * FROM t FOR UPDATE",
    ] {
        let step = format!("  - {{ id: q, uses: postgres.query, on: db, with: {{ query: {sql:?} }} }}");
        let message = refusal(&case(targets, &step));
        assert!(message.starts_with("collect `q`: postgres.query: query: "), "{sql}: {message}");
    }
}

#[test]
fn the_transaction_stops_what_the_list_does_not_know() {
    let cluster = Cluster::start().unwrap();
    cluster.psql(
        "postgres",
        "CREATE TABLE t (n int); CREATE SEQUENCE s;
         CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING n';
         CREATE FUNCTION counts() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''s'')';
         CREATE FUNCTION frees() RETURNS text LANGUAGE sql
         AS 'SELECT set_config(''transaction_read_only'', ''off'', true)';",
    );
    let targets = target(&cluster, "", "");
    for call in ["harmless()", "counts()", "frees()"] {
        let (reason, message, _) = reason(&query(&targets, &format!("SELECT {call}")));
        assert!(matches!(reason, Reason::Denied | Reason::Failed), "{call}: {message}");
    }
    assert_eq!(cluster.psql("postgres", "SELECT count(*) FROM t"), "0");
    assert_eq!(cluster.psql("postgres", "SELECT is_called FROM s"), "f");
}

#[test]
fn functions_of_the_target_cannot_answer_in_place_of_the_servers_own() {
    let cluster = Cluster::start().unwrap();
    cluster.psql(
        "postgres",
        "CREATE FUNCTION public.has_schema_privilege(text, text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
         CREATE FUNCTION public.pg_is_in_recovery() RETURNS bool LANGUAGE sql STABLE AS 'SELECT true';
         CREATE ROLE backup; CREATE SCHEMA shut;
         ALTER DATABASE postgres SET search_path = public, pg_catalog;",
    );
    let targets = target(&cluster, "", "");
    let with = "{ role: backup, schema: shut, privilege: USAGE }";
    let fact = one(&targets, &format!("{{ id: p, uses: postgres.schema_privilege, on: db, with: {with} }}"));
    assert_eq!(value(&fact, "has_privilege"), &Value::Bool(false));
    let fact = one(&targets, "{ id: i, uses: postgres.identity, on: db }");
    assert_eq!(value(&fact, "in_recovery"), &Value::Bool(false));
    // The operator's own query means what it means to the role.
    assert_eq!(value(&query(&targets, "SELECT pg_is_in_recovery() AS r"), "value"), &Value::Bool(true));
}

#[test]
fn another_cluster_is_asked_nothing() {
    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()");
    let known = cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    let targets = target(&cluster, "", ", sysid: \"7611578671664259111\"");
    let fact = query(&targets, "SELECT 'must never be asked' AS a");
    let (reason, message, settle) = reason(&fact);
    assert_eq!(reason, Reason::WrongIdentity);
    assert!(message.contains("7611578671664259111") && message.contains(&known), "{message}");
    assert!(settle.contains("pg_control_system"), "{settle}");
    assert!(fact.values.is_empty());
    let log = fs::read_to_string(cluster.socket_dir().join("log")).unwrap();
    let spelled: String = b"must never".iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(log.contains("pg_control_system") && !log.contains("must never") && !log.contains(&spelled));
}

#[test]
fn what_goes_wrong_is_an_absence_with_its_reason() {
    let down = "  db: { postgres: { host: /nonexistent, user: app } }";
    let (why, message, settle) = reason(&query(down, "SELECT 1"));
    assert_eq!(why, Reason::Unavailable, "{message}");
    assert!(
        settle.starts_with("psql -X -d 'host=/nonexistent user=app") && settle.ends_with("-c 'SELECT 1'"),
        "{settle}"
    );

    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "CREATE TABLE busy (n int); CREATE ROLE poor LOGIN; CREATE TABLE hidden (n int)");
    let targets = target(&cluster, ", statement_timeout: 300ms, lock_timeout: 100ms", "");

    let (why, message, _) = reason(&query(&targets, "SELECT count(*) FROM generate_series(1, 10000000000) AS g"));
    assert_eq!(why, Reason::TimedOut);
    assert!(message.contains("statement timeout after 300 ms"), "{message}");

    let poor = targets.replace("user: postgres", "user: poor");
    let (why, message, settle) = reason(&query(&poor, "SELECT * FROM hidden"));
    assert_eq!(why, Reason::Denied);
    assert!(
        message.contains("permission denied for table hidden") && settle.contains("FROM hidden"),
        "{message} {settle}"
    );

    let mut holder = cluster.command("psql");
    let script = "BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE; SELECT 'held'; SELECT pg_sleep(60)";
    let mut holder = holder.args(["-X", "-c", script]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let held =
        "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation = 'busy'::regclass";
    while cluster.psql("postgres", held) == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (why, message, settle) = reason(&query(&targets, "SELECT n FROM busy"));
    assert_eq!(why, Reason::TimedOut);
    assert!(message.contains("lock timeout after 100 ms") && message.contains("on busy"), "{message}");
    assert!(settle.contains("pg_locks"), "{settle}");
    holder.kill().unwrap();
    holder.wait().unwrap();

    let gone = targets.replace("database: postgres", "database: nowhere");
    assert_eq!(reason(&query(&gone, "SELECT 1")).0, Reason::Unavailable);
}

#[test]
fn a_wrong_password_is_denied_and_never_shown() {
    if inside() {
        let host = std::env::var("EVIDENCE_TEST_HOST").unwrap();
        let targets = format!("  db: {{ postgres: {{ host: {host}, database: postgres, user: locked }} }}");
        let fact = query(&targets, "SELECT 1");
        let (why, message, _) = reason(&fact);
        assert_eq!(why, Reason::Denied, "{message}");
        assert!(message.contains("password authentication failed"), "{message}");
        let written = serde_json::to_string(&fact).unwrap();
        assert!(!written.contains(&std::env::var("PGPASSWORD").unwrap()));
        return;
    }
    let cluster = Cluster::start().unwrap();
    let right = "right";
    let rules = cluster.socket_dir().join("data/pg_hba.conf");
    cluster.psql(
        "postgres",
        &format!(
            "CREATE ROLE locked LOGIN PASSWORD '{right}';
             COPY (VALUES ('local all locked scram-sha-256'), ('local all all trust')) TO '{}';
             SELECT pg_reload_conf(); SELECT pg_sleep(0.3)",
            rules.display()
        ),
    );
    let wrong = format!("wr{}ng-{}", 'o', std::process::id());
    let host = cluster.socket_dir().display().to_string();
    let name = "postgres::a_wrong_password_is_denied_and_never_shown";
    assert_success(&again(name, &[("EVIDENCE_TEST_HOST", &host), ("PGPASSWORD", &wrong)]));
}

/// Writes a program into `folder` that records its arguments and input, then runs the `psql` that
/// is among its arguments (the record is beside the program; `ssh` joins its words for a shell, as the
/// real one does).
fn stand_in(folder: &Path, name: &str) {
    let run = match name {
        "ssh" => "while [ \"$1\" != -- ]; do shift; done; shift; exec sh -c \"$*\"",
        _ => "while [ \"$1\" != psql ]; do shift; done; exec \"$@\"",
    };
    let record = format!("for a in {name} \"$@\"; do printf '%s\\n' \"$a\"; done >> \"${{0%/*}}/record\"");
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{record}\n{run}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_container_and_a_far_host_are_asked_without_a_shell_of_ours() {
    if inside() {
        let host = std::env::var("EVIDENCE_TEST_HOST").unwrap();
        let record = std::env::var("EVIDENCE_TEST_RECORD").unwrap();
        for (via, line) in [
            ("docker:pg-1", "docker\nexec\n-i\npg-1\ntimeout\n92\npsql\n-X\n"),
            ("podman:pg", "podman\nexec\n-i\npg\ntimeout\n92\npsql\n-X\n"),
            ("ssh:ops@db.example.org", "-T\nops@db.example.org\n--\ntimeout\n92\npsql\n-X\n"),
            ("ssh:db/docker:pg", "-T\ndb\n--\ndocker\nexec\n-i\npg\ntimeout\n92\npsql\n-X\n"),
        ] {
            fs::write(&record, "").unwrap();
            let targets = format!(
                "  db: {{ postgres: {{ via: {via:?}, host: {host}, database: \"odd 'name' $(x)\", user: postgres }} }}"
            );
            let fact = query(&targets, "SELECT current_database() AS d, 'a b' AS s");
            assert_eq!(value(&fact, "rows.0.d"), &Value::from("odd 'name' $(x)"), "{via}");
            assert!(fact.source.contains(via), "{}", fact.source);
            let recorded = fs::read_to_string(&record).unwrap();
            assert!(recorded.contains(line), "{via}: {recorded}");
            let safe = "ssh\n-a\n-x\n-o\nBatchMode=yes\n-o\nConnectTimeout=10\n";
            assert_eq!(recorded.contains(safe), via.starts_with("ssh:"), "{recorded}");
            assert!(!recorded.contains("SELECT"), "SQL goes in on standard input: {recorded}");
        }
        return;
    }
    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "CREATE DATABASE \"odd 'name' $(x)\"");
    let folder = tempfile::tempdir().unwrap();
    for name in ["docker", "podman", "ssh"] {
        stand_in(folder.path(), name);
    }
    let record = folder.path().join("record");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let host = cluster.socket_dir().display().to_string();
    let name = "postgres::a_container_and_a_far_host_are_asked_without_a_shell_of_ours";
    let record = record.display().to_string();
    assert_success(&again(name, &[("EVIDENCE_TEST_HOST", &host), ("PATH", &path), ("EVIDENCE_TEST_RECORD", &record)]));
}

#[test]
fn a_missing_client_is_named() {
    if inside() {
        let (why, message, _) = reason(&query("  db: { postgres: { host: /nonexistent } }", "SELECT 1"));
        assert_eq!(why, Reason::Unavailable);
        assert!(message.contains("`psql` is not installed"), "{message}");
        return;
    }
    assert_success(&again("postgres::a_missing_client_is_named", &[("PATH", "/nonexistent")]));
}

#[test]
fn a_plan_shows_the_command_and_every_statement() {
    let targets = "  db: { postgres: { via: \"docker:pg\", user: app, database: app }, sysid: \"42\" }";
    let case = case(targets, "  - { id: q, uses: postgres.query, on: db, with: { query: SELECT 1 AS a } }");
    let steps = evidence::collect::prepare(&case, &case.before(), Path::new("/"), &[]).unwrap();
    let actions: Vec<String> = steps[0].plan().actions.into_iter().map(|action| action.what).collect();
    assert!(actions[0].starts_with("docker exec -i pg timeout 92 psql -X -q -A -t -0 -w "), "{}", actions[0]);
    assert!(actions[1].starts_with("the docker engine at "), "{}", actions[1]);
    assert_eq!(actions[2], "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    assert!(actions.iter().any(|what| what.contains("unless it is 42")));
    assert!(actions.iter().any(|what| what.contains("SELECT 1 AS a")));
    assert_eq!(actions.last().unwrap(), "ROLLBACK");
}

/// A function that would leave a file on the server's host, and everything that leads to it.
const REACHING: &str = r#"
    CREATE FUNCTION mark() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COPY (SELECT 1) TO '<file>'; RETURN 1; END $$;
    CREATE FUNCTION "na sty"() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN mark(); END $$;
    CREATE VIEW quoted AS SELECT "na sty"() AS x;
    CREATE FUNCTION in_body() RETURNS int LANGUAGE sql STABLE AS 'SELECT x FROM quoted';
    CREATE FUNCTION quoted_in_body() RETURNS int LANGUAGE sql STABLE AS 'SELECT "na sty"()';
    CREATE FUNCTION atomic() RETURNS int STABLE BEGIN ATOMIC SELECT mark(); END;
    CREATE FUNCTION opf(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN mark(); END $$;
    CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = opf);
    CREATE FUNCTION operator_in_body() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 OPERATOR(public.###) 2';
    CREATE FUNCTION pl() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN 1 ### 2; END $$;
    CREATE DOMAIN odd AS int CHECK (mark() > 0);
    CREATE FUNCTION domain_in_body() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1::odd::int';
    CREATE TABLE lists (x odd[]);
    CREATE FUNCTION defaulted(a int, b int DEFAULT mark()) RETURNS int LANGUAGE sql STABLE AS 'SELECT a';
    CREATE FUNCTION aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa() RETURNS int LANGUAGE sql AS 'SELECT mark()';
    CREATE FUNCTION constant(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN mark(); END $$;
    CREATE FUNCTION of_column(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
    CREATE FUNCTION in_place(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + constant(1)';
    CREATE TABLE folded (a int); CREATE TABLE inlined (a int); CREATE TABLE sound (a int);
    CREATE INDEX ON folded ((a + constant(1))); CREATE INDEX ON inlined (in_place(a)); CREATE INDEX ON sound (of_column(a));
    INSERT INTO sound VALUES (1);
    CREATE TYPE pair AS (a int); CREATE TABLE pairs (c pair);
    CREATE FUNCTION less(pair, pair) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN mark() > 0; END $$;
    CREATE FUNCTION cmp(pair, pair) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN mark(); END $$;
    CREATE OPERATOR < (LEFTARG = pair, RIGHTARG = pair, FUNCTION = less);
    CREATE OPERATOR CLASS pairs DEFAULT FOR TYPE pair USING btree AS OPERATOR 1 <, FUNCTION 1 cmp(pair, pair);
    CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE far (a text) SERVER files OPTIONS (program 'touch <file>');
    CREATE TABLE parted (a text) PARTITION BY LIST (a);
    CREATE FOREIGN TABLE part PARTITION OF parted FOR VALUES IN ('1') SERVER files OPTIONS (program 'touch <file>');
    CREATE FUNCTION alias(text) RETURNS bool LANGUAGE c STABLE AS '$libdir/adminpack', 'pg_file_unlink_v1_1';
    CREATE TABLE orders (id int, note text); INSERT INTO orders VALUES (1, 'a'), (2, 'b');
    CREATE VIEW latest AS SELECT max(id) AS id FROM orders;
    CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
    CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; INSERT INTO guarded VALUES (1);
    CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; CREATE EXTENSION citext;
    CREATE TABLE tagged (tags hstore, mail citext); INSERT INTO tagged VALUES ('a=>1', 'A@example.org');
    CREATE INDEX ON tagged USING gist (tags)"#;

#[test]
fn a_query_is_refused_by_what_it_reaches_and_nothing_is_written() {
    let cluster = Cluster::start().unwrap();
    let file = cluster.socket_dir().join("written");
    cluster.psql("postgres", &REACHING.replace("<file>", &file.display().to_string()));
    // Making the indexes has run their functions already.
    fs::remove_file(&file).unwrap();
    let targets = target(&cluster, "", "");
    let long = "SELECT ".to_owned() + &"a".repeat(70) + "()";
    for sql in [
        "SELECT x FROM quoted",
        "SELECT in_body()",
        "SELECT quoted_in_body()",
        "SELECT atomic()",
        "SELECT operator_in_body()",
        "SELECT pl()",
        "SELECT domain_in_body()",
        "SELECT * FROM lists WHERE x = '{1}'",
        "SELECT defaulted(1)",
        long.as_str(),
        "SELECT count(*) FROM folded",
        "SELECT count(*) FROM inlined",
        "SELECT c FROM pairs ORDER BY c",
        "SELECT * FROM far",
        "SELECT count(*) FROM parted",
        "SELECT alias('x')",
    ] {
        let (why, message, _) = reason(&query(&targets, sql));
        assert!(why == Reason::Denied && message.starts_with("not asked: "), "{sql}: {message}");
    }
    let fact = one(&targets, "{ id: c, uses: postgres.counts, on: db }");
    for table in ["folded", "inlined", "parted"] {
        let absence = fact.at(&format!("by_table.public.{table}")).unwrap().unwrap_err();
        assert!(absence.message.contains("may run other code"), "{table}: {}", absence.message);
    }
    assert_eq!(value(&fact, "by_table.public.sound"), &Value::Int(1));
    assert!(!file.exists());
    // What the database holds besides does not count, and the query has no more rights than it needs.
    for (sql, role) in [
        ("SELECT count(*) FROM sound", "pg_read_all_data"),
        ("SELECT id FROM latest", "pg_read_all_data"),
        ("SELECT sum(twice(id)) FROM orders WHERE note LIKE 'b%' AND id IN (1, 2)", "pg_read_all_data"),
        ("SELECT count(*) FROM tagged WHERE tags ? 'a' AND mail = 'a@example.org'", "pg_read_all_data"),
        ("SELECT setting FROM pg_settings WHERE name = 'data_directory'", "pg_monitor"),
        // Another role would see something else.
        ("SELECT current_user", "postgres"),
        ("SELECT count(*) FROM guarded", "postgres"),
        ("SELECT count(*) FROM information_schema.table_privileges WHERE table_name = 'orders'", "postgres"),
    ] {
        let fact = query(&targets, sql);
        assert!(fact.absence.is_none(), "{sql}: {:?}", fact.absence);
        assert_eq!(value(&fact, "asked_as"), &Value::from(role), "{sql}");
        assert_eq!(value(&fact, "asked_as_superuser"), &Value::Bool(role == "postgres"));
    }
}

#[test]
fn the_schema_of_the_role_is_looked_into_whatever_role_asks() {
    let cluster = Cluster::start().unwrap();
    cluster.psql(
        "postgres",
        "CREATE SCHEMA postgres; CREATE TABLE postgres.t AS SELECT 1 AS n; CREATE TABLE public.t AS SELECT 2 AS n",
    );
    let fact = query(&target(&cluster, "", ""), "SELECT n FROM t");
    assert_eq!((value(&fact, "value"), value(&fact, "asked_as")), (&Value::Int(1), &Value::from("pg_read_all_data")));
}

#[test]
fn the_client_and_its_variables_are_facts_and_a_part_of_the_plan() {
    let targets = "  db: { postgres: { database: postgres, user: postgres } }";
    let step = "  - { id: q, uses: postgres.query, on: db, with: { query: SELECT 1 AS a } }";
    if inside() {
        let case = case(targets, step);
        let steps = evidence::collect::prepare(&case, &case.before(), Path::new("/"), &[]).unwrap();
        let actions: Vec<String> = steps[0].plan().actions.into_iter().map(|action| action.what).collect();
        let host = std::env::var("PGHOST").unwrap();
        let own = std::env::var("EVIDENCE_TEST_PSQL").unwrap();
        assert!(actions[0].starts_with(&format!("{own} -X ")), "{}", actions[0]);
        assert!(actions.contains(&format!("with the variable PGHOST ({host})")), "{actions:?}");
        assert!(actions.contains(&"with the variable PGPASSWORD (set, not shown)".to_owned()), "{actions:?}");
        let fact = facts(&case).remove(0);
        assert_eq!(value(&fact, "session.client.program"), &Value::from(own));
        assert_eq!(value(&fact, "session.client.sha256").to_string().len(), 64);
        assert_eq!(value(&fact, "session.client.variables.PGHOST"), &Value::from(host.as_str()));
        assert_eq!(value(&fact, "session.server.host"), &Value::from(host.as_str()));
        assert!(value(&fact, "session.server.data_directory").to_string().starts_with(&host));
        assert_eq!(fact.at("session.server.address").unwrap().unwrap_err().reason, Reason::NotApplicable);
        assert!(!serde_json::to_string(&fact).unwrap().contains(&std::env::var("PGPASSWORD").unwrap()));
        return;
    }
    let cluster = Cluster::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("psql");
    fs::write(&own, format!("#!/bin/sh\nexec {} \"$@\"\n", cluster.binaries().join("psql").display())).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let (host, own) = (cluster.socket_dir().display().to_string(), own.display().to_string());
    let password = format!("pa{}word-{}", "ss", std::process::id());
    let name = "postgres::the_client_and_its_variables_are_facts_and_a_part_of_the_plan";
    let variables =
        [("PGHOST", host.as_str()), ("PATH", &path), ("PGPASSWORD", &password), ("EVIDENCE_TEST_PSQL", &own)];
    assert_success(&again(name, &variables));
}
