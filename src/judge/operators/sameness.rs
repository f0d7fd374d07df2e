//! The same or not the same: type first, then value. Lists and maps are compared entry by entry.

use crate::base::quantity::{self, Quantity};
use crate::model::policy::Condition;
use crate::model::value::Value;

use super::super::sight::Gap;
use super::super::truth::Truth;
use super::super::unit::Unit;
use super::super::words;
use super::{Leaf, Operator, Rule, no_operand};

/// `equals`.
pub(super) static EQUALS: Operator = Operator {
    name: "equals",
    doc: "The value is the same, type included.",
    detail: "Compares two booleans, two numbers, two texts, two lists or two maps. UNKNOWN when the types differ, \
        and for a list or map that is not known to be whole: the text `true` is not the boolean `true`. Numbers are compared as numbers, without units.",
    example: "{ fact: fresh.gzip.valid, equals: true }",
    check: |c| c.equals.as_ref().map_or(Ok(()), |operand| check_operand(c, operand)),
    rule: Rule::Value {
        expected: |leaf| leaf.condition.equals.as_ref().map_or_else(String::new, |v| words::show(v, leaf.unit)),
        holds: |leaf, value| compare(leaf, value, &leaf.condition.equals),
    },
};

/// `not_equals`.
pub(super) static NOT_EQUALS: Operator = Operator {
    name: "not_equals",
    doc: "The value is of the same type and differs.",
    detail: "The reverse of `equals`; UNKNOWN when the types differ, and when there is no value.",
    example: "{ fact: restored.system_identifier, not_equals: \"7611578671664259111\" }",
    check: |c| c.not_equals.as_ref().map_or(Ok(()), |operand| check_operand(c, operand)),
    rule: Rule::Value {
        expected: |leaf| {
            let operand = leaf.condition.not_equals.as_ref();
            format!("not {}", operand.map_or_else(String::new, |v| words::show(v, leaf.unit)))
        },
        holds: |leaf, value| compare(leaf, value, &leaf.condition.not_equals).map(|same| !same),
    },
};

/// `one_of`.
pub(super) static ONE_OF: Operator = Operator {
    name: "one_of",
    doc: "The value is one of these.",
    detail: "As `equals` with any of the listed values, which are all of one type. UNKNOWN when the types differ.",
    example: "{ fact: script.mode, one_of: [\"0755\", \"0750\", \"0700\"] }",
    check: check_one_of,
    rule: Rule::Value {
        expected: |leaf| {
            let listed = leaf.condition.one_of.iter().flatten();
            words::either(&listed.map(|v| words::show(v, leaf.unit)).collect::<Vec<_>>())
        },
        holds: |leaf, value| {
            let listed = leaf.condition.one_of.iter().flatten();
            let any = listed.map(|v| same(v, value)).fold(Truth::False, Truth::or);
            known(any).ok_or_else(|| leaf.wrong_kind(value, "values of the type that the policy lists"))
        },
    },
};

/// `same_as`.
pub(super) static SAME_AS: Operator = Operator {
    name: "same_as",
    doc: "The value is the same as that of another fact.",
    detail: "Compares like `equals`. UNKNOWN when one of the two was not seen or their types differ, and when a text \
        is empty: an empty answer is no answer, and two of them agree on nothing. UNKNOWN too when the two agree \
        only as they were masked: what is hidden may differ.",
    example: "{ fact: far.sha256, same_as: near.sha256 }",
    check: check_same_as,
    rule: Rule::Value { expected: expected_same_as, holds: same_as },
};

fn compare(leaf: &Leaf<'_>, value: &Value, operand: &Option<Value>) -> Result<bool, Gap> {
    let operand = operand.as_ref().ok_or_else(no_operand)?;
    whole(leaf, leaf.reference, value)?;
    known(same(value, operand)).ok_or_else(|| leaf.wrong_kind(value, &format!("it with a {}", operand.kind())))
}

fn expected_same_as(leaf: &Leaf<'_>) -> String {
    let other = leaf.condition.same_as.as_deref().unwrap_or("");
    let shown = leaf.sight.value(other).map_or_else(|blank| blank.observed, |v| words::show(v, Unit::of(other)));
    format!("the same as {other} ({shown})")
}

