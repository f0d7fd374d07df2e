//! The documentation of `cron`.

use super::super::{Doc, Setting};

/// What `cron` reads and says.
pub static DOC: Doc = Doc {
    name: "cron",
    summary: "crontabs, cron.d and systemd timers: what runs when, next and last, against a plan and an RPO",
    detail: "Reads the schedules that `sources` name and says when their entries fire, in UTC and in local time. It \
             reads files only: whether a cron or a systemd runs, whether it has read this file, and whether \
             anything ran, is not seen; a last firing is when the schedule names one, not when something ran. \
             Around clock changes it says what Vixie cron and cronie do: an entry at a fixed time that falls into \
             the hour that is skipped runs right after it, and runs once in the hour that is repeated; an entry \
             whose minute or hour begins with `*` goes by the local clock. systemd leaves a skipped time out and \
             runs a repeated one the first time; a timer and its service are read with their drop-ins, in its order, and through links. `CRON_TZ` is obeyed as cronie obeys it; Debian's cron does \
             not know it, and the entry says so. Lines that cron would refuse are named in `malformed`.",
    needs_target: false,
    settings: &[
        Setting {
            name: "sources",
            kind: "list of text",
            required: true,
            meaning: "crontabs, folders such as /etc/cron.d, `.timer` files or folders of them",
        },
        Setting {
            name: "format",
            kind: "`user` or `system`",
            required: false,
            meaning: "whether a user stands before the command; by default so for files called `crontab` and in folders called `cron.d`",
        },
        Setting {
            name: "runs",
            kind: "text",
            required: false,
            meaning: "the entries looked for have this text in their command, e.g. a path",
        },
        Setting {
            name: "runs_pattern",
            kind: "regular expression",
            required: false,
            meaning: "the entries looked for have a command that matches",
        },
        Setting {
            name: "zone",
            kind: "IANA zone (the case's)",
            required: false,
            meaning: "the zone of the machine that runs them",
        },
        Setting {
            name: "expect",
            kind: "schedule",
            required: false,
            meaning: "the five fields, or `OnCalendar`, that the one entry looked for should have",
        },
        Setting {
            name: "before",
            kind: "text",
            required: false,
            meaning: "an earlier `cron` step of this case: what was added, removed, changed since",
        },
        Setting {
            name: "rpo",
            kind: "duration",
            required: false,
            meaning: "the longest time without a firing that is allowed",
        },
        Setting {
            name: "retention",
            kind: "duration",
            required: false,
            meaning: "how long what a firing makes is kept: counts the firings within that time",
        },
    ],
    values: &[
        ("zone", "the zone of local times"),
        ("zone_from", "where it comes from: `step`, `case` or `default` (UTC)"),
        ("sources", "list of `path`, `format`, `entries`, `sha256`, `mode`, `owner`, `note`"),
        (
            "entries",
            "list of `source`, `line`, `user`, `schedule`, `command`, `found` (whether it is looked for), `next`, `next_local`, `last`, `last_local`, `note`",
        ),
        ("entries_count", "number of entries"),
        ("found", "the entries looked for, the same way; all when nothing names them"),
        ("found_count", "number of them"),
        ("schedule", "the schedule of the one entry looked for"),
        ("next_firing", "the first firing of any of them after this look, RFC 3339 UTC"),
        ("next_firing_local", "the same in local time with its offset"),
        (
            "last_firing",
            "the last time before this look at which the schedule names a firing of any of them, RFC 3339 UTC",
        ),
        ("last_firing_local", "the same in local time with its offset"),
        ("as_expected", "whether exactly one entry is found and fires as `expect` says"),
        ("longest_gap_seconds", "longest time between firings of those found, in the year from this look on"),
        ("longest_gap_from", "when that gap begins, RFC 3339 UTC"),
        ("within_rpo", "whether that is at most `rpo`"),
        ("retained", "firings within `retention` before this look"),
        (
            "clock_changes",
            "list of `at`, `shift_seconds`, `entry`, `effect` for found entries that a clock change in the next year moves, drops or repeats",
        ),
        ("malformed", "list of `source`, `line`, `why` for lines that cron or systemd would refuse"),
        ("malformed_count", "number of them"),
        ("environment", "list of `source`, `line`, `name`, and `value` for SHELL, PATH, MAILTO, CRON_TZ"),
        ("added", "entries that are not in `before`: `source`, `schedule`, `user`, `command`"),
        ("removed", "entries that were in `before` alone"),
        ("changed", "entries with another schedule: `command`, `before`, `after`"),
        ("changes_count", "number of the three together"),
    ],
    example: "- id: schedule\n  uses: cron\n  with:\n    sources: [/etc/crontab, /etc/cron.d]\n    runs: /usr/local/bin/pg-backup.sh\n    expect: '17 4 * * *'\n    rpo: 26h\n",
};
