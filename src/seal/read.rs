//! Reads a run back: strictly typed, sizes capped, no link followed, nothing guessed. It does not
//! re-hash; `inspect` does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::base::digest::Digest;
use crate::base::files;
use crate::base::text::visible;
use crate::base::yaml::{self, YamlError};
use crate::model::bundle::{Bundle, SealedFact};
use crate::model::case::Case;
use crate::model::fact::Fact;
use crate::model::policy::Policy;

use super::facts;
use super::layout::{self, is_file_name};
use super::runs::{RUNS, is_run_name};

/// Why a run could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its collection did not come to its end.
    #[error(
        "{run}: unsealed: its collection is still going on or ended before it was complete; \
         run `evidence collect` again, or name an earlier run"
    )]
    Unsealed {
        /// The run's folder.
        run: PathBuf,
    },
    /// A file in it could not be read.
    #[error(transparent)]
    File(#[from] files::ReadError),
    /// The sealed case or policy is not one.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Something in it has the wrong shape.
    #[error("{path}: {why}; `evidence verify` names what was changed")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, without the content.
        why: String,
    },
}

/// What can be read of a run, sealed or not.
#[derive(Clone, Debug)]
pub struct Partial {
    /// Whether its collection was brought to its end.
    pub sealed: bool,
    /// The case, if it can be read.
    pub case: Option<Case>,
    /// The facts that were kept before the end, in order.
    pub facts: Vec<KeptFact>,
    /// What could not be read, e.g. `data/facts.jsonl:3: the line has no end`.
    pub lost: Vec<String>,
}

/// A fact with the state of its line, whether or not the two agree.
#[derive(Clone, Debug)]
pub struct KeptFact {
    /// The line's number, from 1.
    pub line: usize,
    /// The fact with the anchor that the line states, and those of its artifacts that are there.
    pub sealed: SealedFact,
    /// The anchor that the fact has.
    pub anchor: String,
    /// Whether the line is the fact's canonical one but for the anchor.
    pub canonical: bool,
}

/// Reads the sealed run in the folder `run`.
///
/// # Errors
/// When it is unsealed, or anything in it is absent, too large, a link, or not of its type.
pub fn read(run: &Path) -> Result<Bundle, ReadError> {
    folder(run)?;
    if layout::is_unsealed(run) {
        return Err(ReadError::Unsealed { run: run.to_owned() });
    }
    let bundle = read_marked(run)?;
    in_place(run, &bundle)?;
    Ok(bundle)
}

/// A run under another instant's name, or among another case's runs, would pass for what it is not:
/// an old good run for the newest one. A copy that lies elsewhere claims neither.
fn in_place(run: &Path, bundle: &Bundle) -> Result<(), ReadError> {
    let among_runs = run.parent().filter(|runs| runs.ends_with(RUNS));
    let Some(case) = among_runs.and_then(Path::parent) else { return Ok(()) };
    let sealed_as = &bundle.info.run;
    if is_run_name(run) && !run.ends_with(sealed_as) {
        let why = format!("was sealed as the run `{}`: this folder was renamed or copied", visible(sealed_as));
        return Err(invalid(run, layout::RUN, why));
    }
    if case.join("case.yaml").is_file() && !case.ends_with(&bundle.case.case) {
        let why = format!("is of the case `{}`, and lies among the runs of another", bundle.case.case);
        return Err(invalid(run, layout::CASE, why));
    }
    Ok(())
}

/// The same, for the writer's own look before it removes the marker.
pub(super) fn read_marked(run: &Path) -> Result<Bundle, ReadError> {
    folder(run)?;
    folder(&run.join("data"))?;
    let tags = files::read(&run.join(layout::TAG_MANIFEST), layout::TEXT_LIMIT)?;
    let case: Case = yaml::read(&run.join(layout::CASE))?.0;
    case.validate().map_err(|e| invalid(run, layout::CASE, e.to_string()))?;
    let (policy, policy_bytes): (Policy, _) = yaml::read(&run.join(layout::POLICY))?;
    policy.validate().map_err(|e| invalid(run, layout::POLICY, e.to_string()))?;
    Ok(Bundle {
        info: json(run, layout::RUN)?,
        case,
        policy,
        policy_sha256: Digest::of(&policy_bytes).to_string(),
        narrative: narrative(run)?,
        templates: templates(run)?,
        facts: sealed_facts(run)?,
        hygiene: json(run, layout::HYGIENE)?,
        verdict: json(run, layout::VERDICT)?,
        digest: Digest::of(&tags).to_string(),
    })
}

/// Reads what there is of the run in the folder `run`, so that what a killed run left can be
/// looked at. Nothing in it was judged.
///
/// # Errors
/// When the folder or its `facts.jsonl` cannot be read at all.
pub fn read_partial(run: &Path) -> Result<Partial, ReadError> {
    folder(run)?;
    let mut partial = Partial {
        sealed: !layout::is_unsealed(run),
        case: yaml::read(&run.join(layout::CASE)).ok().map(|(case, _)| case),
        facts: Vec::new(),
        lost: Vec::new(),
    };
    let bytes = match folder(&run.join("data")).and_then(|()| facts::load(run)) {
        // Ended before the first fact.
        Err(ReadError::File(files::ReadError::Absent { .. })) => Vec::new(),
        other => other?,
    };
    let mut room = layout::ARTIFACTS_LIMIT;
    for (line, read) in facts::lines(&bytes) {
        let kept = read.and_then(|text| keep(run, line, text, &mut room, &mut partial.lost));
        match kept {
            Ok(fact) => partial.facts.push(fact),
            Err(why) => partial.lost.push(format!("{}:{line}: {why}", layout::FACTS)),
        }
    }
    Ok(partial)
}

