//! tar archives: every member is examined like a file of its own, and a dump in tar format is held
//! against its table of contents.

use ::tar::{EntryType, Header, PaxExtensions};

use super::context::Context;
use super::custom::{self, Archive, DataEntries};
use super::facts::{Custom, Kind, Member, Tar, TarDamage as Damage};
use super::node::{self, Expect, Place};
use super::stream::{Limited, Stream};
use super::tap::Tap;
use super::verdict::{Code, Quality, Reason, judge};

const BLOCK: usize = 512;
/// Long names and extensions of a header are not larger than this.
const MOST_EXTENSION: u64 = 1024 * 1024;
/// What a listed member costs besides its names.
const MEMBER_COST: usize = 2500;
/// Bad members are listed even when the list is full, up to this many.
const MOST_BAD: usize = 50;

/// Whether these bytes begin a tar archive: the checksum of a header agrees.
pub(super) fn is_header(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| block[0] != 0 && header_of(block).is_some())
}

/// A header whose checksum agrees with its bytes.
fn header_of(block: &[u8]) -> Option<&Header> {
    let array: &[u8; BLOCK] = block.try_into().ok()?;
    let header = Header::from_byte_slice(array);
    let sum: u32 =
        array.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u32::from(byte) }).sum();
    (header.cksum().ok()? == sum).then_some(header)
}

/// What the last extension headers say about the next entry.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// The table of contents of a dump in tar format, and what was found for it.
struct Contents {
    /// The folder that `toc.dat` is in, with its slash.
    folder: String,
    facts: Custom,
    data: DataEntries,
}

struct Work<'a, 's, 'e> {
    context: &'a Context<'s, 'e>,
    place: Place,
    tar: Tar,
    contents: Option<Contents>,
    bad_listed: usize,
}

