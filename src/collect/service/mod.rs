//! `service`: the state of one systemd unit. systemd prints a success for a unit that never ran;
//! such defaults are told apart from what happened.

mod properties;

use serde::Deserialize;

use crate::base::text;
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::transport::{self, Transport};
use super::via::Via;
use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject, tool};
use properties::Properties;

/// The collector.
pub struct ServiceCollector;

static DOC: Doc = Doc {
    name: "service",
    summary: "a systemd unit by `systemctl show`: load, active and sub state, result, exit status, times",
    detail: "Runs `systemctl show` there with a fixed list of properties and times in UTC. systemd forgets a run \
             when the machine starts anew, and when it unloads a unit that nothing refers to, as it does after a \
             `oneshot` service or an instance such as `backup@db1.service` has ended: the journal may then still \
             have it. Without a run, and at the start of each, it prints the result `success` and the exit status \
             0: here `result` is missing until the run has ended. A host without systemd is an absence. \
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
        (
            "result",
            "how its last run ended, missing while one is under way: `success`, `exit-code`, `signal`, `timeout`, `oom-kill`, …",
        ),
        (
            "exec_main_code",
            "how its main process last ended: `exited`, `killed` (by a signal), `dumped` (the same, with a core)",
        ),
        ("exec_main_status", "exit status of its main process's last end; missing when a signal ended it"),
        ("signal", "number of the signal that ended its main process"),
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
        ("reached.host_key", "over `ssh`: the host key that was seen and found in known_hosts, type and SHA-256"),
    ],
    example: "- id: backup_unit\n  uses: service\n  with: { unit: pg-backup.service }\n",
};

const KNOWN: &[(&str, Reason)] = &[
    ("not been booted with systemd", Reason::Unavailable),
    ("failed to connect to bus", Reason::Unavailable),
    ("access denied", Reason::Denied),
    ("permission denied", Reason::Denied),
];

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
    via: String,
    words: Vec<String>,
    journal: String,
    transport: Transport,
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
        let written = via;
        let via = Via::parse(&written).map_err(|e| SettingError::new(format!("with: {e}")))?;
        let way = via.transport_to(None);
        let property = format!("--property={}", properties::names());
        // Times are printed in the zone of the far side, which no variable of ours reaches.
        let env: &[&str] = if written == "local" { &[] } else { &["env", "LC_ALL=C", "TZ=UTC"] };
        let show = ["systemctl", "show", "--no-pager", &property, "--", &unit];
        let words: Vec<String> = env.iter().copied().chain(show).map(str::to_owned).collect();
        let journal = ["journalctl", "--no-pager", "--lines=20", &format!("--unit={unit}")].map(str::to_owned);
        let journal = transport::by_hand(&way.command(&journal));
        Ok(Box::new(Ready { unit, via: written, words: way.command(&words), journal, transport: way }))
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
        let via = if self.via == "local" { String::new() } else { format!(" via {}", self.via) };
        format!("systemd unit {}{via}", self.unit)
    }

    fn ask(&self) -> Result<Properties, Absence> {
        let outcome = self.transport.run(&self.words, tool::LIMIT)?;
        if !outcome.success() {
            return Err(self.transport.failed(&self.words, &outcome, KNOWN));
        }
        let odd = || Absence::new(Reason::Unparsable, "`systemctl show` printed no LoadState");
        let answer = Properties::parse(&text::from_bytes(&outcome.stdout));
        answer.ok_or_else(|| odd().settled_by(transport::by_hand(&self.words)))
    }

    fn tell(&self, answer: &Properties) -> Observation {
        let mut seen = Observation::of(self.source());
        seen.set("exists", answer.exists());
        self.transport.tell("reached", &mut seen);
        if !seen.values.contains_key("reached") {
            seen.miss("reached", Absence::new(Reason::NotApplicable, "systemd of this machine was asked"));
        }
        if !answer.exists() {
            seen.set("load_state", "not-found");
            let why = Absence::new(Reason::NotFound, format!("systemd knows no unit `{}`", self.unit));
            subject::miss_the_rest(&mut seen, &DOC, &why);
            return seen;
        }
        answer.tell(&self.journal, &mut seen);
        let unsaid = Absence::new(Reason::NotApplicable, "systemd prints no such property for this unit");
        subject::miss_the_rest(&mut seen, &DOC, &unsaid);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::prepare;
    use super::*;

    fn told(answer: &str) -> Observation {
        let ready = Ready {
            unit: "x.service".into(),
            via: "local".into(),
            words: Vec::new(),
            journal: "journalctl".into(),
            transport: Transport::new(None, None),
        };
        ready.tell(&Properties::parse(answer).unwrap())
    }

    #[test]
    fn a_unit_that_failed() {
        let seen = told(
            "Id=x.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=2\n\
             ExecMainExitTimestamp=Fri 2026-05-15 10:23:50 UTC\nMainPID=0\nNRestarts=3\nActiveEnterTimestamp=\n",
        );
        assert_eq!(seen.values["exec_main_status"], 2_i64.into());
        assert_eq!(seen.values["exec_main_ended_at"], "2026-05-15T10:23:50Z".into());
        assert_eq!(seen.values["result"], "exit-code".into());
        for (path, _) in DOC.values {
            let top = path.split('.').next().unwrap();
            assert!(seen.values.contains_key(top) != seen.missing.contains_key(top), "{path}");
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
