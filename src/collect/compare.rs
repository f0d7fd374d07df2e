//! `counts.compare`: the rows of tables by two earlier facts, side by side. It counts nothing itself and
//! compares only what was counted exactly: an estimate that happens to be equal says nothing.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::base::text;
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct CountsCompare;

static DOC: Doc = Doc {
    name: "counts.compare",
    summary: "rows of tables by two earlier facts, side by side: production and the drill",
    detail: "Takes the exact counts of two earlier steps (`postgres.counts`, `restore.drill`, `backup`) and holds them \
             against each other, table by table. A table that one side has and the other established not to have differs; \
             a count that is not known, and any estimate, makes the row and the whole UNKNOWN and never equal. Equal counts do not prove equal rows, and counts of a busy database differ \
             from those of its dump although nothing is wrong.",
    needs_target: false,
    settings: &[
        Setting { name: "left", kind: "text", required: true, meaning: "id of an earlier step with counts" },
        Setting { name: "right", kind: "text", required: true, meaning: "id of another one" },
        Setting {
            name: "tables",
            kind: "list of `schema.table`",
            required: false,
            meaning: "the tables; all that either side has when there is none",
        },
    ],
    values: &[
        ("rows", "list of `table`, `left`, `right`, `equal`; what a side lacks is missing in its row"),
        ("table_count", "number of tables compared"),
        ("equal_count", "for how many of them both counts are known and equal"),
        ("score", "both as text, e.g. `10/10`"),
        ("differ", "the tables whose counts are known and differ, or that are only on one side"),
        ("not_known", "the tables for which a side has no exact count"),
        ("all_equal", "whether every table has the same count on both sides"),
    ],
    example: "- id: key_tables\n  uses: counts.compare\n  with: { left: counts-before, right: drill, tables: [app.orders] }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    left: String,
    right: String,
    #[serde(default)]
    tables: Vec<String>,
}

/// Where the collectors that count keep their counts.
const PLACES: &[(&str, &[&str])] = &[
    ("postgres.counts", &["by_table"]),
    ("restore.drill", &["counts"]),
    ("backup", &["sql.rows.by_table", "custom.rows.by_table", "payload.sql.rows.by_table"]),
];

struct Look {
    left: String,
    right: String,
    tables: Vec<String>,
}

impl Collector for CountsCompare {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { left, right, tables } = settings.decode()?;
        for (key, id) in [("left", &left), ("right", &right)] {
            let step = settings.earlier_step(key, id)?;
            let shown = text::visible(id);
            if !PLACES.iter().any(|(uses, _)| *uses == step.uses) {
                let known: Vec<&str> = PLACES.iter().map(|(uses, _)| *uses).collect();
                let message =
                    format!("with: {key}: `{shown}` uses {}; counts are in those of {}", step.uses, known.join(", "));
                return Err(SettingError::new(message));
            }
        }
        if left == right {
            return Err(SettingError::new("with: left and right are the same fact, which always agrees with itself"));
        }
        let distinct: BTreeSet<&String> = tables.iter().collect();
        if distinct.len() != tables.len() {
            return Err(SettingError::new("with: tables: names a table twice; it would count twice"));
        }
        Ok(Box::new(Look { left, right, tables }))
    }
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn basis(&self) -> Basis {
        Basis::Derived
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.compare(surroundings.facts))
    }
}

impl Look {
    fn how(&self) -> String {
        format!("the exact counts of the facts `{}` and `{}` of this run", self.left, self.right)
    }

    fn compare(&self, facts: &[Fact]) -> Observation {
        let mut seen =
            Observation::of(format!("the facts {} (left) and {} (right)", self.left, self.right)).read_by(self.how());
        let side = |id: &str| {
            let fact = facts.iter().find(|fact| fact.id == id);
            fact.ok_or_else(|| Absence::new(Reason::NotFound, format!("`{id}` was not collected"))).and_then(Side::of)
        };
        match (side(&self.left), side(&self.right)) {
            (Ok(left), Ok(right)) => self.tell(&left, &right, &mut seen),
            (Err(absence), _) | (_, Err(absence)) => subject::miss_the_rest(&mut seen, &DOC, &absence),
        }
        seen
    }

