//! The timeline as a picture: one lane a source, one mark an event, in SVG that is the same bytes for
//! the same events. It holds no words of any line, only times, kinds, line numbers and the names of
//! the sources, so that masking has nothing to miss in it; shapes tell the kinds apart without colour.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::base::text::xml;

use super::event::Event;
use super::kind::Kind;

/// A source as the figure shows it.
pub struct Lane {
    /// The source's position.
    pub source: usize,
    /// Its short name.
    pub name: String,
}

const LEFT: i64 = 220;
const WIDE: i64 = 960;
const HIGH: i64 = 34;
const TOP: i64 = 46;

const STYLE: &str = ":root{color-scheme:light dark}\
.bg{fill:#fff}.ink{fill:#1f2328}.dim{fill:#59636e}.rule{stroke:#d1d9e0;stroke-width:1}\
.bad{fill:#c62828}.good{fill:#2e7d32}.begin{fill:#1565c0}.other{fill:#7b61a8}\
@media (prefers-color-scheme:dark){.bg{fill:#0d1117}.ink{fill:#e6edf3}.dim{fill:#9198a1}.rule{stroke:#3d444d}\
.bad{fill:#ff7b72}.good{fill:#56d364}.begin{fill:#79c0ff}.other{fill:#d2a8ff}}\
text{font:12px ui-monospace,monospace}";

/// The figure of `events`, which are in order; nothing when none of them has a place in time.
#[must_use]
pub fn figure(events: &[Event], lanes: &[Lane]) -> Option<Vec<u8>> {
    let placed = || events.iter().filter_map(|event| event.place);
    let (first, last) = (placed().min()?, placed().max()?);
    let height = TOP + HIGH * i64::try_from(lanes.len()).ok()? + 40;
    let width = LEFT + WIDE + 30;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"t d\">\n\
         <title id=\"t\">Timeline, {} to {} UTC</title>\n<desc id=\"d\">{} events in {} sources. Triangle: failure or failed \
         check. Circle: success. Square: start, end or step. Diamond: other. A hollow mark has no certain time.</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"bg\" width=\"{width}\" height=\"{height}\"/>\n",
        first.format("%Y-%m-%d %H:%M:%S"),
        last.format("%Y-%m-%d %H:%M:%S"),
        events.len(),
        lanes.len()
    );
    axis(&mut out, (first, last), height);
    for (row, lane) in lanes.iter().enumerate() {
        let y = TOP + HIGH * i64::try_from(row).ok()? + HIGH / 2;
        let _ = writeln!(out, "<line class=\"rule\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>", LEFT + WIDE);
        let _ = writeln!(out, "<text class=\"ink\" x=\"8\" y=\"{}\">{}</text>", y + 4, xml(&short(&lane.name)));
        for event in events.iter().filter(|event| event.source == lane.source) {
            if let Some(place) = event.place {
                mark(&mut out, event, &lane.name, (x(place, first, last), y));
            }
        }
    }
    out.push_str("</svg>\n");
    Some(out.into_bytes())
}

/// Where an instant stands, in whole units.
fn x(at: DateTime<Utc>, first: DateTime<Utc>, last: DateTime<Utc>) -> i64 {
    let whole = (last - first).num_milliseconds().max(1);
    let part = (at - first).num_milliseconds().clamp(0, whole);
    LEFT + i64::try_from(i128::from(part) * i128::from(WIDE) / i128::from(whole)).unwrap_or(0)
}

fn axis(out: &mut String, (first, last): (DateTime<Utc>, DateTime<Utc>), height: i64) {
    let day = first.date_naive() != last.date_naive();
    for tick in 0..=4 {
        let at = first + (last - first) * tick / 4;
        let here = x(at, first, last);
        let words = if day { at.format("%m-%d %H:%M").to_string() } else { at.format("%H:%M:%S").to_string() };
        let (top, foot) = (TOP - 8, height - 34);
        let _ = writeln!(out, "<line class=\"rule\" x1=\"{here}\" y1=\"{top}\" x2=\"{here}\" y2=\"{foot}\"/>");
        let _ =
            writeln!(out, "<text class=\"dim\" x=\"{here}\" y=\"{}\" text-anchor=\"middle\">{words}</text>", TOP - 16);
    }
    let _ = writeln!(out, "<text class=\"dim\" x=\"8\" y=\"{}\">UTC, {}</text>", TOP - 16, first.format("%Y-%m-%d"));
    let _ = writeln!(
        out,
        "<text class=\"dim\" x=\"{LEFT}\" y=\"{}\">▲ failure  ● success  ■ start, end, step  ◆ other</text>",
        height - 12
    );
}

fn mark(out: &mut String, event: &Event, lane: &str, (x, y): (i64, i64)) {
    let class = match event.kind() {
        Kind::CheckFailed | Kind::Failure => "bad",
        Kind::Success => "good",
        Kind::Start | Kind::End | Kind::Step => "begin",
        _ => "other",
    };
    let hollow = if event.at().is_none() { " fill-opacity=\"0\" stroke=\"currentColor\"" } else { "" };
    let shape = match class {
        "bad" => format!("<path d=\"M{} {} L{} {} L{} {} Z\"", x - 6, y + 5, x + 6, y + 5, x, y - 6),
        "good" => format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"5\""),
        "begin" => format!("<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"8\"", x - 4, y - 4),
        _ => format!("<path d=\"M{} {y} L{x} {} L{} {y} L{x} {} Z\"", x - 5, y - 5, x + 5, y + 5),
    };
    let when = event.place.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()).unwrap_or_default();
    let title = xml(&format!("{when} {} {}:{}", event.kind(), short(lane), event.line));
    let _ = writeln!(out, "{shape} class=\"{class}\"{hollow}><title>{title}</title></{}>", element(&shape));
}

fn element(shape: &str) -> &str {
    shape[1..].split(' ').next().unwrap_or("path")
}

/// The end of a long name, where names of files differ.
fn short(name: &str) -> String {
    const MOST: usize = 28;
    let count = name.chars().count();
    if count <= MOST {
        return name.to_owned();
    }
    format!("…{}", name.chars().skip(count - MOST + 1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::zone::Moment;
    use super::*;

    fn event(second: i64, kind: Kind) -> Event {
        let place = DateTime::from_timestamp(second, 0);
        Event {
            source: 0,
            line: 7,
            kinds: vec![kind],
            moment: place.map(Moment::At),
            original: String::new(),
            place,
            back: false,
            subject: String::new(),
            run: None,
            step: None,
            text: "<script>secret words</script>".into(),
            twin: None,
        }
    }

    #[test]
    fn the_same_events_give_the_same_picture_and_no_words_of_lines() {
        let events = [event(0, Kind::Start), event(50, Kind::Failure), event(90, Kind::Success)];
        let lanes = [Lane { source: 0, name: "<a&b>\"'\u{1b}.log".into() }];
        let made = figure(&events, &lanes).unwrap();
        assert_eq!(made, figure(&events, &lanes).unwrap());
        let text = String::from_utf8(made).unwrap();
        assert!(!text.contains("secret") && !text.contains("<a&") && !text.contains('\u{1b}'));
        assert!(text.contains("&lt;a&amp;b&gt;&quot;&#39;") && text.contains("prefers-color-scheme:dark"));
        assert_eq!(text.matches("<path").count() + text.matches("<circle").count(), 2);
        assert!(figure(&[], &lanes).is_none());
    }
}
