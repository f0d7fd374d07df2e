//! Instants against the start of the run: RFC 3339 with an offset, nothing else is an instant.

use chrono::{DateTime, FixedOffset};

use crate::base::quantity;
use crate::model::fact::split_reference;
use crate::model::value::Value;

use super::super::sight::{Gap, Sight};
use super::{Leaf, Operator, Rule, no_operand};

/// Two clocks may differ by this much before an instant counts as being in the future.
const SKEW_SECONDS: f64 = 60.0;

const DETAIL: &str = "Compares an instant (RFC 3339 with its offset) with the start of the run. UNKNOWN when the value is not \
    such an instant: a time without an offset is not one. UNKNOWN too when it lies more than a minute after the \
    moment when it was read: a clock or a zone is wrong, and its age is not known.";

/// `older_than`.
pub(super) static OLDER_THAN: Operator = Operator {
    name: "older_than",
    doc: "The instant lies longer than this before the run began.",
    detail: DETAIL,
    example: "{ fact: second_staging.newest.mtime, older_than: 60m }",
    check: |c| check(&c.older_than),
    rule: Rule::Value {
        expected: |leaf| expected("older than", leaf, &leaf.condition.older_than),
        holds: |leaf, value| Ok(age(leaf, value)? > limit(&leaf.condition.older_than)?),
    },
};

/// `younger_than`.
pub(super) static YOUNGER_THAN: Operator = Operator {
    name: "younger_than",
    doc: "The instant lies less than this before the run began.",
    detail: DETAIL,
    example: "{ fact: fresh.mtime, younger_than: 30h }",
    check: |c| check(&c.younger_than),
    rule: Rule::Value {
        expected: |leaf| expected("younger than", leaf, &leaf.condition.younger_than),
        holds: |leaf, value| Ok(age(leaf, value)? < limit(&leaf.condition.younger_than)?),
    },
};

fn expected(verb: &str, leaf: &Leaf<'_>, operand: &Option<String>) -> String {
    format!("{verb} {} at {}", operand.as_deref().unwrap_or(""), leaf.sight.as_of)
}

fn limit(operand: &Option<String>) -> Result<f64, Gap> {
    let text = operand.as_deref().ok_or_else(no_operand)?;
    quantity::parse_seconds(text).map_err(|error| Gap::new(format!("`{text}`: {error}")))
}

fn check(operand: &Option<String>) -> Result<(), String> {
    let Some(text) = operand else { return Ok(()) };
    quantity::parse_seconds(text).map(drop).map_err(|error| format!("`{text}` is no duration: {error}"))
}

/// The age in seconds at the start of the run; what was made while the run went on has the age 0.
fn age(leaf: &Leaf<'_>, value: &Value) -> Result<f64, Gap> {
    let text = value.as_text().ok_or_else(|| leaf.wrong_kind(value, "instants"))?;
    let instant = instant(text)
        .ok_or_else(|| Gap::new(format!("{} is not an instant: RFC 3339 with an offset", leaf.reference)))?;
    let as_of = instant_or_gap(leaf.sight.as_of)?;
    let ahead = seconds(seen_at(leaf.sight, leaf.reference).unwrap_or(as_of).max(as_of), instant);
    if ahead > SKEW_SECONDS {
        return Err(Gap::new(format!("{} lies in the future: a clock or a zone is wrong", leaf.reference)));
    }
    Ok(seconds(instant, as_of).max(0.0))
}

/// When the look at `reference` ended.
fn seen_at(sight: &Sight<'_>, reference: &str) -> Option<DateTime<FixedOffset>> {
    let fact = sight.fact(split_reference(reference).0).ok()?;
    instant(&fact.observed_at)?.checked_add_signed(chrono::Duration::milliseconds(fact.took_ms.max(0)))
}

fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

fn instant_or_gap(as_of: &str) -> Result<DateTime<FixedOffset>, Gap> {
    instant(as_of).ok_or_else(|| Gap::new("the start of the run is not an instant"))
}

/// From `a` to `b`.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few centuries are exact")]
fn seconds(a: DateTime<FixedOffset>, b: DateTime<FixedOffset>) -> f64 {
    (b - a).num_milliseconds() as f64 / 1000.0
}
