//! The five fields of a crontab entry as Vixie cron and cronie read them: names, lists, ranges, steps
//! behind `*` or a range, `0` and `7` both Sunday. When neither day field begins with `*`, either of
//! them suffices; otherwise both must fit.

use chrono::{Datelike, NaiveDate, NaiveTime};

use super::Fault;
use super::calendar::{Calendar, Rule};

/// When an entry runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether both day fields must fit.
    both: bool,
    times: Vec<NaiveTime>,
    rule: Rule,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    Field { name: "day of week", low: 0, high: 7, names: &WEEKDAYS },
];

/// The five fields that `@daily` and the like stand for; `None` for `@reboot`.
///
/// # Errors
/// When the word is not known.
pub fn macro_fields(word: &str) -> Result<Option<&'static str>, Fault> {
    Ok(Some(match word {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        "@reboot" => return Ok(None),
        _ => return Err(Fault("a word with `@` that cron does not know".into())),
    }))
}

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// With the name of the field that cannot be read.
    pub fn read(fields: &[&str; 5]) -> Result<Self, Fault> {
        let mut sets = [0_u64; 5];
        for (set, (text, field)) in sets.iter_mut().zip(fields.iter().zip(&FIELDS)) {
            *set = field.read(text)?;
        }
        let [minutes, hours, days, months, mut weekdays] = sets;
        // 7 is Sunday too.
        weekdays |= weekdays >> 7 & 1;
        let star = |at: usize| fields[at].starts_with('*');
        let bits = |set: u64| (0..64).filter(move |bit| set >> bit & 1 == 1);
        let times = bits(hours)
            .flat_map(|hour| bits(minutes).filter_map(move |minute| NaiveTime::from_hms_opt(hour, minute, 0)));
        let rule = if star(0) || star(1) { Rule::Wild } else { Rule::Fixed };
        Ok(Self { days, months, weekdays: weekdays & 0x7f, both: star(2) || star(4), times: times.collect(), rule })
    }

    /// Reads `17 4 * * *` or `@daily`.
    ///
    /// # Errors
    /// When it is neither, or a field cannot be read.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = match text.trim() {
            word if word.starts_with('@') => {
                macro_fields(word)?.ok_or_else(|| Fault("`@reboot` names no time".into()))?
            }
            text => text,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let fields: &[&str; 5] =
            fields.as_slice().try_into().map_err(|_| Fault("a schedule has five fields".into()))?;
        Self::read(fields)
    }

    /// The same schedule under the rules of a zone that is not the machine's.
    #[must_use]
    pub fn foreign(mut self) -> Self {
        self.rule = Rule::Wild;
        self
    }
}

impl Field {
    fn read(&self, text: &str) -> Result<u64, Fault> {
        text.split(',').try_fold(0, |set, part| Ok(set | self.part(part)?))
    }

    fn part(&self, part: &str) -> Result<u64, Fault> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((low, high)) => (self.number(low)?, self.number(high)?),
            // cron takes a step only behind `*` or a range.
            None if step.is_some() => return Err(self.fault("has a step behind a single number")),
            None => (self.number(range)?, self.number(range)?),
        };
        if low > high {
            return Err(self.fault("has a range that ends before it begins"));
        }
        let step = match step {
            None => 1,
            Some(step) => step
                .parse::<usize>()
                .ok()
                .filter(|step| *step > 0)
                .ok_or_else(|| self.fault("has a step that is no number from 1"))?,
        };
        Ok((low..=high).step_by(step).fold(0, |set, value| set | 1 << value))
    }

    fn number(&self, text: &str) -> Result<u32, Fault> {
        let lower = text.to_ascii_lowercase();
        if let Some(at) = self.names.iter().position(|name| *name == lower) {
            return Ok(u32::try_from(at).unwrap_or_default() + self.low);
        }
        let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let number =
            text.parse::<u32>().ok().filter(|_| plain).ok_or_else(|| self.fault("is no number, range, list or `*`"))?;
        if number < self.low || number > self.high {
            return Err(Fault(format!("the field for the {} takes {} to {}", self.name, self.low, self.high)));
        }
        Ok(number)
    }

    fn fault(&self, why: &str) -> Fault {
        Fault(format!("the field for the {} {why}", self.name))
    }
}

impl Calendar for Cron {
    fn day(&self, day: NaiveDate) -> bool {
        let month = self.months >> day.month() & 1 == 1;
        let of_month = self.days >> day.day() & 1 == 1;
        let of_week = self.weekdays >> day.weekday().num_days_from_sunday() & 1 == 1;
        month && if self.both { of_month && of_week } else { of_month || of_week }
    }

    fn times(&self) -> &[NaiveTime] {
        &self.times
    }

    fn rule(&self) -> Rule {
        self.rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn either_day_field_suffices_when_neither_is_a_star() {
        let cron = Cron::parse("0 0 13 * 5").unwrap();
        assert!(cron.day(day("2026-11-13")) && cron.day(day("2026-11-20")) && cron.day(day("2026-12-13")));
        assert!(!cron.day(day("2026-11-14")));
        let stepped = Cron::parse("0 0 */2 * 5").unwrap();
        assert!(stepped.day(day("2026-11-13")) && !stepped.day(day("2026-11-20")), "`*/2` begins with a star");
    }

    #[test]
    fn names_steps_ranges_and_sunday() {
        assert_eq!(Cron::parse("0 0 * jan-MAR Sun").unwrap(), Cron::parse("0 0 * 1,2,3 7").unwrap());
        assert_eq!(Cron::parse("*/20 8-10/2 * * *").unwrap().times.len(), 6);
        assert_eq!(Cron::parse("@weekly").unwrap(), Cron::parse("0 0 * * 0").unwrap());
    }

    #[test]
    fn what_cron_refuses_is_refused() {
        for wrong in [
            "60 0 * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 * 13 *",
            "0 0 * * 8",
            "5/10 * * * *",
            "*/0 * * * *",
            "9-5 * * * *",
            "0 0 * *",
            "a * * * *",
            "0 0 L * *",
            "@often",
            "+5 0 * * *",
            "0~30 * * * *",
        ] {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
    }
}
