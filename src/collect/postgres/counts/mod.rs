//! `postgres.counts`: how many rows tables have, counted or estimated, and never the one under the
//! name of the other.

mod doc;

use std::time::Duration;

use serde::Deserialize;

use crate::base::digest::Digest;
use crate::collect::{Collector, Doc, Prepared, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::{Map, Value};

use super::calls;
use super::client::Client;
use super::names::{self, Name};
use super::session::{self, Answers, Question};
use doc::DOC;

/// The collector.
pub struct Counts;

const ESTIMATE_OF: &str = "pg_class.reltuples, as of the last VACUUM, ANALYZE or CREATE INDEX";

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    #[default]
    Exact,
    Estimate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    #[serde(default)]
    method: Method,
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    schemas: Vec<String>,
    #[serde(default = "most")]
    max_tables: usize,
    #[serde(default)]
    limit: Option<Value>,
}

fn most() -> usize {
    2000
}

impl Collector for Counts {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        if !with.tables.is_empty() && !with.schemas.is_empty() {
            return Err(SettingError::new("with: give `tables` or `schemas`, not both"));
        }
        let named = with.tables.iter().map(|text| Name::parse(text)).collect::<Result<Vec<_>, _>>();
        let named = named.map_err(|e| SettingError::new(format!("with: tables: {e}")))?;
        let limit = session::limit(with.limit.as_ref())?;
        let questions = questions(&with, &named).map_err(SettingError::new)?;
        let client = Client::of(settings)?;
        Ok(Box::new(Look { client, questions, named, method: with.method, most: with.max_tables, limit }))
    }
}

fn questions(with: &With, named: &[Name]) -> Result<Vec<Question>, String> {
    let scope = match named {
        [] => format!("c.relkind IN ('r', 'p') AND {}", names::scope(&with.schemas)?),
        _ => {
            let pairs = named.iter().map(Name::literals).collect::<Result<Vec<_>, _>>()?;
            format!("(n.nspname, c.relname) IN ({}) AND c.relkind NOT IN ('i', 'I', 'c', 't')", pairs.join(", "))
        }
    };
    let from = format!("FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {scope}");
    if with.method == Method::Estimate {
        let tables = TABLES.replace("<halted>", "NULL");
        return Ok(vec![Question::own("tables", format!("{tables} {from} LIMIT {}", with.max_tables + 1))]);
    }
    let reached = calls::of_tables(&from);
    let halted = "(SELECT h.name || ' ' || h.why FROM halted h WHERE h.root = c.oid)";
    let tables = format!("{reached} {} {from} LIMIT {}", TABLES.replace("<halted>", halted), with.max_tables + 1);
    let tables = Question::own("tables", tables);
    let counts = format!("{reached} {COUNTS} {from} AND {COUNTABLE} AND {NOT_HALTED} ORDER BY n.nspname, c.relname");
    let mut counts = Question::own("counts", counts);
    counts.spread = true;
    counts.only_if = Some(format!("(SELECT count(*) {from}) <= {}", with.max_tables));
    Ok(vec![tables, counts])
}

/// The one form of a count that others may share: exact, of one table, as JSON.
const COUNTS: &str = "SELECT format('SELECT json_build_object(''table'', %L, ''rows'', count(*)) FROM %s%I.%I', \
     n.nspname || '.' || c.relname, CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, n.nspname, c.relname)";

const COUNTABLE: &str = "c.relkind IN ('r', 'p', 'm') AND c.relispopulated AND has_schema_privilege(n.oid, 'USAGE') \
     AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)";

/// Counting a table must run nothing but the server's own code (see [`calls`]).
const NOT_HALTED: &str = "c.oid NOT IN (SELECT root FROM halted)";

const TABLES: &str = "SELECT json_build_object('schema', n.nspname, 'table', c.relname, 'kind', \
     CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view' \
     WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'sequence' END, \
     'readable', has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), \
     'halted', <halted>, 'hidden', row_security_active(c.oid), 'populated', c.relispopulated, \
     'ancestors', CASE WHEN c.relispartition THEN (SELECT json_agg(an.nspname || '.' || ac.relname) \
     FROM pg_partition_ancestors(c.oid) AS a(relid) JOIN pg_class ac ON ac.oid = a.relid \
     JOIN pg_namespace an ON an.oid = ac.relnamespace WHERE a.relid <> c.oid) END, \
     'estimate', CASE WHEN c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0 \
     AND current_setting('server_version_num')::int < 140000) THEN NULL ELSE c.reltuples::bigint END, \
     'n_live_tup', pg_stat_get_live_tuples(c.oid))";

