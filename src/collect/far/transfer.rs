//! `transfer`: what was sent against what arrived, how fast that would have been, and whether the
//! parts make the whole. It checks figures that were claimed; it does not send.

use std::path::PathBuf;

use serde::Deserialize;

use crate::base::quantity::{self, Quantity};
use crate::base::{files, text};
use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, settings, subject};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason, split_reference};
use crate::model::plan::{Action, Verb};
use crate::model::value::{Map, Value};

use super::Pair;

/// The collector.
pub struct Transfer;

static DOC: Doc = Doc {
    name: "transfer",
    summary: "a file sent against the file received: size, SHA-256, the rate that a duration means, parts and whole",
    detail: "Compares size and SHA-256 on both sides as `file.same` does. With `duration` (or `duration_of`, a value of \
             an earlier fact in seconds) the rate follows from the size here; a rate that no line carries shows that \
             the stamps do not belong to this transfer. With `parts` their sizes are added and held against the \
             file here; an archive adds some bytes of its own, which `tolerance` allows.",
    needs_target: false,
    settings: &[
        Setting { name: "path", kind: "text", required: true, meaning: "the file here" },
        Setting { name: "there", kind: "text", required: true, meaning: "the file there, as in `file.same`" },
        Setting {
            name: "duration",
            kind: "duration",
            required: false,
            meaning: "how long the sending took, e.g. `11s`",
        },
        Setting {
            name: "duration_of",
            kind: "fact path",
            required: false,
            meaning: "the same from an earlier fact: seconds, or text such as `11s`",
        },
        Setting {
            name: "parts",
            kind: "list of sizes or paths",
            required: false,
            meaning: "what the file was made of",
        },
        Setting {
            name: "tolerance",
            kind: "size (`0`)",
            required: false,
            meaning: "by how much the parts may differ from the whole",
        },
    ],
    values: &[
        ("path", "the file here"),
        ("there", "the file there, as given"),
        ("result", "`match`, `mismatch` or `absent`"),
        ("same", "whether both sides have it with the same digest"),
        ("local_sha256", "the digest here"),
        ("local_bytes", "the size here"),
        ("remote_sha256", "the digest there; missing when there is no file or no answer"),
        ("remote_bytes", "the size there"),
        ("bytes_equal", "whether the sizes are equal, which proves nothing about content"),
        ("duration_seconds", "how long the sending took, as said"),
        ("rate_bytes_per_second", "the size here by that duration, whole bytes"),
        ("parts", "a list of: part, bytes"),
        ("parts_bytes", "all parts together"),
        ("parts_difference_bytes", "the file here less its parts"),
        ("parts_add_up", "whether that is within the tolerance"),
        ("reached.engine", "in a container: the endpoint of the engine that was asked"),
        ("reached.host_key", "over `ssh`: the host key that was seen and found in known_hosts, type and SHA-256"),
    ],
    example: "- id: upload\n  uses: transfer\n  with:\n    path: /srv/backups/nightly.tar\n    \
              there: \"ssh:nas.example.org:/volume/nightly.tar\"\n    duration: 11s\n    parts: [50 MB, 170 MB, 80 KB]\n    \
              tolerance: 4 MB\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    there: String,
    #[serde(default)]
    duration: Option<Value>,
    #[serde(default)]
    duration_of: Option<String>,
    #[serde(default)]
    parts: Vec<Value>,
    #[serde(default)]
    tolerance: Option<Value>,
}

/// One part: a size that was said, or a file.
enum Part {
    Said(String, u64),
    File(PathBuf),
}

struct Look {
    pair: Pair,
    duration: Option<f64>,
    duration_of: Option<String>,
    parts: Vec<Part>,
    tolerance: u64,
}

impl Collector for Transfer {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        let pair = Pair::of(settings, &with.path, &with.there)?;
        if with.duration.is_some() && with.duration_of.is_some() {
            return Err(SettingError::new("with: give `duration` or `duration_of`, not both"));
        }
        let duration =
            with.duration.as_ref().map(|value| settings::seconds("duration", Some(value), 0.0)).transpose()?;
        if let Some(reference) = &with.duration_of {
            let (id, path) = split_reference(reference);
            settings.earlier_step("duration_of", id)?;
            if path.is_empty() {
                return Err(SettingError::new("with: duration_of: names a fact and not one of its values"));
            }
        }
        Ok(Box::new(Look {
            pair,
            duration,
            duration_of: with.duration_of,
            parts: with.parts.iter().map(|part| self::part(settings, part)).collect::<Result<_, _>>()?,
            tolerance: settings::bytes("tolerance", with.tolerance.as_ref(), 0)?,
        }))
    }
}

