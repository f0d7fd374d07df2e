//! Where things lie in a run's folder, how large they may be, and which names they may have. The
//! writer refuses what the reader would refuse, so that whatever was sealed can be read back.

use std::path::Path;

use crate::base::files;

/// The file that marks a run as not (yet) sealed; the last thing that closing removes.
pub(super) const MARKER: &str = "UNSEALED";
/// The collectors' private folder, gone when the run is sealed.
pub(super) const SCRATCH: &str = ".scratch";
/// The payload manifest.
pub(super) const MANIFEST: &str = "manifest-sha256.txt";
/// The tag manifest: its SHA-256 is the bundle's digest, and signatures are made over it.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// About the bag.
pub(super) const BAG_INFO: &str = "bag-info.txt";
/// The declaration that this is a bag.
pub(super) const BAGIT: &str = "bagit.txt";
/// What `bagit.txt` says, byte for byte.
pub(super) const BAGIT_TEXT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// The folder for detached signatures, `*.sig`; it is not covered by the manifests.
pub const SIGNATURES: &str = "signatures";

/// The case as sealed.
pub(super) const CASE: &str = "data/case.yaml";
/// The policy as sealed.
pub(super) const POLICY: &str = "data/policy.yaml";
/// The narrative as sealed.
pub(super) const NARRATIVE: &str = "data/narrative.md";
/// The templates as sealed.
pub(super) const TEMPLATES: &str = "data/templates";
/// The facts, a line each.
pub(super) const FACTS: &str = "data/facts.jsonl";
/// The artifacts, a folder for each fact that has some.
pub(super) const ARTIFACTS: &str = "data/artifacts";
/// About the run.
pub(super) const RUN: &str = "data/run.json";
/// The hygiene table.
pub(super) const HYGIENE: &str = "data/hygiene.json";
/// The verdict.
pub(super) const VERDICT: &str = "data/verdict.json";

/// What every sealed run has.
pub(super) const REQUIRED: [&str; 6] = [CASE, POLICY, FACTS, RUN, HYGIENE, VERDICT];

/// Bytes of a case, policy, narrative or template.
pub(super) const SOURCE_LIMIT: u64 = 1 << 20;
/// Bytes of `run.json`, `hygiene.json`, `verdict.json`, `bag-info.txt` and the manifests, each.
pub(super) const TEXT_LIMIT: u64 = 64 << 20;
/// Bytes of `facts.jsonl`.
pub(super) const FACTS_LIMIT: u64 = 256 << 20;
/// Bytes of all artifacts of a run together.
pub(super) const ARTIFACTS_LIMIT: u64 = 1 << 30;

/// Whether `name` may name a file in a bundle: nothing that any tool or file system would read as
/// something else.
pub(super) fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 128 && !name.starts_with(['.', '-']) && name.chars().all(plain)
}

/// Whether `path` is a plain path below the run's folder: no `..`, no `/` in front, nothing to escape.
pub(super) fn is_safe_path(path: &str) -> bool {
    path.split('/').all(is_file_name)
}

/// Whether bundles have a payload file at `path`.
pub(super) fn is_payload(path: &str) -> bool {
    let below = |folder: &str| path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    let template = below(TEMPLATES).is_some_and(is_file_name);
    let artifact = below(ARTIFACTS).and_then(|rest| rest.split_once('/'));
    let artifact = artifact.is_some_and(|(fact, name)| is_file_name(fact) && is_file_name(name));
    REQUIRED.contains(&path) || path == NARRATIVE || template || artifact
}

/// Whether `run` is being made, or was left before it was closed. A folder that has neither the
/// marker nor anything of a bag was left at the very beginning.
pub(super) fn is_unsealed(run: &Path) -> bool {
    let there = |name: &str| files::metadata(&run.join(name)).is_ok();
    there(MARKER) || !(there(BAGIT) || there(MANIFEST) || there(TAG_MANIFEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_mean_something_else_are_refused() {
        for name in ["", ".", "..", ".hidden", "-rf", "a b", "a\nb", "a/b", "%0A", "é", "a\\b"] {
            assert!(!is_file_name(name), "{name:?}");
        }
        assert!(is_safe_path("data/artifacts/log-1/excerpt.txt"));
        for path in ["/etc/passwd", "data/../x", "data//x", "data/x/", "./x"] {
            assert!(!is_safe_path(path), "{path}");
        }
    }
}
