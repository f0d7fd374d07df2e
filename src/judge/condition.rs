//! One condition over the facts: its truth, what was seen beside what was expected, and what is
//! missing when it is not known.

use crate::model::policy::Condition;

use super::operators::{self, Leaf, Operator, Rule};
use super::sight::{self, Blank, Gap, Sight};
use super::truth::Truth;
use super::unit::Unit;
use super::{vacuous, words};

/// How a condition came out.
pub(super) struct Finding {
    /// Whether it holds.
    pub(super) truth: Truth,
    /// What was seen, by reference, in order.
    seen: Vec<(String, String)>,
    /// What was expected: of the single fact, without its name.
    expected: String,
    /// The same as part of a larger condition, with the fact's name.
    clause: String,
    /// Why it is not established; empty when it is.
    gaps: Vec<Gap>,
}

impl Finding {
    /// What was seen, in words; with the references when there are several.
    pub(super) fn observed(&self) -> String {
        match &self.seen[..] {
            [(_, words)] => words.clone(),
            several => {
                several.iter().map(|(reference, words)| format!("{reference}: {words}")).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// What was seen, always with the references.
    pub(super) fn observed_by_name(&self) -> String {
        self.seen.iter().map(|(reference, words)| format!("{reference}: {words}")).collect::<Vec<_>>().join("; ")
    }

    /// What was expected, in words.
    pub(super) fn expected(&self) -> &str {
        &self.expected
    }

    /// What is missing, in words.
    pub(super) fn why_unknown(&self) -> String {
        sight::in_words(&self.gaps)
    }

    /// The first command that would settle something.
    pub(super) fn settle(&self) -> Option<String> {
        self.gaps.iter().find_map(|gap| gap.settle.clone())
    }
}

/// Evaluates `condition`.
pub(super) fn evaluate(condition: &Condition, sight: &Sight<'_>) -> Finding {
    if let Some(parts) = &condition.all {
        return combine(parts, sight, " and ", Truth::True, Truth::and);
    }
    if let Some(why) = vacuous::combination(condition).filter(|_| sight.rules > 1) {
        let finding = nothing_asked();
        return Finding { gaps: vec![Gap::new(why)], ..finding };
    }
    if let Some(parts) = &condition.any {
        return combine(parts, sight, " or ", Truth::False, Truth::or);
    }
    if let Some(part) = &condition.not {
        return negate(evaluate(part, sight));
    }
    let operator = condition.operators().first().and_then(|name| operators::operator(name));
    match (operator, &condition.fact) {
        (Some(operator), Some(reference)) => judge_leaf(operator, condition, reference, sight),
        _ => nothing_asked(),
    }
}

fn combine(
    parts: &[Condition],
    sight: &Sight<'_>,
    word: &str,
    start: Truth,
    join: fn(Truth, Truth) -> Truth,
) -> Finding {
    let findings: Vec<_> = parts.iter().map(|part| evaluate(part, sight)).collect();
    let truth = findings.iter().map(|finding| finding.truth).fold(start, join);
    let expected = findings.iter().map(|finding| finding.clause.as_str()).collect::<Vec<_>>().join(word);
    let (mut seen, mut gaps) = (Vec::new(), Vec::new());
    for finding in findings {
        seen.extend(finding.seen.into_iter().filter(|new| !seen.contains(new)).collect::<Vec<_>>());
        gaps.extend(finding.gaps);
    }
    if truth != Truth::Unknown {
        gaps.clear();
    }
    Finding { truth, seen, clause: format!("({expected})"), expected, gaps }
}

fn negate(finding: Finding) -> Finding {
    // A combination brings its own brackets.
    let combined = finding.clause == format!("({})", finding.expected);
    let expected = format!("not ({})", if combined { &finding.expected } else { &finding.clause });
    Finding { truth: finding.truth.negate(), clause: expected.clone(), expected, ..finding }
}

/// A condition without a fact or operator; [`Condition::validate`] refuses such a policy.
fn nothing_asked() -> Finding {
    let gaps = vec![Gap::new("the policy asks nothing here")];
    Finding { truth: Truth::Unknown, seen: Vec::new(), expected: String::new(), clause: String::new(), gaps }
}

fn judge_leaf(operator: &Operator, condition: &Condition, reference: &str, sight: &Sight<'_>) -> Finding {
    let leaf = Leaf { condition, reference, unit: Unit::of(reference), sight };
    let (answer, observed, expected) = match &operator.rule {
        Rule::Value { expected, holds } => {
            let (answer, observed) = match sight.value(reference) {
                Ok(value) => (proved(&leaf, holds(&leaf, value)), words::show(value, leaf.unit)),
                Err(Blank { observed, gap, .. }) => (Err(gap), observed),
            };
            (answer, observed, expected(&leaf))
        }
        Rule::Presence { expected, when_there } => {
            let (answer, observed) = presence(&leaf, *when_there);
            (answer, observed, (*expected).to_owned())
        }
        Rule::Combines => return nothing_asked(),
    };
    let verb = match operator.name {
        "contains" | "matches" => "",
        "count" | "only_exceptions" => "has ",
        _ => "is ",
    };
    let clause = format!("{reference} {verb}{expected}");
    let (truth, gaps) = answer.map_or_else(|gap| (Truth::Unknown, vec![gap]), |holds| (holds.into(), Vec::new()));
    Finding { truth, seen: vec![(reference.to_owned(), credited(&leaf, observed))], expected, clause, gaps }
}

/// A condition that nothing could make fail proves nothing when it holds.
fn proved(leaf: &Leaf<'_>, answer: Result<bool, Gap>) -> Result<bool, Gap> {
    let why = || vacuous::leaf(leaf.condition).or_else(|| vacuous::same_thing(leaf));
    match answer {
        Ok(true) if leaf.sight.rules > 1 => why().map_or(Ok(true), |why| Err(Gap::new(why))),
        answer => answer,
    }
}

/// What a seat said never stands there as if it had been seen.
fn credited(leaf: &Leaf<'_>, observed: String) -> String {
    match leaf.sight.seat(leaf.reference) {
        Some(seat) => format!("stated by {}: {observed}", words::short(seat)),
        None => observed,
    }
}

fn presence(leaf: &Leaf<'_>, when_there: bool) -> (Result<bool, Gap>, String) {
    match leaf.sight.value(leaf.reference) {
        Ok(value) => (Ok(when_there), words::show(value, leaf.unit)),
        Err(blank) if blank.not_found => (Ok(!when_there), blank.observed),
        Err(blank) => (Err(blank.gap), blank.observed),
    }
}
