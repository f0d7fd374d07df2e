//! What an entry of a table of contents must look like. `pg_restore` refuses most of what is refused
//! here; the rest it would carry out wrongly without a word.

use super::fields::{DataAt, Trouble};
use super::toc::Raw;

/// Every type of entry that `pg_dump` of PostgreSQL 9 to 18 writes.
const TYPES: &[&str] = &[
    "ACCESS METHOD",
    "ACL",
    "ACL LANGUAGE",
    "AGGREGATE",
    "BLOB",
    "BLOB METADATA",
    "BLOBS",
    "CAST",
    "CHECK CONSTRAINT",
    "COLLATION",
    "COMMENT",
    "CONSTRAINT",
    "CONVERSION",
    "DATABASE",
    "DATABASE PROPERTIES",
    "DEFAULT",
    "DEFAULT ACL",
    "DOMAIN",
    "DOMAIN CONSTRAINT",
    "ENCODING",
    "EVENT TRIGGER",
    "EXTENSION",
    "FK CONSTRAINT",
    "FOREIGN DATA WRAPPER",
    "FOREIGN SERVER",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "INDEX ATTACH",
    "LARGE OBJECT",
    "LARGE OBJECTS",
    "MATERIALIZED VIEW",
    "MATERIALIZED VIEW DATA",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "POLICY",
    "PROCEDURAL LANGUAGE",
    "PROCEDURE",
    "PUBLICATION",
    "PUBLICATION TABLE",
    "PUBLICATION TABLES IN SCHEMA",
    "ROW SECURITY",
    "RULE",
    "SCHEMA",
    "SEARCHPATH",
    "SECURITY LABEL",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "SERVER",
    "SHELL TYPE",
    "STATISTICS",
    "STATISTICS DATA",
    "STDSTRINGS",
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "TABLE",
    "TABLE ATTACH",
    "TABLE DATA",
    "TABLESPACE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
    "VIEW DATA",
    "<Init>",
];

/// Sections of a dump: none, before the data, data, after the data.
const SECTIONS: std::ops::RangeInclusive<i64> = 1..=4;

/// Whether `pg_restore` knows entries of this type.
pub(super) fn is_known(kind: &str) -> bool {
    TYPES.contains(&kind)
}

/// Fields of an entry that are checked and not kept.
pub(super) struct Fixed {
    /// Whether the entry had a function that writes data: 0 or 1.
    pub(super) had_dumper: i64,
    /// Number of the section.
    pub(super) section: i64,
    /// Object numbers of the catalogue.
    pub(super) numbers: [Option<String>; 2],
    /// `true` or `false`, or null in some versions.
    pub(super) with_oids: Option<String>,
    /// Where the data is; in files for tar and directory dumps.
    pub(super) at: Option<DataAt>,
    /// The beginning of the definition, kept for `ENCODING` and `STDSTRINGS`.
    pub(super) definition: String,
    /// The COPY statement.
    pub(super) copy: Option<String>,
}

/// Holds an entry against what the format allows.
pub(super) fn entry(raw: &Raw, fixed: &Fixed) -> Result<(), Trouble> {
    let has_dumper = match fixed.had_dumper {
        0 => false,
        1 => true,
        _ => return Err(Trouble::Invalid),
    };
    let data_agrees = fixed.at.is_none_or(|at| (at != DataAt::Nowhere) == has_dumper);
    let sound = raw.id > 0
        && data_agrees
        && SECTIONS.contains(&fixed.section)
        && fixed.numbers.iter().all(|number| number.as_deref().is_none_or(is_number))
        && fixed.with_oids.as_deref().is_none_or(|text| matches!(text, "true" | "false" | ""))
        && fixed.copy.as_deref().is_none_or(is_copy)
        && setting(raw, fixed);
    if sound { Ok(()) } else { Err(Trouble::Invalid) }
}

/// A number of another entry or of a catalogue row.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The statement that goes before the rows; an empty one goes before INSERT statements.
fn is_copy(text: &str) -> bool {
    text.is_empty() || (text.starts_with("COPY ") && text.trim_end().ends_with("FROM stdin;"))
}

/// Settings that `pg_restore` reads and stops at when they have another form.
fn setting(raw: &Raw, fixed: &Fixed) -> bool {
    let value = |name: &str| {
        let rest = fixed.definition.strip_prefix("SET ")?.strip_prefix(name)?;
        rest.strip_prefix(" = '")?.trim_end().strip_suffix("';")
    };
    match raw.kind.as_str() {
        "ENCODING" => value("client_encoding").is_some_and(|name| {
            name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        }),
        "STDSTRINGS" => value("standard_conforming_strings").is_some_and(|value| matches!(value, "on" | "off")),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_copy_have_a_beginning_and_an_end() {
        assert!(is_copy("COPY app.t (a) FROM stdin;\n") && is_copy(""));
        assert!(!is_copy("CNPY app.t (a) FROM stdin;\n") && !is_copy("COPY app.t (a) FROM stdio;\n"));
        assert!(is_known("TABLE DATA") && !is_known("TABLE DATB"));
        assert!(is_number("16385") && !is_number("16\u{b3}85") && !is_number(""));
    }
}
