//! Values in words, for the "observed" and "expected" columns: one line, harmless, not endless.

use crate::base::text;
use crate::model::value::Value;

use super::unit::Unit;

/// Longer texts are cut in a column; the record shows facts in full elsewhere.
const LIMIT: usize = 200;

/// `value` in words, a number with its unit.
pub(super) fn show(value: &Value, unit: Unit) -> String {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "values hold at most 2^53 - 1")]
        Value::Int(number) => unit.show(*number as f64),
        Value::Real(number) => unit.show(*number),
        Value::Text(text) => quote_if_odd(text),
        Value::List(list) if list.is_empty() => "an empty list".to_owned(),
        Value::Map(map) if map.is_empty() => "an empty map".to_owned(),
        other => short(&other.to_string()),
    }
}

/// Texts that would be overlooked in a column are quoted.
fn quote_if_odd(text: &str) -> String {
    if text.is_empty() {
        return "\"\" (empty text)".to_owned();
    }
    if text.trim() != text { format!("\"{}\"", short(text)) } else { short(text) }
}

/// One harmless line of at most [`LIMIT`] characters; says how many there were if it was cut.
pub(super) fn short(text: &str) -> String {
    let length = text.chars().count();
    if length <= LIMIT {
        return text::visible(text).into_owned();
    }
    let head: String = text.chars().take(LIMIT).collect();
    format!("{}… ({length} characters)", text::visible(&head))
}

/// The items of a list in words: `a, b or c`.
pub(super) fn either(items: &[String]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overlooked_or_endless() {
        assert_eq!(show(&"".into(), Unit::Bare), "\"\" (empty text)");
        assert_eq!(show(&" x".into(), Unit::Bare), "\" x\"");
        assert_eq!(show(&true.into(), Unit::Bytes), "true");
        assert_eq!(show(&"\u{1b}[2J".into(), Unit::Bare), "\\x1b[2J");
        assert!(show(&"é".repeat(300).into(), Unit::Bare).ends_with("… (300 characters)"));
    }
}
