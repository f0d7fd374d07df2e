//! `postgres.fingerprint`: what a database is made of and who may do what in it, as digests that
//! are equal exactly when the definitions are. The order is by bytes and the lines hold no OID, so
//! two clusters with the same definitions have the same fingerprint.

mod sql;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::digest::Hasher;
use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::{Map, Value};

use super::client::Client;
use super::counts;
use super::names;
use super::session::{self, Answers, Question};

/// The collector.
pub struct Fingerprint;

static DOC: Doc = Doc {
    name: "postgres.fingerprint",
    summary: "SHA-256 digests of catalogue definitions, rights, roles and memberships, whole and by schema",
    detail: "Reads the catalogue in one REPEATABLE READ, READ ONLY transaction; each object's definition is hashed by \
             the server and the digests are sorted by bytes here, so that the result depends on no OID, collation, \
             time zone or search_path. An omitted list of rights counts as the default that it stands for. Equal \
             digests mean equal definitions at both moments; they say nothing about rows (see `counts` and \
             postgres.counts), nor that nothing was changed and changed back. Definitions are printed by the \
             server, so compare only servers of one major version.",
    needs_target: true,
    settings: &[
        Setting { name: "schemas", kind: "list of text", required: false, meaning: "only these schemas" },
        Setting {
            name: "counts",
            kind: "boolean (false)",
            required: false,
            meaning: "also count the rows of every table in scope exactly",
        },
        Setting { name: "max_entries", kind: "number (5000)", required: false, meaning: "the most objects listed" },
        Setting { name: "limit", kind: "duration (`10m`)", required: false, meaning: "how long all of it may take" },
    ],
    values: with_session![
        ("sha256", "over everything that `covers` names"),
        ("catalogue_sha256", "over the definitions"),
        ("acl_sha256", "over owners and rights, default privileges included"),
        ("memberships_sha256", "over who is a member of which role"),
        ("roles_sha256", "over the roles' attributes and settings, passwords left out"),
        ("covers", "what the digests cover, in words"),
        ("not_covered", "what they do not cover, in words"),
        ("entry_count", "how many objects were hashed"),
        ("schemas", "a list of: schema, objects, catalogue_sha256, acl_sha256"),
        ("entries", "a list of: part, kind, schema, name, sha256; what `postgres.unchanged` names differences by"),
        ("entries_cut", "whether the list is shorter than the count"),
        ("counts_sha256", "over `schema.table` and exact rows of every table in scope, when `counts` is set"),
        ("counted_tables", "how many tables that were"),
    ],
    example: "- id: fingerprint-before\n  uses: postgres.fingerprint\n  on: production\n",
};

const COVERS: &[&str] = &[
    "schemas, tables with columns, defaults, storage and partitioning, views, materialized views, foreign tables",
    "sequences' parameters, indexes with validity, constraints, triggers, rules, policies, extended statistics",
    "functions, procedures, aggregates, operators, casts, enums, domains, ranges, composite types, comments",
    "extensions with versions, foreign servers, names of user mappings, event triggers, publications, settings by role",
    "owners and rights of all of them, of columns, of large objects, of the database; default privileges",
    "attributes of roles and memberships of the whole cluster",
];

const NOT_COVERED: &[&str] = &[
    "rows of tables and content of large objects",
    "positions of sequences",
    "passwords, options of user mappings, subscriptions",
    "text search, collations, conversions, access methods and operator classes",
    "server settings and statistics",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    #[serde(default)]
    schemas: Vec<String>,
    #[serde(default)]
    counts: bool,
    #[serde(default = "most")]
    max_entries: usize,
    #[serde(default)]
    limit: Option<Value>,
}

fn most() -> usize {
    5000
}

