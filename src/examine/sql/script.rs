//! What the tokens of a dump mean: whose dump it is, whether it is complete, what it creates, how
//! many rows it holds.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::copy::CopyRows;
use super::create::{Kind, created};
use super::frames::Frames;
use super::grant::granted;
use super::statement::{Source, Statement, Values, Verb};
use super::strays::Strays;
use super::tables::Tables;
use super::verbs;
use crate::examine::facts::{EndsInside, Flavour, Misshapen, Names, Objects, Sql};
use crate::examine::keep::{Keeper, shorten};

/// What the lexer has to do after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Go on in code.
    Code,
    /// COPY data begins on the next line.
    CopyData,
    /// The rest of the line is not SQL.
    Line,
    /// The line is not SQL, what was just read included.
    Stray,
}

/// Why the rest of a line is not SQL.
#[derive(Debug, Clone, Default)]
enum LineKind {
    #[default]
    Command,
    Delimiter,
    Stray,
}

/// The dump so far.
pub(in crate::examine) struct Script {
    pub(in crate::examine) sql: Sql,
    /// Statements that begin with a word of SQL.
    pub(in crate::examine) recognised: u64,
    /// Lines that are not SQL.
    pub(super) strays: Strays,
    /// It begins with `#!`: a script, whatever statements are in it.
    pub(super) shebang: bool,
    /// The header of a dump was read: from here on its program's habits are held against the text.
    pub(super) framed: bool,
    pub(super) frames: Frames,
    keeper: Keeper,
    pub(super) statement: Statement,
    mysql: bool,
    conditional: bool,
    backslash_escapes: bool,
    delimiter: Vec<u8>,
    line: LineKind,
    pub(super) database: Option<String>,
    copying: Option<(String, bool)>,
    /// The rows of the COPY block.
    pub(super) rows: CopyRows,
    views: HashSet<u64>,
    /// Tables that are created and have rows of their own, and the end of rows of which was not seen.
    tables: Tables,
    /// The table of the last INSERT and the values that its tuples have.
    last_insert: (u64, Option<u64>),
}

impl Script {
    /// Nothing read yet.
    pub(in crate::examine) fn new(keeper: Keeper) -> Script {
        Script {
            sql: Sql::default(),
            recognised: 0,
            strays: Strays::default(),
            shebang: false,
            framed: false,
            frames: Frames::default(),
            keeper,
            statement: Statement::default(),
            mysql: false,
            conditional: false,
            backslash_escapes: false,
            delimiter: b";".to_vec(),
            line: LineKind::Command,
            database: None,
            copying: None,
            rows: CopyRows::new(),
            views: HashSet::new(),
            tables: Tables::default(),
            last_insert: (0, None),
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
        self.statement.mysql = true;
    }

    /// A dump of PostgreSQL, by its header.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.sql.flavour, Flavour::PgDump | Flavour::PgDumpall)
    }

    /// Whether the text has to look as a dump program writes it. Bodies of routines are their author's.
    pub(super) fn is_strict(&self) -> bool {
        self.framed
            && matches!(self.sql.flavour, Flavour::PgDump | Flavour::PgDumpall | Flavour::Mysqldump)
            && self.delimiter == b";"
            && !self.statement.in_body()
    }

    /// Whether a string of data has no line end, because the dump program escapes it.
    pub(super) fn escapes_line_ends(&self) -> bool {
        self.mysql && self.statement.verb == Verb::Insert && self.is_strict()
    }

    /// Inside a MySQL comment that is code for newer servers.
    pub(super) fn conditional(&self) -> bool {
        self.conditional
    }

    pub(super) fn conditional_begins(&mut self, at_line_start: bool) {
        // Only definitions go on in such a comment at the beginning of a line.
        if at_line_start && self.in_statement() && self.is_strict() && self.statement.verb != Verb::Create {
            self.breaks();
        }
        self.is_mysql();
        self.conditional = true;
    }

    pub(super) fn conditional_ends(&mut self) {
        self.conditional = false;
    }

    pub(super) fn in_statement(&self) -> bool {
        !self.statement.is_empty()
    }

    pub(super) fn word(&mut self, text: &[u8], at_line_start: bool) -> After {
        if self.statement.is_empty() {
            if self.mysql && text.eq_ignore_ascii_case(b"delimiter") {
                self.line = LineKind::Delimiter;
                return After::Line;
            }
            if !verbs::begins_statement(text) {
                return self.stray();
            }
        } else if at_line_start && self.is_strict() && verbs::only_begins(text) {
            self.breaks();
        }
        self.statement.word(text);
        After::Code
    }

    /// A line where a statement would begin, and that does not begin like one.
    pub(super) fn stray(&mut self) -> After {
        self.line = LineKind::Stray;
        After::Stray
    }

