//! The runs of a case, oldest first.

use std::path::{Path, PathBuf};

use crate::base::files::{self, FolderLock};

use super::error::SealError;
use super::layout::{FACTS, FACTS_LIMIT, MANIFEST, MARKER, SCRATCH, SIGNATURES, TAG_MANIFEST, TEXT_LIMIT, is_unsealed};
use super::read::{self, ReadError};

/// The folder of a case that its runs lie in.
pub(super) const RUNS: &str = "runs";

/// One run of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its name, e.g. `20260515T102350Z`; a second one in the same second ends in `-2`.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// Whether its collection was brought to its end.
    pub sealed: bool,
}

/// The runs of the case in `case_folder`, oldest first; none is no error.
///
/// # Errors
/// When the folder cannot be read.
pub fn runs(case_folder: &Path) -> Result<Vec<Run>, ReadError> {
    let folder = case_folder.join(RUNS);
    let names = match files::names(&folder) {
        Err(files::ReadError::Absent { .. }) => return Ok(Vec::new()),
        other => other?,
    };
    let mut found: Vec<_> = names.into_iter().filter_map(|name| Some((order(name.to_str()?)?, name))).collect();
    found.sort();
    Ok(found.into_iter().filter_map(|(_, name)| run(&folder, name.to_str()?)).collect())
}

/// The folder of the newest run, sealed or not: an older one must not silently stand for one that was
/// killed. Reading an unsealed one says so.
///
/// # Errors
/// When the folder cannot be read.
pub fn latest(case_folder: &Path) -> Result<Option<PathBuf>, ReadError> {
    Ok(runs(case_folder)?.pop().map(|run| run.path))
}

/// How many facts the run in `folder` has kept so far.
#[must_use]
pub fn kept(folder: &Path) -> usize {
    let facts = files::read(&folder.join(FACTS), FACTS_LIMIT).unwrap_or_default();
    facts.iter().filter(|byte| **byte == b'\n').count()
}

/// What the marker of a run that was not sealed says, e.g. that an action was started.
#[must_use]
pub fn announced(run: &Path) -> Option<String> {
    files::read_text(&run.join(MARKER), TEXT_LIMIT).ok()
}

/// Whether the marker of the unsealed run in `folder` says that the controlled change was started.
#[must_use]
pub fn acted(folder: &Path) -> bool {
    // The marker's first line is its own; what is announced follows.
    announced(folder).is_some_and(|text| text.lines().nth(1).is_some_and(|line| !line.trim().is_empty()))
}

/// Whether the folder's name is one that only runs have.
#[must_use]
pub fn is_run_name(folder: &Path) -> bool {
    folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| order(name).is_some())
}

/// An unsealed run, as `prune` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// The run.
    pub run: Run,
    /// How many facts it kept.
    pub facts: usize,
    /// How many bytes it takes on the disk.
    pub bytes: u64,
    /// Why it must stay, if it must.
    pub stays: Option<&'static str>,
    /// Whether a killed collection left its scratch folder, which older versions put raw copies in.
    pub scratch: bool,
}

/// The runs of the case that are not sealed, oldest first. None of them is being made: the lock that is
/// given back says so.
///
/// # Errors
/// When the runs cannot be read, or another process collects this case.
pub fn unsealed(case_folder: &Path) -> Result<(Vec<Unsealed>, Option<FolderLock>), SealError> {
    let folder = case_folder.join(RUNS);
    if matches!(files::metadata(&folder), Err(files::ReadError::Absent { .. })) {
        return Ok((Vec::new(), None));
    }
    // A link would lead what is removed to wherever somebody else likes.
    read::folder(&folder)?;
    let busy = || SealError::Busy { case: case_folder.to_owned() };
    let lock = FolderLock::take(&folder)?.ok_or_else(busy)?;
    let runs = runs(case_folder)?.into_iter().filter(|run| !run.sealed);
    Ok((runs.map(describe).collect(), Some(lock)))
}

fn describe(run: Run) -> Unsealed {
    let there = |name: &str| files::metadata(&run.path.join(name)).is_ok();
    let stays = match () {
        () if acted(&run.path) => Some("the controlled change was started in it"),
        () if there(MANIFEST) || there(TAG_MANIFEST) => Some("it has the manifests of a sealed run"),
        () if there(SIGNATURES) => Some("it has signatures"),
        () => None,
    };
    let (facts, bytes, scratch) = (kept(&run.path), files::disk_usage(&run.path), there(SCRATCH));
    Unsealed { run, facts, bytes, stays, scratch }
}

/// Removes an unsealed run; one that must stay loses its scratch folder only.
///
/// # Errors
/// When the system refuses.
pub fn remove(unsealed: &Unsealed) -> Result<(), SealError> {
    let run = &unsealed.run.path;
    if unsealed.stays.is_some() {
        return Ok(files::remove_folder(&run.join(SCRATCH))?);
    }
    Ok(files::remove_folder(run)?)
}

fn run(folder: &Path, name: &str) -> Option<Run> {
    let path = folder.join(name);
    files::metadata(&path).ok().filter(std::fs::Metadata::is_dir)?;
    Some(Run { name: name.to_owned(), sealed: !is_unsealed(&path), path })
}

/// What `name` sorts by, if it is a run's: the instant, then the number within the second.
fn order(name: &str) -> Option<(String, u32)> {
    let (instant, number) = match name.split_once('-') {
        Some((instant, number)) => (instant, number.parse().ok().filter(|n| *n > 1)?),
        None => (name, 1),
    };
    let shape: String = instant.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    (shape == "00000000T000000Z").then(|| (instant.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_time_and_then_by_number() {
        let case = tempfile::tempdir().unwrap();
        let runs_of = |case: &Path| runs(case).unwrap().into_iter().map(|r| r.name).collect::<Vec<_>>();
        assert!(runs_of(case.path()).is_empty());
        for name in
            ["20260515T102350Z-10", "20260515T102350Z-2", "20260515T102350Z", "20250101T000000Z", "notes", "x-1"]
        {
            files::make_folder(&case.path().join(RUNS).join(name)).unwrap();
        }
        files::write(&case.path().join(RUNS).join("20270101T000000Z"), b"a file").unwrap();
        let expected = ["20250101T000000Z", "20260515T102350Z", "20260515T102350Z-2", "20260515T102350Z-10"];
        assert_eq!(runs_of(case.path()), expected);
        assert!(latest(case.path()).unwrap().unwrap().ends_with("20260515T102350Z-10"));
        assert!(runs(case.path()).unwrap().iter().all(|run| !run.sealed));
    }
}
