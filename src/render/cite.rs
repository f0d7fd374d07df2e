//! The objects that templates get for facts. A value never leaves its citation: printing it prints
//! its label, filters keep it, and anything that would turn it into bare text is refused.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value as Jinja};

use super::error::complain;
use super::escape;
use super::form::{self, Form};
use super::ledger::Ledger;
use crate::base::text;
use crate::model::fact::{Absence, Artifact, Fact, Reason};
use crate::model::value::Value;

const AS_TEXT: &str =
    "a fact's value was turned into text and would lose its citation; print it by itself, with a filter";
const AS_TRUTH: &str = "a fact's value was used as a condition; use `.is(value)`, `.known()` or `.has(path)`";

/// What stands at a path of a fact.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// A value.
    Known(Value),
    /// Nothing, and why.
    Absent(Absence),
}

/// A value with its citation.
#[derive(Clone)]
pub(super) struct Cited {
    pub(super) ledger: Arc<Ledger>,
    pub(super) fact: usize,
    pub(super) path: String,
    pub(super) seen: Seen,
    pub(super) form: Form,
}

/// A fact as a template sees it.
#[derive(Clone)]
pub(super) struct FactObject {
    pub(super) ledger: Arc<Ledger>,
    pub(super) fact: usize,
}

impl fmt::Debug for Cited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cited value")
    }
}

impl fmt::Debug for FactObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fact")
    }
}

/// An absence in Markdown: `UNKNOWN (permission denied)`. What is established not to be there is
/// known, and so is what cannot be there.
pub(super) fn unknown(absence: &Absence) -> String {
    format!("{} ({})", word(absence.reason), absence.reason.word())
}

/// How sure an absence is, in a word.
pub(super) fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::NotFound => "ABSENT",
        Reason::NotApplicable => "NONE",
        _ => "UNKNOWN",
    }
}

impl Cited {
    /// Within a sentence: the value and its label.
    pub(super) fn sentence(&self) -> String {
        let mark = self.ledger.mark(self.fact);
        let value = self.bare();
        if mark.starts_with('[') {
            return format!("{value} {mark}");
        }
        let (basis, label) = mark.rsplit_once(' ').unwrap_or(("", &mark));
        format!("{value} ({basis}) {label}")
    }

    /// The value alone, for cells of a row that carries the label.
    pub(super) fn bare(&self) -> String {
        match &self.seen {
            Seen::Known(value) => form::markdown(value, self.form),
            Seen::Absent(absence) => unknown(absence),
        }
    }

    /// As lines of a YAML block, label in a comment.
    pub(super) fn yaml(&self, key: &str) -> Vec<String> {
        let mark = self.ledger.mark(self.fact);
        match &self.seen {
            Seen::Known(value) => form::yaml_lines(key, value, self.form, &mark, 0),
            Seen::Absent(absence) => {
                let why = format!("{}: {} {mark}", absence.reason.word(), escape::line(&absence.message, 300));
                form::yaml_lines(key, &Value::from(word(absence.reason)), Form::Plain, &why, 0)
            }
        }
    }

    /// As one comment of a YAML block, for several keys that are absent alike.
    pub(super) fn yaml_comment(&self, keys: &[&str]) -> String {
        let Seen::Absent(absence) = &self.seen else { return String::new() };
        let (why, mark) = (escape::line(&absence.message, 300), self.ledger.mark(self.fact));
        let keys = escape::line(&keys.join(", "), 2000);
        format!("# {} for {keys}: {why} {mark}", unknown(absence))
    }

    /// The same value in another form.
    pub(super) fn shaped(&self, form: Form) -> Self {
        Self { form, ..self.clone() }
    }

    /// What stands at `path` below this value; `None` when nothing does and nothing was missed.
    pub(super) fn below(&self, path: &str) -> Option<Self> {
        let full = format!("{}.{path}", self.path);
        let seen = match &self.seen {
            Seen::Absent(absence) => Seen::Absent(absence.clone()),
            Seen::Known(value) => match value.at(path) {
                Some(value) => Seen::Known(value.clone()),
                None => Seen::Absent(self.ledger.fact(self.fact).at(&full)?.err()?.clone()),
            },
        };
        let form = Form::of(&full);
        Some(Self { path: full, seen, form, ..self.clone() })
    }

