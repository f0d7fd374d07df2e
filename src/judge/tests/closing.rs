//! What becomes of a case, by verdict, waivers and signatures, each in every standing.

use super::super::{closing, judge, unsigned};
use super::*;
use crate::model::closing::{Closing, SeatAnswer, SeatSignature, Standing};
use crate::model::verdict::Closure;

const POLICY: &str = "criteria:\n  - { id: K-1, title: one, require: { fact: f.n, equals: 1 } }\n  - { id: K-2, title: two, require: { fact: g.n, equals: 1 } }\nchecklist:\n  - { id: C-1, title: said, statement: verifier }\n";
const SEATS: &str = "signatures: { seats: [executor, verifier], different: [[executor, verifier]] }\n";
const NOW: &str = "2026-06-01T00:00:00Z";

fn signed(seat: &str, key: &str, standing: Standing) -> SeatSignature {
    SeatSignature {
        file: format!("signatures/{seat}.sig"),
        seat: Some(seat.to_owned()),
        principal: None,
        key: Some(key.to_owned()),
        standing,
        said: String::new(),
        answers: Vec::new(),
    }
}

fn good(seat: &str, key: &str) -> SeatSignature {
    signed(seat, key, Standing::Verified)
}

/// The closing of a run in which `f.n` and `g.n` are these, `C-1` was said or not.
fn of(f: i64, g: Option<i64>, said: bool, waivers: &str, signatures: &[SeatSignature], at: &str) -> Closing {
    let policy = policy(&format!("{POLICY}{SEATS}"));
    let step = if said {
        "collect: [{ id: s, uses: statement, with: { seat: verifier, says: x, answers: C-1 } }]\n"
    } else {
        "collect: []\n"
    };
    let case = case(&format!("{step}{waivers}"));
    let mut facts = vec![fact("f", &format!("{{ n: {f} }}")), statement("s", "verifier", "C-1")];
    facts.extend(g.map(|g| fact("g", &format!("{{ n: {g} }}"))));
    let verdict = judge(&policy, &facts, &case, AS_OF);
    closing(&policy, &case, &verdict, signatures, at)
}

fn both() -> [SeatSignature; 2] {
    [good("executor", "SHA256:a"), good("verifier", "SHA256:b")]
}

#[test]
fn closed_needs_every_item_and_every_seat() {
    let done = of(1, Some(1), true, "", &both(), NOW);
    assert_eq!((done.state, done.reasons.len(), done.notes.len()), (Closure::Closed, 0, 0), "{done:?}");
    assert!(done.is_closed() && done.seats.iter().all(|seat| seat.key.is_some()));
    let noted = of(1, Some(1), false, "", &both(), NOW);
    assert_eq!(
        (noted.state, noted.notes.as_slice()),
        (Closure::ClosedWithNotes, &["C-1 is UNKNOWN: said".to_owned()][..])
    );
    for (f, g) in [(2, Some(1)), (1, None), (1, Some(2))] {
        let open = of(f, g, true, "", &both(), NOW);
        assert_eq!(open.state, Closure::Open, "{open:?}");
        assert_eq!(open.reasons.len(), 1, "{open:?}");
    }
}

#[test]
fn a_signature_counts_only_when_it_is_verified() {
    let open = |signatures: &[SeatSignature], words: &str| {
        let found = of(1, Some(1), true, "", signatures, NOW);
        assert_eq!(found.state, Closure::Open, "{found:?}");
        assert!(found.reasons.iter().any(|reason| reason.contains(words)), "{words}: {found:?}");
    };
    let one = good("executor", "SHA256:a");
    open(&[], "the seat executor (ops) has not signed");
    open(std::slice::from_ref(&one), "the seat verifier (dba) has not signed");
    for standing in [
        Standing::Stranger("nobody knows".into()),
        Standing::Unchecked("nobody knows".into()),
        Standing::Bad("nobody knows".into()),
    ] {
        open(
            &[one.clone(), signed("verifier", "SHA256:b", standing)],
            "the signature of the seat verifier (dba) does not count: nobody knows",
        );
    }
    // A bad one beside the good ones is a sign of tampering.
    let [a, b] = both();
    open(
        &[a.clone(), b.clone(), signed("owner", "SHA256:c", Standing::Bad("edited".into()))],
        "signatures/owner.sig: edited",
    );
    open(&[a, good("verifier", "SHA256:a")], "both signed with the key SHA256:a");
    let stranger = signed("owner", "SHA256:c", Standing::Stranger("unknown".into()));
    assert!(of(1, Some(1), true, "", &[both().to_vec(), vec![stranger]].concat(), NOW).is_closed());
}

