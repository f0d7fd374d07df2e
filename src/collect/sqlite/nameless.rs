//! The private copy without a name. Its content is raw, so that no name may lead to it: whoever ends this
//! process, with whatever signal, frees the bytes with it. SQLite opens a file by its name only, so an
//! empty file is made, opened by SQLite and by us, loses its name, and only then gets its content.
//!
//! SQLite would look for the log and the journal by name too. They are brought in here instead, by the
//! rules that its file format documents: pages of a rollback journal go back, committed frames of a
//! write-ahead log go in.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::base::files;

/// A file without a name, and SQLite's connection to it.
pub(super) struct Nameless {
    pub(super) file: File,
    pub(super) connection: Connection,
}

/// Makes an empty database file that has no name any more.
///
/// # Errors
/// What the system or SQLite refuses.
pub(super) fn database(scratch: &Path) -> Result<Nameless, String> {
    for number in 0_u32..10_000 {
        let path = scratch.join(format!("sqlite-{number}"));
        if files::metadata(&path).is_ok() {
            continue;
        }
        let file = files::create_empty(&path).map_err(|e| e.to_string())?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags);
        files::remove(&path).map_err(|e| e.to_string())?;
        return Ok(Nameless { file, connection: connection.map_err(|e| e.to_string())? });
    }
    Err("no name is free for a private copy".to_owned())
}

/// A file without a name, for the log or the journal.
///
/// # Errors
/// What the system refuses.
pub(super) fn part(scratch: &Path) -> Result<File, String> {
    files::nameless(scratch).map_err(|e| e.to_string())
}

/// Where the header of a database has its page size, and its two versions (2: with a log).
const PAGE_SIZE: u64 = 16;
const VERSIONS: u64 = 18;
const ROLLBACK: [u8; 2] = [1, 1];

/// Makes the file a database of its own: unfinished transactions out, committed ones in, and no log.
///
/// # Errors
/// When the parts do not fit together, or the system refuses.
pub(super) fn merge(file: &File, journal: Option<&File>, log: Option<&File>) -> io::Result<()> {
    if let Some(journal) = journal {
        take_back(file, journal)?;
    }
    if let Some(log) = log {
        bring_in(file, log)?;
    }
    file.write_all_at(&ROLLBACK, VERSIONS)
}

fn page_size(file: &File) -> io::Result<u64> {
    let mut bytes = [0; 2];
    file.read_exact_at(&mut bytes, PAGE_SIZE)?;
    Ok(match u16::from_be_bytes(bytes) {
        1 => 65_536,
        size => u64::from(size),
    })
}

