//! The template environment: strict, with a limit on work, no file access, no debug output, none
//! of the engine's own filters, and a formatter of our own that escapes whatever it is given.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value as Jinja, context};

use super::block::{self, Block, block, paragraph};
use super::cite::{Cited, FactObject, demand};
use super::error::{RenderError, complain};
use super::form::{self, FORMS, Form};
use super::ledger::Ledger;
use super::{anchors, change, escape, judged, messages, narrative, said, supposed, table};
use crate::model::bundle::Bundle;
use crate::model::fact::split_reference;
use crate::model::value::Value;

/// Instructions that one template may run: thousands of times what ours need.
const FUEL: u64 = 20_000_000;

fn bare<'a>() -> Result<Environment<'a>, Error> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    Ok(env)
}

/// Every name that a template can use; a test holds it against the environment.
pub(super) const NAMES: [&str; 40] = [
    "absence",
    "anchors",
    "asked",
    "bundle",
    "case",
    "changes",
    "checks",
    "commands",
    "each",
    "excerpt",
    "fact",
    "facts_block",
    "facts_not_using",
    "facts_using",
    "front_matter",
    "grid",
    "has_checks",
    "has_fact",
    "how",
    "hygiene",
    "hypotheses",
    "lines",
    "messages",
    "narrative",
    "policy",
    "proposals",
    "run",
    "seats",
    "section",
    "signatures",
    "statements",
    "subsection",
    "summary",
    "table",
    "unknowns",
    "values_block",
    "verdict",
    "loop",
    "self",
    "super",
];

/// Checks that `source` is a template, and gives the names that it uses without setting them.
///
/// # Errors
/// The first error of syntax, with its line.
pub(super) fn compile(name: &str, source: &str) -> Result<BTreeSet<String>, RenderError> {
    let mut env = bare()?;
    env.add_template_owned(name.to_owned(), source.to_owned())?;
    Ok(env.get_template(name)?.undeclared_variables(false).into_iter().collect())
}

/// The environment of one rendering, with the sealed templates and nothing else to read from.
///
/// # Errors
/// When a sealed template is no template.
pub(super) fn environment<'a>(bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) -> Result<Environment<'a>, RenderError> {
    let mut env = bare()?;
    let known = Arc::clone(ledger);
    env.set_formatter(move |out, _, value| format(out, value, &known));
    for (name, source) in &bundle.templates {
        env.add_template_owned(name.clone(), source.clone())?;
    }
    if let Some(source) = &bundle.narrative {
        env.add_template_owned(narrative::NAME, source.clone())?;
    }
    add_filters(&mut env);
    add_globals(&mut env, bundle);
    add_facts(&mut env, ledger);
    add_blocks(&mut env, ledger);
    add_judged(&mut env, bundle, ledger);
    add_people(&mut env, bundle, ledger);
    Ok(env)
}

/// Everything that is printed passes here. Only blocks made by Rust, and text that passed here
/// before (a macro's output), are written as they are.
fn format(out: &mut Output, value: &Jinja, ledger: &Ledger) -> Result<(), Error> {
    if let Some(misuse) = ledger.take_misuse() {
        return Err(complain(misuse));
    }
    let text = if let Some(block) = value.downcast_object_ref::<Block>() {
        block.0.clone()
    } else if let Some(cited) = value.downcast_object_ref::<Cited>() {
        cited.sentence()
    } else if let Some(fact) = value.downcast_object_ref::<FactObject>() {
        fact.sentence()
    } else if let Some(text) = value.as_str() {
        if value.is_safe() { text.to_owned() } else { escape::prose(text) }
    } else if value.is_number() || value.kind() == ValueKind::Bool {
        value.to_string()
    } else if value.is_none() {
        return Err(complain("nothing to print here: what `.maybe()` did not find; test with `.has()` first"));
    } else {
        return Err(complain(format!("a {} cannot be printed; use a block such as table()", value.kind())));
    };
    out.write_str(&text).map_err(|_| complain("the record could not be written"))
}

