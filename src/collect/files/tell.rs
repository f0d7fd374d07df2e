//! Puts an inventory into the words of the observation; what was not seen takes the totals that
//! depend on it along.

use crate::base::text;
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::value::{Map, Value};

use super::super::subject::Names;
use super::Ready;
use super::baseline::{Ages, ages, median, share, stands_out};
use super::entry::{Entry, Inventory};
use super::walk::Walked;

/// Values that depend on every entry having been listed, or described.
const LISTED: [&str; 2] = ["count", "others"];
const DESCRIBED: [&str; 5] = ["total_bytes", "newest", "oldest", "baseline", "outliers"];

/// Fills `seen`.
pub fn tell(ready: &Ready, inventory: Inventory, seen: &mut Observation) {
    let Inventory { entries, walked, lines } = inventory;
    tell_unread(ready, &walked, &entries, seen);
    miss_totals(ready, &walked, &entries, seen);
    tell_counts(&entries, seen);
    let mut teller = Teller { ready, entries: &entries, names: Names::default(), median: None };
    teller.tell_sizes(seen);
    teller.tell_entries(seen);
    if entries.len() > ready.limit {
        seen.attachments.push(Attachment { name: "entries.jsonl".into(), bytes: lines });
    }
    // What is missing must not be there as a value too.
    let missing: Vec<String> = seen.missing.keys().cloned().collect();
    for name in missing {
        seen.values.remove(&name);
    }
}

fn tell_unread(ready: &Ready, walked: &Walked, entries: &[Entry], seen: &mut Observation) {
    let mut list: Vec<Value> = Vec::new();
    let mut note = |path: &str, what: &str, absence: &Absence| {
        let pairs = [("path", path), ("what", what), ("reason", absence.reason.word())];
        list.push(Value::Map(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect()));
    };
    for (path, absence) in &walked.unlisted {
        note(&text::from_name(path.strip_prefix(&ready.path).unwrap_or(path)), "listing", absence);
    }
    for (entry, unread) in entries.iter().filter_map(|entry| Some((entry, entry.unread.as_deref()?))) {
        note(&entry.name(), unread.0, &unread.1);
    }
    seen.set("complete", list.is_empty() && !walked.limited);
    seen.set("unreadable_total", list.len());
    seen.set("unreadable_cut", list.len() > ready.limit.max(1));
    list.truncate(ready.limit.max(1));
    seen.set("unreadable", Value::List(list));
}

fn miss_totals(ready: &Ready, walked: &Walked, entries: &[Entry], seen: &mut Observation) {
    let mut miss = |names: &[&str], why: Option<Absence>| {
        for name in names.iter().filter(|_| why.is_some()) {
            seen.missing.entry((*name).to_owned()).or_insert_with(|| why.clone().unwrap_or_else(nothing));
        }
    };
    let unread = |wanted: &str| {
        let mut all = entries.iter().filter_map(|entry| entry.unread.as_deref());
        all.find(|(what, _)| *what == wanted).map(|(_, why)| why.clone())
    };
    let unlisted = walked.unlisted.first().map(|(_, absence)| absence.clone()).or_else(|| {
        let message = || format!("more than `max_files`, {}, entries", ready.max_files);
        walked.limited.then(|| Absence::new(Reason::Limit, message()))
    });
    if !ready.sha256 {
        miss(&["digests"], Some(Absence::new(Reason::NotApplicable, "the case asks for no digests")));
    }
    for why in [unlisted, unread("metadata")] {
        miss(&LISTED, why.clone());
        miss(&DESCRIBED, why.clone());
        miss(&["digests"], why);
    }
    miss(&["digests"], unread("content"));
}

fn tell_counts(entries: &[Entry], seen: &mut Observation) {
    let (mut count, mut bytes, mut digests) = (0_u64, 0_u64, 0_u64);
    for entry in entries {
        digests += u64::from(entry.sha256.is_some());
        if let Some(about) = entry.file() {
            count += 1;
            bytes += about.size;
        }
    }
    seen.set("count", count);
    seen.set("count_seen", count);
    seen.set("others", entries.len() as u64 - count);
    seen.set("total_bytes", bytes);
    seen.set("digests", digests);
}

