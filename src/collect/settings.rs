//! A step's settings, decoded into the collector's own type with unknown keys refused.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::de::DeserializeOwned;

use crate::base::quantity::{self, Quantity};
use crate::base::{text, yaml};
use crate::events::zone::{Moment, Rules};
use crate::model::allow::AllowedCommand;
use crate::model::case::{Case, Step, Target};
use crate::model::value::Value;

/// Everything that a collector may know when it is prepared.
pub struct Settings<'a> {
    /// The whole case: zone, targets, seats.
    pub case: &'a Case,
    /// The step.
    pub step: &'a Step,
    /// The folder that relative paths in the case start from.
    pub folder: &'a Path,
    /// The commands that the policy allows.
    pub commands: &'a [AllowedCommand],
}

/// What is wrong with a step's settings.
#[derive(Debug, thiserror::Error)]
#[error("{}{message}", .step.as_ref().map(|id| format!("collect `{id}`: ")).unwrap_or_default())]
pub struct SettingError {
    /// The step's id, once it is known which one it is.
    pub step: Option<String>,
    /// What is wrong and what to do; names keys, never evidence.
    pub message: String,
}

impl SettingError {
    /// An error that says `message`.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { step: None, message: message.into() }
    }
}

impl Settings<'_> {
    /// `with:` as a `T` (which should `deny_unknown_fields`).
    ///
    /// # Errors
    /// When a key is missing, unknown or of the wrong kind.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, SettingError> {
        let json = serde_json::to_value(Value::Map(self.step.with.clone()));
        let decoded = json.and_then(serde_json::from_value);
        decoded.map_err(|e: serde_json::Error| SettingError::new(format!("with: {}", yaml::explain(&e.to_string()))))
    }

    /// The target named by `on:`, with its name.
    ///
    /// # Errors
    /// When the step names none.
    pub fn target(&self) -> Result<(&str, &Target), SettingError> {
        let name = self.step.on.as_deref();
        let found = name.and_then(|name| Some((name, self.case.targets.get(name)?)));
        found.ok_or_else(|| SettingError::new("needs `on: TARGET`, one of the case's `targets:`"))
    }

    /// The steps of the case before this one.
    pub fn earlier(&self) -> impl Iterator<Item = &Step> {
        self.case.collect.iter().take_while(|step| step.id != self.step.id)
    }

    /// The step `id`, which the setting `key` names and which must come before this one.
    ///
    /// # Errors
    /// When it does not.
    pub fn earlier_step(&self, key: &str, id: &str) -> Result<&Step, SettingError> {
        self.earlier().find(|step| step.id == id).ok_or_else(|| {
            let hint = text::did_you_mean(id, self.earlier().map(|step| step.id.as_str()));
            let id = text::visible(id);
            SettingError::new(format!("with: {key}: no step `{id}` comes before this one{hint}"))
        })
    }

    /// The zone of times that name none, `name` or else the case's or else UTC, and which of these it is:
    /// `step`, `case` or `default`.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn zone(&self, name: Option<&str>) -> Result<(Tz, &'static str), SettingError> {
        let (name, from) = match (name, &self.case.zone) {
            (Some(name), _) => (name, "step"),
            (None, Some(name)) => (name.as_str(), "case"),
            (None, None) => ("UTC", "default"),
        };
        let zone = name.parse::<Tz>().map_err(|_| {
            let hint = text::did_you_mean(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
            SettingError::new(format!("zone: `{}` is no IANA time zone{hint}", text::visible(name)))
        });
        zone.map(|zone| (zone, from))
    }

    /// `path` as the case means it: absolute, or from the case's folder.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// An instant that a case writes, in `zone` unless it names its own.
///
/// # Errors
/// When it is no time, or not a single one, with the setting's name.
pub fn instant(key: &str, written: &str, zone: Tz) -> Result<DateTime<Utc>, SettingError> {
    let rules = Rules { zone, year: None, written: None };
    let why = match rules.read(written.trim().as_bytes()) {
        Some((_, Moment::At(instant))) => return Ok(instant),
        Some((_, moment)) => moment.note().unwrap_or_default(),
        None => "no time",
    };
    let written = text::visible(written);
    Err(SettingError::new(format!("with: {key}: `{written}`: {why}; write e.g. 2026-05-15T10:23:50+02:00")))
}

/// The two instants of `between`, in order.
///
/// # Errors
/// When one of them is none, or the first comes after the second.
pub fn between([from, to]: &[String; 2], zone: Tz) -> Result<(DateTime<Utc>, DateTime<Utc>), SettingError> {
    let (from, to) = (instant("between", from, zone)?, instant("between", to, zone)?);
    if from > to {
        return Err(SettingError::new("with: between: the first time is after the second"));
    }
    Ok((from, to))
}

/// A size such as `64 KiB` or a number of bytes; `default` when it is not given.
///
/// # Errors
/// When it is no size, with the setting's name.
pub fn bytes(name: &str, value: Option<&Value>, default: u64) -> Result<u64, SettingError> {
    let fail = || SettingError::new(format!("with: {name}: expected a size such as `64 KiB`"));
    match value {
        None => Ok(default),
        Some(Value::Int(bytes)) => u64::try_from(*bytes).map_err(|_| fail()),
        Some(Value::Text(text)) => match quantity::parse(text) {
            Ok(Quantity::Bytes(bytes)) => Ok(bytes),
            _ => Err(fail()),
        },
        Some(_) => Err(fail()),
    }
}

/// A duration such as `5m`, in seconds; `default` when it is not given.
///
/// # Errors
/// When it is no duration of at most a hundred years, with the setting's name.
pub fn seconds(name: &str, value: Option<&Value>, default: f64) -> Result<f64, SettingError> {
    let fail = || SettingError::new(format!("with: {name}: expected a duration such as `5m`"));
    let Some(value) = value else { return Ok(default) };
    let seconds = value.as_text().and_then(|text| quantity::parse_seconds(text).ok());
    seconds.filter(|seconds| *seconds <= 3.2e9).ok_or_else(fail)
}
