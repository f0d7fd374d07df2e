//! The end of the record: the hygiene table, the anchor table and the front matter. The anchor
//! table is made last, from the labels that truly stand in the text: nothing else in a record can
//! look like a label, so the two cannot disagree.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::block::paragraph;
use super::escape::{inline, prose};
use super::form::head_scalar;
use super::ledger::Ledger;
use crate::model::bundle::{Bundle, HygieneTable};

/// Stands in the text until the labels are counted; no text from outside can hold it, because
/// control characters are always shown escaped.
pub(super) const PLACE: &str = "\u{1}anchors\u{1}";

/// Stands in the text until it is known what was left out.
pub(super) const LEFT_OUT: &str = "\u{1}left out\u{1}";

/// The labels that stand in `text`, as positions of facts, and the first that belongs to none.
fn used(ledger: &Ledger, text: &str) -> Result<BTreeSet<usize>, String> {
    let mut used = BTreeSet::new();
    for (at, _) in text.match_indices('[') {
        let Some((inside, _)) = text[at + 1..].split_once(']') else { continue };
        let Some(number) = inside.strip_prefix(['F', 'D', 'S']) else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        let index = number.wrapping_sub(1);
        if index >= ledger.facts().len() || ledger.label(index) != format!("[{inside}]") {
            return Err(format!("[{inside}]"));
        }
        used.insert(index);
    }
    Ok(used)
}

/// `text` with the anchor table in its place.
///
/// # Errors
/// The label that stands in the text and belongs to no fact.
pub(super) fn complete(ledger: &Ledger, text: &str) -> Result<String, String> {
    let used = used(ledger, text)?;
    let text = text.replacen(LEFT_OUT, &left_out(ledger), 1).replace(LEFT_OUT, "");
    Ok(text.replacen(PLACE, &table(ledger, &used), 1).replace(PLACE, ""))
}

/// What the bounds on a record left out of it.
fn left_out(ledger: &Ledger) -> String {
    const MOST: usize = 20;
    let left = ledger.left_out();
    if left.is_empty() {
        return String::new();
    }
    let mut names: Vec<_> = left.iter().take(MOST).map(|index| inline(&ledger.fact(*index).id)).collect();
    if left.len() > MOST {
        names.push(format!("{} more", left.len() - MOST));
    }
    let facts = crate::base::text::plural(left.len(), "fact");
    paragraph(&format!(
        "This record is not complete: it shows {facts} of {} not at all or in part, because a record has a bound. \
         All are in `data/facts.jsonl`, and the verdict rests on all of them: {}.",
        ledger.facts().len(),
        names.join(", ")
    ))
}

fn table(ledger: &Ledger, used: &BTreeSet<usize>) -> String {
    if used.is_empty() {
        return paragraph("No fact is cited.");
    }
    let mut out = String::from("\n\n| Label | Fact | SHA-256 | Source | Observed at |\n|---|---|---|---|---|\n");
    for index in used {
        let sealed = &ledger.facts()[*index];
        let fact = &sealed.fact;
        let name = inline(&format!("{} ({})", fact.id, fact.uses));
        let label = ledger.label(*index);
        let _ = writeln!(
            out,
            "| {label} | {name} | {} | {} | {} |",
            inline(&sealed.anchor),
            inline(&fact.source),
            prose(&fact.observed_at)
        );
    }
    out.push('\n');
    out + &artifacts(ledger, used)
}

fn artifacts(ledger: &Ledger, used: &BTreeSet<usize>) -> String {
    let mut rows = String::new();
    for index in used {
        for artifact in &ledger.fact(*index).artifacts {
            let path = format!("data/artifacts/{}/{}", ledger.fact(*index).id, artifact.name);
            let label = ledger.label(*index);
            let _ =
                writeln!(rows, "| {label} | {} | {} | {} |", inline(&path), artifact.bytes, inline(&artifact.sha256));
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "\n\nKept with them, masked:\n\n| Label | File in the bundle | Bytes | SHA-256 |\n|---|---|---|---|\n{rows}\n"
    )
}

/// `hygiene()`: the per-pattern hit table, zeros included.
pub(super) fn hygiene(table: &HygieneTable) -> String {
    if table.rows.is_empty() {
        return paragraph("UNKNOWN: the bundle has no hygiene table; nothing is known about masking.");
    }
    let mut out = String::from("\n\n| Rule | Finds | Masked |\n|---|---|---|\n");
    let (hits, zeros): (Vec<_>, Vec<_>) = table.rows.iter().partition(|row| row.masked > 0);
    for row in hits {
        let _ = writeln!(out, "| {} | {} | {} |", inline(&row.rule), prose(&row.description), row.masked);
    }
    // One row for all that found nothing: each is named, and none takes a line of the record.
    if !zeros.is_empty() {
        let names: Vec<_> = zeros.iter().map(|row| inline(&row.rule)).collect();
        let _ = writeln!(out, "| {} | each of these {} found nothing | 0 |", names.join(", "), zeros.len());
    }
    let total: u64 = table.rows.iter().map(|row| row.masked).sum();
    let _ = writeln!(out, "| all {} rules | together | {total} |\n", table.rows.len());
    out
}

/// `front_matter()`: the YAML head of the record.
/// `template` names the templates that are not built in.
pub(super) fn front_matter(bundle: &Bundle, template: Option<&str>) -> String {
    let verdict = &bundle.verdict;
    let status = verdict.closure.map_or_else(|| outcome(bundle), |closure| closure.word().to_owned());
    let executor = bundle.case.seats.get("executor").map_or("not named", String::as_str);
    let date = bundle.info.started_at.get(..10).unwrap_or(&bundle.info.started_at);
    let rows = [
        ("title", bundle.case.title.as_str()),
        ("case", &bundle.case.case),
        ("date", date),
        ("status", &status),
        ("executor", executor),
        ("policy", &bundle.policy.policy),
        ("policy_sha256", &bundle.policy_sha256),
        ("run", &bundle.info.run),
        ("plan_sha256", &bundle.info.plan_sha256),
        ("bundle_sha256", &bundle.digest),
        ("generator", &format!("evidence {}", bundle.info.tool_version)),
    ];
    // A record is made before anybody signs it: it says who must, never that somebody did.
    let asked = bundle.policy.signatures.as_ref().map(|asked| format!("required: {}", asked.seats.join(", ")));
    let replaces = bundle.info.policy_replaces.as_ref().map(|replaced| replaced.sentence());
    let rows = rows.into_iter().chain(replaces.as_deref().map(|words| ("policy_replaces", words)));
    let rows = rows.chain(asked.as_deref().map(|asked| ("signatures", asked)));
    let rows = rows.chain(template.map(|template| ("template", template)));
    let lines: String = rows.map(|(key, value)| format!("{key}: {}\n", head_scalar(value))).collect();
    format!("---\n{lines}---\n\n")
}

fn outcome(bundle: &Bundle) -> String {
    bundle.verdict.outcome.word().to_ascii_lowercase().replace(' ', "_")
}
