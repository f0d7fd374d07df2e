//! Which words make a line an event: the common ones from `policies/events/`, or the case's own. Most
//! lines of a log are none, so all patterns together are first searched for in whole blocks, freed of
//! everything that means something else in a block than in a message.

use std::collections::BTreeMap;
use std::path::Path;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind, Repetition};
use serde::Deserialize;

use crate::base::{assets, text, yaml};

use super::kind::Kind;

/// Compiled size of one pattern, in bytes.
const SIZE: usize = 4 << 20;
/// More patterns than this would make one pass slow.
const MOST: usize = 64;

/// What is wrong with a pattern.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {message}")]
pub struct PatternError {
    /// The kind or rule.
    pub name: String,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Common {
    pub(super) patterns: Vec<Entry>,
    except: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) kind: String,
    pub(super) pattern: String,
    /// Messages that are such an event.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's own test reads them"))]
    pub(super) examples: Vec<String>,
    /// Messages that are none.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's own test reads them"))]
    pub(super) negative_examples: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// The kinds that it excuses.
    of: Vec<String>,
    pattern: String,
}

/// The patterns of one source.
pub struct Patterns {
    entries: Vec<(Kind, Regex)>,
    excuses: Vec<(Vec<Kind>, Regex)>,
    /// The words of the case itself, which see the whole of an access log's message.
    own: Vec<bool>,
    /// Finds at least every place where any of them can match.
    wide: Option<Regex>,
    run: Option<Regex>,
    written: Vec<(String, String)>,
}

/// What a message says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The strongest first; empty when it is no event.
    pub kinds: Vec<Kind>,
    /// What it names as its subject.
    pub subject: Option<String>,
    /// What it names as its run.
    pub run: Option<String>,
    /// Step i of n.
    pub step: Option<(u32, u32)>,
}

/// The common table.
///
/// # Errors
/// When the built-in file is damaged.
pub(super) fn common() -> Result<Common, PatternError> {
    let (name, source) = assets::policies_below("events").into_iter().next().unwrap_or(("events", ""));
    let fail = |message: String| PatternError { name: name.to_owned(), message };
    yaml::decode(Path::new(name), source.as_bytes()).map_err(|e| fail(e.to_string()))
}

impl Patterns {
    /// The patterns of a source: the case's `own` by kind, and the common ones of all other kinds
    /// unless `only_own`. `run` is a pattern with the group `run` that names the run of a line.
    ///
    /// # Errors
    /// When a pattern is not valid, with its name.
    pub fn new(own: &BTreeMap<String, Vec<String>>, only_own: bool, run: Option<&str>) -> Result<Self, PatternError> {
        let mut found = Vec::new();
        let mut excuses = Vec::new();
        let mut wide = Vec::new();
        for (name, pattern) in own.iter().flat_map(|(name, list)| list.iter().map(move |pattern| (name, pattern))) {
            found.push((Kind::named(name), compile(name, pattern, true)?, true, pattern.clone()));
            wide.push(widened(name, pattern, true)?);
        }
        if !only_own {
            let common = common()?;
            for entry in common.patterns.iter().filter(|entry| !own.contains_key(&entry.kind)) {
                let regex = compile(&entry.kind, &entry.pattern, false)?;
                found.push((Kind::named(&entry.kind), regex, false, entry.pattern.clone()));
                wide.push(widened(&entry.kind, &entry.pattern, false)?);
            }
            for e in &common.except {
                let of = e.of.iter().map(|name| Kind::named(name)).collect();
                excuses.push((of, compile("except", &e.pattern, false)?));
            }
        }
        if found.len() > MOST {
            return Err(PatternError { name: "events".into(), message: format!("more than {MOST} patterns") });
        }
        // The strongest kind first; the order within a kind is that of the table.
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let run = run.map(|pattern| with_group(pattern, "run")).transpose()?;
        let joined = wide.iter().map(|part| format!("(?:{part})")).collect::<Vec<_>>().join("|");
        Ok(Self {
            wide: RegexBuilder::new(&joined).unicode(false).size_limit(8 * SIZE).build().ok(),
            excuses,
            run,
            own: found.iter().map(|(_, _, own, _)| *own).collect(),
            written: found.iter().filter(|f| f.2).map(|(kind, _, _, text)| (kind.to_string(), text.clone())).collect(),
            entries: found.into_iter().map(|(kind, regex, ..)| (kind, regex)).collect(),
        })
    }

