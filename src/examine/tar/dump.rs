//! One dump of PostgreSQL in tar or directory format, whose files are members of an archive. They
//! come in any order: what cannot be held against the table of contents yet waits for it.

use crate::examine::context::Context;
use crate::examine::custom::{self, Archive, DataEntries};
use crate::examine::facts::{CopyData, Custom, CustomDamage, Examination, Kind};
use crate::examine::node::{self, Expect};
use crate::examine::stream::Stream;
use crate::examine::verdict::{Code, Quality, Reason, judge};

use super::large::{NameSet, bare, read_list};

/// What a file that waits costs.
const WAITING_COST: usize = 1200;

/// What a file of a dump is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `toc.dat`.
    Toc,
    /// The data of one entry: `3344.dat`.
    Data { packed: bool },
    /// `blob_16385.dat`.
    LargeObject { packed: bool },
    /// A list of large objects: `blobs.toc`, or `blobs_17.toc` since archive 1.16.
    List,
    /// `restore.sql`, which `pg_dump -Ft` adds for people.
    Script,
}

/// Where a member was listed, and as what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) at: Option<usize>,
    pub(super) quality: Quality,
}

/// The folder of a path, with its slash, and the file.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_at(name.rfind('/').map_or(0, |at| at + 1))
}

/// What a file is in a dump, if it can be a part of one.
pub(super) fn role(file: &str) -> Option<Role> {
    let numbered = |name: &str| !name.is_empty() && name.len() <= 10 && name.bytes().all(|byte| byte.is_ascii_digit());
    match file {
        "toc.dat" => return Some(Role::Toc),
        "restore.sql" => return Some(Role::Script),
        _ => {}
    }
    if let Some(number) = file.strip_prefix("blobs").and_then(|rest| rest.strip_suffix(".toc")) {
        return (number.is_empty() || number.strip_prefix('_').is_some_and(numbered)).then_some(Role::List);
    }
    let name = bare(file);
    let packed = name.len() < file.len();
    let stem = name.strip_suffix(".dat")?;
    match stem.strip_prefix("blob_") {
        Some(number) => numbered(number).then_some(Role::LargeObject { packed }),
        None => numbered(stem).then_some(Role::Data { packed }),
    }
}

/// A file that was examined before its table of contents.
struct Waiting {
    file: String,
    packed: bool,
    listed: Listed,
    found: Examination,
}

/// The table of contents.
struct Toc {
    facts: Custom,
    data: DataEntries,
    listed: Option<Listed>,
    found: Examination,
}

/// What is known of one dump so far.
#[derive(Default)]
pub(super) struct Dump {
    toc: Option<Toc>,
    /// A file called `toc.dat` that is not a table of contents.
    false_toc: Option<(Option<Listed>, Examination)>,
    waiting: Vec<Waiting>,
    /// There were more files than can wait.
    waiting_cut: bool,
    /// Large objects that the lists name, and those that are there.
    named: NameSet,
    present: NameSet,
    present_bytes: u64,
    present_without_checksum: bool,
    /// Numbers of the lists that were read, before the table of contents too.
    lists: Vec<String>,
    bad_list: bool,
}

/// What is concluded when the archive has ended.
pub(super) struct End {
    /// The member `toc.dat` and its findings, the table of contents included.
    pub(super) toc: Option<(Listed, Examination)>,
    /// Data files are there and their table of contents is not.
    pub(super) lacks_toc: bool,
    /// Other members whose findings have changed.
    pub(super) revised: Vec<(Listed, Examination)>,
}

impl Dump {
    /// Whether the table of contents was read.
    pub(super) fn is_known(&self) -> bool {
        self.toc.is_some()
    }

