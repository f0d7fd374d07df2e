//! `postgres.objects`: what a database holds, by schema and kind, and whether named things are
//! there as the kind that they should be. A view that became a table is not found.

mod doc;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::{Map, Value};

use super::client::Client;
use super::names::{self, Name};
use super::session::{self, Answers, Question};
use doc::DOC;

/// The collector.
pub struct Objects;

const KINDS: &[&str] = &[
    "table",
    "partitioned_table",
    "view",
    "materialized_view",
    "foreign_table",
    "sequence",
    "index",
    "function",
    "procedure",
    "aggregate",
    "window_function",
    "enum",
    "domain",
    "composite",
    "range",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    tables: Vec<String>,
    views: Vec<String>,
    materialized_views: Vec<String>,
    foreign_tables: Vec<String>,
    sequences: Vec<String>,
    indexes: Vec<String>,
    functions: Vec<String>,
    types: Vec<String>,
    extensions: Vec<String>,
    schemas: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    #[serde(default)]
    schemas: Vec<String>,
    #[serde(default)]
    expect: Expect,
    #[serde(default = "most")]
    max_objects: usize,
}

fn most() -> usize {
    5000
}

/// One expected thing: how it is shown, and the kinds as which it counts.
struct Expected {
    shown: String,
    word: &'static str,
    kinds: &'static [&'static str],
}

impl Expect {
    fn all(&self) -> Result<Vec<Expected>, String> {
        type Class<'a> = (&'a [String], &'static str, &'static [&'static str]);
        let classes: [Class<'_>; 8] = [
            (&self.tables, "table", &["table", "partitioned_table"]),
            (&self.views, "view", &["view"]),
            (&self.materialized_views, "materialized view", &["materialized_view"]),
            (&self.foreign_tables, "foreign table", &["foreign_table"]),
            (&self.sequences, "sequence", &["sequence"]),
            (&self.indexes, "index", &["index"]),
            (&self.functions, "function", &["function", "procedure", "aggregate", "window_function"]),
            (&self.types, "type", &["enum", "domain", "composite", "range"]),
        ];
        let mut all = Vec::new();
        for (names, word, kinds) in classes {
            for text in names {
                let shown = Name::parse(text).map_err(|e| format!("expect: {word}: {e}"))?.shown();
                all.push(Expected { shown, word, kinds });
            }
        }
        let bare = |name: &String, word, kinds| Expected { shown: name.clone(), word, kinds };
        all.extend(self.extensions.iter().map(|name| bare(name, "extension", &["extension"])));
        all.extend(self.schemas.iter().map(|name| bare(name, "schema", &["schema"])));
        Ok(all)
    }
}

impl Collector for Objects {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let fail = |e: String| SettingError::new(format!("with: {e}"));
        let expected = with.expect.all().map_err(fail)?;
        let scope = names::scope(&with.schemas).map_err(fail)?;
        let questions = vec![Question::own("objects", sql(&scope))];
        Ok(Box::new(Look { client: Client::of(settings)?, questions, expected, most: with.max_objects }))
    }
}

fn sql(scope: &str) -> String {
    let member = |class: &str, oid: &str| {
        format!(
            "(SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = \
             '{class}'::regclass AND d.objid = {oid} AND d.objsubid = 0 AND d.refclassid = 'pg_extension'::regclass \
             AND d.deptype = 'e')"
        )
    };
    let (class, procedure, of_type) =
        (member("pg_class", "c.oid"), member("pg_proc", "p.oid"), member("pg_type", "t.oid"));
    format!(
        "SELECT row_to_json(o) FROM (\
         SELECT n.nspname AS schema, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned_table' \
         WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table' WHEN 'S' THEN 'sequence' \
         WHEN 'c' THEN 'composite' ELSE 'index' END AS kind, c.relname::text AS name, \
         CASE WHEN c.relkind IN ('i', 'I') THEN (SELECT i.indisvalid AND i.indisready FROM pg_index i \
         WHERE i.indexrelid = c.oid) END AS valid, NULL::text AS version, \
         CASE WHEN c.relispartition THEN true END AS partition, {class} AS extension \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind <> 't' AND {scope} \
         UNION ALL SELECT n.nspname, CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' \
         WHEN 'a' THEN 'aggregate' ELSE 'window_function' END, \
         p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL, NULL, NULL, {procedure} \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {scope} \
         UNION ALL SELECT n.nspname, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range' END, \
         t.typname, NULL, NULL, NULL, {of_type} \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r') AND {scope} \
         UNION ALL SELECT NULL, 'extension', e.extname, NULL, e.extversion, NULL, NULL FROM pg_extension e \
         UNION ALL SELECT NULL, 'schema', n.nspname, NULL, NULL, NULL, NULL FROM pg_namespace n WHERE {scope}) AS o"
    )
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    expected: Vec<Expected>,
    most: usize,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen)))
    }
}

