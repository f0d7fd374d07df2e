//! Level 3: the sealed policy over the sealed facts gives the verdict that was sealed.

use crate::base::text::visible;
use crate::judge;
use crate::model::bundle::Bundle;
use crate::model::verdict::{Row, Verdict};
use crate::model::verification::{Level, LevelStatus};
use crate::seal::{Inspection, ReadError};

const NAME: &str = "verdict re-judged";
const PLACE: &str = "data/verdict.json";

pub(super) fn level(bundle: &Bundle) -> Level {
    let again = judge::again(bundle);
    if again == bundle.verdict {
        return super::level(NAME, LevelStatus::Holds, vec![format!("{}, as sealed", again.outcome.word())]);
    }
    super::level(NAME, LevelStatus::Broken, differences(&bundle.verdict, &again))
}

/// The level of a bundle that cannot be read.
pub(super) fn unread(error: &ReadError, inspection: &Inspection) -> Level {
    // A bag that is whole and cannot be read was never sealed like that.
    match super::is_damage(error, inspection) {
        true => super::level(NAME, LevelStatus::Broken, vec![error.to_string()]),
        false => super::because(NAME, error),
    }
}

fn differences(sealed: &Verdict, again: &Verdict) -> Vec<String> {
    let mut found = Vec::new();
    if sealed.policy != again.policy || sealed.as_of != again.as_of {
        found.push(format!("{PLACE}: is of another policy or another instant than the bundle"));
    }
    if sealed.outcome != again.outcome {
        let (sealed, again) = (sealed.outcome.word(), again.outcome.word());
        found.push(format!("{PLACE}: the outcome is sealed as {sealed} and judged as {again}"));
    }
    if sealed.closure != again.closure {
        let word = |verdict: &Verdict| verdict.closure.map_or("none", |closure| closure.word());
        found.push(format!("{PLACE}: the closure is sealed as {} and judged as {}", word(sealed), word(again)));
    }
    let rows = sealed.rows.len().max(again.rows.len());
    found.extend((0..rows).filter_map(|index| row_difference(sealed.rows.get(index), again.rows.get(index))));
    found
}

fn row_difference(sealed: Option<&Row>, again: Option<&Row>) -> Option<String> {
    let what = match (sealed, again) {
        (Some(sealed), Some(again)) if sealed == again => return None,
        (Some(sealed), Some(again)) if sealed.id != again.id => {
            format!("stands where `{}` belongs", visible(&again.id))
        }
        (Some(sealed), Some(again)) if sealed.status != again.status => {
            format!("is sealed as {} and judged as {}", sealed.status.word(), again.status.word())
        }
        (Some(_), Some(_)) => "has another wording than the judgement".to_owned(),
        (Some(_), None) => "is not an item of the policy".to_owned(),
        (None, _) => "is an item of the policy and not in the verdict".to_owned(),
    };
    let id = sealed.or(again).map(|row| row.id.as_str()).unwrap_or_default();
    Some(format!("{PLACE}: `{}` {what}", visible(id)))
}