    /// Reads `toc.dat`.
    pub(super) fn read_toc(&mut self, context: &Context<'_, '_>, mut inner: Stream<'_>) -> Examination {
        if self.toc.is_some() || inner.peek(5) != b"PGDMP" {
            let (bytes, sha256) = inner.finish();
            let mut found = node::of_kind(if bytes == 0 { Kind::Empty } else { Kind::Unknown });
            (found.stored_bytes, found.stored_sha256) = (bytes, sha256);
            found.reasons = vec![reason(Code::KindUnknown, "not a table of contents of pg_dump")];
            self.false_toc = Some((None, found.clone()));
            return found;
        }
        let Archive { facts, data, .. } = custom::read(context, &mut inner);
        let mut found = node::of_kind(Kind::PgToc);
        (found.stored_bytes, found.stored_sha256) = inner.finish();
        if facts.damage.is_none() {
            found.quality = Quality::Good;
            found.reasons.push(reason(Code::Complete, "the table of contents is whole"));
        } else {
            found.custom = Some(Box::new(facts.clone()));
            judge(&mut found);
        }
        self.toc = Some(Toc { facts, data, listed: None, found: found.clone() });
        found
    }

    /// Remembers where `toc.dat` was listed.
    pub(super) fn toc_listed(&mut self, listed: Listed) {
        match (&mut self.false_toc, &mut self.toc) {
            (Some((slot @ None, _)), _) => *slot = Some(listed),
            (_, Some(toc)) => toc.listed = Some(listed),
            _ => {}
        }
    }

    /// What is to be expected of a file.
    pub(super) fn expect(&self, file: &str, role: Role) -> Expect {
        match (role, &self.toc) {
            (Role::LargeObject { packed: true }, _) => Expect::PackedOpaque,
            (Role::LargeObject { packed: false }, _) => Expect::Opaque,
            (_, None) => Expect::Rows,
            (_, Some(toc)) => match toc.entry(file).and_then(|id| toc.data.by_id.get(&id)) {
                Some(entry) if entry.is_copy => Expect::CopyData,
                Some(_) => Expect::Statements,
                None => Expect::Anything,
            },
        }
    }

    /// Adds what a file holds to the findings; false when its table of contents has to come first.
    pub(super) fn settle(
        &mut self,
        context: &Context<'_, '_>,
        file: &str,
        role: Role,
        found: &mut Examination,
    ) -> bool {
        let packed = matches!(role, Role::Data { packed: true } | Role::LargeObject { packed: true });
        // zstd and lz4 write nothing at all for a large object without a byte; gzip writes a header.
        let nothing = role == Role::LargeObject { packed } && found.kind == Kind::Empty && !file.ends_with(".gz");
        if packed && !found.kind.is_compressed() && !nothing {
            found.quality = Quality::Bad;
            found.reasons = vec![reason(Code::KindUnknown, "not compressed as its name says")];
        }
        if let Role::LargeObject { .. } = role {
            self.present.add(bare(file));
            self.present_bytes += found.payload_bytes.unwrap_or(found.stored_bytes);
            self.present_without_checksum |= !has_checksum(found);
            part_of_a_dump(found, packed && !nothing);
            return true;
        }
        match &mut self.toc {
            Some(toc) => toc.settle(context, file, found),
            None => return false,
        }
        true
    }

    /// Keeps a file until the table of contents comes.
    pub(super) fn wait(&mut self, context: &Context<'_, '_>, file: &str, listed: Listed, found: Examination) {
        if !context.keeper.may_keep(0, WAITING_COST) {
            self.waiting_cut = true;
            return;
        }
        let packed = bare(file).len() < file.len();
        self.waiting.push(Waiting { file: file.to_owned(), packed, listed, found });
    }

    /// Holds the files that waited against the table of contents.
    pub(super) fn settle_waiting(&mut self, context: &Context<'_, '_>) -> Vec<(Listed, Examination)> {
        let Some(toc) = &mut self.toc else { return Vec::new() };
        toc.facts.order_unknown |= self.waiting_cut;
        let mut revised = Vec::new();
        for Waiting { file, packed, listed, mut found } in std::mem::take(&mut self.waiting) {
            let spoilt = packed && !found.kind.is_compressed();
            if !spoilt {
                toc.read_as_told(&file, &mut found);
            }
            toc.settle(context, &file, &mut found);
            revised.push((listed, found));
        }
        revised
    }

