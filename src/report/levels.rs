//! A verification level by level, and what it amounts to in one line.

use crate::model::verification::{Level, LevelStatus, NOT_BUILT_IN, Verification};

use super::style::{Paint, Style};
use super::table::{Cell, table};

/// The levels with what was found at each; the last line says what may be concluded.
#[must_use]
pub fn levels(verification: &Verification, style: &Style) -> String {
    let rows: Vec<Vec<Cell>> = verification.levels.iter().flat_map(rows).collect();
    let (words, paint) = conclusion(verification);
    let table = table(&["level", "status", "what was found"], &rows, style);
    let gap = if table.is_empty() { "" } else { "\n" };
    let own = match verification.is_of_own_template() {
        true => format!(
            "{}\n",
            style.paint(
                &format!("The record was {NOT_BUILT_IN}: the text that it quotes proves nothing."),
                Paint::Doubt
            )
        ),
        false => String::new(),
    };
    format!("{table}{gap}{own}{}\n", style.paint(words, paint))
}

/// One row a detail, so that each file or line that is named stands on its own.
fn rows(level: &Level) -> Vec<Vec<Cell>> {
    let status = Cell::painted(level.status.word(), paint(level.status));
    let first = level.detail.first().map_or("", String::as_str);
    let mut rows = vec![vec![Cell::new(&level.name), status, Cell::new(first)]];
    let more = level.detail.iter().skip(1).map(|detail| vec![Cell::default(), Cell::default(), Cell::new(detail)]);
    rows.extend(more);
    rows
}

fn paint(status: LevelStatus) -> Paint {
    match status {
        LevelStatus::Holds => Paint::Good,
        LevelStatus::Broken => Paint::Bad,
        LevelStatus::NotDone | LevelStatus::Unsigned => Paint::Doubt,
    }
}

fn conclusion(verification: &Verification) -> (&'static str, Paint) {
    let any = |status| verification.levels.iter().any(|level| level.status == status);
    match () {
        () if verification.levels.is_empty() => ("NOT ESTABLISHED: there was nothing to verify", Paint::Doubt),
        () if any(LevelStatus::Broken) => ("MISMATCH: tampered, incomplete or not reproducible", Paint::Bad),
        () if any(LevelStatus::NotDone) => ("NOT ESTABLISHED: a level could not be done", Paint::Doubt),
        () if any(LevelStatus::Unsigned) => {
            ("UNCHANGED, UNSIGNED: nothing changed by accident; nothing shows who made it", Paint::Good)
        }
        () => ("VERIFIED: unchanged, reproducible and signed", Paint::Good),
    }
}
