//! `evidence mask`: the engine rewriting: secrets become labels, everything else stays.

use std::io::{self, BufWriter};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::base::files;
use crate::hygiene::Labeller;

use super::args;
use super::exit::Exit;
use super::rules;
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When the text cannot be read or the masked one cannot be written; nothing is replaced then.
pub fn run(screen: &Screen, args: &args::Mask) -> Result<Exit> {
    let _ = screen;
    let rules = rules::load(&args.choice)?;
    let mut labels = Labeller::new(&rules, args.map.is_some());
    let is_stdin = args.path == Path::new("-");
    if args.in_place && is_stdin {
        bail!("--in-place needs a file; standard input goes to --output or to standard output");
    }
    if is_stdin {
        write(&mut labels, io::stdin().lock(), args.output.as_deref(), None)?;
    } else {
        let (file, before) = files::open_following(&args.path)?;
        let target = if args.in_place { Some(resolved(&args.path)?) } else { args.output.clone() };
        write(&mut labels, &file, target.as_deref(), Some((&file, &before)))?;
    }
    if let Some(map) = &args.map {
        let mut json = serde_json::to_vec_pretty(&labels.places)?;
        json.push(b'\n');
        files::write(map, &json)?;
    }
    Ok(Exit::Established)
}

/// The file itself, when a link was named.
fn resolved(path: &Path) -> Result<std::path::PathBuf> {
    path.canonicalize().with_context(|| path.display().to_string())
}

fn write(
    labels: &mut Labeller<'_>,
    reader: impl io::Read,
    target: Option<&Path>,
    like: Option<(&std::fs::File, &std::fs::Metadata)>,
) -> Result<()> {
    let Some(path) = target else {
        return match labels.copy(reader, BufWriter::new(io::stdout().lock())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        };
    };
    let mut out = files::Replacement::begin(path)?;
    labels.copy(reader, BufWriter::new(&mut out)).with_context(|| path.display().to_string())?;
    if let Some((file, before)) = like
        && !files::unchanged(file, before)?
    {
        bail!("{}: the text changed while it was masked; nothing was written", path.display());
    }
    out.finish(like.map(|(_, before)| before))?;
    Ok(())
}
