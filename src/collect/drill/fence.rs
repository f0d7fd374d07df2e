//! A dump of a recent `pg_dump` fences its own text in between `\restrict WORD` and `\unrestrict WORD`. A
//! client that is already restricted refuses both, so that they are taken out on the way to it: the first
//! one of the head, and the lines with its very word. A dump that creates its database (`pg_dump -C`)
//! connects to it before its first object; that line is taken out too, since the drill restores into a
//! database of its own. Nothing else is touched, and line feeds stay, so that lines keep their numbers.

/// A longer line is none of these.
const LONGEST: usize = 256;

/// The lines on their way.
pub(super) struct Fence {
    /// The word of the dump, once it was seen.
    word: Option<Vec<u8>>,
    /// Only comments and empty lines came so far.
    head: bool,
    /// No object came so far: only settings, and databases.
    early: bool,
    /// A database was created.
    creates: bool,
    /// A line begins here.
    fresh: bool,
    /// The beginning of a line that may be one of these.
    held: Vec<u8>,
}

impl Fence {
    pub(super) fn new() -> Self {
        Self { word: None, head: true, early: true, creates: false, fresh: true, held: Vec::new() }
    }

    /// Hands `bytes` on to `give`, which gets every byte but those lines.
    pub(super) fn pass(&mut self, bytes: &[u8], give: &mut dyn FnMut(&[u8])) {
        let joined;
        let mut rest = bytes;
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            joined = held;
            rest = &joined;
        }
        let mut kept = 0;
        let mut at = 0;
        while at < rest.len() {
            if !self.slow() && (self.word.is_none() || rest[at] != b'\\') {
                self.fresh = false;
            }
            if !self.fresh {
                match self.next_line(&rest[at..]) {
                    Some(end) => at += end,
                    None => break,
                }
                continue;
            }
            let end = memchr::memchr(b'\n', &rest[at..]).map(|end| at + end);
            let begins = rest[at] == b'\\' || self.slow();
            if end.is_none() && begins && rest.len() - at <= LONGEST {
                give(&rest[kept..at]);
                self.held = rest[at..].to_vec();
                return;
            }
            let line = &rest[at..end.unwrap_or(rest.len())];
            if self.is_fence(line) {
                give(&rest[kept..at]);
                kept = at + line.len();
            }
            self.fresh = end.is_some();
            at += line.len() + usize::from(end.is_some());
        }
        give(&rest[kept..]);
    }

    /// Hands on what was held back.
    pub(super) fn end(&mut self, give: &mut dyn FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        if !self.is_fence(&held) {
            give(&held);
        }
    }

    /// Where the next line begins that could be one of these; past the head that takes a backslash.
    fn next_line(&mut self, rest: &[u8]) -> Option<usize> {
        if !self.slow() && self.word.is_none() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest)?;
        self.fresh = true;
        if self.slow() {
            return Some(end + 1);
        }
        // Bulk data: straight to the next line that begins with a backslash.
        let found = memchr::memmem::find(&rest[end..], b"\n\\").map(|found| end + found + 1);
        if found.is_none() {
            self.fresh = rest.ends_with(b"\n");
            return Some(rest.len());
        }
        found
    }

    /// Whether every line has to be looked at.
    fn slow(&self) -> bool {
        self.head || self.early
    }

    /// Whether the line connects to the database that the dump has just created.
    fn is_connection(&mut self, line: &[u8]) -> bool {
        const BEFORE: [&[u8]; 9] = [
            b"--",
            b"SET ",
            b"SELECT pg_catalog.set_config(",
            b"CREATE DATABASE ",
            b"ALTER DATABASE ",
            b"DROP DATABASE ",
            b"COMMENT ON DATABASE ",
            b"\\restrict ",
            b"\\unrestrict ",
        ];
        if !self.early {
            return false;
        }
        self.creates |= line.starts_with(b"CREATE DATABASE ");
        let connects = self.creates && line.starts_with(b"\\connect ");
        self.early = !connects && (line.is_empty() || BEFORE.iter().any(|word| line.starts_with(word)));
        connects
    }

    fn is_fence(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.is_connection(line) {
            return true;
        }
        let word = |keyword: &[u8]| line.strip_prefix(keyword).map(<[u8]>::to_vec);
        let plain = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric);
        if self.head {
            if let Some(found) = word(b"\\restrict ").filter(|found| plain(found)) {
                self.head = false;
                self.word = Some(found);
                return true;
            }
            self.head = line.is_empty() || line.starts_with(b"--");
        }
        let both = [word(b"\\restrict "), word(b"\\unrestrict ")];
        self.word.is_some() && both.contains(&self.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes through, in pieces of `size`.
    fn through(dump: &str, size: usize) -> String {
        let (mut fence, mut out) = (Fence::new(), Vec::new());
        let mut give = |piece: &[u8]| out.extend_from_slice(piece);
        dump.as_bytes().chunks(size).for_each(|piece| fence.pass(piece, &mut give));
        fence.end(&mut give);
        String::from_utf8(out).unwrap()
    }

    fn same(dump: &str, expected: &str) {
        for size in [1, 2, 3, 7, 13, 64, 4096] {
            assert_eq!(through(dump, size), expected, "{size}");
        }
    }

    #[test]
    fn its_own_fence_is_taken_out_and_nothing_else() {
        same(
            "--\n-- dump\n--\n\n\\restrict aB3\n\n-- x\nSELECT 1;\n\\unrestrict aB3\n\n",
            "--\n-- dump\n--\n\n\n\n-- x\nSELECT 1;\n\n\n",
        );
        same(
            "\\restrict a\nx\n\\unrestrict a\n\\connect d\n\\restrict a\ny\n\\unrestrict a",
            "\nx\n\n\\connect d\n\ny\n",
        );
    }

    #[test]
    fn only_a_database_that_was_just_created_is_not_connected_to() {
        let head = "--\n-- dump\n--\n\nSET x = 0;\n\nCREATE DATABASE d WITH ENCODING = 'UTF8';\n\n\nALTER DATABASE d OWNER TO a;\n\n";
        same(&format!("{head}\\connect d\n\nSET y;\nx\n"), &format!("{head}\n\nSET y;\nx\n"));
        let fenced = format!("\\restrict a\n\n{head}\\unrestrict a\n\\connect d\n\\restrict a\n\nx\n\\connect e\n");
        same(&fenced, &format!("\n\n{head}\n\n\n\nx\n\\connect e\n"));
        for dump in [
            "SET x;\n\\connect d\nx\n".to_owned(),
            format!("{head}CREATE TABLE t ();\n\\connect d\n"),
            format!("{head}CREATE FUNCTION f() AS $$\n\\connect d\n$$;\n"),
            "COPY t FROM stdin;\nCREATE DATABASE d\n\\connect d\n\\.\n".to_owned(),
        ] {
            same(&dump, &dump);
        }
    }

    #[test]
    fn another_word_and_what_only_looks_so_stay() {
        for dump in [
            "--\nSELECT 1;\n\\restrict late\n\\! touch x\n",
            "COPY t FROM stdin;\n\\restrict a\n\\N\n\\.\n",
            "no feed at the end \\restrict a",
            "\\restrict a b\nx\n",
            "",
        ] {
            same(dump, dump);
        }
        same("\\restrict a\nx\n\\unrestrict b\n\\! id\n", "\nx\n\\unrestrict b\n\\! id\n");
    }
}
