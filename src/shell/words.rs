//! The parts of words: text, variables, and the blocks that substitutions run.

use std::rc::Rc;

use brush_parser::ast;
use brush_parser::word::{self, Parameter, ParameterExpr, SpecialParameter, WordPiece, WordPieceWithSource};

use super::Fault;
use super::lower::{Lowering, options};
use super::tree::{Form, Part, Variable, Word};

impl Lowering {
    /// The parts of a word; lines count from `base`.
    ///
    /// # Errors
    /// When the word or a substitution in it cannot be parsed.
    pub fn word(&mut self, word: &ast::Word, base: usize) -> Result<Word, Fault> {
        let line = word.loc.as_ref().map_or(base, |span| base + span.start.line.max(1) - 1);
        let pieces = word::parse(&word.value, &options()).map_err(|_| no_word(line))?;
        self.pieces(&word.value, &pieces, line)
    }

    /// The parts of a here-document, in which quotes mean nothing.
    ///
    /// # Errors
    /// When a substitution in it cannot be parsed.
    pub fn document(&mut self, word: &ast::Word, base: usize) -> Result<Word, Fault> {
        let line = word.loc.as_ref().map_or(base, |span| base + span.start.line.max(1) - 1);
        let pieces = word::parse_heredoc(&word.value, &options()).map_err(|_| no_word(line))?;
        self.pieces(&word.value, &pieces, line)
    }

    fn pieces(&mut self, raw: &str, pieces: &[WordPieceWithSource], line: usize) -> Result<Word, Fault> {
        let mut out = Word { raw: raw.to_owned(), parts: Vec::new() };
        for piece in pieces {
            self.piece(raw, piece, line, false, &mut out.parts)?;
        }
        Ok(out)
    }

    fn piece(
        &mut self,
        raw: &str,
        piece: &WordPieceWithSource,
        line: usize,
        quoted: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), Fault> {
        let here = line + raw.get(..piece.start_index).map_or(0, |before| before.matches('\n').count());
        match &piece.piece {
            WordPiece::Text(text) => parts.push(Part::Text(text.clone(), quoted)),
            WordPiece::SingleQuotedText(text) | WordPiece::AnsiCQuotedText(text) => {
                parts.push(Part::Text(text.clone(), true));
            }
            WordPiece::EscapeSequence(text) => {
                let text = text.strip_prefix('\\').unwrap_or(text);
                parts.push(Part::Text(if text == "\n" { String::new() } else { text.to_owned() }, true));
            }
            WordPiece::TildeExpansion(_) => parts.push(Part::Text("~".into(), false)),
            WordPiece::DoubleQuotedSequence(inner) | WordPiece::GettextDoubleQuotedSequence(inner) => {
                if inner.is_empty() {
                    parts.push(Part::Text(String::new(), true));
                }
                for piece in inner {
                    self.piece(raw, piece, line, true, parts)?;
                }
            }
            WordPiece::ParameterExpansion(expression) => self.parameter(expression, here, quoted, parts)?,
            WordPiece::CommandSubstitution(text) => self.substitution(text, here, quoted, parts)?,
            WordPiece::BackquotedCommandSubstitution(text) => {
                self.substitution(&unescaped(text), here, quoted, parts)?;
            }
            WordPiece::ArithmeticExpression(expression) => parts.push(Part::Arithmetic(expression.value.clone())),
        }
        Ok(())
    }

    fn substitution(&mut self, text: &str, line: usize, quoted: bool, parts: &mut Vec<Part>) -> Result<(), Fault> {
        parts.push(Part::Substitution(Rc::new(self.parse(text, line)?), quoted));
        Ok(())
    }

    fn parameter(
        &mut self,
        expression: &ParameterExpr,
        line: usize,
        quoted: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), Fault> {
        use ParameterExpr as E;
        let (parameter, form, inner) = match expression {
            E::Parameter { parameter, indirect } => {
                (Some(parameter), if *indirect { Form::Changed } else { Form::Plain }, None)
            }
            E::UseDefaultValues { parameter, default_value, .. }
            | E::AssignDefaultValues { parameter, default_value, .. } => {
                (Some(parameter), Form::Default, default_value.as_ref())
            }
            E::IndicateErrorIfNullOrUnset { parameter, .. } => (Some(parameter), Form::Required, None),
            E::UseAlternativeValue { parameter, alternative_value, .. } => {
                (Some(parameter), Form::Changed, alternative_value.as_ref())
            }
            E::ParameterLength { parameter, .. }
            | E::RemoveSmallestSuffixPattern { parameter, .. }
            | E::RemoveLargestSuffixPattern { parameter, .. }
            | E::RemoveSmallestPrefixPattern { parameter, .. }
            | E::RemoveLargestPrefixPattern { parameter, .. }
            | E::Substring { parameter, .. }
            | E::Transform { parameter, .. }
            | E::UppercaseFirstChar { parameter, .. }
            | E::UppercasePattern { parameter, .. }
            | E::LowercaseFirstChar { parameter, .. }
            | E::LowercasePattern { parameter, .. }
            | E::ReplaceSubstring { parameter, .. } => (Some(parameter), Form::Changed, None),
            E::VariableNames { .. } | E::MemberKeys { .. } => (None, Form::Changed, None),
        };
        let name = parameter.map_or_else(String::new, name);
        let plain = |text: &&String| !text.contains(['$', '`', '"', '\'', '\\']);
        let otherwise = inner.filter(plain).cloned().or_else(|| inner.is_none().then(String::new));
        parts.push(Part::Variable(Variable { name, quoted, form, otherwise }));
        // A default may itself run something: `${X:-$(hostname)}`.
        if let Some(inner) = inner.filter(|inner| inner.contains("$(") || inner.contains('`')) {
            let word = ast::Word::new(inner);
            let inner = self.word(&word, line)?;
            parts.extend(inner.parts.into_iter().filter(|part| matches!(part, Part::Substitution(..))));
        }
        Ok(())
    }
}

fn name(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Positional(n) => n.to_string(),
        Parameter::Special(special) => match special {
            SpecialParameter::AllPositionalParameters { concatenate: true } => "*".into(),
            SpecialParameter::AllPositionalParameters { concatenate: false } => "@".into(),
            SpecialParameter::PositionalParameterCount => "#".into(),
            SpecialParameter::LastExitStatus => "?".into(),
            SpecialParameter::CurrentOptionFlags => "-".into(),
            SpecialParameter::ProcessId => "$".into(),
            SpecialParameter::LastBackgroundProcessId => "!".into(),
            SpecialParameter::ShellName => "0".into(),
        },
        Parameter::Named(name) => name.clone(),
        Parameter::NamedWithIndex { name, index } => format!("{name}[{index}]"),
        Parameter::NamedWithAllIndices { name, .. } => format!("{name}[@]"),
    }
}

/// Within backquotes, a backslash hides `` ` ``, `\` and `$`.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('`' | '\\' | '$')) => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

fn no_word(line: usize) -> Fault {
    Fault { line, what: "has a word that cannot be parsed".into() }
}
