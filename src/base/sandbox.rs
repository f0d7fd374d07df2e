//! The kernel's own enforcement that we write nowhere but in our own folders (Landlock). It covers
//! the calling thread and everything it starts later, so it must be entered before threads and
//! children; it cannot be left again.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// How far the kernel enforces the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every kind of write that this program knows of is refused outside the allowed folders.
    Full,
    /// An older kernel: some kinds of write are not covered.
    Partial,
    /// Not enforced: no Landlock in this kernel, or not Linux.
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

/// Why the sandbox could not be entered although the kernel has one.
#[derive(Debug, thiserror::Error)]
#[error("the kernel's sandbox could not be entered: {0}")]
pub struct SandboxError(String);

/// From now on, this thread and its children may write below `allowed` and to `/dev/null` only.
///
/// # Errors
/// When an allowed folder does not exist or the kernel refuses the rules themselves.
#[cfg(target_os = "linux")]
pub fn restrict_writes(allowed: &[&Path]) -> Result<Level, SandboxError> {
    use landlock::{
        ABI, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetStatus,
    };
    let fail = |e: &dyn std::fmt::Display| SandboxError(e.to_string());
    // ABI 5 covers truncation and device control; later ones add nothing about files.
    let writes = AccessFs::from_write(ABI::V5);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writes)
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
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Level::Full,
        RulesetStatus::PartiallyEnforced => Level::Partial,
        RulesetStatus::NotEnforced => Level::None,
    })
}

/// Elsewhere there is no such enforcement, and the fact says so.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn restrict_writes(_allowed: &[&Path]) -> Result<Level, SandboxError> {
    Ok(Level::None)
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
            if restrict_writes(&[&inside]).unwrap() == Level::None {
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
}
