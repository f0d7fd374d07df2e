//! One pass over the lines of one source: every line's time is read, and the lines that report
//! something are handed on as events. Knows nothing of files, and keeps nothing of what it passes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};

use chrono::{DateTime, Duration, Utc};

use crate::base::text;

use super::dial::{Dial, Reading};
use super::event::{Event, Mark, MarkKind, Tally};
use super::format::{self, Format, Message};
use super::keys::Keys;
use super::lines::{self, Block, Line};
use super::pattern::{Patterns, Told};
use super::stamp::Form;
use super::zone::{Moment, Rules};

/// The longest text kept of one message, in bytes.
const LONGEST: usize = 400;
/// Lines that differ in order by less than this were written by several hands, not by a clock that
/// went back.
const JITTER: Duration = Duration::seconds(1);
/// How many events of a rotated log are remembered to know them again.
const REMEMBERED: usize = 200_000;

/// One source of lines.
pub struct Source<'a> {
    /// Its position among the sources.
    pub index: usize,
    /// What its events are about, unless a line says so itself.
    pub subject: &'a str,
    /// Whether the case itself says what it is about; then the program that a line names does not.
    pub stated: bool,
    /// How its lines are laid out.
    pub format: Format,
    /// Zone, year, and when it was last written.
    pub rules: Rules,
    /// What makes a line an event.
    pub patterns: &'a Patterns,
    /// How much of one line is searched.
    pub max_line: usize,
}

/// The events seen in the files of one rotated log, to know them again.
#[derive(Default)]
pub struct Twins {
    seen: HashMap<u64, (usize, u64)>,
    /// Whether the log has one file only, so that nothing has to be remembered.
    single: bool,
}

struct Pass<'a, 'b> {
    source: &'a Source<'a>,
    dial: Dial,
    twins: &'b mut Twins,
    sink: &'b mut dyn FnMut(Event),
    tally: Tally,
    keys: Keys,
    place: Option<DateTime<Utc>>,
    settled: bool,
}

/// Reads `source` to its end from `reader`; each event goes to `sink` in the order of the lines.
/// Gives what was counted and how the reading ended.
pub fn read(
    source: &Source<'_>,
    reader: &mut dyn Read,
    twins: &mut Twins,
    sink: &mut dyn FnMut(Event),
) -> (Tally, io::Result<()>) {
    let rules = Rules { zone: source.rules.zone, year: source.rules.year, written: source.rules.written };
    let dial = Dial::new(rules, source.format.clone());
    let tally = Tally::default();
    let mut pass = Pass { source, dial, twins, sink, tally, keys: Keys::default(), place: None, settled: false };
    let (_, outcome) = lines::blocks(reader, source.max_line, &mut |block| pass.block(&block));
    (pass.finish(), outcome)
}

impl Pass<'_, '_> {
    fn block(&mut self, block: &Block<'_>) {
        self.tally.nuls += memchr::memchr_iter(0, block.bytes).count() as u64;
        self.tally.cut += u64::from(block.overlong.is_some_and(|length| length > block.bytes.len() as u64));
        self.tally.ends_open = !block.bytes.ends_with(b"\n");
        self.settle(block);
        let keys = self.keys.concern(block.bytes);
        let json = self.dial.format().is_json();
        let mut candidate = if json { Some(0) } else { self.source.patterns.candidate(block.bytes, 0) };
        for mut line in lines::lines(block, self.tally.lines + 1) {
            let end = usize::try_from(line.offset - block.offset).unwrap_or(usize::MAX) + line.bytes.len();
            self.tally.lines = line.number;
            line.secret = keys && self.keys.inside(line.bytes);
            let reading = self.dial.read(line.bytes, line.number);
            let back = self.time(&line, reading.as_ref());
            if candidate.is_some_and(|at| at <= end) {
                self.line(&line, reading.as_ref(), back);
                candidate = if json { candidate } else { self.source.patterns.candidate(block.bytes, end) };
            }
        }
    }

    fn settle(&mut self, block: &Block<'_>) {
        if self.settled {
            return;
        }
        if let Some(first) = lines::lines(block, 1).find(|line| !line.bytes.trim_ascii().is_empty()) {
            self.dial.settle(first.bytes);
            self.settled = true;
        }
    }

    /// Counts the time of a line; says whether the clock went back there.
    fn time(&mut self, line: &Line<'_>, reading: Option<&Reading>) -> bool {
        let Some(reading) = reading else { return false };
        self.tally.year_inferred |= reading.year_inferred;
        match reading.moment {
            Moment::At(instant) => self.certain(line, reading, instant),
            Moment::Either(first, second) => {
                self.tally.ambiguous += 1;
                self.remark(MarkKind::Ambiguous, line, reading, None);
                let earliest = self.place.map_or(first, |place| place.max(first));
                self.place = Some(if earliest <= second { earliest } else { self.place.unwrap_or(first) });
                false
            }
            Moment::Unknown(_) => {
                self.tally.impossible += 1;
                self.remark(MarkKind::Impossible, line, reading, None);
                false
            }
        }
    }

