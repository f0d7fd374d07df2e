//! Whether a backup creates and grants what the case names, by kind: a view that became a table is not
//! found. The answer is the dump's own; nothing is restored for it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::examine::{Examination, Grants, Names, Objects};
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};

/// The names that a case expects, as the dump spells them.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    schemas: Vec<String>,
    tables: Vec<String>,
    views: Vec<String>,
    materialized_views: Vec<String>,
    sequences: Vec<String>,
    functions: Vec<String>,
    /// By role, such as `SELECT ON TABLE app.orders`.
    grants: BTreeMap<String, Vec<String>>,
}

/// One name and whether it is there; nothing when the list was cut before it.
struct Row {
    kind: &'static str,
    name: String,
    role: Option<String>,
    found: Option<bool>,
}

impl Expect {
    /// Whether nothing is expected.
    pub(super) fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, names)| names.is_empty()) && self.grants.values().all(Vec::is_empty)
    }

    fn lists(&self) -> [(&'static str, &Vec<String>); 6] {
        [
            ("schema", &self.schemas),
            ("table", &self.tables),
            ("view", &self.views),
            ("materialized view", &self.materialized_views),
            ("sequence", &self.sequences),
            ("function", &self.functions),
        ]
    }

    /// Puts the answer in `seen` as `expect`.
    pub(super) fn tell(&self, found: &Examination, seen: &mut Observation) {
        if self.is_empty() {
            let absence = Absence::new(Reason::NotApplicable, "the case expects no names");
            return seen.miss("expect", absence);
        }
        let Some((objects, grants, cut)) = content(found) else {
            let message = "no dump with a list of its own objects was found in it";
            return seen.miss("expect", Absence::new(Reason::NotApplicable, message));
        };
        let mut rows = Vec::new();
        for (kind, names) in self.lists() {
            let there = of_kind(objects, kind);
            rows.extend(names.iter().map(|name| row(kind, name, there)));
        }
        for (role, wanted) in &self.grants {
            rows.extend(wanted.iter().map(|what| granted(role, what, grants.get(role), cut)));
        }
        answer(rows, seen);
    }
}

fn answer(rows: Vec<Row>, seen: &mut Observation) {
    let missing: Vec<String> = rows.iter().filter(|row| row.found == Some(false)).map(Row::shown).collect();
    let unknown = rows.iter().find(|row| row.found.is_none()).map(Row::shown);
    let found = rows.iter().filter(|row| row.found == Some(true)).count();
    let mut map = Map::new();
    map.insert("expected_count".into(), rows.len().into());
    map.insert("found_count".into(), found.into());
    map.insert("score".into(), format!("{found}/{}", rows.len()).into());
    match (missing.is_empty(), unknown) {
        (true, Some(name)) => {
            let message = format!("{name}: the list of what was found was cut before all of it was seen");
            seen.miss("expect.all_found", Absence::new(Reason::Limit, message));
        }
        (none, _) => drop(map.insert("all_found".into(), none.into())),
    }
    map.insert("missing".into(), Value::List(missing.into_iter().map(Value::from).collect()));
    map.insert("rows".into(), Value::List(rows.into_iter().map(Row::into_value).collect()));
    seen.set("expect", map);
}

impl Row {
    fn shown(&self) -> String {
        match &self.role {
            Some(role) => format!("{} {} to {role}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }

    fn into_value(self) -> Value {
        let mut map = Map::from([("kind".to_owned(), self.kind.into()), ("name".to_owned(), self.name.into())]);
        if let Some(role) = self.role {
            map.insert("role".to_owned(), role.into());
        }
        let found = match self.found {
            Some(true) => "found",
            Some(false) => "missing",
            None => "unknown",
        };
        map.insert("found".to_owned(), found.into());
        Value::Map(map)
    }
}

fn row(kind: &'static str, name: &str, there: &Names) -> Row {
    // A function is listed with its signature; named without one, any will do.
    let is = |listed: &String| {
        listed == name || (kind == "function" && listed.split('(').next().is_some_and(|bare| bare == name))
    };
    let found = if there.names.iter().any(is) { Some(true) } else { (!there.names_cut).then_some(false) };
    Row { kind, name: name.to_owned(), role: None, found }
}

/// Whether a role is granted `what`. A dump sums several privileges up as `SELECT,INSERT`, or as `ALL`.
fn granted(role: &str, what: &str, there: Option<&Grants>, roles_cut: bool) -> Row {
    let covers = |listed: &String| match (listed.split_once(" ON "), what.split_once(" ON ")) {
        (Some((has, place)), Some((wants, wanted))) if place == wanted => {
            wants.split(',').all(|one| has == "ALL" || has.split(',').any(|other| other.trim() == one.trim()))
        }
        _ => listed == what,
    };
    let found = match there {
        Some(listed) if listed.what.iter().any(covers) => Some(true),
        Some(listed) => (!listed.what_cut).then_some(false),
        None => (!roles_cut).then_some(false),
    };
    Row { kind: "grant", name: what.to_owned(), role: Some(role.to_owned()), found }
}

fn of_kind<'a>(objects: &'a Objects, kind: &str) -> &'a Names {
    match kind {
        "schema" => &objects.schemas,
        "table" => &objects.tables,
        "view" => &objects.views,
        "materialized view" => &objects.materialized_views,
        "sequence" => &objects.sequences,
        _ => &objects.functions,
    }
}

/// What the dump says of its objects and grants, and whether roles were left out of the latter.
type Content<'a> = (&'a Objects, &'a BTreeMap<String, Grants>, bool);

fn content(found: &Examination) -> Option<Content<'_>> {
    if let Some(sql) = &found.sql {
        return Some((&sql.objects, &sql.grants, sql.grants_cut));
    }
    let archive = found.custom.as_deref().or_else(|| found.tar.as_deref()?.toc.as_deref());
    match archive {
        Some(archive) => Some((&archive.objects, &archive.grants, archive.grants_cut)),
        None => content(found.payload.as_deref()?),
    }
}
