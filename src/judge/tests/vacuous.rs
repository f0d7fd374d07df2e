//! What nothing could make fail never passes, and what a run recorded decides by which rules it is judged.

use super::super::{judge_by, vacuous};
use super::*;
use crate::model::action::ACTION;
use crate::model::verdict::{Closure, Outcome, Status};

const COLLECT: &str =
    "collect:\n  - { id: a, uses: file, with: { path: /x } }\n  - { id: b, uses: file, with: { path: /x } }\n";

fn asked(require: &str) -> Policy {
    policy(&format!("checks: [{{ id: V, title: v, require: {require} }}]\n"))
}

fn facts() -> Vec<Fact> {
    ["a", "b"].map(|id| fact(id, "{ row_count: 3, n: 3, word: x, yes: true, names: [p] }")).to_vec()
}

#[test]
fn a_condition_that_nothing_could_make_fail_is_unknown_and_reported() {
    let case = case(COLLECT);
    for require in [
        "{ fact: a.row_count, at_least: 0 }",
        "{ fact: a.size_bytes, more_than: -1 }",
        "{ fact: a.names, count: { at_least: 0 } }",
        "{ fact: a.word, matches: '.*' }",
        "{ fact: a.word, matches: '' }",
        "{ fact: a.yes, one_of: [true, false] }",
        "{ fact: a.n, at_least: { share: 0.5, of: a.n } }",
        "{ any: [{ fact: a.yes, equals: true }, { fact: a.yes, equals: false }] }",
        "{ any: [{ fact: a.n, equals: 1 }, { not: { fact: a.n, equals: 1 } }] }",
        "{ fact: a.word, same_as: b.word }",
        "{ all: [{ fact: a.n, equals: 3 }, { fact: a.row_count, at_least: 0 }] }",
    ] {
        let policy = asked(require);
        assert_eq!(vacuous(&policy, &case).len(), 1, "{require}");
        let verdict = super::super::judge(&policy, &facts(), &case, AS_OF);
        assert_eq!(row(&verdict, "V").status, Status::Unknown, "{require}");
    }
}

#[test]
fn what_could_fail_is_left_alone() {
    let case = case(COLLECT);
    for require in [
        "{ fact: a.row_count, at_least: 1 }",
        "{ fact: a.n, at_least: 0 }",
        "{ fact: a.word, matches: '^x$' }",
        "{ fact: a.word, matches: '.' }",
        "{ any: [{ fact: a.yes, equals: true }, { fact: a.n, equals: 4 }] }",
    ] {
        let policy = asked(require);
        assert_eq!(vacuous(&policy, &case), [], "{require}");
        assert_eq!(row(&super::super::judge(&policy, &facts(), &case, AS_OF), "V").status, Status::Pass, "{require}");
    }
}

#[test]
fn a_run_of_the_first_rules_is_judged_by_them() {
    let (policy, case) = (asked("{ fact: a.row_count, at_least: 0 }"), case(COLLECT));
    let by = |rules| row(&judge_by(rules, &policy, &facts(), &case, AS_OF), "V").status;
    assert_eq!((by(1), by(2)), (Status::Pass, Status::Unknown));
}

#[test]
fn an_interrupted_action_closes_nothing() {
    let policy = policy("criteria: [{ id: K, title: k, require: { fact: a.n, equals: 3 } }]\n");
    let case = case(&format!("{COLLECT}action: {{ title: t, command: [/bin/true] }}\n"));
    let ended = |interrupted| {
        let action = Fact { uses: ACTION.into(), ..fact(ACTION, &format!("{{ interrupted: {interrupted} }}")) };
        let verdict = super::super::judge(&policy, &[facts(), vec![action]].concat(), &case, AS_OF);
        (verdict.outcome, verdict.closure)
    };
    assert_eq!(ended(false), (Outcome::Pass, Some(Closure::Closed)));
    assert_eq!(ended(true), (Outcome::Unknown, Some(Closure::Open)));
}
