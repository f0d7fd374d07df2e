//! The firings against an enumeration of every minute that does what cron's own loop does.

use chrono::{DateTime, Datelike, Duration, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::calendar::{self, Calendar, Rule};
use super::cron::Cron;

/// cron's loop, minute by minute: entries with a `*` run whenever the local minute fits; the others
/// run once for every minute that the local clock comes to for the first time, those that it jumped
/// over included.
fn enumerate(cron: &Cron, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let local = |at: DateTime<Utc>| zone.from_utc_datetime(&at.naive_utc()).naive_local();
    let fits = |at: chrono::NaiveDateTime| {
        let minute = at.time().with_second(0).unwrap();
        cron.day(at.date()) && cron.times().contains(&minute)
    };
    let mut out = Vec::new();
    let mut virtual_time = local(from);
    let mut at = from + Duration::minutes(1);
    while at <= to {
        let now = local(at);
        if cron.rule() == Rule::Wild {
            if fits(now) {
                out.push(at);
            }
        } else {
            let mut runs = false;
            while virtual_time < now {
                virtual_time += Duration::minutes(1);
                runs |= fits(virtual_time);
            }
            if runs {
                out.push(at);
            }
        }
        at += Duration::minutes(1);
    }
    out
}

fn zones() -> impl Strategy<Value = Tz> {
    prop_oneof![
        Just(chrono_tz::UTC),
        Just(chrono_tz::Europe::Zurich),
        Just(chrono_tz::America::New_York),
        Just(chrono_tz::Australia::Lord_Howe),
        Just(chrono_tz::Asia::Kolkata),
        Just(chrono_tz::America::Sao_Paulo),
        Just(chrono_tz::Africa::Casablanca),
        Just(chrono_tz::America::Havana),
    ]
}

fn field(low: u32, high: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        4 => (low..=high).prop_map(|n| n.to_string()),
        1 => (2u32..9).prop_map(|n| format!("*/{n}")),
        1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn firings_are_those_of_an_enumeration_of_every_minute(
        zone in zones(),
        year in 2015i32..2028,
        month in prop_oneof![Just(3u32), Just(4), Just(10), Just(11), Just(2), Just(7)],
        minute in field(0, 59),
        hour in prop_oneof![field(0, 23), field(0, 4)],
        day in field(1, 31),
        weekday in field(0, 7),
    ) {
        let cron = Cron::parse(&format!("{minute} {hour} {day} * {weekday}")).unwrap();
        let from = Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).unwrap();
        let to = from + Duration::days(16);
        let plain: Vec<_> = calendar::between(&cron, zone, from, to).into_iter().map(|firing| firing.at).collect();
        prop_assert_eq!(&plain, &enumerate(&cron, zone, from, to), "{:?} {}", cron, zone);
        // One by one, from both sides.
        let mut at = from;
        for expected in plain.iter().take(40) {
            let next = calendar::next(&cron, zone, at).unwrap();
            prop_assert_eq!(next.at, *expected);
            prop_assert_eq!(calendar::last(&cron, zone, *expected).unwrap().at, *expected);
            let before = calendar::last(&cron, zone, *expected - Duration::seconds(1)).map(|firing| firing.at);
            prop_assert!(before.is_none_or(|before| before < *expected && (before <= from || plain.contains(&before))));
            at = next.at;
        }
    }
}

#[test]
fn a_daily_job_across_both_clock_changes() {
    let zone = chrono_tz::Europe::Zurich;
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let next = |text: &str, from: &str| calendar::next(&Cron::parse(text).unwrap(), zone, at(from)).unwrap().at;
    // 02:30 is skipped on 2026-03-29: it runs at 03:00, right after the change.
    assert_eq!(next("30 2 * * *", "2026-03-28T12:00:00Z"), at("2026-03-29T01:00:00Z"));
    // 02:30 comes twice on 2026-10-25: it runs the first time.
    assert_eq!(next("30 2 * * *", "2026-10-24T12:00:00Z"), at("2026-10-25T00:30:00Z"));
    assert_eq!(next("30 2 * * *", "2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z"));
    // With a star it does not run in the hour that is skipped, and twice in the one that is repeated.
    assert_eq!(next("*/30 2 * * *", "2026-03-28T12:00:00Z"), at("2026-03-30T00:00:00Z"));
    assert_eq!(next("*/30 2 * * *", "2026-10-25T00:30:00Z"), at("2026-10-25T01:00:00Z"));
    assert_eq!(next("17 4 * * *", "2026-03-28T12:00:00Z"), at("2026-03-29T02:17:00Z"));
}

#[test]
fn a_rare_day_is_found_and_an_impossible_one_is_not() {
    let zone = chrono_tz::UTC;
    let from = "2096-03-01T00:00:00Z".parse().unwrap();
    let leap = calendar::next(&Cron::parse("0 0 29 2 *").unwrap(), zone, from).unwrap();
    assert_eq!((leap.at.year(), leap.at.month(), leap.at.hour()), (2104, 2, 0));
    assert_eq!(calendar::next(&Cron::parse("0 0 30 2 *").unwrap(), zone, from), None);
    assert_eq!(calendar::last(&Cron::parse("0 0 31 4 *").unwrap(), zone, from), None);
}

#[test]
fn clock_changes_are_found_to_the_second() {
    let (from, to) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
    let changes = calendar::changes(chrono_tz::Europe::Zurich, from, to);
    let instants: Vec<_> = changes.iter().map(|(at, before, after)| (at.to_rfc3339(), after - before)).collect();
    assert_eq!(
        instants,
        [("2026-03-29T01:00:00+00:00".to_owned(), 3600), ("2026-10-25T01:00:00+00:00".to_owned(), -3600)]
    );
    assert!(calendar::changes(chrono_tz::UTC, from, to).is_empty());
}
