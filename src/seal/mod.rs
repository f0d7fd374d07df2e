//! The bundle on disk: made step by step so that a killed run keeps what it had and says that it
//! is unsealed, closed as a BagIt 1.0 bag, read back, and inspected for damage. On the way in it
//! takes only `Masked`; it never judges and never follows a link.

mod check;
mod error;
mod facts;
mod inspect;
mod layout;
mod manifest;
mod read;
mod runs;
pub mod signature;
mod writer;

pub use error::SealError;
pub use inspect::{Damage, DamageKind, Inspection, inspect};
pub use layout::{SIGNATURES, TAG_MANIFEST};
pub use read::{KeptFact, Partial, ReadError, read, read_partial};
pub use runs::{Run, Unsealed, acted, announced, is_run_name, kept, latest, remove, runs, unsealed};
pub use writer::Writer;
