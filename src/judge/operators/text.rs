//! Texts and what is in them; lists and what is in them.

use regex::{Regex, RegexBuilder};

use crate::model::value::Value;

use super::super::sight::Gap;
use super::super::truth::Truth;
use super::super::unit::Unit;
use super::super::words;
use super::sameness::{known, same};
use super::{Leaf, Operator, Rule, no_operand};

/// A compiled pattern larger than this is a mistake.
const SIZE_LIMIT: usize = 1 << 20;

/// `contains`.
pub(super) static CONTAINS: Operator = Operator {
    name: "contains",
    doc: "The text contains this text, or the list this value.",
    detail: "In a text, letter by letter, upper and lower case differ. In a list, as `equals` with any of its entries; \
        not finding it in a list that was cut when it was collected is UNKNOWN. UNKNOWN for other types.",
    example: "{ fact: cron.patterns.entry.first.text, contains: /usr/local/bin/pg-backup.sh }",
    check: |c| match &c.contains {
        Some(Value::Text(text)) if text.is_empty() => Err("every text contains the empty text".to_owned()),
        _ => Ok(()),
    },
    rule: Rule::Value {
        expected: |leaf| {
            let part = leaf.condition.contains.as_ref();
            format!("contains {}", part.map_or_else(String::new, |v| words::show(v, Unit::Bare)))
        },
        holds: contains,
    },
};

/// `matches`.
pub(super) static MATCHES: Operator = Operator {
    name: "matches",
    doc: "The text matches this regular expression.",
    detail: "Anywhere in the text unless anchored with `^` and `$`; the syntax is that of the Rust crate `regex`, \
        which has no look-around and no back-references. UNKNOWN when the value is not a text.",
    example: "{ fact: fresh.sql.server_version, matches: '^15\\.' }",
    check: |c| c.matches.as_deref().map_or(Ok(()), |pattern| compile(pattern).map(drop)),
    rule: Rule::Value {
        expected: |leaf| format!("matches `{}`", leaf.condition.matches.as_deref().unwrap_or("")),
        holds: |leaf, value| {
            let text = value.as_text().ok_or_else(|| leaf.wrong_kind(value, "texts"))?;
            let pattern = leaf.condition.matches.as_deref().ok_or_else(no_operand)?;
            Ok(compile(pattern).map_err(Gap::new)?.is_match(text))
        },
    },
};

pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build();
    // The crate's own message draws the pattern over several lines; its last line has the reason.
    regex.map_err(|error| {
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or("").trim_start_matches("error: ");
        format!("`{pattern}` is not a regular expression: {reason}")
    })
}

fn contains(leaf: &Leaf<'_>, value: &Value) -> Result<bool, Gap> {
    let part = leaf.condition.contains.as_ref().ok_or_else(no_operand)?;
    match (value, part) {
        (Value::Text(text), Value::Text(part)) => Ok(text.contains(part.as_str())),
        (Value::List(list), part) => in_list(leaf, list, part),
        _ => Err(leaf.wrong_kind(value, "texts with a text, and lists with a value")),
    }
}

fn in_list(leaf: &Leaf<'_>, list: &[Value], part: &Value) -> Result<bool, Gap> {
    let found = list.iter().map(|entry| same(entry, part)).fold(Truth::False, Truth::or);
    if found == Truth::False && leaf.sight.is_cut(leaf.reference, list.len()) {
        return Err(Gap::new(format!("{} was cut when it was collected", leaf.reference)));
    }
    known(found).ok_or_else(|| Gap::new(format!("{} has entries that are no {}", leaf.reference, part.kind())))
}
