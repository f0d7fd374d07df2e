//! Masks a stream of any length: the same secret gets the same numbered label wherever it stands,
//! everything else stays byte for byte, and so does the number of lines.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::engine::{BEFORE, Engine, Finding, REACH};
use super::form::Form;
use super::ruleset::Ruleset;

/// How much is masked in one piece, in bytes.
const PIECE: usize = 1 << 20;
/// How much before a piece may matter to a finding in it.
const BACK: usize = (16 << 10) + 4 * BEFORE;
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

    /// Copies `reader` to `writer` with every secret masked.
    ///
    /// # Errors
    /// When one of the two fails.
    pub fn copy(&mut self, mut reader: impl Read, mut writer: impl Write) -> io::Result<()> {
        let (mut text, mut back, mut form) = (Vec::new(), 0, None);
        loop {
            let wanted = back + PIECE + REACH - text.len().min(back + PIECE + REACH);
            let end = (&mut reader).take(wanted as u64).read_to_end(&mut text)? < wanted;
            let form = *form.get_or_insert_with(|| Form::of(&text));
            let owned = if end { text.len() } else { line_end(&text, back + PIECE) };
            let (masked, reached) = self.piece(&text, back, owned, form);
            self.note(&masked);
            writer.write_all(&masked)?;
            if end && reached >= text.len() {
                return writer.flush();
            }
            let drop = reached.saturating_sub(BACK) & !1;
            text.drain(..drop);
            back = reached - drop;
        }
    }

    /// Masks what begins in `from..to`; gives the text and how far it reaches.
    fn piece(&mut self, text: &[u8], from: usize, to: usize, form: Form) -> (Vec<u8>, usize) {
        let view = form.view(text);
        let width = form.width();
        let mut found = self.engine.deep(&view);
        found.retain(|f| (from / width..to.div_ceil(width)).contains(&f.secret.start));
        widen(&view, &mut found);
        let reached = found.last().map_or(to, |f| to.max(f.secret.end * width));
        if found.is_empty() {
            return (text[from..to].to_vec(), to);
        }
        let mut masked = self.replace(&text[..reached], &view, from, &found, form);
        for _ in 0..ROUNDS {
            let view = form.view(&masked);
            let mut again = self.engine.deep(&view);
            if again.is_empty() {
                break;
            }
            widen(&view, &mut again);
            masked = self.replace(&masked, &view, 0, &again, form);
        }
        (masked, reached)
    }

    fn replace(&mut self, text: &[u8], view: &[u8], from: usize, found: &[Finding], form: Form) -> Vec<u8> {
        let width = form.width();
        let mut out = Vec::with_capacity(text.len() - from + 64);
        let mut at = from / width;
        for finding in found {
            let start = finding.secret.start.max(at);
            out.extend_from_slice(&text[at * width..start * width]);
            let label = self.label(finding.rule, &view[finding.secret.clone()]);
            form.put(&mut out, label.bytes());
            at = finding.secret.end.max(start);
            form.put(&mut out, view[start..at].iter().copied().filter(|b| *b == b'\n'));
        }
        out.extend_from_slice(&text[at * width..]);
        out
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

/// The end of the line that `at` stands in, or `at` when the line goes on for long.
fn line_end(text: &[u8], at: usize) -> usize {
    let rest = &text[at..text.len().min(at + REACH / 2)];
    let end = memchr::memchr(b'\n', rest).map_or(at, |i| at + i + 1);
    (end + (end & 1)).min(text.len())
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
