//! The kernel's own enforcement that a look changes nothing but our own folders: no write outside of them
//! and no signal to a process outside (Landlock), no mode, owner, time or attribute of a file, no setting
//! of the host (seccomp), and as root none of the privileges that looking does not need. It covers the
//! calling thread and everything it starts later, so it must be entered before threads and children; it
//! cannot be left again. What a kernel does not refuse, [`Enforced`] names.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// How far the kernel enforces the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every kind of change that this program knows of is refused outside the allowed folders.
    Full,
    /// An older kernel: some kinds of change are not covered.
    Partial,
    /// Writes are not refused: no Landlock in this kernel, or not Linux.
    None,
}

impl Level {
    /// The word that facts and records use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

/// What the kernel enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enforced {
    /// Landlock's version here; 0 without it.
    landlock: u8,
    /// Whether the system calls are refused that change something beside the contents of files.
    calls: bool,
    /// Whether nothing can use root's privileges over the host.
    privileges: bool,
}

impl Enforced {
    /// Whether everything is refused, something, or not even writing.
    #[must_use]
    pub fn level(&self) -> Level {
        match (self.landlock, self.not_refused().is_empty()) {
            (0, _) => Level::None,
            (_, true) => Level::Full,
            (_, false) => Level::Partial,
        }
    }

    /// What this kernel does not refuse, in words, each with what would refuse it.
    #[must_use]
    pub fn not_refused(&self) -> Vec<&'static str> {
        const SINCE: [(u8, &str); 4] = [
            (1, "writing, making and removing files outside of the run's folder (Landlock, Linux 5.13)"),
            (3, "truncating a file outside by its path (Linux 6.2)"),
            (5, "controlling a device that is open (Linux 6.10)"),
            (6, "signals to other processes (Linux 6.12)"),
        ];
        let mut open: Vec<_> = SINCE.iter().filter(|(abi, _)| self.landlock < *abi).map(|(_, what)| *what).collect();
        if !self.calls {
            open.push("modes, owners, times and attributes of files, host name, clock, mounts, priorities (seccomp)");
        }
        if !self.privileges {
            open.push("root's privileges over network, clock and modules of the kernel (capabilities)");
        }
        open
    }
}

/// Why the sandbox could not be entered although the kernel has one.
#[derive(Debug, thiserror::Error)]
#[error("the kernel's sandbox could not be entered: {0}")]
pub struct SandboxError(String);

/// From now on, this thread and its children may write below `allowed` and to `/dev/null` only, and change
/// nothing else.
///
/// # Errors
/// When an allowed folder does not exist or the kernel refuses the rules themselves.
#[cfg(target_os = "linux")]
pub fn enter(allowed: &[&Path]) -> Result<Enforced, SandboxError> {
    // Dropping privileges first: the filters below need none.
    let privileges = linux::drop_privileges();
    Ok(Enforced { landlock: linux::restrict_writes(allowed)?, calls: linux::refuse_changes()?, privileges })
}

/// Elsewhere there is no such enforcement, and the fact says so.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn enter(_allowed: &[&Path]) -> Result<Enforced, SandboxError> {
    Ok(Enforced::default())
}

