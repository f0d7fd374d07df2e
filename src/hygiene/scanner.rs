//! Scans texts, files of any size and what is packed in them. Memory does not grow with the input:
//! it is read in overlapping pieces, and a finding belongs to the piece that its secret begins in,
//! so neither the size of the pieces nor the number of threads shows in the result.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::allow::{self, Allow};
use super::engine::{Engine, Finding, REACH};
use super::form::Form;
use super::pack;
use super::pieces::{self, BACK, Cutter};
use super::rule::Confidence;
use super::ruleset::Ruleset;
use super::seam::Raw;

/// How much is looked at in one piece, in bytes.
const PIECE: usize = 4 << 20;
/// How much of a file is read before it is known whether it is packed or large, in bytes.
const HEAD: usize = 64 << 10;
/// How much of the line around a finding is kept, masked, on either side.
const CONTEXT: usize = 160;

/// One secret found.
pub struct Hit {
    /// The rule's id.
    pub rule: String,
    /// What the rule finds.
    pub description: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where the secret begins, in bytes from the beginning.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// The line it begins in, from 1.
    pub line: u64,
    /// The column it begins in, from 1, in characters.
    pub column: u64,
    /// The writing it was found in (`base64`, `utf-16` …), empty for plain text.
    pub via: &'static str,
    /// The members of archives that lead to it, outermost first, empty for a plain file.
    pub member: String,
    /// Its line with every secret masked.
    pub context: String,
    /// The secret; for fingerprints and labels alone.
    pub secret: Raw<Vec<u8>>,
}

/// What was seen in one thing.
#[derive(Default)]
pub struct Seen {
    /// The secrets, in order.
    pub hits: Vec<Hit>,
    /// How many hits an `evidence:allow` took away.
    pub allowed: u64,
    /// Comments that allow something and were of no use, as line and why.
    pub unused_allows: Vec<(u64, String)>,
    /// What was not looked at, and why.
    pub left_out: Vec<String>,
    /// How many bytes were looked at, unpacked ones included.
    pub bytes: u64,
}

/// Limits of a scan.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Findings below are not kept.
    pub min_confidence: Confidence,
    /// How deep archives are opened.
    pub depth: u32,
    /// How much is unpacked of one file at most, in bytes.
    pub expansion: u64,
    /// The size of a piece in bytes; for tests.
    pub piece: usize,
    /// How many threads share one file.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { min_confidence: Confidence::Medium, depth: 4, expansion: 4 << 30, piece: PIECE, threads }
    }
}

/// Rules and limits, ready to scan.
pub struct Scanner<'a> {
    engine: &'a Engine,
    limits: Limits,
}

/// A finding with what a piece knows of it.
struct Placed {
    finding: Finding,
    /// The beginning of the piece's text in the whole.
    base: u64,
    secret: Vec<u8>,
    /// Line feeds between the piece's owned beginning and the secret.
    lines: u64,
    /// Characters between the last of those line feeds, or that beginning, and the secret.
    column: u64,
    context: String,
}

/// What one piece gave: the line feeds in its owned part, findings, comments that allow.
struct Piece {
    start: u64,
    lines: u64,
    /// Characters behind the last line feed of the owned part, or all of it.
    tail: u64,
    placed: Vec<Placed>,
    allows: Vec<(u64, Allow)>,
}

impl<'a> Scanner<'a> {
    /// A scanner with `rules` and `limits`.
    #[must_use]
    pub fn new(rules: &'a Ruleset, limits: Limits) -> Self {
        Self { engine: &rules.engine, limits }
    }

    /// Scans bytes in memory, as text.
    #[must_use]
    pub fn text(&self, text: &[u8]) -> Seen {
        let piece = self.piece(text, 0, 0, text.len());
        self.gather(vec![piece], text.len() as u64)
    }

