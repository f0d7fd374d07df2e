//! The template environment: strict, with a limit on work, no file access, no debug output, none
//! of the engine's own filters, and a formatter of our own that escapes whatever it is given.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, Output, UndefinedBehavior, Value as Jinja, context};

use super::block::{self, Block, block, paragraph};
use super::cite::{Cited, FactObject, demand};
use super::error::{RenderError, complain};
use super::form::{self, FORMS, Form};
use super::ledger::{CLOSE, Ledger, Mode, OPEN};
use super::{anchors, change, escape, judged, messages, narrative, said, supposed, table};
use crate::model::bundle::Bundle;
use crate::model::fact::split_reference;
use crate::model::value::Value;

/// Instructions that one template may run: thousands of times what ours need.
const FUEL: u64 = 20_000_000;
/// The same for narratives and templates that are not built in. Together with the longest text inside
/// of a macro it bounds what the engine keeps in memory.
const BOUNDED_FUEL: u64 = 500_000;

/// The syntax of templates.
pub(super) fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

fn bare<'a>() -> Result<Environment<'a>, Error> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_syntax(syntax()?);
    env.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    Ok(env)
}

/// Every name that a template can use; a test holds it against the environment.
pub(super) const NAMES: [&str; 41] = [
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
    "left_out",
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
pub(super) fn environment<'a>(bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) -> Result<Environment<'a>, Error> {
    let mut env = equipped(bundle, ledger)?;
    if ledger.mode() == Mode::Own {
        env.set_fuel(Some(BOUNDED_FUEL));
    }
    for (name, source) in &bundle.templates {
        env.add_template_owned(name.clone(), source.clone())?;
    }
    Ok(env)
}

/// The narrative of `bundle`, rendered in an environment of its own.
fn narrative_of(bundle: &Arc<Bundle>, ledger: &Arc<Ledger>, source: &str) -> Result<String, Error> {
    let mut env = equipped(bundle, ledger)?;
    env.set_fuel(Some(BOUNDED_FUEL));
    env.add_template_owned(narrative::NAME, source.to_owned())?;
    output(&env, narrative::NAME, ledger)
}

/// What the template `name` prints, up to the bound on records.
///
/// # Errors
/// When the template fails, or prints more than a record may hold.
pub(super) fn output(env: &Environment<'_>, name: &str, ledger: &Ledger) -> Result<String, Error> {
    let mut out = Bounded { text: Vec::new(), most: ledger.mode().record() };
    env.get_template(name)?.render_captured_to((), &mut out)?;
    String::from_utf8(out.text).map_err(|_| complain("the template printed what is not text"))
}

/// Takes text up to a bound.
struct Bounded {
    text: Vec<u8>,
    most: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > self.most {
            let most = self.most >> 20;
            return Err(std::io::Error::other(complain(format!("the record would be longer than {most} MiB"))));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An environment with everything that templates can use, and no template.
fn equipped<'a>(bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) -> Result<Environment<'a>, Error> {
    let mut env = bare()?;
    let known = Arc::clone(ledger);
    env.set_formatter(move |out, _, value| format(out, value, &known));
    add_filters(&mut env, ledger);
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
        ledger.printed(cited.sentence())
    } else if let Some(fact) = value.downcast_object_ref::<FactObject>() {
        ledger.printed(fact.sentence())
    } else if let Some(text) = value.as_str() {
        ledger.spend(text.len())?;
        if value.is_safe() { text.to_owned() } else { escape::prose(&unmarked(text)) }
    } else if value.is_number() || value.kind() == ValueKind::Bool {
        value.to_string()
    } else if value.is_none() {
        return Err(complain("nothing to print here: what `.maybe()` did not find; test with `.has()` first"));
    } else {
        return Err(complain(format!("a {} cannot be printed; use a block such as table()", value.kind())));
    };
    ledger.spend(text.len())?;
    out.write_str(&text).map_err(|_| complain("the record could not be written"))
}

/// `text` without the marks of a block that was captured in it.
fn unmarked(text: &str) -> Cow<'_, str> {
    match text.contains([OPEN, CLOSE]) {
        true => Cow::Owned(text.replace([OPEN, CLOSE], "")),
        false => Cow::Borrowed(text),
    }
}

/// A block made from facts or the verdict.
fn made(ledger: &Ledger, markdown: String) -> Result<Jinja, Error> {
    ledger.spend(markdown.len())?;
    ledger.fill(&markdown);
    Ok(block(ledger.printed(markdown)))
}

/// A block that holds words of the template.
fn typed(ledger: &Ledger, markdown: String) -> Result<Jinja, Error> {
    ledger.spend(markdown.len())?;
    ledger.fill(&markdown);
    Ok(block(markdown))
}

/// The texts of a list that a template gives.
fn texts(ledger: &Ledger, list: &Jinja) -> Result<Vec<String>, Error> {
    let text = |item: Jinja| {
        let text = item.as_str().ok_or_else(|| complain("a list of texts is needed here"))?;
        ledger.spend(text.len())?;
        Ok(text.to_owned())
    };
    list.try_iter()?.map(text).collect()
}

fn add_filters(env: &mut Environment<'_>, ledger: &Arc<Ledger>) {
    for (name, form) in FORMS {
        let known = Arc::clone(ledger);
        env.add_filter(name, move |value: Jinja| {
            known.spend(value.as_str().map_or(0, str::len))?;
            shape(&value, name, form)
        });
    }
    let known = Arc::clone(ledger);
    env.add_filter("code", move |text: &str| typed(&known, escape::inline(text)));
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
    for (name, wanted) in [("facts_using", true), ("facts_not_using", false)] {
        let known = Arc::clone(ledger);
        env.add_function(name, move |collectors: Rest<Jinja>| -> Result<Jinja, Error> {
            let collectors =
                collectors.iter().map(|name| Ok(name.as_str().ok_or_else(|| needs_text(name))?.to_owned()));
            let collectors = collectors.collect::<Result<Vec<_>, Error>>()?;
            known.spend(known.facts().len().saturating_mul(8))?;
            let facts = known.facts().iter().enumerate();
            let mut found: Vec<usize> =
                facts.filter(|(_, f)| uses(&f.fact.uses, &collectors) == wanted).map(|(index, _)| index).collect();
            let most = known.mode().facts().min(found.len());
            found.drain(most..).for_each(|index| known.leave_out(index));
            let object = |fact| Jinja::from_object(FactObject { ledger: Arc::clone(&known), fact });
            Ok(found.into_iter().map(object).collect())
        });
    }
}

fn needs_text(value: &Jinja) -> Error {
    complain(format!("the name of a collector is needed here, not a {}", value.kind()))
}

/// Whether a collector is one of `wanted`; `postgres.*` means all that begin with `postgres.`.
fn uses(collector: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => collector.starts_with(start),
        None => collector == name,
    })
}

