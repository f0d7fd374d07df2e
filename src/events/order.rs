//! The order of events from many sources, within a fixed number: when there are more, those that a
//! reader would miss least are left out first, from the middle, and how many is known.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::event::Event;
use super::zone::Moment;

/// Keeps events until all sources are read.
pub struct Keeper {
    limit: usize,
    between: Option<(DateTime<Utc>, DateTime<Utc>)>,
    kept: [Vec<Event>; 3],
    counts: BTreeMap<String, u64>,
    total: u64,
    outside: u64,
}

/// The events in order.
pub struct Timeline {
    /// By time, then source, then line.
    pub events: Vec<Event>,
    /// How many there were.
    pub total: u64,
    /// How many there were of each kind.
    pub counts: BTreeMap<String, u64>,
    /// How many lay outside the window, or have no time to tell.
    pub outside: u64,
}

impl Timeline {
    /// How many are not here for want of room.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.total - self.events.len() as u64
    }
}

impl Keeper {
    /// Room for `limit` events, of the times `between` if given.
    #[must_use]
    pub fn new(limit: usize, between: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Self {
        let kept = [Vec::new(), Vec::new(), Vec::new()];
        Self { limit, between, kept, counts: BTreeMap::new(), total: 0, outside: 0 }
    }

    /// Takes an event.
    pub fn take(&mut self, event: Event) {
        if !self.within(&event) {
            self.outside += 1;
            return;
        }
        self.total += 1;
        *self.counts.entry(event.kind().word().to_owned()).or_default() += 1;
        let class = &mut self.kept[event.kind().weight()];
        class.push(event);
        if class.len() > self.limit.max(64) * 2 {
            trim(class, self.limit);
        }
    }

    fn within(&self, event: &Event) -> bool {
        let Some((from, to)) = self.between else { return true };
        match event.moment {
            Some(moment @ (Moment::At(_) | Moment::Either(..))) => moment.may_be_within(from, to),
            // A line without a time of its own belongs to the one above.
            _ => event.place.is_some_and(|place| from <= place && place <= to),
        }
    }

    /// What was kept, in order.
    #[must_use]
    pub fn finish(self) -> Timeline {
        let mut room = self.limit;
        let mut events = Vec::new();
        for mut class in self.kept {
            trim(&mut class, room);
            room -= class.len();
            events.append(&mut class);
        }
        sort(&mut events);
        Timeline { events, total: self.total, counts: self.counts, outside: self.outside }
    }
}

fn sort(events: &mut [Event]) {
    events.sort_by_key(|event| (event.place.is_none(), event.place, event.source, event.line));
}

/// Leaves the first and the last of `events`.
fn trim(events: &mut Vec<Event>, room: usize) {
    sort(events);
    if events.len() > room {
        let head = room.div_ceil(2);
        let tail = room - head;
        let from = events.len() - tail;
        events.drain(head..from);
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;

    fn event(second: i64, source: usize, line: u64, kind: Kind) -> Event {
        let place = DateTime::from_timestamp(second, 0);
        Event {
            source,
            line,
            kinds: vec![kind],
            moment: place.map(Moment::At),
            original: String::new(),
            place,
            back: false,
            subject: String::new(),
            run: None,
            step: None,
            text: String::new(),
            twin: None,
        }
    }

    #[test]
    fn the_order_is_time_then_source_then_line() {
        let mut keeper = Keeper::new(10, None);
        for (second, source, line) in [(5, 1, 1), (3, 0, 9), (5, 0, 2), (5, 0, 1)] {
            keeper.take(event(second, source, line, Kind::Step));
        }
        let order: Vec<_> = keeper.finish().events.iter().map(|e| (e.source, e.line)).collect();
        assert_eq!(order, [(0, 9), (0, 1), (0, 2), (1, 1)]);
    }

    #[test]
    fn failures_stay_when_steps_are_many_and_the_cut_is_known() {
        let mut keeper = Keeper::new(10, None);
        for second in 0..10_000_i64 {
            keeper.take(event(second, 0, u64::try_from(second).unwrap(), Kind::Step));
        }
        keeper.take(event(5000, 0, 77, Kind::Failure));
        let timeline = keeper.finish();
        assert_eq!((timeline.events.len(), timeline.total, timeline.cut()), (10, 10_001, 9_991));
        assert!(timeline.events.iter().any(|e| *e.kind() == Kind::Failure));
        assert_eq!(timeline.events.iter().filter_map(|e| e.place).next_back().unwrap().timestamp(), 9999);
    }

    #[test]
    fn a_window_leaves_out_what_is_surely_outside() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let mut keeper = Keeper::new(10, Some((at(2), at(4))));
        for second in 0..6 {
            keeper.take(event(second, 0, 1, Kind::Step));
        }
        let mut either = event(9, 0, 2, Kind::Step);
        either.moment = Some(Moment::Either(at(3), at(9)));
        keeper.take(either);
        let timeline = keeper.finish();
        assert_eq!((timeline.total, timeline.outside), (4, 3));
    }
}