/// Reads an archive to its end marker.
pub(super) fn read(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Tar {
    let mut work = Work { context, place, tar: Tar::default(), contents: None, bad_listed: 0 };
    let damage = work.entries(stream).err();
    let mut tar = work.finish();
    tar.valid = damage.is_none();
    tar.damage = damage.filter(|damage| *damage == Damage::BadHeader || !context.cut_short());
    tar
}

impl Work<'_, '_, '_> {
    fn entries(&mut self, stream: &mut Stream<'_>) -> Result<(), Damage> {
        let mut extension = Extension::default();
        loop {
            let block = stream.exactly(BLOCK);
            match block.len() {
                0 => return Err(Damage::NoEndMarker),
                BLOCK => {}
                _ => return Err(Damage::TruncatedHeader),
            }
            if block.iter().all(|&byte| byte == 0) {
                // One closing block is accepted, as tar does; after it nothing is read.
                return Ok(());
            }
            let header = header_of(&block).ok_or(Damage::BadHeader)?;
            let kind = header.entry_type();
            let size = header.entry_size().map_err(|_| Damage::BadHeader)?;
            if extend(stream, kind, size, &mut extension)? {
                continue;
            }
            self.tar.entries += 1;
            let next = std::mem::take(&mut extension);
            if kind.is_gnu_sparse() {
                skip_sparse_map(stream, &block)?;
            }
            self.entry(stream, header, next)?;
        }
    }

    fn entry(&mut self, stream: &mut Stream<'_>, header: &Header, extension: Extension) -> Result<(), Damage> {
        let kind = header.entry_type();
        let stated = header.entry_size().map_err(|_| Damage::BadHeader)?;
        let size = extension.size.unwrap_or(stated);
        if !(kind.is_file() || kind.is_contiguous()) {
            // Links and folders have no data, whatever their size field says; sparse files have.
            let data = if kind.is_gnu_sparse() { size } else { 0 };
            return skip(stream, padded(data));
        }
        let name = extension.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let name = String::from_utf8_lossy(&name).into_owned();
        let found = self.member(stream, &name, size);
        self.tar.member_bytes += found.stored_bytes;
        let whole = found.stored_bytes == size;
        self.list(name, size, found);
        if !whole {
            return Err(Damage::TruncatedMember);
        }
        skip(stream, padded(size) - size)
    }

    fn member(&mut self, stream: &mut Stream<'_>, name: &str, size: u64) -> node::Found {
        let limited = Limited { stream, left: size };
        let mut inner = Stream::new(limited, self.context.stored_digest());
        if let Some(folder) = name.strip_suffix("toc.dat")
            && self.contents.is_none()
            && inner.peek(5) == b"PGDMP"
        {
            return self.toc(inner, folder);
        }
        let entry = self.contents.as_ref().and_then(|contents| contents.entry(name));
        let expect = match entry {
            Some((_, expect)) => expect,
            None => Expect::Anything,
        };
        let tapping = Tap::inside(self.context.tap, self.place.tapping, name);
        let place = Place { expect, tapping, loose: !promises_content(name), ..self.place };
        let mut found = node::examine(self.context, inner, place);
        if let (Some((id, _)), Some(contents)) = (entry, &mut self.contents) {
            contents.settle(self.context, id, expect, &mut found);
        } else if found.kind == Kind::Empty && !promises_content(name) {
            // An empty file that is no backup by its name is nothing to worry about.
            found.quality = Quality::UnknownKind;
        }
        found
    }

    fn toc(&mut self, mut inner: Stream<'_>, folder: &str) -> node::Found {
        let Archive { mut facts, data, .. } = custom::read(self.context, &mut inner);
        let mut found = node::of_kind(Kind::PgToc);
        (found.stored_bytes, found.stored_sha256) = inner.finish();
        if facts.damage.is_none() {
            found.quality = Quality::Good;
            let says = "the table of contents is whole".to_owned();
            found.reasons.push(Reason { code: Code::Complete, says });
        } else {
            found.custom = Some(Box::new(facts.clone()));
            judge(&mut found);
        }
        if !self.tar.qualities.is_empty() && facts.format == "directory" {
            // Data files before their table of contents could not be told from other text.
            facts.order_unknown = true;
        }
        self.contents = Some(Contents { folder: folder.to_owned(), facts, data });
        found
    }

    /// Counts a member and keeps it while there is room.
    fn list(&mut self, name: String, size: u64, examination: node::Found) {
        let quality = examination.quality;
        *self.tar.qualities.entry(quality).or_default() += 1;
        let cost = MEMBER_COST + name.len();
        let mut keep = self.context.keeper.may_keep(self.tar.members.len(), cost);
        if !keep && quality == Quality::Bad && self.bad_listed < MOST_BAD {
            self.bad_listed += 1;
            keep = true;
        }
        if keep {
            self.tar.members.push(Member { name, size, examination });
        } else {
            self.tar.members_cut = true;
        }
    }

    fn finish(mut self) -> Tar {
        if let Some(mut contents) = self.contents {
            let facts = &mut contents.facts;
            let missing = facts.blocks_found < facts.blocks_expected;
            if facts.damage.is_none() && missing && !facts.order_unknown && !self.context.cut_short() {
                facts.damage = Some(super::facts::CustomDamage::MissingBlocks);
            }
            self.tar.toc = Some(Box::new(contents.facts));
        }
        self.tar
    }
}

impl Contents {
    /// The entry that a member holds the data of, and what that data is.
    fn entry(&self, name: &str) -> Option<(Option<i64>, Expect)> {
        let file = name.strip_prefix(&self.folder)?;
        let bare = [".gz", ".zst", ".lz4"].into_iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
        if let Some(id) = self.data.by_file.get(file).or_else(|| self.data.by_file.get(bare)) {
            let entry = self.data.by_id.get(id)?;
            let expect = match (entry.is_blobs, entry.is_copy) {
                (true, _) => Expect::Opaque,
                (_, true) => Expect::CopyData,
                (_, false) => Expect::Statements,
            };
            return Some((Some(*id), expect));
        }
        let list = file.strip_prefix("blobs").and_then(|rest| rest.strip_suffix(".toc"));
        if let Some(number) = list {
            return Some((self.blob_list(number), Expect::Opaque));
        }
        (file.starts_with("blob_") || file == "restore.sql").then_some((None, Expect::Opaque))
    }

