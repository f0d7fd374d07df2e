//! PostgreSQL archives: `pg_dump -Fc` whole, and the table of contents of tar and directory dumps.
//!
//! `pg_restore -l` reads only the beginning and succeeds on half a file. Here every data block is
//! decompressed, its rows are counted and terminated, and every entry that must have a block has
//! one.

mod blocks;
mod check;
mod counter;
mod fields;
mod lz4;
mod toc;
mod unpack;

use super::context::Context;
use super::facts::{Custom, CustomDamage as Damage};
use super::stream::Stream;

use fields::{Fields, Trouble};
pub(super) use toc::DataEntries;

/// What the bytes behind the table of contents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Data blocks.
    Custom,
    /// Nothing: the data is in files.
    Files,
}

/// What was read.
pub(super) struct Archive {
    pub(super) facts: Custom,
    /// Only a table of contents: the data is in other files.
    pub(super) is_toc: bool,
    pub(super) data: DataEntries,
}

/// Reads an archive, or a `toc.dat`.
pub(super) fn read(context: &Context<'_, '_>, stream: &mut Stream<'_>) -> Archive {
    let mut archive = Archive { facts: Custom::default(), is_toc: false, data: DataEntries::default() };
    let mut fields = Fields { stream, version: (0, 0), int_size: 4, offset_size: 8, format: Format::Custom, sum: None };
    archive.facts.damage = read_parts(context, &mut fields, &mut archive)
        .err()
        .filter(|damage| !(is_about_the_end(*damage) && context.cut_short()));
    archive
}

/// How far after the beginning of a text an archive is looked for.
pub(super) const TEXT_BEFORE: usize = 64 * 1024;

/// Whether an archive begins after some text: the output of `pg_dump -Fc 2>&1`.
pub(super) fn is_behind_text(head: &[u8]) -> bool {
    memchr::memmem::find_iter(head, b"PGDMP\x01").any(|at| {
        let version = head.get(at + 6).is_some_and(|minor| (10..=31).contains(minor));
        let widths = head.get(at + 8..at + 10).is_some_and(|sizes| sizes.iter().all(|size| (1..=8).contains(size)));
        at > 0 && version && widths
    })
}

/// When reading was stopped on purpose, these prove nothing.
fn is_about_the_end(damage: Damage) -> bool {
    matches!(
        damage,
        Damage::TruncatedHeader
            | Damage::TruncatedToc
            | Damage::TruncatedBlock
            | Damage::MissingBlocks
            | Damage::UnterminatedRows
    )
}

fn read_parts(context: &Context<'_, '_>, fields: &mut Fields<'_, '_>, archive: &mut Archive) -> Result<(), Damage> {
    let facts = &mut archive.facts;
    let compression = toc::header(fields, facts).map_err(|trouble| match trouble {
        Trouble::Short => Damage::TruncatedHeader,
        Trouble::Invalid => Damage::BadToc,
    })?;
    if facts.format.is_empty() {
        return Err(Damage::UnsupportedVersion);
    }
    archive.is_toc = facts.format != "custom";
    if archive.is_toc {
        fields.format = Format::Files;
    }
    archive.data = toc::entries(fields, facts, &context.keeper).map_err(|trouble| match trouble {
        Trouble::Short => Damage::TruncatedToc,
        Trouble::Invalid => Damage::BadToc,
    })?;
    if archive.is_toc {
        return Ok(());
    }
    blocks::read(context, fields, compression, facts, &mut archive.data)
}

#[cfg(test)]
mod tests;
