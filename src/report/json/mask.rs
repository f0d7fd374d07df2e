//! Masks every text of a document that the house's types do not reach.

use serde_json::Value;

use crate::hygiene;

/// `value` with every text and every key masked.
pub(super) fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(hygiene::mask_str(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(masked).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (hygiene::mask_str(&key), masked(value))).collect())
        }
        plain => plain,
    }
}
