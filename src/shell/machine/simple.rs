//! Simple commands: assignments, the builtins that move control, functions, and programs.

use std::rc::Rc;

use super::super::tree::{Assignment, Block, Command, Id, Kind, Nested, Part, Simple, Word};
use super::state::{Flow, Outcomes, State};
use super::values::{self, expand};
use super::{Answer, Context, Machine, Role};

/// Deeper than this, calls of functions are not followed.
const CALLS: u32 = 12;

impl Machine<'_> {
    pub(super) fn simple(&mut self, command: &Command, simple: &Simple, state: State, context: Context) -> Outcomes {
        let mut before = state;
        before.pipe = Rc::clone(&before.pipe);
        let kept = (before.status, Rc::clone(&before.pipe));
        let mut ways = vec![(before, None)];
        let assigned = simple.assignments.iter().chain(&simple.declared).flat_map(|assignment| &assignment.values);
        let redirected = command.redirects.iter().map(|redirect| &redirect.word);
        for word in simple.words.iter().chain(assigned).chain(redirected) {
            ways = ways.into_iter().flat_map(|(state, last)| self.parts(word, state, last, context)).collect();
        }
        let mut out = Outcomes::default();
        for (mut state, last) in ways {
            // `$?` and PIPESTATUS are those of the command before, also behind a substitution.
            (state.status, state.pipe) = (kept.0, Rc::clone(&kept.1));
            for (flow, state) in self.invoke(command, simple, state, last, context) {
                self.put(&mut out, flow, state);
            }
        }
        out
    }

    /// Runs the substitutions of a word.
    pub(super) fn substitute(&mut self, word: &Word, state: State, context: Context) -> Vec<State> {
        self.parts(word, state, None, context).into_iter().map(|(state, _)| state).collect()
    }

    /// The same, with the status of the last of them.
    fn parts(&mut self, word: &Word, state: State, last: Option<u8>, context: Context) -> Vec<(State, Option<u8>)> {
        let mut ways = vec![(state, last)];
        for part in &word.parts {
            let (block, counts) = match part {
                Part::Substitution(block, _) => (block, true),
                Part::Process(block) => (block, false),
                Part::Arithmetic(expression) => {
                    for (state, _) in &mut ways {
                        let _ = super::arithmetic::value(expression, state);
                    }
                    continue;
                }
                _ => continue,
            };
            let mut next: Vec<(State, Option<u8>)> = Vec::new();
            for (state, last) in ways {
                for end in self.inner_shell(block, &state, context) {
                    let mut after = state.clone();
                    after.learn(&end, &state);
                    let way = (after, if counts { Some(end.status) } else { last });
                    if !next.contains(&way) {
                        next.push(way);
                    }
                }
            }
            ways = next;
        }
        ways
    }

    fn inner_shell(&mut self, block: &Block, state: &State, context: Context) -> Vec<State> {
        let mut child = state.clone();
        child.options.errexit &= child.options.inherit || self.sh();
        let context = Context { asked: false, ..context };
        self.subshell(&child, context, |machine, child, context| machine.block(block, child, context))
    }

    fn invoke(
        &mut self,
        command: &Command,
        simple: &Simple,
        mut state: State,
        last: Option<u8>,
        context: Context,
    ) -> Outcomes {
        self.seen.ran.push(command.id);
        self.seen.read |= state.marked && self.seen.next.contains(&command.id) && speaks_of_status(simple);
        self.note(command.id, &mut state);
        let mut out = Outcomes::default();
        let name = simple.name();
        match name.as_deref() {
            None if simple.words.is_empty() => {
                for assignment in &simple.assignments {
                    assign(assignment, &mut state);
                }
                state.set_status(last.unwrap_or(0));
                self.end(command.id, state, context, &mut out);
            }
            Some(name) if state.functions.contains_key(name) => {
                let body = state.functions.get(name).copied().unwrap_or_default();
                return self.call(command, simple, body, state, context);
            }
            Some(name) => {
                if let Some(moved) = self.builtin(name, command, simple, &mut state, context) {
                    return moved;
                }
                self.program(command, simple, state, context, &mut out);
            }
            // A name that is only known when it runs.
            None => self.program(command, simple, state, context, &mut out),
        }
        out
    }

    fn program(&mut self, command: &Command, simple: &Simple, state: State, context: Context, out: &mut Outcomes) {
        if self.target.is_some_and(|(target, _)| target == command.id) {
            return self.end(command.id, state, context, out);
        }
        if let Some(nested) = &simple.nested {
            match &nested.block {
                Some(block) => return self.nested(nested, block, &state, context, out),
                None => drop(self.seen.opaque.insert(command.id)),
            }
        }
        // A function that is defined elsewhere in the script, and not yet on this way, is not found.
        let missing = simple.name().is_some_and(|name| self.defined.contains(&name));
        let answer = if missing { Answer::Code(127) } else { self.world.status(command, simple, context.asked) };
        self.answer(answer, state, context, out);
    }

    /// Runs a script in another shell, of which only the status comes back.
    fn nested(&mut self, nested: &Nested, block: &Block, state: &State, context: Context, out: &mut Outcomes) {
        let child = State {
            options: nested.options,
            variables: Rc::default(),
            functions: Rc::default(),
            exit_trap: None,
            err_trap: None,
            ..state.clone()
        };
        let inside = Context { subshell: true, asked: context.asked, ..Context::default() };
        let outer = std::mem::replace(&mut self.dialect, nested.dialect);
        let ends = self.subshell(&child, inside, |machine, child, inside| machine.block(block, child, inside));
        self.dialect = outer;
        let mut seen: Vec<State> = Vec::new();
        for end in ends {
            let mut after = state.clone();
            after.learn(&end, &child);
            after.set_status(end.status);
            if !seen.contains(&after) {
                seen.push(after.clone());
                self.judge(after, context, out);
            }
        }
    }

    /// Notes what a command means for the reader.
    fn note(&mut self, id: Id, state: &mut State) {
        match self.world.role(id) {
            Role::Success => {
                if let Some(failure) = state.failure {
                    self.seen.failure_then_success.insert((failure, id));
                }
                state.success = Some(id);
            }
            Role::Failure => {
                if let Some(success) = state.success {
                    self.seen.success_then_failure.insert((success, id));
                }
                state.failure = Some(id);
            }
            Role::Upload => drop(Rc::make_mut(&mut state.uploads).insert(id)),
            Role::Verify if !state.uploads.is_empty() => state.uploads = Rc::default(),
            Role::Verify | Role::None | Role::Nothing => {}
        }
    }

    fn call(&mut self, command: &Command, simple: &Simple, body: Id, state: State, context: Context) -> Outcomes {
        let mut out = Outcomes::default();
        let Some(function) = self.script.commands.get(&body).cloned() else { return out };
        if context.functions >= CALLS {
            self.answer(Answer::Either, state, context, &mut out);
            return out;
        }
        let outer = Rc::clone(&state.variables);
        let mut inner = state;
        for place in 1..=9 {
            let value = simple.words.get(place).map_or(Some(String::new()), |word| expand(word, &inner));
            let many = simple.words.iter().any(|word| word.raw.contains("$@") || word.raw.contains("$*"));
            inner.assign(&place.to_string(), value.filter(|_| !many));
        }
        let inside = Context { functions: context.functions + 1, loops: 0, asked: false, ..context };
        let locals = locals(&function);
        for (flow, mut state) in self.command(&function, inner, inside) {
            for name in locals.iter().map(String::as_str).chain(["1", "2", "3", "4", "5", "6", "7", "8", "9"]) {
                state.assign(name, outer.get(name).cloned());
            }
            match flow {
                Flow::Exit => self.put(&mut out, flow, state),
                _ => {
                    let status = state.status;
                    state.set_status(status);
                    self.end(command.id, state, context, &mut out);
                }
            }
        }
        out
    }

    /// A builtin; `None` when `name` is none that is known here.
    fn builtin(
        &mut self,
        name: &str,
        command: &Command,
        simple: &Simple,
        state: &mut State,
        context: Context,
    ) -> Option<Outcomes> {
        if let Some(moved) = self.moves(name, command, simple, state, context) {
            return Some(moved);
        }
        let mut out = Outcomes::default();
        let answer = self.status(name, command, simple, state)?;
        if self.target.is_some_and(|(target, _)| target == command.id) {
            self.end(command.id, state.clone(), context, &mut out);
        } else {
            self.answer(answer, state.clone(), context, &mut out);
        }
        Some(out)
    }

    /// A builtin that moves control, or that runs what it is given.
    fn moves(
        &mut self,
        name: &str,
        command: &Command,
        simple: &Simple,
        state: &mut State,
        context: Context,
    ) -> Option<Outcomes> {
        match name {
            "exit" | "return" => Some(self.leaves(name, simple, state, context)),
            "break" | "continue" if context.loops > 0 => {
                let levels = simple.words.get(1).and_then(|word| expand(word, state)?.parse().ok()).unwrap_or(1);
                state.set_status(0);
                let flow = if name == "break" { Flow::Break(levels) } else { Flow::Continue(levels) };
                Some(vec![(flow, state.clone())])
            }
            // A special builtin that is used wrongly ends a shell that keeps to POSIX.
            "set" if !self.set(command.id, simple, state) => {
                state.set_status(2);
                Some(vec![(Flow::Exit, state.clone())])
            }
            "eval" => Some(self.eval(command, simple, state, context)),
            "exec" if simple.words.len() > 1 => {
                let mut out = Outcomes::default();
                self.program(command, simple, state.clone(), context, &mut out);
                Some(out.into_iter().map(|(_, state)| (Flow::Exit, state)).collect())
            }
            _ => None,
        }
    }

    /// How a builtin ends that goes on behind itself, after it did what it does to `state`.
    fn status(&mut self, name: &str, command: &Command, simple: &Simple, state: &mut State) -> Option<Answer> {
        match name {
            "shopt" if !self.sh() => {
                let has_word = |text: &str| simple.words.iter().any(|word| word.raw == text);
                if has_word("inherit_errexit") && (has_word("-s") || has_word("-u")) {
                    state.options.inherit = has_word("-s");
                }
            }
            "trap" => trap(command.id, simple, state),
            "false" => return Some(Answer::Code(1)),
            "local" | "declare" | "typeset" | "export" | "readonly" => {
                simple.declared.iter().for_each(|assignment| assign(assignment, state));
            }
            "unset" | "read" | "mapfile" | "readarray" | "getopts" | "printf"
                if name != "printf" || has(simple, "-v") =>
            {
                simple.arguments().iter().for_each(|word| state.assign(&word.raw, None));
                if matches!(name, "read" | "getopts") {
                    return None;
                }
            }
            "wait" if simple.words.len() > 1 => return None,
            "[" | "test" => return Some(answer(values::bracket(simple, state))),
            "let" => {
                let mut value = Some(0);
                for word in simple.arguments() {
                    value = expand(word, state).and_then(|text| super::arithmetic::value(&text, state));
                }
                return Some(answer(value.map(|value| value != 0)));
            }
            "source" | "." => {
                self.seen.foreign.insert(command.id);
                state.variables = Rc::default();
                return None;
            }
            "set" | "true" | ":" | "wait" | "exec" | "echo" | "printf" | "shift" | "umask" | "ulimit" | "alias"
            | "hash" | "pwd" | "times" | "jobs" => {}
            _ => return None,
        }
        Some(Answer::Code(0))
    }

    fn leaves(&mut self, name: &str, simple: &Simple, state: &mut State, context: Context) -> Outcomes {
        let written =
            simple.words.get(1).map(|word| expand(word, state).and_then(|text| text.trim().parse::<i64>().ok()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the shell does just that")]
        let statuses: Vec<u8> = match written {
            None => vec![state.status],
            Some(Some(code)) => vec![code as u8],
            Some(None) => vec![0, 1],
        };
        let mut out = Outcomes::default();
        for status in statuses {
            let mut state = state.clone();
            state.set_status(status);
            match name {
                "return" if context.functions > 0 => self.put(&mut out, Flow::Return, state),
                // Outside of a function, bash refuses it and goes on; others leave.
                "return" if !self.sh() => {
                    state.set_status(2);
                    self.judge(state, context, &mut out);
                }
                _ => self.put(&mut out, Flow::Exit, state),
            }
        }
        out
    }

    /// `set`; `false` when this shell does not know the option.
    fn set(&mut self, id: Id, simple: &Simple, state: &mut State) -> bool {
        // Behind `--` and behind the first word that is no option stand parameters.
        let options = simple.arguments().iter().take_while(|word| word.raw != "--" && word.raw != "-");
        let words: Vec<_> = options.map(Word::literal).take_while(|word| word.as_deref() != Some("")).collect();
        if words.first().is_some_and(Option::is_none) {
            self.seen.foreign.insert(id);
            return true;
        }
        let mut words = words.iter().map_while(Option::as_deref);
        while let Some(word) = words.next() {
            let (on, letters) = match (word.strip_prefix('-'), word.strip_prefix('+')) {
                (Some("" | "-"), _) | (None, None) => break,
                (Some(letters), _) => (true, letters),
                (None, Some(letters)) => (false, letters),
            };
            for letter in letters.chars() {
                let known = match letter {
                    'o' => match words.next() {
                        Some("pipefail" | "errtrace" | "functrace") if self.sh() => false,
                        Some(name) => {
                            state.options.name(name, on);
                            true
                        }
                        None => true,
                    },
                    'E' if self.sh() => true,
                    letter => {
                        state.options.letters(letter.encode_utf8(&mut [0; 4]), on, &mut std::iter::empty());
                        true
                    }
                };
                if !known {
                    return false;
                }
            }
        }
        true
    }

    fn eval(&mut self, command: &Command, simple: &Simple, state: &mut State, context: Context) -> Outcomes {
        let mut out = Outcomes::default();
        match &simple.code {
            Some(code) => return self.block(code, state.clone(), context),
            None if simple.words.len() == 1 => state.set_status(0),
            None => {
                self.seen.foreign.insert(command.id);
                state.variables = Rc::default();
                self.program(command, simple, state.clone(), context, &mut out);
                return out;
            }
        }
        vec![(Flow::Next, state.clone())]
    }
}

/// Whether a command that is no test puts `$?` or PIPESTATUS among its words.
fn speaks_of_status(simple: &Simple) -> bool {
    let status =
        |word: &Word| word.variables().any(|variable| variable.name == "?" || variable.name.starts_with("PIPESTATUS"));
    !matches!(simple.name().as_deref(), Some("[" | "test")) && simple.words.iter().any(status)
}

/// The answer of a test; one that is not known may be either.
fn answer(holds: Option<bool>) -> Answer {
    holds.map_or(Answer::Either, |holds| Answer::Code(u8::from(!holds)))
}

fn has(simple: &Simple, option: &str) -> bool {
    simple.arguments().iter().any(|word| word.raw == option)
}

fn assign(assignment: &Assignment, state: &mut State) {
    let value = match assignment.values.as_slice() {
        [word] if !assignment.array && !assignment.indexed => expand(word, state),
        [word] if assignment.array && word.raw.contains("PIPESTATUS[@]") => {
            let statuses = state.pipe.as_ref().clone();
            for (index, status) in statuses.iter().enumerate() {
                state.assign(&format!("{}[{index}]", assignment.name), Some(status.to_string()));
            }
            statuses.first().map(ToString::to_string)
        }
        _ => None,
    };
    let before = state.variables.get(&assignment.name).cloned();
    let value = if assignment.append { before.zip(value).map(|(before, value)| before + &value) } else { value };
    state.assign(&assignment.name, value);
}

fn trap(id: Id, simple: &Simple, state: &mut State) {
    let words: Vec<_> = simple.arguments().iter().filter(|word| word.raw != "--").collect();
    let set = words.first().and_then(|word| word.literal()).filter(|text| !text.is_empty() && text != "-");
    for signal in words.iter().skip(1) {
        match signal.raw.trim_start_matches("SIG") {
            "EXIT" | "0" => state.exit_trap = set.as_ref().map(|_| id),
            "ERR" => state.err_trap = set.as_ref().map(|_| id),
            _ => {}
        }
    }
}

/// The names that a function declares for itself.
fn locals(function: &Command) -> Vec<String> {
    let mut names = Vec::new();
    super::super::walk::each(function, &mut |command| {
        let Kind::Simple(simple) = &command.kind else { return };
        if matches!(simple.name().as_deref(), Some("local" | "declare" | "typeset")) {
            names.extend(simple.declared.iter().map(|assignment| assignment.name.clone()));
            names.extend(simple.arguments().iter().filter_map(Word::literal).filter(|name| !name.starts_with('-')));
        }
    });
    names
}
