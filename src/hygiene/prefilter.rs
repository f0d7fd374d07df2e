//! The one pass over every text: finds the words that announce secrets, all rules' words at once.
//!
//! Each word is known by its rarest four bytes. At every place of the text the four bytes that
//! stand there (letter case folded away) are looked up in a small bit table that stays in the
//! processor's nearest cache; the look-ups do not depend on each other, so the processor does
//! several at a time. Only where a bit is set is the word itself compared.

/// The size of the bit table, as a power of two: 16 KiB.
const BITS: u32 = 17;
/// Setting this bit in every byte folds the case of letters.
const FOLD: u32 = 0x2020_2020;
const FOLD_WIDE: u64 = 0x2020_2020_2020_2020;

/// A word that announces something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The bytes, at least three; in lower case when `fold` is set.
    pub bytes: Vec<u8>,
    /// Whether letter case does not matter.
    pub fold: bool,
}

impl Word {
    fn stands_at(&self, text: &[u8], at: usize) -> bool {
        let Some(seen) = text.get(at..at + self.bytes.len()) else { return false };
        if self.fold { seen.eq_ignore_ascii_case(&self.bytes) } else { seen == self.bytes }
    }
}

/// Where to look for a word: its number, and how far into it the four bytes stand.
#[derive(Clone, Copy)]
struct Entry {
    word: u32,
    offset: u32,
}

/// All words, ready to be searched for.
pub(super) struct Prefilter {
    words: Vec<Word>,
    bits: Box<[u64; 1 << (BITS - 6)]>,
    /// Open addressing by the four folded bytes; 0 is free, otherwise one more than the group.
    slots: Vec<(u32, u32)>,
    groups: Vec<Vec<Entry>>,
}

fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1) >> (32 - BITS)
}

impl Prefilter {
    /// Prepares `words`; words shorter than three bytes are never found.
    pub fn new(words: Vec<Word>) -> Self {
        let mut grams: Vec<(u32, Entry)> = Vec::new();
        for (number, word) in words.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            match word.bytes.len() {
                0..3 => {}
                3 => grams.extend(short(&word.bytes).map(|gram| (gram, Entry { word: number, offset: 0 }))),
                _ => {
                    let offset = rarest(&word.bytes);
                    let entry = Entry { word: number, offset: u32::try_from(offset).unwrap_or(0) };
                    grams.push((gram_at(&word.bytes, offset), entry));
                }
            }
        }
        let mut built = Self {
            words,
            bits: Box::new([0; 1 << (BITS - 6)]),
            slots: vec![(0, 0); (grams.len() * 3).next_power_of_two().max(16)],
            groups: Vec::new(),
        };
        grams.into_iter().for_each(|(gram, entry)| built.insert(gram, entry));
        built
    }

    fn insert(&mut self, gram: u32, entry: Entry) {
        let hashed = hash(gram) as usize;
        self.bits[hashed >> 6] |= 1 << (hashed & 63);
        let mask = self.slots.len() - 1;
        let mut slot = hashed & mask;
        while self.slots[slot].1 != 0 && self.slots[slot].0 != gram {
            slot = (slot + 1) & mask;
        }
        if self.slots[slot].1 == 0 {
            self.groups.push(Vec::new());
            self.slots[slot] = (gram, u32::try_from(self.groups.len()).unwrap_or(u32::MAX));
        }
        self.groups[self.slots[slot].1 as usize - 1].push(entry);
    }

    /// Calls `found` with the number and the beginning of every word in `text`, roughly in order.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some(window) = text.get(at..at + 12) {
            let low = wide(&window[..8]) | FOLD_WIDE;
            let high = wide(&window[4..]) | FOLD_WIDE;
            let mut hits = 0_u32;
            for k in 0..4 {
                hits |= self.test((low >> (8 * k)) as u32) << k;
                hits |= self.test((high >> (8 * k)) as u32) << (k + 4);
            }
            while hits != 0 {
                let k = hits.trailing_zeros() as usize;
                hits &= hits - 1;
                self.verify(text, at + k, gram_at(text, at + k), &mut found);
            }
            at += 8;
        }
        self.tail(text, at, &mut found);
    }

    /// The last bytes, which no whole window covers.
    fn tail(&self, text: &[u8], from: usize, found: &mut impl FnMut(usize, usize)) {
        for at in from..text.len() {
            let gram = gram_at(text, at);
            if self.test(gram) != 0 {
                self.verify(text, at, gram, found);
            }
        }
    }

    #[inline(always)]
    fn test(&self, gram: u32) -> u32 {
        let hashed = hash(gram);
        (self.bits[(hashed >> 6) as usize] >> (hashed & 63)) as u32 & 1
    }

    #[inline(never)]
    fn verify(&self, text: &[u8], at: usize, gram: u32, found: &mut impl FnMut(usize, usize)) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(gram) as usize & mask;
        while self.slots[slot].1 != 0 {
            if self.slots[slot].0 == gram {
                for entry in &self.groups[self.slots[slot].1 as usize - 1] {
                    let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
                    if self.words[entry.word as usize].stands_at(text, start) {
                        found(entry.word as usize, start);
                    }
                }
                return;
            }
            slot = (slot + 1) & mask;
        }
    }
}

#[inline(always)]
fn wide(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b))
}

/// Four folded bytes at `at`, zeros behind the end.
fn gram_at(text: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    let rest = &text[at..text.len().min(at + 4)];
    four[..rest.len()].copy_from_slice(rest);
    u32::from_le_bytes(four) | FOLD
}

/// Every four bytes that begin with the three of a short word.
fn short(word: &[u8]) -> impl Iterator<Item = u32> + use<> {
    let three = u32::from_le_bytes([word[0], word[1], word[2], 0]);
    (0..=255_u32).filter(|last| last & 0x20 != 0).map(move |last| three | last << 24 | FOLD)
}

/// Where in `word` the four bytes begin that stand least often in ordinary text.
fn rarest(word: &[u8]) -> usize {
    let weight = |at: &usize| -> u32 {
        let four = &word[*at..*at + 4];
        let same = four.iter().all(|b| *b == four[0]);
        four.iter().map(|b| commonness(*b)).sum::<u32>() + if same { 1000 } else { 0 }
    };
    (0..=word.len() - 4).min_by_key(weight).unwrap_or(0)
}

/// How common a byte is in text, as ten times the logarithm of its share.
fn commonness(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b' ' => 60,
        b'e' | b't' => 55,
        b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 52,
        b'l' | b'c' | b'd' | b'u' | b'p' | b'm' => 46,
        b'h' | b'f' | b'g' | b'b' | b'-' | b'.' | b'/' => 42,
        b'y' | b'v' | b'w' | b'_' | b'=' | b':' | b'"' => 38,
        b'0'..=b'9' | b'k' | b'x' => 34,
        b'j' | b'q' | b'z' => 22,
        _ => 30,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[(&str, bool)], text: &str) -> Vec<(usize, usize)> {
        let words =
            words.iter().map(|(w, fold)| Word { bytes: w.as_bytes().to_vec(), fold: *fold }).collect::<Vec<_>>();
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
