//! `postgres.query`: one query of the operator's, proved to be one plain SELECT before anything is
//! sent, and its rows.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::{Map, Value};

use super::calls;
use super::client::Client;
use super::rows::{self, Row};
use super::session::{self, Answers, Question};
use super::sql;

/// The collector.
pub struct Query;

static DOC: Doc = Doc {
    name: "postgres.query",
    summary: "the rows of one SELECT, typed, checked to be one plain query before anything is sent",
    detail: "The query may not hold comments, backslashes, `$`, `;`, INTO, row locks or writing WITH, and may \
             not call functions with lasting effects (nextval, setval, pg_terminate_backend, pg_switch_wal, \
             pg_stat_reset*, lo_*, dblink*, pg_read_file, advisory locks, set_config and the like). It is sent \
             inside `SELECT row_to_json(…) FROM ( … ) LIMIT …` in one REPEATABLE READ, READ ONLY \
             transaction. That transaction stops writes to tables and sequences. It does not stop what a \
             function does outside of it, so first the catalogue is asked about everything that the query can \
             reach: names are looked up as the server cuts and folds them, in any schema, and followed by object \
             identifier through views, policies, domains, defaults, casts, operators, operator classes, indexes, \
             partitions and the bodies of SQL functions. What the database holds besides does not count. Refused \
             are volatile functions that are not known only to look, foreign tables, C outside of the libraries of \
             known extensions (PostGIS, pgvector, pg_trgm, hstore and others), other languages, and PL/pgSQL for a \
             superuser, for a member of pg_write_server_files or pg_execute_server_program, and with SECURITY \
             DEFINER. A superuser's query is asked as pg_read_all_data or pg_monitor when that role sees the same; \
             otherwise it is asked as the superuser (`asked_as_superuser`), and then the refusals are all that \
             keeps it from acting. \
             pg_read_file only reads, and is refused all the same: files are looked at by `file` and `log`, which \
             mask them and leave their times alone. Not found out are C of a known library that does more than it declares, libraries that the \
             server loads for every session, login triggers, and a change of the catalogue between the check and \
             the query: let the role that asks have few rights (pg_monitor is enough for the catalogue). Rows that a policy of row-level security would hide make the \
             query fail; they are not left out. A NULL is not a value: its key is left out of the row \
             and counted in `nulls`.",
    needs_target: true,
    settings: &[
        Setting { name: "query", kind: "text", required: true, meaning: "one SELECT (or VALUES, or WITH … SELECT)" },
        Setting { name: "max_rows", kind: "number (1000)", required: false, meaning: "the most rows kept" },
    ],
    values: with_session![
        ("query", "the query as it was given"),
        ("asked_as", "the role whose rights the query had"),
        ("asked_as_superuser", "whether that role is a superuser"),
        ("row_count", "the number of rows that the query gave; missing when there were more than `max_rows`"),
        ("rows_kept", "the number of rows kept in `rows`"),
        ("cut", "whether there were more rows than that"),
        ("columns", "the columns' names in order; missing when there was no row to see them in"),
        ("rows", "the rows in order, each a map; NULLs left out"),
        ("nulls", "for each column with NULLs, in how many of the rows"),
        ("value", "the value, when the answer is one row with one column"),
    ],
    example: "- id: tables\n  uses: postgres.query\n  on: production\n  with:\n    \
              query: SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'app'\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    query: String,
    #[serde(default = "most")]
    max_rows: usize,
}

fn most() -> usize {
    1000
}

impl Collector for Query {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { query, max_rows } = settings.decode()?;
        let query = sql::check(&query).map_err(|e| SettingError::new(format!("query: {e}")))?;
        if !(1..=100_000).contains(&max_rows) {
            return Err(SettingError::new("max_rows: between 1 and 100000"));
        }
        // One more than is kept, to know whether there were more.
        let sql = format!(
            "SELECT pg_catalog.row_to_json(evidence_row) FROM (\n{query}\n) AS evidence_row LIMIT {}",
            max_rows + 1
        );
        let reach = sql::reach(&query);
        let against = calls::against(&reach);
        let only_if = Some(format!("NOT EXISTS ({against})"));
        let role = Some(calls::least_role(&reach));
        let asked = Question { foreign: true, by_hand: query.clone(), only_if, role, ..Question::own("rows", sql) };
        let questions = vec![Question::own("against", against), asked];
        Ok(Box::new(Look { client: Client::of(settings)?, questions, query, max_rows }))
    }
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    query: String,
    max_rows: usize,
}

