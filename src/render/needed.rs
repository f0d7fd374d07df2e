//! Which files a record needs, told from the templates' text: the collector seals them all, so
//! that rendering never asks the disk. Names are literal, or the answer could not be known.

use std::collections::BTreeMap;

use super::engine;
use super::error::RenderError;
use super::{bounds, escape, narrative, origin, typed};
use crate::base::text;

/// The file of the template that a case names: `incident` is `incident.md.j2`.
pub(super) fn file_name(template: &str) -> String {
    if template.ends_with(".j2") { template.to_owned() } else { format!("{template}.md.j2") }
}

/// The template that a case names and every partial that it includes, imports or extends, by file
/// name; `load` gives the text of a file name. Syntax is checked on the way.
///
/// # Errors
/// When a file is missing, does not compile, or asks for another by a computed name.
pub fn needed(template: &str, load: &dyn Fn(&str) -> Option<String>) -> Result<BTreeMap<String, String>, RenderError> {
    let mut found = BTreeMap::new();
    let mut used = Vec::new();
    let mut open = vec![(file_name(template), "case.yaml: template".to_owned())];
    while let Some((name, asked_by)) = open.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let source = load(&name).ok_or_else(|| RenderError::NoTemplate { asked_by, name: name.clone() })?;
        used.extend(engine::compile(&name, &source)?.into_iter().map(|used| (name.clone(), used)));
        refuse_typed_labels(&name, &source)?;
        for (line, tag) in tags(&source) {
            if let Some(other) = asked_for(&name, line, tag)? {
                open.push((other, format!("{name}:{line}")));
            }
        }
        found.insert(name, source);
    }
    if let Some(error) = used.iter().find_map(|(file, name)| unknown_name(&found, file, name)) {
        return Err(error);
    }
    check_own(&found)?;
    Ok(found)
}

/// Checks the templates among `files` that are not built in, before a run depends on them.
fn check_own(files: &BTreeMap<String, String>) -> Result<(), RenderError> {
    let ours = |name: &str| files.get(name).is_some_and(|source| origin::is_built_in(name, source));
    let mut own = files.iter().filter(|(name, _)| !ours(name)).peekable();
    if own.peek().is_none() {
        return Ok(());
    }
    bounds::check(files, &ours)?;
    own.try_for_each(|(name, source)| match types_outcome(source) {
        None => Ok(()),
        Some(line) => Err(RenderError::Template { file: name.clone(), line, message: typed::REFUSED.to_owned() }),
    })
}

/// The line on which `source` types what reads as an outcome.
fn types_outcome(source: &str) -> Option<usize> {
    let words = narrative::without_expressions(source).ok()?;
    let at = typed::first_outcome(&words, &[]).or_else(|| {
        let quoted = quoted(source);
        quoted.into_iter().find(|(_, text)| typed::reads_as_outcome(text)).map(|(at, _)| at)
    })?;
    Some(source.get(..at).map_or(1, |before| before.matches('\n').count() + 1))
}

/// The texts between quotes that `source` prints, with their places. Those of other tags are names.
fn quoted(source: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (start, _) in source.match_indices("{{") {
        let inside = source[start..].split("}}").next().unwrap_or_default();
        for quote in ['"', '\''] {
            let pieces = inside.split(quote).scan(start, |at, piece| {
                let here = *at;
                *at += piece.len() + 1;
                Some((here, piece))
            });
            found.extend(pieces.skip(1).step_by(2));
        }
    }
    found
}

