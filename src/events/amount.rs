//! Sizes, durations and rates as log lines write them, each with the room that its rounding leaves: a
//! size given as 50 MB is anything from 49.5 to 50.5, and a prefix without an `i` may mean powers of
//! 1000 or of 1024. Two figures disagree only when no reading of them agrees.

use std::sync::LazyLock;

use regex::Regex;

/// A written size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    number: f64,
    /// Half of its last digit.
    slack: f64,
    /// 0 for bytes, 1 for kilo, …
    power: i32,
    /// Written with an `i`: powers of 1024 for sure.
    binary: bool,
    /// Where it begins in the text.
    pub(super) start: usize,
    /// Where it ends in the text, its unit included.
    pub(super) end: usize,
    /// Whether `per second` follows.
    pub(super) rate: bool,
}

/// What a prefix without an `i` means.
pub(super) const BASES: [f64; 2] = [1000.0, 1024.0];

impl Size {
    /// The least and the most bytes that it means, when prefixes are powers of `base`.
    pub(super) fn range(&self, base: f64) -> (f64, f64) {
        let factor = if self.binary { 1024_f64 } else { base }.powi(self.power);
        ((self.number - self.slack) * factor, (self.number + self.slack) * factor)
    }
}

/// A written duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// In seconds.
    pub(super) seconds: f64,
    /// The unit of its last part, in seconds.
    pub(super) grain: f64,
}

const NUMBER: &str = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:[.,][0-9]+)?";
const WORDS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static SIZE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(&format!(
        r"(?P<n>{NUMBER})(?: ?(?P<u>[KMGTkmgt]i?B|[Bb]ytes?|B)|(?P<s>[KMGT]))(?P<r> ?/ ?s(?:ec)?\b|ps\b|)(?:[^A-Za-z0-9]|$)"
    ))
});
static SPAN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = WORDS.join("|");
    let unit = r"ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?";
    regex(&format!(r"(?i)\b(?P<n>{NUMBER}|{words}) ?(?P<u>{unit})(?:\b|[0-9])"))
});
static CLAIM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:in|took|lasted|duration|elapsed(?: time)?|run ?time|time taken|total time)\b[ :=(]{1,3}(?:of |about |was |is )?",
    )
});
static CLOCK: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])(?:\.[0-9]+)?\b"));

/// The sizes and rates in `text`, in order.
pub(super) fn sizes(text: &str) -> Vec<Size> {
    let Some(regex) = SIZE.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(captures) = regex.captures_at(text, at) {
        let Some(number) = captures.name("n") else { break };
        let unit = captures.name("u").or_else(|| captures.name("s"));
        at = unit.map_or(number.end(), |unit| unit.end());
        let before = text[..number.start()].chars().next_back();
        let alone = before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != '_');
        let unit = unit.map_or("", |unit| unit.as_str());
        let power = "kmgt".find(|c| unit.to_ascii_lowercase().starts_with(c)).map_or(0, |_| power(unit));
        let rate = captures.name("r").is_some_and(|r| !r.is_empty());
        if let (true, Some((value, slack))) = (alone, value(number.as_str())) {
            let slack = if power == 0 { 0.0 } else { slack };
            let (start, binary) = (number.start(), unit.contains('i'));
            found.push(Size { number: value, slack, power, binary, start, end: at, rate });
        }
    }
    found
}

fn power(unit: &str) -> i32 {
    match unit.as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b'k') => 1,
        Some(b'm') => 2,
        Some(b'g') => 3,
        Some(b't') => 4,
        _ => 0,
    }
}

/// A number with half of its last digit. A comma before three digits parts thousands.
fn value(written: &str) -> Option<(f64, f64)> {
    let thousands =
        written.split(',').skip(1).all(|part| part.len() >= 3 && part[..3].bytes().all(|b| b.is_ascii_digit()));
    let plain = if thousands { written.replace(',', "") } else { written.replace(',', ".") };
    let decimals = plain.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let number: f64 = plain.parse().ok()?;
    Some((number, 0.5 / 10_f64.powi(i32::try_from(decimals).unwrap_or(0))))
}

