//! What must hold of every text, tried on mixtures of all rules' examples: no window of a secret
//! survives masking, masking twice changes nothing, a masked text is clean, places are right in every
//! writing of characters, and neither pieces nor threads show.

use proptest::prelude::*;

use super::engine::BUILT_IN;
use super::label::Labeller;
use super::rule::Confidence;
use super::ruleset::Ruleset;
use super::sample::expand;
use super::scanner::{Limits, Scanner};

fn rules() -> &'static Ruleset {
    static RULES: std::sync::LazyLock<Ruleset> = std::sync::LazyLock::new(|| Ruleset::load(&[], &[], &[]).unwrap());
    &RULES
}

/// A text of some rules' examples with words between them, and the secrets in it.
fn mixture(picks: &[(usize, u64)], between: &str, feed: &str) -> (String, Vec<String>) {
    let rules = BUILT_IN.as_ref().unwrap().rules();
    let (mut text, mut secrets) = (String::new(), Vec::new());
    for (pick, seed) in picks {
        let rule = &rules[pick % rules.len()];
        let (line, inside) = expand(&rule.examples[*seed as usize % rule.examples.len()], seed + 3).unwrap();
        text.push_str(&format!("---\n{line}\n{between}\n"));
        secrets.extend(inside);
    }
    (text.replace('\n', feed), secrets)
}

fn limits(piece: usize, threads: usize) -> Limits {
    Limits { min_confidence: Confidence::Low, piece, threads, ..Limits::default() }
}

fn masked(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Labeller::new(rules(), false).copy(text, &mut out).unwrap();
    out
}

fn has_window(masked: &str, secret: &str) -> bool {
    let width = secret.len().min(6);
    secret.is_ascii() && width == 6 && (0..=secret.len() - width).any(|i| masked.contains(&secret[i..i + width]))
}

/// Few cases, for a quick run; `PROPTEST_CASES=5000` asks for more.
fn config() -> ProptestConfig {
    let set = ProptestConfig::default();
    ProptestConfig { cases: if set.cases == 256 { 60 } else { set.cases }, ..set }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_of_a_secret_survives_and_the_rest_is_clean(
        picks in proptest::collection::vec((any::<usize>(), 0_u64..1 << 40), 1..5),
        between in "[a-z é]{0,30}",
        crlf in any::<bool>(),
    ) {
        let (text, secrets) = mixture(&picks, &between, if crlf { "\r\n" } else { "\n" });
        let once = masked(text.as_bytes());
        let shown = String::from_utf8(once.clone()).unwrap();
        for secret in &secrets {
            prop_assert!(!has_window(&shown, secret), "{} of\n{}\n→\n{}", secret, text, shown);
        }
        prop_assert_eq!(masked(&once), once.clone(), "masked twice:\n{}", shown);
        let seen = Scanner::new(rules(), limits(4 << 20, 1)).text(&once);
        prop_assert!(seen.hits.is_empty(), "{} in\n{}", seen.hits[0].rule, shown);
        prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn places_are_right_in_every_writing(
        picks in proptest::collection::vec((any::<usize>(), 0_u64..1 << 40), 1..4),
        between in "[a-z é€]{0,20}",
        crlf in any::<bool>(),
    ) {
        let (text, _) = mixture(&picks, &between, if crlf { "\r\n" } else { "\n" });
        let scanner = Scanner::new(rules(), limits(4 << 20, 1));
        for hit in scanner.text(text.as_bytes()).hits {
            let at = hit.offset as usize;
            let before = &text.as_bytes()[..at];
            let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
            let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
            let column = String::from_utf8_lossy(&before[start..]).chars().count() as u64 + 1;
            prop_assert_eq!((hit.line, hit.column), (line, column), "{}", hit.rule);
            prop_assert_eq!(&text.as_bytes()[at..at + hit.length as usize], &hit.secret.peek()[..]);
        }
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let feeds: Vec<usize> = wide.chunks_exact(2).enumerate().filter(|(_, p)| *p == b"\n\0").map(|(i, _)| i).collect();
        for hit in scanner.text(&wide).hits {
            let unit = hit.offset as usize / 2;
            prop_assert_eq!(hit.offset % 2 + hit.length % 2, 0);
            prop_assert_eq!(hit.line, feeds.iter().filter(|at| **at < unit).count() as u64 + 1, "{}", hit.rule);
        }
    }

    #[test]
    fn neither_pieces_nor_threads_show(
        picks in proptest::collection::vec((any::<usize>(), 0_u64..1 << 40), 1..6),
        between in "[a-z ]{0,60}",
        repeat in 1_usize..400,
        piece in 5_000_usize..40_000,
        threads in 1_usize..4,
    ) {
        use std::io::{Seek as _, Write as _};
        let (text, _) = mixture(&picks, &between.repeat(repeat), "\n");
        let places = |seen: super::scanner::Seen| {
            seen.hits.iter().map(|h| (h.rule.clone(), h.offset, h.length, h.line, h.column)).collect::<Vec<_>>()
        };
        let whole = places(Scanner::new(rules(), limits(4 << 20, 1)).text(text.as_bytes()));
        let scanner = Scanner::new(rules(), limits(piece, threads));
        prop_assert_eq!(&places(scanner.stream(text.as_bytes()).unwrap()), &whole);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        prop_assert_eq!(&places(scanner.file(&file, &mut Vec::new()).unwrap()), &whole);
    }

    #[test]
    fn any_bytes_any_rules_and_any_archive_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0_usize..5) {
        let head: &[u8] = [&b""[..], b"\x1f\x8b\x08", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\xff\xfe"][kind];
        let text = [head, &bytes].concat();
        super::fuzz::engine(&text);
        super::fuzz::rules(&text);
        super::fuzz::archive(&text);
    }
}
