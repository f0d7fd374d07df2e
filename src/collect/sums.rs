//! `file.sums`: a list such as `SHA256SUMS`, really checked: each file that it names is read and hashed
//! here. A list that names nothing, or not what the case needs, is never a match.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::base::digest::Digest;
use crate::base::{files, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct SumsCollector;

const LARGEST: u64 = 4 << 20;

static DOC: Doc = Doc {
    name: "file.sums",
    summary: "a list of digests such as SHA256SUMS, checked: each named file is hashed and compared",
    detail: "Reads a list as `sha256sum` writes it (also its `--tag` form) and hashes every file that it names, in the \
             folder of the list; names that lead out of that folder are not followed. `match` of a row is `match`, \
             `mismatch`, `absent` or `unknown`. That all match proves that the files are those that the list was made of, \
             and nothing about who made the list: whoever can change a file can often change the list beside it.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the list; relative paths start from the case's folder",
        },
        Setting {
            name: "names",
            kind: "list of text",
            required: false,
            meaning: "names that the list must have, as it spells them; one that it lacks is a row `unlisted`",
        },
        Setting { name: "max_files", kind: "number (1000)", required: false, meaning: "refuses to begin with more" },
    ],
    values: &[
        ("exists", "whether the list is there"),
        ("sha256", "SHA-256 of the list itself"),
        ("entries", "number of files that it names"),
        ("rows", "list of `name`, `expected`, `observed` (missing when not read), `match`, `why`"),
        ("by_name", "`match` by name, e.g. `sums.by_name.app.dump`"),
        ("match_count", "number of files whose digest is the listed one"),
        ("score", "both as text, e.g. `2/2`"),
        ("unreadable_lines", "lines that are neither an entry nor empty"),
        ("all_match", "whether every line is an entry, every file matches, and every one of `names` is listed"),
    ],
    example: "- id: sums\n  uses: file.sums\n  with: { path: /srv/backups/SHA256SUMS, names: [app_20260515.dump] }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default = "most")]
    max_files: usize,
}

fn most() -> usize {
    1000
}

struct Ready {
    path: PathBuf,
    names: Vec<String>,
    most: usize,
}

impl Collector for SumsCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { path, names, max_files } = settings.decode()?;
        Ok(Box::new(Ready { path: settings.path(&path), names, most: max_files }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see(surroundings).read_by(self.how()))
    }
}

/// One line of a list.
#[derive(Debug, PartialEq)]
struct Entry {
    name: String,
    sha256: String,
}

/// How one file compares with its line.
struct Row {
    name: String,
    expected: Option<String>,
    observed: Option<String>,
    result: &'static str,
    why: Option<String>,
}

impl Ready {
    fn how(&self) -> String {
        format!("{}, and the SHA-256 of every file that it names beside it", text::from_name(&self.path))
    }

    fn see(&self, surroundings: &Surroundings<'_>) -> Observation {
        let list = match files::read_text(&self.path, LARGEST) {
            Ok(list) => list,
            Err(error) => return subject::unseen(&self.path, &DOC, &error),
        };
        let mut seen = Observation::of(text::from_name(&self.path));
        seen.set("exists", true);
        seen.set("sha256", Digest::of(list.as_bytes()).to_string());
        let (entries, unreadable) = parse(&list);
        seen.set("entries", entries.len());
        if entries.len() > self.most {
            let absence = Absence::new(Reason::Limit, format!("more than {} files: raise `max_files`", self.most));
            subject::miss_the_rest(&mut seen, &DOC, &absence);
            return seen;
        }
        let mut rows: Vec<Row> = entries.into_iter().map(|entry| self.check(entry, surroundings)).collect();
        let listed = |name: &String| rows.iter().any(|row| &row.name == name);
        let unlisted: Vec<String> = self.names.iter().filter(|name| !listed(name)).cloned().collect();
        rows.extend(unlisted.into_iter().map(|name| Row {
            name,
            expected: None,
            observed: None,
            result: "unlisted",
            why: Some("the list does not name it".to_owned()),
        }));
        tell(rows, unreadable, &mut seen);
        seen
    }

    fn check(&self, entry: Entry, surroundings: &Surroundings<'_>) -> Row {
        let (observed, result, why) = match self.digest(&entry.name, surroundings) {
            Ok(observed) if observed == entry.sha256 => (Some(observed), "match", None),
            Ok(observed) => (Some(observed), "mismatch", None),
            Err(absence) if absence.reason == Reason::NotFound => (None, "absent", Some(absence.message)),
            Err(absence) => (None, "unknown", Some(absence.message)),
        };
        Row { name: entry.name, expected: Some(entry.sha256), observed, result, why }
    }

    fn digest(&self, name: &str, surroundings: &Surroundings<'_>) -> Result<String, Absence> {
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(name).components().all(inside) {
            return Err(Absence::new(Reason::NotApplicable, "the name leads out of the list's folder; not read"));
        }
        let path = self.path.parent().unwrap_or(Path::new(".")).join(name);
        let settle = format!("sudo sha256sum -- {}", text::shell_word(&text::from_name(&path)));
        let (mut file, before) = files::open(&path).map_err(|error| subject::absence(&error, &settle))?;
        let digest = subject::sha256(&mut file, &before, &path, surroundings.progress)?;
        Ok(digest.to_string())
    }
}

