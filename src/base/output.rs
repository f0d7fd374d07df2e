//! Output files. Whatever the name leads to, only a regular file is ever replaced: a device or FIFO is
//! opened and written to, a link, folder or socket is refused, and a file that exists stays unless
//! the caller says otherwise. The folder is opened once and all names are resolved in it, so that a
//! folder that is exchanged meanwhile changes nothing. New content gets a temporary name first; the
//! two names are exchanged, and exchanged back when the old one was not a regular file after all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::random;

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write {path}: {source}; nothing was replaced; free space, or name a folder that you may write to")]
    Io {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of that name exists and may not be replaced.
    #[error("{path}: file exists; nothing was written; use --force to replace it, or name another file")]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The name leads to something that cannot be an output.
    #[error("{path}: is a {kind}; nothing was written; name a regular file, or `-` for standard output")]
    NotRegular {
        /// The output.
        path: PathBuf,
        /// What it is, e.g. `symbolic link`.
        kind: &'static str,
    },
    /// A file that is replaced in place is not the one that was read any more.
    #[error("{path}: another file took this name meanwhile; nothing was written; run the command again")]
    Exchanged {
        /// The output.
        path: PathBuf,
    },
}

impl WriteError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// What happens to a regular file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the output is refused.
    Keep,
    /// It is replaced.
    Replace,
}

impl Existing {
    /// `Replace` when the user asked for it with `--force`.
    #[must_use]
    pub fn forced(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// An output that is being written. A regular file appears under its name in [`Output::finish`] only.
pub struct Output {
    slot: Slot,
    file: File,
    /// The temporary name; `None` when a device or FIFO is written to.
    temporary: Option<Temporary>,
}

/// The place that an output takes: a name in an open folder.
struct Slot {
    path: PathBuf,
    folder: File,
    name: OsString,
    existing: Existing,
    /// The only file that may be replaced, as device and inode.
    only: Option<(u64, u64)>,
}

/// What has a name now.
struct Occupant {
    kind: FileType,
    id: (u64, u64),
}

/// A temporary name, removed when it is dropped or when a signal ends the process.
struct Temporary {
    path: PathBuf,
    name: OsString,
}

/// The temporary names of this process.
static PENDING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the temporary files of outputs that were not finished, for a process that a signal ends;
/// returns how many there were.
#[expect(clippy::disallowed_methods, reason = "this is the room that writes")]
pub fn remove_unfinished() -> usize {
    let pending = PENDING.lock().map(|mut pending| std::mem::take(&mut *pending)).unwrap_or_default();
    pending.iter().filter(|path| fs::remove_file(path).is_ok()).count()
}

/// Writes `bytes` at once to `path`, a file that the caller owns: it replaces a regular file and nothing else.
///
/// # Errors
/// When `path` is anything but a regular file, or the system refuses; what was there is still there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut output = Output::regular(Slot::open(path, Existing::Replace)?)?;
    output.write_all(bytes).map_err(|e| WriteError::new(path, e))?;
    output.finish(None)
}

impl Output {
    /// Begins to write to `path`.
    ///
    /// # Errors
    /// When `path` is a link, folder or socket, when it exists and has to stay, or when the system refuses.
    pub fn begin(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        let slot = Slot::open(path, existing)?;
        match slot.occupant()?.map(|occupant| occupant.kind) {
            Some(FileType::CharacterDevice | FileType::Fifo) => Self::stream(slot),
            // What a disk holds is as much as what a file holds.
            Some(FileType::BlockDevice) if existing == Existing::Replace => Self::stream(slot),
            Some(FileType::BlockDevice) => Err(WriteError::Exists { path: slot.path }),
            _ => Self::regular(slot),
        }
    }

    /// Begins to replace the file that `before` describes, and no other.
    ///
    /// # Errors
    /// When `path` is anything but a regular file, or the system refuses.
    pub fn in_place(path: &Path, before: &Metadata) -> Result<Self, WriteError> {
        let slot = Slot::open(path, Existing::Replace)?;
        Self::regular(Slot { only: Some((before.dev(), before.ino())), ..slot })
    }

    /// Whether a device or FIFO is written to: what was written there cannot be taken back.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.temporary.is_none()
    }

    /// Begins a temporary file beside what it will replace.
    fn regular(slot: Slot) -> Result<Self, WriteError> {
        slot.may_replace(slot.occupant()?)?;
        let fail = |e: io::Error| WriteError::new(&slot.path, e);
        let name = format!(".evidence-{}.tmp", random::hex().map_err(fail)?.split_at(16).0);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let file = rustix::fs::openat(&slot.folder, &name, flags, mode).map_err(|e| fail(e.into()))?;
        let temporary = Some(Temporary::new(parent(&slot.path).join(&name), name.into()));
        Ok(Self { slot, file: file.into(), temporary })
    }

