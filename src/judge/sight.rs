//! What the facts of a run show at a reference, or why nothing can be seen there. A reference that
//! leads nowhere is a reason not to know, never an error and never a value.

use std::collections::BTreeMap;

use crate::base::text;
use crate::model::case::Case;
use crate::model::fact::{Absence, Basis, Fact, Reason, split_reference};
use crate::model::policy::Exception;
use crate::model::value::Value;

/// A reason why something is not established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// What it is about, when that stands in front of the reason.
    pub(super) subject: Option<String>,
    /// In words.
    pub(super) why: String,
    /// The exact command that would settle it.
    pub(super) settle: Option<String>,
}

impl Gap {
    /// A gap that no single command settles.
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { subject: None, why: why.into(), settle: None }
    }
}

/// What is missing, in words; subjects with one and the same reason stand together.
pub(super) fn in_words(gaps: &[Gap]) -> String {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for gap in gaps {
        let at = by_reason.iter().position(|(why, _)| *why == gap.why).unwrap_or(by_reason.len());
        if at == by_reason.len() {
            by_reason.push((&gap.why, Vec::new()));
        }
        let subjects = &mut by_reason[at].1;
        subjects.extend(gap.subject.as_deref().filter(|subject| !subjects.contains(subject)));
    }
    let words = by_reason.into_iter().map(|(why, subjects)| match &subjects[..] {
        [] => why.to_owned(),
        subjects => format!("{}: {why}", subjects.join(", ")),
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Nothing to be seen at a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blank {
    /// What the "observed" column says.
    pub(super) observed: String,
    /// Why, and what would settle it.
    pub(super) gap: Gap,
    /// It was looked for and is established not to be there.
    pub(super) not_found: bool,
}

/// The facts, by id.
pub(super) struct Sight<'a> {
    facts: BTreeMap<&'a str, Vec<&'a Fact>>,
    exceptions: &'a [Exception],
    case: Option<&'a Case>,
    /// The rules of judgement; see [`super::RULES`].
    pub(super) rules: u32,
    /// The instant that ages are counted from.
    pub(super) as_of: &'a str,
}

impl<'a> Sight<'a> {
    /// The view on `facts` as of `as_of`.
    pub(super) fn new(facts: &'a [Fact], as_of: &'a str) -> Self {
        let mut by_id: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
        for fact in facts {
            by_id.entry(&fact.id).or_default().push(fact);
        }
        Self { facts: by_id, exceptions: &[], case: None, rules: super::RULES, as_of }
    }

    /// The same, with the policy's named exceptions.
    pub(super) fn with_exceptions(self, exceptions: &'a [Exception]) -> Self {
        Self { exceptions, ..self }
    }

    /// The same by the `rules` of judgement, over the facts of `case`.
    pub(super) fn by_rules(self, rules: u32, case: &'a Case) -> Self {
        Self { rules, case: Some(case), ..self }
    }

    /// Whether two references lead to two observations of one and the same thing, between which nothing was done:
    /// the same collector, target and source. A case with an action may look at a thing twice.
    pub(super) fn is_same_thing(&self, one: &str, other: &str) -> bool {
        let (one, other) = (split_reference(one).0, split_reference(other).0);
        let collected = |case: &&Case| case.action.is_none() && case.collect.iter().any(|step| step.id == one);
        let (Some(_), Ok(a), Ok(b)) = (self.case.filter(collected), self.fact(one), self.fact(other)) else {
            return false;
        };
        one != other && !a.source.is_empty() && (&a.uses, &a.target, &a.source) == (&b.uses, &b.target, &b.source)
    }

    /// The policy's exception called `id`.
    pub(super) fn exception(&self, id: &str) -> Option<&'a Exception> {
        self.exceptions.iter().find(|exception| exception.id == id)
    }

    /// The fact called `id`.
    pub(super) fn fact(&self, id: &str) -> Result<&'a Fact, Blank> {
        match self.facts.get(id).map(Vec::as_slice) {
            Some([fact]) => Ok(fact),
            Some(_) => Err(unseen(&format!("several facts are called `{id}`"), id)),
            None => Err(unseen(&format!("no fact `{}` in this run", text::visible(id)), id)),
        }
    }

    /// The value at `reference`. A whole fact is none: that a look was taken says nothing about what
    /// it was taken at (`file` shows `exists: false`).
    pub(super) fn value(&self, reference: &str) -> Result<&'a Value, Blank> {
        let (id, path) = split_reference(reference);
        let fact = self.fact(id)?;
        if path.is_empty() {
            return Err(unseen("a whole fact is not a value: name one, as in `fresh.size_bytes`", reference));
        }
        match fact.at(path) {
            Some(Ok(value)) => Ok(value),
            Some(Err(absence)) => Err(absent(reference, absence)),
            None => Err(nowhere(fact, path)),
        }
    }

    /// The seat, when `reference` points into a statement.
    pub(super) fn seat(&self, reference: &str) -> Option<&'a str> {
        let fact = self.fact(split_reference(reference).0).ok()?;
        let said = fact.basis == Basis::Statement;
        said.then(|| fact.values.get("seat").and_then(Value::as_text).unwrap_or("somebody"))
    }

    /// Whether the list or map at `reference`, of which `kept` entries are there, was cut when it
    /// was collected, as a neighbour says: `<name>_cut`, `<name>_total` or `cut`; or may be, because its
    /// `<name>_total`, `<name>_count` or `count` is not known, or the fact is not `complete`.
    pub(super) fn is_cut(&self, reference: &str, kept: usize) -> bool {
        let neighbour = |name: &str| self.value(name).ok();
        let says = |name: &str| matches!(neighbour(name), Some(Value::Bool(true)));
        let total = neighbour(&format!("{reference}_total")).and_then(Value::as_int);
        let folder = reference.rsplit_once('.').map_or("", |(folder, _)| folder);
        says(&format!("{reference}_cut"))
            || says(&format!("{folder}.cut"))
            || total.is_some_and(|total| i64::try_from(kept).is_ok_and(|kept| total > kept))
            || says_not_whole(self, reference, folder)
    }
}

