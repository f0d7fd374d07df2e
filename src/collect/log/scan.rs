//! One pass over the lines of a log: counts, first and last matches, first and last times, and the
//! choice of the lines that the excerpt keeps. Knows nothing of files.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};

use super::excerpt::{Excerpt, Kept, Lines, Recent};
use super::patterns::Patterns;
use crate::events::keys::Keys;
use crate::events::lines::{Block, Line, lines};
use crate::events::zone::{Moment, Rules};

/// How many lines of a block are asked for a time.
const TRIES: usize = 200;

/// Which lines the excerpt takes, besides the last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Lines that a pattern matches, with so many lines before and after.
    Matches(usize),
    /// Lines of these times.
    Window(DateTime<Utc>, DateTime<Utc>),
    /// Lines of the times around the first match of this pattern.
    Around(usize, Duration),
}

/// A time as written in a line, and what it means.
pub type Said = Option<(String, Moment)>;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Lines of the excerpt.
    pub lines: usize,
    /// Bytes of its text.
    pub bytes: usize,
    /// Last lines of the log.
    pub tail: usize,
}

/// What was seen of one pattern.
#[derive(Default)]
pub struct Tally {
    /// Lines that match.
    pub count: u64,
    /// The first.
    pub first: Option<Timed>,
    /// The last.
    pub last: Option<Timed>,
}

/// A line with the time that it says.
#[derive(Clone)]
pub struct Timed {
    /// The line.
    pub line: Kept,
    /// The time as written and what it means.
    pub time: Said,
    /// When it says none: the time of the nearest line above that says one.
    pub after: Said,
}

/// What a pass found.
pub struct Found {
    /// By position of the pattern.
    pub tallies: Vec<Tally>,
    /// Lines in all.
    pub lines: u64,
    /// Lines longer than the limit, of which only the beginning was searched.
    pub overlong: u64,
    /// NUL bytes.
    pub nuls: u64,
    /// The first and the last time that a line says.
    pub times: (Said, Said),
    /// The excerpt.
    pub excerpt: Lines,
    /// Whether the window around a match could be told; `None` when there was nothing to tell.
    pub around: Around,
}

/// Where the window around a match stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// No match yet, or none wanted.
    Waiting,
    /// The match was found and these are its times.
    Found(DateTime<Utc>, DateTime<Utc>),
    /// The match was found, and no certain time of it.
    NoTime,
}

/// One pass.
pub struct Scan<'a> {
    patterns: &'a Patterns,
    rules: &'a Rules,
    choice: Choice,
    excerpt: Excerpt,
    before: Recent,
    tail: Recent,
    wanted_tail: u64,
    /// Lines still to take after a match.
    after: usize,
    now: Option<Moment>,
    seconds: VecDeque<(DateTime<Utc>, u64)>,
    keys: Keys,
    found: Found,
}

impl<'a> Scan<'a> {
    /// A pass that has seen nothing yet.
    #[must_use]
    pub fn new(patterns: &'a Patterns, rules: &'a Rules, choice: Choice, limits: Limits) -> Self {
        let half = limits.bytes / 2;
        let (own, tail) = if limits.tail > 0 { (half, half) } else { (limits.bytes, 0) };
        let before = match choice {
            Choice::Matches(context) => Recent::new(context, half),
            Choice::Window(..) => Recent::new(0, 0),
            Choice::Around(..) => Recent::new(limits.lines / 2, own / 2),
        };
        let found = Found {
            tallies: patterns.names().map(|_| Tally::default()).collect(),
            lines: 0,
            overlong: 0,
            nuls: 0,
            times: (None, None),
            excerpt: Lines::default(),
            around: Around::Waiting,
        };
        Self {
            patterns,
            rules,
            choice,
            excerpt: Excerpt::within(limits.lines.saturating_sub(limits.tail), own),
            before,
            tail: Recent::new(limits.tail, tail),
            wanted_tail: limits.tail as u64,
            after: 0,
            now: None,
            seconds: VecDeque::new(),
            keys: Keys::default(),
            found,
        }
    }

    /// Looks at the next lines.
    pub fn block(&mut self, block: &Block<'_>) {
        self.found.nuls += memchr::memchr_iter(0, block.bytes).count() as u64;
        self.found.overlong += u64::from(block.overlong.is_some_and(|length| length > block.bytes.len() as u64));
        let mut candidate = self.patterns.candidate(block.bytes, 0);
        let mut end = 0;
        let keys = self.keys.concern(block.bytes);
        for mut line in lines(block, self.found.lines + 1) {
            let start = end;
            end = start + memchr::memchr(b'\n', &block.bytes[start..]).map_or(block.bytes.len() - start, |at| at + 1);
            if block.overlong.is_some() {
                end = block.bytes.len();
            }
            let mut matching = Vec::new();
            if candidate.is_some_and(|at| at < end) {
                matching = self.patterns.matching(line.bytes);
                candidate = self.patterns.candidate(block.bytes, end);
            }
            self.found.lines = line.number;
            line.secret = keys && self.keys.inside(line.bytes);
            self.line(&line, matching);
        }
        self.look_above(block);
        self.times(block);
    }

    /// Gives the matches of `block` that say no time the one of the nearest line above.
    fn look_above(&mut self, block: &Block<'_>) {
        let (rules, before) = (self.rules, &self.found.times.1);
        for tally in &mut self.found.tallies {
            for timed in [&mut tally.first, &mut tally.last].into_iter().flatten() {
                if timed.time.is_some() || timed.line.offset < block.offset {
                    continue;
                }
                let above = usize::try_from(timed.line.offset - block.offset).unwrap_or(0);
                let above = &block.bytes[..above.min(block.bytes.len())];
                timed.after = last_time(rules, above).or_else(|| before.clone());
            }
        }
    }