fn keep(run: &Path, line: usize, text: &[u8], room: &mut u64, lost: &mut Vec<String>) -> Result<KeptFact, String> {
    let facts::Line { anchor, fact } = facts::parse(text)?;
    let form = facts::form(&fact).map_err(|_| "the fact has no canonical form".to_owned())?;
    let artifacts = artifacts(run, &fact, room).unwrap_or_else(|error| {
        lost.push(error.to_string());
        BTreeMap::new()
    });
    let stated = text.get(PREFIX..).unwrap_or_default();
    let canonical = text.len() == form.line.len() && form.line.ends_with(stated);
    Ok(KeptFact { line, sealed: SealedFact { anchor, fact, artifacts }, anchor: form.anchor.to_string(), canonical })
}

/// Bytes of a line before the end of its anchor: what the anchor itself can change.
const PREFIX: usize = "{\"anchor\":\"".len() + 64;

fn sealed_facts(run: &Path) -> Result<Vec<SealedFact>, ReadError> {
    let bytes = facts::load(run)?;
    let mut ids = BTreeSet::new();
    let mut room = layout::ARTIFACTS_LIMIT;
    let mut sealed = Vec::new();
    for (line, read) in facts::lines(&bytes) {
        let at_line = |why: String| invalid(run, layout::FACTS, format!("line {line}: {why}"));
        let facts::Line { anchor, fact } = read.and_then(facts::parse).map_err(at_line)?;
        if !ids.insert(fact.id.clone()) {
            return Err(at_line(format!("the id `{}` stands twice", visible(&fact.id))));
        }
        let artifacts = artifacts(run, &fact, &mut room)?;
        sealed.push(SealedFact { anchor, fact, artifacts });
    }
    Ok(sealed)
}

/// The artifacts that `fact` lists; `room` is how many bytes all that follow may still have.
fn artifacts(run: &Path, fact: &Fact, room: &mut u64) -> Result<BTreeMap<String, Vec<u8>>, ReadError> {
    let mut read = BTreeMap::new();
    if fact.artifacts.is_empty() {
        return Ok(read);
    }
    let names = fact.artifacts.iter().map(|artifact| &artifact.name);
    if !names.chain([&fact.id]).all(|name| is_file_name(name)) {
        return Err(invalid(run, layout::FACTS, "a fact or artifact has a name that bundles never have".to_owned()));
    }
    folder(&run.join(layout::ARTIFACTS))?;
    let place = run.join(layout::ARTIFACTS).join(&fact.id);
    folder(&place)?;
    for artifact in &fact.artifacts {
        let bytes = files::read(&place.join(&artifact.name), *room)?;
        *room -= bytes.len() as u64;
        read.insert(artifact.name.clone(), bytes);
    }
    Ok(read)
}

fn narrative(run: &Path) -> Result<Option<String>, ReadError> {
    match files::read_text(&run.join(layout::NARRATIVE), layout::SOURCE_LIMIT) {
        Ok(text) => Ok(Some(text)),
        Err(files::ReadError::Absent { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

fn templates(run: &Path) -> Result<BTreeMap<String, String>, ReadError> {
    let place = run.join(layout::TEMPLATES);
    match folder(&place) {
        Err(ReadError::File(files::ReadError::Absent { .. })) => return Ok(BTreeMap::new()),
        other => other?,
    }
    let mut templates = BTreeMap::new();
    for name in files::names(&place)? {
        let named = name.to_str().filter(|name| is_file_name(name));
        let name = named.ok_or_else(|| invalid(run, layout::TEMPLATES, "a name that bundles never have".to_owned()))?;
        templates.insert(name.to_owned(), files::read_text(&place.join(name), layout::SOURCE_LIMIT)?);
    }
    Ok(templates)
}

fn json<T: DeserializeOwned>(run: &Path, path: &str) -> Result<T, ReadError> {
    let bytes = files::read(&run.join(path), layout::TEXT_LIMIT)?;
    let why = |e: serde_json::Error| format!("line {}, column {}: not what stands there", e.line(), e.column());
    serde_json::from_slice(&bytes).map_err(|e| invalid(run, path, why(e)))
}

/// A link in the middle of a path is followed by the system, so each folder is looked at itself.
pub(super) fn folder(path: &Path) -> Result<(), ReadError> {
    let metadata = files::metadata(path)?;
    match files::kind(&metadata) {
        "folder" => Ok(()),
        kind => Err(ReadError::Invalid { path: path.to_owned(), why: format!("is a {kind}, not a folder") }),
    }
}

fn invalid(run: &Path, path: &str, why: String) -> ReadError {
    ReadError::Invalid { path: run.join(path), why }
}
