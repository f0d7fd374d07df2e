//! The header and the table of contents, the same in archives and in `toc.dat` of tar and directory
//! dumps. Field order and versions follow the format that `pg_dump` of PostgreSQL 9 to 18 writes
//! (archive versions 1.12 to 1.16).

use std::collections::HashMap;

use flate2::Crc;

use super::check::{self, Fixed};
use super::fields::{DataAt, Fields, Trouble};
use crate::examine::facts::{Custom, Objects, TocEntry};
use crate::examine::keep::Keeper;
use crate::examine::sql::{Created, Lexer, Script, add};

/// Names and types longer than this are shortened.
const NAME: usize = 600;
/// COPY statements longer than this are not checked.
const COPY: usize = 256 * 1024;
/// Of the SQL of an ACL entry this much is read; one statement is a hundred bytes.
const ACL: usize = 256 * 1024;
/// A table of contents does not have more entries than this.
const MOST_ENTRIES: i64 = 100_000_000;

/// How data blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Lz4,
    Zstd,
    Unknown,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
            Compression::Unknown => "unknown",
        }
    }
}

/// What has to be known about an entry when its data comes.
#[derive(Debug, Clone)]
pub(in crate::examine) struct DataEntry {
    /// The table's name as SQL spells it.
    pub(in crate::examine) table: String,
    /// `TYPE name`, for people.
    pub(in crate::examine) label: String,
    /// Rows of COPY; otherwise INSERT statements or large objects.
    pub(in crate::examine) is_copy: bool,
    /// Large objects.
    pub(in crate::examine) is_blobs: bool,
    /// The block was found.
    pub(in crate::examine) found: bool,
    /// Where the block is, as the entry states it.
    pub(super) offset: Option<u64>,
    /// Where the block was found.
    pub(super) start: u64,
}

/// The entries with data, by number and, outside of archives, by file name.
#[derive(Debug, Default)]
pub(in crate::examine) struct DataEntries {
    pub(in crate::examine) by_id: HashMap<i64, DataEntry>,
    pub(in crate::examine) by_file: HashMap<String, i64>,
    /// There were more than can be kept.
    pub(in crate::examine) cut: bool,
    /// Entries of the table of contents, those without data included.
    entries: i64,
    /// A checksum of the table of contents without the places of the data.
    sum: Option<u32>,
}

/// Reads magic, versions and the rest of the header.
pub(super) fn header(fields: &mut Fields<'_, '_>, facts: &mut Custom) -> Result<Compression, Trouble> {
    if fields.stream.exactly(5).len() < 5 {
        return Err(Trouble::Short);
    }
    let (major, minor, revision) = (fields.byte()?, fields.byte()?, fields.byte()?);
    fields.version = (major, minor);
    facts.version = format!("{major}.{minor}");
    if revision != 0 {
        facts.version = format!("{major}.{minor}-{revision}");
    }
    if major != 1 || !(12..=16).contains(&minor) {
        return Ok(Compression::Unknown);
    }
    fields.int_size = usize::from(fields.byte()?);
    fields.offset_size = usize::from(fields.byte()?);
    if !(1..=8).contains(&fields.int_size) || !(1..=8).contains(&fields.offset_size) {
        return Err(Trouble::Invalid);
    }
    facts.format = match fields.byte()? {
        1 => "custom".into(),
        3 => "tar".into(),
        5 => "directory".into(),
        _ => return Err(Trouble::Invalid),
    };
    let compression = compression(fields, facts)?;
    facts.compression = compression.name().into();
    facts.created = created(fields)?;
    facts.database = fields.string(NAME)?;
    facts.server_version = fields.string(NAME)?;
    facts.dump_version = fields.string(NAME)?;
    Ok(compression)
}

fn compression(fields: &mut Fields<'_, '_>, facts: &mut Custom) -> Result<Compression, Trouble> {
    if fields.since(15) {
        return Ok(match fields.byte()? {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Lz4,
            3 => Compression::Zstd,
            _ => Compression::Unknown,
        });
    }
    let level = fields.int()?;
    // pg_dump writes no other level, and pg_restore before version 16 refuses it.
    if !(-1..=9).contains(&level) {
        return Err(Trouble::Invalid);
    }
    facts.compression_level = Some(level);
    Ok(if level == 0 { Compression::None } else { Compression::Gzip })
}

fn created(fields: &mut Fields<'_, '_>) -> Result<Option<String>, Trouble> {
    let (second, minute, hour) = (fields.int()?, fields.int()?, fields.int()?);
    let (day, month, year) = (fields.int()?, fields.int()?, fields.int()?);
    fields.int()?; // daylight saving time
    let sane = (0..=60).contains(&second)
        && (0..60).contains(&minute)
        && (0..24).contains(&hour)
        && (1..=31).contains(&day)
        && (0..12).contains(&month)
        && (0..8100).contains(&year);
    Ok(sane.then(|| format!("{:04}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}", year + 1900, month + 1)))
}

