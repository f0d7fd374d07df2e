//! Reads what `systemctl show` prints: each property by its own type, once. Whether something happened,
//! and in which order, follows from the monotonic times, which no time zone and no change of the clock
//! touches. Values that systemd prints although nothing happened are told apart here.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use crate::base::clock;
use crate::model::fact::{Absence, Observation, Reason};

/// How a property is read.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    /// A time, printed in UTC.
    Time,
    /// Read by [`Run`] alone.
    Inner,
}

/// Property of systemd, value of ours, and how it is read.
const PROPERTIES: &[(&str, &str, Form)] = &[
    ("Id", "unit", Form::Text),
    ("LoadState", "load_state", Form::Text),
    ("ActiveState", "active_state", Form::Text),
    ("SubState", "sub_state", Form::Text),
    ("UnitFileState", "unit_file_state", Form::Text),
    ("Result", "", Form::Inner),
    ("ExecMainCode", "", Form::Inner),
    ("ExecMainStatus", "", Form::Inner),
    ("ExecMainStartTimestamp", "exec_main_started_at", Form::Time),
    ("ExecMainExitTimestamp", "exec_main_ended_at", Form::Time),
    ("ActiveEnterTimestamp", "active_since", Form::Time),
    ("InactiveEnterTimestamp", "inactive_since", Form::Time),
    ("StateChangeTimestamp", "changed_at", Form::Time),
    ("ExecMainStartTimestampMonotonic", "", Form::Inner),
    ("ExecMainExitTimestampMonotonic", "", Form::Inner),
    ("ActiveEnterTimestampMonotonic", "", Form::Inner),
    ("InactiveEnterTimestampMonotonic", "", Form::Inner),
    ("MainPID", "", Form::Inner),
    ("NRestarts", "restarts", Form::Number),
    ("FragmentPath", "file", Form::Text),
    ("LastTriggerUSec", "last_trigger_at", Form::Time),
    ("NextElapseUSecRealtime", "next_trigger_at", Form::Time),
];

/// The properties to ask for, as `systemctl show --property=` takes them.
pub(super) fn names() -> String {
    PROPERTIES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(",")
}

/// What `systemctl show` printed of one unit.
pub(super) struct Properties(BTreeMap<String, String>);

impl Properties {
    /// Reads `KEY=VALUE` lines; `None` when they are not the answer asked for.
    pub(super) fn parse(answer: &str) -> Option<Self> {
        let pairs = answer.lines().filter_map(|line| line.split_once('='));
        let found: BTreeMap<_, _> = pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect();
        found.contains_key("LoadState").then_some(Self(found))
    }

    /// The value of a property; `None` where systemd prints that there is none.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !matches!(*value, "" | "n/a" | "[not set]"))
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// Whether the unit exists.
    pub(super) fn exists(&self) -> bool {
        self.get("LoadState") != Some("not-found")
    }

    /// Fills `seen`; `by_hand` is a command that asks the journal about earlier runs.
    pub(super) fn tell(&self, by_hand: &str, seen: &mut Observation) {
        for (property, name, form) in PROPERTIES {
            if self.0.contains_key(*property) {
                self.tell_one(property, name, *form, seen);
            }
        }
        let run = Run::of(self);
        run.tell_end(self, by_hand, seen);
        run.tell_result(self, by_hand, seen);
        match self.number("MainPID") {
            Some(pid) if pid > 0 => seen.set("main_pid", pid),
            _ => seen.miss("main_pid", not_applicable("it has no main process now")),
        }
    }

    fn tell_one(&self, property: &str, name: &str, form: Form, seen: &mut Observation) {
        if let Form::Inner = form {
            return;
        }
        let Some(written) = self.get(property) else {
            return seen.miss(name, not_applicable("systemd says nothing there"));
        };
        match form {
            Form::Text | Form::Inner => return seen.set(name, written),
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
        seen.miss(name, Absence::new(Reason::Unparsable, "systemd printed a value in a form that is not read here"));
    }
}

/// The last run of a unit, as far as systemd remembers it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// systemd remembers none: it forgets when the machine starts, and when it unloads a unit.
    Unknown,
    /// It has begun and not ended.
    UnderWay,
    /// It has ended.
    Ended,
}

impl Run {
    fn of(properties: &Properties) -> Self {
        // Older systems print no monotonic time of some kinds; a printed time then shows that it happened.
        let happened = |name: &str| {
            let at = properties.number(&format!("{name}Monotonic")).filter(|at| *at > 0);
            at.is_some() || properties.get(name).is_some()
        };
        let known =
            ["ExecMainStartTimestamp", "ExecMainExitTimestamp", "ActiveEnterTimestamp", "InactiveEnterTimestamp"];
        match (properties.get("ActiveState"), properties.get("SubState")) {
            (Some("failed"), _) => Self::Ended,
            (Some("activating"), Some(sub)) if sub.starts_with("auto-restart") => Self::Ended,
            (Some("activating" | "deactivating" | "reloading" | "refreshing"), _) => Self::UnderWay,
            (Some("active"), Some("exited")) => Self::Ended,
            (Some("active"), _) if properties.0.contains_key("ExecMainStartTimestamp") => Self::UnderWay,
            _ if properties.process_runs() => Self::UnderWay,
            _ if known.into_iter().any(happened) => Self::Ended,
            _ => Self::Unknown,
        }
    }

