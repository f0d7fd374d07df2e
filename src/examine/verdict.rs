//! From what was found to one conclusion, by fixed rules and without any policy.
//!
//! "Good" is said only when every layer is whole *and* the dump inside shows its own end. What
//! cannot be known is not good: it is inconclusive, or of an unknown kind.

use serde::Serialize;

use super::archives;
use super::facts::{CopyData, Examination, Gzip, GzipDamage, Kind, Zstd, ZstdDamage};

/// The conclusion about one stream. The order is from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Damaged, incomplete or empty.
    Bad,
    /// A known kind, and whether it is complete cannot be told.
    Inconclusive,
    /// Not a kind of backup that can be examined.
    UnknownKind,
    /// Every layer is whole and the dump is complete.
    Good,
}

impl Quality {
    /// The exit code of `evidence examine`: 0 good, 1 bad, 3 not established.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Quality::Good => 0,
            Quality::Bad => 1,
            Quality::Inconclusive | Quality::UnknownKind => 3,
        }
    }
}

/// One reason for a [`Quality`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// For machines; the words may change, the codes do not.
    pub code: Code,
    /// For people.
    pub says: String,
}

/// Every reason there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Nothing is wrong and the end was seen.
    Complete,
    /// No bytes.
    Empty,
    /// A whole container with nothing in it.
    EmptyPayload,
    /// The gzip layer is damaged.
    GzipDamaged,
    /// The zstd layer is damaged.
    ZstdDamaged,
    /// The LZ4 layer is damaged.
    Lz4Damaged,
    /// The tar archive is damaged.
    TarDamaged,
    /// The PostgreSQL archive is damaged.
    ArchiveDamaged,
    /// The SQLite database is damaged.
    SqliteDamaged,
    /// An entry is of a type that `pg_restore` does not know.
    EntryTypeUnknown,
    /// A part of a dump whose other parts are elsewhere.
    DataElsewhere,
    /// A COPY block has no end.
    CopyUnterminated,
    /// The text ends inside a statement, string or comment.
    EndsInside,
    /// The completion trailer is missing.
    TrailerMissing,
    /// A dump in the text begins before its predecessor was complete, or has no beginning.
    DumpIncomplete,
    /// Lines that are not SQL stand in the text: messages of a program.
    ErrorLines,
    /// Rows have another number of columns than their table.
    RowsMisshapen,
    /// A statement is not whole.
    StatementBroken,
    /// There are rows for a table that the dump does not create.
    TableMissing,
    /// A transaction is begun and not committed.
    TransactionNotCommitted,
    /// A message, an error page or a pointer was saved in place of a backup.
    OnlyMessage,
    /// The dump is complete and holds nothing.
    EmptyDump,
    /// NUL bytes in text.
    NulBytes,
    /// UTF-16.
    Utf16,
    /// Nothing but zero bytes.
    OnlyZeros,
    /// Nothing shows whether the text is complete.
    NoEndMark,
    /// A compression that cannot be opened here.
    CompressionUnsupported,
    /// Not a kind that can be examined.
    KindUnknown,
    /// A member of the archive is bad.
    MemberBad,
    /// Whether a member of the archive is complete cannot be told.
    MemberInconclusive,
    /// No member of the archive is of a known kind.
    MembersUnknown,
    /// The limit of decompressed bytes was hit.
    ExpansionLimit,
    /// The deadline was hit.
    TimeLimit,
    /// Layers below the depth limit were not opened.
    DepthLimit,
}

/// Findings with the quality that each of them forces.
#[derive(Default)]
pub(super) struct Findings(Vec<(Quality, Reason)>);

impl Findings {
    pub(super) fn add(&mut self, quality: Quality, code: Code, says: impl Into<String>) {
        let says = says.into();
        self.0.push((quality, Reason { code, says }));
    }

    pub(super) fn bad(&mut self, code: Code, says: impl Into<String>) {
        self.add(Quality::Bad, code, says);
    }
}

