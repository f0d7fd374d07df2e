//! `postgres.identity`: which cluster and database answers, and as whom.

use chrono::DateTime;

use crate::base::clock;
use crate::collect::{Collector, Doc, Prepared, SettingError, Settings};
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::Value;

use super::client::Client;
use super::session::{Answers, Asked, Question};

/// The collector.
pub struct Identity;

static DOC: Doc = Doc {
    name: "postgres.identity",
    summary: "which PostgreSQL cluster and database answers, its version, and as which role it was asked",
    detail: "Asks in one REPEATABLE READ, READ ONLY transaction. The system identifier is made by initdb and \
             its high 32 bits are the time of that; it stays the same through INSERT and DROP, so an equal \
             identifier proves that it is the same cluster and nothing about what happened in it. A physical \
             copy has the same identifier.",
    needs_target: true,
    settings: &[],
    values: with_session![
        ("system_identifier", "the cluster's identifier, as text"),
        ("initdb_time", "when the cluster was made, from the identifier's high 32 bits, UTC"),
        ("database", "the database asked"),
        ("server_version", "the server's version, in words"),
        ("server_version_num", "the server's version as a number, e.g. 150018"),
        ("current_user", "the role whose rights apply"),
        ("session_user", "the role that logged in"),
        ("is_superuser", "whether that role is a superuser"),
        ("in_recovery", "whether the server is a standby or recovers"),
        ("postmaster_started_at", "when the server started, UTC"),
        ("connection", "`unix socket` or `tcp`, as the server sees it"),
        ("server_address", "the server's own address of this connection; missing over a unix socket"),
        ("server_port", "the server's own port of this connection; missing over a unix socket"),
        ("listen_addresses", "the server's setting; empty means no TCP at all"),
        ("data_directory", "the server's setting; missing when the role may not see it"),
    ],
    example: "- id: identity\n  uses: postgres.identity\n  on: production\n",
};

const SQL: &str = "SELECT json_build_object(\
     'system_identifier', c.system_identifier::text, \
     'database', current_database(), \
     'server_version', current_setting('server_version'), \
     'server_version_num', current_setting('server_version_num')::int, \
     'current_user', current_user, 'session_user', session_user, \
     'is_superuser', current_setting('is_superuser') = 'on', \
     'in_recovery', pg_is_in_recovery(), \
     'postmaster_started_at', to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
     'connection', CASE WHEN inet_server_addr() IS NULL THEN 'unix socket' ELSE 'tcp' END, \
     'server_address', host(inet_server_addr()), 'server_port', inet_server_port(), \
     'listen_addresses', current_setting('listen_addresses'), \
     'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory')) \
     FROM pg_control_system() AS c";

impl Collector for Identity {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        settings.decode::<super::NoSettings>()?;
        Ok(Box::new(Asked { client: Client::of(settings)?, questions: vec![Question::own("identity", SQL)], read }))
    }
}

fn read(answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
    let unparsable = || Absence::new(Reason::Unparsable, "the identity is not the JSON expected");
    let identity = answers.map("identity")?;
    let made = identity.get("system_identifier").and_then(Value::as_text).and_then(initdb_time);
    seen.set("initdb_time", made.ok_or_else(unparsable)?);
    seen.values.extend(identity);
    for name in ["server_address", "server_port"] {
        if !seen.values.contains_key(name) {
            seen.miss(name, Absence::new(Reason::NotApplicable, "the connection is a unix socket"));
        }
    }
    if !seen.values.contains_key("data_directory") {
        let absence = Absence::new(Reason::Denied, "the role may not see this setting (pg_read_all_settings may)");
        seen.miss("data_directory", absence);
    }
    Ok(())
}

/// The time in the high 32 bits of a system identifier.
fn initdb_time(identifier: &str) -> Option<String> {
    let seconds = identifier.parse::<u64>().ok()? >> 32;
    Some(clock::stamp_seconds(DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_in_an_identifier() {
        assert_eq!(initdb_time("7611578671664259111").unwrap(), "2026-02-27T16:12:41Z");
        assert_eq!(initdb_time("x"), None);
    }
}
