//! An examined backup as a table: first whether it is any good, in plain words and with the
//! reasons; then the container, the sizes, what the dump inside says of itself, and what it holds.

use crate::base::quantity::show_bytes;
use crate::base::text::plural;
use crate::examine::{Custom, Examination, Flavour, Gzip, Kind, Member, Objects, Quality, Rows, Sql, Tar, Zstd};

use super::clean;
use super::style::{Paint, Style};
use super::table::{Cell, table};

/// Tables and members listed; the rest is counted.
const TOP: usize = 10;

type Lines = Vec<Vec<Cell>>;

/// What was found out about the file called `name`.
#[must_use]
pub fn examination(name: &str, found: &Examination, style: &Style) -> String {
    let (words, paint) = quality(found.quality);
    let mut out = format!("{}: {}\n", clean(name), style.paint(words, paint));
    for reason in &found.reasons {
        out.push_str(&format!("  {}\n", clean(&reason.says)));
    }
    let mut lines = Vec::new();
    describe(&mut lines, found);
    out.push_str(&table(&[], &lines, style));
    out.push_str(&details(found, style));
    out.push('\n');
    out
}

fn quality(quality: Quality) -> (&'static str, Paint) {
    match quality {
        Quality::Good => ("GOOD, whole and complete", Paint::Good),
        Quality::Bad => ("BAD, do not rely on it", Paint::Bad),
        Quality::Inconclusive => ("NOT ESTABLISHED, nothing shows whether it is complete", Paint::Doubt),
        Quality::UnknownKind => ("NOT ESTABLISHED, no kind of backup that is known here", Paint::Doubt),
    }
}

fn line(lines: &mut Lines, what: &str, seen: impl AsRef<str>) {
    if !seen.as_ref().is_empty() {
        lines.push(vec![Cell::painted(&format!("  {what}"), Paint::Faint), Cell::new(seen.as_ref())]);
    }
}

/// Everything about one stream, and of what is inside it when it is compressed once more.
fn describe(lines: &mut Lines, found: &Examination) {
    let chain: Vec<_> = found.chain.iter().map(|kind| kind_word(*kind)).collect();
    line(lines, "container", chain.join(" > "));
    line(lines, "stored", show_bytes(found.stored_bytes));
    if let Some(bytes) = found.payload_bytes.filter(|_| found.kind != Kind::PlainSql) {
        line(lines, "payload", show_bytes(bytes));
    }
    for (what, sha) in [
        ("sha256", &found.stored_sha256),
        ("payload sha256", &found.payload_sha256),
        ("normalised", &found.payload_normalised_sha256),
    ] {
        line(lines, what, sha.as_deref().unwrap_or(""));
    }
    inside(lines, found);
    if let Some(payload) = &found.payload {
        inside(lines, payload);
    }
}

fn inside(lines: &mut Lines, found: &Examination) {
    found.gzip.iter().for_each(|gzip| line(lines, "gzip", gzip_words(gzip)));
    found.zstd.iter().for_each(|zstd| line(lines, "zstd", zstd_words(zstd)));
    found.tar.iter().for_each(|tar| line(lines, "tar", tar_words(tar)));
    found.sql.iter().for_each(|sql| sql_lines(lines, sql));
    found.custom.iter().for_each(|custom| custom_lines(lines, custom));
    found.tar.iter().filter_map(|tar| tar.toc.as_ref()).for_each(|toc| custom_lines(lines, toc));
    if let Some(data) = &found.copy_data {
        let end = if data.terminated { "terminated" } else { "NOT terminated" };
        line(lines, "rows", format!("{}, {end}", data.rows));
    }
}

fn gzip_words(gzip: &Gzip) -> String {
    let mut parts =
        vec![validity(gzip.valid, gzip.damage.is_some()).to_owned(), plural(count(gzip.members), "whole member")];
    if gzip.empty_members > 0 {
        parts.push(format!("{} of them empty", gzip.empty_members));
    }
    if gzip.trailing_zeros > 0 {
        parts.push(format!("{} zero bytes after it", gzip.trailing_zeros));
    }
    if gzip.trailing_bytes > 0 {
        parts.push(format!("{} other bytes after it", gzip.trailing_bytes));
    }
    if let Some(damage) = gzip.damage {
        parts.push(format!("{} in member {}", word(&damage), gzip.damaged_member.unwrap_or(1)));
    }
    parts.join(", ")
}

