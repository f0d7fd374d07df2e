//! How far a log had come before, and what it has more afterwards. A log that was rotated meanwhile
//! is told as replaced, with what the new one holds: where the old one went is not known.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::base::digest::Digest;
use crate::base::files::{self, ReadError};
use crate::base::text;
use crate::model::value::{Map, Value};

use super::act::{numbered, split_lines, whole_lines};

/// How much before the mark is compared to tell that a log is still the same.
const BLOCK: u64 = 64 << 10;
/// Bytes of added lines that are kept.
const KEPT: usize = 1 << 20;
/// Added lines among the values.
const LINES: usize = 100;
/// Bytes of added lines among the values.
const SHOWN: usize = 64 << 10;

/// How far a log had come.
pub(super) enum Mark {
    /// It was there.
    There { inode: (u64, u64), size: u64, lines: usize, end: Digest },
    /// It was not there.
    Absent,
    /// It could not be looked at.
    Unseen(String),
}

/// What a log has more than before.
#[derive(Default)]
pub(super) struct Growth {
    /// `unchanged`, `grown`, `new`, `replaced`, `gone`, `none`; nothing when it could not be seen.
    pub(super) state: Option<&'static str>,
    /// How many lines; `None` when that cannot be told.
    pub(super) lines: Option<usize>,
    bytes: u64,
    first: usize,
    /// What was added, as far as it is kept.
    pub(super) kept: Vec<u8>,
    /// Why something of it is not known.
    pub(super) why: Option<String>,
}

impl Mark {
    /// How far the log at `path` has come.
    pub(super) fn of(path: &Path) -> Self {
        match files::open(path) {
            Err(ReadError::Absent { .. }) => Self::Absent,
            Err(error) => Self::Unseen(error.to_string()),
            Ok((file, about)) => {
                let (inode, size) = ((about.dev(), about.ino()), about.len());
                let read = || Ok::<_, io::Error>((lines_in(&file, 0, size)?, end_of(&file, size)?));
                match read() {
                    Ok((lines, end)) => Self::There { inode, size, lines, end },
                    Err(error) => Self::Unseen(error.to_string()),
                }
            }
        }
    }

    /// What the log at `path` has more than when this mark was made.
    pub(super) fn growth(&self, path: &Path) -> Growth {
        let none = |state| Growth { state: Some(state), lines: Some(0), ..Growth::default() };
        let unseen = |why: String| Growth { why: Some(why), ..Growth::default() };
        if let Self::Unseen(why) = self {
            return unseen(why.clone());
        }
        let (file, about) = match (files::open(path), self) {
            (Ok(opened), _) => opened,
            (Err(ReadError::Absent { .. }), Self::Absent) => return none("none"),
            (Err(ReadError::Absent { .. }), _) => {
                return Growth { lines: None, why: Some("it is gone".to_owned()), ..none("gone") };
            }
            (Err(error), _) => return unseen(error.to_string()),
        };
        let now = about.len();
        let grown = match self {
            Self::There { inode, size, lines, end } if *inode == (about.dev(), about.ino()) && *size <= now => {
                match end_of(&file, *size) {
                    Ok(same) if same == *end => Some((*size, *lines)),
                    Ok(_) => None,
                    Err(error) => return unseen(error.to_string()),
                }
            }
            _ => None,
        };
        let told = match (grown, self) {
            (Some((size, _)), _) if size == now => return none("unchanged"),
            (Some((size, lines)), _) => added(&file, size, now, lines, "grown"),
            (None, Self::Absent) => added(&file, 0, now, 0, "new"),
            (None, _) => added(&file, 0, now, 0, "replaced").map(|added| Growth {
                lines: None,
                why: Some("it was replaced or cut; what the old one got at its end is not known".to_owned()),
                ..added
            }),
        };
        told.unwrap_or_else(|error| unseen(error.to_string()))
    }
}

fn added(file: &File, from: u64, to: u64, before: usize, state: &'static str) -> io::Result<Growth> {
    let mut kept = Vec::new();
    part(file, from, to)?.take(KEPT as u64).read_to_end(&mut kept)?;
    let (mut lines, mut why) = (split_lines(&kept).count(), None);
    if to - from > kept.len() as u64 {
        lines = lines_in(file, from, to)? + usize::from(last_byte(file, to)? != b'\n');
        kept.truncate(whole_lines(&kept).len());
        why = Some(format!("only the first {} bytes of what was added were kept", kept.len()));
    }
    Ok(Growth { state: Some(state), lines: Some(lines), bytes: to - from, first: before + 1, kept, why })
}

