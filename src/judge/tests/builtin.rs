//! The built-in policies and the starting cases: valid, proven by their own examples, and fitting
//! each other.

use super::super::{EXAMPLES_AS_OF, check_policy, check_references, judge, prove_examples};
use super::*;
use crate::base::assets;
use crate::model::verdict::{Closure, Outcome, Section, Status};

fn builtin(file: &str) -> Policy {
    read(assets::policy(file).unwrap())
}

fn names() -> Vec<&'static str> {
    assets::policies()
}

#[test]
fn every_builtin_policy_is_valid_and_proven_by_its_own_examples() {
    assert!(names().len() >= 5, "{:?}", names());
    for file in names() {
        let policy = builtin(file);
        assert_eq!(format!("{}.yaml", policy.policy), file);
        check_policy(&policy).unwrap_or_else(|e| panic!("{file}: {e}"));
        prove_examples(&policy).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}

#[test]
fn an_example_that_comes_out_otherwise_is_refused() {
    let text = "checks: [{ id: A, title: a, require: { fact: f.n, more_than: 1 } }]\nexamples:\n  passes: { f.n: 1 }\n  fails: { f.n: 2 }\n  unknown: { f.n: 2 }\n";
    let error = prove_examples(&policy(text)).unwrap_err().to_string();
    assert!(error.contains("`passes` A is FAIL: 1"), "{error}");
    assert!(error.contains("`fails` no item fails") && error.contains("`unknown` no item is UNKNOWN"), "{error}");
    let unproven = policy("checks: [{ id: A, title: a, require: { fact: f.n, more_than: 1 } }]\n");
    assert!(prove_examples(&unproven).unwrap_err().to_string().contains("are missing"));
}

#[test]
fn the_broken_night_shows_one_misleading_pass_four_of_seven_failures_and_hard_stop_five() {
    let policy = builtin("backup-integrity.yaml");
    let verdict = super::super::examples::verdict(&policy, &policy.examples.as_ref().unwrap().fails);
    let of = |section| verdict.section(section).map(|row| (row.id.as_str(), row.status)).collect::<Vec<_>>();
    use Status::{Fail, Misleading, Pass, Unknown};
    assert_eq!(
        of(Section::Checks),
        [
            ("V4-1", Pass),
            ("V4-2", Misleading),
            ("V4-3", Fail),
            ("V4-4", Fail),
            ("V4-5", Fail),
            ("V4-6", Pass),
            ("V4-7", Pass)
        ]
    );
    assert_eq!(
        of(Section::HardStops),
        [("HS-1", Pass), ("HS-2", Pass), ("HS-3", Pass), ("HS-4", Pass), ("HS-5", Fail)]
    );
    let tied = verdict.rows.iter().find(|row| row.id == "K-3").unwrap();
    assert_eq!(tied.status, Pass);
    assert!(tied.observed.contains("permission denied for schema"), "{}", tied.observed);
    assert_eq!(row(&verdict, "C5").status, Unknown, "nobody looked at a monitor");
    assert_eq!((verdict.outcome, verdict.closure), (Outcome::HardStop, Some(Closure::HardStop)));
    assert_eq!(row(&verdict, "V4-3").observed, "0 bytes");
}

#[test]
fn every_starting_case_fits_its_policy_and_is_not_yet_a_success() {
    for kind in ["closure", "backup", "incident", "verification", "hardening", "restore-test", "post-execution"] {
        let text = assets::starter(kind).unwrap().replace("CASE", "hb-08");
        let case: Case = read(&text);
        case.validate().unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert!(text.lines().filter(|line| line.trim_start().starts_with('#')).count() >= 8, "{kind} explains little");
        let policy = builtin(&format!("{}.yaml", case.policy));
        check_references(&policy, &case).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let verdict = judge(&policy, &[], &case, EXAMPLES_AS_OF);
        assert_ne!(verdict.outcome, Outcome::Pass);
    }
}
