//! Looks for damage in a bag, as a stranger would: every file re-hashed against the manifests, the
//! manifests against the tag manifest, and the folder walked for what nobody lists. Everything
//! that is wrong is named; the first fault does not hide the second.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::base::digest::{Digest, Hasher};
use crate::base::files;
use crate::base::text::visible;

use super::layout;
use super::manifest::{self, Manifest};

/// What kind of damage was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Listed, and not there.
    Missing,
    /// There, with another content than listed.
    Changed,
    /// There, and not listed.
    Extra,
    /// What is missing under one name is there under another.
    Renamed,
    /// A link, FIFO, socket or device.
    NotRegular,
    /// A file that is not written as bundles are.
    Malformed,
    /// The run was never sealed, or was marked so.
    Unsealed,
}

impl DamageKind {
    /// As screens print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Extra => "extra",
            Self::Renamed => "renamed",
            Self::NotRegular => "not a regular file",
            Self::Malformed => "malformed",
            Self::Unsealed => "unsealed",
        }
    }
}

/// One piece of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, relative to the run's folder, safe to print.
    pub path: String,
    /// What kind.
    pub kind: DamageKind,
    /// More about it, or empty.
    pub detail: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.kind.word())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ", {}", self.detail) }
    }
}

/// What an inspection found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Everything that is wrong.
    pub damage: Vec<Damage>,
    /// What could not be looked at, and why.
    pub unread: Vec<String>,
    /// The SHA-256 of the tag manifest, if that could be read.
    pub digest: Option<Digest>,
    /// The payload files that the manifest lists, sorted.
    pub payload: Vec<String>,
    /// How many files were re-hashed.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Inspection {
    /// Whether everything was looked at and nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty() && self.unread.is_empty()
    }

    fn add(&mut self, path: &str, kind: DamageKind, detail: impl Into<String>) {
        self.damage.push(Damage { path: visible(path).into_owned(), kind, detail: detail.into() });
    }

    fn not_seen(&mut self, error: &dyn fmt::Display) {
        self.unread.push(visible(&error.to_string()).into_owned());
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let damage = self.damage.iter().map(ToString::to_string);
        f.write_str(&damage.chain(self.unread.iter().cloned()).collect::<Vec<_>>().join("; "))
    }
}

/// Inspects the run in the folder `run`.
#[must_use]
pub fn inspect(run: &Path) -> Inspection {
    let mut found = inspect_marked(run);
    if files::metadata(run).is_ok() && layout::is_unsealed(run) {
        let detail = "the collection is still going on or ended before it was complete";
        let marker = Damage { path: layout::MARKER.to_owned(), kind: DamageKind::Unsealed, detail: detail.to_owned() };
        found.damage.insert(0, marker);
    }
    found
}

/// The same without a word about the marker, for the writer's own look before it removes it.
pub(super) fn inspect_marked(run: &Path) -> Inspection {
    let mut found = Inspection::default();
    let tree = walk(run, &mut found);
    if !found.unread.is_empty() && tree.is_empty() {
        return found;
    }
    let mut listed = listing(run, layout::TAG_MANIFEST, &mut found);
    check_tag_names(&listed, &mut found);
    let payload = listing(run, layout::MANIFEST, &mut found);
    check_payload_names(&payload, &mut found);
    found.payload = payload.keys().cloned().collect();
    check_bag_info(run, &payload, &tree, &mut found);
    listed.extend(payload);
    let missing = compare(run, &listed, &tree, &mut found);
    let extra = extras(&listed, &tree);
    name_strays(run, missing, extra, &mut found);
    found
}

/// Every regular file below `run` with its size; what is no regular file is damage.
fn walk(run: &Path, found: &mut Inspection) -> BTreeMap<String, u64> {
    let mut tree = BTreeMap::new();
    match files::metadata(run) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(metadata) => {
            found.not_seen(&format!("{}: is a {}, not a folder", run.display(), files::kind(&metadata)));
            return tree;
        }
        Err(error) => {
            found.not_seen(&error);
            return tree;
        }
    }
    for entry in WalkDir::new(run).min_depth(1).follow_links(false).sort_by_file_name() {
        match entry.map_err(|e| e.to_string()).and_then(|e| Ok((e.metadata().map_err(|e| e.to_string())?, e))) {
            Ok((metadata, entry)) => {
                let path = entry.path().strip_prefix(run).unwrap_or(entry.path()).to_string_lossy().into_owned();
                match files::kind(&metadata) {
                    "file" => drop(tree.insert(path, metadata.len())),
                    "folder" if path != layout::SIGNATURES && is_empty(entry.path()) => {
                        found.add(&path, DamageKind::Extra, "an empty folder")
                    }
                    "folder" => {}
                    kind => found.add(&path, DamageKind::NotRegular, kind),
                }
            }
            Err(error) => found.not_seen(&error),
        }
    }
    tree
}

/// An empty folder carries nothing but its name, which no manifest can list. `signatures/` may wait
/// for its first one.
fn is_empty(folder: &Path) -> bool {
    files::names(folder).is_ok_and(|names| names.is_empty())
}

