//! The documentation of `postgres.counts`.

use crate::collect::{Doc, Setting};

/// What is counted, and what an estimate is.
pub(super) static DOC: Doc = Doc {
    name: "postgres.counts",
    summary: "rows of named tables or of all tables, counted exactly or as the server's estimate, labelled so",
    detail: "`method: exact` runs count(*) on every table in one REPEATABLE READ, READ ONLY transaction, so all \
             counts belong to one moment. `method: estimate` reads pg_class.reltuples (as of the last VACUUM, \
             ANALYZE or CREATE INDEX; −1 there means that nothing is known, and the row is missing) and shows the \
             statistics collector's n_live_tup beside it, which is asynchronous; neither is ever called exact. \
             Ordinary tables are counted without their inheritance children (ONLY), partitioned tables with \
             their partitions; `total` counts no row twice. A table that the role may not read, or whose rows a \
             policy would hide from it, is missing with that reason and never counted smaller than it is. Planning a \
             count works out calls with constants in indexes and checks; a table where that, or a foreign table \
             among its partitions, may run code that is not proved to look only is not counted as a superuser.",
    needs_target: true,
    settings: &[
        Setting {
            name: "method",
            kind: "`exact` or `estimate` (`exact`)",
            required: false,
            meaning: "how the rows are known",
        },
        Setting {
            name: "tables",
            kind: "list of `schema.table`",
            required: false,
            meaning: "the tables; all when neither this nor `schemas` is given",
        },
        Setting { name: "schemas", kind: "list of text", required: false, meaning: "the schemas whose tables" },
        Setting { name: "max_tables", kind: "number (2000)", required: false, meaning: "refuses to begin with more" },
        Setting {
            name: "limit",
            kind: "duration (`10m`)",
            required: false,
            meaning: "how long the whole session may take",
        },
    ],
    values: with_session![
        ("method", "`exact` or `estimate`"),
        ("estimate_of", "what an estimate was read from; missing when the method is exact"),
        ("table_count", "how many tables were looked for"),
        ("known_count", "for how many of them the rows are known"),
        ("tables", "a list of: schema, table, kind, rows (missing when unknown), partition_of, n_live_tup (estimates)"),
        ("by_table", "the rows by `schema.table`, e.g. `counts.by_table.app.orders`"),
        ("total", "all rows together, none counted twice; missing unless every table's rows are known"),
        ("counts_sha256", "SHA-256 over `schema.table` and rows of every table, sorted; exact counts only"),
    ],
    example: "- id: counts\n  uses: postgres.counts\n  on: production\n  \
              with: { method: exact, tables: [app.orders, app.customers] }\n",
};