/// Sets quality and reasons. A compressed layer already carries those of its payload.
pub(super) fn judge(found: &mut Examination) {
    let mut findings = Findings::default();
    limits(found, &mut findings);
    let compressed = found.kind.is_compressed() && !found.depth_limit_hit;
    if let Some(facts) = &found.gzip {
        gzip(facts, &mut findings);
    }
    if let Some(facts) = &found.zstd {
        zstd(facts, &mut findings);
    }
    if let Some(facts) = &found.lz4 {
        archives::lz4(facts, &mut findings);
    }
    if compressed {
        inherit(found, &mut findings);
    } else {
        content(found, &mut findings);
        if !found.time_limit_hit && !found.expansion_limit_hit {
            super::sql_verdict::caveats(found);
        }
    }
    // When reading was stopped on purpose, an end that is missing proves nothing.
    if found.time_limit_hit || found.expansion_limit_hit {
        findings.0.retain(|(_, reason)| !about_the_end(reason.code));
    }
    // Stable: within one quality the order of discovery stays, the outermost layer first.
    findings.0.sort_by_key(|(quality, _)| *quality);
    found.quality = findings.0.first().map_or(Quality::UnknownKind, |(quality, _)| *quality);
    let spoilt = found.quality != Quality::Good;
    findings.0.retain(|(quality, _)| !(spoilt && *quality == Quality::Good));
    found.reasons = findings.0.into_iter().map(|(_, reason)| reason).collect();
    archives::caveats(found);
}

/// Sets quality and reasons of a table of contents that is a member of an archive: its data is in
/// other members, and was held against it.
pub(super) fn conclude_member(found: &mut Examination) {
    let mut findings = Findings::default();
    if let Some(facts) = &found.custom {
        archives::custom(facts, &mut findings);
    }
    let (quality, reason) = findings.0.into_iter().next().unzip();
    found.quality = quality.unwrap_or(Quality::UnknownKind);
    found.reasons = reason.into_iter().collect();
}

fn about_the_end(code: Code) -> bool {
    matches!(
        code,
        Code::CopyUnterminated
            | Code::EndsInside
            | Code::TrailerMissing
            | Code::DumpIncomplete
            | Code::TransactionNotCommitted
            | Code::EmptyDump
            | Code::NoEndMark
            | Code::EmptyPayload
            | Code::Empty
            | Code::OnlyZeros
            | Code::KindUnknown
            | Code::MembersUnknown
            | Code::Complete
    )
}

fn limits(found: &Examination, findings: &mut Findings) {
    let mut say = |hit: bool, code, says: &str| {
        if hit {
            findings.add(Quality::Inconclusive, code, says);
        }
    };
    say(found.time_limit_hit, Code::TimeLimit, "the time limit was reached before the end");
    say(found.expansion_limit_hit, Code::ExpansionLimit, "the limit of decompressed bytes was reached before the end");
    say(found.depth_limit_hit, Code::DepthLimit, "layers below the depth limit were not opened");
}

/// What the payload said, and that a whole container without payload is no backup.
fn inherit(found: &Examination, findings: &mut Findings) {
    if found.payload_bytes == Some(0) {
        let whole = found.gzip.as_ref().is_some_and(|gzip| gzip.valid)
            || found.zstd.as_ref().is_some_and(|zstd| zstd.valid)
            || found.lz4.as_ref().is_some_and(|lz4| lz4.valid);
        let says =
            if whole { "the compressed stream is whole and holds no bytes" } else { "no bytes could be decompressed" };
        findings.bad(Code::EmptyPayload, says);
        return;
    }
    for reason in &found.reasons {
        findings.0.push((found.quality, reason.clone()));
    }
}

