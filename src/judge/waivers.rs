//! Waivers: somebody answers for an item that is not passed, until an instant. A waiver never
//! hides: applied, expired or not needed, the row says so.

use crate::model::case::{Case, Waiver};
use crate::model::verdict::{Row, Section, Status};

use super::closing::in_force;

/// Applies the case's waivers to `rows` as of `as_of`.
pub(super) fn apply(case: &Case, as_of: &str, rows: &mut [Row]) {
    for row in rows {
        if let Some(waiver) = case.waivers.iter().find(|waiver| waiver.item == row.id) {
            apply_one(waiver, as_of, row);
        }
    }
}

fn apply_one(waiver: &Waiver, as_of: &str, row: &mut Row) {
    let said = format!("{}: {}", waiver.owner, waiver.reason);
    let words = match (row.section, row.status, in_force(waiver, as_of)) {
        (Section::HardStops, _, _) => format!("not applied: a hard stop cannot be waived ({said})"),
        (_, Status::Pass, _) => format!("not needed: the item passes ({said})"),
        (_, _, None) => format!("not applied: `{}` is no instant ({said})", waiver.expires),
        (_, _, Some(false)) => format!("expired at {}, not applied ({said})", waiver.expires),
        (_, status, Some(true)) => {
            row.status = Status::Waived;
            format!("was {}, waived until {} ({said})", status.word(), waiver.expires)
        }
    };
    row.waiver = Some(words);
}