/// The entries of the manifest `name`; its faults are damage.
fn listing(run: &Path, name: &str, found: &mut Inspection) -> BTreeMap<String, Digest> {
    let bytes = match files::read(&run.join(name), layout::TEXT_LIMIT) {
        Ok(bytes) => bytes,
        Err(files::ReadError::Absent { .. }) => {
            found.add(name, DamageKind::Missing, "");
            return BTreeMap::new();
        }
        // A link and the like is named by the walk.
        Err(files::ReadError::Link { .. } | files::ReadError::NotRegular { .. }) => return BTreeMap::new(),
        Err(error) => {
            found.not_seen(&error);
            return BTreeMap::new();
        }
    };
    if name == layout::TAG_MANIFEST {
        found.digest = Some(Digest::of(&bytes));
    }
    let Manifest { entries, faults } = manifest::parse(&bytes);
    for (line, fault) in faults {
        found.add(name, DamageKind::Malformed, format!("line {line}: {fault}"));
    }
    entries
}

fn check_tag_names(listed: &BTreeMap<String, Digest>, found: &mut Inspection) {
    let expected = [layout::BAG_INFO, layout::BAGIT, layout::MANIFEST];
    for name in expected.iter().filter(|name| !listed.contains_key(**name)) {
        found.add(layout::TAG_MANIFEST, DamageKind::Malformed, format!("does not list {name}"));
    }
    for name in listed.keys().filter(|name| !expected.contains(&name.as_str())) {
        found.add(layout::TAG_MANIFEST, DamageKind::Malformed, format!("lists {name}"));
    }
}

/// Whoever repairs the manifests can still not give a bundle files that bundles do not have.
fn check_payload_names(payload: &BTreeMap<String, Digest>, found: &mut Inspection) {
    for path in payload.keys().filter(|path| !layout::is_payload(path)) {
        found.add(path, DamageKind::Extra, "bundles have no such file");
    }
    for path in layout::REQUIRED.iter().filter(|path| !payload.contains_key(**path)) {
        found.add(path, DamageKind::Missing, "the manifest does not list it");
    }
}

/// The declaration says what it must, and the payload has as many bytes and files as stated.
fn check_bag_info(
    run: &Path,
    payload: &BTreeMap<String, Digest>,
    tree: &BTreeMap<String, u64>,
    found: &mut Inspection,
) {
    let text = |name: &str| files::read_text(&run.join(name), layout::TEXT_LIMIT).ok();
    if text(layout::BAGIT).is_some_and(|text| text != layout::BAGIT_TEXT) {
        found.add(layout::BAGIT, DamageKind::Malformed, "is not the declaration of a BagIt 1.0 bag");
    }
    let there = tree.iter().filter(|(path, _)| path.starts_with("data/"));
    let (bytes, count) = there.fold((0, 0), |(bytes, count), (_, size)| (bytes + size, count + 1));
    let Some(info) = text(layout::BAG_INFO) else { return };
    let mut stated = info.lines().filter_map(|line| line.strip_prefix("Payload-Oxum: "));
    if stated.next() != Some(format!("{bytes}.{count}").as_str()) || stated.next().is_some() {
        let listed = payload.len();
        let detail = format!("Payload-Oxum: the payload has {bytes} bytes in {count} files, {listed} are listed");
        found.add(layout::BAG_INFO, DamageKind::Changed, detail);
    }
}

/// Re-hashes what is listed; gives what is listed and not there.
fn compare(
    run: &Path,
    listed: &BTreeMap<String, Digest>,
    tree: &BTreeMap<String, u64>,
    found: &mut Inspection,
) -> Vec<(String, Digest)> {
    let mut missing = Vec::new();
    for (path, expected) in listed {
        if !tree.contains_key(path) {
            missing.push((path.clone(), *expected));
            continue;
        }
        match digest(&run.join(path)) {
            Ok((digest, bytes)) => {
                found.files += 1;
                found.bytes += bytes;
                if digest != *expected {
                    let list = if layout::is_payload(path) { layout::MANIFEST } else { layout::TAG_MANIFEST };
                    let detail = format!("its SHA-256 is {digest}, {list} has {expected}");
                    found.add(path, DamageKind::Changed, detail);
                }
            }
            Err(error) => found.not_seen(&error),
        }
    }
    missing
}

/// What is there and nobody lists; the marker and the scratch of an unsealed run have a word of
/// their own.
fn extras(listed: &BTreeMap<String, Digest>, tree: &BTreeMap<String, u64>) -> Vec<String> {
    let own = |path: &str| {
        let said = layout::beside(path).is_some_and(|other| other.is_empty() || tree.contains_key(&other));
        matches!(path, layout::TAG_MANIFEST | layout::MARKER) || listed.contains_key(path) || said
    };
    tree.keys().filter(|path| !own(path)).cloned().collect()
}

/// A missing file whose content is there under another name was renamed.
fn name_strays(run: &Path, missing: Vec<(String, Digest)>, mut extra: Vec<String>, found: &mut Inspection) {
    for (path, expected) in missing {
        let same = |other: &String| digest(&run.join(other)).is_ok_and(|(digest, _)| digest == expected);
        match extra.iter().position(same) {
            Some(index) => {
                let other = extra.remove(index);
                found.add(&path, DamageKind::Renamed, format!("it is there as {}", visible(&other)));
            }
            None => found.add(&path, DamageKind::Missing, ""),
        }
    }
    for path in extra {
        found.add(&path, DamageKind::Extra, "no manifest lists it");
    }
}

fn digest(path: &Path) -> Result<(Digest, u64), files::ReadError> {
    let (mut file, _) = files::open(path)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer).map_err(|source| files::ReadError::Io { path: path.to_owned(), source })?;
        if n == 0 {
            return Ok((hasher.finish(), bytes));
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
}