    fn line(&mut self, line: &Line<'_>, matching: Vec<usize>) {
        if !matches!(self.choice, Choice::Matches(_)) {
            let said = self.rules.read(line.bytes).map(|(_, moment)| moment);
            // A line without a time belongs to the one before it.
            self.now = said.or(self.now);
        }
        if !matching.is_empty() {
            self.tally(line, &matching);
        }
        if self.wanted_tail > 0 {
            self.tail.push(Kept::of(line, matching.clone()));
        }
        self.choose(line, matching);
    }

    fn tally(&mut self, line: &Line<'_>, matching: &[usize]) {
        let timed = Timed { line: Kept::of(line, matching.to_vec()), time: said(self.rules, line.bytes), after: None };
        for &pattern in matching {
            let tally = &mut self.found.tallies[pattern];
            tally.count += 1;
            if tally.first.is_none() {
                tally.first = Some(timed.clone());
            }
            tally.last = Some(timed.clone());
        }
    }

    fn choose(&mut self, line: &Line<'_>, matching: Vec<usize>) {
        match self.choice {
            Choice::Matches(context) => self.choose_match(line, matching, context),
            Choice::Window(from, to) => self.choose_within(line, matching, from, to),
            Choice::Around(pattern, reach) => match self.found.around {
                Around::Found(from, to) => self.choose_within(line, matching, from, to),
                Around::NoTime => {}
                Around::Waiting if matching.contains(&pattern) => self.begin_window(line, matching, reach),
                Around::Waiting => self.remember(line, matching, reach),
            },
        }
    }

    fn choose_match(&mut self, line: &Line<'_>, matching: Vec<usize>, context: usize) {
        if !matching.is_empty() {
            for earlier in self.before.drain() {
                self.excerpt.take(earlier);
            }
            self.excerpt.take(Kept::of(line, matching));
            self.after = context;
        } else if self.after > 0 {
            self.after -= 1;
            self.excerpt.take(Kept::of(line, matching));
        } else if context > 0 {
            self.before.push(Kept::of(line, matching));
        }
    }

    fn choose_within(&mut self, line: &Line<'_>, matching: Vec<usize>, from: DateTime<Utc>, to: DateTime<Utc>) {
        if self.now.is_some_and(|now| now.may_be_within(from, to)) {
            self.excerpt.take(Kept::of(line, matching));
        }
    }

    /// Before the match, lines and the places where seconds begin are remembered as far back as the
    /// window may reach.
    fn remember(&mut self, line: &Line<'_>, matching: Vec<usize>, reach: Duration) {
        self.before.push(Kept::of(line, matching));
        let Some(now) = self.now.and_then(Moment::certain) else { return };
        if self.seconds.back().is_none_or(|(last, _)| *last != now) && self.seconds.len() < 1 << 20 {
            self.seconds.push_back((now, line.number));
        }
        while self.seconds.front().is_some_and(|(first, _)| *first < now - reach) {
            self.seconds.pop_front();
        }
    }

    fn begin_window(&mut self, line: &Line<'_>, matching: Vec<usize>, reach: Duration) {
        let Some(now) = self.now.and_then(Moment::certain) else {
            self.found.around = Around::NoTime;
            return;
        };
        let (from, to) = (now - reach, now + reach);
        self.found.around = Around::Found(from, to);
        let begins = self.seconds.iter().find(|(at, _)| *at >= from).map_or(line.number, |(_, number)| *number);
        let earlier: Vec<Kept> = self.before.drain().filter(|kept| kept.number >= begins).collect();
        let kept_from = earlier.first().map_or(line.number, |kept| kept.number);
        self.excerpt.leave_out(kept_from - begins);
        for kept in earlier {
            self.excerpt.take(kept);
        }
        self.excerpt.take(Kept::of(line, matching));
    }

    /// The first and the last time in `block`, without reading the time of every line.
    fn times(&mut self, block: &Block<'_>) {
        if self.found.times.0.is_none() {
            self.found.times.0 = lines(block, 1).take(TRIES).find_map(|line| said(self.rules, line.bytes));
        }
        if let Some(time) = last_time(self.rules, block.bytes) {
            self.found.times.1 = Some(time);
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Found {
        let chosen = self.excerpt.finish();
        let tail: Vec<Kept> = self.tail.drain().collect();
        let wanted = self.found.lines.min(self.wanted_tail);
        let lost = wanted.saturating_sub(tail.len() as u64);
        self.found.excerpt = chosen.followed_by(tail, lost);
        self.found
    }
}

/// The time of the last line of `bytes` that says one, as far up as is reasonable.
fn last_time(rules: &Rules, bytes: &[u8]) -> Said {
    let mut rest = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for _ in 0..TRIES {
        let start = memchr::memrchr(b'\n', rest).map_or(0, |at| at + 1);
        let time = said(rules, &rest[start..]);
        if time.is_some() || start == 0 {
            return time;
        }
        rest = &rest[..start - 1];
    }
    None
}

fn said(rules: &Rules, line: &[u8]) -> Said {
    let (stamp, moment) = rules.read(line)?;
    let written = String::from_utf8_lossy(&line[stamp.start..stamp.end]).into_owned();
    Some((written, moment))
}
