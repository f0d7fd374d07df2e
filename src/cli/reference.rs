//! The reference: one entry a name, made from the same data that the program runs on. `explain`
//! prints entries, `docs/` keeps the chapters, and a test compares the two.

use std::fmt::Write as _;

use crate::base::assets;
use crate::collect::{COLLECTORS, Doc, Setting};
use crate::govern;
use crate::judge::{OPERATORS, Operator};
use crate::model::policy::Policy;

use super::exit;

/// A chapter of the reference.
pub struct Chapter {
    /// Its name for `explain`, and its file in `docs/` without the ending.
    pub name: &'static str,
    /// The whole chapter, Markdown.
    pub text: fn() -> String,
}

/// Every chapter.
pub const CHAPTERS: &[Chapter] = &[
    Chapter { name: "collectors", text: collectors },
    Chapter { name: "operators", text: operators },
    Chapter { name: "exit-codes", text: exit_codes },
];

/// Everything that has an entry of its own, by kind.
fn kinds() -> [(&'static str, Vec<String>); 6] {
    let policies = assets::policies().into_iter().filter_map(|file| Some(file.strip_suffix(".yaml")?.to_owned()));
    let templates = assets::templates().into_iter().filter(|file| !file.starts_with('_'));
    let templates = templates.filter_map(|file| Some(file.strip_suffix(".md.j2")?.to_owned()));
    [
        ("chapters", CHAPTERS.iter().map(|chapter| chapter.name.to_owned()).collect()),
        ("collectors", COLLECTORS.iter().map(|collector| collector.doc().name.to_owned()).collect()),
        ("facts of an action", govern::DOCS.iter().map(|doc| doc.name.to_owned()).collect()),
        ("operators", OPERATORS.iter().map(|operator| operator.name.to_owned()).collect()),
        ("policies", policies.collect()),
        ("templates", templates.collect()),
    ]
}

/// All names for a person, a line for each kind.
#[must_use]
pub fn listing() -> String {
    kinds().iter().map(|(kind, names)| format!("\n  {kind}: {}", names.join(", "))).collect()
}

/// Everything that has an entry of its own, sorted.
#[must_use]
pub fn names() -> Vec<String> {
    let mut names: Vec<_> = kinds().into_iter().flat_map(|(_, names)| names).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The entry of `name`, Markdown.
#[must_use]
pub fn entry(name: &str) -> Option<String> {
    let chapter = || CHAPTERS.iter().find(|chapter| chapter.name == name).map(|chapter| (chapter.text)());
    let collector = || COLLECTORS.iter().map(|c| c.doc()).find(|doc| doc.name == name).map(collector);
    let governed = || govern::doc(name).map(self::collector);
    let operator = || OPERATORS.iter().find(|operator| operator.name == name).map(|found| operator(found));
    chapter().or_else(collector).or_else(governed).or_else(operator).or_else(|| exit_code(name)).or_else(|| files(name))
}

fn collectors() -> String {
    let mut text = String::from(
        "# Collectors\n\nA step of a case names one with `uses:` and sets it up under `with:`. All of them only read. \
         What could not be seen is an absence with its reason, never a default value.\n",
    );
    for entry in COLLECTORS {
        let _ = write!(text, "\n#{}", collector(entry.doc()));
    }
    text.push_str(
        "\n# Facts of an action\n\nA case with an `action:` has two facts of its own, which policies name like any \
         other. No step uses them.\n",
    );
    for doc in govern::DOCS {
        let _ = write!(text, "\n#{}", collector(doc));
    }
    text
}

fn collector(doc: &Doc) -> String {
    let mut text = format!("# {}\n\n{}\n\n{}\n", doc.name, doc.summary, doc.detail);
    if doc.needs_target {
        text.push_str("\nAsks a target: `on: TARGET` (or `target: TARGET`, the same key).\n");
    }
    if !doc.settings.is_empty() {
        text.push_str("\n| setting | type | meaning |\n|---|---|---|\n");
        doc.settings.iter().for_each(|s| text.push_str(&setting(s)));
    }
    text.push_str("\n| value | meaning |\n|---|---|\n");
    for (name, meaning) in doc.values {
        let _ = writeln!(text, "| `{name}` | {} |", cell(meaning));
    }
    let _ = write!(text, "\n```yaml\n{}\n```\n", doc.example.trim_end());
    text
}

fn setting(setting: &Setting) -> String {
    let required = if setting.required { ", required" } else { "" };
    format!("| `{}` | {}{required} | {} |\n", setting.name, cell(setting.kind), cell(setting.meaning))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn operators() -> String {
    let mut text = String::from(
        "# Operators\n\nA condition names a `fact` and exactly one operator, or combines conditions with `all`, `any`, \
         `not`. Outcomes are three-valued: an operator that does not fit what was seen is UNKNOWN, never PASS.\n",
    );
    for entry in OPERATORS {
        let _ = write!(text, "\n#{}", operator(entry));
    }
    text
}

fn operator(operator: &Operator) -> String {
    let Operator { name, doc, detail, example, .. } = operator;
    format!("# {name}\n\n{doc}\n\n{detail}\n\n```yaml\n{}\n```\n", example.trim_end())
}

fn exit_codes() -> String {
    let mut text = String::from("# Exit codes\n\n| code | name | meaning |\n|---|---|---|\n");
    for (code, name, meaning) in exit::TABLE {
        let _ = writeln!(text, "| {} | {name} | {meaning} |", *code as u8);
    }
    text.push_str("\nA closed pipe is not an error. The codes are frozen.\n\nA command that a signal interrupts says what was kept and ends by that signal: a shell shows 130 (Ctrl-C), 143 (SIGTERM) or 129 (SIGHUP).\n");
    text
}

fn exit_code(name: &str) -> Option<String> {
    let wanted: u8 = name.strip_prefix("exit-").unwrap_or(name).parse().ok()?;
    let (_, title, meaning) = exit::TABLE.iter().find(|(code, ..)| *code as u8 == wanted)?;
    Some(format!("# Exit code {wanted}: {title}\n\n{meaning}\n"))
}

/// A built-in policy or template shows its title and itself.
fn files(name: &str) -> Option<String> {
    let policy = assets::policy(&format!("{name}.yaml")).map(|text| {
        let title = crate::base::yaml::decode::<Policy>(name.as_ref(), text.as_bytes()).map(|p| p.title);
        format!("# Policy {name}\n\n{}\n\n```yaml\n{}\n```\n", title.unwrap_or_default(), text.trim_end())
    });
    let template = assets::template(&format!("{name}.md.j2"))
        .map(|text| format!("# Template {name}\n\n```jinja\n{}\n```\n", text.trim_end()));
    match (policy, template) {
        (Some(policy), Some(template)) => Some(format!("{policy}\n{template}")),
        (policy, template) => policy.or(template),
    }
}
