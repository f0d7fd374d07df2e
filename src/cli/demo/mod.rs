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

/// What follows the run, and the exit code that shows that it saw what was staged.
const VERBS: [(&str, Exit); 3] =
    [("check", Exit::HardStop), ("render", Exit::Established), ("verify", Exit::Established)];

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
    let digest = planned(screen, &folder, &mut codes)?;
    let authorised = ["--plan-sha256", digest.as_str()];
    // Without a server the hard stops would hold the script back, so it ran before the look.
    let look = if scene.governed() { "run" } else { "collect" };
    perform(screen, &folder, (look, &authorised), Exit::HardStop, &mut codes)?;
    for (verb, expected) in VERBS {
        perform(screen, &folder, (verb, &[]), expected, &mut codes)?;
    }
    drop(scene);
    finish(screen, &folder, codes)
}

fn finish(screen: &Screen, folder: &Path, codes: Codes) -> Result<Exit> {
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

type Codes = BTreeMap<String, Option<i32>>;

/// Asks for the plan and shows its digest, which is what the run is then held to.
fn planned(screen: &Screen, folder: &Path, codes: &mut Codes) -> Result<String> {
    let outcome = run_verb(folder, ("plan", &["--json"]), "never")?;
    codes.insert("plan".to_owned(), outcome.code);
    let plan: serde_json::Value = serde_json::from_slice(&outcome.stdout).with_context(|| {
        tell(&String::from_utf8_lossy(&outcome.stderr));
        format!("`evidence plan` ended with {:?}", outcome.code)
    })?;
    let digest = plan["plan_sha256"].as_str().unwrap_or_default().to_owned();
    if !screen.json {
        screen.text(&format!("\n$ evidence plan g6 --json | jq -r .plan_sha256\n{digest}\n"))?;
    }
    Ok(digest)
}

/// Shows one verb, runs it, and holds its exit code against what was staged.
fn perform(screen: &Screen, folder: &Path, verb: (&str, &[&str]), expected: Exit, codes: &mut Codes) -> Result<()> {
    if !screen.json {
        let words: String = verb.1.iter().map(|word| format!(" {word}")).collect();
        screen.text(&format!("\n$ evidence {} g6{words}\n", verb.0))?;
    }
    let outcome = run_verb(folder, verb, if screen.style.colour { "always" } else { "never" })?;
    codes.insert(verb.0.to_owned(), outcome.code);
    if !screen.json {
        screen.bytes(&outcome.stdout)?;
    }
    if outcome.code != Some(expected as i32) {
        tell(&String::from_utf8_lossy(&outcome.stderr));
        bail!("`evidence {}` ended with {:?} and not with {}", verb.0, outcome.code, expected as u8);
    }
    Ok(())
}

/// Runs one verb as a process of its own: a collection binds its whole process to the run's folder.
fn run_verb(folder: &Path, (verb, words): (&str, &[&str]), color: &str) -> Result<Outcome> {
    let binary = env::own_binary()?;
    let mut args = vec!["--root".into(), folder.to_path_buf().into_os_string(), "--color".into(), color.into()];
    args.extend([verb.into(), "g6".into()]);
    args.extend(words.iter().map(Into::into));
    let run = Invocation::new(binary).args(&args).inherit(&["PG*", "EVIDENCE_*"]).limit(LIMIT).run();
    run.with_context(|| format!("evidence {verb}"))
}
