//! Items as rows: misleading passes, hard stops, statements, waivers, outcomes.

use super::super::fired;
use super::*;
use crate::model::verdict::{Closure, Outcome, Status};

const MISLEADING: &str = "checks:\n  - id: V2\n    title: gzip stream is valid\n    require: { fact: b.valid, equals: true }\n    misleading_if: { fact: b.payload_bytes, equals: 0 }\n    because: an empty stream is a valid gzip stream\n";

#[test]
fn a_pass_that_another_fact_makes_worthless_is_misleading() {
    let verdict = judged(&policy(MISLEADING), &[fact("b", "{ valid: true, payload_bytes: 0 }")]);
    let row = row(&verdict, "V2");
    assert_eq!(row.status, Status::Misleading);
    assert_eq!(row.because, "an empty stream is a valid gzip stream (b.payload_bytes: 0 bytes)");
    assert_eq!(row.facts, ["b.valid", "b.payload_bytes"]);
    assert_eq!(verdict.outcome, Outcome::Fail);
}

#[test]
fn a_pass_that_may_mislead_is_not_established() {
    let policy = policy(MISLEADING);
    let facts = [missing(fact("b", "{ valid: true }"), "payload_bytes", Reason::Limit)];
    let row = row(&judged(&policy, &facts), "V2");
    assert_eq!((row.status, row.settle.as_deref()), (Status::Unknown, Some("ls -l /x")));
    assert!(
        row.because.contains("whether that misleads is not known: b.payload_bytes: limit reached"),
        "{}",
        row.because
    );
    let fails = judged(&policy, &[fact("b", "{ valid: false }")]);
    assert_eq!(super::row(&fails, "V2").status, Status::Fail);
    let passes = judged(&policy, &[fact("b", "{ valid: true, payload_bytes: 9 }")]);
    assert_eq!(passes.outcome, Outcome::Pass);
    assert_eq!(super::row(&passes, "V2").because, "");
}

const STOPS: &str = "hard_stops:\n  - { id: HS-1, title: a, unless: { fact: a.ok, equals: true } }\n  - { id: HS-2, title: b, unless: { all: [{ fact: a.ok, equals: true }, { fact: b.n_bytes, at_least: { share: 1, of: c.n_bytes } }] } }\n  - { id: HS-3, title: c, unless: { fact: c.ok, equals: true }, halts: mutating }\n";

#[test]
fn a_hard_stop_fires_unless_established_and_waits_for_its_facts() {
    let policy = policy(STOPS);
    let (a, b, c) = (fact("a", "{ ok: true }"), fact("b", "{ n_bytes: 5 }"), fact("c", "{ n_bytes: 5 }"));
    assert_eq!(fired(&policy, std::slice::from_ref(&a), &["b", "c"], AS_OF), None);
    assert_eq!(fired(&policy, &[a.clone(), b.clone()], &["c"], AS_OF), None);
    assert_eq!(fired(&policy, &[a.clone(), b.clone(), c], &[], AS_OF), None);
    assert_eq!(fired(&policy, &[a.clone(), b, fact("c", "{ n_bytes: 6 }")], &[], AS_OF).as_deref(), Some("HS-2"));
    assert_eq!(fired(&policy, &[fact("a", "{ ok: 'true' }")], &["b", "c"], AS_OF).as_deref(), Some("HS-1"));
    assert_eq!(
        fired(&policy, &[a], &[], AS_OF).as_deref(),
        Some("HS-2"),
        "nothing is pending: what is missing stays missing"
    );
}

#[test]
fn a_hard_stop_decides_the_outcome_even_when_it_is_only_not_established() {
    let facts = [fact("a", "{ ok: true }"), fact("b", "{ n_bytes: 5 }"), fact("c", "{ n_bytes: 5 }")];
    let verdict = judged(&policy(STOPS), &facts);
    assert_eq!(row(&verdict, "HS-2").status, Status::Pass);
    assert_eq!((row(&verdict, "HS-3").status, verdict.outcome), (Status::Unknown, Outcome::HardStop));
}

const ASKED: &str = "checklist:\n  - { id: C1, title: nothing was restarted, statement: executor, because: a restart hides the cause }\n  - { id: C2, title: seen, require: { fact: f.ok, equals: true } }\n";

fn stated(facts: &[Fact]) -> Row {
    let case = case("collect: [{ id: said, uses: statement, with: { answers: C1 } }]\n");
    row(&super::super::judge(&policy(ASKED), facts, &case, AS_OF), "C1")
}

