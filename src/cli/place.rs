//! Where things lie: cases, runs and records below the root, and the policies and templates there
//! that override the built-in ones of the same name.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::base::digest::Digest;
use crate::base::{assets, env, files, text, yaml};
use crate::model::bundle::Replaced;
use crate::model::case::{Case, is_name};
use crate::model::policy::Policy;
use crate::seal;

use super::screen::tell;

/// A template or narrative is written by hand; a larger one is a mistake.
const LIMIT: u64 = 4 << 20;

/// The record's name in its case's folder.
pub const RECORD: &str = "record.md";

/// The root that the arguments name.
pub struct Place {
    root: PathBuf,
}

/// A case as read, with the bytes that are sealed.
pub struct LoadedCase {
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// The case.
    pub case: Case,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A run, and the case folder it belongs to.
pub struct RunPlace {
    /// The run's folder.
    pub run: PathBuf,
    /// The case's folder.
    pub case_folder: PathBuf,
}

impl RunPlace {
    /// The run in the folder `run`. Its real path counts: seen from inside itself, a run would else
    /// take itself for its case's folder.
    fn at(run: &Path) -> Result<Self> {
        let run = files::real_path(run)?;
        let case_folder = run.parent().and_then(Path::parent).unwrap_or(&run).to_owned();
        Ok(Self { run, case_folder })
    }

    /// Where the run's record belongs, if the run lies in its case.
    #[must_use]
    pub fn record(&self) -> Option<PathBuf> {
        let home = self.run.parent().is_some_and(|runs| runs.ends_with("runs"));
        (home && self.case_folder.join("case.yaml").is_file()).then(|| self.case_folder.join(RECORD))
    }
}

impl Place {
    /// Things below `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let base = env::working_folder().unwrap_or_default();
        Self { root: base.join(root).components().collect() }
    }

    /// `reports/<case>`.
    #[must_use]
    pub fn case_folder(&self, case: &str) -> PathBuf {
        self.root.join("reports").join(case)
    }

    /// The file `name` in the root.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder of the case that the argument means: a name, or a path to the folder or its `case.yaml`.
    ///
    /// # Errors
    /// When there is no such case; the message suggests one.
    pub fn find_case(&self, argument: &str) -> Result<PathBuf> {
        let path = Path::new(argument);
        let named = is_name(argument).then(|| self.case_folder(argument));
        let given = [path.to_owned(), path.parent().unwrap_or(path).to_owned()];
        for folder in named.into_iter().chain(given) {
            match files::metadata(&folder.join("case.yaml")) {
                Ok(there) if !there.is_dir() => {
                    return Ok(env::working_folder().unwrap_or_default().join(folder).components().collect());
                }
                // That it may not be read does not mean that it is not there.
                Err(denied @ files::ReadError::Denied { .. }) => return Err(denied.into()),
                _ => {}
            }
        }
        let names = self.cases()?;
        let hint = text::did_you_mean(argument, names.iter().map(String::as_str));
        let next = match (is_name(argument), names.is_empty()) {
            (true, _) => format!("`{}` starts one", self.command("init", argument)),
            (false, true) => "name another folder with --root, or a path that is there".to_owned(),
            (false, false) => format!("there are: {}", names.join(", ")),
        };
        bail!("no case `{argument}` in {}{hint}; {next}", self.root.join("reports").display())
    }

    /// The command `evidence VERB WHAT` as it works from where the reader stands.
    #[must_use]
    pub fn command(&self, verb: &str, what: &str) -> String {
        let root = self.root.to_string_lossy();
        if env::working_folder().is_ok_and(|here| here == self.root) {
            return format!("evidence {verb} {what}");
        }
        format!("evidence --root {} {verb} {what}", text::shell_word(&root))
    }

