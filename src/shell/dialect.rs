//! Which shell reads a script, and with which options: the first line says it when the script is
//! started by its name. A shell that is not known here is said to be unknown; its scripts are read
//! as bash, and no claim is made about them that only bash keeps.

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// GNU bash.
    Bash,
    /// Whatever `/bin/sh` is: the Debian Almquist shell is taken, which knows no `pipefail`.
    Sh,
    /// One that is not modelled here.
    Other,
}

impl Dialect {
    /// The word for facts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Sh => "sh",
            Self::Other => "other",
        }
    }
}

/// The options that decide what a failure does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Options {
    /// `-e`: the shell ends when a command fails.
    pub errexit: bool,
    /// `-u`: the shell ends when an unset variable is used.
    pub nounset: bool,
    /// `-o pipefail`: a pipeline fails when any of its commands does.
    pub pipefail: bool,
    /// `-E`: an ERR trap holds in functions and subshells too.
    pub errtrace: bool,
    /// `shopt -s inherit_errexit`: `$( … )` keeps `-e`.
    pub inherit: bool,
}

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shebang {
    /// The line without `#!`, when there is one.
    pub written: Option<String>,
    /// The shell.
    pub dialect: Dialect,
    /// The options that it sets.
    pub options: Options,
}

impl Shebang {
    /// Reads the first line of a script; `shell` is the shell that the caller says it is run with,
    /// whose options then are not those of the first line.
    #[must_use]
    pub fn read(script: &str, shell: Option<&str>) -> Self {
        let first = script.lines().next().unwrap_or_default();
        let written = first.strip_prefix("#!").map(|rest| rest.trim().to_owned());
        let command = shell.map(str::to_owned).or_else(|| written.clone());
        let mut words = command.as_deref().unwrap_or_default().split_whitespace();
        let mut dialect = if command.is_none() { Dialect::Bash } else { Dialect::Other };
        let mut options = Options::default();
        while let Some(word) = words.next() {
            match word.rsplit('/').next().unwrap_or(word) {
                "bash" => dialect = Dialect::Bash,
                "sh" | "dash" | "ash" => dialect = Dialect::Sh,
                "-o" => drop(words.next().map(|name| options.name(name, true))),
                flags if flags.starts_with('-') && flags.len() > 1 => options.letters(&flags[1..], true, &mut words),
                _ => {}
            }
        }
        Self { written, dialect, options }
    }
}

impl Options {
    /// Sets or clears the option called `name`; `false` when the name is not one that matters here.
    pub fn name(&mut self, name: &str, on: bool) -> bool {
        match name {
            "errexit" => self.errexit = on,
            "nounset" => self.nounset = on,
            "pipefail" => self.pipefail = on,
            "errtrace" => self.errtrace = on,
            _ => return false,
        }
        true
    }

    /// Sets or clears the options of `letters`, e.g. `eu`; an `o` takes the next of `words`.
    pub fn letters<'a>(&mut self, letters: &str, on: bool, words: &mut impl Iterator<Item = &'a str>) {
        for letter in letters.chars() {
            match letter {
                'e' => self.errexit = on,
                'u' => self.nounset = on,
                'E' => self.errtrace = on,
                'o' => drop(words.next().map(|name| self.name(name, on))),
                _ => {}
            }
        }
    }

    /// The options that are on, as `set` would be given them.
    #[must_use]
    pub fn words(self) -> String {
        let mut letters = String::new();
        for (on, letter) in [(self.errexit, 'e'), (self.nounset, 'u'), (self.errtrace, 'E')] {
            if on {
                letters.push(letter);
            }
        }
        match (letters.is_empty(), self.pipefail) {
            (true, false) => "none".to_owned(),
            (true, true) => "-o pipefail".to_owned(),
            (false, false) => format!("-{letters}"),
            (false, true) => format!("-{letters} -o pipefail"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_shell_and_options() {
        let read = |line: &str| Shebang::read(line, None);
        assert_eq!(read("#!/bin/bash -e\n").options, Options { errexit: true, ..Options::default() });
        assert_eq!(read("#!/usr/bin/env bash\n").dialect, Dialect::Bash);
        assert_eq!(read("#!/usr/bin/env -S bash -euo pipefail\n").options.words(), "-eu -o pipefail");
        assert_eq!(read("#!/bin/sh\n").dialect, Dialect::Sh);
        assert_eq!(read("#!/usr/bin/python3\n").dialect, Dialect::Other);
        assert_eq!((read("set -e\n").dialect, read("set -e\n").written), (Dialect::Bash, None));
        assert!(!Shebang::read("#!/bin/bash -e\n", Some("bash")).options.errexit);
    }
}
