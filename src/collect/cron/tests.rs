//! What `cron` sees of real files.

use std::path::Path;

use super::super::testing::{case, look, prepare, without_privileges};
use super::*;
use crate::base::files;
use crate::model::fact::Fact;

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, content: &str) -> String {
        let path = self.0.path().join(name);
        files::make_folder(path.parent().unwrap()).unwrap();
        files::write(&path, content.as_bytes()).unwrap();
        path.display().to_string()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn rows(seen: &Observation, name: &str) -> Vec<Value> {
    match seen.values.get(name) {
        Some(Value::List(rows)) => rows.clone(),
        other => panic!("{name}: {other:?}, {:?}", seen.missing.get(name)),
    }
}

fn at<'a>(row: &'a Value, name: &str) -> &'a str {
    row.at(name).and_then(Value::as_text).unwrap_or_default()
}

#[test]
fn the_entry_that_runs_a_path_and_its_plan() {
    let host = Host::new();
    host.put("cron.d/pg-backup", "SHELL=/bin/bash\n17 4 * * * root /usr/local/bin/pg-backup.sh >/dev/null\n");
    host.put("cron.d/other", "*/5 * * * * root /usr/bin/true\n");
    let folder = host.path().join("cron.d");
    let seen = look(
        &CronCollector,
        &format!(
            "{{ sources: [{folder:?}], runs: /usr/local/bin/pg-backup.sh, expect: '17 4 * * *', rpo: 26h, retention: 30d }}"
        ),
    );
    assert_eq!((&seen.values["entries_count"], &seen.values["found_count"]), (&2_u64.into(), &1_u64.into()));
    assert_eq!(seen.values["as_expected"], true.into());
    assert_eq!(seen.values["zone"], "Europe/Zurich".into());
    assert_eq!(at(&rows(&seen, "found")[0], "user"), "root");
    let local = seen.values["next_firing_local"].as_text().unwrap();
    assert!(local.contains("T04:17:00+0"), "{local}");
    // The night on which the clock is set back is an hour longer.
    assert_eq!((&seen.values["longest_gap_seconds"], &seen.values["within_rpo"]), (&90_000_u64.into(), &true.into()));
    assert!(matches!(seen.values["retained"], Value::Int(29..=31)));
    assert!(rows(&seen, "clock_changes").is_empty());
    let seen =
        look(&CronCollector, &format!("{{ sources: [{folder:?}], runs: pg-backup, expect: '17 5 * * *', rpo: 24h }}"));
    assert_eq!((&seen.values["as_expected"], &seen.values["within_rpo"]), (&false.into(), &false.into()));
}

#[test]
fn a_skipped_and_a_repeated_hour_are_said() {
    let host = Host::new();
    let file = host.put("tab", "30 2 * * * /usr/bin/a\n*/30 2 * * * /usr/bin/b\n");
    let seen = look(&CronCollector, &format!("{{ sources: [{file:?}] }}"));
    let effects: Vec<_> = rows(&seen, "clock_changes").iter().map(|row| at(row, "effect").to_owned()).collect();
    assert_eq!(effects.len(), 4, "{effects:?}");
    for part in
        ["skipped: run once, at", "repeated: run the first time only", "skipped: left out", "repeated: run twice"]
    {
        assert!(effects.iter().any(|effect| effect.contains(part)), "{part}: {effects:?}");
    }
}

#[test]
fn malformed_lines_settings_and_crons_that_differ() {
    let host = Host::new();
    host.put("cron.d/bad.conf", "CRON_TZ=America/New_York\nTOKEN=secret-value\n61 * * * * root /x\n0 4 * * * root /y");
    let folder = host.path().join("cron.d");
    let seen = look(&CronCollector, &format!("{{ sources: [{folder:?}] }}"));
    assert_eq!(seen.values["malformed_count"], 1_u64.into());
    assert_eq!(rows(&seen, "malformed")[0].at("line"), Some(&3_u64.into()));
    let entry = &rows(&seen, "entries")[0];
    for part in ["Debian's cron does not", "such a name in cron.d", "no line end"] {
        assert!(at(entry, "note").contains(part), "{part}");
    }
    assert_eq!(at(entry, "zone"), "America/New_York");
    let environment = rows(&seen, "environment");
    assert!(environment[1].at("value").is_none() && at(&environment[1], "name") == "TOKEN");
}

