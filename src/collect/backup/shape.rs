//! Gives the findings of the examiner the shape of an observation: flat, with long lists cut and said
//! so, and with every part that is not there missing for a reason.

use std::fs::Metadata;

use crate::base::{quantity, text};
use crate::examine::{Examination, Kind, Member};
use crate::model::fact::{Absence, Attachment, Observation, Reason};
use crate::model::value::{Map, Value};

use super::super::subject;
use super::{Ready, doc};

/// What says nothing when the file was not decoded to its end.
const NEEDS_THE_END: [&str; 13] = [
    "payload_bytes",
    "payload_sha256",
    "payload_normalised_sha256",
    "gzip",
    "zstd",
    "lz4",
    "sqlite",
    "sql",
    "tar",
    "custom",
    "copy_data",
    "payload",
    "member",
];
/// Findings that are there only when something is wrong: `none` says that nothing is.
const TROUBLES: [(&str, &str); 7] = [
    ("gzip", "damage"),
    ("zstd", "damage"),
    ("lz4", "damage"),
    ("sqlite", "damage"),
    ("tar", "damage"),
    ("custom", "damage"),
    ("sql", "ends_inside"),
];

/// Puts what the file system says in `seen`; its kind is called `file_kind` here.
pub fn describe(metadata: &Metadata, seen: &mut Observation) {
    subject::describe(metadata, &mut seen.values);
    if let Some(kind) = seen.values.remove("kind") {
        seen.set("file_kind", kind);
    }
}

/// Puts what was found in `seen`.
pub fn tell(ready: &Ready, found: Examination, seen: &mut Observation) {
    match &found.stored_sha256 {
        Some(digest) => seen.set("sha256", digest.clone()),
        None => seen.miss("sha256", limit(&found, ready).unwrap_or_else(not_there)),
    }
    let cut_short = limit(&found, ready);
    let chosen = match &ready.member {
        Some(_) if cut_short.is_some() => Ok(found),
        Some(name) => member(found, name, seen),
        None => {
            seen.miss("member", Absence::new(Reason::NotApplicable, "the case names no member"));
            Ok(found)
        }
    };
    match chosen {
        Ok(found) => tell_findings(ready, &found, cut_short, seen),
        Err(absence) => subject::miss_the_rest(seen, &doc::DOC, &absence),
    }
}

/// Why the file was not read to its end.
fn limit(found: &Examination, ready: &Ready) -> Option<Absence> {
    let name = text::from_name(&ready.path);
    if found.time_limit_hit {
        let time = quantity::show_seconds(ready.time_limit.as_secs_f64());
        let message = format!("{name}: `time_limit` of {time} reached; give it more time");
        return Some(Absence::new(Reason::TimedOut, message));
    }
    let most = ready.options.expansion_limit.unwrap_or(u64::MAX);
    let message = || format!("{name}: `expansion_limit` of {most} bytes reached; allow more if that size is right");
    found.expansion_limit_hit.then(|| Absence::new(Reason::Limit, message()))
}

/// The member called `name`, with what holds it noted in `seen`.
fn member(found: Examination, name: &str, seen: &mut Observation) -> Result<Examination, Absence> {
    let wanted = name.trim_start_matches("./");
    let unseen = |reason, message: &str| Err(Absence::new(reason, format!("{}: {message}", seen.source)));
    let Some(tar) = tar_of(found) else { return unseen(Reason::NotApplicable, "is no tar archive and has no members") };
    let cut = tar.members_cut || !tar.valid;
    let holds = |member: &Member| member.name.trim_start_matches("./") == wanted;
    let mut members: Vec<Member> = tar.members.into_iter().filter(holds).collect();
    match (members.pop(), members.is_empty()) {
        (Some(member), true) => {
            let mut values = Map::new();
            values.insert("name".into(), member.name.into());
            values.insert("size_bytes".into(), member.size.into());
            values.insert("archive_valid".into(), tar.valid.into());
            seen.set("member", values);
            Ok(member.examination)
        }
        (Some(_), false) => unseen(Reason::Unparsable, "several members have that name"),
        (None, _) if cut => unseen(Reason::Limit, "no such member among those that could be listed"),
        (None, _) => unseen(Reason::NotFound, "no such member in the archive"),
    }
}

