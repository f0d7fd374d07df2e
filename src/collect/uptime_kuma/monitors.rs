//! Monitors with their last heartbeats, as the database has them; and what follows for each from its
//! interval. The push token is not among what is read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, Error, OptionalExtension, Row};

use crate::base::{clock, text};
use crate::model::value::{Map, Value};

use super::schema::Schema;

/// More monitors than this are not those of one installation.
pub(super) const MOST: usize = 20_000;

/// So many seconds may two clocks differ.
const AHEAD: i64 = 60;

/// What a monitor is in, from itself, its groups and its last heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Paused,
    NeverSeen,
    Up,
    Down,
    Pending,
    Maintenance,
    /// A status, time or interval from which nothing follows.
    Unclear,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::NeverSeen => "never seen",
            Self::Up => "up",
            Self::Down => "down",
            Self::Pending => "pending",
            Self::Maintenance => "maintenance",
            Self::Unclear => "unclear",
        }
    }
}

/// One heartbeat.
pub(super) struct Beat {
    status: Option<i64>,
    at: Option<DateTime<Utc>>,
    message: Option<String>,
}

/// One monitor.
pub(super) struct Monitor {
    pub(super) id: i64,
    pub(super) name: String,
    kind: Option<String>,
    url: Option<String>,
    active: bool,
    parent: Option<i64>,
    interval: Option<i64>,
    push_token: Option<bool>,
    notifications: Option<i64>,
    last: Option<Beat>,
    last_up: Option<DateTime<Utc>>,
    /// Whether it or a group above it is paused.
    pub(super) paused: bool,
}

/// To when ages are counted, and what an interval may be exceeded by.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    pub(super) as_of: DateTime<Utc>,
    pub(super) margin: i64,
}

/// Every monitor, by number.
///
/// # Errors
/// When SQLite cannot read them.
pub(super) fn read(connection: &Connection, schema: &Schema) -> Result<Vec<Monitor>, Error> {
    let has = |name: &str| schema.monitor.contains(name);
    let or_null = |name: &'static str| if has(name) { name } else { "NULL" };
    let token = if has("push_token") { "push_token IS NOT NULL AND push_token <> ''" } else { "NULL" };
    let sql = format!(
        "SELECT id, name, type, active, interval, {}, {}, {token} FROM monitor ORDER BY id LIMIT {}",
        or_null("url"),
        or_null("parent"),
        MOST + 1,
    );
    let mut statement = connection.prepare(&sql)?;
    let mut monitors = statement.query_map([], monitor)?.collect::<Result<Vec<_>, _>>()?;
    let mut beats = Beats::of(connection, schema)?;
    for monitor in &mut monitors {
        beats.complete(monitor)?;
    }
    mark_paused(&mut monitors);
    Ok(monitors)
}

fn monitor(row: &Row<'_>) -> Result<Monitor, Error> {
    let number = |index| row.get::<_, Cell>(index).map(whole);
    Ok(Monitor {
        id: number(0)?.unwrap_or_default(),
        name: row.get::<_, Cell>(1).map(words)?.unwrap_or_default(),
        kind: row.get::<_, Cell>(2).map(words)?,
        active: number(3)?.unwrap_or(1) != 0,
        interval: number(4)?,
        url: row.get::<_, Cell>(5).map(words)?.filter(|url| !matches!(url.as_str(), "" | "https://" | "http://")),
        parent: number(6)?,
        push_token: number(7)?.map(|has| has != 0),
        notifications: None,
        last: None,
        last_up: None,
        paused: false,
    })
}

/// The questions about one monitor, each prepared once.
struct Beats<'c> {
    last: rusqlite::Statement<'c>,
    up: rusqlite::Statement<'c>,
    notifications: Option<rusqlite::Statement<'c>>,
}

impl<'c> Beats<'c> {
    fn of(connection: &'c Connection, schema: &Schema) -> Result<Self, Error> {
        let message = if schema.heartbeat.contains("msg") { "msg" } else { "NULL" };
        let ordered = "ORDER BY time DESC, id DESC LIMIT 1";
        let last = format!("SELECT status, time, {message} FROM heartbeat WHERE monitor_id = ?1 {ordered}");
        let up = format!("SELECT time FROM heartbeat WHERE monitor_id = ?1 AND status = 1 {ordered}");
        let count = "SELECT count(*) FROM monitor_notification m JOIN notification n ON n.id = m.notification_id \
                     WHERE m.monitor_id = ?1 AND n.active";
        Ok(Self {
            last: connection.prepare(&last)?,
            up: connection.prepare(&up)?,
            notifications: schema.notifications.then(|| connection.prepare(count)).transpose()?,
        })
    }

