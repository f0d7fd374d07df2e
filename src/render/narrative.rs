//! The narrative: what the executor writes besides the facts. It is a template fragment that may
//! cite facts; in the record every line of it is quoted, so that it cannot pass for observed. Raw
//! HTML, links, large headings and typed labels are refused with their line.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

use super::error::RenderError;
use super::{bounds, engine, escape, needed, uncited};
use crate::base::text;
use crate::model::case::{Case, Step};
use crate::model::fact::split_reference;

/// The name that errors use.
pub(super) const NAME: &str = "narrative.md";

/// Checks a narrative before anything is collected: it is sealed with the facts, so a mistake found
/// later costs another collection. `known` answers whether a step's fact can have something at a
/// path, and says `true` where that cannot be said.
///
/// # Errors
/// The first thing that a narrative may not hold, or that it cites and the case does not collect.
pub fn check_narrative(source: &str, case: &Case, known: &dyn Fn(&Step, &str) -> bool) -> Result<(), RenderError> {
    check_source(source)?;
    // Both would print what is not the executor's: a heading of the record, and words of another seat.
    for (call, instead) in [("section", "write a heading with ###"), ("statements", "add a step `uses: statement`")] {
        if let Some(at) = call_of(source, call) {
            let message = format!("a narrative does not use `{call}(…)`; {instead}");
            return Err(refusal(source, at, message));
        }
    }
    let steps = case.facts();
    for (at, reference) in cited(source) {
        let (id, path) = split_reference(reference);
        let Some(step) = steps.iter().find(|step| step.id == id) else {
            let hint = text::did_you_mean(id, steps.iter().map(|step| step.id.as_str()));
            return Err(refusal(source, at, format!("no fact `{}` in this case{hint}", text::visible(id))));
        };
        if !path.is_empty() && !known(step, path) {
            let (path, uses) = (text::visible(path), &step.uses);
            let message = format!("fact `{id}` ({uses}) never shows `{path}`; see `evidence explain {uses}`");
            return Err(refusal(source, at, message));
        }
    }
    Ok(())
}

/// Where `source` names the function `name` inside of an expression, under this name.
fn call_of(source: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let plain = without_expressions(source).ok()?;
    source.match_indices(name).map(|(at, _)| at).find(|at| {
        let (before, after) = (&source[..*at], &source[at + name.len()..]);
        let whole = !before.ends_with(part) && !after.starts_with(part);
        // What is replaced in `plain` is inside of an expression.
        whole && plain.get(*at..at + name.len()) != Some(name)
    })
}

/// The literal references in `fact("…")`, with their places.
fn cited(source: &str) -> Vec<(usize, &str)> {
    let calls = source.match_indices("fact(").map(|(at, call)| (at, source[at + call.len()..].trim_start()));
    calls.filter_map(|(at, rest)| Some((at, needed::literal(rest)?))).collect()
}

fn refusal(source: &str, at: usize, message: String) -> RenderError {
    RenderError::Template { file: NAME.to_owned(), line: line_of(source, at), message }
}

/// Checks what can be told from the narrative alone.
///
/// # Errors
/// The first thing that a narrative may not hold, with its line.
pub(super) fn check_source(source: &str) -> Result<(), RenderError> {
    let refuse = |at: usize, message: &str| refusal(source, at, message.to_owned());
    let alone = BTreeMap::from([(NAME.to_owned(), source.to_owned())]);
    bounds::check(&alone, &|_| false)?;
    let names = engine::compile(NAME, source)?;
    if let Some(error) = names.iter().find_map(|name| needed::unknown_name(&alone, NAME, name)) {
        return Err(error);
    }
    if let Some((line, _)) = needed::tags(source).into_iter().find(|(_, tag)| needed::asks(first_word(tag))) {
        let message = "a narrative includes no other file".to_owned();
        return Err(RenderError::Template { file: NAME.to_owned(), line, message });
    }
    if let Some((at, _)) = source.char_indices().find(|(_, c)| text::is_unsafe(*c) && !matches!(c, '\n' | '\t' | '\r'))
    {
        return Err(refuse(at, "an invisible or control character"));
    }
    let plain = without_expressions(source).map_err(|at| refuse(at, "an expression that never ends"))?;
    let parser = Parser::new_ext(&plain, Options::ENABLE_TABLES);
    if let Some((_, definition)) = parser.reference_definitions().iter().next() {
        return Err(refuse(definition.span.start, "a link definition; a narrative has no links"));
    }
    let mut words = String::new();
    let mut began = 0;
    for (event, range) in parser.into_offset_iter() {
        if let Some(message) = refused(&event) {
            return Err(refuse(range.start, message));
        }
        match event {
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::TableCell | Tag::Item | Tag::CodeBlock(_)) => {
                words.clear();
                began = range.start;
            }
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            _ => {}
        }
        if escape::has_label(&words) {
            return Err(refuse(began, "a typed citation label; cite with {{ fact(\"id.path\") }}"));
        }
    }
    Ok(())
}

fn first_word(tag: &str) -> &str {
    tag.split_whitespace().next().unwrap_or(tag)
}

