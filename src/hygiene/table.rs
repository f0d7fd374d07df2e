//! Columns of secrets: the head of a table names them once and the rows hold the values (CSV, TSV,
//! Markdown, `psql` and `mysql` output, `INSERT INTO … (…) VALUES (…)`, `COPY … FROM stdin`). Reads
//! no further than a piece of the scanner overlaps, so that results do not depend on where it is cut.

use std::ops::Range;

use super::keys::{self, Kind};

/// How far behind its head a table is read, in bytes: less than pieces overlap.
const FAR: usize = 15 << 10;
/// No longer line is a table's head.
const LONGEST: usize = 1000;

/// The cells below the head that `name` stands in, when it is one.
pub(super) fn column(text: &[u8], name: &Range<usize>) -> Vec<(Range<usize>, Kind)> {
    let Some(separator) = beside(text, name) else { return Vec::new() };
    let from = text[..name.start].len().saturating_sub(LONGEST);
    let start = memchr::memrchr(b'\n', &text[from..name.start]).map_or(from, |i| from + i + 1);
    let ahead = &text[name.end..text.len().min(name.end + LONGEST)];
    let end = name.end + memchr::memchr(b'\n', ahead).unwrap_or(ahead.len());
    if (start == from && from > 0) || end == name.end + LONGEST {
        return Vec::new();
    }
    if separator == b',' && text[start..end].contains(&b'(') {
        return statement(text, name, start);
    }
    // A wiki's head has its bars twice.
    let twice = separator == b'|' && text[start..end].starts_with(b"||");
    let mut head = cells(text, start..end, separator);
    head.retain(|cell| !twice || !cell.is_empty());
    let Some(place) = head.iter().position(|cell| cell.start <= name.start && name.end <= cell.end) else {
        return Vec::new();
    };
    let Some(kind) = announces(&text[head[place].clone()]) else { return Vec::new() };
    if head.iter().filter(|cell| !cell.is_empty()).count() < 2
        || !head.iter().all(|cell| is_title(&text[cell.clone()], separator))
    {
        return Vec::new();
    }
    let (count, place) = if twice { (head.len() + 2, place + 1) } else { (head.len(), place) };
    rows(text, end, separator, count, place).into_iter().map(|cell| (cell, kind)).collect()
}

/// The separator on either side of a cell that holds nothing but `name` and the words around it.
fn beside(text: &[u8], name: &Range<usize>) -> Option<u8> {
    let is_part = |b: &&u8| b.is_ascii_alphanumeric() || b" _\"'`*-.".contains(b) || **b >= 0x80;
    let after = name.end + text[name.end..].iter().take(40).take_while(is_part).count();
    let before = name.start - text[..name.start].iter().rev().take(40).take_while(is_part).count();
    let is_separator = |b: &u8| b"|,;\t".contains(b);
    let left = before.checked_sub(1).and_then(|i| text.get(i)).copied();
    let right = text.get(after).copied();
    let edge = |b: Option<u8>| b.is_none_or(|b| b"\r\n".contains(&b));
    match (left.filter(is_separator), right.filter(is_separator)) {
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(a), None) if edge(right) || right == Some(b')') => Some(a),
        (None, Some(b)) if edge(left) || left == Some(b'(') => Some(b),
        _ => None,
    }
}

/// The pieces of a line, quotes and calls respected, blanks and quotes around each left out.
fn cells(text: &[u8], line: Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let (mut found, mut start, mut at) = (Vec::new(), line.start, line.start);
    let (mut open, mut depth) = (None, 0_u32);
    while at < line.end {
        match (open, text[at]) {
            (Some(quote), byte) if byte == quote => open = None,
            (None, byte @ (b'"' | b'\'')) if separator != b'|' && text[start..at].trim_ascii().is_empty() => {
                open = Some(byte)
            }
            (None, b'(') if separator == b',' => depth += 1,
            (None, b')') => depth = depth.saturating_sub(1),
            (None, byte) if byte == separator && depth == 0 => {
                found.push(trimmed(text, start..at));
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    found.push(trimmed(text, start..line.end));
    found
}

fn trimmed(text: &[u8], cell: Range<usize>) -> Range<usize> {
    let is_edge = |b: &&u8| b.is_ascii_whitespace() || b"\"'`".contains(b);
    let lead = text[cell.clone()].iter().take_while(is_edge).count();
    let trail = text[cell.start + lead..cell.end].iter().rev().take_while(is_edge).count();
    cell.start + lead..cell.end - trail
}

/// What the title of a column announces.
fn announces(title: &[u8]) -> Option<Kind> {
    let title = std::str::from_utf8(title).ok()?.trim_matches('*');
    super::tongues::names(title).or_else(|| keys::names_secret(title.replace([' ', '-'], "_").as_bytes()))
}

/// Whether it may be the title of a column; a table with borders may have empty ones at its ends.
fn is_title(cell: &[u8], separator: u8) -> bool {
    cell.len() <= 48
        && (separator == b'|' || !cell.is_empty())
        && cell.iter().all(|b| {
            b.is_ascii_alphanumeric() || b" _-".contains(b) || *b >= 0x80 || separator == b'|' && b".()/*".contains(b)
        })
        && !cell.iter().all(u8::is_ascii_digit) | cell.is_empty()
}

/// The cell at `place` of every row behind a head of `count` cells that ends at `end`.
fn rows(text: &[u8], end: usize, separator: u8, count: usize, place: usize) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), end + 1);
    let limit = text.len().min(end + FAR);
    while at < limit {
        let stop = at + memchr::memchr(b'\n', &text[at..limit]).unwrap_or(limit - at);
        let line = at..stop;
        at = stop + 1;
        if text[line.clone()].iter().all(|b| b"-+|: =\r".contains(b)) && !text[line.clone()].trim_ascii().is_empty() {
            continue;
        }
        let row = cells(text, line, separator);
        if row.len() != count {
            break;
        }
        found.push(row[place].clone());
    }
    found
}

