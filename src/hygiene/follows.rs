//! Reads from a rule's pattern which byte may follow the word that it begins with. The shortest words
//! stand in ordinary text too often; with what must follow they do not.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Any byte may follow.
pub(super) const ANY: u32 = u32::MAX;

/// The bytes that may follow `word` where `pattern` matches, a bit for each by its lowest five bits;
/// all when the pattern does not plainly begin with the word.
pub(super) fn follows(pattern: &Hir, word: &str) -> u32 {
    let mut sets = Vec::new();
    flatten(pattern, &mut sets);
    let is_word =
        |(set, byte): (&[bool; 256], u8)| (0..=255).all(|b: u8| !set[usize::from(b)] || b.eq_ignore_ascii_case(&byte));
    match sets.get(word.len()) {
        Some(next) if sets.iter().zip(word.bytes()).all(is_word) => {
            (0..=255_u8).filter(|b| next[usize::from(*b)]).fold(0, |mask, b| mask | 1 << (b & 31))
        }
        _ => ANY,
    }
}

/// The sets of bytes that a match begins with, one a place, as far as they are plain; `false` when
/// they are no further.
fn flatten(pattern: &Hir, sets: &mut Vec<[bool; 256]>) -> bool {
    let one_of = |bytes: &mut dyn Iterator<Item = u8>| {
        let mut set = [false; 256];
        bytes.for_each(|b| set[usize::from(b)] = true);
        set
    };
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            sets.extend(literal.0.iter().map(|b| one_of(&mut std::iter::once(*b))));
            true
        }
        HirKind::Class(Class::Bytes(class)) => {
            sets.push(one_of(&mut class.iter().flat_map(|range| range.start()..=range.end())));
            true
        }
        HirKind::Capture(group) => flatten(&group.sub, sets),
        HirKind::Concat(parts) => parts.iter().all(|part| flatten(part, sets)),
        HirKind::Repetition(repeated) => {
            if repeated.min > 0 {
                flatten(&repeated.sub, sets);
            }
            false
        }
        HirKind::Class(Class::Unicode(_)) | HirKind::Alternation(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pattern: &str, word: &str) -> u32 {
        follows(&regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap(), word)
    }

    #[test]
    fn what_follows_a_word_is_read_from_the_pattern() {
        let bits = |bytes: &str| bytes.bytes().fold(0, |mask, b| mask | 1 << (b & 31));
        assert_eq!(seen(r"\b(?P<secret>ck_[0-9a-c]{40})", "ck_"), bits("0123456789abc"));
        assert_eq!(seen(r"(?i)\bck_[xy]", "ck_"), bits("xy"));
        assert_eq!(seen(r"ck_live_[0-9a-f]{40}", "ck_"), bits("l"));
        for pattern in [r"ck_[0-9]?x", r"(?:ck_|cs)x", r"[a-z]k_x", r"x?ck_x", r"ck_", r"y ck_x"] {
            assert_eq!(seen(pattern, "ck_"), ANY, "{pattern}");
        }
    }
}
