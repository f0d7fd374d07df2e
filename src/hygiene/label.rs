//! Masks a stream of any length: the same secret gets the same numbered label wherever it stands,
//! everything else stays byte for byte, and so does the number of lines.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::Range;

use super::engine::{Engine, Finding, REACH};
use super::form::Form;
use super::pieces::{BACK, Cutter, Piece};
use super::ruleset::Ruleset;

/// How much is masked in one piece, in bytes.
const PIECE: usize = 2 << 20;
/// A label may complete a pattern that did not match before; more rounds than this never helped.
const ROUNDS: usize = 6;

/// One masked place.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Place {
    /// The label without its stars.
    pub label: String,
    /// The line, from 1.
    pub line: u64,
    /// Where the label begins in the masked text, in bytes.
    pub offset: u64,
}

/// Labels given so far. Lives as long as the run and is never written.
pub struct Labeller<'a> {
    engine: &'a Engine,
    numbers: BTreeMap<(usize, Vec<u8>), usize>,
    counts: Vec<usize>,
    /// Where labels stand, when they are wanted.
    pub places: Option<Vec<Place>>,
    written: u64,
    line: u64,
}

impl<'a> Labeller<'a> {
    /// No labels yet; `places` says whether to keep where they stand.
    #[must_use]
    pub fn new(rules: &'a Ruleset, places: bool) -> Self {
        let engine = &rules.engine;
        let counts = vec![0; engine.rules().len()];
        Self { engine, numbers: BTreeMap::new(), counts, places: places.then(Vec::new), written: 0, line: 1 }
    }

    /// How many different secrets were masked.
    #[must_use]
    pub fn secrets(&self) -> usize {
        self.numbers.len()
    }

    fn label(&mut self, rule: usize, secret: &[u8]) -> String {
        let fresh = self.counts[rule] + 1;
        let number = *self.numbers.entry((rule, secret.to_vec())).or_insert(fresh);
        self.counts[rule] = self.counts[rule].max(number);
        format!("***{}-{number}***", self.engine.rules()[rule].id)
    }

    /// Copies `reader` to `writer` with every secret masked. Pieces are looked at on all cores; labels
    /// are given in order.
    ///
    /// # Errors
    /// When one of the two fails.
    pub fn copy(&mut self, mut reader: impl Read, mut writer: impl Write) -> io::Result<()> {
        let mut head = Vec::new();
        reader.by_ref().take(1024).read_to_end(&mut head)?;
        let (engine, form) = (self.engine, Form::of(&head));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut reached = 0;
        Cutter::new(io::Cursor::new(head).chain(reader), PIECE).each(
            threads,
            |piece| look(engine, piece, form),
            |piece, look| {
                let masked = self.piece(piece, look, form, &mut reached);
                self.note(&masked);
                writer.write_all(&masked)
            },
        )?;
        writer.flush()
    }

    /// The masked own part of a piece from `reached` on, the place in the stream up to which the
    /// pieces before it were masked: a secret may reach beyond its piece.
    fn piece(&mut self, piece: &Piece, look: Look, form: Form, reached: &mut u64) -> Vec<u8> {
        let width = form.width();
        let from = piece.from.max(reached.saturating_sub(piece.base) as usize);
        let Look { mut found, mut is_settled } = look;
        let all = found.len();
        found.retain(|f| f.secret.start * width >= from);
        is_settled &= found.len() == all;
        let end = found.last().map_or(piece.to, |f| piece.to.max(f.secret.end * width)).max(from);
        *reached = piece.base + end as u64;
        if found.is_empty() {
            return piece.text[from..end].to_vec();
        }
        let view = form.view(&piece.text[..end]);
        let mut masked = replace(&piece.text[..end], &view, from, &found, form, |f, secret| self.label(f.rule, secret));
        for _ in 0..if is_settled { 0 } else { ROUNDS } {
            let view = form.view(&masked);
            let mut again = self.engine.deep(&view);
            if again.is_empty() {
                break;
            }
            widen(&view, &mut again);
            masked = replace(&masked, &view, 0, &again, form, |f, secret| self.label(f.rule, secret));
        }
        masked
    }

