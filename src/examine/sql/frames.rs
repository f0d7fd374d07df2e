//! The frames of a dump: header and trailer, transactions, and settings that are saved first and
//! restored last. They show whether a text reaches its end, also when several dumps are in it.

use super::script::Script;
use super::statement::{Shape, Statement};
use crate::examine::facts::{Flavour, Transaction};
use crate::examine::keep::shorten;

/// The frames that are open.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frames {
    cluster: bool,
    dump: bool,
    transaction: bool,
    /// The settings of a dump of `sqlite3` came just before.
    pragma: bool,
    /// Statements that a session before a dump does not explain.
    unframed: bool,
}

impl Script {
    /// A comment line; inside a statement of a dump it shows that the statement has lost its end.
    pub(super) fn comment(&mut self, text: &[u8], at_line_start: bool) {
        let Ok(text) = std::str::from_utf8(text) else {
            return;
        };
        if text.starts_with('#') {
            self.shebang |= text.starts_with("#!") && self.sql.statements == 0 && !self.in_statement();
            return;
        }
        if self.in_statement() {
            if !(at_line_start && (self.is_strict() || is_header(text))) {
                return;
            }
            self.breaks();
        }
        match text {
            "PostgreSQL database dump" => self.begins(Flavour::PgDump),
            "PostgreSQL database cluster dump" => self.begins(Flavour::PgDumpall),
            "PostgreSQL database dump complete" => self.completes(Flavour::PgDump),
            "PostgreSQL database cluster dump complete" => self.completes(Flavour::PgDumpall),
            "phpMyAdmin SQL Dump" => {
                self.is_mysql();
                self.begins(Flavour::PhpMyAdmin);
            }
            _ => self.versions(text),
        }
    }

    fn begins(&mut self, flavour: Flavour) {
        self.sql.trailer = false;
        let cluster = flavour == Flavour::PgDumpall;
        self.sql.dumps_cut += u64::from(self.frames.dump || (cluster && self.frames.cluster));
        if cluster {
            self.frames.cluster = true;
            self.frames.dump = false;
        } else {
            self.frames.dump = true;
            self.sql.dumps_begun += 1;
        }
        if self.sql.flavour == Flavour::Unknown {
            self.sql.flavour = flavour;
            self.sql.header = !self.frames.unframed;
        }
        self.framed = true;
    }

    fn completes(&mut self, flavour: Flavour) {
        let open = if flavour == Flavour::PgDumpall { &mut self.frames.cluster } else { &mut self.frames.dump };
        // An end without a beginning is what is left of a dump that lost the rest.
        self.sql.dumps_cut += u64::from(!std::mem::take(open));
        if flavour == Flavour::PgDumpall {
            self.database = None;
        } else {
            self.sql.dumps_completed += 1;
        }
        self.sql.trailer = !self.frames.cluster && !self.frames.dump;
    }

    fn versions(&mut self, text: &str) {
        let set = |slot: &mut Option<String>, value: &str| {
            slot.get_or_insert_with(|| shorten(value.trim()).into_owned());
        };
        if let Some(version) = text.strip_prefix("Dumped from database version ") {
            set(&mut self.sql.server_version, version);
        } else if let Some(version) = text.strip_prefix("Dumped by pg_dump version ") {
            set(&mut self.sql.dump_version, version);
        } else if let Some(version) = text.strip_prefix("MySQL dump ").or_else(|| text.strip_prefix("MariaDB dump ")) {
            if !self.is_postgres() {
                set(&mut self.sql.dump_version, version);
                self.is_mysql();
                self.begins(Flavour::Mysqldump);
            }
        } else if self.sql.flavour == Flavour::Mysqldump {
            if let Some(version) = text.strip_prefix("Server version") {
                set(&mut self.sql.server_version, version);
            } else if text == "Dump completed" || text.starts_with("Dump completed on ") {
                self.completes(Flavour::Mysqldump);
            }
        } else if self.sql.flavour == Flavour::PhpMyAdmin
            && let Some(version) = text.strip_prefix("version ")
        {
            set(&mut self.sql.dump_version, version);
        }
    }

    /// What a statement that is complete does to the frames.
    pub(super) fn follow_frames(&mut self) {
        if !super::verbs::may_follow(&self.statement, self.mysql()) {
            self.sql.trailer = false;
        }
        self.frames.unframed |= !super::verbs::may_precede(&self.statement);
        let mut tokens = self.statement.tokens();
        let Some((Shape::Word, verb)) = tokens.next() else { return };
        let pragma = std::mem::replace(&mut self.frames.pragma, verb == b"pragma");
        match verb {
            b"begin" | b"start" => {
                let named = tokens.accept_any(&["transaction", "work", "immediate", "exclusive", "deferred"]).is_some();
                if named || (verb == b"begin" && tokens.peek().is_none()) {
                    self.frames.transaction = true;
                    if pragma && self.sql.flavour == Flavour::Unknown && !self.mysql() {
                        self.begins(Flavour::Sqlite);
                    }
                }
            }
            b"commit" | b"end" if tokens.peek().is_none() || tokens.accept("transaction") || tokens.accept("work") => {
                self.commits();
            }
            b"rollback" | b"abort" if tokens.accept_any(&["to", "prepared"]).is_none() => self.rolls_back(),
            b"set" => self.settings(),
            _ => {}
        }
    }

    fn rolls_back(&mut self) {
        if std::mem::take(&mut self.frames.transaction) {
            self.sql.transaction = Some(Transaction::RolledBack);
        }
    }

    fn commits(&mut self) {
        let begun = std::mem::take(&mut self.frames.transaction);
        if begun && matches!(self.sql.flavour, Flavour::Sqlite | Flavour::PhpMyAdmin) && self.frames.dump {
            self.completes(self.sql.flavour);
        }
    }

    fn settings(&mut self) {
        let mut tokens = self.statement.tokens();
        tokens.next();
        if tokens.accept("row_security") {
            tokens.next();
            self.sql.row_security |= tokens.accept("on") && self.is_postgres();
        } else if self.mysql() {
            let (saved, restored) = old_settings(&self.statement);
            self.sql.settings_saved += saved;
            self.sql.settings_restored += restored;
        }
    }

    /// The text ends: what is still open stays open.
    pub(super) fn frames_end(&mut self) {
        if self.frames.transaction {
            self.sql.transaction = Some(Transaction::Open);
            self.sql.trailer = false;
        }
    }
}

/// Whether a comment begins a dump. Words before it that have no end are no statement.
fn is_header(comment: &str) -> bool {
    matches!(comment, "PostgreSQL database dump" | "PostgreSQL database cluster dump" | "phpMyAdmin SQL Dump")
        || comment.starts_with("MySQL dump ")
        || comment.starts_with("MariaDB dump ")
}

/// Settings that a statement saves (`@OLD_X=@@X`) and restores (`X=@OLD_X`).
fn old_settings(statement: &Statement) -> (u64, u64) {
    let (mut saved, mut restored) = (0, 0);
    let mut tokens = statement.tokens();
    let mut at_sign = false;
    while let Some((shape, text)) = tokens.next() {
        if at_sign && shape == Shape::Word && text.starts_with(b"old_") {
            let assigned = tokens.peek() == Some((Shape::Mark, b"="));
            *(if assigned { &mut saved } else { &mut restored }) += 1;
        }
        at_sign = shape == Shape::Mark && text == b"@";
    }
    (saved, restored)
}
