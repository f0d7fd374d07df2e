//! `backup`: is this backup any good, and what is in it. The examiner reads the file once; this
//! collector opens it, sets the limits and says what of the findings can be relied on: a file that
//! changed meanwhile, or that was not read to its end, has no findings to rely on.

mod doc;
mod expect;
mod shape;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;

use crate::base::clock::Deadline;
use crate::base::{files, quantity, text};
use crate::examine::{self, Examination, Options};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, settings, subject};

/// The collector.
pub struct BackupCollector;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    #[serde(default)]
    payload_digest: bool,
    member: Option<String>,
    expansion_limit: Option<Value>,
    time_limit: Option<Value>,
    max_names: Option<u16>,
    #[serde(default)]
    expect: expect::Expect,
}

struct Ready {
    path: PathBuf,
    member: Option<String>,
    options: Options,
    time_limit: Duration,
    /// Names of each kind shown in the values.
    max_names: usize,
    expect: expect::Expect,
}

impl Collector for BackupCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let expansion_limit = settings::bytes("expansion_limit", with.expansion_limit.as_ref(), 1 << 40)?;
        let seconds = settings::seconds("time_limit", with.time_limit.as_ref(), 3600.0)?;
        let options = Options {
            payload_digests: with.payload_digest,
            expansion_limit: Some(expansion_limit),
            ..Options::default()
        };
        Ok(Box::new(Ready {
            path: settings.path(&with.path),
            member: with.member,
            options,
            time_limit: Duration::from_secs_f64(seconds),
            max_names: usize::from(with.max_names.unwrap_or(1000)),
            expect: with.expect,
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
        let digests = if self.options.payload_digests { ", digests of the payload" } else { "" };
        let member = self.member.as_ref().map_or_else(String::new, |name| format!(", member {name}"));
        let expansion = quantity::show_bytes(self.options.expansion_limit.unwrap_or(u64::MAX));
        let time = quantity::show_seconds(self.time_limit.as_secs_f64());
        let name = text::from_name(&self.path);
        format!("{name}, every byte, once, examined as a backup{member}{digests}; at most {expansion} unpacked, {time}")
    }

    fn see(&self, surroundings: &Surroundings<'_>) -> Observation {
        let described = match files::metadata(&self.path) {
            Ok(described) => described,
            Err(error) => return subject::unseen(&self.path, &doc::DOC, &error),
        };
        let name = text::from_name(&self.path);
        let mut seen = Observation::of(name.clone());
        seen.set("path", name.clone());
        let outcome = match files::open(&self.path) {
            Ok((file, before)) => {
                shape::describe(&before, &mut seen);
                self.examine(file, &before, surroundings)
            }
            Err(error) => {
                shape::describe(&described, &mut seen);
                let settle = format!("sudo evidence examine {}", text::shell_word(&name));
                Err(subject::absence(&error, &settle))
            }
        };
        match outcome {
            Ok(found) => shape::tell(self, found, &mut seen),
            Err(absence) => subject::miss_the_rest(&mut seen, &doc::DOC, &absence),
        }
        seen
    }

    fn examine(&self, file: File, before: &Metadata, surroundings: &Surroundings<'_>) -> Result<Examination, Absence> {
        let deadline = Deadline::after(self.time_limit);
        let told = AtomicU64::new(0);
        let progress =
            |read: u64| surroundings.progress.advance(read.saturating_sub(told.swap(read, Ordering::Relaxed)));
        // Not beyond the size that it had: a file that grows as fast as it is read would never end.
        let mut file = file;
        let found = examine::examine((&mut file).take(before.len()), &self.options, &progress, &|| deadline.passed());
        let name = text::from_name(&self.path);
        let found = found.map_err(|e| Absence::new(Reason::Failed, format!("{name}: {e}")))?;
        let same = files::unchanged(&file, before);
        let same = same.map_err(|e| Absence::new(Reason::Failed, format!("{name}: {e}")))?;
        if !same || (found.stored_bytes != before.len() && !found.time_limit_hit) {
            return Err(subject::changed(&self.path));
        }
        Ok(found)
    }
}