    fn tell_result(self, properties: &Properties, by_hand: &str, seen: &mut Observation) {
        match (self, properties.get("Result")) {
            (_, None) => seen.miss("result", not_applicable("systemd says nothing there")),
            // At a start systemd writes `success` there, whatever the run before came to.
            (Self::UnderWay, _) => seen.miss("result", not_applicable("its run has not ended yet")),
            (Self::Unknown, _) => seen.miss("result", forgotten(by_hand)),
            (Self::Ended, Some(result)) => seen.set("result", result),
        }
    }

    /// Exit status and signal share one number in systemd; its code says which of them it is.
    fn tell_end(self, properties: &Properties, by_hand: &str, seen: &mut Observation) {
        let ends = ["exec_main_code", "exec_main_status", "signal"];
        let mut miss = |names: &[&str], why: &Absence| names.iter().for_each(|name| seen.miss(name, why.clone()));
        let (Some(code), Some(status)) = (properties.get("ExecMainCode"), properties.number("ExecMainStatus")) else {
            return miss(&ends, &not_applicable("systemd says nothing there"));
        };
        let code = match code {
            "0" => "",
            "1" => "exited",
            "2" => "killed",
            "3" => "dumped",
            other => other,
        };
        if properties.process_runs() {
            return miss(&ends, &not_applicable("its main process has not ended"));
        }
        match (code, self) {
            ("", Self::Unknown) => miss(&ends, &forgotten(by_hand)),
            ("", _) => miss(&ends, &not_applicable("systemd remembers no end of a main process")),
            ("exited", _) => {
                seen.set("exec_main_code", code);
                seen.set("exec_main_status", status);
                seen.miss("signal", not_applicable("its main process ended by itself, with an exit status"));
            }
            (code, _) => {
                seen.set("exec_main_code", code);
                seen.set("signal", status);
                seen.miss("exec_main_status", not_applicable(&format!("signal {status} ended its main process")));
            }
        }
    }
}

impl Properties {
    /// Whether the main process was started after its last end: it then runs, whatever is printed
    /// about the run before.
    fn process_runs(&self) -> bool {
        let at = |name: &str| self.number(&format!("ExecMain{name}TimestampMonotonic"));
        match (at("Start"), at("Exit")) {
            (Some(start), Some(exit)) => start > exit,
            // Printed times are whole seconds: only their absence is certain.
            _ => self.get("ExecMainStartTimestamp").is_some() && self.get("ExecMainExitTimestamp").is_none(),
        }
    }
}

fn forgotten(by_hand: &str) -> Absence {
    let message = "systemd remembers no run of it: it forgets them when it unloads a unit and when the machine starts";
    Absence::new(Reason::NotApplicable, message).settled_by(by_hand)
}

