//! Finds the entries of a folder, sorted, following no link. What cannot be listed is remembered.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::base::text;
use crate::model::fact::{Absence, Reason};

use super::Ready;

/// What a walk found.
pub struct Found {
    /// The entries that were asked for, sorted.
    pub paths: Vec<PathBuf>,
    /// Folders that could not be listed, and why.
    pub unlisted: Vec<(PathBuf, Absence)>,
    /// Why the folder itself could not be listed.
    pub root: Option<Absence>,
    /// Whether the walk ended at `max_files`.
    pub limited: bool,
}

/// Walks the folder of `ready`.
pub fn walk(ready: &Ready) -> Found {
    let mut found = Found { paths: Vec::new(), unlisted: Vec::new(), root: None, limited: false };
    let depth = if ready.recursive { usize::MAX } else { 1 };
    let walk = WalkDir::new(&ready.path).follow_links(false).follow_root_links(false);
    for entry in walk.min_depth(1).max_depth(depth).sort_by_file_name() {
        match entry {
            Ok(entry) if !ready.wants(entry.path()) => {}
            Ok(_) if found.paths.len() >= ready.max_files => {
                found.limited = true;
                break;
            }
            Ok(entry) => found.paths.push(entry.into_path()),
            Err(error) => unlisted(ready, &error, &mut found),
        }
    }
    found
}

fn unlisted(ready: &Ready, error: &walkdir::Error, found: &mut Found) {
    let path = error.path().unwrap_or(&ready.path).to_owned();
    let absence = absence(&path, error);
    if path == ready.path {
        found.root = Some(absence.clone());
    }
    found.unlisted.push((path, absence));
}

fn absence(path: &Path, error: &walkdir::Error) -> Absence {
    let name = text::from_name(path);
    let kind = error.io_error().map(std::io::Error::kind);
    let settle = format!("sudo ls -la -- {}", text::shell_word(&name));
    match kind {
        Some(std::io::ErrorKind::PermissionDenied) => {
            let message = format!("{name}: permission denied; run as a user who may list it");
            Absence::new(Reason::Denied, message).settled_by(settle)
        }
        Some(std::io::ErrorKind::NotFound) => {
            Absence::new(Reason::Changed, format!("{name}: disappeared while the folder was read"))
        }
        _ => Absence::new(Reason::Failed, format!("{name}: could not be listed")).settled_by(settle),
    }
}
