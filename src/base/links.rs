//! Links above what is read. `open` refuses a link as the last part of a path; a folder above may be one,
//! and whoever owns the folder it lies in can point it elsewhere. So what was opened is asked for its
//! own path, and where that is another one, both are noted for the fact.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// More than this are not noted for one step.
const MOST: usize = 100;

thread_local! {
    static NOTED: RefCell<BTreeMap<PathBuf, PathBuf>> = const { RefCell::new(BTreeMap::new()) };
}

/// What this thread has reached through links since it was last asked: the path as it was named, and the
/// path that it led to.
#[must_use]
pub fn take() -> Vec<(PathBuf, PathBuf)> {
    NOTED.with(|noted| std::mem::take(&mut *noted.borrow_mut())).into_iter().collect()
}

/// Notes where `file`, which was opened as `path`, really lies: the kernel says so of what is open, so that
/// nothing can be exchanged in between.
#[cfg(target_os = "linux")]
pub(super) fn note_open(path: &Path, file: &fs::File) {
    use std::os::fd::AsRawFd as _;
    if let Ok(real) = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        note(path, &real);
    }
}

/// Elsewhere the path is resolved again.
#[cfg(not(target_os = "linux"))]
pub(super) fn note_open(path: &Path, _: &fs::File) {
    note_path(path);
}

/// Notes where `path` leads, when nothing of it is opened.
pub fn note_path(path: &Path) {
    let above = path.parent().and_then(|above| fs::canonicalize(above).ok());
    if let (Some(above), Some(name)) = (above, path.file_name()) {
        note(path, &above.join(name));
    }
}

/// Notes that `path` led to `real`, if that is another place.
pub fn note(path: &Path, real: &Path) {
    let known = !path.is_absolute() || real == lexical(path) || real.starts_with("/proc");
    if known || real.as_os_str().to_string_lossy().ends_with(" (deleted)") {
        return;
    }
    NOTED.with(|noted| {
        let mut noted = noted.borrow_mut();
        if noted.len() < MOST {
            noted.insert(path.to_owned(), real.to_owned());
        }
    });
}

/// The path without `.` and `..`, as if no part of it was a link.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the folders of a test")]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_elsewhere_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        super::super::files::write(&root.join("real/a"), b"x").unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        let open = |path: PathBuf| super::super::files::open(&path).unwrap();
        let _ = take();
        open(root.join("real/../real/./a"));
        assert!(take().is_empty());
        open(root.join("link/a"));
        assert_eq!(take(), [(root.join("link/a"), root.join("real/a"))]);
        note_path(&root.join("link/a"));
        assert_eq!(take().len(), 1);
        assert!(take().is_empty());
    }
}
