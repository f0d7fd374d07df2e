//! One side of a comparison: the tables of a fact by their identity, with exact rows where they are known.

use std::collections::BTreeMap;

use crate::model::fact::{Absence, Fact, Reason};
use crate::model::value::{Map, Value};

use super::PLACES;
use super::table_name::TableName;

/// The rows of one table on one side.
pub(super) enum Rows<'a> {
    /// Counted exactly.
    Known(&'a Value),
    /// Established not to be there.
    Gone,
    /// Not established.
    Unknown,
}

/// What a side says about one table.
#[derive(Default)]
struct Entry<'a> {
    rows: Option<&'a Value>,
    /// Whether it is a partitioned table, counted with its partitions.
    partitioned: bool,
    partition_of: Option<TableName>,
    /// As the fact's own paths spell it.
    path: Option<String>,
}

/// One side: its counts, and the fact that they are from.
pub(super) struct Side<'a> {
    fact: &'a Fact,
    place: &'static str,
    tables: BTreeMap<TableName, Entry<'a>>,
    /// Partitioned tables of a drill, which counts them beside its tables.
    parents: BTreeMap<TableName, &'a Value>,
}

impl<'a> Side<'a> {
    pub(super) fn of(fact: &'a Fact) -> Result<Self, Absence> {
        let (place, counts) = counts(fact)?;
        let mut tables = listed(fact, counts);
        if tables.is_empty() {
            let entry = |(key, rows): (&String, &'a Value)| {
                (TableName::read(key), Entry { rows: Some(rows), path: Some(key.clone()), ..Entry::default() })
            };
            tables = counts.iter().map(entry).collect();
        }
        let parents = match fact.at("partitioned_counts") {
            Some(Ok(Value::Map(parents))) => parents.iter().map(|(key, rows)| (TableName::read(key), rows)).collect(),
            _ => BTreeMap::new(),
        };
        Ok(Self { fact, place, tables, parents })
    }

    /// Every table that the fact speaks of.
    pub(super) fn names(&self) -> impl Iterator<Item = &TableName> {
        self.tables.keys()
    }

    pub(super) fn rows_of(&self, table: &TableName) -> Rows<'a> {
        let entry = self.tables.get(table);
        let known = entry.and_then(|entry| entry.rows).or_else(|| self.parents.get(table).copied());
        if let Some(rows) = known {
            return Rows::Known(rows);
        }
        let own = entry.and_then(|entry| entry.path.clone());
        let paths = [own, Some(table.to_string()), Some(format!("{}.{}", table.schema, table.name))];
        let said = paths.into_iter().flatten().find_map(|path| self.fact.at(&format!("{}.{path}", self.place)));
        match said {
            Some(Err(absence)) if absence.reason == Reason::NotFound => Rows::Gone,
            None if self.is_whole() => Rows::Gone,
            _ => Rows::Unknown,
        }
    }

    /// Whether the comparison of `table` with `other` is made by other rows: a partitioned table by its
    /// partitions, or a partition by the partitioned table that both sides counted.
    pub(super) fn covered(&self, table: &TableName, other: &Self) -> bool {
        let Some(entry) = self.tables.get(table) else { return false };
        if other.tables.contains_key(table) || other.parents.contains_key(table) {
            return false;
        }
        if entry.partitioned {
            let mut parts = self.tables.values().filter(|part| part.partition_of.as_ref() == Some(table));
            return parts.next().is_some() || entry.rows == Some(&Value::Int(0));
        }
        let mut parent = entry.partition_of.as_ref();
        while let Some(name) = parent {
            if matches!((self.rows_of(name), other.rows_of(name)), (Rows::Known(_), Rows::Known(_))) {
                return true;
            }
            parent = self.tables.get(name).and_then(|entry| entry.partition_of.as_ref());
        }
        false
    }

    /// Whether a drill counted every table that it restored.
    fn is_whole(&self) -> bool {
        let restored = self.fact.at("restored.tables").and_then(Result::ok).and_then(Value::as_int);
        let counted = i64::try_from(self.tables.len() + self.parents.len()).ok();
        self.fact.uses == "restore.drill"
            && restored.zip(counted).is_some_and(|(restored, counted)| counted >= restored)
    }
}

/// The tables of `postgres.counts`, which lists schema and name apart.
fn listed<'a>(fact: &'a Fact, counts: &'a Map) -> BTreeMap<TableName, Entry<'a>> {
    let Some(Ok(Value::List(rows))) = fact.at("tables").filter(|_| fact.uses == "postgres.counts") else {
        return BTreeMap::new();
    };
    let text = |row: &'a Map, key: &str| row.get(key).and_then(Value::as_text);
    let mut by_path = BTreeMap::new();
    let mut found = Vec::new();
    for row in rows {
        let Value::Map(row) = row else { continue };
        let (Some(schema), Some(name)) = (text(row, "schema"), text(row, "table")) else { continue };
        let path = format!("{schema}.{name}");
        by_path.insert(path.clone(), TableName::of(schema, name));
        found.push((TableName::of(schema, name), path, row));
    }
    let entry = |(table, path, row): (TableName, String, &'a Map)| {
        let rows = row.get("rows").or_else(|| counts.get(&path));
        let partitioned = text(row, "kind") == Some("partitioned table");
        let partition_of = text(row, "partition_of").and_then(|parent| by_path.get(parent).cloned());
        (table, Entry { rows, partitioned, partition_of, path: Some(path) })
    };
    found.into_iter().map(entry).collect()
}

/// The exact counts of a fact.
fn counts(fact: &Fact) -> Result<(&'static str, &Map), Absence> {
    if fact.at("method").is_some_and(|method| method.ok().and_then(Value::as_text) == Some("estimate")) {
        let message = format!("`{}` has estimates, which are no counts; use `method: exact`", fact.id);
        return Err(Absence::new(Reason::NotApplicable, message));
    }
    let places = PLACES.iter().find(|(uses, _)| *uses == fact.uses).map_or(&[][..], |(_, places)| *places);
    let mut why = None;
    for place in places {
        match fact.at(place) {
            Some(Ok(Value::Map(counts))) => return Ok((place, counts)),
            Some(Err(absence)) => why = why.or(Some(absence)),
            _ => {}
        }
    }
    let why = why.map_or_else(|| "it has none".to_owned(), |absence| absence.message.clone());
    Err(Absence::new(Reason::Unavailable, format!("`{}` has no counts: {why}", fact.id)))
}
