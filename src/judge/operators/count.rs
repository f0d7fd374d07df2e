//! How many entries a list or map has.

use crate::model::policy::{Condition, Count};
use crate::model::value::Value;

use super::super::sight::Gap;
use super::{Leaf, Operator, Rule, no_operand};

/// `count`.
pub(super) static COUNT: Operator = Operator {
    name: "count",
    doc: "The number of entries of the list or map fulfils this.",
    detail: "With exactly one of `equals`, `at_least`, `at_most`. When the list was cut as it was collected (its \
        neighbour `<name>_cut` is true, or `<name>_total` is larger) or may not be whole (`complete` of the fact is \
        false, or the number of entries is not known), only `at_least` can be established. UNKNOWN for other types.",
    example: "{ fact: fresh.sql.tables.names, count: { at_least: 302 } }",
    check,
    rule: Rule::Value { expected, holds },
};

fn expected(leaf: &Leaf<'_>) -> String {
    let entries = |n: u64| if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") };
    match leaf.condition.count.as_ref() {
        Some(Count { equals: Some(n), .. }) => entries(*n),
        Some(Count { at_least: Some(n), .. }) => format!("at least {}", entries(*n)),
        Some(Count { at_most: Some(n), .. }) => format!("at most {}", entries(*n)),
        _ => "a number of entries".to_owned(),
    }
}

fn holds(leaf: &Leaf<'_>, value: &Value) -> Result<bool, Gap> {
    let length = match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return Err(leaf.wrong_kind(value, "lists and maps")),
    };
    let count = leaf.condition.count.as_ref().ok_or_else(no_operand)?;
    let cut = leaf.sight.is_cut(leaf.reference, length);
    established(count, length as u64, cut).ok_or_else(|| {
        Gap::new(format!(
            "{} was cut when it was collected, or not everything was seen: {length} entries are not known to be all",
            leaf.reference
        ))
    })
}

/// The answer for `length` entries, of which a cut list has at least so many.
fn established(count: &Count, length: u64, cut: bool) -> Option<bool> {
    let (decided, holds) = match (count.equals, count.at_least, count.at_most) {
        (Some(n), _, _) => (length > n, length == n),
        (_, Some(n), _) => (length >= n, length >= n),
        (_, _, Some(n)) => (length > n, length <= n),
        _ => return None,
    };
    (decided || !cut).then_some(holds)
}

fn check(condition: &Condition) -> Result<(), String> {
    let Some(count) = &condition.count else { return Ok(()) };
    let bounds = [count.equals, count.at_least, count.at_most];
    if bounds.iter().flatten().count() == 1 {
        return Ok(());
    }
    Err("`count` takes exactly one of `equals`, `at_least`, `at_most`".to_owned())
}
