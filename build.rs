//! Tells cargo that the binary changes with the files embedded in it, and reads the secret rules
//! beforehand: every start would spend most of its time on their YAML.

// The build reads its own folder and writes where cargo says; no evidence is near.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=templates");
    println!("cargo:rerun-if-changed=policies");
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    if let Err(error) = rules(Path::new("policies/hygiene"), &out.join("hygiene.json")) {
        println!("cargo::error={error}");
    }
}

/// Writes the rule files of `folder`, sorted by name, as one JSON list.
fn rules(folder: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let files = std::fs::read_dir(folder)?.map(|file| file.map(|file| file.path()));
    let mut files: Vec<PathBuf> = files.collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let read = |path: &PathBuf| -> Result<serde_json::Value, Box<dyn std::error::Error>> {
        serde_yaml::from_str(&std::fs::read_to_string(path)?)
            .map_err(|error| format!("{}: {error}", path.display()).into())
    };
    let rules = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(std::fs::write(out, serde_json::to_vec(&rules)?)?)
}
