//! The dump as a stream of bytes. A dump in directory format becomes a tar archive as it is read, the
//! table of contents first, so that the examiner sees it in the one form that it knows.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::base::{files, text};
use crate::collect::subject;
use crate::model::fact::{Absence, Reason};

const BLOCK: u64 = 512;
/// The table of contents of a dump in directory format.
pub(super) const CONTENTS: &str = "toc.dat";

/// A dump that was found, and what it was like then.
pub(super) struct Dump {
    path: PathBuf,
    /// Its files: itself, or what the folder holds, the table of contents first.
    files: Vec<(PathBuf, Metadata)>,
    is_folder: bool,
}

impl Dump {
    /// Looks at what stands at `path`.
    pub(super) fn find(path: &Path) -> Result<Self, Absence> {
        let unseen = |error: files::ReadError| {
            subject::absence(&error, &format!("sudo ls -l -- {}", text::shell_word(&text::from_name(path))))
        };
        let metadata = files::metadata(path).map_err(unseen)?;
        if !metadata.is_dir() {
            let (_, metadata) = files::open(path).map_err(unseen)?;
            return Ok(Self { path: path.to_owned(), files: vec![(path.to_owned(), metadata)], is_folder: false });
        }
        let mut names = files::names(path).map_err(unseen)?;
        names.sort_by_key(|name| name != CONTENTS);
        if names.first().is_none_or(|name| name != CONTENTS) {
            let message = format!("{}: a folder without {CONTENTS} is no dump", text::from_name(path));
            return Err(Absence::new(Reason::NotApplicable, message));
        }
        let files = names.into_iter().map(|name| {
            let file = path.join(name);
            files::open(&file).map(|(_, metadata)| (file, metadata))
        });
        let files = files.collect::<Result<Vec<_>, _>>().map_err(unseen)?;
        Ok(Self { path: path.to_owned(), files, is_folder: true })
    }

    /// Whether it is a dump in directory format.
    pub(super) fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its stored size in bytes, all files together.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, metadata)| metadata.len()).sum()
    }

    /// Whether it is still what it was when it was found.
    pub(super) fn unchanged(&self) -> bool {
        let key = |m: &Metadata| (m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec(), m.ino());
        self.files.iter().all(|(path, before)| files::metadata(path).is_ok_and(|now| key(&now) == key(before)))
    }

    /// Its bytes from the beginning; not beyond the size that it had.
    pub(super) fn read(&self) -> Result<Box<dyn Read + Send>, Absence> {
        if self.is_folder {
            return Ok(Box::new(AsTar::new(self.files.clone())));
        }
        let failed = |error: files::ReadError| subject::absence(&error, "");
        let (file, _) = files::open(&self.path).map_err(failed)?;
        Ok(Box::new(file.take(self.bytes())))
    }
}

/// Files as a tar archive, one after the other.
struct AsTar {
    files: std::vec::IntoIter<(PathBuf, Metadata)>,
    now: Option<(io::Take<File>, u64)>,
    ready: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl AsTar {
    fn new(files: Vec<(PathBuf, Metadata)>) -> Self {
        Self { files: files.into_iter(), now: None, ready: io::Cursor::default(), ended: false }
    }

    /// The header of the next file, or the two blocks that close an archive.
    fn next(&mut self) -> io::Result<()> {
        let Some((path, metadata)) = self.files.next() else {
            self.ended = true;
            let closing = vec![0; usize::try_from(2 * BLOCK).unwrap_or(1024)];
            self.ready = io::Cursor::new(closing);
            return Ok(());
        };
        let mut header = tar::Header::new_gnu();
        header.set_path(path.file_name().unwrap_or_default())?;
        header.set_size(metadata.len());
        header.set_mode(0o600);
        header.set_cksum();
        self.ready = io::Cursor::new(header.as_bytes().to_vec());
        let (file, _) = files::open(&path).map_err(io::Error::other)?;
        self.now = Some((file.take(metadata.len()), metadata.len()));
        Ok(())
    }
}

impl Read for AsTar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let taken = self.ready.read(buffer)?;
            if taken > 0 || buffer.is_empty() {
                return Ok(taken);
            }
            if let Some((file, size)) = &mut self.now {
                let taken = file.read(buffer)?;
                if taken > 0 {
                    return Ok(taken);
                }
                if file.limit() > 0 {
                    return Err(io::Error::other("a file of the dump became shorter while it was read"));
                }
                let padding = size.next_multiple_of(BLOCK) - *size;
                self.ready = io::Cursor::new(vec![0; usize::try_from(padding).unwrap_or(0)]);
                self.now = None;
                continue;
            }
            if self.ended {
                return Ok(0);
            }
            self.next()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_reads_as_an_archive_with_its_contents_first() {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("3360.dat", 700), (CONTENTS, 512), ("a", 0)] {
            files::write(&folder.path().join(name), &vec![b'x'; size]).unwrap();
        }
        let dump = Dump::find(folder.path()).unwrap();
        let mut bytes = Vec::new();
        dump.read().unwrap().read_to_end(&mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(Result::unwrap);
        let seen: Vec<_> = entries.map(|e| (e.path().unwrap().display().to_string(), e.size())).collect();
        assert_eq!(seen, [(CONTENTS.to_owned(), 512), ("3360.dat".to_owned(), 700), ("a".to_owned(), 0)]);
        assert_eq!(bytes.len(), 512 * (2 + 1 + 2 + 1 + 2));
        assert!(dump.unchanged() && dump.bytes() == 1212);
        files::write(&folder.path().join("a"), b"y").unwrap();
        assert!(!dump.unchanged());
    }

    #[test]
    fn a_folder_without_contents_is_no_dump() {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("1.dat"), b"x").unwrap();
        assert_eq!(Dump::find(folder.path()).err().unwrap().reason, Reason::NotApplicable);
        assert_eq!(Dump::find(&folder.path().join("gone")).err().unwrap().reason, Reason::NotFound);
    }
}
