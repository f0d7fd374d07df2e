//! What an examination found: plain data, serialised as it stands into facts and `--json`.
//!
//! Nothing here decides anything (see [`super::verdict`]) and nothing is null: what was not seen is
//! not there. Names, comments and error lines come from the backup unmasked; whoever stores or
//! prints them has to mask first.

use std::collections::BTreeMap;

use serde::Serialize;

use super::caveat::Caveat;
use super::verdict::{Quality, Reason};

/// What a run of bytes is, told from its content alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No bytes at all.
    Empty,
    /// SQL text: `pg_dump`, `pg_dumpall`, `mysqldump` or statements of unknown origin.
    PlainSql,
    /// The rows of one table as `COPY` text, a data file of a tar or directory dump.
    CopyData,
    /// gzip, one or more members.
    Gzip,
    /// zstd, one or more frames.
    Zstd,
    /// A tar archive.
    Tar,
    /// A PostgreSQL archive (`pg_dump -Fc`).
    PgCustom,
    /// The table of contents of a tar or directory dump (`toc.dat`).
    PgToc,
    /// Recognised, cannot be opened here.
    Bzip2,
    /// Recognised, cannot be opened here.
    Xz,
    /// LZ4, one or more frames.
    Lz4,
    /// Recognised, cannot be opened here.
    Zip,
    /// Recognised, cannot be opened here.
    SevenZip,
    /// An SQLite database: the header and the number of pages are checked, the content is not.
    Sqlite,
    /// OpenSSL, OpenPGP, age and others: nothing can be said without the key.
    Encrypted,
    /// Text in UTF-16, as a redirection in PowerShell writes it; psql cannot read it.
    Utf16Text,
    /// Nothing but zero bytes: a file that was made and never written.
    OnlyZeros,
    /// Text without a single SQL statement.
    UnknownText,
    /// Anything else.
    Unknown,
}

impl Kind {
    /// Whether this is a compressed stream that is opened here.
    #[must_use]
    pub fn is_compressed(self) -> bool {
        matches!(self, Kind::Gzip | Kind::Zstd | Kind::Lz4)
    }
}

/// Everything one pass found out about one stream of bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Examination {
    /// What the stored bytes are.
    pub kind: Kind,
    /// The layers from the outside in, such as `[gzip, plain_sql]`.
    pub chain: Vec<Kind>,
    /// The conclusion; [`Reason`]s say why.
    pub quality: Quality,
    /// Why the quality is what it is, the weightiest first; never empty.
    pub reasons: Vec<Reason>,
    /// What the conclusion does not cover; empty when there is nothing to say.
    pub caveats: Vec<Caveat>,
    /// Bytes read. The whole size unless a time limit was hit.
    pub stored_bytes: u64,
    /// SHA-256 of the stored bytes, hexadecimal; absent when a time limit was hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_sha256: Option<String>,
    /// Bytes after decompression of the outermost layer. For plain SQL the stored bytes, for a
    /// custom archive its inflated data blocks, for a tar the sum of its members. When damage or a
    /// limit stopped the decoder: what came out before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u64>,
    /// SHA-256 of the payload; only when asked for and decoded to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_sha256: Option<String>,
    /// SHA-256 of the SQL text with the random token of every `\restrict` and `\unrestrict` line
    /// left out (the keyword and the space stay), so that two dumps of the same data agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_normalised_sha256: Option<String>,
    /// The gzip layer, when there is one outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gzip: Option<Gzip>,
    /// The zstd layer, when there is one outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zstd: Option<Zstd>,
    /// The LZ4 layer, when there is one outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lz4: Option<Lz4>,
    /// SQL text, bare or directly inside one compressed layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<Box<Sql>>,
    /// A tar archive, bare or directly inside one compressed layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tar: Option<Box<Tar>>,
    /// A PostgreSQL archive, bare or directly inside one compressed layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Box<Custom>>,
    /// An SQLite database, bare or directly inside one compressed layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlite: Option<Sqlite>,
    /// A bare stream of `COPY` rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_data: Option<CopyData>,
    /// What was saved in place of a backup: a message, an error page, a pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Instead>,
    /// The payload, when it is compressed once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<Examination>>,
    /// Decompression was stopped at the limit of payload bytes.
    pub expansion_limit_hit: bool,
    /// Reading was stopped by the caller's deadline.
    pub time_limit_hit: bool,
    /// Layers deeper than the limit were not opened.
    pub depth_limit_hit: bool,
}

