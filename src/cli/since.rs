//! What changed in the root since a run was sealed: the case and the policy as they are now, held against those in the
//! run. A verdict belongs to what was sealed; a later edit must not take it over unnoticed.

use crate::base::assets;
use crate::base::digest::Digest;
use crate::hygiene::{Masker, Raw};
use crate::model::bundle::Bundle;
use crate::model::case::Case;

use super::place::{Place, RunPlace};

/// One thing that is not any more what the run sealed.
pub struct Change {
    /// In words.
    pub sentence: String,
    /// Whether it could change the verdict or who must sign.
    pub matters: bool,
    /// Whether it is in the case and not in the policy.
    pub of_case: bool,
}

/// What changed since the run at `found` was sealed as `bundle`.
pub fn changes(place: &Place, found: &RunPlace, bundle: &Bundle) -> Vec<Change> {
    let file = found.case_folder.join("case.yaml");
    if !file.is_file() {
        return Vec::new();
    }
    let again = "collect again, or put it back as it was";
    let mut changes = Vec::new();
    let name = match place.load_case(&found.case_folder.to_string_lossy()) {
        Ok(loaded) => {
            let mut masker = Masker::new();
            let now = masker.yaml(Raw::new(loaded.bytes.clone())).into_inner();
            let keys = changed_keys(&now, &bundle.case).unwrap_or_else(|| vec!["(unreadable)".to_owned()]);
            if !keys.is_empty() {
                let matters = keys.iter().any(|key| !WORDS.contains(&key.as_str()));
                let sentence = format!("the case changed since this run ({}): {again}", keys.join(", "));
                changes.push(Change { sentence, matters, of_case: true });
            }
            loaded.case.policy
        }
        Err(_) => {
            let sentence = format!("the case changed since this run, and cannot be read now: {again}");
            changes.push(Change { sentence, matters: true, of_case: true });
            bundle.case.policy.clone()
        }
    };
    changes.extend(policy_change(place, &name, bundle));
    changes
}

/// Keys of a case that only people read: the verdict, the plan's steps and the seats do not rest on them.
const WORDS: [&str; 7] = ["title", "scope", "excluded", "requires", "proposals", "effects", "handoff"];

/// The top-level keys that differ; `None` when `now` is not a case.
pub fn changed_keys(now: &[u8], sealed: &Case) -> Option<Vec<String>> {
    let now: Case = crate::base::yaml::decode("case.yaml".as_ref(), now).ok()?;
    let (now, sealed) = (serde_json::to_value(&now).ok()?, serde_json::to_value(sealed).ok()?);
    let (now, sealed) = (now.as_object()?, sealed.as_object()?);
    let mut keys: Vec<String> = now.keys().chain(sealed.keys()).cloned().collect();
    keys.sort_unstable();
    keys.dedup();
    Some(keys.into_iter().filter(|key| now.get(key) != sealed.get(key)).collect())
}

fn policy_change(place: &Place, name: &str, bundle: &Bundle) -> Option<Change> {
    let text = |policy| serde_json::to_value(policy).ok();
    let sentence = match place.policy(name) {
        Ok((_, bytes)) => {
            let masked = Masker::new().yaml(Raw::new(bytes)).into_inner();
            let now = crate::base::yaml::decode("policy.yaml".as_ref(), &masked).ok();
            if now.as_ref().and_then(text) == text(&bundle.policy) {
                return None;
            }
            let file = place.policy_file(name);
            format!("the policy changed since this run ({file}): this verdict is by the sealed one; collect again")
        }
        Err(_) => format!("the policy `{name}` changed since this run and cannot be read now"),
    };
    Some(Change { sentence, matters: true, of_case: false })
}

/// The sentence about a sealed policy that bears the name of a built-in one and is another. A run that records no
/// rules of judgement was made before the built-in policies of this version.
pub fn policy_note(bundle: &Bundle) -> Option<String> {
    if let Some(replaced) = &bundle.info.policy_replaces {
        return Some(replaced.sentence());
    }
    let name = &bundle.policy.policy;
    let built_in = Digest::of(assets::policy(&format!("{name}.yaml"))?.as_bytes()).to_string();
    let sealed = &bundle.policy_sha256;
    let words = match bundle.info.rules {
        Some(_) => "it replaces",
        None => "the run is older than",
    };
    (built_in != *sealed).then(|| {
        format!("the policy {name} ({sealed}) is not the built-in one: {words} the built-in {name} ({built_in})")
    })
}
