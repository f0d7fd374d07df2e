//! `host`: where and by what a record was made. Without it, nobody can tell later on which machine,
//! as which user and in which time zone the other facts were seen.

use std::path::Path;

use chrono_tz::Tz;
use serde::Deserialize;

use crate::base::{clock, env, files, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct HostCollector;

const READS: [&str; 5] = [
    "/etc/os-release",
    "/etc/localtime: where the link points",
    "/etc/timezone",
    "the kernel: name, release, time since boot, user, working folder, clock",
    "this program's own binary: SHA-256",
];

static DOC: Doc = Doc {
    name: "host",
    summary: "the machine, user, clock and tool that made the record",
    detail: "Describes the machine that `evidence` runs on; in a container that is the container, with the kernel \
             and uptime of its host. The clock is read, not compared with another one. The SHA-256 of the own \
             binary says which program looked, not that it is a good one.",
    needs_target: false,
    settings: &[],
    values: &[
        ("hostname", "the host's name, as the kernel has it"),
        ("kernel", "system, release, version, machine, as `uname -srvm`"),
        ("os", "PRETTY_NAME of /etc/os-release"),
        ("user", "name of the effective user, or the number as text"),
        ("uid", "number of the effective user"),
        ("working_folder", "the working folder"),
        ("time_zone", "IANA name of the machine's time zone"),
        ("utc_offset", "the machine's present offset from UTC, e.g. `+02:00`"),
        ("uptime_seconds", "whole seconds since the kernel started"),
        ("boot_time", "when the kernel started, RFC 3339 UTC, to the second"),
        ("clock", "the machine's clock at the look, RFC 3339 UTC with nanoseconds"),
        ("tool_version", "version of this program"),
        ("tool_sha256", "SHA-256 of this program's binary"),
        ("arguments", "this program's arguments, masked"),
        ("sandbox", "how far the kernel enforces that nothing is changed: `full`, `partial`, `none`"),
        ("not_refused", "what this kernel does not refuse the collectors, in words; empty with `full`"),
    ],
    example: "- id: host\n  uses: host\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {}

struct Ready;

impl Collector for HostCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With {} = settings.decode()?;
        Ok(Box::new(Ready))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        READS.iter().map(|read| Action::new(Verb::Read, *read)).collect()
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let kernel = env::kernel();
        let mut seen = Observation::of(kernel.hostname.clone());
        seen.how = READS.iter().map(|&read| read.to_owned()).collect();
        seen.set("hostname", kernel.hostname);
        seen.set("kernel", kernel.description);
        see_system(&mut seen);
        see_time(&mut seen);
        see_tool(&mut seen, surroundings);
        Raw::new(seen)
    }
}

fn see_system(seen: &mut Observation) {
    let release = Path::new("/etc/os-release");
    match files::read_system_text(release, 64 * 1024).map(|text| pretty_name(&text)) {
        Ok(Some(name)) => seen.set("os", name),
        Ok(None) => seen.miss("os", Absence::new(Reason::Unparsable, "/etc/os-release has no PRETTY_NAME")),
        Err(error) => seen.miss("os", subject::absence(&error, "cat /etc/os-release")),
    }
    let uid = env::user_id();
    seen.set("user", env::user_name(uid).unwrap_or_else(|| uid.to_string()));
    seen.set("uid", uid);
    match env::working_folder() {
        Ok(folder) => seen.set("working_folder", text::from_name(&folder)),
        Err(error) => seen.miss("working_folder", Absence::new(Reason::Failed, format!("working folder: {error}"))),
    }
}

fn see_time(seen: &mut Observation) {
    let now = clock::now();
    seen.set("clock", clock::stamp(now));
    seen.set("utc_offset", offset(clock::local_offset(now)));
    let up = clock::since_boot();
    seen.set("uptime_seconds", up.as_secs());
    if let Some(boot) = chrono::Duration::from_std(up).ok().and_then(|up| now.checked_sub_signed(up)) {
        seen.set("boot_time", clock::stamp_seconds(boot));
    }
    match time_zone() {
        Some(zone) => seen.set("time_zone", zone),
        None => seen.miss("time_zone", no_zone()),
    }
}

