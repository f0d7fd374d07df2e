//! git in a checkout that somebody else made. Its configuration, attributes and hooks are theirs, and
//! git runs programs that they name: filters, textconv, external diffs, the file system monitor,
//! pagers, signature checks, transports of partial clones. Nothing of that may run, no submodule is
//! entered, and no file outside of the work tree is read. What git is asked for are objects alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::base::child::{Invocation, Outcome};
use crate::base::{env, files, text};

/// Variables that git sees: where the repository is, which a hook sets, and the user's own settings.
const PLACES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_NAMESPACE",
    "GIT_QUARANTINE_PATH",
    // The user's own settings, such as `safe.directory`; ours come after them.
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_KEY_*",
    "GIT_CONFIG_VALUE_*",
    "XDG_CONFIG_HOME",
];

/// Settings that would run a program, read something else, or hide a part of the change.
const OVERRIDDEN: &[(&str, &str)] = &[
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.askPass", ""),
    ("core.attributesFile", "/dev/null"),
    ("core.quotePath", "false"),
    ("core.untrackedCache", "false"),
    ("credential.helper", ""),
    ("diff.relative", "false"),
    ("diff.suppressBlankEmpty", "false"),
    ("diff.orderFile", "/dev/null"),
    ("diff.noprefix", "false"),
    ("diff.interHunkContext", "0"),
    ("diff.submodule", "short"),
    ("diff.ignoreSubmodules", "all"),
    ("gpg.program", "false"),
    ("log.showRoot", "true"),
    ("log.showSignature", "false"),
    ("log.mailmap", "false"),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
];

/// Variables for every call.
const SET: &[(&str, &str)] = &[
    // No transport is allowed, so that a missing object is an error and not a fetch.
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // `diff` would write the index, and then run a hook.
    ("GIT_OPTIONAL_LOCKS", "0"),
    // Objects and parents as the repository has them, not what it replaces them by.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_PAGER", "cat"),
];

/// A repository whose settings are known.
pub(super) struct Repository {
    /// The keys of its filters and of its ways to convert a diff.
    programs: Vec<String>,
}

impl Repository {
    /// The repository of the working folder; `work_tree` when files of it will be compared.
    ///
    /// # Errors
    /// When there is none, git refuses it, or its work tree lies somewhere else.
    pub(super) fn open(work_tree: bool) -> Result<Self> {
        let plain = Self { programs: Vec::new() };
        let inside = plain.ask(&["rev-parse", "--git-dir"])?;
        if !inside.success() {
            bail!("{}", refusal(&inside));
        }
        if work_tree {
            plain.check_work_tree()?;
        }
        let listed = plain.ask(&["config", "--null", "--name-only", "--list"])?;
        if !listed.success() {
            bail!("{}", refusal(&listed));
        }
        let keys = listed.stdout.split(|byte| *byte == 0).map(|key| String::from_utf8_lossy(key).into_owned());
        Ok(Self { programs: keys.filter(|key| runs_something(key)).collect() })
    }

    /// A work tree elsewhere (`core.worktree`) would make git read files there.
    fn check_work_tree(&self) -> Result<()> {
        if env::var("GIT_WORK_TREE").is_some() || env::var("GIT_DIR").is_some() {
            return Ok(());
        }
        let top = self.ask(&["rev-parse", "--show-toplevel"])?;
        if !top.success() {
            bail!("{}", refusal(&top));
        }
        let top = PathBuf::from(text::from_bytes(top.stdout.trim_ascii_end()).into_owned());
        let here = files::real_path(&env::working_folder()?)?;
        let marked = here.ancestors().find(|folder| files::metadata(&folder.join(".git")).is_ok());
        if marked != Some(&*top) {
            bail!(
                "git: the work tree of this repository is {}, outside of this checkout (core.worktree); nothing was \
                 scanned; set GIT_WORK_TREE to it if that is right",
                top.display()
            );
        }
        Ok(())
    }

