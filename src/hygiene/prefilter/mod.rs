//! The one pass over every text: finds the words that announce secrets, all rules' words at once.
//!
//! It has three sieves, each finer and used less often than the one before. [`lanes`] looks at
//! thirty-two places at a time and lets through those whose four bytes could begin a part of some
//! word; about one place in twelve. There three bytes choose a row of a table, and the row says which
//! fourth and which fifth byte may follow; what passes is compared with the words of that row. On a
//! processor without such lanes the table is asked at every place: the same is found, slower.
//!
//! Which part of each word is looked for decides how much ordinary text passes; [`plan`] chooses it.

mod lanes;
mod plan;

use lanes::Lanes;

use super::follows::ANY;

/// The number of rows, as a power of two.
const BITS: u32 = 13;
const ROWS: usize = 1 << BITS;
/// Setting this bit in every byte folds the case of letters.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// A word that announces something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The bytes, at least three; in lower case when `fold` is set.
    pub bytes: Vec<u8>,
    /// Whether letter case does not matter.
    pub fold: bool,
    /// The bytes that may follow it, a bit for each by its lowest five bits; all when it is not known.
    pub next: u32,
}

impl Word {
    fn stands_at(&self, text: &[u8], at: usize) -> bool {
        let Some(seen) = text.get(at..at + self.bytes.len()) else { return false };
        if self.fold { seen.eq_ignore_ascii_case(&self.bytes) } else { seen == self.bytes }
    }

    /// The five bytes from `offset` on as row and the two masks of a row, the fourth byte's first.
    fn key(&self, offset: usize) -> (usize, u32, u32) {
        let at = |i: usize| self.bytes.get(offset + i).map(|b| u64::from(*b | 0x20));
        let three = (0..3).fold(0, |all, i| all | at(i).unwrap_or(0) << (8 * i));
        let follows = |i: usize| match at(i) {
            Some(byte) => 1 << (byte & 31),
            None if offset + i == self.bytes.len() => self.next,
            None => ANY,
        };
        (row(three), follows(3), follows(4))
    }
}

/// A word to compare with where the table lets a place through.
#[derive(Clone, Copy)]
struct Entry {
    word: u32,
    /// How far into the word the five bytes stand.
    offset: u32,
    /// The word's first bytes, folded, and which of the eight count.
    head: u64,
    mask: u64,
}

