//! The collectors that show that production was not changed, on one real cluster: counts, objects,
//! fingerprints, activity, and the derivation over them; hostile queries; the guard of a dump role;
//! locks of functions; one file here and there.

use std::fs;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use evidence::model::fact::{Basis, Fact, Reason};
use evidence::model::value::Value;

use crate::support::cluster::Cluster;
use crate::support::look::{case, facts, refusal, value};
use crate::support::world::World;

/// The one cluster of these tests, for one test at a time: its counters belong to all databases.
struct Shared {
    cluster: Arc<Cluster>,
    _turn: MutexGuard<'static, ()>,
}

static ALIVE: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static TURN: Mutex<()> = Mutex::new(());

fn shared() -> Shared {
    let mut alive = ALIVE.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = alive.upgrade().unwrap_or_else(|| Arc::new(Cluster::start().unwrap()));
    *alive = Arc::downgrade(&cluster);
    drop(alive);
    Shared { cluster, _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner) }
}

impl Shared {
    /// A fresh database with this in it.
    fn database(&self, name: &str, sql: &str) {
        self.cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.cluster.psql(name, sql);
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        self.cluster.psql(database, sql)
    }

    fn target(&self, database: &str, user: &str) -> String {
        let host = self.cluster.socket_dir().display();
        format!("  db: {{ postgres: {{ host: {host}, database: {database}, user: {user} }} }}")
    }

    fn look(&self, database: &str, uses: &str, with: &str) -> Fact {
        one(&self.target(database, "postgres"), uses, with)
    }

    /// Runs pg_dump as `role`.
    fn dump(&self, database: &str, role: &str) -> Output {
        self.cluster.command("pg_dump").args(["-U", role, "-d", database]).output().unwrap()
    }
}

fn one(targets: &str, uses: &str, with: &str) -> Fact {
    facts(&case(targets, &format!("  - {{ id: it, uses: {uses}, on: db, with: {with} }}"))).remove(0)
}

fn text(fact: &Fact, path: &str) -> String {
    value(fact, path).to_string()
}

fn is(fact: &Fact, path: &str, expected: impl Into<Value>) {
    assert_eq!(value(fact, path), &expected.into(), "{path}: {}", fact.id);
}

fn why(fact: &Fact, path: &str) -> (Reason, String) {
    match fact.at(path) {
        Some(Err(absence)) => (absence.reason, absence.message.clone()),
        other => panic!("{path}: {other:?}; {:?} {:?}", fact.absence, fact.missing),
    }
}

/// The rows of a list as `a/b/c` of these keys.
fn rows(fact: &Fact, list: &str, keys: &[&str]) -> Vec<String> {
    let Value::List(rows) = value(fact, list) else { panic!("{list} is no list") };
    let cell = |row: &Value, key: &str| row.at(key).map(ToString::to_string).unwrap_or_default();
    rows.iter().map(|row| keys.iter().map(|key| cell(row, key)).collect::<Vec<_>>().join("/")).collect()
}

const SHOP: &str = "
    CREATE SCHEMA app; CREATE SCHEMA pgboss; CREATE SCHEMA \"odd.one\";
    CREATE TABLE app.orders AS SELECT g AS id FROM generate_series(1, 2802) g;
    CREATE TABLE app.customers (id int PRIMARY KEY); INSERT INTO app.customers SELECT generate_series(1, 166);
    CREATE TABLE app.empty (id int); ANALYZE app.empty;
    CREATE TABLE app.parts (id int) PARTITION BY RANGE (id);
    CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM (0) TO (10);
    INSERT INTO app.parts SELECT generate_series(1, 7);
    CREATE TABLE app.base (id int); CREATE TABLE app.child () INHERITS (app.base);
    INSERT INTO app.base VALUES (1); INSERT INTO app.child VALUES (2), (3);
    CREATE TABLE pgboss.job (id int); INSERT INTO pgboss.job VALUES (1);
    CREATE TABLE \"odd.one\".\"T'a\"\"b\" (id int); INSERT INTO \"odd.one\".\"T'a\"\"b\" VALUES (1), (2);
    CREATE VIEW app.open AS SELECT * FROM app.orders WHERE id > 10;
    CREATE MATERIALIZED VIEW app.mv AS SELECT 1 AS a;
    CREATE SEQUENCE app.seq; CREATE TYPE app.mood AS ENUM ('good', 'bad');
    CREATE FUNCTION app.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
";

