//! Counts the rows of an archive's blocks in a thread of its own, beside the decoder.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ScopedJoinHandle;

use crate::examine::block::Piece;
use crate::examine::context::Context;
use crate::examine::facts::Rows;
use crate::examine::keep::Keeper;
use crate::examine::sql::{CopyRows, Lexer, Progress, Script};

/// What a block's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Rows of COPY.
    Copy,
    /// INSERT statements.
    Statements,
    /// A large object: nothing to count.
    Opaque,
}

/// What a block belongs to.
#[derive(Debug, Clone, Default)]
pub(super) struct Owner {
    /// The table's name, when it was kept.
    pub(super) table: Option<String>,
    /// `TYPE name`, for people.
    pub(super) label: String,
}

enum Job {
    Begin(Content),
    Bytes(Piece),
    End(Owner),
}

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) rows: Rows,
    /// Blocks whose rows come to an end as they should.
    pub(super) terminated: u64,
    /// The first block whose rows do not.
    pub(super) unterminated: Option<String>,
}

/// The way to the counting thread.
pub(super) struct Counter<'s> {
    jobs: Sender<Job>,
    thread: Option<ScopedJoinHandle<'s, Counted>>,
}

impl<'s> Counter<'s> {
    /// Starts the thread.
    pub(super) fn start(context: &Context<'s, '_>) -> Counter<'s> {
        let (jobs, inbox) = channel();
        let keeper = context.keeper.clone();
        let spawned =
            std::thread::Builder::new().name("rows".into()).spawn_scoped(context.scope, move || count(&inbox, &keeper));
        let thread = spawned.map_err(|error| context.fail(error.to_string())).ok();
        Counter { jobs, thread }
    }

    pub(super) fn begin(&self, content: Content) {
        self.send(Job::Begin(content));
    }

    pub(super) fn bytes(&self, piece: Piece) {
        self.send(Job::Bytes(piece));
    }

    pub(super) fn end(&self, owner: Owner) {
        self.send(Job::End(owner));
    }

    fn send(&self, job: Job) {
        // A thread that is gone shows when it is joined.
        let _ = self.jobs.send(job);
    }

    /// Waits until everything is counted.
    pub(super) fn finish(self, context: &Context<'_, '_>) -> Counted {
        drop(self.jobs);
        match self.thread.map(ScopedJoinHandle::join) {
            Some(Ok(counted)) => counted,
            Some(Err(_)) => {
                context.fail("counting rows ended badly".into());
                Counted::default()
            }
            None => Counted::default(),
        }
    }
}

enum Reader {
    /// Rows of COPY; whether their terminator was read, and bytes that follow it.
    Copy(CopyRows, bool, u64),
    Statements(Box<Lexer>),
}

impl Reader {
    fn feed(&mut self, bytes: &[u8]) {
        match self {
            Reader::Copy(rows, ended, after) => {
                let mut rest = bytes;
                if !*ended {
                    match rows.feed(bytes) {
                        Progress::GoesOn => return,
                        Progress::Ended(at) => rest = &bytes[at..],
                    }
                    *ended = true;
                }
                *after += rest.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')).count() as u64;
            }
            Reader::Statements(lexer) => lexer.feed(bytes),
        }
    }

    /// Rows, and whether they come to an end as they should.
    fn finish(self) -> (u64, bool) {
        match self {
            Reader::Copy(rows, ended, after) => {
                let whole = after == 0 && rows.misfits() == 0;
                (rows.rows(), whole && (ended || rows.at_terminator()))
            }
            Reader::Statements(lexer) => {
                let sql = lexer.finish().sql;
                (sql.rows.total, sql.ends_inside.is_none() && sql.inserts_uncounted == 0)
            }
        }
    }
}

fn count(inbox: &Receiver<Job>, keeper: &Keeper) -> Counted {
    let mut counted = Counted::default();
    let mut reader = None;
    for job in inbox {
        match job {
            Job::Begin(Content::Copy) => reader = Some(Reader::Copy(CopyRows::new(), false, 0)),
            Job::Begin(Content::Statements) => {
                let script = Script::new(Keeper::new(1));
                reader = Some(Reader::Statements(Box::new(Lexer::new(script))));
            }
            Job::Begin(Content::Opaque) => reader = None,
            Job::Bytes(piece) => {
                if let Some(reader) = &mut reader {
                    reader.feed(&piece);
                }
            }
            Job::End(owner) => {
                if let Some(reader) = reader.take() {
                    settle(&mut counted, keeper, owner, reader.finish());
                }
            }
        }
    }
    counted
}

fn settle(counted: &mut Counted, keeper: &Keeper, owner: Owner, (rows, terminated): (u64, bool)) {
    match owner.table {
        Some(table) => keeper.rows(&mut counted.rows, &table, rows),
        None => {
            counted.rows.total += rows;
            counted.rows.tables_cut = true;
        }
    }
    if terminated {
        counted.terminated += 1;
    } else {
        counted.unterminated.get_or_insert(owner.label);
    }
}
