//! The documentation of a collector as data: the one source of `evidence explain`, of
//! `docs/collectors.md` and of the suggestions in errors.

/// What a collector reads and says.
pub struct Doc {
    /// Its name in `uses:`, e.g. `postgres.identity`.
    pub name: &'static str,
    /// One line: what it sees.
    pub summary: &'static str,
    /// A paragraph: how it looks, what it cannot see, what its values do not prove.
    pub detail: &'static str,
    /// Whether it asks a target (`on:`).
    pub needs_target: bool,
    /// Its settings under `with:`.
    pub settings: &'static [Setting],
    /// Its values: path, and meaning with its unit.
    pub values: &'static [(&'static str, &'static str)],
    /// A step that can be pasted in a case, YAML.
    pub example: &'static str,
}

/// One setting of a collector.
pub struct Setting {
    /// Its key under `with:`.
    pub name: &'static str,
    /// Its type in words, with the default: `text`, `number (64)`, `list of text`.
    pub kind: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, with its unit.
    pub meaning: &'static str,
}
