//! Messages of success against checks and failures, and uploads that nothing compares.

use super::Finding;
use super::report::Study;

/// Finds them.
pub fn find(study: &Study<'_>, findings: &mut Vec<Finding>) {
    super::lost::too_late(study, findings);
    for (failure, success) in &study.normal.failure_then_success {
        let line = study.line(*failure);
        let says = format!("the shell can come to this message of success after the message of failure at line {line}");
        let finding = study.finding("success-after-failure", *success, says);
        findings.push(Finding { lines: [line].into(), ..finding });
    }
    for (success, failure) in &study.normal.success_then_failure {
        let line = study.line(*failure);
        let says =
            format!("the shell says this first and can come to the message of failure at line {line} afterwards");
        let finding = study.finding("success-before-check", *success, says);
        findings.push(Finding { lines: [line].into(), ..finding });
    }
    for upload in &study.normal.unverified {
        let name = study.name(*upload);
        let says = format!(
            "the script can end with status 0 without anything having compared what {name} sent with what arrived"
        );
        findings.push(study.finding("upload-unverified", *upload, says));
    }
    for zero in &study.normal.zero {
        let says = "the value is 0, so the status is 1 and `set -e` ends the shell here".to_owned();
        findings.push(study.finding("arithmetic-zero", *zero, says));
    }
}
