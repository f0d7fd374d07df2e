//! What a function's body does, read from its tokens: advisory locks with their keys, TRUNCATE,
//! tables written to, functions called, SQL made at run time. Text that is run with EXECUTE is read
//! as far as it is written out; that it is not whole is said.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{Token, lex};

/// One advisory lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lock {
    /// The key as it is written, spaces and casts taken out, constants of the body put in.
    pub(super) key: String,
    /// The function, e.g. `pg_advisory_xact_lock`.
    pub(super) function: String,
    /// The token at which it stands.
    at: usize,
}

/// What one body does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// Every advisory lock taken, in order.
    pub(super) locks: Vec<Lock>,
    /// Whether it truncates anything.
    pub(super) truncates: bool,
    /// Tables written to, as they are named; truncated ones too.
    pub(super) writes: BTreeSet<String>,
    /// Whether it writes to something that it does not name.
    pub(super) unnamed: bool,
    /// Whether it runs text as SQL.
    pub(super) dynamic: bool,
    /// Words that a `(` follows, and names that CALL and PERFORM take.
    pub(super) calls: BTreeSet<String>,
    first_write: Option<usize>,
}

impl Body {
    /// Reads `source`.
    pub(super) fn read(source: &str) -> Self {
        let tokens = lex(source);
        let constants = constants(&tokens);
        let mut body = Self::default();
        body.scan(&tokens, &constants, 0);
        body
    }

