//! How a program of another place is run: `ssh`, the client of a container engine, or the program itself.
//! Every such command goes through here, so that all have the same environment, end with this program,
//! are held to the engine of the plan, and give up at once on a host that did not answer in this run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::child::{Invocation, Outcome};
use crate::base::text;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Map;

use super::engine::Engine;
use super::failure_text;
use super::tool::{LIMIT, not_run, short};

/// What every such command may see of our environment; `ssh` and Kerberos need it.
const INHERIT: &[&str] = &["SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "KRB5CCNAME", "KRB5_CONFIG"];

/// `ssh` and its options. It ends rather than asks. It takes a host key only from `known_hosts`, and
/// prints the one it saw. Nothing is forwarded, no command of `ssh_config` is run, no connection is
/// shared. A link that is dead for 45 s ends it.
pub(super) const SSH: &[&str] = &[
    "ssh",
    "-a",
    "-x",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "ServerAliveInterval=15",
    "-o",
    "ServerAliveCountMax=3",
    "-o",
    "StrictHostKeyChecking=yes",
    "-o",
    "UpdateHostKeys=no",
    "-o",
    "ControlMaster=no",
    "-o",
    "ControlPath=none",
    "-o",
    "ClearAllForwardings=yes",
    "-o",
    "PermitLocalCommand=no",
    "-o",
    "RemoteCommand=none",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "IgnoreUnknown=LogVerbose",
    "-o",
    "LogVerbose=sshconnect.c:verify_host_key():*",
    "-T",
];

/// Hosts that did not answer in this run, and why.
static DOWN: Mutex<BTreeMap<String, Absence>> = Mutex::new(BTreeMap::new());

/// The endpoints of the engines on other hosts, asked once in a run; `None` where that failed.
static FAR_ENGINES: Mutex<BTreeMap<String, Option<String>>> = Mutex::new(BTreeMap::new());

/// Forgets what an earlier run found about other hosts.
pub(super) fn forget_hosts() {
    DOWN.lock().unwrap_or_else(PoisonError::into_inner).clear();
    FAR_ENGINES.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The way to one place.
pub(super) struct Transport {
    host: Option<String>,
    engine: Option<Engine>,
    far_engine: Option<&'static str>,
    host_key: Mutex<Option<String>>,
}

impl Transport {
    /// The way over `ssh` to `host`, if any, and there (or here) through the client `engine`, if any.
    pub(super) fn new(host: Option<&str>, engine: Option<&'static str>) -> Self {
        Self {
            host: host.map(str::to_owned),
            engine: engine.filter(|_| host.is_none()).map(Engine::resolve),
            far_engine: engine.filter(|_| host.is_some()),
            host_key: Mutex::default(),
        }
    }

    /// The program and its arguments that run `words` at the end of the way.
    pub(super) fn command(&self, words: &[String]) -> Vec<String> {
        over_ssh(self.host.as_deref(), words)
    }

    /// What a plan says of the way besides the command itself.
    pub(super) fn plan(&self) -> Vec<Action> {
        let far = self.far_endpoint_words().map(|words| Action::new(Verb::Run, text::shell_line(&words)));
        self.engine.iter().map(Engine::action).chain(far).collect()
    }

    /// The command that prints the endpoint of the engine on the other host.
    fn far_endpoint_words(&self) -> Option<Vec<String>> {
        self.far_engine.filter(|engine| *engine == "docker")?;
        let words = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
        Some(self.command(&words.map(str::to_owned)))
    }

    /// The endpoint of the engine on the other host, as the client there prints it.
    fn far_endpoint(&self) -> Option<String> {
        let (host, words) = (self.host.as_ref()?, self.far_endpoint_words()?);
        let known = FAR_ENGINES.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned();
        if let Some(known) = known {
            return known;
        }
        let answer = self.run(&words, LIMIT).ok().filter(Outcome::success);
        let line = answer.map(|outcome| String::from_utf8_lossy(&outcome.stdout).trim().to_owned());
        let endpoint = line.filter(|line| line.contains("://") && line.lines().count() == 1).map(|line| short(&line));
        FAR_ENGINES.lock().unwrap_or_else(PoisonError::into_inner).insert(host.clone(), endpoint.clone());
        endpoint
    }

    /// What the source of a fact says of the way: ` at unix:///var/run/docker.sock`.
    pub(super) fn described(&self) -> String {
        self.engine.as_ref().map_or_else(String::new, |engine| format!(" at {}", engine.endpoint()))
    }

    /// The whole argument list `words`, ready to be run.
    ///
    /// # Errors
    /// When its host did not answer earlier in this run.
    pub(super) fn invocation(&self, words: &[String]) -> Result<Invocation, Absence> {
        if let Some(absence) =
            self.host.as_ref().and_then(|host| DOWN.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned())
        {
            let message = format!("{} (found by an earlier step of this run)", absence.message);
            return Err(Absence::new(absence.reason, message).settled_by(by_hand(words)));
        }
        let (program, arguments) = words.split_first().map_or(("true", words), |(p, rest)| (p.as_str(), rest));
        let run = Invocation::new(program).args(arguments).inherit(INHERIT).ends_with_us();
        Ok(match &self.engine {
            Some(engine) => engine.hold(run),
            None => run,
        })
    }

    /// Runs the whole argument list `words` for at most `limit`.
    ///
    /// # Errors
    /// When it could not be run, or did not end in time.
    pub(super) fn run(&self, words: &[String], limit: Duration) -> Result<Outcome, Absence> {
        let program = words.first().map_or("", String::as_str);
        let settle = by_hand(words);
        let run = self.invocation(words)?.env("TZ", "UTC").limit(limit).run();
        let outcome = run.map_err(|error| not_run(&error).settled_by(&*settle))?;
        let outcome = self.heard(outcome);
        if outcome.timed_out {
            let message = format!("`{program}` gave no answer within {} s", limit.as_secs());
            return Err(Absence::new(Reason::TimedOut, message).settled_by(settle));
        }
        Ok(outcome)
    }

    /// Takes what `ssh` says of itself out of an outcome, and remembers a host that did not answer.
    pub(super) fn heard(&self, outcome: Outcome) -> Outcome {
        let Some(host) = &self.host else { return outcome };
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let (own, rest): (Vec<&str>, Vec<&str>) = said.split_inclusive('\n').partition(|line| is_log(line));
        if let Some(key) = own.iter().find_map(|line| line.split_once("Server host key: ")) {
            let key = key.1.trim().split(' ').map(text::visible).collect::<Vec<_>>().join(" ");
            *self.host_key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
        }
        let outcome = Outcome { stderr: rest.concat().into_bytes(), ..outcome };
        if let Some(message) = failure_text::unreachable(&outcome) {
            let absence = Absence::new(Reason::Unavailable, message);
            DOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(host.clone(), absence);
        }
        outcome
    }

    /// Why a command of this way failed: `known` are words of its messages with what they mean.
    pub(super) fn failed(&self, words: &[String], outcome: &Outcome, known: &[(&str, Reason)]) -> Absence {
        if let Some(absence) = self.serviceless(outcome) {
            return absence;
        }
        let told = failure_text::read(outcome, self.host.as_deref(), known);
        // Over ssh it is the far side, or its sshd, that refused: more rights here change nothing.
        let sudo = if told.reason == Reason::Denied && self.host.is_none() { "sudo " } else { "" };
        Absence::new(told.reason, told.line).settled_by(format!("{sudo}{}", by_hand(words)))
    }

    /// Podman without its service, refused by our own sandbox.
    fn serviceless(&self, outcome: &Outcome) -> Option<Absence> {
        self.engine.as_ref().filter(|engine| engine.is_serviceless())?;
        let said = String::from_utf8_lossy(&outcome.stderr).to_lowercase();
        let refused =
            ["permission denied", "read-only file system", "unable to open database", "operation not permitted"];
        if !refused.iter().any(|words| said.contains(words)) {
            return None;
        }
        let message = "podman without its API service writes locks and a database even to look, and the sandbox of \
                       this program forbids that: start the service, and its socket is used";
        Some(Absence::new(Reason::Unavailable, message).settled_by("systemctl start podman.socket"))
    }

    /// Sets `name` in the observation: the endpoint of the engine, and the host key that `ssh` saw.
    pub(super) fn tell(&self, name: &str, seen: &mut Observation) {
        let mut reached = Map::new();
        if let Some(engine) = &self.engine {
            reached.insert("engine".to_owned(), engine.endpoint().into());
        }
        if let Some(endpoint) = self.far_endpoint() {
            reached.insert("engine".to_owned(), endpoint.into());
        }
        if let Some(key) = self.host_key.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            reached.insert("host_key".to_owned(), key.into());
        }
        if reached.is_empty() {
            return;
        }
        let why = [("engine", "no container engine was asked for it"), ("host_key", "it was not reached over ssh")];
        for (key, why) in why.into_iter().filter(|(key, _)| !reached.contains_key(*key)) {
            let (reason, why) = match (key, self.far_engine) {
                ("engine", Some(_)) => (Reason::Unavailable, "the client on the far side did not print its endpoint"),
                _ => (Reason::NotApplicable, why),
            };
            seen.miss(&format!("{name}.{key}"), Absence::new(reason, why));
        }
        seen.set(name, reached);
    }
}

/// `words` as `ssh` takes them; the remote shell reads each as one word.
pub(super) fn over_ssh(host: Option<&str>, words: &[String]) -> Vec<String> {
    let Some(host) = host else { return words.to_vec() };
    let own = SSH.iter().map(|word| (*word).to_owned()).chain([host.to_owned(), "--".to_owned()]);
    own.chain(words.iter().map(|word| text::shell_word(word).into_owned())).collect()
}

/// The argument list `words` as a person would type it: `ssh` as the person has set it up.
pub(super) fn by_hand(words: &[String]) -> String {
    let is_ours = words.len() > SSH.len() && words.iter().zip(SSH).all(|(word, ours)| word == ours);
    let own = if is_ours { &words[SSH.len()..] } else { words };
    let line = text::shell_line(own);
    if is_ours { format!("ssh {line}") } else { line }
}

/// A line of the client's own log, which the options above ask for.
fn is_log(line: &str) -> bool {
    let line = line.trim_end();
    (line.starts_with("debug") || line.contains("verify_host_key")) && line.contains(": ") && line.is_ascii()
}
