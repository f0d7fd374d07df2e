//! Reads the time of every line of one source, fast: lines of one second repeat their bytes, lines of
//! one hour share their offset, and a log keeps the form that it began with. What is remembered never
//! changes an answer, except one: once a log has shown its form, a time in another form counts only
//! on a line that has none in its own.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};

use super::format::{self, Format};
use super::stamp::{self, Calendar, Form, Says, Written};
use super::zone::{self, Moment, Rules};

/// After so many lines of one form it is the log's own.
const SETTLES: u32 = 8;

/// Where a line's time stands and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its form; none for a layout of its own.
    pub form: Option<Form>,
    /// What it means.
    pub moment: Moment,
    /// Whether the year had to be inferred.
    pub year_inferred: bool,
}

/// Year, month, day and hour as written.
type Hour = (Option<i32>, u32, u32, u32);

/// The reader of one source's times.
pub struct Dial {
    /// Zone and year.
    rules: Rules,
    format: Format,
    settled: Option<Form>,
    seen: [(Option<Form>, u32); 5],
    last: Option<(Vec<u8>, u8, Reading)>,
    hour: Option<(Hour, DateTime<Utc>)>,
    month: u32,
    /// Lines at which the year turned although none is written.
    pub new_years: Vec<u64>,
}

impl Dial {
    /// A dial that has read nothing.
    #[must_use]
    pub fn new(rules: Rules, format: Format) -> Self {
        let seen = [(None, 0); 5];
        Self { rules, format, settled: None, seen, last: None, hour: None, month: 0, new_years: Vec::new() }
    }