impl Collector for Fingerprint {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let scope = names::scope(&with.schemas).map_err(|e| SettingError::new(format!("with: {e}")))?;
        let printing = Question::own("printing", sql::SETTINGS);
        let mut questions = vec![printing, Question::own("objects", sql::objects(&scope))];
        if with.counts {
            questions.extend(counts::all_of(&scope));
        }
        let limit = session::limit(with.limit.as_ref())?;
        let client = Client::of(settings)?.within(limit);
        Ok(Box::new(Look { client, questions, counts: with.counts, most: with.max_entries }))
    }
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    counts: bool,
    most: usize,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        let seen = session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen));
        Raw::new(seen)
    }
}

/// One object; the order of the fields is the order of the fingerprint.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    part: String,
    schema: Option<String>,
    kind: String,
    name: String,
    sha256: String,
}

impl Entry {
    fn line(&self) -> String {
        let schema = self.schema.as_deref().unwrap_or("");
        // Names may hold anything but NUL.
        format!("{}\0{}\0{}\0{}\0{}\n", self.part, schema, self.kind, self.name, self.sha256)
    }

    fn row(self) -> Value {
        let mut row = Map::new();
        let schema = self.schema.map(|schema| ("schema", schema));
        let cells = [("part", self.part), ("kind", self.kind), ("name", self.name), ("sha256", self.sha256)];
        for (key, text) in cells.into_iter().chain(schema) {
            row.insert(key.to_owned(), text.into());
        }
        row.into()
    }
}

fn digest<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut hasher = Hasher::default();
    entries.for_each(|entry| hasher.update(entry.line().as_bytes()));
    hasher.finish().to_string()
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        let parse = |json| serde_json::from_value::<Entry>(json);
        let entries: Result<Vec<Entry>, _> = answers.list("objects")?.into_iter().map(parse).collect();
        let mut entries = entries.map_err(|_| Absence::new(Reason::Unparsable, "an object is not as expected"))?;
        entries.sort();
        seen.set("sha256", digest(entries.iter()));
        for (value, part) in PARTS {
            seen.set(value, digest(entries.iter().filter(|entry| entry.part == *part)));
        }
        seen.set("covers", COVERS.to_vec());
        seen.set("not_covered", NOT_COVERED.to_vec());
        seen.set("entry_count", entries.len());
        seen.set("schemas", schemas(&entries));
        self.tell_counts(answers, seen)?;
        seen.set("entries_cut", entries.len() > self.most);
        seen.set("entries", entries.into_iter().take(self.most).map(Entry::row).collect::<Vec<_>>());
        Ok(())
    }

    fn tell_counts(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        if !self.counts {
            let why = Absence::new(Reason::NotApplicable, "not asked for: set `counts: true`");
            ["counts_sha256", "counted_tables"].iter().for_each(|name| seen.miss(name, why.clone()));
            return Ok(());
        }
        match counts::digest_of_all(answers)? {
            Ok((tables, digest)) => {
                seen.set("counted_tables", tables);
                seen.set("counts_sha256", digest);
            }
            Err(absence) => {
                seen.miss("counted_tables", absence.clone());
                seen.miss("counts_sha256", absence);
            }
        }
        Ok(())
    }
}

/// Each digest of a part, and the word for the part in the answer.
const PARTS: &[(&str, &str)] = &[
    ("catalogue_sha256", "catalogue"),
    ("acl_sha256", "acl"),
    ("memberships_sha256", "membership"),
    ("roles_sha256", "role"),
];

fn schemas(entries: &[Entry]) -> Vec<Value> {
    let mut found: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(schema) = &entry.schema {
            found.entry(schema).or_default().push(entry);
        }
    }
    let row = |(schema, entries): (&str, Vec<&Entry>)| {
        let part = |part: &str| digest(entries.iter().copied().filter(|entry| entry.part == part));
        let objects = entries.iter().filter(|entry| entry.part == "catalogue").count();
        let mut row = Map::from([("schema".to_owned(), schema.into()), ("objects".to_owned(), objects.into())]);
        row.insert("catalogue_sha256".to_owned(), part("catalogue").into());
        row.insert("acl_sha256".to_owned(), part("acl").into());
        row.into()
    };
    found.into_iter().map(row).collect()
}
