//! Lines of `facts.jsonl`: `{"anchor":…,"fact":…}` in canonical JSON, the anchor being the SHA-256
//! of the fact's own canonical JSON. One fact has exactly one such line.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::canonical;
use crate::base::digest::Digest;
use crate::base::files;
use crate::model::fact::Fact;

use super::layout::{FACTS, FACTS_LIMIT};
use super::read::ReadError;

#[derive(Serialize)]
struct Outgoing<'a> {
    anchor: Digest,
    fact: &'a Fact,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    anchor: String,
    fact: Fact,
}

/// A line of `facts.jsonl` that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct FactLine {
    /// The line's number, from 1.
    pub number: usize,
    /// The anchor as the line states it.
    pub anchor: String,
    /// The fact.
    pub fact: Fact,
    /// The anchor as it must be.
    pub computed: String,
    /// Whether the line is the canonical JSON of what it says, byte for byte.
    pub canonical: bool,
}

/// The line of `fact`, without its line feed.
pub(super) fn encode(fact: &Fact) -> Result<Vec<u8>, canonical::CanonicalError> {
    let anchor = canonical::anchor(fact)?;
    canonical::to_vec(&Outgoing { anchor, fact })
}

/// Reads one line, without its line feed. Errors name the column, never the content.
pub(super) fn decode(number: usize, line: &[u8]) -> Result<FactLine, String> {
    let read: Incoming = serde_json::from_slice(line).map_err(|e| refusal(&e))?;
    let computed = canonical::anchor(&read.fact).map_err(|_| "the fact has no canonical form".to_owned())?;
    let again = canonical::to_vec(&read).map_err(|_| "the line has no canonical form".to_owned())?;
    let canonical = again == line;
    Ok(FactLine { number, anchor: read.anchor, fact: read.fact, computed: computed.to_string(), canonical })
}

fn refusal(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "not a fact with its anchor",
        _ => "not JSON",
    };
    format!("{what} (column {})", error.column())
}

/// A fact's line, or the number of the line that could not be read, and why.
pub type Line = Result<FactLine, (usize, String)>;

/// Every line of the run's `facts.jsonl`, in order: the fact, or the line's number and why it
/// cannot be read. A last line without a line feed is one that cannot be read.
///
/// # Errors
/// When the file as a whole cannot be read.
pub fn fact_lines(run: &Path) -> Result<Vec<Line>, ReadError> {
    let bytes = files::read(&run.join(FACTS), FACTS_LIMIT)?;
    let lines = bytes.split_inclusive(|b| *b == b'\n').enumerate().map(|(index, line)| {
        let whole = line.strip_suffix(b"\n").ok_or_else(|| "the line has no end".to_owned());
        whole.and_then(|line| decode(index + 1, line)).map_err(|why| (index + 1, why))
    });
    Ok(lines.collect())
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
            let read = decode(1, &encode(&fact).unwrap()).unwrap();
            prop_assert!(read.canonical);
            prop_assert_eq!(&read.anchor, &read.computed);
            prop_assert_eq!(read.fact, fact);
        }
    }

    #[test]
    fn another_spelling_of_the_same_fact_is_not_canonical() {
        let line = String::from_utf8(encode(&fact(Map::new())).unwrap()).unwrap();
        let spaced = line.replace("\"took_ms\":1", "\"took_ms\": 1");
        let twice = line.replace("\"anchor\":", "\"anchor\":\"x\",\"anchor\":");
        assert!(!decode(1, spaced.as_bytes()).unwrap().canonical);
        assert!(decode(1, twice.as_bytes()).is_err());
        let error = decode(1, b"{\"anchor\":\"x\",\"fact\":{\"id\":\"hunter2\"}}").unwrap_err();
        assert!(error.contains("column") && !error.contains("hunter2"));
    }
}
