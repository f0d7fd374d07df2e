//! `contradictions`: lines that cannot both be true, found by the rules of `policies/contradictions/`.
//! Derived: it reads the logs again, shows both lines of every finding with their place, and says why
//! they matter and what would settle them. It never says which of the two is true, and never why.

mod doc;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::base::{clock, text};
use crate::events::{Citation, Contradictions, Expect, Finding, Report, Rule, builtin_rules, size_of};
use crate::hygiene::Raw;
use crate::model::fact::{Basis, Observation};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::timeline::sources::{self, Ready as Origin};
use super::timeline::{Seen, name, names, not_whole, read_all, tell_sources};
use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, settings};

/// The collector.
pub struct ContradictionsCollector;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    sources: Option<Vec<sources::With>>,
    timeline: Option<String>,
    rules: Option<Vec<String>>,
    alert_within: Option<Value>,
    max_rate: Option<String>,
}

/// The part of another step's settings that is taken over.
#[derive(Deserialize)]
struct Other {
    sources: Vec<sources::With>,
}

struct Ready {
    sources: Vec<Origin>,
    rules: Vec<Rule>,
    expect: Expect,
}

impl Collector for ContradictionsCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let list = match (with.sources, &with.timeline) {
            (Some(list), None) => list,
            (None, Some(id)) => of_timeline(id, settings)?,
            _ => {
                return Err(SettingError::new(
                    "with: needs `timeline: STEP`, whose sources it reads again, or `sources:`",
                ));
            }
        };
        // Files' times and facts claim nothing.
        let logs: Vec<_> = list.into_iter().filter(|source| source.log.is_some()).collect();
        let within = match &with.alert_within {
            None => None,
            given => Some(settings::seconds("alert_within", given.as_ref(), 0.0)?),
        };
        let rate = with.max_rate.as_ref().map(|text| {
            let plain = text.strip_suffix("/s").unwrap_or(text).trim_end();
            size_of(plain).ok_or_else(|| SettingError::new("with: max_rate: expected a rate such as `12.5 MB/s`"))
        });
        let expect = Expect { alert_within: within, max_rate: rate.transpose()? };
        Ok(Box::new(Ready { sources: sources::ready(&logs, settings)?, rules: chosen(with.rules.as_deref())?, expect }))
    }
}

fn of_timeline(id: &str, settings: &Settings<'_>) -> Result<Vec<sources::With>, SettingError> {
    let timelines = || settings.case.collect.iter().filter(|step| step.uses == "timeline");
    let Some(step) = timelines().find(|step| step.id == id) else {
        let hint = text::did_you_mean(id, timelines().map(|step| step.id.as_str()));
        let id = text::visible(id);
        return Err(SettingError::new(format!("with: timeline: no step `{id}` uses timeline{hint}")));
    };
    let other: Other =
        Settings { case: settings.case, step, folder: settings.folder, commands: settings.commands }.decode()?;
    Ok(other.sources)
}

fn chosen(ids: Option<&[String]>) -> Result<Vec<Rule>, SettingError> {
    let all = builtin_rules().map_err(|e| SettingError::new(e.to_string()))?;
    let Some(ids) = ids else { return Ok(all) };
    if let Some(unknown) = ids.iter().find(|id| all.iter().all(|rule| rule.id != **id)) {
        let hint = text::did_you_mean(unknown, all.iter().map(|rule| rule.id.as_str()));
        return Err(SettingError::new(format!("with: rules: no rule `{}`{hint}", text::visible(unknown))));
    }
    Ok(all.into_iter().filter(|rule| ids.contains(&rule.id)).collect())
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        self.sources.iter().map(|source| Action::new(Verb::Read, source.what())).collect()
    }

    fn basis(&self) -> Basis {
        Basis::Derived
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let mut found = Contradictions::new(&self.rules, self.expect);
        let all = read_all(&self.sources, surroundings, &mut |event, group, subject| found.take(event, group, subject));
        let mut seen = Observation::of(names(&all));
        tell_sources(&all, &mut seen);
        self.tell(&found.finish(), &all, &mut seen);
        seen.how = self.sources.iter().map(Origin::what).collect();
        Raw::new(seen)
    }
}

impl Ready {
    fn tell(&self, report: &Report, all: &[Seen], seen: &mut Observation) {
        let rows = report.findings.iter().map(|finding| self.row(finding, all));
        seen.set("findings", Value::List(rows.collect()));
        seen.set("runs", report.runs);
        seen.set("events", report.events);
        let complete = seen.values.get("complete") == Some(&Value::Bool(true));
        let short = not_whole;
        if complete {
            seen.set("count", report.total);
            seen.set("findings_total", report.total);
        } else {
            seen.set("count_at_least", report.total);
            seen.miss("count", short());
            seen.miss("findings_total", short());
        }
        let mut by_rule = Map::new();
        for rule in &self.rules {
            by_rule.insert(rule.id.clone(), report.by_rule.get(&rule.id).copied().unwrap_or(0).into());
            if !complete {
                seen.miss(&format!("by_rule.{}", rule.id), short());
            }
        }
        // What was not read may hold more: then these are floors, and nothing may pass as "at most".
        seen.set(if complete { "by_rule" } else { "by_rule_at_least" }, by_rule);
    }

    fn row(&self, finding: &Finding, all: &[Seen]) -> Value {
        let rule = &self.rules[finding.rule];
        let mut row = Map::new();
        row.insert("rule".into(), rule.id.as_str().into());
        row.insert("title".into(), rule.title.as_str().into());
        row.insert("subject".into(), finding.subject.as_str().into());
        row.insert("what".into(), finding.what.as_str().into());
        row.insert("why".into(), rule.why.as_str().into());
        row.insert("settles".into(), rule.settles.as_str().into());
        row.insert("first".into(), cite(&finding.first, all));
        if let Some(second) = &finding.second {
            row.insert("second".into(), cite(second, all));
        }
        row.into()
    }
}

fn cite(line: &Citation, all: &[Seen]) -> Value {
    let mut row = Map::new();
    let source = all.get(line.source).map(name).unwrap_or_default();
    row.insert("place".into(), format!("{source}:{}", line.line).into());
    row.insert("source".into(), source.into());
    row.insert("line".into(), line.line.into());
    row.insert("text".into(), line.text.as_str().into());
    if let Some(at) = line.at {
        row.insert("at".into(), clock::stamp(at).into());
    }
    if !line.original.is_empty() {
        row.insert("original".into(), line.original.as_str().into());
    }
    row.into()
}