    /// The same citation around another value: a key, a count.
    pub(super) fn around(&self, value: Value) -> Self {
        Self { seen: Seen::Known(value), form: Form::Plain, ..self.clone() }
    }

    /// How many elements a list or map has.
    pub(super) fn count(&self) -> usize {
        match &self.seen {
            Seen::Known(Value::List(list)) => list.len(),
            Seen::Known(Value::Map(map)) => map.len(),
            _ => 0,
        }
    }

    /// The first `most` elements of a list, or entries of a map, keys and values cited; `None` for
    /// anything else.
    pub(super) fn elements(&self, most: usize) -> Option<Vec<(Self, Self)>> {
        let Seen::Known(value) = &self.seen else { return None };
        let child = |key: String, value: &Value| Self {
            path: format!("{}.{key}", self.path),
            seen: Seen::Known(value.clone()),
            form: Form::of(&key),
            ..self.clone()
        };
        match value {
            Value::List(list) => {
                let numbered = list.iter().take(most).enumerate();
                Some(numbered.map(|(i, v)| (self.around(Value::from(i + 1)), child(i.to_string(), v))).collect())
            }
            Value::Map(map) => Some(
                map.iter().take(most).map(|(k, v)| (self.around(k.as_str().into()), child(k.clone(), v))).collect(),
            ),
            _ => None,
        }
    }

    fn is(&self, wanted: &Jinja) -> bool {
        match &self.seen {
            Seen::Known(Value::Bool(value)) => *wanted == Jinja::from(*value),
            Seen::Known(Value::Int(value)) => *wanted == Jinja::from(*value),
            Seen::Known(Value::Text(value)) => wanted.as_str() == Some(value),
            _ => false,
        }
    }
}

/// What fact `index` says at `path`, or `None` when its collector says nothing of such a thing.
pub(super) fn look(ledger: &Arc<Ledger>, index: usize, path: &str) -> Option<Cited> {
    let seen = match ledger.fact(index).at(path)? {
        Ok(value) => Seen::Known(value.clone()),
        Err(absence) => Seen::Absent(absence.clone()),
    };
    Some(Cited { ledger: Arc::clone(ledger), fact: index, path: path.to_owned(), seen, form: Form::of(path) })
}

fn no_such_path(fact: &Fact, path: &str) -> Error {
    let hint = text::did_you_mean(path, fact.values.keys().map(String::as_str));
    complain(format!("fact `{}` ({}) says nothing of `{path}`{hint}; ask with `.has(path)` first", fact.id, fact.uses))
}

/// [`look`], or the error that a template's author needs.
pub(super) fn demand(ledger: &Arc<Ledger>, index: usize, path: &str) -> Result<Cited, Error> {
    look(ledger, index, path).ok_or_else(|| no_such_path(ledger.fact(index), path))
}

fn text_argument<'a>(args: &'a [Jinja], what: &str) -> Result<&'a str, Error> {
    args.first().and_then(Jinja::as_str).ok_or_else(|| complain(format!("`{what}` needs a path, e.g. \"gzip.valid\"")))
}

/// What may be left out: nothing at all, and what does not apply.
pub(super) fn applicable(cited: Option<Cited>) -> Option<Cited> {
    cited.filter(|cited| !matches!(&cited.seen, Seen::Absent(a) if a.reason == Reason::NotApplicable))
}

fn optional(cited: Option<Cited>) -> Jinja {
    applicable(cited).map_or_else(|| Jinja::from(()), Jinja::from_object)
}

impl Object for Cited {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.seen {
            Seen::Known(Value::List(_)) => ObjectRepr::Iterable,
            _ => ObjectRepr::Plain,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.elements(usize::MAX) {
            Some(elements) => {
                Enumerator::Values(elements.into_iter().map(|(_, value)| Jinja::from_object(value)).collect())
            }
            None => Enumerator::NonEnumerable,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.ledger.misuse(AS_TRUTH);
        false
    }

