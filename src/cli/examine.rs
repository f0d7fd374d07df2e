//! `evidence examine`: the examiner alone, for the first minute: is this backup any good?

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::base::clock::Deadline;
use crate::base::files;
use crate::base::quantity::{self, Quantity};
use crate::collect::Progress as _;
use crate::examine::{Examination, Options, Quality, examine};
use crate::report;

use super::args;
use super::exit::Exit;
use super::progress::Bar;
use super::screen::{Screen, chain, tell};

/// Runs the verb.
///
/// # Errors
/// When a limit is no quantity, or the output cannot be printed.
pub fn run(screen: &Screen, args: &args::Examine) -> Result<Exit> {
    let options = options(args)?;
    let limit = Duration::try_from_secs_f64(quantity::parse_seconds(&args.time_limit).context("--time-limit")?)
        .context("--time-limit")?;
    let mut worst = Exit::Established;
    let mut seen = Vec::new();
    for path in &args.paths {
        match one(path, &options, limit) {
            Ok(found) => {
                worst = worse(worst, exit(&found));
                if !screen.json {
                    screen.text(&report::examination(&path.to_string_lossy(), &found, &screen.style))?;
                }
                seen.push((path.to_string_lossy().into_owned(), found));
            }
            Err(error) => {
                tell(&format!("error: {}", chain(&error)));
                worst = worse(worst, Exit::Usage);
            }
        }
    }
    if screen.json {
        screen.value(&report::json::examinations(&seen))?;
    }
    Ok(worst)
}

fn options(args: &args::Examine) -> Result<Options> {
    let limit = match quantity::parse(&args.expansion_limit).context("--expansion-limit")? {
        Quantity::Bytes(bytes) => bytes,
        _ => bail!("--expansion-limit: needs a unit of bytes, e.g. `500 GB`"),
    };
    Ok(Options { payload_digests: args.payload_digest, expansion_limit: Some(limit), ..Options::default() })
}

fn one(path: &Path, options: &Options, limit: Duration) -> Result<Examination> {
    let bar = Bar::new();
    bar.begin(&path.to_string_lossy(), "backup");
    let found = if path == Path::new("-") {
        through(io::stdin(), options, limit, &bar)
    } else {
        let (file, before) = files::open_following(path)?;
        let found = through(&file, options, limit, &bar)?;
        if !files::unchanged(&file, &before)? {
            bail!("{}: changed while it was read; examine it again when nothing writes to it", path.display());
        }
        Ok(found)
    };
    bar.end();
    found
}

fn through(reader: impl Read + Send, options: &Options, limit: Duration, bar: &Bar) -> Result<Examination> {
    let deadline = Deadline::after(limit);
    let seen = std::sync::atomic::AtomicU64::new(0);
    let progress = |total: u64| {
        let before = seen.swap(total, std::sync::atomic::Ordering::Relaxed);
        bar.advance(total.saturating_sub(before));
    };
    Ok(examine(reader, options, &progress, &|| deadline.passed())?)
}

fn exit(found: &Examination) -> Exit {
    match found.quality {
        Quality::Good => Exit::Established,
        Quality::Bad => Exit::Failed,
        Quality::Inconclusive | Quality::UnknownKind => Exit::NotEstablished,
    }
}

/// What could not be read outweighs what is bad, and that outweighs what is not known.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit| match exit {
        Exit::Established => 0,
        Exit::NotEstablished => 1,
        Exit::Failed => 2,
        _ => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}
