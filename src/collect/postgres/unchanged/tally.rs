//! What has been compared so far: each kind of look in its own way, verdicts, differences by name,
//! and what moved meanwhile. A comparison that could not be made is an absence among the verdicts.

use std::collections::BTreeMap;

use crate::model::fact::{Absence, Fact, Observation, Reason};
use crate::model::value::{Map, Value};

use super::compare::{both, difference, differing, equal, known, lists};

/// What has been compared so far.
#[derive(Default)]
pub(super) struct Tally {
    /// What differs, by name.
    pub(super) differences: Vec<Map>,
    /// What moved meanwhile, and by whom.
    pub(super) moved: Vec<Map>,
    /// Each comparison: equal or not, or why that is not known.
    pub(super) verdicts: BTreeMap<&'static str, Result<bool, Absence>>,
}

impl Tally {
    /// Two looks at one thing: false when one says so, known only when both know.
    fn verdict(&mut self, name: &'static str, verdict: Result<bool, Absence>) {
        let both = match (self.verdicts.remove(name), verdict) {
            (None, new) => new,
            (Some(Ok(false)), _) | (_, Ok(false)) => Ok(false),
            (Some(Err(absence)), _) | (_, Err(absence)) => Err(absence),
            (Some(Ok(true)), Ok(true)) => Ok(true),
        };
        self.verdicts.insert(name, both);
    }

    /// Compares two looks of the collector `kind`.
    pub(super) fn pair(&mut self, kind: &str, before: &Fact, after: &Fact, seen: &mut Observation) {
        match kind {
            "postgres.identity" => self.identity(before, after, seen),
            "postgres.fingerprint" => self.fingerprint(before, after),
            "postgres.counts" => self.counts(before, after),
            "postgres.activity" => self.activity(before, after, seen),
            _ => self.objects(before, after),
        }
    }

    fn identity(&mut self, before: &Fact, after: &Fact, seen: &mut Observation) {
        let verdict = equal(before, after, &["system_identifier", "database"], &mut self.differences);
        self.verdict("identity_equal", verdict);
        match both(before, after, "postmaster_started_at") {
            Ok((a, b)) => seen.set("restarted", a != b),
            Err(absence) => seen.miss("restarted", absence),
        }
    }

    fn fingerprint(&mut self, before: &Fact, after: &Fact) {
        if before.at("covers") != after.at("covers") {
            let absence = Absence::new(Reason::NotApplicable, "the two fingerprints do not cover the same");
            return self.verdict("catalogue_equal", Err(absence));
        }
        let mut unnamed = Vec::new();
        for (name, path) in [
            ("catalogue_equal", "catalogue_sha256"),
            ("acl_equal", "acl_sha256"),
            ("memberships_equal", "memberships_sha256"),
            ("roles_equal", "roles_sha256"),
        ] {
            self.verdict(name, equal(before, after, &[path], &mut unnamed));
        }
        if before.at("counts_sha256").is_some_and(|value| value.is_ok()) {
            let verdict = equal(before, after, &["counts_sha256"], &mut unnamed);
            self.verdict("counts_equal", verdict);
        }
        let keys = ["part", "schema", "kind", "name"];
        let (old, new) = lists(before, after, "entries", &keys);
        let named = differing(&old, &new, "sha256");
        for (key, a, b) in &named {
            let [part, schema, kind, name] = key.as_slice() else { continue };
            let place = if schema.is_empty() { name.clone() } else { format!("{schema}.{name}") };
            self.differences.push(difference(&format!("{part}: {kind}"), &place, *a, *b));
        }
        let cut = |fact: &Fact| fact.at("entries_cut") == Some(Ok(&Value::Bool(true)));
        // Beyond the listed entries only the digests tell.
        if named.is_empty() || cut(before) || cut(after) {
            self.differences.append(&mut unnamed);
        }
    }

    fn counts(&mut self, before: &Fact, after: &Fact) {
        let exact = [before, after].into_iter().find_map(|fact| match known(fact, "method") {
            Ok(method) if method.as_text() == Some("exact") => None,
            Ok(_) => Some(Absence::new(Reason::NotApplicable, format!("`{}` is an estimate, no count", fact.id))),
            Err(absence) => Some(absence),
        });
        if let Some(absence) = exact {
            return self.verdict("counts_equal", Err(absence));
        }
        let keys = ["schema", "table"];
        let (old, new) = lists(before, after, "tables", &keys);
        let differing = differing(&old, &new, "rows");
        for (key, a, b) in &differing {
            self.differences.push(difference("rows", &key.join("."), *a, *b));
        }
        let verdict = match both(before, after, "counts_sha256") {
            _ if !differing.is_empty() => Ok(false),
            Ok((a, b)) => Ok(a == b),
            Err(absence) => Err(absence),
        };
        self.verdict("counts_equal", verdict);
    }

    fn objects(&mut self, before: &Fact, after: &Fact) {
        let keys = ["schema", "kind", "name"];
        let (old, new) = lists(before, after, "objects", &keys);
        let named = differing(&old, &new, "name");
        for (key, a, b) in &named {
            self.differences.push(difference("object", &key.join(" "), *a, *b));
        }
        let verdict = both(before, after, "object_count").map(|(a, b)| a == b && named.is_empty());
        self.verdict("objects_equal", verdict);
    }

    fn activity(&mut self, before: &Fact, after: &Fact, seen: &mut Observation) {
        let mut by_others = false;
        for path in ["next_xid", "database.tup_inserted", "database.tup_updated", "database.tup_deleted", "lsn_bytes"] {
            match both(before, after, path) {
                Ok((a, b)) if a != b => {
                    // Checkpoints, background writing and a reader's tidying move the WAL as well.
                    let ours = path == "lsn_bytes";
                    by_others |= !ours;
                    self.move_row("cluster", path, (Some(a), Some(b)), if ours { "not attributed" } else { "others" });
                }
                Ok(_) => {}
                Err(absence) => return seen.miss("moved_by_others", absence),
            }
        }
        let keys = ["schema", "table"];
        let (old, new) = lists(before, after, "tables", &keys);
        for value in ["inserted", "updated", "deleted"] {
            for (key, a, b) in differing(&old, &new, value) {
                by_others = true;
                self.move_row(&format!("tuples {value}"), &key.join("."), (a, b), "others");
            }
        }
        let keys = ["schema", "sequence"];
        let (old, new) = lists(before, after, "sequences", &keys);
        for (key, a, b) in differing(&old, &new, "last_value") {
            by_others = true;
            self.move_row("sequence", &key.join("."), (a, b), "others");
        }
        seen.set("moved_by_others", by_others);
    }

    fn move_row(&mut self, what: &str, name: &str, sides: (Option<&Value>, Option<&Value>), by: &str) {
        let mut row = difference(what, name, sides.0, sides.1);
        row.remove("change");
        row.insert("by".to_owned(), by.into());
        self.moved.push(row);
    }
}
