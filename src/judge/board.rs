//! Where all cases stand: what their own verdicts say, and what their `requires` make of it. Pure:
//! whoever calls it has read the runs and knows the instant.
//!
//! A case is closed only when its own verdict says so, that verdict still stands, and every case
//! that it requires is closed. So a chain is closed from its beginning, and a cycle never is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::DateTime;

use crate::base::quantity;
use crate::model::bundle::Bundle;
use crate::model::fact::Fact;
use crate::model::policy::Policy;
use crate::model::verdict::{Closure, Outcome, Row, Status, Verdict};

use super::judge;

/// How much later than now a run may have begun, in seconds: clocks differ.
const SKEW: f64 = 300.0;

/// A case as it was found.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name.
    pub case: String,
    /// Its title.
    pub title: String,
    /// Cases that must be closed first.
    pub requires: Vec<String>,
    /// Its newest run.
    pub run: Option<String>,
    /// How long ago that began, in seconds.
    pub age_seconds: Option<f64>,
    /// What that run says.
    pub own: Own,
}

/// What a case's newest run says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// There is none.
    NoRun,
    /// It was not brought to its end.
    Unsealed,
    /// Its verdict; why it no longer stands, if it does not; whether something fails.
    Judged {
        /// The closure: of its criteria, or for a policy without any, of its outcome.
        closure: Closure,
        /// Why a verdict that closed the case no longer stands.
        outdated: Vec<String>,
        /// What keeps a verdict that closes from closing the case: signatures that do not count.
        unsigned: Vec<String>,
        /// Whether an item is established to fail.
        fails: bool,
        /// What remains to be said although it stands.
        notes: Vec<String>,
    },
    /// It does not verify.
    Broken(String),
    /// The case itself cannot be read.
    Invalid(String),
}

/// The state of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing was collected yet.
    NoRun,
    /// The newest run was not brought to its end.
    Unsealed,
    /// Not closed: by its own verdict, or because a case that it requires is not.
    Open,
    /// All cases that it requires are closed, and nothing of its own fails.
    ReadyToClose,
    /// Closed.
    Closed,
    /// Closed, with notes.
    ClosedWithNotes,
    /// A hard stop fired.
    HardStop,
    /// It was closed, by a verdict that no longer stands.
    Stale,
    /// The newest run does not verify.
    Broken,
    /// The case cannot be read.
    Invalid,
}

impl State {
    /// As every output has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoRun => "no_run",
            Self::Unsealed => "unsealed",
            Self::Open => "open",
            Self::ReadyToClose => "ready_to_close",
            Self::Closed => "closed",
            Self::ClosedWithNotes => "closed_with_notes",
            Self::HardStop => "hard_stop",
            Self::Stale => "stale",
            Self::Broken => "broken",
            Self::Invalid => "invalid",
        }
    }

    /// Whether cases that require this one may go on.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedWithNotes)
    }
}

/// Where one case stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The case as it was found.
    pub subject: Subject,
    /// Its state.
    pub state: State,
    /// Why, in words.
    pub because: Vec<String>,
    /// The cases that it requires and that are not closed, or not there.
    pub blocked_by: Vec<String>,
    /// The cases that require it, while it is not closed.
    pub blocks: Vec<String>,
}

/// Where all cases stand, by name.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// The cases, by name.
    pub cases: Vec<Standing>,
    /// Cases that require each other in a circle, each circle once, the first case repeated at its end.
    pub cycles: Vec<Vec<String>>,
    /// Required cases that are not there.
    pub missing: Vec<String>,
}

impl Board {
    /// The names of the cases in `state`.
    #[must_use]
    pub fn in_state(&self, state: State) -> Vec<&str> {
        let those = self.cases.iter().filter(|standing| standing.state == state);
        those.map(|standing| standing.subject.case.as_str()).collect()
    }

    /// The required cases that are not closed, missing ones included.
    #[must_use]
    pub fn waited_for(&self) -> Vec<&str> {
        let blocking = self.cases.iter().filter(|standing| !standing.blocks.is_empty());
        let names = blocking.map(|standing| standing.subject.case.as_str());
        names.chain(self.missing.iter().map(String::as_str)).collect()
    }
}

