//! `disk`: how much room the file system under a path has, and how it is mounted. The figures are
//! those of one instant; what will be needed is a matter for the policy.

use std::path::PathBuf;

use serde::Deserialize;

use crate::base::files::ReadError;
use crate::base::mounts::{self, Mount, Space};
use crate::base::text;
use crate::hygiene::Raw;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::plan::{Action, Verb};
use crate::model::value::Value;

use super::{Collector, Doc, Prepared, Setting, SettingError, Settings, Surroundings, subject};

/// The collector.
pub struct DiskCollector;

static DOC: Doc = Doc {
    name: "disk",
    summary: "the file system under a path: free and available bytes, inodes, mount point and options",
    detail: "Asks the kernel (`statvfs`) and reads its list of mounts; opens nothing else. `available_bytes` is what \
             a user without privileges may still write; a quota, a reservation or a thin volume below can allow \
             less, and this look does not see them. The figures hold for one instant.",
    needs_target: false,
    settings: &[Setting {
        name: "path",
        kind: "text",
        required: true,
        meaning: "a file or folder on that file system; relative paths start from the case's folder",
    }],
    values: &[
        ("exists", "whether anything stands at the path"),
        ("path", "the path"),
        ("mount_point", "where the file system is mounted"),
        ("device", "what is mounted there: a device, a share, or a word of the file system's own"),
        ("file_system", "its type, e.g. `ext4`, `overlay`, `nfs4`"),
        ("mount_options", "the options of this mount, in the kernel's order"),
        ("super_options", "the options of the file system itself"),
        ("read_only", "whether it is mounted read-only"),
        ("total_bytes", "its size in bytes"),
        ("used_bytes", "bytes in use"),
        ("free_bytes", "bytes not in use, with those kept back for root"),
        ("available_bytes", "bytes that a user without privileges may still write"),
        ("used_share", "used / (used + available), from 0 to 1, as `df` computes its percentage"),
        ("inodes_total", "the number of inodes, where the file system counts them"),
        ("inodes_free", "inodes not in use"),
        ("inodes_used_share", "the share of inodes in use, from 0 to 1"),
    ],
    example: "- id: disk\n  uses: disk\n  with: { path: /srv/backups }\n",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    path: String,
}

struct Ready {
    path: PathBuf,
}

impl Collector for DiskCollector {
    fn doc(&self) -> &'static Doc {
        &DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        let With { path } = settings.decode()?;
        Ok(Box::new(Ready { path: settings.path(&path) }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        self.how().into_iter().map(|how| Action::new(Verb::Read, how)).collect()
    }

    fn look(&self, _: &Surroundings<'_>) -> Raw<Observation> {
        let mut seen = match mounts::space(&self.path) {
            Ok(space) => self.see(space),
            Err(error) => subject::unseen(&self.path, &DOC, &error),
        };
        seen.how = self.how().into();
        Raw::new(seen)
    }
}

impl Ready {
    fn how(&self) -> [String; 2] {
        [format!("{}, statvfs of its file system", text::from_name(&self.path)), "/proc/self/mountinfo".to_owned()]
    }

    fn see(&self, space: Space) -> Observation {
        let name = text::from_name(&self.path);
        let mut seen = Observation::of(name.clone());
        seen.set("exists", true);
        seen.set("path", name.clone());
        tell_space(&space, &mut seen);
        match mounts::mount_of(&self.path) {
            Ok(Some(mount)) => tell_mount(&mount, &mut seen),
            other => {
                let settle = format!("findmnt -T {}", text::shell_word(&name));
                subject::miss_the_rest(&mut seen, &DOC, &no_mount(other.err().as_ref(), &settle));
            }
        }
        seen
    }
}

fn no_mount(error: Option<&ReadError>, settle: &str) -> Absence {
    let absent = || Absence::new(Reason::NotFound, "the kernel's list names no mount above this path");
    error.map_or_else(absent, |error| subject::absence(error, settle)).settled_by(settle)
}

fn tell_space(space: &Space, seen: &mut Observation) {
    let used = space.total_bytes.saturating_sub(space.free_bytes);
    seen.set("total_bytes", space.total_bytes);
    seen.set("used_bytes", used);
    seen.set("free_bytes", space.free_bytes);
    seen.set("available_bytes", space.available_bytes);
    seen.set("read_only", space.read_only);
    tell_share("used_share", used, used.saturating_add(space.available_bytes), seen);
    if space.inodes_total == 0 {
        for name in ["inodes_total", "inodes_free", "inodes_used_share"] {
            seen.miss(name, Absence::new(Reason::NotApplicable, "this file system does not count inodes"));
        }
        return;
    }
    seen.set("inodes_total", space.inodes_total);
    seen.set("inodes_free", space.inodes_free);
    tell_share("inodes_used_share", space.inodes_total.saturating_sub(space.inodes_free), space.inodes_total, seen);
}

fn tell_share(name: &str, part: u64, whole: u64, seen: &mut Observation) {
    #[expect(clippy::cast_precision_loss, reason = "four digits are kept")]
    let share = (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0);
    match share.and_then(Value::real) {
        Some(share) => seen.set(name, share),
        None => seen.miss(name, Absence::new(Reason::NotApplicable, "this file system has no size")),
    }
}

fn tell_mount(mount: &Mount, seen: &mut Observation) {
    seen.set("mount_point", text::from_name(&mount.point));
    seen.set("device", mount.source.clone());
    seen.set("file_system", mount.kind.clone());
    seen.set("mount_options", mount.options.clone());
    seen.set("super_options", mount.super_options.clone());
}

#[cfg(test)]
mod tests {
    use super::super::testing::{look, prepare};
    use super::*;

    #[test]
    fn says_everything_of_a_folder_or_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let seen = look(&DiskCollector, &format!("{{ path: {:?} }}", folder.path()));
        for (path, _) in DOC.values {
            assert!(seen.values.contains_key(*path) != seen.missing.contains_key(*path), "{path}");
        }
        let figure = |name: &str| seen.values[name].as_int().unwrap();
        assert!(figure("free_bytes") >= figure("available_bytes") && figure("total_bytes") > 0);
        assert_eq!(figure("used_bytes") + figure("free_bytes"), figure("total_bytes"));
    }

    #[test]
    fn nothing_there_is_a_value_and_has_no_room() {
        let seen = look(&DiskCollector, "{ path: /no/such/place }");
        assert_eq!(seen.values["exists"], false.into());
        assert_eq!(seen.missing["available_bytes"].reason, Reason::NotFound);
        assert!(prepare(&DiskCollector, "{}").is_err());
    }

    #[test]
    fn a_file_system_that_counts_no_inodes_says_so() {
        let mut seen = Observation::of("x");
        let space = Space {
            total_bytes: 400,
            free_bytes: 100,
            available_bytes: 100,
            inodes_total: 0,
            inodes_free: 0,
            read_only: true,
        };
        tell_space(&space, &mut seen);
        assert_eq!(seen.values["used_share"], Value::Real(0.75));
        assert_eq!(seen.missing["inodes_free"].reason, Reason::NotApplicable);
    }
}
