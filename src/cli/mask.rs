//! `evidence mask`: the engine rewriting: secrets become labels, everything else stays.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::base::files;
use crate::base::output::{Existing, Output};
use crate::hygiene::Labeller;

use super::args;
use super::exit::Exit;
use super::rules;
use super::screen::{Screen, tell};

/// A file that is masked, as it was when it was opened.
struct Source<'a> {
    file: &'a File,
    before: Metadata,
}

/// Runs the verb.
///
/// # Errors
/// When the text cannot be read or the masked one cannot be written; nothing is replaced then.
pub fn run(screen: &Screen, args: &args::Mask) -> Result<Exit> {
    let _ = screen;
    let rules = rules::load(&args.choice)?;
    let mut labels = Labeller::new(&rules, args.map.is_some());
    let is_stdin = args.path == Path::new("-");
    let named = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if args.in_place && is_stdin {
        bail!("--in-place needs a file; standard input goes to --output or to standard output");
    }
    if args.map.is_some() && args.map.as_deref() == named {
        bail!("--output and --map name the same file");
    }
    let existing = Existing::forced(args.force);
    // Before anything is read, so that a refusal leaves nothing half done.
    let map = args.map.as_deref().map(|path| Output::begin(path, existing)).transpose()?;
    if is_stdin {
        let output = named.map(|path| Output::begin(path, existing)).transpose()?;
        write(&mut labels, io::stdin().lock(), output, None)?;
    } else if args.in_place {
        // A link is not followed here: what would be replaced is not what was named.
        let (file, before) = files::open(&args.path)?;
        warn_of_other_names(&args.path, &before);
        let output = Output::in_place(&args.path, &before)?;
        write(&mut labels, &file, Some(output), Some(Source { file: &file, before }))?;
    } else {
        let (file, before) = files::open_following(&args.path)?;
        let output = named.map(|path| Output::begin(path, existing)).transpose()?;
        write(&mut labels, &file, output, Some(Source { file: &file, before }))?;
    }
    if let Some(mut map) = map {
        let mut json = serde_json::to_vec_pretty(&labels.places)?;
        json.push(b'\n');
        map.write_all(&json).context("--map")?;
        map.finish(None)?;
    }
    Ok(Exit::Established)
}

/// Says that hard links keep the text as it was.
fn warn_of_other_names(path: &Path, before: &Metadata) {
    let others = before.nlink().saturating_sub(1);
    if others > 0 {
        let path = path.display();
        tell(&format!("warning: {path}: has {others} other name(s) (hard links), which keep the text unmasked"));
    }
}

fn write(
    labels: &mut Labeller<'_>,
    reader: impl io::Read,
    output: Option<Output>,
    source: Option<Source<'_>>,
) -> Result<()> {
    let Some(mut out) = output else {
        return match labels.copy(reader, BufWriter::new(io::stdout().lock())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        };
    };
    labels.copy(reader, BufWriter::new(&mut out)).context("the masked text could not be written")?;
    if let Some(Source { file, before }) = &source
        && !files::unchanged(file, before)?
    {
        let what = if out.is_stream() { "what was written is not one state of it" } else { "nothing was written" };
        bail!("the text changed while it was masked; {what}; run the command again");
    }
    out.finish(source.as_ref().map(|source| &source.before))?;
    Ok(())
}
