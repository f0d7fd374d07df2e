//! Level 2: every fact has the anchor that it states, its artifacts are those that it lists, and the
//! facts are those that the case asks for, in its order. This holds even when somebody repaired the
//! manifests.

use std::collections::BTreeSet;
use std::path::Path;

use crate::base::digest::Digest;
use crate::base::text::{plural, visible};
use crate::model::bundle::SealedFact;
use crate::model::case::Case;
use crate::model::fact::Artifact;
use crate::model::verification::{Level, LevelStatus};
use crate::seal::{self, Inspection, KeptFact, Partial};

const NAME: &str = "facts' anchors";
const FACTS: &str = "data/facts.jsonl";

pub(super) fn level(run: &Path, inspection: &Inspection) -> Level {
    let partial = match seal::read_partial(run) {
        Ok(partial) => partial,
        Err(error) => return super::because(NAME, &error),
    };
    let mut broken: Vec<_> = partial.facts.iter().flat_map(line_faults).collect();
    broken.extend(partial.facts.iter().flat_map(|kept| artifact_faults(&kept.sealed)));
    broken.extend(strays(inspection, &partial));
    broken.extend(partial.case.iter().flat_map(|case| order_faults(case, &partial.facts)));
    // What may not be read was not changed by that.
    let unseen = !inspection.unread.is_empty();
    let status = match () {
        () if !broken.is_empty() || (!partial.lost.is_empty() && !unseen) => LevelStatus::Broken,
        () if !partial.lost.is_empty() || partial.case.is_none() => LevelStatus::NotDone,
        () => LevelStatus::Holds,
    };
    broken.extend(partial.lost.iter().map(|lost| visible(lost).into_owned()));
    if partial.case.is_none() {
        broken.push("data/case.yaml: cannot be read, so nobody can tell which facts were asked for".to_owned());
    }
    if status == LevelStatus::Holds {
        let artifacts = partial.facts.iter().map(|kept| kept.sealed.artifacts.len()).sum();
        broken.push(format!("{}, {}", plural(partial.facts.len(), "fact"), plural(artifacts, "artifact")));
    }
    super::level(NAME, status, broken)
}

fn line_faults(kept: &KeptFact) -> Vec<String> {
    let place = format!("{FACTS}:{}: `{}`", kept.line, visible(&kept.sealed.fact.id));
    let mut faults = Vec::new();
    if kept.sealed.anchor != kept.anchor {
        faults.push(format!("{place}: its anchor is {}, not the one that it states", kept.anchor));
    }
    if !kept.canonical {
        faults.push(format!("{place}: the line is not canonical JSON"));
    }
    faults
}

fn artifact_faults(sealed: &SealedFact) -> Vec<String> {
    let there = sealed.fact.artifacts.iter().filter_map(|listed| Some((listed, sealed.artifacts.get(&listed.name)?)));
    let other = |listed: &Artifact, bytes: &[u8]| {
        bytes.len() as u64 != listed.bytes || Digest::of(bytes).to_string() != listed.sha256
    };
    let place = |name: &str| format!("data/artifacts/{}/{}", visible(&sealed.fact.id), visible(name));
    let faults = there.filter(|(listed, bytes)| other(listed, bytes));
    faults.map(|(listed, _)| format!("{}: is not the artifact that the fact lists", place(&listed.name))).collect()
}

/// Artifacts that no fact lists.
fn strays(inspection: &Inspection, partial: &Partial) -> Vec<String> {
    let listed: BTreeSet<_> = partial.facts.iter().flat_map(|kept| paths(&kept.sealed)).collect();
    let stray = inspection.payload.iter().filter(|path| path.starts_with("data/artifacts/") && !listed.contains(*path));
    stray.map(|path| format!("{path}: no fact lists it")).collect()
}

fn paths(sealed: &SealedFact) -> impl Iterator<Item = String> {
    sealed.fact.artifacts.iter().map(|artifact| format!("data/artifacts/{}/{}", sealed.fact.id, artifact.name))
}

/// A fact may be neither taken away, nor added, nor moved, nor put under another collector's name.
fn order_faults(case: &Case, facts: &[KeptFact]) -> Vec<String> {
    let steps = case.facts();
    let asked = steps.iter().map(|step| (step.id.as_str(), step.uses.as_str(), step.on.as_deref()));
    let seen = facts.iter().map(|kept| &kept.sealed.fact);
    let seen = seen.map(|fact| (fact.id.as_str(), fact.uses.as_str(), fact.target.as_deref()));
    let (asked, seen): (Vec<_>, Vec<_>) = (asked.collect(), seen.collect());
    let Some(index) = (0..asked.len().max(seen.len())).find(|index| asked.get(*index) != seen.get(*index)) else {
        return Vec::new();
    };
    let show = |fact: Option<&(&str, &str, Option<&str>)>| match fact {
        Some((id, uses, on)) => {
            format!("`{}` ({}{})", visible(id), visible(uses), on.map(|_| ", on a target").unwrap_or_default())
        }
        None => "nothing".to_owned(),
    };
    let (asked, seen) = (show(asked.get(index)), show(seen.get(index)));
    vec![format!("{FACTS}:{}: the case asks for {asked} here, the facts have {seen}", index + 1)]
}
