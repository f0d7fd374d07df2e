//! Finds contradictions among events: within one run, between the files of one subject, and across
//! logs. A finding cites the lines that disagree, and says why that matters and what would settle it;
//! which of the two is true is not decided here.
//!
//! A success never takes a failure away: whoever writes a line that looks like one adds a
//! contradiction.

mod across;
mod figures;
mod within;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::event::Event;
use super::kind::Kind;
use super::rule::{Rule, RuleKind};
use super::run::{Run, Runs};
use across::Across;

/// Findings kept; beyond, they are counted.
const MOST: usize = 500;

/// A line as a finding cites it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The source's position.
    pub source: usize,
    /// The line, from 1.
    pub line: u64,
    /// The message, unmasked.
    pub text: String,
    /// Its instant, if it is certain.
    pub at: Option<DateTime<Utc>>,
    /// Its time as written.
    pub original: String,
}

impl Citation {
    fn of(event: &Event) -> Self {
        Self {
            source: event.source,
            line: event.line,
            text: event.text.clone(),
            at: event.at(),
            original: event.original.clone(),
        }
    }
}

/// One contradiction.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's position.
    pub rule: usize,
    /// What it is about.
    pub subject: String,
    /// What disagrees, with the figures that were compared.
    pub what: String,
    /// The line that claims.
    pub first: Citation,
    /// The line that disagrees; none when one line disagrees with itself or with what is not there.
    pub second: Option<Citation>,
}

/// What is expected of those who are to be told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expect {
    /// Seconds within which somebody is to be told of a failure.
    pub alert_within: Option<f64>,
    /// The fastest rate that is possible, in bytes per second.
    pub max_rate: Option<f64>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the first line's time.
    pub findings: Vec<Finding>,
    /// How many there were, also those that are not kept.
    pub total: u64,
    /// How many by rule.
    pub by_rule: BTreeMap<String, u64>,
    /// Runs looked at.
    pub runs: u64,
    /// Events looked at.
    pub events: u64,
    /// Whether more failures were seen than could be held against each other.
    pub limited: bool,
}

/// Looks for contradictions while events pass.
pub struct Contradictions<'r> {
    rules: &'r [Rule],
    expect: Expect,
    runs: Runs,
    across: Across,
    report: Report,
    /// Starts without an end, until it is known whether the log ever says its ends.
    endless: BTreeMap<(usize, String), (u64, Vec<Finding>)>,
}

impl<'r> Contradictions<'r> {
    /// Looks by `rules`.
    #[must_use]
    pub fn new(rules: &'r [Rule], expect: Expect) -> Self {
        let (runs, across, report) = (Runs::default(), Across::default(), Report::default());
        Self { rules, expect, runs, across, report, endless: BTreeMap::new() }
    }

    /// Takes an event of the log `group`, which is about `subject` unless its lines say so themselves.
    pub fn take(&mut self, event: Event, group: usize, subject: &str) {
        if event.twin.is_some() {
            return;
        }
        self.report.events += 1;
        self.across.take(&event, group);
        let mut done = Vec::new();
        self.runs.take(event, group, subject, &mut |run| done.push(run));
        done.iter().for_each(|run| self.judge(run));
    }

    /// What was found; `subjects` tells which logs are about one and the same.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let mut done = Vec::new();
        self.runs.finish(&mut |run| done.push(run));
        done.iter().for_each(|run| self.judge(run));
        let mut found = self.across.finish(self.rules, self.expect);
        self.report.limited = self.across.limited(self.expect);
        for ((_, _), (ends, findings)) in std::mem::take(&mut self.endless) {
            // A log that begins many runs and ends none has words of its own for an end.
            if ends > 0 || findings.len() < 3 {
                found.extend(findings);
            }
        }
        found.into_iter().for_each(|finding| self.keep(finding));
        self.report.findings.sort_by_key(|f| (f.first.at.is_none(), f.first.at, f.first.source, f.first.line, f.rule));
        self.report
    }

    fn judge(&mut self, run: &Run) {
        self.report.runs += 1;
        self.across.run(run);
        let mut found = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let mut make = |what: String, first: &Event, second: Option<&Event>| {
                found.push(Finding {
                    rule: index,
                    subject: run.subject.clone(),
                    what,
                    first: Citation::of(first),
                    second: second.map(Citation::of),
                });
            };
            match rule.kind {
                RuleKind::SuccessAndFailure => within::success_and_failure(run, &mut make),
                RuleKind::SuccessBeforeFailure => within::success_before_failure(run, &mut make),
                RuleKind::SuccessAfterFailedCheck => within::success_after_failed_check(run, &mut make),
                RuleKind::Duration => within::duration(run, &mut make),
                RuleKind::StepNotFollowed => within::step_not_followed(run, &mut make),
                RuleKind::Arithmetic => figures::arithmetic(run, self.expect, &mut make),
                RuleKind::TwoValues => figures::two_values(run, &mut make),
                RuleKind::StartWithoutEnd => within::start_without_end(run, &mut make),
                RuleKind::AlertMissing | RuleKind::SameSignature => {}
            }
        }
        for finding in found {
            match self.rules[finding.rule].kind {
                RuleKind::StartWithoutEnd => self.endless_of(run).1.push(finding),
                _ => self.keep(finding),
            }
        }
        if run.start.is_some() && (run.over.is_some() || run.has(&Kind::Failure)) {
            self.endless_of(run).0 += 1;
        }
    }

    fn endless_of(&mut self, run: &Run) -> &mut (u64, Vec<Finding>) {
        let entry = self.endless.entry((run.group, run.subject.clone())).or_default();
        entry.1.truncate(MOST);
        entry
    }

    fn keep(&mut self, finding: Finding) {
        self.report.total += 1;
        *self.report.by_rule.entry(self.rules[finding.rule].id.clone()).or_default() += 1;
        if self.report.findings.len() < MOST {
            self.report.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests;
