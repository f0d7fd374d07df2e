//! The client of a container engine, and what it says of the mounts and the size of one container.

use crate::base::child::Invocation;

use super::Kind;

/// A volume or folder of the host in the container.
pub(super) struct Mount {
    kind: String,
    /// Its name; empty for a folder.
    pub(super) name: String,
    place: String,
}

impl Mount {
    /// Reads `TYPE|NAME|PLACE`, as [`MOUNTS`] has it.
    pub(super) fn of(line: &str) -> Option<Self> {
        let mut parts = line.trim().splitn(3, '|').map(str::to_owned);
        Some(Self { kind: parts.next()?, name: parts.next()?, place: parts.next()? })
    }

    /// Whether the engine made it with the container, for a volume that the image declares: its name is a
    /// number of 64 digits.
    pub(super) fn is_anonymous(&self) -> bool {
        self.kind == "volume" && self.name.len() == 64 && self.name.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// Lets an engine list the mounts of a container, one a line.
pub(super) const MOUNTS: &str = "{{range .Mounts}}{{.Type}}|{{.Name}}|{{.Destination}}{{println}}{{end}}";

/// A command of the engine's client.
pub(super) fn engine(kind: Kind, words: &[&str]) -> Invocation {
    let inherit = ["DOCKER_*", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"];
    Invocation::new(kind.word()).args(words).inherit(&inherit)
}

/// How many bytes the container `name` has written in its own file system and in its volumes.
pub(super) fn size(kind: Kind, name: &str) -> Option<u64> {
    let said = |invocation: Invocation| {
        let outcome = invocation.run().ok().filter(|outcome| outcome.success())?;
        Some(String::from_utf8_lossy(&outcome.stdout).into_owned())
    };
    let format = format!("{{{{.SizeRw}}}}{{{{println}}}}{MOUNTS}");
    let seen = said(engine(kind, &["container", "inspect", "--size", "--format", &format, name]))?;
    let mut lines = seen.lines();
    let mut bytes: u64 = lines.next()?.trim().parse().ok()?;
    for mount in lines.filter_map(Mount::of) {
        let used = said(engine(kind, &["exec", "-i", name, "du", "-sk", &mount.place]))?;
        bytes += used.split_whitespace().next()?.parse::<u64>().ok()? << 10;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_volume_without_a_name_came_with_the_container() {
        let anonymous = |line: &str| Mount::of(line).unwrap().is_anonymous();
        assert!(anonymous(&format!("volume|{}|/var/lib/postgresql/data", "0f".repeat(32))));
        assert!(!anonymous("volume|pgdata|/var/lib/postgresql/data"));
        assert!(!anonymous(&format!("bind|{}|/srv", "0f".repeat(32))) && !anonymous("bind||/srv"));
        assert!(Mount::of("volume").is_none());
    }
}
