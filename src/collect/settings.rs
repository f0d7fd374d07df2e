//! A step's settings, decoded into the collector's own type with unknown keys refused.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::base::quantity::{self, Quantity};
use crate::base::yaml;
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

    /// `path` as the case means it: absolute, or from the case's folder.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
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
