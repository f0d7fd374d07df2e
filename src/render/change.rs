//! `changes(before, after)`: two facts side by side. The comparison is the model's, the same that
//! `evidence diff` shows; every row cites both facts.

use super::block::paragraph;
use super::cite::unknown;
use super::escape;
use super::form::{Form, markdown};
use super::ledger::Ledger;
use super::table::{ROW_LIMIT, Row, draw};
use crate::base::text::plural;
use crate::model::diff::{self, Change, Side};

/// The table of what differs between two facts, or a sentence that nothing does.
pub(super) fn changes(ledger: &Ledger, before: usize, after: usize) -> String {
    let changes = diff::facts(ledger.fact(before), ledger.fact(after));
    let facts = vec![before, after];
    let rows: Vec<Row> = changes.iter().take(ROW_LIMIT).map(|change| row(change, &facts)).collect();
    let headers = ["Path", "Before", "After"].map(str::to_owned);
    let left_out = diff::VOLATILE.iter().map(|name| escape::inline(name)).collect::<Vec<_>>().join(", ");
    let beyond = match changes.len().checked_sub(ROW_LIMIT) {
        Some(more @ 1..) => format!(" {} more are not shown.", plural(more, "difference")),
        _ => String::new(),
    };
    match draw(ledger, &headers, &rows) {
        Some(table) => format!("{table}{}", paragraph(&format!("Not compared: {left_out}.{beyond}"))),
        None => {
            let unseen = facts.iter().any(|fact| ledger.fact(*fact).absence.is_some());
            let words = if unseen { "No difference is known: a look saw nothing." } else { "No difference." };
            paragraph(&format!("{words} Not compared: {left_out}. {}", ledger.labels(facts)))
        }
    }
}

fn row(change: &Change, facts: &[usize]) -> Row {
    let side = |side: &Side| match side {
        Side::Value(value) => markdown(value, Form::of(&change.path)),
        Side::Absent(absence) => unknown(absence),
        Side::Nothing => "-".to_owned(),
    };
    Row { cells: vec![escape::inline(&change.path), side(&change.before), side(&change.after)], facts: facts.to_vec() }
}
