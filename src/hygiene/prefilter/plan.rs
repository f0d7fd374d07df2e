//! Chooses for each word the part of it that is looked for and the bucket it shares with others, so
//! that little ordinary text passes the first sieve. For the built-in words the choice is made
//! beforehand and kept in `plan.txt`: it is worth seconds of trying, and a start has none to give.
//! Words that are not in it, as those of a user's rules, are put where they let through least by the
//! frequency of their bytes. A plan that is out of date costs time, never a finding.

use super::{ANY, Word};

/// How many groups of eight buckets there are.
pub(super) const GROUPS: usize = 4;
/// How many buckets.
const BUCKETS: usize = 8 * GROUPS;
/// How many bytes in a row the first sieve looks at.
pub(super) const SPAN: usize = 4;

/// The choice for the built-in words: bucket, offset and the word, a line each, sorted by word.
const PLAN: &str = include_str!("plan.txt");

/// Which part of a word is looked for, and in which bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// How far into the word it begins.
    pub offset: usize,
    /// Its bucket.
    pub bucket: usize,
}

/// The parts of `words`, in their order.
pub(super) fn parts(words: &[Word]) -> Vec<Part> {
    let known: std::collections::HashMap<&str, Part> = PLAN.lines().filter_map(read).collect();
    let found = |word: &Word| std::str::from_utf8(&word.bytes).ok().and_then(|name| known.get(name)).copied();
    let fits = |word: &Word, part: &Part| part.offset + SPAN.min(word.bytes.len()) <= word.bytes.len();
    let mut parts: Vec<Option<Part>> = words.iter().map(|word| found(word).filter(|part| fits(word, part))).collect();
    if parts.iter().any(Option::is_none) {
        let mut buckets = vec![Bucket::default(); BUCKETS];
        let planned = words.iter().zip(&parts).filter_map(|(word, part)| Some((word, (*part)?)));
        planned.for_each(|(word, part)| buckets[part.bucket].add(word, part.offset));
        words.iter().zip(&mut parts).for_each(|(word, part)| *part = part.or_else(|| Some(best(&mut buckets, word))));
    }
    parts.into_iter().flatten().collect()
}

/// One line of the plan.
fn read(line: &str) -> Option<(&str, Part)> {
    let (bucket, rest) = line.split_once(' ')?;
    let (offset, word) = rest.split_once(' ')?;
    let bucket = bucket.parse().ok().filter(|bucket| *bucket < BUCKETS)?;
    Some((word, Part { offset: offset.parse().ok()?, bucket }))
}

/// Calls `each` with the bytes that may stand at `at` of a word: both cases of a letter, and what may
/// follow its end.
pub(super) fn may_stand(word: &Word, at: usize, mut each: impl FnMut(u8)) {
    match word.bytes.get(at) {
        Some(byte) if word.fold => [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()].into_iter().for_each(each),
        Some(byte) => each(*byte),
        None => {
            let next = if at == word.bytes.len() { word.next } else { ANY };
            (0..=255).filter(|byte| next >> (byte & 31) & 1 != 0).for_each(each);
        }
    }
}

/// The bytes that a bucket lets through at each of its places.
#[derive(Clone)]
struct Bucket {
    low: [u16; SPAN],
    high: [u16; SPAN],
}

impl Default for Bucket {
    fn default() -> Self {
        Self { low: [0; SPAN], high: [0; SPAN] }
    }
}

impl Bucket {
    fn add(&mut self, word: &Word, offset: usize) {
        for k in 0..SPAN {
            may_stand(word, offset + k, |byte| {
                self.low[k] |= 1 << (byte & 15);
                self.high[k] |= 1 << (byte >> 4);
            });
        }
    }

    /// The share of places in ordinary text that pass, if its bytes stood at random.
    fn share(&self) -> f64 {
        let passes = |k: usize, byte: u8| self.low[k] >> (byte & 15) & 1 != 0 && self.high[k] >> (byte >> 4) & 1 != 0;
        let sum =
            |k: usize| (0..=255).filter(|byte| passes(k, *byte)).map(|byte| f64::from(commonness(byte))).sum::<f64>();
        (0..SPAN).map(|k| sum(k) / 1000.0).product()
    }
}

/// Puts a word's rarest part where it lets through least.
fn best(buckets: &mut [Bucket], word: &Word) -> Part {
    let sum = |offset: &usize| -> u32 {
        word.bytes.iter().skip(*offset).take(SPAN).map(|byte| u32::from(commonness(*byte))).sum()
    };
    let offset = (0..=word.bytes.len().saturating_sub(SPAN)).min_by_key(sum).unwrap_or(0);
    let cost = |bucket: &Bucket| {
        let mut with = bucket.clone();
        with.add(word, offset);
        with.share() - bucket.share()
    };
    let costs = buckets.iter().map(cost).enumerate();
    let bucket = costs.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(bucket, _)| bucket);
    buckets[bucket].add(word, offset);
    Part { offset, bucket }
}

/// How many of a thousand bytes of ordinary text are `byte`, roughly.
fn commonness(byte: u8) -> u8 {
    match byte {
        b' ' => 130,
        b'e' | b't' => 62,
        b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 45,
        b'l' | b'c' | b'd' | b'u' | b'p' | b'm' | b'\n' => 26,
        b'h' | b'f' | b'g' | b'b' | b'0' | b'1' | b'2' | b'.' | b',' | b'"' | b'_' => 15,
        b'y' | b'v' | b'w' | b'k' | b'x' | b'3'..=b'9' | b'/' | b':' | b'-' | b'=' | b'(' | b')' | b';' => 8,
        b'A'..=b'Z' => 4,
        b'!'..=b'~' => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod choose;
