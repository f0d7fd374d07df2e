//! Timers of systemd: the unit file, and the common grammar of `OnCalendar=`. What is beyond it is a
//! fault with the part that was not understood.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::Fault;
use super::calendar::{Calendar, Rule};

/// `OnCalendar=` as days and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCalendar {
    weekdays: u8,
    years: Set,
    months: Set,
    days: Set,
    /// Whether days count from the end of the month.
    from_end: bool,
    times: Vec<NaiveTime>,
    /// The zone that it names.
    pub zone: Option<Tz>,
}

/// Numbers: first, last, step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set(Vec<(u32, u32, u32)>);

impl Set {
    fn has(&self, number: u32) -> bool {
        self.0
            .iter()
            .any(|(first, last, step)| *first <= number && number <= *last && (number - first).is_multiple_of(*step))
    }
}

/// What a timer unit says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    /// `OnCalendar=`, as written.
    pub calendars: Vec<String>,
    /// `OnUnitActiveSec=` and `OnUnitInactiveSec=`, in seconds.
    pub every: Vec<f64>,
    /// Other triggers (`OnBootSec=` …), as written.
    pub others: Vec<String>,
    /// `Unit=`, when it is not the one of the same name.
    pub unit: Option<String>,
    /// `RandomizedDelaySec=`, in seconds.
    pub delay: f64,
    /// `Persistent=`
    pub persistent: bool,
    /// Lines that were not understood: number and why.
    pub malformed: Vec<(usize, String)>,
}

