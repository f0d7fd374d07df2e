//! How well the rules do on labelled texts, written when the test runs: every rule's examples with
//! fresh secrets in many carriers, and what only looks like secrets. The figures are of texts that
//! we made; they show a step backwards, not how the rules do elsewhere.

use super::engine::BUILT_IN;
use super::rule::Confidence;
use super::sample::{expand, random};

/// Finds from the confidence on that `scan` reports.
fn reported(text: &str) -> Vec<std::ops::Range<usize>> {
    let engine = BUILT_IN.as_ref().unwrap();
    engine.deep(text.as_bytes()).into_iter().filter(|f| f.confidence > Confidence::Low).map(|f| f.secret).collect()
}

fn piece(kind: &str, length: usize, seed: u64) -> String {
    random(kind, length, &mut (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)).unwrap()
}

/// Texts with the secrets in them: three carriers for each example, generic assignments besides.
fn positives() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (number, rule) in BUILT_IN.as_ref().unwrap().rules().iter().enumerate() {
        for (index, example) in rule.examples.iter().enumerate() {
            for round in 0..5 {
                let seed = (number * 1000 + index * 10 + round) as u64 + 17;
                let (text, secrets) = expand(example, seed).unwrap();
                let carried = match round {
                    0 => text,
                    1 => format!("2026-05-15T10:23:50Z INFO ready\n{text}\nnext: line\n"),
                    2 => format!("\u{feff}# notes\r\n{text}\r\n"),
                    3 => format!("one\ntwo\n{text}\n"),
                    _ => format!("{text}\n{}", "plain words and nothing else\n".repeat(40)),
                };
                all.push((carried, secrets));
            }
        }
    }
    for seed in 0..600 {
        let secret = piece(["alnum", "hex", "punct"][seed as usize % 3], 12 + seed as usize % 20, seed + 90);
        let secret = format!("k7{secret}");
        let name = ["db_password", "API_TOKEN", "clientSecret", "smtp.pass"][seed as usize % 4];
        let text = match seed % 6 {
            0 => format!("{name}=\"{secret}\""),
            1 => format!("  {name}: '{secret}'"),
            2 => format!("{{\"{name}\": \"{secret}\"}}"),
            3 => format!("cfg.set(\"{name}\", \"{secret}\");"),
            4 => format!("<add key=\"{name}\" value=\"{secret}\"/>"),
            _ => format!("const {name}: string = \"{secret}\";"),
        };
        all.push((text, vec![secret]));
    }
    all
}

/// Texts that hold no secret.
fn negatives() -> Vec<String> {
    (0..2100_u64)
        .map(|seed| {
            let hex = |n| piece("hex", n, seed + 7);
            let b64 = |n| piece("b64", n, seed + 9);
            let uuid = format!("{}-{}-{}-{}-{}", hex(8), &hex(4), &hex(4), &hex(4), hex(12));
            match seed % 21 {
                0 => format!("{}  data/facts.jsonl", hex(64)),
                1 => format!("commit {}", hex(40)),
                2 => format!("request_id: {uuid}"),
                3 => format!("\"integrity\": \"sha512-{}==\"", b64(86)),
                4 => format!("checksum = \"{}\"", hex(64)),
                5 => "password = \"${DB_PASSWORD}\"".to_owned(),
                6 => "api_key: <your-api-key>".to_owned(),
                7 => format!("<img src=\"data:image/png;base64,{}\">", b64(400)),
                8 => format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} ops@example.org", b64(42)),
                9 => "export TOKEN=$(cat /run/secrets/token)".to_owned(),
                10 => "function a(b,c){return b.token=c.key,d.password(e)?f:g}".to_owned(),
                11 => format!("public_key: \"{}=\"", b64(43)),
                12 => "def login(user: str, password: str) -> Token:".to_owned(),
                13 => "The token is sent in the Authorization header; see the password policy.".to_owned(),
                14 => format!("docker.io/library/app@sha256:{}", hex(64)),
                15 => "secret_name: app-database-credentials".to_owned(),
                16 => format!("etag: W/\"{}\"", hex(32)),
                17 => "const token = await getToken(request.headers);".to_owned(),
                18 => format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", b64(64)),
                19 => "password: changeme # replace me".to_owned(),
                _ => format!("trace_id={} span_id={}", hex(32), hex(16)),
            }
        })
        .collect()
}

#[test]
fn found_whole_and_without_false_alarms() {
    let (positives, negatives) = (positives(), negatives());
    assert!(positives.len() >= 2000 && negatives.len() >= 2000, "{} {}", positives.len(), negatives.len());
    let (mut found, mut whole, mut all) = (0, 0, 0);
    let mut missed = Vec::new();
    for (text, secrets) in &positives {
        let seen = reported(text);
        for secret in secrets {
            let at = text.find(secret.as_str()).unwrap();
            let end = at + secret.len();
            all += 1;
            found += usize::from(seen.iter().any(|s| s.start < end && at < s.end));
            whole += usize::from(seen.iter().any(|s| s.start <= at && end <= s.end));
            if !seen.iter().any(|s| s.start < end && at < s.end) {
                missed.push(text.chars().take(120).collect::<String>());
            }
        }
    }
    let alarms: Vec<&String> = negatives.iter().filter(|text| !reported(text).is_empty()).collect();
    println!("found {found} and whole {whole} of {all}; alarms {} of {}", alarms.len(), negatives.len());
    missed.iter().step_by(1 + missed.len() / 20).for_each(|text| println!("missed {text:?}"));
    alarms.iter().step_by(1 + alarms.len() / 20).for_each(|text| println!("alarm {text:?}"));
    assert!(found * 100 >= all * 85, "found {found} of {all}");
    assert!(whole * 100 >= found * 92, "whole {whole} of {found}");
    assert!(alarms.len() * 100 <= negatives.len() * 8, "{} alarms", alarms.len());
}
