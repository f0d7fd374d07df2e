//! What all rules look at: the script followed once with everything succeeding, where each command
//! stands, and what it means. And what is told beside the findings: options by line, pipelines.

use std::collections::{BTreeMap, BTreeSet};

use super::super::machine::{Answer, Role, Seen, Target, World, follow};
use super::super::tree::{Command, Id, Kind, Script, Simple};
use super::super::walk::{self, Place};
use super::super::{dialect::Options, programs};
use super::{Analysis, Call, Finding, Holds};

/// Lines on which the same options hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first line.
    pub from: usize,
    /// The last line.
    pub to: usize,
    /// The options, as `Options::words`; several when they depend on the way taken.
    pub options: String,
    /// Whether `-e` is on and can be without effect there.
    pub ignored: bool,
}

/// A pipeline of at least two commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineRow {
    /// Its line.
    pub line: usize,
    /// Its text, not masked yet.
    pub text: String,
    /// The programs in it.
    pub programs: Vec<String>,
    /// Whether `pipefail` holds there on every way.
    pub pipefail: bool,
    /// Whether `-e` acts there on every way.
    pub errexit: bool,
    /// What happens when its first command fails.
    pub says: String,
}

/// More steps than this in all are not followed.
const STEPS: u64 = 4_000_000;

/// A script under study.
pub struct Study<'a> {
    /// The script.
    pub script: &'a Script,
    /// What happens when nothing fails that is not asked.
    pub normal: Seen,
    /// Where each command stands.
    pub places: BTreeMap<Id, Place>,
    /// The functions that it defines.
    pub functions: Vec<String>,
    roles: BTreeMap<Id, Role>,
    steps: u64,
    complete: bool,
}

struct Static<'a>(&'a BTreeMap<Id, Role>);

impl World for Static<'_> {
    fn status(&self, _: &Command, simple: &Simple, asked: bool) -> Answer {
        if asked || programs::tests(simple) { Answer::Either } else { Answer::Code(0) }
    }

    fn role(&self, id: Id) -> Role {
        self.0.get(&id).copied().unwrap_or(Role::None)
    }

    fn turns(&self) -> usize {
        2
    }
}

impl<'a> Study<'a> {
    /// Follows `script` once and notes where everything stands.
    #[must_use]
    pub fn new(script: &'a Script) -> Self {
        let mut places = BTreeMap::new();
        let mut functions = Vec::new();
        walk::places(&script.body, &mut |command, place| {
            places.insert(command.id, place.clone());
            if let Kind::Function(name, _) = &command.kind {
                functions.push(name.clone());
            }
        });
        let roles: BTreeMap<Id, Role> =
            script.commands.iter().filter_map(|(id, command)| Some((*id, role(command, &functions)?))).collect();
        let normal = follow(script, &Static(&roles), None);
        let (steps, complete) = (normal.steps, normal.complete);
        Self { script, normal, places, functions, roles, steps, complete }
    }

    /// What happens when `target` ends so; `None` when too much was followed already.
    pub fn follow(&mut self, target: Target) -> Option<Seen> {
        if self.steps > STEPS {
            self.complete = false;
            return None;
        }
        let seen = follow(self.script, &Static(&self.roles), target);
        self.steps += seen.steps;
        self.complete &= seen.complete;
        Some(seen)
    }

    /// What a command means.
    #[must_use]
    pub fn role(&self, id: Id) -> Role {
        self.roles.get(&id).copied().unwrap_or(Role::None)
    }

    /// The line of a command.
    #[must_use]
    pub fn line(&self, id: Id) -> usize {
        self.script.commands.get(&id).map_or(0, |command| command.line)
    }

    /// The program or function that a command runs, for sentences.
    #[must_use]
    pub fn name(&self, id: Id) -> String {
        let command = self.script.commands.get(&id);
        let simple = command.and_then(|command| command.simple());
        match (simple.and_then(programs::program), simple) {
            (Some((name, _)), _) => format!("`{name}`"),
            (None, Some(simple)) if simple.words.is_empty() => "the assignment".into(),
            _ => "the command".into(),
        }
    }

