//! The secret rules as data: `policies/hygiene/*.yaml`, one file a family. A rule says how a kind
//! of secret looks, which words announce it, and proves itself by its own examples.

use std::path::Path;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::base::yaml::{self, YamlError};

/// One file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<Rule>,
}

/// Where a rule's secret stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// In the pattern's groups whose names begin with `secret`.
    #[default]
    Group,
    /// It is the value that begins where the pattern ends; the name that the pattern begins in or
    /// ends must announce a secret.
    Value,
    /// It is the argument that begins where the pattern ends, read as a shell reads a word.
    Argument,
    /// It is everything from the pattern's end to the line that the rule's `until` begins.
    Block,
}

/// One kind of secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// Its name in masks and tables: lower-case letters, digits and `-`.
    pub id: String,
    /// What it finds, in a few words.
    pub description: String,
    /// Words of which at least one stands in every text that the pattern matches, in any case.
    pub literals: Vec<String>,
    /// The regular expression, over bytes, ASCII only, matched within one line.
    pub pattern: String,
    /// Where the secret stands.
    #[serde(default)]
    pub place: Place,
    /// For blocks: the text that ends them.
    #[serde(default)]
    pub until: Option<String>,
    /// Texts in which every `{{kind:length}}` must be masked.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests that every rule carries"))]
    pub examples: Vec<String>,
    /// Texts in which this rule finds nothing.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests that every rule carries"))]
    pub negative_examples: Vec<String>,
    /// Where the format is described.
    #[expect(dead_code, reason = "for the reader of the rule")]
    pub reference: String,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

impl Rule {
    /// The pattern, compiled on first use; `None` when it cannot be.
    pub fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref()
    }

    /// Compiles the pattern. Bytes and not characters are matched, so that a secret in Latin-1 or
    /// in damaged UTF-8 is masked to its end too.
    pub fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.pattern).unicode(false).multi_line(true).build()
    }
}

/// Decodes rule files given as name and text, in order.
///
/// # Errors
/// The first file that is no valid rule file, named.
pub(super) fn load(files: &[(&str, &str)]) -> Result<Vec<Rule>, YamlError> {
    let mut rules = Vec::new();
    for (name, text) in files {
        rules.extend(yaml::decode::<File>(Path::new(name), text.as_bytes())?.rules);
    }
    Ok(rules)
}

#[cfg(test)]
pub(super) mod sample {
    //! Secrets for examples, made at run time so that no scanner fires on the rules themselves.

    /// A text with its `{{kind:length}}` filled in, and what was filled in.
    pub fn expand(example: &str, seed: u64) -> (String, Vec<String>) {
        let (mut out, mut secrets, mut rest) = (String::new(), Vec::new(), example);
        let mut seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        while let Some((before, tail)) = rest.split_once("{{") {
            let (spec, after) = tail.split_once("}}").expect("closed");
            out.push_str(before);
            match spec.split_once(':') {
                Some((kind, length)) => {
                    let piece = random(kind, length.parse().expect("a length"), &mut seed);
                    out.push_str(&piece);
                    secrets.push(piece);
                }
                None => out.push_str(fixed(spec)),
            }
            rest = after;
        }
        out.push_str(rest);
        (out, secrets)
    }

    fn fixed(name: &str) -> &'static str {
        match name {
            "lf" => "\n",
            "escaped-lf" => "\\n",
            "open" => "{{",
            "" => "",
            other => panic!("no such placeholder {other}"),
        }
    }

    /// `length` characters of `kind`; contains upper, lower and digits where the kind has them.
    pub fn random(kind: &str, length: usize, seed: &mut u64) -> String {
        let alphabet: &[u8] = match kind {
            "hex" => b"0123456789abcdef",
            "digits" => b"1234567890",
            "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            "lower" => b"abcdefghijklmnopqrstuvwxyz0123456789",
            "bech" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
            "b64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            "words" => b"abcdefghijklmnopqrstuvwxyz abcdefghijk",
            "punct" => b"abcXYZ123!%^*_+=?-.~|/",
            "alnum" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            other => panic!("no such kind {other}"),
        };
        let mut next = || {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            usize::try_from(*seed >> 33).expect("31 bits")
        };
        let text: String = (0..length).map(|_| char::from(alphabet[next() % alphabet.len()])).collect();
        if kind == "words" { format!("q{}z", text[1..length - 1].replace("  ", " x")) } else { text }
    }
}
