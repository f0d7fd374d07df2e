//! Keeping names without letting a hostile or huge dump decide how much memory that takes: a limit
//! of names for each list and one budget of bytes for the whole examination. What no longer fits is
//! counted, and the list says that it was cut.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::text;

use super::facts::{Grants, Names, Rows};

/// Bytes for all kept text together, allocation overhead included.
const BUDGET: usize = 6 * 1024 * 1024;
/// What a kept string costs besides its own bytes.
const OVERHEAD: usize = 64;
/// Longer names are shortened; PostgreSQL's own limit for one part is 63 bytes.
const LONGEST: usize = 600;

/// The shared budget and the limit for each list.
#[derive(Clone)]
pub(super) struct Keeper {
    left: Arc<AtomicUsize>,
    max_names: usize,
}

impl Keeper {
    /// A full budget, and at most `max_names` in each list.
    pub(super) fn new(max_names: usize) -> Keeper {
        Keeper { left: Arc::new(AtomicUsize::new(BUDGET)), max_names }
    }

    /// Whether a list of `have` may take `bytes` more; if so, they are paid for.
    pub(super) fn may_keep(&self, have: usize, bytes: usize) -> bool {
        let cost = bytes + OVERHEAD;
        have < self.max_names
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok()
    }

    /// Counts one more object and keeps its name while there is room.
    pub(super) fn name(&self, names: &mut Names, name: &str) {
        names.count += 1;
        let name = shorten(name);
        if self.may_keep(names.names.len(), name.len()) {
            names.names.push(name.into_owned());
        } else {
            names.names_cut = true;
        }
    }

    /// Adds rows to a table.
    pub(super) fn rows(&self, rows: &mut Rows, table: &str, count: u64) {
        rows.total += count;
        let table = shorten(table);
        if let Some(have) = rows.by_table.get_mut(table.as_ref()) {
            *have += count;
        } else if self.may_keep(rows.by_table.len(), table.len()) {
            rows.by_table.insert(table.into_owned(), count);
        } else {
            rows.tables_cut = true;
        }
    }

    /// Counts a grant to a role. Answers no when the role could not be listed.
    pub(super) fn grant(&self, grants: &mut BTreeMap<String, Grants>, role: &str, what: &str) -> bool {
        let role = shorten(role);
        if !grants.contains_key(role.as_ref()) {
            if !self.may_keep(grants.len(), role.len()) {
                return false;
            }
            grants.insert(role.to_string(), Grants::default());
        }
        let Some(entry) = grants.get_mut(role.as_ref()) else {
            return false;
        };
        entry.count += 1;
        let what = shorten(what);
        if self.may_keep(entry.what.len(), what.len()) {
            entry.what.push(what.into_owned());
        } else {
            entry.what_cut = true;
        }
        true
    }
}

/// The beginning of a name or a message, up to the end of a word.
pub(super) fn shorten(text: &str) -> Cow<'_, str> {
    text::beginning(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_the_cut_is_said() {
        let keeper = Keeper::new(2);
        let (mut names, mut rows) = (Names::default(), Rows::default());
        for name in ["a", "b", "c"] {
            keeper.name(&mut names, name);
            keeper.rows(&mut rows, name, 5);
        }
        assert_eq!((names.count, names.names.len(), names.names_cut), (3, 2, true));
        assert_eq!((rows.total, rows.by_table.len(), rows.tables_cut), (15, 2, true));
    }

    #[test]
    fn the_budget_ends_even_when_lists_have_room() {
        let keeper = Keeper::new(usize::MAX);
        let mut names = Names::default();
        let long = "ä".repeat(300);
        for _ in 0..20_000 {
            keeper.name(&mut names, &long);
        }
        assert!(names.names_cut && names.names.len() < 11_000);
        assert_eq!(names.count, 20_000);
    }
}
