//! What an examination found: plain data, serialised as it stands into facts and `--json`.
//!
//! Nothing here decides anything (see [`super::verdict`]) and nothing is null: what was not seen is
//! not there. Names, comments and error lines come from the backup unmasked; whoever stores or
//! prints them has to mask first. This file has the whole examination; its layers are in `compressed`,
//! `sql` and `archive`.

mod archive;
mod compressed;
mod sql;

use serde::Serialize;

pub use self::archive::{Custom, CustomDamage, Member, Sqlite, SqliteDamage, Tar, TarDamage, TocEntry};
pub use self::compressed::{Gzip, GzipDamage, Lz4, Lz4Damage, Zstd, ZstdDamage};
pub use self::sql::{CopyData, EndsInside, Flavour, Grants, Misshapen, Names, Objects, Rows, Sql, Transaction};
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
