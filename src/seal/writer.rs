//! Makes a bundle, in an order that holds at every moment: the marker `UNSEALED` is the first thing
//! made and the last thing removed, every fact is on the disk before the next look begins, and a
//! run loses its marker only after it was read back whole. Takes only what was masked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::base::digest::{Digest, Hasher};
use crate::base::files::{self, Appender, FolderLock, WriteError};
use crate::base::{clock, yaml};
use crate::hygiene::Masked;
use crate::model::bundle::{HygieneTable, RunInfo, SealedFact};
use crate::model::case::Case;
use crate::model::verdict::Verdict;

use super::error::SealError;
use super::inspect;
use super::layout::{self, is_file_name};
use super::read::{self, ReadError};
use super::runs::{RUNS, runs};
use super::{check, manifest};

/// What the marker says.
const UNSEALED: &str =
    "This run is not sealed: it is being collected, or its collection ended before it was complete.\n";

/// A run being made. Dropped without [`Writer::close`], it stays unsealed and says so.
pub struct Writer {
    run: PathBuf,
    name: String,
    scratch: PathBuf,
    entries: BTreeMap<String, Digest>,
    payload_bytes: u64,
    artifact_bytes: u64,
    facts: Appender,
    facts_hash: Hasher,
    facts_bytes: u64,
    ids: BTreeSet<String>,
    failed: bool,
    _lock: FolderLock,
}

impl Writer {
    /// Makes the folder of a new run of the case in `case_folder`, started at `started`, and holds
    /// the case until the writer is dropped. Also clears what killed runs left in their scratch.
    ///
    /// # Errors
    /// When another process collects this case, or the system refuses.
    pub fn begin(case_folder: &Path, started: DateTime<Utc>) -> Result<Self, SealError> {
        let folder = case_folder.join(RUNS);
        files::make_folder(&folder)?;
        // A link would lead what we write, and what we clear, to wherever somebody else likes.
        read::folder(&folder)?;
        let busy = || SealError::Busy { case: case_folder.to_owned() };
        let lock = FolderLock::take(&folder)?.ok_or_else(busy)?;
        clear_scratch(case_folder)?;
        let (run, name) = new_run(case_folder, &folder, &clock::run_name(started))?;
        files::write(&run.join(layout::MARKER), UNSEALED.as_bytes())?;
        files::sync_folder(&folder)?;
        let scratch = run.join(layout::SCRATCH);
        files::make_folder(&run.join("data"))?;
        let facts = Appender::create(&run.join(layout::FACTS))?;
        files::sync_folder(&run.join("data"))?;
        Ok(Self {
            run,
            name,
            scratch,
            entries: BTreeMap::new(),
            payload_bytes: 0,
            artifact_bytes: 0,
            facts,
            facts_hash: Hasher::default(),
            facts_bytes: 0,
            ids: BTreeSet::new(),
            failed: false,
            _lock: lock,
        })
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.run
    }

