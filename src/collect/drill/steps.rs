//! The steps that a drill took: what was run, how it ended, how long it took; and the one answer to
//! "has it to stop?", asked by everything that runs for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::child::{Invocation, Outcome, Until};
use crate::base::clock::{Deadline, Stopwatch};
use crate::base::{quantity, signal, text};
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

/// Why a drill has to end before it is done.
#[derive(Clone)]
pub(super) struct Stop {
    deadline: Deadline,
    limit: Duration,
    full: Arc<AtomicBool>,
}

impl Stop {
    /// After `limit` at the latest.
    pub(super) fn after(limit: Duration) -> Self {
        Self { deadline: Deadline::after(limit), limit, full: Arc::default() }
    }

    /// The scratch folder has reached its limit.
    pub(super) fn is_full(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// Whether it has to end now.
    pub(super) fn now(&self) -> bool {
        self.deadline.passed() || signal::caught() || self.full.load(Ordering::SeqCst)
    }

    /// Why, once it has.
    pub(super) fn reason(&self) -> Option<Absence> {
        if signal::caught() {
            return Some(Absence::new(Reason::Failed, "a signal asked us to end; the drill was put away unfinished"));
        }
        if self.full.load(Ordering::SeqCst) {
            return Some(Absence::new(Reason::Limit, "the drill's folder reached `scratch_limit`; allow more"));
        }
        self.deadline.passed().then(|| {
            let limit = quantity::show_seconds(self.limit.as_secs_f64());
            Absence::new(Reason::TimedOut, format!("`limit` of {limit} reached; give it more time"))
        })
    }

    fn until(&self) -> Until {
        let stop = self.clone();
        Arc::new(move || stop.now())
    }
}

/// What was run so far.
pub(super) struct Steps {
    list: Vec<Value>,
    /// When it all has to end.
    pub(super) stop: Stop,
}

impl Steps {
    /// None yet.
    pub(super) fn new(stop: Stop) -> Self {
        Self { list: Vec::new(), stop }
    }

    /// The child that `invocation` is, under the drill's limits.
    pub(super) fn bounded(&self, invocation: Invocation) -> Invocation {
        // The limit of a child counts for itself; the drill's own says when all of them have to end.
        invocation.limit(self.stop.limit).until(&self.stop.until())
    }

    /// Runs one step and notes it; an end that is no success is for the caller to judge.
    pub(super) fn run(&mut self, name: &str, invocation: Invocation) -> Result<Outcome, Absence> {
        let line = invocation.line();
        let outcome = self.bounded(invocation).run();
        let outcome = outcome.map_err(|e| Absence::new(Reason::Unavailable, e.to_string()))?;
        self.note(name, &line, Some(&outcome), outcome.took);
        match self.stop.reason() {
            Some(absence) if outcome.timed_out || outcome.stopped => Err(absence),
            _ => Ok(outcome),
        }
    }

    /// The same, and anything but success ends the drill.
    pub(super) fn need(&mut self, name: &str, invocation: Invocation) -> Result<Outcome, Absence> {
        let outcome = self.run(name, invocation)?;
        if outcome.success() {
            return Ok(outcome);
        }
        Err(Absence::new(Reason::Failed, format!("{name} failed: {}", first_line(&outcome.stderr))))
    }

    /// Notes a step that was followed elsewhere.
    pub(super) fn note(&mut self, name: &str, line: &str, outcome: Option<&Outcome>, took: Duration) {
        let mut step = Map::new();
        step.insert("step".into(), name.into());
        step.insert("command".into(), line.into());
        if let Some(code) = outcome.and_then(|outcome| outcome.code) {
            step.insert("exit_code".into(), Value::int(code));
        }
        if let Some(signal) = outcome.and_then(|outcome| outcome.signal) {
            step.insert("signal".into(), Value::int(signal));
        }
        step.insert("seconds".into(), seconds(took));
        self.list.push(Value::Map(step));
    }

    /// Times `work` as a step without a process of its own.
    pub(super) fn timed<T>(&mut self, name: &str, what: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let watch = Stopwatch::start();
        let done = work(self);
        self.note(name, what, None, watch.elapsed());
        done
    }

    /// All of them, in order.
    pub(super) fn into_value(self) -> Value {
        Value::List(self.list)
    }
}

/// Seconds with three digits behind the point.
pub(super) fn seconds(took: Duration) -> Value {
    Value::real((took.as_secs_f64() * 1000.0).round() / 1000.0).unwrap_or(Value::Int(0))
}

/// The first line that a program said, harmless.
pub(super) fn first_line(said: &[u8]) -> String {
    let text = text::from_bytes(said);
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}
