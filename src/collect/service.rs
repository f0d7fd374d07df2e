//! `service`: the state of one systemd unit. systemd prints a success for a unit that never ran;
//! such defaults are told apart from what happened.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::Deserialize;

use crate::base::{clock, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::via::Via;
use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject, tool};

/// The collector.
pub struct ServiceCollector;

static DOC: Doc = Doc {
    name: "service",
    summary: "a systemd unit by `systemctl show`: load, active and sub state, result, exit status, times",
    detail: "Runs `systemctl show` with a fixed list of properties. systemd forgets when the machine starts anew: \
             times and results are those since then. For a unit that has not run since, it prints the result \
             `success` and the exit status 0; here they are missing. A host without systemd is an absence. \
             `active` says that systemd believes it runs, not that it answers.",
    needs_target: false,
    settings: &[
        Setting { name: "unit", kind: "text", required: true, meaning: "the unit, e.g. `pg-backup.timer`" },
        Setting { name: "via", kind: "text (local)", required: false, meaning: "`local` or `ssh:HOST`" },
    ],
    values: &[
        ("exists", "whether systemd knows the unit"),
        ("unit", "the unit's full name"),
        ("load_state", "`loaded`, `not-found`, `masked`, `error`, …"),
        ("active_state", "`active`, `inactive`, `failed`, `activating`, …"),
        ("sub_state", "the state of its own kind: `running`, `dead`, `waiting`, …"),
        ("unit_file_state", "`enabled`, `disabled`, `static`, …"),
        ("result", "how its last run ended: `success`, `exit-code`, `signal`, `timeout`, `oom-kill`, …"),
        ("exec_main_status", "exit status of its main process's last end"),
        ("exec_main_started_at", "when its main process was last started, RFC 3339 UTC"),
        ("exec_main_ended_at", "when its main process last ended, RFC 3339 UTC"),
        ("active_since", "when it last became active, RFC 3339 UTC"),
        ("inactive_since", "when it last became inactive, RFC 3339 UTC"),
        ("changed_at", "when its state last changed, RFC 3339 UTC"),
        ("main_pid", "number of its main process while it runs"),
        ("restarts", "how often systemd started it again by itself"),
        ("file", "the unit's file"),
        ("last_trigger_at", "for a timer: when it last fired, RFC 3339 UTC"),
        ("next_trigger_at", "for a timer: when it fires next, RFC 3339 UTC"),
    ],
    example: "- id: backup_unit\n  uses: service\n  with: { unit: pg-backup.service }\n",
};

/// Property of systemd, value of ours, and how it is read.
const PROPERTIES: &[(&str, &str, Form)] = &[
    ("Id", "unit", Form::Text),
    ("LoadState", "load_state", Form::Text),
    ("ActiveState", "active_state", Form::Text),
    ("SubState", "sub_state", Form::Text),
    ("UnitFileState", "unit_file_state", Form::Text),
    ("Result", "result", Form::Text),
    ("ExecMainStatus", "exec_main_status", Form::Number),
    ("ExecMainStartTimestamp", "exec_main_started_at", Form::Time),
    ("ExecMainExitTimestamp", "exec_main_ended_at", Form::Time),
    ("ActiveEnterTimestamp", "active_since", Form::Time),
    ("InactiveEnterTimestamp", "inactive_since", Form::Time),
    ("StateChangeTimestamp", "changed_at", Form::Time),
    ("MainPID", "main_pid", Form::Number),
    ("NRestarts", "restarts", Form::Number),
    ("FragmentPath", "file", Form::Text),
    ("LastTriggerUSec", "last_trigger_at", Form::Time),
    ("NextElapseUSecRealtime", "next_trigger_at", Form::Time),
];

const KNOWN: &[(&str, Reason)] = &[
    ("not been booted with systemd", Reason::Unavailable),
    ("failed to connect to bus", Reason::Unavailable),
    ("access denied", Reason::Denied),
    ("permission denied", Reason::Denied),
];

#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    Time,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    unit: String,
    #[serde(default = "local")]
    via: String,
}

fn local() -> String {
    "local".to_owned()
}

struct Ready {
    unit: String,
    words: Vec<String>,
}

impl Collector for ServiceCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { unit, via } = settings.decode()?;
        let inside = |c: char| c.is_ascii_alphanumeric() || ":_.@\\-".contains(c);
        if !unit.starts_with(|c: char| c.is_ascii_alphanumeric()) || !unit.chars().all(inside) {
            return Err(SettingError::new("with: unit: a unit's name has letters, digits and `:_.@\\-`"));
        }
        if via != "local" && !via.starts_with("ssh:") || via.contains('/') {
            return Err(SettingError::new("with: via: is `local` or `ssh:HOST`"));
        }
        let via = Via::parse(&via).map_err(|e| SettingError::new(format!("with: {e}")))?;
        let names: Vec<_> = PROPERTIES.iter().map(|(name, ..)| *name).collect();
        let property = format!("--property={}", names.join(","));
        let words = ["systemctl", "show", "--no-pager", &property, "--", &unit].map(str::to_owned);
        Ok(Box::new(Ready { unit, words: via.command(&words) }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Run, text::shell_line(&self.words))]
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        let how = text::shell_line(&self.words);
        let seen = match self.ask() {
            Ok(answer) => self.tell(&answer),
            Err(why) => Observation::absent(self.source(), why),
        };
        Raw::new(seen.read_by(how))
    }
}

impl Ready {
    fn source(&self) -> String {
        format!("systemd unit {}", self.unit)
    }