fn content(found: &Examination, findings: &mut Findings) {
    match found.kind {
        Kind::Empty => findings.bad(Code::Empty, "there are no bytes"),
        Kind::OnlyZeros => findings.bad(Code::OnlyZeros, "there are only zero bytes"),
        Kind::Utf16Text => findings
            .bad(Code::Utf16, "the text is UTF-16, as a redirection in PowerShell writes it; psql cannot read it"),
        _ => {}
    }
    if found.kind == Kind::PgToc && found.custom.as_ref().is_some_and(|toc| toc.damage.is_none()) {
        let says = "a table of contents alone; pack the whole folder of the dump with tar and examine that";
        findings.add(Quality::Inconclusive, Code::DataElsewhere, says);
    } else if let Some(facts) = &found.sql {
        super::sql_verdict::sql(facts, findings);
    } else if let Some(facts) = &found.tar {
        archives::tar(facts, findings);
    } else if let Some(facts) = &found.custom {
        archives::custom(facts, findings);
    } else if let Some(facts) = &found.sqlite {
        archives::sqlite(facts, findings);
    } else if let Some(facts) = &found.copy_data {
        copy_data(facts, findings);
    } else if let Some(message) = &found.message {
        findings.bad(Code::OnlyMessage, format!("{}: `{}`", message.what, message.line));
    } else if findings.0.is_empty() {
        findings.add(Quality::UnknownKind, Code::KindUnknown, unknown(found.kind));
    }
}

fn unknown(kind: Kind) -> &'static str {
    match kind {
        Kind::Bzip2 | Kind::Xz | Kind::Zip | Kind::SevenZip => {
            "compressed in a way that cannot be opened here; decompress it and examine the result"
        }
        Kind::Encrypted => "encrypted; nothing can be said without the key",
        Kind::UnknownText => "text without SQL statements",
        _ => "not a kind of backup that is known here",
    }
}

fn gzip(facts: &Gzip, findings: &mut Findings) {
    let Some(damage) = facts.damage else { return };
    let member = facts.damaged_member.unwrap_or(1);
    let says = match damage {
        GzipDamage::TruncatedHeader => {
            format!("gzip: the input ends inside the header of member {member}")
        }
        GzipDamage::TruncatedBody => {
            format!("gzip: the input ends inside the data of member {member}")
        }
        GzipDamage::TruncatedTrailer => format!("gzip: the trailer of member {member} is cut off"),
        GzipDamage::BadHeader => format!("gzip: the header of member {member} is not valid"),
        GzipDamage::BadData => format!("gzip: the data of member {member} cannot be decoded"),
        GzipDamage::WrongCrc => format!("gzip: the data of member {member} disagrees with its CRC"),
        GzipDamage::WrongIsize => format!("gzip: member {member} states a wrong length"),
        GzipDamage::TrailingGarbage => {
            format!("gzip: {} bytes that are not gzip follow the last member", facts.trailing_bytes)
        }
    };
    findings.bad(Code::GzipDamaged, says);
}

fn zstd(facts: &Zstd, findings: &mut Findings) {
    let says = match facts.damage {
        None => return,
        Some(ZstdDamage::WindowTooLarge) => {
            let says = "zstd: the frame needs a larger window than is allowed here (128 MiB)";
            findings.add(Quality::Inconclusive, Code::CompressionUnsupported, says);
            return;
        }
        Some(ZstdDamage::Truncated) => "zstd: the input ends inside a frame".to_owned(),
        Some(ZstdDamage::BadData) => "zstd: the data cannot be decoded".to_owned(),
        Some(ZstdDamage::WrongChecksum) => "zstd: the data disagrees with its checksum".to_owned(),
        Some(ZstdDamage::TrailingGarbage) => {
            format!("zstd: {} bytes that are not zstd follow the last frame", facts.trailing_bytes)
        }
    };
    findings.bad(Code::ZstdDamaged, says);
}

fn copy_data(facts: &CopyData, findings: &mut Findings) {
    if facts.terminated && facts.bytes_after > 0 {
        findings.bad(Code::CopyUnterminated, format!("{} bytes follow the terminator of the rows", facts.bytes_after));
    } else if facts.terminated {
        findings.add(Quality::Good, Code::Complete, "the rows reach their terminator");
    } else {
        findings.bad(Code::CopyUnterminated, "the rows have no terminator");
    }
}
