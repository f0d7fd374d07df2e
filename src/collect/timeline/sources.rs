//! The logs of a step and how each is read: names and globs, rotated files as one log, zones, formats
//! and patterns. Shared by the collectors that look at events.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::base::{clock, files, text};
use crate::events::encoding::{Decoded, Encoding};
use crate::events::zone::Rules;
use crate::events::{self, Event, FORMATS, Format, Patterns, Source, Tally, Twins};
use crate::model::fact::{Absence, Reason};

use super::super::log::source::{Fate, Stored};
use super::super::{Progress, SettingError, Settings, subject};

/// More files than this are one mistake in a glob.
const MOST: usize = 200;
/// How much is unpacked of one file at most.
const EXPANSION: u64 = 64 << 30;

/// One entry of `sources:`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct With {
    /// A log, or a glob for a log and its rotated files.
    pub log: Option<String>,
    zone: Option<String>,
    format: Option<String>,
    year: Option<i32>,
    subject: Option<String>,
    #[serde(default)]
    events: BTreeMap<String, OneOrMany>,
    only_own: Option<bool>,
    run: Option<String>,
    /// A fact collected before.
    pub fact: Option<String>,
    time: Option<String>,
    says: Option<String>,
    /// A file whose own times are events.
    pub file: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A log, ready to be read.
pub struct Log {
    folder: PathBuf,
    /// The file's name, or the glob of names.
    name: String,
    glob: Option<GlobMatcher>,
    /// What its events are about.
    pub subject: String,
    stated: bool,
    format: Format,
    /// The zone of times that name none, and where that comes from.
    pub zone: (Tz, &'static str),
    year: Option<i32>,
    patterns: Patterns,
}

/// A time that an earlier fact holds.
pub struct FromFact {
    /// The fact's id.
    pub id: String,
    /// Where in it the time stands.
    pub time: String,
    /// What happened then.
    pub says: String,
}

/// One source.
pub enum Ready {
    /// A log.
    Log(Box<Log>),
    /// An earlier fact.
    Fact(FromFact),
    /// A file's own times.
    File(PathBuf),
}

/// What became of one file of a log.
pub struct Outcome {
    /// The file.
    pub path: PathBuf,
    /// What was counted; nothing when the file could not be opened.
    pub tally: Option<Tally>,
    /// The digest of the stored bytes that were read.
    pub sha256: Option<String>,
    /// How it is packed.
    pub container: &'static str,
    /// What its text is written in.
    pub encoding: Encoding,
    /// Why not everything was read.
    pub cut_short: Option<Absence>,
    /// The zone of times that name none.
    pub zone: Tz,
    /// Where that comes from.
    pub zone_from: &'static str,
}

/// Makes the sources of `list` ready.
///
/// # Errors
/// When an entry is none, or a zone, format or pattern of it is wrong.
pub fn ready(list: &[With], settings: &Settings<'_>) -> Result<Vec<Ready>, SettingError> {
    if list.is_empty() {
        return Err(SettingError::new("with: sources: is empty; name at least one log, fact or file"));
    }
    let each = list.iter().enumerate();
    each.map(|(index, with)| one(with, settings).map_err(|e| at(index, &e.message))).collect()
}

fn at(index: usize, message: &str) -> SettingError {
    let message = message.trim_start_matches("with: ");
    SettingError::new(format!("with: sources[{index}]: {message}"))
}

fn one(with: &With, settings: &Settings<'_>) -> Result<Ready, SettingError> {
    let of_log = with.zone.is_some() || with.format.is_some() || with.year.is_some() || with.run.is_some();
    let of_log = of_log || !with.events.is_empty() || with.subject.is_some() || with.only_own.is_some();
    match (&with.log, &with.fact, &with.file) {
        (Some(path), None, None) if with.time.is_none() && with.says.is_none() => {
            log(path, with, settings).map(|log| Ready::Log(Box::new(log)))
        }
        (None, Some(id), None) if !of_log => fact(id, with, settings),
        (None, None, Some(path)) if !of_log && with.time.is_none() && with.says.is_none() => {
            Ok(Ready::File(settings.path(path)))
        }
        _ => Err(SettingError::new(
            "is one of `log:` (with zone, format, year, subject, events, only_own, run), `fact:` (with time, says) and `file:`",
        )),
    }
}

fn fact(id: &str, with: &With, settings: &Settings<'_>) -> Result<Ready, SettingError> {
    settings.earlier_step("fact", id)?;
    let time = with.time.clone().unwrap_or_else(|| "observed_at".to_owned());
    let says = with.says.clone().unwrap_or_else(|| format!("{id}.{time}"));
    Ok(Ready::Fact(FromFact { id: id.to_owned(), time, says }))
}

fn log(path: &str, with: &With, settings: &Settings<'_>) -> Result<Log, SettingError> {
    let path = settings.path(path);
    let name = text::from_name(path.file_name().unwrap_or_default()).into_owned();
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    if text::from_name(&folder).contains(['*', '?', '[']) {
        return Err(SettingError::new("log: a glob is for the file's name, not for its folder"));
    }
    let glob = name.contains(['*', '?', '[', '{']).then(|| GlobBuilder::new(&name).literal_separator(true).build());
    let glob = glob.transpose().map_err(|e| SettingError::new(format!("log: {}", e.kind())))?;
    let format = with.format.as_deref().unwrap_or("auto");
    let format = Format::named(format).ok_or_else(|| {
        let hint = text::did_you_mean(format, FORMATS);
        SettingError::new(format!("format: `{}` is none{hint}; a notation of strftime has `%`", text::visible(format)))
    })?;
    let own = with.events.iter().map(|(kind, patterns)| {
        let list = match patterns {
            OneOrMany::One(pattern) => vec![pattern.clone()],
            OneOrMany::Many(list) => list.clone(),
        };
        (kind.clone(), list)
    });
    let own: BTreeMap<_, _> = own.collect();
    if let Some(kind) = own.keys().find(|kind| !crate::model::case::is_name(kind)) {
        return Err(SettingError::new(format!("events: `{}` is no name", text::visible(kind))));
    }
    let patterns = Patterns::new(&own, with.only_own.unwrap_or(false), with.run.as_deref());
    Ok(Log {
        subject: with.subject.clone().unwrap_or_else(|| stem(&name)),
        stated: with.subject.is_some(),
        glob: glob.map(|glob| glob.compile_matcher()),
        zone: settings.zone(with.zone.as_deref())?,
        year: with.year,
        patterns: patterns.map_err(|e| SettingError::new(format!("events: {e}")))?,
        folder,
        name,
        format,
    })
}

/// What a log is about, by its name: `pg-backup.log.2.gz` and `pg-backup.log*` are about `pg-backup`.
fn stem(name: &str) -> String {
    let end = name.find(['.', '*', '?', '[', '{']).filter(|end| *end > 0).unwrap_or(name.len());
    name[..end].trim_end_matches(['-', '_']).to_owned()
}

impl Ready {
    /// What will be read, for the plan.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Log(log) => {
                let path = text::from_name(&log.folder.join(&log.name)).into_owned();
                let mut what = format!("{path}, every line, once; zone {}", log.zone.0.name());
                for (kind, pattern) in log.patterns.own() {
                    what.push_str(&format!("; {kind} = `{pattern}`"));
                }
                what
            }
            Self::Fact(fact) => format!("the fact `{}` at `{}`", fact.id, fact.time),
            Self::File(path) => format!("{}: metadata", text::from_name(path)),
        }
    }
}

