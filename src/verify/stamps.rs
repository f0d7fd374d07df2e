//! Timestamps, where there are any: a token is worth something only when the caller names the
//! authority, and then shows that what it was made over existed at its instant.

use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::files;
use crate::model::verification::{Level, LevelStatus};
use crate::seal::TAG_MANIFEST;
use crate::seal::signature::{self, Beside, SIGNATURE_LIMIT, SignError, Token};

use super::subject::Subject;

const NAME: &str = "timestamps";

/// What a token showed.
enum Shown {
    Holds(Token),
    Bad(String),
    NotDone(String),
}

/// The level, when there is a token.
pub(super) fn level(subject: &Subject<'_>) -> Option<Level> {
    let tokens = Beside::of(subject.run).ok()?.tokens;
    if tokens.is_empty() {
        return None;
    }
    let shown: Vec<_> = tokens.iter().map(|token| (token, look(subject, token))).collect();
    let any = |test: fn(&Shown) -> bool| shown.iter().any(|(_, shown)| test(shown));
    let status = match () {
        () if any(|shown| matches!(shown, Shown::Bad(_))) => LevelStatus::Broken,
        () if any(|shown| matches!(shown, Shown::NotDone(_))) => LevelStatus::NotDone,
        () => LevelStatus::Holds,
    };
    let detail = shown.iter().map(|(token, shown)| format!("{}: {}", signature::shown(token), words(shown)));
    Some(super::level(NAME, status, detail.collect()))
}

fn words(shown: &Shown) -> String {
    match shown {
        Shown::Holds(token) => format!("it was there at {}", token.at.format("%Y-%m-%dT%H:%M:%SZ")),
        Shown::Bad(why) => format!("BAD: {why}"),
        Shown::NotDone(why) => format!("not checked: {why}"),
    }
}

/// The file that the token at `path` is about.
fn about(run: &Path, path: &Path) -> PathBuf {
    let file = path.with_extension("");
    if file.file_name().is_some_and(|name| name == TAG_MANIFEST) { run.join(TAG_MANIFEST) } else { file }
}

fn look(subject: &Subject<'_>, path: &Path) -> Shown {
    let read = |file: &Path| files::read(file, SIGNATURE_LIMIT);
    let (answer, content) = match (read(path), read(&about(subject.run, path))) {
        (Ok(answer), Ok(content)) => (answer, content),
        (Err(error), _) | (_, Err(error)) => return Shown::NotDone(error.to_string()),
    };
    let digest = Digest::of(&content);
    let token = match signature::token(&answer) {
        Ok(token) if token.digest == digest.to_string() => token,
        Ok(_) => return Shown::Bad("was made over another content: it was edited after the time of the token".into()),
        Err(error @ SignError::Program { .. }) => return Shown::NotDone(error.to_string()),
        Err(error) => return Shown::Bad(error.to_string()),
    };
    let Some(authority) = subject.trust.authority else {
        return Shown::NotDone("name the certificate of the authority with --tsa-ca".to_owned());
    };
    if let Err(error) = files::open_following(authority) {
        return Shown::NotDone(error.to_string());
    }
    match signature::verify_token(&answer, &digest, authority) {
        Ok(Ok(())) => Shown::Holds(token),
        Ok(Err(why)) => Shown::Bad(format!("is not of an authority that you named: {why}")),
        Err(error) => Shown::NotDone(error.to_string()),
    }
}

/// The instant at which the signature in `file` is proved to have existed, as `ssh-keygen` takes it: a
/// key that expired since then was good when it signed.
pub(super) fn proven_time(subject: &Subject<'_>, file: &Path) -> Option<String> {
    let path = signature::token_path(subject.run, file);
    files::metadata(&path).ok()?;
    match look(subject, &path) {
        Shown::Holds(token) => Some(token.stamp()),
        Shown::Bad(_) | Shown::NotDone(_) => None,
    }
}