    /// A finding about a command.
    #[must_use]
    pub fn finding(&self, rule: &'static str, id: Id, says: String) -> Finding {
        let (line, last) = self.script.commands.get(&id).map_or((1, 1), |command| (command.line, command.last_line));
        Finding { line, rule, text: self.script.text(line, last), says, lines: BTreeSet::new() }
    }

    /// The same about a whole pipeline.
    #[must_use]
    pub fn span_text(&self, first: Id, last: Id) -> String {
        let last_line = self.script.commands.get(&last).map_or(0, |command| command.last_line);
        self.script.text(self.line(first), last_line)
    }

    /// Whether `-e` is on at a command, and acts there, on every way; `None` when it is never come to.
    #[must_use]
    pub fn errexit(&self, id: Id) -> Option<(bool, bool)> {
        let options = self.normal.options.get(&id)?;
        Some((options.iter().all(|(o, _)| o.errexit), options.iter().all(|(o, ignored)| o.errexit && !ignored)))
    }

    /// Puts everything together.
    pub fn finish(mut self, findings: Vec<Finding>) -> Analysis {
        let pipelines = self.pipelines();
        let holds = self.holds();
        Analysis {
            shebang: self.script.shebang.written.clone(),
            shell: self.script.shebang.dialect.word(),
            start: self.script.shebang.options,
            spans: self.spans(),
            pipelines,
            holds,
            findings,
            opaque: self.normal.opaque.iter().map(|id| self.line(*id)).collect(),
            foreign: self.normal.foreign.iter().map(|id| self.line(*id)).collect(),
            uncalled: self.uncalled(),
            complete: self.complete,
            commands: self.script.commands.len(),
            calls: self.calls(),
        }
    }

    fn calls(&self) -> Vec<Call> {
        let call = |command: &std::rc::Rc<Command>| {
            let simple = command.simple()?;
            let (program, _) = programs::program(simple).filter(|_| !builtin(simple))?;
            if self.functions.contains(&program) {
                return None;
            }
            let words = simple.words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ");
            Some(Call { line: command.line, program, words, text: self.script.text(command.line, command.last_line) })
        };
        self.script.commands.values().filter_map(call).collect()
    }

    fn uncalled(&self) -> Vec<String> {
        let called = |name: &String| {
            self.script.commands.values().any(|command| {
                let called = command.simple().is_some_and(|simple| simple.words.iter().any(|word| word.raw == *name));
                called && self.normal.options.contains_key(&command.id)
            })
        };
        self.functions.iter().filter(|name| !called(name)).cloned().collect()
    }

    fn spans(&self) -> Vec<Span> {
        let mut lines: BTreeMap<usize, BTreeSet<(Options, bool)>> = BTreeMap::new();
        for (id, options) in &self.normal.options {
            lines.entry(self.line(*id)).or_default().extend(options);
        }
        let mut spans: Vec<Span> = Vec::new();
        for (line, options) in lines {
            let words: BTreeSet<String> = options.iter().map(|(options, _)| options.words()).collect();
            let words = words.into_iter().collect::<Vec<_>>().join(" or ");
            let ignored = options.iter().any(|(options, ignored)| options.errexit && *ignored);
            match spans.last_mut() {
                Some(span) if span.options == words && span.ignored == ignored => span.to = line,
                _ => spans.push(Span { from: line, to: line, options: words, ignored }),
            }
        }
        spans
    }

