//! A run as it is read back: everything that judging and rendering need, and nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::fact::Fact;
use super::policy::Policy;
use super::verdict::Verdict;

/// What the tool says about the run itself; `data/run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    /// The run's name: its start in UTC, e.g. `20260515T102350Z`.
    pub run: String,
    /// The start: RFC 3339, UTC, nanoseconds. Ages are counted from here.
    pub started_at: String,
    /// The end: RFC 3339, UTC, nanoseconds.
    pub ended_at: String,
    /// This program's version.
    pub tool_version: String,
    /// The SHA-256 of the plan that was carried out.
    pub plan_sha256: String,
    /// How far the kernel enforced that nothing else was written: `full`, `partial`, `none`.
    pub sandbox: String,
    /// The rules of judgement that the verdict was made by; a run without a number was made by the first ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<u32>,
    /// The built-in policy that a policy of the root's own replaced under the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_replaces: Option<Replaced>,
}

/// A built-in policy that another file of the same name replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// The name of both.
    pub name: String,
    /// SHA-256 of the file in force, as it was read.
    pub sha256: String,
    /// SHA-256 of the built-in policy.
    pub built_in_sha256: String,
}

impl Replaced {
    /// The sentence that every screen and the record show.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { name, sha256, built_in_sha256 } = self;
        format!(
            "the policy {name} ({sha256}) is not the built-in one: it replaces the built-in {name} ({built_in_sha256})"
        )
    }
}

/// One line of the hygiene table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HygieneRow {
    /// The rule's id.
    pub rule: String,
    /// What it finds.
    pub description: String,
    /// How many were found and masked in this run.
    pub masked: u64,
}

/// The per-pattern hit table, zeros included; `data/hygiene.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HygieneTable {
    /// One row a rule, in the rules' order.
    pub rows: Vec<HygieneRow>,
}

/// A fact with its anchor as stored and its artifacts' bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedFact {
    /// The SHA-256 of the fact's canonical JSON, as the bundle states it.
    pub anchor: String,
    /// The fact.
    pub fact: Fact,
    /// The artifacts' bytes, by name.
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

/// A run, read back.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// About the run.
    pub info: RunInfo,
    /// The case as sealed.
    pub case: Case,
    /// The policy as sealed.
    pub policy: Policy,
    /// The SHA-256 of `data/policy.yaml`.
    pub policy_sha256: String,
    /// The narrative as sealed, if the case has one.
    pub narrative: Option<String>,
    /// The templates as sealed, by file name, e.g. `incident.md.j2`.
    pub templates: BTreeMap<String, String>,
    /// In the order collected.
    pub facts: Vec<SealedFact>,
    /// The hygiene table.
    pub hygiene: HygieneTable,
    /// The verdict as sealed.
    pub verdict: Verdict,
    /// The SHA-256 of `tagmanifest-sha256.txt`: the digest of the whole bundle.
    pub digest: String,
}
