//! Where the server's programs are installed, by version.

use std::path::{Path, PathBuf};

use crate::base::{env, files};

/// Where Debian, Red Hat, and builds from source put the server's programs; `*` is a version.
const PLACES: [&str; 4] =
    ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/lib64/pgsql/bin"];

/// The folder of the newest server programs, if there are any; only `given` counts where it is.
#[must_use]
pub fn find(given: Option<&Path>) -> Option<PathBuf> {
    all(given).pop().map(|(_, folder)| folder)
}

/// The folder of the programs of version `major`, or with `newer` of the next one that is there,
/// with its version.
#[must_use]
pub fn find_major(given: Option<&Path>, major: u32, newer: bool) -> Option<(u32, PathBuf)> {
    let mut found = all(given).into_iter().filter(|(version, _)| *version >= major);
    found.next().filter(|(version, _)| newer || *version == major)
}

/// Whether `folder` is where packages install the server's programs, or is on the `PATH`.
#[must_use]
pub fn is_installed(folder: &Path) -> bool {
    let real = |folder: &Path| files::real_path(folder).ok();
    let on_path = env::var("PATH").unwrap_or_default();
    let on_path = on_path.split(':').map(PathBuf::from).filter(|folder| folder.is_absolute());
    let known = all(None).into_iter().map(|(_, folder)| folder).chain(on_path);
    let wanted = real(folder);
    wanted.is_some() && known.map(|known| real(&known)).any(|known| known == wanted)
}

/// What to install to have the programs of `major`.
#[must_use]
pub fn package(major: u32) -> String {
    format!("apt-get install postgresql-{major}")
}

/// Every folder with server programs, the newest last.
fn all(given: Option<&Path>) -> Vec<(u32, PathBuf)> {
    let on_path = env::find_program("initdb").and_then(|program| program.parent().map(Path::to_owned));
    let usual = || PLACES.iter().flat_map(|place| expand(place)).chain(on_path).collect();
    let found: Vec<PathBuf> = given.map_or_else(usual, |folder| vec![folder.to_owned()]);
    let whole = |folder: &PathBuf| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file());
    let mut found: Vec<(u32, PathBuf)> = found.into_iter().filter(whole).map(|f| (version_of(&f), f)).collect();
    found.sort();
    found
}

fn expand(place: &str) -> Vec<PathBuf> {
    let Some((before, after)) = place.split_once('*') else { return vec![place.into()] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let names = files::names(Path::new(parent)).unwrap_or_default().into_iter();
    let fitting = names.filter(|name| name.to_string_lossy().starts_with(prefix));
    fitting.map(|name| Path::new(parent).join(name).join(after.trim_start_matches('/'))).collect()
}

/// The version of the programs in `folder`: by the folder's name (`/usr/lib/postgresql/15/bin`), or
/// by what the server says of itself; 0 when neither tells.
#[must_use]
pub fn version_of(folder: &Path) -> u32 {
    let text = folder.to_string_lossy().into_owned();
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    let known = |version: &u32| (9..100).contains(version);
    numbers.filter(known).max().or_else(|| asked(folder)).unwrap_or(0)
}

fn asked(folder: &Path) -> Option<u32> {
    let said = crate::base::child::Invocation::new(folder.join("postgres")).args(["--version"]).run().ok()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    text.split(|c: char| !c.is_ascii_digit()).find_map(|part| part.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_wins() {
        assert!(version_of(Path::new("/usr/lib/postgresql/15/bin")) < version_of(Path::new("/usr/pgsql-17/bin")));
    }

    #[test]
    fn a_folder_of_a_case_is_not_an_installation() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_installed(folder.path()) && !is_installed(Path::new("/no/such/folder")));
        assert!(all(None).iter().all(|(_, folder)| is_installed(folder)));
    }

    #[test]
    fn only_a_version_that_fits_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("lib-15-/bin");
        files::make_folder(&bin).unwrap();
        for program in ["initdb", "postgres"] {
            files::write(&bin.join(program), b"").unwrap();
        }
        let version = version_of(&bin);
        assert_eq!(find_major(Some(&bin), version, false).map(|found| found.0), Some(version));
        assert!(find_major(Some(&bin), version - 1, false).is_none());
        assert!(find_major(Some(&bin), version - 1, true).is_some());
        assert!(find_major(Some(&bin), version + 1, true).is_none());
    }
}
