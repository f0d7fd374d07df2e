//! Failures that nobody gets to know of. Each command whose failure matters is made to fail alone;
//! when the shell then does what it does when the command succeeds, the failure is lost.

use std::collections::BTreeSet;

use super::super::machine::{Role, Seen, words};
use super::super::programs;
use super::super::tree::{Block, Command, Id, Item, Kind, Simple, Word};
use super::super::walk::{self, Lost, Place};
use super::Finding;
use super::report::Study;

/// Finds them.
pub fn find(study: &mut Study<'_>, findings: &mut Vec<Finding>) {
    let mut unfounded: Vec<(Id, Id)> = Vec::new();
    let waits = waits(study);
    for (id, code) in candidates(study) {
        let Some(place) = study.places.get(&id).cloned().filter(|place| !place.background || !waits) else { continue };
        let (Some(failed), Some(passed)) = (study.follow(Some((id, code))), study.follow(Some((id, 0)))) else {
            return;
        };
        let Some(fate) = fate(&failed, &passed, &place) else { continue };
        findings.push(tell(study, id, &place, fate, &failed));
        if !place.or_true {
            let said = failed.after.iter().filter(|said| study.role(**said) == Role::Success);
            unfounded.extend(said.map(|said| (*said, id)));
        }
    }
    for said in unfounded.iter().map(|(said, _)| *said).collect::<BTreeSet<_>>() {
        let causes: BTreeSet<usize> =
            unfounded.iter().filter(|(other, _)| *other == said).map(|(_, cause)| study.line(*cause)).collect();
        let listed = causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let plural = if causes.len() == 1 { "" } else { "s" };
        let says = format!(
            "the shell can come to this message of success after a failure at line{plural} {listed} to which nothing reacts"
        );
        findings.push(Finding { lines: causes, ..study.finding("success-unfounded", said, says) });
    }
}

/// What becomes of a failure that nothing reacts to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The shell does just what it does otherwise.
    Lost,
    /// It skips something, and the script can end with 0 all the same.
    Skips,
}

/// Whether the script asks for the status of some job; which one, is not told apart.
fn waits(study: &Study<'_>) -> bool {
    let waits = |simple: &Simple| simple.name().as_deref() == Some("wait") && simple.words.len() > 1;
    study.script.commands.values().any(|command| command.simple().is_some_and(waits))
}

fn fate(failed: &Seen, passed: &Seen, place: &Place) -> Option<Fate> {
    if failed.read || failed.ends.is_empty() && failed.after.is_empty() {
        return None;
    }
    if failed.after == passed.after && failed.ends == passed.ends {
        // What is asked by `if` was asked on purpose; it is lost only where nothing depends on it.
        return (!place.condition || place.lost.is_some() || place.piped).then_some(Fate::Lost);
    }
    let skips = failed.after.is_subset(&passed.after) && failed.ends.contains(&0) && place.and && !place.condition;
    skips.then_some(Fate::Skips)
}

/// The commands whose failure matters, with the status that they would fail with.
fn candidates(study: &Study<'_>) -> Vec<(Id, u8)> {
    let mut out = Vec::new();
    for (id, command) in &study.script.commands {
        let (Some(simple), Some(place)) = (command.simple(), study.places.get(id)) else { continue };
        if let Some(code) = returns(study, simple) {
            out.push((*id, code));
        } else if programs::works(simple) || (place.piped && produces(study, simple)) {
            out.push((*id, 1));
        }
    }
    out
}

/// A program in a pipeline that gives something to the next.
fn produces(study: &Study<'_>, simple: &Simple) -> bool {
    let named = programs::program(simple);
    let function = named.as_ref().is_some_and(|(name, _)| study.functions.contains(name));
    // A filter that finds nothing is no failure.
    let filter = matches!(
        named.as_ref().map(|(name, _)| name.as_str()),
        Some(
            "grep"
                | "egrep"
                | "fgrep"
                | "head"
                | "tail"
                | "sort"
                | "uniq"
                | "tr"
                | "cut"
                | "sed"
                | "awk"
                | "wc"
                | "xargs"
        )
    );
    !simple.words.is_empty()
        && !programs::prints(simple)
        && !function
        && !filter
        && !matches!(simple.name().as_deref(), Some("[" | "test" | "read" | "set"))
}

/// The status with which the function that is called here says that something failed.
fn returns(study: &Study<'_>, simple: &Simple) -> Option<u8> {
    let name = simple.name()?;
    let body = study.script.commands.values().find_map(|command| match &command.kind {
        Kind::Function(known, body) if *known == name => Some(body),
        _ => None,
    })?;
    let mut code = None;
    walk::each(body, &mut |command| {
        let Some(simple) = command.simple().filter(|simple| simple.name().as_deref() == Some("return")) else { return };
        match simple.words.get(1).map(|word| word.literal().and_then(|text| text.parse::<u8>().ok())) {
            Some(Some(0)) | None => {}
            Some(Some(found)) => code = code.or(Some(found)),
            Some(None) => code = code.or(Some(1)),
        }
    });
    code
}

