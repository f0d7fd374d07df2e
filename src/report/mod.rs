//! Facts, verdicts, plans, verifications and examinations as text for a screen or as JSON for a
//! machine. This room returns text and never prints it; it decides nothing and reads nothing.
//!
//! Whatever came from outside passes [`clean`] once more on its way to a screen: secrets masked,
//! terminal escapes made visible.

mod board;
mod closing;
mod diff;
mod examination;
mod facts;
mod findings;
mod headlines;
pub mod json;
mod levels;
mod plan;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

pub use board::{board, mermaid, svg};
pub use closing::closing;
pub use diff::{Compared, difference};
pub use examination::examination;
pub use facts::{collection, facts};
pub use findings::{Finding, Format, Scan, findings};
pub use levels::levels;
pub use plan::plan;
pub use style::{Paint, Style};
pub use table::{Cell, table};
pub use verdict::verdict;

use crate::base::text;
use crate::hygiene;

/// `outside` as a screen may show it.
#[must_use]
pub fn clean(outside: &str) -> String {
    let masked = hygiene::mask_str(outside);
    text::visible(&masked).into_owned()
}
