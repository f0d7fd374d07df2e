//! The built-in templates over facts that the real collectors made, hostile names and lines
//! included: every collector's own value names fit, whatever is there or not.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use super::*;
use crate::base::{canonical, files, yaml};
use crate::collect::{COLLECTORS, Progress, Session, prepare};
use crate::hygiene::{Masked, Masker};
use crate::judge;
use crate::model::bundle::SealedFact;
use crate::model::case::Case;
use crate::model::fact::Fact;
use crate::model::policy::Policy;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18\n-- Dumped by pg_dump version 15.18\n\nCREATE TABLE public.\"a|b\" (\n    id integer\n);\n\nGRANT SELECT ON TABLE public.\"a|b\" TO reader;\n\nCOPY public.\"a|b\" (id) FROM stdin;\n1\n2\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const KUMA: &str = "CREATE TABLE monitor (id, name, type, active, interval, url);
    CREATE TABLE heartbeat (id, monitor_id, status, time, msg);
    INSERT INTO monitor VALUES (1, '``` | [F1] <b>', 'push', 1, 90000, NULL), (2, 'b', 'http', 0, 60, 'https://example.org');
    INSERT INTO heartbeat VALUES (1, 1, 0, '2026-05-13 04:17:08.001', '{{ 1 }} | x');";

fn scene(folder: &Path) {
    let log = "2026-05-15 04:15:01 start\n``` | <b>x</b> [F1] {{ 1 }}\n2026-05-15 04:15:02 ERROR:  permission denied \u{1b}[31m\n";
    files::write(&folder.join("job.log"), log.as_bytes()).unwrap();
    let nas = "2026-05-15 03:00:01 backup | started ``` <b>x</b>\n2026-05-15 03:00:46 Backup completed successfully in 0m 45s [F1] {{ 1 }}\n2026-10-25 02:30:00 Checksum mismatch! \u{1b}[31m\n2026-05-15 03:00:50 [1/3] | ERROR: \u{202e}x\n";
    files::write(&folder.join("nas | [F1] `x`.log"), nas.as_bytes()).unwrap();
    files::write(&folder.join("a_1.sql.gz"), &gzip(DUMP)).unwrap();
    files::write(&folder.join("a_2 | [F1] `x`.sql.gz"), &gzip(DUMP)).unwrap();
    files::write(&folder.join("a_3.sql.gz"), &gzip("")).unwrap();
    files::write(&folder.join("plain.sql"), DUMP.as_bytes()).unwrap();
    rusqlite::Connection::open(folder.join("kuma.db")).unwrap().execute_batch(KUMA).unwrap();
    let script = "#!/bin/bash\npg_dump app | gzip >'``` | <b>x</b> [F1] {{ 1 }}'\ncheck() { return 2; }\ncheck\necho backup done\n";
    files::write(&folder.join("job.sh"), script.as_bytes()).unwrap();
    files::write(&folder.join("cut.sh"), b"#!/bin/bash\nif true; then\n").unwrap();
    let tab = "30 2 * * * /usr/bin/x '``` | <b>x</b> [F1] {{ 1 }}'\n61 * * * * x\nMAILTO=a|b\n@reboot y\n";
    files::write(&folder.join("tab"), tab.as_bytes()).unwrap();
}

const STEPS: &str = "
  - { id: host, uses: host }
  - { id: all, uses: files, with: { path: ., glob: '*.sql.gz', baseline: { tolerance: 0.5 }, sha256: true } }
  - { id: none, uses: files, with: { path: nowhere } }
  - { id: script, uses: file, with: { path: job.log } }
  - { id: gone, uses: file, with: { path: gone } }
  - { id: good, uses: backup, with: { path: a_1.sql.gz } }
  - { id: empty, uses: backup, with: { path: a_3.sql.gz } }
  - { id: plain, uses: backup, with: { path: plain.sql } }
  - { id: drill, uses: restore.drill, with: { path: no.dump } }
  - { id: lost, uses: backup, with: { path: lost.gz } }
  - { id: job, uses: log, with: { path: job.log, patterns: { denied: 'permission denied', never: 'xyzzy' }, around: denied, window: 10m } }
  - { id: nolog, uses: log, with: { path: no.log, patterns: { a: b } } }
  - { id: timeline, uses: timeline, with: { sources: [{ log: 'nas*.log', zone: Europe/Zurich }, { log: gone.log }, { file: job.log }, { fact: script, time: mtime, says: script | written }] } }
  - { id: nothing, uses: timeline, with: { sources: [{ log: gone.log }] } }
  - { id: contradictions, uses: contradictions, with: { timeline: timeline } }
  - { id: objectives, uses: objectives, with: { backups: [good, empty, all, lost] } }
  - { id: shell, uses: script, with: { path: job.sh, patterns: { dump: pg_dump } } }
  - { id: cut, uses: script, with: { path: cut.sh } }
  - { id: noscript, uses: script, with: { path: no.sh } }
  - { id: plan, uses: cron, with: { sources: [tab], zone: Europe/Zurich, rpo: 26h } }
  - { id: changes, uses: cron, with: { sources: [tab], before: plan } }
  - { id: noplan, uses: cron, with: { sources: [no.tab] } }
  - { id: identity, uses: postgres.identity, on: nobody }
  - { id: privilege, uses: postgres.schema_privilege, on: nobody, with: { role: r, schema: s, privilege: USAGE } }
  - { id: size, uses: postgres.size, on: nobody }
  - { id: question, uses: postgres.query, on: nobody, with: { query: SELECT 1 } }
  - { id: running, uses: process, with: { pattern: '.', limit: 3 } }
  - { id: disk, uses: disk, with: { path: . } }
  - { id: nodisk, uses: disk, with: { path: nowhere } }
  - { id: box, uses: container, with: { name: no-such-container } }
  - { id: unit, uses: service, with: { unit: no-such.service } }
  - { id: printed, uses: command, with: { argv: [printf, '%s', '``` | [F1] {{ 1 }}'] } }
  - { id: kuma, uses: uptime_kuma, with: { path: kuma.db } }
  - { id: nokuma, uses: uptime_kuma, with: { path: no.db } }
  - { id: beats, uses: sqlite.query, with: { path: kuma.db, query: 'SELECT name AS [a|b] FROM monitor' } }
  - { id: counts, uses: postgres.counts, on: nobody }
  - { id: sums, uses: file.sums, with: { path: no.sums } }
  - { id: compared, uses: counts.compare, with: { left: counts, right: drill } }
  - { id: objects, uses: postgres.objects, on: nobody }
  - { id: print, uses: postgres.fingerprint, on: nobody }
  - { id: print2, uses: postgres.fingerprint, on: nobody }
  - { id: activity, uses: postgres.activity, on: nobody }
  - { id: untouched, uses: postgres.unchanged, with: { before: print, after: print2 } }
  - { id: guard, uses: postgres.dump_privileges, on: nobody, with: { role: backup } }
  - { id: locks, uses: postgres.functions, on: nobody }
  - { id: same, uses: file.same, with: { path: plain.sql, there: 'local:/nowhere/at | all' } }
  - { id: sent, uses: transfer, with: { path: plain.sql, there: 'local:/nowhere/at | all', duration: 2s, parts: [1 KB] } }
  - { id: said, uses: statement, with: { seat: executor, says: It was | so., answers: C1, holds: true } }
