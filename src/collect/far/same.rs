//! `file.same`: whether a file here and a file there have the same content: before a script is run
//! there, and after a file was sent.

use serde::Deserialize;

use crate::collect::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings};
use crate::hygiene::Raw;
use crate::model::fact::Observation;
use crate::model::plan::Action;

use super::Pair;

/// The collector.
pub struct Same;

static DOC: Doc = Doc {
    name: "file.same",
    summary: "SHA-256 of one file here and there: match, mismatch or absent",
    detail: "Hashes the file here and asks `sha256sum` on the other side, over `ssh`, in a container, or under another \
             path. `absent` means that a side established that there is no file, or that it answered with nothing; a \
             side that could not be asked is an absence with its reason, and no result. The size is asked first, with \
             a limit of 30 s; a far side that does not answer is not asked for the digest. The digest there is what the \
             programs there say: a host that lies is not found out.",
    needs_target: false,
    settings: &[
        Setting { name: "path", kind: "text", required: true, meaning: "the file here; a link is refused" },
        Setting {
            name: "there",
            kind: "text",
            required: true,
            meaning: "`ssh:HOST:/path`, `docker:NAME:/path`, `podman:NAME:/path`, `ssh:HOST/docker:NAME:/path` or `local:/path`",
        },
    ],
    values: &[
        ("path", "the file here"),
        ("there", "the file there, as given"),
        ("result", "`match`, `mismatch` or `absent`"),
        ("same", "whether both sides have it with the same digest"),
        ("here_sha256", "the digest here"),
        ("here_bytes", "the size here"),
        ("there_sha256", "the digest there; missing when there is no file or no answer"),
        ("there_bytes", "the size there, in bytes"),
        ("reached.engine", "in a container: the endpoint of the engine that was asked"),
        ("reached.host_key", "over `ssh`: the host key that was seen and found in known_hosts, type and SHA-256"),
    ],
    example: "- id: provenance\n  uses: file.same\n  with: { path: tools/verify.sh, there: \"ssh:db.example.org:/opt/verify.sh\" }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    there: String,
}

struct Look(Pair);

impl Collector for Same {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { path, there } = settings.decode()?;
        Ok(Box::new(Look(Pair::of(settings, &path, &there)?)))
    }
}

impl Prepared for Look {
    fn plan(&self) -> Vec<Action> {
        self.0.plan()
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.0.look(self.plan(), ["here", "there"], surroundings).1)
    }
}
