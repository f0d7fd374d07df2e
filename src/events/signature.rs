//! What makes two failures of different logs look alike: their words, without what differs from one
//! occasion to the next. Alike is a candidate for a common cause, never more.

/// Words that introduce what failed; what stands before them names who says it.
const MARKERS: [&str; 5] = ["error:", "fatal:", "panic:", "critical:", "failed:"];

/// The signature of a failing message; nothing when its words are too few to mean anything.
pub(super) fn signature(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let from = MARKERS.iter().filter_map(|marker| lower.rfind(marker).map(|at| at + marker.len())).max();
    let tail = from.map(|from| lower[from..].trim()).filter(|tail| tail.split_whitespace().count() >= 3);
    let text = tail.unwrap_or(&lower);
    let words: Vec<String> = text.split_whitespace().map(plain).filter(|word| !word.is_empty()).take(24).collect();
    let letters: usize = words.iter().map(|word| word.chars().filter(|c| c.is_alphabetic()).count()).sum();
    (words.len() >= 3 && letters >= 12).then(|| words.join(" "))
}

/// A word without its figures.
fn plain(word: &str) -> String {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_' && c != '/');
    let hex =
        word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit()) && word.bytes().any(|b| b.is_ascii_digit());
    if hex {
        return "#".to_owned();
    }
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_has_the_same_signature_whoever_says_it() {
        let first = signature("pg_dump: error: query failed: ERROR:  permission denied for schema sandbox_tac");
        let second = signature("[1/5] dump: ERROR: permission denied for schema sandbox_tac (attempt 2)");
        assert_eq!(first.as_deref(), Some("permission denied for schema sandbox_tac"));
        assert_ne!(first, second);
        assert_eq!(first, signature("ERROR:  permission denied for schema \"sandbox_tac\""));
        assert_eq!(
            signature("write to 203.0.113.9:22 failed after 12s"),
            signature("write to 203.0.113.77:2022 failed after 3s")
        );
    }

    #[test]
    fn few_words_are_no_signature() {
        assert_eq!(signature("failed"), None);
        assert_eq!(signature("ERROR: 17 12"), None);
    }
}
