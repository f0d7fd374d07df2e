//! Progress on standard error: which step, how far, how fast; only on a terminal.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::base::text;
use crate::collect::Progress;

/// A spinner with the step's name and the bytes read.
pub struct Bar(Option<Mutex<ProgressBar>>);

impl Bar {
    /// A bar on a terminal, silence elsewhere.
    #[must_use]
    pub fn new() -> Self {
        Self(std::io::stderr().is_terminal().then(|| Mutex::new(ProgressBar::hidden())))
    }

    fn with(&self, act: impl FnOnce(&mut ProgressBar)) {
        if let Some(Ok(mut bar)) = self.0.as_ref().map(Mutex::lock) {
            act(&mut bar);
        }
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Bar {
    fn begin(&self, id: &str, uses: &str) {
        self.with(|bar| {
            *bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {bytes} {bytes_per_sec}  {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(text::visible(&format!("{id} ({uses})")).into_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
        });
    }

    fn advance(&self, bytes: u64) {
        self.with(|bar| bar.inc(bytes));
    }

    fn end(&self) {
        self.with(|bar| bar.finish_and_clear());
    }
}
