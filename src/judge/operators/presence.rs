//! There, or established not to be there. "Not seen" is neither.

use super::{Operator, Rule};

/// `present`.
pub(super) static PRESENT: Operator = Operator {
    name: "present",
    doc: "There is a value, whatever it is.",
    detail: "Fails only when it was looked for and established not to be there (`not found`); permission denied, a \
        time limit or anything else that prevented the look is UNKNOWN. For whether a file is there, ask for \
        `equals: true` of its `exists`.",
    example: "{ fact: identity.server_version, present: true }",
    check: |_| Ok(()),
    rule: Rule::Presence { expected: "present", when_there: true },
};

/// `absent`.
pub(super) static ABSENT: Operator = Operator {
    name: "absent",
    doc: "It was looked for and is established not to be there.",
    detail: "The reverse of `present`: only `not found` passes, a value fails, anything that prevented the look is \
        UNKNOWN.",
    example: "{ fact: log.patterns.error.first, absent: true }",
    check: |_| Ok(()),
    rule: Rule::Presence { expected: "established to be absent", when_there: false },
};
