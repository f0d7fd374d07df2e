//! The restore itself, and the examination of the same bytes. A plain dump, and any dump that lies
//! inside of something else, is fed to its client piece by piece as the examiner decodes it; a dump
//! that `pg_restore` can read itself is examined beside it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::child::{Invocation, Outcome};
use crate::base::{files, process, random};
use crate::collect::Progress;
use crate::examine::{self, Examination, Options, Tap};
use crate::model::fact::{Absence, Reason};

use super::archive::Dump;
use super::engine::{DATABASE, Engine};
use super::fence::Fence;
use super::head::{Format, Head};
use super::order::{Mode, OnError, Order};
use super::steps::{Steps, first_line};

/// More than this of a client's messages is not kept.
const CAP: usize = 8 << 20;

/// How long the examination waits for a processor that nobody wants.
const POLITE: Duration = Duration::from_millis(2);

/// What came of it.
pub(super) struct Restored {
    /// What the bytes are.
    pub(super) examination: Examination,
    /// How the client ended.
    pub(super) outcome: Outcome,
    /// Whether it said more than was kept.
    pub(super) cut: bool,
}

/// What a restore works with.
pub(super) struct Work<'a> {
    pub(super) order: &'a Order,
    pub(super) head: &'a Head,
    pub(super) dump: &'a Dump,
    pub(super) engine: &'a dyn Engine,
    pub(super) progress: &'a dyn Progress,
}

impl Work<'_> {
    /// Restores, as the order says.
    pub(super) fn restore(&self, steps: &mut Steps) -> Result<Restored, Absence> {
        let plain = self.head.format == Format::Plain;
        if self.order.mode != Mode::Full && (plain || self.head.wrapped && self.order.mode == Mode::Sample) {
            let message = format!(
                "`mode: {}` needs a dump that `pg_restore` can read in parts: custom, directory or tar format{}",
                self.order.mode.word(),
                if plain { "" } else { ", not inside of something else" }
            );
            return Err(Absence::new(Reason::NotApplicable, message));
        }
        if plain { self.fed(self.psql(steps)?, true, steps) } else { self.archive(steps) }
    }

    /// A dump is text that the client carries out, and the client's own commands reach further than its
    /// server: `\!` starts programs, `\connect` and `\copy` reach other servers and files. So it reads the
    /// dump restricted, under a word that the dump cannot know.
    fn psql(&self, steps: &mut Steps) -> Result<Invocation, Absence> {
        let word = random::hex().map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
        let restrict = format!("\\restrict {word}");
        let probe = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", &restrict];
        if !steps.run("restrict", self.engine.client("psql", &probe))?.success() {
            let message = "this psql does not know `\\restrict` (its minor releases since August 2025 do), so commands to \
                           psql inside of the dump could reach other servers and programs; nothing was restored";
            return Err(Absence::new(Reason::Unavailable, message).settled_by("psql --version"));
        }
        let stop = if self.order.on_error == Some(OnError::Continue) { "ON_ERROR_STOP=0" } else { "ON_ERROR_STOP=1" };
        let words = ["-X", "-q", "-b", "-v", stop, "-o", "/dev/null", "-d", DATABASE, "-c", &restrict, "-f", "-"];
        Ok(self.engine.client("psql", &words))
    }

    fn archive(&self, steps: &mut Steps) -> Result<Restored, Absence> {
        let jobs = format!("--jobs={}", self.order.jobs);
        let mut words = vec!["-d", DATABASE];
        if self.order.on_error == Some(OnError::Stop) {
            words.push("--exit-on-error");
        }
        if self.order.mode == Mode::Schema {
            words.push("--schema-only");
        }
        if self.head.wrapped {
            return self.fed(self.engine.client("pg_restore", &words), false, steps);
        }
        if self.order.jobs > 1 && self.head.format != Format::Tar {
            words.push(&jobs);
        }
        let path = self.engine.hand_over(self.dump, steps)?;
        let mut client = self.engine.client("pg_restore", &words);
        if self.order.mode == Mode::Sample {
            client = client.args(["--use-list"]).args([self.list(&path, steps)?]);
        }
        self.beside(client.args([path]), steps)
    }

    /// Feeds the client with the dump as it is decoded; a `script` without its own `\restrict` lines, which
    /// a restricted client would refuse.
    fn fed(&self, client: Invocation, script: bool, steps: &mut Steps) -> Result<Restored, Absence> {
        let line = client.line();
        let started = steps.bounded(client.cap(CAP)).feed();
        let client = Mutex::new((started.map_err(|e| Absence::new(Reason::Unavailable, e.to_string()))?, Fence::new()));
        let take = |bytes: &[u8]| {
            let (client, fence) = &mut *client.lock().unwrap_or_else(PoisonError::into_inner);
            // A client that takes no more has said why; the examination goes on to the end.
            let mut give = |piece: &[u8]| {
                let _ = client.give(piece);
            };
            if script { fence.pass(bytes, &mut give) } else { give(bytes) }
        };
        let tap = Tap { member: self.order.member.as_deref(), take: &take };
        let examination = self.examine(Some(&tap), None, steps);
        let (mut client, mut fence) = client.into_inner().unwrap_or_else(PoisonError::into_inner);
        fence.end(&mut |piece| {
            let _ = client.give(piece);
        });
        let outcome = client.finish().map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
        self.finish(&line, examination, outcome, steps)
    }

    /// Lets the client read the dump, and examines it beside.
    fn beside(&self, client: Invocation, steps: &mut Steps) -> Result<Restored, Absence> {
        let line = client.line();
        let client = steps.bounded(client.cap(CAP));
        let restored = AtomicBool::new(false);
        let (examination, outcome) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| self.examine(None, Some(&restored), steps));
            // Its workers speak at once: each on its own can be read.
            let outcome = client.run_apart();
            restored.store(true, Ordering::SeqCst);
            let lost = || Err(Absence::new(Reason::Failed, "the examination of the dump ended badly"));
            (reader.join().unwrap_or_else(|_| lost()), outcome)
        });
        let outcome = outcome.map_err(|e| Absence::new(Reason::Unavailable, e.to_string()))?;
        self.finish(&line, examination, outcome, steps)
    }

    fn finish(
        &self,
        line: &str,
        examination: Result<Examination, Absence>,
        outcome: Outcome,
        steps: &mut Steps,
    ) -> Result<Restored, Absence> {
        steps.note("restore", line, Some(&outcome), outcome.took);
        if let Some(absence) = steps.stop.reason() {
            return Err(absence);
        }
        let cut = outcome.stderr.len() >= CAP;
        Ok(Restored { examination: examination?, outcome, cut })
    }

    /// Until `restored`, takes only what the machine has left: the restore is timed, and there may be a
    /// production beside it.
    fn examine(
        &self,
        tap: Option<&Tap<'_>>,
        restored: Option<&AtomicBool>,
        steps: &Steps,
    ) -> Result<Examination, Absence> {
        let told = AtomicU64::new(0);
        let progress = |read: u64| self.progress.advance(read.saturating_sub(told.swap(read, Ordering::Relaxed)));
        let stop = || {
            let waits = || restored.is_some_and(|restored| !restored.load(Ordering::SeqCst));
            while waits() && process::is_crowded() && !steps.stop.now() {
                std::thread::sleep(POLITE);
            }
            steps.stop.now()
        };
        let found = examine::examine_tapped(self.dump.read()?, &Options::default(), &progress, &stop, tap);
        found.map_err(|e| Absence::new(Reason::Failed, format!("{}: {e}", self.order.source())))
    }

    /// A list of the archive's entries without foreign keys, and with the rows of the sample only.
    fn list(&self, path: &Path, steps: &mut Steps) -> Result<std::path::PathBuf, Absence> {
        let Some(folder) = self.engine.folder() else {
            return Err(Absence::new(Reason::NotApplicable, "`mode: sample` is for `engine: local`"));
        };
        let listed = self.engine.client("pg_restore", &["--list"]).args([path]);
        let listed = steps.run("list", listed)?;
        if !listed.success() {
            return Err(Absence::new(Reason::Failed, format!("list failed: {}", first_line(&listed.stderr))));
        }
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let kept: Vec<&str> = text.lines().filter(|line| in_sample(line, &self.order.tables)).collect();
        let list = folder.join("list");
        files::write(&list, (kept.join("\n") + "\n").as_bytes())
            .map_err(|e| Absence::new(Reason::Failed, e.to_string()))?;
        Ok(list)
    }
}