    fn tell(&self, left: &Side<'_>, right: &Side<'_>, seen: &mut Observation) {
        let tables: Vec<&String> = if self.tables.is_empty() {
            left.counts.keys().chain(right.counts.keys()).collect::<BTreeSet<_>>().into_iter().collect()
        } else {
            self.tables.iter().collect()
        };
        let (mut rows, mut differ, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for table in &tables {
            let (a, b) = (left.rows_of(table), right.rows_of(table));
            let mut row = Map::from([("table".to_owned(), table.as_str().into())]);
            for (key, count) in [("left", &a), ("right", &b)] {
                match count {
                    Rows::Known(count) => drop(row.insert(key.to_owned(), (*count).clone())),
                    Rows::Gone => drop(row.insert(key.to_owned(), "no such table".into())),
                    Rows::Unknown => {}
                }
            }
            match equal(&a, &b) {
                Some(equal) => {
                    row.insert("equal".to_owned(), equal.into());
                    differ.extend((!equal).then(|| (*table).clone()));
                }
                None => unknown.push((*table).clone()),
            }
            rows.push(Value::Map(row));
        }
        let equal = tables.len() - differ.len() - unknown.len();
        seen.set("rows", rows);
        seen.set("table_count", tables.len());
        seen.set("equal_count", equal);
        seen.set("score", format!("{equal}/{}", tables.len()));
        match (tables.is_empty(), differ.is_empty(), unknown.first()) {
            (true, ..) => seen.miss("all_equal", Absence::new(Reason::NotFound, "neither side counted any table")),
            (_, false, _) => seen.set("all_equal", false),
            (.., Some(table)) => {
                let message = format!("a side has no exact count of {table}");
                seen.miss("all_equal", Absence::new(Reason::Unavailable, message));
            }
            _ => seen.set("all_equal", true),
        }
        seen.set("differ", differ);
        seen.set("not_known", unknown);
    }
}

/// The rows of one table on one side.
enum Rows<'a> {
    Known(&'a Value),
    /// Established not to be there.
    Gone,
    Unknown,
}

fn equal(a: &Rows<'_>, b: &Rows<'_>) -> Option<bool> {
    match (a, b) {
        (Rows::Known(a), Rows::Known(b)) => Some(a == b),
        (Rows::Known(_), Rows::Gone) | (Rows::Gone, Rows::Known(_)) => Some(false),
        _ => None,
    }
}

/// One side: its counts, and the fact that they are from.
struct Side<'a> {
    fact: &'a Fact,
    place: &'static str,
    counts: &'a Map,
}

impl<'a> Side<'a> {
    fn of(fact: &'a Fact) -> Result<Self, Absence> {
        counts(fact).map(|(place, counts)| Self { fact, place, counts })
    }

    fn rows_of(&self, table: &str) -> Rows<'a> {
        if let Some(rows) = self.counts.get(table) {
            return Rows::Known(rows);
        }
        match self.fact.at(&format!("{}.{table}", self.place)) {
            Some(Err(absence)) if absence.reason == Reason::NotFound => Rows::Gone,
            None if self.is_whole() => Rows::Gone,
            _ => Rows::Unknown,
        }
    }

    /// Whether a drill counted every table that it restored.
    fn is_whole(&self) -> bool {
        let restored = self.fact.at("restored.tables").and_then(Result::ok).and_then(Value::as_int);
        let counted = i64::try_from(self.counts.len()).ok();
        self.fact.uses == "restore.drill"
            && restored.zip(counted).is_some_and(|(restored, counted)| counted >= restored)
    }
}

