//! A drill from its first step to its last. Whatever happens in between, what was made is put away
//! and the fact says that it was; what came out before something went wrong is kept.

use std::path::Path;

use crate::base::clock::{self, Stopwatch};
use crate::base::text;
use crate::cluster::{ClusterError, Home};
use crate::collect::{Surroundings, subject};
use crate::examine::Quality;
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::{Map, Value};

use super::archive::Dump;
use super::compare::{self, Content};
use super::engine::{self, DATABASE, Engine};
use super::guard::{self, NewServer};
use super::head::{self, Head};
use super::inspect::{self, Desk};
use super::order::{Order, ident};
use super::restore::{Restored, Work};
use super::scratch::Gauge;
use super::steps::{Steps, Stop, seconds};
use super::{doc, messages, proof, smoke};

/// How far an initdb time may lie before the drill's own start: identifiers count whole seconds.
const CLOCK_SLACK: i64 = 2;

/// Carries the order out.
pub(super) fn drill(
    order: &Order,
    home: Option<Result<Home, ClusterError>>,
    surroundings: &Surroundings<'_>,
) -> Observation {
    let watch = Stopwatch::start();
    let began = clock::now().timestamp();
    let mut seen = Observation::of(order.source());
    seen.how = order.plan().into_iter().map(|action| action.what).collect();
    let mut steps = Steps::new(Stop::after(order.limit));
    let carried = carry_out(order, home, surroundings, &mut seen, &mut steps, began);
    seen.set("steps", steps.into_value());
    seen.set("seconds", seconds(watch.elapsed()));
    let rest = match carried {
        Ok(()) => Absence::new(Reason::NotApplicable, "this drill has no such part"),
        Err(absence) => absence,
    };
    subject::miss_the_rest(&mut seen, &doc::DOC, &rest);
    seen
}

fn carry_out(
    order: &Order,
    home: Option<Result<Home, ClusterError>>,
    surroundings: &Surroundings<'_>,
    seen: &mut Observation,
    steps: &mut Steps,
    began: i64,
) -> Result<(), Absence> {
    seen.set("path", text::from_name(&order.path).into_owned());
    seen.set("mode", order.mode.word());
    seen.set("engine", order.engine.word());
    let dump = Dump::find(&order.path)?;
    seen.set("size_bytes", dump.bytes());
    let stop = steps.stop.clone();
    let head = steps
        .timed("look", &format!("read the beginning of {}", order.source()), |_| head::read(order, &dump, &stop))?;
    seen.set("format", head.format.word());
    let limits = proof::limits(order, head.format).into_iter().map(Value::from).collect();
    seen.set("does_not_prove", Value::List(limits));
    let mut engine = engine::of(order, &head, home)?;
    let gauge = engine.folder().map(|folder| Gauge::start(folder, order.scratch_limit, &steps.stop));
    let mut part = Part { order, head: &head, dump: &dump, surroundings, seen, steps, began, refused: None };
    let worked = part.work(&mut *engine);
    if let Some(gauge) = gauge {
        seen.set("scratch_peak_bytes", gauge.finish());
    }
    let left = engine.put_away(steps);
    seen.set("teardown", left);
    worked
}

/// What the steps between start and end share.
struct Part<'a, 'b> {
    order: &'a Order,
    head: &'a Head,
    dump: &'a Dump,
    surroundings: &'a Surroundings<'b>,
    seen: &'a mut Observation,
    steps: &'a mut Steps,
    began: i64,
    /// Why nothing may be called whole or equal: something in the dump was refused.
    refused: Option<Absence>,
}

impl Part<'_, '_> {
    fn work(&mut self, engine: &mut dyn Engine) -> Result<(), Absence> {
        engine.raise(self.steps)?;
        self.identify(engine)?;
        self.roles(engine)?;
        let progress = self.surroundings.progress;
        let work = Work { order: self.order, head: self.head, dump: self.dump, engine, progress };
        let restored = work.restore(self.steps)?;
        if !self.dump.unchanged() {
            return Err(subject::changed(&self.order.path));
        }
        self.seen.set("restore_seconds", seconds(restored.outcome.took));
        self.messages(&restored);
        self.judge_bytes(&restored)?;
        self.look_at(engine, &restored)
    }

    /// Who the new server is, that it is none of the others, and how it is cut off.
    fn identify(&mut self, engine: &mut dyn Engine) -> Result<(), Absence> {
        let mut desk = Desk { engine, database: "postgres", steps: self.steps, how: &mut self.seen.how };
        let mut said = inspect::identity(&mut desk)?;
        let none = || Absence::new(Reason::Unparsable, "the drill's server has no identity");
        let mut take = |name: &str| said.remove(name).ok_or_else(none);
        let (sysid, server) = (take("system_identifier")?, take("server")?);
        let sysid = sysid.as_text().ok_or_else(none)?.to_owned();
        self.seen.set("system_identifier", sysid.as_str());
        self.seen.set("versions", self.versions(server));
        let new = NewServer { sysid: &sysid, socket: engine.socket() };
        let compared = guard::compare(&new, &self.order.guarded, self.surroundings.facts)?;
        self.seen.set("differs_from", Value::List(compared));
        let made = sysid.parse::<u64>().ok().and_then(|id| i64::try_from(id >> 32).ok()).ok_or_else(none)?;
        if let Some(time) = clock::from_epoch(made, 0) {
            self.seen.set("initdb_time", clock::stamp_seconds(time));
        }
        if made < self.began - CLOCK_SLACK {
            let message =
                "the drill's server was not made by this drill: its identifier is older; nothing was restored";
            return Err(Absence::new(Reason::WrongIdentity, message));
        }
        let outside = engine.isolation(self.steps)?;
        self.seen.set("isolation", isolation(said, outside, engine.folder()));
        Ok(())
    }

