//! The board as a Mermaid graph, for pages that draw it. Every text stands in quotes with all but
//! plain characters as entities, so that no title can add a node or a script.

use std::fmt::Write as _;

use crate::judge::{Board, State};

use super::super::clean;

/// The graph: an arrow from a required case to the one that requires it.
#[must_use]
pub fn mermaid(board: &Board) -> String {
    let mut out = String::from("flowchart LR\n");
    let names: Vec<&str> = board.cases.iter().map(|standing| standing.subject.case.as_str()).collect();
    let all: Vec<&str> = names.iter().copied().chain(board.missing.iter().map(String::as_str)).collect();
    let node = |name: &str| all.iter().position(|known| *known == name).map(|index| format!("c{index}"));
    for (index, standing) in board.cases.iter().enumerate() {
        let subject = &standing.subject;
        let age =
            super::age(standing).map_or_else(String::new, |age| format!("<br/>{}", escape(&format!("{age} ago"))));
        let label = format!("{}<br/>{}{age}", escape(&subject.case), escape(standing.state.word()));
        let _ = writeln!(out, "    c{index}[\"{label}\"]:::{}", class(standing.state));
    }
    for (index, name) in board.missing.iter().enumerate() {
        let _ = writeln!(out, "    c{}[\"{}<br/>not there\"]:::bad", names.len() + index, escape(name));
    }
    for (index, standing) in board.cases.iter().enumerate() {
        for required in &standing.subject.requires {
            let Some(from) = node(required) else { continue };
            let arrow = if standing.blocked_by.contains(required) { "-. blocks .->" } else { "-->" };
            let _ = writeln!(out, "    {from} {arrow} c{index}");
        }
    }
    out.push_str("    classDef good stroke:#1a7f37,stroke-width:2px\n");
    out.push_str("    classDef doubt stroke:#9a6700,stroke-width:2px\n");
    out.push_str("    classDef bad stroke:#cf222e,stroke-width:2px,stroke-dasharray:4\n");
    out
}

fn class(state: State) -> &'static str {
    match state {
        State::Closed | State::ClosedWithNotes | State::ReadyToClose => "good",
        State::HardStop | State::Broken | State::Invalid => "bad",
        State::NoRun | State::Unsealed | State::Open | State::Stale => "doubt",
    }
}

fn escape(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ',' | ':');
    let mut out = String::new();
    for c in clean(text).chars() {
        match c {
            c if plain(c) => out.push(c),
            c => drop(write!(out, "#{};", c as u32)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(escape("a\"]; click c0 <b>\n"), "a#34;#93;#59; click c0 #60;b#62;#92;n");
    }
}
