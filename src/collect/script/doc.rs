//! The documentation of `script`.

use super::super::doc::with_metadata;
use super::super::{Doc, Setting};

/// What `script` reads and says.
pub static DOC: Doc = Doc {
    name: "script",
    summary: "a shell script: its file, chosen lines, and what the shell does when a command of it fails",
    detail: "Describes the file as `file` does, shows the lines that `patterns` choose as `log` does (never the whole \
             file), and reads the script as the shell would, with a real parser. Every command whose failure matters \
             is made to fail alone, on paper, and what the shell then does is said: where it goes on, with which \
             status the script can end, which message of success it can still come to. Nothing is run. Conditions \
             are followed both ways, so \"can\" is said where \"does\" is not known. Bash and sh (as dash reads it) are \
             known; a script for another interpreter has no findings and no promise of having none. What \
             cannot be parsed is an absence with its line. Code that the script reads from other files is not \
             followed (`foreign_lines`), nor are functions that nothing calls (`functions_not_called`). That a script \
             has no finding says nothing about what it did on any night. docs/scripts.md lists the rules.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the script; relative paths start from the case's folder",
        },
        Setting {
            name: "shell",
            kind: "text",
            required: false,
            meaning: "the command that runs it, e.g. `bash -e` or `sh`, when it is not started by its first line",
        },
        Setting {
            name: "patterns",
            kind: "map of name to regular expression",
            required: false,
            meaning: "the lines to show, as in `log`",
        },
        Setting {
            name: "context",
            kind: "number (0)",
            required: false,
            meaning: "show so many lines before and after each match",
        },
        Setting { name: "max_lines", kind: "number (200)", required: false, meaning: "lines in the excerpt" },
    ],
    values: with_metadata![
        [("exists", "whether anything stands at the path"), ("kind", "as in `file`"), ("size_bytes", "size in bytes")],
        ("sha256", "SHA-256 of the content"),
        ("lines_total", "number of lines"),
        ("shebang", "the first line behind `#!`"),
        ("shell", "`bash`, `sh` or `other`"),
        ("start_options", "the options that hold at its first command, as `set` takes them, or `none`"),
        ("errexit", "whether `set -e` is on at every command that is no builtin"),
        ("nounset", "whether `set -u` is on at every command that is no builtin"),
        ("pipefail", "whether `pipefail` is on at every pipeline; without a pipeline, at the last command"),
        (
            "options",
            "list of `from_line`, `to_line`, `options`, `errexit_ignored` (whether a condition can keep `-e` from acting there)",
        ),
        (
            "pipelines",
            "list of `line`, `text`, `programs`, `pipefail`, `errexit`, `says` (what happens when its first command fails)",
        ),
        (
            "findings",
            "list of `rule`, `line`, `lines` (others that it is about), `text`, `says` (what the shell does), `title`, `mend`",
        ),
        ("findings_count", "number of findings"),
        ("lost_failures", "findings that mean a failure nobody gets to know of"),
        ("unchecked_returns", "calls of functions whose `return` of a failure nobody reads"),
        ("rules.NAME", "findings of each rule, zeros included"),
        (
            "foreign_lines",
            "lines that read other code into the shell, or hand another shell a script that is only known when it runs; what they do was not followed",
        ),
        ("functions_not_called", "functions that nothing here calls; their commands were not followed"),
        ("commands", "number of commands"),
        ("patterns.NAME", "as in `log`: `count`, `first`, `last`"),
        ("excerpt", "list of `line`, `offset`, `text`, `patterns`; the same as text in `excerpt.txt`"),
        ("excerpt_lines", "lines in the excerpt"),
        ("excerpt_left_out", "lines that were chosen and did not fit"),
    ],
    example: "- id: script\n  uses: script\n  with:\n    path: /usr/local/bin/pg-backup.sh\n    patterns: { pipeline: 'pg_dump .*\\| *gzip' }\n",
};