    /// Whether a lock that `fits` stands before the first write.
    pub(super) fn locks_first(&self, fits: impl Fn(&Lock) -> bool) -> bool {
        let first = self.locks.iter().filter(|lock| fits(lock)).map(|lock| lock.at).min();
        match (first, self.first_write) {
            (Some(lock), Some(write)) => lock < write,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// `base` is where the tokens stand in the whole body.
    fn scan(&mut self, tokens: &[Token], constants: &BTreeMap<String, String>, base: usize) {
        for at in 0..tokens.len() {
            let Some(word) = name_at(tokens, at) else { continue };
            if tokens.get(at + 1) == Some(&Token::Symbol('(')) {
                self.call(tokens, at, &word, constants, base);
            }
            if let Token::Word(word) = &tokens[at] {
                self.keyword(tokens, at, word, constants, base);
            }
        }
    }

    fn call(&mut self, tokens: &[Token], at: usize, word: &str, constants: &BTreeMap<String, String>, base: usize) {
        if is_lock(word) {
            let end = closing(tokens, at + 1);
            let key = expression(&tokens[at + 2..end], constants);
            self.locks.push(Lock { key, function: word.to_owned(), at: base + at });
        } else {
            self.calls.insert(word.to_owned());
            let qualified = at >= 2 && tokens[at - 1] == Token::Symbol('.');
            if let Some(schema) = name_at(tokens, at.wrapping_sub(2)).filter(|_| qualified) {
                self.calls.insert(format!("{schema}.{word}"));
            }
        }
    }

    fn keyword(&mut self, tokens: &[Token], at: usize, word: &str, constants: &BTreeMap<String, String>, base: usize) {
        let next = |ahead: usize| tokens.get(at + ahead);
        let is = |ahead: usize, word: &str| next(ahead) == Some(&Token::Word(word.to_owned()));
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        match word {
            "truncate" if begins(before) => self.truncate(tokens, at + 1, base),
            "insert" | "merge" if is(1, "into") => self.write(tokens, at + 2, base + at),
            "delete" if is(1, "from") => self.write(tokens, at + 2, base + at),
            "update" if updates(before) && sets(tokens, at + 1) => self.write(tokens, at + 1, base + at),
            "copy" if begins(before) && copies_in(tokens, at + 1) => self.write(tokens, at + 1, base + at),
            "refresh" if is(1, "materialized") => {
                let skip = if is(3, "concurrently") { 4 } else { 3 };
                self.write(tokens, at + skip, base + at);
            }
            "execute" if !is(1, "on") && !is(1, "procedure") && !is(1, "function") && !grants(before) => {
                self.execute(tokens, at + 1, constants, base);
            }
            _ => {}
        }
    }

    fn write(&mut self, tokens: &[Token], at: usize, place: usize) {
        self.write_to(tokens, at, place);
    }

    /// The same, and where the tokens go on.
    fn write_to(&mut self, tokens: &[Token], at: usize, place: usize) -> usize {
        self.first_write = Some(self.first_write.map_or(place, |first| first.min(place)));
        let at = skip_only(tokens, at);
        match qualified(tokens, at) {
            Some((name, end)) => {
                self.writes.insert(name);
                end
            }
            None => {
                self.unnamed = true;
                at
            }
        }
    }

    fn truncate(&mut self, tokens: &[Token], at: usize, base: usize) {
        self.truncates = true;
        let mut at = if tokens.get(at) == Some(&Token::Word("table".to_owned())) { at + 1 } else { at };
        loop {
            at = self.write_to(tokens, at, base + at);
            if tokens.get(at) == Some(&Token::Symbol('*')) {
                at += 1;
            }
            if tokens.get(at) != Some(&Token::Symbol(',')) {
                return;
            }
            at += 1;
        }
    }

    /// Text that is run: what stands in it is read as SQL, what is put into it is not known.
    fn execute(&mut self, tokens: &[Token], at: usize, constants: &BTreeMap<String, String>, base: usize) {
        self.dynamic = true;
        let rest = &tokens[at..];
        let end = rest.iter().position(|token| token == &Token::Symbol(';')).unwrap_or(rest.len());
        for token in &rest[..end] {
            if let Token::Text(text) = token {
                self.scan(&lex(text), constants, base + at);
            }
        }
    }
}

fn is_lock(word: &str) -> bool {
    let bare = word.strip_prefix("pg_try_").or_else(|| word.strip_prefix("pg_")).unwrap_or_default();
    let bare = bare.strip_suffix("_shared").unwrap_or(bare);
    matches!(bare, "advisory_lock" | "advisory_xact_lock")
}

fn name_at(tokens: &[Token], at: usize) -> Option<String> {
    match tokens.get(at)? {
        Token::Word(name) | Token::Quoted(name) => Some(name.clone()),
        _ => None,
    }
}

/// A statement may begin after this.
fn begins(before: Option<&Token>) -> bool {
    match before {
        None | Some(Token::Symbol(';' | '>' | '(')) => true,
        Some(Token::Word(word)) => ["begin", "then", "else", "loop", "atomic"].contains(&word.as_str()),
        _ => false,
    }
}

/// `FOR UPDATE`, `DO UPDATE` (its INSERT is counted) and trigger events are no update.
fn updates(before: Option<&Token>) -> bool {
    match before {
        Some(Token::Word(word)) => {
            !["for", "key", "do", "or", "before", "after", "of", "on", "grant", "revoke"].contains(&word.as_str())
        }
        _ => true,
    }
}

fn grants(before: Option<&Token>) -> bool {
    matches!(before, Some(Token::Word(word)) if word == "grant" || word == "revoke")
}

fn sets(tokens: &[Token], at: usize) -> bool {
    let Some((_, end)) = qualified(tokens, skip_only(tokens, at)) else { return false };
    // The table, `*`, AS and an alias at most.
    tokens[end..].iter().take(4).any(|token| token == &Token::Word("set".to_owned()))
}

fn copies_in(tokens: &[Token], at: usize) -> bool {
    let statement = tokens[at..].iter().take_while(|token| token != &&Token::Symbol(';'));
    let mut depth = 0_i32;
    for token in statement {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            Token::Word(word) if depth == 0 && word == "to" => return false,
            Token::Word(word) if depth == 0 && word == "from" => return true,
            _ => {}
        }
    }
    false
}

fn skip_only(tokens: &[Token], at: usize) -> usize {
    if tokens.get(at) == Some(&Token::Word("only".to_owned())) { at + 1 } else { at }
}

/// `schema.name` or `name` at `at`, and what follows it.
fn qualified(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let mut name = name_at(tokens, at)?;
    let mut end = at + 1;
    while tokens.get(end) == Some(&Token::Symbol('.')) {
        name = format!("{name}.{}", name_at(tokens, end + 1)?);
        end += 2;
    }
    Some((name, end))
}

/// The `)` of the `(` at `open`, or the end.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// An expression in one spelling: no spaces, no casts, constants by their value.
pub(super) fn expression(tokens: &[Token], constants: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Symbol(':') if tokens.get(at + 1) == Some(&Token::Symbol(':')) => at += 2,
            Token::Symbol(',') => out.push_str(", "),
            Token::Symbol(c) => out.push(*c),
            Token::Word(word) => out.push_str(constants.get(word).unwrap_or(word)),
            Token::Quoted(name) => out.push_str(name),
            Token::Number(digits) => out.push_str(digits),
            Token::Text(text) => out.extend(["'", text.replace('\'', "''").as_str(), "'"]),
        }
        at += 1;
    }
    out
}

