//! How much disk a drill takes: measured again and again while it runs, because the peak is what a
//! machine must have free. A drill that would take more than it may is ended.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::files;

use super::steps::Stop;

const PAUSE: Duration = Duration::from_millis(100);
/// Measured at every tenth pause: a walk over a thousand files.
const EVERY: u32 = 10;

/// Measures until it is dropped.
pub(super) struct Gauge {
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Gauge {
    /// Measures `folder`, and stops the drill when it takes more than `limit` bytes.
    pub(super) fn start(folder: &Path, limit: u64, stop: &Stop) -> Self {
        let (peak, done): (Arc<AtomicU64>, Arc<AtomicBool>) = Default::default();
        let (folder, stop) = (folder.to_owned(), stop.clone());
        let (to, ended) = (Arc::clone(&peak), Arc::clone(&done));
        let thread = std::thread::spawn(move || {
            let mut ticks = 0;
            while !ended.load(Ordering::SeqCst) {
                if ticks % EVERY == 0 {
                    let bytes = files::disk_usage(&folder);
                    to.fetch_max(bytes, Ordering::SeqCst);
                    if bytes > limit {
                        stop.is_full();
                    }
                }
                ticks += 1;
                std::thread::sleep(PAUSE);
            }
            to.fetch_max(files::disk_usage(&folder), Ordering::SeqCst);
        });
        Self { peak, done, thread: Some(thread) }
    }

    /// Measures once more and gives the most that it took, in bytes.
    pub(super) fn finish(mut self) -> u64 {
        self.end();
        self.peak.load(Ordering::SeqCst)
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
