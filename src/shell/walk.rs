//! Visits every command of a tree in the order of the text, with where it stands.

use super::tree::{Block, Command, Id, Kind, Part, Simple, Word};

/// Calls `visit` for `command` and everything in it.
pub fn each(command: &Command, visit: &mut dyn FnMut(&Command)) {
    Walk { visit: &mut |command, _| visit(command) }.command(command, &Place::default());
}

/// Calls `visit` for everything in `block`, with where it stands.
pub fn places(block: &Block, visit: &mut dyn FnMut(&Command, &Place)) {
    Walk { visit }.block(block, &Place::default());
}

/// Where a command stands, as far as that decides what its failure does.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// In a pipeline, before the last command of it.
    pub piped: bool,
    /// The first and the last command of the innermost pipeline of several that it stands in.
    pub pipe: Option<(Id, Id)>,
    /// In a substitution whose status is lost: `local x=$( … )`, an argument, `<( … )`.
    pub lost: Option<Lost>,
    /// In a list that runs in the background.
    pub background: bool,
    /// On the left of `&&`.
    pub and: bool,
    /// On the left of `|| true`.
    pub or_true: bool,
    /// On the left of `||`.
    pub or: bool,
    /// In a condition of `if`, `while`, `until`, or behind `!`.
    pub condition: bool,
    /// In a substitution, where bash switches `-e` off.
    pub inner: bool,
    /// The function that it stands in.
    pub function: Option<String>,
}

/// Why the status of a substitution is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// `local`, `export` and the like give their own.
    Declaration,
    /// The command whose argument it is gives its own.
    Argument,
    /// Nobody waits for `<( … )`.
    Process,
}

struct Walk<'a> {
    visit: &'a mut dyn FnMut(&Command, &Place),
}

impl Walk<'_> {
    fn block(&mut self, block: &Block, place: &Place) {
        for item in block {
            let count = item.rest.len();
            let pipelines = std::iter::once(&item.first).chain(item.rest.iter().map(|(_, pipeline)| pipeline));
            for (index, pipeline) in pipelines.enumerate() {
                let mut place = place.clone();
                place.background |= item.background;
                place.condition |= pipeline.negated;
                if index < count {
                    use super::tree::Join::{And, Or};
                    let (join, next) = &item.rest[index];
                    place.and |= *join == And;
                    place.or |= *join == Or;
                    place.or_true |= *join == Or && index + 1 == count && nothing(next);
                }
                let stages = pipeline.stages.len();
                for (stage, command) in pipeline.stages.iter().enumerate() {
                    let mut place = place.clone();
                    place.piped |= stage + 1 < stages;
                    if let ([first, _, ..], Some(last)) = (pipeline.stages.as_slice(), pipeline.stages.last()) {
                        place.pipe = Some((first.id, last.id));
                    }
                    self.command(command, &place);
                }
            }
        }
    }

    fn command(&mut self, command: &Command, place: &Place) {
        (self.visit)(command, place);
        for redirect in &command.redirects {
            self.word(&redirect.word, place, Lost::Argument);
        }
        match &command.kind {
            Kind::Simple(simple) => self.simple(simple, place),
            Kind::Group(block) | Kind::Subshell(block) | Kind::Count(block) => self.block(block, place),
            Kind::If(arms, otherwise) => {
                for (condition, body) in arms {
                    self.block(condition, &Place { condition: true, ..place.clone() });
                    self.block(body, place);
                }
                if let Some(body) = otherwise {
                    self.block(body, place);
                }
            }
            Kind::While(_, condition, body) => {
                self.block(condition, &Place { condition: true, ..place.clone() });
                self.block(body, place);
            }
            Kind::For(_, words, body) => {
                for word in words.iter().flatten() {
                    self.word(word, place, Lost::Argument);
                }
                self.block(body, place);
            }
            Kind::Case(word, arms) => {
                self.word(word, place, Lost::Argument);
                for arm in arms {
                    self.block(&arm.block, place);
                }
            }
            Kind::Function(name, body) => {
                self.command(body, &Place { function: Some(name.clone()), ..Place::default() });
            }
            Kind::Coprocess(inner) => self.command(inner, &Place { background: true, ..place.clone() }),
            Kind::Arithmetic(_) | Kind::Test(_) => {}
        }
    }

    fn simple(&mut self, simple: &Simple, place: &Place) {
        for assignment in &simple.assignments {
            for word in &assignment.values {
                // `x=$(a)` has the status of `a`; `x=1 cmd` has that of `cmd`.
                if simple.words.is_empty() { self.inner(word, place) } else { self.word(word, place, Lost::Argument) }
            }
        }
        for word in simple.declared.iter().flat_map(|assignment| &assignment.values) {
            self.word(word, place, Lost::Declaration);
        }
        for word in &simple.words {
            self.word(word, place, Lost::Argument);
        }
        if let Some(block) = simple.nested.as_ref().and_then(|nested| nested.block.as_ref()) {
            self.block(block, &Place { inner: true, ..place.clone() });
        }
        if let Some(code) = &simple.code {
            self.block(code, &Place { function: place.function.clone(), ..Place::default() });
        }
    }

    fn word(&mut self, word: &Word, place: &Place, lost: Lost) {
        self.inner(word, &Place { lost: place.lost.or(Some(lost)), ..place.clone() });
    }

    fn inner(&mut self, word: &Word, place: &Place) {
        for part in &word.parts {
            match part {
                Part::Substitution(block, _) => self.block(block, &Place { inner: true, ..place.clone() }),
                Part::Process(block) => {
                    self.block(block, &Place { lost: Some(Lost::Process), inner: true, ..place.clone() });
                }
                _ => {}
            }
        }
    }
}

/// Whether a pipeline does nothing but succeed.
#[must_use]
pub fn nothing(pipeline: &super::tree::Pipeline) -> bool {
    match pipeline.stages.as_slice() {
        [one] => one.simple().is_some_and(|simple| matches!(simple.name().as_deref(), Some("true" | ":"))),
        _ => false,
    }
}
