//! How much disk a drill takes: measured again and again while it runs, because the peak is what a
//! machine must have free. A drill that would take more than it may is ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::engine::Meter;
use super::steps::Stop;

const PAUSE: Duration = Duration::from_millis(100);
/// Measured at every tenth pause: a walk over a thousand files.
const EVERY: u32 = 10;

/// Measures until it is dropped.
pub(super) struct Gauge {
    scale: Arc<Mutex<Scale>>,
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What is measured, and the most that it was.
struct Scale {
    meter: Meter,
    peak: Option<u64>,
    limit: u64,
    stop: Stop,
}

impl Scale {
    /// Measures once, and stops the drill when that is more than it may take.
    fn measure(&mut self) {
        let Some(bytes) = (self.meter)() else { return };
        self.peak = self.peak.max(Some(bytes));
        if bytes > self.limit {
            self.stop.is_full();
        }
    }
}

impl Gauge {
    /// Measures by `meter`, and stops the drill when it gives more than `limit` bytes.
    pub(super) fn start(meter: Meter, limit: u64, stop: &Stop) -> Self {
        let scale = Arc::new(Mutex::new(Scale { meter, peak: None, limit, stop: stop.clone() }));
        let done = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&scale), Arc::clone(&done));
        let thread = std::thread::spawn(move || {
            let mut ticks = 0;
            while !ended.load(Ordering::SeqCst) {
                if ticks % EVERY == 0 {
                    shared.lock().unwrap_or_else(PoisonError::into_inner).measure();
                }
                ticks += 1;
                std::thread::sleep(PAUSE);
            }
        });
        Self { scale, done, thread: Some(thread) }
    }

    /// Measures now.
    pub(super) fn measure(&self) {
        self.scale.lock().unwrap_or_else(PoisonError::into_inner).measure();
    }

    /// Measures once more and gives the most that it took, in bytes; none where it could not be measured.
    pub(super) fn finish(mut self) -> Option<u64> {
        self.end();
        self.measure();
        self.scale.lock().unwrap_or_else(PoisonError::into_inner).peak
    }

    fn end(&mut self) {
        self.done.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.end();
    }
}
