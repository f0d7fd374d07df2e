//! Puts entries and firings in the words of the observation. When a source could not be read,
//! whatever depends on having seen every entry is missing.

use chrono::{DateTime, Duration, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

use crate::base::clock;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};
use crate::schedule::calendar::{self, Calendar, Firing, Rule};

use super::source::{Entry, Read, When};
use super::{Ready, row};

/// Schedules that fire more often than this a day are not enumerated over a year.
const OFTEN: usize = 1440;
/// More firings than this in all are not enumerated.
const MOST: f64 = 2e7;

impl Entry {
    fn calendar(&self) -> Option<&dyn Calendar> {
        match &self.when {
            When::Cron(cron) => Some(cron),
            When::Timer(timer) => Some(timer),
            When::Every(_) | When::Event => None,
        }
    }
}

/// Fills `seen`.
pub fn tell(ready: &Ready, read: &Read, now: DateTime<Utc>, seen: &mut Observation) {
    seen.set("zone", ready.zone.name());
    seen.set("zone_from", ready.zone_from);
    seen.set("sources", Value::List(read.sources.clone()));
    seen.set("environment", Value::List(read.environment.clone()));
    let found: Vec<&Entry> = read.entries.iter().filter(|entry| ready.finds(&entry.command)).collect();
    seen.set("entries", Value::List(read.entries.iter().map(|entry| entry_row(ready, entry, now)).collect()));
    seen.set("found", Value::List(found.iter().map(|entry| entry_row(ready, entry, now)).collect()));
    seen.set("malformed", Value::List(read.malformed.clone()));
    if let Some(why) = &read.unread {
        for name in [
            "entries_count",
            "found_count",
            "malformed_count",
            "schedule",
            "next_firing",
            "next_firing_local",
            "last_firing",
            "last_firing_local",
            "as_expected",
            "longest_gap_seconds",
            "longest_gap_from",
            "within_rpo",
            "retained",
            "clock_changes",
        ] {
            seen.miss(name, why.clone());
        }
        return;
    }
    seen.set("entries_count", read.entries.len());
    seen.set("found_count", found.len());
    seen.set("malformed_count", read.malformed.len());
    expected(ready, &found, seen);
    firings(ready, &found, now, seen);
    year(ready, &found, now, seen);
    clock_changes(ready, &found, now, seen);
}

fn entry_row(ready: &Ready, entry: &Entry, now: DateTime<Utc>) -> Value {
    let mut out = Map::new();
    out.insert("source".into(), entry.source.clone().into());
    out.insert("line".into(), entry.line.into());
    out.insert("schedule".into(), entry.schedule.clone().into());
    out.insert("command".into(), entry.command.clone().into());
    out.insert("found".into(), ready.finds(&entry.command).into());
    if let Some(user) = &entry.user {
        out.insert("user".into(), user.clone().into());
    }
    let zone = entry.zone.unwrap_or(ready.zone);
    if let Some(named) = entry.zone {
        out.insert("zone".into(), named.name().into());
    }
    let mut notes = entry.notes.clone();
    if let Some(calendar) = entry.calendar() {
        for (name, firing) in
            [("next", calendar::next(calendar, zone, now)), ("last", calendar::last(calendar, zone, now))]
        {
            match firing {
                Some(firing) => {
                    out.insert(name.into(), clock::stamp_seconds(firing.at).into());
                    out.insert(format!("{name}_local"), local(zone, firing.at).into());
                }
                None => notes.push(format!("no {name} firing within 40 years")),
            }
        }
    }
    if let When::Every(seconds) = entry.when {
        out.extend(Value::real(seconds).map(|seconds| ("every_seconds".to_owned(), seconds)));
    }
    if !notes.is_empty() {
        out.insert("note".into(), notes.join("; ").into());
    }
    out.into()
}

