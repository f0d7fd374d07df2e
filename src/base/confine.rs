//! The narrow bounds of a program that carries out what somebody else wrote: a database server with a
//! dump in it. The kernel refuses it every program but those named, every write but below its own
//! folder, every read but of what an installation consists of (Landlock), and every connection to
//! anybody (seccomp). Both need no privileges, bind the calling thread and all that it starts later,
//! and can never be left again: enter them on a thread of their own that does nothing else.
//!
//! What a kernel does not know, it does not refuse: [`Confined`] says what that is.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::files;

/// What is allowed; all else is refused.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Folders below which everything but starting programs is allowed.
    pub own: Vec<PathBuf>,
    /// Files and folders that may be read besides what every program needs ([`COMMON`]).
    pub read: Vec<PathBuf>,
    /// Programs that may be started.
    pub programs: Vec<PathBuf>,
}

/// What the kernel enforces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confined {
    /// Landlock's version here; 0 without it.
    pub landlock: u8,
    /// Whether the system calls that connect are refused.
    pub connections: bool,
}

/// Why bounds could not be entered although the kernel has them.
#[derive(Debug, thiserror::Error)]
#[error("the bounds of the kernel could not be entered: {0}")]
pub struct ConfineError(String);

/// What programs read wherever they are installed; those that are not there are left out.
pub const COMMON: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    // Dictionaries of text search, as Debian has them.
    "/var/cache/postgresql",
    // Numbers of this machine and kernel; no process, not even its own, shows here.
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel/cap_last_cap",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];

impl Confined {
    /// Whether everything is refused that a statement to a server can reach for by itself: programs,
    /// files outside, connections.
    #[must_use]
    pub fn essentials(&self) -> bool {
        self.landlock >= 1 && self.connections
    }

    /// What this kernel does not refuse, in words, each with the first Linux that does.
    #[must_use]
    pub fn not_refused(&self) -> Vec<&'static str> {
        const SINCE: [(u8, &str); 4] = [
            (1, "programs and files outside of the private folder (Landlock, Linux 5.13)"),
            (3, "truncating a file outside by its path (Linux 6.2)"),
            (5, "controlling a device that is open (Linux 6.10)"),
            (6, "signals to other processes (Linux 6.12)"),
        ];
        let mut open: Vec<_> = SINCE.iter().filter(|(abi, _)| self.landlock < *abi).map(|(_, what)| *what).collect();
        if !self.connections {
            open.push("connections to other servers; modes, owners, times and attributes of files (seccomp)");
        }
        open
    }
}

/// From now on, this thread and everything it starts keep within `bounds`.
///
/// # Errors
/// When the kernel refuses the rules themselves.
#[cfg(target_os = "linux")]
pub fn enter(bounds: &Bounds) -> Result<Confined, ConfineError> {
    Ok(Confined { landlock: linux::landlock(bounds)?, connections: linux::seccomp()? })
}

/// Elsewhere nothing is enforced, and the fact says so.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn enter(_: &Bounds) -> Result<Confined, ConfineError> {
    Ok(Confined { landlock: 0, connections: false })
}

/// What [`enter`] would enforce here.
#[must_use]
pub fn available() -> Confined {
    let none = Confined { landlock: 0, connections: false };
    // It binds a thread for ever: one of its own tries.
    std::thread::spawn(|| enter(&Bounds::default())).join().ok().and_then(Result::ok).unwrap_or(none)
}

