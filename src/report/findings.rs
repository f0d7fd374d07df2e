//! What a scan found, in the formats that people and machines read: text, JSON, JSON lines, SARIF
//! 2.1.0, JUnit, annotations of GitHub, CSV. No format carries a secret: only rule, place and the
//! masked line.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::text;
use crate::hygiene::{Confidence, Hit, mask_str};

use super::style::{Paint, Style};

/// One finding with the file it stands in.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// What the rule finds.
    pub description: String,
    /// `low`, `medium` or `high`.
    pub confidence: Confidence,
    /// The file, with the members of archives that lead to it after `!`.
    pub path: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// Where the secret begins, in bytes from the beginning.
    pub offset: u64,
    /// How long the secret is, in bytes.
    pub length: u64,
    /// The writing it was found in (`base64` …), absent for plain text.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub via: &'static str,
    /// The commit it was added in, absent outside history.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Its line with every secret masked.
    pub context: String,
    /// The keyed fingerprint, absent without a baseline.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

impl Finding {
    /// The finding of `hit` in `path`.
    #[must_use]
    pub fn new(path: &str, hit: &Hit) -> Self {
        let path = if hit.member.is_empty() { path.to_owned() } else { format!("{path}!{}", hit.member) };
        Self {
            rule: hit.rule.clone(),
            description: hit.description.clone(),
            confidence: hit.confidence,
            path,
            line: hit.line,
            column: hit.column,
            offset: hit.offset,
            length: hit.length,
            via: hit.via,
            commit: String::new(),
            context: text::visible(&hit.context).into_owned(),
            fingerprint: String::new(),
        }
    }
}

/// A whole scan.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Scan {
    /// The findings, by path and place.
    pub findings: Vec<Finding>,
    /// What could not be scanned, and why.
    pub errors: Vec<String>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    /// Comments that allow something and were of no use.
    pub unused_allows: Vec<String>,
    /// How many findings a comment allowed.
    pub allowed: u64,
    /// How many findings the baseline knew.
    pub known: u64,
    /// How many files were scanned.
    pub files: u64,
    /// How many bytes were scanned, unpacked ones included.
    pub bytes: u64,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One document.
    Json,
    /// One finding a line.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit.
    Junit,
    /// Workflow commands of GitHub.
    Github,
    /// Comma-separated values.
    Csv,
}

/// `scan` in `format`; `show` characters of the masked line are shown in text.
#[must_use]
pub fn findings(scan: &Scan, format: Format, show: usize, style: &Style) -> String {
    let scan = &without_secrets(scan);
    match format {
        Format::Text => plain(scan, show, style),
        Format::Json => line(&json!({ "schema": "evidence-scan/1", "scan": scan })),
        Format::Jsonl => scan.findings.iter().map(line).collect(),
        Format::Sarif => line(&sarif(scan)),
        Format::Junit => junit(scan),
        Format::Github => github(scan),
        Format::Csv => csv(scan),
    }
}

/// `scan` with secrets masked that are part of a file's name: a place is printed as it is, and a secret
/// never.
fn without_secrets(scan: &Scan) -> Scan {
    let mut masked = scan.clone();
    let (mut from, mut to) = (String::new(), String::new());
    for found in &mut masked.findings {
        // Findings of one file follow each other.
        if from != found.path {
            from.clone_from(&found.path);
            to = mask_str(&from);
        }
        found.path.clone_from(&to);
    }
    for texts in [&mut masked.errors, &mut masked.left_out, &mut masked.unused_allows] {
        texts.iter_mut().for_each(|text| *text = mask_str(text));
    }
    masked
}

fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).map_or_else(|_| String::new(), |json| json + "\n")
}

fn plain(scan: &Scan, show: usize, style: &Style) -> String {
    let mut out = String::new();
    for found in &scan.findings {
        let place = format!("{}:{}:{}", text::visible(&found.path), found.line, found.column);
        let via = if found.via.is_empty() { String::new() } else { format!(" in {}", found.via) };
        let commit = if found.commit.is_empty() { String::new() } else { format!(" commit {}", found.commit) };
        let rule = style.paint(&found.rule, Paint::Bad);
        let _ = writeln!(out, "{place}: {rule} ({}){via}{commit}: {}", word(found.confidence), found.description);
        if show > 0 {
            let shown: String = found.context.trim().chars().take(show).collect();
            let _ = writeln!(out, "    {shown}");
        }
    }
    for (title, items) in [("left out", &scan.left_out), ("unused", &scan.unused_allows)] {
        for item in items {
            let _ = writeln!(out, "{title}: {}", text::visible(item));
        }
    }
    let found = text::plural(scan.findings.len(), "finding");
    let _ = write!(out, "{found} in {}", text::plural(scan.files as usize, "file"));
    for (count, what) in [(scan.known, "known to the baseline"), (scan.allowed, "allowed by comments")] {
        if count > 0 {
            let _ = write!(out, ", {count} {what}");
        }
    }
    out.push('\n');
    out
}

