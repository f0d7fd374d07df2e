//! `evidence scan`: the engine over files, folders, archives, standard input or a git change, and
//! what people run before an upload. Hidden, vendored and ignored files are scanned too; what is
//! left out is said. A checkout may be somebody else's: its settings are confined and named.

mod diff;
mod paths;
mod repository;
mod settings;

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};
use globset::GlobSet;
use serde::Deserialize;

use crate::base::clock::Stopwatch;
use crate::base::files;
use crate::base::output::{Existing, Output};
use crate::hygiene::{Confidence, Key, Limits, Scanner, Seen};
use crate::report::{Finding, Format, Scan, findings};

use self::diff::Change;
use self::settings::Settings;
pub use self::settings::rules_of;
use super::args::{self, Level, ScanFormat};
use super::exit::Exit;
use super::screen::{Screen, tell};

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
    let settings = Settings::read(args)?;
    let rules = settings.rules(args)?;
    let min = args.min_confidence.map(confidence).or(settings.min_confidence()).unwrap_or(Confidence::Medium);
    let baseline = args.baseline.clone().or_else(|| settings.baseline().filter(|_| args.write_baseline.is_none()));
    let limits = Limits { min_confidence: min, ..Limits::default() };
    let threads = limits.threads;
    let job = Job {
        scanner: Scanner::new(&rules, limits),
        exclude: settings.exclude(args)?,
        key: key(args, baseline.as_deref())?,
    };
    let mut scan = look(args, &job, threads)?;
    scan.left_out.extend(settings.told(args));
    scan.findings.sort_by(|a, b| (&a.path, a.line, a.column, &a.rule).cmp(&(&b.path, b.line, b.column, &b.rule)));
    scan.errors.sort();
    if let Some(path) = &args.write_baseline {
        return write_baseline(screen, path, args.force, &scan);
    }
    if let Some(path) = &baseline {
        apply_baseline(path, &mut scan)?;
    }
    let format = if screen.json { Format::Json } else { format(args.format) };
    screen.text(&findings(&scan, format, args.show, &screen.style))?;
    if !matches!(format, Format::Text | Format::Json) {
        // The other formats have no place for it.
        scan.left_out.iter().for_each(|what| tell(&format!("left out: {what}")));
    }
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

/// The key of the baseline that is read or written; made when there is none to be written with.
fn key(args: &args::Scan, baseline: Option<&Path>) -> Result<Option<Key>> {
    let Some(file) = args.write_baseline.as_deref().or(baseline) else { return Ok(None) };
    let path = args.baseline_key.clone().unwrap_or_else(|| settings::key_of(file));
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

fn write_baseline(screen: &Screen, path: &Path, force: bool, scan: &Scan) -> Result<Exit> {
    if !scan.errors.is_empty() {
        bail!("no baseline was written: {}", scan.errors.join("; "));
    }
    let fingerprints = scan.findings.iter().map(|f| f.fingerprint.clone()).collect();
    let baseline = Baseline { schema: "evidence-baseline/1".to_owned(), fingerprints };
    let mut json = serde_json::to_vec_pretty(&baseline)?;
    json.push(b'\n');
    let mut output = Output::begin(path, Existing::forced(force))?;
    output.write_all(&json).with_context(|| path.display().to_string())?;
    output.finish(None)?;
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
        Some(change) => changes(args, job, &change, &total)?,
        None => paths::scan(args, job, threads, &total),
    }
    Ok(total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The stretches of a change whose file, or a folder above it, is not excluded.
fn changes(args: &args::Scan, job: &Job<'_>, change: &Change, total: &Mutex<Scan>) -> Result<()> {
    let mut excluded = 0_u64;
    let wanted = repository::pathspecs(&args.paths)?;
    diff::scan(change, &wanted, &mut |hunk| {
        if Path::new(&hunk.path).ancestors().any(|path| job.exclude.is_match(path)) {
            excluded += 1;
        } else {
            hunk_seen(job, &hunk, total);
        }
    })?;
    if excluded > 0 {
        let what = format!("{excluded} stretches of changed lines in excluded files");
        total.lock().unwrap_or_else(std::sync::PoisonError::into_inner).left_out.push(what);
    }
    Ok(())
}

/// The added lines of one stretch of a change; the lines around are there to be understood by.
fn hunk_seen(job: &Job<'_>, hunk: &diff::Hunk, total: &Mutex<Scan>) {
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::hygiene::Ruleset;

    #[test]
    fn a_file_that_is_gone_between_listing_and_opening_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, stays) = (folder.path().join("gone.txt"), folder.path().join("stays.txt"));
        [&gone, &stays].into_iter().for_each(|path| files::write(path, b"nothing\n").unwrap());
        let rules = Ruleset::load(&[], &[], &[]).unwrap();
        let job = Job { scanner: Scanner::new(&rules, Limits::default()), exclude: GlobSet::empty(), key: None };
        let total = Mutex::new(Scan::default());
        let (send, receive) = crossbeam_channel::bounded(4);
        paths::walk(&job, folder.path(), &send, &total);
        drop(send);
        let listed: Vec<PathBuf> = receive.iter().flatten().collect();
        assert_eq!(listed.len(), 2);
        files::remove(&gone).unwrap();
        listed.iter().for_each(|path| paths::file(&job, path, &mut Vec::new(), &total));
        let scan = total.into_inner().unwrap();
        assert_eq!((scan.files, scan.errors.len()), (1, 1), "{:?}", scan.errors);
        assert!(scan.errors[0].contains("gone.txt"), "{:?}", scan.errors);
        assert_eq!(exit_of(&scan), Exit::Usage);
    }
}
