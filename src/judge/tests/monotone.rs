//! Less evidence never makes a better verdict.

use proptest::prelude::*;

use super::super::judge;
use super::*;
use crate::model::policy::{Amount, Check, ChecklistItem, Count, Halts, HardStop, Share};
use crate::model::value::Value;
use crate::model::verdict::{Outcome, Status};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (0i64..4).prop_map(Value::Int),
        "[ab]{0,2}".prop_map(Value::Text),
        Just(Value::Text("2026-05-15T06:00:00Z".into())),
        Just(Value::List(vec![Value::Int(1)])),
    ]
}

/// Facts `a`, `b`, `c`: there, with values or without, or absent for some reason.
fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let one = |id: &'static str| {
        let reason = prop_oneof![Just(None), Just(Some(Reason::NotFound)), Just(Some(Reason::Denied))];
        let values = proptest::collection::btree_map("[xy]", value(), 0..3);
        (values, reason, 0u8..8).prop_map(move |(values, reason, whole)| {
            let mut fact = Fact { values, ..fact(id, "{}") };
            if let Some(reason) = reason {
                fact = missing(fact, "y", reason);
            }
            if whole == 0 { gone(id, Reason::NotFound) } else { fact }
        })
    };
    (one("a"), one("b"), one("c")).prop_map(|(a, b, c)| vec![a, b, c])
}

fn reference() -> impl Strategy<Value = String> {
    "[abc]\\.[xy]"
}

fn leaf() -> impl Strategy<Value = Condition> {
    let operand = prop_oneof![
        value().prop_map(|v| Condition { equals: Some(v), ..Default::default() }),
        value().prop_map(|v| Condition { not_equals: Some(v), ..Default::default() }),
        value().prop_map(|v| Condition { contains: Some(v), ..Default::default() }),
        Just(Condition { present: Some(true), ..Default::default() }),
        Just(Condition { absent: Some(true), ..Default::default() }),
        (0u8..4).prop_map(|n| Condition { at_least: Some(Amount::Number(n.into())), ..Default::default() }),
        reference()
            .prop_map(|of| Condition { at_most: Some(Amount::Share(Share { share: 0.5, of })), ..Default::default() }),
        reference().prop_map(|r| Condition { same_as: Some(r), ..Default::default() }),
        Just(Condition { older_than: Some("1h".into()), ..Default::default() }),
        Just(Condition { count: Some(Count { at_most: Some(1), ..Default::default() }), ..Default::default() }),
    ];
    (reference(), operand).prop_map(|(fact, condition)| Condition { fact: Some(fact), ..condition })
}

fn any_condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3)
                .prop_map(|l| Condition { all: Some(l), ..Default::default() }),
            proptest::collection::vec(inner.clone(), 1..3)
                .prop_map(|l| Condition { any: Some(l), ..Default::default() }),
            inner.prop_map(|c| Condition { not: Some(Box::new(c)), ..Default::default() }),
        ]
    })
}

fn whole_policy() -> impl Strategy<Value = Policy> {
    (any_condition(), any_condition(), proptest::option::of(any_condition()), any::<bool>()).prop_map(
        |(stop, require, misleading_if, asks)| Policy {
            hard_stops: vec![HardStop {
                id: "H".into(),
                title: "h".into(),
                unless: stop,
                halts: Halts::Everything,
                because: None,
            }],
            checks: vec![Check { id: "C".into(), title: "c".into(), require, misleading_if, because: None }],
            checklist: asks
                .then(|| ChecklistItem {
                    id: "S".into(),
                    title: "s".into(),
                    require: None,
                    statement: Some("executor".into()),
                    settle: None,
                    because: None,
                })
                .into_iter()
                .collect(),
            ..read("policy: p")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn taking_a_fact_away_never_turns_anything_into_a_pass(policy in whole_policy(), mut facts in facts(), gone in 0usize..4) {
        facts.push(statement("said", "executor", "S"));
        let case = case("collect: [{ id: said, uses: statement, with: { answers: S } }]\n");
        let before = judge(&policy, &facts, &case, AS_OF);
        let removed = facts.remove(gone);
        let after = judge(&policy, &facts, &case, AS_OF);
        for (before, after) in before.rows.iter().zip(&after.rows) {
            prop_assert!(after.status != Status::Pass || before.status == Status::Pass, "{before:?} became {after:?}");
            // What changed at all became unknown, and only where the fact was used.
            prop_assert!(after.status == before.status || after.status == Status::Unknown, "{before:?} became {after:?}");
            let used = before.facts.iter().any(|r| crate::model::fact::split_reference(r).0 == removed.id);
            prop_assert!(used || after == before);
        }
        prop_assert!(after.outcome != Outcome::Pass || before.outcome == Outcome::Pass);
    }

    #[test]
    fn no_facts_pass_nothing(policy in whole_policy()) {
        let verdict = judge(&policy, &[], &case("collect: []\n"), AS_OF);
        prop_assert!(verdict.rows.iter().all(|row| row.status == Status::Unknown));
        prop_assert!(verdict.outcome != Outcome::Pass);
    }
}
