//! `evidence run`: the governed action. Looks before → preconditions and hard stops → the one
//! command of the case → looks after → what was different → sealed → verdict. Nothing is tried
//! again, and a command that fails is a fact: the verdict decides.

use std::sync::Arc;

use anyhow::{Result, bail};

use crate::base::child::Until;
use crate::base::clock::{self, Stopwatch};
use crate::base::env;
use crate::base::signal;
use crate::cluster;
use crate::govern;
use crate::model::action::{ACTION, SIDE_EFFECTS};
use crate::model::fact::{Absence, Basis, Reason};
use crate::report;
use crate::seal;

use super::args;
use super::collect::{own, show, without_action};
use super::exit::Exit;
use super::pipeline::{Pipeline, authorised};
use super::place::Place;
use super::plan::{self, Ready};
use super::screen::{self, Screen, note, tell};

/// Runs the verb.
///
/// # Errors
/// When the case is not valid or has no action, the plan is another one, or the run cannot be
/// written; the action was then not started, or the run stays unsealed and says that it was.
pub fn run(place: &Place, screen: &Screen, args: &args::Run) -> Result<Exit> {
    let ready = plan::ready(place, &args.case)?;
    let Some(action) = &ready.action else {
        let collect = place.command("collect", &ready.loaded.case.case);
        bail!("case `{}` has no `action:`; `{collect}` looks without one", ready.loaded.case.case);
    };
    authorised(&ready.digest, args.plan_sha256.as_deref())?;
    screen::tell_swept(&cluster::sweep(&env::temporary_folder()));
    let mut pipeline = Pipeline::begin(&ready, args.limits.of())?;
    let ours = pipeline.folder().to_owned();
    // The last thing before the action, so that nothing of what we do ourselves lies in between.
    let (halted, before) = pipeline.look(&ready.steps, || action.watched.look(&ours))?;
    match halted.map_or_else(|| pipeline.forbidden(), |stop| vec![stop]).first() {
        Some(stop) => refuse(&mut pipeline, &ready, stop)?,
        None => match started_before(&ready)? {
            Some(run) => return never_twice(pipeline, &ready, &run),
            None => govern(&mut pipeline, &ready, action, &before)?,
        },
    }
    let sealed = pipeline.close()?;
    show(screen, &sealed)?;
    if !screen.json {
        screen.text(&format!("\n{}", report::verdict(&sealed.verdict, &screen.style)))?;
    }
    Ok(sealed.verdict.outcome.into())
}

/// Returns the run in which the action was started under this plan. It is read while this run holds the case, so that
/// of two commands at the same time one starts it. A run that a hard stop ended did not start it. An action that was
/// started and whose run was never sealed counts, because how far it came is not known.
fn started_before(ready: &Ready) -> Result<Option<String>> {
    let digest = ready.digest.to_string();
    let started = |run: &seal::Run| match seal::read(&run.path) {
        Ok(bundle) if bundle.info.plan_sha256 != digest => false,
        Ok(bundle) => bundle.facts.iter().any(|kept| kept.fact.id == ACTION && kept.fact.absence.is_none()),
        Err(_) => seal::announced(&run.path).is_some_and(|text| text.contains(&digest)),
    };
    Ok(seal::runs(&ready.loaded.folder)?.into_iter().find(started).map(|run| run.name))
}

/// Refuses a second start under one plan: one authorisation is for one start. Nothing was changed, so the run that was
/// begun for it is removed and the earlier one stays the newest.
fn never_twice(pipeline: Pipeline<'_>, ready: &Ready, earlier: &str) -> Result<Exit> {
    pipeline.discard()?;
    bail!(
        "the action was not started: it was started under this plan ({}) before, in the run {earlier}; an action is \
         started once. To run it again, change the case (its title is enough), so that a new plan is authorised",
        ready.digest
    )
}

/// A hard stop fired: the action never starts, and what would come after it has nothing to look at.
fn refuse(pipeline: &mut Pipeline<'_>, ready: &Ready, stop: &str) -> Result<()> {
    tell(&format!("the action was not started: hard stop {stop}"));
    let message = format!("the action was not started: hard stop {stop} came first");
    without_action(pipeline, &ready.after, &Absence::new(Reason::Halted, message))
}

fn govern(pipeline: &mut Pipeline<'_>, ready: &Ready, action: &govern::Ready, before: &govern::Snapshot) -> Result<()> {
    act(pipeline, action, &ready.digest.to_string())?;
    let ours = pipeline.folder().to_owned();
    let watch = Stopwatch::start();
    // Before anything else looks, and so in a look of its own.
    let (_, after) = pipeline.look(&[], || action.watched.look_again(before, &ours))?;
    let took = watch.millis();
    pipeline.look(&ready.after, || ())?;
    let effects = govern::effects(&action.watched, before, &after, pipeline.facts());
    pipeline.tell(own(SIDE_EFFECTS, Basis::Derived, clock::stamp(clock::now()), took), effects)
}

/// Runs the command, with our own ending held back until it has ended and is written down.
fn act(pipeline: &mut Pipeline<'_>, action: &govern::Ready, plan: &str) -> Result<()> {
    let watch = signal::Watch::begin();
    let started = clock::stamp(clock::now());
    pipeline.announce(&format!(
        "The governed action was started at {started} under the plan {plan}: {}",
        action.command()
    ))?;
    note(&format!("running: {}", action.command()));
    let took = Stopwatch::start();
    let seen = action.act(Some(&(Arc::new(signal::caught) as Until)));
    pipeline.tell(own(ACTION, Basis::Observed, started, took.millis()), seen)?;
    // The signal was for the action, which has ended by it; what it did is still looked at.
    signal::forget();
    drop(watch);
    Ok(())
}
