//! `files`: what lies in a folder, entry by entry, and how the sizes compare. An inventory that could
//! not see everything has no totals: what was not seen is listed, and nothing is skipped silently.

mod baseline;
mod doc;
mod entry;
mod tell;
#[cfg(test)]
mod tests;
mod walk;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::base::{files, links, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct FilesCollector;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    #[serde(default = "everything")]
    glob: String,
    #[serde(default)]
    recursive: bool,
    #[serde(default = "yes")]
    sha256: bool,
    #[serde(default)]
    baseline: Baseline,
    limit: Option<u16>,
    max_files: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    #[serde(default = "half")]
    tolerance: f64,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { tolerance: half() }
    }
}

fn everything() -> String {
    "*".to_owned()
}

fn yes() -> bool {
    true
}

fn half() -> f64 {
    0.5
}

struct Ready {
    path: PathBuf,
    glob: GlobMatcher,
    /// Whether the glob is about paths below the folder, or about names wherever they are.
    about_paths: bool,
    /// Whether the glob is the one that leaves nothing out.
    everything: bool,
    recursive: bool,
    sha256: bool,
    tolerance: f64,
    limit: usize,
    max_files: usize,
}

impl Collector for FilesCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        if with.path.contains(['*', '?']) {
            return Err(SettingError::new("with: path: names one folder; put the pattern of its files under `glob:`"));
        }
        let glob = GlobBuilder::new(&with.glob).literal_separator(true).build();
        let glob = glob.map_err(|e| SettingError::new(format!("with: glob: {}", e.kind())))?;
        if !(with.baseline.tolerance > 0.0 && with.baseline.tolerance < 1.0) {
            return Err(SettingError::new("with: baseline: tolerance: a share between 0 and 1, such as 0.5"));
        }
        Ok(Box::new(Ready {
            path: settings.path(&with.path),
            about_paths: with.glob.contains('/'),
            everything: with.glob == everything(),
            glob: glob.compile_matcher(),
            recursive: with.recursive,
            sha256: with.sha256,
            tolerance: with.baseline.tolerance,
            limit: usize::from(with.limit.unwrap_or(200)),
            max_files: with.max_files.map_or(1_000_000, |most| usize::try_from(most).unwrap_or(usize::MAX)),
        }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see(surroundings).read_by(self.how()))
    }
}

impl Ready {
    fn how(&self) -> String {
        let depth = if self.recursive { "and all folders below" } else { "without the folders below" };
        let content = if self.sha256 { "metadata and SHA-256 of the content" } else { "metadata" };
        format!("{} {depth}, names like `{}`: {content}", text::from_name(&self.path), self.glob.glob().glob())
    }

    /// Where the part of `path` below the folder begins.
    fn below(&self, path: &Path) -> usize {
        let folder = self.path.as_os_str().as_bytes();
        let length = folder.len() + usize::from(!folder.ends_with(b"/"));
        length.min(path.as_os_str().len())
    }

    /// Whether the entry at `path`, which lies below the folder, is asked for.
    fn wants(&self, path: &Path) -> bool {
        if self.everything {
            return true;
        }
        let bytes = path.as_os_str().as_bytes();
        let name = memchr::memrchr(b'/', bytes).map_or(0, |slash| slash + 1);
        let begin = if self.about_paths { self.below(path) } else { name };
        self.glob.is_match(OsStr::from_bytes(&bytes[begin..]))
    }

    fn see(&self, surroundings: &Surroundings<'_>) -> Observation {
        let folder = match files::metadata(&self.path) {
            Ok(folder) => folder,
            Err(error) => return subject::unseen(&self.path, &doc::DOC, &error),
        };
        links::note_path(&self.path);
        let mut seen = Observation::of(text::from_name(&self.path));
        seen.set("exists", true);
        seen.set("path", text::from_name(&self.path));
        if !folder.is_dir() {
            let message = format!("{}: is a {}, not a folder", seen.source, files::kind(&folder));
            subject::miss_the_rest(&mut seen, &doc::DOC, &Absence::new(Reason::NotApplicable, message));
            return seen;
        }
        let inventory = entry::read_all(self, surroundings.progress);
        match &inventory.walked.root {
            Some(error) if inventory.entries.is_empty() => subject::miss_the_rest(&mut seen, &doc::DOC, error),
            _ => tell::tell(self, inventory, &mut seen),
        }
        seen
    }
}
