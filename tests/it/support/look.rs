//! Runs the steps of a case through the library and gives their facts.

use std::collections::BTreeMap;
use std::path::Path;

use evidence::collect::{self, Kernel, Progress, Session};
use evidence::hygiene::Masker;
use evidence::model::case::Case;
use evidence::model::fact::{Fact, Reason};
use evidence::model::value::Value;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// A case with these `targets:` and `collect:` entries, YAML in flow or block style.
pub fn case(targets: &str, collect: &str) -> Case {
    let head = "case: test\ntitle: Test\ntemplate: incident\npolicy: backup-integrity\n";
    let yaml = format!("{head}targets:\n{targets}\ncollect:\n{collect}\n");
    let case: Case = evidence::base::yaml::decode(Path::new("case.yaml"), yaml.as_bytes()).unwrap();
    case.validate().unwrap();
    case
}

/// The error of preparing `case`, as a person reads it.
pub fn refusal(case: &Case) -> String {
    match collect::prepare(case, &case.before(), Path::new("/"), &[]) {
        Ok(_) => panic!("the case was accepted"),
        Err(error) => error.to_string(),
    }
}

/// Whether `case` can be prepared at all.
pub fn accepted(case: &Case) -> bool {
    collect::prepare(case, &case.before(), Path::new("/"), &[]).is_ok()
}

/// The facts of `case`, in order.
pub fn facts(case: &Case) -> Vec<Fact> {
    let scratch = tempfile::tempdir().unwrap();
    let steps = collect::prepare(case, &case.before(), Path::new("/"), &[]).unwrap();
    let session = Session { scratch: scratch.path(), progress: &Silent, kernel: Kernel::NONE, arguments: &[] };
    let mut facts = Vec::new();
    session.run::<()>(&steps, &mut facts, &mut Masker::new(), &mut |_| None, &mut |_| Ok(())).unwrap();
    facts
}

/// The facts of `case`, in order; after the first `count` of them, `between` happens.
pub fn facts_between(case: &Case, count: usize, between: &dyn Fn()) -> Vec<Fact> {
    let scratch = tempfile::tempdir().unwrap();
    let steps = collect::prepare(case, &case.before(), Path::new("/"), &[]).unwrap();
    let session = Session { scratch: scratch.path(), progress: &Silent, kernel: Kernel::NONE, arguments: &[] };
    let mut gate = |facts: &[Fact]| {
        if facts.len() == count {
            between();
        }
        None
    };
    let mut facts = Vec::new();
    session.run::<()>(&steps, &mut facts, &mut Masker::new(), &mut gate, &mut |_| Ok(())).unwrap();
    facts
}

/// The value of `fact` at `path`, which must be there.
pub fn value<'a>(fact: &'a Fact, path: &str) -> &'a Value {
    match fact.at(path) {
        Some(Ok(value)) => value,
        other => panic!("{path}: {other:?}\n{fact:#?}"),
    }
}

/// Why `fact` has no value at `path`, which it must say.
pub fn missing(fact: &Fact, path: &str) -> Reason {
    match fact.at(path) {
        Some(Err(absence)) => absence.reason,
        other => panic!("{path}: {other:?}\n{fact:#?}"),
    }
}

/// What `facts.jsonl` holds at `path`, which begins with the fact's id.
pub fn sealed<'a>(facts: &'a BTreeMap<String, serde_json::Value>, path: &str) -> &'a serde_json::Value {
    let (id, rest) = path.split_once('.').unwrap();
    rest.split('.').fold(&facts[id]["values"], |value, part| match part.parse::<usize>() {
        Ok(index) => &value[index],
        Err(_) => &value[part],
    })
}
