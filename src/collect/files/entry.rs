//! Describes and hashes the entries of an inventory, on several threads: with very many small files
//! the time goes into system calls, so each file costs as few as a careful reader can do with.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::files;
use crate::base::text;
use crate::model::fact::Absence;

use super::super::Progress;
use super::super::subject::{self, Names};
use super::Ready;

/// Entries that a thread takes at once.
const CHUNK: usize = 64;

/// One entry; serialised as a line of `entries.jsonl`.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Below the folder.
    pub path: String,
    /// What it is, as in `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Permission bits, four octal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Name of the owner, or the number as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Name of the group, or the number as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Last change of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<String>,
    /// Where a link points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_target: Option<String>,
    /// Everybody may write; left out when not so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub world_writable: bool,
    /// SHA-256 of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The size as a share of the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_of_median: Option<f64>,
    /// Orders entries by age.
    #[serde(skip)]
    pub changed: (i64, i64),
    /// What could not be seen: `metadata`, `content` or `target`, and why.
    #[serde(skip)]
    pub unread: Option<(&'static str, Absence)>,
}

impl Entry {
    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == Some("file")
    }
}

/// Describes `paths`, in their order.
pub fn read_all(ready: &Ready, paths: &[PathBuf], told: &dyn Progress) -> Vec<Entry> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8)).min(paths.len().div_ceil(CHUNK));
    let next = AtomicUsize::new(0);
    let work = || Reader::new(ready, told).take_turns(paths, &next);
    let mut parts: Vec<(usize, Vec<Entry>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut parts = work();
        for other in others {
            // An inventory without the part of one thread would be a wrong one.
            parts.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        parts
    });
    parts.sort_by_key(|(start, _)| *start);
    parts.into_iter().flat_map(|(_, entries)| entries).collect()
}

struct Reader<'a> {
    ready: &'a Ready,
    told: &'a dyn Progress,
    names: Names,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(ready: &'a Ready, told: &'a dyn Progress) -> Self {
        Self { ready, told, names: Names::default(), buffer: vec![0; subject::BLOCK] }
    }

    fn take_turns(mut self, paths: &[PathBuf], next: &AtomicUsize) -> Vec<(usize, Vec<Entry>)> {
        let mut parts = Vec::new();
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            let Some(rest) = paths.get(start..).filter(|rest| !rest.is_empty()) else { return parts };
            let chunk = &rest[..rest.len().min(CHUNK)];
            parts.push((start, chunk.iter().map(|path| self.read(path)).collect()));
        }
    }

    fn read(&mut self, path: &Path) -> Entry {
        let below = path.strip_prefix(&self.ready.path).unwrap_or(path);
        let name = text::from_name(below).into_owned();
        match files::metadata(path) {
            Ok(metadata) => self.describe(path, name, &metadata),
            Err(error) => {
                let settle = format!("sudo stat -- {}", text::shell_word(&text::from_name(path)));
                Entry { unread: Some(("metadata", subject::absence(&error, &settle))), ..Entry::called(name) }
            }
        }
    }

    fn describe(&mut self, path: &Path, name: String, metadata: &Metadata) -> Entry {
        let mut entry = Entry {
            kind: Some(files::kind(metadata)),
            size_bytes: Some(metadata.len()),
            mode: Some(subject::mode(metadata)),
            owner: Some(self.names.user(metadata.uid()).to_owned()),
            group: Some(self.names.group(metadata.gid()).to_owned()),
            mtime: subject::mtime(metadata),
            world_writable: subject::world_writable(metadata),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            ..Entry::called(name)
        };
        if metadata.is_symlink() {
            match files::link_target(path) {
                Ok(target) => entry.link_target = Some(text::from_name(&target).into_owned()),
                Err(error) => entry.unread = Some(("target", subject::absence(&error, ""))),
            }
        } else if metadata.is_file() && self.ready.sha256 {
            match self.digest(path, metadata) {
                Ok(digest) => entry.sha256 = Some(digest),
                Err(absence) => entry.unread = Some(("content", absence)),
            }
        }
        entry
    }

    fn digest(&mut self, path: &Path, described: &Metadata) -> Result<Digest, Absence> {
        let settle = || format!("sudo sha256sum -- {}", text::shell_word(&text::from_name(path)));
        match files::open_described(path, described) {
            Ok(Some(mut file)) => subject::sha256_with(&mut self.buffer, &mut file, described, path, self.told),
            Ok(None) => Err(subject::changed(path)),
            Err(error) => Err(subject::absence(&error, &settle())),
        }
    }
}

impl Entry {
    fn called(path: String) -> Self {
        Self {
            path,
            kind: None,
            size_bytes: None,
            mode: None,
            owner: None,
            group: None,
            mtime: None,
            link_target: None,
            world_writable: false,
            sha256: None,
            share_of_median: None,
            changed: (0, 0),
            unread: None,
        }
    }
}
