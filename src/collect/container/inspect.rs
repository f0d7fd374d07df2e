//! Puts the answer of `inspect` into the words of the observation. It takes what it names and
//! nothing else: an answer holds passwords (environment, command, labels) that nobody asked for.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use crate::base::clock;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};

/// The year in which the engines put what has not happened.
const NEVER: &str = "0001-";

/// Fills `seen` from the answer about a container.
pub(super) fn tell(container: &Json, seen: &mut Observation) {
    seen.set("exists", true);
    if let Some(name) = text(container, "/Name") {
        seen.set("name", name.trim_start_matches('/'));
    }
    copy_text(container, "/Id", "id", seen);
    tell_state(container, seen);
    tell_health(container, seen);
    tell_image(container, seen);
    tell_mounts(container, seen);
    tell_networks(container, seen);
    tell_ports(container, seen);
    tell_environment(container, seen);
    copy_bool(container, "/HostConfig/Privileged", "privileged", seen);
    copy_bool(container, "/HostConfig/ReadonlyRootfs", "read_only_root", seen);
    match text(container, "/Config/User") {
        Some("") | None => seen.miss("user", no("it was told no user; the image decides")),
        Some(user) => seen.set("user", user),
    }
}

/// The id of the container's image, if it is one that can be asked for.
pub(super) fn image_id(container: &Json) -> Option<String> {
    let id = text(container, "/Image")?;
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    (digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The digests from the answer about the image.
pub(super) fn tell_digests(image: &Json, seen: &mut Observation) {
    let digests = image.pointer("/RepoDigests").and_then(Json::as_array);
    let digests: Vec<&str> = digests.into_iter().flatten().filter_map(Json::as_str).collect();
    if digests.is_empty() {
        return seen.miss("image.digests", no("the image came from no registry, so it has no digest there"));
    }
    let list: Vec<Value> = digests.into_iter().map(Value::from).collect();
    if let Some(Value::Map(image)) = seen.values.get_mut("image") {
        image.insert("digests".into(), Value::List(list));
    }
}

fn tell_state(container: &Json, seen: &mut Observation) {
    let state = text(container, "/State/Status").unwrap_or_default();
    copy_text(container, "/State/Status", "state", seen);
    copy_bool(container, "/State/OOMKilled", "oom_killed", seen);
    copy_time(container, "/State/StartedAt", "started_at", "it was never started", seen);
    copy_time(container, "/State/FinishedAt", "finished_at", "it has not ended yet", seen);
    let runs = runs(container, state);
    if let Some(runs) = runs {
        seen.set("running", runs);
    }
    let never = seen.missing.contains_key("started_at");
    match (runs, int(container, "/State/ExitCode"), state) {
        // While it lives, the engines print 0 there.
        (Some(true), ..) => seen.miss("exit_code", no("it runs")),
        (_, _, "paused") => seen.miss("exit_code", no("it has not ended: it is paused")),
        (_, _, "stopping" | "removing") => seen.miss("exit_code", no("it is being ended")),
        (Some(false), Some(_), _) if never => seen.miss("exit_code", no("it was never started")),
        (Some(false), Some(code), _) => seen.set("exit_code", code),
        _ => {}
    }
    if let Some(count) = int(container, "/RestartCount") {
        seen.set("restart_count", count);
    }
    match text(container, "/HostConfig/RestartPolicy/Name") {
        Some("") => seen.set("restart_policy", "no"),
        Some(name) => seen.set("restart_policy", name),
        None => {}
    }
}

/// Whether its first process runs now. Docker says `Running` of a container that waits to be started
/// again, and of a paused one; Podman does not.
fn runs(container: &Json, state: &str) -> Option<bool> {
    let is = |name: &str| container.pointer(&format!("/State/{name}")).and_then(Json::as_bool);
    let waits = ["Restarting", "Paused", "Dead"].iter().any(|name| is(name) == Some(true));
    let has_no_process = int(container, "/State/Pid") == Some(0);
    let other_state = !matches!(state, "" | "running");
    Some(is("Running")? && !waits && !has_no_process && !other_state)
}

fn tell_health(container: &Json, seen: &mut Observation) {
    // Podman has called it both.
    let health = ["/State/Health", "/State/Healthcheck"].iter().find_map(|at| container.pointer(at));
    let status = health.and_then(|health| text(health, "/Status")).filter(|s| !["", "none"].contains(s));
    let why = match seen.values.get("running") {
        _ if status.is_none() => "no health check is configured",
        // What the engine keeps there is the last answer from before.
        Some(Value::Bool(false)) => "it does not run, so no health check is made",
        _ => "",
    };
    let Some((health, status)) = health.zip(status).filter(|_| why.is_empty()) else {
        for name in ["health", "health_failing_streak"] {
            seen.miss(name, no(why));
        }
        return;
    };
    seen.set("health", status);
    if let Some(streak) = int(health, "/FailingStreak") {
        seen.set("health_failing_streak", streak);
    }
}

fn tell_image(container: &Json, seen: &mut Observation) {
    let mut image = Map::new();
    let name = text(container, "/Config/Image").or_else(|| text(container, "/ImageName"));
    for (key, value) in [("name", name), ("id", text(container, "/Image"))] {
        if let Some(value) = value {
            image.insert(key.to_owned(), value.into());
        }
    }
    seen.set("image", image);
}

fn tell_mounts(container: &Json, seen: &mut Observation) {
    let Some(mounts) = container.pointer("/Mounts").and_then(Json::as_array) else { return };
    let row = |mount: &Json| {
        let mut row = Map::new();
        for (key, at) in [("type", "/Type"), ("source", "/Source"), ("destination", "/Destination"), ("name", "/Name")]
        {
            if let Some(text) = text(mount, at).filter(|text| !text.is_empty()) {
                row.insert(key.to_owned(), text.into());
            }
        }
        if let Some(writable) = mount.pointer("/RW").and_then(Json::as_bool) {
            row.insert("read_only".into(), (!writable).into());
        }
        Value::Map(row)
    };
    seen.set("mounts", Value::List(mounts.iter().map(row).collect()));
}

fn tell_networks(container: &Json, seen: &mut Observation) {
    copy_text(container, "/HostConfig/NetworkMode", "network_mode", seen);
    if let Some(networks) = container.pointer("/NetworkSettings/Networks").and_then(Json::as_object) {
        seen.set("networks", networks.keys().map(String::as_str).collect::<Vec<_>>());
    }
}

fn tell_ports(container: &Json, seen: &mut Observation) {
    let ports = container.pointer("/NetworkSettings/Ports");
    // Engines print null there when no port is named at all.
    let Some(ports) = ports.map(|ports| ports.as_object().into_iter().flatten().collect::<Vec<_>>()) else { return };
    let (mut published, mut exposed) = (Vec::new(), Vec::new());
    for (port, bindings) in ports {
        let bindings = bindings.as_array().map(Vec::as_slice).unwrap_or_default();
        if bindings.is_empty() {
            exposed.push(Value::from(port.as_str()));
        }
        for binding in bindings {
            let mut row = Map::from([("container_port".to_owned(), port.as_str().into())]);
            for (key, at) in [("host_ip", "/HostIp"), ("host_port", "/HostPort")] {
                if let Some(text) = text(binding, at) {
                    row.insert(key.to_owned(), text.into());
                }
            }
            published.push(Value::Map(row));
        }
    }
    seen.set("ports", Value::List(published));
    seen.set("exposed", Value::List(exposed));
}

/// The part before the first `=`, if it can be a name; a value never looks like one by accident,
/// because an entry without `=` is only a name where it is spelled like one.
fn tell_environment(container: &Json, seen: &mut Observation) {
    let Some(entries) = container.pointer("/Config/Env").and_then(Json::as_array) else { return };
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    let name = |entry: &str| entry.split_once('=').map(|(name, _)| name).filter(is_name).map(str::to_owned);
    let entries: Vec<&str> = entries.iter().filter_map(Json::as_str).collect();
    let mut names: Vec<String> =
        entries.iter().map(|entry| name(entry).unwrap_or_else(|| "(not a name)".to_owned())).collect();
    names.sort_unstable();
    seen.set("environment_names", names);
}

fn text<'a>(json: &'a Json, at: &str) -> Option<&'a str> {
    json.pointer(at)?.as_str()
}

