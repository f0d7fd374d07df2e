//! The documentation of `log`.

use super::super::doc::with_metadata;
use super::super::{Doc, Setting};

/// What `log` reads and says.
pub static DOC: Doc = Doc {
    name: "log",
    summary: "a log file: matches by pattern, a window of time, the last lines",
    detail: "Reads a log once from its beginning to the size it had when it was opened; lines appended meanwhile are \
             not read. gzip and zstd are told by content and unpacked. Every pattern is matched against single \
             lines; a pattern that never matches has `count: 0`, which says that this file has no such line and \
             nothing about what happened. The excerpt has the lines of the window (`around` or `between`) or else \
             the lines that a pattern matches with their `context`, and the `tail`. A line without a time belongs \
             to the one before it. Times without an offset are read in `time: zone`, else in the case's `zone`, \
             else as UTC (`zone_from` says which); a time that a clock change makes ambiguous or impossible is said \
             and not guessed, and a year that is not written is the latest that is not after the file's own time. \
             Lines longer than 4096 bytes are kept with their beginning only, up to the end of a word (`cut`). \
             UTF-16, with its mark or without, is read as the UTF-8 that it means (`encoding`): offsets count the \
             bytes of that. Where it is damaged or stands beside another encoding, the log is not `complete`.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the log; relative paths start from the case's folder",
        },
        Setting {
            name: "patterns",
            kind: "map of name to regular expression",
            required: false,
            meaning: "what to count and show; matched against single lines",
        },
        Setting {
            name: "around",
            kind: "time or name of a pattern",
            required: false,
            meaning: "show the lines around this time, or around the first match",
        },
        Setting {
            name: "window",
            kind: "duration (5m)",
            required: false,
            meaning: "how far `around` reaches before and after",
        },
        Setting {
            name: "between",
            kind: "list of two times",
            required: false,
            meaning: "show the lines of these times, both included",
        },
        Setting { name: "tail", kind: "number (0)", required: false, meaning: "show so many last lines" },
        Setting {
            name: "context",
            kind: "number (0)",
            required: false,
            meaning: "show so many lines before and after each match",
        },
        Setting {
            name: "max_lines",
            kind: "number (200)",
            required: false,
            meaning: "lines in the excerpt; beyond, its middle is left out and counted",
        },
        Setting { name: "max_bytes", kind: "size (64 KiB)", required: false, meaning: "bytes of text in the excerpt" },
        Setting {
            name: "max_line",
            kind: "size (1 MiB)",
            required: false,
            meaning: "how much of one line is searched",
        },
        Setting {
            name: "expansion_limit",
            kind: "size (16 GiB)",
            required: false,
            meaning: "how much is unpacked at most",
        },
        Setting {
            name: "time",
            kind: "map: zone, year",
            required: false,
            meaning: "IANA zone of times without offset; year of times without year",
        },
    ],
    values: with_metadata![
        [
            ("exists", "whether anything stands at the path"),
            ("kind", "as in `file`"),
            ("size_bytes", "stored size in bytes when it was opened"),
        ],
        ("sha256", "SHA-256 of the stored bytes that were read"),
        ("container", "`plain`, `gzip` or `zstd`"),
        ("encoding", "`UTF-16LE`, `UTF-16BE`, or `bytes` for UTF-8 and everything else that holds ASCII as it is"),
        ("grew_while_read", "whether lines were appended meanwhile; they were not read"),
        (
            "complete",
            "whether everything was read; when not, counts are missing and `count_at_least` stands beside them",
        ),
        ("lines_total", "number of lines"),
        ("bytes_total", "unpacked size in bytes, and decoded"),
        ("lines_cut", "lines longer than `max_line`"),
        ("nul_bytes", "NUL bytes; text has none"),
        ("zone", "the zone of times that name none"),
        ("zone_from", "where that zone comes from: `step`, `case` or `default` (UTC)"),
        ("first_time", "time of the first line that says one, RFC 3339 UTC; `first_time_written` as it stands"),
        ("last_time", "time of the last line that says one, RFC 3339 UTC; `last_time_written` as it stands"),
        ("patterns.NAME.count", "lines that match; 0 is a value"),
        (
            "patterns.NAME.first",
            "the first of them: `line` (from 1), `offset` in bytes, `text`, `time`, `time_written`, `time_note`; when the line says no time, `after_time` and `after_time_written` of the nearest line above that does",
        ),
        ("patterns.NAME.last", "the last of them, the same way"),
        ("excerpt", "list of `line`, `offset`, `text`, `patterns`; the same as text in `excerpt.txt`"),
        ("excerpt_lines", "lines in the excerpt"),
        ("excerpt_left_out", "lines that were chosen and did not fit"),
    ],
    example: "- id: backup-log\n  uses: log\n  with:\n    path: /var/log/pg-backup.log\n    patterns: { denied: 'permission denied for', done: 'Backup completed' }\n    around: denied\n    window: 10m\n",
};
