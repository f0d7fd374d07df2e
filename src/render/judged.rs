//! The verdict in Markdown: the summary, the tables of items, and what is not established. Every
//! row cites the facts that it rests on.

use std::fmt::Write as _;

use minijinja::Error;

use super::block::paragraph;
use super::cite::{unknown, word};
use super::error::complain;
use super::escape::{inline, prose};
use super::ledger::{Ledger, Mode, seat};
use super::table::{ROW_LIMIT, Row as TableRow, draw};
use crate::base::text::plural;
use crate::model::bundle::Bundle;
use crate::model::fact::{Absence, Basis, Reason, split_reference};
use crate::model::verdict::{Row, Section, Status, Verdict};

/// The section that a template names.
pub(super) fn section(name: &str) -> Result<Section, Error> {
    Ok(match name {
        "hard_stops" => Section::HardStops,
        "checks" => Section::Checks,
        "criteria" => Section::Criteria,
        "checklist" => Section::Checklist,
        _ => return Err(complain(format!("no list `{name}`: hard_stops, checks, criteria or checklist"))),
    })
}

/// `checks(section)`: the table, and below it why each item is not a plain PASS.
pub(super) fn checks(ledger: &Ledger, verdict: &Verdict, section: Section) -> String {
    let rows: Vec<_> = verdict.section(section).collect();
    let made: Vec<_> = rows.iter().map(|row| table_row(ledger, row)).collect();
    let heads = ["#", title(section), "Observed", "Expected", "Status"].map(str::to_owned);
    let table = draw(ledger, &heads, &made).unwrap_or_else(|| paragraph("The policy has none."));
    let notes: String = rows.iter().filter_map(|row| note(row)).collect();
    format!("{table}{}", paragraph(&notes))
}

fn title(section: Section) -> &'static str {
    match section {
        Section::HardStops => "Hard stop",
        Section::Checks => "Check",
        Section::Criteria => "Criterion",
        Section::Checklist => "Item",
    }
}

/// A hard stop is no check: what matters is whether it fired.
fn status(row: &Row) -> String {
    let word = match (row.section, row.status) {
        (Section::HardStops, Status::Pass) => "not triggered",
        (Section::HardStops, Status::Unknown) => "TRIGGERED (not established)",
        (Section::HardStops, Status::Fail | Status::Misleading) => "TRIGGERED",
        (_, status) => status.word(),
    };
    match &row.seat {
        Some(seat) if row.status == Status::Unknown => format!("{word} (to be stated by {})", prose(seat)),
        Some(seat) => format!("{word} (statement of {})", prose(seat)),
        None => word.to_owned(),
    }
}

fn table_row(ledger: &Ledger, row: &Row) -> TableRow {
    let cells = vec![prose(&row.id), prose(&row.title), inline(&row.observed), inline(&row.expected), status(row)];
    TableRow { cells, facts: cited(ledger, row) }
}

fn cited(ledger: &Ledger, row: &Row) -> Vec<usize> {
    row.facts.iter().filter_map(|reference| ledger.find(split_reference(reference).0)).collect()
}

fn note(row: &Row) -> Option<String> {
    let mut parts = Vec::new();
    if row.status != Status::Pass && !row.because.is_empty() {
        parts.push(prose(&row.because));
    }
    if let Some(settle) = &row.settle {
        parts.push(format!("to settle it: {}", inline(settle)));
    }
    if let Some(waiver) = &row.waiver {
        parts.push(format!("waiver: {}", prose(waiver)));
    }
    (!parts.is_empty()).then(|| format!("- {} {}: {}\n", prose(&row.id), status(row), parts.join("; ")))
}

/// `summary()`: the outcome in a few lines, counted, never typed.
pub(super) fn summary(ledger: &Ledger, bundle: &Bundle) -> String {
    let verdict = &bundle.verdict;
    let mut out = format!("- Outcome: **{}** by policy {}\n", verdict.outcome.word(), inline(&verdict.policy));
    if let Some(closure) = verdict.closure {
        let seats = bundle.policy.signatures.as_ref().map(|asked| asked.seats.join(", "));
        let seats = seats.map_or_else(String::new, |seats| {
            format!(", before signatures: it counts as closed only when {} have signed", prose(&seats))
        });
        let _ = writeln!(out, "- Closure: {}{seats}", inline(closure.word()));
    }
    for section in [Section::Checks, Section::Criteria, Section::Checklist] {
        let rows: Vec<_> = verdict.section(section).collect();
        if !rows.is_empty() {
            let _ = writeln!(out, "- {}", count(section, &rows));
        }
    }
    out.push_str(&seen(ledger));
    let stops = stops(ledger, verdict);
    let decisive = decisive(ledger, verdict);
    match ledger.mode() {
        // Blank lines between the groups would make one loose list of them, a paragraph for each item.
        Mode::BuiltIn | Mode::Own => paragraph(&format!("{out}{stops}{decisive}")),
        Mode::Released => format!("{}{}{}", paragraph(&out), paragraph(&stops), paragraph(&decisive)),
    }
}

