//! Which container engine a command on this machine reaches. `docker` and `podman` are redirected by
//! variables, contexts and configuration files. The endpoint is worked out once, before anything is read:
//! it belongs to the plan and its digest, and each command is then held to that endpoint.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::base::child::Invocation;
use crate::base::digest::Digest;
use crate::base::{env, files};
use crate::model::plan::{Action, Verb};

/// The variables that choose an engine. The controlled change of a case gets them as well, or it would
/// change another engine than the one that was looked at.
pub const VARIABLES: &[&str] = &[
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
];

/// What a client needs whichever endpoint it is held to.
const INHERIT: &[&str] = &[
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_API_VERSION",
    "CONTAINER_SSHKEY",
    "CONTAINERS_*",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
];

const DOCKER_DEFAULT: &str = "unix:///var/run/docker.sock";
/// The most of a configuration file that is read.
const LIMIT: u64 = 4 << 20;

/// A container engine on this machine, and the endpoint that it is asked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    program: &'static str,
    endpoint: Option<String>,
    chosen_by: String,
    /// The variable that holds the client to the endpoint.
    pin: Option<(&'static str, String)>,
}

/// The engines that something other than their own default chose, by program.
#[must_use]
pub fn redirected() -> std::collections::BTreeMap<String, String> {
    let engines = ["docker", "podman"].map(|program| (program, Engine::resolve(program)));
    let chosen = engines.into_iter().filter(|(_, engine)| engine.is_redirected());
    chosen.map(|(program, engine)| (program.to_owned(), engine.described())).collect()
}

/// Whether one of these actions asks an engine on this machine.
#[must_use]
pub fn is_asked(actions: &[Action]) -> bool {
    let lines = ["docker", "podman"].map(|program| Engine::resolve(program).action());
    actions.iter().any(|action| lines.contains(action))
}

/// Where the settings of an engine come from; in tests, from no machine.
struct Settings<'a> {
    var: &'a dyn Fn(&str) -> Option<String>,
    read: &'a dyn Fn(&Path) -> Option<Json>,
    is_there: &'a dyn Fn(&Path) -> bool,
    root: bool,
}

impl Engine {
    /// The engine that `program` (`docker` or `podman`) reaches now.
    #[must_use]
    pub fn resolve(program: &'static str) -> Self {
        let var = |name: &str| env::var(name).filter(|value| !value.trim().is_empty());
        let read = |path: &Path| serde_json::from_slice(&files::read(path, LIMIT).ok()?).ok();
        let settings = Settings { var: &var, read: &read, is_there: &|path| path.exists(), root: env::user_id() == 0 };
        if program == "podman" { podman(&settings) } else { docker(&settings) }
    }

    /// The endpoint, and what chose it, for people: `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => self.chosen_by.clone(),
        }
    }

    /// Whether the client works without a service, on files of its own.
    pub(super) fn is_serviceless(&self) -> bool {
        self.pin.is_none()
    }

    /// Whether something other than the engine's own default chose the endpoint.
    #[must_use]
    pub fn is_redirected(&self) -> bool {
        !matches!(self.chosen_by.as_str(), "the default" | "its API socket" | "no API service")
    }

    /// The line of a plan.
    #[must_use]
    pub fn action(&self) -> Action {
        Action::new(Verb::Ask, format!("the {} engine at {}", self.program, self.described()))
    }

    /// The endpoint, and what chose it.
    fn described(&self) -> String {
        let by = if self.endpoint.is_some() { format!(" ({})", self.chosen_by) } else { String::new() };
        format!("{}{by}", self.endpoint())
    }

    /// Holds a client to this engine, whatever the environment says.
    pub(super) fn hold(&self, run: Invocation) -> Invocation {
        let run = run.inherit(INHERIT);
        match &self.pin {
            Some((name, value)) => run.env(name, value),
            None => run,
        }
    }
}

fn docker(settings: &Settings<'_>) -> Engine {
    let engine = |endpoint: Option<String>, chosen_by: String, pin| Engine {
        program: "docker",
        endpoint,
        chosen_by,
        pin: Some(pin),
    };
    if let Some(host) = (settings.var)("DOCKER_HOST") {
        return engine(Some(host.clone()), "DOCKER_HOST".to_owned(), ("DOCKER_HOST", host));
    }
    let own = (settings.var)("HOME").map(|home| PathBuf::from(home).join(".docker"));
    let folder = (settings.var)("DOCKER_CONFIG").map(PathBuf::from).or(own).unwrap_or_default();
    let by_variable = (settings.var)("DOCKER_CONTEXT").map(|name| (name, "DOCKER_CONTEXT"));
    let current = || {
        let config = (settings.read)(&folder.join("config.json"))?;
        Some((config.get("currentContext")?.as_str()?.to_owned(), "docker context use"))
    };
    match by_variable.or_else(current).filter(|(name, _)| !name.is_empty() && name != "default") {
        None => {
            let endpoint = DOCKER_DEFAULT.to_owned();
            engine(Some(endpoint.clone()), "the default".to_owned(), ("DOCKER_HOST", endpoint))
        }
        Some((name, by)) => {
            let meta = folder.join("contexts/meta").join(Digest::of(name.as_bytes()).to_string()).join("meta.json");
            let endpoint = (settings.read)(&meta)
                .and_then(|meta| Some(meta.pointer("/Endpoints/docker/Host")?.as_str()?.to_owned()));
            engine(endpoint, format!("context `{name}`, {by}"), ("DOCKER_CONTEXT", name))
        }
    }
}

