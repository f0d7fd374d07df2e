//! The beginning of the dump: what format it has, and which versions made it. That decides which
//! server is taken and which client restores, before anything is started.

use std::sync::{Mutex, PoisonError};

use crate::base::text;
use crate::examine::{self, Examination, Flavour, Kind, Options, Tap};
use crate::model::fact::{Absence, Reason};

use super::archive::{CONTENTS, Dump};
use super::order::Order;
use super::steps::Stop;

/// More than any header takes.
const LOOK: usize = 256 * 1024;

/// How a dump is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// SQL text, by `psql`.
    Plain,
    /// By `pg_restore`, in parallel from a file.
    Custom,
    /// By `pg_restore`, one table at a time.
    Tar,
    /// By `pg_restore`, in parallel.
    Directory,
}

impl Format {
    /// The word in facts.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Custom => "custom",
            Self::Tar => "tar",
            Self::Directory => "directory",
        }
    }
}

/// What the beginning says.
pub(super) struct Head {
    /// The dump's format.
    pub(super) format: Format,
    /// It lies inside of something else, so that its client has to be fed.
    pub(super) wrapped: bool,
    /// Version of the server that was dumped.
    pub(super) server_version: Option<String>,
    /// Version of the program that dumped it.
    pub(super) dump_version: Option<String>,
}

impl Head {
    /// The major version of the server that was dumped.
    pub(super) fn server_major(&self) -> Option<u32> {
        major(self.server_version.as_deref()?)
    }

    /// The major version of the program that dumped it.
    pub(super) fn dump_major(&self) -> Option<u32> {
        major(self.dump_version.as_deref()?)
    }
}

/// The leading number of a version; 9.x counts as 9.
pub(super) fn major(version: &str) -> Option<u32> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Reads the beginning of the dump.
pub(super) fn read(order: &Order, dump: &Dump, stop: &Stop) -> Result<Head, Absence> {
    let name = order.source();
    let refused = |reason, message: String| Absence::new(reason, format!("{name}: {message}"));
    if dump.is_folder() && order.member.is_some() {
        return Err(refused(Reason::NotApplicable, "a folder has no members; leave out `member`".to_owned()));
    }
    let contents = if dump.is_folder() { &Dump::find(&dump.path().join(CONTENTS))? } else { dump };
    let (outer, head) = beginning(order, contents, stop)?;
    if head.is_empty() {
        return Err(refused(Reason::NotFound, nothing(order, &outer)));
    }
    let inner = examined(&head)?;
    let wrapped = order.member.is_some() || outer.kind != inner.kind;
    let (format, archive) = match (inner.kind, &inner.tar) {
        (Kind::PlainSql, _) => (Format::Plain, None),
        (Kind::PgCustom, _) => (Format::Custom, inner.custom.as_deref()),
        (Kind::PgToc, _) if dump.is_folder() => (Format::Directory, inner.custom.as_deref()),
        (Kind::Tar, Some(tar)) if tar.toc.is_some() => (Format::Tar, tar.toc.as_deref()),
        (Kind::Tar, _) => {
            return Err(refused(Reason::NotApplicable, "an archive of files: name the `member`".to_owned()));
        }
        _ => return Err(refused(Reason::NotApplicable, "no dump of PostgreSQL that could be restored".to_owned())),
    };
    if inner.sql.as_ref().is_some_and(|sql| sql.flavour == Flavour::PgDumpall) {
        return Err(refused(Reason::NotApplicable, "a dump of a whole cluster (pg_dumpall) is not drilled".to_owned()));
    }
    let sql = inner.sql.as_deref();
    let server_version = sql.and_then(|s| s.server_version.clone()).or_else(|| archive?.server_version.clone());
    let dump_version = sql.and_then(|s| s.dump_version.clone()).or_else(|| archive?.dump_version.clone());
    Ok(Head { format, wrapped, server_version, dump_version })
}

/// What the outside is, and the first bytes of the dump inside.
fn beginning(order: &Order, dump: &Dump, stop: &Stop) -> Result<(Examination, Vec<u8>), Absence> {
    let head = Mutex::new(Vec::new());
    let held = || head.lock().unwrap_or_else(PoisonError::into_inner);
    let take = |bytes: &[u8]| {
        let mut head = held();
        let room = LOOK.saturating_sub(head.len()).min(bytes.len());
        head.extend_from_slice(&bytes[..room]);
    };
    let tap = Tap { member: order.member.as_deref(), take: &take };
    let enough = || held().len() >= LOOK || stop.now();
    let outer = examine::examine_tapped(dump.read()?, &Options::default(), &|_| {}, &enough, Some(&tap));
    let outer = outer.map_err(|e| Absence::new(Reason::Failed, format!("{}: {e}", order.source())))?;
    if let Some(absence) = stop.reason() {
        return Err(absence);
    }
    let head = std::mem::take(&mut *held());
    Ok((outer, head))
}

fn examined(head: &[u8]) -> Result<Examination, Absence> {
    let found = examine::examine(head, &Options::default(), &|_| {}, &|| false);
    found.map_err(|e| Absence::new(Reason::Failed, e.to_string()))
}

/// Why there is nothing to restore.
fn nothing(order: &Order, outer: &Examination) -> String {
    match &order.member {
        Some(member) => format!("no member `{}` was found in it", text::visible(member)),
        None => outer.reasons.first().map_or_else(|| "it is empty".to_owned(), |reason| reason.says.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_leading_number() {
        assert_eq!(major("15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("9.6.24"), Some(9));
        assert_eq!(major("devel"), None);
    }
}