fn same_as(leaf: &Leaf<'_>, value: &Value) -> Result<bool, Gap> {
    let reference = leaf.condition.same_as.as_deref().ok_or_else(no_operand)?;
    let other = leaf.sight.value(reference).map_err(|blank| blank.gap)?;
    for (name, value) in [(leaf.reference, value), (reference, other)] {
        if value.as_text() == Some("") {
            return Err(Gap::new(format!("{name} is empty: an empty answer is no answer")));
        }
    }
    whole(leaf, leaf.reference, value)?;
    whole(leaf, reference, other)?;
    match same(value, other) {
        Truth::True if is_masked(value) => {
            Err(Gap::new(format!("{} and {reference} are masked alike: what is hidden may differ", leaf.reference)))
        }
        truth => known(truth).ok_or_else(|| leaf.wrong_kind(value, &format!("it with a {}", other.kind()))),
    }
}

/// A list or map of which a part may not have been seen is neither the same as another nor different.
fn whole(leaf: &Leaf<'_>, reference: &str, value: &Value) -> Result<(), Gap> {
    let kept = match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return Ok(()),
    };
    match leaf.sight.is_cut(reference, kept) {
        true => Err(Gap::new(format!("{reference} was cut when it was collected, or not everything was seen"))),
        false => Ok(()),
    }
}

/// Whether a secret was replaced by `***rule***` somewhere in `value`.
fn is_masked(value: &Value) -> bool {
    let is_rule = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    match value {
        Value::Text(text) => {
            // The first and the last piece have no stars on one of their sides.
            let pieces: Vec<_> = text.split("***").collect();
            pieces.len() > 2 && pieces[1..pieces.len() - 1].iter().any(|piece| is_rule(piece))
        }
        Value::List(list) => list.iter().any(is_masked),
        Value::Map(map) => map.values().any(is_masked),
        _ => false,
    }
}

/// Whether two values are the same; unknown when somewhere two types differ and nothing else does.
pub(super) fn same(a: &Value, b: &Value) -> Truth {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => (a == b).into(),
        (Value::Int(a), Value::Int(b)) => (a == b).into(),
        (Value::Text(a), Value::Text(b)) => (a == b).into(),
        (Value::List(a), Value::List(b)) if a.len() != b.len() => Truth::False,
        (Value::List(a), Value::List(b)) => every(a.iter().zip(b)),
        (Value::Map(a), Value::Map(b)) if !a.keys().eq(b.keys()) => Truth::False,
        (Value::Map(a), Value::Map(b)) => every(a.values().zip(b.values())),
        _ => same_number(a, b).into(),
    }
}

fn every<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Truth {
    pairs.map(|(a, b)| same(a, b)).fold(Truth::True, Truth::and)
}

/// Numbers that are written differently: `3` and `3.0` are the same; `None` when one is no number.
fn same_number(a: &Value, b: &Value) -> Option<bool> {
    #[expect(clippy::cast_precision_loss, reason = "values hold at most 2^53 - 1")]
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Real(number) => number.is_finite().then_some(*number),
        _ => None,
    };
    Some(number(a)?.total_cmp(&number(b)?).is_eq())
}

/// The answer, if there is one.
pub(super) fn known(truth: Truth) -> Option<bool> {
    match truth {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown => None,
    }
}

fn check_operand(condition: &Condition, operand: &Value) -> Result<(), String> {
    let unit = Unit::of(condition.fact.as_deref().unwrap_or(""));
    let written = operand.as_text().and_then(|text| quantity::parse(text).ok());
    match written {
        Some(Quantity::Bytes(_) | Quantity::Seconds(_)) if unit != Unit::Bare => {
            Err(format!("this compares without units: write the number of {}", unit.word()))
        }
        _ => Ok(()),
    }
}

fn check_one_of(condition: &Condition) -> Result<(), String> {
    let Some(listed) = &condition.one_of else { return Ok(()) };
    let Some(first) = listed.first() else { return Err("`one_of` nothing would never hold".to_owned()) };
    match listed.iter().find(|v| v.kind() != first.kind()) {
        Some(odd) => Err(format!("lists a {} beside a {}: one type only", odd.kind(), first.kind())),
        None => listed.iter().try_for_each(|v| check_operand(condition, v)),
    }
}

fn check_same_as(condition: &Condition) -> Result<(), String> {
    let (Some(fact), Some(other)) = (&condition.fact, &condition.same_as) else { return Ok(()) };
    let (unit, others) = (Unit::of(fact), Unit::of(other));
    if fact == other {
        return Err(format!("`{fact}` is always the same as itself"));
    }
    if unit != others && unit != Unit::Bare && others != Unit::Bare {
        return Err(format!("{} are not comparable with {}", unit.word(), others.word()));
    }
    Ok(())
}
