//! The rules of contradictions as data: what each looks for, why it matters, what would settle it, and
//! the logs that prove it. The code knows ten kinds of disagreement; a rule names one of them and says
//! the rest.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::base::{assets, yaml};

/// The kinds of disagreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Success and failure of one subject in one run.
    SuccessAndFailure,
    /// Success is stamped before a failure of the same run.
    SuccessBeforeFailure,
    /// Success is claimed after a check failed.
    SuccessAfterFailedCheck,
    /// A duration that its own stamps do not bear out.
    Duration,
    /// A start that nothing ends.
    StartWithoutEnd,
    /// Step i of n, and no step after it.
    StepNotFollowed,
    /// A sum, rate or size that does not add up.
    Arithmetic,
    /// One quantity, two values.
    TwoValues,
    /// A failure after which nobody was told.
    AlertMissing,
    /// The same failing words in several logs.
    SameSignature,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Which kind of disagreement.
    pub kind: RuleKind,
    /// One line.
    pub title: String,
    /// What it looks for.
    pub looks_for: String,
    /// Why it matters.
    pub why: String,
    /// What would settle it.
    pub settles: String,
    /// Logs with such a contradiction.
    pub examples: Vec<Example>,
    /// Logs without one.
    pub negative_examples: Vec<Example>,
}

/// Logs by name, and what the case expects of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The logs.
    pub logs: BTreeMap<String, String>,
    /// Seconds within which somebody is to be told of a failure.
    #[serde(default)]
    pub alert_within: Option<f64>,
    /// The fastest rate that is possible, as text, e.g. `12.5 MB/s`.
    #[serde(default)]
    pub max_rate: Option<String>,
}

/// What is wrong with a rule file.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub message: String,
}

/// The built-in rules, in the order of their files.
///
/// # Errors
/// When a file is not valid or two rules have one id.
pub fn builtin() -> Result<Vec<Rule>, RuleError> {
    let mut rules: Vec<Rule> = Vec::new();
    for (file, text) in assets::policies_below("contradictions") {
        let fail = |message: String| RuleError { file: file.to_owned(), message };
        let rule: Rule = yaml::decode(Path::new(file), text.as_bytes()).map_err(|e| fail(e.to_string()))?;
        if rules.iter().any(|known| known.id == rule.id) {
            return Err(fail(format!("duplicate id `{}`", rule.id)));
        }
        rules.push(rule);
    }
    Ok(rules)
}
