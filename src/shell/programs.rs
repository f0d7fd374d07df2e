//! What programs are for, as far as that decides whether their failure matters, and what messages
//! say. Names and words only: what a program does on a host, nobody looked at.

use regex::Regex;
use std::sync::LazyLock;

use super::tree::{Command, Simple, Word};

/// Programs whose failure means that the work was not done.
const WORK: &[&str] = &[
    "7z",
    "age",
    "aws",
    "az",
    "borg",
    "bunzip2",
    "bzip2",
    "cat",
    "cd",
    "cksum",
    "cmp",
    "cp",
    "cpio",
    "curl",
    "dd",
    "docker",
    "dump",
    "duplicity",
    "ftp",
    "gpg",
    "gsutil",
    "gunzip",
    "gzip",
    "install",
    "kubectl",
    "lftp",
    "lvcreate",
    "mariabackup",
    "mariadb-dump",
    "mc",
    "md5sum",
    "mongodump",
    "mount",
    "mv",
    "mysql",
    "mysqldump",
    "openssl",
    "pg_basebackup",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "pigz",
    "podman",
    "psql",
    "rclone",
    "restic",
    "rsync",
    "s3cmd",
    "scp",
    "sftp",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "split",
    "sqlite3",
    "ssh",
    "tar",
    "wget",
    "xz",
    "zfs",
    "zip",
    "zstd",
];

/// Programs that only print what they are given or what is always there.
const PRINTERS: &[&str] = &[
    "echo", "printf", "true", ":", "yes", "seq", "date", "hostname", "whoami", "id", "pwd", "uname", "basename",
    "dirname",
];

/// Programs that are run for the answer in their status.
const TESTS: &[&str] = &[
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "cmp",
    "diff",
    "read",
    "getopts",
    "command",
    "type",
    "which",
    "hash",
    "pgrep",
    "pidof",
    "kill",
    "mountpoint",
    "ping",
    "flock",
    "getent",
    "systemctl",
    "nc",
    "wait",
];

/// Programs that run what follows them.
const WRAPPERS: &[&str] =
    &["sudo", "doas", "nice", "ionice", "nohup", "time", "env", "command", "builtin", "stdbuf", "setsid", "chronic"];

/// The program's name and its arguments, with what only wraps it taken off.
#[must_use]
pub fn program(simple: &Simple) -> Option<(String, &[Word])> {
    let mut words = simple.words.as_slice();
    loop {
        let (first, rest) = words.split_first()?;
        let name = first.literal()?;
        let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
        let timed = name == "timeout";
        if !timed && !WRAPPERS.contains(&name.as_str()) {
            return Some((name, rest));
        }
        // Options of the wrapper, and their values where they are numbers or assignments.
        let number = |word: &Word| word.raw.parse::<f64>().is_ok();
        let option = |word: &Word| word.raw.starts_with('-') || word.raw.contains('=') || number(word);
        let mut options = rest.iter().take_while(|word| option(word)).count();
        if matches!(name.as_str(), "sudo" | "doas")
            && options > 0
            && matches!(rest[options - 1].raw.as_str(), "-u" | "-g" | "-h")
        {
            options += 1;
        }
        // The duration of `timeout` may be no plain number, as in `10m`.
        let plain = options.checked_sub(1).and_then(|last| rest.get(last)).is_some_and(number);
        let counted = usize::from(timed && !plain);
        match rest.get(options + counted..) {
            Some(more) if !more.is_empty() => words = more,
            _ => return Some((name, rest)),
        }
    }
}

/// Whether a failure of this command means that work was not done.
#[must_use]
pub fn works(simple: &Simple) -> bool {
    program(simple).is_some_and(|(name, _)| WORK.contains(&name.as_str()))
}

/// Whether it can be said to fail for no reason worth a line.
#[must_use]
pub fn prints(simple: &Simple) -> bool {
    program(simple).is_some_and(|(name, _)| PRINTERS.contains(&name.as_str()))
}

/// Whether it is run for its answer.
#[must_use]
pub fn tests(simple: &Simple) -> bool {
    program(simple).is_some_and(|(name, arguments)| {
        TESTS.contains(&name.as_str())
            || arguments.iter().any(|word| matches!(word.raw.as_str(), "-q" | "--quiet" | "--silent"))
    })
}

/// Whether the command sends a file to another host without comparing it there itself.
#[must_use]
pub fn uploads(simple: &Simple) -> bool {
    let Some((name, arguments)) = program(simple) else { return false };
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.raw.as_str()));
    match name.as_str() {
        "scp" | "sftp" | "ftp" => true,
        "ssh" => arguments.iter().any(|word| REMOTE_WRITE.is_match(&word.said())),
        "rclone" => has(&["copy", "copyto", "sync", "move", "moveto", "rcat"]),
        "curl" => arguments.iter().any(|word| word.raw == "--upload-file" || short(&word.raw, 'T')),
        "aws" => has(&["s3"]) && has(&["cp", "mv", "sync"]),
        "gsutil" | "mc" => has(&["cp", "mv", "rsync", "mirror"]),
        "s3cmd" => has(&["put", "sync"]),
        "lftp" => arguments.iter().any(|word| word.said().contains("put")),
        "az" => has(&["upload", "upload-batch"]),
        _ => false,
    }
}

