//! The values of a fact that a person reads first, collector by collector: what decides comes first.
//! A test holds the table against the collectors and the values that they document.

/// For each collector the paths of its values, in the order in which they are shown.
pub(super) const OF: &[(&str, &[&str])] = &[
    ("host", &["hostname", "os", "user", "time_zone", "sandbox"]),
    ("file", &["kind", "size_bytes", "mode", "owner", "mtime", "link_target"]),
    ("files", &["count", "total_bytes", "newest.path", "newest.size_bytes", "outliers_total"]),
    ("backup", &["quality", "kind", "size_bytes", "payload_bytes", "gzip.valid", "sql.trailer", "sql.tables.count"]),
    ("log", &["lines_total", "excerpt_lines", "first_time", "last_time"]),
    (
        "script",
        &["lost_failures", "unchecked_returns", "findings_count", "errexit", "pipefail", "shell", "lines_total"],
    ),
    ("cron", &["found_count", "schedule", "next_firing", "within_rpo", "as_expected", "malformed_count"]),
    ("postgres.identity", &["database", "current_user", "server_version", "system_identifier", "in_recovery"]),
    ("postgres.schema_privilege", &["role", "schema", "privilege", "answer"]),
    ("postgres.size", &["database", "database_bytes", "schema_count"]),
    ("postgres.query", &["value", "row_count", "cut"]),
    ("postgres.counts", &["table_count", "known_count", "total", "method"]),
    ("postgres.objects", &["object_count", "found_count", "expected_count", "missing_count", "invalid_index_count"]),
    ("postgres.fingerprint", &["sha256", "entry_count", "counted_tables"]),
    ("postgres.activity", &["table_count", "in_progress", "database.sessions", "lsn", "stats_reset"]),
    ("postgres.unchanged", &["unchanged", "difference_count", "restarted", "changed_by_us", "moved_by_others"]),
    ("postgres.dump_privileges", &["role", "result", "gap_count", "blocking_count", "objects_checked"]),
    ("postgres.functions", &["function_count", "covered_count", "gap_count", "unknown_count"]),
    ("process", &["count", "count_seen", "hidden", "unread"]),
    ("disk", &["mount_point", "available_bytes", "used_share", "total_bytes", "read_only"]),
    ("container", &["state", "running", "exit_code", "health", "image.name", "restart_count"]),
    ("service", &["active_state", "result", "exec_main_status", "exec_main_ended_at", "next_trigger_at"]),
    ("command", &["exit_code", "signal", "stdout_lines", "stderr_lines", "duration_ms"]),
    ("sqlite.query", &["value", "row_count", "unchanged", "cut"]),
    ("uptime_kuma", &["down_total", "stale_total", "never_seen_total", "up_total", "paused_total", "monitors_total"]),
    ("restore.drill", &["complete", "errors", "exit_code", "counts_equal", "smoke_holds", "rows_total", "seconds"]),
    ("file.same", &["same", "result", "here_bytes", "there_bytes"]),
    ("transfer", &["same", "result", "local_bytes", "duration_seconds", "rate_bytes_per_second"]),
    ("file.sums", &["all_match", "score", "unreadable_lines"]),
    ("counts.compare", &["all_equal", "score", "differ", "not_known"]),
    ("timeline", &["events_total", "first", "last", "complete"]),
    ("contradictions", &["count", "findings_total", "runs", "complete"]),
    ("objectives", &["rpo_met", "age_seconds", "rto_met", "restore_seconds"]),
    ("statement", &["seat", "says"]),
    ("action", &["exit_code", "signal", "duration_seconds", "timed_out", "stdout_bytes", "stderr_bytes"]),
    (
        "side_effects",
        &["new_files_total", "changed_files_total", "removed_files_total", "log_lines_added", "differences"],
    ),
];

/// What every file has; it decides nothing, so it is not shown instead of a headline.
pub(super) const COMMON: &[&str] =
    &["atime", "ctime", "inode", "links", "uid", "gid", "group", "world_writable", "exists", "path"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::COLLECTORS;
    use crate::judge::path_fits;

    #[test]
    fn every_collector_has_a_headline_of_values_that_it_documents() {
        for collector in COLLECTORS {
            let doc = collector.doc();
            let headline = OF.iter().find(|(uses, _)| *uses == doc.name).map(|(_, paths)| *paths);
            let headline = headline.unwrap_or_else(|| panic!("{} has no headline", doc.name));
            for path in headline {
                let known = doc.values.iter().any(|(name, _)| path_fits(name, path) || name.starts_with(path));
                assert!(known, "{}: {path}", doc.name);
                assert!(!COMMON.contains(path), "{}: {path}", doc.name);
            }
        }
    }
}
