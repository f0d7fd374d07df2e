//! What all threads of one examination share: limits, the lanes that hash, and the first failure.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Scope;

use super::keep::Keeper;
use super::lane::{Digest, Lane};
use super::options::Options;
use super::tap::Tap;

/// Why decoding stopped before the end.
pub(super) enum Stop<Damage> {
    Damage(Damage),
    /// A limit; nothing is wrong with what was read.
    Limit,
}

impl<Damage> From<Damage> for Stop<Damage> {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

/// Shared by every thread of one examination; cheap to clone.
#[derive(Clone)]
pub(super) struct Context<'s, 'e> {
    pub(super) scope: &'s Scope<'s, 'e>,
    pub(super) options: &'e Options,
    pub(super) tap: Option<&'e Tap<'e>>,
    pub(super) keeper: Keeper,
    state: Arc<State<'e>>,
}

struct State<'e> {
    should_stop: &'e (dyn Fn() -> bool + Sync),
    expanded: AtomicU64,
    expansion_limit_hit: AtomicBool,
    time_limit_hit: AtomicBool,
    failure: Mutex<Option<String>>,
    // What is stored, the payload, and the normalised payload are each hashed in a thread of
    // their own, started when first needed.
    stored: OnceLock<Lane>,
    payload: OnceLock<Lane>,
    normalised: OnceLock<Lane>,
}

impl<'s, 'e> Context<'s, 'e> {
    pub(super) fn new(
        scope: &'s Scope<'s, 'e>,
        options: &'e Options,
        should_stop: &'e (dyn Fn() -> bool + Sync),
        tap: Option<&'e Tap<'e>>,
    ) -> Context<'s, 'e> {
        Context {
            scope,
            options,
            tap,
            keeper: Keeper::new(options.max_names),
            state: Arc::new(State {
                should_stop,
                expanded: AtomicU64::new(0),
                expansion_limit_hit: AtomicBool::new(false),
                time_limit_hit: AtomicBool::new(false),
                failure: Mutex::new(None),
                stored: OnceLock::new(),
                payload: OnceLock::new(),
                normalised: OnceLock::new(),
            }),
        }
    }

    /// Accounts for decompressed bytes; false when decompression has to stop.
    pub(super) fn may_expand(&self, bytes: u64) -> bool {
        let total = self.state.expanded.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.options.expansion_limit.is_some_and(|limit| total > limit) {
            self.state.expansion_limit_hit.store(true, Ordering::Release);
            return false;
        }
        !self.time_is_up()
    }

    /// Asks the caller's deadline. Once it has passed it stays so.
    pub(super) fn time_is_up(&self) -> bool {
        if !self.time_limit_hit() && (self.state.should_stop)() {
            self.state.time_limit_hit.store(true, Ordering::Release);
        }
        self.time_limit_hit()
    }

    pub(super) fn time_limit_hit(&self) -> bool {
        self.state.time_limit_hit.load(Ordering::Acquire)
    }

    pub(super) fn expansion_limit_hit(&self) -> bool {
        self.state.expansion_limit_hit.load(Ordering::Acquire)
    }

    /// An end that was met now may be one of our own making.
    pub(super) fn cut_short(&self) -> bool {
        self.time_limit_hit() || self.expansion_limit_hit() || self.failed()
    }

    /// A digest of stored bytes.
    pub(super) fn stored_digest(&self) -> Option<Digest> {
        self.lane(&self.state.stored).map(Lane::digest)
    }

    /// A digest of a payload, when the caller wants one.
    pub(super) fn payload_digest(&self) -> Option<Digest> {
        if !self.options.payload_digests {
            return None;
        }
        self.lane(&self.state.payload).map(Lane::digest)
    }

    /// Where normalised payloads are hashed.
    pub(super) fn normalised_lane(&self) -> Option<&Lane> {
        self.lane(&self.state.normalised)
    }

    fn lane<'a>(&self, slot: &'a OnceLock<Lane>) -> Option<&'a Lane> {
        if slot.get().is_none() {
            match Lane::start(self.scope) {
                // Another thread may have been faster; then this lane ends at once.
                Ok(lane) => drop(slot.set(lane)),
                Err(error) => self.fail(error.to_string()),
            }
        }
        slot.get()
    }

    /// Remembers the first failure of the machinery itself.
    pub(super) fn fail(&self, what: String) {
        let mut failure = self.state.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(what);
    }

    fn failed(&self) -> bool {
        self.failure().is_some()
    }

    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.state.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone()
    }
}
