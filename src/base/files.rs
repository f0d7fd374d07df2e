//! Opening what is looked at, and writing what is ours. Reading refuses links, FIFOs, sockets and
//! devices and leaves access times alone where the kernel lets it; writing is atomic, synced and
//! private (0600, folders 0700) whatever the umask.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Why a file could not be opened or read as a regular file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing has that name.
    #[error("{path}: does not exist")]
    Absent {
        /// The path asked for.
        path: PathBuf,
    },
    /// Permission was denied on the file or on a folder above it.
    #[error("{path}: permission denied; run as a user who may read it, or grant that user read access")]
    Denied {
        /// The path asked for.
        path: PathBuf,
    },
    /// A symbolic link, named and not followed.
    #[error("{path}: is a symbolic link; name the file it points to")]
    Link {
        /// The path asked for.
        path: PathBuf,
    },
    /// A folder, FIFO, socket or device.
    #[error("{path}: is a {kind}, not a regular file")]
    NotRegular {
        /// The path asked for.
        path: PathBuf,
        /// What it is, e.g. `FIFO`.
        kind: &'static str,
    },
    /// Larger than the reader accepts.
    #[error("{path}: larger than the limit of {limit} bytes")]
    TooLarge {
        /// The path asked for.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("{path}: is not UTF-8 text")]
    NotText {
        /// The path asked for.
        path: PathBuf,
    },
    /// Any other failure of the system.
    #[error("{path}: {source}")]
    Io {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Absent { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ if source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Self::Link { path },
            _ => Self::Io { path, source },
        }
    }
}

use super::links;
pub use super::output::{WriteError, write};

/// The metadata of `path` itself, a link not followed.
///
/// # Errors
/// When it is absent, denied, or the system fails.
pub fn metadata(path: &Path) -> Result<Metadata, ReadError> {
    fs::symlink_metadata(path).map_err(|e| ReadError::from_io(path, e))
}

/// What kind of thing `metadata` describes: `file`, `folder`, `link`, `FIFO`, `socket`,
/// `block device`, `character device`.
#[must_use]
pub fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => "file",
        () if kind.is_dir() => "folder",
        () if kind.is_symlink() => "link",
        () if kind.is_fifo() => "FIFO",
        () if kind.is_socket() => "socket",
        () if kind.is_block_device() => "block device",
        () => "character device",
    }
}

/// Opens a regular file for reading. A final link is refused, a FIFO does not block, and the
/// access time is left as it is where we may ask for that (owner or root).
///
/// # Errors
/// See [`ReadError`].
pub fn open(path: &Path) -> Result<(File, Metadata), ReadError> {
    open_with(path, OFlags::NOFOLLOW)
}

/// Like [`open`], but a link that the user named on the command line is followed.
///
/// # Errors
/// See [`ReadError`].
pub fn open_following(path: &Path) -> Result<(File, Metadata), ReadError> {
    open_with(path, OFlags::empty())
}

#[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
fn open_with(path: &Path, extra: OFlags) -> Result<(File, Metadata), ReadError> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | extra;
    let attempt = |flags: OFlags| {
        let bits = i32::try_from(flags.bits()).unwrap_or_default();
        OpenOptions::new().read(true).custom_flags(bits).open(path)
    };
    // Before opening: opening a device or a FIFO can itself have effects.
    let before = if extra.contains(OFlags::NOFOLLOW) { metadata(path)? } else { followed(path)? };
    regular(path, &before)?;
    let file = match attempt(flags | OFlags::NOATIME) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => attempt(flags),
        other => other,
    };
    let file = file.map_err(|e| ReadError::from_io(path, e))?;
    let metadata = file.metadata().map_err(|e| ReadError::from_io(path, e))?;
    regular(path, &metadata)?;
    if extra.contains(OFlags::NOFOLLOW) {
        links::note_open(path, &file);
    }
    Ok((file, metadata))
}

/// Opens what a folder's listing called a regular file, for inventories of very many of them: one
/// system call instead of three. Something else may stand there by now; the caller has to look at
/// the metadata of what was opened (a link is refused and a FIFO does not block all the same).
///
/// # Errors
/// See [`ReadError`].
#[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
pub fn open_listed(path: &Path) -> Result<File, ReadError> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let attempt = |flags: OFlags| {
        let bits = i32::try_from(flags.bits()).unwrap_or_default();
        OpenOptions::new().read(true).custom_flags(bits).open(path)
    };
    let file = match attempt(flags | OFlags::NOATIME) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => attempt(flags),
        other => other,
    };
    file.map_err(|e| ReadError::from_io(path, e))
}

