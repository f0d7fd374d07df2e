//! The tree of a script as the rest of this room reads it: small, with a number and a line for every
//! command. It says what is written and nothing about what it does.

use std::collections::BTreeMap;
use std::rc::Rc;

/// The number of a command within its script, from 0, in the order of the text.
pub type Id = usize;

/// Commands one after the other.
pub type Block = Vec<Item>;

/// One list of pipelines up to `;`, `&` or a line end.
#[derive(Debug)]
pub struct Item {
    /// The first pipeline.
    pub first: Pipeline,
    /// What follows behind `&&` and `||`.
    pub rest: Vec<(Join, Pipeline)>,
    /// Whether it ends with `&`.
    pub background: bool,
}

/// What joins two pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands joined by `|`; one alone is a pipeline too.
#[derive(Debug)]
pub struct Pipeline {
    /// Whether `!` stands before it.
    pub negated: bool,
    /// Its commands.
    pub stages: Vec<Rc<Command>>,
}

/// One command with where it stands.
#[derive(Debug)]
pub struct Command {
    /// Its number.
    pub id: Id,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The line it ends on, from 1.
    pub last_line: usize,
    /// What it is.
    pub kind: Kind,
    /// Where its input and output go.
    pub redirects: Vec<Redirect>,
}

/// The kinds of commands.
#[derive(Debug)]
pub enum Kind {
    /// A program, builtin or function with its words.
    Simple(Simple),
    /// `{ …; }`
    Group(Block),
    /// `( … )`
    Subshell(Block),
    /// Conditions with their blocks, and the block of `else`.
    If(Vec<(Block, Block)>, Option<Block>),
    /// `while`, or `until` when the flag is set: condition and body.
    While(bool, Block, Block),
    /// `for NAME in WORDS`, without words over `"$@"`.
    For(String, Option<Vec<Word>>, Block),
    /// `for (( … ))`: body.
    Count(Block),
    /// `case WORD in` with patterns and blocks; the flag says that the next block follows (`;&`).
    Case(Word, Vec<Arm>),
    /// `(( … ))`
    Arithmetic(String),
    /// `[[ … ]]`
    Test(Test),
    /// The definition of a function.
    Function(String, Rc<Command>),
    /// `coproc …`
    Coprocess(Rc<Command>),
}

/// One arm of a `case`.
#[derive(Debug)]
pub struct Arm {
    /// Its patterns.
    pub patterns: Vec<Word>,
    /// Its block.
    pub block: Block,
    /// Whether another arm is tried or entered behind it (`;&`, `;;&`).
    pub goes_on: bool,
}

/// A simple command.
#[derive(Debug, Default)]
pub struct Simple {
    /// What is assigned before the name.
    pub assignments: Vec<Assignment>,
    /// Name and arguments.
    pub words: Vec<Word>,
    /// For `declare`, `local`, `export` and the like: the assignments among the arguments.
    pub declared: Vec<Assignment>,
    /// For `trap` and `eval` with a literal argument: what that argument would run.
    pub code: Option<Rc<Block>>,
    /// The script that the command hands to another shell (`sh -c`, `ssh host`).
    pub nested: Option<Nested>,
}

/// A script that a command hands to another shell.
#[derive(Debug)]
pub struct Nested {
    /// The script; `None` when it cannot be read: what it does with failures is not known.
    pub block: Option<Rc<Block>>,
    /// The options that the other shell starts with.
    pub options: super::dialect::Options,
    /// The other shell.
    pub dialect: super::dialect::Dialect,
}

/// `NAME=VALUE`
#[derive(Debug)]
pub struct Assignment {
    /// The variable, without an index.
    pub name: String,
    /// Whether it is one element of an array.
    pub indexed: bool,
    /// The value; several for an array.
    pub values: Vec<Word>,
    /// Whether it is an array.
    pub array: bool,
    /// Whether it is appended (`+=`).
    pub append: bool,
}

