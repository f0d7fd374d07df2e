//! Before an operator's query is asked, the catalogue is asked what it can reach (`reach.sql`). Names in
//! the query are looked up as the server reads them: folded, cut at its length, in any schema. From
//! there every step is exact: stored trees of views, policies, domains, defaults and indexes name
//! what they use by object identifier. Texts of functions are searched for every name that the
//! catalogue knows.
//!
//! The query is refused when something that it reaches is volatile and not known to be harmless, in a
//! language whose text is not read, in C outside of the known libraries, or a foreign table. What the
//! database holds besides does not count. A query that is refused for a namesake can name its columns
//! otherwise.

use std::collections::BTreeSet;

use super::sql::{self, Reach};

/// Volatile functions of the server that only look.
const HARMLESS: &[&str] = &[
    "amvalidate",
    "bernoulli",
    "clock_timestamp",
    "current_query",
    "currval",
    "gen_random_uuid",
    "lastval",
    "pg_blocking_pids",
    "pg_collation_actual_version",
    "pg_control_checkpoint",
    "pg_control_init",
    "pg_control_recovery",
    "pg_control_system",
    "pg_current_logfile",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_database_collation_actual_version",
    "pg_database_size",
    "pg_get_backend_memory_contexts",
    "pg_get_multixact_members",
    "pg_get_shmem_allocations",
    "pg_get_wal_replay_pause_state",
    "pg_get_wal_resource_managers",
    "pg_get_wal_summarizer_state",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_indexes_size",
    "pg_is_in_recovery",
    "pg_is_wal_replay_paused",
    "pg_jit_available",
    "pg_last_committed_xact",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_notification_queue_usage",
    "pg_partition_ancestors",
    "pg_partition_tree",
    "pg_prepared_xact",
    "pg_relation_size",
    "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value",
    "pg_show_all_file_settings",
    "pg_show_replication_origin_status",
    "pg_stat_get_*",
    "pg_stat_have_stats",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
    "pg_xact_commit_timestamp",
    "pg_xact_commit_timestamp_origin",
    "pg_xact_status",
    "random",
    "random_normal",
    "system",
    "timeofday",
    "txid_status",
    "uuidv4",
    "uuidv7",
];

/// The same of well-known extensions.
const EXTENSIONS: &[&str] = &[
    "pg_buffercache_pages",
    "pg_buffercache_summary",
    "pg_stat_statements",
    "pg_stat_statements_info",
    "pgstatindex",
    "pgstattuple",
    "pgstattuple_approx",
    "system_rows",
    "system_time",
    "uuid_generate_v1",
    "uuid_generate_v4",
];

/// C libraries of extensions whose functions only look, unless they are declared volatile. A library with
/// functions that run SQL from a text (tablefunc, pgrouting) or write files (orafce) does not belong here.
const LIBRARIES: &[&str] = &[
    "address_standardizer-3",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "_int",
    "intarray",
    "ip4r",
    "isn",
    "ltree",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_rational",
    "pg_stat_statements",
    "pg_trgm",
    "pg_uuidv7",
    "pg_visibility",
    "pgcrypto",
    "pgstattuple",
    "postgis-[23](.[0-9])?",
    "postgis_raster-3",
    "postgis_sfcgal-3",
    "prefix",
    "rtpostgis-[23](.[0-9])?",
    "seg",
    "unaccent",
    "uuid-ossp",
    "vector",
];

/// Server functions whose answer depends on the role that asks, other than by an error.
const BY_ROLE: &str = "^(has_.*_privilege|pg_has_role|row_security_active)$";

/// The same, for what a member of `pg_monitor` sees whole.
const BY_MONITOR: &str = "^(pg_stat_get_.*|pg_stat_statements.*|pg_show_.*|current_setting|pg_database_size|pg_tablespace_size|\
     pg_get_replication_slots|pg_ls_.*)$";

/// A call with a column of the table for its first argument that is no constant: worked out row by row.
const FOLDED_LATER: &str =
    "[{]FUNCEXPR :funcid ([0-9]+) ([^{}]*:args [(]([{]CONST [^{}]*[}] )*([{]RELABELTYPE :arg )?[{]VAR )";

/// Operators that the grammar brings in without their symbol: IN, BETWEEN, LIKE, NULLIF, USING.
const IMPLIED: &str = "ARRAY['=', '<>', '<', '<=', '>', '>=', '~~', '!~~', '~~*', '!~~*', '~', '!~']";

/// One row for each thing that stops the query, its name and why; no row means that it is asked.
pub(super) fn against(reach: &Reach) -> String {
    format!(
        "{} SELECT json_build_object('name', name, 'why', why) FROM \
         (SELECT DISTINCT name, why FROM stopped ORDER BY 2, 1 LIMIT 5) AS s",
        search(&of_query(reach))
    )
}

/// The role of fewest rights that answers the query of `reach` in the same way, for a superuser's session;
/// empty when there is none, or none is needed.
pub(super) fn least_role(reach: &Reach) -> String {
    let asks_who =
        ["current_user", "session_user", "user", "current_role", "system_user", "current_schema", "current_schemas"];
    if asks_who.iter().any(|word| reach.words.contains(*word)) {
        return "''".to_owned();
    }
    let role = LEAST_ROLE.replace("<by_role>", BY_ROLE).replace("<by_monitor>", BY_MONITOR);
    format!("coalesce(({} {role}), '')", search(&of_query(reach)))
}

