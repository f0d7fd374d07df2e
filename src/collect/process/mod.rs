//! `process`: which processes match, from the kernel's table. Its most important answer is "none",
//! and that one is given only where nothing could have been hidden.

mod doc;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use regex::Regex;
use serde::Deserialize;

use crate::base::{clock, env, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::subject::{self, Names};
use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings};
use table::{Process, Table};

/// The collector.
pub struct ProcessCollector;

/// A command line that is longer is shown up to the word that reaches this.
const LONGEST: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    contains: Option<String>,
    pattern: Option<String>,
    name: Option<String>,
    pid: Option<u32>,
    user: Option<String>,
    limit: Option<u16>,
}

struct Ready {
    contains: Option<String>,
    pattern: Option<Regex>,
    name: Option<String>,
    pid: Option<u32>,
    user: Option<String>,
    limit: usize,
}

impl Collector for ProcessCollector {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { contains, pattern, name, pid, user, limit } = settings.decode()?;
        let texts = [("contains", &contains), ("pattern", &pattern), ("name", &name), ("user", &user)];
        if let Some((key, _)) = texts.iter().find(|(_, text)| text.as_ref().is_some_and(String::is_empty)) {
            return Err(SettingError::new(format!("with: {key}: is empty and would match every process")));
        }
        if texts[..3].iter().all(|(_, text)| text.is_none()) && pid.is_none() {
            return Err(SettingError::new("with: say which processes: `contains`, `pattern`, `name` or `pid`"));
        }
        let pattern = pattern.map(|pattern| Regex::new(&pattern)).transpose();
        let pattern = pattern.map_err(|_| SettingError::new("with: pattern: is no regular expression"))?;
        Ok(Box::new(Ready { contains, pattern, name, pid, user, limit: usize::from(limit.unwrap_or(50)) }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see(Path::new("/proc")).read_by(self.how()))
    }
}

impl Ready {
    fn how(&self) -> String {
        let pid = self.pid.map(|pid| pid.to_string());
        let asked = [
            ("contains", self.contains.as_deref()),
            ("pattern", self.pattern.as_ref().map(Regex::as_str)),
            ("name", self.name.as_deref()),
            ("pid", pid.as_deref()),
            ("user", self.user.as_deref()),
        ];
        let asked: Vec<_> = asked.iter().filter_map(|(key, text)| Some(format!("{key} `{}`", (*text)?))).collect();
        format!("/proc/*/stat, status, cmdline: processes with {}", asked.join(", "))
    }

    fn see(&self, root: &Path) -> Observation {
        let source = "the kernel's table of processes";
        let table = match table::read(root, self.pid) {
            Ok(table) => table,
            Err(error) => return Observation::absent(source, subject::absence(&error, &self.by_hand())),
        };
        let now = Now { clock: clock::now(), since_boot: clock::since_boot() };
        let mut seen = Observation::of(source);
        self.tell(&table, &now, &mut seen);
        seen
    }

    fn tell(&self, table: &Table, now: &Now, seen: &mut Observation) {
        let mut names = Names::default();
        let own = own(&table.processes, std::process::id());
        let ancestors = ancestors(&table.processes, std::process::id());
        let mut found: Vec<&Process> =
            table.processes.iter().filter(|p| !own.contains(&p.pid) && self.wants(p, &mut names)).collect();
        found.sort_by_key(|process| (process.start_ticks, process.pid));
        seen.set("count_seen", found.len());
        match self.unseen(table) {
            Some(absence) => seen.miss("count", absence),
            None => seen.set("count", found.len()),
        }
        let rows = found.iter().take(self.limit).map(|process| {
            let mut row = row(process, now, &mut names);
            if ancestors.contains(&process.pid) {
                row.insert("ancestor_of_this_look".into(), true.into());
            }
            Value::Map(row)
        });
        let rows: Vec<Value> = rows.collect();
        seen.set("processes_cut", found.len() > rows.len());
        seen.set("processes", rows);
        tell_table(table, &own, seen);
    }

    /// Why the number of matching processes is not known.
    fn unseen(&self, table: &Table) -> Option<Absence> {
        // A name that nobody has matches no process, and says nothing about any.
        if let Some(user) = self.user.as_ref().filter(|user| !is_user(user)) {
            let message = format!("this machine knows no user `{user}`, so none of its processes can be that user's");
            return Some(Absence::new(Reason::Failed, message).settled_by(self.by_hand()));
        }
        let message = match (&table.hidden, table.unread.len()) {
            // A single process that was read is no matter of what else there may be.
            (Some(_), _) if self.pid.is_some_and(|pid| table.processes.iter().any(|p| p.pid == pid)) => return None,
            (Some(why), _) => why.clone(),
            (None, 0) => return None,
            (None, unread) => format!("{unread} of the processes may not be read"),
        };
        let message = format!("{message}; one that matches may be running unseen");
        Some(Absence::new(Reason::Denied, message).settled_by(self.by_hand()))
    }

