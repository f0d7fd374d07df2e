//! Examinations of real files, good and bad.

use std::io::Write;
use std::path::Path;

use super::super::testing::{look, prepare, without_privileges};
use super::*;
use crate::base::digest::Digest;
use crate::model::value::lookup;

/// A dump with `tables` tables.
fn dump(tables: usize) -> Vec<u8> {
    let mut text = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18\n\
                    -- Dumped by pg_dump version 15.18\n\nSET statement_timeout = 0;\n"
        .to_owned();
    for table in 0..tables {
        text.push_str(&format!("CREATE TABLE public.t{table} (\n    id integer\n);\n\n"));
        text.push_str(&format!("COPY public.t{table} (id) FROM stdin;\n1\n2\n\\.\n\n"));
    }
    text.push_str("--\n-- PostgreSQL database dump complete\n--\n\n");
    text.into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn see(bytes: &[u8], rest: &str) -> Observation {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.sql.gz");
    files::write(&path, bytes).unwrap();
    look(&BackupCollector, &format!("{{ path: {path:?}{rest} }}"))
}

fn at<'a>(seen: &'a Observation, path: &str) -> &'a Value {
    lookup(&seen.values, path).unwrap_or_else(|| panic!("no {path} in {:?}", seen.values.keys()))
}

fn every_value_is_there_or_missing(seen: &Observation) {
    for (value, _) in doc::DOC.values {
        assert!(seen.values.contains_key(*value) != seen.missing.contains_key(*value), "{value}");
    }
}

#[test]
fn a_good_dump_is_described_with_file_and_content_side_by_side() {
    let packed = gzip(&dump(3));
    let seen = see(&packed, ", payload_digest: true");
    assert_eq!(at(&seen, "quality"), &"good".into());
    assert_eq!(at(&seen, "kind"), &"gzip".into());
    assert_eq!(at(&seen, "file_kind"), &"file".into());
    assert_eq!(at(&seen, "sha256"), &Digest::of(&packed).to_string().into());
    assert_eq!(at(&seen, "payload_sha256"), &Digest::of(&dump(3)).to_string().into());
    assert_eq!(at(&seen, "payload_bytes"), &dump(3).len().into());
    assert_eq!(at(&seen, "size_bytes"), &packed.len().into());
    assert_eq!(at(&seen, "sql.tables.count"), &3_u64.into());
    assert_eq!(at(&seen, "sql.rows.by_table.public.t1"), &2_u64.into());
    assert_eq!(at(&seen, "sql.ends_inside"), &"none".into());
    assert_eq!(at(&seen, "gzip.damage"), &"none".into());
    assert_eq!(seen.missing["zstd"].reason, Reason::NotApplicable);
    every_value_is_there_or_missing(&seen);
}

#[test]
fn an_empty_stream_is_valid_gzip_and_a_bad_backup() {
    let seen = see(&gzip(b""), "");
    assert_eq!(at(&seen, "size_bytes"), &20_u64.into());
    assert_eq!(at(&seen, "gzip.valid"), &true.into());
    assert_eq!(at(&seen, "payload_bytes"), &0_u64.into());
    assert_eq!(at(&seen, "quality"), &"bad".into());
    every_value_is_there_or_missing(&seen);
    let nothing = see(b"", "");
    assert_eq!(at(&nothing, "kind"), &"empty".into());
    every_value_is_there_or_missing(&nothing);
}

#[test]
fn long_lists_are_cut_with_the_whole_beside_them() {
    let seen = see(&gzip(&dump(30)), ", max_names: 10");
    assert_eq!(at(&seen, "sql.tables.count"), &30_u64.into());
    assert_eq!(at(&seen, "sql.tables.names_cut"), &true.into());
    let Value::List(names) = at(&seen, "sql.tables.names") else { panic!("no list") };
    assert_eq!(names.len(), 10);
    let whole: Value = serde_json::from_slice(&seen.attachments[0].bytes).unwrap();
    assert!(matches!(whole.at("sql.tables.names"), Some(Value::List(all)) if all.len() == 30));
}

#[test]
fn a_limit_leaves_no_totals_behind() {
    let seen = see(&gzip(&dump(3000)), ", expansion_limit: 1 KiB");
    assert_eq!(at(&seen, "expansion_limit_hit"), &true.into());
    assert_ne!(at(&seen, "quality"), &"good".into());
    for value in ["payload_bytes", "sql", "gzip"] {
        assert_eq!(seen.missing[value].reason, Reason::Limit, "{value}");
    }
    assert!(at(&seen, "partial.payload_bytes").as_int().is_some());
    every_value_is_there_or_missing(&seen);

    let late = see(&gzip(&dump(3000)), ", time_limit: 0s");
    assert_eq!(late.missing["payload_bytes"].reason, Reason::TimedOut);
    assert_eq!(late.missing["sha256"].reason, Reason::TimedOut);
    every_value_is_there_or_missing(&late);
}

