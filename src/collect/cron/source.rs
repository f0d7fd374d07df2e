//! Reads the files that hold schedules: crontabs, folders of them, timers with the services that
//! they start. What cannot be read is said for each file.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use crate::base::digest::Digest;
use crate::base::files::{self, ReadError};
use crate::base::links;
use crate::base::text;
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};
use crate::schedule::cron::Cron;
use crate::schedule::crontab::{self, Line};
use crate::schedule::timer::{self, OnCalendar, Unit};

use super::super::subject;
use super::{dropin, row};

/// Longer crontabs than this are not read; cron itself refuses far shorter ones.
const LONGEST: u64 = 4 << 20;

/// How many lines that say something are read in all sources together.
const MOST: usize = 5000;

/// When an entry runs.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// By the fields of a crontab.
    Cron(Cron),
    /// By `OnCalendar=`.
    Timer(OnCalendar),
    /// So many seconds after the last run.
    Every(f64),
    /// At some event, not at a time.
    Event,
}

/// One entry of any source.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// The user who runs it.
    pub user: Option<String>,
    /// The schedule as written.
    pub schedule: String,
    /// What is run.
    pub command: String,
    /// When.
    pub when: When,
    /// The zone, when it is not the machine's.
    pub zone: Option<Tz>,
    /// What must be known about it.
    pub notes: Vec<String>,
}

/// Everything that the sources say.
#[derive(Default)]
pub struct Read {
    /// Their rows.
    pub sources: Vec<Value>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// Rows of lines that would be refused.
    pub malformed: Vec<Value>,
    /// Rows of settings.
    pub environment: Vec<Value>,
    /// Why something was not read: then nothing is complete.
    pub unread: Option<Absence>,
    /// Whether a source was there at all.
    pub exists: bool,
    /// The units that were read: a timer with two names is one.
    units: BTreeSet<PathBuf>,
}

/// Units that hold no schedule.
const OTHERS: &[&str] =
    &["automount", "device", "mount", "path", "scope", "service", "slice", "socket", "swap", "target"];

/// Whether a user stands before the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// By the file's name and folder.
    Auto,
    /// No.
    User,
    /// Yes.
    System,
}

impl Read {
    /// Reads every source.
    #[must_use]
    pub fn all(sources: &[PathBuf], format: Format) -> Self {
        let mut out = Self::default();
        for source in sources {
            out.source(source, format);
        }
        out
    }

    fn source(&mut self, path: &Path, format: Format) {
        let (real, metadata) = match followed(path) {
            Ok(found) => found,
            Err(error) => return self.not_read(path, &error),
        };
        self.exists = true;
        if !metadata.is_dir() {
            return self.file(path, &real, format);
        }
        match files::names(&real) {
            Err(error) => self.not_read(path, &error),
            Ok(names) => {
                // Sorted, so that two looks at the same folder say the same.
                for name in names.into_iter().collect::<BTreeSet<_>>() {
                    let path = path.join(name);
                    if path.extension().is_some_and(|end| OTHERS.iter().any(|other| end == *other)) {
                        continue;
                    }
                    match followed(&path) {
                        Ok((_, metadata)) if metadata.is_dir() => {}
                        Ok((real, _)) => self.file(&path, &real, format),
                        Err(error) => self.not_read(&path, &error),
                    }
                }
            }
        }
    }

    fn not_read(&mut self, path: &Path, error: &ReadError) {
        let name = text::from_name(path);
        let absence = subject::absence(error, &format!("sudo cat -- {}", text::shell_word(&name)));
        self.sources.push(row([("path", name.into()), ("note", absence.reason.word().into())]));
        // That a crontab is not there is seen; what may not be read is not.
        if absence.reason.hides() {
            self.unread = self.unread.take().or(Some(absence));
        }
    }

    /// Reads the file `real`, which `path` names.
    fn file(&mut self, path: &Path, real: &Path, format: Format) {
        let name = text::from_name(path).into_owned();
        let read = files::metadata(real).and_then(|metadata| Ok((metadata, files::read(real, LONGEST)?)));
        let (metadata, bytes) = match read {
            Ok(read) => read,
            Err(error) => return self.not_read(path, &error),
        };
        let mut about = Map::new();
        subject::describe(&metadata, &mut about);
        about.retain(|key, _| matches!(key.as_str(), "mode" | "owner"));
        about.insert("path".into(), name.clone().into());
        about.insert("sha256".into(), Digest::of(&bytes).to_string().into());
        let content = String::from_utf8_lossy(&bytes).into_owned();
        let before = self.entries.len();
        let mut notes = Vec::new();
        if path.extension().is_some_and(|e| e == "timer") {
            about.insert("format".into(), "timer".into());
            let unit = unit(path, real);
            if self.units.insert(unit.clone()) {
                self.timer(&unit, real, &name, &content);
            } else {
                about.insert("note".into(), format!("the same as {}, read already", text::from_name(&unit)).into());
            }
        } else {
            let system = format == Format::System || format == Format::Auto && is_system(path);
            about.insert("format".into(), if system { "system" } else { "user" }.into());
            notes = surroundings(path, &content);
            self.crontab(&name, &content, system);
        }
        about.insert("entries".into(), (self.entries.len() - before).into());
        if !notes.is_empty() {
            about.insert("note".into(), notes.join("; ").into());
            for entry in &mut self.entries[before..] {
                entry.notes.extend(notes.iter().cloned());
            }
        }
        self.sources.push(about.into());
    }

