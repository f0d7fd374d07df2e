//! The runs of a case, oldest first.

use std::path::{Path, PathBuf};

use crate::base::files;

use super::layout::{MARKER, TEXT_LIMIT, is_unsealed};
use super::read::ReadError;

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

/// What the marker of a run that was not sealed says, e.g. that an action was started.
#[must_use]
pub fn announced(run: &Path) -> Option<String> {
    files::read_text(&run.join(MARKER), TEXT_LIMIT).ok()
}

/// Whether the folder's name is one that only runs have.
#[must_use]
pub fn is_run_name(folder: &Path) -> bool {
    folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| order(name).is_some())
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