impl Growth {
    /// In words, for the list.
    pub(super) fn told(&self, path: &Path) -> Value {
        let mut told = Map::from([("path".to_owned(), text::from_name(path).into())]);
        if let Some(state) = self.state {
            told.insert("state".to_owned(), state.into());
            told.insert("bytes_added".to_owned(), self.bytes.into());
            told.insert("lines".to_owned(), self.excerpt());
        }
        if let Some(lines) = self.lines {
            told.insert("lines_added".to_owned(), lines.into());
        }
        Value::Map(told)
    }

    fn excerpt(&self) -> Value {
        let mut room = SHOWN;
        let fits = |line: &&[u8]| {
            let fits = line.len() <= room;
            room = room.saturating_sub(line.len());
            fits
        };
        let lines = split_lines(&self.kept).take(LINES).take_while(fits).enumerate();
        Value::List(lines.map(|(index, line)| numbered(self.first + index, line)).collect())
    }

    /// Whether the excerpt has all that was added.
    pub(super) fn is_cut(&self) -> bool {
        self.kept.len() as u64 != self.bytes
            || split_lines(&self.kept).count() > LINES
            || split_lines(&self.kept).map(<[u8]>::len).sum::<usize>() > SHOWN
    }
}

fn part(mut file: &File, from: u64, to: u64) -> io::Result<impl Read + '_> {
    file.seek(SeekFrom::Start(from))?;
    Ok(file.take(to.saturating_sub(from)))
}

fn lines_in(file: &File, from: u64, to: u64) -> io::Result<usize> {
    let mut part = part(file, from, to)?;
    let mut buffer = vec![0; 256 << 10];
    let mut lines = 0;
    loop {
        match part.read(&mut buffer)? {
            0 => return Ok(lines),
            n => lines += memchr::memchr_iter(b'\n', &buffer[..n]).count(),
        }
    }
}

/// What stands right before `size`.
fn end_of(file: &File, size: u64) -> io::Result<Digest> {
    let mut block = Vec::new();
    part(file, size.saturating_sub(BLOCK), size)?.read_to_end(&mut block)?;
    Ok(Digest::of(&block))
}

fn last_byte(file: &File, size: u64) -> io::Result<u8> {
    let mut byte = [b'\n'];
    part(file, size.saturating_sub(1), size)?.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(path: &Path, what: &str) {
        use std::io::Write as _;
        #[expect(clippy::disallowed_methods, reason = "a log grows in place")]
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(what.as_bytes()).unwrap();
    }

    #[test]
    fn what_was_added_is_told_with_its_line_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        assert_eq!(Mark::of(&log).growth(&log).state, Some("none"));
        let mark = Mark::of(&log);
        append(&log, "one\ntwo\n");
        let new = mark.growth(&log);
        assert_eq!((new.state, new.lines), (Some("new"), Some(2)));
        let mark = Mark::of(&log);
        assert_eq!(mark.growth(&log).state, Some("unchanged"));
        append(&log, "three\nfour");
        let grown = mark.growth(&log);
        assert_eq!((grown.state, grown.lines, grown.bytes), (Some("grown"), Some(2), 10));
        let told = grown.told(&log);
        assert_eq!(told.at("lines.1.line"), Some(&Value::Int(4)));
        assert_eq!(told.at("lines.1.text"), Some(&"four".into()));
        assert!(!grown.is_cut());
    }

    #[test]
    fn a_log_that_was_rotated_or_cut_is_not_said_to_have_grown() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        append(&log, "one\n");
        let mark = Mark::of(&log);
        files::write(&log, b"another, and longer\n").unwrap();
        let rotated = mark.growth(&log);
        assert_eq!((rotated.state, rotated.lines), (Some("replaced"), None));
        assert!(rotated.why.is_some() && rotated.told(&log).at("lines.0.text").is_some());
        // Cut in place and filled again beyond the mark: only the content tells.
        let mark = Mark::of(&log);
        #[expect(clippy::disallowed_methods, reason = "a log is cut in place")]
        std::fs::write(&log, "something else that is longer than before\n").unwrap();
        assert_eq!(mark.growth(&log).state, Some("replaced"));
        files::remove(&log).unwrap();
        assert_eq!((mark.growth(&log).state, mark.growth(&log).lines), (Some("gone"), None));
    }

    #[test]
    fn much_is_counted_whole_and_kept_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        let mark = Mark::of(&log);
        append(&log, &"0123456789abcde\n".repeat(100_000));
        append(&log, "end");
        let grown = mark.growth(&log);
        assert_eq!((grown.lines, grown.kept.len()), (Some(100_001), KEPT));
        assert!(grown.is_cut() && grown.why.is_some());
    }
}
