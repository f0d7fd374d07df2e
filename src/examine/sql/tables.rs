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

/// The created tables that share a name without its schema.
#[derive(Debug, Default)]
struct BareName {
    /// The hashes of their names, as they were created.
    created: Vec<u64>,
    /// Whether one of them was created without a schema.
    without_schema: bool,
}

/// The tables by a hash of their name.
#[derive(Debug, Default)]
pub(super) struct Tables {
    states: HashMap<u64, State>,
    /// The same tables by a hash of their name without its schema; older versions of pg_dump set `search_path`
    /// and leave the schema out, in all statements or in some.
    by_bare_name: HashMap<u64, BareName>,
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
            let bare = last_part(name);
            let entry = self.by_bare_name.entry(hash(bare)).or_default();
            entry.created.push(hash(name));
            entry.without_schema |= bare.len() == name.len();
        }
    }

    /// Whether `name` may be a created table: the same name, or one of the two has no schema.
    fn may_be_created(&self, name: &str) -> bool {
        self.states.contains_key(&hash(name)) || self.same_bare_name(name).is_some()
    }

    /// The hash of the name without its schema, when a table was created that `name` may be.
    fn same_bare_name(&self, name: &str) -> Option<u64> {
        let bare = last_part(name);
        let entry = self.by_bare_name.get(&hash(bare))?;
        (bare.len() == name.len() || entry.without_schema).then(|| hash(bare))
    }

    /// A statement changes a table.
    pub(super) fn alters(&mut self, keeper: &Keeper, name: &str) {
        let hash = hash(name);
        if !self.may_be_created(name) && keeper.may_keep(self.altered.len(), 0) {
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
            None => match self.same_bare_name(name) {
                Some(bare) => self.fill(bare),
                None => keeper.name(missing, name),
            },
        }
    }

    /// The rows may be those of any table with this bare name.
    fn fill(&mut self, bare: u64) {
        let Some(entry) = self.by_bare_name.get_mut(&bare) else { return };
        for hash in std::mem::take(&mut entry.created) {
            self.states.insert(hash, State::Done);
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
            let lost = |name: &&String| !self.may_be_created(name);
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

/// A name without its schema, as a dump spells it.
pub(crate) fn last_part(name: &str) -> &str {
    let mut quote = None;
    let dot = |&(_, byte): &(usize, u8)| {
        match quote {
            Some(open) if byte == open => quote = None,
            None if matches!(byte, b'"' | b'`') => quote = Some(byte),
            _ => {}
        }
        byte == b'.' && quote.is_none()
    };
    let last = name.bytes().enumerate().filter(dot).last();
    last.and_then(|(at, _)| name.get(at + 1..)).unwrap_or(name)
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
