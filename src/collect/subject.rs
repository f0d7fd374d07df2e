//! What every collector of files says about its file the same way: metadata, why something could
//! not be seen, and the command that would settle it. Collectors differ in what they read of the
//! content; they may not differ in how they tell absent from denied.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::base::digest::{Digest, Hasher};
use crate::base::files::{self, ReadError};
use crate::base::{clock, env, text};
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::Map;

use super::{Doc, Progress};

/// How much is read at once.
pub(super) const BLOCK: usize = 256 * 1024;

/// Names of users and groups, each asked of the system once.
#[derive(Default)]
pub(super) struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Names {
    /// The names of a user and a group, or their numbers as text.
    pub(super) fn both(&mut self, uid: u32, gid: u32) -> (&str, &str) {
        let user = || env::user_name(uid).unwrap_or_else(|| uid.to_string());
        let group = || env::group_name(gid).unwrap_or_else(|| gid.to_string());
        (self.users.entry(uid).or_insert_with(user), self.groups.entry(gid).or_insert_with(group))
    }
}

/// The permission bits of `mode` as four octal digits.
pub(super) fn octal(mode: u32) -> String {
    format!("{:04o}", mode & 0o7777)
}

/// Whether everybody may write; a link's own bits mean nothing.
pub(super) fn world_writable(metadata: &Metadata) -> bool {
    metadata.mode() & 0o002 != 0 && !metadata.is_symlink()
}

/// A time of the file system: RFC 3339, UTC, nanoseconds.
pub(super) fn time(seconds: i64, nanos: i64) -> Option<String> {
    clock::from_epoch(seconds, nanos).map(clock::stamp)
}

/// Puts everything that `metadata` says in `values`.
pub(super) fn describe(metadata: &Metadata, values: &mut Map) {
    let mut names = Names::default();
    let (owner, group) = names.both(metadata.uid(), metadata.gid());
    let mut set = |name: &str, value: crate::model::value::Value| {
        values.insert(name.to_owned(), value);
    };
    set("exists", true.into());
    set("kind", files::kind(metadata).into());
    set("size_bytes", metadata.len().into());
    set("mode", octal(metadata.mode()).into());
    set("owner", owner.into());
    set("group", group.into());
    set("uid", metadata.uid().into());
    set("gid", metadata.gid().into());
    set("world_writable", world_writable(metadata).into());
    set("inode", metadata.ino().into());
    set("links", metadata.nlink().into());
    let times = [
        ("mtime", metadata.mtime(), metadata.mtime_nsec()),
        ("ctime", metadata.ctime(), metadata.ctime_nsec()),
        ("atime", metadata.atime(), metadata.atime_nsec()),
    ];
    for (name, seconds, nanos) in times {
        if let Some(time) = time(seconds, nanos) {
            set(name, time.into());
        }
    }
}

/// The absence that `error` means; `settle` is what a person with more rights would run.
pub(super) fn absence(error: &ReadError, settle: &str) -> Absence {
    let reason = match error {
        ReadError::Absent { .. } => Reason::NotFound,
        ReadError::Denied { .. } => Reason::Denied,
        ReadError::Link { .. } | ReadError::NotRegular { .. } => Reason::NotApplicable,
        ReadError::TooLarge { .. } => Reason::Limit,
        ReadError::NotText { .. } => Reason::Unparsable,
        ReadError::Io { .. } => Reason::Failed,
    };
    let absence = Absence::new(reason, error.to_string());
    match reason {
        Reason::Denied | Reason::Failed => absence.settled_by(settle),
        _ => absence,
    }
}

/// The observation of a path that could not even be described. That nothing is there is itself
/// seen: `exists` is false, and everything else of `doc` is missing for that reason. Where
/// permission was denied, nothing is known at all.
pub(super) fn unseen(path: &Path, doc: &Doc, error: &ReadError) -> Observation {
    let name = text::from_name(path);
    let why = absence(error, &format!("sudo stat -- {}", text::shell_word(&name)));
    if why.reason != Reason::NotFound {
        return Observation::absent(name, why);
    }
    let mut seen = Observation::of(name);
    seen.set("exists", false);
    miss_the_rest(&mut seen, doc, &why);
    seen
}

/// Marks every value that `doc` promises and `seen` has not as missing because of `why`.
pub(super) fn miss_the_rest(seen: &mut Observation, doc: &Doc, why: &Absence) {
    for (path, _) in doc.values {
        let top = path.split('.').next().unwrap_or(path);
        if !seen.values.contains_key(top) && !seen.missing.contains_key(top) {
            seen.miss(top, why.clone());
        }
    }
}