    fn crontab(&mut self, source: &str, content: &str, system: bool) {
        for (line, read) in crontab::read(content, system) {
            if self.is_full(source) {
                return;
            }
            match read {
                Line::Setting(name, value) => self.setting(source, line, &name, value),
                Line::Malformed(why) => self.wrong(source, line, why),
                Line::Entry(entry) => {
                    let mut notes = Vec::new();
                    let zone = entry.zone.as_deref().map(str::parse::<Tz>);
                    let zone = match zone {
                        Some(Err(_)) => {
                            self.wrong(source, line, "`CRON_TZ` above it names no zone that is known here".into());
                            continue;
                        }
                        Some(Ok(zone)) => {
                            notes.push(format!("`CRON_TZ` is {zone}: cronie obeys it, Debian's cron does not"));
                            Some(zone)
                        }
                        None => None,
                    };
                    if entry.input {
                        notes.push("what follows `%` is its standard input".into());
                    }
                    let when = match entry.cron {
                        Some(cron) if zone.is_some() => When::Cron(cron.foreign()),
                        Some(cron) => When::Cron(cron),
                        None => {
                            notes.push("runs when cron starts".into());
                            When::Event
                        }
                    };
                    self.entries.push(Entry {
                        source: source.to_owned(),
                        line,
                        user: entry.user,
                        schedule: entry.written,
                        command: entry.command,
                        when,
                        zone,
                        notes,
                    });
                }
            }
        }
    }

    /// Whether no more lines are kept; then nothing is complete, and the reason says so.
    fn is_full(&mut self, source: &str) -> bool {
        let full = self.entries.len() + self.malformed.len() + self.environment.len() >= MOST;
        if full {
            let message = format!("{source}: more than {MOST} lines of schedules; name fewer sources");
            self.unread = self.unread.take().or_else(|| Some(Absence::new(Reason::Limit, message)));
        }
        full
    }

    fn setting(&mut self, source: &str, line: usize, name: &str, value: String) {
        let mut setting = Map::new();
        setting.insert("source".into(), source.into());
        setting.insert("line".into(), line.into());
        setting.insert("name".into(), name.into());
        if matches!(name, "SHELL" | "PATH" | "MAILTO" | "CRON_TZ") {
            setting.insert("value".into(), value.into());
        }
        self.environment.push(setting.into());
    }

    fn wrong(&mut self, source: &str, line: usize, why: String) {
        self.malformed.push(row([("source", source.into()), ("line", line.into()), ("why", why.into())]));
    }

    /// A row for a drop-in; gives its name.
    fn dropin(&mut self, path: &Path, content: &str) -> String {
        let name = text::from_name(path).into_owned();
        let sha256 = Digest::of(content.as_bytes()).to_string();
        self.sources.push(row([
            ("path", name.as_str().into()),
            ("format", "drop-in".into()),
            ("sha256", sha256.into()),
        ]));
        name
    }