    /// The layout of the lines; settled by the first one when it was left open.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The form that most times have.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        self.seen.iter().max_by_key(|(_, count)| *count).and_then(|(form, _)| *form)
    }

    /// Settles an open layout by the first line with content.
    pub fn settle(&mut self, line: &[u8]) {
        self.format = std::mem::replace(&mut self.format, Format::Docker).settled_by(line);
    }

    /// The time of line `number`.
    pub fn read(&mut self, line: &[u8], number: u64) -> Option<Reading> {
        if let Some(again) = self.again(line) {
            return Some(again);
        }
        let reading = self.afresh(line, number)?;
        let text = line[reading.start..reading.end].to_vec();
        let next = line.get(reading.end).copied().unwrap_or(b' ');
        self.last = Some((text, next, reading));
        Some(reading)
    }

    /// The same bytes at the same place mean the same.
    fn again(&self, line: &[u8]) -> Option<Reading> {
        let (text, next, reading) = self.last.as_ref().filter(|_| !self.format.is_json())?;
        let here = line.get(reading.start..reading.end)?;
        let follows = line.get(reading.end).copied().unwrap_or(b' ');
        // Further in, an earlier time may stand before it.
        let first = reading.start <= 1 || self.settled == reading.form;
        (first && follows == *next && here == text.as_slice()).then_some(*reading)
    }

    fn afresh(&mut self, line: &[u8], number: u64) -> Option<Reading> {
        if self.format.is_json() {
            return self.json(line);
        }
        if let Format::Custom(notation) = &self.format {
            return custom(&self.rules, notation, line);
        }
        let found = self.find(line)?;
        self.count(found.form);
        let inferred = matches!(&found.says, Says::Calendar(calendar) if calendar.year.is_none());
        let moment = self.moment(&found.says, number);
        let form = Some(found.form);
        Some(Reading { start: found.start, end: found.end, form, moment, year_inferred: inferred })
    }

    fn find(&self, line: &[u8]) -> Option<stamp::Stamp> {
        let Format::Plain(_, forms) = &self.format else { return None };
        let allowed = |form: Form| forms.is_empty() || forms.contains(&form);
        if let Some(own) = self.settled {
            let like = |form: Form| form == own;
            let column = self.last.as_ref().map_or(0, |(_, _, reading)| reading.start);
            let there = (column <= 1).then(|| stamp::at_place(line, column, &like)).flatten();
            if let Some(found) = there.or_else(|| stamp::find_like(line, &like)) {
                return Some(found);
            }
        }
        stamp::find_like(line, &allowed)
    }

    fn count(&mut self, form: Form) {
        let slot = self.seen.iter_mut().find(|(known, _)| known.is_none() || *known == Some(form));
        if let Some((known, count)) = slot {
            *known = Some(form);
            *count = count.saturating_add(1);
            if self.settled.is_none() && *count >= SETTLES {
                self.settled = Some(form);
            }
        }
    }

    fn json(&mut self, line: &[u8]) -> Option<Reading> {
        let (start, end) = format::json_time(&self.format, line)?;
        let text = &line[start..end];
        let found = stamp::find(text)?;
        let moment = self.rules.moment(&found.says);
        Some(Reading { start, end, form: None, moment, year_inferred: false })
    }

    fn moment(&mut self, says: &Says, number: u64) -> Moment {
        let Says::Calendar(calendar) = says else { return self.rules.moment(says) };
        if calendar.year.is_none() {
            self.turn_of_the_year(calendar.month, number);
        }
        if calendar.zone != Written::Nothing || calendar.second > 59 {
            return self.rules.moment(says);
        }
        let key = (calendar.year, calendar.month, calendar.day, calendar.hour);
        if self.hour.is_none_or(|(known, _)| known != key) {
            match self.whole_hour(calendar) {
                Some(begin) => self.hour = Some((key, begin)),
                None => return self.rules.moment(says),
            }
        }
        let seconds = Duration::seconds(i64::from(calendar.minute * 60 + calendar.second));
        let nanos = Duration::nanoseconds(i64::from(calendar.nanos));
        self.hour.map_or_else(|| self.rules.moment(says), |(_, begin)| Moment::At(begin + seconds + nanos))
    }

    /// The instant at which this hour begins, when no clock change falls in it.
    fn whole_hour(&self, calendar: &Calendar) -> Option<DateTime<Utc>> {
        let at = |minute, second| {
            let here = Calendar { minute, second, nanos: 0, ..calendar.clone() };
            self.rules.moment(&Says::Calendar(here)).certain()
        };
        let (first, last) = (at(0, 0)?, at(59, 59)?);
        (last - first == Duration::seconds(3599)).then_some(first)
    }

    /// A year that is not written turns where the months begin anew.
    fn turn_of_the_year(&mut self, month: u32, number: u64) {
        if month + 6 <= self.month {
            if let Some(year) = &mut self.rules.year {
                *year += 1;
            }
            self.hour = None;
            if self.new_years.len() < 16 {
                self.new_years.push(number);
            }
        }
        self.month = month;
    }
}

