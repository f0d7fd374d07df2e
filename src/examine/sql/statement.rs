//! One statement while it is being read: its first tokens, its parentheses, and the few things that
//! have to be followed to its end (tuples of an INSERT, `FROM stdin` of a COPY, `BEGIN ATOMIC`).

/// Tokens kept of a statement; what comes after is only followed.
const HEAD_TOKENS: usize = 48;
/// A GRANT is kept to its end, within reason: the roles stand there.
const GRANT_TOKENS: usize = 4096;
/// Bytes of kept tokens.
const KEPT_BYTES: usize = 64 * 1024;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// An unquoted word or number, in lower case.
    Word,
    /// A quoted name, with its quotes.
    Name,
    /// One byte of punctuation.
    Mark,
    /// A string or a parameter; its content is not kept.
    Literal,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    shape: Shape,
    start: usize,
    end: usize,
}

/// The verbs that need more than their first tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Verb {
    #[default]
    None,
    Create,
    Copy,
    Insert,
    Grant,
    Other,
}

/// How far an INSERT is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Values {
    #[default]
    NotYet,
    Counting,
    Done,
    /// Rows come from a query.
    Uncounted,
}

/// How far a COPY is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Source {
    #[default]
    NotYet,
    From,
    Stdin,
    /// `FROM stdin` and options behind it.
    StdinWithOptions,
    Other,
}

/// The statement that is being read. Reused, so that a dump of a million INSERTs allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Statement {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    tokens: u64,
    depth: u32,
    pub(super) verb: Verb,
    pub(super) values: Values,
    pub(super) tuples: u64,
    pub(super) source: Source,
    /// Columns that a COPY or an INSERT names.
    pub(super) columns: u64,
    /// Values in the tuple that is being read.
    width: u64,
    /// Values in every tuple so far; the first one decides.
    pub(super) tuple_width: Option<u64>,
    /// Tuples with another number of values.
    pub(super) misfits: u64,
    /// Something that no dump program writes: values without a comma between them, words after the
    /// tuples, a parenthesis too many.
    pub(super) odd: bool,
    /// A table that is partitioned has no rows of its own.
    pub(super) partitioned: bool,
    /// MySQL ends the body of a trigger with a delimiter of its own.
    pub(super) mysql: bool,
    last: Last,
    routine: bool,
    trigger: bool,
    last_was_begin: bool,
    last_was_default: bool,
    atomic: u32,
}

/// The token before, inside a tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    #[default]
    Mark,
    Word,
    Literal,
}

impl Statement {
    pub(super) fn clear(&mut self) {
        let (mut bytes, mut spans) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.spans));
        bytes.clear();
        spans.clear();
        *self = Statement { bytes, spans, mysql: self.mysql, ..Statement::default() };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// Nothing but its first token was read.
    pub(super) fn is_one_word(&self) -> bool {
        self.tokens <= 1
    }

    /// Parentheses that are open.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// A semicolon here belongs to a body and ends nothing.
    pub(super) fn in_body(&self) -> bool {
        self.atomic > 0
    }

    fn push(&mut self, shape: Shape, text: &[u8]) {
        self.tokens += 1;
        let most = if self.verb == Verb::Grant { GRANT_TOKENS } else { HEAD_TOKENS };
        if self.spans.len() >= most || self.bytes.len() + text.len() > KEPT_BYTES {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        if shape == Shape::Word {
            self.bytes[start..].make_ascii_lowercase();
        }
        self.spans.push(Span { shape, start, end: self.bytes.len() });
    }

    /// An unquoted word.
    pub(super) fn word(&mut self, text: &[u8]) {
        if self.tokens == 0 {
            self.verb = verb(text);
        } else if self.verb == Verb::Insert && self.insert_word(text) {
            return;
        } else if self.verb == Verb::Copy {
            self.copy_word(text);
        } else if self.verb == Verb::Create {
            self.create_word(text);
        }
        self.push(Shape::Word, text);
    }

    fn create_word(&mut self, text: &[u8]) {
        let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
        if self.routine {
            self.routine_word(text);
        } else if self.tokens <= 6 && (is("function") || is("procedure")) {
            self.routine = true;
        } else if self.tokens <= 6 && is("trigger") && !self.mysql {
            (self.routine, self.trigger) = (true, true);
        } else if self.depth == 0 && is("partition") {
            // `PARTITION BY` behind the columns; `PARTITION OF` stands where they would be.
            self.partitioned = true;
        } else if self.depth == 0 && is("of") {
            self.partitioned = false;
        }
    }

    /// Follows an INSERT; true when the word need not be kept.
    fn insert_word(&mut self, text: &[u8]) -> bool {
        if self.depth > 0 {
            self.value(Last::Word);
            // A list of columns needs no words, and a tuple none either.
            return true;
        }
        let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
        match self.values {
            Values::NotYet | Values::Counting if self.tuples == 0 && (is("values") || is("value")) => {
                self.values = Values::Counting;
                self.columns_end();
                if self.last_was_default {
                    (self.values, self.tuples) = (Values::Done, 1);
                }
            }
            Values::NotYet if is("select") || is("table") || is("with") => self.values = Values::Uncounted,
            Values::Counting => {
                self.odd |= self.tuples > 0 && !["on", "as", "returning", "row"].iter().any(|word| is(word));
                self.values = Values::Done;
            }
            _ => {}
        }
        self.last_was_default = is("default");
        self.values != Values::NotYet
    }

    /// A value inside a tuple: what came before it must be a mark, but for `_binary 'x'`.
    fn value(&mut self, now: Last) {
        if self.values == Values::Counting && self.depth == 1 {
            self.odd |= match (self.last, now) {
                (Last::Mark, _) | (Last::Word, Last::Literal) => false,
                (Last::Word | Last::Literal, _) => true,
            };
            self.last = now;
        }
    }

    fn copy_word(&mut self, text: &[u8]) {
        if self.depth > 0 {
            return;
        }
        let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
        self.source = match self.source {
            Source::NotYet if is("from") => {
                self.columns_end();
                Source::From
            }
            Source::From if is("stdin") => Source::Stdin,
            Source::From => Source::Other,
            Source::Stdin => Source::StdinWithOptions,
            before => before,
        };
    }

    /// Follows the SQL-standard body of a routine: it has semicolons of its own.
    fn routine_word(&mut self, text: &[u8]) {
        let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
        if self.atomic == 0 {
            // SQLite's triggers have a body without the word.
            let begins =
                if self.trigger { self.depth == 0 && is("begin") } else { self.last_was_begin && is("atomic") };
            self.atomic = u32::from(begins);
        } else if is("case") || is("begin") {
            self.atomic += 1;
        } else if is("end") {
            self.atomic -= 1;
        }
        self.last_was_begin = is("begin");
    }

    /// A quoted name, with its quotes.
    pub(super) fn name(&mut self, text: &[u8]) {
        self.value(Last::Literal);
        if self.values == Values::NotYet {
            self.push(Shape::Name, text);
        }
        self.last_was_begin = false;
    }

    /// A string.
    pub(super) fn literal(&mut self) {
        self.value(Last::Literal);
        if self.values == Values::NotYet {
            self.push(Shape::Literal, b"");
        }
        self.last_was_begin = false;
    }

    /// Punctuation.
    pub(super) fn mark(&mut self, byte: u8) {
        match byte {
            b'(' => {
                if self.depth == 0 {
                    self.opens();
                }
                self.depth = self.depth.saturating_add(1);
            }
            b')' => {
                self.odd |= self.depth == 0;
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 && self.values == Values::Counting {
                    self.tuple_ends();
                }
            }
            b',' if self.depth == 1 => {
                self.width += 1;
                self.last = Last::Mark;
            }
            _ => self.last = Last::Mark,
        }
        if self.values == Values::NotYet {
            self.push(Shape::Mark, &[byte]);
        }
        self.last_was_begin = false;
    }

    /// A parenthesis at the top: a list of columns or a tuple.
    fn opens(&mut self) {
        (self.width, self.last) = (1, Last::Mark);
        self.tuples += u64::from(self.values == Values::Counting);
    }

    fn tuple_ends(&mut self) {
        let expected = *self.tuple_width.get_or_insert(if self.columns > 0 { self.columns } else { self.width });
        self.misfits += u64::from(expected != self.width);
    }

    /// The list of columns ends: what it named is what every tuple or row must have.
    fn columns_end(&mut self) {
        if self.columns == 0 && self.width > 0 {
            self.columns = self.width;
        }
    }

    /// The tokens that were kept.
    pub(super) fn tokens(&self) -> Tokens<'_> {
        Tokens { statement: self, at: 0, end: self.spans.len() }
    }
}