fn tell(rows: Vec<Row>, unreadable: usize, seen: &mut Observation) {
    let of = |result: &str| rows.iter().filter(|row| row.result == result).count();
    let (matching, unknown) = (of("match"), of("unknown"));
    seen.set("match_count", matching);
    seen.set("score", format!("{matching}/{}", rows.len()));
    seen.set("unreadable_lines", unreadable);
    if matching + unknown < rows.len() || unreadable > 0 {
        seen.set("all_match", false);
    } else if rows.is_empty() {
        seen.miss("all_match", Absence::new(Reason::Unparsable, "the list names no file"));
    } else if unknown > 0 {
        seen.miss("all_match", Absence::new(Reason::Unavailable, "a file of the list could not be read"));
    } else {
        seen.set("all_match", true);
    }
    seen.set("by_name", rows.iter().map(|row| (row.name.clone(), row.result.into())).collect::<Map>());
    seen.set("rows", rows.into_iter().map(row_value).collect::<Vec<_>>());
}

fn row_value(row: Row) -> Value {
    let mut map = Map::from([("name".to_owned(), row.name.into()), ("match".to_owned(), row.result.into())]);
    for (key, value) in [("expected", row.expected), ("observed", row.observed), ("why", row.why)] {
        if let Some(value) = value {
            map.insert(key.to_owned(), value.into());
        }
    }
    Value::Map(map)
}

/// The entries of a list, and how many lines are none.
fn parse(list: &str) -> (Vec<Entry>, usize) {
    let lines = list.lines().filter(|line| !line.trim().is_empty());
    let parsed: Vec<Option<Entry>> = lines.map(entry).collect();
    let unreadable = parsed.iter().filter(|entry| entry.is_none()).count();
    (parsed.into_iter().flatten().collect(), unreadable)
}

/// `DIGEST  name`, `DIGEST *name` or `SHA256 (name) = DIGEST`; a line that begins with a backslash has
/// a name with escapes.
fn entry(line: &str) -> Option<Entry> {
    let (line, escaped) = line.strip_prefix('\\').map_or((line, false), |line| (line, true));
    let (sha256, name) = match line.strip_prefix("SHA256 (") {
        Some(rest) => rest.rsplit_once(") = ").map(|(name, sha256)| (sha256, name))?,
        None => {
            let (sha256, rest) = line.split_at_checked(64)?;
            (sha256, rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?)
        }
    };
    let fits = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()) && !name.is_empty();
    let name = if escaped { unescape(name)? } else { name.to_owned() };
    fits.then(|| Entry { name, sha256: sha256.to_ascii_lowercase() })
}

fn unescape(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                '\\' => '\\',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::testing::look;
    use super::*;

    fn sums(folder: &Path, list: &str, more: &str) -> Observation {
        let path = folder.join("SHA256SUMS");
        files::write(&path, list.as_bytes()).unwrap();
        look(&SumsCollector, &format!("{{ path: {path:?}{more} }}"))
    }

    #[test]
    fn every_named_file_is_hashed() {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("app.dump"), b"app").unwrap();
        files::write(&folder.path().join("a\nb"), b"odd").unwrap();
        let line = |text: &[u8], name: &str| format!("{}  {name}\n", Digest::of(text));
        let list = format!(
            "{}\\{}SHA256 (app.dump) = {}\n",
            line(b"app", "app.dump"),
            line(b"odd", "a\\nb"),
            Digest::of(b"app").to_string().to_uppercase()
        );
        let seen = sums(folder.path(), &list, ", names: [app.dump]");
        assert_eq!((&seen.values["score"], &seen.values["all_match"]), (&"3/3".into(), &true.into()));
        assert_eq!(seen.values["by_name"].at("app.dump"), Some(&"match".into()));

        let seen = sums(folder.path(), &line(b"App", "app.dump"), "");
        assert_eq!(seen.values["by_name"].at("app.dump"), Some(&"mismatch".into()));
        assert_eq!(seen.values["all_match"], false.into());
        let seen = sums(folder.path(), &line(b"app", "gone.dump"), "");
        assert_eq!(seen.values["by_name"].at("gone.dump"), Some(&"absent".into()));
        // What the case is about is not in the list, however well the rest fits.
        let seen = sums(folder.path(), &line(b"app", "app.dump"), ", names: [other.dump]");
        assert_eq!((&seen.values["score"], &seen.values["all_match"]), (&"1/2".into(), &false.into()));
        let seen = sums(folder.path(), &(line(b"app", "app.dump") + "abc  app.dump\n"), "");
        assert_eq!((&seen.values["unreadable_lines"], &seen.values["all_match"]), (&1_u64.into(), &false.into()));
    }

    #[test]
    fn nothing_listed_and_what_cannot_be_read_is_no_match() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sums(folder.path(), "\n", "").missing["all_match"].reason, Reason::Unparsable);
        let outside = format!("{}  ../app.dump\n{}  /etc/passwd\n", Digest::of(b"x"), Digest::of(b"x"));
        let seen = sums(folder.path(), &outside, "");
        assert_eq!(seen.missing["all_match"].reason, Reason::Unavailable);
        assert_eq!(seen.values["match_count"], 0_u64.into());
        let gone = look(&SumsCollector, &format!("{{ path: {:?} }}", folder.path().join("none")));
        assert_eq!((&gone.values["exists"], gone.missing["all_match"].reason), (&false.into(), Reason::NotFound));
    }
}
