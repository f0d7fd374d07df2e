//! Markdown built by Rust: the only thing that reaches a record unescaped. Every block stands
//! between blank lines, so that nothing before or after can become part of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, Value as Jinja};

use super::cite::{Cited, FactObject, Seen, applicable, demand, look, unknown};
use super::error::complain;
use super::escape;
use super::ledger::Ledger;
use super::typed;
use crate::base::digest::Digest;
use crate::model::value::Value;

/// Longer log lines are cut in excerpts, and say so.
const LINE_LIMIT: usize = 2000;
/// So many rows that are absent for the same reason are said once.
const SAME_ABSENCES: usize = 3;
/// A longer line of a block is left out.
const LONGEST: usize = 16 << 10;

/// Finished Markdown.
#[derive(Debug)]
pub(super) struct Block(pub(super) String);

impl Object for Block {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As text it would be escaped: harmless, and visibly wrong.
        f.write_str(&self.0)
    }
}

/// `markdown` for a template to print.
pub(super) fn block(markdown: String) -> Jinja {
    Jinja::from_object(Block(markdown))
}

/// A paragraph of its own.
pub(super) fn paragraph(markdown: &str) -> String {
    format!("\n\n{markdown}\n\n")
}

/// `facts_block([[key, cited], …])`: a fenced YAML block; rows whose value is none are left out.
pub(super) fn facts_block(ledger: &Ledger, rows: &Jinja) -> Result<String, Error> {
    let mut kept = Vec::new();
    let mut keys = BTreeSet::new();
    for row in rows.try_iter()? {
        let cells: Vec<_> = row.try_iter()?.collect();
        let [key, value] = &cells[..] else {
            return Err(complain("each row of `facts_block` is [key, value]"));
        };
        let key = key.as_str().ok_or_else(|| complain("a key of `facts_block` is text"))?;
        if value.is_none() {
            continue;
        }
        let cited = value.downcast_object_ref::<Cited>();
        let cited = cited.ok_or_else(|| complain(format!("`{key}` in `facts_block` is no fact's value")))?;
        ledger.spend(key.len())?;
        if !ledger.has_room(cited.fact) {
            continue;
        }
        if !keys.insert(key.to_owned()) {
            return Err(complain(format!("`{key}` stands twice in one `facts_block`")));
        }
        kept.push((key.to_owned(), cited.clone()));
    }
    let fence = yaml_fence(ledger, &kept);
    // What a key says must not read as an outcome; then the template's keys are checked like its words.
    let innocent = !keys.iter().any(|key| typed::reads_as_outcome(key));
    Ok(if innocent { ledger.printed(fence) } else { fence })
}

/// The fence of `rows`. Where several rows are absent for one and the same reason, it is said once,
/// in a comment with their names.
fn yaml_fence(ledger: &Ledger, rows: &[(String, Cited)]) -> String {
    let mut same: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (key, cited) in rows {
        if let Seen::Absent(absence) = &cited.seen {
            same.entry((absence.reason.word(), absence.message.as_str())).or_default().push(key);
        }
    }
    same.retain(|_, keys| keys.len() >= SAME_ABSENCES);
    let grouped: BTreeSet<&str> = same.values().flatten().copied().collect();
    let single = rows.iter().filter(|(key, _)| !grouped.contains(key.as_str()));
    let mut lines: Vec<String> = single.flat_map(|(key, cited)| cited.yaml(key)).collect();
    for keys in same.values() {
        lines.extend(rows.iter().find(|(key, _)| key == keys[0]).map(|(_, cited)| cited.yaml_comment(keys)));
    }
    if let Some((_, cited)) = rows.first() {
        cut(ledger, cited.fact, &mut lines, "# ");
    }
    if lines.is_empty() { String::new() } else { escape::fence("yaml", &lines) }
}

