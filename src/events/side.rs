//! Named figures of a line: `local sha256=… remote sha256=`, `archive size: 223 MB`. Which name it is,
//! and which side of a comparison.

use std::sync::LazyLock;

use regex::Regex;

/// A named figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// `local`, `remote`, `archive`, …
    pub(super) side: String,
    /// `sha256`, `size`, …
    pub(super) what: String,
    /// As written; empty when nothing stands there.
    pub(super) value: String,
}

/// Sides that are to agree.
const PAIRS: [(&str, &str); 4] =
    [("local", "remote"), ("source", "destination"), ("source", "target"), ("expected", "actual")];
/// Sides that mean one thing in a whole run.
const WHOLE: [&str; 3] = ["archive", "total", "final"];

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let side = "local|remote|source|destination|target|expected|actual|computed|stored|archive|total|final";
    let what = "size|sha-?256(?:sum)?|sha-?1|md5(?:sum)?|check ?sum|bytes|rows|files|count";
    let value =
        r#"[0-9a-fA-F]{32,128}\b|[0-9][0-9.,]*(?: ?(?:[KMGT]i?B|bytes)\b)?|"[^"]*"|'[^']*'|\(?(?:none|empty)\)?|"#;
    Regex::new(&format!(r"(?i)\b(?P<side>{side})[ _-](?P<what>{what})\b ?[:=] ?(?P<value>{value})")).ok()
});

/// The named figures of `text`.
pub(super) fn named(text: &str) -> Vec<Named> {
    let Some(regex) = NAMED.as_ref() else { return Vec::new() };
    let part =
        |found: &regex::Captures<'_>, name: &str| found.name(name).map_or("", |m| m.as_str()).to_ascii_lowercase();
    let all = regex.captures_iter(text).map(|found| {
        let value = found.name("value").map_or("", |m| m.as_str());
        let value = value.trim_matches(['"', '\'', '(', ')', ' ', '.', ',']);
        let nothing = ["none", "empty"].iter().any(|word| value.eq_ignore_ascii_case(word));
        let value = if nothing { "" } else { value };
        let what = part(&found, "what").replace(['-', ' '], "").replace("sum", "").replace("check", "checksum");
        let side = part(&found, "side");
        let side = if side == "computed" {
            "actual".to_owned()
        } else if side == "stored" {
            "expected".to_owned()
        } else {
            side
        };
        Named { side, what, value: value.to_owned() }
    });
    all.collect()
}

/// Whether two figures are two sides of one thing.
pub(super) fn opposite(a: &Named, b: &Named) -> bool {
    let sides = (a.side.as_str(), b.side.as_str());
    a.what == b.what && PAIRS.iter().any(|pair| *pair == sides || *pair == (sides.1, sides.0))
}

/// Whether a figure has one value in a whole run.
pub(super) fn whole(a: &Named, b: &Named) -> bool {
    a.what == b.what && a.side == b.side && WHOLE.contains(&a.side.as_str())
}

/// Whether two figures say something else.
pub(super) fn differ(a: &Named, b: &Named) -> bool {
    if a.value.eq_ignore_ascii_case(&b.value) {
        return a.value.is_empty();
    }
    let (one, other) = (super::amount::sizes(&a.value), super::amount::sizes(&b.value));
    match (&one[..], &other[..]) {
        ([x], [y]) => super::amount::BASES.iter().all(|base| {
            let (x, y) = (x.range(*base), y.range(*base));
            x.1 < y.0 || y.1 < x.0
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_and_an_empty_one_is_absent() {
        let digest = "ab".repeat(32);
        let found = named(&format!("local sha256={digest} remote sha256="));
        assert_eq!(found.len(), 2);
        assert!(opposite(&found[0], &found[1]) && differ(&found[0], &found[1]));
        assert_eq!((found[0].value.as_str(), found[1].value.as_str()), (digest.as_str(), ""));
        let found = named("Local checksum: 'ab12' remote_checksum: (none)");
        assert!(opposite(&found[0], &found[1]), "{found:?}");
    }

    #[test]
    fn rounding_is_no_difference() {
        let found = named("archive size: 223 MB; archive size: 223000001 bytes; archive size: 221 MB");
        assert!(whole(&found[0], &found[1]) && !differ(&found[0], &found[1]));
        assert!(differ(&found[0], &found[2]));
    }
}
