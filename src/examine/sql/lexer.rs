//! SQL text byte by byte: comments, strings, quoted names, dollar-quoted bodies, psql commands and
//! COPY data, across any cut between two chunks.
//!
//! The lexer knows where tokens are; what statements mean is [`super::statement`]'s business. It
//! keeps at most a few hundred bytes of any token, so a line of 100 MB costs no memory.

use memchr::{memchr, memchr2};

use super::copy::Progress;
use super::script::{After, Script};

/// The mark of byte order of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Of a word, a name, a comment or a command this much is kept.
const KEPT: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Word,
    Dash,
    Slash,
    /// A colon after the first word of a line: a message when a blank follows.
    Colon,
    /// `*` in code: closes a MySQL conditional comment when `/` follows.
    Star,
    LineComment,
    /// A comment, how deep, and the byte before when it may begin `*/` or `/*`.
    Block {
        depth: u32,
        before: u8,
    },
    /// `/*!` or `/*M!` is being told from a plain comment.
    BlockStart,
    /// The digits after `/*!`.
    Version,
    Quoted {
        quote: u8,
        escapes: bool,
    },
    Escaped {
        quote: u8,
    },
    QuoteEnd {
        quote: u8,
        escapes: bool,
    },
    DollarTag,
    DollarBody {
        matched: usize,
    },
    /// Part of a delimiter that is longer than one byte.
    Delimiter {
        matched: usize,
    },
    /// A psql command, a DELIMITER line or a stray message: the rest of the line.
    Line,
    /// The rest of the line after a COPY statement.
    BeforeCopy,
    Copy,
}

/// The lexer and the script it reads.
pub(in crate::examine) struct Lexer {
    state: State,
    text: Vec<u8>,
    text_len: usize,
    tag: Vec<u8>,
    /// The next byte is the first of a line.
    line_start: bool,
    /// The token was the first of its line.
    first_token: bool,
    /// What a line begins with, without a blank, while it may be the name of a program.
    run: Vec<u8>,
    in_run: bool,
    /// The mark of byte order, as far as it was read.
    bom: usize,
    drops: Vec<(usize, usize)>,
    script: Script,
}

impl Lexer {
    /// At the start of SQL text.
    pub(in crate::examine) fn new(script: Script) -> Lexer {
        Lexer {
            state: State::Code,
            text: Vec::new(),
            text_len: 0,
            tag: Vec::new(),
            line_start: true,
            first_token: false,
            run: Vec::new(),
            in_run: false,
            bom: 0,
            drops: Vec::new(),
            script,
        }
    }

    /// Reads on.
    pub(in crate::examine) fn feed(&mut self, chunk: &[u8]) {
        self.drops.clear();
        let mut at = 0;
        // The mark of byte order, which psql and mysql skip too.
        while self.bom < BOM.len() && at < chunk.len() {
            if chunk[at] != BOM[self.bom] {
                let begun = std::mem::replace(&mut self.bom, BOM.len());
                self.read(&BOM[..begun]);
                break;
            }
            (self.bom, at) = (self.bom + 1, at + 1);
        }
        self.read(&chunk[at..]);
        if at > 0 {
            self.drops.iter_mut().for_each(|(from, to)| (*from, *to) = (*from + at, *to + at));
        }
    }

    fn read(&mut self, chunk: &[u8]) {
        let mut at = 0;
        while at < chunk.len() {
            at = self.advance(chunk, at);
        }
    }

    /// The parts of the last chunk that a normalised digest leaves out.
    pub(in crate::examine) fn drops(&self) -> &[(usize, usize)] {
        &self.drops
    }

    /// Ends the text.
    pub(in crate::examine) fn finish(mut self) -> Script {
        use crate::examine::facts::EndsInside as Inside;
        if let State::Word | State::Dash | State::Slash | State::Star | State::Colon | State::QuoteEnd { .. } =
            self.state
        {
            self.advance(b" ", 0);
        }
        if let State::DollarTag | State::Delimiter { .. } | State::LineComment | State::Line = self.state {
            self.advance(b"\n", 0);
        }
        let inside = match self.state {
            State::Block { .. } | State::BlockStart | State::Version => Some(Inside::Comment),
            State::Quoted { .. } | State::Escaped { .. } => Some(Inside::Quote),
            State::DollarBody { .. } => Some(Inside::DollarQuote),
            State::BeforeCopy => Some(Inside::CopyData),
            State::Copy if self.script.rows.at_terminator() => {
                self.script.copy_ended();
                None
            }
            State::Copy => Some(Inside::CopyData),
            _ if self.script.in_statement() => Some(Inside::Statement),
            _ => None,
        };
        self.script.ended(inside);
        self.script
    }

