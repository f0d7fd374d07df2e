//! What only several logs together show: a failure in one during a run that another calls a success,
//! a failure of which nobody was told, and the same failing words in several places.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};

use super::super::event::Event;
use super::super::kind::Kind;
use super::super::rule::{Rule, RuleKind};
use super::super::run::Run;
use super::super::signature;
use super::{Citation, Expect, Finding};

/// How much of each kind is remembered.
const MOST: usize = 4096;
/// How many alerts are remembered.
const ALERTS: usize = 65_536;

/// A run that claims success, as far as other logs may speak against it.
struct Claim {
    group: usize,
    subject: String,
    from: DateTime<Utc>,
    at: DateTime<Utc>,
    line: Citation,
}

/// What is remembered of all logs.
#[derive(Default)]
pub(super) struct Across {
    claims: Vec<Claim>,
    failures: Vec<(usize, String, DateTime<Utc>, Citation)>,
    alerts: Vec<DateTime<Utc>>,
    signatures: HashMap<String, BTreeMap<usize, Citation>>,
    /// Whether there was more than could be remembered of failures, and of their words.
    full: (bool, bool),
    /// Whether there is more than one log.
    several: bool,
    group: Option<usize>,
}

impl Across {
    /// Looks at an event as it passes.
    pub(super) fn take(&mut self, event: &Event, group: usize) {
        self.several |= *self.group.get_or_insert(group) != group;
        let Some(place) = event.at().or(event.place) else { return };
        // A mail that reports success tells nobody of a failure.
        if event.is(&Kind::Alert)
            && !event.is(&Kind::Success)
            && !says_success(&event.text)
            && self.alerts.len() < ALERTS
        {
            self.alerts.push(place);
        }
        if !event.kind().fails() {
            return;
        }
        if self.failures.len() < MOST {
            self.failures.push((group, event.subject.clone(), place, Citation::of(event)));
        } else {
            self.full.0 = true;
        }
        if let Some(signature) = signature::signature(&event.text) {
            if self.signatures.len() < MOST || self.signatures.contains_key(&signature) {
                let places = self.signatures.entry(signature).or_default();
                places.entry(group).or_insert_with(|| Citation::of(event));
            } else {
                self.full.1 = true;
            }
        }
    }

    /// Looks at a run that is over.
    pub(super) fn run(&mut self, run: &Run) {
        let Some(over) = run.over.as_ref().filter(|over| over.is(&Kind::Success)) else { return };
        let from = run.start.as_ref().and_then(Event::at).or_else(|| over.at());
        if let (Some(from), Some(at), true) = (from, over.at(), self.claims.len() < MOST) {
            let (group, subject) = (run.group, run.subject.clone());
            self.claims.push(Claim { group, subject, from, at, line: Citation::of(over) });
        }
    }

    /// Whether something that the rules would have needed was not remembered.
    pub(super) fn limited(&self, expect: Expect) -> bool {
        (self.full.0 && (self.several || expect.alert_within.is_some())) || (self.full.1 && self.several)
    }

    /// What was found.
    pub(super) fn finish(&self, rules: &[Rule], expect: Expect) -> Vec<Finding> {
        let mut found = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match rule.kind {
                RuleKind::SuccessAndFailure => self.elsewhere(index, &mut found),
                RuleKind::AlertMissing => self.unheard(index, expect, &mut found),
                RuleKind::SameSignature => self.alike(index, &mut found),
                _ => {}
            }
        }
        found
    }

    /// A failure of a subject in another log, during a run that is called a success.
    fn elsewhere(&self, rule: usize, found: &mut Vec<Finding>) {
        for claim in &self.claims {
            let until = claim.at + Duration::minutes(5);
            let against = self.failures.iter().find(|(group, subject, at, _)| {
                *group != claim.group && *subject == claim.subject && claim.from <= *at && *at <= until
            });
            if let Some((.., failure)) = against {
                found.push(Finding {
                    rule,
                    subject: claim.subject.clone(),
                    what: "one log reports success, another a failure of the same subject at that time".to_owned(),
                    first: claim.line.clone(),
                    second: Some(failure.clone()),
                });
            }
        }
    }

    /// Failures after which no alert follows in time; failures that follow each other within that
    /// time count as one.
    fn unheard(&self, rule: usize, expect: Expect, found: &mut Vec<Finding>) {
        let Some(within) = expect.alert_within else { return };
        #[expect(clippy::cast_possible_truncation, reason = "at most a hundred years")]
        let within = Duration::milliseconds((within * 1000.0) as i64);
        let mut failures: Vec<_> = self.failures.iter().collect();
        failures.sort_by_key(|(_, _, at, _)| *at);
        // Beyond what was remembered of alerts nothing can be missed.
        let known = (self.alerts.len() >= ALERTS).then(|| self.alerts.iter().max().copied()).flatten();
        failures.retain(|(_, _, at, _)| known.is_none_or(|known| *at <= known));
        let mut quiet_until: Option<DateTime<Utc>> = None;
        for (_, subject, at, line) in failures {
            let heard = self.alerts.iter().any(|alert| *at <= *alert && *alert <= *at + within);
            if heard || quiet_until.is_some_and(|until| *at <= until) {
                continue;
            }
            quiet_until = Some(*at + within);
            let what = format!("no alert within {} s of it in any of these logs", within.num_seconds());
            found.push(Finding { rule, subject: subject.clone(), what, first: line.clone(), second: None });
        }
    }

    fn alike(&self, rule: usize, found: &mut Vec<Finding>) {
        let mut several: Vec<_> = self.signatures.iter().filter(|(_, places)| places.len() > 1).collect();
        several.sort_by(|a, b| a.0.cmp(b.0));
        for (words, places) in several {
            let mut lines = places.values();
            if let (Some(first), Some(second)) = (lines.next(), lines.next()) {
                let what = format!("{} logs have the words `{words}`: a candidate for a common cause", places.len());
                let (first, second) = (first.clone(), Some(second.clone()));
                found.push(Finding { rule, subject: String::new(), what, first, second });
            }
        }
    }
}

fn says_success(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("success") || text.contains("completed")
}
