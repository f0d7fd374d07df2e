//! The documentation of `timeline`.

use super::super::{Doc, Setting};

/// The settings of one source, shared with `contradictions`.
pub const SOURCES: &str = "each is one of: `log:` (a path, or a glob of names for a log and its rotated files, gzip and zstd \
     unpacked) with `zone` (IANA), `format` (auto, iso, syslog, epoch, date, nginx, apache, postgresql, journald, docker, or a \
     notation of strftime), `year` (of the first line), `subject`, `events` (kind to pattern or list of patterns), `only_own` \
     (no common patterns), `run` (pattern with a group `run`); `fact:` (an earlier step) with `time` (path) and `says`; \
     `file:` (its own mtime and ctime)";

/// What `timeline` reads and says.
pub static DOC: Doc = Doc {
    name: "timeline",
    summary: "events of logs, files and facts in one order, in UTC",
    detail: "Reads every line of every log once and keeps those that report something: `start`, `success`, `failure`, \
             `check_failed`, `end`, `step` (groups `i`, `n`), `alert`, `part`, `whole`, `quantity`, `rate`, or a name of the \
             case's own. The common words stand in `policies/events/`; patterns under `events:` take their place for a kind. \
             A pattern sees the message: what follows the time and, in syslog, the program; in JSON its text. A line that \
             reports a failure claims no success whatever else it says. Words of requests in access logs are no events \
             unless the case names them. The order is time, then source, then line. A time that a clock change repeats has \
             no `at` but `at_earliest` and `at_latest`, and stands where the order of its file allows; a time that a clock \
             change skips has none; a line without a time stands with the one above (`inherited`). `marks` say where a \
             clock went back, where a year was inferred and which lines rotation repeated. An event is a line that has such \
             words, not proof that what it says is so.",
    needs_target: false,
    settings: &[
        Setting { name: "sources", kind: "list of maps", required: true, meaning: SOURCES },
        Setting {
            name: "between",
            kind: "list of two times",
            required: false,
            meaning: "only the events of these times, both included; ambiguous ones that may lie in it too",
        },
        Setting {
            name: "limit",
            kind: "number (500)",
            required: false,
            meaning: "events kept; beyond, steps are left out first and failures last, from the middle, and counted",
        },
    ],
    values: &[
        (
            "events",
            "list of `at` (RFC 3339 UTC) or `at_earliest`, `at_latest` and `note`; `original` (the time as written); `source`, `line`, `kind`, `also`, `subject`, `run`, `step`, `text`, `inherited`, `clock_back`, `repeats`",
        ),
        (
            "events_total",
            "how many events there are, when every source was read to its end; `events_at_least` otherwise",
        ),
        ("events_left_out", "how many of them are not in `events` for want of room"),
        ("events_outside", "how many lie outside `between`, or have no time that could be compared with it"),
        ("counts.KIND", "events of each kind, when every source was read to its end; `counts_at_least.KIND` otherwise"),
        (
            "sources",
            "list of `source`, `kind`, `lines`, `stamped`, `unstamped`, `ambiguous`, `impossible`, `clock_back`, `events`, `repeated`, `first`, `last`, `format`, `zone`, `zone_from`, `sha256`, `complete`, `why`, `encoding` (of UTF-16, which is read as the text that it means)",
        ),
        (
            "marks",
            "list of `source`, `line`, `mark`, `original`, `before`, `at`: what a reader of the times has to know",
        ),
        ("first", "the earliest certain time of an event, RFC 3339 UTC"),
        ("last", "the latest certain time of an event, RFC 3339 UTC"),
        ("complete", "whether every source was read to its end"),
        (
            "figure",
            "the name of the figure in the fact's folder of artifacts, `timeline.svg`; its SHA-256 stands with the artifact",
        ),
    ],
    example: "- id: timeline\n  uses: timeline\n  with:\n    sources:\n      - log: /var/log/nas-backup.log*\n        zone: Europe/Zurich\n        events: { check_failed: 'Checksum mismatch' }\n      - log: /var/log/syslog\n        format: syslog\n      - file: /srv/backups/nas.tar\n",
};
