//! Figures that a narrative types instead of citing. A number that comes from no fact may be right; that
//! it is not cited is said beneath the narrative and by `evidence render`, with its line.

use std::sync::LazyLock;

use regex::Regex;

use super::narrative;

/// A figure as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The line of the narrative, from 1.
    pub line: usize,
    /// The figure with its unit.
    pub figure: String,
}

/// A number that stands by itself, with its unit; `V4-2`, `G6` and `sha256` are names.
static FIGURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let unit = r"%|[KMGT]i?B|bytes?|ms|s|sec|seconds?|min|minutes?|m|h|hours?|d|days?|rows?|tables?|files?|lines?";
    Regex::new(&format!(
        r"(?:^|[^\w./#:-])(?P<figure>[+-]?[0-9](?:[0-9.,:/TZ+-]*[0-9Z])?(?: ?(?:{unit})\b|%)?)(?:[^\w-]|$)"
    ))
    .ok()
});

/// The figures that `source` types outside of expressions, in order.
pub(super) fn figures(source: &str) -> Vec<Typed> {
    let (Some(regex), Ok(plain)) = (FIGURE.as_ref(), narrative::without_expressions(source)) else { return Vec::new() };
    let mut found = Vec::new();
    for (index, line) in plain.lines().enumerate() {
        let line = without_marker(line);
        let mut at = 0;
        while let Some(figure) = regex.captures_at(line, at).and_then(|captures| captures.name("figure")) {
            found.push(Typed { line: index + 1, figure: figure.as_str().to_owned() });
            at = figure.end();
        }
    }
    found
}

/// `line` without the number that makes it an item of a list.
fn without_marker(line: &str) -> &str {
    let trimmed = line.trim_start_matches([' ', '>']);
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let marker = digits > 0 && trimmed[digits..].starts_with(['.', ')']) && trimmed[digits + 1..].starts_with(' ');
    if marker { &trimmed[digits + 2..] } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_figures_are_found_with_their_lines_and_cited_ones_are_not() {
        let source = "The file has {{ fact(\"a.size_bytes\") }}.\n\n1. It took 0m 45s, or 45 seconds.\n2. See V4-2, G6 and sha256.\n3. About 223 MB (20%), at 03:00:46 on 2026-05-15.\n";
        let found: Vec<_> = figures(source).into_iter().map(|typed| (typed.line, typed.figure)).collect();
        let wanted = [(3, "45s"), (3, "45 seconds"), (5, "223 MB"), (5, "20%"), (5, "03:00:46"), (5, "2026-05-15")];
        assert_eq!(found.iter().filter(|(_, f)| f != "0m").map(|(l, f)| (*l, f.as_str())).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn words_and_expressions_over_lines_hold_no_figures() {
        assert!(figures("no figures here; {{ fact(\"x.y\")\n | bytes }} and PostgreSQL-15, step one").is_empty());
    }
}
