//! Files and folders of a scan. A link that the command line names is followed, and that is said; a link
//! below a folder is counted and not followed, also when it takes the place of a file meanwhile.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use walkdir::{DirEntry, WalkDir};

use crate::base::files;
use crate::report::Scan;

use super::super::args;
use super::super::screen::tell;
use super::{Job, add};

/// How many paths are handed on at once.
const BATCH: usize = 32;

type Sender = crossbeam_channel::Sender<Vec<PathBuf>>;

/// Scans everything that the command line names.
pub(super) fn scan(args: &args::Scan, job: &Job<'_>, threads: usize, total: &Mutex<Scan>) {
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
                named(job, path, &send, total);
            }
        }
        drop(send);
    });
    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
    if total.files == 0 && total.errors.is_empty() {
        let asked = args.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let why = if total.left_out.is_empty() { "it holds no file" } else { "everything was left out" };
        total.errors.push(format!("{asked}: 0 files were scanned: {why}"));
    }
}

/// A path of the command line.
fn named(job: &Job<'_>, path: &Path, send: &Sender, total: &Mutex<Scan>) {
    let is_link = files::metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let real = match files::real_path(path) {
        Ok(real) => real,
        Err(error) => return fail(total, error.to_string()),
    };
    if is_link {
        tell(&format!("note: {}: is a symbolic link; {} is scanned", path.display(), real.display()));
    }
    match files::metadata(&real) {
        Ok(there) if there.is_dir() => walk(job, path, send, total),
        Ok(there) if there.is_file() => match files::open(&real) {
            Ok((file, _)) => read(job, path, &file, &mut Vec::new(), total),
            Err(error) => fail(total, error.to_string()),
        },
        Ok(there) => fail(total, format!("{}: is a {}, not a file or folder", path.display(), files::kind(&there))),
        Err(error) => fail(total, error.to_string()),
    }
}

/// What a walk passed over.
#[derive(Default)]
struct Passed {
    excluded: Cell<u64>,
    links: Cell<u64>,
    special: Cell<u64>,
}

/// Sends every file below the folder `path`.
pub(super) fn walk(job: &Job<'_>, path: &Path, send: &Sender, total: &Mutex<Scan>) {
    let mut batch = Vec::new();
    let passed = Passed::default();
    let walker = WalkDir::new(path).follow_root_links(true).into_iter();
    for entry in walker.filter_entry(|entry| is_wanted(job, path, entry, &passed, total)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                batch.push(entry.into_path());
                if batch.len() == BATCH && send.send(std::mem::take(&mut batch)).is_err() {
                    return;
                }
            }
            Ok(entry) if entry.file_type().is_dir() || entry.depth() == 0 => {}
            Ok(entry) if entry.file_type().is_symlink() => count(&passed.links),
            Ok(_) => count(&passed.special),
            Err(error) => fail(total, error.to_string()),
        }
    }
    drop(send.send(batch));
    let kinds = [
        (&passed.excluded, "files or folders by `exclude`"),
        (&passed.links, "symbolic links, which are not followed"),
        (&passed.special, "FIFOs, sockets or devices"),
    ];
    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
    for (count, what) in kinds.into_iter().filter(|(count, _)| count.get() > 0) {
        total.left_out.push(format!("{}: {} {what}", path.display(), count.get()));
    }
}

fn is_wanted(job: &Job<'_>, root: &Path, entry: &DirEntry, passed: &Passed, total: &Mutex<Scan>) -> bool {
    let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
    if entry.file_type().is_dir() && below.ends_with(".git/objects") {
        let what = format!("{}: packed by git; scan it with --history", entry.path().display());
        total.lock().unwrap_or_else(PoisonError::into_inner).left_out.push(what);
        return false;
    }
    let excluded = !below.as_os_str().is_empty() && job.exclude.is_match(below);
    if excluded {
        count(&passed.excluded);
    }
    !excluded
}

fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

/// A file of a listing. A link that took its place since is refused and named.
pub(super) fn file(job: &Job<'_>, path: &Path, buffer: &mut Vec<u8>, total: &Mutex<Scan>) {
    match files::open_listed(path) {
        Ok(file) => read(job, path, &file, buffer, total),
        Err(error) => fail(total, error.to_string()),
    }
}

fn read(job: &Job<'_>, path: &Path, file: &std::fs::File, buffer: &mut Vec<u8>, total: &Mutex<Scan>) {
    let shown = path.strip_prefix("./").unwrap_or(path).to_string_lossy();
    match job.scanner.file(file, buffer) {
        Ok(seen) => add(job, total, &shown, seen, ""),
        Err(error) => fail(total, format!("{shown}: {error}")),
    }
}

fn fail(total: &Mutex<Scan>, error: String) {
    total.lock().unwrap_or_else(PoisonError::into_inner).errors.push(error);
}
