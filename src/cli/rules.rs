//! `evidence rules`: what secrets are found by, and whether the rules hold what they promise.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};

use crate::base::text;
use crate::hygiene::{RuleInfo, Ruleset};

use super::args::{self, RulesAction};
use super::exit::Exit;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When a file of rules cannot be used, or no rule has the name asked for.
pub fn run(screen: &Screen, args: &args::Rules) -> Result<Exit> {
    match &args.action {
        RulesAction::List(choice) => list(screen, &load(choice)?),
        RulesAction::Show { rule, choice } => show(screen, &load(choice)?, rule),
        RulesAction::Check(choice) => check(screen, &load(choice)?),
    }
}

/// The rules that the arguments choose.
pub(super) fn load(choice: &args::Choice) -> Result<Ruleset> {
    let extra: Vec<&Path> = choice.rules.iter().map(|path| path.as_path()).collect();
    Ok(Ruleset::load(&extra, &choice.only, &choice.skip)?)
}

fn list(screen: &Screen, rules: &Ruleset) -> Result<Exit> {
    if screen.json {
        screen.value(&rules.rules().collect::<Vec<_>>())?;
        return Ok(Exit::Established);
    }
    let mut out = String::new();
    for rule in rules.rules() {
        let _ = writeln!(out, "{:<40} {:<7} {}", rule.id, level(&rule), text::visible(rule.description));
    }
    screen.text(&out)?;
    Ok(Exit::Established)
}

fn level(rule: &RuleInfo<'_>) -> String {
    format!("{:?}", rule.confidence).to_lowercase()
}

fn show(screen: &Screen, rules: &Ruleset, id: &str) -> Result<Exit> {
    let Some(rule) = rules.rules().find(|rule| rule.id == id) else {
        let names: Vec<&str> = rules.rules().map(|rule| rule.id).collect();
        bail!("no rule is called `{id}`{}", text::did_you_mean(id, names));
    };
    if screen.json {
        screen.value(&rule)?;
        return Ok(Exit::Established);
    }
    let mut out = String::new();
    let rows = [
        ("rule", rule.id.to_owned()),
        ("finds", rule.description.to_owned()),
        ("family", rule.family.to_owned()),
        ("confidence", level(&rule)),
        ("literals", rule.literals.join("  ")),
        ("pattern", rule.pattern.clone()),
        ("examples", rule.examples.join("\n            ")),
        ("reference", rule.reference.to_owned()),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "{name:<11} {value}");
    }
    screen.text(&out)?;
    Ok(Exit::Established)
}

fn check(screen: &Screen, rules: &Ruleset) -> Result<Exit> {
    let problems = rules.problems();
    let count = rules.rules().count();
    if screen.json {
        screen.value(&serde_json::json!({ "rules": count, "problems": problems }))?;
    } else {
        let mut out = String::new();
        for problem in &problems {
            let _ = writeln!(out, "{}", text::visible(problem));
        }
        let _ = writeln!(out, "{}, {}", text::plural(count, "rule"), text::plural(problems.len(), "problem"));
        screen.text(&out)?;
    }
    Ok(if problems.is_empty() { Exit::Established } else { Exit::Failed })
}
