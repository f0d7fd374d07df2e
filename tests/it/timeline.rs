//! The scene NAS re-enacted: a real bash script writes its logs as the real one did, and the timeline,
//! the contradictions, the objectives and the hypotheses of the record say what the logs carry and
//! nothing more. Its clean twin, and more than a dozen kinds of healthy logs, give no contradiction.
//! Hostile logs are survived, and silence nothing.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::model::fact::Fact;
use evidence::model::value::Value;

use crate::support::look;
use crate::support::world::World;

/// The backup script of the scene. Stamps go through `date -d`, so that the order of lines is the
/// script's own and the times are those of the night. `$1` is the folder, `$2` what the far side
/// answers when asked for the digest (`same` or nothing).
const SCRIPT: &str = r##"#!/bin/bash
folder=$1; answer=$2; base='2026-05-15 03:00:00'
log() { printf '[%s] %s\n' "$(TZ=UTC date -d "$base UTC +$1 seconds" '+%F %T')" "$2" >> "$folder/nas-backup.log"; }
mail_log() { printf '%s nas postfix/smtp[4711]: %s\n' "$(TZ=UTC LC_ALL=C date -d "$base UTC +$1 seconds" '+%b %e %T')" "$2" >> "$folder/mail.log"; }
verify() {
  log 49 "[3/4] Verifying checksum"
  local_sum=$(sha256sum "$folder/nas.tar" | cut -d' ' -f1)
  remote_sum=''
  [ "$answer" = same ] && remote_sum=$local_sum
  log 49 "local sha256=$local_sum remote sha256=$remote_sum"
  if [ "$local_sum" != "$remote_sum" ]; then
    log 50 "Checksum mismatch!"
    return 2
  fi
  log 50 "checksum ok"
}
finish() {
  log "$1" "Backup completed successfully in $2"
  mail_log "$1" "7F2A1: success mail to=<ops@example.org>, status=sent (250 queued)"
}
log 1 "=== Backup started ==="
log 1 "[1/4] Creating archive"
mkdir -p "$folder/data"; head -c 5000 /dev/zero > "$folder/data/database"; head -c 17000 /dev/zero > "$folder/data/uploads"
if [ "$answer" = same ]; then uploads=173; else uploads=170; fi
log 20 "Parts: database 50 MB, uploads $uploads MB, settings 80 KB"
tar -cf "$folder/nas.tar" -C "$folder" data
log 33 "Archive created: nas.tar (223 MB)"
log 34 "[2/4] Uploading to nas.example.org"
log 45 "Upload finished: 223 MB in 11s"
if [ "$answer" = same ]; then
  verify && log 52 "[4/4] Rotating old archives" && finish 54 '0m 53s'
else
  finish 46 '0m 45s'
  verify
fi
exit 0
"##;

struct Night {
    folder: tempfile::TempDir,
}

impl Night {
    fn new(answer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("nas-backup.sh");
        fs::write(&script, SCRIPT).unwrap();
        let ran = Command::new("bash").arg(&script).arg(folder.path()).arg(answer).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn facts(&self, more: &str) -> Vec<Fact> {
        let steps = format!(
            "  - id: timeline\n    uses: timeline\n    with:\n      sources:\n        - {{ log: {:?}, subject: nas }}\n        - \
             {{ log: {:?}, format: syslog, year: 2026, subject: nas }}\n        - {{ file: {:?} }}\n  - id: found\n    uses: \
             contradictions\n    with: {{ timeline: timeline{more} }}\n",
            self.path("nas-backup.log"),
            self.path("mail.log"),
            self.path("nas.tar"),
        );
        look::facts(&look::case("  {}", &steps))
    }
}

fn list<'a>(fact: &'a Fact, path: &str) -> &'a [Value] {
    match fact.at(path) {
        Some(Ok(Value::List(list))) => list,
        other => panic!("{path}: {other:?}"),
    }
}

fn text<'a>(row: &'a Value, path: &str) -> &'a str {
    row.at(path).and_then(Value::as_text).unwrap_or("")
}

