//! Numbers against bounds: bare numbers, quantities, shares of another fact's number.

use crate::base::quantity;
use crate::model::policy::{Amount, Condition, Share};
use crate::model::value::Value;

use super::super::sight::Gap;
use super::super::unit::Unit;
use super::{Leaf, Operator, Rule, no_operand};

const DETAIL: &str = "Compares numbers. The bound is a bare number in the value's own unit, a quantity (`1 MB`, `1 MiB`, \
    `60m`) or a share of another fact's number. A quantity needs a value whose name says the same unit \
    (`…_bytes`, `…_seconds`, `…_ms`). UNKNOWN when the value is not a number, when the units differ, or when \
    the other fact's number was not seen.";

/// `at_least`.
pub(super) static AT_LEAST: Operator = Operator {
    name: "at_least",
    doc: "The number is at least this.",
    detail: DETAIL,
    example: "{ fact: fresh.payload_bytes, at_least: { share: 0.5, of: inventory.baseline.median_bytes } }",
    check: |c| check(c, &c.at_least),
    rule: Rule::Value {
        expected: |leaf| expected(leaf, "at least", &leaf.condition.at_least),
        holds: |leaf, value| compare(leaf, value, &leaf.condition.at_least, |a, b| a >= b),
    },
};

/// `at_most`.
pub(super) static AT_MOST: Operator = Operator {
    name: "at_most",
    doc: "The number is at most this.",
    detail: DETAIL,
    example: "{ fact: log.patterns.error.count, at_most: 0 }",
    check: |c| check(c, &c.at_most),
    rule: Rule::Value {
        expected: |leaf| expected(leaf, "at most", &leaf.condition.at_most),
        holds: |leaf, value| compare(leaf, value, &leaf.condition.at_most, |a, b| a <= b),
    },
};

/// `more_than`.
pub(super) static MORE_THAN: Operator = Operator {
    name: "more_than",
    doc: "The number is more than this.",
    detail: DETAIL,
    example: "{ fact: fresh.payload_bytes, more_than: 0 }",
    check: |c| check(c, &c.more_than),
    rule: Rule::Value {
        expected: |leaf| expected(leaf, "more than", &leaf.condition.more_than),
        holds: |leaf, value| compare(leaf, value, &leaf.condition.more_than, |a, b| a > b),
    },
};

/// `less_than`.
pub(super) static LESS_THAN: Operator = Operator {
    name: "less_than",
    doc: "The number is less than this.",
    detail: DETAIL,
    example: "{ fact: fresh.stored_bytes, less_than: 10 GB }",
    check: |c| check(c, &c.less_than),
    rule: Rule::Value {
        expected: |leaf| expected(leaf, "less than", &leaf.condition.less_than),
        holds: |leaf, value| compare(leaf, value, &leaf.condition.less_than, |a, b| a < b),
    },
};

/// `between`.
pub(super) static BETWEEN: Operator = Operator {
    name: "between",
    doc: "The number lies between these two, both included.",
    detail: DETAIL,
    example: "{ fact: fresh.stored_bytes, between: [40 MB, 80 MB] }",
    check: check_between,
    rule: Rule::Value { expected: expected_between, holds: lies_between },
};

/// A bound as a number, and in words.
struct Bound {
    number: f64,
    words: String,
}

fn compare(leaf: &Leaf<'_>, value: &Value, operand: &Option<Amount>, test: fn(f64, f64) -> bool) -> Result<bool, Gap> {
    let number = number(value).ok_or_else(|| leaf.wrong_kind(value, "numbers"))?;
    let bound = bound(leaf, operand.as_ref().ok_or_else(no_operand)?)?;
    Ok(test(number, bound.number))
}

fn expected(leaf: &Leaf<'_>, verb: &str, operand: &Option<Amount>) -> String {
    format!("{verb} {}", operand.as_ref().map_or_else(|| "nothing".to_owned(), |amount| in_words(leaf, amount)))
}

fn lies_between(leaf: &Leaf<'_>, value: &Value) -> Result<bool, Gap> {
    let number = number(value).ok_or_else(|| leaf.wrong_kind(value, "numbers"))?;
    let [low, high] = leaf.condition.between.as_ref().ok_or_else(no_operand)?;
    let (low, high) = (bound(leaf, low)?, bound(leaf, high)?);
    Ok((low.number..=high.number).contains(&number))
}

