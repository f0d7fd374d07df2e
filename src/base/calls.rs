//! System calls that change something beside the contents of files: modes, owners, times and attributes of
//! files, the host's name and clock, mounts, priorities and limits of other processes. Landlock does not
//! know them, so that seccomp refuses them, for the calling thread and for all that it starts later. The
//! processor's second set of calls (32 bits) ends the process that uses it.

use std::collections::BTreeMap;

use nix::libc::{self, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule,
};

/// Calls by number; without rules a call is refused whatever its arguments are.
pub(super) type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// What a refused call answers: not permitted.
pub(super) const REFUSED: i32 = libc::EPERM;
/// What a skipped call answers: done.
pub(super) const SKIPPED: i32 = 0;

/// Modes of files.
const MODES: &[c_long] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    452, // fchmodat2
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
];

/// Owners, times and extended attributes of files.
const METADATA: &[c_long] = &[
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    463, // setxattrat
    466, // removexattrat
    469, // file_setattr
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// The host, its kernel and its mounts; rings, because no filter sees their requests; other processes.
const SYSTEM: &[c_long] = &[
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    428, // open_tree: of mounts
    429, // move_mount
    430, // fsopen
    431, // fsconfig
    432, // fsmount
    433, // fspick
    442, // mount_setattr
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_acct,
    libc::SYS_vhangup,
    libc::SYS_mq_unlink,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_process_vm_writev,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    440, // process_madvise
    448, // process_mrelease
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
];

/// Requests to a file that change its flags, attributes, encryption or snapshots, freeze its file system, or
/// type into a terminal.
const REQUESTS: &[u64] = &[
    0x4008_6602, // FS_IOC_SETFLAGS, as `chattr` does
    0x4004_6602, // the same of 32 bits
    0x401c_5820, // FS_IOC_FSSETXATTR
    0x4008_7602, // FS_IOC_SETVERSION
    0x4004_7602,
    0x4100_9432, // FS_IOC_SETFSLABEL
    0x800c_6613, // FS_IOC_SET_ENCRYPTION_POLICY
    0xc050_6617, // FS_IOC_ADD_ENCRYPTION_KEY
    0xc040_6618, // FS_IOC_REMOVE_ENCRYPTION_KEY
    0x4080_6685, // FS_IOC_ENABLE_VERITY
    0xc004_5877, // FIFREEZE
    0xc004_5878, // FITHAW
    0xc018_5879, // FITRIM
    0x5000_9401, // Btrfs: snapshots and subvolumes made, removed, set
    0x5000_940e,
    0x5000_940f,
    0x5000_9417,
    0x5000_9418,
    0x5000_943f,
    0x4008_941a,
    0x5412, // TIOCSTI
    0x541c, // TIOCLINUX
    0x541d, // TIOCCONS
];

/// Commands of `quotactl` that change something, without the kind of quota in their lowest byte.
const QUOTAS: &[u64] = &[0x80_0002, 0x80_0003, 0x80_0006, 0x80_0008, 0x5801, 0x5802, 0x5804, 0x5806];

/// Modes of files, which some programs set although nothing changes by it.
pub(super) fn modes() -> Calls {
    whole(MODES)
}

/// Everything that changes something beside the contents of files and the modes of [`modes`].
pub(super) fn changes() -> Result<Calls, BackendError> {
    let mut calls = whole(METADATA);
    calls.extend(whole(SYSTEM));
    let requests = REQUESTS.iter().map(|request| rule(&[(1, Op::Eq, *request)]));
    calls.insert(libc::SYS_ioctl, requests.collect::<Result<_, _>>()?);
    let quotas = |at: u8| QUOTAS.iter().map(move |cmd| rule(&[(at, Op::MaskedEq(0xffff_ff00), cmd << 8)]));
    calls.insert(libc::SYS_quotactl, quotas(0).collect::<Result<_, _>>()?);
    calls.insert(443, quotas(1).collect::<Result<_, _>>()?); // quotactl_fd
    // The kernel's log cleared, or its console switched; it may be read.
    calls.insert(libc::SYS_syslog, (4..=8).map(|kind| rule(&[(0, Op::Eq, kind)])).collect::<Result<_, _>>()?);
    calls.insert(
        libc::SYS_ptrace,
        [16, 0x4206].map(|how| rule(&[(0, Op::Eq, how)])).into_iter().collect::<Result<_, _>>()?,
    );
    // A process may change its own priority and limits, not those of others.
    let others = |own: u64| vec![rule(&[(0, Op::Ne, own)]), rule(&[(1, Op::Ne, 0)])];
    calls.insert(libc::SYS_setpriority, others(0).into_iter().collect::<Result<_, _>>()?);
    calls.insert(libc::SYS_ioprio_set, others(1).into_iter().collect::<Result<_, _>>()?);
    for call in
        [libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr, libc::SYS_sched_setaffinity]
    {
        calls.insert(call, vec![rule(&[(0, Op::Ne, 0)])?]);
    }
    let another = SeccompCondition::new(0, Length::Dword, Op::Ne, 0)?;
    let new_limit = SeccompCondition::new(2, Length::Qword, Op::Ne, 0)?;
    calls.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![another, new_limit])?]);
    Ok(calls)
}

/// An open file's times set to now. A program that made the file does so (`touch`): they are that already.
pub(super) fn times_to_now() -> Result<Calls, BackendError> {
    let (path, times) = ((1, Op::Eq, 0), (2, Op::Eq, 0));
    Ok(Calls::from([(libc::SYS_utimensat, vec![pointers(&[path, times])?])]))
}

/// The calls `numbers`, whatever their arguments are.
pub(super) fn whole(numbers: &[c_long]) -> Calls {
    numbers.iter().map(|call| (*call, Vec::new())).collect()
}

/// All of `conditions`: an argument's place, a comparison, a value of 32 bits.
fn rule(conditions: &[(u8, Op, u64)]) -> Result<SeccompRule, BackendError> {
    of_length(conditions, &Length::Dword)
}

/// The same for values of 64 bits.
fn pointers(conditions: &[(u8, Op, u64)]) -> Result<SeccompRule, BackendError> {
    of_length(conditions, &Length::Qword)
}

fn of_length(conditions: &[(u8, Op, u64)], length: &Length) -> Result<SeccompRule, BackendError> {
    let conditions = conditions.iter();
    let conditions = conditions.map(|(at, op, value)| SeccompCondition::new(*at, length.clone(), op.clone(), *value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

/// From now on, these calls of this thread and of all that it starts answer `errno`. Gives whether that is in
/// force: not on a kernel without filters or a processor that the crate does not know. Of several filters
/// that refuse a call, the newest one's answer counts.
///
/// # Errors
/// When the rules themselves are wrong.
pub(super) fn answer(errno: i32, mut calls: Calls) -> Result<bool, BackendError> {
    let Ok(processor) = std::env::consts::ARCH.try_into() else { return Ok(false) };
    // The other numbering of the same processor has the same calls after one bit.
    if cfg!(target_arch = "x86_64") {
        const X32: i64 = 0x4000_0000;
        let again: Vec<_> = calls.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        calls.extend(again);
    }
    let answer = SeccompAction::Errno(u32::try_from(errno).unwrap_or(1));
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, processor)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program).is_ok())
}
