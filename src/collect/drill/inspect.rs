//! What stands in the restored database: objects by schema, exact counts, digests of rows in key
//! order, indexes, extensions. Every question is asked by `psql` there, its answer is JSON.

use serde_json::Value as Json;

use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};

use super::engine::Engine;
use super::order::{Counts, Order, literal};
use super::steps::{Steps, first_line};

/// Tables whose rows take more than this together are too large for a digest in one statement.
pub(super) const DIGEST_LIMIT: u64 = 256 << 20;

/// Schemas that belong to nobody but the server.
const OURS: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Not part of an extension: a dump does not create those one by one.
const FREE: &str = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass \
     AND d.deptype = 'e')";

/// Asks the drill's server.
pub(super) struct Desk<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) database: &'a str,
    pub(super) steps: &'a mut Steps,
    pub(super) how: &'a mut Vec<String>,
}

impl Desk<'_> {
    /// The rows that `sql` gives, each one JSON, in a session whose texts do not depend on settings.
    pub(super) fn ask(&mut self, name: &str, sql: &str) -> Result<Vec<Json>, Absence> {
        self.how.push(sql.to_owned());
        let fixed = "SET search_path = pg_catalog; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; \
            SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex';";
        let words = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.database];
        let client = self.engine.client("psql", &words).stdin(format!("{fixed}\n{sql}\n")).cap(64 << 20);
        let outcome = self.steps.run(name, client)?;
        if !outcome.success() || outcome.stdout_cut {
            return Err(Absence::new(Reason::Failed, format!("{name} failed: {}", first_line(&outcome.stderr))));
        }
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        let unreadable =
            |_| Absence::new(Reason::Unparsable, format!("the answer of `{name}` is not the JSON expected"));
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).map_err(unreadable))
            .collect()
    }

    /// The one row of `sql`.
    pub(super) fn one(&mut self, name: &str, sql: &str) -> Result<Json, Absence> {
        let none = || Absence::new(Reason::Unparsable, format!("`{name}` gave no row"));
        self.ask(name, sql)?.into_iter().next().ok_or_else(none)
    }
}

/// What the server says of itself.
pub(super) fn identity(desk: &mut Desk<'_>) -> Result<Map, Absence> {
    let sql = "SELECT json_build_object('system_identifier', system_identifier::text, \
        'server', current_setting('server_version'), 'listen_addresses', current_setting('listen_addresses'), \
        'data_directory', current_setting('data_directory'), \
        'socket_folder', current_setting('unix_socket_directories'), \
        'tablespaces_outside', (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))) \
        FROM pg_control_system();";
    let Some(Value::Map(map)) = Value::from_json(desk.one("identity", sql)?) else {
        return Err(Absence::new(Reason::Unparsable, "the server's identity is not what was asked for"));
    };
    Ok(map)
}

/// The names of the server's roles.
pub(super) fn roles(desk: &mut Desk<'_>) -> Result<Vec<String>, Absence> {
    let rows = desk.ask("roles", "SELECT to_json(rolname) FROM pg_roles;")?;
    Ok(rows.iter().filter_map(Json::as_str).map(str::to_owned).collect())
}

/// Objects: totals of each kind, and the same by schema.
pub(super) fn objects(desk: &mut Desk<'_>) -> Result<Value, Absence> {
    const KINDS: [(&str, &str); 6] = [
        ("tables", "relkind IN ('r', 'p')"),
        ("foreign_tables", "relkind = 'f'"),
        ("views", "relkind = 'v'"),
        ("materialized_views", "relkind = 'm'"),
        ("sequences", "relkind = 'S'"),
        ("indexes", "relkind IN ('i', 'I')"),
    ];
    let kinds = KINDS.map(|(name, is)| format!("'{name}', count(*) FILTER (WHERE {is})")).join(", ");
    let functions = "SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid AND NOT EXISTS (SELECT FROM pg_depend d \
        WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')";
    let sql = format!(
        "SELECT json_build_object('schema', n.nspname, 'has', json_build_object({kinds}, 'functions', ({functions}))) \
         FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND {FREE} WHERE {OURS} \
         GROUP BY n.oid, n.nspname ORDER BY n.nspname COLLATE \"C\";"
    );
    let mut by_schema = Map::new();
    let mut totals = Map::new();
    for row in desk.ask("objects", &sql)? {
        let (Some(schema), Some(Value::Map(has))) =
            (row["schema"].as_str().map(str::to_owned), Value::from_json(row["has"].clone()))
        else {
            return Err(Absence::new(Reason::Unparsable, "the objects are not what was asked for"));
        };
        for (kind, count) in &has {
            let sum = totals.get(kind).and_then(Value::as_int).unwrap_or(0) + count.as_int().unwrap_or(0);
            totals.insert(kind.clone(), Value::int(sum));
        }
        by_schema.insert(schema, Value::Map(has));
    }
    totals.insert("by_schema".into(), by_schema.into());
    Ok(Value::Map(totals))
}

