//! A verdict as a table, list by list, hard stops first, and the outcome in words as its last line.
//! What is UNKNOWN comes with the command that would settle it, on a line of its own to be copied.

use crate::base::text::plural;
use crate::model::fact::Reason;
use crate::model::verdict::{Outcome, Row, Section, Status, Verdict};

use super::clean;
use super::style::{Paint, Style};
use super::table::{Cell, table};

/// On a narrower screen the five columns would break every word, so each item gets lines of its own.
const WIDE_ENOUGH: usize = 100;
const HEADER: [&str; 5] = ["item", "observed", "expected", "status", "why"];
const SECTIONS: [(Section, &str); 4] = [
    (Section::HardStops, "Hard stops"),
    (Section::Checks, "Checks"),
    (Section::Criteria, "Closure criteria"),
    (Section::Checklist, "Compliance checklist"),
];

/// The verdict, item by item; the last line is the outcome.
#[must_use]
pub fn verdict(verdict: &Verdict, style: &Style) -> String {
    let mut out = format!("policy {}, as of {}\n", clean(&verdict.policy), clean(&verdict.as_of));
    let halted: Vec<&str> = verdict.rows.iter().filter(|row| is_halted(row)).map(|row| row.id.as_str()).collect();
    out.push_str(&halt(verdict, "item", "not established for that reason", &halted, style));
    for (section, title) in SECTIONS {
        let rows: Vec<&Row> = verdict.section(section).filter(|row| !is_halted(row)).collect();
        push_section(&mut out, title, &rows, style);
    }
    push_commands(&mut out, verdict);
    let (words, paint) = outcome(verdict);
    out.push_str(&format!("\n{}\n", style.paint(&clean(&words), paint)));
    out
}

/// Why something was halted, in one line for each hard stop that fired, and how much that left out; empty when nothing
/// was halted.
pub(super) fn halt(verdict: &Verdict, thing: &str, left: &str, ids: &[&str], style: &Style) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let stops = verdict.section(Section::HardStops).filter(|row| row.status != Status::Pass && !is_halted(row));
    let lines = stops.map(|row| {
        let why = if row.because.is_empty() { &row.observed } else { &row.because };
        format!("{} fired: {}: {why}", row.id, row.title)
    });
    let mut out: String = lines.map(|line| format!("{}\n", style.paint(&clean(&line), Paint::Bad))).collect();
    out.push_str(&format!("{} {left}: {}\n\n", plural(ids.len(), thing), clean(&ids.join(", "))));
    out
}

/// Whether an item is UNKNOWN only because a hard stop halted the look that it rests on.
fn is_halted(row: &Row) -> bool {
    let halted = format!("not seen: {}", Reason::Halted.word());
    row.status == Status::Unknown && row.observed.split("; ").all(|part| part.ends_with(&halted))
}

/// The hard stops alone; empty when the policy has none.
pub(super) fn stops(verdict: &Verdict, style: &Style) -> String {
    let mut out = String::new();
    let rows: Vec<&Row> = verdict.section(Section::HardStops).collect();
    push_section(&mut out, SECTIONS[0].1, &rows, style);
    out.trim_start_matches('\n').to_owned()
}

fn push_section(out: &mut String, title: &str, rows: &[&Row], style: &Style) {
    if rows.is_empty() {
        return;
    }
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row)).collect();
    out.push_str(&format!("\n{}\n", style.paint(title, Paint::Strong)));
    if style.width < WIDE_ENOUGH {
        cells.into_iter().for_each(|cells| out.push_str(&stacked(cells, style)));
    } else {
        out.push_str(&table(&HEADER, &cells, style));
    }
}

/// The cells of one item below each other, under its title; empty ones are left out.
fn stacked(mut cells: Vec<Cell>, style: &Style) -> String {
    let named = cells.split_off(1).into_iter().zip(&HEADER[1..]).filter(|(cell, _)| !cell.is_empty());
    let rows: Vec<Vec<Cell>> = named.map(|(cell, name)| vec!["".into(), (*name).into(), cell]).collect();
    table(&[], &[cells], style) + &table(&[], &rows, style)
}