    /// Opens the device or FIFO. A FIFO waits for its reader, as it does for a shell.
    fn stream(slot: Slot) -> Result<Self, WriteError> {
        let fail = |e: Errno| WriteError::new(&slot.path, e.into());
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&slot.folder, &slot.name, flags, Mode::empty()).map_err(fail)?;
        // Something else may have taken the name since it was looked at.
        match FileType::from_raw_mode(rustix::fs::fstat(&file).map_err(fail)?.st_mode) {
            FileType::CharacterDevice | FileType::Fifo | FileType::BlockDevice => {
                Ok(Self { slot, file: file.into(), temporary: None })
            }
            _ => Err(WriteError::Exchanged { path: slot.path }),
        }
    }

    /// Puts a regular file in its place, synced, with the mode and owner of `like`, if given.
    ///
    /// # Errors
    /// When the system refuses, or the name leads to something else by now; what was there is still there.
    pub fn finish(mut self, like: Option<&Metadata>) -> Result<(), WriteError> {
        let fail = |e: io::Error| WriteError::new(&self.slot.path, e);
        let Some(temporary) = self.temporary.take() else { return self.file.flush().map_err(fail) };
        if let Some(like) = like {
            imitate(&self.file, like).map_err(fail)?;
        }
        self.file.sync_all().map_err(fail)?;
        self.slot.take(temporary)?;
        self.slot.folder.sync_all().map_err(fail)
    }
}

impl Slot {
    fn open(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        let fail = |e: Errno| WriteError::new(path, e.into());
        let directory = || WriteError::NotRegular { path: path.to_owned(), kind: "folder" };
        let name = path.file_name().ok_or_else(directory)?.to_owned();
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(parent(path), flags, Mode::empty()).map_err(fail)?;
        Ok(Self { path: path.to_owned(), folder: folder.into(), name, existing, only: None })
    }

    fn occupant(&self) -> Result<Option<Occupant>, WriteError> {
        self.look(&self.name)
    }

    fn look(&self, name: &OsStr) -> Result<Option<Occupant>, WriteError> {
        match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let kind = FileType::from_raw_mode(stat.st_mode);
                #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
                Ok(Some(Occupant { kind, id: (stat.st_dev.into(), stat.st_ino.into()) }))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(WriteError::new(&self.path, e.into())),
        }
    }

    /// Refuses whatever is not a regular file, or is not the one that may be replaced.
    fn may_replace(&self, there: Option<Occupant>) -> Result<(), WriteError> {
        let path = self.path.clone();
        match there {
            None if self.only.is_some() => Err(WriteError::Exchanged { path }),
            None => Ok(()),
            Some(there) if there.kind != FileType::RegularFile => {
                Err(WriteError::NotRegular { path, kind: kind(there.kind) })
            }
            Some(_) if self.existing == Existing::Keep => Err(WriteError::Exists { path }),
            Some(there) if self.only.is_some_and(|only| only != there.id) => Err(WriteError::Exchanged { path }),
            Some(_) => Ok(()),
        }
    }

    fn rename(&self, from: &OsStr, flags: RenameFlags) -> Result<(), Errno> {
        rustix::fs::renameat_with(&self.folder, from, &self.folder, &self.name, flags)
    }

    /// Gives the temporary file the name of the output.
    fn take(&self, temporary: Temporary) -> Result<(), WriteError> {
        let fail = |e: Errno| WriteError::new(&self.path, e.into());
        match self.rename(&temporary.name, RenameFlags::NOREPLACE) {
            Ok(()) => {
                temporary.gone();
                return Ok(());
            }
            // Some file systems know no such flag; the look before the rename is then all there is.
            Err(e) if e == Errno::EXIST || unknown_flag(e) => self.may_replace(self.occupant()?)?,
            Err(e) => return Err(fail(e)),
        }
        match self.rename(&temporary.name, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(e) if unknown_flag(e) || e == Errno::NOENT => {
                self.rename(&temporary.name, RenameFlags::empty()).map_err(fail)?;
                temporary.gone();
                return Ok(());
            }
            Err(e) => return Err(fail(e)),
        }
        // The old file has the temporary name now, and goes with it.
        let old = self.look(&temporary.name).and_then(|old| self.may_replace(old));
        if old.is_err() {
            self.rename(&temporary.name, RenameFlags::EXCHANGE).map_err(fail)?;
        }
        old
    }
}

