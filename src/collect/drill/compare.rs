//! The dump's own rows against the restored ones. Both counts are exact: one of the bytes as they
//! were examined, one of the tables as they stand. A difference is a difference, whoever is right.

use crate::examine::{Examination, Member, Rows, Tar, last_part};
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};

use super::inspect::Counted;
use super::order::{Counts, Mode, Order};

/// The part of an examination that is about the dump itself.
pub(super) struct Content<'a> {
    /// About the dump's own bytes.
    pub(super) examination: &'a Examination,
}

impl<'a> Content<'a> {
    /// Finds the dump inside of what was read.
    pub(super) fn of(found: &'a Examination, member: Option<&str>) -> Result<Self, Absence> {
        let Some(wanted) = member else { return Ok(Self { examination: innermost(found) }) };
        fn bare(name: &str) -> &str {
            name.trim_start_matches("./")
        }
        let tar = tar_of(found);
        let holds = |member: &&Member| bare(&member.name) == bare(wanted);
        let mut members = tar.iter().flat_map(|tar| &tar.members).filter(holds);
        match (members.next(), members.next()) {
            (Some(one), None) => Ok(Self { examination: innermost(&one.examination) }),
            (Some(_), Some(_)) => Err(Absence::new(Reason::Unparsable, "several members have that name")),
            (None, _) => Err(Absence::new(Reason::NotFound, "no such member among those that could be listed")),
        }
    }

    /// The rows by table, when they are all known.
    fn rows(&self) -> Result<&'a Rows, Absence> {
        let found = self.examination;
        let archive = found.custom.as_deref().or_else(|| found.tar.as_deref()?.toc.as_deref());
        let (rows, uncounted) = match (&found.sql, archive) {
            (Some(sql), _) => (&sql.rows, sql.inserts_uncounted + sql.copy_uncounted),
            (None, Some(archive)) => (&archive.rows, archive.blocks_found.saturating_sub(archive.blocks_checked)),
            (None, None) => return Err(Absence::new(Reason::Unparsable, "the dump's rows could not be counted")),
        };
        if rows.tables_cut {
            return Err(Absence::new(Reason::Limit, "the dump has more tables than are kept"));
        }
        if uncounted > 0 {
            let message = format!("{uncounted} blocks or statements of the dump have rows that cannot be counted");
            return Err(Absence::new(Reason::Unparsable, message));
        }
        Ok(rows)
    }

    /// The extensions that it creates.
    pub(super) fn extensions(&self) -> &'a [String] {
        let found = self.examination;
        let archive = found.custom.as_deref().or_else(|| found.tar.as_deref()?.toc.as_deref());
        let objects = found.sql.as_deref().map(|sql| &sql.objects).or_else(|| archive.map(|archive| &archive.objects));
        objects.map_or(&[], |objects| &objects.extensions.names)
    }
}

/// Below every compressed layer that was looked into.
fn innermost(found: &Examination) -> &Examination {
    found.payload.as_deref().map_or(found, innermost)
}

fn tar_of(found: &Examination) -> Option<&Tar> {
    found.tar.as_deref().or_else(|| tar_of(found.payload.as_deref()?))
}

/// Puts both counts side by side; they are not called equal when something was `refused`.
pub(super) fn tell(
    order: &Order,
    content: &Content<'_>,
    counted: &[Counted],
    refused: Option<&Absence>,
    seen: &mut Observation,
) {
    let rows = counted.iter().map(|one| (one.table.clone(), Value::int(one.rows))).collect::<Map>();
    seen.set("rows_total", Value::int(counted.iter().map(|one| one.rows).sum::<i64>()));
    seen.set("counts", rows);
    let dump = match content.rows() {
        Ok(dump) => dump,
        Err(absence) => {
            for name in ["dump_counts", "dump_rows_total", "counts_equal", "counts_differ"] {
                seen.miss(name, absence.clone());
            }
            return;
        }
    };
    seen.set("dump_counts", dump.by_table.iter().map(|(t, n)| (t.clone(), Value::int(*n))).collect::<Map>());
    seen.set("dump_rows_total", Value::int(dump.total));
    if order.mode != Mode::Full {
        let absence = Absence::new(Reason::NotApplicable, "only a full drill restores every row");
        seen.miss("counts_equal", absence.clone());
        seen.miss("counts_differ", absence);
        return;
    }
    let differ = differing(order, dump, counted);
    match refused {
        Some(refused) if differ.is_empty() => seen.miss("counts_equal", refused.clone()),
        _ => seen.set("counts_equal", differ.is_empty()),
    }
    seen.set("counts_differ", Value::List(differ.into_iter().map(Value::from).collect()));
}

fn differing(order: &Order, dump: &Rows, counted: &[Counted]) -> Vec<String> {
    let exact = |table: &str| counted.iter().find(|one| one.table == table).map(|one| one.rows);
    // Older versions of pg_dump set `search_path` and leave the schema out: such rows are those of every restored
    // table of that name which the dump does not name in full.
    let has_no_schema = |table: &str| last_part(table).len() == table.len();
    let may_be = |table: &str, one: &Counted| last_part(&one.table) == table && !dump.by_table.contains_key(&one.table);
    let rows_of = |table: &str| {
        let mut same = counted.iter().filter(|one| has_no_schema(table) && may_be(table, one)).peekable();
        exact(table).or_else(|| same.peek().is_some().then(|| same.map(|one| one.rows).sum::<i64>()))
    };
    let in_dump_without_schema = |one: &Counted| dump.by_table.contains_key(last_part(&one.table));
    let asked = |table: &str| order.counts == Counts::All || order.tables.iter().any(|named| named == table);
    let in_dump = dump.by_table.iter().filter(|(table, _)| asked(table));
    let mut differ: Vec<String> = in_dump
        .filter(|(table, rows)| rows_of(table).and_then(|n| u64::try_from(n).ok()) != Some(**rows))
        .map(|(table, _)| table.clone())
        .collect();
    // Rows that no block of the dump brought; an extension may bring its own.
    let others = counted
        .iter()
        .filter(|one| !dump.by_table.contains_key(&one.table) && !in_dump_without_schema(one) && !one.of_extension);
    differ.extend(others.filter(|one| one.rows > 0).map(|one| one.table.clone()));
    let absent = order.tables.iter().filter(|table| rows_of(table).is_none() && !differ.contains(table));
    let absent: Vec<String> = absent.cloned().collect();
    differ.extend(absent);
    differ
}
