//! Messages that are known by name and accepted, and nothing else. An exception without a number
//! would let a second, new trouble of the same wording pass for the known one.

use regex::Regex;

use crate::model::policy::{Condition, Exception};
use crate::model::value::{Map, Value};

use super::super::sight::Gap;
use super::text::compile;
use super::{Leaf, Operator, Rule, no_operand};

/// `only_exceptions`.
pub(super) static ONLY_EXCEPTIONS: Operator = Operator {
    name: "only_exceptions",
    doc: "Every message of the list is one of these named exceptions, and none occurs more often than expected.",
    detail: "Compares a list of messages, each with a `text` and, when it stands for several, a `count`. Holds when each \
        message matches the pattern of exactly one of the policy's `exceptions:` named here, and the messages of each \
        exception are at most its `expected` together; an empty list holds, and with no exception named only an empty \
        list does. A message that matches none, or two, fails. UNKNOWN for other types, and when the list was cut as it \
        was collected and nothing in it fails already.",
    example: "{ fact: drill.messages, only_exceptions: [] }",
    check: |_| Ok(()),
    rule: Rule::Value { expected, holds },
};

fn expected(leaf: &Leaf<'_>) -> String {
    let named = leaf.condition.only_exceptions.as_deref().unwrap_or_default();
    if named.is_empty() {
        return "no message".to_owned();
    }
    let known = named.iter().map(|id| match leaf.sight.exception(id) {
        Some(exception) => format!("{id} (at most {})", exception.expected),
        None => id.clone(),
    });
    format!("nothing but {}", known.collect::<Vec<_>>().join(", "))
}

fn holds(leaf: &Leaf<'_>, value: &Value) -> Result<bool, Gap> {
    let Value::List(list) = value else { return Err(leaf.wrong_kind(value, "lists of messages")) };
    let mut known = named(leaf)?;
    for message in list {
        let Some((text, count)) = message_of(message) else {
            return Err(Gap::new(format!("{} has entries that are no messages with a `text`", leaf.reference)));
        };
        let mut fitting = known.iter_mut().filter(|known| known.pattern.is_match(text));
        let (Some(one), None) = (fitting.next(), fitting.next()) else { return Ok(false) };
        one.seen = one.seen.saturating_add(count);
    }
    if known.iter().any(|known| known.seen > known.expected) {
        return Ok(false);
    }
    if leaf.sight.is_cut(leaf.reference, list.len()) {
        return Err(Gap::new(format!("{} was cut when it was collected", leaf.reference)));
    }
    Ok(true)
}

struct Known {
    pattern: Regex,
    expected: u64,
    seen: u64,
}

fn named(leaf: &Leaf<'_>) -> Result<Vec<Known>, Gap> {
    let Condition { only_exceptions: Some(ids), .. } = leaf.condition else { return Err(no_operand()) };
    let known = ids.iter().map(|id| {
        let unknown = || Gap::new(format!("the policy has no exception `{id}`"));
        let Exception { pattern, expected, .. } = leaf.sight.exception(id).ok_or_else(unknown)?;
        Ok(Known { pattern: compile(pattern).map_err(Gap::new)?, expected: *expected, seen: 0 })
    });
    known.collect()
}

/// The text of a message, and how many it stands for.
fn message_of(message: &Value) -> Option<(&str, u64)> {
    let Value::Map(map) = message else { return None };
    let text = map.get("text")?.as_text()?;
    Some((text, count_of(map)?))
}

fn count_of(map: &Map) -> Option<u64> {
    map.get("count").map_or(Some(1), |count| u64::try_from(count.as_int()?).ok())
}