#[test]
fn counts_are_exact_or_say_that_they_are_estimates() {
    let here = shared();
    here.database("counts", SHOP);
    let fact = here.look("counts", "postgres.counts", "{ tables: [app.orders, app.customers] }");
    is(&fact, "method", "exact");
    is(&fact, "by_table.app.orders", 2802_i64);
    is(&fact, "by_table.app.customers", 166_i64);
    is(&fact, "total", 2968_i64);
    is(&fact, "session.start.read_only", true);
    is(&fact, "session.read_only", true);
    is(&fact, "session.start.xid_assigned", false);
    is(&fact, "session.xid_assigned", false);

    let fact = here.look("counts", "postgres.counts", "{}");
    is(&fact, "by_table.app.parts", 7_i64);
    is(&fact, "by_table.app.parts_1", 7_i64);
    is(&fact, "by_table.app.base", 1_i64);
    is(&fact, "by_table.app.child", 2_i64);
    is(&fact, "by_table.odd.one.T'a\"b", 2_i64);
    // Partitions are counted once, and pgboss is no system schema.
    is(&fact, "by_table.pgboss.job", 1_i64);
    is(&fact, "total", 2802_i64 + 166 + 7 + 3 + 1 + 2);

    let fact = here.look(
        "counts",
        "postgres.counts",
        "{ method: estimate, tables: [app.orders, app.empty, app.open, app.gone] }",
    );
    is(&fact, "method", "estimate");
    assert!(text(&fact, "estimate_of").contains("reltuples"));
    // 2802 rows were made, but nobody analysed them: the server knows nothing, and that is not 0.
    let (reason, message) = why(&fact, "by_table.app.orders");
    assert!(reason == Reason::Unavailable && message.contains("no estimate"), "{message}");
    is(&fact, "by_table.app.empty", 0_i64);
    assert_eq!(why(&fact, "by_table.app.open").0, Reason::NotApplicable);
    assert_eq!(why(&fact, "by_table.app.gone").0, Reason::NotFound);
    why(&fact, "total");
    why(&fact, "counts_sha256");
    here.sql("counts", "ANALYZE app.orders");
    let fact = here.look("counts", "postgres.counts", "{ method: estimate, tables: [app.orders] }");
    is(&fact, "by_table.app.orders", 2802_i64);

    // What the role may not read, or not see whole, is missing and not smaller.
    here.sql(
        "counts",
        "CREATE ROLE counter LOGIN; GRANT USAGE ON SCHEMA app TO counter; GRANT SELECT ON app.customers TO counter;
         GRANT SELECT ON app.empty TO counter; ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY",
    );
    let low = here.target("counts", "counter");
    let fact = one(&low, "postgres.counts", "{ tables: [app.orders, app.customers, app.empty] }");
    assert_eq!(why(&fact, "by_table.app.orders").0, Reason::Denied);
    let (reason, message) = why(&fact, "by_table.app.customers");
    assert!(reason == Reason::Denied && message.contains("row-level security"), "{message}");
    is(&fact, "by_table.app.empty", 0_i64);
    why(&fact, "total");
    assert!(
        refusal(&case(&low, "  - { id: c, uses: postgres.counts, on: db, with: { tables: [orders] } }"))
            .contains("not `schema.name`")
    );
}

#[test]
fn objects_are_found_only_as_what_they_should_be() {
    let here = shared();
    here.database("objects", SHOP);
    here.sql(
        "objects",
        "CREATE TABLE app.was_view (id int); CREATE TABLE app.dup (id int); INSERT INTO app.dup VALUES (1), (1);
         CREATE UNIQUE INDEX good ON app.customers (id);",
    );
    let mut failing = here.cluster.command("psql");
    let failing =
        failing.args(["-X", "-d", "objects", "-c", "CREATE UNIQUE INDEX CONCURRENTLY broken ON app.dup (id)"]);
    assert!(!failing.output().unwrap().status.success());
    let with = "{ expect: { tables: [app.orders, app.parts, app.open], views: [app.open, app.was_view, app.gone], \
                indexes: [app.good, app.broken], functions: [app.twice, 'app.twice(n integer)'], types: [app.mood], \
                sequences: [app.seq], materialized_views: [app.mv], extensions: [plpgsql, postgis], schemas: [pgboss] } }";
    let fact = here.look("objects", "postgres.objects", with);
    is(&fact, "expected_count", 16_i64);
    assert_eq!(text(&fact, "missing"), "[app.open, app.was_view, app.gone, app.broken, postgis]");
    let found = rows(&fact, "expected", &["name", "kind", "found", "found_as"]);
    assert!(found.contains(&"app.was_view/view/false/table".to_owned()), "{found:?}");
    assert!(found.contains(&"app.open/table/false/view".to_owned()), "{found:?}");
    assert!(found.contains(&"app.broken/index/false/invalid index".to_owned()), "{found:?}");
    assert_eq!(text(&fact, "invalid_indexes"), "[app.broken]");
    is(&fact, "by_schema.app.view", 1_i64);
    is(&fact, "by_schema.pgboss.view", 0_i64);
    is(&fact, "by_kind.schema", 4_i64);
    is(&fact, "by_schema.app.partitioned_table", 1_i64);
}