/// Cuts the lines of a block of the fact `index` to the bound of a block, and says so in its last line.
fn cut(ledger: &Ledger, index: usize, lines: &mut Vec<String>, lead: &str) {
    let most = ledger.mode().block();
    if most == usize::MAX {
        return;
    }
    let (has, mut long) = (lines.len(), 0);
    lines.truncate(most);
    lines.retain(|line| {
        let fits = line.len() <= LONGEST;
        long += usize::from(!fits);
        fits
    });
    let left = has - lines.len();
    if left > 0 {
        ledger.leave_out(index);
        let long = if long > 0 { format!(", {long} of them longer than {LONGEST} bytes") } else { String::new() };
        lines.push(format!("{lead}{} more{long}; all are in facts.jsonl", count_lines(left)));
    }
}

/// `values_block(fact, omit)`: everything that a fact holds, as a fenced YAML block, except the
/// paths that the template shows otherwise.
pub(super) fn values_block(object: &FactObject, omit: &[String]) -> String {
    let fact = object.ledger.fact(object.fact);
    let mut names: Vec<&String> = fact.values.keys().chain(fact.missing.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let known = |cited: &Cited| matches!(cited.seen, Seen::Known(_));
    let omitted = |name: &str| omit.iter().any(|o| is_at_or_below(name, o));
    let cited =
        names.iter().filter_map(|name| Some(((*name).clone(), applicable(look(&object.ledger, object.fact, name))?)));
    // What the template shows otherwise is left out only when there is something to show.
    let kept: Vec<_> = cited.filter(|(name, cited)| !(omitted(name) && (known(cited) || name.contains('.')))).collect();
    yaml_fence(&object.ledger, &kept)
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `excerpt(cited list)`: log lines with their numbers, in a fence.
pub(super) fn excerpt(cited: &Cited) -> String {
    let label = cited.ledger.mark(cited.fact);
    let list = match &cited.seen {
        Seen::Absent(absence) => return paragraph(&format!("{} {label}", unknown(absence))),
        Seen::Known(Value::List(list)) if !list.is_empty() => list,
        Seen::Known(_) => return paragraph(&format!("No lines. {label}")),
    };
    let rows: Vec<_> = list.iter().map(numbered).collect();
    let width = rows.iter().map(|(n, _)| n.map_or(1, |n| n.to_string().len())).max().unwrap_or(1);
    let mut lines = Vec::with_capacity(rows.len());
    let mut last = None;
    for (number, text) in rows {
        if let (Some(before), Some(now)) = (last, number)
            && now != before + 1
        {
            lines.push(format!("{:>width$} |", "..."));
        }
        let shown = number.map_or_else(|| "?".to_owned(), |n| n.to_string());
        lines.push(format!("{shown:>width$} | {}", escape::line(&text, LINE_LIMIT)));
        last = number;
    }
    cut(&cited.ledger, cited.fact, &mut lines, "... ");
    let source = escape::inline(&cited.ledger.fact(cited.fact).source);
    format!("{}{}", paragraph(&format!("{source}, {} {label}", count_lines(list.len()))), escape::fence("text", &lines))
}

fn count_lines(count: usize) -> String {
    crate::base::text::plural(count, "line")
}

/// A line's number and text, from `{line, text}` or from bare text.
fn numbered(value: &Value) -> (Option<i64>, String) {
    match value {
        Value::Map(map) => {
            let text = map.get("text").map_or_else(String::new, Value::to_string);
            (map.get("line").and_then(Value::as_int), text)
        }
        other => (None, other.to_string()),
    }
}

/// `how(fact)`: the exact reads, commands and queries, in a fence.
pub(super) fn how(object: &FactObject) -> String {
    steps(object, &|_| true)
}

/// `asked(fact)`: the same without what every session of a database sends around its question: its
/// client, its begin and end, its settings and time limits, where it connected to, and the two looks at
/// itself, whose answers are in `session`.
pub(super) fn asked(object: &FactObject) -> String {
    const FRAME: [&str; 6] = [
        "BEGIN",
        "SET LOCAL ",
        "ROLLBACK",
        "SELECT set_config(name, CASE name WHEN 'transaction_timeout' THEN ",
        "SELECT json_build_object('version', :'VERSION', 'host', :'HOST', ",
        "SELECT json_build_object('read_only',",
    ];
    steps(object, &|step| !is_client(step) && !FRAME.iter().any(|start| step.starts_with(start)))
}

/// Whether a step starts the client of PostgreSQL here, by its name or by its path.
fn is_client(step: &str) -> bool {
    step.split_once(' ').is_some_and(|(program, _)| program == "psql" || program.ends_with("/psql"))
}

/// A step as it is printed: of a long statement its beginning, its length and its digest, which the plan
/// and the fact hold too. Nobody reads a catalogue query of 16 kB in a record.
fn told<'a>(ledger: &Ledger, step: &'a str) -> Cow<'a, str> {
    const LONG: usize = 2000;
    const SHOWN: usize = 200;
    if step.len() <= LONG || ledger.mode().block() == usize::MAX {
        return Cow::Borrowed(step);
    }
    let end = (0..=SHOWN).rev().find(|at| step.is_char_boundary(*at)).unwrap_or(0);
    let digest = Digest::of(step.as_bytes()).to_string();
    Cow::Owned(format!("{} … ({} bytes, sha256 {digest})", &step[..end], step.len()))
}

