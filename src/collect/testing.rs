//! For the tests of collectors: one look, without a case folder or a run.

use std::path::Path;

use crate::base::yaml;
use crate::hygiene::Raw;
use crate::model::case::Case;
use crate::model::fact::{Fact, Observation};
use crate::model::plan::Action;

use super::{Collector, Kernel, Prepared, Progress, SettingError, Settings, Surroundings};

/// Progress that nobody hears.
pub(super) struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// A case with one step: `with` is YAML flow, e.g. `{ path: /x }`.
pub(super) fn case(uses: &str, with: &str) -> Case {
    let text = format!(
        "case: c\ntitle: t\ntemplate: t\npolicy: p\nzone: Europe/Zurich\nseats: {{ owner: Ada }}\n\
         collect:\n  - id: it\n    uses: {uses}\n    with: {with}\n"
    );
    yaml::decode(Path::new("case.yaml"), text.as_bytes()).unwrap()
}

/// The collector with these settings.
pub(super) fn prepare(collector: &dyn Collector, with: &str) -> Result<Box<dyn Prepared>, SettingError> {
    let case = case(collector.doc().name, with);
    collector.prepare(&Settings { case: &case, step: &case.collect[0], folder: Path::new("/"), commands: &[] })
}

/// What the collector with these settings sees.
pub(super) fn look(collector: &dyn Collector, with: &str) -> Observation {
    let prepared = prepare(collector, with).unwrap_or_else(|e| panic!("{e}"));
    assert!(!prepared.plan().is_empty() && prepared.plan().iter().all(|Action { what, .. }| !what.is_empty()));
    look_with(&*prepared)
}

/// What a prepared collector sees.
pub(super) fn look_with(prepared: &dyn Prepared) -> Observation {
    let scratch = tempfile::tempdir().unwrap();
    let facts: [Fact; 0] = [];
    let arguments = ["evidence".to_owned(), "collect".to_owned()];
    let surroundings = Surroundings {
        scratch: scratch.path(),
        facts: &facts,
        progress: &Silent,
        kernel: Kernel { sandbox: "full", not_refused: &[], allow_unconfined: false },
        arguments: &arguments,
    };
    reveal(prepared.look(&surroundings))
}

fn reveal(raw: Raw<Observation>) -> Observation {
    let mut out = None;
    let _ = raw.map(|seen| out = Some(seen));
    out.unwrap()
}

/// Runs `work` where permission bits count, also when the tests run as root: capabilities belong
/// to a thread, so one of its own gives them up.
pub(super) fn without_privileges<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let mut sets = rustix::thread::capabilities(None).unwrap();
            sets.effective = rustix::thread::CapabilitySet::empty();
            rustix::thread::set_capabilities(None, sets).unwrap();
            work()
        });
        worker.join().unwrap()
    })
}