fn int(json: &Json, at: &str) -> Option<i64> {
    json.pointer(at)?.as_i64()
}

fn copy_text(json: &Json, at: &str, name: &str, seen: &mut Observation) {
    if let Some(text) = text(json, at).filter(|text| !text.is_empty()) {
        seen.set(name, text);
    }
}

fn copy_bool(json: &Json, at: &str, name: &str, seen: &mut Observation) {
    if let Some(is) = json.pointer(at).and_then(Json::as_bool) {
        seen.set(name, is);
    }
}

fn copy_time(json: &Json, at: &str, name: &str, never: &str, seen: &mut Observation) {
    let Some(written) = text(json, at) else { return };
    if written.is_empty() || written.starts_with(NEVER) {
        return seen.miss(name, no(never));
    }
    if let Ok(time) = written.parse::<DateTime<Utc>>() {
        seen.set(name, clock::stamp(time));
    }
}

fn no(why: &str) -> Absence {
    Absence::new(Reason::NotApplicable, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: Json) -> Observation {
        let mut seen = Observation::of("x");
        tell(&json, &mut seen);
        seen
    }

    #[test]
    fn of_the_environment_only_names_are_kept() {
        let key = concat!("not-", "for-anybody");
        let env = serde_json::json!([format!("POSTGRES_PASSWORD={key}"), "PATH=/usr/bin:/bin", key, "=x", "A B=c"]);
        let seen = told(serde_json::json!({"Config": {"Env": env, "Cmd": [key], "Labels": {"a": key}}}));
        let names = seen.values["environment_names"].to_string();
        assert_eq!(names, "[(not a name), (not a name), (not a name), PATH, POSTGRES_PASSWORD]");
        assert!(!seen.values.values().any(|value| value.to_string().contains(key)));
    }

    #[test]
    fn what_has_not_happened_has_no_time_and_no_exit_code() {
        let state = serde_json::json!({"Status": "created", "Running": false, "ExitCode": 0,
            "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"});
        let seen = told(serde_json::json!({"State": state}));
        for name in ["started_at", "finished_at", "exit_code", "health"] {
            assert_eq!(seen.missing[name].reason, Reason::NotApplicable, "{name}");
        }
        let state = serde_json::json!({"Status": "exited", "Running": false, "ExitCode": 137,
            "StartedAt": "2026-05-15T10:23:50.5+02:00", "FinishedAt": "2026-05-15T08:24:00Z"});
        let seen = told(serde_json::json!({"State": state}));
        assert_eq!(seen.values["exit_code"], 137_i64.into());
        assert_eq!(seen.values["started_at"], "2026-05-15T08:23:50.500000000Z".into());
    }

    /// The state as an engine prints it: status, running, paused, restarting, dead, process, exit code.
    fn state(status: &str, flags: [bool; 4], pid: i64, code: i64) -> Observation {
        let [running, paused, restarting, dead] = flags;
        told(serde_json::json!({"State": {"Status": status, "Running": running, "Paused": paused,
            "Restarting": restarting, "Dead": dead, "OOMKilled": false, "Pid": pid, "ExitCode": code,
            "StartedAt": "2026-05-15T08:23:50.5Z", "FinishedAt": "2026-05-15T08:23:51Z",
            "Health": {"Status": "healthy", "FailingStreak": 0}}}))
    }

    #[test]
    fn only_a_process_that_runs_now_is_said_to_run() {
        for (engine, status, flags, pid, code, runs, exit_code) in [
            ("docker", "running", [true, false, false, false], 4711, 0, true, None),
            ("docker", "restarting", [true, false, true, false], 0, 1, false, Some(1)),
            ("docker", "paused", [true, true, false, false], 4711, 0, false, None),
            ("podman", "paused", [false, true, false, false], 4711, 0, false, None),
            ("docker", "exited", [false, false, false, false], 0, 137, false, Some(137)),
            ("docker", "dead", [false, false, false, true], 0, 255, false, Some(255)),
            ("docker", "removing", [false, false, false, false], 0, 0, false, None),
            ("podman", "stopping", [false, false, false, false], 4711, 0, false, None),
        ] {
            let seen = state(status, flags, pid, code);
            assert_eq!(seen.values["running"], runs.into(), "{engine} {status}");
            assert_eq!(seen.values.get("exit_code").cloned(), exit_code.map(Value::Int), "{engine} {status}");
            assert_eq!(seen.values.contains_key("health"), runs, "{engine} {status}");
            assert_ne!(seen.values.contains_key("exit_code"), seen.missing.contains_key("exit_code"), "{status}");
        }
    }

    #[test]
    fn what_the_engines_printed() {
        macro_rules! recorded {
            ($name:literal) => {
                include_str!(concat!("../../../tests/engines/recorded/", $name, ".json"))
            };
        }
        for (answer, state, runs, exit_code) in [
            (recorded!("docker-running"), "running", true, None),
            (recorded!("docker-restarting"), "restarting", false, Some(1)),
            (recorded!("docker-paused"), "paused", false, None),
            (recorded!("docker-created"), "created", false, None),
            (recorded!("docker-exited"), "exited", false, Some(9)),
            (recorded!("podman-paused"), "paused", false, None),
        ] {
            let mut answer: Vec<Json> = serde_json::from_str(answer).unwrap();
            let seen = told(answer.remove(0));
            assert_eq!((&seen.values["state"], &seen.values["running"]), (&state.into(), &runs.into()));
            assert_eq!(seen.values.get("exit_code").cloned(), exit_code.map(Value::Int), "{state}");
        }
    }

    #[test]
    fn ports_are_told_apart_by_whether_they_are_published() {
        let ports = serde_json::json!({"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "15432"}], "9187/tcp": null});
        let seen = told(serde_json::json!({"NetworkSettings": {"Ports": ports, "Networks": {"backend": {}}}}));
        assert_eq!(seen.values["ports"].at("0.host_port"), Some(&"15432".into()));
        assert_eq!(seen.values["exposed"].to_string(), "[9187/tcp]");
        assert_eq!(seen.values["networks"].to_string(), "[backend]");
    }

    #[test]
    fn an_image_is_asked_for_by_its_digest_only() {
        let of = |id: &str| image_id(&serde_json::json!({"Image": id}));
        assert!(of(&format!("sha256:{}", "a".repeat(64))).is_some());
        assert!(of("--format={{json .}}").is_none() && of("sha256:abc").is_none());
    }
}