/// A restored table and its rows.
pub(super) struct Counted {
    /// As SQL spells it.
    pub(super) table: String,
    pub(super) rows: i64,
    /// It belongs to an extension, which may bring rows of its own.
    pub(super) of_extension: bool,
}

/// Exact counts of the tables that the order names, each without what inherits from it: that is how
/// a dump has them.
pub(super) fn counts(desk: &mut Desk<'_>, order: &Order) -> Result<Vec<Counted>, Absence> {
    if order.counts == Counts::None && order.tables.is_empty() {
        return Err(Absence::new(Reason::NotApplicable, "the case asks for no counts"));
    }
    let named = order.tables.iter().map(|table| literal(table)).collect::<Vec<_>>().join(", ");
    let which = if order.counts == Counts::All {
        "true".to_owned()
    } else {
        format!("format('%I.%I', n.nspname, c.relname) IN ({named})")
    };
    let count = "SELECT json_build_array(%L, count(*), %L::boolean) FROM ONLY %I.%I";
    let sql = format!(
        "SELECT format('{count}', format('%I.%I', n.nspname, c.relname), NOT ({FREE}), n.nspname, c.relname) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {OURS} AND {which} ORDER BY n.nspname, c.relname \\gexec"
    );
    let rows = desk.ask("count", &sql)?;
    let read = |row: Json| {
        Some(Counted { table: row[0].as_str()?.to_owned(), rows: row[1].as_i64()?, of_extension: row[2].as_bool()? })
    };
    let unreadable = || Absence::new(Reason::Unparsable, "the counts are not what was asked for");
    rows.into_iter().map(|row| read(row).ok_or_else(unreadable)).collect()
}

/// Exact counts of partitioned tables, each with its partitions; a dump has rows of the partitions alone.
pub(super) fn partitioned_counts(desk: &mut Desk<'_>, order: &Order) -> Result<Map, Absence> {
    if order.counts != Counts::All {
        return Ok(Map::new());
    }
    let sql = format!(
        "SELECT format('SELECT json_build_array(%L, count(*)) FROM %I.%I', format('%I.%I', n.nspname, c.relname), \
         n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'p' AND {OURS} AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class f \
         ON f.oid = t.relid AND f.relkind = 'f') ORDER BY n.nspname, c.relname \\gexec"
    );
    let read = |row: Json| Some((row[0].as_str()?.to_owned(), Value::int(row[1].as_i64()?)));
    let unreadable = || Absence::new(Reason::Unparsable, "the counts are not what was asked for");
    desk.ask("count", &sql)?.into_iter().map(|row| read(row).ok_or_else(unreadable)).collect()
}

/// The SHA-256 of each table's rows as text, in the order of the primary key, joined by line feeds.
pub(super) fn digests(desk: &mut Desk<'_>, order: &Order, seen: &mut Observation) -> Result<(), Absence> {
    let mut digests = Map::new();
    for table in &order.digests {
        match digest(desk, table) {
            Ok(digest) => drop(digests.insert(table.clone(), digest.into())),
            Err(absence) => match desk.steps.stop.reason() {
                Some(stopped) => return Err(stopped),
                None => seen.miss(&format!("digests.{table}"), absence),
            },
        }
    }
    seen.set("digests", digests);
    Ok(())
}