fn podman(settings: &Settings<'_>) -> Engine {
    let engine =
        |endpoint: Option<String>, chosen_by: String, pin| Engine { program: "podman", endpoint, chosen_by, pin };
    if let Some(host) = (settings.var)("CONTAINER_HOST") {
        return engine(Some(host.clone()), "CONTAINER_HOST".to_owned(), Some(("CONTAINER_HOST", host)));
    }
    if let Some(name) = (settings.var)("CONTAINER_CONNECTION") {
        let by = format!("connection `{name}`, CONTAINER_CONNECTION");
        return engine(None, by, Some(("CONTAINER_CONNECTION", name)));
    }
    let folder = match settings.root {
        true => Some(PathBuf::from("/run")),
        false => (settings.var)("XDG_RUNTIME_DIR").map(PathBuf::from),
    };
    let socket = folder.map(|folder| folder.join("podman/podman.sock")).filter(|socket| (settings.is_there)(socket));
    match socket {
        Some(socket) => {
            let endpoint = format!("unix://{}", socket.display());
            engine(Some(endpoint.clone()), "its API socket".to_owned(), Some(("CONTAINER_HOST", endpoint)))
        }
        None => engine(None, "no API service".to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The engine with these variables and files; a file without content is a socket.
    fn with(program: &str, vars: &[(&str, &str)], files: &[(&str, Json)], root: bool) -> Engine {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let file = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path);
        let read = |path: &Path| file(path).map(|(_, json)| json.clone());
        let settings = Settings { var: &var, read: &read, is_there: &|path| file(path).is_some(), root };
        if program == "podman" { podman(&settings) } else { docker(&settings) }
    }

    #[test]
    fn docker_is_redirected_by_variable_context_and_configuration() {
        let home = ("HOME", "/home/ann");
        let plain = with("docker", &[home], &[], false);
        assert_eq!(plain.action().what, "the docker engine at unix:///var/run/docker.sock (the default)");
        assert!(!plain.is_redirected());
        let host = ("DOCKER_HOST", "tcp://203.0.113.7:2376");
        let by_host = with("docker", &[home, host, ("DOCKER_CONTEXT", "lab")], &[], false);
        assert_eq!(by_host.action().what, "the docker engine at tcp://203.0.113.7:2376 (DOCKER_HOST)");
        let config = ("/home/ann/.docker/config.json", serde_json::json!({"currentContext": "lab"}));
        let meta = serde_json::json!({"Name": "lab", "Endpoints": {"docker": {"Host": "ssh://ops@db.example.org"}}});
        let place = format!("/home/ann/.docker/contexts/meta/{}/meta.json", Digest::of(b"lab"));
        let files = [config, (place.as_str(), meta)];
        let by_use = with("docker", &[home], &files, false);
        assert_eq!(
            by_use.action().what,
            "the docker engine at ssh://ops@db.example.org (context `lab`, docker context use)"
        );
        assert_eq!(by_use.pin, Some(("DOCKER_CONTEXT", "lab".to_owned())));
        let back = with("docker", &[home, ("DOCKER_CONTEXT", "default")], &files, false);
        assert_eq!(back, plain);
        let unread = with("docker", &[home, ("DOCKER_CONTEXT", "gone")], &files, false);
        assert_eq!(unread.endpoint(), "context `gone`, DOCKER_CONTEXT");
        assert!([by_host, by_use, unread].iter().all(Engine::is_redirected));
    }

    #[test]
    fn podman_is_asked_at_its_socket_where_there_is_one() {
        let socket = [("/run/podman/podman.sock", Json::Null), ("/run/user/7/podman/podman.sock", Json::Null)];
        let root = with("podman", &[("XDG_RUNTIME_DIR", "/run/user/7")], &socket, true);
        assert_eq!(root.endpoint(), "unix:///run/podman/podman.sock");
        let user = with("podman", &[("XDG_RUNTIME_DIR", "/run/user/7")], &socket, false);
        assert_eq!(user.endpoint(), "unix:///run/user/7/podman/podman.sock");
        let none = with("podman", &[], &socket[1..], true);
        assert!(none.is_serviceless() && none.action().what == "the podman engine at no API service");
        let given = with("podman", &[("CONTAINER_HOST", "unix:///srv/p.sock")], &socket, true);
        assert_eq!((given.endpoint().as_str(), given.is_redirected()), ("unix:///srv/p.sock", true));
    }
}
