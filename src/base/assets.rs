//! The templates, policies and secret rules that are built into the binary, by file name.

use include_dir::{Dir, include_dir};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static POLICIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies");

/// The built-in template file `name`, e.g. `incident.md.j2`.
#[must_use]
pub fn template(name: &str) -> Option<&'static str> {
    TEMPLATES.get_file(name)?.contents_utf8()
}

/// The commented case that `evidence init --from kind` starts with; `CASE` in it is the case's name.
#[must_use]
pub fn starter(kind: &str) -> Option<&'static str> {
    template(&format!("init/{kind}.yaml"))
}

/// The templates of earlier releases: file name and SHA-256, from files in the format of `sha256sum`.
pub fn released_templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lists = names(&TEMPLATES, "", ".txt").into_iter().filter_map(template);
    lists.flat_map(str::lines).filter_map(|line| line.split_once("  ")).map(|(sha256, name)| (name, sha256))
}

/// The built-in policy file `name`, e.g. `backup-integrity.yaml`.
#[must_use]
pub fn policy(name: &str) -> Option<&'static str> {
    POLICIES.get_file(name)?.contents_utf8()
}

/// The names of the built-in template files, sorted.
#[must_use]
pub fn templates() -> Vec<&'static str> {
    names(&TEMPLATES, "", ".j2")
}

/// The names of the built-in policy files, sorted.
#[must_use]
pub fn policies() -> Vec<&'static str> {
    names(&POLICIES, "", ".yaml")
}

/// The built-in secret rules: file name and text, sorted by name.
#[must_use]
pub fn hygiene_rules() -> Vec<(&'static str, &'static str)> {
    policies_below("hygiene")
}

/// The same as the build read them: a JSON list of the files' contents.
#[must_use]
pub fn hygiene_rules_read() -> &'static str {
    include_str!(concat!(env!("OUT_DIR"), "/hygiene.json"))
}

/// The built-in rule files of the folder `below` of the policies: file name and text, sorted by name.
#[must_use]
pub fn policies_below(below: &str) -> Vec<(&'static str, &'static str)> {
    let files = names(&POLICIES, below, ".yaml").into_iter();
    files.filter_map(|name| Some((name, policy(name)?))).collect()
}

fn names(dir: &'static Dir<'static>, below: &str, ending: &str) -> Vec<&'static str> {
    let dir = if below.is_empty() { Some(dir) } else { dir.get_dir(below) };
    let files = dir.into_iter().flat_map(Dir::files).filter_map(|file| file.path().to_str());
    let mut names: Vec<_> = files.filter(|name| name.ends_with(ending)).collect();
    names.sort_unstable();
    names
}