fn word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn sarif(scan: &Scan) -> Value {
    let mut rules: Vec<(&str, &str)> =
        scan.findings.iter().map(|f| (f.rule.as_str(), f.description.as_str())).collect();
    rules.sort_unstable();
    rules.dedup_by_key(|rule| rule.0);
    let result = |found: &Finding| {
        let mut result = json!({
            "ruleId": found.rule,
            "level": if found.confidence == Confidence::Low { "warning" } else { "error" },
            "message": { "text": format!("{} ({} confidence)", found.description, word(found.confidence)) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": uri(&found.path) },
                "region": { "startLine": found.line, "startColumn": found.column },
            }}],
        });
        if !found.fingerprint.is_empty() {
            result["partialFingerprints"] = json!({ "evidence/v1": found.fingerprint });
        }
        result
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "evidence",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } })).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": scan.errors.is_empty(),
                "toolExecutionNotifications": scan.errors.iter().map(|e| json!({ "level": "error", "message": { "text": e } })).collect::<Vec<_>>(),
            }],
            "results": scan.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

/// A path as a relative reference of a URI.
fn uri(path: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"/._-~!".contains(&b);
    path.strip_prefix("./")
        .unwrap_or(path)
        .bytes()
        .map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn xml(text: &str) -> String {
    text::xml(&text::visible(text))
}

fn junit(scan: &Scan) -> String {
    let failures = scan.findings.len();
    let errors = scan.errors.len();
    let tests = (failures + errors).max(1);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"evidence scan\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"0\">\n"
    );
    for found in &scan.findings {
        let name = format!("{}:{}:{}", found.path, found.line, found.column);
        let _ = writeln!(
            out,
            "    <testcase name=\"{}\" classname=\"{}\" time=\"0\"><failure message=\"{}\" type=\"{}\">{}</failure></testcase>",
            xml(&name),
            xml(&found.rule),
            xml(&found.description),
            xml(&found.rule),
            xml(&found.context)
        );
    }
    for error in &scan.errors {
        let _ = writeln!(
            out,
            "    <testcase name=\"{0}\" classname=\"scan\" time=\"0\"><error message=\"{0}\" type=\"scan\"/></testcase>",
            xml(error)
        );
    }
    if failures + errors == 0 {
        out.push_str("    <testcase name=\"nothing found\" classname=\"scan\" time=\"0\"/>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn github(scan: &Scan) -> String {
    // What is left of a control sign after this would reach the terminal of whoever reads the log.
    let plain = |text: &str| {
        text.chars().map(|c| if c.is_control() && !"\r\n".contains(c) { '\u{fffd}' } else { c }).collect::<String>()
    };
    let data = |text: &str| plain(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for found in &scan.findings {
        let title = property(&format!("secret: {}", found.rule));
        let _ = writeln!(
            out,
            "::error file={},line={},col={},title={title}::{}",
            property(&found.path),
            found.line,
            found.column,
            data(&found.description)
        );
    }
    for error in &scan.errors {
        let _ = writeln!(out, "::error::{}", data(error));
    }
    for unused in &scan.unused_allows {
        let _ = writeln!(out, "::warning::{}", data(unused));
    }
    out
}

fn csv(scan: &Scan) -> String {
    // A cell that a spreadsheet would take for a formula is kept as text.
    let cell = |text: &str| {
        let lead = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
        let text = text::visible(text);
        format!("\"{lead}{}\"", text.replace('"', "\"\""))
    };
    let mut out = "rule,confidence,path,line,column,offset,length,via,commit,description\n".to_owned();
    for f in &scan.findings {
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{}",
            f.rule,
            word(f.confidence),
            cell(&f.path),
            f.line,
            f.column,
            f.offset,
            f.length,
            f.via,
            f.commit,
            cell(&f.description)
        );
    }
    out
}