impl Temporary {
    fn new(path: PathBuf, name: OsString) -> Self {
        if let Ok(mut pending) = PENDING.lock() {
            pending.push(path.clone());
        }
        Self { path, name }
    }

    /// The name is not there any more: it became the output's.
    fn gone(self) {
        self.forget();
        std::mem::forget(self);
    }

    fn forget(&self) {
        if let Ok(mut pending) = PENDING.lock() {
            pending.retain(|path| *path != self.path);
        }
    }
}

impl Drop for Temporary {
    #[expect(clippy::disallowed_methods, reason = "this is the room that writes")]
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        self.forget();
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unknown_flag(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

fn kind(kind: FileType) -> &'static str {
    match kind {
        FileType::Symlink => "symbolic link",
        FileType::Directory => "folder",
        FileType::Socket => "socket",
        FileType::Fifo => "FIFO",
        FileType::BlockDevice => "block device",
        _ => "character device",
    }
}

/// Gives `file` the mode and owner of `like`.
fn imitate(file: &File, like: &Metadata) -> io::Result<()> {
    let mine = file.metadata()?;
    if (mine.uid(), mine.gid()) != (like.uid(), like.gid()) {
        std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(like.mode() & 0o7777))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "what others do to the files meanwhile")]
mod tests {
    use super::*;

    fn special(path: &Path, kind: FileType) -> bool {
        // The device that swallows everything, as `mknod c 1 3` makes it; only root may.
        let device = if kind == FileType::CharacterDevice { rustix::fs::makedev(1, 3) } else { 0 };
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, 0o600.into(), device).is_ok()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_exists_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let put = |existing, text: &str| {
            let mut output = Output::begin(&path, existing)?;
            output.write_all(text.as_bytes()).unwrap();
            output.finish(None)
        };
        put(Existing::Keep, "one").unwrap();
        assert!(matches!(put(Existing::Keep, "two"), Err(WriteError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        put(Existing::Replace, "three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let output = Output::begin(&path, Existing::Keep).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(output.finish(None), Err(WriteError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        let output = Output::begin(&path, Existing::Replace).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(special(&path, FileType::Fifo));
        assert!(matches!(output.finish(None), Err(WriteError::NotRegular { kind: "FIFO", .. })));
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn in_place_only_the_file_that_was_read_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "old").unwrap();
        let before = path.metadata().unwrap();
        let output = Output::in_place(&path, &before).unwrap();
        write(&folder.path().join("other"), b"theirs").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        assert!(matches!(output.finish(None), Err(WriteError::Exchanged { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }

    #[test]
    fn devices_and_fifos_are_written_to_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, device) = (folder.path().join("fifo"), folder.path().join("device"));
        assert!(special(&fifo, FileType::Fifo));
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::read(fifo).unwrap()
        });
        let mut output = Output::begin(&fifo, Existing::Keep).unwrap();
        output.write_all(b"through").unwrap();
        output.finish(None).unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(matches!(write(&fifo, b"x"), Err(WriteError::NotRegular { .. })), "a file that we own is a file");
        if special(&device, FileType::CharacterDevice) {
            let like = folder.path().metadata().unwrap();
            let mut output = Output::begin(&device, Existing::Replace).unwrap();
            // Device files may be closed by the mount (`nodev`); then nothing was written.
            output.write_all(b"gone").unwrap();
            output.finish(Some(&like)).unwrap();
        }
        assert!(names(folder.path()).iter().all(|name| !name.ends_with(".tmp")));
        assert_eq!(kind(FileType::from_raw_mode(fs::symlink_metadata(&fifo).unwrap().mode())), "FIFO");
    }

    #[test]
    fn links_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        fs::write(folder.path().join("target"), "stays").unwrap();
        std::os::unix::fs::symlink("target", &link).unwrap();
        for path in [link.as_path(), folder.path(), &folder.path().join("..")] {
            let refused = Output::begin(path, Existing::Replace).err().unwrap();
            assert!(matches!(refused, WriteError::NotRegular { .. }), "{refused}");
            assert!(write(path, b"x").is_err());
        }
        assert_eq!(fs::read(folder.path().join("target")).unwrap(), b"stays");
    }

    #[test]
    fn what_a_signal_interrupts_leaves_no_temporary_name() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::begin(&folder.path().join("out"), Existing::Keep).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(output);
        assert!(names(folder.path()).is_empty());
    }
}