fn digest(desk: &mut Desk<'_>, table: &str) -> Result<String, Absence> {
    let name = literal(table);
    let keys = "string_agg(format('t.%I%s', a.attname, CASE WHEN a.attcollation <> 0 THEN ' COLLATE \"C\"' ELSE '' END), \
        ', ' ORDER BY k.place)";
    let sql = format!(
        "SELECT json_build_object('there', to_regclass({name}) IS NOT NULL, 'bytes', pg_table_size(to_regclass({name})), \
         'keys', (SELECT {keys} FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place) \
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
         WHERE i.indrelid = to_regclass({name}) AND i.indisprimary));"
    );
    let about = desk.one("digest", &sql)?;
    if about["there"].as_bool() != Some(true) {
        return Err(Absence::new(Reason::NotFound, "no such table was restored"));
    }
    if about["bytes"].as_u64().is_none_or(|bytes| bytes > DIGEST_LIMIT) {
        return Err(Absence::new(Reason::Limit, format!("its rows take more than {DIGEST_LIMIT} bytes")));
    }
    let keys = about["keys"].as_str().unwrap_or("t::text COLLATE \"C\"").to_owned();
    let sql = format!(
        "SELECT to_json(encode(sha256(convert_to(coalesce(string_agg(t::text, E'\\n' ORDER BY {keys}), ''), 'UTF8')), \
         'hex')) FROM ONLY {table} t;"
    );
    let digest = desk.one("digest", &sql)?;
    let unreadable = || Absence::new(Reason::Unparsable, "the digest is not what was asked for");
    digest.as_str().map(str::to_owned).ok_or_else(unreadable)
}

/// Indexes that are not valid or not ready, and foreign keys and checks that were never validated.
pub(super) fn indexes(desk: &mut Desk<'_>) -> Result<Value, Absence> {
    let sql = format!(
        "SELECT json_build_object('total', count(*), 'invalid', count(*) FILTER (WHERE NOT (i.indisvalid AND i.indisready)), \
         'invalid_names', coalesce(json_agg(format('%I.%I', n.nspname, c.relname)) \
         FILTER (WHERE NOT (i.indisvalid AND i.indisready)), '[]'), \
         'constraints_not_validated', (SELECT count(*) FROM pg_constraint WHERE NOT convalidated)) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS};"
    );
    let unreadable = || Absence::new(Reason::Unparsable, "the indexes are not what was asked for");
    Value::from_json(desk.one("indexes", &sql)?).ok_or_else(unreadable)
}

/// Extensions of the dump that this server has no programs for.
pub(super) fn extensions_missing(desk: &mut Desk<'_>, wanted: &[String]) -> Result<Value, Absence> {
    let rows = desk.ask("extensions", "SELECT to_json(name) FROM pg_available_extensions;")?;
    let there: Vec<&str> = rows.iter().filter_map(Json::as_str).collect();
    let bare = |name: &String| name.trim_matches('"').to_owned();
    let missing = wanted.iter().map(bare).filter(|name| !there.contains(&name.as_str()));
    Ok(Value::List(missing.map(Value::from).collect()))
}

/// Lets `amcheck`, where it is installed, look at every B-tree; adds its extension to the drill's own
/// database and so comes after everything that counts.
pub(super) fn amcheck(desk: &mut Desk<'_>) -> Result<Value, Absence> {
    let there = "SELECT to_json(EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck'));";
    if desk.one("amcheck", there)?.as_bool() != Some(true) {
        return Err(Absence::new(Reason::Unavailable, "the extension `amcheck` is not installed for this server"));
    }
    let sql = format!(
        "CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA pg_catalog;\n\
         SELECT format('SELECT bt_index_check(%s::regclass)', c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam \
         WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence <> 't' AND i.indisvalid AND i.indisready \
         AND {OURS} \\gexec"
    );
    desk.how.push(sql.clone());
    let words = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=0", "-d", desk.database];
    let outcome = desk.steps.run("amcheck", desk.engine.client("psql", &words).stdin(sql))?;
    let found = super::messages::read(&outcome.stderr);
    let mut values = Map::new();
    let checked = outcome.stdout.iter().filter(|byte| **byte == b'\n').count();
    values.insert("indexes_checked".into(), checked.into());
    values.insert("errors".into(), Value::int(found.errors));
    values.insert("messages".into(), found.into_values().0);
    Ok(Value::Map(values))
}
