//! The data blocks of an archive: each belongs to one entry, comes in chunks and is decoded to its
//! end.

use super::counter::{Content, Owner};
use super::fields::{Fields, Trouble};
use super::lz4::{self, Failed};
use super::toc::{self, Compression, DataEntries};
use super::unpack::{Fault, Output, Unpack};
use crate::examine::block::Piece;
use crate::examine::context::Context;
use crate::examine::facts::{Custom, CustomDamage as Damage};

const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;
/// A second table of contents begins with its count, whose sign is 0.
const SIGN_OF_A_COUNT: u8 = 0;
/// Fewer zero bytes at the end can be the beginning of a table of contents.
const PADDING: usize = 6;

type Stop = crate::examine::context::Stop<Damage>;

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Stop {
        Stop::Damage(match trouble {
            Trouble::Short => Damage::TruncatedBlock,
            Trouble::Invalid => Damage::BadBlock,
        })
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        match fault {
            Fault::BadData => Stop::Damage(Damage::BadData),
            Fault::Limit => Stop::Limit,
        }
    }
}

/// What is needed for every block.
struct Work<'a, 'c, 'f, 'g, 's, 'e> {
    fields: &'a mut Fields<'f, 'g>,
    compression: Compression,
    facts: &'a mut Custom,
    output: Output<'c, 's, 'e>,
    /// Blocks of large objects that were decoded to their end.
    objects_checked: u64,
}

/// Reads all blocks and holds them against the table of contents.
pub(super) fn read(
    context: &Context<'_, '_>,
    fields: &mut Fields<'_, '_>,
    compression: Compression,
    facts: &mut Custom,
    data: &mut DataEntries,
) -> Result<(), Damage> {
    let mut work = Work { fields, compression, facts, output: Output::new(context), objects_checked: 0 };
    let result = work.blocks(data);
    let Work { output, objects_checked, .. } = work;
    facts.data_bytes = output.bytes;
    let counted = output.into_counter().finish(context);
    facts.rows = counted.rows;
    facts.blocks_checked = objects_checked + counted.terminated;
    match (result, counted.unterminated) {
        (Err(Stop::Damage(damage)), _) => Err(damage),
        (_, Some(label)) => {
            facts.damaged_entry = Some(label);
            Err(Damage::UnterminatedRows)
        }
        (Err(Stop::Limit), None) => Ok(()),
        (Ok(()), None) if facts.blocks_found < facts.blocks_expected => Err(Damage::MissingBlocks),
        (Ok(()), None) => Ok(()),
    }
}

impl Work<'_, '_, '_, '_, '_, '_> {
    fn blocks(&mut self, data: &mut DataEntries) -> Result<(), Stop> {
        loop {
            let start = self.fields.stream.position();
            let Some(kind) = self.fields.maybe_byte() else { break };
            self.facts.damaged_entry = None;
            if kind == SIGN_OF_A_COUNT {
                return self.behind(data).map_err(Stop::Damage);
            }
            if self.fields.stream.peek(4) == b"GDMP" && kind == b'P' {
                return Err(Stop::Damage(Damage::TrailingData));
            }
            if kind != DATA && kind != LARGE_OBJECTS {
                return Err(Stop::Damage(Damage::BadBlock));
            }
            let id = self.fields.int()?;
            let entry = data.by_id.get_mut(&id);
            if entry.as_ref().map_or(!data.cut, |entry| entry.found) {
                return Err(Stop::Damage(Damage::BadBlock));
            }
            let (mut owner, mut content) = (Owner::default(), Content::Copy);
            if let Some(entry) = entry {
                entry.found = true;
                entry.start = start;
                let misplaced = entry.offset.is_some_and(|offset| offset != start);
                owner = Owner { table: Some(entry.table.clone()), label: entry.label.clone() };
                if !entry.is_copy {
                    content = Content::Statements;
                }
                self.facts.damaged_entry = Some(entry.label.clone());
                if misplaced {
                    return Err(Stop::Damage(Damage::WrongOffset));
                }
            }
            self.facts.blocks_found += 1;
            if kind == DATA {
                self.table(content, owner)?;
            } else {
                self.large_objects()?;
            }
        }
        self.facts.damaged_entry = None;
        Ok(())
    }

    /// Reads what follows the data blocks: zero bytes, or the table of contents once more.
    fn behind(&mut self, data: &DataEntries) -> Result<(), Damage> {
        let zeros = self.fields.stream.peek(PADDING);
        if zeros.len() == PADDING && zeros.iter().all(|&byte| byte == 0) {
            self.facts.trailing_zeros = 1;
            while let Some(piece) = self.fields.stream.next() {
                if piece.iter().any(|&byte| byte != 0) {
                    return Err(Damage::TrailingData);
                }
                self.facts.trailing_zeros += piece.len() as u64;
            }
            return Ok(());
        }
        self.fields.stream.put_back(Piece::own(vec![SIGN_OF_A_COUNT]));
        let same = toc::again(self.fields, data).map_err(|trouble| match trouble {
            Trouble::Short => Damage::TruncatedToc,
            Trouble::Invalid => Damage::SecondTocDiffers,
        })?;
        if !same {
            return Err(Damage::SecondTocDiffers);
        }
        self.facts.second_toc = true;
        if self.fields.maybe_byte().is_some() { Err(Damage::TrailingData) } else { Ok(()) }
    }

    fn table(&mut self, content: Content, owner: Owner) -> Result<(), Stop> {
        self.output.counter().begin(content);
        if self.chunks()? {
            self.output.counter().end(owner);
        }
        Ok(())
    }

    fn large_objects(&mut self) -> Result<(), Stop> {
        self.output.counter().begin(Content::Opaque);
        let mut all_checked = true;
        while self.fields.int()? != 0 {
            let checked = self.chunks()?;
            self.facts.large_objects += u64::from(checked);
            all_checked &= checked;
        }
        self.objects_checked += u64::from(all_checked);
        Ok(())
    }

    /// Reads chunks to the empty one; false when they could not be decompressed here.
    fn chunks(&mut self) -> Result<bool, Stop> {
        if self.compression == Compression::Lz4 {
            let checksum = lz4::decode(self.fields, &mut self.output).map_err(|failed| match failed {
                Failed::Trouble(trouble) => trouble.into(),
                Failed::Fault(fault) => Stop::from(fault),
            })?;
            self.facts.data_without_checksum += u64::from(!checksum);
            return Ok(true);
        }
        let mut unpack = Unpack::new(self.compression);
        loop {
            let length = self.fields.int()?;
            let mut left = usize::try_from(length).map_err(|_| Trouble::Invalid)?;
            if left == 0 {
                break;
            }
            while left > 0 {
                let piece = self.fields.chunk(left)?;
                left -= piece.len();
                if let Some(unpack) = &mut unpack {
                    unpack.feed(piece, &mut self.output)?;
                }
            }
        }
        if let Some(unpack) = &mut unpack {
            unpack.finish(&mut self.output)?;
            self.facts.data_without_checksum += u64::from(!unpack.has_checksum());
        }
        Ok(unpack.is_some())
    }
}
