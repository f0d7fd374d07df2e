//! Tokens of a function's body, SQL or PL/pgSQL: enough of the server's lexical rules that comments
//! and strings can never be taken for code.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A key word or plain name, in lower case.
    Word(String),
    /// A name in double quotes, as it is.
    Quoted(String),
    /// The content of a string, escapes and dollar quotes undone as far as needed to read it.
    Text(String),
    /// Digits.
    Number(String),
    /// Any other character.
    Symbol(char),
}

/// The tokens of `source`; what is never closed ends with the source.
pub(super) fn lex(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            c if c.is_whitespace() => &rest[c.len_utf8()..],
            '-' if rest.starts_with("--") => rest.find('\n').map_or("", |end| &rest[end..]),
            '/' if rest.starts_with("/*") => after_comment(rest),
            '\'' => string(rest, false, &mut tokens),
            '"' => quoted(rest, &mut tokens),
            '$' => dollar(rest, &mut tokens),
            c if c.is_ascii_digit() => number(rest, &mut tokens),
            c if in_word(c) => word(rest, &mut tokens),
            c => {
                tokens.push(Token::Symbol(c));
                &rest[c.len_utf8()..]
            }
        };
    }
    tokens
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// Comments nest.
fn after_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        if let Some(inside) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, inside);
        } else if let Some(outside) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, outside);
            if depth == 0 {
                return rest;
            }
        } else {
            let mut characters = rest.chars();
            if characters.next().is_none() {
                return "";
            }
            rest = characters.as_str();
        }
    }
}

fn string<'a>(text: &'a str, escapes: bool, tokens: &mut Vec<Token>) -> &'a str {
    let mut content = String::new();
    let mut characters = text.chars();
    characters.next();
    while let Some(c) = characters.next() {
        match c {
            '\\' if escapes => content.extend(characters.next()),
            '\'' if characters.as_str().starts_with('\'') => {
                characters.next();
                content.push('\'');
            }
            '\'' => break,
            c => content.push(c),
        }
    }
    tokens.push(Token::Text(content));
    characters.as_str()
}

fn quoted<'a>(text: &'a str, tokens: &mut Vec<Token>) -> &'a str {
    let mut name = String::new();
    let mut characters = text.chars();
    characters.next();
    while let Some(c) = characters.next() {
        match c {
            '"' if characters.as_str().starts_with('"') => {
                characters.next();
                name.push('"');
            }
            '"' => break,
            c => name.push(c),
        }
    }
    tokens.push(Token::Quoted(name));
    characters.as_str()
}

/// `$tag$ … $tag$`, or a lone `$` such as in `$1`.
fn dollar<'a>(text: &'a str, tokens: &mut Vec<Token>) -> &'a str {
    let tag_end = text[1..].find('$').map(|end| end + 2);
    let is_tag = |tag: &str| {
        let inner = &tag[1..tag.len() - 1];
        !inner.starts_with(|c: char| c.is_ascii_digit()) && inner.chars().all(|c| c != '$' && in_word(c))
    };
    match tag_end.map(|end| text.split_at(end)).filter(|(tag, _)| is_tag(tag)) {
        Some((tag, rest)) => {
            let (content, after) = rest.split_once(tag).unwrap_or((rest, ""));
            tokens.push(Token::Text(content.to_owned()));
            after
        }
        None => {
            tokens.push(Token::Symbol('$'));
            &text[1..]
        }
    }
}

fn number<'a>(text: &'a str, tokens: &mut Vec<Token>) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    tokens.push(Token::Number(text[..end].replace('_', "")));
    &text[end..]
}

fn word<'a>(text: &'a str, tokens: &mut Vec<Token>) -> &'a str {
    let end = text.find(|c: char| !in_word(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let lower = word.to_lowercase();
    match lower.as_str() {
        "e" if rest.starts_with('\'') => string(rest, true, tokens),
        "b" | "x" | "n" if rest.starts_with('\'') => string(rest, false, tokens),
        "u" if rest.starts_with("&'") => string(&rest[1..], false, tokens),
        "u" if rest.starts_with("&\"") => quoted(&rest[1..], tokens),
        _ => {
            tokens.push(Token::Word(lower));
            rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> String {
        let word = |token: &Token| match token {
            Token::Word(word) => word.clone(),
            Token::Quoted(name) => format!("\"{name}\""),
            Token::Text(text) => format!("'{text}'"),
            Token::Number(digits) => digits.clone(),
            Token::Symbol(c) => c.to_string(),
        };
        lex(source).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(words("A -- TRUNCATE t\nb /* x /* y */ TRUNCATE */ c"), "a b c");
        assert_eq!(words("'it''s; TRUNCATE' E'a\\'b' x"), "'it's; TRUNCATE' 'a'b' x");
        assert_eq!(words("$q$ TRUNCATE $$ t $q$ $1 $$z$$"), "' TRUNCATE $$ t ' $ 1 'z'");
        assert_eq!(words("\"Od\"\"d\".t U&'x' a$b 1_000"), "\"Od\"d\" . t 'x' a$b 1000");
        assert_eq!(words("/* open 'x"), "");
        assert_eq!(words("'open"), "'open'");
    }
}
