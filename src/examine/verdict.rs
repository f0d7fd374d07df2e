//! From what was found to one conclusion, by fixed rules and without any policy.
//!
//! "Good" is said only when every layer is whole *and* the dump inside shows its own end. What
//! cannot be known is not good: it is inconclusive, or of an unknown kind.

use serde::Serialize;

use super::facts::{
    CopyData, Custom, CustomDamage, EndsInside, Examination, Flavour, Gzip, GzipDamage, Kind, Sql, Tar, TarDamage,
    Zstd, ZstdDamage,
};

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
    /// The tar archive is damaged.
    TarDamaged,
    /// The PostgreSQL archive is damaged.
    ArchiveDamaged,
    /// A COPY block has no end.
    CopyUnterminated,
    /// The text ends inside a statement, string or comment.
    EndsInside,
    /// The completion trailer is missing.
    TrailerMissing,
    /// A dump in the text begins before its predecessor was complete, or has no beginning.
    DumpIncomplete,
    /// Messages of the dump program stand in the text.
    ErrorLines,
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
struct Findings(Vec<(Quality, Reason)>);

impl Findings {
    fn add(&mut self, quality: Quality, code: Code, says: impl Into<String>) {
        let says = says.into();
        self.0.push((quality, Reason { code, says }));
    }

    fn bad(&mut self, code: Code, says: impl Into<String>) {
        self.add(Quality::Bad, code, says);
    }
}

