//! The last look: the finished record is read back as Markdown, and is refused when it holds what
//! no record may hold. The escaping makes this impossible; this proves it, each time.

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::base::text;

/// What a record may not hold, and the line of the record, from 1.
pub(super) fn fault(record: &str) -> Option<(usize, &'static str)> {
    let line = |at: usize| record[..at].matches('\n').count() + 1;
    if let Some((at, _)) = record.char_indices().find(|(_, c)| *c != '\n' && text::is_unsafe(*c)) {
        return Some((line(at), "a control or invisible character"));
    }
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let parser = Parser::new_ext(record, options);
    if let Some((_, definition)) = parser.reference_definitions().iter().next() {
        return Some((line(definition.span.start), "a link definition"));
    }
    parser.into_offset_iter().find_map(|(event, range)| {
        // The line is counted only once something is refused: a record has thousands of events.
        let what = refused(&event)?;
        Some((line(range.start), what))
    })
}

fn refused(event: &Event<'_>) -> Option<&'static str> {
    match event {
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => Some("raw HTML"),
        Event::Start(Tag::Link { .. }) => Some("a link"),
        Event::Start(Tag::Image { .. }) => Some("an image"),
        Event::FootnoteReference(_) | Event::Start(Tag::FootnoteDefinition(_)) => Some("a footnote"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_no_record_may_hold() {
        assert_eq!(fault("---\ntitle: x\n---\n\n# x\n\n- a [F1]\n"), None);
        assert_eq!(fault("a\n\n<b>x</b>"), Some((3, "raw HTML")));
        assert_eq!(fault("[a](b)"), Some((1, "a link")));
        assert_eq!(fault("a\n\n[F1]: x"), Some((3, "a link definition")));
        assert_eq!(fault("a\u{1b}b"), Some((1, "a control or invisible character")));
    }
}
