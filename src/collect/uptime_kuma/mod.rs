//! `uptime_kuma`: what the monitors of an Uptime Kuma installation saw last, from its own database.
//! That a monitor exists and beats says nothing of an alert that nobody sent; the words here stay on
//! this side of it.

mod doc;
mod monitors;
mod schema;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::Deserialize;

use crate::base::{clock, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::sqlite::{self, Copied, Limits};
use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, settings, subject};
use monitors::{Measure, Monitor, State};
use schema::Schema;

/// The collector.
pub struct UptimeKuma;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    #[serde(default)]
    only: Vec<Value>,
    margin: Option<Value>,
    as_of: Option<String>,
    limit: Option<u16>,
    attempts: Option<u32>,
    max_copy: Option<Value>,
    timeout: Option<Value>,
}

struct Ready {
    path: PathBuf,
    only: Vec<Value>,
    margin: i64,
    as_of: Option<DateTime<Utc>>,
    limit: usize,
    limits: Limits,
    time: Duration,
}

impl Collector for UptimeKuma {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        if with.only.iter().any(|one| one.as_int().is_none() && one.as_text().is_none()) {
            return Err(SettingError::new("with: only: numbers or names of monitors"));
        }
        let as_of = with.as_of.map(|text| text.parse::<DateTime<Utc>>()).transpose();
        let as_of = as_of.map_err(|_| SettingError::new("with: as_of: write e.g. 2026-05-15T10:23:50+02:00"))?;
        #[expect(clippy::cast_possible_truncation, reason = "seconds() gives at most a few centuries")]
        let margin = settings::seconds("margin", with.margin.as_ref(), 60.0)? as i64;
        Ok(Box::new(Ready {
            path: settings.path(&with.path),
            only: with.only,
            margin,
            as_of,
            limit: usize::from(with.limit.unwrap_or(200)),
            limits: Limits::of(with.attempts, with.max_copy.as_ref())?,
            time: Limits::time(with.timeout.as_ref())?,
        }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        self.how().into_iter().map(|how| Action::new(Verb::Read, how)).collect()
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let copied = sqlite::copy(&self.path, surroundings.scratch, surroundings.progress, self.limits);
        let mut seen = match copied {
            Ok(copied) => self.see(&copied),
            Err(why) => Observation::absent(text::from_name(&self.path), why),
        };
        seen.how = self.how().into();
        Raw::new(seen)
    }
}

impl Ready {
    fn how(&self) -> [String; 2] {
        let name = text::from_name(&self.path);
        let columns = "monitors without their push tokens, last heartbeats, number of notifications";
        [format!("{name} with its -wal and -journal, copied and read again"), format!("in the copy: {columns}")]
    }

    fn see(&self, copied: &Copied) -> Observation {
        let mut seen = Observation::of(text::from_name(&self.path));
        sqlite::tell(copied, &mut seen);
        let told = sqlite::open(copied, self.time).and_then(|connection| self.tell(&connection, &mut seen));
        if let Err(why) = told {
            subject::miss_the_rest(&mut seen, &doc::DOC, &why);
        }
        seen
    }

    fn tell(&self, connection: &Connection, seen: &mut Observation) -> Result<(), Absence> {
        let fail = |error: rusqlite::Error| sqlite::absence(&error, &self.path, self.time);
        let schema = Schema::of(connection).map_err(fail)?;
        if let Some(lacks) = schema.lacks() {
            let message = format!("this database is none of Uptime Kuma's: it lacks {lacks}");
            return Err(Absence::new(Reason::Unparsable, message));
        }
        let measure = Measure { as_of: self.as_of.unwrap_or_else(clock::now), margin: self.margin };
        let all = monitors::read(connection, &schema).map_err(fail)?;
        if all.len() > monitors::MOST {
            return Err(Absence::new(Reason::Limit, format!("more than {} monitors", monitors::MOST)));
        }
        tell_schema(&schema, measure, seen);
        let found: Vec<&Monitor> = all.iter().filter(|monitor| self.wants(monitor)).collect();
        self.tell_asked(&all, &found, measure, seen);
        tell_totals(&found, measure, seen);
        seen.set("monitors_cut", found.len() > self.limit);
        let rows = found.iter().take(self.limit).map(|monitor| Value::Map(monitor.told(measure)));
        seen.set("monitors", Value::List(rows.collect()));
        Ok(())
    }

