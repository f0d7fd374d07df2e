//! `log`: what a log file says, by pattern, by time and by its end. The file is read once, in bounded
//! memory, up to the size it had when it was opened. Nothing is summed up or explained: the values
//! are counts, lines and times as they stand.

mod doc;
mod excerpt;

mod patterns;
mod scan;
pub(super) mod source;

mod tell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use chrono::Duration;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::base::{clock, files, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, settings, subject};
use crate::events::encoding::{Decoded, Encoding};
use crate::events::lines;
use crate::events::zone::Rules;
use patterns::Patterns;
use scan::{Choice, Found, Limits, Scan};
use source::{Container, Fate, Stored};

/// The collector.
pub struct LogCollector;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    #[serde(default)]
    patterns: BTreeMap<String, String>,
    around: Option<String>,
    window: Option<Value>,
    between: Option<[String; 2]>,
    tail: Option<u16>,
    context: Option<u8>,
    max_lines: Option<u16>,
    max_bytes: Option<Value>,
    max_line: Option<Value>,
    expansion_limit: Option<Value>,
    #[serde(default)]
    time: Time,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Time {
    zone: Option<String>,
    year: Option<i32>,
}

struct Ready {
    path: PathBuf,
    patterns: Patterns,
    choice: Choice,
    limits: Limits,
    max_line: usize,
    expansion_limit: u64,
    zone: Tz,
    zone_from: &'static str,
    year: Option<i32>,
}

impl Collector for LogCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let patterns = Patterns::new(&with.patterns)?;
        let (zone, zone_from) = settings.zone(with.time.zone.as_deref())?;
        let choice = choice(&with, &patterns, zone)?;
        let limits = limits(&with)?;
        let max_line = settings::bytes("max_line", with.max_line.as_ref(), 1 << 20)?;
        if patterns.names().next().is_none() && limits.tail == 0 && matches!(choice, Choice::Matches(_)) {
            return Err(SettingError::new("with: says what to read for: `patterns`, `around`, `between` or `tail`"));
        }
        Ok(Box::new(Ready {
            path: settings.path(&with.path),
            patterns,
            choice,
            limits,
            max_line: usize::try_from(max_line).unwrap_or(usize::MAX).min(256 << 20),
            expansion_limit: settings::bytes("expansion_limit", with.expansion_limit.as_ref(), 16 << 30)?,
            zone,
            zone_from,
            year: with.time.year,
        }))
    }
}

fn choice(with: &With, patterns: &Patterns, zone: Tz) -> Result<Choice, SettingError> {
    let reach = settings::seconds("window", with.window.as_ref(), 300.0)?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds() gives at most a few centuries")]
    let reach = Duration::milliseconds((reach * 1000.0) as i64);
    match (&with.around, &with.between) {
        (Some(_), Some(_)) => Err(SettingError::new("with: `around` and `between`: choose one of them")),
        (None, _) if with.window.is_some() => Err(SettingError::new("with: `window` needs `around`")),
        (None, None) => Ok(Choice::Matches(usize::from(with.context.unwrap_or(0)))),
        _ if with.context.is_some() => Err(SettingError::new("with: `context` is for patterns without a window")),
        (Some(around), None) => match patterns.position(around) {
            Some(pattern) => Ok(Choice::Around(pattern, reach)),
            None => match settings::instant("around", around, zone) {
                Ok(at) => Ok(Choice::Window(at - reach, at + reach)),
                Err(error) => Err(SettingError::new(format!("{error}, or a name under `patterns:`"))),
            },
        },
        (None, Some(between)) => {
            let (from, to) = settings::between(between, zone)?;
            Ok(Choice::Window(from, to))
        }
    }
}

fn limits(with: &With) -> Result<Limits, SettingError> {
    let bytes = settings::bytes("max_bytes", with.max_bytes.as_ref(), 64 << 10)?;
    let limits = Limits {
        lines: usize::from(with.max_lines.unwrap_or(200)),
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX).min(16 << 20),
        tail: usize::from(with.tail.unwrap_or(0)),
    };
    if limits.tail > limits.lines {
        return Err(SettingError::new("with: tail: more than `max_lines`"));
    }
    Ok(limits)
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see(surroundings).read_by(self.how()))
    }
}

/// A pass with what it took: how the file was packed and what went wrong.
struct Pass {
    found: Found,
    encoding: Encoding,
    bytes: u64,
    rules: Rules,
    /// Why not everything was read.
    cut_short: Option<Absence>,
}