    /// The line is a message: nothing in SQL is a word at the beginning of a line and a colon.
    pub(super) fn message_inside(&mut self) -> After {
        if self.statement.is_one_word() {
            self.statement.clear();
        } else {
            self.broken();
        }
        self.stray()
    }

    /// The statement lost its end; what comes now does not belong to it.
    pub(super) fn breaks(&mut self) {
        self.broken();
        self.statement.clear();
    }

    /// What was read is not what a dump program writes.
    pub(super) fn broken(&mut self) {
        self.sql.broken_statements += 1;
        self.sql.trailer = false;
        if self.sql.first_broken.is_none() {
            let text = self.statement.tokens().text();
            self.sql.first_broken = Some(shorten(text.get(..80).unwrap_or(&text)).into_owned());
        }
    }

    /// A string ends and a word follows at once.
    pub(super) fn glued(&mut self) {
        self.statement.odd |= self.is_strict();
    }

    /// A string of data has a line end in it.
    pub(super) fn line_end_in_string(&mut self) {
        self.statement.odd = true;
    }

    pub(super) fn name(&mut self, text: &[u8], quote: u8) {
        let mut spelled = Vec::with_capacity(text.len() + 2);
        // In MySQL a double quote is a name or a string, as the session says; kept are names only.
        if (quote == b'`' || self.mysql) && is_plain(text) {
            spelled.extend_from_slice(text);
        } else {
            spelled.push(b'"');
            spelled.extend_from_slice(text);
            spelled.push(b'"');
        }
        self.statement.name(&spelled);
    }

    pub(super) fn literal(&mut self) {
        self.statement.literal();
    }

    pub(super) fn mark(&mut self, byte: u8) -> After {
        if self.statement.is_empty() && !matches!(byte, b'(' | b';') {
            if byte == b'.' && !self.mysql && !self.is_postgres() {
                // A command of `sqlite3`.
                self.line = LineKind::Command;
                return After::Line;
            }
            return self.stray();
        }
        self.statement.mark(byte);
        After::Code
    }

    /// The statement's delimiter.
    pub(super) fn end(&mut self) -> After {
        if self.statement.is_empty() {
            return After::Code;
        }
        // As in psql a semicolon between parentheses ends nothing: rules have several statements there.
        let inside =
            self.statement.depth() > 0 && !self.mysql && (self.is_postgres() || self.statement.verb == Verb::Create);
        if self.statement.in_body() || inside {
            self.statement.mark(b';');
            return After::Code;
        }
        self.sql.statements += 1;
        self.recognise();
        if self.is_strict() && (self.statement.odd || self.statement.depth() > 0 || self.conditional) {
            self.broken();
        }
        self.follow_frames();
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
        self.recognised += u64::from(verbs::convinces(&self.statement));
    }

    fn create(&mut self) -> After {
        if let Some((kind, name)) = created(self.statement.tokens()) {
            let name = match kind {
                Kind::Role | Kind::Database => name,
                _ => self.qualify(&name),
            };
            if matches!(kind, Kind::Table { foreign: false }) && !self.statement.partitioned {
                self.tables.creates(&self.keeper, &name);
            } else if let Kind::Table { .. } = kind {
                self.tables.creates_without_rows(&self.keeper, &name);
            }
            if matches!(kind, Kind::View | Kind::MaterializedView | Kind::Sequence) {
                self.tables.is_no_table(&self.keeper, &name);
            }
            let repeated = kind == Kind::View && !self.first_time(&name);
            if !repeated {
                add(&self.keeper, &mut self.sql.objects, kind, &name);
            }
        }
        After::Code
    }

    /// A view may be created twice: first as a placeholder, then as it is.
    fn first_time(&mut self, name: &str) -> bool {
        let hash = hash(name);
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
        let columns = self.statement.columns;
        self.copying = Some((self.qualify(&table), counted));
        self.rows = match (counted, columns) {
            (false, _) => CopyRows::unchecked(),
            (true, 0) => CopyRows::new(),
            (true, columns) => CopyRows::with_columns(columns),
        };
        After::CopyData
    }

    /// A COPY block reached its terminator.
    pub(super) fn copy_ended(&mut self) {
        let Some((table, counted)) = self.copying.take() else { return };
        self.copy_rows(&table, counted);
        if counted {
            self.tables.has_rows(&self.keeper, &mut self.sql.data_without_table, &table);
        } else {
            self.sql.copy_uncounted += 1;
        }
    }

