//! Finding and masking secrets, and the one door from [`Raw`] to [`Masked`]. Nothing from outside
//! may be stored, printed, logged or put in an error before it went through here.

mod masker;
mod seam;

pub use masker::{Look, Masker};
pub use seam::{Masked, Raw};
