//! The documentation of `postgres.unchanged`.

use crate::collect::{Doc, Setting};

/// What it compares, and what an equal value proves.
pub(super) static DOC: Doc = Doc {
    name: "postgres.unchanged",
    summary: "whether a database is as it was before: identity, definitions, rights, counts, and who moved what",
    detail: "Derived from facts of this case that were collected before: pairs of postgres.identity, \
             postgres.fingerprint, postgres.counts and postgres.activity of one target, paired by collector. An equal \
             identity proves that it is the same cluster and nothing about its content. Sessions that were read-only \
             from start to end and were never given a transaction id wrote no row; that says nothing about what others \
             wrote. Equal fingerprints prove equal definitions and rights at both moments, not that nothing was \
             changed and changed back. Equal exact counts prove equal numbers of rows, not equal rows. Differences \
             are shown and are not ours when our sessions could not have made them: `changed_by_us` is false only when \
             every session on that target in this run says so.",
    needs_target: false,
    settings: &[
        Setting { name: "before", kind: "id or list of ids", required: true, meaning: "the facts of the look before" },
        Setting { name: "after", kind: "id or list of ids", required: true, meaning: "the facts of the look after" },
        Setting { name: "max_differences", kind: "number (500)", required: false, meaning: "the most that are listed" },
    ],
    values: &[
        ("unchanged", "whether everything that was compared is equal"),
        ("compared", "the collectors whose looks were compared"),
        ("identity_equal", "same cluster and database; from postgres.identity"),
        ("restarted", "whether the server was started again between the looks"),
        ("catalogue_equal", "same definitions; from postgres.fingerprint"),
        ("acl_equal", "same owners, rights and default privileges"),
        ("memberships_equal", "same memberships of roles"),
        ("roles_equal", "same roles with the same attributes"),
        ("counts_equal", "same exact rows of every table; from postgres.counts or the fingerprint's counts"),
        ("objects_equal", "same names and kinds; from postgres.objects"),
        ("differences", "a list of: what, name, change (appeared, vanished, changed), before, after"),
        ("differences_cut", "whether there are or may be more than listed"),
        ("difference_count", "how many differences there are; missing when something could not be compared"),
        ("sessions", "how many sessions of this run asked that target"),
        ("sessions_read_only", "whether each was read-only at its start and at its end"),
        ("sessions_without_xid", "whether none was ever given a transaction id"),
        ("changed_by_us", "false when both of these hold; missing otherwise, since then it is not known"),
        (
            "moved_by_others",
            "whether transaction ids or tuple counters moved between the looks; from postgres.activity",
        ),
        (
            "moved",
            "a list of: what, name, before, after, by; `by` is `others`, or `not attributed` for the WAL \
                   position, which also moves by itself",
        ),
        ("moved_cut", "whether more moved than is listed"),
    ],
    example: "- id: untouched\n  uses: postgres.unchanged\n  with:\n    before: [identity-before, fingerprint-before]\n    \
              after: [identity-after, fingerprint-after]\n",
};
