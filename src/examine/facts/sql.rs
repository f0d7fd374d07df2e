//! What was found in SQL text: who wrote it, what it creates, its rows, and where it breaks off.
//!
//! [`Objects`], [`Grants`] and [`Rows`] are also used for the PostgreSQL archives, whose entries
//! create the same things.

use std::collections::BTreeMap;

use serde::Serialize;

/// Who wrote SQL text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// `pg_dump` or `pg_restore -f`.
    PgDump,
    /// `pg_dumpall`.
    PgDumpall,
    /// `mysqldump` or `mariadb-dump`, or another program that writes for MySQL.
    Mysqldump,
    /// phpMyAdmin.
    #[serde(rename = "phpmyadmin")]
    PhpMyAdmin,
    /// `.dump` of `sqlite3`.
    Sqlite,
    /// No header says.
    #[default]
    Unknown,
}

/// Names of one kind of object, in the order of the dump, as the dump spells them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Names {
    /// Distinct objects.
    pub count: u64,
    /// Their names; in a dump of several databases with the database in front.
    pub names: Vec<String>,
    /// More objects were counted than names were kept.
    pub names_cut: bool,
}

/// What a dump creates.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Objects {
    /// Tables of every kind: plain, unlogged, foreign, partitioned, partitions.
    pub tables: Names,
    /// Those of the tables that are foreign.
    pub foreign_tables: u64,
    /// Views.
    pub views: Names,
    /// Materialised views.
    pub materialized_views: Names,
    /// Sequences.
    pub sequences: Names,
    /// Functions; an overloaded name counts once for each signature.
    pub functions: Names,
    /// Procedures.
    pub procedures: Names,
    /// Schemas.
    pub schemas: Names,
    /// Extensions.
    pub extensions: Names,
    /// Roles.
    pub roles: Names,
    /// Databases.
    pub databases: Names,
    /// Everything else by kind (`index`, `trigger`, `type`, …).
    pub others: BTreeMap<String, u64>,
}

/// What was granted to one role.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Grants {
    /// GRANT statements that name the role.
    pub count: u64,
    /// What they grant, such as `SELECT ON TABLE public.orders`, or the role granted.
    pub what: Vec<String>,
    /// More was granted than is listed.
    pub what_cut: bool,
}

/// Rows by table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rows {
    /// All rows.
    pub total: u64,
    /// Rows by table, exact.
    pub by_table: BTreeMap<String, u64>,
    /// There were more tables than are listed; `total` has their rows.
    pub tables_cut: bool,
}

/// SQL text.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sql {
    /// Who wrote it.
    pub flavour: Flavour,
    /// The header comment stands where it has to.
    pub header: bool,
    /// The completion trailer is there and nothing but comments and `\unrestrict` follows it.
    pub trailer: bool,
    /// Database dumps that begin in this text.
    pub dumps_begun: u64,
    /// Database dumps that reach their own trailer.
    pub dumps_completed: u64,
    /// Version of the server that was dumped, as the dump says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Version of the dumping program, as the dump says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dump_version: Option<String>,
    /// Statements at the top level, those inside bodies and data not counted.
    pub statements: u64,
    /// What the statements create.
    #[serde(flatten)]
    pub objects: Objects,
    /// Grants by role.
    pub grants: BTreeMap<String, Grants>,
    /// There were more roles than are listed.
    pub grants_cut: bool,
    /// Rows from COPY blocks and INSERT statements.
    pub rows: Rows,
    /// COPY blocks begun.
    pub copy_blocks: u64,
    /// INSERT (and REPLACE) statements.
    pub inserts: u64,
    /// INSERT statements whose rows cannot be counted (INSERT … SELECT).
    pub inserts_uncounted: u64,
    /// COPY blocks in CSV or with options, whose lines need not be rows; not in `rows`.
    pub copy_uncounted: u64,
    /// The table whose COPY block never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unterminated_copy: Option<String>,
    /// What the text ends inside of, when it does not end between statements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_inside: Option<EndsInside>,
    /// `\restrict` and `\unrestrict` lines.
    pub restrict_lines: u64,
    /// Lines that are not SQL: messages of a program that were redirected into the dump.
    pub error_lines: u64,
    /// The first of them, shortened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_error_lines: Vec<String>,
    /// NUL bytes; a dump has none.
    pub nul_bytes: u64,
    /// Rows with another number of columns than their COPY or INSERT has.
    pub misshapen_rows: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_misshapen: Option<Misshapen>,
    /// Statements that no dump program writes: another statement begins before their end, a
    /// parenthesis too many, values without a comma between them.
    pub broken_statements: u64,
    /// The beginning of the first of them; strings are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_broken: Option<String>,
    /// Dumps that begin before the one before them is complete, and ends of dumps without a beginning.
    pub dumps_cut: u64,
    /// What became of a transaction that was begun and not committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
    /// Session settings that are saved (`SET @OLD_…`), as programs for MySQL do first of all.
    pub settings_saved: u64,
    /// Session settings that are restored, as they do at the very end.
    pub settings_restored: u64,
    /// Row-level security applied to the dump: rows that the role may not see are not in it.
    pub row_security: bool,
    /// Every line ends with CR LF.
    pub crlf: bool,
    /// Tables of a dump of PostgreSQL that it creates and has no rows or end of rows for.
    pub tables_without_data: Names,
    /// Tables that have rows in a dump that creates others and not them.
    pub data_without_table: Names,
    /// A table that the dump changes and does not create, though it creates others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_without_table: Option<String>,
    /// Statements that alter something; they are content, even when nothing is created.
    #[serde(skip)]
    pub alters: u64,
}

/// A row of the wrong shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Misshapen {
    /// Its table.
    pub table: String,
    /// Its number in the block of its COPY; absent for INSERT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Columns that it should have, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// Columns that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
}

/// How a transaction can end without COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transaction {
    /// The text ends inside of it.
    Open,
    /// ROLLBACK: a dump program that gave up.
    RolledBack,
}

/// What SQL text can end inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndsInside {
    /// A COPY block.
    CopyData,
    /// A quoted string or identifier.
    Quote,
    /// A dollar-quoted body.
    DollarQuote,
    /// A `/* */` comment.
    Comment,
    /// A statement without its semicolon.
    Statement,
}

/// A stream of COPY rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CopyData {
    /// Rows before the terminator.
    pub rows: u64,
    /// The `\.` line is there.
    pub terminated: bool,
    /// Bytes other than line ends follow the terminator.
    pub bytes_after: u64,
}