fn rules(found: &Fact) -> Vec<&str> {
    list(found, "findings").iter().map(|row| text(row, "rule")).collect()
}

#[test]
fn the_timeline_of_the_night_is_in_order_with_source_and_line() {
    let night = Night::new("");
    let facts = night.facts("");
    let events = list(&facts[0], "events");
    let times: Vec<&str> = events.iter().map(|row| text(row, "at")).collect();
    assert!(times.is_sorted() && times[0] == "2026-05-15T03:00:01.000000000Z", "{times:?}");
    for row in events.iter().filter(|row| row.at("line").is_some()) {
        let source = fs::read_to_string(text(row, "source")).unwrap();
        let line = usize::try_from(row.at("line").unwrap().as_int().unwrap()).unwrap();
        let written = source.lines().nth(line - 1).unwrap();
        assert!(written.contains(text(row, "text")) && written.contains(text(row, "original")), "{written}");
    }
    let kinds = |kind: &str| events.iter().filter(|row| text(row, "kind") == kind).count();
    assert_eq!((kinds("check_failed"), kinds("step"), kinds("alert")), (1, 3, 1));
    assert!(kinds("file") >= 1 && kinds("success") >= 1);
    assert_eq!(facts[0].basis, evidence::model::fact::Basis::Derived);
}

#[test]
fn the_contradictions_of_the_night_cite_both_lines() {
    let night = Night::new("");
    let facts = night.facts(", max_rate: 12.5 MB/s, alert_within: 15m");
    let found = &facts[1];
    let wanted = [
        "arithmetic",
        "arithmetic",
        "success-and-failure",
        "success-before-failure",
        "duration",
        "step-not-followed",
        "two-values",
        "alert-missing",
    ];
    let mut have = rules(found);
    let mut want = wanted.to_vec();
    have.sort_unstable();
    want.sort_unstable();
    assert_eq!(have, want);
    let row = |rule: &str| list(found, "findings").iter().find(|row| text(row, "rule") == rule).unwrap();
    let hidden = row("success-before-failure");
    assert!(text(hidden, "first.text").starts_with("Backup completed successfully in 0m 45s"));
    assert_eq!(text(hidden, "second.text"), "Checksum mismatch!");
    assert_eq!(text(hidden, "first.original"), "2026-05-15 03:00:46");
    assert_eq!(text(hidden, "second.at"), "2026-05-15T03:00:50.000000000Z");
    assert!(text(row("two-values"), "what").contains("remote sha256 is absent"));
    assert!(text(row("step-not-followed"), "what").contains("step 3 of 4"));
    for row in list(found, "findings") {
        assert!(["why", "settles", "what"].iter().all(|key| text(row, key).len() > 10));
        assert!(!text(row, "what").to_lowercase().contains("cause") || text(row, "rule") == "same-signature");
    }
}

#[test]
fn the_clean_twin_of_the_night_has_no_contradiction() {
    let facts = Night::new("same").facts(", alert_within: 15m");
    assert_eq!(rules(&facts[1]), Vec::<&str>::new());
    assert_eq!(facts[1].at("count"), Some(Ok(&Value::Int(0))));
    assert!(facts[1].at("runs").unwrap().unwrap().as_int().unwrap() > 0);
}

/// One log written here, looked at.
fn see(name: &str, bytes: &[u8], more: &str) -> Vec<Fact> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    see_path(&path, more)
}

fn see_path(path: &Path, more: &str) -> Vec<Fact> {
    see_by(path, more, ", alert_within: 15m, max_rate: 1 GB/s")
}

fn see_by(path: &Path, more: &str, rules: &str) -> Vec<Fact> {
    let source = format!("{{ log: {path:?}{more} }}");
    look::facts(&look::case(
        "  {}",
        &format!(
            "  - {{ id: timeline, uses: timeline, with: {{ sources: [{source}] }} }}\n  - {{ id: found, uses: contradictions, with: {{ timeline: timeline{rules} }} }}\n"
        ),
    ))
}

