//! `cron`: what runs when. The files are read as they stand; the engine says when their entries fire.
//! Nothing here says that anything ran.

mod diff;
mod doc;
mod dropin;
mod source;
mod tell;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use chrono_tz::Tz;
use regex::Regex;
use serde::Deserialize;

use crate::base::{clock, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};
use crate::schedule::cron::Cron;
use crate::schedule::timer::OnCalendar;

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, settings};
use source::{Format, Read, When};

/// The collector.
pub struct CronCollector;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    sources: Vec<String>,
    format: Option<String>,
    runs: Option<String>,
    runs_pattern: Option<String>,
    zone: Option<String>,
    expect: Option<String>,
    before: Option<String>,
    rpo: Option<Value>,
    retention: Option<Value>,
}

struct Ready {
    sources: Vec<PathBuf>,
    format: Format,
    runs: Option<String>,
    pattern: Option<Regex>,
    zone: Tz,
    zone_from: &'static str,
    expect: Option<When>,
    before: Option<String>,
    rpo: Option<f64>,
    retention: Option<f64>,
}

impl Collector for CronCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        if with.sources.is_empty() {
            return Err(SettingError::new("with: sources: is empty; name crontabs, folders or timers"));
        }
        let (zone, zone_from) = settings.zone(with.zone.as_deref())?;
        if let Some(id) = &with.before {
            settings.earlier_step("before", id)?;
        }
        let duration = |name: &str, value: &Option<Value>| match value {
            Some(_) => settings::seconds(name, value.as_ref(), 0.0).map(Some),
            None => Ok(None),
        };
        Ok(Box::new(Ready {
            sources: with.sources.iter().map(|source| settings.path(source)).collect(),
            format: format(with.format.as_deref())?,
            runs: with.runs.clone(),
            pattern: with.runs_pattern.as_deref().map(pattern).transpose()?,
            zone,
            zone_from,
            expect: with.expect.as_deref().map(expected).transpose()?,
            before: with.before.clone(),
            rpo: duration("rpo", &with.rpo)?,
            retention: duration("retention", &with.retention)?,
        }))
    }
}

fn format(written: Option<&str>) -> Result<Format, SettingError> {
    match written {
        None => Ok(Format::Auto),
        Some("user") => Ok(Format::User),
        Some("system") => Ok(Format::System),
        Some(_) => Err(SettingError::new("with: format: `user` or `system`")),
    }
}

fn pattern(written: &str) -> Result<Regex, SettingError> {
    Regex::new(written).map_err(|e| SettingError::new(format!("with: runs_pattern: {e}")))
}

fn expected(written: &str) -> Result<When, SettingError> {
    let cron = Cron::parse(written);
    let fail = |why: String| SettingError::new(format!("with: expect: `{}`: {why}", text::visible(written)));
    match (cron, OnCalendar::parse(written)) {
        (Ok(cron), _) => Ok(When::Cron(cron)),
        (Err(_), Ok(calendar)) => Ok(When::Timer(calendar)),
        (Err(why), Err(_)) => Err(fail(why.0)),
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        self.sources.iter().map(|source| Action::new(Verb::Read, text::from_name(source).into_owned())).collect()
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see(surroundings))
    }
}

impl Ready {
    fn see(&self, surroundings: &Surroundings<'_>) -> Observation {
        let read = Read::all(&self.sources, self.format);
        let names: Vec<_> = self.sources.iter().map(|source| text::from_name(source).into_owned()).collect();
        let source = names.join(", ");
        if !read.exists {
            let why = read.unread.unwrap_or_else(|| Absence::new(Reason::NotFound, "none of the sources is there"));
            let mut seen = Observation::absent(source, why);
            seen.how = names;
            return seen;
        }
        let mut seen = Observation::of(source);
        seen.how = names;
        tell::tell(self, &read, clock::now(), &mut seen);
        diff::tell(self, &read, surroundings.facts, &mut seen);
        seen
    }

    /// Whether an entry is one of those looked for.
    fn finds(&self, command: &str) -> bool {
        let text = self.runs.as_ref().is_none_or(|text| command.contains(text.as_str()));
        text && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(command))
    }
}

fn row<const N: usize>(values: [(&str, Value); N]) -> Value {
    Value::Map(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map>())
}
