//! `evidence plan`: everything that a collection would read, ask or run, in order, and the digest
//! by which it can be authorised.

use anyhow::{Context as _, Result, anyhow, bail};

use crate::base::canonical;
use crate::base::digest::Digest;
use crate::collect::{self, Step};
use crate::govern;
use crate::hygiene::{Masker, Raw};
use crate::judge;
use crate::model;
use crate::model::action::{Phase, SIDE_EFFECTS};
use crate::model::plan::Plan;
use crate::model::value::Value;
use crate::render;
use crate::report;

use super::args;
use super::exit::Exit;
use super::place::{LoadedCase, Place};
use super::screen::{Screen, tell};

/// A case that is ready to be collected: everything checked, nothing read yet.
pub struct Ready {
    /// The case.
    pub loaded: LoadedCase,
    /// The policy's bytes.
    pub policy_bytes: Vec<u8>,
    /// The template and its partials, by file name.
    pub templates: std::collections::BTreeMap<String, String>,
    /// The narrative, if any.
    pub narrative: Option<String>,
    /// The steps, in order; with an action, those before it.
    pub steps: Vec<Step>,
    /// The governed action, if the case has one.
    pub action: Option<govern::Ready>,
    /// The steps after the action, in order.
    pub after: Vec<Step>,
    /// What they will do.
    pub plan: Plan,
    /// The plan's digest.
    pub digest: Digest,
    /// The commands that collect it again, and that list what was interrupted.
    pub next: [String; 2],
}

impl Ready {
    /// What a run seals before it looks, by file name: the case first, for it names most secrets.
    pub fn sources(&self) -> impl Iterator<Item = (String, &[u8])> {
        let own = [("case.yaml", &self.loaded.bytes), ("policy.yaml", &self.policy_bytes)];
        let own = own.map(|(name, bytes)| (name.to_owned(), bytes.as_slice()));
        let templates = self.templates.iter().map(|(name, text)| (format!("templates/{name}"), text.as_bytes()));
        let narrative = self.narrative.iter().map(|text| ("narrative.md".to_owned(), text.as_bytes()));
        own.into_iter().chain(templates).chain(narrative)
    }
}

/// Loads and checks everything that a collection of the case would need.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn ready(place: &Place, argument: &str) -> Result<Ready> {
    let loaded = place.load_case(argument)?;
    let file = loaded.folder.join("case.yaml");
    let at = || file.display().to_string();
    let by = |items: &judge::JudgeError| match items.is_of_policy() {
        true => place.policy_file(&loaded.case.policy),
        false => at(),
    };
    let checked = |result: Result<(), judge::JudgeError>| {
        result.map_err(|error| {
            let at = by(&error);
            anyhow::Error::new(error).context(at)
        })
    };
    let (policy, policy_bytes) = place.policy(&loaded.case.policy).with_context(at)?;
    checked(judge::check_references(&policy, &loaded.case))?;
    render::check_words(&loaded.case, &policy).with_context(at)?;
    let may_show = |step: &model::case::Step, path: &str| may_show(step, path) && compares(&loaded.case, step, path);
    checked(judge::check_paths(&policy, &loaded.case, &may_show))?;
    let unread = std::cell::RefCell::new(None);
    let load = |name: &str| place.template(name).unwrap_or_else(|error| unread.replace(Some(error)).and(None));
    let templates = render::needed(&loaded.case.template, &load);
    if let Some(error) = unread.take() {
        return Err(error).with_context(at);
    }
    let templates = templates.with_context(at)?;
    let narrative = place.narrative(&loaded)?;
    if let Some(text) = &narrative {
        render::check_narrative(text, &loaded.case, &may_show).with_context(at)?;
    }
    let prepare = |steps: &[model::case::Step]| {
        let prepared = collect::prepare(&loaded.case, steps, &loaded.folder, &policy.commands);
        prepared.map_err(|e| anyhow!("{}{}: {e}", file.display(), line_of_step(&loaded.bytes, e.step.as_deref())))
    };
    let (steps, after) = (prepare(&loaded.case.before())?, prepare(&loaded.case.after())?);
    let action = loaded.case.action.as_ref().map(|action| govern::Ready::new(action, &loaded.folder));
    let asks_engine = || steps.iter().chain(&after).any(|step| collect::engine::is_asked(&step.plan().actions));
    if let Some(name) = action.as_ref().and_then(govern::Ready::engine_conflict).filter(|_| asks_engine()) {
        bail!(
            "{}: action: set: {name} leads the command to another container engine than the steps look at; set \
             {name} in the environment of `evidence` instead, so that both reach the same",
            file.display()
        );
    }
    let plan = Plan {
        case: loaded.case.case.clone(),
        policy: policy.policy.clone(),
        policy_sha256: Digest::of(&policy_bytes).to_string(),
        seats: loaded.case.seats.clone(),
        waivers: loaded.case.waivers.clone(),
        templates: templates.iter().map(|(name, text)| (name.clone(), sha256(text))).collect(),
        narrative_sha256: narrative.as_deref().map(sha256),
        sources: std::collections::BTreeMap::new(),
        rules: judge::RULES,
        policy_replaces: None,
        steps: steps.iter().map(Step::plan).collect(),
        action: action.as_ref().map(govern::Ready::plan),
        after: after.iter().map(Step::plan).collect(),
    };
    let next = ["collect", "prune"].map(|verb| place.command(verb, &loaded.case.case));
    let digest = Digest::of(b"");
    let mut ready = Ready { loaded, policy_bytes, templates, narrative, steps, action, after, plan, digest, next };
    ready.plan.sources = ready.sources().map(|(name, bytes)| (name, Digest::of(bytes).to_string())).collect();
    ready.plan.policy_replaces = place.replaced(&policy.policy, &ready.policy_bytes);
    ready.digest = canonical::anchor(&ready.plan)?;
    for found in judge::vacuous(&policy, &ready.loaded.case) {
        tell(&format!("warning: policy {}: {found}", policy.policy));
    }
    if let Some(replaced) = &ready.plan.policy_replaces {
        tell(&format!("note: {}", replaced.sentence()));
    }
    Ok(ready)
}

