//! The three ways to combine conditions; the evaluation itself stands in `judge::condition`.

use super::{Operator, Rule};

const DETAIL: &str =
    "Three-valued: what is not established stays UNKNOWN unless the other parts alone decide. Parts nest.";

/// `all`.
pub(super) static ALL: Operator = Operator {
    name: "all",
    doc: "Every one of these holds; one that fails decides.",
    detail: DETAIL,
    example: "{ all: [{ fact: fresh.sql.header, equals: true }, { fact: fresh.sql.trailer, equals: true }] }",
    check: |_| Ok(()),
    rule: Rule::Combines,
};

/// `any`.
pub(super) static ANY: Operator = Operator {
    name: "any",
    doc: "At least one of these holds; one that holds decides.",
    detail: DETAIL,
    example: "{ any: [{ fact: fresh.sql.trailer, equals: true }, { fact: fresh.custom.version, present: true }] }",
    check: |_| Ok(()),
    rule: Rule::Combines,
};

/// `not`.
pub(super) static NOT: Operator = Operator {
    name: "not",
    doc: "It is established not to hold.",
    detail: "What is not established is not established to be false either: UNKNOWN stays UNKNOWN.",
    example: "{ not: { fact: fresh.gzip.trailing_bytes, more_than: 0 } }",
    check: |_| Ok(()),
    rule: Rule::Combines,
};
