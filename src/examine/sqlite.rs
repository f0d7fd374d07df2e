//! Databases of SQLite, as far as one pass can say: whether the header is valid and whether all the
//! pages are there that it states. What the pages hold needs `PRAGMA integrity_check`.

use super::facts::{Sqlite, SqliteDamage as Damage};
use super::stream::Stream;

/// The header, and the beginning of the first page behind it.
const HEADER: usize = 108;
/// Pages of a table, the kinds that the first page can have.
const TABLE_PAGES: [u8; 2] = [5, 13];

/// Reads a database to its end.
pub(super) fn read(stream: &mut Stream<'_>) -> Sqlite {
    let head = stream.peek(HEADER).to_vec();
    let bytes = stream.drain();
    let mut facts = Sqlite::default();
    if head.len() < HEADER {
        facts.damage = Some(Damage::Truncated);
        return facts;
    }
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let stated = u64::from(u16::from_be_bytes([head[16], head[17]]));
    facts.page_size = if stated == 1 { 65_536 } else { stated };
    facts.write_ahead_log = head[18] == 2 || head[19] == 2;
    facts.damage = damage_of_header(&head, facts.page_size);
    if facts.damage.is_some() {
        return facts;
    }
    facts.pages = bytes / facts.page_size;
    // Old programs do not keep the number of pages; then the two counters of changes differ.
    let pages = u64::from(number(28));
    if pages > 0 && number(24) == number(92) {
        facts.pages_stated = Some(pages);
    }
    let short = facts.pages_stated.is_some_and(|stated| facts.pages < stated);
    facts.damage = if short {
        Some(Damage::Truncated)
    } else if !bytes.is_multiple_of(facts.page_size) {
        Some(Damage::PartialPage)
    } else {
        None
    };
    facts
}

fn damage_of_header(head: &[u8], page_size: u64) -> Option<Damage> {
    let page_is_possible = page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
    let formats_are_known = (1..=2).contains(&head[18]) && (1..=2).contains(&head[19]);
    let fractions_are_fixed = head[21..24] == [64, 32, 32];
    let first_page_is_a_table = TABLE_PAGES.contains(&head[100]);
    let sound = page_is_possible && formats_are_known && fractions_are_fixed && first_page_is_a_table;
    (!sound).then_some(Damage::BadHeader)
}

#[cfg(test)]
mod tests {
    use crate::examine::{Kind, Options, Quality, SqliteDamage, examine};

    /// A database of `pages` pages, of which the header states `stated`.
    fn database(pages: usize, stated: u32) -> Vec<u8> {
        let mut bytes = vec![0; pages * 4096];
        bytes[..16].copy_from_slice(b"SQLite format 3\0");
        bytes[16..24].copy_from_slice(&[0x10, 0, 1, 1, 0, 64, 32, 32]);
        bytes[24..28].copy_from_slice(&[0, 0, 0, 7]);
        bytes[28..32].copy_from_slice(&stated.to_be_bytes());
        bytes[92..96].copy_from_slice(&[0, 0, 0, 7]);
        bytes[100] = 13;
        bytes
    }

    fn look(bytes: &[u8]) -> (Quality, Option<SqliteDamage>) {
        let found = examine(bytes, &Options::default(), &|_| {}, &|| false).unwrap();
        assert_eq!(found.kind, Kind::Sqlite);
        (found.quality, found.sqlite.unwrap().damage)
    }

    #[test]
    fn a_cut_database_is_bad_and_a_whole_one_is_not_called_good() {
        let whole = database(10, 10);
        assert_eq!(look(&whole), (Quality::UnknownKind, None));
        for cut in [20, 107, 108, 4096, 12_288, 40_959] {
            assert_eq!(look(&whole[..cut]).0, Quality::Bad, "cut at {cut}");
        }
        assert_eq!(look(&database(12, 10)), (Quality::UnknownKind, None), "room at the end is allowed");
        let mut old = whole[..12_288].to_vec();
        old[95] = 6;
        assert_eq!(look(&old), (Quality::UnknownKind, None), "the number of pages is not kept");
        assert_eq!(look(&whole[..12_000]).1, Some(SqliteDamage::Truncated));
        assert_eq!(look(&[whole, vec![1]].concat()).1, Some(SqliteDamage::PartialPage));
    }

    #[test]
    fn a_header_that_cannot_be_is_bad() {
        for at in [16, 18, 19, 21, 22, 23, 100] {
            let mut bytes = database(3, 3);
            bytes[at] = 0x77;
            assert_eq!(look(&bytes), (Quality::Bad, Some(SqliteDamage::BadHeader)), "byte {at}");
        }
    }
}
