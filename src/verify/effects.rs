//! Level 3a, of a governed run only: what `side_effects` says of the facts of both phases is what comparing
//! those facts gives. What the watched folders and logs had before is not in a bundle and not repeated.

use crate::base::text::visible;
use crate::govern;
use crate::model::action::SIDE_EFFECTS;
use crate::model::bundle::Bundle;
use crate::model::fact::Fact;
use crate::model::value::Value;
use crate::model::verification::{Level, LevelStatus};

const NAME: &str = "side effects compared again";
/// The values that follow from other facts, with everything below them.
const DERIVED: &[&str] = &["compared", "differences", "differences_cut"];

/// The level, when something was governed.
pub(super) fn level(bundle: &Bundle) -> Option<Level> {
    let facts: Vec<Fact> = bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect();
    let sealed = facts.iter().find(|fact| fact.uses == SIDE_EFFECTS && fact.absence.is_none())?;
    let again = govern::compared(&facts);
    let is_derived = |path: &str| DERIVED.contains(&path.split('.').next().unwrap_or(path));
    let missing =
        |all: &mut dyn Iterator<Item = &String>| all.filter(|path| is_derived(path)).cloned().collect::<Vec<_>>();
    let mut faults: Vec<_> = DERIVED
        .iter()
        .filter(|name| !same(sealed.values.get(**name), again.values.get(**name)))
        .map(|name| format!("data/facts.jsonl: `{}`: `{name}` is not what its facts give", visible(&sealed.id)))
        .collect();
    if missing(&mut sealed.missing.keys()) != missing(&mut again.missing.keys()) {
        faults.push(format!("data/facts.jsonl: `{}`: other values are missing than in its facts", visible(&sealed.id)));
    }
    if faults.is_empty() {
        return Some(super::level(NAME, LevelStatus::Holds, vec!["as sealed".to_owned()]));
    }
    faults.extend(super::other_version(bundle));
    Some(super::level(NAME, LevelStatus::Broken, faults))
}

/// Whether two values are one. What was masked after it was compared says less than what gives it.
fn same(sealed: Option<&Value>, again: Option<&Value>) -> bool {
    match (sealed, again) {
        (Some(Value::Text(sealed)), Some(Value::Text(again))) => stands_for(sealed, again),
        (Some(Value::List(sealed)), Some(Value::List(again))) => {
            sealed.len() == again.len() && sealed.iter().zip(again).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(Value::Map(sealed)), Some(Value::Map(again))) => {
            sealed.keys().eq(again.keys()) && sealed.iter().all(|(key, value)| same(Some(value), again.get(key)))
        }
        (sealed, again) => sealed == again,
    }
}

/// Whether `sealed` is `again` with labels `***rule-id***` in the place of any text: what stands around them
/// is the same. Both may be cut behind as many characters, which differ by what the labels took.
fn stands_for(sealed: &str, again: &str) -> bool {
    let ((sealed, sealed_cut), (again, again_cut)) = (uncut(sealed), uncut(again));
    let Some((first, mut label)) = at_label(sealed) else {
        return sealed == again && sealed_cut == again_cut;
    };
    let Some(mut rest) = again.strip_prefix(first) else { return false };
    while let Some((part, next)) = at_label(label) {
        match rest.split_once(part) {
            Some((_, behind)) => (rest, label) = (behind, next),
            None => return again_cut && ends_in(rest, part),
        }
    }
    rest.ends_with(label) || sealed_cut && rest.contains(label) || again_cut && ends_in(rest, label)
}

/// What stands before the first label of `text` and what stands behind it.
fn at_label(text: &str) -> Option<(&str, &str)> {
    let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.match_indices("***").find_map(|(at, mark)| {
        let (id, behind) = text[at + mark.len()..].split_once(mark)?;
        (!id.is_empty() && id.bytes().all(is_id)).then(|| (&text[..at], behind))
    })
}

fn uncut(text: &str) -> (&str, bool) {
    text.strip_suffix('…').map_or((text, false), |text| (text, true))
}

/// Whether `rest`, cut somewhere, is a label and the beginning of `part`.
fn ends_in(rest: &str, part: &str) -> bool {
    match at_label(rest) {
        Some(("", behind)) => part.starts_with(behind),
        _ => rest.starts_with("***") || "***".starts_with(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stands_for_any_text_and_what_is_around_it_for_itself() {
        let long = "x".repeat(150);
        let cut = |text: String| text.chars().take(200).collect::<String>() + "…";
        for (sealed, again) in [
            ("a", "a"),
            ("***", "***"),
            ("***assigned-secret***", "anything at all"),
            ("url ***push-url*** is up", "url ***assigned-secret*** is up"),
            ("a ***x-1*** b ***y*** c", "a 1 b 2 c"),
            // Of the value as it was, and of the value masked, the first 200 characters.
            (&cut(format!("{long} ***x*** {}", "y".repeat(80))), &cut(format!("{long} ***x*** {}", "y".repeat(90)))),
            (&cut(format!("{long} ***x*** {}", "y".repeat(20))), &format!("{long} ***x*** {}", "y".repeat(30))),
            (&format!("{long} ***x*** {}z", "y".repeat(45)), &cut(format!("{long} ***x*** {}", "y".repeat(45)))),
            (&format!("{long} ***x*** {}", "y".repeat(47)), &cut(format!("{long} ***x*** {}", "y".repeat(47)))),
        ] {
            assert!(stands_for(sealed, again), "{sealed} | {again}");
        }
        for (sealed, again) in [
            ("***", "3"),
            ("a *** b", "a 1 b"),
            ("******", "3"),
            ("***X Y***", "3"),
            ("url ***push-url*** is up", "url ***push-url*** is down"),
            ("url ***push-url*** is up", "uri ***push-url*** is up"),
            ("a ***x*** b ***y*** c", "a 1 2 c"),
            ("***x*** forged…", &cut(long.repeat(2))),
            ("a", "***x***"),
        ] {
            assert!(!stands_for(sealed, again), "{sealed} | {again}");
        }
    }
}
