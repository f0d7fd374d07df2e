//! Shell scripts as the shell reads them: a tree from a real parser, and from it what a failure of
//! each command does. Pure: text in, findings out; it opens nothing and runs nothing. What cannot be
//! parsed or followed is said, with its line, and never counted as sound.

pub mod dialect;
mod lower;
pub mod machine;
mod nested;
mod programs;
pub mod rules;
pub mod tree;
pub mod walk;
mod words;

use lower::Lowering;
use tree::Script;

/// Why a script cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {what}")]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is the matter with it; never its text.
    pub what: String,
}

/// The tree of `text`. `shell` is the command that runs it, when it is not its first line.
///
/// # Errors
/// With the line where it cannot be parsed.
pub fn read(text: &str, shell: Option<&str>) -> Result<Script, Fault> {
    let mut lowering = Lowering::new();
    let body = lowering.parse(text, 1)?;
    Ok(Script {
        body,
        commands: lowering.commands,
        shebang: dialect::Shebang::read(text, shell),
        lines: text.lines().map(str::to_owned).collect(),
    })
}