/// What the run in `bundle` says as of the instant `now` (RFC 3339). A case that was closed stays closed: ages count
/// from the start of its run. What would not hold any more is a note. A waiver that ended, and `max_age` of the
/// policy, do end a closure. `answered` is what signed answers of seats make of the closure, when they close the case.
#[must_use]
pub fn outdated(bundle: &Bundle, answered: Option<Closure>, now: &str) -> Own {
    let then = super::again(bundle);
    if then != bundle.verdict {
        return Own::Broken("the sealed verdict is not the one that its facts give".to_owned());
    }
    let closure = answered.unwrap_or_else(|| closure(&then));
    let (mut outdated, mut notes) = (Vec::new(), Vec::new());
    if matches!(closure, Closure::Closed | Closure::ClosedWithNotes) {
        let again = super::at(bundle, now);
        for row in fallen(&then, &again) {
            // A waiver has an end. A backup that was fresh when the case was closed was so for good.
            match then.rows.iter().any(|before| before.id == row.id && before.status == Status::Waived) {
                true => outdated.push(format!("{} no longer holds: {}", row.id, row.title)),
                false => {
                    notes.push(format!("{} held when the run began and would not hold now: {}", row.id, row.title))
                }
            }
        }
        let age = age_seconds(&bundle.info.started_at, now).unwrap_or(f64::INFINITY);
        if age < -SKEW {
            outdated.push("its run says that it began later than this: a clock is wrong".to_owned());
        }
        outdated.extend(bundle.policy.max_age_seconds().filter(|most| age > *most).map(|most| {
            let show = quantity::show_seconds;
            format!("the verdict is {} old, and its policy lets it stand for {}", show(age), show(most))
        }));
    }
    let fails = then.rows.iter().any(|row| row.status.fails());
    Own::Judged { closure, outdated, unsigned: Vec::new(), fails, notes }
}

/// What it means for a run that closes that its case's policy is `policy` by now: nothing where that is the
/// sealed one, else whether the sealed facts, as of their run, still close the case by it. `Err` says why they do not.
///
/// # Errors
/// With the reasons why the verdict no longer stands.
pub fn under_policy(bundle: &Bundle, policy: &Policy) -> Result<Option<String>, Vec<String>> {
    let text = |policy: &Policy| serde_json::to_value(policy).ok();
    if text(policy) == text(&bundle.policy) {
        return Ok(None);
    }
    let facts: Vec<Fact> = bundle.facts.iter().map(|sealed| sealed.fact.clone()).collect();
    let again = judge(policy, &facts, &bundle.case, &bundle.info.started_at);
    if matches!(closure(&again), Closure::Closed | Closure::ClosedWithNotes) {
        return Ok(Some("its policy changed since the run; the same facts close it by the new one too".to_owned()));
    }
    let fallen = again.rows.iter().filter(|row| {
        let before = bundle.verdict.rows.iter().find(|before| before.id == row.id);
        before.is_none_or(|before| before.status != row.status)
    });
    let fallen = fallen.map(|row| format!("by the policy as it is now, {} does not hold: {}", row.id, row.title));
    let changed = "its policy changed since the run, and the same facts do not close it by the new one";
    Err(std::iter::once(changed.to_owned()).chain(fallen).collect())
}

/// Seconds from one instant to another, both RFC 3339.
#[must_use]
pub fn age_seconds(from: &str, to: &str) -> Option<f64> {
    let instant = |text| DateTime::parse_from_rfc3339(text).ok();
    let age = instant(to)?.signed_duration_since(instant(from)?);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds between dates")]
    Some(age.num_milliseconds() as f64 / 1000.0)
}

/// A policy without criteria closes by its outcome.
fn closure(verdict: &Verdict) -> Closure {
    verdict.closure.unwrap_or(match verdict.outcome {
        Outcome::Pass => Closure::Closed,
        Outcome::HardStop => Closure::HardStop,
        Outcome::Fail | Outcome::Unknown => Closure::Open,
    })
}

/// The rows that came out worse than before.
fn fallen<'a>(then: &Verdict, again: &'a Verdict) -> Vec<&'a Row> {
    let pairs = then.rows.iter().zip(&again.rows);
    pairs.filter(|(then, again)| then.status != again.status).map(|(_, again)| again).collect()
}

