//! The check of an operator's query, before anything is sent. Two proofs, each enough against what
//! it is for:
//!
//! 1. A scan with the server's own lexical rules, for a language from which everything was taken
//!    that could be read in two ways (backslashes, dollar quotes, comments, `U&`, `;`). What passes
//!    cannot leave the parentheses that it is sent in: `SELECT … FROM ( query ) AS q`. Inside them
//!    the server's grammar takes a query and nothing else, no data-modifying `WITH` either.
//! 2. `sqlparser` shows that it is one plain query: no `INTO`, no row locks.
//!
//! A list of functions with effects outside the transaction is refused by name. That list is no
//! proof: a function of the database's own may do anything that the role may do. The read-only
//! transaction stops writes to tables and sequences; it does not stop signals to other sessions,
//! log switches, statistics resets or connections to other databases. So [`super::calls`] asks the
//! catalogue about every function that the query can reach. What stops those effects for certain
//! is a role without the right to cause them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Query, Select, SetExpr, Statement, Visit, Visitor, visit_relations};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Functions by name; a final `*` stands for any ending.
const REFUSED: &[&str] = &[
    // Sequences, settings, waiting.
    "nextval",
    // They take the name of a type as text and run the checks of its domain, or code of a language.
    "pg_input_*",
    "fmgr_internal_validator",
    "fmgr_c_validator",
    "fmgr_sql_validator",
    "plpgsql_*",
    "setval",
    "set_config",
    "pg_sleep*",
    "pg_notify",
    // Other sessions and the server itself.
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile*",
    "pg_promote",
    "pg_switch_wal",
    "pg_switch_xlog",
    "pg_wal_replay_*",
    "pg_create_*",
    "pg_drop_*",
    "pg_copy_*",
    "pg_backup_*",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_export_snapshot",
    "pg_import_*",
    "pg_log_*",
    "pg_logical_*",
    "pg_replication_*",
    "pg_sync_*",
    "pg_stat_reset*",
    "pg_stat_statements_reset",
    "pg_stat_kcache_reset*",
    "pg_qualstats_reset*",
    "pg_wait_sampling_reset*",
    "pg_buffercache_evict*",
    "hypopg*",
    "pg_stat_force_next_flush",
    "pg_stat_clear_snapshot",
    "pg_restore_*",
    "pg_clear_*",
    "pg_extension_config_dump",
    "pg_prewarm",
    "autoprewarm_*",
    "pg_nextoid",
    "pg_stop_making_pinned_objects",
    "pg_set_*",
    "binary_upgrade_*",
    // Locks that outlive a statement.
    "pg_advisory_*",
    "pg_try_advisory_*",
    // Files of the server, large objects.
    "pg_read_*",
    "pg_ls_*",
    "pg_stat_file",
    "pg_file_*",
    "pg_logdir_ls",
    "lo_*",
    "loread",
    "lowrite",
    // Index and table maintenance.
    "brin_*",
    "gin_clean_pending_list",
    "heap_force_*",
    "pg_truncate_*",
    "txid_current",
    "pg_current_xact_id",
    // Text run as SQL, here or elsewhere.
    "dblink*",
    "http",
    "http_*",
    "postgres_fdw_*",
    "query_to_xml*",
    "cursor_to_xml*",
    "table_to_xml*",
    "schema_to_xml*",
    "database_to_xml*",
    "ts_stat",
    "ts_rewrite",
    "crosstab*",
    "connectby",
    "xpath_table",
];

/// The query as it may be sent: the operator's own text, without a final `;`.
///
/// # Errors
/// Why it is refused, and what to write instead.
pub(super) fn check(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = text.strip_suffix(';').map_or(text, str::trim_end);
    if text.is_empty() {
        return Err("is empty: write one SELECT".to_owned());
    }
    scan(text)?;
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, text)
        .map_err(|_| "is not understood as one SELECT of PostgreSQL: write it more plainly".to_owned())?;
    match statements.as_slice() {
        [Statement::Query(query)] => plain(query)?,
        [_] => return Err("is not a SELECT: only one plain SELECT is sent".to_owned()),
        _ => return Err("is more than one statement: only one plain SELECT is sent".to_owned()),
    }
    Ok(text.to_owned())
}

