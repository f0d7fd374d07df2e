//! Who is granted what.

use super::statement::{Shape, Tokens};

/// The roles of a GRANT and what it grants, such as `SELECT ON TABLE public.orders`.
pub(in crate::examine) fn granted(mut tokens: Tokens<'_>) -> Option<(Vec<String>, String)> {
    tokens.accept("grant");
    let what = tokens.until("to")?;
    let mut roles = Vec::new();
    loop {
        tokens.accept("group");
        roles.push(tokens.qualified_name()?);
        if !tokens.accept_mark(b',') {
            break;
        }
    }
    Some((roles, readable(what)))
}

/// Keywords in upper case, names as they are.
fn readable(mut tokens: Tokens<'_>) -> String {
    let Some(privileges) = tokens.until("on") else {
        return tokens.text();
    };
    let mut object = String::new();
    while let Some((
        Shape::Word,
        word @ (b"table" | b"sequence" | b"schema" | b"function" | b"procedure" | b"routine" | b"database" | b"domain"
        | b"type" | b"language" | b"large" | b"object" | b"tablespace" | b"foreign" | b"data" | b"wrapper"
        | b"server" | b"parameter" | b"all" | b"tables" | b"sequences" | b"functions" | b"in"),
    )) = tokens.peek()
    {
        object.push_str(&String::from_utf8_lossy(word).to_uppercase());
        object.push(' ');
        tokens.next();
    }
    let privileges = privileges.text();
    let privileges = if privileges.contains(['"', '(']) { privileges } else { privileges.to_uppercase() };
    format!("{privileges} ON {object}{}", tokens.text())
}