/// A word with its parts.
#[derive(Debug, Default)]
pub struct Word {
    /// As it is written.
    pub raw: String,
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Debug)]
pub enum Part {
    /// Text that stands for itself; the flag says whether it is quoted.
    Text(String, bool),
    /// A parameter.
    Variable(Variable),
    /// `$( … )` or backquotes; the flag says whether it is quoted.
    Substitution(Rc<Block>, bool),
    /// `<( … )` or `>( … )`.
    Process(Rc<Block>),
    /// `$(( … ))`
    Arithmetic(String),
}

/// The expansion of a parameter.
#[derive(Debug)]
pub struct Variable {
    /// Its name: a name, a digit, or one of `? $ ! # @ * - 0`; for an array `NAME[INDEX]`.
    pub name: String,
    /// Whether it stands in double quotes.
    pub quoted: bool,
    /// What becomes of it.
    pub form: Form,
    /// The value of `:-`, when it is plain text.
    pub otherwise: Option<String>,
}

/// How a parameter is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// With a value for when it is not set or empty.
    Default,
    /// The shell stops when it is not set or empty (`:?`).
    Required,
    /// Cut, replaced, measured or changed otherwise.
    Changed,
}

/// A redirection.
#[derive(Debug)]
pub struct Redirect {
    /// Whether it writes to a file.
    pub writes: bool,
    /// The file, the document or the string.
    pub word: Word,
    /// Whether `word` is text for standard input, not a file's name.
    pub here: bool,
}

/// The expression of `[[ … ]]`.
#[derive(Debug)]
pub enum Test {
    /// Both.
    And(Box<Test>, Box<Test>),
    /// Either.
    Or(Box<Test>, Box<Test>),
    /// Not.
    Not(Box<Test>),
    /// An operator such as `-n` before a word.
    Unary(String, Word),
    /// An operator such as `==` between words.
    Binary(String, Word, Word),
}

/// A whole script.
#[derive(Debug)]
pub struct Script {
    /// Its commands.
    pub body: Block,
    /// Every command by number.
    pub commands: BTreeMap<Id, Rc<Command>>,
    /// The shell it is for and the options it starts with.
    pub shebang: super::dialect::Shebang,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Script {
    /// The text of the lines that a command stands on, shortened to a line.
    #[must_use]
    pub fn text(&self, first: usize, last: usize) -> String {
        let last = last.clamp(first, first + 3);
        let lines = self.lines.iter().skip(first.saturating_sub(1)).take(last + 1 - first);
        let joined = lines.map(|line| line.trim().trim_end_matches('\\').trim_end()).collect::<Vec<_>>().join(" ");
        if joined.len() <= 300 {
            return joined;
        }
        // Between words: half a secret would not be recognised as one.
        let end = (0..=300).rev().find(|at| joined.is_char_boundary(*at) && joined[*at..].starts_with(' '));
        format!("{} …", &joined[..end.unwrap_or(0)])
    }
}

impl Command {
    /// The simple command, if it is one.
    #[must_use]
    pub fn simple(&self) -> Option<&Simple> {
        match &self.kind {
            Kind::Simple(simple) => Some(simple),
            _ => None,
        }
    }
}

impl Word {
    /// The text, when the word holds nothing but text.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text, _) => Some(text.clone()),
            _ => None,
        };
        self.parts.iter().map(text).collect()
    }

    /// The text at its beginning, up to the first expansion.
    #[must_use]
    pub fn prefix(&self) -> String {
        let text = |part: &Part| match part {
            Part::Text(text, _) => Some(text.clone()),
            _ => None,
        };
        self.parts.iter().map_while(text).collect()
    }

    /// All text in it, with a blank for every expansion.
    #[must_use]
    pub fn said(&self) -> String {
        let text = |part: &Part| match part {
            Part::Text(text, _) => text.clone(),
            _ => " ".to_owned(),
        };
        self.parts.iter().map(text).collect()
    }

    /// The variables that it expands.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            _ => None,
        })
    }

    /// The blocks that it runs in the place of a word.
    pub fn substitutions(&self) -> impl Iterator<Item = &Rc<Block>> {
        self.parts.iter().filter_map(|part| match part {
            Part::Substitution(block, _) => Some(block),
            _ => None,
        })
    }
}

impl Simple {
    /// The name, when it is plain text.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.words.first().and_then(Word::literal)
    }

    /// The arguments.
    #[must_use]
    pub fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }
}
