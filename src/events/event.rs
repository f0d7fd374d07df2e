//! One event, and what a pass over a source counted. An event keeps what its line says and what that
//! means apart: a time that is ambiguous has a place in the order and no instant.

use chrono::{DateTime, Utc};

use super::kind::Kind;
use super::zone::Moment;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// The source's position.
    pub source: usize,
    /// The line, from 1; 0 for what is no line.
    pub line: u64,
    /// What it reports, the strongest first; never empty.
    pub kinds: Vec<Kind>,
    /// What its own time means; none when the line says no time.
    pub moment: Option<Moment>,
    /// The time as written, its offset included; empty when the line says none.
    pub original: String,
    /// Where it stands in the order: its instant, or the nearest that the order of the lines allows.
    pub place: Option<DateTime<Utc>>,
    /// Whether the clock went back at this line.
    pub back: bool,
    /// What it is about.
    pub subject: String,
    /// The run it belongs to, when the line itself names one.
    pub run: Option<String>,
    /// Step i of n.
    pub step: Option<(u32, u32)>,
    /// The message, unmasked, in bounded length.
    pub text: String,
    /// Where the same line stands in an earlier file of the same log: source and line.
    pub twin: Option<(usize, u64)>,
}

impl Event {
    /// The strongest kind.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        self.kinds.first().unwrap_or(&Kind::End)
    }

    /// Whether the line reports `kind`.
    #[must_use]
    pub fn is(&self, kind: &Kind) -> bool {
        self.kinds.contains(kind)
    }

    /// The instant, if it is certain.
    #[must_use]
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.moment.and_then(Moment::certain)
    }
}

/// Something about the times of a source that a reader has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// The line.
    pub line: u64,
    /// The time as written there.
    pub original: String,
    /// The instant before, as far as it is known.
    pub before: Option<DateTime<Utc>>,
    /// The instant at the line, as far as it is known.
    pub at: Option<DateTime<Utc>>,
}

/// What a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// The clock went back.
    ClockBack,
    /// A clock change repeats this time, and no offset is written.
    Ambiguous,
    /// A clock change skips this time, or there is no such date.
    Impossible,
    /// The year turned although none is written.
    NewYear,
    /// A line of an earlier file of the same log.
    Twin,
}

impl MarkKind {
    /// The word for facts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ClockBack => "clock went back",
            Self::Ambiguous => "ambiguous time",
            Self::Impossible => "impossible time",
            Self::NewYear => "new year inferred",
            Self::Twin => "repeated by rotation",
        }
    }
}

/// What a pass over a source counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Lines in all.
    pub lines: u64,
    /// Lines that say a certain time.
    pub stamped: u64,
    /// Lines that say a time which may be one of two instants.
    pub ambiguous: u64,
    /// Lines that say a time which cannot be.
    pub impossible: u64,
    /// Lines longer than the limit, searched at their beginning only.
    pub cut: u64,
    /// NUL bytes.
    pub nuls: u64,
    /// Lines that are not UTF-8 among the events.
    pub not_utf8: u64,
    /// Lines at which the clock went back.
    pub back: u64,
    /// Events.
    pub events: u64,
    /// Events that stand in an earlier file of the same log.
    pub twins: u64,
    /// The earliest certain instant, with its text.
    pub first: Option<(DateTime<Utc>, String)>,
    /// The latest certain instant, with its text.
    pub last: Option<(DateTime<Utc>, String)>,
    /// The layout as found.
    pub format: String,
    /// Whether years had to be inferred.
    pub year_inferred: bool,
    /// The first marks.
    pub marks: Vec<Mark>,
    /// Whether the last line has no line end.
    pub ends_open: bool,
}

/// More marks than this are only counted.
const MARKS: usize = 50;

impl Tally {
    /// Remembers `mark`, if there is room.
    pub fn mark(&mut self, mark: Mark) {
        let alike = self.marks.iter().filter(|known| known.kind == mark.kind).count();
        if alike < MARKS / 5 {
            self.marks.push(mark);
        }
    }

    /// Lines that say no time.
    #[must_use]
    pub fn unstamped(&self) -> u64 {
        self.lines - self.stamped - self.ambiguous - self.impossible
    }
}
