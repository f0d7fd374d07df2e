//! What a drill does not prove, in words that a record can print. A drill that restored less says so.

use super::head::Format;
use super::order::{Counts, Mode, OnError, Order};

/// In the order of their weight.
pub(super) fn limits(order: &Order, format: Format) -> Vec<&'static str> {
    let mut limits = Vec::new();
    match order.mode {
        Mode::Full => {}
        Mode::Schema => limits.push("that any row can be restored: only definitions were"),
        Mode::Sample => {
            limits.push("that the rows of other tables than the sample can be restored");
            limits.push("that foreign keys hold: they were left out");
        }
    }
    if order.on_error == Some(OnError::Continue) && format == Format::Plain {
        limits.push("anything by the client's exit code, which is 0 whatever failed: the messages decide");
    }
    if order.counts == Counts::None && order.tables.is_empty() {
        limits.push("that any table has its rows: none was counted");
    }
    limits.push("that the dump holds what production held: it is compared with itself here");
    limits.push("that roles and their passwords can be restored: they belong to the cluster, not to the database");
    limits.push("that production's settings, disk and time would suffice: the drill has its own");
    limits
}