    fn wants(&self, monitor: &Monitor) -> bool {
        self.only.is_empty() || self.only.iter().any(|asked| monitor.is(asked))
    }

    fn tell_asked(&self, all: &[Monitor], found: &[&Monitor], measure: Measure, seen: &mut Observation) {
        let missing = self.only.iter().filter(|asked| !all.iter().any(|monitor| monitor.is(asked)));
        seen.set("not_found", Value::List(missing.cloned().collect()));
        match (self.only.as_slice(), found) {
            ([_], [monitor]) => seen.set("monitor", monitor.told(measure)),
            ([_], []) => seen.miss("monitor", Absence::new(Reason::NotFound, "the database has no such monitor")),
            ([_], _) => seen.miss("monitor", Absence::new(Reason::Unparsable, "several monitors have this name")),
            _ => seen.miss("monitor", Absence::new(Reason::NotApplicable, "`only` does not name exactly one monitor")),
        }
    }
}

fn tell_schema(schema: &Schema, measure: Measure, seen: &mut Observation) {
    seen.set("generation", i64::from(schema.generation));
    match &schema.version {
        Some(version) => seen.set("schema_version", version.clone()),
        None => seen.miss("schema_version", Absence::new(Reason::NotFound, "the database does not say it")),
    }
    seen.set("as_of", clock::stamp(measure.as_of));
    seen.set("margin_seconds", measure.margin);
}

fn tell_totals(found: &[&Monitor], measure: Measure, seen: &mut Observation) {
    let names = |wanted: &dyn Fn(&Monitor) -> bool| -> Vec<String> {
        found.iter().filter(|monitor| wanted(monitor)).map(|monitor| monitor.name.clone()).collect()
    };
    seen.set("monitors_total", found.len());
    seen.set("active_total", found.iter().filter(|monitor| !monitor.paused).count());
    for (key, state) in [
        ("up_total", State::Up),
        ("down_total", State::Down),
        ("pending_total", State::Pending),
        ("maintenance_total", State::Maintenance),
        ("unclear_total", State::Unclear),
        ("never_seen_total", State::NeverSeen),
        ("paused_total", State::Paused),
    ] {
        seen.set(key, found.iter().filter(|monitor| monitor.state(measure) == state).count());
    }
    let stale = names(&|monitor| monitor.stale(measure));
    seen.set("stale_total", stale.len());
    seen.set("stale", stale);
    let unclear = names(&|monitor| monitor.state(measure) == State::Unclear);
    if !unclear.is_empty() {
        let message = format!("of {} the last status, its time or the interval is not understood", unclear.join(", "));
        for total in ["up_total", "down_total", "stale_total"] {
            seen.values.remove(total);
            seen.miss(total, Absence::new(Reason::Unparsable, message.clone()));
        }
    }
    seen.set("unclear", unclear);
    seen.set("down", names(&|monitor| monitor.state(measure) == State::Down));
    seen.set("never_seen", names(&|monitor| monitor.state(measure) == State::NeverSeen));
    seen.set("paused", names(&|monitor| monitor.state(measure) == State::Paused));
}

#[cfg(test)]
mod tests {
    use super::super::testing::prepare;
    use super::*;

    #[test]
    fn settings_are_checked_before_anything_is_read() {
        let error = |with: &str| prepare(&UptimeKuma, with).err().unwrap().message;
        assert!(error("{}").contains("path"));
        assert!(error("{ path: /x, only: [true] }").contains("only"));
        assert!(error("{ path: /x, as_of: yesterday }").contains("as_of"));
        assert!(error("{ path: /x, margin: 7 }").contains("margin"));
        assert!(error("{ path: /x, monitors: [] }").contains("monitors"));
    }

    #[test]
    fn one_that_is_not_there_is_an_absence() {
        let seen = super::super::testing::look(&UptimeKuma, "{ path: /no/such.db }");
        assert_eq!(seen.absence.map(|why| why.reason), Some(Reason::NotFound));
    }
}
