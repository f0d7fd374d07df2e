//! The one integration binary: what the rooms do together, on real files and with real tools.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails may stop at once")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]
#![allow(clippy::disallowed_methods, reason = "tests damage files on purpose")]

mod bundle;
mod support;
mod verify;
