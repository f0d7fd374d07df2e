//! Everything below the watched folders, as the file system describes it, and how two such looks
//! differ. Contents are not read: backups are large, and times and sizes move with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::base::files::{self, ReadError};
use crate::base::{clock, text};
use crate::model::value::{Map, Value};

/// Entries looked at; beyond, the look is not complete.
const MOST: usize = 200_000;

/// What was there.
#[derive(Default)]
pub(super) struct Tree {
    entries: BTreeMap<PathBuf, Entry>,
    /// What could not be looked at, and why.
    pub(super) unseen: BTreeMap<String, String>,
}

/// One entry.
#[derive(Clone, PartialEq)]
struct Entry {
    kind: &'static str,
    size: u64,
    mode: u32,
    owner: (u32, u32),
    changed: (i64, i64),
    touched: (i64, i64),
    inode: (u64, u64),
}

/// How two looks differ; each list in the order of the paths.
#[derive(Default)]
pub(super) struct Difference {
    pub(super) new: Vec<Value>,
    pub(super) changed: Vec<Value>,
    pub(super) removed: Vec<Value>,
}

impl Tree {
    /// Looks at `folders`, except below `ours`.
    pub(super) fn of(folders: &[PathBuf], ours: &Path) -> Self {
        let mut tree = Self::default();
        let ours = files::real_path(ours).unwrap_or_else(|_| ours.to_owned());
        for folder in folders {
            match files::metadata(folder) {
                // That nothing is there is seen.
                Err(ReadError::Absent { .. }) => {}
                Err(error) => tree.not_seen(folder, &error.to_string()),
                Ok(there) if there.is_dir() => tree.walk(folder, &ours),
                Ok(there) => tree.not_seen(folder, &format!("is a {}, not a folder", files::kind(&there))),
            }
        }
        tree
    }

    fn not_seen(&mut self, path: &Path, why: &str) {
        self.unseen.insert(text::from_name(path).into_owned(), why.to_owned());
    }

    fn walk(&mut self, folder: &Path, ours: &Path) {
        let is_ours = |path: &Path| path.is_dir() && files::real_path(path).is_ok_and(|real| real == ours);
        let walk = WalkDir::new(folder).follow_links(false).min_depth(1).into_iter();
        // Only our own name may be ours: the look-up of the real path is slow.
        let name = ours.file_name();
        for entry in walk.filter_entry(|entry| Some(entry.file_name()) != name || !is_ours(entry.path())) {
            if self.entries.len() >= MOST {
                return self.not_seen(folder, &format!("has more than {MOST} entries"));
            }
            match entry.and_then(|entry| Ok((entry.metadata()?, entry.into_path()))) {
                Ok((metadata, path)) => drop(self.entries.insert(path, Entry::of(&metadata))),
                // What vanished since it was listed is not there; that is seen.
                Err(error) if error.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    self.not_seen(&path, &error.io_error().map_or_else(|| "loops".to_owned(), ToString::to_string));
                }
            }
        }
    }

    /// How `after` differs from this look.
    pub(super) fn compare(&self, after: &Self) -> Difference {
        let mut found = Difference::default();
        let removed = self.entries.iter().filter(|(path, _)| !after.entries.contains_key(*path));
        let gone: BTreeMap<_, _> = removed.clone().map(|(path, entry)| (entry.inode, path)).collect();
        found.removed.extend(removed.map(|(path, entry)| entry.told(path)));
        for (path, now) in &after.entries {
            match self.entries.get(path) {
                None => found.new.push(now.told_new(path, gone.get(&now.inode).copied())),
                Some(old) => found.changed.extend(old.told_change(path, now)),
            }
        }
        found
    }

    /// What neither look, or only one of them, could see.
    pub(super) fn blind(&self, after: &Self) -> Vec<(String, String)> {
        let paths: BTreeSet<_> = self.unseen.keys().chain(after.unseen.keys()).collect();
        let why = |path: &String| after.unseen.get(path).or_else(|| self.unseen.get(path)).cloned().unwrap_or_default();
        paths.into_iter().map(|path| (path.clone(), why(path))).collect()
    }
}

