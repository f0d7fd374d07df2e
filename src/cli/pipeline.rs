//! The way of a run, shared by `collect` and `run`: sources sealed, looks, facts kept one by one,
//! verdict, close. Looks happen on a thread of their own that the kernel lets write in the run's
//! folder only; such a thread cannot be let loose again, and the governed action must not be bound.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::base::digest::Digest;
use crate::base::sandbox::{self, Enforced, Level};
use crate::base::{clock, env, yaml};
use crate::collect::{self, Kernel, Session, Step};
use crate::hygiene::{Look, Masked, Masker, Raw};
use crate::judge;
use crate::model::bundle::{RunInfo, SealedFact};
use crate::model::case::Case;
use crate::model::fact::{Absence, Fact, Observation};
use crate::model::policy::Policy;
use crate::model::verdict::Verdict;
use crate::seal::{SealError, Writer};

use super::interrupt;
use super::plan::Ready;
use super::progress::Bar;
use super::screen::tell;

/// A run under way.
pub struct Pipeline<'a> {
    ready: &'a Ready,
    sources: Sources,
    masker: Masker,
    writer: Writer,
    scratch: PathBuf,
    arguments: Vec<String>,
    limits: Limits,
    sandbox: Option<Level>,
    facts: Vec<Fact>,
    ids: Vec<String>,
    as_of: String,
}

/// What the operator demands of the kernel, and allows without it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Refuse looks that the kernel does not fully confine.
    pub require_sandbox: bool,
    /// Restore a dump although the kernel does not confine its server.
    pub allow_unconfined: bool,
}

/// A run that was sealed.
pub struct Sealed {
    /// About the run.
    pub info: RunInfo,
    /// Its facts, masked.
    pub facts: Vec<Fact>,
    /// The verdict over them.
    pub verdict: Verdict,
    /// The bundle's digest.
    pub digest: Digest,
    /// Where it lies.
    pub folder: PathBuf,
}

/// The case and policy as sealed: what the verdict is judged by, now and at every later time.
struct Sources {
    case: Case,
    policy: Policy,
}

/// Refuses any other plan than the one that was authorised, if one was.
///
/// # Errors
/// When the plan is another one, or `wanted` is no digest.
pub fn authorised(digest: &Digest, wanted: Option<&str>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let wanted: Digest = wanted.parse().context("--plan-sha256")?;
    if wanted != *digest {
        bail!("the plan is not the authorised one: authorised {wanted}, now {digest}; `evidence plan` shows it");
    }
    Ok(())
}

impl<'a> Pipeline<'a> {
    /// Begins a run and seals what it depends on.
    ///
    /// # Errors
    /// When another process collects this case, or the run cannot be written.
    pub fn begin(ready: &'a Ready, limits: Limits) -> Result<Self> {
        let started = clock::now();
        let mut masker = Masker::new();
        let mut writer = Writer::begin(&ready.loaded.folder, started)?;
        let sources = Sources::seal(ready, &mut masker, &mut writer)?;
        let scratch = writer.scratch()?;
        let steps = ready.loaded.case.facts().len();
        let [collect, prune] = &ready.next;
        interrupt::begin(writer.folder().to_owned(), scratch.clone(), steps, collect.clone(), prune.clone());
        let arguments = env::arguments().into_iter().map(|a| masker.text(Raw::new(a)).into_inner()).collect();
        Ok(Self {
            ready,
            scratch,
            ids: ready.loaded.case.facts().into_iter().map(|step| step.id).collect(),
            sources,
            masker,
            writer,
            arguments,
            limits,
            sandbox: None,
            facts: Vec::new(),
            as_of: clock::stamp(started),
        })
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        self.writer.folder()
    }

