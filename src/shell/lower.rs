//! From the parser's tree to ours: numbers the commands, keeps their lines, and parses what stands
//! in substitutions, traps and `eval` as the shell would when it comes to it. Whatever cannot be
//! parsed is a fault with its line; nothing is passed over.

use std::collections::BTreeMap;
use std::rc::Rc;

use brush_parser::ast::{self, SourceLocation};
use brush_parser::{ParseError, Parser, ParserOptions};

use super::Fault;
use super::nested;
use super::tree::{
    Arm, Assignment, Block, Command, Id, Item, Join, Kind, Nested, Pipeline, Redirect, Simple, Test, Word,
};

/// Lowers one script.
pub struct Lowering {
    next: Id,
    /// Every command so far.
    pub commands: BTreeMap<Id, Rc<Command>>,
    /// How deep the present text is nested in others.
    depth: usize,
}

/// Deeper than this nobody writes; the parser itself calls itself for every level.
const DEEPEST: usize = 24;

impl Lowering {
    /// Nothing lowered yet.
    #[must_use]
    pub fn new() -> Self {
        Self { next: 0, commands: BTreeMap::new(), depth: 0 }
    }

    /// Parses `text`, whose first line is the line `line` of the script.
    ///
    /// # Errors
    /// With the line, when it is no shell text or nested too deep.
    pub fn parse(&mut self, text: &str, line: usize) -> Result<Block, Fault> {
        if self.depth >= DEEPEST {
            return Err(Fault { line, what: "nested deeper than anything that can be followed".into() });
        }
        let options = options();
        let program = Parser::new(text.as_bytes(), &options).parse_program().map_err(|e| fault(&e, text, line))?;
        self.depth += 1;
        let mut block = Vec::new();
        for list in &program.complete_commands {
            block.extend(self.list(list, line)?);
        }
        self.depth -= 1;
        Ok(block)
    }

    fn list(&mut self, list: &ast::CompoundList, line: usize) -> Result<Block, Fault> {
        let item = |ast::CompoundListItem(list, separator): &ast::CompoundListItem| {
            let first = self.pipeline(&list.first, line)?;
            let mut rest = Vec::new();
            for more in &list.additional {
                rest.push(match more {
                    ast::AndOr::And(pipeline) => (Join::And, self.pipeline(pipeline, line)?),
                    ast::AndOr::Or(pipeline) => (Join::Or, self.pipeline(pipeline, line)?),
                });
            }
            Ok(Item { first, rest, background: matches!(separator, ast::SeparatorOperator::Async) })
        };
        list.0.iter().map(item).collect()
    }

    fn pipeline(&mut self, pipeline: &ast::Pipeline, line: usize) -> Result<Pipeline, Fault> {
        let stages = pipeline.seq.iter().map(|command| self.command(command, line)).collect::<Result<_, _>>()?;
        Ok(Pipeline { negated: pipeline.bang, stages })
    }

    fn command(&mut self, command: &ast::Command, base: usize) -> Result<Rc<Command>, Fault> {
        let id = self.next;
        self.next += 1;
        let (line, last_line) = span(command).map_or((base, base), |(a, b)| (base + a - 1, base + b - 1));
        let mut redirects = Vec::new();
        let kind = match command {
            ast::Command::Simple(simple) => self.simple(simple, base, line, &mut redirects)?,
            ast::Command::Compound(compound, more) => {
                self.redirects(more.as_ref(), base, &mut redirects)?;
                self.compound(compound, base)?
            }
            ast::Command::Function(function) => {
                let body = self.body(&function.body, base)?;
                Kind::Function(function.fname.value.clone(), body)
            }
            ast::Command::ExtendedTest(test, more) => {
                self.redirects(more.as_ref(), base, &mut redirects)?;
                Kind::Test(self.test(&test.expr, base)?)
            }
        };
        Ok(self.keep(Command { id, line, last_line, kind, redirects }))
    }