fn local(zone: Tz, at: DateTime<Utc>) -> String {
    zone.from_utc_datetime(&at.naive_utc()).to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn expected(ready: &Ready, found: &[&Entry], seen: &mut Observation) {
    let one = if let [one] = found { Some(*one) } else { None };
    match one {
        Some(entry) => seen.set("schedule", entry.schedule.clone()),
        None => seen.miss(
            "schedule",
            Absence::new(Reason::NotApplicable, format!("{} entries are found, not one", found.len())),
        ),
    }
    match &ready.expect {
        None => seen.miss("as_expected", Absence::new(Reason::NotApplicable, "the case expects no schedule")),
        // What `CRON_TZ` changes is the zone, and that is not what was expected.
        Some(when) => seen.set("as_expected", one.is_some_and(|entry| entry.when == *when && entry.zone.is_none())),
    }
}

fn nothing(found: &[&Entry]) -> Absence {
    let why = if found.is_empty() { "no entry is found" } else { "no entry that is found fires at a time" };
    Absence::new(Reason::NotFound, why)
}

fn firings(ready: &Ready, found: &[&Entry], now: DateTime<Utc>, seen: &mut Observation) {
    let of = |look: fn(&dyn Calendar, Tz, DateTime<Utc>) -> Option<Firing>| {
        let one = |entry: &&Entry| look(entry.calendar()?, entry.zone.unwrap_or(ready.zone), now);
        found.iter().filter_map(one).map(|firing| firing.at).collect::<Vec<_>>()
    };
    let next = of(calendar::next).into_iter().min();
    let last = of(calendar::last).into_iter().max();
    for (name, at) in [("next_firing", next), ("last_firing", last)] {
        match at {
            Some(at) => {
                seen.set(name, clock::stamp_seconds(at));
                seen.set(&format!("{name}_local"), local(ready.zone, at));
            }
            None => {
                seen.miss(name, nothing(found));
                seen.miss(&format!("{name}_local"), nothing(found));
            }
        }
    }
}

fn year(ready: &Ready, found: &[&Entry], now: DateTime<Utc>, seen: &mut Observation) {
    let uncertain = found.iter().any(|entry| matches!(entry.when, When::Every(_) | When::Event));
    let often = found.iter().any(|entry| entry.calendar().is_some_and(|calendar| calendar.times().len() > OFTEN));
    let why = match () {
        () if found.is_empty() => Some(nothing(found)),
        () if uncertain => {
            Some(Absence::new(Reason::NotApplicable, "an entry that is found does not fire at times of the clock"))
        }
        () if often => Some(Absence::new(Reason::Limit, "an entry that is found fires more than once a minute")),
        () => None,
    };
    let distinct = distinct(ready, found);
    let days = ready.retention.map_or(0.0, |seconds| seconds / 86_400.0).max(367.0);
    #[expect(clippy::cast_precision_loss, reason = "a bound")]
    let firings = distinct.iter().map(|(calendar, _)| calendar.times().len() as f64 * days).sum::<f64>();
    let why = why.or_else(|| {
        let message =
            "the entries that are found fire too often to be enumerated; narrow `runs`, or shorten `retention`";
        (firings > MOST).then(|| Absence::new(Reason::Limit, message))
    });
    if let Some(why) = why {
        for name in ["longest_gap_seconds", "longest_gap_from", "within_rpo", "retained"] {
            seen.miss(name, why.clone());
        }
        return;
    }
    let mut gaps = Gaps::default();
    each_firing(&distinct, now - Duration::days(1), now + Duration::days(366), &mut |at| gaps.add(at));
    gap(ready, gaps.longest, seen);
    match ready.retention {
        None => seen.miss("retained", Absence::new(Reason::NotApplicable, "the case gives no retention")),
        #[expect(clippy::cast_possible_truncation, reason = "at most a few centuries")]
        Some(seconds) => {
            let mut retained = 0_u64;
            each_firing(&distinct, now - Duration::seconds(seconds as i64), now, &mut |_| retained += 1);
            seen.set("retained", retained);
        }
    }
}

/// The schedules of `found`, each once: a thousand lines of one schedule fire together.
fn distinct<'a>(ready: &Ready, found: &[&'a Entry]) -> Vec<(&'a dyn Calendar, Tz)> {
    let mut distinct: Vec<(&When, &dyn Calendar, Tz)> = Vec::new();
    for entry in found {
        let zone = entry.zone.unwrap_or(ready.zone);
        let known = distinct.iter().any(|(when, _, known)| **when == entry.when && *known == zone);
        if let (Some(calendar), false) = (entry.calendar(), known) {
            distinct.push((&entry.when, calendar, zone));
        }
    }
    distinct.into_iter().map(|(_, calendar, zone)| (calendar, zone)).collect()
}

