//! A target's client: the argument list of `psql` there, its limits and its identity guard, checked
//! before anything is run. No secret is ever among the arguments: the client reads its own service
//! file and password file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::digest::Digest;
use crate::base::{env, files, quantity, text};
use crate::collect::via::Via;
use crate::collect::{SettingError, Settings};
use crate::model::case::Postgres;
use crate::model::fact::{Absence, Reason};

/// How one target's PostgreSQL is asked.
pub(super) struct Client {
    /// The target's name in the case.
    pub(super) target: String,
    /// The system identifier that the case expects.
    pub(super) expected: Option<String>,
    /// `statement_timeout` of the session, in milliseconds.
    pub(super) statement_ms: u64,
    /// `lock_timeout` of the session, in milliseconds.
    pub(super) lock_ms: u64,
    via: Via,
    reached: String,
    connection: String,
    /// The client that runs here: the first `psql` on the `PATH`, by its whole path.
    program: Option<PathBuf>,
    /// The `PG*` variables that reach it; values that may be secret are not held.
    variables: BTreeMap<String, String>,
}

/// Variables of libpq whose values say where and how it connects, and are no secrets.
const SHOWN: &[&str] = &[
    "PGAPPNAME",
    "PGCHANNELBINDING",
    "PGCLIENTENCODING",
    "PGCLUSTER",
    "PGCONNECT_TIMEOUT",
    "PGDATABASE",
    "PGGSSENCMODE",
    "PGHOST",
    "PGHOSTADDR",
    "PGKRBSRVNAME",
    "PGLOADBALANCEHOSTS",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPORT",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLCERT",
    "PGSSLCRL",
    "PGSSLKEY",
    "PGSSLMODE",
    "PGSSLNEGOTIATION",
    "PGSSLROOTCERT",
    "PGSYSCONFDIR",
    "PGTARGETSESSIONATTRS",
    "PGUSER",
];

/// In place of a value that may be secret.
const NOT_SHOWN: &str = "set, not shown";

/// What a client elsewhere needs of our environment to be reached: no `PG*`, which would not get there.
const TRANSPORT: &[&str] = &["SSH_AUTH_SOCK", "DOCKER_*", "CONTAINER_HOST", "XDG_RUNTIME_DIR"];

/// What a client here may see of our environment: the operator's own way in.
const HERE: &[&str] = &["PG*", "KRB5CCNAME", "KRB5_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR"];

fn variables() -> BTreeMap<String, String> {
    let shown = |(name, value): (String, String)| match SHOWN.contains(&name.as_str()) {
        true => (name, value),
        false => (name, NOT_SHOWN.to_owned()),
    };
    env::beginning_with("PG").into_iter().map(shown).collect()
}

