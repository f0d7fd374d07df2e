//! The secret rules as data: `policies/hygiene/*.yaml`, one file a family. A rule says how a kind
//! of secret looks, which words announce it, and proves itself by its own examples. Nothing here
//! looks at a text.

use std::path::Path;
use std::sync::OnceLock;

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use regex_syntax::hir::literal::Extractor;
use serde::Deserialize;

use crate::base::assets;
use crate::base::yaml::{self, YamlError};

use super::check::Check;
use super::follows;

/// One file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Whether a table shows the rules that found nothing as one row.
    #[serde(default)]
    many: bool,
    /// What the file's rules have in common, in a few words.
    #[serde(default)]
    family: String,
    rules: Vec<Rule>,
}

impl File {
    /// Its rules, which know what they have in common.
    fn rules(self) -> impl Iterator<Item = Rule> {
        let family = if self.family.is_empty() { "rules".to_owned() } else { self.family };
        self.rules.into_iter().map(move |rule| Rule { family: family.clone(), many: self.many, ..rule })
    }
}

/// Where a rule's secret stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// In the pattern's groups whose names begin with `secret`; without such, the first group
    /// that took part, or the whole match.
    #[default]
    Group,
    /// It is the value assigned to the name that the word stands in; the name must announce a
    /// secret. Such a rule needs no pattern.
    Value,
    /// The same, where the name is a command's flag and the value its argument.
    Flag,
    /// It is the argument that begins where the pattern ends, read as a shell reads a word.
    Argument,
    /// It is everything from the pattern's end to the line that the rule's `until` begins.
    Block,
    /// It is each value under `data` and `stringData` of the Kubernetes manifest around the word.
    Manifest,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// May well be ordinary text; masked in records, not reported unless asked for.
    Low,
    /// Looks like a secret and stands where secrets stand.
    Medium,
    /// Cannot reasonably be anything else.
    #[default]
    High,
}

/// One kind of secret.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// Its name in masks and tables: lower-case letters, digits and `-`.
    pub id: String,
    /// What it finds, in a few words.
    pub description: String,
    /// Words of which at least one stands in every text that the pattern matches. Their case
    /// counts unless the pattern begins with `(?i)`.
    #[serde(default)]
    pub literals: Vec<String>,
    /// The regular expression, over bytes, ASCII only, matched within one line.
    #[serde(default)]
    pub pattern: String,
    /// Instead of literals and pattern: names, one of which stands in or before the name that the
    /// secret is assigned to.
    #[serde(default)]
    pub names: Vec<String>,
    /// With `names`: the pattern of the whole assigned value.
    #[serde(default)]
    pub value: String,
    /// Where the secret stands.
    #[serde(default)]
    pub place: Place,
    /// For blocks: the text that ends them.
    #[serde(default)]
    pub until: Option<String>,
    /// Whether the secret goes on over the following lines: the first line of a key without its marker.
    #[serde(default)]
    pub continues: bool,
    /// The length of the other half of a pair of keys: a run of base64 of this length nearby is secret too.
    #[serde(default)]
    pub companion: usize,
    /// How sure a finding is before its check.
    #[serde(default)]
    pub confidence: Confidence,
    /// The least Shannon entropy of the secret, in bits a character.
    #[serde(default)]
    pub min_entropy: f64,
    /// What can be proved about the secret without asking anybody.
    #[serde(default)]
    pub check: Option<Check>,
    /// Words of which one must stand within 4 KiB of the match.
    #[serde(default)]
    pub near: Vec<String>,
    /// Texts in which every `{{kind:length}}` must be masked.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Texts in which this rule finds nothing.
    #[serde(default)]
    pub negative_examples: Vec<String>,
    /// Where the format is described.
    #[serde(default)]
    pub reference: String,
    /// Whether its file says so.
    #[serde(skip)]
    pub many: bool,
    /// The family's title.
    #[serde(skip)]
    pub family: String,
    /// What must be matched in the whole match for it to be none (gitleaks allowlists).
    #[serde(skip)]
    pub allow: Vec<String>,
    /// Whether the words are found in any case although the pattern does not say so.
    #[serde(skip)]
    pub any_case: bool,
    #[serde(skip)]
    pub compiled: OnceLock<Option<Compiled>>,
}

/// A pattern ready for use.
#[derive(Debug)]
pub(super) struct Compiled {
    /// The expression.
    pub regex: Regex,
    /// Whether every match begins with one of the rule's words.
    pub anchored: bool,
    /// Whether it begins where a word begins.
    pub bounded: bool,
    /// The group numbers that may hold the secret, in order.
    pub groups: Vec<usize>,
    /// The exceptions.
    pub allow: Option<Regex>,
}

/// No compiled pattern is larger, in bytes: a user's rule with nested counts is refused.
const SIZE_LIMIT: usize = 4 << 20;

impl Rule {
    /// The words that announce it.
    pub fn words(&self) -> &[String] {
        if self.names.is_empty() { &self.literals } else { &self.names }
    }