/// Calls `each` with every firing between two instants in order, those of thirty days held at a time.
fn each_firing(
    calendars: &[(&dyn Calendar, Tz)],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    each: &mut dyn FnMut(DateTime<Utc>),
) {
    let (mut start, mut before) = (from, None);
    while start < to {
        let end = (start + Duration::days(30)).min(to);
        let of = |(calendar, zone): &(&dyn Calendar, Tz)| calendar::between(*calendar, *zone, start, end);
        let mut some: Vec<_> = calendars.iter().flat_map(of).map(|firing| firing.at).collect();
        some.sort();
        for at in some {
            if before != Some(at) {
                each(at);
            }
            before = Some(at);
        }
        start = end;
    }
}

/// The longest time between two firings that follow each other, and the earlier one; the first of equals.
#[derive(Default)]
struct Gaps {
    before: Option<DateTime<Utc>>,
    longest: Option<(i64, DateTime<Utc>)>,
}

impl Gaps {
    fn add(&mut self, at: DateTime<Utc>) {
        if let Some(before) = self.before.replace(at) {
            let gap = (at - before).num_seconds();
            if self.longest.is_none_or(|(longest, _)| gap > longest) {
                self.longest = Some((gap, before));
            }
        }
    }
}

/// The longest time between firings. Two years are looked at when one has not two of them.
fn gap(ready: &Ready, longest: Option<(i64, DateTime<Utc>)>, seen: &mut Observation) {
    let Some((seconds, from)) = longest else {
        let why = Absence::new(Reason::NotFound, "fewer than two firings in the year from this look on");
        for name in ["longest_gap_seconds", "longest_gap_from"] {
            seen.miss(name, why.clone());
        }
        match ready.rpo {
            // A year without two firings is longer than any shorter objective.
            Some(rpo) if rpo < 366.0 * 86_400.0 => seen.set("within_rpo", false),
            _ => seen.miss("within_rpo", why),
        }
        return;
    };
    seen.set("longest_gap_seconds", seconds);
    seen.set("longest_gap_from", clock::stamp_seconds(from));
    match ready.rpo {
        None => seen.miss("within_rpo", Absence::new(Reason::NotApplicable, "the case gives no RPO")),
        #[expect(clippy::cast_precision_loss, reason = "seconds of a year")]
        Some(rpo) => seen.set("within_rpo", seconds as f64 <= rpo),
    }
}

fn clock_changes(ready: &Ready, found: &[&Entry], now: DateTime<Utc>, seen: &mut Observation) {
    let mut rows = Vec::new();
    for entry in found {
        let Some(calendar) = entry.calendar() else { continue };
        let zone = entry.zone.unwrap_or(ready.zone);
        for (at, before, after) in calendar::changes(zone, now, now + Duration::days(366)) {
            if let Some(effect) = effect(calendar, zone, at, before, after) {
                rows.push(row([
                    ("at", clock::stamp_seconds(at).into()),
                    ("shift_seconds", i64::from(after - before).into()),
                    ("entry", format!("{} line {}", entry.source, entry.line).into()),
                    ("effect", effect.into()),
                ]));
            }
        }
    }
    seen.set("clock_changes", Value::List(rows));
}

/// What a change of the offset at `at` does to a schedule; `None` when it names no time in it.
fn effect(calendar: &dyn Calendar, zone: Tz, at: DateTime<Utc>, before: i32, after: i32) -> Option<String> {
    let (low, high) = (before.min(after), before.max(after));
    let local = |offset: i32| (at + Duration::seconds(i64::from(offset))).naive_utc();
    let (from, to) = (local(low), local(high));
    let days = from.date().iter_days().take_while(|day| *day <= to.date()).filter(|day| calendar.day(*day));
    let named = days.flat_map(|day| calendar.times().iter().map(move |time| day.and_time(*time)));
    let count = named.filter(|named| from <= *named && *named < to).count();
    let what = if count == 1 { "one time".to_owned() } else { format!("{count} times") };
    if count == 0 {
        return None;
    }
    Some(match (after > before, calendar.rule()) {
        (true, Rule::Fixed) => format!("{what} in the hour that is skipped: run once, at {}", self::local(zone, at)),
        (true, _) => format!("{what} in the hour that is skipped: left out"),
        (false, Rule::Wild) => format!("{what} in the hour that is repeated: run twice"),
        (false, _) => format!("{what} in the hour that is repeated: run the first time only"),
    })
}