    fn keep(&mut self, command: Command) -> Rc<Command> {
        let command = Rc::new(command);
        self.commands.insert(command.id, Rc::clone(&command));
        command
    }

    fn body(&mut self, body: &ast::FunctionBody, base: usize) -> Result<Rc<Command>, Fault> {
        let id = self.next;
        self.next += 1;
        let line = body.0.location().map_or(base, |span| base + span.start.line - 1);
        let mut redirects = Vec::new();
        self.redirects(body.1.as_ref(), base, &mut redirects)?;
        let kind = self.compound(&body.0, base)?;
        Ok(self.keep(Command { id, line, last_line: line, kind, redirects }))
    }

    fn compound(&mut self, compound: &ast::CompoundCommand, base: usize) -> Result<Kind, Fault> {
        use ast::CompoundCommand as C;
        Ok(match compound {
            C::Arithmetic(arithmetic) => Kind::Arithmetic(arithmetic.expr.value.clone()),
            C::ArithmeticForClause(clause) => Kind::Count(self.list(&clause.body.list, base)?),
            C::BraceGroup(group) => Kind::Group(self.list(&group.list, base)?),
            C::Subshell(shell) => Kind::Subshell(self.list(&shell.list, base)?),
            C::ForClause(clause) => {
                let words = clause.values.as_ref().map(|words| self.words(words, base)).transpose()?;
                Kind::For(clause.variable_name.clone(), words, self.list(&clause.body.list, base)?)
            }
            C::CaseClause(clause) => {
                let word = self.word(&clause.value, base)?;
                let arms = clause.cases.iter().map(|arm| self.arm(arm, base)).collect::<Result<_, _>>()?;
                Kind::Case(word, arms)
            }
            C::IfClause(clause) => self.conditions(clause, base)?,
            C::WhileClause(clause) => Kind::While(false, self.list(&clause.0, base)?, self.list(&clause.1.list, base)?),
            C::UntilClause(clause) => Kind::While(true, self.list(&clause.0, base)?, self.list(&clause.1.list, base)?),
            C::Coprocess(process) => Kind::Coprocess(self.command(&process.body, base)?),
        })
    }

    fn arm(&mut self, arm: &ast::CaseItem, base: usize) -> Result<Arm, Fault> {
        let block = arm.cmd.as_ref().map(|list| self.list(list, base)).transpose()?.unwrap_or_default();
        let goes_on = !matches!(arm.post_action, ast::CaseItemPostAction::ExitCase);
        Ok(Arm { patterns: self.words(&arm.patterns, base)?, block, goes_on })
    }

    fn conditions(&mut self, clause: &ast::IfClauseCommand, base: usize) -> Result<Kind, Fault> {
        let mut arms = vec![(self.list(&clause.condition, base)?, self.list(&clause.then, base)?)];
        let mut otherwise = None;
        for more in clause.elses.iter().flatten() {
            let body = self.list(&more.body, base)?;
            match &more.condition {
                Some(condition) => {
                    let condition = self.list(condition, base)?;
                    arms.push((condition, body));
                }
                None => otherwise = Some(body),
            }
        }
        Ok(Kind::If(arms, otherwise))
    }

    fn test(&mut self, test: &ast::ExtendedTestExpr, base: usize) -> Result<Test, Fault> {
        use ast::ExtendedTestExpr as T;
        Ok(match test {
            T::And(a, b) => Test::And(Box::new(self.test(a, base)?), Box::new(self.test(b, base)?)),
            T::Or(a, b) => Test::Or(Box::new(self.test(a, base)?), Box::new(self.test(b, base)?)),
            T::Not(a) => Test::Not(Box::new(self.test(a, base)?)),
            T::Parenthesized(a) => self.test(a, base)?,
            T::UnaryTest(operator, a) => Test::Unary(operator.to_string(), self.word(a, base)?),
            T::BinaryTest(operator, a, b) => {
                Test::Binary(operator.to_string(), self.word(a, base)?, self.word(b, base)?)
            }
        })
    }