#[test]
fn a_fingerprint_follows_definitions_and_nothing_else() {
    let here = shared();
    here.database("print_a", SHOP);
    here.database("print_b", "");
    let print = |database: &str| here.look(database, "postgres.fingerprint", "{ schemas: [app], counts: true }");
    let first = print("print_a");
    assert!(value(&first, "covers").to_string().contains("memberships"));
    is(&first, "counted_tables", 7_i64);
    // The same definitions with other OIDs, in another database, after a dump and a restore.
    let dump = here.dump("print_a", "postgres");
    assert!(dump.status.success());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &dump.stdout).unwrap();
    let mut restore = here.cluster.command("psql");
    restore.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "print_b", "-f"]).arg(file.path());
    assert!(restore.output().unwrap().status.success());
    let second = print("print_b");
    for path in ["schemas.0.catalogue_sha256", "schemas.0.acl_sha256", "counts_sha256", "memberships_sha256"] {
        assert_eq!(text(&first, path), text(&second, path), "{path}");
    }
    // The role's own settings do not matter.
    here.sql(
        "print_a",
        "ALTER DATABASE print_a SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE print_a SET search_path = app",
    );
    here.sql("print_a", "ALTER DATABASE print_a SET datestyle = 'German'");
    assert_eq!(text(&print("print_a"), "schemas.0.catalogue_sha256"), text(&first, "schemas.0.catalogue_sha256"));
    here.sql("print_a", "ALTER DATABASE print_a RESET ALL");
    assert_eq!(text(&print("print_a"), "sha256"), text(&first, "sha256"));

    for (change, moves) in [
        ("ALTER TABLE app.orders ALTER id SET DEFAULT 1", "catalogue_sha256"),
        ("ALTER TABLE app.orders ADD CHECK (id > 0) NOT VALID", "catalogue_sha256"),
        (
            "CREATE OR REPLACE FUNCTION app.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3 * n'",
            "catalogue_sha256",
        ),
        ("CREATE OR REPLACE VIEW app.open AS SELECT * FROM app.orders WHERE id > 11", "catalogue_sha256"),
        ("ALTER TYPE app.mood ADD VALUE 'bored'", "catalogue_sha256"),
        ("ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY", "catalogue_sha256"),
        ("COMMENT ON TABLE app.orders IS 'x'", "catalogue_sha256"),
        ("CREATE INDEX ON app.orders (id)", "catalogue_sha256"),
        ("GRANT SELECT ON app.orders TO PUBLIC", "acl_sha256"),
        ("GRANT UPDATE (id) ON app.orders TO PUBLIC", "acl_sha256"),
        ("REVOKE EXECUTE ON FUNCTION app.twice(int) FROM PUBLIC", "acl_sha256"),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "acl_sha256"),
        ("CREATE ROLE print_role", "roles_sha256"),
        ("GRANT pg_monitor TO print_role", "memberships_sha256"),
        ("INSERT INTO app.empty VALUES (1)", "counts_sha256"),
    ] {
        let before = print("print_a");
        here.sql("print_a", change);
        let after = print("print_a");
        for path in ["catalogue_sha256", "acl_sha256", "roles_sha256", "memberships_sha256", "counts_sha256"] {
            assert_eq!(text(&before, path) != text(&after, path), path == moves, "{change}: {path}");
        }
    }
    // A right that is spelled out is the right that was there by default.
    let before = print("print_a");
    here.sql("print_a", "GRANT ALL ON app.seq TO postgres");
    assert_eq!(text(&print("print_a"), "acl_sha256"), text(&before, "acl_sha256"));
    // A dropped column leaves no trace in the definition.
    here.sql("print_a", "ALTER TABLE app.empty ADD gone int; ALTER TABLE app.empty DROP gone");
    assert_eq!(text(&print("print_a"), "catalogue_sha256"), text(&before, "catalogue_sha256"));
}

const LOOKS: [&str; 4] = ["identity", "fingerprint", "counts", "activity"];

/// A case that looks, lets `between` (a query's own side) happen, looks again and compares.
fn before_and_after(here: &Shared, database: &str, user: &str, between: &dyn Fn()) -> Vec<Fact> {
    let looks = |when: &str| -> String {
        let step = |kind: &&str| format!("  - {{ id: {kind}-{when}, uses: postgres.{kind}, on: db }}\n");
        LOOKS.iter().map(step).collect()
    };
    let ids = |when: &str| LOOKS.map(|kind| format!("{kind}-{when}")).join(", ");
    let derive = format!(
        "  - {{ id: untouched, uses: postgres.unchanged, with: {{ before: [{}], after: [{}] }} }}",
        ids("before"),
        ids("after")
    );
    let case = case(&here.target(database, user), &format!("{}{}{derive}", looks("before"), looks("after")));
    crate::support::look::facts_between(&case, LOOKS.len(), between)
}

#[test]
fn what_others_did_is_shown_beside_what_we_did_not() {
    let here = shared();
    here.database("touch", SHOP);
    let quiet = before_and_after(&here, "touch", "postgres", &|| ());
    let fact = quiet.last().unwrap();
    assert_eq!(fact.basis, Basis::Derived);
    for path in [
        "unchanged",
        "identity_equal",
        "catalogue_equal",
        "acl_equal",
        "memberships_equal",
        "roles_equal",
        "counts_equal",
    ] {
        is(fact, path, true);
    }
    is(fact, "sessions", 8_i64);
    is(fact, "sessions_read_only", true);
    is(fact, "sessions_without_xid", true);
    is(fact, "changed_by_us", false);
    is(fact, "moved_by_others", false);
    is(fact, "difference_count", 0_i64);

    let busy = before_and_after(&here, "touch", "postgres", &|| {
        here.sql(
            "touch",
            "INSERT INTO app.empty VALUES (1), (2); GRANT SELECT ON app.orders TO PUBLIC; DROP VIEW app.open;
             CREATE TABLE app.open (id int); SELECT nextval('app.seq'); SELECT pg_stat_force_next_flush()",
        );
    });
    let fact = busy.last().unwrap();
    for path in ["unchanged", "catalogue_equal", "acl_equal", "counts_equal"] {
        is(fact, path, false);
    }
    for path in ["identity_equal", "memberships_equal", "moved_by_others"] {
        is(fact, path, true);
    }
    is(fact, "changed_by_us", false);
    let differences = rows(fact, "differences", &["what", "name", "change"]);
    for row in [
        "catalogue: view/app.open/vanished",
        "catalogue: table/app.open/appeared",
        "acl: relation/app.orders/changed",
        "rows/app.empty/changed",
    ] {
        assert!(differences.contains(&row.to_owned()), "{row}: {differences:?}");
    }
    let moved = rows(fact, "moved", &["what", "name", "by"]);
    for row in ["tuples inserted/app.empty/others", "sequence/app.seq/others", "cluster/next_xid/others"] {
        assert!(moved.contains(&row.to_owned()), "{row}: {moved:?}");
    }
    assert!(moved.contains(&"cluster/lsn_bytes/not attributed".to_owned()), "{moved:?}");
}