fn refused(event: &Event<'_>) -> Option<&'static str> {
    match event {
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => Some("raw HTML; write Markdown"),
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) => Some("a link or image; name the place in words"),
        Event::Start(Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. }) => {
            Some("a heading of level 1 or 2; those are the record's own, use ### or lower")
        }
        _ => None,
    }
}

fn line_of(source: &str, at: usize) -> usize {
    source.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

/// `source` with every template expression replaced by letters, and line ends kept, so that what
/// remains can be read as Markdown with the same places. Gives where an open one begins.
pub(super) fn without_expressions(source: &str) -> Result<String, usize> {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while let Some((begin, close)) = next_opening(&source[at..]) {
        let begin = at + begin;
        out.push_str(&source[at..begin]);
        let length = source[begin + 2..].find(close).ok_or(begin)? + 4;
        let filler = if close == "}}" { 'x' } else { ' ' };
        out.extend(source[begin..begin + length].bytes().map(|b| if b == b'\n' { '\n' } else { filler }));
        at = begin + length;
    }
    out.push_str(&source[at..]);
    Ok(out)
}

fn next_opening(text: &str) -> Option<(usize, &'static str)> {
    [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].iter().filter_map(|(o, c)| Some((text.find(o)?, *c))).min()
}

/// What is said beneath a narrative that types figures.
pub(super) fn beneath(source: &str) -> String {
    const MOST: usize = 40;
    let figures = uncited::figures(source);
    if figures.is_empty() {
        return String::new();
    }
    let shown =
        figures.iter().take(MOST).map(|typed| format!("{} (line {})", escape::inline(&typed.figure), typed.line));
    let mut out = shown.collect::<Vec<_>>().join(", ");
    if figures.len() > MOST {
        out.push_str(&format!(", and {} more", figures.len() - MOST));
    }
    format!("\n\nTyped in the narrative and cited from no fact: {out}.\n\n")
}

/// The rendered narrative, every line of it quoted.
pub(super) fn quote(rendered: &str, executor: Option<&str>) -> String {
    let who = executor.map_or_else(String::new, |name| format!(" ({})", escape::prose(name)));
    let mut out = format!("\n\nStatement of the executor{who}, quoted:\n\n");
    for line in rendered.trim_matches('\n').lines() {
        out.push_str("> ");
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: &str) -> String {
        check_source(source).unwrap_err().to_string()
    }

    #[test]
    fn ordinary_words_with_citations_are_accepted() {
        let source = "### What happened\n\nThe file has {{ fact(\"fresh.size_bytes\")|bytes }}.\n\n- `code`\n- *so*\n";
        check_source(source).unwrap();
    }

    #[test]
    fn what_could_pass_for_the_record_is_refused_with_its_line() {
        assert_eq!(message("a\n\n<b>x</b>\n"), "narrative.md:3: raw HTML; write Markdown");
        assert!(message("a\n\nsee [here](x)\n").starts_with("narrative.md:3: a link"));
        assert!(message("[F1]: http://x\n").contains("link definition"));
        assert!(message("# Title\n").contains("heading"));
        assert!(message("Title\n===\n").contains("heading"));
        assert!(message("a\n\nseen [F1] there\n").starts_with("narrative.md:3: a typed citation label"));
        assert!(message("seen \\[**F**1\\]\n").contains("typed citation label"));
        assert!(message("seen &#91;F1]\n").contains("typed citation label"));
        assert!(
            message("a\n{{ fct('x.y') }}").starts_with("narrative.md:2: unknown name `fct` (did you mean `fact`?)")
        );
        assert!(message("a\u{1b}[2J\n").contains("control character"));
        assert!(message("{{ fact(").starts_with("narrative.md:1: syntax error"));
    }

    #[test]
    fn what_the_case_does_not_collect_is_found_before_it_is_collected() {
        let case = "case: c\ntitle: t\ntemplate: t\npolicy: p\ncollect:\n  - { id: fresh, uses: backup }\n";
        let case: Case = crate::base::yaml::decode(std::path::Path::new("c"), case.as_bytes()).unwrap();
        let known = |_: &Step, path: &str| path == "quality";
        let check = |source: &str| check_narrative(source, &case, &known).map_err(|e| e.to_string());
        assert_eq!(check("a {{ fact('fresh.quality') }} {{ fact(\"fresh\") }}"), Ok(()));
        assert_eq!(check("the section and the statements of the owner"), Ok(()));
        for forged in
            ["{{ section('x') }}", "{% set s = statements %}{{ s([]) }}", "{{ statements ([{'seat': 'x'}]) }}"]
        {
            assert!(check(forged).unwrap_err().contains("a narrative does not use"), "{forged}");
        }
        let unknown = check("a\n{{ fact('frsh.quality') }}").unwrap_err();
        assert_eq!(unknown, "narrative.md:2: no fact `frsh` in this case (did you mean `fresh`?)");
        let unknown = check("{{ fact('fresh.qality') }}").unwrap_err();
        assert!(unknown.starts_with("narrative.md:1: fact `fresh` (backup) never shows `qality`"));
    }

    #[test]
    fn every_line_is_quoted() {
        assert_eq!(
            quote("\na\n\nb\n", Some("ops")),
            "\n\nStatement of the executor (ops), quoted:\n\n> a\n> \n> b\n\n"
        );
    }
}
