//! A connection to the private copy that can only read, for a limited time and within limits of
//! size; and the rule by which a query of the operator's is proved to be one plain SELECT.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error, ErrorCode, Statement};

use crate::base::clock::Deadline;
use crate::base::text;
use crate::model::fact::{Absence, Reason};

use super::super::tool;
use super::copy::{Copied, by_hand};

/// The longest text or row that SQLite may build.
const LONGEST: i32 = 16 << 20;
/// How many steps of a query pass between two looks at the clock.
const STEPS: i32 = 10_000;
/// Functions with effects outside of the database, should a build have them.
const REFUSED: &[&str] = &["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"];

/// Opens the copy for reading.
///
/// # Errors
/// When SQLite cannot read it as a database.
pub(in crate::collect) fn open(copied: &Copied, time: Duration) -> Result<Connection, Absence> {
    let fail = |error: Error| absence(&error, Path::new(&copied.path), time);
    let connection = copied.connection().ok_or_else(|| fail(Error::InvalidQuery))?;
    limit(connection, time).map_err(fail)
}

fn limit(mut connection: Connection, time: Duration) -> Result<Connection, Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    // A sort that spills would write to the machine's own temporary folder.
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA query_only = ON; PRAGMA cell_size_check = ON;")?;
    let deadline = Deadline::after(time);
    connection.progress_handler(STEPS, Some(move || deadline.passed()))?;
    restrict(&mut connection)?;
    Ok(connection)
}

/// From now on, only reading statements can even be prepared.
///
/// # Errors
/// When SQLite refuses the rule itself.
fn restrict(connection: &mut Connection) -> Result<(), Error> {
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if !refused(function_name) => Authorization::Allow,
        // What `pragma_table_info(…)` in a query asks of SQLite itself.
        AuthAction::Pragma { pragma_name: "table_info", .. } => Authorization::Allow,
        _ => Authorization::Deny,
    }))
}

fn refused(function: &str) -> bool {
    REFUSED.iter().any(|name| function.eq_ignore_ascii_case(name))
}

/// The statement, if SQLite itself says that it reads only and explains nothing.
///
/// # Errors
/// When it does not compile, is not alone, or is no plain SELECT.
pub(super) fn prepare<'c>(connection: &'c Connection, query: &str) -> Result<Statement<'c>, Error> {
    let statement = connection.prepare(query)?;
    if statement.readonly() && statement.is_explain() == 0 && statement.column_count() > 0 {
        return Ok(statement);
    }
    Err(Error::InvalidQuery)
}

/// The absence that an error of SQLite means. Its text names tables and columns, never content.
pub(in crate::collect) fn absence(error: &Error, path: &Path, time: Duration) -> Absence {
    let said = match error {
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    let (reason, message) = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            (Reason::TimedOut, format!("the query had not ended after {} s", time.as_secs_f64()))
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            (Reason::Unparsable, format!("SQLite cannot read it: {said}"))
        }
        Some(ErrorCode::TooBig | ErrorCode::OutOfMemory) => {
            (Reason::Limit, format!("a value is longer than {LONGEST} bytes"))
        }
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            (Reason::Failed, format!("the query does more than read tables and was refused: {said}"))
        }
        _ => (Reason::Failed, said),
    };
    let message = format!("{}: {}", text::from_name(path), tool::short(&message));
    Absence::new(reason, message).settled_by(by_hand(path))
}

/// The query without a final `;`, if it looks like one SELECT and nothing else: checked before
/// anything is read, so that a wrong one is refused at once. SQLite decides again later.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(query: &str) -> Result<&str, String> {
    let query = query.trim().trim_end_matches(';').trim_end();
    let end = query.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(query.len());
    if !["select", "with", "values"].contains(&query[..end].to_ascii_lowercase().as_str()) {
        return Err("is one SELECT (or VALUES, or WITH … SELECT)".to_owned());
    }
    let mut inside: Option<char> = None;
    let mut previous = ' ';
    for c in query.chars() {
        match (inside, c) {
            (Some(close), c) if c == close => inside = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => inside = Some(c),
            (None, '[') => inside = Some(']'),
            (None, ';') => return Err("is more than one statement".to_owned()),
            (None, '-') if previous == '-' => return Err("holds a comment".to_owned()),
            (None, '*') if previous == '/' => return Err("holds a comment".to_owned()),
            (None, '\0') => return Err("holds a NUL".to_owned()),
            (None, '?' | ':' | '@' | '$') => return Err(format!("holds a parameter (`{c}`) that nobody fills")),
            (None, _) => {}
        }
        previous = c;
    }
    if inside.is_some() { Err("has a quote that is not closed".to_owned()) } else { Ok(query) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_select_passes_and_everything_else_is_refused_before_it_is_read() {
        for query in ["SELECT ';' AS \"a;b\" FROM [x;y];", "with t as (select 1) select * from t", "VALUES (1)"] {
            assert!(check(query).is_ok(), "{query}");
        }
        for query in [
            "",
            "DELETE FROM monitor",
            "PRAGMA user_version = 7",
            "ATTACH 'x' AS y",
            "EXPLAIN SELECT 1",
            "SELECT 1; DROP TABLE monitor",
            "SELECT 1 -- x",
            "SELECT 1 /* x */",
            "SELECT 'x",
            "SELECT ?1",
        ] {
            assert!(check(query).is_err(), "{query}");
        }
    }

    #[test]
    fn sqlite_itself_refuses_whatever_does_not_read() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
        restrict(&mut connection).unwrap();
        // SQLite has such a function of a PRAGMA only where that reads and nothing else.
        for query in [
            "SELECT a FROM t",
            "SELECT * FROM pragma_table_info('t')",
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 3) SELECT * FROM n",
        ] {
            assert!(prepare(&connection, query).is_ok(), "{query}");
        }
        for query in [
            "INSERT INTO t VALUES (2)",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "ATTACH ':memory:' AS other",
            "PRAGMA user_version = 7",
            "SELECT load_extension('x')",
            "EXPLAIN SELECT 1",
            "VACUUM INTO '/tmp/x'",
            "BEGIN",
            "SELECT 1; SELECT 2",
            "CREATE TEMP TABLE x (a)",
        ] {
            assert!(prepare(&connection, query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_query_without_end_is_ended() {
        let time = Duration::from_millis(50);
        let connection = limit(Connection::open_in_memory().unwrap(), time).unwrap();
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT count(*) FROM n";
        let error = connection.query_row(endless, [], |_| Ok(())).err().unwrap();
        assert_eq!(absence(&error, Path::new("x"), time).reason, Reason::TimedOut);
    }
}