    fn simple(
        &mut self,
        simple: &ast::SimpleCommand,
        base: usize,
        line: usize,
        redirects: &mut Vec<Redirect>,
    ) -> Result<Kind, Fault> {
        let mut out = Simple::default();
        let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            match item {
                ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => {
                    out.assignments.push(self.assignment(assignment, word, base)?);
                }
                other => self.item(other, base, &mut out, redirects)?,
            }
        }
        if let Some(name) = &simple.word_or_name {
            out.words.push(self.word(name, base)?);
        }
        for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, base, &mut out, redirects)?;
        }
        out.code = self.code(&out, line)?;
        out.nested = self.nested(&out, redirects, line);
        Ok(Kind::Simple(out))
    }

    /// The script that a command hands to another shell. One that cannot be parsed is not an error here:
    /// the other side may know what this side does not.
    fn nested(&mut self, simple: &Simple, redirects: &[Redirect], line: usize) -> Option<Nested> {
        let carried = nested::carried(simple, redirects)?;
        let block = carried.text.and_then(|text| self.parse(&text, line).ok()).map(Rc::new);
        Some(Nested { block, options: carried.options, dialect: carried.dialect })
    }

    fn item(
        &mut self,
        item: &ast::CommandPrefixOrSuffixItem,
        base: usize,
        out: &mut Simple,
        redirects: &mut Vec<Redirect>,
    ) -> Result<(), Fault> {
        use ast::CommandPrefixOrSuffixItem as I;
        match item {
            I::IoRedirect(redirect) => redirects.extend(self.redirect(redirect, base)?),
            I::Word(word) => out.words.push(self.word(word, base)?),
            I::AssignmentWord(assignment, word) => {
                out.declared.push(self.assignment(assignment, word, base)?);
                out.words.push(Word { raw: word.value.clone(), parts: Vec::new() });
            }
            I::ProcessSubstitution(_, shell) => {
                let block = Rc::new(self.list(&shell.list, base)?);
                out.words.push(Word { raw: "<(…)".into(), parts: vec![super::tree::Part::Process(block)] });
            }
        }
        Ok(())
    }

    /// What a literal argument of `eval` or `trap` would run.
    fn code(&mut self, simple: &Simple, line: usize) -> Result<Option<Rc<Block>>, Fault> {
        let text = match simple.name().as_deref() {
            Some("eval") => {
                let words: Option<Vec<_>> = simple.arguments().iter().map(Word::literal).collect();
                words.map(|words| words.join(" "))
            }
            Some("trap") => simple.arguments().iter().find(|word| word.raw != "--").and_then(Word::literal),
            _ => None,
        };
        match text {
            Some(text) if !text.is_empty() && text != "-" => Ok(Some(Rc::new(self.parse(&text, line)?))),
            _ => Ok(None),
        }
    }

    fn assignment(&mut self, assignment: &ast::Assignment, word: &ast::Word, base: usize) -> Result<Assignment, Fault> {
        let (name, indexed) = match &assignment.name {
            ast::AssignmentName::VariableName(name) => (name.clone(), false),
            ast::AssignmentName::ArrayElementName(name, _) => (name.clone(), true),
        };
        let line = |value: &ast::Word| ast::Word { value: value.value.clone(), loc: word.loc.clone() };
        let (values, array) = match &assignment.value {
            ast::AssignmentValue::Scalar(value) => (vec![self.word(&line(value), base)?], false),
            ast::AssignmentValue::Array(values) => {
                (values.iter().map(|(_, value)| self.word(&line(value), base)).collect::<Result<_, _>>()?, true)
            }
        };
        Ok(Assignment { name, indexed, values, array, append: assignment.append })
    }

    fn redirects(
        &mut self,
        list: Option<&ast::RedirectList>,
        base: usize,
        out: &mut Vec<Redirect>,
    ) -> Result<(), Fault> {
        for redirect in list.iter().flat_map(|list| &list.0) {
            out.extend(self.redirect(redirect, base)?);
        }
        Ok(())
    }

    fn redirect(&mut self, redirect: &ast::IoRedirect, base: usize) -> Result<Option<Redirect>, Fault> {
        use ast::IoFileRedirectKind as K;
        use ast::IoFileRedirectTarget as T;
        Ok(Some(match redirect {
            ast::IoRedirect::File(_, kind, T::Filename(word)) => {
                let writes = matches!(kind, K::Write | K::Append | K::ReadAndWrite | K::Clobber);
                Redirect { writes, word: self.word(word, base)?, here: false }
            }
            ast::IoRedirect::File(_, _, T::ProcessSubstitution(_, shell)) => {
                let block = Rc::new(self.list(&shell.list, base)?);
                let word = Word { raw: "<(…)".into(), parts: vec![super::tree::Part::Process(block)] };
                Redirect { writes: false, word, here: false }
            }
            ast::IoRedirect::File(_, _, T::Fd(_) | T::Duplicate(_)) => return Ok(None),
            ast::IoRedirect::OutputAndError(word, _) => {
                Redirect { writes: true, word: self.word(word, base)?, here: false }
            }
            ast::IoRedirect::HereString(_, word) => {
                Redirect { writes: false, word: self.word(word, base)?, here: true }
            }
            ast::IoRedirect::HereDocument(_, document) => {
                let word = if document.requires_expansion {
                    self.document(&document.doc, base)?
                } else {
                    let text = document.doc.value.clone();
                    Word { raw: text.clone(), parts: vec![super::tree::Part::Text(text, true)] }
                };
                Redirect { writes: false, word, here: true }
            }
        }))
    }

    fn words(&mut self, words: &[ast::Word], base: usize) -> Result<Vec<Word>, Fault> {
        words.iter().map(|word| self.word(word, base)).collect()
    }
}