/// The questions that count every table of `scope` exactly, for other collectors.
pub(super) fn all_of(scope: &str) -> Vec<Question> {
    let from = format!(
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND {scope}"
    );
    let reached = calls::of_tables(&from);
    let kept = format!(
        "{reached} SELECT json_build_object('table', n.nspname || '.' || c.relname) {from} \
         AND NOT (({COUNTABLE}) AND {NOT_HALTED})"
    );
    let mut counts = Question::own("counts", format!("{reached} {COUNTS} {from} AND {COUNTABLE} AND {NOT_HALTED}"));
    counts.spread = true;
    vec![Question::own("uncounted", kept), counts]
}

/// How many tables [`all_of`] counted, and the digest over their rows; or why not all were counted.
pub(super) fn digest_of_all(answers: &Answers) -> Result<Result<(usize, String), Absence>, Absence> {
    if let Some(row) = answers.maps("uncounted")?.first() {
        let table = row.get("table").and_then(Value::as_text).unwrap_or_default();
        let message =
            format!("the role may not read {table}, or not all of its rows, or counting it would run other code");
        return Ok(Err(Absence::new(Reason::Denied, message)));
    }
    let counted = counted(answers)?;
    let rows = counted.iter().map(|(table, rows)| (table.as_str(), rows.as_int().unwrap_or(-1)));
    Ok(Ok((counted.len(), digest(rows))))
}

fn digest<'a>(rows: impl Iterator<Item = (&'a str, i64)>) -> String {
    let text: String = rows.map(|(table, rows)| format!("{table}\t{rows}\n")).collect();
    Digest::of(text.as_bytes()).to_string()
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    named: Vec<Name>,
    method: Method,
    most: usize,
    limit: Duration,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        let seen = session::observe_within(&self.client, &self.questions, self.limit, |answers, seen| {
            self.read(answers, seen)
        });
        Raw::new(seen)
    }
}