fn tar_of(found: Examination) -> Option<Box<crate::examine::Tar>> {
    found.tar.or_else(|| found.payload.and_then(|inside| tar_of(*inside)))
}

fn tell_findings(ready: &Ready, found: &Examination, cut_short: Option<Absence>, seen: &mut Observation) {
    let Ok(Value::Map(mut values)) = Value::from_data(found) else {
        let absence = Absence::new(Reason::Failed, "the findings could not be put into values");
        return subject::miss_the_rest(seen, &doc::DOC, &absence);
    };
    if let Some(why) = cut_short {
        keep_partial(&mut values, seen, &why);
        seen.miss("expect", why);
    } else {
        ready.expect.tell(found, seen);
        seen.miss("partial", Absence::new(Reason::NotApplicable, "it was read to its end"));
    }
    for (part, trouble) in TROUBLES {
        if let Some(Value::Map(part)) = values.get_mut(part) {
            part.entry(trouble.to_owned()).or_insert_with(|| "none".into());
        }
    }
    let mut whole = Map::new();
    shorten(&mut values, "", ready.max_names, &mut whole);
    if !whole.is_empty() {
        let bytes = serde_json::to_vec(&Value::Map(whole)).unwrap_or_default();
        seen.attachments.push(Attachment { name: "names.json".into(), bytes });
    }
    seen.values.extend(values);
    miss_absent_parts(ready, found, seen);
}

/// What came out before the limit is kept apart: as a total it would be wrong.
fn keep_partial(values: &mut Map, seen: &mut Observation, why: &Absence) {
    let mut partial = Map::new();
    for name in ["stored_bytes", "payload_bytes"] {
        if let Some(value) = values.get(name) {
            partial.insert(name.to_owned(), value.clone());
        }
    }
    seen.set("partial", partial);
    for name in NEEDS_THE_END {
        values.remove(name);
        seen.miss(name, why.clone());
    }
}

/// Cuts lists that are too long for a record; the whole list goes to `whole` under its path.
fn shorten(values: &mut Map, above: &str, most: usize, whole: &mut Map) {
    let mut cut = Vec::new();
    for (key, value) in values.iter_mut() {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            Value::Map(map) => shorten(map, &path, most, whole),
            Value::List(list) => {
                if list.len() > most {
                    whole.insert(path.clone(), Value::List(list.clone()));
                    list.truncate(most);
                    cut.push(format!("{key}_cut"));
                }
                for (index, item) in list.iter_mut().enumerate() {
                    if let Value::Map(map) = item {
                        shorten(map, &format!("{path}.{index}"), most, whole);
                    }
                }
            }
            _ => {}
        }
    }
    for key in cut {
        values.insert(key, true.into());
    }
}

fn miss_absent_parts(ready: &Ready, found: &Examination, seen: &mut Observation) {
    for name in ["payload_sha256", "payload_normalised_sha256"] {
        if !seen.values.contains_key(name) && !seen.missing.contains_key(name) {
            seen.miss(name, no_payload_digest(ready, found));
        }
    }
    if let Some(Value::Map(sql)) = seen.values.get("sql") {
        let absent = |name: &&str| !sql.contains_key(*name);
        for name in
            ["server_version", "dump_version", "unterminated_copy"].into_iter().filter(absent).collect::<Vec<_>>()
        {
            seen.miss(&format!("sql.{name}"), not_there());
        }
    }
    subject::miss_the_rest(seen, &doc::DOC, &not_there());
}

fn no_payload_digest(ready: &Ready, found: &Examination) -> Absence {
    match (ready.options.payload_digests, found.kind) {
        (false, _) => Absence::new(Reason::NotApplicable, "the case asks for no digest of the payload"),
        (true, Kind::Tar | Kind::PgCustom) => not_there(),
        (true, _) => Absence::new(Reason::Unparsable, "the payload could not be decoded to its end as SQL text"),
    }
}

fn not_there() -> Absence {
    Absence::new(Reason::NotApplicable, "this backup has no such part")
}
