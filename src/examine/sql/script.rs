//! What the tokens of a dump mean: whose dump it is, whether it is complete, what it creates, how
//! many rows it holds.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::create::{Kind, created};
use super::grant::granted;
use super::statement::{Source, Statement, Values, Verb};
use crate::examine::facts::{EndsInside, Flavour, Names, Objects, Sql};
use crate::examine::keep::{Keeper, shorten};

/// Messages of dump programs that are kept, and how much of each.
const ERROR_LINES: usize = 3;

/// What the lexer has to do after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Go on in code.
    Code,
    /// COPY data begins on the next line.
    CopyData,
    /// The rest of the line is not SQL.
    Line,
}

/// Why the rest of a line is not SQL.
#[derive(Debug, Clone, Default)]
enum LineKind {
    #[default]
    Command,
    Delimiter,
    Message(String),
}

/// The dump so far.
pub(in crate::examine) struct Script {
    pub(in crate::examine) sql: Sql,
    /// Statements that begin with a word of SQL.
    pub(in crate::examine) recognised: u64,
    keeper: Keeper,
    statement: Statement,
    mysql: bool,
    conditional: bool,
    backslash_escapes: bool,
    delimiter: Vec<u8>,
    line: LineKind,
    database: Option<String>,
    copying: Option<(String, bool)>,
    views: HashSet<u64>,
}

impl Script {
    /// Nothing read yet.
    pub(in crate::examine) fn new(keeper: Keeper) -> Script {
        Script {
            sql: Sql::default(),
            recognised: 0,
            keeper,
            statement: Statement::default(),
            mysql: false,
            conditional: false,
            backslash_escapes: false,
            delimiter: b";".to_vec(),
            line: LineKind::Command,
            database: None,
            copying: None,
            views: HashSet::new(),
        }
    }

    pub(super) fn delimiter(&self) -> &[u8] {
        &self.delimiter
    }

    /// Plain strings have backslash escapes.
    pub(super) fn escapes(&self) -> bool {
        self.mysql || self.backslash_escapes
    }

    pub(super) fn mysql(&self) -> bool {
        self.mysql
    }

    pub(super) fn is_mysql(&mut self) {
        self.mysql = true;
    }

    /// Inside a MySQL comment that is code for newer servers.
    pub(super) fn conditional(&self) -> bool {
        self.conditional
    }

    pub(super) fn conditional_begins(&mut self) {
        self.mysql = true;
        self.conditional = true;
    }

    pub(super) fn conditional_ends(&mut self) {
        self.conditional = false;
    }

    pub(super) fn in_statement(&self) -> bool {
        !self.statement.is_empty()
    }

    fn begin_statement(&mut self) {
        if self.statement.is_empty() {
            self.sql.trailer = false;
        }
    }

    pub(super) fn word(&mut self, text: &[u8]) -> After {
        if self.statement.is_empty() && self.mysql && text.eq_ignore_ascii_case(b"delimiter") {
            self.line = LineKind::Delimiter;
            return After::Line;
        }
        self.begin_statement();
        self.statement.word(text);
        After::Code
    }

    pub(super) fn name(&mut self, text: &[u8], quote: u8) {
        self.begin_statement();
        let mut spelled = Vec::with_capacity(text.len() + 2);
        if quote == b'`' && is_plain(text) {
            spelled.extend_from_slice(text);
        } else {
            spelled.push(b'"');
            spelled.extend_from_slice(text);
            spelled.push(b'"');
        }
        self.statement.name(&spelled);
    }

    pub(super) fn literal(&mut self) {
        self.begin_statement();
        self.statement.literal();
    }

    pub(super) fn mark(&mut self, byte: u8) -> After {
        if byte == b':'
            && let Some(program) = self.program_name()
        {
            self.line = LineKind::Message(program);
            self.statement.clear();
            return After::Line;
        }
        self.begin_statement();
        self.statement.mark(byte);
        After::Code
    }

    /// The statement so far is only the name of a dump program: a message strayed into the dump.
    fn program_name(&self) -> Option<String> {
        let mut tokens = self.statement.tokens();
        let name = tokens.accept_any(&["pg_dump", "pg_dumpall", "pg_restore", "psql", "mysqldump", "mariadb"])?;
        let dump = tokens.accept_mark(b'-') && tokens.accept("dump");
        tokens.peek().is_none().then(|| match dump {
            true => format!("{name}-dump"),
            false => name.to_owned(),
        })
    }

