//! The lines that a git change adds, read from git itself.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::base::text;

use super::repository::{Repository, check_revision, refusal, unquoted};

/// Which lines.
pub(super) enum Change {
    /// Of the next commit.
    Staged,
    /// Since a revision, the work tree included.
    Since(String),
    /// Of every commit.
    History,
}

/// A stretch of a file after the change.
#[derive(Default)]
pub(super) struct Hunk {
    /// The file.
    pub path: String,
    /// The commit, empty outside history.
    pub commit: String,
    /// The number of its first line.
    pub first: u64,
    /// Its lines.
    pub text: Vec<u8>,
    /// Which of them were added, from 1.
    pub added: BTreeSet<u64>,
    lines: u64,
}

/// How the change is printed, whatever the repository's settings say.
const FORMAT: &[&str] = &[
    "--unified=20",
    "--inter-hunk-context=0",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--no-relative",
    "--ignore-submodules=all",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--text",
];

/// Calls `each` with every stretch that the change adds lines to, below `paths` or anywhere.
///
/// # Errors
/// When git is not installed, this is not a repository, or the revision is unknown.
pub(super) fn scan(change: &Change, paths: &[String], each: &mut dyn FnMut(Hunk)) -> Result<()> {
    let mut args: Vec<String> = match change {
        Change::Staged => vec!["diff".into(), "--cached".into()],
        Change::Since(revision) => {
            check_revision(revision)?;
            vec!["diff".into(), revision.clone()]
        }
        Change::History => {
            ["log", "--all", "-p", "-m", "--no-show-signature", "--format=commit %H"].map(String::from).into()
        }
    };
    args.extend(FORMAT.iter().copied().map(str::to_owned));
    args.push("--".into());
    args.extend_from_slice(paths);
    let repository = Repository::open(!matches!(change, Change::History))?;
    let mut reader = Reader {
        each,
        hunk: Hunk::default(),
        path: String::new(),
        commit: String::new(),
        left: 0,
        partial: Vec::new(),
    };
    let limit = std::time::Duration::from_secs(24 * 3600);
    let outcome = repository.git(&args).limit(limit).follow(&mut |bytes| reader.bytes(bytes))?;
    reader.end();
    if !outcome.success() {
        bail!("{}", refusal(&outcome));
    }
    Ok(())
}

/// Reads a diff piece by piece.
struct Reader<'a> {
    each: &'a mut dyn FnMut(Hunk),
    hunk: Hunk,
    path: String,
    commit: String,
    /// Lines of the hunk still to come on the new side.
    left: u64,
    partial: Vec<u8>,
}

impl Reader<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        let mut text = std::mem::take(&mut self.partial);
        text.extend_from_slice(bytes);
        let mut rest = &text[..];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.line(&rest[..end]);
            rest = &rest[end + 1..];
        }
        self.partial = rest.to_vec();
    }

    fn line(&mut self, line: &[u8]) {
        match line {
            [b'+', rest @ ..] if self.left > 0 => self.keep(rest, true),
            [b' ', rest @ ..] if self.left > 0 => self.keep(rest, false),
            [b'-', ..] if self.left > 0 => {}
            [b'\\', ..] => {}
            _ if line.starts_with(b"@@ ") => self.begin(line),
            _ if line.starts_with(b"+++ ") => {
                let name = line[4..].strip_suffix(b"\t").unwrap_or(&line[4..]);
                let name = unquoted(name);
                self.path = text::from_bytes(name.strip_prefix(b"b/").unwrap_or(&name)).into_owned();
            }
            _ if line.starts_with(b"commit ") => {
                self.end();
                self.commit = String::from_utf8_lossy(&line[7..]).chars().take(64).collect();
            }
            _ => {}
        }
    }

    fn keep(&mut self, line: &[u8], added: bool) {
        self.hunk.lines += 1;
        self.left -= 1;
        if added {
            self.hunk.added.insert(self.hunk.lines);
        }
        self.hunk.text.extend_from_slice(line);
        self.hunk.text.push(b'\n');
    }

    /// `@@ -1,2 +3,4 @@`
    fn begin(&mut self, line: &[u8]) {
        self.end();
        let text = String::from_utf8_lossy(line);
        let plus = text.split(' ').find_map(|word| word.strip_prefix('+')).unwrap_or("1,0");
        let (first, count) = plus.split_once(',').unwrap_or((plus, "1"));
        self.left = count.parse().unwrap_or(0);
        self.hunk = Hunk {
            path: self.path.clone(),
            commit: self.commit.clone(),
            first: first.parse().unwrap_or(1),
            ..Hunk::default()
        };
    }

    fn end(&mut self) {
        let hunk = std::mem::take(&mut self.hunk);
        self.left = 0;
        if !hunk.added.is_empty() {
            (self.each)(hunk);
        }
    }
}