impl Look {
    /// The absence of a count that nobody made: the rows beyond the cap were not asked for.
    fn more_than(&self, kept: usize) -> Absence {
        let message = format!("the query gave more than the {kept} rows kept: raise `max_rows`, or count in the query");
        let count = format!("SELECT count(*) FROM ({}) AS q", self.query);
        Absence::new(Reason::Limit, message).settled_by(self.client.by_hand(&count))
    }

    /// The functions that the catalogue has against the query: then it was not asked.
    fn refused(&self, answers: &Answers) -> Result<(), Absence> {
        let text = |row: &Map, key: &str| row.get(key).and_then(Value::as_text).unwrap_or_default().to_owned();
        let against = answers.maps("against")?;
        let told: Vec<_> = against.iter().map(|row| format!("{} {}", text(row, "name"), text(row, "why"))).collect();
        if told.is_empty() {
            return Ok(());
        }
        let message = format!("not asked: what the query names may change something: {}", told.join("; "));
        Err(Absence::new(Reason::Denied, message).settled_by(self.client.by_hand(&self.query)))
    }

    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        self.refused(answers)?;
        let all = answers.rows("rows");
        let kept = all.iter().take(self.max_rows).map(|json| rows::row(json));
        let kept = kept.collect::<Result<Vec<_>, _>>().map_err(|e| Absence::new(Reason::Unparsable, e))?;
        seen.set("query", self.query.clone());
        seen.values.extend(answers.map("asked_as")?);
        let cut = all.len() > kept.len();
        if cut {
            seen.miss("row_count", self.more_than(kept.len()));
        } else {
            seen.set("row_count", kept.len());
        }
        seen.set("rows_kept", kept.len());
        seen.set("cut", cut);
        match kept.first() {
            Some(Row(cells)) => seen.set("columns", cells.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()),
            None => seen.miss("columns", Absence::new(Reason::NotApplicable, "no row to see the columns in")),
        }
        single(&kept, seen);
        let (rows, nulls) = without_nulls(kept);
        seen.set("rows", rows);
        seen.set("nulls", nulls);
        Ok(())
    }
}

/// The value of a single cell; NULLs of a single row are absences that can be cited.
fn single(rows: &[Row], seen: &mut Observation) {
    let null = || Absence::new(Reason::NotFound, "the query gave NULL");
    let [Row(cells)] = rows else {
        let many = Absence::new(Reason::NotApplicable, format!("the query gave {} rows, not one", rows.len()));
        return seen.miss("value", many);
    };
    for (name, _) in cells.iter().filter(|(_, value)| value.is_none()) {
        seen.miss(&format!("rows.0.{name}"), null());
    }
    match cells.as_slice() {
        [(_, Some(value))] => seen.set("value", value.clone()),
        [(_, None)] => seen.miss("value", null()),
        _ => seen.miss("value", Absence::new(Reason::NotApplicable, "the row has several columns")),
    }
}

fn without_nulls(rows: Vec<Row>) -> (Vec<Value>, Map) {
    let mut nulls = BTreeMap::<String, u64>::new();
    let mut kept = Vec::with_capacity(rows.len());
    for Row(cells) in rows {
        let mut row = Map::new();
        for (name, value) in cells {
            match value {
                Some(value) => drop(row.insert(name, value)),
                None => *nulls.entry(name).or_default() += 1,
            }
        }
        kept.push(Value::Map(row));
    }
    (kept, nulls.into_iter().map(|(name, count)| (name, count.into())).collect())
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen)))
    }
}
