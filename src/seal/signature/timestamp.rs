//! RFC 3161: a token of a time-stamping authority says that a file existed at an instant. `openssl ts`
//! writes the question, reads the answer and checks it; this program speaks to no network, so the
//! question is carried to the authority by whoever wants a token.

use std::ffi::OsStr;
use std::path::Path;

use chrono::NaiveDateTime;

use crate::base::child::{Invocation, Outcome};
use crate::base::digest::Digest;
use crate::base::text::visible;

use super::SignError;

/// What a token says of itself; nothing of it is proved before [`verify_token`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The digest that it was made over.
    pub digest: String,
    /// When, UTC.
    pub at: NaiveDateTime,
}

impl Token {
    /// The instant as `ssh-keygen` takes it: `YYYYMMDDHHMMSSZ`.
    #[must_use]
    pub fn stamp(&self) -> String {
        self.at.format("%Y%m%d%H%M%SZ").to_string()
    }
}

/// The question for a token over `digest`, in DER.
///
/// # Errors
/// When `openssl` cannot be run or refuses.
pub fn query(digest: &Digest) -> Result<Vec<u8>, SignError> {
    let digest = digest.to_string();
    let outcome = openssl(&["-query", "-digest", &digest, "-sha256", "-cert"], &[], b"")?;
    if outcome.success() { Ok(outcome.stdout) } else { Err(failed(said(&outcome))) }
}

/// What the answer of an authority, in DER, says of itself.
///
/// # Errors
/// When it is none, or the authority did not grant it.
pub fn token(answer: &[u8]) -> Result<Token, SignError> {
    let outcome = openssl(&["-reply", "-in", "/dev/stdin", "-text"], &[], answer)?;
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let wrong = |why: &str| SignError::Invalid { what: "the token".to_owned(), why: why.to_owned() };
    if !outcome.success() {
        return Err(wrong("is no answer of a time-stamping authority (RFC 3161, DER)"));
    }
    let after = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    if !matches!(after("Status:"), Some("Granted." | "Granted with modifications.")) {
        return Err(wrong("the authority did not grant it"));
    }
    if after("Hash Algorithm:") != Some("sha256") {
        return Err(wrong("is not made over a SHA-256"));
    }
    let at = after("Time stamp:").and_then(instant).ok_or_else(|| wrong("says no time that can be read"))?;
    Ok(Token { digest: imprint(&text), at })
}

/// Whether the authority whose certificates are in the file `authority` made the token over `digest`.
///
/// # Errors
/// `Ok(Err(…))` when it did not, and why; the outer one when `openssl` could not be asked.
pub fn verify_token(answer: &[u8], digest: &Digest, authority: &Path) -> Result<Result<(), String>, SignError> {
    let digest = digest.to_string();
    let rest = [OsStr::new("-CAfile"), authority.as_os_str()];
    let outcome = openssl(&["-verify", "-digest", &digest, "-in", "/dev/stdin"], &rest, answer)?;
    Ok(if outcome.success() { Ok(()) } else { Err(said(&outcome)) })
}

fn openssl(first: &[&str], rest: &[&OsStr], input: &[u8]) -> Result<Outcome, SignError> {
    let args = ["ts"].iter().chain(first).map(OsStr::new).chain(rest.iter().copied());
    let outcome = Invocation::new("openssl").args(args).stdin(input).run().map_err(|e| failed(e.to_string()))?;
    if outcome.timed_out { Err(failed("did not end in time".to_owned())) } else { Ok(outcome) }
}

fn failed(why: String) -> SignError {
    SignError::Program { program: "openssl", why }
}

/// The reason in the last line of what it said, without the numbers in front of it.
fn said(outcome: &Outcome) -> String {
    let text = String::from_utf8_lossy(&outcome.stderr);
    let line = text.lines().rev().find(|line| line.contains(":error:")).or_else(|| text.lines().next());
    let line = line.unwrap_or("no reason given");
    let words = line.split(':').filter(|part| part.contains(' ') && !part.contains('/'));
    let words = words.collect::<Vec<_>>().join(": ");
    visible(if words.is_empty() { line } else { &words }).into_owned()
}

/// `Nov 21 06:40:00 2026 GMT`, perhaps with a fraction.
fn instant(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%b %e %H:%M:%S%.f %Y GMT").ok()
}

/// The digest in the dump under `Message data:`.
fn imprint(text: &str) -> String {
    let dump = text.lines().skip_while(|line| line.trim() != "Message data:").skip(1);
    let rows = dump.map_while(|line| line.trim_start().split_once(" - "));
    let bytes = rows.flat_map(|(_, row)| row.get(..48).unwrap_or(row).split([' ', '-']));
    bytes.filter(|byte| byte.len() == 2).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_and_the_digest() {
        let at = instant("Nov  1 06:40:00 2026 GMT").unwrap();
        assert_eq!(at.to_string(), "2026-11-01 06:40:00");
        assert_eq!(instant("Nov 21 06:40:00.25 2026 GMT").unwrap().and_utc().timestamp_subsec_millis(), 250);
        let dump = "Message data:\n    0000 - 00 01 02 03 04 05 06 07-08 09 0a 0b 0c 0d 0e 0f   ................\n    \
            0010 - 10 11 12 13 14 15 16 17-18 19 1a 1b 1c 1d 1e 1f   ab cd ef 12 34..\nSerial number: 0x01\n";
        let expected: String = (0..32).map(|n| format!("{n:02x}")).collect();
        assert_eq!(imprint(dump), expected);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(token(b"hello").is_err());
    }
}
