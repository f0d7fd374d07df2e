//! Level 5: signatures over the tag manifest, checked by `ssh-keygen` itself against the caller's own
//! list of signers. Whoever is in a list inside the bundle proves nothing, so none is looked for there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::base::child::{ChildError, Invocation};
use crate::base::files;
use crate::base::text::visible;
use crate::model::verification::{Level, LevelStatus};
use crate::seal::{SIGNATURES, TAG_MANIFEST};

const NAME: &str = "authenticity";
/// The namespace that signatures are made in, so that one made for a commit does not pass here.
const NAMESPACE: &str = "evidence";
/// Bytes of a signature or tag manifest; real ones have a few hundred.
const LIMIT: u64 = 64 << 10;

/// What one signature showed.
enum Shown {
    /// Made by a signer of the list.
    By(String),
    /// It fits, but not by anybody whom the list allows.
    Stranger(String),
    /// It does not fit the tag manifest, or is none.
    Bad(String),
    /// It could not be checked.
    Unchecked(String),
}

pub(super) fn level(run: &Path, allowed_signers: Option<&Path>) -> Level {
    let signatures = match signatures(&run.join(SIGNATURES)) {
        Ok(signatures) => signatures,
        Err(why) => return super::level(NAME, LevelStatus::NotDone, vec![why]),
    };
    if signatures.is_empty() {
        let what = "unsigned: this shows that nothing changed by accident, not who made it";
        return super::level(NAME, LevelStatus::Unsigned, vec![what.to_owned()]);
    }
    let tags = match files::read(&run.join(TAG_MANIFEST), LIMIT) {
        Ok(tags) => tags,
        Err(error) => return super::level(NAME, LevelStatus::NotDone, vec![format!("because {error}")]),
    };
    let shown: Vec<_> = signatures.iter().map(|path| (path, check(path, &tags, allowed_signers))).collect();
    let detail = shown.iter().map(|(path, shown)| format!("{}: {}", name(path), shown.words()));
    super::level(NAME, status(shown.iter().map(|(_, shown)| shown)), detail.collect())
}

/// One bad signature breaks the level; otherwise one good one carries it.
fn status<'a>(shown: impl Iterator<Item = &'a Shown> + Clone) -> LevelStatus {
    match () {
        () if shown.clone().any(|one| matches!(one, Shown::Bad(_))) => LevelStatus::Broken,
        () if shown.clone().any(|one| matches!(one, Shown::Unchecked(_))) => LevelStatus::NotDone,
        () if shown.clone().any(|one| matches!(one, Shown::By(_))) => LevelStatus::Holds,
        () => LevelStatus::NotDone,
    }
}

impl Shown {
    fn words(&self) -> String {
        match self {
            Self::By(who) => format!("signed: {who}"),
            Self::Stranger(why) => format!("the signature fits, but who made it is not established: {why}"),
            Self::Bad(why) => format!("the signature does not fit this bundle: {why}"),
            Self::Unchecked(why) => format!("not checked: {why}"),
        }
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{SIGNATURES}/{}", visible(&name))
}

fn signatures(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let names = match files::names(folder) {
        Err(files::ReadError::Absent { .. }) => return Ok(Vec::new()),
        other => other.map_err(|e| e.to_string())?,
    };
    let names = names.into_iter().filter(|name| Path::new(name).extension() == Some(OsStr::new("sig")));
    Ok(names.map(|name| folder.join(name)).collect())
}

fn check(signature: &Path, tags: &[u8], allowed_signers: Option<&Path>) -> Shown {
    // ssh-keygen follows links and would wait for a FIFO.
    match files::read(signature, LIMIT) {
        Ok(_) => {}
        Err(error @ (files::ReadError::Denied { .. } | files::ReadError::Io { .. })) => {
            return Shown::Unchecked(error.to_string());
        }
        Err(error) => return Shown::Bad(error.to_string()),
    }
    let path = signature.as_os_str();
    let sound = ssh_keygen(&["check-novalidate", "-n", NAMESPACE, "-s"], &[path], tags);
    match (sound, allowed_signers) {
        (Err(why), _) => Shown::Unchecked(why),
        (Ok(Err(why)), _) => Shown::Bad(why),
        (Ok(Ok(_)), None) => Shown::Stranger("name your list of allowed signers".to_owned()),
        (Ok(Ok(_)), Some(list)) => who(path, tags, list),
    }
}

/// Which signer of the list made a signature that is sound in itself.
fn who(signature: &OsStr, tags: &[u8], list: &Path) -> Shown {
    if let Err(error) = files::open_following(list) {
        return Shown::Unchecked(error.to_string());
    }
    let list = list.as_os_str();
    let found = ssh_keygen(&["find-principals", "-s"], &[signature, OsStr::new("-f"), list], b"");
    let principals = match found {
        Err(why) => return Shown::Unchecked(why),
        Ok(Err(why)) => return Shown::Stranger(why),
        Ok(Ok(principals)) => principals,
    };
    let mut last = "the list names nobody for its key".to_owned();
    for principal in principals.lines() {
        let rest = [OsStr::new(principal), OsStr::new("-f"), list, OsStr::new("-s"), signature];
        match ssh_keygen(&["verify", "-n", NAMESPACE, "-I"], &rest, tags) {
            Err(why) => return Shown::Unchecked(why),
            Ok(Ok(said)) => return Shown::By(line(&said)),
            Ok(Err(why)) => last = why,
        }
    }
    Shown::Stranger(last)
}

/// What `ssh-keygen -Y …` said: outer error when it could not be asked, inner when it refused.
fn ssh_keygen(first: &[&str], rest: &[&OsStr], input: &[u8]) -> Result<Result<String, String>, String> {
    let args = ["-Y"].iter().chain(first).map(OsStr::new).chain(rest.iter().copied());
    let run = Invocation::new("ssh-keygen").args(args).stdin(input).run();
    let outcome = run.map_err(|error: ChildError| error.to_string())?;
    if outcome.timed_out {
        return Err("`ssh-keygen` did not end in time".to_owned());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if outcome.success() { Ok(Ok(text(&outcome.stdout))) } else { Ok(Err(line(&text(&outcome.stderr)))) }
}

/// The first line, safe to print.
fn line(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    visible(first).into_owned()
}
