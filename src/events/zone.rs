//! Turns the time that a line says into an instant, by the rules of the zone that the case names.
//! Where the rules give two answers (the hour that a clock change repeats) or none (the hour that
//! it skips), that is what is said: nothing is guessed.

use chrono::{DateTime, Datelike, Duration, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};

use super::stamp::{self, Calendar, Says, Stamp, Written};

/// How the times of one log are to be read.
pub struct Rules {
    /// The zone of times that name none.
    pub zone: Tz,
    /// The year of times that name none; otherwise the latest year that is not after `written`.
    pub year: Option<i32>,
    /// When the log was last written.
    pub written: Option<DateTime<Utc>>,
}

/// The instant that a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(DateTime<Utc>),
    /// One of two: a clock change repeats this hour.
    Either(DateTime<Utc>, DateTime<Utc>),
    /// None, and why.
    Unknown(&'static str),
}

impl Moment {
    /// The instant, if it is certain.
    #[must_use]
    pub fn certain(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(instant) => Some(instant),
            _ => None,
        }
    }

    /// Why there is no certain instant.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::At(_) => None,
            Self::Either(..) => Some("ambiguous: a clock change repeats this hour and the line names no offset"),
            Self::Unknown(why) => Some(why),
        }
    }

    /// Whether it may lie between `from` and `to`.
    #[must_use]
    pub fn may_be_within(self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        let within = |instant| from <= instant && instant <= to;
        match self {
            Self::At(instant) => within(instant),
            Self::Either(a, b) => within(a) || within(b),
            Self::Unknown(_) => false,
        }
    }
}

impl Rules {
    /// What `line` says about its time, and what that means.
    #[must_use]
    pub fn read(&self, line: &[u8]) -> Option<(Stamp, Moment)> {
        let stamp = stamp::find(line)?;
        let moment = self.moment(&stamp.says);
        Some((stamp, moment))
    }

    /// What `says` means.
    #[must_use]
    pub fn moment(&self, says: &Says) -> Moment {
        match says {
            Says::Epoch(seconds, nanos) => {
                DateTime::from_timestamp(*seconds, *nanos).map_or(Moment::Unknown("no such instant"), Moment::At)
            }
            Says::Calendar(calendar) => match self.local(calendar) {
                Some(local) => self.resolve(local, &calendar.zone),
                None => Moment::Unknown("no such date"),
            },
        }
    }

    fn local(&self, says: &Calendar) -> Option<NaiveDateTime> {
        let with_year = |year: i32| {
            // chrono writes a leap second as more than 10^9 nanoseconds.
            let (second, nanos) =
                if says.second == 60 { (59, 1_000_000_000 + says.nanos) } else { (says.second, says.nanos) };
            NaiveDate::from_ymd_opt(year, says.month, says.day)?.and_hms_nano_opt(says.hour, says.minute, second, nanos)
        };
        if let Some(year) = says.year.or(self.year) {
            return with_year(year);
        }
        // A log has no lines from after it was written; a day is left for clocks and zones.
        let latest = self.written?.naive_utc() + Duration::days(1);
        (latest.year() - 8..=latest.year()).rev().filter_map(with_year).find(|local| *local <= latest)
    }

    fn resolve(&self, local: NaiveDateTime, zone: &Written) -> Moment {
        match zone {
            Written::Offset(seconds) => at_offset(local, *seconds),
            Written::Nothing => in_zone(self.zone, local),
            Written::Abbreviation(word) => self.abbreviated(local, word),
        }
    }

    fn abbreviated(&self, local: NaiveDateTime, word: &str) -> Moment {
        let candidates: Vec<_> = match self.zone.from_local_datetime(&local) {
            LocalResult::Single(one) => vec![one],
            LocalResult::Ambiguous(a, b) => vec![a, b],
            LocalResult::None => Vec::new(),
        };
        let named = candidates.iter().find(|candidate| candidate.offset().abbreviation() == Some(word));
        let foreign = Moment::Unknown("names a zone that is not the one set for this log");
        named.map_or(foreign, |named| Moment::At(named.to_utc()))
    }
}

fn at_offset(local: NaiveDateTime, seconds: i32) -> Moment {
    let instant = FixedOffset::east_opt(seconds).and_then(|offset| offset.from_local_datetime(&local).single());
    instant.map_or(Moment::Unknown("no such instant"), |instant| Moment::At(instant.to_utc()))
}

/// The instant of a time of day in `zone`.
#[must_use]
pub fn in_zone(zone: Tz, local: NaiveDateTime) -> Moment {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) => Moment::At(instant.to_utc()),
        LocalResult::Ambiguous(a, b) => Moment::Either(a.to_utc(), b.to_utc()),
        LocalResult::None => Moment::Unknown("a clock change skips this time in the zone set for this log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Moment {
        let written = "2026-05-20T00:00:00Z".parse().ok();
        let rules = Rules { zone: chrono_tz::Europe::Zurich, year: None, written };
        rules.read(line.as_bytes()).unwrap().1
    }

    fn at(instant: &str) -> Moment {
        Moment::At(instant.parse().unwrap())
    }

    #[test]
    fn an_offset_wins_over_the_zone_of_the_case() {
        assert_eq!(read("2026-05-15T10:23:50-03:30"), at("2026-05-15T13:53:50Z"));
        assert_eq!(read("2026-05-15 10:23:50 UTC"), at("2026-05-15T10:23:50Z"));
        assert_eq!(read("2026-05-15 10:23:50"), at("2026-05-15T08:23:50Z"));
        assert_eq!(read("2026-01-15 10:23:50"), at("2026-01-15T09:23:50Z"));
    }

    #[test]
    fn a_clock_change_is_not_guessed_away() {
        assert!(matches!(read("2026-10-25 02:30:00"), Moment::Either(..)));
        assert_eq!(read("2026-10-25 02:30:00 CEST"), at("2026-10-25T00:30:00Z"));
        assert_eq!(read("2026-10-25 02:30:00 CET"), at("2026-10-25T01:30:00Z"));
        assert!(matches!(read("2026-03-29 02:30:00"), Moment::Unknown(_)));
        assert!(read("2026-10-25 02:30:00").note().is_some_and(|note| note.starts_with("ambiguous")));
    }

    #[test]
    fn a_foreign_abbreviation_is_unknown_and_a_level_is_no_zone() {
        assert!(matches!(read("2026-05-15 10:23:50 PST x"), Moment::Unknown(_)));
        assert_eq!(read("2026-05-15 10:23:50 INFO x"), at("2026-05-15T08:23:50Z"));
        assert!(matches!(read("2026-02-30 10:23:50"), Moment::Unknown(_)));
    }

    #[test]
    fn a_missing_year_is_the_latest_that_the_log_can_mean() {
        assert_eq!(read("May 15 10:23:50 host x"), at("2026-05-15T08:23:50Z"));
        assert_eq!(read("Dec 31 23:59:59 host x"), at("2025-12-31T22:59:59Z"));
        assert_eq!(read("Feb 29 12:00:00 host x"), at("2024-02-29T11:00:00Z"));
    }
}