    /// What somebody with more rights would run.
    fn by_hand(&self) -> String {
        let word = text::shell_word;
        let user = self.user.as_ref().map_or_else(String::new, |user| format!(" -u {}", word(user)));
        match (&self.pid, &self.pattern, &self.contains, &self.name) {
            (Some(pid), ..) => format!("sudo ps -o pid,ppid,user,stat,lstart,args -p {pid}"),
            (_, Some(pattern), ..) => format!("sudo pgrep{user} -fa -- {}", word(pattern.as_str())),
            (_, _, Some(text), _) => format!("sudo pgrep{user} -fa -- {}", word(&regex::escape(text))),
            (_, _, _, name) => format!("sudo pgrep{user} -xa -- {}", word(name.as_deref().unwrap_or_default())),
        }
    }

    fn wants(&self, process: &Process, names: &mut Names) -> bool {
        let line = process.words.join(" ");
        let file = process.words.first().map(|word| word.rsplit('/').next().unwrap_or(word));
        self.pid.is_none_or(|pid| pid == process.pid)
            && self.contains.as_ref().is_none_or(|text| line.contains(text.as_str()) || process.name == *text)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&line) || pattern.is_match(&process.name))
            && self.name.as_ref().is_none_or(|name| process.name == *name || file == Some(name.as_str()))
            && self
                .user
                .as_ref()
                .is_none_or(|user| *user == process.uid.to_string() || names.both(process.uid, process.uid).0 == user)
    }
}

fn is_user(user: &str) -> bool {
    user.parse::<u32>().is_ok() || env::user_by_name(user).is_some()
}

struct Now {
    clock: DateTime<Utc>,
    since_boot: std::time::Duration,
}

fn tell_table(table: &Table, own: &BTreeSet<u32>, seen: &mut Observation) {
    let left_out = table.processes.iter().filter(|process| own.contains(&process.pid)).map(|process| {
        let pairs = [("pid", Value::from(process.pid)), ("name", process.name.clone().into())];
        Value::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    });
    seen.set("left_out", Value::List(left_out.collect()));
    seen.set("looked_at", table.processes.len());
    seen.set("unread", table.unread.len());
    seen.set("vanished", table.vanished);
    seen.set("hidden", table.hidden.is_some());
    match table.initial_namespace {
        Some(initial) => seen.set("initial_namespace", initial),
        None => {
            let absence = Absence::new(Reason::Unavailable, "the kernel does not tell its namespace");
            seen.miss("initial_namespace", absence.settled_by("readlink /proc/self/ns/pid"));
        }
    }
}

fn row(process: &Process, now: &Now, names: &mut Names) -> Map {
    let mut row = Map::new();
    let mut set = |key: &str, value: Value| drop(row.insert(key.to_owned(), value));
    set("pid", process.pid.into());
    set("ppid", process.ppid.into());
    set("user", names.both(process.uid, process.uid).0.into());
    set("state", state(process.state).into());
    set("name", process.name.clone().into());
    set("command", command(process).into());
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let started = std::time::Duration::from_millis(process.start_ticks.saturating_mul(1000) / ticks);
    let age = now.since_boot.saturating_sub(started);
    set("age_seconds", age.as_secs().into());
    if let Some(at) = Duration::from_std(age).ok().and_then(|age| now.clock.checked_sub_signed(age)) {
        set("started_at", clock::stamp_seconds(at).into());
    }
    row
}

/// The words as a shell would read them, so that rules about command lines see them as one; cut
/// between words only, because half a secret is not recognised as one.
fn command(process: &Process) -> String {
    let mut line = String::new();
    for word in &process.words {
        if line.len() + word.len() > LONGEST {
            line.push_str(" …");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&text::shell_word(word));
    }
    if line.is_empty() { format!("[{}]", process.name) } else { line }
}

fn state(letter: char) -> String {
    let word = match letter {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting for a device",
        'Z' => "ended, not waited for",
        'T' => "stopped",
        't' => "stopped by a tracer",
        'I' => "idle",
        'X' | 'x' => "dead",
        other => return other.to_string(),
    };
    word.to_owned()
}

/// The numbers of our own process and all above it.
fn ancestors(processes: &[Process], own: u32) -> BTreeSet<u32> {
    let mut above = BTreeSet::new();
    let mut next = own;
    while let Some(process) = processes.iter().find(|process| process.pid == next) {
        // A table that was read while it changed could lead in a circle.
        if !above.insert(next) {
            break;
        }
        next = process.ppid;
    }
    above
}

