//! Puts what a pass found into the words of the observation. What could not be counted to the end is
//! missing, with what was counted until then beside it.

use crate::base::clock;
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::value::{Map, Value};

use super::excerpt::{Kept, Lines};
use super::scan::{Around, Choice, Said, Tally, Timed};
use super::{Pass, Ready};
use crate::events::zone::Moment;

/// Fills `seen`.
pub fn tell(ready: &Ready, pass: Pass, seen: &mut Observation) {
    let short = pass.cut_short.clone();
    seen.set("complete", short.is_none());
    seen.set("zone", ready.zone.name());
    seen.set("zone_from", ready.zone_from);
    seen.set("lines_cut", pass.found.overlong);
    seen.set("nul_bytes", pass.found.nuls);
    seen.set("encoding", pass.encoding.word());
    tell_totals(&pass, seen);
    let unsure = short.clone().or_else(|| unsearched(&pass));
    tell_patterns(ready, &pass.found.tallies, unsure.as_ref(), seen);
    tell_times(pass.found.times, short.as_ref(), seen);
    match no_excerpt(ready, pass.found.around, short) {
        Some(absence) => {
            for value in ["excerpt", "excerpt_lines", "excerpt_left_out"] {
                seen.miss(value, absence.clone());
            }
        }
        None => tell_excerpt(ready, &pass.found.excerpt, seen),
    }
    tell_window(pass.found.around, ready, seen);
    let _ = pass.rules;
}

fn tell_totals(pass: &Pass, seen: &mut Observation) {
    let (lines, bytes) = (pass.found.lines, pass.bytes);
    match &pass.cut_short {
        None => {
            seen.set("lines_total", lines);
            seen.set("bytes_total", bytes);
        }
        Some(why) => {
            seen.set("lines_read", lines);
            seen.set("bytes_read", bytes);
            seen.miss("lines_total", why.clone());
            seen.miss("bytes_total", why.clone());
        }
    }
}

/// A pattern may have matched where a line was too long to be searched to its end.
fn unsearched(pass: &Pass) -> Option<Absence> {
    let lines = pass.found.overlong;
    (lines > 0).then(|| {
        let message = format!("{lines} lines longer than `max_line` were searched at their beginning only");
        Absence::new(Reason::Limit, message)
    })
}

fn tell_patterns(ready: &Ready, tallies: &[Tally], unsure: Option<&Absence>, seen: &mut Observation) {
    let mut all = Map::new();
    for (name, tally) in ready.patterns.names().zip(tallies) {
        let mut values = Map::new();
        match unsure {
            None => drop(values.insert("count".into(), tally.count.into())),
            Some(why) => {
                values.insert("count_at_least".into(), tally.count.into());
                seen.miss(&format!("patterns.{name}.count"), why.clone());
            }
        }
        for (which, timed) in [("first", &tally.first), ("last", &tally.last)] {
            let path = format!("patterns.{name}.{which}");
            match (timed, unsure) {
                (Some(timed), _) => drop(values.insert(which.into(), line(timed))),
                (None, Some(why)) => seen.miss(&path, why.clone()),
                // That there is none is seen already: the count is 0.
                (None, None) => seen.miss(&path, Absence::new(Reason::NotApplicable, "the pattern never matches")),
            }
        }
        all.insert(name.to_owned(), values.into());
    }
    seen.set("patterns", all);
}

fn line(timed: &Timed) -> Value {
    let mut values = kept(&timed.line);
    if let Some((written, moment)) = &timed.time {
        put_time(written, *moment, "time", &mut values);
    } else if let Some((written, moment)) = &timed.after {
        put_time(written, *moment, "after_time", &mut values);
    }
    values.into()
}

fn kept(line: &Kept) -> Map {
    let mut values = Map::new();
    values.insert("line".into(), line.number.into());
    values.insert("offset".into(), line.offset.into());
    values.insert("text".into(), line.text.clone().into());
    if let Some(length) = line.cut_from {
        values.insert("cut".into(), true.into());
        values.insert("line_bytes".into(), length.into());
    }
    values
}

/// The instant, if it is certain, with the time as written; otherwise why it is not.
fn put_time(written: &str, moment: Moment, name: &str, values: &mut Map) {
    values.insert(format!("{name}_written"), written.into());
    if let Some(instant) = moment.certain() {
        values.insert(name.to_owned(), clock::stamp(instant).into());
    }
    if let Some(note) = moment.note() {
        values.insert(format!("{name}_note"), note.into());
    }
}

fn tell_times((first, last): (Said, Said), short: Option<&Absence>, seen: &mut Observation) {
    for (name, time) in [("first_time", first), ("last_time", last)] {
        let Some((written, moment)) = time else {
            seen.miss(name, Absence::new(Reason::NotFound, "no line says a time in a known form"));
            continue;
        };
        put_time(&written, moment, name, &mut seen.values);
        if let Some(note) = moment.note() {
            seen.miss(name, Absence::new(Reason::Unparsable, format!("`{written}`: {note}")));
        }
    }
    if let Some(why) = short {
        seen.values.remove("last_time");
        seen.miss("last_time", why.clone());
    }
}

fn no_excerpt(ready: &Ready, around: Around, short: Option<Absence>) -> Option<Absence> {
    let Choice::Around(pattern, _) = ready.choice else { return None };
    let name = ready.patterns.name(pattern);
    match around {
        Around::Found(..) => None,
        Around::NoTime => {
            let message = format!("the first match of `{name}` has no certain time to look around");
            Some(Absence::new(Reason::Unparsable, message))
        }
        Around::Waiting if ready.limits.tail > 0 => None,
        Around::Waiting => Some(short.unwrap_or_else(|| {
            Absence::new(Reason::NotFound, format!("`{name}` never matches, so there is nothing to look around"))
        })),
    }
}

fn tell_window(around: Around, ready: &Ready, seen: &mut Observation) {
    let window = match (around, ready.choice) {
        (Around::Found(from, to), _) | (_, Choice::Window(from, to)) => (from, to),
        _ => return,
    };
    seen.set("window_from", clock::stamp(window.0));
    seen.set("window_to", clock::stamp(window.1));
}

fn tell_excerpt(ready: &Ready, excerpt: &Lines, seen: &mut Observation) {
    let lines = excerpt.lines.iter().map(|line| {
        let names = line.patterns.iter().map(|at| Value::from(ready.patterns.name(*at))).collect();
        let mut values = kept(line);
        values.insert("patterns".into(), Value::List(names));
        Value::Map(values)
    });
    seen.set("excerpt", Value::List(lines.collect()));
    seen.set("excerpt_lines", excerpt.lines.len());
    seen.set("excerpt_left_out", excerpt.left_out());
    seen.attachments.push(Attachment { name: "excerpt.txt".into(), bytes: excerpt.as_text() });
}
