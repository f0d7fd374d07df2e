//! The documentation of `files`.

use super::super::{Doc, Setting};

/// What `files` reads and says.
pub static DOC: Doc = Doc {
    name: "files",
    summary: "an inventory of a folder, with totals, digests and sizes against what is usual",
    detail: "Lists the entries of a folder that match a glob, sorted, following no link and opening nothing but \
             regular files. Totals, newest, oldest and baseline are about regular files; folders, links, FIFOs, \
             sockets and devices are entries too and counted as `others`. When a folder cannot be listed or an \
             entry not described, the totals that depend on it are missing and `count_seen` says how many files \
             were seen; `unreadable` lists what was not. The baseline is the median size of every file but the \
             newest, so that a bad newest file is not part of what is usual. Listing a folder may set the \
             folder's own access time.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the folder; relative paths start from the case's folder",
        },
        Setting {
            name: "glob",
            kind: "text (*)",
            required: false,
            meaning: "which entries: matched against names, or against paths below the folder when it has a `/`",
        },
        Setting {
            name: "recursive",
            kind: "boolean (false)",
            required: false,
            meaning: "look in the folders below too",
        },
        Setting {
            name: "sha256",
            kind: "boolean (true)",
            required: false,
            meaning: "read every regular file for its digest",
        },
        Setting {
            name: "baseline",
            kind: "map: tolerance (0.5)",
            required: false,
            meaning: "share of the median below which a file is an outlier; above its inverse too",
        },
        Setting {
            name: "limit",
            kind: "number (200)",
            required: false,
            meaning: "entries shown in the record; with more, the first and last stay and all are in `entries.jsonl`",
        },
        Setting {
            name: "max_files",
            kind: "number (1000000)",
            required: false,
            meaning: "entries looked at; with more, totals are missing",
        },
    ],
    values: &[
        ("exists", "whether anything stands at the path"),
        ("path", "the folder"),
        ("complete", "whether every entry was listed, described and, if asked for, read"),
        ("count", "regular files that match"),
        ("count_seen", "regular files that were seen; the same as `count` when everything was"),
        ("others", "entries that match and are no regular files"),
        ("total_bytes", "sum of the sizes of the regular files in bytes"),
        ("digests", "files that have a digest"),
        ("newest", "the regular file changed last, as in `entries`"),
        ("oldest", "the regular file changed first, as in `entries`"),
        (
            "baseline",
            "`median_bytes` of `median_of` files (all but the newest), `previous_path`, `previous_bytes`, `newest_bytes`, `newest_share_of_median`, `newest_share_of_previous`, `tolerance`",
        ),
        ("outliers", "list of `path`, `size_bytes`, `share` of the median"),
        ("outliers_total", "how many outliers there are"),
        (
            "entries",
            "list, sorted: `path` below the folder, `kind`, `size_bytes`, `mode`, `owner`, `group`, `mtime`, `sha256`, `link_target`, `world_writable`, `share_of_median`",
        ),
        ("entries_cut", "whether the list has only the first and the last entries"),
        ("entries_total", "how many entries there are"),
        ("unreadable", "list of `path`, `what` (`listing`, `metadata`, `content`, `target`), `reason`"),
        ("unreadable_total", "how many were not readable"),
    ],
    example: "- id: inventory\n  uses: files\n  with: { path: /srv/backups, glob: '*.sql.gz', baseline: { tolerance: 0.5 } }\n",
};
