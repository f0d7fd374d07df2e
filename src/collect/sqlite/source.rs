//! What every collector of SQLite databases is told about its source, and says of it: that the
//! original was the same before and after, file by file.

use crate::base::text;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};

use super::super::Setting;
use super::copy::{Copied, SourceFile};

/// The setting that names the database.
pub(in crate::collect) const PATH: Setting = Setting {
    name: "path",
    kind: "text",
    required: true,
    meaning: "the database file; `-wal` and `-journal` beside it belong to it",
};

/// The setting of how often it is tried.
pub(in crate::collect) const ATTEMPTS: Setting = Setting {
    name: "attempts",
    kind: "number (5)",
    required: false,
    meaning: "how often it is copied at most, 1 to 50",
};

/// The setting of how much is copied.
pub(in crate::collect) const MAX_COPY: Setting =
    Setting { name: "max_copy", kind: "size (2 GiB)", required: false, meaning: "the largest database that is copied" };

/// The setting of how long a query may take.
pub(in crate::collect) const TIMEOUT: Setting =
    Setting { name: "timeout", kind: "duration (30s)", required: false, meaning: "when a query is ended, at most 10m" };

/// The values about the source, for the documentation.
pub(in crate::collect) const VALUES: [(&str, &str); 6] = [
    ("path", "the database file"),
    ("journal_mode", "`wal` or `rollback`, as its header says"),
    ("files", "the files read: role, path, size_bytes, mtime_before, mtime_after, sha256_before, sha256_after"),
    ("unchanged", "whether all of them were the same before and after; missing when others added to the WAL meanwhile"),
    ("attempts", "how often it was copied until it held still"),
    ("wal_bytes", "size of the write-ahead log in bytes, 0 without one"),
];

/// Says what was copied.
pub(in crate::collect) fn tell(copied: &Copied, seen: &mut Observation) {
    seen.set("path", copied.path.clone());
    seen.set("journal_mode", if copied.wal_mode { "wal" } else { "rollback" });
    seen.set("attempts", copied.attempts);
    seen.set("wal_bytes", copied.files.iter().find(|file| file.role == "wal").map_or(0, |file| file.size));
    seen.set("files", Value::List(copied.files.iter().map(|file| Value::Map(told(file))).collect()));
    if copied.wal_grew {
        let message = "another program added to the write-ahead log while it was read; what was copied is a state \
                       that the database had";
        let settle = format!("sha256sum -- {}*", text::shell_word(&copied.path));
        seen.miss("unchanged", Absence::new(Reason::Changed, message).settled_by(settle));
    } else {
        seen.set("unchanged", true);
    }
}

fn told(file: &SourceFile) -> Map {
    let mut map = Map::new();
    let mut set = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
    set("role", file.role.into());
    set("path", file.path.clone().into());
    set("size_bytes", file.size.into());
    set("sha256_before", file.before.to_string().into());
    set("sha256_after", file.after.to_string().into());
    for (key, time) in [("mtime_before", &file.mtime_before), ("mtime_after", &file.mtime_after)] {
        if let Some(time) = time {
            set(key, time.clone().into());
        }
    }
    map
}
