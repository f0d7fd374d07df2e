//! What the case orders: the settings of a drill, checked, and the plan that follows from them.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::base::{quantity, text};
use crate::collect::{SettingError, Settings, settings};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::engine::Kind;
use super::guard::Guarded;

/// How much is restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// Everything.
    #[default]
    Full,
    /// Definitions, no row.
    Schema,
    /// Definitions without foreign keys, and the rows of the tables named.
    Sample,
}

impl Mode {
    /// The word in facts.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Schema => "schema",
            Self::Sample => "sample",
        }
    }
}

/// What happens at the first error of the restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnError {
    /// It ends there.
    Stop,
    /// It goes on, and every error is kept.
    Continue,
}

/// Which tables are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Counts {
    /// Every one.
    All,
    /// None.
    None,
}

/// A question with a known answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Smoke {
    /// Its name.
    pub(super) id: String,
    /// One query.
    pub(super) query: String,
    /// Its rows, each a map of column and value; or the one value of the one row.
    pub(super) expect: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    member: Option<String>,
    #[serde(default)]
    mode: Mode,
    jobs: Option<u8>,
    #[serde(default)]
    roles: Vec<String>,
    counts: Option<Counts>,
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    digests: Vec<String>,
    #[serde(default)]
    smoke: Vec<Smoke>,
    #[serde(default)]
    engine: Kind,
    image: Option<String>,
    binaries: Option<String>,
    #[serde(default)]
    allow_newer: bool,
    on_error: Option<OnError>,
    limit: Option<Value>,
    scratch: Option<String>,
    scratch_limit: Option<Value>,
    encoding: Option<String>,
    amcheck: Option<bool>,
}

/// A drill as ordered.
pub(super) struct Order {
    pub(super) path: PathBuf,
    pub(super) member: Option<String>,
    pub(super) mode: Mode,
    pub(super) jobs: u8,
    pub(super) roles: Vec<String>,
    pub(super) counts: Counts,
    pub(super) tables: Vec<String>,
    pub(super) digests: Vec<String>,
    pub(super) smoke: Vec<Smoke>,
    pub(super) engine: Kind,
    /// By digest; empty for a local server.
    pub(super) image: String,
    pub(super) binaries: Option<PathBuf>,
    /// Whether the policy allows the server of that folder by name.
    pub(super) binaries_allowed: bool,
    pub(super) allow_newer: bool,
    pub(super) on_error: Option<OnError>,
    pub(super) limit: Duration,
    pub(super) scratch: Option<PathBuf>,
    pub(super) scratch_limit: u64,
    pub(super) encoding: String,
    pub(super) amcheck: bool,
    /// Servers that were there before.
    pub(super) guarded: Vec<Guarded>,
}

