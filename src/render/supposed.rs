//! Hypotheses in Markdown: what is supposed, by whom, how it stands, and each piece of evidence for and
//! against with the facts that it rests on. There is no cell for a cause.

use std::fmt::Write as _;

use super::block::paragraph;
use super::escape::{inline, prose};
use super::ledger::Ledger;
use super::table::{Row, draw};
use crate::model::fact::split_reference;
use crate::model::verdict::{Evidence, Status, Verdict, Weighed};

/// `hypotheses()`: the table, and below it the evidence of each.
pub(super) fn hypotheses(ledger: &Ledger, verdict: &Verdict) -> String {
    if verdict.hypotheses.is_empty() {
        return paragraph("None is stated.");
    }
    let rows: Vec<Row> = verdict.hypotheses.iter().map(|weighed| row(ledger, weighed)).collect();
    let heads = ["#", "Hypothesis", "Supposed by", "For", "Against", "Stands"].map(str::to_owned);
    let mut out = draw(ledger, &heads, &rows).unwrap_or_default();
    for weighed in &verdict.hypotheses {
        out.push_str(&evidence(ledger, weighed));
    }
    out
}

fn cited(ledger: &Ledger, list: &[Evidence]) -> Vec<usize> {
    let references = list.iter().flat_map(|evidence| &evidence.facts);
    references.filter_map(|reference| ledger.find(split_reference(reference).0)).collect()
}

fn row(ledger: &Ledger, weighed: &Weighed) -> Row {
    let mut facts = cited(ledger, &weighed.supports);
    facts.extend(cited(ledger, &weighed.against));
    let cells = vec![
        prose(&weighed.id),
        prose(&weighed.says),
        format!("{} (statement)", prose(&weighed.seat)),
        tally(&weighed.supports),
        tally(&weighed.against),
        weighed.standing.word().to_owned(),
    ];
    Row { cells, facts }
}

fn tally(list: &[Evidence]) -> String {
    let of = |status| list.iter().filter(|evidence| evidence.holds == status).count();
    match (list.len(), of(Status::Unknown)) {
        (0, _) => "-".to_owned(),
        (all, 0) => format!("{} of {all} hold", of(Status::Pass)),
        (all, unknown) => format!("{} of {all} hold, {unknown} UNKNOWN", of(Status::Pass)),
    }
}

fn evidence(ledger: &Ledger, weighed: &Weighed) -> String {
    let mut out = String::new();
    for (side, list) in [("for", &weighed.supports), ("against", &weighed.against)] {
        for evidence in list {
            let word = match evidence.holds {
                Status::Pass => "holds",
                Status::Fail => "does not hold",
                _ => "UNKNOWN",
            };
            let labels = ledger.labels(cited(ledger, std::slice::from_ref(evidence)));
            let why =
                if evidence.because.is_empty() { String::new() } else { format!("; {}", prose(&evidence.because)) };
            let (asked, seen) = (inline(&evidence.asked), inline(&evidence.observed));
            let _ = writeln!(out, "- {} {side}: {asked} {word}, seen {seen}{why} {labels}", prose(&weighed.id));
        }
    }
    paragraph(&out)
}