/// Reads its script from standard input, prints bare rows that end with NUL (which no text of a
/// database can hold), never prompts, stops at the first error and names it by its SQLSTATE.
const PSQL: &[&str] =
    &["psql", "-X", "-q", "-A", "-t", "-0", "-w", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-d"];

const LONGEST: f64 = 3600.0;

impl Client {
    /// The client of the step's target.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let (name, target) = settings.target()?;
        let place = |message: String| SettingError::new(format!("targets.{name}: {message}"));
        let Some(postgres) = &target.postgres else {
            return Err(place("has no `postgres:`; say how to reach it, e.g. `postgres: { via: local }`".to_owned()));
        };
        if target.sysid.as_ref().is_some_and(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit())) {
            return Err(place("sysid: is the system identifier, digits in quotes".to_owned()));
        }
        let local = postgres.via == "local";
        Ok(Self {
            program: if local { env::find_program("psql") } else { None },
            variables: if local { variables() } else { BTreeMap::new() },
            target: name.to_owned(),
            expected: target.sysid.clone(),
            statement_ms: limit("statement_timeout", postgres.statement_timeout.as_deref(), 30_000).map_err(place)?,
            lock_ms: limit("lock_timeout", postgres.lock_timeout.as_deref(), 2_000).map_err(place)?,
            via: Via::parse(&postgres.via).map_err(place)?,
            reached: postgres.via.clone(),
            connection: connection(postgres).map_err(place)?,
        })
    }

    /// What is asked, for people.
    pub(super) fn source(&self) -> String {
        format!("PostgreSQL `{}` via {}", self.target, self.reached)
    }

    /// Whether the client runs here.
    pub(super) fn is_local(&self) -> bool {
        self.reached == "local"
    }

    /// The variables of ours that the client, or what reaches it, may see.
    pub(super) fn inherit(&self) -> &'static [&'static str] {
        if self.is_local() { HERE } else { TRANSPORT }
    }

    /// The `PG*` variables that reach the client, as they may be shown.
    pub(super) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The client's path and the digest of that file, read now.
    ///
    /// # Errors
    /// When it runs elsewhere, or could not be read.
    pub(super) fn program(&self) -> Result<(String, String), Absence> {
        let Some(program) = &self.program else {
            return Err(Absence::new(Reason::NotApplicable, "the client does not run on this host"));
        };
        let read = files::real_path(program).and_then(|path| files::read(&path, 64 << 20));
        let bytes = read.map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
        Ok((text::from_name(program).into_owned(), Digest::of(&bytes).to_string()))
    }

    /// The whole argument list of one session.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = PSQL.iter().map(|word| (*word).to_owned()).collect();
        if let (Some(program), Some(first)) = (&self.program, words.first_mut()) {
            *first = text::from_name(program).into_owned();
        }
        words.push(self.connection.clone());
        self.via.command(&words)
    }

    /// The command line with which a person would ask `sql` there.
    pub(super) fn by_hand(&self, sql: &str) -> String {
        let words = ["psql", "-X", "-d", &self.connection, "-c", sql].map(str::to_owned);
        text::shell_line(&self.via.command(&words))
    }

    /// How long the whole session may take before it is ended from outside: the server's own limits
    /// come first, this one is for a connection that hangs.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.statement_ms * 2 + self.lock_ms) + Duration::from_secs(30)
    }
}

fn limit(key: &str, written: Option<&str>, default: u64) -> Result<u64, String> {
    let Some(written) = written else { return Ok(default) };
    let seconds = quantity::parse_seconds(written).map_err(|e| format!("{key}: {e}"))?;
    // 0 would mean "no limit" to the server.
    if !(0.001..=LONGEST).contains(&seconds) {
        return Err(format!("{key}: between `1ms` and `60m`"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
    Ok((seconds * 1000.0).round() as u64)
}

/// The connection string: one argument, so that it reaches a client in a container or behind `ssh`
/// as well, where variables of ours do not.
fn connection(postgres: &Postgres) -> Result<String, String> {
    let port = postgres.port.map(|port| port.to_string());
    let given = [
        ("host", postgres.host.as_deref()),
        ("port", port.as_deref()),
        ("user", postgres.user.as_deref()),
        ("dbname", postgres.database.as_deref()),
        ("connect_timeout", Some("10")),
        ("application_name", Some("evidence")),
        ("client_encoding", Some("UTF8")),
    ];
    let mut parts = Vec::new();
    for (key, value) in given.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        if value.is_empty() || value.chars().any(char::is_control) {
            return Err(format!("postgres.{key}: is empty or holds a control character"));
        }
        parts.push(format!("{key}={}", connection_value(value)));
    }
    Ok(parts.join(" "))
}

fn connection_value(value: &str) -> String {
    if value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@".contains(c)) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(yaml: &str) -> Postgres {
        serde_json::from_str(yaml).unwrap()
    }

    #[test]
    fn a_connection_value_cannot_bring_a_second_one() {
        let text = connection(&postgres(r#"{"user":"app","database":"x' host=evil \\"}"#)).unwrap();
        assert!(text.starts_with(r"user=app dbname='x\' host=evil \\' connect_timeout=10"), "{text}");
        assert!(connection(&postgres(r#"{"user":"a\nb"}"#)).is_err());
        assert!(connection(&postgres(r#"{"database":""}"#)).is_err());
    }

    #[test]
    fn limits_are_always_set_and_never_endless() {
        assert_eq!(limit("t", None, 7), Ok(7));
        assert_eq!(limit("t", Some("1.5s"), 7), Ok(1500));
        assert!(limit("t", Some("0s"), 7).is_err());
        assert!(limit("t", Some("2h"), 7).is_err());
        assert!(limit("t", Some("soon"), 7).is_err());
    }
}