    fn copy_rows(&mut self, table: &str, counted: bool) {
        if !counted {
            return;
        }
        self.keeper.rows(&mut self.sql.rows, table, self.rows.rows());
        self.sql.dumps_cut += u64::from(self.rows.begins_inside());
        self.strays.row_ends(self.rows.rows(), self.rows.all_returns());
        let misfits = self.rows.misfits();
        if misfits > 0 {
            self.sql.misshapen_rows += misfits;
            let first = self.rows.first_misfit();
            self.sql.first_misshapen.get_or_insert_with(|| Misshapen {
                table: shorten(table).into_owned(),
                row: first.map(|misfit| misfit.row),
                expected: first.map(|misfit| misfit.expected),
                found: first.map(|misfit| misfit.found),
            });
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
                self.shape_of_tuples(&table);
                self.tables.has_rows(&self.keeper, &mut self.sql.data_without_table, &table);
            }
            (values, _) => {
                self.sql.inserts_uncounted += 1;
                if values == Values::NotYet && self.is_strict() {
                    self.broken();
                }
            }
        }
        After::Code
    }

    /// Every tuple has as many values as the first one of its statement, and in a dump as those of the
    /// statement before that filled the same table.
    fn shape_of_tuples(&mut self, table: &str) {
        let (hash, width) = (hash(table), self.statement.tuple_width);
        let before = std::mem::replace(&mut self.last_insert, (hash, width));
        let mut misfits = self.statement.misfits;
        if let (true, true, Some(before), Some(width)) = (self.framed, before.0 == hash, before.1, width)
            && before != width
        {
            misfits += self.statement.tuples;
        }
        if misfits > 0 {
            self.sql.misshapen_rows += misfits;
            self.sql.first_misshapen.get_or_insert_with(|| Misshapen {
                table: shorten(table).into_owned(),
                expected: width,
                ..Misshapen::default()
            });
        }
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
        } else if tokens.accept("alter") {
            self.sql.alters += 1;
            if tokens.accept("table") {
                while tokens.accept_any(&["if", "exists", "only"]).is_some() {}
                // A partition can be dumped without the table that it is attached to.
                if let Some(table) = tokens.qualified_name().filter(|_| !tokens.accept("attach")) {
                    let table = self.qualify(&table);
                    self.tables.alters(&self.keeper, &table);
                }
            }
            self.identity();
        }
        After::Code
    }

    /// `ALTER TABLE … ADD GENERATED … AS IDENTITY ( SEQUENCE NAME …` creates a sequence.
    fn identity(&mut self) {
        let mut tokens = self.statement.tokens();
        if tokens.until("generated").is_some() && tokens.until("identity").is_some() {
            tokens.accept_mark(b'(');
            if tokens.accept("sequence")
                && tokens.accept("name")
                && let Some(name) = tokens.qualified_name()
            {
                let name = self.qualify(&name);
                add(&self.keeper, &mut self.sql.objects, Kind::Sequence, &name);
            }
        }
    }

    /// In a dump of several databases a table's name has its database in front.
    fn qualify(&self, name: &str) -> String {
        match &self.database {
            Some(database) => format!("{database}.{name}"),
            None => name.to_owned(),
        }
    }

    /// The rest of a line that is not SQL.
    pub(super) fn line(&mut self, text: &[u8]) {
        match std::mem::take(&mut self.line) {
            LineKind::Delimiter => {
                let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
                let new = words.next().unwrap_or(b";");
                self.delimiter = new[..new.len().min(8)].to_vec();
            }
            LineKind::Stray => {
                self.sql.trailer = false;
                self.strays.add(text);
            }
            LineKind::Command => self.command(&String::from_utf8_lossy(text)),
        }
    }

    fn command(&mut self, text: &str) {
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        match command {
            "\\restrict" | "\\unrestrict" => self.sql.restrict_lines += 1,
            "\\connect" | "\\c" if self.sql.flavour == Flavour::PgDumpall => {
                self.database = Some(connected_to(rest));
            }
            // The end of rows without their beginning.
            "\\." => self.strays.add(text.as_bytes()),
            // The one command in dumps of MariaDB, in a comment for newer clients.
            "\\-" => self.conditional &= !text.ends_with("*/"),
            _ if self.mysql && self.framed => self.strays.add(text.as_bytes()),
            _ => {}
        }
    }

    /// The text ended, inside of something or between statements.
    pub(super) fn ended(&mut self, inside: Option<EndsInside>) {
        self.sql.ends_inside = inside;
        if inside == Some(EndsInside::Statement) {
            self.recognise();
        }
        if self.mysql && self.sql.flavour == Flavour::Unknown && self.recognised > 0 {
            self.sql.flavour = Flavour::Mysqldump;
        }
        self.frames_end();
        if inside.is_some() || self.delimiter != b";" {
            self.sql.trailer = false;
        }
        if inside == Some(EndsInside::CopyData) {
            let (table, counted) = self.copying.take().unwrap_or_default();
            self.copy_rows(&table, counted);
            self.sql.unterminated_copy = Some(shorten(&table).into_owned());
        }
        self.strays.end(&mut self.sql);
        let whole_rows = self.is_postgres() && self.sql.copy_blocks > 0 && self.sql.inserts == 0;
        self.tables.end(whole_rows, &mut self.sql);
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

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
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
