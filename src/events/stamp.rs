//! Finds the time that a log line says, in the forms that logs really use, and keeps what it does
//! *not* say: a missing zone or year stays missing here. Turning it into an instant is the business
//! of [`super::zone`].

/// How far into a line a time is looked for; further in, it is part of the message.
const REACH: usize = 128;

/// The time that stands in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Where it begins in the line.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What it says.
    pub says: Says,
    /// How it is written.
    pub form: Form,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `2026-05-15T10:23:50+02:00` and its kin, also `20260515T102350Z`.
    Iso,
    /// `May 15 10:23:50`.
    Syslog,
    /// `Fri May 15 10:23:50 CEST 2026`, as `date` prints it.
    Date,
    /// `15/May/2026:10:23:50 +0200`, as access logs have it.
    Access,
    /// Seconds since 1970.
    Epoch,
}

impl Form {
    /// The word that facts use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::Syslog => "syslog",
            Self::Date => "date",
            Self::Access => "access",
            Self::Epoch => "epoch",
        }
    }
}

/// What a time says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Seconds and nanoseconds since 1970.
    Epoch(i64, u32),
    /// A date and a time of day.
    Calendar(Calendar),
}

/// A date and a time of day, with the zone as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Absent in syslog.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// Nanoseconds.
    pub nanos: u32,
    /// The zone, if one is written.
    pub zone: Written,
}

/// A zone as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Written {
    /// None.
    #[default]
    Nothing,
    /// Seconds east of UTC.
    Offset(i32),
    /// An abbreviation such as `CEST`.
    Abbreviation(String),
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

/// Abbreviations that certainly name a zone; any other word of capitals after a time may as well be
/// the level of the message.
const ABBREVIATIONS: [&[u8]; 41] = [
    b"EST", b"EDT", b"CST", b"CDT", b"MST", b"MDT", b"PST", b"PDT", b"AST", b"ADT", b"NST", b"NDT", b"AKST", b"AKDT",
    b"HST", b"WET", b"WEST", b"CET", b"CEST", b"EET", b"EEST", b"MSK", b"BST", b"IST", b"IDT", b"PKT", b"HKT", b"JST",
    b"KST", b"SAST", b"CAT", b"EAT", b"WAT", b"WIB", b"AWST", b"ACST", b"ACDT", b"AEST", b"AEDT", b"NZST", b"NZDT",
];

/// The first time that stands near the beginning of `line`.
#[must_use]
pub fn find(line: &[u8]) -> Option<Stamp> {
    find_like(line, &|_| true)
}

/// The first time near the beginning of `line` whose form is `wanted`. A time in a form that is not
/// the log's own may be part of a message, or be put there by whoever the message is about.
#[must_use]
pub fn find_like(line: &[u8], wanted: &dyn Fn(Form) -> bool) -> Option<Stamp> {
    let reach = line.len().min(REACH);
    let mut before = b' ';
    for at in 0..reach {
        let byte = line[at];
        let boundary = !before.is_ascii_alphanumeric() && !b"-_/.:".contains(&before);
        before = byte;
        if !boundary || !byte.is_ascii_alphanumeric() {
            continue;
        }
        if let Some(stamp) = at_place(line, at, wanted) {
            return Some(stamp);
        }
    }
    None
}

/// The time that begins at `start` of `line`, if one of a `wanted` form does.
#[must_use]
pub fn at_place(line: &[u8], start: usize, wanted: &dyn Fn(Form) -> bool) -> Option<Stamp> {
    let mut cursor = Cursor { bytes: line, at: start };
    let (form, says) = cursor.stamp(start <= 1, wanted)?;
    Some(Stamp { start, end: cursor.at, says, form })
}

/// Reads one form of a time.
type Reader<C> = fn(&mut C) -> Option<Calendar>;

