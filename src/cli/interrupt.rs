//! What is said when a signal ends the program: which one, what was kept, and what to do next. Temporary
//! files of outputs and the run's scratch folder are removed first; everything else is left as it is.

use std::path::PathBuf;
use std::sync::Mutex;

use crate::base::{files, output};
use crate::seal;

use super::screen::tell;

/// A run that is being collected.
struct UnderWay {
    folder: PathBuf,
    scratch: PathBuf,
    steps: usize,
    collect: String,
    prune: String,
}

static RUN: Mutex<Option<UnderWay>> = Mutex::new(None);

/// From now on, a run is under way in `folder`.
pub fn begin(folder: PathBuf, scratch: PathBuf, steps: usize, collect: String, prune: String) {
    set(Some(UnderWay { folder, scratch, steps, collect, prune }));
}

/// The run is sealed.
pub fn over() {
    set(None);
}

fn set(run: Option<UnderWay>) {
    if let Ok(mut held) = RUN.lock() {
        *held = run;
    }
}

/// Says what `signal` interrupts.
pub fn tell_last(signal: &str) {
    output::remove_unfinished();
    let Some(run) = RUN.lock().ok().and_then(|mut run| run.take()) else {
        return tell(&format!("interrupted by {signal}: no file was replaced"));
    };
    // What the collectors put there is of no use to a run that has ended.
    let _ = files::remove_folder(&run.scratch);
    let kept = seal::kept(&run.folder);
    tell(&format!(
        "interrupted by {signal}: the run {} is not sealed; {kept} of {} facts were kept in it",
        run.folder.display(),
        run.steps
    ));
    tell(&format!("next: `{}` collects anew; `{}` lists what was interrupted", run.collect, run.prune));
}