const CLEAN: &[(&str, &str)] = &[
    (
        "pg-backup.log",
        "2026-05-14 04:15:00 Starting backup of database app\n2026-05-14 04:15:02 dumping schema public\n2026-05-14 04:15:40 dump written: app_20260514.sql.gz (43311450 bytes)\n2026-05-14 04:15:41 gzip test passed\n2026-05-14 04:15:41 Backup of app completed in 41s\n2026-05-15 04:15:00 Starting backup of database app\n2026-05-15 04:15:41 dump written: app_20260515.sql.gz (43763755 bytes)\n2026-05-15 04:15:42 Backup of app completed in 42s\n",
    ),
    (
        "cron-syslog",
        "May 15 04:17:01 db1 CRON[311]: (root) CMD (run-parts --report /etc/cron.hourly)\nMay 15 04:17:01 db1 CRON[310]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)\nMay 15 04:17:02 db1 CRON[310]: pam_unix(cron:session): session closed for user root\nMay 15 04:30:01 db1 CRON[412]: (backup) CMD (/usr/local/bin/backup-to-nas.sh start >> /var/log/nas.log 2>&1)\n",
    ),
    (
        "nginx-access",
        "203.0.113.9 - - [15/May/2026:04:15:00 +0200] \"GET /backup/failed?error: 1 HTTP/1.1\" 200 512 \"-\" \"curl/8\"\n203.0.113.9 - - [15/May/2026:04:15:01 +0200] \"POST /jobs/started HTTP/1.1\" 201 5 \"-\" \"Backup completed successfully\"\n203.0.113.10 - bob [15/May/2026:04:15:09 +0200] \"GET / HTTP/1.1\" 304 0 \"-\" \"x\"\n",
    ),
    (
        "nginx-error",
        "2026/05/15 04:15:00 [notice] 7#7: using the \"epoll\" event method\n2026/05/15 04:15:00 [notice] 7#7: start worker processes\n2026/05/15 04:15:00 [notice] 7#7: start worker process 30\n",
    ),
    (
        "postgres",
        "2026-05-15 04:00:00.123 UTC [1] LOG:  starting PostgreSQL 15.18 on x86_64-pc-linux-gnu\n2026-05-15 04:00:00.140 UTC [1] LOG:  listening on Unix socket \"/run/postgresql/.s.PGSQL.5432\"\n2026-05-15 04:00:00.160 UTC [27] LOG:  database system was shut down at 2026-05-15 03:59:58 UTC\n2026-05-15 04:00:00.170 UTC [1] LOG:  database system is ready to accept connections\n2026-05-15 04:05:00.300 UTC [25] LOG:  checkpoint starting: time\n2026-05-15 04:05:04.500 UTC [25] LOG:  checkpoint complete: wrote 44 buffers (0.3%); 0 WAL file(s) added, 0 removed, 0 recycled; write=4.1 s, sync=0.01 s, total=4.2 s; sync files=11, longest=0.003 s, average=0.001 s; distance=270 kB, estimate=270 kB\n",
    ),
    (
        "journal.json",
        "{\"MESSAGE\":\"Starting logrotate.service - Rotate log files...\",\"_PID\":\"1\",\"SYSLOG_IDENTIFIER\":\"systemd\",\"__REALTIME_TIMESTAMP\":\"1778800000000000\"}\n{\"MESSAGE\":\"logrotate.service: Deactivated successfully.\",\"_PID\":\"1\",\"SYSLOG_IDENTIFIER\":\"systemd\",\"__REALTIME_TIMESTAMP\":\"1778800001000000\"}\n{\"MESSAGE\":\"Finished logrotate.service - Rotate log files.\",\"_PID\":\"1\",\"SYSLOG_IDENTIFIER\":\"systemd\",\"__REALTIME_TIMESTAMP\":\"1778800001500000\"}\n{\"MESSAGE\":[104,105],\"_PID\":\"9\",\"SYSLOG_IDENTIFIER\":\"x\",\"__REALTIME_TIMESTAMP\":\"1778800002000000\"}\n",
    ),
    (
        "docker.json",
        "{\"log\":\"time=\\\"x\\\" level=info msg=\\\"job nightly starting\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-05-15T01:00:00.1Z\"}\n{\"log\":\"level=info msg=\\\"uploaded 12 files, errors=0\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-05-15T01:00:09.1Z\"}\n{\"log\":\"level=info msg=\\\"job nightly finished\\\" failed=0 ok=12\\n\",\"stream\":\"stderr\",\"time\":\"2026-05-15T01:00:10.1Z\"}\n",
    ),
    (
        "rsync.log",
        "2026/05/15 03:00:00 [812] building file list\n2026/05/15 03:00:02 [812] >f+++++++++ data/error.log\n2026/05/15 03:00:02 [812] >f+++++++++ data/failed-logins.csv.gz\n2026/05/15 03:00:11 [812] sent 223,000,000 bytes  received 35 bytes  20,272,730.45 bytes/sec\n2026/05/15 03:00:11 [812] total size is 223,000,000  speedup is 1.00\n",
    ),
    (
        "restic.log",
        "2026-05-15 02:00:00 Starting backup to sftp:nas.example.org\n2026-05-15 02:00:03 using parent snapshot 1a2b3c4d\n2026-05-15 02:01:40 Files:          12 new,     3 changed, 40112 unmodified\n2026-05-15 02:01:40 Added to the repository: 170.112 MiB (80.201 MiB stored)\n2026-05-15 02:01:41 processed 40127 files, 12.345 GiB in 1:37\n2026-05-15 02:01:41 snapshot 5e6f7a8b saved\n2026-05-15 02:01:42 no errors were found\n2026-05-15 02:01:42 backup finished in 102 s\n",
    ),
    (
        "borg.log",
        "2026-05-15 01:00:00,101 INFO Starting backup job home\n2026-05-15 01:00:01,300 INFO Creating archive at \"backup@nas.example.org:repo::home-2026-05-15\"\n2026-05-15 01:03:07,000 INFO Time (end):   Fri, 2026-05-15 01:03:07\n2026-05-15 01:03:07,001 INFO Duration: 3 minutes 6.10 seconds\n2026-05-15 01:03:07,400 INFO terminating with success status, rc 0\n",
    ),
    (
        "apt-history.log",
        "\nStart-Date: 2026-05-15  06:12:01\nCommandline: /usr/bin/unattended-upgrade\nUpgrade: libexpat1:amd64 (2.5.0-1, 2.5.0-1+deb12u1)\nEnd-Date: 2026-05-15  06:12:04\n\nStart-Date: 2026-05-16  06:12:01\nRemove: failures:amd64 (1.0)\nEnd-Date: 2026-05-16  06:12:04\n",
    ),
    (
        "systemd-syslog",
        "May 15 06:00:00 db1 systemd[1]: Starting apt-daily.service - Daily apt download activities...\nMay 15 06:00:02 db1 systemd[1]: Starting man-db.service - Daily man-db regeneration...\nMay 15 06:00:03 db1 systemd[1]: apt-daily.service: Deactivated successfully.\nMay 15 06:00:03 db1 systemd[1]: Finished apt-daily.service - Daily apt download activities.\nMay 15 06:00:04 db1 systemd[1]: man-db.service: Deactivated successfully.\nMay 15 06:00:04 db1 systemd[1]: Finished man-db.service - Daily man-db regeneration.\nMay 15 06:00:05 db1 systemd[1]: Started Session 12 of User root.\n",
    ),
    (
        "ci.log",
        "2026-05-15T03:00:00.000Z pipeline 812 started\n2026-05-15T03:00:01.000Z step 1/3 checkout\n2026-05-15T03:00:09.000Z step 2/3 build\n2026-05-15T03:01:00.000Z build finished in 51 s\n2026-05-15T03:01:00.000Z step 3/3 test\n2026-05-15T03:02:00.000Z test result: ok. 345 passed; 0 failed; 2 ignored\n2026-05-15T03:02:01.000Z pipeline 812 succeeded in 2m 1s\n",
    ),
    (
        "logrotate.log",
        "2026-05-15 00:00:01 reading config file /etc/logrotate.d/nginx\n2026-05-15 00:00:01 rotating pattern: /var/log/nginx/error.log daily (14 rotations), missingok\n2026-05-15 00:00:01 rotating log /var/log/nginx/error.log, log->rotateCount is 14\n2026-05-15 00:00:01 log needs rotating\n2026-05-15 00:00:02 rotation finished\n",
    ),
    (
        "retry.log",
        "2026-05-15 03:00:00 upload started\n2026-05-15 03:00:01 attempt 1 failed, retrying in 5s\n2026-05-15 03:00:06 attempt 2 failed, will retry\n2026-05-15 03:00:19 upload completed successfully, 0 errors, failed: 0\n",
    ),
    (
        "windows.log",
        "2026-05-15 03:00:00 Backup job started\r\n2026-05-15 03:00:30 Archive size: 223 MB\r\n2026-05-15 03:00:31 Archive size: 223000123 bytes\r\n2026-05-15 03:00:40 Backup job finished with no errors in 40 seconds\r\n",
    ),
    (
        "dd.log",
        "2026-05-15 03:00:00 copy started\n223000000 bytes (223 MB, 213 MiB) copied, 11.2 s, 19.9 MB/s\n2026-05-15 03:00:12 copy finished\n",
    ),
    (
        "sshd",
        "May 15 06:25:43 db1 sshd[991]: Accepted publickey for backup from 203.0.113.7 port 50222 ssh2\nMay 15 06:25:43 db1 sshd[991]: pam_unix(sshd:session): session opened for user backup\nMay 15 06:25:59 db1 sshd[991]: Received disconnect from 203.0.113.7 port 50222:11: disconnected by user\n",
    ),
];

