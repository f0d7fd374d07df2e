//! tar archives: every member is examined like a file of its own, a dump in tar or directory format
//! is held against its table of contents, and ordinary files stay ordinary.

mod dump;
mod header;
mod large;
mod ordinary;

use std::collections::BTreeMap;

use ::tar::Header;

use super::context::Context;
use super::facts::{Kind, Member, Tar, TarDamage as Damage};
use super::node::{self, Expect, Place};
use super::stream::{Limited, Stream};
use super::tap::Tap;
use super::verdict::{Quality, conclude_member};

use dump::{Dump, Listed, Role};
pub(super) use header::is_header;
use header::{BLOCK, Extension, extend, header_of, padded, skip, skip_sparse_map};

/// What a listed member costs besides its names.
const MEMBER_COST: usize = 2500;
/// Bad members are listed even when the list is full, up to this many.
const MOST_BAD: usize = 50;
/// Folders that may hold a dump are watched up to this many.
const MOST_DUMPS: usize = 10_000;

struct Work<'a, 's, 'e> {
    context: &'a Context<'s, 'e>,
    place: Place,
    tar: Tar,
    /// Dumps in tar or directory format by folder, its slash included.
    dumps: BTreeMap<String, Dump>,
    bad_listed: usize,
}

/// Reads an archive to its end.
pub(super) fn read(context: &Context<'_, '_>, stream: &mut Stream<'_>, place: Place) -> Tar {
    let mut work = Work { context, place, tar: Tar::default(), dumps: BTreeMap::new(), bad_listed: 0 };
    let damage = work.entries(stream).err();
    let mut tar = work.finish();
    tar.valid = damage.is_none();
    let about_content = |damage: &Damage| matches!(damage, Damage::BadHeader | Damage::TrailingData);
    tar.damage = damage.filter(|damage| about_content(damage) || !context.cut_short());
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
                // One closing block is accepted, as tar does.
                return self.after_the_end(stream);
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

    /// Only padding may follow the closing blocks: tar reads nothing after them.
    fn after_the_end(&mut self, stream: &mut Stream<'_>) -> Result<(), Damage> {
        while let Some(piece) = stream.next() {
            let begun = self.tar.trailing_bytes > 0;
            let from = if begun { Some(0) } else { piece.iter().position(|&byte| byte != 0) };
            self.tar.trailing_bytes += from.map_or(0, |from| (piece.len() - from) as u64);
        }
        if self.tar.trailing_bytes == 0 { Ok(()) } else { Err(Damage::TrailingData) }
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
        if !self.member(stream, name, size) {
            return Err(Damage::TruncatedMember);
        }
        skip(stream, padded(size) - size)
    }

    /// Examines and lists a member; whether it is whole.
    fn member(&mut self, stream: &mut Stream<'_>, name: String, size: u64) -> bool {
        let limited = Limited { stream, left: size };
        let inner = Stream::new(limited, self.context.stored_digest());
        let (folder, file) = dump::split(&name);
        let watched = self.dumps.contains_key(folder) || self.dumps.len() < MOST_DUMPS;
        let role = dump::role(file).filter(|_| watched);
        // A script beside no dump is a file like any other.
        let role = role.filter(|role| *role != Role::Script || self.dumps.get(folder).is_some_and(Dump::is_known));
        let Some(role) = role else {
            let mut found = node::examine(self.context, inner, self.inside(&name));
            ordinary::settle(&name, &mut found);
            self.count_unexamined(&found);
            return self.list(name, size, found).1;
        };
        let folder = folder.to_owned();
        let mut dump = self.dumps.remove(&folder).unwrap_or_default();
        let whole = self.part(&mut dump, role, inner, name, size);
        self.dumps.insert(folder, dump);
        whole
    }

    /// Examines and lists a file of a dump; whether it is whole.
    fn part(&mut self, dump: &mut Dump, role: Role, inner: Stream<'_>, name: String, size: u64) -> bool {
        let file = dump::split(&name).1.to_owned();
        match role {
            Role::Toc => {
                let found = dump.read_toc(self.context, inner);
                let (listed, whole) = self.list(name, size, found);
                dump.toc_listed(listed);
                for (listed, found) in dump.settle_waiting(self.context) {
                    self.revise(listed, found);
                }
                whole
            }
            Role::List => {
                let found = dump.read_list(inner, &file);
                self.list(name, size, found).1
            }
            Role::Script => {
                let place = Place { expect: Expect::Opaque, ..self.inside(&name) };
                let mut found = node::examine(self.context, inner, place);
                dump::part_of_a_dump(&mut found, false);
                self.list(name, size, found).1
            }
            Role::Data { .. } | Role::LargeObject { .. } => {
                let place = Place { expect: dump.expect(&file, role), ..self.inside(&name) };
                let mut found = node::examine(self.context, inner, place);
                let waits = !dump.settle(self.context, &file, role, &mut found);
                let kept = waits.then(|| found.clone());
                let (listed, whole) = self.list(name, size, found);
                if let Some(found) = kept {
                    dump.wait(self.context, &file, listed, found);
                }
                whole
            }
        }
    }

    /// Counts a member about which nothing is known; text and empty files explain themselves.
    fn count_unexamined(&mut self, found: &node::Found) {
        let explained = matches!(found.chain.last(), Some(Kind::UnknownText | Kind::Utf16Text | Kind::Empty));
        if found.quality == Quality::UnknownKind && !explained {
            self.tar.unexamined_members += 1;
            self.tar.unexamined_bytes += found.stored_bytes;
        }
    }

    /// The place of a member.
    fn inside(&self, name: &str) -> Place {
        let tapping = Tap::inside(self.context.tap, self.place.tapping, name);
        Place { tapping, loose: !ordinary::announces_a_dump(name), ..self.place }
    }

    /// Counts a member and keeps it while there is room; where it is listed, and whether it is whole.
    fn list(&mut self, name: String, size: u64, examination: node::Found) -> (Listed, bool) {
        let quality = examination.quality;
        let whole = examination.stored_bytes == size;
        self.tar.member_bytes += examination.stored_bytes;
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
        (Listed { at: keep.then(|| self.tar.members.len() - 1), quality }, whole)
    }

    /// Puts new findings in the place of those of a member that was listed.
    fn revise(&mut self, listed: Listed, found: node::Found) {
        if let Some(count) = self.tar.qualities.get_mut(&listed.quality) {
            *count = count.saturating_sub(1);
        }
        self.tar.qualities.retain(|_, count| *count > 0);
        *self.tar.qualities.entry(found.quality).or_default() += 1;
        if let Some(member) = listed.at.and_then(|at| self.tar.members.get_mut(at)) {
            member.examination = found;
        }
    }

    fn finish(mut self) -> Tar {
        for (_, dump) in std::mem::take(&mut self.dumps) {
            let end = dump.finish(self.context);
            if let Some((listed, found)) = end.toc {
                self.conclude(listed, found);
            }
            self.tar.dumps_without_toc += u64::from(end.lacks_toc);
            for (listed, found) in end.revised {
                self.revise(listed, found);
            }
        }
        self.tar
    }

    /// Takes over a table of contents: the first one stands for the archive, further ones for
    /// their member.
    fn conclude(&mut self, listed: Listed, mut found: node::Found) {
        if self.tar.toc.is_none() {
            self.tar.toc = found.custom.take();
        } else {
            found.reasons.clear();
            conclude_member(&mut found);
            self.revise(listed, found);
        }
    }
}
