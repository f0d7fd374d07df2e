//! One session: one `psql`, one transaction, several questions. The script goes in on standard
//! input; each answer comes back between marks that no data can guess. The transaction is
//! `REPEATABLE READ, READ ONLY`, limited in time and rolled back at the end, and the session itself
//! tells whether it stayed so.
//!
//! The limits are set by `SET LOCAL` inside the transaction and not by `PGOPTIONS`: a container or a
//! far host does not get our variables, poolers refuse start-up options, and a role's own settings
//! cannot come after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::base::child::Outcome;
use crate::base::{random, text};
use crate::collect::{Prepared, SettingError, Surroundings, settings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::client::Client;
use super::failure;

/// The most that all answers of a session may take, in bytes.
const CAP: usize = 16 << 20;

/// `statement_timeout` of the questions that come before an operator's query, at least.
const OWN_MS: u64 = 30_000;

const GUARD: &str = "SELECT system_identifier FROM pg_control_system()";

const OPENED: &str = "SELECT json_build_object(\
     'read_only', current_setting('transaction_read_only') = 'on', \
     'xid_assigned', txid_current_if_assigned() IS NOT NULL)";

/// Where the client connected to, by its own account and the server's.
const CONNECTED: &str = "SELECT json_build_object('version', :'VERSION', 'host', :'HOST', 'port', :'PORT', \
     'address', host(inet_server_addr()), 'server_port', current_setting('port'), \
     'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'))";

const CLOSING: &str = "SELECT json_build_object(\
     'read_only', current_setting('transaction_read_only') = 'on', \
     'isolation', current_setting('transaction_isolation'), \
     'xid_assigned', txid_current_if_assigned() IS NOT NULL)";

const ASKED_AS: &str = "SELECT json_build_object('asked_as', current_user, \
     'asked_as_superuser', current_setting('is_superuser') = 'on')";

const FIX_PATH: &str = "SELECT pg_catalog.set_config('search_path', coalesce((SELECT \
     pg_catalog.string_agg(pg_catalog.quote_ident(s), ', ') FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) \
     AS s), ''), true) AS evidence_path";

/// One question of a session.
pub(super) struct Question {
    /// The name of its answer.
    pub(super) name: &'static str,
    /// One statement without its `;`.
    pub(super) sql: String,
    /// What a person would type to ask the same.
    pub(super) by_hand: String,
    /// Asked only when this condition, an SQL expression, holds there.
    pub(super) only_if: Option<String>,
    /// Whether the text is an operator's: it then goes to the server as it is, past `psql`'s own
    /// reading of variables and commands, and with the role's own `search_path`.
    pub(super) foreign: bool,
    /// Whether its rows are statements that are asked in turn, made there by `format()` with every
    /// name quoted.
    pub(super) spread: bool,
    /// An SQL expression that names the role to ask as, or is empty: then the session's own role asks.
    pub(super) role: Option<String>,
}

impl Question {
    /// A question of our own, asked with nothing but `pg_catalog` on the `search_path`.
    pub(super) fn own(name: &'static str, sql: impl Into<String>) -> Self {
        let sql = sql.into();
        Self { name, by_hand: sql.clone(), sql, only_if: None, foreign: false, spread: false, role: None }
    }
}

/// What a session answered.
pub(super) struct Answers {
    rows: BTreeMap<String, Vec<String>>,
    session: Map,
}

impl Answers {
    /// The rows of `name`; none when it was not asked or gave none.
    pub(super) fn rows(&self, name: &str) -> &[String] {
        self.rows.get(name).map_or(&[], Vec::as_slice)
    }

    /// The rows of `name`, JSON each.
    pub(super) fn list(&self, name: &str) -> Result<Vec<serde_json::Value>, Absence> {
        self.rows(name).iter().map(|row| serde_json::from_str(row).map_err(|_| unparsable(name))).collect()
    }

    /// The rows of `name`, each a map; a NULL is left out.
    pub(super) fn maps(&self, name: &str) -> Result<Vec<Map>, Absence> {
        self.list(name)?.into_iter().map(|row| map(row, name)).collect()
    }

    /// The one row of `name`, a map; a NULL is left out.
    pub(super) fn map(&self, name: &str) -> Result<Map, Absence> {
        map(self.json(name)?, name)
    }

    /// The one row of `name`, JSON.
    pub(super) fn json(&self, name: &str) -> Result<serde_json::Value, Absence> {
        let row = self.rows(name).first().map_or("", String::as_str);
        serde_json::from_str(row).map_err(|_| unparsable(name))
    }
}

fn map(row: serde_json::Value, name: &str) -> Result<Map, Absence> {
    match Value::from_json(row) {
        Some(Value::Map(map)) => Ok(map),
        _ => Err(unparsable(name)),
    }
}

fn unparsable(name: &str) -> Absence {
    Absence::new(Reason::Unparsable, format!("the answer `{name}` is not the JSON expected"))
}

/// Everything a session with `questions` will do, as a plan shows it.
pub(super) fn actions(client: &Client, questions: &[Question]) -> Vec<Action> {
    let ask = |sql: String| Action::new(Verb::Ask, sql);
    let mut actions = vec![Action::new(Verb::Run, text::shell_line(&client.words()))];
    actions.extend(client.transport.plan());
    // Which server that reaches depends on them.
    let set = |(name, value): (&String, &String)| Action::new(Verb::Run, format!("with the variable {name} ({value})"));
    actions.extend(client.variables().iter().map(set));
    actions.extend(opening(client).into_iter().map(ask));
    if let Some(expected) = &client.expected {
        actions.push(ask(format!("{GUARD} -- and nothing more unless it is {expected}")));
    }
    actions.extend([OPENED, CONNECTED].map(|sql| ask(sql.to_owned())));
    for question in questions {
        let condition = question.only_if.as_ref().map(|c| format!(" -- only if {}", shown(c, questions)));
        let condition = condition.unwrap_or_default();
        let spread = if question.spread { " -- and each row of that as a query" } else { "" };
        if let Some(role) = &question.role {
            let role = shown(role, questions);
            actions.push(ask(format!("SELECT {role} -- and SET LOCAL ROLE to that, unless it is empty")));
        }
        actions.push(ask(format!("{}{condition}{spread}", question.sql)));
    }
    actions.extend([CLOSING, "ROLLBACK"].map(|sql| ask(sql.to_owned())));
    actions
}

/// A condition that repeats a question names it in its place.
fn shown(condition: &str, questions: &[Question]) -> String {
    let name =
        |text: String, question: &Question| text.replace(&question.sql, &format!("the question `{}`", question.name));
    questions.iter().fold(condition.to_owned(), name)
}

/// An observation of `client`'s target that already says how it was made.
pub(super) fn observation(client: &Client, questions: &[Question]) -> Observation {
    let how = actions(client, questions).into_iter().map(|action| action.what).collect();
    Observation { how, ..Observation::of(client.source()) }
}

/// A look that is one session, for collectors that keep nothing else to read the answers by.
pub(super) struct Asked {
    pub(super) client: Client,
    pub(super) questions: Vec<Question>,
    pub(super) read: fn(&Answers, &mut Observation) -> Result<(), Absence>,
}

impl Prepared for Asked {
    fn plan(&self) -> Vec<Action> {
        actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(observe(&self.client, &self.questions, self.read))
    }
}

/// The setting `limit` of a whole session with many statements.
pub(super) fn limit(written: Option<&Value>) -> Result<Duration, SettingError> {
    Ok(Duration::from_secs_f64(settings::seconds("limit", written, 600.0)?.max(1.0)))
}

/// Asks `questions` in one session and lets `read` take the answers over into the observation;
/// whatever goes wrong makes the whole observation an absence.
pub(super) fn observe(
    client: &Client,
    questions: &[Question],
    read: impl FnOnce(&Answers, &mut Observation) -> Result<(), Absence>,
) -> Observation {
    let mut seen = observation(client, questions);
    let read = ask(client, questions).and_then(|answers| {
        seen.set("session", answers.session.clone());
        client.transport.tell("reached", &mut seen);
        miss_of_session(client, &answers.session, &mut seen);
        read(&answers, &mut seen)
    });
    if let Err(absence) = read {
        seen.values.clear();
        seen.missing.clear();
        seen.absence = Some(absence);
    }
    seen
}

fn ask(client: &Client, questions: &[Question]) -> Result<Answers, Absence> {
    let mark = random::hex().map_err(|e| Absence::new(Reason::Failed, format!("no random mark: {e}")))?;
    let words = client.words();
    let run = client.transport.invocation(&words)?.inherit(client.inherit()).limit(client.patience()).cap(CAP);
    let outcome = run.stdin(script(client, questions, &mark)).run().map_err(|e| failure::not_run(client, &e))?;
    let outcome = client.transport.heard(outcome);
    let mut rows = sections(&outcome.stdout, &mark);
    check_identity(client, &rows)?;
    check_end(client, questions, &outcome, &rows)?;
    let mut told = |name: &str| match Value::from_json(serde_json::from_str(rows.remove(name)?.first()?).ok()?) {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    };
    match (told("session_start"), told("session_server"), told("session")) {
        (Some(start), Some(mut server), Some(mut session)) => {
            session.insert("start".to_owned(), start.into());
            session.insert("client".to_owned(), about_client(client, server.remove("version")).into());
            session.insert("server".to_owned(), server.into());
            Ok(Answers { rows, session })
        }
        _ => Err(Absence::new(Reason::Unparsable, "the session did not tell whether it stayed read-only")),
    }
}

/// The client, as far as it is known without an absence.
fn about_client(client: &Client, version: Option<Value>) -> Map {
    let variables = client.variables().iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    let mut about = Map::from([("variables".to_owned(), variables.collect::<Map>().into())]);
    about.extend(version.map(|version| ("version".to_owned(), version)));
    if let Ok((program, digest)) = client.program() {
        about.insert("program".to_owned(), program.into());
        about.insert("sha256".to_owned(), digest.into());
    }
    about
}

/// What the session could not say of the client and the server, with the reason.
fn miss_of_session(client: &Client, session: &Map, seen: &mut Observation) {
    let has = |part: &str, key: &str| matches!(session.get(part), Some(Value::Map(map)) if map.contains_key(key));
    if let Err(absence) = client.program() {
        ["program", "sha256"].iter().for_each(|key| seen.miss(&format!("session.client.{key}"), absence.clone()));
    }
    let unix = Absence::new(Reason::NotApplicable, "the connection is a unix socket");
    let hidden = Absence::new(Reason::Denied, "the role may not see this setting (pg_read_all_settings may)");
    for (part, key, absence) in [("server", "address", unix), ("server", "data_directory", hidden)] {
        if !has(part, key) {
            seen.miss(&format!("session.{part}.{key}"), absence);
        }
    }
}

fn check_identity(client: &Client, rows: &BTreeMap<String, Vec<String>>) -> Result<(), Absence> {
    let seen = rows.get("identity_seen").and_then(|rows| rows.first());
    match (&client.expected, seen) {
        (Some(expected), Some(seen)) if seen != expected => Err(failure::wrong_identity(client, expected, seen)),
        _ => Ok(()),
    }
}

fn check_end(
    client: &Client,
    questions: &[Question],
    outcome: &Outcome,
    rows: &BTreeMap<String, Vec<String>>,
) -> Result<(), Absence> {
    if outcome.stdout_cut {
        let message = format!("the answers are longer than {CAP} bytes: ask for less");
        return Err(Absence::new(Reason::Limit, message));
    }
    if !outcome.success() {
        return Err(failure::of(client, questions, outcome));
    }
    if !rows.contains_key("end") {
        return Err(Absence::new(Reason::Failed, "the session ended before its last statement"));
    }
    Ok(())
}

fn opening(client: &Client) -> Vec<String> {
    vec![
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY".to_owned(),
        // Temporary objects, which a pooled session may still have, come last.
        "SET LOCAL search_path = pg_catalog, pg_temp".to_owned(),
        "SET LOCAL standard_conforming_strings = on".to_owned(),
        // Compiling a question of the catalogue takes longer than answering it.
        "SET LOCAL jit = off".to_owned(),
        // Rows that a policy would hide are an error, never a smaller count.
        "SET LOCAL row_security = off".to_owned(),
        format!("SET LOCAL statement_timeout = {}", client.statement_ms),
        format!("SET LOCAL lock_timeout = {}", client.lock_ms),
        // Should we be killed, the server must not keep our snapshot open.
        "SET LOCAL idle_in_transaction_session_timeout = 60000".to_owned(),
        // The same while it works: 14 and later notice a client that is gone, 17 limits the whole transaction.
        format!(
            "SELECT set_config(name, CASE name WHEN 'transaction_timeout' THEN '{}' ELSE '2000' END, true) \
             FROM pg_settings WHERE name IN ('transaction_timeout', 'client_connection_check_interval')",
            client.patience().as_millis()
        ),
    ]
}

fn script(client: &Client, questions: &[Question], mark: &str) -> String {
    let mut out = String::new();
    for statement in opening(client) {
        let _ = writeln!(out, "{statement};");
    }
    if let Some(expected) = &client.expected {
        guard(&mut out, expected, mark);
    }
    pose(&mut out, &Question::own("session_start", OPENED), mark);
    pose(&mut out, &Question::own("session_server", CONNECTED), mark);
    if questions.iter().any(|question| question.foreign) {
        let _ = writeln!(out, "SET LOCAL statement_timeout = {};", client.statement_ms.max(OWN_MS));
    }
    for question in questions {
        if let Some(condition) = &question.only_if {
            let _ = writeln!(out, "SELECT ({condition}) AS evidence_go \\gset\n\\if :evidence_go");
        }
        match question.foreign {
            true => pose_foreign(&mut out, client, question, mark),
            false => pose(&mut out, question, mark),
        }
        if question.only_if.is_some() {
            out.push_str("\\endif\n");
        }
    }
    out.push_str("SET LOCAL search_path = pg_catalog, pg_temp;\n");
    pose(&mut out, &Question::own("session", CLOSING), mark);
    let _ = writeln!(out, "ROLLBACK;\n\\echo {mark}[end]\n\\echo {mark};");
    out
}

/// Ends the session, inside the session, unless the server is the expected one.
fn guard(out: &mut String, expected: &str, mark: &str) {
    let _ = write!(
        out,
        "SELECT system_identifier AS evidence_seen, system_identifier::text = '{expected}' AS evidence_same \
         FROM pg_control_system() \\gset\n\
         \\echo {mark}[identity_seen]\n\\echo :evidence_seen\n\\echo {mark};\n\
         \\if :evidence_same\n\\else\n\\quit\n\\endif\n"
    );
}

fn pose(out: &mut String, question: &Question, mark: &str) {
    let _ = writeln!(out, "\\echo {mark}[{}]", question.name);
    let gexec = if question.spread { " \\gexec" } else { ";" };
    let _ = writeln!(out, "{}{gexec}\n\\echo {mark};", question.sql);
}

/// An operator's query, as the least role that answers it in the same way.
fn pose_foreign(out: &mut String, client: &Client, question: &Question, mark: &str) {
    // Only digits pass through psql's own reader; what they spell goes to the server unread.
    let spelled = text::hex(question.sql.as_bytes());
    let role = question.role.as_deref().unwrap_or("''");
    // The role's name is part of the default path; which schemas that are is fixed before it changes.
    let _ = write!(
        out,
        "SELECT {role} AS evidence_role \\gset\n\
         SELECT :'evidence_role' <> '' AS evidence_lower \\gset\n\
         SET LOCAL search_path = DEFAULT;\n\
         \\if :evidence_lower\n{FIX_PATH} \\gset\nSET LOCAL ROLE :\"evidence_role\";\n\\endif\n\
         SET LOCAL statement_timeout = {};\n\
         \\echo {mark}[{}]\n\
         SELECT pg_catalog.convert_from(pg_catalog.decode('{spelled}', 'hex'), 'UTF8') \\gexec\n\
         \\echo {mark};\n\
         SET LOCAL search_path = pg_catalog, pg_temp;\n",
        client.statement_ms, question.name
    );
    pose(out, &Question::own("asked_as", ASKED_AS), mark);
    out.push_str("\\if :evidence_lower\nSET LOCAL ROLE NONE;\n\\endif\n");
}

/// Takes the answers apart: `MARK[name]`, line feed, rows that end with NUL (or one line feed, for
/// what psql itself echoes), `MARK;`. An answer without its closing mark was cut: it is left out.
fn sections(stdout: &[u8], mark: &str) -> BTreeMap<String, Vec<String>> {
    let text = String::from_utf8_lossy(stdout);
    let mut sections = BTreeMap::new();
    let parts: Vec<&str> = text.split(mark).collect();
    for pair in parts.windows(2) {
        let opened = pair[0].strip_prefix('[').and_then(|part| part.split_once("]\n"));
        if let Some((name, content)) = opened.filter(|_| pair[1].starts_with(';')) {
            let content = content.strip_suffix(['\0', '\n']).unwrap_or(content);
            let rows = content.split('\0').filter(|row| !row.is_empty()).map(str::to_owned);
            sections.insert(name.to_owned(), rows.collect());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_line_feeds_and_false_marks_stay_whole() {
        let out = b"M1[a]\n{\"x\":\n1}\0[b]\nM2;\0M1;\nM1[none]\nM1;\nM1[end]\nM1;\n";
        let sections = sections(out, "M1");
        assert_eq!(sections["a"], ["{\"x\":\n1}", "[b]\nM2;"]);
        assert!(sections["none"].is_empty() && sections.contains_key("end"));
        assert_eq!(sections.len(), 3);
    }

    #[test]
    fn an_answer_that_was_cut_is_no_answer() {
        let out = b"60000\0M1[a]\nx\0M1;\nM1[identity_seen]\n7611578671664259111\nM1;\n";
        for end in 0..out.len() {
            if let Some(seen) = sections(&out[..end], "M1").get("identity_seen") {
                assert_eq!(seen, &["7611578671664259111"], "cut after {end} bytes");
            }
        }
        assert_eq!(sections(out, "M1").len(), 2);
        assert!(!sections(&out[..out.len() - 4], "M1").contains_key("identity_seen"));
    }
}
