//! Every rule proves itself by its own examples, and the whole by properties that a leak or a false
//! alarm would break.

use std::collections::BTreeMap;

use base64::Engine as _;
use proptest::prelude::*;

use crate::model::fact::{Absence, Attachment, Basis, Observation, Reason};
use crate::model::value::Value;

use super::engine::BUILT_IN;
use super::rule::Rule;
use super::sample;

use super::{Limits, Look, Masker, Raw, Ruleset, Scanner, mask_str};

fn rules() -> &'static [Rule] {
    BUILT_IN.as_ref().expect("the built-in rules load").rules()
}

fn expand(example: &str, seed: u64) -> (String, Vec<String>) {
    sample::expand(example, seed).expect("known placeholders")
}

fn random(kind: &str, length: usize, seed: &mut u64) -> String {
    sample::random(kind, length, seed).expect("a known kind")
}

fn seed_of(rule: &Rule, index: usize) -> u64 {
    rule.id.bytes().fold(index as u64 + 7, |seed, b| seed.wrapping_mul(131) + u64::from(b))
}

/// The first window of six characters of `secret` that stands in `masked`.
fn leak<'a>(masked: &str, secret: &'a str) -> Option<&'a str> {
    let width = secret.len().min(6);
    (0..=secret.len() - width).map(|i| &secret[i..i + width]).find(|window| masked.contains(window))
}

fn look() -> Look {
    Look {
        id: "f".into(),
        uses: "test".into(),
        basis: Basis::Observed,
        target: None,
        observed_at: "2026-05-15T10:23:50Z".into(),
        took_ms: 1,
    }
}