    /// The statement's delimiter.
    pub(super) fn end(&mut self) -> After {
        if self.statement.is_empty() {
            return After::Code;
        }
        if self.statement.in_body() {
            self.statement.mark(b';');
            return After::Code;
        }
        self.sql.statements += 1;
        self.recognise();
        let after = match self.statement.verb {
            Verb::Create => self.create(),
            Verb::Copy => self.copy(),
            Verb::Insert => self.insert(),
            Verb::Grant => self.grant(),
            Verb::Other | Verb::None => self.other(),
        };
        self.statement.clear();
        after
    }

    fn recognise(&mut self) {
        const VERBS: &[&str] = &[
            "create", "copy", "insert", "grant", "set", "select", "alter", "revoke", "comment", "drop", "begin",
            "start", "commit", "lock", "unlock", "use", "update", "delete", "truncate", "refresh", "do", "call",
            "security", "replace", "analyze", "vacuum", "rollback",
        ];
        self.recognised += u64::from(self.statement.tokens().accept_any(VERBS).is_some());
    }

    fn create(&mut self) -> After {
        if let Some((kind, name)) = created(self.statement.tokens()) {
            let name = match kind {
                Kind::Role | Kind::Database => name,
                _ => self.qualify(&name),
            };
            let repeated = kind == Kind::View && !self.first_time(&name);
            if !repeated {
                add(&self.keeper, &mut self.sql.objects, kind, &name);
            }
        }
        After::Code
    }

    /// A view may be created twice: first as a placeholder, then as it is.
    fn first_time(&mut self, name: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let hash = hasher.finish();
        if self.views.contains(&hash) {
            return false;
        }
        if self.keeper.may_keep(self.views.len(), 0) {
            self.views.insert(hash);
        }
        true
    }

    fn copy(&mut self) -> After {
        let counted = match self.statement.source {
            Source::Stdin => true,
            Source::StdinWithOptions => false,
            _ => return After::Code,
        };
        let mut tokens = self.statement.tokens();
        tokens.accept("copy");
        let table = tokens.qualified_name().unwrap_or_default();
        self.sql.copy_blocks += 1;
        self.copying = Some((self.qualify(&table), counted));
        After::CopyData
    }

    /// A COPY block reached its terminator.
    pub(super) fn copy_ended(&mut self, rows: u64) {
        match self.copying.take() {
            Some((table, true)) => self.keeper.rows(&mut self.sql.rows, &table, rows),
            Some((_, false)) => self.sql.copy_uncounted += 1,
            None => {}
        }
    }

    fn insert(&mut self) -> After {
        self.sql.inserts += 1;
        let mut tokens = self.statement.tokens();
        while tokens
            .accept_any(&["insert", "replace", "ignore", "low_priority", "delayed", "high_priority", "into"])
            .is_some()
        {}
        let table = tokens.qualified_name();
        match (self.statement.values, table) {
            (Values::Counting | Values::Done, Some(table)) => {
                let table = self.qualify(&table);
                let tuples = self.statement.tuples;
                self.keeper.rows(&mut self.sql.rows, &table, tuples);
            }
            _ => self.sql.inserts_uncounted += 1,
        }
        After::Code
    }

    fn grant(&mut self) -> After {
        if let Some((roles, what)) = granted(self.statement.tokens()) {
            let what = match &self.database {
                Some(database) if self.sql.flavour == Flavour::PgDumpall => {
                    format!("{what} IN {database}")
                }
                _ => what,
            };
            for role in roles {
                let listed = self.keeper.grant(&mut self.sql.grants, &role, &what);
                self.sql.grants_cut |= !listed;
            }
        }
        After::Code
    }

    fn other(&mut self) -> After {
        let mut tokens = self.statement.tokens();
        if tokens.accept("set") && tokens.accept("standard_conforming_strings") {
            tokens.next();
            self.backslash_escapes = tokens.accept("off");
        } else if self.mysql && tokens.accept("use") {
            self.database = tokens.qualified_name();
        }
        After::Code
    }

    /// In a dump of several databases a table's name has its database in front.
    fn qualify(&self, name: &str) -> String {
        match &self.database {
            Some(database) => format!("{database}.{name}"),
            None => name.to_owned(),
        }
    }