/// A text that was saved in place of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instead {
    /// For people: what it is.
    pub what: &'static str,
    /// Its most telling line.
    pub line: String,
}

/// One gzip stream of one or more members.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Gzip {
    /// Every member is whole, its CRC and length agree, and nothing but zeros follows.
    /// An empty stream is valid: look at `payload_bytes` too.
    pub valid: bool,
    /// Members that are whole.
    pub members: u64,
    /// Whole members that hold no byte.
    pub empty_members: u64,
    /// Bytes after the last member that are not gzip.
    pub trailing_bytes: u64,
    /// Zero bytes after the last member, as tapes and block devices pad.
    pub trailing_zeros: u64,
    /// The length that the last whole member's trailer states: the true one modulo 2^32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_isize: Option<u32>,
    /// The file name in the first member's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The time in the first member's header, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<u32>,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<GzipDamage>,
    /// The number of the member with the damage, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged_member: Option<u64>,
}

/// What can be wrong with a gzip stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GzipDamage {
    /// The input ends inside a member's header.
    TruncatedHeader,
    /// The input ends inside compressed data.
    TruncatedBody,
    /// The data is complete, the trailer behind it is cut.
    TruncatedTrailer,
    /// A header with a wrong method, reserved flags or a wrong header checksum.
    BadHeader,
    /// Compressed data that cannot be decoded.
    BadData,
    /// The data disagrees with its CRC.
    WrongCrc,
    /// The CRC agrees, the stated length does not.
    WrongIsize,
    /// Bytes that are not gzip follow the last member.
    TrailingGarbage,
}

/// One zstd stream of one or more frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Zstd {
    /// Every frame is whole and nothing follows.
    pub valid: bool,
    /// Frames that are whole.
    pub frames: u64,
    /// Frames that hold metadata and no payload.
    pub skippable_frames: u64,
    /// Whole frames that carry a checksum of their content.
    pub frames_with_checksum: u64,
    /// Bytes after the last frame that are not zstd.
    pub trailing_bytes: u64,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<ZstdDamage>,
}

/// What can be wrong with a zstd stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ZstdDamage {
    /// The input ends inside a frame.
    Truncated,
    /// Data that cannot be decoded.
    BadData,
    /// The content disagrees with its checksum.
    WrongChecksum,
    /// The frame needs a larger window than is allowed here.
    WindowTooLarge,
    /// Bytes that are not zstd follow the last frame.
    TrailingGarbage,
}

/// One LZ4 stream of one or more frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lz4 {
    /// Every frame is whole and nothing follows.
    pub valid: bool,
    /// Frames that are whole.
    pub frames: u64,
    /// Frames that hold metadata and no payload.
    pub skippable_frames: u64,
    /// Whole frames that carry a checksum of their content or of their blocks.
    pub frames_with_checksum: u64,
    /// Bytes after the last frame that are not LZ4.
    pub trailing_bytes: u64,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Lz4Damage>,
}

/// What can be wrong with an LZ4 stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lz4Damage {
    /// The input ends inside a frame.
    Truncated,
    /// Data that cannot be decoded.
    BadData,
    /// A header, a block or the content disagrees with its checksum.
    WrongChecksum,
    /// The frame needs a dictionary.
    DictionaryNeeded,
    /// A frame of the old form, which has no end mark and cannot be opened here.
    Legacy,
    /// Bytes that are not LZ4 follow the last frame.
    TrailingGarbage,
}

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

/// The header of an SQLite database against its size.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sqlite {
    /// Bytes of a page.
    pub page_size: u64,
    /// Pages that the header states, where the program that wrote it keeps that number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_stated: Option<u64>,
    /// Whole pages in the file.
    pub pages: u64,
    /// The database uses a write-ahead log: the last changes can be in a second file, `-wal`.
    pub write_ahead_log: bool,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<SqliteDamage>,
}

/// What can be wrong with an SQLite database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SqliteDamage {
    /// Fewer pages than the header states.
    Truncated,
    /// The last page is cut.
    PartialPage,
    /// A field of the header cannot be.
    BadHeader,
}

