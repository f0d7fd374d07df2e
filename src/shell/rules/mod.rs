//! The catalogue of findings, and what one pass over a script gives. A finding states what the shell
//! does; whether that matters, the policy and the reader decide.

mod checks;
mod hazards;
mod lost;
mod report;

use std::collections::BTreeSet;

use super::dialect::Options;
use super::tree::Script;
pub use report::{PipelineRow, Span};

/// One rule of the catalogue.
pub struct Rule {
    /// Its name in findings.
    pub id: &'static str,
    /// What it finds.
    pub title: &'static str,
    /// What the shell does there.
    pub does: &'static str,
    /// What would mend it.
    pub mend: &'static str,
}

macro_rules! rules {
    ($($id:literal: $title:literal, $does:literal, $mend:literal;)*) => {
        /// Every rule, in the order of the documentation.
        pub const RULES: &[Rule] = &[$(Rule { id: $id, title: $title, does: $does, mend: $mend },)*];
    };
}

rules! {
    "producer-failure-lost": "a pipeline whose producer's failure is lost",
        "without `pipefail` a pipeline has the status of its last command; that of the others is gone unless PIPESTATUS is read at once",
        "`set -o pipefail` together with `set -e`, or read `${PIPESTATUS[0]}` in the next command";
    "status-unchecked": "a command whose failure changes nothing",
        "without `set -e` the shell goes on with the next command whatever the status",
        "`set -e`, or `|| exit 1` behind the command";
    "return-unchecked": "a function that returns a failure to nobody",
        "`return 2` sets the status of the call; nothing reads it, so the shell goes on",
        "`set -e`, or `|| exit 1` behind the call";
    "errexit-suspended": "a command in a function that is called in a condition",
        "in `if f`, `f &&`, `f ||` and `! f` the shell ignores `set -e` in all of `f`, so it goes on behind the failure",
        "check the command itself, or call the function outside of a condition";
    "and-list-hides": "a failure on the left of `&&`",
        "`set -e` does not act on any command of an `&&` list but the last; the rest of the list is skipped and the shell goes on",
        "`if …; then …; fi` with an `else`, or separate commands under `set -e`";
    "failure-ignored": "a failure that `|| true` takes away",
        "the list succeeds whatever the command does",
        "take it away, or note the failure before going on";
    "background-status-lost": "a command in the background whose status nobody asks for",
        "`cmd &` succeeds at once, and `wait` without arguments succeeds whatever the jobs did",
        "`wait \"$!\"` for each of them";
    "declaration-hides-status": "a declaration that hides the status of its substitution",
        "`local x=$(cmd)`, `export`, `readonly` and `declare` succeed even when `cmd` fails, under `set -e` too",
        "declare first and assign in a command of its own";
    "substitution-status-lost": "a substitution whose status nobody gets",
        "the status of `$( … )` in an argument and of `<( … )` is dropped, under `set -e` too",
        "assign it to a variable first";
    "status-read-too-late": "a status that is read where it can only be 0",
        "under `set -e` the shell has ended before this command when the one above failed",
        "`if cmd; then … else … fi`";
    "arithmetic-zero": "an arithmetic command whose value is 0 under `set -e`",
        "`(( … ))` has status 1 when its value is 0, and the shell ends there",
        "`x=$((x + 1))`";
    "success-unfounded": "a message of success that a lost failure does not prevent",
        "the shell comes to the message although the command failed before",
        "let the failure end the script before the message";
    "success-after-failure": "a message of success that can come behind one of failure",
        "the shell goes on behind the branch that reports the failure, up to the message of success",
        "leave the script in that branch, and check the status of the function that holds it";
    "success-before-check": "a message of success before the check that can contradict it",
        "the shell says success first and compares afterwards",
        "say success behind the last check";
    "upload-unverified": "an upload that nothing compares with what was sent",
        "the script can end with status 0 without having asked the other side for a digest",
        "ask the other side for the SHA-256 and compare, an empty answer counting as a failure";
    "host-key-unchecked": "ssh that takes any host for the right one",
        "ssh connects without knowing the host's key",
        "put the host's key in a known_hosts file and keep the check on";
    "certificate-unchecked": "a transfer that takes any server for the right one",
        "the server's certificate is not checked",
        "give the certificate authority with `--cacert`";
    "secret-in-arguments": "a secret among the arguments of a program",
        "every user of the host can read the arguments of a running program",
        "a file that only the program's user can read, or standard input";
    "temporary-predictable": "a temporary file whose name others can guess",
        "who creates the file first, or a link in its place, decides what is read or overwritten",
        "`mktemp`";
    "temporary-left": "a temporary file that is never removed",
        "the file of `mktemp` stays when the script ends",
        "`trap 'rm -f -- \"$file\"' EXIT`";
    "rm-unquoted": "`rm -r` with an unquoted variable",
        "the value is split at blanks and expanded as a pattern, and each piece is removed",
        "quote it: `rm -r -- \"$dir\"`";
    "rm-empty-variable": "`rm -r` below a variable that may be empty",
        "with an empty value the path begins at `/`",
        "`\"${dir:?}/…\"`";
    "options-in-first-line": "options that stand in the first line only",
        "they hold when the script is started by its name, not with `bash script`",
        "`set -e` and the like as the first command";
    "pipefail-unknown": "`pipefail` in a script for `sh`",
        "dash up to 0.5.12 does not know the option and ends there with status 2; where `sh` is another shell it may hold",
        "`#!/bin/bash`, or do without the pipeline";
    "not-in-sh": "what only bash knows, in a script for `sh`",
        "dash takes `[[` and `((` for names of programs or subshells, and has no PIPESTATUS and no arrays",
        "`#!/bin/bash`, or POSIX words";
}

