//! The bodies of the fuzz targets (`fuzz/`), so that the tests run the very same code on some input.
//! Each takes any bytes and may only return.

use super::gitleaks;
use super::label::Labeller;
use super::rule;
use super::ruleset::Ruleset;
use super::scanner::{Limits, Scanner};

fn built_in() -> Option<&'static Ruleset> {
    static RULES: std::sync::OnceLock<Option<Ruleset>> = std::sync::OnceLock::new();
    RULES.get_or_init(|| Ruleset::load(&[], &[], &[]).ok()).as_ref()
}

/// Scans `data` as text and masks it; what was masked has as many lines.
pub fn engine(data: &[u8]) {
    let Some(rules) = built_in() else { return };
    let _ = Scanner::new(rules, Limits::default()).text(data);
    let mut out = Vec::new();
    let copied = Labeller::new(rules, false).copy(data, &mut out);
    let lines = |text: &[u8]| text.iter().filter(|b| **b == b'\n').count();
    assert!(copied.is_err() || lines(&out) == lines(data));
}

/// Reads `data` as a file of rules, ours and those for gitleaks, and compiles each.
pub fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for rule in rule::load(&[("fuzz.yaml", &text)]).unwrap_or_default() {
        let _ = rule.compile();
    }
    for rule in gitleaks::load(&text).unwrap_or_default() {
        let _ = rule.compile();
    }
}

/// Opens `data` as whatever it is packed as.
pub fn archive(data: &[u8]) {
    let Some(rules) = built_in() else { return };
    let limits = Limits { expansion: 1 << 20, ..Limits::default() };
    let _ = Scanner::new(rules, limits).stream(data);
}
