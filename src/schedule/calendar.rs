//! Days and times of day in a zone, and the instants that they mean. Where a clock change skips a
//! time or repeats it, what happens depends on who reads the schedule:
//!
//! | rule | a time that is skipped | a time that is repeated |
//! |---|---|---|
//! | `Fixed`: cron, neither minute nor hour begins with `*` | runs once, right after the change | runs once, the first time |
//! | `Wild`: cron, minute or hour begins with `*` | does not run | runs both times |
//! | `Systemd` | does not run | runs once, the first time |
//!
//! The first two are cron's own (Vixie cron as Debian has it, and cronie), for changes of less than
//! three hours; for greater ones, and for an entry whose `CRON_TZ` is not the machine's zone, cronie
//! knows only the second. The third is what `systemd-analyze calendar` says.

use chrono::{DateTime, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// What a clock change does to a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// cron, at a fixed time.
    Fixed,
    /// cron, at every so many minutes or hours.
    Wild,
    /// systemd.
    Systemd,
}

/// A schedule: days and times of day.
pub trait Calendar {
    /// Whether it runs on that day.
    fn day(&self, day: NaiveDate) -> bool;
    /// The times of day, in order.
    fn times(&self) -> &[NaiveTime];
    /// What a clock change does.
    fn rule(&self) -> Rule;
}

/// One firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// When.
    pub at: DateTime<Utc>,
    /// The local time that the schedule names.
    pub named: NaiveDateTime,
}

/// The days that are searched at most: a 29th of February on a given weekday comes within 40 years.
const SEARCH: u64 = 41 * 366;
/// Clock changes from here on are no daylight saving.
const LARGE: i64 = 3 * 3600;

/// The firings of one local day, in order.
#[must_use]
pub fn on(calendar: &dyn Calendar, zone: Tz, day: NaiveDate) -> Vec<Firing> {
    if !calendar.day(day) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for time in calendar.times() {
        let named = day.and_time(*time);
        match (zone.from_local_datetime(&named), calendar.rule()) {
            (LocalResult::Single(at), _) => out.push(Firing { at: at.to_utc(), named }),
            (LocalResult::Ambiguous(first, second), rule) => {
                let (first, second) = (first.to_utc().min(second.to_utc()), first.to_utc().max(second.to_utc()));
                out.push(Firing { at: first, named });
                if rule == Rule::Wild || (rule == Rule::Fixed && (second - first).num_seconds() >= LARGE) {
                    out.push(Firing { at: second, named });
                }
            }
            (LocalResult::None, Rule::Fixed) => {
                if let Some(at) = after_gap(zone, named) {
                    out.push(Firing { at, named });
                }
            }
            (LocalResult::None, _) => {}
        }
    }
    out.sort();
    out.dedup_by_key(|firing| firing.at);
    out
}

/// The instant at which the clock has jumped over `named`, when it jumped less than three hours.
fn after_gap(zone: Tz, named: NaiveDateTime) -> Option<DateTime<Utc>> {
    let before = (1..=180).map(|minutes| named - Duration::minutes(minutes));
    let before = before.filter_map(|local| zone.from_local_datetime(&local).latest()).next()?.to_utc();
    // The first whole minute from there whose local time lies behind `named`.
    let at = (1..=180).map(|minutes| before + Duration::minutes(minutes));
    let at = at.filter(|at| zone.from_utc_datetime(&at.naive_utc()).naive_local() > named).min()?;
    let jumped = zone.from_utc_datetime(&at.naive_utc()).naive_local()
        - zone.from_utc_datetime(&(at - Duration::minutes(1)).naive_utc()).naive_local();
    (jumped.num_seconds() - 60 < LARGE).then_some(at - Duration::seconds(i64::from(at.timestamp() % 60 != 0)))
}

fn local_day(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    zone.from_utc_datetime(&at.naive_utc()).date_naive()
}

/// The first firing after `at`.
#[must_use]
pub fn next(calendar: &dyn Calendar, zone: Tz, at: DateTime<Utc>) -> Option<Firing> {
    let first = local_day(zone, at).checked_sub_days(Days::new(1))?;
    let days = (0..SEARCH).filter_map(|days| first.checked_add_days(Days::new(days)));
    days.flat_map(|day| on(calendar, zone, day)).find(|firing| firing.at > at)
}

/// The last firing not after `at`.
#[must_use]
pub fn last(calendar: &dyn Calendar, zone: Tz, at: DateTime<Utc>) -> Option<Firing> {
    let first = local_day(zone, at).checked_add_days(Days::new(1))?;
    let days = (0..SEARCH).filter_map(|days| first.checked_sub_days(Days::new(days)));
    days.filter_map(|day| on(calendar, zone, day).into_iter().rfind(|firing| firing.at <= at)).next()
}

/// The firings after `from`, up to and with `to`.
#[must_use]
pub fn between(calendar: &dyn Calendar, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Firing> {
    let (first, end) = (local_day(zone, from) - Days::new(1), local_day(zone, to) + Days::new(1));
    let days = first.iter_days().take_while(|day| *day <= end);
    let mut out: Vec<Firing> =
        days.flat_map(|day| on(calendar, zone, day)).filter(|f| from < f.at && f.at <= to).collect();
    out.sort();
    out
}

/// The instants within which the zone's offset changes, with the offsets before and after, seconds
/// east.
#[must_use]
pub fn changes(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, i32, i32)> {
    use chrono::Offset;
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let mut out = Vec::new();
    let mut at = from;
    while at < to {
        let next = (at + Duration::hours(12)).min(to);
        if offset(at) != offset(next) {
            let (mut low, mut high) = (at.timestamp(), next.timestamp());
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                let same = DateTime::from_timestamp(middle, 0).is_some_and(|instant| offset(instant) == offset(at));
                if same { low = middle } else { high = middle }
            }
            out.extend(DateTime::from_timestamp(high, 0).map(|change| (change, offset(at), offset(next))));
        }
        at = next;
    }
    out
}
