//! What SQL text proves, and what a good verdict about it does not cover.

use super::caveat::CaveatId;
use super::facts::{EndsInside, Examination, Flavour, Sql, Transaction};
use super::verdict::{Code, Findings, Quality};

/// Adds the findings about SQL text.
pub(super) fn sql(facts: &Sql, findings: &mut Findings) {
    if facts.nul_bytes > 0 {
        findings.bad(Code::NulBytes, format!("{} NUL bytes stand in the text", facts.nul_bytes));
    }
    error_lines(facts, findings);
    misshapen(facts, findings);
    if facts.broken_statements > 0 {
        let first = facts.first_broken.as_deref().unwrap_or_default();
        let says = format!("{} statements are not whole; the first is `{first}`", facts.broken_statements);
        findings.bad(Code::StatementBroken, says);
    }
    ends_inside(facts, findings);
    frames(facts, findings);
    end(facts, findings);
}

fn error_lines(facts: &Sql, findings: &mut Findings) {
    if facts.error_lines > 0 {
        let first = facts.first_error_lines.first().map_or("", String::as_str);
        let says = format!("{} lines are messages of a program, not SQL; the first is `{first}`", facts.error_lines);
        findings.bad(Code::ErrorLines, says);
    }
}

fn misshapen(facts: &Sql, findings: &mut Findings) {
    let Some(first) = &facts.first_misshapen else { return };
    let rows = facts.misshapen_rows;
    let says = match (first.row, first.expected, first.found) {
        (Some(row), Some(expected), Some(found)) => format!(
            "{rows} rows do not have the columns of their table: row {row} of {} has {found}, expected {expected}",
            first.table
        ),
        (None, Some(expected), _) => format!(
            "{rows} rows do not have the columns of their table: INSERT into {}, expected {expected}",
            first.table
        ),
        _ => format!("{rows} rows of {} end in CR LF and others in LF; PostgreSQL refuses them", first.table),
    };
    findings.bad(Code::RowsMisshapen, says);
}

fn ends_inside(facts: &Sql, findings: &mut Findings) {
    let says = match facts.ends_inside {
        None => return,
        Some(EndsInside::CopyData) => {
            let table = facts.unterminated_copy.as_deref().unwrap_or("a table");
            let says = format!("the text ends inside the rows of {table}");
            findings.bad(Code::CopyUnterminated, says);
            return;
        }
        Some(EndsInside::Quote) => "the text ends inside a quoted string or name",
        Some(EndsInside::DollarQuote) => "the text ends inside a dollar-quoted body",
        Some(EndsInside::Comment) => "the text ends inside a comment",
        Some(EndsInside::Statement) => "the text ends inside a statement",
    };
    findings.bad(Code::EndsInside, says);
}

/// Dumps and transactions that begin and do not end.
fn frames(facts: &Sql, findings: &mut Findings) {
    if facts.dumps_cut > 0 {
        let says = "a dump begins before the one before it is complete, or ends without a beginning";
        findings.bad(Code::DumpIncomplete, says);
    } else if facts.dumps_completed != facts.dumps_begun && facts.dumps_completed > 0 {
        let says =
            format!("{} dumps begin in this text and {} are completed", facts.dumps_begun, facts.dumps_completed);
        findings.bad(Code::DumpIncomplete, says);
    }
    match facts.transaction {
        Some(Transaction::Open) => {
            let says = "a transaction begins and COMMIT is missing: the end is cut off, and a restore keeps nothing";
            findings.bad(Code::TransactionNotCommitted, says);
        }
        Some(Transaction::RolledBack) => {
            let says =
                "the text ends its transaction with ROLLBACK: the dump program gave up, and a restore keeps nothing";
            findings.bad(Code::TransactionNotCommitted, says);
        }
        None => {}
    }
    if facts.flavour == Flavour::Mysqldump && facts.header && facts.settings_saved != facts.settings_restored {
        let (saved, restored) = (facts.settings_saved, facts.settings_restored);
        let says =
            format!("settings of the session are saved {saved} times and restored {restored} times: a part is lost");
        findings.bad(Code::StatementBroken, says);
    }
    if let Some(table) = lost_table(facts) {
        let says = format!("there are rows or changes for {table}, and the dump creates other tables and not this one");
        findings.bad(Code::TableMissing, says);
    }
}