#[test]
fn a_member_of_an_archive_is_examined_as_if_it_stood_alone() {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in [("./daily/app.sql.gz", gzip(&dump(2))), ("notes", b"hello".to_vec())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let packed = gzip(&archive.into_inner().unwrap());
    let seen = see(&packed, ", member: daily/app.sql.gz");
    assert_eq!(at(&seen, "quality"), &"good".into());
    assert_eq!(at(&seen, "sql.tables.count"), &2_u64.into());
    assert_eq!(at(&seen, "member.size_bytes"), &gzip(&dump(2)).len().into());
    assert_eq!(at(&seen, "stored_sha256"), &Digest::of(&gzip(&dump(2))).to_string().into());
    assert_eq!(at(&seen, "sha256"), &Digest::of(&packed).to_string().into());
    every_value_is_there_or_missing(&seen);

    let gone = see(&packed, ", member: daily/none.sql.gz");
    assert_eq!(gone.missing["quality"].reason, Reason::NotFound);
    assert_eq!(see(&gzip(&dump(1)), ", member: x").missing["quality"].reason, Reason::NotApplicable);
}

#[test]
fn what_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump");
    let look_at = |path: &Path| look(&BackupCollector, &format!("{{ path: {path:?} }}"));
    let gone = look_at(&path);
    assert_eq!((at(&gone, "exists"), gone.missing["quality"].reason), (&false.into(), Reason::NotFound));
    assert_eq!(look_at(folder.path()).missing["quality"].reason, Reason::NotApplicable);
    files::write(&path, b"x").unwrap();
    files::set_mode(&path, 0).unwrap();
    let denied = without_privileges(|| look_at(&path));
    assert_eq!(denied.missing["quality"].reason, Reason::Denied);
    assert!(denied.missing["quality"].settle.as_deref().is_some_and(|c| c.starts_with("sudo evidence examine /")));
    every_value_is_there_or_missing(&denied);
}

#[test]
fn settings_are_checked() {
    let error = |with: &str| prepare(&BackupCollector, with).err().map(|e| e.message).unwrap_or_default();
    assert!(error("{ path: /x, expansion_limit: lots }").contains("expansion_limit"));
    assert!(error("{ path: /x, time_limit: 5 }").contains("time_limit"));
    assert!(error("{ path: /x, payload_digests: true }").contains("payload_digest"));
}

#[test]
fn expected_names_are_found_in_the_dump_as_what_they_are() {
    let mut text = String::from_utf8(dump(2)).unwrap();
    let head = text.find("CREATE TABLE").unwrap();
    text.insert_str(
        head,
        "CREATE VIEW public.v AS SELECT 1;\nGRANT SELECT,INSERT ON TABLE public.t0 TO reader;\n\
         GRANT ALL ON SCHEMA public TO reader;\n",
    );
    let grants = "grants: { reader: [SELECT ON TABLE public.t0, USAGE ON SCHEMA public";
    let seen =
        see(&gzip(text.as_bytes()), &format!(", expect: {{ tables: [public.t0], views: [public.v], {grants}] }} }}"));
    assert_eq!((at_text(&seen, "score"), at(&seen, "expect.all_found")), ("4/4".to_owned(), &true.into()));
    let more = "DELETE ON TABLE public.t0], other: [SELECT ON TABLE public.t0] } }";
    // A table is no view, and another privilege or role is not granted.
    let seen = see(&gzip(text.as_bytes()), &format!(", expect: {{ views: [public.t0], {grants}, {more}"));
    assert_eq!((at_text(&seen, "score"), at(&seen, "expect.all_found")), ("2/5".to_owned(), &false.into()));
    let missing = at(&seen, "expect.missing").to_string();
    assert!(missing.contains("view public.t0") && missing.contains("grant DELETE ON TABLE public.t0 to reader"));
    // Nothing expected is nothing established, and so is what could not be read.
    assert_eq!(see(&gzip(&dump(1)), "").missing["expect"].reason, Reason::NotApplicable);
    let seen = see(&gzip(&[]), ", expect: { tables: [public.t0] }");
    assert!(seen.missing.contains_key("expect"), "{seen:?}");
    every_value_is_there_or_missing(&seen);
}

fn at_text(seen: &Observation, name: &str) -> String {
    at(seen, &format!("expect.{name}")).as_text().unwrap().to_owned()
}
