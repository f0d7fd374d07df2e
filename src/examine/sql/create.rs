//! What a CREATE statement creates.

use super::statement::{Shape, Tokens};

/// The kinds whose names are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::examine) enum Kind {
    Table {
        foreign: bool,
    },
    View,
    MaterializedView,
    Sequence,
    Function,
    Procedure,
    Schema,
    Extension,
    Role,
    Database,
    /// Counted under this key.
    Other(&'static str),
}

impl Kind {
    /// Whether it is code and holds no rows.
    pub(super) fn is_code(self) -> bool {
        matches!(self, Kind::Function | Kind::Procedure | Kind::Other("trigger" | "event"))
    }
}

/// Words between CREATE and the kind that change nothing here.
const MODIFIERS: &[&str] = &[
    "or",
    "replace",
    "global",
    "local",
    "temp",
    "temporary",
    "unlogged",
    "recursive",
    "trusted",
    "procedural",
    "unique",
    "default",
    "constraint",
    "spatial",
    "fulltext",
];

const OTHERS: &[&str] = &[
    "index",
    "trigger",
    "type",
    "domain",
    "policy",
    "rule",
    "publication",
    "subscription",
    "aggregate",
    "cast",
    "server",
    "collation",
    "statistics",
    "language",
    "conversion",
    "tablespace",
    "transform",
    "operator",
    "event",
];

/// The kind and the name; `None` for what is not recognised.
pub(in crate::examine) fn created(mut tokens: Tokens<'_>) -> Option<(Kind, String)> {
    tokens.accept("create");
    while tokens.accept_any(MODIFIERS).is_some() {}
    let kind = kind(&mut tokens)?;
    if tokens.accept("if") {
        tokens.accept("not");
        tokens.accept("exists");
    }
    tokens.accept("concurrently");
    if kind == Kind::Schema {
        tokens.accept("authorization");
    }
    let name = match kind {
        Kind::Other(_) => String::new(),
        _ => tokens.qualified_name()?,
    };
    Some((kind, name))
}

fn kind(tokens: &mut Tokens<'_>) -> Option<Kind> {
    const NAMED: &[(&str, Kind)] = &[
        ("table", Kind::Table { foreign: false }),
        ("view", Kind::View),
        ("sequence", Kind::Sequence),
        ("function", Kind::Function),
        ("procedure", Kind::Procedure),
        ("schema", Kind::Schema),
        ("extension", Kind::Extension),
        ("role", Kind::Role),
        ("group", Kind::Role),
        ("database", Kind::Database),
    ];
    for (word, kind) in NAMED {
        if tokens.accept(word) {
            return Some(*kind);
        }
    }
    if let Some(word) = tokens.accept_any(OTHERS) {
        return Some(Kind::Other(match (word, tokens.accept("trigger")) {
            ("event", true) => "event_trigger",
            _ => word,
        }));
    }
    longer(tokens)
}

/// Kinds of more than one word, and the clauses that MySQL puts before the kind.
fn longer(tokens: &mut Tokens<'_>) -> Option<Kind> {
    if tokens.accept("foreign") {
        return Some(if tokens.accept("table") {
            Kind::Table { foreign: true }
        } else {
            Kind::Other("foreign_data_wrapper")
        });
    }
    if tokens.accept("materialized") {
        return tokens.accept("view").then_some(Kind::MaterializedView);
    }
    if tokens.accept("user") {
        return Some(if tokens.accept("mapping") { Kind::Other("user_mapping") } else { Kind::Role });
    }
    if tokens.accept("text") {
        return Some(Kind::Other("text_search"));
    }
    if tokens.accept("access") {
        return Some(Kind::Other("access_method"));
    }
    match tokens.peek()? {
        (Shape::Word, b"algorithm" | b"definer" | b"sql") => {}
        _ => return None,
    }
    while tokens.next().is_some() {
        for (word, kind) in [
            ("view", Kind::View),
            ("function", Kind::Function),
            ("procedure", Kind::Procedure),
            ("trigger", Kind::Other("trigger")),
            ("event", Kind::Other("event")),
        ] {
            if tokens.accept(word) {
                return Some(kind);
            }
        }
    }
    None
}
