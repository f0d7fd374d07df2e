//! `evidence timestamp`: the question for a time-stamping authority, and its answer kept beside the
//! run. This program speaks to no network; whoever wants a token carries the question there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::base::digest::Digest;
use crate::base::files;
use crate::base::output::{Existing, Output};
use crate::model::case::is_name;
use crate::seal;
use crate::seal::signature::{self, SIGNATURE_LIMIT, SeatFiles};

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When there is nothing to stamp, `openssl` refuses, or the token is about something else.
pub fn run(place: &Place, screen: &Screen, args: &args::Timestamp) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    seal::read(&found.run)?;
    let subject = subject(&found.run, args.seat.as_deref())?;
    let bytes = files::read(&subject, SIGNATURE_LIMIT)
        .with_context(|| "there is nothing to stamp yet: the seat has not signed".to_owned())?;
    let digest = Digest::of(&bytes);
    match (&args.query, &args.token) {
        (Some(query), _) => ask(screen, &subject, &digest, query, args.force),
        (None, Some(token)) => keep(screen, &found.run, &subject, &digest, token, args.replace),
        (None, None) => bail!("name --query or --token"),
    }
}

/// What the token is about.
fn subject(run: &Path, seat: Option<&str>) -> Result<PathBuf> {
    match seat {
        None => Ok(run.join(seal::TAG_MANIFEST)),
        Some(seat) if is_name(seat) => Ok(SeatFiles::of(run, seat).signature),
        Some(seat) => bail!("--seat: `{seat}` is no seat that can sign"),
    }
}

fn ask(screen: &Screen, subject: &Path, digest: &Digest, query: &Path, force: bool) -> Result<Exit> {
    let mut output = Output::begin(query, Existing::forced(force))?;
    output.write_all(&signature::query(digest)?)?;
    output.finish(None)?;
    if screen.json {
        screen.value(&serde_json::json!({ "query": query, "of": subject, "sha256": digest }))?;
    } else {
        let (of, to) = (subject.display(), query.display());
        let send = "curl -H 'Content-Type: application/timestamp-query' --data-binary @FILE URL > ANSWER";
        screen.text(&format!(
            "query   {to}\nof      {of}\nsha256  {digest}\n\nask an authority, for instance: {send}\n"
        ))?;
    }
    Ok(Exit::Established)
}

fn keep(screen: &Screen, run: &Path, subject: &Path, digest: &Digest, token: &Path, replace: bool) -> Result<Exit> {
    let answer = files::read(token, SIGNATURE_LIMIT)?;
    let said = signature::token(&answer).with_context(|| token.display().to_string())?;
    if said.digest != digest.to_string() {
        bail!("{}: is a token over another content than {}", token.display(), subject.display());
    }
    let path = signature::token_path(run, subject);
    signature::keep(run, &[(&path, &answer)], replace)?;
    let at = said.at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    if screen.json {
        screen.value(&serde_json::json!({ "token": path, "of": subject, "sha256": digest, "says": at }))?;
    } else {
        let next = "it says this time; `evidence verify --tsa-ca FILE` checks who says it";
        screen.text(&format!("token  {}\nsays   {at}\n{next}\n", path.display()))?;
    }
    Ok(Exit::Established)
}
