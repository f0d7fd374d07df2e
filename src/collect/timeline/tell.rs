//! Puts a timeline into the words of an observation: rows of events, what was counted of each source,
//! and the marks on its times.

use chrono::{DateTime, Utc};

use crate::base::{clock, text};
use crate::events::encoding::Encoding;
use crate::events::zone::Moment;
use crate::events::{Event, Lane, Tally, Timeline, figure};
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::value::{Map, Value};

use super::Seen;
use super::sources::Outcome;

/// The name of the figure.
const FIGURE: &str = "timeline.svg";
/// Marks shown.
const MARKS: usize = 200;

/// Fills `seen`.
pub fn tell(
    between: Option<(DateTime<Utc>, DateTime<Utc>)>,
    timeline: &Timeline,
    all: &[Seen],
    seen: &mut Observation,
) {
    let events: Vec<Value> = timeline.events.iter().map(|event| row(event, all)).collect();
    seen.set("events", Value::List(events));
    seen.set("events_left_out", timeline.cut());
    if between.is_some() {
        seen.set("events_outside", timeline.outside);
    } else {
        seen.miss("events_outside", Absence::new(Reason::NotApplicable, "no window was asked for"));
    }
    let counts: Map = timeline.counts.iter().map(|(kind, count)| (kind.clone(), (*count).into())).collect();
    sources(all, seen);
    if seen.values.get("complete") == Some(&Value::Bool(true)) {
        seen.set("events_total", timeline.total);
        seen.set("counts", counts);
    } else {
        // What was not read may hold more of each.
        seen.set("events_at_least", timeline.total);
        seen.set("counts_at_least", counts);
        seen.miss("events_total", not_whole());
        seen.miss("counts", not_whole());
    }
    seen.set("marks", Value::List(marks(all)));
    let times = || timeline.events.iter().filter_map(Event::at);
    for (name, time) in [("first", times().min()), ("last", times().max())] {
        match time {
            Some(time) => seen.set(name, clock::stamp(time)),
            None => seen.miss(name, Absence::new(Reason::NotFound, "no event has a certain time")),
        }
    }
    draw(timeline, all, seen);
}

/// Why nothing is known of all lines.
#[must_use]
pub fn not_whole() -> Absence {
    Absence::new(Reason::Limit, "not every source was read to its end; `sources` says which and why")
}

fn draw(timeline: &Timeline, all: &[Seen], seen: &mut Observation) {
    let lanes = all.iter().enumerate().map(|(source, seen)| Lane { source, name: short(&name(seen)).to_owned() });
    match figure(&timeline.events, &lanes.collect::<Vec<_>>()) {
        Some(bytes) => {
            seen.set("figure", FIGURE);
            seen.attachments.push(Attachment { name: FIGURE.into(), bytes });
        }
        None => seen.miss("figure", Absence::new(Reason::NotFound, "no event has a place in time")),
    }
}

/// The last part of a path.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What a source is called.
#[must_use]
pub fn name(seen: &Seen) -> String {
    match seen {
        Seen::File(outcome) => text::from_name(&outcome.path).into_owned(),
        Seen::Other(name, _) => name.clone(),
    }
}