/// All words, ready to be searched for.
pub(super) struct Prefilter {
    words: Vec<Word>,
    lanes: Option<Lanes>,
    /// For each row the bytes that may stand fourth (the low half) and fifth.
    rows: Box<[u64; ROWS]>,
    /// Where the entries of each row begin; those of the last end with the list.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// The row of three folded bytes.
#[inline(always)]
fn row(three: u64) -> usize {
    ((three as u32 & 0x00ff_ffff).wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

impl Prefilter {
    /// Prepares `words`; words shorter than three bytes are never found.
    pub fn new(words: Vec<Word>) -> Self {
        let parts = plan::parts(&words);
        let mut rows = Box::new([0; ROWS]);
        let mut placed = Vec::with_capacity(words.len());
        for (number, (word, part)) in words.iter().zip(&parts).enumerate().filter(|(_, (w, _))| w.bytes.len() >= 3) {
            let (row, fourth, fifth) = word.key(part.offset);
            rows[row] |= u64::from(fifth) << 32 | u64::from(fourth);
            placed.push((row, entry(number, word, part.offset)));
        }
        placed.sort_by_key(|(row, _)| *row);
        let starts = (0..=ROWS).map(|row| placed.partition_point(|(r, _)| *r < row) as u32).collect();
        let lanes = Lanes::new(&words, &parts);
        Self { words, lanes, rows, starts, entries: placed.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// Calls `found` with the number and the beginning of every word in `text`, roughly in order.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut waiting = Waiting { places: [0; WAITING], count: 0 };
        let mut done = 0;
        if let Some(lanes) = &self.lanes {
            done = lanes.each(text, &mut |at, places| {
                waiting.add(at, places);
                if waiting.count > WAITING - 2 * Lanes::WIDTH {
                    self.look(text, &mut waiting, &mut found);
                }
            });
        }
        self.look(text, &mut waiting, &mut found);
        let whole = text.len().saturating_sub(8).max(done);
        for at in done..whole {
            if self.test(wide(&text[at..])) {
                self.verify(text, at, &mut found);
            }
        }
        // The last bytes, which no whole window covers.
        (whole..text.len().saturating_sub(2)).for_each(|at| self.verify(text, at, &mut found));
    }

    /// Looks at the places that wait: first which of them the table lets through, without a branch,
    /// since nobody could foretell it, and then at those.
    fn look(&self, text: &[u8], waiting: &mut Waiting, found: &mut impl FnMut(usize, usize)) {
        let (mut through, mut count) = ([0; WAITING], 0);
        for at in &waiting.places[..waiting.count] {
            through[count] = *at;
            count += usize::from(self.test(wide(&text[*at..])));
        }
        through[..count].iter().for_each(|at| self.verify(text, *at, found));
        waiting.count = 0;
    }

    /// Whether the row of the first three of `bytes` lets the two after them through.
    #[inline(always)]
    fn test(&self, bytes: u64) -> bool {
        let row = self.rows[row(bytes | FOLD)];
        (row as u32 >> (bytes >> 24 & 31)) & ((row >> 32) as u32 >> (bytes >> 32 & 31)) & 1 != 0
    }

    /// Compares the words of the row at `at`.
    #[inline(never)]
    fn verify(&self, text: &[u8], at: usize, found: &mut impl FnMut(usize, usize)) {
        let row = row(wide(&text[at..]) | FOLD);
        for entry in &self.entries[self.starts[row] as usize..self.starts[row + 1] as usize] {
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            let stands = (wide(&text[start..]) | FOLD) & entry.mask == entry.head
                && self.words[entry.word as usize].stands_at(text, start);
            if stands {
                found(entry.word as usize, start);
            }
        }
    }
}

/// How many places wait at most to be looked at together.
const WAITING: usize = 256;

/// Places that passed the first sieve.
struct Waiting {
    places: [usize; WAITING],
    count: usize,
}

impl Waiting {
    /// Takes in the places `at` and after it that have a bit in `places`, eight at a time: how many there
    /// are is seldom asked for.
    #[inline(always)]
    fn add(&mut self, at: usize, mut places: u32) {
        let count = places.count_ones() as usize;
        let mut from = self.count;
        self.count += count;
        while from < self.count {
            for place in &mut self.places[from..from + 8] {
                *place = at + places.trailing_zeros() as usize;
                places &= places.wrapping_sub(1);
            }
            from += 8;
        }
    }
}

fn entry(number: usize, word: &Word, offset: usize) -> Entry {
    let mask = u64::MAX >> (64 - 8 * word.bytes.len().min(8));
    Entry { word: number as u32, offset: offset as u32, head: (wide(&word.bytes) | FOLD) & mask, mask }
}

/// The first eight bytes, zeros behind the end.
#[inline(always)]
fn wide(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::BUILT_IN;
    use super::*;

    fn found(words: &[(&str, bool)], text: &str) -> Vec<(usize, usize)> {
        let words = words
            .iter()
            .map(|(w, fold)| Word { bytes: w.as_bytes().to_vec(), fold: *fold, next: ANY })
            .collect::<Vec<_>>();
        let mut seen = Vec::new();
        Prefilter::new(words).each(text.as_bytes(), |word, at| seen.push((at, word)));
        seen.sort_unstable();
        seen
    }

    #[test]
    fn finds_every_word_wherever_it_stands() {
        let words = [("password", true), ("ghp_", false), ("://", false), ("SG.", false)];
        for shift in 0..20 {
            let pad = " ".repeat(shift);
            assert_eq!(found(&words, &format!("{pad}PassWord")), [(shift, 0)]);
            assert_eq!(found(&words, &format!("{pad}a://b ghp_ GHP_")), [(shift + 1, 2), (shift + 6, 1)]);
            assert_eq!(found(&words, &format!("{pad}SG.")), [(shift, 3)], "at the very end");
        }
    }

    #[test]
    fn a_processor_without_lanes_finds_the_same() {
        let words = &BUILT_IN.as_ref().unwrap().words().words;
        let (with, mut without) = (Prefilter::new(words.clone()), Prefilter::new(words.clone()));
        without.lanes = None;
        let mut text = String::new();
        for (number, word) in words.iter().enumerate() {
            text.push_str(&"some text, "[number % 11..]);
            text.push_str(&String::from_utf8_lossy(&word.bytes));
        }
        for cut in 0..200 {
            let text = &text.as_bytes()[cut..text.len() - 3 * cut];
            let all = |filter: &Prefilter| {
                let mut seen = Vec::new();
                filter.each(text, |word, at| seen.push((at, word)));
                seen.sort_unstable();
                seen
            };
            assert_eq!(all(&with), all(&without), "{cut}");
        }
    }

    #[test]
    fn agrees_with_a_naive_search() {
        let words = [("abcab", true), ("cab", false), ("bcabc", false)];
        let text = "abcabcabcABCABCxcab".repeat(7);
        let mut naive = Vec::new();
        for at in 0..text.len() {
            for (number, (word, fold)) in words.iter().enumerate() {
                let seen = text.get(at..at + word.len());
                if seen.is_some_and(|s| if *fold { s.eq_ignore_ascii_case(word) } else { s == *word }) {
                    naive.push((at, number));
                }
            }
        }
        assert_eq!(found(&words, &text), naive);
    }
}
