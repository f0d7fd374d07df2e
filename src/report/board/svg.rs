//! The board as a picture: columns by what requires what, a box for each case. Made by hand, so that
//! the same board gives the same bytes; all text escaped; colours that are readable on light and on
//! dark ground, and never without the word that says the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::text;
use crate::judge::{Board, Standing, State};

use super::super::clean;

const BOX: (usize, usize) = (230, 78);
const GAP: (usize, usize) = (80, 26);
const MARGIN: usize = 16;
/// Characters that fit in a box.
const FITS: usize = 30;

const STYLE: &str = "\
.t{font:600 14px system-ui,sans-serif;fill:#1f2328}.s{font:12px system-ui,sans-serif;fill:#59636e}\
.b{fill:#ffffff;stroke-width:2}.a{fill:none;stroke:#59636e;stroke-width:1.5}.w{stroke-dasharray:5 4}.h{fill:#59636e}\
.good{stroke:#1a7f37}.doubt{stroke:#9a6700}.bad{stroke:#cf222e}\
@media (prefers-color-scheme:dark){.t{fill:#f0f6fc}.s{fill:#9198a1}.b{fill:#151b23}.a{stroke:#9198a1}.h{fill:#9198a1}\
.good{stroke:#3fb950}.doubt{stroke:#d29922}.bad{stroke:#f85149}}";

/// What stands in one box.
struct Drawn<'a> {
    name: &'a str,
    title: &'a str,
    state: &'static str,
    note: String,
    class: &'static str,
    requires: &'a [String],
    blocked_by: &'a [String],
}

/// The picture.
#[must_use]
pub fn svg(board: &Board) -> String {
    let boxes = boxes(board);
    let places = places(&boxes);
    let most = |pick: fn(&(usize, usize)) -> usize| places.values().map(pick).max().unwrap_or(0);
    // Room at the right and below for arrows that go back, or around a box.
    let width = MARGIN * 2 + most(|p| p.0) + BOX.0 + GAP.0 / 2;
    let height = MARGIN * 2 + most(|p| p.1) + BOX.1 + GAP.1;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>Where the cases stand</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"h\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"h\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
    );
    for drawn in &boxes {
        for required in drawn.requires {
            push_arrow(
                &mut out,
                places.get(required.as_str()),
                places.get(drawn.name),
                drawn.blocked_by.contains(required),
            );
        }
    }
    for drawn in &boxes {
        push_box(&mut out, drawn, places.get(drawn.name).copied().unwrap_or_default());
    }
    out.push_str("</svg>\n");
    out
}

fn boxes(board: &Board) -> Vec<Drawn<'_>> {
    let case = |standing: &'_ Standing| {
        let age = super::age(standing).map_or_else(|| "no run".to_owned(), |age| format!("run {age} ago"));
        match standing.because.first() {
            Some(why) if !standing.state.is_closed() => format!("{age}; {why}"),
            _ => age,
        }
    };
    let cases = board.cases.iter().map(|standing| Drawn {
        name: &standing.subject.case,
        title: &standing.subject.title,
        state: standing.state.word(),
        note: case(standing),
        class: class(standing.state),
        requires: &standing.subject.requires,
        blocked_by: &standing.blocked_by,
    });
    let missing = board.missing.iter().map(|name| Drawn {
        name,
        title: "",
        state: "not there",
        note: "required by another case".to_owned(),
        class: "bad",
        requires: &[],
        blocked_by: &[],
    });
    cases.chain(missing).collect()
}

fn class(state: State) -> &'static str {
    match state {
        State::Closed | State::ClosedWithNotes | State::ReadyToClose => "good",
        State::HardStop | State::Broken | State::Invalid => "bad",
        State::NoRun | State::Unsealed | State::Open | State::Stale => "doubt",
    }
}

