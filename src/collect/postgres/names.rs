//! Names of a database as a case writes them, and which schemas are the system's. System schemas
//! are told by their exact names and patterns: `pg_%` as a LIKE pattern would take `pgboss` too.

use super::sql;

/// A condition on `pg_namespace AS n`: the schema is not the system's.
pub(super) const OWN: &str = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
     AND n.nspname NOT LIKE 'pg!_temp!_%' ESCAPE '!' AND n.nspname NOT LIKE 'pg!_toast!_temp!_%' ESCAPE '!'";

/// `schema.name`, each part as the catalogue holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// The schema.
    pub(super) schema: String,
    /// The object in it.
    pub(super) name: String,
}

impl Name {
    /// Reads `schema.name`; a part in double quotes may hold dots. Letters keep their case, since
    /// a case file gives names as the catalogue shows them.
    ///
    /// # Errors
    /// When it is not two parts.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = parts(text).filter(|parts| parts.iter().all(|part| !part.is_empty()));
        match parts.as_deref() {
            Some([schema, name]) => Ok(Self { schema: schema.clone(), name: name.clone() }),
            _ => Err(format!("`{text}` is not `schema.name` (a part with a dot stands in double quotes)")),
        }
    }

    /// As shown: `schema.name`.
    pub(super) fn shown(&self) -> String {
        shown(&self.schema, &self.name)
    }

    /// As a pair of literals, `('schema', 'name')`.
    ///
    /// # Errors
    /// See [`sql::literal`].
    pub(super) fn literals(&self) -> Result<String, String> {
        let literal = |text: &str| sql::literal(text).map_err(|e| format!("`{}` {e}", self.shown()));
        Ok(format!("({}, {})", literal(&self.schema)?, literal(&self.name)?))
    }
}

/// `schema.name` as facts show it and paths use it.
pub(super) fn shown(schema: &str, name: &str) -> String {
    format!("{schema}.{name}")
}

fn parts(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' => loop {
                match characters.next()? {
                    '"' if characters.next_if_eq(&'"').is_none() => break,
                    c => parts.last_mut()?.push(c),
                }
            },
            '.' => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    Some(parts)
}

/// Texts as a list of literals in parentheses; one that nothing equals when there is none.
///
/// # Errors
/// See [`sql::literal`].
pub(super) fn list(key: &str, texts: &[String]) -> Result<String, String> {
    if texts.is_empty() {
        return Ok("(NULL)".to_owned());
    }
    let literals = texts.iter().map(|text| sql::literal(text).map_err(|e| format!("{key}: `{text}` {e}")));
    Ok(format!("({})", literals.collect::<Result<Vec<_>, _>>()?.join(", ")))
}

/// A condition on `pg_namespace AS n`: one of `schemas`, or any of the database's own.
///
/// # Errors
/// See [`sql::literal`].
pub(super) fn scope(schemas: &[String]) -> Result<String, String> {
    if schemas.is_empty() {
        return Ok(OWN.to_owned());
    }
    Ok(format!("n.nspname IN {}", list("schemas", schemas)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_parts_and_quotes_hold_dots() {
        let name = |text: &str| Name::parse(text).map(|n| (n.schema, n.name));
        assert_eq!(name("app.orders"), Ok(("app".into(), "orders".into())));
        assert_eq!(name("\"a.b\".\"c\"\"d\""), Ok(("a.b".into(), "c\"d".into())));
        for wrong in ["orders", "a.b.c", "a.", ".b", "\"a.b", ""] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_leaves_a_list_of_literals() {
        assert_eq!(list("k", &["a'b".into(), "c".into()]).as_deref(), Ok("('a''b', 'c')"));
        assert!(list("k", &["a\\".into()]).is_err());
    }
}
