//! Tables and their rows held against each other: a dump of PostgreSQL has the rows of each table that
//! it creates, or at least their end, and creates each table that it fills.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::examine::facts::{Names, Sql};
use crate::examine::keep::Keeper;

/// What a dump did with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Created; its rows must come.
    Created(u32),
    /// Created; it has none of its own, or they were seen.
    Done,
}

/// The tables by a hash of their name.
#[derive(Debug, Default)]
pub(super) struct Tables {
    states: HashMap<u64, State>,
    /// Tables that are altered and were not created before.
    altered: HashSet<u64>,
    /// The names of the first of them.
    first_altered: Vec<String>,
    /// More tables than are kept: nothing is said about any.
    cut: bool,
    created: u32,
    last_filled: u64,
}

impl Tables {
    /// A table that has rows of its own.
    pub(super) fn creates(&mut self, keeper: &Keeper, name: &str) {
        self.keep(keeper, name, State::Created(self.created));
    }

    /// A partitioned or a foreign table.
    pub(super) fn creates_without_rows(&mut self, keeper: &Keeper, name: &str) {
        self.keep(keeper, name, State::Done);
    }

    /// A view or a sequence, which dumps of older versions change like a table.
    pub(super) fn is_no_table(&mut self, keeper: &Keeper, name: &str) {
        self.keep(keeper, name, State::Done);
        self.created -= 1;
    }

    fn keep(&mut self, keeper: &Keeper, name: &str, state: State) {
        self.created += 1;
        let may = !self.cut && keeper.may_keep(self.states.len(), 0);
        self.cut |= !may;
        if may {
            self.states.insert(hash(name), state);
        }
    }

    /// A statement changes a table.
    pub(super) fn alters(&mut self, keeper: &Keeper, name: &str) {
        let hash = hash(name);
        if !self.states.contains_key(&hash) && keeper.may_keep(self.altered.len(), 0) {
            self.altered.insert(hash);
            // With `--clean` constraints are dropped before their tables are created.
            if keeper.may_keep(self.first_altered.len(), name.len()) {
                self.first_altered.push(name.to_owned());
            }
        }
    }

    /// The rows of a table, or their end.
    pub(super) fn has_rows(&mut self, keeper: &Keeper, missing: &mut Names, name: &str) {
        let hash = hash(name);
        if std::mem::replace(&mut self.last_filled, hash) == hash {
            return;
        }
        match self.states.get_mut(&hash) {
            Some(state) => *state = State::Done,
            None if self.cut || self.created == 0 => {}
            None => keeper.name(missing, name),
        }
    }

    /// Puts what is known into the facts; `whole_rows`: even an empty table has an end of its rows.
    pub(super) fn end(&self, whole_rows: bool, sql: &mut Sql) {
        if self.cut || self.created == 0 {
            sql.data_without_table = Names::default();
        } else if sql.objects.extensions.names.iter().any(|name| name != "plpgsql") {
            // An extension creates tables that a dump fills, and does not alter.
            let missing = &mut sql.data_without_table;
            missing.names.retain(|name| self.altered.contains(&hash(name)));
            missing.count = missing.names.len() as u64;
        }
        if !self.cut && self.created > 0 {
            let lost = |name: &&String| !self.states.contains_key(&hash(name));
            sql.changed_without_table = self.first_altered.iter().find(lost).cloned();
        }
        if self.cut || !whole_rows {
            return;
        }
        let mut places: Vec<u32> = self
            .states
            .values()
            .filter_map(|state| match state {
                State::Created(place) => Some(*place),
                State::Done => None,
            })
            .collect();
        places.sort_unstable();
        let names = &sql.objects.tables.names;
        let missing = &mut sql.tables_without_data;
        missing.count = places.len() as u64;
        let kept = places.iter().filter_map(|&place| names.get(place as usize)).cloned().collect::<Vec<_>>();
        missing.names_cut = kept.len() < places.len();
        missing.names = kept;
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