fn tell(study: &Study<'_>, id: Id, place: &Place, fate: Fate, failed: &Seen) -> Finding {
    let name = study.name(id);
    let then = study.consequence(id, failed);
    let function =
        study.script.commands.get(&id).and_then(|c| c.simple()).is_some_and(|simple| returns(study, simple).is_some());
    let suspended = study.errexit(id).is_some_and(|(on, acts)| on && !acts);
    let (rule, why) = match () {
        () if place.lost == Some(Lost::Declaration) => {
            ("declaration-hides-status", "the declaration around it has its own status, 0".to_owned())
        }
        () if place.lost.is_some() => {
            ("substitution-status-lost", "the status of the substitution is dropped".to_owned())
        }
        () if place.piped => {
            let last = place.pipe.map_or(id, |(_, last)| last);
            ("producer-failure-lost", format!("the pipeline has the status of {}", study.name(last)))
        }
        () if place.background => {
            ("background-status-lost", "nobody asks for the status of what runs in the background".to_owned())
        }
        () if place.or_true => ("failure-ignored", "`|| true` makes it a success".to_owned()),
        () if place.and || fate == Fate::Skips => {
            ("and-list-hides", "the rest of the `&&` list is skipped, and `set -e` does not act on it".to_owned())
        }
        () if suspended => {
            ("errexit-suspended", "`set -e` is ignored here, because a condition called the function".to_owned())
        }
        () if function => ("return-unchecked", "nothing reads what it returns".to_owned()),
        () => ("status-unchecked", "nothing reads its status".to_owned()),
    };
    let mut finding = study.finding(rule, id, format!("when {name} fails, {why}: {then}"));
    if let Some((first, last)) = place.pipe.filter(|_| place.piped) {
        finding.text = study.span_text(first, last);
    }
    finding
}

/// Commands that read `$?` or PIPESTATUS right behind a command at which `-e` has ended the shell.
pub fn too_late(study: &Study<'_>, findings: &mut Vec<Finding>) {
    let mut blocks: Vec<&Block> = vec![&study.script.body];
    for command in study.script.commands.values() {
        blocks.extend(inner(command));
    }
    for block in blocks {
        for pair in block.windows(2) {
            if let Some((before, reader)) = pair_too_late(study, &pair[0], &pair[1]) {
                let says = format!(
                    "under `set -e` the shell ends at line {} when that command fails, so what is read here is 0",
                    study.line(before)
                );
                findings.push(study.finding("status-read-too-late", reader, says));
            }
        }
    }
}

fn pair_too_late(study: &Study<'_>, before: &Item, after: &Item) -> Option<(Id, Id)> {
    if !before.rest.is_empty() || before.background || before.first.negated {
        return None;
    }
    let last = before.first.stages.last()?;
    let simple = last.simple()?;
    let runs = !simple.words.is_empty()
        || simple.assignments.iter().any(|a| a.values.iter().any(|w| w.substitutions().next().is_some()));
    let (_, acts) = study.errexit(last.id)?;
    let reader = after.first.stages.first()?;
    (runs && acts && reads_status(reader)).then_some((last.id, reader.id))
}

/// Whether a command reads `$?` first of all.
fn reads_status(command: &Command) -> bool {
    match &command.kind {
        Kind::Simple(simple) => {
            let values = simple.assignments.iter().flat_map(|assignment| &assignment.values);
            let names: Vec<_> =
                simple.words.iter().chain(values).flat_map(|word| word.variables()).map(|v| v.name.as_str()).collect();
            let test = matches!(simple.name().as_deref(), None | Some("[" | "test"));
            test && names.contains(&"?")
        }
        Kind::Arithmetic(text) => text.contains("$?"),
        Kind::If(arms, _) => {
            let first = arms.first().and_then(|(condition, _)| condition.first());
            first.and_then(|item| item.first.stages.first()).is_some_and(|command| reads_status(command))
        }
        Kind::Test(test) => {
            let reads = |word: &&Word| word.variables().any(|variable| variable.name == "?");
            words(test).iter().any(reads)
        }
        _ => false,
    }
}

fn inner(command: &Command) -> Vec<&Block> {
    match &command.kind {
        Kind::Group(block) | Kind::Subshell(block) | Kind::Count(block) | Kind::For(_, _, block) => vec![block],
        Kind::While(_, condition, body) => vec![condition, body],
        Kind::If(arms, otherwise) => {
            arms.iter().flat_map(|(condition, body)| [condition, body]).chain(otherwise.as_ref()).collect()
        }
        Kind::Case(_, arms) => arms.iter().map(|arm| &arm.block).collect(),
        _ => Vec::new(),
    }
}