/// A time in the case's own notation, at the beginning of the line or behind a bracket.
fn custom(rules: &Rules, notation: &str, line: &[u8]) -> Option<Reading> {
    let start = usize::from(matches!(line.first(), Some(b'[' | b'(' | b'<' | b'"')));
    let text = std::str::from_utf8(&line[start..line.len().min(start + 96)]);
    let text = text.or_else(|e| std::str::from_utf8(&line[start..start + e.valid_up_to()])).ok()?;
    let reading = |rest: &str, moment| {
        let end = start + text.len() - rest.len();
        Some(Reading { start, end, form: None, moment, year_inferred: false })
    };
    if notation.contains("%z") || notation.contains("%:z") || notation.contains("%#z") {
        let (instant, rest) = DateTime::parse_and_remainder(text, notation).ok()?;
        return reading(rest, Moment::At(instant.to_utc()));
    }
    if notation == "%s" {
        let (local, rest) = NaiveDateTime::parse_and_remainder(text, notation).ok()?;
        return reading(rest, Moment::At(local.and_utc()));
    }
    let (local, rest) = NaiveDateTime::parse_and_remainder(text, notation).ok()?;
    reading(rest, zone::in_zone(rules.zone, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(format: &str, year: Option<i32>) -> Dial {
        let written = "2026-05-20T00:00:00Z".parse().ok();
        let rules = Rules { zone: chrono_tz::Europe::Zurich, year, written };
        Dial::new(rules, Format::named(format).unwrap())
    }

    fn at(dial: &mut Dial, line: &str) -> String {
        match dial.read(line.as_bytes(), 1).map(|reading| reading.moment) {
            Some(Moment::At(instant)) => instant.to_rfc3339(),
            Some(Moment::Either(..)) => "either".into(),
            Some(Moment::Unknown(_)) => "impossible".into(),
            None => "none".into(),
        }
    }

    #[test]
    fn what_is_remembered_changes_no_answer() {
        let mut dial = dial("auto", None);
        let lines = [
            ("2026-05-15 10:23:50 a", "2026-05-15T08:23:50+00:00"),
            ("2026-05-15 10:23:50 b", "2026-05-15T08:23:50+00:00"),
            ("2026-05-15 10:23:50.5 c", "2026-05-15T08:23:50.500+00:00"),
            ("2026-05-15 10:23:50+00:00 d", "2026-05-15T10:23:50+00:00"),
            ("2026-05-15 10:59:59 e", "2026-05-15T08:59:59+00:00"),
            ("no time", "none"),
            ("2026-10-25 01:59:59 f", "2026-10-24T23:59:59+00:00"),
            ("2026-10-25 02:30:00 g", "either"),
            ("2026-10-25 03:00:00 h", "2026-10-25T02:00:00+00:00"),
            ("2026-03-29 02:30:00 i", "impossible"),
            ("2026-03-29 03:30:00 j", "2026-03-29T01:30:00+00:00"),
        ];
        for (line, wanted) in lines {
            assert_eq!(at(&mut dial, line), wanted, "{line}");
        }
    }

    #[test]
    fn a_log_keeps_its_form_against_what_a_client_sends() {
        let mut dial = dial("auto", None);
        let line = |user: &str| format!("203.0.113.9 - {user} [15/May/2026:10:23:50 +0200] \"GET / HTTP/1.1\" 200 5");
        for _ in 0..SETTLES {
            assert_eq!(at(&mut dial, &line("-")), "2026-05-15T08:23:50+00:00");
        }
        assert_eq!(at(&mut dial, &line("2020-01-01T00:00:00Z")), "2026-05-15T08:23:50+00:00");
        assert_eq!(at(&mut dial, "2026-05-16 00:00:00 rotated"), "2026-05-15T22:00:00+00:00");
    }

    #[test]
    fn the_year_turns_without_being_written() {
        let mut inferred = dial("syslog", None);
        assert_eq!(at(&mut inferred, "Dec 31 23:59:59 h x"), "2025-12-31T22:59:59+00:00");
        assert_eq!(at(&mut inferred, "Jan  1 00:00:01 h x"), "2025-12-31T23:00:01+00:00");
        assert_eq!(inferred.new_years, [1]);
        let mut given = dial("syslog", Some(2019));
        assert_eq!(at(&mut given, "Dec 31 23:59:59 h x"), "2019-12-31T22:59:59+00:00");
        assert_eq!(at(&mut given, "Jan  1 00:00:01 h x"), "2019-12-31T23:00:01+00:00");
    }

    #[test]
    fn notations_of_the_case_are_read() {
        assert_eq!(at(&mut dial("%d.%m.%Y %H:%M:%S", None), "[15.05.2026 10:23:50] x"), "2026-05-15T08:23:50+00:00");
        assert_eq!(
            at(&mut dial("%d/%m/%Y %H:%M:%S %z", None), "15/05/2026 10:23:50 +0000 x"),
            "2026-05-15T10:23:50+00:00"
        );
        assert_eq!(at(&mut dial("%d.%m.%Y", None), "99.99.2026"), "none");
        assert_eq!(at(&mut dial("epoch", None), "1778840630 x"), "2026-05-15T10:23:50+00:00");
        let journal = r#"{"MESSAGE":"x","__REALTIME_TIMESTAMP":"1778840630500000"}"#;
        assert_eq!(at(&mut dial("journald", None), journal), "2026-05-15T10:23:50.500+00:00");
    }
}