#[test]
fn a_comparison_with_something_unseen_is_not_equal() {
    let here = shared();
    here.database("unseen", "CREATE TABLE t (n int)");
    here.sql("unseen", "CREATE ROLE weak LOGIN");
    let facts = before_and_after(&here, "unseen", "weak", &|| ());
    let fact = facts.last().unwrap();
    is(fact, "catalogue_equal", true);
    assert_eq!(why(fact, "counts_equal").0, Reason::Denied);
    assert_eq!(why(fact, "unchanged").0, Reason::Denied);
    // An estimate proves nothing about rows.
    let steps = "  - { id: a, uses: postgres.counts, on: db, with: { method: estimate } }
  - { id: b, uses: postgres.counts, on: db, with: { method: estimate } }
  - { id: u, uses: postgres.unchanged, with: { before: a, after: b } }";
    let facts = crate::support::look::facts(&case(&here.target("unseen", "postgres"), steps));
    assert!(why(&facts[2], "counts_equal").1.contains("estimate"));
    assert_eq!(why(&facts[2], "identity_equal").0, Reason::NotApplicable);
    for (with, says) in [
        ("{ before: a, after: nobody }", "no step `nobody`"),
        ("{ before: a, after: i }", "names no postgres.counts"),
        ("{ before: [a, i], after: b }", "names no postgres.identity"),
    ] {
        let steps = format!(
            "  - {{ id: a, uses: postgres.counts, on: db }}\n  - {{ id: b, uses: postgres.counts, on: db }}\n  \
             - {{ id: i, uses: postgres.identity, on: db }}\n  - {{ id: u, uses: postgres.unchanged, with: {with} }}"
        );
        let message = refusal(&case("  db: { postgres: { host: /nonexistent } }", &steps));
        assert!(message.contains(says), "{with}: {message}");
    }
}

/// What must be the same after a hostile query: definitions, rights, rows, sequences, locks.
fn traces(here: &Shared, database: &str) -> Vec<String> {
    let print = here.look(database, "postgres.fingerprint", "{ counts: true }");
    let activity = here.look(database, "postgres.activity", "{}");
    let mut seen = ["sha256", "counts_sha256"].map(|path| text(&print, path)).to_vec();
    seen.extend(["next_xid", "sequences", "database.tup_inserted"].map(|path| text(&activity, path)));
    let more = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'; SELECT count(*) FROM pg_largeobject_metadata;
                SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim'; SELECT pg_walfile_name(pg_current_wal_lsn())";
    seen.push(here.sql(database, more));
    seen
}

