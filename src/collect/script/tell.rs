//! Puts what the engine says of a script in the words of the observation.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::text;
use crate::hygiene;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};
use crate::shell::rules::{Analysis, Finding, LOSING, RULES, rule};

use super::Ready;

/// Fills `seen`.
pub fn tell(analysis: &Analysis, ready: &Ready, seen: &mut Observation) {
    seen.set("shell", analysis.shell);
    match &analysis.shebang {
        Some(written) => seen.set("shebang", written.clone()),
        None => seen.miss("shebang", Absence::new(Reason::NotFound, "the first line names no interpreter")),
    }
    seen.set("start_options", analysis.start.words());
    seen.set("commands", analysis.commands);
    let unread: BTreeSet<usize> = analysis.foreign.union(&analysis.opaque).copied().collect();
    seen.set("foreign_lines", unread.into_iter().collect::<Vec<_>>());
    seen.set("functions_not_called", analysis.uncalled.clone());
    let limit = Absence::new(Reason::Limit, "the script has more ways through it than were followed");
    if analysis.complete {
        options(analysis, ready, seen);
        findings(analysis, seen);
    } else {
        super::subject::miss_the_rest(seen, &super::doc::DOC, &limit);
    }
}

fn options(analysis: &Analysis, ready: &Ready, seen: &mut Observation) {
    let holds = analysis.holds;
    let settled_by = |line: &usize| format!("sed -n {line}p -- {}", text::shell_word(&text::from_name(&ready.path)));
    for (name, holds) in [("errexit", holds.errexit), ("nounset", holds.nounset), ("pipefail", holds.pipefail)] {
        if let Some(line) = analysis.opaque.first().filter(|_| holds && name == "pipefail") {
            let message = format!("line {line} hands another shell a script that is only known when it runs");
            seen.miss(name, Absence::new(Reason::Unavailable, message).settled_by(settled_by(line)));
            continue;
        }
        match analysis.foreign.first() {
            // Another file may set what this one does not.
            Some(line) if !holds => {
                let message = format!("line {line} reads other code into the shell, which may set it");
                seen.miss(name, Absence::new(Reason::Unavailable, message).settled_by(settled_by(line)));
            }
            _ => seen.set(name, holds),
        }
    }
    let span = |span: &crate::shell::rules::Span| {
        row([
            ("from_line", span.from.into()),
            ("to_line", span.to.into()),
            ("options", span.options.clone().into()),
            ("errexit_ignored", span.ignored.into()),
        ])
    };
    seen.set("options", Value::List(analysis.spans.iter().map(span).collect()));
    let pipeline = |pipeline: &crate::shell::rules::PipelineRow| {
        row([
            ("line", pipeline.line.into()),
            ("text", pipeline.text.clone().into()),
            ("programs", pipeline.programs.clone().into()),
            ("pipefail", pipeline.pipefail.into()),
            ("errexit", pipeline.errexit.into()),
            ("says", pipeline.says.clone().into()),
        ])
    };
    seen.set("pipelines", Value::List(analysis.pipelines.iter().map(pipeline).collect()));
}

fn findings(analysis: &Analysis, seen: &mut Observation) {
    let mut findings = analysis.findings.clone();
    findings.extend(secrets(analysis));
    findings.sort();
    findings.dedup_by(|a, b| a.rule == b.rule && a.line == b.line && a.text == b.text && a.says == b.says);
    let mut counts: BTreeMap<&str, usize> = RULES.iter().map(|rule| (rule.id, 0)).collect();
    for finding in &findings {
        *counts.entry(finding.rule).or_default() += 1;
    }
    let of = |names: &[&str]| names.iter().filter_map(|name| counts.get(name)).sum::<usize>();
    seen.set("findings_count", findings.len());
    seen.set("lost_failures", of(LOSING));
    seen.set("unchecked_returns", of(&["return-unchecked"]));
    let rules: Map = counts.iter().map(|(rule, count)| ((*rule).to_owned(), (*count).into())).collect();
    seen.set("rules", rules);
    seen.set("findings", Value::List(findings.iter().map(finding).collect()));
}

fn finding(finding: &Finding) -> Value {
    let rule = rule(finding.rule);
    row([
        ("rule", finding.rule.into()),
        ("line", finding.line.into()),
        ("lines", finding.lines.iter().copied().collect::<Vec<_>>().into()),
        ("text", finding.text.clone().into()),
        ("says", finding.says.clone().into()),
        ("title", rule.map_or("", |rule| rule.title).into()),
        ("mend", rule.map_or("", |rule| rule.mend).into()),
    ])
}

/// Arguments in which the secret rules find something.
fn secrets(analysis: &Analysis) -> Vec<Finding> {
    let told = |line: usize| analysis.findings.iter().any(|f| f.rule == "secret-in-arguments" && f.line == line);
    let found = |call: &crate::shell::rules::Call| {
        let holds = !told(call.line) && hygiene::mask_str(&call.words) != call.words;
        holds.then(|| Finding {
            line: call.line,
            rule: "secret-in-arguments",
            text: call.text.clone(),
            says: format!(
                "while `{}` runs, every user of the host can read the value among its arguments",
                call.program
            ),
            lines: [].into(),
        })
    };
    analysis.calls.iter().filter_map(found).collect()
}

fn row<const N: usize>(values: [(&str, Value); N]) -> Value {
    Value::Map(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
