//! The patterns of a log step. Each is matched against single lines; to skip the lines that none
//! can match at the speed of memory, all of them together are first searched for in whole blocks.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use super::super::SettingError;
use crate::model::case;

/// More than this would make one pass slow and a record unreadable.
const MOST: usize = 64;
/// Compiled size of one pattern, in bytes.
const SIZE: usize = 4 << 20;

/// Named patterns, ready to match.
pub struct Patterns {
    named: Vec<(String, Regex)>,
    /// Finds every place where any of them can match; absent when they cannot be joined.
    joined: Option<Regex>,
}

impl Patterns {
    /// Compiles `patterns`.
    ///
    /// # Errors
    /// When a name or a pattern is not valid, with its name.
    pub fn new(patterns: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        if patterns.len() > MOST {
            return Err(SettingError::new(format!("with: patterns: more than {MOST}; make two steps of them")));
        }
        let named = patterns.iter().map(|(name, pattern)| compile(name, pattern)).collect::<Result<_, _>>()?;
        Ok(Self { named, joined: join(patterns.values()) })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| name.as_str())
    }

    /// The names with their patterns, in order.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.named.iter().map(|(name, pattern)| (name.as_str(), pattern.as_str()))
    }

    /// Where the pattern called `name` stands.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }

    /// The next place in `block`, from `start`, where a line may match; every line before it does
    /// not.
    #[must_use]
    pub fn candidate(&self, block: &[u8], start: usize) -> Option<usize> {
        if self.named.is_empty() || start >= block.len() {
            return None;
        }
        match &self.joined {
            Some(joined) => joined.find_at(block, start).map(|found| found.start()),
            None => Some(start),
        }
    }

    /// The patterns that match `line`, by position.
    #[must_use]
    pub fn matching(&self, line: &[u8]) -> Vec<usize> {
        let matches = |(at, (_, pattern)): (usize, &(String, Regex))| pattern.is_match(line).then_some(at);
        self.named.iter().enumerate().filter_map(matches).collect()
    }

    /// The name at `position`.
    #[must_use]
    pub fn name(&self, position: usize) -> &str {
        self.named.get(position).map_or("", |(name, _)| name)
    }
}

fn compile(name: &str, pattern: &str) -> Result<(String, Regex), SettingError> {
    if !case::is_name(name) {
        let message = "a pattern's name has lower-case letters, digits, `-` and `_`, and begins with a letter";
        return Err(SettingError::new(format!("with: patterns: `{name}`: {message}")));
    }
    let compiled = RegexBuilder::new(pattern).size_limit(SIZE).build();
    let compiled = compiled.map_err(|e| SettingError::new(format!("with: patterns: {name}: {e}")))?;
    Ok((name.to_owned(), compiled))
}

/// One pattern that matches at or before every place where one of `patterns` matches within a line.
/// Flags and anchors that mean something else in a block than in a line make that impossible.
fn join<'a>(patterns: impl Iterator<Item = &'a String>) -> Option<Regex> {
    let mut parts = Vec::new();
    for pattern in patterns {
        let flags = pattern.match_indices("(?").map(|(at, _)| &pattern[at + 2..]);
        let changes = |rest: &str| {
            let end = rest.find([')', ':']).unwrap_or(rest.len());
            !rest.starts_with(['P', '<']) && rest[..end].contains(['-', 'x', 'R', 'm'])
        };
        if pattern.contains("\\A") || pattern.contains("\\z") || flags.into_iter().any(changes) {
            return None;
        }
        parts.push(format!("(?:{pattern})"));
    }
    let joined = parts.join("|");
    RegexBuilder::new(&joined).multi_line(true).crlf(true).size_limit(4 * SIZE).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[(&str, &str)]) -> Patterns {
        let map = list.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect();
        Patterns::new(&map).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Line by line, without and with the joined pattern.
    fn hits(patterns: &Patterns, block: &str) -> (Vec<bool>, Vec<bool>) {
        let mut candidate = patterns.candidate(block.as_bytes(), 0);
        let mut start = 0;
        let mut joined = Vec::new();
        let mut single = Vec::new();
        for line in block.split_inclusive('\n') {
            let text = line.trim_end_matches('\n').trim_end_matches('\r').as_bytes();
            let here = candidate.is_some_and(|at| at < start + line.len());
            let hit = !patterns.matching(text).is_empty();
            single.push(hit);
            joined.push(here && hit);
            start += line.len();
            if here {
                candidate = patterns.candidate(block.as_bytes(), start);
            }
        }
        (single, joined)
    }

    #[test]
    fn searching_blocks_misses_no_line() {
        let block = "error: one\r\nfine\n\nerror\n two error:\n[x\ny]\nend";
        for pattern in [
            "^error",
            "error$",
            "^$",
            r"\[[^\]]*\]",
            "(?i)ERROR",
            r"\Aerror",
            r"(?-u:\s)two",
            "(?x) err or # c",
            "end",
            "^",
            r"\berror\b",
        ] {
            let (single, joined) = hits(&patterns(&[("p", pattern), ("q", "nowhere")]), block);
            assert_eq!(single, joined, "{pattern}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_named() {
        let bad = |name: &str, pattern: &str| {
            let map = BTreeMap::from([(name.to_owned(), pattern.to_owned())]);
            Patterns::new(&map).err().map(|e| e.message).unwrap_or_default()
        };
        assert!(bad("p", "(").contains("patterns: p: "));
        assert!(bad("P q", "x").contains("name"));
        assert!(!bad("p", &"(?:a{1000}){1000}".repeat(9)).is_empty());
    }
}
