//! What is concluded of archives: tar, PostgreSQL archives, LZ4, databases of SQLite; and what the
//! conclusion does not cover.

use super::caveat::CaveatId;
use super::facts::{
    Custom, CustomDamage, Examination, Gzip, Kind, Lz4, Lz4Damage, Sqlite, SqliteDamage, Tar, TarDamage, Zstd,
};
use super::verdict::{Code, Findings, Quality};

pub(super) fn lz4(facts: &Lz4, findings: &mut Findings) {
    let says = match facts.damage {
        None => return,
        Some(Lz4Damage::DictionaryNeeded | Lz4Damage::Legacy) => {
            let says = "lz4: this kind of frame cannot be opened here; decompress it and examine the result";
            findings.add(Quality::Inconclusive, Code::CompressionUnsupported, says);
            return;
        }
        Some(Lz4Damage::Truncated) => "lz4: the input ends inside a frame".to_owned(),
        Some(Lz4Damage::BadData) => "lz4: the data cannot be decoded".to_owned(),
        Some(Lz4Damage::WrongChecksum) => "lz4: the data disagrees with its checksum".to_owned(),
        Some(Lz4Damage::TrailingGarbage) => {
            format!("lz4: {} bytes that are not LZ4 follow the last frame", facts.trailing_bytes)
        }
    };
    findings.bad(Code::Lz4Damaged, says);
}

pub(super) fn tar(facts: &Tar, findings: &mut Findings) {
    tar_damage(facts, findings);
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
    if facts.dumps_without_toc > 0 {
        let says = "data files of a dump are here and their table of contents (toc.dat) is not";
        findings.add(Quality::Inconclusive, Code::DataElsewhere, says);
    }
    if let Some(toc) = &facts.toc {
        // What a bad member lacks needs no second reason.
        if toc.damage.is_some() || count(Quality::Bad) == 0 {
            custom(toc, findings);
        }
    } else if facts.entries == 0 && facts.damage.is_none() {
        findings.bad(Code::EmptyPayload, "the archive holds nothing");
    } else if count(Quality::Good) > 0 {
        findings.add(Quality::Good, Code::Complete, "every backup in the archive is complete");
    } else {
        findings.add(Quality::UnknownKind, Code::MembersUnknown, "no member is of a kind that is known here");
    }
}

fn tar_damage(facts: &Tar, findings: &mut Findings) {
    let Some(damage) = facts.damage else { return };
    let only_unknown = facts.toc.is_none() && facts.qualities.keys().all(|quality| *quality == Quality::UnknownKind);
    let says = match damage {
        TarDamage::NoEndMarker if only_unknown && facts.entries > 0 => {
            let says = "tar: the closing zero blocks are missing: the archive was cut between members, or a program \
                        such as duplicity wrote it";
            findings.add(Quality::UnknownKind, Code::TarDamaged, says);
            return;
        }
        TarDamage::TrailingData => {
            let bytes = facts.trailing_bytes;
            let says = format!("tar: {bytes} bytes follow the closing zero blocks; tar does not read them");
            findings.add(Quality::Inconclusive, Code::TarDamaged, says);
            return;
        }
        TarDamage::TruncatedHeader => "tar: the input ends inside a header",
        TarDamage::TruncatedMember => "tar: the input ends inside a member",
        TarDamage::BadHeader => "tar: a header is not valid",
        TarDamage::NoEndMarker => "tar: the closing zero blocks are missing",
    };
    findings.bad(Code::TarDamaged, says);
}

pub(super) fn custom(facts: &Custom, findings: &mut Findings) {
    if let Some(damage) = facts.damage {
        custom_damage(facts, damage, findings);
        return;
    }
    if let Some(kind) = &facts.unknown_entry_type {
        let says = format!("an entry is of the type {kind}, which pg_restore of PostgreSQL 18 and older refuses");
        findings.add(Quality::Inconclusive, Code::EntryTypeUnknown, says);
    } else if facts.order_unknown {
        let says = "the data files precede their table of contents and were not held against it";
        findings.add(Quality::Inconclusive, Code::CompressionUnsupported, says);
    } else if facts.blocks_checked < facts.blocks_found {
        let says =
            format!("data compressed with {} cannot be checked here; pg_restore -f /dev/null can", facts.compression);
        findings.add(Quality::Inconclusive, Code::CompressionUnsupported, says);
    } else {
        findings.add(Quality::Good, Code::Complete, "every data block was decoded to its end");
    }
}

fn custom_damage(facts: &Custom, damage: CustomDamage, findings: &mut Findings) {
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
        CustomDamage::WrongOffset => format!("the data of {entry} is not where the table of contents says"),
        CustomDamage::SecondTocDiffers => "the table of contents after the data differs from the first one".to_owned(),
        CustomDamage::TrailingData => "other data follows the archive; pg_restore does not read it".to_owned(),
        CustomDamage::TextBefore => {
            "text precedes the archive, such as a message of pg_dump (2>&1); pg_restore refuses it".to_owned()
        }
        CustomDamage::MissingLargeObjects => match &facts.damaged_entry {
            Some(name) => format!("large objects that the dump lists are missing, {name} among them"),
            None => "the files of large objects are not those that the dump lists".to_owned(),
        },
        CustomDamage::BadData => format!("the data of {entry} cannot be decoded"),
        CustomDamage::UnterminatedRows => {
            format!("the rows of {entry} have no terminator, or not all of them are whole")
        }
    };
    findings.bad(Code::ArchiveDamaged, says);
}