/// What decides, a line each: the items that fail with what was seen and what was asked for, then
/// those that are UNKNOWN with what would settle them. Why, the tables below say.
fn decisive(ledger: &Ledger, verdict: &Verdict) -> String {
    const MOST: usize = 24;
    let of = |wanted: &dyn Fn(Status) -> bool| {
        let sections = [Section::Checks, Section::Criteria, Section::Checklist];
        let rows = sections.into_iter().flat_map(|section| verdict.section(section));
        rows.filter(|row| wanted(row.status)).collect::<Vec<_>>()
    };
    let mut rows = of(&Status::fails);
    rows.extend(of(&|status| status == Status::Unknown));
    let mut out: String = rows.iter().take(MOST).map(|row| decides(ledger, row)).collect();
    if rows.len() > MOST {
        let _ = writeln!(out, "- and {} more in the tables below", rows.len() - MOST);
    }
    for row in verdict.rows.iter().filter(|row| row.status == Status::Waived) {
        let waiver = row.waiver.as_deref().map(prose).unwrap_or_default();
        let _ = writeln!(out, "- {} not established, but waived: {}: {waiver}", prose(&row.id), prose(&row.title));
    }
    out
}

fn decides(ledger: &Ledger, row: &Row) -> String {
    let head = format!("- {} {}: {}", prose(&row.id), status(row), prose(&row.title));
    let labels = ledger.labels(cited(ledger, row));
    let tail = match (&row.settle, row.status) {
        (Some(settle), Status::Unknown) => format!("; to settle it: {}", inline(settle)),
        (None, Status::Unknown) => format!("; {}", prose(&row.because)),
        (_, Status::Misleading) => format!("; seen {}, but {}", inline(&row.observed), prose(&row.because)),
        _ => format!("; seen {}, expected {}", inline(&row.observed), inline(&row.expected)),
    };
    format!("{} {labels}", head + &tail).trim_end().to_owned() + "\n"
}