/// Upper left corners: a case stands one column to the right of all that it requires. In a circle
/// that would never end, so a column is raised at most once for each case.
fn places<'a>(boxes: &[Drawn<'a>]) -> BTreeMap<&'a str, (usize, usize)> {
    let mut columns: BTreeMap<&str, usize> = boxes.iter().map(|drawn| (drawn.name, 0)).collect();
    for _ in 0..boxes.len().min(24) {
        for drawn in boxes {
            let behind = drawn.requires.iter().filter_map(|name| columns.get(name.as_str())).map(|c| c + 1).max();
            let column = behind.unwrap_or(0).min(boxes.len().min(24));
            columns.insert(drawn.name, column);
        }
    }
    // Circles push themselves to the right: close up the columns that nobody stands in.
    let mut used: Vec<usize> = columns.values().copied().collect();
    used.sort_unstable();
    used.dedup();
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    let place = |drawn: &Drawn<'a>| {
        let column = used.iter().position(|c| Some(c) == columns.get(drawn.name)).unwrap_or(0);
        let row = rows.entry(column).or_default();
        *row += 1;
        (drawn.name, (column * (BOX.0 + GAP.0), (*row - 1) * (BOX.1 + GAP.1)))
    };
    boxes.iter().map(place).collect()
}

fn push_arrow(out: &mut String, from: Option<&(usize, usize)>, to: Option<&(usize, usize)>, waits: bool) {
    let (Some(from), Some(to)) = (from, to) else { return };
    let middle = |place: &(usize, usize)| MARGIN + place.1 + BOX.1 / 2;
    let (x1, y1, y2) = (MARGIN + from.0 + BOX.0, middle(from), middle(to));
    let columns = to.0.saturating_sub(from.0) / (BOX.0 + GAP.0);
    // Where the arrow ends, how far it reaches at both ends, and how far it hangs: not through the
    // boxes of the columns in between.
    let back = columns == 0;
    let x2 = MARGIN + to.0 + if back { BOX.0 } else { 0 };
    let reach = if columns > 1 { (x2 - x1) / 3 } else { GAP.0 / 2 };
    let hang = if columns > 1 { BOX.1 * 5 / 6 } else { 0 };
    let (b1, b2) = (x1 + reach, if back { x2 + reach } else { x2 - reach });
    let class = if waits { "a w" } else { "a" };
    let _ = writeln!(
        out,
        "<path class=\"{class}\" marker-end=\"url(#h)\" d=\"M{x1} {y1}C{b1} {} {b2} {} {x2} {y2}\"/>",
        y1 + hang,
        y2 + hang
    );
}

fn push_box(out: &mut String, drawn: &Drawn<'_>, (x, y): (usize, usize)) {
    let (x, y) = (MARGIN + x, MARGIN + y);
    let whole = format!("{}: {}. {} {}", drawn.name, drawn.state, drawn.title, drawn.note);
    let dashed = if drawn.class == "bad" { " w" } else { "" };
    let _ = writeln!(out, "<g><title>{}</title>", escape(&whole));
    let _ = writeln!(
        out,
        "<rect class=\"b {}{dashed}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
        drawn.class, BOX.0, BOX.1
    );
    let lines = [
        ("t", 24, format!("{}: {}", drawn.name, drawn.state)),
        ("s", 44, drawn.title.to_owned()),
        ("s", 64, drawn.note.clone()),
    ];
    for (class, down, words) in lines {
        let _ = writeln!(
            out,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
            x + 12,
            y + down,
            escape(&short(&words))
        );
    }
    out.push_str("</g>\n");
}

fn short(words: &str) -> String {
    match words.char_indices().nth(FITS) {
        Some((end, _)) => format!("{}…", words[..end].trim_end()),
        None => words.to_owned(),
    }
}

fn escape(words: &str) -> String {
    text::xml(&clean(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Own, Subject};

    fn subject(case: &str, requires: &[&str], title: &str) -> Subject {
        let requires = requires.iter().map(|name| (*name).to_owned()).collect();
        Subject {
            case: case.into(),
            title: title.into(),
            requires,
            run: None,
            age_seconds: Some(90_000.0),
            own: Own::NoRun,
        }
    }

    #[test]
    fn titles_open_no_tag_and_the_same_board_gives_the_same_bytes() {
        let made = || {
            let hostile = "</text><script>alert(1)</script>&amp;\u{1b}";
            crate::judge::board(vec![
                subject("b", &["a", "gone"], hostile),
                subject("a", &[], ""),
                subject("c", &["c"], ""),
            ])
        };
        let text = svg(&made());
        assert_eq!(text, svg(&made()));
        assert!(!text.contains("<script") && !text.contains('\u{1b}') && text.contains("&lt;script&gt;"));
        assert!(text.contains("prefers-color-scheme:dark") && text.contains("not there") && text.contains("1d 1h ago"));
        assert_eq!(text.matches("<rect").count(), 4);
    }
}
