//! `sqlite.query`: the rows of one SELECT over a private copy of a database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use serde::Deserialize;

use crate::base::digest::Digest;
use crate::base::text;
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, settings, subject};
use super::copy::{Copied, Limits, by_hand, copy};
use super::{guard, source};

/// The collector.
pub struct Query;

/// The most that all rows together may hold.
const ALL: usize = 64 << 20;
/// A BLOB up to this many bytes is shown whole.
const SHOWN: usize = 64;

static DOC: Doc = Doc {
    name: "sqlite.query",
    summary: "the rows of one SELECT over a private copy of an SQLite database, its log included",
    detail: "Copies the database and its write-ahead log or journal to a private file without a name, reading each file \
             twice: a copy counts when both readings agree. The log's committed transactions are brought into the copy, \
             and a journal's unfinished one is taken back; the shared-memory file is not needed. SQLite opens the copy \
             only, read-only, without extensions, attached databases or PRAGMAs; a statement that is not one plain SELECT is refused. A NULL \
             is not a value: its key is left out of the row and counted in `nulls`. Transactions that were not \
             committed when it was copied are not in it.",
    needs_target: false,
    settings: &[
        source::PATH,
        Setting { name: "query", kind: "text", required: true, meaning: "one SELECT (or VALUES, or WITH … SELECT)" },
        Setting { name: "max_rows", kind: "number (1000)", required: false, meaning: "the most rows kept" },
        source::ATTEMPTS,
        source::MAX_COPY,
        source::TIMEOUT,
    ],
    values: &[
        ("query", "the query as it was given"),
        ("row_count", "the number of rows that the query gave; missing when there were more than `max_rows`"),
        ("rows_kept", "the number of rows kept in `rows`"),
        ("cut", "whether there were more rows than that"),
        ("columns", "the columns' names in order"),
        ("rows", "the rows in order, each a map; NULLs left out"),
        ("nulls", "for each column with NULLs, in how many of the rows"),
        ("value", "the value, when the answer is one row with one column"),
        source::VALUES[0],
        source::VALUES[1],
        source::VALUES[2],
        source::VALUES[3],
        source::VALUES[4],
        source::VALUES[5],
    ],
    example: "- id: jobs\n  uses: sqlite.query\n  with:\n    path: /srv/app/data.db\n    \
              query: SELECT count(*) AS failed FROM jobs WHERE state = 'failed'\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    query: String,
    max_rows: Option<usize>,
    attempts: Option<u32>,
    max_copy: Option<Value>,
    timeout: Option<Value>,
}

struct Ready {
    path: PathBuf,
    query: String,
    max_rows: usize,
    limits: Limits,
    time: Duration,
}

impl Limits {
    /// From the settings that every collector of such databases has.
    ///
    /// # Errors
    /// When one is out of range.
    pub(in crate::collect) fn of(attempts: Option<u32>, max_copy: Option<&Value>) -> Result<Self, SettingError> {
        let attempts = attempts.unwrap_or(5);
        if !(1..=50).contains(&attempts) {
            return Err(SettingError::new("with: attempts: between 1 and 50"));
        }
        Ok(Self { attempts, bytes: settings::bytes("max_copy", max_copy, 2 << 30)? })
    }

    /// The time limit of a query.
    ///
    /// # Errors
    /// When it is out of range.
    pub(in crate::collect) fn time(timeout: Option<&Value>) -> Result<Duration, SettingError> {
        let seconds = settings::seconds("timeout", timeout, 30.0)?;
        if (0.001..=600.0).contains(&seconds) {
            return Ok(Duration::from_secs_f64(seconds));
        }
        Err(SettingError::new("with: timeout: between `1ms` and `10m`"))
    }
}

impl Collector for Query {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { path, query, max_rows, attempts, max_copy, timeout } = settings.decode()?;
        let query = guard::check(&query).map_err(|e| SettingError::new(format!("with: query: {e}")))?.to_owned();
        let max_rows = max_rows.unwrap_or(1000);
        if !(1..=100_000).contains(&max_rows) {
            return Err(SettingError::new("with: max_rows: between 1 and 100000"));
        }
        let limits = Limits::of(attempts, max_copy.as_ref())?;
        let time = Limits::time(timeout.as_ref())?;
        Ok(Box::new(Ready { path: settings.path(&path), query, max_rows, limits, time }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.copying()), Action::new(Verb::Ask, self.query.clone())]
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let name = text::from_name(&self.path);
        let seen = match copy(&self.path, surroundings.scratch, surroundings.progress, self.limits) {
            Ok(copied) => self.see(&copied),
            Err(why) => Observation::absent(name, why),
        };
        Raw::new(seen.read_by(self.copying()).read_by(self.query.clone()))
    }
}

