//! Aligned columns: as wide as their content where the screen allows it, wrapped where it does not.
//! Nothing is cut off: what does not fit goes on in the next line.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::clean;
use super::style::{Paint, Style};

/// Columns between columns.
const GAP: usize = 2;
/// No column is squeezed below this.
const NARROWEST: usize = 8;
/// A longer word is no word but a path or a digest, and may be broken.
const LONG_WORD: usize = 18;

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A cell with `text`, made harmless.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: clean(text), paint: Paint::Plain }
    }

    /// The same, painted.
    #[must_use]
    pub fn painted(text: &str, paint: Paint) -> Self {
        Self { text: clean(text), paint }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

/// `rows` under `header` in aligned columns, each line ended by a line feed. Without rows there is
/// no header either; an empty header is left out.
#[must_use]
pub fn table(header: &[&str], rows: &[Vec<Cell>], style: &Style) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: Vec<Cell> = header.iter().map(|name| Cell::painted(name, Paint::Strong)).collect();
    let widths = widths(&head, rows, style.width);
    let mut out = String::new();
    if !header.is_empty() {
        push_row(&mut out, &head, &widths, style);
        let rule: Vec<Cell> = widths.iter().map(|w| Cell { text: "-".repeat(*w), paint: Paint::Faint }).collect();
        push_row(&mut out, &rule, &widths, style);
    }
    rows.iter().for_each(|row| push_row(&mut out, row, &widths, style));
    out
}

/// The columns' natural widths, the widest ones squeezed until all fit in `total`; words are only
/// broken when there is no other way.
fn widths(head: &[Cell], rows: &[Vec<Cell>], total: usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(head.len());
    let all = || rows.iter().map(Vec::as_slice).chain([head]);
    let most = |i: usize, width: &dyn Fn(&str) -> usize| {
        all().filter_map(|row| row.get(i)).map(|cell| width(&cell.text)).max().unwrap_or(0)
    };
    let longest_word = |text: &str| text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(|i| most(i, &|text| text.width())).collect();
    let words: Vec<usize> = (0..columns).map(|i| most(i, &longest_word).clamp(NARROWEST, LONG_WORD)).collect();
    let room = total.saturating_sub(GAP * columns.saturating_sub(1));
    squeeze(&mut widths, &words, room);
    squeeze(&mut widths, &vec![NARROWEST; columns], room);
    widths
}

/// Narrows the widest column again and again until all fit in `room` or none may go below `floors`.
fn squeeze(widths: &mut [usize], floors: &[usize], room: usize) {
    for _ in room..widths.iter().sum() {
        let widest = widths.iter_mut().zip(floors).filter(|(width, floor)| **width > **floor).max_by_key(|(w, _)| **w);
        let Some((width, _)) = widest else { return };
        *width -= 1;
    }
}

fn push_row(out: &mut String, row: &[Cell], widths: &[usize], style: &Style) {
    let wrapped: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrap(&cell.text, *width)).collect();
    for line in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
        let mut printed = String::new();
        let mut pending = 0;
        for ((cell, lines), width) in row.iter().zip(&wrapped).zip(widths) {
            let part = lines.get(line).map_or("", String::as_str);
            if !part.is_empty() {
                printed.push_str(&" ".repeat(pending));
                printed.push_str(&style.paint(part, cell.paint));
                pending = 0;
            }
            pending += width - part.width().min(*width) + GAP;
        }
        out.push_str(&printed);
        out.push('\n');
    }
}

/// `text` in lines of at most `width` columns, broken between words where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for (index, word) in text.split(' ').enumerate() {
        if used > 0 && used + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if index > 0 && (used > 0 || lines.is_empty()) {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > width && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(width: usize) -> Style {
        Style { colour: false, width }
    }

    #[test]
    fn columns_are_aligned_by_what_the_screen_shows() {
        let rows = vec![vec!["日本".into(), "b".into()], vec!["a".into(), "long".into()]];
        assert_eq!(table(&["x", "y"], &rows, &style(40)), "x     y\n----  ----\n日本  b\na     long\n");
    }

    #[test]
    fn long_cells_are_wrapped_and_nothing_is_lost() {
        let rows = vec![vec!["id".into(), Cell::new("one two three four five six"), "end".into()]];
        let text = table(&[], &rows, &style(22));
        assert!(text.lines().all(|line| line.width() <= 22), "{text}");
        assert_eq!(text, "id  one two three  end\n    four five six\n");
        assert_eq!(wrap(&"x".repeat(25), 10), ["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
    }

    #[test]
    fn outside_text_can_neither_escape_nor_break_the_table() {
        let rows = vec![vec![Cell::new("a\u{1b}[2J\nb"), Cell::new(&format!("password={}", "hunter2x"))]];
        assert_eq!(table(&[], &rows, &style(80)), "a\\x1b[2J\\nb  password=***assigned-secret***\n");
    }

    #[test]
    fn colour_changes_no_width() {
        let rows = vec![vec![Cell::painted("PASS", Paint::Good), "x".into()]];
        let text = table(&[], &rows, &Style { colour: true, width: 80 });
        assert_eq!(text, "\u{1b}[32mPASS\u{1b}[0m  x\n");
    }
}
