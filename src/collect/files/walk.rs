//! Finds the entries of a folder, sorted, following no link, and hands them over in portions while it
//! is still looking. What cannot be listed is remembered.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::base::text;
use crate::model::fact::{Absence, Reason};

use super::Ready;

/// Entries in one portion.
const PORTION: usize = 256;

/// One listed entry.
pub struct Listed {
    /// Where it stands.
    pub path: PathBuf,
    /// Whether the listing calls it a regular file.
    pub is_file: bool,
}

/// What a walk found besides the entries.
#[derive(Default)]
pub struct Walked {
    /// Folders that could not be listed, and why.
    pub unlisted: Vec<(PathBuf, Absence)>,
    /// Why the folder itself could not be listed.
    pub root: Option<Absence>,
    /// Whether the walk ended at `max_files`.
    pub limited: bool,
}

/// Walks the folder of `ready` and gives `hand_over` the number of each portion and its entries.
pub fn walk(ready: &Ready, hand_over: &mut dyn FnMut(usize, Vec<Listed>)) -> Walked {
    let mut walked = Walked::default();
    let mut portion = Vec::with_capacity(PORTION);
    let (mut count, mut portions) = (0, 0);
    let depth = if ready.recursive { usize::MAX } else { 1 };
    let walk = WalkDir::new(&ready.path).follow_links(false).follow_root_links(false);
    for entry in walk.min_depth(1).max_depth(depth).sort_by(by_bytes) {
        match entry {
            Ok(entry) if !ready.wants(entry.path()) => {}
            Ok(_) if count >= ready.max_files => {
                walked.limited = true;
                break;
            }
            Ok(entry) => {
                count += 1;
                portion.push(Listed { is_file: entry.file_type().is_file(), path: entry.into_path() });
            }
            Err(error) => unlisted(ready, &error, &mut walked),
        }
        if portion.len() == PORTION {
            hand_over(portions, std::mem::replace(&mut portion, Vec::with_capacity(PORTION)));
            portions += 1;
        }
    }
    hand_over(portions, portion);
    walked
}

/// Entries of one folder by their names' bytes; the beginnings of their paths are the same, and
/// comparing them is faster than looking for where the names begin.
fn by_bytes(a: &DirEntry, b: &DirEntry) -> Ordering {
    a.path().as_os_str().as_bytes().cmp(b.path().as_os_str().as_bytes())
}

fn unlisted(ready: &Ready, error: &walkdir::Error, walked: &mut Walked) {
    let path = error.path().unwrap_or(&ready.path).to_owned();
    let absence = absence(&path, error);
    if path == ready.path {
        walked.root = Some(absence.clone());
    }
    walked.unlisted.push((path, absence));
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
