//! Finding and masking secrets, and the one door from [`Raw`] to [`Masked`]. Nothing from outside
//! may be stored, printed, logged or put in an error before it went through here.
//!
//! The rules are data (`policies/hygiene/*.yaml`); this room reads them, finds what they describe and
//! puts `***rule-id***` in its place. Masking a masked text changes nothing.

mod allow;
mod assign;
mod block;
mod check;
mod companion;
mod engine;
mod env_line;
mod fingerprint;
mod follows;
mod form;
pub mod fuzz;
mod gitleaks;
mod key_lines;
mod keys;
mod known;
mod label;
mod learned;
mod maker;
mod manifest;
mod mask;
mod masker;
mod pack;
mod pem;
mod pieces;
mod plain;
mod prefilter;
mod prose;
mod rule;
mod ruleset;
mod runs;
mod sample;
mod scanner;
mod seam;
mod table;
mod tongues;
mod value;
mod walk;
mod weigh;
mod word;
mod wrapped;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod quality;
#[cfg(test)]
mod tests;

pub use fingerprint::Key;
pub use label::{Labeller, Place};
pub use masker::{Look, Masker, mask_str};
pub use rule::Confidence;
pub use ruleset::{RuleInfo, RulesError, Ruleset, mask_with_own};
pub use scanner::{Hit, Limits, Scanner, Seen};
pub use seam::{Masked, Raw};
