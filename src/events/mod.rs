//! What happened when, from the lines of logs: the times that lines say, the words that make a line an
//! event, the runs that events belong to, and the rules by which two lines contradict each other.
//!
//! Pure: lines and their bytes come in, events and findings go out. Nothing here opens a file, knows a
//! policy or names a cause; a finding says which two lines disagree and what would settle it.
//!
//! Memory is bounded whatever a log holds: a run that ends without a finding leaves nothing behind.

mod amount;
mod dial;
pub mod encoding;
mod event;
mod figure;
mod find;
mod format;
pub mod keys;
mod kind;
pub mod lines;
mod order;
mod pattern;
mod rule;
mod run;
mod scan;
mod side;
mod signature;
pub mod stamp;
pub mod zone;

pub use amount::size_of;
pub use event::{Event, Mark, MarkKind, Tally};
pub use figure::{Lane, figure};
pub use find::{Citation, Contradictions, Expect, Finding, Report};
pub use format::{FORMATS, Format};
pub use kind::Kind;
pub use order::{Keeper, Timeline};
pub use pattern::{PatternError, Patterns};
pub use rule::{Rule, RuleError, RuleKind, builtin as builtin_rules};
pub use scan::{Source, Twins, read};
