//! The documentation of the action's two facts, as data: `evidence explain action`.

use crate::collect::Doc;
use crate::model::action::{ACTION, SIDE_EFFECTS};

/// Both facts.
pub const DOCS: [&Doc; 2] = [&ACT, &EFFECTS];

/// The documentation of the fact `name`.
#[must_use]
pub fn doc(name: &str) -> Option<&'static Doc> {
    DOCS.into_iter().find(|doc| doc.name == name)
}

pub(super) static ACT: Doc = Doc {
    name: ACTION,
    summary: "How the case's one governed command went.",
    detail: "Not a collector: the fact `action` of a case with an `action:`. `evidence run` starts the command after \
        the looks before it, and only when no hard stop fires; `evidence collect` never does, and the fact is then \
        absent. No shell unless `shell: true`; no input; the environment has PATH, HOME, USER, LOGNAME, TMPDIR and TZ, \
        the names under `env` and the values under `set`, and nothing else. Both output streams are kept masked, each \
        up to 8 MiB. At the time limit, and when `evidence` is asked to end, the whole process group gets SIGTERM and \
        ten seconds later SIGKILL. It is never tried again. A command that fails is a fact, not an error: the policy \
        says what it means.",
    needs_target: false,
    settings: &[],
    values: &[
        ("title", "what it does, as the case says"),
        ("command", "the command line, as a shell would read it"),
        ("shell", "whether a shell read it"),
        ("folder", "the folder that it ran in"),
        ("environment", "names of the variables that it saw"),
        ("limit_seconds", "its time limit in seconds"),
        ("started_at", "when it was started, RFC 3339 UTC with nanoseconds"),
        ("ended_at", "when it had ended, the same way"),
        ("duration_seconds", "how long it ran, in seconds with milliseconds"),
        ("exit_code", "its exit code; missing when a signal ended it, or it could not be started"),
        ("signal", "the number of the signal that ended it; missing when it ended by itself"),
        ("timed_out", "whether the time limit ended it"),
        ("interrupted", "whether somebody ended `evidence` and so the command"),
        ("left_running", "whether something of its process group was still there when it had ended"),
        ("stdout_bytes", "bytes that it wrote to standard output; `stdout.txt` has them, masked"),
        ("stderr_bytes", "bytes that it wrote to standard error; `stderr.txt` has them, masked"),
        ("stdout_tail", "list of `line`, `text`: its last lines on standard output"),
        ("stderr_tail", "list of `line`, `text`: its last lines on standard error"),
    ],
    example: "action:\n  title: Run the nightly backup once\n  command: [/srv/scripts/pg-backup.sh]\n  limit: 30m\n  \
        env: [PGHOST]\n  set: { BACKUP_STAMP: '20260515_1023' }\n  watch: { folders: [/srv/backups], logs: \
        [/srv/log/pg-backup.log] }\n# collect: { uses: action } does not exist; policies name `action.exit_code`\n",
};

pub(super) static EFFECTS: Doc = Doc {
    name: SIDE_EFFECTS,
    summary: "What was different after the governed command.",
    detail: "Not a collector: the derived fact `side_effects` of a case with an `action:`. The watched folders and logs \
        are looked at right before and right after the command, and the facts of steps with `phase: both` are compared. \
        It tells what was different, not who made it so: what others did in the same moment is in it too. A file \
        counts as changed when its size, times, mode, owner or inode differ; contents are not compared. Folders are \
        compared by mode and owner only. What could not be looked at makes the lists incomplete, and a condition that \
        nothing happened is then UNKNOWN.",
    needs_target: false,
    settings: &[],
    values: &[
        ("from", "when the look before began, RFC 3339 UTC with nanoseconds"),
        ("to", "when the look after had ended, the same way"),
        (
            "new_files",
            "list of `path`, `kind`, `size_bytes`, `mode`, `mtime`, and `renamed_from` where it is the same inode",
        ),
        ("new_files_total", "how many there are; missing when not everything was seen"),
        ("changed_files", "list of `path`, `what` (`size, mtime`), `before_bytes`, `after_bytes`"),
        ("changed_files_total", "how many there are; missing when not everything was seen"),
        ("removed_files", "list of `path`, `kind`, `size_bytes`"),
        ("removed_files_total", "how many there are; missing when not everything was seen"),
        ("files_cut", "whether the lists are shorter than what was found, or not everything was seen"),
        ("new_files_cut", "the same, for conditions on that list"),
        ("changed_files_cut", "the same"),
        ("removed_files_cut", "the same"),
        ("unseen", "list of `path`, `why`: what could not be looked at"),
        (
            "logs",
            "list of `path`, `state` (`unchanged`, `grown`, `new`, `replaced`, `gone`, `none`), `lines_added`, `bytes_added`, `lines` (list of `line`, `text`); the whole in `log-N.txt`",
        ),
        ("log_lines_added", "lines added to all watched logs together; missing when one of them cannot tell"),
        (
            "compared.ID.differences",
            "how many values differ between ID and ID-after; missing when something was not seen",
        ),
        ("differences", "list of `fact`, `path`, `before`, `after`: where they differ"),
        ("differences_cut", "whether that list is shorter than what was found"),
    ],
    example: "# in a policy\n- id: E-1\n  title: Exactly one file appeared\n  require: { fact: side_effects.new_files, \
        count: { equals: 1 } }\n",
};
