//! Secrets seen once in a run are masked wherever else they stand in it: a token that a script
//! assigns to `PUSH_TOKEN` is the same token in a log line that no rule would recognise. They are
//! kept in memory only, for the length of the run.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::engine::Finding;
use super::rule::Confidence;

/// More different secrets than this in one run are a flood, not a run.
const MOST: usize = 10_000;

/// A shorter line of a block could be a word.
const LINE: usize = 16;

/// The secrets of a run so far, each with its rule.
#[derive(Default)]
pub(super) struct Learned {
    secrets: BTreeMap<Vec<u8>, usize>,
    /// Built when it is needed; `None` after something was learned.
    search: Option<(AhoCorasick, Vec<usize>)>,
}

impl Learned {
    /// Remembers `secret` if it could be nothing else: chance words would be masked everywhere. Of a
    /// secret of several lines each line is remembered, since a log is shown line by line.
    pub fn learn(&mut self, rule: usize, secret: &[u8]) {
        if secret.contains(&b'\n') {
            secret.split(|b| *b == b'\n').for_each(|line| self.learn(rule, line.trim_ascii()));
            return;
        }
        if self.secrets.len() < MOST && is_unmistakable(secret) && !self.secrets.contains_key(secret) {
            self.secrets.insert(secret.to_vec(), rule);
            self.search = None;
        }
    }

    /// Remembers each line of a secret of several lines: elsewhere they may stand one by one, as the last
    /// lines of an output, rows of a query or entries of a list, where no rule can know them.
    pub fn learn_lines(&mut self, rule: usize, secret: &[u8]) {
        if memchr::memchr(b'\n', secret).is_none() {
            return;
        }
        let is_material = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
        for line in secret.split(|byte| *byte == b'\n') {
            let run = line.split(|byte| !is_material(byte)).max_by_key(|run| run.len()).unwrap_or_default();
            // A whole line of a block begins as it likes, with `/` too.
            if run.len() >= LINE && is_unmistakable(run.strip_prefix(b"/").unwrap_or(run)) {
                self.learn(rule, run.strip_prefix(b"/").unwrap_or(run));
            }
        }
    }

    /// Where what was learned stands in `text`.
    pub fn find(&mut self, text: &[u8]) -> Vec<Finding> {
        if self.secrets.is_empty() {
            return Vec::new();
        }
        if self.search.is_none() {
            let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(self.secrets.keys());
            self.search = built.ok().map(|words| (words, self.secrets.values().copied().collect()));
        }
        let Some((words, rules)) = &self.search else { return Vec::new() };
        let finding = |hit: aho_corasick::Match| Finding {
            rule: rules[hit.pattern().as_usize()],
            secret: hit.range(),
            confidence: Confidence::High,
            via: "",
            continues: false,
        };
        words.find_iter(text).map(finding).collect()
    }
}

/// Long, of letters and digits mixed, and no digest, UUID, path or address.
fn is_unmistakable(secret: &[u8]) -> bool {
    let mut distinct = secret.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let is_digest = matches!(secret.len(), 32 | 40 | 64 | 96 | 128) && secret.iter().all(u8::is_ascii_hexdigit);
    let is_uuid = secret.len() == 36 && secret.iter().filter(|b| **b == b'-').count() == 4;
    (10..=4096).contains(&secret.len())
        && distinct.len() >= 7
        && secret.iter().any(u8::is_ascii_digit)
        && secret.iter().any(u8::is_ascii_alphabetic)
        && !secret.iter().any(|b| b.is_ascii_whitespace() || *b == b':')
        && !is_digest
        && !is_uuid
        && !secret.starts_with(b"/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unmistakable_is_learned() {
        for (secret, kept) in
            [("a1b2c3d4e5f6", true), ("postgres", false), ("/srv/backups/2026", false), ("correcthorsebattery", false)]
        {
            assert_eq!(is_unmistakable(secret.as_bytes()), kept, "{secret}");
        }
        let mut learned = Learned::default();
        learned.learn(0, b"q7Wz4kP9xB2mV6tR\n  8nC3hJ5dG1sLyFuE\nshort");
        assert_eq!(learned.find(b"line: 8nC3hJ5dG1sLyFuE").len(), 1);
        assert!(!is_unmistakable("0123456789abcdef".repeat(4).as_bytes()));
    }
}