/// `INSERT INTO t (…, name, …) VALUES (…)` and `COPY t (…, name, …) FROM stdin;`.
fn statement(text: &[u8], name: &Range<usize>, start: usize) -> Vec<(Range<usize>, Kind)> {
    let none = Vec::new();
    let Some(open) = memchr::memrchr(b'(', &text[start..name.start]).map(|i| start + i) else { return none };
    let ahead = &text[name.end..text.len().min(name.end + LONGEST)];
    let Some(close) = memchr::memchr(b')', ahead).map(|i| name.end + i) else { return none };
    let lead = text[start..open].to_ascii_lowercase();
    let has = |word: &str| memchr::memmem::find(&lead, word.as_bytes()).is_some();
    let columns = cells(text, open + 1..close, b',');
    let Some(place) = columns.iter().position(|cell| cell.start <= name.start && name.end <= cell.end) else {
        return none;
    };
    let Some(kind) = announces(&text[columns[place].clone()]) else { return none };
    let found = if has("insert into") || has("replace into") {
        tuples(text, close + 1, columns.len(), place)
    } else if has("copy ") {
        let line = close + memchr::memchr(b'\n', &text[close..text.len().min(close + LONGEST)]).unwrap_or(0);
        rows(text, line, b'\t', columns.len(), place)
    } else {
        Vec::new()
    };
    found.into_iter().map(|cell| (cell, kind)).collect()
}

/// The value at `place` of every `( … )` behind `VALUES`.
fn tuples(text: &[u8], from: usize, count: usize, place: usize) -> Vec<Range<usize>> {
    let gap = text[from..].iter().take(40).take_while(|b| b.is_ascii_whitespace()).count();
    let mut at = from + gap;
    if !text.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"values")) {
        return Vec::new();
    }
    at += 6;
    let (mut found, limit) = (Vec::new(), text.len().min(from + FAR));
    loop {
        at += text[at.min(limit)..limit].iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
        if text.get(at) != Some(&b'(') {
            return found;
        }
        let Some(end) = tuple_end(&text[at..limit]).map(|i| at + i) else { return found };
        let values = cells(text, at + 1..end, b',');
        if values.len() == count {
            found.push(values[place].clone());
        }
        at = end + 1;
    }
}

/// Where the bracket that opens `rest` closes.
fn tuple_end(rest: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted) = (0_u32, false);
    for (i, byte) in rest.iter().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        let start = lower.find("password").unwrap();
        column(text.as_bytes(), &(start..start + 8)).into_iter().map(|(cell, _)| text[cell].to_owned()).collect()
    }

    #[test]
    fn the_cells_below_a_head_are_read() {
        for text in [
            "name,user,password\na,b,ONE\nc,d,TWO\n",
            "\"title\",\"Password\",\"notes\"\n\"vpn, home\",\"ONE\",\"\"\n\"x\",\"TWO\",\"y\"\n",
            "Host;Password;Note\r\na;ONE;b\r\nc;TWO;d\r\n",
            "host\tpassword\na\tONE\nb\tTWO\n",
            "| Service | Password |\n|---|---|\n| a | ONE |\n| b | `TWO` |\n\ntext\n",
            " id | password \n----+----------\n  1 | ONE\n  2 | TWO\n(2 rows)\n",
            "+----+----------+\n| id | password |\n+----+----------+\n|  1 | ONE      |\n|  2 | TWO      |\n+----+----------+\n",
            "INSERT INTO u (id, password, x) VALUES (1, 'ONE', now()), (2, 'TWO', f(1, 2));\n",
            "COPY public.u (id, password) FROM stdin;\n1\tONE\n2\tTWO\n\\.\n",
        ] {
            assert_eq!(read(text), ["ONE", "TWO"], "{text}");
        }
    }

    #[test]
    fn what_is_no_table_has_no_cells() {
        for text in [
            "call(user, password, x)\ncall(a, b, c)\n",
            "user, password\nand nothing more\n",
            "fn f(\n    user: &str,\n    password: &str,\n)\n",
            "the user, the password and the rest\na, b\n",
        ] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
    }
}
