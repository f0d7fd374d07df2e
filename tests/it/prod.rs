//! The collectors that show that production was not changed, on one real cluster: counts, objects,
//! fingerprints, activity, and the derivation over them; hostile queries; the guard of a dump role;
//! locks of functions; one file here and there.

use std::fs;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use evidence::model::fact::{Basis, Fact, Reason};
use evidence::model::value::Value;

use crate::support::cluster::Cluster;
use crate::support::look::{case, facts, refusal};

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

fn value<'a>(fact: &'a Fact, path: &str) -> &'a Value {
    match fact.at(path) {
        Some(Ok(value)) => value,
        other => panic!("{path}: {other:?}; {:?} {:?}", fact.absence, fact.missing),
    }
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

    let fact = here.look("counts", "postgres.counts", "{ method: estimate, tables: [app.orders, app.empty, app.open, app.gone] }");
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
    assert!(refusal(&case(&low, "  - { id: c, uses: postgres.counts, on: db, with: { tables: [orders] } }"))
        .contains("not `schema.name`"));
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
    let failing = failing.args(["-X", "-d", "objects", "-c", "CREATE UNIQUE INDEX CONCURRENTLY broken ON app.dup (id)"]);
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
    here.sql("print_a", "ALTER DATABASE print_a SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE print_a SET search_path = app");
    here.sql("print_a", "ALTER DATABASE print_a SET datestyle = 'German'");
    assert_eq!(text(&print("print_a"), "schemas.0.catalogue_sha256"), text(&first, "schemas.0.catalogue_sha256"));
    here.sql("print_a", "ALTER DATABASE print_a RESET ALL");
    assert_eq!(text(&print("print_a"), "sha256"), text(&first, "sha256"));

    for (change, moves) in [
        ("ALTER TABLE app.orders ALTER id SET DEFAULT 1", "catalogue_sha256"),
        ("ALTER TABLE app.orders ADD CHECK (id > 0) NOT VALID", "catalogue_sha256"),
        ("CREATE OR REPLACE FUNCTION app.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3 * n'", "catalogue_sha256"),
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
    for path in ["unchanged", "identity_equal", "catalogue_equal", "acl_equal", "memberships_equal", "roles_equal", "counts_equal"] {
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
