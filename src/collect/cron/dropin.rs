//! Which drop-ins systemd reads behind a unit file, and in which order: files that change a timer or a
//! service from a folder beside it. Looks for names only; reads none of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::files::{self, ReadError};
use crate::base::text;

/// Where units of the system lie, the strongest first.
const SYSTEM: &[&str] = &[
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// The drop-ins of the unit file `unit`, in the order in which they count: sorted by file name, and of
/// one name only the strongest. Of a unit of the system in all of its folders, else beside the unit.
///
/// # Errors
/// The folder that could not be listed, and why.
pub(super) fn of(unit: &Path) -> Result<Vec<PathBuf>, (PathBuf, ReadError)> {
    let Some((beside, name)) = unit.parent().zip(unit.file_name()) else { return Ok(Vec::new()) };
    let own = [beside.to_owned()];
    let system: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let folders = if system.contains(&own[0]) { &system[..] } else { &own[..] };
    let (names, kind) = names(&text::from_name(name));
    let all = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let weakest = folders.iter().map(|folder| folder.join(&kind));
    let mut found: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in all.chain(weakest) {
        let there = match files::names(&folder) {
            Err(ReadError::Absent { .. }) => continue,
            there => there.map_err(|error| (folder.clone(), error))?,
        };
        for name in there {
            if Path::new(&name).extension().is_some_and(|end| end == "conf") {
                found.entry(name.clone()).or_insert_with(|| folder.join(name));
            }
        }
    }
    // systemd follows links; one to nothing is how a weaker drop-in is taken away.
    let followed = found.into_values().map(|path| files::real_path(&path).unwrap_or(path));
    Ok(followed.filter(|path| path != Path::new("/dev/null")).collect())
}

/// The folders' names, the strongest first, and the one that all units of the kind share:
/// `a-b@c.timer` has `a-b@c.timer.d`, `a-b@.timer.d`, `a-.timer.d` and `timer.d`.
fn names(unit: &str) -> (Vec<String>, String) {
    let (stem, kind) = unit.rsplit_once('.').unwrap_or((unit, ""));
    let template = stem.split_once('@').map(|(before, _)| format!("{before}@"));
    let mut stems = vec![stem.to_owned()];
    stems.extend(template.filter(|template| template != stem));
    let dashes = stem.trim_end_matches('-').rmatch_indices('-');
    stems.extend(dashes.map(|(at, _)| stem[..=at].to_owned()));
    (stems.iter().map(|stem| format!("{stem}.{kind}.d")).collect(), format!("{kind}.d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_systemd() {
        let (own, kind) = names("a-b@c.timer");
        assert_eq!((own.join(" ").as_str(), kind.as_str()), ("a-b@c.timer.d a-b@.timer.d a-.timer.d", "timer.d"));
        let place = tempfile::tempdir().unwrap();
        let root = files::real_path(place.path()).unwrap();
        let put = |path: &str| {
            let path = place.path().join(path);
            files::make_folder(path.parent().unwrap()).unwrap();
            files::write(&path, b"").unwrap();
        };
        ["pg-.timer.d/10.conf", "pg-.timer.d/20.conf", "timer.d/30.conf", "timer.d/x"]
            .iter()
            .for_each(|path| put(path));
        put("pg-dump.timer.d/20.conf");
        std::os::unix::fs::symlink("/dev/null", place.path().join("pg-dump.timer.d/30.conf")).unwrap();
        let found = of(&place.path().join("pg-dump.timer")).unwrap();
        let found: Vec<_> = found.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        assert_eq!(found, ["pg-.timer.d/10.conf", "pg-dump.timer.d/20.conf"]);
    }
}
