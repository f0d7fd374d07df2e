//! `evidence render`: writes the record of a run.

use std::path::Path;

use anyhow::Result;

use crate::base::digest::Digest;
use crate::base::files;
use crate::render;
use crate::seal;

use super::args;
use super::exit::Exit;
use super::place::{Place, RECORD};
use super::screen::Screen;

/// Runs the verb.
///
/// # Errors
/// When the run cannot be read, the template fails, or the record cannot be written.
pub fn run(place: &Place, screen: &Screen, args: &args::Render) -> Result<Exit> {
    let found = place.find_run(&args.run)?;
    let bundle = seal::read(&found.run)?;
    let record = render::render(&bundle)?;
    if args.output.as_deref() == Some(Path::new("-")) {
        screen.bytes(&record)?;
        return Ok(Exit::Established);
    }
    let path = args.output.clone().unwrap_or_else(|| found.case_folder.join(RECORD));
    files::write(&path, &record)?;
    let digest = Digest::of(&record).to_string();
    if screen.json {
        screen.value(&serde_json::json!({"record": path, "sha256": digest, "run": bundle.info.run}))?;
    } else {
        screen.text(&format!("record  {}\nsha256  {digest}\n", path.display()))?;
    }
    Ok(Exit::Established)
}
