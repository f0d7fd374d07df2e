//! Rows of a query as typed values. Figures keep every digit: what a JSON number cannot carry
//! exactly becomes text. A NULL is no value: it is left out and counted.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::value::{Map, Value};

/// One row: its columns in the query's order, NULLs as `None`.
pub(super) struct Row(pub(super) Vec<(String, Option<Value>)>);

/// Reads one row as the server's `row_to_json` wrote it.
///
/// # Errors
/// When it is not such a row, or two columns have one name.
pub(super) fn row(json: &str) -> Result<Row, String> {
    let Ordered(cells) = serde_json::from_str(json).map_err(|_| "a row is not the JSON expected".to_owned())?;
    let mut seen = std::collections::BTreeSet::new();
    if let Some((name, _)) = cells.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        return Err(format!("two columns are called `{name}`: give each its own name with AS"));
    }
    Ok(Row(cells.iter().map(|(name, raw)| (name.clone(), value(raw.get()))).collect()))
}

/// `rows` in the order of these columns, by bytes and not by the server's collation.
pub(super) fn sorted(mut rows: Vec<Map>, by: &[&str]) -> Vec<Map> {
    let text = |row: &Map, key: &str| row.get(key).and_then(Value::as_text).unwrap_or_default().to_owned();
    rows.sort_by_cached_key(|row| by.iter().map(|key| text(row, key)).collect::<Vec<_>>());
    rows
}

/// The value of `json`, `None` for null.
fn value(json: &str) -> Option<Value> {
    match json.bytes().next()? {
        b'{' => {
            let map: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).ok()?;
            let map: Map = map.into_iter().filter_map(|(key, raw)| Some((key, value(raw.get())?))).collect();
            Some(Value::Map(map))
        }
        b'[' => {
            let list: Vec<Box<RawValue>> = serde_json::from_str(json).ok()?;
            Some(Value::List(list.iter().filter_map(|raw| value(raw.get())).collect()))
        }
        b'-' | b'0'..=b'9' => Some(number(json)),
        _ => Value::from_json(serde_json::from_str(json).ok()?),
    }
}

fn number(digits: &str) -> Value {
    if let Ok(whole) = digits.parse::<i128>() {
        return Value::int(whole);
    }
    let real = digits.parse().ok().and_then(Value::real);
    match real {
        Some(Value::Real(real)) if exact(digits, real) => Value::Real(real),
        _ => Value::Text(digits.to_owned()),
    }
}

/// Whether the number prints again with the digits that it had, but for zeros at the end.
fn exact(digits: &str, real: f64) -> bool {
    let bare = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    digits.contains('.') && bare(digits) == bare(&format!("{real}")) && real.fract() != 0.0
}

struct Ordered(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Ordered, A::Error> {
        let mut cells = Vec::new();
        while let Some((name, raw)) = access.next_entry::<String, Box<RawValue>>()? {
            // The masker and the judge split paths at dots; an empty name could not be cited.
            if name.is_empty() {
                return Err(de::Error::custom("a column without a name"));
            }
            cells.push((name, raw));
        }
        Ok(Ordered(cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_types_and_digits_are_kept() {
        let Row(cells) = row(r#"{"b":1,"a":null,"big":7611578671664259111,"n":0.10,"exact":12345678901234567890.12,
            "j":{"x": [1,null,"é"]},"t":true,"e":1e400,"w":3.00}"#)
        .unwrap();
        let names: Vec<_> = cells.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "big", "n", "exact", "j", "t", "e", "w"]);
        let get = |name: &str| cells.iter().find(|(n, _)| n == name).unwrap().1.clone();
        assert_eq!(get("b"), Some(Value::Int(1)));
        assert_eq!(get("a"), None);
        assert_eq!(get("big"), Some("7611578671664259111".into()));
        assert_eq!(get("n"), Some(Value::Real(0.1)));
        assert_eq!(get("exact"), Some("12345678901234567890.12".into()));
        assert_eq!(get("j").unwrap().at("x.1"), Some(&"é".into()));
        assert_eq!(get("e"), Some("1e400".into()));
        assert_eq!(get("w"), Some("3.00".into()));
    }

    #[test]
    fn two_columns_of_one_name_are_an_error() {
        assert!(row(r#"{"a":1,"a":2}"#).err().unwrap().contains("`a`"));
        assert!(row("[1]").is_err());
    }
}