    /// Reads a list of large objects.
    pub(super) fn read_list(&mut self, mut inner: Stream<'_>, file: &str) -> Examination {
        self.bad_list |= !read_list(&mut inner, &mut self.named);
        self.lists.push(file.to_owned());
        let mut found = node::of_kind(Kind::UnknownText);
        (found.stored_bytes, found.stored_sha256) = inner.finish();
        found.reasons = vec![reason(Code::KindUnknown, "a list of the large objects of a dump")];
        found
    }

    /// Concludes.
    pub(super) fn finish(mut self, context: &Context<'_, '_>) -> End {
        let Some(mut toc) = self.toc.take() else { return self.without_toc() };
        toc.lists_found(&self.lists);
        let facts = &mut toc.facts;
        facts.large_objects = self.present.count();
        facts.data_bytes += self.present_bytes;
        facts.data_without_checksum += u64::from(self.present_without_checksum);
        let missing = facts.blocks_found < facts.blocks_expected;
        let objects = !self.named.equals(&self.present);
        if facts.damage.is_none() && !context.cut_short() {
            if missing && !facts.order_unknown {
                facts.damage = Some(CustomDamage::MissingBlocks);
            } else if objects || self.bad_list {
                facts.damage = Some(CustomDamage::MissingLargeObjects);
                facts.damaged_entry = self.named.not_in(&self.present).cloned();
            }
        }
        let mut found = toc.found;
        found.custom = Some(Box::new(toc.facts));
        let listed = toc.listed.unwrap_or(Listed { at: None, quality: found.quality });
        End { toc: Some((listed, found)), lacks_toc: false, revised: Vec::new() }
    }

    /// Files that look like data of a dump, without their table of contents.
    fn without_toc(self) -> End {
        let is_data = |found: &Examination| {
            let rows = found.copy_data.as_ref().is_some_and(|data| data.terminated && data.bytes_after == 0);
            rows || found.sql.as_ref().is_some_and(|sql| sql.inserts > 0)
        };
        let lacks_toc = self.waiting.iter().any(|waiting| is_data(&waiting.found));
        let mut revised = Vec::new();
        for Waiting { listed, mut found, .. } in self.waiting {
            if is_data(&found) {
                found.quality = Quality::Inconclusive;
                found.reasons = vec![reason(Code::DataElsewhere, "data of a dump without its table of contents")];
            } else if layer_is_whole(&found) {
                found.copy_data = None;
                let last = found.chain.last_mut();
                last.into_iter().filter(|kind| **kind == Kind::CopyData).for_each(|kind| *kind = Kind::Unknown);
                found.kind = if found.kind == Kind::CopyData { Kind::Unknown } else { found.kind };
                found.quality = Quality::UnknownKind;
                found.reasons = vec![reason(Code::KindUnknown, "not a kind of backup that is known here")];
            }
            revised.push((listed, found));
        }
        if let (true, Some((Some(listed), mut found))) = (lacks_toc, self.false_toc) {
            found.quality = Quality::Bad;
            found.reasons =
                vec![reason(Code::ArchiveDamaged, "not a table of contents, and the data beside it needs one")];
            revised.push((listed, found));
        }
        End { toc: None, lacks_toc, revised }
    }
}

impl Toc {
    /// The entry that a file holds the data of.
    fn entry(&self, file: &str) -> Option<i64> {
        let by_file = &self.data.by_file;
        by_file.get(file).or_else(|| by_file.get(bare(file))).copied()
    }

    /// Reads findings again that were made without knowing what the file is.
    fn read_as_told(&mut self, file: &str, found: &mut Examination) {
        let Some(entry) = self.entry(file).and_then(|id| self.data.by_id.get(&id)) else { return };
        let is_text = found.copy_data.is_some() || found.sql.is_some();
        if !is_text && found.payload_bytes.unwrap_or(found.stored_bytes) == 0 && layer_is_whole(found) {
            // No byte at all: no rows and no terminator.
            found.copy_data = Some(CopyData::default());
        }
        // Rows that begin like a statement cannot be told from statements before the table of contents.
        self.facts.order_unknown |= entry.is_copy && found.sql.is_some();
        self.facts.order_unknown |= !entry.is_copy && found.copy_data.as_ref().is_some_and(|data| data.rows > 0);
    }

