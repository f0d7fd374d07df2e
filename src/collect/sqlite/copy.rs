//! The private copy: the database and, where they stand beside it, its write-ahead log or its
//! rollback journal. Each is read twice; a copy counts only when the second reading found what the
//! first one did, so that the parts belong together.
//!
//! The shared-memory file is left where it is: it says nothing that the log does not, and its locks are
//! not ours.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::base::digest::{Digest, Hasher};
use crate::base::files::{self, ReadError};
use crate::base::text;
use crate::model::fact::{Absence, Reason};

use super::super::Progress;
use super::super::subject;
use super::nameless::{self, Nameless};

/// Role, and what follows the database's name.
const PARTS: [(&str, &str); 3] = [("database", ""), ("wal", "-wal"), ("journal", "-journal")];
/// Every database begins with this.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header says by which version of the file format it is read: 2 means a log.
const READ_VERSION: usize = 19;

/// How hard it is tried, and how much is copied.
#[derive(Clone, Copy)]
pub(in crate::collect) struct Limits {
    pub(in crate::collect) attempts: u32,
    pub(in crate::collect) bytes: u64,
}

/// A copy without a name: it is gone with its connection.
pub(in crate::collect) struct Copied {
    copy: File,
    connection: Cell<Option<Connection>>,
    log: Option<File>,
    journal: Option<File>,
    pub(super) path: String,
    pub(super) files: Vec<SourceFile>,
    pub(super) attempts: u32,
    pub(super) wal_mode: bool,
    pub(super) wal_grew: bool,
}

/// One file of the source as it was before and after.
pub(super) struct SourceFile {
    pub(super) role: &'static str,
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) mtime_before: Option<String>,
    pub(super) mtime_after: Option<String>,
    pub(super) before: Digest,
    pub(super) after: Digest,
}

impl Copied {
    fn new(path: &Path, scratch: &Path, attempts: u32) -> Result<Self, Absence> {
        let Nameless { file, connection } = nameless::database(scratch).map_err(|e| not_copied(&e))?;
        Ok(Self {
            copy: file,
            connection: Cell::new(Some(connection)),
            log: None,
            journal: None,
            path: text::from_name(path).into_owned(),
            files: Vec::new(),
            attempts,
            wal_mode: false,
            wal_grew: false,
        })
    }

    /// SQLite's connection to the copy; only one can be had.
    pub(super) fn connection(&self) -> Option<Connection> {
        self.connection.take()
    }

    /// Where the content of `role` goes.
    fn part(&mut self, role: &str, scratch: &Path) -> Result<&File, Absence> {
        let part = match role {
            "wal" => &mut self.log,
            "journal" => &mut self.journal,
            _ => return Ok(&self.copy),
        };
        let made = nameless::part(scratch).map_err(|e| not_copied(&e))?;
        Ok(part.insert(made))
    }

    /// Brings log and journal into the database.
    fn merged(self) -> Result<Self, Absence> {
        let merged = nameless::merge(&self.copy, self.journal.as_ref(), self.log.as_ref());
        merged.map_err(|e| match e.kind() {
            ErrorKind::InvalidData => Absence::new(Reason::Unparsable, format!("{}: {e}", self.path)),
            _ => not_copied(&e),
        })?;
        Ok(self)
    }
}

fn not_copied(why: &dyn std::fmt::Display) -> Absence {
    Absence::new(Reason::Failed, format!("private copy: {why}"))
}

/// A part that is open for the second reading.
struct Part {
    role: &'static str,
    path: PathBuf,
    file: File,
    before: Metadata,
    digest: Digest,
}

/// What the second reading found.
#[derive(PartialEq, Eq)]
enum Second {
    Same,
    WalGrew,
    Changed,
}