fn expected_between(leaf: &Leaf<'_>) -> String {
    let bounds = leaf.condition.between.iter().flatten().map(|amount| in_words(leaf, amount));
    format!("between {}", bounds.collect::<Vec<_>>().join(" and "))
}

/// The number, exact: values hold at most 2^53 - 1.
fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "values hold at most 2^53 - 1")]
        Value::Int(number) => Some(*number as f64),
        Value::Real(number) => number.is_finite().then_some(*number),
        _ => None,
    }
}

fn bound(leaf: &Leaf<'_>, amount: &Amount) -> Result<Bound, Gap> {
    match amount {
        Amount::Number(number) => Ok(Bound { number: *number, words: leaf.unit.show(*number) }),
        Amount::Quantity(text) => written(leaf.unit, text).map_err(Gap::new),
        Amount::Share(share) => part_of(leaf, share),
    }
    .and_then(|bound| if bound.number.is_finite() { Ok(bound) } else { Err(Gap::new("the bound is not finite")) })
}

fn written(unit: Unit, text: &str) -> Result<Bound, String> {
    let quantity = quantity::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
    let number = unit.number(quantity).ok_or_else(|| {
        format!("`{text}` cannot be compared with {}: the value's name must say the unit", unit.word())
    })?;
    Ok(Bound { number, words: format!("{text} ({})", unit.short(number)) })
}

fn part_of(leaf: &Leaf<'_>, share: &Share) -> Result<Bound, Gap> {
    let value = leaf.sight.value(&share.of).map_err(|blank| blank.gap)?;
    let of = number(value).ok_or_else(|| Gap::new(format!("{} is a {}, not a number", share.of, value.kind())))?;
    let number = tidy(share.share * of);
    let words = format!("{} of {} ({of}) = {}", share.share, share.of, leaf.unit.short(number));
    Ok(Bound { number, words })
}

/// Without the dust of binary fractions: 0.57 of 100 is 57, not 56.99999999999999.
fn tidy(number: f64) -> f64 {
    const MILLIONTHS: f64 = 1e6;
    if number.abs() < 1e9 { (number * MILLIONTHS).round() / MILLIONTHS } else { number }
}

fn in_words(leaf: &Leaf<'_>, amount: &Amount) -> String {
    bound(leaf, amount).map_or_else(
        |_| match amount {
            Amount::Number(number) => number.to_string(),
            Amount::Quantity(text) => text.clone(),
            Amount::Share(share) => format!("{} of {} (not seen)", share.share, share.of),
        },
        |bound| bound.words,
    )
}

fn check(condition: &Condition, operand: &Option<Amount>) -> Result<(), String> {
    operand.as_ref().map_or(Ok(()), |amount| check_amount(condition, amount))
}

fn check_amount(condition: &Condition, amount: &Amount) -> Result<(), String> {
    let unit = Unit::of(condition.fact.as_deref().unwrap_or(""));
    match amount {
        Amount::Number(number) if number.is_finite() => Ok(()),
        Amount::Number(_) => Err("a bound must be finite".to_owned()),
        Amount::Quantity(text) => written(unit, text).map(drop),
        Amount::Share(share) if !(share.share.is_finite() && share.share > 0.0) => {
            Err("a share must be more than 0".to_owned())
        }
        Amount::Share(share) => check_units(unit, Unit::of(&share.of), &share.of),
    }
}

fn check_units(unit: Unit, other: Unit, of: &str) -> Result<(), String> {
    if unit == other || unit == Unit::Bare || other == Unit::Bare {
        return Ok(());
    }
    Err(format!("{} cannot be compared with a share of `{of}`, which counts {}", unit.word(), other.word()))
}

fn check_between(condition: &Condition) -> Result<(), String> {
    let unit = Unit::of(condition.fact.as_deref().unwrap_or(""));
    let Some([low, high]) = &condition.between else { return Ok(()) };
    check_amount(condition, low)?;
    check_amount(condition, high)?;
    let fixed = |amount: &Amount| match amount {
        Amount::Number(number) => Some(*number),
        Amount::Quantity(text) => written(unit, text).ok().map(|bound| bound.number),
        Amount::Share(_) => None,
    };
    match (fixed(low), fixed(high)) {
        (Some(low), Some(high)) if low > high => Err("`between` names the smaller bound first".to_owned()),
        _ => Ok(()),
    }
}
