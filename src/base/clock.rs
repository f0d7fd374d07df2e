//! The only reader of the clock. Everything above gets instants handed in, so that judging and
//! rendering stay pure functions of the bundle.

use std::time::{Duration, Instant};

use chrono::{DateTime, Local, NaiveDateTime, SecondsFormat, Utc};

/// The present instant in UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock's own room")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// `instant` as RFC 3339 in UTC with nanoseconds, e.g. `2026-05-15T10:23:50.000000000Z`.
#[must_use]
pub fn stamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// `instant` to the second, e.g. `2026-05-15T10:23:50Z`.
#[must_use]
pub fn stamp_seconds(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The name of a run's folder, e.g. `20260515T102350Z`.
#[must_use]
pub fn run_name(instant: DateTime<Utc>) -> String {
    instant.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The instant that a run's folder is named after, whatever number stands behind it.
#[must_use]
pub fn of_run(name: &str) -> Option<DateTime<Utc>> {
    let named = NaiveDateTime::parse_from_str(name.get(..16)?, "%Y%m%dT%H%M%SZ").ok()?;
    Some(named.and_utc())
}

/// The machine's own offset from UTC at `instant`, in seconds east.
#[must_use]
pub fn local_offset(instant: DateTime<Utc>) -> i32 {
    instant.with_timezone(&Local).offset().local_minus_utc()
}

/// The instant `seconds` and `nanos` after 1970, as the file system tells times; `None` beyond the
/// years that can be written.
#[must_use]
pub fn from_epoch(seconds: i64, nanos: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, u32::try_from(nanos).ok()?)
}

/// How long the kernel has been running, sleep included.
#[must_use]
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}

/// Measures how long something took; not affected by clock steps.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock's own room")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Whole milliseconds since the start.
    #[must_use]
    pub fn millis(&self) -> i64 {
        i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// A limit on how long something may take.
#[derive(Clone, Copy)]
pub struct Deadline {
    watch: Stopwatch,
    limit: Option<Duration>,
}

impl Deadline {
    /// `limit` from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self { watch: Stopwatch::start(), limit: Some(limit) }
    }

    /// No limit.
    #[must_use]
    pub fn never() -> Self {
        Self { watch: Stopwatch::start(), limit: None }
    }

    /// Whether the limit has passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.limit.is_some_and(|limit| self.watch.elapsed() >= limit)
    }
}