    /// The facts so far.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Takes `steps` in order, confined, and gives the hard stop that halted them; then, still
    /// confined, does `last`.
    ///
    /// # Errors
    /// When the kernel must confine it and does not, or a fact cannot be kept.
    pub fn look<T: Send>(&mut self, steps: &[Step], last: impl FnOnce() -> T + Send) -> Result<(Option<String>, T)> {
        let rooms = collect::make_rooms(steps);
        std::thread::scope(|scope| {
            let looks = scope.spawn(|| {
                let enforced = confine(self.writer.folder(), &rooms, self.limits.require_sandbox)?;
                self.sandbox = Some(enforced.level());
                Ok((self.take(steps, enforced)?, last()))
            });
            looks.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn take(&mut self, steps: &[Step], enforced: Enforced) -> Result<Option<String>, SealError> {
        let Self { sources, masker, writer, scratch, arguments, facts, ids, as_of, limits, .. } = self;
        let bar = Bar::new();
        let kernel = Kernel {
            sandbox: enforced.level().word(),
            not_refused: &enforced.not_refused(),
            allow_unconfined: limits.allow_unconfined,
        };
        let session = Session { scratch, progress: &bar, kernel, arguments };
        let mut gate = |facts: &[Fact]| judge::fired(&sources.policy, facts, &pending(ids, facts), as_of);
        let mut keep = |fact: Masked<SealedFact>| writer.fact(fact);
        session.run(steps, facts, masker, &mut gate, &mut keep)
    }

    /// Keeps the steps as absences for the reason `why`.
    ///
    /// # Errors
    /// When a fact cannot be kept.
    pub fn skip(&mut self, steps: &[Step], why: &Absence) -> Result<()> {
        steps.iter().try_for_each(|step| {
            let fact = step.unseen(why, &mut self.masker);
            self.keep(fact)
        })
    }

    /// Keeps a fact that no collector made.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn tell(&mut self, look: Look, seen: Raw<Observation>) -> Result<()> {
        let fact = self.masker.fact(look, seen);
        self.keep(fact)
    }

    fn keep(&mut self, fact: Masked<SealedFact>) -> Result<()> {
        self.facts.push(fact.fact.clone());
        Ok(self.writer.fact(fact)?)
    }

    /// The hard stops that forbid the governed action on the facts so far.
    pub fn forbidden(&self) -> Vec<String> {
        judge::forbids(&self.sources.policy, &self.facts, &pending(&self.ids, &self.facts), &self.as_of)
    }

    /// Writes in the run what is about to be done.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn announce(&mut self, what: &str) -> Result<()> {
        let masked = self.masker.text(Raw::new(what.to_owned())).into_inner();
        Ok(self.writer.announce(&masked)?)
    }

    /// Removes the run, of which nothing was sealed and in which no action was started.
    ///
    /// # Errors
    /// When the system refuses; the run then stays unsealed.
    pub fn discard(self) -> Result<()> {
        interrupt::over();
        Ok(self.writer.discard()?)
    }

    /// Judges the facts and seals the run.
    ///
    /// # Errors
    /// When the run cannot be written; it then stays unsealed.
    pub fn close(self) -> Result<Sealed> {
        let Self { ready, sources, masker, writer, facts, as_of, sandbox, .. } = self;
        let verdict = judge::judge(&sources.policy, &facts, &sources.case, &as_of);
        let folder = writer.folder().to_owned();
        let info = RunInfo {
            run: writer.name().to_owned(),
            started_at: as_of,
            ended_at: clock::stamp(clock::now()),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan_sha256: ready.digest.to_string(),
            sandbox: sandbox.unwrap_or(Level::None).word().to_owned(),
            rules: Some(judge::RULES),
            policy_replaces: ready.plan.policy_replaces.clone(),
        };
        let digest = writer.close(&info, &masker.table(), &verdict)?;
        interrupt::over();
        Ok(Sealed { info, facts, verdict, digest, folder })
    }
}

impl Sources {
    fn seal(ready: &Ready, masker: &mut Masker, writer: &mut Writer) -> Result<Self> {
        let mut sealed = BTreeMap::new();
        for (name, bytes) in ready.sources() {
            let raw = Raw::new(bytes.to_vec());
            let masked = if name.ends_with(".yaml") { masker.yaml(raw) } else { masker.bytes(raw) };
            writer.source(&name, masked.clone()).with_context(|| match *masked == bytes {
                true => format!("{name} cannot be sealed"),
                false => format!("{name} cannot be sealed once its secret is masked; leave the secret out of the file"),
            })?;
            sealed.insert(name, masked.into_inner());
        }
        // Decoded from the masked bytes, because those are all that a later judge will have.
        Ok(Self {
            case: yaml::decode(Path::new("case.yaml"), &sealed["case.yaml"])?,
            policy: yaml::decode(Path::new("policy.yaml"), &sealed["policy.yaml"])?,
        })
    }
}

/// The ids that no fact has yet.
fn pending<'a>(ids: &'a [String], facts: &[Fact]) -> Vec<&'a str> {
    ids.iter().skip(facts.len()).map(String::as_str).collect()
}

/// Lets this thread write in the run's folder and in the `rooms` of its looks only, and change nothing else.
fn confine(folder: &Path, rooms: &[PathBuf], required: bool) -> Result<Enforced> {
    let allowed: Vec<&Path> = std::iter::once(folder).chain(rooms.iter().map(PathBuf::as_path)).collect();
    let enforced = sandbox::enter(&allowed).unwrap_or_else(|error| {
        tell(&format!("warning: {error}; continuing without it, the record says so"));
        Enforced::default()
    });
    let open = || enforced.not_refused().join("; ");
    if required && enforced.level() != Level::Full {
        bail!("this kernel does not refuse: {}; run without --require-sandbox to continue", open());
    }
    if enforced.level() == Level::None {
        tell(&format!("warning: this kernel does not refuse: {}; the record says so", open()));
    }
    Ok(enforced)
}