/// `name CONSTANT type := value;` of the body.
fn constants(tokens: &[Token]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (at, token) in tokens.iter().enumerate() {
        if token != &Token::Word("constant".to_owned()) || at == 0 {
            continue;
        }
        let rest = &tokens[at + 1..];
        let end = rest.iter().position(|token| token == &Token::Symbol(';')).unwrap_or(rest.len());
        let start = rest[..end].iter().position(|token| match token {
            Token::Symbol('=') => true,
            Token::Word(word) => word == "default",
            _ => false,
        });
        if let (Some(name), Some(start)) = (name_at(tokens, at - 1), start) {
            found.insert(name, expression(&rest[start + 1..end], &BTreeMap::new()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(source: &str) -> String {
        Body::read(source).writes.into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_what_is_written_to() {
        assert_eq!(
            writes("INSERT INTO app.a VALUES (1); UPDATE ONLY b AS x SET n = 1; DELETE FROM \"C d\""),
            "C d app.a b"
        );
        assert_eq!(writes("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x"), "a b");
        assert_eq!(writes("BEGIN TRUNCATE TABLE app.a, ONLY b *, c CASCADE; END"), "app.a b c");
        assert_eq!(writes("MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET n = 1"), "a");
        assert_eq!(writes("COPY a (x) FROM '/f'; COPY b TO '/f'; COPY (SELECT 1 FROM z) TO '/f'"), "a");
        assert_eq!(writes("REFRESH MATERIALIZED VIEW CONCURRENTLY app.mv"), "app.mv");
        assert_eq!(writes("INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 2"), "a");
    }

    #[test]
    fn what_only_looks_like_writing_is_none() {
        for source in [
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t FOR NO KEY UPDATE OF t",
            "-- TRUNCATE t\nSELECT 'DELETE FROM t', truncate FROM x",
            "/* INSERT INTO t */ SELECT n INTO STRICT v FROM t",
            "RAISE NOTICE 'UPDATE t SET n = 1'",
            "SELECT trunc(1.5), last_update, t.update FROM t",
        ] {
            let body = Body::read(source);
            assert!(body.writes.is_empty() && !body.truncates && !body.unnamed, "{source}: {body:?}");
        }
    }

    #[test]
    fn reads_locks_with_their_keys() {
        let body = Body::read(
            "DECLARE k CONSTANT bigint := 4711::bigint; BEGIN PERFORM pg_advisory_xact_lock(k);
             IF NOT pg_catalog.pg_try_advisory_lock_shared( 1 , hashtext('Nightly job')::int ) THEN RETURN; END IF;
             -- PERFORM pg_advisory_lock(5);
             PERFORM pg_advisory_unlock(k); TRUNCATE t; END",
        );
        let locks: Vec<_> = body.locks.iter().map(|lock| format!("{} {}", lock.function, lock.key)).collect();
        assert_eq!(locks, ["pg_advisory_xact_lock 4711", "pg_try_advisory_lock_shared 1, hashtext('Nightly job')"]);
        assert!(body.locks_first(|lock| lock.key == "4711") && !body.locks_first(|lock| lock.key == "5"));
        let late = Body::read("BEGIN TRUNCATE t; PERFORM pg_advisory_xact_lock(1); END");
        assert!(!late.locks_first(|_| true));
    }

    #[test]
    fn text_that_is_run_is_read_as_far_as_it_is_written() {
        let body = Body::read("BEGIN EXECUTE 'TRUNCATE app.t'; EXECUTE format('DELETE FROM %I', t); END");
        assert!(body.dynamic && body.truncates && body.unnamed);
        assert!(body.writes.contains("app.t"));
        assert!(!Body::read("GRANT EXECUTE ON FUNCTION f TO x").dynamic);
    }
}
