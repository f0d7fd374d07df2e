//! The fact `side_effects`: two looks and the facts of both phases, compared. Where something could
//! not be seen, the lists say that they are not whole, and what counts them knows nothing.

use std::path::Path;

use crate::base::{clock, text};
use crate::hygiene::Raw;
use crate::model::action::AFTER;
use crate::model::fact::{Absence, Attachment, Fact, Observation, Reason};
use crate::model::value::{Map, Value};

use super::facts::{self, Pair};
use super::logs::Growth;
use super::watch::{Again, Snapshot, Watched};

/// Entries kept of each list.
const MOST: usize = 1000;

/// What was different between `before` and `after`; `facts` are all of the run so far.
#[must_use]
pub fn effects(watched: &Watched, before: &Snapshot, after: &Again, facts: &[Fact]) -> Raw<Observation> {
    let mut seen = Observation::of("watched folders and logs, and facts of both phases");
    seen.set("from", clock::stamp(before.at));
    seen.set("to", clock::stamp(after.ended));
    folders(&mut seen, watched, before, after);
    logs(&mut seen, watched, &after.logs);
    pairs(&mut seen, facts);
    Raw::new(seen)
}

fn not_asked(what: &str) -> Absence {
    Absence::new(Reason::NotApplicable, format!("the case watches no {what}"))
}

fn folders(seen: &mut Observation, watched: &Watched, before: &Snapshot, after: &Again) {
    if watched.folders.is_empty() {
        let names = ["new_files", "changed_files", "removed_files", "files_cut", "unseen"];
        return names.iter().for_each(|name| seen.miss(name, not_asked("folder")));
    }
    seen.how
        .extend(watched.folders.iter().map(|folder| format!("compared everything below {}", text::from_name(folder))));
    let blind = before.tree.blind(&after.tree);
    let found = before.tree.compare(&after.tree);
    let mut any_cut = false;
    for (name, mut list) in
        [("new_files", found.new), ("changed_files", found.changed), ("removed_files", found.removed)]
    {
        let cut = !blind.is_empty() || list.len() > MOST;
        any_cut |= cut;
        match blind.first() {
            None => seen.set(&format!("{name}_total"), list.len()),
            Some((path, why)) => {
                let message = format!("not everything was seen: {path}: {why}");
                seen.miss(&format!("{name}_total"), Absence::new(Reason::Unavailable, message));
            }
        }
        list.truncate(MOST);
        seen.set(name, Value::List(list));
        seen.set(&format!("{name}_cut"), cut);
    }
    seen.set("files_cut", any_cut);
    let entry = |(path, why): (String, String)| {
        Value::Map(Map::from([("path".to_owned(), path.into()), ("why".to_owned(), why.into())]))
    };
    seen.set("unseen", Value::List(blind.into_iter().take(MOST).map(entry).collect()));
}

fn logs(seen: &mut Observation, watched: &Watched, grown: &[Growth]) {
    if watched.logs.is_empty() {
        return ["logs", "log_lines_added"].iter().for_each(|name| seen.miss(name, not_asked("log")));
    }
    let both = || watched.logs.iter().zip(grown).enumerate();
    seen.how.extend(watched.logs.iter().map(|log| format!("compared the end of {}", text::from_name(log))));
    for (index, (path, growth)) in both() {
        note_gap(seen, index, path, growth);
        if !growth.kept.is_empty() {
            seen.attachments.push(Attachment { name: format!("log-{}.txt", index + 1), bytes: growth.kept.clone() });
        }
    }
    seen.set("logs", Value::List(both().map(|(_, (path, growth))| growth.told(path)).collect()));
    match grown.iter().map(|growth| growth.lines).sum::<Option<usize>>() {
        Some(lines) => seen.set("log_lines_added", lines),
        None => seen.miss("log_lines_added", Absence::new(Reason::Unavailable, "one of the logs cannot tell")),
    }
}

/// What is not known of one log.
fn note_gap(seen: &mut Observation, index: usize, path: &Path, growth: &Growth) {
    let named = format!("{}: {}", text::from_name(path), growth.why.as_deref().unwrap_or_default());
    if growth.state.is_none() {
        seen.miss(&format!("logs.{index}"), Absence::new(Reason::Unavailable, named));
    } else if growth.lines.is_none() {
        seen.miss(&format!("logs.{index}.lines_added"), Absence::new(Reason::Changed, named));
    } else if growth.is_cut() {
        let message = format!("{}: the list has the first lines only", text::from_name(path));
        seen.miss(&format!("logs.{index}.lines_all"), Absence::new(Reason::Limit, message));
    }
}