/// Where the cases stand.
#[must_use]
pub fn board(mut subjects: Vec<Subject>) -> Board {
    subjects.sort_by(|a, b| a.case.cmp(&b.case));
    let names: BTreeSet<String> = subjects.iter().map(|subject| subject.case.clone()).collect();
    let missing: BTreeSet<_> =
        subjects.iter().flat_map(|s| &s.requires).filter(|name| !names.contains(*name)).collect();
    let missing = missing.into_iter().cloned().collect();
    let closed = closed(&subjects);
    let users = users(&subjects);
    let cycles = cycles(&subjects);
    let cases = subjects.into_iter().map(|subject| standing(subject, &closed, &users, &cycles)).collect();
    Board { cases, cycles, missing }
}

/// The cases that are closed with all that they require.
fn closed(subjects: &[Subject]) -> BTreeSet<String> {
    let mut closed = BTreeSet::new();
    loop {
        let before = closed.len();
        for subject in subjects {
            if closes(&subject.own) && subject.requires.iter().all(|name| closed.contains(name)) {
                closed.insert(subject.case.clone());
            }
        }
        if closed.len() == before {
            return closed;
        }
    }
}

fn closes(own: &Own) -> bool {
    matches!(own, Own::Judged { closure: Closure::Closed | Closure::ClosedWithNotes, outdated, unsigned, .. }
        if outdated.is_empty() && unsigned.is_empty())
}

/// By a case's name, the cases that require it.
fn users(subjects: &[Subject]) -> BTreeMap<String, Vec<String>> {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for subject in subjects {
        for name in subject.requires.iter().collect::<BTreeSet<_>>() {
            users.entry(name.clone()).or_default().push(subject.case.clone());
        }
    }
    users
}

fn standing(
    subject: Subject,
    closed: &BTreeSet<String>,
    users: &BTreeMap<String, Vec<String>>,
    cycles: &[Vec<String>],
) -> Standing {
    let blocked_by: Vec<String> = subject.requires.iter().filter(|name| !closed.contains(*name)).cloned().collect();
    let (state, mut because) = state(&subject, &blocked_by);
    if let Some(cycle) = cycles.iter().find(|cycle| cycle.contains(&subject.case)) {
        because.push(format!("it requires itself in a circle: {}", cycle.join(" -> ")));
    }
    let blocks = if state.is_closed() { Vec::new() } else { users.get(&subject.case).cloned().unwrap_or_default() };
    Standing { subject, state, because, blocked_by, blocks }
}

fn state(subject: &Subject, blocked_by: &[String]) -> (State, Vec<String>) {
    let unblocked = !subject.requires.is_empty() && blocked_by.is_empty();
    let waits = (!blocked_by.is_empty()).then(|| format!("it requires {}", blocked_by.join(", ")));
    let ready = || (State::ReadyToClose, vec!["everything that it requires is closed".to_owned()]);
    match &subject.own {
        Own::Invalid(why) => (State::Invalid, vec![why.clone()]),
        Own::Broken(why) => (State::Broken, vec![why.clone()]),
        Own::Unsealed => (State::Unsealed, vec!["its newest run was not brought to its end".to_owned()]),
        Own::NoRun if unblocked => ready(),
        Own::NoRun => (State::NoRun, waits.into_iter().collect()),
        Own::Judged { closure: Closure::HardStop, .. } => (State::HardStop, waits.into_iter().collect()),
        Own::Judged { closure: Closure::Open, fails: false, .. } if unblocked => ready(),
        Own::Judged { closure: Closure::Open, fails, .. } => {
            let own = if *fails { "an item of its policy fails" } else { "an item of its policy is not established" };
            (State::Open, std::iter::once(own.to_owned()).chain(waits).collect())
        }
        Own::Judged { outdated, .. } if !outdated.is_empty() => {
            (State::Stale, outdated.iter().cloned().chain(waits).collect())
        }
        Own::Judged { unsigned, .. } if !unsigned.is_empty() => {
            (State::Open, unsigned.iter().cloned().chain(waits).collect())
        }
        Own::Judged { .. } if !blocked_by.is_empty() => (State::Open, waits.into_iter().collect()),
        Own::Judged { closure: Closure::ClosedWithNotes, notes, .. } => (State::ClosedWithNotes, notes.clone()),
        Own::Judged { notes, .. } => (State::Closed, notes.clone()),
    }
}

