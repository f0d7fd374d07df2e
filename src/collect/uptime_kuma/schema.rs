//! What the database has: tables and columns differ between versions and installations, so they are
//! looked up and never assumed.

use std::collections::BTreeSet;

use rusqlite::{Connection, Error, OptionalExtension};

/// Columns without which nothing can be said.
const MONITOR: &[&str] = &["id", "name", "active", "interval", "type"];
const HEARTBEAT: &[&str] = &["id", "monitor_id", "status", "time"];

/// The tables and columns that matter here.
pub(super) struct Schema {
    pub(super) monitor: BTreeSet<String>,
    pub(super) heartbeat: BTreeSet<String>,
    /// Whether notifications can be counted.
    pub(super) notifications: bool,
    /// 2 since the migrations are kept in a table of their own.
    pub(super) generation: u8,
    pub(super) version: Option<String>,
}

impl Schema {
    /// Looks the tables up.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub(super) fn of(connection: &Connection) -> Result<Self, Error> {
        let has = |table: &str, wanted: &[&str]| {
            columns(connection, table).map(|columns| wanted.iter().all(|name| columns.contains(*name)))
        };
        let second = has("knex_migrations", &["id", "name"])?;
        let version = match second {
            true => text(connection, "SELECT name FROM knex_migrations ORDER BY id DESC LIMIT 1")?,
            false if has("setting", &["key", "value"])? => {
                text(connection, "SELECT value FROM setting WHERE key = 'database_version'")?
            }
            false => None,
        };
        Ok(Self {
            monitor: columns(connection, "monitor")?,
            heartbeat: columns(connection, "heartbeat")?,
            notifications: has("monitor_notification", &["monitor_id", "notification_id"])?
                && has("notification", &["id", "active"])?,
            generation: if second { 2 } else { 1 },
            version: version.map(|version| version.trim_matches('"').to_owned()),
        })
    }

    /// What is missing for this to be a database of Uptime Kuma.
    pub(super) fn lacks(&self) -> Option<String> {
        let lacking = |table: &str, has: &BTreeSet<String>, wanted: &[&str]| {
            if has.is_empty() {
                return Some(format!("the table `{table}`"));
            }
            let lacks = wanted.iter().find(|name| !has.contains(**name));
            lacks.map(|column| format!("the column `{table}.{column}`"))
        };
        lacking("monitor", &self.monitor, MONITOR).or_else(|| lacking("heartbeat", &self.heartbeat, HEARTBEAT))
    }
}

fn columns(connection: &Connection, table: &str) -> Result<BTreeSet<String>, Error> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

fn text(connection: &Connection, sql: &str) -> Result<Option<String>, Error> {
    use rusqlite::types::Value;
    let value: Option<Value> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(match value {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Integer(number)) => Some(number.to_string()),
        _ => None,
    })
}
