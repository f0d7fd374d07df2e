//! What contradicts itself within one run: success beside failure, a duration beside its stamps, a
//! start without an end, a step without the next.

use chrono::{DateTime, Utc};

use crate::base::quantity;

use super::super::amount;
use super::super::event::Event;
use super::super::kind::Kind;
use super::super::run::Run;

/// Takes what disagrees, the line that claims and the line that disagrees.
pub(super) type Make<'m> = dyn FnMut(String, &Event, Option<&Event>) + 'm;

/// Where an event stands in time: its instant, or its place in the order.
fn time(event: &Event) -> Option<DateTime<Utc>> {
    event.at().or(event.place)
}

/// The failures that may be held against a success: without an edge of the run only a failed check,
/// since other failures near by may be anybody's.
fn failures(run: &Run) -> impl DoubleEndedIterator<Item = &Event> {
    let bounded = run.bounded;
    run.events().filter(move |event| event.is(&Kind::CheckFailed) || (bounded && event.is(&Kind::Failure)))
}

fn success(run: &Run) -> impl DoubleEndedIterator<Item = &Event> {
    // "Mail: backup completed" is told, not done.
    run.events().filter(|event| event.is(&Kind::Success) && !event.is(&Kind::Alert))
}

/// The success that claims the most: of the run itself, else the last.
fn claim(run: &Run) -> Option<&Event> {
    success(run).rev().find(|event| run.ends_with(event)).or_else(|| success(run).next_back())
}

/// Success and failure of one subject in one run.
pub(super) fn success_and_failure(run: &Run, make: &mut Make<'_>) {
    if let (Some(claim), Some(failure)) = (claim(run), failures(run).next()) {
        let what = format!("one run reports `{}` and `{}`", Kind::Success, failure.kind());
        make(what, claim, Some(failure));
    }
}

/// A success that is stamped before a failure of its run.
pub(super) fn success_before_failure(run: &Run, make: &mut Make<'_>) {
    let Some(claim) = success(run).find(|event| run.ends_with(event)) else { return };
    let later = |event: &&Event| match (time(claim), time(event)) {
        (Some(claimed), Some(failed)) if claimed != failed => failed > claimed,
        _ => event.source == claim.source && event.line > claim.line,
    };
    let Some(failure) = failures(run).find(later) else { return };
    let after = time(claim).zip(time(failure)).map(|(claim, failure)| failure - claim);
    #[expect(clippy::cast_precision_loss, reason = "a few days in milliseconds")]
    let after = after.map_or_else(String::new, |after| {
        format!("{} ", quantity::show_seconds(after.num_milliseconds() as f64 / 1000.0))
    });
    make(format!("the failure comes {after}after the success"), claim, Some(failure));
}

/// A success that is claimed although a check failed before.
pub(super) fn success_after_failed_check(run: &Run, make: &mut Make<'_>) {
    let Some(check) = run.events().find(|event| event.is(&Kind::CheckFailed)) else { return };
    let later = |event: &&Event| match (time(check), time(event)) {
        (Some(failed), Some(claimed)) if failed != claimed => claimed > failed,
        _ => event.source == check.source && event.line > check.line,
    };
    let claims = success(run).filter(later).find(|event| run.bounded || run.ends_with(event));
    if let Some(claim) = claims {
        make("success is claimed after the check failed".to_owned(), claim, Some(check));
    }
}

/// A duration that the stamps of its run do not bear out.
pub(super) fn duration(run: &Run, make: &mut Make<'_>) {
    let Some(start) = &run.start else { return };
    for event in run.events().filter(|event| event.is(&Kind::Success) || event.is(&Kind::End)) {
        let Some(span) = amount::claimed(&event.text) else { continue };
        let Some((began, ended)) = start.at().zip(event.at()) else { continue };
        let slack = (2.0_f64).max(span.grain).max(span.seconds * 0.02);
        let measured = seconds(began, ended);
        let whole = run.ends_with(event);
        if span.seconds > measured + slack || (whole && (measured - span.seconds).abs() > slack) {
            let (said, was) = (quantity::show_seconds(span.seconds), quantity::show_seconds(measured));
            return make(format!("says {said}; between the two stamps lie {was}"), event, Some(start));
        }
        if !whole {
            continue;
        }
        let work = |later: &&Event| later.is(&Kind::CheckFailed) || later.is(&Kind::Failure) || later.step.is_some();
        let goes_on = run.events().filter(work).filter_map(|later| Some((later, later.at()?)));
        if let Some((later, until)) = goes_on.max_by_key(|(_, at)| *at).filter(|(_, at)| seconds(ended, *at) > slack) {
            let (said, was) = (quantity::show_seconds(span.seconds), quantity::show_seconds(seconds(began, until)));
            let what = format!("says {said}; its run goes on until {was} after its start");
            return make(what, event, Some(later));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "years in milliseconds are exact")]
fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds() as f64 / 1000.0
}

/// A start that neither success nor failure nor an end follows.
pub(super) fn start_without_end(run: &Run, make: &mut Make<'_>) {
    let Some(start) = &run.start else { return };
    let ended = run.over.is_some() || run.events().any(|event| event.kind().fails() || event.is(&Kind::End));
    // The end of a part says at least that the words for an end are known here.
    if ended || (run.step.is_none() && run.has(&Kind::Success)) {
        return;
    }
    let last = run.last().filter(|last| last.line != start.line);
    let what = match (&run.next, last) {
        (Some(_), _) => "the next run starts and this one never ended",
        (None, _) => "nothing in the log ends it; it may still be running",
    };
    make(what.to_owned(), start, run.next.as_ref().or(last));
}

/// A step that is neither the last nor followed by another.
pub(super) fn step_not_followed(run: &Run, make: &mut Make<'_>) {
    let Some(step) = &run.step else { return };
    let Some((i, n)) = step.step.filter(|(i, n)| i < n) else { return };
    let after = run.next.as_ref().or_else(|| run.last().filter(|last| last.line != step.line));
    make(format!("step {i} of {n} is the last one; {} never appears", i + 1), step, after);
}
