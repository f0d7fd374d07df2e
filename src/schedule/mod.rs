//! When something runs: crontabs as cron reads them, timers as systemd reads them, and the instants
//! they mean in a zone with clock changes. Pure: text and zone in, instants out; it reads no clock.
//! What is not understood is said and never taken for "does not run".

pub mod calendar;
pub mod cron;
pub mod crontab;
#[cfg(test)]
mod tests;
pub mod timer;

pub use calendar::{Calendar, Firing};

/// Why a schedule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);