/// The duration that begins `text`: `0m 45s`, `1h2m3s`, `45 seconds`, `eleven seconds`, `00:00:45`.
pub(super) fn span(text: &str) -> Option<Span> {
    if let Some(found) = CLOCK.as_ref()?.captures(text) {
        let part = |index: usize| found.get(index).and_then(|m| m.as_str().parse::<f64>().ok());
        return Some(Span { seconds: part(1)? * 3600.0 + part(2)? * 60.0 + part(3)?, grain: 1.0 });
    }
    let mut rest = text;
    let mut total: Option<Span> = None;
    while let Some(found) = SPAN.as_ref()?.captures(rest).filter(|found| found.get(0).is_some_and(|m| m.start() == 0)) {
        let (number, unit) = (found.name("n")?, found.name("u")?);
        let word = WORDS.iter().position(|word| word.eq_ignore_ascii_case(number.as_str()));
        #[expect(clippy::cast_precision_loss, reason = "at most twelve")]
        let number = word.map_or_else(|| value(number.as_str()).map(|(n, _)| n), |word| Some(word as f64))?;
        let factor = seconds(unit.as_str());
        let before = total.map_or(0.0, |span| span.seconds);
        total = Some(Span { seconds: before + number * factor, grain: factor });
        rest = rest[unit.end()..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    total
}

fn seconds(unit: &str) -> f64 {
    match unit.to_ascii_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        unit if unit.starts_with('m') => 60.0,
        unit if unit.starts_with('h') => 3600.0,
        _ => 1.0,
    }
}

/// The duration that `text` says something took: `… in 0m 45s`, `took 45 s`, `duration: 45s`.
pub(super) fn claimed(text: &str) -> Option<Span> {
    CLAIM.as_ref()?.find_iter(text).find_map(|word| span(&text[word.end()..]))
}

/// Any duration in `text`, the first one.
pub(super) fn any_span(text: &str) -> Option<Span> {
    let found = SPAN.as_ref()?.find(text)?;
    claimed(text).or_else(|| span(&text[found.start()..]))
}

/// The one size that `text` is, in bytes, for settings such as `12.5 MB/s`.
#[must_use]
pub fn size_of(text: &str) -> Option<f64> {
    let sizes = sizes(text);
    let [size] = sizes[..] else { return None };
    let (low, high) = size.range(1000.0);
    Some(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<f64> {
        sizes(text).iter().map(|size| f64::midpoint(size.range(1000.0).0, size.range(1000.0).1).round()).collect()
    }

    #[test]
    fn sizes_are_read_as_logs_write_them() {
        assert_eq!(bytes("Parts: database 50 MB, uploads 170MB, settings 80 KB"), [50e6, 170e6, 80e3]);
        assert_eq!(bytes("sent 1,234 bytes received 35 bytes"), [1234.0, 35.0]);
        assert_eq!(bytes("223000000 bytes (223 MB, 213 MiB) copied"), [223e6, 223e6, 213.0 * 1_048_576.0]);
        assert_eq!(bytes("1.5G of 2T"), [1.5e9, 2e12]);
        assert!(bytes("v1.2.3B and 15M4 and file_20260515M").is_empty(), "{:?}", bytes("v1.2.3B and 15M4"));
        assert!(sizes("at 20.3 MB/s").iter().all(|size| size.rate) && sizes("5 MB per").iter().all(|size| !size.rate));
        assert_eq!(sizes("50 MB")[0].range(1000.0), (49.5e6, 50.5e6));
        assert_eq!(size_of("12.5 MB/s"), Some(12.5e6));
    }

    #[test]
    fn durations_are_read_as_logs_write_them() {
        let span = |text: &str| claimed(text).map(|span| (span.seconds, span.grain));
        assert_eq!(span("Backup completed successfully in 0m 45s"), Some((45.0, 1.0)));
        assert_eq!(span("took 1h2m3s"), Some((3723.0, 1.0)));
        assert_eq!(span("duration: 250 ms"), Some((0.25, 0.001)));
        assert_eq!(span("sent in eleven seconds"), Some((11.0, 1.0)));
        assert_eq!(span("elapsed time: 00:00:45"), Some((45.0, 1.0)));
        assert_eq!(span("took about 2 minutes and 5 seconds."), Some((125.0, 1.0)));
        assert_eq!(span("in 3 files"), None);
        assert_eq!(span("done within 5s"), None);
        assert_eq!(any_span("223 MB copied, 11.2 s, 19.9 MB/s").map(|s| s.seconds), Some(11.2));
    }
}
