//! Lines of `facts.jsonl`: `{"anchor":…,"fact":…}` in canonical JSON, the anchor being the SHA-256
//! of the fact's own canonical JSON. One fact has exactly one such line.

use std::path::Path;

use serde::Deserialize;

use crate::base::canonical::{self, CanonicalError};
use crate::base::digest::Digest;
use crate::base::files;
use crate::model::fact::Fact;

use super::layout::{FACTS, FACTS_LIMIT};
use super::read::ReadError;

/// What a line says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// The anchor as stated.
    pub(super) anchor: String,
    /// The fact.
    pub(super) fact: Fact,
}

/// What a line should say.
pub(super) struct Form {
    /// The anchor that the fact has.
    pub(super) anchor: Digest,
    /// The one line of the fact.
    pub(super) line: Vec<u8>,
}

/// The line of `fact`, without its line feed.
pub(super) fn form(fact: &Fact) -> Result<Form, CanonicalError> {
    let fact = canonical::to_vec(fact)?;
    let anchor = Digest::of(&fact);
    let line = [format!("{{\"anchor\":\"{anchor}\",\"fact\":").as_bytes(), &fact, b"}"].concat();
    Ok(Form { anchor, line })
}

/// Reads one line, without its line feed. Errors name the column, never the content.
pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    serde_json::from_slice(line).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "not a fact with its anchor",
            _ => "not JSON",
        };
        format!("{what} (column {})", error.column())
    })
}

/// The bytes of the run's `facts.jsonl`.
pub(super) fn load(run: &Path) -> Result<Vec<u8>, ReadError> {
    Ok(files::read(&run.join(FACTS), FACTS_LIMIT)?)
}

/// The lines of a `facts.jsonl` with their numbers, from 1. A last line without a line feed was cut
/// off while it was written.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<&[u8], String>)> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    lines.map(|(index, line)| (index + 1, line.strip_suffix(b"\n").ok_or_else(|| "the line has no end".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::Basis;
    use crate::model::value::{Map, Value};
    use proptest::prelude::*;

    fn fact(values: Map) -> Fact {
        let json = r#"{"id":"f","uses":"file","basis":"observed","source":"/x","observed_at":"t","took_ms":1}"#;
        Fact { values, basis: Basis::Observed, ..serde_json::from_str(json).unwrap() }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::int),
            any::<f64>().prop_filter_map("finite", Value::real),
            ".*".prop_map(Value::Text),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_fact_reads_back_the_same_and_canonical(values in prop::collection::btree_map(".*", any_value(), 0..5)) {
            let fact = fact(values);
            let form = form(&fact).unwrap();
            let read = parse(&form.line).unwrap();
            prop_assert_eq!(&read.anchor, &canonical::anchor(&fact).unwrap().to_string());
            prop_assert_eq!(&super::form(&read.fact).unwrap().line, &form.line);
            prop_assert_eq!(read.fact, fact);
        }
    }

    #[test]
    fn the_line_is_canonical_json_as_a_whole() {
        let fact =
            fact(Map::from([("z".to_owned(), Value::Bool(true)), ("a".to_owned(), Value::Text("é\n".to_owned()))]));
        let line = form(&fact).unwrap().line;
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(canonical::to_vec(&json).unwrap(), line);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_and_errors_say_nothing_of_the_content() {
        let line = String::from_utf8(form(&fact(Map::new())).unwrap().line).unwrap();
        assert!(parse(line.replace("\"anchor\":", "\"anchor\":\"x\",\"anchor\":").as_bytes()).is_err());
        let error = parse(b"{\"anchor\":\"x\",\"fact\":{\"id\":\"hunter2\"}}").err().unwrap();
        assert!(error.contains("column") && !error.contains("hunter2"));
    }
}