/// Whether the command asks the other side for a digest, or compares.
#[must_use]
pub fn verifies(simple: &Simple) -> bool {
    let Some((name, arguments)) = program(simple) else { return false };
    let said = arguments.iter().map(Word::said).collect::<Vec<_>>().join(" ");
    match name.as_str() {
        "ssh" | "sshpass" => DIGEST.is_match(&said),
        "rclone" => arguments
            .iter()
            .any(|word| matches!(word.raw.as_str(), "check" | "cryptcheck" | "hashsum" | "md5sum" | "sha1sum")),
        "cmp" => true,
        "rsync" => arguments.iter().any(|word| word.raw == "--checksum" || short(&word.raw, 'c')),
        "aws" => said.contains("head-object") || said.contains("get-object-attributes"),
        "curl" => said.contains("sha256") || said.contains("checksum"),
        "s3cmd" => said.contains("info"),
        "gsutil" => said.contains("hash") || said.contains("stat"),
        "mc" => said.contains("stat") || said.contains("diff"),
        name if DIGEST.is_match(name) => arguments.iter().any(|word| word.raw == "--check" || short(&word.raw, 'c')),
        _ => false,
    }
}

/// Whether `word` is a bundle of one-letter options with `letter` in it.
#[must_use]
pub fn short(word: &str, letter: char) -> bool {
    let bundle = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    bundle.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '#') && rest.contains(letter))
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        // A pattern of ours that does not compile would match nothing; the tests use each of them.
        static $name: LazyLock<Pattern> = LazyLock::new(|| Pattern(Regex::new($pattern).ok()));
    };
}

struct Pattern(Option<Regex>);

impl Pattern {
    fn is_match(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

pattern!(REMOTE_WRITE, r"(^|[\s;&|])(cat|gzip|zstd)\b[^|;&]*>|\bdd\b.*\bof=|\btee\s");
pattern!(DIGEST, r"\b(sha(1|224|256|384|512)?sum|shasum|md5sum|b2sum|b3sum|cksum|md5|sha256)\b");
pattern!(
    SUCCESS,
    r"(?i)\b(success(ful(ly)?)?|succeeded|erfolgreich)\b|\b(backup|job|sync|run|script|all)\b.*\b(completed?|finished|done|ok)\b"
);
pattern!(SUCCESS_ALONE, r"(?i)^\W*(\d+\W*)?(done|ok|finished|completed?|success)\W*$");
pattern!(STEP, r"(?i)\b(dump|upload|transfer|step|compress\w*|archive|checksum|connect\w*|clean\w*|restore)\b");
pattern!(
    FAILURE,
    r"(?i)\b(fail(ed|ure|s)?|errors?|mismatch|abort(ed|ing)?|corrupt(ed)?|invalid|cannot|could not|unable|fatal|incomplete|unsuccessful|fehler|fehlgeschlagen)\b"
);
pattern!(NEGATION, r"(?i)\b(not|no|without|never|if)\b");

/// What a command says, if it is one that speaks: its arguments and its here-document.
#[must_use]
pub fn message(command: &Command, simple: &Simple, functions: &[String]) -> Option<String> {
    let (name, arguments) = program(simple)?;
    let speaks = matches!(
        name.as_str(),
        "echo"
            | "printf"
            | "logger"
            | "mail"
            | "mailx"
            | "sendmail"
            | "msmtp"
            | "swaks"
            | "notify-send"
            | "curl"
            | "wget"
            | "systemd-cat"
    );
    if !speaks && !functions.contains(&name) {
        return None;
    }
    let documents = command.redirects.iter().filter(|redirect| redirect.here).map(|redirect| redirect.word.said());
    let said: Vec<_> = arguments.iter().map(Word::said).chain(documents).collect();
    Some(said.join(" "))
}

/// Whether `message` says that the whole work succeeded.
#[must_use]
pub fn says_success(message: &str) -> bool {
    let whole = SUCCESS.is_match(message) && !STEP.is_match(message);
    (whole || SUCCESS_ALONE.is_match(message)) && !FAILURE.is_match(message) && !NEGATION.is_match(message)
}

/// Whether `message` says that something failed.
#[must_use]
pub fn says_failure(message: &str) -> bool {
    FAILURE.is_match(message) && !says_none(message)
}

/// `0 errors`, `no errors`, `without errors`, `errors: 0`
fn says_none(message: &str) -> bool {
    pattern!(
        NONE,
        r"(?i)\b(0|no|without( any)?|keine?) (errors?|failures?)\b|\b(errors?|failures?|failed)\s*[:=]\s*(0|\s*$)|\bif\b"
    );
    NONE.is_match(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        for success in ["Backup completed successfully in 0m 45s", "success:   bytes", "5 done", "Job finished", "OK"] {
            assert!(says_success(success), "{success}");
        }
        for other in [
            "Backup not completed successfully",
            "dump finished successfully",
            "starting backup",
            "Backup failed",
            "1/5 dumping",
        ] {
            assert!(!says_success(other), "{other}");
        }
        for failure in ["Checksum mismatch!", "FAILED: the backup has 20 bytes", "ERROR: cannot write"] {
            assert!(says_failure(failure), "{failure}");
        }
        for other in ["0 errors", "no errors found", "errors: 0", "all good"] {
            assert!(!says_failure(other), "{other}");
        }
    }

    #[test]
    fn wrappers_are_taken_off() {
        let name = |text: &str| {
            let script = super::super::read(text, None).unwrap();
            let simple = script.commands[&0].simple().unwrap();
            program(simple).unwrap().0
        };
        assert_eq!(name("sudo -u postgres pg_dump app"), "pg_dump");
        assert_eq!(name("nice -n 19 ionice -c3 tar cf x y"), "tar");
        assert_eq!(name("timeout 600 /usr/bin/rsync a b"), "rsync");
        assert_eq!(name("timeout 10m curl x"), "curl");
        assert_eq!(name("PGPASSFILE=x pg_dump"), "pg_dump");
    }
}