fn add_filters(env: &mut Environment<'_>) {
    for (name, form) in FORMS {
        env.add_filter(name, move |value: Jinja| shape(&value, name, form));
    }
    env.add_filter("code", |text: &str| block(escape::inline(text)));
    env.add_filter("length", |list: &Jinja| -> Result<usize, Error> { Ok(list.try_iter()?.count()) });
    env.add_test("defined", |value: &Jinja| !value.is_undefined());
}

fn shape(value: &Jinja, name: &str, form: Form) -> Result<Jinja, Error> {
    if let Some(cited) = value.downcast_object_ref::<Cited>() {
        return Ok(Jinja::from_object(cited.shaped(form)));
    }
    let plain = match (value.as_str(), value.as_i64()) {
        (Some(text), _) => Value::from(text),
        (None, Some(number)) => Value::from(number),
        (None, None) => return Err(complain(format!("`{name}` needs a fact's value, text or a number"))),
    };
    Ok(block(form::markdown(&plain, form)))
}

fn add_globals(env: &mut Environment<'_>, bundle: &Bundle) {
    let mut case = bundle.case.clone();
    case.zone.get_or_insert_with(|| "UTC".to_owned());
    env.add_global("case", Jinja::from(Serde(&case)));
    env.add_global("run", Jinja::from(Serde(&bundle.info)));
    let policy = &bundle.policy;
    env.add_global(
        "policy",
        context! {
            name => &*policy.policy,
            title => &*policy.title,
            sha256 => &*bundle.policy_sha256,
            signatures => policy.signatures.is_some(),
        },
    );
    env.add_global("bundle", context! { digest => &*bundle.digest, narrated => bundle.narrative.is_some() });
    let closure = bundle.verdict.closure.map_or("none", |c| c.word());
    env.add_global("verdict", context! { outcome => bundle.verdict.outcome.word(), closure => closure });
}

fn add_facts(env: &mut Environment<'_>, ledger: &Arc<Ledger>) {
    let known = Arc::clone(ledger);
    env.add_function("fact", move |reference: &str| -> Result<Jinja, Error> {
        let (id, path) = split_reference(reference);
        let fact = known.demand(id)?;
        if path.is_empty() {
            return Ok(Jinja::from_object(FactObject { ledger: Arc::clone(&known), fact }));
        }
        demand(&known, fact, path).map(Jinja::from_object)
    });
    let known = Arc::clone(ledger);
    env.add_function("has_fact", move |id: &str| known.find(id).is_some());
    let known = Arc::clone(ledger);
    env.add_function("facts_not_using", move |collectors: Rest<String>| -> Jinja {
        let others = known.facts().iter().enumerate().filter(|(_, f)| !uses(&f.fact.uses, &collectors));
        others.map(|(fact, _)| Jinja::from_object(FactObject { ledger: Arc::clone(&known), fact })).collect()
    });
    let known = Arc::clone(ledger);
    env.add_function("facts_using", move |collectors: Rest<String>| -> Jinja {
        let matching = known.facts().iter().enumerate().filter(|(_, f)| uses(&f.fact.uses, &collectors));
        matching.map(|(fact, _)| Jinja::from_object(FactObject { ledger: Arc::clone(&known), fact })).collect()
    });
}

/// Whether a collector is one of `wanted`; `postgres.*` means all that begin with `postgres.`.
fn uses(collector: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => collector.starts_with(start),
        None => collector == name,
    })
}

