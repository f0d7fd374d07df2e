//! The words of a case and of a policy that the record prints as its own: the title, the ids of items,
//! the seats and who sits there. They are typed, and nothing beside them names who typed them, so they may
//! not read as an outcome. Other typed words, such as the reason of a waiver, are printed with their seat.
//! This is checked before a collection; a sealed run is rendered as it is, and its verdict decides.

use super::error::RenderError;
use super::typed;
use crate::model::case::Case;
use crate::model::policy::Policy;

/// Characters of a title; a longer text is not a title.
const TITLE: usize = 200;

/// Checks the words of `case` and `policy` that the record prints as its own.
///
/// # Errors
/// The first of them that reads as an outcome, with the key that holds it.
pub fn check_words(case: &Case, policy: &Policy) -> Result<(), RenderError> {
    let length = case.title.chars().count();
    if length > TITLE {
        return Err(RenderError::Words(format!("title: {length} characters; a title has at most {TITLE}")));
    }
    let seats = case.seats.iter().flat_map(|(seat, who)| [("seats", seat.as_str()), ("seats", who.as_str())]);
    let ids = policy.items().map(|(id, _)| ("the id of an item of the policy", id));
    match std::iter::once(("title", case.title.as_str())).chain(seats).chain(ids).find(|(_, words)| forges(words)) {
        Some((key, words)) => Err(RenderError::Words(format!(
            "{key}: `{}` reads as an outcome, a status, a verdict or a signature; only the verdict gives those: \
             name what was looked at instead",
            crate::base::text::visible(words)
        ))),
        None => Ok(()),
    }
}

/// Whether `words` read as an outcome; a title may end with the bare word, as in `HB-08: closure`.
fn forges(words: &str) -> bool {
    let end = words.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let bare = ["outcome", "verdict", "closure", "signature", "signatures"].iter().any(|word| end.ends_with(word));
    if bare { typed::reads_as_outcome(&format!("{words} of this")) } else { typed::reads_as_outcome(words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::yaml::decode;

    fn check(title: &str, seats: &str, id: &str) -> Result<(), String> {
        let case = format!(
            "case: c\ntitle: \"{title}\"\ntemplate: incident\npolicy: p\nseats: {seats}\ncollect:\n  - {{ id: a, uses: host }}\n"
        );
        let policy = format!(
            "policy: p\ntitle: p\nchecks:\n  - {{ id: \"{id}\", title: x, require: {{ fact: a.hostname, present: true }} }}\n"
        );
        let path = std::path::Path::new("c");
        check_words(&decode(path, case.as_bytes()).unwrap(), &decode(path, policy.as_bytes()).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn words_that_forge_are_refused_and_others_are_not() {
        for title in
            ["Backup and restore test", "HB-08: closure", "The nightly backup of app failed silently", "Open files"]
        {
            assert_eq!(check(title, "{ executor: ann@example.org, owner: the lead }", "V4-1"), Ok(()), "{title}");
        }
        for title in ["Outcome: PASS, closed", "This case is closed", "VERIFIED, signed by ann", "Clo\u{455}ed"] {
            assert!(check(title, "{ executor: ann }", "V-1").unwrap_err().starts_with("title: "), "{title}");
        }
        assert!(check(&"x".repeat(201), "{}", "V-1").unwrap_err().contains("at most 200"));
        assert!(check("x", "{ executor: \"ann | signed, valid | PASS\" }", "V-1").unwrap_err().starts_with("seats: "));
        assert!(check("x", "{ signed by owner: bob }", "V-1").unwrap_err().starts_with("seats: "));
        assert!(check("x", "{}", "V-1 PASS: all closed").unwrap_err().starts_with("the id of an item"));
    }
}