/// Sets quality and reasons. A compressed layer already carries those of its payload.
pub(super) fn judge(found: &mut Examination) {
    let mut findings = Findings::default();
    limits(found, &mut findings);
    let compressed = matches!(found.kind, Kind::Gzip | Kind::Zstd) && !found.depth_limit_hit;
    if let Some(facts) = &found.gzip {
        gzip(facts, &mut findings);
    }
    if let Some(facts) = &found.zstd {
        zstd(facts, &mut findings);
    }
    if compressed {
        inherit(found, &mut findings);
    } else {
        content(found, &mut findings);
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
}

fn about_the_end(code: Code) -> bool {
    matches!(
        code,
        Code::CopyUnterminated
            | Code::EndsInside
            | Code::TrailerMissing
            | Code::DumpIncomplete
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
        let whole =
            found.gzip.as_ref().is_some_and(|gzip| gzip.valid) || found.zstd.as_ref().is_some_and(|zstd| zstd.valid);
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
    if let Some(facts) = &found.sql {
        sql(facts, findings);
    } else if let Some(facts) = &found.tar {
        tar(facts, findings);
    } else if let Some(facts) = &found.custom {
        custom(facts, findings);
    } else if let Some(facts) = &found.copy_data {
        copy_data(facts, findings);
    } else if findings.0.is_empty() {
        findings.add(Quality::UnknownKind, Code::KindUnknown, unknown(found.kind));
    }
}

fn unknown(kind: Kind) -> &'static str {
    match kind {
        Kind::Bzip2 | Kind::Xz | Kind::Lz4 | Kind::Zip | Kind::SevenZip => {
            "compressed in a way that cannot be opened here; decompress it and examine the result"
        }
        Kind::Sqlite => "an SQLite database; it is not examined here",
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

fn sql(facts: &Sql, findings: &mut Findings) {
    if facts.nul_bytes > 0 {
        findings.bad(Code::NulBytes, format!("{} NUL bytes stand in the text", facts.nul_bytes));
    }
    if facts.error_lines > 0 {
        let says = format!("{} lines are messages of a program, not SQL", facts.error_lines);
        findings.bad(Code::ErrorLines, says);
    }
    ends_inside(facts, findings);
    if facts.dumps_completed != facts.dumps_begun && facts.dumps_completed > 0 {
        let says =
            format!("{} dumps begin in this text and {} are completed", facts.dumps_begun, facts.dumps_completed);
        findings.bad(Code::DumpIncomplete, says);
    }
    match (facts.flavour, facts.header, facts.trailer) {
        (Flavour::PgDump | Flavour::PgDumpall, _, true) | (Flavour::Mysqldump, true, true) => {
            findings.add(Quality::Good, Code::Complete, "the dump reaches its completion trailer");
        }
        (Flavour::PgDump | Flavour::PgDumpall, ..) | (Flavour::Mysqldump, true, false) => {
            findings.bad(Code::TrailerMissing, "the dump does not end with its completion trailer");
        }
        (Flavour::Mysqldump | Flavour::Unknown, ..) => findings.add(
            Quality::Inconclusive,
            Code::NoEndMark,
            "the text has no header and no trailer: nothing shows whether it is complete",
        ),
    }
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

fn copy_data(facts: &CopyData, findings: &mut Findings) {
    if facts.terminated {
        findings.add(Quality::Good, Code::Complete, "the rows reach their terminator");
    } else {
        findings.bad(Code::CopyUnterminated, "the rows have no terminator");
    }
}

fn tar(facts: &Tar, findings: &mut Findings) {
    if let Some(damage) = facts.damage {
        let says = match damage {
            TarDamage::TruncatedHeader => "tar: the input ends inside a header",
            TarDamage::TruncatedMember => "tar: the input ends inside a member",
            TarDamage::BadHeader => "tar: a header is not valid",
            TarDamage::NoEndMarker => "tar: the closing zero blocks are missing",
        };
        findings.bad(Code::TarDamaged, says);
    }
    let count = |quality| facts.qualities.get(&quality).copied().unwrap_or(0);
    let of = |quality: Quality| {
        let named = facts.members.iter().filter(|member| member.examination.quality == quality);
        let names: Vec<&str> = named.take(3).map(|member| member.name.as_str()).collect();
        format!("{} ({})", count(quality), names.join(", "))
    };
    if count(Quality::Bad) > 0 {
        findings.bad(Code::MemberBad, format!("bad members: {}", of(Quality::Bad)));
    }
    if count(Quality::Inconclusive) > 0 {
        let says = format!("members of which nothing shows whether they are complete: {}", of(Quality::Inconclusive));
        findings.add(Quality::Inconclusive, Code::MemberInconclusive, says);
    }
    if let Some(toc) = &facts.toc {
        custom(toc, findings);
    } else if facts.entries == 0 {
        findings.bad(Code::EmptyPayload, "the archive holds nothing");
    } else if count(Quality::Good) > 0 {
        findings.add(Quality::Good, Code::Complete, "every backup in the archive is complete");
    } else {
        findings.add(Quality::UnknownKind, Code::MembersUnknown, "no member is of a kind that is known here");
    }
}

fn custom(facts: &Custom, findings: &mut Findings) {
    if let Some(damage) = facts.damage {
        let entry = facts.damaged_entry.as_deref().unwrap_or("an entry");
        let says = match damage {
            CustomDamage::UnsupportedVersion => {
                let says = format!("archive version {} is not known here", facts.version);
                findings.add(Quality::Inconclusive, Code::CompressionUnsupported, says);
                return;
            }
            CustomDamage::TruncatedHeader => "the archive ends inside its header".to_owned(),
            CustomDamage::TruncatedToc => "the archive ends inside its table of contents".to_owned(),
            CustomDamage::BadToc => "the table of contents is not valid".to_owned(),
            CustomDamage::TruncatedBlock => format!("the archive ends inside the data of {entry}"),
            CustomDamage::MissingBlocks => format!(
                "{} of {} data blocks are missing",
                facts.blocks_expected.saturating_sub(facts.blocks_found),
                facts.blocks_expected
            ),
            CustomDamage::BadBlock => "a data block belongs to no entry".to_owned(),
            CustomDamage::BadData => format!("the data of {entry} cannot be decoded"),
            CustomDamage::UnterminatedRows => format!("the rows of {entry} have no terminator"),
        };
        findings.bad(Code::ArchiveDamaged, says);
    } else if facts.order_unknown {
        findings.add(
            Quality::Inconclusive,
            Code::CompressionUnsupported,
            "the data files stand before their table of contents and were not held against it",
        );
    } else if facts.blocks_checked < facts.blocks_found {
        let says =
            format!("data compressed with {} cannot be checked here; pg_restore -f /dev/null can", facts.compression);
        findings.add(Quality::Inconclusive, Code::CompressionUnsupported, says);
    } else {
        findings.add(Quality::Good, Code::Complete, "every data block was decoded to its end");
    }
}
