//! Typed JSON without null: what is missing is an absence with a reason, never a value. Integers
//! that JSON numbers cannot carry exactly (beyond 2^53 − 1) are text, so that every reader of a
//! bundle sees the same figure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A map of values, sorted by key.
pub type Map = BTreeMap<String, Value>;

/// The largest integer that a JSON number carries exactly.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// One typed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number of at most [`MAX_INTEGER`] in size.
    Int(i64),
    /// A finite number with a fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Value>),
    /// Named values.
    Map(Map),
}

impl Value {
    /// `number` as a JSON number if it is exact there, as text otherwise.
    #[must_use]
    pub fn int(number: impl Into<i128>) -> Self {
        let number = number.into();
        match i64::try_from(number) {
            Ok(n) if n.abs() <= MAX_INTEGER => Self::Int(n),
            _ => Self::Text(number.to_string()),
        }
    }

    /// `number` if it is finite; a whole one is an `Int`, since RFC 8785 prints 3.0 as 3 and a
    /// bundle that is read back must hold the very same value. For the same reason a whole number
    /// that prints as more digits than a JSON number carries exactly is text.
    #[must_use]
    pub fn real(number: f64) -> Option<Self> {
        if number.fract() == 0.0 && number.abs() <= MAX_INTEGER as f64 {
            #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
            return Some(Self::Int(number as i64));
        }
        // From here on RFC 8785 prints an exponent, which reads back as it was.
        const EXPONENT: f64 = 1e21;
        if number.fract() == 0.0 && number.abs() < EXPONENT {
            return Some(Self::Text(format!("{number}")));
        }
        number.is_finite().then_some(Self::Real(number))
    }

    /// The type's name as messages use it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Real(_) => "number",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// What stands at `path` (`gzip.valid`, `members.0.size`) below this value. A key that itself
    /// contains dots is found too.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        match self {
            Self::Map(map) => lookup(map, path),
            Self::List(list) => {
                let (index, rest) = path.split_once('.').unwrap_or((path, ""));
                list.get(index.parse::<usize>().ok()?)?.at(rest)
            }
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Any plain data that serialises to JSON, without its nulls.
    ///
    /// # Errors
    /// When it does not serialise to JSON.
    pub fn from_data<T: Serialize>(data: &T) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_value(data)?;
        Self::from_json(json).ok_or_else(|| de::Error::custom("a value is null or not finite"))
    }

    /// The value of `json`; nulls inside maps and lists are left out, `None` for a bare null.
    #[must_use]
    pub fn from_json(json: serde_json::Value) -> Option<Self> {
        use serde_json::Value as Json;
        Some(match json {
            Json::Null => return None,
            Json::Bool(b) => Self::Bool(b),
            Json::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => Self::int(i),
                (_, Some(u)) => Self::int(u),
                _ => Self::real(n.as_f64()?)?,
            },
            Json::String(text) => Self::Text(text),
            Json::Array(list) => Self::List(list.into_iter().filter_map(Self::from_json).collect()),
            Json::Object(map) => {
                Self::Map(map.into_iter().filter_map(|(k, v)| Some((k, Self::from_json(v)?))).collect())
            }
        })
    }
}

/// What stands at `path` in `map`; the longest key that fits is taken first.
#[must_use]
pub fn lookup<'a>(map: &'a Map, path: &str) -> Option<&'a Value> {
    if let Some(value) = map.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| map.get(&path[..dot])?.at(&path[dot + 1..]))
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(value: Cow<'_, str>) -> Self {
        Self::Text(value.into_owned())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::int(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::int(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::int(value as u64)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(value: Vec<T>) -> Self {
        Self::List(value.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Real(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
            Self::List(list) => {
                f.write_str("[")?;
                for (i, value) in list.iter().enumerate() {
                    write!(f, "{}{value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Real(n) => serializer.serialize_f64(*n),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => list.serialize(serializer),
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean, number, text, list or map")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::int(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Value::real(value).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Err(E::custom("null is not a value: leave the key out, or write the value"))
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        unique_map(access).map(Value::Map)
    }
}

/// Reads a map and refuses a key that stands twice (the YAML reader itself would take the last).
fn unique_map<'de, A: MapAccess<'de>, V: Deserialize<'de>>(mut access: A) -> Result<BTreeMap<String, V>, A::Error> {
    let mut map = BTreeMap::new();
    while let Some((key, value)) = access.next_entry::<String, V>()? {
        if map.contains_key(&key) {
            return Err(de::Error::custom(format!("duplicate key `{key}`")));
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// For `#[serde(deserialize_with)]` on maps of people's files: refuses duplicate keys.
///
/// # Errors
/// When a key stands twice or a value is not a `V`.
pub fn unique<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    struct Unique<V>(std::marker::PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
            unique_map(access)
        }
    }
    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A boolean, number, text, list or map; never null.",
            "type": ["boolean", "number", "string", "array", "object"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn null_and_duplicates_are_refused() {
        assert!(serde_json::from_str::<Value>("null").is_err());
        assert!(serde_json::from_str::<Value>(r#"{"a":1,"a":2}"#).is_err());
    }

    #[test]
    fn integers_that_json_cannot_carry_are_text() {
        assert_eq!(Value::int(7_611_578_671_664_259_111_u64), Value::Text("7611578671664259111".into()));
        assert_eq!(Value::int(MAX_INTEGER), Value::Int(MAX_INTEGER));
        assert_eq!(value("3.0"), Value::Int(3));
        assert_eq!(Value::real(3.0), Some(Value::Int(3)));
        assert_eq!(Value::real(f64::NAN), None);
    }

    #[test]
    fn paths_reach_through_maps_lists_and_dotted_keys() {
        let v = value(r#"{"a":{"b.c":[10,{"d":true}]},"x.y":1}"#);
        assert_eq!(v.at("a.b.c.1.d"), Some(&Value::Bool(true)));
        assert_eq!(v.at("x.y"), Some(&Value::Int(1)));
        assert_eq!(v.at("a.z"), None);
    }

    #[test]
    fn survives_a_round_trip() {
        let v = value(r#"{"a":[1,2.5,"x",{"k":false}]}"#);
        assert_eq!(serde_json::from_str::<Value>(&serde_json::to_string(&v).unwrap()).unwrap(), v);
    }
}