/// `text` as a string literal that reads the same whatever the server's settings.
///
/// # Errors
/// When it holds a backslash or a control character, which the server may read in two ways.
pub(super) fn literal(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c == '\\' || c.is_control()) {
        return Err("holds a backslash or a control character: such names are not asked for".to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// What a checked query can call and reach, by name, as the server would fold the names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Words that a `(` follows: functions, and key words.
    pub(super) called: BTreeSet<String>,
    /// Words after a `.` without a `(`: columns, and functions in attribute notation.
    pub(super) dotted: BTreeSet<String>,
    /// Every word.
    pub(super) words: BTreeSet<String>,
    /// Runs of characters that operators are made of.
    pub(super) operators: BTreeSet<String>,
}

const OPERATOR: &str = "+-*/<>=~!@#%^&|`?";

/// The names in a query that [`check`] let pass.
pub(super) fn reach(text: &str) -> Reach {
    let mut reach = Reach::default();
    let mut characters = text.chars().peekable();
    let (mut before, mut last) = (Token::Literal, Token::Literal);
    let mut run = String::new();
    loop {
        let next = token(&mut characters).ok().flatten();
        match &last {
            Token::Symbol(c) if OPERATOR.contains(*c) => run.push(*c),
            _ => drop(reach.operators.insert(std::mem::take(&mut run))),
        }
        if let Token::Word(word) = &last {
            // A quoted name keeps its case, a plain one is folded: by letter or only within ASCII,
            // as the database's encoding has it.
            let both = [word.clone(), word.to_ascii_lowercase(), word.to_lowercase()];
            match (&before, &next) {
                (_, Some(Token::Symbol('('))) => reach.called.extend(both.clone()),
                (Token::Symbol('.'), _) => reach.dotted.extend(both.clone()),
                _ => {}
            }
            reach.words.extend(both);
        }
        let Some(next) = next else {
            reach.operators.remove("");
            return reach;
        };
        before = std::mem::replace(&mut last, next);
    }
}

/// [`REFUSED`] as one regular expression of the server's.
pub(super) fn refused_pattern() -> String {
    let names = REFUSED.iter().map(|name| name.replace('*', ".*"));
    format!("^({})$", names.collect::<Vec<_>>().join("|"))
}

/// The tables and views that `text` names, as far as it is understood.
pub(super) fn relations(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap_or_default();
    let _ = visit_relations(&statements, |name| {
        names.push(name.to_string());
        ControlFlow::<()>::Continue(())
    });
    names.sort();
    names.dedup();
    names
}

/// What the scan tells apart.
#[derive(PartialEq)]
enum Token {
    /// A name or key word, quoted or not.
    Word(String),
    /// A string literal or a number.
    Literal,
    /// Anything else, one character.
    Symbol(char),
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The first proof: see the head of this file.
fn scan(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut last = Token::Literal;
    let mut characters = text.chars().peekable();
    while let Some(token) = token(&mut characters)? {
        match (&last, &token) {
            (Token::Word(word), Token::Symbol('(')) if refused(word) => {
                return Err(format!(
                    "calls `{}`, which has effects that no transaction takes back",
                    word.to_lowercase()
                ));
            }
            (_, Token::Symbol('(')) => depth += 1,
            (_, Token::Symbol(')')) => depth = depth.checked_sub(1).ok_or("has a `)` too many")?,
            _ => {}
        }
        last = token;
    }
    if depth == 0 { Ok(()) } else { Err("has a `(` that is never closed".to_owned()) }
}

fn token(characters: &mut Characters<'_>) -> Result<Option<Token>, String> {
    while characters.next_if(|c| matches!(c, ' ' | '\n' | '\t')).is_some() {}
    let Some(c) = characters.next() else { return Ok(None) };
    Ok(Some(match c {
        '\'' => quoted(characters, c).map(|_| Token::Literal)?,
        '"' => Token::Word(quoted(characters, c)?),
        c if in_word(c) => {
            let mut word = c.to_string();
            while let Some(c) = characters.next_if(|c| in_word(*c)) {
                word.push(c);
            }
            spelled_in_numbers(&word, characters)?;
            if c.is_ascii_digit() { Token::Literal } else { Token::Word(word) }
        }
        c => symbol(c, characters.peek().copied())?,
    }))
}

/// As the server sees it: every character beyond ASCII belongs to a name, blanks included.
fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_control())
}

