//! Finds secrets. One pass over the text looks for the words that announce one; only where such a
//! word stands is the rule's pattern tried, on that line alone, and only then compiled. So a text
//! without such words costs one pass, and a line of any length costs time in proportion.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::base::assets;

use super::keys::names_secret;
use super::rule::{self, Place, Rule};
use super::{block, value};

/// How much of a long line before and after an announcing word is looked at first.
const BEFORE: usize = 1 << 10;
const AFTER: usize = 16 << 10;

/// One secret found: which rule, and where the secret itself stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The rule's index.
    pub rule: usize,
    /// The bytes of the secret.
    pub secret: Range<usize>,
}

/// The rules with their prefilter.
pub(super) struct Engine {
    rules: Vec<Rule>,
    words: AhoCorasick,
    /// The rules that each word announces, by the word's number.
    announces: Vec<Vec<usize>>,
}

/// The built-in rules; `None` when they cannot be read, and then everything is masked whole.
pub(super) static BUILT_IN: LazyLock<Option<Engine>> = LazyLock::new(|| {
    let rules = rule::load(&assets::hygiene_rules()).ok()?;
    if rules.is_empty() { None } else { Engine::new(rules) }
});

impl Engine {
    /// An engine with `rules`; `None` when their words cannot be searched for.
    pub fn new(rules: Vec<Rule>) -> Option<Self> {
        let mut words: Vec<String> = rules.iter().flat_map(|r| &r.literals).map(|w| w.to_ascii_lowercase()).collect();
        words.sort_unstable();
        words.dedup();
        let announced_by = |word: &String| {
            let has = |rule: &Rule| rule.literals.iter().any(|w| w.eq_ignore_ascii_case(word));
            rules.iter().enumerate().filter(|(_, rule)| has(rule)).map(|(index, _)| index).collect()
        };
        let announces = words.iter().map(announced_by).collect();
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok()?;
        Some(Self { rules, words, announces })
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every secret in `text`, in order, none overlapping another.
    pub fn find(&self, text: &[u8]) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut searched = vec![0; self.rules.len()];
        for hit in self.words.find_overlapping_iter(text) {
            for &rule in &self.announces[hit.pattern().as_usize()] {
                if hit.start() >= searched[rule] {
                    searched[rule] = self.search(rule, text, hit.start(), searched[rule], &mut found);
                }
            }
        }
        merge(found)
    }

    /// Tries a rule around the word at `hit`, not before `from`; gives where it needs to be tried
    /// again at the earliest.
    fn search(&self, index: usize, text: &[u8], hit: usize, from: usize, found: &mut Vec<Finding>) -> usize {
        let rule = &self.rules[index];
        let line = line_around(text, hit);
        let mut limit = line.end.min(hit + AFTER);
        let mut at = line.start.max(hit.saturating_sub(BEFORE)).max(from);
        let Some(regex) = rule.regex() else {
            found.push(Finding { rule: index, secret: at..limit });
            return limit.max(hit + 1);
        };
        while let Some(whole) = (at <= limit).then(|| regex.find_at(&text[..limit], at)).flatten() {
            let whole = whole.range();
            if whole.end == limit && limit < line.end {
                limit = line.end.min(limit + (limit - whole.start).max(AFTER));
                continue;
            }
            at = match secret_of(rule, &text[..limit.max(whole.end)], text, whole.clone()) {
                Ok(secret) => {
                    let end = secret.end.max(whole.start + 1);
                    found.push(Finding { rule: index, secret });
                    end
                }
                Err(resume) => resume.max(whole.start + 1),
            };
        }
        // The last stretch of a long line is looked at again from the next word on: a match may
        // straddle the edge.
        let edge = if limit < line.end { limit - BEFORE } else { limit };
        edge.max(at.min(limit)).max(hit + 1)
    }
}

fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text[at.saturating_sub(BEFORE)..at]);
    let start = start.map_or(at.saturating_sub(BEFORE), |i| at.saturating_sub(BEFORE) + i + 1);
    let end = memchr::memchr(b'\n', &text[at..text.len().min(at + (AFTER << 6))]);
    start..end.map_or(text.len().min(at + (AFTER << 6)), |i| at + i)
}

/// Where the secret of a match stands, or where to look on when there is none. `reach` is the part
/// of `text` that the match was found in.
fn secret_of(rule: &Rule, reach: &[u8], text: &[u8], whole: Range<usize>) -> Result<Range<usize>, usize> {
    let secret = match rule.place {
        Place::Group => group(rule, reach, &whole).unwrap_or(whole),
        Place::Argument => value::argument(text, whole.end),
        Place::Block => {
            let again = rule.literals.first().map_or("-----BEGIN ", String::as_str);
            block::body(text, whole.end, rule.until.as_deref().unwrap_or("-----END"), again)
        }
        Place::Value => return assigned(text, whole),
    };
    let is_next_flag = rule.place == Place::Argument
        && text[secret.clone()].starts_with(b"-")
        && text[..secret.start].last().is_some_and(u8::is_ascii_whitespace);
    if is_next_flag || value::is_placeholder(&text[secret.clone()]) { Err(secret.end) } else { Ok(secret) }
}

fn group(rule: &Rule, reach: &[u8], whole: &Range<usize>) -> Option<Range<usize>> {
    let regex = rule.regex()?;
    let groups = regex.captures_at(reach, whole.start)?;
    let names = regex.capture_names().flatten().filter(|name| name.starts_with("secret"));
    names.filter_map(|name| groups.name(name)).map(|m| m.range()).next()
}

/// The value after a name, if the name announces a secret and the value is one.
fn assigned(text: &[u8], whole: Range<usize>) -> Result<Range<usize>, usize> {
    let key = name_around(text, &whole);
    let name = std::str::from_utf8(&text[key.clone()]).unwrap_or_default();
    let kind = names_secret(name).ok_or(whole.end)?;
    let secret = value::assigned(text, key.start, whole.end);
    let seen = &text[secret.clone()];
    let is_bare = secret.start == whole.end;
    let spaced_colon =
        text[whole.end - 1].is_ascii_whitespace() && text[whole.clone()].trim_ascii_end().ends_with(b":");
    let is_result =
        spaced_colon && is_bare && (name == "PASS" || matches!(name, "pass" | "passwd") && seen.contains(&b' '));
    if is_result
        || seen.len() < 2
        || value::is_placeholder(seen)
        || is_bare && value::is_harmless(seen, kind, spaced_colon)
    {
        return Err(whole.end);
    }
    Ok(secret)
}

/// The whole name that a match begins in the middle of.
fn name_around(text: &[u8], whole: &Range<usize>) -> Range<usize> {
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let before = text[..whole.start].iter().rev().take(80).take_while(is_name).count();
    let after = text[whole.clone()].iter().take_while(is_name).count();
    whole.start - before..whole.start + after
}

/// Sorted, with overlapping findings made one under the rule that stands first in the files: the
/// specific ones come before the general.
fn merge(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|f| !f.secret.is_empty());
    found.sort_by_key(|f| (f.secret.start, f.secret.end));
    let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
    for next in found {
        match merged.last_mut() {
            Some(last) if next.secret.start < last.secret.end => {
                last.secret.end = last.secret.end.max(next.secret.end);
                last.rule = last.rule.min(next.rule);
            }
            _ => merged.push(next),
        }
    }
    merged
}