    /// The names of all cases below the root, also of those that may not be read.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub fn cases(&self) -> Result<Vec<String>> {
        let reports = self.root.join("reports");
        let names = match files::names(&reports) {
            Err(files::ReadError::Absent { .. }) => Vec::new(),
            other => other?,
        };
        let is_case = |name: &String| match files::metadata(&reports.join(name).join("case.yaml")) {
            Ok(there) => !there.is_dir(),
            Err(error) => matches!(error, files::ReadError::Denied { .. }),
        };
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).filter(is_case).collect())
    }

    /// Reads and validates the case that the argument means.
    ///
    /// # Errors
    /// When it cannot be found, read or is not valid.
    pub fn load_case(&self, argument: &str) -> Result<LoadedCase> {
        let folder = self.find_case(argument)?;
        let path = folder.join("case.yaml");
        let (case, bytes) = yaml::read::<Case>(&path)?;
        case.validate().with_context(|| path.display().to_string())?;
        if folder.file_name().is_some_and(|name| name != case.case.as_str()) {
            bail!("{}: case: the case is called `{}` but its folder is not; rename one", path.display(), case.case);
        }
        Ok(LoadedCase { folder, case, bytes })
    }

    /// The case's narrative, if it has one.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn narrative(&self, case: &LoadedCase) -> Result<Option<String>> {
        match files::read_text(&case.folder.join("narrative.md"), LIMIT) {
            Ok(text) => Ok(Some(text)),
            Err(files::ReadError::Absent { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The policy `name`: the root's own, or the built-in one.
    ///
    /// # Errors
    /// When there is none, or it is not valid.
    pub fn policy(&self, name: &str) -> Result<(Policy, Vec<u8>)> {
        let file = format!("{name}.yaml");
        let own = self.root.join("policies").join(&file);
        // One that is there but cannot be read must not be replaced by the built-in one unnoticed.
        let there = !matches!(files::metadata(&own), Err(files::ReadError::Absent { .. }));
        let (policy, bytes) = match (there, assets::policy(&file)) {
            (true, _) => yaml::read::<Policy>(&own)?,
            (false, Some(text)) => (yaml::decode(Path::new(&file), text.as_bytes())?, text.as_bytes().to_vec()),
            (false, None) => {
                let known = assets::policies();
                let hint = text::did_you_mean(name, known.iter().filter_map(|file| file.strip_suffix(".yaml")));
                bail!("no policy `{name}`: neither {} nor a built-in one{hint}", own.display());
            }
        };
        policy.validate().with_context(|| format!("policy `{name}`"))?;
        Ok((policy, bytes))
    }

    /// The built-in policy that the root's own `name`, whose bytes are `own`, replaces with another content.
    #[must_use]
    pub fn replaced(&self, name: &str, own: &[u8]) -> Option<Replaced> {
        let built_in = assets::policy(&format!("{name}.yaml"))?;
        (built_in.as_bytes() != own).then(|| Replaced {
            name: name.to_owned(),
            sha256: Digest::of(own).to_string(),
            built_in_sha256: Digest::of(built_in.as_bytes()).to_string(),
        })
    }

    /// Whether the root has a policy of its own called `name`.
    #[must_use]
    pub fn has_own_policy(&self, name: &str) -> bool {
        files::metadata(&self.root.join("policies").join(format!("{name}.yaml"))).is_ok()
    }

    /// Where the policy `name` is read from, for messages.
    #[must_use]
    pub fn policy_file(&self, name: &str) -> String {
        let own = self.root.join("policies").join(format!("{name}.yaml"));
        if files::metadata(&own).is_ok() { own.display().to_string() } else { format!("built-in policy `{name}`") }
    }

    /// The template file `name` (`incident.md.j2`): the root's own, or the built-in one; `None` when
    /// there is neither.
    ///
    /// # Errors
    /// When the root's own is there but cannot be read: the built-in one must not replace it unnoticed.
    pub fn template(&self, name: &str) -> Result<Option<String>> {
        match files::read_text(&self.root.join("templates").join(name), LIMIT) {
            Ok(text) => Ok(Some(text)),
            Err(files::ReadError::Absent { .. }) => Ok(assets::template(name).map(str::to_owned)),
            Err(error) => Err(error.into()),
        }
    }

    /// The run that the argument means: a run's folder, `CASE/RUN`, or a case's newest sealed run.
    ///
    /// # Errors
    /// When there is none.
    pub fn find_run(&self, argument: &str) -> Result<RunPlace> {
        let path = Path::new(argument);
        let named = self.case_folder("").join(argument.replacen('/', "/runs/", 1));
        for run in [path.to_owned(), named] {
            if is_run(&run) {
                return RunPlace::at(&run);
            }
        }
        self.refuse_unknown_run(argument)?;
        let case_folder = self.find_case(argument)?;
        let Some(run) = self.newest(&case_folder)? else {
            bail!("case `{argument}` has no sealed run; `{}` makes one", self.command("collect", argument));
        };
        Ok(RunPlace { run, case_folder })
    }

    /// The newest run of a case. Runs that were interrupted are passed over, and that is said; one in which
    /// the controlled change was started is not, because what is older knows nothing of it.
    fn newest(&self, case_folder: &Path) -> Result<Option<PathBuf>> {
        let mut runs = seal::runs(case_folder).context("looking for the newest run")?;
        let newest = runs.last().cloned();
        while runs.last().is_some_and(|run| !run.sealed && !seal::acted(&run.path)) {
            runs.pop();
        }
        match (runs.pop(), newest) {
            (Some(run), Some(newest)) if run != newest => {
                let case = case_folder.file_name().unwrap_or_default().to_string_lossy();
                tell(&format!(
                    "note: the newest run, {}, is not sealed (it was interrupted, or is being collected); this is about \
                     {}, the newest sealed one; `{}` lists what was interrupted",
                    newest.name,
                    run.name,
                    self.command("prune", &case)
                ));
                Ok(Some(run.path))
            }
            (Some(run), _) => Ok(Some(run.path)),
            // Reading it says that it is not sealed.
            (None, newest) => Ok(newest.map(|run| run.path)),
        }
    }

    /// `CASE/RUN` and a path to a run are refused here when the case is there but has no such run.
    fn refuse_unknown_run(&self, argument: &str) -> Result<()> {
        let path = Path::new(argument);
        let (Some(case), Some(run)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let case = if case.ends_with("runs") { case.parent().unwrap_or(case) } else { case };
        let named = case.to_str().filter(|name| is_name(name)).map(|name| self.case_folder(name));
        let known = [named, Some(case.to_owned())].into_iter().flatten().find(|f| f.join("case.yaml").is_file());
        let (Some(folder), false) = (known, path.exists()) else { return Ok(()) };
        let runs = files::names(&folder.join("runs")).unwrap_or_default().into_iter();
        let runs: Vec<_> = runs.filter_map(|name| name.into_string().ok()).filter(|name| is_run_name(name)).collect();
        let there = if runs.is_empty() { "it has none".to_owned() } else { format!("there are: {}", runs.join(", ")) };
        bail!("no run `{}` in {}; {there}", run.to_string_lossy(), folder.join("runs").display())
    }

    /// The run that a record was rendered from, by its front matter.
    ///
    /// # Errors
    /// When the record has no front matter that names a run beside it.
    pub fn run_of_record(record: &Path) -> Result<RunPlace> {
        let found = Self::named_run(record);
        // Where a case's record lies, one that does not even say its run any more is a damaged one.
        let home = files::real_path(record)?.parent().map(Path::to_owned).unwrap_or_default();
        let ours = record.ends_with(RECORD) && home.join("case.yaml").is_file();
        match found {
            Err(_) if ours => match seal::latest(&home)? {
                Some(run) => RunPlace::at(&run),
                None => found,
            },
            found => found,
        }
    }

    fn named_run(record: &Path) -> Result<RunPlace> {
        let bytes = files::read(record, 64 << 20)?;
        let front = FrontMatter::of(record, &String::from_utf8_lossy(&bytes))?;
        let run = record.parent().unwrap_or(Path::new("")).join("runs").join(&front.run);
        if !is_run_name(&front.run) || !run.is_dir() {
            bail!("{}: its run {} is not beside it under runs/", record.display(), text::visible(&front.run));
        }
        RunPlace::at(&run)
    }
}

/// What a record says of itself that verification needs.
#[derive(Deserialize)]
pub struct FrontMatter {
    /// The run's name.
    pub run: String,
}

impl FrontMatter {
    /// The front matter of the record `text`; `path` is only named in errors.
    ///
    /// # Errors
    /// When there is none, or it names no run.
    pub fn of(path: &Path, text: &str) -> Result<Self> {
        let body = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        let Some((front, _)) = body else {
            bail!("no record: {} has no front matter; name a record, case or run", path.display());
        };
        Ok(yaml::decode(path, front.as_bytes())?)
    }
}

/// Whether `name` may be a run's folder: it must not lead anywhere else.
fn is_run_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Whether a run, sealed or just begun, lies in `folder`.
fn is_run(folder: &Path) -> bool {
    let begun = || folder.parent().is_some_and(|runs| runs.ends_with("runs")) && seal::is_run_name(folder);
    folder.join("data").is_dir() || (folder.is_dir() && begun())
}
