//! Being asked to end (SIGTERM, SIGINT, SIGHUP) while something has to be put away first: a drill, or
//! the governed action. While a [`Watch`] is held, the first signal is only noted and a second one
//! ends us; afterwards they do again what they always do. A verb may say something last: what it kept.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::files;

/// What the handlers share with us.
struct Desk {
    /// Whether a signal ends us at once.
    at_once: Arc<AtomicBool>,
    /// The number of the last signal; 0 for none.
    caught: Arc<AtomicUsize>,
}

static DESK: OnceLock<Option<Desk>> = OnceLock::new();
/// How many watches are held.
static HELD: AtomicUsize = AtomicUsize::new(0);
/// What is said and cleared away before a signal is obeyed.
static LAST: OnceLock<fn(&str)> = OnceLock::new();
/// How often a signal is looked for.
const PAUSE: Duration = Duration::from_millis(10);

/// From now on, `last` is called with a signal's name before it ends this process. It runs on a thread of
/// its own; a second signal ends the process at once.
pub fn on_end(last: fn(&str)) {
    let Some(desk) = DESK.get_or_init(|| Desk::open().ok()) else { return };
    if LAST.set(last).is_err() {
        return;
    }
    desk.at_once.store(false, Ordering::SeqCst);
    thread::spawn(|| {
        loop {
            thread::sleep(PAUSE);
            if caught() && HELD.load(Ordering::SeqCst) == 0 {
                obey();
            }
        }
    });
}

/// While this is held, signals that ask us to end are noted and not obeyed.
pub struct Watch(());

impl Watch {
    /// Begins to note signals.
    #[must_use]
    pub fn begin() -> Self {
        HELD.fetch_add(1, Ordering::SeqCst);
        if let Some(desk) = DESK.get_or_init(|| Desk::open().ok()) {
            desk.at_once.store(false, Ordering::SeqCst);
        }
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if HELD.fetch_sub(1, Ordering::SeqCst) == 1
            && LAST.get().is_none()
            && let Some(desk) = desk()
        {
            desk.at_once.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether we were asked to end.
#[must_use]
pub fn caught() -> bool {
    desk().is_some_and(|desk| desk.caught.load(Ordering::SeqCst) != 0)
}

/// Lets a signal that was noted be: it was meant for what has ended by it.
pub fn forget() {
    if let Some(desk) = desk() {
        desk.caught.store(0, Ordering::SeqCst);
        if LAST.get().is_some() {
            desk.at_once.store(false, Ordering::SeqCst);
        }
    }
}

/// Obeys a signal that was noted before, now that everything is put away; returns when there was
/// none, or when its default is not to end.
pub fn obey() {
    let signal = desk().map_or(0, |desk| desk.caught.swap(0, Ordering::SeqCst));
    if let Ok(signal) = i32::try_from(signal)
        && signal != 0
    {
        if let Some(last) = LAST.get() {
            last(signal_hook::low_level::signal_name(signal).unwrap_or("a signal"));
        }
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

fn desk() -> Option<&'static Desk> {
    DESK.get()?.as_ref()
}

impl Desk {
    fn open() -> std::io::Result<Self> {
        let desk = Self { at_once: Arc::new(AtomicBool::new(true)), caught: Arc::default() };
        let signals = [SIGTERM, SIGINT].into_iter().chain((!hangup_is_ignored()).then_some(SIGHUP));
        for signal in signals {
            // In this order: the handler that ends us, when it may; the note; and from then on it may.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&desk.at_once))?;
            let number = usize::try_from(signal).unwrap_or(1);
            signal_hook::flag::register_usize(signal, Arc::clone(&desk.caught), number)?;
            signal_hook::flag::register(signal, Arc::clone(&desk.at_once))?;
        }
        Ok(desk)
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
    fn the_first_signal_is_only_noted_and_can_be_forgotten() {
        let watch = Watch::begin();
        signal_hook::low_level::raise(SIGTERM).unwrap();
        assert!(caught());
        forget();
        assert!(!caught());
        drop(watch);
    }
}
