//! One layer of a backup: tells what it is, reads it with the room for that kind, and puts the
//! findings of the layers inside of it together with its own.

use super::context::Context;
use super::facts::{Examination, Kind};
use super::outlet::Outlet;
use super::stream::Stream;
use super::tap::Tapping;
use super::verdict::{Quality, judge};
use super::{custom, gzip, kind, sql, tar, zstd};

/// What a layer turned out to be.
pub(super) type Found = Examination;

/// Where a layer stands and what its surroundings say about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Containers around it.
    pub(super) depth: usize,
    /// The table of contents of a dump says what this member is.
    pub(super) expect: Expect,
    /// Whether somebody wants the bytes.
    pub(super) tapping: Tapping,
}

/// What a table of contents says about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Expect {
    /// Nothing: the content decides.
    #[default]
    Anything,
    /// Rows of a table.
    CopyData,
    /// INSERT statements, without header and trailer.
    Statements,
    /// A large object: its content is nobody's business.
    Opaque,
}

impl Place {
    /// The place of what is inside.
    pub(super) fn inside(self) -> Place {
        Place { depth: self.depth + 1, ..self }
    }
}

/// Reads a stream to its end.
pub(super) fn examine(context: &Context<'_, '_>, stream: Stream<'_>, place: Place) -> Examination {
    // Bound anew: with the tap it lives no longer than the tap does.
    let mut stream: Stream<'_> = stream;
    if let (Tapping::Here, Some(tap)) = (place.tapping, context.tap)
        && !matches!(kind::of(stream.peek(kind::LOOK)), Kind::Gzip | Kind::Zstd)
    {
        stream.tap(tap.take);
    }
    let mut found = open(context, &mut stream, place);
    let (bytes, sha256) = stream.finish();
    found.stored_bytes = bytes;
    found.stored_sha256 = sha256.filter(|_| !context.time_limit_hit());
    let bare_text = matches!(found.kind, Kind::PlainSql | Kind::CopyData);
    if bare_text {
        found.payload_bytes = Some(bytes);
    }
    if bare_text && context.options.payload_digests {
        found.payload_sha256.clone_from(&found.stored_sha256);
        if found.payload_normalised_sha256.is_none() {
            found.payload_normalised_sha256.clone_from(&found.stored_sha256);
        }
    }
    found.expansion_limit_hit = context.expansion_limit_hit();
    found.time_limit_hit = context.time_limit_hit();
    judge(&mut found);
    found
}