/// Our own process and those above it that are the same program: they are the look, not what is
/// looked for. Any other one above, such as the job that called us, counts.
fn own(processes: &[Process], own: u32) -> BTreeSet<u32> {
    let name = processes.iter().find(|process| process.pid == own).map(|process| &process.name);
    let above = ancestors(processes, own);
    let same = |process: &&Process| above.contains(&process.pid) && Some(&process.name) == name;
    processes.iter().filter(same).map(|process| process.pid).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{look, prepare};
    use super::*;
    use crate::base::child::Invocation;

    fn process(pid: u32, ppid: u32, name: &str, words: &[&str]) -> Process {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Process { pid, ppid, state: 'S', uid: 0, start_ticks: 7, name: name.to_owned(), words }
    }

    #[test]
    fn a_real_process_is_found_and_gone_when_it_has_ended() {
        let with = "{ contains: '600.731', name: sleep }";
        let mut sleep = Invocation::new("sleep").args(["600.731"]).spawn().unwrap();
        let there = || look(&ProcessCollector, with);
        let deadline = clock::Deadline::after(std::time::Duration::from_secs(10));
        while there().values["count"] != 1_u64.into() && !deadline.passed() {}
        let seen = there();
        let row = seen.values["processes"].at("0").unwrap();
        assert_eq!(row.at("command").and_then(Value::as_text), Some("sleep 600.731"));
        assert_eq!(row.at("ppid"), Some(&Value::from(std::process::id())));
        assert!(row.at("age_seconds").and_then(Value::as_int).is_some_and(|age| (0..60).contains(&age)));
        assert!(row.at("started_at").and_then(Value::as_text).is_some_and(|at| at.ends_with('Z')));
        sleep.stop(std::time::Duration::from_secs(5));
        let seen = there();
        assert_eq!(seen.values["count"], 0_u64.into());
        for (path, _) in doc::DOC.values {
            assert!(seen.values.contains_key(*path) != seen.missing.contains_key(*path), "{path}");
        }
    }

    #[test]
    fn our_own_program_is_left_out_and_our_callers_are_not() {
        let table = [
            process(1, 0, "init", &["init"]),
            process(10, 1, "pg-backup.sh", &["/bin/sh", "pg-backup.sh"]),
            process(20, 10, "evidence", &["evidence", "demo", "pg-backup.sh"]),
            process(30, 20, "evidence", &["evidence", "collect", "g6"]),
            process(40, 1, "evidence", &["evidence", "collect", "other"]),
        ];
        assert_eq!(own(&table, 30), BTreeSet::from([20, 30]));
        assert_eq!(ancestors(&table, 30), BTreeSet::from([1, 10, 20, 30]));
    }

    #[test]
    fn what_may_be_hidden_is_not_none() {
        let ready = |pid: Option<u32>| Ready {
            contains: Some("it's".into()),
            pattern: None,
            name: None,
            pid,
            user: None,
            limit: 5,
        };
        let table = |hidden: Option<&str>, unread: &[u32]| Table {
            processes: vec![process(1, 0, "init", &["init"])],
            unread: unread.to_vec(),
            vanished: 0,
            hidden: hidden.map(str::to_owned),
            initial_namespace: Some(true),
        };
        assert!(ready(None).unseen(&table(None, &[])).is_none());
        assert!(ready(Some(1)).unseen(&table(Some("hidden"), &[])).is_none());
        for (hidden, unread) in [(Some("hidden"), &[][..]), (None, &[7][..])] {
            let absence = ready(None).unseen(&table(hidden, unread)).unwrap();
            assert_eq!(absence.reason, Reason::Denied);
            assert_eq!(absence.settle.as_deref(), Some(r"sudo pgrep -fa -- 'it'\''s'"));
        }
    }

    #[test]
    fn a_user_that_nobody_is_has_no_processes_to_count() {
        let seen = look(&ProcessCollector, "{ pattern: '.', user: nobody-of-this-name }");
        assert_eq!(seen.missing["count"].reason, Reason::Failed);
        assert!(look(&ProcessCollector, "{ pattern: '.', user: '0' }").values.contains_key("count_seen"));
    }

    #[test]
    fn a_long_command_line_is_cut_between_words() {
        let long = "x".repeat(LONGEST);
        let cut = command(&process(7, 1, "tool", &["tool", "--flag", &long]));
        assert_eq!(cut, "tool --flag …");
        assert_eq!(command(&process(8, 2, "kthreadd", &[])), "[kthreadd]");
    }

    #[test]
    fn settings_say_which_processes() {
        let error = |with: &str| prepare(&ProcessCollector, with).err().unwrap().message;
        assert!(error("{}").contains("say which processes"));
        assert!(error("{ user: root }").contains("say which processes"));
        assert!(error("{ contains: '' }").contains("every process"));
        assert!(error("{ pattern: '(' }").contains("no regular expression"));
        assert!(error("{ pids: 7 }").contains("pids"));
    }
}
