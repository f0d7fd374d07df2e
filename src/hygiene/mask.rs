//! Puts a mask in the place of each secret. Everything else stays byte for byte, line feeds
//! included, so that line numbers of a masked log are those of the log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::engine::{BUILT_IN, Engine, Finding};
use super::keys::names_secret;
use super::learned::Learned;
use super::value;

/// How many were masked, by rule id.
pub(super) type Hits = BTreeMap<String, u64>;

/// A mask may complete a pattern that did not match before; more rounds than this never helped.
const ROUNDS: usize = 6;

/// What stands in for everything when the rules themselves cannot be read.
const NO_RULES: &str = "***no-rules***";

/// `text` with every secret masked that a rule finds, or `None` when there is none. `learned` takes
/// what was found.
pub(super) fn scan(text: &[u8], hits: &mut Hits, learned: &mut Learned) -> Option<Vec<u8>> {
    let Some(engine) = BUILT_IN.as_ref() else { return Some(NO_RULES.as_bytes().to_vec()) };
    let form = Form::of(text);
    let mut masked: Option<Vec<u8>> = None;
    for _ in 0..ROUNDS {
        let now = masked.as_deref().unwrap_or(text);
        let view = form.view(now);
        let mut found = engine.find(&view);
        if found.is_empty() {
            break;
        }
        widen(&view, &mut found);
        count(engine, &view, &found, hits, learned);
        masked = Some(form.replace(engine, now, &view, &found));
    }
    masked
}

/// `text` with everything masked that was learned elsewhere, or `None` when nothing of it is there.
pub(super) fn sweep(text: &[u8], hits: &mut Hits, learned: &mut Learned) -> Option<Vec<u8>> {
    let engine = BUILT_IN.as_ref()?;
    let form = Form::of(text);
    let view = form.view(text);
    let found = learned.find(&view);
    count(engine, &view, &found, hits, learned);
    (!found.is_empty()).then(|| form.replace(engine, text, &view, &found))
}

/// Moves the edges of findings outward to whole UTF-8 characters, so that masked text stays text.
fn widen(text: &[u8], found: &mut [Finding]) {
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

fn count(engine: &Engine, text: &[u8], found: &[Finding], hits: &mut Hits, learned: &mut Learned) {
    for finding in found {
        let secret = &text[finding.secret.clone()];
        let rule = &engine.rules()[finding.rule].id;
        if memchr::memmem::find(secret, b"***").is_none() {
            *hits.entry(rule.clone()).or_default() += 1;
            learned.learn(finding.rule, secret);
        }
    }
}

/// The mask of a rule.
pub(super) fn mask_of(rule: &str) -> String {
    format!("***{rule}***")
}

/// The rule under which values are counted whose name alone announces them.
const NAMED: &str = "assigned-secret";

/// Whether `text`, standing as a value under `name`, is a secret as a whole.
pub(super) fn is_named_secret(name: &str, text: &str) -> bool {
    let bytes = text.as_bytes();
    names_secret(name).is_some() && bytes.len() > 1 && !value::is_placeholder(bytes)
}

/// The mask for the whole of `text`, counted and learned.
pub(super) fn named(text: &str, hits: &mut Hits, learned: &mut Learned) -> String {
    *hits.entry(NAMED.to_owned()).or_default() += 1;
    let rule = BUILT_IN.as_ref().and_then(|engine| engine.rules().iter().position(|rule| rule.id == NAMED));
    if let Some(rule) = rule {
        learned.learn(rule, text.as_bytes());
    }
    let lines = "\n".repeat(text.matches('\n').count());
    format!("{}{lines}", mask_of(NAMED))
}

/// How the characters of a text stand in its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One byte after the other: UTF-8, Latin-1, anything.
    Bytes,
    /// UTF-16, low byte first.
    LowFirst,
    /// UTF-16, high byte first.
    HighFirst,
}

impl Form {
    /// Recognises UTF-16 by its mark, or by a zero in every second byte of what looks like text.
    fn of(text: &[u8]) -> Self {
        match text {
            [0xff, 0xfe, ..] => return Self::LowFirst,
            [0xfe, 0xff, ..] => return Self::HighFirst,
            [] | [_] => return Self::Bytes,
            _ => {}
        }
        let head = &text[..text.len().min(512) & !1];
        let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
        let (even, odd) = (zeros(0), zeros(1));
        let mostly = |count: usize| count * 8 >= head.len() * 3;
        match (mostly(even), mostly(odd)) {
            (false, true) if even == 0 => Self::LowFirst,
            (true, false) if odd == 0 => Self::HighFirst,
            _ => Self::Bytes,
        }
    }

    /// How many bytes a unit has.
    fn width(self) -> usize {
        if self == Self::Bytes { 1 } else { 2 }
    }

    /// One byte a unit: of UTF-16, the character when it is ASCII and 0xff otherwise. So a place in
    /// this view is a place in the text.
    fn view(self, text: &[u8]) -> Cow<'_, [u8]> {
        let narrow = |low: u8, high: u8| if high == 0 && low < 0x80 { low } else { 0xff };
        let pairs = text.chunks_exact(2);
        match self {
            Self::Bytes => Cow::Borrowed(text),
            Self::LowFirst => pairs.map(|pair| narrow(pair[0], pair[1])).collect(),
            Self::HighFirst => pairs.map(|pair| narrow(pair[1], pair[0])).collect(),
        }
    }

    fn put(self, out: &mut Vec<u8>, ascii: impl Iterator<Item = u8>) {
        match self {
            Self::Bytes => out.extend(ascii),
            Self::LowFirst => out.extend(ascii.flat_map(|byte| [byte, 0])),
            Self::HighFirst => out.extend(ascii.flat_map(|byte| [0, byte])),
        }
    }

    fn replace(self, engine: &Engine, text: &[u8], view: &[u8], found: &[Finding]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for finding in found {
            let start = finding.secret.start.max(at);
            out.extend_from_slice(&text[at * self.width()..start * self.width()]);
            self.put(&mut out, mask_of(&engine.rules()[finding.rule].id).bytes());
            at = finding.secret.end.max(start);
            self.put(&mut out, view[start..at].iter().copied().filter(|b| *b == b'\n'));
        }
        out.extend_from_slice(&text[at * self.width()..]);
        out
    }
}
