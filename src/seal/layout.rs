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
/// The folder for what is said about a sealed run afterwards: statements of seats with their detached
/// signatures, attestations, timestamps. The manifests do not cover it.
pub const SIGNATURES: &str = "signatures";
/// The ending of a seat's statement, of its attestation, of a signature, of a timestamp.
pub(super) const STATEMENT_END: &str = ".json";
/// See [`STATEMENT_END`].
pub(super) const ATTESTATION_END: &str = ".dsse.json";
/// See [`STATEMENT_END`].
pub(super) const SIGNATURE_END: &str = ".sig";
/// See [`STATEMENT_END`].
pub(super) const TIMESTAMP_END: &str = ".tsr";

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

/// What the file at `path` must stand beside, if it is one that may lie in `signatures/`: a statement
/// is worth nothing without its signature, a timestamp nothing without what it was made over. `Some("")`
/// stands alone.
pub(super) fn beside(path: &str) -> Option<String> {
    let name = path.strip_prefix(SIGNATURES)?.strip_prefix('/').filter(|name| is_file_name(name))?;
    if name.ends_with(ATTESTATION_END) || name.ends_with(SIGNATURE_END) {
        return Some(String::new());
    }
    if let Some(seat) = name.strip_suffix(STATEMENT_END) {
        return Some(format!("{SIGNATURES}/{seat}{SIGNATURE_END}"));
    }
    match name.strip_suffix(TIMESTAMP_END)? {
        TAG_MANIFEST => Some(TAG_MANIFEST.to_owned()),
        signature => signature.ends_with(SIGNATURE_END).then(|| format!("{SIGNATURES}/{signature}")),
    }
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
    fn only_what_is_said_about_a_run_may_lie_beside_it() {
        let there = |name: &str| beside(&format!("signatures/{name}"));
        assert_eq!(there("dba.sig").as_deref(), Some(""));
        assert_eq!(there("verifier.dsse.json").as_deref(), Some(""));
        assert_eq!(there("verifier.json").as_deref(), Some("signatures/verifier.sig"));
        assert_eq!(there("verifier.sig.tsr").as_deref(), Some("signatures/verifier.sig"));
        assert_eq!(there("tagmanifest-sha256.txt.tsr").as_deref(), Some(TAG_MANIFEST));
        for name in ["notes.txt", "x/y.sig", "verifier.json.tsr", ".sig", "manifest-sha256.txt.tsr", "x.tsr"] {
            assert_eq!(there(name), None, "{name}");
        }
        assert_eq!(beside("data/x.sig"), None);
    }

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