    /// Keeps where labels stand.
    fn note(&mut self, masked: &[u8]) {
        let Some(places) = &mut self.places else { return };
        let mut from = 0;
        while let Some(start) = memchr::memmem::find(&masked[from..], b"***").map(|i| from + i) {
            let name = masked[start + 3..]
                .iter()
                .take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-')
                .count();
            let end = start + 3 + name;
            if name > 0 && masked[end..].starts_with(b"***") {
                let line = self.line + memchr::memchr_iter(b'\n', &masked[..start]).count() as u64;
                let label = String::from_utf8_lossy(&masked[start + 3..end]).into_owned();
                places.push(Place { label, line, offset: self.written + start as u64 });
                from = end + 3;
            } else {
                from = start + 3;
            }
        }
        self.line += memchr::memchr_iter(b'\n', masked).count() as u64;
        self.written += masked.len() as u64;
    }
}

/// What a look at a piece gave.
struct Look {
    /// The secrets that begin in its own part.
    found: Vec<Finding>,
    /// Whether nothing is left to find once they are masked.
    is_settled: bool,
}

fn look(engine: &Engine, piece: &Piece, form: Form) -> Look {
    let (view, width) = (form.view(&piece.text), form.width());
    let mut found = engine.deep(&view);
    found.retain(|f| (piece.from / width..piece.to.div_ceil(width)).contains(&f.secret.start));
    widen(&view, &mut found);
    // Which number a label will have does not matter to what is found in it.
    let label = |f: &Finding, _: &[u8]| format!("***{}-1***", engine.rules()[f.rule].id);
    let is_settled = around(&found, piece, width).into_iter().all(|(text, among)| {
        let masked = replace(&piece.text[..text.end], &view, text.start, &found[among], form, label);
        engine.deep(&form.view(&masked)).is_empty()
    });
    Look { found, is_settled }
}

/// The parts of a piece that a mask could make another secret of, each with the findings in it: as much
/// before and after each as may matter to a finding.
fn around(found: &[Finding], piece: &Piece, width: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let end = found.last().map_or(piece.to, |f| piece.to.max(f.secret.end * width));
    let mut parts: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (number, finding) in found.iter().enumerate() {
        let start = piece.from.max((finding.secret.start * width).saturating_sub(REACH + BACK));
        let until = end.min(finding.secret.end * width + REACH);
        match parts.last_mut() {
            Some((text, among)) if start <= text.end => (text.end, among.end) = (until.max(text.end), number + 1),
            _ => parts.push((start..until, number..number + 1)),
        }
    }
    parts
}

/// `text` from `from` on with a label in the place of each finding; line feeds stay.
fn replace(
    text: &[u8],
    view: &[u8],
    from: usize,
    found: &[Finding],
    form: Form,
    mut label: impl FnMut(&Finding, &[u8]) -> String,
) -> Vec<u8> {
    let width = form.width();
    let mut out = Vec::with_capacity(text.len() - from + 64);
    let mut at = from / width;
    for finding in found {
        let start = finding.secret.start.max(at);
        out.extend_from_slice(&text[at * width..start * width]);
        form.put(&mut out, label(finding, &view[finding.secret.clone()]).bytes());
        at = finding.secret.end.max(start);
        form.put(&mut out, view[start..at].iter().copied().filter(|b| *b == b'\n'));
    }
    out.extend_from_slice(&text[at * width..]);
    out
}

/// Moves the edges of findings outward to whole UTF-8 characters, so that masked text stays text.
pub(super) fn widen(text: &[u8], found: &mut [Finding]) {
    let is_inside = |at: usize| text.get(at).is_some_and(|b| b & 0xc0 == 0x80);
    for finding in found {
        let floor = finding.secret.start.saturating_sub(3);
        while finding.secret.start > floor && is_inside(finding.secret.start) {
            finding.secret.start -= 1;
        }
        let ceiling = finding.secret.end + 3;
        while finding.secret.end < ceiling && is_inside(finding.secret.end) {
            finding.secret.end += 1;
        }
    }
}