impl Ready {
    fn how(&self) -> String {
        let mut how = format!("{}, every line, once", text::from_name(&self.path));
        for (name, pattern) in self.patterns.list() {
            let _ = write!(how, "; {name} = `{pattern}`");
        }
        match self.choice {
            Choice::Matches(_) => {}
            Choice::Window(from, to) => {
                let _ = write!(how, "; lines from {} to {}", clock::stamp(from), clock::stamp(to));
            }
            Choice::Around(pattern, reach) => {
                let name = self.patterns.name(pattern);
                let _ = write!(how, "; lines {}s around the first match of {name}", reach.num_seconds());
            }
        }
        if self.limits.tail > 0 {
            let _ = write!(how, "; the last {} lines", self.limits.tail);
        }
        how
    }

    fn see(&self, surroundings: &Surroundings<'_>) -> Observation {
        let (file, before) = match files::open(&self.path) {
            Ok(open) => open,
            Err(error) => return self.refused(&error),
        };
        let mut seen = Observation::of(text::from_name(&self.path));
        subject::describe(&before, &mut seen.values);
        if let Err(absence) = self.read(file, &before, surroundings, &mut seen) {
            subject::miss_the_rest(&mut seen, &doc::DOC, &absence);
        }
        seen
    }

    /// The file is there and is not a file that may be read, or it is not there.
    fn refused(&self, error: &files::ReadError) -> Observation {
        match files::metadata(&self.path) {
            Ok(described) => {
                let mut seen = Observation::of(text::from_name(&self.path));
                subject::describe(&described, &mut seen.values);
                let settle = format!("sudo less -- {}", text::shell_word(&text::from_name(&self.path)));
                subject::miss_the_rest(&mut seen, &doc::DOC, &subject::absence(error, &settle));
                seen
            }
            Err(error) => subject::unseen(&self.path, &doc::DOC, &error),
        }
    }

    fn read(
        &self,
        mut file: File,
        before: &Metadata,
        surroundings: &Surroundings<'_>,
        seen: &mut Observation,
    ) -> Result<(), Absence> {
        let failed = |e: io::Error| Absence::new(Reason::Failed, format!("{}: {e}", text::from_name(&self.path)));
        if subject::sizeless(&mut file, before).map_err(failed)? {
            return Err(subject::unread(&self.path));
        }
        let (mut stored, container) = Stored::new(file, before, surroundings.progress).map_err(failed)?;
        let mut content = stored.unpack(container).map_err(failed)?;
        let mut pass = self.pass(&mut *content, container, before);
        drop(content);
        let (digest, fate) = stored.finish(before).map_err(failed)?;
        seen.set("container", container.word());
        seen.set("grew_while_read", fate == Fate::Grew);
        if fate == Fate::Changed {
            pass.cut_short = Some(subject::changed(&self.path));
            seen.miss("sha256", subject::changed(&self.path));
        } else {
            seen.set("sha256", digest.to_string());
        }
        tell::tell(self, pass, seen);
        Ok(())
    }

    fn pass(&self, content: &mut dyn Read, container: Container, before: &Metadata) -> Pass {
        let written = clock::from_epoch(before.mtime(), before.mtime_nsec());
        let rules = Rules { zone: self.zone, year: self.year, written };
        let mut scan = Scan::new(&self.patterns, &rules, self.choice, self.limits);
        let mut content = Decoded::new(content).take(self.expansion_limit);
        let (bytes, outcome) = lines::blocks(&mut content, self.max_line, &mut |block| scan.block(&block));
        let (encoding, doubt) = (content.get_ref().encoding(), content.get_ref().doubt());
        let found = scan.finish();
        let name = text::from_name(&self.path);
        let cut_short = match outcome {
            Err(e) => {
                let message = format!("{name}: could not be unpacked beyond line {}: {e}", found.lines);
                Some(Absence::new(Reason::Unparsable, message))
            }
            Ok(()) if bytes >= self.expansion_limit => {
                let message = format!("{name}: `expansion_limit` of {} bytes reached", self.expansion_limit);
                Some(Absence::new(Reason::Limit, message))
            }
            // A line that could not be made out may match, may say a time, and may be several.
            Ok(()) => doubt.map(|doubt| subject::unsound(&self.path, container.word(), &doubt)),
        };
        Pass { found, encoding, bytes, rules, cut_short }
    }
}