/// Copies the database at `path` below `scratch`.
///
/// # Errors
/// An absence: it is not there, may not be read, is no database, or does not hold still.
pub(in crate::collect) fn copy(
    path: &Path,
    scratch: &Path,
    told: &dyn Progress,
    limits: Limits,
) -> Result<Copied, Absence> {
    for attempt in 1..=limits.attempts.max(1) {
        let last = attempt == limits.attempts.max(1);
        let mut copied = Copied::new(path, scratch, attempt)?;
        let Some(parts) = first(path, scratch, &mut copied, told, limits.bytes)? else { continue };
        match second(path, parts, &mut copied, told)? {
            Second::Same => return copied.merged(),
            // A log only grows until it begins anew, and what it had is a state of its own.
            Second::WalGrew if last => {
                copied.wal_grew = true;
                return copied.merged();
            }
            Second::WalGrew | Second::Changed => {}
        }
        std::thread::sleep(Duration::from_millis(100) * attempt);
    }
    let name = text::from_name(path);
    let message = format!("{name}: changed each of the {} times it was copied; look again later", limits.attempts);
    Err(Absence::new(Reason::Changed, message).settled_by(by_hand(path)))
}

/// What a person would run: it reads without writing, but takes locks.
pub(super) fn by_hand(path: &Path) -> String {
    format!("sqlite3 -readonly {} .tables", text::shell_word(&text::from_name(path)))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Copies every part; `None` when one became shorter meanwhile.
fn first(
    path: &Path,
    scratch: &Path,
    copied: &mut Copied,
    told: &dyn Progress,
    limit: u64,
) -> Result<Option<Vec<Part>>, Absence> {
    let mut parts = Vec::new();
    let mut left = limit;
    for (role, ending) in PARTS {
        let from = beside(path, ending);
        let (file, before) = match files::open(&from) {
            Ok(open) => open,
            Err(ReadError::Absent { .. }) if role != "database" => continue,
            Err(error) => {
                let settle = format!("sudo sha256sum -- {}", text::shell_word(&text::from_name(&from)));
                return Err(subject::absence(&error, &settle));
            }
        };
        left = left.checked_sub(before.len()).ok_or_else(|| {
            let message = format!("{}: larger than `max_copy`, {limit} bytes", text::from_name(path));
            Absence::new(Reason::Limit, message).settled_by(by_hand(path))
        })?;
        let mut part = Part { role, path: from, file, before, digest: Digest::of(b"") };
        match write(&mut part, copied.part(role, scratch)?, told)? {
            Some(header) if role == "database" => copied.wal_mode = check_header(path, &header)?,
            Some(_) => {}
            None => return Ok(None),
        }
        parts.push(part);
    }
    Ok(Some(parts))
}

/// Copies one part and gives its beginning; `None` when it is shorter than it was.
fn write(part: &mut Part, mut out: &File, told: &dyn Progress) -> Result<Option<Vec<u8>>, Absence> {
    let mut header = Vec::new();
    let mut sink = |bytes: &[u8]| {
        header.extend_from_slice(&bytes[..bytes.len().min(100_usize.saturating_sub(header.len()))]);
        told.advance(bytes.len() as u64);
        out.write_all(bytes)
    };
    let digest = read(part, &mut sink).map_err(|e| not_copied(&e))?;
    Ok(digest.map(|digest| {
        part.digest = digest;
        header
    }))
}

/// Reads as much as the part had when it was opened; `None` when there is less.
fn read(part: &mut Part, sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<Option<Digest>> {
    part.file.rewind()?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; subject::BLOCK];
    let mut content = (&part.file).take(part.before.len());
    let mut left = part.before.len();
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok((left == 0).then(|| hasher.finish())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                left -= read as u64;
                sink(&buffer[..read])?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Whether the database keeps a log, from its header.
fn check_header(path: &Path, header: &[u8]) -> Result<bool, Absence> {
    let name = text::from_name(path);
    if header.is_empty() {
        return Err(Absence::new(Reason::Unparsable, format!("{name}: is empty, no database")));
    }
    if !header.starts_with(MAGIC) || header.len() < 100 {
        return Err(Absence::new(Reason::Unparsable, format!("{name}: is no SQLite database, or an encrypted one")));
    }
    Ok(header[READ_VERSION] == 2)
}

/// Reads every part again and compares; also whether one appeared, went or was replaced.
fn second(path: &Path, parts: Vec<Part>, copied: &mut Copied, told: &dyn Progress) -> Result<Second, Absence> {
    let failed = |e: std::io::Error| Absence::new(Reason::Failed, format!("{}: {e}", text::from_name(path)));
    let mut found = Second::Same;
    for (role, ending) in PARTS {
        let there = files::metadata(&beside(path, ending)).ok();
        let known = parts.iter().find(|part| part.role == role);
        if there.map(|now| (now.dev(), now.ino())) != known.map(|part| (part.before.dev(), part.before.ino())) {
            found = Second::Changed;
        }
    }
    for mut part in parts {
        let mut sink = |bytes: &[u8]| {
            told.advance(bytes.len() as u64);
            Ok(())
        };
        let after = read(&mut part, &mut sink).map_err(failed)?;
        let now = part.file.metadata().map_err(failed)?;
        let same = files::unchanged(&part.file, &part.before).map_err(failed)?;
        match after {
            Some(after) if after == part.digest && same => {}
            Some(after) if after == part.digest && part.role == "wal" && now.len() > part.before.len() => {
                if found == Second::Same {
                    found = Second::WalGrew;
                }
            }
            _ => found = Second::Changed,
        }
        let time = |of: &Metadata| subject::time(of.mtime(), of.mtime_nsec());
        copied.files.push(SourceFile {
            role: part.role,
            path: text::from_name(&part.path).into_owned(),
            size: part.before.len(),
            mtime_before: time(&part.before),
            mtime_after: time(&now),
            before: part.digest,
            after: after.unwrap_or(part.digest),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Silent;
    use super::*;

    const FEW: Limits = Limits { attempts: 2, bytes: 1 << 20 };

    /// Changes the file each time that something was read.
    struct Meddler<'a>(&'a Path);

    impl Progress for Meddler<'_> {
        fn begin(&self, _: &str, _: &str) {}
        fn advance(&self, _: u64) {
            std::thread::sleep(Duration::from_millis(15));
            let mut bytes = files::read(self.0, 1 << 20).unwrap();
            bytes.push(b'x');
            files::write(self.0, &bytes).unwrap();
        }
        fn end(&self) {}
    }

    fn database(folder: &Path) -> PathBuf {
        let path = folder.join("a b.db");
        files::write(&path, &[&MAGIC[..], &[0; 200]].concat()).unwrap();
        path
    }

    #[test]
    fn one_that_holds_still_is_copied_and_the_copy_goes_with_it() {
        let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = database(folder.path());
        files::write(&beside(&path, "-wal"), b"log").unwrap();
        let copied = copy(&path, scratch.path(), &Silent, FEW).unwrap();
        assert_eq!(copied.files.iter().map(|f| f.role).collect::<Vec<_>>(), ["database", "wal"]);
        assert!(copied.files.iter().all(|f| f.before == f.after && f.mtime_before == f.mtime_after));
        assert!(files::names(scratch.path()).unwrap().is_empty(), "no name leads to the raw copy");
        assert_eq!(copied.copy.metadata().unwrap().len(), path.metadata().unwrap().len());
    }

    #[test]
    fn one_that_never_holds_still_is_changed_not_copied() {
        let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = database(folder.path());
        let absence = copy(&path, scratch.path(), &Meddler(&path), FEW).err().unwrap();
        assert_eq!(absence.reason, Reason::Changed);
        assert!(absence.settle.is_some_and(|settle| settle.contains("'")), "the path is quoted");
        assert!(files::names(scratch.path()).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_database_says_so() {
        let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("x.db");
        let reason = |bytes: &[u8]| {
            files::write(&path, bytes).unwrap();
            copy(&path, scratch.path(), &Silent, FEW).err().unwrap().reason
        };
        assert_eq!(reason(b""), Reason::Unparsable);
        assert_eq!(reason(&[7; 4096]), Reason::Unparsable);
        assert_eq!(reason(&vec![7; 2 << 20]), Reason::Limit);
        let gone = copy(&folder.path().join("no.db"), scratch.path(), &Silent, FEW).err().unwrap();
        assert_eq!(gone.reason, Reason::NotFound);
    }
}
