//! The documentation of `postgres.functions`.

use crate::collect::{Doc, Setting};

/// What it reads from source, and what it cannot know.
pub(super) static DOC: Doc = Doc {
    name: "postgres.functions",
    summary: "advisory locks, TRUNCATE and written tables of functions, from their source, and who is not covered",
    detail: "Reads pg_proc in one REPEATABLE READ, READ ONLY transaction and takes each SQL and PL/pgSQL body apart \
             with a lexer of its own: comments and strings do not count. A key is compared as it is written, spaces \
             and casts apart, constants of the body put in. A lock counts for a function when it stands before its \
             first write, or when a function that it calls takes it. SQL made at run time is read as far as it is \
             written out; a function that runs such text, or is in another language, is `unknown` where it matters, \
             never covered and never clean. Members of extensions are left out. That a lock is taken says nothing \
             about callers that write without these functions.",
    needs_target: true,
    settings: &[
        Setting {
            name: "key",
            kind: "text",
            required: false,
            meaning: "the shared key, as in `pg_advisory_xact_lock(4711)`: `4711`; any lock counts when it is not given",
        },
        Setting {
            name: "tables",
            kind: "list of `schema.table`",
            required: false,
            meaning: "who writes to these must take the lock",
        },
        Setting {
            name: "functions",
            kind: "list of `schema.name`",
            required: false,
            meaning: "these must take the lock",
        },
        Setting { name: "schemas", kind: "list of text", required: false, meaning: "only functions of these schemas" },
    ],
    values: with_session![
        ("key", "the shared key; missing when none was given"),
        ("function_count", "how many functions were read"),
        (
            "functions",
            "those that lock, truncate, write or run text, a list of: function, language, locks, truncates, \
                       writes, runs_text"
        ),
        (
            "coverage",
            "a list of: function, has_lock, uses_key, truncates, writes, lock_first, via, covered (yes, no, \
                      unknown)"
        ),
        ("covered_count", "how many of those that must take the lock do"),
        ("gap_count", "how many do not"),
        ("unknown_count", "of how many it cannot be told"),
        ("gaps", "a list of: function, covered (no or unknown), why"),
        ("not_found", "expected functions that are not there"),
        ("keys", "how many functions use each key, a list of: key, functions"),
    ],
    example: "- id: locks\n  uses: postgres.functions\n  on: production\n  \
              with: { key: \"4711\", tables: [app.orders], functions: [app.rebuild] }\n",
};