fn part(settings: &Settings<'_>, written: &Value) -> Result<Part, SettingError> {
    let said = |bytes| Part::Said(written.to_string(), bytes);
    match written {
        Value::Int(bytes) => u64::try_from(*bytes).map(said).map_err(|_| SettingError::new("with: parts: below 0")),
        Value::Text(text) => Ok(match quantity::parse(text) {
            Ok(Quantity::Bytes(bytes)) => said(bytes),
            _ => Part::File(settings.path(text)),
        }),
        _ => Err(SettingError::new("with: parts: each is a size such as `50 MB` or a path")),
    }
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        let mut actions = self.pair.plan();
        actions.extend(self.parts.iter().filter_map(|part| match part {
            Part::File(path) => Some(Action::new(Verb::Read, text::from_name(path))),
            Part::Said(..) => None,
        }));
        actions
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let (sides, mut seen) = self.pair.look(self.plan(), ["local", "remote"], surroundings);
        match (&sides.here.bytes, &sides.there.bytes) {
            (Ok(here), Ok(there)) => seen.set("bytes_equal", here == there),
            (Err(absence), _) | (_, Err(absence)) => seen.miss("bytes_equal", absence.clone()),
        }
        self.rate(&sides.here.bytes, surroundings, &mut seen);
        self.sum(&sides.here.bytes, &mut seen);
        Raw::new(seen)
    }
}

impl Look {
    fn rate(&self, bytes: &Result<u64, Absence>, surroundings: &Surroundings<'_>, seen: &mut Observation) {
        let seconds = match self.seconds(surroundings) {
            Ok(seconds) => seconds,
            Err(absence) => {
                seen.miss("duration_seconds", absence.clone());
                return seen.miss("rate_bytes_per_second", absence);
            }
        };
        match Value::real(seconds) {
            Some(value) => seen.set("duration_seconds", value),
            None => seen.miss("duration_seconds", Absence::new(Reason::Unparsable, "the duration is not finite")),
        }
        match bytes {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^64")]
            #[expect(clippy::cast_precision_loss, reason = "a rate in whole bytes")]
            Ok(bytes) if seconds > 0.0 => seen.set("rate_bytes_per_second", (*bytes as f64 / seconds).round() as u64),
            Ok(_) => {
                let why = "the duration is 0, in which nothing can be sent";
                seen.miss("rate_bytes_per_second", Absence::new(Reason::NotApplicable, why));
            }
            Err(absence) => seen.miss("rate_bytes_per_second", absence.clone()),
        }
    }

    fn seconds(&self, surroundings: &Surroundings<'_>) -> Result<f64, Absence> {
        if let Some(seconds) = self.duration {
            return Ok(seconds);
        }
        let Some(reference) = &self.duration_of else {
            return Err(Absence::new(Reason::NotApplicable, "no duration was given"));
        };
        let (id, path) = split_reference(reference);
        let fact = surroundings.facts.iter().find(|fact| fact.id == id);
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        match fact.and_then(|fact| fact.at(path)) {
            Some(Ok(Value::Int(seconds))) if *seconds >= 0 => Ok(*seconds as f64),
            Some(Ok(Value::Real(seconds))) if *seconds >= 0.0 => Ok(*seconds),
            Some(Ok(Value::Text(text))) => quantity::parse_seconds(text)
                .map_err(|_| Absence::new(Reason::Unparsable, format!("{reference} is no duration"))),
            Some(Ok(_)) => Err(Absence::new(Reason::Unparsable, format!("{reference} is no duration"))),
            Some(Err(absence)) => Err(absence.clone()),
            None => Err(Absence::new(Reason::NotFound, format!("there is no value {reference}"))),
        }
    }

    fn sum(&self, whole: &Result<u64, Absence>, seen: &mut Observation) {
        const VALUES: [&str; 3] = ["parts_bytes", "parts_difference_bytes", "parts_add_up"];
        if self.parts.is_empty() {
            let why = Absence::new(Reason::NotApplicable, "no parts were given");
            return VALUES.iter().chain(&["parts"]).for_each(|name| seen.miss(name, why.clone()));
        }
        let sizes: Vec<(String, Result<u64, Absence>)> = self.parts.iter().map(size).collect();
        let row = |(part, bytes): &(String, Result<u64, Absence>)| {
            let mut row = Map::from([("part".to_owned(), part.as_str().into())]);
            row.extend(bytes.as_ref().ok().map(|bytes| ("bytes".to_owned(), (*bytes).into())));
            Value::Map(row)
        };
        seen.set("parts", sizes.iter().map(row).collect::<Vec<_>>());
        let sum: Result<u64, Absence> = sizes.into_iter().map(|(_, bytes)| bytes).sum();
        let sum = match sum {
            Ok(sum) => sum,
            Err(absence) => return VALUES.iter().for_each(|name| seen.miss(name, absence.clone())),
        };
        seen.set(VALUES[0], sum);
        match whole {
            Ok(whole) => {
                seen.set(VALUES[1], Value::int(i128::from(*whole) - i128::from(sum)));
                seen.set(VALUES[2], whole.abs_diff(sum) <= self.tolerance);
            }
            Err(absence) => VALUES[1..].iter().for_each(|name| seen.miss(name, absence.clone())),
        }
    }
}

fn size(part: &Part) -> (String, Result<u64, Absence>) {
    match part {
        Part::Said(written, bytes) => (written.clone(), Ok(*bytes)),
        Part::File(path) => {
            let shown = text::from_name(path).into_owned();
            let by_hand = format!("stat -- {}", text::shell_word(&shown));
            let bytes =
                files::metadata(path).map(|metadata| metadata.len()).map_err(|e| subject::absence(&e, &by_hand));
            (shown, bytes)
        }
    }
}
