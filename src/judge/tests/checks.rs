//! What is refused before anything is read, and with which words.

use super::super::{check_paths, check_policy, check_references, path_fits};
use super::*;
use crate::model::case::Step;

fn refusal(condition: &str) -> String {
    let text = format!("policy: p\nchecks: [{{ id: C, title: t, require: {condition} }}]\n");
    check_policy(&read::<Policy>(&text)).unwrap_err().to_string()
}

#[test]
fn operands_that_could_never_be_compared_are_refused() {
    let table = [
        ("{ fact: f.n_bytes, at_least: 60m }", "`60m` cannot be compared with bytes"),
        ("{ fact: f.n, at_least: 1 MB }", "the value's name must say the unit"),
        ("{ fact: f.n, at_least: 1 Mb }", "unknown unit"),
        ("{ fact: f.n, at_least: .nan }", "must be finite"),
        ("{ fact: f.n, at_least: { share: -1, of: f.m } }", "more than 0"),
        ("{ fact: f.n_bytes, at_least: { share: 1, of: f.m_seconds } }", "which counts seconds"),
        ("{ fact: f.n, between: [5, 3] }", "smaller bound first"),
        ("{ fact: f.w, matches: '(' }", "not a regular expression: unclosed group"),
        ("{ fact: f.w, one_of: [] }", "would never hold"),
        ("{ fact: f.w, one_of: [1, x] }", "one type only"),
        ("{ fact: f.n_bytes, equals: 1 MB }", "write the number of bytes"),
        ("{ fact: f.w, contains: '' }", "contains the empty text"),
        ("{ fact: f.w, same_as: f.w }", "the same as itself"),
        ("{ fact: f.t, older_than: 30 }", "no duration"),
        ("{ fact: f.l, count: { at_least: 1, at_most: 2 } }", "exactly one of"),
        ("{ fact: f.l, count: {} }", "exactly one of"),
        ("{ fact: f, equals: 1 }", "names a whole fact"),
        ("{ fact: f, present: true }", "names a whole fact"),
        ("{ fact: f.x, same_as: g }", "names a whole fact"),
        ("{ not: { fact: f, equals: 1 } }", "names a whole fact"),
        ("{ all: [] }", "would always hold"),
        ("{ fact: f.n }", "exactly one operator"),
        ("{ fact: f.n, equals: 1, at_least: 1 }", "exactly one operator"),
    ];
    for (condition, expected) in table {
        let message = refusal(condition);
        assert!(message.contains(expected), "{condition}: {message}");
    }
}

#[test]
fn an_amount_of_the_wrong_shape_says_what_is_one() {
    let text = "policy: p\nchecks: [{ id: C, title: t, require: { fact: f.n, at_least: [1] } }]\n";
    let error = yaml::decode::<Policy>(Path::new("p.yaml"), text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a quantity such as `1 MB`"), "{error}");
}

#[test]
fn every_reference_that_leads_nowhere_is_named() {
    let policy = policy(
        "checks:\n  - { id: A, title: a, require: { fact: fresch.ok, equals: true } }\n  - { id: B, title: b, require: { fact: fresh.okay, equals: true } }\n  - { id: D, title: d, require: { fact: fresh.n, at_least: { share: 1, of: nobody.n } } }\n  - { id: E, title: e, require: { fact: fresh.x, present: true } }\n",
    );
    let case = case("collect: [{ id: fresh, uses: backup }]\n");
    let text = check_references(&policy, &case).unwrap_err().to_string();
    let expected = [
        "A: `fresch.ok` names the fact `fresch`, which the case does not collect (did you mean `fresh`?): add a step with this id",
        "D: `nobody.n` names the fact `nobody`, which the case does not collect: add a step with this id",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let known = |step: &Step, path: &str| step.uses == "backup" && path != "okay";
    let text = check_paths(&policy, &case, &known).unwrap_err().to_string();
    assert_eq!(text, "B: `fresh.okay` leads nowhere: `backup` never shows `okay`; see `evidence explain backup`");
}

#[test]
fn waivers_and_statements_must_be_about_items_that_are_there() {
    let policy = policy(
        "hard_stops: [{ id: HS-1, title: h, unless: { fact: f.ok, equals: true } }]\nchecks: [{ id: V4-1, title: a, require: { fact: f.ok, equals: true } }]\nchecklist: [{ id: C1, title: c, statement: executor }]\n",
    );
    let waiver = |item: &str, reason: &str, expires: &str| {
        format!("  - {{ item: {item}, reason: '{reason}', owner: owner, expires: '{expires}' }}\n")
    };
    let good = "2027-01-01T00:00:00Z";
    let case = case(&format!(
        "collect: [{{ id: f, uses: file }}, {{ id: said, uses: statement, with: {{ answers: V4-1 }} }}, {{ id: ok, uses: statement, with: {{ answers: C1 }} }}]\nwaivers:\n{}{}{}{}{}",
        waiver("HS-1", "r", good),
        waiver("V4-l", "r", good),
        waiver("V4-1", "r", "2027-01-01"),
        waiver("V4-1", "r", good),
        waiver("C1", " ", good),
    ));
    let text = check_references(&policy, &case).unwrap_err().to_string();
    let expected = [
        "waivers[0]: `HS-1` is a hard stop: it cannot be waived",
        "waivers[1]: `V4-l` is no item of the policy `p` (did you mean `V4-1`?)",
        "waivers[2]: `V4-1` needs `expires` as an instant, as in `2026-12-31T00:00:00Z`",
        "waivers[3]: `V4-1` is waived twice: keep one waiver",
        "waivers[4]: `C1` is waived without a reason",
        "collect `said`: `V4-1` answers an item that asks for no statement in the policy `p`",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_path_fits_a_documented_name_above_and_below_it() {
    let table = [
        ("gzip.valid", "gzip.valid", true),
        ("gzip.valid", "gzip", true),
        ("rows", "rows.0.name", true),
        ("gzip.valid", "gzip.vaild", false),
        ("patterns.NAME.count", "patterns.error.count", true),
        ("patterns.<name>.first.text", "patterns.error.first.txt", false),
        ("sql.rows.by_table.<table>", "sql.rows.by_table.public.orders", true),
        ("size_bytes", "sizes", false),
    ];
    for (documented, path, expected) in table {
        assert_eq!(path_fits(documented, path), expected, "{documented} {path}");
    }
}