fn zstd_words(zstd: &Zstd) -> String {
    let mut parts =
        vec![validity(zstd.valid, zstd.damage.is_some()).to_owned(), plural(count(zstd.frames), "whole frame")];
    parts.push(format!("{} with a checksum", zstd.frames_with_checksum));
    parts.extend(zstd.damage.map(|damage| word(&damage)));
    parts.join(", ")
}

fn tar_words(tar: &Tar) -> String {
    let mut parts = vec![validity(tar.valid, tar.damage.is_some()).to_owned(), format!("{} entries", tar.entries)];
    parts.push(format!("{} in files", show_bytes(tar.member_bytes)));
    parts.extend(tar.damage.map(|damage| word(&damage)));
    parts.join(", ")
}

/// A layer that is not whole although nothing is damaged was not read to its end: a limit came first.
fn validity(valid: bool, damaged: bool) -> &'static str {
    match (valid, damaged) {
        (true, _) => "valid",
        (false, true) => "NOT valid",
        (false, false) => "not read to its end",
    }
}

fn sql_lines(lines: &mut Lines, sql: &Sql) {
    let yes = |seen: bool| if seen { "yes" } else { "NO" };
    line(lines, "written by", written_by(sql));
    line(lines, "server", sql.server_version.as_deref().unwrap_or(""));
    line(lines, "header, trailer", format!("header {}, completion trailer {}", yes(sql.header), yes(sql.trailer)));
    line(lines, "creates", creates(&sql.objects));
    line(lines, "rows", rows(&sql.rows, sql.copy_blocks, sql.inserts));
    line(
        lines,
        "grants",
        sql.grants.iter().map(|(role, g)| format!("{role} {}", g.count)).collect::<Vec<_>>().join(", "),
    );
    line(
        lines,
        "unfinished",
        sql.unterminated_copy.as_ref().map_or(String::new(), |t| format!("the rows of {t} never end")),
    );
    sql.first_error_lines.iter().for_each(|text| line(lines, "error line", text));
}

fn written_by(sql: &Sql) -> String {
    let program = match sql.flavour {
        Flavour::PgDump => "pg_dump",
        Flavour::PgDumpall => "pg_dumpall",
        Flavour::Mysqldump => "mysqldump",
        Flavour::Unknown => "unknown",
    };
    format!("{program} {}", sql.dump_version.as_deref().unwrap_or("")).trim_end().to_owned()
}

fn custom_lines(lines: &mut Lines, custom: &Custom) {
    let level = custom.compression_level.map_or_else(String::new, |level| format!(" level {level}"));
    line(lines, "archive", format!("{} format {}, {}{level}", custom.format, custom.version, custom.compression));
    line(lines, "database", custom.database.as_deref().unwrap_or(""));
    line(
        lines,
        "created",
        custom.created.as_ref().map_or(String::new(), |at| format!("{at} (the dumping machine's local time)")),
    );
    line(
        lines,
        "written by",
        custom.dump_version.as_ref().map_or(String::new(), |version| format!("pg_dump {version}")),
    );
    line(lines, "server", custom.server_version.as_deref().unwrap_or(""));
    let found = format!("{} of {} data blocks found", custom.blocks_found, custom.blocks_expected);
    line(lines, "blocks", format!("{} entries, {found}, {} checked", custom.toc_entries, custom.blocks_checked));
    line(lines, "creates", creates(&custom.objects));
    line(lines, "rows", format!("{} in {}", custom.rows.total, plural(custom.rows.by_table.len(), "table")));
    let damage = custom.damage.map(|damage| word(&damage));
    let entry = custom.damaged_entry.as_ref().map_or(String::new(), |entry| format!(": {entry}"));
    line(lines, "damage", damage.map_or(String::new(), |damage| format!("{damage}{entry}")));
}

