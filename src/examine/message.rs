//! Messages that were saved in place of a backup, or among its lines: of dump programs, shells and
//! container engines, error pages of a web server, an error of an object store, a Git LFS pointer.

use super::facts::Instead;
use super::keep::shorten;

/// Larger texts are not taken for a message.
pub(super) const LARGEST: usize = 64 * 1024;

/// Programs that make, carry or compress backups.
const PROGRAMS: &[&str] = &[
    "aws",
    "bash",
    "borg",
    "bzip2",
    "cat",
    "cp",
    "cron",
    "crond",
    "curl",
    "dash",
    "date",
    "docker",
    "docker-compose",
    "env",
    "error",
    "fatal",
    "find",
    "gcloud",
    "git",
    "gpg",
    "gsutil",
    "gzip",
    "helm",
    "ionice",
    "kubectl",
    "lz4",
    "mariadb",
    "mariadb-dump",
    "mesg",
    "mkdir",
    "mongodump",
    "mv",
    "mysql",
    "mysqldump",
    "nice",
    "nohup",
    "oc",
    "openssl",
    "perl",
    "pg_basebackup",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "pigz",
    "podman",
    "psql",
    "pv",
    "python",
    "python3",
    "rclone",
    "redis-cli",
    "restic",
    "rsync",
    "runuser",
    "s3cmd",
    "scp",
    "sed",
    "setpriv",
    "sftp",
    "sh",
    "split",
    "sqlite3",
    "ssh",
    "stdin",
    "su",
    "sudo",
    "tar",
    "tee",
    "timeout",
    "usage",
    "warning",
    "wget",
    "xz",
    "zsh",
    "zstd",
];

/// Beginnings that only messages have, in lower case.
const BEGINNINGS: &[&str] = &[
    "error response from daemon",
    "error from server",
    "error:",
    "fatal:",
    "warning:",
    "usage:",
    "oci runtime exec failed",
    "the input device is not a tty",
    "cannot connect to the docker daemon",
    "unable to connect",
    "unable to use a tty",
    "permission denied",
    "host key verification failed",
    "connection refused",
    "connection closed by",
    "connection reset by",
    "connection timed out",
    "access denied",
    "could not ",
    "couldn't ",
    "cannot ",
    "can't ",
    "failed to ",
    "no such ",
    "segmentation fault",
    "out of memory",
    "defaulted container",
    "detail:",
    "hint:",
    "notice:",
    "panic:",
    "traceback (most recent call last)",
    "exception in thread",
    "command terminated with exit code",
    "an error occurred",
    "enter password:",
    "password:",
];

/// Words that a message of an unknown program has.
const SIGNS: &[&str] = &[
    "error",
    "fail",
    "denied",
    "not found",
    "no such",
    "cannot",
    "can't",
    "could not",
    "unable",
    "refused",
    "timed out",
    "timeout",
    "fatal",
    "invalid",
    "unknown",
    "missing",
    "unexpected",
    "permission",
    "not permitted",
    "not a tty",
    "unrecognized",
    "not recognized",
    "expired",
    "unauthorized",
    "forbidden",
    "killed",
    "aborted",
    "not running",
];

/// Whether a line can be nothing but the message of a program.
pub(super) fn is_message(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&line[..line.len().min(512)]).to_ascii_lowercase();
    let text = text.trim_start_matches("\u{1b}[").trim();
    let alone = ["killed", "terminated", "unauthorized", "forbidden", "not found", "aborted"];
    if BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) || alone.contains(&text) {
        return true;
    }
    let Some((program, rest)) = text.split_once(": ") else {
        return text.ends_with(": command not found") || text.ends_with(": not found");
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let name = name.split(['[', '(']).next().unwrap_or(name).trim_start_matches('-').trim_end_matches(".exe");
    PROGRAMS.contains(&name) || (is_program(program) && SIGNS.iter().any(|sign| rest.contains(sign)))
}

/// One word, as a program or its path.
fn is_program(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'[' | b']'))
}

/// What stands in place of a backup, when that can be told from the text's beginning. `whole`: the
/// text is no longer than that.
pub(super) fn instead(head: &[u8], whole: bool) -> Option<Instead> {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim();
    let found =
        |what, line: Option<&str>| Some(Instead { what, line: shorten(line.unwrap_or("").trim()).into_owned() });
    if text.starts_with("version https://git-lfs.github.com/spec/") {
        return found("a pointer of Git LFS, not the file it points to", text.lines().next());
    }
    let lower = text.get(..text.len().min(4096)).map_or_else(|| text.to_ascii_lowercase(), str::to_ascii_lowercase);
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return found(
            "a web page, not a backup",
            text.lines().find(|line| line.to_ascii_lowercase().contains("<title")).or_else(|| text.lines().next()),
        );
    }
    if !whole {
        return None;
    }
    if text.starts_with('<') {
        let error = lower.contains("<error>") || lower.contains("<error ") || lower.contains(":fault>");
        let line = text.lines().find(|line| line.contains("<Error")).or_else(|| text.lines().next());
        return if error { found("an error of a web service, not a backup", line) } else { None };
    }
    if let Some(object) = text.strip_prefix('{') {
        let first = object.trim_start().trim_start_matches('"').to_ascii_lowercase();
        let error = ["error", "message", "code", "fault", "status"].iter().any(|key| first.starts_with(key));
        let error = error && text.len() <= 4096;
        return if error { found("an error of a web service, not a backup", text.lines().next()) } else { None };
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let messages = lines.clone().filter(|line| is_message(line.as_bytes())).count();
    // A message may go on over a few lines, and advice may follow it.
    if messages > 0 && lines.clone().count() <= 4 * messages + 2 {
        return found("a message of a program, not a backup", lines.find(|line| is_message(line.as_bytes())));
    }
    None
}
