//! `counts.compare`: the rows of tables by two earlier facts, side by side. It counts nothing itself and
//! compares only what was counted exactly: an estimate that happens to be equal says nothing.

mod side;
mod table_name;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::base::text;
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Basis, Fact, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use side::{Rows, Side};
use table_name::TableName;

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct CountsCompare;

static DOC: Doc = Doc {
    name: "counts.compare",
    summary: "rows of tables by two earlier facts, side by side: production and the drill",
    detail: "Takes the exact counts of two earlier steps (`postgres.counts`, `restore.drill`, `backup`) and holds them \
             against each other, table by table. A table that one side has and the other established not to have differs; \
             a count that is not known, and any estimate, makes the row and the whole UNKNOWN and never equal. A table is \
             its schema and its name, however a side quotes them: `public.User` and `public.\"User\"` are one. Equal counts do not prove equal rows, and counts of a busy database differ \
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
        (
            "rows",
            "list of `table`, `schema`, `name`, `left`, `right`, `equal`; what a side lacks is missing in its row",
        ),
        ("table_count", "number of tables compared"),
        ("equal_count", "for how many of them both counts are known and equal"),
        ("score", "both as text, e.g. `10/10`"),
        ("differ", "the tables whose counts are known and differ, or that are only on one side"),
        ("not_known", "the tables for which a side has no exact count"),
        (
            "left_out",
            "tables that only one side lists and whose rows are compared all the same: partitioned tables by their \
             partitions, partitions by a partitioned table",
        ),
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
        let distinct: BTreeSet<TableName> = tables.iter().map(|table| TableName::read(table)).collect();
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
        let named = self.tables.iter().map(|table| TableName::read(table));
        let all = || left.names().chain(right.names()).cloned().collect::<BTreeSet<_>>();
        let tables: Vec<TableName> = if self.tables.is_empty() { all().into_iter().collect() } else { named.collect() };
        let covered = |table: &TableName| left.covered(table, right) || right.covered(table, left);
        let (left_out, tables): (Vec<_>, Vec<_>) = tables.into_iter().partition(covered);
        let (mut rows, mut differ, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for table in &tables {
            let (a, b) = (left.rows_of(table), right.rows_of(table));
            let mut row = Map::from([("table".to_owned(), table.to_string().into())]);
            row.insert("schema".to_owned(), table.schema.as_str().into());
            row.insert("name".to_owned(), table.name.as_str().into());
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
                    differ.extend((!equal).then(|| table.to_string()));
                }
                None => unknown.push(table.to_string()),
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
        seen.set("left_out", left_out.iter().map(TableName::to_string).collect::<Vec<_>>());
        seen.set("differ", differ);
        seen.set("not_known", unknown);
    }
}

fn equal(a: &Rows<'_>, b: &Rows<'_>) -> Option<bool> {
    match (a, b) {
        (Rows::Known(a), Rows::Known(b)) => Some(a == b),
        (Rows::Known(_), Rows::Gone) | (Rows::Gone, Rows::Known(_)) => Some(false),
        _ => None,
    }
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
    fn a_table_is_one_whatever_quotes_its_name_has() {
        let left = r#"{"method":"exact","by_table":{"public.User":3,"Odd Names.T \"q\"":2,"a.b.c":1},"tables":[
            {"schema":"public","table":"User","kind":"table","rows":3},
            {"schema":"Odd Names","table":"T \"q\"","kind":"table","rows":2},
            {"schema":"a.b","table":"c","kind":"table","rows":1}]}"#;
        let right = r#"{"counts":{"public.\"User\"":3,"\"Odd Names\".\"T \"\"q\"\"\"":2,"\"a.b\".c":1}}"#;
        let seen = compare(left, right, &[]);
        assert_eq!((&seen.values["score"], &seen.values["all_equal"]), (&"3/3".into(), &true.into()));
        assert_eq!(seen.values["rows"].at("2.schema"), Some(&"public".into()));
        assert_eq!(compare(left, right, &["public.User"]).values["all_equal"], true.into());
        assert_eq!(compare(left, right, &["public.\"User\""]).values["all_equal"], true.into());
        // Another case of the letters is another table.
        let other = right.replace("User", "USER");
        assert_eq!(compare(left, &other, &[]).missing["all_equal"].reason, Reason::Unavailable);
    }

    #[test]
    fn a_partitioned_table_is_compared_or_named_as_left_out() {
        let left = r#"{"method":"exact","by_table":{"a.p":5,"a.p1":2,"a.p2":3},"tables":[
            {"schema":"a","table":"p","kind":"partitioned table","rows":5},
            {"schema":"a","table":"p1","kind":"table","rows":2,"partition_of":"a.p"},
            {"schema":"a","table":"p2","kind":"table","rows":3,"partition_of":"a.p"}]}"#;
        let parts = r#"{"restored":{"tables":3},"counts":{"a.p1":2,"a.p2":3}"#;
        let seen = compare(left, &format!("{parts}}}"), &[]);
        assert_eq!((&seen.values["score"], &seen.values["all_equal"]), (&"2/2".into(), &true.into()));
        assert_eq!(seen.values["left_out"].to_string(), "[a.p]");
        let seen = compare(left, &format!("{parts},\"partitioned_counts\":{{\"a.p\":5}}}}"), &[]);
        assert_eq!((&seen.values["score"], &seen.values["left_out"].to_string()), (&"3/3".into(), &"[]".to_owned()));
        let seen = compare(left, &format!("{parts},\"partitioned_counts\":{{\"a.p\":4}}}}"), &[]);
        assert_eq!(seen.values["differ"].to_string(), "[a.p]");
        // A partition that is missing is found by itself; rows that were loaded through the root by the root.
        let seen = compare(left, r#"{"restored":{"tables":1},"counts":{"a.p1":2}}"#, &[]);
        assert_eq!(seen.values["differ"].to_string(), "[a.p2]");
        let seen = compare(left, r#"{"counts":{"a.p":5}}"#, &[]);
        assert_eq!(
            (&seen.values["score"], &seen.values["left_out"].to_string()),
            (&"1/1".into(), &"[a.p1, a.p2]".to_owned())
        );
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
