//! What the shell does with a script when commands end with given statuses: which commands it comes
//! to, and with which status it ends. Where a status is not known, both ways are followed, so the
//! answer is a set: "can be reached", "can end with 0". It runs nothing, and it knows the rules of
//! `set -e`, `pipefail`, conditions, subshells, functions and traps; a real shell decides in the
//! tests whether it knows them right.

mod arithmetic;
mod compound;
mod simple;
mod state;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::dialect::{Dialect, Options};
use super::tree::{Block, Command, Id, Item, Join, Kind, Pipeline, Script, Simple};
pub use state::State;
use state::{Flow, Outcomes};
pub use values::words;

/// Says how commands end that are no part of the shell.
pub trait World {
    /// The status of a command; `asked` says that the shell branches on it.
    fn status(&self, command: &Command, simple: &Simple, asked: bool) -> Answer;
    /// What a command means for the one who reads the record.
    fn role(&self, _: Id) -> Role {
        Role::None
    }
    /// How often a loop is followed at most when nothing says how often it runs.
    fn turns(&self) -> usize;
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With this status.
    Code(u8),
    /// With 0 or not.
    Either,
}

/// What a command means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing in particular.
    None,
    /// It says that the work succeeded.
    Success,
    /// It says that something failed.
    Failure,
    /// It sends a file somewhere.
    Upload,
    /// It compares what arrived with what was sent.
    Verify,
    /// It only keeps a list from failing (`true`, `:`).
    Nothing,
}

/// The command whose end is set, and to what.
pub type Target = Option<(Id, u8)>;

/// What was seen while the script was followed.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every simple command in the order in which it was come to.
    pub ran: Vec<Id>,
    /// The commands that can be come to after the target ended.
    pub after: BTreeSet<Id>,
    /// The first of them, on each way.
    pub next: BTreeSet<Id>,
    /// Whether a command that speaks or leaves reads the status of the target right behind it.
    pub read: bool,
    /// The statuses with which the script can end once the target ran.
    pub ends: BTreeSet<u8>,
    /// The statuses with which it can end at all.
    pub all_ends: BTreeSet<u8>,
    /// The options that can hold at each command, and whether `-e` is without effect there.
    pub options: BTreeMap<Id, BTreeSet<(Options, bool)>>,
    /// A message of success, and one of failure that can come after it.
    pub success_then_failure: BTreeSet<(Id, Id)>,
    /// A message of failure, and one of success that can come after it.
    pub failure_then_success: BTreeSet<(Id, Id)>,
    /// Uploads after which the script can end with 0 without any comparison.
    pub unverified: BTreeSet<Id>,
    /// `(( … ))` whose value is 0, at which the shell ends because of `-e`.
    pub zero: BTreeSet<Id>,
    /// Commands that read other code into this shell.
    pub foreign: BTreeSet<Id>,
    /// Commands that hand another shell a script which is only known when it runs.
    pub opaque: BTreeSet<Id>,
    /// Whether everything was followed; not when it was too much.
    pub complete: bool,
    /// How many steps it took.
    pub steps: u64,
}

/// More steps than this are not followed.
const STEPS: u64 = 200_000;
/// More states at one place than this are not followed.
const STATES: usize = 256;
/// From so many states on, those that differ in variables alone become one that does not know them.
const MERGE: usize = 6;

/// Follows `script` in `world` from its first command to every end.
#[must_use]
pub fn follow(script: &Script, world: &dyn World, target: Target) -> Seen {
    let seen = Seen { complete: true, ..Seen::default() };
    let functions = script.commands.values().filter_map(|command| match &command.kind {
        Kind::Function(name, _) => Some(name.clone()),
        _ => None,
    });
    let mut machine = Machine {
        script,
        world,
        target,
        seen,
        steps: 0,
        dialect: script.shebang.dialect,
        defined: functions.collect(),
    };
    let start = State::new(script.shebang.options);
    let context = Context::default();
    for (_, state) in machine.block(&script.body, start, context) {
        for ended in machine.leave(state, context) {
            machine.seen.all_ends.insert(ended.status);
            if ended.marked {
                machine.seen.ends.insert(ended.status);
            }
            if ended.status == 0 {
                machine.seen.unverified.extend(ended.uploads.iter().copied());
            }
        }
    }
    machine.seen.steps = machine.steps;
    machine.seen
}

