//! What people say, kept apart from what was seen: statements, proposals, and the narrative, which
//! is quoted line by line so that nothing in it can pass for a part of the record.

use std::fmt::Write as _;

use minijinja::{Error, Value as Jinja};

use super::block::{commands, paragraph};
use super::cite::FactObject;
use super::error::complain;
use super::escape::{inline, prose};
use super::ledger::seat;
use crate::model::bundle::Bundle;
use crate::model::case::{Case, Proposal};
use crate::model::value::Value;

/// `statements(list)`: of facts made by the `statement` collector, or of the case's own lists.
pub(super) fn statements(list: &Jinja) -> Result<String, Error> {
    let mut out = String::new();
    for item in list.try_iter()? {
        let line = match item.downcast_object_ref::<FactObject>() {
            Some(fact) => stated(fact),
            None => said(&item)?,
        };
        let _ = writeln!(out, "- {line}");
    }
    Ok(if out.is_empty() { paragraph("None.") } else { paragraph(&out) })
}

fn stated(object: &FactObject) -> String {
    let fact = object.ledger.fact(object.fact);
    let label = object.ledger.label(object.fact);
    let words = |name: &str| fact.values.get(name).and_then(|v| v.as_text()).map(prose);
    let says = match (&fact.absence, words("says")) {
        (Some(absence), _) => super::cite::unknown(absence),
        (None, Some(says)) => says,
        (None, None) => "UNKNOWN (nothing said)".to_owned(),
    };
    let holds = match fact.values.get("holds") {
        Some(Value::Bool(true)) => ", who says that it holds",
        Some(Value::Bool(false)) => ", who says that it does not hold",
        _ => "",
    };
    let answers = words("answers").map_or_else(String::new, |item| format!(", on {item}"));
    format!("{says} (statement of {}{answers}{holds}) {label}", seat(fact))
}

fn said(item: &Jinja) -> Result<String, Error> {
    let text = |name: &str| {
        let value = item.get_attr(name)?;
        value.as_str().map(prose).ok_or_else(|| complain("`statements` needs facts, or entries with `seat` and `says`"))
    };
    Ok(format!("{} (statement of {})", text("says")?, text("seat")?))
}

/// `proposals()`: each one marked as not executed.
pub(super) fn proposals(case: &Case) -> String {
    if case.proposals.is_empty() {
        return paragraph("None.");
    }
    case.proposals.iter().map(proposal).collect()
}

fn proposal(proposal: &Proposal) -> String {
    let head = format!(
        "**{}: NOT executed.** {} (proposal of {})",
        prose(&proposal.id),
        prose(&proposal.says),
        prose(&proposal.seat)
    );
    paragraph(&head) + &commands(&proposal.commands)
}

/// `seats()`: who sits where.
pub(super) fn seats(case: &Case) -> String {
    if case.seats.is_empty() {
        return paragraph("No seats are named.");
    }
    let mut out = String::from("\n\n| Seat | Who |\n|---|---|\n");
    for (seat, who) in &case.seats {
        let _ = writeln!(out, "| {} | {} |", prose(seat), prose(who));
    }
    out.push('\n');
    out
}

/// `signatures()`: who must sign, and how anybody checks that they did. Whoever signs, signs the
/// digest of the record, so the record itself can never say that it is signed.
pub(super) fn signatures(bundle: &Bundle) -> String {
    let Some(asked) = &bundle.policy.signatures else {
        return paragraph("The policy asks for no signature.");
    };
    let who = |seat: &str| bundle.case.seats.get(seat).map_or("nobody", String::as_str);
    let mut out = String::new();
    for seat in &asked.seats {
        let _ = writeln!(out, "- To be signed for the seat {}, by {}", inline(seat), inline(who(seat)));
    }
    for [one, other] in &asked.different {
        let (one, other) = (inline(one), inline(other));
        let _ = writeln!(out, "- The seats {one} and {other} must be different people with different keys");
    }
    let how = "A signature is made over the digests of this record and of its bundle, so none can stand in it. \
               Whether the seats have signed is shown by `evidence verify`, or without it, in the run's folder, by \
               these commands; `allowed_signers` is your own list, and each statement names the digests it is about:";
    format!("{}{}{}", paragraph(&out), paragraph(how), commands(&verifying(bundle, &asked.seats)))
}

fn verifying(bundle: &Bundle, seats: &[String]) -> Vec<String> {
    let one = |seat: &String| {
        let who = bundle.case.seats.get(seat).map_or("nobody", String::as_str);
        let who = crate::base::text::shell_word(who).into_owned();
        format!(
            "ssh-keygen -Y verify -n evidence -I {who} -f ../../../../allowed_signers -s signatures/{seat}.sig \
             < signatures/{seat}.json"
        )
    };
    seats.iter().map(one).collect()
}