fn verb(text: &[u8]) -> Verb {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    match () {
        () if is("create") => Verb::Create,
        () if is("copy") => Verb::Copy,
        () if is("insert") || is("replace") => Verb::Insert,
        () if is("grant") => Verb::Grant,
        () => Verb::Other,
    }
}

/// A reader of kept tokens.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    statement: &'a Statement,
    at: usize,
    end: usize,
}

impl<'a> Tokens<'a> {
    /// The next token, not taken.
    pub(super) fn peek(&self) -> Option<(Shape, &'a [u8])> {
        let span = self.statement.spans[..self.end].get(self.at)?;
        Some((span.shape, &self.statement.bytes[span.start..span.end]))
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Option<(Shape, &'a [u8])> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// Takes the next token if it is this word.
    pub(super) fn accept(&mut self, word: &str) -> bool {
        let found = self.peek() == Some((Shape::Word, word.as_bytes()));
        self.at += usize::from(found);
        found
    }

    /// Takes the next token if it is this mark.
    pub(super) fn accept_mark(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some((Shape::Mark, &[mark]));
        self.at += usize::from(found);
        found
    }

    /// Takes the next token if it is any of these words.
    pub(super) fn accept_any(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.accept(word))
    }

    /// Goes to behind the next such word; the tokens before it.
    pub(super) fn until(&mut self, word: &str) -> Option<Tokens<'a>> {
        let before = *self;
        while let Some(token) = self.next() {
            if token == (Shape::Word, word.as_bytes()) {
                return Some(Tokens { end: self.at - 1, ..before });
            }
        }
        *self = before;
        None
    }

    /// A name of one or more parts, as the dump spells it.
    pub(super) fn qualified_name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.next()? {
                (Shape::Word | Shape::Name, part) => name.push_str(&String::from_utf8_lossy(part)),
                _ => return None,
            }
            if !self.accept_mark(b'.') {
                return Some(name);
            }
            name.push('.');
        }
    }

    /// The tokens as readable text.
    pub(super) fn text(mut self) -> String {
        let mut text = String::new();
        let mut glue = true;
        while let Some((shape, token)) = self.next() {
            let tight = shape == Shape::Mark && matches!(token, b"." | b"," | b"(" | b")");
            if !glue && !tight {
                text.push(' ');
            }
            match shape {
                Shape::Literal => text.push_str("''"),
                _ => text.push_str(&String::from_utf8_lossy(token)),
            }
            glue = shape == Shape::Mark && matches!(token, b"." | b"(");
        }
        text
    }
}
