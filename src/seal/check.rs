//! What may stand in a bundle: the writer asks here before it writes, so that nothing is sealed that
//! could not be read back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::digest::Digest;
use crate::base::text::visible;
use crate::base::yaml;
use crate::model::bundle::SealedFact;
use crate::model::case::{Case, is_name};
use crate::model::fact::Artifact;
use crate::model::policy::Policy;

use super::error::SealError;
use super::facts;
use super::layout::{self, is_file_name};

/// What a fact must fulfil to be readable again; gives its line.
pub(super) fn fact(sealed: &SealedFact) -> Result<Vec<u8>, SealError> {
    let fact = &sealed.fact;
    let unreadable = |why: String| SealError::Unreadable { what: format!("fact `{}`", visible(&fact.id)), why };
    if !is_name(&fact.id) {
        return Err(SealError::name(&fact.id, "a fact's id is a name of the case"));
    }
    if let Some(name) = sealed.artifacts.keys().find(|name| !is_file_name(name)) {
        return Err(SealError::name(name, "an artifact's name has letters, digits, `.`, `-` and `_`"));
    }
    let listed: BTreeMap<_, _> = fact.artifacts.iter().map(|artifact| (&artifact.name, artifact)).collect();
    let kept = sealed.artifacts.iter().map(|(name, bytes)| describe(name, bytes));
    if listed.len() != fact.artifacts.len() || !kept.eq(listed.into_values().cloned()) {
        return Err(unreadable("its artifacts are not those that it lists".to_owned()));
    }
    let form = facts::form(fact).map_err(|e| unreadable(e.to_string()))?;
    let read = facts::parse(&form.line).map_err(&unreadable)?;
    // Numbers may be spelled otherwise (3.0 and 3), but the line must stay the same.
    if facts::form(&read.fact).is_ok_and(|again| again.line == form.line) {
        return Ok(form.line);
    }
    Err(unreadable("a number in it does not survive JSON".to_owned()))
}

fn describe(name: &str, bytes: &[u8]) -> Artifact {
    Artifact { name: name.to_owned(), bytes: bytes.len() as u64, sha256: Digest::of(bytes).to_string() }
}

/// Bytes of all artifacts of a fact.
pub(super) fn bytes_of(sealed: &SealedFact) -> u64 {
    sealed.fact.artifacts.iter().map(|artifact| artifact.bytes).sum()
}

/// What a source must fulfil to be readable again.
pub(super) fn source(path: &str, content: &[u8]) -> Result<(), SealError> {
    let named = Path::new(path);
    let read = match path {
        layout::CASE => match yaml::decode::<Case>(named, content) {
            Ok(case) => case.validate().map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        },
        layout::POLICY => match yaml::decode::<Policy>(named, content) {
            Ok(policy) => policy.validate().map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        },
        _ => std::str::from_utf8(content).map(drop).map_err(|_| "not UTF-8 text".to_owned()),
    };
    read.map_err(|why| SealError::Unreadable { what: path.to_owned(), why })
}

/// Refuses more than `limit` bytes.
pub(super) fn within(what: &str, bytes: u64, limit: u64) -> Result<(), SealError> {
    if bytes <= limit {
        return Ok(());
    }
    Err(SealError::TooLarge { what: what.to_owned(), limit })
}