/// All sources in a few words.
#[must_use]
pub fn names(all: &[Seen]) -> String {
    all.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn row(event: &Event, all: &[Seen]) -> Value {
    let mut row = Map::new();
    let mut set = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    match event.moment {
        Some(Moment::At(instant)) => set("at", clock::stamp(instant).into()),
        Some(Moment::Either(first, second)) => {
            set("at_earliest", clock::stamp(first).into());
            set("at_latest", clock::stamp(second).into());
        }
        _ => {}
    }
    if let Some(note) = event.moment.and_then(Moment::note) {
        set("note", note.into());
    }
    if event.moment.is_none() {
        set("inherited", true.into());
        if let Some(place) = event.place {
            set("after", clock::stamp(place).into());
        }
    }
    if !event.original.is_empty() {
        set("original", event.original.as_str().into());
    }
    set("source", all.get(event.source).map(name).unwrap_or_default().into());
    if event.line > 0 {
        set("line", event.line.into());
    }
    set("kind", event.kind().word().into());
    let also: Vec<Value> = event.kinds.iter().skip(1).map(|kind| kind.word().into()).collect();
    if !also.is_empty() {
        set("also", Value::List(also));
    }
    set("subject", event.subject.as_str().into());
    if let Some(run) = &event.run {
        set("run", run.as_str().into());
    }
    if let Some((i, n)) = event.step {
        set("step", format!("{i}/{n}").into());
    }
    set("text", event.text.as_str().into());
    if event.back {
        set("clock_back", true.into());
    }
    if let Some((source, line)) = event.twin {
        set("repeats", format!("{}:{line}", all.get(source).map(name).unwrap_or_default()).into());
    }
    row.into()
}

/// The table of sources, whether all were read to their ends, and why not.
pub fn sources(all: &[Seen], seen: &mut Observation) {
    let mut complete = true;
    let mut rows = Vec::new();
    for (index, source) in all.iter().enumerate() {
        let (row, why) = match source {
            Seen::File(outcome) => (of_file(outcome), outcome.cut_short.as_ref()),
            Seen::Other(name, found) => (of_other(name, found), found.as_ref().err()),
        };
        if let Some(why) = why {
            complete = false;
            seen.miss(&format!("sources.{index}.last"), why.clone());
        }
        rows.push(Value::Map(row));
    }
    seen.set("sources", Value::List(rows));
    seen.set("complete", complete);
}

fn of_other(name: &str, found: &Result<u64, Absence>) -> Map {
    let mut row = Map::new();
    row.insert("source".into(), name.into());
    row.insert("complete".into(), found.is_ok().into());
    match found {
        Ok(events) => drop(row.insert("events".into(), (*events).into())),
        Err(why) => drop(row.insert("why".into(), why.message.as_str().into())),
    }
    row
}

fn of_file(outcome: &Outcome) -> Map {
    let mut row = Map::new();
    let mut set = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    set("source", text::from_name(&outcome.path).into());
    set("complete", outcome.cut_short.is_none().into());
    if let Some(why) = &outcome.cut_short {
        set("why", why.message.as_str().into());
    }
    set("zone", outcome.zone.name().into());
    set("zone_from", outcome.zone_from.into());
    set("container", outcome.container.into());
    if outcome.encoding != Encoding::Bytes {
        set("encoding", outcome.encoding.word().into());
    }
    if let Some(sha256) = &outcome.sha256 {
        set("sha256", sha256.as_str().into());
    }
    if let Some(tally) = &outcome.tally {
        counted(tally, &mut set);
    }
    row
}

fn counted(tally: &Tally, set: &mut dyn FnMut(&str, Value)) {
    set("lines", tally.lines.into());
    set("stamped", tally.stamped.into());
    set("unstamped", tally.unstamped().into());
    set("ambiguous", tally.ambiguous.into());
    set("impossible", tally.impossible.into());
    set("clock_back", tally.back.into());
    set("events", tally.events.into());
    set("repeated", tally.twins.into());
    set("lines_cut", tally.cut.into());
    set("nul_bytes", tally.nuls.into());
    set("not_utf8", tally.not_utf8.into());
    set("ends_open", tally.ends_open.into());
    set("format", tally.format.as_str().into());
    set("year_inferred", tally.year_inferred.into());
    for (name, time) in [("first", &tally.first), ("last", &tally.last)] {
        if let Some((time, written)) = time {
            set(name, clock::stamp(*time).into());
            set(&format!("{name}_written"), written.as_str().into());
        }
    }
}

fn marks(all: &[Seen]) -> Vec<Value> {
    let files = all.iter().filter_map(|seen| match seen {
        Seen::File(outcome) => outcome.tally.as_ref().map(|tally| (name(seen), tally)),
        Seen::Other(..) => None,
    });
    let mut rows = Vec::new();
    for (name, tally) in files {
        let mut marks: Vec<_> = tally.marks.iter().collect();
        marks.sort_by_key(|mark| mark.line);
        for mark in marks.into_iter().take(MARKS.saturating_sub(rows.len())) {
            let mut row = Map::new();
            row.insert("source".into(), name.as_str().into());
            row.insert("line".into(), mark.line.into());
            row.insert("mark".into(), mark.kind.word().into());
            if !mark.original.is_empty() {
                row.insert("original".into(), mark.original.as_str().into());
            }
            for (key, time) in [("before", mark.before), ("at", mark.at)] {
                if let Some(time) = time {
                    row.insert(key.into(), clock::stamp(time).into());
                }
            }
            rows.push(row.into());
        }
    }
    rows
}