impl Log {
    /// The files of the log, the oldest first.
    ///
    /// # Errors
    /// Why the folder could not be listed, or that nothing in it fits.
    pub fn files(&self) -> Result<Vec<PathBuf>, Absence> {
        let Some(glob) = &self.glob else { return Ok(vec![self.folder.join(&self.name)]) };
        let folder = text::from_name(&self.folder).into_owned();
        let settle = format!("sudo ls -la -- {}", text::shell_word(&folder));
        let names = files::names(&self.folder).map_err(|e| subject::absence(&e, &settle))?;
        let mut names: Vec<_> = names.into_iter().filter(|name| glob.is_match(Path::new(name))).collect();
        if names.is_empty() {
            return Err(Absence::new(Reason::NotFound, format!("{folder}: no file is named like `{}`", self.name)));
        }
        if names.len() > MOST {
            let count = names.len();
            let message = format!("{folder}: {count} files are named like `{}`, more than {MOST}", self.name);
            return Err(Absence::new(Reason::Limit, message));
        }
        names.sort_by_key(|name| age(name.as_bytes()));
        Ok(names.into_iter().map(|name| self.folder.join(name)).collect())
    }

    /// Reads one file of the log; events go to `sink`.
    pub fn read(
        &self,
        path: &Path,
        index: usize,
        twins: &mut Twins,
        told: &dyn Progress,
        sink: &mut dyn FnMut(Event),
    ) -> Outcome {
        let mut outcome = Outcome {
            path: path.to_owned(),
            tally: None,
            sha256: None,
            container: "unknown",
            encoding: Encoding::default(),
            cut_short: None,
            zone: self.zone.0,
            zone_from: self.zone.1,
        };
        if let Err(absence) = self.pass(path, index, twins, told, sink, &mut outcome) {
            outcome.cut_short = Some(absence);
        }
        outcome
    }