fn cells(row: &Row) -> Vec<Cell> {
    let (word, paint) = status(row);
    vec![
        Cell::new(&format!("{} {}", row.id, row.title)),
        Cell::new(&row.observed),
        Cell::new(&row.expected),
        Cell::painted(word, paint),
        Cell::new(&why(row)),
    ]
}

/// A hard stop that passes did not fire; whatever else it is, it stops.
fn status(row: &Row) -> (&'static str, Paint) {
    match (row.section, row.status) {
        (Section::HardStops, Status::Pass) => ("not fired", Paint::Good),
        (Section::HardStops, Status::Unknown) => ("FIRED (UNKNOWN)", Paint::Bad),
        (Section::HardStops, _) => ("FIRED", Paint::Bad),
        (_, Status::Pass) => (Status::Pass.word(), Paint::Good),
        (_, Status::Unknown | Status::Waived) => (row.status.word(), Paint::Doubt),
        (_, Status::Fail | Status::Misleading) => (row.status.word(), Paint::Bad),
    }
}

fn why(row: &Row) -> String {
    let seat = row.seat.as_ref().map(|seat| format!("stated by {seat}")).filter(|words| !row.expected.contains(words));
    let parts = [Some(row.because.clone()).filter(|b| !b.is_empty()), seat, row.waiver.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn push_commands(out: &mut String, verdict: &Verdict) {
    let open: Vec<_> = verdict.rows.iter().filter_map(|row| Some((&row.id, row.settle.as_ref()?))).collect();
    if open.is_empty() {
        return;
    }
    out.push_str("\nWhat is not established would be settled by\n");
    for (id, command) in open {
        out.push_str(&format!("  {}:  {}\n", clean(id), clean(command)));
    }
}

fn outcome(verdict: &Verdict) -> (String, Paint) {
    let count = |test: &dyn Fn(&Row) -> bool| verdict.rows.iter().filter(|row| test(row)).count();
    let is_item = |row: &Row| row.section != Section::HardStops;
    let items = count(&is_item);
    let failed = count(&|row| is_item(row) && row.status.fails());
    let misleading = count(&|row| is_item(row) && row.status == Status::Misleading);
    let unknown = count(&|row| is_item(row) && row.status == Status::Unknown);
    let waived = count(&|row| is_item(row) && row.status == Status::Waived);
    let mut parts = Vec::new();
    if verdict.outcome == Outcome::HardStop {
        parts.push(format!("{} fired, what follows must not happen", fired(verdict)));
    }
    if failed > 0 {
        let note = if misleading > 0 { format!(" ({misleading} passed, but misleadingly)") } else { String::new() };
        parts.push(format!("{failed} of {} failed{note}", plural(items, "item")));
    }
    if unknown > 0 {
        parts.push(format!("{unknown} of {} not established", plural(items, "item")));
    }
    if waived > 0 {
        parts.push(format!("{waived} waived"));
    }
    if parts.is_empty() {
        parts.push(settled(verdict.outcome, items));
    }
    if let Some(closure) = verdict.closure {
        parts.push(format!("the case is {}", closure.word()));
    }
    let paint = match verdict.outcome {
        Outcome::Pass => Paint::Good,
        Outcome::Unknown => Paint::Doubt,
        Outcome::Fail | Outcome::HardStop => Paint::Bad,
    };
    (format!("{}: {}", verdict.outcome.word(), parts.join("; ")), paint)
}

fn settled(outcome: Outcome, items: usize) -> String {
    match (outcome, items) {
        (Outcome::Pass, 0) => "no hard stop fired".to_owned(),
        (Outcome::Pass, _) => format!("everything asked was seen and holds ({})", plural(items, "item")),
        (_, 0) => "there was nothing to judge".to_owned(),
        _ => "nothing was established".to_owned(),
    }
}

fn fired(verdict: &Verdict) -> String {
    let rows = verdict.section(Section::HardStops).filter(|row| row.status != Status::Pass);
    rows.map(|row| row.id.as_str()).collect::<Vec<_>>().join(", ")
}
