//! One collection, in case order: looks, masks, hands over, and stops where the gate says so.

use std::path::{Path, PathBuf};

use crate::base::clock::{self, Stopwatch};
use crate::base::text;
use crate::hygiene::{Look, Masked, Masker, Raw};
use crate::model::allow::AllowedCommand;
use crate::model::bundle::SealedFact;
use crate::model::case::Case;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::plan::PlannedStep;

use super::{COLLECTORS, Kernel, Prepared, SettingError, Settings, Surroundings, find};

/// Hears how far a look has come.
pub trait Progress: Sync {
    /// A step begins.
    fn begin(&self, id: &str, uses: &str);
    /// `bytes` more were read.
    fn advance(&self, bytes: u64);
    /// The step is done.
    fn end(&self);
}

/// Decides after each fact whether the collection goes on; gives the hard stop that fired.
pub type Gate<'a> = dyn FnMut(&[Fact]) -> Option<String> + 'a;

/// A step of the case with its collector, ready to look.
pub struct Step {
    id: String,
    uses: String,
    target: Option<String>,
    prepared: Box<dyn Prepared>,
}

impl Step {
    /// What this step will do.
    #[must_use]
    pub fn plan(&self) -> PlannedStep {
        PlannedStep {
            id: self.id.clone(),
            uses: self.uses.clone(),
            target: self.target.clone(),
            actions: self.prepared.plan(),
        }
    }

    /// The fact of this step when it is not taken, and why.
    #[must_use]
    pub fn unseen(&self, why: &Absence, masker: &mut Masker) -> Masked<SealedFact> {
        let look = about(self, Basis::Observed, clock::stamp(clock::now()), 0);
        masker.fact(look, Raw::new(Observation::absent("", why.clone())))
    }
}

/// Makes the private folders that looks need outside of the run, before the sandbox is entered, and
/// gives their paths: those that it has to allow.
#[must_use]
pub fn make_rooms(steps: &[Step]) -> Vec<PathBuf> {
    steps.iter().filter_map(|step| step.prepared.make_room()).collect()
}

/// Prepares `steps` of `case`, whose policy allows `commands`, before anything is read; relative paths
/// start from `folder`.
///
/// # Errors
/// The first step whose collector is unknown, whose settings are wrong, or that runs a command that is
/// none of `commands`, named.
pub fn prepare(
    case: &Case,
    steps: &[crate::model::case::Step],
    folder: &Path,
    commands: &[AllowedCommand],
) -> Result<Vec<Step>, SettingError> {
    steps.iter().map(|step| prepare_step(&Settings { case, step, folder, commands })).collect()
}

fn prepare_step(settings: &Settings<'_>) -> Result<Step, SettingError> {
    let step = settings.step;
    let fail = |message: String| SettingError { step: Some(step.id.clone()), message };
    let Some(collector) = find(&step.uses) else {
        let hint = text::did_you_mean(&step.uses, COLLECTORS.iter().map(|c| c.doc().name));
        return Err(fail(format!("unknown collector `{}`{hint}", text::visible(&step.uses))));
    };
    if step.on.is_some() && !collector.doc().needs_target {
        return Err(fail(format!("`{}` asks no target; remove `on:`", step.uses)));
    }
    let prepared = collector.prepare(settings).map_err(|e| fail(format!("{}: {}", step.uses, e.message)))?;
    Ok(Step { id: step.id.clone(), uses: step.uses.clone(), target: step.on.clone(), prepared })
}

/// A collection under way.
pub struct Session<'a> {
    /// What looks may use, except the facts.
    pub scratch: &'a Path,
    /// Where progress is reported.
    pub progress: &'a dyn Progress,
    /// What the kernel enforces.
    pub kernel: Kernel<'a>,
    /// Masked arguments of this program.
    pub arguments: &'a [String],
}

impl Session<'_> {
    /// Takes every step in order, in the sight of `facts`, to which it adds; each fact goes masked to
    /// `keep` before the next look begins. After a hard stop, the remaining steps become absences that
    /// say so, and its id is given.
    ///
    /// # Errors
    /// When `keep` fails, at once.
    pub fn run<E>(
        &self,
        steps: &[Step],
        facts: &mut Vec<Fact>,
        masker: &mut Masker,
        gate: &mut Gate<'_>,
        keep: &mut dyn FnMut(Masked<SealedFact>) -> Result<(), E>,
    ) -> Result<Option<String>, E> {
        let mut stop: Option<String> = None;
        for step in steps {
            let sealed = match &stop {
                Some(stop) => step.unseen(&halted(stop), masker),
                None => self.look(step, facts, masker),
            };
            facts.push(sealed.fact.clone());
            keep(sealed)?;
            if stop.is_none() {
                stop = gate(facts);
            }
        }
        Ok(stop)
    }

    fn look(&self, step: &Step, facts: &[Fact], masker: &mut Masker) -> Masked<SealedFact> {
        self.progress.begin(&step.id, &step.uses);
        let observed_at = clock::stamp(clock::now());
        let watch = Stopwatch::start();
        let surroundings = Surroundings {
            scratch: self.scratch,
            facts,
            progress: self.progress,
            kernel: self.kernel,
            arguments: self.arguments,
        };
        let seen = step.prepared.look(&surroundings);
        let took_ms = watch.millis();
        self.progress.end();
        masker.fact(about(step, step.prepared.basis(), observed_at, took_ms), seen)
    }
}

/// Why nothing was looked at after the hard stop `stop`.
#[must_use]
pub fn halted(stop: &str) -> Absence {
    Absence::new(Reason::Halted, format!("not looked at: hard stop {stop} came first"))
}

fn about(step: &Step, basis: Basis, observed_at: String, took_ms: i64) -> Look {
    Look { id: step.id.clone(), uses: step.uses.clone(), basis, target: step.target.clone(), observed_at, took_ms }
}