fn quoted(characters: &mut Characters<'_>, quote: char) -> Result<String, String> {
    let mut content = String::new();
    while let Some(c) = characters.next() {
        match c {
            c if c == quote && characters.next_if_eq(&quote).is_none() => return Ok(content),
            '\n' | '\t' => content.push(c),
            c => {
                harmless(c)?;
                content.push(c);
            }
        }
    }
    Err("has a quote that is never closed".to_owned())
}

fn spelled_in_numbers(word: &str, characters: &Characters<'_>) -> Result<(), String> {
    let mut ahead = characters.clone();
    if word.eq_ignore_ascii_case("u") && ahead.next() == Some('&') && matches!(ahead.next(), Some('\'' | '"')) {
        return Err("holds `U&` text, whose letters are spelled in numbers: write them plainly".to_owned());
    }
    Ok(())
}

fn symbol(c: char, next: Option<char>) -> Result<Token, String> {
    harmless(c)?;
    match (c, next) {
        (';', _) => Err("is more than one statement: only one plain SELECT is sent".to_owned()),
        ('$', _) => Err("holds `$`: quote text with `'`, and write values in place of parameters".to_owned()),
        ('-', Some('-')) | ('/', Some('*')) | ('*', Some('/')) => {
            Err("holds a comment: keep comments beside the query, in the case".to_owned())
        }
        _ => Ok(Token::Symbol(c)),
    }
}

fn harmless(c: char) -> Result<(), String> {
    match c {
        '\\' => Err("holds a backslash: write a character class such as `[0-9]`, or `chr(92)`".to_owned()),
        c if c.is_control() => Err("holds a control character".to_owned()),
        _ => Ok(()),
    }
}

fn refused(word: &str) -> bool {
    let word = word.to_lowercase();
    REFUSED.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => word == *name,
    })
}

/// The second proof: every query in the statement, subqueries included, only reads.
fn plain(query: &Query) -> Result<(), String> {
    match query.visit(&mut Plain) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(why) => Err(why.to_owned()),
    }
}

struct Plain;

impl Visitor for Plain {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if !query.locks.is_empty() {
            return ControlFlow::Break("locks rows (FOR UPDATE or FOR SHARE): only one plain SELECT is sent");
        }
        reads(&query.body)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        match select.into {
            Some(_) => ControlFlow::Break("makes a table (INTO): only one plain SELECT is sent"),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_statement(&mut self, _: &Statement) -> ControlFlow<Self::Break> {
        ControlFlow::Break("holds a statement that writes: only one plain SELECT is sent")
    }
}

fn reads(body: &SetExpr) -> ControlFlow<&'static str> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => ControlFlow::Continue(()),
        SetExpr::SetOperation { left, right, .. } => {
            reads(left)?;
            reads(right)
        }
        _ => ControlFlow::Break("writes data: only one plain SELECT is sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_queries_pass_as_they_are() {
        for query in [
            "SELECT 1",
            "select a, count(*) from public.t where b ~ '^[0-9]+$' group by a order by 2 desc limit 5",
            "WITH x AS (SELECT 1 AS a) SELECT * FROM x UNION ALL SELECT 2",
            "SELECT 'it''s; -- no /* comment */ $1 COMMIT' AS \"a \"\"b\"\"; (\"",
            "SELECT has_table_privilege('backup', c.oid, 'SELECT') FROM pg_class c\nWHERE c.relkind IN ('r', 'p')",
            "SELECT count(*) FROM a.b t JOIN c.d USING (id), LATERAL (SELECT 1) z WHERE t.x::text = 'é'",
            "VALUES (1, 'a'), (2, 'b')",
            "SELECT last_value FROM s WHERE now() - interval '30 hours' < t",
            "SELECT nextval FROM t",
        ] {
            assert_eq!(check(query).as_deref(), Ok(query));
        }
        assert_eq!(check(" SELECT 1 ;\n").as_deref(), Ok("SELECT 1"));
    }