    fn certain(&mut self, line: &Line<'_>, reading: &Reading, instant: DateTime<Utc>) -> bool {
        self.tally.stamped += 1;
        let before = self.place.replace(instant);
        if before == Some(instant) {
            return false;
        }
        let back = before.is_some_and(|before| instant < before - JITTER);
        if back {
            self.tally.back += 1;
            self.place = before;
            self.remark(MarkKind::ClockBack, line, reading, Some(instant));
            self.place = Some(instant);
        }
        let written = || String::from_utf8_lossy(&line.bytes[reading.start..reading.end]).into_owned();
        if self.tally.first.as_ref().is_none_or(|(first, _)| instant < *first) {
            self.tally.first = Some((instant, written()));
        }
        match &mut self.tally.last {
            Some((last, _)) if instant <= *last => {}
            Some((last, text)) => {
                *last = instant;
                text.clear();
                text.push_str(&String::from_utf8_lossy(&line.bytes[reading.start..reading.end]));
            }
            None => self.tally.last = Some((instant, written())),
        }
        back
    }

    fn remark(&mut self, kind: MarkKind, line: &Line<'_>, reading: &Reading, at: Option<DateTime<Utc>>) {
        let original = String::from_utf8_lossy(&line.bytes[reading.start..reading.end]).into_owned();
        self.tally.mark(Mark { kind, line: line.number, original, before: self.place, at });
    }

    fn line(&mut self, line: &Line<'_>, reading: Option<&Reading>, back: bool) {
        let syslog = matches!(self.dial.format(), Format::Plain("syslog", _));
        let form = reading.and_then(|reading| reading.form);
        let message = if self.dial.format().is_json() {
            format::json_message(self.dial.format(), line.bytes)
        } else {
            Some(format::text_message(line.bytes, reading.map_or(0, |reading| reading.end), form, syslog))
        };
        let Some(message) = message else { return };
        let told = self.source.patterns.tell(&message.text, form == Some(Form::Access));
        if !told.kinds.is_empty() {
            self.event(line, reading, &message, told, back);
        }
    }

    fn event(&mut self, line: &Line<'_>, reading: Option<&Reading>, message: &Message<'_>, told: Told, back: bool) {
        let original = reading.map(|r| String::from_utf8_lossy(&line.bytes[r.start..r.end]).into_owned());
        let shown = text::shorten(&message.text, LONGEST);
        let named = message.tag.as_deref().filter(|_| !self.source.stated);
        let subject = told.subject.or_else(|| named.map(str::to_owned));
        let text = match line.secret {
            true => format!("[line of a private key, {} bytes, not kept]", line.length),
            false => text::from_bytes(&shown).into_owned(),
        };
        self.tally.not_utf8 += u64::from(std::str::from_utf8(&shown).is_err());
        let twin = self.twins.of(self.source.index, line.number, self.place, &message.text);
        let event = Event {
            source: self.source.index,
            line: line.number,
            kinds: told.kinds,
            moment: reading.map(|reading| reading.moment),
            original: original.unwrap_or_default(),
            place: self.place,
            back,
            subject: subject.unwrap_or_else(|| self.source.subject.to_owned()),
            run: told.run.or_else(|| message.pid.as_deref().map(str::to_owned)),
            step: told.step,
            text,
            twin,
        };
        self.tally.events += 1;
        if let Some((_, first)) = twin {
            self.tally.twins += 1;
            let mark = Mark {
                kind: MarkKind::Twin,
                line: first,
                original: event.original.clone(),
                before: None,
                at: event.at(),
            };
            self.tally.mark(Mark { line: event.line, ..mark });
        }
        (self.sink)(event);
    }

    fn finish(mut self) -> Tally {
        self.tally.format = match (self.dial.format(), self.dial.form()) {
            (Format::Plain("auto", _), Some(form)) => form.word().to_owned(),
            (Format::Plain("auto", _), None) => "none found".to_owned(),
            (format, _) => format.word().to_owned(),
        };
        for line in std::mem::take(&mut self.dial.new_years) {
            let mark = Mark { kind: MarkKind::NewYear, line, original: String::new(), before: None, at: None };
            self.tally.mark(mark);
        }
        self.tally
    }
}

impl Twins {
    /// Of a log with so many files.
    #[must_use]
    pub fn of_files(count: usize) -> Self {
        Self { single: count < 2, ..Self::default() }
    }

    /// Where the same line, at the same time, stands in an earlier file of the log.
    fn of(&mut self, source: usize, line: u64, place: Option<DateTime<Utc>>, message: &[u8]) -> Option<(usize, u64)> {
        if self.single {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (place.map(|at| at.timestamp_nanos_opt()), message).hash(&mut hasher);
        let key = hasher.finish();
        match self.seen.get(&key) {
            Some((earlier, at)) => (*earlier != source).then_some((*earlier, *at)),
            None => {
                if self.seen.len() < REMEMBERED {
                    self.seen.insert(key, (source, line));
                }
                None
            }
        }
    }
}
