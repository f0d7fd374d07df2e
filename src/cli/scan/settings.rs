//! Settings of a scan: those of the arguments, and those of a file. `.evidence/scan.yaml` is read unasked,
//! and it may be somebody else's. So it may name no file outside of its folder, no link is followed
//! on the way, and whatever it leaves out is said.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use crate::base::{files, yaml};
use crate::hygiene::{Confidence, Ruleset};

use super::super::args;

/// Where settings are looked for.
const FILE: &str = ".evidence/scan.yaml";
/// More patterns than this are a mistake or an attack.
const PATTERNS: usize = 1000;

/// What a file of settings may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    exclude: Vec<String>,
    rules: Vec<PathBuf>,
    only: Vec<String>,
    skip: Vec<String>,
    min_confidence: Option<Confidence>,
    baseline: Option<PathBuf>,
}

/// The settings of a file, and whether the user named it.
pub(super) struct Settings {
    config: Config,
    /// The file; `None` without one.
    file: Option<PathBuf>,
}

impl Settings {
    /// The settings that apply: `--config`, or else `.evidence/scan.yaml` in the working folder.
    ///
    /// # Errors
    /// When the file cannot be read, or names files that it may not name.
    pub(super) fn read(args: &args::Scan) -> Result<Self> {
        if let Some(path) = &args.config {
            return Ok(Self { config: yaml::read(path)?.0, file: Some(path.clone()) });
        }
        let path = Path::new(FILE);
        let config = confined(Path::new(""))?;
        let file = config.is_some().then(|| path.to_owned());
        Ok(Self { config: config.unwrap_or_default(), file })
    }

    /// The rules to search with.
    ///
    /// # Errors
    /// When a file of rules cannot be used, or no rule is left.
    pub(super) fn rules(&self, args: &args::Scan) -> Result<Ruleset> {
        let extra: Vec<&Path> = self.config.rules.iter().chain(&args.choice.rules).map(PathBuf::as_path).collect();
        let only = if args.choice.only.is_empty() { &self.config.only } else { &args.choice.only };
        let skip = [self.config.skip.clone(), args.choice.skip.clone()].concat();
        Ok(Ruleset::load(&extra, only, &skip)?)
    }

    /// The paths that are left out.
    ///
    /// # Errors
    /// When a pattern is wrong, or there are too many.
    pub(super) fn exclude(&self, args: &args::Scan) -> Result<GlobSet> {
        let mut set = GlobSetBuilder::new();
        if self.config.exclude.len() + args.exclude.len() > PATTERNS {
            bail!("exclude: more than {PATTERNS} patterns");
        }
        for pattern in self.config.exclude.iter().chain(&args.exclude) {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            set.add(glob.with_context(|| format!("exclude: {pattern}"))?);
        }
        Ok(set.build()?)
    }

    /// The confidence that the file asks for.
    pub(super) fn min_confidence(&self) -> Option<Confidence> {
        self.config.min_confidence
    }

    /// The baseline that the file names.
    pub(super) fn baseline(&self) -> Option<PathBuf> {
        self.config.baseline.clone()
    }

    /// What the file leaves out, a line for each setting that is in force.
    pub(super) fn told(&self, args: &args::Scan) -> Vec<String> {
        let Some(file) = &self.file else { return Vec::new() };
        let Config { exclude, rules, only, skip, min_confidence, baseline } = &self.config;
        let mut told = Vec::new();
        let mut tell = |key: &str, what: String| told.push(format!("by {}: {key}: {what}", file.display()));
        let few = |list: &[String]| match list.len() {
            0..=5 => list.join(", "),
            many => format!("{}, and {} more", list[..5].join(", "), many - 5),
        };
        if !exclude.is_empty() {
            tell("exclude", few(exclude));
        }
        if !only.is_empty() && args.choice.only.is_empty() {
            tell("only", few(only));
        }
        if !skip.is_empty() {
            tell("skip", few(skip));
        }
        if let Some(level) = min_confidence.filter(|level| args.min_confidence.is_none() && *level > Confidence::Low) {
            tell(
                "min_confidence",
                format!("findings below `{}`", if level == Confidence::High { "high" } else { "medium" }),
            );
        }
        if let Some(baseline) = baseline.as_ref().filter(|_| args.baseline.is_none() && args.write_baseline.is_none()) {
            tell("baseline", format!("what {} knows", baseline.display()));
        }
        if !rules.is_empty() {
            tell("rules", format!("{} further file(s) of rules come before the built-in ones", rules.len()));
        }
        told
    }
}

/// The settings in the folder `root`, if there are any; they name files in it and nothing else.
fn confined(root: &Path) -> Result<Option<Config>> {
    match inside(root, Path::new(FILE)) {
        Err(files::ReadError::Absent { .. }) => return Ok(None),
        other => other?,
    }
    let config: Config = yaml::read(&root.join(FILE))?.0;
    let key = config.baseline.as_deref().map(key_of);
    let named = config.rules.iter().map(|file| ("rules", file));
    for (setting, file) in named.chain(config.baseline.iter().chain(&key).map(|file| ("baseline", file))) {
        check(root, file).with_context(|| format!("{FILE}: {setting}"))?;
    }
    Ok(Some(config))
}

/// The rule files that the settings in the folder `root` name; none when there are no settings.
///
/// # Errors
/// When the settings cannot be read, or name files that they may not name.
pub fn rules_of(root: &Path) -> Result<Vec<PathBuf>> {
    Ok(confined(root)?.unwrap_or_default().rules.iter().map(|file| root.join(file)).collect())
}

/// The key that belongs to the baseline `file`.
pub(super) fn key_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

/// Whether every part of `path`, which is relative to `root`, is there and none is a link.
fn inside(root: &Path, path: &Path) -> Result<(), files::ReadError> {
    let mut whole = root.to_owned();
    for part in path.components() {
        whole.push(part);
        if files::metadata(&whole)?.is_symlink() {
            return Err(files::ReadError::Link { path: whole });
        }
    }
    Ok(())
}

/// Refuses a file that lies, or leads, outside of `root`. Nothing of it is read.
fn check(root: &Path, file: &Path) -> Result<()> {
    if file.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        bail!("`{}` leads outside of this folder; name it on the command line if it is right", file.display());
    }
    match inside(root, file) {
        Err(files::ReadError::Link { path }) => {
            bail!("`{}` is a symbolic link, which these settings may not name", path.display())
        }
        // What cannot be read is reported when it is read.
        _ => Ok(()),
    }
}