    /// The case's own patterns, as written.
    #[must_use]
    pub fn own(&self) -> &[(String, String)] {
        &self.written
    }

    /// The next place in `block`, from `start`, at or after which a message may be an event.
    #[must_use]
    pub fn candidate(&self, block: &[u8], start: usize) -> Option<usize> {
        match &self.wide {
            _ if self.entries.is_empty() || start >= block.len() => None,
            Some(wide) => wide.find_at(block, start).map(|found| found.start()),
            None => Some(start),
        }
    }

    /// What `message` says; for the lines of an access log only the case's own patterns count, since
    /// its words are those of whoever asks.
    #[must_use]
    pub fn tell(&self, message: &[u8], access: bool) -> Told {
        let mut told = Told::default();
        if self.wide.as_ref().is_some_and(|wide| !wide.is_match(message)) {
            return told;
        }
        for ((kind, regex), own) in self.entries.iter().zip(&self.own) {
            if told.kinds.contains(kind) || (access && !own) {
                continue;
            }
            let Some(first) = regex.find(message) else { continue };
            let excused = if *own { Vec::new() } else { self.excused(kind, message) };
            let holds = !covered(&excused, first.start(), first.end())
                || regex.find_iter(message).any(|m| !covered(&excused, m.start(), m.end()));
            if holds {
                told.kinds.push(kind.clone());
                capture(regex, message, &mut told);
            }
        }
        strongest(&mut told);
        if !told.kinds.is_empty() {
            told.run = self.run_of(message);
        }
        told
    }

    fn excused(&self, kind: &Kind, message: &[u8]) -> Vec<(usize, usize)> {
        let of_kind = self.excuses.iter().filter(|(of, _)| of.contains(kind));
        of_kind.flat_map(|(_, regex)| regex.find_iter(message).map(|m| (m.start(), m.end()))).collect()
    }

    fn run_of(&self, message: &[u8]) -> Option<String> {
        let found = self.run.as_ref()?.captures(message)?.name("run")?;
        Some(text::from_bytes(found.as_bytes()).into_owned())
    }

    /// Whether a pattern names the run of a line.
    #[must_use]
    pub fn names_runs(&self) -> bool {
        self.run.is_some()
    }
}

fn covered(excused: &[(usize, usize)], start: usize, end: usize) -> bool {
    excused.iter().any(|(from, to)| *from <= start && end <= *to)
}

/// A line that reports a failure claims no success, whatever else it says.
fn strongest(told: &mut Told) {
    if told.kinds.iter().any(Kind::fails) {
        told.kinds.retain(|kind| !matches!(kind, Kind::Success | Kind::End));
    }
}

fn capture(regex: &Regex, message: &[u8], told: &mut Told) {
    if regex.captures_len() == 1 {
        return;
    }
    let Some(found) = regex.captures(message) else { return };
    let text = |name: &str| found.name(name).map(|m| text::from_bytes(m.as_bytes()).trim().to_owned());
    let number = |name: &str| text(name).and_then(|text| text.parse::<u32>().ok());
    told.subject = told.subject.take().or_else(|| text("subject")).filter(|subject| !subject.is_empty());
    if let (Some(i), Some(n)) = (number("i"), number("n")) {
        if told.step.is_none() && n >= 2 && (1..=n).contains(&i) {
            told.step = Some((i, n));
        } else if told.step.is_none() {
            told.kinds.retain(|kind| *kind != Kind::Step);
        }
    }
}

fn builder(pattern: &str, own: bool) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    // The common words are ASCII, and bytes that are no UTF-8 must not stop them.
    builder.size_limit(SIZE).unicode(own).case_insensitive(!own);
    builder
}

fn compile(name: &str, pattern: &str, own: bool) -> Result<Regex, PatternError> {
    let compiled = builder(pattern, own).build();
    compiled.map_err(|e| PatternError { name: name.to_owned(), message: e.to_string() })
}

fn with_group(pattern: &str, group: &str) -> Result<Regex, PatternError> {
    let regex = compile(group, pattern, true)?;
    if regex.capture_names().flatten().any(|name| name == group) {
        return Ok(regex);
    }
    Err(PatternError { name: group.to_owned(), message: format!("the pattern needs a group `(?P<{group}>…)`") })
}

