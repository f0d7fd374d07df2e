//! The data blocks of an archive: each belongs to one entry, comes in chunks and is decoded to its
//! end.

use super::fields::{Fields, Trouble};
use super::toc::{Compression, DataEntries};
use super::unpack::{Buffers, Fault, Reader, Unpack};
use crate::examine::context::Context;
use crate::examine::facts::{Custom, CustomDamage as Damage};
use crate::examine::sql::CopyRows;

const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

enum Stop {
    Damage(Damage),
    Limit,
}

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
struct Work<'a, 'f, 'g, 's, 'e> {
    context: &'a Context<'s, 'e>,
    fields: &'a mut Fields<'f, 'g>,
    compression: Compression,
    facts: &'a mut Custom,
    buffers: Buffers,
}

/// Reads all blocks and holds them against the table of contents.
pub(super) fn read(
    context: &Context<'_, '_>,
    fields: &mut Fields<'_, '_>,
    compression: Compression,
    facts: &mut Custom,
    data: &mut DataEntries,
) -> Result<(), Damage> {
    let mut work = Work { context, fields, compression, facts, buffers: Buffers::new() };
    match work.blocks(data) {
        Err(Stop::Damage(damage)) => Err(damage),
        Err(Stop::Limit) => Ok(()),
        Ok(()) if work.facts.blocks_found < work.facts.blocks_expected => Err(Damage::MissingBlocks),
        Ok(()) => Ok(()),
    }
}

impl Work<'_, '_, '_, '_, '_> {
    fn blocks(&mut self, data: &mut DataEntries) -> Result<(), Stop> {
        while let Some(kind) = self.fields.maybe_byte() {
            self.facts.damaged_entry = None;
            if kind != DATA && kind != LARGE_OBJECTS {
                return Err(Stop::Damage(Damage::BadBlock));
            }
            let id = self.fields.int()?;
            let entry = data.by_id.get_mut(&id);
            if entry.as_ref().map_or(!data.cut, |entry| entry.found) {
                return Err(Stop::Damage(Damage::BadBlock));
            }
            let (mut table, mut is_copy) = (None, true);
            if let Some(entry) = entry {
                entry.found = true;
                self.facts.damaged_entry = Some(entry.label.clone());
                (table, is_copy) = (Some(entry.table.clone()), entry.is_copy);
            }
            self.facts.blocks_found += 1;
            if kind == DATA {
                self.table(table.as_deref(), is_copy)?;
            } else {
                self.large_objects()?;
            }
        }
        self.facts.damaged_entry = None;
        Ok(())
    }

    fn table(&mut self, table: Option<&str>, is_copy: bool) -> Result<(), Stop> {
        let reader = if is_copy { Reader::Copy(CopyRows::new(), false) } else { Reader::statements() };
        let Some(reader) = self.chunks(reader)? else {
            return Ok(());
        };
        let (rows, terminated) = reader.finish();
        match table {
            Some(table) => self.context.keeper.rows(&mut self.facts.rows, table, rows),
            None => {
                self.facts.rows.total += rows;
                self.facts.rows.tables_cut = true;
            }
        }
        if !terminated {
            return Err(Stop::Damage(Damage::UnterminatedRows));
        }
        self.facts.blocks_checked += 1;
        Ok(())
    }

    fn large_objects(&mut self) -> Result<(), Stop> {
        let mut all_checked = true;
        while self.fields.int()? != 0 {
            let checked = self.chunks(Reader::Nobody)?.is_some();
            self.facts.large_objects += u64::from(checked);
            all_checked &= checked;
        }
        self.facts.blocks_checked += u64::from(all_checked);
        Ok(())
    }

    /// Reads chunks to the empty one; `None` when they could not be decompressed here.
    fn chunks(&mut self, mut reader: Reader) -> Result<Option<Reader>, Stop> {
        let mut unpack = Unpack::new(self.context, self.compression, &mut self.buffers);
        let result = chunks(self.fields, &mut reader, unpack.as_mut());
        if let Some(unpack) = &unpack {
            self.facts.data_bytes += unpack.bytes;
        }
        result?;
        Ok(unpack.is_some().then_some(reader))
    }
}

fn chunks(
    fields: &mut Fields<'_, '_>,
    reader: &mut Reader,
    mut unpack: Option<&mut Unpack<'_, '_, '_>>,
) -> Result<(), Stop> {
    loop {
        let length = fields.int()?;
        let mut left = usize::try_from(length).map_err(|_| Trouble::Invalid)?;
        if left == 0 {
            break;
        }
        while left > 0 {
            let piece = fields.chunk(left)?;
            left -= piece.len();
            if let Some(unpack) = &mut unpack {
                unpack.feed(&piece, reader)?;
            }
        }
    }
    match unpack {
        Some(unpack) => Ok(unpack.finish(reader)?),
        None => Ok(()),
    }
}