    /// The timer `path`, whose file is `real`, with its drop-ins, which come after it and may take back what it says.
    fn timer(&mut self, path: &Path, real: &Path, source: &str, content: &str) {
        let mut files = vec![(source.to_owned(), content.to_owned())];
        for found in dropin::of(path).unwrap_or_else(|(folder, error)| {
            self.not_read(&folder, &error);
            Vec::new()
        }) {
            match files::read_text(&found, LONGEST) {
                Ok(content) => files.push((self.dropin(&found, &content), content)),
                Err(error) => self.not_read(&found, &error),
            }
        }
        let mut unit = Unit::default();
        for (file, content) in &files {
            unit.take(content);
            for (line, why) in std::mem::take(&mut unit.malformed) {
                self.wrong(file, line, why);
            }
        }
        let mut notes: Vec<String> = files[1..].iter().map(|(file, _)| format!("with the drop-in {file}")).collect();
        if unit.delay > 0.0 {
            notes.push(format!("delayed at random by up to {}s", unit.delay));
        }
        if unit.persistent {
            notes.push("a firing that was missed is caught up".into());
        }
        let service =
            unit.unit.clone().map_or_else(|| real.with_extension("service"), |name| real.with_file_name(name));
        let (command, user) = started(&service, &mut notes);
        // The last one that says it is the one that counts.
        let place = |written: &str| {
            let line = |text: &str| text.lines().position(|line| line.contains(written)).map(|at| at + 1);
            let said = files.iter().rev().find_map(|(file, text)| Some((file.clone(), line(text)?)));
            said.unwrap_or_else(|| (source.to_owned(), 1))
        };
        let mut push = |written: String, (source, line): (String, usize), when: When, zone: Option<Tz>| {
            let (command, user, notes) = (command.clone(), user.clone(), notes.clone());
            self.entries.push(Entry { source, line, user, schedule: written, command, when, zone, notes });
        };
        for written in &unit.calendars {
            if let Ok(calendar) = OnCalendar::parse(written) {
                let zone = calendar.zone;
                push(written.clone(), place(written), When::Timer(calendar), zone);
            }
        }
        for seconds in &unit.every {
            push(format!("every {seconds}s after the last run"), place("OnUnit"), When::Every(*seconds), None);
        }
        for other in &unit.others {
            push(other.clone(), place(other), When::Event, None);
        }
    }
}

/// The file behind every link of `path`, as cron and systemd follow them, and what it is.
fn followed(path: &Path) -> Result<(PathBuf, Metadata), ReadError> {
    if !files::metadata(path)?.is_symlink() {
        return Ok((path.to_owned(), files::metadata(path)?));
    }
    let real = files::real_path(path)?;
    links::note(path, &real);
    let metadata = files::metadata(&real)?;
    Ok((real, metadata))
}

/// The unit that `path` names beside its file `real`: that file, but of a template the instance.
fn unit(path: &Path, real: &Path) -> PathBuf {
    let template = text::from_name(real.file_stem().unwrap_or_default()).ends_with('@');
    let name = path.file_name().filter(|_| template);
    let unit = name.map_or_else(|| real.to_owned(), |name| real.with_file_name(name));
    // One place, whichever way led there.
    let folder = unit.parent().and_then(|folder| files::real_path(folder).ok());
    folder.zip(unit.file_name()).map_or_else(|| unit.clone(), |(folder, name)| folder.join(name))
}

/// What the service of a timer runs, and as whom; its drop-ins come after it, and an empty `ExecStart=`
/// takes back what stands above it.
fn started(service: &Path, notes: &mut Vec<String>) -> (String, Option<String>) {
    let (mut commands, mut user) = (Vec::new(), None);
    let real = files::real_path(service).unwrap_or_else(|_| service.to_owned());
    let service = real.as_path();
    let dropins = dropin::of(service).map_err(|(folder, _)| folder);
    let files = dropins.map(|dropins| [vec![service.to_owned()], dropins].concat());
    let read = |file: PathBuf| files::read_text(&file, LONGEST).map(|text| (file.clone(), text)).map_err(|_| file);
    let files: Vec<_> = match files.and_then(|files| files.into_iter().map(read).collect::<Result<_, _>>()) {
        Ok(files) => files,
        Err(file) => {
            let what = if file == service { "its service".into() } else { text::from_name(&file) };
            notes.push(format!("{what} was not read, so what it runs is not known"));
            return (text::from_name(service.file_name().unwrap_or_default()).into_owned(), None);
        }
    };
    for (file, content) in &files {
        if file != service {
            notes.push(format!("its service with the drop-in {}", text::from_name(file)));
        }
        for (_, key, value) in timer::settings(content, "Service") {
            match key.as_str() {
                "ExecStart" if value.is_empty() => commands.clear(),
                "ExecStart" => commands.push(value),
                "User" => user = Some(value).filter(|user| !user.is_empty()),
                _ => {}
            }
        }
    }
    (commands.join("; "), user)
}

fn is_system(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    path.file_name().is_some_and(|name| name == "crontab") || folder.is_some_and(|name| name == "cron.d")
}

/// What around a crontab keeps a cron from reading it.
fn surroundings(path: &Path, content: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let name = text::from_name(path.file_name().unwrap_or_default());
    let in_folder = path.parent().and_then(Path::file_name).is_some_and(|name| name == "cron.d");
    if in_folder && !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        notes.push("Debian's cron passes over a file with such a name in cron.d".into());
    }
    if !content.is_empty() && !content.ends_with('\n') {
        notes.push("the last line has no line end: Debian's cron does not take it".into());
    }
    notes
}