/// One table as it was found.
struct Table {
    shown: String,
    row: Map,
    ancestors: Vec<String>,
    rows: Result<i64, Absence>,
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        let found = answers.maps("tables")?;
        if found.len() > self.most {
            let message = format!("more than {} tables: raise `max_tables`, or name `tables` or `schemas`", self.most);
            return Err(Absence::new(Reason::Limit, message));
        }
        let counted = counted(answers)?;
        let mut tables: Vec<Table> = found.into_iter().map(|row| self.table(row, &counted)).collect();
        tables.extend(self.named.iter().filter_map(|name| absent(name, &tables)).collect::<Vec<_>>());
        tables.sort_by(|a, b| a.shown.cmp(&b.shown));
        self.tell(tables, seen);
        Ok(())
    }

    fn table(&self, mut row: Map, counted: &Map) -> Table {
        let text = |row: &Map, key: &str| row.get(key).and_then(Value::as_text).unwrap_or_default().to_owned();
        let shown = names::shown(&text(&row, "schema"), &text(&row, "table"));
        let ancestors = match row.remove("ancestors") {
            Some(Value::List(list)) => list.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        if let Some(parent) = ancestors.first() {
            row.insert("partition_of".to_owned(), parent.as_str().into());
        }
        let rows = self.rows(&shown, &row, counted);
        for key in ["readable", "hidden", "halted", "populated", "estimate"] {
            row.remove(key);
        }
        if self.method == Method::Exact {
            row.remove("n_live_tup");
        }
        if let Ok(rows) = rows {
            row.insert("rows".to_owned(), rows.into());
        }
        Table { shown, row, ancestors, rows }
    }

    /// The rows of one table, or why they are not known.
    fn rows(&self, shown: &str, row: &Map, counted: &Map) -> Result<i64, Absence> {
        let is = |key: &str| row.get(key) == Some(&Value::Bool(true));
        let kind = row.get("kind").and_then(Value::as_text).unwrap_or_default();
        let by_hand = self.client.by_hand(&format!("SELECT count(*) FROM {shown}"));
        let no = |reason, message: String| Err(Absence::new(reason, message).settled_by(by_hand.clone()));
        if !matches!(kind, "table" | "partitioned table" | "materialized view") {
            return no(Reason::NotApplicable, format!("{shown} is a {kind}, not a table"));
        }
        if self.method == Method::Estimate {
            let known = row.get("estimate").and_then(Value::as_int);
            return known.map_or_else(
                || no(Reason::Unavailable, format!("{shown}: the server has no estimate: it was never analysed")),
                Ok,
            );
        }
        match counted.get(shown).and_then(Value::as_int) {
            Some(rows) => Ok(rows),
            None if !is("readable") => no(Reason::Denied, format!("the role may not read {shown}")),
            None if is("hidden") => {
                no(Reason::Denied, format!("{shown}: row-level security would hide rows from the role"))
            }
            None if row.contains_key("halted") => {
                let what = row.get("halted").and_then(Value::as_text).unwrap_or_default();
                no(Reason::Denied, format!("{shown} was not counted, since that may run other code: {what}"))
            }
            None if !is("populated") => no(Reason::NotApplicable, format!("{shown} was never filled")),
            None => no(Reason::Failed, format!("{shown} was not counted")),
        }
    }

    fn tell(&self, tables: Vec<Table>, seen: &mut Observation) {
        match self.method {
            Method::Exact => {
                seen.set("method", "exact");
                seen.miss("estimate_of", Absence::new(Reason::NotApplicable, "the rows were counted"));
            }
            Method::Estimate => {
                seen.set("method", "estimate");
                seen.set("estimate_of", ESTIMATE_OF);
            }
        }
        seen.set("table_count", tables.len());
        seen.set("known_count", tables.iter().filter(|table| table.rows.is_ok()).count());
        total(&tables, seen);
        self.digest(&tables, seen);
        let mut by_table = Map::new();
        for table in &tables {
            match &table.rows {
                Ok(rows) => drop(by_table.insert(table.shown.clone(), (*rows).into())),
                Err(absence) => seen.miss(&format!("by_table.{}", table.shown), absence.clone()),
            }
        }
        seen.set("by_table", by_table);
        seen.set("tables", tables.into_iter().map(|table| Value::Map(table.row)).collect::<Vec<_>>());
    }

    fn digest(&self, tables: &[Table], seen: &mut Observation) {
        if self.method == Method::Estimate {
            let why = "an estimate is no count: it changes without the table";
            return seen.miss("counts_sha256", Absence::new(Reason::NotApplicable, why));
        }
        match tables.iter().find_map(|table| table.rows.as_ref().err()) {
            Some(absence) => seen.miss("counts_sha256", absence.clone()),
            None => {
                let rows = tables.iter().map(|table| (table.shown.as_str(), *table.rows.as_ref().unwrap_or(&-1)));
                seen.set("counts_sha256", digest(rows));
            }
        }
    }
}

/// No row twice: a partition is counted with its partitioned table when that is among the tables.
fn total(tables: &[Table], seen: &mut Observation) {
    let listed: std::collections::BTreeSet<&str> = tables.iter().map(|table| table.shown.as_str()).collect();
    let mut total = 0_i64;
    for table in tables {
        match &table.rows {
            _ if table.ancestors.iter().any(|parent| listed.contains(parent.as_str())) => {}
            Ok(rows) => total = total.saturating_add(*rows),
            Err(absence) => return seen.miss("total", absence.clone()),
        }
    }
    seen.set("total", Value::int(total));
}

fn counted(answers: &Answers) -> Result<Map, Absence> {
    let pair = |mut row: Map| Some((row.remove("table")?.as_text()?.to_owned(), row.remove("rows")?));
    Ok(answers.maps("counts")?.into_iter().filter_map(pair).collect())
}

/// A named table that is not there.
fn absent(name: &Name, tables: &[Table]) -> Option<Table> {
    let shown = name.shown();
    if tables.iter().any(|table| table.shown == shown) {
        return None;
    }
    let row = [("schema", &name.schema), ("table", &name.name)].map(|(k, v)| (k.to_owned(), v.as_str().into()));
    let mut row = Map::from(row);
    row.insert("kind".to_owned(), "not found".into());
    let rows = Err(Absence::new(Reason::NotFound, format!("there is no table {shown}")));
    Some(Table { shown, row, ancestors: Vec::new(), rows })
}
