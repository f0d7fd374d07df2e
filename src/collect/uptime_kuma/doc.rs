//! The documentation of `uptime_kuma`.

use super::super::sqlite::{ATTEMPTS, MAX_COPY, PATH, TIMEOUT, VALUES};
use super::super::{Doc, Setting};

pub(super) static DOC: Doc = Doc {
    name: "uptime_kuma",
    summary: "the monitors of an Uptime Kuma database: type, interval, last heartbeat; stale, down, never seen, paused",
    detail: "Reads a private copy of the SQLite file with its log (see `sqlite.query`), of version 1 and 2, or of a \
             backup of it. A push token is never read, only whether there is one; other secrets in addresses and \
             messages are masked. A monitor is stale when it is active and its last heartbeat is older than its \
             interval and `margin`; `slack_seconds` is what is left of both, negative when it is overdue. For a push \
             monitor Uptime Kuma itself writes a DOWN heartbeat when no push came, so read `last_up_at` too: a stale \
             one means that Uptime Kuma did not run. Never seen means that the database keeps no heartbeat of it, \
             old ones may have been cleared. For a backup name the time that ages are counted to with `as_of`. A \
             monitor that is up does not prove that an alert would be sent; `notifications` counts the active \
             notifications that it has.",
    needs_target: false,
    settings: &[
        PATH,
        Setting {
            name: "only",
            kind: "list of numbers or names",
            required: false,
            meaning: "look at these monitors only; all when left out",
        },
        Setting {
            name: "margin",
            kind: "duration (60s)",
            required: false,
            meaning: "what an interval may be exceeded by",
        },
        Setting {
            name: "as_of",
            kind: "text",
            required: false,
            meaning: "the instant that ages are counted to, RFC 3339; the look's own when left out",
        },
        Setting { name: "limit", kind: "number (200)", required: false, meaning: "the most monitors listed" },
        ATTEMPTS,
        MAX_COPY,
        TIMEOUT,
    ],
    values: &[
        ("generation", "`1` or `2`, from the tables that are there"),
        ("schema_version", "the number of the last patch (1), or the name of the last migration (2)"),
        ("as_of", "the instant that ages are counted to, RFC 3339 UTC"),
        ("margin_seconds", "the margin that was allowed, in seconds"),
        (
            "monitors",
            "id, name, type, url, active, state, interval_seconds, last_heartbeat_at, last_status, message, \
             last_up_at, age_seconds, slack_seconds, stale, has_push_token, notifications of each",
        ),
        ("monitors_cut", "whether there were more than `limit`"),
        ("monitors_total", "how many monitors were looked at"),
        ("active_total", "how many of them are active, their groups too"),
        ("up_total", "how many active ones were up at their last heartbeat"),
        ("down_total", "how many active ones were down at their last heartbeat"),
        ("pending_total", "how many active ones were being tried again"),
        ("maintenance_total", "how many active ones were under maintenance"),
        (
            "unclear_total",
            "how many active ones have a last status, time or interval that is not understood, or one that lies \
             ahead; then up_total, down_total and stale_total are missing",
        ),
        ("stale_total", "how many active ones have a last heartbeat older than interval and margin"),
        ("never_seen_total", "how many active ones have no heartbeat"),
        ("paused_total", "how many are paused, themselves or by their group"),
        ("down", "names of those that are down"),
        ("stale", "names of those that are stale"),
        ("unclear", "names of those that are unclear"),
        ("never_seen", "names of those never seen"),
        ("paused", "names of those that are paused"),
        ("monitor", "the only monitor, when `only` names one: as in `monitors`"),
        ("not_found", "what `only` names and the database has not"),
        VALUES[0],
        VALUES[1],
        VALUES[2],
        VALUES[3],
        VALUES[4],
        VALUES[5],
    ],
    example: "- id: kuma\n  uses: uptime_kuma\n  with: { path: /srv/uptime-kuma/kuma.db, only: [pg-backup] }\n",
};
