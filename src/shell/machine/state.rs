//! The state of a shell as far as it decides where control goes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::dialect::Options;
use super::super::tree::Id;

/// Where control goes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next command.
    Next,
    /// Out of the function.
    Return,
    /// Out of the shell.
    Exit,
    /// Out of so many loops.
    Break(u32),
    /// To the next turn of the loop so many levels out.
    Continue(u32),
}

/// The ways in which something can end.
pub type Outcomes = Vec<(Flow, State)>;

/// A shell at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its options.
    pub options: Options,
    /// `$?`
    pub status: u8,
    /// `PIPESTATUS`
    pub pipe: Rc<Vec<u8>>,
    /// The variables whose value is known.
    pub variables: Rc<BTreeMap<String, String>>,
    /// The functions that are defined: name and body.
    pub functions: Rc<BTreeMap<String, Id>>,
    /// The command that set the EXIT trap.
    pub exit_trap: Option<Id>,
    /// The command that set the ERR trap.
    pub err_trap: Option<Id>,
    /// Whether the target ended on this way.
    pub marked: bool,
    /// Whether another command was come to since.
    pub moved: bool,
    /// The last message of success on this way.
    pub success: Option<Id>,
    /// The last message of failure on this way.
    pub failure: Option<Id>,
    /// What was uploaded and not compared since.
    pub uploads: Rc<BTreeSet<Id>>,
}

impl State {
    /// A shell that begins.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            status: 0,
            pipe: Rc::new(vec![0]),
            variables: Rc::default(),
            functions: Rc::default(),
            exit_trap: None,
            err_trap: None,
            marked: false,
            moved: false,
            success: None,
            failure: None,
            uploads: Rc::default(),
        }
    }

    /// A single command ended with `status`.
    pub fn set_status(&mut self, status: u8) {
        self.status = status;
        self.pipe = Rc::new(vec![status]);
    }

    /// Sets or forgets a variable.
    pub fn assign(&mut self, name: &str, value: Option<String>) {
        if self.variables.get(name) == value.as_ref() {
            return;
        }
        let variables = Rc::make_mut(&mut self.variables);
        match value {
            Some(value) => drop(variables.insert(name.to_owned(), value)),
            None => drop(variables.remove(name)),
        }
    }

    /// Whether another state differs in variables alone.
    #[must_use]
    pub fn alike(&self, other: &Self) -> bool {
        let control =
            |state: &Self| (state.options, state.status, state.exit_trap, state.err_trap, state.marked, state.moved);
        control(self) == control(other)
            && (self.success, self.failure) == (other.success, other.failure)
            && self.pipe == other.pipe
            && self.uploads == other.uploads
            && self.functions == other.functions
    }

    /// Knows only the variables that have the same value in `other`.
    pub fn forget_differences(&mut self, other: &Self) {
        if !Rc::ptr_eq(&self.variables, &other.variables) {
            Rc::make_mut(&mut self.variables).retain(|name, value| other.variables.get(name) == Some(value));
        }
    }

    /// Takes over what was learned on the way of another shell, its child, which began as `base`.
    pub fn learn(&mut self, child: &Self, base: &Self) {
        self.marked |= child.marked;
        self.moved |= child.moved;
        if child.success != base.success {
            self.success = child.success;
        }
        if child.failure != base.failure {
            self.failure = child.failure;
        }
        if child.uploads != base.uploads {
            let uploads = Rc::make_mut(&mut self.uploads);
            uploads.retain(|id| child.uploads.contains(id) || !base.uploads.contains(id));
            uploads.extend(child.uploads.difference(&base.uploads));
        }
    }
}
