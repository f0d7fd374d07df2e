//! Where all cases stand: as a table for people, as a graph for pages.

mod mermaid;
mod svg;

use crate::base::quantity;
use crate::judge::{Board, Standing, State};

use super::clean;
use super::style::{Paint, Style};
use super::table::{Cell, table};

pub use mermaid::mermaid;
pub use svg::svg;

/// The board as a table, and what follows from it.
#[must_use]
pub fn board(board: &Board, style: &Style) -> String {
    let rows: Vec<Vec<Cell>> = board.cases.iter().map(row).collect();
    let mut out = table(&["case", "state", "last run", "requires", "blocks", "why"], &rows, style);
    out.push('\n');
    let mut line = |word: &str, names: &[&str], paint: Paint| {
        if !names.is_empty() {
            out.push_str(&format!("{}: {}\n", style.paint(word, paint), clean(&names.join(", "))));
        }
    };
    line("ready to close", &board.in_state(State::ReadyToClose), Paint::Good);
    line("stale", &board.in_state(State::Stale), Paint::Doubt);
    let missing: Vec<_> = board.missing.iter().map(String::as_str).collect();
    line("required, and not there", &missing, Paint::Bad);
    for cycle in &board.cycles {
        line("circle", &[&cycle.join(" -> ")], Paint::Bad);
    }
    line("broken", &board.in_state(State::Broken), Paint::Bad);
    match board.waited_for()[..] {
        _ if board.cases.is_empty() => out.push_str("no case under reports/; `evidence init CASE` starts one\n"),
        [] => out.push_str("no case waits for another one\n"),
        ref names => line("waited for", names, Paint::Doubt),
    }
    out
}

fn row(standing: &Standing) -> Vec<Cell> {
    let subject = &standing.subject;
    let run = match (&subject.run, age(standing)) {
        (Some(run), Some(age)) => format!("{run} ({age} ago)"),
        (Some(run), None) => run.clone(),
        (None, _) => "none".to_owned(),
    };
    vec![
        Cell::new(&subject.case),
        Cell::painted(standing.state.word(), paint(standing.state)),
        Cell::new(&run),
        Cell::new(&subject.requires.join(", ")),
        Cell::new(&standing.blocks.join(", ")),
        Cell::new(&standing.because.join("; ")),
    ]
}

/// The age of the last run: its largest two units, since nobody decides by its seconds.
pub(super) fn age(standing: &Standing) -> Option<String> {
    let shown = quantity::show_seconds(standing.subject.age_seconds?);
    Some(shown.split(' ').take(2).collect::<Vec<_>>().join(" "))
}

fn paint(state: State) -> Paint {
    match state {
        State::Closed | State::ClosedWithNotes | State::ReadyToClose => Paint::Good,
        State::HardStop | State::Broken | State::Invalid => Paint::Bad,
        State::NoRun | State::Unsealed | State::Open | State::Stale => Paint::Doubt,
    }
}
