//! Makes `plan.txt`: tries every part of every word in every bucket, and counts in texts of the
//! project itself and in lines as logs have them how many places would pass.

// A tool of the repository's own: it reads the project's texts and writes the plan beside them.
#![allow(clippy::disallowed_methods)]

use std::path::Path;

use super::super::super::engine::BUILT_IN;
use super::super::super::sample;
use super::*;

/// How many places of sample text are counted.
const PLACES: usize = 1 << 16;
/// How often every word is placed anew.
const ROUNDS: usize = 5;

type Bits = Vec<u64>;

/// Which byte stands where in the sample.
struct Sample {
    /// For each place in the row of four and each byte the places of the text.
    stands: Vec<Vec<Bits>>,
}

impl Sample {
    fn new(text: &[u8]) -> Self {
        let mut stands = vec![vec![vec![0; PLACES / 64]; 256]; SPAN];
        for at in 0..PLACES {
            for (k, by_byte) in stands.iter_mut().enumerate() {
                by_byte[usize::from(text[at + k])][at / 64] |= 1 << (at % 64);
            }
        }
        Self { stands }
    }
}

/// A bucket with the places of the sample that pass each of its four sets of bytes.
#[derive(Clone)]
struct Counted {
    bucket: Bucket,
    passes: Vec<Bits>,
    count: u32,
}

impl Counted {
    fn new(sample: &Sample, words: &[&(Word, Part)]) -> Self {
        let empty = Self { bucket: Bucket::default(), passes: vec![vec![0; PLACES / 64]; SPAN], count: 0 };
        words.iter().fold(empty, |bucket, (word, part)| bucket.with(sample, word, part.offset))
    }

    fn with(&self, sample: &Sample, word: &Word, offset: usize) -> Self {
        let mut next = self.clone();
        next.bucket.add(word, offset);
        let lets = |bucket: &Bucket, k: usize, byte: usize| {
            bucket.low[k] >> (byte & 15) & bucket.high[k] >> (byte >> 4) & 1 != 0
        };
        for k in 0..SPAN {
            for byte in (0..256).filter(|byte| lets(&next.bucket, k, *byte) && !lets(&self.bucket, k, *byte)) {
                next.passes[k].iter_mut().zip(&sample.stands[k][byte]).for_each(|(all, more)| *all |= more);
            }
        }
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| &next.passes[k]);
        next.count = (0..PLACES / 64).map(|i| (a[i] & b[i] & c[i] & d[i]).count_ones()).sum();
        next
    }
}

/// Pieces of the project's own texts, and lines as logs and settings have them.
fn sample_text() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = Vec::new();
    for folder in ["docs", "src", "reports", "Cargo.lock", "README.md"] {
        let files = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name().into_iter().filter_map(Result::ok);
        for file in files.filter(|entry| entry.file_type().is_file()) {
            let content = std::fs::read(file.path()).unwrap();
            text.extend(content.chunks(2048).step_by(64).flatten());
        }
    }
    text.truncate(PLACES * 3 / 4);
    let mut seed = 7;
    let mut made = |kind: &str, length: usize| sample::random(kind, length, &mut seed).unwrap();
    while text.len() < PLACES + SPAN {
        let (id, word, number) = (made("hex", 32), made("lower", 7), made("digits", 4));
        text.extend(
            format!(
                "2026-05-15T10:23:50.{number}Z INFO app.{word} - request id={id} took {number} ms status=200\n\
             203.0.113.9 - - [15/May/2026:10:23:50 +0000] \"GET /api/v1/{word}?page={number} HTTP/1.1\" 200 {number}\n\
             {{\"level\":\"info\",\"msg\":\"session started\",\"request_id\":\"{id}\",\"user\":\"{word}\"}}\n\
             May 15 10:23:50 web sshd[{number}]: Accepted publickey for app from 203.0.113.9 port {number} ssh2\n"
            )
            .into_bytes(),
        );
    }
    text
}

/// Places every word anew where it adds least, a few times over.
fn choose(words: &[Word]) -> Vec<Part> {
    let sample = Sample::new(&sample_text());
    let mut placed: Vec<(Word, Part)> = words.iter().cloned().zip(parts(words)).collect();
    let of = |placed: &[(Word, Part)], bucket: usize, but: usize| {
        let kept: Vec<&(Word, Part)> =
            placed.iter().enumerate().filter(|(i, (_, p))| p.bucket == bucket && *i != but).map(|(_, p)| p).collect();
        Counted::new(&sample, &kept)
    };
    let mut buckets: Vec<Counted> = (0..BUCKETS).map(|bucket| of(&placed, bucket, usize::MAX)).collect();
    for round in 0..ROUNDS {
        let total: u32 = buckets.iter().map(|b| b.count).sum();
        println!("round {round}: {:.4} of all places pass", f64::from(total) / PLACES as f64);
        for number in 0..placed.len() {
            let (word, part) = placed[number].clone();
            buckets[part.bucket] = of(&placed, part.bucket, number);
            let offsets = 0..=word.bytes.len().saturating_sub(SPAN);
            let choices = offsets.flat_map(|offset| (0..BUCKETS).map(move |bucket| Part { offset, bucket }));
            let cost = |part: &Part| {
                let before = &buckets[part.bucket];
                before.with(&sample, &word, part.offset).count - before.count
            };
            let best = choices.min_by_key(cost).unwrap();
            buckets[best.bucket] = buckets[best.bucket].with(&sample, &word, best.offset);
            placed[number].1 = best;
        }
    }
    placed.into_iter().map(|(_, part)| part).collect()
}

/// `UPDATE_PLAN=1 cargo test --lib the_plan` makes the plan anew; it takes minutes.
#[test]
fn the_plan_knows_every_built_in_word() {
    let words = &BUILT_IN.as_ref().unwrap().words().words;
    if std::env::var_os("UPDATE_PLAN").is_some() {
        let line = |(word, part): (&Word, Part)| {
            format!("{} {} {}\n", part.bucket, part.offset, String::from_utf8_lossy(&word.bytes))
        };
        let plan: String = words.iter().zip(choose(words)).map(line).collect();
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hygiene/prefilter/plan.txt"), plan).unwrap();
        return;
    }
    let known: std::collections::HashMap<&str, Part> = PLAN.lines().filter_map(read).collect();
    for word in words {
        let name = String::from_utf8_lossy(&word.bytes);
        assert!(known.contains_key(name.as_ref()), "`{name}` is not in the plan; UPDATE_PLAN=1 makes it anew");
    }
}
