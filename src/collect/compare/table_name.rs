//! One identity for a table: schema and name as two values. Collectors spell tables in two ways: as the
//! catalogue holds the names (`public.User`) and as SQL quotes them (`public."User"`). Both are read
//! here into the same identity, and one spelling is shown.

use std::fmt;

/// Schema and name, as the catalogue holds them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TableName {
    /// The schema; empty when the text names none.
    pub(super) schema: String,
    /// The table in it.
    pub(super) name: String,
}

impl TableName {
    /// A table by both parts.
    pub(super) fn of(schema: &str, name: &str) -> Self {
        Self { schema: schema.to_owned(), name: name.to_owned() }
    }

    /// Reads either spelling. Text that is not two parts is a name without a schema.
    pub(super) fn read(text: &str) -> Self {
        match parts(text).as_deref() {
            Some([schema, name]) => Self::of(schema, name),
            Some([name]) => Self::of("", name),
            _ => Self::of("", text),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.schema.is_empty() {
            write!(f, "{}.", quoted(&self.schema))?;
        }
        f.write_str(&quoted(&self.name))
    }
}

/// Quotes a name that SQL would not read as it is.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn parts(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        let mut part = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next()? {
                    '"' if rest.next_if_eq(&'"').is_none() => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = rest.next_if(|c| *c != '.') {
                part.push(c);
            }
        }
        parts.push(part);
        match rest.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_table() {
        for (text, schema, name, shown) in [
            ("public.orders", "public", "orders", "public.orders"),
            ("public.User", "public", "User", "public.\"User\""),
            ("public.\"User\"", "public", "User", "public.\"User\""),
            ("\"Odd Names\".\"T \"\"q\"\"\"", "Odd Names", "T \"q\"", "\"Odd Names\".\"T \"\"q\"\"\""),
            ("\"a.b\".\"c.d\"", "a.b", "c.d", "\"a.b\".\"c.d\""),
            ("public.\"order\"", "public", "order", "public.order"),
            ("orders", "", "orders", "orders"),
        ] {
            let read = TableName::read(text);
            assert_eq!((read.schema.as_str(), read.name.as_str()), (schema, name), "{text}");
            assert_eq!(read.to_string(), shown);
        }
        assert_eq!(TableName::read("a.b.c"), TableName::of("", "a.b.c"));
    }
}