fn add_blocks(env: &mut Environment<'_>, ledger: &Arc<Ledger>) {
    env.add_function("facts_block", |rows: &Jinja| block::facts_block(rows));
    let known = Arc::clone(ledger);
    env.add_function("table", move |headers: Vec<String>, rows: Rest<Jinja>| table::table(&known, &headers, &rows));
    env.add_function("each", |what: Jinja, columns: Vec<String>, limit: Option<usize>| {
        table::each(&what, &columns, limit.unwrap_or(table::ROW_LIMIT))
    });
    let known = Arc::clone(ledger);
    env.add_function("changes", move |before: &str, after: &str| -> Result<Jinja, Error> {
        Ok(block(change::changes(&known, known.demand(before)?, known.demand(after)?)))
    });
    let known = Arc::clone(ledger);
    env.add_function("grid", move |rows: Jinja, order: Option<Jinja>| -> Result<Jinja, Error> {
        let rows = block::resolve(&known, &rows, "grid")?;
        let order = order.filter(|o| !o.is_none()).map(|o| block::resolve(&known, &o, "grid")).transpose()?;
        table::grid(&rows, order.as_ref(), table::ROW_LIMIT).map(block)
    });
    let known = Arc::clone(ledger);
    env.add_function("excerpt", move |lines: Jinja| -> Result<Jinja, Error> {
        Ok(block(block::excerpt(&block::resolve(&known, &lines, "excerpt")?)))
    });
    let known = Arc::clone(ledger);
    env.add_function("lines", move |text: Jinja| -> Result<Jinja, Error> {
        Ok(block(block::lines(&block::resolve(&known, &text, "lines")?)))
    });
    env.add_function("values_block", |fact: &FactObject, omit: Option<Vec<String>>| {
        block(block::values_block(fact, &omit.unwrap_or_default()))
    });
    env.add_function("asked", |fact: &FactObject| block(block::asked(fact)));
    env.add_function("how", |fact: &FactObject| block(block::how(fact)));
    env.add_function("absence", |fact: &FactObject| block(judged::absence(&fact.ledger, fact.fact)));
    env.add_function("commands", |list: Vec<String>| block(block::commands(&list)));
    let known = Arc::clone(ledger);
    env.add_function("section", move |title: &str| {
        block(paragraph(&format!("## {}. {}", known.next_section(), escape::prose(title))))
    });
    let known = Arc::clone(ledger);
    env.add_function("subsection", move |title: &str| {
        let (section, number) = known.next_subsection();
        block(paragraph(&format!("### {section}.{number} {}", escape::prose(title))))
    });
}

fn add_judged(env: &mut Environment<'_>, bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) {
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("checks", move |name: &str| -> Result<Jinja, Error> {
        Ok(block(judged::checks(&known, &sealed.verdict, judged::section(name)?)))
    });
    let sealed = Arc::clone(bundle);
    env.add_function("has_checks", move |name: &str| -> Result<bool, Error> {
        Ok(sealed.verdict.section(judged::section(name)?).next().is_some())
    });
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("summary", move || block(judged::summary(&known, &sealed)));
    let sealed = Arc::clone(bundle);
    env.add_function("messages", move |fact: &FactObject| -> Result<Jinja, Error> {
        Ok(block(messages::messages(fact, &sealed.policy.exceptions)?))
    });
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("hypotheses", move || block(supposed::hypotheses(&known, &sealed.verdict)));
    let known = Arc::clone(ledger);
    env.add_function("unknowns", move || block(judged::unknowns(&known)));
    let sealed = Arc::clone(bundle);
    env.add_function("front_matter", move || block(anchors::front_matter(&sealed)));
    let sealed = Arc::clone(bundle);
    env.add_function("hygiene", move || block(anchors::hygiene(&sealed.hygiene)));
    let known = Arc::clone(ledger);
    env.add_function("anchors", move || -> Result<Jinja, Error> {
        if known.in_narrative() {
            return Err(complain("`anchors` belongs to the record, not to the narrative"));
        }
        Ok(block(anchors::PLACE.to_owned()))
    });
}

fn add_people(env: &mut Environment<'_>, bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) {
    env.add_function("statements", |list: &Jinja| said::statements(list).map(block));
    let sealed = Arc::clone(bundle);
    env.add_function("proposals", move || block(said::proposals(&sealed.case)));
    let sealed = Arc::clone(bundle);
    env.add_function("seats", move || block(said::seats(&sealed.case)));
    let sealed = Arc::clone(bundle);
    env.add_function("signatures", move || block(said::signatures(&sealed)));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("narrative", move |state: &mut State| -> Result<Jinja, Error> {
        let Some(source) = &sealed.narrative else {
            return Ok(block(paragraph("The case has no narrative.")));
        };
        if !known.enter_narrative() {
            return Err(complain("`narrative` cannot be used within the narrative"));
        }
        let rendered = state.env().get_template(narrative::NAME)?.render(());
        known.leave_narrative();
        let executor = sealed.case.seats.get("executor").map(String::as_str);
        Ok(block(narrative::quote(&rendered?, executor) + &narrative::beneath(source)))
    });
}