/// How texts are parsed: everything that bash knows, tildes left alone.
pub fn options() -> ParserOptions {
    ParserOptions { tilde_expansion_at_word_start: false, ..ParserOptions::default() }
}

fn fault(error: &ParseError, text: &str, base: usize) -> Fault {
    let near = |position: &brush_parser::SourcePosition| base + position.line.max(1) - 1;
    let line = match error {
        ParseError::ParsingNear(position) | ParseError::Tokenizing { position: Some(position), .. } => near(position),
        _ => base + text.lines().count().max(1) - 1,
    };
    Fault { line, what: "is no shell text that can be parsed".into() }
}

/// The first and the last line of a command within its text.
fn span(command: &ast::Command) -> Option<(usize, usize)> {
    let lines = |span: &brush_parser::SourceSpan| (span.start.line, span.end.line);
    let ast::Command::Simple(simple) = command else { return command.location().as_ref().map(lines) };
    let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
    let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
    let name = simple.word_or_name.iter().filter_map(SourceLocation::location);
    let places = prefix.filter_map(place).chain(name).chain(suffix.filter_map(place));
    let places: Vec<_> = places.map(|span| lines(&span)).collect();
    Some((places.iter().map(|(a, _)| *a).min()?, places.iter().map(|(_, b)| *b).max()?))
}

fn place(item: &ast::CommandPrefixOrSuffixItem) -> Option<brush_parser::SourceSpan> {
    use ast::CommandPrefixOrSuffixItem as I;
    match item {
        I::IoRedirect(ast::IoRedirect::File(_, _, ast::IoFileRedirectTarget::Filename(word))) => word.location(),
        I::IoRedirect(ast::IoRedirect::OutputAndError(word, _) | ast::IoRedirect::HereString(_, word)) => {
            word.location()
        }
        I::AssignmentWord(_, word) => word.location(),
        other => other.location(),
    }
}
