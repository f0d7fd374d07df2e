//! Every operator: holds, does not hold, wrong type, not seen.

use super::super::condition::evaluate;
use super::super::operators::{OPERATORS, operator};
use super::super::sight::Sight;
use super::super::truth::Truth::{self, False, True, Unknown};
use super::*;

fn facts() -> Vec<Fact> {
    let f = fact(
        "f",
        r#"{ yes: true, word: backup, empty: "", size_bytes: 20, wait_seconds: 90, took_ms: 1500, n: 3, ratio: 0.5,
            names: [a, b], nested: [[1], [2]], none: [], map: { a: 1 }, tables: [a, b], tables_cut: true, odd: [a], odd_total: 4, even: [a], even_total: 1,
            mtime: "2026-05-15T06:00:00+00:00", zone: "2026-05-15T13:30:00+02:00", bare: "2026-05-15 06:00:00",
            mapped: [{ text: "ERROR: role a; CREATE USER MAPPING", count: 2 }], thrice: [{ text: "ERROR: role a; CREATE USER MAPPING", count: 2 }, { text: "ERROR: role b; CREATE USER MAPPING" }],
            other: [{ text: "ERROR: role a; CREATE USER MAPPING" }, { text: "ERROR: disk" }], told: [{ text: deprecated }], told_cut: true,
            secret: "x ***push-token*** y", stars: "a *** b", future: "2026-05-15T12:05:00Z", during: "2026-05-15T12:00:00.500Z", far_bytes: 40, fifty_seven: 57, hundred: 100, digits: "20" }"#,
    );
    let f = missing(missing(f, "lost", Reason::NotFound), "denied", Reason::Denied);
    let same = fact(
        "g",
        r#"{ word: backup, other: else, empty: "", size_bytes: 20, n: 3, list: [a, b], secret: "x ***push-token*** y",
            rows: { cut: true, list: [a] }, hidden: "z ***push-token*** y", stars: "a *** b" }"#,
    );
    vec![f, same, gone("hidden", Reason::TimedOut), gone("nofile", Reason::NotFound)]
}

fn truth(text: &str) -> Truth {
    let exceptions: Vec<Exception> = read(
        "[{ id: mapping, pattern: '^ERROR: role .* CREATE USER MAPPING', reason: the role is not here, expected: 2 },
          { id: role, pattern: 'role', reason: r, expected: 9 }, { id: old, pattern: deprecated, reason: r, expected: 1 }]",
    );
    evaluate(&condition(text), &Sight::new(&facts(), AS_OF).with_exceptions(&exceptions)).truth
}

