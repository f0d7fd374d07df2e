//! SQL text: one pass of lexer and script, and the digest that ignores random tokens.

mod copy;
mod create;
mod frames;
mod grant;
pub(super) mod keywords;
mod lexer;
mod script;
mod statement;
mod strays;
pub(crate) mod tables;
mod verbs;

use memchr::memchr_iter;

use super::context::Context;
use super::facts::{CopyData, Flavour, Sql};
use super::lane::Digest;
use super::stream::Stream;

pub(super) use copy::{CopyRows, Progress};
pub(super) use create::Kind as Created;
pub(super) use lexer::Lexer;
pub(super) use script::{Script, add};

/// What was found in a stream of text.
pub(super) struct Read {
    pub(super) sql: Sql,
    /// Whether any of it is SQL.
    pub(super) is_sql: bool,
    /// The digest of the text without random tokens, when asked for and different from the plain one.
    pub(super) normalised: Option<String>,
}

/// Reads text to its end.
pub(super) fn read(context: &Context<'_, '_>, stream: &mut Stream<'_>) -> Read {
    let mut lexer = Lexer::new(Script::new(context.keeper.clone()));
    let mut normalised: Option<Digest> = None;
    let mut nul_bytes = 0;
    while let Some(mut piece) = stream.next() {
        lexer.feed(&piece);
        nul_bytes += memchr_iter(0, &piece).count() as u64;
        let wanted = context.options.payload_digests && !lexer.drops().is_empty();
        if wanted && normalised.is_none() {
            normalised = stream.state_before_last().and_then(|state| Some(context.normalised_lane()?.resume(state)));
        }
        if let Some(digest) = &normalised {
            let mut at = 0;
            for &(from, to) in lexer.drops() {
                digest.update(piece.split_to(from - at));
                piece.split_to(to - from);
                at = to;
            }
            digest.update(piece);
        }
    }
    let mut script = lexer.finish();
    script.sql.nul_bytes = nul_bytes;
    Read { is_sql: looks_like_sql(&script), sql: script.sql, normalised: normalised.as_ref().map(Digest::finish) }
}

/// A header, or statements of SQL for the most part: prose, scripts and style sheets have semicolons
/// and words of SQL too.
fn looks_like_sql(script: &Script) -> bool {
    let has_header =
        script.sql.dumps_begun > 0 || script.sql.dumps_completed > 0 || script.sql.flavour == Flavour::PgDumpall;
    let others = script.sql.statements + script.strays.count;
    has_header || (script.recognised > 0 && !script.shebang && script.recognised * 2 >= others)
}

/// Reads the rows of one table, as a data file of a tar or directory dump has them.
pub(super) fn read_copy_data(stream: &mut Stream<'_>) -> CopyData {
    let mut rows = CopyRows::new();
    let mut data = CopyData::default();
    while let Some(piece) = stream.next() {
        let mut rest: &[u8] = &piece;
        if !data.terminated {
            match rows.feed(rest) {
                Progress::GoesOn => continue,
                Progress::Ended(at) => {
                    data.terminated = true;
                    rest = &rest[at..];
                }
            }
        }
        data.bytes_after += rest.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')).count() as u64;
    }
    data.rows = rows.rows();
    data.terminated |= rows.at_terminator();
    data
}

#[cfg(test)]
mod tests;