/// The absence of content in something that is no regular file, or that changed while it was read.
pub(super) fn changed(path: &Path) -> Absence {
    let name = text::from_name(path);
    let message = format!("{name}: changed while it was read, so no digest of it can be trusted; look again later");
    Absence::new(Reason::Changed, message).settled_by(format!("sha256sum -- {}", text::shell_word(&name)))
}

/// The absence of what a text may hold besides what was read, because of `doubt` about its encoding.
/// Without NULs, UTF-16 of every order and ASCII are one ASCII.
pub(super) fn unsound(path: &Path, container: &str, doubt: &str) -> Absence {
    let name = text::from_name(path);
    let open = match container {
        "gzip" => "gzip -dc",
        "zstd" => "zstd -dc",
        _ => "cat",
    };
    let settle = format!("{open} -- {} | tr -d '\\000' | less", text::shell_word(&name));
    Absence::new(Reason::Unparsable, format!("{name}: {doubt}")).settled_by(settle)
}

/// Whether `file` states that it is empty and has content all the same, as the kernel's own files
/// do. May read a byte of it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn sizeless(file: &mut File, before: &Metadata) -> std::io::Result<bool> {
    Ok(before.len() == 0 && file.read(&mut [0])? > 0 && file.metadata()?.len() == 0)
}

/// The absence of content in such a file: taken at its word it would pass for an empty one.
pub(super) fn unread(path: &Path) -> Absence {
    let name = text::from_name(path);
    let message = format!("{name}: states a size of 0 bytes but has content, as files of the kernel do; not read");
    Absence::new(Reason::Failed, message).settled_by(format!("cat -- {}", text::shell_word(&name)))
}

/// The SHA-256 of an open file's content, read once from its beginning.
///
/// # Errors
/// An absence: the file could not be read, or is not what it was when it was opened.
pub(super) fn sha256(file: &mut File, before: &Metadata, path: &Path, told: &dyn Progress) -> Result<Digest, Absence> {
    sha256_with(&mut vec![0; BLOCK], file, before, path, told)
}

/// The same, with a buffer that is used again.
///
/// # Errors
/// See [`sha256`].
pub(super) fn sha256_with(
    buffer: &mut [u8],
    file: &mut File,
    before: &Metadata,
    path: &Path,
    told: &dyn Progress,
) -> Result<Digest, Absence> {
    let mut hasher = Hasher::default();
    let mut left = before.len();
    let failed = |e: std::io::Error| Absence::new(Reason::Failed, format!("{}: {e}", text::from_name(path)));
    // Not beyond the size that it had: a file that grows as fast as it is read would never end.
    while left > 0 {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                left = left.checked_sub(read as u64).ok_or_else(|| changed(path))?;
                told.advance(read as u64);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
    if sizeless(file, before).map_err(failed)? {
        return Err(unread(path));
    }
    let same = files::unchanged(file, before).map_err(failed)?;
    if same && left == 0 { Ok(hasher.finish()) } else { Err(changed(path)) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    use super::super::testing::Silent;
    use super::*;

    /// Changes the file at the first progress, that is after the first block was read.
    struct Meddler<F: Fn() + Sync>(F);

    impl<F: Fn() + Sync> Progress for Meddler<F> {
        fn begin(&self, _: &str, _: &str) {}
        fn advance(&self, _: u64) {
            (self.0)();
        }
        fn end(&self) {}
    }

    #[expect(clippy::disallowed_methods, reason = "the test is the one who meddles")]
    fn writer(path: &Path) -> File {
        std::fs::OpenOptions::new().write(true).custom_flags(0).open(path).unwrap()
    }

    #[test]
    fn a_file_that_grows_shrinks_or_is_overwritten_while_read_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let meddle: [&(dyn Fn() + Sync); 3] = [
            &|| writer(&path).set_len(3 * BLOCK as u64).unwrap(),
            &|| writer(&path).set_len(BLOCK as u64).unwrap(),
            &|| {
                // The clock of the file system ticks every few milliseconds.
                std::thread::sleep(std::time::Duration::from_millis(20));
                writer(&path).write_all(b"other").unwrap();
            },
        ];
        for change in meddle {
            files::write(&path, &vec![0; 2 * BLOCK]).unwrap();
            let (mut file, before) = files::open(&path).unwrap();
            let told = Meddler(change);
            assert_eq!(sha256(&mut file, &before, &path, &told).unwrap_err().reason, Reason::Changed);
        }
        let (mut file, before) = files::open(&path).unwrap();
        assert!(sha256(&mut file, &before, &path, &Silent).is_ok());
    }
}