/// A table that is filled or changed and not created.
fn lost_table(facts: &Sql) -> Option<&str> {
    let program = matches!(facts.flavour, Flavour::PgDump | Flavour::Mysqldump) && facts.header;
    let first = facts.data_without_table.names.first().or(facts.changed_without_table.as_ref())?;
    (program && facts.dumps_begun == 1 && !first.starts_with("pg_catalog.")).then_some(first)
}

/// Whether the end was seen.
fn end(facts: &Sql, findings: &mut Findings) {
    let unfinished = facts.settings_saved > 0 && facts.settings_restored == 0;
    match (facts.flavour, facts.header, facts.trailer) {
        (Flavour::PgDump | Flavour::PgDumpall, _, true) | (Flavour::Mysqldump | Flavour::Sqlite, true, true) => {
            complete(facts, "the dump reaches its completion trailer", findings);
        }
        (Flavour::PhpMyAdmin, true, true) => complete(facts, "the dump reaches its COMMIT", findings),
        (Flavour::PgDump | Flavour::PgDumpall, ..) | (Flavour::Mysqldump | Flavour::Sqlite, true, false) => {
            findings.bad(Code::TrailerMissing, "the dump does not end with its completion trailer");
        }
        (Flavour::Mysqldump | Flavour::PhpMyAdmin, ..) if unfinished => findings.bad(
            Code::TrailerMissing,
            "the text saves settings of the session first and never restores them: its end is cut off",
        ),
        (_, false, true) => findings.add(
            Quality::Inconclusive,
            Code::NoEndMark,
            "statements come before the header of the dump: nothing shows whether what comes before it is complete",
        ),
        _ => findings.add(
            Quality::Inconclusive,
            Code::NoEndMark,
            "the text has no header and no trailer: nothing shows whether it is complete",
        ),
    }
}

fn complete(facts: &Sql, says: &str, findings: &mut Findings) {
    if holds_nothing(facts) {
        let says = "the dump is complete, and it creates nothing and holds no rows: an empty or a wrong database";
        findings.add(Quality::Inconclusive, Code::EmptyDump, says);
    } else {
        findings.add(Quality::Good, Code::Complete, says);
    }
}

/// Whether there is no table, no row and nothing else. Every database has a schema and an extension.
fn holds_nothing(facts: &Sql) -> bool {
    let objects = &facts.objects;
    let kinds = [
        &objects.tables,
        &objects.views,
        &objects.materialized_views,
        &objects.sequences,
        &objects.functions,
        &objects.procedures,
        &objects.roles,
    ];
    let created = kinds.iter().any(|names| names.count > 0) || !objects.others.is_empty();
    !created && facts.copy_blocks + facts.inserts + facts.alters == 0
}

/// What a good verdict about this text does not cover.
pub(super) fn caveats(found: &mut Examination) {
    let Some(facts) = found.sql.take() else { return };
    let objects = &facts.objects;
    let (tables, blocks) = (objects.tables.count, facts.copy_blocks + facts.inserts);
    if tables == 0 && blocks == 0 && objects.roles.count > 0 {
        found.add_caveat(CaveatId::GlobalsOnly, "globals only: roles and tablespaces, no table and no row");
    } else if tables == 0 && blocks > 0 {
        found.add_caveat(CaveatId::DataOnly, "data only: rows, and no table is created for them");
    } else if tables > 0 && blocks == 0 {
        found
            .add_caveat(CaveatId::SchemaOnly, "schema only: tables are created, and there are no rows for any of them");
    } else if tables == 0 && !holds_nothing(&facts) {
        found.add_caveat(CaveatId::NoTables, "no table is created and there are no rows");
    } else if blocks > 0 && facts.rows.total + facts.inserts_uncounted + facts.copy_uncounted == 0 {
        found.add_caveat(CaveatId::NoRows, "every table is empty");
    }
    let without = &facts.tables_without_data;
    if let Some(first) = without.names.first() {
        let says =
            format!("{} tables have no rows section, not even an empty one; the first is {first}", without.count);
        found.add_caveat(CaveatId::TablesWithoutData, says);
    }
    if facts.row_security {
        let says = "row-level security applied to the dump: rows that its role may not see are not in it";
        found.add_caveat(CaveatId::RowSecurity, says);
    }
    if facts.crlf {
        let says = "every line ends with CR LF, as a terminal or Windows writes them: strings and bodies of several lines are changed";
        found.add_caveat(CaveatId::CrLf, says);
    }
    found.sql = Some(facts);
}
