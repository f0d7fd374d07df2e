//! `evidence collect`: carries out the plan as a sealed run. From the first look on, the kernel
//! lets us write in the run's own folder only.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::base::digest::Digest;
use crate::base::sandbox::{self, Level};
use crate::base::{clock, env, yaml};
use crate::collect::Session;
use crate::hygiene::{Masked, Masker, Raw};
use crate::judge;
use crate::model::bundle::{RunInfo, SealedFact};
use crate::model::case::Case;
use crate::model::fact::Fact;
use crate::model::policy::Policy;
use crate::model::verdict::{Outcome, Verdict};
use crate::report;
use crate::seal::Writer;

use super::args;
use super::exit::Exit;
use super::place::Place;
use super::plan::{self, Ready};
use super::progress::Bar;
use super::screen::{Screen, tell};

/// Runs the verb.
///
/// # Errors
/// When the case is not valid, the plan is another one, or the run cannot be written.
pub fn run(place: &Place, screen: &Screen, args: &args::Collect) -> Result<Exit> {
    let ready = plan::ready(place, &args.case)?;
    authorised(&ready.digest, args.plan_sha256.as_deref())?;
    let started = clock::now();
    let mut masker = Masker::new();
    let mut writer = Writer::begin(&ready.loaded.folder, started)?;
    let sealed = Sources::seal(&ready, &mut masker, &mut writer)?;
    let sandbox = enter_sandbox(writer.folder(), args.require_sandbox)?;
    let as_of = clock::stamp(started);
    let facts = look(&ready, &sealed, &mut masker, &mut writer, sandbox, &as_of)?;
    let verdict = judge::judge(&sealed.policy, &facts, &sealed.case, &as_of);
    let folder = writer.folder().to_owned();
    let info = RunInfo {
        run: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        started_at: as_of,
        ended_at: clock::stamp(clock::now()),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        plan_sha256: ready.digest.to_string(),
        sandbox: sandbox.word().to_owned(),
    };
    let digest = writer.close(&info, &masker.table(), &verdict)?;
    show(screen, &info, &facts, &verdict, &digest, &folder)?;
    Ok(exit(&facts, &verdict))
}

fn authorised(digest: &Digest, wanted: Option<&str>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let wanted: Digest = wanted.parse().context("--plan-sha256")?;
    if wanted != *digest {
        bail!("the plan is not the authorised one: authorised {wanted}, now {digest}; `evidence plan` shows it");
    }
    Ok(())
}

/// The case and policy as sealed: what the verdict is judged by, now and at every later time.
struct Sources {
    case: Case,
    policy: Policy,
}

impl Sources {
    fn seal(ready: &Ready, masker: &mut Masker, writer: &mut Writer) -> Result<Self> {
        let mut keep = |name: &str, bytes: &[u8]| -> Result<Masked<Vec<u8>>> {
            let raw = Raw::new(bytes.to_vec());
            let masked = if name.ends_with(".yaml") { masker.yaml(raw) } else { masker.bytes(raw) };
            writer.source(name, masked.clone())?;
            Ok(masked)
        };
        let case = keep("case.yaml", &ready.loaded.bytes)?;
        let policy = keep("policy.yaml", &ready.policy_bytes)?;
        for (name, text) in &ready.templates {
            keep(&format!("templates/{name}"), text.as_bytes())?;
        }
        if let Some(text) = &ready.narrative {
            keep("narrative.md", text.as_bytes())?;
        }
        // Decoded from the masked bytes, because those are all that a later judge will have.
        Ok(Self {
            case: yaml::decode(Path::new("case.yaml"), &case)?,
            policy: yaml::decode(Path::new("policy.yaml"), &policy)?,
        })
    }
}

fn enter_sandbox(folder: &Path, required: bool) -> Result<Level> {
    let level = sandbox::restrict_writes(&[folder]);
    if required && !matches!(level, Ok(Level::Full)) {
        bail!("the kernel does not fully enforce read-only here (Landlock); run without --require-sandbox to go on");
    }
    Ok(level.unwrap_or_else(|error| {
        tell(&format!("warning: {error}; going on without it, the record will say so"));
        Level::None
    }))
}

fn look(
    ready: &Ready,
    sealed: &Sources,
    masker: &mut Masker,
    writer: &mut Writer,
    sandbox: Level,
    as_of: &str,
) -> Result<Vec<Fact>> {
    let arguments: Vec<String> =
        env::arguments().into_iter().map(|argument| masker.text(Raw::new(argument)).into_inner()).collect();
    let scratch = writer.scratch()?;
    let bar = Bar::new();
    let session = Session { scratch: &scratch, progress: &bar, sandbox: sandbox.word(), arguments: &arguments };
    let ids: Vec<&str> = ready.loaded.case.collect.iter().map(|step| step.id.as_str()).collect();
    let mut gate = |facts: &[Fact]| judge::fired(&sealed.policy, facts, &ids[facts.len().min(ids.len())..], as_of);
    let mut keep = |fact: Masked<SealedFact>| writer.fact(fact);
    Ok(session.run(&ready.steps, masker, &mut gate, &mut keep)?)
}

fn show(
    screen: &Screen,
    info: &RunInfo,
    facts: &[Fact],
    verdict: &Verdict,
    digest: &Digest,
    folder: &Path,
) -> Result<()> {
    if screen.json {
        screen.value(&report::json::collection(info, facts, verdict, &digest.to_string()))?;
    } else {
        screen.text(&report::collection(facts, verdict, &screen.style))?;
        screen.text(&format!("\nsealed  {}\ndigest  {digest}\n", folder.display()))?;
    }
    Ok(())
}

fn exit(facts: &[Fact], verdict: &Verdict) -> Exit {
    if verdict.outcome == Outcome::HardStop {
        return Exit::HardStop;
    }
    let unseen = |fact: &Fact| fact.absence.is_some() || fact.missing.values().any(|why| why.reason.hides());
    if facts.iter().any(unseen) { Exit::NotEstablished } else { Exit::Established }
}