/// One row: its cells in the query's order, NULLs as `None`.
type Row = Vec<Option<Value>>;

impl Ready {
    fn copying(&self) -> String {
        format!("{} with its -wal and -journal, copied and read again", text::from_name(&self.path))
    }

    fn see(&self, copied: &Copied) -> Observation {
        let mut seen = Observation::of(text::from_name(&self.path));
        source::tell(copied, &mut seen);
        seen.set("query", self.query.clone());
        let read = guard::open(copied, self.time).and_then(|connection| self.read(&connection, &mut seen));
        if let Err(why) = read {
            subject::miss_the_rest(&mut seen, &DOC, &why);
        }
        seen
    }

    fn read(&self, connection: &Connection, seen: &mut Observation) -> Result<(), Absence> {
        let fail = |error: rusqlite::Error| guard::absence(&error, &self.path, self.time);
        let mut statement = guard::prepare(connection, &self.query).map_err(fail)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        check_names(&columns)?;
        let (rows, cut) = self.rows(&mut statement, columns.len())?;
        seen.set("rows_kept", rows.len());
        seen.set("cut", cut);
        if cut {
            let message = format!("the query gave more than the {} rows kept: raise `max_rows`", rows.len());
            seen.miss("row_count", Absence::new(Reason::Limit, message).settled_by(by_hand(&self.path)));
        } else {
            seen.set("row_count", rows.len());
        }
        single(&columns, &rows, cut, seen);
        let (rows, nulls) = without_nulls(&columns, rows);
        seen.set("columns", columns);
        seen.set("rows", rows);
        seen.set("nulls", nulls);
        Ok(())
    }

    fn rows(&self, statement: &mut Statement<'_>, width: usize) -> Result<(Vec<Row>, bool), Absence> {
        let fail = |error: rusqlite::Error| guard::absence(&error, &self.path, self.time);
        let mut answer = statement.query([]).map_err(fail)?;
        let (mut rows, mut held) = (Vec::new(), 0);
        while let Some(row) = answer.next().map_err(fail)? {
            if rows.len() == self.max_rows {
                return Ok((rows, true));
            }
            let mut cells = Vec::with_capacity(width);
            for index in 0..width {
                let cell = row.get_ref(index).map_err(fail)?;
                held += weight(cell);
                cells.push(value(cell));
            }
            if held > ALL {
                let message = format!("the rows hold more than {ALL} bytes: ask for fewer columns or rows");
                return Err(Absence::new(Reason::Limit, message).settled_by(by_hand(&self.path)));
            }
            rows.push(cells);
        }
        Ok((rows, false))
    }
}

fn check_names(columns: &[String]) -> Result<(), Absence> {
    let mut known = BTreeSet::new();
    match columns.iter().find(|name| name.is_empty() || !known.insert(name.as_str())) {
        Some(name) => {
            let message = format!("two columns are called `{name}`, or one has no name: give each its own with AS");
            Err(Absence::new(Reason::Unparsable, message))
        }
        None => Ok(()),
    }
}

fn weight(cell: ValueRef<'_>) -> usize {
    match cell {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        _ => 8,
    }
}

/// The value of a cell, `None` for NULL. Bytes are hexadecimal digits, many of them a digest.
fn value(cell: ValueRef<'_>) -> Option<Value> {
    match cell {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(Value::int(number)),
        ValueRef::Real(number) => Some(Value::real(number).unwrap_or_else(|| number.to_string().into())),
        ValueRef::Text(bytes) => Some(text::from_bytes(bytes).into()),
        ValueRef::Blob(bytes) if bytes.len() <= SHOWN => Some(format!("x'{}'", text::hex(bytes)).into()),
        ValueRef::Blob(bytes) => Some(format!("{} bytes, SHA-256 {}", bytes.len(), Digest::of(bytes)).into()),
    }
}

