//! Questions with known answers. A query's rows are compared as a list of maps, or as one value when
//! that is what the case expects.

use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

use super::inspect::Desk;
use super::order::{Order, Smoke};

/// A longer answer is compared and not kept.
const LONGEST: usize = 64 << 10;

/// Asks every question; gives the results, and whether all of them hold.
pub(super) fn ask(desk: &mut Desk<'_>, order: &Order) -> Result<(Value, bool), Absence> {
    let mut results = Vec::new();
    let mut all = true;
    for smoke in &order.smoke {
        let mut map = Map::new();
        map.insert("id".into(), smoke.id.as_str().into());
        map.insert("query".into(), smoke.query.as_str().into());
        map.insert("expected".into(), smoke.expect.clone());
        let holds = match observed(desk, smoke) {
            Ok(observed) => {
                let holds = same(&smoke.expect, &observed);
                // A restored database may answer with anything: a record has no room for all of it.
                match observed.to_string().len() {
                    ..=LONGEST => drop(map.insert("observed".into(), observed)),
                    bytes => {
                        drop(map.insert("failed".into(), format!("an answer of {bytes} bytes is not kept").into()))
                    }
                }
                holds
            }
            Err(absence) => match desk.steps.stop.reason() {
                Some(stopped) => return Err(stopped),
                None => {
                    map.insert("failed".into(), absence.message.into());
                    false
                }
            },
        };
        map.insert("holds".into(), holds.into());
        all &= holds;
        results.push(Value::Map(map));
    }
    Ok((Value::List(results), all))
}

fn observed(desk: &mut Desk<'_>, smoke: &Smoke) -> Result<Value, Absence> {
    let query = smoke.query.trim().trim_end_matches(';');
    let sql = format!("SET search_path = DEFAULT; SELECT coalesce(json_agg(to_json(q)), '[]') FROM (\n{query}\n) q;");
    let rows = desk.one("smoke", &sql)?;
    let unreadable = || Absence::new(Reason::Unparsable, "the rows cannot be put into values");
    let rows = Value::from_json(rows).ok_or_else(unreadable)?;
    Ok(match (&smoke.expect, rows) {
        (Value::List(_) | Value::Map(_), rows) => rows,
        // The case expects one value: it is taken out of the one row and its one column.
        (_, Value::List(rows)) => match &rows[..] {
            [Value::Map(row)] if row.len() == 1 => row.values().next().cloned().unwrap_or(Value::List(Vec::new())),
            _ => Value::List(rows),
        },
        (_, other) => other,
    })
}

/// Equal.
fn same(expected: &Value, observed: &Value) -> bool {
    expected == observed
}