/// The program that the kernel starts to load `program` with (the dynamic loader), when it is an ELF
/// file of 64 bits that names one. The one behind `#!` is not given: it would be a shell.
#[must_use]
pub fn loader(program: &Path) -> Option<PathBuf> {
    let (file, _) = files::open(&files::real_path(program).ok()?).ok()?;
    let mut head = Vec::new();
    file.take(64 << 10).read_to_end(&mut head).ok()?;
    let number = |at: usize, bytes: usize| -> Option<usize> {
        let field = head.get(at..at.checked_add(bytes)?)?;
        field.iter().rev().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))
    };
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    let entry = |n: usize| table.checked_add(n.checked_mul(size)?)?.checked_add(0x28).map(|end| end - 0x28);
    let named = (0..count).filter_map(entry).find(|at| number(*at, 4) == Some(3))?;
    let (from, bytes) = (number(named + 8, 8)?, number(named + 0x20, 8)?);
    let name = head.get(from..from.checked_add(bytes)?)?.strip_suffix(b"\0")?;
    Some(PathBuf::from(std::str::from_utf8(name).ok()?))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
        Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope,
    };
    use nix::libc;
    use seccompiler::{BackendError, SeccompCmpArgLen as Length, SeccompCmpOp as Op, SeccompCondition, SeccompRule};

    use super::super::calls::{self, Calls};
    use super::{Bounds, COMMON, ConfineError};

    /// The newest version that these rules are written for.
    const KNOWN: ABI = ABI::V6;

    fn fail(e: &dyn std::fmt::Display) -> ConfineError {
        ConfineError(e.to_string())
    }

    pub(super) fn landlock(bounds: &Bounds) -> Result<u8, ConfineError> {
        let all = AccessFs::from_all(KNOWN);
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)
            // No port is allowed, neither to connect to nor to listen on.
            .and_then(|rules| rules.handle_access(AccessNet::from_all(KNOWN)))
            .and_then(|rules| rules.scope(Scope::from_all(KNOWN)))
            .and_then(Ruleset::create);
        let mut rules = rules.map_err(|e| fail(&e))?;
        let reads = AccessFs::ReadFile | AccessFs::ReadDir;
        for folder in &bounds.own {
            rules = allow(rules, folder, all ^ AccessFs::Execute)?;
        }
        for path in bounds.read.iter().map(AsRef::as_ref).chain(COMMON.iter().map(Path::new)) {
            rules = allow(rules, path, reads)?;
        }
        for program in &bounds.programs {
            rules = allow(rules, program, AccessFs::ReadFile | AccessFs::Execute)?;
        }
        rules = allow(rules, Path::new("/dev/null"), AccessFs::ReadFile | AccessFs::WriteFile)?;
        let status = rules.restrict_self().map_err(|e| fail(&e))?;
        Ok(match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => u8::try_from(effective_abi as i32).unwrap_or(0),
            _ => 0,
        })
    }

    fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, ConfineError> {
        // What is not there needs no rule.
        let Ok(place) = PathFd::new(path) else { return Ok(rules) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(KNOWN) };
        rules.add_rule(PathBeneath::new(place, access)).map_err(|e| fail(&e))
    }

    /// Whether the filters are in force; a processor that the crate does not know has none.
    pub(super) fn seccomp() -> Result<bool, ConfineError> {
        let mut refused = calls::changes().map_err(|e| fail(&e))?;
        refused.extend(reaching().map_err(|e| fail(&e))?);
        let refused = calls::answer(calls::REFUSED, refused).map_err(|e| fail(&e))?;
        // A server sets the mode of its socket, which the socket has already, and does not start otherwise.
        Ok(refused && calls::answer(calls::SKIPPED, calls::modes()).map_err(|e| fail(&e))?)
    }

    /// What reaches beyond oneself past the rules on files: sockets that connect, rings whose requests no
    /// filter sees, the memory of others, and keys, for which the kernel itself may start a program.
    fn reaching() -> Result<Calls, BackendError> {
        let mut refused = calls::whole(&[
            libc::SYS_connect,
            libc::SYS_io_uring_setup,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_getfd,
            libc::SYS_bpf,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_keyctl,
        ]);
        refused.insert(libc::SYS_socket, other_sockets()?);
        Ok(refused)
    }

    /// Every socket but a local stream, which a server listens on: what sends without connecting is refused.
    fn other_sockets() -> Result<Vec<SeccompRule>, BackendError> {
        let local = u64::try_from(libc::AF_UNIX).unwrap_or(1);
        let stream = u64::try_from(libc::SOCK_STREAM).unwrap_or(1);
        let foreign = SeccompCondition::new(0, Length::Dword, Op::Ne, local)?;
        let mut rules = vec![SeccompRule::new(vec![foreign])?];
        for kind in (0..16).filter(|kind| *kind != stream) {
            let kind = SeccompCondition::new(1, Length::Dword, Op::MaskedEq(0xf), kind)?;
            rules.push(SeccompRule::new(vec![kind])?);
        }
        Ok(rules)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::*;
    use crate::base::{child::Invocation, env};

    #[test]
    fn nothing_is_reached_but_what_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        files::make_folder(&own).unwrap();
        files::write(&folder.path().join("secret"), b"x").unwrap();
        let _server = UnixListener::bind(folder.path().join("server")).unwrap();
        let cat = files::real_path(&env::find_program("cat").unwrap()).unwrap();
        let bounds =
            Bounds { own: vec![own.clone()], read: Vec::new(), programs: vec![loader(&cat).unwrap(), cat.clone()] };
        let outside = folder.path().to_owned();
        std::thread::spawn(move || {
            let confined = enter(&bounds).unwrap();
            if confined.landlock > 0 {
                let run = |program: &str, path: &Path| {
                    Invocation::new(program).args([path]).run().is_ok_and(|outcome| outcome.success())
                };
                files::write(&own.join("a"), b"x").unwrap();
                assert!(run("cat", &own.join("a")) && run("cat", Path::new("/etc/passwd")));
                assert!(!run("cat", &outside.join("secret")) && !run("touch", &own.join("b")));
                assert!(!run("sh", Path::new("/dev/null")) && files::write(&outside.join("b"), b"x").is_err());
            }
            if confined.connections {
                let refused = |e: std::io::Error| e.kind() == std::io::ErrorKind::PermissionDenied;
                assert!(UnixStream::connect(outside.join("server")).is_err_and(refused));
                assert!(TcpListener::bind("127.0.0.1:0").is_err_and(refused));
                assert!(UdpSocket::bind("127.0.0.1:0").is_err_and(refused) && UnixDatagram::unbound().is_err());
                assert!(UnixListener::bind(own.join("socket")).is_ok(), "it may be asked");
            }
            assert_eq!(confined.essentials(), confined.landlock > 0 && confined.connections);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn what_an_old_kernel_leaves_open_is_said() {
        let none = Confined { landlock: 0, connections: false };
        assert!(!none.essentials() && none.not_refused().len() == 5);
        let older = Confined { landlock: 4, connections: true };
        assert!(older.essentials() && older.not_refused().len() == 2);
        assert!(Confined { landlock: 6, connections: true }.not_refused().is_empty());
    }

    #[test]
    fn only_a_binary_names_its_loader() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        files::write(&script, b"#!/bin/sh\n").unwrap();
        assert_eq!(loader(&script), None);
        for cut in [3, 6, 64, 70] {
            let head: Vec<u8> = b"\x7fELF\x02\x01".iter().copied().chain([0xff; 90]).take(cut).collect();
            files::write(&script, &head).unwrap();
            assert_eq!(loader(&script), None);
        }
        assert!(loader(&env::find_program("cat").unwrap()).is_some_and(|path| path.is_file()));
    }
}
