//! `postgres.size`: how large the database is, and each of its schemas.

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings};
use crate::model::fact::{Absence, Observation};
use crate::model::value::Value;

use super::client::Client;
use super::session::{Answers, Asked, Question};

/// The collector.
pub struct Size;

static DOC: Doc = Doc {
    name: "postgres.size",
    summary: "the size of the database in bytes, and tables and bytes of each schema of its own",
    detail: "Asks in one REPEATABLE READ, READ ONLY transaction. Sizes are those of the files, indexes and \
             TOAST included: they are no measure of what a dump holds. Tables are ordinary and partitioned \
             tables and materialised views; the system's schemas are left out. A table that another session \
             locks exclusively makes the whole answer time out.",
    needs_target: true,
    settings: &[Setting {
        name: "max_schemas",
        kind: "number (200)",
        required: false,
        meaning: "the most schemas listed, the largest first; how many there are is said in any case",
    }],
    values: with_session![
        ("database", "the database asked"),
        ("database_bytes", "its size in bytes"),
        ("schema_count", "how many schemas of its own it has"),
        ("schemas", "a list of: schema, tables, bytes; the largest first"),
        ("schemas_cut", "whether the list is shorter than the count"),
    ],
    example: "- id: size\n  uses: postgres.size\n  on: production\n",
};

const SCHEMAS: &str = "SELECT n.nspname AS schema, count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p', 'm')) AS tables, \
     coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relkind IN ('r', 'm')), 0)::bigint AS bytes \
     FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid \
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') \
     AND n.nspname !~ '^pg_(toast|temp_[0-9]+|toast_temp_[0-9]+)$' GROUP BY n.nspname";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    #[serde(default = "most")]
    max_schemas: u32,
}

fn most() -> u32 {
    200
}

impl Collector for Size {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let most = settings.decode::<With>()?.max_schemas;
        let sql = format!(
            "SELECT json_build_object('database', current_database(), \
             'database_bytes', pg_database_size(current_database()), \
             'schema_count', (SELECT count(*) FROM ({SCHEMAS}) AS s), \
             'schemas', (SELECT coalesce(json_agg(s), '[]') FROM \
             (SELECT * FROM ({SCHEMAS}) AS s ORDER BY bytes DESC, schema LIMIT {most}) AS s))"
        );
        Ok(Box::new(Asked { client: Client::of(settings)?, questions: vec![Question::own("size", sql)], read }))
    }
}

fn read(answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
    let size = answers.map("size")?;
    let listed = match size.get("schemas") {
        Some(Value::List(list)) => list.len(),
        _ => 0,
    };
    let count = size.get("schema_count").and_then(Value::as_int).and_then(|n| usize::try_from(n).ok());
    seen.set("schemas_cut", count.is_some_and(|count| count > listed));
    seen.values.extend(size);
    Ok(())
}