/// One object of the answer.
struct Object {
    schema: Option<String>,
    kind: String,
    name: String,
    invalid: bool,
    row: Map,
}

impl Object {
    fn of(row: Map) -> Option<Self> {
        let text = |key: &str| row.get(key).and_then(Value::as_text).map(str::to_owned);
        let invalid = row.get("valid") == Some(&Value::Bool(false));
        Some(Self { schema: text("schema"), kind: text("kind")?, name: text("name")?, invalid, row })
    }

    fn shown(&self) -> String {
        self.schema.as_deref().map_or_else(|| self.name.clone(), |schema| names::shown(schema, &self.name))
    }

    /// A function is also known without its arguments.
    fn is(&self, shown: &str) -> bool {
        let own = self.shown();
        own == shown || own.split_once('(').is_some_and(|(bare, _)| bare == shown)
    }

    fn sort_key(&self) -> (String, String, String) {
        (self.schema.clone().unwrap_or_default(), self.kind.clone(), self.name.clone())
    }
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        let objects: Option<Vec<_>> = answers.maps("objects")?.into_iter().map(Object::of).collect();
        let mut objects =
            objects.ok_or_else(|| Absence::new(Reason::Unparsable, "an object has no kind or no name"))?;
        objects.sort_by_key(Object::sort_key);
        count(&objects, seen);
        let invalid: Vec<String> = objects.iter().filter(|object| object.invalid).map(Object::shown).collect();
        seen.set("invalid_index_count", invalid.len());
        seen.set("invalid_indexes", invalid);
        self.compare(&objects, seen);
        seen.set("objects_cut", objects.len() > self.most);
        let listed = objects.into_iter().take(self.most).map(|object| Value::Map(object.row));
        seen.set("objects", listed.collect::<Vec<_>>());
        Ok(())
    }

    fn compare(&self, objects: &[Object], seen: &mut Observation) {
        let mut rows = Vec::new();
        let mut missing = Vec::new();
        for expected in &self.expected {
            let there: Vec<&Object> = objects.iter().filter(|object| object.is(&expected.shown)).collect();
            let found = there.iter().any(|object| expected.kinds.contains(&object.kind.as_str()) && !object.invalid);
            let mut row = Map::from([("name".to_owned(), expected.shown.as_str().into())]);
            row.insert("kind".to_owned(), expected.word.into());
            row.insert("found".to_owned(), found.into());
            if !found {
                missing.push(expected.shown.clone());
                if let Some(other) = there.first() {
                    let kind = if other.invalid { "invalid index".to_owned() } else { other.kind.replace('_', " ") };
                    row.insert("found_as".to_owned(), kind.into());
                }
            }
            rows.push(Value::Map(row));
        }
        seen.set("expected_count", rows.len());
        seen.set("found_count", rows.len() - missing.len());
        seen.set("missing_count", missing.len());
        seen.set("missing", missing);
        seen.set("expected", rows);
    }
}

/// Zeros included: a policy that asks for the views of a schema must get a number.
fn count(objects: &[Object], seen: &mut Observation) {
    let zeros = || KINDS.iter().map(|kind| ((*kind).to_owned(), 0_u64)).collect::<BTreeMap<_, _>>();
    let mut all = zeros();
    let mut schemas: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    for object in objects {
        *all.entry(object.kind.clone()).or_default() += 1;
        match (&object.schema, object.kind.as_str()) {
            (Some(schema), kind) => {
                *schemas.entry(schema).or_insert_with(zeros).entry(kind.to_owned()).or_default() += 1
            }
            (None, "schema") => drop(schemas.entry(&object.name).or_insert_with(zeros)),
            (None, _) => {}
        }
    }
    let map = |counts: BTreeMap<String, u64>| -> Map { counts.into_iter().map(|(k, v)| (k, v.into())).collect() };
    let schemas: Map = schemas.into_iter().map(|(name, counts)| (name.to_owned(), map(counts).into())).collect();
    seen.set("object_count", objects.len());
    seen.set("by_kind", map(all));
    seen.set("by_schema", schemas);
}
