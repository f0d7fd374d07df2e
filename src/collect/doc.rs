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

/// The values of a collector that looks at one file: those in brackets, what the file system says, the others.
macro_rules! with_metadata {
    ([$($before:expr),* $(,)?], $($after:expr),* $(,)?) => {
        &[
            $($before,)*
            ("mode", "permission bits, four octal digits, e.g. `0755`"),
            ("owner", "name of the owner, or the number as text"),
            ("group", "name of the group, or the number as text"),
            ("uid", "number of the owner"),
            ("gid", "number of the group"),
            ("mtime", "last change of the content, RFC 3339 UTC with nanoseconds"),
            ("ctime", "last change of content or metadata, RFC 3339 UTC with nanoseconds"),
            ("atime", "last access as recorded before this look, RFC 3339 UTC with nanoseconds"),
            ("world_writable", "whether everybody may write to it"),
            ("inode", "inode number"),
            ("links", "number of hard links"),
            $($after,)*
        ]
    };
}
pub(super) use with_metadata;

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
