//! `postgres.functions`: which functions take which advisory lock, truncate, or write to which
//! tables, and whether those that should take the lock do so before they write. The source of a
//! function never leaves; only names and keys do.

mod body;
mod doc;
mod lexer;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::Action;
use crate::model::value::{Map, Value};

use super::client::Client;
use super::names::{self, Name};
use super::session::{self, Answers, Question};
use body::{Body, Lock};
use doc::DOC;

/// The collector.
pub struct Functions;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    #[serde(default)]
    key: Option<Value>,
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    functions: Vec<String>,
    #[serde(default)]
    schemas: Vec<String>,
}

impl Collector for Functions {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { key, tables, functions, schemas } = settings.decode()?;
        let fail = |e: String| SettingError::new(format!("with: {e}"));
        let parse = |names: Vec<String>| names.iter().map(|name| Name::parse(name)).collect::<Result<Vec<_>, _>>();
        let (tables, functions) = (parse(tables).map_err(fail)?, parse(functions).map_err(fail)?);
        let sql = format!("{SQL} AND {}", names::scope(&schemas).map_err(fail)?);
        let key = key.map(|key| body::expression(&lexer::lex(&key.to_string()), &BTreeMap::new()));
        let questions = vec![Question::own("functions", sql)];
        Ok(Box::new(Look { client: Client::of(settings)?, questions, key, tables, functions }))
    }
}

const SQL: &str = "SELECT json_build_object('schema', n.nspname, 'name', p.proname, \
     'arguments', pg_get_function_identity_arguments(p.oid), 'language', l.lanname, \
     'source', CASE WHEN p.prosrc = '' THEN pg_get_functiondef(p.oid) ELSE p.prosrc END) \
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
     WHERE p.prokind IN ('f', 'p') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass \
     AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')";

#[derive(Deserialize)]
struct Source {
    schema: String,
    name: String,
    arguments: String,
    language: String,
    source: String,
}

struct Look {
    client: Client,
    questions: Vec<Question>,
    key: Option<String>,
    tables: Vec<Name>,
    functions: Vec<Name>,
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        session::actions(&self.client, &self.questions)
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(session::observe(&self.client, &self.questions, |answers, seen| self.read(answers, seen)))
    }
}

/// One function, understood as far as it goes.
struct Function {
    schema: String,
    name: String,
    /// `schema.name(arguments)`.
    shown: String,
    language: String,
    /// Whether the body is in a language that is read here.
    read: bool,
    body: Body,
}

impl Function {
    fn of(source: Source) -> Self {
        let read = ["sql", "plpgsql"].contains(&source.language.as_str());
        let body = if read { Body::read(&source.source) } else { Body::default() };
        let shown = format!("{}.{}({})", source.schema, source.name, source.arguments);
        Self { schema: source.schema, name: source.name, shown, language: source.language, read, body }
    }

    fn acts(&self) -> bool {
        let body = &self.body;
        !body.locks.is_empty() || self.writes() || body.dynamic
    }

    fn writes(&self) -> bool {
        self.body.truncates || self.body.unnamed || !self.body.writes.is_empty()
    }

    /// Names without a schema may be any of that name.
    fn writes_to(&self, tables: &[Name]) -> bool {
        let named = |table: &Name| self.body.writes.contains(&table.shown()) || self.body.writes.contains(&table.name);
        tables.iter().any(named)
    }

    /// Whether it may write to what it does not name here.
    fn opaque(&self) -> bool {
        !self.read || self.body.dynamic || self.body.unnamed
    }

    fn row(&self) -> Value {
        let lock = |lock: &Lock| format!("{}({})", lock.function, lock.key);
        let locks: Vec<String> = self.body.locks.iter().map(lock).collect();
        let mut row = Map::from([("function".to_owned(), self.shown.as_str().into())]);
        row.insert("language".to_owned(), self.language.as_str().into());
        row.insert("locks".to_owned(), locks.join("; ").into());
        row.insert("truncates".to_owned(), self.body.truncates.into());
        row.insert("writes".to_owned(), self.named_writes().into());
        row.insert("runs_text".to_owned(), self.body.dynamic.into());
        row.into()
    }

    fn named_writes(&self) -> String {
        self.body.writes.iter().cloned().collect::<Vec<_>>().join(", ")
    }
}

impl Look {
    fn read(&self, answers: &Answers, seen: &mut Observation) -> Result<(), Absence> {
        let parse = |json| serde_json::from_value::<Source>(json).map(Function::of);
        let functions: Result<Vec<_>, _> = answers.list("functions")?.into_iter().map(parse).collect();
        let mut functions = functions.map_err(|_| Absence::new(Reason::Unparsable, "a function is not as expected"))?;
        functions.sort_by(|a, b| a.shown.cmp(&b.shown));
        match &self.key {
            Some(key) => seen.set("key", key.clone()),
            None => seen.miss("key", Absence::new(Reason::NotApplicable, "no key was given: any advisory lock counts")),
        }
        seen.set("function_count", functions.len());
        seen.set("functions", functions.iter().filter(|f| f.acts()).map(Function::row).collect::<Vec<_>>());
        seen.set("keys", keys(&functions));
        let there = |name: &&Name| !functions.iter().any(|f| f.schema == name.schema && f.name == name.name);
        seen.set("not_found", self.functions.iter().filter(there).map(Name::shown).collect::<Vec<_>>());
        self.cover(&functions, seen);
        Ok(())
    }