";

fn real_bundle(template: &str) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    scene(folder.path());
    let text = format!(
        "case: real\ntitle: Real facts\ntemplate: {template}\npolicy: p\nseats: {{ executor: ada }}\n\
         objectives: {{ rpo: 24h, rto: 4h }}\nhypotheses:\n  - {{ id: H-1, seat: executor, says: 'it | was so', for: [{{ fact: good.quality, equals: good }}], against: [{{ fact: lost.quality, equals: good }}] }}\n\
         targets: {{ nobody: {{ postgres: {{ host: {}/none }} }} }}\ncollect:{STEPS}",
        folder.path().display()
    );
    let case: Case = yaml::decode(Path::new("case.yaml"), text.as_bytes()).unwrap();
    let policy = "policy: p\nchecks:\n  - { id: A, title: valid, require: { fact: empty.gzip.valid, equals: true } }\n  - { id: B, title: there, require: { fact: lost.quality, equals: good } }\ncommands:\n  - { id: CMD-1, argv: [printf, '%s', { matches: '.*' }], reason: it prints | }\n";
    let policy: Policy = yaml::decode(Path::new("p.yaml"), policy.as_bytes()).unwrap();
    let mut bundle = bundle(template);
    let (facts, hygiene) = collect(&case, &policy, folder.path());
    let plain: Vec<Fact> = facts.iter().map(|f| f.fact.clone()).collect();
    bundle.verdict = judge::judge(&policy, &plain, &case, &bundle.info.started_at);
    bundle.narrative = None;
    Bundle { case, policy, facts, hygiene, ..bundle }
}

fn collect(case: &Case, policy: &Policy, folder: &Path) -> (Vec<SealedFact>, crate::model::bundle::HygieneTable) {
    let steps = prepare(case, &case.before(), folder, &policy.commands).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let session =
        Session { scratch: scratch.path(), progress: &Silent, kernel: crate::collect::Kernel::NONE, arguments: &[] };
    let mut masker = Masker::new();
    let mut facts = Vec::new();
    let mut keep = |sealed: Masked<SealedFact>| -> Result<(), std::convert::Infallible> {
        let mut sealed = sealed.into_inner();
        sealed.anchor = canonical::anchor(&sealed.fact).unwrap().to_string();
        sealed.artifacts = BTreeMap::new();
        facts.push(sealed);
        Ok(())
    };
    session.run(&steps, &mut Vec::new(), &mut masker, &mut |_| None, &mut keep).unwrap();
    (facts, masker.table())
}

#[test]
fn every_template_renders_what_every_collector_sees() {
    let used: Vec<_> = yaml::decode::<Vec<crate::model::case::Step>>(Path::new("steps"), STEPS.as_bytes()).unwrap();
    for collector in COLLECTORS {
        assert!(used.iter().any(|s| s.uses == collector.doc().name), "`{}` is not in this test", collector.doc().name);
    }
    for template in ["incident", "closure", "verification", "hardening"] {
        let record = text(&real_bundle(template));
        super::hostile::assert_sound(&record);
        super::hostile::yaml_blocks(&record);
        for wanted in [
            "ABSENT",
            "\\x5bF1]",
            "permission denied",
            "UNKNOWN",
            "create_table: 1",
            "gzip valid",
            "success-before-failure",
            "Hypotheses",
            "Recovery objectives",
            "not established",
            "producer-failure-lost",
            "changes_count: 0",
        ] {
            assert!(record.contains(wanted), "{template}: {wanted}");
        }
    }
}
