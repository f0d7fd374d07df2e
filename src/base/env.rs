//! The only reader of the environment, the arguments and the identity of our own process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// The value of the variable `name`, if it is set and valid UTF-8.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the environment's own room")]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All variables, as the child-process room needs them to build an allow-list.
pub(super) fn all() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The variables whose names begin with `prefix`; a value that is not UTF-8 is shown as far as it can be.
#[must_use]
pub fn beginning_with(prefix: &str) -> BTreeMap<String, String> {
    let text = |value: OsString| value.to_string_lossy().into_owned();
    all().map(|(name, value)| (text(name), text(value))).filter(|(name, _)| name.starts_with(prefix)).collect()
}

/// The working folder.
///
/// # Errors
/// When it was removed or may not be read.
#[expect(clippy::disallowed_methods, reason = "this is the environment's own room")]
pub fn working_folder() -> io::Result<PathBuf> {
    std::env::current_dir()
}

/// Our own binary.
///
/// # Errors
/// When the system does not tell.
pub fn own_binary() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The folder for temporary files: `TMPDIR`, or `/tmp`.
#[must_use]
pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// Our own arguments, the program's name first.
#[must_use]
pub fn arguments() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// The effective user's number.
#[must_use]
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What the kernel says of itself and its machine.
pub struct Kernel {
    /// The host's name.
    pub hostname: String,
    /// System, release, version and machine, as `uname -srvm` prints them.
    pub description: String,
}

/// Asks the kernel for its name and the host's.
#[must_use]
pub fn kernel() -> Kernel {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let parts = [uname.sysname(), uname.release(), uname.version(), uname.machine()].map(text);
    Kernel { hostname: text(uname.nodename()), description: parts.join(" ") }
}

/// The name of user `uid`, if the system knows one.
#[must_use]
pub fn user_name(uid: u32) -> Option<String> {
    nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name)
}

/// The number and primary group of the user `name`, if the system knows one.
#[must_use]
pub fn user_by_name(name: &str) -> Option<(u32, u32)> {
    let user = nix::unistd::User::from_name(name).ok().flatten()?;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// The name of group `gid`, if the system knows one.
#[must_use]
pub fn group_name(gid: u32) -> Option<String> {
    nix::unistd::Group::from_gid(gid.into()).ok().flatten().map(|group| group.name)
}

/// The first file called `program` on the `PATH` that may be executed.
#[must_use]
pub fn find_program(program: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = var("PATH")?;
    path.split(':')
        .map(|folder| PathBuf::from(folder).join(program))
        .find(|candidate| candidate.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0))
}
