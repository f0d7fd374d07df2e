//! `evidence scan`: the engine over files, folders, archives, standard input or a git change, and
//! what people run before an upload. Hidden, vendored and ignored files are scanned too; what is
//! left out is said.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use walkdir::WalkDir;

use crate::base::clock::Stopwatch;
use crate::base::{files, yaml};
use crate::hygiene::{Confidence, Key, Limits, Ruleset, Scanner, Seen};
use crate::report::{Finding, Format, Scan, findings};

use super::args::{self, Level, ScanFormat};
use super::exit::Exit;
use super::git::{self, Change};
use super::screen::{Screen, tell};

/// Where settings are looked for.
pub const CONFIG: &str = ".evidence/scan.yaml";

/// Settings of a repository: `.evidence/scan.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    exclude: Vec<String>,
    rules: Vec<PathBuf>,
    only: Vec<String>,
    skip: Vec<String>,
    min_confidence: Option<Confidence>,
    baseline: Option<PathBuf>,
}

/// A baseline: fingerprints under a key that is not in the file.
#[derive(serde::Serialize, Deserialize)]
struct Baseline {
    schema: String,
    fingerprints: std::collections::BTreeSet<String>,
}

/// Everything that a scan needs to know.
struct Job<'a> {
    scanner: Scanner<'a>,
    exclude: GlobSet,
    key: Option<Key>,
}

/// Runs the verb.
///
/// # Errors
/// When arguments, rules or settings are wrong; what cannot be scanned is named and gives exit 2.
pub fn run(screen: &Screen, args: &args::Scan) -> Result<Exit> {
    let watch = Stopwatch::start();
    let config = config(args)?;
    let rules = rules(args, &config)?;
    let min = args.min_confidence.map(confidence).or(config.min_confidence).unwrap_or(Confidence::Medium);
    let baseline = args.baseline.clone().or_else(|| config.baseline.clone().filter(|_| args.write_baseline.is_none()));
    let limits = Limits { min_confidence: min, ..Limits::default() };
    let threads = limits.threads;
    let job = Job {
        scanner: Scanner::new(&rules, limits),
        exclude: exclude(args, &config)?,
        key: key(args, baseline.as_deref())?,
    };
    let mut scan = look(args, &job, threads)?;
    scan.findings.sort_by(|a, b| (&a.path, a.line, a.column, &a.rule).cmp(&(&b.path, b.line, b.column, &b.rule)));
    scan.errors.sort();
    if let Some(path) = &args.write_baseline {
        return write_baseline(screen, path, &scan);
    }
    if let Some(path) = &baseline {
        apply_baseline(path, &mut scan)?;
    }
    let format = if screen.json { Format::Json } else { format(args.format) };
    screen.text(&findings(&scan, format, args.show, &screen.style))?;
    scan.errors.iter().for_each(|error| tell(&format!("error: {error}")));
    if args.stats {
        let seconds = watch.elapsed().as_secs_f64();
        let rate = scan.bytes as f64 / 1e6 / seconds.max(1e-9);
        tell(&format!("{} files, {} bytes in {seconds:.3} s: {rate:.0} MB/s", scan.files, scan.bytes));
    }
    Ok(exit_of(&scan))
}

/// What could not be scanned comes before what was found.
fn exit_of(scan: &Scan) -> Exit {
    match (scan.errors.is_empty(), scan.findings.is_empty()) {
        (false, _) => Exit::Usage,
        (true, false) => Exit::Failed,
        (true, true) => Exit::Established,
    }
}

fn confidence(level: Level) -> Confidence {
    match level {
        Level::Low => Confidence::Low,
        Level::Medium => Confidence::Medium,
        Level::High => Confidence::High,
    }
}

fn format(format: ScanFormat) -> Format {
    match format {
        ScanFormat::Text => Format::Text,
        ScanFormat::Json => Format::Json,
        ScanFormat::Jsonl => Format::Jsonl,
        ScanFormat::Sarif => Format::Sarif,
        ScanFormat::Junit => Format::Junit,
        ScanFormat::Github => Format::Github,
        ScanFormat::Csv => Format::Csv,
    }
}

fn config(args: &args::Scan) -> Result<Config> {
    let path = match &args.config {
        Some(path) => path.clone(),
        None if Path::new(CONFIG).exists() => PathBuf::from(CONFIG),
        None => return Ok(Config::default()),
    };
    Ok(yaml::read::<Config>(&path)?.0)
}

/// The rule files that the settings at `path` name; none when there are no settings.
///
/// # Errors
/// When the settings cannot be read.
pub fn rules_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(yaml::read::<Config>(path)?.0.rules)
}

