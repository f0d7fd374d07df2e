//! `evidence collect`: carries out the looks of the plan as a sealed run. During them the kernel
//! lets us write in the run's own folder only. The governed action of a case is not started.

use anyhow::Result;

use crate::base::{clock, env};
use crate::cluster;
use crate::collect::Step;
use crate::hygiene::{Look, Raw};
use crate::model::action::{ACTION, SIDE_EFFECTS};
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::verdict::Outcome;
use crate::report;

use super::args;
use super::exit::Exit;
use super::pipeline::{Pipeline, Sealed, authorised};
use super::place::Place;
use super::plan;
use super::screen::{self, Screen};

/// Runs the verb.
///
/// # Errors
/// When the case is not valid, the plan is another one, or the run cannot be written.
pub fn run(place: &Place, screen: &Screen, args: &args::Collect) -> Result<Exit> {
    let ready = plan::ready(place, &args.case)?;
    authorised(&ready.digest, args.plan_sha256.as_deref())?;
    screen::tell_swept(&cluster::sweep(&env::temporary_folder()));
    let mut pipeline = Pipeline::begin(&ready, args.limits.of())?;
    pipeline.look(&ready.steps, || ())?;
    if ready.action.is_some() {
        let why = Absence::new(Reason::NotApplicable, "the action was not run: `evidence collect` never starts it");
        without_action(&mut pipeline, &ready.after, &why.settled_by(place.command("run", &ready.loaded.case.case)))?;
    }
    let sealed = pipeline.close()?;
    show(screen, &sealed)?;
    Ok(exit(&sealed))
}

/// Keeps everything from the action on as not seen.
///
/// # Errors
/// When a fact cannot be kept.
pub fn without_action(pipeline: &mut Pipeline<'_>, after: &[Step], why: &Absence) -> Result<()> {
    let absent = || Raw::new(Observation::absent("", why.clone()));
    pipeline.tell(own(ACTION, Basis::Observed, clock::stamp(clock::now()), 0), absent())?;
    pipeline.skip(after, why)?;
    pipeline.tell(own(SIDE_EFFECTS, Basis::Derived, clock::stamp(clock::now()), 0), absent())
}

/// What is known of one of the action's own facts besides what was seen.
#[must_use]
pub fn own(id: &str, basis: Basis, observed_at: String, took_ms: i64) -> Look {
    Look { id: id.to_owned(), uses: id.to_owned(), basis, target: None, observed_at, took_ms }
}

/// Shows what was seen, and where it was sealed.
///
/// # Errors
/// When standard output fails.
pub fn show(screen: &Screen, sealed: &Sealed) -> Result<()> {
    let Sealed { info, facts, verdict, digest, folder } = sealed;
    if screen.json {
        screen.value(&report::json::collection(info, facts, verdict, &digest.to_string()))?;
    } else {
        screen.text(&report::collection(facts, verdict, &screen.style))?;
        screen.text(&format!("\nsealed  {}\ndigest  {digest}\n", folder.display()))?;
    }
    Ok(())
}

fn exit(sealed: &Sealed) -> Exit {
    if sealed.verdict.outcome == Outcome::HardStop {
        return Exit::HardStop;
    }
    let unseen = |fact: &Fact| fact.absence.is_some() || fact.missing.values().any(|why| why.reason.hides());
    if sealed.facts.iter().any(unseen) { Exit::NotEstablished } else { Exit::Established }
}
