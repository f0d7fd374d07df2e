//! What `ssh-keygen` is asked: to sign, whether a signature is sound, and whose it is. It alone deals
//! with SSH keys and the list of allowed signers, so that a stranger with the same program gets the
//! same answers.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use crate::base::child::{Invocation, Outcome};
use crate::base::env;
use crate::base::files;
use crate::base::ssh::PublicKey;
use crate::base::text::visible;

use super::SignError;

/// The namespace that signatures are made in, so that one made for a commit does not pass here.
pub const NAMESPACE: &str = "evidence";

/// How long a person may take to enter a passphrase or to touch a key.
const PATIENCE: Duration = Duration::from_secs(300);
/// What reaches an agent, a window that asks for a passphrase, or a security key.
const REACH: &[&str] =
    &["SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_SK_*", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"];
/// A key file has a few thousand bytes at most.
const KEY_LIMIT: u64 = 64 << 10;

/// Why a signature did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `ssh-keygen` could not be asked.
    Unasked(String),
    /// It said no, and why.
    No(String),
}

/// The armoured signature of `message` by the key in the file `key`: a private key, or a public one
/// whose private part lies in an agent.
///
/// # Errors
/// When `ssh-keygen` cannot be run or refuses.
pub fn sign(key: &Path, message: &[u8]) -> Result<Vec<u8>, SignError> {
    check_mode(key)?;
    let args = ["-q", "-Y", "sign", "-n", NAMESPACE, "-f"].map(OsStr::new);
    let outcome = asked(Invocation::new("ssh-keygen").args(args).args([key]).stdin(message))?;
    if outcome.success() {
        return Ok(outcome.stdout);
    }
    let why = format!("ssh-keygen made no signature: {}{}", said(&outcome), hint(&outcome));
    Err(SignError::Key { key: key.to_owned(), why })
}

/// Refuses a private key that others may read, as `ssh-keygen` does, but in a sentence.
fn check_mode(key: &Path) -> Result<(), SignError> {
    let wrong = |why: String| SignError::Key { key: key.to_owned(), why };
    // What cannot be looked at is reported by `ssh-keygen`.
    let Some(real) = files::real_path(key).ok() else { return Ok(()) };
    let Some(metadata) = files::metadata(&real).ok() else { return Ok(()) };
    let mode = metadata.mode() & 0o777;
    let ours = metadata.uid() == env::user_id();
    let text = files::read_system_text(&real, KEY_LIMIT).unwrap_or_default();
    if mode & 0o077 == 0 || !ours || !text.contains("PRIVATE KEY") {
        return Ok(());
    }
    let name = key.to_string_lossy();
    let name = crate::base::text::shell_word(&name);
    Err(wrong(format!(
        "the private key has mode {mode:04o}, so others may read it, and ssh-keygen refuses it: `chmod 600 {name}`, and \
         make a new key if somebody may have read this one"
    )))
}

/// The public part of the key in the file `key`.
///
/// # Errors
/// When the file cannot be read, or holds no key.
pub fn public_key(key: &Path) -> Result<PublicKey, SignError> {
    let wrong = |why: String| SignError::Key { key: key.to_owned(), why };
    // Links are common here: the user named the file.
    let text = files::read_system_text(key, KEY_LIMIT).map_err(|e| wrong(e.to_string()))?;
    if let Some(key) = PublicKey::of_line(&text) {
        return Ok(key);
    }
    check_mode(key)?;
    let args = ["-y", "-f"].map(OsStr::new);
    let outcome = asked(Invocation::new("ssh-keygen").args(args).args([key]))?;
    let line = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let found = PublicKey::of_line(&line).filter(|_| outcome.success());
    found.ok_or_else(|| wrong(format!("is no SSH key: {}{}", said(&outcome), hint(&outcome))))
}

fn asked(invocation: Invocation) -> Result<Outcome, SignError> {
    let failed = |why: String| SignError::Program { program: "ssh-keygen", why };
    let outcome = invocation.inherit(REACH).limit(PATIENCE).at_terminal().run().map_err(|e| failed(e.to_string()))?;
    if outcome.timed_out { Err(failed("did not end in time".to_owned())) } else { Ok(outcome) }
}

/// What to do about the usual refusals.
fn hint(outcome: &Outcome) -> &'static str {
    let text = String::from_utf8_lossy(&outcome.stderr);
    if text.contains("UNPROTECTED") || text.contains("bad permissions") {
        return "; a private key must be readable for its owner alone: `chmod 600 KEY`";
    }
    if text.contains("passphrase") {
        return "; the key is locked: add it to an agent (`ssh-add KEY`) and name its public part (`--key KEY.pub`)";
    }
    if text.contains("No private key found") || text.contains("agent") {
        return "; a public key signs only with an agent that holds its private part: `ssh-add KEY`";
    }
    ""
}

/// Whether the armoured signature in the file `signature` fits `message`, whoever made it.
///
/// # Errors
/// See [`Refusal`].
pub fn check(signature: &Path, message: &[u8]) -> Result<(), Refusal> {
    ask(&["check-novalidate", "-n", NAMESPACE, "-s"], &[signature.as_os_str()], None, message).map(drop)
}

/// Whether `principal` made the signature, by the list of allowed signers `list`, as of `at`
/// (`YYYYMMDDHHMMSSZ`; now when absent). Gives what `ssh-keygen` said.
///
/// # Errors
/// See [`Refusal`].
pub fn verify(
    signature: &Path,
    message: &[u8],
    principal: &str,
    list: &Path,
    at: Option<&str>,
) -> Result<String, Refusal> {
    let rest = [OsStr::new(principal), OsStr::new("-f"), list.as_os_str(), OsStr::new("-s"), signature.as_os_str()];
    ask(&["verify", "-n", NAMESPACE, "-I"], &rest, at, message).map(|said| first_line(&said))
}

/// Whom the list knows the signature's key for.
///
/// # Errors
/// See [`Refusal`].
pub fn principals(signature: &Path, list: &Path, at: Option<&str>) -> Result<Vec<String>, Refusal> {
    let rest = [signature.as_os_str(), OsStr::new("-f"), list.as_os_str()];
    let found = ask(&["find-principals", "-s"], &rest, at, b"")?;
    Ok(found.lines().map(str::to_owned).collect())
}

fn ask(first: &[&str], rest: &[&OsStr], at: Option<&str>, input: &[u8]) -> Result<String, Refusal> {
    let time = at.map(|at| OsString::from(format!("-Overify-time={at}")));
    let args = ["-Y"].iter().chain(first).map(OsStr::new).chain(rest.iter().copied()).chain(time.as_deref());
    let run = Invocation::new("ssh-keygen").args(args).stdin(input).run();
    let outcome = run.map_err(|error| Refusal::Unasked(error.to_string()))?;
    if outcome.timed_out {
        return Err(Refusal::Unasked("`ssh-keygen` did not end in time".to_owned()));
    }
    if outcome.success() {
        return Ok(String::from_utf8_lossy(&outcome.stdout).into_owned());
    }
    Err(Refusal::No(said(&outcome)))
}

fn said(outcome: &Outcome) -> String {
    first_line(&String::from_utf8_lossy(&outcome.stderr))
}

/// The first line that says something, safe to print; frames of `@` say nothing.
fn first_line(text: &str) -> String {
    let says = |line: &&str| line.chars().any(char::is_alphanumeric);
    let first = text.lines().map(|line| line.trim_matches(['@', ' '])).find(says).unwrap_or("no reason given");
    visible(first).into_owned()
}
