//! One look at everything that is watched, and a second one that tells what was different. Looks
//! only read.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::base::clock;
use crate::model::action::Watch;

use super::logs::{Growth, Mark};
use super::tree::Tree;

/// What is watched; absolute paths.
pub struct Watched {
    /// Folders, with everything below them.
    pub folders: Vec<PathBuf>,
    /// Log files.
    pub logs: Vec<PathBuf>,
}

/// What was there before.
pub struct Snapshot {
    pub(super) at: DateTime<Utc>,
    pub(super) tree: Tree,
    pub(super) logs: Vec<Mark>,
}

/// What was there afterwards, logs already compared.
pub struct Again {
    pub(super) ended: DateTime<Utc>,
    pub(super) tree: Tree,
    pub(super) logs: Vec<Growth>,
}

impl Watched {
    /// What the case watches; relative paths start from `folder`.
    #[must_use]
    pub(super) fn new(watch: &Watch, folder: &Path) -> Self {
        let absolute = |paths: &[String]| paths.iter().map(|path| folder.join(path).components().collect()).collect();
        Self { folders: absolute(&watch.folders), logs: absolute(&watch.logs) }
    }

    /// The first look; `ours` is the run's own folder, in which we write all the time.
    #[must_use]
    pub fn look(&self, ours: &Path) -> Snapshot {
        let at = clock::now();
        let logs = self.logs.iter().map(|path| Mark::of(path)).collect();
        Snapshot { at, tree: Tree::of(&self.folders, ours), logs }
    }

    /// The second look.
    #[must_use]
    pub fn look_again(&self, before: &Snapshot, ours: &Path) -> Again {
        let tree = Tree::of(&self.folders, ours);
        let logs = self.logs.iter().zip(&before.logs).map(|(path, mark)| mark.growth(path)).collect();
        Again { ended: clock::now(), tree, logs }
    }
}