fn count(section: Section, rows: &[&Row]) -> String {
    let noun = match section {
        Section::Checks => "checks",
        Section::Criteria => "criteria",
        Section::Checklist | Section::HardStops => "checklist items",
    };
    let of = |wanted: &dyn Fn(Status) -> bool| rows.iter().filter(|row| wanted(row.status)).collect::<Vec<_>>();
    // Those that do not pass have a line each below; a waived one has none.
    let some = |word, of: &[&&Row]| (!of.is_empty()).then(|| format!("{} {word}", of.len()));
    let waived = of(&|status| status == Status::Waived);
    let parts = [
        Some(format!("{} of {} {noun} FAIL", of(&Status::fails).len(), rows.len())),
        Some(format!("{} PASS", of(&|status| status == Status::Pass).len())),
        some("UNKNOWN", &of(&|status| status == Status::Unknown)),
        some("WAIVED", &waived).map(|count| format!("{count} ({})", ids(&waived))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The ids of `rows`, the first ones when there are many.
fn ids(rows: &[&&Row]) -> String {
    const MOST: usize = 8;
    let mut shown: Vec<_> = rows.iter().take(MOST).map(|row| prose(&row.id)).collect();
    if rows.len() > MOST {
        shown.push(format!("{} more", rows.len() - MOST));
    }
    shown.join(", ")
}

fn stops(ledger: &Ledger, verdict: &Verdict) -> String {
    let rows: Vec<_> = verdict.section(Section::HardStops).collect();
    if rows.is_empty() {
        return String::new();
    }
    let fired: Vec<_> = rows.iter().filter(|row| row.status != Status::Pass).collect();
    let mut out = format!("- {} of {} triggered\n", fired.len(), plural(rows.len(), "hard stop"));
    for row in fired {
        let labels = ledger.labels(cited(ledger, row));
        let why = if row.because.is_empty() { String::new() } else { format!(": {}", prose(&row.because)) };
        let _ = writeln!(out, "- Hard stop {} {}: {}{why} {labels}", prose(&row.id), status(row), prose(&row.title));
    }
    out
}

fn seen(ledger: &Ledger) -> String {
    let facts = ledger.facts();
    let of = |basis| facts.iter().filter(|f| f.fact.basis == basis).count();
    let lacking = |wanted| {
        let reasons = facts.iter().filter_map(|f| Some(f.fact.absence.as_ref()?.reason));
        reasons.filter(|reason| word(*reason) == wanted).count()
    };
    format!(
        "- {} collected: {} observed, {} derived, {} stated; {} of them UNKNOWN, {} ABSENT\n",
        plural(facts.len(), "fact"),
        of(Basis::Observed),
        of(Basis::Derived),
        of(Basis::Statement),
        lacking("UNKNOWN"),
        lacking("ABSENT")
    )
}

/// `unknowns()`: everything that was looked for and not seen, with the command that settles it.
/// What one fact lacks for one and the same reason is one row.
pub(super) fn unknowns(ledger: &Ledger) -> String {
    let mut found: Vec<Lack<'_>> = Vec::new();
    for index in 0..ledger.facts().len() {
        for lack in lacks(ledger, index) {
            // What a session cannot see of itself is the same for every question that it asks.
            let of_session = lack.what.iter().all(|(_, paths)| paths.iter().all(|path| path.starts_with("session.")));
            match found.iter_mut().find(|known| of_session && known.absence == lack.absence) {
                Some(known) => known.what.extend(lack.what),
                None => found.push(lack),
            }
        }
    }
    let row = |lack: &Lack<'_>| TableRow { cells: lack.cells(ledger), facts: lack.facts() };
    let mut rows: Vec<_> = found.iter().map(row).collect();
    let heads = ["Not seen", "Reason", "In words", "To settle it"].map(str::to_owned);
    let cut = rows.len().saturating_sub(ROW_LIMIT);
    rows.truncate(ROW_LIMIT);
    let table = draw(ledger, &heads, &rows);
    let table = table.unwrap_or_else(|| paragraph("Everything that was looked for was seen."));
    if cut == 0 { table } else { table + &paragraph(&format!("and {cut} more, in `facts.jsonl`.")) }
}

/// Values that are absent for one reason: the facts and, of each, the paths.
struct Lack<'a> {
    absence: &'a Absence,
    what: Vec<(usize, Vec<&'a str>)>,
}

impl Lack<'_> {
    fn facts(&self) -> Vec<usize> {
        self.what.iter().map(|(index, _)| *index).collect()
    }

    fn cells(&self, ledger: &Ledger) -> Vec<String> {
        let name = |(index, paths): &(usize, Vec<&str>)| {
            let id = &ledger.fact(*index).id;
            match paths.as_slice() {
                [""] => id.clone(),
                [path] => format!("{id}.{path}"),
                many => format!("{id}: {}", many.join(", ")),
            }
        };
        let what = self.what.iter().map(name).collect::<Vec<_>>().join("; ");
        let absence = self.absence;
        let settle = absence.settle.as_deref().map_or_else(|| "-".to_owned(), inline);
        vec![inline(&what), absence.reason.word().to_owned(), inline(&absence.message), settle]
    }
}

/// What one fact lacks, a reason each.
fn lacks(ledger: &Ledger, index: usize) -> Vec<Lack<'_>> {
    let fact = ledger.fact(index);
    let whole = fact.absence.iter().map(|absence| ("", absence));
    let parts = fact.missing.iter().map(|(path, absence)| (path.as_str(), absence));
    let mut alike: Vec<(&Absence, Vec<&str>)> = Vec::new();
    // What does not apply was not missed.
    for (path, absence) in whole.chain(parts).filter(|(_, a)| a.reason != Reason::NotApplicable) {
        match alike.iter_mut().find(|(one, _)| *one == absence) {
            Some((_, paths)) => paths.push(path),
            None => alike.push((absence, vec![path])),
        }
    }
    alike.into_iter().map(|(absence, paths)| Lack { absence, what: vec![(index, paths)] }).collect()
}

/// `absence(fact)`: why a fact as a whole is absent.
pub(super) fn absence(ledger: &Ledger, index: usize) -> String {
    let Some(absence) = &ledger.fact(index).absence else { return String::new() };
    let by = match ledger.fact(index).basis {
        Basis::Statement => format!(" (statement of {})", seat(ledger.fact(index))),
        Basis::Observed | Basis::Derived => String::new(),
    };
    let settle = absence.settle.as_deref().map_or_else(String::new, |s| format!("; to settle it: {}", inline(s)));
    let (words, label) = (inline(&absence.message), ledger.label(index));
    paragraph(&format!("{}{by}: {words}{settle} {label}", unknown(absence)))
}
