//! The rules that a scan uses: the built-in ones, files of users, a choice of both; and what there
//! is to say about each.

use std::path::Path;

use crate::base::files;

use super::engine::{self, Engine};
use super::gitleaks;
use super::rule::{self, Confidence, Place, Rule};
use super::{mask_str, sample};

/// No rule file is larger, in bytes.
const LIMIT: u64 = 4 << 20;

/// A choice of rules, ready to search with.
pub struct Ruleset {
    pub(super) engine: Engine,
}

/// What there is to say about a rule.
#[derive(serde::Serialize)]
pub struct RuleInfo<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it finds.
    pub description: &'a str,
    /// Its family.
    pub family: &'a str,
    /// The words that announce it.
    pub literals: &'a [String],
    /// Its expression, empty for rules that read assignments.
    pub pattern: String,
    /// How sure a finding is before its check.
    pub confidence: Confidence,
    /// Texts that it finds something in, secrets still to be filled in.
    pub examples: &'a [String],
    /// Where the format is described.
    pub reference: &'a str,
}

/// Why rules could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The built-in rules cannot be read.
    #[error("the built-in rules cannot be read ({0}): this program is damaged; install it anew")]
    BuiltIn(String),
    /// A file of rules in YAML is wrong.
    #[error(transparent)]
    Yaml(#[from] crate::base::yaml::YamlError),
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] files::ReadError),
    /// A file of rules in TOML is wrong.
    #[error("{path}: {message}")]
    Toml {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A rule that was asked for does not exist.
    #[error("no rule is called `{0}`; `evidence rules list` prints all")]
    Unknown(String),
    /// A rule's pattern cannot be used.
    #[error("rule `{id}`: its pattern cannot be used: {message}")]
    Pattern {
        /// The rule.
        id: String,
        /// Why.
        message: String,
    },
    /// The choice leaves no rule.
    #[error("no rule is left to scan with; nothing would be found")]
    Empty,
}

impl Ruleset {
    /// The built-in rules and those of `extra` files, of which `only` (all when empty) without
    /// `skip` are kept.
    ///
    /// # Errors
    /// When a file cannot be used, or a name names no rule.
    pub fn load(extra: &[&Path], only: &[String], skip: &[String]) -> Result<Self, RulesError> {
        let mut rules = rule::built_in().map_err(|error| RulesError::BuiltIn(error.to_string()))?;
        for path in extra {
            rules.splice(0..0, read(path)?);
        }
        for name in only.iter().chain(skip) {
            if !rules.iter().any(|rule| &rule.id == name) {
                return Err(RulesError::Unknown(name.clone()));
            }
        }
        rules.retain(|rule| (only.is_empty() || only.contains(&rule.id)) && !skip.contains(&rule.id));
        if rules.is_empty() {
            return Err(RulesError::Empty);
        }
        Ok(Self { engine: Engine::new(rules) })
    }

    /// What there is to say about each rule, in order.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        self.engine.rules().iter().map(|rule| RuleInfo {
            id: &rule.id,
            description: &rule.description,
            family: &rule.family,
            literals: rule.words(),
            pattern: if rule.is_read() { String::new() } else { rule.expression() },
            confidence: rule.confidence,
            examples: &rule.examples,
            reference: &rule.reference,
        })
    }

    /// What is wrong with the rules: each against its own examples, and how it is written.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut ids = std::collections::BTreeSet::new();
        for rule in self.engine.rules() {
            let mut tell = |what: String| problems.push(format!("{}: {what}", rule.id));
            if !ids.insert(&rule.id) {
                tell("stands twice".to_owned());
            }
            lint(rule, &mut tell);
            prove(&self.engine, rule, &mut tell);
        }
        problems
    }
}

/// Makes the rules of `files` mask everything that this process stores or prints, in addition to the
/// built-in ones. The first call counts; without files nothing changes.
///
/// # Errors
/// When a file cannot be read, or a rule in it cannot be used: masking without it would leak.
pub fn mask_with_own(files: &[&Path]) -> Result<(), RulesError> {
    if files.is_empty() {
        return Ok(());
    }
    let mut rules = rule::built_in().map_err(|error| RulesError::BuiltIn(error.to_string()))?;
    for path in files {
        rules.splice(0..0, read(path)?);
    }
    engine::add(rules);
    Ok(())
}

/// Reads a file of rules: TOML as gitleaks has it, or YAML as we have it.
fn read(path: &Path) -> Result<Vec<Rule>, RulesError> {
    let text = files::read_text(path, LIMIT)?;
    let name = path.to_string_lossy();
    let rules = if path.extension().is_some_and(|e| e == "toml") {
        gitleaks::load(&text).map_err(|message| RulesError::Toml { path: name.into_owned(), message })?
    } else {
        rule::load(&[(&name, &text)])?
    };
    for rule in rules.iter().filter(|rule| !rule.is_read()) {
        rule.compile().map_err(|message| RulesError::Pattern { id: rule.id.clone(), message })?;
    }
    Ok(rules)
}

fn lint(rule: &Rule, tell: &mut dyn FnMut(String)) {
    let is_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if rule.id.is_empty() || !rule.id.bytes().all(is_id) {
        tell("an id is lower-case letters, digits and `-`".to_owned());
    }
    if rule.words().is_empty() || rule.words().iter().any(|word| word.len() < 3) {
        tell("needs literals of at least three bytes, or every line is tried".to_owned());
    }
    if !rule.is_read() {
        match rule.compile() {
            Err(message) => tell(format!("the pattern cannot be used: {message}")),
            Ok(compiled) if rule.place == Place::Group && compiled.groups.is_empty() => {
                tell("no group `secret`: the whole match would be masked".to_owned())
            }
            Ok(_) => {}
        }
    }
    for (missing, what) in [(rule.examples.is_empty(), "an example"), (rule.reference.is_empty(), "a reference")] {
        if missing {
            tell(format!("lacks {what}"));
        }
    }
}

/// Runs a rule's own examples.
fn prove(engine: &Engine, rule: &Rule, tell: &mut dyn FnMut(String)) {
    for (number, example) in rule.examples.iter().enumerate() {
        let Some((text, secrets)) = sample::expand(example, sample::seed_of(&rule.id, number)) else {
            tell(format!("example {}: unknown {{{{placeholder}}}}", number + 1));
            continue;
        };
        let found = engine.find(text.as_bytes());
        let covered = |secret: &String| {
            let at = text.find(secret.as_str()).unwrap_or(0);
            found.iter().any(|f| f.secret.start <= at && at + secret.len() <= f.secret.end)
        };
        if !found.iter().any(|f| engine.rules()[f.rule].id == rule.id) {
            tell(format!("example {} is not found by it", number + 1));
        } else if !secrets.iter().all(covered) {
            tell(format!("example {} is masked only in part", number + 1));
        }
    }
    for (number, example) in rule.negative_examples.iter().enumerate() {
        let Some((text, _)) = sample::expand(example, sample::seed_of(&rule.id, number)) else { continue };
        if mask_str(&text) != text {
            tell(format!("negative example {} is taken for a secret", number + 1));
        }
    }
}