#[test]
fn a_statement_counts_only_from_the_seat_that_was_asked() {
    let row = stated(&[statement("said", "executor", "C1")]);
    assert_eq!((row.status, row.seat.as_deref()), (Status::Pass, Some("executor")));
    assert_eq!(row.observed, "stated by executor: nothing was restarted");
    assert_eq!(stated(&[statement("said", "verifier", "C1")]).because, "said is said by verifier, not by executor");
    assert_eq!(stated(&[statement("said", "executor", "C9")]).status, Status::Unknown);
    assert_eq!(stated(&[]).status, Status::Unknown);
    let observed = Fact { basis: Basis::Observed, ..statement("said", "executor", "C1") };
    assert_eq!(stated(&[observed]).status, Status::Unknown);
}

#[test]
fn a_statement_can_say_no_and_silence_is_unknown() {
    let mut no = statement("said", "executor", "C1");
    no.values.insert("holds".into(), false.into());
    let row = stated(&[no.clone()]);
    assert_eq!((row.status, row.because.as_str()), (Status::Fail, "a restart hides the cause"));
    no.values.insert("holds".into(), "yes".into());
    assert_eq!(stated(&[no.clone()]).status, Status::Unknown);
    no.values.remove("holds");
    assert_eq!(stated(&[no]).because, "said gives no yes or no: add `holds: true` or `holds: false` to it");
    let silent = judged(&policy(ASKED), &[fact("f", "{ ok: true }")]);
    assert_eq!(super::row(&silent, "C1").observed, "nothing stated");
    assert_eq!(silent.outcome, Outcome::Unknown);
}

#[test]
fn a_statement_that_a_check_rests_on_is_shown_as_one() {
    let policy = policy("checks: [{ id: C, title: t, require: { fact: said.answers, equals: C1 } }]\n");
    let row = row(&judged(&policy, &[statement("said", "executor", "C1")]), "C");
    assert_eq!((row.observed.as_str(), row.seat.as_deref()), ("stated by executor: C1", Some("executor")));
}

fn waived(expires: &str, ok: bool) -> (Row, Outcome) {
    let policy = policy(
        "checks:\n  - { id: A, title: a, require: { fact: f.ok, equals: true } }\n  - { id: B, title: b, require: { fact: f.word, equals: x } }\n",
    );
    let waiver = format!("collect: []\nwaivers: [{{ item: A, reason: known, owner: owner, expires: '{expires}' }}]\n");
    let verdict =
        super::super::judge(&policy, &[fact("f", &format!("{{ ok: {ok}, word: x }}"))], &case(&waiver), AS_OF);
    (row(&verdict, "A"), verdict.outcome)
}

#[test]
fn a_waiver_holds_until_its_instant_and_always_shows() {
    let (row, outcome) = waived("2026-05-15T15:00:00+02:00", false);
    assert_eq!((row.status, outcome), (Status::Waived, Outcome::Pass));
    assert_eq!(row.waiver.unwrap(), "was FAIL, waived until 2026-05-15T15:00:00+02:00 (owner: known)");
    let (row, outcome) = waived("2026-05-15T14:00:00+02:00", false);
    assert_eq!((row.status, outcome), (Status::Fail, Outcome::Fail));
    assert!(row.waiver.unwrap().starts_with("expired at "));
    let (row, _) = waived("soon", false);
    assert!(row.status == Status::Fail && row.waiver.unwrap().contains("no instant"));
    let (row, _) = waived("2027-01-01T00:00:00Z", true);
    assert!(row.status == Status::Pass && row.waiver.unwrap().starts_with("not needed"));
}

#[test]
fn a_hard_stop_is_never_waived() {
    let case =
        case("collect: []\nwaivers: [{ item: HS-1, reason: r, owner: owner, expires: '2027-01-01T00:00:00Z' }]\n");
    let verdict = super::super::judge(&policy(STOPS), &[fact("a", "{ ok: false }")], &case, AS_OF);
    let row = row(&verdict, "HS-1");
    assert!(row.status == Status::Fail && row.waiver.unwrap().contains("cannot be waived"));
    assert_eq!(verdict.outcome, Outcome::HardStop);
}

