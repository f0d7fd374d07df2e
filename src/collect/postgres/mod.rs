//! Collectors that ask a PostgreSQL server through its own client. Each look is one session: one
//! `psql`, one `REPEATABLE READ, READ ONLY` transaction with time limits, rolled back. The identity
//! guard is checked inside that same session, so that no other server can slip in between.

mod client;
mod failure;
mod identity;
mod query;
mod rows;
mod schema_privilege;
mod session;
mod size;
mod sql;
pub(super) mod via;

pub use identity::Identity;
pub use query::Query;
pub use schema_privilege::SchemaPrivilege;
pub use size::Size;

use serde::Deserialize;

/// `with:` of a collector that has no settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}
