//! Lines that are not SQL, and line ends. In a dump such a line is a message that was redirected into
//! it; in a text without a header only lines that can be nothing but messages count.

use crate::examine::facts::{Flavour, Sql};
use crate::examine::keep::shorten;
use crate::examine::message;

/// Lines that are kept.
const KEPT: usize = 3;
/// Lines that are looked at closely: a long text without SQL has millions of them.
const CLOSELY: u64 = 1000;

/// What was seen of them.
#[derive(Debug, Default)]
pub(in crate::examine) struct Strays {
    /// All of them.
    pub(in crate::examine) count: u64,
    first: Vec<String>,
    messages: u64,
    first_messages: Vec<String>,
    returns: u64,
    plain: u64,
}

impl Strays {
    /// One more line.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.count += 1;
        if self.count > CLOSELY {
            return;
        }
        let is_message = message::is_message(line);
        self.messages += u64::from(is_message);
        if self.first.len() < KEPT {
            self.first.push(kept(line));
        }
        if is_message && self.first_messages.len() < KEPT {
            self.first_messages.push(kept(line));
        }
    }

    /// A line of code, which shows how lines end.
    pub(super) fn line_end(&mut self, line: &[u8]) {
        self.row_ends(1, line.last() == Some(&b'\r'));
    }

    /// Rows that all end alike, or not.
    pub(super) fn row_ends(&mut self, rows: u64, returns: bool) {
        *(if returns { &mut self.returns } else { &mut self.plain }) += rows;
    }

    /// Puts what is known into the facts.
    pub(super) fn end(&mut self, sql: &mut Sql) {
        sql.crlf = self.returns > 0 && self.plain == 0;
        let known = sql.flavour != Flavour::Unknown;
        (sql.error_lines, sql.first_error_lines) = if known {
            (self.count, std::mem::take(&mut self.first))
        } else {
            (self.messages, std::mem::take(&mut self.first_messages))
        };
    }
}

fn kept(line: &[u8]) -> String {
    shorten(String::from_utf8_lossy(line).trim()).into_owned()
}