/// How many objects of each kind, those that there are.
fn creates(objects: &Objects) -> String {
    let kinds = [
        (&objects.schemas, "schema"),
        (&objects.tables, "table"),
        (&objects.views, "view"),
        (&objects.materialized_views, "materialised view"),
        (&objects.sequences, "sequence"),
        (&objects.functions, "function"),
        (&objects.procedures, "procedure"),
        (&objects.extensions, "extension"),
        (&objects.roles, "role"),
        (&objects.databases, "database"),
    ];
    let parts = kinds.iter().filter(|(names, _)| names.count > 0);
    let parts = parts.map(|(names, kind)| plural(count(names.count), kind));
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn rows(rows: &Rows, copies: u64, inserts: u64) -> String {
    let from = [(copies, "COPY block"), (inserts, "INSERT")];
    let from: Vec<_> = from.iter().filter(|(n, _)| *n > 0).map(|(n, what)| plural(count(*n), what)).collect();
    let from = if from.is_empty() { String::new() } else { format!(" from {}", from.join(" and ")) };
    format!("{}{from}", rows.total)
}

/// The tables with the most rows, and the members of a tar.
fn details(found: &Examination, style: &Style) -> String {
    let mut out = String::new();
    for layer in [Some(found), found.payload.as_deref()].into_iter().flatten() {
        let toc = layer.tar.as_ref().and_then(|tar| tar.toc.as_ref());
        let counted =
            [layer.sql.as_ref().map(|s| &s.rows), layer.custom.as_ref().map(|c| &c.rows), toc.map(|c| &c.rows)];
        counted.into_iter().flatten().for_each(|rows| out.push_str(&top_tables(rows, style)));
        layer.tar.iter().for_each(|tar| out.push_str(&members(tar, style)));
    }
    out
}

fn top_tables(rows: &Rows, style: &Style) -> String {
    let mut tables: Vec<(&String, &u64)> = rows.by_table.iter().collect();
    tables.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let shown = tables.iter().take(TOP);
    let mut cells: Lines =
        shown.map(|(name, n)| vec![Cell::new(&format!("  {name}")), Cell::new(&n.to_string())]).collect();
    if tables.len() > TOP {
        let rest: u64 = tables.iter().skip(TOP).map(|(_, n)| **n).sum();
        cells.push(vec![Cell::new(&format!("  ({} more)", tables.len() - TOP)), Cell::new(&rest.to_string())]);
    }
    section(&["  table", "rows"], &cells, style)
}

fn members(tar: &Tar, style: &Style) -> String {
    // What is wrong comes first: it must not be among those that are only counted.
    let mut sorted: Vec<&Member> = tar.members.iter().collect();
    sorted.sort_by_key(|member| member.examination.quality == Quality::Good);
    let mut cells: Lines = sorted.iter().take(TOP).map(|member| member_cells(member)).collect();
    let all: u64 = tar.qualities.values().sum();
    if count(all) > cells.len() {
        cells.push(vec![Cell::new(&format!("  ({} more)", count(all) - cells.len()))]);
    }
    section(&["  member", "size", "container", "verdict"], &cells, style)
}

fn member_cells(member: &Member) -> Vec<Cell> {
    let found = &member.examination;
    let chain: Vec<_> = found.chain.iter().map(|kind| kind_word(*kind)).collect();
    let (_, paint) = quality(found.quality);
    let why = found.reasons.first().map_or("", |reason| reason.says.as_str());
    let verdict = match found.quality {
        Quality::Good => "good".to_owned(),
        Quality::Bad => format!("BAD: {why}"),
        Quality::Inconclusive | Quality::UnknownKind => format!("not established: {why}"),
    };
    let name = Cell::new(&format!("  {}", member.name));
    vec![name, Cell::new(&show_bytes(member.size)), Cell::new(&chain.join(" > ")), Cell::painted(&verdict, paint)]
}

fn section(header: &[&str], cells: &Lines, style: &Style) -> String {
    let table = table(header, cells, style);
    if table.is_empty() { table } else { format!("\n{table}") }
}

fn kind_word(kind: Kind) -> String {
    match kind {
        Kind::PlainSql => "SQL text".to_owned(),
        Kind::PgCustom => "PostgreSQL archive".to_owned(),
        Kind::CopyData => "COPY rows".to_owned(),
        other => word(&other),
    }
}

/// A frozen word of the examiner as people write it: `truncated_body` → `truncated body`.
fn word<T: serde::Serialize>(value: &T) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or("unknown").replace('_', " ")
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
