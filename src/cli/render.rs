//! `evidence render`: writes the record of a run.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::base::digest::Digest;
use crate::base::output::{Existing, Output};
use crate::base::{files, text};
use crate::render;
use crate::report;
use crate::verify;

use super::args;
use super::exit::Exit;
use super::place::{Place, RunPlace};
use super::screen::{Screen, tell};

/// Runs the verb.
///
/// # Errors
/// When the run cannot be read, the template fails, or the record cannot be written.
pub fn run(place: &Place, screen: &Screen, args: &args::Render) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    let bundle = verify::sound(&found.run)?;
    let record = render::render(&bundle)?;
    if let Some(notice) = render::origin(&bundle).notice() {
        tell(&format!("warning: the record is {notice}; what that template prints is quoted"));
    }
    for typed in render::uncited(&bundle) {
        let (line, figure) = (typed.line, text::visible(&typed.figure));
        tell(&format!(
            "warning: narrative.md:{line}: the figure {figure} is typed and cites no fact; cite one with {{{{ fact(\"id.path\") }}}}"
        ));
    }
    if args.output.as_deref() == Some(Path::new("-")) {
        screen.bytes(&record)?;
        return Ok(Exit::Established);
    }
    let path = destination(&found, args.output.as_deref())?;
    write(&found, &path, args.force, &record)?;
    let digest = Digest::of(&record).to_string();
    if screen.json {
        screen.value(&report::json::record(&path, &digest, &bundle.info.run))?;
    } else {
        screen.text(&format!("record  {}\nsha256  {digest}\n", path.display()))?;
    }
    Ok(Exit::Established)
}

/// Writes the record. The one beside its run is the verb's own, and is replaced; any other file is not.
fn write(found: &RunPlace, path: &Path, force: bool, record: &[u8]) -> Result<()> {
    let real = |path: &Path| Some(files::real_path(path.parent()?).ok()?.join(path.file_name()?));
    let own = found.record().is_some_and(|own| own == path || real(&own) == real(path));
    let mut output = Output::begin(path, Existing::forced(force || own))?;
    output.write_all(record).with_context(|| path.display().to_string())?;
    Ok(output.finish(None)?)
}

/// Where the record goes: never into the run, which is sealed, nor beside something that is not ours.
fn destination(found: &RunPlace, output: Option<&Path>) -> Result<PathBuf> {
    let Some(output) = output else {
        let run = found.run.display();
        return found.record().with_context(|| {
            format!("{run}: this run does not lie in a case's folder; say where the record goes with --output")
        });
    };
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if files::real_path(folder).is_ok_and(|folder| folder.starts_with(&found.run)) {
        bail!("{}: lies in the sealed run, which nothing may be added to", output.display());
    }
    Ok(output.to_owned())
}