/// Where the link `path` points to, as it is written; not followed.
///
/// # Errors
/// When it is absent, denied, or no link.
pub fn link_target(path: &Path) -> Result<PathBuf, ReadError> {
    fs::read_link(path).map_err(|e| ReadError::from_io(path, e))
}

/// `path` with every link and `..` on the way resolved.
///
/// # Errors
/// When something on the way is absent or denied.
pub fn real_path(path: &Path) -> Result<PathBuf, ReadError> {
    fs::canonicalize(path).map_err(|e| ReadError::from_io(path, e))
}

/// Reads a text file of the system, such as `/etc/os-release`, that may be reached by a link.
///
/// # Errors
/// See [`ReadError`].
pub fn read_system_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    let (file, _) = open_following(path)?;
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text).map_err(|e| ReadError::from_io(path, e))?;
    Ok(text)
}

fn followed(path: &Path) -> Result<Metadata, ReadError> {
    fs::metadata(path).map_err(|e| ReadError::from_io(path, e))
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), ReadError> {
    match kind(metadata) {
        "file" => Ok(()),
        "link" => Err(ReadError::Link { path: path.to_owned() }),
        kind => Err(ReadError::NotRegular { path: path.to_owned(), kind }),
    }
}

/// Whether the file behind `file` is still what `before` described: same size and times. A file
/// that changed while it was read has no trustworthy digest.
///
/// # Errors
/// When the system does not tell.
pub fn unchanged(file: &File, before: &Metadata) -> io::Result<bool> {
    let now = file.metadata()?;
    let key = |m: &Metadata| (m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec(), m.ino());
    Ok(key(&now) == key(before))
}

/// Reads a whole regular file of at most `limit` bytes.
///
/// # Errors
/// See [`ReadError`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, _) = open(path)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| ReadError::from_io(path, e))?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Reads a whole text file of at most `limit` bytes.
///
/// # Errors
/// See [`ReadError`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    String::from_utf8(read(path, limit)?).map_err(|_| ReadError::NotText { path: path.to_owned() })
}

/// The names in a folder, sorted by bytes.
///
/// # Errors
/// When the folder is absent, denied, or the system fails.
pub fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>, ReadError> {
    let read = fs::read_dir(folder).map_err(|e| ReadError::from_io(folder, e))?;
    let mut names = read
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|e| ReadError::from_io(folder, e))?;
    names.sort();
    Ok(names)
}

/// Makes `folder` and what is missing above it, each 0700; folders that exist keep their mode.
///
/// # Errors
/// When the system refuses.
pub fn make_folder(folder: &Path) -> Result<(), WriteError> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| WriteError::new(folder, e))
}

/// Makes exactly `folder`, 0700; `false` when something of that name is there already.
///
/// # Errors
/// When the system refuses for another reason.
pub fn make_new_folder(folder: &Path) -> Result<bool, WriteError> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(WriteError::new(folder, e)),
    }
}

/// Makes the file `path`, which must be new, for reading and writing: 0600, empty.
///
/// # Errors
/// When it exists already or the system refuses.
#[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
pub fn create_empty(path: &Path) -> Result<File, WriteError> {
    let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(|e| WriteError::new(path, e))
}

/// A file in `folder` that has no name: its bytes are gone when it is closed or the process ends.
///
/// # Errors
/// When the system refuses.
pub fn nameless(folder: &Path) -> Result<File, WriteError> {
    tempfile::tempfile_in(folder).map_err(|e| WriteError::new(folder, e))
}

/// Makes the names in `folder` durable.
///
/// # Errors
/// When the system refuses.
#[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
pub fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|e| WriteError::new(folder, e))
}

/// Removes a folder that is ours with everything in it, links not followed; one that is gone
/// already is no error.
///
/// # Errors
/// When the system refuses.
#[expect(clippy::disallowed_methods, reason = "this is the room that writes")]
pub fn remove_folder(path: &Path) -> Result<(), WriteError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(WriteError::new(path, e)),
        _ => Ok(()),
    }
}

/// Removes a file that is ours; one that is gone already is no error.
///
/// # Errors
/// When the system refuses.
#[expect(clippy::disallowed_methods, reason = "this is the room that writes")]
pub fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(WriteError::new(path, e)),
        _ => Ok(()),
    }
}

