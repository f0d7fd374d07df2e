//! The facts of one rendering and their citation labels. A label is the fact's position in the
//! case behind the letter of its basis: `[F7]` observed, `[D8]` derived, `[S9]` stated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use minijinja::Error;

use super::error::complain;
use super::escape;
use crate::base::text;
use crate::model::bundle::{Bundle, SealedFact};
use crate::model::fact::{Basis, Fact};

/// The marks around what is made from facts and the verdict while a template that is not built in
/// prints. Sources with control characters are refused, so no template can type one.
pub(super) const OPEN: char = '\u{2}';
/// The closing mark.
pub(super) const CLOSE: char = '\u{3}';

/// What a rendering may ask for, and how far its templates are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Templates of an earlier release: they print what they printed then.
    Released,
    /// Templates of this program: what exceeds the bounds is left out, and the record says so.
    BuiltIn,
    /// Templates that are not built in: bounded, and what they type is told apart.
    Own,
}

impl Mode {
    /// Bytes of text that one rendering may make.
    fn work(self) -> usize {
        match self {
            Self::Released => 1 << 30,
            Self::BuiltIn | Self::Own => 64 << 20,
        }
    }

    /// Bytes of one record.
    pub(super) fn record(self) -> usize {
        match self {
            Self::Released => 256 << 20,
            Self::BuiltIn | Self::Own => 16 << 20,
        }
    }

    /// Lines of blocks after which facts are left out.
    fn lines(self) -> usize {
        match self {
            Self::Released => usize::MAX,
            Self::BuiltIn | Self::Own => 4000,
        }
    }

    /// Lines of one block.
    pub(super) fn block(self) -> usize {
        match self {
            Self::Released => usize::MAX,
            Self::BuiltIn | Self::Own => 400,
        }
    }

    /// Facts that one list of facts holds.
    pub(super) fn facts(self) -> usize {
        match self {
            Self::Released => usize::MAX,
            Self::BuiltIn | Self::Own => 200,
        }
    }
}

/// What the functions and objects of one rendering share.
#[derive(Debug)]
pub(super) struct Ledger {
    facts: Vec<SealedFact>,
    index: BTreeMap<String, usize>,
    misuse: Mutex<Option<&'static str>>,
    section: AtomicUsize,
    subsection: AtomicUsize,
    narrating: AtomicBool,
    mode: Mode,
    spent: AtomicUsize,
    lines: AtomicUsize,
    left_out: Mutex<BTreeSet<usize>>,
    narrative: Mutex<Option<String>>,
}

impl Ledger {
    /// The ledger of `bundle`; artifacts' bytes are not needed and left behind.
    pub(super) fn new(bundle: &Bundle, mode: Mode) -> Self {
        let slim =
            |f: &SealedFact| SealedFact { anchor: f.anchor.clone(), fact: f.fact.clone(), artifacts: BTreeMap::new() };
        let facts: Vec<_> = bundle.facts.iter().map(slim).collect();
        let index = facts.iter().enumerate().map(|(i, f)| (f.fact.id.clone(), i)).collect();
        Self {
            facts,
            index,
            misuse: Mutex::new(None),
            section: AtomicUsize::new(0),
            subsection: AtomicUsize::new(0),
            narrating: AtomicBool::new(false),
            mode,
            spent: AtomicUsize::new(0),
            lines: AtomicUsize::new(0),
            left_out: Mutex::new(BTreeSet::new()),
            narrative: Mutex::new(None),
        }
    }

