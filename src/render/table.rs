//! Tables. Each row carries the labels of the facts it was made from in a last column, so that
//! cells stay short and nothing loses its citation.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, Value as Jinja};

use super::block::paragraph;
use super::cite::{Cited, FactObject, Seen, applicable, demand, look, unknown};
use super::error::complain;
use super::escape;
use super::form::{FORMS, Form, markdown};
use super::ledger::Ledger;
use crate::base::text;
use crate::model::value::Value;

/// Rows shown unless the template says otherwise; a cut says how many are left out.
pub(super) const ROW_LIMIT: usize = 200;

/// One row: finished cells, and the facts it rests on.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Markdown, safe in a cell.
    pub(super) cells: Vec<String>,
    /// Positions of facts.
    pub(super) facts: Vec<usize>,
}

/// Rows made by [`each`], with what has to be said below the table.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows of a table")
    }
}

impl Object for Rows {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// A lone `#` heads the column of numbers, and opens no heading within a row.
fn head(words: &str) -> String {
    if words == "#" { words.to_owned() } else { escape::prose(words) }
}

/// Markdown of a table; `None` when there are no rows.
pub(super) fn draw(ledger: &Ledger, headers: &[String], rows: &[Row]) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let cited = rows.iter().any(|row| !row.facts.is_empty());
    let mut heads: Vec<String> = headers.iter().map(|h| head(h)).collect();
    if cited {
        heads.push("Fact".to_owned());
    }
    let mut out = format!("\n\n| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let mut cells = row.cells.clone();
        if cited {
            cells.push(ledger.labels(row.facts.clone()));
        }
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out.push('\n');
    Some(out)
}

/// `table(headers, rows, …)`: rows are lists of cells, or what `each` and `grid` made.
pub(super) fn table(ledger: &Ledger, headers: &[String], parts: &[Jinja]) -> Result<String, Error> {
    let mut all = Rows::default();
    for part in parts {
        match part.downcast_object_ref::<Rows>() {
            Some(rows) => {
                for row in &rows.rows {
                    let cells = row.cells.iter().map(|cell| ledger.printed(cell.clone())).collect();
                    all.rows.push(counted(ledger, Row { cells, facts: row.facts.clone() })?);
                }
                all.notes.extend(rows.notes.iter().map(|note| ledger.printed(note.clone())));
            }
            None => {
                for row in part.try_iter()? {
                    all.rows.push(counted(ledger, typed_row(ledger, &row)?)?);
                }
            }
        }
    }
    if let Some(row) = all.rows.iter().find(|row| row.cells.len() != headers.len()) {
        let (cells, heads) = (row.cells.len(), headers.len());
        return Err(complain(format!(
            "a row of this table has {}, the table has {heads}",
            text::plural(cells, "cell")
        )));
    }
    let mut out = draw(ledger, headers, &all.rows).unwrap_or_default();
    if out.is_empty() && all.notes.is_empty() {
        out = paragraph("None.");
    }
    out.extend(all.notes.iter().map(|note| paragraph(note)));
    Ok(out)
}

/// `row`, once its text is counted.
fn counted(ledger: &Ledger, row: Row) -> Result<Row, Error> {
    ledger.spend(row.cells.iter().map(String::len).sum())?;
    Ok(row)
}

fn typed_row(ledger: &Ledger, row: &Jinja) -> Result<Row, Error> {
    let mut made = Row::default();
    for cell in row.try_iter()? {
        let (cell, fact) = typed_cell(ledger, &cell)?;
        ledger.spend(cell.len())?;
        made.cells.push(cell);
        made.facts.extend(fact);
    }
    Ok(made)
}

fn typed_cell(ledger: &Ledger, cell: &Jinja) -> Result<(String, Option<usize>), Error> {
    if let Some(cited) = cell.downcast_object_ref::<Cited>() {
        return Ok((ledger.printed(cited.bare()), Some(cited.fact)));
    }
    if let Some(fact) = cell.downcast_object_ref::<FactObject>() {
        return Ok((ledger.printed(escape::inline(&fact.ledger.fact(fact.fact).id)), Some(fact.fact)));
    }
    match cell.as_str() {
        Some(text) => Ok((escape::prose(text), None)),
        None if cell.is_number() => Ok((cell.to_string(), None)),
        None => Err(complain("a cell is a fact's value, text or a number")),
    }
}

/// A column of [`each`]: `path`, `path|filter`, `path?` (may be nothing), `@name`.
struct Column {
    path: String,
    form: Option<Form>,
    optional: bool,
}

impl Column {
    fn show(&self, cited: &Cited) -> String {
        self.form.map_or_else(|| cited.bare(), |form| cited.shaped(form).bare())
    }

