//! The plan: everything that a collection would read, ask or run, in order. Its digest is what an
//! owner authorises before the run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bundle::Replaced;
use super::case::Waiver;

/// How a collector reaches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Reads a file or folder.
    Read,
    /// Asks a service.
    Ask,
    /// Runs a program.
    Run,
    /// Records what a seat says.
    State,
}

/// One read, question or program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// How it is reached.
    pub verb: Verb,
    /// The exact path, command line or query.
    pub what: String,
}

impl Action {
    /// An action.
    #[must_use]
    pub fn new(verb: Verb, what: impl Into<String>) -> Self {
        Self { verb, what: what.into() }
    }
}

/// The actions of one step of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The fact's id.
    pub id: String,
    /// The collector.
    pub uses: String,
    /// The target asked, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// In order.
    pub actions: Vec<Action>,
}

/// The whole plan; its SHA-256 is over its canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The case's name.
    pub case: String,
    /// The policy's name and the SHA-256 of its bytes.
    pub policy: String,
    /// SHA-256 of the policy as it would be used.
    pub policy_sha256: String,
    /// Who sits where: signatures and statements count by it.
    pub seats: BTreeMap<String, String>,
    /// Who answers for which item: a waiver changes what becomes of the case.
    pub waivers: Vec<Waiver>,
    /// SHA-256 of each template, by file name, and of the narrative: they make the record's words.
    pub templates: BTreeMap<String, String>,
    /// See `templates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrative_sha256: Option<String>,
    /// SHA-256 of every file that a run seals before it looks, by its name in the run: the whole case, the whole
    /// policy, every template and the narrative. No key of them can be left out of the plan's digest.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// The rules of judgement that the run will be judged by.
    #[serde(default)]
    pub rules: u32,
    /// The built-in policy that the root's own one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_replaces: Option<Replaced>,
    /// In order; with an action, those before it.
    pub steps: Vec<PlannedStep>,
    /// The one command that `evidence run` starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<PlannedAction>,
    /// The steps after the action, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<PlannedStep>,
}

/// The governed action, with nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAction {
    /// What it does, for people.
    pub title: String,
    /// The program and its arguments, exactly.
    pub argv: Vec<String>,
    /// Whether the program is a shell that reads the last argument.
    pub shell: bool,
    /// The folder it runs in.
    pub folder: String,
    /// Names of variables that it may see when they are set.
    pub environment: Vec<String>,
    /// Variables that are set for it.
    pub set: BTreeMap<String, String>,
    /// The container engines that the environment or a configuration redirects, by program, with their
    /// endpoints: the command reaches the same as the looks do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub engines: BTreeMap<String, String>,
    /// Its time limit in milliseconds.
    pub limit_ms: u64,
    /// Folders compared before and after.
    pub watched_folders: Vec<String>,
    /// Logs compared before and after.
    pub watched_logs: Vec<String>,
}