    fn complete(&mut self, monitor: &mut Monitor) -> Result<(), Error> {
        let beat = |row: &Row<'_>| {
            Ok(Beat { status: whole(row.get(0)?), at: time(&row.get(1)?), message: words(row.get(2)?) })
        };
        monitor.last = self.last.query_row([monitor.id], beat).optional()?;
        monitor.last_up = self.up.query_row([monitor.id], |row| Ok(time(&row.get(0)?))).optional()?.flatten();
        if let Some(count) = &mut self.notifications {
            monitor.notifications = Some(count.query_row([monitor.id], |row| row.get(0))?);
        }
        Ok(())
    }
}

/// A monitor does not run while one of the groups above it is paused.
fn mark_paused(monitors: &mut [Monitor]) {
    let known: BTreeMap<i64, (bool, Option<i64>)> = monitors.iter().map(|m| (m.id, (m.active, m.parent))).collect();
    for monitor in monitors {
        let (mut next, mut passed) = (Some(monitor.id), BTreeSet::new());
        while let Some((id, (active, parent))) = next.and_then(|id| Some((id, known.get(&id)?))) {
            monitor.paused |= !active;
            // A group that is its own parent would never end.
            next = if passed.insert(id) { *parent } else { None };
        }
    }
}

fn whole(cell: Cell) -> Option<i64> {
    match cell {
        Cell::Integer(number) => Some(number),
        Cell::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn words(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Blob(bytes) => Some(text::from_bytes(&bytes).into_owned()),
        _ => None,
    }
}

/// `2026-05-15 10:23:50.123`, always UTC; milliseconds since 1970 where a driver wrote a number.
fn time(cell: &Cell) -> Option<DateTime<Utc>> {
    match cell {
        Cell::Integer(millis) => DateTime::from_timestamp_millis(*millis),
        Cell::Text(text) => {
            let naive = |form: &str| NaiveDateTime::parse_from_str(text, form).ok().map(|time| time.and_utc());
            naive("%Y-%m-%d %H:%M:%S%.f").or_else(|| text.parse().ok()).or_else(|| naive("%Y-%m-%dT%H:%M:%S%.f"))
        }
        _ => None,
    }
}

impl Monitor {
    pub(super) fn state(&self, measure: Measure) -> State {
        if self.paused {
            return State::Paused;
        }
        let Some(last) = &self.last else { return State::NeverSeen };
        match last.status {
            _ if self.slack(measure).is_none() => State::Unclear,
            Some(0) => State::Down,
            Some(1) => State::Up,
            Some(2) => State::Pending,
            Some(3) => State::Maintenance,
            _ => State::Unclear,
        }
    }

    fn age(&self, measure: Measure) -> Option<i64> {
        self.last.as_ref()?.at.map(|at| (measure.as_of - at).num_seconds())
    }

    /// Seconds left until the next heartbeat is overdue; of active ones only. A heartbeat that lies
    /// ahead comes from another clock: nothing can be counted from it.
    fn slack(&self, measure: Measure) -> Option<i64> {
        let age = self.age(measure).filter(|age| !self.paused && *age >= -AHEAD)?;
        Some(self.interval?.saturating_add(measure.margin).saturating_sub(age))
    }

    /// Whether it is known to be overdue.
    pub(super) fn stale(&self, measure: Measure) -> bool {
        self.slack(measure).is_some_and(|slack| slack < 0)
    }

    /// Whether it is asked for by its number or name.
    pub(super) fn is(&self, asked: &Value) -> bool {
        asked.as_int() == Some(self.id) || asked.as_text().is_some_and(|name| name == self.name)
    }

    /// Everything there is to say of it.
    pub(super) fn told(&self, measure: Measure) -> Map {
        let mut map = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        let stamp = |time: Option<DateTime<Utc>>| time.map(|time| clock::stamp(time).into());
        set("id", Some(self.id.into()));
        set("name", Some(self.name.clone().into()));
        set("type", self.kind.clone().map(Value::from));
        set("url", self.url.clone().map(Value::from));
        set("active", Some(self.active.into()));
        set("state", Some(self.state(measure).word().into()));
        set("interval_seconds", self.interval.map(Value::from));
        set("has_push_token", self.push_token.map(Value::from));
        set("notifications", self.notifications.map(Value::from));
        set("last_up_at", stamp(self.last_up));
        set("age_seconds", self.age(measure).map(Value::from));
        set("slack_seconds", self.slack(measure).map(Value::from));
        set("stale", self.slack(measure).map(|slack| (slack < 0).into()));
        if let Some(last) = &self.last {
            set("last_heartbeat_at", stamp(last.at));
            set("last_status", last.status.map(|status| status_word(status).into()));
            set("message", last.message.clone().filter(|m| !m.is_empty()).map(Value::from));
        }
        map
    }
}

fn status_word(status: i64) -> String {
    match status {
        0 => "down".to_owned(),
        1 => "up".to_owned(),
        2 => "pending".to_owned(),
        3 => "maintenance".to_owned(),
        other => format!("status {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_in_every_form_that_is_met() {
        let at = |cell: Cell| time(&cell).map(clock::stamp_seconds);
        let wanted = Some("2026-05-15T10:23:50Z".to_owned());
        for text in ["2026-05-15 10:23:50.123", "2026-05-15 10:23:50", "2026-05-15T10:23:50Z", "2026-05-15T10:23:50.1"]
        {
            assert_eq!(at(Cell::Text(text.into())), wanted, "{text}");
        }
        assert_eq!(at(Cell::Integer(1_778_840_630_000)), wanted);
        assert_eq!(at(Cell::Text("yesterday".into())), None);
        assert_eq!(at(Cell::Null), None);
    }

    fn monitor(id: i64, active: bool, parent: Option<i64>) -> Monitor {
        Monitor {
            id,
            name: id.to_string(),
            kind: None,
            url: None,
            active,
            parent,
            interval: Some(60),
            push_token: None,
            notifications: None,
            last: None,
            last_up: None,
            paused: false,
        }
    }

    #[test]
    fn a_paused_group_pauses_what_is_in_it_and_a_circle_ends() {
        let mut all = [
            monitor(1, false, None),
            monitor(2, true, Some(1)),
            monitor(3, true, Some(2)),
            monitor(4, true, Some(5)),
            monitor(5, true, Some(4)),
            monitor(6, true, Some(99)),
        ];
        mark_paused(&mut all);
        assert_eq!(all.map(|m| m.paused), [true, true, true, false, false, false]);
    }

    #[test]
    fn what_is_overdue_and_what_cannot_be_told() {
        let as_of = DateTime::from_timestamp(10_000, 0).unwrap();
        let measure = Measure { as_of, margin: 10 };
        let beat = |age: i64, status: i64| Beat {
            status: Some(status),
            at: DateTime::from_timestamp(10_000 - age, 0),
            message: None,
        };
        let with = |last: Option<Beat>, paused: bool| Monitor { last, paused, ..monitor(1, true, None) };
        assert!(with(Some(beat(71, 1)), false).stale(measure));
        assert!(!with(Some(beat(70, 1)), false).stale(measure));
        assert!(!with(Some(beat(999, 1)), true).stale(measure), "a paused one is not awaited");
        assert!(!with(None, false).stale(measure), "never seen is not stale");
        assert_eq!(with(Some(beat(70, 1)), false).told(measure)["slack_seconds"], 0_i64.into());
        let state = |monitor: Monitor| monitor.state(measure);
        assert_eq!(state(with(Some(beat(1, 7)), false)), State::Unclear);
        assert_eq!(state(with(Some(Beat { at: None, ..beat(1, 1) }), false)), State::Unclear);
        assert_eq!(state(with(Some(beat(-3600, 1)), false)), State::Unclear, "it lies ahead");
        assert_eq!(state(Monitor { interval: None, ..with(Some(beat(1, 1)), false) }), State::Unclear);
        assert_eq!(state(with(Some(beat(1, 0)), false)), State::Down);
        assert_eq!(state(with(None, false)), State::NeverSeen);
    }
}
