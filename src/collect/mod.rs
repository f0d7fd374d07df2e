//! Collectors: one file each, read-only by what they are able to express, and one table. What they
//! see leaves this room only masked.

mod backup;
mod command;
mod compare;
mod container;
mod contradictions;
mod cron;
mod disk;
mod doc;
mod drill;
mod far;
mod file;
mod files;
mod host;
mod log;
mod objectives;
mod postgres;
mod process;
mod script;
mod service;
mod session;
mod settings;
mod sqlite;
mod statement;
mod subject;
mod sums;
#[cfg(test)]
mod testing;
mod timeline;
mod tool;
mod uptime_kuma;
mod via;

pub use doc::{Doc, Setting};
pub use session::{Gate, Progress, Session, Step, halted, make_rooms, prepare};
pub use settings::{SettingError, Settings};

use std::path::{Path, PathBuf};

use crate::hygiene::Raw;
use crate::model::fact::{Basis, Fact, Observation};
use crate::model::plan::Action;

/// One kind of thing that can be read.
pub trait Collector: Sync {
    /// Its documentation: name, settings, values; `explain`, `docs/` and errors all use this.
    fn doc(&self) -> &'static Doc;

    /// Checks the step's settings and fixes what will be read; reads nothing yet.
    ///
    /// # Errors
    /// When a setting is missing, unknown or of the wrong kind.
    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError>;
}

/// A collector with its settings, ready to look.
pub trait Prepared: Send + Sync {
    /// Everything that [`Prepared::look`] will read, ask or run, in order.
    fn plan(&self) -> Vec<Action>;

    /// Makes a private folder outside of the run, when the look needs one to write in, and names it:
    /// called before the kernel's sandbox is entered, which has to allow it. The look removes it.
    fn make_room(&self) -> Option<PathBuf> {
        None
    }

    /// Looks once. Whatever goes wrong is an absence with its reason in the observation.
    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation>;

    /// Where the content comes from.
    fn basis(&self) -> Basis {
        Basis::Observed
    }
}

/// What the kernel enforces during a collection, and what the operator allows without it.
#[derive(Clone, Copy, Debug)]
pub struct Kernel<'a> {
    /// How far it enforces that nothing is changed: `full`, `partial`, `none`.
    pub sandbox: &'a str,
    /// What it does not refuse, in words.
    pub not_refused: &'a [&'static str],
    /// Whether a dump may be restored although its server is not confined.
    pub allow_unconfined: bool,
}

impl Kernel<'_> {
    /// A kernel that enforces nothing, for looks outside of a run.
    pub const NONE: Kernel<'static> = Kernel { sandbox: "none", not_refused: &[], allow_unconfined: false };
}

/// What a look may use besides its own settings.
pub struct Surroundings<'a> {
    /// A private folder of the run for temporary files; the only place a collector may write.
    pub scratch: &'a Path,
    /// The facts collected before, masked.
    pub facts: &'a [Fact],
    /// Where progress is reported.
    pub progress: &'a dyn Progress,
    /// What the kernel enforces.
    pub kernel: Kernel<'a>,
    /// Masked arguments of this program, for the `host` collector.
    pub arguments: &'a [String],
}

/// Every collector, in the order of the documentation.
pub const COLLECTORS: &[&dyn Collector] = &[
    &host::HostCollector,
    &file::FileCollector,
    &files::FilesCollector,
    &backup::BackupCollector,
    &log::LogCollector,
    &script::ScriptCollector,
    &cron::CronCollector,
    &postgres::Identity,
    &postgres::SchemaPrivilege,
    &postgres::Size,
    &postgres::Query,
    &process::ProcessCollector,
    &disk::DiskCollector,
    &container::ContainerCollector,
    &service::ServiceCollector,
    &command::CommandCollector,
    &sqlite::Query,
    &uptime_kuma::UptimeKuma,
    &drill::RestoreDrill,
    &postgres::Counts,
    &postgres::Objects,
    &postgres::Fingerprint,
    &postgres::Activity,
    &postgres::Unchanged,
    &postgres::DumpPrivileges,
    &postgres::Functions,
    &far::Same,
    &far::Transfer,
    &sums::SumsCollector,
    &compare::CountsCompare,
    &timeline::TimelineCollector,
    &contradictions::ContradictionsCollector,
    &objectives::ObjectivesCollector,
    &statement::StatementCollector,
];

/// The collector called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Collector> {
    COLLECTORS.iter().copied().find(|collector| collector.doc().name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_examples_name_their_collector() {
        for (index, collector) in COLLECTORS.iter().enumerate() {
            let doc = collector.doc();
            assert!(COLLECTORS[..index].iter().all(|other| other.doc().name != doc.name), "{}", doc.name);
            assert!(doc.example.contains(&format!("uses: {}", doc.name)), "{}", doc.name);
            assert_eq!(doc.example.contains("\n  on: "), doc.needs_target, "{}", doc.name);
        }
    }
}
