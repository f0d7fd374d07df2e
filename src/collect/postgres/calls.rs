//! Before an operator's query is asked, the catalogue is asked what it can reach: functions by name,
//! those behind its views, policies, operators, casts and domains, and those that their bodies name.
//! It is refused when one of them is volatile and not known to be harmless, whoever asks; a
//! superuser's read-only transaction would not stop what such a function does outside of it.
//!
//! By name means more than is really called: a query that is refused for a namesake can name its
//! columns otherwise. A function that its owner declares stable although it is not, in a language
//! whose body says nothing (C), is not found out; the role's own rights are the last line.

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

/// One row for each function that stands against the query, its name and why; no row means go.
pub(super) fn against(reach: &Reach) -> String {
    let names = |words: &std::collections::BTreeSet<String>| {
        let literals: Vec<String> = words.iter().filter_map(|word| sql::literal(word).ok()).collect();
        format!("ARRAY[{}]::text[]", literals.join(", "))
    };
    SEARCH
        .replace("<called>", &names(&reach.called))
        .replace("<dotted>", &names(&reach.dotted))
        .replace("<words>", &names(&reach.words))
        .replace("<operators>", &names(&reach.operators))
        .replace("<word>", WORD)
        .replace("<folded>", "translate(m[1], 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')")
        .replace("<refused>", &sql::refused_pattern())
        .replace("<harmless>", &pattern(HARMLESS))
        .replace("<extensions>", &pattern(EXTENSIONS))
}

fn pattern(names: &[&str]) -> String {
    format!("^({})$", names.join("|").replace('*', ".*"))
}

/// A run of anything but blanks and ASCII punctuation: in any locale, all that can be a plain name.
const WORD: &str = "[^ -#%-/:-@[-^`{-~[:cntrl:]]+";

/// `near` are the views, tables with policies and so on that the query can reach; `texts` what they
/// are made of; `called` every function that these or the query name, and what their bodies name.
const SEARCH: &str = "WITH RECURSIVE near(oid) AS (\
     SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relname = ANY (<words>) AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     UNION SELECT d.refobjid FROM near JOIN pg_rewrite w ON w.ev_class = near.oid \
     JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid \
     AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> near.oid), \
     texts(body) AS (SELECT pg_get_viewdef(c.oid) FROM near JOIN pg_class c USING (oid) \
     JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     UNION ALL SELECT pg_get_expr(p.polqual, p.polrelid) FROM near JOIN pg_policy p ON p.polrelid = near.oid \
     UNION ALL SELECT pg_get_constraintdef(k.oid) FROM pg_type t JOIN pg_constraint k ON k.contypid = t.oid \
     WHERE t.typname = ANY (<words>)), \
     bare(name) AS (SELECT unnest(<called>) UNION SELECT x FROM texts, \
     regexp_matches(body, '<word>', 'g') AS m, unnest(ARRAY[m[1], <folded>]) AS x), \
     seen(oid) AS (SELECT p.oid FROM pg_proc p WHERE p.proname = ANY (SELECT name FROM bare) \
     OR (p.proname = ANY (<dotted>) AND p.pronargs > 0 AND p.proargtypes[0] IN (SELECT t.oid FROM pg_type t \
     WHERE t.typtype IN ('c', 'p'))) \
     OR p.oid IN (SELECT o.oprcode FROM pg_operator o WHERE o.oid >= 16384 \
     AND (EXISTS (SELECT FROM unnest(<operators>) AS r WHERE position(o.oprname IN r) > 0) OR EXISTS (SELECT FROM texts WHERE position(o.oprname IN body) > 0))) \
     OR p.oid IN (SELECT k.castfunc FROM pg_cast k WHERE k.oid >= 16384 \
     UNION SELECT a.amproc FROM pg_amproc a WHERE a.oid >= 16384 \
     UNION SELECT o.oprcode FROM pg_amop a JOIN pg_operator o ON o.oid = a.amopopr WHERE a.oid >= 16384) \
     UNION SELECT x.oid FROM seen JOIN pg_proc s ON s.oid = seen.oid AND s.oid >= 16384, LATERAL (\
     SELECT p.oid FROM regexp_matches(CASE WHEN s.prosrc = '' AND s.prokind <> 'a' THEN pg_get_functiondef(s.oid) \
     ELSE s.prosrc END, '<word>', 'g') AS m JOIN pg_proc p ON p.proname IN (m[1], <folded>) \
     UNION SELECT p.oid FROM pg_proc p WHERE s.prolang = 12 AND p.prolang = 12 AND p.prosrc = s.prosrc AND p.oid < 16384 \
     UNION SELECT f FROM pg_aggregate a, unnest(ARRAY[a.aggtransfn::oid, a.aggfinalfn::oid, a.aggcombinefn::oid]) AS f \
     WHERE a.aggfnoid = s.oid AND f <> 0) AS x(oid)) \
     SELECT json_build_object('name', n.nspname || '.' || p.proname, 'why', why) FROM seen JOIN pg_proc p USING (oid) \
     JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang, \
     LATERAL (SELECT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid \
     AND d.deptype = 'e') AS extension) AS e, \
     LATERAL (SELECT CASE WHEN p.oid < 16384 AND p.proname ~ '<harmless>' THEN NULL \
     WHEN e.extension AND p.proname ~ '<extensions>' THEN NULL \
     WHEN p.provolatile = 'v' THEN 'is volatile' \
     WHEN p.proname ~ '<refused>' THEN 'has effects that no transaction takes back' \
     WHEN p.oid >= 16384 AND NOT l.lanpltrusted AND l.lanname NOT IN ('c', 'internal') \
     THEN 'is written in a language that may do anything' \
     WHEN p.oid >= 16384 AND l.lanname IN ('sql', 'plpgsql') AND p.prosrc ~* '(^|[^[:alnum:]_])(execute|u&[''\"])' \
     THEN 'runs text as SQL' END AS why) AS y WHERE why IS NOT NULL LIMIT 5";