    fn pass(
        &self,
        path: &Path,
        index: usize,
        twins: &mut Twins,
        told: &dyn Progress,
        sink: &mut dyn FnMut(Event),
        outcome: &mut Outcome,
    ) -> Result<(), Absence> {
        let name = text::from_name(path).into_owned();
        let settle = format!("sudo less -- {}", text::shell_word(&name));
        let (mut file, before) = files::open(path).map_err(|e| subject::absence(&e, &settle))?;
        let failed = |e: std::io::Error| Absence::new(Reason::Failed, format!("{name}: {e}"));
        if subject::sizeless(&mut file, &before).map_err(failed)? {
            return Err(subject::unread(path));
        }
        let (mut stored, container) = Stored::new(file, &before, told).map_err(failed)?;
        outcome.container = container.word();
        let content = Decoded::new(stored.unpack(container).map_err(failed)?);
        let mut content = std::io::Read::take(content, EXPANSION);
        let (tally, ended) = events::read(&self.source(index, &before), &mut content, twins, sink);
        let limited = content.limit() == 0;
        outcome.encoding = content.get_ref().encoding();
        let doubt = content.get_ref().doubt();
        drop(content);
        let lines = tally.lines;
        outcome.tally = Some(tally);
        let (digest, fate) = stored.finish(&before).map_err(failed)?;
        if fate == Fate::Changed {
            return Err(subject::changed(path));
        }
        outcome.sha256 = Some(digest.to_string());
        if limited {
            return Err(Absence::new(Reason::Limit, format!("{name}: more than {EXPANSION} bytes unpacked")));
        }
        let message = |e| format!("{name}: could not be unpacked beyond line {lines}: {e}");
        ended.map_err(|e| Absence::new(Reason::Unparsable, message(e)))?;
        doubt.map_or(Ok(()), |doubt| Err(subject::unsound(path, container.word(), &doubt)))
    }

    fn source(&self, index: usize, before: &Metadata) -> Source<'_> {
        let written = clock::from_epoch(before.mtime(), before.mtime_nsec());
        Source {
            index,
            subject: &self.subject,
            stated: self.stated,
            format: self.format.clone(),
            rules: Rules { zone: self.zone.0, year: self.year, written },
            patterns: &self.patterns,
            max_line: 1 << 20,
        }
    }
}

/// Sorts the files of a rotated log, the oldest first: `x.log.10.gz`, `x.log.2`, `x.log.1`, `x.log`; and
/// `x.log-20260514`, `x.log-20260515`, `x.log`.
fn age(name: &[u8]) -> (u64, Vec<u8>) {
    let plain = [b".gz".as_slice(), b".zst"].iter().find_map(|end| name.strip_suffix(*end)).unwrap_or(name);
    let digits = plain.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (stem, number) = plain.split_at(plain.len() - digits);
    let number = std::str::from_utf8(number).ok().and_then(|text| text.parse::<u64>().ok());
    match number {
        // A number counts back from now, a date counts on.
        Some(number) if digits < 8 && stem.ends_with(b".") => (1_000_000_000 - number.min(999_999_999), plain.to_vec()),
        Some(_) => (500_000_000, plain.to_vec()),
        None => (u64::MAX, plain.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_read_from_the_oldest() {
        let mut names = ["x.log", "x.log.1", "x.log.10.gz", "x.log.2.gz"];
        names.sort_by_key(|name| age(name.as_bytes()));
        assert_eq!(names, ["x.log.10.gz", "x.log.2.gz", "x.log.1", "x.log"]);
        let mut names = ["x.log", "x.log-20260515", "x.log-20260514.gz"];
        names.sort_by_key(|name| age(name.as_bytes()));
        assert_eq!(names, ["x.log-20260514.gz", "x.log-20260515", "x.log"]);
        assert_eq!((stem("pg-backup.log.2.gz").as_str(), stem("nas-*.log").as_str()), ("pg-backup", "nas"));
    }
}
