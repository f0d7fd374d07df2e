//! `restore.drill`: a backup is restored into a server that exists only for that, looked at, and
//! everything is put away again. The dump's bytes are examined in the same pass in which they are
//! restored: that a client accepted them does not mean that they were whole.
//!
//! It writes in one private folder (or one container) that it makes for itself and never in a server
//! that was there before: before anything is restored, the new server's identity is held against
//! every target of the case and every identity seen so far.

mod archive;
mod compare;
mod doc;
mod engine;
mod fence;
mod guard;
mod head;
mod inspect;
mod messages;
mod order;
mod proof;
mod restore;
mod run;
mod scratch;
mod smoke;
mod steps;
mod tell;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::base::{env, signal};
use crate::cluster::{self, ClusterError, Home};
use crate::hygiene::Raw;
use crate::model::fact::Observation;
use crate::model::plan::Action;

use super::{Collector, Doc, Prepared, SettingError, Settings, Surroundings};
use engine::Kind;
use order::Order;

/// The collector.
pub struct RestoreDrill;

struct Ready {
    order: Order,
    /// Made before the kernel's sandbox is entered; a look without one makes its own.
    home: Mutex<Option<Result<Home, ClusterError>>>,
}

impl Collector for RestoreDrill {
    fn doc(&self) -> &'static Doc {
        &doc::DOC
    }

    fn prepare(&self, settings: &Settings<'_>) -> Result<Box<dyn Prepared>, SettingError> {
        Ok(Box::new(Ready { order: Order::of(settings)?, home: Mutex::new(None) }))
    }
}

impl Prepared for Ready {
    fn plan(&self) -> Vec<Action> {
        self.order.plan()
    }

    fn make_room(&self) -> Option<PathBuf> {
        if self.order.engine != Kind::Local {
            return None;
        }
        let home = make_home(&self.order);
        let path = home.as_ref().ok().map(|home| home.path().to_owned());
        // Where it could not be made, the look says why.
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(home);
        path
    }

    fn look(&self, surroundings: &Surroundings<'_>) -> Raw<Observation> {
        let watch = signal::Watch::begin();
        let home = self.home.lock().unwrap_or_else(PoisonError::into_inner).take();
        let seen = run::drill(&self.order, home, surroundings);
        drop(watch);
        // Everything is put away: now a signal that came meanwhile may end us, and the run stays unsealed.
        signal::obey();
        Raw::new(seen)
    }
}

/// Clears away what killed drills left where this one goes, and makes its folder there.
fn make_home(order: &Order) -> Result<Home, ClusterError> {
    let user = cluster::unprivileged(&["nobody", "postgres"])?;
    let places = match &order.scratch {
        Some(folder) => vec![folder.clone()],
        None => vec![env::temporary_folder(), "/tmp".into()],
    };
    let mut made = Err(ClusterError::NoUser);
    for place in places {
        drop(cluster::sweep(&place));
        made = Home::make(&place, cluster::DRILL, user);
        if made.is_ok() {
            break;
        }
    }
    made
}