#[test]
fn a_waiver_of_a_seat_that_never_signed_does_not_count() {
    let waiver = "waivers: [{ item: K-2, owner: owner, reason: next week, expires: \"2026-07-01T00:00:00Z\" }]\n";
    let open = of(1, None, true, waiver, &both(), NOW);
    assert_eq!(open.state, Closure::Open, "{open:?}");
    assert!(open.reasons.iter().any(|reason| reason.contains("owner") && reason.contains("not signed")), "{open:?}");
    let signed = [both().to_vec(), vec![good("owner", "SHA256:c")]].concat();
    assert_eq!(of(1, None, true, waiver, &signed, NOW).state, Closure::ClosedWithNotes);
}

#[test]
fn one_person_in_two_seats_is_refused_and_never_closes() {
    let policy = policy(&format!("{POLICY}{SEATS}"));
    let mut case = case("collect: [{ id: f, uses: file }, { id: g, uses: file }]\n");
    super::super::check_references(&policy, &case).unwrap();
    case.seats.insert("verifier".into(), "ops".into());
    let error = super::super::check_references(&policy, &case).unwrap_err().to_string();
    assert!(error.contains("`executor` and `verifier` must be different people"), "{error}");
    let facts = [fact("f", "{ n: 1 }"), fact("g", "{ n: 1 }")];
    let verdict = judge(&policy, &facts, &case, AS_OF);
    let found = closing(&policy, &case, &verdict, &both(), NOW);
    assert!(found.reasons.iter().any(|reason| reason.contains("and both are ops")), "{found:?}");
    case.seats.remove("verifier");
    let error = super::super::check_references(&policy, &case).unwrap_err().to_string();
    assert!(error.contains("`verifier` must sign, and the case has no such seat"), "{error}");
}

#[test]
fn a_waiver_counts_until_it_ends_and_only_where_it_is_needed() {
    let waiver = "waivers: [{ item: K-2, owner: verifier, reason: next week, expires: \"2026-07-01T00:00:00Z\" }]\n";
    let noted = of(1, None, true, waiver, &both(), NOW);
    assert_eq!(noted.state, Closure::ClosedWithNotes);
    assert_eq!(noted.notes, ["K-2 is waived by verifier until 2026-07-01T00:00:00Z: next week"]);
    // Afterwards the same run is open again; at its last instant it no longer counts.
    for at in ["2026-07-01T00:00:00Z", "2026-07-01T02:00:00+02:00", "2027-01-01T00:00:00Z", "no instant"] {
        let open = of(1, None, true, waiver, &both(), at);
        assert_eq!(open.state, Closure::Open, "{at}");
        assert!(open.reasons[0].starts_with("the waiver of K-2 by verifier"), "{open:?}");
    }
    let unused = of(1, Some(1), true, waiver, &both(), NOW);
    assert_eq!((unused.state, unused.warnings.len()), (Closure::Closed, 1), "{unused:?}");
    let old = waiver.replace("2026-07", "2026-01");
    let expired = of(1, None, true, &old, &both(), NOW);
    assert_eq!(expired.reasons.len(), 2, "not established, and the waiver: {expired:?}");
    let unknown = of(1, Some(1), true, &waiver.replace("K-2", "K-9"), &both(), NOW);
    assert!(unknown.warnings[0].contains("is no item of the policy"), "{unknown:?}");
}

#[test]
fn a_hard_stop_is_closed_by_nobody() {
    let policy = policy(
        "hard_stops: [{ id: H, title: gone, unless: { fact: f.n, equals: 1 } }]\nchecks: [{ id: V, title: v, require: { fact: f.n, equals: 2 } }]\n",
    );
    let case = case("collect: []\n");
    for (n, state) in [("2", Closure::HardStop), ("1", Closure::Open)] {
        let verdict = judge(&policy, &[fact("f", &format!("{{ n: {n} }}"))], &case, AS_OF);
        assert_eq!(unsigned(&policy, &case, &verdict, NOW).state, state);
    }
    let verdict = judge(&policy, &[], &case, AS_OF);
    let mut stopped = unsigned(&policy, &case, &verdict, NOW);
    assert!(stopped.reasons[0].contains("not established not to"), "{stopped:?}");
    stopped.reopen("more");
    assert_eq!(stopped.state, Closure::HardStop);
}