    fn advance(&mut self, chunk: &[u8], at: usize) -> usize {
        match self.state {
            State::Code => self.code(chunk, at),
            State::Word => self.word(chunk, at),
            State::Dash => self.dash(chunk[at], at),
            State::Slash => self.slash(chunk[at], at),
            State::Star => self.star(chunk[at], at),
            State::Colon => self.colon(chunk[at], at),
            State::LineComment => self.line_comment(chunk, at),
            State::Block { depth, before } => self.block(chunk, at, depth, before),
            State::BlockStart => self.block_start(chunk[at], at),
            State::Version => self.version(chunk[at], at),
            State::Quoted { quote, escapes } => self.quoted(chunk, at, quote, escapes),
            State::Escaped { quote } => {
                self.keep(&chunk[at..=at]);
                self.state = State::Quoted { quote, escapes: true };
                at + 1
            }
            State::QuoteEnd { quote, escapes } => self.quote_end(chunk[at], at, quote, escapes),
            State::DollarTag => self.dollar_tag(chunk[at], at),
            State::DollarBody { matched } => self.dollar_body(chunk, at, matched),
            State::Delimiter { matched } => self.delimiter(chunk[at], at, matched),
            State::Line => self.line(chunk, at),
            State::BeforeCopy => self.before_copy(chunk, at),
            State::Copy => self.copy(chunk, at),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.text_len += bytes.len();
        let room = KEPT.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn begin(&mut self, state: State) {
        self.text.clear();
        self.text_len = 0;
        self.state = state;
    }

    fn code(&mut self, chunk: &[u8], mut at: usize) -> usize {
        while at < chunk.len() {
            let byte = chunk[at];
            if byte.is_ascii_whitespace() {
                self.line_start = byte == b'\n';
                self.in_run = false;
                at += 1;
                continue;
            }
            self.first_token = std::mem::take(&mut self.line_start);
            if self.first_token {
                self.run.clear();
                self.in_run = true;
                if is_foreign(byte) && self.script.in_statement() && self.script.is_strict() {
                    let after = self.script.message_inside();
                    self.follow(after, b"");
                    return at;
                }
            }
            if is_word(byte) && byte != b'$' {
                self.begin(State::Word);
                return at;
            }
            if byte == self.script.delimiter()[0] {
                self.state = State::Delimiter { matched: 0 };
                return at;
            }
            at += 1;
            if self.mark(byte) {
                return at;
            }
        }
        at
    }

    /// A byte in code that does not belong to a word; true when the state changed.
    fn mark(&mut self, byte: u8) -> bool {
        let inside = self.script.in_statement();
        match byte {
            b'-' => self.state = State::Dash,
            b'/' => self.state = State::Slash,
            b'*' if self.script.conditional() => self.state = State::Star,
            b'\'' if inside => self.begin(State::Quoted { quote: byte, escapes: self.script.escapes() }),
            b'"' if inside => self.begin(State::Quoted { quote: byte, escapes: self.script.mysql() }),
            b'`' if inside && !self.script.is_postgres() => {
                self.script.is_mysql();
                self.begin(State::Quoted { quote: byte, escapes: false });
            }
            b'#' if !self.script.is_postgres() && (!inside || self.script.mysql()) => {
                self.begin(State::LineComment);
                self.keep(b"#");
            }
            b'$' if inside => {
                self.tag.clear();
                self.tag.push(byte);
                self.state = State::DollarTag;
            }
            b'\\' if !inside || (self.first_token && self.script.is_strict() && !self.script.mysql()) => {
                if inside {
                    self.script.breaks();
                }
                self.begin(State::Line);
                self.keep(b"\\");
            }
            b':' if inside && self.in_run => self.state = State::Colon,
            _ => {
                if self.in_run {
                    self.run.push(byte);
                }
                let after = self.script.mark(byte);
                return self.follow(after, &[byte]);
            }
        }
        true
    }

    /// Does what the script asks for after a token; true when the state changed.
    fn follow(&mut self, after: After, token: &[u8]) -> bool {
        match after {
            After::Code => return false,
            After::CopyData => self.state = State::BeforeCopy,
            After::Line => self.begin(State::Line),
            After::Stray => {
                self.begin(State::Line);
                self.keep(token);
            }
        }
        true
    }

    /// `pg_dump: error: …` inside a statement is a message; `a:b` is not.
    fn colon(&mut self, byte: u8, at: usize) -> usize {
        self.state = State::Code;
        if byte.is_ascii_whitespace() && self.script.delimiter() == b";" {
            let run = std::mem::take(&mut self.run);
            let after = self.script.message_inside();
            self.follow(after, &run);
            self.keep(b":");
            self.run = run;
        } else {
            self.in_run = false;
            let after = self.script.mark(b':');
            self.follow(after, b":");
        }
        at
    }

    fn word(&mut self, chunk: &[u8], at: usize) -> usize {
        let rest = &chunk[at..];
        let len = rest.iter().position(|&byte| !is_word(byte)).unwrap_or(rest.len());
        self.keep(&rest[..len]);
        let Some(&next) = rest.get(len) else {
            return chunk.len();
        };
        if next == b'\'' && matches!(self.text.as_slice(), b"e" | b"E") {
            self.begin(State::Quoted { quote: b'\'', escapes: true });
            return at + len + 1;
        }
        self.state = State::Code;
        if self.in_run {
            self.run.extend_from_slice(&self.text);
        }
        let mut word = std::mem::take(&mut self.text);
        let after = self.script.word(&word, self.first_token);
        self.follow(after, &word);
        if self.text.is_empty() {
            // The memory goes round.
            word.clear();
            self.text = word;
        }
        at + len
    }

    fn dash(&mut self, byte: u8, at: usize) -> usize {
        if byte == b'-' {
            self.begin(State::LineComment);
            return at + 1;
        }
        self.state = State::Code;
        if self.in_run {
            self.run.push(b'-');
        }
        let after = self.script.mark(b'-');
        self.follow(after, b"-");
        at
    }

    fn slash(&mut self, byte: u8, at: usize) -> usize {
        if byte == b'*' {
            self.begin(State::BlockStart);
            return at + 1;
        }
        self.state = State::Code;
        if self.in_run {
            self.run.push(b'/');
        }
        let after = self.script.mark(b'/');
        self.follow(after, b"/");
        at
    }

    fn star(&mut self, byte: u8, at: usize) -> usize {
        self.state = State::Code;
        if byte == b'/' {
            self.script.conditional_ends();
            return at + 1;
        }
        let after = self.script.mark(b'*');
        self.follow(after, b"*");
        at
    }

    fn line_comment(&mut self, chunk: &[u8], at: usize) -> usize {
        let rest = &chunk[at..];
        let Some(len) = memchr(b'\n', rest) else {
            self.keep(rest);
            return chunk.len();
        };
        self.keep(&rest[..len]);
        self.state = State::Code;
        self.line_start = true;
        self.in_run = false;
        let text = std::mem::take(&mut self.text);
        self.script.strays.line_end(&text);
        self.script.comment(text.trim_ascii(), self.first_token);
        self.text = text;
        at + len + 1
    }

    /// After `/*`: `!` and a version make it code for MySQL, `M!` marks a dump of MariaDB.
    fn block_start(&mut self, byte: u8, at: usize) -> usize {
        match (self.text.as_slice(), byte) {
            (b"", b'!') => {
                self.state = State::Version;
                return at + 1;
            }
            (b"", b'M') => {
                self.keep(b"M");
                return at + 1;
            }
            (b"M", b'!') => self.script.is_mysql(),
            _ => {}
        }
        self.state = State::Block { depth: 1, before: 0 };
        at
    }

    fn version(&mut self, byte: u8, at: usize) -> usize {
        if byte.is_ascii_digit() {
            self.keep(&[byte]);
            return at + 1;
        }
        // Style sheets and scripts have comments with a `!` too.
        if self.text_len >= 5 || self.script.mysql() {
            self.script.conditional_begins(self.first_token);
            self.state = State::Code;
        } else {
            self.state = State::Block { depth: 1, before: 0 };
        }
        at
    }

    fn block(&mut self, chunk: &[u8], at: usize, depth: u32, before: u8) -> usize {
        let Some(found) = memchr2(b'*', b'/', &chunk[at..]).map(|found| found + at) else {
            self.state = State::Block { depth, before: 0 };
            return chunk.len();
        };
        let before = if found == at { before } else { 0 };
        let byte = chunk[found];
        self.state = match (before, byte) {
            (b'*', b'/') if depth <= 1 => State::Code,
            (b'*', b'/') => State::Block { depth: depth - 1, before: 0 },
            // Comments nest in PostgreSQL, not in MySQL.
            (b'/', b'*') if !self.script.mysql() => State::Block { depth: depth.saturating_add(1), before: 0 },
            _ => State::Block { depth, before: byte },
        };
        found + 1
    }

    fn quoted(&mut self, chunk: &[u8], at: usize, quote: u8, escapes: bool) -> usize {
        let rest = &chunk[at..];
        let found = if escapes { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
        let len = found.unwrap_or(rest.len());
        if quote != b'\'' {
            self.keep(&rest[..len]);
        } else if self.script.escapes_line_ends() && memchr(b'\n', &rest[..len]).is_some() {
            self.script.line_end_in_string();
        }
        let Some(&byte) = rest.get(len) else {
            return chunk.len();
        };
        self.state = if byte == quote { State::QuoteEnd { quote, escapes } } else { State::Escaped { quote } };
        at + len + 1
    }

    fn quote_end(&mut self, byte: u8, at: usize, quote: u8, escapes: bool) -> usize {
        if byte == quote {
            self.keep(&[quote, quote][..if quote == b'\'' { 0 } else { 2 }]);
            self.state = State::Quoted { quote, escapes };
            return at + 1;
        }
        self.state = State::Code;
        if quote == b'\'' {
            if is_word(byte) {
                self.script.glued();
            }
            self.script.literal();
        } else {
            self.script.name(&self.text, quote);
        }
        at
    }

    fn dollar_tag(&mut self, byte: u8, at: usize) -> usize {
        let digit_first = self.tag.len() == 1 && byte.is_ascii_digit();
        if byte == b'$' {
            self.tag.push(byte);
            self.state = State::DollarBody { matched: 0 };
            return at + 1;
        }
        if is_word(byte) && !digit_first && self.tag.len() < KEPT {
            self.tag.push(byte);
            return at + 1;
        }
        // A parameter such as $1, or a dollar on its own.
        self.state = State::Code;
        self.script.literal();
        at
    }

    fn dollar_body(&mut self, chunk: &[u8], at: usize, matched: usize) -> usize {
        if matched == 0 {
            let Some(found) = memchr(b'$', &chunk[at..]) else {
                return chunk.len();
            };
            self.state = State::DollarBody { matched: 1 };
            return at + found + 1;
        }
        let byte = chunk[at];
        let matched = match (self.tag.get(matched) == Some(&byte), byte) {
            (true, _) => matched + 1,
            (false, b'$') => 1,
            (false, _) => 0,
        };
        if matched == self.tag.len() {
            self.state = State::Code;
            self.script.literal();
        } else {
            self.state = State::DollarBody { matched };
        }
        at + 1
    }

    fn delimiter(&mut self, byte: u8, at: usize, matched: usize) -> usize {
        let delimiter = self.script.delimiter();
        if delimiter.get(matched) == Some(&byte) {
            let matched = matched + 1;
            if matched < delimiter.len() {
                self.state = State::Delimiter { matched };
            } else {
                self.state = State::Code;
                let after = self.script.end();
                self.follow(after, b"");
            }
            return at + 1;
        }
        // The beginning of a delimiter that does not go on: marks like any other.
        self.state = State::Code;
        let begun = delimiter[..matched].to_vec();
        for mark in begun {
            if self.script.in_statement() {
                self.script.mark(mark);
            }
        }
        at
    }

    fn line(&mut self, chunk: &[u8], at: usize) -> usize {
        let rest = &chunk[at..];
        let found = memchr(b'\n', rest);
        let len = found.unwrap_or(rest.len());
        let had = self.text_len;
        self.keep(&rest[..len]);
        if let Some(token) = token_start(&self.text) {
            let from = at + token.saturating_sub(had);
            if from < at + len {
                self.drops.push((from, at + len));
            }
        }
        if found.is_none() {
            return chunk.len();
        }
        self.state = State::Code;
        self.line_start = true;
        let text = std::mem::take(&mut self.text);
        self.script.line(text.trim_ascii());
        self.text = text;
        at + len + 1
    }

    fn before_copy(&mut self, chunk: &[u8], at: usize) -> usize {
        let Some(found) = memchr(b'\n', &chunk[at..]) else {
            return chunk.len();
        };
        self.state = State::Copy;
        at + found + 1
    }

    fn copy(&mut self, chunk: &[u8], at: usize) -> usize {
        match self.script.rows.feed(&chunk[at..]) {
            Progress::GoesOn => chunk.len(),
            Progress::Ended(len) => {
                self.script.copy_ended();
                self.state = State::Code;
                self.line_start = true;
                at + len
            }
        }
    }
}

/// Where the random token of a `\restrict` or `\unrestrict` line starts.
fn token_start(line: &[u8]) -> Option<usize> {
    [&b"\\restrict "[..], b"\\unrestrict "].into_iter().find(|keyword| line.starts_with(keyword)).map(<[u8]>::len)
}

/// No dump program begins a line inside a statement with these: a date or the mark of a message.
fn is_foreign(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'[' | b'{')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
