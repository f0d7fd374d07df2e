//! `file`: one file as the file system describes it, and the digest of its content. It never
//! follows a link, never opens a FIFO, socket or device, and tells "is not there" from "may not be
//! seen", because only the first of the two is an observation.

use std::path::PathBuf;

use serde::Deserialize;

use crate::base::{files, links, text};
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};

use super::doc::with_metadata;
use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct FileCollector;

static DOC: Doc = Doc {
    name: "file",
    summary: "one file: kind, size, mode, owner, times, SHA-256",
    detail: "Describes what stands at a path without following a link and without opening anything but a regular \
             file. That nothing is there is a value (`exists: false`); that permission was denied is an absence, \
             also when it was denied on a folder above. A file that changes while it is read has no digest. \
             The mode says what the permission bits allow; access lists and capabilities are not looked at.",
    needs_target: false,
    settings: &[
        Setting {
            name: "path",
            kind: "text",
            required: true,
            meaning: "the file; relative paths start from the case's folder",
        },
        Setting {
            name: "sha256",
            kind: "boolean (true)",
            required: false,
            meaning: "read the whole content for its digest",
        },
    ],
    values: with_metadata![
        [
            ("exists", "whether anything stands there"),
            ("kind", "`file`, `folder`, `link`, `FIFO`, `socket`, `block device`, `character device`"),
            ("size_bytes", "size in bytes"),
        ],
        ("link_target", "where a symbolic link points, as written, not followed"),
        ("sha256", "SHA-256 of the content, 64 hexadecimal digits"),
    ],
    example: "- id: script\n  uses: file\n  with: { path: /usr/local/bin/pg-backup.sh }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
    #[serde(default = "yes")]
    sha256: bool,
}

fn yes() -> bool {
    true
}

struct Ready {
    path: PathBuf,
    sha256: bool,
}

impl Collector for FileCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let with: With = settings.decode()?;
        Ok(Box::new(Ready { path: settings.path(&with.path), sha256: with.sha256 }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        vec![Action::new(Verb::Read, self.how())]
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        Raw::new(self.see(surroundings))
    }
}

impl Ready {
    fn how(&self) -> String {
        let name = text::from_name(&self.path);
        if self.sha256 { format!("{name}, metadata and SHA-256 of the content") } else { format!("{name}, metadata") }
    }

    fn see(&self, surroundings: &Surroundings<'_>) -> Observation {
        let described = match files::metadata(&self.path) {
            Ok(described) => described,
            Err(error) => return subject::unseen(&self.path, &DOC, &error).read_by(self.how()),
        };
        let mut seen = Observation::of(text::from_name(&self.path)).read_by(self.how());
        links::note_path(&self.path);
        subject::describe(&described, &mut seen.values);
        self.see_link(&mut seen);
        self.see_digest(&mut seen, surroundings);
        seen
    }

    fn see_link(&self, seen: &mut Observation) {
        if seen.values.get("kind").and_then(|kind| kind.as_text()) != Some("link") {
            return seen.miss("link_target", Absence::new(Reason::NotApplicable, "not a symbolic link"));
        }
        match files::link_target(&self.path) {
            Ok(target) => seen.set("link_target", text::from_name(&target)),
            Err(error) => seen.miss("link_target", subject::absence(&error, &self.command("sudo readlink"))),
        }
    }

    fn see_digest(&self, seen: &mut Observation, surroundings: &Surroundings<'_>) {
        if !self.sha256 {
            return seen.miss("sha256", Absence::new(Reason::NotApplicable, "the case asks for no digest"));
        }
        let (mut file, before) = match files::open(&self.path) {
            Ok(open) => open,
            Err(error) => return seen.miss("sha256", subject::absence(&error, &self.command("sudo sha256sum"))),
        };
        // What was opened is what is described, even if something else stood there a moment before.
        subject::describe(&before, &mut seen.values);
        match subject::sha256(&mut file, &before, &self.path, surroundings.progress) {
            Ok(digest) => seen.set("sha256", digest.to_string()),
            Err(absence) => seen.miss("sha256", absence),
        }
    }