#[test]
fn without_criteria_the_checks_decide_and_the_closure_of_the_verdict_agrees_with_criteria() {
    let checks = policy(
        "checks: [{ id: V, title: v, require: { fact: f.n, equals: 1 } }, { id: W, title: w, require: { fact: g.n, equals: 1 } }]\n",
    );
    let case = case("collect: []\n");
    let verdict = judge(&checks, &[fact("f", "{ n: 1 }")], &case, AS_OF);
    assert_eq!(unsigned(&checks, &case, &verdict, NOW).state, Closure::Open, "W is UNKNOWN");
    let criteria = policy(POLICY);
    for f in 1..3 {
        for g in [None, Some(1), Some(2)] {
            let mut facts = vec![fact("f", &format!("{{ n: {f} }}"))];
            facts.extend(g.map(|g| fact("g", &format!("{{ n: {g} }}"))));
            let verdict = judge(&criteria, &facts, &case, AS_OF);
            assert_eq!(Some(unsigned(&criteria, &case, &verdict, NOW).state), verdict.closure);
        }
    }
}

#[test]
fn who_must_sign_is_checked_when_the_policy_is_read() {
    let wrong = |signatures: &str| {
        let policy: Policy = read(&format!("policy: p\n{POLICY}signatures: {signatures}\n"));
        policy.validate().unwrap_err().to_string()
    };
    assert!(wrong("{ seats: [] }").contains("no seat must sign"));
    assert!(wrong("{ seats: [a, a] }").contains("`a` stands twice"));
    assert!(wrong("{ seats: [A b] }").contains("lower-case"));
    assert!(wrong("{ seats: [a, b], different: [[a, c]] }").contains("stand under `seats`"));
    assert!(wrong("{ seats: [a, b], different: [[a, a]] }").contains("two different seats"));
}

#[test]
fn a_signed_answer_counts_for_an_unknown_item_of_its_own_seat_only() {
    let with = |seat: &str, item: &str, holds: bool, standing: Standing| {
        let mut signatures = both();
        let one = signatures.iter_mut().find(|one| one.seat.as_deref() == Some(seat)).unwrap();
        one.answers = vec![SeatAnswer { item: item.to_owned(), holds, says: "x".to_owned() }];
        one.standing = standing;
        signatures
    };
    let closing = |signatures: &[SeatSignature]| of(1, Some(1), false, "", signatures, NOW);
    let done = closing(&with("verifier", "C-1", true, Standing::Verified));
    assert_eq!((done.state, done.answers.len(), done.notes.len()), (Closure::Closed, 1, 0), "{done:?}");
    let no = closing(&with("verifier", "C-1", false, Standing::Verified));
    assert_eq!((no.state, no.reasons.as_slice()), (Closure::Open, &["C-1 fails: said".to_owned()][..]));
    for standing in [Standing::Stranger("x".into()), Standing::Unchecked("x".into()), Standing::Bad("x".into())] {
        let none = closing(&with("verifier", "C-1", true, standing));
        assert!(none.answers.is_empty() && none.state == Closure::Open, "{none:?}");
    }
    for (seat, item) in [("executor", "C-1"), ("verifier", "K-1"), ("verifier", "C-2")] {
        let other = closing(&with(seat, item, true, Standing::Verified));
        assert!(other.answers.is_empty() && other.state == Closure::ClosedWithNotes, "{other:?}");
    }
    // A criterion that fails is a fact, whatever a seat states; so is an item that the run answered.
    assert_eq!(of(1, Some(2), false, "", &with("verifier", "K-2", true, Standing::Verified), NOW).state, Closure::Open);
    let said = of(1, Some(1), true, "", &with("verifier", "C-1", false, Standing::Verified), NOW);
    assert!(said.answers.is_empty() && said.state == Closure::Closed, "{said:?}");
}