/// Does `work` on a thread where a change of a file's mode does nothing and answers that it was done, for
/// the programs that it starts too. Those of PostgreSQL end otherwise; they set modes that their files have.
pub fn skipping_modes<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            #[cfg(target_os = "linux")]
            // Where there are no filters, modes are not refused either.
            let _ = super::calls::answer(super::calls::SKIPPED, super::calls::modes());
            work()
        });
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use landlock::{
        ABI, AccessFs, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, Scope,
    };
    use rustix::thread::CapabilitySet;

    use super::super::calls;
    use super::SandboxError;

    fn fail(e: &dyn std::fmt::Display) -> SandboxError {
        SandboxError(e.to_string())
    }

    /// Gives Landlock's version, 0 without it.
    pub(super) fn restrict_writes(allowed: &[&Path]) -> Result<u8, SandboxError> {
        // Version 5 covers truncation and device control; later ones add nothing about files.
        let writes = AccessFs::from_write(ABI::V5);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(writes)
            .and_then(|rules| rules.scope(Scope::Signal))
            .and_then(Ruleset::create)
            .map_err(|e| fail(&e))?;
        for folder in allowed {
            let place = PathFd::new(folder).map_err(|e| fail(&e))?;
            rules = rules.add_rule(PathBeneath::new(place, writes)).map_err(|e| fail(&e))?;
        }
        if let Ok(null) = PathFd::new("/dev/null") {
            let file_writes = writes & AccessFs::from_file(ABI::V5);
            rules = rules.add_rule(PathBeneath::new(null, file_writes)).map_err(|e| fail(&e))?;
        }
        let status = rules.restrict_self().map_err(|e| fail(&e))?;
        Ok(match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => u8::try_from(effective_abi as i32).unwrap_or(0),
            _ => 0,
        })
    }

    /// Whether the filters are in force.
    pub(super) fn refuse_changes() -> Result<bool, SandboxError> {
        let mut refused = calls::changes().map_err(|e| fail(&e))?;
        refused.extend(calls::modes());
        let refused = calls::answer(calls::REFUSED, refused).map_err(|e| fail(&e))?;
        let skipped = calls::times_to_now().map_err(|e| fail(&e))?;
        Ok(refused && calls::answer(calls::SKIPPED, skipped).map_err(|e| fail(&e))?)
    }

    /// Privileges of root that no look needs; those for reading, for other users and for name spaces stay.
    const NEEDLESS: [CapabilitySet; 13] = [
        CapabilitySet::LINUX_IMMUTABLE,
        CapabilitySet::NET_ADMIN,
        CapabilitySet::NET_BROADCAST,
        CapabilitySet::SYS_MODULE,
        CapabilitySet::SYS_RAWIO,
        CapabilitySet::SYS_PACCT,
        CapabilitySet::SYS_BOOT,
        CapabilitySet::SYS_TIME,
        CapabilitySet::SYS_TTY_CONFIG,
        CapabilitySet::AUDIT_CONTROL,
        CapabilitySet::MAC_ADMIN,
        CapabilitySet::WAKE_ALARM,
        CapabilitySet::BLOCK_SUSPEND,
    ];

    /// Gives those up for good; whether none of them is left.
    pub(super) fn drop_privileges() -> bool {
        let Ok(mut sets) = rustix::thread::capabilities(None) else { return false };
        // From the bounding set, or a program that root starts would have them again.
        for one in NEEDLESS {
            let _ = rustix::thread::remove_capability_from_bounding_set(one);
        }
        let needless: CapabilitySet = NEEDLESS.into_iter().collect();
        sets.effective -= needless;
        sets.permitted -= needless;
        sets.inheritable -= needless;
        if rustix::thread::set_capabilities(None, sets).is_err() {
            return false;
        }
        // Who is not root has none to start with, and `no_new_privs` gives none back.
        sets.permitted.is_empty() || NEEDLESS.iter().all(|one| !held(*one))
    }

    fn held(one: CapabilitySet) -> bool {
        // A kernel that does not know one does not have it.
        rustix::thread::capability_is_in_bounding_set(one).unwrap_or(false)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::base::{child::Invocation, files};

    #[test]
    fn writes_outside_are_refused_children_included() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        files::make_folder(&inside).unwrap();
        let (inside, outside) = (inside.clone(), folder.path().to_owned());
        // The rule binds a thread for ever: let it be one of its own.
        std::thread::spawn(move || {
            if enter(&[&inside]).unwrap().level() == Level::None {
                return;
            }
            assert!(files::write(&inside.join("a"), b"x").is_ok());
            assert!(files::write(&outside.join("b"), b"x").is_err());
            let touch = |path: &Path| Invocation::new("touch").args([path]).run().unwrap().success();
            assert!(touch(&inside.join("c")) && !touch(&outside.join("d")));
        })
        .join()
        .unwrap();
    }
    /// The words of a program, and whether it succeeds.
    fn succeeds(words: &[&str]) -> bool {
        Invocation::new(words[0]).args(&words[1..]).run().is_ok_and(|outcome| outcome.success())
    }

    #[test]
    fn what_is_not_a_write_is_refused_too_and_our_own_children_can_be_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, victim) = (folder.path().join("inside"), folder.path().join("victim"));
        files::make_folder(&inside).unwrap();
        files::write(&victim, b"x").unwrap();
        let before = files::metadata(&victim).unwrap();
        let mut other = Invocation::new("sleep").args(["60"]).spawn().unwrap();
        let number = other.number().unwrap().to_string();
        let path = victim.clone();
        std::thread::spawn(move || {
            let enforced = enter(&[&inside]).unwrap();
            let victim = path.to_str().unwrap();
            if enforced.calls {
                assert!(files::set_mode(&path, 0o777).is_err());
                for words in [
                    &["chmod", "777", victim][..],
                    &["chmod", "777", inside.to_str().unwrap()],
                    &["chown", "1:1", victim],
                    &["chgrp", "1", victim],
                    &["touch", "-d", "2020-01-01", victim],
                    &["chattr", "+d", victim],
                    &["renice", "5", "1"],
                    &["hostname", "other"],
                ] {
                    assert!(!succeeds(words), "{words:?}");
                }
                assert!(succeeds(&["nice", "-n", "1", "true"]) && succeeds(&["timeout", "5", "true"]));
            }
            if enforced.landlock >= 6 {
                assert!(!succeeds(&["kill", "-9", &number]));
            }
            let child = Invocation::new("sleep").args(["60"]).limit(std::time::Duration::from_millis(30));
            let ended = child.run().unwrap();
            assert!(ended.timed_out && ended.took < std::time::Duration::from_secs(30));
            assert!(succeeds(&["sh", "-c", "sleep 60 & kill $!; wait; true"]), "what it started it may end");
        })
        .join()
        .unwrap();
        assert!(other.alive());
        let after = files::metadata(&victim).unwrap();
        use std::os::unix::fs::MetadataExt;
        assert_eq!((after.mode(), after.ctime_nsec()), (before.mode(), before.ctime_nsec()));
    }

    #[test]
    fn modes_are_skipped_where_programs_insist_on_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        files::write(&file, b"x").unwrap();
        std::thread::spawn(move || {
            let enforced = enter(&[folder.path()]).unwrap();
            if enforced.calls {
                assert!(skipping_modes(|| succeeds(&["chmod", "777", file.to_str().unwrap()])));
                assert!(!succeeds(&["chmod", "777", file.to_str().unwrap()]));
                let mode = std::os::unix::fs::MetadataExt::mode(&files::metadata(&file).unwrap());
                assert_eq!(mode & 0o777, 0o600);
                assert!(!succeeds(&["chown", "1", file.to_str().unwrap()]));
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn full_is_said_only_where_nothing_is_left_open() {
        let all = Enforced { landlock: 6, calls: true, privileges: true };
        assert_eq!((all.level(), all.not_refused().len()), (Level::Full, 0));
        for less in [
            Enforced { landlock: 5, ..all },
            Enforced { landlock: 1, ..all },
            Enforced { calls: false, ..all },
            Enforced { privileges: false, ..all },
        ] {
            assert_eq!(less.level(), Level::Partial);
            assert!(!less.not_refused().is_empty());
        }
        let none = Enforced::default();
        assert_eq!((none.level(), none.not_refused().len()), (Level::None, 6));
    }
}