fn single(columns: &[String], rows: &[Row], cut: bool, seen: &mut Observation) {
    let [row] = rows else {
        return seen.miss("value", Absence::new(Reason::NotApplicable, "the query gave not exactly one row"));
    };
    let null = || Absence::new(Reason::NotFound, "the query gave NULL");
    for (name, _) in columns.iter().zip(row).filter(|(_, cell)| cell.is_none()) {
        seen.miss(&format!("rows.0.{name}"), null());
    }
    match row.as_slice() {
        [Some(value)] if !cut => seen.set("value", value.clone()),
        [None] => seen.miss("value", null()),
        _ => seen.miss("value", Absence::new(Reason::NotApplicable, "the answer is not one value")),
    }
}

fn without_nulls(columns: &[String], rows: Vec<Row>) -> (Vec<Value>, Map) {
    let mut nulls = BTreeMap::<&str, u64>::new();
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let mut map = Map::new();
        for (name, cell) in columns.iter().zip(row) {
            match cell {
                Some(value) => drop(map.insert(name.clone(), value)),
                None => *nulls.entry(name).or_default() += 1,
            }
        }
        kept.push(Value::Map(map));
    }
    (kept, nulls.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::testing::{look, prepare};
    use super::*;

    fn made(folder: &Path, sql: &str) -> PathBuf {
        let path = folder.join("app.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    }

    fn ask(path: &Path, query: &str) -> Observation {
        look(&Query, &format!("{{ path: {path:?}, query: {query:?}, max_rows: 3, timeout: 500ms }}"))
    }

    const JOBS: &str = "CREATE TABLE jobs (id INTEGER, state TEXT, at REAL, raw BLOB);
        INSERT INTO jobs VALUES (1, 'done', 1.5, x'00ff'), (9007199254740993, NULL, 2.0, zeroblob(100))";

    #[test]
    fn rows_keep_their_types_and_nulls_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), JOBS);
        let seen = ask(&path, "SELECT * FROM jobs ORDER BY at");
        let row = |index: usize| seen.values["rows"].at(&index.to_string()).unwrap().clone();
        assert_eq!(row(0).to_string(), "{at: 1.5, id: 1, raw: x'00ff', state: done}");
        assert_eq!(row(1).at("id"), Some(&"9007199254740993".into()), "digits are kept");
        assert_eq!(seen.values["nulls"].to_string(), "{state: 1}");
        assert_eq!(seen.values["unchanged"], true.into());
        assert_eq!(ask(&path, "SELECT count(*) FROM jobs").values["value"], 2_u64.into());
        for (path, _) in DOC.values {
            assert!(seen.values.contains_key(*path) != seen.missing.contains_key(*path), "{path}");
        }
    }

    #[test]
    fn what_is_more_than_reading_or_without_end_is_an_absence() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), JOBS);
        let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x FROM n";
        let seen = ask(&path, many);
        assert_eq!((&seen.values["cut"], seen.missing["row_count"].reason), (&true.into(), Reason::Limit));
        let columns = ask(&path, "SELECT name FROM pragma_table_info('jobs') WHERE type = 'BLOB'");
        assert_eq!(columns.values["value"], "raw".into());
        let reason = |query: &str| ask(&path, query).missing["rows"].reason;
        assert_eq!(reason(&many.replace("SELECT x FROM", "SELECT count(*) AS c FROM")), Reason::TimedOut);
        assert_eq!(reason("SELECT load_extension('x') AS x"), Reason::Failed);
        assert_eq!(reason("SELECT nothing FROM jobs"), Reason::Failed);
        assert_eq!(reason("SELECT 1 AS a, 2 AS a"), Reason::Unparsable);
        assert_eq!(reason("SELECT zeroblob(20000000) AS big"), Reason::Limit);
    }

    #[test]
    fn a_query_that_is_no_select_is_refused_before_anything_is_read() {
        let refused = |with: &str| prepare(&Query, with).err().unwrap().message;
        assert!(refused("{ path: /x, query: DELETE FROM jobs }").contains("one SELECT"));
        assert!(refused("{ path: /x, query: SELECT 1, max_rows: 0 }").contains("max_rows"));
        assert!(refused("{ path: /x, query: SELECT 1, attempts: 0 }").contains("attempts"));
        assert!(refused("{ path: /x, query: SELECT 1, timeout: 2h }").contains("timeout"));
    }

    #[test]
    fn nothing_is_said_of_a_database_that_is_not_there() {
        let absence = look(&Query, "{ path: /no/such.db, query: SELECT 1 }").absence.unwrap();
        assert_eq!(absence.reason, Reason::NotFound);
    }
}