#[test]
fn each_operator_tells_apart_what_holds_what_does_not_and_what_is_not_known() {
    let table: &[(&str, Truth)] = &[
        ("{ fact: f.yes, equals: true }", True),
        ("{ fact: f.yes, equals: false }", False),
        ("{ fact: f.yes, equals: 'true' }", Unknown),
        ("{ fact: f.n, equals: 3.0 }", True),
        ("{ fact: f.digits, equals: 20 }", Unknown),
        ("{ fact: f.names, equals: [a, b] }", True),
        ("{ fact: f.names, equals: [a, b, c] }", False),
        ("{ fact: f.names, equals: [a, 1] }", Unknown),
        ("{ fact: f.tables, equals: [a, b] }", Unknown),
        ("{ fact: f.odd, equals: [a] }", Unknown),
        ("{ fact: f.even, equals: [a] }", True),
        ("{ fact: f.names, same_as: f.tables }", Unknown),
        ("{ fact: f.map, equals: { a: 2 } }", False),
        ("{ fact: f.lost, equals: true }", Unknown),
        ("{ fact: f.word, not_equals: other }", True),
        ("{ fact: f.word, not_equals: backup }", False),
        ("{ fact: f.word, not_equals: 3 }", Unknown),
        ("{ fact: f.denied, not_equals: x }", Unknown),
        ("{ fact: f.word, one_of: [x, backup] }", True),
        ("{ fact: f.word, one_of: [x, y] }", False),
        ("{ fact: f.n, one_of: ['3'] }", Unknown),
        ("{ fact: hidden.x, one_of: [x] }", Unknown),
        ("{ fact: f.word, same_as: g.word }", True),
        ("{ fact: f.word, same_as: g.other }", False),
        ("{ fact: f.word, same_as: g.n }", Unknown),
        ("{ fact: f.word, same_as: g.nothing }", Unknown),
        ("{ fact: f.empty, same_as: g.empty }", Unknown),
        ("{ fact: f.word, same_as: g.empty }", Unknown),
        ("{ fact: f.names, same_as: g.list }", True),
        ("{ fact: f.secret, same_as: g.secret }", Unknown),
        ("{ fact: f.secret, same_as: g.hidden }", False),
        ("{ fact: f.stars, same_as: g.stars }", True),
        ("{ fact: f.size_bytes, at_least: 20 }", True),
        ("{ fact: f.size_bytes, at_least: 20 B }", True),
        ("{ fact: f.size_bytes, at_least: 1 MB }", False),
        ("{ fact: f.size_bytes, at_least: 1s }", Unknown),
        ("{ fact: f.n, at_least: 1 B }", Unknown),
        ("{ fact: f.word, at_least: 1 }", Unknown),
        ("{ fact: f.digits, at_least: 1 }", Unknown),
        ("{ fact: f.yes, at_least: 0 }", Unknown),
        ("{ fact: f.denied, at_least: 0 }", Unknown),
        ("{ fact: f.size_bytes, at_least: .nan }", Unknown),
        ("{ fact: f.size_bytes, at_most: .inf }", Unknown),
        ("{ fact: f.size_bytes, at_least: { share: 0.5, of: f.far_bytes } }", True),
        ("{ fact: f.size_bytes, at_least: { share: 0.51, of: f.far_bytes } }", False),
        ("{ fact: f.fifty_seven, at_most: { share: 0.57, of: f.hundred } }", True),
        ("{ fact: f.size_bytes, at_least: { share: 0.5, of: f.word } }", Unknown),
        ("{ fact: f.size_bytes, at_least: { share: 0.5, of: f.lost } }", Unknown),
        ("{ fact: f.wait_seconds, at_most: 2m }", True),
        ("{ fact: f.wait_seconds, at_most: 1m }", False),
        ("{ fact: f.took_ms, at_most: 2s }", True),
        ("{ fact: f.took_ms, at_most: 1s }", False),
        ("{ fact: f.names, at_most: 2 }", Unknown),
        ("{ fact: f.n, more_than: 2 }", True),
        ("{ fact: f.n, more_than: 3 }", False),
        ("{ fact: f.word, more_than: 3 }", Unknown),
        ("{ fact: nofile.n, more_than: 3 }", Unknown),
        ("{ fact: f.ratio, less_than: 1 }", True),
        ("{ fact: f.ratio, less_than: 0.5 }", False),
        ("{ fact: f.yes, less_than: 1 }", Unknown),
        ("{ fact: hidden.n, less_than: 1 }", Unknown),
        ("{ fact: f.size_bytes, between: [20, 1 kB] }", True),
        ("{ fact: f.size_bytes, between: [21, 1 kB] }", False),
        ("{ fact: f.size_bytes, between: [1s, 2s] }", Unknown),
        ("{ fact: f.digits, between: [1, 100] }", Unknown),
        ("{ fact: f.nothing, between: [1, 100] }", Unknown),
        ("{ fact: f.word, contains: back }", True),
        ("{ fact: f.word, contains: BACK }", False),
        ("{ fact: f.word, contains: 1 }", Unknown),
        ("{ fact: f.names, contains: b }", True),
        ("{ fact: f.names, contains: c }", False),
        ("{ fact: f.names, contains: 1 }", Unknown),
        ("{ fact: f.none, contains: c }", False),
        ("{ fact: f.tables, contains: a }", True),
        ("{ fact: f.tables, contains: c }", Unknown),
        ("{ fact: f.map, contains: a }", Unknown),
        ("{ fact: f.lost, contains: a }", Unknown),
        ("{ fact: f.word, matches: '^back' }", True),
        ("{ fact: f.word, matches: '^up' }", False),
        ("{ fact: f.n, matches: '3' }", Unknown),
        ("{ fact: f.denied, matches: '3' }", Unknown),
        ("{ fact: f.word, matches: '(' }", Unknown),
        ("{ fact: f.empty, present: true }", True),
        ("{ fact: f, present: true }", Unknown),
        ("{ fact: f.lost, present: true }", False),
        ("{ fact: f.lost.below, present: true }", False),
        ("{ fact: nofile, present: true }", Unknown),
        ("{ fact: nofile.any, present: true }", False),
        ("{ fact: f.denied, present: true }", Unknown),
        ("{ fact: f.nothing, present: true }", Unknown),
        ("{ fact: hidden, present: true }", Unknown),
        ("{ fact: nobody, present: true }", Unknown),
        ("{ fact: f.lost, absent: true }", True),
        ("{ fact: nofile, absent: true }", Unknown),
        ("{ fact: nofile.any, absent: true }", True),
        ("{ fact: f.word, absent: true }", False),
        ("{ fact: f.denied, absent: true }", Unknown),
        ("{ fact: f.nothing, absent: true }", Unknown),
        ("{ fact: nobody.x, absent: true }", Unknown),
        ("{ fact: f.mtime, older_than: 5h }", True),
        ("{ fact: f.mtime, older_than: 6h }", False),
        ("{ fact: f.zone, older_than: 29m }", True),
        ("{ fact: f.bare, older_than: 1m }", Unknown),
        ("{ fact: f.n, older_than: 1m }", Unknown),
        ("{ fact: f.future, older_than: 1m }", Unknown),
        ("{ fact: f.lost, older_than: 1m }", Unknown),
        ("{ fact: f.mtime, younger_than: 7h }", True),
        ("{ fact: f.mtime, younger_than: 6h }", False),
        ("{ fact: f.during, younger_than: 1s }", True),
        ("{ fact: f.future, younger_than: 7h }", Unknown),
        ("{ fact: f.yes, younger_than: 7h }", Unknown),
        ("{ fact: hidden.x, younger_than: 7h }", Unknown),
        ("{ fact: f.names, count: { equals: 2 } }", True),
        ("{ fact: f.names, count: { at_most: 1 } }", False),
        ("{ fact: f.map, count: { at_least: 1 } }", True),
        ("{ fact: f.tables, count: { at_least: 2 } }", True),
        ("{ fact: f.tables, count: { at_least: 3 } }", Unknown),
        ("{ fact: f.tables, count: { at_most: 2 } }", Unknown),
        ("{ fact: f.tables, count: { at_most: 1 } }", False),
        ("{ fact: f.tables, count: { equals: 1 } }", False),
        ("{ fact: f.odd, count: { at_most: 1 } }", Unknown),
        ("{ fact: f.even, count: { at_most: 1 } }", True),
        ("{ fact: g.rows.list, count: { at_most: 1 } }", Unknown),
        ("{ fact: f.word, count: { at_least: 1 } }", Unknown),
        ("{ fact: f.denied, count: { at_least: 0 } }", Unknown),
        ("{ fact: f, count: { at_least: 0 } }", Unknown),
        ("{ fact: f.mapped, only_exceptions: [mapping] }", True),
        ("{ fact: f.mapped, only_exceptions: [mapping, old] }", True),
        ("{ fact: f.none, only_exceptions: [mapping] }", True),
        ("{ fact: f.none, only_exceptions: [] }", True),
        ("{ fact: f.mapped, only_exceptions: [] }", False),
        ("{ fact: f.mapped, only_exceptions: [mapping, role] }", False),
        ("{ fact: f.thrice, only_exceptions: [mapping] }", False),
        ("{ fact: f.other, only_exceptions: [mapping] }", False),
        ("{ fact: f.told, only_exceptions: [old] }", Unknown),
        ("{ fact: f.told, only_exceptions: [mapping] }", False),
        ("{ fact: f.mapped, only_exceptions: [nobody] }", Unknown),
        ("{ fact: f.names, only_exceptions: [mapping] }", Unknown),
        ("{ fact: f.word, only_exceptions: [mapping] }", Unknown),
        ("{ fact: f.denied, only_exceptions: [mapping] }", Unknown),
        ("{ all: [{ fact: f.yes, equals: true }, { fact: f.n, equals: 3 }] }", True),
        ("{ all: [{ fact: f.denied, equals: true }, { fact: f.n, equals: 3 }] }", Unknown),
        ("{ all: [{ fact: f.denied, equals: true }, { fact: f.n, equals: 4 }] }", False),
        ("{ any: [{ fact: f.denied, equals: true }, { fact: f.n, equals: 3 }] }", True),
        ("{ any: [{ fact: f.denied, equals: true }, { fact: f.n, equals: 4 }] }", Unknown),
        ("{ any: [{ fact: f.yes, equals: false }, { fact: f.n, equals: 4 }] }", False),
        ("{ not: { fact: f.n, equals: 4 } }", True),
        ("{ not: { fact: f.n, equals: 3 } }", False),
        ("{ not: { fact: f.denied, equals: 3 } }", Unknown),
        ("{}", Unknown),
        ("{ fact: f.n }", Unknown),
    ];
    let wrong: Vec<_> = table.iter().filter(|(text, expected)| truth(text) != *expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for operator in OPERATORS {
        let key = format!("{}: ", operator.name);
        let seen = |wanted| table.iter().any(|(text, truth)| text.contains(&key) && *truth == wanted);
        assert!(seen(True) && seen(False) && seen(Unknown), "{} is not tried three ways", operator.name);
    }
}

#[test]
fn every_operator_of_the_model_stands_in_the_table_with_an_example_that_uses_it() {
    for entry in OPERATORS {
        assert_eq!(condition(entry.example).operators(), [entry.name], "{}", entry.example);
        let policy = policy(&format!("checks: [{{ id: C, title: t, require: {} }}]\n", entry.example));
        super::super::check_policy(&policy).unwrap();
        assert!(entry.doc.ends_with('.') && entry.detail.ends_with('.'), "{}", entry.name);
    }
    let schema = serde_json::to_value(schemars::schema_for!(Condition)).unwrap();
    let keys = schema["properties"].as_object().unwrap().keys().filter(|key| *key != "fact");
    let missing: Vec<_> = keys.filter(|key| operator(key).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn observed_and_expected_are_words() {
    let facts = facts();
    let table = [
        ("{ fact: f.size_bytes, at_least: 1 MB }", "20 bytes", "at least 1 MB (1000000 bytes)"),
        ("{ fact: f.yes, equals: true }", "true", "true"),
        ("{ fact: f.wait_seconds, at_most: 60m }", "90 seconds (1m 30s)", "at most 60m (3600 seconds)"),
        (
            "{ fact: f.size_bytes, at_least: { share: 0.5, of: f.far_bytes } }",
            "20 bytes",
            "at least 0.5 of f.far_bytes (40) = 20 bytes",
        ),
        ("{ fact: f.denied, equals: true }", "not seen: permission denied", "true"),
        (
            "{ fact: f.size_byte, equals: 1 }",
            "not seen: `file` shows nothing called `size_byte` (did you mean `size_bytes`?)",
            "1",
        ),
        ("{ fact: f.word, same_as: g.other }", "backup", "the same as g.other (else)"),
        ("{ fact: f.word, same_as: hidden.x }", "backup", "the same as hidden.x (not seen: timed out)"),
        ("{ fact: f.names, one_of: [[a], [b]] }", "[a, b]", "[a] or [b]"),
        ("{ fact: f.mtime, older_than: 5h }", "2026-05-15T06:00:00+00:00", "older than 5h at 2026-05-15T12:00:00Z"),
        ("{ fact: f.names, count: { at_least: 1 } }", "[a, b]", "at least 1 entry"),
        (
            "{ all: [{ fact: f.yes, equals: true }, { not: { fact: f.n, more_than: 5 } }] }",
            "f.yes: true; f.n: 3",
            "f.yes is true and not (f.n is more than 5)",
        ),
        (
            "{ not: { any: [{ fact: f.word, matches: '^x' }, { fact: f.lost, present: true }] } }",
            "f.word: backup; f.lost: not seen: not found",
            "not (f.word matches `^x` or f.lost is present)",
        ),
    ];
    for (text, observed, expected) in table {
        let finding = evaluate(&condition(text), &Sight::new(&facts, AS_OF));
        assert_eq!((finding.observed().as_str(), finding.expected()), (observed, expected), "{text}");
    }
}

#[test]
fn only_what_is_really_missing_is_named() {
    let text = "{ all: [{ any: [{ fact: f.denied, equals: 1 }, { fact: f.n, equals: 3 }] }, { fact: hidden.x, present: true }] }";
    let finding = evaluate(&condition(text), &Sight::new(&facts(), AS_OF));
    assert_eq!(finding.truth, Unknown);
    assert_eq!(finding.why_unknown(), "hidden.x: timed out: in words");
    let text =
        "{ all: [{ fact: hidden.x, present: true }, { fact: hidden.y, present: true }, { fact: f.n, equals: x }] }";
    let why = evaluate(&condition(text), &Sight::new(&facts(), AS_OF)).why_unknown();
    assert_eq!(why, "hidden.x, hidden.y: timed out: in words; f.n is a number, and this compares it with a text");
    assert_eq!(finding.settle().as_deref(), Some("ls -l /x"));
}