/// The table expressions that end in `stopped(root, name, why)`, one root for each counted table;
/// `tables` is a FROM clause with `pg_class AS c`.
pub(super) fn of_tables(tables: &str) -> String {
    let seeds = format!("SELECT c.oid AS root, 'n'::\"char\" AS kind, c.oid {tables}");
    format!(
        "{}, halted(root, name, why) AS (SELECT DISTINCT ON (s.root) s.root, s.name, s.why FROM stopped s, session_rights h \
         WHERE h.strong OR s.why LIKE 'is a foreign table%' ORDER BY s.root, s.name)",
        search(&seeds)
    )
}

fn search(seeds: &str) -> String {
    let lines = SEARCH.lines().map(str::trim).filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join(" ");
    text.replace("<seeds>", seeds)
        .replace("<refused>", &sql::refused_pattern())
        .replace("<harmless>", &pattern(HARMLESS))
        .replace("<extensions>", &pattern(EXTENSIONS))
        .replace("<libraries>", &format!("(^|/)({})([.]so)?$", LIBRARIES.join("|").replace(".[", "[.][")))
        .replace("<folded_later>", FOLDED_LATER)
        .replace("<never>", r"{FUNCEXPR :later_\1 \2")
}

/// What the words of a query can mean, in any schema.
fn of_query(reach: &Reach) -> String {
    let names = |words: &BTreeSet<String>| {
        let literals: Vec<String> = words.iter().filter_map(|word| sql::literal(word).ok()).collect();
        format!("ARRAY[{}]::text[]", literals.join(", "))
    };
    QUERY
        .replace("<called>", &names(&reach.called))
        .replace("<dotted>", &names(&reach.dotted))
        .replace("<words>", &names(&reach.words))
        .replace("<operators>", &names(&reach.operators))
        .replace("<implied>", IMPLIED)
}

fn pattern(names: &[&str]) -> String {
    format!("^({})$", names.join("|").replace('*', ".*"))
}

/// The walk itself.
const SEARCH: &str = include_str!("reach.sql");

/// Where the walk of a query begins. Casts to `name` cut a word as the server's own reader does.
const QUERY: &str = "SELECT 0::oid AS root, q.kind, q.oid FROM (\
     SELECT 'p'::\"char\" AS kind, p.oid FROM pg_proc p WHERE p.proname = ANY (<called>::name[]) \
     OR (p.proname = ANY (<dotted>::name[]) AND p.pronargs > 0 AND p.proargtypes[0] IN \
     (SELECT t.oid FROM pg_type t WHERE t.typtype IN ('c', 'p', 'd'))) \
     UNION ALL SELECT 'r', c.oid FROM pg_class c WHERE c.relname = ANY (<words>::name[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
     UNION ALL SELECT 't', t.oid FROM pg_type t WHERE t.oid >= 16384 AND t.typname = ANY (<words>::name[]) \
     UNION ALL SELECT 'o', o.oid FROM operators o WHERE o.oprname = ANY (<implied>) \
     OR EXISTS (SELECT FROM unnest(<operators>) AS w WHERE position(o.oprname IN w) > 0) \
     UNION ALL SELECT 'p', k.castfunc FROM pg_cast k WHERE k.oid >= 16384 AND k.castfunc <> 0 \
     AND k.castsource < 16384 AND k.casttarget < 16384 \
     UNION ALL SELECT 'f', k.opcfamily FROM pg_opclass k WHERE k.oid >= 16384 AND k.opcdefault AND k.opcintype < 16384 \
     AND k.opcfamily >= 16384) AS q";

/// Which predefined role answers as the superuser would: it may read and call all that is reached, no
/// policy applies, and nothing reached answers by who asks.
const LEAST_ROLE: &str = ", functions(oid, name, src) AS (SELECT p.oid, p.proname::text, p.prosrc FROM pg_proc p \
     WHERE p.oid IN (SELECT oid FROM reached WHERE kind = 'p')), \
     relations(oid, ns) AS (SELECT c.oid, c.relnamespace FROM pg_class c WHERE c.oid IN (SELECT oid FROM reached WHERE kind = 'r') \
     AND c.relkind <> 'c') \
     SELECT g.rolname FROM pg_roles g WHERE g.rolname IN ('pg_read_all_data', 'pg_monitor') \
     AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \
     AND NOT EXISTS (SELECT FROM pg_roles s WHERE (s.rolsuper OR s.rolname IN ('pg_write_server_files', \
     'pg_execute_server_program', 'pg_write_all_data', 'pg_signal_backend')) AND pg_has_role(g.oid, s.oid, 'MEMBER')) \
     AND NOT EXISTS (SELECT FROM functions f WHERE f.name ~ '<by_role>' OR (g.rolname <> 'pg_monitor' AND f.name ~ '<by_monitor>') \
     OR NOT has_function_privilege(g.oid, f.oid, 'EXECUTE') OR f.src ~* '(current|session)_(user|role|schema)') \
     AND NOT EXISTS (SELECT FROM relations r JOIN pg_class c USING (oid) WHERE c.relrowsecurity \
     OR NOT has_table_privilege(g.oid, r.oid, 'SELECT') OR NOT has_schema_privilege(g.oid, r.ns, 'USAGE')) \
     AND NOT EXISTS (SELECT FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid \
     WHERE w.ev_action::text ~ 'SQLVALUEFUNCTION :op (9|10|11|12|14) ') \
     ORDER BY g.rolname = 'pg_monitor' LIMIT 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_filled_in() {
        let reach = sql::reach("SELECT app.f(a) FROM t WHERE b ### 'it''s'");
        for text in [against(&reach), least_role(&reach), of_tables("FROM pg_class c")] {
            let open = text.find('<').map(|at| text[at + 1..].starts_with(|c: char| c.is_ascii_lowercase()));
            assert_ne!(open, Some(true), "{text}");
            assert!(!text.contains("<called>") && !text.contains("<libraries>") && !text.contains('\n'));
        }
    }
}