/// Reads one piece after the other; a piece that is not there leaves the place as it was.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn stamp(&mut self, first: bool, wanted: &dyn Fn(Form) -> bool) -> Option<(Form, Says)> {
        let start = self.at;
        let forms: &[(Form, Reader<Self>)] = match self.peek()? {
            b'0'..=b'9' => &[(Form::Iso, Self::iso), (Form::Iso, Self::compact), (Form::Access, Self::access_log)],
            _ => &[(Form::Date, Self::weekday), (Form::Syslog, Self::syslog)],
        };
        for (form, read) in forms.iter().filter(|(form, _)| wanted(*form)) {
            if let Some(found) = read(self).filter(Calendar::possible) {
                return Some((*form, Says::Calendar(found)));
            }
            self.at = start;
        }
        if !(first && wanted(Form::Epoch)) {
            return None;
        }
        self.epoch().map(|says| (Form::Epoch, says))
    }

    /// `2026-05-15T10:23:50.123+02:00`, `2026/05/15 10:23:50`, `2026-05-15  10:23:50`, `2026-05-15 10:23:50,123 CEST`.
    fn iso(&mut self) -> Option<Calendar> {
        let year = self.digits(4)?;
        let separator = self.one_of(b"-/")?;
        let month = self.digits(2)?;
        self.one_of(&[separator])?;
        let day = self.digits(2)?;
        // apt writes two spaces.
        if self.one_of(b"Tt _")? == b' ' {
            let _ = self.one_of(b" ");
        }
        let date = Calendar { year: i32::try_from(year).ok(), month, day, ..Calendar::default() };
        self.clock(date).map(|found| self.zone(found))
    }

    /// `20260515_102350`, `20260515T102350Z`.
    fn compact(&mut self) -> Option<Calendar> {
        let (year, month, day) = (self.digits(4)?, self.digits(2)?, self.digits(2)?);
        self.one_of(b"Tt_ -")?;
        let (hour, minute, second) = (self.digits(2)?, self.digits(2)?, self.digits(2)?);
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year = i32::try_from(year).ok();
        Some(self.zone(Calendar { year, month, day, hour, minute, second, ..Calendar::default() }))
    }

    /// `15/May/2026:10:23:50 +0200`.
    fn access_log(&mut self) -> Option<Calendar> {
        let day = self.digits(2)?;
        self.one_of(b"/")?;
        let month = self.month()?;
        self.one_of(b"/")?;
        let year = i32::try_from(self.digits(4)?).ok();
        self.one_of(b":")?;
        let date = Calendar { year, month, day, ..Calendar::default() };
        self.clock(date).map(|found| self.zone(found))
    }

    /// `Fri May 15 10:23:50 CEST 2026`, `Fri May 15 10:23:50.123 2026`, `Fri, 15 May 2026 10:23:50 GMT`,
    /// `Fri May 15 10:23:50 AM UTC 2026`.
    fn weekday(&mut self) -> Option<Calendar> {
        self.name(&DAYS)?;
        let _ = self.one_of(b",");
        self.spaces()?;
        if self.peek()?.is_ascii_digit() {
            let day = self.day()?;
            self.spaces()?;
            let month = self.month()?;
            self.spaces()?;
            let year = i32::try_from(self.digits(4)?).ok();
            self.spaces()?;
            let date = Calendar { year, month, day, ..Calendar::default() };
            return self.clock(date).map(|found| self.zone(found));
        }
        let month = self.month()?;
        self.spaces()?;
        let day = self.day()?;
        self.spaces()?;
        let found = self.clock(Calendar { month, day, ..Calendar::default() })?;
        let mut found = self.zone(found);
        self.spaces()?;
        found.year = i32::try_from(self.digits(4)?).ok();
        Some(found)
    }

    /// `May 15 10:23:50`, `May  5 10:23:50`, `May 15 2026 10:23:50`.
    fn syslog(&mut self) -> Option<Calendar> {
        let month = self.month()?;
        self.spaces()?;
        let day = self.day()?;
        self.spaces()?;
        let place = self.at;
        let year = self.digits(4).filter(|_| self.one_of(b" ").is_some());
        if year.is_none() {
            self.at = place;
        }
        let year = year.and_then(|year| i32::try_from(year).ok());
        self.clock(Calendar { year, month, day, ..Calendar::default() })
    }

    /// `1778840630`, `1778840630.123`, `1778840630123` (milliseconds), sixteen digits (microseconds).
    fn epoch(&mut self) -> Option<Says> {
        let digits = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (seconds, mut nanos) = match digits {
            10 => (i64::from(self.digits(10)?), 0),
            13 => (i64::from(self.digits(10)?), self.digits(3)? * 1_000_000),
            16 => (i64::from(self.digits(10)?), self.digits(6)? * 1_000),
            _ => return None,
        };
        if digits == 10 {
            nanos = self.fraction();
        }
        let ends = self.peek().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"-_/".contains(&byte));
        // From 2001 to 2100: anything else is some other number.
        (ends && (1_000_000_000..4_102_444_800).contains(&seconds)).then_some(Says::Epoch(seconds, nanos))
    }

    /// `10:23:50.123 AM`, seconds and the rest optional.
    fn clock(&mut self, date: Calendar) -> Option<Calendar> {
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        let mut found = Calendar { hour, minute, ..date };
        if self.one_of(b":").is_some() {
            found.second = self.digits(2)?;
            found.nanos = self.fraction();
        }
        found.hour = self.half_day(found.hour)?;
        Some(found)
    }

    fn half_day(&mut self, hour: u32) -> Option<u32> {
        let half = match self.bytes.get(self.at..self.at + 3) {
            Some(b" AM") => 0,
            Some(b" PM") => 12,
            _ => return Some(hour),
        };
        self.at += 3;
        (1..=12).contains(&hour).then_some(hour % 12 + half)
    }

    fn fraction(&mut self) -> u32 {
        let digits = |from: usize| self.bytes[from..].iter().take_while(|byte| byte.is_ascii_digit());
        if !matches!(self.peek(), Some(b'.' | b',')) || digits(self.at + 1).count() == 0 {
            return 0;
        }
        let mut nanos = 0;
        let count = digits(self.at + 1).count();
        for place in 0..9 {
            let digit = if place < count { u32::from(self.bytes[self.at + 1 + place] - b'0') } else { 0 };
            nanos = nanos * 10 + digit;
        }
        self.at += 1 + count;
        nanos
    }

    /// `Z`, `+02:00`, `+0200`, `+02`, ` CEST`, each with or without a space before.
    fn zone(&mut self, mut found: Calendar) -> Calendar {
        let place = self.at;
        let spaced = self.one_of(b" ").is_some();
        match self.offset(spaced).map(Written::Offset).or_else(|| self.word()) {
            Some(zone) => found.zone = zone,
            None => self.at = place,
        }
        found
    }

    /// After a space only an offset with minutes is one: `10:23:50 -12 rows` says no offset.
    fn offset(&mut self, with_minutes: bool) -> Option<i32> {
        let place = self.at;
        let found = self.signed_offset(with_minutes);
        if found.is_none() {
            self.at = place;
        }
        found
    }

    fn signed_offset(&mut self, with_minutes: bool) -> Option<i32> {
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2).filter(|hours| *hours <= 18)?;
        let after_hours = self.at;
        let _ = self.one_of(b":");
        let minutes = self.digits(2).filter(|minutes| *minutes < 60);
        if minutes.is_none() {
            self.at = after_hours;
        }
        let minutes = if with_minutes { minutes? } else { minutes.unwrap_or(0) };
        i32::try_from(hours * 3600 + minutes * 60).ok().map(|seconds| sign * seconds)
    }

    fn word(&mut self) -> Option<Written> {
        let letters = self.bytes[self.at..].iter().take(5).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let word = &self.bytes[self.at..self.at + letters];
        let zone = match word {
            b"Z" | b"UTC" | b"GMT" => Written::Offset(0),
            word if ABBREVIATIONS.contains(&word) => Written::Abbreviation(String::from_utf8_lossy(word).into_owned()),
            _ => return None,
        };
        self.at += letters;
        Some(zone)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| allowed.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn spaces(&mut self) -> Option<()> {
        self.one_of(b" ")?;
        while self.one_of(b" ").is_some() {}
        Some(())
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + count)?;
        let mut number: u32 = 0;
        for digit in digits {
            let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
            number = number.checked_mul(10)?.checked_add(digit)?;
        }
        self.at += count;
        Some(number)
    }

    fn day(&mut self) -> Option<u32> {
        self.digits(2).or_else(|| self.digits(1))
    }

    fn month(&mut self) -> Option<u32> {
        self.name(&MONTHS).and_then(|index| u32::try_from(index + 1).ok())
    }

    fn name(&mut self, names: &[&[u8; 3]]) -> Option<usize> {
        let word = self.bytes.get(self.at..self.at + 3)?;
        let index = names.iter().position(|name| name.as_slice() == word)?;
        self.at += 3;
        Some(index)
    }
}

