//! A plan as a list to be read and authorised: every read, question and program, in order. By default a
//! page: the statements of a session share a line with the digest of their exact text, and long ones are
//! cut. `full` prints all of them, over several lines. The plan's SHA-256 covers the exact text of each.

use crate::base::digest::Digest;
use crate::base::quantity;
use crate::base::text::{self, plural};
use crate::model::plan::{Action, Plan, PlannedAction, PlannedStep, Verb};

use super::clean;
use super::style::{Paint, Style};

/// A line of the page is cut after so many characters.
const LINE: usize = 170;
/// Lines of one statement on the page.
const LINES: usize = 6;
/// What every session of a database sends around its questions.
const FRAME: [&str; 4] = ["BEGIN", "SET LOCAL ", "ROLLBACK", "SELECT json_build_object('read_only',"];

/// The plan step by step, and last its SHA-256; `full` prints every statement whole.
#[must_use]
pub fn plan(plan: &Plan, sha256: &str, full: bool, style: &Style) -> String {
    let mut out = format!(
        "case {}, policy {} ({})\n",
        clean(&plan.case),
        clean(&plan.policy),
        plan.policy_sha256.get(..12).unwrap_or(&plan.policy_sha256)
    );
    for (number, step) in plan.steps.iter().enumerate() {
        push_step(&mut out, number + 1, step, full, style);
    }
    if let Some(action) = &plan.action {
        push_governed(&mut out, action, style);
    }
    for (number, step) in plan.after.iter().enumerate() {
        push_step(&mut out, plan.steps.len() + number + 1, step, full, style);
    }
    for waiver in &plan.waivers {
        let (item, owner, reason) = (clean(&waiver.item), clean(&waiver.owner), clean(&waiver.reason));
        out.push_str(&format!("\nwaives {item} until {} ({owner}: {reason})\n", clean(&waiver.expires)));
    }
    let steps = || plan.steps.iter().chain(&plan.after);
    let actions = steps().map(|step| step.actions.len()).sum();
    out.push_str(&format!(
        "\n{}, {}; nothing was done yet\n",
        plural(steps().count(), "step"),
        plural(actions, "action")
    ));
    if !full {
        out.push_str("`evidence plan --full` prints every statement, `--json` the exact texts\n");
    }
    out.push_str(&format!("plan sha256 {sha256}\n"));
    out
}

fn push_step(out: &mut String, number: usize, step: &PlannedStep, full: bool, style: &Style) {
    let target = step.target.as_ref().map_or_else(String::new, |target| format!(" on {}", clean(target)));
    let title = format!("{number}. {}", clean(&step.id));
    out.push_str(&format!("\n{}  {}{target}\n", style.paint(&title, Paint::Strong), clean(&step.uses)));
    match full {
        true => step.actions.iter().for_each(|action| push_whole(out, word(action.verb), &action.what)),
        false => push_page(out, &step.actions),
    }
    if step.actions.is_empty() {
        out.push_str("   reads nothing\n");
    }
}

/// The actions of a step on the page.
fn push_page(out: &mut String, actions: &[Action]) {
    for group in actions.chunk_by(|one, other| one.verb == Verb::Ask && other.verb == Verb::Ask) {
        if group.len() > 1 {
            push_action(out, "ask", &session(group));
        }
        let framed = |action: &&Action| group.len() > 1 && FRAME.iter().any(|start| action.what.starts_with(start));
        let mut shown: Vec<&str> = Vec::new();
        for action in group.iter().filter(|action| !framed(action)) {
            // The same question before and after is shown once.
            if !shown.contains(&action.what.as_str()) {
                shown.push(&action.what);
                push_action(out, if group.len() > 1 { "" } else { word(action.verb) }, &page_text(&action.what));
            }
        }
    }
}

/// What a session asks, in words, with the digest of its exact text.
fn session(group: &[Action]) -> String {
    let texts: Vec<&str> = group.iter().map(|action| action.what.as_str()).collect();
    let digest = Digest::of(texts.join("\n").as_bytes()).to_string();
    let kind = match texts.first().is_some_and(|first| first.starts_with("BEGIN") && first.contains("READ ONLY")) {
        true => " in one read-only transaction",
        false => "",
    };
    format!("{}{kind}, sha256 {}", plural(group.len(), "statement"), digest.get(..12).unwrap_or(&digest))
}