fn steps(object: &FactObject, wanted: &dyn Fn(&str) -> bool) -> String {
    let fact = object.ledger.fact(object.fact);
    let label = object.ledger.label(object.fact);
    if fact.how.is_empty() {
        return paragraph(&format!("How: not recorded {label}"));
    }
    let mut lines = Vec::new();
    for step in fact.how.iter().filter(|step| wanted(step)) {
        for (index, part) in parts(step).enumerate() {
            let lead = if index == 0 { "- " } else { "    " };
            lines.push(format!("{lead}{}", escape::line(&told(&object.ledger, part), usize::MAX)));
        }
    }
    cut(&object.ledger, object.fact, &mut lines, "... ");
    if lines.is_empty() {
        return String::new();
    }
    format!("{}{}", paragraph(&format!("Read, asked or run, in order {label}:")), escape::fence("text", &lines))
}

/// `lines(cited text)`: a text of several lines, such as a query, as it stands, in a fence.
pub(super) fn lines(cited: &Cited) -> String {
    let label = cited.ledger.mark(cited.fact);
    let text = match &cited.seen {
        Seen::Absent(absence) => return paragraph(&format!("{} {label}", unknown(absence))),
        // Statements and names of a list stand on a line each.
        Seen::Known(Value::List(list)) => list.iter().map(|entry| format!("{entry}\n")).collect(),
        Seen::Known(value) => value.to_string(),
    };
    let mut shown: Vec<_> = parts(&text).map(|part| format!("  {}", escape::line(part, usize::MAX))).collect();
    cut(&cited.ledger, cited.fact, &mut shown, "... ");
    format!("{}{}", escape::fence("text", &shown), paragraph(&label))
}

/// The lines of `text`, at least one.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.lines().chain(text.is_empty().then_some("(empty)"))
}

/// `commands([text, …])`: commands to read, never run by this program. No prompt stands before
/// them: some are SQL, and all are copied from here.
pub(super) fn commands(commands: &[String]) -> String {
    let parts = commands.iter().flat_map(|command| parts(command));
    let lines: Vec<_> = parts.map(|part| escape::line(part, usize::MAX)).collect();
    if lines.is_empty() { String::new() } else { escape::fence("text", &lines) }
}

/// The cited value that a template hands to a block: a value, or a reference as text.
pub(super) fn resolve(ledger: &Arc<Ledger>, argument: &Jinja, block: &str) -> Result<Cited, Error> {
    if let Some(cited) = argument.downcast_object_ref::<Cited>() {
        return Ok(cited.clone());
    }
    let wrong = || complain(format!("`{block}` needs a fact's value or a reference such as \"log.excerpt\""));
    let reference = argument.as_str().ok_or_else(wrong)?;
    let (id, path) = crate::model::fact::split_reference(reference);
    demand(ledger, ledger.demand(id)?, path)
}