/// The exact counts of a fact.
fn counts(fact: &Fact) -> Result<(&'static str, &Map), Absence> {
    if fact.at("method").is_some_and(|method| method.ok().and_then(Value::as_text) == Some("estimate")) {
        let message = format!("`{}` has estimates, which are no counts; use `method: exact`", fact.id);
        return Err(Absence::new(Reason::NotApplicable, message));
    }
    let places = PLACES.iter().find(|(uses, _)| *uses == fact.uses).map_or(&[][..], |(_, places)| *places);
    let mut why = None;
    for place in places {
        match fact.at(place) {
            Some(Ok(Value::Map(counts))) => return Ok((place, counts)),
            Some(Err(absence)) => why = why.or(Some(absence)),
            _ => {}
        }
    }
    let why = why.map_or_else(|| "it has none".to_owned(), |absence| absence.message.clone());
    Err(Absence::new(Reason::Unavailable, format!("`{}` has no counts: {why}", fact.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, uses: &str, values: &str) -> Fact {
        let json = format!(
            r#"{{"id":"{id}","uses":"{uses}","basis":"observed","source":"s","observed_at":"t","took_ms":1,"values":{values}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn compare(left: &str, right: &str, tables: &[&str]) -> Observation {
        let tables = tables.iter().map(|t| (*t).to_owned()).collect();
        let facts = [fact("a", "postgres.counts", left), fact("b", "restore.drill", right)];
        Look { left: "a".into(), right: "b".into(), tables }.compare(&facts)
    }

    const LEFT: &str = r#"{"method":"exact","by_table":{"public.a":22,"public.b":166}}"#;

    #[test]
    fn equal_differing_and_unknown_are_three_things() {
        let seen = compare(LEFT, r#"{"counts":{"public.a":22,"public.b":166}}"#, &[]);
        assert_eq!((&seen.values["score"], &seen.values["all_equal"]), (&"2/2".into(), &true.into()));
        let seen = compare(LEFT, r#"{"counts":{"public.a":22,"public.b":165}}"#, &["public.a", "public.b"]);
        assert_eq!((&seen.values["score"], &seen.values["all_equal"]), (&"1/2".into(), &false.into()));
        assert_eq!(seen.values["differ"].to_string(), "[public.b]");
        // A table that a drill restored nothing of is not there; one that it did not count is not known.
        let seen = compare(LEFT, r#"{"restored":{"tables":1},"counts":{"public.a":22}}"#, &[]);
        assert_eq!((&seen.values["score"], &seen.values["all_equal"]), (&"1/2".into(), &false.into()));
        assert_eq!(seen.values["rows"].at("1.right"), Some(&"no such table".into()));
        let seen = compare(LEFT, r#"{"counts":{"public.a":22}}"#, &[]);
        assert_eq!(seen.values["score"], "1/2".into());
        assert_eq!(seen.missing["all_equal"].reason, Reason::Unavailable);
        assert_eq!(seen.values["not_known"].to_string(), "[public.b]");
    }

    #[test]
    fn estimates_and_nothing_are_never_equal() {
        let seen = compare(&LEFT.replace("exact", "estimate"), r#"{"counts":{"public.a":22,"public.b":166}}"#, &[]);
        assert!(seen.missing["all_equal"].message.contains("estimates") && !seen.values.contains_key("score"));
        let seen = compare(r#"{"method":"exact","by_table":{}}"#, r#"{"counts":{}}"#, &[]);
        assert_eq!(seen.missing["all_equal"].reason, Reason::NotFound);
        assert!(compare(LEFT, "{}", &[]).missing.contains_key("all_equal"));
    }

    #[test]
    fn settings_that_would_prove_nothing_are_refused() {
        let error = |with: &str| super::super::testing::prepare(&CountsCompare, with).err().unwrap().message;
        assert!(error("{ left: gone, right: it }").contains("no step `gone`"));
        assert!(error("{ left: it }").contains("right"));
    }
}