/// A tar archive.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tar {
    /// Every header and every member is whole and the two closing zero blocks are there.
    pub valid: bool,
    /// Entries of every type.
    pub entries: u64,
    /// Regular files, each examined; in the order of the archive.
    pub members: Vec<Member>,
    /// There were more members than are listed; they were examined all the same.
    pub members_cut: bool,
    /// Bytes of all regular files.
    pub member_bytes: u64,
    /// Members by quality, the unlisted ones included.
    pub qualities: BTreeMap<Quality, u64>,
    /// Members of kinds that are not examined, texts and empty files left out.
    pub unexamined_members: u64,
    /// Bytes of those members.
    pub unexamined_bytes: u64,
    /// Folders with data files of a dump and without its table of contents.
    pub dumps_without_toc: u64,
    /// Bytes after the closing zero blocks, from the first one that is not zero.
    pub trailing_bytes: u64,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<TarDamage>,
    /// The table of contents, when this is a dump in tar format (`pg_dump -Ft`) or holds one in
    /// directory format; of several dumps the first, the others have it at their `toc.dat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toc: Option<Box<Custom>>,
}

/// What can be wrong with a tar archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TarDamage {
    /// The input ends inside a header.
    TruncatedHeader,
    /// The input ends inside a member.
    TruncatedMember,
    /// A header with a wrong checksum or an impossible field.
    BadHeader,
    /// The two closing zero blocks are missing: the archive may have been cut between members.
    NoEndMarker,
    /// Something follows the closing zero blocks, which tar does not read.
    TrailingData,
}

/// One regular file in a tar archive.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// Its path as stored; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Its size as the header states it.
    pub size: u64,
    /// What it is and whether it is any good.
    pub examination: Examination,
}

/// A PostgreSQL archive, or the table of contents of a tar or directory dump.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Custom {
    /// Archive version, such as `1.14`.
    pub version: String,
    /// `custom`, `tar` or `directory`.
    pub format: String,
    /// `none`, `gzip`, `lz4`, `zstd` or `unknown`.
    pub compression: String,
    /// The level, where the header has it (archives before 1.15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression_level: Option<i64>,
    /// When the dump began, in the local time of the dumping machine (no zone is stored).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Version of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Version of the dumping program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dump_version: Option<String>,
    /// Entries that the header announces.
    pub toc_entries: u64,
    /// Entries, in the order of the archive.
    pub toc: Vec<TocEntry>,
    /// More entries were read than are listed.
    pub toc_cut: bool,
    /// What the entries create.
    #[serde(flatten)]
    pub objects: Objects,
    /// Grants by role, from the ACL entries.
    pub grants: BTreeMap<String, Grants>,
    /// There were more roles than are listed.
    pub grants_cut: bool,
    /// Rows from the data blocks.
    pub rows: Rows,
    /// Entries that must have a data block.
    pub blocks_expected: u64,
    /// Data blocks found.
    pub blocks_found: u64,
    /// Data blocks decoded to their end, with their rows terminated.
    pub blocks_checked: u64,
    /// Large objects decoded to their end.
    pub large_objects: u64,
    /// Compressed streams and raw blocks without a checksum of their content.
    pub data_without_checksum: u64,
    /// The table of contents was written once more after the data, and agrees with the first: so
    /// `pg_dump` does on a standard output that only appends.
    pub second_toc: bool,
    /// Zero bytes after the archive.
    pub trailing_zeros: u64,
    /// The first entry of a type that `pg_restore` does not know, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_entry_type: Option<String>,
    /// Bytes in the data blocks after decompression.
    pub data_bytes: u64,
    /// The data files stood before the table of contents and could not be held against it.
    pub order_unknown: bool,
    /// What is wrong, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<CustomDamage>,
    /// The entry with the damage, as `TYPE schema name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged_entry: Option<String>,
}

/// One entry of a table of contents.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TocEntry {
    /// `TABLE`, `TABLE DATA`, `VIEW`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The schema; absent for what lives in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// The owner; absent for what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What can be wrong with a PostgreSQL archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomDamage {
    /// A version this examiner does not know.
    UnsupportedVersion,
    /// The input ends inside the header.
    TruncatedHeader,
    /// The input ends inside the table of contents.
    TruncatedToc,
    /// A field of the header or of the table of contents cannot be.
    BadToc,
    /// The input ends inside a data block.
    TruncatedBlock,
    /// The archive ends before every entry had its data block.
    MissingBlocks,
    /// A block that no entry announces, or of an unknown type.
    BadBlock,
    /// A block is not where its entry says.
    WrongOffset,
    /// The table of contents after the data differs from the one before it.
    SecondTocDiffers,
    /// Something else follows the archive.
    TrailingData,
    /// Text precedes the archive, such as a message of the dumping program.
    TextBefore,
    /// Files of large objects that the dump lists are missing, or others are there.
    MissingLargeObjects,
    /// A block that cannot be decompressed or disagrees with its checksum.
    BadData,
    /// The rows of a block have no terminator.
    UnterminatedRows,
}