    /// How far the templates are trusted.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Counts `bytes` of text that were made.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Error> {
        // Every call costs something, also one that gives nothing.
        let bytes = bytes.saturating_add(64);
        let before = self.spent.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.mode.work() {
            return Ok(());
        }
        let most = self.mode.work() >> 20;
        Err(complain(format!("the template asks for more than {most} MiB of text; print less, or fewer times")))
    }

    /// `text`, marked as made from facts or the verdict where that is told apart.
    pub(super) fn printed(&self, text: String) -> String {
        if self.mode == Mode::Own { format!("{OPEN}{text}{CLOSE}") } else { text }
    }

    /// Whether the record still has room for a block about the fact `index`; else it is left out.
    pub(super) fn has_room(&self, index: usize) -> bool {
        let room = self.lines.load(Ordering::Relaxed) < self.mode.lines();
        if !room {
            self.leave_out(index);
        }
        room
    }

    /// Counts the lines of a block that is about to be printed.
    pub(super) fn fill(&self, block: &str) {
        self.lines.fetch_add(block.bytes().filter(|byte| *byte == b'\n').count(), Ordering::Relaxed);
    }

    /// Notes that something of the fact `index` is not shown.
    pub(super) fn leave_out(&self, index: usize) {
        self.left_out.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(index);
    }

    /// The facts of which something is not shown.
    pub(super) fn left_out(&self) -> BTreeSet<usize> {
        self.left_out.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The narrative as rendered before, or as `render` gives it now: it is rendered once.
    pub(super) fn narrated(&self, render: impl FnOnce() -> Result<String, Error>) -> Result<String, Error> {
        let kept = || self.narrative.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(text) = &*kept() {
            return Ok(text.clone());
        }
        let text = render()?;
        *kept() = Some(text.clone());
        Ok(text)
    }

    /// All facts, in the order collected.
    pub(super) fn facts(&self) -> &[SealedFact] {
        &self.facts
    }

    /// The fact at `index`.
    pub(super) fn fact(&self, index: usize) -> &Fact {
        &self.facts[index].fact
    }

    /// The position of the fact called `id`.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The position of the fact called `id`, or the error that a template's author needs.
    pub(super) fn demand(&self, id: &str) -> Result<usize, Error> {
        self.find(id).ok_or_else(|| {
            let hint = text::did_you_mean(id, self.index.keys().map(String::as_str));
            complain(format!("no fact `{id}` in this case{hint}"))
        })
    }

    /// The citation label of a fact, e.g. `[F7]`.
    pub(super) fn label(&self, index: usize) -> String {
        let letter = match self.fact(index).basis {
            Basis::Observed => 'F',
            Basis::Derived => 'D',
            Basis::Statement => 'S',
        };
        format!("[{letter}{}]", index + 1)
    }

    /// The labels of several facts, in the facts' order, each once.
    pub(super) fn labels(&self, mut indexes: Vec<usize>) -> String {
        indexes.sort_unstable();
        indexes.dedup();
        indexes.iter().map(|i| self.label(*i)).collect::<Vec<_>>().join(" ")
    }

    /// The label with what a reader must know about the basis: `statement of dba [S9]`.
    pub(super) fn mark(&self, index: usize) -> String {
        let fact = self.fact(index);
        let label = self.label(index);
        match fact.basis {
            Basis::Observed => label,
            Basis::Derived => format!("derived {label}"),
            Basis::Statement => format!("statement of {} {label}", seat_name(fact)),
        }
    }

    /// Notes that a template took a value out of its citation; the record is then refused.
    pub(super) fn misuse(&self, what: &'static str) {
        let mut misuse = self.misuse.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        misuse.get_or_insert(what);
    }

    /// What was noted, once.
    pub(super) fn take_misuse(&self) -> Option<&'static str> {
        self.misuse.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    /// The number of the next section.
    pub(super) fn next_section(&self) -> usize {
        self.subsection.store(0, Ordering::Relaxed);
        self.section.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The numbers of the next subsection.
    pub(super) fn next_subsection(&self) -> (usize, usize) {
        (self.section.load(Ordering::Relaxed), self.subsection.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Enters the narrative; false when already in it.
    pub(super) fn enter_narrative(&self) -> bool {
        !self.narrating.swap(true, Ordering::Relaxed)
    }

    /// Leaves the narrative.
    pub(super) fn leave_narrative(&self) {
        self.narrating.store(false, Ordering::Relaxed);
    }

    /// Whether the narrative is being rendered.
    pub(super) fn in_narrative(&self) -> bool {
        self.narrating.load(Ordering::Relaxed)
    }
}

/// The seat alone, as it may stand in a YAML comment.
fn seat_name(fact: &Fact) -> String {
    let seat = fact.values.get("seat").and_then(|v| v.as_text()).filter(|w| !w.is_empty());
    seat.map_or_else(|| "an unnamed seat".to_owned(), escape::prose)
}

/// Who says a statement: the seat, and who sits there.
pub(super) fn seat(fact: &Fact) -> String {
    let words =
        |name: &str| fact.values.get(name).and_then(|v| v.as_text()).filter(|w| !w.is_empty()).map(escape::prose);
    match (words("seat"), words("who")) {
        (Some(seat), Some(who)) => format!("{seat}, {who}"),
        (Some(seat), None) => seat,
        (None, _) => "an unnamed seat".to_owned(),
    }
}