fn not_applicable(why: &str) -> Absence {
    Absence::new(Reason::NotApplicable, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Value;

    fn told(answer: &str) -> Observation {
        let mut seen = Observation::of("x");
        Properties::parse(answer).unwrap().tell("journalctl --unit=x", &mut seen);
        seen
    }

    fn why<'a>(seen: &'a Observation, name: &str) -> &'a str {
        assert!(!seen.values.contains_key(name), "{name}");
        &seen.missing[name].message
    }

    /// A service as systemd 252 prints it.
    fn service(state: &str, sub: &str, result: &str, main: [&str; 4], inactive: &str) -> String {
        let [code, status, start, exit] = main;
        let at = |monotonic: &str| match monotonic {
            "0" => "",
            _ => "Fri 2026-05-15 10:23:50 UTC",
        };
        format!(
            "Id=x.service\nLoadState=loaded\nActiveState={state}\nSubState={sub}\nResult={result}\nMainPID=0\n\
             ExecMainCode={code}\nExecMainStatus={status}\nExecMainStartTimestamp={}\nExecMainExitTimestamp={}\n\
             ExecMainStartTimestampMonotonic={start}\nExecMainExitTimestampMonotonic={exit}\n\
             ActiveEnterTimestamp=\nActiveEnterTimestampMonotonic=0\nInactiveEnterTimestamp={}\n\
             InactiveEnterTimestampMonotonic={inactive}\n",
            at(start),
            at(exit),
            at(inactive)
        )
    }

    #[test]
    fn a_run_that_has_not_ended_has_no_result() {
        // Its first run, and a later one after a failure; equal seconds, told apart by the monotonic time.
        for main in [["0", "0", "5000100", "0"], ["1", "3", "5000900", "5000100"]] {
            let seen = told(&service("activating", "start", "success", main, "0"));
            assert!(why(&seen, "result").contains("not ended"));
            assert!(why(&seen, "exec_main_status").contains("not ended"));
        }
        let seen = told(&service("active", "running", "success", ["0", "0", "7", "0"], "0"));
        assert!(why(&seen, "result").contains("not ended"));
        // Between two commands of one start no process runs, and the run goes on.
        let seen = told(&service("activating", "start", "success", ["1", "0", "7", "8"], "0"));
        assert!(why(&seen, "result").contains("not ended"));
    }

    #[test]
    fn a_run_that_ended_has_the_result_of_its_end() {
        for (state, sub, result, code, status) in [
            ("failed", "failed", "exit-code", "1", "3"),
            ("inactive", "dead", "success", "1", "0"),
            ("active", "exited", "success", "1", "0"),
            ("activating", "auto-restart", "exit-code", "1", "7"),
        ] {
            let seen = told(&service(state, sub, result, [code, status, "7", "8"], "9"));
            assert_eq!(seen.values["result"], result.into(), "{state}");
            assert_eq!(seen.values["exec_main_status"], status.parse::<i64>().unwrap().into());
            assert_eq!(seen.values["exec_main_code"], "exited".into());
        }
    }

    #[test]
    fn a_signal_is_not_an_exit_status() {
        for (code, word, status) in [("2", "killed", 9_i64), ("2", "killed", 15), ("3", "dumped", 6)] {
            let main = [code, &status.to_string(), "7", "8"];
            let seen = told(&service("failed", "failed", "signal", main, "9"));
            assert_eq!((&seen.values["signal"], &seen.values["exec_main_code"]), (&status.into(), &word.into()));
            assert!(why(&seen, "exec_main_status").contains("ended its main process"));
        }
        let seen = told(&service("failed", "failed", "exit-code", ["1", "9", "7", "8"], "9"));
        assert_eq!(seen.values["exec_main_status"], 9_i64.into());
        assert!(!seen.values.contains_key("signal"));
    }

    #[test]
    fn a_unit_that_systemd_forgot_is_not_said_never_to_have_run() {
        let seen = told(&service("inactive", "dead", "success", ["0", "0", "0", "0"], "0"));
        for name in ["result", "exec_main_status"] {
            assert!(why(&seen, name).contains("remembers no run"));
            assert_eq!(seen.missing[name].settle.as_deref(), Some("journalctl --unit=x"));
        }
    }

    #[test]
    fn a_time_that_is_not_read_unsays_nothing_else() {
        let answer = service("failed", "failed", "exit-code", ["1", "3", "7", "8"], "9").replace(" UTC", " CEST");
        let seen = told(&answer);
        assert_eq!(seen.missing["exec_main_ended_at"].reason, Reason::Unparsable);
        assert_eq!(seen.values["result"], "exit-code".into());
        assert_eq!(seen.values["exec_main_status"], 3_i64.into());
    }

    #[test]
    fn what_systemd_252_printed() {
        macro_rules! recorded {
            ($name:literal) => {
                told(include_str!(concat!("../../../tests/engines/recorded/unit-", $name, ".txt")))
            };
        }
        let text = |seen: &Observation, name: &str| seen.values.get(name).and_then(Value::as_text).map(str::to_owned);
        for (seen, state, result, end) in [
            (recorded!("activating"), "activating", None, None),
            (recorded!("running"), "active", None, None),
            (recorded!("failed"), "failed", Some("exit-code"), Some("exited")),
            (recorded!("signal"), "failed", Some("signal"), Some("killed")),
            (recorded!("timeout"), "failed", Some("timeout"), Some("killed")),
            (recorded!("auto-restart"), "activating", Some("exit-code"), Some("exited")),
            (recorded!("exited"), "active", Some("success"), Some("exited")),
            (recorded!("forgotten"), "inactive", None, None),
            (recorded!("never"), "inactive", None, None),
            (recorded!("timer"), "active", Some("success"), None),
        ] {
            assert_eq!(text(&seen, "active_state").as_deref(), Some(state));
            assert_eq!(text(&seen, "result").as_deref(), result, "{state}");
            assert_eq!(text(&seen, "exec_main_code").as_deref(), end, "{state}");
            assert_eq!(seen.values.contains_key("exec_main_status"), end == Some("exited"), "{state}");
        }
    }

    #[test]
    fn a_unit_without_a_main_process_keeps_its_result() {
        let timer = "LoadState=loaded\nActiveState=active\nSubState=waiting\nResult=success\n\
                     ActiveEnterTimestamp=Fri 2026-05-15 10:23:50 UTC\nActiveEnterTimestampMonotonic=7\n";
        assert_eq!(told(timer).values["result"], "success".into());
    }
}
