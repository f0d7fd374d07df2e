//! Is this backup any good, and what is in it? One pass over a stream of bytes, in constant memory.
//!
//! The usual tools each see one layer and accept what the next one would refuse: an empty gzip
//! stream is a valid gzip stream, `pg_restore -l` succeeds on half a file, psql restores a dump that
//! was cut between two rows. This room reads every byte once, hashes and decodes the *same* buffers,
//! and says what it saw.
//!
//! It opens no files, reads no clock, knows no policy and masks nothing: it gets a reader, and what
//! it finds is raw.

mod archives;
mod block;
mod caveat;
mod context;
mod custom;
mod encrypted;
mod facts;
mod gzip;
mod inflate;
mod keep;
mod kind;
mod lane;
mod lz4;
mod message;
mod node;
mod options;
mod outlet;
mod reader;
mod sql;
mod sql_verdict;
mod sqlite;
mod stream;
mod tap;
mod tar;
mod verdict;
mod zstd;

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use context::Context;
use node::Place;
use reader::Ahead;
use stream::Stream;

pub use caveat::{Caveat, CaveatId};
pub use facts::*;
pub use options::Options;
pub(crate) use sql::tables::last_part;
pub use tap::Tap;
pub use verdict::{Code, Quality, Reason};

/// Why an examination could not be finished. Damage of a backup is never an error: it is a finding.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be read.
    #[error("reading failed after {offset} bytes: {source}")]
    Io {
        /// How many bytes had been read.
        offset: u64,
        /// What the reader said.
        source: std::io::Error,
    },
    /// A helper thread could not be started or ended badly.
    #[error("a helper thread of the examination failed: {0}; try again with more memory or fewer tasks")]
    Worker(String),
}

/// Reads `reader` to its end and says what it is and whether it is whole.
///
/// `progress` is told the bytes read so far, about every 256 KiB. `should_stop` is asked as often;
/// when it answers yes, reading ends and the examination says `time_limit_hit`.
///
/// # Errors
/// When the reader fails or a thread cannot be started; never because of what the bytes are.
pub fn examine(
    reader: impl Read + Send,
    options: &Options,
    progress: &(dyn Fn(u64) + Sync),
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<Examination, ReadError> {
    examine_tapped(reader, options, progress, should_stop, None)
}

/// The same, and while it reads, `tap` gets the decoded bytes of the dump itself.
///
/// # Errors
/// As [`examine`].
pub fn examine_tapped(
    reader: impl Read + Send,
    options: &Options,
    progress: &(dyn Fn(u64) + Sync),
    should_stop: &(dyn Fn() -> bool + Sync),
    tap: Option<&Tap<'_>>,
) -> Result<Examination, ReadError> {
    let trouble = Mutex::new(None);
    std::thread::scope(|scope| {
        let context = Context::new(scope, options, should_stop, tap);
        let source = Ahead::new(reader, &context, progress, &trouble);
        let stream = Stream::new(source, context.stored_digest());
        let found = node::examine(&context, stream, Place { tapping: tap::start(tap), ..Place::default() });
        let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (trouble, context.failure()) {
            (Some(error), _) => Err(error),
            (None, Some(what)) => Err(ReadError::Worker(what)),
            (None, None) => Ok(found),
        }
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