fn usable(size: u64) -> bool {
    size.is_power_of_two() && (512..=65_536).contains(&size)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const JOURNAL_HEAD: usize = 28;
/// The page that holds locks and no content begins at this byte.
const LOCK_BYTE: u64 = 0x4000_0000;

/// Puts the pages of a rollback journal back: a transaction that was under way, or that was cut off, has
/// not happened.
fn take_back(file: &File, journal: &File) -> io::Result<()> {
    let length = journal.metadata()?.len();
    if is_finished(journal, length)? {
        return Ok(());
    }
    let (mut at, mut first) = (0, true);
    let mut sizes = (0, 0);
    while let Some(head) = journal_head(journal, at, length)? {
        if first {
            sizes = (u64::from(number(&head, 20)), u64::from(number(&head, 24)));
            if !usable(sizes.1) || sizes.0 == 0 || sizes.0 > 65_536 {
                return Ok(());
            }
            file.set_len(u64::from(number(&head, 16)) * sizes.1)?;
            first = false;
        }
        let (sector, page) = sizes;
        at += sector;
        let most = length.saturating_sub(at) / (page + 8);
        let count = match number(&head, 8) {
            u32::MAX => most,
            count => u64::from(count),
        };
        for _ in 0..count {
            if !put_back(file, journal, at, page, &head)? {
                return Ok(());
            }
            at += page + 8;
        }
        at = at.div_ceil(sector) * sector;
    }
    Ok(())
}

/// Whether the journal is one that SQLite takes no more notice of.
fn is_finished(journal: &File, length: u64) -> io::Result<bool> {
    let mut start = [0; 1];
    if length == 0 || journal.read_at(&mut start, 0)? == 0 || start[0] == 0 {
        return Ok(true);
    }
    // A transaction over several databases ends when the file that the journal names is removed.
    let mut tail = [0; 16];
    if length < 16 || journal.read_exact_at(&mut tail, length - 16).is_err() || tail[8..] != JOURNAL_MAGIC {
        return Ok(false);
    }
    let named = u64::from(number(&tail, 0));
    if named == 0 || named > 4096 || named + 16 > length {
        return Ok(false);
    }
    let mut name = vec![0; usize::try_from(named).unwrap_or(0)];
    journal.read_exact_at(&mut name, length - 16 - named)?;
    let sum = name.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    let is_name = sum == number(&tail, 4) && !name.contains(&0);
    let path = String::from_utf8_lossy(&name).into_owned();
    Ok(is_name && matches!(files::metadata(Path::new(&path)), Err(files::ReadError::Absent { .. })))
}

fn journal_head(journal: &File, at: u64, length: u64) -> io::Result<Option<[u8; JOURNAL_HEAD]>> {
    let mut head = [0; JOURNAL_HEAD];
    if at + JOURNAL_HEAD as u64 > length {
        return Ok(None);
    }
    journal.read_exact_at(&mut head, at)?;
    Ok((head[..8] == JOURNAL_MAGIC).then_some(head))
}

/// Puts the page of the record at `at` back; `false` when the journal ends there.
fn put_back(file: &File, journal: &File, at: u64, page: u64, head: &[u8]) -> io::Result<bool> {
    let mut record = vec![0; usize::try_from(page + 8).unwrap_or(0)];
    match journal.read_exact_at(&mut record, at) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let (which, content) = (u64::from(number(&record, 0)), &record[4..record.len() - 4]);
    let step = content.len().saturating_sub(200);
    let bytes = (1..=step).rev().filter(|at| (step - at).is_multiple_of(200)).map(|at| u32::from(content[at]));
    let sum = bytes.fold(number(head, 12), u32::wrapping_add);
    if which == 0 || which == LOCK_BYTE / page + 1 || sum != number(&record, record.len() - 4) {
        return Ok(false);
    }
    if which <= u64::from(number(head, 16)) {
        file.write_all_at(content, (which - 1) * page)?;
    }
    Ok(true)
}

const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;
const LOG_VERSION: u32 = 3_007_000;

/// Puts the pages of the committed transactions of a write-ahead log in.
fn bring_in(file: &File, log: &File) -> io::Result<()> {
    let mut head = [0; 32];
    let length = log.metadata()?.len();
    if length < LOG_HEAD {
        return Ok(());
    }
    log.read_exact_at(&mut head, 0)?;
    let (magic, page) = (number(&head, 0), u64::from(number(&head, 8)));
    let big = magic & 1 == 1;
    let mut sum = checksum((0, 0), &head[..24], big);
    if magic & !1 != 0x377f_0682 || !usable(page) || sum != (number(&head, 24), number(&head, 28)) {
        return Ok(());
    }
    if number(&head, 4) != LOG_VERSION {
        return Err(invalid("the write-ahead log has a version that is not known here"));
    }
    if page != page_size(file)? {
        return Err(invalid("the write-ahead log has another page size than the database"));
    }
    let mut frame = vec![0; usize::try_from(page + FRAME_HEAD).unwrap_or(0)];
    let (mut pages, mut pending, mut size) = (BTreeMap::new(), Vec::new(), None);
    let mut at = LOG_HEAD;
    while at + frame.len() as u64 <= length {
        log.read_exact_at(&mut frame, at)?;
        sum = checksum(checksum(sum, &frame[..8], big), &frame[24..], big);
        let which = number(&frame, 0);
        if which == 0 || frame[8..16] != head[16..24] || sum != (number(&frame, 16), number(&frame, 20)) {
            break;
        }
        pending.push((which, at + FRAME_HEAD));
        let committed = number(&frame, 4);
        if committed != 0 {
            pages.extend(pending.drain(..));
            size = Some(committed);
        }
        at += frame.len() as u64;
    }
    let Some(size) = size else { return Ok(()) };
    let content = &mut frame[..usize::try_from(page).unwrap_or(0)];
    for (which, at) in pages.range(..=size) {
        log.read_exact_at(content, *at)?;
        file.write_all_at(content, (u64::from(*which) - 1) * page)?;
    }
    file.set_len(u64::from(size) * page)
}

/// The running checksum of a log; `bytes` are a multiple of eight.
fn checksum(from: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let word = |four: &[u8]| match four.try_into() {
        Ok(four) if big => u32::from_be_bytes(four),
        Ok(four) => u32::from_le_bytes(four),
        Err(_) => 0,
    };
    bytes.chunks_exact(8).fold(from, |(one, two), eight| {
        let one = one.wrapping_add(word(&eight[..4])).wrapping_add(two);
        (one, two.wrapping_add(word(&eight[4..])).wrapping_add(one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// All that SQLite reads in the parts as they lie in `folder`, opened by their names.
    fn by_name(folder: &Path) -> String {
        let connection = Connection::open(folder.join("a.db")).unwrap();
        content(&connection)
    }

    fn content(connection: &Connection) -> String {
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        let sql =
            "SELECT count(*) || ' ' || coalesce(sum(id), 0) || ' ' || coalesce(group_concat(substr(v, 1, 9), ','), '')
                   FROM (SELECT * FROM t ORDER BY id)";
        let all: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        format!("{check} {all}")
    }

    /// The same through a copy without a name.
    fn nameless(folder: &Path) -> String {
        let scratch = tempfile::tempdir().unwrap();
        let Nameless { file, connection } = database(scratch.path()).unwrap();
        let copy = |name: &str, to: &File| {
            let mut bytes = Vec::new();
            let (mut from, _) = files::open(&folder.join(name)).ok()?;
            from.read_to_end(&mut bytes).unwrap();
            to.write_all_at(&bytes, 0).unwrap();
            Some(())
        };
        copy("a.db", &file).unwrap();
        let (journal, log) = (part(scratch.path()).unwrap(), part(scratch.path()).unwrap());
        let (has_journal, has_log) = (copy("a.db-journal", &journal), copy("a.db-wal", &log));
        merge(&file, has_journal.map(|()| &journal), has_log.map(|()| &log)).unwrap();
        assert!(files::names(scratch.path()).unwrap().is_empty(), "nothing has a name");
        content(&connection)
    }

    /// The parts of a database as they are now, in a folder of their own.
    fn parts(path: &Path) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for ending in ["", "-wal", "-journal"] {
            let from = format!("{}{ending}", path.display());
            if let Ok(bytes) = files::read(Path::new(&from), 1 << 30) {
                files::write(&folder.path().join(format!("a.db{ending}")), &bytes).unwrap();
            }
        }
        folder
    }

    const STEPS: &[&str] = &[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        "INSERT INTO t SELECT value, printf('%09d', value * 7919) || hex(randomblob(400)) FROM generate",
        "BEGIN; UPDATE t SET v = 'changed' || v WHERE id % 3 = 0",
        "COMMIT",
        "DELETE FROM t WHERE id % 2 = 1",
        "BEGIN; DELETE FROM t WHERE id > 100; INSERT INTO t SELECT value + 1000, hex(randomblob(900)) FROM generate",
        "ROLLBACK",
        "VACUUM",
        "BEGIN; UPDATE t SET v = 'last' || v",
    ];

    #[test]
    fn every_state_of_a_database_reads_as_sqlite_reads_it() {
        let each =
            "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 300) SELECT value FROM n)";
        let modes = ["DELETE", "PERSIST", "TRUNCATE", "WAL", "WAL checkpoints"];
        for (mode, page) in modes.into_iter().flat_map(|mode| [512, 4096, 65_536].map(|page| (mode, page))) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            let connection = Connection::open(&path).unwrap();
            let journal = mode.split(' ').next().unwrap();
            let settings =
                format!("PRAGMA page_size = {page}; PRAGMA journal_mode = {journal}; PRAGMA cache_size = 5;");
            connection.execute_batch(&settings).unwrap();
            connection.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_spill = 1").unwrap();
            for (number, step) in STEPS.iter().enumerate() {
                connection.execute_batch(&step.replace("generate", each)).unwrap();
                if mode.ends_with("checkpoints") && number % 2 == 0 && !step.starts_with("BEGIN") {
                    let how = if number % 4 == 0 { "RESTART" } else { "PASSIVE" };
                    connection.execute_batch(&format!("PRAGMA wal_checkpoint({how})")).unwrap();
                }
                let now = parts(&path);
                // Ours first: SQLite changes the parts when it opens them by name.
                let ours = nameless(now.path());
                assert_eq!(ours, by_name(now.path()), "{mode} {page}: {step}");
                assert!(ours.starts_with("ok"), "{mode} {page}: {step}: {ours}");
            }
        }
    }

    #[test]
    fn a_log_that_was_cut_ends_at_its_last_whole_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)").unwrap();
        for id in 0..20 {
            connection.execute("INSERT INTO t VALUES (?1, hex(randomblob(900)))", [id]).unwrap();
        }
        let whole = parts(&path);
        let log = files::read(&whole.path().join("a.db-wal"), 1 << 30).unwrap();
        for cut in [0, 31, 32, 4000, log.len() / 3, log.len() - 1] {
            let now = parts(&path);
            let mut bytes = log.clone();
            bytes.truncate(cut);
            files::write(&now.path().join("a.db-wal"), &bytes).unwrap();
            if cut < 8400 {
                // Not even the table is there.
                continue;
            }
            assert_eq!(nameless(now.path()), by_name(now.path()), "{cut}");
            bytes[cut / 2] ^= 1;
            files::write(&now.path().join("a.db-wal"), &bytes).unwrap();
            assert_eq!(nameless(now.path()), by_name(now.path()), "{cut} changed");
        }
    }
}