/// The shortest way around each circle, from its first case by name.
fn cycles(subjects: &[Subject]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for subject in subjects {
        if found.iter().any(|cycle| cycle.contains(&subject.case)) {
            continue;
        }
        found.extend(around(subjects, &subject.case));
    }
    found
}

fn around(subjects: &[Subject], start: &str) -> Option<Vec<String>> {
    let required = |name: &str| subjects.iter().find(|s| s.case == name).map_or(&[][..], |s| &s.requires);
    let mut ways = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in required(way.last()?) {
            let longer: Vec<String> = way.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(closure: Closure) -> Own {
        Own::Judged { closure, outdated: Vec::new(), unsigned: Vec::new(), fails: false, notes: Vec::new() }
    }

    fn subject(case: &str, requires: &[&str], own: Own) -> Subject {
        let requires = requires.iter().map(|name| (*name).to_owned()).collect();
        Subject { case: case.into(), title: String::new(), requires, run: None, age_seconds: None, own }
    }

    fn states(subjects: Vec<Subject>) -> Vec<(String, &'static str)> {
        board(subjects).cases.into_iter().map(|s| (s.subject.case.clone(), s.state.word())).collect()
    }

    #[test]
    fn ready_only_when_everything_required_is_closed() {
        let hb = |eight: Own, nine: Own, five: Own| {
            let found = states(vec![
                subject("hb-05", &["hb-08", "hb-09"], five),
                subject("hb-08", &[], eight),
                subject("hb-09", &[], nine),
            ]);
            found[0].1
        };
        let (closed, notes, open) = (judged(Closure::Closed), judged(Closure::ClosedWithNotes), judged(Closure::Open));
        assert_eq!(hb(closed.clone(), open.clone(), Own::NoRun), "no_run");
        assert_eq!(hb(closed.clone(), Own::NoRun, open.clone()), "open");
        assert_eq!(hb(closed.clone(), notes.clone(), Own::NoRun), "ready_to_close");
        assert_eq!(hb(closed.clone(), notes.clone(), open.clone()), "ready_to_close");
        let failing = Own::Judged {
            closure: Closure::Open,
            outdated: Vec::new(),
            unsigned: Vec::new(),
            fails: true,
            notes: Vec::new(),
        };
        assert_eq!(hb(closed.clone(), notes.clone(), failing), "open");
        assert_eq!(hb(closed.clone(), open, closed.clone()), "open");
        assert_eq!(hb(closed.clone(), notes, closed.clone()), "closed");
        let old = Own::Judged {
            closure: Closure::Closed,
            outdated: vec!["old".into()],
            unsigned: Vec::new(),
            fails: false,
            notes: Vec::new(),
        };
        assert_eq!(hb(closed.clone(), old, closed.clone()), "open");
        assert_eq!(hb(closed, judged(Closure::HardStop), Own::NoRun), "no_run");
    }

    #[test]
    fn what_is_blocked_blocks_what_comes_after_it() {
        let closed = || judged(Closure::Closed);
        let found =
            board(vec![subject("c", &["b"], closed()), subject("b", &["a"], closed()), subject("a", &[], Own::NoRun)]);
        let of = |name: &str| found.cases.iter().find(|s| s.subject.case == name).unwrap();
        assert_eq!(
            (of("a").blocks.as_slice(), of("b").blocks.as_slice()),
            (&["b".to_owned()][..], &["c".to_owned()][..])
        );
        assert_eq!(of("c").blocked_by, ["b"]);
        assert_eq!(found.waited_for(), ["a", "b"]);
    }

    #[test]
    fn circles_and_missing_cases_are_named_and_never_closed() {
        let closed = || judged(Closure::Closed);
        let found = board(vec![
            subject("a", &["b"], closed()),
            subject("b", &["c", "a"], closed()),
            subject("c", &["c", "gone"], closed()),
            subject("d", &[], closed()),
        ]);
        assert_eq!(found.cycles, [vec!["a", "b", "a"], vec!["c", "c"]]);
        assert_eq!(found.missing, ["gone"]);
        assert_eq!(found.in_state(State::Closed), ["d"]);
        assert!(found.cases[0].because.iter().any(|why| why.contains("a -> b -> a")));
    }
}
