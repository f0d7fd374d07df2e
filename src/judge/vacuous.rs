//! Conditions that nothing could make fail: a bound that every count fulfils, a pattern that every text matches, a
//! thing compared with itself. Such a condition proves nothing when it holds, so it is UNKNOWN then, and `plan`
//! reports it before anything is collected.

use std::fmt;

use crate::base::quantity;
use crate::base::text::visible;
use crate::model::case::{Case, Step};
use crate::model::fact::split_reference;
use crate::model::policy::{Amount, Condition, Policy};
use crate::model::value::Value;

use super::operators::{Leaf, compile};
use super::unit::Unit;

/// An item of a policy that nothing could make fail, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacuous {
    /// The item's id.
    pub item: String,
    /// Why nothing could make it fail.
    pub why: String,
}

impl fmt::Display for Vacuous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: nothing could make this fail, so it never passes: {}", visible(&self.item), self.why)
    }
}

/// Every condition of `policy` that nothing could make fail, as far as the policy and the case alone can show.
#[must_use]
pub fn vacuous(policy: &Policy, case: &Case) -> Vec<Vacuous> {
    let conditions = policy.items().flat_map(|(id, list)| list.into_iter().map(move |condition| (id, condition)));
    let found = conditions.flat_map(|(id, condition)| {
        let mut whys = Vec::new();
        walk(condition, case, &mut whys);
        whys.into_iter().map(|why| Vacuous { item: id.to_owned(), why })
    });
    found.collect()
}

fn walk(condition: &Condition, case: &Case, found: &mut Vec<String>) {
    let itself = || same_steps(condition, case);
    found.extend(leaf(condition).or_else(|| combination(condition)).or_else(itself));
    let parts = condition.all.iter().flatten().chain(condition.any.iter().flatten()).chain(condition.not.as_deref());
    parts.for_each(|part| walk(part, case, found));
}

/// Why a condition with one fact holds whatever the fact shows.
pub(super) fn leaf(condition: &Condition) -> Option<String> {
    let fact = condition.fact.as_deref()?;
    let low = condition.at_least.as_ref().and_then(|amount| bound(fact, amount)).is_some_and(|bound| bound <= 0.0)
        || condition.more_than.as_ref().and_then(|amount| bound(fact, amount)).is_some_and(|bound| bound < 0.0);
    if low && counts(fact) {
        return Some(format!("{fact} is never below 0"));
    }
    if condition.count.as_ref().is_some_and(|count| count.at_least == Some(0)) {
        return Some(format!("{fact} never has fewer than 0 entries"));
    }
    if condition.matches.as_deref().is_some_and(matches_everything) {
        return Some("every text matches this pattern".to_owned());
    }
    let both = |listed: &[Value]| [true, false].iter().all(|b| listed.contains(&Value::Bool(*b)));
    if condition.one_of.as_deref().is_some_and(both) {
        return Some("both `true` and `false` are listed".to_owned());
    }
    of_itself(condition, fact)
}

/// A value compared with itself or with a share of itself.
fn of_itself(condition: &Condition, fact: &str) -> Option<String> {
    let amounts = [&condition.at_least, &condition.at_most, &condition.more_than, &condition.less_than];
    let amounts = amounts.into_iter().flatten().chain(condition.between.iter().flatten());
    let mut shares = amounts.filter_map(|amount| match amount {
        Amount::Share(share) => Some(share.of.as_str()),
        _ => None,
    });
    let itself = condition.same_as.as_deref() == Some(fact) || shares.any(|of| of == fact);
    itself.then(|| format!("{fact} is compared with itself"))
}

/// Why `any` holds whatever its parts show: one part is the opposite of another.
pub(super) fn combination(condition: &Condition) -> Option<String> {
    let parts = condition.any.as_ref()?;
    let text = |part: &Condition| serde_json::to_value(part).ok();
    let opposite = |part: &Condition| match (&part.not, &part.equals) {
        (Some(inner), _) => text(inner),
        (None, Some(Value::Bool(b))) => text(&Condition { equals: Some(Value::Bool(!b)), ..part.clone() }),
        _ => None,
    };
    let all: Vec<_> = parts.iter().map(text).collect();
    let found = parts.iter().filter_map(opposite).any(|other| all.contains(&Some(other)));
    found.then(|| "one of the alternatives is the opposite of another".to_owned())
}

/// Why `same_as` compares a thing with itself, by what was observed.
pub(super) fn same_thing(leaf: &Leaf<'_>) -> Option<String> {
    let other = leaf.condition.same_as.as_deref()?;
    let same = leaf.sight.is_same_thing(leaf.reference, other);
    same.then(|| itself(leaf.reference, other))
}

/// The same before anything was observed: two steps with the same settings.
fn same_steps(condition: &Condition, case: &Case) -> Option<String> {
    let (fact, other) = (condition.fact.as_deref()?, condition.same_as.as_deref()?);
    let (one, two) = (split_reference(fact).0, split_reference(other).0);
    let step = |id: &str| case.collect.iter().find(|step| step.id == id);
    let (a, b): (&Step, &Step) = (step(one)?, step(two)?);
    let same = one != two && case.action.is_none() && (&a.uses, &a.on, &a.with) == (&b.uses, &b.on, &b.with);
    same.then(|| itself(fact, other))
}

fn itself(fact: &str, other: &str) -> String {
    format!("{fact} and {other} were observed on the same thing: it is compared with itself")
}

fn bound(fact: &str, amount: &Amount) -> Option<f64> {
    match amount {
        Amount::Number(number) => Some(*number),
        Amount::Quantity(text) => Unit::of(fact).number(quantity::parse(text).ok()?),
        Amount::Share(_) => None,
    }
}

/// Whether the last word of the name says that the number counts something.
fn counts(fact: &str) -> bool {
    let mut names = fact.rsplit('.').filter(|part| part.parse::<usize>().is_err());
    let last = names.next().and_then(|name| name.rsplit('_').next()).unwrap_or("");
    Unit::of(fact) != Unit::Bare || matches!(last, "count" | "total" | "lines" | "rows" | "entries" | "members")
}

/// Whether the pattern finds itself in texts that have nothing in common.
fn matches_everything(pattern: &str) -> bool {
    const ODD: [&str; 4] = ["", "\u{1}", "q7 Z", "0\n-"];
    compile(pattern).is_ok_and(|regex| ODD.iter().all(|text| regex.is_match(text)))
}