fn no_zone() -> Absence {
    let message = "neither TZ, nor the link /etc/localtime, nor /etc/timezone names an IANA time zone";
    Absence::new(Reason::NotFound, message).settled_by("timedatectl show -p Timezone")
}

fn see_tool(seen: &mut Observation, surroundings: &Surroundings<'_>) {
    seen.set("tool_version", env!("CARGO_PKG_VERSION"));
    seen.set("arguments", surroundings.arguments.to_vec());
    seen.set("sandbox", surroundings.kernel.sandbox);
    let open = surroundings.kernel.not_refused.iter().map(|what| Value::from(*what));
    seen.set("not_refused", Value::List(open.collect()));
    let digest = env::own_binary()
        .map_err(|e| Absence::new(Reason::Failed, format!("own binary: {e}")))
        .and_then(|path| own_digest(&path, surroundings));
    match digest {
        Ok(digest) => seen.set("tool_sha256", digest),
        Err(absence) => seen.miss("tool_sha256", absence),
    }
}

fn own_digest(path: &Path, surroundings: &Surroundings<'_>) -> Result<String, Absence> {
    let name = text::from_name(path);
    let settle = format!("sudo sha256sum -- {}", text::shell_word(&name));
    let (mut file, before) = files::open_following(path).map_err(|e| subject::absence(&e, &settle))?;
    subject::sha256(&mut file, &before, path, surroundings.progress).map(|digest| digest.to_string())
}

/// `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"`, with or without quotes.
fn pretty_name(release: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.trim().strip_prefix("PRETTY_NAME="))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The IANA name from, in this order, `TZ`, the link `/etc/localtime`, `/etc/timezone`: the order
/// in which the C library lets them win.
fn time_zone() -> Option<String> {
    if let Some(zone) = env::var("TZ").filter(|zone| !zone.is_empty()) {
        return iana(zone.strip_prefix(':').unwrap_or(&zone));
    }
    let linked = files::link_target(Path::new("/etc/localtime")).ok();
    let linked = linked.and_then(|target| iana(target.to_str()?));
    linked.or_else(|| iana(&files::read_system_text(Path::new("/etc/timezone"), 1024).ok()?))
}

/// The zone that `text` names, alone or as the end of a path below `zoneinfo`.
fn iana(text: &str) -> Option<String> {
    let text = text.trim();
    let name = text.split_once("zoneinfo/").map_or(text, |(_, name)| name);
    name.parse::<Tz>().ok().map(|zone| zone.name().to_owned())
}

/// Seconds east as `+02:00`.
fn offset(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{look, prepare};
    use super::*;

    #[test]
    fn says_everything_or_why_not() {
        let seen = look(&HostCollector, "{}");
        for (path, _) in DOC.values {
            assert!(seen.values.contains_key(*path) != seen.missing.contains_key(*path), "{path}");
        }
        assert_eq!(seen.values["tool_sha256"].as_text().map(str::len), Some(64));
        assert_eq!(seen.values["sandbox"], "full".into());
        assert!(seen.values["uptime_seconds"].as_int().is_some_and(|s| s > 0));
    }

    #[test]
    fn takes_no_settings() {
        assert!(prepare(&HostCollector, "{ name: x }").is_err());
    }

    #[test]
    fn reads_zones_however_they_are_named() {
        assert_eq!(iana("/usr/share/zoneinfo/Europe/Zurich").as_deref(), Some("Europe/Zurich"));
        assert_eq!(iana("Etc/UTC\n").as_deref(), Some("Etc/UTC"));
        assert_eq!(iana("CET-1CEST,M3.5.0"), None);
    }

    #[test]
    fn shows_offsets_and_system_names() {
        assert_eq!(offset(7200), "+02:00");
        assert_eq!(offset(-12_600), "-03:30");
        assert_eq!(pretty_name("ID=x\nPRETTY_NAME=\"Example 1\"\n").as_deref(), Some("Example 1"));
        assert_eq!(pretty_name("ID=x\n"), None);
    }
}