    fn command(&self, program: &str) -> String {
        format!("{program} -- {}", text::shell_word(&text::from_name(&self.path)))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::super::testing::{look, prepare, without_privileges};
    use super::*;
    use crate::base::digest::Digest;

    fn see(path: &Path) -> Observation {
        look(&FileCollector, &format!("{{ path: {path:?} }}"))
    }

    fn fifo(path: &Path) {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    }

    #[test]
    fn a_file_is_described_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pg backup.sh");
        files::write(&path, b"#!/bin/sh\n").unwrap();
        files::set_mode(&path, 0o757).unwrap();
        let seen = see(&path);
        assert_eq!(seen.values["size_bytes"], 10_u64.into());
        assert_eq!(seen.values["mode"], "0757".into());
        assert_eq!(seen.values["world_writable"], true.into());
        assert_eq!(seen.values["sha256"], Digest::of(b"#!/bin/sh\n").to_string().into());
        assert!(seen.values["mtime"].as_text().is_some_and(|t| t.ends_with('Z') && t.len() == 30));
        for (value, _) in DOC.values {
            assert!(seen.values.contains_key(*value) != seen.missing.contains_key(*value), "{value}");
        }
    }

    #[test]
    fn that_nothing_is_there_is_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let seen = see(&folder.path().join("gone"));
        assert_eq!(seen.values["exists"], false.into());
        assert_eq!(seen.missing["sha256"].reason, Reason::NotFound);
        assert_eq!(seen.missing["mode"].reason, Reason::NotFound);
        assert!(seen.absence.is_none());
    }

    #[test]
    fn denied_is_not_absent_whether_the_file_or_the_folder_denies() {
        let folder = tempfile::tempdir().unwrap();
        let closed = folder.path().join("closed");
        files::make_folder(&closed).unwrap();
        for path in [closed.join("file"), folder.path().join("file")] {
            files::write(&path, b"x").unwrap();
        }
        files::set_mode(&folder.path().join("file"), 0).unwrap();
        files::set_mode(&closed, 0).unwrap();
        let (content, all) = without_privileges(|| (see(&folder.path().join("file")), see(&closed.join("file"))));
        files::set_mode(&closed, 0o700).unwrap();

        assert_eq!(content.values["exists"], true.into());
        assert_eq!(content.missing["sha256"].reason, Reason::Denied);
        assert!(content.missing["sha256"].settle.as_deref().is_some_and(|c| c.starts_with("sudo sha256sum -- /")));
        let absence = all.absence.unwrap();
        assert_eq!(absence.reason, Reason::Denied);
        assert!(absence.settle.is_some_and(|c| c.starts_with("sudo stat -- /")) && all.values.is_empty());
    }

    #[test]
    fn a_link_is_named_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("latest");
        files::write(&folder.path().join("real"), b"x").unwrap();
        symlink("real", &link).unwrap();
        let seen = see(&link);
        assert_eq!(seen.values["kind"], "link".into());
        assert_eq!(seen.values["link_target"], "real".into());
        assert_eq!(seen.values["world_writable"], false.into());
        assert_eq!(seen.missing["sha256"].reason, Reason::NotApplicable);
    }

    #[test]
    fn what_is_no_file_is_described_and_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, socket) = (folder.path().join("pipe"), folder.path().join("socket"));
        fifo(&pipe);
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let paths = [(folder.path(), "folder"), (&pipe, "FIFO"), (&socket, "socket")];
        for (path, kind) in paths.into_iter().chain([(Path::new("/dev/null"), "character device")]) {
            let seen = see(path);
            assert_eq!(seen.values["kind"], kind.into());
            assert_eq!(seen.missing["sha256"].reason, Reason::NotApplicable, "{kind}");
        }
    }

    #[test]
    fn settings_are_checked_before_anything_is_read() {
        let error = |with: &str| prepare(&FileCollector, with).err().unwrap().message;
        assert!(error("{}").contains("path"));
        assert!(error("{ path: /x, sha265: true }").contains("sha265"));
        assert!(error("{ path: 7 }").contains("with:"));
    }
}
