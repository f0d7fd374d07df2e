//! Collectors that ask a PostgreSQL server through its own client. Each look is one session: one
//! `psql`, one `REPEATABLE READ, READ ONLY` transaction with time limits, rolled back. The identity
//! guard is checked inside that same session, so that no other server can slip in between.

/// The values of a collector, followed by those that every session says of itself.
macro_rules! with_session {
    ($($value:expr),* $(,)?) => {
        &[
            $($value,)*
            ("session.start.read_only", "whether the transaction was read-only when it began"),
            ("session.start.xid_assigned", "whether it had a transaction id then, as every write needs"),
            ("session.read_only", "whether the transaction was still read-only at its end"),
            ("session.isolation", "the transaction's isolation at its end"),
            ("session.client.program", "the client's whole path; missing when it does not run on this host"),
            ("session.client.sha256", "SHA-256 of that file; missing likewise"),
            ("session.client.version", "the client's version, by its own account"),
            ("session.client.variables", "the `PG*` variables that reached it; one that may be secret only by name"),
            ("session.server.host", "the host or socket folder that the client connected to"),
            ("session.server.port", "the port that the client connected to"),
            ("session.server.address", "the server's own address of this connection; missing over a unix socket"),
            ("session.server.server_port", "the server's own port setting"),
            ("session.server.data_directory", "the server's data folder; missing when the role may not see it"),
            ("session.xid_assigned", "whether it had been given a transaction id by its end"),
        ]
    };
}

mod activity;
mod calls;
mod client;
mod counts;
mod dump_privileges;
mod failure;
mod fingerprint;
mod functions;
mod identity;
mod names;
mod objects;
mod query;
mod rows;
mod schema_privilege;
mod session;
mod size;
mod sql;
mod unchanged;

pub use activity::Activity;
pub use counts::Counts;
pub use dump_privileges::DumpPrivileges;
pub use fingerprint::Fingerprint;
pub use functions::Functions;
pub use identity::Identity;
pub use objects::Objects;
pub use query::Query;
pub use schema_privilege::SchemaPrivilege;
pub use size::Size;
pub use unchanged::Unchanged;

use serde::Deserialize;

/// `with:` of a collector that has no settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}
