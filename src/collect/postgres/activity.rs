//! `postgres.activity`: the server's own counters at one moment, so that what others moved between
//! two looks stands beside what we did not.

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::Value;

use super::client::Client;
use super::names;
use super::rows::sorted;
use super::session::{self, Answers, Question};

/// The collector.
pub struct Activity;

static DOC: Doc = Doc {
    name: "postgres.activity",
    summary: "WAL position, next transaction id, transaction and tuple counters of the database and its tables",
    detail: "Reads the server's counters in one REPEATABLE READ, READ ONLY transaction. The counters of \
             pg_stat_database and of tables are asynchronous: what a session did may appear only after it has \
             ended. The WAL position and the transaction ids belong to the whole cluster, and the position also \
             moves by itself (checkpoints, background writing, and pages that a mere reader tidies up), so a \
             difference there is no proof of a write. Our own sessions each add one rolled-back transaction and \
             the few that a connection needs.",
    needs_target: true,
    settings: &[
        Setting { name: "schemas", kind: "list of text", required: false, meaning: "only tables of these schemas" },
        Setting { name: "max_tables", kind: "number (5000)", required: false, meaning: "the most tables listed" },
    ],
    values: with_session![
        ("lsn", "the WAL position, e.g. `0/15D6A80`; on a standby the one replayed"),
        ("lsn_bytes", "the same as a number of bytes since the beginning"),
        ("next_xid", "the next transaction id that nobody has yet, 64 bits"),
        ("oldest_xid", "the oldest transaction id still in progress"),
        ("in_progress", "how many transactions with an id were in progress"),
        (
            "database",
            "counters of pg_stat_database: xact_commit, xact_rollback, tup_inserted, tup_updated, \
                      tup_deleted, conflicts, temp_files, deadlocks"
        ),
        ("stats_reset", "when the database's counters were last reset; missing when never"),
        ("table_count", "how many tables there are"),
        ("tables", "a list of: schema, table, inserted, updated, deleted, live (an estimate)"),
        ("tables_cut", "whether the list is shorter than the count"),
        ("sequences_cut", "whether the next list is shorter than it should be"),
        ("sequences", "a list of: schema, sequence, last_value (missing when never used or not readable)"),
    ],
    example: "- id: activity-before\n  uses: postgres.activity\n  on: production\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    #[serde(default)]
    schemas: Vec<String>,
    #[serde(default = "most")]
    max_tables: usize,
}

fn most() -> usize {
    5000
}

const CLUSTER: &str = "SELECT json_build_object('lsn', l.lsn::text, 'lsn_bytes', pg_wal_lsn_diff(l.lsn, '0/0')::bigint, \
     'next_xid', txid_snapshot_xmax(s.now)::text, 'oldest_xid', txid_snapshot_xmin(s.now)::text, \
     'in_progress', (SELECT count(*) FROM txid_snapshot_xip(s.now)), \
     'stats_reset', to_char(d.stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
     'database', json_build_object('xact_commit', d.xact_commit, 'xact_rollback', d.xact_rollback, \
     'tup_inserted', d.tup_inserted, 'tup_updated', d.tup_updated, 'tup_deleted', d.tup_deleted, \
     'conflicts', d.conflicts, 'temp_files', d.temp_files, 'deadlocks', d.deadlocks)) \
     FROM pg_stat_database d, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
     ELSE pg_current_wal_insert_lsn() END AS lsn) AS l, (SELECT txid_current_snapshot() AS now) AS s \
     WHERE d.datname = current_database()";

impl Collector for Activity {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let scope = names::scope(&with.schemas).map_err(|e| SettingError::new(format!("with: {e}")))?;
        let tables = format!(
            "SELECT json_build_object('schema', n.nspname, 'table', c.relname, \
             'inserted', pg_stat_get_tuples_inserted(c.oid), 'updated', pg_stat_get_tuples_updated(c.oid), \
             'deleted', pg_stat_get_tuples_deleted(c.oid), 'live', pg_stat_get_live_tuples(c.oid)) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND {scope}"
        );
        let sequences = format!(
            "SELECT json_build_object('schema', n.nspname, 'sequence', c.relname, 'last_value', \
             CASE WHEN has_sequence_privilege(c.oid, 'SELECT,USAGE') THEN pg_sequence_last_value(c.oid) END) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND {scope}"
        );
        let questions = vec![
            Question::own("cluster", CLUSTER),
            Question::own("tables", tables),
            Question::own("sequences", sequences),
        ];
        Ok(Box::new(Look { client: Client::of(settings)?, questions, most: with.max_tables }))
    }
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    most: usize,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen)))
    }
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        seen.values.extend(answers.map("cluster")?);
        if !seen.values.contains_key("stats_reset") {
            seen.miss("stats_reset", Absence::new(Reason::NotApplicable, "the counters were never reset"));
        }
        let tables = sorted(answers.maps("tables")?, &["schema", "table"]);
        seen.set("table_count", tables.len());
        seen.set("tables_cut", tables.len() > self.most);
        seen.set("tables", tables.into_iter().take(self.most).map(Value::Map).collect::<Vec<_>>());
        let sequences = sorted(answers.maps("sequences")?, &["schema", "sequence"]);
        seen.set("sequences_cut", sequences.len() > self.most);
        seen.set("sequences", sequences.into_iter().take(self.most).map(Value::Map).collect::<Vec<_>>());
        Ok(())
    }
}
