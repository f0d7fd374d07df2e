//! Being asked to end (Ctrl-C, SIGTERM, a closed terminal) while a child must first be ended and
//! written down. Outside of such a moment these signals do what they always do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::files;

/// From its making until it is dropped, the first such signal only sets a flag; a second one ends
/// this process as usual.
pub struct Interrupts {
    asked: Arc<AtomicBool>,
    usual: Arc<AtomicBool>,
}

impl Interrupts {
    /// Begins to hold such signals back.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn hold() -> io::Result<Self> {
        let held = Self { asked: Arc::default(), usual: Arc::default() };
        let signals = [SIGINT, SIGTERM].into_iter().chain((!hangup_is_ignored()).then_some(SIGHUP));
        for signal in signals {
            // In this order: the first signal finds `usual` unset, and sets it for the second.
            flag::register_conditional_default(signal, Arc::clone(&held.usual))?;
            flag::register(signal, Arc::clone(&held.asked))?;
            flag::register(signal, Arc::clone(&held.usual))?;
        }
        Ok(held)
    }

    /// Set once a signal came.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.usual.store(true, Ordering::SeqCst);
    }
}

/// Whether we were started to outlive the terminal (`nohup`): a handler would undo that.
fn hangup_is_ignored() -> bool {
    let status = files::read_system_text("/proc/self/status".as_ref(), 64 << 10).unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_only_sets_the_flag() {
        let held = Interrupts::hold().unwrap();
        signal_hook::low_level::raise(SIGTERM).unwrap();
        assert!(held.flag().load(Ordering::SeqCst));
    }
}