    /// The entry of a list of large objects: `blobs.toc`, or `blobs_17.toc` since archive 1.16.
    fn blob_list(&self, number: &str) -> Option<i64> {
        if let Ok(id) = number.trim_start_matches('_').parse() {
            return Some(id);
        }
        let mut lists = self.data.by_id.iter().filter(|(_, entry)| entry.is_blobs);
        lists.next().map(|(id, _)| *id)
    }

    /// Adds what a member holds to the findings about its entry.
    fn settle(&mut self, context: &Context<'_, '_>, id: Option<i64>, expect: Expect, found: &mut node::Found) {
        if found.quality == Quality::UnknownKind && expect == Expect::Opaque {
            let says = "part of a dump in tar format; its content is not examined".to_owned();
            found.reasons = vec![Reason { code: Code::KindUnknown, says }];
        }
        let Some(entry) = id.and_then(|id| self.data.by_id.get_mut(&id)) else {
            return;
        };
        let rows = match (expect, &found.copy_data, &found.sql) {
            (Expect::CopyData, Some(data), _) if found.quality == Quality::Good => Some(data.rows),
            (Expect::Statements, _, Some(sql)) if sql.ends_inside.is_none() => Some(sql.rows.total),
            (Expect::Opaque, ..) => Some(0),
            _ => None,
        };
        self.facts.blocks_found += u64::from(!entry.found);
        entry.found = true;
        self.facts.data_bytes += found.payload_bytes.unwrap_or(found.stored_bytes);
        let Some(rows) = rows else { return };
        self.facts.blocks_checked += 1;
        if expect == Expect::Statements {
            found.quality = Quality::Good;
            let says = "the statements of one table, as the table of contents says".to_owned();
            found.reasons = vec![Reason { code: Code::Complete, says }];
        }
        if expect != Expect::Opaque {
            context.keeper.rows(&mut self.facts.rows, &entry.table, rows);
        }
    }
}

/// Whether somebody named this file as a backup.
fn promises_content(name: &str) -> bool {
    const ENDS: &[&str] =
        &[".sql", ".gz", ".zst", ".dump", ".tar", ".tgz", ".bak", ".backup", ".bz2", ".xz", ".custom"];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

/// Reads a header that only says something about the next one; false for a real entry.
fn extend(stream: &mut Stream<'_>, kind: EntryType, size: u64, next: &mut Extension) -> Result<bool, Damage> {
    let is_name = kind.is_gnu_longname();
    let is_pax = kind.is_pax_local_extensions();
    if !(is_name || is_pax || kind.is_gnu_longlink() || kind.is_pax_global_extensions()) {
        return Ok(false);
    }
    if size > MOST_EXTENSION {
        return Err(Damage::BadHeader);
    }
    let wanted = usize::try_from(size).map_err(|_| Damage::BadHeader)?;
    let mut data = stream.exactly(wanted);
    if data.len() < wanted {
        return Err(Damage::TruncatedHeader);
    }
    skip(stream, padded(size) - size)?;
    if is_name {
        data.truncate(data.iter().position(|&byte| byte == 0).unwrap_or(data.len()));
        next.name = Some(data);
    } else if is_pax {
        for field in PaxExtensions::new(&data).flatten() {
            match field.key_bytes() {
                b"path" => next.name = Some(field.value_bytes().to_vec()),
                b"size" => next.size = field.value().ok().and_then(|value| value.parse().ok()),
                _ => {}
            }
        }
    }
    Ok(true)
}

/// The map of a sparse file may go on in blocks of its own.
fn skip_sparse_map(stream: &mut Stream<'_>, header: &[u8]) -> Result<(), Damage> {
    let mut more = header.get(482).is_some_and(|&flag| flag == 1);
    while more {
        let block = stream.exactly(BLOCK);
        if block.len() < BLOCK {
            return Err(Damage::TruncatedHeader);
        }
        more = block.get(504).is_some_and(|&flag| flag == 1);
    }
    Ok(())
}

fn padded(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX)
}

fn skip(stream: &mut Stream<'_>, mut count: u64) -> Result<(), Damage> {
    while count > 0 {
        let max = usize::try_from(count).unwrap_or(usize::MAX);
        let piece = stream.take(max).ok_or(Damage::TruncatedMember)?;
        count -= piece.len() as u64;
    }
    Ok(())
}