/// What comparing the facts of both phases gives, and nothing else: it needs no more than a bundle has.
#[must_use]
pub fn compared(facts: &[Fact]) -> Observation {
    let mut seen = Observation::of("facts of both phases");
    pairs(&mut seen, facts);
    seen
}

fn pairs(seen: &mut Observation, all: &[Fact]) {
    let find = |id: &str| all.iter().find(|fact| fact.id == id);
    let pairs = all.iter().filter_map(|after| Some(Pair { before: find(after.id.strip_suffix(AFTER)?)?, after }));
    let pairs: Vec<Pair<'_>> = pairs.collect();
    if pairs.is_empty() {
        let absence = || Absence::new(Reason::NotApplicable, "no step has `phase: both`");
        return ["compared", "differences"].iter().for_each(|name| seen.miss(name, absence()));
    }
    seen.how.extend(pairs.iter().map(|pair| format!("compared the facts {} and {}", pair.before.id, pair.after.id)));
    let found = facts::compare(&pairs);
    for (id, absence) in found.open {
        seen.miss(&format!("compared.{id}.differences"), absence);
    }
    seen.set("compared", found.counts);
    seen.set("differences_cut", found.differences.len() > MOST);
    seen.set("differences", Value::List(found.differences.into_iter().take(MOST).collect()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::files;
    use crate::model::action::Watch;

    fn reveal(raw: Raw<Observation>) -> Observation {
        let mut out = None;
        let _ = raw.map(|seen| out = Some(seen));
        out.unwrap()
    }

    fn watched(folders: &[&str], logs: &[&str], at: &Path) -> Watched {
        let own = |list: &[&str]| list.iter().map(|path| (*path).to_owned()).collect();
        Watched::new(&Watch { folders: own(folders), logs: own(logs) }, at)
    }

    fn fact(id: &str, rest: &str) -> Fact {
        let head =
            format!(r#""id":"{id}","uses":"file","basis":"observed","source":"/x","observed_at":"t","took_ms":1"#);
        serde_json::from_str(&format!("{{{head},{rest}}}")).unwrap()
    }

    #[test]
    fn what_appeared_is_listed_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("b.log"), b"before\n").unwrap();
        let watched = watched(&["."], &["a.log", "b.log"], folder.path());
        let before = watched.look(Path::new("/nowhere"));
        files::write(&folder.path().join("a.log"), b"one\ntwo\n").unwrap();
        let after = watched.look_again(&before, Path::new("/nowhere"));
        let pair = [fact("t", r#""values":{"n":1}"#), fact("t-after", r#""values":{"n":2}"#)];
        let seen = reveal(effects(&watched, &before, &after, &pair));
        assert_eq!(seen.values["new_files_total"], Value::Int(1));
        assert_eq!(seen.values["log_lines_added"], Value::Int(2));
        assert_eq!(seen.values["logs"].at("0.state"), Some(&"new".into()));
        assert_eq!(seen.values["compared"].at("t.differences"), Some(&Value::Int(1)));
        assert_eq!(seen.values["differences"].at("0.path"), Some(&"n".into()));
        assert_eq!(seen.attachments[0].name, "log-1.txt");
        for (value, _) in super::super::doc::EFFECTS.values {
            let top = value.split('.').next().unwrap();
            assert!(seen.values.contains_key(top) || seen.missing.contains_key(top), "{value}");
        }
    }

    #[test]
    fn what_was_not_seen_leaves_the_numbers_open() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("link")).unwrap();
        let watched = watched(&["link"], &["link"], folder.path());
        let before = watched.look(Path::new("/nowhere"));
        let after = watched.look_again(&before, Path::new("/nowhere"));
        let denied = r#""values":{"n":1},"missing":{"m":{"reason":"denied","message":"no"}}"#;
        let pair = [fact("t", denied), fact("t-after", denied)];
        let seen = reveal(effects(&watched, &before, &after, &pair));
        assert_eq!(seen.values["new_files_cut"], true.into());
        for path in ["new_files_total", "log_lines_added", "logs.0", "compared.t.differences"] {
            assert_eq!(seen.missing[path].reason, Reason::Unavailable, "{path}");
        }
        let nothing = Watched { folders: Vec::new(), logs: Vec::new() };
        let seen = reveal(effects(&nothing, &before, &after, &[]));
        for path in ["new_files", "logs", "compared"] {
            assert_eq!(seen.missing[path].reason, Reason::NotApplicable, "{path}");
        }
    }
}