fn sha256(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

/// `:7` for a step whose id stands on line 7: settings are decoded after the YAML, so the reader's
/// own place is gone by then.
fn line_of_step(case: &[u8], id: Option<&str>) -> String {
    let text = String::from_utf8_lossy(case);
    let stands = |line: &str| {
        let key = line.trim_start().trim_start_matches("- ").trim_start_matches(['{', ' ']);
        let value = key.strip_prefix("id:").map(|v| v.trim().trim_matches(['"', '\'']));
        value.is_some_and(|v| Some(v.split([' ', ',', '#']).next().unwrap_or(v)) == id)
    };
    text.lines().position(stands).map_or_else(String::new, |index| format!(":{}", index + 1))
}

/// Whether the step can ever show something at `path`: its collector documents it, and a pattern
/// is one that the step looks for.
fn may_show(step: &model::case::Step, path: &str) -> bool {
    let documented = |name: &str| judge::path_fits(name, path);
    let patterns = step.with.get("patterns");
    let sought = match (path.strip_prefix("patterns."), patterns) {
        (Some(rest), Some(patterns)) => patterns.at(rest.split('.').next().unwrap_or(rest)).is_some(),
        _ => true,
    };
    let doc = collect::find(&step.uses).map(collect::Collector::doc).or_else(|| govern::doc(&step.uses));
    sought && doc.is_none_or(|doc| doc.values.iter().any(|(name, _)| documented(name)))
}

/// Whether the case watches, or looks at twice, what `path` of its side effects is about. An action
/// is started once: that nobody could ever have seen its effect must not come out afterwards.
fn compares(case: &model::case::Case, step: &model::case::Step, path: &str) -> bool {
    let (SIDE_EFFECTS, Some(action)) = (step.uses.as_str(), &case.action) else { return true };
    let twice = |id: &str| case.collect.iter().any(|step| step.id == id && step.phase == Some(Phase::Both));
    match path.split('.').collect::<Vec<_>>()[..] {
        ["compared", id, ..] => twice(id),
        ["compared" | "differences" | "differences_cut", ..] => case.collect.iter().any(|step| twice(&step.id)),
        ["logs" | "log_lines_added", ..] => !action.watch.logs.is_empty(),
        ["from" | "to", ..] => true,
        _ => !action.watch.folders.is_empty(),
    }
}

/// The plan as it may be shown: masked as a run would mask it, which first learns from what it seals.
fn shown(ready: &Ready) -> Result<Plan> {
    let mut masker = Masker::new();
    for (_, bytes) in ready.sources() {
        masker.bytes(Raw::new(bytes.to_vec()));
    }
    let plan = Value::from_json(serde_json::to_value(&ready.plan)?).context("the plan is empty")?;
    let masked = masker.value(Raw::new(plan)).into_inner();
    Ok(serde_json::from_value(serde_json::to_value(masked)?)?)
}

/// Runs the verb.
///
/// # Errors
/// When the case is not valid.
pub fn run(place: &Place, screen: &Screen, args: &args::Plan) -> Result<Exit> {
    let ready = ready(place, &args.case)?;
    let plan = shown(&ready)?;
    let digest = ready.digest.to_string();
    screen.origin(&render::Origin::of_case(&ready.templates, &ready.loaded.case.template))?;
    if screen.json {
        screen.value(&report::json::plan(&plan, &digest))?;
    } else {
        screen.text(&report::plan(&plan, &digest, args.full, &screen.style))?;
    }
    Ok(Exit::Established)
}
