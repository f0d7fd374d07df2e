//! The documentation of `process`.

use super::super::{Doc, Setting};

pub(super) static DOC: Doc = Doc {
    name: "process",
    summary: "the processes that match: number, parent, user, state, start, age, masked command line",
    detail: "Reads the kernel's table (/proc) once. Every condition that is given has to hold. Another user's processes \
             can be hidden there (`hidepid`), or unreadable: then `count` is an absence and not 0, because a process \
             that was not seen may be running. Only the processes of this look's own namespace are seen \
             (`initial_namespace` says whether that is the host's); from a container those of the host are not. \
             This program itself is left out, and so are those of its ancestors that run the same program; both are \
             listed under `left_out`. A command line is what the process shows of itself; an editor that has the \
             script open matches like the script. One look cannot show what ended just before it.",
    needs_target: false,
    settings: &[
        Setting {
            name: "contains",
            kind: "text",
            required: false,
            meaning: "this text stands in the command line (its words joined by spaces) or is the name",
        },
        Setting {
            name: "pattern",
            kind: "regular expression",
            required: false,
            meaning: "matches somewhere in the command line or in the name",
        },
        Setting {
            name: "name",
            kind: "text",
            required: false,
            meaning: "the name (at most 15 characters are kept by the kernel) or the file name of the first word",
        },
        Setting { name: "pid", kind: "number", required: false, meaning: "the process's number" },
        Setting { name: "user", kind: "text", required: false, meaning: "name or number of its effective user" },
        Setting { name: "limit", kind: "number (50)", required: false, meaning: "the most processes listed" },
    ],
    values: &[
        ("count", "how many processes match; missing when some could not be seen"),
        ("count_seen", "how many of those that could be read match"),
        (
            "processes",
            "them, oldest first: pid, ppid, user, state, started_at (RFC 3339 UTC), age_seconds, name, command",
        ),
        ("processes_cut", "whether there were more than `limit`"),
        ("looked_at", "how many processes were read"),
        ("left_out", "this program's own processes that were left out: pid, name"),
        ("unread", "how many processes may not be read"),
        ("vanished", "how many ended while the table was read"),
        ("hidden", "whether the kernel hides processes of other users here"),
        ("initial_namespace", "whether these are the processes of the host, not of a container"),
    ],
    example: "- id: job\n  uses: process\n  with: { contains: /usr/local/bin/pg-backup.sh }\n",
};