    #[test]
    fn everything_else_is_refused() {
        for query in [
            "",
            ";",
            "SELECT 1; SELECT 2",
            "COMMIT; DROP TABLE t",
            "SELECT 1) q; COMMIT; SELECT (1",
            "SELECT 1) q --",
            "DELETE FROM t",
            "INSERT INTO t VALUES (1)",
            "TRUNCATE t",
            "CALL p()",
            "DO 'x'",
            "SET ROLE postgres",
            "EXPLAIN ANALYZE SELECT 1",
            "COPY t TO PROGRAM 'id'",
            "COPY (SELECT 1) TO '/tmp/x'",
            "LOCK TABLE t",
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            "SELECT * FROM (INSERT INTO t VALUES (1)) x",
            "WITH i AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT 1",
            "SELECT * INTO n FROM t",
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM (SELECT * FROM t FOR SHARE) x",
            "BEGIN",
            "VACUUM",
            "\\! id",
            "SELECT 1 \\g /tmp/x",
            "SELECT 1 \\gexec",
            "SELECT E'\\'; COMMIT; --'",
            "SELECT '\\'",
            "SELECT $$a$$",
            "SELECT $1",
            "SELECT 1 -- x",
            "SELECT /* x */ 1",
            "SELECT 'open",
            "SELECT \"open",
            "SELECT (1",
            "SELECT 1)",
            "SELECT U&'!0041' UESCAPE '!'",
            "SELECT U&\"n!0065xtval\" UESCAPE '!'('s')",
            "SELECT 1\u{0}",
            "SELECT '\u{1b}'",
            "TABLE",
            "garbage",
        ] {
            assert!(check(query).is_err(), "{query}");
        }
    }

    #[test]
    fn functions_with_lasting_effects_are_refused_however_they_are_spelled() {
        for call in [
            "nextval('s')",
            "NextVal ('s')",
            "pg_catalog.nextval('s')",
            "\"nextval\"('s')",
            "pg_catalog . \"setval\"\n('s', 1)",
            "pg_terminate_backend(1)",
            "pg_switch_wal()",
            "pg_stat_reset_shared('bgwriter')",
            "lo_import('/etc/passwd')",
            "dblink_exec('x', 'y')",
            "pg_read_file('x')",
            "pg_try_advisory_xact_lock(1)",
            "set_config('a', 'b', false)",
            "query_to_xml('x', true, true, '')",
            "pg_sleep_for('1 s')",
            "pg_create_restore_point('x')",
        ] {
            let message = check(&format!("SELECT * FROM t WHERE a = (SELECT {call})")).unwrap_err();
            assert!(message.contains("effects"), "{call}: {message}");
            assert!(check(&format!("SELECT * FROM {call} AS f")).is_err(), "{call}");
        }
    }

    #[test]
    fn tells_calls_from_columns() {
        let reach = reach("SELECT t.evil, \"Mixed\"(1), s.f (2) * 3 FROM app.t WHERE 'x(' = a");
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(reach.called, set(&["Mixed", "mixed", "f"]));
        assert_eq!(reach.dotted, set(&["evil", "t"]));
        assert_eq!(reach.operators, set(&["*", "="]));
        assert!(reach.words.contains("app") && !reach.words.contains("x"));
    }

    #[test]
    fn a_literal_is_doubled_or_refused() {
        assert_eq!(literal("o'neil").as_deref(), Ok("'o''neil'"));
        assert!(literal("a\\b").is_err() && literal("a\nb").is_err());
    }

    #[test]
    fn names_the_relations_of_a_query() {
        let names = relations("SELECT * FROM b.t JOIN a USING (id) WHERE x IN (SELECT y FROM b.t)");
        assert_eq!(names, ["a", "b.t"]);
        assert!(relations("not SQL").is_empty());
    }
}