/// Reads what this kind of stream has to be read for; the caller reads the rest.
fn open(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Examination {
    let kind = kind::of(stream.peek(kind::LOOK));
    if place.expect == Expect::Statements && matches!(kind, Kind::Empty | Kind::UnknownText) {
        // The table of contents says that it is SQL, even when there is not one row.
        let mut found = of_kind(Kind::PlainSql);
        found.sql = Some(Box::new(sql::read(context, stream).sql));
        return found;
    }
    if kind == Kind::Empty {
        return of_kind(kind);
    }
    match place.expect {
        Expect::Opaque => return of_kind(Kind::Unknown),
        Expect::CopyData if kind != Kind::Gzip && kind != Kind::Zstd => {
            let mut found = of_kind(Kind::CopyData);
            found.copy_data = Some(sql::read_copy_data(stream));
            return found;
        }
        _ => {}
    }
    let container = matches!(kind, Kind::Gzip | Kind::Zstd | Kind::Tar);
    if container && place.depth >= context.options.max_depth {
        let mut found = of_kind(kind);
        found.depth_limit_hit = true;
        return found;
    }
    match kind {
        Kind::Gzip => gunzip(context, stream, place),
        Kind::Zstd => unzstd(context, stream, place),
        Kind::Tar => untar(context, stream, place),
        Kind::PgCustom => custom(context, stream),
        Kind::UnknownText => text(context, stream),
        // Zeros up to a limit may be followed by anything.
        Kind::Unknown if only_zeros(stream) && !context.cut_short() => of_kind(Kind::OnlyZeros),
        _ => of_kind(kind),
    }
}

/// Reads on for as long as there are only zeros; true at the end.
fn only_zeros(stream: &mut Stream<'_>) -> bool {
    while let Some(piece) = stream.next() {
        if piece.iter().any(|&byte| byte != 0) {
            return false;
        }
    }
    true
}

fn text(context: &Context<'_, '_>, stream: &mut Stream<'_>) -> Examination {
    let read = sql::read(context, stream);
    if !read.is_sql {
        return of_kind(Kind::UnknownText);
    }
    let mut found = of_kind(Kind::PlainSql);
    found.sql = Some(Box::new(read.sql));
    found.payload_normalised_sha256 = read.normalised;
    found
}

fn gunzip(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Examination {
    let mut outlet = Outlet::new(context, place.inside());
    let facts = gzip::decode(context, stream, &mut outlet);
    let mut found = wrap(Kind::Gzip, outlet.finish(), facts.valid);
    found.gzip = Some(facts);
    found
}

fn unzstd(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Examination {
    let mut outlet = Outlet::new(context, place.inside());
    let facts = zstd::decode(context, stream, &mut outlet);
    let mut found = wrap(Kind::Zstd, outlet.finish(), facts.valid);
    found.zstd = Some(facts);
    found
}

fn untar(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Examination {
    let facts = tar::read(context, stream, place.inside());
    let mut found = of_kind(Kind::Tar);
    found.depth_limit_hit = facts.members.iter().any(|member| member.examination.depth_limit_hit);
    found.payload_bytes = Some(facts.member_bytes);
    found.tar = Some(Box::new(facts));
    found
}

fn custom(context: &Context<'_, '_>, stream: &mut Stream<'_>) -> Examination {
    let archive = custom::read(context, stream);
    let mut found = of_kind(if archive.is_toc { Kind::PgToc } else { Kind::PgCustom });
    found.payload_bytes = Some(archive.facts.data_bytes);
    found.custom = Some(Box::new(archive.facts));
    found
}

/// A compressed layer takes over what was found inside, unless that is compressed again.
fn wrap(kind: Kind, inside: Examination, whole: bool) -> Examination {
    let mut found = of_kind(kind);
    found.chain.extend(inside.chain.iter().copied());
    found.payload_bytes = Some(inside.stored_bytes);
    found.depth_limit_hit = inside.depth_limit_hit;
    found.quality = inside.quality;
    found.reasons.clone_from(&inside.reasons);
    if whole {
        found.payload_sha256.clone_from(&inside.stored_sha256);
    }
    if matches!(inside.kind, Kind::Gzip | Kind::Zstd) {
        found.payload = Some(Box::new(inside));
        return found;
    }
    if whole {
        found.payload_normalised_sha256 = inside.payload_normalised_sha256;
    }
    found.sql = inside.sql;
    found.tar = inside.tar;
    found.custom = inside.custom;
    found.copy_data = inside.copy_data;
    found
}

/// An examination of which nothing but the kind is known yet.
pub(super) fn of_kind(kind: Kind) -> Examination {
    Examination {
        kind,
        chain: vec![kind],
        quality: Quality::UnknownKind,
        reasons: Vec::new(),
        stored_bytes: 0,
        stored_sha256: None,
        payload_bytes: None,
        payload_sha256: None,
        payload_normalised_sha256: None,
        gzip: None,
        zstd: None,
        sql: None,
        tar: None,
        custom: None,
        copy_data: None,
        payload: None,
        expansion_limit_hit: false,
        time_limit_hit: false,
        depth_limit_hit: false,
    }
}

/// In the place of a layer whose thread was lost; the examination as a whole then fails.
pub(super) fn nothing() -> Examination {
    of_kind(Kind::Unknown)
}