/// Reads all entries.
pub(super) fn entries(
    fields: &mut Fields<'_, '_>,
    facts: &mut Custom,
    keeper: &Keeper,
) -> Result<DataEntries, Trouble> {
    let count = fields.int()?;
    if !(0..=MOST_ENTRIES).contains(&count) {
        return Err(Trouble::Invalid);
    }
    facts.toc_entries = count.unsigned_abs();
    fields.sum = Some(Crc::new());
    let mut data = DataEntries { entries: count, ..DataEntries::default() };
    let mut grants = Lexer::new(Script::new(keeper.clone()));
    for _ in 0..count {
        let raw = entry(fields, Some(&mut grants))?;
        describe(&raw, facts, keeper);
        if !check::is_known(&raw.kind) {
            facts.unknown_entry_type.get_or_insert_with(|| raw.kind.clone());
        }
        if raw.has_data() {
            facts.blocks_expected += 1;
            remember(raw, &mut data, keeper)?;
        }
    }
    data.sum = fields.sum.take().map(|sum| sum.sum());
    let found = grants.finish().sql;
    (facts.grants, facts.grants_cut) = (found.grants, found.grants_cut);
    Ok(data)
}

/// Reads the table of contents that a writer added after the data, because it could state the
/// places of the data only then; false when it is not the first one with the true places.
pub(super) fn again(fields: &mut Fields<'_, '_>, data: &DataEntries) -> Result<bool, Trouble> {
    let count = fields.int()?;
    if count != data.entries {
        return Ok(false);
    }
    fields.sum = Some(Crc::new());
    let mut places_agree = true;
    for _ in 0..count {
        let raw = entry(fields, None)?;
        let found = data.by_id.get(&raw.id).map(|entry| entry.start);
        places_agree &= match (raw.at, found) {
            (Some(DataAt::Offset(offset)), Some(start)) => offset == start,
            (Some(DataAt::Nowhere), None) => true,
            // More entries than can be kept.
            (_, None) => data.cut,
            _ => false,
        };
    }
    let sum = fields.sum.take().map(|sum| sum.sum());
    Ok(places_agree && sum == data.sum)
}

/// One entry as it stands in the archive.
pub(super) struct Raw {
    pub(super) id: i64,
    tag: String,
    pub(super) kind: String,
    schema: Option<String>,
    owner: Option<String>,
    is_copy: bool,
    at: Option<DataAt>,
    file: Option<String>,
}

impl Raw {
    /// Whether a data block, or a file, must be there.
    fn has_data(&self) -> bool {
        self.file.is_some() || self.at.is_some_and(|at| at != DataAt::Nowhere)
    }
}

fn entry(fields: &mut Fields<'_, '_>, grants: Option<&mut Lexer>) -> Result<Raw, Trouble> {
    let id = fields.int()?;
    let had_dumper = fields.int()?;
    // Table of the catalogue entry, and its number.
    let numbers = [fields.string(NAME)?, fields.string(NAME)?];
    let tag = fields.string(NAME)?.unwrap_or_default();
    let kind = fields.string(NAME)?.unwrap_or_default();
    let section = fields.int()?;
    let mut definition = fields.string(if kind == "ACL" { ACL } else { NAME })?.unwrap_or_default();
    if let (Some(grants), "ACL") = (grants, kind.as_str()) {
        grants.feed(definition.as_bytes());
        grants.feed(b"\n");
        definition.clear();
    }
    fields.string(0)?; // DROP statement
    let copy = fields.string(COPY)?;
    let schema = fields.string(NAME)?.filter(|name| !name.is_empty());
    fields.string(0)?; // tablespace
    if fields.since(14) {
        fields.string(0)?; // table access method
    }
    if fields.since(16) {
        fields.int()?; // kind of relation
    }
    let owner = fields.string(NAME)?.filter(|name| !name.is_empty());
    let with_oids = fields.string(NAME)?;
    while let Some(number) = fields.string(NAME)? {
        if !check::is_number(&number) {
            return Err(Trouble::Invalid);
        }
    }
    let (at, file) = extra(fields, had_dumper != 0)?;
    let is_copy = copy.as_ref().is_some_and(|statement| !statement.is_empty());
    let raw = Raw { id, tag, kind, schema, owner, is_copy, at, file };
    let copy = copy.filter(|statement| statement.len() < COPY);
    check::entry(&raw, &Fixed { had_dumper, section, numbers, with_oids, at, definition, copy })?;
    Ok(raw)
}

