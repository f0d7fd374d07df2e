//! `evidence demo`: a broken backup re-enacted with real parts (a real server, a real `pg_dump`, a
//! real `gzip`, real scripts), then the same commands that an operator would type.
//!
//! It writes in its own folder, and a cluster of its own in a private temporary folder that is gone
//! afterwards.

mod case;
mod scene;
mod server;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::base::child::{Invocation, Outcome};
use crate::base::{env, files};
use crate::report;

use super::args;
use super::exit::Exit;
use super::screen::{self, Screen, note, tell};
use scene::Scene;

/// The longest that one verb may take here.
const LIMIT: Duration = Duration::from_secs(600);

/// The verbs, and the exit code that shows that they saw what was staged.
const VERBS: [(&str, Exit); 4] = [
    ("collect", Exit::HardStop),
    ("check", Exit::HardStop),
    ("render", Exit::Established),
    ("verify", Exit::Established),
];

/// Runs the verb.
///
/// # Errors
/// When the folder is in use, a part cannot be made, or a verb did not see what was staged.
pub fn run(screen: &Screen, args: &args::Demo) -> Result<Exit> {
    let folder = own_folder(&args.folder)?;
    screen::tell_swept(&crate::cluster::sweep(&env::temporary_folder()));
    note("staging: a database, five good nights and a bad one …");
    let scene = Scene::stage(&folder, args.server_binaries.as_deref())?;
    if !screen.json {
        screen.text(&scene.story())?;
    }
    let mut codes = BTreeMap::new();
    for (verb, expected) in VERBS {
        let outcome = run_verb(screen, &folder, verb)?;
        codes.insert(verb.to_owned(), outcome.code);
        if outcome.code != Some(expected as i32) {
            tell(&String::from_utf8_lossy(&outcome.stderr));
            bail!("`evidence {verb}` ended with {:?} and not with {}", outcome.code, expected as u8);
        }
    }
    drop(scene);
    finish(screen, &folder, codes)
}

fn finish(screen: &Screen, folder: &Path, codes: BTreeMap<String, Option<i32>>) -> Result<Exit> {
    let record = folder.join("reports/g6/record.md");
    if screen.json {
        screen.value(&report::json::demonstration(folder, &record, codes))?;
    } else {
        let root = folder.display();
        screen.text(&format!("\nThe record lies in {}\n", record.display()))?;
        screen.text(&format!("Look around:  evidence --root {root} check g6\n"))?;
    }
    Ok(Exit::Established)
}

/// Makes the folder, or takes an empty one.
fn own_folder(folder: &Path) -> Result<PathBuf> {
    let folder: PathBuf = env::working_folder()?.join(folder).components().collect();
    if folder.exists() && !files::names(&folder)?.is_empty() {
        bail!("{}: is not empty; name another folder, or remove it", folder.display());
    }
    files::make_folder(&folder)?;
    Ok(folder)
}

/// Runs one verb as a process of its own: a collection binds its whole process to the run's folder.
fn run_verb(screen: &Screen, folder: &Path, verb: &str) -> Result<Outcome> {
    let binary = env::own_binary()?;
    let color = if screen.style.colour { "always" } else { "never" };
    let mut args = vec!["--root".into(), folder.to_path_buf().into_os_string(), "--color".into(), color.into()];
    args.extend([verb.into(), "g6".into()]);
    if !screen.json {
        screen.text(&format!("\n$ evidence {verb} g6\n"))?;
    }
    let run = Invocation::new(binary).args(&args).inherit(&["PG*", "EVIDENCE_*"]).limit(LIMIT).run();
    let outcome = run.with_context(|| format!("evidence {verb}"))?;
    if !screen.json {
        screen.bytes(&outcome.stdout)?;
    }
    Ok(outcome)
}
