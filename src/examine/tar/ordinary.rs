//! Members that are ordinary files: scripts, style sheets, pages of a database server. What their
//! bytes look like is held against them only when their name, or a header, says that they are dumps.

use crate::examine::facts::{Examination, Flavour, Kind, Sql};
use crate::examine::verdict::{Code, Quality, Reason, judge};

/// Endings of names that announce a dump or an archive.
const DUMPS: &[&str] = &[
    ".sql",
    ".psql",
    ".pgsql",
    ".mysql",
    ".dump",
    ".dmp",
    ".pgdump",
    ".custom",
    ".tar",
    ".tgz",
    ".tbz",
    ".tbz2",
    ".txz",
    ".tzst",
    ".bak",
    ".backup",
    ".bkp",
    ".bundle",
    ".sqlite",
    ".sqlite3",
    ".rdb",
    ".xbstream",
    ".mbstream",
];
/// Endings of names that announce SQL text.
const SQL: &[&str] = &[".sql", ".psql", ".pgsql", ".mysql", ".dump", ".dmp", ".pgdump", ".bak", ".backup"];
/// Endings of compression.
const PACKED: &[&str] = &[".gz", ".zst", ".lz4", ".bz2", ".xz"];

/// Corrects what was concluded about a member from its bytes alone.
pub(super) fn settle(name: &str, found: &mut Examination) {
    let name = name.to_ascii_lowercase();
    let innermost = found.chain.last().copied().unwrap_or(found.kind);
    if innermost == Kind::PlainSql {
        if sql_of(found).is_some_and(begins_a_dump) {
            return;
        }
        if !ends(&name, SQL) {
            forget(found, "an ordinary text");
        } else if sql_of(found).is_some_and(|sql| sql.flavour == Flavour::Unknown) {
            doubt(found);
        }
        return;
    }
    let by_bytes = matches!(innermost, Kind::Empty | Kind::OnlyZeros | Kind::Utf16Text | Kind::UnknownText);
    let announced = ends(&name, DUMPS) || (found.kind == Kind::Empty && PACKED.iter().any(|end| name.ends_with(end)));
    if by_bytes && !announced {
        forget(found, words(innermost));
    }
}

/// Whether a name announces a dump or an archive.
pub(super) fn announces_a_dump(name: &str) -> bool {
    ends(&name.to_ascii_lowercase(), DUMPS)
}

/// Whether a name has one of these endings, before or without an ending of compression.
fn ends(name: &str, endings: &[&str]) -> bool {
    let bare = PACKED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    endings.iter().any(|end| bare.ends_with(end))
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Empty => "an empty file",
        Kind::OnlyZeros => "a file of zero bytes",
        _ => "an ordinary text",
    }
}

/// The SQL of the innermost layer.
fn sql_of(found: &Examination) -> Option<&Sql> {
    found.sql.as_deref().or_else(|| sql_of(found.payload.as_deref()?))
}

/// Whether the text itself says that a dump begins.
fn begins_a_dump(sql: &Sql) -> bool {
    sql.header || sql.dumps_begun > 0
}

/// Takes back what was read as a dump; damage of compressed layers stays.
fn forget(found: &mut Examination, what: &str) {
    found.sql = None;
    found.caveats.clear();
    let plain = found.chain.last_mut().filter(|kind| **kind == Kind::PlainSql);
    plain.into_iter().for_each(|kind| *kind = Kind::UnknownText);
    if found.kind == Kind::PlainSql {
        found.kind = Kind::UnknownText;
    }
    if let Some(payload) = &mut found.payload {
        forget(payload, what);
        (found.quality, found.reasons) = (payload.quality, payload.reasons.clone());
    } else {
        let says = format!("{what}, not a backup by its name or its content");
        (found.quality, found.reasons) = (Quality::UnknownKind, vec![Reason { code: Code::KindUnknown, says }]);
    }
    let damaged = found.gzip.as_ref().is_some_and(|gzip| gzip.damage.is_some())
        || found.zstd.as_ref().is_some_and(|zstd| zstd.damage.is_some())
        || found.lz4.as_ref().is_some_and(|lz4| lz4.damage.is_some());
    if damaged {
        judge(found);
    }
}

/// Statements of unknown origin can be of another system, whose strings and comments differ: an end
/// inside of something proves nothing.
fn doubt(found: &mut Examination) {
    let only_the_end = found.reasons.iter().all(|reason| matches!(reason.code, Code::EndsInside | Code::NoEndMark));
    if found.quality == Quality::Bad && only_the_end {
        found.quality = Quality::Inconclusive;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_announce_dumps_through_compression() {
        assert!(ends("a/b.sql.gz", SQL) && ends("b.dump", SQL) && ends("x.tar.zst", DUMPS));
        assert!(!ends("style.css", DUMPS) && !ends("sql", SQL) && !ends("x.log.gz", DUMPS));
    }
}
