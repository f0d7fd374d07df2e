//! Puts a mask in the place of each secret. Everything else stays byte for byte, line feeds
//! included, so that line numbers of a masked log are those of the log.

use std::collections::BTreeMap;

use super::engine::{Engine, Finding, in_force};
use super::form::Form;
use super::keys::names_secret;
use super::label::widen;
use super::learned::Learned;
use super::rule::Confidence;
use super::value;
use super::weigh::{self, Stands};

/// How many were masked, by rule id.
pub(super) type Hits = BTreeMap<String, u64>;

/// A mask may complete a pattern that did not match before; more rounds than this never helped.
const ROUNDS: usize = 6;

/// What stands in for everything when the rules themselves cannot be read.
const NO_RULES: &str = "***no-rules***";

/// `text` with every secret masked that a rule finds, or `None` when there is none. `learned` takes
/// what was found.
pub(super) fn scan(text: &[u8], hits: &mut Hits, learned: &mut Learned) -> Option<Vec<u8>> {
    let Some(engine) = in_force() else { return Some(NO_RULES.as_bytes().to_vec()) };
    let form = Form::of(text);
    let mut masked: Option<Vec<u8>> = None;
    for _ in 0..ROUNDS {
        let now = masked.as_deref().unwrap_or(text);
        let view = form.view(now);
        let mut found = engine.deep(&view);
        if found.is_empty() {
            break;
        }
        widen(&view, &mut found);
        count(engine, &view, &found, hits, learned);
        masked = Some(replace(form, engine, now, &view, &found));
    }
    masked
}

/// `text` with everything masked that was learned elsewhere, or `None` when nothing of it is there.
pub(super) fn sweep(text: &[u8], hits: &mut Hits, learned: &mut Learned) -> Option<Vec<u8>> {
    let engine = in_force()?;
    let form = Form::of(text);
    let view = form.view(text);
    let found = learned.find(&view);
    count(engine, &view, &found, hits, learned);
    (!found.is_empty()).then(|| replace(form, engine, text, &view, &found))
}

/// Learns the lines of what a rule finds over several lines of `text`, and changes nothing.
pub(super) fn learn_blocks(text: &[u8], learned: &mut Learned) {
    let Some(engine) = in_force() else { return };
    for finding in engine.deep(text) {
        learned.learn_lines(finding.rule, &text[finding.secret]);
    }
}

fn count(engine: &Engine, text: &[u8], found: &[Finding], hits: &mut Hits, learned: &mut Learned) {
    for finding in found {
        let secret = &text[finding.secret.clone()];
        let rule = &engine.rules()[finding.rule].id;
        if memchr::memmem::find(secret, b"***").is_none() {
            *hits.entry(rule.clone()).or_default() += u64::from(!finding.continues);
            learned.learn(finding.rule, secret);
            learned.learn_lines(finding.rule, secret);
        }
    }
}

/// The mask of a rule.
pub(super) fn mask_of(rule: &str) -> String {
    format!("***{rule}***")
}

/// The rule under which values are counted whose name alone announces them.
const NAMED: &str = "assigned-secret";

/// Whether `text`, standing as a value under `name`, is a secret as a whole.
pub(super) fn is_named_secret(name: &str, text: &str) -> bool {
    let bytes = text.as_bytes();
    names_secret(name.as_bytes()).is_some() && bytes.len() > 1 && !value::is_placeholder(bytes)
}

/// Whether `text`, found next to `name` and not assigned to it, is a secret: plain words are not.
pub(super) fn is_secret_of(name: &str, text: &str) -> bool {
    let text = text.trim();
    let Some(kind) = names_secret(name.as_bytes()).filter(|_| !text.contains("***")) else { return false };
    weigh::assigned(kind, text.as_bytes(), Stands::Quoted) > Confidence::Low && is_named_secret(name, text)
}

/// The mask for the whole of `text`, counted and learned.
pub(super) fn named(text: &str, hits: &mut Hits, learned: &mut Learned) -> String {
    *hits.entry(NAMED.to_owned()).or_default() += 1;
    let rule = in_force().and_then(|engine| engine.rules().iter().position(|rule| rule.id == NAMED));
    if let Some(rule) = rule {
        learned.learn(rule, text.as_bytes());
    }
    let lines = "\n".repeat(text.matches('\n').count());
    format!("{}{lines}", mask_of(NAMED))
}

fn replace(form: Form, engine: &Engine, text: &[u8], view: &[u8], found: &[Finding]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for finding in found {
        let start = finding.secret.start.max(at);
        out.extend_from_slice(&text[at * form.width()..start * form.width()]);
        form.put(&mut out, mask_of(&engine.rules()[finding.rule].id).bytes());
        at = finding.secret.end.max(start);
        form.put(&mut out, view[start..at].iter().copied().filter(|b| *b == b'\n'));
    }
    out.extend_from_slice(&text[at * form.width()..]);
    out
}
