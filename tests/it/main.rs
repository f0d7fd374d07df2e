//! The one integration binary: every room that needs real programs, real files or the built
//! binary has a module here, so that the tests link once.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs
)]

mod attack2;
mod bad_input;
mod bundle;
mod checkout;
mod closing;
mod confined;
mod drill;
mod dump_archives;
mod examine;
mod examples;
mod floors;
mod forged;
mod g6;
mod govern;
mod hb08;
mod hostile;
mod hygiene;
mod interrupts;
mod judgement;
mod nas;
mod outputs;
mod phase_c;
mod policies;
mod postgres;
mod prod;
mod reference;
mod scan;
mod sealing;
mod shell;
mod states;
mod support;
mod table_identity;
mod timeline;
mod v03;
mod verify;
