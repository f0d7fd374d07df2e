//! The record of a template that is not built in. Everything outside of one quotation is written here,
//! from the verdict and the facts, and the template decides nothing of it. What the template prints is
//! quoted line by line, as the narrative is, under its name and digest; it is left out as a whole when
//! the words that it types read as an outcome.

use std::ops::Range;
use std::sync::Arc;

use super::block::{commands, paragraph};
use super::escape::{inline, prose};
use super::ledger::{CLOSE, Ledger, OPEN};
use super::origin::Origin;
use super::{anchors, judged, said, tidy, typed};
use crate::model::bundle::Bundle;
use crate::model::verdict::Section;

/// The record around `printed`, which is what the templates of `origin` print.
pub(super) fn record(bundle: &Bundle, ledger: &Arc<Ledger>, origin: &Origin, printed: &str) -> String {
    let notice = origin.notice().unwrap_or_default();
    let mut out = anchors::front_matter(bundle, Some(&notice));
    let head = format!(
        "# {}\n\n**This record was {}.** Everything outside of the quotation comes from the verdict and the facts. \
         The quotation is what that template says; it decides nothing.\n\nCase {}, run {}, started {}, ended {}.",
        prose(&bundle.case.title),
        prose(&notice),
        inline(&bundle.case.case),
        inline(&bundle.info.run),
        prose(&bundle.info.started_at),
        prose(&bundle.info.ended_at),
    );
    out.push_str(&paragraph(&head));
    section(&mut out, ledger, "Summary", &judged::summary(ledger, bundle));
    let lists = [
        (Section::Checks, "Checks"),
        (Section::Criteria, "Criteria"),
        (Section::HardStops, "Hard stops"),
        (Section::Checklist, "Preconditions and compliance checklist"),
    ];
    for (list, title) in lists {
        if bundle.verdict.section(list).next().is_some() {
            section(&mut out, ledger, title, &judged::checks(ledger, &bundle.verdict, list));
        }
    }
    section(&mut out, ledger, "What the template prints, quoted", &quoted(bundle, printed));
    if bundle.policy.signatures.is_some() {
        section(&mut out, ledger, "Signatures", &said::signatures(bundle));
    }
    section(&mut out, ledger, "Hygiene", &anchors::hygiene(&bundle.hygiene));
    section(&mut out, ledger, "What was looked for and not seen", &judged::unknowns(ledger));
    section(&mut out, ledger, "Anchors", &format!("{}{}", anchors::LEFT_OUT, anchors::PLACE));
    section(&mut out, ledger, "How to verify", &verifying(bundle));
    out
}

fn section(out: &mut String, ledger: &Ledger, title: &str, body: &str) {
    out.push_str(&paragraph(&format!("## {}. {title}", ledger.next_section())));
    out.push_str(body);
}

/// What the templates print, every line quoted, or why it is left out.
fn quoted(bundle: &Bundle, printed: &str) -> String {
    let (text, made) = without_marks(printed);
    if text.trim().is_empty() {
        return paragraph("The template prints nothing.");
    }
    // Next to the quotation, because its words may be of any language.
    let outcome = bundle.verdict.outcome.word();
    let mut out = paragraph(&format!(
        "The outcome is **{outcome}**, whatever the quotation says: its words are of the template, not of the verdict, \
         and no seat has stated them."
    ));
    if typed::first_outcome(&text, &made).is_some() {
        return out
            + &paragraph(
                "Left out: the template types words that read as an outcome, a status, a verdict or a signature. \
             Only the verdict gives those; they are above.",
            );
    }
    out.push_str("\n\n");
    for line in tidy(&text).lines() {
        out.push_str(if line.is_empty() { ">" } else { "> " });
        out.push_str(line);
        out.push('\n');
    }
    out + "\n"
}

/// `printed` without its marks, and the ranges that were marked, in order.
fn without_marks(printed: &str) -> (String, Vec<Range<usize>>) {
    let mut text = String::with_capacity(printed.len());
    let mut made: Vec<Range<usize>> = Vec::new();
    let (mut depth, mut began) = (0_usize, 0);
    for c in printed.chars() {
        match c {
            OPEN => {
                if depth == 0 {
                    began = text.len();
                }
                depth += 1;
            }
            CLOSE => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    made.push(began..text.len());
                }
            }
            c => text.push(c),
        }
    }
    (text, made)
}

fn verifying(bundle: &Bundle) -> String {
    let (case, run) = (&bundle.case.case, &bundle.info.run);
    let how = [
        format!("evidence verify reports/{case}/record.md"),
        format!("cd reports/{case}/runs/{run}"),
        "sha256sum -c --quiet manifest-sha256.txt tagmanifest-sha256.txt".to_owned(),
        "sha256sum tagmanifest-sha256.txt".to_owned(),
    ];
    let digest = inline(&bundle.digest);
    paragraph(&format!("The bundle's digest is the SHA-256 of its `tagmanifest-sha256.txt`: {digest}."))
        + &commands(&how)
}
