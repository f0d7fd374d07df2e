//! What the kernel says of the file system under a path: how much room there is, and by which mount
//! it is reached. It asks the kernel and opens nothing but the kernel's own list of mounts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, StatxFlags, statvfs, statx};

use super::files::{self, ReadError};

/// The kernel's list, as this process sees it.
const LIST: &str = "/proc/self/mountinfo";
/// A machine with more mounts than fit here is not one that a person can read about.
const LIST_LIMIT: u64 = 16 << 20;

/// The room of a file system, in bytes and inodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total_bytes: u64,
    /// What is not used, with what is kept back for root.
    pub free_bytes: u64,
    /// What a user without privileges can still write.
    pub available_bytes: u64,
    /// Inodes in all; 0 where the file system does not count them.
    pub inodes_total: u64,
    /// Inodes not used.
    pub inodes_free: u64,
    /// Whether the mount is read-only.
    pub read_only: bool,
}

/// One line of the kernel's list of mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The mount's number.
    pub id: u64,
    /// Where it is mounted.
    pub point: PathBuf,
    /// The options of this mount: `rw`, `noexec`, …
    pub options: Vec<String>,
    /// The file system's type: `ext4`, `overlay`, …
    pub kind: String,
    /// What is mounted: a device, a share, or a word of the file system's own.
    pub source: String,
    /// The options of the file system itself, whichever way it is mounted.
    pub super_options: Vec<String>,
}

/// The room under `path`, a final link followed.
///
/// # Errors
/// When nothing is there, permission was denied, or the system fails.
pub fn space(path: &Path) -> Result<Space, ReadError> {
    let told = statvfs(path).map_err(|e| ReadError::from_io(path, e.into()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(Space {
        total_bytes: bytes(told.f_blocks),
        free_bytes: bytes(told.f_bfree),
        available_bytes: bytes(told.f_bavail),
        inodes_total: told.f_files,
        inodes_free: told.f_ffree,
        read_only: told.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// Every mount that this process sees, in the kernel's order.
///
/// # Errors
/// When the kernel's list cannot be read.
pub fn mounts() -> Result<Vec<Mount>, ReadError> {
    let list = files::read(Path::new(LIST), LIST_LIMIT)?;
    Ok(list.split(|b| *b == b'\n').filter_map(mount).collect())
}

/// The mount by which `path` is reached, links resolved: by the number that the kernel gives, or,
/// where it gives none, the last of those with the longest mount point above it.
///
/// # Errors
/// When the path or the kernel's list cannot be read.
pub fn mount_of(path: &Path) -> Result<Option<Mount>, ReadError> {
    let real = files::real_path(path)?;
    let all = mounts()?;
    let number = number_of(&real);
    if let Some(found) = all.iter().find(|mount| Some(mount.id) == number) {
        return Ok(Some(found.clone()));
    }
    let above = all.into_iter().filter(|mount| real.starts_with(&mount.point));
    Ok(above.max_by_key(|mount| mount.point.as_os_str().len()))
}

fn number_of(path: &Path) -> Option<u64> {
    let told = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
    StatxFlags::from_bits_retain(told.stx_mask).contains(StatxFlags::MNT_ID).then_some(told.stx_mnt_id)
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|b| *b == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let mut fields = fields.skip(3);
    let point = PathBuf::from(OsString::from_vec(unescape(fields.next()?)));
    let options = list(fields.next()?);
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let (kind, source) = (text(fields.next()?), text(fields.next()?));
    Some(Mount { id, point, options, kind, source, super_options: list(fields.next().unwrap_or_default()) })
}

fn text(field: &[u8]) -> String {
    super::text::from_bytes(&unescape(field)).into_owned()
}

fn list(field: &[u8]) -> Vec<String> {
    text(field).split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Spaces, tabs, line ends and backslashes stand there as three octal digits: `\040`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\').then(|| tail.get(..3)).flatten();
        let byte = octal.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        out.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &tail[3..] } else { tail };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_with_escapes_and_optional_fields() {
        let line = br"36 35 98:0 /sub /mnt/a\040b\134 ro,noexec shared:2 master:1 - ext4 /dev/sda1 rw,errors=continue";
        let mount = mount(line).unwrap();
        assert_eq!((mount.id, mount.point.as_path()), (36, Path::new(r"/mnt/a b\")));
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("ext4", "/dev/sda1"));
        assert_eq!(mount.options, ["ro", "noexec"]);
        assert_eq!(mount.super_options, ["rw", "errors=continue"]);
        assert!(super::mount(b"").is_none() && super::mount(b"x y z").is_none());
    }

    #[test]
    fn the_kernels_own_folder_is_a_mount_of_its_own() {
        let mount = mount_of(Path::new("/proc/self/status")).unwrap().unwrap();
        assert_eq!((mount.kind.as_str(), mount.point.as_path()), ("proc", Path::new("/proc")));
        assert!(space(Path::new("/")).unwrap().total_bytes > 0);
        assert!(matches!(space(Path::new("/no/such/place")), Err(ReadError::Absent { .. })));
    }
}
