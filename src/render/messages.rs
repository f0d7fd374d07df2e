//! Messages held against the policy's named exceptions: each message with the name that it goes by, or
//! with the word that nobody named it. Whether that is allowed is not decided here; the policy's check is.

use minijinja::Error;

use super::cite::FactObject;
use super::error::complain;
use super::escape::{inline, prose};
use super::table::{Row, draw};
use crate::model::policy::Exception;
use crate::model::value::{Map, Value};

/// `messages(fact)`: the list `messages` of a fact, classified, and the exceptions with their reasons.
///
/// # Errors
/// When a pattern of the policy is none; the judge has refused it before.
pub(super) fn messages(object: &FactObject, exceptions: &[Exception]) -> Result<String, Error> {
    let ledger = &object.ledger;
    let list = match ledger.fact(object.fact).at("messages") {
        Some(Ok(Value::List(list))) => list,
        _ => return Ok(String::new()),
    };
    let compile = |one: &Exception| {
        regex::Regex::new(&one.pattern)
            .map_err(|_| complain(format!("the exception `{}` has no valid pattern", one.id)))
    };
    let patterns = exceptions.iter().map(compile).collect::<Result<Vec<_>, _>>()?;
    let mut seen = vec![0_i64; exceptions.len()];
    let mut rows = Vec::new();
    for message in list {
        let Value::Map(message) = message else { continue };
        let said = text(message, "text");
        let count = message.get("count").and_then(Value::as_int).unwrap_or(1);
        let fitting: Vec<usize> = (0..patterns.len()).filter(|i| patterns[*i].is_match(said)).collect();
        fitting.iter().for_each(|i| seen[*i] += count);
        let name = match fitting.as_slice() {
            [] => "**unnamed**".to_owned(),
            [one] => inline(&exceptions[*one].id),
            _ => "**ambiguous**".to_owned(),
        };
        let cells = vec![prose(text(message, "severity")), inline(said), count.to_string(), name];
        rows.push(Row { cells, facts: vec![object.fact] });
    }
    let heads = ["Severity", "Message", "Count", "Named exception"].map(str::to_owned);
    let mut out = draw(ledger, &heads, &rows).unwrap_or_default();
    let known = exceptions.iter().zip(&seen).map(|(one, seen)| Row {
        cells: vec![
            inline(&one.id),
            prose(&one.reason),
            inline(&one.pattern),
            one.expected.to_string(),
            seen.to_string(),
        ],
        facts: vec![object.fact],
    });
    let heads = ["Exception of the policy", "Reason", "Pattern", "At most", "Seen"].map(str::to_owned);
    out.push_str(&draw(ledger, &heads, &known.collect::<Vec<_>>()).unwrap_or_default());
    Ok(out)
}

fn text<'a>(message: &'a Map, key: &str) -> &'a str {
    message.get(key).and_then(Value::as_text).unwrap_or_default()
}