fn rules(args: &args::Scan, config: &Config) -> Result<Ruleset> {
    let extra: Vec<&Path> = config.rules.iter().chain(&args.choice.rules).map(PathBuf::as_path).collect();
    let only = if args.choice.only.is_empty() { &config.only } else { &args.choice.only };
    let skip = [config.skip.clone(), args.choice.skip.clone()].concat();
    Ok(Ruleset::load(&extra, only, &skip)?)
}

fn exclude(args: &args::Scan, config: &Config) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in config.exclude.iter().chain(&args.exclude) {
        set.add(
            GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .with_context(|| format!("--exclude {pattern}"))?,
        );
    }
    Ok(set.build()?)
}

/// The key of the baseline that is read or written; made when there is none to be written with.
fn key(args: &args::Scan, baseline: Option<&Path>) -> Result<Option<Key>> {
    let Some(file) = args.write_baseline.as_deref().or(baseline) else { return Ok(None) };
    let mut beside = file.as_os_str().to_owned();
    beside.push(".key");
    let path = args.baseline_key.clone().unwrap_or_else(|| beside.into());
    if args.write_baseline.is_some() && !path.exists() {
        let key = Key::new()?;
        files::write(&path, key.text().as_bytes())?;
        tell(&format!("made the key {}; keep it out of the repository", path.display()));
        return Ok(Some(key));
    }
    let text = files::read_text(&path, 1024)
        .context("a baseline is of no use without its key; give it with --baseline-key")?;
    let key = Key::read(&text).with_context(|| format!("{}: is no key of a baseline", path.display()))?;
    Ok(Some(key))
}

fn write_baseline(screen: &Screen, path: &Path, scan: &Scan) -> Result<Exit> {
    if !scan.errors.is_empty() {
        bail!("no baseline was written: {}", scan.errors.join("; "));
    }
    let fingerprints = scan.findings.iter().map(|f| f.fingerprint.clone()).collect();
    let baseline = Baseline { schema: "evidence-baseline/1".to_owned(), fingerprints };
    let mut json = serde_json::to_vec_pretty(&baseline)?;
    json.push(b'\n');
    files::write(path, &json)?;
    screen.text(&format!("{}: {} fingerprints\n", path.display(), baseline.fingerprints.len()))?;
    Ok(Exit::Established)
}

fn apply_baseline(path: &Path, scan: &mut Scan) -> Result<()> {
    let text = files::read_text(path, 64 << 20)?;
    let baseline: Baseline =
        serde_json::from_str(&text).with_context(|| format!("{}: is no baseline", path.display()))?;
    let before = scan.findings.len();
    scan.findings.retain(|found| !baseline.fingerprints.contains(&found.fingerprint));
    scan.known = (before - scan.findings.len()) as u64;
    Ok(())
}

fn look(args: &args::Scan, job: &Job<'_>, threads: usize) -> Result<Scan> {
    let change = match (&args.staged, &args.since, &args.history) {
        (true, _, _) => Some(Change::Staged),
        (_, Some(revision), _) => Some(Change::Since(revision.clone())),
        (_, _, true) => Some(Change::History),
        _ => None,
    };
    let total = Mutex::new(Scan::default());
    match change {
        Some(change) => git::scan(&change, &mut |hunk| {
            if !job.exclude.is_match(&hunk.path) {
                hunk_seen(job, &hunk, &total);
            }
        })?,
        None => paths(args, job, threads, &total),
    }
    Ok(total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The added lines of one stretch of a change; the lines around are there to be understood by.
fn hunk_seen(job: &Job<'_>, hunk: &git::Hunk, total: &Mutex<Scan>) {
    let mut seen = job.scanner.text(&hunk.text);
    seen.hits.retain(|hit| hunk.added.contains(&hit.line));
    seen.unused_allows.clear();
    seen.hits.iter_mut().for_each(|hit| hit.line += hunk.first - 1);
    add(job, total, &hunk.path, seen, &hunk.commit);
}

fn add(job: &Job<'_>, total: &Mutex<Scan>, path: &str, seen: Seen, commit: &str) {
    let finding = |hit: &crate::hygiene::Hit| Finding {
        commit: commit.to_owned(),
        fingerprint: job.key.as_ref().map(|key| key.fingerprint(hit)).unwrap_or_default(),
        ..Finding::new(path, hit)
    };
    let found: Vec<Finding> = seen.hits.iter().map(finding).collect();
    let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    total.findings.extend(found);
    total.left_out.extend(seen.left_out.iter().map(|what| format!("{path}: {what}")));
    total.unused_allows.extend(seen.unused_allows.iter().map(|(line, what)| format!("{path}:{line}: {what}")));
    total.allowed += seen.allowed;
    total.files += 1;
    total.bytes += seen.bytes;
}

fn fail(total: &Mutex<Scan>, error: String) {
    total.lock().unwrap_or_else(std::sync::PoisonError::into_inner).errors.push(error);
}

fn paths(args: &args::Scan, job: &Job<'_>, threads: usize, total: &Mutex<Scan>) {
    let (send, receive) = crossbeam_channel::bounded::<Vec<PathBuf>>(64);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let receive = receive.clone();
            scope.spawn(move || {
                let mut buffer = Vec::new();
                for path in receive.iter().flatten() {
                    file(job, &path, &mut buffer, total);
                }
            });
        }
        for path in &args.paths {
            if path == Path::new("-") {
                match job.scanner.stream(io::stdin().lock()) {
                    Ok(seen) => add(job, total, "-", seen, ""),
                    Err(error) => fail(total, format!("standard input: {error}")),
                }
            } else {
                walk(job, path, &send, total);
            }
        }
        drop(send);
    });
}