impl Order {
    /// Reads and checks the step's settings.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let with: With = settings.decode()?;
        let wrong = |message: &str| Err(SettingError::new(format!("with: {message}")));
        let seconds = settings::seconds("limit", with.limit.as_ref(), 7200.0)?;
        if seconds < 1.0 {
            return wrong("limit: at least `1s`");
        }
        if with.mode == Mode::Sample && with.tables.is_empty() {
            return wrong("mode: sample needs `tables:`, whose rows are restored");
        }
        let image = with.image.unwrap_or_default();
        if (with.engine == Kind::Local) != image.is_empty() {
            return wrong("image: goes with `engine: docker` or `engine: podman`, and these need one");
        }
        if !image.is_empty() && !is_by_digest(&image) {
            return wrong("image: by digest, as in `docker.io/library/postgres@sha256:…` (64 hexadecimal digits)");
        }
        if with.engine != Kind::Local && (with.scratch.is_some() || with.binaries.is_some()) {
            return wrong("scratch, binaries: go with `engine: local`; a container has a file system of its own");
        }
        let binaries = with.binaries.map(|folder| settings.path(&folder));
        let server = binaries.as_ref().map(|folder| [text::from_name(&folder.join("postgres")).into_owned()]);
        let allowed = |server: [String; 1]| settings.commands.iter().any(|command| command.allows(&server));
        let encoding = with.encoding.unwrap_or_else(|| "UTF8".to_owned());
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain(&encoding) {
            return wrong("encoding: the server's name of one, such as `UTF8` or `LATIN1`");
        }
        Ok(Self {
            path: settings.path(&with.path),
            member: with.member,
            mode: with.mode,
            jobs: with.jobs.unwrap_or(2).clamp(1, 64),
            roles: with.roles,
            counts: with.counts.unwrap_or(Counts::All),
            tables: with.tables,
            digests: with.digests,
            smoke: with.smoke,
            engine: with.engine,
            image,
            binaries_allowed: server.is_some_and(allowed),
            binaries,
            allow_newer: with.allow_newer,
            on_error: with.on_error,
            limit: Duration::from_secs_f64(seconds),
            scratch: with.scratch.map(|folder| settings.path(&folder)),
            scratch_limit: settings::bytes("scratch_limit", with.scratch_limit.as_ref(), u64::MAX)?,
            encoding,
            amcheck: with.amcheck.unwrap_or(true),
            guarded: Guarded::all(settings.case),
        })
    }

    /// The dump, for people.
    pub(super) fn source(&self) -> String {
        let name = text::from_name(&self.path);
        self.member.as_ref().map_or_else(|| name.to_string(), |member| format!("{name}, member {member}"))
    }

    /// Everything that the drill will do, in order.
    pub(super) fn plan(&self) -> Vec<Action> {
        let run = |what: String| Action::new(Verb::Run, what);
        let mut plan = vec![
            Action::new(Verb::Read, format!("{}, every byte, examined while it is restored", self.source())),
            run(self.place()),
            run(format!("initdb -A trust --no-sync -E {} --locale=C, and the server without TCP", self.encoding)),
            run(format!("go on only if the new server is none of: {}", self.guarded_words())),
        ];
        plan.extend(self.roles.iter().map(|role| Action::new(Verb::Ask, format!("CREATE ROLE {}", ident(role)))));
        let jobs = self.jobs;
        plan.push(run(format!(
            "restore ({}): psql -X -f - of a plain dump, pg_restore --jobs {jobs} of any other",
            self.mode.word()
        )));
        plan.push(Action::new(
            Verb::Ask,
            "identity, settings, objects by schema, indexes, extensions of the new server",
        ));
        if self.counts == Counts::All || !self.tables.is_empty() {
            let which = if self.counts == Counts::All { "every table".to_owned() } else { self.tables.join(", ") };
            plan.push(Action::new(Verb::Ask, format!("SELECT count(*) FROM ONLY each of: {which}")));
        }
        plan.extend(self.digests.iter().map(|table| Action::new(Verb::Ask, format!("SHA-256 of the rows of {table}"))));
        plan.extend(self.smoke.iter().map(|smoke| Action::new(Verb::Ask, smoke.query.clone())));
        let limit = quantity::show_seconds(self.limit.as_secs_f64());
        plan.push(run(format!("end the server and remove what was made; after {limit} at the latest")));
        plan
    }

    fn place(&self) -> String {
        match (self.engine, &self.scratch) {
            (Kind::Local, Some(folder)) => format!("mkdir -m 0700 {}/evidence-drill-…", text::from_name(folder)),
            (Kind::Local, None) => "mkdir -m 0700 ${TMPDIR:-/tmp}/evidence-drill-…".to_owned(),
            (engine, _) => format!(
                "{} run --rm --pull=never --network none --cap-drop all --name evidence-drill-… {}",
                engine.word(),
                self.image
            ),
        }
    }

    fn guarded_words(&self) -> String {
        let words = self.guarded.iter().map(Guarded::words);
        let words: Vec<_> = words.collect();
        if words.is_empty() { "(the case names no target)".to_owned() } else { words.join("; ") }
    }
}

/// `name` as SQL spells an identifier, always quoted.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as SQL spells a literal.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn is_by_digest(image: &str) -> bool {
    let name = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let clean = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    image.split_once("@sha256:").is_some_and(|(place, digest)| {
        name(place) && place.chars().all(clean) && digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}