fn add_blocks(env: &mut Environment<'_>, ledger: &Arc<Ledger>) {
    let known = Arc::clone(ledger);
    env.add_function("facts_block", move |rows: &Jinja| typed(&known, block::facts_block(&known, rows)?));
    let known = Arc::clone(ledger);
    env.add_function("table", move |headers: &Jinja, rows: Rest<Jinja>| {
        let headers = texts(&known, headers)?;
        typed(&known, table::table(&known, &headers, &rows)?)
    });
    let known = Arc::clone(ledger);
    env.add_function("each", move |what: Jinja, columns: &Jinja, limit: Option<usize>| {
        let columns = texts(&known, columns)?;
        known.spend(0)?;
        table::each(&what, &columns, limit.unwrap_or(table::ROW_LIMIT))
    });
    let known = Arc::clone(ledger);
    env.add_function("changes", move |before: &str, after: &str| -> Result<Jinja, Error> {
        made(&known, change::changes(&known, known.demand(before)?, known.demand(after)?))
    });
    let known = Arc::clone(ledger);
    env.add_function("grid", move |rows: Jinja, order: Option<Jinja>| -> Result<Jinja, Error> {
        let rows = block::resolve(&known, &rows, "grid")?;
        let order = order.filter(|o| !o.is_none()).map(|o| block::resolve(&known, &o, "grid")).transpose()?;
        of_fact(&known, rows.fact, || table::grid(&rows, order.as_ref(), table::ROW_LIMIT))
    });
    let known = Arc::clone(ledger);
    env.add_function("excerpt", move |lines: Jinja| -> Result<Jinja, Error> {
        let lines = block::resolve(&known, &lines, "excerpt")?;
        of_fact(&known, lines.fact, || Ok(block::excerpt(&lines)))
    });
    let known = Arc::clone(ledger);
    env.add_function("lines", move |text: Jinja| -> Result<Jinja, Error> {
        let text = block::resolve(&known, &text, "lines")?;
        of_fact(&known, text.fact, || Ok(block::lines(&text)))
    });
    let known = Arc::clone(ledger);
    env.add_function("values_block", move |fact: &FactObject, omit: Option<Jinja>| -> Result<Jinja, Error> {
        let omit = omit.map(|omit| texts(&known, &omit)).transpose()?.unwrap_or_default();
        of_fact(&known, fact.fact, || Ok(block::values_block(fact, &omit)))
    });
    add_steps(env, ledger);
    let known = Arc::clone(ledger);
    env.add_function("commands", move |list: &Jinja| typed(&known, block::commands(&texts(&known, list)?)));
    let known = Arc::clone(ledger);
    env.add_function("section", move |title: &str| {
        let title = escape::prose(&unmarked(title));
        // The numbers are those of the renderer's own sections.
        let heading = match known.mode() {
            Mode::Own => format!("### {title}"),
            Mode::BuiltIn | Mode::Released => format!("## {}. {title}", known.next_section()),
        };
        typed(&known, paragraph(&heading))
    });
    let known = Arc::clone(ledger);
    env.add_function("subsection", move |title: &str| {
        let title = escape::prose(&unmarked(title));
        let (section, number) = known.next_subsection();
        let heading = match known.mode() {
            Mode::Own => format!("#### {title}"),
            Mode::BuiltIn | Mode::Released => format!("### {section}.{number} {title}"),
        };
        typed(&known, paragraph(&heading))
    });
}

