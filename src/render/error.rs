//! What can go wrong while rendering: always the file, the line and what; never a value, because
//! messages go to screens and logs.

use std::error::Error as _;

use minijinja::{Error, ErrorKind};

/// Why a record could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template, partial or narrative is wrong.
    #[error("{file}:{line}: {message}")]
    Template {
        /// The file's name, as sealed.
        file: String,
        /// The line, from 1; 0 when unknown.
        line: usize,
        /// What is wrong and what to do.
        message: String,
    },
    /// Words of a case or a policy that the record would print as its own.
    #[error("{0}")]
    Words(String),
    /// A template that is needed is not there.
    #[error("{asked_by}: no template `{name}`; put it under templates/, or correct the name")]
    NoTemplate {
        /// Who asks for it: a file and line, or the case.
        asked_by: String,
        /// Its file name.
        name: String,
    },
    /// The finished record holds something that no record may hold; it is not given out.
    #[error("{file}: the record would contain {what} at its line {line}; print values through the engine's own blocks")]
    Unsafe {
        /// The template.
        file: String,
        /// The line of the record, from 1.
        line: usize,
        /// What was found.
        what: &'static str,
    },
}

/// A refusal of our own, whose words are free of evidence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Complaint(String);

/// An error for the template engine, which adds file and line.
pub(super) fn complain(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, "refused").with_source(Complaint(message.into()))
}

impl From<Error> for RenderError {
    fn from(error: Error) -> Self {
        Self::of("template", error)
    }
}

impl RenderError {
    /// An error of the engine while it rendered `file`.
    pub(super) fn of(file: &str, error: Error) -> Self {
        // An error in an included file arrives wrapped: the innermost place is the useful one.
        let inner = innermost(&error);
        let file = inner.name().unwrap_or(file).to_owned();
        Self::Template { file, line: inner.line().unwrap_or(0), message: explain(inner) }
    }
}

fn innermost(error: &Error) -> &Error {
    let mut inner = error;
    while let Some(next) = inner.source().and_then(|e| e.downcast_ref::<Error>()) {
        inner = next;
    }
    inner
}

/// The refusal that a writer of ours gave the engine.
fn written(error: &Error) -> Option<&Complaint> {
    let writer = error.source()?.downcast_ref::<std::io::Error>()?;
    writer.get_ref()?.downcast_ref::<Error>()?.source()?.downcast_ref()
}

/// The engine's own details may quote values, so only those about names and syntax are passed on.
fn explain(error: &Error) -> String {
    if let Some(Complaint(message)) = error.source().and_then(|e| e.downcast_ref()).or_else(|| written(error)) {
        return message.clone();
    }
    let kind = error.kind();
    let detail = error.detail().filter(|_| speaks_of_names(kind));
    let hint = match kind {
        ErrorKind::UndefinedError => ": check the name; `evidence explain` and docs/templates.md list what there is",
        ErrorKind::OutOfFuel => ": the template loops too long",
        _ => "",
    };
    match detail {
        Some(detail) => format!("{kind}: {detail}"),
        None => format!("{kind}{hint}"),
    }
}

fn speaks_of_names(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SyntaxError
            | ErrorKind::TemplateNotFound
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownMethod
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments
    )
}