#[test]
fn every_rule_is_well_formed() {
    let mut ids = std::collections::BTreeSet::new();
    for rule in rules() {
        assert!(ids.insert(&rule.id), "{} stands twice", rule.id);
        assert!(!rule.reference.is_empty() && !rule.family.is_empty(), "{}", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
        if !rule.is_read() {
            assert!(rule.compile().is_ok(), "{}: {:?}", rule.id, rule.compile().err());
        }
        assert!(!rule.words().is_empty() && rule.words().iter().all(|w| w.len() >= 3), "{}", rule.id);
        assert!(!rule.examples.is_empty() && !rule.negative_examples.is_empty(), "{} proves nothing", rule.id);
    }
    assert!(rules().len() >= 20);
}

#[test]
fn the_build_read_the_rules_as_they_are_written() {
    let written = super::rule::load(&crate::base::assets::hygiene_rules()).unwrap();
    let read = super::rule::built_in().unwrap();
    assert_eq!(written.len(), read.len());
    for (written, read) in written.iter().zip(&read) {
        assert_eq!(format!("{written:?}"), format!("{read:?}"));
    }
}

#[test]
fn an_address_far_behind_another_on_its_line_is_masked() {
    let (first, second) = (random("alnum", 16, &mut 3), random("alnum", 16, &mut 5));
    for gap in (16_300..16_450).step_by(7) {
        let words = " plain words".repeat(gap / 12 + 1);
        let text = format!(
            "postgres://u:{first}@db.example.org/x{}mysql://app:{second}@db.example.org/y",
            &words[words.len() - gap..]
        );
        assert_eq!(leak(&mask_str(&text), &second), None, "{gap}");
    }
}

#[test]
fn every_example_is_masked_to_its_last_character_under_its_own_rule() {
    for rule in rules() {
        for (index, example) in rule.examples.iter().enumerate() {
            let (text, secrets) = expand(example, seed_of(rule, index));
            let mut masker = Masker::new();
            let masked = masker.text(Raw::new(text.clone())).into_inner();
            for secret in &secrets {
                assert_eq!(leak(&masked, secret), None, "{}: {text}\n→ {masked}", rule.id);
            }
            let hits = masker.table().rows.into_iter().find(|row| row.rule == rule.id).expect("in the table");
            assert!(hits.masked > 0, "{} found nothing in {text}\n→ {masked}", rule.id);
            assert_eq!(mask_str(&masked), masked, "{}: masked twice", rule.id);
            assert_eq!(masked.matches('\n').count(), text.matches('\n').count(), "{}: lines", rule.id);
        }
    }
}

#[test]
fn no_negative_example_is_touched_by_any_rule() {
    for rule in rules() {
        for (index, example) in rule.negative_examples.iter().enumerate() {
            let (text, _) = expand(example, seed_of(rule, index));
            assert_eq!(mask_str(&text), text, "{}", rule.id);
        }
    }
}

#[test]
fn the_rules_files_are_clean_under_their_own_scan() {
    let mut changed = Vec::new();
    for (name, text) in crate::base::assets::hygiene_rules() {
        let masked = mask_str(text);
        changed.extend(
            text.lines()
                .zip(masked.lines())
                .filter(|(line, masked)| line != masked)
                .map(|(_, masked)| format!("{name}: {masked}")),
        );
    }
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn clean_text_stays_byte_for_byte() {
    let sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for text in [
        format!("manifest: {sha}  data/facts.jsonl"),
        "anchor | fresh | 3f786850e387550fdab836ed7e6dc881de23001b | 2026-05-15T10:23:50Z".to_owned(),
        "id 123e4567-e89b-12d3-a456-426614174000 ok".to_owned(),
        "pg_dump: error: query failed: ERROR:  permission denied for schema sandbox_tac".to_owned(),
        "FATAL:  password authentication failed for user \"app\"".to_owned(),
        "-- Name: token; Type: TABLE; Schema: public; Owner: app".to_owned(),
        "CREATE TABLE public.users (id uuid, password character varying(255), token text);".to_owned(),
        "17 4 * * * /srv/scripts/pg-backup.sh >> /var/log/pg-backup.log 2>&1".to_owned(),
        "pg_dump -U app -h /run/postgresql app | gzip -9 > \"$OUT/directus_$(date +%Y%m%d_%H%M).sql.gz\"".to_owned(),
        "\\restrict 4Jq1gZ0bq9yX3mC7".to_owned(),
        "Größe: 42 MB; Schlüssel fehlt — ‘ok’".to_owned(),
    ] {
        assert_eq!(mask_str(&text), text);
    }
}

#[test]
fn a_script_keeps_its_lines_and_loses_its_token() {
    let token = random("alnum", 32, &mut 11);
    let script = format!(
        "#!/bin/sh\nset -e\nPUSH_URL=\"https://status.example.org/api/push/{token}?status=up\"\ncurl -fsS \"$PUSH_URL\"\n"
    );
    let masked = mask_str(&script);
    assert_eq!(
        masked,
        "#!/bin/sh\nset -e\nPUSH_URL=\"https://status.example.org/api/push/***push-url***?status=up\"\ncurl -fsS \"$PUSH_URL\"\n"
    );
}

fn observation(secret: &str) -> Observation {
    let mut seen = Observation::of(format!("postgres://app:{secret}@db.example.org/app"));
    seen.how.push(format!("PGPASSWORD={secret} psql -X"));
    seen.set("password", secret);
    seen.set("plain", "nothing here");
    seen.set("deep", Value::List(vec![Value::from(format!("token={secret}")), Value::from(3_u64)]));
    seen.set(&format!("token={secret}"), true);
    let mut result = BTreeMap::new();
    result.insert("columns".to_owned(), Value::from(vec!["name", "push_token"]));
    result.insert("rows".to_owned(), Value::List(vec![Value::from(vec!["x".to_owned(), secret.to_owned()])]));
    seen.set("result", result);
    seen.set("elsewhere", format!("the word {secret} with no name before it"));
    seen.miss(
        "gzip",
        Absence::new(Reason::Failed, format!("password={secret}")).settled_by(format!("psql password={secret}")),
    );
    let mut latin = vec![0xe9, 0xff];
    latin.extend(format!(" password={secret}\nnext").bytes());
    seen.attachments.push(Attachment { name: "latin.log".into(), bytes: latin });
    let wide = format!("\u{feff}é password={secret}\nnext").encode_utf16().flat_map(u16::to_le_bytes).collect();
    seen.attachments.push(Attachment { name: "wide.log".into(), bytes: wide });
    seen
}

#[test]
fn a_fact_leaks_nothing_anywhere_and_counts_what_it_masked() {
    let secret = random("alnum", 18, &mut 5);
    let mut masker = Masker::new();
    let sealed = masker.fact(look(), Raw::new(observation(&secret))).into_inner();
    let json = serde_json::to_string(&sealed.fact).unwrap();
    assert_eq!(leak(&json, &secret), None, "{json}");
    for (name, bytes) in &sealed.artifacts {
        let narrow: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
        assert_eq!(leak(&String::from_utf8_lossy(&narrow), &secret), None, "{name}");
        let listed = sealed.fact.artifacts.iter().find(|a| &a.name == name).unwrap();
        assert_eq!(listed.sha256, crate::base::digest::Digest::of(bytes).to_string());
        assert_eq!(listed.bytes, bytes.len() as u64);
    }
    assert_eq!(&sealed.artifacts["latin.log"][..3], &[0xe9, 0xff, b' ']);
    assert_eq!(sealed.fact.values["plain"], Value::from("nothing here"));
    assert_eq!(sealed.fact.values["password"], Value::from("***assigned-secret***"));
    let total: u64 = sealed.fact.masked.values().sum();
    assert!(total >= 10, "{:?}", sealed.fact.masked);
    let table = masker.table();
    assert_eq!(table.rows.iter().map(|row| row.masked).sum::<u64>(), total);
    assert!(table.rows.len() < 72, "a record stays readable");
    assert!(table.rows.iter().any(|row| row.masked == 0));
}

#[test]
fn a_key_shown_line_by_line_is_masked_to_its_last_line() {
    let key: Vec<String> = (1..4).map(|seed| random("b64", 64, &mut (seed * 31))).collect();
    let lines = [&["Private-Lines: 3".to_owned()][..], &key, &["Private-MAC: 0".to_owned()]].concat();
    let shown = lines.iter().map(|line| Value::Map([("text".to_owned(), Value::from(line.clone()))].into())).collect();
    let mut seen = Observation::of("x");
    seen.set("excerpt", Value::List(shown));
    seen.set("lines", Value::from(lines.clone()));
    let sealed = Masker::new().fact(look(), Raw::new(seen)).into_inner();
    let json = serde_json::to_string(&sealed.fact).unwrap();
    assert!(key.iter().all(|line| leak(&json, line).is_none()), "{json}");
    assert!(matches!(&sealed.fact.values["lines"], Value::List(list) if list.len() == 5));
}

#[test]
fn a_name_that_becomes_the_same_mask_swallows_no_other() {
    let mut seen = Observation::of("x");
    for seed in 1..=3 {
        seen.set(&format!("token={}", random("alnum", 20, &mut (seed * 77))), seed);
    }
    let sealed = Masker::new().fact(look(), Raw::new(seen)).into_inner();
    assert_eq!(sealed.fact.values.len(), 3);
}

#[test]
fn a_hostile_line_of_a_megabyte_is_masked_to_its_end() {
    let secret = random("alnum", 24, &mut 3);
    for unit in [
        "token key=key:pass=",
        "x ://a:b",
        "--password ",
        "{\"secret\":\"\"},",
        "bearer 1a",
        "-----BEGIN PRIVATE KEY----- ",
        "Private-Lines: 1 ",
    ] {
        let mut text = unit.repeat((1 << 20) / unit.len());
        text.push_str(&format!(" password={secret} "));
        let masked = mask_str(&text);
        assert!(!masked.contains(&secret[..6]), "{unit}");
    }
}

proptest! {
    #[test]
    fn whatever_is_assigned_is_masked_whole_and_once(
        secret in "[A-Za-z0-9!%^*_+=?.~/@#-]{8,40}[A-Za-z0-9]",
        form in 0_usize..8,
        around in "[a-z .\n]{0,40}",
    ) {
        prop_assume!(!secret.contains("***") && !super::value::is_placeholder(secret.as_bytes()));
        let quoted = [
            format!("password=\"{secret}\""),
            format!("\"api_key\": \"{secret}\""),
            format!("DB_PASSWORD='{secret}'"),
            format!("\npassword: \"{secret}\"\n"),
            format!("tool --password '{secret}' -v"),
            format!("CREATE ROLE a PASSWORD '{secret}'"),
            format!("<password>{secret}</password>"),
            format!("password='{secret}' host=x"),
        ];
        let text = format!("{around} {}\n{around}", quoted[form]);
        let masked = mask_str(&text);
        prop_assert_eq!(leak(&masked, &secret), None, "{} → {}", text, masked);
        prop_assert_eq!(mask_str(&masked), masked.clone());
        prop_assert_eq!(masked.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn masking_twice_changes_nothing(text in "(?s)(password|token|: |=|\"|'|://|@|\\*\\*\\*|a1B2c3D4e5F6|\n| |--|key|Bearer |-----BEGIN PRIVATE KEY-----|-----END |eyJ|\\$\\{|\\}|é){0,40}") {
        let once = mask_str(&text);
        prop_assert_eq!(mask_str(&once), once.clone(), "{}", text);
        prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let masked = Masker::new().bytes(Raw::new(bytes.clone())).into_inner();
        prop_assert_eq!(masked.iter().filter(|b| **b == b'\n').count(), bytes.iter().filter(|b| **b == b'\n').count());
    }

    #[test]
    fn text_without_announcing_words_is_untouched(text in "[ b-dg-jlmoquvxz0-9 \n.,;é]{0,300}") {
        prop_assert_eq!(mask_str(&text), text);
    }
}

#[test]
fn a_long_block_of_encoded_lines_is_read_once_and_not_from_each_of_its_lines() {
    // Each line decodes to text, so that each could be the first of a block.
    let line = "VGhpcyBsaW5lIGhhcyBub3RoaW5nIHRvIGhpZGUsIGFuZCBpdCBpcyB0ZXh0LiAg\n";
    let watch = crate::base::clock::Stopwatch::start();
    let text = line.repeat(16_000);
    assert_eq!(mask_str(&text), text);
    assert!(watch.elapsed().as_secs() < 60, "{:?}", watch.elapsed());
}

/// A private key as a tool prints it, in lines of 64 characters.
fn key_block(lines: usize) -> Vec<String> {
    let line = |seed: usize| sample::random("alnum", 64, &mut (seed as u64 * 977 + 13)).unwrap();
    let mut block = vec![format!("-----BEGIN RSA PRIVATE {}-----", "KEY")];
    block.push(format!("MIIEpAIBAAKCAQEA{}", &line(1)[..48]));
    block.extend((2..=lines).map(line));
    block.push(format!("{}==", &line(99)[..22]));
    block.push(format!("-----END RSA PRIVATE {}-----", "KEY"));
    block
}

#[test]
fn a_key_whose_lines_have_prefixes_is_masked_whole_and_the_prefixes_stay() {
    type Prefix = fn(usize) -> (String, &'static str);
    let prefixes: [Prefix; 12] = [
        |n| (format!("Apr 26 12:36:{n:02} host app[123]: "), ""),
        |n| (format!("2026-04-26T12:36:{n:02}.1234567Z "), ""),
        |n| (format!("{n}:"), ""),
        |n| (format!("{n}-"), ""),
        |n| (format!("/etc/ssl/private/server/keys/k.pem:{n}:"), ""),
        |n| (format!("app-1  | 2026-04-26T12:36:{n:02}Z "), ""),
        |n| (format!("I0426 12:36:01.{n:06}       1 x.go:12] "), ""),
        |n| (format!("3f2a9c1b (Ann Example 2026-04-26 12:36:01 +0200 {n:>3}) "), ""),
        |n| (format!("[pod/app-7d9f8c6b5-x2x4z/app] 2026-04-26T12:36:{n:02}Z "), ""),
        |_| ("{\"log\":\"".to_owned(), "\\n\",\"stream\":\"stdout\",\"time\":\"2026-04-26T12:36:01.123456789Z\"}"),
        |n| (format!("time=2026-04-26T12:36:{n:02}Z level=debug msg=\""), "\""),
        |n| (format!("<14>1 2026-04-26T12:36:{n:02}Z host app - - - "), ""),
    ];
    for prefix in prefixes {
        let block = key_block(13);
        let text: String = block.iter().enumerate().map(|(n, line)| prefix(n).0 + line + prefix(n).1 + "\n").collect();
        let masked = mask_str(&text);
        for line in &block[1..block.len() - 1] {
            assert!(!masked.contains(line.as_str()), "{line} is left of\n{text}\nin\n{masked}");
        }
        for n in 1..block.len() - 1 {
            let line = masked.lines().nth(n).unwrap();
            assert!(line.starts_with(&prefix(n).0), "{line}");
            assert!(line.ends_with(prefix(n).1), "{line}");
        }
        assert_eq!(mask_str(&masked), masked);
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let seen = Scanner::new(&rules, Limits::default()).text(text.as_bytes());
        assert_eq!(seen.hits.len(), 1, "one key is one finding");
    }
}

#[test]
fn the_lines_after_the_first_line_of_a_key_are_masked_without_a_marker() {
    let block = key_block(13);
    for prefix in ["", "Apr 26 12:36:01 host app[123]: "] {
        let text: String = block[1..].iter().map(|line| format!("{prefix}{line}\n")).collect();
        let masked = mask_str(&text);
        for line in &block[1..block.len() - 1] {
            assert!(!masked.contains(line.as_str()), "{line} is left in\n{masked}");
        }
    }
    let other = format!("key: {}\nnext: {}\n", block[1], block[2]);
    assert!(mask_str(&other).contains(&block[2]), "a line under another name is not a part of the key");
}

#[test]
fn a_label_announces_nothing() {
    let masked = "postgres://app:***url-credentials-1***@db1.example.org:5432/app?sslmode=require";
    assert_eq!(mask_str(masked), masked);
    // Bold and italic in Markdown is not a label.
    let password = sample::random("alnum", 14, &mut 3).unwrap();
    assert!(!mask_str(&format!("***password***: k7{password}")).contains(&password));
}

#[test]
fn a_token_of_several_parts_is_masked_whole() {
    // The middle decodes to JSON with a secret in it.
    let inner =
        format!("{{\"userId\": \"usr\", \"{}\": \"{}\"}}", "secret", sample::random("hex", 32, &mut 11).unwrap());
    let payload = base64::engine::general_purpose::STANDARD_NO_PAD.encode(inner);
    let (head, tail) = (sample::random("alnum", 14, &mut 5).unwrap(), "7500640f".repeat(8));
    let masked = mask_str(&format!("use oaa{head}.v1.{payload}.{tail}."));
    assert!(!masked.contains(&head) && !masked.contains(&tail), "{masked}");
    assert!(masked.starts_with("use ***") && masked.ends_with("***."), "{masked}");
}

#[test]
fn cells_of_a_query_hold_secrets_as_pairs_lines_and_numbers() {
    let noise = |seed| format!("k7{}", sample::random("alnum", 14, &mut { seed }).unwrap());
    let (one, two, three, four, five) = (noise(3), noise(5), noise(7), noise(9), noise(11));
    let column = "password";
    let rows = serde_json::json!({
        "columns": ["pair", "lines", "password", "kind", "settings"],
        "rows": [
            { "pair": ["password", one], "lines": format!("password\n{two}"), (column): 81_724_655,
              "kind": ["password", "character varying"], "settings": { "db": { "pin": 5, (column): 40_312_277 } } },
            ["smtp_password", three, 3, ["id", "name"], { "api_token": four }],
            { "key": "jwt_secret", "value": five, "note": "rotated in May", "id": "42" },
        ],
    });
    let masked = Masker::new().value(Raw::new(Value::from_json(rows).unwrap())).into_inner();
    let text = serde_json::to_string(&masked).unwrap();
    for secret in [&one, &two, &three, &four, &five, "81724655", "40312277"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for kept in ["rotated in May", "jwt_secret", "character varying", "smtp_password", "\"id\",\"name\"", "\"pin\":5"] {
        assert!(text.contains(kept), "{kept} is lost from {text}");
    }
}
