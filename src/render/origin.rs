//! Which templates are built in. A built-in template is part of the program and is trusted to print
//! the verdict. Any other text under `templates/` is not, even under a built-in name: names prove
//! nothing, so digests decide. Digests of earlier releases count, because their bundles must verify.

use std::collections::BTreeMap;

use super::needed;
use crate::base::assets;
use crate::base::digest::Digest;
use crate::model::verification::NOT_BUILT_IN;

/// Where the templates of a bundle come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// All are those of this program.
    BuiltIn,
    /// All are built in, some only in an earlier release.
    Released,
    /// Some are not built in: their file names and SHA-256.
    Own(Vec<(String, String)>),
}

impl Origin {
    /// The origin of `templates`, of which the one called `entry` is the one that the case names.
    fn of(templates: &BTreeMap<String, String>, entry: &str) -> Self {
        // A partial alone leaves out what a record must hold.
        let partial = |name: &str| name == entry && name.starts_with('_');
        let own = templates.iter().filter(|(name, text)| partial(name) || !is_built_in(name, text));
        let own: Vec<_> = own.map(|(name, text)| (name.clone(), Digest::of(text.as_bytes()).to_string())).collect();
        match own.is_empty() {
            false => Self::Own(own),
            true if templates.iter().all(|(name, text)| assets::template(name) == Some(text.as_str())) => Self::BuiltIn,
            true => Self::Released,
        }
    }

    /// The origin of `templates`, which the case asks for as `template`.
    #[must_use]
    pub fn of_case(templates: &BTreeMap<String, String>, template: &str) -> Self {
        Self::of(templates, &needed::file_name(template))
    }

    /// What screens and records say about it; nothing for built-in templates.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        let Self::Own(files) = self else { return None };
        let files: Vec<_> = files.iter().map(|(name, sha256)| format!("{name} sha256:{sha256}")).collect();
        Some(format!("{NOT_BUILT_IN}: {}", files.join(", ")))
    }
}

/// Whether `text` is what this program, or a release of it, has under `name`.
pub(super) fn is_built_in(name: &str, text: &str) -> bool {
    if assets::template(name) == Some(text) {
        return true;
    }
    let digest = Digest::of(text.as_bytes()).to_string();
    assets::released_templates().any(|(known, sha256)| known == name && sha256 == digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], entry: &str) -> Origin {
        Origin::of(&files.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect(), entry)
    }

    #[test]
    fn digests_decide_and_names_do_not() {
        let incident = assets::template("incident.md.j2").unwrap();
        let head = assets::template("_head.md.j2").unwrap();
        assert_eq!(of(&[("incident.md.j2", incident), ("_head.md.j2", head)], "incident.md.j2"), Origin::BuiltIn);
        for files in [
            [("incident.md.j2", "forged"), ("_head.md.j2", head)],
            [("incident.md.j2", incident), ("_head.md.j2", "forged")],
            [("incident.md.j2", incident), ("extra.md.j2", "")],
        ] {
            assert!(matches!(of(&files, "incident.md.j2"), Origin::Own(own) if own.len() == 1));
        }
        // A built-in text under another name, and a partial as a whole record.
        assert!(matches!(of(&[("mine.md.j2", head)], "mine.md.j2"), Origin::Own(_)));
        assert!(matches!(of(&[("_head.md.j2", head)], "_head.md.j2"), Origin::Own(_)));
    }

    #[test]
    fn every_released_template_is_named_with_a_digest() {
        let released: Vec<_> = assets::released_templates().collect();
        assert!(released.len() > 30);
        assert!(released.iter().all(|(name, sha256)| name.ends_with(".j2") && sha256.len() == 64));
    }
}
