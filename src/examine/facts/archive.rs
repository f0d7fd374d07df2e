//! What was found in containers of several parts: tar archives, PostgreSQL archives with their table
//! of contents, and SQLite databases with their pages.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::verdict::Quality;
use super::Examination;
use super::sql::{Grants, Objects, Rows};

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