/// `what` cut to what a page shows.
fn page_text(what: &str) -> String {
    let lines: Vec<&str> = what.trim_end().lines().collect();
    let mut shown: Vec<String> = lines.iter().take(LINES).map(|line| cut(line)).collect();
    if lines.len() > LINES {
        shown.push(format!("… and {}", plural(lines.len() - LINES, "more line")));
    }
    shown.join("\n")
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}… (+{} characters)", &line[..end], line[end..].chars().count()),
        None => line.to_owned(),
    }
}

/// An action whole, over several lines where one would be long.
fn push_whole(out: &mut String, verb: &str, what: &str) {
    let lines: Vec<String> = what.trim_end().lines().flat_map(wrapped).collect();
    push_action(out, verb, &lines.join("\n"));
}

/// `line` in pieces of at most [`LINE`] characters, broken at blanks outside of quotes where there are any.
fn wrapped(line: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.chars().count() > LINE {
        let most = rest.char_indices().nth(LINE).map_or(rest.len(), |(end, _)| end);
        let at =
            last_gap(&rest[..most]).or_else(|| rest[..most].rfind(' ')).filter(|at| *at > LINE / 3).unwrap_or(most);
        let (piece, other) = rest.split_at(at);
        pieces.push(piece.to_owned());
        rest = other;
    }
    pieces.push(rest.to_owned());
    let indented =
        |(index, piece): (usize, String)| if index == 0 { piece } else { format!("  {}", piece.trim_start()) };
    pieces.into_iter().enumerate().map(indented).collect()
}

/// The last blank of `text` that stands outside of single quotes.
fn last_gap(text: &str) -> Option<usize> {
    let (mut quoted, mut gap) = (false, None);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => gap = Some(at),
            _ => {}
        }
    }
    gap
}

/// The one command that may change something, word by word: it stands out from what only reads.
fn push_governed(out: &mut String, action: &PlannedAction, style: &Style) {
    let title = format!("ACTION: {}", clean(&action.title));
    out.push_str(&format!("\n{}  only `evidence run` starts it, once\n", style.paint(&title, Paint::Bad)));
    push_action(out, "run", &text::shell_line(&action.argv));
    let reader = if action.shell { "a shell reads the line" } else { "no shell" };
    push_action(out, "as", &format!("{} ({reader})", plural(action.argv.len(), "word")));
    push_action(out, "in", &action.folder);
    for name in &action.environment {
        push_action(out, "env", name);
    }
    for (name, value) in &action.set {
        push_action(out, "set", &format!("{name}={}", text::shell_word(value)));
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of at most 30 days")]
    push_action(out, "limit", &quantity::show_seconds(action.limit_ms as f64 / 1000.0));
    for path in action.watched_folders.iter().chain(&action.watched_logs) {
        push_action(out, "watch", path);
    }
}

/// A query of several lines stays one, indented.
fn push_action(out: &mut String, verb: &str, what: &str) {
    for (index, line) in what.trim_end().lines().enumerate() {
        let lead = if index == 0 { verb } else { "" };
        out.push_str(&format!("   {lead:<6} {}\n", clean(line)));
    }
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "read",
        Verb::Ask => "ask",
        Verb::Run => "run",
        Verb::State => "state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(what: &str) -> Action {
        Action::new(Verb::Ask, what)
    }

    #[test]
    fn no_line_of_a_plan_is_long_and_the_page_says_what_it_cuts() {
        let query = format!("SELECT {} FROM t", "json_build_object('a b', c), ".repeat(800));
        let session =
            ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET LOCAL row_security = off", &query, "ROLLBACK"];
        let blank = "x".repeat(3000);
        let read = Action::new(Verb::Read, blank.as_str());
        let actions: Vec<Action> = session.iter().map(|what| ask(what)).chain([read]).collect();
        let (mut page, mut whole) = (String::new(), String::new());
        push_page(&mut page, &actions);
        actions.iter().for_each(|action| push_whole(&mut whole, word(action.verb), &action.what));
        for text in [&page, &whole] {
            assert!(text.lines().all(|line| line.chars().count() < 220), "{text}");
        }
        assert_eq!(page.lines().count(), 3);
        assert!(page.starts_with("   ask    4 statements in one read-only transaction, sha256 "), "{page}");
        assert!(page.contains("… (+"), "{page}");
        // Nothing but blanks is lost when a statement is wrapped.
        let letters = |text: &str| text.replace([' ', '\n'], "");
        assert!(letters(&whole).contains(&letters(&query)));
        assert!(letters(&whole).contains(&blank));
    }
}