    /// Adds what a data file holds to the findings about its entry.
    fn settle(&mut self, context: &Context<'_, '_>, file: &str, found: &mut Examination) {
        let Some(id) = self.entry(file) else { return };
        let Some(entry) = self.data.by_id.get_mut(&id) else { return };
        // What is to be said of the dump is said once, of the whole of it.
        found.caveats.clear();
        self.facts.blocks_found += u64::from(!entry.found);
        entry.found = true;
        self.facts.data_bytes += found.payload_bytes.unwrap_or(found.stored_bytes);
        let whole = layer_is_whole(found);
        let rows = match (entry.is_copy, &found.copy_data, &found.sql) {
            (true, Some(data), _) if data.terminated && data.bytes_after == 0 && whole => Some(data.rows),
            (false, _, Some(sql)) if sql.ends_inside.is_none() && whole => Some(sql.rows.total),
            (false, Some(data), _) if data.rows == 0 && whole => Some(0),
            _ => None,
        };
        let Some(rows) = rows else { return };
        self.facts.blocks_checked += 1;
        if !has_checksum(found) {
            self.facts.data_without_checksum += 1;
        }
        if !entry.is_copy {
            found.quality = Quality::Good;
            found.reasons = vec![reason(Code::Complete, "the statements of one table, as the table of contents says")];
        }
        context.keeper.rows(&mut self.facts.rows, &entry.table, rows);
    }

    /// Notes the lists of large objects as the data of their entries.
    fn lists_found(&mut self, lists: &[String]) {
        for list in lists {
            let number = list.trim_start_matches("blobs").trim_start_matches('_').trim_end_matches(".toc");
            let by_number = number.parse().ok().filter(|id| self.data.by_id.contains_key(id));
            let any = || self.data.by_id.iter().find(|(_, entry)| entry.is_blobs && !entry.found).map(|(id, _)| *id);
            let Some(entry) = by_number.or_else(any).and_then(|id| self.data.by_id.get_mut(&id)) else { continue };
            let new = u64::from(!std::mem::replace(&mut entry.found, true));
            self.facts.blocks_found += new;
            self.facts.blocks_checked += new;
        }
    }
}

/// Whether the compressed layer around a file, if there is one, is whole.
fn layer_is_whole(found: &Examination) -> bool {
    found.gzip.as_ref().is_none_or(|gzip| gzip.valid)
        && found.zstd.as_ref().is_none_or(|zstd| zstd.valid)
        && found.lz4.as_ref().is_none_or(|lz4| lz4.valid)
}

/// Whether the compressed layer has a checksum of its content.
fn has_checksum(found: &Examination) -> bool {
    found.gzip.is_some()
        || found.zstd.as_ref().is_some_and(|zstd| zstd.frames_with_checksum == zstd.frames)
        || found.lz4.as_ref().is_some_and(|lz4| lz4.frames_with_checksum == lz4.frames)
}

/// A part of a dump that has nothing to be examined but the compression around it.
pub(super) fn part_of_a_dump(found: &mut Examination, packed: bool) {
    if layer_is_whole(found) && (!packed || found.kind.is_compressed()) && !found.expansion_limit_hit {
        found.quality = Quality::UnknownKind;
        found.reasons = vec![reason(Code::KindUnknown, "part of a dump; its content is not examined")];
    }
}

fn reason(code: Code, says: &str) -> Reason {
    Reason { code, says: says.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_dump_have_their_role_in_their_name() {
        assert_eq!(role("toc.dat"), Some(Role::Toc));
        assert_eq!(role("3344.dat.zst"), Some(Role::Data { packed: true }));
        assert_eq!(role("blob_16385.dat"), Some(Role::LargeObject { packed: false }));
        assert_eq!((role("blobs.toc"), role("blobs_17.toc")), (Some(Role::List), Some(Role::List)));
        assert_eq!((role("save.dat"), role("blobs_x.toc"), role(".dat")), (None, None, None));
        assert_eq!(split("./app/toc.dat"), ("./app/", "toc.dat"));
    }
}