/// Entries that were not seen leave no trace in a list; what counts or sums them up has it.
fn says_not_whole(sight: &Sight<'_>, reference: &str, folder: &str) -> bool {
    let (id, path) = split_reference(reference);
    let Ok(fact) = sight.fact(id) else { return false };
    let beside = split_reference(folder).1;
    let count = if beside.is_empty() { "count".to_owned() } else { format!("{beside}.count") };
    let names = [format!("{path}_total"), format!("{path}_count"), count];
    let hidden = |name: &String| matches!(fact.at(name), Some(Err(why)) if why.reason.hides());
    matches!(fact.at("complete"), Some(Ok(Value::Bool(false)))) || names.iter().any(hidden)
}

fn absent(reference: &str, absence: &Absence) -> Blank {
    let word = absence.reason.word();
    let message = text::visible(&absence.message);
    let why = if message.is_empty() || message == word { word.to_owned() } else { format!("{word}: {message}") };
    Blank {
        observed: format!("not seen: {word}"),
        gap: Gap { subject: Some(reference.to_owned()), why, settle: absence.settle.clone() },
        not_found: absence.reason == Reason::NotFound,
    }
}

fn nowhere(fact: &Fact, path: &str) -> Blank {
    let hint = text::did_you_mean(path, fact.values.keys().map(String::as_str));
    unseen(&format!("`{}` shows nothing called `{}`{hint}", fact.uses, text::visible(path)), &fact.id)
}

fn unseen(what: &str, subject: &str) -> Blank {
    let gap = Gap { subject: Some(text::visible(subject).into_owned()), why: what.to_owned(), settle: None };
    Blank { observed: format!("not seen: {what}"), gap, not_found: false }
}