/// Sends every file below `path`; links are named on the command line or not followed.
fn walk(job: &Job<'_>, path: &Path, send: &crossbeam_channel::Sender<Vec<PathBuf>>, total: &Mutex<Scan>) {
    let mut batch = Vec::new();
    let relative = |found: &Path| found.strip_prefix(path).unwrap_or(found).to_owned();
    let is_wanted = |entry: &walkdir::DirEntry| {
        let below = relative(entry.path());
        let objects = entry.file_type().is_dir() && below.ends_with(".git/objects");
        if objects {
            let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            total.left_out.push(format!("{}: packed by git; scan it with --history", entry.path().display()));
        }
        !objects && (below.as_os_str().is_empty() || !job.exclude.is_match(&below))
    };
    let walker = WalkDir::new(path).follow_root_links(true).into_iter().filter_entry(is_wanted);
    for entry in walker {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                batch.push(entry.into_path());
                if batch.len() == 32 && send.send(std::mem::take(&mut batch)).is_err() {
                    return;
                }
            }
            Ok(entry) if entry.depth() == 0 && !entry.file_type().is_dir() => {
                fail(total, format!("{}: is neither a file nor a folder", path.display()));
            }
            Ok(_) => {}
            Err(error) => fail(total, error.to_string()),
        }
    }
    drop(send.send(batch));
}

fn file(job: &Job<'_>, path: &Path, buffer: &mut Vec<u8>, total: &Mutex<Scan>) {
    let shown = path.strip_prefix("./").unwrap_or(path).to_string_lossy();
    match files::open_listed(path) {
        Ok(file) => match job.scanner.file(&file, buffer) {
            Ok(seen) => add(job, total, &shown, seen, ""),
            Err(error) => fail(total, format!("{shown}: {error}")),
        },
        // A link on the command line is resolved by its folder; a file that is gone cannot leak.
        Err(files::ReadError::Link { .. }) => match files::open_following(path).map_err(|e| e.to_string()) {
            Ok((file, _)) => match job.scanner.file(&file, buffer) {
                Ok(seen) => add(job, total, &shown, seen, ""),
                Err(error) => fail(total, format!("{shown}: {error}")),
            },
            Err(error) => fail(total, error),
        },
        Err(error) => fail(total, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_between_listing_and_opening_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, stays) = (folder.path().join("gone.txt"), folder.path().join("stays.txt"));
        [&gone, &stays].into_iter().for_each(|path| files::write(path, b"nothing\n").unwrap());
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let job = Job { scanner: Scanner::new(&rules, Limits::default()), exclude: GlobSet::empty(), key: None };
        let total = Mutex::new(Scan::default());
        let (send, receive) = crossbeam_channel::bounded(4);
        walk(&job, folder.path(), &send, &total);
        drop(send);
        let listed: Vec<PathBuf> = receive.iter().flatten().collect();
        assert_eq!(listed.len(), 2);
        files::remove(&gone).unwrap();
        listed.iter().for_each(|path| file(&job, path, &mut Vec::new(), &total));
        let scan = total.into_inner().unwrap();
        assert_eq!((scan.files, scan.errors.len()), (1, 1), "{:?}", scan.errors);
        assert!(scan.errors[0].contains("gone.txt"), "{:?}", scan.errors);
        assert_eq!(exit_of(&scan), Exit::Usage);
    }
}