    /// The run's name, e.g. `20260515T102350Z`, with `-2` when it is the second in that second.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A private folder for temporary files, made now; removed when the writer is closed or dropped.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn scratch(&self) -> Result<PathBuf, SealError> {
        files::make_folder(&self.scratch)?;
        Ok(self.scratch.clone())
    }

    /// Writes in the marker what is about to be done, so that a run that is killed now says so.
    ///
    /// # Errors
    /// When the system refuses; it must then not be done.
    pub fn announce(&mut self, what: &str) -> Result<(), SealError> {
        let text = format!("{UNSEALED}{what}\n");
        files::write(&self.run.join(layout::MARKER), text.as_bytes())?;
        Ok(())
    }

    /// Keeps a file that the run depends on: `case.yaml`, `policy.yaml`, `narrative.md` or
    /// `templates/<name>`.
    ///
    /// # Errors
    /// When the name is another, the text would not be read back, or the system refuses.
    pub fn source(&mut self, name: &str, content: Masked<Vec<u8>>) -> Result<(), SealError> {
        let path = format!("data/{name}");
        let template = path.strip_prefix(layout::TEMPLATES).and_then(|rest| rest.strip_prefix('/'));
        let known = matches!(path.as_str(), layout::CASE | layout::POLICY | layout::NARRATIVE);
        if !known && !template.is_some_and(is_file_name) {
            return Err(SealError::name(name, "sources are case.yaml, policy.yaml, narrative.md and templates/<name>"));
        }
        check::within(&path, content.len() as u64, layout::SOURCE_LIMIT)?;
        check::source(&path, &content)?;
        self.put(&path, &content)
    }

    fn check(&self, sealed: &SealedFact) -> Result<Vec<u8>, SealError> {
        if self.ids.contains(&sealed.fact.id) {
            return Err(SealError::name(&sealed.fact.id, "a fact of that id stands in it already"));
        }
        let line = check::fact(sealed)?;
        let artifacts = self.artifact_bytes + check::bytes_of(sealed);
        check::within("the run's artifacts", artifacts, layout::ARTIFACTS_LIMIT)?;
        check::within(layout::FACTS, self.facts_bytes + line.len() as u64 + 1, layout::FACTS_LIMIT)?;
        Ok(line)
    }

    /// Keeps a fact: its artifacts first, then its line with the anchor, each synced.
    ///
    /// # Errors
    /// When its id or an artifact's name cannot stand in a bundle, its artifacts are not those it
    /// lists, or the system refuses; after a refusal of the system the run can no longer be closed.
    pub fn fact(&mut self, sealed: Masked<SealedFact>) -> Result<(), SealError> {
        let line = self.check(&sealed)?;
        self.artifact_bytes += check::bytes_of(&sealed);
        for (name, bytes) in &sealed.artifacts {
            self.put(&format!("{}/{}/{name}", layout::ARTIFACTS, sealed.fact.id), bytes)?;
        }
        self.ids.insert(sealed.fact.id.clone());
        let appended = self.facts.line(&line);
        self.failed |= appended.is_err();
        appended?;
        self.facts_hash.update(&line);
        self.facts_hash.update(b"\n");
        self.facts_bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Removes the run that was begun. A run in which an action was announced stays.
    ///
    /// # Errors
    /// When the system refuses; the run then stays unsealed.
    pub fn discard(self) -> Result<(), SealError> {
        if !super::acted(&self.run) {
            files::remove_folder(&self.run)?;
        }
        Ok(())
    }

    /// Seals the run: run, hygiene and verdict, the manifests, a look at what the disk holds, and
    /// at last the marker is removed. Gives the bundle's digest, the SHA-256 of its tag manifest.
    /// The run's own name replaces the one in `info`.
    ///
    /// # Errors
    /// When the system refuses or the bundle could not be read back; the run then stays unsealed.
    pub fn close(mut self, info: &RunInfo, hygiene: &HygieneTable, verdict: &Verdict) -> Result<Digest, SealError> {
        if self.failed {
            return Err(SealError::Failed);
        }
        files::remove_folder(&self.scratch)?;
        let info = RunInfo { run: self.name.clone(), ..info.clone() };
        self.put_json(layout::RUN, &info)?;
        self.put_json(layout::HYGIENE, hygiene)?;
        self.put_json(layout::VERDICT, verdict)?;
        let tags = self.bag(&info)?;
        let inspection = inspect::inspect_marked(&self.run);
        if !inspection.is_whole() {
            return Err(SealError::Damaged(inspection.to_string()));
        }
        read::read_marked(&self.run)?;
        files::remove(&self.run.join(layout::MARKER))?;
        files::sync_folder(&self.run)?;
        Ok(tags)
    }

    /// Writes the four files that make a bag of the folder.
    fn bag(&mut self, info: &RunInfo) -> Result<Digest, SealError> {
        let mut payload = self.entries.clone();
        payload.insert(layout::FACTS.to_owned(), self.facts_hash.clone().finish());
        let total = self.payload_bytes + self.facts_bytes;
        let tags = [
            (layout::BAG_INFO, self.bag_info(info, total, payload.len())?),
            (layout::BAGIT, layout::BAGIT_TEXT.to_owned()),
            (layout::MANIFEST, manifest::write(payload.iter())),
        ];
        let mut digests = BTreeMap::new();
        for (name, content) in &tags {
            files::write(&self.run.join(name), content.as_bytes())?;
            digests.insert((*name).to_owned(), Digest::of(content.as_bytes()));
        }
        let tag_manifest = manifest::write(digests.iter());
        files::write(&self.run.join(layout::TAG_MANIFEST), tag_manifest.as_bytes())?;
        Ok(Digest::of(tag_manifest.as_bytes()))
    }

    fn bag_info(&self, info: &RunInfo, bytes: u64, count: usize) -> Result<String, SealError> {
        let case: Case = yaml::read(&self.run.join(layout::CASE)).map_err(ReadError::from)?.0;
        let date = info.ended_at.get(..10).unwrap_or_default();
        Ok(format!(
            "Bag-Software-Agent: evidence {}\nBagging-Date: {date}\nExternal-Identifier: {}/{}\nPayload-Oxum: {bytes}.{count}\n",
            info.tool_version, case.case, self.name,
        ))
    }

    fn put_json<T: Serialize>(&mut self, path: &str, value: &T) -> Result<(), SealError> {
        let json = serde_json::to_vec_pretty(value);
        let mut json = json.map_err(|e| SealError::Unreadable { what: path.to_owned(), why: e.to_string() })?;
        json.push(b'\n');
        check::within(path, json.len() as u64, layout::TEXT_LIMIT)?;
        self.put(path, &json)
    }

    /// Writes a payload file and remembers the digest of what was meant, not of what the disk has.
    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), SealError> {
        if self.entries.contains_key(path) {
            return Err(SealError::name(path, "it stands in the bundle already"));
        }
        let written = self.put_file(&self.run.join(path), bytes);
        self.failed |= written.is_err();
        written?;
        self.entries.insert(path.to_owned(), Digest::of(bytes));
        self.payload_bytes += bytes.len() as u64;
        Ok(())
    }

    fn put_file(&self, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        let folder = path.parent().unwrap_or(&self.run);
        if files::metadata(folder).is_err() {
            files::make_folder(folder)?;
            let mut above = folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.run));
            above.try_for_each(files::sync_folder)?;
        }
        files::write(path, bytes)
    }
}

impl Drop for Writer {
    /// The scratch may hold what was not masked yet.
    fn drop(&mut self) {
        let _ = files::remove_folder(&self.scratch);
    }
}

/// What a collector left in the scratch of a killed run may not be masked; it goes at once.
fn clear_scratch(case_folder: &Path) -> Result<(), SealError> {
    for run in runs(case_folder)?.into_iter().filter(|run| !run.sealed) {
        files::remove_folder(&run.path.join(layout::SCRATCH))?;
    }
    Ok(())
}

fn new_run(case_folder: &Path, folder: &Path, name: &str) -> Result<(PathBuf, String), SealError> {
    let names = std::iter::once(name.to_owned()).chain((2..100).map(|n| format!("{name}-{n}")));
    for name in names {
        let run = folder.join(&name);
        if files::make_new_folder(&run)? {
            return Ok((run, name));
        }
    }
    Err(SealError::Crowded { case: case_folder.to_owned() })
}
