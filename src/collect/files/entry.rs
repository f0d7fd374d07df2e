//! Describes and hashes the entries of an inventory on several threads. With very many small files
//! the time goes into system calls, so a file that nobody has touched lately costs four of them:
//! open, read, describe, close.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crossbeam_channel::Receiver;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::text;
use crate::base::{clock, files};
use crate::model::fact::Absence;

use super::super::Progress;
use super::super::subject::{self, Names};
use super::Ready;
use super::walk::{Listed, Walked, walk};

/// More threads than this only wait for each other.
const MOST_THREADS: usize = 8;
/// A file whose content and metadata are older than the beginning of the look by this many seconds
/// cannot have changed during it.
const SETTLED: i64 = 2;

/// One entry as it was seen.
pub struct Entry {
    path: PathBuf,
    /// Where the part of the path below the folder begins.
    below: usize,
    /// What the file system says.
    pub about: Option<About>,
    /// SHA-256 of the content.
    pub sha256: Option<Digest>,
    /// Where a link points.
    target: Option<String>,
    /// What could not be seen: `metadata`, `content` or `target`, and why.
    pub unread: Option<Box<(&'static str, Absence)>>,
}

/// What the file system says of an entry, as small as it goes: there may be a million of them.
#[derive(Clone, Copy)]
pub struct About {
    kind: &'static str,
    /// Size in bytes.
    pub size: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    /// Time of the last change of the content; orders entries by age.
    pub changed: (i64, i64),
}

impl About {
    fn of(metadata: &Metadata) -> Self {
        Self {
            kind: files::kind(metadata),
            size: metadata.len(),
            mode: metadata.mode(),
            uid: metadata.uid(),
            gid: metadata.gid(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// An entry in words: a line of `entries.jsonl`.
#[derive(Serialize)]
pub struct Told<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_target: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    world_writable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
}

impl Entry {
    fn new(path: PathBuf, ready: &Ready) -> Self {
        let below = ready.below(&path);
        Self { path, below, about: None, sha256: None, target: None, unread: None }
    }

    /// Its path below the folder.
    #[must_use]
    pub fn name(&self) -> std::borrow::Cow<'_, str> {
        text::from_bytes(&self.path.as_os_str().as_bytes()[self.below..])
    }

    /// Its size and times, if it is a regular file.
    #[must_use]
    pub fn file(&self) -> Option<&About> {
        self.about.as_ref().filter(|about| about.kind == "file")
    }

    /// Gives the entry in words to `tell`.
    pub fn told<T>(&self, names: &mut Names, tell: impl FnOnce(&Told<'_>) -> T) -> T {
        let name = self.name();
        let mode = self.about.map(|about| subject::octal(about.mode));
        let about = self.about.as_ref();
        let (owner, group) = match about {
            Some(about) => {
                let (owner, group) = names.both(about.uid, about.gid);
                (Some(owner), Some(group))
            }
            None => (None, None),
        };
        tell(&Told {
            path: &name,
            kind: about.map(|about| about.kind),
            size_bytes: about.map(|about| about.size),
            mode: mode.as_deref(),
            owner,
            group,
            mtime: about.and_then(|about| subject::time(about.changed.0, about.changed.1)),
            link_target: self.target.as_deref(),
            world_writable: about.is_some_and(|about| about.kind != "link" && about.mode & 0o002 != 0),
            sha256: self.sha256,
        })
    }
}

/// Entries in order, with what the walk said.
pub struct Inventory {
    /// Sorted.
    pub entries: Vec<Entry>,
    /// What the walk said.
    pub walked: Walked,
    /// Every entry as a line of JSON.
    pub lines: Vec<u8>,
}

/// A portion of the entries, read.
#[derive(Default)]
struct Part {
    number: usize,
    entries: Vec<Entry>,
    lines: Vec<u8>,
}

/// Walks the folder and describes every entry. One thread lists and then helps the others.
pub fn read_all(ready: &Ready, told: &dyn Progress) -> Inventory {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS));
    let (send, receive) = crossbeam_channel::unbounded();
    let began = clock::now().timestamp();
    let work = || Reader::new(ready, told, began).take_turns(&receive);
    let (mut parts, walked) = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let walked = walk(ready, &mut |number, portion| {
            // The receiver lives as long as this function.
            let _ = send.send((number, portion));
        });
        drop(send);
        let mut parts = work();
        for other in others {
            // An inventory without the part of one thread would be a wrong one.
            parts.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        (parts, walked)
    });
    parts.sort_unstable_by_key(|part| part.number);
    let mut all = Inventory { entries: Vec::new(), walked, lines: Vec::new() };
    all.lines.reserve(parts.iter().map(|part| part.lines.len()).sum());
    for part in parts {
        all.entries.extend(part.entries);
        all.lines.extend_from_slice(&part.lines);
    }
    all
}

struct Reader<'a> {
    ready: &'a Ready,
    told: &'a dyn Progress,
    /// When the look began, in seconds since 1970.
    began: i64,
    names: Names,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(ready: &'a Ready, told: &'a dyn Progress, began: i64) -> Self {
        Self { ready, told, began, names: Names::default(), buffer: vec![0; subject::BLOCK] }
    }