impl Entry {
    fn of(metadata: &Metadata) -> Self {
        Self {
            kind: files::kind(metadata),
            size: metadata.len(),
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            touched: (metadata.ctime(), metadata.ctime_nsec()),
            inode: (metadata.dev(), metadata.ino()),
        }
    }

    fn told(&self, path: &Path) -> Value {
        Value::Map(Map::from([
            ("path".to_owned(), text::from_name(path).into()),
            ("kind".to_owned(), self.kind.into()),
            ("size_bytes".to_owned(), self.size.into()),
        ]))
    }

    fn told_new(&self, path: &Path, was: Option<&PathBuf>) -> Value {
        let Value::Map(mut told) = self.told(path) else { return self.told(path) };
        told.insert("mode".to_owned(), format!("{:04o}", self.mode).into());
        if let Some(time) = clock::from_epoch(self.changed.0, self.changed.1) {
            told.insert("mtime".to_owned(), clock::stamp(time).into());
        }
        if let Some(was) = was {
            told.insert("renamed_from".to_owned(), text::from_name(was).into());
        }
        Value::Map(told)
    }

    /// What differs in `now`; `None` when nothing does.
    fn told_change(&self, path: &Path, now: &Self) -> Option<Value> {
        // A folder's size and times move with every entry in it, and those are told themselves.
        let file = !(self.kind == "folder" && now.kind == "folder");
        let what = [
            ("kind", self.kind != now.kind),
            ("size", file && self.size != now.size),
            ("mtime", file && self.changed != now.changed),
            ("mode", self.mode != now.mode),
            ("owner", self.owner != now.owner),
            ("inode", self.inode != now.inode),
            // The only trace when somebody sets the other times back.
            ("ctime", file && self.touched != now.touched),
        ];
        let what: Vec<_> = what.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        let told = || {
            Value::Map(Map::from([
                ("path".to_owned(), text::from_name(path).into()),
                ("what".to_owned(), what.join(", ").into()),
                ("before_bytes".to_owned(), self.size.into()),
                ("after_bytes".to_owned(), now.size.into()),
            ]))
        };
        (!what.is_empty()).then(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_changed_renamed_and_removed_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        files::make_folder(&at("deep/run")).unwrap();
        for name in ["stays", "grows", "goes", "moves", "deep/run/ours"] {
            files::write(&at(name), name.as_bytes()).unwrap();
        }
        let look = || Tree::of(&[folder.path().to_owned(), at("absent")], &at("deep/run"));
        let before = look();
        files::write(&at("grows"), b"longer than before").unwrap();
        files::remove(&at("goes")).unwrap();
        files::rename(&at("moves"), &at("moved")).unwrap();
        files::write(&at("deep/new"), b"12345").unwrap();
        files::write(&at("deep/run/more"), b"x").unwrap();
        files::set_mode(&at("stays"), 0o644).unwrap();
        let found = before.compare(&look());
        let text = |list: &[Value], path: &str| -> Vec<String> {
            list.iter().map(|entry| entry.at(path).map_or_else(String::new, ToString::to_string)).collect()
        };
        let full = |name: &str| at(name).display().to_string();
        assert_eq!(text(&found.new, "path"), [full("deep/new"), full("moved")]);
        assert_eq!(text(&found.new, "renamed_from"), [String::new(), full("moves")]);
        assert_eq!(text(&found.new, "size_bytes")[0], "5");
        assert_eq!(text(&found.changed, "what"), ["size, mtime, inode, ctime", "mode, ctime"]);
        assert_eq!(text(&found.removed, "path"), [full("goes"), full("moves")]);
        assert!(before.blind(&look()).is_empty());
    }

    #[test]
    fn what_is_no_folder_is_not_seen() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("link")).unwrap();
        let tree = Tree::of(&[folder.path().join("link")], Path::new("/nowhere"));
        assert!(tree.blind(&Tree::default())[0].1.contains("is a link"));
    }
}
