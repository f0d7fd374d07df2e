//! The record: a pure function of the bundle. No clock, environment, locale, zone or file is
//! touched, so the same bundle gives the same bytes on every machine, and `verify` can prove the
//! prose too.
//!
//! Templates decide the order and the words around; values reach the record only with their
//! citation, and only through this room's escaping. `docs/templates.md` is its manual.

mod anchors;
mod block;
mod bounds;
mod change;
mod cite;
mod engine;
mod error;
mod escape;
mod form;
mod judged;
mod ledger;
mod messages;
mod narrative;
mod needed;
mod origin;
mod own;
mod proof;
mod said;
#[cfg(test)]
mod sample;
mod supposed;
mod table;
#[cfg(test)]
mod tests;
mod typed;
mod uncited;
mod words;

use std::sync::Arc;

pub use error::RenderError;
pub use narrative::check_narrative;
pub use needed::needed;
pub use origin::Origin;
pub use uncited::Typed;
pub use words::check_words;

use crate::model::bundle::Bundle;
use ledger::{Ledger, Mode};

/// The record of `bundle`, Markdown in UTF-8 with `\n` line ends.
///
/// # Errors
/// When a sealed template or the narrative is wrong (file, line, what; never a value), or when the
/// finished record would hold what no record may hold.
pub fn render(bundle: &Bundle) -> Result<Vec<u8>, RenderError> {
    match origin(bundle) {
        Origin::BuiltIn => compose(bundle, Mode::BuiltIn, &|_, printed| Ok(printed)),
        Origin::Released => compose(bundle, Mode::Released, &|_, printed| Ok(printed)),
        origin @ Origin::Own(_) => {
            compose(bundle, Mode::Own, &|ledger, printed| Ok(own::record(bundle, ledger, &origin, &printed)))
        }
    }
}

/// Where the templates of `bundle` come from.
#[must_use]
pub fn origin(bundle: &Bundle) -> Origin {
    Origin::of_case(&bundle.templates, &bundle.case.template)
}

/// What the templates that are not built in would print alone, as version 0.1 did; nothing when they fail.
#[must_use]
pub fn unmarked(bundle: &Bundle) -> Option<Vec<u8>> {
    compose(bundle, Mode::Released, &|_, printed| Ok(printed)).ok()
}

/// Makes a record of what the templates print.
type Finish<'a> = &'a dyn Fn(&Arc<Ledger>, String) -> Result<String, RenderError>;

fn compose(bundle: &Bundle, mode: Mode, finish: Finish<'_>) -> Result<Vec<u8>, RenderError> {
    let file = needed::file_name(&bundle.case.template);
    if !bundle.templates.contains_key(&file) {
        return Err(RenderError::NoTemplate { asked_by: "case.yaml: template".to_owned(), name: file });
    }
    check_sources(bundle)?;
    let ledger = Arc::new(Ledger::new(bundle, mode));
    let env = engine::environment(&Arc::new(bundle.clone()), &ledger)?;
    let printed = engine::output(&env, &file, &ledger).map_err(|error| RenderError::of(&file, error))?;
    let wrong = |message: String| RenderError::Template { file: file.clone(), line: 0, message };
    if let Some(misuse) = ledger.take_misuse() {
        return Err(wrong(misuse.to_owned()));
    }
    let body = finish(&ledger, printed)?;
    let body = anchors::complete(&ledger, &body).map_err(|label| wrong(format!("the label {label} cites no fact")))?;
    let record = tidy(&body);
    match proof::fault(&record) {
        Some((line, what)) => Err(RenderError::Unsafe { file, line, what }),
        None => Ok(record.into_bytes()),
    }
}

/// The figures that the narrative of `bundle` types instead of citing, in order.
#[must_use]
pub fn uncited(bundle: &Bundle) -> Vec<Typed> {
    bundle.narrative.as_deref().map(uncited::figures).unwrap_or_default()
}

fn check_sources(bundle: &Bundle) -> Result<(), RenderError> {
    for (name, source) in &bundle.templates {
        needed::refuse_typed_labels(name, source)?;
    }
    if let Origin::Own(_) = origin(bundle) {
        bounds::check(&bundle.templates, &|name| {
            bundle.templates.get(name).is_some_and(|source| origin::is_built_in(name, source))
        })?;
    }
    bundle.narrative.as_deref().map_or(Ok(()), narrative::check_source)
}

/// Blocks bring their own blank lines and loops leave some behind: never two in a row, none at the
/// start, one line end at the end.
fn tidy(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut blank = true;
    for line in body.lines().map(str::trim_end) {
        if !(line.is_empty() && blank) {
            out.push_str(line);
            out.push('\n');
        }
        blank = line.is_empty();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
