//! A collection as a short table: what each step saw, in a few words, or why it saw nothing.

use std::collections::BTreeMap;

use crate::base::quantity::show_bytes;
use crate::base::text::plural;
use crate::model::fact::{Absence, Fact, Reason};
use crate::model::value::Value;
use crate::model::verdict::{Row, Section, Status, Verdict};

use super::headlines;
use super::style::{Paint, Style};
use super::table::{Cell, table};
use super::verdict::{halt, stops};

/// Values shown when a collector has no headline, and names shown of what was not seen.
const FEW: usize = 5;
/// A longer text is shown by its beginning only; the fact has it whole.
const LONG: usize = 120;

/// The table of `facts`: id, collector, and what was seen.
#[must_use]
pub fn facts(facts: &[Fact], style: &Style) -> String {
    let rows: Vec<Vec<Cell>> = facts.iter().map(row).collect();
    table(&["fact", "collector", "what was seen"], &rows, style)
}

/// The table of `facts`, then the hard stops of `verdict`, then how much was seen.
#[must_use]
pub fn collection(collected: &[Fact], verdict: &Verdict, style: &Style) -> String {
    // What a hard stop halted has one cause: it is named first, and the steps are counted.
    let is_halted = |fact: &&Fact| fact.absence.as_ref().is_some_and(|why| why.reason == Reason::Halted);
    let (halted, seen): (Vec<&Fact>, Vec<&Fact>) = collected.iter().partition(is_halted);
    let seen: Vec<Fact> = seen.into_iter().cloned().collect();
    let ids: Vec<&str> = halted.iter().map(|fact| fact.id.as_str()).collect();
    let mut out = halt(verdict, "step", "skipped", &ids, style);
    out.push_str(&facts(&seen, style));
    let stops = stops(verdict, style);
    if !stops.is_empty() {
        out.push('\n');
        out.push_str(&stops);
    }
    out.push('\n');
    out.push_str(&tally(collected, verdict));
    out.push('\n');
    out
}

fn tally(facts: &[Fact], verdict: &Verdict) -> String {
    let absent = facts.iter().filter(|fact| fact.absence.is_some()).count();
    let masked: u64 = facts.iter().flat_map(|fact| fact.masked.values()).sum();
    let fired = |row: &&Row| row.status != Status::Pass;
    let stops = verdict.section(Section::HardStops).filter(fired).count();
    let mut parts = vec![plural(facts.len(), "fact")];
    if absent > 0 {
        parts.push(format!("{absent} of them not seen"));
    }
    parts.push(if stops == 0 { "no hard stop".to_owned() } else { plural(stops, "hard stop") });
    parts.push(format!("{} masked", plural(usize::try_from(masked).unwrap_or(usize::MAX), "secret")));
    parts.join(", ")
}

fn row(fact: &Fact) -> Vec<Cell> {
    let collector = match &fact.target {
        Some(target) => format!("{} on {target}", fact.uses),
        None => fact.uses.clone(),
    };
    let seen = match &fact.absence {
        Some(absence) => Cell::painted(&unseen("not seen", absence), Paint::Doubt),
        None => Cell::new(&summary(fact)),
    };
    vec![Cell::new(&fact.id), Cell::new(&collector), seen]
}

fn unseen(what: &str, absence: &Absence) -> String {
    let word = absence.reason.word();
    if absence.message.is_empty() { format!("{what}: {word}") } else { format!("{what}: {word}: {}", absence.message) }
}

/// The headline values, patterns with their counts, artifacts and what is missing.
fn summary(fact: &Fact) -> String {
    let headline = headlines::OF.iter().find(|(uses, _)| *uses == fact.uses).map(|(_, paths)| *paths);
    let mut parts: Vec<String> = match headline {
        Some(paths) => paths.iter().filter_map(|path| part(path, fact.at(path)?.ok()?)).collect(),
        None => Vec::new(),
    };
    parts.extend(patterns(fact));
    let there = fact.values.get("exists") != Some(&Value::Bool(false));
    if parts.is_empty() && there {
        let chosen = fact.values.iter().filter(|(key, _)| !headlines::COMMON.contains(&key.as_str()));
        parts.extend(chosen.filter_map(|(key, value)| part(key, value)).take(FEW));
    }
    parts.extend(fact.artifacts.iter().map(|a| format!("{} kept", a.name)));
    parts.extend(missing(fact));
    if parts.is_empty() { "nothing to show".to_owned() } else { parts.join(", ") }
}

/// What was not seen, the names that share a reason together. Of a thing that is not there, that
/// alone is said.
fn missing(fact: &Fact) -> Vec<String> {
    if fact.values.get("exists") == Some(&Value::Bool(false)) {
        return vec![format!("does not exist: {}", fact.source)];
    }
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    // What cannot apply to what was seen is not missing to a person.
    for (path, why) in fact.missing.iter().filter(|(_, why)| why.reason != Reason::NotApplicable) {
        let words = if why.message.is_empty() { why.reason.word() } else { &why.message };
        reasons.entry(words.to_owned()).or_default().push(path);
    }
    reasons.into_iter().map(|(words, paths)| format!("not seen: {} ({words})", few(&paths))).collect()
}

fn few(names: &[&str]) -> String {
    match names.len().checked_sub(FEW) {
        Some(more @ 1..) => format!("{} and {more} more", names[..FEW].join(", ")),
        _ => names.join(", "),
    }
}

fn patterns(fact: &Fact) -> Vec<String> {
    let Some(Value::Map(patterns)) = fact.values.get("patterns") else { return Vec::new() };
    let count = |(name, found): (&String, &Value)| Some(format!("{name} ×{}", found.at("count")?.as_int()?));
    patterns.iter().filter_map(count).collect()
}

/// `name value`; lists and maps by how much they hold. `None` for what says nothing.
fn part(path: &str, value: &Value) -> Option<String> {
    let name = path.strip_suffix("_bytes").unwrap_or(path).replace(['_', '.'], " ");
    Some(match value {
        Value::Int(n) if path.ends_with("_bytes") => format!("{name} {}", show_bytes(u64::try_from(*n).ok()?)),
        Value::Bool(b) => format!("{name} {}", if *b { "yes" } else { "no" }),
        Value::List(list) => format!("{name} {}", plural(list.len(), "item")),
        Value::Map(map) => format!("{name} {}", plural(map.len(), "entry").replace("entrys", "entries")),
        Value::Text(text) if text.is_empty() => return None,
        Value::Text(text) => format!("{name} {}", beginning(text)),
        other => format!("{name} {other}"),
    })
}

fn beginning(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
