//! Finding and masking secrets, and the one door from [`Raw`] to [`Masked`]. Nothing from outside
//! may be stored, printed, logged or put in an error before it went through here.
//!
//! The rules are data (`policies/hygiene/*.yaml`); this room reads them, finds what they describe and
//! puts `***rule-id***` in its place. Masking a masked text changes nothing.

mod assign;
mod block;
mod check;
mod engine;
mod form;
mod keys;
mod learned;
mod mask;
mod masker;
mod prefilter;
mod rule;
mod sample;
mod seam;
mod value;
mod walk;
mod weigh;
mod wrapped;

#[cfg(test)]
mod tests;

pub use engine::count_secrets;
pub use masker::{Look, Masker, mask_str};
pub use seam::{Masked, Raw};
