//! What a drill's own steps came to, as values of its fact: versions, messages, the bytes, the isolation.

use std::path::Path;

use crate::examine::Quality;
use crate::model::fact::{Absence, Reason};
use crate::model::value::{Map, Value};

use super::compare::Content;
use super::head;
use super::messages;
use super::restore::Restored;
use super::run::Part;

impl Part<'_, '_> {
    /// An image may hold any version: an older one cannot take the dump, a newer one only when it was ordered.
    pub(super) fn fits(&self, server: Option<u32>) -> Result<(), Absence> {
        let (Some(server), Some(dumped)) = (server, self.head.server_major()) else { return Ok(()) };
        let what = if server < dumped {
            "an older server may refuse it"
        } else if server > dumped && !self.order.allow_newer {
            "set `allow_newer: true` to use a newer version"
        } else {
            return Ok(());
        };
        let message = format!(
            "the drill's server is PostgreSQL {server}, the dump is from version {dumped}: {what}; nothing was restored"
        );
        Err(Absence::new(Reason::Unavailable, message))
    }

    pub(super) fn versions(&self, server: Value) -> Map {
        let mut versions = Map::new();
        let major = server.as_text().and_then(head::major);
        versions.insert("server".into(), server);
        if let Some(dumped) = &self.head.server_version {
            versions.insert("dump_server".into(), dumped.as_str().into());
            versions.insert("same_major".into(), (self.head.server_major() == major).into());
        }
        if let Some(program) = &self.head.dump_version {
            versions.insert("dump_program".into(), program.as_str().into());
        }
        versions
    }

    pub(super) fn messages(&mut self, restored: &Restored) {
        if let Some(code) = restored.outcome.code {
            self.seen.set("exit_code", Value::int(code));
        } else {
            self.seen.miss("exit_code", Absence::new(Reason::Failed, "a signal ended the client that restored"));
        }
        let found = messages::read(&restored.outcome.stderr);
        let counts = [("errors", found.errors), ("warnings", found.warnings), ("notices", found.notices)];
        let limit = || Absence::new(Reason::Limit, "the client said more than is read of it");
        for (name, count) in counts {
            match restored.cut {
                false => self.seen.set(name, Value::int(count)),
                true => self.seen.miss(name, limit()),
            }
        }
        self.seen.set("messages_cut", restored.cut || found.is_cut());
        let count = found.refused;
        self.refused = if count > 0 {
            let message = format!(
                "commands of the dump that reach beyond its server were refused ({count}): what was restored is not all that it asks for"
            );
            Some(Absence::new(Reason::Failed, message))
        } else {
            let message =
                "the client said more than is read of it: whether commands of the dump were refused is not known";
            restored.cut.then(|| Absence::new(Reason::Limit, message))
        };
        let agrees = restored.cut || found.agrees(self.order.jobs > 1);
        let cut = restored.cut || found.is_cut();
        let (list, expected) = found.into_values();
        self.seen.set("expected_messages", expected);
        match (cut, agrees) {
            (true, _) => {
                self.seen.miss("messages", messages::too_many());
                self.seen.set("messages_first", list);
            }
            (false, true) => self.seen.set("messages", list),
            (false, false) => {
                let message = "the client counted another number of errors than can be read from what it said";
                self.seen.miss("messages", Absence::new(Reason::Unparsable, message));
            }
        }
    }

    /// Whether the bytes were whole, whatever the client thought of them.
    pub(super) fn judge_bytes(&mut self, restored: &Restored) -> Result<(), Absence> {
        let found = &restored.examination;
        if let Some(sha256) = found.stored_sha256.as_deref().filter(|_| !self.dump.is_folder()) {
            self.seen.set("sha256", sha256);
        }
        let content = Content::of(found, self.order.member.as_deref())?;
        // A member can be whole although the archive around it is cut behind it.
        let good = content.examination.quality == Quality::Good
            && (self.order.member.is_some() || found.quality == Quality::Good);
        let mut dump = Map::new();
        if let Ok(Value::Map(values)) = Value::from_data(content.examination) {
            let kept = ["kind", "chain", "quality", "reasons", "caveats", "payload_bytes"];
            dump.extend(values.into_iter().filter(|(name, _)| kept.contains(&name.as_str())));
        }
        dump.insert("stored_bytes".into(), content.examination.stored_bytes.into());
        self.seen.set("dump", dump);
        match &self.refused {
            Some(refused) if good => self.seen.miss("complete", refused.clone()),
            _ => self.seen.set("complete", good),
        }
        Ok(())
    }
}

/// What the server says of its isolation, and what can be seen from outside.
pub(super) fn isolation(said: Map, outside: Map, folder: Option<&Path>) -> Map {
    let mut values = outside;
    let inside = |name: &str| {
        let path = said.get(name).and_then(Value::as_text)?;
        Some(Path::new(path).starts_with(folder?))
    };
    let data = inside("data_directory");
    let none_outside = said.get("tablespaces_outside").and_then(Value::as_int) == Some(0);
    if let (Some(data), Some(socket)) = (data, inside("socket_folder")) {
        values.insert("data_in_private_folder".into(), data.into());
        values.insert("socket_in_private_folder".into(), socket.into());
        let shared = if data && none_outside { "none" } else { "data outside of the private folder" };
        values.insert("shared_folder".into(), shared.into());
    } else if let Some(mounts) = values.get("mounts").and_then(Value::as_int) {
        // A volume without a name is made with the container and goes with it.
        let own = values.get("anonymous_volumes").and_then(Value::as_int).unwrap_or(0);
        let shared = if mounts == own { "none" } else { "mounts" };
        values.insert("shared_folder".into(), shared.into());
    }
    values.extend(said);
    values
}