impl Calendar {
    /// Whether such a time can be at all; the calendar itself is asked later.
    fn possible(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
            && self.year.is_none_or(|year| (1970..2200).contains(&year))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(line: &str) -> Calendar {
        match find(line.as_bytes()) {
            Some(Stamp { says: Says::Calendar(found), .. }) => found,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn zone(line: &str) -> Written {
        let found = calendar(line);
        assert_eq!((found.month, found.day, found.hour, found.minute, found.second), (5, 15, 10, 23, 50), "{line}");
        found.zone
    }

    #[test]
    fn reads_the_forms_that_logs_use() {
        for line in [
            "2026-05-15T10:23:50 starts",
            "[2026-05-15 10:23:50] starts",
            "2026-05-15 10:23:50,123 - INFO",
            "Start-Date: 2026-05-15  10:23:50",
            "2026/05/15 10:23:50 [error] 7#7: x",
            "20260515_102350 starts",
            "<34>May 15 10:23:50 host cron[1]: x",
            "Fri May 15 10:23:50 2026 x",
            "[Fri May 15 10:23:50.123456 2026] [core:error] x",
            "2026-05-15 10:23:50 -12 rows",
            "2026-05-15 10:23:50 ERROR x",
        ] {
            assert!(matches!(zone(line), Written::Nothing), "{line}: {:?}", zone(line));
        }
    }

    #[test]
    fn keeps_the_zone_as_written() {
        let east = Written::Offset(7200);
        assert_eq!(zone("2026-05-15T10:23:50.123+02:00 x"), east);
        assert_eq!(zone("2026-05-15 10:23:50 +0200 x"), east);
        assert_eq!(zone("2026-05-15 10:23:50.123+02"), east);
        assert_eq!(zone(r#"203.0.113.9 - - [15/May/2026:10:23:50 +0200] "GET /""#), east);
        assert_eq!(zone("2026-05-15T10:23:50Z"), Written::Offset(0));
        assert_eq!(zone("20260515T102350Z x"), Written::Offset(0));
        assert_eq!(zone("2026-05-15 10:23:50.123 UTC [77] ERROR: x"), Written::Offset(0));
        assert_eq!(zone("Fri, 15 May 2026 10:23:50 GMT"), Written::Offset(0));
        assert_eq!(zone("2026-05-15 10:23:50 CEST [77] LOG: x"), Written::Abbreviation("CEST".into()));
        assert_eq!(zone("Fri May 15 10:23:50 AM CEST 2026 x"), Written::Abbreviation("CEST".into()));
    }

    #[test]
    fn says_what_is_missing_and_where_it_stood() {
        assert_eq!(calendar("May 15 10:23:50 host x").year, None);
        assert_eq!(calendar("Fri 15 May 2026 10:23:50 PM UTC").hour, 22);
        let stamp = find(b"x [2026-05-15 10:23:50.5] y").unwrap();
        assert_eq!((stamp.start, stamp.end), (3, 24));
        assert_eq!(find(b"1778840630.25 x").unwrap().says, Says::Epoch(1_778_840_630, 250_000_000));
        assert_eq!(find(b"1778840630123 x").unwrap().says, Says::Epoch(1_778_840_630, 123_000_000));
    }

    #[test]
    fn other_numbers_and_file_names_are_no_times() {
        for line in [
            "directus_20260515_102350.sql.gz written",
            "pid 1778840630 ended",
            "9999999999 bytes",
            "2026-13-15 10:23:50",
            "2026-05-15",
            "version 15.18.2026",
            "",
            "Mayday 15 10:23:50",
        ] {
            assert_eq!(find(line.as_bytes()), None, "{line}");
        }
    }
}