/// Whether an entry of a list belongs to a sample of `tables`.
fn in_sample(line: &str, tables: &[String]) -> bool {
    // `3365; 0 16391 TABLE DATA public orders app`
    let Some(entry) = line.split_once("; ").filter(|_| !line.starts_with(';')).map(|(_, rest)| rest) else {
        return true;
    };
    let mut words = entry.splitn(3, ' ').skip(2);
    let entry = words.next().unwrap_or("");
    if entry.starts_with("FK CONSTRAINT ") {
        return false;
    }
    let Some(data) = entry.strip_prefix("TABLE DATA ") else { return true };
    let named = |table: &String| data.strip_prefix(&format!("{} ", table.replacen('.', " ", 1))).is_some();
    tables.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_every_definition_but_foreign_keys_and_only_its_own_rows() {
        let tables = ["public.orders".to_owned()];
        let keeps = |line: &str| in_sample(line, &tables);
        assert!(keeps(";     Format: CUSTOM") && keeps("215; 1259 16391 TABLE public orders app"));
        assert!(keeps("3365; 0 16391 TABLE DATA public orders app"));
        assert!(!keeps("3366; 0 16392 TABLE DATA public orders_old app"));
        assert!(!keeps("3367; 0 16392 TABLE DATA other orders app"));
        assert!(!keeps("3220; 2606 16400 FK CONSTRAINT public lines lines_order_fkey app"));
        assert!(keeps("3221; 2606 16400 CONSTRAINT public orders orders_pkey app"));
    }
}
