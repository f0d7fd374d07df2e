//! The shapes of format 1. Frozen: see the parent's rule before changing anything here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The number in `format`.
pub(super) const FORMAT: u32 = 1;

/// A document of one kind.
#[derive(Serialize)]
pub(super) struct Document<T> {
    pub format: u32,
    pub kind: &'static str,
    #[serde(flatten)]
    pub body: T,
}

/// `counts` has every status as a key, zeros included.
#[derive(Serialize)]
pub(super) struct Verdict {
    pub policy: String,
    pub as_of: String,
    /// `pass`, `fail`, `unknown`, `hard_stop`.
    pub outcome: &'static str,
    /// `closed`, `closed_with_notes`, `open`, `hard_stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closure: Option<&'static str>,
    pub counts: BTreeMap<&'static str, usize>,
    pub rows: Vec<Row>,
}

#[derive(Serialize)]
pub(super) struct Row {
    /// `hard_stops`, `checks`, `criteria`, `checklist`.
    pub section: &'static str,
    pub id: String,
    pub title: String,
    /// `pass`, `fail`, `unknown`, `misleading`, `waived`.
    pub status: &'static str,
    pub observed: String,
    pub expected: String,
    pub because: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle: Option<String>,
    pub facts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
}

/// `anchor` is the SHA-256 of the fact's canonical JSON as it stands in `facts.jsonl`.
#[derive(Serialize)]
pub(super) struct Fact {
    pub anchor: String,
    /// The fact as it stands in `facts.jsonl`.
    pub fact: Value,
}

#[derive(Serialize)]
pub(super) struct Closing {
    /// `closed`, `closed_with_notes`, `open`, `hard_stop`; signatures and waivers taken in.
    pub state: &'static str,
    /// The instant that waivers were held against.
    pub at: String,
    pub reasons: Vec<String>,
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
    pub seats: Vec<Seat>,
    /// Signed answers to items that the run left UNKNOWN.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<SignedAnswer>,
}

#[derive(Serialize)]
pub(super) struct SignedAnswer {
    pub item: String,
    pub seat: String,
    pub principal: String,
    pub holds: bool,
    pub says: String,
}

#[derive(Serialize)]
pub(super) struct Seat {
    pub seat: String,
    pub principal: String,
    /// The key that signed; none when no signature counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Judged {
    #[serde(flatten)]
    pub verdict: Verdict,
    pub closing: Closing,
}

#[derive(Serialize)]
pub(super) struct Signed {
    pub case: String,
    pub run: String,
    pub seat: String,
    pub principal: String,
    /// The key's fingerprint.
    pub key: String,
    pub statement: String,
    pub signature: String,
    pub closing: Closing,
}

#[derive(Serialize)]
pub(super) struct Facts {
    pub facts: Vec<Fact>,
}

#[derive(Serialize)]
pub(super) struct Run {
    pub name: String,
    pub started_at: String,
    pub ended_at: String,
    pub tool_version: String,
    pub plan_sha256: String,
    pub sandbox: String,
}

#[derive(Serialize)]
pub(super) struct Collection {
    pub run: Run,
    /// SHA-256 of the bundle's tag manifest.
    pub digest: String,
    pub facts: Vec<Fact>,
    pub verdict: Verdict,
}

#[derive(Serialize)]
pub(super) struct Plan {
    pub case: String,
    pub policy: String,
    pub policy_sha256: String,
    /// What `collect --plan-sha256` takes.
    pub plan_sha256: String,
    pub steps: Vec<Step>,
    /// What `run` starts after `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Governed>,
    /// The steps after the action.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Step>,
}

#[derive(Serialize)]
pub(super) struct Governed {
    pub title: String,
    pub argv: Vec<String>,
    pub shell: bool,
    pub folder: String,
    pub environment: Vec<String>,
    pub set: BTreeMap<String, String>,
    pub limit_ms: u64,
    pub watched_folders: Vec<String>,
    pub watched_logs: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Step {
    pub id: String,
    pub uses: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub actions: Vec<Action>,
}

#[derive(Serialize)]
pub(super) struct Action {
    /// `read`, `ask`, `run`, `state`.
    pub verb: &'static str,
    pub what: String,
}

#[derive(Serialize)]
pub(super) struct Verification {
    /// What the program exits with: 0 when every level holds or is merely unsigned, 3 when one could
    /// not be done or a signature is required and missing, 5 when one is broken.
    pub exit_code: u8,
    pub levels: Vec<Level>,
    /// When the bundle can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

#[derive(Serialize)]
pub(super) struct Level {
    pub name: String,
    /// `holds`, `broken`, `not_done`, `unsigned`.
    pub status: &'static str,
    pub detail: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Examinations {
    pub files: Vec<Examined>,
}

#[derive(Serialize)]
pub(super) struct Examined {
    pub path: String,
    /// 0 good, 1 bad, 3 not established.
    pub exit_code: u8,
    pub examination: Value,
}

/// A record that was written.
#[derive(Serialize)]
pub(super) struct Record {
    pub record: String,
    /// SHA-256 of the record.
    pub sha256: String,
    pub run: String,
}

/// A case that was begun.
#[derive(Serialize)]
pub(super) struct Begun {
    pub case: String,
    pub path: String,
}

/// An entry of the reference.
#[derive(Serialize)]
pub(super) struct Explanation {
    pub name: String,
    pub markdown: String,
}

/// `exit_codes` has the code of each verb that the demonstration ran.
#[derive(Serialize)]
pub(super) struct Demonstration {
    pub folder: String,
    pub record: String,
    pub exit_codes: BTreeMap<String, Option<i32>>,
}
