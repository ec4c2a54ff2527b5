//! State that all parts of one engine share: its store, clock and counters, and who runs and waits.

use crate::clock::Clock;
use crate::engine::claim::Claimable;
use crate::engine::deadline::within;
use crate::engine::definitions::Definitions;
use crate::engine::fair_queue::FairQueues;
use crate::engine::fences::Fences;
use crate::engine::heartbeat::{Heartbeat, Tools};
use crate::engine::in_flight::InFlight;
use crate::engine::purge::start_purging;
use crate::engine::remembered::Remembered;
use crate::engine::wait::WaitingRooms;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::observe::Counters;
use crate::seal::Seal;
use crate::store::own_thread::OwnThread;
use crate::store::{Entry, Locks, Store, Swap};
use crate::stripes::{Apart, Striped};
use bytes::Bytes;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most conversations with the store that go on at once behind their callers: one that was away meets no
/// storm.
const BEHIND_AT_ONCE: usize = 64;

/// The most unanswered claims that are kept to be given back.
const UNANSWERED: usize = 4096;

/// State that all parts of one engine share.
#[derive(Debug)]
pub(crate) struct EngineCore {
    pub(super) tools: Tools,
    /// The keys that outcomes are sealed with, and what lies beside records.
    pub(super) seal: Seal,
    /// Where locks live, unless they are records.
    pub(super) locks: Option<Arc<dyn Locks>>,
    pub(super) rooms: WaitingRooms,
    pub(super) in_flight: InFlight,
    pub(super) queues: FairQueues,
    pub(super) fences: Fences,
    pub(super) heartbeat: Heartbeat,
    pub(super) definitions: Definitions,
    /// Finished records that need not be asked for.
    pub(super) remembered: Remembered,
    /// Turns to ask the store behind a caller.
    pub(super) turns: Semaphore,
    /// Places for claims that were not answered.
    pub(super) unanswered: Arc<Semaphore>,
}

/// The same state, counted by one group of threads: what a run of theirs holds.
#[derive(Debug)]
pub(super) struct SharedCore(Apart<Arc<EngineCore>>);

impl SharedCore {
    /// One for each group of threads.
    pub(super) fn for_all(core: &Arc<EngineCore>) -> Striped<Arc<Self>> {
        Striped::of(|| Arc::new(Self(Apart(Arc::clone(core)))))
    }
}

impl Deref for SharedCore {
    type Target = EngineCore;

    fn deref(&self) -> &EngineCore {
        &self.0.0
    }
}

impl EngineCore {
    pub(super) fn new(
        tools: Tools,
        locks: Option<Arc<dyn Locks>>,
        waiters: usize,
        remembered: Remembered,
        seal: Seal,
    ) -> Self {
        let in_flight = InFlight::told(tools.counters.meters.in_flight.clone());
        Self {
            tools,
            seal,
            locks,
            rooms: WaitingRooms::new(waiters),
            in_flight,
            queues: FairQueues::new(waiters),
            fences: Fences::default(),
            heartbeat: Heartbeat::default(),
            definitions: Definitions::default(),
            remembered,
            turns: Semaphore::new(BEHIND_AT_ONCE),
            unanswered: Arc::new(Semaphore::new(UNANSWERED)),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.tools.store
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.tools.clock
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.tools.counters
    }

    /// The number of the first claim of a key that nobody knows.
    pub(super) fn first_attempt(&self, claimable: Claimable) -> u64 {
        match claimable {
            Claimable::Any | Claimable::Issued => 1,
            Claimable::InOrder => self.fences.first(self.clock().wall()),
        }
    }

    /// Starts the thread that keeps leases alive and purges: there is one before anything runs.
    pub(super) fn start_thread(&self) -> Result<&OwnThread, StoreError> {
        self.heartbeat
            .start(&self.tools, |thread| start_purging(thread, &self.tools))
            .map_err(|error| StoreError::new(StoreErrorKind::Unavailable, "renew").because(error))
    }

    /// Lets some work go on behind its caller, on a thread that no handler blocks.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.start_thread() {
            Ok(thread) => thread.spawn(work),
            Err(error) => {
                let what = "a key could not be given back for want of a thread";
                tracing::warn!(%error, "{what}; it is freed when the lease expires");
            }
        }
    }

    /// Puts a value where nothing is, within the deadline; answers what is there instead.
    pub(super) async fn create(
        &self,
        key: &StorageKey,
        value: &Bytes,
        life: Duration,
    ) -> Result<Option<Bytes>, StoreError> {
        within(self.tools.patience, "create", pin!(self.store().create(key, value, life))).await
    }

    /// Exchanges a value for another, within the deadline.
    pub(super) async fn swap(
        &self,
        key: &StorageKey,
        expected: &Bytes,
        value: &Bytes,
        life: Duration,
    ) -> Result<Swap, StoreError> {
        within(self.tools.patience, "swap", pin!(self.store().swap(key, expected, value, life)))
            .await
    }

    /// Reads a value and the life it has left, within the deadline.
    pub(super) async fn read(&self, key: &StorageKey) -> Result<Option<Entry>, StoreError> {
        within(self.tools.patience, "read", pin!(self.store().read(key))).await
    }
}