/// Renames a file that is ours, within one file system, and makes the new name durable.
///
/// # Errors
/// When the system refuses.
#[expect(clippy::disallowed_methods, reason = "this is the room that writes")]
pub fn rename(from: &Path, to: &Path) -> Result<(), WriteError> {
    fs::rename(from, to).map_err(|e| WriteError::new(to, e))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Gives `path` the permission bits `mode`.
///
/// # Errors
/// When the system refuses.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), WriteError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|e| WriteError::new(path, e))
}

/// Gives `path` to another user; only root may.
///
/// # Errors
/// When the system refuses.
pub fn set_owner(path: &Path, uid: u32, gid: u32) -> Result<(), WriteError> {
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(|e| WriteError::new(path, e))
}

/// A new file that a child may write to, 0600; for what it says beside its answers.
///
/// # Errors
/// When it exists already or the system refuses.
#[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
pub fn create_log(path: &Path) -> Result<File, WriteError> {
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path);
    file.map_err(|e| WriteError::new(path, e))
}

/// How many bytes the files below `folder` take up on the disk; what vanishes meanwhile, or cannot
/// be read, does not count.
#[must_use]
pub fn disk_usage(folder: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(folder).follow_links(false).into_iter().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.blocks() * 512).sum()
}

/// A file that grows by whole lines, each synced before the next.
pub struct Appender {
    file: File,
    path: PathBuf,
}

impl Appender {
    /// Makes `path` new, 0600.
    ///
    /// # Errors
    /// When it exists already or the system refuses.
    #[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|e| WriteError::new(path, e))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends `line` and a line feed, and waits until they are on the disk.
    ///
    /// # Errors
    /// When the system refuses, for instance because the disk is full.
    pub fn line(&mut self, line: &[u8]) -> Result<(), WriteError> {
        let mut whole = Vec::with_capacity(line.len() + 1);
        whole.extend_from_slice(line);
        whole.push(b'\n');
        let done = self.file.write_all(&whole).and_then(|()| self.file.sync_data());
        done.map_err(|e| WriteError::new(&self.path, e))
    }
}

/// An exclusive lock on a folder, held until it is dropped or the process ends.
pub struct FolderLock(#[expect(dead_code, reason = "held, not read")] File);

impl FolderLock {
    /// Takes the lock, or `None` when another process holds it.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    #[expect(clippy::disallowed_methods, reason = "this is the room that opens files")]
    pub fn take(folder: &Path) -> Result<Option<Self>, WriteError> {
        let file = File::open(folder).map_err(|e| WriteError::new(folder, e))?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(WriteError::new(folder, e.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_absent_link_and_folder_apart() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(matches!(open(&folder.path().join("gone")), Err(ReadError::Absent { .. })));
        assert!(matches!(open(&link), Err(ReadError::Link { .. })));
        assert!(matches!(open(folder.path()), Err(ReadError::NotRegular { kind: "folder", .. })));
    }

    #[test]
    fn a_fifo_is_refused_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(open(&fifo), Err(ReadError::NotRegular { kind: "FIFO", .. })));
    }

    #[test]
    fn a_link_or_fifo_swapped_in_behind_a_listing_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, link) = (folder.path().join("fifo"), folder.path().join("link"));
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        assert!(matches!(open_listed(&link), Err(ReadError::Link { .. })));
        let opened = open_listed(&fifo).unwrap();
        assert_eq!(kind(&opened.metadata().unwrap()), "FIFO");
    }

    #[test]
    fn writing_is_private_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()).unwrap(), ["out"]);
        assert!(matches!(read(&path, 2), Err(ReadError::TooLarge { limit: 2, .. })));
    }

    #[test]
    fn removing_a_folder_takes_its_content_and_not_what_links_point_to() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        make_folder(&ours.join("deep")).unwrap();
        write(&other, b"stays").unwrap();
        std::os::unix::fs::symlink(&other, ours.join("deep/link")).unwrap();
        remove_folder(&ours).unwrap();
        remove_folder(&ours).unwrap();
        assert_eq!(names(folder.path()).unwrap(), ["other"]);
    }

    #[test]
    fn a_folder_is_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::take(folder.path()).unwrap();
        assert!(held.is_some());
        assert!(FolderLock::take(folder.path()).unwrap().is_none());
        drop(held);
        assert!(FolderLock::take(folder.path()).unwrap().is_some());
    }
}
