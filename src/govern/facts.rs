//! Facts that were collected before and after, compared. What one of the two could not see leaves
//! the number of differences open.

use std::collections::BTreeMap;

use crate::model::diff::{self, Change};
use crate::model::fact::{Absence, Fact, Reason};
use crate::model::value::{Map, Value};

/// Characters of a value in the list of differences; the facts have it whole.
const LONG: usize = 200;

/// A step's two facts.
pub(super) struct Pair<'a> {
    pub(super) before: &'a Fact,
    pub(super) after: &'a Fact,
}

/// What comparing found.
#[derive(Default)]
pub(super) struct Compared {
    /// `ID: { with, differences }`.
    pub(super) counts: Map,
    /// By the id: why the number is not known.
    pub(super) open: BTreeMap<String, Absence>,
    /// Every difference.
    pub(super) differences: Vec<Value>,
}

pub(super) fn compare(pairs: &[Pair<'_>]) -> Compared {
    let mut found = Compared::default();
    for pair in pairs {
        let changes = diff::facts(pair.before, pair.after);
        let mut count = Map::from([("with".to_owned(), pair.after.id.as_str().into())]);
        match unseen(pair.before).or_else(|| unseen(pair.after)) {
            Some(absence) => drop(found.open.insert(pair.before.id.clone(), absence)),
            None => drop(count.insert("differences".to_owned(), changes.len().into())),
        }
        found.counts.insert(pair.before.id.clone(), Value::Map(count));
        found.differences.extend(changes.iter().map(|change| told(&pair.before.id, change)));
    }
    found
}

/// What of `fact` may be there and was not seen.
fn unseen(fact: &Fact) -> Option<Absence> {
    let (path, why) = match &fact.absence {
        // Established not to be there is something seen.
        Some(why) if why.reason == Reason::NotFound => return None,
        Some(why) => ("", why),
        None => fact.missing.iter().find(|(_, why)| why.reason.hides()).map(|(path, why)| (path.as_str(), why))?,
    };
    let dot = if path.is_empty() { "" } else { "." };
    let message =
        format!("{}{dot}{path} was not seen ({}), so nothing is known to be equal", fact.id, why.reason.word());
    Some(Absence { message, reason: Reason::Unavailable, settle: why.settle.clone() })
}

fn told(id: &str, change: &Change) -> Value {
    let short = |text: String| match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    Value::Map(Map::from([
        ("fact".to_owned(), id.into()),
        ("path".to_owned(), change.path.as_str().into()),
        ("before".to_owned(), short(change.before.words()).into()),
        ("after".to_owned(), short(change.after.words()).into()),
    ]))
}