/// The block that `make` gives of the fact `index`, or nothing once the record is full.
fn of_fact(ledger: &Arc<Ledger>, index: usize, make: impl FnOnce() -> Result<String, Error>) -> Result<Jinja, Error> {
    if !ledger.has_room(index) {
        return made(ledger, String::new());
    }
    made(ledger, make()?)
}

fn add_steps(env: &mut Environment<'_>, ledger: &Arc<Ledger>) {
    let known = Arc::clone(ledger);
    env.add_function("asked", move |fact: &FactObject| of_fact(&known, fact.fact, || Ok(block::asked(fact))));
    let known = Arc::clone(ledger);
    env.add_function("how", move |fact: &FactObject| of_fact(&known, fact.fact, || Ok(block::how(fact))));
    let known = Arc::clone(ledger);
    env.add_function("absence", move |fact: &FactObject| made(&known, judged::absence(&fact.ledger, fact.fact)));
}

/// What a template that is not built in gets for a part that the renderer itself prints.
const ELSEWHERE: &str = "(this part of the record is printed by the renderer, outside of this quotation)";

/// A part of the record that only the renderer prints where the template is not built in.
fn part(ledger: &Ledger, make: impl FnOnce() -> String) -> Result<Jinja, Error> {
    match ledger.mode() {
        Mode::Own => made(ledger, paragraph(ELSEWHERE)),
        Mode::BuiltIn | Mode::Released => made(ledger, make()),
    }
}

fn add_judged(env: &mut Environment<'_>, bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) {
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("checks", move |name: &str| -> Result<Jinja, Error> {
        let section = judged::section(name)?;
        part(&known, || judged::checks(&known, &sealed.verdict, section))
    });
    let sealed = Arc::clone(bundle);
    env.add_function("has_checks", move |name: &str| -> Result<bool, Error> {
        Ok(sealed.verdict.section(judged::section(name)?).next().is_some())
    });
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("summary", move || part(&known, || judged::summary(&known, &sealed)));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("messages", move |fact: &FactObject| -> Result<Jinja, Error> {
        of_fact(&known, fact.fact, || messages::messages(fact, &sealed.policy.exceptions))
    });
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("hypotheses", move || made(&known, supposed::hypotheses(&known, &sealed.verdict)));
    let known = Arc::clone(ledger);
    env.add_function("unknowns", move || part(&known, || judged::unknowns(&known)));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("front_matter", move || match known.mode() {
        Mode::Own => made(&known, String::new()),
        Mode::BuiltIn | Mode::Released => made(&known, anchors::front_matter(&sealed, None)),
    });
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("hygiene", move || part(&known, || anchors::hygiene(&sealed.hygiene)));
    for (name, place) in [("anchors", anchors::PLACE), ("left_out", anchors::LEFT_OUT)] {
        let known = Arc::clone(ledger);
        env.add_function(name, move || -> Result<Jinja, Error> {
            if known.in_narrative() {
                return Err(complain(format!("`{name}` belongs to the record, not to the narrative")));
            }
            part(&known, || place.to_owned())
        });
    }
}

fn add_people(env: &mut Environment<'_>, bundle: &Arc<Bundle>, ledger: &Arc<Ledger>) {
    let known = Arc::clone(ledger);
    env.add_function("statements", move |list: &Jinja| typed(&known, said::statements(list)?));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("proposals", move || made(&known, said::proposals(&sealed.case)));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("seats", move || made(&known, said::seats(&sealed.case)));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("signatures", move || part(&known, || said::signatures(&sealed)));
    let (sealed, known) = (Arc::clone(bundle), Arc::clone(ledger));
    env.add_function("narrative", move || -> Result<Jinja, Error> {
        let Some(source) = &sealed.narrative else {
            return made(&known, paragraph("The case has no narrative."));
        };
        if !known.enter_narrative() {
            return Err(complain("`narrative` cannot be used within the narrative"));
        }
        let rendered = known.narrated(|| narrative_of(&sealed, &known, source));
        known.leave_narrative();
        let executor = sealed.case.seats.get("executor").map(String::as_str);
        made(&known, narrative::quote(&unmarked(&rendered?), executor) + &narrative::beneath(source))
    });
}
