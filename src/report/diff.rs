//! Two runs side by side: what differs, path by path, and what was left out of the comparison.

use crate::base::text::plural;
use crate::model::diff::{Change, ItemChange, RunChange, left_out};
use crate::model::verdict::{Outcome, Status};

use super::clean;
use super::style::{Paint, Style};
use super::table::{Cell, table};

/// Characters of a value on a screen; JSON has it whole.
const LONG: usize = 160;

/// Two runs compared.
pub struct Compared {
    /// The earlier one: case, run, bundle's digest.
    pub before: (String, String, String),
    /// The later one.
    pub after: (String, String, String),
    /// Both outcomes.
    pub outcomes: (Outcome, Outcome),
    /// Items of the policies that came out differently.
    pub items: Vec<ItemChange>,
    /// The facts.
    pub facts: RunChange,
}

impl Compared {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.facts.is_empty() && self.items.is_empty() && self.outcomes.0 == self.outcomes.1
    }
}

/// The comparison as text.
#[must_use]
pub fn difference(compared: &Compared, style: &Style) -> String {
    let name = |(case, run, _): &(String, String, String)| clean(&format!("{case}/{run}"));
    let mut out = format!("before  {}\nafter   {}\n", name(&compared.before), name(&compared.after));
    push_items(&mut out, compared, style);
    push_facts(&mut out, &compared.facts, style);
    for (word, ids) in [("appeared", &compared.facts.appeared), ("vanished", &compared.facts.vanished)] {
        if !ids.is_empty() {
            out.push_str(&format!("\n{word}: {}\n", clean(&ids.join(", "))));
        }
    }
    let facts = &compared.facts;
    let (words, paint) = if compared.is_equal() { ("NO DIFFERENCE", Paint::Good) } else { ("DIFFERENT", Paint::Doubt) };
    out.push_str(&format!(
        "\n{}: {} changed, {} appeared, {} vanished, {} equal\n",
        style.paint(words, paint),
        plural(facts.changed.len(), "fact"),
        facts.appeared.len(),
        facts.vanished.len(),
        facts.equal.len()
    ));
    out.push_str(&format!("left out, because they differ at every look: {}\n", left_out().join(", ")));
    out
}

fn push_items(out: &mut String, compared: &Compared, style: &Style) {
    let (before, after) = compared.outcomes;
    if before != after {
        out.push_str(&format!("outcome {} -> {}\n", before.word(), after.word()));
    }
    let word = |status: Option<Status>| Cell::new(status.map_or("not asked", Status::word));
    let rows = compared.items.iter().map(|item| vec![Cell::new(&item.id), word(item.before), word(item.after)]);
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        out.push_str(&format!("\n{}", table(&["item", "before", "after"], &rows, style)));
    }
}

fn push_facts(out: &mut String, facts: &RunChange, style: &Style) {
    let row = |id: &str, change: &Change| {
        let side = |words: String| Cell::new(&short(&words));
        vec![Cell::new(id), Cell::new(&change.path), side(change.before.words()), side(change.after.words())]
    };
    let rows = facts.changed.iter().flat_map(|fact| fact.changes.iter().map(|change| row(&fact.id, change)));
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        out.push_str(&format!("\n{}", table(&["fact", "path", "before", "after"], &rows, style)));
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