struct Teller<'a> {
    ready: &'a Ready,
    entries: &'a [Entry],
    names: Names,
    median: Option<u64>,
}

impl Teller<'_> {
    fn tell_sizes(&mut self, seen: &mut Observation) {
        let ages = ages(self.entries);
        let usual = ages.newest.and_then(|newest| median(self.entries, newest));
        self.median = usual.map(|(median, _)| median);
        for (name, at) in [("oldest", ages.oldest), ("newest", ages.newest)] {
            match at {
                Some(at) => seen.set(name, self.map(at)),
                None => miss(seen, name, Absence::new(Reason::NotFound, "no regular file matches")),
            }
        }
        match usual {
            Some((median, of)) => self.tell_baseline(&ages, median, of, seen),
            None => {
                for name in ["baseline", "outliers", "outliers_total"] {
                    miss(seen, name, nothing());
                }
            }
        }
    }

    fn tell_baseline(&self, ages: &Ages, median: u64, of: usize, seen: &mut Observation) {
        let size = |at: Option<usize>| at.and_then(|at| self.entries[at].file()).map_or(0, |about| about.size);
        let (newest, previous) = (size(ages.newest), size(ages.previous));
        let mut map = Map::new();
        map.insert("median_bytes".into(), median.into());
        map.insert("median_of".into(), of.into());
        map.insert("previous_bytes".into(), previous.into());
        if let Some(at) = ages.previous {
            map.insert("previous_path".into(), self.entries[at].name().into());
        }
        map.insert("newest_bytes".into(), newest.into());
        map.insert("tolerance".into(), Value::Real(self.ready.tolerance));
        put_share("newest_share_of_median", share(newest, median), &mut map);
        put_share("newest_share_of_previous", share(newest, previous), &mut map);
        seen.set("baseline", map);
        self.tell_outliers(median, seen);
    }

    fn tell_outliers(&self, median: u64, seen: &mut Observation) {
        let mut list = Vec::new();
        let mut total = 0_u64;
        for entry in self.entries {
            let size = entry.file().map(|about| about.size);
            let Some(size) = size.filter(|size| stands_out(*size, median, self.ready.tolerance)) else { continue };
            total += 1;
            if list.len() < self.ready.limit {
                let mut map = Map::new();
                map.insert("path".into(), entry.name().into());
                map.insert("size_bytes".into(), size.into());
                put_share("share", share(size, median), &mut map);
                list.push(Value::Map(map));
            }
        }
        seen.set("outliers_total", total);
        seen.set("outliers_cut", total > list.len() as u64);
        seen.set("outliers", Value::List(list));
    }

    fn tell_entries(&mut self, seen: &mut Observation) {
        let (total, limit) = (self.entries.len(), self.ready.limit);
        let (head, tail) = if total > limit { (limit - limit / 2, total - limit / 2) } else { (total, total) };
        let shown = (0..head).chain(tail..total).map(|at| self.map(at).into()).collect();
        seen.set("entries", Value::List(shown));
        seen.set("entries_cut", total > limit);
        seen.set("entries_total", total);
    }

    fn map(&mut self, at: usize) -> Map {
        let entry = &self.entries[at];
        let value = entry.told(&mut self.names, |told| Value::from_data(told));
        let Ok(Value::Map(mut map)) = value else { return Map::new() };
        if let (Some(about), Some(median)) = (entry.file(), self.median) {
            put_share("share_of_median", share(about.size, median), &mut map);
        }
        map
    }
}

fn nothing() -> Absence {
    Absence::new(Reason::NotApplicable, "a baseline needs at least two files")
}

fn miss(seen: &mut Observation, name: &str, why: Absence) {
    seen.missing.entry(name.to_owned()).or_insert(why);
}

fn put_share(name: &str, share: Option<f64>, map: &mut Map) {
    if let Some(share) = share.and_then(whole_or_real) {
        map.insert(name.to_owned(), share);
    }
}

/// JSON writes 1.0 as 1, so a whole number is one from the beginning.
fn whole_or_real(number: f64) -> Option<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    let whole = (number.fract() == 0.0 && number < 1.0e15).then_some(Value::Int(number as i64));
    whole.or_else(|| Value::real(number))
}
