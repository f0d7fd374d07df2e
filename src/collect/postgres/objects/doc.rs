//! The documentation of `postgres.objects`.

use crate::collect::{Doc, Setting};

/// What is listed, and what "found" means.
pub(super) static DOC: Doc = Doc {
    name: "postgres.objects",
    summary: "objects by schema and kind, invalid indexes, extensions, and whether expected names are there",
    detail: "Reads the catalogue in one REPEATABLE READ, READ ONLY transaction. The system's schemas are left out \
             by their exact names; temporary schemas too. An expected name is found only as the kind it was \
             expected as: a view that is now a table is not found, and `found_as` says what stands there. An \
             expected index must also be valid. The catalogue needs no right on the objects themselves, so this \
             does not prove that anybody can read them.",
    needs_target: true,
    settings: &[
        Setting { name: "schemas", kind: "list of text", required: false, meaning: "only these schemas" },
        Setting {
            name: "expect",
            kind: "map of lists",
            required: false,
            meaning: "names that must be there: `tables`, `views`, `materialized_views`, `foreign_tables`, \
                      `sequences`, `indexes`, `functions`, `types` as `schema.name`; `schemas` and `extensions` by name",
        },
        Setting { name: "max_objects", kind: "number (5000)", required: false, meaning: "the most objects listed" },
    ],
    values: with_session![
        ("object_count", "how many objects there are"),
        (
            "by_kind",
            "how many of each kind: table, partitioned_table, view, materialized_view, foreign_table, \
                     sequence, index, function, procedure, aggregate, window_function, enum, domain, composite, \
                     range, extension, schema"
        ),
        ("by_schema", "the same by schema, e.g. `objects.by_schema.app.view`"),
        ("objects", "a list of: schema, kind, name, and where it applies valid, version, extension, partition"),
        ("objects_cut", "whether the list is shorter than the count"),
        ("invalid_indexes", "indexes that are not valid or not ready, `schema.name`"),
        ("invalid_index_count", "how many"),
        ("expected", "a list of: name, kind, found, and found_as when another kind stands there"),
        ("expected_count", "how many names were expected"),
        ("found_count", "how many of them are there as that kind"),
        ("missing_count", "how many are not"),
        ("missing", "those names"),
    ],
    example: "- id: objects\n  uses: postgres.objects\n  on: production\n  with:\n    \
              expect: { views: [app.open_orders], tables: [app.orders] }\n",
};