    fn custom_cmp(self: &Arc<Self>, _: &DynObject) -> Option<std::cmp::Ordering> {
        self.ledger.misuse(AS_TRUTH);
        None
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Jinja]) -> Result<Jinja, Error> {
        match method {
            "known" => Ok(Jinja::from(matches!(self.seen, Seen::Known(_)))),
            "is" => Ok(Jinja::from(args.iter().any(|wanted| self.is(wanted)))),
            "has" => Ok(Jinja::from(applicable(self.below(text_argument(args, "has")?)).is_some())),
            "maybe" => Ok(optional(self.below(text_argument(args, "maybe")?))),
            "at" => {
                let path = text_argument(args, "at")?;
                let found = self.below(path);
                let full = format!("{}.{path}", self.path);
                found.map(Jinja::from_object).ok_or_else(|| no_such_path(self.ledger.fact(self.fact), &full))
            }
            "pairs" => {
                let pairs =
                    self.elements(usize::MAX).ok_or_else(|| complain("`.pairs()` needs a known list or map"))?;
                Ok(pairs
                    .into_iter()
                    .map(|(k, v)| Jinja::from(vec![Jinja::from_object(k), Jinja::from_object(v)]))
                    .collect())
            }
            "some" => Ok(Jinja::from(self.count() > 0)),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ledger.misuse(AS_TEXT);
        f.write_str("(value without its citation)")
    }
}

/// An artifact with what proves it.
fn artifact(artifact: &Artifact) -> Value {
    let entries = [
        ("name", Value::from(artifact.name.as_str())),
        ("bytes", Value::from(artifact.bytes)),
        ("sha256", Value::from(artifact.sha256.as_str())),
    ];
    Value::Map(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

impl FactObject {
    /// The id with its label, and why the fact is absent if it is.
    pub(super) fn sentence(&self) -> String {
        let fact = self.ledger.fact(self.fact);
        let why = fact.absence.as_ref().map_or_else(String::new, |a| format!(" {}", unknown(a)));
        format!("{}{why} {}", escape::inline(&fact.id), self.ledger.label(self.fact))
    }

    /// Something that every fact has, cited.
    pub(super) fn own(&self, name: &str) -> Option<Cited> {
        let fact = self.ledger.fact(self.fact);
        let value = match name {
            "id" => Value::from(fact.id.as_str()),
            "uses" => Value::from(fact.uses.as_str()),
            "source" => Value::from(fact.source.as_str()),
            "basis" => Value::from(fact.basis.word()),
            "observed_at" => Value::from(fact.observed_at.as_str()),
            "took_ms" => Value::from(fact.took_ms),
            "how" => Value::from(fact.how.clone()),
            "artifacts" => Value::List(fact.artifacts.iter().map(artifact).collect()),
            "target" => Value::from(fact.target.as_deref().unwrap_or("none")),
            _ => return None,
        };
        let path = format!("@{name}");
        let cited = Cited {
            ledger: Arc::clone(&self.ledger),
            fact: self.fact,
            path,
            seen: Seen::Known(value),
            form: Form::Plain,
        };
        Some(match name {
            "observed_at" => cited.shaped(Form::Utc),
            "took_ms" => cited.shaped(Form::Millis),
            _ => cited,
        })
    }
}

impl Object for FactObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        match key.as_str()? {
            // Names without a citation, for headings and conditions.
            "id" => Some(Jinja::from(self.ledger.fact(self.fact).id.as_str())),
            "uses" => Some(Jinja::from(self.ledger.fact(self.fact).uses.as_str())),
            name => self.own(name).map(Jinja::from_object),
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.ledger.misuse(AS_TRUTH);
        false
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Jinja]) -> Result<Jinja, Error> {
        let look = |path| look(&self.ledger, self.fact, path);
        match method {
            "known" => Ok(Jinja::from(self.ledger.fact(self.fact).absence.is_none())),
            "has" => Ok(Jinja::from(applicable(look(text_argument(args, "has")?)).is_some())),
            "maybe" => Ok(optional(look(text_argument(args, "maybe")?))),
            "at" => demand(&self.ledger, self.fact, text_argument(args, "at")?).map(Jinja::from_object),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ledger.misuse(AS_TEXT);
        f.write_str("(fact without its citation)")
    }
}
