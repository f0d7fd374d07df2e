//! The words that can begin a statement, and how sure one statement makes us that a text is SQL.
//!
//! In a dump a line that begins with any other word is not SQL: it is the message of a program that
//! was redirected into the dump. The list is generous, because a word that is missing here would
//! turn a sound dump into a bad one.

use super::create::created;
use super::statement::{Shape, Source, Statement, Tokens, Values, Verb};

/// Statements of PostgreSQL, MySQL, MariaDB and SQLite. Sorted.
const VERBS: &[&str] = &[
    "abort",
    "alter",
    "analyse",
    "analyze",
    "attach",
    "backup",
    "begin",
    "binlog",
    "cache",
    "call",
    "change",
    "check",
    "checkpoint",
    "checksum",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "delete",
    "delimiter",
    "desc",
    "describe",
    "detach",
    "discard",
    "do",
    "drop",
    "end",
    "execute",
    "explain",
    "fetch",
    "flush",
    "grant",
    "handler",
    "import",
    "insert",
    "install",
    "kill",
    "listen",
    "load",
    "lock",
    "merge",
    "move",
    "notify",
    "optimize",
    "pragma",
    "prepare",
    "purge",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "rename",
    "repair",
    "replace",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "select",
    "set",
    "show",
    "shutdown",
    "signal",
    "start",
    "stop",
    "table",
    "truncate",
    "uninstall",
    "unlisten",
    "unlock",
    "update",
    "use",
    "vacuum",
    "values",
    "with",
    "xa",
];

/// Whether a statement can begin with this word.
pub(super) fn begins_statement(word: &[u8]) -> bool {
    let mut lower = [0; 16];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    VERBS.binary_search_by(|verb| verb.as_bytes().cmp(lower)).is_ok()
}

/// Whether a dump program has this word at the beginning of a line only where a statement begins.
pub(super) fn only_begins(word: &[u8]) -> bool {
    matches!(
        word,
        b"CREATE"
            | b"ALTER"
            | b"COPY"
            | b"INSERT"
            | b"GRANT"
            | b"REVOKE"
            | b"DROP"
            | b"COMMENT"
            | b"SET"
            | b"SELECT"
            | b"LOCK"
            | b"UNLOCK"
    )
}

/// Whether a whole statement is SQL and not prose that happens to begin like it.
pub(super) fn convinces(statement: &Statement) -> bool {
    let mut tokens = statement.tokens();
    match statement.verb {
        Verb::Create => created(tokens).is_some(),
        Verb::Copy => matches!(statement.source, Source::Stdin | Source::StdinWithOptions),
        Verb::Insert => statement.values != Values::NotYet || insert_into(tokens),
        Verb::Grant => tokens.until("to").is_some(),
        Verb::Other | Verb::None => other(&mut tokens),
    }
}

fn insert_into(mut tokens: Tokens<'_>) -> bool {
    tokens.next();
    tokens.accept("into")
}

fn other(tokens: &mut Tokens<'_>) -> bool {
    const KINDS: &[&str] = &[
        "table",
        "tables",
        "view",
        "materialized",
        "sequence",
        "schema",
        "database",
        "index",
        "function",
        "procedure",
        "role",
        "user",
        "type",
        "domain",
        "default",
        "extension",
        "trigger",
        "event",
        "foreign",
        "policy",
        "on",
        "publication",
        "aggregate",
        "operator",
        "large",
        "tablespace",
        "constraint",
        "column",
        "label",
        "transaction",
    ];
    let Some((Shape::Word, verb)) = tokens.next() else { return false };
    match verb {
        b"set" => set(*tokens),
        b"select" | b"call" | b"values" => calls(*tokens),
        b"pragma" | b"reset" | b"unlock" | b"use" => true,
        b"begin" | b"commit" | b"rollback" | b"end" => tokens.peek().is_none() || tokens.accept("transaction"),
        b"do" => matches!(tokens.peek(), Some((Shape::Literal, _))),
        b"update" | b"delete" => tokens.until("set").is_some() || tokens.until("where").is_some(),
        _ => tokens.accept_any(KINDS).is_some(),
    }
}

/// `SET name = …`, `SET name TO …`, `SET NAMES …`, `SET @name …`.
fn set(mut tokens: Tokens<'_>) -> bool {
    if tokens.accept_any(&["names", "session", "local", "global"]).is_some() || tokens.accept_mark(b'@') {
        return true;
    }
    tokens.qualified_name().is_some() && (tokens.accept_mark(b'=') || tokens.accept("to") || tokens.accept("with"))
}

/// Something is called or read from, or a value is.
fn calls(mut tokens: Tokens<'_>) -> bool {
    let mut from = tokens;
    let value = |(shape, text): (Shape, &[u8])| shape == Shape::Literal || text.first().is_some_and(u8::is_ascii_digit);
    if tokens.peek().is_some_and(value) {
        return true;
    }
    while let Some(token) = tokens.next() {
        if token == (Shape::Mark, b"(") || token == (Shape::Mark, b"*") {
            return true;
        }
    }
    from.until("from").is_some()
}

/// Whether a statement may follow the end of a dump: it changes the session, the statistics or
/// privileges, and nothing that the dump holds.
pub(super) fn may_follow(statement: &Statement, mysql: bool) -> bool {
    const HARMLESS: &[&str] = &[
        "analyse",
        "analyze",
        "begin",
        "call",
        "checkpoint",
        "comment",
        "commit",
        "end",
        "flush",
        "grant",
        "notify",
        "pragma",
        "refresh",
        "reindex",
        "reset",
        "revoke",
        "rollback",
        "select",
        "set",
        "show",
        "start",
        "unlock",
        "vacuum",
    ];
    let mut tokens = statement.tokens();
    if tokens.accept_any(HARMLESS).is_some() {
        return true;
    }
    // `mysqldump --tab` writes triggers after its own end.
    mysql
        && match tokens.next() {
            Some((Shape::Word, b"create")) => created(statement.tokens()).is_some_and(|(kind, _)| kind.is_code()),
            Some((Shape::Word, b"drop")) => tokens.accept_any(&["trigger", "event", "function", "procedure"]).is_some(),
            Some((Shape::Word, b"alter")) => tokens.accept("database"),
            _ => false,
        }
}

/// Whether a statement may stand before the header of a dump, as people and tools put it there.
pub(super) fn may_precede(statement: &Statement) -> bool {
    const SESSION: &[&str] = &["begin", "flush", "grant", "pragma", "reset", "select", "set", "show", "start", "use"];
    let mut tokens = statement.tokens();
    if tokens.accept_any(SESSION).is_some() {
        return true;
    }
    tokens.accept_any(&["create", "drop", "alter"]).is_some()
        && tokens.accept_any(&["database", "schema", "role", "user"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(VERBS.is_sorted());
        assert!(begins_statement(b"CREATE") && begins_statement(b"with"));
        assert!(!begins_statement(b"WARNING") && !begins_statement(b"a_word_that_is_longer_than_any"));
    }
}
