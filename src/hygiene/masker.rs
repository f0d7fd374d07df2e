//! Masks whole observations and keeps the count of what was masked, rule by rule.

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::model::bundle::{HygieneRow, HygieneTable, SealedFact};
use crate::model::fact::{Artifact, Attachment, Basis, Fact, Observation};
use crate::model::value::Value;

use super::engine;
use super::learned::Learned;
use super::mask::{self, Hits};
use super::rule::Rule;
use super::seam::{Masked, Raw};
use super::walk;

/// What the session knows of a look besides what the collector saw.
pub struct Look {
    /// The fact's id.
    pub id: String,
    /// The collector.
    pub uses: String,
    /// Observed, derived or stated.
    pub basis: Basis,
    /// The target asked, if any.
    pub target: Option<String>,
    /// When the look began: RFC 3339, UTC, nanoseconds.
    pub observed_at: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// The engine with its running count; one per run.
#[derive(Default)]
pub struct Masker {
    hits: Hits,
    learned: Learned,
}

impl Masker {
    /// A masker with the built-in rules and no hits yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks a text.
    pub fn text(&mut self, raw: Raw<String>) -> Masked<String> {
        let mut text = raw.into_inner();
        self.scan_text(&mut text);
        self.sweep_text(&mut text);
        Masked::new(text)
    }

    /// Masks bytes of any kind; what is no secret stays byte for byte.
    pub fn bytes(&mut self, raw: Raw<Vec<u8>>) -> Masked<Vec<u8>> {
        let mut bytes = raw.into_inner();
        change(&mut bytes, |b| mask::scan(b, &mut self.hits, &mut self.learned));
        change(&mut bytes, |b| mask::sweep(b, &mut self.hits, &mut self.learned));
        Masked::new(bytes)
    }

    /// Masks a YAML text, which stays YAML: a mask at the beginning of a plain value is quoted.
    pub fn yaml(&mut self, raw: Raw<Vec<u8>>) -> Masked<Vec<u8>> {
        let bytes = raw.into_inner();
        let masked = self.bytes(Raw::new(bytes.clone())).into_inner();
        Masked::new(if masked == bytes { bytes } else { super::plain::quoted(&masked) })
    }

    /// Masks a value: every text in it, keys included, and whole texts under a name that announces
    /// a secret.
    pub fn value(&mut self, raw: Raw<Value>) -> Masked<Value> {
        let mut value = raw.into_inner();
        walk::columns_of(&value, &mut |lines| self.learn_blocks(lines));
        walk::value(&mut value, None, &mut |text, name| self.scan_named(text, name));
        walk::value(&mut value, None, &mut |text, _| self.sweep_text(text));
        Masked::new(value)
    }

    /// Masks everything that a collector saw and makes the fact of it, anchor still empty. Digests
    /// of attachments are of the masked bytes.
    pub fn fact(&mut self, look: Look, raw: Raw<Observation>) -> Masked<SealedFact> {
        let before = self.hits.clone();
        let mut seen = raw.into_inner();
        seen.values.values().for_each(|value| walk::columns_of(value, &mut |lines| self.learn_blocks(lines)));
        walk::observation(&mut seen, &mut |text, name| self.scan_named(text, name));
        for attachment in &mut seen.attachments {
            change(&mut attachment.bytes, |b| mask::scan(b, &mut self.hits, &mut self.learned));
        }
        walk::observation(&mut seen, &mut |text, _| self.sweep_text(text));
        for attachment in &mut seen.attachments {
            change(&mut attachment.bytes, |b| mask::sweep(b, &mut self.hits, &mut self.learned));
        }
        let masked = self.since(&before);
        Masked::new(sealed(look, seen, masked))
    }

    /// The hit table so far: a row for each of the general rules and for each that found
    /// something, and one row for what is left of a family, zeros included.
    #[must_use]
    pub fn table(&self) -> HygieneTable {
        let rules = engine::in_force().map_or(&[][..], |engine| engine.rules());
        let hits = |rule: &Rule| self.hits.get(&rule.id).copied().unwrap_or(0);
        let is_own = |rule: &&Rule| !rule.is_of_many() || hits(rule) > 0;
        let row = |rule: &Rule| HygieneRow {
            rule: rule.id.clone(),
            description: rule.description.clone(),
            masked: hits(rule),
        };
        let mut rows: Vec<HygieneRow> = rules.iter().filter(is_own).map(row).collect();
        let mut silent = BTreeMap::<&str, usize>::new();
        for rule in rules.iter().filter(|rule| !is_own(rule)) {
            *silent.entry(&rule.family).or_default() += 1;
        }
        rows.extend(silent.into_iter().map(|(family, count)| HygieneRow {
            rule: family.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            description: format!("{family}: {count} further patterns"),
            masked: 0,
        }));
        HygieneTable { rows }
    }

    fn since(&self, before: &Hits) -> BTreeMap<String, u64> {
        let grown = |(rule, now): (&String, &u64)| {
            let more = now - before.get(rule).copied().unwrap_or(0);
            (more > 0).then(|| (rule.clone(), more))
        };
        self.hits.iter().filter_map(grown).collect()
    }

    /// Learns the lines of secrets that go over several of `lines`: each of them is masked by itself,
    /// and none of them shows what it is part of.
    fn learn_blocks(&mut self, lines: &str) {
        mask::learn_blocks(lines.as_bytes(), &mut self.learned);
    }

    fn scan_text(&mut self, text: &mut String) {
        change_text(text, |b| mask::scan(b, &mut self.hits, &mut self.learned));
    }

    fn sweep_text(&mut self, text: &mut String) {
        change_text(text, |b| mask::sweep(b, &mut self.hits, &mut self.learned));
    }

    /// Masks `text`, wholly when `name` announces a secret.
    fn scan_named(&mut self, text: &mut String, name: Option<&str>) {
        let whole = name.is_some_and(|name| mask::is_named_secret(name, text));
        if whole {
            *text = mask::named(text, &mut self.hits, &mut self.learned);
        } else {
            self.scan_text(text);
        }
    }
}

/// `text` with its secrets masked, not counted: for screens and errors.
#[must_use]
pub fn mask_str(text: &str) -> String {
    let mut text = text.to_owned();
    change_text(&mut text, |b| mask::scan(b, &mut Hits::new(), &mut Learned::default()));
    text
}

fn change(bytes: &mut Vec<u8>, masked: impl FnOnce(&[u8]) -> Option<Vec<u8>>) {
    if let Some(next) = masked(bytes) {
        *bytes = next;
    }
}

fn change_text(text: &mut String, masked: impl FnOnce(&[u8]) -> Option<Vec<u8>>) {
    if let Some(next) = masked(text.as_bytes()) {
        *text = String::from_utf8(next).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    }
}

fn sealed(look: Look, seen: Observation, masked: BTreeMap<String, u64>) -> SealedFact {
    let listed = |a: &Attachment| Artifact {
        name: a.name.clone(),
        bytes: a.bytes.len() as u64,
        sha256: Digest::of(&a.bytes).to_string(),
    };
    let fact = Fact {
        id: look.id,
        uses: look.uses,
        basis: look.basis,
        target: look.target,
        source: seen.source,
        how: seen.how,
        observed_at: look.observed_at,
        took_ms: look.took_ms,
        values: seen.values,
        missing: seen.missing,
        absence: seen.absence,
        artifacts: seen.attachments.iter().map(listed).collect(),
        masked,
    };
    let artifacts = seen.attachments.into_iter().map(|a| (a.name, a.bytes)).collect();
    SealedFact { anchor: String::new(), fact, artifacts }
}
