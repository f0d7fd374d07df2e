//! A plan as a list to be read and authorised: every read, question and program, in order, whole.

use crate::base::quantity;
use crate::base::text::{self, plural};
use crate::model::plan::{Plan, PlannedAction, PlannedStep, Verb};

use super::clean;
use super::style::{Paint, Style};

/// The plan step by step, and last its SHA-256. Paths, commands and queries are never wrapped:
/// what is authorised is what stands there.
#[must_use]
pub fn plan(plan: &Plan, sha256: &str, style: &Style) -> String {
    let mut out = format!(
        "case {}, policy {} ({})\n",
        clean(&plan.case),
        clean(&plan.policy),
        plan.policy_sha256.get(..12).unwrap_or(&plan.policy_sha256)
    );
    for (number, step) in plan.steps.iter().enumerate() {
        push_step(&mut out, number + 1, step, style);
    }
    if let Some(action) = &plan.action {
        push_governed(&mut out, action, style);
    }
    for (number, step) in plan.after.iter().enumerate() {
        push_step(&mut out, plan.steps.len() + number + 1, step, style);
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
    out.push_str(&format!("plan sha256 {sha256}\n"));
    out
}

fn push_step(out: &mut String, number: usize, step: &PlannedStep, style: &Style) {
    let target = step.target.as_ref().map_or_else(String::new, |target| format!(" on {}", clean(target)));
    let title = format!("{number}. {}", clean(&step.id));
    out.push_str(&format!("\n{}  {}{target}\n", style.paint(&title, Paint::Strong), clean(&step.uses)));
    for action in &step.actions {
        push_action(out, word(action.verb), &action.what);
    }
    if step.actions.is_empty() {
        out.push_str("   reads nothing\n");
    }
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