    fn versions(&self, server: Value) -> Map {
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

    /// Roles belong to the cluster and are in no database dump: those that it needs are made empty.
    fn roles(&mut self, engine: &dyn Engine) -> Result<(), Absence> {
        let roles = &self.order.roles;
        if !roles.is_empty() {
            let sql: String = roles.iter().map(|role| format!("CREATE ROLE {};\n", ident(role))).collect();
            let words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"];
            self.steps.need("roles", engine.client("psql", &words).stdin(sql))?;
        }
        self.seen.set("roles_created", Value::List(roles.iter().map(|role| role.as_str().into()).collect()));
        Ok(())
    }

    fn messages(&mut self, restored: &Restored) {
        if let Some(code) = restored.outcome.code {
            self.seen.set("exit_code", Value::int(code));
        } else {
            self.seen.miss("exit_code", Absence::new(Reason::Failed, "a signal ended the client that restored"));
        }
        let found = messages::read(&restored.outcome.stderr);
        self.seen.set("errors", Value::int(found.errors));
        self.seen.set("warnings", Value::int(found.warnings));
        self.seen.set("notices", Value::int(found.notices));
        self.seen.set("messages_cut", restored.cut);
        self.refused = (found.refused > 0).then(|| {
            let count = found.refused;
            let message = format!("commands of the dump that reach beyond its server were refused ({count}): what was restored is not all that it asks for");
            Absence::new(Reason::Failed, message)
        });
        if found.agrees(self.order.jobs > 1) {
            self.seen.set("messages", found.into_value());
        } else {
            let message = "the client counted another number of errors than can be read from what it said";
            self.seen.miss("messages", Absence::new(Reason::Unparsable, message));
        }
    }

    /// Whether the bytes were whole, whatever the client thought of them.
    fn judge_bytes(&mut self, restored: &Restored) -> Result<(), Absence> {
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
            let kept = ["kind", "chain", "quality", "reasons", "payload_bytes"];
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

    fn look_at(&mut self, engine: &dyn Engine, restored: &Restored) -> Result<(), Absence> {
        let content = Content::of(&restored.examination, self.order.member.as_deref())?;
        let own = content.database();
        let database = own.as_deref().unwrap_or(DATABASE);
        let mut how = Vec::new();
        let mut desk = Desk { engine, database, steps: self.steps, how: &mut how };
        let looked = look_inside(self.order, &content, self.refused.as_ref(), &mut desk, self.seen);
        self.seen.how.append(&mut how);
        looked
    }
}

fn look_inside(
    order: &Order,
    content: &Content<'_>,
    refused: Option<&Absence>,
    desk: &mut Desk<'_>,
    seen: &mut Observation,
) -> Result<(), Absence> {
    seen.set("restored", inspect::objects(desk)?);
    seen.set("indexes", inspect::indexes(desk)?);
    seen.set("extensions_missing", inspect::extensions_missing(desk, content.extensions())?);
    match inspect::counts(desk, order) {
        Ok(counted) => {
            compare::tell(order, content, &counted, refused, seen);
            seen.set("partitioned_counts", inspect::partitioned_counts(desk, order)?);
        }
        Err(absence) if absence.reason == Reason::NotApplicable => {
            for name in [
                "counts",
                "partitioned_counts",
                "rows_total",
                "dump_counts",
                "dump_rows_total",
                "counts_equal",
                "counts_differ",
            ] {
                seen.miss(name, absence.clone());
            }
        }
        Err(absence) => return Err(absence),
    }
    inspect::digests(desk, order, seen)?;
    let (results, all) = smoke::ask(desk, order)?;
    seen.set("smoke", results);
    if order.smoke.is_empty() {
        seen.miss("smoke_holds", Absence::new(Reason::NotApplicable, "the case asks no smoke question"));
    } else {
        seen.set("smoke_holds", all);
    }
    let unwanted = || Absence::new(Reason::NotApplicable, "the case asks for no check of the indexes");
    let checked = if order.amcheck { inspect::amcheck(desk) } else { Err(unwanted()) };
    match (checked, desk.steps.stop.reason()) {
        (_, Some(stopped)) => return Err(stopped),
        (Ok(checked), None) => seen.set("amcheck", checked),
        (Err(absence), None) => seen.miss("amcheck", absence),
    }
    Ok(())
}

/// What the server says of its isolation, and what can be seen from outside.
fn isolation(said: Map, outside: Map, folder: Option<&Path>) -> Map {
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
        let shared = if mounts == 0 { "none" } else { "mounts" };
        values.insert("shared_folder".into(), shared.into());
    }
    values.extend(said);
    values
}
