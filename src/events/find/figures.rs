//! Figures that do not add up: parts and their whole, a size and its time, one quantity with two
//! values. Rounding and both meanings of a prefix are given the benefit of the doubt.

use crate::base::quantity;

use super::super::amount::{self, BASES, Size};
use super::super::event::Event;
use super::super::kind::Kind;
use super::super::run::Run;
use super::super::side;
use super::Expect;
use super::within::Make;

/// Headers and padding of an archive may add this share to its parts.
const OVERHEAD: f64 = 0.005;

/// Parts and whole, sizes and rates.
pub(super) fn arithmetic(run: &Run, expect: Expect, make: &mut Make<'_>) {
    sum(run, make);
    let work = |event: &&Event| !event.is(&Kind::Part) && !event.is(&Kind::Quantity);
    for event in run.events().filter(work) {
        if rate(event, expect, make) {
            return;
        }
    }
}

/// The first size of a line that says a whole, and the parts that stand before it.
fn sum(run: &Run, make: &mut Make<'_>) {
    let mut parts: Vec<Size> = Vec::new();
    let mut first: Option<&Event> = None;
    for event in run.events() {
        if event.is(&Kind::Part) {
            let sizes = amount::sizes(&event.text).into_iter().filter(|size| !size.rate);
            parts.extend(sizes);
            first = first.or(Some(event));
        } else if event.is(&Kind::Whole) {
            let whole = amount::sizes(&event.text).into_iter().find(|size| !size.rate);
            if let (Some(part), Some(whole)) = (first.filter(|_| parts.len() > 1), whole) {
                compare(&parts, whole, (event, part), make);
            }
            (parts, first) = (Vec::new(), None);
        }
    }
}

fn compare(parts: &[Size], whole: Size, lines: (&Event, &Event), make: &mut Make<'_>) {
    let text = lines.0.text.to_ascii_lowercase();
    let packed = [".gz", ".tgz", ".zst", ".xz", ".bz2", ".zip", "compress"].iter().any(|word| text.contains(word));
    let disagrees = |base: &f64| {
        let ranges = parts.iter().map(|part| part.range(*base));
        let (low, high) = ranges.fold((0.0, 0.0), |sum, range| (sum.0 + range.0, sum.1 + range.1));
        let (least, most) = whole.range(*base);
        least > high * (1.0 + OVERHEAD) || (!packed && most < low * (1.0 - OVERHEAD))
    };
    if BASES.iter().all(disagrees) {
        let (low, high) = parts.iter().map(|part| part.range(BASES[0])).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        let (least, most) = whole.range(BASES[0]);
        let what = format!(
            "{} parts add up to {} to {}, the whole is {} to {}",
            parts.len(),
            megabytes(low),
            megabytes(high),
            megabytes(least),
            megabytes(most)
        );
        make(what, lines.0, Some(lines.1));
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.2} MB", bytes / 1e6)
}

/// A size and a duration beside a rate that they do not give, or faster than is possible.
fn rate(event: &Event, expect: Expect, make: &mut Make<'_>) -> bool {
    let sizes = amount::sizes(&event.text);
    let (rates, sizes): (Vec<Size>, Vec<Size>) = sizes.into_iter().partition(|size| size.rate);
    let Some(span) = amount::any_span(&event.text).filter(|_| !sizes.is_empty()) else { return false };
    let slack = if span.grain < 1.0 || span.seconds.fract() > 0.0 { 0.01 * span.seconds.max(0.1) } else { span.grain };
    let (shortest, longest) = ((span.seconds - slack).max(0.0), span.seconds + slack);
    let speeds = |size: &Size, base: f64| {
        let (low, high) = size.range(base);
        (low / longest, if shortest > 0.0 { high / shortest } else { f64::INFINITY })
    };
    if let Some(rate) = rates.first() {
        let agrees = |size: &Size| {
            BASES.iter().any(|base| {
                let ((low, high), (least, most)) = (speeds(size, *base), rate.range(*base));
                most * 1.05 >= low && least * 0.95 <= high
            })
        };
        if !sizes.iter().any(agrees) {
            let took = quantity::show_seconds(span.seconds);
            make(format!("the sizes of the line in {took} do not give the rate of the line"), event, None);
            return true;
        }
        return false;
    }
    let Some(limit) = expect.max_rate else { return false };
    let too_fast = sizes.iter().all(|size| BASES.iter().all(|base| speeds(size, *base).0 > limit));
    if too_fast {
        let least = sizes.iter().map(|size| speeds(size, BASES[0]).0).fold(f64::INFINITY, f64::min);
        let what =
            format!("needs at least {}/s; the fastest possible is said to be {}/s", megabytes(least), megabytes(limit));
        make(what, event, None);
    }
    too_fast
}

/// One quantity with two values: two sides that should agree, or one side said twice.
pub(super) fn two_values(run: &Run, make: &mut Make<'_>) {
    let mut before: Vec<(&Event, Vec<side::Named>)> = Vec::new();
    let mut found = 0;
    for event in run.events().filter(|event| event.is(&Kind::Quantity)) {
        let here = side::named(&event.text);
        for (index, one) in here.iter().enumerate() {
            let same_line =
                here[index + 1..].iter().find(|other| side::opposite(one, other) && side::differ(one, other));
            if let Some(other) = same_line {
                make(disagreement(one, other), event, None);
                found += 1;
            }
            let earlier = before.iter().rev().find_map(|(line, names)| {
                let near = line.source == event.source && event.line - line.line <= 3;
                let other = names.iter().find(|other| {
                    ((near && side::opposite(one, other)) || side::whole(one, other)) && side::differ(one, other)
                });
                other.map(|other| (*line, other))
            });
            if let Some((line, other)) = earlier {
                make(disagreement(other, one), event, Some(line));
                found += 1;
            }
        }
        before.push((event, here));
        if found > 2 {
            return;
        }
    }
}

fn disagreement(one: &side::Named, other: &side::Named) -> String {
    let show = |named: &side::Named| match named.value.as_str() {
        "" => format!("{} {} is absent", named.side, named.what),
        value => format!("{} {} is {value}", named.side, named.what),
    };
    format!("{}; {}", show(one), show(other))
}
