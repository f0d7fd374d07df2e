//! The new server is none that was there before. Its identifier and its place are held against
//! every target of the case and every identity seen so far in this run, before anything is written.

use std::path::Path;

use crate::base::files;
use crate::model::case::Case;
use crate::model::fact::{Absence, Fact, Reason};
use crate::model::value::Value;

/// A server that a drill must not touch.
pub(super) struct Guarded {
    target: String,
    sysid: Option<String>,
    host: Option<String>,
}

/// What the new server says of itself.
pub(super) struct NewServer<'a> {
    /// Its system identifier.
    pub(super) sysid: &'a str,
    /// The folder of its socket, where it is on this machine.
    pub(super) socket: Option<&'a Path>,
}

impl Guarded {
    /// Every PostgreSQL that the case names.
    pub(super) fn all(case: &Case) -> Vec<Self> {
        let guarded = case.targets.iter().map(|(name, target)| Self {
            target: name.clone(),
            sysid: target.sysid.clone(),
            host: target.postgres.as_ref().and_then(|postgres| postgres.host.clone()),
        });
        guarded.filter(|guarded| guarded.sysid.is_some() || guarded.host.is_some()).collect()
    }

    /// For people.
    pub(super) fn words(&self) -> String {
        let sysid = self.sysid.iter().map(|sysid| format!("system identifier {sysid}"));
        let host = self.host.iter().map(|host| format!("host {host}"));
        format!("{} ({})", self.target, sysid.chain(host).collect::<Vec<_>>().join(", "))
    }
}

/// Refuses `new` when it is one of `guarded`, or one whose identity is among `facts`; gives the
/// names of all that it was compared with.
pub(super) fn compare(new: &NewServer<'_>, guarded: &[Guarded], facts: &[Fact]) -> Result<Vec<Value>, Absence> {
    let mut compared = Vec::new();
    for guarded in guarded {
        let same_place = || Some(same_folder(new.socket?, Path::new(guarded.host.as_deref()?)));
        if guarded.sysid.as_deref() == Some(new.sysid) || same_place() == Some(true) {
            return Err(refusal(&format!("the target `{}`", guarded.target)));
        }
        compared.push(Value::from(guarded.target.as_str()));
    }
    for fact in facts {
        let Some(sysid) = fact.values.get("system_identifier").and_then(Value::as_text) else { continue };
        if sysid == new.sysid {
            return Err(refusal(&format!("the server that `{}` saw", fact.id)));
        }
        compared.push(Value::from(fact.id.as_str()));
    }
    Ok(compared)
}

fn refusal(what: &str) -> Absence {
    let message =
        format!("the server made for the drill has the identity or the socket of {what}; nothing was restored");
    Absence::new(Reason::WrongIdentity, message)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    matches!((files::real_path(one), files::real_path(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(sysid: Option<&str>, host: Option<&Path>) -> [Guarded; 1] {
        let host = host.map(|host| host.to_string_lossy().into_owned());
        [Guarded { target: "production".into(), sysid: sysid.map(str::to_owned), host }]
    }

    #[test]
    fn a_known_identity_or_socket_is_refused_also_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        let new = NewServer { sysid: "77", socket: Some(folder.path()) };
        let refused =
            |guarded: &[Guarded]| compare(&new, guarded, &[]).is_err_and(|a| a.reason == Reason::WrongIdentity);
        assert!(refused(&guarded(Some("77"), None)));
        assert!(refused(&guarded(Some("78"), Some(folder.path()))));
        assert!(refused(&guarded(None, Some(&link))));
        assert_eq!(compare(&new, &guarded(Some("78"), Some(Path::new("/run/pg"))), &[]).unwrap().len(), 1);
    }
}