/// The rules that mean a failure nobody gets to know of.
pub const LOSING: &[&str] = &[
    "producer-failure-lost",
    "status-unchecked",
    "errexit-suspended",
    "and-list-hides",
    "failure-ignored",
    "background-status-lost",
    "declaration-hides-status",
    "substitution-status-lost",
];

/// The rule called `id`.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The rule.
    pub rule: &'static str,
    /// The text of the line, not masked yet.
    pub text: String,
    /// What the shell does, for this very command.
    pub says: String,
    /// The other lines that it is about.
    pub lines: BTreeSet<usize>,
}

/// Everything that is said of a script.
#[derive(Debug)]
pub struct Analysis {
    /// The first line without `#!`.
    pub shebang: Option<String>,
    /// The shell, as `Dialect::word`.
    pub shell: &'static str,
    /// The options at its start.
    pub start: Options,
    /// The options that hold, from line to line.
    pub spans: Vec<Span>,
    /// The pipelines of at least two commands.
    pub pipelines: Vec<PipelineRow>,
    /// Whether `pipefail`, `errexit`, `nounset` hold wherever they matter.
    pub holds: Holds,
    /// The findings, by line.
    pub findings: Vec<Finding>,
    /// Lines that read other code into the shell, which may change everything.
    pub foreign: BTreeSet<usize>,
    /// Lines that hand another shell a script which cannot be read here.
    pub opaque: BTreeSet<usize>,
    /// Functions that nothing in the script calls; what they do was not followed.
    pub uncalled: Vec<String>,
    /// Whether everything was followed.
    pub complete: bool,
    /// How many commands the script has.
    pub commands: usize,
    /// The programs that are started with arguments, for whoever looks for secrets in them.
    pub calls: Vec<Call>,
}

/// A program that is started, with the text of its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The line.
    pub line: usize,
    /// The program.
    pub program: String,
    /// Name and arguments as written, not masked.
    pub words: String,
    /// The text of its lines, not masked.
    pub text: String,
}

/// Whether options hold wherever they matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// At every pipeline of at least two commands; without one, at the last command.
    pub pipefail: bool,
    /// At every command that is no builtin.
    pub errexit: bool,
    /// At every command that is no builtin.
    pub nounset: bool,
}

/// Everything that can be said of `script` without running it.
#[must_use]
pub fn analyse(script: &Script) -> Analysis {
    let mut study = report::Study::new(script);
    let mut findings = Vec::new();
    lost::find(&mut study, &mut findings);
    checks::find(&study, &mut findings);
    hazards::find(&study, &mut findings);
    findings.sort();
    findings.dedup();
    study.finish(findings)
}