/// `pattern` without anchors, word boundaries and groups: it matches wherever the pattern does.
fn widened(name: &str, pattern: &str, own: bool) -> Result<String, PatternError> {
    let mut parser = regex_syntax::ParserBuilder::new();
    let parsed = parser.unicode(own).utf8(false).case_insensitive(!own).build().parse(pattern);
    let parsed = parsed.map_err(|e| PatternError { name: name.to_owned(), message: e.to_string() })?;
    Ok(without_looks(&parsed).to_string())
}

fn without_looks(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(class) => Hir::class(class.clone()),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
            sub: Box::new(without_looks(&repetition.sub)),
        }),
        HirKind::Capture(capture) => without_looks(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_looks).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_looks).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin() -> Patterns {
        Patterns::new(&BTreeMap::new(), false, None).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn every_common_pattern_proves_its_examples() {
        let patterns = builtin();
        assert!(patterns.wide.is_some(), "the joined pattern compiles");
        for entry in common().unwrap_or_else(|e| panic!("{e}")).patterns {
            let kind = Kind::named(&entry.kind);
            assert!(Kind::KNOWN.contains(&kind), "{kind}");
            assert!(!entry.examples.is_empty() && !entry.negative_examples.is_empty(), "{kind}");
            for example in &entry.examples {
                assert!(patterns.tell(example.as_bytes(), false).kinds.contains(&kind), "{kind}: {example}");
            }
            let alone = compile("x", &entry.pattern, false).unwrap_or_else(|e| panic!("{e}"));
            assert!(entry.examples.iter().any(|example| alone.is_match(example.as_bytes())), "{}", entry.pattern);
            for example in &entry.negative_examples {
                assert!(!patterns.tell(example.as_bytes(), false).kinds.contains(&kind), "{kind}: {example}");
            }
        }
    }

    #[test]
    fn the_strongest_kind_is_first_and_a_failure_claims_no_success() {
        let patterns = builtin();
        let told = patterns.tell(b"ERROR: could not write 'Backup completed successfully'", false);
        assert_eq!(told.kinds, [Kind::Failure]);
        let told = patterns.tell(b"[1/5] Backup started", false);
        assert_eq!((told.kinds, told.step), (vec![Kind::Step, Kind::Start], Some((1, 5))));
        assert!(patterns.tell(b"Backup completed successfully", true).kinds.is_empty(), "words of a request");
    }

    #[test]
    fn harmless_words_excuse_only_themselves() {
        let patterns = builtin();
        for line in ["upload of 'no errors retrying.sql' failed", "failed: 0 errors in it.txt", "0 failed, 1 aborted"] {
            assert_eq!(patterns.tell(line.as_bytes(), false).kinds.first(), Some(&Kind::Failure), "{line}");
        }
    }

    #[test]
    fn own_patterns_take_the_place_of_the_common_ones_of_their_kind() {
        let own =
            BTreeMap::from([("success".to_owned(), vec!["^fertig$".to_owned()]), ("lock".into(), vec!["lock".into()])]);
        let patterns = Patterns::new(&own, false, Some("id=(?P<run>[0-9]+)")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(patterns.tell(b"fertig", false).kinds, [Kind::Success]);
        assert!(patterns.tell(b"Backup completed successfully", false).kinds.is_empty());
        let told = patterns.tell(b"lock taken id=77", false);
        assert_eq!((told.kinds, told.run.as_deref()), (vec![Kind::Other("lock".into())], Some("77")));
        let error = |own: &str| {
            let own = BTreeMap::from([("start".to_owned(), vec![own.to_owned()])]);
            Patterns::new(&own, true, None).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert!(error("(").starts_with("start: "));
        assert!(Patterns::new(&BTreeMap::new(), true, Some("x")).is_err());
    }

    #[test]
    fn the_wide_pattern_misses_nothing() {
        let patterns = builtin();
        let block = b"x\nStarting backup of a\nquiet\nFinished a.service - A.\n";
        let mut at = 0;
        let mut found = Vec::new();
        while let Some(next) = patterns.candidate(block, at) {
            let end = next + memchr::memchr(b'\n', &block[next..]).map_or(block.len() - next, |end| end + 1);
            let start = memchr::memrchr(b'\n', &block[..next]).map_or(0, |start| start + 1);
            found.push(String::from_utf8_lossy(&block[start..end]).trim_end().to_owned());
            at = end;
        }
        assert_eq!(found, ["Starting backup of a", "Finished a.service - A."]);
    }
}
