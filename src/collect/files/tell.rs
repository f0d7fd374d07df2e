//! Puts an inventory into the words of the observation; what was not seen takes the totals that
//! depend on it along.

use crate::base::text;
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::value::{Map, Value};

use super::Ready;
use super::baseline::{self, by_age, share, stands_out};
use super::entry::Entry;
use super::walk::Found;

/// Values that depend on every entry having been listed, or described.
const LISTED: [&str; 2] = ["count", "others"];
const DESCRIBED: [&str; 5] = ["total_bytes", "newest", "oldest", "baseline", "outliers"];

/// Fills `seen`.
pub fn tell(ready: &Ready, found: Found, entries: &mut [Entry], seen: &mut Observation) {
    tell_unread(ready, &found, entries, seen);
    tell_counts(entries, seen);
    let order = by_age(entries);
    tell_sizes(ready, entries, &order, seen);
    // After the totals: a missing one must not be there as a value too.
    let missing: Vec<String> = seen.missing.keys().cloned().collect();
    for name in missing {
        seen.values.remove(&name);
    }
    tell_entries(ready, entries, seen);
}

fn tell_unread(ready: &Ready, found: &Found, entries: &[Entry], seen: &mut Observation) {
    let mut list: Vec<Value> = Vec::new();
    let mut note = |path: &str, what: &str, absence: &Absence| {
        let pairs = [("path", path), ("what", what), ("reason", absence.reason.word())];
        list.push(Value::Map(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect()));
    };
    for (path, absence) in &found.unlisted {
        note(&text::from_name(path.strip_prefix(&ready.path).unwrap_or(path)), "listing", absence);
    }
    for (entry, (what, absence)) in entries.iter().filter_map(|entry| Some((entry, entry.unread.as_ref()?))) {
        note(&entry.path, what, absence);
    }
    seen.set("complete", list.is_empty() && !found.limited);
    seen.set("unreadable_total", list.len());
    list.truncate(ready.limit.max(1));
    seen.set("unreadable", Value::List(list));

    let unlisted = found.unlisted.first().map(|(_, absence)| absence.clone());
    let limited = found
        .limited
        .then(|| Absence::new(Reason::Limit, format!("more than `max_files`, {}, entries", ready.max_files)));
    let unread = |wanted: &str| {
        entries
            .iter()
            .filter_map(|entry| entry.unread.as_ref())
            .find(|(what, _)| *what == wanted)
            .map(|(_, why)| why.clone())
    };
    if let Some(why) = unlisted.or(limited) {
        for name in LISTED.iter().chain(&DESCRIBED).chain(&["digests"]) {
            seen.miss(name, why.clone());
        }
    }
    if let Some(why) = unread("metadata") {
        for name in LISTED.iter().chain(&DESCRIBED) {
            seen.missing.entry((*name).to_owned()).or_insert_with(|| why.clone());
        }
    }
    if !ready.sha256 {
        seen.miss("digests", Absence::new(Reason::NotApplicable, "the case asks for no digests"));
    } else if let Some(why) = unread("content").or_else(|| unread("metadata")) {
        seen.missing.entry("digests".into()).or_insert(why);
    }
}

fn tell_counts(entries: &[Entry], seen: &mut Observation) {
    let files = entries.iter().filter(|entry| entry.is_file());
    let (count, bytes) = files.fold((0_u64, 0_u64), |(n, sum), e| (n + 1, sum + e.size_bytes.unwrap_or(0)));
    seen.set("count", count);
    seen.set("count_seen", count);
    seen.set("others", entries.len() as u64 - count);
    seen.set("total_bytes", bytes);
    seen.set("digests", entries.iter().filter(|entry| entry.sha256.is_some()).count());
}

fn tell_sizes(ready: &Ready, entries: &mut [Entry], order: &[usize], seen: &mut Observation) {
    let Some(usual) = baseline::of(entries, order) else {
        let message = "a baseline needs at least two files";
        for name in ["baseline", "outliers"] {
            seen.missing.entry(name.into()).or_insert_with(|| Absence::new(Reason::NotApplicable, message));
        }
        return tell_ends(entries, order, seen);
    };
    for at in order {
        entries[*at].share_of_median = share(entries[*at].size_bytes.unwrap_or(0), usual.median);
    }
    tell_ends(entries, order, seen);
    let mut map = Map::new();
    let (newest, previous) = (&entries[usual.newest], &entries[usual.previous]);
    let (newest_size, previous_size) = (newest.size_bytes.unwrap_or(0), previous.size_bytes.unwrap_or(0));
    map.insert("median_bytes".into(), usual.median.into());
    map.insert("median_of".into(), usual.of.into());
    map.insert("previous_bytes".into(), previous_size.into());
    map.insert("previous_path".into(), previous.path.clone().into());
    map.insert("newest_bytes".into(), newest_size.into());
    map.insert("tolerance".into(), Value::Real(ready.tolerance));
    put_share("newest_share_of_median", newest.share_of_median, &mut map);
    put_share("newest_share_of_previous", share(newest_size, previous_size), &mut map);
    seen.set("baseline", map);
    tell_outliers(ready, entries, order, seen);
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

fn tell_ends(entries: &[Entry], order: &[usize], seen: &mut Observation) {
    for (name, at) in [("oldest", order.first()), ("newest", order.last())] {
        match at {
            Some(at) => seen.set(name, entry_map(&entries[*at])),
            None => {
                let none = || Absence::new(Reason::NotFound, "no regular file matches");
                seen.missing.entry(name.into()).or_insert_with(none);
            }
        }
    }
}

fn tell_outliers(ready: &Ready, entries: &[Entry], order: &[usize], seen: &mut Observation) {
    let mut at: Vec<usize> = order.to_vec();
    at.sort_unstable();
    let mut list = Vec::new();
    let mut total = 0_u64;
    for entry in at.into_iter().map(|at| &entries[at]) {
        let Some(share) = entry.share_of_median.filter(|share| stands_out(*share, ready.tolerance)) else { continue };
        total += 1;
        if list.len() < ready.limit {
            let mut map = Map::new();
            map.insert("path".into(), entry.path.clone().into());
            map.insert("size_bytes".into(), entry.size_bytes.unwrap_or(0).into());
            put_share("share", Some(share), &mut map);
            list.push(Value::Map(map));
        }
    }
    seen.set("outliers_total", total);
    seen.set("outliers", Value::List(list));
}

fn tell_entries(ready: &Ready, entries: &[Entry], seen: &mut Observation) {
    let cut = entries.len() > ready.limit;
    let shown: Vec<Value> = if cut {
        let half = ready.limit / 2;
        let ends = entries[..ready.limit - half].iter().chain(&entries[entries.len() - half..]);
        ends.map(entry_value).collect()
    } else {
        entries.iter().map(entry_value).collect()
    };
    seen.set("entries", Value::List(shown));
    seen.set("entries_cut", cut);
    seen.set("entries_total", entries.len());
    if cut {
        seen.attachments.push(Attachment { name: "entries.jsonl".into(), bytes: as_lines(entries) });
    }
}

fn as_lines(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 256);
    for entry in entries {
        // Plain data into memory: neither can fail.
        let _ = serde_json::to_writer(&mut out, entry);
        out.push(b'\n');
    }
    out
}

fn entry_value(entry: &Entry) -> Value {
    entry_map(entry).into()
}

fn entry_map(entry: &Entry) -> Map {
    match Value::from_data(entry) {
        Ok(Value::Map(mut map)) => {
            put_share("share_of_median", entry.share_of_median, &mut map);
            map
        }
        _ => Map::from([("path".to_owned(), entry.path.clone().into())]),
    }
}
