//! A drill from its first step to its last. Whatever happens in between, what was made is put away
//! and the fact says that it was; what came out before something went wrong is kept.

use crate::base::clock::{self, Stopwatch};
use crate::base::text;
use crate::cluster::{ClusterError, Home};
use crate::collect::{Surroundings, subject};
use crate::model::fact::{Absence, Observation, Reason};
use crate::model::value::Value;

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
use super::tell::isolation;
use super::{doc, proof, smoke};

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
    let mut engine = engine::of(order, &head, home, surroundings.kernel)?;
    let gauge = Gauge::start(engine.meter(), order.scratch_limit, &steps.stop);
    let mut part = Part { order, head: &head, dump: &dump, surroundings, seen, steps, began, refused: None };
    let worked = part.work(&mut *engine, &gauge);
    match gauge.finish() {
        Some(bytes) => seen.set("scratch_peak_bytes", bytes),
        None => seen.miss("scratch_peak_bytes", Absence::new(Reason::Failed, "its size could not be measured")),
    }
    let left = engine.put_away(steps);
    seen.set("teardown", left);
    worked
}

/// What the steps between start and end share.
pub(super) struct Part<'a, 'b> {
    pub(super) order: &'a Order,
    pub(super) head: &'a Head,
    pub(super) dump: &'a Dump,
    surroundings: &'a Surroundings<'b>,
    pub(super) seen: &'a mut Observation,
    pub(super) steps: &'a mut Steps,
    began: i64,
    /// Why nothing may be called whole or equal: something in the dump was refused.
    pub(super) refused: Option<Absence>,
}

impl Part<'_, '_> {
    fn work(&mut self, engine: &mut dyn Engine, gauge: &Gauge) -> Result<(), Absence> {
        engine.raise(self.steps)?;
        self.identify(engine)?;
        self.roles(engine)?;
        let progress = self.surroundings.progress;
        let work = Work { order: self.order, head: self.head, dump: self.dump, engine, progress };
        let restored = work.restore(self.steps)?;
        // What was restored quickly is measured here.
        gauge.measure();
        if let Some(absence) = self.steps.stop.reason() {
            return Err(absence);
        }
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
        let major = server.as_text().and_then(head::major);
        self.seen.set("system_identifier", sysid.as_str());
        self.seen.set("versions", self.versions(server));
        self.fits(major)?;
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

    /// Roles belong to the cluster and not to a database dump: those that it needs are made empty. One that the
    /// new server has already, as its superuser, stays as it is.
    fn roles(&mut self, engine: &dyn Engine) -> Result<(), Absence> {
        let mut existing = Vec::new();
        let mut created: Vec<&str> = self.order.roles.iter().map(String::as_str).collect();
        if !created.is_empty() {
            let mut desk = Desk { engine, database: "postgres", steps: self.steps, how: &mut self.seen.how };
            let known = inspect::roles(&mut desk)?;
            existing = created.iter().copied().filter(|role| known.iter().any(|known| known == role)).collect();
            created.retain(|role| !existing.contains(role));
            created.sort_unstable();
            created.dedup();
            let sql: String = created.iter().map(|role| format!("CREATE ROLE {};\n", ident(role))).collect();
            let words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"];
            self.steps.need("roles", engine.client("psql", &words).stdin(sql))?;
        }
        let list = |roles: Vec<&str>| Value::List(roles.into_iter().map(Value::from).collect());
        self.seen.set("roles_created", list(created));
        self.seen.set("roles_existing", list(existing));
        Ok(())
    }

    fn look_at(&mut self, engine: &dyn Engine, restored: &Restored) -> Result<(), Absence> {
        let content = Content::of(&restored.examination, self.order.member.as_deref())?;
        let mut how = Vec::new();
        let mut desk = Desk { engine, database: DATABASE, steps: self.steps, how: &mut how };
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
