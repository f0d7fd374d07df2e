//! The governed action: the one command of a case that may change something. This room starts it,
//! tells how it went, and finds what was different afterwards. It decides nothing: whether it may be
//! started is the judge's to say and the operator's to ask for.
//!
//! Nothing that it sees leaves but as `Raw`: the command's output is outside text like any other.

mod act;
mod doc;
mod effects;
mod facts;
mod logs;
mod tree;
mod watch;

pub use act::Ready;
pub use doc::{DOCS, doc};
pub use effects::{compared, effects};
pub use watch::{Again, Snapshot, Watched};