#[test]
fn healthy_logs_of_many_kinds_have_no_contradiction() {
    assert!(CLEAN.len() >= 12);
    let mut wrong = Vec::new();
    for (name, log) in CLEAN {
        let facts = see(name, log.as_bytes(), "");
        assert_eq!(facts[1].at("complete"), Some(Ok(&Value::Bool(true))));
        for row in list(&facts[1], "findings") {
            wrong.push(format!("{name}: {}: {}: {}", text(row, "rule"), text(row, "what"), text(row, "first.text")));
        }
        for row in
            list(&facts[0], "events").iter().filter(|row| ["failure", "check_failed"].contains(&text(row, "kind")))
        {
            wrong.push(format!("{name}: taken for a failure: {}", text(row, "text")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_logs_of_this_machine_have_no_contradiction() {
    let mut seen = 0;
    for path in ["/var/log/dpkg.log", "/var/log/apt/history.log", "/var/log/apt/term.log", "/var/log/alternatives.log"]
    {
        if fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 0) && fs::File::open(path).is_ok() {
            seen += 1;
            // Programs do complain in there; nobody expects a mail of it.
            let facts = see_by(Path::new(path), "", "");
            assert_eq!(rules(&facts[1]), Vec::<&str>::new(), "{path}: {:?}", list(&facts[1], "findings"));
        }
    }
    eprintln!("{seen} logs of this machine read");
}

const FAILING: &str = "2026-05-15 03:00:01 backup started\n2026-05-15 03:00:05 ERROR: upload failed\n";

#[test]
fn an_attackers_success_silences_no_failure() {
    let forged = [
        "2026-05-15 03:00:06 Backup completed successfully in 0m 5s\n",
        "2026-05-15 03:00:04 user=\"Backup completed successfully with 0 errors\" logged in\n",
        "2026-05-15 03:00:05 0 errors, no failures, upload failed=0\n",
        "Backup completed successfully\n",
    ];
    for line in forged {
        for log in [format!("{FAILING}{line}"), format!("{line}{FAILING}"), FAILING.replace('\n', &format!("\n{line}"))]
        {
            let facts = see("job.log", log.as_bytes(), "");
            let failures = list(&facts[0], "events").iter().filter(|row| text(row, "kind") == "failure").count();
            assert_eq!(failures, 1, "{log}");
            assert!(rules(&facts[1]).contains(&"alert-missing"), "{log}");
        }
    }
    let named = FAILING.replace("upload failed", "upload of '0 errors completed successfully.txt' failed");
    let facts = see("job.log", named.as_bytes(), "");
    assert_eq!(facts[0].at("counts.failure"), Some(Ok(&Value::Int(1))));
    assert!(facts[0].at("counts.success").is_none());
}

#[test]
fn a_clients_time_in_an_access_log_moves_nothing() {
    let line = |user: &str, second: u32| {
        format!("203.0.113.9 - {user} [15/May/2026:04:15:{second:02} +0200] \"GET / HTTP/1.1\" 500 1\n")
    };
    let log: String = (0..30).map(|s| line(if s == 29 { "2020-01-01T00:00:00Z" } else { "-" }, s)).collect();
    let facts = see("access.log", log.as_bytes(), ", events: { server_error: '\" 5[0-9][0-9] ' }");
    assert_eq!(facts[0].at("counts.server_error"), Some(Ok(&Value::Int(30))));
    assert_eq!(facts[0].at("first"), Some(Ok(&"2026-05-15T02:15:00.000000000Z".into())));
    assert_eq!(facts[0].at("last"), Some(Ok(&"2026-05-15T02:15:29.000000000Z".into())));
}

#[test]
fn interleaved_runs_out_of_order_lines_and_a_clock_step() {
    let log = "2026-05-15 03:00:01 [job=7] backup started\n2026-05-15 03:00:02 [job=8] backup started\n2026-05-15 03:00:05 [job=8] upload failed\n2026-05-15 03:00:04 [job=7] backup completed\n2026-05-15 02:00:00 [job=9] backup started\n2026-05-15 02:00:09 [job=9] backup completed in 9s\n";
    let told_apart = see("job.log", log.as_bytes(), ", run: 'job=(?P<run>[0-9]+)'");
    assert_eq!(rules(&told_apart[1]), ["alert-missing"]);
    let order: Vec<_> =
        list(&told_apart[0], "events").iter().map(|row| row.at("line").unwrap().as_int().unwrap()).collect();
    assert_eq!(order, [5, 6, 1, 2, 4, 3]);
    let marks = list(&told_apart[0], "marks");
    assert_eq!(
        (marks.len(), text(&marks[0], "mark"), marks[0].at("line")),
        (1, "clock went back", Some(&Value::Int(5)))
    );
}

#[test]
fn rotation_repeats_nothing_and_a_run_goes_on_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("job.log.1", "2026-05-14 23:59:50 backup started\n2026-05-14 23:59:55 [1/2] dumping\n");
    write(
        "job.log",
        "2026-05-14 23:59:55 [1/2] dumping\n2026-05-15 00:00:05 [2/2] uploading\n2026-05-15 00:00:09 backup completed in 19s\n",
    );
    let facts = see_path(&folder.path().join("job.log*"), "");
    assert_eq!(rules(&facts[1]), Vec::<&str>::new());
    let repeats = list(&facts[0], "events").iter().filter(|row| !text(row, "repeats").is_empty()).count();
    assert_eq!(repeats, 1);
}

#[test]
fn a_gzip_that_ends_early_is_not_a_log_without_contradictions() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for second in 0..20_000_u32 {
        writeln!(
            gzip,
            "2026-05-15 {:02}:{:02}:{:02} request {}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            second * 7
        )
        .unwrap();
    }
    let bytes = gzip.finish().unwrap();
    let facts = see("job.log.gz", &bytes[..bytes.len() / 2], "");
    assert_eq!(facts[0].at("complete"), Some(Ok(&Value::Bool(false))));
    assert!(matches!(facts[1].at("count"), Some(Err(_))) && matches!(facts[1].at("by_rule.duration"), Some(Err(_))));
    assert!(text(&list(&facts[0], "sources")[0], "why").contains("unpacked beyond line"));
}

#[test]
fn mixed_encodings_truncated_lines_and_nul_bytes_are_survived() {
    let mut log = b"2026-05-15 03:00:01 backup started \xe9\xff\r\n".to_vec();
    log.extend_from_slice("2026-05-15 03:00:02 Übertragung: upload failed – é\n".as_bytes());
    log.extend_from_slice(&[0; 4096]);
    log.extend_from_slice(b"\n2026-05-15 03:0");
    let facts = see("job.log", &log, "");
    let source = &list(&facts[0], "sources")[0];
    assert_eq!((source.at("nul_bytes"), source.at("ends_open")), (Some(&Value::Int(4096)), Some(&Value::Bool(true))));
    let rows = list(&facts[0], "events");
    assert!(text(&rows[0], "text").contains("\\xe9\\xff") && text(&rows[1], "text").contains("Übertragung"));
}

#[test]
fn a_million_lines_with_one_stamp_are_counted_and_cut() {
    let line = "2026-05-15 03:00:01 upload failed\n";
    let mut log = line.repeat(1_000_000).into_bytes();
    log.extend_from_slice(b"2026-05-15 03:00:02 backup completed\n");
    let facts = see("job.log", &log, "");
    let events = list(&facts[0], "events");
    assert_eq!(facts[0].at("events_total"), Some(Ok(&Value::Int(1_000_001))));
    assert_eq!((events.len(), facts[0].at("events_left_out")), (500, Some(Ok(&Value::Int(999_501)))));
    assert_eq!(events[0].at("line"), Some(&Value::Int(1)));
}

#[test]
fn new_year_without_years_is_inferred_and_said() {
    let log = "Dec 31 23:59:58 nas backup[7]: backup started\nJan  1 00:00:03 nas backup[7]: backup completed in 5s\n";
    let facts = see("syslog", log.as_bytes(), ", format: syslog, year: 2025");
    assert_eq!(rules(&facts[1]), Vec::<&str>::new());
    let rows = list(&facts[0], "events");
    assert_eq!(
        (text(&rows[0], "at"), text(&rows[1], "at")),
        ("2025-12-31T23:59:58.000000000Z", "2026-01-01T00:00:03.000000000Z")
    );
    assert_eq!(text(&list(&facts[0], "marks")[0], "mark"), "new year inferred");
    assert_eq!(list(&facts[0], "sources")[0].at("year_inferred"), Some(&Value::Bool(true)));
}

#[test]
fn daylight_saving_gap_and_overlap_are_marked() {
    let log = "2026-10-25 01:59:59 backup started\n2026-10-25 02:30:00 upload started\n2026-10-25 02:10:00 upload finished\n2026-10-25 03:00:01 backup completed\n2027-03-28 02:30:00 backup failed\n";
    let facts = see("job.log", log.as_bytes(), ", zone: Europe/Zurich");
    let rows = list(&facts[0], "events");
    let lines: Vec<_> = rows.iter().map(|row| row.at("line").unwrap().as_int().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5]);
    assert!(rows[1].at("at").is_none() && rows[1].at("at_earliest").is_some() && rows[1].at("at_latest").is_some());
    assert!(rows[4].at("at").is_none() && text(&rows[4], "note").contains("skips"));
    let marks: Vec<_> = list(&facts[0], "marks").iter().map(|mark| text(mark, "mark")).collect();
    assert_eq!(marks, ["ambiguous time", "ambiguous time", "impossible time"]);
    // What may be either instant cannot be held against a duration.
    assert!(!rules(&facts[1]).contains(&"duration"));
}

#[test]
fn secrets_in_lines_are_masked_and_keys_are_not_kept() {
    let token = ["gh", "p_", &"aB3dE6".repeat(6)].concat();
    let begin = concat!("-----BEGIN RSA PRIV", "ATE KEY-----");
    let log = format!("2026-05-15 03:00:01 backup started with token {token}\n{begin}\nMIIEfailed\n");
    let facts = see("job.log", log.as_bytes(), ", events: { key: MIIE }");
    let all = serde_json::to_string(&facts).unwrap();
    assert!(!all.contains(&token[4..]) && !all.contains("MIIEfailed"), "{all}");
}

/// A case with everything, through the binary, to a verified record.
#[test]
fn the_record_shows_order_contradictions_and_hypotheses_and_no_cause() {
    let night = Night::new("");
    let world = World::new();
    let folder = world.path("reports/nas");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(world.path("policies")).unwrap();
    fs::write(
        world.path("policies/nas.yaml"),
        "policy: nas\nchecks:\n  - { id: N-1, title: The logs do not contradict themselves, require: { fact: found.count, equals: 0 } }\n",
    )
    .unwrap();
    let case = format!(
        "case: nas\ntitle: A success that was not\ntemplate: incident\npolicy: nas\nseats: {{ executor: ops-agent }}\nobjectives: {{ rpo: 24h }}\ncollect:\n  - id: archive\n    uses: backup\n    with: {{ path: {:?} }}\n  - id: timeline\n    uses: timeline\n    with:\n      sources:\n        - {{ log: {:?}, zone: UTC, subject: nas }}\n        - {{ log: {:?}, format: syslog, year: 2026, zone: UTC, subject: nas }}\n  - id: found\n    uses: contradictions\n    with: {{ timeline: timeline }}\n  - id: objectives\n    uses: objectives\n    with: {{ backups: [archive] }}\nhypotheses:\n  - id: H-1\n    seat: executor\n    says: The success is logged before the check runs\n    for: [{{ fact: found.by_rule.success-before-failure, at_least: 1 }}]\n    against: [{{ fact: found.by_rule.success-after-failed-check, at_least: 1 }}]\n  - id: H-2\n    seat: executor\n    says: The far side ran out of space\n    for: [{{ fact: timeline.counts.no_space, at_least: 1 }}]\n",
        night.path("nas.tar"),
        night.path("nas-backup.log"),
        night.path("mail.log"),
    );
    fs::write(folder.join("case.yaml"), case).unwrap();
    fs::write(
        folder.join("narrative.md"),
        "The mail left after 45 seconds; there were {{ fact(\"found.findings_total\") }} contradictions.\n",
    )
    .unwrap();
    let collected = world.run(&["collect", "nas"]);
    assert_eq!(collected.code, 3, "{}{}", collected.stdout, collected.stderr);
    let rendered = world.run(&["render", "nas"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert!(rendered.stderr.contains("narrative.md:1: the figure 45 seconds is typed"), "{}", rendered.stderr);
    let record = fs::read_to_string(folder.join("record.md")).unwrap();
    for wanted in [
        "success-before-failure",
        "Checksum mismatch!",
        "nas-backup.log:",
        "Typed in the narrative and cited from no fact: `45 seconds` (line 1)",
        "| H-1 |",
        "supported",
        "not established",
        "timeline.svg",
        "Recovery objectives",
        "UNKNOWN (unavailable)",
    ] {
        assert!(record.contains(wanted), "{wanted}\n{record}");
    }
    assert!(!record.to_lowercase().contains("root cause"));
    let verified = world.run(&["verify", "nas"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    let runs = fs::read_dir(folder.join("runs")).unwrap().next().unwrap().unwrap().path();
    let figure = fs::read(runs.join("data/artifacts/timeline/timeline.svg")).unwrap();
    assert!(figure.starts_with(b"<svg "));
    let digest = evidence::base::digest::Digest::of(&figure).to_string();
    assert!(record.contains(&digest), "the record names the figure by its digest");
}
