//! The operators, one table. Each says what it compares, when it does not know, and how it reads in
//! a record; `evidence explain`, `docs/policy.md` and the evaluation all use this table.
//!
//! An operator never guesses: a value of a type it does not compare is a reason not to know.

mod age;
mod amount;
mod combine;
mod count;
mod exceptions;
mod presence;
mod sameness;
mod text;

use crate::model::policy::Condition;
use crate::model::value::Value;

use super::sight::{Gap, Sight};
use super::unit::Unit;

/// One operator or combinator of a condition.
pub struct Operator {
    /// Its key in a policy.
    pub name: &'static str,
    /// One line: when it holds.
    pub doc: &'static str,
    /// What it compares, and when it is UNKNOWN.
    pub detail: &'static str,
    /// A condition that can be pasted in a policy, YAML.
    pub example: &'static str,
    /// Whether what the policy wrote can be compared at all.
    pub(super) check: fn(&Condition) -> Result<(), String>,
    /// How it judges.
    pub(super) rule: Rule,
}

/// How an operator judges.
pub(super) enum Rule {
    /// By the value; without one it is UNKNOWN.
    Value {
        /// How the expectation reads, e.g. `at least 1 MB (1000000 bytes)`.
        expected: fn(&Leaf<'_>) -> String,
        /// Whether the value fulfils it.
        holds: fn(&Leaf<'_>, &Value) -> Result<bool, Gap>,
    },
    /// By whether there is one: the answer when there is, and when it is established that there is none.
    Presence {
        /// How the expectation reads.
        expected: &'static str,
        /// The answer when there is a value.
        when_there: bool,
    },
    /// By its parts.
    Combines,
}

/// A condition with one fact, while it is evaluated.
pub(super) struct Leaf<'a> {
    /// The condition, for the operand.
    pub(super) condition: &'a Condition,
    /// The reference that it judges.
    pub(super) reference: &'a str,
    /// The unit of the value there.
    pub(super) unit: Unit,
    /// Every fact, for operators that compare two.
    pub(super) sight: &'a Sight<'a>,
}

impl Leaf<'_> {
    /// The gap that a value of the wrong kind leaves.
    fn wrong_kind(&self, value: &Value, compares: &str) -> Gap {
        Gap::new(format!("{} is a {}, and this compares {compares}", self.reference, value.kind()))
    }
}

/// Every operator, in the order of the documentation.
pub static OPERATORS: &[&Operator] = &[
    &sameness::EQUALS,
    &sameness::NOT_EQUALS,
    &sameness::ONE_OF,
    &sameness::SAME_AS,
    &amount::AT_LEAST,
    &amount::AT_MOST,
    &amount::MORE_THAN,
    &amount::LESS_THAN,
    &amount::BETWEEN,
    &text::CONTAINS,
    &text::MATCHES,
    &presence::PRESENT,
    &presence::ABSENT,
    &age::OLDER_THAN,
    &age::YOUNGER_THAN,
    &count::COUNT,
    &exceptions::ONLY_EXCEPTIONS,
    &combine::ALL,
    &combine::ANY,
    &combine::NOT,
];

/// The operator called `name`.
#[must_use]
pub fn operator(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().copied().find(|operator| operator.name == name)
}

/// A compiled pattern.
pub(super) fn compile(pattern: &str) -> Result<regex::Regex, String> {
    text::compile(pattern)
}

/// What is wrong with a pattern, if something is.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    text::compile(pattern).map(drop)
}

/// The gap of a condition without its operand; [`Condition::validate`] refuses such a policy.
fn no_operand() -> Gap {
    Gap::new("the policy gives nothing to compare with")
}
