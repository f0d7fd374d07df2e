//! One layer of a backup: tells what it is, reads it with the room for that kind, and puts the
//! findings of the layers inside of it together with its own.

use super::context::Context;
use super::facts::{Custom, CustomDamage, Examination, Kind};
use super::outlet::Outlet;
use super::stream::Stream;
use super::tap::Tapping;
use super::verdict::{Quality, judge};
use super::{custom, gzip, kind, lz4, message, sql, sqlite, tar, zstd};

/// What a layer turned out to be.
pub(super) type Found = Examination;

/// Where a layer stands and what its surroundings say about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Containers around it.
    pub(super) depth: usize,
    /// The table of contents of a dump says what this member is.
    pub(super) expect: Expect,
    /// A file of an archive that is no backup by its name: any text may be in it.
    pub(super) loose: bool,
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
    /// A compressed large object.
    PackedOpaque,
    /// Rows or statements of one table; the table of contents has not come yet.
    Rows,
}

impl Place {
    /// The place of what is inside.
    pub(super) fn inside(self) -> Place {
        let expect = if self.expect == Expect::PackedOpaque { Expect::Opaque } else { self.expect };
        Place { depth: self.depth + 1, expect, ..self }
    }
}

/// Reads a stream to its end.
pub(super) fn examine(context: &Context<'_, '_>, stream: Stream<'_>, place: Place) -> Examination {
    // Bound anew: with the tap it lives no longer than the tap does.
    let mut stream: Stream<'_> = stream;
    if let (Tapping::Here, Some(tap)) = (place.tapping, context.tap)
        && !kind::of(stream.peek(kind::LOOK)).is_compressed()
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
    if place.expect == Expect::Opaque {
        return of_kind(Kind::Unknown);
    }
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
        Expect::PackedOpaque if !kind.is_compressed() => return of_kind(kind),
        Expect::Rows if !kind.is_compressed() => return rows(context, stream),
        Expect::CopyData if !kind.is_compressed() => {
            let mut found = of_kind(Kind::CopyData);
            found.copy_data = Some(sql::read_copy_data(stream));
            return found;
        }
        _ => {}
    }
    let container = kind.is_compressed() || kind == Kind::Tar;
    if container && place.depth >= context.options.max_depth {
        let mut found = of_kind(kind);
        found.depth_limit_hit = true;
        return found;
    }
    match kind {
        Kind::Gzip => gunzip(context, stream, place),
        Kind::Zstd => unzstd(context, stream, place),
        Kind::Lz4 => unlz4(context, stream, place),
        Kind::Tar => untar(context, stream, place),
        Kind::PgCustom => custom(context, stream),
        Kind::Sqlite => sqlite(stream),
        Kind::UnknownText if custom::is_behind_text(stream.peek(custom::TEXT_BEFORE)) => text_before(),
        Kind::UnknownText => text(context, stream, place),
        // Zeros up to a limit may be followed by anything.
        Kind::Unknown if only_zeros(stream) && !context.cut_short() => of_kind(Kind::OnlyZeros),
        _ => of_kind(kind),
    }
}

/// A data file of a dump before its table of contents: rows of COPY, or INSERT statements.
fn rows(context: &Context<'_, '_>, stream: &mut Stream<'_>) -> Examination {
    let head = stream.peek(12);
    if head.is_empty() {
        return of_kind(Kind::Empty);
    }
    if head == b"INSERT INTO " || (head.len() < 12 && head.trim_ascii().is_empty()) {
        let mut found = of_kind(Kind::PlainSql);
        found.sql = Some(Box::new(sql::read(context, stream).sql));
        return found;
    }
    let mut found = of_kind(Kind::CopyData);
    found.copy_data = Some(sql::read_copy_data(stream));
    found
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

fn text(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Examination {
    let head = stream.peek(message::LARGEST + 1);
    let whole = head.len() <= message::LARGEST;
    let head = head[..head.len().min(message::LARGEST)].to_vec();
    let read = sql::read(context, stream);
    if !read.is_sql {
        let mut found = of_kind(Kind::UnknownText);
        found.message = if place.loose { None } else { message::instead(&head, whole) };
        return found;
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

fn unlz4(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Examination {
    let mut outlet = Outlet::new(context, place.inside());
    let facts = lz4::decode(context, stream, &mut outlet);
    let mut found = wrap(Kind::Lz4, outlet.finish(), facts.valid);
    found.lz4 = Some(facts);
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

fn sqlite(stream: &mut Stream<'_>) -> Examination {
    let mut found = of_kind(Kind::Sqlite);
    found.sqlite = Some(sqlite::read(stream));
    found
}

/// An archive that begins only after some text.
fn text_before() -> Examination {
    let mut found = of_kind(Kind::PgCustom);
    let facts = Custom { damage: Some(CustomDamage::TextBefore), ..Custom::default() };
    found.custom = Some(Box::new(facts));
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
    found.caveats.clone_from(&inside.caveats);
    if whole {
        found.payload_sha256.clone_from(&inside.stored_sha256);
    }
    if inside.kind.is_compressed() {
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
    found.sqlite = inside.sqlite;
    found.message = inside.message;
    found
}

/// An examination of which nothing but the kind is known yet.
pub(super) fn of_kind(kind: Kind) -> Examination {
    Examination {
        kind,
        chain: vec![kind],
        quality: Quality::UnknownKind,
        reasons: Vec::new(),
        caveats: Vec::new(),
        stored_bytes: 0,
        stored_sha256: None,
        payload_bytes: None,
        payload_sha256: None,
        payload_normalised_sha256: None,
        gzip: None,
        zstd: None,
        lz4: None,
        sql: None,
        tar: None,
        custom: None,
        copy_data: None,
        sqlite: None,
        message: None,
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