#[test]
fn a_hostile_case_changes_nothing_even_as_superuser() {
    let here = shared();
    here.database("hostile", SHOP);
    here.sql(
        "hostile",
        "CREATE FUNCTION app.evil() RETURNS int LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_lock(42); PERFORM pg_switch_wal(); RETURN 1; END';
         CREATE FUNCTION app.liar() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_advisory_lock(43); RETURN 1; END';
         CREATE FUNCTION app.caller() RETURNS int LANGUAGE sql STABLE AS 'SELECT app.liar()';
         CREATE FUNCTION app.dynamic() RETURNS int LANGUAGE plpgsql STABLE AS
             'DECLARE n int; BEGIN EXECUTE ''SELECT pg_adv'' || ''isory_lock(44)''; RETURN 1; END';
         CREATE FUNCTION app.of_row(app.customers) RETURNS int LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_lock(45); RETURN 1; END';
         CREATE FUNCTION app.op(int, int) RETURNS bool LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_lock(46); RETURN true; END';
         CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = app.op);
         CREATE VIEW app.innocent AS SELECT app.evil() AS a; CREATE VIEW app.twice_removed AS SELECT * FROM app.innocent;
         CREATE FUNCTION app.step(int, int) RETURNS int LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_lock(47); RETURN 1; END';
         CREATE AGGREGATE app.agg(int) (SFUNC = app.step, STYPE = int, INITCOND = '0');
         CREATE FUNCTION app.alias(bigint) RETURNS void LANGUAGE internal STABLE STRICT AS 'pg_advisory_lock_int8';
         CREATE FUNCTION app.evilÉ() RETURNS int LANGUAGE sql AS 'SELECT app.evil()';
         CREATE FUNCTION app.wraps() RETURNS int LANGUAGE sql STABLE AS 'SELECT APP.EVILÉ()';
         CREATE FUNCTION app.defaulted(app.customers, n int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_lock(48); RETURN 1; END';
         CREATE DOMAIN app.odd AS int CHECK (app.evil() > 0);
         CREATE TABLE app.guarded (id int); ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON app.guarded USING (app.evil() > 0);
         CREATE EXTENSION dblink; CREATE ROLE nosy LOGIN; GRANT USAGE ON SCHEMA app TO nosy;
         GRANT SELECT ON ALL TABLES IN SCHEMA app TO nosy; GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO nosy;
         SELECT pg_stat_force_next_flush()",
    );
    let mut victim = here.cluster.command("psql");
    victim.env("PGAPPNAME", "victim").args(["-X", "-c", "SELECT pg_sleep(600)"]);
    let mut victim = victim.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    while here.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim'") != "1" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let file = here.cluster.socket_dir().join("exported");
    let file = file.display();
    let parser = [
        "COMMIT".to_owned(),
        "COMMIT; CREATE TABLE app.owned (id int)".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT 1) q; COMMIT; CREATE TABLE owned(); SELECT (1".to_owned(),
        "WITH d AS (DELETE FROM app.orders RETURNING 1) SELECT * FROM d".to_owned(),
        "WITH i AS (INSERT INTO app.empty VALUES (1) RETURNING 1) SELECT * FROM i".to_owned(),
        "SELECT nextval('app.seq')".to_owned(),
        "SELECT setval('app.seq', 99)".to_owned(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'".to_owned(),
        "SELECT pg_switch_wal()".to_owned(),
        format!("COPY app.orders TO PROGRAM 'cat > {file}'"),
        format!("COPY app.orders TO '{file}'"),
        format!("SELECT lo_import('{file}')"),
        format!("SELECT lo_export(1, '{file}')"),
        "SELECT lo_create(0)".to_owned(),
        "SELECT lo_from_bytea(0, 'x')".to_owned(),
        "SELECT * FROM dblink('dbname=hostile', 'CREATE TABLE owned ()') AS t (a text)".to_owned(),
        "SELECT dblink_exec('dbname=hostile', 'CREATE TABLE owned ()')".to_owned(),
        "SELECT pg_read_file('PG_VERSION')".to_owned(),
        "SELECT set_config('transaction_read_only', 'off', true)".to_owned(),
        "SELECT * INTO app.owned FROM app.orders".to_owned(),
        "SELECT * FROM app.orders FOR UPDATE".to_owned(),
        "SELECT * FROM app.orders FOR KEY SHARE".to_owned(),
        "EXPLAIN ANALYZE DELETE FROM app.orders".to_owned(),
        "SELECT pg_advisory_lock(1)".to_owned(),
        "SELECT pg_try_advisory_xact_lock_shared(1)".to_owned(),
        "SELECT pg_sleep(600)".to_owned(),
        "SELECT pg_notify('a', 'b')".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
        "SELECT pg_stat_reset()".to_owned(),
        "SELECT query_to_xml('SELECT app.evil()', true, true, '')".to_owned(),
        "SET transaction_read_only = off".to_owned(),
        "TRUNCATE app.orders".to_owned(),
        "REFRESH MATERIALIZED VIEW app.mv".to_owned(),
        "CALL app.p()".to_owned(),
        "LISTEN x".to_owned(),
    ];
    let session = [
        "SELECT app.evil()",
        "SELECT \"evil\"() FROM app.orders",
        "SELECT EVIL()",
        "SELECT app.liar()",
        "SELECT app.caller()",
        "SELECT app.dynamic()",
        "SELECT c.of_row FROM app.customers c",
        "SELECT (c).of_row FROM app.customers c",
        "SELECT 1 OPERATOR(app.===) 2",
        "SELECT * FROM app.innocent",
        "SELECT * FROM app.twice_removed",
        "SELECT app.agg(id) FROM app.orders",
        "SELECT 1::app.odd",
        "SELECT * FROM app.guarded",
        "SELECT setseed(0.5)",
        "SELECT gin_clean_pending_list('app.good')",
        "SELECT txid_current()",
        "SELECT app.alias(49)",
        "SELECT app.EVILÉ()",
        "SELECT app.wraps()",
        "SELECT c.defaulted FROM app.customers c",
    ];
    let before = traces(&here, "hostile");
    let (root, low) = (here.target("hostile", "postgres"), here.target("hostile", "nosy"));
    for sql in &parser {
        let step = format!("  - {{ id: q, uses: postgres.query, on: db, with: {{ query: {sql:?} }} }}");
        assert!(refusal(&case(&root, &step)).contains("query: "), "{sql}");
    }
    for (targets, who) in [(&root, "superuser"), (&low, "role")] {
        for sql in session {
            let step = format!("  - {{ id: q, uses: postgres.query, on: db, with: {{ query: {sql:?} }} }}");
            let case = case(targets, &step);
            if !crate::support::look::accepted(&case) {
                continue;
            }
            let fact = facts(&case).remove(0);
            let absence = fact.absence.clone().unwrap_or_else(|| panic!("{who}: {sql}: {:?}", fact.values));
            assert_eq!(absence.reason, Reason::Denied, "{who}: {sql}: {}", absence.message);
            assert!(absence.message.starts_with("not asked: "), "{who}: {sql}: {}", absence.message);
        }
    }
    assert_eq!(traces(&here, "hostile"), before);
    assert!(!std::path::Path::new(&file.to_string()).exists());
    here.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
    victim.wait().unwrap();
    // What is harmless is asked, system views that use volatile functions too.
    for sql in [
        "SELECT count(*) FROM app.orders WHERE app.twice(id) > 4",
        "SELECT count(*) FROM pg_stat_activity",
        "SELECT count(*) FROM pg_locks",
        "SELECT pg_total_relation_size('app.orders') > 0 AS a, random() < 2 AS b, clock_timestamp() > now() AS c",
        "SELECT max(id), string_agg(id::text, ',') FROM app.open",
        "SELECT pg_is_in_recovery()",
        "SELECT count(*) FROM app.orders TABLESAMPLE system(50)",
    ] {
        let fact = here.look("hostile", "postgres.query", &format!("{{ query: {sql:?} }}"));
        is(&fact, "row_count", 1_i64);
        is(&fact, "session.xid_assigned", false);
    }
}

const GAPS: &str = "
    CREATE ROLE maker; CREATE ROLE second; CREATE ROLE dumper LOGIN; CREATE ROLE human LOGIN IN ROLE second;
    GRANT CREATE ON DATABASE guard TO maker;
    CREATE SCHEMA shut AUTHORIZATION maker; CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO dumper;
    CREATE SCHEMA pgboss; CREATE SCHEMA \"we.ird Name\"; GRANT CREATE, USAGE ON SCHEMA open TO second;
    SET ROLE maker; CREATE TABLE shut.t (id serial PRIMARY KEY); RESET ROLE;
    CREATE TABLE open.plain (id int); CREATE TABLE open.parted (id int) PARTITION BY LIST (id);
    CREATE TABLE open.part PARTITION OF open.parted DEFAULT; CREATE SEQUENCE open.seq;
    CREATE VIEW open.v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW open.mv AS SELECT 1 AS a;
    CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE open.far (a text) SERVER files OPTIONS (filename '/dev/null');
    CREATE TABLE pgboss.job (id int); CREATE TABLE \"we.ird Name\".\"T\" (id int);
    CREATE TABLE open.rows (id int); ALTER TABLE open.rows ENABLE ROW LEVEL SECURITY; GRANT SELECT ON open.rows TO dumper;
    SET ROLE second; CREATE TABLE open.of_second (id int); RESET ROLE;
    SELECT lo_create(77001); CREATE TEMP TABLE passing (id int);
    CREATE TABLE public.granted (id int); GRANT SELECT ON public.granted TO PUBLIC;
";

#[test]
fn every_gap_of_a_dump_role_is_found_and_the_proposal_mends_them_all() {
    let here = shared();
    here.database("guard", GAPS);
    let guard = || here.look("guard", "postgres.dump_privileges", "{ role: dumper }");
    assert!(!here.dump("guard", "dumper").status.success());
    let fact = guard();
    let gaps = rows(&fact, "gaps", &["class", "schema", "name", "privilege", "owner", "blocks_dump"]);
    for gap in [
        "schema/shut//USAGE/maker/now",
        "schema/pgboss//USAGE/postgres/now",
        "schema/we.ird Name//USAGE/postgres/now",
        "table/shut/t/SELECT/maker/now",
        "sequence/shut/t_id_seq/SELECT/maker/now",
        "sequence/shut/t_id_seq/USAGE/maker/no",
        "table/open/plain/SELECT/postgres/now",
        "partitioned table/open/parted/SELECT/postgres/now",
        "table/open/part/SELECT/postgres/now",
        "view/open/v/SELECT/postgres/no",
        "materialized view/open/mv/SELECT/postgres/no",
        "foreign table/open/far/SELECT/postgres/no",
        "sequence/open/seq/SELECT/postgres/now",
        "table/we.ird Name/T/SELECT/postgres/now",
        "row-level security/open/rows/BYPASSRLS/postgres/now",
        "large object//77001/SELECT/postgres/now",
        "future tables///SELECT/maker/later",
        "future tables///SELECT/second/later",
        "future sequences///SELECT/second/later",
        "future tables///SELECT/human/later",
        "future schemas///USAGE/maker/later",
    ] {
        assert!(gaps.contains(&gap.to_owned()), "{gap}: {gaps:#?}");
    }
    // Who can make no schema needs no default for schemas; what is granted is no gap.
    assert!(!gaps.contains(&"future schemas///USAGE/second/later".to_owned()));
    assert!(!gaps.iter().any(|gap| gap.contains("granted") || gap.contains("schema/open/") || gap.contains("pg_")));
    let proposal = rows_text(&fact, "proposal");
    assert!(proposal.contains(&"GRANT SELECT ON TABLE \"we.ird Name\".\"T\" TO dumper".to_owned()), "{proposal:#?}");
    assert!(proposal.contains(&"ALTER DEFAULT PRIVILEGES FOR ROLE maker GRANT SELECT ON TABLES TO dumper".to_owned()));
    is(&fact, "session.xid_assigned", false);

    here.sql("guard", &(proposal.join(";\n") + ";"));
    let fact = guard();
    is(&fact, "gap_count", 0_i64);
    assert!(text(&fact, "result").starts_with("none of "), "{}", text(&fact, "result"));
    is(&fact, "blocking_count", 0_i64);
    let dump = here.dump("guard", "dumper");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    assert!(String::from_utf8_lossy(&dump.stdout).contains("COPY shut.t "));
    // Objects made afterwards, in new schemas too, are still dumped.
    here.sql(
        "guard",
        "SET ROLE maker; CREATE SCHEMA later; CREATE TABLE later.t (id serial); SET ROLE second;
         CREATE TABLE open.more (id serial); SET SESSION AUTHORIZATION human; CREATE TABLE open.by_human (id serial)",
    );
    let dump = here.dump("guard", "dumper");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    is(&guard(), "gap_count", 0_i64);
    // One right less, and both the guard and the dump say so.
    for (take, give) in [
        ("REVOKE SELECT ON TABLE later.t FROM dumper", "GRANT SELECT ON TABLE later.t TO dumper"),
        ("REVOKE SELECT ON SEQUENCE later.t_id_seq FROM dumper", "GRANT SELECT ON SEQUENCE later.t_id_seq TO dumper"),
        ("REVOKE USAGE ON SCHEMA later FROM dumper", "GRANT USAGE ON SCHEMA later TO dumper"),
        ("ALTER ROLE dumper NOBYPASSRLS", "ALTER ROLE dumper BYPASSRLS"),
        ("REVOKE SELECT ON LARGE OBJECT 77001 FROM dumper", "GRANT SELECT ON LARGE OBJECT 77001 TO dumper"),
    ] {
        here.sql("guard", take);
        let fact = guard();
        is(&fact, "blocking_count", 1_i64);
        assert_eq!(rows_text(&fact, "proposal"), [give]);
        assert!(!here.dump("guard", "dumper").status.success(), "{take}");
        here.sql("guard", give);
    }
    // Members of pg_read_all_data read what is made later without any default.
    here.sql("guard", "CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader");
    let fact = here.look("guard", "postgres.dump_privileges", "{ role: reader }");
    is(&fact, "reads_all_data", true);
    is(&fact, "later_count", 0_i64);
    let left = rows(&fact, "gaps", &["class", "blocks_dump"]);
    assert!(
        left.contains(&"row-level security/now".to_owned()) && left.contains(&"large object/now".to_owned()),
        "{left:?}"
    );
    let fact = here.look("guard", "postgres.dump_privileges", "{ role: nobody_here }");
    assert_eq!(fact.absence.unwrap().reason, Reason::NotFound);
}

fn rows_text(fact: &Fact, list: &str) -> Vec<String> {
    let Value::List(rows) = value(fact, list) else { panic!("{list} is no list") };
    rows.iter().map(ToString::to_string).collect()
}

const JOBS: &str = "
    CREATE SCHEMA app; CREATE TABLE app.orders (id int); CREATE TABLE app.stock (id int);
    CREATE FUNCTION app.take() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock(4711)';
    CREATE FUNCTION app.rebuild() RETURNS void LANGUAGE plpgsql AS $$
      DECLARE k CONSTANT bigint := 4711;
      BEGIN PERFORM pg_advisory_xact_lock(k); TRUNCATE app.orders; INSERT INTO app.orders SELECT 1; END $$;
    CREATE FUNCTION app.late() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN TRUNCATE app.orders; PERFORM pg_advisory_xact_lock(4711); END $$;
    CREATE FUNCTION app.other() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock(hashtext('other')); DELETE FROM app.orders; END $$;
    CREATE FUNCTION app.bare() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN -- PERFORM pg_advisory_xact_lock(4711);
        UPDATE app.orders SET id = 2; RAISE NOTICE 'pg_advisory_xact_lock(4711)'; END $$;
    CREATE FUNCTION app.indirect() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN PERFORM app.take(); INSERT INTO app.orders VALUES (3); END $$;
    CREATE FUNCTION app.text_run(t text) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN EXECUTE format('DELETE FROM %I', t); END $$;
    CREATE FUNCTION app.reader() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.orders';
    CREATE FUNCTION app.elsewhere() RETURNS void LANGUAGE sql AS 'INSERT INTO app.stock VALUES (1)';
    CREATE PROCEDURE app.atomic() BEGIN ATOMIC INSERT INTO app.orders VALUES (4); END;
";

#[test]
fn functions_that_write_without_the_shared_lock_are_gaps() {
    let here = shared();
    here.database("locks", JOBS);
    let with = "{ key: 4711, tables: [app.orders], functions: [app.elsewhere, app.gone] }";
    let fact = here.look("locks", "postgres.functions", with);
    let coverage = rows(&fact, "coverage", &["function", "uses_key", "truncates", "covered"]);
    assert_eq!(
        coverage,
        [
            "app.atomic()/false/false/no",
            "app.bare()/false/false/no",
            "app.elsewhere()/false/false/no",
            "app.indirect()/false/false/yes",
            "app.late()/true/true/no",
            "app.other()/false/false/no",
            "app.rebuild()/true/true/yes",
            "app.text_run(t text)/false/false/unknown",
        ]
    );
    let gaps = rows(&fact, "gaps", &["function", "why"]);
    for gap in [
        "app.late()/takes the lock only after it has begun to write",
        "app.other()/takes another key",
        "app.bare()/takes no advisory lock",
        "app.text_run(t text)/runs text as SQL: what that writes to is not known",
    ] {
        assert!(gaps.contains(&gap.to_owned()), "{gap}: {gaps:#?}");
    }
    is(&fact, "covered_count", 2_i64);
    is(&fact, "gap_count", 5_i64);
    is(&fact, "unknown_count", 1_i64);
    assert_eq!(text(&fact, "not_found"), "[app.gone]");
    assert_eq!(rows(&fact, "keys", &["key", "functions"]), ["4711/3", "hashtext('other')/1"]);
    // The source itself is not kept.
    assert!(!serde_json::to_string(&fact).unwrap().contains("RAISE NOTICE"));
}

const INSIDE: &str = "EVIDENCE_TEST_INSIDE";

/// Stands in for `ssh` and `docker`: runs what it was given, as the real ones do.
fn stand_ins(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let ssh = "case \"$*\" in *down.example.org*) echo 'ssh: connect to host down.example.org port 22: refused' >&2; exit 255;;
        *empty.example.org*) exit 0;; *odd.example.org*) echo garbage; exit 0;; esac
        while [ \"$1\" != -- ]; do shift; done; shift; exec sh -c \"$*\"";
    let docker = "[ \"$3\" = nas ] || { echo \"Error: No such container: $3\" >&2; exit 1; }; shift 3; exec \"$@\"";
    for (name, script) in [("ssh", ssh), ("docker", docker)] {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn one_file_here_and_there_matches_differs_or_is_absent() {
    let name = "prod::one_file_here_and_there_matches_differs_or_is_absent";
    if std::env::var_os(INSIDE).is_none() {
        let folder = tempfile::tempdir().unwrap();
        stand_ins(folder.path());
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let ran = again.args(["--exact", name, "--nocapture"]).env(INSIDE, "yes").env("PATH", path).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        return assert!(ran.status.success(), "{}{}", said(&ran.stdout), said(&ran.stderr));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let odd = path("it's $(touch owned) a 'copy'.tar");
    fs::write(path("here"), "content").unwrap();
    fs::write(&odd, "content").unwrap();
    fs::write(path("other"), "Content").unwrap();
    fs::create_dir(path("folder")).unwrap();
    let look = |here: &str, there: &str| {
        let with = format!("{{ path: {:?}, there: {there:?} }}", path(here));
        let steps = format!("  - {{ id: it, uses: file.same, with: {with} }}");
        facts(&case("  db: { postgres: {} }", &steps)).remove(0)
    };
    for (there, result) in [
        (format!("ssh:ops@nas.example.org:{odd}"), "match"),
        (format!("docker:nas:{odd}"), "match"),
        (format!("ssh:nas.example.org/docker:nas:{odd}"), "match"),
        (format!("local:{}", path("here")), "match"),
        (format!("ssh:nas.example.org:{}", path("other")), "mismatch"),
        (format!("ssh:nas.example.org:{}", path("gone")), "absent"),
        (format!("docker:nas:{}", path("gone")), "absent"),
        // An empty answer is no digest: the far side has said nothing.
        (format!("ssh:empty.example.org:{}", path("here")), "absent"),
    ] {
        let fact = look("here", &there);
        is(&fact, "result", result);
        is(&fact, "same", result == "match");
        assert_eq!(fact.at("there_sha256").unwrap().is_err(), result == "absent", "{there}");
    }
    assert!(!folder.path().join("owned").exists() && !std::path::Path::new("owned").exists());
    is(&look("gone", &format!("local:{}", path("here"))), "result", "absent");
    for (there, reason) in [
        (format!("ssh:down.example.org:{}", path("here")), Reason::Unavailable),
        (format!("docker:gone:{}", path("here")), Reason::Unavailable),
        (format!("ssh:odd.example.org:{}", path("here")), Reason::Unparsable),
        (format!("local:{}", path("folder")), Reason::NotApplicable),
    ] {
        let fact = look("here", &there);
        assert_eq!(why(&fact, "result").0, reason, "{there}");
        assert_eq!(why(&fact, "same").0, reason, "{there}");
        assert!(fact.at("result").unwrap().unwrap_err().settle.as_ref().unwrap().contains("sha256sum"), "{there}");
    }
    a_transfer_is_held_against_its_figures(folder.path());
}

fn a_transfer_is_held_against_its_figures(folder: &std::path::Path) {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::write(path("whole"), vec![7; 223_000]).unwrap();
    fs::write(path("cut"), vec![7; 100_000]).unwrap();
    fs::write(path("same-size"), vec![8; 223_000]).unwrap();
    let look = |there: &str, more: &str| {
        let with =
            format!("{{ path: {:?}, there: {:?}{more} }}", path("whole"), format!("ssh:nas.example.org:{there}"));
        facts(&case("  db: { postgres: {} }", &format!("  - {{ id: it, uses: transfer, with: {with} }}"))).remove(0)
    };
    let parts = ", duration: 11s, parts: [50 KB, 170 KB, 80], tolerance: 4 KB";
    let fact = look(&path("whole"), parts);
    is(&fact, "result", "match");
    is(&fact, "rate_bytes_per_second", 20_273_i64);
    is(&fact, "parts_bytes", 220_080_i64);
    is(&fact, "parts_difference_bytes", 2_920_i64);
    is(&fact, "parts_add_up", true);
    is(&look(&path("whole"), ", parts: [50 KB, 170 KB]"), "parts_add_up", false);
    let files = format!(", parts: [{:?}, {:?}]", path("cut"), path("gone"));
    assert_eq!(why(&look(&path("whole"), &files), "parts_bytes").0, Reason::NotFound);
    let fact = look(&path("cut"), "");
    is(&fact, "result", "mismatch");
    is(&fact, "bytes_equal", false);
    assert_eq!(why(&fact, "rate_bytes_per_second").0, Reason::NotApplicable);
    // Equal sizes are no equal content.
    let fact = look(&path("same-size"), "");
    is(&fact, "bytes_equal", true);
    is(&fact, "result", "mismatch");
    let fact = look(&path("gone"), "");
    is(&fact, "result", "absent");
    assert_eq!(why(&fact, "remote_bytes").0, Reason::NotFound);
}

#[test]
fn a_record_says_what_each_proof_proves_and_the_guard_its_gaps() {
    let here = shared();
    here.database("record", SHOP);
    here.sql("record", "CREATE ROLE recorder LOGIN");
    let world = World::new();
    let looks = |when: &str| -> String {
        LOOKS.map(|kind| format!("  - {{ id: {kind}-{when}, uses: postgres.{kind}, on: db }}\n")).concat()
    };
    let ids = |when: &str| LOOKS.map(|kind| format!("{kind}-{when}")).join(", ");
    let rest = format!(
        "targets:\n{}\ncollect:\n{}{}  - {{ id: untouched, uses: postgres.unchanged, with: {{ before: [{}], after: [{}] }} }}\n",
        here.target("record", "postgres"),
        looks("before"),
        looks("after"),
        ids("before"),
        ids("after"),
    );
    world.case("untouched", &rest);
    let path = world.path("reports/untouched/case.yaml");
    let text = fs::read_to_string(&path).unwrap().replace("policy: plain", "policy: untouched");
    fs::write(&path, text).unwrap();
    let ran = world.run(&["collect", "untouched"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ran = world.run(&["render", "untouched"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let record = fs::read_to_string(world.path("reports/untouched/record.md")).unwrap();
    for said in [
        "What was not changed, and what shows it",
        "the identifier survives INSERT and DROP",
        "anything about its content",
        "changed_by_us: false",
        "identity_equal: true",
    ] {
        assert!(record.contains(said), "{said}\n{record}");
    }
    assert!(!record.to_lowercase().contains("production untouched"));

    let rest = format!(
        "targets:\n{}\ncollect:\n  - {{ id: guard, uses: postgres.dump_privileges, on: db, with: {{ role: recorder }} }}\n  \
         - {{ id: locks, uses: postgres.functions, on: db, with: {{ key: 4711 }} }}\n",
        here.target("record", "postgres"),
    );
    world.case("guard", &rest);
    let path = world.path("reports/guard/case.yaml");
    let text = fs::read_to_string(&path).unwrap().replace("policy: plain", "policy: dump-guard");
    fs::write(&path, text).unwrap();
    assert_eq!(world.run(&["collect", "guard"]).code, 0);
    assert_eq!(world.run(&["render", "guard"]).code, 0);
    let record = fs::read_to_string(world.path("reports/guard/record.md")).unwrap();
    for said in ["FAIL", "Proposed, NOT executed", "GRANT USAGE ON SCHEMA pgboss TO recorder", "gaps in "] {
        assert!(record.contains(said), "{said}\n{record}");
    }
}
