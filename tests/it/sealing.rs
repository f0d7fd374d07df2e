//! A small case with three facts, sealed through the real writer, and small helpers around it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeZone, Utc};
use evidence::base::clock;
use evidence::base::digest::Digest;
use evidence::base::{assets, env, yaml};
use evidence::hygiene::{Look, Masked, Masker, Raw};
use evidence::judge;
use evidence::model::bundle::{HygieneTable, RunInfo, SealedFact};
use evidence::model::fact::{Attachment, Basis, Observation};
use evidence::model::value::{Map, Value};
use evidence::model::verdict::Verdict;
use evidence::render;
use evidence::seal::{SealError, Writer};

pub const CASE: &str = "case: g6\ntitle: Backup integrity\ntemplate: incident\npolicy: small\n\
    seats: { executor: ops-agent }\ncollect:\n  - { id: here, uses: host }\n  - { id: fresh, uses: backup, with: { path: /srv/b.sql.gz } }\n  \
    - { id: log, uses: log, with: { path: /var/log/b.log } }\n";
pub const POLICY: &str = "policy: small\ntitle: Small\nchecks:\n  - id: V4-2\n    title: gzip stream is valid\n    \
    require: { fact: fresh.gzip.valid, equals: true }\n    misleading_if: { fact: fresh.payload_bytes, equals: 0 }\n    \
    because: an empty stream is a valid gzip stream\n";

pub fn started() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 15, 10, 23, 50).unwrap()
}

pub fn masked(text: &str) -> Masked<Vec<u8>> {
    Masker::new().bytes(Raw::new(text.as_bytes().to_vec()))
}

pub fn fact(id: &str, uses: &str, observation: Observation) -> Masked<SealedFact> {
    let look = Look {
        id: id.to_owned(),
        uses: uses.to_owned(),
        basis: Basis::Observed,
        target: None,
        observed_at: clock::stamp(started()),
        took_ms: 2,
    };
    Masker::new().fact(look, Raw::new(observation))
}

pub fn facts() -> Vec<Masked<SealedFact>> {
    let mut here = Observation::of("this machine");
    here.set("name", "db-1.example.org");
    let mut fresh = Observation::of("/srv/b.sql.gz");
    fresh.set("payload_bytes", 0_u64);
    fresh.set("share", Value::real(0.1 + 0.2).unwrap());
    fresh.set("gzip", Map::from([("valid".to_owned(), Value::Bool(true))]));
    let mut log = Observation::of("/var/log/b.log");
    log.set("lines", 2_u64);
    log.attachments.push(Attachment { name: "excerpt.txt".to_owned(), bytes: b"1: start\n2: error\n".to_vec() });
    vec![fact("here", "host", here), fact("fresh", "backup", fresh), fact("log", "log", log)]
}

pub fn info() -> RunInfo {
    RunInfo {
        run: String::new(),
        started_at: clock::stamp(started()),
        ended_at: clock::stamp(started() + chrono::Duration::seconds(3)),
        tool_version: "0.1.0".to_owned(),
        plan_sha256: "0".repeat(64),
        sandbox: "full".to_owned(),
        rules: None,
        policy_replaces: None,
    }
}

pub fn verdict() -> Verdict {
    let case = yaml::decode(Path::new("case.yaml"), CASE.as_bytes()).unwrap();
    let policy = yaml::decode(Path::new("policy.yaml"), POLICY.as_bytes()).unwrap();
    let facts: Vec<_> = facts().iter().map(|sealed| sealed.fact.clone()).collect();
    judge::judge(&policy, &facts, &case, &clock::stamp(started()))
}

/// A writer with its sources, before the first fact.
pub fn begun(case_folder: &Path) -> Result<Writer, SealError> {
    let mut writer = Writer::begin(case_folder, started())?;
    writer.source("case.yaml", masked(CASE))?;
    writer.source("policy.yaml", masked(POLICY))?;
    let templates = render::needed("incident", &|name| assets::template(name).map(str::to_owned)).unwrap();
    for (name, text) in templates {
        writer.source(&format!("templates/{name}"), masked(&text))?;
    }
    writer.source("narrative.md", masked("What the team says.\n"))?;
    Ok(writer)
}

/// A sealed run of the case in `case_folder`.
pub fn sealed(case_folder: &Path) -> PathBuf {
    let mut writer = begun(case_folder).unwrap();
    for fact in facts() {
        writer.fact(fact).unwrap();
    }
    let run = writer.folder().to_owned();
    writer.close(&info(), &HygieneTable::default(), &verdict()).unwrap();
    run
}

/// Every file below `folder`, sorted, relative.
pub fn tree(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect()
}

/// Whether a test has what it needs, which `why` says. If not: a failure under CI, otherwise the test is
/// skipped and says so.
pub fn can(has: bool, why: &str) -> bool {
    assert!(has || env::var("CI").is_none(), "{why}");
    if !has {
        eprintln!("skipped: {why}");
    }
    has
}

/// A tool of other people that a test needs; `tests/run.sh` installs what the system does not have.
pub fn tool(name: &str) -> Option<PathBuf> {
    let ours = env::var("EVIDENCE_TEST_VENV").map(|venv| Path::new(&venv).join("bin").join(name));
    let found = ours.filter(|path| path.is_file()).or_else(|| env::find_program(name));
    can(found.is_some(), &format!("`{name}` is not installed; run tests/run.sh"));
    found
}

/// Makes the tag manifest right again after somebody changed a tag file.
pub fn repair_tags(run: &Path) {
    let names = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"];
    let line = |name: &str| format!("{}  {name}\n", Digest::of(&std::fs::read(run.join(name)).unwrap()));
    std::fs::write(run.join("tagmanifest-sha256.txt"), names.map(line).concat()).unwrap();
}

/// Makes every manifest, and the byte count, right again after somebody changed the payload.
pub fn repair(run: &Path) {
    let files: Vec<_> = tree(run).into_iter().filter(|path| path.starts_with("data/")).collect();
    let bytes: Vec<_> = files.iter().map(|path| std::fs::read(run.join(path)).unwrap()).collect();
    let lines = files.iter().zip(&bytes).map(|(path, bytes)| format!("{}  {path}\n", Digest::of(bytes)));
    std::fs::write(run.join("manifest-sha256.txt"), lines.collect::<String>()).unwrap();
    let info = std::fs::read_to_string(run.join("bag-info.txt")).unwrap();
    let oxum = format!("Payload-Oxum: {}.{}", bytes.iter().map(Vec::len).sum::<usize>(), files.len());
    let lines = info.lines().map(|line| if line.starts_with("Payload-Oxum") { oxum.as_str() } else { line });
    std::fs::write(run.join("bag-info.txt"), lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    repair_tags(run);
}
