//! The built-in policies and starting cases against the collectors: every step can be prepared, and
//! every reference leads to something that its collector documents.

use std::path::Path;
use std::process::Command;

use evidence::base::{assets, yaml};
use evidence::collect;
use evidence::judge;
use evidence::model::case::{Case, Step};
use evidence::model::policy::Policy;
use evidence::model::verdict::{Outcome, Section, Status, Verdict};

use crate::support::look;

/// Every fact that `backup-integrity` judges by.
const G6: &str = "
case: g6
title: Backup integrity recovery
template: incident
policy: backup-integrity
targets: { db: { postgres: { via: local, host: /nowhere, database: app } } }
collect:
  - { id: host, uses: host }
  - { id: inventory, uses: files, with: { path: /srv/backups, glob: '*.sql.gz', baseline: {} } }
  - { id: healthy, uses: backup, with: { path: /srv/backups/a.sql.gz } }
  - { id: fresh, uses: backup, with: { path: /srv/backups/b.sql.gz } }
  - { id: script, uses: script, with: { path: /srv/pg-backup.sh } }
  - { id: cron, uses: cron, with: { sources: [/etc/cron.d/pg-backup], format: system, runs: pg-backup.sh } }
  - { id: log, uses: log, with: { path: /srv/pg-backup.log, patterns: { error: 'ERROR:' } } }
  - { id: second_log, uses: log, with: { path: /srv/second.log, patterns: { error: 'ERROR:', last_step: '5/5' } } }
  - { id: second_staging, uses: files, with: { path: /srv/staging } }
  - { id: disk, uses: disk, with: { path: /srv/backups } }
  - { id: job, uses: process, with: { contains: /srv/pg-backup.sh } }
  - { id: second_process, uses: process, with: { contains: /srv/second.sh } }
  - { id: identity, uses: postgres.identity, on: db }
  - { id: privilege, uses: postgres.schema_privilege, on: db, with: { role: r, schema: s, privilege: USAGE } }
  - { id: tables, uses: postgres.query, on: db, with: { query: SELECT 1 } }
  - { id: contradictions, uses: contradictions, with: { sources: [{ log: /srv/pg-backup.log }, { log: /srv/second.log }] } }
  - { id: objectives, uses: objectives, with: { backups: [healthy, fresh] } }
objectives: { rpo: 24h }
";

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    yaml::decode(Path::new("built-in"), text.as_bytes()).unwrap()
}

fn documented(step: &Step, path: &str) -> bool {
    let doc = collect::find(&step.uses).unwrap_or_else(|| panic!("no collector {}", step.uses)).doc();
    doc.values.iter().any(|(name, _)| judge::path_fits(name, path))
}

fn fits(case: &Case) {
    let policy: Policy = read(assets::policy(&format!("{}.yaml", case.policy)).unwrap());
    case.validate().unwrap();
    judge::check_references(&policy, case).unwrap();
    judge::check_paths(&policy, case, &documented).unwrap_or_else(|e| panic!("{e}"));
    collect::prepare(case, &case.before(), Path::new("/srv"), &[]).unwrap_or_else(|e| panic!("{}: {e}", case.policy));
}

#[test]
fn every_starting_case_can_be_planned() {
    for kind in ["closure", "backup", "incident", "verification", "hardening", "restore-test", "post-execution"] {
        fits(&read(&assets::starter(kind).unwrap().replace("CASE", "hb-08")));
    }
}

#[test]
fn backup_integrity_looks_only_where_collectors_show_something() {
    fits(&read(G6));
}

/// The night itself, with the real tools: five good dumps, then a producer that fails into gzip.
const NIGHT: &str = r#"
set -e
mkdir backups staging
for day in 1 2 3 4 5; do
    {
        printf -- '--\n-- PostgreSQL database dump\n--\n\n'
        for t in 1 2 3; do printf 'CREATE TABLE public.t%s (a integer);\n' $t; done
        printf 'COPY public.t1 (a) FROM stdin;\n'; seq 1 5000; printf '\\.\n\n'
        printf -- '--\n-- PostgreSQL database dump complete\n--\n\n'
    } | gzip -9 > backups/day$day.sql.gz
    touch -d "$((6 - day)) days ago" backups/day$day.sql.gz
done
cp backups/day5.sql.gz a.sql.gz
false | gzip -9 > backups/day6.sql.gz
cp -p backups/day6.sql.gz b.sql.gz
cp b.sql.gz staging/part1.sql.gz
printf '#!/bin/sh\npg_dump app | gzip -9 > out\n' > pg-backup.sh
chmod 755 pg-backup.sh
echo 'pg_dump: error: query failed: ERROR:  permission denied for schema sandbox_tac' | tee pg-backup.log > second.log
echo '17 4 * * * root pg-backup.sh' > pg-backup
"#;

fn night() -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let done = Command::new("bash").args(["-c", NIGHT]).current_dir(&root).status().unwrap();
    assert!(done.success());
    let root = root.to_str().unwrap();
    let text = G6.replace("/etc/cron.d", root).replace("/srv/backups/a", &format!("{root}/a"));
    let text = text.replace("/srv/backups/b", &format!("{root}/b")).replace("/srv", root);
    let case: Case = read(&text);
    let policy: Policy = read(assets::policy("backup-integrity.yaml").unwrap());
    let facts = look::facts(&case);
    let as_of = facts[0].observed_at.clone();
    judge::judge(&policy, &facts, &case, &as_of)
}

#[test]
fn the_broken_night_is_judged_from_real_files() {
    let verdict = night();
    let table = |section| verdict.section(section).map(|r| format!("{} {}", r.id, r.status.word())).collect::<Vec<_>>();
    let detail =
        || verdict.rows.iter().map(|r| format!("{} {}: {} | {}", r.id, r.status.word(), r.observed, r.because));
    let detail = || detail().collect::<Vec<_>>().join("\n");
    let checks =
        ["V4-1 PASS", "V4-2 PASS (misleading)", "V4-3 FAIL", "V4-4 FAIL", "V4-5 FAIL", "V4-6 PASS", "V4-7 PASS"];
    assert_eq!(table(Section::Checks), checks, "{}", detail());
    assert_eq!(verdict.section(Section::Checks).filter(|row| row.status.fails()).count(), 4);
    // Nobody could ask the database, so its hard stop fires too, and its criteria are unknown.
    let stops = ["HS-1 PASS", "HS-2 PASS", "HS-3 PASS", "HS-4 UNKNOWN", "HS-5 FAIL"];
    assert_eq!(table(Section::HardStops), stops, "{}", detail());
    let criteria = [
        "K-1 UNKNOWN",
        "K-2 FAIL",
        "K-3 PASS",
        "K-4 FAIL",
        "K-5 FAIL",
        "K-6 FAIL",
        "K-7 FAIL",
        "K-8 FAIL",
        "K-9 PASS",
        "K-10 FAIL",
        "K-11 PASS",
        "K-12 PASS",
    ];
    assert_eq!(table(Section::Criteria), criteria, "{}", detail());
    assert_eq!(verdict.outcome, Outcome::HardStop);
    let unknown = verdict.rows.iter().filter(|row| row.status == Status::Unknown);
    unknown.for_each(|row| assert!(!row.because.is_empty() && !row.observed.is_empty(), "{row:?}"));
}
