//! Binds events to runs: from a start to what follows its end, by the process or the id that a line
//! names, or by the subject. A run in progress keeps its first and last events; one that is over is
//! handed on and forgotten.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Duration, Utc};

use super::event::Event;
use super::kind::Kind;

/// Events kept at each end of a run.
const KEPT: usize = 48;
/// Runs in progress at one time; beyond, the one that was silent longest is taken for over.
const OPEN: usize = 2048;

/// What runs are made of, so that the start of an upload within a backup begins no other backup.
const NOUNS: [&str; 24] = [
    "backup",
    "back up",
    "dump",
    "upload",
    "download",
    "transfer",
    "replication",
    "restore",
    "export",
    "import",
    "rsync",
    "sync",
    "archive",
    "snapshot",
    "rotation",
    "migration",
    "deploy",
    "pipeline",
    "prune",
    "job",
    "script",
    "task",
    "build",
    "copy",
];

/// The first word of a message that names what runs.
pub(super) fn noun(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let found = NOUNS.iter().filter_map(|noun| lower.find(noun).map(|at| (at, *noun))).min_by_key(|(at, _)| *at);
    found.map(|(_, noun)| if noun == "back up" { "backup" } else { noun })
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// The log it stands in: its files count as one.
    pub(super) group: usize,
    /// What it is about.
    pub(super) subject: String,
    /// Whether it has an edge that no guess made: a start, a first step, or an id of its own.
    pub(super) bounded: bool,
    /// The line that begins it.
    pub(super) start: Option<Event>,
    /// What runs, in a word.
    pub(super) noun: Option<&'static str>,
    /// The line of its highest step.
    pub(super) step: Option<Event>,
    /// The first line that says it is over.
    pub(super) over: Option<Event>,
    /// The start of the next run, when that ended it.
    pub(super) next: Option<Event>,
    head: Vec<Event>,
    /// What matters most of those between the first and the last.
    middle: Vec<Event>,
    tail: VecDeque<Event>,
    last: Option<DateTime<Utc>>,
}

impl Run {
    fn new(group: usize, event: &Event, bounded: bool) -> Self {
        Self {
            group,
            subject: event.subject.clone(),
            bounded,
            start: None,
            noun: None,
            step: None,
            over: None,
            next: None,
            head: Vec::new(),
            middle: Vec::new(),
            tail: VecDeque::new(),
            last: None,
        }
    }

    /// The events that were kept, in order.
    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.head.iter().chain(&self.middle).chain(&self.tail)
    }

    /// The last event.
    pub(super) fn last(&self) -> Option<&Event> {
        self.tail.back().or_else(|| self.head.last())
    }

    /// Whether any event is of `kind`.
    pub(super) fn has(&self, kind: &Kind) -> bool {
        self.events().any(|event| event.is(kind))
    }

    fn take(&mut self, event: Event) {
        if event.is(&Kind::Start) && self.start.is_none() {
            self.start = Some(event.clone());
            self.noun = noun(&event.text);
            self.bounded = true;
        }
        if let Some((i, _)) = event.step {
            self.bounded |= i == 1;
            let highest = self.step.as_ref().and_then(|step| step.step).map_or(0, |(highest, _)| highest);
            if i >= highest {
                self.step = Some(event.clone());
            }
        }
        if self.over.is_none() && self.ends_with(&event) {
            self.over = Some(event.clone());
        }
        self.last = event.place.or(self.last);
        if self.head.len() < KEPT {
            return self.head.push(event);
        }
        self.tail.push_back(event);
        if self.tail.len() > KEPT
            && let Some(gone) = self.tail.pop_front()
            && (gone.kind().fails() || gone.is(&Kind::Success))
            && self.middle.len() < KEPT
        {
            self.middle.push(gone);
        }
    }

    /// Whether `event` says that this run is over, and not one of its parts.
    pub(super) fn ends_with(&self, event: &Event) -> bool {
        let ends = event.is(&Kind::End) || event.is(&Kind::Success);
        let other = self.noun.zip(noun(&event.text)).is_some_and(|(own, its)| own != its);
        // "Upload finished" at step 2 of 4 ends the upload.
        let unfinished =
            self.step.as_ref().and_then(|step| step.step).is_some_and(|(i, n)| i < n) && event.step.is_some();
        ends && !other && !unfinished
    }

    /// Whether `event` begins another run.
    fn superseded_by(&self, event: &Event) -> bool {
        if let Some((i, _)) = event.step {
            return i == 1 && self.step.is_some();
        }
        if !event.is(&Kind::Start) || (self.start.is_none() && self.over.is_none()) {
            return false;
        }
        let other = self.noun.zip(noun(&event.text)).is_some_and(|(own, its)| own != its);
        self.over.is_some() || !other
    }

    /// Whether the silence before `place` is too long for one run.
    fn silent_until(&self, place: Option<DateTime<Utc>>) -> bool {
        let patience = if self.over.is_some() || !self.bounded { Duration::minutes(30) } else { Duration::hours(24) };
        self.last.zip(place).is_some_and(|(last, now)| now - last > patience)
    }
}

type Key = (usize, String, Option<String>);

/// Runs in progress.
#[derive(Default)]
pub(super) struct Runs {
    open: HashMap<Key, Run>,
}

impl Runs {
    /// Takes an event of the log `group`, whose events are about `subject` unless they say so
    /// themselves; a run that is over goes to `done`.
    pub(super) fn take(&mut self, event: Event, group: usize, subject: &str, done: &mut dyn FnMut(Run)) {
        let key = self.key(&event, group, subject);
        let ended = self.open.get(&key).map(|run| (run.superseded_by(&event), run.silent_until(event.place)));
        if let Some((superseded, _)) = ended.filter(|(superseded, silent)| *superseded || *silent)
            && let Some(mut run) = self.open.remove(&key)
        {
            run.next = superseded.then(|| event.clone());
            done(run);
        }
        let named = event.run.is_some();
        let begins = named || event.is(&Kind::Start) || event.step.is_some();
        let opens = begins || event.is(&Kind::Success) || event.is(&Kind::CheckFailed);
        if !self.open.contains_key(&key) {
            if !opens {
                return;
            }
            self.make_room(done);
            self.open.insert(key.clone(), Run::new(group, &event, named));
        }
        if let Some(run) = self.open.get_mut(&key) {
            run.take(event);
        }
    }

    fn key(&self, event: &Event, group: usize, subject: &str) -> Key {
        let own = (group, event.subject.clone(), event.run.clone());
        if event.run.is_some() || event.subject != subject || self.open.contains_key(&own) || event.is(&Kind::Start) {
            return own;
        }
        // A line that names no subject belongs to the one run of its log that is in progress.
        let mut here = self.open.keys().filter(|key| key.0 == group);
        match (here.next(), here.next()) {
            (Some(only), None) => only.clone(),
            _ => own,
        }
    }

    fn make_room(&mut self, done: &mut dyn FnMut(Run)) {
        if self.open.len() < OPEN {
            return;
        }
        let oldest = self.open.iter().min_by_key(|(_, run)| run.last).map(|(key, _)| key.clone());
        if let Some(run) = oldest.and_then(|key| self.open.remove(&key)) {
            done(run);
        }
    }

    /// Hands on what is still in progress, in order.
    pub(super) fn finish(&mut self, done: &mut dyn FnMut(Run)) {
        let mut rest: Vec<_> = self.open.drain().collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0));
        rest.into_iter().for_each(|(_, run)| done(run));
    }
}
