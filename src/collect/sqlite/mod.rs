//! SQLite databases of other programs, read in a private copy. The original is opened like any
//! other file and never by SQLite itself, which would take locks in it, write its shared memory and
//! might bring its journal to an end. The copy has no name, so that nothing of it survives this process.

mod copy;
mod guard;
mod nameless;
mod query;
mod source;

pub(super) use copy::{Copied, Limits, copy};
pub(super) use guard::{absence, open};
pub use query::Query;
pub(super) use source::{ATTEMPTS, MAX_COPY, PATH, TIMEOUT, VALUES, tell};