#[test]
fn timers_with_their_services() {
    let host = Host::new();
    host.put("units/backup.timer", "[Timer]\nOnCalendar=*-*-* 04:17\nRandomizedDelaySec=5min\nPersistent=true\n");
    host.put("units/backup.service", "[Service]\nUser=backup\nExecStart=/usr/local/bin/pg-backup.sh\n");
    host.put("units/watch.timer", "[Timer]\nOnUnitActiveSec=1h\nOnBootSec=5min\nOnCalendar=nonsense here\n");
    let folder = host.path().join("units");
    let seen = look(&CronCollector, &format!("{{ sources: [{folder:?}], runs: pg-backup, expect: '*-*-* 04:17:00' }}"));
    assert_eq!((&seen.values["found_count"], &seen.values["as_expected"]), (&1_u64.into(), &true.into()));
    assert_eq!((&seen.values["entries_count"], &seen.values["malformed_count"]), (&3_u64.into(), &1_u64.into()));
    assert_eq!(at(&rows(&seen, "found")[0], "user"), "backup");
    let all = look(&CronCollector, &format!("{{ sources: [{folder:?}], rpo: 2h }}"));
    assert_eq!(all.missing["longest_gap_seconds"].reason, Reason::NotApplicable);
    assert!(!all.values.contains_key("within_rpo"));
}

#[test]
fn drop_ins_change_a_timer_and_its_service() {
    let host = Host::new();
    host.put("units/backup.timer", "[Timer]\nOnCalendar=*-*-* 04:17\n");
    host.put("units/backup.service", "[Service]\nExecStart=/usr/local/bin/old.sh\n");
    host.put("units/backup.timer.d/50-later.conf", "[Timer]\nOnCalendar=\nOnCalendar=*-*-* 05:30\n");
    host.put("units/backup.service.d/x.conf", "[Service]\nExecStart=\nExecStart=/usr/local/bin/pg-backup.sh\nUser=b\n");
    let with = format!("{{ sources: [{:?}], runs: pg-backup }}", host.path().join("units/backup.timer"));
    let seen = look(&CronCollector, &with);
    let found = &rows(&seen, "found")[0];
    assert_eq!((at(found, "schedule"), at(found, "user")), ("*-*-* 05:30", "b"));
    assert!(at(found, "source").ends_with("50-later.conf") && found.at("line") == Some(&3_u64.into()));
    assert_eq!((&seen.values["entries_count"], rows(&seen, "sources").len()), (&1_u64.into(), 2));

    // What a drop-in says that cannot be read is not known; so nothing is said of when the timer fires.
    files::write(&host.path().join("units/backup.timer.d/60.conf"), b"[Timer]\nOnCalendar=\xff\n").unwrap();
    let seen = look(&CronCollector, &with);
    assert!(!seen.values.contains_key("entries_count"), "{seen:?}");
}

#[test]
fn a_timer_behind_a_link_is_read_where_it_lies() {
    use std::os::unix::fs::symlink;
    let host = Host::new();
    host.put("units/backup.timer", "[Timer]\nOnCalendar=*-*-* 04:17\n");
    host.put("files/backup.service", "[Service]\nExecStart=/usr/local/bin/pg-backup.sh\n");
    host.put("units/backup.timer.d/50.conf", "[Timer]\nOnCalendar=\nOnCalendar=*-*-* 05:30\n");
    host.put("units/dump@.timer", "[Timer]\nOnCalendar=*-*-* 06:00\n");
    host.put("units/dump@main.timer.d/50.conf", "[Timer]\nOnCalendar=\nOnCalendar=*-*-* 07:00\n");
    host.put("wants/other.target", "[Unit]\n");
    let at_host = |name: &str| host.path().join(name);
    symlink("../files/backup.service", at_host("units/backup.service")).unwrap();
    symlink("../units/backup.timer", at_host("wants/backup.timer")).unwrap();
    symlink("../units/backup.timer", at_host("wants/nightly.timer")).unwrap();
    symlink("../units/dump@.timer", at_host("wants/dump@main.timer")).unwrap();
    symlink("/dev/null", at_host("wants/masked.timer")).unwrap();
    symlink("wants", at_host("linked")).unwrap();
    for folder in ["wants", "linked"] {
        let seen = look(&CronCollector, &format!("{{ sources: [{:?}], runs: pg-backup }}", at_host(folder)));
        // The alias is the same timer, the masked one never fires.
        assert_eq!((&seen.values["entries_count"], &seen.values["found_count"]), (&2_u64.into(), &1_u64.into()));
        assert_eq!(at(&rows(&seen, "found")[0], "schedule"), "*-*-* 05:30");
        assert!(rows(&seen, "entries").iter().any(|row| at(row, "schedule") == "*-*-* 07:00"));
        assert_eq!(seen.values["malformed_count"], 0_u64.into());
    }
    let with = format!("{{ sources: [{:?}] }}", at_host("wants/backup.timer"));
    assert_eq!(look(&CronCollector, &with).values["entries_count"], 1_u64.into());
}