impl Unit {
    /// Reads a `.timer` file.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut out = Self::default();
        out.take(text);
        out
    }

    /// Takes over what a further file, such as a drop-in, says of the same unit.
    pub fn take(&mut self, text: &str) {
        let out = self;
        for (line, key, value) in settings(text, "Timer") {
            let seconds = || span(&value).ok_or_else(|| format!("`{key}` is no time span"));
            let wrong = match key.as_str() {
                "OnCalendar" | "OnUnitActiveSec" | "OnUnitInactiveSec" if value.is_empty() => {
                    // An empty value takes back every trigger above it.
                    (out.calendars, out.every, out.others) = (Vec::new(), Vec::new(), Vec::new());
                    Ok(())
                }
                "OnCalendar" => OnCalendar::parse(&value).map(|_| out.calendars.push(value.clone())).map_err(|e| e.0),
                "OnUnitActiveSec" | "OnUnitInactiveSec" => seconds().map(|seconds| out.every.push(seconds)),
                "OnBootSec" | "OnStartupSec" | "OnActiveSec" => {
                    seconds().map(|_| out.others.push(format!("{key}={value}")))
                }
                "RandomizedDelaySec" => seconds().map(|seconds| out.delay = seconds),
                "Persistent" => {
                    out.persistent = matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1");
                    Ok(())
                }
                "Unit" => {
                    out.unit = Some(value.clone());
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(why) = wrong {
                out.malformed.push((line, why));
            }
        }
    }
}

/// The settings of one section: line, key, value, with continued lines joined.
#[must_use]
pub fn settings(text: &str, section: &str) -> Vec<(usize, String, String)> {
    let mut here = false;
    let mut out: Vec<(usize, String, String)> = Vec::new();
    let mut continued: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, line) = match continued.take() {
            Some((number, before)) => (number, format!("{before} {}", line.trim())),
            None => (index + 1, line.trim().to_owned()),
        };
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(before) = line.strip_suffix('\\') {
            continued = Some((number, before.trim_end().to_owned()));
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            here = name == section;
        } else if let (true, Some((key, value))) = (here, line.split_once('=')) {
            out.push((number, key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    out
}

/// A time span such as `1h 30min` or `90`, in seconds.
#[must_use]
pub fn span(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "us" | "usec" => 1e-6,
                "ms" | "msec" => 1e-3,
                "" | "s" | "sec" | "second" | "seconds" => 1.0,
                "m" | "min" | "minute" | "minutes" => 60.0,
                "h" | "hr" | "hour" | "hours" => 3600.0,
                "d" | "day" | "days" => 86_400.0,
                "w" | "week" | "weeks" => 604_800.0,
                "M" | "month" | "months" => 2_629_800.0,
                "y" | "year" | "years" => 31_557_600.0,
                _ => return None,
            };
        rest = rest[end..].trim_start();
    }
    Some(seconds)
}

impl OnCalendar {
    /// Reads the common grammar: words, weekdays, date, time, zone.
    ///
    /// # Errors
    /// With what was not understood.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let zone = words.last().and_then(|word| word.parse::<Tz>().ok()).filter(|_| words.len() > 1);
        if zone.is_some() {
            words.pop();
        }
        let long = words.join(" ");
        let text = match long.to_ascii_lowercase().as_str() {
            "minutely" => "*-*-* *:*:00",
            "hourly" => "*-*-* *:00:00",
            "daily" => "*-*-* 00:00:00",
            "weekly" => "Mon *-*-* 00:00:00",
            "monthly" => "*-*-01 00:00:00",
            "yearly" | "annually" => "*-01-01 00:00:00",
            "quarterly" => "*-01,04,07,10-01 00:00:00",
            "semiannually" | "biannually" | "semi-annually" | "bi-annually" => "*-01,07-01 00:00:00",
            _ => &long,
        };
        let mut out = Self {
            weekdays: 0x7f,
            years: Set(vec![(1970, 2199, 1)]),
            months: Set(vec![(1, 12, 1)]),
            days: Set(vec![(1, 31, 1)]),
            from_end: false,
            times: vec![NaiveTime::MIN],
            zone,
        };
        let mut parts = text.split_whitespace();
        let mut part = parts.next().ok_or_else(|| Fault("it is empty".into()))?;
        if part.starts_with(|c: char| c.is_ascii_alphabetic()) {
            out.weekdays = weekdays(part)?;
            match parts.next() {
                Some(next) => part = next,
                None => return Ok(out),
            }
        }
        if !part.contains(':') {
            out.date(part)?;
            match parts.next() {
                Some(next) => part = next,
                None => return Ok(out),
            }
        }
        out.times = times(part)?;
        match parts.next() {
            Some(_) => Err(Fault("it has more parts than weekdays, date, time and a known zone".into())),
            None => Ok(out),
        }
    }

    fn date(&mut self, text: &str) -> Result<(), Fault> {
        let (front, days, from_end) = match text.rsplit_once('~') {
            Some((front, days)) => (front, days, true),
            None => match text.rsplit_once('-') {
                Some((front, days)) => (front, days, false),
                None => return Err(Fault("its date is none of YEAR-MONTH-DAY and MONTH-DAY".into())),
            },
        };
        let (year, month) = front.rsplit_once('-').unwrap_or(("*", front));
        self.years = set(year, 1970, 2199)?;
        self.months = set(month, 1, 12)?;
        self.days = set(days, 1, 31)?;
        self.from_end = from_end;
        if from_end {
            // Counted from the end, steps go towards the end: `~07/1` is each of the last seven days.
            for (first, last, step) in &mut self.days.0 {
                match (*first == *last, *last == 31) {
                    (true, _) => {}
                    (false, true) => (*first, *last) = (1 + (*first - 1) % *step, *first),
                    (false, false) => {
                        return Err(Fault(
                            "it has a range of days from the end of the month, which is not read here".into(),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

fn weekdays(text: &str) -> Result<u8, Fault> {
    let number = |name: &str| {
        let day: Weekday = name.parse().map_err(|_| Fault("it has a weekday that is none".into()))?;
        Ok::<u8, Fault>(u8::try_from(day.num_days_from_monday()).unwrap_or_default())
    };
    let mut out = 0;
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        let days = if first <= last { last - first } else { last + 7 - first };
        out |= (0..=days).fold(0, |set, add| set | 1 << ((first + add) % 7));
    }
    Ok(out)
}

fn set(text: &str, low: u32, high: u32) -> Result<Set, Fault> {
    let fault = || Fault("it has a number, range or step that is none".into());
    let number = |text: &str| {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| plain && (low..=high).contains(number)).ok_or_else(fault)
    };
    let part = |part: &str| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(fault)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once("..") {
            _ if range == "*" => (low, high),
            Some((first, last)) => (number(first)?, number(last)?),
            None => {
                let first = number(range)?;
                (first, if step.is_some() { high } else { first })
            }
        };
        if first > last { Err(fault()) } else { Ok((first, last, step.unwrap_or(1))) }
    };
    text.split(',').map(part).collect::<Result<_, _>>().map(Set)
}

fn times(text: &str) -> Result<Vec<NaiveTime>, Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, "00"),
        [hours, minutes, seconds] if !seconds.contains('.') || seconds.contains("..") => (*hours, *minutes, *seconds),
        [_, _, _] => return Err(Fault("it has fractions of seconds, which are not read here".into())),
        _ => return Err(Fault("its time is none of HOUR:MINUTE and HOUR:MINUTE:SECOND".into())),
    };
    let (hours, minutes, seconds) = (set(hours, 0, 23)?, set(minutes, 0, 59)?, set(seconds, 0, 59)?);
    let mut out = Vec::new();
    for hour in (0..24).filter(|hour| hours.has(*hour)) {
        for minute in (0..60).filter(|minute| minutes.has(*minute)) {
            out.extend(
                (0..60)
                    .filter(|second| seconds.has(*second))
                    .filter_map(|second| NaiveTime::from_hms_opt(hour, minute, second)),
            );
        }
    }
    Ok(out)
}

impl Calendar for OnCalendar {
    fn day(&self, day: NaiveDate) -> bool {
        let of_month = match self.from_end {
            false => day.day(),
            true => u32::from(day.num_days_in_month()) + 1 - day.day(),
        };
        self.weekdays >> day.weekday().num_days_from_monday() & 1 == 1
            && self.years.has(u32::try_from(day.year()).unwrap_or_default())
            && self.months.has(day.month())
            && self.days.has(of_month)
    }

    fn times(&self) -> &[NaiveTime] {
        &self.times
    }

    fn rule(&self) -> Rule {
        Rule::Systemd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_with_its_resets() {
        let unit = Unit::read(
            "[Unit]\nOnCalendar=x\n[Timer]\nOnCalendar=daily\nOnCalendar=\nOnCalendar=*-*-* 04:17\nPersistent=true\nRandomizedDelaySec=5min\nUnit=b.service\n",
        );
        assert_eq!(unit.calendars, ["*-*-* 04:17"]);
        assert_eq!((unit.delay, unit.persistent, unit.unit.as_deref()), (300.0, true, Some("b.service")));
        assert!(unit.malformed.is_empty());
        let unit = Unit::read("[Timer]\nOnCalendar=every tuesday\nOnUnitActiveSec=1h 30min\nOnBootSec=5min\n");
        assert_eq!((unit.every, unit.others.len(), unit.malformed.len()), (vec![5400.0], 1, 1));
    }

    #[test]
    fn what_is_not_understood_is_a_fault() {
        for wrong in
            ["", "every day", "*-*-* 25:00", "*-*-* 04:17:00.5", "Mon..Foo", "2026-13-01", "*-*-* 04:17 Nowhere/Land"]
        {
            assert!(OnCalendar::parse(wrong).is_err(), "{wrong}");
        }
    }
}