    fn holds(&self) -> Holds {
        let at = |id: &Id, test: fn(&Options) -> bool| {
            self.normal.options.get(id).is_none_or(|options| options.iter().all(|(options, _)| test(options)))
        };
        let pipes: Vec<Id> = self.pipes().into_iter().map(|(first, _)| first).collect();
        let come_to = self.normal.options.keys().next_back().copied();
        let pipefail = match (pipes.is_empty(), come_to) {
            (false, _) => pipes.iter().all(|id| at(id, |options| options.pipefail)),
            (true, last) => last.is_some_and(|id| at(&id, |options| options.pipefail)),
        };
        let commands = self.script.commands.values().filter(|command| {
            let simple = command.simple().filter(|simple| !simple.words.is_empty());
            let inner = self.places.get(&command.id).is_some_and(|place| place.inner);
            simple.is_some_and(|simple| !builtin(simple)) && !inner && self.normal.options.contains_key(&command.id)
        });
        let commands: Vec<Id> = commands.map(|command| command.id).collect();
        let all = |test: fn(&Options) -> bool| match commands.is_empty() {
            false => commands.iter().all(|id| at(id, test)),
            true => come_to.is_some_and(|id| at(&id, test)),
        };
        Holds { pipefail, errexit: all(|options| options.errexit), nounset: all(|options| options.nounset) }
    }

    /// The pipelines of at least two commands that are come to: their first and last commands.
    fn pipes(&self) -> BTreeSet<(Id, Id)> {
        let pipes = self.places.values().filter_map(|place| place.pipe);
        pipes.filter(|(first, _)| self.normal.options.contains_key(first)).collect()
    }

    fn pipelines(&mut self) -> Vec<PipelineRow> {
        let mut rows = Vec::new();
        for (first, last) in self.pipes() {
            let stages = self.places.iter().filter(|(_, place)| place.pipe == Some((first, last)));
            let programs = stages.map(|(id, _)| self.name(*id).trim_matches('`').to_owned()).collect();
            let options = self.normal.options.get(&first).cloned().unwrap_or_default();
            let (_, acts) = self.errexit(first).unwrap_or_default();
            rows.push(PipelineRow {
                line: self.line(first),
                text: self.span_text(first, last),
                programs,
                pipefail: options.iter().all(|(options, _)| options.pipefail),
                errexit: acts,
                says: self.when_fails(first),
            });
        }
        rows
    }

    /// What happens when a command fails, in a sentence.
    fn when_fails(&mut self, id: Id) -> String {
        let simple = self.script.commands.get(&id).is_some_and(|command| command.simple().is_some());
        match self.follow(Some((id, 1))).filter(|_| simple) {
            Some(seen) => format!("when {} fails, {}", self.name(id), self.consequence(id, &seen)),
            None => "not followed".into(),
        }
    }

    /// Where the shell goes after `target` failed, and how it can end.
    #[must_use]
    pub fn consequence(&self, target: Id, failed: &Seen) -> String {
        let line = self.line(target);
        let after: BTreeSet<usize> = failed.next.iter().map(|id| self.line(*id)).collect();
        let next = after.iter().find(|next| **next > line).or(after.first());
        let codes: Vec<String> = failed.ends.iter().map(ToString::to_string).collect();
        let ends = match codes.as_slice() {
            [] => "no end was followed".to_owned(),
            [one] => format!("the script ends with status {one}"),
            many => format!("the script can end with status {}", many.join(" or ")),
        };
        match next {
            Some(next) => format!("the shell goes on at line {next}; {ends}"),
            None => format!("nothing else runs; {ends}"),
        }
    }
}

fn role(command: &Command, functions: &[String]) -> Option<Role> {
    let simple = command.simple()?;
    if matches!(simple.name().as_deref(), Some("true" | ":")) {
        return Some(Role::Nothing);
    }
    if programs::verifies(simple) {
        return Some(Role::Verify);
    }
    if programs::uploads(simple) {
        return Some(Role::Upload);
    }
    let message = programs::message(command, simple, functions)?;
    match () {
        () if programs::says_success(&message) => Some(Role::Success),
        () if programs::says_failure(&message) => Some(Role::Failure),
        () => None,
    }
}

fn builtin(simple: &Simple) -> bool {
    let names = [
        "set", "shopt", "trap", "export", "readonly", "local", "declare", "typeset", "echo", "printf", "umask",
        "ulimit", "true", ":", "shift", "unset", "exit", "return", "[", "test", "read", "alias", "break", "continue",
    ];
    simple.name().is_some_and(|name| names.contains(&name.as_str()))
}