#[test]
fn before_and_after() {
    let host = Host::new();
    let file = host.put("tab", "0 3 * * * /usr/bin/a\n0 5 * * * /usr/bin/b\n");
    let with = format!("{{ sources: [{file:?}] }}");
    let before = look(&CronCollector, &with);
    let fact = Fact {
        id: "earlier".into(),
        uses: "cron".into(),
        basis: crate::model::fact::Basis::Observed,
        target: None,
        source: String::new(),
        how: Vec::new(),
        observed_at: String::new(),
        took_ms: 0,
        values: before.values.clone(),
        missing: before.missing.clone(),
        absence: None,
        artifacts: Vec::new(),
        masked: Default::default(),
    };
    host.put("tab", "17 4 * * * /usr/bin/a\n0 6 * * * /usr/bin/c\n");
    let mut case = case("cron", &format!("{{ sources: [{file:?}], before: earlier }}"));
    case.collect.insert(0, crate::model::case::Step { id: "earlier".into(), ..case.collect[0].clone() });
    let settings = Settings { case: &case, step: &case.collect[1], folder: Path::new("/"), commands: &[] };
    let prepared = CronCollector.prepare(&settings).unwrap_or_else(|e| panic!("{e}"));
    let scratch = tempfile::tempdir().unwrap();
    let facts = [fact];
    let surroundings = Surroundings {
        scratch: scratch.path(),
        facts: &facts,
        progress: &super::super::testing::Silent,
        kernel: crate::collect::Kernel::NONE,
        arguments: &[],
    };
    let mut seen = None;
    let _ = prepared.look(&surroundings).map(|observation| seen = Some(observation));
    let seen = seen.unwrap();
    assert_eq!(seen.values["changes_count"], 3_u64.into());
    let changed = &rows(&seen, "changed")[0];
    assert_eq!((at(changed, "before"), at(changed, "after")), ("0 3 * * *", "17 4 * * *"));
    assert_eq!(at(&rows(&seen, "added")[0], "command"), "/usr/bin/c");
    assert_eq!(at(&rows(&seen, "removed")[0], "command"), "/usr/bin/b");
}

#[test]
fn absent_and_denied_are_told_apart() {
    let host = Host::new();
    let there = host.put("a", "0 3 * * * /usr/bin/a\n");
    let gone = host.path().join("gone");
    let seen = look(&CronCollector, &format!("{{ sources: [{gone:?}] }}"));
    assert_eq!(seen.absence.unwrap().reason, Reason::NotFound);
    let seen = look(&CronCollector, &format!("{{ sources: [{gone:?}, {there:?}] }}"));
    assert_eq!(seen.values["entries_count"], 1_u64.into());
    let closed = host.put("b", "0 3 * * * /usr/bin/b\n");
    files::set_mode(Path::new(&closed), 0).unwrap();
    let seen = without_privileges(|| {
        look(&CronCollector, &format!("{{ sources: [{there:?}, {closed:?}], rpo: 1d, expect: '@daily' }}"))
    });
    for name in ["entries_count", "found_count", "as_expected", "within_rpo", "next_firing"] {
        assert_eq!(seen.missing[name].reason, Reason::Denied, "{name}");
        assert!(!seen.values.contains_key(name), "{name}");
    }
}

#[test]
fn every_promised_value_is_there_or_missing() {
    let host = Host::new();
    let file = host.put("tab", "0 3 * * * /usr/bin/a\n@reboot /usr/bin/b\n");
    for runs in ["", ", runs: nothing", ", runs: /usr/bin/a"] {
        let seen = look(&CronCollector, &format!("{{ sources: [{file:?}]{runs} }}"));
        for (value, _) in doc::DOC.values {
            assert!(seen.values.contains_key(*value) || seen.missing.contains_key(*value), "{runs}: {value}");
        }
    }
}

#[test]
fn settings_are_checked() {
    let error = |with: &str| prepare(&CronCollector, with).err().unwrap().message;
    assert!(error("{ sources: [] }").contains("empty"));
    assert!(error("{ sources: [/x], zone: Europe/Zurch }").contains("Zurich"));
    assert!(error("{ sources: [/x], expect: '61 * * * *' }").contains("minute"));
    assert!(error("{ sources: [/x], before: nobody }").contains("no step `nobody` comes before this one"));
    assert!(error("{ sources: [/x], format: both }").contains("system"));
}
