//! Secret rules of the user's own: `policies/hygiene/*.yaml` and `*.toml` below the root, and the files
//! that `.evidence/scan.yaml` names under `rules:`. They mask what is collected and printed, in addition
//! to the built-in rules, which they cannot replace.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::base::{assets, files};
use crate::hygiene;

use super::place::Place;
use super::scan;
use super::screen::tell;

/// The folder of secret rules below the root.
const RULES: &str = "policies/hygiene";
/// Folders whose files are built in and not read from the root.
const NOT_READ: [(&str, &str); 2] = [("policies/contradictions", "contradictions"), ("policies/events", "events")];
/// A larger file is not compared with a built-in one, in bytes.
const LIMIT: u64 = 4 << 20;

/// Reads the user's own rules and makes them mask for the rest of the process.
///
/// # Errors
/// When a file of rules cannot be read or used.
pub fn apply(place: &Place) -> Result<()> {
    let mut own: Vec<PathBuf> = scan::rules_of(&place.file(scan::CONFIG))?
        .into_iter()
        .map(|path| place.file(&path.to_string_lossy()))
        .collect();
    own.extend(added(&place.file(RULES), "hygiene")?);
    let own: Vec<&Path> = own.iter().map(PathBuf::as_path).collect();
    hygiene::mask_with_own(&own).context("secret rules of your own")?;
    for (folder, below) in NOT_READ {
        for path in added(&place.file(folder), below)? {
            tell(&format!("warning: {} is not used: only the built-in {below} are read", path.display()));
        }
    }
    Ok(())
}

/// The rule files in `folder` that are not the built-in ones below `below`.
fn added(folder: &Path, below: &str) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let built_in = assets::policies_below(below);
    let mut own = Vec::new();
    for name in files::names(folder)? {
        let path = folder.join(&name);
        let is_rules = path.extension().is_some_and(|ending| ending == "yaml" || ending == "toml");
        let is_built_in = || {
            let text = files::read_text(&path, LIMIT).unwrap_or_default();
            built_in.iter().any(|(file, built_in)| Path::new(file).file_name() == path.file_name() && *built_in == text)
        };
        if is_rules && !is_built_in() {
            own.push(path);
        }
    }
    own.sort();
    Ok(own)
}
