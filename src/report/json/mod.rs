//! What machines read: shapes that stay as they are, apart from the types that the program works
//! with. Each carries `format`, the version of its shape: a field may be added without a new
//! number, never removed, renamed or given another meaning. Secrets are masked once more.
//!
//! Every document is a map with `format` (1) and `kind`, which names its shape:
//!
//! | kind | beside `format` and `kind` |
//! |---|---|
//! | `verdict` | `policy`, `as_of`, `outcome`, `closure`?, `counts`, `rows`, `closing`? |
//! | `facts` | `facts` |
//! | `collection` | `run`, `digest`, `facts`, `verdict` |
//! | `plan` | `case`, `policy`, `policy_sha256`, `plan_sha256`, `steps`, `action`?, `after`? |
//! | `verification` | `exit_code`, `levels`, `closing`? |
//! | `signature` | `case`, `run`, `seat`, `principal`, `key`, `statement`, `signature`, `closing` |
//! | `examinations` | `files`: `path`, `exit_code`, `examination` (as in the facts of `backup`) |
//! | `record` | `record` (its path), `sha256`, `run` |
//! | `case` | `case`, `path` |
//! | `explanation` | `name`, `markdown` |
//! | `demonstration` | `folder`, `record` (its path), `exit_codes` |
//! | `difference` | `equal`, `before`, `after`, `items`, `appeared`, `vanished`, `changed`, `unchanged`, `left_out` |
//! | `status` | `as_of`, `exit_code`, `cases`, `ready_to_close`, `stale`, `waited_for`, `missing`, `cycles` |

mod comparisons;
mod documents;
mod mask;
mod v1;

pub use comparisons::{difference, status};
pub use documents::{
    begun, collection, demonstration, examination, examinations, explanation, facts, judged, plan, record, signed,
    verdict, verification,
};