/// Archives keep an offset, tar and directory dumps a file name.
fn extra(fields: &mut Fields<'_, '_>, had_dumper: bool) -> Result<(Option<DataAt>, Option<String>), Trouble> {
    if fields.format == super::Format::Custom {
        return Ok((Some(fields.data_at()?), None));
    }
    let file = fields.string(NAME)?.filter(|name| !name.is_empty());
    Ok((None, file.filter(|_| had_dumper)))
}

/// Keeps an entry with data. A number that two of them have is an error.
fn remember(raw: Raw, data: &mut DataEntries, keeper: &Keeper) -> Result<(), Trouble> {
    let table = qualified(raw.schema.as_deref(), &raw.tag);
    let label = format!("{} {table}", raw.kind);
    if !keeper.may_keep(0, table.len() + label.len() + 128) {
        data.cut = true;
        return Ok(());
    }
    if let Some(file) = raw.file {
        data.by_file.insert(file, raw.id);
    }
    let offset = match raw.at {
        Some(DataAt::Offset(offset)) => Some(offset),
        _ => None,
    };
    let is_blobs = raw.kind == "BLOBS";
    let entry = DataEntry { table, label, is_copy: raw.is_copy, is_blobs, found: false, offset, start: 0 };
    if data.by_id.insert(raw.id, entry).is_some() { Err(Trouble::Invalid) } else { Ok(()) }
}

/// Counts an entry and keeps it while there is room.
fn describe(raw: &Raw, facts: &mut Custom, keeper: &Keeper) {
    count(raw, &mut facts.objects, keeper);
    let owner = raw.owner.clone();
    let cost = raw.kind.len()
        + raw.tag.len()
        + raw.schema.as_deref().map_or(0, str::len)
        + owner.as_deref().map_or(0, str::len)
        + 160;
    if keeper.may_keep(facts.toc.len(), cost) {
        facts.toc.push(TocEntry { kind: raw.kind.clone(), schema: raw.schema.clone(), name: raw.tag.clone(), owner });
    } else {
        facts.toc_cut = true;
    }
}

fn count(raw: &Raw, objects: &mut Objects, keeper: &Keeper) {
    let routine = raw.tag.split('(').next().unwrap_or_default();
    let (kind, tag) = match raw.kind.as_str() {
        "TABLE" => (Created::Table { foreign: false }, raw.tag.as_str()),
        "FOREIGN TABLE" => (Created::Table { foreign: true }, raw.tag.as_str()),
        "VIEW" => (Created::View, raw.tag.as_str()),
        "MATERIALIZED VIEW" => (Created::MaterializedView, raw.tag.as_str()),
        "SEQUENCE" => (Created::Sequence, raw.tag.as_str()),
        "FUNCTION" => (Created::Function, routine),
        "PROCEDURE" => (Created::Procedure, routine),
        "SCHEMA" => (Created::Schema, raw.tag.as_str()),
        "EXTENSION" => (Created::Extension, raw.tag.as_str()),
        "DATABASE" => (Created::Database, raw.tag.as_str()),
        other => match key(other) {
            Some(key) => (Created::Other(key), ""),
            None => return,
        },
    };
    add(keeper, objects, kind, &qualified(raw.schema.as_deref(), tag));
}

/// The key under which plain SQL counts the same thing.
fn key(kind: &str) -> Option<&'static str> {
    const KEYS: &[(&str, &str)] = &[
        ("INDEX", "index"),
        ("TRIGGER", "trigger"),
        ("EVENT TRIGGER", "event_trigger"),
        ("TYPE", "type"),
        ("SHELL TYPE", "type"),
        ("DOMAIN", "domain"),
        ("POLICY", "policy"),
        ("RULE", "rule"),
        ("PUBLICATION", "publication"),
        ("SUBSCRIPTION", "subscription"),
        ("AGGREGATE", "aggregate"),
        ("CAST", "cast"),
        ("SERVER", "server"),
        ("COLLATION", "collation"),
        ("STATISTICS", "statistics"),
        ("PROCEDURAL LANGUAGE", "language"),
        ("CONVERSION", "conversion"),
        ("TRANSFORM", "transform"),
        ("OPERATOR", "operator"),
        ("OPERATOR CLASS", "operator"),
        ("OPERATOR FAMILY", "operator"),
        ("ACCESS METHOD", "access_method"),
        ("FOREIGN DATA WRAPPER", "foreign_data_wrapper"),
        ("USER MAPPING", "user_mapping"),
    ];
    if kind.starts_with("TEXT SEARCH") {
        return Some("text_search");
    }
    KEYS.iter().find(|(name, _)| *name == kind).map(|(_, key)| *key)
}

fn qualified(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(name)),
        None => quote(name),
    }
}

/// Spells a name as `pg_dump` does.
fn quote(name: &str) -> String {
    use crate::examine::sql::keywords;
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let rest = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if first && rest && !keywords::must_quote(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
