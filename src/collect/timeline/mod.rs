//! `timeline`: events of any number of logs, of files' own times and of earlier facts, in one order.
//! Derived: which line is an event is decided by patterns, and where it stands by zones and formats
//! that the case names. It reads the logs again, whatever other steps read of them, and keeps of each
//! line its time as written beside the instant that it means.

mod doc;
pub mod sources;
mod tell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::base::{clock, files, text};
use crate::events::zone::Moment;
use crate::events::{Event, Keeper, Kind, Twins};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, settings, subject};
pub use doc::SOURCES;
pub use tell::{name, names, not_whole, sources as tell_sources};

use sources::{FromFact, Outcome, Ready as Origin};

/// The collector.
pub struct TimelineCollector;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    sources: Vec<sources::With>,
    between: Option<[String; 2]>,
    limit: Option<u16>,
}

struct Ready {
    sources: Vec<Origin>,
    between: Option<(DateTime<Utc>, DateTime<Utc>)>,
    limit: usize,
}

/// What one source gave, by its position.
pub enum Seen {
    /// A file of a log.
    File(Box<Outcome>),
    /// Anything else: its name, and how many events it gave or why none.
    Other(String, Result<u64, Absence>),
}

impl Collector for TimelineCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let zone = settings.case.zone.as_deref().and_then(|zone| zone.parse().ok()).unwrap_or(chrono_tz::UTC);
        let between = with.between.as_ref().map(|between| settings::between(between, zone));
        let limit = usize::from(with.limit.unwrap_or(500));
        if !(1..=5000).contains(&limit) {
            return Err(SettingError::new("with: limit: between 1 and 5000 events"));
        }
        Ok(Box::new(Ready { sources: sources::ready(&with.sources, settings)?, between: between.transpose()?, limit }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        self.sources.iter().map(|source| Action::new(Verb::Read, source.what())).collect()
    }

    fn basis(&self) -> Basis {
        Basis::Derived
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let mut keeper = Keeper::new(self.limit, self.between);
        let seen = read_all(&self.sources, surroundings, &mut |event, _, _| keeper.take(event));
        let mut observation = Observation::of(tell::names(&seen));
        tell::tell(self.between, &keeper.finish(), &seen, &mut observation);
        observation.how = self.sources.iter().map(Origin::what).collect();
        Raw::new(observation)
    }
}

/// Takes an event, the log it stands in, and what that is about.
pub type Sink<'s> = dyn FnMut(Event, usize, &str) + 's;

/// Reads every source in order; gives what became of each, by position.
pub fn read_all(sources: &[Origin], surroundings: &Surroundings<'_>, sink: &mut Sink<'_>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (group, source) in sources.iter().enumerate() {
        match source {
            Origin::Log(log) => match log.files() {
                Ok(paths) => {
                    let mut twins = Twins::of_files(paths.len());
                    for path in paths {
                        let place = seen.len();
                        let mut take = |event| sink(event, group, &log.subject);
                        let outcome = log.read(&path, place, &mut twins, surroundings.progress, &mut take);
                        seen.push(Seen::File(Box::new(outcome)));
                    }
                }
                Err(absence) => seen.push(Seen::Other(source.what(), Err(absence))),
            },
            Origin::Fact(from) => {
                let found = of_fact(from, surroundings.facts, seen.len()).map(|event| {
                    sink(event, group, &from.id);
                    1
                });
                seen.push(Seen::Other(format!("fact {}", from.id), found));
            }
            Origin::File(path) => {
                let found = of_file(path, seen.len()).map(|events| {
                    let count = events.len() as u64;
                    events.into_iter().for_each(|event| sink(event, group, ""));
                    count
                });
                seen.push(Seen::Other(text::from_name(path).into_owned(), found));
            }
        }
    }
    seen
}

fn event(source: usize, kind: &str, at: DateTime<Utc>, original: String, subject: String, text: String) -> Event {
    Event {
        source,
        line: 0,
        kinds: vec![Kind::named(kind)],
        moment: Some(Moment::At(at)),
        original,
        place: Some(at),
        back: false,
        subject,
        run: None,
        step: None,
        text,
        twin: None,
    }
}

fn of_fact(from: &FromFact, facts: &[Fact], source: usize) -> Result<Event, Absence> {
    let gone = || Absence::new(Reason::Unavailable, format!("fact {}: is not in this run", from.id));
    let fact = facts.iter().find(|fact| fact.id == from.id).ok_or_else(gone)?;
    let written = match (from.time.as_str(), fact.at(&from.time)) {
        ("observed_at", _) => fact.observed_at.clone(),
        (_, Some(Ok(Value::Text(text)))) => text.clone(),
        (_, Some(Err(absence))) => return Err(absence.clone()),
        _ => {
            let message = format!("fact {}: shows no time at `{}`", from.id, from.time);
            return Err(Absence::new(Reason::Unparsable, message));
        }
    };
    let at = DateTime::parse_from_rfc3339(&written).map_err(|_| {
        let message = format!("fact {}: what stands at `{}` is no RFC 3339 time", from.id, from.time);
        Absence::new(Reason::Unparsable, message)
    })?;
    Ok(event(source, "fact", at.to_utc(), written, from.id.clone(), from.says.clone()))
}

fn of_file(path: &Path, source: usize) -> Result<Vec<Event>, Absence> {
    let name = text::from_name(path).into_owned();
    let settle = format!("sudo stat -- {}", text::shell_word(&name));
    let metadata = files::metadata(path).map_err(|e| subject::absence(&e, &settle))?;
    let mut times = BTreeMap::new();
    times.entry((metadata.mtime(), metadata.mtime_nsec())).or_insert_with(Vec::new).push("content last changed");
    times.entry((metadata.ctime(), metadata.ctime_nsec())).or_insert_with(Vec::new).push("metadata last changed");
    let events = times.into_iter().filter_map(|((seconds, nanos), says)| {
        let at = clock::from_epoch(seconds, nanos)?;
        let text = format!("{name}: {} ({} bytes now)", says.join(", "), metadata.len());
        Some(event(source, "file", at, clock::stamp(at), name.clone(), text))
    });
    Ok(events.collect())
}