    /// A call of git that runs nothing of the repository's.
    pub(super) fn git<S: AsRef<str>>(&self, args: &[S]) -> Invocation {
        let fixed = OVERRIDDEN.iter().map(|(key, value)| ((*key).to_owned(), *value));
        let programs = self.programs.iter().map(|key| {
            let required = key.ends_with(".required");
            (key.clone(), if required { "false" } else { "" })
        });
        let mut call = Invocation::new("git").inherit(PLACES).args(["--no-pager"]);
        call = call.args(args.iter().map(|arg| OsString::from(arg.as_ref())));
        // As variables and not as `-c`, because a key may hold `=`.
        let mut count = env::var("GIT_CONFIG_COUNT").and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
        for (key, value) in fixed.chain(programs) {
            call = call.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        SET.iter().fold(call.env("GIT_CONFIG_COUNT", count.to_string()), |call, (name, value)| call.env(name, value))
    }

    fn ask(&self, args: &[&str]) -> Result<Outcome> {
        let call = self.git(args).limit(Duration::from_secs(60));
        call.run().context("git could not be started")
    }
}

/// Whether git would run what `key` says, or fail without it. Git gives keys in lower case, but for the middle.
fn runs_something(key: &str) -> bool {
    let ends = |ends: &[&str]| ends.iter().any(|end| key.ends_with(end));
    key.starts_with("filter.") && ends(&[".clean", ".smudge", ".process", ".required"])
        || key.starts_with("diff.") && ends(&[".command", ".textconv", ".cachetextconv"])
        || key.starts_with("gpg.") && key.ends_with(".program")
        || key.starts_with("credential.") && key.ends_with(".helper")
        || key.starts_with("remote.") && ends(&[".uploadpack", ".proxy", ".vcs"])
        || key.starts_with("protocol.") && key.ends_with(".allow") && key.matches('.').count() == 2
}

/// One clear sentence instead of git's usage.
pub(super) fn refusal(outcome: &Outcome) -> String {
    let said = String::from_utf8_lossy(&outcome.stderr);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it ended without a message");
    let here = env::working_folder().unwrap_or_default();
    if first.contains("not a git repository") {
        return format!("{}: not a git repository; go into one, or scan files and folders", here.display());
    }
    if first.contains("dubious ownership") {
        return format!(
            "{}: the repository belongs to another user, and git refuses it; as its owner, or after `git config \
             --global --add safe.directory {}`, it can be scanned",
            here.display(),
            text::shell_word(&here.to_string_lossy())
        );
    }
    format!("git: {}", first.trim_start_matches("fatal: "))
}

/// A path as git prints it in a diff: quoted like a C string when it holds `"`, `\` or control characters.
pub(super) fn unquoted(name: &[u8]) -> Vec<u8> {
    let Some(inner) = name.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return name.to_vec();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let digits = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        if digits == 3 {
            let value = rest[..3].iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            out.push(u8::try_from(value).unwrap_or(b'?'));
            rest = &rest[3..];
            continue;
        }
        let Some((escaped, behind)) = rest.split_first() else { break };
        rest = behind;
        out.push(match escaped {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            other => *other,
        });
    }
    out
}

/// Whether `revision` can only be a revision.
///
/// # Errors
/// When git would take it for an option.
pub(super) fn check_revision(revision: &str) -> Result<()> {
    if revision.is_empty() || revision.starts_with('-') {
        bail!("--since {revision}: not a revision");
    }
    Ok(())
}

/// The paths of the command line as git takes them; `.` alone, which is the default, is the whole repository.
///
/// # Errors
/// When one is standard input or not text.
pub(super) fn pathspecs(paths: &[PathBuf]) -> Result<Vec<String>> {
    if paths == [Path::new(".")] {
        return Ok(Vec::new());
    }
    let text = |path: &PathBuf| match path.to_str() {
        Some("-") => bail!("-: standard input is not part of a repository; leave out --staged, --since or --history"),
        Some(text) => Ok(text.to_owned()),
        None => bail!("{}: not UTF-8, which git modes need", path.display()),
    };
    paths.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_git_quotes_them() {
        assert_eq!(unquoted(b"plain \xc3\xa9"), b"plain \xc3\xa9");
        assert_eq!(unquoted(br#""b/a\tb\"c\\d\033\303\251""#), b"b/a\tb\"c\\d\x1b\xc3\xa9");
        assert_eq!(unquoted(br#""cut\"#), br#""cut\"#);
    }

    #[test]
    fn keys_that_run_programs_are_known() {
        for key in ["filter.a.b=c.clean", "filter.x.process", "diff.Y.textconv", "gpg.ssh.program", "filter.x.required"]
        {
            assert!(runs_something(key), "{key}");
        }
        assert!(!runs_something("user.name") && !runs_something("diff.x.xfuncname"));
    }

    #[test]
    fn what_git_could_take_for_an_option_is_refused() {
        assert!(check_revision("--output=x").is_err() && check_revision("").is_err());
        assert!(check_revision("HEAD~1").is_ok());
    }
}
