//! What becomes of a case when its verdict, the waivers in force and the signatures of its seats are
//! taken together, and what a seat signs. Plain data: `judge` decides, `verify` looks at signatures.

use serde::{Deserialize, Serialize};

use super::verdict::Closure;

/// What [`SeatStatement::kind`] says: nobody can take another signed file for a statement of a seat.
pub const STATEMENT_KIND: &str = "evidence seat statement v1";

/// The same of a statement that answers items of the policy. A program that does not know answers refuses it.
pub const ANSWERS_KIND: &str = "evidence seat statement v2";

/// What a seat states about an item of the policy after the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatAnswer {
    /// The item's id.
    pub item: String,
    /// Whether the item holds, by the seat's own yes or no.
    pub holds: bool,
    /// In the seat's words, masked.
    pub says: String,
}

/// The statement that a seat signs: these bytes, and no others, are under its signature, so that
/// renaming the file gives the signature to no other seat, run or record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatStatement {
    /// [`STATEMENT_KIND`], or [`ANSWERS_KIND`] when there are answers.
    pub kind: String,
    /// The case.
    pub case: String,
    /// The run, e.g. `20260515T102350Z`.
    pub run: String,
    /// The seat, as the case names it.
    pub seat: String,
    /// Who sits there, as the case says; the name in the list of allowed signers.
    pub principal: String,
    /// SHA-256 of `tagmanifest-sha256.txt`: the digest of the bundle.
    pub bundle_sha256: String,
    /// SHA-256 of the record that the bundle renders to.
    pub record_sha256: String,
    /// What the seat states about items of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<SeatAnswer>,
}

impl SeatStatement {
    /// Returns the statement with these answers, and with the kind that they ask for.
    #[must_use]
    pub fn answering(mut self, answers: Vec<SeatAnswer>) -> Self {
        self.kind = if answers.is_empty() { STATEMENT_KIND } else { ANSWERS_KIND }.to_owned();
        self.answers = answers;
        self
    }
}

/// What a signature turned out to be worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Made by the one whom the case names for the seat, and whom the list of signers knows.
    Verified,
    /// It fits, but who made it is not established, and why.
    Stranger(String),
    /// It could not be looked at, and why.
    Unchecked(String),
    /// It does not fit, or is somebody else's, and why.
    Bad(String),
}

/// A signature as it was found beside a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatSignature {
    /// Its file, relative to the run's folder, safe to print.
    pub file: String,
    /// The seat; none for a bare signature over the tag manifest.
    pub seat: Option<String>,
    /// Who the statement says made it.
    pub principal: Option<String>,
    /// The key's fingerprint, e.g. `SHA256:…`.
    pub key: Option<String>,
    /// What it is worth.
    pub standing: Standing,
    /// What `ssh-keygen` said of a verified one.
    pub said: String,
    /// What is stated under a verified one about items of the policy.
    pub answers: Vec<SeatAnswer>,
}

/// An answer that counts: its seat signed it, and the policy asks this seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAnswer {
    /// The seat.
    pub seat: String,
    /// The person, as the case says.
    pub principal: String,
    /// What was stated.
    pub answer: SeatAnswer,
}

/// One seat that the policy asks to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatState {
    /// The seat.
    pub seat: String,
    /// Who sits there, as the case says.
    pub principal: String,
    /// The fingerprint of the key that signed, when a signature counts.
    pub key: Option<String>,
}

/// What becomes of the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Closed, closed with notes, open, or stopped.
    pub state: Closure,
    /// The instant that waivers were held against, RFC 3339.
    pub at: String,
    /// What keeps it open or stopped, one sentence each.
    pub reasons: Vec<String>,
    /// What remains although it may be closed.
    pub notes: Vec<String>,
    /// What somebody should tidy up: waivers that nothing needs, or that name no item.
    pub warnings: Vec<String>,
    /// The seats that must sign, in the policy's order.
    pub seats: Vec<SeatState>,
    /// Signed answers to items that the run left UNKNOWN, in the policy's order.
    pub answers: Vec<SignedAnswer>,
}

impl Closing {
    /// Whether it counts as closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, Closure::Closed | Closure::ClosedWithNotes)
    }

    /// Keeps it open for one more reason.
    pub fn reopen(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
        if self.state != Closure::HardStop {
            self.state = Closure::Open;
        }
    }
}