struct Machine<'a> {
    script: &'a Script,
    world: &'a dyn World,
    target: Target,
    seen: Seen,
    steps: u64,
    /// The shell that runs at this place.
    dialect: Dialect,
    /// The functions that the script defines anywhere.
    defined: BTreeSet<String>,
}

/// Where in the script the shell is.
#[derive(Clone, Copy, Default)]
struct Context {
    /// A failure here does not end the shell, whatever `-e` says.
    ignored: bool,
    /// The shell branches on the status of what runs here.
    asked: bool,
    /// How many functions are being called.
    functions: u32,
    /// How many loops stand around.
    loops: u32,
    /// Whether this is a subshell.
    subshell: bool,
}

impl Machine<'_> {
    fn sh(&self) -> bool {
        self.dialect == Dialect::Sh
    }

    fn block(&mut self, block: &Block, state: State, context: Context) -> Outcomes {
        let mut here = vec![state];
        let mut gone = Outcomes::default();
        for item in block {
            let mut next = Outcomes::default();
            for state in here {
                for (flow, state) in self.item(item, state, context) {
                    let to = if flow == Flow::Next { &mut next } else { &mut gone };
                    self.put(to, flow, state);
                }
            }
            here = next.into_iter().map(|(_, state)| state).collect();
            if here.is_empty() {
                break;
            }
        }
        for state in here {
            self.put(&mut gone, Flow::Next, state);
        }
        gone
    }

    /// Adds an outcome unless it is there; says so when there are too many.
    fn put(&mut self, to: &mut Outcomes, flow: Flow, state: State) {
        if to.iter().any(|known| known.0 == flow && known.1 == state) {
            return;
        }
        if to.len() >= MERGE
            && let Some(known) = to.iter_mut().find(|known| known.0 == flow && known.1.alike(&state))
        {
            known.1.forget_differences(&state);
        } else if to.len() >= STATES {
            self.seen.complete = false;
        } else {
            to.push((flow, state));
        }
    }

    fn item(&mut self, item: &Item, state: State, context: Context) -> Outcomes {
        if !item.background {
            return self.list(item, state, context);
        }
        let ends = self.subshell(&state, context, |machine, child, context| machine.list(item, child, context));
        let mut out = Outcomes::default();
        for end in ends {
            let mut after = state.clone();
            after.learn(&end, &state);
            after.set_status(0);
            self.put(&mut out, Flow::Next, after);
        }
        out
    }

    fn list(&mut self, item: &Item, state: State, context: Context) -> Outcomes {
        let hidden = Context { ignored: true, asked: true, ..context };
        let first = if item.rest.is_empty() { context } else { hidden };
        let mut out = self.pipeline(&item.first, state, first);
        for (index, (join, pipeline)) in item.rest.iter().enumerate() {
            let context = if index + 1 == item.rest.len() { context } else { hidden };
            let mut next = Outcomes::default();
            for (flow, state) in out {
                let runs = flow == Flow::Next && (*join == Join::And) == (state.status == 0);
                let more = if runs { self.pipeline(pipeline, state, context) } else { vec![(flow, state)] };
                for (flow, state) in more {
                    self.put(&mut next, flow, state);
                }
            }
            out = next;
        }
        out
    }

    fn pipeline(&mut self, pipeline: &Pipeline, state: State, context: Context) -> Outcomes {
        let inner = match pipeline.negated {
            true => Context { ignored: true, asked: true, ..context },
            false => context,
        };
        let mut out = match pipeline.stages.as_slice() {
            [one] => self.command(one, state, inner),
            stages => self.stages(stages, &state, inner),
        };
        if pipeline.negated {
            for (flow, state) in &mut out {
                if *flow == Flow::Next {
                    state.status = u8::from(state.status == 0);
                }
            }
        }
        out
    }

    fn stages(&mut self, stages: &[Rc<Command>], state: &State, context: Context) -> Outcomes {
        let mut ways: Vec<(Vec<u8>, State)> = vec![(Vec::new(), state.clone())];
        for (index, stage) in stages.iter().enumerate() {
            // The shell branches on the last one alone, unless the others count too.
            let asked = context.asked && (index + 1 == stages.len() || state.options.pipefail);
            let context = Context { asked, ..context };
            let ends = self.subshell(state, context, |machine, child, context| machine.command(stage, child, context));
            let mut more: Vec<(Vec<u8>, State)> = Vec::new();
            for (statuses, after) in &ways {
                for end in &ends {
                    let mut statuses = statuses.clone();
                    statuses.push(end.status);
                    let mut after = after.clone();
                    after.learn(end, state);
                    if more.len() < STATES && !more.iter().any(|(s, a)| *s == statuses && *a == after) {
                        more.push((statuses, after));
                    }
                }
            }
            ways = more;
        }
        let mut out = Outcomes::default();
        for (statuses, mut after) in ways {
            let failed = statuses.iter().rev().find(|status| **status != 0).filter(|_| after.options.pipefail);
            after.status = failed.or(statuses.last()).copied().unwrap_or_default();
            after.pipe = Rc::new(statuses);
            self.judge(after, context, &mut out);
        }
        out
    }

    /// What `-e` and an ERR trap make of the status of a command that just ended.
    fn judge(&mut self, state: State, context: Context, out: &mut Outcomes) {
        if state.status == 0 || context.ignored {
            return self.put(out, Flow::Next, state);
        }
        let inner = context.functions > 0 || context.subshell;
        let trap = state.err_trap.filter(|_| !inner || state.options.errtrace);
        let code = trap.and_then(|id| self.code(id));
        let ways = match code {
            None => vec![(Flow::Next, state)],
            Some(code) => {
                let (status, pipe) = (state.status, Rc::clone(&state.pipe));
                let state = State { err_trap: None, ..state };
                let mut ways = self.block(&code, state, Context { ignored: true, asked: false, ..context });
                for (flow, state) in &mut ways {
                    state.err_trap = trap;
                    if *flow == Flow::Next {
                        (state.status, state.pipe) = (status, Rc::clone(&pipe));
                    }
                }
                ways
            }
        };
        for (flow, state) in ways {
            let flow = if flow == Flow::Next && state.options.errexit { Flow::Exit } else { flow };
            self.put(out, flow, state);
        }
    }

    fn code(&self, id: Id) -> Option<Rc<Block>> {
        self.script.commands.get(&id)?.simple()?.code.clone()
    }

    /// Runs `work` in a shell of its own; what it leaves behind is its status and what was learned.
    fn subshell(
        &mut self,
        state: &State,
        context: Context,
        work: impl FnOnce(&mut Self, State, Context) -> Outcomes,
    ) -> Vec<State> {
        let child = State { exit_trap: None, ..state.clone() };
        let context = Context { subshell: true, loops: 0, ..context };
        let outcomes = work(self, child, context);
        let mut ends: Vec<State> = Vec::new();
        for (_, state) in outcomes {
            for end in self.leave(state, context) {
                if ends.len() < STATES && !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    /// The ends of a shell: its EXIT trap runs, and does not change the status unless it says so.
    fn leave(&mut self, state: State, context: Context) -> Vec<State> {
        let Some(code) = state.exit_trap.and_then(|id| self.code(id)) else { return vec![state] };
        let status = state.status;
        let state = State { exit_trap: None, ..state };
        let outcomes = self.block(&code, state, Context { asked: false, loops: 0, functions: 0, ..context });
        let ended = |(flow, mut state): (Flow, State)| {
            if flow != Flow::Exit {
                state.status = status;
            }
            state
        };
        outcomes.into_iter().map(ended).collect()
    }
}
