//! Rules as people have them for gitleaks, in TOML. What of them has no counterpart here (entropy
//! of groups, stop words in allowlists of paths) is left out of the reading, not of the rule.

use serde::Deserialize;

use super::rule::{Confidence, Rule};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rules: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    regex: Option<String>,
    #[serde(default)]
    secret_group: Option<usize>,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    allowlist: Option<Allowlist>,
    #[serde(default)]
    allowlists: Vec<Allowlist>,
}

#[derive(Deserialize)]
struct Allowlist {
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
}

/// The rules in a file's text; those that look at paths alone are left out.
///
/// # Errors
/// When it is no TOML, or no such file.
pub(super) fn load(text: &str) -> Result<Vec<Rule>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    Ok(file.rules.into_iter().filter_map(rule).collect())
}

fn rule(given: Given) -> Option<Rule> {
    let pattern = named(&given.regex?, given.secret_group);
    let lists = given.allowlist.into_iter().chain(given.allowlists);
    let allow = lists.flat_map(|list| {
        let words = list.stopwords.into_iter().map(|word| format!("(?i:{})", regex_syntax::escape(&word)));
        list.regexes.into_iter().chain(words).collect::<Vec<_>>()
    });
    // Keywords are compared without case there; a word shorter than three bytes is no help here.
    let literals = if given.keywords.iter().all(|word| word.len() >= 3) { given.keywords } else { Vec::new() };
    Some(Rule {
        id: given.id.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        description: if given.description.is_empty() { given.id.clone() } else { given.description },
        literals,
        pattern,
        confidence: Confidence::Medium,
        min_entropy: given.entropy,
        allow: allow.collect(),
        reference: "a rule file of the user".to_owned(),
        family: "rules of the user".to_owned(),
        any_case: true,
        ..Rule::default()
    })
}

/// The pattern with the chosen group named `secret`.
fn named(pattern: &str, group: Option<usize>) -> String {
    let Some(wanted) = group.filter(|n| *n > 0) else { return pattern.to_owned() };
    let bytes = pattern.as_bytes();
    let (mut at, mut count, mut in_class) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class && bytes.get(at + 1) != Some(&b'?') => {
                count += 1;
                if count == wanted {
                    return format!("{}(?P<secret>{}", &pattern[..at], &pattern[at + 1..]);
                }
            }
            _ => {}
        }
        at += 1;
    }
    pattern.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_people_have_it_is_read() {
        let text = r#"
title = "ours"
[extend]
useDefault = true
[[rules]]
id = "Corp_Token"
description = "Corp token"
regex = '''(corp)-([a-z0-9]{20})\b'''
secretGroup = 2
entropy = 3
keywords = ["corp-"]
[[rules.allowlists]]
regexes = ['''aaaa''']
stopwords = ["sample"]
[[rules]]
id = "path-only"
path = '''\.p12$'''
"#;
        let rules = load(text).unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].id, "corp-token");
        assert_eq!(rules[0].pattern, r"(corp)-(?P<secret>[a-z0-9]{20})\b");
        assert!(rules[0].compile().unwrap().allow.is_some());
        assert!(load("rules = 3").is_err());
    }
}
