//! Commands that hold others: what they run, and with which status they end.

use std::rc::Rc;

use super::super::tree::{Arm, Block, Command, Id, Kind, Word};
use super::state::{Flow, Outcomes, State};
use super::{Answer, Context, Machine, Role, STEPS};

impl Machine<'_> {
    pub(super) fn command(&mut self, command: &Command, mut state: State, context: Context) -> Outcomes {
        self.steps += 1;
        if self.steps > STEPS {
            self.seen.complete = false;
            return Outcomes::default();
        }
        self.arrive(command.id, &mut state, context);
        let mut ways = vec![state];
        if command.simple().is_none() {
            for redirect in &command.redirects {
                ways = ways.into_iter().flat_map(|state| self.substitute(&redirect.word, state, context)).collect();
            }
        }
        let mut out = Outcomes::default();
        for state in ways {
            for (flow, state) in self.run(command, state, context) {
                self.put(&mut out, flow, state);
            }
        }
        out
    }

    /// Notes that a command was come to.
    fn arrive(&mut self, id: Id, state: &mut State, context: Context) {
        self.seen.options.entry(id).or_default().insert((state.options, context.ignored));
        let role = self.world.role(id);
        if !state.marked || role == Role::Nothing {
            return;
        }
        self.seen.after.insert(id);
        if !state.moved {
            state.moved = true;
            self.seen.next.insert(id);
        }
    }

    fn run(&mut self, command: &Command, mut state: State, context: Context) -> Outcomes {
        match &command.kind {
            Kind::Simple(simple) => self.simple(command, simple, state, context),
            Kind::Group(block) => self.block(block, state, context),
            Kind::Subshell(block) => self.own_shell(command, block, &state, context),
            Kind::If(arms, otherwise) => self.conditions(arms, otherwise.as_ref(), state, context),
            Kind::While(until, condition, body) => self.repeat(*until, condition, body, state, context),
            Kind::For(name, words, body) => self.each(name, words.as_deref(), body, state, context),
            Kind::Count(body) => self.turns(body, self.world.turns().min(2), state, context),
            Kind::Case(word, arms) => self.case(word, arms, state, context),
            Kind::Arithmetic(expression) => {
                let value = super::arithmetic::value(expression, &mut state).map(|value| value != 0);
                if value == Some(false) && state.options.errexit && !context.ignored {
                    self.seen.zero.insert(command.id);
                }
                self.decide(value, state, context)
            }
            Kind::Test(test) => {
                let mut ways = vec![state];
                for word in super::values::words(test) {
                    ways = ways.into_iter().flat_map(|state| self.substitute(word, state, context)).collect();
                }
                let mut out = Outcomes::default();
                for state in ways {
                    let value = super::values::test(test, &state);
                    out.extend(self.decide(value, state, context));
                }
                out
            }
            Kind::Function(name, body) => {
                Rc::make_mut(&mut state.functions).insert(name.clone(), body.id);
                state.set_status(0);
                vec![(Flow::Next, state)]
            }
            Kind::Coprocess(inner) => {
                let ends =
                    self.subshell(&state, context, |machine, child, context| machine.command(inner, child, context));
                let after = |end: State| {
                    let mut after = state.clone();
                    after.learn(&end, &state);
                    after.set_status(0);
                    (Flow::Next, after)
                };
                ends.into_iter().map(after).collect()
            }
        }
    }

    fn own_shell(&mut self, command: &Command, block: &Block, state: &State, context: Context) -> Outcomes {
        let ends = self.subshell(state, context, |machine, child, context| machine.block(block, child, context));
        let mut out = Outcomes::default();
        for end in ends {
            let mut after = state.clone();
            after.learn(&end, state);
            after.set_status(end.status);
            self.end(command.id, after, context, &mut out);
        }
        out
    }

    /// A test that is true, false, or not known.
    pub(super) fn decide(&mut self, value: Option<bool>, state: State, context: Context) -> Outcomes {
        let mut out = Outcomes::default();
        for status in value.map_or(vec![0, 1], |value| vec![u8::from(!value)]) {
            let mut state = state.clone();
            state.set_status(status);
            self.judge(state, context, &mut out);
        }
        out
    }

    fn conditions(
        &mut self,
        arms: &[(Block, Block)],
        otherwise: Option<&Block>,
        state: State,
        context: Context,
    ) -> Outcomes {
        let asked = Context { ignored: true, asked: true, ..context };
        let mut out = Outcomes::default();
        let mut here = vec![state];
        for (condition, body) in arms {
            let mut next = Vec::new();
            for state in here {
                for (flow, state) in self.block(condition, state, asked) {
                    match flow {
                        Flow::Next if state.status == 0 => self.into(body, state, context, &mut out),
                        Flow::Next => next.push(state),
                        _ => self.put(&mut out, flow, state),
                    }
                }
            }
            here = next;
        }
        for mut state in here {
            match otherwise {
                Some(body) => self.into(body, state, context, &mut out),
                None => {
                    state.set_status(0);
                    self.put(&mut out, Flow::Next, state);
                }
            }
        }
        out
    }

    fn into(&mut self, body: &Block, state: State, context: Context, out: &mut Outcomes) {
        for (flow, state) in self.block(body, state, context) {
            self.put(out, flow, state);
        }
    }

    fn repeat(&mut self, until: bool, condition: &Block, body: &Block, state: State, context: Context) -> Outcomes {
        let inner = Context { loops: context.loops + 1, ..context };
        let asked = Context { ignored: true, asked: true, ..inner };
        let mut out = Outcomes::default();
        let mut here = vec![(state, 0)];
        for _ in 0..self.world.turns() {
            let mut next: Vec<(State, u8)> = Vec::new();
            for (state, last) in here {
                for (flow, mut state) in self.block(condition, state, asked) {
                    match flow {
                        Flow::Next if (state.status == 0) != until => {
                            for (flow, state) in self.block(body, state, inner) {
                                self.turn(flow, state, &mut next, &mut out);
                            }
                        }
                        Flow::Next => {
                            state.set_status(last);
                            self.put(&mut out, Flow::Next, state);
                        }
                        other => self.turn(other, state, &mut next, &mut out),
                    }
                }
            }
            here = next;
            if here.is_empty() {
                return out;
            }
        }
        for (mut state, last) in here {
            state.set_status(last);
            self.put(&mut out, Flow::Next, state);
        }
        out
    }

    /// What the end of a loop's body means for the loop.
    fn turn(&mut self, flow: Flow, state: State, next: &mut Vec<(State, u8)>, out: &mut Outcomes) {
        match flow {
            Flow::Next | Flow::Continue(0 | 1) => {
                let status = if flow == Flow::Next { state.status } else { 0 };
                if !next.iter().any(|(known, last)| *known == state && *last == status) {
                    next.push((state, status));
                }
            }
            Flow::Break(0 | 1) => {
                let mut state = state;
                state.set_status(0);
                self.put(out, Flow::Next, state);
            }
            Flow::Break(n) => self.put(out, Flow::Break(n - 1), state),
            Flow::Continue(n) => self.put(out, Flow::Continue(n - 1), state),
            Flow::Return | Flow::Exit => self.put(out, flow, state),
        }
    }

    fn each(&mut self, name: &str, words: Option<&[Word]>, body: &Block, state: State, context: Context) -> Outcomes {
        let known: Option<Vec<String>> = words.and_then(|words| {
            let plain = words.iter().map(|word| word.literal().filter(|text| !text.contains(['*', '?', '[', '{'])));
            plain.collect()
        });
        let mut ways = vec![state];
        for word in words.unwrap_or_default() {
            ways = ways.into_iter().flat_map(|state| self.substitute(word, state, context)).collect();
        }
        let mut out = Outcomes::default();
        for mut state in ways {
            let more = match &known {
                Some(values) => self.over(name, values, body, state, context),
                None => {
                    state.assign(name, None);
                    self.turns(body, self.world.turns().min(2), state, context)
                }
            };
            for (flow, state) in more {
                self.put(&mut out, flow, state);
            }
        }
        out
    }

    /// A loop over values that are written there.
    fn over(&mut self, name: &str, values: &[String], body: &Block, state: State, context: Context) -> Outcomes {
        let inner = Context { loops: context.loops + 1, ..context };
        let mut out = Outcomes::default();
        let mut here = vec![(state, 0)];
        for value in values {
            let mut next = Vec::new();
            for (mut state, _) in here {
                state.assign(name, Some(value.clone()));
                for (flow, state) in self.block(body, state, inner) {
                    self.turn(flow, state, &mut next, &mut out);
                }
            }
            here = next;
        }
        for (mut state, last) in here {
            state.set_status(last);
            self.put(&mut out, Flow::Next, state);
        }
        out
    }

    /// A body that runs any number of times, of which up to `most` are followed.
    fn turns(&mut self, body: &Block, most: usize, state: State, context: Context) -> Outcomes {
        let inner = Context { loops: context.loops + 1, ..context };
        let mut out = Outcomes::default();
        let mut here = vec![(state, 0)];
        for turn in 0..=most {
            let mut next = Vec::new();
            for (state, last) in here {
                let mut ended = state.clone();
                ended.set_status(last);
                self.put(&mut out, Flow::Next, ended);
                if turn < most {
                    for (flow, state) in self.block(body, state, inner) {
                        self.turn(flow, state, &mut next, &mut out);
                    }
                }
            }
            here = next;
        }
        out
    }

    fn case(&mut self, word: &Word, arms: &[Arm], state: State, context: Context) -> Outcomes {
        let mut out = Outcomes::default();
        for state in self.substitute(word, state, context) {
            let value = super::values::expand(word, &state);
            let mut left = true;
            for arm in arms {
                let fits = super::values::fits(&arm.patterns, value.as_deref());
                if fits != Some(false) {
                    self.into(&arm.block, state.clone(), context, &mut out);
                    // What another arm adds is followed as if it were entered alone.
                    left = fits.is_none() || arm.goes_on;
                }
                if !left {
                    break;
                }
            }
            if left {
                let mut state = state;
                state.set_status(0);
                self.put(&mut out, Flow::Next, state);
            }
        }
        out
    }

    /// How a program ends, as the world says.
    pub(super) fn answer(&mut self, answer: Answer, state: State, context: Context, out: &mut Outcomes) {
        let codes = match answer {
            Answer::Code(code) => vec![code],
            Answer::Either => vec![0, 1],
        };
        for code in codes {
            let mut state = state.clone();
            state.set_status(code);
            self.judge(state, context, out);
        }
    }

    /// Ends a command that may be the target.
    pub(super) fn end(&mut self, id: Id, mut state: State, context: Context, out: &mut Outcomes) {
        if let Some((target, code)) = self.target
            && target == id
        {
            state.set_status(code);
            state.marked = true;
        }
        self.judge(state, context, out);
    }
}
