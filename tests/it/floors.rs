//! Holds the floor plan: a module may `use crate::` only what stands on a lower floor, and rooms on
//! one floor do not see each other.

use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: &[(&str, u32)] = &[
    ("base", 0),
    ("model", 1),
    ("hygiene", 2),
    ("examine", 2),
    ("cluster", 2),
    ("events", 2),
    ("schedule", 2),
    ("shell", 2),
    ("seal", 3),
    ("collect", 4),
    ("judge", 4),
    ("govern", 5),
    ("render", 5),
    ("verify", 6),
    ("report", 6),
    ("cli", 7),
];

fn floor(room: &str) -> u32 {
    FLOORS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("room `{room}` has no floor")).1
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a source names as `crate::room`, also in `use crate::{room::…, room::…}`.
fn rooms(source: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + 7..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => named.push(std::mem::take(&mut word)),
                    c if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            named.push(word);
        } else {
            named.push(rest.to_owned());
        }
    }
    let first = |text: String| -> String {
        text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    named.into_iter().map(first).filter(|room| !room.is_empty()).collect()
}

#[test]
fn nobody_looks_up_or_sideways() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&src).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap();
        if room.ends_with(".rs") {
            continue;
        }
        let source = fs::read_to_string(file).unwrap();
        for named in rooms(&source) {
            if named != room && floor(&named) >= floor(room) {
                wrong.push(format!("{}: {room} looks at {named}", inside.display()));
            }
        }
    }
    assert!(files.len() > 20, "the plan is held over real files");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_reader_of_use_lines_sees_groups() {
    assert_eq!(rooms("use crate::{base::x, model::{a, b}};\ncrate::judge::y()"), ["base", "model", "judge"]);
}

#[test]
fn files_and_functions_stay_small() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let without_tests = source.split("#[cfg(test)]").next().unwrap();
        let lines = without_tests.lines().count();
        assert!(lines <= 600, "{}: {lines} lines without its tests", file.display());
        assert!(source.starts_with("//!"), "{}: has no paragraph at its head", file.display());
    }
}