    fn show_or_dash(&self, cited: Option<Cited>) -> String {
        applicable(cited).map_or_else(|| "-".to_owned(), |cited| self.show(&cited))
    }
}

fn column(specification: &str) -> Result<Column, Error> {
    let (path, filter) = match specification.split_once('|') {
        Some((path, filter)) => (path, Some(filter)),
        None => (specification, None),
    };
    let form = filter.map(named_form).transpose()?;
    Ok(Column { path: path.trim_end_matches('?').to_owned(), form, optional: path.ends_with('?') })
}

fn named_form(filter: &str) -> Result<Form, Error> {
    let found = FORMS.iter().find(|(name, _)| *name == filter);
    found.map(|(_, form)| *form).ok_or_else(|| {
        let hint = text::did_you_mean(filter, FORMS.iter().map(|(name, _)| *name));
        complain(format!("no filter `{filter}` for a column{hint}"))
    })
}

/// `each(what, columns, limit)`: one row per fact of a list of facts, or per element of a fact's
/// list or map. `@key` is the element's key or number, `@value` the element itself; for facts,
/// `@id`, `@source`, `@observed_at` and so on.
pub(super) fn each(what: &Jinja, columns: &[String], limit: usize) -> Result<Jinja, Error> {
    let columns = columns.iter().map(|c| column(c)).collect::<Result<Vec<_>, _>>()?;
    let rows = match what.downcast_object_ref::<Cited>() {
        Some(cited) => elements(cited, &columns, limit)?,
        None => facts(what, &columns)?,
    };
    Ok(Jinja::from_object(rows))
}

fn facts(what: &Jinja, columns: &[Column]) -> Result<Rows, Error> {
    let mut made = Rows::default();
    for item in what.try_iter()? {
        let fact = item.downcast_object_ref::<FactObject>();
        let fact = fact.ok_or_else(|| complain("`each` needs facts, or a fact's list or map"))?;
        let cells = columns.iter().map(|column| fact_cell(fact, column)).collect::<Result<_, _>>()?;
        made.rows.push(Row { cells, facts: vec![fact.fact] });
    }
    Ok(made)
}

fn fact_cell(fact: &FactObject, column: &Column) -> Result<String, Error> {
    if let Some(name) = column.path.strip_prefix('@') {
        let own = fact.own(name).ok_or_else(|| complain(format!("a fact has no `@{name}`")))?;
        return Ok(column.show(&own));
    }
    if column.optional {
        return Ok(column.show_or_dash(look(&fact.ledger, fact.fact, &column.path)));
    }
    Ok(column.show(&demand(&fact.ledger, fact.fact, &column.path)?))
}

fn elements(cited: &Cited, columns: &[Column], limit: usize) -> Result<Rows, Error> {
    let label = cited.ledger.label(cited.fact);
    if let Seen::Absent(absence) = &cited.seen {
        return Ok(Rows { notes: vec![format!("{} {label}", unknown(absence))], rows: Vec::new() });
    }
    let wrong = || complain(format!("`{}` is no list and no map", cited.path));
    let all = cited.elements(limit).ok_or_else(wrong)?;
    let total = cited.count();
    let mut made = Rows::default();
    for (key, element) in &all {
        let cells = columns.iter().map(|c| element_cell(key, element, c)).collect::<Result<_, _>>()?;
        made.rows.push(Row { cells, facts: vec![cited.fact] });
    }
    if all.is_empty() {
        made.notes.push(format!("None. {label}"));
    } else if total > limit {
        made.notes.push(format!("{} of {} rows shown; all are in `facts.jsonl`. {label}", limit, total));
    }
    Ok(made)
}

fn element_cell(key: &Cited, element: &Cited, column: &Column) -> Result<String, Error> {
    match column.path.as_str() {
        "@key" => Ok(column.show(key)),
        "@value" => Ok(column.show(element)),
        path => match element.below(path) {
            None if !column.optional => {
                let (id, uses) = (&element.ledger.fact(element.fact).id, &element.ledger.fact(element.fact).uses);
                Err(complain(format!(
                    "an element of fact `{id}` ({uses}) has no `{path}`; write `{path}?` if it may lack"
                )))
            }
            found => Ok(column.show_or_dash(found)),
        },
    }
}

/// `grid(cited list of maps)`: a table whose columns are the keys of its rows, e.g. the answer of
/// a query.
pub(super) fn grid(cited: &Cited, order: Option<&Cited>, limit: usize) -> Result<String, Error> {
    let label = cited.ledger.label(cited.fact);
    let list = match &cited.seen {
        Seen::Absent(absence) => return Ok(paragraph(&format!("{} {label}", unknown(absence)))),
        Seen::Known(Value::List(list)) if !list.is_empty() => list,
        Seen::Known(_) => return Ok(paragraph(&format!("No rows. {label}"))),
    };
    let keys = columns_of(list, order);
    let rows: Vec<_> = list.iter().take(limit).map(|row| grid_row(row, &keys, cited.fact)).collect();
    let mut out = String::new();
    if let Some(table) = draw_raw(&cited.ledger, &keys, &rows) {
        out.push_str(&table);
    }
    if list.len() > limit {
        let note = format!("{limit} of {} rows shown; all are in `facts.jsonl`. {label}", list.len());
        out.push_str(&paragraph(&note));
    }
    Ok(out)
}

/// Column names of a query come from outside too: as code, not as words.
fn draw_raw(ledger: &Ledger, keys: &[String], rows: &[Row]) -> Option<String> {
    let blank: Vec<String> = keys.iter().map(|_| "x".to_owned()).collect();
    let drawn = draw(ledger, &blank, rows)?;
    let (_, rest) = drawn.trim_start().split_once('\n')?;
    let heads: Vec<_> = keys.iter().map(|key| escape::inline(key)).collect();
    Some(format!("\n\n| {} | Fact |\n{rest}", heads.join(" | ")))
}

fn columns_of(list: &[Value], order: Option<&Cited>) -> Vec<String> {
    let mut keys: Vec<String> = match order.map(|o| &o.seen) {
        Some(Seen::Known(Value::List(names))) => names.iter().filter_map(|n| Some(n.as_text()?.to_owned())).collect(),
        _ => Vec::new(),
    };
    for row in list {
        match row {
            Value::Map(map) => keys.extend(map.keys().filter(|k| !keys.contains(k)).cloned().collect::<Vec<_>>()),
            _ if keys.is_empty() => keys.push("value".to_owned()),
            _ => {}
        }
    }
    if keys.is_empty() {
        keys.push("value".to_owned());
    }
    keys
}

fn grid_row(row: &Value, keys: &[String], fact: usize) -> Row {
    let cell = |(index, key): (usize, &String)| match row {
        Value::Map(map) => map.get(key).map(|v| markdown(v, Form::of(key))),
        Value::List(list) => list.get(index).map(|v| markdown(v, Form::Plain)),
        other => (index == 0).then(|| markdown(other, Form::Plain)),
    };
    // A column that a row lacks is SQL's NULL: facts have no null.
    let cells = keys.iter().enumerate().map(|k| cell(k).unwrap_or_else(|| "NULL".to_owned())).collect();
    Row { cells, facts: vec![fact] }
}