/// The error about a name that nothing provides: neither the engine, nor a `set` or `import` of any
/// of the files. Found now, it does not cost a collection.
pub(super) fn unknown_name(files: &BTreeMap<String, String>, file: &str, name: &str) -> Option<RenderError> {
    let set = |tag: &str| tag.starts_with("set ") && words(tag).any(|word| word == name);
    if engine::NAMES.contains(&name) || files.values().any(|source| tags(source).iter().any(|(_, tag)| set(tag))) {
        return None;
    }
    let line = files.get(file)?.lines().position(|line| words(line).any(|word| word == name))?;
    let hint = text::did_you_mean(name, engine::NAMES);
    let message = format!("unknown name `{name}`{hint}; docs/templates.md lists what there is");
    Some(RenderError::Template { file: file.to_owned(), line: line + 1, message })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Labels are printed by the engine; a typed one would cite what was not looked up.
pub(super) fn refuse_typed_labels(file: &str, source: &str) -> Result<(), RenderError> {
    match source.lines().position(escape::has_label) {
        None => Ok(()),
        Some(index) => Err(RenderError::Template {
            file: file.to_owned(),
            line: index + 1,
            message: "a typed citation label; print a fact's value and its label comes with it".to_owned(),
        }),
    }
}

/// The inside of every `{% … %}`, with its line; comments are skipped.
pub(super) fn tags(source: &str) -> Vec<(usize, &str)> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(step) = source[at..].find("{%").map(|i| at + i) {
        if let Some(comment) = source[at..step].find("{#").map(|i| at + i) {
            let Some(end) = source[comment..].find("#}") else { break };
            at = comment + end + 2;
            continue;
        }
        let Some(length) = source[step..].find("%}") else { break };
        let line = source[..step].matches('\n').count() + 1;
        tags.push((line, source[step + 2..step + length].trim_matches(['-', '+']).trim()));
        at = step + length + 2;
    }
    tags
}

/// The file name that a tag asks for, if it is one that asks.
fn asked_for(file: &str, line: usize, tag: &str) -> Result<Option<String>, RenderError> {
    let Some((word, rest)) = tag.split_once(char::is_whitespace) else { return Ok(None) };
    if !asks(word) {
        return Ok(None);
    }
    let name = literal(rest.trim_start());
    let name = name.filter(|name| name.ends_with(".j2") && !name.contains(['/', '\\']));
    name.map(|name| Some(name.to_owned())).ok_or_else(|| RenderError::Template {
        file: file.to_owned(),
        line,
        message: format!("`{word}` needs a literal file name that ends with .j2, without folders"),
    })
}

/// Whether a tag that begins with `word` asks for another file.
pub(super) fn asks(word: &str) -> bool {
    matches!(word, "include" | "import" | "from" | "extends")
}

/// The text of a quoted literal that `text` begins with.
pub(super) fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let load = |name: &str| files.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned());
        let found = needed(files[0].0, &load).map_err(|e| e.to_string())?;
        Ok(found.into_keys().collect())
    }

    #[test]
    fn finds_partials_of_partials_once() {
        let a = "{% include '_b.md.j2' %}{#- {% include 'no.md.j2' %} -#}";
        let b = "{%- from \"_c.md.j2\" import x -%}{% include '_b.md.j2' %}";
        let found = needs(&[("a.md.j2", a), ("_b.md.j2", b), ("_c.md.j2", "{% macro x() %}{% endmacro %}")]);
        assert_eq!(found.unwrap(), ["_b.md.j2", "_c.md.j2", "a.md.j2"]);
    }

    #[test]
    fn errors_name_file_and_line() {
        assert_eq!(
            needs(&[("a.md.j2", "\n{% include '_b.md.j2' %}")]).unwrap_err(),
            "a.md.j2:2: no template `_b.md.j2`; put it under templates/, or correct the name"
        );
        assert!(needs(&[("a.md.j2", "\n\n{% include x %}")]).unwrap_err().starts_with("a.md.j2:3: `include` needs"));
        assert!(needs(&[("a.md.j2", "{% include '../x.j2' %}")]).unwrap_err().contains("without folders"));
        assert!(needs(&[("a.md.j2", "\n{{ x")]).unwrap_err().starts_with("a.md.j2:2: syntax error"));
        let unknown = needs(&[("a.md.j2", "{% set x = 1 %}\n{{ facs_using(x) }}")]).unwrap_err();
        assert!(unknown.starts_with("a.md.j2:2: unknown name `facs_using` (did you mean `facts_using`?)"));
        assert!(needs(&[("a.md.j2", "see [F1]")]).unwrap_err().contains("typed citation label"));
    }
}
