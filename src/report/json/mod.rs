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
//! | `plan` | `case`, `policy`, `policy_sha256`, `plan_sha256`, `steps` |
//! | `verification` | `exit_code`, `levels`, `closing`? |
//! | `signature` | `case`, `run`, `seat`, `principal`, `key`, `statement`, `signature`, `closing` |
//! | `examinations` | `files`: `path`, `exit_code`, `examination` (as in the facts of `backup`) |

mod documents;
mod mask;
mod v1;

pub use documents::{collection, examination, examinations, facts, judged, plan, signed, verdict, verification};