    /// Whether it is one of a long list of services, which a table shows as one row.
    pub fn is_of_many(&self) -> bool {
        !self.names.is_empty() || self.many
    }

    /// Whether the case of its words does not matter.
    pub fn folds(&self) -> bool {
        self.any_case || !self.names.is_empty() || self.is_read() || self.pattern.contains("(?i")
    }

    /// Whether it is found by a reader of its own, without a pattern.
    pub fn is_read(&self) -> bool {
        matches!(self.place, Place::Value | Place::Flag | Place::Manifest)
    }

    /// The pattern, compiled on first use; `None` when it cannot be.
    pub fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref()
    }

    /// The pattern as written, or made of names and value.
    pub fn expression(&self) -> String {
        if self.names.is_empty() {
            return self.pattern.clone();
        }
        let names: Vec<String> = self.names.iter().map(|name| regex_syntax::escape(name)).collect();
        format!(
            r#"(?i:{})[\w .-]{{0,40}}?(?:\\?["'`]?\]?\)?[ \t]*(?:=>|:=|={{1,3}}|:|,|\()|[ \t]+is|>)[ \t]*(?:[a-zA-Z&]+[ \t]*=[ \t]*)?[rbfu]?\\?["'`]?(?P<secret>{})(?:[\s"'`,;<>&)\]}}\\]|$)"#,
            names.join("|"),
            self.value
        )
    }

    /// Compiles the pattern. Bytes and not characters are matched, so that a secret in Latin-1 or
    /// in damaged UTF-8 is masked to its end too.
    ///
    /// # Errors
    /// When it is no regular expression, or too large a one.
    pub fn compile(&self) -> Result<Compiled, String> {
        let expression = self.expression();
        let regex = build(&expression)?;
        let names = regex.group_info().pattern_names(regex_automata::PatternID::ZERO);
        let named: Vec<usize> = names
            .enumerate()
            .filter(|(_, name)| name.is_some_and(|n| n.starts_with("secret")))
            .map(|(i, _)| i)
            .collect();
        let groups = if named.is_empty() {
            (1..regex.group_info().group_len(regex_automata::PatternID::ZERO)).collect()
        } else {
            named
        };
        let allow =
            if self.allow.is_empty() { None } else { Some(build(&format!("(?:{})", self.allow.join(")|(?:")))?) };
        Ok(Compiled {
            anchored: self.begins_with_word(&expression),
            bounded: expression.starts_with(r"\b"),
            regex,
            groups,
            allow,
        })
    }

    /// The bytes that may follow `word` where the pattern matches, a bit for each by its lowest five
    /// bits. Asked of the shortest words alone: the answer takes time at every start.
    pub fn follows(&self, word: &str) -> u32 {
        if word.len() > 3 || self.is_read() || !self.names.is_empty() {
            return follows::ANY;
        }
        let parsed = syntax::parse_with(&self.pattern, &syntax_config());
        parsed.map_or(follows::ANY, |parsed| follows::follows(&parsed, word))
    }

    /// Whether every text that matches `expression` begins with one of the rule's words.
    fn begins_with_word(&self, expression: &str) -> bool {
        if !self.names.is_empty() {
            return true;
        }
        let Ok(parsed) = syntax::parse_with(expression, &syntax_config()) else { return false };
        let prefixes = Extractor::new().extract(&parsed);
        let begins = |prefix: &[u8]| {
            self.literals.iter().any(|word| {
                prefix.get(..word.len()).is_some_and(|head| {
                    if self.folds() { head.eq_ignore_ascii_case(word.as_bytes()) } else { head == word.as_bytes() }
                })
            })
        };
        prefixes.literals().is_some_and(|all| !all.is_empty() && all.iter().all(|l| begins(l.as_bytes())))
    }
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).multi_line(true)
}

fn build(expression: &str) -> Result<Regex, String> {
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(SIZE_LIMIT)).hybrid_cache_capacity(1 << 20);
    let built = Regex::builder().configure(config).syntax(syntax_config()).build(expression);
    built.map_err(|error| match error.syntax_error() {
        Some(error) => error.to_string(),
        None => error.to_string(),
    })
}

/// The built-in rules, in order.
///
/// # Errors
/// When one of them is no valid rule, which the tests would have noticed.
pub(super) fn built_in() -> Result<Vec<Rule>, serde_json::Error> {
    Ok(serde_json::from_str::<Vec<File>>(assets::hygiene_rules_read())?.into_iter().flat_map(File::rules).collect())
}

/// Decodes rule files given as name and text, in order.
///
/// # Errors
/// The first file that is no valid rule file, named.
pub(super) fn load(files: &[(&str, &str)]) -> Result<Vec<Rule>, YamlError> {
    let mut rules = Vec::new();
    for (name, text) in files {
        let file = yaml::decode::<File>(Path::new(name), text.as_bytes())?;
        rules.extend(file.rules());
    }
    Ok(rules)
}