    fn fits(&self, lock: &Lock) -> bool {
        self.key.as_ref().is_none_or(|key| &lock.key == key)
    }

    /// Those that must take the lock: the named ones, and who writes to the named tables; all that
    /// write when nothing was named.
    fn must(&self, function: &Function) -> bool {
        if self.functions.iter().any(|name| name.schema == function.schema && name.name == function.name) {
            return true;
        }
        match (self.tables.as_slice(), self.functions.is_empty()) {
            ([], true) => function.writes(),
            ([], false) => false,
            (tables, _) => function.writes_to(tables) || (function.read && function.opaque()),
        }
    }

    fn cover(&self, functions: &[Function], seen: &mut Observation) {
        let (mut coverage, mut gaps) = (Vec::new(), Vec::new());
        let mut counts = BTreeMap::from([("yes", 0_u64), ("no", 0), ("unknown", 0)]);
        for function in functions.iter().filter(|function| self.must(function)) {
            let (covered, why, via) = self.judge(function, functions);
            *counts.entry(covered).or_default() += 1;
            if covered != "yes" {
                let row = [("function", function.shown.as_str()), ("covered", covered), ("why", why)];
                let row: Map = row.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect();
                gaps.push(Value::Map(row));
            }
            coverage.push(self.row(function, covered, via));
        }
        seen.set("coverage", coverage.clone());
        if coverage.is_empty() {
            // None of nothing: a number would read as "all of them are covered".
            let why = "no function was found that must take the lock, so nothing was judged; \
                check `tables`, `functions` and the database";
            for name in ["gaps", "covered_count", "gap_count", "unknown_count"] {
                seen.miss(name, Absence::new(Reason::NotApplicable, why));
            }
            return;
        }
        seen.set("gaps", gaps);
        for (name, word) in [("covered_count", "yes"), ("gap_count", "no"), ("unknown_count", "unknown")] {
            seen.set(name, counts[word]);
        }
    }

    fn judge<'a>(&self, function: &Function, all: &'a [Function]) -> (&'static str, &'static str, Option<&'a str>) {
        if !function.read {
            return ("unknown", "is in a language that is not read here", None);
        }
        if function.body.locks_first(|lock| self.fits(lock)) {
            return ("yes", "", None);
        }
        if let Some(via) = self.through(function, all) {
            return ("yes", "", Some(via));
        }
        let why = match function.body.locks.iter().any(|lock| self.fits(lock)) {
            true => "takes the lock only after it has begun to write",
            false if !function.body.locks.is_empty() => "takes another key",
            false if function.body.dynamic && !function.writes_to(&self.tables) => {
                return ("unknown", "runs text as SQL: what that writes to is not known", None);
            }
            false => "takes no advisory lock",
        };
        ("no", why, None)
    }

    /// A function that it calls and that takes the lock, however many calls away.
    fn through<'a>(&self, function: &Function, all: &'a [Function]) -> Option<&'a str> {
        let called = |body: &Body, other: &Function| {
            body.calls.contains(&other.name) || body.calls.contains(&names::shown(&other.schema, &other.name))
        };
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut ahead: Vec<&Function> = all.iter().filter(|other| called(&function.body, other)).collect();
        while let Some(next) = ahead.pop() {
            if next.body.locks_first(|lock| self.fits(lock)) {
                return Some(&next.shown);
            }
            if reached.insert(&next.shown) {
                ahead.extend(all.iter().filter(|other| called(&next.body, other)));
            }
        }
        None
    }

    fn row(&self, function: &Function, covered: &str, via: Option<&str>) -> Value {
        let body = &function.body;
        let mut row = Map::from([("function".to_owned(), function.shown.as_str().into())]);
        let facts = [
            ("has_lock", !body.locks.is_empty()),
            ("uses_key", body.locks.iter().any(|lock| self.fits(lock))),
            ("truncates", body.truncates),
            ("lock_first", body.locks_first(|lock| self.fits(lock))),
        ];
        row.extend(facts.map(|(key, holds)| (key.to_owned(), holds.into())));
        row.insert("writes".to_owned(), function.named_writes().into());
        row.insert("via".to_owned(), via.unwrap_or("").into());
        row.insert("covered".to_owned(), covered.into());
        row.into()
    }
}

fn keys(functions: &[Function]) -> Vec<Value> {
    let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for function in functions {
        for lock in &function.body.locks {
            keys.entry(&lock.key).or_default().insert(&function.shown);
        }
    }
    let row = |(key, users): (&str, BTreeSet<&str>)| {
        Value::Map(Map::from([("key".to_owned(), key.into()), ("functions".to_owned(), users.len().into())]))
    };
    keys.into_iter().map(row).collect()
}