    /// Scans a file: packed ones member by member, large ones on all cores. `buffer` is reused.
    ///
    /// # Errors
    /// When the file cannot be read to its end.
    pub fn file(&self, file: &File, buffer: &mut Vec<u8>) -> io::Result<Seen> {
        let most = 2 * self.limits.piece;
        let head = HEAD.min(most);
        buffer.clear();
        (&mut (&*file)).take(head as u64).read_to_end(buffer)?;
        if pack::kind(buffer).is_some() {
            return Ok(self.packed(io::Cursor::new(&buffer[..]).chain(file)));
        }
        if buffer.len() == head {
            if file.metadata()?.len() >= most as u64 {
                return self.large(file);
            }
            (&mut (&*file)).take((most - head) as u64).read_to_end(buffer)?;
        }
        if buffer.len() < most {
            return Ok(self.text(buffer));
        }
        // Longer than the system said: it grew, or it is one of the kernel's, which have no length.
        self.plain_stream(io::Cursor::new(&buffer[..]).chain(file))
    }

    /// Scans what comes out of a pipe.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub fn stream(&self, mut reader: impl Read) -> io::Result<Seen> {
        let mut head = Vec::new();
        reader.by_ref().take(1024).read_to_end(&mut head)?;
        if pack::kind(&head).is_some() {
            return Ok(self.packed(io::Cursor::new(head).chain(reader)));
        }
        self.plain_stream(io::Cursor::new(head).chain(reader))
    }

    fn packed(&self, reader: impl Read) -> Seen {
        let mut seen = Seen::default();
        let budget = pack::Budget::new(self.limits.expansion);
        let mut each = |member: &str, content: &mut dyn Read| {
            let inner = self.plain_stream(content)?;
            seen.bytes += inner.bytes;
            seen.allowed += inner.allowed;
            seen.hits.extend(inner.hits.into_iter().map(|hit| Hit { member: member.to_owned(), ..hit }));
            Ok(())
        };
        let mut left_out = Vec::new();
        pack::walk(Box::new(reader), "", self.limits.depth, &budget, &mut each, &mut left_out);
        seen.left_out = left_out;
        seen
    }

    /// Reads in order and looks at several pieces at once.
    fn plain_stream(&self, reader: impl Read) -> io::Result<Seen> {
        let (mut pieces, mut length) = (Vec::new(), 0);
        let look = |cut: &pieces::Piece| self.piece(&cut.text, cut.base, cut.from, cut.to);
        Cutter::new(reader, self.limits.piece).each(self.limits.threads, look, |cut, piece| {
            length = cut.base + cut.to as u64;
            pieces.push(piece);
            Ok(())
        })?;
        Ok(self.gather(pieces, length))
    }

    /// All cores on one file.
    fn large(&self, file: &File) -> io::Result<Seen> {
        let length = file.metadata()?.len();
        let next = AtomicU64::new(0);
        let pieces = Mutex::new(Vec::new());
        let failed = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..self.limits.threads.max(1) {
                scope.spawn(|| {
                    let mut text = Vec::new();
                    loop {
                        let start = next.fetch_add(self.limits.piece as u64, Ordering::Relaxed);
                        if start >= length {
                            break;
                        }
                        match self.read_piece(file, start, length, &mut text) {
                            Ok(piece) => lock(&pieces).push(piece),
                            Err(error) => *lock(&failed) = Some(error),
                        }
                    }
                });
            }
        });
        if let Some(error) = lock(&failed).take() {
            return Err(error);
        }
        let mut pieces = std::mem::take(&mut *lock(&pieces));
        pieces.sort_by_key(|piece: &Piece| piece.start);
        Ok(self.gather(pieces, length))
    }

    fn read_piece(&self, file: &File, start: u64, length: u64, text: &mut Vec<u8>) -> io::Result<Piece> {
        let base = start.saturating_sub(BACK as u64) & !1;
        let owned_end = length.min(start + self.limits.piece as u64);
        let end = length.min(owned_end + REACH as u64);
        text.resize((end - base) as usize, 0);
        file.read_exact_at(text, base)?;
        Ok(self.piece(text, base, (start - base) as usize, (owned_end - base) as usize))
    }

    /// Looks at `text`, which begins at `base` of the whole; findings that begin in
    /// `from..to` of it are kept.
    fn piece(&self, text: &[u8], base: u64, from: usize, to: usize) -> Piece {
        let form = Form::of(text);
        let view = form.view(text);
        let (from, to) = (from / form.width(), to / form.width());
        let to = to.min(view.len());
        let all = self.engine.deep(&view);
        let kept = |f: &&Finding| {
            (from..to).contains(&f.secret.start) && f.confidence >= self.limits.min_confidence && !f.continues
        };
        let kept: Vec<&Finding> = all.iter().filter(kept).collect();
        let allows = allow::find(&view[from..to]);
        let whole = base > 0 || from > 0 || to < view.len();
        let lines = if whole || !allows.is_empty() || !kept.is_empty() { breaks(&view[from..to]) } else { 0 };
        let (mut at, mut count, mut column) = (from, 0, 0);
        let mut placed = Vec::with_capacity(kept.len());
        for finding in kept {
            count += breaks(&view[at..finding.secret.start]);
            column = column_after(column, &view[at..finding.secret.start]);
            at = finding.secret.start;
            let via = if finding.via.is_empty() && form != Form::Bytes { "utf-16" } else { finding.via };
            placed.push(Placed {
                secret: view[finding.secret.clone()].to_vec(),
                lines: count,
                column,
                context: self.context(&view, &all, at),
                base,
                finding: Finding {
                    secret: finding.secret.start * form.width()..finding.secret.end * form.width(),
                    via,
                    ..finding.clone()
                },
            });
        }
        let tail = if whole { column_after(column, &view[at..to.max(at)]) } else { 0 };
        Piece { start: base + (from * form.width()) as u64, lines, tail, placed, allows }
    }

    /// The line around `at` with everything masked that was found in it, sure or not. It ends before
    /// the next secret rather than within it.
    fn context(&self, view: &[u8], all: &[Finding], at: usize) -> String {
        let start = at.saturating_sub(CONTEXT);
        let mut from = memchr::memrchr(b'\n', &view[start..at]).map_or(start, |i| start + i + 1);
        let line_end = memchr::memchr(b'\n', &view[at..view.len().min(at + REACH)]).map_or(view.len(), |i| at + i);
        let mut out = String::new();
        let shown =
            |from: usize, to: usize, most: usize| String::from_utf8_lossy(&view[from..to.clamp(from, from + most)]);
        let first = all.partition_point(|f| f.secret.end <= from);
        for finding in all[first..].iter().take_while(|f| f.secret.start < line_end) {
            out.push_str(&shown(from, finding.secret.start, 2 * CONTEXT));
            out.push_str(&super::mask::mask_of(&self.engine.rules()[finding.rule].id));
            from = finding.secret.end;
            if out.len() > 3 * CONTEXT {
                return out;
            }
        }
        out.push_str(&shown(from, line_end, CONTEXT));
        out
    }

    fn gather(&self, pieces: Vec<Piece>, bytes: u64) -> Seen {
        let mut seen = Seen { bytes, ..Seen::default() };
        let (mut lines, mut column) = (0, 0);
        let mut allows = Vec::new();
        for piece in pieces {
            allows.extend(piece.allows.into_iter().map(|(line, allow)| (line + lines + 1, allow)));
            for placed in piece.placed {
                let rule = &self.engine.rules()[placed.finding.rule];
                seen.hits.push(Hit {
                    rule: rule.id.clone(),
                    description: rule.description.clone(),
                    confidence: placed.finding.confidence,
                    offset: placed.base + placed.finding.secret.start as u64,
                    length: placed.finding.secret.len() as u64,
                    line: lines + placed.lines + 1,
                    // A line may have begun in a piece before.
                    column: placed.column + 1 + if placed.lines == 0 { column } else { 0 },
                    via: placed.finding.via,
                    member: String::new(),
                    context: placed.context,
                    secret: Raw::new(placed.secret),
                });
            }
            column = piece.tail + if piece.lines == 0 { column } else { 0 };
            lines += piece.lines;
        }
        allow::apply(&mut seen, allows);
        seen
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn breaks(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// How many characters stand before the end of `text` on its line, when `before` stood before its
/// beginning: UTF-8's later bytes count for nothing.
fn column_after(before: u64, text: &[u8]) -> u64 {
    let line = memchr::memrchr(b'\n', text);
    let seen = text[line.map_or(0, |at| at + 1)..].iter().filter(|b| **b & 0xc0 != 0x80).count() as u64;
    seen + if line.is_none() { before } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::super::sample::random;
    use super::*;

    fn text() -> String {
        let mut out = String::new();
        for seed in 1..200_u64 {
            let words = "plain words stand here and nothing else; ".repeat((seed * 7 % 60) as usize);
            let secret = random("alnum", 24, &mut (seed * 77_777)).unwrap();
            match seed % 4 {
                0 => out.push_str(&format!("{words}\npassword = \"k7{secret}\"\r\n")),
                1 => out.push_str(&format!("{words} gh{}_{secret}x7{secret} {words}\n", "p")),
                2 => out.push_str(&format!(
                    "é {words}\n-----BEGIN {} KEY-----\n{secret}{secret}\n{secret}\n-----END {} KEY-----\n",
                    "PRIVATE", "PRIVATE"
                )),
                _ => out.push_str(&format!("- name: DB_PASSWORD\n  value: k7{secret}\n{words}")),
            }
        }
        out
    }

    fn places(seen: &Seen) -> Vec<(String, u64, u64, u64, u64)> {
        seen.hits.iter().map(|h| (h.rule.clone(), h.offset, h.length, h.line, h.column)).collect()
    }

    #[test]
    fn neither_the_size_of_pieces_nor_the_number_of_threads_shows() {
        let text = text();
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let whole = places(&Scanner::new(&rules, Limits::default()).text(text.as_bytes()));
        assert!(whole.len() >= 190, "{}", whole.len());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        for piece in [4 << 10, 10_007, 64 << 10] {
            for threads in [1, 3] {
                let scanner = Scanner::new(&rules, Limits { piece, threads, ..Limits::default() });
                assert_eq!(places(&scanner.stream(text.as_bytes()).unwrap()), whole, "stream, {piece}");
                io::Seek::rewind(&mut file).unwrap();
                assert_eq!(places(&scanner.file(&file, &mut Vec::new()).unwrap()), whole, "file, {piece}, {threads}");
            }
        }
    }

    #[test]
    fn utf_16_has_the_lines_of_its_text() {
        let secret = random("alnum", 24, &mut 99).unwrap();
        let wide: Vec<u8> =
            format!("\u{feff}é\r\npassword=\"k7{secret}\"\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let seen = Scanner::new(&rules, Limits::default()).text(&wide);
        assert_eq!(seen.hits.len(), 1);
        assert_eq!((seen.hits[0].line, seen.hits[0].column, seen.hits[0].via), (2, 11, "utf-16"));
        assert_eq!(seen.hits[0].offset, 2 * (4 + 10));
    }

    #[test]
    fn a_column_beyond_a_mebibyte_is_counted_in_characters() {
        let secret = random("alnum", 24, &mut 7).unwrap();
        let words = "é, plain words and nothing else; ";
        let line = words.repeat((3 << 20) / words.len());
        let text = format!(
            "first\n{line}password=\"k7{secret}\", {words}password=\"k8{secret}\"\nlast, password=\"k9{secret}\"\n"
        );
        let before = line.chars().count() as u64;
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let second = before + 10 + 26 + 3 + words.chars().count() as u64;
        for piece in [64 << 10, 1_000_003, 4 << 20] {
            for threads in [1, 3] {
                let scanner = Scanner::new(&rules, Limits { piece, threads, ..Limits::default() });
                file.rewind().unwrap();
                for seen in [scanner.file(&file, &mut Vec::new()).unwrap(), scanner.stream(text.as_bytes()).unwrap()] {
                    let at: Vec<(u64, u64)> = seen.hits.iter().map(|hit| (hit.line, hit.column)).collect();
                    assert_eq!(at, [(2, before + 11), (2, second + 11), (3, 17)], "{piece}, {threads}");
                    assert_eq!(seen.hits[0].offset as usize, 6 + line.len() + 10);
                }
            }
        }
    }

    #[test]
    fn what_is_packed_beyond_the_limit_is_named_and_what_came_before_is_scanned() {
        use flate2::{Compression, write::GzEncoder};
        let secret = random("alnum", 24, &mut 8).unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(format!("password = \"k7{secret}\"\n").as_bytes()).unwrap();
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
        packed.write_all(format!("\npassword = \"k8{secret}\"\n").as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let seen =
            |expansion| Scanner::new(&rules, Limits { expansion, ..Limits::default() }).stream(&packed[..]).unwrap();
        let whole = seen(2 << 20);
        assert_eq!((whole.hits.len(), whole.left_out.len()), (2, 0));
        let cut = seen(256 << 10);
        assert_eq!(cut.left_out.len(), 1, "{:?}", cut.left_out);
        assert!(cut.left_out[0].contains("expansion limit"), "{:?}", cut.left_out);
    }
}
