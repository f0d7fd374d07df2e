//! What becomes of a case, in a few lines: the state, what keeps it open, who signed and who must.

use crate::model::closing::Closing;
use crate::model::verdict::Closure;

use super::clean;
use super::style::{Paint, Style};
use super::table::{Cell, table};

/// The closing of a case; the first line is its state.
#[must_use]
pub fn closing(closing: &Closing, style: &Style) -> String {
    let paint = match closing.state {
        Closure::Closed => Paint::Good,
        Closure::ClosedWithNotes => Paint::Doubt,
        Closure::Open | Closure::HardStop => Paint::Bad,
    };
    let mut out = format!("closing: {}\n", style.paint(closing.state.word(), paint));
    let seats: Vec<Vec<Cell>> = closing
        .seats
        .iter()
        .map(|seat| {
            let signed = match &seat.key {
                Some(key) => Cell::painted(&format!("signed with the key {key}"), Paint::Good),
                None => Cell::painted("no signature that counts", Paint::Doubt),
            };
            vec!["  seat".into(), Cell::new(&seat.seat), Cell::new(&seat.principal), signed]
        })
        .collect();
    if !seats.is_empty() {
        out.push_str(&table(&[], &seats, style));
    }
    for signed in &closing.answers {
        let holds = if signed.answer.holds { "holds" } else { "does not hold" };
        let (item, says) = (clean(&signed.answer.item), clean(&signed.answer.says));
        let who = format!("{} ({})", clean(&signed.seat), clean(&signed.principal));
        out.push_str(&format!("  answer: {item} {holds}, signed by {who} after the run: {says}\n"));
    }
    for (word, lines) in [("because", &closing.reasons), ("note", &closing.notes), ("warning", &closing.warnings)] {
        lines.iter().for_each(|line| out.push_str(&format!("  {word}: {}\n", clean(line))));
    }
    out
}