    fn take_turns(mut self, portions: &Receiver<(usize, Vec<Listed>)>) -> Vec<Part> {
        portions.iter().map(|(number, portion)| self.portion(number, portion)).collect()
    }

    fn portion(&mut self, number: usize, portion: Vec<Listed>) -> Part {
        let mut part = Part { number, entries: Vec::with_capacity(portion.len()), ..Part::default() };
        for listed in portion {
            let entry = self.read(listed);
            entry.told(&mut self.names, |told| {
                // Plain data into memory: neither can fail.
                let _ = serde_json::to_writer(&mut part.lines, told);
            });
            part.lines.push(b'\n');
            part.entries.push(entry);
        }
        part
    }

    fn read(&mut self, listed: Listed) -> Entry {
        let mut entry = Entry::new(listed.path, self.ready);
        let quick = listed.is_file && self.ready.sha256;
        if !(quick && self.settled(&mut entry)) {
            self.careful(&mut entry);
        }
        entry
    }

    /// Reads first and describes afterwards: if the file is then older than the look, what was read
    /// is what is described. `false` when it is not, or anything is out of the ordinary.
    fn settled(&mut self, entry: &mut Entry) -> bool {
        let Ok(mut file) = files::open_listed(&entry.path) else { return false };
        let Ok(read) = file.read(&mut self.buffer) else { return false };
        let Ok(metadata) = file.metadata() else { return false };
        let old = metadata.ctime().max(metadata.mtime()) < self.began - SETTLED;
        if !(old && metadata.is_file() && metadata.len() == read as u64) {
            return false;
        }
        self.told.advance(read as u64);
        entry.about = Some(About::of(&metadata));
        entry.sha256 = Some(Digest::of(&self.buffer[..read]));
        true
    }

    /// Describes, opens only what is a regular file, and looks again afterwards.
    fn careful(&mut self, entry: &mut Entry) {
        let name = text::from_name(&entry.path).into_owned();
        let settle = |program: &str| format!("sudo {program} -- {}", text::shell_word(&name));
        let metadata = match files::metadata(&entry.path) {
            Ok(metadata) => metadata,
            Err(error) => {
                let absence = subject::absence(&error, &settle("stat"));
                entry.unread = Some(Box::new(("metadata", absence)));
                return;
            }
        };
        entry.about = Some(About::of(&metadata));
        if metadata.is_symlink() {
            match files::link_target(&entry.path) {
                Ok(target) => entry.target = Some(text::from_name(&target).into_owned()),
                Err(error) => {
                    entry.unread = Some(Box::new(("target", subject::absence(&error, &settle("readlink")))));
                }
            }
        } else if metadata.is_file() && self.ready.sha256 {
            let opened = files::open(&entry.path).map_err(|error| subject::absence(&error, &settle("sha256sum")));
            match opened.and_then(|(file, before)| self.digest(file, &before, &entry.path)) {
                Ok((digest, before)) => {
                    entry.sha256 = Some(digest);
                    entry.about = Some(before);
                }
                Err(absence) => entry.unread = Some(Box::new(("content", absence))),
            }
        }
    }

    fn digest(&mut self, mut file: File, before: &Metadata, path: &Path) -> Result<(Digest, About), Absence> {
        let digest = subject::sha256_with(&mut self.buffer, &mut file, before, path, self.told)?;
        Ok((digest, About::of(before)))
    }
}