    fn ask(&self) -> Result<BTreeMap<String, String>, Absence> {
        let outcome = tool::run(&self.words)?;
        if !outcome.success() {
            return Err(tool::failed(&self.words, &outcome, KNOWN));
        }
        let answer = text::from_bytes(&outcome.stdout);
        let pairs = answer.lines().filter_map(|line| line.split_once('='));
        let answer: BTreeMap<_, _> = pairs.map(|(k, v)| (k.to_owned(), v.trim().to_owned())).collect();
        if answer.contains_key("LoadState") {
            return Ok(answer);
        }
        let odd = Absence::new(Reason::Unparsable, "`systemctl show` printed no LoadState");
        Err(odd.settled_by(text::shell_line(&self.words)))
    }

    fn tell(&self, answer: &BTreeMap<String, String>) -> Observation {
        let mut seen = Observation::of(self.source());
        let loaded = answer.get("LoadState").map_or("", String::as_str);
        seen.set("exists", loaded != "not-found");
        if loaded == "not-found" {
            seen.set("load_state", loaded);
            let why = Absence::new(Reason::NotFound, format!("systemd knows no unit `{}`", self.unit));
            subject::miss_the_rest(&mut seen, &DOC, &why);
            return seen;
        }
        for (property, name, form) in PROPERTIES {
            if let Some(written) = answer.get(*property) {
                tell_one(name, *form, written, &mut seen);
            }
        }
        unsay_defaults(&mut seen);
        let unsaid = Absence::new(Reason::NotApplicable, "systemd prints no such property for this unit");
        subject::miss_the_rest(&mut seen, &DOC, &unsaid);
        seen
    }
}

fn tell_one(name: &str, form: Form, written: &str, seen: &mut Observation) {
    if matches!(written, "" | "n/a" | "[not set]") {
        return seen.miss(name, Absence::new(Reason::NotApplicable, "systemd says nothing there"));
    }
    match form {
        Form::Text => return seen.set(name, written),
        Form::Number => {
            if let Ok(number) = written.parse::<i64>() {
                return seen.set(name, number);
            }
        }
        Form::Time => {
            if let Ok(time) = NaiveDateTime::parse_from_str(written, "%a %Y-%m-%d %H:%M:%S UTC") {
                return seen.set(name, clock::stamp_seconds(time.and_utc()));
            }
        }
    }
    seen.miss(name, Absence::new(Reason::Unparsable, "systemd printed something that is not read here"));
}

/// What systemd prints although nothing happened.
fn unsay_defaults(seen: &mut Observation) {
    let has = |name: &str| seen.values.contains_key(name);
    let ended = has("exec_main_ended_at");
    let happened = ended || ["exec_main_started_at", "active_since", "inactive_since"].into_iter().any(has);
    let runs = seen.values.get("main_pid").is_some_and(|pid| pid.as_int() != Some(0));
    let mut unsay = |unless: bool, name: &str, why: &str| {
        if !unless && seen.values.remove(name).is_some() {
            seen.miss(name, Absence::new(Reason::NotApplicable, why));
        }
    };
    unsay(ended, "exec_main_status", "its main process has not ended since the machine started");
    unsay(happened, "result", "it has not run since the machine started");
    unsay(runs, "main_pid", "it has no main process now");
}

#[cfg(test)]
mod tests {
    use super::super::testing::prepare;
    use super::*;

    fn told(answer: &str) -> Observation {
        let answer = answer.lines().filter_map(|line| line.split_once('='));
        let answer = answer.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Ready { unit: "x.service".into(), words: Vec::new() }.tell(&answer)
    }

    #[test]
    fn a_unit_that_failed() {
        let seen = told(
            "Id=x.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainStatus=2\n\
             ExecMainExitTimestamp=Fri 2026-05-15 10:23:50 UTC\nMainPID=0\nNRestarts=3\nActiveEnterTimestamp=\n",
        );
        assert_eq!(seen.values["exec_main_status"], 2_i64.into());
        assert_eq!(seen.values["exec_main_ended_at"], "2026-05-15T10:23:50Z".into());
        assert_eq!(seen.values["result"], "exit-code".into());
        for (path, _) in DOC.values {
            assert!(seen.values.contains_key(*path) != seen.missing.contains_key(*path), "{path}");
        }
    }

    #[test]
    fn a_unit_that_never_ran_is_no_success() {
        let seen = told("LoadState=loaded\nActiveState=inactive\nResult=success\nExecMainStatus=0\nMainPID=0\n");
        for name in ["result", "exec_main_status", "main_pid"] {
            assert_eq!(seen.missing[name].reason, Reason::NotApplicable, "{name}");
            assert!(!seen.values.contains_key(name));
        }
        let seen = told("LoadState=not-found\nActiveState=inactive\nResult=success\n");
        assert_eq!(seen.values["exists"], false.into());
        assert_eq!(seen.missing["active_state"].reason, Reason::NotFound);
    }

    #[test]
    fn a_time_in_another_form_is_not_guessed() {
        let seen = told("LoadState=loaded\nActiveEnterTimestamp=Fri 2026-05-15 10:23:50 CEST\n");
        assert_eq!(seen.missing["active_since"].reason, Reason::Unparsable);
    }

    #[test]
    fn nothing_can_pass_for_an_option() {
        for with in
            ["{ unit: --all }", "{ unit: 'a b' }", "{ unit: a, via: docker }", "{ unit: a, via: 'ssh:h/docker' }"]
        {
            assert!(prepare(&ServiceCollector, with).is_err(), "{with}");
        }
        let plan = prepare(&ServiceCollector, "{ unit: 'a@b.service', via: 'ssh:h' }").unwrap().plan();
        assert!(plan[0].what.ends_with("-- a@b.service"), "{}", plan[0].what);
    }
}
