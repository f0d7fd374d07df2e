//! The rows as a whole: the worst that happened, and for closures whether the case may be closed.

use crate::model::verdict::{Closure, Outcome, Row, Section, Status};

/// The outcome of `rows`. Nothing to judge, or nothing but waivers, establishes nothing; without
/// facts every row is unknown. An action that was `interrupted` leaves open what it did.
pub(super) fn outcome(rows: &[Row], interrupted: bool) -> Outcome {
    let any = |test: fn(&Row) -> bool| rows.iter().any(test);
    if any(|row| row.section == Section::HardStops && row.status != Status::Pass) {
        Outcome::HardStop
    } else if any(|row| row.status.fails()) {
        Outcome::Fail
    } else if any(|row| row.status == Status::Unknown) || !any(|row| row.status == Status::Pass) || interrupted {
        Outcome::Unknown
    } else {
        Outcome::Pass
    }
}

/// Whether the case may be closed. A failure anywhere keeps it open; what is waived, or unknown
/// outside the criteria, is a note.
pub(super) fn closure(rows: &[Row], outcome: Outcome, interrupted: bool) -> Closure {
    let open = |row: &Row| row.status.fails() || (row.section == Section::Criteria && row.status == Status::Unknown);
    if outcome == Outcome::HardStop {
        Closure::HardStop
    } else if interrupted || rows.iter().any(open) || !rows.iter().any(|row| row.status == Status::Pass) {
        Closure::Open
    } else if rows.iter().all(|row| row.status == Status::Pass) {
        Closure::Closed
    } else {
        Closure::ClosedWithNotes
    }
}
