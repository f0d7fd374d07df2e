//! What `script` sees of real files, and each way in which it can fail to see.

use std::path::Path;

use super::super::testing::{look, prepare, without_privileges};
use super::*;

fn see(script: &str, more: &str) -> Observation {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.sh");
    files::write(&path, script.as_bytes()).unwrap();
    look_at(&path, more)
}

fn look_at(path: &Path, more: &str) -> Observation {
    look(&ScriptCollector, &format!("{{ path: {path:?}{more} }}"))
}

fn rules(seen: &Observation) -> Vec<(String, i64)> {
    let Some(Value::List(rows)) = seen.values.get("findings") else { panic!("{:?}", seen.missing) };
    let text = |row: &Value, name: &str| row.at(name).and_then(Value::as_text).unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(row, "rule"), row.at("line").and_then(Value::as_int).unwrap())).collect()
}

#[test]
fn a_lost_producer_is_named_and_its_clean_twin_has_nothing() {
    let bad = see("#!/bin/bash\npg_dump app | gzip >x.gz\necho next\n", "");
    let found = rules(&bad);
    assert!(found.contains(&("producer-failure-lost".into(), 2)), "{found:?}");
    assert_eq!(bad.values["pipefail"], false.into());
    let clean = see("#!/bin/bash\nset -euo pipefail\npg_dump app | gzip >x.gz\necho next\n", "");
    assert_eq!(rules(&clean), []);
    assert_eq!((&clean.values["pipefail"], &clean.values["errexit"]), (&true.into(), &true.into()));
    assert_eq!(clean.values["findings_count"], 0_u64.into());
}

#[test]
fn every_promised_value_is_there_or_missing() {
    for script in ["#!/bin/bash\necho x | cat\n", "#!/bin/bash\nif\n", "#!/usr/bin/python3\nprint(1)\n"] {
        let seen = see(script, ", patterns: { x: echo }");
        for (value, _) in doc::DOC.values {
            let top = value.split('.').next().unwrap();
            assert!(seen.values.contains_key(top) || seen.missing.contains_key(top), "{script}: {value}");
        }
    }
}

#[test]
fn what_cannot_be_parsed_is_an_absence_with_its_line() {
    let seen = see("#!/bin/bash\necho a\nif true; then\n  echo b\n", "");
    let absence = &seen.missing["findings"];
    assert_eq!(absence.reason, Reason::Unparsable);
    assert!(absence.message.contains("line "), "{}", absence.message);
    assert!(absence.settle.as_deref().is_some_and(|command| command.starts_with("bash -n -- /")));
    assert!(!seen.values.contains_key("findings_count") && !seen.values.contains_key("pipefail"));
    assert!(seen.values.contains_key("sha256"));
    let binary = tempfile::tempdir().unwrap();
    let path = binary.path().join("x");
    files::write(&path, b"#!/bin/bash\n\xff\xfe\n").unwrap();
    assert_eq!(look_at(&path, "").missing["findings"].reason, Reason::Unparsable);
}

#[test]
fn another_interpreter_is_said() {
    let seen = see("#!/usr/bin/python3\nprint(1)\n", "");
    assert_eq!(seen.values["shell"], "other".into());
    assert!(seen.missing.contains_key("findings") && seen.missing.contains_key("pipefail"));
}

#[test]
fn code_from_elsewhere_makes_an_unset_option_unknown() {
    let seen = see("#!/bin/bash\n. /etc/job.conf\npg_dump app | gzip >x.gz\n", "");
    assert_eq!(seen.missing["pipefail"].reason, Reason::Unavailable);
    assert_eq!(seen.values["foreign_lines"], vec![2_u64].into());
    let seen = see("#!/bin/bash\nset -eo pipefail\n. /etc/job.conf\npg_dump app | gzip >x.gz\n", "");
    assert_eq!(seen.values["pipefail"], true.into());
}

#[test]
fn absent_and_denied_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.sh");
    for more in ["", ", patterns: { x: y }"] {
        let seen = look_at(&path, more);
        assert_eq!(seen.values["exists"], false.into());
        assert_eq!(seen.missing["findings"].reason, Reason::NotFound);
    }
    files::write(&path, b"#!/bin/sh\n").unwrap();
    files::set_mode(&path, 0).unwrap();
    let seen = without_privileges(|| look_at(&path, ""));
    assert_eq!(seen.missing["findings"].reason, Reason::Denied);
}

#[test]
fn hostile_nesting_and_parser_bombs_end() {
    for script in [
        "(".repeat(100_000),
        "$(".repeat(50_000),
        "if true; then ".repeat(20_000),
        "a=${a:-".repeat(9000),
        "((".repeat(70),
    ] {
        let seen = see(&format!("#!/bin/bash\n{script}\n"), "");
        assert!(seen.missing.contains_key("findings"), "{:.20}", script);
    }
}

#[test]
fn settings_are_checked() {
    let error = |with: &str| prepare(&ScriptCollector, with).err().unwrap().message;
    assert!(error("{ path: /x, context: 2 }").contains("patterns"));
    assert!(error("{ path: /x, patterns: { x: '(' } }").contains('x'));
    assert!(error("{ paht: /x }").contains("paht"));
}

#[test]
fn secrets_among_arguments_are_found_by_form_and_by_rule() {
    let key = format!("{}{}", "AKIA", "Q3EGRIUPD5RXY7NL");
    let found = |line: &str| {
        rules(&see(&format!("#!/bin/bash\nset -e\n{line}\n"), "")).iter().any(|(rule, _)| rule == "secret-in-arguments")
    };
    assert!(found("mysqldump -u app -p\"$DB_PASS\" app >x"));
    assert!(found("curl -u backup:\"$PASS\" https://example.org/"));
    assert!(found(&format!("aws configure set aws_access_key_id {key}")));
    assert!(!found("mysqldump --defaults-extra-file=/etc/backup.cnf app >x"));
    assert!(!found("PGPASSFILE=/etc/pgpass pg_dump app >x"));
}

#[test]
fn a_pipeline_inside_another_shell_decides_too() {
    let with = |line: &str| see(&format!("#!/bin/bash\nset -euo pipefail\n{line}\n"), "");
    let seen = with("docker exec pg sh -c 'pg_dump app | gzip' >x.gz");
    assert_eq!(seen.values["pipefail"], false.into());
    assert_eq!(seen.values["lost_failures"], 1_u64.into());
    let seen = with("docker exec pg bash -o pipefail -c 'pg_dump app | gzip' >x.gz");
    assert_eq!(seen.values["pipefail"], true.into());
    assert_eq!(seen.values["lost_failures"], 0_u64.into());
    // What the other shell will run is not known.
    let seen = with("ssh db1.example.org \"$COMMAND\" >x.gz");
    assert_eq!(seen.values["foreign_lines"], vec![3_u64].into());
    assert_eq!(seen.missing["pipefail"].reason, Reason::Unavailable);
}