pub(super) fn sqlite(facts: &Sqlite, findings: &mut Findings) {
    let says = match facts.damage {
        None => {
            let says = "an SQLite database with all its pages; what they hold is not examined (PRAGMA integrity_check \
                        does that)";
            findings.add(Quality::UnknownKind, Code::KindUnknown, says);
            return;
        }
        Some(SqliteDamage::Truncated) => match facts.pages_stated {
            Some(stated) => format!("SQLite: the header states {stated} pages and {} are here", facts.pages),
            None => "SQLite: the file ends inside its header".to_owned(),
        },
        Some(SqliteDamage::PartialPage) => format!("SQLite: the file ends inside a page of {} bytes", facts.page_size),
        Some(SqliteDamage::BadHeader) => "SQLite: the header of the database is not valid".to_owned(),
    };
    findings.bad(Code::SqliteDamaged, says);
}

/// Names what a good verdict about this layer does not cover.
pub(super) fn caveats(found: &mut Examination) {
    if found.quality != Quality::Good {
        return;
    }
    if layer_has_checksum(found) {
        // Whatever is inside cannot change unseen.
        found.caveats.retain(|caveat| caveat.id != CaveatId::NoChecksum);
        return;
    }
    let says = match found.kind {
        Kind::PlainSql => "plain text has no checksum: a changed byte can stay unseen",
        Kind::Zstd => "zstd without checksums (as pg_dump writes it): a changed byte can stay unseen",
        Kind::Lz4 => "LZ4 without checksums (as pg_dump writes it): a changed byte can stay unseen",
        _ => "",
    };
    if !says.is_empty() {
        found.add_caveat(CaveatId::NoChecksum, says);
    }
    let dump = found.custom.take();
    dump.iter().for_each(|dump| contents(found, dump));
    found.custom = dump;
    if found.kind == Kind::PgCustom
        && let Some(says) = found.custom.as_deref().and_then(unprotected)
    {
        found.add_caveat(CaveatId::NoChecksum, says);
    }
    if found.kind == Kind::Tar
        && let Some(tar) = found.tar.take()
    {
        of_members(found, &tar);
        found.tar = Some(tar);
    }
}

fn of_members(found: &mut Examination, tar: &Tar) {
    tar.toc.iter().for_each(|dump| contents(found, dump));
    if let Some(says) = tar.toc.as_deref().and_then(unprotected) {
        found.add_caveat(CaveatId::NoChecksum, says);
    }
    for member in &tar.members {
        for caveat in &member.examination.caveats {
            found.add_caveat(caveat.id, format!("{}: {}", member.name, caveat.says));
        }
    }
    if tar.unexamined_members > 0 {
        let (members, bytes) = (tar.unexamined_members, tar.unexamined_bytes);
        let says = format!("{members} other members ({bytes} bytes) are of kinds that are not examined");
        found.add_caveat(CaveatId::MembersNotExamined, says);
    }
}

/// What a whole PostgreSQL archive does not hold.
fn contents(found: &mut Examination, dump: &Custom) {
    let (tables, blocks) = (dump.objects.tables.count, dump.blocks_expected);
    match (tables, blocks, dump.rows.total + dump.large_objects) {
        (0, 0, _) => found.add_caveat(CaveatId::NoTables, "no table is created and there are no rows"),
        (_, 0, _) => {
            let says = "schema only: tables are created, and there are no rows for any of them";
            found.add_caveat(CaveatId::SchemaOnly, says);
        }
        (0, ..) if dump.rows.total > 0 => {
            found.add_caveat(CaveatId::DataOnly, "data only: rows, and no table is created for them");
        }
        (_, _, 0) => found.add_caveat(CaveatId::NoRows, "every table is empty"),
        _ => {}
    }
}

/// What of a PostgreSQL archive no checksum covers.
fn unprotected(facts: &Custom) -> Option<String> {
    if facts.data_without_checksum > 0 {
        let compression = &facts.compression;
        return Some(format!("the data has no checksum (compression {compression}): a changed byte can stay unseen"));
    }
    let says = if facts.second_toc {
        "the header has no checksum: a changed byte in its versions, date or database name can stay unseen"
    } else {
        "the table of contents has no checksum: a changed byte in a definition can stay unseen"
    };
    Some(says.to_owned())
}

/// Whether the outermost layer has a checksum over all that is inside.
fn layer_has_checksum(found: &Examination) -> bool {
    let zstd = |facts: &Zstd| facts.frames > 0 && facts.frames_with_checksum == facts.frames;
    let lz4 = |facts: &Lz4| facts.frames > 0 && facts.frames_with_checksum == facts.frames;
    let gzip = |facts: &Gzip| facts.valid;
    found.gzip.as_ref().is_some_and(gzip)
        || found.zstd.as_ref().is_some_and(zstd)
        || found.lz4.as_ref().is_some_and(lz4)
}