#[test]
fn nothing_seen_or_nothing_but_waivers_is_no_success() {
    let policy = policy("checks: [{ id: A, title: a, require: { fact: f.gone, absent: true } }]\n");
    assert_eq!(judged(&policy, &[]).outcome, Outcome::Unknown);
    let empty = Policy { checks: Vec::new(), ..policy.clone() };
    assert_eq!(judged(&empty, &[fact("f", "{}")]).outcome, Outcome::Unknown);
    let case = case("collect: []\nwaivers: [{ item: A, reason: r, owner: owner, expires: '2027-01-01T00:00:00Z' }]\n");
    assert_eq!(super::super::judge(&policy, &[fact("f", "{}")], &case, AS_OF).outcome, Outcome::Unknown);
}

fn closed(a: &str, b: &str, waivers: &str) -> Closure {
    let policy = policy(
        "criteria: [{ id: K, title: k, require: { fact: f.a, equals: true } }]\nchecks: [{ id: C, title: c, require: { fact: f.b, equals: true } }]\n",
    );
    let facts = [fact("f", &format!("{{ a: {a}, b: {b} }}"))];
    super::super::judge(&policy, &facts, &case(&format!("collect: []\n{waivers}")), AS_OF).closure.unwrap()
}

#[test]
fn a_case_closes_when_every_criterion_passes_and_with_notes_when_something_remains() {
    let waiver = "waivers: [{ item: K, reason: r, owner: owner, expires: '2027-01-01T00:00:00Z' }]\n";
    assert_eq!(closed("true", "true", ""), Closure::Closed);
    assert_eq!(closed("true", "odd", ""), Closure::ClosedWithNotes);
    assert_eq!(closed("true", "false", ""), Closure::Open);
    assert_eq!(closed("odd", "true", ""), Closure::Open);
    assert_eq!(closed("false", "true", waiver), Closure::ClosedWithNotes);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let facts = [fact("b", "{ valid: true, payload_bytes: 0 }")];
    let bytes = || serde_json::to_vec(&judged(&policy(MISLEADING), &facts)).unwrap();
    assert_eq!(bytes(), bytes());
}

const DRILL: &str = "exceptions: [{ id: mapping, pattern: 'USER MAPPING', reason: no such role, expected: 1 }]\nchecks: [{ id: M, title: m, require: { fact: d.messages, only_exceptions: [mapping] } }]\n";

#[test]
fn a_second_message_of_a_named_kind_fails() {
    let judge = |messages: &str| {
        let verdict = judged(&policy(DRILL), &[fact("d", &format!("{{ messages: {messages} }}"))]);
        (row(&verdict, "M").status, row(&verdict, "M").expected)
    };
    let one = "{ text: 'role a: USER MAPPING' }";
    assert_eq!(judge(&format!("[{one}]")), (Status::Pass, "nothing but mapping (at most 1)".to_owned()));
    assert_eq!(judge(&format!("[{one}, {one}]")).0, Status::Fail);
    assert_eq!(judge("[{ text: 'role a: USER MAPPING', count: 2 }]").0, Status::Fail);
    assert_eq!(judge("[{ text: 'out of space' }]").0, Status::Fail);
    let missing = missing(fact("d", "{ }"), "messages", Reason::Unparsable);
    assert_eq!(row(&judged(&policy(DRILL), &[missing]), "M").status, Status::Unknown);
}

#[test]
fn exceptions_have_names_reasons_and_patterns() {
    let wrong = |text: &str| {
        let policy: Policy = read(&format!("policy: p\n{text}"));
        super::super::check_policy(&policy).unwrap_err().to_string()
    };
    let asks = "checks: [{ id: M, title: m, require: { fact: d.messages, only_exceptions: [x] } }]\n";
    assert!(wrong(asks).contains("`x`, which is not under `exceptions:`"));
    let exception = |pattern: &str, reason: &str| {
        format!("exceptions: [{{ id: x, pattern: '{pattern}', reason: '{reason}', expected: 1 }}]\n{asks}")
    };
    assert!(wrong(&exception("(", "r")).contains("not a regular expression"));
    assert!(wrong(&exception("a", " ")).contains("needs a `reason`"));
}

#[test]
fn two_facts_of_one_name_are_no_evidence() {
    let twice = [fact("b", "{ valid: true, payload_bytes: 9 }"), fact("b", "{ valid: true, payload_bytes: 9 }")];
    assert_eq!(judged(&policy(MISLEADING), &twice).outcome, Outcome::Unknown);
}