    /// A comment line; inside a statement it means nothing.
    pub(super) fn comment(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else {
            return;
        };
        if self.in_statement() {
            return;
        }
        match text {
            "PostgreSQL database dump" => {
                self.sql.dumps_begun += 1;
                self.header(Flavour::PgDump);
            }
            "PostgreSQL database cluster dump" => self.header(Flavour::PgDumpall),
            "PostgreSQL database dump complete" => {
                self.sql.dumps_completed += 1;
                self.sql.trailer |= self.sql.flavour == Flavour::PgDump;
            }
            "PostgreSQL database cluster dump complete" => {
                self.sql.trailer |= self.sql.flavour == Flavour::PgDumpall;
            }
            _ => self.versions(text),
        }
    }

    fn header(&mut self, flavour: Flavour) {
        self.sql.trailer = false;
        if self.sql.flavour == Flavour::Unknown {
            self.sql.flavour = flavour;
            self.sql.header = self.sql.statements == 0;
        }
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
            set(&mut self.sql.dump_version, version);
            self.mysql = true;
            self.sql.dumps_begun += 1;
            self.header(Flavour::Mysqldump);
        } else if self.sql.flavour == Flavour::Mysqldump {
            if let Some(version) = text.strip_prefix("Server version") {
                set(&mut self.sql.server_version, version);
            } else if text == "Dump completed" || text.starts_with("Dump completed on ") {
                self.sql.dumps_completed += 1;
                self.sql.trailer = true;
            }
        }
    }

    /// The rest of a line that is not SQL.
    pub(super) fn line(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        match std::mem::take(&mut self.line) {
            LineKind::Delimiter => {
                let new = text.split_whitespace().next().unwrap_or(";").as_bytes();
                self.delimiter = new[..new.len().min(8)].to_vec();
            }
            LineKind::Message(program) => {
                self.sql.error_lines += 1;
                if self.sql.first_error_lines.len() < ERROR_LINES {
                    let line = format!("{program}: {text}");
                    self.sql.first_error_lines.push(shorten(&line).into_owned());
                }
            }
            LineKind::Command => self.command(&text),
        }
    }

    fn command(&mut self, text: &str) {
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        match command {
            "\\restrict" | "\\unrestrict" => self.sql.restrict_lines += 1,
            "\\connect" | "\\c" if self.sql.flavour == Flavour::PgDumpall => {
                self.database = Some(connected_to(rest));
            }
            _ => {}
        }
    }

    /// The text ended, inside of something or between statements.
    pub(super) fn ended(&mut self, inside: Option<EndsInside>, rows: u64) {
        self.sql.ends_inside = inside;
        if inside.is_some() {
            self.sql.trailer = false;
        }
        if self.mysql && self.sql.flavour == Flavour::Unknown {
            self.sql.flavour = Flavour::Mysqldump;
        }
        if inside == Some(EndsInside::CopyData) {
            let (table, counted) = self.copying.take().unwrap_or_default();
            if counted {
                self.keeper.rows(&mut self.sql.rows, &table, rows);
            }
            self.sql.unterminated_copy = Some(shorten(&table).into_owned());
        }
    }
}

/// Counts an object where it belongs.
pub(in crate::examine) fn add(keeper: &Keeper, objects: &mut Objects, kind: Kind, name: &str) {
    let list: &mut Names = match kind {
        Kind::Table { foreign } => {
            objects.foreign_tables += u64::from(foreign);
            &mut objects.tables
        }
        Kind::View => &mut objects.views,
        Kind::MaterializedView => &mut objects.materialized_views,
        Kind::Sequence => &mut objects.sequences,
        Kind::Function => &mut objects.functions,
        Kind::Procedure => &mut objects.procedures,
        Kind::Schema => &mut objects.schemas,
        Kind::Extension => &mut objects.extensions,
        Kind::Role => &mut objects.roles,
        Kind::Database => &mut objects.databases,
        Kind::Other(key) => {
            *objects.others.entry(key.to_owned()).or_default() += 1;
            return;
        }
    };
    keeper.name(list, name);
}

fn is_plain(name: &[u8]) -> bool {
    let first = name.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    first && name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// The database of a `\connect`: a name, or a connection string when the name is unusual.
fn connected_to(rest: &str) -> String {
    let rest = rest.trim().trim_start_matches("-reuse-previous=on").trim();
    let Some(string) = rest.strip_prefix("\"dbname='") else {
        return shorten(rest).into_owned();
    };
    let inner = string.trim_end_matches('"').trim_end_matches('\'');
    let plain = inner.replace("\"\"", "\"").replace("\\'", "'").replace("\\\\", "\\");
    format!("\"{}\"", shorten(&plain).replace('"', "\"\""))
}
